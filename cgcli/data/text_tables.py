"""Tables that are text, read line by line: CSV, TSV and JSON Lines."""

from __future__ import annotations

import csv
import io
import json
import re
import zlib
from collections.abc import Collection, Iterator
from itertools import chain, islice
from typing import Any, BinaryIO

from cgcli.diagnostics.diagnostic import error

from .arrow_csv import read_rows
from .chunks import Chunk, RowLocations
from .reading import ENCODINGS, broken, reason_of, unreadable
from .structured import DuplicateName, Number, unique_names

LONGEST_LINE = 64 * 2**20  # characters
BLOCK, LEAST = 4 * 2**20, 2**19  # characters that are read at a time, and those that pyarrow is worth loading for
PLAIN_ROWS = 4096  # rows of a chunk for which blocks are read; fewer are wanted at once
SEPARATORS = ",;\t"
UNPACKING_ERRORS = (EOFError, zlib.error)  # what else a compressed file raises is an OSError
READ_ERRORS = (OSError, UnicodeDecodeError, *UNPACKING_ERRORS)
# numbers whose text Python's reader does not keep: `-0`, integers beyond 64 bits, 1e400
_UNUSUAL = re.compile(r"-0(?![.\d])|\d{19}|[eE]\+?\d{3}")


class _LineReader(Iterator[str]):
    """The lines of a file with their ends. number: of the last one; read: characters so far."""

    def __init__(self, path: str, file: BinaryIO) -> None:
        self.path, self.file = path, io.TextIOWrapper(file, encoding=_encoding(file), newline="")
        self.number = self.read = 0
        self._ahead = io.StringIO(newline="")

    def block(self, size: int) -> str:
        """Complete lines of at least so many characters, as far as there are any; `number` and `read` stay."""
        text = self._ahead.read() + self.file.read(size)
        return text if text.endswith("\n") else text + self.file.readline(LONGEST_LINE)

    def unread(self, text: str) -> None:
        """Puts the end of a block back."""
        self._ahead = io.StringIO(text, newline="")

    def __next__(self) -> str:
        line = self._ahead.readline() or self.file.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        self.read += len(line)
        if len(line) >= LONGEST_LINE:
            raise error("table-line-long", status=1, file=self.path, line=self.number, limit=LONGEST_LINE // 10**6)
        return line

    def close(self) -> None:
        """Lets the file go, which is closed by who opened it."""
        self.file.detach()


def _encoding(file: BinaryIO) -> str:
    """The encoding that the first bytes of a file tell."""
    peek = getattr(file, "peek", None)
    return "utf-16" if peek is not None and peek(2)[:2] in ENCODINGS else "utf-8-sig"


def separator(header: str, usual: str) -> str:
    """The separator of a header: `usual`, or another one where it has none of that and no quotes."""
    others = [] if usual in header or '"' in header else [mark for mark in SEPARATORS if mark in header]
    return max(others, key=header.count, default=usual)


class Csv:
    """The first line names the columns. It also tells the separator, where it has none of `delimiter`."""

    count: int | None = None

    def __init__(self, path: str, file: BinaryIO, delimiter: str) -> None:
        csv.field_size_limit(LONGEST_LINE)
        self.path, self.lines = path, _LineReader(path, file)
        try:
            first = next(self.lines, "")
        except READ_ERRORS as problem:
            raise unreadable(path, problem) from None
        self.delimiter = separator(first, delimiter)
        self.rows = csv.reader(chain([first] if first else [], self.lines), delimiter=self.delimiter, strict=True)
        names = self._next()
        if not names:
            raise error("table-empty", status=1, file=path)
        self.columns: tuple[str, ...] | None = tuple(name.strip() for name in names)
        self.width = len(names)

    def _next(self) -> list[str] | None:
        try:
            return next(self.rows, None)
        except csv.Error as problem:
            raise broken(self.path, f"line {self.lines.number}: {reason_of(problem)}") from None
        except READ_ERRORS as problem:
            raise unreadable(self.path, problem) from None

    def _cells(self) -> Iterator[tuple[list[str], tuple[str, int]]]:
        """Each row with the place where it begins; empty lines are none."""
        last_line = self.lines.number
        while (row := self._next()) is not None:
            line, last_line = last_line + 1, self.lines.number
            if row and len(row) != self.width:
                raise error("array-file-row", status=1, line=line, file=self.path, cells=len(row), columns=self.width)
            if row:
                yield row, (self.path, line)

    def chunks(self, rows: int, needed: Collection[str] | None = None) -> Iterator[tuple[Chunk, int]]:
        """See `Reader`."""
        if rows >= PLAIN_ROWS:
            yield from self._plain_chunks(rows, needed)
        cells = self._cells()
        while part := list(islice(cells, rows)):
            by_column = zip(*(row for row, _ in part), strict=True)
            columns = dict(zip(self.columns or (), by_column, strict=True))
            yield Chunk(columns, [place for _, place in part]), self.lines.read

    def _plain_chunks(self, rows: int, needed: Collection[str] | None) -> Iterator[tuple[Chunk, int]]:
        """Chunks by pyarrow, up to the first block of lines that is not plain or to the end of a small file."""
        names = self.columns or ()
        size = BLOCK
        while True:
            try:
                text = self.lines.block(size)
            except READ_ERRORS as problem:
                raise unreadable(self.path, problem) from None
            last = len(text) < size
            columns = None
            long = len(text) >= LONGEST_LINE and any(len(line) + 1 >= LONGEST_LINE for line in text.split("\n"))
            # of a small file, the library is not worth loading
            if not long and (self.lines.number > 1 or len(text) >= LEAST):
                columns = read_rows(text, names, names if needed is None else needed, self.delimiter)
            if not columns:
                self.lines.unread(text)
                return
            count = len(next(iter(columns.values())))
            whole = count if last else count - count % rows
            end = _start_of_line(text, count - whole)
            self.lines.unread(text[end:])
            self.lines.read += end
            for start in range(0, whole, rows):
                locations = RowLocations(self.path, self.lines.number + 1, min(rows, whole - start))
                self.lines.number += len(locations)
                part = {name: cells[start : start + rows] for name, cells in columns.items()}
                yield Chunk(part, locations), self.lines.read
            size = max(size, 2 * rows * (len(text) // count))
            if last:
                return

    def close(self) -> None:
        """Lets the file go."""
        self.lines.close()


def _start_of_line(text: str, count: int) -> int:
    """The index at which the last so many lines of a text begin."""
    at = len(text)
    for _ in range(count):
        at = text.rfind("\n", 0, at - 1) + 1
    return at


class JsonLines:
    """An object a line; the first one names the columns."""

    count: int | None = None

    def __init__(self, path: str, file: BinaryIO) -> None:
        self.path, self.lines = path, _LineReader(path, file)
        self.rows = self._objects()
        self.first = list(islice(self.rows, 1))
        self.columns = tuple(self.first[0][0]) if self.first else None

    def _objects(self) -> Iterator[tuple[dict[str, Any], int]]:
        try:
            for line in self.lines:
                if line.strip():
                    yield self._object(line, self.lines.number), self.lines.number
        except READ_ERRORS as problem:
            raise unreadable(self.path, problem) from None

    def _object(self, line: str, number: int) -> dict[str, Any]:
        try:
            as_text = Number if _UNUSUAL.search(line) else None
            row = json.loads(line, object_pairs_hook=unique_names, parse_int=as_text, parse_float=as_text)
        except DuplicateName as problem:
            raise error("table-key-twice", status=1, line=number, file=self.path, name=str(problem) or "''") from None
        except json.JSONDecodeError as problem:
            raise error("table-json", status=1, line=number, file=self.path, reason=problem.msg.lower()) from None
        except RecursionError:
            raise error("table-json", status=1, line=number, file=self.path, reason="it nests too deeply") from None
        if not isinstance(row, dict):
            raise error("table-object", status=1, line=number, file=self.path)
        return row

    def chunks(self, rows: int, needed: Collection[str] | None = None) -> Iterator[tuple[Chunk, int]]:
        """See `Reader`."""
        columns = self.columns or ()
        names = frozenset(columns)
        source = chain(self.first, self.rows)
        while part := list(islice(source, rows)):
            for row, number in part:
                if not names.issuperset(row):
                    unknown = next(name for name in row if name not in names)
                    raise error("table-key", status=1, line=number, file=self.path, name=unknown)
            locations = [(self.path, number) for _, number in part]
            yield Chunk({name: [row.get(name) for row, _ in part] for name in columns}, locations), self.lines.read

    def close(self) -> None:
        """Lets the file go."""
        self.lines.close()
