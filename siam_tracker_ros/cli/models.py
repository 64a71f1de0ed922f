"""`siam-track models`: what `load_tracker` and `--tracker` take by name."""

from __future__ import annotations

import dataclasses
import json
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from siam_tracker_ros.networks.response import Geometry
    from siam_tracker_ros.networks.zoo import ModelEntry
    from siam_tracker_ros.tracking.settings import TrackerSettings

WIDTH, INDENT = 100, 14
TIED = "\N{NO-BREAK SPACE}"  # where a line is not to be broken
# Whose weights have a kind of shortcut, where there are two.
WEIGHTS_OF = {"3x3": "the authors' checkpoints", "1x1": "weights of our own"}


def models_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON, for scripts.")] = False,
) -> None:
    """List the models of the zoo: size, cost, input, weights, presets, online branch, paper, published results."""
    from siam_tracker_ros.networks.zoo import MODELS

    models = [describe(entry) for entry in MODELS.values()]
    if as_json:
        typer.echo(json.dumps(models, indent=2))
        return
    for model in models:
        typer.echo(typer.style(model["name"], bold=True))
        for label, text in (("", model["summary"]), *_lines(model)):
            start = "  " + label.ljust(INDENT - 2) if label else "  "
            rest = " " * len(start)
            filled = textwrap.fill(text, WIDTH, initial_indent=start, subsequent_indent=rest, break_on_hyphens=False)
            typer.echo(filled.replace(TIED, " "))


def describe(entry: ModelEntry) -> dict[str, Any]:
    """All that is told of a model, as JSON values; sizes in patch pixels, response points and bytes."""
    from siam_tracker_ros.networks.facts import variants
    from siam_tracker_ros.networks.layouts import LAYOUTS
    from siam_tracker_ros.networks.published import PUBLISHED
    from siam_tracker_ros.tracking.presets import PRESETS

    kinds, presets = variants(entry), PRESETS[entry.name]
    geometry, path = kinds[0].geometry, entry.weights_path
    return {
        "name": entry.name,
        "summary": entry.summary,
        "paper": entry.paper,
        "variants": [
            {
                "shortcuts": kind.shortcuts,
                "weights_of": WEIGHTS_OF[kind.shortcuts] if kind.shortcuts else None,
                "parameters": kind.parameters,
                "search_flop": kind.search_flop,
            }
            for kind in kinds
        ],
        **{name: getattr(geometry, name) for name in ("template_size", "search_size", "stride", "map_size")},
        "weights": str(path) if path else None,
        "weights_bytes": path.stat().st_size if path else None,
        "converted_from": [name for name, one in LAYOUTS.items() if one.model == entry.name and not one.parts],
        "presets": {
            name: {**_search_sizes(geometry, settings), **dataclasses.asdict(settings)}
            for name, settings in presets.items()
        },
        "default_preset": next(iter(presets)),
        "published": [dataclasses.asdict(result) for result in PUBLISHED[entry.name]],
    }


def _search_sizes(geometry: Geometry, settings: TrackerSettings) -> dict[str, int]:
    """What a preset's searches really measure, usually and for a target that begins small."""
    usual = geometry.at(settings.search_size) if settings.search_size else geometry
    small = geometry.at(settings.small_target_search_size) if settings.small_target_search_size else usual
    return {"search_pixels": usual.search_size, "small_target_search_pixels": small.search_size}


def _lines(model: dict[str, Any]) -> list[tuple[str, str]]:
    """Label and text of each line, before they are wrapped."""
    template, search, points = model["template_size"], model["search_size"], model["map_size"]
    used = {p[k] for p in model["presets"].values() for k in ("search_pixels", "small_target_search_pixels")}
    more = " and ".join(str(side) for side in sorted(used - {search}))
    others = f" (by preset also {more})" if more else ""
    return [
        *(("size" if i == 0 else " ", _size(variant)) for i, variant in enumerate(model["variants"])),
        (
            "input",
            f"template {template}x{template}, search {search}x{search} pixels{others}; "
            f"response maps {points}x{points} at stride {model['stride']}",
        ),
        ("weights", _weights(model)),
        ("presets", ", ".join(_preset(model, name) for name in model["presets"])),
        ("online", _online(model)),
        ("paper", model["paper"]),
        ("published", _published(model["published"])),
    ]


def _size(variant: dict[str, Any]) -> str:
    gflop = variant["search_flop"] / 1e9
    text = f"{variant['parameters'] / 1e6:.2f} million parameters, {gflop:.{1 if gflop >= 1 else 2}f} GFLOP a search"
    kind = variant["shortcuts"]
    return f"{text}: {kind} shortcuts, {variant['weights_of']}" if kind else text


def _weights(model: dict[str, Any]) -> str:
    if model["weights"]:
        name, size = Path(model["weights"]).name, model["weights_bytes"] / 2**20
        return f"{name}, {size:.1f} MiB, in the package; others: siam-track train, then --weights FILE"
    if ways := model["converted_from"]:
        convert = " or ".join(f"siam-track convert {way} CHECKPOINT OUT" for way in ways)
        return f"none here; convert the authors' checkpoint ({convert}), then --weights OUT"
    return (
        "none here; train it (siam-track train RECIPE; its backbone can start from what "
        "siam-track convert resnet50 gives), then --weights FILE"
    )


def _preset(model: dict[str, Any], name: str) -> str:
    settings, notes = model["presets"][name], []
    if name == model["default_preset"] and len(model["presets"]) > 1:
        notes.append("default")
    usual, small = settings["search_pixels"], settings["small_target_search_pixels"]
    if usual != model["search_size"]:
        notes.append(f"search {usual}")
    if small != usual:
        notes.append(f"small targets {small}")
    return f"{name} ({', '.join(notes)})" if notes else name


def _online(model: dict[str, Any]) -> str:
    shares = {settings["online_weight"] for settings in model["presets"].values() if settings["online"]}
    if shares:
        share = " or ".join(f"{share:g}" for share in sorted(shares))
        return f"on, with a share of {share} in the score; --no-online (or NAME+offline) turns it off"
    return "off; --online (or NAME+online) learns a filter on the target while it is tracked"


def _published(results: list[dict[str, Any]]) -> str:
    """The results of a paper in a few lines, a benchmark's together."""
    by_benchmark: dict[str, list[str]] = {}
    for result in results:
        metric, value = result["metric"], result["value"]
        if metric == "fps":
            note = f" ({result['note']})" if result["note"] else ""
            by_benchmark.setdefault("", []).append(f"{value:g}{TIED}fps{note}")
        else:
            by_benchmark.setdefault(result["benchmark"], []).append(f"{metric}{TIED}{value:.3f}")
    parts = [f"{benchmark}{TIED}{', '.join(figures)}".strip(TIED) for benchmark, figures in by_benchmark.items()]
    return "; ".join(parts) or "nothing: the network is this package's own"
