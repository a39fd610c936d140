"""Checkpoints: safetensors files that know whether they are whole. The last few are kept."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cgcli.graph.diagnostic import CgError, error
from cgcli.system import link

from .files import whole

FORMAT, VERSION = "cg checkpoint", 1
SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Checkpoint:
    """Arrays by name; info: what was said of them, as JSON knows it; digest: the sha256 of both, in hex.

    own: whether cg wrote the file; of any other safetensors file there is no info, and nothing vouches for its bytes.
    """

    path: str
    tensors: dict[str, Any]
    info: dict[str, Any]
    digest: str
    own: bool


def write_checkpoint(path: str, tensors: Mapping[str, Any], info: Mapping[str, Any], keep: int = 1) -> None:
    """Replaces the file, after handing its predecessors on to `earlier(path, 1)` and so on: `keep` files in all.

    Raises CgError (status 1) when it cannot be written; all files are then as they were.
    """
    from safetensors.numpy import save

    arrays = {name: _contiguous(x) for name, x in tensors.items()}
    text = json.dumps(info, ensure_ascii=False, sort_keys=True)
    metadata = {"format": FORMAT, "version": str(VERSION), "info": text, "sha256": _digest(arrays, text)}
    data = save(arrays, metadata)
    with whole(path) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())  # a full disk shows now, before a predecessor is moved
        _hand_on(path, keep)


def read_checkpoint(path: str) -> Checkpoint:
    """A checkpoint, or another safetensors file. Raises CgError: 2 when it is not there, 1 when it is damaged."""
    from .arrays import read_arrays, read_metadata

    if Path(path).suffix.lower() != SUFFIX:
        raise error("checkpoint-kind", file=path)
    if not os.path.exists(path):
        raise error("no-checkpoint", file=path)
    tensors = read_arrays(path)
    said = read_metadata(path)
    if said.get("format") != FORMAT:
        return Checkpoint(path, tensors, {}, _digest(tensors, ""), own=False)
    if said.get("version") != str(VERSION):
        raise error("checkpoint-version", status=1, file=path, found=said.get("version"), known=VERSION)
    text = said.get("info", "")
    digest = _digest(tensors, text)
    if digest != said.get("sha256"):
        raise error("checkpoint-damaged", status=1, file=path)
    try:
        info = json.loads(text)
    except (ValueError, RecursionError):
        info = None
    if not isinstance(info, dict):
        raise error("checkpoint-damaged", status=1, file=path)
    return Checkpoint(path, tensors, info, digest, own=True)


def newest(path: str) -> tuple[Checkpoint, CgError | None]:
    """cg's checkpoint at this path or, when that is damaged or gone, the newest good one before it, and what was wrong.

    Raises CgError, about the first, when there is no good one.
    """
    try:
        return _of_cg(path), None
    except CgError as problem:
        for before in predecessors(path):
            with suppress(CgError):
                return _of_cg(before), problem
        raise


def _of_cg(path: str) -> Checkpoint:
    found = read_checkpoint(path)
    if not found.own:
        raise error("checkpoint-foreign", status=1, file=path)
    return found


def predecessors(path: str) -> Iterator[str]:
    """The files that hold earlier checkpoints, the newest first."""
    k = 1
    while os.path.exists(earlier(path, k)):
        yield earlier(path, k)
        k += 1


def earlier(path: str, k: int) -> str:
    """Where the k-th checkpoint before the one at `path` lies: `w.1.safetensors` for `w.safetensors`."""
    name = Path(path)
    return str(name.with_name(f"{name.stem}.{k}{name.suffix}"))


def _hand_on(path: str, keep: int) -> None:
    """Moves each predecessor one on. The newest keeps its name too, so that there is a whole one at any time."""
    real = os.path.realpath(path)
    if keep < 2 or not os.path.isfile(real):
        return
    for k in range(keep - 1, 1, -1):
        with suppress(FileNotFoundError):
            os.replace(earlier(path, k - 1), earlier(path, k))
    with suppress(FileNotFoundError):
        os.unlink(earlier(path, 1))
    if not link(real, earlier(path, 1)):
        with open(real, "rb") as old, whole(earlier(path, 1)) as copy:
            copy.write(old.read())


def _contiguous(x: Any) -> Any:
    import numpy as np

    return np.ascontiguousarray(x).reshape(np.shape(x))


def _digest(tensors: Mapping[str, Any], text: str) -> str:
    """The sha256 of names, types, shapes and bytes, and of what is said of them."""
    found = hashlib.sha256(text.encode())
    for name, x in sorted(tensors.items()):
        found.update(f"\0{name}\0{x.dtype.str}\0{x.shape}\0".encode())
        found.update(x.tobytes())
    return found.hexdigest()
