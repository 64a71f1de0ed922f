"""Which process sees which pairs in which step."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siam_tracker_ros.training.loader import StepBatches
from siam_tracker_ros.training.recipe import RecipeError


def test_numbers_by_hand():
    assert list(StepBatches(0, 2, 4)) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert list(StepBatches(1, 3, 4, rank=1, world=2)) == [[6, 7], [10, 11]]


@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 6), st.integers(0, 6))
def test_processes_share_each_step_and_a_resumed_run_sees_the_rest(world, share, steps, first):
    batch = world * share
    whole = list(StepBatches(0, steps, batch))
    parts = [list(StepBatches(first, steps, batch, rank, world)) for rank in range(world)]
    rest = [list(chain(*step)) for step in zip(*parts, strict=True)]
    assert rest == whole[first:]
    assert list(chain(*whole)) == list(range(steps * batch))


def test_a_batch_that_cannot_be_shared_is_refused():
    with pytest.raises(RecipeError, match="a batch of 28 pairs cannot be shared evenly by 8 processes"):
        StepBatches(0, 1, 28, 0, 8)
