"""Random graphs of tensor ops: first and second derivatives along random directions, against differences.

The error bound of a difference is computed with it; where it is not sharp (beside a kink or a pole) nothing is said.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from executors import ArrayExecutor
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tensor_harness import added_at, constant, derived, gram, pulled, run, total
from tensor_oracle import Array, slope

from cgcli.graph.graph import Graph
from cgcli.graph.types import Type
from cgcli.ops.builder import Builder
from cgcli.ops.op import TypeMismatch
from cgcli.ops.validity import check

Make = Callable[[Builder, int, int, int], int]
SHAPES = ((2, 3), (3,), (), (1, 3), (2, 1, 2), (0, 2), (4,), (2, 2))
LARGEST = 64  # elements of a value that a step is applied to


class Step(NamedTuple):
    """`make(b, x, y, pick)` for an x whose rank and axes are at least so large, another value, a small number."""

    make: Make
    rank: int = 0
    size: int = 0


def last(b: Builder, x: int) -> Any:
    return b.type1(x).shape[-1]


def axis(b: Builder, x: int, pick: int) -> int:
    return -1 - pick % b.type1(x).rank


def places(b: Builder) -> int:
    return constant(b, np.array([0, -1, 0]))


def turned_round(b: Builder, x: int) -> str:
    letters = "abcde"[: b.type1(x).rank]
    return f"{letters},->{letters[::-1]}"


def function(name: str) -> Step:
    return Step(lambda b, x, y, p: b.apply(name, x))


def of_two(name: str) -> Step:
    """Of two values, or where they do not broadcast of the first and the sum of the second."""

    def make(b: Builder, x: int, y: int, p: int) -> int:
        try:
            return int(b.apply(name, x, y))
        except TypeMismatch:
            return int(b.apply(name, x, total(b, y)))

    return Step(make)


def reduction(name: str, size: int = 0) -> Step:
    return Step(lambda b, x, y, p: b.apply(name, x, axes=(axis(b, x, p),), keepdims=p > 3), 1, size)


def of_matrix(name: str) -> Step:
    return Step(lambda b, x, y, p: b.apply(name, definite(b, x)), 2)


def definite(b: Builder, x: int) -> int:
    """x'x + 1 of the last two axes."""
    return gram(b, b.permute(x, axes=(-1, -2)), last(b, x))


STEPS = {
    **{name: function(name) for name in ("tanh", "sin", "sigmoid", "softplus", "neg")},
    **{name: of_two(name) for name in ("add", "sub", "mul", "hypot", "max")},
    **{name: reduction(name) for name in ("sum", "prod")},
    **{name: reduction(name, 1) for name in ("mean", "amax", "amin", "logsumexp", "norm")},
    **{name: of_matrix(name) for name in ("inv", "det", "logdet", "cholesky")},
    "log where positive": Step(lambda b, x, y, p: b.where(b.gt(x, 0.0), b.log(x), 0.5)),
    "reciprocal where large": Step(lambda b, x, y, p: b.where(b.gt(b.abs(x), 0.5), b.div(1.0, x), x)),
    "a row where positive": Step(
        lambda b, x, y, p: b.where(b.gt(b.amin(x, axes=(-1,), keepdims=True), -0.2), b.sqrt(b.add(x, 0.2)), x), 1, 1
    ),
    "reshape": Step(lambda b, x, y, p: b.reshape(x, shape=(math.prod(b.type1(x).shape),))),
    "permute": Step(lambda b, x, y, p: b.permute(x, axes=(-1, -2)), 2),
    "expand": Step(lambda b, x, y, p: b.expand(x, shape=(2, *b.type1(x).shape))),
    "expand_dims": Step(lambda b, x, y, p: b.expand_dims(x, axes=(-1 - p % 2 * b.type1(x).rank,))),
    "reverse": Step(lambda b, x, y, p: b.slice(x, starts=(last(b, x) - 1,), steps=(-1,), sizes=(last(b, x),)), 1, 1),
    "slice": Step(lambda b, x, y, p: b.slice(x, starts=(p % last(b, x),), steps=(1,), sizes=(1,)), 1, 1),
    "pad": Step(lambda b, x, y, p: b.pad(x, starts=(p % 3,), steps=(1,), sizes=(last(b, x) + 2,)), 1),
    "concat": Step(lambda b, x, y, p: b.concat(x, b.sin(x), axis=axis(b, x, p)), 1),
    "stack": Step(lambda b, x, y, p: b.stack(x, b.cos(x), axis=-1)),
    "take": Step(lambda b, x, y, p: b.take(x, b.index(places(b), size=last(b, x)), axis=-1), 1, 1),
    "add_at": Step(lambda b, x, y, p: added_at(b, x, b.mod(b.arange(size=last(b, x)), b.const(2)), axis=-1, size=3), 1),
    "cumsum": Step(lambda b, x, y, p: b.cumsum(x), 1),
    "products_of_others": Step(lambda b, x, y, p: b.products_of_others(x), 1),
    "windows": Step(lambda b, x, y, p: b.windows(x, sizes=(2,), strides=(1 + p % 2,), dilations=(1,)), 1, 2),
    "matmul": Step(lambda b, x, y, p: b.matmul(b.permute(x, axes=(-1, -2)), b.sin(x)), 2),
    "einsum": Step(lambda b, x, y, p: b.einsum(x, total(b, y), pattern=turned_round(b, x)), 1),
    "solve": Step(lambda b, x, y, p: b.solve(definite(b, x), b.permute(x, axes=(-1, -2))), 2),
}
Recipe = tuple[tuple[int, ...], tuple[int, ...], list[tuple[str, int, int, int]]]
few = st.integers(0, 7)
recipes = st.tuples(
    st.sampled_from(SHAPES),
    st.sampled_from(SHAPES),
    st.lists(st.tuples(st.sampled_from(sorted(STEPS)), few, few, few), min_size=1, max_size=7),
)
seeds = st.integers(0, 2**32 - 1)


def grown(recipe: Recipe) -> Graph:
    """The graph of a recipe, a number: each step applied to earlier values, where their shape allows it."""
    first, second, steps = recipe
    b = Builder()
    nodes = [b.input(Type("float", shape)) for shape in (first, second)]
    for name, i, j, pick in steps:
        make, rank, size = STEPS[name]
        x, y = nodes[-1 - i % len(nodes)], nodes[-1 - j % len(nodes)]
        shape = b.type1(x).shape
        if rank <= len(shape) <= 5 and min(shape, default=size) >= size and math.prod(shape) <= LARGEST:
            nodes.append(make(b, x, y, pick))
    return pulled(b.done(*nodes[-2:]))


def check_recipe(recipe: Recipe, seed: int) -> None:
    rng = np.random.default_rng(seed)
    xs = [rng.normal(size=shape) for shape in recipe[:2]]
    along = [rng.normal(size=shape) for shape in recipe[:2]]
    graph = grown(recipe)
    check(graph)
    for _ in ("first", "second"):
        made = derived(graph)
        wanted = slope(terms_of(graph, xs, along), 2.0**-9)
        assume(wanted.bound <= 1e-4 * (1 + abs(wanted.value)))
        found = run(made, xs)
        assert [f.shape for f in found] == [x.shape for x in xs]
        value = math.fsum(float((f * d).sum()) for f, d in zip(found, along, strict=True))
        assert abs(value - wanted.value) <= wanted.bound
        graph = pulled(made)


def terms_of(graph: Graph, xs: list[Array], along: list[Array]) -> Callable[[float], Array]:
    forward = ArrayExecutor(graph).forward

    def terms(h: float) -> Array:
        return np.asarray(forward([x + h * d for x, d in zip(xs, along, strict=True)])[graph.outputs[0]])

    return terms


@settings(max_examples=80)
@given(recipes, seeds)
def test_derivatives_of_random_graphs_are_their_slopes(recipe: Recipe, seed: int) -> None:
    check_recipe(recipe, seed)


@pytest.mark.thorough
@settings(max_examples=5000)
@given(recipes, seeds)
def test_derivatives_of_random_graphs_are_their_slopes_at_length(recipe: Recipe, seed: int) -> None:
    check_recipe(recipe, seed)
