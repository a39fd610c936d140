"""Scheduling: a topological order of the nodes, chosen for a low peak of memory.

Greedily, a node that frees more than it allocates runs as soon as it can, the others in the order of the graph: a value
is then freed before the next one is computed where that is possible. The graph's own order is used where the greedy one
is no better.

What can stop a run (asserts, ops that may fail, structured nodes) keeps its order, so that the first failure is the
same one as node by node. n log n in the number of nodes and edges.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from heapq import heappop, heappush
from itertools import pairwise

from cgcli.graph.graph import Graph
from cgcli.ops.stopping import may_stop

Unit = tuple[int, ...]  # nodes that run one after the other


def schedule(
    graph: Graph, nodes: Sequence[int], live_out: Sequence[int], node_bytes: Mapping[int, int], units: Sequence[Unit]
) -> tuple[Unit, ...]:
    """A topological order of `nodes` (ascending) as units: `units`, and the other nodes by themselves.

    live_out: nodes whose values stay to the end. node_bytes: the bytes of a node; one without is a view, or no array.
    A unit that cannot run as one without changing the order of what may stop is split into its nodes.
    """
    unit_of = {i: unit for unit in units for i in unit}
    firsts = [i for i in nodes if unit_of.get(i, (i,))[0] == i]
    dependencies = _Dependencies(graph, [unit_of.get(i, (i,)) for i in firsts])
    graph_order = dependencies.order(None)
    while len(graph_order) < len(dependencies.units):
        dependencies = _Dependencies(graph, dependencies.split_cycles(graph_order))
        graph_order = dependencies.order(None)
    greedy_order = dependencies.order(_FreedBytes(graph, dependencies, live_out, node_bytes))
    greedy_peak = peak(graph, greedy_order, live_out, node_bytes)
    return greedy_order if greedy_peak < peak(graph, graph_order, live_out, node_bytes) else graph_order


def peak(graph: Graph, order: Sequence[Unit], live_out: Sequence[int], node_bytes: Mapping[int, int]) -> int:
    """The most bytes that values take at one time."""
    readers = Counter(live_out)
    readers.update(x for unit in order for i in unit for x in dict.fromkeys(graph.operands(i)))
    most = now = 0
    for unit in order:
        for i in unit:
            now += node_bytes.get(i, 0)
            most = max(most, now)
            for x in dict.fromkeys(graph.operands(i)):
                readers[x] -= 1
                if not readers[x]:
                    now -= node_bytes.get(x, 0)
    return most


class _Dependencies:
    """The graph of dependencies between units.

    pending: of each unit how many others have to run before it (its in-degree); dependents: those that wait for it.
    """

    def __init__(self, graph: Graph, units: Sequence[Unit]) -> None:
        self.units = units
        self.unit_of = {i: k for k, unit in enumerate(units) for i in unit}
        self.operands_of = [dict.fromkeys(x for i in unit for x in graph.operands(i)) for unit in units]
        self.pending = [0] * len(units)
        self.dependents: list[list[int]] = [[] for _ in units]
        for k, values in enumerate(self.operands_of):
            self._depend(k, {self.unit_of[x] for x in values if x in self.unit_of} - {k})
        stopping = [i for unit in units for i in unit if may_stop(graph, i)]
        stopping.sort()
        for first, second in pairwise(stopping):
            self._depend(self.unit_of[second], {self.unit_of[first]})

    def _depend(self, k: int, sources: set[int]) -> None:
        self.pending[k] += len(sources)
        for s in sources:
            self.dependents[s].append(k)

    def order(self, freed_bytes: _FreedBytes | None) -> tuple[Unit, ...]:
        """The units in topological order, without those on a cycle or behind one.

        Of units that can run, those that free memory come first, by `freed_bytes`; then the order is that of their
        first nodes.
        """
        pending = list(self.pending)
        ready = [k for k, count in enumerate(pending) if not count]  # ascending, so a heap
        freeing: list[tuple[int, int]] = []
        done = bytearray(len(pending))
        order: list[Unit] = []
        if freed_bytes is not None:
            for k in ready:
                freed_bytes.offer(k, freeing)
        while ready or freeing:
            k = heappop(freeing)[1] if freeing else heappop(ready)
            if done[k]:
                continue
            done[k] = 1
            order.append(self.units[k])
            increased = freed_bytes.ran(k) if freed_bytes is not None else ()
            for user in self.dependents[k]:
                pending[user] -= 1
                if not pending[user]:
                    heappush(ready, user)
                    if freed_bytes is not None:
                        freed_bytes.offer(user, freeing)
            for user in increased:
                if not pending[user] and not done[user] and freed_bytes is not None:
                    freed_bytes.offer(user, freeing)
        return tuple(order)

    def split_cycles(self, order: Sequence[Unit]) -> list[Unit]:
        """The units, but those on a cycle or between cycles as single nodes. order: the units that can run."""
        can_run = {unit[0] for unit in order}
        cyclic = {k for k, unit in enumerate(self.units) if unit[0] not in can_run}
        # the others are behind a cycle or on one; those that lead to none are dropped
        dependent_count = {k: sum(user in cyclic for user in self.dependents[k]) for k in cyclic}
        sources: dict[int, list[int]] = {k: [] for k in cyclic}
        for k in cyclic:
            for user in self.dependents[k]:
                sources[user].append(k)
        worklist = [k for k, count in dependent_count.items() if not count]
        while worklist:
            k = worklist.pop()
            cyclic.discard(k)
            for s in sources[k]:
                dependent_count[s] -= 1
                if not dependent_count[s]:
                    worklist.append(s)
        units: list[Unit] = []
        for k, unit in enumerate(self.units):
            units.extend([(i,) for i in unit] if k in cyclic else [unit])
        return sorted(units)


class _FreedBytes:
    """How many bytes a unit would free, less those that it allocates, given the units that have run."""

    def __init__(
        self, graph: Graph, dependencies: _Dependencies, live_out: Sequence[int], node_bytes: Mapping[int, int]
    ) -> None:
        self.dependencies, self.node_bytes = dependencies, node_bytes
        self.live_out = set(live_out)
        # of each value how many units still read it, and the sum of their numbers: that of the last one in the end
        self.readers, self.reader_sum = defaultdict[int, int](int), defaultdict[int, int](int)
        for k, values in enumerate(dependencies.operands_of):
            for x in values:
                self.readers[x] += 1
                self.reader_sum[x] += k
        self.gain = [
            -sum(node_bytes.get(i, 0) for i in unit if i in self.readers or i in self.live_out)
            for unit in dependencies.units
        ]
        for x, count in self.readers.items():
            if count == 1:
                self._credit_last_reader(x)

    def _credit_last_reader(self, x: int) -> int | None:
        """Adds a value's bytes to the gain of the only unit that still reads it, which is returned."""
        k = self.reader_sum[x]
        size = self.node_bytes.get(x, 0)
        if not size or x in self.live_out or self.dependencies.unit_of.get(x) in (None, k):
            return None
        self.gain[k] += size
        return k

    def ran(self, k: int) -> list[int]:
        """The units that free more now that unit `k` has run."""
        increased: list[int] = []
        for x in self.dependencies.operands_of[k]:
            self.readers[x] -= 1
            self.reader_sum[x] -= k
            if self.readers[x] == 1:
                reader = self._credit_last_reader(x)
                if reader is not None:
                    increased.append(reader)
        return increased

    def offer(self, k: int, freeing: list[tuple[int, int]]) -> None:
        if self.gain[k] > 0:
            heappush(freeing, (-self.gain[k], k))
