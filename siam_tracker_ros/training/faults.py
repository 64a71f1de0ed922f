"""Pictures and annotations that cannot be read: counted and told, and the end of a run only where they are many."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.training.views import BrokenView

_MOST = 0.1  # of a source's draws
_FEW = 20  # files that are always put up with

_log = logging.getLogger(__name__)


@dataclass
class Faults:
    """Draws of one source that failed since this process began; each worker of a loader counts its own.

    Attributes:
        name: of the source.
        draws: how many there were. failed: how many of them failed.
        files: what they failed at, once each.
    """

    name: str
    draws: int = 0
    failed: int = 0
    files: set[str] = field(default_factory=set)

    def add(self, error: DatasetError) -> None:
        """Count a failed draw, and warn of its file if that is a new one.

        Raises:
            DatasetError: more than 20 files failed, and more than a tenth of all draws: with other views in their place
                the run would train on something else than its recipe says.
        """
        self.failed += 1
        file = str(error.view.path) if isinstance(error, BrokenView) else str(error)
        if file not in self.files:
            self.files.add(file)
            _log.warning("%s: other views are taken instead: %s", self.name, error)
        if len(self.files) > _FEW and self.failed > _MOST * self.draws:
            raise DatasetError(
                f"{self.name}: {self.failed} of {self.draws} draws failed, at {len(self.files)} files; restore them or "
                f"take the source out of the recipe. The last: {error}"
            ) from error
