"""What is known of pictures without decoding them."""

import pytest
from training_layouts import picture

from siam_tracker_ros.datasets import DatasetError
from siam_tracker_ros.datasets.picture_files import names_in, picture_size


def test_names_of_a_folder_and_of_one_that_is_missing(tmp_path):
    picture(tmp_path / "a.jpg")
    assert names_in(tmp_path) == {"a.jpg"}
    assert names_in(tmp_path / "none") == frozenset()


@pytest.mark.parametrize("name", ["a.jpg", "a.JPEG", "a.png"])
def test_the_size_is_read_from_a_file_that_ends_too_early(tmp_path, name):
    path = picture(tmp_path / name)
    path.write_bytes(path.read_bytes()[:-20])
    assert picture_size(path) == (80, 60)


@pytest.mark.parametrize("content", [b"", b"not an image", None])
def test_what_is_not_an_image_is_named(tmp_path, content):
    if content is not None:
        (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(DatasetError, match=r"a\.jpg: cannot be read as an image"):
        picture_size(tmp_path / "a.jpg")
