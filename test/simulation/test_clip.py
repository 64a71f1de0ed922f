"""A flight written to files reads back as a sequence with its ground truth."""

import numpy as np
import pytest

pytest.importorskip("skimage", reason="the flight's photographs lie in scikit-image's wheel")

from siam_tracker_ros.datasets.sequences import load_sequence
from siam_tracker_ros.simulation import Flight, FlightSettings
from siam_tracker_ros.simulation.clip import write_clip


def test_a_clip_is_a_sequence_like_any_other(tmp_path):
    settings = FlightSettings(width=320, height=180, fps=5.0, duration=9.0)
    steps = []
    video = write_clip(tmp_path / "clip", settings, progress=lambda: steps.append(1))
    assert video == tmp_path / "clip" / "video.mp4"
    flight = Flight(settings)
    sequence = load_sequence(tmp_path / "clip")
    assert len(sequence) == len(flight) == len(steps) == 45
    visibility = np.loadtxt(tmp_path / "clip" / "visibility.txt")
    for frame, picture, box, share in zip(flight, sequence.frames(), sequence.boxes, visibility, strict=True):
        np.testing.assert_array_equal(box, frame.box.as_tuple())
        assert share == pytest.approx(frame.visibility, abs=1e-4)
        assert np.abs(picture.astype(int) - frame.image).mean() < 4
    assert np.isnan(sequence.boxes).any()
