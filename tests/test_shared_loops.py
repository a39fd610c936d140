"""Loops over the same steps made one: the same bits, the rules of the form, and what is gone then."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from native_nests import RandomNest, arrays_for, some_functions
from nest_harness import run_nest, unwritten
from random_graphs import SIZE, random_graph
from tensor_harness import built
from test_random_tensors import Recipe, derived, grown, recipes, seeds

from cgcli.graph.graph import Graph
from cgcli.graph.types import Type
from cgcli.loop_nests.form import For, LoopNest, Store, statements
from cgcli.loop_nests.interpreter import interpret
from cgcli.loop_nests.lower import lower
from cgcli.loop_nests.parsed import parsed
from cgcli.loop_nests.shared_loops import share_loops
from cgcli.loop_nests.validity import InvalidNest, check
from cgcli.ops.builder import Builder
from cgcli.optimise.driver import optimise

MATRIX = Type("float", ("n", "m"))
SEEDS = [*range(20), *(pytest.param(seed, marks=pytest.mark.thorough) for seed in range(20, 60))]


def shared(graph: Graph) -> LoopNest:
    nest = share_loops(lower(graph))
    check(nest)
    return nest


def is_valid(nest: LoopNest) -> bool:
    try:
        check(nest)
    except InvalidNest:
        return False
    return True


def same(a: Any, b: Any) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def assert_same_bits(graph: Graph, xs: Any, sizes: Any) -> None:
    before, after = run_nest(graph, xs, sizes, lower(graph)), run_nest(graph, xs, sizes, share_loops(lower(graph)))
    assert bool(before[0]) == bool(after[0]), str(graph)
    if not before[0]:
        assert all(map(same, before[1], after[1])), str(graph)


# ---- the same bits


@pytest.mark.parametrize("seed", SEEDS)
def test_random_graphs(seed: int) -> None:
    graph, inputs = random_graph(seed, True)
    for stage in (graph, optimise(graph)):
        assert_same_bits(stage, inputs, {"n": SIZE})


@settings(max_examples=15, deadline=None)
@given(recipes, seeds)
def test_random_tensors_and_their_gradients(recipe: Recipe, seed: int) -> None:
    rng = np.random.default_rng(seed)
    xs = [rng.normal(size=shape) for shape in recipe[:2]]
    graph = grown(recipe)
    for stage in (optimise(graph), optimise(derived(graph))):
        assert_same_bits(stage, xs, {})


@pytest.mark.parametrize("seed", SEEDS)
def test_random_nests(seed: int) -> None:
    with some_functions():
        nest = RandomNest(seed).nest
        after = share_loops(nest)
        assert is_valid(after) or not is_valid(nest)  # some store by a permutation, of which the rules know nothing
        first = arrays_for(nest, 13, seed)
        second = {name: x.copy() for name, x in first.items()}
        sizes = {"n": 13, "m": 5}
        statuses = interpret(nest, first, sizes), interpret(after, second, sizes)
        assert bool(statuses[0]) == bool(statuses[1])
        if not statuses[0]:
            assert all(same(first[name], second[name]) for name in first)


# ---- what is gone


def loops(nest: LoopNest) -> list[For]:
    return [s for s in nest.body if isinstance(s, For)]


def scratch(nest: LoopNest) -> dict[str, tuple[Any, ...]]:
    used = {s.buffer for s in statements(nest.body) if isinstance(s, Store)}
    return {name: x.shape for name, x in nest.buffers.items() if x.role == "scratch" and name in used}


def made(make: Callable[..., int], *types: Type) -> LoopNest:
    return shared(built(make, *types))


def test_a_softmax_has_one_loop_over_its_rows_and_keeps_a_row() -> None:
    def softmax(b: Builder, x: int) -> int:
        e = b.exp(b.sub(x, b.amax(x, axes=(-1,), keepdims=True)))
        return int(b.div(e, b.sum(e, axes=(-1,), keepdims=True)))

    nest = made(softmax, MATRIX)
    assert len(loops(nest)) == 1
    assert all(len(shape) <= 1 for shape in scratch(nest).values())


def test_what_a_step_stores_and_loads_stays_a_number() -> None:
    nest = parsed(
        """nest t
  sizes n
  in x: f64[n]
  out y: f64[n]
  scratch t: f64[n]
  for %0 < n vector
    %1: f64 = load x[%0]
    %2: f64 = exp %1
    store t[%0] = %2
  for %3 < n vector
    %4: f64 = load t[%3]
    %5: f64 = mul %4, %4
    store y[%3] = %5
"""
    )
    after = share_loops(nest)
    check(after)
    (loop,) = after.body
    assert isinstance(loop, For)
    assert [type(s).__name__ for s in loop.body] == ["Load", "Apply", "Apply", "Store"]


@pytest.mark.parametrize("index", ["%3 + 1", "2*%3", "0", "n - %3"])
def test_a_loop_that_reads_elements_of_other_steps_stays_apart(index: str) -> None:
    nest = parsed(
        f"""nest t
  sizes n
  in x: f64[n]
  out y: f64[n]
  scratch t: f64[%0]
  %0: i64 = add n, n
  for %1 < n vector
    %2: f64 = load x[%1]
    store t[%1] = %2
  for %3 < n vector
    %4: f64 = load t[{index}]
    store y[%3] = %4
"""
    )
    after = share_loops(nest)
    check(after)
    assert len(loops(after)) == 2
    results = []
    for each in (nest, after):
        arrays = {"x": np.arange(5.0), "y": np.zeros(5), "t": unwritten([10], "f64")}
        assert interpret(each, arrays, {"n": 5}) == 0
        results.append(arrays["y"])
    assert np.array_equal(*results)


def test_a_loop_that_needs_all_of_another_stays_apart() -> None:
    def centred(b: Builder, x: int) -> int:
        return int(b.sub(b.exp(x), b.mean(b.exp(x), axes=(-2,), keepdims=True)))

    assert len(loops(made(centred, MATRIX))) == 2


def test_nothing_moves_in_front_of_a_check() -> None:
    nest = parsed(
        """nest t
  sizes n, m
  in x: f64[n]
  in z: f64[m]
  out y: f64[n]
  out w: f64[n]
  for %0 < n vector
    %1: f64 = load x[%0]
    store y[%0] = %1
  %2: bool = le n, m
  check %2 size @3
  for %3 < n vector
    %4: f64 = load x[%3]
    %5: f64 = load z[%3]
    %6: f64 = add %4, %5
    store w[%3] = %6
"""
    )
    assert [type(s).__name__ for s in share_loops(nest).body] == ["Apply", "For", "Check", "For"]


def test_matrix_products_of_many_matrices_share_the_loop_over_them() -> None:
    def make(b: Builder, x: int, y: int) -> int:
        z = b.matmul(b.exp(x), y)
        return int(b.sum(b.mul(z, z), axes=(-1,), keepdims=False))

    nest = made(make, Type("float", ("k", "n", "d")), Type("float", ("k", "d", "d")))
    assert len(loops(nest)) == 1
    assert all(len(shape) <= 2 for shape in scratch(nest).values())


def test_a_nest_of_thousands_of_loops_takes_no_square_of_time() -> None:
    def statements_looked_at(count: int) -> int:
        b = Builder()
        x = b.input(Type("float", ("n",)))
        outputs = [b.sum(b.mul(x, float(k)), axes=(-1,), keepdims=True) for k in range(count)]
        graph = b.done(*outputs)
        looked = 0
        from cgcli.loop_nests import rewriting

        original = rewriting.statements

        def counted(body: Any) -> Any:
            nonlocal looked
            for s in original(body):
                looked += 1
                yield s

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rewriting, "statements", counted)
            share_loops(lower(graph))
        return looked

    few, many = statements_looked_at(50), statements_looked_at(200)
    assert many < 6 * few
