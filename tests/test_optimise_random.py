"""Random graphs with conditionals and loops, run before and after every pass: the same bits.

Where the graph as it stands stops the run, a pass may take away what stopped it, when no output needs it; never an
assert that fails.
"""

from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np
import pytest
from executors import ArrayExecutor, ScalarExecutor
from oracle import rounding
from random_graphs import SIZE, bits, numbers_do, random_graph, run

from cgcli.graph.graph import CONST, INPUT, Graph
from cgcli.graph.printed import parse_graph
from cgcli.graph.types import FLOAT, Type
from cgcli.ops.array_kernels import DTYPES, ArrayKernels
from cgcli.ops.builder import Builder
from cgcli.ops.interpreter import Interpreter, Limits, Runner
from cgcli.ops.sizes import type_bytes
from cgcli.ops.table import BY_CODE, OPS
from cgcli.ops.validity import check
from cgcli.optimise.driver import FAST, PASSES, optimise, stages
from cgcli.plan.alias_analysis import aliased_operands, in_place
from cgcli.plan.fusion import groups
from cgcli.transform.gradient import gradient

SEEDS = 150
SOME = 50
MANY = 5000


def check_passes(seed: int, tensors: bool) -> None:
    graph, inputs = random_graph(seed, tensors)
    check(graph)
    numbers = numbers_do(graph)
    wanted = run(graph, inputs, numbers)
    for step in PASSES:
        compare(graph, step.run(graph), inputs, wanted, numbers, f"{step.name} of {seed} {tensors}")
    before = graph
    for stage in stages(graph):
        assert stage.before is before
        before = stage.after
        compare(graph, before, inputs, wanted, numbers, f"{stage.name} within {seed} {tensors}")
        assert parse_graph(str(before)) == before
    assert optimise(graph) == before


def compare(
    graph: Graph, made: Graph, inputs: list[Any], wanted: Sequence[bytes | str], numbers: bool, where: str
) -> None:
    check(made)
    assert [made.type_of(i) for i in made.inputs] == [graph.type_of(i) for i in graph.inputs], where
    assert [made.names[i] for i in made.inputs] == [graph.names[i] for i in graph.inputs], where
    assert [made.type_of(i) for i in made.outputs] == [graph.type_of(i) for i in graph.outputs], where
    found = run(made, inputs, numbers)
    if isinstance(wanted[0], str):
        assert wanted[0] != "assertion-failed" or isinstance(found[0], str), where
    else:
        assert found == wanted, where


@pytest.mark.parametrize("tensors", [False, True], ids=["numbers", "tensors"])
def test_no_pass_changes_a_bit(tensors: bool) -> None:
    for seed in range(SOME):
        check_passes(seed, tensors)


@pytest.mark.thorough
@pytest.mark.parametrize("tensors", [False, True], ids=["numbers", "tensors"])
def test_no_pass_changes_a_bit_at_length(tensors: bool) -> None:
    for seed in range(SOME, MANY):
        check_passes(seed, tensors)


def test_the_random_graphs_give_every_pass_work() -> None:
    """Tests that change nothing show nothing: each pass, each kind of node, values as well as stopped runs."""
    busy: dict[str, int] = dict.fromkeys((step.name for step in PASSES), 0)
    stopped = 0
    for seed in range(SEEDS):
        for tensors in (False, True):
            graph, inputs = random_graph(seed, tensors)
            stopped += isinstance(run(graph, inputs, numbers_do(graph))[0], str)
            for step in PASSES:
                busy[step.name] += step.run(graph) is not graph
    assert min(busy.values()) > 20, busy
    assert 5 < stopped < SEEDS


# ---- what holds for real numbers only


def smooth(seed: int) -> Graph:
    """A graph of smooth functions, with constants where the identities look for them."""
    rng = Random(seed)
    b = Builder()
    pool = [b.input(FLOAT, name) for name in "xyz"]
    for _ in range(12):
        x, y = rng.choice(pool), rng.choice(pool)
        kind = rng.randrange(7)
        if kind == 0:
            pool.append(b.const(rng.choice((0.0, -0.0, 1.0, 3.0, 0.7, -2.5))))
        elif kind < 5:
            pool.append(b.apply(rng.choice(("add", "sub", "mul", "div")), x, y))
        elif kind == 5:
            pool.append(b.fixed_power(x, exponent=rng.choice((2, -1, 0.5))))
        else:
            pool.append(b.apply(rng.choice(("exp", "log", "neg")), x))
    return b.done(pool[-1])


def check_fast(seed: int) -> bool:
    graph = smooth(seed)
    made = optimise(graph, fast_math=True)
    check(made)
    rng = Random(seed)
    inputs = [rng.uniform(0.5, 2.0) for _ in range(3)]
    v = ScalarExecutor(graph, range(len(graph))).forward(inputs)
    if not all(abs(x) < 1e6 for x in v) or graph.op[graph.outputs[0]] in (INPUT, CONST):
        return False
    y, z = graph.outputs[0], made.outputs[0]
    slack = rounding(graph, y, v) + rounding(made, z, ScalarExecutor(made, range(len(made))).forward(inputs))
    if not slack < 1e-6:
        return False
    found = ScalarExecutor(made).forward(inputs)[made.outputs[0]]
    assert abs(found - v[graph.outputs[0]]) <= slack + 2.0**-50 * abs(found), seed
    return made != optimise(graph)


def test_fast_math_stays_within_rounding() -> None:
    assert sum(check_fast(seed) for seed in range(600)) > 50


@pytest.mark.thorough
def test_fast_math_stays_within_rounding_at_length() -> None:
    for seed in range(600, 20_000):
        check_fast(seed)


@pytest.mark.parametrize("seeds", [SOME, pytest.param(MANY, marks=pytest.mark.thorough)])
def test_fast_math_comes_to_an_end_on_every_graph(seeds: int) -> None:
    for seed in range(seeds):
        for tensors in (False, True):
            graph, _ = random_graph(seed, tensors)
            made = optimise(graph, fast_math=True)
            check(made)
            assert all(step.run(made) is made for step in PASSES + FAST), seed


def test_gradients_keep_their_bits() -> None:
    """A derivative is a graph like another; there is much in it to share and to fold."""
    for seed in range(60):
        graph = smooth(seed)
        made = gradient(graph, graph.outputs[0], graph.inputs, value=True)
        inputs = [0.7, 1.3, 0.9]
        assert run(made, inputs, True) == run(optimise(made), inputs, True), seed


def check_gradient(seed: int, tensors: bool) -> bool:
    """The derivative of a random graph by its float inputs, through whatever conditionals and loops it has."""
    graph, inputs = random_graph(seed, tensors)
    numbers = [i for i in graph.outputs if graph.type_of(i) == FLOAT and graph.op[i] not in (INPUT, CONST)]
    if not numbers:
        return False
    wrt = [i for i in graph.inputs if graph.type_of(i).is_float]  # type: ignore[union-attr]
    made = gradient(graph, numbers[0], wrt, value=True)
    check(made)
    plain = numbers_do(made)
    compare(made, optimise(made), inputs, run(made, inputs, plain), plain, f"gradient of {seed} {tensors}")
    return True


def test_gradients_through_conditionals_and_loops_keep_their_bits() -> None:
    assert sum(check_gradient(seed, tensors) for seed in range(100) for tensors in (False, True)) > 40


@pytest.mark.thorough
def test_gradients_through_conditionals_and_loops_keep_their_bits_at_length() -> None:
    assert sum(check_gradient(seed, tensors) for seed in range(100, MANY) for tensors in (False, True)) > 2000


# ---- fusion and reuse


def check_groups(graph: Graph) -> int:
    """Every set is of one shape, connected, and no path leaves it and comes back."""
    found = groups(graph)
    seen: set[int] = set()
    for nodes in found:
        inside = set(nodes)
        assert len(nodes) > 1
        assert not seen & inside
        seen |= inside
        assert len({graph.type_of(i).shape for i in nodes}) == 1  # type: ignore[union-attr]
        assert all(BY_CODE[graph.op[i]].is_elementwise for i in nodes)
        reached = {nodes[0]}
        for _ in nodes:
            reached |= {i for i in nodes for x in graph.operands(i) if x in reached}
            reached |= {x for i in reached for x in graph.operands(i) if x in inside}
        assert reached == inside
        left: set[int] = set()  # what a path from the set through the outside reaches
        for i in range(min(nodes), max(nodes) + 1):
            operands = graph.operands(i)
            if i in inside:
                assert not left & set(operands), nodes
            elif any(x in inside or x in left for x in operands):
                left.add(i)
    return len(found)


@pytest.mark.parametrize("seeds", [100, pytest.param(1000, marks=pytest.mark.thorough)])
def test_fusion_groups_can_run_as_one(seeds: int) -> None:
    count = 0
    for seed in range(seeds):
        graph, _ = random_graph(seed, True, 40)
        count += check_groups(graph) + check_groups(optimise(graph))
    assert count > seeds / 2


def test_fusion_joins_a_chain_and_stops_at_a_sum() -> None:
    b = Builder()
    x = b.input(Type("float", ("n",)), "x")
    top = b.amax(x, axes=(-1,), keepdims=True)
    e = b.exp(b.sub(x, top))
    total = b.sum(e, axes=(-1,), keepdims=True)
    y = b.mul(b.div(e, total), 2.0)
    graph = b.done(y)
    assert groups(graph) == [(2, 3), (5, 7)]


def test_fusion_joins_what_waits_for_something_else() -> None:
    """exp(x) may run as late as its reader, behind the product that this waits for."""
    b = Builder()
    t = Type("float", (4, 4))
    x, m = b.input(t, "x"), b.input(t, "m")
    e = b.exp(x)
    y = b.add(e, b.matmul(m, m))
    assert groups(b.done(y)) == [(e, y)]


def overwritten(graph: Graph, inputs: list[Any], chosen: dict[int, int]) -> list[bytes]:
    """The outputs when every node of `chosen` writes into its operand's memory, and nothing is freed."""
    interpreter = Interpreter(graph, ArrayKernels, Limits(steps=10_000))
    kernels = ArrayKernels(graph, interpreter.runner)
    kernels.bind({"n": SIZE})
    v: list[Any] = [None] * len(graph)
    for i, x in zip(graph.inputs, inputs, strict=True):
        v[i] = np.array(x, dtype=DTYPES[graph.type_of(i).dtype])  # type: ignore[union-attr]
    with np.errstate(all="ignore"):
        interpreter.run(inputs, {"n": SIZE})  # its runner knows the sizes from here on
        for i in kernels.order:
            made = kernels.plain[i](v, i, graph.a[i], graph.b[i], graph.more)
            if i in chosen:
                place = v[chosen[i]]
                assert place.nbytes == made.nbytes
                target = place.view(made.dtype)
                target[...] = made
                made = target
            v[i] = made
    return [bits(v[i]) for i in graph.outputs]


@pytest.mark.parametrize("seeds", [150, pytest.param(1500, marks=pytest.mark.thorough)])
def test_what_is_written_in_place_is_read_no_more(seeds: int) -> None:
    count = 0
    for seed in range(seeds):
        graph, inputs = random_graph(seed, True, 40)
        wanted = run(graph, inputs, False)
        chosen = in_place(graph)
        needed = set(ArrayKernels(graph, Runner()).order)
        count += len(needed & set(chosen))
        for i, x in chosen.items():
            assert type_bytes(graph.type_of(i), {"n": SIZE}) == type_bytes(graph.type_of(x), {"n": SIZE})
        if not isinstance(wanted[0], str):
            assert overwritten(graph, inputs, {i: x for i, x in chosen.items() if i in needed}) == wanted, seed
    assert count > seeds / 5


def test_in_place_respects_inputs_outputs_and_views() -> None:
    b = Builder()
    t = Type("float", (4,))
    x = b.input(t, "x")
    y = b.exp(x)
    z = b.sin(y)
    view = b.reshape(z, shape=(2, 2))
    w = b.add(z, 1.0)
    last = b.sum(b.mul(view, view), axes=(-2, -1), keepdims=False)
    graph = b.done(w, last)
    assert in_place(graph) == {z: y}
    assert in_place(graph, donated=(x,)) == {y: x, z: y}
    b = Builder()
    x = b.input(t, "x")
    y = b.exp(x)
    b.sin(y)
    assert in_place(b.done(y, 2)) == {}


def test_every_op_that_hands_on_memory_is_known() -> None:
    """Of each op on arrays, whether its result shares memory with an operand, at the registry's examples."""
    for op in OPS.values():
        if not op.examples.operands or op.name in ("input", "const"):
            continue
        for example in op.examples.operands:
            b = Builder()
            arrays = [np.asarray(x) for x in example]
            types = [Type({"f": "float", "i": "int", "b": "bool"}[x.dtype.kind], x.shape) for x in arrays]
            nodes = [b.input(t, f"x{k}") for k, t in enumerate(types)]
            node = b.apply(op.name, *nodes, **op.examples.attrs)
            if not isinstance(b.type_of(node), Type):
                continue
            graph = b.done(node)
            if aliased_operands(graph, node):
                continue
            made = ArrayExecutor(graph).forward(arrays, {})[node]
            assert not any(np.shares_memory(made, x) for x in arrays if x.ndim), op.name
