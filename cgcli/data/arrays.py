"""Arrays from files: NPY, NPZ, CSV, JSON and safetensors.

Headers are not trusted: sizes are compared with that of the file before memory is allocated, and
nothing that could hold code is read.
"""

from __future__ import annotations

import csv
import io
import math
import os
import warnings
import zipfile
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import PurePath
from typing import Any

import numpy as np

from cgcli.diagnostics.byte_text import byte_text
from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.diagnostics.source import Source
from cgcli.diagnostics.suggest import nearest
from cgcli.files.source_files import is_stream, read_stdin
from cgcli.graph.types import MAX_AXES
from cgcli.system import file_name, is_url, split_member

from .cells import number
from .reading import broken, open_file, reading, size_of
from .safetensors import SafetensorsFile
from .structured import DuplicateName, NumberTooLarge, decode_json, number_of, too_large

_FORMAT: Any = np.lib.format  # typed in some versions of NumPy only
LIMIT = 16 * 2**30  # bytes of all arrays of a file
RATIO = 2_000  # how many times as large as its file an archive's array may be; zeros shrink to a thousandth
JSON_COST = 75  # bytes that a byte of JSON takes while it is read
SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def read_array(reference: str, limit: int = LIMIT) -> Any:
    """The array in a file: `x.npy`, `w.npz:W1`, `t.csv:price`, `t.json:key`, `w.safetensors:W1`.

    The part behind the colon may be left out where there is but one array. Raises CgError: status 2 for a file that is
    not there or of no known kind, 1 for one whose contents are no array.
    """
    path, member = _split(reference)
    reader = _csv if is_stream(path) else _READERS.get(PurePath(file_name(path)).suffix.lower())
    if reader is None:
        raise error("array-file-kind", file=reference or "(nothing)", kinds=sorted(_READERS))
    return _native(path, reader(path, member, limit))


def read_arrays(path: str, limit: int = LIMIT, *, texts: bool = False) -> dict[str, Any]:
    """All arrays of an NPZ or safetensors file by name. Raises CgError as `read_array`.

    texts: whether an array of an NPZ file may hold texts, which come as a list.
    """
    if PurePath(file_name(path)).suffix.lower() == ".npz":
        with _archive(path) as archive:
            arrays = _members(path, archive, None, limit, texts)
            return {n: _texts(path, x) if x.dtype.kind == "U" else _native(path, x) for n, x in arrays.items()}
    return {name: _native(path, array) for name, array in _safetensors(path, None, limit).items()}


def _split(reference: str) -> tuple[str, str | None]:
    is_path = is_stream(reference) or (not is_url(reference) and os.path.exists(reference))
    return (reference, None) if is_path else split_member(reference)


def _texts(path: str, array: Any) -> list[str]:
    """The texts of an array of one axis."""
    if array.ndim != 1:
        raise error("array-file-dtype", status=1, file=path, contents=_contents(array.dtype))
    with reading(path):
        texts: list[str] = array.tolist()
    return texts


# ---- dtypes


def _native(path: str, array: Any) -> Any:
    """The array in a dtype of the language and this machine's byte order."""
    kind = array.dtype.kind
    _check_dtype(path, array.dtype)
    if array.ndim > MAX_AXES:
        raise broken(path, f"it has {array.ndim} axes, a tensor has at most {MAX_AXES}")
    if kind == "b":
        if (
            array.size and array.view(np.uint8).max() > 1
        ):  # NumPy reads it as true in some functions, as another number in others
            raise broken(path, "a byte of its bools is neither 0 nor 1")
        return array
    if kind == "u" and array.dtype.itemsize == 8 and array.size and int(array.max()) > 2**63 - 1:
        raise error("array-file-dtype", status=1, file=path, contents="whole numbers beyond 64 bits")
    dtype = np.int64 if kind in "iu" else np.float32 if array.dtype.itemsize < 8 else np.float64
    with np.errstate(invalid="ignore"):  # a signalling NaN
        return np.ascontiguousarray(array, dtype=dtype).reshape(array.shape)


def _check_dtype(path: str, dtype: Any, texts: bool = False) -> None:
    if (dtype.kind not in "biuf" or dtype.itemsize > 8) and not (texts and dtype.kind == "U"):
        raise error("array-file-dtype", status=1, file=path, contents=_contents(dtype))


def _cast_size(dtype: Any) -> int:
    """The bytes of an element of the array that one of this dtype is cast to; 0 where it stays."""
    size = {"i": 8, "u": 8, "f": 4 if dtype.itemsize < 8 else 8}.get(dtype.kind, 0)
    return 0 if size == dtype.itemsize and dtype.isnative and dtype.kind != "u" else size


def _contents(dtype: Any) -> str:
    words = {"O": "Python objects", "U": "texts", "S": "texts", "c": "complex numbers", "M": "dates", "m": "durations"}
    return words.get(dtype.kind, f"values of type `{dtype}`")


def _too_large(path: str, size: int, limit: int) -> CgError:
    size_text, limit_text = (byte_text(n, smallest="MiB", largest="GiB") for n in (size, limit))
    return error("array-file-size", status=1, file=path, size=size_text, limit=limit_text)


# ---- NPY and NPZ


def _npy(path: str, member: str | None, limit: int) -> Any:
    _no_member(path, member)
    with open_file(path) as file, reading(path):
        return _npy_stream(path, file, size_of(file), limit)


def _npy_stream(path: str, file: Any, size: int, limit: int, texts: bool = False) -> Any:
    """One array of NumPy's format; `size` is what the stream holds. Raises errors of any class: see `reading`."""
    shape, fortran, dtype = _npy_header(file)
    if any(type(n) is not int or n < 0 for n in shape) or (0 in shape and math.prod(filter(None, shape)) >= 2**60):
        raise ValueError(f"its header gives the shape {shape}")
    _check_dtype(path, dtype, texts)
    size_promised = math.prod(shape) * dtype.itemsize
    bytes_needed = size_promised + math.prod(shape) * _cast_size(dtype)
    if bytes_needed > limit:
        raise _too_large(path, bytes_needed, limit)
    bytes_left = size - file.tell()
    if size_promised > bytes_left:
        raise ValueError(f"its header promises {size_promised} bytes and {bytes_left} follow")
    data = file.read(size_promised)
    if len(data) < size_promised:
        raise ValueError("it ends too early")
    array = np.frombuffer(data, dtype=dtype, count=math.prod(shape))
    return array.reshape(shape, order="F" if fortran else "C")


def _npy_header(file: Any) -> tuple[tuple[int, ...], bool, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Python's parser, at texts that are no header
        try:
            version = _FORMAT.read_magic(file)
            read_header = {(1, 0): _FORMAT.read_array_header_1_0, (2, 0): _FORMAT.read_array_header_2_0}[version]
            shape, fortran, dtype = read_header(file)
        except Exception:  # in words about Python's parser, with advice to trust the file
            raise ValueError("its header is damaged, or of another version") from None
        return shape, fortran, dtype


def _npz(path: str, member: str | None, limit: int) -> Any:
    with _archive(path) as archive:
        return _only(path, member, _members(path, archive, member, limit))


@contextmanager
def _archive(path: str) -> Iterator[zipfile.ZipFile]:
    with open_file(path) as file, reading(path), zipfile.ZipFile(file) as archive:
        if any(entry.compress_size > size_of(file) for entry in archive.infolist()):
            raise ValueError("its directory promises more than the file holds")
        yield archive


def _members(
    path: str, archive: zipfile.ZipFile, member: str | None, limit: int, texts: bool = False
) -> dict[str, Any]:
    """The arrays of an archive, or the one that is asked for. Its declared sizes are capped before one is unpacked."""
    entries: dict[str, zipfile.ZipInfo] = {}
    for entry in archive.infolist():
        name = entry.filename.removesuffix(".npy")
        if name in entries:
            raise broken(path, f"two of its arrays are named `{name}`")
        if entry.filename.endswith(".npy"):
            entries[name] = entry
    selected = entries if member is None else {member: entries[member]} if member in entries else {}
    if not selected:
        raise _no_such(path, member, list(entries))
    total = sum(e.file_size for e in selected.values())
    if total > limit:
        raise _too_large(path, total, limit)
    if any(e.file_size > RATIO * max(e.compress_size, 1) + 2**20 for e in selected.values()):
        raise broken(path, "an array is suspiciously larger than the file it is packed in")
    arrays: dict[str, Any] = {}
    for name, entry in selected.items():
        with reading(path, f"its array `{name}`"), archive.open(entry) as stream:
            arrays[name] = _npy_stream(path, stream, entry.file_size, limit, texts)
    return arrays


# ---- safetensors


def _safetensor(path: str, member: str | None, limit: int) -> Any:
    return _only(path, member, _safetensors(path, member, limit))


def _safetensors(path: str, member: str | None, limit: int) -> dict[str, Any]:
    with SafetensorsFile(path) as file:
        if member is not None and member not in file.entries:
            raise _no_such(path, member, list(file.entries))
        names = list(file.entries) if member is None else [member]
        size = sum(file.entries[name].end - file.entries[name].start for name in names)
        if size > limit:
            raise _too_large(path, size, limit)
        return {name: file.tensor(name) for name in names}


def read_metadata(path: str) -> dict[str, str]:
    """The metadata of a safetensors file. Raises CgError as `read_arrays`."""
    with SafetensorsFile(path) as file:
        return file.metadata


def _only(path: str, member: str | None, arrays: dict[str, Any]) -> Any:
    if member is None and len(arrays) != 1:
        raise error("array-file-which", file=path, names=sorted(arrays))
    return next(iter(arrays.values()))


def _no_such(path: str, member: str | None, names: Sequence[str]) -> CgError:
    near = nearest(member or "", names)
    return error("array-file-member", status=1, file=path, name=member, nearest=near, names=sorted(names) or None)


def _no_member(path: str, member: str | None) -> None:
    if member is not None:
        raise error("array-file-one", file=path, name=member)


# ---- JSON


def _json(path: str, member: str | None, limit: int) -> Any:
    with reading(path):
        try:
            source = _source(path, limit)
            data = decode_json(source, parse_int=number_of, parse_float=number_of)
        except NumberTooLarge as problem:
            raise too_large(source, problem) from None
        except DuplicateName as problem:
            raise error("json-twice", status=1, file=path, name=str(problem)) from None
    if member is not None:
        if not isinstance(data, dict) or member not in data:
            raise _no_such(path, member, list(data) if isinstance(data, dict) else [])
        data = data[member]
    elif isinstance(data, dict):
        raise error("array-file-which", file=path, names=sorted(data))
    return _nested(path, data)


def _nested(path: str, data: Any) -> Any:
    """Nested lists as an array, level by level: each has to be as long as its neighbours."""
    shape: list[int] = []
    level: list[tuple[Any, str]] = [(data, "")]
    while level and isinstance(level[0][0], list):
        if len(shape) == MAX_AXES:
            raise broken(path, f"its lists are nested more than {MAX_AXES} deep, the most axes that a tensor has")
        length = len(level[0][0])
        below: list[tuple[Any, str]] = []
        for item, path_in_file in level:
            if not isinstance(item, list) or len(item) != length:
                description = f"{len(item)} items" if isinstance(item, list) else "a single value"
                raise error(
                    "array-file-ragged", status=1, file=path, path=path_in_file, length=description, expected=length
                )
            below += [(x, f"{path_in_file}[{k}]") for k, x in enumerate(item)]
        shape.append(length)
        level = below
    numbers = [_number(path, x, path_in_file) for x, path_in_file in level]
    if any(isinstance(x, bool) for x in numbers) and not all(isinstance(x, bool) for x in numbers):
        raise broken(path, "it mixes numbers with true and false")
    return np.array(numbers, dtype=None if numbers else np.float64).reshape(shape)


def _number(path: str, value: Any, path_in_file: str) -> float | int | bool:
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str) and value in SPECIAL:
        return SPECIAL[value]
    kinds = {list: "a list", dict: "an object", str: "a text", type(None): "null"}
    raise error("array-file-value", status=1, file=path, path=path_in_file or "[]", kind=kinds[type(value)])


# ---- CSV


def _csv(path: str, member: str | None, limit: int) -> Any:
    """A column by the name in the header, or all of a table of numbers: of one column a vector, else a matrix."""
    with reading(path):
        if is_stream(path):
            return _csv_columns(path, member, limit, io.StringIO(read_stdin(path).text))
        with open_file(path) as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
            return _csv_columns(path, member, limit, text)


def _csv_columns(path: str, member: str | None, limit: int, text: Iterable[str]) -> Any:
    """Row by row into one array of numbers, so that little more than the result is held."""
    reader = csv.reader(text, strict=True)
    rows = ((reader.line_num, row) for row in reader if row)
    first = next(rows, None)
    if first is None:
        raise broken(path, "it is empty")
    header = [cell.strip() for cell in first[1]]
    has_header = member is not None or not all(_is_number(cell) for cell in header)
    columns = list(range(len(header)))
    if member is not None:
        if member not in header:
            raise _no_such(path, member, header)
        if header.count(member) > 1:
            raise error("table-repeats", status=1, file=path, name=member)
        columns = [header.index(member)]
    numbers: array[Any] = array("q")
    for line, row in rows if has_header else chain([first], rows):
        if len(row) != len(header):
            raise error("array-file-row", status=1, file=path, line=line, cells=len(row), columns=len(header))
        cells = [_cell(path, line, header[k] if has_header else f"{k + 1}", row[k]) for k in columns]
        if numbers.typecode == "q" and any(isinstance(x, float) for x in cells):
            numbers = array("d", numbers)
        numbers.extend(cells)
        if len(numbers) * 8 * 2 > limit:  # an array that grows is held twice for a moment
            raise _too_large(path, len(numbers) * 8 * 2, limit)
    table = np.frombuffer(numbers, dtype=np.dtype(numbers.typecode)) if numbers else np.zeros(0)
    table = table.reshape(-1, len(columns))
    return table[:, 0] if len(columns) == 1 else table


def _is_number(text: str) -> bool:
    return number(text) is not None


def _cell(path: str, line: int, column: str, text: str) -> float | int:
    value = number(text)
    if value is None:
        excerpt = text.strip()[:100] or "nothing"
        raise error("array-file-cell", status=1, file=path, line=line, column=column, text=excerpt)
    return value


def _source(path: str, limit: int) -> Source:
    """The text of a file, by its name for users."""
    text = _text(path, limit)
    if is_url(path):
        from cgcli.diagnostics.secrets import without_secrets  # for URLs alone

        path = without_secrets(path)
    return Source(path, text)


def _text(path: str, limit: int) -> str:
    if is_stream(path):
        return read_stdin(path).text
    with open_file(path) as file:
        size = size_of(file) * JSON_COST
        if size > limit:
            raise _too_large(path, size, limit)
        return file.read().decode("utf-8-sig")


_READERS: dict[str, Callable[[str, str | None, int], Any]] = {
    ".npy": _npy,
    ".npz": _npz,
    ".csv": _csv,
    ".json": _json,
    ".safetensors": _safetensor,
}
