"""The planner of graphs: order, memory and costs. See `graph/plan.py` for the record."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from cgcli.graph.graph import CONST, GET, INPUT, LOOP, SIZE, Graph, nested
from cgcli.graph.plan import Buffer, Cost, Plan
from cgcli.graph.size_text import UnknownSize
from cgcli.graph.sizes import Size, add, evaluate, mul
from cgcli.graph.traversal import live
from cgcli.graph.types import Type
from cgcli.ops.loops import LoopView
from cgcli.ops.sizes import bytes_of

from .alias_analysis import aliased_operands, in_place
from .cost import FREE, cost_of
from .fusion import groups
from .memory import assign
from .schedule import Unit, schedule

NOMINAL = 1000  # the number of a named size where sizes without numbers have to be compared
BLOCK = 2**14  # elements of a value that are computed at a time
LARGE = 2**18  # bytes of a value from which on a group runs block by block
SPARE = 1.2  # times the least memory may be allocated, for the time that it saves to keep all of it between runs


def plan(graph: Graph, sizes: Mapping[str, int] | None = None) -> Plan:
    """The plan by which the outputs of `graph` are computed.

    sizes: the numbers of named sizes; without them costs and buffers are in terms of the names, and nothing is planned
    to run block by block. A trip count that only the run decides is a name of its own, `steps`.
    """
    return _Planner(sizes, set(graph.names.values())).plan(graph)


class _Planner:
    def __init__(self, sizes: Mapping[str, int] | None, names: set[str]) -> None:
        self.sizes = sizes
        self._nominal: dict[str, int] = {}
        self._trips: dict[tuple[int, int], Size] = {}  # trip counts by the graph and the node of a loop
        self.names = names  # taken: that a trip count may not have

    def plan(self, graph: Graph) -> Plan:
        roots = tuple(dict.fromkeys((*graph.outputs, *graph.asserts)))
        live_out = tuple(dict.fromkeys(graph.outputs))
        needed = live(graph, roots)
        nodes = [i for i, code in enumerate(graph.op) if needed[i] and code not in (INPUT, CONST)]
        nested_plans: dict[tuple[int, str], Plan] = {}
        extra: dict[int, Size] = {}  # bytes that a structured node allocates while it runs
        costs = self._costs(graph, nodes, nested_plans, extra)
        node_bytes = self._node_bytes(graph, nodes)
        numbers = {i: self.nominal(size) for i, size in node_bytes.items()}
        for i, size in extra.items():
            numbers[i] = numbers.get(i, 0) + self.nominal(size)
        live_groups = [tuple(i for i in unit if needed[i]) for unit in groups(graph)]
        units = schedule(graph, nodes, live_out, numbers, [unit for unit in live_groups if len(unit) > 1])
        order = tuple(i for unit in units for i in unit)
        rows, blocks = self._blocks(graph, units, live_out, node_bytes)
        layout = assign(graph, units, live_out, node_bytes, in_place(graph, order), blocks)
        extra_by_step = {step: extra[i] for step, i in enumerate(order) if i in extra}
        buffers = self._with_fresh_buffers(layout.buffers, extra_by_step, len(order))
        fused = [number for number, unit in enumerate(units) if len(unit) > 1]
        operations, traffic = _sum(c.operations for c in costs.values()), _sum(c.bytes for c in costs.values())
        return Plan(
            graph=graph,
            order=order,
            buffers=tuple(buffers),
            buffer_of=layout.buffer_of,
            views=layout.views,
            last=layout.last,
            groups=tuple(units[number] for number in fused),
            blocks={k: rows[number] for k, number in enumerate(fused) if number in rows},
            in_place=layout.in_place,
            costs=costs,
            operations=operations,
            bytes=traffic,
            peak=self._peak(buffers, extra_by_step, len(order)),
            unshared=_sum((*node_bytes.values(), *extra.values())),
            inputs=_sum(
                self.size(bytes_of(graph.type_of(i)))
                for i, code in enumerate(graph.op)
                if needed[i] and code in (INPUT, CONST)
            ),
            nested=nested_plans,
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
        number = self._nominal.get(size)
        if number is None:
            number = self._nominal[size] = max(0, evaluate(size, _NominalSizes(self.sizes or {})))
        return number

    # ---- costs

    def _costs(
        self, graph: Graph, nodes: Sequence[int], nested_plans: dict[tuple[int, str], Plan], extra: dict[int, Size]
    ) -> dict[int, Cost]:
        memo: dict[tuple[int, ...], Cost] = {}
        costs: dict[int, Cost] = {}
        for i in nodes:
            attrs = graph.attrs.get(i)
            if attrs is None:
                key = (graph.op[i], graph.type[i], *(graph.type[x] for x in graph.operands(i)))
                cost = memo.get(key)
                if cost is None:
                    cost = memo[key] = self._node_cost(graph, i)
                costs[i] = cost
            elif nested(attrs):
                costs[i] = self._structured(graph, i, nested_plans, extra)
            else:
                costs[i] = self._node_cost(graph, i)
        return costs

    def _node_cost(self, graph: Graph, i: int) -> Cost:
        if aliased_operands(graph, i):
            return FREE
        cost = cost_of(graph, i)
        return Cost(self.size(cost.operations), self.size(cost.bytes))

    def _structured(
        self, graph: Graph, i: int, nested_plans: dict[tuple[int, str], Plan], extra: dict[int, Size]
    ) -> Cost:
        """The cost of a `cond`, that of its more expensive side; of a loop, its trip count times the cost of a step."""
        plans: dict[str, Plan] = {}
        for key, inner in nested(graph.attrs[i]).items():
            plans[key] = nested_plans[i, key] = self.plan(inner)
        peaks = [p.peak for p in plans.values()]
        extra[i] = max(peaks, key=self.nominal)
        if graph.op[i] != LOOP:
            side = max(plans.values(), key=lambda p: self.nominal(p.operations))
            return Cost(side.operations, side.bytes)
        steps = self._trip_count(graph, i)
        operations, traffic = _sum(p.operations for p in plans.values()), _sum(p.bytes for p in plans.values())
        loop = LoopView(graph.attrs[i], graph.operands(i))
        written = _sum(self.size(bytes_of(loop.body.type_of(x))) for x in loop.written)
        extra[i] = add(extra[i], mul(steps, written))
        return Cost(mul(steps, operations), mul(steps, traffic))

    def _trip_count(self, graph: Graph, i: int) -> Size:
        """The trip count of a loop: a number, a size, or a name for one that only the run decides."""
        count = LoopView(graph.attrs[i], graph.operands(i)).count
        if count is not None:
            attrs = graph.attrs.get(count, {})
            code = graph.op[count]
            steps: Size | None = None
            if code == CONST:
                steps = max(0, int(attrs["value"]))
            elif code == SIZE:
                steps = self.size(attrs["size"])
            elif code == INPUT and count in graph.names:
                steps = self.size(graph.names[count])
            elif code == GET and not attrs["k"]:
                steps = self._trips.get((id(graph), graph.a[count]))  # that of another loop
            if steps is not None:
                self._trips[id(graph), i] = steps
                return steps
        name, k = "steps", 1
        while name in self.names:
            k += 1
            name = f"steps{k}"
        self.names.add(name)
        self._trips[id(graph), i] = name
        return name

    # ---- memory

    def _node_bytes(self, graph: Graph, nodes: Sequence[int]) -> dict[int, Size]:
        """The bytes of all nodes with memory of their own; results of structured nodes lie in that of their graphs."""
        by_type = [self.size(bytes_of(t)) if isinstance(t, Type) else 0 for t in graph.types]
        return {
            i: by_type[graph.type[i]] for i in nodes if by_type[graph.type[i]] != 0 and not aliased_operands(graph, i)
        }

    def _blocks(
        self, graph: Graph, units: Sequence[Unit], live_out: Sequence[int], node_bytes: Mapping[int, Size]
    ) -> tuple[dict[int, int], dict[int, dict[int, Size]]]:
        """Of each large group, by the number of its unit: the rows of a block, and the bytes of a block of the values
        that are read within it only."""
        rows_of: dict[int, int] = {}
        block_bytes: dict[int, dict[int, Size]] = {}
        position = {i: number for number, unit in enumerate(units) if len(unit) > 1 for i in unit}
        outside = set(live_out)
        for number, unit in enumerate(units if position else ()):
            for i in unit:
                outside.update(x for x in graph.operands(i) if position.get(x, number) != number)
        for number, unit in enumerate(units if position else ()):
            sizes = [node_bytes.get(i, 0) for i in unit]
            numbers = [size for size in sizes if isinstance(size, int)]
            if len(unit) < 2 or len(numbers) < len(sizes) or max(numbers) < LARGE:
                continue
            rows, count = self._rows(graph, unit[0])
            if rows >= count:
                continue
            for i in reversed(unit):
                if i in outside:
                    outside.update(aliased_operands(graph, i))
            rows_of[number] = rows
            block_bytes[number] = {
                i: size // count * rows
                for i, size in zip(unit, numbers, strict=True)
                if i not in outside and i in node_bytes
            }
        return rows_of, block_bytes

    def _rows(self, graph: Graph, i: int) -> tuple[int, int]:
        """How many rows of node `i` make a block, and how many there are."""
        t = graph.type_of(i)
        assert isinstance(t, Type)
        shape = [self.nominal(self.size(d)) for d in t.shape]
        return rows_of_block(math.prod(shape[1:])), shape[0]

    def _with_fresh_buffers(self, buffers: list[Buffer], extra: Mapping[int, Size], steps: int) -> list[Buffer]:
        """The buffers, large ones allocated at each run where keeping all would need much more memory at one time."""
        if not all(isinstance(b.size, int) for b in buffers):
            return buffers
        large = [b._replace(fresh=b.fresh or self.nominal(b.size) >= LARGE) for b in buffers]
        peaks = [self.nominal(self._peak(variant, extra, steps)) for variant in (buffers, large)]
        return large if peaks[0] > SPARE * peaks[1] else buffers

    def _peak(self, buffers: Sequence[Buffer], extra: Mapping[int, Size], steps: int) -> Size:
        """The bytes of buffers that stay between runs, and the most that are allocated besides at one time.

        extra: bytes that a step allocates while it runs. Where sizes are names, the peak is that of the step with the
        largest number for `NOMINAL`.
        """
        change = [0] * (steps + 2)
        for b in buffers:
            if b.fresh:
                change[b.first] += self.nominal(b.size)
                change[b.last + 1] -= self.nominal(b.size)
        now = most = peak_step = 0
        for step in range(steps + 1):
            now += change[step]
            extra_by_step = self.nominal(extra.get(step, 0))
            if now + extra_by_step > most:
                most, peak_step = now + extra_by_step, step
        persistent = _sum(b.size for b in buffers if not b.fresh)
        if all(isinstance(size, int) for size in (*(b.size for b in buffers), *extra.values())):
            return add(persistent, most)
        fresh = _sum(b.size for b in buffers if b.fresh and b.first <= peak_step <= b.last)
        return add(persistent, add(fresh, extra.get(peak_step, 0)))


def rows_of_block(row: int) -> int:
    """How many rows of `row` elements make a block; a multiple of 64.

    So the processor's vectors hold the same elements as when all rows are computed at once, and results the same bits.
    """
    return max(64, BLOCK // max(1, row) // 64 * 64)


class _NominalSizes(dict[str, int]):
    """Numbers of named sizes, `NOMINAL` for any other name."""

    def __missing__(self, name: str) -> int:
        return NOMINAL

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.isidentifier()


def _sum(sizes: Iterable[Size]) -> Size:
    """The sum; equal terms, of which there may be many, are multiplied."""
    total: Size = 0
    for size, count in Counter(sizes).items():
        total = add(total, mul(size, count))
    return total
