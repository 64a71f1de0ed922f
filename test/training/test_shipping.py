"""The weights that ship."""

import torch
from safetensors import safe_open
from small_runs import small_recipe

from siam_tracker_ros.networks.afsn_mobile import AFSNMobile
from siam_tracker_ros.training.module import TrackerModule
from siam_tracker_ros.training.shipping import Shipping, blend


def test_blending_moves_only_what_the_start_filled():
    network = torch.nn.Linear(2, 1)
    with torch.no_grad():
        network.weight.fill_(1.0)
        network.bias.fill_(5.0)
    blend(network, {"weight": torch.full((1, 2), 3.0)}, keep=0.75)
    assert network.weight.tolist() == [[2.5, 2.5]]
    assert network.bias.tolist() == [5.0]


def test_what_ships_is_the_running_mean_with_its_share_of_the_start(tmp_path):
    network = AFSNMobile()
    module = TrackerModule(network, small_recipe(), frozenset({"head2.score.bias"}))
    start = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    shipping = Shipping(module, 0.25, {"model": "afsn_mobile"})
    with torch.no_grad():
        for tensor in (module.averaged.module.head4.score.bias, module.averaged.module.head2.score.bias):
            tensor.add_(1)
        network.head4.score.bias.fill_(9)  # the weights themselves do not ship
    shipped = shipping.network()
    assert torch.allclose(shipped.head4.score.bias, start["head4.score.bias"] + 0.75)
    assert torch.allclose(shipped.head2.score.bias, start["head2.score.bias"] + 1)
    assert torch.equal(module.averaged.module.head2.score.bias, start["head2.score.bias"] + 1)

    path = shipping.save(shipped, tmp_path / "w.safetensors", step="7")
    with safe_open(path, framework="pt") as file:
        assert {"model": "afsn_mobile", "step": "7"}.items() <= file.metadata().items()
        assert torch.equal(file.get_tensor("head2.score.bias"), shipped.head2.score.bias)
