"""Starting from public weights: every tensor finds its place, and the network then computes what theirs does."""

import cv2
import numpy as np
import pytest
import torch
import torchvision

from siam_tracker_ros.networks.afsn_mobile import AFSNMobile
from siam_tracker_ros.networks.checkpoint import CheckpointError
from siam_tracker_ros.networks.convert import convert
from siam_tracker_ros.networks.weights import WeightsError
from siam_tracker_ros.networks.zoo import MODELS
from siam_tracker_ros.training.start import start_from, start_from_nanotrack


def test_checkpoints_that_do_not_fit_are_refused_and_change_nothing(tmp_path):
    path = tmp_path / "c.pth"
    torch.save({"state_dict": {"module.a": torch.zeros(2)}}, path)
    network = AFSNMobile()
    before = {k: v.clone() for k, v in network.state_dict().items()}
    with pytest.raises(CheckpointError, match="left over: a;"):
        start_from_nanotrack(network, path)
    torch.save({"backbone.features.0.0.weight": torch.zeros(4)}, path)
    with pytest.raises(CheckpointError, match=r"backbone\.features\.0\.0\.weight \[4\], expected \[16, 3, 3, 3\]"):
        start_from(network, path)
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
    with pytest.raises(CheckpointError, match="only afsn_mobile starts from NanoTrack's weights"):
        start_from(torch.nn.Linear(1, 1), path)
    with pytest.raises(WeightsError, match="no such weights file"):
        start_from(network, tmp_path / "none.safetensors")


def test_a_converted_file_starts_as_the_checkpoint_itself(shared_folder, tmp_path):
    source, out = shared_folder / "peers" / "nanotrackv3.pth", tmp_path / "nano.safetensors"
    torch.manual_seed(0)
    direct, converted = AFSNMobile(), AFSNMobile()
    left = start_from(direct, source)
    convert("nanotrack", source, out, with_head=True)
    assert start_from(converted, out) == left
    own = direct.state_dict()
    for name, tensor in converted.state_dict().items():
        assert name in left or torch.equal(tensor, own[name])
    convert("nanotrack", source, out)
    assert set(start_from(AFSNMobile(), out)) == {name for name in own if not name.startswith("backbone.")}


@torch.inference_mode()
def test_imagenet_weights_see_what_they_were_trained_on(tmp_path):
    torch.manual_seed(0)
    theirs = torchvision.models.resnet50(weights=None).eval()
    theirs.bn1.running_mean.normal_()
    source, out = tmp_path / "c.pth", tmp_path / "resnet50.safetensors"
    torch.save(theirs.state_dict(), source)
    convert("resnet50", source, out)
    network = MODELS["afsn_r50"].build().eval()
    left = start_from(network, out)
    assert left == [name for name in network.state_dict() if not name.startswith("backbone.")]

    picture = torch.randint(0, 256, (1, 3, 63, 63)).float()  # BGR
    mean, deviation = ([[[v]] for v in values] for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    normalised = (picture.flip(1) / 255 - torch.tensor(mean)) / torch.tensor(deviation)
    theirs.conv1.padding = (0, 0)  # as in all networks here
    expected = theirs.bn1(theirs.conv1(normalised))
    backbone = network.backbone
    torch.testing.assert_close(backbone.bn1(backbone.conv1(picture)), expected, rtol=1e-4, atol=1e-4)
    source.unlink()
    out.unlink()


@torch.inference_mode()
def test_level_4_computes_what_the_published_onnx_does(shared_folder):
    peers = shared_folder / "peers"
    network = AFSNMobile().eval()
    left = start_from_nanotrack(network, peers / "nanotrackv3.pth")
    fresh = ("neck2.", "neck3.", "reduce2.", "reduce3.", "head2.", "head3.", "head4.centerness.", "fusion.")
    assert all(name.startswith(fresh) for name in left)
    rng = np.random.default_rng(0)
    patch = cv2.resize(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8), (255, 255)).astype(np.float32)
    x = torch.from_numpy(patch).permute(2, 0, 1)[None]
    z = x[:, :, 64:191, 64:191].contiguous()
    template = network.template(z)
    response = network.search(network.kernels(template), x)
    head = cv2.dnn.readNetFromONNX(str(peers / "nanotrackv3_nanotrack_head.onnx"))
    head.setInput(template[2].numpy(), "input1")
    head.setInput(network.features(x)[2].numpy(), "input2")
    score, box = head.forward(["output1", "output2"])
    backbone = cv2.dnn.readNetFromONNX(str(peers / "nanotrackv3_nanotrack_backbone.onnx"))
    backbone.setInput(x.numpy())
    np.testing.assert_allclose(network.features(x)[2].numpy(), backbone.forward(), rtol=1e-3, atol=1e-3)
    # The fusion begins at weight one for level 4 and zero for the others, so the fused output is level 4's.
    np.testing.assert_allclose(response.scores.numpy(), score, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(response.distances.numpy(), box, rtol=1e-3, atol=1e-3)
