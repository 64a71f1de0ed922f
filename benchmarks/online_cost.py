"""What the online branch costs per frame, for every model of the zoo, on the CPU: `python -m benchmarks.online_cost`.

The networks are untrained, which costs the same: this measures time and nothing else. A usual frame is scored, and
every tenth pays for an update; a frame with a look-alike pays for one at once.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from siam_tracker_ros.evaluation.machine import describe_machine, machine_line
from siam_tracker_ros.geometry import Box
from siam_tracker_ros.networks.zoo import MODELS
from siam_tracker_ros.runtime.eager import EagerRuntime
from siam_tracker_ros.tracking.online import OnlineBranch, OnlineSettings
from siam_tracker_ros.tracking.presets import preset
from siam_tracker_ros.tracking.tracker import Tracker

FIRST = (560.0, 300.0, 120.0, 90.0)


def calm(network: nn.Module) -> nn.Module:
    """An untrained network whose values neither vanish nor overflow: batch normalisation has seen one picture."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    picture = torch.rand(2, 3, 255, 255) * 255
    with torch.no_grad():
        network.train().search(network.kernels(network.template(picture[:, :, :127, :127])), picture)  # type: ignore
    return network.eval()


def frames(count: int) -> list[NDArray[np.uint8]]:
    """Pictures 1280x720 of a wandering texture."""
    ground = np.random.default_rng(0).integers(0, 255, (90, 160, 3), dtype=np.uint8)
    large = ground.repeat(9, axis=0).repeat(9, axis=1)
    return [np.ascontiguousarray(large[i % 60 : i % 60 + 720, i % 60 : i % 60 + 1280]) for i in range(count)]


def median_ms(action: Callable[[], object], count: int) -> float:
    """The median time of an action, after two runs that do not count."""
    times = []
    for i in range(count + 2):
        begun = time.perf_counter()
        action()
        if i >= 2:
            times.append((time.perf_counter() - begun) * 1e3)
    return float(np.median(times))


def measure(name: str, count: int) -> dict[str, float]:
    """Milliseconds of a frame without the branch, of its score, of an update, and of initialisations."""
    runtime = EagerRuntime(calm(MODELS[name].build()), torch.device("cpu"))
    base = replace(preset(name), search_size=255, small_target_search_size=0, online=False)
    pictures = iter(itertools.cycle(frames(20)))
    plain, online = (Tracker(runtime, name, replace(base, online=flag)) for flag in (False, True))
    first = next(pictures)
    result = {
        "init": median_ms(lambda: plain.init(first, FIRST), 3),
        "init with it": median_ms(lambda: online.init(first, FIRST), 1),
        "frame": median_ms(lambda: plain.update(next(pictures)), count),
    }
    geometry = runtime.geometry
    kernels = runtime.kernels(runtime.template(first[:127, :127]))
    features = runtime.search(kernels, first[:255, :255]).features
    middle = Box.from_center(geometry.search_size / 2, geometry.search_size / 2, 64.0, 48.0)
    with torch.inference_mode():
        # A full memory, which is what an update costs from the fiftieth frame on.
        settings = OnlineSettings()
        branch = OnlineBranch(geometry, features.repeat(settings.memory - 1, 1, 1, 1), [middle] * (settings.memory - 1))
        sample, scores = branch.score(features)
        for _ in range(2):
            branch.learn(sample, np.full_like(scores, 0.9), middle)
        result["score"] = median_ms(lambda: branch.score(features), count)
        flat = np.full_like(scores, 0.9)  # a second peak everywhere: every frame is a hard negative
        result["update"] = median_ms(lambda: branch.learn(sample, flat, middle), count)
    return result


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(machine_line(describe_machine({"all": "cpu"}, options.threads, 1)))
    print("\n| model | frame, ms | branch, ms a frame | share | with a look-alike, ms | init, ms | init with it, ms |")
    print("|---|---|---|---|---|---|---|")
    for name in MODELS:
        t = measure(name, options.repeats)
        usual = t["score"] + t["update"] / OnlineSettings().interval
        print(
            f"| `{name}` | {t['frame']:.1f} | {usual:.1f} | {usual / t['frame']:.0%} | {t['score'] + t['update']:.1f} "
            f"| {t['init']:.0f} | {t['init with it']:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
