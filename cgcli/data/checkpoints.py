"""Checkpoints: safetensors files with a checksum. The last few are kept."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.files.writing import atomic_file, cannot_write
from cgcli.system import file_name, is_url, link

from .reading import open_file

FORMAT, VERSION = "cg checkpoint", 1  # a later version computes the sha256 in another way, see `read_checkpoint`
SUFFIX = ".safetensors"
MARKS = (b'"cg checkpoint"', b'"version":"', b'"info":"', b'"sha256":"')  # of a header that cg wrote
ENOUGH = 3  # marks that make a file cg's: whatever single bit is flipped, so many are left
LARGEST_HEADER = 100_000_000  # bytes, as the format has it
# codes of errors of files that are not damaged
UNDAMAGED = ("checkpoint-kind", "checkpoint-foreign", "checkpoint-version")


@dataclass(frozen=True)
class Checkpoint:
    """Arrays by name; info: their JSON metadata; digest: the sha256 of both, in hex.

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
    with atomic_file(path) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())  # a full disk shows now, before a predecessor is moved
        _hand_on(path, keep)


def read_checkpoint(path: str) -> Checkpoint:
    """A checkpoint, or another safetensors file. Raises CgError: 2 when it is not there, 1 when it is damaged."""
    from .arrays import read_arrays, read_metadata

    if Path(file_name(path)).suffix.lower() != SUFFIX:
        raise error("checkpoint-kind", file=path)
    if not _exists(path):
        raise error("no-checkpoint", file=path)
    is_ours = _marked(path)
    try:
        tensors = read_arrays(path)
        metadata = read_metadata(path)
    except CgError as problem:
        if is_ours and problem.status == 1:
            raise error("checkpoint-damaged", status=1, file=path) from None
        raise
    if not is_ours:
        return Checkpoint(path, tensors, {}, _digest(tensors, ""), own=False)
    text = metadata.get("info", "")
    digest = _digest(tensors, text)
    is_intact = digest == metadata.get("sha256")
    if not is_intact and metadata.get("version") != str(VERSION):
        raise error("checkpoint-version", status=1, file=path, version=metadata.get("version"), supported=VERSION)
    if not is_intact or (metadata.get("format"), metadata.get("version")) != (FORMAT, str(VERSION)):
        raise error("checkpoint-damaged", status=1, file=path)
    try:
        info = json.loads(text)
    except (ValueError, RecursionError):
        info = None
    if not isinstance(info, dict):
        raise error("checkpoint-damaged", status=1, file=path)
    return Checkpoint(path, tensors, info, digest, own=True)


def _exists(path: str) -> bool:
    if is_url(path):
        from cgcli.files.remote import exists  # for URLs alone

        return exists(path)
    return os.path.exists(path)


def _marked(path: str) -> bool:
    """Whether cg wrote the file, which may be damaged: its header has marks enough."""
    try:
        with open_file(path) as file:
            length = int.from_bytes(file.read(8), "little")  # may be damaged itself
            header = file.read(max(2**20, min(length, LARGEST_HEADER)))
    except (CgError, OSError):
        return False  # reading it as arrays says why
    return sum(mark in header for mark in MARKS) >= ENOUGH


def newest(path: str) -> tuple[Checkpoint, CgError | None]:
    """cg's checkpoint at this path or, when that is damaged or gone, the newest good one before it, and the error.

    Raises CgError, about the first, when there is no good one, and when it is undamaged but not one to resume from.
    """
    try:
        return _of_cg(path), None
    except CgError as problem:
        if problem.diagnostics[0].code in UNDAMAGED:
            raise
        for predecessor in predecessors(path):
            with suppress(CgError):
                return _of_cg(predecessor), problem
        raise


def _of_cg(path: str) -> Checkpoint:
    checkpoint = read_checkpoint(path)
    if not checkpoint.own:
        raise error("checkpoint-foreign", status=1, file=path)
    return checkpoint


# ---- files that a run would replace


@dataclass(frozen=True)
class ExistingFile:
    """The file at a path. run, step: of a good checkpoint that this cg can read, else empty and 0."""

    kind: Literal["checkpoint", "damaged", "empty", "other"]
    run: str = ""
    step: int = 0


def existing_file(path: str) -> ExistingFile | None:
    """The file that a new one would replace; None where there is none, or a folder, which writing to it reports."""
    if is_url(path):
        from cgcli.files.remote import exists, size_of  # for URLs alone

        if not exists(path):
            return None
        size = size_of(path)
    elif not os.path.isfile(path):  # a pipe or a device is not opened: that could wait for ever
        return ExistingFile("other") if os.path.exists(path) and not os.path.isdir(path) else None
    else:
        size = os.path.getsize(path)
    if size == 0:
        return ExistingFile("empty")
    try:
        checkpoint = read_checkpoint(path)
    except CgError as problem:
        kinds: dict[str, Literal["checkpoint", "damaged"]]
        kinds = {"checkpoint-version": "checkpoint", "checkpoint-damaged": "damaged"}
        return ExistingFile(kinds.get(problem.diagnostics[0].code, "other"))
    return (
        ExistingFile("checkpoint", run_of(checkpoint), step_of(checkpoint)) if checkpoint.own else ExistingFile("other")
    )


def run_of(checkpoint: Checkpoint) -> str:
    """The identity of the run that wrote a checkpoint. cg 0.1 stored none: there it is a hash of the settings that
    decide the results, which is the same in every checkpoint of a run."""
    info = checkpoint.info
    if isinstance(info.get("run"), str):
        return str(info["run"])
    settings = info.get("settings")
    limits = ("epochs", "steps", "horizon")
    decisive = {n: x for n, x in settings.items() if n not in limits} if isinstance(settings, dict) else None
    text = json.dumps([info.get("graph"), info.get("data"), decisive], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def step_of(checkpoint: Checkpoint) -> int:
    """How many steps the run had done; 0 for a fit, which has none."""
    state = checkpoint.info.get("state")
    step = state.get("step") if isinstance(state, dict) else None
    return step if isinstance(step, int) else 0


def predecessors(path: str) -> Iterator[str]:
    """The files that hold earlier checkpoints, the newest first; one between them may be missing."""
    name = Path(path)
    pattern = re.compile(rf"{re.escape(name.stem)}\.([1-9][0-9]*){re.escape(name.suffix)}", re.ASCII)
    if is_url(path):
        from cgcli.files.remote import names_beside  # for URLs alone

        names: Sequence[str] = names_beside(path)
    else:
        names = os.listdir(name.parent) if name.parent.is_dir() else []
    numbers = [int(match[1]) for file_name in names if (match := pattern.fullmatch(file_name))]
    yield from (earlier(path, k) for k in sorted(numbers))


def earlier(path: str, k: int) -> str:
    """Where the k-th checkpoint before the one at `path` lies: `w.1.safetensors` for `w.safetensors`."""
    stem, suffix = os.path.splitext(path)
    return f"{stem}.{k}{suffix}"


def _hand_on(path: str, keep: int) -> None:
    """Moves each predecessor one on. The newest keeps its name too, so that there is a whole one at any time.

    Objects have no other names: they are copied by their store, from the oldest on.
    """
    if is_url(path):
        from cgcli.files.remote import copy as copy_object  # for URLs alone

        for k in range(keep - 1, 0, -1):
            with suppress(FileNotFoundError):
                copy_object(earlier(path, k - 1) if k > 1 else path, earlier(path, k))
        return
    real = os.path.realpath(path)
    if keep < 2 or not os.path.isfile(real):
        return
    for k in range(keep - 1, 1, -1):
        with _naming(earlier(path, k)), suppress(FileNotFoundError):
            os.replace(earlier(path, k - 1), earlier(path, k))
    first = earlier(path, 1)
    with _naming(first), suppress(FileNotFoundError):
        os.unlink(first)
    if not link(real, first):
        with open(real, "rb") as old, atomic_file(first) as copy:
            shutil.copyfileobj(old, copy)


@contextmanager
def _naming(path: str) -> Iterator[None]:
    """Within, an OSError is reported as one of this file."""
    try:
        yield
    except OSError as problem:
        raise cannot_write(path, problem) from None


def _contiguous(x: Any) -> Any:
    import numpy as np

    return np.ascontiguousarray(x).reshape(np.shape(x))


def _digest(tensors: Mapping[str, Any], text: str) -> str:
    """The sha256 of names, types, shapes and bytes, and of the metadata."""
    sha256 = hashlib.sha256(text.encode())
    for name, x in sorted(tensors.items()):
        sha256.update(f"\0{name}\0{x.dtype.str}\0{x.shape}\0".encode())
        sha256.update(x.tobytes())
    return sha256.hexdigest()
