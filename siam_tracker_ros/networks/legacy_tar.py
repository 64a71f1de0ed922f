"""The tar files that PyTorch wrote until early 2017, torchvision's first ResNet-50 among them.

``torch.load`` reads them only with its unpickler that runs what the file says, so they are read here: an archive of
``storages`` (flat arrays), ``tensors`` (views of them) and ``pickle`` (the dictionary that names the tensors).
"""

from __future__ import annotations

import io
import pickle
import struct
import tarfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

_STORAGES: dict[str, np.dtype[Any]] = {
    "DoubleStorage": np.dtype("<f8"),
    "FloatStorage": np.dtype("<f4"),
    "HalfStorage": np.dtype("<f2"),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
    "ShortStorage": np.dtype("<i2"),
    "CharStorage": np.dtype("i1"),
    "ByteStorage": np.dtype("u1"),
}


def is_legacy_tar(head: bytes) -> bool:
    """Whether a file's first 512 bytes are those of a tar archive."""
    return head[257:262] == b"ustar"


class _NamesOnly(pickle.Unpickler):
    """Finds no class but the ordered dictionary; the types of storages and tensors become their names."""

    def __init__(self, file: io.BytesIO, objects: dict[int, Tensor] | None = None) -> None:
        super().__init__(file)
        self._objects = objects or {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module in ("torch", "torch.cuda") and name.endswith(("Storage", "Tensor")):
            return name
        raise pickle.UnpicklingError(f"Unsupported global: GLOBAL {module}.{name}")

    def persistent_load(self, saved_id: Any) -> Tensor:
        return self._objects[int(saved_id)]


def read_legacy_tar(path: Path) -> Any:
    """What was saved, usually a dictionary of tensors; nothing in the file is executed.

    Raises:
        pickle.UnpicklingError: it asks for a class that weights do not need.
        Exception: of many types, for a file that is cut or damaged.
    """
    with tarfile.open(path, "r:") as archive:
        storages, tensors, names = (io.BytesIO(_member(archive, part)) for part in ("storages", "tensors", "pickle"))
    arrays: dict[int, np.ndarray[Any, Any]] = {}
    for _ in range(_NamesOnly(storages).load()):
        key, _location, kind = _NamesOnly(storages).load()
        (count,) = struct.unpack("<q", _exactly(storages, 8))
        dtype = _STORAGES[kind]
        arrays[key] = np.frombuffer(_exactly(storages, count * dtype.itemsize), dtype).copy()
    for target, root, offset, count in _NamesOnly(storages).load():
        arrays[target] = arrays[root][offset : offset + count]
    objects: dict[int, Tensor] = {}
    for _ in range(_NamesOnly(tensors).load()):
        key, storage, _kind = _NamesOnly(tensors).load()
        dimensions, _padding = struct.unpack("<ii", _exactly(tensors, 8))
        shape = struct.unpack(f"<{dimensions}q", _exactly(tensors, 8 * dimensions))
        stride = struct.unpack(f"<{dimensions}q", _exactly(tensors, 8 * dimensions))
        (offset,) = struct.unpack("<q", _exactly(tensors, 8))
        # as_strided refuses what would lie outside of the storage.
        objects[key] = torch.from_numpy(arrays[storage]).as_strided(shape, stride, offset)
    return _NamesOnly(names, objects).load()


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        raise tarfile.TarError(f"no file {name}")
    return file.read()


def _exactly(file: io.BytesIO, count: int) -> bytes:
    content = file.read(count) if count >= 0 else b""
    if len(content) != count:
        raise EOFError("cut")
    return content
