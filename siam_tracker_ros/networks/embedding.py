"""A vector for a region of a feature map, to tell one thing from another of its kind."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision.ops import roi_align


class RegionEmbedding(nn.Module):
    """RoIAlign to 5x5 and two convolutions to a vector (HNE section 3.3).

    The paper gives no width of the vector; it is 256 here.

    Args:
        channels: of the concatenated levels.
        stride: patch pixels between two neighbouring features.
    """

    side = 5

    def __init__(self, channels: int, stride: int, width: int = 256) -> None:
        super().__init__()
        self.stride = stride
        self.layers = nn.Sequential(nn.Conv2d(channels, width, 3), nn.ReLU(inplace=True), nn.Conv2d(width, width, 3))

    def forward(self, levels: tuple[Tensor, ...], regions: Tensor, patch_size: int) -> Tensor:
        """Levels [B, C_l, s, s], regions (patch index, x0, y0, x1, y1 in patch pixels) [K, 5] to vectors [K, 256]."""
        features = torch.cat(levels, dim=1)
        # The map lies in the patch's middle: its middle point is the patch's, and it covers s times the stride.
        offset = patch_size / 2 - features.shape[-1] * self.stride / 2
        shift = regions.new_tensor([0.0, offset, offset, offset, offset])
        pooled = roi_align(
            features, regions - shift, self.side, spatial_scale=1 / self.stride, sampling_ratio=2, aligned=True
        )
        return self.layers(pooled).flatten(1)
