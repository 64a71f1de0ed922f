"""Every model of the zoo learns two drawn pairs from random initialisation, and puts the box on the target.

The backbone is frozen, as the papers freeze theirs in the first epochs, and its answers to the four patches are kept,
so that a step costs the rest of the network only; search patches are smaller than the usual 255 pixels for the same
reason. All the rest is trained with the labels and losses of the shipped recipe, from random weights; only the boxes
begin at about the targets' size. What was learnt is read through the tracker's own runtime and scoring: the best
point's box. The window that favours the target's last place is off: it may choose a point beside the positive ones,
whose box some recipes do not train. That gradients reach an unfrozen backbone is shown in ``test_criterion.py``.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from every_model import LEADING, every_model
from torch import nn
from torchvision.ops import box_iou

from siam_tracker_ros.geometry import Box
from siam_tracker_ros.networks.zoo import MODELS
from siam_tracker_ros.runtime.eager import EagerRuntime
from siam_tracker_ros.tracking.presets import preset
from siam_tracker_ros.tracking.scoring import choose, cosine_window
from siam_tracker_ros.training.criterion import make_criterion
from siam_tracker_ros.training.recipe import read_recipe


@dataclass(frozen=True)
class Case:
    """What drives the overfit, and the box output whose boxes have some 60 pixels."""

    rate: float
    steps: int
    start: float


CASES = {
    "afsn_mobile": Case(2e-3, 50, 3.4),
    "afsn_r50": Case(4e-4, 60, 1.4),
    "siam_sae_r50": Case(1e-3, 25, 1.4),
    "siamban_r50": Case(1e-3, 25, 3.4),
    "ocean_r50": Case(1e-3, 40, 24.0),
    "ocean_online_r50": Case(1e-3, 40, 24.0),
    "siam_hne_r50": Case(1e-3, 40, 1.4),
}
RECIPES = Path(__file__).resolve().parents[2] / "config" / "train"
SIDE = 159


def drawn_pairs(seed=0, count=2):
    """A batch of bright textured boxes on dark ground, each somewhere else in its search patch."""
    rng = np.random.default_rng(seed)
    rows = {"template": [], "search": [], "box": [], "template_box": []}
    for _ in range(count):
        w, h = (int(v) for v in rng.integers(44, 80, 2))
        thing = rng.integers(120, 256, (4, 4, 3), dtype=np.uint8).repeat(20, 0).repeat(20, 1)[:h, :w]
        for name, side, reach in (("template", 127, 0), ("search", SIDE, 24)):
            patch = rng.integers(0, 100, (side // 8 + 1, side // 8 + 1, 3), dtype=np.uint8)
            patch = np.ascontiguousarray(patch.repeat(8, 0).repeat(8, 1)[:side, :side])
            x, y = ((side - length) // 2 + int(rng.integers(-reach, reach + 1)) for length in (w, h))
            patch[y : y + h, x : x + w] = thing
            rows[name].append(patch)
            rows["box" if name == "search" else "template_box"].append([x, y, x + w, y + h])
    batch = {k: torch.from_numpy(np.stack(v)) for k, v in rows.items()}
    batch |= {k: batch[k].float() for k in ("box", "template_box")}
    return batch | {"positive": torch.ones(count, 1), "index": torch.arange(count)}


class Remembered(nn.Module):
    """A frozen backbone that has seen some patches and knows only those."""

    def __init__(self, backbone, *patches):
        super().__init__()
        self.channels = getattr(backbone, "channels", ())
        self.known = {}
        with torch.no_grad():
            for batch in patches:
                pictures = batch.permute(0, 3, 1, 2).float()
                for picture, *levels in zip(pictures, *backbone(pictures), strict=True):
                    self.known[self.key(picture)] = levels

    @staticmethod
    def key(picture):
        return picture.byte().contiguous().numpy().tobytes()

    def forward(self, pictures):
        return tuple(torch.stack(level) for level in zip(*(self.known[self.key(p)] for p in pictures), strict=True))


def overlaps(network, name, batch):
    """IoU of what the tracker chooses in each search patch with the truth, the target last seen in the middle, [B]."""
    runtime = EagerRuntime(network, torch.device("cpu"))
    settings = replace(preset(name), window_influence=0.0)
    window = cosine_window(network.geometry.at(SIDE).map_size)
    chosen = []
    for template, search, box in zip(batch["template"], batch["search"], batch["template_box"], strict=True):
        maps = runtime.search(runtime.kernels(runtime.template(template.numpy())), search.numpy())
        last = Box.from_center(SIDE / 2, SIDE / 2, *(box[2:] - box[:2]).tolist())
        best = choose(maps.foreground, maps.centerness, maps.boxes, last, window, settings).box
        chosen.append([best.x, best.y, best.right, best.bottom])
    return box_iou(torch.tensor(chosen), batch["box"]).diag()


def begin(network, case, run):
    """Boxes near the targets' size, so that the first steps have an overlap to improve, and batch normalisation of the
    neck, which template and search patches share, at the statistics of both."""
    norms = {name: module for name, module in network.named_modules() if isinstance(module, nn.BatchNorm2d)}
    for module in network.train().modules():
        if isinstance(module, nn.Conv2d) and module.out_channels == 4:
            module.weight.data.mul_(0.01)
            module.bias.data.fill_(case.start)
    for norm in norms.values():
        norm.momentum = None  # the mean over all that was seen
    with torch.no_grad():
        run()
    for name, norm in norms.items():
        norm.momentum = 0.3
        norm.train(not name.startswith("neck"))


def learn(name, seed=0):
    """Train; returns the losses of all steps, and the IoU of each pair's chosen box before and after."""
    case = CASES[name]
    torch.manual_seed(seed)
    batch = drawn_pairs(seed)
    network = MODELS[name].build("1x1" if MODELS[name].shortcuts else None)  # the cheaper backbone
    network.backbone = Remembered(network.backbone.train(), batch["template"], batch["search"])
    if hasattr(network, "online_stage"):
        network.online_stage = nn.Identity()  # no loss trains it
    recipe = read_recipe(RECIPES / f"{name}.yaml")
    criterion = make_criterion(recipe.labels, recipe.loss, network)
    begin(network, case, lambda: criterion(network, batch))
    optimizer = torch.optim.AdamW(network.parameters(), case.rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, case.rate, case.steps, pct_start=0.2)
    losses, before = [], overlaps(network, name, batch)
    for _ in range(case.steps):
        terms = criterion(network, batch)
        optimizer.zero_grad()
        terms["loss"].backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        losses.append(float(terms["loss"].detach()))
    return losses, before, overlaps(network, name, batch)


@pytest.mark.parametrize("name", every_model(LEADING))
def test_a_few_pairs_are_learnt(name):
    losses, before, after = learn(name)
    assert losses[-1] < 0.4 * losses[0]
    assert before.min() < 0.6
    assert after.min() > 0.7
