"""The units of a picture: which nodes of a graph are drawn as one because they were written as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from cgcli.graph.graph import COND, CONST, GET, INPUT, LOOP, NONE, Graph
from cgcli.ops.table import BY_CODE
from cgcli.ops.written import WrittenOperations
from cgcli.render.formula import operands

Level = Literal["auto", "named", "ops"]
MOST_UNITS = 12  # of a picture that draws every operation by itself
FEWEST_NAMES = 3  # without them names say too little to be all that is drawn


def reads(graph: Graph, i: int) -> tuple[int, ...]:
    """What a node reads in a picture: the result of a loop reads the loop, that of a `cond` what the `cond` reads."""
    if graph.op[i] == GET and graph.op[graph.a[i]] == LOOP:
        return (graph.a[i],)
    return operands(graph, i)


class Units:
    """A partition of a graph's nodes, each part with one result that stands for it.

    An operation as it was written is one unit, and so is a chain of one associative operation (`a + b + c`); at the
    level `named` so is everything without a name that one named value is made of. Only the result of a unit is read
    outside of it, so that no path of arrows leads out of a unit and back.
    """

    def __init__(self, graph: Graph, level: Level) -> None:
        self.graph = graph
        self.written = WrittenOperations(graph)
        fixed = {*graph.outputs, *graph.names, *(i for i, op in enumerate(graph.op) if op in (INPUT, LOOP))}
        if level == "auto":
            level = "named" if self._has_names() else "ops"
        self.level = level
        is_part = self._is_chain if level == "ops" else lambda i, result: graph.op[result] != LOOP
        self.result_of = self._merged(self.written.result_of, fixed, is_part)
        self._members: dict[int, list[int]] = {}
        for i, result in enumerate(self.result_of):
            if i != result and not self.written.is_form[i]:
                self._members.setdefault(result, []).append(i)
        for result, nodes in self._members.items():
            nodes.append(result)

    def members(self, i: int) -> Sequence[int]:
        """The nodes of the unit with the result `i`, in the graph's order; without other forms of values."""
        return self._members.get(i, (i,))

    def reads(self, i: int) -> tuple[int, ...]:
        """The results that the unit with the result `i` reads, each once."""
        results = (self.result_of[x] for node in self.members(i) for x in reads(self.graph, node))
        return tuple(dict.fromkeys(x for x in results if x != i))

    def _has_names(self) -> bool:
        """Whether the graph is large, and has names enough to be drawn by them."""
        graph, result_of = self.graph, self.written.result_of
        results = [i for i, op in enumerate(graph.op) if result_of[i] == i and op not in (CONST, COND)]
        return (
            len(results) > MOST_UNITS and sum(graph.op[i] != INPUT for i in results if i in graph.names) >= FEWEST_NAMES
        )

    def _is_chain(self, i: int, result: int) -> bool:
        """Whether both are the same associative operation, as in `a + b + c`."""
        graph = self.graph
        same = graph.op[i] == graph.op[result] and graph.group[i] == graph.group[result]
        return same and BY_CODE[graph.op[i]].spelling.chains

    def _merged(self, parts: Sequence[int], fixed: set[int], belongs: Callable[[int, int], bool]) -> list[int]:
        """A coarser partition: a part whose result is not fixed joins the one part that reads it, when it belongs."""
        graph, is_form = self.graph, self.written.is_form
        result = list(range(len(graph)))  # of results of parts alone, until the end
        reader = [NONE] * len(graph)
        shared = bytearray(len(graph))
        for i in range(len(graph) - 1, -1, -1):
            if graph.op[i] == COND or is_form[i]:
                continue  # its results read what it reads; it is read as the value of which it is a form
            if parts[i] == i and reader[i] != NONE and not shared[i] and i not in fixed and belongs(i, reader[i]):
                result[i] = reader[i]
            owner = result[parts[i]]
            for x in map(parts.__getitem__, reads(graph, i)):
                if x != parts[i]:
                    shared[x] |= reader[x] not in (NONE, owner)
                    reader[x] = owner
        return [result[part] for part in parts]
