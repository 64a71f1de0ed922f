"""A network for OpenCV's TrackerVit that follows what is blue, as ONNX bytes: `import tiny_onnx`.

The few messages of ONNX that it takes are written here field by field (onnx.proto3, Protocol Buffers' wire format),
which spares the tests a package for it.
"""

from pathlib import Path

import numpy as np

FLOAT, INTS = 1, 7
CELLS, STRIDE, TARGET = 16, 16, 64  # the score map, its step, and the target's sides in the 256 pixels of a search


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def tensor(name: str, values: np.ndarray) -> bytes:
    dims = b"".join(field(1, size) for size in values.shape)
    return dims + field(2, FLOAT) + field(8, name) + field(9, values.astype("<f4").tobytes())


def value_info(name: str, *shape: int) -> bytes:
    dims = b"".join(field(1, field(1, size)) for size in shape)
    return field(1, name) + field(2, field(1, field(1, FLOAT) + field(2, dims)))


def node(kind: str, inputs: list[str], output: str, **attributes: list[int]) -> bytes:
    made = b"".join(field(1, name) for name in inputs) + field(2, output) + field(3, output) + field(4, kind)
    for name, values in attributes.items():
        numbers = b"".join(field(8, value) for value in values)
        made += field(5, field(1, name) + numbers + field(20, INTS))
    return made


def vit_network(path: Path, *, gain: float = 8.0) -> Path:
    """Writes a network with TrackerVit's inputs and outputs; gives `path`.

    Its score in a cell is the sigmoid of `gain` times how much bluer a target there is than the average of the
    template, of which a quarter is the target. The box is always a quarter of the search region, in the cell's middle.
    It looks at the first channel only: of the others OpenCV 5.0.0 turns the sign (see `peers.vit_tracker`).
    """
    first = np.array([1.0, 0.0, 0.0])[None, :, None, None]
    weights = {
        "window": np.full((1, 3, TARGET, TARGET), gain / TARGET**2) * first,
        "mean": np.full((1, 3, 128, 128), gain / 128**2) * first,
        "none": np.zeros((2, 3, STRIDE, STRIDE)),
        "quarter": np.full(2, 0.25),
        "middle": np.full(2, 0.5),
    }
    step: dict[str, list[int]] = {"kernel_shape": [STRIDE, STRIDE], "strides": [STRIDE, STRIDE]}
    edge = (TARGET - STRIDE) // 2
    nodes = [
        node("Conv", ["search", "window"], "seen", kernel_shape=[TARGET] * 2, strides=[STRIDE] * 2, pads=[edge] * 4),
        node("Conv", ["template", "mean"], "usual", kernel_shape=[128, 128]),
        node("Sub", ["seen", "usual"], "brighter"),
        node("Sigmoid", ["brighter"], "output1"),
        node("Conv", ["search", "none", "quarter"], "output2", **step),
        node("Conv", ["search", "none", "middle"], "output3", **step),
    ]
    graph = b"".join(field(1, one) for one in nodes) + field(2, "tiny")
    graph += b"".join(field(5, tensor(name, values)) for name, values in weights.items())
    for name, *shape in (("template", 1, 3, 128, 128), ("search", 1, 3, 256, 256)):
        graph += field(11, value_info(str(name), *(int(size) for size in shape)))
    for name, channels in (("output1", 1), ("output2", 2), ("output3", 2)):
        graph += field(12, value_info(name, 1, channels, CELLS, CELLS))
    path.write_bytes(field(1, 8) + field(7, graph) + field(8, field(2, 13)))
    return path
