"""The photographs a simulated flight is made of: all of them lie inside scikit-image's own wheel.

Licences as scikit-image states them: ``brick``, ``grass``, ``gravel``, ``chelsea`` and ``coffee`` are CC0;
``astronaut`` and ``rocket`` are public domain (NASA, SpaceX); ``stereo_motorcycle`` is from the Middlebury
2014 stereo data set (D. Scharstein et al., GCPR 2014), whose authors permit all use and publication of its images.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np

POSTERS = ("astronaut", "chelsea", "coffee", "rocket")


def _data() -> Any:
    try:
        from skimage import data
    except ImportError as error:
        raise ImportError(
            "The simulated flight is made of photographs that scikit-image carries, and scikit-image is not "
            "installed: run 'pip install scikit-image', or use a video of your own."
        ) from error
    return data


def photograph(name: str) -> np.ndarray:
    """A photograph by its name in ``skimage.data``, as BGR uint8 [H, W, 3] (grey ones are repeated over
    channels).
    """
    image = np.asarray(getattr(_data(), name)())
    if image.ndim == 2:
        return cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    return np.ascontiguousarray(image[..., 2::-1])


@lru_cache(maxsize=1)
def motorcycle() -> np.ndarray:
    """A motorcycle cut out of its photograph, wheels level, facing right: BGRA uint8 [H, W, 4], tight
    around it.

    The mask is not drawn by hand: the photograph comes with a measured disparity map, and the motorcycle is
    what stands nearer to the camera than the garage's back wall and out of the floor's plane.
    """
    left, _, disparity = _data().stereo_motorcycle()
    disparity = np.where(np.isfinite(disparity), disparity, 0.0)
    height, width = disparity.shape
    rows, columns = np.mgrid[:height, :width]

    floor_seen = ((rows > 380) & (columns < 110)) | ((rows > 430) & (columns > 300) & (columns < 480))
    floor_seen &= disparity > 0
    plane = np.stack([columns[floor_seen], rows[floor_seen], np.ones(floor_seen.sum())], axis=1)
    slope_x, slope_y, offset = np.linalg.lstsq(plane, disparity[floor_seen], rcond=None)[0]
    floor = slope_x * columns + slope_y * rows + offset

    mask = (disparity > 24) & (disparity > floor + 2.0) & (columns > 100) & (columns < 690)
    # Right of the front wheel the plane's fit is a little low: nothing of the motorcycle lies there.
    mask &= ~((rows > 300) & (columns > 636 + np.minimum((rows - 300) * 0.54, 48)))
    mask = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    alpha = cv2.GaussianBlur((labels == largest).astype(np.float32), (0, 0), 0.8)

    cut = np.dstack([left[..., ::-1], np.round(alpha * 255)]).astype(np.uint8)
    # It stands at an angle to the camera; turning it by this much puts both wheels on one line.
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 7.0, 1.0)
    cut = tight(cv2.warpAffine(cut, turn, (width, height), flags=cv2.INTER_CUBIC))
    # The mirror on its thin stalk is left out: at a few pixels it comes and goes, and the box's top with it.
    return np.ascontiguousarray(tight(cut[52:]))


def tight(cut: np.ndarray) -> np.ndarray:
    """The part of a BGRA cut-out whose alpha is above one half."""
    rows, columns = np.nonzero(cut[..., 3] > 127)
    return cut[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def recoloured(cut: np.ndarray, hue_shift: int) -> np.ndarray:
    """The same BGRA cut-out in another paint: ``hue_shift`` in OpenCV's hue units (0..179), saturated
    colours only.
    """
    hsv = cv2.cvtColor(np.ascontiguousarray(cut[..., :3]), cv2.COLOR_BGR2HSV)
    painted = hsv[..., 1] > 110
    hsv[..., 0] = (hsv[..., 0].astype(int) + hue_shift) % 180
    colours = np.where(painted[..., None], cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR), cut[..., :3])
    return np.dstack([colours, cut[..., 3]])


@lru_cache(maxsize=1)
def brick_courses() -> np.ndarray:
    """Twelve level courses of brickwork, BGR uint8 [352, 1024, 3]: tiles without a seam in both directions.

    The photograph shows the wall at an angle. Its mortar lines meet in one point; the projective map that
    makes them parallel was found once by maximising the contrast between rows.
    """
    convergence, level_row = 0.00082, 290.0
    slanted = np.ascontiguousarray(np.rot90(photograph("brick")))
    size = slanted.shape[0]
    columns, rows = np.meshgrid(np.arange(size, dtype=np.float32), np.arange(size, dtype=np.float32))
    from_x = columns / (1 + convergence * size - convergence * columns)
    from_y = level_row + (rows - level_row) * (1 + convergence * from_x)
    level = cv2.remap(slanted, from_x.astype(np.float32), from_y.astype(np.float32), cv2.INTER_LINEAR)
    courses = level[87:439]
    return np.hstack([courses, courses[:, ::-1]])
