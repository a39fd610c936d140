"""What lowering costs, counted in statements; which values lie in memory; what no load may move in front of."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from nest_harness import differences, run_nest

from cgcli.graph.graph import Graph
from cgcli.graph.types import FLOAT, Type
from cgcli.loop_nests.form import INDEX, Apply, For, LoopNest, Statement, blocks
from cgcli.loop_nests.lower import lower
from cgcli.ops.builder import Builder


def statements(nest: LoopNest) -> int:
    return sum(1 for _ in _all(nest.body))


def _all(body: Sequence[Statement]) -> Iterator[Statement]:
    stack = list(body)
    while stack:
        s = stack.pop()
        yield s
        for block in blocks(s):
            stack += block


def steps(nest: LoopNest, sizes: dict[str, int]) -> int:
    """How many statements a run executes, if all loops run to their end."""

    def count(body: Sequence[Statement]) -> int:
        total = 0
        for s in body:
            n = 1
            if isinstance(s, For):
                end = s.end if isinstance(s.end, int) else next(sizes[k] for k, v in nest.sizes.items() if v is s.end)
                n = end
            total += n * max(1, sum(count(block) for block in blocks(s)))
        return total

    return count(nest.body)


def scratch(nest: LoopNest) -> int:
    return sum(buffer.role == "scratch" for buffer in nest.buffers.values())


def graph(make: Callable[[Builder], int]) -> Graph:
    b = Builder()
    return b.done(make(b))


# ---- depth and growth


def test_a_chain_of_many_elementwise_nodes() -> None:
    def chain(b: Builder) -> int:
        x = y = b.input(Type("float", (100,)))
        for k in range(20_000):
            y = b.sin(y) if k % 2 else b.add(y, x)
        return y

    assert statements(lower(graph(chain))) < 20_010


def test_a_chain_of_many_slices() -> None:
    def chain(b: Builder) -> int:
        y = b.sin(b.input(Type("float", (5000,))))
        for k in range(2000):
            y = b.slice(y, starts=(1,), steps=(1,), sizes=(4999 - k,))
        return y

    g = graph(chain)
    assert statements(lower(g)) < 5000
    assert not differences(g, [np.arange(5000.0)], 1)


def test_a_chain_of_many_numbers_in_small_tensors() -> None:
    def chain(b: Builder) -> int:
        y = b.input(Type("float", (2,)))
        for _ in range(300):
            first, second = (b.squeeze(b.slice(y, starts=(k,), steps=(1,), sizes=(1,)), axes=(-1,)) for k in range(2))
            y = b.stack(b.add(first, second), b.mul(first, second), axis=-1)
        return y

    nest = lower(graph(chain))
    assert statements(nest) < 1000
    assert scratch(nest) < 300 / 5


def shifted(b: Builder, x: int, n: int) -> int:
    """Each element and the next one, added."""
    parts = [b.slice(x, starts=(k,), steps=(1,), sizes=(n - 1,)) for k in range(2)]
    return int(b.add(*parts))


def swapped(b: Builder, x: int, n: int) -> int:
    """The two halves of a vector, the second one first."""
    halves = [b.slice(x, starts=(k * n // 2,), steps=(1,), sizes=(n // 2,)) for k in (1, 0)]
    return int(b.concat(*halves, axis=-1))


@pytest.mark.parametrize("size", [12, 100])
@pytest.mark.parametrize("kind", ["shifted", "swapped", "mixed"])
def test_diamonds_through_views_grow_linearly(size: int, kind: str) -> None:
    """Read as they are written, their elements would double from node to node."""

    def diamonds(count: int) -> Callable[[Builder], int]:
        def make(b: Builder) -> int:
            y = b.input(Type("float", (size,)))
            for k in range(count):
                if kind == "shifted":
                    y = b.concat(shifted(b, y, size), b.slice(y, starts=(0,), steps=(1,), sizes=(1,)), axis=-1)
                else:
                    y = swapped(b, y, size)
                if kind == "mixed":
                    y = b.add(b.sin(y), swapped(b, y, size)) if k % 2 else b.mul(y, 0.5)
            return b.expand(b.sum(y, axes=(-1,), keepdims=False), shape=(50,))

        return make

    few, many = (statements(lower(graph(diamonds(count)))) for count in (60, 120))
    assert many < 2.2 * few + 200
    assert not differences(graph(diamonds(6)), [np.sin(np.arange(float(size)))], 64)


def test_reductions_of_reductions_grow_linearly() -> None:
    def layers(count: int) -> Callable[[Builder], int]:
        def make(b: Builder) -> int:
            x, y = b.input(Type("float", (30, 30))), b.input(Type("float", (30,)))
            for _ in range(count):  # x y + x' y by sums: each element of the next vector reads all of the one before
                rows = b.sum(b.mul(x, y), axes=(-1,), keepdims=False)
                columns = b.sum(b.mul(x, b.expand_dims(y, axes=(-1,))), axes=(-2,), keepdims=False)
                y = b.mul(b.add(rows, columns), 0.01)
            return y

        return make

    few, many = (lower(graph(layers(count))) for count in (4, 8))
    assert statements(many) < 2.2 * statements(few)
    assert steps(many, {}) < 2.2 * steps(few, {})
    x, y = np.sin(np.arange(900.0)).reshape(30, 30), np.arange(30.0)
    assert not differences(graph(layers(3)), [x, y], 1000)


# ---- what lies in memory

MATRIX = Type("float", ("n", 40))


def softmax(b: Builder) -> int:
    x = b.input(MATRIX)
    e = b.exp(b.sub(x, b.amax(x, axes=(-1,), keepdims=True)))
    return int(b.div(e, b.sum(e, axes=(-1,), keepdims=True)))


def standardised(b: Builder) -> int:
    """Columns without their means: each sum serves all rows."""
    x = b.input(MATRIX)
    return int(b.sub(x, b.mean(x, axes=(-2,), keepdims=True)))


def column_sums(b: Builder) -> int:
    x = b.input(MATRIX)
    return int(b.sum(b.sub(x, b.sum(x, axes=(-1,), keepdims=True)), axes=(-2,), keepdims=False))


def turned(b: Builder) -> int:
    x = b.input(MATRIX)
    return int(b.permute(b.sub(x, b.sum(x, axes=(-1,), keepdims=True)), axes=(-1, -2)))


def gathered(b: Builder) -> int:
    x = b.input(MATRIX)
    return int(b.take(b.sum(x, axes=(-1,), keepdims=False), b.index(b.mod(b.arange(size=60), 2), size="n"), axis=-1))


def length(b: Builder) -> int:
    x = b.input(MATRIX)
    return int(b.sum(b.mul(x, x), axes=(-2, -1), keepdims=False))


@pytest.mark.parametrize(
    ("make", "tables"), [(softmax, 0), (length, 0), (standardised, 1), (column_sums, 1), (turned, 1), (gathered, 1)]
)
def test_a_sum_that_an_inner_loop_reads_is_added_up_once(make: Callable[[Builder], int], tables: int) -> None:
    g = graph(make)
    nest = lower(g)
    assert scratch(nest) == tables
    few, many = (steps(nest, {"n": n}) for n in (50, 100))
    assert many < 2.5 * few
    assert not differences(g, [np.sin(np.arange(2400.0)).reshape(60, 40)], 500)


@pytest.mark.parametrize(
    ("shape", "to", "divides"),
    [
        ((40, 60), (60, 40), False),
        ((40, 60), (2400,), False),
        ((2400,), (40, 60), False),
        (("n", 60), ("n", 6, 10), False),
    ],
)
def test_a_computed_value_is_reshaped_without_divisions(shape: Any, to: Any, divides: bool) -> None:
    g = graph(lambda b: b.neg(b.reshape(b.sin(b.input(Type("float", shape))), shape=to)))
    nest = lower(g)
    assert ("mod" in str(nest)) is divides
    numbers = tuple(40 if n == "n" else n for n in shape)
    assert not differences(g, [np.arange(2400.0).reshape(numbers)], 1)


# ---- what no load may move in front of


def test_an_index_that_is_never_in_range_reads_nothing() -> None:
    b = Builder()
    x = b.input(Type("float", (3,)))
    node = b.index(b.const(7), size=3)
    g = b.done(b.expand(b.take(x, node, axis=-1), shape=("n",)))
    status, _ = run_nest(g, [np.ones(3)], {"n": 2})
    assert status == node * 16 + INDEX


@pytest.mark.parametrize("sizes", [(0, 0), (0, 3), (3, 0), (2, 3)])
def test_nothing_is_read_from_empty_arrays(sizes: tuple[int, int]) -> None:
    """The first element of an axis that may be empty, in a loop that does not run or behind a check."""
    n, m = sizes
    b = Builder()
    x, y, i = b.input(Type("float", ("n",))), b.input(Type("float", ("m",))), b.input(Type("int", ("m",)))
    first = b.take(x, b.index(b.const(0), size="n"), axis=-1)
    last = b.slice(x, starts=("n - 1",), steps=(-1,), sizes=("n",))
    for outputs in (
        [b.add(y, first)],
        [b.take(x, b.index(i, size="n"), axis=-1)],
        [b.add(b.expand_dims(last, axes=(-1,)), y), b.add(b.expand_dims(y, axes=(-1,)), b.sin(last))],
        [b.concat(x, y, last, axis=-1), b.pad(x, starts=(1,), steps=(2,), sizes=("2*n + m",))],
        [b.mul(b.sum(b.mul(b.expand_dims(x, axes=(-1,)), y), axes=(-1,), keepdims=False), 2.0)],
        [b.argmax(b.mul(b.expand_dims(y, axes=(-1,)), x), axes=(-1,), keepdims=False)],
    ):
        g = b.done(*outputs)
        problem = differences(g, [np.arange(float(n)), np.arange(float(m)), np.arange(m) % 3], 4, {"n": n, "m": m})
        assert not problem or (m == 0 and problem.startswith("the reference stops")), problem


def test_a_load_stays_in_the_step_that_is_taken() -> None:
    """A loop of no steps reads nothing of an array that is empty."""
    inner = Builder()
    step, total, x = inner.input(Type("int")), inner.input(FLOAT), inner.input(Type("float", ("n",)))
    body = inner.done(inner.add(total, inner.take(x, inner.index(inner.const(0), size="n"), axis=-1)))
    b = Builder()
    count, x = b.input(Type("int")), b.input(Type("float", ("n",)))
    g = b.done(b.get(b.apply("loop", count, b.const(0.0, FLOAT), x, carries=1, invariants=1, body=body), k=1))
    assert step == 0
    for n, steps_ in ((0, 0), (0, 2), (3, 0), (3, 2)):
        assert not differences(g, [np.array(steps_), np.ones(n)], 0, {"n": n})


# ---- what is computed again


def applied(nest: LoopNest, primitive: str) -> int:
    """How often a primitive stands in a nest."""
    return sum(isinstance(s, Apply) and s.primitive == primitive for s in _all(nest.body))


def test_a_function_that_several_sums_read_is_computed_once() -> None:
    def forces(b: Builder) -> int:
        """The mean of x times exp(d) along each of three axes, d a distance of each of two things: as of bodies."""
        x = b.input(Type("float", ("n", "n", 3)))
        d = b.exp(b.apply("sum", x, axes=(-1,), keepdims=True))
        return b.apply("sum", b.mul(x, d), axes=(-2,), keepdims=False)

    g = graph(forces)
    nest = lower(g)
    assert applied(nest, "exp") == 1
    assert not differences(g, [np.random.default_rng(1).normal(size=(7, 7, 3))], 16, {"n": 7})


def test_a_function_that_several_outputs_read_is_computed_once() -> None:
    b = Builder()
    x = b.input(Type("float", ("n",)))
    y = b.exp(x)
    g = b.done(b.mul(y, y), b.add(y, x), b.apply("sum", b.mul(x, y), axes=(-1,), keepdims=False))
    assert applied(lower(g), "exp") == 1
    assert applied(lower(b.done(b.mul(y, y), b.add(y, x)), rows="n"), "exp") == 1


def test_arithmetic_that_two_outputs_read_is_cheaper_computed_twice() -> None:
    b = Builder()
    x = b.input(Type("float", ("n",)))
    y = b.add(x, x)
    assert scratch(lower(b.done(b.mul(y, y), b.sub(y, x)))) == 0
