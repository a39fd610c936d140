"""Conditionals, loops and stacks as loop nests: values, derivatives and stops are those of the reference.

The interpreter computes functions as the reference does, so results agree bit for bit, but for sums of tensors, whose
order differs. Memory that the caller gives holds large numbers before it is written; no index leaves its buffer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import numpy as np
import pytest
from control_programs import random_inputs, random_program
from nest_harness import differences, run_nest, use_platform_functions
from random_graphs import SIZE, random_graph
from sample_values import ROOT, values_for

from cgcli import load, parse
from cgcli.graph.graph import Graph, opname
from cgcli.graph.traversal import every
from cgcli.graph.types import BOOL, FLOAT, INT, Stack, Type
from cgcli.loop_nests.form import INDEX as INDEX_CODE
from cgcli.loop_nests.form import SIZE as SIZE_CODE
from cgcli.loop_nests.form import For, LoopNest, Statement, Store, While, blocks
from cgcli.loop_nests.lower import lower
from cgcli.loop_nests.readers import node_of
from cgcli.loop_nests.structured import StructuredNodes
from cgcli.ops.builder import Builder
from cgcli.ops.op import OnStacks
from cgcli.ops.table import OPS
from cgcli.optimise.driver import optimise
from cgcli.transform.checkpoint import checkpointed
from cgcli.transform.gradient import gradient

STRUCTURED_SAMPLES = ("huber", "kalman", "meta", "newton", "ode", "power", "rnn")
LARGE = 40  # elements of a carry that lies in memory


@pytest.fixture(autouse=True)
def platform_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    use_platform_functions(monkeypatch)


def graph_of(text: str) -> Graph:
    return parse(text).graph


def with_gradients(graph: Graph, wrt: Sequence[int] | None = None) -> list[Graph]:
    """The graph; with its gradient; both checkpointed; second derivatives; as they are and optimised."""
    by = [i for i in graph.inputs if graph.type_of(i).has_derivative] if wrt is None else list(wrt)
    cut = checkpointed(graph)[0]
    of_cut = gradient(cut, cut.outputs[0], [cut.inputs[graph.inputs.index(i)] for i in by], value=True)
    first = gradient(graph, graph.outputs[0], by, value=True)
    graphs = [graph, first, cut, of_cut]
    scalars = [i for i in first.inputs if first.type_of(i) == FLOAT]
    if scalars and first.type_of(first.outputs[1]) == FLOAT:
        graphs.append(gradient(first, first.outputs[1], scalars[:3]))
    return [*graphs, *map(optimise, graphs)]


def statements(nest: LoopNest) -> Iterator[Statement]:
    waiting = list(nest.body)
    while waiting:
        s = waiting.pop()
        yield s
        for block in blocks(s):
            waiting += block


# ---- every op


def test_each_structured_op_and_each_op_on_stacks_has_its_form() -> None:
    structured = {op.name for op in OPS.values() if op.is_structured or isinstance(op.loops, OnStacks)}
    assert structured >= {"cond", "loop", "get", "unstack", "restack", "length", "chunks", "joined", "head", "filled"}
    assert [name for name in sorted(structured) if not callable(getattr(StructuredNodes, name, None))] == []


# ---- generated programs


@pytest.mark.parametrize("seed", [*range(8), *(pytest.param(s, marks=pytest.mark.thorough) for s in range(8, 400))])
def test_control_flow_and_its_derivatives(seed: int) -> None:
    graph = graph_of(random_program(seed).text)
    for g in with_gradients(graph, graph.inputs[:4]):
        nest = lower(g)
        for items in (0, 3):
            inputs = random_inputs(Random(seed), items)
            point = [*(inputs[name] for name in "xab"), np.array(inputs["xs"], float), inputs["m"]]
            assert differences(g, point, nest=nest) == ""


@pytest.mark.parametrize("tensors", [False, True])
@pytest.mark.parametrize(
    "seeds", [range(25), *(pytest.param(range(s, s + 100), marks=pytest.mark.thorough) for s in range(25, 2025, 100))]
)
def test_random_graphs_and_their_derivatives(seeds: range, tensors: bool) -> None:
    for seed in seeds:
        graph, inputs = random_graph(seed, tensors)
        floats = [i for i in graph.inputs if graph.type_of(i).is_float]
        graphs = [graph, optimise(graph)]
        scalar = next((x for x in graph.outputs if graph.type_of(x) == FLOAT), None)
        if scalar is not None:
            graphs += [optimise(gradient(graph, scalar, floats, value=True))]
        for g in graphs:
            assert differences(g, inputs, ulps=64, sizes={"n": SIZE}) == "", seed


@pytest.mark.portable
@pytest.mark.parametrize("name", STRUCTURED_SAMPLES)
def test_samples_and_their_gradients(name: str) -> None:
    values = values_for(ROOT / f"samples/{name}.cg")
    program = load(ROOT / f"samples/{name}.cg").recorded(values)
    graph, point = program.graph, program.bind_inputs(values)
    floats = [i for i in graph.inputs if graph.type_of(i).has_derivative]
    by_first = gradient(graph, graph.outputs[0], floats, value=True)
    for g in (graph, optimise(graph), optimise(by_first)):
        # the gradient of an eigenvalue by the start is what cancellation leaves of terms of about 1
        assert differences(g, point, ulps=64, noise=1e-24 if name == "power" else 0.0) == ""


# ---- conditionals


def test_a_side_that_is_not_taken_computes_nothing() -> None:
    graph = graph_of("input n: int\ninput k: int\ny = if n == 0 then 0 else k // n\noutput y")
    assert run_nest(graph, [0, 7]) == (0, [0])
    assert run_nest(graph, [2, 7]) == (0, [3])


@pytest.mark.parametrize("positive", [True, False])
def test_large_results_of_a_conditional_are_written_by_the_side_that_is_taken(positive: bool) -> None:
    text = """input x: float[n]
input a
if a > 0 {
    y = 2 * x
    k = 1
} else {
    y = x[::-1]
    k = 2
}
out = sum(y * y) + k
output out"""
    for g in with_gradients(graph_of(text)):
        assert differences(g, [np.arange(1.0, 21.0), 1.0 if positive else -1.0], ulps=20) == ""


@pytest.mark.parametrize("condition", [True, False])
def test_a_conditional_has_stacks_of_the_length_that_its_side_makes(condition: bool) -> None:
    b = Builder()
    c, n = b.input(BOOL), b.input(INT)
    sides = []
    for factor in (1, 2):
        inner, step = Builder(), Builder()
        count = inner.input(INT)
        k = step.input(INT)
        body = step.done(step.mul(step.cast(k, dtype="float"), step.const(float(factor))))
        many = inner.mul(count, inner.const(factor))
        sides.append(inner.done(inner.get(inner.loop(many, body=body, carries=0, invariants=0), k=1)))
    node = b.apply("cond", c, n, **{"then": sides[0], "else": sides[1]})
    items = b.get(node, k=0)
    graph = b.done(b.length(items), total(b, items))
    assert graph.type_of(items) == Stack(FLOAT)
    assert differences(graph, [condition, 5]) == ""
    assert run_nest(graph, [condition, 5])[1] == ([5, 10.0] if condition else [10, 90.0])


def total(b: Builder, items: int) -> int:
    """The sum of a stack of numbers."""
    step = Builder()
    step.input(INT)
    before, item = step.input(FLOAT), step.input(FLOAT)
    body = step.done(step.add(before, item))
    return b.get(b.loop(b.length(items), b.const(0.0, FLOAT), items, body=body, carries=1, invariants=0), k=1)


# ---- loops


@pytest.mark.parametrize("count", [-3, 0, 1, 4])
def test_a_trip_count_below_one_runs_no_step(count: int) -> None:
    text = """input m: int
input x
y = x
k = 0
for t in 0..m {
    y = sin(y) * x
    k = k + t
}
output y, k"""
    for g in with_gradients(graph_of(text)):
        assert differences(g, [count, 0.7]) == ""


LARGE_CARRIES = {
    "each element of itself": ("x = 0.5 * x + sin(y)", "pass", 0),
    "swapped": ("z = x\n x = y\n y = z", "", 1),
    "of each other": ("z = x + y\n y = x - y\n x = z", "", 1),
    "a sum of all": ("x = x / (1 + sum(x * x))", "", 1),
    "moved": ("x = x[::-1] + y", "", 1),
    "an element written": ("x[2] = x[3] + 1", "", None),
    "one after the other": ("x = x + 0.25 * y\n y = 0.5 * y", "", 0),
    "nothing": ("x = x\n y = 0.5 * y", "", 0),
}


@pytest.mark.parametrize("name", LARGE_CARRIES)
def test_large_carries(name: str) -> None:
    """Beside: how many carries have no memory in which they are written in place."""
    body, _, beside = LARGE_CARRIES[name]
    text = f"""input x0: float[{LARGE}]
input y0: float[{LARGE}]
x = x0
y = y0
for t in 0..5 {{
    {body}
}}
out = sum(x * y)
output out"""
    graph = graph_of(text)
    point = [np.linspace(-1.0, 2.0, LARGE), np.linspace(0.3, 0.9, LARGE) ** 2]
    for g in with_gradients(graph):
        assert differences(g, point, ulps=LARGE) == ""
    if beside is not None:
        carried = sum(t == Type("float", (LARGE,)) for t in loop_results(graph))
        scratch = [x for x in lower(graph).buffers.values() if x.role == "scratch"]
        assert len(scratch) == carried + beside


def loop_results(graph: Graph) -> list[Any]:
    node = next(i for i, code in enumerate(graph.op) if opname(code) == "loop")
    return list(graph.type_of(node).items)  # type: ignore[union-attr]


def test_small_carries_are_numbers() -> None:
    text = """input x: float[3]
y = x
for t in 0..100 {
    y = [y[1], y[2], y[0] * 0.5]
}
out = sum(y)
output out"""
    nest = lower(optimise(graph_of(text)))
    assert {x.role for x in nest.buffers.values()} == {"in", "out"}
    (loop,) = [s for s in statements(nest) if isinstance(s, For)]
    assert len(loop.carried) == 3


def test_a_small_carry_is_read_at_a_computed_index() -> None:
    text = """input x: float[3]
input m: int
y = x
for t in 0..m {
    y = 0.5 * y + y[t // 2] * x[2 - t // 2]
}
out = sum(y)
output out"""
    for g in with_gradients(graph_of(text)):
        assert differences(g, [np.array([0.3, -1.2, 2.0]), 5], ulps=4) == ""


def test_what_no_step_changes_is_computed_once() -> None:
    text = """input x
input m: int
y = 0.0
for t in 0..m {
    y = y + exp(x)
}
output y"""
    nest = lower(graph_of(text))
    (loop,) = [s for s in statements(nest) if isinstance(s, For | While)]
    assert "exp" in str(nest)
    assert all("exp" not in str(getattr(s, "primitive", "")) for s in loop.body)


@pytest.mark.parametrize("n", [0, 1, 4])
def test_loops_within_loops_of_other_lengths(n: int) -> None:
    """What each step of the outer loop saves is a stack of its own length."""
    text = """input x: float[n]
input a
y = a
for i in 0..n {
    for j in 0..i {
        y = sin(y * x[j])
        k = 0
        while k < j and y > -0.5 {
            y = y - 0.3 * a * x[i]
            k = k + 1
        }
    }
}
output y"""
    graph = graph_of(text)
    for g in with_gradients(graph, graph.inputs):
        assert differences(g, [np.linspace(0.5, 1.5, n), 0.9]) == ""


@pytest.mark.parametrize("n", [0, 3])
def test_stacks_of_tensors_of_named_sizes(n: int) -> None:
    text = """input x: float[n]
input w: float[m, n]
h = x
rows = zeros([6, n])
for t in 0..6 {
    h = tanh(h + w[t // 3])
    rows[t] = h * h
}
out = sum(rows) + sum(h)
output out"""
    graph = graph_of(text)
    for g in with_gradients(graph):
        assert differences(g, [np.linspace(-1, 1, n), np.linspace(0, 1, 2 * n).reshape(2, n)], ulps=64) == ""


def test_a_stack_written_is_read_in_either_direction() -> None:
    b = Builder()
    n = b.input(INT)
    step = Builder()
    body = step.done(step.mul(step.input(INT), step.const(3)))
    items = b.get(b.loop(n, body=body, carries=0, invariants=0), k=1)
    last = Builder()
    k = last.input(INT)
    before, item = last.input(INT), last.input(INT)
    reader = last.done(last.add(last.mul(before, last.const(10)), last.sub(item, k)))
    results = []
    for attrs in ({}, {"reverse": True}):
        node = b.loop(b.length(items), b.const(0, INT), items, body=reader, carries=1, invariants=0, **attrs)
        results.append(b.get(node, k=1))
    graph = b.done(*results)
    assert run_nest(graph, [4]) == (0, [246, 6420])
    assert differences(graph, [4]) == ""


def counted(b: Builder, count: int, scale: float) -> int:
    """The stack of `scale` times the number of each step."""
    step = Builder()
    body = step.done(step.mul(step.input(INT), step.const(scale)))
    return int(b.get(b.loop(count, body=body, carries=0, invariants=0), k=1))


def triangle(b: Builder, count: int, scale: float) -> int:
    """The stack of stacks of 0, 1, 2, … items."""
    step = Builder()
    body = step.done(counted(step, step.input(INT), scale))
    return int(b.get(b.loop(count, body=body, carries=0, invariants=0), k=1))


def weighed(b: Builder, items: int) -> int:
    """The sum of a stack of numbers, or of stacks of such, each times its number from 1 up."""
    kind = b.type_of(items)
    assert isinstance(kind, Stack)
    step = Builder()
    k, before, item = step.input(INT), step.input(FLOAT), step.input(kind.item)
    value = weighed(step, item) if isinstance(kind.item, Stack) else item
    body = step.done(step.add(before, step.mul(step.add(k, step.const(1)), step.cast(value, dtype="float"))))
    node = b.loop(b.length(items), b.const(0.0, FLOAT), items, body=body, carries=1, invariants=0)
    return int(b.get(node, k=1))


@pytest.mark.parametrize(("n", "m"), [(0, 0), (0, 4), (4, 0), (2, 5), (5, 2), (3, 3)])
def test_a_stack_is_cut_or_filled_to_the_length_of_another(n: int, m: int) -> None:
    b = Builder()
    counts = b.input(INT), b.input(INT)
    results = []
    for make in (counted, triangle):
        items, like = make(b, counts[0], 1.5), make(b, counts[1], 2.5)
        for other in (b.head(items, like), b.filled(items, like, zero=0.0)):
            results += [b.length(other), weighed(b, other)]
    assert differences(b.done(*results), [n, m]) == ""


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("n", [0, 1, 6, 7])
def test_chunks_are_joined_to_the_same_stack(n: int, size: int) -> None:
    b = Builder()
    count, of = b.input(INT), b.input(INT)
    items = counted(b, count, 1.5)
    parts = b.chunks(items, of)
    joined = b.joined(parts, of)
    graph = b.done(*(f(b, x) for x in (items, parts, joined) for f in (lambda b, x: b.length(x), weighed)))
    assert differences(graph, [n, size]) == ""
    status, (length, value, *_, again_length, again) = run_nest(graph, [n, size])
    assert (status, again_length, again) == (0, length, value)


def test_parts_of_other_lengths_are_not_joined() -> None:
    b = Builder()
    joined = b.joined(triangle(b, b.input(INT), 1.0), b.const(2, INT))
    status, _ = run_nest(b.done(b.length(joined)), [4])
    assert status % 16 == SIZE_CODE


def test_a_while_reads_a_stack_as_far_as_its_steps_go() -> None:
    b = Builder()
    n, limit = b.input(INT), b.input(FLOAT)
    step, test = Builder(), Builder()
    step.input(INT)
    before, most, item = step.input(FLOAT), step.input(FLOAT), step.input(FLOAT)
    body = step.done(step.add(before, step.add(item, step.const(1.0))))
    del most
    pred = test.done(test.lt(test.input(FLOAT), test.input(FLOAT)))
    node = b.loop(b.const(0.0, FLOAT), limit, counted(b, n, 1.0), body=body, pred=pred, carries=1, invariants=1)
    graph = b.done(b.get(node, k=0), b.get(node, k=1))
    assert run_nest(graph, [9, 5.0]) == (0, [3, 6.0])
    assert differences(graph, [9, 5.0]) == ""
    assert run_nest(graph, [2, 5.0])[0] % 16 == INDEX_CODE


# ---- stops


@pytest.mark.parametrize(
    ("text", "op"),
    [
        ("k = m\nfor t in 0..3 {\n k = 10 // k\n}\noutput k", "floor_div"),
        ("k = m + 9\nfor t in 0..70 {\n k = k * k\n}\noutput k", "mul"),
        ("y = 0.0\nfor t in 0..9 {\n y = y + xs[t]\n}\noutput y", "index"),
        ("y = 0.0\nfor t in 0..3 {\n y = y + 1\n assert y < 2\n}\noutput y", "assert"),
        ("k = if m == 0 then 1 // m else 2\noutput k", "floor_div"),
    ],
)
def test_a_stop_names_the_node_of_the_nested_graph(text: str, op: str) -> None:
    graph = graph_of("input xs: float[n]\ninput m: int\n" + text)
    status, _ = run_nest(graph, [np.ones(3), 0])
    inner, node = node_of(graph, status // 16)
    assert opname(inner.op[node]) == op
    assert inner is not graph
    assert differences(graph, [np.ones(3), 0]) == ""


def test_an_operand_of_a_loop_without_steps_stops_the_run_as_the_reference_does() -> None:
    text = """input m: int
input k: int
c = 10 // k
y = 0
for t in 0..m {
    y = y + c
}
output y"""
    assert differences(graph_of(text), [0, 0]) == ""
    assert run_nest(graph_of(text), [0, 0])[0] != 0


def test_nodes_of_nested_graphs_have_numbers_of_their_own() -> None:
    graph = graph_of(random_program(3).text)
    graphs = {id(inner): inner for inner in every(graph)}
    nodes = {(id(inner), i) for inner in graphs.values() for i in range(len(inner))}
    named = [node_of(graph, k) for k in range(len(nodes))]
    assert {(id(inner), i) for inner, i in named} == nodes
    assert [i for _, i in named[: len(graph)]] == list(range(len(graph)))


# ---- size


def test_long_programs_lower_in_one_walk() -> None:
    """Neither a long body nor a chain of views, conditionals and loops is recursed into."""
    lines = ["y = x"]
    for k in range(150):
        lines += [f"if y > {k} {{\n y = y + 1\n}}", "for t in 0..2 {\n y = y * 0.5\n}"]
    lines += ["for t in 0..2 {", *["y = sin(y)"] * 3000, "}"]
    graph = graph_of("\n".join(["input x", *lines, "output y"]))
    nest = lower(graph)
    assert differences(graph, [3.0], nest=nest) == ""
    assert sum(isinstance(s, Store) for s in statements(nest)) == 1
