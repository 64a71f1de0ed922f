"""Plans: which views make a pair and where they are cut; boxes alone decide, so no picture exists here."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from drawn_tracks import track, track_set

from siam_tracker_ros.geometry import Box
from siam_tracker_ros.training.mixture import Mixture, PairSource
from siam_tracker_ros.training.plans import Planner
from siam_tracker_ros.training.recipe_pairs import AugmentRecipe, PairRecipe

ALWAYS_POSITIVE = PairRecipe(negative=0, look_alike=0, distractor=0)
AUGMENT = AugmentRecipe()


def make_plans(sources, pairs, count=200, augment=AUGMENT, search_size=255):
    """Plans that start in the first source."""
    planner = Planner(Mixture(sources), pairs, augment, search_size)
    return [planner.plan(planner.mixture.pools[0], np.random.default_rng((7, i))) for i in range(count)]


def centre_in(crop, box):
    """Of the box, from the patch's middle, in patch pixels."""
    inside = crop.to_patch(box)
    return inside.cx - crop.patch / 2, inside.cy - crop.patch / 2


def test_a_pair_of_a_video_keeps_its_sources_gap():
    video = track_set(track("video", [(50, 50, 20, 20)] * 90))
    for gap in (0, 3, 60):
        plans = make_plans([PairSource(video, frame_gap=gap)], ALWAYS_POSITIVE)
        apart = [abs(plan.search.frame - plan.template.frame) for plan in plans]
        assert gap - 1 <= max(apart) <= gap
        assert all(plan.positive for plan in plans)


def test_the_gap_of_a_layout():
    recipe = PairRecipe(frame_gap=99, frame_gaps={"youtube_bb": 2})
    assert (recipe.gap_of("youtube_bb"), recipe.gap_of("lasot")) == (2, 99)


def test_shift_and_scale_stay_within_their_settings_and_reach_them():
    video = track_set(track("video", [(50, 40, 30, 20)] * 5))
    plans = make_plans([PairSource(video)], ALWAYS_POSITIVE, 400)
    for patch, settings, size in (("template", AUGMENT.template, 127), ("search", AUGMENT.search, 255)):
        crops = [(getattr(plan, f"{patch}_crop"), getattr(plan, patch)) for plan in plans]
        shifts = np.array([centre_in(crop, view.box) for crop, view in crops])
        # 30 x 20 with half of its half perimeter around it: sqrt(55 x 45), which the template patch shows.
        scales = np.log([crop.side / (size / 127 * np.sqrt(55 * 45)) for crop, _ in crops])
        assert settings.shift * 0.97 < np.abs(shifts).max() <= settings.shift + 1e-9
        assert settings.scale * 0.97 < np.abs(scales).max() <= settings.scale + 1e-9
        assert {crop.patch for crop, _ in crops} == {size}


def test_a_larger_search_patch_keeps_the_scale():
    source = [PairSource(track_set(track("video", [(50, 40, 30, 20)])))]
    still = AugmentRecipe(template={"shift": 0, "scale": 0}, search={"shift": 0, "scale": 0})
    (plan,) = make_plans(source, ALWAYS_POSITIVE, 1, still, search_size=287)
    assert plan.search_crop.patch == 287
    assert plan.search_crop.scale == pytest.approx(plan.template_crop.scale)


def crowd():
    """A street with three cars and a dog, the third car far away; a field with one car."""
    return track_set(
        track("near", [(100, 100, 40, 30)], scene="street", category="car"),
        track("beside", [(180, 110, 40, 30)], scene="street", category="car"),
        track("far", [(900, 100, 40, 30)], scene="street", category="car"),
        track("dog", [(140, 140, 30, 30)], scene="street", category="dog"),
        track("lonely", [(50, 50, 40, 30)], scene="field", category="car"),
    )


def test_a_look_alike_of_the_same_picture_and_category_lies_in_the_search_patch():
    plans = make_plans([PairSource(crowd())], PairRecipe(negative=0, look_alike=1, distractor=0), 300)
    beside = [plan for plan in plans if plan.look_alike]
    partner = {"near": Box(180, 110, 40, 30), "beside": Box(100, 100, 40, 30)}
    for plan in beside:
        assert plan.positive
        assert plan.look_alike == partner[plan.search.name]
        assert np.abs(centre_in(plan.search_crop, plan.search.box)).max() <= 64 + 1e-9
        assert np.abs(centre_in(plan.search_crop, plan.look_alike)).max() <= 127.5 - 16 + 1e-9
    # The far one is drawn a third of the time and has none near enough; so does the street without such pairs.
    assert len(beside) / len(plans) == pytest.approx(2 / 3, abs=0.1)
    assert Counter(plan.search.name for plan in beside).keys() == {"near", "beside"}


def test_look_alikes_are_looked_for_in_the_frame_of_the_search_patch():
    places = [(100, 100, 40, 30), (600, 100, 40, 30)]
    video = track_set(
        track("runner", places, scene="video", category="person", frames=[0, 1]),
        track("stands", [(170, 100, 40, 30)], scene="video", category="person", frames=[0]),
    )
    plans = make_plans([PairSource(video)], PairRecipe(negative=0, look_alike=1, distractor=0), 200)
    by_frame = Counter((plan.search.name, plan.search.frame, plan.look_alike is not None) for plan in plans)
    assert by_frame["runner", 0, True] > 0
    assert by_frame["runner", 1, False] > 0
    assert by_frame["runner", 1, True] == 0


def test_copies_of_a_frame_have_no_look_alikes_in_each_other():
    video = track_set(
        track("one", [(100, 100, 40, 30)], scene="video", category="person", images=[Path("one/0.jpg")]),
        track("two", [(120, 100, 40, 30)], scene="video", category="person", images=[Path("two/0.jpg")]),
    )
    plans = make_plans([PairSource(video)], PairRecipe(negative=0, look_alike=1, distractor=0), 50)
    assert not any(plan.look_alike for plan in plans)
    # Yet they show the same, so neither is a negative for the other: nobody is left, and the pairs stay positive.
    plans = make_plans([PairSource(video)], PairRecipe(negative=1, hard_negative=1), 50)
    assert all(plan.positive for plan in plans)


@pytest.mark.parametrize("hard", [0.0, 1.0])
def test_a_negative_pair_shows_the_templates_object_nowhere(hard):
    tracks = crowd()
    plans = make_plans([PairSource(tracks)], PairRecipe(negative=1, hard_negative=hard), 400)
    street = {name: Box(*tracks[i].boxes[0].tolist()) for i, name in enumerate(("near", "beside", "far", "dog"))}
    negatives = [plan for plan in plans if not plan.positive]
    assert len(negatives) >= 390  # the dog, amid the cars, is not always got out of the picture
    for plan in negatives:
        assert plan.template.name != plan.search.name
        if plan.search.name in street and plan.template.name in street:
            assert plan.search_crop.to_patch(street[plan.template.name]).clipped(255, 255).area == 0
    kinds = Counter(plan.kind for plan in negatives)
    if hard:
        assert kinds["an object of the scene"] > 50
        assert kinds["one of its kind"] > 50
    else:
        assert kinds.keys() == {"any object"}


def test_one_of_its_kind_is_of_the_same_category():
    plans = make_plans([PairSource(crowd())], PairRecipe(negative=1, hard_negative=1), 300)
    category = {"near": "car", "beside": "car", "far": "car", "dog": "dog", "lonely": "car"}
    same = [plan for plan in plans if plan.kind == "one of its kind"]
    assert all(category[plan.template.name] == category[plan.search.name] for plan in same)
    scene = [plan for plan in plans if plan.kind == "an object of the scene"]
    assert all("lonely" not in (plan.template.name, plan.search.name) for plan in scene)


def test_easy_negatives_come_from_all_sources():
    other = track_set(track("elsewhere", [(10, 10, 20, 20)]), name="other")
    sources = [PairSource(crowd(), 1.0), PairSource(other, 1.0)]
    plans = make_plans(sources, PairRecipe(negative=1, hard_negative=0), 300)
    assert {plan.template.source for plan in plans} == {"drawn"}
    assert {plan.search.source for plan in plans} == {"drawn", "other"}


def test_videos_of_no_known_category_are_no_strangers_to_each_other():
    """They may show each other's targets: what is pasted, or shown without the target, comes from another source."""
    table = track_set(*(track(str(i), [(10, 10, 20, 20)]) for i in range(5)), name="table")
    other = track_set(track("elsewhere", [(10, 10, 20, 20)]), name="other")
    for recipe in (PairRecipe(negative=1), PairRecipe(negative=0, distractor=1)):
        plans = make_plans([PairSource(table, 1.0), PairSource(other, 1.0)], recipe, 100)
        seconds = [plan.pasted[0] if plan.pasted else plan.search for plan in plans if plan.pasted or not plan.positive]
        assert len(seconds) > 90
        assert {view.source for view in seconds} == {"other"}
        # Where there is no other source, theirs have to do.
        plans = make_plans([PairSource(table)], recipe, 100)
        assert sum(plan.pasted is not None or not plan.positive for plan in plans) > 90
        assert all(plan.pasted[0].name != plan.search.name for plan in plans if plan.pasted)


def test_shares_are_kept():
    recipe = PairRecipe(negative=0.2, look_alike=0.5, distractor=0.5)
    two = track_set(*(track(str(x), [(x, 100, 40, 30)], scene="s", category="car") for x in (100, 180, 700, 780)))
    plans = make_plans([PairSource(two)], recipe, 1500)
    shares = {
        "negative": sum(not plan.positive for plan in plans),
        "look_alike": sum(plan.look_alike is not None for plan in plans),
        "pasted": sum(plan.pasted is not None for plan in plans),
    }
    wanted = {"negative": 0.2, "look_alike": 0.8 * 0.5, "pasted": 0.8 * 0.5 * 0.5}
    assert {name: count / len(plans) for name, count in shares.items()} == pytest.approx(wanted, abs=0.04)


def test_a_pasted_object_is_another_one_of_the_targets_size():
    tracks = track_set(
        track("target", [(100, 100, 60, 40)], category="car"), track("other", [(10, 20, 300, 150)], category="car")
    )
    still = AugmentRecipe(search={"shift": 64, "scale": 0})
    plans = make_plans([PairSource(tracks)], PairRecipe(negative=0, distractor=1), 100, still)
    for plan in (plan for plan in plans if plan.search.name == "target"):
        view, crop = plan.pasted
        assert view.name == "other"
        box = crop.to_patch(view.box)
        assert max(box.w, box.h) == pytest.approx(crop.patch)
        # 60 x 40 at a scale of 127 / sqrt(110 x 90) has an area of 3906; 30 % a side is 0.49 to 1.69 of it.
        assert 0.47 * 3906 < box.area < 1.72 * 3906


def test_what_is_too_thin_is_not_pasted():
    tracks = track_set(track("target", [(100, 100, 60, 40)]), track("pole", [(10, 20, 4, 400)], scene="target"))
    plans = make_plans([PairSource(tracks)], PairRecipe(negative=0, distractor=1), 60)
    assert not any(plan.pasted for plan in plans if plan.search.name == "target")
