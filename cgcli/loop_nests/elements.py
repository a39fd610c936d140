"""What element forms and statement forms are written in: one node of a graph, seen from within its loops."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from cgcli.graph.graph import CONST, GET, INPUT
from cgcli.graph.sizes import Shape, Size
from cgcli.graph.types import Type
from cgcli.ops.table import BY_CODE

from .form import INDEX, SIZE, Extent, Index, Kind, ScalarType, Value, index_of
from .numbers import NAMESPACE, Number
from .primitives import NEUTRAL, RANGES
from .storage import OPENED, is_opened, is_small

if TYPE_CHECKING:
    from cgcli.ops.protocols import LoopKind

    from .readers import Frame, GraphLowering

SCALARS: dict[str, ScalarType] = {"float": "f64", "f32": "f32", "int": "i64", "i32": "i32", "bool": "bool"}


class NodeElements:
    """Node `node` of a frame (`ops.protocols.Elements` and `ElementWriter`). out: the buffer that a statement form
    writes, row: the index of the row that it writes."""

    xp = NAMESPACE

    def __init__(
        self, lowering: GraphLowering, frame: Frame, node: int, out: str = "", row: Sequence[Index] = ()
    ) -> None:
        self.lowering, self.frame, self.out, self.row = lowering, frame, out, row
        self.node = frame.first + node  # as statements name it
        graph = frame.graph
        self._operands = graph.operands(node)
        self.attrs: Mapping[str, Any] = graph.attrs.get(node, {})
        self.types = [cast("Type", graph.type_of(x)) for x in graph.operands(node)]
        self.type = cast("Type", graph.type_of(node))
        self.k = lowering.k

    # ---- numbers and indices

    def operand(self, k: int, index: Sequence[Index]) -> Number:
        return self.lowering.number(self.frame, self._operands[k], tuple(index), self.node)

    def broadcast(self, k: int, index: Sequence[Index]) -> Number:
        return self.operand(k, broadcast_index(self.types[k].shape, index))

    def index(self, size: Size) -> Index:
        return index_of(self.lowering.size(size))

    def index_of(self, number: Number) -> Index:
        return self.k.sum_of(number.to("i64").value)

    def number(self, index: Index) -> Number:
        return Number(self.k, self.k.index_value(index), self.node)

    def of(self, value: Value) -> Number:
        return Number(self.k, value, self.node)

    def const(self, value: float) -> Number:
        return Number(self.k, self.k.const(value, SCALARS[self.type.dtype]), self.node)

    def reshaped(self, index: Sequence[Index], shape: Shape, to: Shape) -> Sequence[Index]:
        """The same where only axes of size 1 differ; else by the number of the element in memory.

        That number alone where the first operand lies in memory and only divisions could split it.
        """
        kept = [i for i, n in zip(index, shape, strict=True) if n != 1]
        if [n for n in shape if n != 1] == [n for n in to if n != 1]:
            rest = iter(kept)
            return [Index(0) if n == 1 else next(rest) for n in to]
        total = Index(0)
        for i, n in zip(index, shape, strict=True):
            total = self._times(total, self.lowering.size(n)).plus(i)
        sizes = [self.lowering.size(n) for n in to]
        parts = self._split(total, sizes, divide=False)
        if parts is None and self.lowering.is_in_one_piece(self.frame, self._operands[0]):
            return [total]
        return parts or self._split(total, sizes, divide=True) or []

    def _times(self, index: Index, n: Extent) -> Index:
        if isinstance(n, int):
            return index.times(n) if all(isinstance(c, int) for _, c in index.terms) else self._product(index, n)
        if not index.terms and not index.const:
            return index
        return self._product(index, n)

    def _product(self, index: Index, n: Extent) -> Index:
        factor = n if isinstance(n, Value) else self.k.const(n, "i64")
        return index_of(self.k.apply("mul", self.k.index_value(index), factor))

    def _split(self, total: Index, sizes: Sequence[Extent], divide: bool) -> Sequence[Index] | None:
        """The indices of the element of this number where its terms fit the axes, else by division or None."""
        indices: list[Index] = []
        for n in reversed(sizes[1:]):
            parts = self._exact(total, n) if isinstance(n, int) else None
            if parts is None:
                if not divide:
                    return None
                number = self.k.index_value(total)
                divisor = n if isinstance(n, Value) else self.k.const(n, "i64")
                inner = self.k.apply("mod", number, divisor)
                parts = index_of(self.k.apply("floor_div", number, divisor)), index_of(inner)
                if inner not in self.k.constants:
                    self.k.limits.setdefault(inner, n)
            total, last = parts
            indices.append(last)
        return [total, *reversed(indices)] if sizes else []

    def _exact(self, total: Index, n: int) -> tuple[Index, Index] | None:
        """The quotient and the rest of an index whose terms are multiples of `n`, or stay below it in sum."""
        if n == 0 or any(isinstance(c, Value) for _, c in total.terms):
            return None
        outer = tuple((v, cast("int", c) // n) for v, c in total.terms if cast("int", c) % n == 0)
        inner = Index(total.const % n, tuple((v, c) for v, c in total.terms if cast("int", c) % n))
        if inner.terms and not self.k.is_below(inner, n):
            return None
        return Index(total.const // n, outer), inner

    def inside(self, index: Index, size: Size, step: int) -> tuple[Number | bool, Index]:
        k, extent = self.k, self.lowering.size(size)
        if not index.terms and isinstance(extent, int):
            quotient, rest = divmod(index.const, step)
            return (rest == 0 and 0 <= quotient < extent), Index(quotient)
        if step == 1 and k.is_below(index, extent):
            return True, index
        number, zero = k.index_value(index), k.const(0, "i64")
        condition: Value | None = None
        if step != 1:
            divisor = k.const(step, "i64")
            condition = k.eq(k.apply("mod", number, divisor), zero)
            number = k.apply("floor_div", number, divisor)
        last = k.index_value(index_of(extent).plus(Index(-1)))
        fits = k.and_(k.ge(number, zero), k.le(number, last))
        condition = fits if condition is None else k.and_(condition, fits)
        clamped = k.max(k.min(number, last), zero)
        if clamped not in k.constants:
            k.limits.setdefault(clamped, extent)
        return Number(k, condition, self.node), index_of(clamped)

    def checked_index(self, number: Number, size: Size) -> Number:
        k, extent = self.k, self.lowering.size(size)
        value = number.to("i64").value
        if k.is_below(k.sum_of(value), extent):
            return number
        count, zero = k.index_value(extent), k.const(0, "i64")
        wrapped = k.select(k.lt(value, zero), k.add(value, count), value)
        k.check(k.and_(k.ge(wrapped, zero), k.lt(wrapped, count)), INDEX, self.node)
        if wrapped not in k.constants:
            # the checked index is a value of its own behind the check: no load may move in front of it
            wrapped = k.apply("max", wrapped, zero, here=True)
            k.limits.setdefault(wrapped, extent)
        return number.of(wrapped)

    # ---- control

    def switch(self, selector: Number | bool, cases: Sequence[Callable[[], Number]]) -> Number:
        number = int(selector) if isinstance(selector, bool) else self.k.constants.get(selector.value)
        if number is not None or len(cases) == 1:
            return cases[min(int(number or 0), len(cases) - 1)]()
        assert isinstance(selector, Number)
        type_ = SCALARS[self.type.dtype]

        def built(case: Callable[[], Number]) -> Callable[[], Sequence[Value]]:
            return lambda: [case().to(type_).value]

        (value,) = self.k.switch(selector.value, [built(case) for case in cases])
        return selector.of(value)

    def require_same(self, sizes: Sequence[Size], others: Sequence[Size]) -> None:
        for size, other in zip(sizes, others, strict=True):
            if size != other:
                a, b = (self.k.index_value(self.lowering.size(n)) for n in (size, other))
                self.k.check(self.k.eq(a, b), SIZE, self.node)

    def require_elements(self, axes: Sequence[int]) -> None:
        for axis in axes:
            extent = self.lowering.size(self.types[0].shape[axis])
            self.k.check(self.k.gt(self.k.index_value(extent), self.k.const(0, "i64")), SIZE, self.node)

    def steps(
        self,
        size: Size,
        initial: Sequence[Number],
        step: Callable[[Index, Sequence[Number]], Sequence[Number]],
    ) -> Sequence[Number]:
        extent = self.lowering.size(size)
        with self.k.loop(extent, [x.value for x in initial]) as loop:
            self.k.limits[loop.variable] = extent
            carried = [x.of(value) for x, value in zip(initial, loop.carried, strict=True)]
            after = step(index_of(loop.variable), carried)
            loop.yields = [x.to(first.type).value for x, first in zip(after, initial, strict=True)]
        return [x.of(value) for x, value in zip(initial, loop.results, strict=True)]

    def reduce(
        self,
        index: Sequence[Index],
        combine: str,
        start: float,
        element: Callable[[Number], Number] | None = None,
    ) -> Number:
        """Loops over the reduced axes, the innermost one a `vector` loop; those over few fixed elements opened up.

        Where the results are lanes and neighbours in memory belong to different ones, each is summed up in order.
        """
        k, t = self.k, self.types[0]
        gone = sorted(t.rank + axis for axis in self.attrs["axes"])
        rest = iter(index)
        full: list[Index | None] = []
        for axis in range(t.rank):
            if axis in gone:
                if self.attrs["keepdims"]:
                    next(rest)
                full.append(None)
            else:
                full.append(next(rest))
        type_: ScalarType = "bool" if combine in ("and", "or") else SCALARS[self.type.dtype]
        if type_ == "i32":
            type_ = "i64"
        key = "reduce", self.node, id(self.frame), combine, tuple(full)
        existing = k.memo(key)
        if existing is not None:
            return Number(k, existing, self.node)
        kept = [i for i in full if i is not None]
        depth = max([self.frame.base, *(k.depth[v] for i in kept for v in i.values)])

        def read() -> Value:
            x = self.operand(0, [cast("Index", i) for i in full])
            x = x.to(type_) if element is None else element(x.to(type_)).to(type_)
            return x.value

        def over(axes: Sequence[int], total: Value) -> Value:
            if not axes:
                return k.apply(combine, total, read(), node=self.node)
            axis, *inner = axes
            n = self.lowering.size(t.shape[axis])
            if isinstance(n, int) and is_opened([n], scalars) and not (inner and self._is_long(inner)):
                for j in range(n):
                    full[axis] = Index(j)
                    total = over(inner, total)
                return total
            in_order = inner or combine not in NEUTRAL or type_ == "i64" or (across and k.in_lanes)
            kind: Kind = "serial" if in_order else "vector"
            with k.loop(n, [total], [combine if kind == "vector" else ""], kind) as loop:
                k.limits[loop.variable] = n
                full[axis] = index_of(loop.variable)
                loop.yields = [over(inner, loop.carried[0])]
            return loop.results[0]

        last = max((axis for axis, n in enumerate(t.shape) if n != 1), default=-1)
        across = last not in gone  # neighbours in memory belong to other results
        with k.outside(depth) as block:
            scalars = is_small(t.shape) or k.in_lanes
            if type_ == "i64" and abs(start) == math.inf:
                start = RANGES["i64"][0 if start < 0 else -1]
            result = over(gone, k.const(start, type_))
            k.remember(key, result, block)
        return Number(k, result, self.node)

    def _is_long(self, axes: Sequence[int]) -> bool:
        sizes = [self.lowering.size(self.types[0].shape[axis]) for axis in axes]
        return not all(isinstance(n, int) and n <= OPENED for n in sizes)

    # ---- statements

    def each(
        self,
        shape: Shape,
        visit: Callable[[Sequence[Index]], None],
        kind: LoopKind = "opened",
        independent: int = 0,
    ) -> None:
        lanes = len(shape) if kind == "vector" else independent
        self.lowering.loops(
            shape, lambda index: visit(list(index)), "vector", independent=lanes, short=kind != "opened"
        )

    def write(self, index: Sequence[Index], value: Number) -> None:
        self.k.store(self.out, index, value.to(SCALARS[self.type.dtype]).value)

    def add(self, index: Sequence[Index], value: Number) -> None:
        before = Number(self.k, self.k.load(self.out, index, changing=True), self.node)
        self.write(index, before + value)


def broadcast_index(shape: Shape, index: Sequence[Index]) -> list[Index]:
    """The index into an operand of this shape that an index of the result reads."""
    behind = index[len(index) - len(shape) :]
    return [Index(0) if n == 1 else i for n, i in zip(shape, behind, strict=True)]


def is_elementwise(frame: Frame, x: int) -> bool:
    """Whether a node is computed by its kernel of the elements at its index."""
    op = BY_CODE[frame.graph.op[x]]
    return (
        x not in frame.readers
        and frame.graph.op[x] not in (INPUT, CONST, GET)
        and op.is_elementwise
        and op.loops is None
    )
