"""A frame on the device, and what is left of it when its sides are halved again and again."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from siam_tracker_ros.runtime.upload import Upload


class DeviceFrame:
    """Frames of one size, one after the other, in the same place.

    Level 0 is the frame; each further level has half its sides, rounded up, and the means of 2x2 pixels. All levels lie
    in one tensor, so that the level from which a patch is cut is a number, and one CUDA graph cuts from any of them.

    Attributes:
        pixels: every level's pixels, row by row, level after level, uint8 [pixels of all levels, 3].
        levels: of each level its first pixel in ``pixels``, its height and its width, int64 [L, 3].
    """

    def __init__(self, height: int, width: int, device: torch.device) -> None:
        self.height, self.width = height, width
        sizes = [(height, width)]
        while max(sizes[-1]) > 1:
            h, w = sizes[-1]
            sizes.append(((h + 1) // 2, (w + 1) // 2))
        places, end = [], 0
        for h, w in sizes:
            places.append((end, h, w))
            end += h * w
        self.pixels = torch.empty(end, 3, dtype=torch.uint8, device=device)
        self.levels = torch.tensor(places).to(device)
        self._places = places
        self._upload = Upload(self.level(0))
        self.filled = 0
        """The last level that holds the frame of now; those above it still hold an earlier one."""

    @property
    def top(self) -> int:
        """The last level: one pixel."""
        return len(self._places) - 1

    def level(self, index: int) -> Tensor:
        """A level's pixels, where they lie, uint8 [h, w, 3]."""
        start, h, w = self._places[index]
        return self.pixels[start : start + h * w].view(h, w, 3)

    def take(self, frame: NDArray[np.uint8]) -> None:
        """The next frame, BGR uint8 [height, width, 3]: one copy to the device, in level 0 alone."""
        self._upload.send(frame)
        self.filled = 0

    def halve(self, index: int) -> None:
        """Compute a level from the one before it."""
        above = self.level(index - 1).short()
        for axis in (0, 1):
            if above.shape[axis] % 2:
                # An odd side's last pixel stands for its missing neighbour too.
                above = torch.cat((above, above.narrow(axis, above.shape[axis] - 1, 1)), axis)
        total = above[::2, ::2] + above[1::2, ::2] + above[::2, 1::2] + above[1::2, 1::2]
        self.level(index).copy_((total + 2) >> 2)
