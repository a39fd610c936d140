"""Loops as graphs: values, derivatives to third order, batches, limits, and the stacks that they read and write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import mpmath
import numpy as np
import pytest
from executors import ArrayExecutor, ScalarExecutor

from cgcli import parse
from cgcli.diagnostics.diagnostic import CgError
from cgcli.graph.graph import Graph
from cgcli.graph.printed import parse_graph
from cgcli.graph.types import BOOL, FLOAT, INT, Stack, Type, parse_type
from cgcli.ops.array_kernels import ArrayKernels
from cgcli.ops.builder import Builder
from cgcli.ops.interpreter import Interpreter
from cgcli.ops.number_kernels import NumberKernels
from cgcli.ops.op import TypeMismatch
from cgcli.ops.validity import check
from cgcli.transform import checkpoint
from cgcli.transform.batch import batch
from cgcli.transform.checkpoint import checkpointed
from cgcli.transform.gradient import gradient

EXECUTORS = [ScalarExecutor, ArrayExecutor]
VECTOR = Type("float", ("n",))


def newton() -> Graph:
    """The square root of `a`, started at `a`, and the steps that it took."""
    step = Builder()
    step.input(INT)
    x, a = step.input(FLOAT, "x"), step.input(FLOAT, "a")
    body = step.done(step.sub(x, step.div(step.sub(step.mul(x, x), a), step.mul(2.0, x))))
    test = Builder()
    x, a = test.input(FLOAT, "x"), test.input(FLOAT, "a")
    pred = test.done(test.gt(test.abs(test.sub(test.mul(x, x), a)), 1e-12))
    b = Builder()
    a = b.input(FLOAT, "a")
    loop = b.loop(a, a, body=body, pred=pred, carries=1, invariants=1)
    return b.done(b.get(loop, k=1), b.get(loop, k=0))


def sines() -> Graph:
    """s = w, then n times s = sin(s · w) + 1; the last s."""
    step = Builder()
    step.input(INT)
    s, w = step.input(FLOAT, "s"), step.input(FLOAT, "w")
    body = step.done(step.add(step.sin(step.mul(s, w)), 1.0))
    b = Builder()
    n, w = b.input(INT, "n"), b.input(FLOAT, "w")
    return b.done(b.get(b.loop(n, w, w, body=body, carries=1, invariants=1), k=1))


def running(reverse: bool = False) -> Graph:
    """Of a vector x and a number w: h = tanh(w · h + x[t]) for each item, every h as a vector, and the last."""
    step = Builder()
    step.input(INT)
    h, w, x = step.input(FLOAT, "h"), step.input(FLOAT, "w"), step.input(FLOAT, "x")
    h = step.tanh(step.add(step.mul(w, h), x))
    body = step.done(h, h)
    b = Builder()
    xs, w = b.input(VECTOR, "xs"), b.input(FLOAT, "w")
    more = {"reverse": True} if reverse else {}
    loop = b.loop(b.size(size="n"), b.const(0.5, FLOAT), w, b.unstack(xs), body=body, carries=1, invariants=1, **more)
    return b.done(b.restack(b.get(loop, k=2), shape=("n",)), b.get(loop, k=1))


def outputs(executor: Callable[..., Any], graph: Graph, inputs: Sequence[Any], **limits: Any) -> list[Any]:
    check(graph)
    assert parse_graph(str(graph)) == graph
    v = executor(graph, **limits).forward(inputs)
    return [v[i] for i in graph.outputs]


def derivatives(graph: Graph, by: int, order: int) -> list[Graph]:
    found = [graph]
    for _ in range(order):
        found.append(gradient(found[-1], found[-1].outputs[0], [found[-1].inputs[by]]))
    return found[1:]


# ---- values and derivatives


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_while_of_newton_has_the_derivatives_of_the_root(executor: Callable[..., Any]) -> None:
    root, steps = outputs(executor, newton(), [2.0])
    assert (float(root), int(steps)) == (2**0.5, 5)
    wanted = [0.5 * 2**-0.5, -0.25 * 2**-1.5, 0.375 * 2**-2.5]
    for graph, derivative in zip(derivatives(newton(), 0, 3), wanted, strict=True):
        assert float(outputs(executor, graph, [2.0])[0]) == pytest.approx(derivative, rel=1e-11)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_while_that_runs_no_step_has_the_derivative_of_what_ran(executor: Callable[..., Any]) -> None:
    assert [float(outputs(executor, g, [1.0])[0]) for g in derivatives(newton(), 0, 3)] == [1.0, 0.0, 0.0]


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("n", [-1, 0, 1, 2, 7])
def test_derivatives_of_a_for_to_third_order(executor: Callable[..., Any], n: int) -> None:
    def f(w: Any) -> Any:
        s = w
        for _ in range(n):
            s = mpmath.sin(s * w) + 1
        return s

    with mpmath.workdps(40):
        for order, graph in enumerate(derivatives(sines(), 1, 3), 1):
            wanted = float(mpmath.diff(f, mpmath.mpf(0.3), order))
            assert float(outputs(executor, graph, [n, 0.3])[0]) == pytest.approx(wanted, rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("reverse", [False, True])
def test_stacks_read_and_written(reverse: bool) -> None:
    xs, w = np.array([0.1, -0.4, 0.7]), 0.6

    def f(w: Any, order: Sequence[int] = (2, 1, 0) if reverse else (0, 1, 2)) -> Any:
        h, every = mpmath.mpf(0.5), {}
        for k in order:
            h = every[k] = mpmath.tanh(w * h + xs[k])
        return h + sum((k + 1) * every[k] ** 2 for k in every)

    graph = running(reverse)
    b = Builder()
    where = b.inline(graph, [b.input(VECTOR, "xs"), b.input(FLOAT, "w")])
    every, last = (where[i] for i in graph.outputs)
    weights = b.add(b.arange(size="n"), b.const(1))
    total = b.add(last, b.sum(b.mul(weights, b.mul(every, every)), axes=(-1,), keepdims=False))
    scalar = b.done(total)
    for order, found in enumerate(derivatives(scalar, 1, 3), 1):
        wanted = float(mpmath.diff(f, w, order))
        assert float(outputs(ArrayExecutor, found, [xs, w])[0]) == pytest.approx(wanted, rel=1e-9)
    by_items = gradient(scalar, scalar.outputs[0], [scalar.inputs[0]])
    for k in range(3):
        step = np.eye(3)[k] * 1e-6
        low, high = (float(outputs(ArrayExecutor, scalar, [xs + s, w])[0]) for s in (-step, step))
        assert outputs(ArrayExecutor, by_items, [xs, w])[0][k] == pytest.approx((high - low) / 2e-6, rel=1e-8)


def test_a_step_that_is_not_taken_contributes_nothing() -> None:
    """sqrt(x) in front of a loop of no steps that would carry on with it: not NaN at a negative x."""
    step = Builder()
    step.input(INT)
    s = step.input(FLOAT)
    root = step.input(FLOAT)
    body = step.done(step.add(s, root))
    b = Builder()
    n, x = b.input(INT), b.input(FLOAT)
    graph = b.done(b.get(b.loop(n, x, b.sqrt(x), body=body, carries=1, invariants=1), k=1))
    for derivative, wanted in zip(derivatives(graph, 1, 3), (1.0, 0.0, 0.0), strict=True):
        assert float(outputs(ScalarExecutor, derivative, [0, -1.0])[0]) == wanted


def test_the_derivative_keeps_only_what_it_reads() -> None:
    [first] = derivatives(sines(), 1, 1)
    loops = [node for node in first if node.op == "loop"]
    assert [len(node.attrs["body"].outputs) - node.attrs["carries"] for node in loops] == [1, 0]
    assert loops[1].attrs["reverse"]
    assert "reverse" not in loops[0].attrs


# ---- batches


@pytest.mark.parametrize("order", range(3))
def test_rows_that_run_unequally_many_steps(order: int) -> None:
    a = np.array([2.0, 1.0, 9.0, 0.25])
    graph = [newton(), *derivatives(newton(), 0, 2)][order]
    same_as_rows(graph, [True], [a])
    graph = [sines(), *derivatives(sines(), 1, 2)][order]
    for flags in ([True, True], [False, True], [True, False]):
        n, w = np.array([2, 0, 5, -3]), np.array([0.2, 0.1, 0.9, 0.4])
        same_as_rows(graph, flags, [n if flags[0] else 3, w if flags[1] else 0.3])


@pytest.mark.parametrize("flags", [(True, True), (True, False), (False, True)])
def test_rows_of_stacks(flags: tuple[bool, bool]) -> None:
    xs, w = np.linspace(-1, 1, 12).reshape(4, 3), np.array([0.2, 0.5, -0.3, 1.0])
    inputs = [xs if flags[0] else xs[1], w if flags[1] else 0.5]
    same_as_rows(running(), flags, inputs)
    b = Builder()
    where = b.inline(running(), [b.input(VECTOR), b.input(FLOAT)])
    total = b.sum(where[running().outputs[0]], axes=(-1,), keepdims=False)
    for graph in derivatives(b.done(total), 1, 2):
        same_as_rows(graph, flags, inputs)


def same_as_rows(graph: Graph, flags: Sequence[bool], inputs: Sequence[Any]) -> None:
    """A batch of four gives for each row what the graph gives for it, bit for bit."""
    found = outputs(ArrayExecutor, batch(graph, flags, 4), inputs)
    for r in range(4):
        row = [x[r] if f else x for x, f in zip(inputs, flags, strict=True)]
        for one, rows in zip(outputs(ArrayExecutor, graph, row), found, strict=True):
            np.testing.assert_array_equal(rows[r], one)


def test_a_batch_of_no_rows_runs_no_step() -> None:
    for graph, *given in (
        (newton(), np.zeros(0)),
        (sines(), np.zeros(0, int), 0.5),
        (running(), np.zeros((0, 3)), 0.5),
    ):
        flags = [isinstance(x, np.ndarray) for x in given]
        for found in outputs(ArrayExecutor, batch(graph, flags, 0), given):
            assert found.shape[0] == 0


def test_the_derivative_of_a_batch() -> None:
    graph = batch(newton(), [True], 4)
    b = Builder()
    where = b.inline(graph, [b.input(Type("float", (4,)))])
    total = b.done(b.sum(where[graph.outputs[0]], axes=(-1,), keepdims=False))
    a = np.array([2.0, 1.0, 9.0, 0.25])
    [first] = derivatives(total, 0, 1)
    np.testing.assert_allclose(
        outputs(ArrayExecutor, first, [a])[0], [0.5 * 2**-0.5, 1.0, 1 / 6, 1.0], rtol=1e-12
    )  # 1 and 0.25 start at the root, or end there at once


# ---- asserts


def asserting(message: str = "positive") -> Graph:
    """y = sqrt(x) if x > 0, asserted, else 0; of rows that part, the assertion counts where it stands."""
    then = Builder()
    x = then.input(FLOAT, "x")
    then.apply("assert", then.gt(x, 1.0), message=message)
    then_graph = then.done(then.sqrt(x))
    otherwise = Builder()
    otherwise.input(FLOAT)
    other_graph = otherwise.done(otherwise.const(0.0, FLOAT))
    b = Builder()
    x = b.input(FLOAT, "x")
    node = b.apply("cond", b.gt(x, 0.0), x, **{"then": then_graph, "else": other_graph})
    return b.done(b.get(node, k=0))


@pytest.mark.parametrize("executor", EXECUTORS)
def test_an_assert_that_no_output_needs_stops_the_run(executor: Callable[..., Any]) -> None:
    b = Builder()
    x = b.input(FLOAT, "x")
    b.apply("assert", b.gt(x, 0.0), message="x must be positive")
    graph = b.done(b.neg(x))
    assert float(outputs(executor, graph, [2.0])[0]) == -2
    for made in (graph, gradient(graph, graph.outputs[0], [graph.inputs[0]])):
        with pytest.raises(CgError) as caught:
            outputs(executor, made, [-2.0])
        [problem] = caught.value.diagnostics
        assert problem.code == "assertion-failed"
        assert problem.values["message"] == "x must be positive"
        assert problem.values["numbers"] == ["x is -2"]


@pytest.mark.parametrize("executor", EXECUTORS)
def test_an_assert_within_a_side_or_a_body(executor: Callable[..., Any]) -> None:
    assert float(outputs(executor, asserting(), [4.0])[0]) == 2
    assert float(outputs(executor, asserting(), [-4.0])[0]) == 0
    with pytest.raises(CgError):
        outputs(executor, asserting(), [0.5])
    step = Builder()
    k, x = step.input(INT), step.input(FLOAT)
    step.apply("assert", step.lt(k, step.const(3)), message="three steps")
    b = Builder()
    n, x = b.input(INT), b.input(FLOAT)
    b.loop(n, x, body=step.done(x), carries=1, invariants=0)
    graph = b.done(x)
    assert float(outputs(executor, graph, [3, 1.5])[0]) == 1.5
    with pytest.raises(CgError):
        outputs(executor, graph, [4, 1.5])


def test_an_assert_of_a_row_that_is_not_there_does_not_fire() -> None:
    graph = batch(asserting(), [True], 3)
    np.testing.assert_array_equal(outputs(ArrayExecutor, graph, [np.array([4.0, -1.0, 0.0])])[0], [2.0, 0.0, 0.0])
    with pytest.raises(CgError) as caught:
        outputs(ArrayExecutor, graph, [np.array([4.0, -1.0, 0.5])])
    assert caught.value.diagnostics[0].values["row"] == (2,)


def test_a_while_that_no_row_comes_to_does_not_run() -> None:
    """if x > 0 { while y != 0 { y = y - 1 } }: endless for a fraction, but no row takes that side."""
    step = Builder()
    step.input(INT)
    y = step.input(FLOAT)
    body = step.done(step.sub(y, 1.0))
    test = Builder()
    pred = test.done(test.ne(test.input(FLOAT), 0.0))
    then = Builder()
    y = then.input(FLOAT)
    then_graph = then.done(then.get(then.loop(y, body=body, pred=pred, carries=1, invariants=0), k=1))
    other = Builder()
    other_graph = other.done(other.input(FLOAT))
    b = Builder()
    x, y = b.input(FLOAT), b.input(FLOAT)
    node = b.apply("cond", b.gt(x, 0.0), y, **{"then": then_graph, "else": other_graph})
    graph = batch(b.done(b.get(node, k=0)), [True, False], 2)
    np.testing.assert_array_equal(outputs(ArrayExecutor, graph, [np.array([-1.0, -2.0]), 0.5])[0], [0.5, 0.5])
    np.testing.assert_array_equal(outputs(ArrayExecutor, graph, [np.array([-1.0, 2.0]), 3.0])[0], [3.0, 0.0])


# ---- limits


@pytest.mark.parametrize("executor", EXECUTORS)
def test_steps_and_stacks_are_limited(executor: Callable[..., Any]) -> None:
    def stops(graph: Graph, inputs: Sequence[Any], **limits: Any) -> str:
        with pytest.raises(CgError) as caught:
            outputs(executor, graph, inputs, **limits)
        assert caught.value.status == 1
        return caught.value.diagnostics[0].code

    assert stops(sines(), [1000, 0.3], max_steps=999) == "too-many-steps"
    outputs(executor, sines(), [1000, 0.3], max_steps=1000)
    assert stops(newton(), [2.0], max_steps=4) == "too-many-steps"
    [first] = derivatives(sines(), 1, 1)
    assert stops(first, [10_000, 0.3], max_memory=100_000) == "stacks-too-large"
    outputs(executor, sines(), [10_000, 0.3], max_memory=100_000)  # that keeps nothing of its steps


# ---- stacks


def test_types_of_stacks() -> None:
    assert str(Stack(Stack(VECTOR))) == "stack[stack[float[n]]]"
    assert parse_type("stack[stack[float[n]]]") == Stack(Stack(VECTOR))
    with pytest.raises(ValueError, match="not a type"):
        parse_type("stack[float")


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_chunks_and_joined(size: int) -> None:
    b = Builder()
    xs, n = b.input(Type("float", (5,))), b.input(INT)
    rows = b.chunks(b.unstack(xs), n)
    graph = b.done(b.restack(b.joined(rows, n), shape=(5,)), b.length(rows), b.length(b.unstack(xs)))
    found, count, length = outputs(ArrayExecutor, graph, [np.arange(5.0), size])
    np.testing.assert_array_equal(found, np.arange(5.0))
    assert (int(count), int(length)) == (-(-5 // size), 5)
    total = Builder()
    where = total.inline(graph, [total.input(Type("float", (5,))), total.input(INT)])
    made = total.done(total.sum(total.mul(where[graph.outputs[0]], total.arange(size=5)), axes=(-1,), keepdims=False))
    by = gradient(made, made.outputs[0], [made.inputs[0]])
    np.testing.assert_array_equal(outputs(ArrayExecutor, by, [np.ones(5), size])[0], np.arange(5.0))


def test_what_a_body_must_fit() -> None:
    step = Builder()
    step.input(INT)
    s = step.input(FLOAT)
    same, other = step.done(s), step.done(step.gt(s, 0.0))
    b = Builder()
    n, x, c = b.input(INT), b.input(FLOAT), b.input(BOOL)
    for operands, body, code in (
        ((x, x), same, "not-an-int"),
        ((n, c), same, "body-inputs"),
        ((n, x), other, "carry-changes"),
    ):
        with pytest.raises(TypeMismatch) as caught:
            b.loop(*operands, body=body, carries=1, invariants=0)
        assert caught.value.code == code


def test_items_behind_an_early_return_have_a_derivative_of_zero() -> None:
    program = parse(
        """
        input xs: float[n]
        input a
        fn first(xs, a) {
            for x in xs { if x > a { return x * x * a } }
            return 0 * a
        }
        y = first(xs, a)
        """
    )
    values = {"xs": [0.5, 2.0, 3.0], "a": 1.0}
    assert program.eval(values) == {"y": 4.0}
    np.testing.assert_array_equal(program.grad(values).partials["xs"], [0.0, 4.0, 0.0])
    second = program.hessian(values, wrt=["xs", "a"])
    np.testing.assert_array_equal(second["xs"]["xs"], np.diag([0.0, 2.0, 0.0]))
    np.testing.assert_array_equal(second["xs"]["a"], [0.0, 4.0, 0.0])


def test_head_and_filled() -> None:
    b = Builder()
    xs, few = b.input(Type("float", (3,))), b.input(Type("float", (2,)))
    head = b.head(b.unstack(xs), b.unstack(few))
    filled = b.filled(b.unstack(few), b.unstack(xs), zero=0.0)
    graph = b.done(b.restack(head, shape=(2,)), b.restack(filled, shape=(3,)))
    first, whole = outputs(ArrayExecutor, graph, [np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0])])
    np.testing.assert_array_equal(first, [1.0, 2.0])
    np.testing.assert_array_equal(whole, [4.0, 5.0, 0.0])
    same_as_rows(graph, [True, True], [np.arange(12.0).reshape(4, 3), np.ones((4, 2))])


def test_checkpoints_keep_the_bits_of_values_and_first_derivatives() -> None:
    for graph, inputs, by in (
        (newton(), [2.0], 0),
        (newton(), [1.0], 0),
        *((sines(), [n, 0.3], 1) for n in (-2, 0, 1, 7)),
    ):
        cut, _ = checkpointed(graph)
        check(cut)
        assert outputs(ArrayExecutor, cut, inputs) == outputs(ArrayExecutor, graph, inputs)
        pairs = zip(derivatives(graph, by, 3), derivatives(cut, by, 3), strict=True)
        for order, (whole, parts) in enumerate(pairs, 1):
            found, wanted = (float(outputs(ScalarExecutor, g, inputs)[0]) for g in (parts, whole))
            assert found == wanted if order == 1 else found == pytest.approx(wanted, rel=1e-13)


def test_checkpoints_of_stacks_and_of_a_long_while(monkeypatch: pytest.MonkeyPatch) -> None:
    xs = np.linspace(-1, 1, 10)
    for reverse in (False, True):
        graph = running(reverse)
        cut, _ = checkpointed(graph)
        for of in (0, 1):
            b, c = Builder(), Builder()
            totals = []
            for builder, g in ((b, graph), (c, cut)):
                where = builder.inline(g, [builder.input(VECTOR, "xs"), builder.input(FLOAT, "w")])
                every = where[g.outputs[0]]
                total = builder.sum(builder.mul(every, every), axes=(-1,), keepdims=False)
                totals.append(builder.done(total, where[g.outputs[1]]))
            for by in (0, 1):
                whole, parts = (gradient(t, t.outputs[of], [t.inputs[by]]) for t in totals)
                np.testing.assert_array_equal(
                    outputs(ArrayExecutor, parts, [xs, 0.4])[0], outputs(ArrayExecutor, whole, [xs, 0.4])[0]
                )
    monkeypatch.setattr(checkpoint, "CHUNK", 2)
    whole, parts = (gradient(g, g.outputs[0], [g.inputs[0]]) for g in (newton(), checkpointed(newton())[0]))
    assert outputs(ScalarExecutor, parts, [20.0]) == outputs(ScalarExecutor, whole, [20.0])
    [steps] = outputs(ScalarExecutor, newton(), [20.0])[1:]
    assert steps > 4  # more than one chunk


@pytest.mark.parametrize("kernels", [NumberKernels, ArrayKernels])
def test_an_observer_sees_each_step(kernels: Any) -> None:
    seen: list[tuple[int, float]] = []
    graph = newton()
    run = Interpreter(graph, kernels, observer=lambda body, step, carries: seen.append((step, float(carries[0]))))
    root, count = run([2.0])
    assert [step for step, _ in seen] == list(range(int(count)))
    assert seen[0] == (0, 1.5)
    assert seen[-1][1] == float(root)
