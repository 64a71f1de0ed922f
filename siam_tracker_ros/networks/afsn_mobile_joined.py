"""``afsn_mobile`` for running: the same function as the trained network, in fewer operations.

Score and box branch, and levels 2 and 3, do the same things to different channels: they are computed side by side. The
correlations of R~3 and R4 are part of that of R~2, whose channels hold theirs (AFSN equations 1 to 3). The weighted
sum of the levels (equation 5) is linear, and so part of the last convolution.
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
        self.pixelwise_search = side_by_side([convolutions(one.pixelwise_search)[0] for one in both])
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
        width, deep = self.width, self.deep
        (reduce2,), (reduce3,) = convolutions(net.reduce2), convolutions(net.reduce3)
        # Levels 2 and 3, each twice: for its score and for its box.
        self.reduce = dense(
            [(0, 0, reduce2), (width, 0, reduce2), (2 * width, 0, reduce3), (3 * width, 0, reduce3)],
            reduce2.in_channels,
            4 * width,
        )
        heads: tuple[PredictionSubnetwork, ...] = (net.head2, net.head3, net.head4)
        self.towers = joined_towers([tower for h in heads[:2] for tower in (h.classification, h.regression)])
        self.deep_towers = joined_towers([heads[2].classification, heads[2].regression])
        fusion = net.fusion
        assert fusion.lamda is not None
        blocks: list[tuple[int, int, nn.Conv2d]] = []
        starts = ((0, width), (2 * width, 3 * width), (4 * width, 4 * width + deep))  # score and box of each level
        for level, (head, (score, box)) in enumerate(zip(heads, starts, strict=True)):
            blocks += [
                (0, score, scaled(head.score, fusion.alpha[level].item())),
                (2, score, scaled(head.centerness, fusion.lamda[level].item())),
                (3, box, scaled(head.distance, fusion.beta[level].item())),
                (7 + 2 * level, score, head.score),
            ]
        self.predict = dense(blocks, 4 * width + 2 * deep, 13)

    def template(self, patch: Tensor) -> tuple[Tensor, ...]:
        """[B, 3, 127, 127] to R~2 [B, 192, 8, 8], whose last 96 channels are R4."""
        return (self._features(patch)[0],)

    def _features(self, patch: Tensor) -> tuple[Tensor, Tensor]:
        """R~2 = Cat(R4, neck(R3), neck(R2)) and R4."""
        r2, r3, r4 = self.backbone(patch)
        return torch.cat((r4, self.neck3(r3), self.neck2(r2)), dim=1), r4

    def kernels(self, features: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """R~2 of the template to the depthwise kernel [B, 384, 4, 4] and the pixel-wise one [2 B, 96, 8, 8].

        The depthwise one holds those of R4's score, of R4's box, and of R~2.
        """
        (r2,) = features
        r4, centre = r2[:, : self.deep], r2[:, :, 2:6, 2:6]
        depthwise = torch.cat((self.depthwise_kernel(centre[:, : self.deep]), centre), dim=1)
        return depthwise, self.pixelwise_kernel(r4)

    def search(self, kernels: tuple[Tensor, ...], patch: Tensor) -> Response:
        """[B, 3, 255, 255] to maps of 15x15; kernels [B, 384, 4, 4] and [B, 192, 8, 8]."""
        depthwise, pixelwise = kernels
        r2, r4 = self._features(patch)
        correlated = depthwise_correlation(torch.cat((self.depthwise_search(r4), r2), dim=1), depthwise, padding=1)
        deep_depthwise, response2 = correlated.split((2 * self.deep, r2.shape[1]), dim=1)
        response4 = self.reduce_pixelwise(self._pixelwise(r4, pixelwise)) + self.reduce_depthwise(deep_depthwise)
        towers = (self.towers(F.relu6(self.reduce(response2))), self.deep_towers(response4))
        out = self.predict(torch.cat(towers, dim=1))  # [B, 13, 15, 15]
        return Response(
            scores=out[:, :2],
            distances=torch.exp(out[:, 3:7]) * self.unit,
            centerness=out[:, 2:3],
            levels=(out[:, 7:9], out[:, 9:11], out[:, 11:13]),
            features=r4,
        )

    def _pixelwise(self, r4: Tensor, kernel: Tensor) -> Tensor:
        """R4 and kernel [B, 192, 8, 8] to the two pixel-wise responses [B, 128, 15, 15], score then box."""
        b, _, h, w = r4.shape
        search = self.pixelwise_search(r4).reshape(2 * b, self.deep, h * w)
        kernel = kernel.reshape(2 * b, self.deep, self.pixels)
        response = torch.bmm(kernel.transpose(1, 2), search).reshape(b, 2 * self.pixels, h, w)
        return self.mix(response * self.attention(response))
