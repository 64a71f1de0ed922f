"""Steps that are done once, and again only when what they depend on has changed."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Step:
    """One step of the set-up.

    name: of its stamp and its log, unique; title: what it does, for the user; inputs: everything that the
    result depends on besides the steps named in `after`; action: does it, and may be repeated after an
    interruption.
    """

    name: str
    title: str
    action: Callable[[], None]
    inputs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


def digest_of(paths: Iterable[Path], root: Path) -> str:
    """Returns a digest of files' names, relative to root, and contents; a folder stands for its files."""
    files: list[Path] = []
    for path in paths:
        files.extend(sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path])
    digest = hashlib.sha256()
    for file in files:
        digest.update(str(file.relative_to(root)).encode() + b"\0")
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def fingerprints(steps: Sequence[Step]) -> dict[str, str]:
    """Returns each step's fingerprint, which changes with its inputs and those of the steps it builds on."""
    result: dict[str, str] = {}
    for step in steps:
        content = [step.name, *step.inputs, *(result[name] for name in step.after)]
        result[step.name] = hashlib.sha256("\0".join(content).encode()).hexdigest()
    return result


@dataclass(frozen=True)
class Stamps:
    """The record, in a folder, of which steps are done; a stamp is written whole or not at all."""

    folder: Path

    def read(self, name: str) -> str | None:
        """Returns the fingerprint with which a step was last finished, None if it is not done."""
        try:
            content = json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))
            return str(content["fingerprint"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, name: str, fingerprint: str, seconds: float) -> None:
        """Records that a step is done."""
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / f"{name}.json.part"
        part.write_text(json.dumps({"fingerprint": fingerprint, "seconds": round(seconds, 1)}) + "\n", encoding="utf-8")
        part.replace(self.folder / f"{name}.json")

    def forget(self, name: str) -> None:
        """Records that a step is no longer done."""
        (self.folder / f"{name}.json").unlink(missing_ok=True)


def run_steps(steps: Sequence[Step], stamps: Stamps, say: Callable[[str], None]) -> list[str]:
    """Does what is not done yet, in order, and returns the names of the steps that were done now.

    A step's stamp is removed before it starts and written after it has ended: an interrupted one is redone.
    """
    wanted = fingerprints(steps)
    done: list[str] = []
    for number, step in enumerate(steps, start=1):
        if stamps.read(step.name) == wanted[step.name]:
            continue
        say(f"[{number}/{len(steps)}] {step.title} ...")
        stamps.forget(step.name)
        start = time.monotonic()
        step.action()
        seconds = time.monotonic() - start
        stamps.write(step.name, wanted[step.name], seconds)
        say(f"[{number}/{len(steps)}] {step.title}: done in {seconds:.1f} s")
        done.append(step.name)
    return done
