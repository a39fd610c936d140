"""The order in which nodes run, chosen so that values take little memory at one time.

A node that frees more than it takes runs as soon as it can, the others in the order of the graph: a value is then gone
before the next one is made where that is possible. The order of the graph itself is kept where this is no better.

What can stop a run (asserts, ops that may fail, structured nodes) keeps its order, so that the first thing that goes
wrong is the same one as node by node. n log n in the number of nodes and edges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import heappop, heappush
from itertools import pairwise

from cgcli.graph.graph import Graph

from .alias_analysis import may_stop

Unit = tuple[int, ...]  # nodes that run one after the other


def schedule(
    graph: Graph, nodes: Sequence[int], kept: Sequence[int], taken: Mapping[int, int], units: Sequence[Unit]
) -> tuple[Unit, ...]:
    """The order of `nodes` (ascending) as units: those that are given, and single nodes.

    kept: nodes whose values stay to the end. taken: the bytes of a node; one without is a view, or no array. A unit
    that can not run as one without changing the order of what may stop is given up.
    """
    links = _Links(graph, _with_singles(nodes, units))
    given = links.order(None)
    while len(given) < len(links.units):
        links = _Links(graph, links.untied(given))
        given = links.order(None)
    chosen = links.order(_Gains(graph, links, kept, taken))
    return chosen if peak(graph, chosen, kept, taken) < peak(graph, given, kept, taken) else given


def peak(graph: Graph, order: Sequence[Unit], kept: Sequence[int], taken: Mapping[int, int]) -> int:
    """The most bytes that values take at one time."""
    left = _readers(graph, order)
    for i in kept:
        left[i] = left.get(i, 0) + 1
    most = now = 0
    for unit in order:
        for i in unit:
            now += taken.get(i, 0)
            most = max(most, now)
            for x in dict.fromkeys(graph.operands(i)):
                left[x] -= 1
                if not left[x]:
                    now -= taken.get(x, 0)
    return most


def _readers(graph: Graph, order: Sequence[Unit]) -> dict[int, int]:
    left: dict[int, int] = {}
    for unit in order:
        for i in unit:
            for x in dict.fromkeys(graph.operands(i)):
                left[x] = left.get(x, 0) + 1
    return left


def _with_singles(nodes: Sequence[int], units: Sequence[Unit]) -> list[Unit]:
    unit_of = {i: unit for unit in units for i in unit}
    return [unit_of.get(i, (i,)) for i in nodes if unit_of.get(i, (i,))[0] == i]


class _Links:
    """What has to run before what."""

    def __init__(self, graph: Graph, units: Sequence[Unit]) -> None:
        self.units = units
        self.where = {i: k for k, unit in enumerate(units) for i in unit}
        self.reads = [dict.fromkeys(x for i in unit for x in graph.operands(i)) for unit in units]
        self.waits = [0] * len(units)
        self.users: list[list[int]] = [[] for _ in units]
        for k, values in enumerate(self.reads):
            self._after(k, {self.where[x] for x in values if x in self.where} - {k})
        stopping = [i for unit in units for i in unit if may_stop(graph, i)]
        stopping.sort()
        for before, behind in pairwise(stopping):
            self._after(self.where[behind], {self.where[before]})

    def _after(self, k: int, sources: set[int]) -> None:
        self.waits[k] += len(sources)
        for s in sources:
            self.users[s].append(k)

    def order(self, gains: _Gains | None) -> tuple[Unit, ...]:
        """Units that can run in the order of their first nodes, those that free memory before the others."""
        waits = list(self.waits)
        ready = [k for k, count in enumerate(waits) if not count]  # ascending, so a heap
        freeing: list[tuple[int, int]] = []
        done = bytearray(len(waits))
        order: list[Unit] = []
        if gains is not None:
            for k in ready:
                gains.offer(k, freeing)
        while ready or freeing:
            k = heappop(freeing)[1] if freeing else heappop(ready)
            if done[k]:
                continue
            done[k] = 1
            order.append(self.units[k])
            changed = gains.ran(k) if gains is not None else ()
            for user in self.users[k]:
                waits[user] -= 1
                if not waits[user]:
                    heappush(ready, user)
                    if gains is not None:
                        gains.offer(user, freeing)
            for user in changed:
                if not waits[user] and not done[user] and gains is not None:
                    gains.offer(user, freeing)
        return tuple(order)

    def untied(self, order: Sequence[Unit]) -> list[Unit]:
        """The units, but each that has to run before itself as single nodes. `order`: those that can run."""
        ran = {unit[0] for unit in order}
        left = {k for k, unit in enumerate(self.units) if unit[0] not in ran}
        # what is left waits for a circle, or is in one; the latter also lead to one
        leads = {k: sum(user in left for user in self.users[k]) for k in left}
        sources: dict[int, list[int]] = {k: [] for k in left}
        for k in left:
            for user in self.users[k]:
                sources[user].append(k)
        ends = [k for k, count in leads.items() if not count]
        while ends:
            k = ends.pop()
            left.discard(k)
            for s in sources[k]:
                leads[s] -= 1
                if not leads[s]:
                    ends.append(s)
        found: list[Unit] = []
        for k, unit in enumerate(self.units):
            found.extend([(i,) for i in unit] if k in left else [unit])
        return sorted(found)


class _Gains:
    """How many bytes a unit would free, less those that it takes, as the run goes on."""

    def __init__(self, graph: Graph, links: _Links, kept: Sequence[int], taken: Mapping[int, int]) -> None:
        self.links, self.taken = links, taken
        self.stay = set(kept)
        # of each value how many units still read it, and the sum of their numbers: so the last one is known
        self.readers: dict[int, int] = {}
        self.sum: dict[int, int] = {}
        for k, values in enumerate(links.reads):
            for x in values:
                self.readers[x] = self.readers.get(x, 0) + 1
                self.sum[x] = self.sum.get(x, 0) + k
        self.gain = [-sum(taken.get(i, 0) for i in unit if i in self.readers or i in self.stay) for unit in links.units]
        for x, count in self.readers.items():
            if count == 1:
                self._last(x)

    def _last(self, x: int) -> int | None:
        """Counts a value for the only unit that still reads it."""
        k = self.sum[x]
        size = self.taken.get(x, 0)
        if not size or x in self.stay or self.links.where.get(x) in (None, k):
            return None
        self.gain[k] += size
        return k

    def ran(self, k: int) -> list[int]:
        """The units that free more now that unit `k` has run."""
        found: list[int] = []
        for x in self.links.reads[k]:
            self.readers[x] -= 1
            self.sum[x] -= k
            if self.readers[x] == 1:
                last = self._last(x)
                if last is not None:
                    found.append(last)
        return found

    def offer(self, k: int, freeing: list[tuple[int, int]]) -> None:
        if self.gain[k] > 0:
            heappush(freeing, (-self.gain[k], k))
