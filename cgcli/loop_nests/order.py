"""The order in which the nodes of a graph run, so that arrays can be changed in the memory that holds them.

What reads an array runs in front of the node that changes it, if it does not need its result.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush

from cgcli.graph.graph import COND, LOOP, Graph
from cgcli.ops.changes import writes_in_place
from cgcli.ops.loops import LoopView
from cgcli.ops.table import BY_CODE


class Order:
    """The order in which the needed nodes of a graph run.

    readers: of each node the needed ones that read it. place: of each node its number in the order.
    """

    def __init__(self, graph: Graph, needed: Sequence[int]) -> None:
        self.graph = graph
        self.readers: list[list[int]] = [[] for _ in range(len(graph))]
        for i in range(len(graph)):
            if needed[i]:
                for x in dict.fromkeys(graph.operands(i)):
                    self.readers[x].append(i)
        self.nodes = [i for i in range(len(graph)) if needed[i]]
        before = {i: late for i in self.nodes if (late := self._late_readers(i))}
        if before:
            self.nodes = self._sorted(before) or self.nodes
        self.place = {i: k for k, i in enumerate(self.nodes)}
        self._outputs = set(graph.outputs)

    def is_read_from(self, x: int, i: int) -> bool:
        """Whether node `i`, one behind it or the caller reads `x`."""
        return x in self._outputs or any(self.place[y] >= self.place[i] for y in self.readers[x])

    def is_last_reader(self, i: int, x: int) -> bool:
        """Whether node `i` reads `x` once, and no node behind it does."""
        if x in self._outputs or self.graph.operands(i).count(x) > 1:
            return False
        return all(self.place[y] <= self.place[i] for y in self.readers[x])

    def _late_readers(self, i: int) -> list[int]:
        """The nodes behind `i` that read what it changes, if none of them needs its result."""
        late = [y for x in _changed(self.graph, i) for y in self.readers[x] if y > i]
        if not late:
            return []
        last, seen, stack = max(late), {i}, [i]
        while stack:
            new = [y for y in self.readers[stack.pop()] if y <= last and y not in seen]
            seen.update(new)
            stack += new
        return [] if seen.intersection(late) else late

    def _sorted(self, before: dict[int, list[int]]) -> list[int]:
        """A topological order in which the nodes `before[i]` stand before `i`, too; empty where there is none."""
        graph = self.graph
        waiting = {i: len({*graph.operands(i), *before.get(i, ())}) for i in self.nodes}
        then: dict[int, list[int]] = {}
        for i, earlier in before.items():
            for y in dict.fromkeys(earlier):
                if y not in graph.operands(i):
                    then.setdefault(y, []).append(i)
        ready = [i for i, count in waiting.items() if not count]
        heapify(ready)
        order: list[int] = []
        while ready:
            i = heappop(ready)
            order.append(i)
            for y in (*self.readers[i], *then.get(i, ())):
                waiting[y] -= 1
                if not waiting[y]:
                    heappush(ready, y)
        return order if len(order) == len(self.nodes) else []


def _changed(graph: Graph, i: int) -> Sequence[int]:
    """The operands that node `i` may write over."""
    if graph.op[i] == LOOP:
        return LoopView(graph.attrs[i], graph.operands(i)).carries
    if graph.op[i] == COND:
        return graph.operands(i)[1:]
    return (graph.a[i],) if writes_in_place(BY_CODE[graph.op[i]]) else ()
