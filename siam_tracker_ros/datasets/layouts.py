"""The layouts that evaluation reads, by name, and which of them a folder has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from siam_tracker_ros.datasets import dtb70, got10k, lasot, nfs, otb100, uav123, uavdt, vot
from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.datasets.sequences import SequenceSurvey, survey_sequences

__all__ = ["AUTO", "LAYOUTS", "Layout", "recognise_layout", "survey_layout"]

AUTO = "auto"


@dataclass(frozen=True)
class Layout:
    """One way of laying sequences out in a folder.

    recognise: whether a folder is laid out like this, by names of files alone.
    survey: checks the sequences of a folder without decoding them; DatasetError when it holds none.
    """

    name: str
    recognise: Callable[[Path], bool]
    survey: Callable[[Path], SequenceSurvey]


# In the order of asking: a layout comes before those that would take its folders for theirs.
LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout("uav123", uav123.recognise, uav123.survey),
        Layout("uav20l", uav123.recognise_long, uav123.survey_long),
        Layout("uavdt", uavdt.recognise, uavdt.survey),
        Layout("got10k", got10k.recognise, got10k.survey),
        Layout("nfs", nfs.recognise, nfs.survey),
        Layout("dtb70", dtb70.recognise, dtb70.survey),
        Layout("otb100", otb100.recognise, otb100.survey),
        Layout("lasot", lasot.recognise, lasot.survey),
        Layout("vot", vot.recognise, vot.survey),
        Layout("folders", lambda folder: True, survey_sequences),
    )
}


def recognise_layout(folder: str | Path) -> Layout:
    """The first layout that recognises `folder`; the folder of sequences where none does."""
    folder = Path(folder)
    return next(layout for layout in LAYOUTS.values() if layout.recognise(folder))


def survey_layout(folder: str | Path, layout: str = AUTO) -> SequenceSurvey:
    """Check every sequence in `folder`, laid out as `layout` says or as it looks.

    Raises DatasetError when the folder holds none, or the layout is unknown.
    """
    folder = Path(folder)
    if layout != AUTO and layout not in LAYOUTS:
        raise DatasetError(f"there is no layout {layout}; there are {', '.join([AUTO, *sorted(LAYOUTS)])}")
    if not folder.is_dir():
        raise DatasetError(f"{folder}: is not a folder; name a folder of sequences")
    return (recognise_layout(folder) if layout == AUTO else LAYOUTS[layout]).survey(folder)
