"""Tables, read piece by piece: files of several kinds, those that fit a pattern, or standard input."""

from __future__ import annotations

import csv
import glob
import io
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePath
from typing import IO, Any

from cgcli.graph.diagnostic import CgError, error

from . import arrow

KINDS = ("csv", "tsv", "jsonl", "ndjson", "npz", "npy", *arrow.KINDS)
LONGEST_LINE = 64 * 2**20  # characters of a line of text
_DELIMITERS = {"csv": ",", "tsv": "\t"}


class Lines(Sequence[tuple[str, int]]):
    """The places of rows that follow each other in a file, from a line on."""

    def __init__(self, path: str, start: int, count: int) -> None:
        self.path, self.numbers = path, range(start, start + count)

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, k: Any) -> Any:
        return (self.path, self.numbers[k])


@dataclass(frozen=True)
class Chunk:
    """Rows in order. columns: by name a list of texts or of what JSON holds, or an array with a row each.

    places: of each row its file and line, to say where a bad cell stands.
    """

    columns: Mapping[str, Sequence[Any]]
    places: Sequence[tuple[str, int]]

    def __len__(self) -> int:
        return len(self.places)


@dataclass(frozen=True)
class Table:
    """Files of the same columns; `read` goes through them once. size: bytes of them all, None where nobody knows."""

    files: tuple[str, ...]
    columns: tuple[str, ...]
    size: int | None

    def read(self, rows: int) -> Iterator[tuple[Chunk, int]]:
        """Chunks of at most so many rows, each with the bytes that were read so far."""
        done = 0
        for path in self.files:
            read = 0
            for chunk, read in _READERS[_kind(path)](path, rows, self.columns):
                yield chunk, done + read
            done += _size(path) or read


def open_table(pattern: str) -> Table:
    """The table in a file, in all files that fit a pattern (in the order of their names), or on standard input (`-`).

    Raises CgError: status 2 when there is none, status 1 when the files cannot be read or differ in their columns.
    """
    files = ("-",) if pattern == "-" else (pattern,) if os.path.exists(pattern) else tuple(sorted(glob.glob(pattern)))
    if not files:
        raise error("no-table", file=pattern)
    columns: tuple[str, ...] | None = None
    for path in files:
        found = _COLUMNS[_kind(path)](path)
        if len(set(found)) < len(found):
            repeated = next(name for name, count in Counter(found).items() if count > 1)
            raise error("table-repeats", status=1, file=path, name=repeated)
        if columns is not None and found != columns:
            raise error("tables-differ", status=1, first=files[0], file=path)
        columns = found
    sizes = [_size(path) for path in files]
    known = [size for size in sizes if size is not None]
    return Table(files, columns or (), sum(known) if len(known) == len(sizes) else None)


def _kind(path: str) -> str:
    kind = "csv" if path == "-" else path.rpartition(".")[2].lower()
    if kind not in KINDS:
        raise error("table-kind", file=path, known=[f".{each}" for each in KINDS])
    return kind


def _size(path: str) -> int | None:
    try:
        return None if path == "-" else os.path.getsize(path)
    except OSError:
        return None


def _broken(path: str, problem: Exception) -> CgError:
    reason = getattr(problem, "strerror", None) or str(problem)
    return error("array-file-broken", status=1, file=path, reason=reason.lower() or type(problem).__name__)


# ---- text


def _lines(path: str) -> IO[str]:
    try:
        if path == "-":
            if isinstance(sys.stdin, io.TextIOWrapper):
                with suppress(io.UnsupportedOperation):  # it has been read from, and is what it should be
                    sys.stdin.reconfigure(encoding="utf-8-sig", errors="strict")
            return sys.stdin
        return open(path, encoding="utf-8-sig", newline="")
    except OSError as problem:
        raise _broken(path, problem) from None


def _text_columns(path: str) -> tuple[str, ...]:
    file = _lines(path)
    try:
        header = next(csv.reader(iter(lambda: file.readline(LONGEST_LINE), ""), delimiter=_DELIMITERS[_kind(path)]), [])
    except (OSError, ValueError, csv.Error) as problem:
        raise _broken(path, problem) from None
    finally:
        if path != "-":
            file.close()
    if not header:
        raise error("table-empty", status=1, file=path)
    return tuple(name.strip() for name in header)


def _read_text(path: str, rows: int, columns: Sequence[str]) -> Iterator[tuple[Chunk, int]]:
    file = _lines(path)
    try:
        read = 0

        def counted() -> Iterator[str]:
            nonlocal read
            while line := file.readline(LONGEST_LINE):
                read += len(line)
                yield line

        reader = csv.reader(counted(), delimiter=_DELIMITERS[_kind(path)], strict=True)
        if path != "-":
            next(reader, None)
        while True:
            found: list[list[str]] = []
            places: list[tuple[str, int]] = []
            for row in reader:
                if not row:
                    continue  # an empty line
                line = reader.line_num + (path == "-")
                if len(row) != len(columns):
                    raise error("array-file-row", status=1, line=line, file=path, found=len(row), wanted=len(columns))
                found.append(row)
                places.append((path, line))
                if len(found) == rows:
                    break
            if not found:
                return
            yield Chunk(dict(zip(columns, zip(*found, strict=True), strict=True)), places), read
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise _broken(path, problem) from None
    finally:
        if path != "-":
            file.close()


# ---- JSON Lines


def _json_columns(path: str) -> tuple[str, ...]:
    for row, _ in _json_rows(path):
        return tuple(row)
    raise error("table-empty", status=1, file=path)


def _json_rows(path: str) -> Iterator[tuple[dict[str, Any], int]]:
    with _lines(path) as file:
        number = 0
        try:
            while line := file.readline(LONGEST_LINE):
                number += 1
                if not line.strip():
                    continue
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise error("table-object", status=1, line=number, file=path)
                yield row, number
        except json.JSONDecodeError as problem:
            raise error("table-json", status=1, line=number, file=path, reason=problem.msg.lower()) from None
        except RecursionError:
            raise error("table-json", status=1, line=number, file=path, reason="it nests too deeply") from None
        except (OSError, UnicodeDecodeError) as problem:
            raise _broken(path, problem) from None


def _read_json(path: str, rows: int, columns: Sequence[str]) -> Iterator[tuple[Chunk, int]]:
    source = _json_rows(path)
    known = frozenset(columns)
    while part := list(islice(source, rows)):
        for row, number in part:
            if not known.issuperset(row):
                new = next(name for name in row if name not in known)
                raise error("table-key", status=1, line=number, file=path, name=new)
        places = [(path, number) for _, number in part]
        yield Chunk({name: [row.get(name) for row, _ in part] for name in columns}, places), 0


# ---- arrays


def _npz(path: str) -> dict[str, Any]:
    from .arrays import read_array, read_arrays

    found = {PurePath(path).stem: read_array(path)} if path.lower().endswith(".npy") else read_arrays(path)
    lengths = {name: x.shape[0] if x.shape else None for name, x in found.items()}
    if len(set(lengths.values())) > 1 or None in lengths.values():
        told = [f"{name} has {'no rows' if n is None else n}" for name, n in lengths.items()]
        raise error("table-lengths", status=1, file=path, lengths=told)
    return found


def _npz_columns(path: str) -> tuple[str, ...]:
    return tuple(_npz(path))


def _read_npz(path: str, rows: int, columns: Sequence[str]) -> Iterator[tuple[Chunk, int]]:
    found = _npz(path)
    total = len(next(iter(found.values()))) if found else 0
    for start in range(0, total, rows):
        end = min(start + rows, total)
        part = {name: found[name][start:end] for name in columns}
        yield Chunk(part, Lines(path, start + 1, end - start)), 0


def _read_arrow(path: str, rows: int, columns: Sequence[str]) -> Iterator[tuple[Chunk, int]]:
    done = 0
    for part in arrow.read(path, rows, columns):
        count = len(next(iter(part.values()), ()))
        yield Chunk(part, Lines(path, done + 1, count)), 0
        done += count


_COLUMNS = {
    "csv": _text_columns,
    "tsv": _text_columns,
    "jsonl": _json_columns,
    "ndjson": _json_columns,
    "npz": _npz_columns,
    "npy": _npz_columns,
    **dict.fromkeys(arrow.KINDS, arrow.columns),
}
_READERS = {"csv": _read_text, "tsv": _read_text, "jsonl": _read_json, "ndjson": _read_json, "npz": _read_npz}
_READERS["npy"] = _read_npz
_READERS |= dict.fromkeys(arrow.KINDS, _read_arrow)
