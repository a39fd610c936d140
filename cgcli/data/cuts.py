"""Tables cut into runs of rows that other processes read by themselves.

A cut is a range of bytes of a text, which ends where a row ends, or of the rows of a Parquet file. Where a table is cut
follows from its rows alone.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from typing import Any, BinaryIO, NamedTuple

from cgcli.diagnostics.diagnostic import error
from cgcli.files.source_files import is_stream
from cgcli.system import file_name, is_url

from . import arrow
from .chunks import Chunk, Reader, RowLocations
from .reading import ENCODINGS, open_seekable, reading
from .tables import kind_of
from .text_tables import LONGEST_LINE, Csv, JsonLines, separator

KINDS = ("csv", "tsv", "jsonl", "ndjson", "parquet")
BLOCK = 16 * 2**20  # bytes that are searched for ends of lines at a time
_SEPARATORS = {"csv": ",", "tsv": "\t"}


class Cut(NamedTuple):
    """Rows of a file that follow each other.

    file: its name in messages; path: its absolute path or URL; identity: see `identity_of`. header: the
    bytes in front of the rows that name the columns. start, stop: bytes of a text, rows of a Parquet file. line: the
    lines before the rows. before: the rows of the table before them. rows: how many there are, 0 where reading them
    raises an error. read: bytes of the whole table up to their end.
    """

    file: str
    path: str
    identity: tuple[int, int | str]
    header: int
    start: int
    stop: int
    line: int
    before: int
    rows: int
    read: int


def identity_of(path: str) -> tuple[int, int | str]:
    """The size of a file and the time of its last change, in nanoseconds; of an object the mark of its state.

    Raises OSError, and CgError for an object that cannot be read.
    """
    if is_url(path):
        from cgcli.files.remote import identity_of as identity_of_object  # for URLs alone

        return identity_of_object(path)
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns


def require_cuttable(files: Sequence[str]) -> None:
    """Raises CgError (status 2) for a file that cannot be read from the middle on."""
    for file in files:
        if is_url(file):
            _require_ranges(file)
        elif is_stream(file) or not os.path.isfile(file):
            raise error("table-stream", file=file)
        if kind_of(file) not in KINDS or file_name(file).lower().endswith(".gz"):
            raise error("table-whole", file=file, kinds=[f".{kind}" for kind in KINDS])
        with open_seekable(file) as opened:
            encoding = ENCODINGS.get(opened.read(2))
        if encoding is not None:
            raise error("file-encoding", file=file, encoding=encoding, source=file, target="utf8.csv")


def _require_ranges(url: str) -> None:
    """Raises CgError (status 2) for a web address: a server need not hand out the middle of a file."""
    from cgcli.files.remote import scheme_of  # for URLs alone
    from cgcli.files.store_errors import WEB

    if scheme_of(url) in WEB:
        raise error("table-stream", file=url)


def cuts(files: Sequence[str], rows: int) -> Iterator[Cut]:
    """The rows of a table, at most so many at a time; a file begins with a cut of its own.

    Raises CgError (status 1) for a file that cannot be read.
    """
    before = read = 0
    for file in files:
        path = file if is_url(file) else os.path.realpath(file)
        with reading(file):
            size, changed = identity_of(path)
            pieces = _parquet_pieces(path, size, rows) if kind_of(file) == "parquet" else _pieces(path, size, rows)
            for piece in pieces:
                yield Cut(file, path, (size, changed), *piece[:-2], before, piece.rows, read + piece.read)
                before += piece.rows
        read += size


class _Piece(NamedTuple):
    """What a cut says of its file alone; see `Cut`."""

    header: int
    start: int
    stop: int
    line: int
    rows: int
    read: int


def _parquet_pieces(path: str, size: int, rows: int) -> Iterator[_Piece]:
    _, total = arrow.columns_and_rows(path)
    assert total is not None
    for start in range(0, total, rows):
        stop = min(start + rows, total)
        yield _Piece(0, start, stop, start, stop - start, size * stop // total)


def _pieces(path: str, size: int, rows: int) -> Iterator[_Piece]:
    kind = kind_of(path)
    with open_seekable(path) as file:
        lines = _Lines(file)
        header_rows, delimiter = _header(lines, kind)
        if next(header_rows, None) is None:
            return
        header = lines.at
        at, line = (0, 0) if delimiter is None else (lines.at, lines.number)  # an object that names keys is a row too
        lines.close()
        start, first_line, count = at, line, 0
        while data := _block(file, at):
            ends = _plain_ends(data, delimiter is None)
            if ends is None:
                break
            taken = 0
            while len(ends) - taken >= rows - count:
                taken += rows - count
                stop = at + int(ends[taken - 1])
                yield _Piece(header, start, stop, first_line, rows, stop)
                start, first_line, count = stop, line + taken, 0
            count += len(ends) - taken
            at, line = at + len(data), line + len(ends)
        if data:  # what is not plain goes through the parser that later reads the rows: it knows where each ends
            lines = _Lines(file, at, line)
            try:
                for _ in _rows(lines, delimiter):
                    count += 1
                    if count == rows:
                        yield _Piece(header, start, lines.at, first_line, rows, lines.at)
                        start, first_line, count = lines.at, lines.number, 0
            except (csv.Error, UnicodeDecodeError, _LineTooLong):  # which reading the rows reports
                count = 0
                yield _Piece(header, start, size, first_line, 0, size)
        if count:
            yield _Piece(header, start, size, first_line, count, size)


def _header(lines: _Lines, kind: str) -> tuple[Iterator[object], str | None]:
    """The rows of a text from its beginning, and its separator; None of JSON Lines."""
    if kind not in _SEPARATORS:
        return _rows(lines, None), None
    first = next(lines, "")
    delimiter = separator(first, _SEPARATORS[kind])
    return csv.reader(chain([first], lines), delimiter=delimiter, strict=True), delimiter


def _rows(lines: Iterator[str], delimiter: str | None) -> Iterator[object]:
    """One item for each row, when all its lines were taken. delimiter: None of JSON Lines."""
    if delimiter is None:
        return (line for line in lines if line.strip())
    return (row for row in csv.reader(lines, delimiter=delimiter, strict=True) if row)


class _LineTooLong(Exception):
    pass


class _Lines(Iterator[str]):
    """The lines of a text from a byte on. at: the bytes before the next line; number: the lines before it."""

    def __init__(self, file: BinaryIO, at: int = 0, number: int = 0) -> None:
        file.seek(at)
        self.at, self.number = at, number
        self._text = io.TextIOWrapper(file, encoding="utf-8", newline="")

    def __next__(self) -> str:
        line = self._text.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        if len(line) >= LONGEST_LINE:
            raise _LineTooLong
        self.at += len(line.encode())
        self.number += 1
        return line if self.number > 1 else line.removeprefix("\ufeff")

    def close(self) -> None:
        """Lets the file go."""
        self._text.detach()


def _block(file: BinaryIO, at: int) -> bytes:
    """Complete lines from a byte on, as many as are looked at at a time."""
    file.seek(at)
    data = file.read(BLOCK)
    return data if data.endswith(b"\n") else data + file.readline(LONGEST_LINE)


def _plain_ends(data: bytes, objects: bool) -> Any:
    """The ends of lines where each of them is a row: without quotes, empty lines and lone carriage returns, and where
    the rows are objects each line begins as one. None for any other text.
    """
    import numpy as np

    if b"\n\n" in data or b"\n\r" in data or data[:1] in b"\r\n" or data.count(b"\r") != data.count(b"\r\n"):
        return None
    if len(data) > BLOCK + LONGEST_LINE // 2 or (not objects and b'"' in data):
        return None
    characters = np.frombuffer(data, "uint8")
    ends = np.flatnonzero(characters == ord("\n")) + 1
    if not data.endswith(b"\n"):
        ends = np.append(ends, len(data))
    if objects and not (data.startswith(b"{") and (characters[ends[:-1]] == ord("{")).all()):
        return None
    return ends


@contextmanager
def open_cut(cut: Cut, columns: Sequence[str]) -> Iterator[Reader]:
    """The reader of a cut, with the columns of its table."""
    kind = kind_of(cut.path)
    if kind == "parquet":
        yield _ParquetRows(cut, tuple(columns))
        return
    with open_seekable(cut.path) as file:
        ranges = [(0, cut.header)] if cut.start else []
        text = io.BufferedReader(_Ranges(file, [*ranges, (cut.start, cut.stop)]))
        reader = Csv(cut.file, text, _SEPARATORS[kind]) if kind in _SEPARATORS else JsonLines(cut.file, text)
        with closing(reader):
            if isinstance(reader, JsonLines) and cut.start:
                reader.first = []
            if cut.start:
                reader.lines.number = cut.line
            yield reader


class _Ranges(io.RawIOBase):
    """Ranges of the bytes of a file, one after the other."""

    def __init__(self, file: BinaryIO, ranges: Sequence[tuple[int, int]]) -> None:
        self._file, self._ranges = file, list(ranges)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while self._ranges:
            start, stop = self._ranges[0]
            self._file.seek(start)
            data = self._file.read(min(len(buffer), stop - start))
            if data:
                self._ranges[0] = start + len(data), stop
                buffer[: len(data)] = data
                return len(data)
            del self._ranges[0]
        return 0


class _ParquetRows:
    """Rows of a Parquet file that follow each other."""

    def __init__(self, cut: Cut, columns: tuple[str, ...]) -> None:
        self.cut = cut
        self.columns: tuple[str, ...] | None = columns
        self.count: int | None = cut.rows

    def chunks(self, rows: int, needed: Collection[str] | None = None) -> Iterator[tuple[Chunk, int]]:
        """See `Reader`."""
        columns = tuple(c for c in self.columns or () if needed is None or c in needed)
        line = self.cut.line
        with reading(self.cut.file):
            for count, part in arrow.read(self.cut.path, rows, columns, (self.cut.start, self.cut.stop)):
                yield Chunk(part, RowLocations(self.cut.file, line + 1, count)), 0
                line += count
