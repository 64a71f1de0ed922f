"""Feature alignment against torchvision's deformable convolution, whose offsets are Ocean's equation 3."""

import io

import pytest
import torch
import torch.nn.functional as F
from torchvision.ops import deform_conv2d

from siam_tracker_ros.networks.alignment import FeatureAlignment

STRIDE = 8


def offsets(distances):
    """T = {(m_x, m_y) + B} - {(d_x, d_y) + G} in map points, [B, 18, H, W]: y then x of nine samples."""
    left, top, right, bottom = distances.unbind(1)
    shifts = []
    for row in (-1, 0, 1):
        for column in (-1, 0, 1):
            # The centre is half a pixel up-left and the box a pixel wider, as the authors count.
            y = ((bottom - top) / 2 - 0.5) / STRIDE + row * ((top + bottom + 1) / STRIDE / 2 - 1)
            x = ((right - left) / 2 - 0.5) / STRIDE + column * ((left + right + 1) / STRIDE / 2 - 1)
            shifts += [y, x]
    return torch.stack(shifts, dim=1)


@pytest.mark.parametrize("reach", [3.0, 30.0, 200.0])  # within the map, across it, far outside
@torch.no_grad()
def test_it_is_a_deformable_convolution_with_the_offsets_of_equation_3(reach):
    torch.manual_seed(0)
    align = FeatureAlignment(6, STRIDE)
    x, distances = torch.randn(2, 6, 9, 11), torch.rand(2, 4, 9, 11) * reach
    expected = deform_conv2d(x, offsets(distances), align.weight, padding=1)
    torch.testing.assert_close(align(x, distances), expected, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_a_box_of_two_points_gives_the_regular_convolution():
    torch.manual_seed(0)
    align = FeatureAlignment(4, STRIDE)
    x = torch.randn(1, 4, 7, 7)
    before, after = 7.0, 8.0  # l + r + 1 is two strides, and the middle is the point
    distances = torch.tensor([before, before, after, after]).view(1, 4, 1, 1).expand(1, 4, 7, 7)
    torch.testing.assert_close(align(x, distances), F.conv2d(x, align.weight, padding=1), rtol=1e-4, atol=1e-5)


def test_gradients_reach_the_features_the_weights_and_the_box():
    align = FeatureAlignment(2, STRIDE)
    x = torch.randn(1, 2, 5, 5, requires_grad=True)
    distances = (torch.rand(1, 4, 5, 5) * 10 + 5).requires_grad_()
    align(x, distances).square().sum().backward()
    assert all(t.grad is not None and t.grad.abs().sum() > 0 for t in (x, distances, align.weight))


def test_it_needs_no_operator_of_its_own(tmp_path):
    """Every operation in the exported graph is one of PyTorch's own."""
    align = FeatureAlignment(2, STRIDE).eval()
    program = torch.export.export(align, (torch.randn(1, 2, 5, 5), torch.rand(1, 4, 5, 5) * 10))
    kinds = {str(node.target).split(".")[0] for node in program.graph.nodes if node.op == "call_function"}
    assert kinds <= {"aten", "_operator", "<built-in function getitem>"}, kinds
    torch.export.save(program, io.BytesIO())
