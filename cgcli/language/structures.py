"""Structured data, as JSON has it: records and lists of any size, whose numbers are values of the graph.

Only dynamic runs have them: the type of a field or an item depends on the data.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .origins import counted
from .regions import Value


@dataclass(frozen=True, eq=False)
class Record:
    """`{"left": …}`: parts by name."""

    path: str
    parts: dict[str, Any]

    def __str__(self) -> str:
        return "a record"


@dataclass(frozen=True, eq=False)
class Items:
    """`[…]` of parts that form no tensor: records, lists, numbers of unequal shapes."""

    path: str
    parts: list[Any]

    def __str__(self) -> str:
        return f"a list of {counted(len(self.parts), 'item')}"


@dataclass(frozen=True, eq=False)
class Text:
    """A string."""

    path: str
    text: str

    def __str__(self) -> str:
        return "a text"


@dataclass(frozen=True, eq=False)
class Null:
    """`null`: nothing is there."""

    path: str

    def __str__(self) -> str:
        return "null"


Structure = Record | Items | Text | Null
STRUCTURES = (Record, Items, Text, Null)


def leaves(data: Value | Structure) -> Iterator[Value]:
    """The values in a structure, from first to last. Iterative: data may be nested to any depth."""
    stack: list[Any] = [data]
    while stack:
        top = stack.pop()
        if isinstance(top, Value):
            yield top
        elif isinstance(top, Record):
            stack.extend(reversed(top.parts.values()))
        elif isinstance(top, Items):
            stack.extend(reversed(top.parts))
