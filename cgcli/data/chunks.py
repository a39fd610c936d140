"""Chunks of rows of a table, whatever file they come from."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class RowLocations(Sequence[tuple[str, int]]):
    """The locations of rows that follow each other in a file, from a line on."""

    def __init__(self, path: str, start: int, count: int) -> None:
        self.path, self.numbers = path, range(start, start + count)

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, k: Any) -> Any:
        return (self.path, self.numbers[k])


@dataclass(frozen=True)
class Chunk:
    """Rows in order. columns: by name a list of texts or of JSON values, or an array with a row each.

    locations: of each row its file and line, to say where a bad cell stands.
    """

    columns: Mapping[str, Sequence[Any]]
    locations: Sequence[tuple[str, int]]

    def __len__(self) -> int:
        return len(self.locations)


class Reader(Protocol):
    """A file that is open: its columns, then its rows, once.

    columns: None where a file without rows names none. count: of its rows, None where it does not say how many.
    """

    columns: tuple[str, ...] | None
    count: int | None

    def chunks(self, rows: int, needed: Collection[str] | None = None) -> Iterator[tuple[Chunk, int]]:
        """Chunks of at most so many rows, each with how much was read so far.

        needed: the columns that are needed, where others need not be read.
        """
