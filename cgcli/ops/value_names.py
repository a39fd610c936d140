"""The names of values for readers: the user's, with their versions, and `v1`, `v2`, … for values without one.

The same value has the same name in every table, text and picture of a program.
"""

from __future__ import annotations

from collections.abc import Iterator

from cgcli.graph.graph import COND, CONST, LOOP, SIZE, Graph

from .notation import write_constant, write_node
from .spelling import LONGEST_TENSOR
from .versions import versions
from .written import WrittenOperations


class ValueNames:
    """The names of the nodes of a graph.

    Operations as they were written are numbered in the graph's order; behind them the nodes that they are made of. A
    number is skipped where the user has such a name. A literal is called by its text, as is a size that is a name.
    """

    def __init__(self, written: WrittenOperations) -> None:
        self.written, self.graph = written, written.graph
        self.versions = versions(written)
        """By result of an operation, the version of its name; see `versions`."""
        numbers = unused_names(self.graph)
        names: list[str | None] = [None] * len(self.graph)
        for i, name in self.graph.names.items():
            names[i] = name
        for i, version in self.versions.items():
            names[i] = version.text
        parts = []
        op = self.graph.op
        for i, result in enumerate(written.result_of):
            if names[i] is not None or op[i] == CONST or (op[i] == SIZE and self.is_size(i)):
                continue
            if result != i or op[i] in (COND, LOOP):
                parts.append(i)
            else:
                names[i] = next(numbers)
        for i in parts:
            names[i] = next(numbers)
        self._names = names

    def __getitem__(self, i: int) -> str:
        """The name of a node."""
        name = self._names[i]
        return unnamed_text(self.graph, i) if name is None else name

    def is_size(self, i: int) -> bool:
        """Whether a node is a size by its name, as `n` of `float[n]`, or the length of what a loop iterates over."""
        if self.graph.op[i] != SIZE or i in self.graph.names:
            return False
        return (self.written.text(i) or "").isidentifier()


def unused_names(graph: Graph) -> Iterator[str]:
    """`v1`, `v2`, … as far as no value of the graph is called so."""
    taken = set(graph.names.values())
    number = 0
    while True:
        number += 1
        if f"v{number}" not in taken:
            yield f"v{number}"


def unnamed_text(graph: Graph, i: int) -> str:
    """What stands for a node that has no name and no number: a literal, or the name of a size."""
    if graph.op[i] == CONST:
        return write_constant(graph, i, longest=LONGEST_TENSOR).text
    return write_node(graph, i, []).text
