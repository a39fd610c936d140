"""Plans: the order of nodes, the memory that values share, what ops may do to it, and costs."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from executors import ArrayExecutor
from hypothesis import given, settings
from hypothesis import strategies as st
from random_graphs import SIZE, random_graph
from tensor_harness import built, derived, type_of
from test_random_tensors import Recipe, grown, recipes
from test_tensor_ops import CASES, graph_of

from cgcli.graph.graph import CONST, INPUT, Graph, opname
from cgcli.graph.plan import Plan
from cgcli.graph.sizes import Size, evaluate
from cgcli.graph.traversal import live
from cgcli.graph.types import BOOL, FLOAT, INT, Type
from cgcli.ops.builder import Builder
from cgcli.ops.op import Op
from cgcli.ops.stopping import may_stop
from cgcli.ops.table import OPS
from cgcli.plan.alias_analysis import aliased_operands, supports_out
from cgcli.plan.planner import plan
from cgcli.run.numpy.call_recorder import Unrecordable, record_calls
from cgcli.run.numpy.calls import last_call, takes_out

N = ("n",)


def run_all(graph: Graph, xs: Any) -> list[Any]:
    return ArrayExecutor(graph, tuple(range(len(graph)))).forward(xs)


# ---- what ops do with memory


def test_an_op_that_may_give_memory_of_an_operand_is_known() -> None:
    found = set()
    for case in CASES:
        graph = graph_of(case.op, [type_of(x) for x in case.xs], case.at)
        v = run_all(graph, case.xs)
        for x in graph.operands(graph.outputs[0]):
            if np.shares_memory(v[graph.outputs[0]], v[x]):
                found.add(case.op.name)
                assert x in aliased_operands(graph, graph.outputs[0]), case
    assert {"slice", "reshape", "permute", "expand", "squeeze", "expand_dims", "einsum", "windows"} <= found


def elementwise_graph(op: Op, count: int) -> tuple[Graph, list[Any]]:
    xs = [np.full(3, x) for x in op.examples.operands[0][:count]]
    return graph_of(op, [type_of(x) for x in xs], op.examples.attrs), xs


@pytest.mark.parametrize(
    "op", [op for op in OPS.values() if op.is_elementwise and op.examples.operands], ids=lambda op: op.name
)
def test_an_elementwise_op_that_may_give_memory_of_an_operand_is_known(op: Op) -> None:
    counts = (1, len(op.examples.operands[0])) if op.name in ("max", "min") else (len(op.examples.operands[0]),)
    for count in counts:
        graph, xs = elementwise_graph(op, count)
        v = run_all(graph, xs)
        i = graph.outputs[0]
        assert all(x in aliased_operands(graph, i) for x in graph.operands(i) if np.shares_memory(v[i], v[x]))


def writes_as_traced(graph: Graph, xs: Any) -> bool:
    i = graph.outputs[0]
    try:
        _, noted = record_calls(OPS[opname(graph.op[i])].evaluate, graph.attrs.get(i, {}), xs)
    except Unrecordable:
        return False
    last = last_call(noted, len(xs))
    return last is not None and takes_out(last.function)


@pytest.mark.parametrize("op", [op for op in OPS.values() if op.examples.operands], ids=lambda op: op.name)
def test_ops_that_are_given_memory_can_write_into_it(op: Op) -> None:
    """So that what a plan says of shared memory is what happens."""
    xs = [np.asarray(x) for x in op.examples.operands[0]]
    if op.is_elementwise:
        xs = [np.full(3, x) for x in xs]
    graph = graph_of(op, [type_of(x) for x in xs], op.examples.attrs)
    if op.name in ("copy", "stop_gradient", "assert", "cast"):
        assert supports_out(graph, graph.outputs[0]) == (op.name == "cast")
    else:
        assert supports_out(graph, graph.outputs[0]) <= writes_as_traced(graph, xs)
        if op.is_elementwise and not supports_out(graph, graph.outputs[0]):
            assert not writes_as_traced(graph, xs) or op.effects.may_fail


def test_a_stack_keeps_the_memory_of_what_it_holds() -> None:
    """Of two rows that go through each op on stacks, on their way to a tensor."""
    b = Builder()
    rows, two = b.unstack(b.input(Type("float", (2, 3)))), b.const(2)
    pairs = b.chunks(rows, two)
    for made in (pairs, b.joined(pairs, two), b.head(rows, rows), b.filled(rows, rows, zero=0.0)):
        assert rows in aliased_operands(b.done(made), made) or pairs in aliased_operands(b.done(made), made)


# ---- plans of random graphs


def sized(size: Size, sizes: dict[str, int]) -> int:
    return evaluate(size, {"steps": 1, **{f"steps{k}": 1 for k in range(50)}, **sizes})


def check_order(made: Plan) -> None:
    graph, step = made.graph, made.steps
    needed = live(graph, (*graph.outputs, *graph.asserts))
    wanted = [i for i, code in enumerate(graph.op) if needed[i] and code not in (INPUT, CONST)]
    assert sorted(made.order) == wanted
    assert all(step[x] < step[i] for i in wanted for x in graph.operands(i) if x in step)
    stopping = [i for i in wanted if may_stop(graph, i)]
    assert stopping == sorted(stopping, key=lambda i: step[i])


def last_reads(made: Plan) -> dict[int, int]:
    """By what the record says of views alone: the last step that needs the memory of each value."""
    graph, step = made.graph, made.steps
    last = {i: len(made.order) for i in graph.outputs}
    for i in reversed(made.order):
        last[i] = max(last.get(i, 0), step[i])
        for x in graph.operands(i):
            last[x] = max(last.get(x, 0), last[i] if x in made.views.get(i, ()) else step[i])
    return last


def check_memory(made: Plan, sizes: dict[str, int]) -> None:
    """At no time do two values that are still needed share a buffer."""
    step = made.steps
    last = last_reads(made)
    whole = {i: k for k in made.blocks for i in made.groups[k]}
    for number, b in enumerate(made.buffers):
        assert all(made.buffer_of[i] == number and i not in made.views for i in b.nodes)
        for before, after in zip(b.nodes, b.nodes[1:], strict=False):
            over = made.in_place.get(after) == before
            assert last[before] < step[after] + over, (before, after)
            if before in whole and whole[before] == whole.get(after):
                continue
            # a group that runs block by block reads and writes until its end
            ends = [made.groups[whole[i]] for i in (before, after) if i in whole]
            assert all(over or last[before] < step[group[0]] or after not in group for group in ends)
        for i in b.nodes:
            assert (last[i] == len(made.order)) <= (b.fresh and b.nodes == (i,))
            assert b.first <= step[i] <= last[i] <= b.last
    assert sized(made.peak, sizes) <= sized(made.unshared, sizes)
    assert set(made.in_place) <= set(made.buffer_of)


def check(graph: Graph, sizes: dict[str, int] | None) -> None:
    made = plan(graph, sizes)
    stack = [made]
    while stack:
        top = stack.pop()
        check_order(top)
        check_memory(top, sizes or {"n": SIZE})
        stack.extend(top.nested.values())


@settings(max_examples=200)
@given(st.integers(0, 2**32 - 1), st.booleans(), st.booleans())
def test_plans_of_random_graphs_with_conditions_and_loops(seed: int, tensors: bool, numbers: bool) -> None:
    graph, _ = random_graph(seed, tensors)
    check(graph, {"n": SIZE} if numbers else None)


@settings(max_examples=100)
@given(recipes)
def test_plans_of_random_graphs_of_tensors(recipe: Recipe) -> None:
    check(grown(recipe), {})
    check(derived(grown(recipe)), None)


# ---- schedules and buffers


def ladder(b: Builder, x: int, reverse: bool) -> int:
    """Eight large values made first, then each summed: small is the memory if each is summed at once."""
    large = [b.sin(b.mul(x, float(k))) for k in range(8)]
    sums = [b.sum(y, axes=(-1,), keepdims=False) for y in (reversed(large) if reverse else large)]
    total = sums[0]
    for s in sums[1:]:
        total = b.add(total, s)
    return total


@pytest.mark.parametrize("reverse", [False, True])
def test_values_are_used_up_before_others_are_made(reverse: bool) -> None:
    graph = built(lambda b, x: ladder(b, x, reverse), Type("float", (1000,)))
    for sizes in (None, {}):
        made = plan(graph, sizes)
        assert made.unshared == 16 * 8000 + 15 * 8
        assert isinstance(made.peak, int)
        assert made.peak < 3 * 8000


def test_an_order_that_is_good_is_kept() -> None:
    graph = built(lambda b, x: b.exp(b.sin(b.mul(x, 2.0))), Type("float", N))
    made = plan(graph)
    assert list(made.order) == sorted(made.order)


def test_elementwise_nodes_write_over_operands() -> None:
    graph = built(lambda b, x: b.sum(b.exp(b.sin(b.mul(x, 2.0))), axes=(-1,), keepdims=False), Type("float", N))
    made = plan(graph)
    assert len(made.in_place) == 2
    assert (made.peak, made.unshared) == ("8*n + 8", "24*n + 8")
    assert [b.size for b in made.buffers if not b.fresh] == ["8*n"]


def test_a_view_keeps_its_operand() -> None:
    def make(b: Builder, x: int) -> int:
        y = b.sin(x)
        turned = b.permute(y, axes=(-1, -2))
        z = b.cos(x)
        return int(b.sum(b.matmul(turned, z), axes=(-1, -2), keepdims=False))

    made = plan(built(make, Type("float", (3, 3))))
    (y,) = (i for i in made.order if opname(made.graph.op[i]) == "sin")
    (z,) = (i for i in made.order if opname(made.graph.op[i]) == "cos")
    assert made.buffer_of[y] != made.buffer_of[z]


def test_a_group_runs_block_by_block_when_it_is_large() -> None:
    graph = built(
        lambda b, x: b.sum(b.exp(b.sin(b.mul(x, 2.0))), axes=(-2, -1), keepdims=False), Type("float", ("n", 8))
    )
    assert not plan(graph).blocks
    assert not plan(graph, {"n": 100}).blocks
    made = plan(graph, {"n": 100_000})
    ((number, rows),) = made.blocks.items()
    assert rows % 64 == 0
    assert len(made.groups[number]) == 3
    assert made.peak == 8 * 8 * (100_000 + rows) + 8


# ---- costs


def loop_of(b: Builder, n: int, x: int) -> int:
    """x times 2, n times, and each step's value written."""
    inner = Builder()
    inner.input(INT)
    y = inner.mul(inner.input(Type("float", N)), 2.0)
    made = b.apply("loop", n, x, body=inner.done(y, y), carries=1, invariants=0)
    return int(b.get(made, k=1))


def test_costs() -> None:
    graph = built(lambda b, x, y: b.matmul(x, y), Type("float", ("n", "k")), Type("float", ("k", "m")))
    made = plan(graph)
    assert made.costs[graph.outputs[0]] == ("2*k*m*n", "8*k*m + 8*k*n + 8*m*n")
    assert plan(graph, {"n": 2, "k": 3, "m": 4}).operations == 48
    two = built(lambda b, x, y: b.einsum(x, y, pattern="ij,jk->ik"), Type("f32", ("n", 3)), Type("f32", (3, 2)))
    assert plan(two).costs[two.outputs[0]] == ("12*n", "20*n + 24")
    added = built(lambda b, x: b.sum(x, axes=(-1,), keepdims=False), Type("float", (5, "n")))
    assert plan(added).operations == "5*n"
    free = built(lambda b, x: b.permute(x, axes=(-1, -2)), Type("float", ("n", 3)))
    assert (plan(free).operations, plan(free).bytes, plan(free).unshared) == (0, 0, 0)


def test_costs_of_loops() -> None:
    b = Builder()
    n, x = b.input(INT, "count"), b.input(Type("float", N), "x")
    made = plan(b.done(loop_of(b, n, x)))
    assert made.operations == "count*n"
    assert made.unshared == "8*count*n + 8*n"
    assert plan(made.graph, {"n": 10, "count": 5}).operations == 50
    b = Builder()
    known = b.const(7, INT)
    made = plan(b.done(loop_of(b, known, b.input(Type("float", N), "x"))))
    assert made.operations == "7*n"
    b = Builder()
    unknown = b.add(b.input(INT, "steps"), b.const(1))
    made = plan(b.done(loop_of(b, unknown, b.input(Type("float", N), "x"))))
    assert made.operations == "n*steps2 + 1"
    ((key, body),) = made.nested.items()
    assert (key[1], body.operations) == ("body", "n")


def test_a_condition_costs_its_dearer_side() -> None:
    sides = []
    for count in (1, 3):
        inner = Builder()
        y = inner.input(Type("float", N))
        for _ in range(count):
            y = inner.sin(y)
        sides.append(inner.done(y))
    graph = built(lambda b, c, x: b.get(b.cond(c, x, then=sides[0], **{"else": sides[1]}), k=0), BOOL, Type("float", N))
    assert plan(graph).operations == "3*n"


def test_what_is_not_needed_is_not_planned() -> None:
    graph = built(lambda b, x: (b.sin(x), b.cos(x))[1], FLOAT)
    assert [opname(graph.op[i]) for i in plan(graph).order] == ["cos"]
    assert plan(replace(graph, outputs=())).order == ()


def test_a_deep_graph_is_planned() -> None:
    def make(b: Builder, x: int) -> int:
        y = x
        for _ in range(5000):
            y = b.add(b.sin(y), x)
        return y

    graph = built(make, Type("float", N))
    made = plan(graph)
    assert (made.peak, len(made.order)) == ("16*n", 10_000)
