"""Loading: names, paths, and what is said when it cannot be done."""

import pytest

from siam_tracker_ros import load_tracker
from siam_tracker_ros.networks.weights import save_weights
from siam_tracker_ros.networks.zoo import MODELS

SHIPPED = [name for name, entry in MODELS.items() if entry.shipped]


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_weights_load_and_are_small(name):
    tracker = load_tracker(name, device="cpu")
    assert tracker.model_name == name
    assert tracker.device == "cpu"
    path = MODELS[name].weights_path
    assert path is not None
    assert path.stat().st_size <= 10 * 1024 * 1024
    assert path.with_suffix(".md").is_file()  # the model card


def test_a_path_names_its_own_model(tmp_path):
    path = tmp_path / "mine.safetensors"
    save_weights(MODELS["afsn_mobile"].build(), path, {"model": "afsn_mobile"})
    assert load_tracker(str(path), device="cpu").model_name == "afsn_mobile"
    save_weights(MODELS["afsn_mobile"].build(), path, {"made": "by hand"})
    with pytest.raises(ValueError, match="does not name its model"):
        load_tracker(str(path), device="cpu")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"model": "siamfc"}, "unknown model 'siamfc'; use one of afsn_mobile, afsn_r50"),
        ({"model": "afsn_r50"}, "no trained weights of afsn_r50"),
        ({"model": "no/such.safetensors"}, "no such weights file"),
        ({"model": "afsn_mobile", "weights": "no/such.safetensors"}, "no such weights file"),
        ({"model": "afsn_mobile", "device": "cuda:99"}, "'cuda:99' is not there"),
        ({"model": "afsn_mobile", "device": "cpu", "precision": "float16"}, "needs a CUDA device"),
    ],
)
def test_what_cannot_be_loaded_is_said(arguments, said):
    with pytest.raises(ValueError, match=said):
        load_tracker(**arguments)
