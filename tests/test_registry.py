"""Every op on numbers, straight from the registry: its value and derivatives against mpmath at its examples.

Ops that are made for tensors, and tensors in these ops, are the matter of `test_tensor_ops`.
"""

import math

import pytest
from executors import ScalarExecutor
from mpmath import mp, mpf
from oracle import FUNCTIONS, derivative

from cgcli.graph.graph import Graph
from cgcli.graph.types import BOOL, FLOAT, WEAK_INT, Type
from cgcli.ops.builder import Builder
from cgcli.ops.op import Op, VariadicRule, arity
from cgcli.ops.table import OPS
from cgcli.ops.validity import check
from cgcli.transform.gradient import gradient

NOT_A_FUNCTION = ("input", "const", "stop_gradient")  # carriers; tested by name below and in test_gradient
EXAMPLES = [
    pytest.param(op, xs, id=f"{op.name}{xs}")
    for op in OPS.values()
    if op.is_elementwise and op.name not in NOT_A_FUNCTION
    for xs in op.examples.operands
    if not any(isinstance(x, tuple) for x in xs)
]


def type_of(x: object) -> Type:
    return BOOL if isinstance(x, bool) else WEAK_INT if isinstance(x, int) else FLOAT


def graph_of(op: Op, xs: tuple[float, ...]) -> Graph:
    b = Builder()
    operands = [b.input(type_of(x)) if isinstance(x, float) else b.const(x) for x in xs]
    return b.done(b.apply(op.name, *operands, **op.examples.attrs))


def meaning(op: Op, xs: tuple[float, ...]) -> object:
    """The op's value at `xs` by the oracle."""
    if op.name == "fixed_power":
        return FUNCTIONS["power"](xs[0], mpf(op.examples.attrs["exponent"]))
    return FUNCTIONS[op.name](*xs)


# on what loops read and write: tests/test_loops.py
STACKS = ("length", "chunks", "joined", "head", "filled", "unstack", "restack")


def close(found: float, wanted: object) -> bool:
    return abs(mpf(found) - wanted) <= mpf(2) ** -48 * (1 + abs(wanted))


@pytest.mark.parametrize("op", OPS.values(), ids=OPS)
def test_every_op_is_declared_completely(op: Op) -> None:
    assert op.doc
    assert op.examples.domain
    assert op.examples.operands or op.name in ("input", "const", "cond", "loop", "get", *STACKS)
    if op.examples.operands and isinstance(op.derivative.rules, tuple) and op.derivative.rules:
        assert len(op.derivative.rules) == arity(op)


@pytest.mark.parametrize(("op", "xs"), EXAMPLES)
def test_value(op: Op, xs: tuple[float, ...]) -> None:
    graph = graph_of(op, xs)
    check(graph)
    found = ScalarExecutor(graph).forward([x for x in xs if isinstance(x, float)])[graph.outputs[0]]
    wanted = meaning(op, tuple(mpf(x) if isinstance(x, float) else x for x in xs))
    assert found == wanted if isinstance(wanted, bool) else close(found, wanted)


@pytest.mark.parametrize(("op", "xs"), EXAMPLES)
def test_derivatives_by_the_sweep_and_by_the_graph(op: Op, xs: tuple[float, ...]) -> None:
    graph = graph_of(op, xs)
    if graph.type_of(graph.outputs[0]) == BOOL:
        return
    point = [x for x in xs if isinstance(x, float)]
    executor = ScalarExecutor(graph)
    swept = executor.backward(executor.forward(point), graph.outputs[0])
    made = gradient(graph, graph.outputs[0], graph.inputs)
    check(made)
    v = ScalarExecutor(made).forward(point)
    for k, (i, o) in enumerate(zip(graph.inputs, made.outputs, strict=True)):
        places = [n for n, x in enumerate(xs) if isinstance(x, float)]

        def along(t: object, n: int = places[k]) -> object:
            return meaning(op, tuple(t if m == n else mpf(x) if isinstance(x, float) else x for m, x in enumerate(xs)))

        wanted = derivative(along, mpf(xs[places[k]]))
        if wanted is None:  # an example at the edge of the domain
            continue
        assert close(swept[i] or 0.0, wanted)
        assert v[o] == (swept[i] or 0.0)


@pytest.mark.parametrize(("op", "xs"), EXAMPLES)
def test_second_derivative_is_the_derivative_of_the_first(op: Op, xs: tuple[float, ...]) -> None:
    graph = graph_of(op, xs)
    if graph.type_of(graph.outputs[0]) == BOOL or not graph.inputs:
        return
    point = [x for x in xs if isinstance(x, float)]
    places = [n for n, x in enumerate(xs) if isinstance(x, float)]
    first = gradient(graph, graph.outputs[0], graph.inputs)
    for row, by_first in zip(places, first.outputs, strict=True):
        second = gradient(first, by_first, first.inputs)
        check(second)
        v = ScalarExecutor(second).forward(point)
        for column, found in zip(places, second.outputs, strict=True):
            with mp.workdps(160):
                wanted = curvature(op, xs, row, column)
            if wanted is not None:
                assert abs(mpf(v[found]) - wanted) <= mpf(10) ** -9 * (1 + abs(wanted)), (row, column)


def curvature(op: Op, xs: tuple[float, ...], row: int, column: int) -> object:
    """The second derivative by operands `row` and `column`, or None where the oracle has none."""

    def value(at: dict[int, object]) -> object:
        return meaning(op, tuple(at.get(n, mpf(x) if isinstance(x, float) else x) for n, x in enumerate(xs)))

    def slope(t: object) -> object:
        if row == column:
            return derivative(lambda s: value({row: s}), t)
        return derivative(lambda s: value({column: t, row: s}), mpf(xs[row]))

    return derivative(slope, mpf(xs[column]))


def test_constants_of_an_op_with_any_number_of_operands_are_marked() -> None:
    b = Builder()
    x = b.input(FLOAT)
    graph = b.done(b.max(x, 0.0))
    assert isinstance(OPS["max"].derivative.rules, VariadicRule)
    assert graph[graph.outputs[0]].attrs == {"vary": (0,)}


def test_only_nodes_that_hold_graphs_have_no_rules_of_their_own() -> None:
    assert [op.name for op in OPS.values() if op.is_structured] == ["loop", "cond", "get"]


def test_stop_gradient_is_a_constant_for_derivatives() -> None:
    b = Builder()
    x = b.input(FLOAT)
    graph = b.done(b.mul(b.stop_gradient(x), x))
    executor = ScalarExecutor(graph)
    assert executor.backward(executor.forward([3.0]), graph.outputs[0])[0] == 3.0
    assert math.isclose(executor.forward([3.0])[graph.outputs[0]], 9.0)
