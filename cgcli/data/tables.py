"""Tables, read piece by piece: files of several kinds, those that fit a pattern, or standard input.

A file is opened once, so that the columns and the rows are of one state of it, and a pipe can be a table.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from cgcli.diagnostics.diagnostic import error
from cgcli.files.source_files import is_stream, open_once
from cgcli.graph.lexemes import identifier
from cgcli.system import file_name, is_url

from . import arrow
from .chunks import Chunk, Reader, RowLocations
from .reading import PACKED, packed, reading, reason_of, unreadable
from .text_tables import UNPACKING_ERRORS, Csv, JsonLines

TEXTS = ("csv", "tsv", "jsonl", "ndjson")
KINDS = (*TEXTS, "npz", "npy", *arrow.KINDS)


@dataclass(frozen=True)
class Table:
    """Files of the same columns, of which the first is open; `read` goes through them once.

    name: what the table is called in messages. columns: None where no file names any, as JSON Lines without rows do
    not. size: bytes of all files, None where nobody knows. limit: see `open_table`. rows: of a table that is in
    memory as a whole. expected: see `expected_rows`, of a table that is a part of another.
    """

    name: str
    files: tuple[str, ...]
    first: Reader
    columns: tuple[str, ...] | None
    size: int | None
    limit: int | None
    rows: int | None = None
    expected: int | None = None

    def read(self, rows: int, needed: Collection[str] | None = None) -> Iterator[tuple[Chunk, int]]:
        """Chunks of at most so many rows, each with the bytes that were read so far.

        needed: the columns that are needed; of a file in which each column lies by itself no other is read.
        """
        bytes_done = read = 0
        for chunk, read in self.first.chunks(rows, needed):
            yield chunk, read
        for k, path in enumerate(self.files[1:]):
            bytes_done += _size(self.files[k]) or read
            with _opened(path, self.limit) as reader:
                self.check(reader, path)
                for chunk, read in reader.chunks(rows, needed):
                    yield chunk, bytes_done + read

    def expected_rows(self, first: int, read: int) -> int:
        """About how many rows the table has, by what its files say, else by their sizes. first: the rows of the first
        chunk; read: the bytes that were read with it.
        """
        total = self.rows if self.expected is None else self.expected
        if total is not None:
            return total
        if self.first.count is not None:
            return max(first, self.first.count) * len(self.files)
        return first * max(read, self.size) // read if self.size is not None and read else first

    def check(self, reader: Reader, path: str) -> None:
        """Raises CgError where a file has other columns than the table."""
        if None not in (reader.columns, self.columns) and reader.columns != self.columns:
            raise error("tables-differ", status=1, first=self.files[0], file=path)


def files_of(pattern: str) -> tuple[str, ...]:
    """The files or objects that a pattern stands for; none where there are none. Raises CgError for a bad URL."""
    if is_url(pattern):
        from cgcli.files.remote import files_of as objects_of  # for URLs alone

        return objects_of(pattern)
    if is_stream(pattern) or os.path.lexists(pattern):
        return (pattern,)
    import glob  # for patterns alone

    return tuple(sorted(glob.glob(pattern)))


@contextmanager
def open_table(pattern: str, limit: int | None = None) -> Iterator[Table]:
    """The table in a file, in all files that fit a pattern (in the order of their names), or on standard input (`-`).

    limit: bytes that a file may take whose arrays are read as a whole. Raises CgError: status 2 when there is none,
    status 1 when the files cannot be read or differ in their columns.
    """
    files = files_of(pattern)
    if not files:
        raise error("no-table", file=pattern or "''")
    with ExitStack() as stack:
        first = stack.enter_context(_opened(files[0], limit))
        columns = first.columns
        for path in files[1:]:
            if not is_url(path) and not os.path.isfile(path):
                raise error("array-file-special", file=path)
            with _opened(path, limit) as reader:
                columns = reader.columns if columns is None else columns
                Table(pattern, files, first, columns, None, None).check(reader, path)
        sizes = [_size(path) for path in files]
        known_sizes = [size for size in sizes if size is not None]
        yield Table(pattern, files, first, columns, sum(known_sizes) if len(known_sizes) == len(sizes) else None, limit)


@contextmanager
def _opened(path: str, limit: int | None) -> Iterator[Reader]:
    """The reader of a file. Raises CgError where it is no table or cannot be opened."""
    with ExitStack() as stack:
        try:
            reader = _reader(path, limit, stack)
        except FileNotFoundError:
            raise error("no-table", file=path) from None
        except (UnicodeDecodeError, *UNPACKING_ERRORS) as problem:
            raise unreadable(path, problem) from None
        except OSError as problem:
            if problem.errno is None:  # of what unpacks, not of the system
                raise unreadable(path, problem) from None
            raise error("file-unreadable", file=path, reason=reason_of(problem)) from None
        _require_names(path, reader.columns or ())
        yield reader


def _reader(path: str, limit: int | None, stack: ExitStack) -> Reader:
    kind = kind_of(path)
    if kind not in TEXTS:
        _require_seekable(path, kind)
        return _ArrowTable(path) if kind in arrow.KINDS else _Columns(path, _arrays(path, limit))
    file: Any = stack.enter_context(open_once(path))
    if _is_compressed(path):
        import gzip

        file = stack.enter_context(gzip.GzipFile(fileobj=file))
    if kind in ("csv", "tsv"):
        return stack.enter_context(closing(Csv(path, file, "\t" if kind == "tsv" else ",")))
    return stack.enter_context(closing(JsonLines(path, file)))


def kind_of(path: str) -> str:
    """The kind of a file, by its ending; a stream has none and is CSV, as any pipe may be."""
    name = PurePath(file_name(path))
    kind = (PurePath(name.stem).suffix or ".csv" if _is_compressed(path) else name.suffix)[1:].lower()
    if is_stream(path) or (not kind and _is_pipe(path)):
        return "csv"
    if path.endswith("/") if is_url(path) else os.path.isdir(path):
        raise error("data-is-folder", file=path)
    if kind in dict(PACKED.values()):
        raise packed(path, kind)
    if kind not in (TEXTS if _is_compressed(path) else KINDS):
        raise error("table-kind", file=path, kinds=[f".{each}" for each in KINDS])
    return kind


def _is_compressed(path: str) -> bool:
    """Whether a file is a text that gzip compressed, by its ending."""
    return file_name(path).lower().endswith(".gz")


def _is_pipe(path: str) -> bool:
    return os.path.exists(path) and stat.S_ISFIFO(os.stat(path).st_mode)


def _require_seekable(path: str, kind: str) -> None:
    """Raises CgError for what cannot be read in any order: a pipe; and for a folder or a device."""
    if is_url(path):
        return
    mode = os.stat(path).st_mode
    if stat.S_ISFIFO(mode):
        raise error("table-seeks", file=path, kind=kind)
    if not stat.S_ISREG(mode):
        raise error("array-file-special", file=path)


def _require_names(path: str, names: tuple[str, ...]) -> None:
    """Raises CgError for two columns of one name, as it is written or as programs compare names."""
    seen: dict[str, str] = {}
    for name in names:
        plain = identifier(name.strip())
        if plain in seen and seen[plain] == name:
            raise error("table-repeats", status=1, file=path, name=name or "''")
        if plain in seen:
            raise error("table-alike", status=1, file=path, name=seen[plain], second=name)
        seen[plain] = name


def _size(path: str) -> int | None:
    """Bytes of what is read from a file; None where nobody knows before."""
    try:
        if is_url(path) and not _is_compressed(path):
            from cgcli.files.remote import size_of  # for URLs alone

            return size_of(path)
        status = None if is_stream(path) or _is_compressed(path) else os.stat(path)
    except OSError:
        return None
    return status.st_size if status is not None and stat.S_ISREG(status.st_mode) else None


def _state(path: str) -> object:
    """What tells states of an object apart, which is opened more than once; None of a file."""
    if not is_url(path):
        return None
    from cgcli.files.remote import identity_of  # for URLs alone

    return identity_of(path)


def table_in_memory(name: str, columns: Mapping[str, Sequence[Any]]) -> Table:
    """A table of arrays or lists. Raises CgError where their lengths differ, or two names are alike."""
    reader = _Columns(name, columns)
    _require_names(name, tuple(columns))
    return Table(name, (name,), reader, reader.columns, None, None, len(next(iter(columns.values()), ())))


def _arrays(path: str, limit: int | None) -> Mapping[str, Any]:
    """The arrays of an NPZ or NPY file, as a whole in memory."""
    from .arrays import LIMIT, read_array, read_arrays  # with the array library

    most = LIMIT if limit is None else limit
    return (
        {PurePath(file_name(path)).stem: read_array(path, most)}
        if kind_of(path) == "npy"
        else read_arrays(path, most, texts=True)
    )


class _Columns:
    """Arrays or lists in memory, a column each."""

    def __init__(self, path: str, cells: Mapping[str, Any]) -> None:
        self.path, self.cells = path, cells
        lengths = {name: None if getattr(x, "shape", None) == () else len(x) for name, x in cells.items()}
        if len(set(lengths.values())) > 1 or None in lengths.values():
            descriptions = [f"{name} has {'no rows' if n is None else n}" for name, n in lengths.items()]
            raise error("table-lengths", status=1, file=path, lengths=descriptions)
        self.columns: tuple[str, ...] | None = tuple(cells)
        self.count: int | None = next(iter(lengths.values()), 0)

    def chunks(self, rows: int, needed: Collection[str] | None = None) -> Iterator[tuple[Chunk, int]]:
        """See `Reader`."""
        total = self.count or 0
        for start in range(0, total, rows):
            end = min(start + rows, total)
            part = {name: x[start:end] for name, x in self.cells.items() if needed is None or name in needed}
            yield Chunk(part, RowLocations(self.path, start + 1, end - start)), 0


class _ArrowTable:
    """A Parquet or Arrow file, whose library goes through it by itself."""

    def __init__(self, path: str) -> None:
        self.path, self._state = path, _state(path)
        with reading(path):
            self.columns, self.count = arrow.columns_and_rows(path)

    def chunks(self, rows: int, needed: Collection[str] | None = None) -> Iterator[tuple[Chunk, int]]:
        """See `Reader`."""
        if _state(self.path) != self._state:
            raise error("table-changed", status=1, file=self.path)
        rows_done = 0
        columns = tuple(c for c in self.columns or () if needed is None or c in needed)
        with reading(self.path):
            for count, part in arrow.read(self.path, rows, columns):
                if count:
                    yield Chunk(part, RowLocations(self.path, rows_done + 1, count)), 0
                rows_done += count
