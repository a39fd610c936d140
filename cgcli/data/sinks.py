"""Tables written piece by piece, in files of several kinds. A file is written whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import product
from typing import IO, Any, Protocol

from cgcli.diagnostics.diagnostic import error
from cgcli.files.writing import atomic_file, check_writable
from cgcli.system import is_url

from . import arrow
from .arrow_csv import write_rows
from .number_columns import Numbers
from .text_tables import SEPARATORS

KINDS = ("csv", "tsv", "jsonl", "npz", *arrow.KINDS)
MOST_COLUMNS = 10_000  # of a text: a tensor has one for each element
PLAIN_ROWS = 16_384  # that pyarrow is worth loading for


class Sink(Protocol):
    """A file or stream that rows of a result are written to."""

    def write(self, columns: Mapping[str, Any]) -> None:
        """Some rows: by name an array, a row each, or a list of cells that are carried through.

        Of a table without rows one call with columns without rows.
        """


class JoiningSink(Sink, Protocol):
    """A sink that also takes what a `PartWriter` wrote elsewhere."""

    def append(self, part: bytes, header: int) -> None:
        """Rows in this sink's own kind, of `arrow.KINDS` in STREAM. header: the bytes in front of them."""


class TextOutput(Protocol):
    """A stream that texts are written to."""

    def write(self, text: str, /) -> object: ...


@contextmanager
def sink(path: str | None, out: TextOutput | None = None, *, lines: bool = False) -> Iterator[Sink]:
    """A writer of a table into a file, by its name's ending, or into `out` where there is none or it is `-`.

    lines: whether `out` takes JSON Lines, else CSV. Raises CgError: status 2 for an ending that is not known, status 1
    when the file cannot be written.
    """
    if path is None or path == "-":
        assert out is not None
        yield _text_sink(out, "jsonl" if lines else "csv")
        return
    kind = target_kind(path)
    with atomic_file(path) as file:
        if kind == "npz":
            arrays = _Npz()
            yield arrays
            arrays.save(file)
            return
        if kind in arrow.KINDS:
            writer = arrow.ArrowWriter(file, kind)
            try:
                yield writer
                writer.close()
            except BaseException:
                writer.abandon()
                raise
            return
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        yield _text_sink(text, kind)
        text.flush()
        text.detach()  # the file is closed by who opened it


def target_kind(path: str) -> str:
    """The kind of a file to write, by its ending. Raises CgError (status 2) for an ending that is not known."""
    if is_url(path):
        from cgcli.files.remote import require_store  # for URLs alone

        require_store(path)
    kind = path.rpartition(".")[2].lower()
    if kind not in KINDS:
        raise error("table-kind", file=path, kinds=[f".{each}" for each in KINDS])
    return kind


def check_target(path: str) -> None:
    """Raises CgError where it can be foreseen that `sink` does, for a table that is written after long work."""
    if target_kind(path) in arrow.KINDS:
        arrow.require()
    check_writable(path)


def _text_sink(text: TextOutput, kind: str) -> JoiningSink:
    return _JsonLines(text) if kind == "jsonl" else _Csv(text, "\t" if kind == "tsv" else ",")


STREAM = "tables"  # what a `TableStream` writes


class PartWriter:
    """A sink in memory. out: what rows are written to. kind: that of a text, one of `arrow.KINDS`, or STREAM."""

    def __init__(self, kind: str) -> None:
        self._text, self._bytes = io.StringIO(newline=""), io.BytesIO()
        self.out: Sink
        if kind == STREAM:
            self.out = arrow.TableStream(self._bytes)
        elif kind in arrow.KINDS:
            self.out = arrow.ArrowWriter(self._bytes, kind)
        else:
            self.out = _text_sink(self._text, kind)

    def part(self) -> tuple[bytes, int]:
        """All rows, of which there are some, and the bytes of the header in front of them. No more may follow."""
        if isinstance(self.out, arrow.ArrowWriter):
            self.out.close()
        return self._bytes.getvalue() or self._text.getvalue().encode(), getattr(self.out, "header", 0)


class _Csv:
    def __init__(self, file: TextOutput, delimiter: str) -> None:
        self.file, self.delimiter = file, delimiter
        self.writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        self.header = 0  # bytes, 0 where it is not written yet

    def write(self, columns: Mapping[str, Any]) -> None:
        names, flat = flat_columns(columns)
        if not self.header:
            self._write_header(names)
        text = write_rows(flat, self.delimiter) if flat and len(flat[0]) >= PLAIN_ROWS else None
        if text is None:
            self.writer.writerows(zip(*(_texts(x) for x in flat), strict=True))
        else:
            self.file.write(text)

    def _write_header(self, names: Sequence[str]) -> None:
        line = io.StringIO()
        if len(names) == 1 and any(mark in names[0] for mark in SEPARATORS):  # that is not the table's separator
            csv.writer(line, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow(names)
        else:
            csv.writer(line, delimiter=self.delimiter, lineterminator="\n").writerow(names)
        self.file.write(line.getvalue())
        self.header = len(line.getvalue().encode())

    def append(self, part: bytes, header: int) -> None:
        """See `JoiningSink`."""
        self.file.write(part[header if self.header else 0 :].decode())
        self.header = self.header or header


class Rounded:
    """A sink whose floats are rounded to so many significant digits before they are written into another.

    carried: columns that stay as they are.
    """

    def __init__(self, out: Sink, digits: int, carried: Collection[str] = ()) -> None:
        self.out, self.digits, self.carried = out, digits, carried

    def write(self, columns: Mapping[str, Any]) -> None:
        self.out.write({name: x if name in self.carried else self._rounded(x) for name, x in columns.items()})

    def _rounded(self, x: Any) -> Any:
        if isinstance(x, Numbers):
            return Numbers(self._number(value) if isinstance(value, float) else value for value in x)
        if not hasattr(x, "dtype") or x.dtype.kind != "f":
            return x
        import numpy as np

        numbers = map(self._number, x.reshape(-1).tolist())
        return np.fromiter(numbers, x.dtype, x.size).reshape(x.shape)

    def _number(self, value: float) -> float:
        return float(f"{value:.{self.digits - 1}e}")


class _JsonLines:
    def __init__(self, file: TextOutput) -> None:
        self.file = file

    def write(self, columns: Mapping[str, Any]) -> None:
        names = list(columns)
        for row in zip(*(_plain(x) for x in columns.values()), strict=True):
            self.file.write(json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False, allow_nan=False) + "\n")

    def append(self, part: bytes, header: int) -> None:
        """See `JoiningSink`."""
        self.file.write(part.decode())


class _Npz:
    """Keeps all rows: the file holds each column in one piece."""

    def __init__(self) -> None:
        self.parts: dict[str, list[Any]] = {}

    def write(self, columns: Mapping[str, Any]) -> None:
        for name, x in columns.items():
            self.parts.setdefault(name, []).append(x)

    def save(self, file: IO[bytes]) -> None:
        # a slash would be a folder in the archive
        write_npz(file, ((name.replace("/", "_"), _joined(parts)) for name, parts in self.parts.items()))


def write_npz(file: IO[bytes], arrays: Iterable[tuple[str, Any]]) -> None:
    """Writes an archive of named arrays, one after the other."""
    import zipfile  # for this kind of file alone

    import numpy as np

    write_array: Any = np.lib.format.write_array  # without types in the oldest NumPy
    # not by `np.savez`, which takes an array that is named `file` for its own parameter
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays:
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                write_array(member, array, allow_pickle=False)


def _joined(parts: Sequence[Any]) -> Any:
    """The parts of a column as one array."""
    import numpy as np

    return np.concatenate(parts) if all(hasattr(x, "dtype") for x in parts) else _array(parts)


def _array(parts: Sequence[Any]) -> Any:
    """Cells that are carried through as an array: of numbers or bools where all are, else of their texts."""
    import numpy as np

    cells = [cell for x in parts for cell in (x.tolist() if hasattr(x, "dtype") else x)]
    kinds = set(map(type, cells))
    numbers = kinds <= {int, float} or kinds == {bool}
    array = np.array(cells) if numbers else np.array(_texts(cells), dtype=str)
    return array if array.dtype.kind in "biufU" else np.array(_texts(cells), dtype=str)


def flat_columns(columns: Mapping[str, Any]) -> tuple[list[str], list[Any]]:
    """A column for each element of a tensor: `z[0]`, `z[0,1]`."""
    names: list[str] = []
    flat: list[Any] = []
    count = sum(math.prod(x.shape[1:]) if hasattr(x, "dtype") else 1 for x in columns.values())
    if count > MOST_COLUMNS:
        raise error("too-many-columns", status=1, columns=count, limit=MOST_COLUMNS)
    for name, x in columns.items():
        shape = x.shape[1:] if hasattr(x, "dtype") else ()
        if not shape or 0 in shape:  # without an element there is only the name to keep
            names.append(name)
            flat.append(x)
            continue
        for index in product(*map(range, shape)):
            names.append(f"{name}[{','.join(map(str, index))}]")
            flat.append(x[(slice(None), *index)])
    return names, flat


def _texts(x: Any) -> Sequence[str]:
    """Floats as the shortest texts that read back to them, bools as the language has them, no elements as brackets."""
    if isinstance(x, Numbers):
        return [str(item).lower() for item in x]
    if not hasattr(x, "dtype"):
        return [cell if isinstance(cell, str) else "" if cell is None else json.dumps(cell) for cell in x]
    if x.ndim > 1:
        return [str(item) for item in x.tolist()]
    if x.dtype.kind == "b":
        return ["true" if item else "false" for item in x.tolist()]
    return [str(item) for item in (x if x.dtype == "float32" else x.tolist())]


def _plain(x: Any) -> list[Any]:
    """Rows as JSON knows them: NaN and infinities are texts."""
    if not hasattr(x, "dtype"):
        return [_mapped(cell) if isinstance(cell, float | list) else cell for cell in x]
    import numpy as np

    doubles = x.astype(str).astype("float64") if x.dtype == "float32" else x
    rows: list[Any] = doubles.tolist()
    if x.dtype.kind == "f" and not bool(np.isfinite(x).all()):
        return [_mapped(row) for row in rows]
    return rows


def _mapped(value: Any) -> Any:
    """Recursion as deep as a tensor's rank."""
    if isinstance(value, list):
        return [_mapped(item) for item in value]
    if not isinstance(value, float):
        return value
    if value != value:
        return "NaN"
    return ("Infinity" if value > 0 else "-Infinity") if value in (float("inf"), float("-inf")) else value
