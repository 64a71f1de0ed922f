"""Reading files, folders and cameras; writing H.264 that can be read again."""

import cv2
import numpy as np
import pytest

from siam_tracker_ros.video import FOLDER_FPS, VideoError, VideoWriter, open_source


def picture(number: int, width: int = 64, height: int = 48) -> np.ndarray:
    """A smooth picture whose brightness says its number."""
    return np.full((height, width, 3), 10 * number + 20, np.uint8)


def write(path, count: int = 5, size=(64, 48), fps: float = 25.0):
    with VideoWriter(path, fps, size) as video:
        for number in range(count):
            video.write(picture(number, *size))
    return path


def test_a_written_video_reads_back(tmp_path):
    source = open_source(write(tmp_path / "deep" / "clip.mp4"))
    assert (source.name, source.fps, source.size, source.count) == ("clip.mp4", 25.0, (64, 48), 5)
    frames = list(source)
    assert len(frames) == 5
    for number, frame in enumerate(frames):
        assert frame.dtype == np.uint8
        assert round((frame.mean() - 20) / 10) == number, "the frames keep their order"


def test_colours_keep_their_order(tmp_path):
    frame = np.zeros((48, 64, 3), np.uint8)
    frame[..., 2] = 255  # red in BGR
    with VideoWriter(tmp_path / "red.mp4", 10, (64, 48)) as video:
        video.write(frame)
    read = next(iter(open_source(tmp_path / "red.mp4")))
    assert read[..., 2].mean() > 230
    assert read[..., 0].mean() < 25


@pytest.mark.parametrize("size", [(63, 48), (64, 47), (33, 21)])
def test_odd_sizes_are_written_too(tmp_path, size):
    source = open_source(write(tmp_path / "odd.mp4", size=size))
    width, height = source.size
    assert (width - size[0], height - size[1]) == (size[0] % 2, size[1] % 2)
    assert len(list(source)) == 5


def test_the_codec_is_h264_in_the_format_that_browsers_play(tmp_path):
    av = pytest.importorskip("av")
    with av.open(str(write(tmp_path / "clip.mp4"))) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")


def test_a_video_is_whole_after_an_error_in_the_block(tmp_path):
    def interrupted() -> None:
        with VideoWriter(tmp_path / "clip.mp4", 25, (64, 48)) as video:
            video.write(picture(0))
            video.write(picture(1))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(list(open_source(tmp_path / "clip.mp4"))) == 2


def test_closing_twice_or_without_a_frame_is_no_error(tmp_path):
    writer = VideoWriter(tmp_path / "clip.mp4", 25, (64, 48))
    writer.close()
    writer.close()


@pytest.mark.parametrize(
    "frame",
    [np.zeros((48, 65, 3), np.uint8), np.zeros((48, 64), np.uint8), np.zeros((48, 64, 3), np.float32)],
    ids=["size", "grey", "float"],
)
def test_a_frame_that_does_not_fit_is_refused(tmp_path, frame):
    with VideoWriter(tmp_path / "clip.mp4", 25, (64, 48)) as video, pytest.raises(ValueError, match="does not fit"):
        video.write(frame)


def test_a_folder_s_images_come_in_the_order_of_their_numbers(tmp_path):
    for number in (0, 2, 10, 9, 1):
        cv2.imwrite(str(tmp_path / f"frame{number}.png"), picture(number))
    (tmp_path / "notes.txt").write_text("no image")
    source = open_source(str(tmp_path))
    assert (source.fps, source.size, source.count) == (FOLDER_FPS, (64, 48), 5)
    assert [int(frame[0, 0, 0]) for frame in source] == [20, 30, 40, 110, 120]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("missing.mp4", None, "no such file or folder"),
        ("text.mp4", b"this is no video", "no picture in it can be decoded"),
        ("empty.mp4", b"", "no picture in it can be decoded"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, name, content, says):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(VideoError, match=says) as caught:
        open_source(tmp_path / name)
    assert name in str(caught.value)


def test_a_folder_without_images_is_named(tmp_path):
    with pytest.raises(VideoError, match="no images in this folder"):
        open_source(tmp_path)


def test_a_broken_image_in_a_folder_is_named(tmp_path):
    cv2.imwrite(str(tmp_path / "0.png"), picture(0))
    (tmp_path / "1.png").write_bytes(b"broken")
    with pytest.raises(VideoError, match=r"1\.png"):
        list(open_source(tmp_path))


@pytest.mark.parametrize("index", [97, "97"])
def test_a_camera_that_is_not_there_is_named(index):
    with pytest.raises(VideoError, match="camera 97"):
        open_source(index)


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(VideoError, match=r"folder\.mp4: cannot be written"):
        VideoWriter(tmp_path / "folder.mp4", 25, (64, 48))
