"""Graphs of tensors for tests: built, run, differentiated, and compared with differences."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from executors import ArrayExecutor
from tensor_oracle import Array, slopes

from cgcli.graph.graph import Graph
from cgcli.graph.sizes import Size
from cgcli.graph.types import Type
from cgcli.ops.array_kernels import DTYPES
from cgcli.ops.builder import Builder
from cgcli.ops.typing import one
from cgcli.ops.update import axis_target
from cgcli.ops.validity import check
from cgcli.transform.gradient import gradient


def type_of(x: Array) -> Type:
    return Type(next(name for name, dtype in DTYPES.items() if dtype == x.dtype), x.shape)


def built(make: Callable[..., int | list[int]], *types: Type) -> Graph:
    """The graph of `make(b, *inputs)`, its output or its outputs."""
    b = Builder()
    outputs = make(b, *[b.input(t) for t in types])
    graph = b.done(*(outputs if isinstance(outputs, list) else [outputs]))
    check(graph)
    return graph


def run(graph: Graph, xs: Sequence[Any]) -> list[Any]:
    v = ArrayExecutor(graph).forward(xs)
    return [v[i] for i in graph.outputs]


def weights(shape: Sequence[int]) -> Array:
    """Numbers of both signs, none twice."""
    return np.cos(1.0 + np.arange(math.prod(shape))).reshape(tuple(shape))


def constant(b: Builder, x: Array) -> int:
    return b.const(tuple(x.ravel().tolist()) if x.ndim else x.item(), type_of(x))


def total(b: Builder, x: int) -> int:
    """The sum of all elements."""
    rank = b.type1(x).rank
    return int(b.sum(x, axes=tuple(range(-rank, 0)), keepdims=False)) if rank else x


def gram(b: Builder, x: int, n: Size) -> int:
    """x x' + 1 for `n` rows, positive definite."""
    identity = b.eq(b.expand_dims(b.arange(size=n), axes=(-1,)), b.arange(size=n))
    return int(b.add(b.matmul(x, b.permute(x, axes=(-1, -2))), b.cast(identity, dtype="float")))


def pulled(graph: Graph, squares: bool = False) -> Graph:
    """One number: the outputs' elements times weights, or their squares, all added up."""
    b = Builder()
    where = b.inline(graph, [b.input(one(graph.type_of(i)), graph.names.get(i)) for i in graph.inputs])
    outputs = [where[i] for i in graph.outputs]
    if squares:
        parts = [b.fixed_power(x, exponent=2) for x in outputs]
    else:
        parts = [b.mul(constant(b, weights(b.type1(x).shape)), x) for x in outputs]
    y = total(b, parts[0])
    for part in parts[1:]:
        y = int(b.add(y, total(b, part)))
    return b.done(y)


def floats_of(graph: Graph) -> list[int]:
    return [i for i in graph.inputs if one(graph.type_of(i)).is_float]


def derived(graph: Graph) -> Graph:
    """The derivative of the first output (of the sum of its elements) by every input that has one."""
    made = gradient(graph, graph.outputs[0], floats_of(graph))
    check(made)
    return made


def assert_slopes(graph: Graph, made: Graph, xs: Sequence[Array]) -> None:
    """`made` gives the derivatives of the first output of `graph` by its inputs, as far as differences can say."""
    forward = ArrayExecutor(graph)

    def terms(at: Sequence[Array]) -> Array:
        return np.asarray(forward.forward(at)[graph.outputs[0]])

    by = [k for k, i in enumerate(graph.inputs) if i in floats_of(graph)]
    for k, found in zip(by, run(made, xs), strict=True):
        assert found.shape == xs[k].shape
        for place, wanted in slopes(terms, xs, k):
            assert wanted.bound <= 1e-5 * (1 + abs(wanted.value))
            assert abs(found[place] - wanted.value) <= wanted.bound, (k, place)


def added_at(b: Builder, v: int, i: int, axis: int, size: Size) -> int:
    """Zeros of which `v` is added to the elements at indices of an axis."""
    t, many = b.type1(v), b.type1(i).rank
    behind = -axis - 1
    shape = (*t.shape[: t.rank - behind - many], size, *t.shape[t.rank - behind :])
    return int(b.add_at(b.const(0.0, t._replace(shape=shape)), v, i, **axis_target(shape, axis)))
