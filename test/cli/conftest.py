"""A short video for the commands that take one."""

import pytest
from filled import moving_clip

from siam_tracker_ros.video import VideoWriter


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    """A short video with its ground truth beside it."""
    folder = tmp_path_factory.mktemp("clip")
    frames, box = moving_clip(8)
    height, width = frames[0].shape[:2]
    with VideoWriter(folder / "video.mp4", 10.0, (width, height)) as video:
        for frame in frames:
            video.write(frame)
    line = ",".join(f"{value:g}" for value in box)
    (folder / "groundtruth.txt").write_text(f"{line}\n" * len(frames))
    return folder
