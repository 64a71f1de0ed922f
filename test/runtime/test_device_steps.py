"""What a CUDA graph is to hold runs on the device alone: tried on CUDA tensors of which only shape and type exist.

Where there is no GPU this shows what a capture would trip over: a step that asks the device for a value, that makes a
tensor out of the host's numbers, or that mixes the host's tensors with the device's, fails here.
"""

import pytest
import torch
import torch.nn.functional as F
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from siam_tracker_ros.networks.response import point_grid
from siam_tracker_ros.networks.running import for_running
from siam_tracker_ros.networks.zoo import MODELS
from siam_tracker_ros.runtime import device_frame, device_steps
from siam_tracker_ros.runtime.device_frame import DeviceFrame
from siam_tracker_ros.runtime.device_steps import HalvingStep, KernelsStep, SearchStep, TemplateStep
from siam_tracker_ros.runtime.passes import KernelsPass, SearchPass, TemplatePass

CUDA = torch.device("cuda", 0)


class NoHost(TorchDispatchMode):
    """Refuses operations on tensors of the host."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        given = [part for part in tree_leaves((args, kwargs)) if isinstance(part, torch.Tensor)]
        made = func(*args, **(kwargs or {}))
        for tensor in (*given, *(part for part in tree_leaves(made) if isinstance(part, torch.Tensor))):
            assert tensor.device.type == "cuda", f"{func} has a tensor of the host"
        return made


def no_capture(step):
    return step


@pytest.fixture
def nothing_uploaded(monkeypatch):
    for module in (device_steps, device_frame):
        monkeypatch.setattr(module, "Upload", lambda target: None)
    # Which kernel samples a grid is asked of the driver.
    monkeypatch.setattr(
        F, "grid_sample", lambda x, grid, **_: x.new_empty(*x.shape[:2], *grid.shape[1:3]) + grid[0, 0, 0, 0]
    )


def steps_of(name, count):
    """The search, template, kernels and halving steps of a model in half precision."""
    dtype = torch.float16
    # Numbers are of no use here, but afsn_mobile's are read where its convolutions are joined.
    with torch.device("cpu" if name == "afsn_mobile" else "meta"):
        built = for_running(MODELS[name].build()).to(dtype)
    g = built.geometry
    points = point_grid(g).flatten(1).numpy()
    with FakeTensorMode(allow_non_fake_inputs=True) as mode, torch.inference_mode():
        network, frame = built.to_empty(device=CUDA), DeviceFrame(721, 1281, CUDA)
        template = TemplateStep(TemplatePass(network, dtype), frame, "exact", g.template_size, no_capture)
        features = template._run()
        kernels = KernelsStep(KernelsPass(network, dtype), features, no_capture)
        made = SearchStep(
            SearchPass(network, dtype), frame, points, "exact", count, g.search_size, kernels._run(), no_capture
        )
    return mode, (template, kernels, made, HalvingStep(frame, 1, no_capture))


@pytest.mark.parametrize("name", sorted(MODELS))
def test_nothing_comes_from_the_host_or_goes_there(name, nothing_uploaded):
    mode, steps = steps_of(name, count=4)
    with mode, torch.inference_mode(), NoHost():
        features, kernels, (choices, maps, _), nothing = (step._run() for step in steps)
    assert {part.dtype for part in (*features, *kernels)} == {torch.float16}
    assert (choices.shape, choices.dtype, maps.dtype) == ((4, 9), torch.float32, torch.float32)
    assert nothing == ()


@pytest.mark.parametrize("wrong", [lambda x: x * x.sum().item(), lambda x: x + torch.ones(3), lambda x: x[x > 0]])
def test_a_step_that_needs_the_host_would_be_found(wrong):
    with FakeTensorMode(), torch.inference_mode():
        x = torch.empty(3, device=CUDA)
        with NoHost(), pytest.raises((RuntimeError, AssertionError, TypeError)):
            wrong(x)
