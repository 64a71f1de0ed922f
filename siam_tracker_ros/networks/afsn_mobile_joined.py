"""``afsn_mobile`` for running: the same function as the trained network, in fewer operations.

Score and box branch, and levels 2 and 3, do the same things to different channels: they are computed side by side. The
correlations of R~3 and R4 are part of that of R~2, whose channels hold theirs (AFSN equations 1 to 3). The weighted
sum of the levels (equation 5) is linear, and so part of the last convolution; a level without a share in the box has no
tower for it. What the search features pass before they meet the pixel-wise kernel is linear too, and part of that.
"""

from __future__ import annotations

import copy
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from siam_tracker_ros.networks.afsn_mobile import AFSNMobile
from siam_tracker_ros.networks.correlation import depthwise_correlation
from siam_tracker_ros.networks.folding import fold_batch_norm
from siam_tracker_ros.networks.heads import PredictionSubnetwork
from siam_tracker_ros.networks.joined import (
    columns,
    convolutions,
    dense,
    grouped,
    joined_towers,
    scaled,
    side_by_side,
)
from siam_tracker_ros.networks.response import Response


class JoinedAFSNMobile(nn.Module):
    """Made of a trained network, which stays as it is. For inference only.

    Args:
        trained: in any mode; its batch normalisation counts as in evaluation.
    """

    def __init__(self, trained: AFSNMobile) -> None:
        super().__init__()
        net = cast(AFSNMobile, fold_batch_norm(copy.deepcopy(trained).eval()))
        self.geometry = net.geometry
        self.backbone = net.backbone
        (self.neck2,), (self.neck3,) = convolutions(net.neck2), convolutions(net.neck3)
        self.width, self.deep = net.width, self.backbone.channels[-1]
        self._join_correlation(net)
        self._join_heads(net)
        self.unit = net.fusion.unit

    def _join_correlation(self, net: AFSNMobile) -> None:
        both = (net.deep_score, net.deep_box)
        self.pixelwise_kernel = side_by_side([convolutions(one.pixelwise_kernel)[0] for one in both])
        self.depthwise_kernel = side_by_side([convolutions(one.depthwise_kernel)[0] for one in both])
        self.pixelwise_search = nn.ModuleList(convolutions(one.pixelwise_search)[0] for one in both)
        self.depthwise_search = side_by_side([convolutions(one.depthwise_search)[0] for one in both])
        attention = [convolutions(one.pixelwise.attention) for one in both]
        self.attention = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            grouped([layers[0] for layers in attention]),
            nn.ReLU(inplace=True),
            grouped([layers[1] for layers in attention]),
            nn.Sigmoid(),
        )
        mix = [convolutions(one.pixelwise.mix) for one in both]
        self.mix = nn.Sequential(
            grouped([layers[0] for layers in mix]), nn.ReLU6(inplace=True), grouped([layers[1] for layers in mix])
        )
        self.pixels = mix[0][0].in_channels
        # `reduce` reads the pixel-wise and the depthwise response one after the other: a sum of two convolutions.
        whole = self.pixels + self.deep
        self.reduce_pixelwise = grouped([columns(one.reduce, 0, self.pixels, bias=False) for one in both])
        self.reduce_depthwise = grouped([columns(one.reduce, self.pixels, whole, bias=True) for one in both])

    def _join_heads(self, net: AFSNMobile) -> None:
        fusion = net.fusion
        assert fusion.lamda is not None
        heads: tuple[PredictionSubnetwork, ...] = (net.head2, net.head3, net.head4)
        reduces = [convolutions(net.reduce2)[0], convolutions(net.reduce3)[0]]
        towers: list[nn.Module] = []
        reduced: list[nn.Conv2d] = []
        blocks: list[tuple[int, int, nn.Conv2d]] = []
        start = 0
        for level, head in enumerate(heads):
            blocks += [
                (0, start, scaled(head.score, fusion.alpha[level].item())),
                (2, start, scaled(head.centerness, fusion.lamda[level].item())),
                (7 + 2 * level, start, head.score),
            ]
            share = fusion.beta[level].item()
            # A level that has no share in the box needs no tower for it.
            parts = [head.classification, *([head.regression] if share or level == 2 else [])]
            if len(parts) == 2:
                box = start + head.score.in_channels
                blocks.append((3, box, scaled(head.distance, share)))
            start += len(parts) * head.score.in_channels
            if level < 2:
                towers += parts
                reduced += [reduces[level]] * len(parts)
        self.reduce = dense(
            [(n * self.width, 0, layer) for n, layer in enumerate(reduced)],
            reduces[0].in_channels,
            len(reduced) * self.width,
        )
        self.towers = joined_towers(towers)
        self.deep_towers = joined_towers([heads[2].classification, heads[2].regression])
        self.predict = dense(blocks, start, 13)

    def template(self, patch: Tensor) -> tuple[Tensor, ...]:
        """[B, 3, 127, 127] to R~2 [B, 192, 8, 8], whose last 96 channels are R4."""
        return (self._features(patch)[0],)

    def _features(self, patch: Tensor) -> tuple[Tensor, Tensor]:
        """R~2 = Cat(R4, neck(R3), neck(R2)) and R4."""
        r2, r3, r4 = self.backbone(patch)
        return torch.cat((r4, self.neck3(r3), self.neck2(r2)), dim=1), r4

    def kernels(self, features: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """R~2 of the template to the depthwise kernel [B, 384, 4, 4] and the pixel-wise one [B, 128, 96], [B, 128, 1].

        The depthwise one holds those of R4's score, of R4's box, and of R~2. The pixel-wise one is already multiplied
        with the convolution of the search features that it is to meet: what is left of that is its offset.
        """
        (r2,) = features
        r4, centre = r2[:, : self.deep], r2[:, :, 2:6, 2:6]
        depthwise = torch.cat((self.depthwise_kernel(centre[:, : self.deep]), centre), dim=1)
        kernels = self.pixelwise_kernel(r4).flatten(2).transpose(1, 2).split(self.deep, dim=2)  # 2 of [B, 64, 96]
        met, offsets = [], []
        for kernel, layer in zip(kernels, self.pixelwise_search, strict=True):
            conv = cast(nn.Conv2d, layer)
            met.append(torch.matmul(kernel, conv.weight.flatten(1)))
            offsets.append(torch.matmul(kernel, conv.bias.unsqueeze(1)))  # type: ignore[union-attr]
        return depthwise, torch.cat(met, dim=1), torch.cat(offsets, dim=1)

    def search(self, kernels: tuple[Tensor, ...], patch: Tensor) -> Response:
        """[B, 3, 255, 255] to maps of 15x15; kernels as :meth:`kernels` makes them."""
        depthwise, pixelwise, offset = kernels
        r2, r4 = self._features(patch)
        correlated = depthwise_correlation(torch.cat((self.depthwise_search(r4), r2), dim=1), depthwise, padding=1)
        deep_depthwise, response2 = correlated.split((2 * self.deep, r2.shape[1]), dim=1)
        response4 = self.reduce_pixelwise(self._pixelwise(r4, pixelwise, offset))
        response4 = response4 + self.reduce_depthwise(deep_depthwise)
        towers = (self.towers(F.relu6(self.reduce(response2))), self.deep_towers(response4))
        out = self.predict(torch.cat(towers, dim=1))  # [B, 13, 15, 15]
        return Response(
            scores=out[:, :2],
            distances=torch.exp(out[:, 3:7]) * self.unit,
            centerness=out[:, 2:3],
            levels=(out[:, 7:9], out[:, 9:11], out[:, 11:13]),
            features=r4,
        )

    def _pixelwise(self, r4: Tensor, kernel: Tensor, offset: Tensor) -> Tensor:
        """R4, kernel [B, 128, 96] and offset [B, 128, 1] to the responses of score and box, [B, 128, 15, 15]."""
        b, _, h, w = r4.shape
        response = (torch.matmul(kernel, r4.flatten(2)) + offset).reshape(b, 2 * self.pixels, h, w)
        return self.mix(response * self.attention(response))
