"""Frames in, video out: video files, folders of images and cameras are read alike; videos are written as
H.264.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
from numpy.typing import NDArray

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})
FOLDER_FPS = 30.0
"""Frames a second given to a folder of images, which says nothing about it."""


class VideoError(ValueError):
    """A source that cannot be read, or a video that cannot be written; the message says what to do."""


class FrameSource:
    """Frames from a file, a folder or a camera: iterate once over BGR uint8 [H, W, 3].

    name: what a person would call it. fps: frames a second. size: width and height in pixels.
    count: number of frames, or None where only the end tells (cameras, some containers).
    """

    def __init__(
        self,
        name: str,
        frames: Iterator[NDArray[np.uint8]],
        fps: float,
        size: tuple[int, int],
        count: int | None,
    ) -> None:
        self.name, self.fps, self.size, self.count = name, fps, size, count
        self._frames = frames

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return self._frames


def open_source(source: str | Path | int) -> FrameSource:
    """A video file, a folder of images (in the order of their names) or a camera by its index (``0`` or
    ``"0"``).

    Raises VideoError: nothing there, nothing that can be decoded, or no such camera.
    """
    if isinstance(source, int) or (isinstance(source, str) and re.fullmatch(r"\d{1,3}", source)):
        return _open_camera(int(source))
    path = Path(source)
    if path.is_dir():
        return _open_folder(path)
    if not path.exists():
        raise VideoError(f"{path}: no such file or folder")
    return _open_file(path)


def _open_file(path: Path) -> FrameSource:
    capture = cv2.VideoCapture(str(path))
    ok, first = capture.read()
    if not ok:
        capture.release()
        raise VideoError(f"{path}: no picture in it can be decoded; give a video file (for example .mp4) or a folder")
    fps = capture.get(cv2.CAP_PROP_FPS)
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    return FrameSource(
        path.name,
        _read_all(capture, _as_bytes(first)),
        fps if np.isfinite(fps) and 0.5 <= fps <= 1000 else FOLDER_FPS,
        (first.shape[1], first.shape[0]),
        count if count > 0 else None,
    )


def _open_camera(index: int) -> FrameSource:
    capture = cv2.VideoCapture(index)
    ok, first = capture.read()
    if not ok:
        capture.release()
        raise VideoError(
            f"camera {index} gives no picture: is it plugged in, and may this user read /dev/video{index}?"
        )
    fps = capture.get(cv2.CAP_PROP_FPS)
    size = (first.shape[1], first.shape[0])
    return FrameSource(
        f"camera {index}", _read_all(capture, _as_bytes(first)), fps if fps > 0 else FOLDER_FPS, size, None
    )


def _read_all(capture: cv2.VideoCapture, first: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    try:
        yield first
        while True:
            ok, frame = capture.read()
            if not ok:
                return
            yield _as_bytes(frame)
    finally:
        capture.release()


def _open_folder(path: Path) -> FrameSource:
    files = sorted((p for p in path.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES), key=_by_number)
    if not files:
        raise VideoError(f"{path}: no images in this folder (looked for {', '.join(sorted(IMAGE_SUFFIXES))})")
    height, width = _read_image(files[0]).shape[:2]
    return FrameSource(path.name, (_read_image(file) for file in files), FOLDER_FPS, (width, height), len(files))


def _by_number(path: Path) -> list[tuple[int, str]]:
    """Names in the order a person counts: frame2 before frame10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path.name)]


def _read_image(path: Path) -> NDArray[np.uint8]:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise VideoError(f"{path}: this image cannot be decoded; repair or remove it")
    return _as_bytes(image)


def _as_bytes(image: np.ndarray) -> NDArray[np.uint8]:
    return image.astype(np.uint8, copy=False)


class VideoWriter:
    """Writes BGR uint8 frames as an H.264 MP4 that any player opens; a context manager.

    The file is complete once the writer is closed, which leaving the ``with`` block does, also on Ctrl-C or
    an error. Frames of odd width or height get their last column or row twice, since H.264's usual colour
    format needs even sizes.

    path: its folder is made. fps: frames a second. size: width and height of every frame, pixels. crf:
    x264's quality, 0 (lossless) to 51; 20 is good to look at. preset: x264's speed against size.
    """

    def __init__(
        self, path: str | Path, fps: float, size: tuple[int, int], *, crf: int = 20, preset: str = "veryfast"
    ) -> None:
        try:
            import av
        except ImportError as error:
            raise VideoError("writing a video needs PyAV: run 'pip install av', or write no video") from error
        self._av = av
        self.path, self.size = Path(path), size
        self.frames = 0
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.path.open("wb").close()  # the library would only say at the first frame that it cannot
            self._container = av.open(str(self.path), "w", options={"movflags": "+faststart"})
        except OSError as error:
            raise VideoError(f"{self.path}: cannot be written ({error.strerror or error})") from error
        self._stream = self._container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
        self._stream.width, self._stream.height = size[0] + size[0] % 2, size[1] + size[1] % 2
        self._stream.pix_fmt = "yuv420p"
        self._stream.options = {"crf": str(crf), "preset": preset}
        self._closed = False

    def write(self, frame: NDArray[np.uint8]) -> None:
        """Append one frame. Raises ValueError when it has another size or type than the video."""
        if frame.shape != (self.size[1], self.size[0], 3) or frame.dtype != np.uint8:
            raise ValueError(
                f"a frame of shape {frame.shape}, {frame.dtype} does not fit a video of "
                f"{self.size[0]}x{self.size[1]} BGR uint8"
            )
        odd_rows, odd_columns = self.size[1] % 2, self.size[0] % 2
        if odd_rows or odd_columns:
            frame = np.pad(frame, ((0, odd_rows), (0, odd_columns), (0, 0)), mode="edge")
        picture = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="bgr24")
        self._container.mux(self._stream.encode(picture))
        self.frames += 1

    def close(self) -> None:
        """Finish the file; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            if self.frames:
                self._container.mux(self._stream.encode())
        finally:
            self._container.close()

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
