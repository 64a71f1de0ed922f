"""What a run runs on, and Lightning's trainer for it."""

from __future__ import annotations

import logging
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.profilers import Profiler
from lightning.pytorch.utilities import rank_zero_only
from lightning.pytorch.utilities.exceptions import MisconfigurationException

from siam_tracker_ros.evaluation.machine import describe_machine
from siam_tracker_ros.training.recipe_schedule import ScheduleRecipe


class HardwareError(ValueError):
    """The machine does not have what was asked for, or there is no such thing; Lightning's own words."""


@dataclass(frozen=True)
class Hardware:
    """What a run runs on; Lightning's own words.

    Attributes:
        accelerator: ``auto``, ``cpu``, ``gpu``, ``mps``.
        devices: how many of each machine, or which: ``2``, ``"0,3"``, ``"auto"``.
        nodes: machines; each is started with the same command, by SLURM, torchrun or by hand with MASTER_ADDR,
            MASTER_PORT and NODE_RANK.
        strategy: how several processes work together; ``auto``: each has the whole network and they share gradients.
        workers: processes that make pairs, for each process that trains.
    """

    accelerator: str = "auto"
    devices: int | str = 1
    nodes: int = 1
    strategy: str = "auto"
    workers: int = 1

    @property
    def several(self) -> bool:
        """Whether more than one process will train, as far as can be said before the devices are counted."""
        return self.nodes > 1 or self.devices not in (1, "1")


def parse_devices(text: str) -> int | str:
    """How many devices ("2"), which ("0,3"), or "auto", as ``Hardware.devices`` has them. Raises HardwareError."""
    if not re.fullmatch(r"auto|[1-9]\d*|\d+(,\d+)*,?", text):
        raise HardwareError(f"devices '{text}': give their number (2), which of them (0,3), or auto")
    return int(text) if text.isdigit() else text


def first_process() -> bool:
    """Whether this is the first process of all, which alone writes and speaks."""
    return int(getattr(rank_zero_only, "rank", 0) or 0) == 0


def machine_words(hardware: Hardware) -> str:
    """What a run runs on, in words."""
    if torch.cuda.is_available() and hardware.accelerator != "cpu":
        device = torch.cuda.get_device_name()
    else:
        machine = describe_machine({}, 0, 1)
        device = f"{machine['cores']} cores of {machine['cpu']}"
    nodes = "" if hardware.nodes == 1 else f", {hardware.nodes} nodes"
    return f"{device} (devices: {hardware.devices}{nodes})"


def make_trainer(
    schedule: ScheduleRecipe,
    hardware: Hardware,
    out: Path,
    first: int,
    callbacks: list[lightning.Callback],
    profiler: Profiler | None = None,
    **changes: Any,
) -> lightning.Trainer:
    """Lightning's trainer, which logs into ``out``.

    Args:
        first: the step that the run goes on from, which names its log.
        changes: other arguments of ``lightning.Trainer``, which win.

    Raises:
        HardwareError: the machine does not have what is asked for.
    """
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)
    # What Lightning warns of here is what resuming and deterministic pairs are made for.
    warnings.filterwarnings("ignore", module=r"lightning\.")
    strategy = hardware.strategy
    if strategy == "auto" and hardware.several:
        # A backbone that is frozen for a while has no gradients to share then.
        strategy = "ddp_find_unused_parameters_true" if schedule.backbone_frozen_epochs else "ddp"
    arguments = {
        "accelerator": hardware.accelerator,
        "devices": hardware.devices,
        "num_nodes": hardware.nodes,
        "strategy": strategy,
        "sync_batchnorm": hardware.several and torch.cuda.is_available() and hardware.accelerator != "cpu",
        "use_distributed_sampler": False,  # the pairs' numbers are shared out by loader.StepBatches
        "precision": schedule.precision,
        "gradient_clip_val": schedule.clip or None,
        "max_steps": schedule.steps,
        # One log a process: an interrupted run leaves several, which the curves join.
        "logger": [
            CSVLogger(out, name="log", version=f"from_step_{first:07d}"),
            TensorBoardLogger(out, name="tensorboard", version=""),
        ],
        "log_every_n_steps": max(1, min(20, schedule.steps // 50)),
        "default_root_dir": out,
        "enable_model_summary": False,
        "enable_progress_bar": False,
        "callbacks": callbacks,
        "profiler": profiler,
        **changes,
    }
    try:
        return lightning.Trainer(**arguments)
    except (MisconfigurationException, TypeError, ValueError, RuntimeError) as error:
        raise HardwareError(" ".join(str(error).split())) from error
