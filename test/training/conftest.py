"""A tiny data folder."""

import pytest
from small_runs import draw_stills


@pytest.fixture
def stills_folder(tmp_path):
    """stills.csv with six drawn pictures of two sets."""
    return draw_stills(tmp_path)
