"""From the host to one place on the device, again and again, without waiting for the copy."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor


class Upload:
    """Fills one tensor of the device through one host buffer of the same shape.

    On CUDA the buffer is pinned: from pinned memory the device copies by itself while the host goes on. It is written
    again only once the last copy has read it.

    Args:
        target: what is filled; it stays the same tensor, as a CUDA graph that reads it demands.
    """

    def __init__(self, target: Tensor) -> None:
        on_cuda = target.device.type == "cuda"
        self._target = target
        self._host = torch.empty(target.shape, dtype=target.dtype, pin_memory=on_cuda)
        self._read = torch.cuda.Event() if on_cuda else None

    def send(self, values: ArrayLike) -> None:
        """Values of the target's shape, of any layout. What is queued on the device after this sees them."""
        if self._read is not None:
            self._read.synchronize()
        np.copyto(self._host.numpy(), values)
        self._target.copy_(self._host, non_blocking=True)
        if self._read is not None:
            self._read.record(torch.cuda.current_stream(self._target.device))
