"""Values whose elements lie in a buffer at regular distances: what views make of a buffer, without a copy.

Which distances those are is asked of the element forms: an element at an index of variables is lowered on trial. Where
it is a load whose index is a sum of these variables, the value is that part of the buffer.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

from cgcli.graph.graph import CONST, Graph
from cgcli.graph.types import Type
from cgcli.ops.op import Element, may_view
from cgcli.ops.table import BY_CODE

from .form import Extent, Index, Load, Value, index_of

if TYPE_CHECKING:
    from .bounds import IndexBuilder
    from .readers import Frame, GraphLowering


class Strided(NamedTuple):
    """Elements of a buffer: the number of the first one, and along each axis the distance of neighbours."""

    buffer: str
    offset: Extent
    strides: tuple[Extent, ...]


def is_view(graph: Graph, x: int) -> bool:
    """Whether a node only moves elements of its operand."""
    op, operands = BY_CODE[graph.op[x]], graph.operands(x)
    if not isinstance(op.loops, Element) or len(operands) != 1:
        return False
    return may_view(op, [graph.type_of(operands[0])], graph.type_of(x), graph.attrs.get(x, {}))


def viewed(graph: Graph, x: int) -> int:
    """The node whose elements a chain of views shows; the node itself if it is none."""
    while is_view(graph, x):
        x = graph.a[x]
    return x


def product(k: IndexBuilder, a: Extent, b: Extent) -> Extent:
    """Of two sizes."""
    if isinstance(a, int) and isinstance(b, int):
        return a * b
    if a == 1 or b == 1:
        return b if a == 1 else a
    return k.apply("mul", *(x if isinstance(x, Value) else k.const(x, "i64") for x in (a, b)))


def dense(k: IndexBuilder, shape: Sequence[Extent]) -> tuple[Extent, ...]:
    """The strides of a buffer of this shape."""
    strides: list[Extent] = [1] * len(shape)
    for axis in range(len(shape) - 1, 0, -1):
        strides[axis - 1] = product(k, strides[axis], shape[axis])
    return tuple(strides)


def strided(lowering: GraphLowering, frame: Frame, x: int) -> Strided | None:
    """Where the elements of a node lie, None where they are computed or at other distances.

    Along an axis of one element the stride is 1. Elements at different indices are different ones.
    """
    graph, k = frame.graph, lowering.k
    base = viewed(graph, x)
    if base not in frame.readers and graph.op[base] != CONST:
        return None
    sizes = [lowering.size(n) for n in cast("Type", graph.type_of(x)).shape]
    checks = k.checks
    variables = [k.value("i64") for _ in sizes]
    k.limits.update(zip(variables, sizes, strict=True))
    indices = tuple(Index(0) if n == 1 else index_of(v) for v, n in zip(variables, sizes, strict=True))
    statements, (value,) = k.block(lambda: [lowering.element(frame, x, indices)])
    load = next((s for s in statements if isinstance(s, Load) and s.result is value), None)
    if load is None or k.checks != checks:
        return None
    return _strides(k, load, dict(zip(variables, sizes, strict=True)))


def _strides(k: IndexBuilder, load: Load, sizes: dict[Value, Extent]) -> Strided | None:
    """sizes: of the variables, how many values each has."""
    shape = k.buffers[load.buffer].shape
    per_axis = dense(k, shape) if len(load.access) == len(shape) else (1,)
    offset: Index = Index(0)
    strides: dict[Value, Extent] = {}
    for index, unit in zip(load.access, per_axis, strict=True):
        own = {v: c for v, c in index.terms if v in sizes}
        rest = Index(index.const, tuple((v, c) for v, c in index.terms if v not in sizes))
        if own.keys() & strides.keys() or not _apart(own, sizes) or any(k.depth[v] > k.here for v in rest.values):
            return None
        strides |= {v: product(k, c, unit) for v, c in own.items()}
        if rest != Index(0):
            value = k.index_value(rest) if rest.terms else rest.const
            offset = offset.plus(index_of(product(k, value, unit)))
    first = k.index_value(offset) if offset.terms else offset.const
    if any(n != 1 and v not in strides for v, n in sizes.items()):
        return None
    return Strided(load.buffer, first, tuple(strides.get(v, 1) for v in sizes))


def _apart(terms: dict[Value, Extent], sizes: dict[Value, Extent]) -> bool:
    """Whether sums of these terms differ where their variables do: the coefficients are those of digits."""
    if any(not isinstance(c, int) or c <= 0 for c in terms.values()):
        return False
    ordered = sorted(terms.items(), key=lambda term: cast("int", term[1]))
    for (v, c), (_, above) in itertools.pairwise(ordered):
        n = sizes[v]
        if not isinstance(n, int) or cast("int", c) * n > cast("int", above):
            return False
    return True
