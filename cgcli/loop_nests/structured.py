"""Structured nodes in the loop form: `cond` as a `switch`, `loop` as a `for` or a `while`, and ops on stacks.

Each nested graph is lowered in the block that computes it, so nothing of it is computed early. What several of its
nodes could compute again and again, an operand of the structured node, is computed once in front of it.

Values of few fixed elements are numbers: results of a `switch`, carried values of a loop. Larger ones lie in buffers,
one for each carry. A step computes the next value of a carry into the buffer where nothing reads the old value of
another element any more, else beside it.

What a nest does not check: how many steps its loops run together, and how much memory stacks take. Who runs it keeps
those limits, and ends loops that run for ever.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from cgcli.graph.graph import CONST, NONE, Graph
from cgcli.graph.traversal import live
from cgcli.graph.types import Results, Stack, Type
from cgcli.ops.changes import change_of_result
from cgcli.ops.loops import LoopView
from cgcli.ops.op import Element, may_view
from cgcli.ops.table import BY_CODE

from .carries import Pending, Reads
from .elements import SCALARS
from .form import INDEX, SIZE, Extent, Index, Unsupported, Value, index_of
from .in_place import take_over
from .numbers import convert
from .readers import Components, Frame, Items, Reader, Stored
from .stacks import Chunks, Filled, Joined, Part, Rows, StackWriter
from .storage import is_small

if TYPE_CHECKING:
    from .readers import GraphLowering

LONGEST = 8  # views of views that nested graphs read through


class StructuredNodes:
    """The structured nodes of a frame, and its nodes on stacks: a method for each op, of the op's name."""

    def __init__(self, lowering: GraphLowering, frame: Frame) -> None:
        self.lowering, self.frame, self.graph, self.k = lowering, frame, frame.graph, lowering.k

    def emit(self, i: int) -> None:
        """Lowers node `i`: afterwards its value, or its results, can be read."""
        emit: Callable[[int], None] = getattr(self, BY_CODE[self.graph.op[i]].name)
        emit(i)

    # ---- operands

    def value(self, x: int) -> Reader | Items:
        """The value of a node as nested graphs read it; computed here unless it is in memory or part of what is."""
        return self.items(x) if isinstance(self.graph.type_of(x), Stack) else self.reader(x)

    def items(self, x: int) -> Items:
        """The stack that a node is."""
        return self.frame.stacks[x]

    def reader(self, x: int) -> Reader:
        frame, graph, lowering = self.frame, self.graph, self.lowering
        if x in frame.readers:
            return frame.readers[x]
        t = cast("Type", graph.type_of(x))
        if graph.op[x] == CONST:
            return lambda index: lowering.element(frame, x, index)
        if is_small(t.shape):
            frame.readers[x] = Components(self.k, SCALARS[t.dtype], _fixed(t), self.numbers(x))
            return frame.readers[x]
        view = self._view(x)
        if view is None:
            lowering.store(frame, x)
        return view or frame.readers[x]

    def _view(self, x: int) -> Reader | None:
        """The reader of a node that only moves elements of what can be read already, None of another one."""
        graph, frame = self.graph, self.frame
        length, y = 0, x
        while y not in frame.readers and graph.op[y] != CONST and self._moves_elements(y):
            length, y = length + 1, graph.a[y]
        if not length:
            return None
        base = self.reader(y)
        length += base.length if isinstance(base, View) else 0
        return View(self.lowering, frame, x, length) if length <= LONGEST else None

    def _moves_elements(self, x: int) -> bool:
        op, graph = BY_CODE[self.graph.op[x]], self.graph
        types = [graph.type_of(y) for y in graph.operands(x)]
        views = may_view(op, types, graph.type_of(x), graph.attrs.get(x, {}))
        formed = isinstance(op.loops, Element) or op.is_elementwise
        return views and formed and not op.effects.may_fail and len(types) == 1

    def numbers(self, x: int) -> dict[tuple[int, ...], Value]:
        """The elements of a node of a fixed shape."""
        t = cast("Type", self.graph.type_of(x))
        return {p: self.lowering.element(self.frame, x, tuple(map(Index, p))) for p in _indices(t)}

    # ---- nested graphs

    def nested(
        self, graph: Graph, values: Sequence[Reader | Items], owned: Mapping[int, str] | None = None
    ) -> StructuredNodes:
        """Lowers a nested graph on the values of its inputs in the innermost block, up to its outputs.

        owned: the inputs whose buffers it may write over.
        """
        frame = self.lowering.frame(graph)
        frame.owned.update(owned or {})
        for i, x in zip(graph.inputs, values, strict=True):
            if isinstance(graph.type_of(i), Stack):
                frame.stacks[i] = cast("Items", x)
            else:
                frame.readers[i] = cast("Reader", x)
        self.lowering.emit(frame)
        return StructuredNodes(self.lowering, frame)

    def output(self, x: int) -> Reader | Items:
        """An output, computed where it is read."""
        if isinstance(self.graph.type_of(x), Stack):
            return self.items(x)
        return lambda index: self.lowering.element(self.frame, x, index)

    def copy(self, x: int, buffer: str) -> None:
        """Writes all elements of a node into a buffer."""
        t, read = cast("Type", self.graph.type_of(x)), cast("Reader", self.output(x))
        self.lowering.loops(t.shape, lambda index: self.k.store(buffer, index, read(index)), "vector")

    def is_in(self, x: int, buffer: str, front: tuple[Index, ...] = (), changing: bool = False) -> None:
        """Lets a large value that would be computed where it is read be read from memory that holds it."""
        t = self.graph.type_of(x)
        if isinstance(t, Type) and x not in self.frame.readers and not is_small(t.shape):
            self.frame.readers[x] = Stored(self.k, buffer, front, self.k.here, changing)

    def buffer(self, t: Type) -> str:
        """A new buffer for a value."""
        return self.k.scratch(SCALARS[t.dtype], [self.lowering.size(n) for n in t.shape])

    def read_behind(self, t: Type, buffer: str, numbers: list[Value], changing: bool) -> Reader:
        """The reader, behind a structured node, of a value that is in a buffer, or is the next of the numbers.

        changing: whether the buffer may have been read before.
        """
        if buffer:
            return Stored(self.k, buffer, (), self.k.here, changing)
        indices = _indices(t)
        components = Components(self.k, SCALARS[t.dtype], _fixed(t), dict(zip(indices, numbers, strict=False)))
        del numbers[: len(indices)]
        return components

    # ---- cond

    def cond(self, i: int) -> None:
        """A `switch` with a case for each side. Large results, and stacks, are written by each into one buffer."""
        graph, k = self.graph, self.k
        condition, *captured = graph.operands(i)
        types = cast("Results", graph.type_of(i)).items
        taken = [self._taken(i, n, t) for n, t in enumerate(types)]
        selector = self.lowering.element(self.frame, condition, ())
        values = [self.value(x) for x in captured]
        for x, buffer in taken:
            if buffer:
                values[captured.index(x)] = Stored(k, buffer, (), k.here, changing=True)
        buffers = [
            buffer or ("" if isinstance(t, Stack) or is_small(t.shape) else self.buffer(t))
            for t, (_, buffer) in zip(types, taken, strict=True)
        ]
        writers = [StackWriter(self.lowering, t.item, None) if isinstance(t, Stack) else None for t in types]

        def side(name: str) -> list[Value]:
            body: Graph = graph.attrs[i][name]
            owned = {body.inputs[captured.index(x)]: buffer for x, buffer in taken if buffer}
            inner = self.nested(body, values, owned)
            numbers: list[Value] = []
            for x, buffer, writer in zip(inner.graph.outputs, buffers, writers, strict=True):
                if writer is not None:
                    numbers.append(self.copied(writer, inner.items(x)))
                elif buffer and inner.frame.owned.get(x) != buffer:
                    inner.copy(x, buffer)
                    inner.is_in(x, buffer, changing=True)
                elif buffer:
                    pass
                else:
                    numbers += inner.numbers(x).values()
            return numbers

        results = list(k.switch(selector, [lambda: side("else"), lambda: side("then")]))
        for n, (t, buffer, writer) in enumerate(zip(types, buffers, writers, strict=True)):
            if writer is not None:
                self.frame.results[i, n] = writer.stack(results.pop(0))
            else:
                self.frame.results[i, n] = self.read_behind(cast("Type", t), buffer, results, bool(taken[n][1]))
                self.frame.result_buffers[i, n] = buffer

    def _taken(self, i: int, n: int, t: Type | Stack) -> tuple[int, str]:
        """The array of which result `n` of an `if` is the changed one, and its buffer where it may be written over."""
        change = None if isinstance(t, Stack) or is_small(t.shape) else change_of_result(self.graph, i, n)
        return (NONE, "") if change is None else (change.before, take_over(self.lowering, self.frame, i, change.before))

    def get(self, i: int) -> None:
        """A result, as the structured node has left it."""
        result = self.frame.results[self.graph.a[i], self.graph.attrs[i]["k"]]
        if isinstance(self.graph.type_of(i), Stack):
            self.frame.stacks[i] = cast("Items", result)
        else:
            self.frame.readers[i] = cast("Reader", result)
            order, (source, k) = self.frame.order, (self.graph.a[i], self.graph.attrs[i]["k"])
            buffer = self.frame.result_buffers.get((source, k), "")
            gets = order.readers[source] if order is not None else []
            if buffer and [self.graph.attrs[x]["k"] for x in gets].count(k) == 1:
                self.frame.owned[i] = buffer

    # ---- loop

    def loop(self, i: int) -> None:
        graph, k = self.graph, self.k
        view = LoopView(graph.attrs[i], graph.operands(i))
        types = [cast("Type", graph.type_of(x)) for x in view.carries]
        if view.count is None and view.reverse:
            raise Unsupported("steps of a `while` in reverse")
        if any(isinstance(t, Stack) for t in types):
            raise Unsupported("a stack that steps change")
        initial: list[Value] = []
        buffers: list[str] = []
        large = [not is_small(t.shape) for t in types]
        taken = [
            take_over(self.lowering, self.frame, i, x) if n else "" for x, n in zip(view.carries, large, strict=True)
        ]
        for x, t, buffer in zip(view.carries, types, taken, strict=True):
            if is_small(t.shape):
                read = self.reader(x)
                initial += [read(tuple(map(Index, p))) for p in _indices(t)]
                buffers.append("")
            elif buffer:
                buffers.append(buffer)
            else:
                self.reader(x)
                buffers.append(self.buffer(t))
                self.copy(x, buffers[-1])
        end, total = (None, None) if view.count is None else self._steps(i, view.count)
        loop = Loop(self, i, view, buffers, end, total)
        for writer in loop.writers:
            initial += writer.start
        if end is None or total is None:
            total, *results = k.while_([k.const(0, "i64"), *initial], loop.holds, loop.counted_step)
        else:
            with k.loop(end, initial) as steps:
                k.limits[steps.variable] = end
                steps.yields = loop.step(loop.number(steps.variable), steps.carried)
            results = list(steps.results)
        count = k.index_value(total)
        self.frame.results[i, 0] = lambda index: count
        for n, (t, buffer) in enumerate(zip(types, buffers, strict=True)):
            key = i, view.carry_result(n)
            self.frame.results[key] = self.read_behind(t, buffer, results, changing=bool(buffer))
            self.frame.result_buffers[key] = buffer
        for n, writer in enumerate(loop.writers):
            self.frame.results[i, view.stack_result(n)] = writer.stack(total)

    def _steps(self, i: int, count: int) -> tuple[Extent, Extent]:
        """The end of a counted loop, and how many steps it runs: none of a negative number."""
        k = self.k
        value = convert(k, self.lowering.element(self.frame, count, ()), "i64", self.frame.first + i)
        number = k.constants.get(value)
        if number is not None:
            return int(number), max(0, int(number))
        return value, value if value in k.sizes.values() else k.max(value, k.const(0, "i64"))

    # ---- stacks

    def copied(self, writer: StackWriter, items: Items) -> Value:
        """Writes all items of a stack; how many they are."""
        length = items.length
        with self.k.loop(length, writer.start) as loop:
            self.k.limits[loop.variable] = length
            number = index_of(loop.variable)
            loop.yields = writer.write(number, items.item(number), loop.carried)
        return self.k.index_value(length)

    def unstack(self, i: int) -> None:
        x = self.graph.a[i]
        n = cast("Type", self.graph.type_of(x)).shape[0]
        self.frame.stacks[i] = Rows(self.reader(x), self.lowering.size(n))

    def restack(self, i: int) -> None:
        """Stops the run where the stack has not as many items as the shape says."""
        items, k = self.items(self.graph.a[i]), self.k
        length, n = items.length, self.lowering.size(cast("Type", self.graph.type_of(i)).shape[0])
        if length is not n:
            k.check(k.eq(k.index_value(length), k.index_value(n)), SIZE, self.frame.first + i)
        self.frame.readers[i] = lambda index: cast("Reader", items.item(index[0]))(index[1:])

    def length(self, i: int) -> None:
        count = self.k.index_value(self.items(self.graph.a[i]).length)
        self.frame.readers[i] = lambda index: count

    def chunks(self, i: int) -> None:
        self.frame.stacks[i] = Chunks(self.k, self.items(self.graph.a[i]), self._chunk(i))

    def joined(self, i: int) -> None:
        """Stops the run where an item but the last has not the stated size."""
        k, size, rows = self.k, self._chunk(i), self.items(self.graph.a[i])
        with k.loop(rows.length, [k.const(0, "i64")]) as loop:
            k.limits[loop.variable] = rows.length
            (before,) = loop.carried
            k.check(k.eq(before, k.apply("mul", loop.variable, size)), SIZE, self.frame.first + i)
            row = cast("Items", rows.item(index_of(loop.variable)))
            loop.yields = [k.apply("add", before, k.index_value(row.length))]
        self.frame.stacks[i] = Joined(k, rows, size, loop.results[0])

    def _chunk(self, i: int) -> Value:
        """The size of chunks, from 1 up."""
        k, size = self.k, self.graph.b[i]
        value = convert(k, self.lowering.element(self.frame, size, ()), "i64", self.frame.first + i)
        one = k.const(1, "i64")
        k.check(k.ge(value, one), SIZE, self.frame.first + i)
        return k.max(value, one)

    def head(self, i: int) -> None:
        k, items, like = self.k, self.items(self.graph.a[i]), self.items(self.graph.b[i])
        length = k.min(k.index_value(items.length), k.index_value(like.length))
        self.frame.stacks[i] = Part(items, Index(0), length)

    def filled(self, i: int) -> None:
        items, like = self.items(self.graph.a[i]), self.items(self.graph.b[i])
        t = leaf = cast("Stack", self.graph.type_of(i)).item
        while isinstance(leaf, Stack):
            leaf = leaf.item
        zero = self.k.const(self.graph.attrs[i]["zero"], SCALARS[leaf.dtype])
        self.frame.stacks[i] = Filled(self.k, items, like, t, zero)


class View:
    """The reader of a node whose elements are those of what exists. length: of how many views."""

    def __init__(self, lowering: GraphLowering, frame: Frame, node: int, length: int) -> None:
        self.lowering, self.frame, self.node, self.length = lowering, frame, node, length

    def __call__(self, index: tuple[Index, ...]) -> Value:
        return self.lowering.element(self.frame, self.node, index)


class Loop:
    """A loop while it is lowered.

    buffers: of each carry, "" for those that are numbers; end: of a counted loop, and total: how many steps it runs.
    """

    def __init__(
        self,
        nodes: StructuredNodes,
        i: int,
        view: LoopView[int],
        buffers: Sequence[str],
        end: Extent | None,
        total: Extent | None,
    ) -> None:
        self.nodes, self.view, self.buffers, self.end = nodes, view, buffers, end
        self.k, self.lowering, self.node = nodes.k, nodes.lowering, nodes.frame.first + i
        self.types = [cast("Type", nodes.graph.type_of(x)) for x in view.carries]
        self.invariants = [nodes.value(x) for x in view.invariants]
        self.stacks = [nodes.items(x) for x in view.stacks]
        for stack in self.stacks if end is not None else []:
            self._require(end, stack.length)
        written = [cast("Type | Stack", view.body.type_of(x)) for x in view.written]
        self.writers = [StackWriter(self.lowering, t, total) for t in written]

    def _require(self, end: Extent | None, length: Extent) -> None:
        """Stops the run where a counted loop has more steps than a stack has items."""
        k = self.k
        if end is None or end is length or (isinstance(end, int) and isinstance(length, int) and end <= length):
            return
        k.check(k.le(k.index_value(end), k.index_value(length)), INDEX, self.node)

    def number(self, step: Value) -> Value:
        """The number of a step of a counted loop, which may go backward."""
        k = self.k
        if not self.view.reverse or self.end is None:
            return step
        last = k.index_value(index_of(self.end).plus(Index(-1)))
        number = k.apply("sub", last, step)
        k.limits[number] = self.end
        return number

    def _carries(self, carried: Sequence[Value]) -> tuple[list[Reader | Items], list[Value]]:
        """The values of the carries before a step; and the counters of the stacks that are written."""
        numbers = list(carried)
        pairs = zip(self.types, self.buffers, strict=True)
        return [self.nodes.read_behind(t, buffer, numbers, changing=bool(buffer)) for t, buffer in pairs], numbers

    def holds(self, carried: Sequence[Value]) -> Value:
        """The condition of a `while`, of the number of the step and the carried values."""
        pred = self.view.pred
        assert pred is not None
        carries, _ = self._carries(carried[1:])
        test = self.nodes.nested(pred, [*carries, *self.invariants])
        return self.lowering.element(test.frame, pred.outputs[0], ())

    def counted_step(self, carried: Sequence[Value]) -> list[Value]:
        """A step of a `while`, which counts them."""
        k, (number, *rest) = self.k, carried
        for stack in self.stacks:
            k.check(k.lt(number, k.index_value(stack.length)), INDEX, self.node)
        return [k.apply("add", number, k.const(1, "i64")), *self.step(number, rest)]

    def step(self, number: Value, carried: Sequence[Value]) -> list[Value]:
        """What a step yields: the carries that are numbers, and the counters of stacks. It writes the others."""
        view, at = self.view, index_of(number)
        carries, counters = self._carries(carried)
        items = [stack.item(at) for stack in self.stacks]
        values: list[Reader | Items] = [lambda index: number, *carries, *self.invariants, *items]
        pairs = zip(view.inputs("body")[0], self.buffers, strict=True)
        inner = self.nodes.nested(view.body, values, {x: buffer for x, buffer in pairs if buffer})
        written = self._write_stacks(inner, at, counters)
        yields: list[Value] = []
        for x, buffer in zip(view.carry_outputs, self.buffers, strict=True):
            if not buffer:
                yields += inner.numbers(x).values()
        self._write_carries(inner)
        return [*yields, *written]

    def _write_stacks(self, inner: StructuredNodes, at: Index, counters: Sequence[Value]) -> list[Value]:
        """Writes the items of stacks, and the next values of large carries that other nodes read. Their counters.

        In the order of the graph, and what is written is read from memory from then on, so that nothing is computed
        twice.
        """
        graph, view = inner.graph, self.view
        needed = live(graph, graph.outputs)
        read = {y for x in range(len(graph)) if needed[x] for y in graph.operands(x)}
        shared = {x for x, buffer in zip(view.carry_outputs, self.buffers, strict=True) if buffer and x in read}
        steps = [*((x, n) for n, x in enumerate(view.written)), *((x, len(view.written)) for x in shared)]
        after: dict[int, list[Value]] = {}
        for x, n in sorted(steps):
            if n < len(view.written):
                writer = self.writers[n]
                first = sum(len(other.start) for other in self.writers[:n])
                own = counters[first : first + len(writer.start)]
                after[n] = writer.write(at, inner.output(x), own)
                inner.is_in(x, writer.buffers[0], (at,))
            elif x not in inner.frame.readers:
                self.lowering.store(inner.frame, x)
        return [value for n in range(len(view.written)) for value in after[n]]

    def _write_carries(self, inner: StructuredNodes) -> None:
        """Writes the next values of the carries that lie in buffers."""
        large = {
            n: x for n, (x, buffer) in enumerate(zip(self.view.carry_outputs, self.buffers, strict=True)) if buffer
        }
        changed = {n: x for n, x in large.items() if inner.frame.owned.get(x) != self.buffers[n]}
        if not changed:
            return
        pending = Pending(Reads(inner.frame, {self.buffers[n]: n for n in large}), changed)
        while pending.outputs:
            ready = pending.ready()
            for n in ready:
                x = pending.outputs[n]
                inner.copy(x, self.buffers[n])
                inner.is_in(x, self.buffers[n], changing=True)
                pending.written(n)
            if not ready:
                n = pending.blocking()
                self.lowering.store(inner.frame, pending.outputs[n])
                pending.stored(n)


def _indices(t: Type) -> list[tuple[int, ...]]:
    """The indices of a fixed shape."""
    return list(itertools.product(*map(range, _fixed(t))))


def _fixed(t: Type) -> tuple[int, ...]:
    return cast("tuple[int, ...]", t.shape)
