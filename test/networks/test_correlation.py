"""Cross-correlation against sums written out."""

import pytest
import torch

from siam_tracker_ros.networks.correlation import depthwise_correlation, pixelwise_correlation


@pytest.mark.parametrize("padding", [0, 1])
def test_depthwise_is_a_sum_of_products_per_channel(padding):
    torch.manual_seed(0)
    search, kernel = torch.randn(2, 3, 6, 7), torch.randn(2, 3, 4, 2)
    out = depthwise_correlation(search, kernel, padding)
    padded = torch.nn.functional.pad(search, (padding,) * 4)
    for b, c, y, x in [(0, 0, 0, 0), (1, 2, 1, 3), (0, 1, 2, 2)]:
        expected = (padded[b, c, y : y + 4, x : x + 2] * kernel[b, c]).sum()
        assert out[b, c, y, x] == pytest.approx(float(expected), abs=1e-5)
    assert out.shape == (2, 3, 6 + 2 * padding - 3, 7 + 2 * padding - 1)


def test_pixelwise_channel_is_the_inner_product_with_one_template_pixel():
    torch.manual_seed(0)
    search, kernel = torch.randn(2, 5, 6, 7), torch.randn(2, 5, 3, 4)
    out = pixelwise_correlation(search, kernel)
    assert out.shape == (2, 12, 6, 7)
    for b, i, y, x in [(0, 0, 0, 0), (1, 7, 5, 6), (0, 11, 2, 3)]:
        expected = (search[b, :, y, x] * kernel[b, :, i // 4, i % 4]).sum()
        assert out[b, i, y, x] == pytest.approx(float(expected), abs=1e-5)
