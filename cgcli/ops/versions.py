"""Versions of a name: what tells the values apart that a program binds to the same name."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from cgcli.graph.graph import NONE

from .written import WrittenOperations


class Version(NamedTuple):
    """A binding of a name.

    number: of the bindings of that name, from 0. line: counted from 1; 0 without a source. of_line: which of the
    bindings in its line, counted from 1; None where the line has one.
    """

    name: str
    number: int = 0
    is_last: bool = True
    line: int = 0
    of_line: int | None = None

    @property
    def is_only(self) -> bool:
        return self.is_last and self.number == 0

    @property
    def text(self) -> str:
        """`x` for the last binding, which the name stands for below it; `x@3` for that of line 3, else `x@3.2`."""
        if self.is_last:
            return self.name
        return f"{self.name}@{self.line}" + ("" if self.of_line is None else f".{self.of_line}")


def versions(written: WrittenOperations) -> dict[int, Version]:
    """By result of an operation that has a name, the version of that name."""
    graph = written.graph
    bindings: dict[str, list[int]] = {}
    for i, name in sorted(graph.names.items()):
        if written.result_of[i] == i:
            bindings.setdefault(name, []).append(i)
    result: dict[int, Version] = {}
    for name, nodes in bindings.items():
        if len(nodes) == 1:
            result[nodes[0]] = Version(name)
            continue
        lines = [0 if graph.span[i] == NONE else graph.spans[graph.span[i]].line for i in nodes]
        per_line, so_far = Counter(lines), Counter[int]()
        for k, (i, line) in enumerate(zip(nodes, lines, strict=True)):
            so_far[line] += 1
            of_line = so_far[line] if per_line[line] > 1 else None
            result[i] = Version(name, k, k == len(nodes) - 1, line, of_line)
    return result
