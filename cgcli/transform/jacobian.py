"""Jacobians and Hessians: reverse mode, batched over the elements of the value that is differentiated."""

from __future__ import annotations

from collections.abc import Sequence

from cgcli.graph.graph import NONE, Graph
from cgcli.graph.sizes import product
from cgcli.graph.traversal import prune
from cgcli.ops.builder import Builder
from cgcli.ops.typing import one

from .batch import batch_nodes, replicate
from .cotangents import flat_type
from .gradient import differentiate


def jacobian(graph: Graph, of: int, wrt: Sequence[int], value: bool = False) -> Graph:
    """The graph that has `graph`'s inputs and gives the derivative of each element of `of` by each node of `wrt`.

    A derivative has the shape of `of` followed by that of the node it is by. value: `of` itself is the first output.
    """
    b = Builder()
    inputs = [b.input(one(graph.type_of(i)), graph.names.get(i)) for i in graph.inputs]
    where = b.inline(graph, inputs)
    partials = jacobians(b, where[of], [where[x] for x in wrt])
    return prune(b.done(*([where[of]] if value else []), *partials))


def hessian_row(graph: Graph, of: int, row: int, columns: Sequence[int]) -> Graph:
    """The graph that has `graph`'s inputs and gives the derivative by each of `columns` of that of `of` by `row`.

    `of` is a number; a derivative has the shape of `row` followed by that of the column.
    """
    b = Builder()
    inputs = [b.input(one(graph.type_of(i)), graph.names.get(i)) for i in graph.inputs]
    where = b.inline(graph, inputs)
    [first] = differentiate(b, where[of], [where[row]])
    return prune(b.done(*jacobians(b, first, [where[x] for x in columns])))


def jacobians(b: Builder, of: int, wrt: Sequence[int]) -> list[int]:
    """Appends to `b` the derivative of each element of `of` by each of `wrt`, and returns those nodes.

    The backward pass is batched with only its seed flagged, so nodes of the forward pass stay unbatched.
    """
    shape = b.type1(of).shape
    if not shape:
        return differentiate(b, of, wrt)
    type_ = flat_type(b.type_of(of))
    seed = b.const(0.0, type_)  # stands for a row of the identity
    lo = len(b)
    partials = differentiate(b, of, wrt, seed)
    size = product(shape)
    rows, columns = b.expand_dims(b.arange(size=size), axes=(-1,)), b.arange(size=size)
    identity = b.cast(b.eq(rows, columns), dtype=type_.dtype)
    identity_rows = identity if len(shape) == 1 else b.reshape(identity, shape=(size, *shape))
    where = [*range(lo), *[NONE] * (len(b) - lo)]
    flags = bytearray(len(where))
    where[seed], flags[seed] = identity_rows, 1
    b.share()
    batch_nodes(b, b, where, flags, lo, size)
    result: list[int] = []
    for x, node in zip(wrt, partials, strict=True):
        partial = where[node] if flags[node] else replicate(b, where[node], size)
        result.append(b.reshape(partial, shape=(*shape, *b.type1(x).shape)) if len(shape) > 1 else partial)
    b.share(False)
    return result
