"""Starting from public weights: every tensor finds its place, and the network then computes what theirs does."""

import cv2
import numpy as np
import pytest
import torch

from siam_tracker_ros.networks.afsn_mobile import AFSNMobile
from siam_tracker_ros.training.start import CheckpointError, nanotrack_name, read_checkpoint, start_from_nanotrack


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("backbone.features.0.1.weight", "backbone.features.0.1.weight"),
        ("backbone.features.1.conv.3.fc.2.bias", "backbone.features.1.block.1.fc2.bias"),
        ("backbone.features.2.conv.7.weight", "backbone.features.2.block.2.0.weight"),
        ("backbone.features.9.conv.5.fc.0.weight", "backbone.features.9.block.2.0.fc1.weight"),
        ("backbone.features.9.conv.8.running_var", "backbone.features.9.block.3.1.running_var"),
        ("ban_head.corr_pw_reg.CA_layer.fc2.bias", "deep_box.pixelwise.attention.3.bias"),
        ("ban_head.corr_pw_cls.conv.4.weight", "deep_score.pixelwise.mix.4.weight"),
        ("ban_head.corr_dw_cls.conv_kernel.0.bias", "deep_score.depthwise_kernel.0.bias"),
        ("ban_head.bbox_tower.28.weight", "head4.regression.28.weight"),
        ("neck.downsample.0.weight", None),
    ],
)
def test_names(theirs, ours):
    assert nanotrack_name(theirs) == ours


def test_broken_checkpoints_are_refused(tmp_path):
    path = tmp_path / "c.pth"
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        read_checkpoint(path)
    torch.save({"state_dict": {"module.a": torch.zeros(2)}}, path)
    assert list(read_checkpoint(path)) == ["a"]
    network = AFSNMobile()
    before = {k: v.clone() for k, v in network.state_dict().items()}
    with pytest.raises(CheckpointError, match="a: left over"):
        start_from_nanotrack(network, path)
    torch.save({"backbone.features.0.0.weight": torch.zeros(4)}, path)
    with pytest.raises(CheckpointError, match=r"shape \[4\], expected \[16, 3, 3, 3\]"):
        start_from_nanotrack(network, path)
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(CheckpointError, match="not a readable PyTorch checkpoint"):
        read_checkpoint(path)


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
