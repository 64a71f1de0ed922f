"""How many CPU threads PyTorch may use."""

from __future__ import annotations

import torch


def set_torch_threads(threads: int) -> None:
    """Let PyTorch compute one operation with `threads` threads, at least 1, in this process."""
    torch.set_num_threads(threads)
