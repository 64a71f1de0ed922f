"""The online branch: its objective, its memory, and what it tells apart."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from siam_tracker_ros.geometry import Box
from siam_tracker_ros.networks.correlation import depthwise_correlation
from siam_tracker_ros.networks.response import Geometry
from siam_tracker_ros.tracking.online import OnlineBranch, OnlineSettings, normalized, principal_components

GEOMETRY = Geometry(template_size=127, search_size=255, stride=8, map_size=25)
CENTER = 255 / 2


def scene(places, channels=24, size=31, seed=0):
    """Features [1, C, s, s] of a noisy ground with things on it: (x, y in patch pixels, appearance [C])."""
    generator = torch.Generator().manual_seed(seed)
    features = 0.3 * torch.randn(1, channels, size, size, generator=generator)
    line = CENTER + (torch.arange(size) - (size - 1) / 2) * 8
    for x, y, appearance in places:
        blob = torch.exp(-((line[None, :] - x) ** 2 + (line[:, None] - y) ** 2) / (2 * 12.0**2))
        features += blob * appearance[None, :, None, None]
    return features


def box_at(x, y, side=48.0):
    return Box.from_center(x, y, side, side)


@pytest.fixture
def appearances():
    """A target, and a look-alike that shares nine tenths of it and is brighter."""
    torch.manual_seed(3)
    target, own = (F.normalize(torch.randn(24), dim=0) for _ in range(2))
    own = F.normalize(own - (own @ target) * target, dim=0)
    return 4 * target, 1.5 * (0.9 * 4 * target + math.sqrt(1 - 0.81) * 4 * own)


def first_frame(target, look_alike):
    places = [(0, 0), (24, 0), (-24, 16), (16, -24)]
    samples, boxes = [], []
    for i, (dx, dy) in enumerate(places):
        x, y = CENTER + dx, CENTER + dy
        samples.append(scene([(x, y, target), (x + 72, y + 24, look_alike)], seed=i))
        boxes.append(box_at(x, y))
    return torch.cat(samples), boxes


def value_at(scores, x, y):
    column, row = (round((v - CENTER) / 8 + 12) for v in (x, y))
    return float(scores.reshape(25, 25)[row, column])


def test_the_first_frame_lowers_the_objective_step_by_step(appearances):
    branch = OnlineBranch(GEOMETRY, *first_frame(*appearances))
    assert branch.losses == sorted(branch.losses, reverse=True)
    assert branch.losses[-1] < 0.2 * branch.losses[0]
    assert branch.objective() == pytest.approx(branch.losses[-1], rel=1e-4)


def test_it_separates_a_look_alike_that_the_offline_score_prefers(appearances):
    target, look_alike = appearances
    samples, boxes = first_frame(target, look_alike)
    here, there = (CENTER + 16, CENTER - 8), (CENTER - 64, CENTER + 40)
    frame = scene([(*here, target), (*there, look_alike)], seed=99)
    # The offline score: the correlation with the target's features, summed over the channels.
    kernel = samples[:1, :, 12:19, 12:19]
    offline = depthwise_correlation(frame, kernel).sum(1).flatten().numpy()
    assert value_at(offline, *there) > value_at(offline, *here)
    branch = OnlineBranch(GEOMETRY, samples, boxes)
    _, online = branch.score(frame)
    assert value_at(online, *here) > 0.5
    assert value_at(online, *here) > 2 * value_at(online, *there)
    x, y = (float(axis.flatten()[online.argmax()]) for axis in branch._points)
    assert math.hypot(x - here[0], y - here[1]) < 12


def test_a_look_alike_that_comes_later_is_seen_and_learned_at_once(appearances):
    target, _ = appearances
    torch.manual_seed(5)
    stranger = 1.3 * target + 1.5 * torch.randn(24)
    samples = torch.cat([scene([(CENTER + d, CENTER, target)], seed=i) for i, d in enumerate((0, 16, -16))])
    branch = OnlineBranch(GEOMETRY, samples, [box_at(CENTER + d, CENTER) for d in (0, 16, -16)])
    steps, ratios, seen = len(branch.losses), [], []
    for i in range(6):
        there = (CENTER - 72, CENTER + 48)
        sample, scores = branch.score(scene([(CENTER, CENTER, target), (*there, stranger)], seed=20 + i))
        ratios.append(value_at(scores, *there) / value_at(scores, CENTER, CENTER))
        seen.append(branch.learn(sample, scores, box_at(CENTER, CENTER)))
    assert seen[0]
    assert len(branch.losses) == steps + sum(seen)  # an update for each hard negative, none other before the tenth
    assert ratios[-1] < 0.6 * ratios[0]


def test_regular_updates_come_at_their_interval(appearances):
    target, _ = appearances
    samples = torch.cat([scene([(CENTER, CENTER, target)], seed=i) for i in range(3)])
    branch = OnlineBranch(GEOMETRY, samples, [box_at(CENTER, CENTER)] * 3, OnlineSettings(interval=4))
    counts = []
    for i in range(8):
        sample, scores = branch.score(scene([(CENTER, CENTER, target)], seed=50 + i))
        assert not branch.learn(sample, scores, box_at(CENTER, CENTER))
        counts.append(len(branch.losses))
    first = counts[0]
    assert counts == [first] * 3 + [first + 1] * 4 + [first + 2]


def test_a_frame_without_the_target_teaches_nothing(appearances):
    target, _ = appearances
    samples = torch.cat([scene([(CENTER, CENTER, target)], seed=i) for i in range(3)])
    branch = OnlineBranch(GEOMETRY, samples, [box_at(CENTER, CENTER)] * 3)
    sample, scores = branch.score(scene([], seed=77))
    assert scores.max() < branch.settings.not_found
    assert not branch.learn(sample, scores, box_at(CENTER, CENTER))
    assert branch._count == 3


def test_the_memory_stays_within_its_size_and_the_first_frame_keeps_its_share(appearances):
    target, _ = appearances
    samples = torch.cat([scene([(CENTER, CENTER, target)], seed=i) for i in range(3)])
    settings = OnlineSettings(memory=8, first_share=0.25, rate=0.1, interval=1000)
    branch = OnlineBranch(GEOMETRY, samples, [box_at(CENTER, CENTER)] * 3, settings)
    first = branch._samples[:3].clone()
    for i in range(30):
        sample, scores = branch.score(scene([(CENTER, CENTER, target)], seed=100 + i))
        branch.learn(sample, scores, box_at(CENTER, CENTER))
        weights = branch._weights
        assert float(weights.sum()) == pytest.approx(1, abs=1e-5)
        assert float(weights[:3].sum()) >= 0.25 - 1e-5
        assert (weights >= 0).all()
        assert torch.equal(branch._samples[int(weights[3:].argmax()) + 3], sample[0])  # the newest weighs most
    assert branch._count == 8
    assert torch.equal(branch._samples[:3], first)


def test_labels_are_gaussians_at_the_box_on_the_response_points(appearances):
    branch = OnlineBranch(GEOMETRY, *first_frame(*appearances))
    label = branch._label(Box.from_center(CENTER + 24, CENTER - 16, 80.0, 20.0))[0]
    assert label[12 - 2, 12 + 3].item() == pytest.approx(1)
    sigma = 0.25 * math.sqrt(80 * 20)
    assert label[12 - 2, 12 + 5].item() == pytest.approx(math.exp(-(16**2) / (2 * sigma**2)))


@pytest.mark.parametrize(("features", "points", "stride", "search"), [(31, 25, 8, 255), (16, 15, 16, 255)])
def test_scores_have_the_points_of_the_response(features, points, stride, search):
    geometry = Geometry(127, search, stride, points)
    branch = OnlineBranch(geometry, torch.randn(2, 8, features, features), [box_at(CENTER, CENTER)] * 2)
    _, scores = branch.score(torch.randn(1, 8, features, features))
    assert scores.shape == (points * points,)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()


def test_samples_are_scaled_and_projected_on_their_strongest_directions():
    torch.manual_seed(0)
    x = torch.randn(3, 10, 5, 5) * torch.tensor([9.0, 5.0, *[0.1] * 8]).view(1, 10, 1, 1)
    scaled = normalized(7 * x)
    torch.testing.assert_close(scaled, normalized(x))
    torch.testing.assert_close(scaled.square().mean((1, 2, 3)), torch.ones(3))
    projection = principal_components(scaled, 2)
    assert projection.shape == (2, 10, 1, 1)
    kept = F.conv2d(scaled, projection).square().sum() / scaled.square().sum()
    assert kept > 0.99
    assert torch.equal(principal_components(scaled, 64)[:, :, 0, 0], torch.eye(10))
