"""The options that choose a tracker, for every command that runs one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "DeviceOption",
    "ModelOption",
    "OnlineOption",
    "PrecisionOption",
    "PresetOption",
    "RuntimeOption",
    "WeightsOption",
]

ModelOption = Annotated[
    str, typer.Option(help="A model of the zoo (siam-track models), or a path to weights that name theirs.")
]
WeightsOption = Annotated[Path | None, typer.Option(help="Weights to use instead of the shipped ones.")]
PresetOption = Annotated[
    str, typer.Option(help="The model's settings by name (siam-track models); empty: its usual ones.")
]
OnlineOption = Annotated[
    bool | None,
    typer.Option(
        "--online/--no-online",
        help="The online branch: a filter learned on the target while it is tracked.",
        show_default="as the preset says",
    ),
]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
PrecisionOption = Annotated[
    str, typer.Option(help="float32; float16 or bfloat16 on CUDA; bfloat16 on CPUs that compute in it.")
]
RuntimeOption = Annotated[
    str,
    typer.Option(
        help="What computes: eager (PyTorch), cuda_graph, onnx (ONNX Runtime), tensorrt, openvino; auto: the fastest "
        "that is installed and gives PyTorch's numbers."
    ),
]
