"""The loss of a batch: its terms and weights by hand, and that every network's parameters take part in it."""

import dataclasses
import math
from pathlib import Path

import pytest
import torch
from torch import nn

from siam_tracker_ros.networks.response import Geometry, Response
from siam_tracker_ros.networks.zoo import MODELS
from siam_tracker_ros.training.criterion import UNTRAINED, make_criterion
from siam_tracker_ros.training.recipe import read_recipe
from siam_tracker_ros.training.recipe_loss import LabelRecipe, LossRecipe

LOG3 = math.log(3.0)


class Fixed(nn.Module):
    """A network that answers every patch alike: 3x3 points at stride 8 of a patch of 40 pixels."""

    geometry = Geometry(template_size=24, search_size=40, stride=8, map_size=3)

    def __init__(self, **answers):
        super().__init__()
        self.answers = answers

    def template(self, patch):
        return (patch,)

    def kernels(self, features):
        return features

    def search(self, kernels, patch):
        """Boxes of 16 x 16 pixels around each point, foreground probability 3/4 everywhere."""
        assert patch.shape[1:] == (3, 40, 40)
        assert kernels[0].shape[1:] == (3, 24, 24)
        assert patch.max() > 200  # 0..255, as the tracker gives them
        score = torch.zeros(len(patch), 2, 3, 3)
        score[:, 1] = LOG3
        plain = Response(score, torch.full((len(patch), 4, 3, 3), 8.0), None, (score,), patch)
        return dataclasses.replace(plain, **self.answers)


def batch_of(*boxes, positive=None, template=24, search=40):
    count = len(boxes)
    return {
        "template": torch.randint(0, 256, (count, template, template, 3), dtype=torch.uint8),
        "search": torch.randint(0, 256, (count, search, search, 3), dtype=torch.uint8),
        "box": torch.tensor(boxes, dtype=torch.float32),
        "template_box": torch.tensor([[template / 4, template / 4, template * 0.75, template * 0.75]] * count),
        "positive": torch.tensor(positive or [1.0] * count)[:, None],
        "index": torch.arange(count),
    }


MIDDLE = [12.0, 12, 28, 28]  # of the nine points at 12, 20, 28 only the middle one lies inside


def terms_of(batch, labels=None, loss=None, **answers):
    network = Fixed(**answers)
    criterion = make_criterion(LabelRecipe(**(labels or {})), LossRecipe(**(loss or {})), network)
    return {name: float(term) for name, term in criterion(network, batch).items()}


def test_score_and_box_by_hand():
    terms = terms_of(batch_of([8.0, 12, 32, 28]), loss={"score": 1.2, "regression": 2.0})
    # Three points inside, at x = 12, 20, 28, y = 20: their boxes of 16 x 16 against 24 x 16.
    overlaps = [192 / (256 + 384 - 192), 256 / 384, 192 / (256 + 384 - 192)]
    assert terms["box"] == pytest.approx(1 - sum(overlaps) / 3)
    assert terms["score"] == pytest.approx((math.log(4 / 3) + math.log(4)) / 2)
    assert terms["loss"] == pytest.approx(1.2 * terms["score"] + 2 * terms["box"])
    assert terms.keys() == {"loss", "score", "box"}
    logarithmic = terms_of(batch_of([8.0, 12, 32, 28]), loss={"iou": "log"})
    assert logarithmic["box"] == pytest.approx(-sum(math.log(v) for v in overlaps) / 3)


def test_a_negative_pair_is_all_background_and_regresses_nothing():
    terms = terms_of(batch_of(MIDDLE, positive=[0.0]), centerness=torch.zeros(1, 1, 3, 3))
    assert terms["score"] == pytest.approx(math.log(4) / 2)  # no positive half
    assert terms["box"] == terms["centerness"] == 0
    everywhere = terms_of(
        batch_of(MIDDLE, positive=[0.0]), loss={"centerness_points": "everywhere"}, centerness=torch.zeros(1, 1, 3, 3)
    )
    assert everywhere["centerness"] == 0


def test_beside_a_negative_pair_the_positive_one_counts_as_if_alone():
    one = terms_of(batch_of(MIDDLE), centerness=torch.ones(1, 1, 3, 3))
    both = terms_of(batch_of(MIDDLE, MIDDLE, positive=[1.0, 0.0]), centerness=torch.ones(2, 1, 3, 3))
    assert both == pytest.approx(one)


def test_centerness_in_the_box_or_everywhere():
    centers = torch.full((1, 1, 3, 3), LOG3)
    terms = terms_of(batch_of(MIDDLE), centerness=centers, loss={"centerness": 0.5})
    assert terms["centerness"] == pytest.approx(math.log(4 / 3))  # the one point is the centre
    assert terms["loss"] == pytest.approx(terms["score"] + 0.5 * terms["centerness"], abs=1e-6)
    everywhere = terms_of(batch_of(MIDDLE), centerness=centers, loss={"centerness_points": "everywhere"})
    assert everywhere["centerness"] == pytest.approx(math.log(4 / 3) + 8 * math.log(4))


def test_labels_and_box_points_are_the_recipes():
    # A disc of 9 pixels around the middle holds five points; the box holds only the middle one.
    disc = {"kind": "disc", "radius": 9.0}
    focal = {"classification": "focal"}
    by_box = terms_of(batch_of(MIDDLE), disc, focal)
    positive, negative = 0.25 / 16 * math.log(4 / 3), 0.75 * 9 / 16 * math.log(4)
    assert by_box["score"] == pytest.approx((5 * positive + 4 * negative) / 5, rel=1e-5)
    assert by_box["box"] == pytest.approx(0, abs=1e-6)  # the middle point's box is the truth
    by_label = terms_of(batch_of(MIDDLE), disc | {"regression": "positive"}, focal)
    assert by_label["box"] == pytest.approx(1 - (1 + 4 * (128 / (512 - 128))) / 5, rel=1e-5)


def test_drawn_points_alone_count():
    drawn = {"kind": "disc", "radius": 9.0, "most_positive": 2, "most_negative": 1}
    terms = terms_of(batch_of(MIDDLE), drawn, {"classification": "focal"})
    positive, negative = 0.25 / 16 * math.log(4 / 3), 0.75 * 9 / 16 * math.log(4)
    assert terms["score"] == pytest.approx((2 * positive + negative) / 2, rel=1e-5)


def test_levels_below_the_deepest_have_losses_of_their_own():
    score = torch.zeros(1, 2, 3, 3)
    answers = {"levels": (score,) * 3, "level_distances": (torch.full((1, 4, 3, 3), 4.0),) * 3}
    terms = terms_of(batch_of(MIDDLE), loss={"levels": 0.3, "regression": 2.0}, **answers)
    level = math.log(2) + 2 * (1 - 64 / 256)
    assert terms["levels"] == pytest.approx(2 * level, rel=1e-5)
    assert terms["loss"] == pytest.approx(terms["score"] + 2 * terms["box"] + 0.3 * 2 * level, rel=1e-5)
    assert "levels" not in terms_of(batch_of(MIDDLE), **answers)


def test_oceans_two_scores_have_their_own_labels():
    regular, aware = torch.zeros(1, 2, 3, 3), torch.full((1, 1, 3, 3), LOG3)
    terms = terms_of(
        batch_of(MIDDLE),
        {"kind": "disc", "radius": 4.0},
        {"iou": "log", "score": 1.2, "object_aware": 0.5, "levels": 0.3},
        levels=(regular, torch.cat((torch.zeros_like(aware), aware), 1)),
        object_aware=aware,
    )
    assert terms["score"] == pytest.approx(math.log(2))  # the mixture says 3/4 everywhere
    # IoU of the boxes of 16 x 16 with the middle one: itself, four sides, four corners.
    overlaps = [1.0] + [1 / 3] * 4 + [64 / (512 - 64)] * 4
    cross = [-v * math.log(0.75) - (1 - v) * math.log(0.25) for v in overlaps]
    assert terms["object"] == pytest.approx(sum(cross) / 9 / 2, rel=1e-5)  # every box meets the target
    assert terms["loss"] == pytest.approx(1.2 * terms["score"] + 0.5 * terms["object"], rel=1e-5)
    assert "levels" not in terms


def test_a_batch_without_the_target_has_no_object_aware_positive():
    aware = torch.full((1, 1, 3, 3), LOG3)
    terms = terms_of(batch_of(MIDDLE, positive=[0.0]), levels=(torch.zeros(1, 2, 3, 3),), object_aware=aware)
    assert terms["object"] == pytest.approx(math.log(4) / 2)


def test_half_precision_is_left_before_the_areas():
    answers = {"distances": torch.full((1, 4, 3, 3), 300.0, dtype=torch.float16)}  # areas overflow float16
    with torch.autocast("cpu", torch.bfloat16):
        terms = terms_of(batch_of(MIDDLE), **answers)
    assert terms["box"] == pytest.approx(1 - 256 / 360000)


RECIPES = Path(__file__).resolve().parents[2] / "config" / "train"
TERMS = {
    "afsn_mobile": {"centerness", "levels"},
    "afsn_r50": {"centerness"},
    "ocean_r50": {"object"},
    "ocean_online_r50": {"object"},
    "siam_hne_r50": {"centerness", "contrastive"},
}


@pytest.mark.parametrize("name", MODELS)
def test_every_trained_parameter_takes_part_whatever_the_batch_holds(name):
    """Also the backbone's, unfrozen. First blocks of each stage only, and the smallest search patches: a tiny pass."""
    torch.manual_seed(0)
    network = MODELS[name].build("1x1" if MODELS[name].shortcuts else None)
    for stage in ("layer1", "layer2", "layer3", "layer4"):
        if isinstance(blocks := getattr(network.backbone, stage, None), nn.Sequential):
            setattr(network.backbone, stage, blocks[:1])
    side = network.geometry.at(111).search_size
    recipe = read_recipe(RECIPES / f"{name}.yaml")
    criterion = make_criterion(recipe.labels, recipe.loss, network.train())
    box = [side / 2 - 30, side / 2 - 20, side / 2 + 30, side / 2 + 20]
    for positive in ([1.0, 0.0], [0.0, 0.0]):
        network.zero_grad()
        terms = criterion(network, batch_of(box, box, positive=positive, template=127, search=side))
        assert terms.keys() == {"loss", "score", "box"} | TERMS.get(name, set())
        assert all(term.isfinite() and term.shape == () for term in terms.values())
        terms["loss"].backward()
        absent = {n for n, p in network.named_parameters() if p.grad is None}
        assert absent == {n for n, _ in network.named_parameters() if n.startswith(UNTRAINED)}
        gradients = [p.grad for p in network.backbone.parameters() if p.dim() == 4]
        assert all(g.isfinite().all() and g.any() for g in gradients)
    assert bool(absent) == (name == "ocean_online_r50")
