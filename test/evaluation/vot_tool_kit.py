"""Run by a Python that has vot-toolkit: its own figures of supervised runs. JSON comes in, and JSON goes out.

In: {"sequences": [{"size": [w, h], "truth": [region, ...], "tracks": [region, ...]}, ...], "low": l, "high": h}, where
a region has 4 numbers (x, y, w, h), 8 (corners), or 1: 1 a start, 2 a failure, 0 a frame without the tracker.
"""

import json
import sys
from types import SimpleNamespace

import numpy as np
from vot import __version__
from vot.analysis.supervised import AccuracyRobustness, AverageAccuracyRobustness, EAOCurve
from vot.region import Polygon, Rectangle, Special, calculate_overlaps


def region(numbers):
    if len(numbers) == 1:
        return Special(int(numbers[0]))
    return Rectangle(*numbers) if len(numbers) == 4 else Polygon(list(zip(numbers[::2], numbers[1::2], strict=True)))


class Sequence:
    """What the tool kit's figures ask of a sequence and its results."""

    def __init__(self, given):
        self.size = tuple(given["size"])
        self.truth = [region(numbers) for numbers in given["truth"]]
        self.regions = [region(numbers) for numbers in given["tracks"]]

    def __len__(self):
        return len(self.truth)

    def groundtruth(self):
        return self.truth


def main():
    asked = json.load(sys.stdin)
    sequences = [Sequence(given) for given in asked["sequences"]]
    experiment = SimpleNamespace(gather=lambda tracker, sequence: [SimpleNamespace(regions=lambda: sequence.regions)])
    each = [AccuracyRobustness().subcompute(experiment, None, sequence, []) for sequence in sequences]
    accuracy, failures, (robustness, _), _ = AverageAccuracyRobustness().aggregate(None, sequences, each)
    (curve,) = EAOCurve().subcompute(experiment, None, sequences, [])
    answer = {
        "version": __version__,
        "overlaps": [
            [float(value) for value in calculate_overlaps(one.regions, one.truth, one.size)] for one in sequences
        ],
        "accuracies": [float(one[0]) for one in each],
        "failures": [float(one[1]) for one in each],
        "accuracy": float(accuracy),
        "mean_failures": float(failures),
        "robustness": float(robustness),
        "curve": [float(value) for value in curve],
        "eao": float(np.mean(curve[asked["low"] : asked["high"] + 1])),
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
