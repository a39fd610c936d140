"""Values whose elements take so long to compute that they are stored rather than computed twice.

Those are sums (any reductions) and functions such as `exp` that several of the values in memory read, and functions of
elements that are repeated along an axis where they are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from cgcli.graph.graph import Graph
from cgcli.graph.types import Type
from cgcli.ops.op import Element
from cgcli.ops.table import BY_CODE

from .builder import LoopBuilder
from .elements import SCALARS
from .form import Apply, statements
from .numbers import NAMESPACE, Number
from .primitives import FUNCTIONS
from .storage import is_computed, is_small, repeated_axes, shape_of
from .strided import viewed

NOBODY, SEVERAL = -1, -2
"""The only value in memory that reads an element, if it is not one."""


def add_dear(graph: Graph, needed: Sequence[int], stored: set[int]) -> None:
    """Adds those values to the ones that lie in memory."""
    small = [isinstance(t, Type) and is_small(t.shape) for t in map(graph.type_of, range(len(graph)))]
    _add_repeated(graph, needed, stored, small)
    reader = [NOBODY] * len(graph)
    kept = stored | {*graph.outputs, *graph.asserts}
    for i in range(len(graph) - 1, -1, -1):
        if not is_computed(graph, i, needed):
            continue
        again = reader[i] == SEVERAL or (i in graph.outputs and reader[i] != NOBODY)
        if again and not small[i] and (_has_functions(graph, i) or is_sum(graph, i)):
            stored.add(i)
            kept.add(i)
        mine = i if i in kept else reader[i]
        for x in graph.operands(i):
            reader[x] = mine if reader[x] in (NOBODY, mine) else SEVERAL


def _add_repeated(graph: Graph, needed: Sequence[int], stored: set[int], small: Sequence[bool]) -> None:
    """Functions that are repeated along an axis of what reads them."""
    dear = [False] * len(graph)
    for i in range(len(graph)):
        if not is_computed(graph, i, needed):
            continue
        op = BY_CODE[graph.op[i]]
        if not op.is_elementwise or op.loops is not None:
            dear[i] = isinstance(op.loops, Element) and op.loops.reads == "same" and dear[graph.a[i]]
            continue
        for x in graph.operands(i):
            if dear[x] and not small[x] and repeated_axes(shape_of(graph, x), shape_of(graph, i)):
                base = viewed(graph, x)
                stored.add(base if is_computed(graph, base, needed) else x)
        dear[i] = i not in stored and (_has_functions(graph, i) or any(dear[x] for x in graph.operands(i)))


def is_sum(graph: Graph, i: int) -> bool:
    """Whether a node is a reduction."""
    form = BY_CODE[graph.op[i]].loops
    return isinstance(form, Element) and form.reads == "reduced"


_KERNELS: dict[tuple[object, ...], bool] = {}


def _has_functions(graph: Graph, i: int) -> bool:
    """Whether the kernel of an elementwise node computes a function; memoised by op, types and attributes."""
    op, attrs = BY_CODE[graph.op[i]], graph.attrs.get(i, {})
    if not op.is_elementwise or op.loops is not None:
        return False
    dtypes = tuple(cast("Type", graph.type_of(x)).dtype for x in (*graph.operands(i), i))
    key = op.code, dtypes, repr(attrs)
    if key not in _KERNELS:
        k = LoopBuilder("kernel")
        numbers = [Number(k, k.value(SCALARS[dtype], 0), 0) for dtype in dtypes[:-1]]
        if dtypes[-1] != "bool":
            numbers = [x.to("i64") if x.type == "bool" else x for x in numbers]
        op.evaluate(cast("Any", NAMESPACE), cast("Any", attrs), *cast("Any", numbers))
        _KERNELS[key] = any(isinstance(s, Apply) and s.primitive in FUNCTIONS for s in statements(k.blocks[0]))
    return _KERNELS[key]
