"""The stills reader: what it takes, what it leaves out and says why."""

import logging
from pathlib import Path

import cv2
import numpy as np
import pytest

from siam_tracker_ros.datasets import DatasetError, load_stills, survey_stills

HEADER = "image,set,track,frame,x,y,w,h,image_width,image_height\n"


def write(folder: Path, lines: list[str], images: tuple[str, ...] = ("a.png", "b.png")) -> Path:
    (folder / "img").mkdir(exist_ok=True)
    for index, name in enumerate(images):
        cv2.imwrite(str(folder / "img" / name), np.full((40, 60, 3), index, np.uint8))
    path = folder / "labels.csv"
    path.write_text(HEADER + "".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def test_boxes_of_one_image_are_together_in_the_order_of_the_csv(tmp_path):
    path = write(
        tmp_path,
        [
            "img/b.png,lake,swimmer#1,7,1,2,3,4,60,40",
            "img/a.png,voc,,,5,6,7,8,60,40",
            "img/b.png,lake,,7,9,10,11,12,60,40",
        ],
    )
    first, second = load_stills(path)
    assert first.path == tmp_path / "img" / "b.png"
    assert (first.set, first.frame, first.width, first.height) == ("lake", 7, 60, 40)
    np.testing.assert_array_equal(first.boxes, [[1, 2, 3, 4], [9, 10, 11, 12]])
    assert first.boxes.dtype == np.float64
    assert first.tracks == ("swimmer#1", None)
    assert second.frame is None
    np.testing.assert_array_equal(second.read(), np.zeros((40, 60, 3), np.uint8))


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ("img/none.png,s,,,1,2,3,4,60,40", "the image file is missing"),
        ("img/a.png,s,,,1,2,0,4,60,40", "the box is empty or inverted"),
        ("img/a.png,s,,,9,2,-3,4,60,40", "the box is empty or inverted"),
        ("img/a.png,s,,,nan,2,3,4,60,40", "the box is not finite"),
        ("img/a.png,s,,,1,2,inf,4,60,40", "the box is not finite"),
        ("img/a.png,s,,,60,2,3,4,60,40", "the box lies outside the image"),
        ("img/a.png,s,,,-9,2,3,4,60,40", "the box lies outside the image"),
        ("img/a.png,s,,,one,2,3,4,60,40", "a column that must be a number is not one"),
        ("img/a.png,s,,,1,2,3", "a column that must be a number is not one"),
        ("img/a.png,s,,first,1,2,3,4,60,40", "a column that must be a number is not one"),
    ],
)
def test_a_bad_line_is_left_out_with_its_reason_and_place(tmp_path, columns, reason, caplog):
    path = write(tmp_path, ["img/b.png,s,,,1,2,3,4,60,40", columns])
    survey = survey_stills(path)
    assert [image.path.name for image in survey.images] == ["b.png"]
    assert survey.rows == 2
    assert dict(survey.left_out) == {reason: 1}
    assert f"1 boxes left out: {reason} (line 3, {columns.split(',')[0]})" in survey.summary()
    with caplog.at_level(logging.WARNING):
        load_stills(path)
    assert reason in caplog.text


def test_a_box_over_the_border_is_cut_to_the_image(tmp_path):
    survey = survey_stills(write(tmp_path, ["img/a.png,s,,,-5,-5,20,20,60,40", "img/a.png,s,,,50,30,20,20,60,40"]))
    np.testing.assert_array_equal(survey.images[0].boxes, [[0, 0, 15, 15], [50, 30, 10, 10]])
    assert survey.clipped == 2
    assert "2 boxes cut" in survey.summary()


def test_nothing_usable_is_an_error_that_tells_why(tmp_path):
    with pytest.raises(DatasetError, match=r"no usable image(.|\n)*image file is missing"):
        load_stills(write(tmp_path, ["img/none.png,s,,,1,2,3,4,60,40"]))


def test_missing_csv_and_foreign_header_are_named(tmp_path):
    with pytest.raises(DatasetError, match=r"none\.csv: cannot be read"):
        load_stills(tmp_path / "none.csv")
    foreign = tmp_path / "foreign.csv"
    foreign.write_text("file,box\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="the header lacks image, set"):
        load_stills(foreign)
    foreign.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasetError, match="UTF-8"):
        load_stills(foreign)


def test_pixels_are_read_late_and_checked_against_the_csv(tmp_path):
    path = write(tmp_path, ["img/a.png,s,,,1,2,3,4,61,40", "img/b.png,s,,,1,2,3,4,60,40"])
    other_size, broken = load_stills(path)
    with pytest.raises(DatasetError, match="is 60x40, but its boxes were drawn on 61x40"):
        other_size.read()
    broken.path.write_bytes(b"not an image")
    with pytest.raises(DatasetError, match="cannot be read as an image"):
        broken.read()
