"""The plan of a graph: its order, its memory, its costs. See `graph/plan.py` for the record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cgcli.graph.graph import CONST, INPUT, Graph, opname
from cgcli.graph.plan import Buffer, Cost, Plan
from cgcli.graph.size_text import UnknownSize
from cgcli.graph.sizes import Size, add, evaluate, mul
from cgcli.graph.traversal import live
from cgcli.graph.types import AnyType, Type

from .alias_analysis import shown
from .cost import FREE, bytes_of, cost_of
from .fusion import groups
from .memory import assign
from .reuse import in_place
from .schedule import Unit, schedule

NOMINAL = 1000  # what a name is taken for where sizes without numbers have to be compared
BLOCK = 2**14  # elements of a value that are computed at a time
LARGE = 2**18  # bytes of a value from which on a group runs block by block
SPARE = 1.2  # times the least memory may be taken, for the time that it saves to keep all of it between runs


def plan(graph: Graph, sizes: Mapping[str, int] | None = None) -> Plan:
    """How the outputs of `graph` are computed.

    sizes: the numbers of named sizes; without them costs and buffers are in terms of the names, and nothing is planned
    to run block by block. A trip count that only the run knows is a name of its own, `steps`.
    """
    return _Planner(sizes, set(graph.names.values())).plan(graph)


class _Planner:
    def __init__(self, sizes: Mapping[str, int] | None, names: set[str]) -> None:
        self.sizes = sizes
        self._nominal: dict[str, int] = {}
        self._trips: dict[tuple[int, int], Size] = {}  # of a graph's loops, so far
        self.names = names  # that a trip count may not have

    def plan(self, graph: Graph) -> Plan:
        roots = tuple(dict.fromkeys((*graph.outputs, *graph.asserts)))
        kept = tuple(dict.fromkeys(graph.outputs))
        needed = live(graph, roots)
        nodes = [i for i, code in enumerate(graph.op) if needed[i] and code not in (INPUT, CONST)]
        nested: dict[tuple[int, str], Plan] = {}
        extra: dict[int, Size] = {}  # bytes that a structured node takes while it runs
        costs = self._costs(graph, nodes, nested, extra)
        taken = self._taken(graph, nodes, nested)
        numbers = {i: self.nominal(size) for i, size in taken.items()}
        for i, size in extra.items():
            numbers[i] = numbers.get(i, 0) + self.nominal(size)
        units = schedule(graph, nodes, kept, numbers, _needed(groups(graph), needed))
        order = tuple(i for unit in units for i in unit)
        rows, blocks = self._blocks(graph, units, kept, taken)
        layout = assign(graph, units, kept, taken, in_place(graph, order), blocks)
        inside = {step: extra[i] for step, i in enumerate(order) if i in extra}
        buffers = self._loosened(layout.buffers, inside, len(order))
        together = [number for number, unit in enumerate(units) if len(unit) > 1]
        operations, moved = _sum(c.operations for c in costs.values()), _sum(c.bytes for c in costs.values())
        return Plan(
            graph=graph,
            order=order,
            buffers=tuple(buffers),
            place=layout.place,
            views=layout.views,
            last=layout.last,
            groups=tuple(units[number] for number in together),
            blocks={k: rows[number] for k, number in enumerate(together) if number in rows},
            in_place=layout.in_place,
            costs=costs,
            operations=operations,
            bytes=moved,
            peak=self._peak(buffers, inside, len(order)),
            unshared=_sum((*taken.values(), *extra.values())),
            inputs=_sum(
                self.size(bytes_of(graph.type_of(i)))
                for i, code in enumerate(graph.op)
                if needed[i] and code in (INPUT, CONST)
            ),
            nested=nested,
            sizes=self.sizes,
        )

    # ---- sizes

    def size(self, text: Size) -> Size:
        """A size as a number where numbers are known."""
        if isinstance(text, int) or self.sizes is None:
            return text
        try:
            return evaluate(text, self.sizes)
        except UnknownSize:
            return text

    def nominal(self, size: Size) -> int:
        """A number for a size, for comparing."""
        if isinstance(size, int):
            return size
        known = self._nominal.get(size)
        if known is None:
            known = self._nominal[size] = max(0, evaluate(size, _Numbers(self.sizes or {})))
        return known

    # ---- costs

    def _costs(
        self, graph: Graph, nodes: Sequence[int], nested: dict[tuple[int, str], Plan], extra: dict[int, Size]
    ) -> dict[int, Cost]:
        known: dict[tuple[int, ...], Cost] = {}
        costs: dict[int, Cost] = {}
        for i in nodes:
            attrs = graph.attrs.get(i)
            if attrs is None:
                key = (graph.op[i], graph.type[i], *(graph.type[x] for x in graph.operands(i)))
                found = known.get(key)
                if found is None:
                    found = known[key] = self._node_cost(graph, i)
                costs[i] = found
            elif any(isinstance(g, Graph) for g in attrs.values()):
                costs[i] = self._structured(graph, i, nested, extra)
            else:
                costs[i] = self._node_cost(graph, i)
        return costs

    def _node_cost(self, graph: Graph, i: int) -> Cost:
        if shown(graph, i):
            return FREE
        found = cost_of(graph, i)
        return Cost(self.size(found.operations), self.size(found.bytes))

    def _structured(self, graph: Graph, i: int, nested: dict[tuple[int, str], Plan], extra: dict[int, Size]) -> Cost:
        """Of a `cond` the dearer side; of a loop its steps times what a step takes."""
        plans: dict[str, Plan] = {}
        for key, value in graph.attrs[i].items():
            if isinstance(value, Graph):
                plans[key] = nested[i, key] = self.plan(value)
        peaks = [p.peak for p in plans.values()]
        extra[i] = max(peaks, key=self.nominal)
        if opname(graph.op[i]) != "loop":
            side = max(plans.values(), key=lambda p: self.nominal(p.operations))
            return Cost(side.operations, side.bytes)
        steps = self._steps(graph, i)
        operations, moved = _sum(p.operations for p in plans.values()), _sum(p.bytes for p in plans.values())
        body = plans["body"].graph
        written = _sum(self.size(bytes_of(body.type_of(x))) for x in body.outputs[graph.attrs[i]["carries"] :])
        extra[i] = add(extra[i], mul(steps, written))
        return Cost(mul(steps, operations), mul(steps, moved))

    def _steps(self, graph: Graph, i: int) -> Size:
        """The trip count: a number, a size, or a name for what only the run knows."""
        if "pred" not in graph.attrs[i]:
            count = graph.operands(i)[0]
            attrs = graph.attrs.get(count, {})
            name = opname(graph.op[count])
            known: Size | None = None
            if name == "const":
                known = max(0, int(attrs["value"]))
            elif name == "size":
                known = self.size(attrs["size"])
            elif name == "input" and count in graph.names:
                known = self.size(graph.names[count])
            elif name == "get" and not attrs["k"]:
                known = self._trips.get((id(graph), graph.a[count]))  # that of another loop
            if known is not None:
                self._trips[id(graph), i] = known
                return known
        name, k = "steps", 1
        while name in self.names:
            k += 1
            name = f"steps{k}"
        self.names.add(name)
        self._trips[id(graph), i] = name
        return name

    # ---- memory

    def _taken(self, graph: Graph, nodes: Sequence[int], nested: Mapping[tuple[int, str], Plan]) -> dict[int, Size]:
        """The bytes of every node that has memory of its own; what structured nodes give lies in their graphs."""
        by_type = [self._own_bytes(t) for t in graph.types]
        return {i: by_type[graph.type[i]] for i in nodes if by_type[graph.type[i]] != 0 and not shown(graph, i)}

    def _own_bytes(self, t: AnyType) -> Size:
        return self.size(bytes_of(t)) if isinstance(t, Type) else 0

    def _blocks(
        self, graph: Graph, units: Sequence[Unit], kept: Sequence[int], taken: Mapping[int, Size]
    ) -> tuple[dict[int, int], dict[int, dict[int, Size]]]:
        """Of each large group, by the number of its unit: the rows of a block, and the bytes of a block of the values
        that stay within it."""
        rows_of: dict[int, int] = {}
        found: dict[int, dict[int, Size]] = {}
        position = {i: number for number, unit in enumerate(units) if len(unit) > 1 for i in unit}
        outside = set(kept)
        for number, unit in enumerate(units if position else ()):
            for i in unit:
                outside.update(x for x in graph.operands(i) if position.get(x, number) != number)
        for number, unit in enumerate(units if position else ()):
            sizes = [taken.get(i, 0) for i in unit]
            numbers = [size for size in sizes if isinstance(size, int)]
            if len(unit) < 2 or len(numbers) < len(sizes) or max(numbers) < LARGE:
                continue
            rows, count = self._rows(graph, unit[0])
            if rows >= count:
                continue
            for i in reversed(unit):
                if i in outside:
                    outside.update(shown(graph, i))
            rows_of[number] = rows
            found[number] = {
                i: size // count * rows
                for i, size in zip(unit, numbers, strict=True)
                if i not in outside and i in taken
            }
        return rows_of, found

    def _rows(self, graph: Graph, i: int) -> tuple[int, int]:
        """How many rows of node `i` make a block, and how many there are."""
        t = graph.type_of(i)
        assert isinstance(t, Type)
        shape = [self.nominal(self.size(d)) for d in t.shape]
        row = 1
        for d in shape[1:]:
            row *= d
        return rows_of_block(row), shape[0]

    def _loosened(self, buffers: list[Buffer], extra: Mapping[int, Size], steps: int) -> list[Buffer]:
        """The buffers, large ones taken anew at each run where keeping all would need much more memory at one time."""
        if not all(isinstance(b.size, int) for b in buffers):
            return buffers
        large = [b._replace(fresh=b.fresh or self.nominal(b.size) >= LARGE) for b in buffers]
        peaks = [self.nominal(self._peak(every, extra, steps)) for every in (buffers, large)]
        return large if peaks[0] > SPARE * peaks[1] else buffers

    def _peak(self, buffers: Sequence[Buffer], extra: Mapping[int, Size], steps: int) -> Size:
        """What is kept, and the most that is taken besides at one time.

        extra: what is taken while a step runs. Where sizes are names, it is that of the step where they come to most
        for `NOMINAL`.
        """
        change = [0] * (steps + 2)
        for b in buffers:
            if b.fresh:
                change[b.first] += self.nominal(b.size)
                change[b.last + 1] -= self.nominal(b.size)
        now = most = at = 0
        for step in range(steps + 1):
            now += change[step]
            inside = self.nominal(extra.get(step, 0))
            if now + inside > most:
                most, at = now + inside, step
        kept = _sum(b.size for b in buffers if not b.fresh)
        if all(isinstance(size, int) for size in (*(b.size for b in buffers), *extra.values())):
            return add(kept, most)
        total = _sum(b.size for b in buffers if b.fresh and b.first <= at <= b.last)
        return add(kept, add(total, extra.get(at, 0)))


def rows_of_block(row: int) -> int:
    """How many rows of so many elements are computed at a time; a multiple of 64.

    So vectors of the processor hold the same elements as when all rows are computed at once, and give the same bits.
    """
    return max(64, BLOCK // max(1, row) // 64 * 64)


class _Numbers(dict[str, int]):
    """Numbers for all names."""

    def __missing__(self, name: str) -> int:
        return NOMINAL

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.isidentifier()


def _sum(sizes: Iterable[Size]) -> Size:
    """The sum, equal terms taken together: there may be very many."""
    counts: dict[Size, int] = {}
    for size in sizes:
        counts[size] = counts.get(size, 0) + 1
    total: Size = 0
    for size, count in counts.items():
        total = add(total, mul(size, count))
    return total


def _needed(found: Sequence[Unit], needed: Sequence[int]) -> list[Unit]:
    """Groups of nodes that run."""
    kept = [tuple(i for i in unit if needed[i]) for unit in found]
    return [unit for unit in kept if len(unit) > 1]
