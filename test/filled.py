"""Weights and pictures that need no file: a tensor's name and shape say what is in it, a seed what a picture shows.

The golden numbers of `test/golden` were computed with exactly these, beside the code of the authors of SiamBAN and
Ocean; the tests compute them again with the networks of this package. So nothing here may change without the golden
numbers. All of it is made of integers and uniform random numbers of a frozen generator, never of a sine or a
logarithm, whose last digit differs between machines.
"""

import zlib

import numpy as np
from numpy.typing import NDArray

Shapes = dict[str, tuple[int, ...]]

# The variance of a convolution's output for inputs of mean square 1, by the first part of its name that is found here;
# else GAIN, which keeps the scale through rectified layers.
GAIN = 2.9
GAINS = (
    ("features.conv1.", 4e-4),  # pictures are 0..255
    ("backbone.conv1.", 4e-4),
    (".head.0.", 3e-3),  # after a correlation, a sum of products over 25 places
    ("_tower.0.", 4e-3),
    (".cls.head.3.", 6.0),  # scores spread over several units
    ("cls_pred.", 150.0),
    ("rpn_cls.", 12.0),
    (".loc.head.3.", 0.15),  # logarithms of distances
)


def _bottlenecks(prefix: str, channels: int, width: int, count: int, shortcut: int) -> Shapes:
    """A stage of a ResNet-50; the shortcut of its first block is a convolution of that size."""
    shapes: Shapes = {}
    for block in range(count):
        name = f"{prefix}.{block}"
        for i, (fan_in, fan_out, side) in enumerate(
            ((channels, width, 1), (width, width, 3), (width, 4 * width, 1)), start=1
        ):
            shapes[f"{name}.conv{i}.weight"] = (fan_out, fan_in, side, side)
            shapes |= _batch_norm(f"{name}.bn{i}", fan_out)
        if block == 0:
            shapes[f"{name}.downsample.0.weight"] = (4 * width, channels, shortcut, shortcut)
            shapes |= _batch_norm(f"{name}.downsample.1", 4 * width)
        channels = 4 * width
    return shapes


def _batch_norm(prefix: str, channels: int) -> Shapes:
    of_channels = ("weight", "bias", "running_mean", "running_var")
    return {f"{prefix}.{name}": (channels,) for name in of_channels} | {f"{prefix}.num_batches_tracked": ()}


def _backbone(prefix: str, stages: int) -> Shapes:
    shapes: Shapes = {f"{prefix}.conv1.weight": (64, 3, 7, 7)} | _batch_norm(f"{prefix}.bn1", 64)
    for stage, (channels, count) in enumerate(((64, 3), (256, 4), (512, 6), (1024, 3))[:stages], start=1):
        shapes |= _bottlenecks(f"{prefix}.layer{stage}", channels, 32 * 2**stage, count, 1 if stage == 1 else 3)
    return shapes


def siamban_shapes() -> Shapes:
    """The tensors of the checkpoint of SiamBAN's authors (ResNet-50, levels 2 to 4): name to shape."""
    shapes = _backbone("backbone", 4)
    for level, channels in ((2, 512), (3, 1024), (4, 2048)):
        prefix = f"neck.downsample{level}.downsample"
        shapes |= {f"{prefix}.0.weight": (256, channels, 1, 1)} | _batch_norm(f"{prefix}.1", 256)
    shapes |= {f"head.{name}": (3,) for name in ("cls_weight", "loc_weight", "loc_scale")}
    for level in (2, 3, 4):
        for branch, outputs in (("cls", 2), ("loc", 4)):
            prefix = f"head.box{level}.{branch}"
            for part, side in (("conv_kernel", 3), ("conv_search", 3), ("head", 1)):
                shapes[f"{prefix}.{part}.0.weight"] = (256, 256, side, side)
                shapes |= _batch_norm(f"{prefix}.{part}.1", 256)
            shapes |= {f"{prefix}.head.3.weight": (outputs, 256, 1, 1), f"{prefix}.head.3.bias": (outputs,)}
    return shapes


def ocean_shapes(online: bool = False) -> Shapes:
    """The tensors of the checkpoint of Ocean's authors, with the object-aware branch: name to shape.

    With `online` those of the online tracker's, which has a second last stage.
    """
    shapes = _backbone("features.features", 3)
    if online:
        shapes |= _bottlenecks("features.features.layeronline", 512, 256, 6, 3)
    shapes |= {"neck.downsample.0.weight": (256, 1024, 1, 1)} | _batch_norm("neck.downsample.1", 256)
    shapes |= {"connect_model.adjust": (1,), "connect_model.bias": (1, 4, 1, 1)}
    for branch in ("cls", "reg"):
        for pair in ("11", "12", "21"):
            for part in ("k", "s"):
                prefix = f"connect_model.{branch}_encode.matrix{pair}_{part}"
                shapes |= {f"{prefix}.0.weight": (256, 256, 3, 3)} | _batch_norm(f"{prefix}.1", 256)
        shapes[f"connect_model.{branch}_dw.weight"] = (3,)
    for branch in ("bbox", "cls"):
        for layer in range(0, 12, 3):
            prefix = f"connect_model.{branch}_tower"
            shapes |= {f"{prefix}.{layer}.weight": (256, 256, 3, 3), f"{prefix}.{layer}.bias": (256,)}
            shapes |= _batch_norm(f"{prefix}.{layer + 1}", 256)
    for branch, outputs in (("bbox", 4), ("cls", 1)):
        prefix = f"connect_model.{branch}_pred"
        shapes |= {f"{prefix}.weight": (outputs, 256, 3, 3), f"{prefix}.bias": (outputs,)}
    shapes["align_head.rpn_conv.conv.weight"] = (256, 256, 3, 3)
    shapes |= {"align_head.rpn_cls.weight": (1, 256, 1, 1), "align_head.rpn_cls.bias": (1,)}
    return shapes


def filled(name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The values of the tensor with this name and shape."""
    # Whole multiples of 1 / 32768, so that sums of them are exact.
    random = np.random.RandomState(zlib.crc32(name.encode()))  # frozen by numpy, unlike its newer ones
    noise = np.floor(random.random_sample(shape) * 65536) / 32768 - 1
    kind = name.rsplit(".", 1)[-1]
    if kind == "num_batches_tracked":
        values = np.zeros(shape)
    elif len(shape) == 4 and kind == "weight":
        fan_in = shape[1] * shape[2] * shape[3]
        gain = next((gain for part, gain in GAINS if part in name), GAIN)
        # Filters that sum to zero: what all channels have in common would else drown what differs over the picture.
        values = (noise - noise.mean(axis=(1, 2, 3), keepdims=True)) * np.sqrt(3 * gain / fan_in)
    elif kind == "running_var" or kind == "weight":
        values = 1 + 0.2 * noise
        if ".bn3." in name and kind == "weight":
            values *= 0.25
    elif kind in ("cls_weight", "loc_weight"):
        values = 1 + 0.2 * noise
    elif kind == "loc_scale":
        values = 1 + 0.05 * noise
    elif name.endswith(".loc.head.3.bias"):
        values = 3.47 + 0.1 * noise  # boxes of about the size of the template's
    elif name.endswith(".cls.head.3.bias"):
        values = np.array((1.0, -1.0)) + 0.1 * noise  # else it would be sure everywhere
    elif kind == "adjust":
        values = 0.25 + 0.02 * noise
    elif name == "connect_model.bias":
        values = 3.35 + 0.1 * noise
    else:
        values = 0.1 * noise
    return values.astype(np.float32)


def filled_state(shapes: Shapes) -> dict[str, NDArray[np.float32] | NDArray[np.int64]]:
    """A state dict of `filled` tensors; the counters of the batch normalisations are int64, as PyTorch has them."""
    return {
        name: filled(name, shape).astype(np.int64 if name.endswith("num_batches_tracked") else np.float32)
        for name, shape in shapes.items()
    }


def _octave(height: int, width: int, cell: int, random: np.random.RandomState) -> NDArray[np.int64]:
    """Random colours at the corners of square cells, smoothly mixed between them: [height, width, 3] in 0..255."""
    corners = (random.random_sample((height // cell + 2, width // cell + 2, 3)) * 256).astype(np.int64)
    rows, columns = np.arange(height), np.arange(width)
    y, x = rows // cell, columns // cell
    # 3 f^2 - 2 f^3 of the fraction f of the way through the cell, in units of 1 / cell^3
    v, u = (f * f * (3 * cell - 2 * f) for f in (rows % cell, columns % cell))
    v, u, one = v[:, None, None], u[None, :, None], cell**3
    left = corners[y][:, x] * (one - v) + corners[y + 1][:, x] * v
    right = corners[y][:, x + 1] * (one - v) + corners[y + 1][:, x + 1] * v
    return (left * (one - u) + right * u) // (one * one)


def picture(height: int, width: int, seed: int) -> NDArray[np.uint8]:
    """A smooth coloured texture with coarse and fine parts, BGR [height, width, 3]."""
    random = np.random.RandomState(seed)
    total = sum(weight * _octave(height, width, cell, random) for cell, weight in ((61, 4), (23, 4), (9, 3), (4, 2)))
    return np.clip((total - 13 * 128) * 2 // 13 + 128, 0, 255).astype(np.uint8)


def template_patch() -> NDArray[np.uint8]:
    """The template of the golden numbers, BGR [127, 127, 3]."""
    return picture(127, 127, seed=1)


def search_patch(size: int = 255) -> NDArray[np.uint8]:
    """The search patch of the golden numbers, BGR [size, size, 3]."""
    return picture(size, size, seed=2)


def _swing(i: int, period: int, reach: int) -> int:
    """0 at i = 0, up to `reach` after half a period and back, at a steady pace."""
    i %= period
    return 2 * reach * min(i, period - i) // period


def moving_clip(n: int) -> tuple[list[NDArray[np.uint8]], tuple[int, int, int, int]]:
    """Frames BGR [240, 320, 3] of a textured patch that moves and changes size, and its box x, y, w, h in the first.

    The ground moves too. The patch comes to within 8 pixels of the right border in frame 30.
    """
    ground, texture = picture(300, 400, seed=3), picture(96, 96, seed=4)
    frames = []
    boxes = []
    for i in range(n):
        top, left = _swing(i, 50, 30), _swing(i, 80, 50)
        frame = ground[top : top + 240, left : left + 320].copy()
        width, height = 44 + _swing(i, 60, 16), 36 + _swing(i, 40, 12)
        x, y = 120 + _swing(i, 60, 132), 90 + _swing(i, 36, 50)
        rows, columns = np.arange(height) * 96 // height, np.arange(width) * 96 // width
        frame[y : y + height, x : x + width] = texture[rows][:, columns]
        frames.append(frame)
        boxes.append((x, y, width, height))
    return frames, boxes[0]
