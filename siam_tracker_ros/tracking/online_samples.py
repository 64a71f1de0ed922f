"""What the online branch learns from in the first frame: the search patch, and the same seen otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from siam_tracker_ros.geometry import Box, Crop, CropRule
from siam_tracker_ros.patches import crop_patch

# Of ATOM's 25 (section 4): shifts as a share of the template's context, blurs as standard deviations across and down.
SHIFTS = ((0.5, 0.5), (-0.5, 0.5), (0.5, -0.5), (-0.5, -0.5))
ANGLES = (10.0, -10.0, 30.0, -30.0)
BLURS = ((3.0, 1.0), (1.0, 3.0), (2.0, 2.0))


def first_samples(
    frame: NDArray[np.uint8], box: Box, crop: Crop, border: Sequence[float], rule: CropRule
) -> tuple[list[NDArray[np.uint8]], list[Box]]:
    """The patch itself, mirrored, rotated, blurred and with the target off its middle.

    Args:
        frame: uint8 [H, W, 3].
        box: the target, pixels of the image.
        crop: the search crop around it.
        border, rule: as for ``crop_patch``.

    Returns:
        13 patches uint8 [S, S, 3], and the target's box in each, patch pixels.
    """
    patch = crop_patch(frame, crop, border, rule)
    place = crop.to_patch(box)
    middle = (crop.patch - 1) / 2
    patches, boxes = [patch, np.ascontiguousarray(patch[:, ::-1])], [place, place]
    for angle in ANGLES:
        turn = cv2.getRotationMatrix2D((middle, middle), angle, 1.0)
        turned = cv2.warpAffine(patch, turn, (crop.patch, crop.patch), borderMode=cv2.BORDER_REPLICATE)
        patches.append(turned)  # type: ignore[arg-type]
        boxes.append(place)
    for across, down in BLURS:
        patches.append(cv2.GaussianBlur(patch, (0, 0), sigmaX=across, sigmaY=down))  # type: ignore[arg-type]
        boxes.append(place)
    reach = crop.side / 2
    for across, down in SHIFTS:
        moved = replace(crop, cx=crop.cx + across * reach / 2, cy=crop.cy + down * reach / 2)
        patches.append(crop_patch(frame, moved, border, rule))
        boxes.append(moved.to_patch(box))
    return patches, boxes
