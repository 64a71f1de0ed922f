"""Readers of annotated images and videos, for training and evaluation alike; one file per layout."""

from siam_tracker_ros.datasets.errors import DatasetError
from siam_tracker_ros.datasets.stills import LabelledImage, StillsSurvey, load_stills, survey_stills

__all__ = ["DatasetError", "LabelledImage", "StillsSurvey", "load_stills", "survey_stills"]
