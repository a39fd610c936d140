"""The finished parts of a long computation, in a file beside the one that it writes: a run that was killed goes on.

A part is appended as a whole, with its length and a digest. What a kill cut off, and anything behind it, is dropped.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from cgcli.diagnostics.diagnostic import error
from cgcli.files.cache import digest
from cgcli.files.writing import cannot_write
from cgcli.system import BINARY

FORMAT = b"cg journal 1 "
LENGTH = 8  # bytes of the length of a part


def journal_path(target: str) -> str:
    """The journal of a file: `.NAME.part` in its folder, behind symbolic links."""
    folder, name = os.path.split(os.path.realpath(target))
    return os.path.join(folder, f".{name}.part")


class Journal:
    """The parts of one computation. key: its identity, of letters and digits; parts under another one are dropped.

    parts: those that were there. replaced: whether another computation's parts were.

    Raises CgError: status 1 when the file cannot be read or written, status 2 for one that is no journal.
    """

    def __init__(self, path: str, key: str) -> None:
        self.path = path
        self.parts: list[bytes] = []
        self.replaced = False
        head = FORMAT + key.encode("ascii") + b"\n"
        self._head = len(head)
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | BINARY, 0o666)
            with os.fdopen(os.dup(self._handle), "rb") as file:
                content = file.read()
            if not content.startswith(FORMAT[: len(content)]):
                os.close(self._handle)
                raise error("journal-foreign", file=path)
            self._size = self._read(content, head)
            os.ftruncate(self._handle, self._size)
            os.lseek(self._handle, self._size, os.SEEK_SET)
            if not self._size:
                self._write(head)
        except OSError as problem:
            self._fail(problem)

    def _read(self, content: bytes, head: bytes) -> int:
        """Reads the parts; how many bytes of the file are whole."""
        if not content.startswith(head):
            self.replaced = len(content) > len(head)
            return 0
        position = len(head)
        while True:
            length = int.from_bytes(content[position : position + LENGTH], "big")
            start = position + LENGTH + 2 * 32  # the digest in hexadecimal
            part = content[start : start + length]
            if len(part) < length or content[position + LENGTH : start] != digest(part).encode("ascii"):
                return position
            self.parts.append(part)
            position = start + length

    def append(self, part: bytes) -> None:
        """Appends a part. Raises CgError (status 1) when the disk is full; the parts before it stay."""
        try:
            self._write(len(part).to_bytes(LENGTH, "big") + digest(part).encode("ascii") + part)
        except OSError as problem:
            with suppress(OSError):
                os.ftruncate(self._handle, self._size)
            self._fail(problem)

    def _write(self, data: bytes) -> None:
        rest = data
        while rest:
            rest = rest[os.write(self._handle, rest) :]
        self._size += len(data)

    def close(self, *, remove: bool = False) -> None:
        """Ends the work on the file, which goes where it has no parts. remove: whether it is no longer needed."""
        remove = remove or os.fstat(self._handle).st_size <= self._head  # an interrupted `append` may have written all
        os.close(self._handle)
        if remove:
            with suppress(OSError):
                os.unlink(self.path)

    def _fail(self, problem: OSError) -> NoReturn:
        raise cannot_write(self.path, problem) from None


def packed(about: Mapping[str, Any], arrays: Mapping[str, Any]) -> bytes:
    """JSON data and arrays of numbers as one part, which keeps every bit."""
    import numpy as np

    contiguous = {name: np.ascontiguousarray(x) for name, x in arrays.items()}
    columns = [[name, x.dtype.str, list(x.shape)] for name, x in contiguous.items()]
    head = json.dumps({"about": about, "columns": columns}).encode("ascii")
    return b"".join([len(head).to_bytes(LENGTH, "big"), head, *(x.tobytes() for x in contiguous.values())])


def unpacked(part: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """The JSON data and the arrays of a part."""
    import numpy as np

    start = LENGTH + int.from_bytes(part[:LENGTH], "big")
    head = json.loads(part[LENGTH:start])
    arrays: dict[str, Any] = {}
    columns: Sequence[tuple[str, str, list[int]]] = head["columns"]
    for name, kind, shape in columns:
        dtype = np.dtype(kind)
        count = int(np.prod(shape, dtype="int64"))
        arrays[name] = np.frombuffer(part, dtype, count, start).reshape(shape)
        start += count * dtype.itemsize
    return head["about"], arrays
