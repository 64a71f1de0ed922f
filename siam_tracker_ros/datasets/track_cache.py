"""Keeps the index of a large data set, so that only the first start reads every annotation."""

from __future__ import annotations

import hashlib
import json
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from siam_tracker_ros.datasets.track_table import TrackTable, load_table, save_table

__all__ = ["kept_table"]

_FORMAT = 1  # to be raised when a reader or the file changes, so that older indexes are made again


def kept_table(
    make: Callable[[], TrackTable],
    *,
    root: Path,
    layout: str,
    settings: Mapping[str, object],
    sources: Iterable[Path],
    cache: Path | None,
    say: Callable[[str], None],
) -> TrackTable:
    """What `make` returns, or the same out of the folder `cache` when nothing has changed since it was kept there.

    settings: what else the table depends on.
    sources: files and folders that were read; the index is made again when a name, the size or the time of one
        changes. A folder's time changes when a file in it comes, goes or is renamed, not when one is written anew.
    cache: None: nothing is kept.

    A damaged index is made again, and one that cannot be written is not an error: `say` gets a line.
    """
    if cache is None:
        return make()
    path = cache / "index" / f"{layout}-{_key(root, layout, settings, sources)}.npz"
    if path.is_file():
        try:
            return load_table(path, root)
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            say(f"{path}: is damaged ({error}); it is made again")
    table = make()
    try:
        save_table(table, path)
    except OSError as error:
        say(f"{path}: cannot be written ({error.strerror}); the next start reads all annotations again")
    return table


def _key(root: Path, layout: str, settings: Mapping[str, object], sources: Iterable[Path]) -> str:
    digest = hashlib.sha256(json.dumps([_FORMAT, layout, dict(settings)], sort_keys=True).encode())
    for source in sources:
        try:
            status = source.stat()
        except OSError:
            continue
        name = source.relative_to(root).as_posix()
        # The size of a folder is the file system's own affair.
        size = 0 if stat.S_ISDIR(status.st_mode) else status.st_size
        digest.update(f"\0{name}\0{size}\0{status.st_mtime_ns}".encode())
    return digest.hexdigest()[:16]
