"""From graphs to loop nests, by element forms: what one element of a node is, given its index.

Views rewrite the index, elementwise ops apply primitives, reductions open an inner loop. So fusion is inlining, a view
costs nothing, and a small tensor that is read at constant indices is its numbers. What lies in memory is what has to:
outputs, what statement forms and routines write and routines read, and what lies too deep below other nodes.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, cast

from cgcli.graph.graph import ASSERT, CONST, INPUT, Graph
from cgcli.graph.size_text import Algebra, interpreted
from cgcli.graph.sizes import Shape, Size
from cgcli.graph.traversal import every, live
from cgcli.graph.types import INT, Stack, Type
from cgcli.ops.changes import writes_in_place
from cgcli.ops.op import Contraction, Element, OnStacks, Op, Statements
from cgcli.ops.operations import operations
from cgcli.ops.sizes import size_texts
from cgcli.ops.table import BY_CODE
from cgcli.ops.typing import one

from .bounds import IndexBuilder
from .builder import is_outside
from .contractions import element
from .dear import add_dear, is_sum
from .elements import SCALARS, NodeElements, broadcast_index, is_elementwise
from .form import (
    ASSERTION,
    SIZE,
    Extent,
    Index,
    Kind,
    LoopNest,
    Region,
    ScalarType,
    Unsupported,
    Value,
    index_of,
)
from .in_place import take_over
from .letters import is_called, is_product
from .numbers import NAMESPACE, Number, convert
from .one_loop import require_one_loop
from .order import Order
from .products import write_product, write_statements
from .readers import Components, Frame, Stored, first_nodes
from .stacks import Written
from .storage import in_memory, is_opened, is_small
from .structured import StructuredNodes


class Lowering:
    """A nest made of a graph.

    first: of the graph and those nested in it, the numbers of their nodes (`first_nodes`). parallel: as of a builder.
    stores_dear: whether values lie in memory only so that they are not computed twice.
    """

    def __init__(
        self, name: str, first: Mapping[int, int] | None = None, parallel: bool = False, stores_dear: bool = False
    ) -> None:
        self.k, self.stores_dear = IndexBuilder(name, parallel), stores_dear
        self._first = first or {}
        self._frames: list[Frame] = []  # all that there were: memos know them by their `id`
        self._constants: dict[int, tuple[float, ...]] = {}  # their elements by the `id` of the value
        self._tables: dict[tuple[int, ScalarType, tuple[int, ...]], str] = {}
        self._sizes = Algebra[Extent](
            number=lambda n: n,
            name=self.k.size,
            add=lambda a, b: self._size("add", a, b),
            multiply=lambda a, b: self._size("mul", a, b),
            floor_divide=self._quotient,
            positive=lambda a: self._size("max", a, 0),
        )

    def frame(self, graph: Graph) -> Frame:
        """The frame of a graph that is computed in the innermost block."""
        frame = Frame(graph, base=self.k.here, first=self._first.get(id(graph), 0))
        self._frames.append(frame)
        return frame

    # ---- sizes

    def require_sizes(self, graph: Graph) -> None:
        """Computes the sizes of all values in front of everything; stops the run where one is negative."""
        k, done = self.k, set()
        for inner in every(graph):
            for i in range(len(inner)):
                for size in size_texts(inner.type_of(i)):
                    if size in done:
                        continue
                    done.add(size)
                    extent = self.size(size)
                    if "-" in size and isinstance(extent, Value):
                        k.check(k.ge(extent, k.const(0, "i64")), SIZE, self._first.get(id(inner), 0) + i)

    def size(self, size: Size) -> Extent:
        """A size as a number or a value."""
        return size if isinstance(size, int) else interpreted(size, self._sizes)

    def _size(self, primitive: str, a: Extent, b: Extent) -> Extent:
        x, y = (n if isinstance(n, Value) else self.k.const(n, "i64") for n in (a, b))
        result = self.k.apply(primitive, x, y)
        number = self.k.constants.get(result)
        return result if number is None else int(number)

    def _quotient(self, a: Extent, b: Extent) -> Extent:
        """The quotient of two sizes, 0 where there is none."""
        if isinstance(b, int):
            return self._size("floor_div", a, b) if b else 0
        k, zero = self.k, self.k.const(0, "i64")
        quotient = self.k.index_value(self._size("floor_div", a, self._size("max", b, 1)))
        return k.select(k.gt(b, zero), quotient, zero)

    # ---- elements

    def number(self, frame: Frame, x: int, index: tuple[Index, ...], node: int) -> Number:
        """An element of node `x` as a number in the kernel of `node`."""
        t = one(frame.graph.type_of(x))
        return Number(self.k, self.element(frame, x, index), node, weak=t.weak and not t.shape)

    def element(self, frame: Frame, x: int, index: tuple[Index, ...]) -> Value:
        """An element of a node. Chains of elementwise ops, however long, are walked, not recursed into."""
        stack = [(x, index, False)]
        while True:
            x, index, ready = stack.pop()
            if self._existing(frame, x, index) is None:
                if not ready and is_elementwise(frame, x):
                    stack.append((x, index, True))
                    for y in frame.graph.operands(x):
                        shape = one(frame.graph.type_of(y)).shape
                        if is_elementwise(frame, y):
                            stack.append((y, tuple(broadcast_index(shape, index)), False))
                else:
                    self._compute(frame, x, index)
            if not stack:
                value = self._existing(frame, x, index)
                assert value is not None
                return value

    def _existing(self, frame: Frame, x: int, index: tuple[Index, ...]) -> Value | None:
        return self.k.memo(("element", id(frame), x, index))

    def _compute(self, frame: Frame, x: int, index: tuple[Index, ...]) -> None:
        checks = self.k.checks
        value = self._value(frame, x, index)
        # what is checked on the way is checked where it is computed, and only there
        depth = self.k.here if self.k.checks != checks or x in frame.readers else self.k.depth[value]
        self.k.remember(("element", id(frame), x, index), value, depth)

    def _value(self, frame: Frame, x: int, index: tuple[Index, ...]) -> Value:
        reader = frame.readers.get(x)
        if reader is not None:
            return reader(index)
        graph = frame.graph
        code, t = graph.op[x], graph.type_of(x)
        assert isinstance(t, Type)
        if code == CONST:
            return self._constant(graph.attrs[x]["value"], t, index)
        op, e = BY_CODE[code], NodeElements(self, frame, x)
        if isinstance(op.loops, Element):
            number = op.loops.rule(cast("Any", e), index)
        elif isinstance(op.loops, Statements) and op.loops.element is not None:
            number = op.loops.element(cast("Any", e), index)
        elif code == ASSERT:
            number = e.broadcast(0, index)
            self.k.check(number.value, ASSERTION, frame.first + x)
        elif isinstance(op.loops, Contraction):
            type_ = SCALARS[t.dtype]
            number = e.of(element(self, frame, x, index, "i64" if type_ == "i32" else type_))
        elif op.is_elementwise and op.loops is None:
            number = self._by_kernel(e, op, index)
        else:
            raise Unsupported(op.name)
        return self._fit(number, t, frame.first + x)

    def _by_kernel(self, e: NodeElements, op: Op, index: tuple[Index, ...]) -> Number:
        """The kernel of an elementwise op on numbers; a bool counts as an int where the result is a number."""
        numbers = [e.broadcast(k, index) for k in range(len(e.types))]
        if e.type.dtype != "bool":
            numbers = [x.to("i64") if x.type == "bool" else x for x in numbers]
        at = cast("Any", e.attrs)
        return cast("Number", op.evaluate(cast("Any", NAMESPACE), at, *cast("Any", numbers)))

    def _fit(self, number: Number | float, t: Type, node: int) -> Value:
        """A kernel's result in the type of its node."""
        type_ = SCALARS[t.dtype]
        if not isinstance(number, Number):
            return self.k.const(number, type_)
        return convert(self.k, number.value, type_, node)

    def _constant(self, value: Any, t: Type, index: tuple[Index, ...]) -> Value:
        """An element of a constant; of one in memory where the index is computed."""
        type_ = SCALARS[t.dtype]
        if not isinstance(value, tuple):
            return self.k.const(value, type_)
        numbers, shape = self._flat(value), cast("tuple[int, ...]", t.shape)
        if any(i.terms for i in index):
            return self.k.load(self._table(type_, shape, numbers), index)
        if any(map(is_outside, index, shape)):
            return self.k.const(0, type_)  # only behind a check that fails
        position = 0
        for i, n in zip(index, shape, strict=True):
            position = position * n + i.const
        return self.k.const(numbers[position], type_)

    def _flat(self, value: tuple[Any, ...]) -> tuple[float, ...]:
        """The elements of a constant as they lie in memory, memoised; its tuples may be nested."""
        numbers = self._constants.get(id(value))
        if numbers is None:
            numbers = value
            while numbers and isinstance(numbers[0], tuple):
                numbers = tuple(itertools.chain.from_iterable(numbers))
            self._constants[id(value)] = numbers
        return numbers

    def _table(self, type_: ScalarType, shape: tuple[int, ...], numbers: tuple[float, ...]) -> str:
        """The buffer that holds a constant, memoised."""
        key = id(numbers), type_, shape
        if key not in self._tables:
            self._tables[key] = self.k.table(type_, shape, numbers)
        return self._tables[key]

    # ---- loops

    def loops(
        self,
        shape: Shape,
        visit: Callable[[tuple[Index, ...]], None],
        kind: Kind,
        first: Kind | None = None,
        independent: int | None = None,
        together: bool = True,
        short: bool = False,
    ) -> None:
        """Visits each index of a shape, in order; the innermost loop is of `kind`, the outermost of `first`.

        Loops over few fixed elements are opened up, but for the outermost of a kind of its own; more than a few are
        lanes where they are the rows of a large value, or sums that are not computed `together`. independent: how many
        of the last axes have steps that may be lanes, by default all. short: whether loops over few stay loops.
        """
        most = len(shape) if independent is None else independent
        index: list[Index] = []

        def opened(left: Sequence[Size]) -> bool:
            if short:
                return all(n == 1 for n in left)
            return is_opened(left, (together and is_small(shape)) or self.k.in_lanes)

        def over(left: Sequence[Size]) -> None:
            if not left:
                visit(tuple(index))
                return
            n = self.size(left[0])
            outermost = first if not index else None
            if outermost is None and isinstance(n, int) and (n == 1 or opened(left)):
                for j in range(n):
                    index.append(Index(j))
                    over(left[1:])
                    index.pop()
                return
            with self.k.loop(
                n, kind=outermost or (kind if opened(left[1:]) and len(left) <= most else "serial")
            ) as loop:
                self.k.limits[loop.variable] = n
                index.append(index_of(loop.variable))
                over(left[1:])
                index.pop()

        over(shape)

    # ---- graphs

    def emit(self, frame: Frame, in_rows: Collection[int] = ()) -> None:
        """Writes into memory what has to lie there, in the order of the graph, and runs its assertions.

        in_rows: the assertions that the loop over rows runs.
        """
        graph = frame.graph
        needed = live(graph, (*graph.outputs, *graph.asserts))
        stored = in_memory(graph, needed)
        if self.stores_dear:
            add_dear(graph, needed, stored)
        structured = StructuredNodes(self, frame)
        frame.order = Order(graph, needed)
        for i in frame.order.nodes:
            code = graph.op[i]
            if code in (INPUT, CONST):
                continue
            op = BY_CODE[code]
            if isinstance(op.loops, Element) and op.loops.require is not None:
                op.loops.require(cast("Any", NodeElements(self, frame, i)))
            if op.is_structured or isinstance(op.loops, OnStacks):
                structured.emit(i)
            elif code == ASSERT:
                if i not in in_rows:
                    self._assert(frame, i)
            elif i in stored:
                self.store(frame, i)

    def _assert(self, frame: Frame, i: int) -> None:
        def check(index: tuple[Index, ...]) -> None:
            self.element(frame, i, index)

        self.loops(one(frame.graph.type_of(i)).shape, check, "serial")

    def store(self, frame: Frame, i: int) -> None:
        """Computes node `i` into a buffer, from which it is read then: an operand's, an output's or a new one."""
        graph = frame.graph
        op, t = BY_CODE[graph.op[i]], one(graph.type_of(i))
        if i in frame.outputs:
            self.write(frame, i, frame.outputs[i])
            frame.readers[i] = Stored(self.k, frame.outputs[i], (), self.k.here)
            return
        x = graph.a[i]
        if i not in frame.readers and writes_in_place(op) and one(graph.type_of(x)).dtype == t.dtype:
            name = take_over(self, frame, i, x)
            if name:
                self._write_statements(frame, i, name)
                frame.readers[i] = Stored(self.k, name, (), self.k.here, changing=True)
                frame.owned[i] = name
                return
        name = self.k.scratch(SCALARS[t.dtype], [self.size(n) for n in t.shape])
        self.write(frame, i, name)
        frame.readers[i] = Stored(self.k, name, (), self.k.here)
        frame.owned[i] = name

    def keep(self, frame: Frame, i: int) -> None:
        """Computes the value of node `i` now: its numbers, or all elements in memory."""
        t = one(frame.graph.type_of(i))
        if is_small(t.shape):
            shape = cast("tuple[int, ...]", t.shape)
            indices = itertools.product(*map(range, shape))
            numbers = {index: self.element(frame, i, tuple(map(Index, index))) for index in indices}
            frame.readers[i] = Components(self.k, SCALARS[t.dtype], shape, numbers)
        else:
            self.store(frame, i)

    def _write_statements(self, frame: Frame, i: int, name: str) -> None:
        """The statement form of node `i` in this buffer, which holds the first operand if the form needs that."""
        loops = BY_CODE[frame.graph.op[i]].loops
        assert isinstance(loops, Statements)
        loops.rule(cast("Any", NodeElements(self, frame, i, name)))

    def output(self, frame: Frame, i: int, name: str) -> None:
        """Has the buffer of an output hold it."""
        reader = frame.readers.get(i)
        if reader is None and frame.outputs.get(i) == name:
            self.store(frame, i)
        elif not (isinstance(reader, Stored) and reader.buffer == name):
            self.write(frame, i, name)

    def write(self, frame: Frame, i: int, name: str) -> None:
        """Computes node `i` into the buffer of this name."""
        graph = frame.graph
        op, t = BY_CODE[graph.op[i]], one(graph.type_of(i))
        computed = i not in frame.readers
        form = op.loops
        if isinstance(form, Element) and form.stored and not is_small(t.shape) and not self.k.in_lanes:
            form = form.stored
        if computed and isinstance(form, Statements):
            if form.in_place:
                x = graph.a[i]

                def copied(index: tuple[Index, ...]) -> None:
                    number = self.number(frame, x, index, frame.first + i)
                    self.k.store(name, index, self._fit(number, t, frame.first + i))

                self.loops(t.shape, copied, "vector")
            write_statements(self, frame, i, name, form)
        elif computed and is_product(graph, i) and write_product(self, frame, i, name):
            pass
        elif computed and is_called(graph, i):
            operands = [self.region(frame, x) for x in graph.operands(i)]
            count = [self.size(operations(graph, i))]
            self.k.call(f"op:{op.name}", operands, [Region(name)], count, frame.first + i)
        else:
            visit = partial(self._store_element, frame, i, name)
            self.loops(t.shape, visit, "vector", together=not is_sum(graph, i))

    def _store_element(self, frame: Frame, i: int, name: str, index: tuple[Index, ...]) -> None:
        self.k.store(name, index, self.element(frame, i, index))

    def is_in_one_piece(self, frame: Frame, x: int) -> bool:
        """Whether all of a node is a buffer."""
        reader = frame.readers.get(x)
        return isinstance(reader, Stored) and not reader.front

    def region(self, frame: Frame, x: int) -> Region:
        """The part of a buffer that holds all of node `x`."""
        if not isinstance(frame.readers.get(x), Stored):
            self.store(frame, x)
        reader = frame.readers[x]
        assert isinstance(reader, Stored)
        return Region(reader.buffer, reader.front)


def lower(graph: Graph, name: str = "nest", rows: str | None = None) -> LoopNest:
    """The nest of a graph: its inputs in the buffers `x0`, `x1`, …, its outputs in `y0`, `y1`, …

    rows: the name of the size whose loop all outputs share, cut over calls (`chunk`). Raises Unsupported.
    """
    return lower_with_stacks(graph, name, rows)[0]


def lower_with_stacks(graph: Graph, name: str = "nest", rows: str | None = None) -> tuple[LoopNest, list[str]]:
    """The nest of a graph, and the local buffers that hold those of its outputs that are stacks of numbers: in the
    buffer of such an output is how many there are.
    """
    lowering = Lowering(name, first=first_nodes(graph), stores_dear=rows is None)
    k, frame = lowering.k, lowering.frame(graph)
    lowering.require_sizes(graph)
    for n, i in enumerate(graph.inputs):
        argument(lowering, graph, i, f"x{n}", "in")
        frame.readers[i] = Stored(k, f"x{n}")
    for n, i in enumerate(graph.outputs):
        argument(lowering, graph, i, f"y{n}", "out")
        if rows is None and i not in frame.readers and not isinstance(graph.type_of(i), Stack):
            frame.outputs.setdefault(i, f"y{n}")
    checked = [i for i in graph.asserts if graph.op[i] == ASSERT and one(graph.type_of(i)).shape[:1] == (rows,)]
    lowering.emit(frame, checked)
    if rows is not None:
        require_one_loop(k.blocks[0])
    if rows is None:
        stacks: list[str] = []
        for n, i in sorted(enumerate(graph.outputs), key=itemgetter(1)):
            if not isinstance(graph.type_of(i), Stack):
                lowering.output(frame, i, f"y{n}")
        for n, i in enumerate(graph.outputs):
            if not isinstance(graph.type_of(i), Stack):
                continue
            items = frame.stacks[i]
            if not isinstance(items, Written) or len(items.buffers) > 1 or items.begin != Index(0):
                raise Unsupported("a stack that is not written")
            stacks += items.buffers
            k.store(f"y{n}", (), k.index_value(items.length))
        return k.nest(), stacks

    def row(index: tuple[Index, ...]) -> None:
        for i in checked:

            def check(rest: tuple[Index, ...], i: int = i) -> None:
                lowering.element(frame, i, (*index, *rest))

            lowering.loops(one(graph.type_of(i)).shape[1:], check, "serial")
        for n, i in enumerate(graph.outputs):

            def element(rest: tuple[Index, ...], n: int = n, i: int = i) -> None:
                k.store(f"y{n}", (*index, *rest), lowering.element(frame, i, (*index, *rest)))

            lowering.loops(one(graph.type_of(i)).shape[1:], element, "vector")

    lowering.loops((rows,), row, "chunk", "chunk")
    return k.nest(), []


def argument(lowering: Lowering, graph: Graph, i: int, name: str, role: Any, rows: str | None = None) -> None:
    """The buffer of an input or an output. rows: the size of an axis in front."""
    t = graph.type_of(i)
    t = INT if isinstance(t, Stack) else one(t)
    shape = t.shape if rows is None else (rows, *t.shape)
    lowering.k.buffer(name, SCALARS[t.dtype], [lowering.size(n) for n in shape], role)
