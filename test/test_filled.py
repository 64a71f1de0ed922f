"""The weights and pictures that golden numbers rest on are the same everywhere, and what they say they are."""

import zlib

import numpy as np
import pytest
from filled import (
    filled,
    filled_state,
    moving_clip,
    ocean_shapes,
    picture,
    search_patch,
    siamban_shapes,
    template_patch,
)


def crc(array):
    return zlib.crc32(np.ascontiguousarray(array).tobytes())


@pytest.mark.parametrize(
    ("name", "shape", "expected"),
    [
        ("backbone.layer1.0.conv1.weight", (64, 64, 1, 1), 3958088207),
        ("backbone.layer2.0.bn3.weight", (512,), 1638199108),
        ("head.box3.loc.head.3.bias", (4,), 1577226073),
        ("head.box3.cls.head.3.bias", (2,), 3543977827),
        ("connect_model.bias", (1, 4, 1, 1), 3281227028),
        ("features.features.bn1.running_var", (64,), 3100657445),
    ],
)
def test_a_name_and_a_shape_give_the_same_values_everywhere(name, shape, expected):
    values = filled(name, shape)
    assert values.dtype == np.float32
    assert values.shape == shape
    assert crc(values) == expected


def test_every_tensor_has_its_own_values():
    shape = (64, 64, 3, 3)
    assert not np.array_equal(
        filled("backbone.layer1.0.conv2.weight", shape), filled("backbone.layer1.1.conv2.weight", shape)
    )


@pytest.mark.parametrize(
    ("shapes", "tensors", "parameters"),
    [
        (siamban_shapes(), 459, 53_932_123),
        (ocean_shapes(), 403, 26_459_217),
        (ocean_shapes(online=True), 517, 37_751_889),
    ],
    ids=["siamban", "ocean", "ocean_online"],
)
def test_the_checkpoints_have_their_authors_sizes(shapes, tensors, parameters):
    of_statistics = ("running_mean", "running_var", "num_batches_tracked")
    assert len(shapes) == tensors
    assert sum(int(np.prod(s)) for n, s in shapes.items() if not n.endswith(of_statistics)) == parameters


def test_a_state_is_finite_with_positive_variances():
    # One level's head and neck stand for all: the whole state takes seconds.
    shapes = {n: s for n, s in siamban_shapes().items() if ".box2.cls." in n or n.startswith("neck.downsample2.")}
    state = filled_state(shapes)
    assert {name: values.shape for name, values in state.items()} == shapes
    assert all(np.isfinite(values).all() for values in state.values())
    assert all((values > 0).all() for name, values in state.items() if name.endswith("running_var"))
    assert {str(v.dtype) for n, v in state.items() if n.endswith("num_batches_tracked")} == {"int64"}


def test_the_pictures_are_the_same_everywhere():
    assert template_patch().shape == (127, 127, 3)
    assert search_patch().shape == (255, 255, 3)
    assert search_patch(271).shape == (271, 271, 3)
    pictures = (picture(50, 70, seed=5), template_patch(), search_patch(), search_patch(271))
    assert [crc(each) for each in pictures] == [4238128267, 265378934, 432718575, 1013806747]


def test_the_pictures_are_smooth_and_full_of_contrast():
    values = picture(200, 200, seed=6).astype(int)
    assert values.std() > 40
    assert np.abs(np.diff(values, axis=0)).mean() < 20


def test_the_clip_moves_changes_size_and_comes_near_the_border():
    frames, box = moving_clip(51)
    assert len(frames) == 51
    assert {frame.shape for frame in frames} == {(240, 320, 3)}
    assert box == (120, 90, 44, 36)
    assert crc(np.stack(frames)) == 2127916548
    ground = picture(300, 400, seed=3)
    top, left = 24, 37  # where frame 30 looks at the ground
    differs = (frames[30] != ground[top : top + 240, left : left + 320]).any(axis=(0, 2))
    assert 310 <= np.flatnonzero(differs).max() < 320
    shorter, _ = moving_clip(5)
    assert all(np.array_equal(a, b) for a, b in zip(shorter, frames, strict=False))
