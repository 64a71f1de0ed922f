"""Readers of annotated images and videos, for training and evaluation alike; one file per layout."""

from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.datasets.sequences import (
    Sequence,
    SequenceSurvey,
    load_sequence,
    load_sequences,
    read_boxes,
    survey_sequences,
)
from siam_tracker_ros.datasets.stills import LabelledImage, StillsSurvey, load_stills, survey_stills

__all__ = [
    "DatasetError",
    "LabelledImage",
    "Sequence",
    "SequenceSurvey",
    "StillsSurvey",
    "load_sequence",
    "load_sequences",
    "load_stills",
    "read_boxes",
    "survey_sequences",
    "survey_stills",
]
