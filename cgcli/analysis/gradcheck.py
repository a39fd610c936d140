"""Which node has the wrong derivative: each op by itself beside differences of itself, in the order of the graph."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import CONST, INPUT, Graph
from cgcli.graph.traversal import restrict
from cgcli.graph.types import Type
from cgcli.ops.builder import Builder
from cgcli.ops.interpreter import Sizes
from cgcli.ops.sizes import bind_sizes
from cgcli.ops.table import BY_CODE
from cgcli.ops.typing import one
from cgcli.run.numpy.reference import array_interpreter
from cgcli.transform.gradient import gradient

from .differences import Check, check

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from cgcli.ops.array_kernels import FloatArray

MOST = 64  # elements of an operand that are checked


class WrongDerivative(NamedTuple):
    """The first wrong element of the first wrong node: of its `operand`-th operand, at `position`."""

    node: int
    operand: int
    position: tuple[int, ...]
    check: Check


def sampled_positions(shape: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """The positions of a shape's elements, an even sample where they are many."""
    count = int(np.prod(shape, dtype=np.int64))
    for k in np.unique(np.linspace(0, count - 1, min(count, MOST)).astype(np.int64)) if count else ():
        yield tuple(int(i) for i in np.unravel_index(k, tuple(shape)))


def element(position: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, position))}]" if position else ""


def with_element(x: ArrayLike, position: tuple[int, ...], value: float) -> FloatArray:
    """A copy of `x` with another value at one position."""
    copy = np.array(x, dtype=np.float64)
    copy[position] = value
    return copy


def checks(
    f: Callable[[FloatArray], float], name: str, x: FloatArray, derivative: FloatArray, unit: float
) -> Iterator[tuple[tuple[int, ...], Check]]:
    """The derivative by each element of a sample of `x` beside differences, with the element's position."""
    for position in sampled_positions(np.shape(x)):

        def along(z: float, position: tuple[int, ...] = position) -> float:
            return f(with_element(x, position, z))

        at, slope = float(x[position]), float(derivative[position])
        yield position, check(along, f"{name}{element(position)}", at, slope, unit)


def worst_element(
    f: Callable[[FloatArray], float], name: str, x: FloatArray, derivative: FloatArray, unit: float
) -> Check:
    """The check of the first wrong element of a tensor, else of the one that differs most."""
    worst: Check | None = None
    for _, result in checks(f, name, x, derivative, unit):
        if result.verdict == "wrong":
            return result
        if worst is None or _distance(result) > _distance(worst):
            worst = result
    return worst or Check(name, 0.0, 0.0, "ok")


def _distance(c: Check) -> float:
    return abs(c.derivative - c.difference) if c.verdict != "edge" else -1.0


def first_wrong(graph: Graph, inputs: Sequence[object]) -> WrongDerivative | None:
    """The first node whose derivative rule disagrees with differences of the op at the point `inputs`."""
    values = array_interpreter(restrict(graph, range(len(graph))))(inputs)
    sizes = bind_sizes(graph, graph.inputs, inputs)
    for i, code in enumerate(graph.op):
        result = graph.type_of(i)
        if code in (INPUT, CONST) or not isinstance(result, Type) or not result.is_float:
            continue
        if BY_CODE[code].is_structured or BY_CODE[code].derivative.rules == ():
            continue
        wrong = _check_node(graph, i, [values[x] for x in graph.operands(i)], sizes)
        if wrong is not None:
            return wrong
    return None


def _check_node(graph: Graph, i: int, values: list[object], sizes: Sizes) -> WrongDerivative | None:
    """Compares the derivative of a weighted sum of the node's elements by each element of its operands."""
    b = Builder()
    types = [one(graph.type_of(x)) for x in graph.operands(i)]
    inputs = [b.input(_typed(t)) for t in types]
    y = b.place(graph.op[i], tuple(inputs), b.intern_type(_typed(one(graph.type_of(i)))), graph.attrs.get(i, {}))
    shape = b.type1(y).shape
    weights = b.input(Type("float", shape))
    weighted = b.mul(b.cast(y, dtype="float"), weights)
    total = b.sum(weighted, axes=tuple(range(-len(shape), 0)), keepdims=False) if shape else weighted
    weighted_graph = b.done(total)
    forward = array_interpreter(weighted_graph)
    extent = np.shape(array_interpreter(b.done(y))([*values, np.zeros(())], sizes)[0]) if shape else ()
    w = np.cos(np.arange(int(np.prod(extent, dtype=np.int64)))).reshape(extent) + 0.5  # no two alike
    for k, t in enumerate(types):
        if not t.has_derivative:
            continue
        gradient_graph = gradient(weighted_graph, total, [inputs[k]])
        derivative = np.asarray(array_interpreter(gradient_graph)([*values, w], sizes)[0])
        unit = 2.0**-23 if "f32" in (t.dtype, one(graph.type_of(i)).dtype) else 2.0**-52
        x = np.asarray(values[k], dtype=np.float64)

        def f(z: FloatArray, k: int = k) -> float:
            return float(forward([*values[:k], z, *values[k + 1 :], w], sizes)[0])

        for position, result in checks(f, "", x, derivative, unit):
            if result.verdict == "wrong":
                return WrongDerivative(i, k, position, result)
    return None


def _typed(t: Type) -> Type:
    return t._replace(dtype="float") if t.is_float or t.weak else t


class FirstNan(NamedTuple):
    """The node whose contribution is nan. factors: its own derivative and the local one, where both are numbers."""

    node: int
    factors: tuple[float, float] | None


def first_nan(evaluation: Evaluation) -> FirstNan | None:
    """Where in the backward pass a derivative becomes nan; None where none does."""
    graph, adjoints = evaluation.graph, evaluation.adjoints
    hit = max((i for i, g in enumerate(adjoints) if g is not None and np.any(np.isnan(g))), default=None)
    if hit is None:
        return None
    users = [u for u in range(hit + 1, len(graph)) if hit in graph.operands(u)]
    reached = [(u, g) for u in users if (g := adjoints[u]) is not None]
    for u, outer in reached:
        for x, partial in zip(graph.operands(u), evaluation.partials.get(u, ()), strict=False):
            if x == hit and partial is not None and math.isnan(partial * outer):
                return FirstNan(u, (outer, partial))
    # a sum of two infinities, an element of a tensor, a side or a step
    return FirstNan(reached[0][0] if reached else (users or [hit])[0], None)


def near(x: ArrayLike, y: ArrayLike, relative: float) -> bool:
    """Whether two arrays are the same up to a part of the largest element; NaN is near NaN."""
    a, b = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if a.shape != b.shape:
        return False
    finite = np.abs(b[np.isfinite(b)])
    largest = float(finite.max()) if finite.size else 0.0
    with np.errstate(invalid="ignore"):
        return bool(np.all((a == b) | (np.isnan(a) & np.isnan(b)) | (np.abs(a - b) <= relative * largest)))
