"""Reading safetensors files: a header in JSON, then the bytes of the tensors one after the other.

The format's own library maps the file into memory, where a file that another process cuts short ends this one by a
signal. Here each tensor is read; headers are accepted as by the library.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from io import BufferedReader
from typing import Any

from cgcli.diagnostics.diagnostic import error

from .reading import broken, open_file, reading, size_of
from .structured import DuplicateName, unique_names

HEADER = 100_000_000  # bytes of a header, as the library has it
METADATA = "__metadata__"
_DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BOOL": "|b1",
    "C64": "<c8",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "|i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "|u1",
}


@dataclass(frozen=True)
class Entry:
    """A tensor in the file. dtype: as the format names it; start, end: where its bytes are, from the file's begin."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


class SafetensorsFile:
    """An open file with its header: entries by name, and its metadata. Raises CgError (status 1) for a damaged one."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.file = open_file(path)
        try:
            with reading(path, "its header"):
                self.entries, self.metadata = _header(path, self.file)
        except BaseException:
            self.file.close()
            raise

    def __enter__(self) -> SafetensorsFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def tensor(self, name: str) -> Any:
        """The array of that name. Raises CgError for a dtype that NumPy has not, and where the file ends too early."""
        entry = self.entries[name]
        if entry.dtype not in _DTYPES:
            raise error("array-file-dtype", status=1, file=self.path, contents=f"values of type `{entry.dtype}`")
        import numpy as np

        dtype = np.dtype(_DTYPES[entry.dtype])
        with reading(self.path, f"its tensor `{name}`"):
            if math.prod(entry.shape) * dtype.itemsize != entry.end - entry.start:
                raise ValueError("its shape and its bytes do not agree")
            data = np.empty(entry.end - entry.start, np.uint8)
            self.file.seek(entry.start)
            if self.file.readinto(data.data) < data.size:
                raise ValueError("it ends too early")
            return data.view(dtype).reshape(entry.shape)


def _header(path: str, file: BufferedReader) -> tuple[dict[str, Entry], dict[str, str]]:
    size = size_of(file)
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or length > min(HEADER, size - 8):
        raise broken(path, "its header is longer than the file")
    try:
        table = json.loads(file.read(length).decode("utf-8"), object_pairs_hook=unique_names)
    except DuplicateName as problem:
        raise broken(path, f"two of its tensors are named `{problem}`") from None
    metadata = table.pop(METADATA, None) or {}
    if not all(isinstance(text, str) for text in metadata.values()):
        raise broken(path, "its metadata are no texts")
    entries = {name: _entry(fields, 8 + length) for name, fields in table.items()}
    _check_offsets(path, entries, 8 + length, size)
    return entries, dict(metadata)


def _entry(fields: Mapping[str, Any], offset: int) -> Entry:
    shape, (start, end) = fields["shape"], fields["data_offsets"]
    if not all(type(n) is int and n >= 0 for n in (*shape, start, end)):
        raise ValueError("a size in it is no whole number")
    return Entry(str(fields["dtype"]), tuple(shape), offset + start, offset + end)


def _check_offsets(path: str, entries: Mapping[str, Entry], begin: int, size: int) -> None:
    """The bytes of the tensors follow each other without holes, up to the end of the file."""
    offset = begin
    for entry in sorted(entries.values(), key=lambda e: (e.start, e.end)):
        if entry.start != offset or entry.end < entry.start:
            raise broken(path, "its tensors overlap or leave holes")
        offset = entry.end
    if offset != size:
        raise broken(path, f"its header promises {offset - begin} bytes and {size - begin} follow")
