"""Arrays from files: NPY, NPZ, CSV, JSON and safetensors.

What a file says of itself is not believed: sizes are compared with the file's own before memory is asked for, and
nothing that could hold code is read.
"""

from __future__ import annotations

import csv
import importlib
import io
import json
import math
import os
import zipfile
import zlib
from array import array
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from pathlib import PurePath
from typing import Any, BinaryIO

import numpy as np

from cgcli.graph.diagnostic import CgError, error
from cgcli.language.suggest import nearest

_FORMAT: Any = np.lib.format  # typed in some versions of NumPy only
LIMIT = 16 * 2**30  # bytes of all arrays of a file
RATIO = 2_000  # how many times as large as its file an archive's array may be; zeros shrink to a thousandth
HEADER = 100_000_000  # bytes of a safetensors header, as the format's own library has it
JSON_COST = 75  # bytes that a byte of JSON takes while it is read
SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def read_array(reference: str, limit: int = LIMIT) -> Any:
    """The array in a file: `x.npy`, `w.npz:W1`, `t.csv:price`, `t.json:key`, `w.safetensors:W1`.

    The part behind the colon may be left out where there is but one array. Raises CgError: status 2 for a file that is
    not there or of no known kind, 1 for one whose contents are no array.
    """
    path, member = _split(reference)
    reader = _READERS.get(PurePath(path).suffix.lower())
    if reader is None:
        raise error("array-file-kind", file=reference or "(nothing)", known=sorted(_READERS))
    return _native(path, reader(path, member, limit))


def read_arrays(path: str, limit: int = LIMIT) -> dict[str, Any]:
    """All arrays of an NPZ or safetensors file by name. Raises CgError as `read_array`."""
    if PurePath(path).suffix.lower() == ".npz":
        with _archive(path) as archive:
            return {name: _native(path, array) for name, array in _members(path, archive, None, limit).items()}
    return {name: _native(path, array) for name, array in _safetensors(path, None, limit).items()}


def _split(reference: str) -> tuple[str, str | None]:
    if os.path.exists(reference):
        return reference, None
    path, colon, member = reference.rpartition(":")
    return (path, member) if colon and path else (reference, None)


# ---- what may be inside


def _native(path: str, array: Any) -> Any:
    """The array in a dtype of the language and this machine's byte order."""
    kind = array.dtype.kind
    if kind == "b":
        return array
    if kind == "u" and array.dtype.itemsize == 8 and array.size and int(array.max()) > 2**63 - 1:
        raise error("array-file-dtype", status=1, file=path, found="whole numbers beyond 64 bits")
    wanted: dict[str, Any] = {"i": np.int64, "u": np.int64, "f": np.float32 if array.dtype.itemsize < 8 else np.float64}
    if kind not in wanted or (kind == "f" and array.dtype.itemsize > 8):
        raise error("array-file-dtype", status=1, file=path, found=_contents(array.dtype))
    return np.ascontiguousarray(array, dtype=wanted[kind]).reshape(array.shape)


def _cast_size(dtype: Any) -> int:
    """The bytes of an element of the array that one of this dtype is cast to; 0 where it stays."""
    size = {"i": 8, "u": 8, "f": 4 if dtype.itemsize < 8 else 8}.get(dtype.kind, 0)
    return 0 if size == dtype.itemsize and dtype.isnative and dtype.kind != "u" else size


def _contents(dtype: Any) -> str:
    words = {"O": "Python objects", "U": "texts", "S": "texts", "c": "complex numbers", "M": "dates", "m": "durations"}
    return words.get(dtype.kind, f"values of type `{dtype}`")


def _too_large(path: str, size: int, limit: int) -> CgError:
    return error("array-file-size", status=1, file=path, size=_human(size), limit=_human(limit))


def _human(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.1f} MiB"


def _broken(path: str, reason: str) -> CgError:
    return error("array-file-broken", status=1, file=path, reason=reason)


def _open(path: str) -> BinaryIO:
    try:
        if not os.path.isfile(path):
            raise error("array-file-missing" if not os.path.exists(path) else "array-file-special", file=path)
        return open(path, "rb")
    except OSError as e:
        raise error("file-unreadable", file=path, reason=(e.strerror or "it cannot be opened").lower()) from None
    except ValueError:
        raise error("array-file-missing", file=path) from None


# ---- NPY and NPZ


def _npy(path: str, member: str | None, limit: int) -> Any:
    _no_member(path, member)
    with _open(path) as file:
        return _npy_stream(path, file, os.fstat(file.fileno()).st_size, limit)


def _npy_stream(path: str, file: Any, size: int, limit: int) -> Any:
    """One array of NumPy's format; `size` is what the stream really holds."""
    try:
        version = _FORMAT.read_magic(file)
        read = {(1, 0): _FORMAT.read_array_header_1_0, (2, 0): _FORMAT.read_array_header_2_0}.get(version)
        if read is None:
            raise _broken(path, f"its version {version[0]}.{version[1]} is not known")
        shape, fortran, dtype = read(file)
    except (ValueError, EOFError, AttributeError) as e:
        raise _broken(path, _reason(e)) from None
    if dtype.hasobject:
        raise error("array-file-dtype", status=1, file=path, found="Python objects")
    wanted = math.prod(shape) * dtype.itemsize
    need = wanted + math.prod(shape) * _cast_size(dtype)
    if need > limit:
        raise _too_large(path, need, limit)
    held = size - file.tell()
    if any(n < 0 for n in shape) or wanted > held:
        raise _broken(path, f"its header promises {wanted} bytes and {held} follow")
    data = file.read(wanted)
    if len(data) < wanted:
        raise _broken(path, "it ends too early")
    array = np.frombuffer(data, dtype=dtype, count=math.prod(shape))
    return array.reshape(shape, order="F" if fortran else "C")


def _npz(path: str, member: str | None, limit: int) -> Any:
    with _archive(path) as archive:
        return _only(path, member, _members(path, archive, member, limit))


def _archive(path: str) -> zipfile.ZipFile:
    _open(path).close()
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as e:
        raise _broken(path, _reason(e)) from None


def _members(path: str, archive: zipfile.ZipFile, member: str | None, limit: int) -> dict[str, Any]:
    """The arrays of an archive, or the one that is asked for. Its declared sizes are capped before one is unpacked."""
    entries = {e.filename.removesuffix(".npy"): e for e in archive.infolist() if e.filename.endswith(".npy")}
    chosen = entries if member is None else {member: entries[member]} if member in entries else {}
    if not chosen:
        raise _no_such(path, member, list(entries))
    total = sum(e.file_size for e in chosen.values())
    if total > limit:
        raise _too_large(path, total, limit)
    if any(e.file_size > RATIO * max(e.compress_size, 1) + 2**20 for e in chosen.values()):
        raise _broken(path, "an array is suspiciously larger than the file it is packed in")
    found: dict[str, Any] = {}
    for name, entry in chosen.items():
        try:
            with archive.open(entry) as stream:
                found[name] = _npy_stream(path, stream, entry.file_size, limit)
        except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError, zlib.error) as e:
            raise _broken(path, _reason(e)) from None
    return found


# ---- safetensors


def _safetensor(path: str, member: str | None, limit: int) -> Any:
    return _only(path, member, _safetensors(path, member, limit))


def _safetensors(path: str, member: str | None, limit: int) -> dict[str, Any]:
    def read(opened: Any) -> dict[str, Any]:
        names = list(opened.keys())
        if member is not None and member not in names:
            raise _no_such(path, member, names)
        return {name: opened.get_tensor(name) for name in (names if member is None else [member])}

    found: dict[str, Any] = _with_safetensors(path, limit, read)
    return found


def read_metadata(path: str) -> dict[str, str]:
    """What a safetensors file says besides its arrays. Raises CgError as `read_arrays`."""
    return dict(_with_safetensors(path, LIMIT, lambda opened: opened.metadata() or {}))


def _with_safetensors(path: str, limit: int, use: Callable[[Any], Any]) -> Any:
    with _open(path) as file:
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(8), "little")
    if size < 8 or length > min(HEADER, size - 8):
        raise _broken(path, "its header is longer than the file")
    if size > limit:
        raise _too_large(path, size, limit)
    # its stubs differ from version to version
    safetensors: Any = importlib.import_module("safetensors")
    try:
        with safetensors.safe_open(path, framework="numpy") as opened:
            return use(opened)
    except CgError:
        raise
    except (safetensors.SafetensorError, OSError, ValueError, TypeError, KeyError, AttributeError) as e:
        raise _broken(path, _reason(e)) from None


def _only(path: str, member: str | None, found: dict[str, Any]) -> Any:
    if member is None and len(found) != 1:
        raise error("array-file-which", file=path, known=sorted(found))
    return next(iter(found.values()))


def _no_such(path: str, member: str | None, known: Sequence[str]) -> CgError:
    near = nearest(member or "", known)
    return error("array-file-member", status=1, file=path, name=member, nearest=near, known=sorted(known) or None)


def _no_member(path: str, member: str | None) -> None:
    if member is not None:
        raise error("array-file-one", file=path, name=member)


# ---- JSON


def _json(path: str, member: str | None, limit: int) -> Any:
    text = _text(path, limit)
    try:
        data = json.loads(text)
    except RecursionError:
        raise _broken(path, "it is nested too deep") from None
    except ValueError as e:
        raise _broken(path, _reason(e)) from None
    if member is not None:
        if not isinstance(data, dict) or member not in data:
            raise _no_such(path, member, list(data) if isinstance(data, dict) else [])
        data = data[member]
    elif isinstance(data, dict):
        raise error("array-file-which", file=path, known=sorted(data))
    return _nested(path, data)


def _nested(path: str, data: Any) -> Any:
    """Nested lists as an array, level by level: each has to be as long as its neighbours."""
    shape: list[int] = []
    level: list[tuple[Any, str]] = [(data, "")]
    while level and isinstance(level[0][0], list):
        length = len(level[0][0])
        below: list[tuple[Any, str]] = []
        for item, place in level:
            if not isinstance(item, list) or len(item) != length:
                found = f"{len(item)} items" if isinstance(item, list) else "a single value"
                raise error("array-file-ragged", status=1, file=path, place=place, found=found, wanted=length)
            below += [(x, f"{place}[{k}]") for k, x in enumerate(item)]
        shape.append(length)
        level = below
    numbers = [_number(path, x, place) for x, place in level]
    if any(isinstance(x, bool) for x in numbers) and not all(isinstance(x, bool) for x in numbers):
        raise _broken(path, "it mixes numbers with true and false")
    try:
        return np.array(numbers, dtype=None if numbers else np.float64).reshape(shape)
    except OverflowError:
        return np.array(numbers, dtype=np.float64).reshape(shape)


def _number(path: str, value: Any, place: str) -> float | int | bool:
    if isinstance(value, (bool, int, float)):
        return float(value) if isinstance(value, int) and abs(value) >= 2**63 else value
    if isinstance(value, str) and value in SPECIAL:
        return SPECIAL[value]
    words = {list: "a list", dict: "an object", str: "a text", type(None): "null"}
    raise error("array-file-value", status=1, file=path, place=place or "[]", found=words[type(value)])


# ---- CSV


def _csv(path: str, member: str | None, limit: int) -> Any:
    """A column by the name in the header, or all of a table of numbers: of one column a vector, else a matrix."""
    with _open(path) as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="\n") as text:
        try:
            return _csv_columns(path, member, limit, text)
        except csv.Error as e:
            raise _broken(path, _reason(e)) from None
        except UnicodeDecodeError:
            raise _broken(path, "it is not UTF-8 text") from None


def _csv_columns(path: str, member: str | None, limit: int, text: Iterable[str]) -> Any:
    """Row by row into one array of numbers, so that little more than the result is held."""
    reader = csv.reader(text, strict=True)
    rows = ((reader.line_num, row) for row in reader if row)
    first = next(rows, None)
    if first is None:
        raise _broken(path, "it is empty")
    header = [cell.strip() for cell in first[1]]
    named = member is not None or not all(_is_number(cell) for cell in header)
    columns = list(range(len(header)))
    if member is not None:
        if member not in header:
            raise _no_such(path, member, header)
        columns = [header.index(member)]
    numbers: array[Any] = array("q")
    for line, row in rows if named else chain([first], rows):
        if len(row) != len(header):
            raise error("array-file-row", status=1, file=path, line=line, found=len(row), wanted=len(header))
        cells = [_cell(path, line, header[k] if named else f"{k + 1}", row[k]) for k in columns]
        if numbers.typecode == "q" and any(isinstance(x, float) for x in cells):
            numbers = array("d", numbers)
        numbers.extend(cells)
        if len(numbers) * 8 * 2 > limit:  # an array that grows is held twice for a moment
            raise _too_large(path, len(numbers) * 8 * 2, limit)
    made = np.frombuffer(numbers, dtype=np.dtype(numbers.typecode)) if numbers else np.zeros(0)
    made = made.reshape(-1, len(columns))
    return made[:, 0] if len(columns) == 1 else made


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _cell(path: str, line: int, column: str, text: str) -> float | int:
    text = text.strip()
    if not _is_number(text):
        raise error("array-file-cell", status=1, file=path, line=line, column=column, text=text or "nothing")
    number = float(text)
    digits = text.removeprefix("-").removeprefix("+")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) <= 18 else number


def _text(path: str, limit: int) -> str:
    with _open(path) as file:
        size = os.fstat(file.fileno()).st_size * JSON_COST
        if size > limit:
            raise _too_large(path, size, limit)
        data = file.read()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _broken(path, "it is not UTF-8 text") from None


def _reason(problem: Exception) -> str:
    """What is wrong, in one line."""
    text = " ".join(str(problem).split()) or "it ends too early"
    return text[:1].lower() + text[1:]


_READERS: dict[str, Callable[[str, str | None, int], Any]] = {
    ".npy": _npy,
    ".npz": _npz,
    ".csv": _csv,
    ".json": _json,
    ".safetensors": _safetensor,
}
