"""The metrics file of a training: JSON Lines that are written one at a time, and continued by a resumed run."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import PurePath
from typing import Any, NoReturn

from cgcli.diagnostics.diagnostic import error
from cgcli.files.writing import cannot_write
from cgcli.system import BINARY

from .checkpoints import Checkpoint, step_of
from .reading import open_file

BLOCK = 2**20  # bytes that are read at a time
LINE_START = re.compile(rb'\{"step": [0-9]')  # of every line of such a file


def resume_size(path: str, checkpoint: Checkpoint | None, overwrite: bool) -> int | None:
    """How many bytes of the file the run wrote up to the checkpoint; None where the file is to be created anew.

    Raises CgError (status 2) for a file of another run, unless `overwrite`, for one that is no metrics file, and for
    `-`, which elsewhere is standard output: there are the results.
    """
    if path == "-":
        raise error("metrics-unnamed")
    real = os.path.realpath(path)
    if not os.path.isfile(real):
        return None
    size = None if checkpoint is None else _size_up_to(real, checkpoint)
    if size is not None:
        return size
    if os.path.getsize(real) and not _is_metrics(real):
        raise error("metrics-foreign", file=path)
    if not overwrite:
        raise error("metrics-other-run", file=path)
    return None


def _size_up_to(real: str, checkpoint: Checkpoint) -> int | None:
    """The bytes that the checkpoint's run had written; None where the file is of another run."""
    mark: Any = checkpoint.info.get("metrics")
    if not isinstance(mark, dict) or not isinstance(mark.get("bytes"), int):
        # cg 0.1 stored no mark of the file
        return _size_of_steps(real, step_of(checkpoint)) if "run" not in checkpoint.info and _is_metrics(real) else None
    size = mark["bytes"]
    if not size or os.path.getsize(real) < size:  # truncated, or without a line yet: only the name can be compared
        same = mark.get("name") == PurePath(real).name and (not os.path.getsize(real) or _is_metrics(real))
        return _size_of_steps(real, step_of(checkpoint)) if same else None
    return size if _digest(real, size).hexdigest() == mark.get("sha256") else None


def _is_metrics(real: str) -> bool:
    with open(real, "rb") as file:
        return LINE_START.match(file.read(100)) is not None


def _digest(real: str, size: int) -> Any:
    """The sha256 of the first `size` bytes."""
    digest = hashlib.sha256()
    with open(real, "rb") as file:
        while size > 0 and (block := file.read(min(size, BLOCK))):
            digest.update(block)
            size -= len(block)
    return digest


def _size_of_steps(real: str, step: int) -> int:
    """The size of the lines up to a step. A truncated line and one without a step count as later than all steps."""
    size = 0
    with open(real, "rb") as file:
        for line in file:
            if not line.endswith(b"\n") or _step(line) > step:
                break
            size += len(line)
    return size


def _step(line: bytes) -> float:
    try:
        return float(json.loads(line)["step"])
    except (ValueError, TypeError, KeyError):
        return math.inf


def records_in(path: str, size: int) -> Iterator[dict[str, Any]]:
    """The records in the first `size` bytes, which the run wrote."""
    with open_file(path) as file:
        for line in file:
            size -= len(line)
            if size < 0:
                return
            yield json.loads(line)


class MetricsFile:
    """The open file. size: the bytes of it that stay, from `resume_size`; None creates the file, and replaces an
    existing one only with `overwrite`.

    Raises CgError (status 1) when the file cannot be written.
    """

    def __init__(self, path: str, size: int | None = None, overwrite: bool = False) -> None:
        self.path = path
        real = os.path.realpath(path)
        self._regular = not os.path.exists(real) or os.path.isfile(real)  # not a pipe or a device
        self._name, self._size, self._digest = PurePath(real).name, size or 0, hashlib.sha256()
        try:
            if size is not None:
                self._digest = _digest(real, size)
                os.truncate(real, size)
            flags = os.O_WRONLY | os.O_APPEND | BINARY
            if size is None and self._regular:
                flags |= os.O_CREAT | (os.O_TRUNC if overwrite else os.O_EXCL)
            self._handle = os.open(real, flags, 0o666)
        except OSError as problem:
            self._fail(problem)

    def write(self, record: str) -> None:
        """Appends a line of JSON, whole or not at all. Raises CgError (status 1) when the disk is full."""
        line = f"{record}\n".encode()
        rest = line
        try:
            while rest:
                rest = rest[os.write(self._handle, rest) :]
        except OSError as problem:
            if self._regular:
                with suppress(OSError):
                    os.ftruncate(self._handle, self._size)
            self._fail(problem)
        self._size += len(line)
        self._digest.update(line)

    def mark(self) -> dict[str, Any] | None:
        """The identity of the file, by which a resumed run recognises it; None for a pipe or a device."""
        if not self._regular:
            return None
        with suppress(OSError):  # the checkpoint is worth more than the log
            os.fsync(self._handle)
        return {"name": self._name, "bytes": self._size, "sha256": self._digest.hexdigest()}

    def close(self) -> None:
        os.close(self._handle)

    def _fail(self, problem: OSError) -> NoReturn:
        raise cannot_write(self.path, problem) from None
