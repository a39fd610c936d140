"""Arrays written element by element in loops: values, gradients and second derivatives are those of the same program
that chooses between old and new elements everywhere, whatever runs it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from element_programs import element_program, inputs_of
from nest_harness import differences, use_platform_functions

from cgcli import parse
from cgcli.graph.graph import Graph
from cgcli.graph.traversal import every
from cgcli.graph.types import Stack, Type
from cgcli.loop_nests.extents import shapes
from cgcli.loop_nests.form import DTYPES
from cgcli.loop_nests.lower import lower
from cgcli.optimise.driver import optimise
from cgcli.run.native.choice import compiler_installed
from cgcli.run.native.chunks import run_chunks
from cgcli.run.native.compile import compile_nest
from cgcli.run.native.work import weight
from cgcli.run.numpy.planned import PlannedGraph
from cgcli.run.numpy.reference import array_interpreter
from cgcli.transform.checkpoint import checkpointed
from cgcli.transform.gradient import gradient

WRT = ("x", "B", "a")
SEEDS = [*range(5), *(pytest.param(seed, marks=pytest.mark.thorough) for seed in range(5, 1000))]


def by_name(graph: Graph, name: str) -> int:
    return next(i for i in graph.inputs if graph.names[i] == name)


def first(graph: Graph) -> Graph:
    return gradient(graph, graph.outputs[0], [by_name(graph, name) for name in WRT], value=True)


def second(graph: Graph) -> Graph:
    """The derivatives of a derivative by a number."""
    found = first(graph)
    return gradient(found, found.outputs[3], [by_name(found, name) for name in WRT], value=True)


def assert_close(found: Any, wanted: Any) -> None:
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * (1 + np.max(np.abs(b), initial=0.0)))


@pytest.mark.parametrize("seed", SEEDS)
def test_values_and_derivatives_are_those_of_dense_choices(seed: int) -> None:
    texts = element_program(seed)
    writing, choosing = (parse(text).graph for text in texts)
    assert "update" not in str(choosing)
    for n in (0, 3):
        values = inputs_of(seed, n)
        wanted = {make: array_interpreter(make(choosing))(order(choosing, values)) for make in (first, second)}
        for make in (first, second):
            graph = make(writing)
            assert_close(array_interpreter(graph)(order(graph, values)), wanted[make])
        planned, inputs = PlannedGraph(optimise(first(writing))), order(writing, values)
        for _ in range(2):
            assert_close(planned(inputs), wanted[first])
        cut = first(checkpointed(writing)[0])
        assert_close(array_interpreter(cut)(order(cut, values)), wanted[first])


def order(graph: Graph, values: dict[str, Any]) -> list[Any]:
    return [values[graph.names[i]] for i in graph.inputs]


@pytest.mark.parametrize("seed", SEEDS)
def test_loop_nests_write_in_place_what_the_reference_copies(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    use_platform_functions(monkeypatch)
    writing = parse(element_program(seed).writing).graph
    for graph in (writing, optimise(writing), optimise(first(writing)), optimise(second(writing))):
        assert differences(graph, order(graph, inputs_of(seed, 3)), ulps=64, noise=1e-13) == ""


SOFT_DTW = """input x: float[n]
input y: float[m]
D = full([n + 1, m + 1], 1e10)
D[0, 0] = 0.0
for i in 0..n {
    for j in 0..m {
        a = D[i, j]
        b = D[i, j + 1]
        c = D[i + 1, j]
        least = min(a, b, c)
        D[i + 1, j + 1] = (x[i] - y[j])^2 + least - log(exp(least - a) + exp(least - b) + exp(least - c))
    }
}
out = D[n, m]
output out"""
HISTOGRAM = """input x: float[n]
input z: float[m]
h = z + 0.0
for t in 0..n {
    k = (t * t) % m
    h[k] = h[k] * 0.9 + x[t]
}
out = sum(h * h)
output out"""
BRANCHES = """input x: float[n]
v = concat([x, x])
for t in 0..n {
    if x[t] > 0 {
        v[(2 * t) % n] = v[t] * x[t]
    } else {
        v[t] = x[t]
    }
}
out = sum(v * v)
output out"""
ROWS = """input x: float[n]
input y: float[m]
A = zeros([n, m])
for i in 0..n {
    for k in 0..m {
        A[i, k] = x[i] * y[k] + A[(i * 2) % n, k]
    }
    A[(i + 1) % n, :] = A[i, :] * y
}
out = sum(A * A)
output out"""


def graphs_of(text: str) -> list[Graph]:
    graph = parse(text).graph
    floats = [i for i in graph.inputs if graph.type_of(i).is_float]
    return [optimise(graph), optimise(gradient(graph, graph.outputs[0], floats, value=True))]


@pytest.mark.parametrize(("text", "dimensions"), [(SOFT_DTW, 2), (HISTOGRAM, 1), (BRANCHES, 1), (ROWS, 2)])
def test_a_step_costs_the_same_however_large_the_array_is(text: str, dimensions: int) -> None:
    """Twice the sizes are twice the statements, squared where two loops nest: no step passes over the whole array.
    Where only a branch decides how much is saved, the numbers of steps are not known."""
    for graph in graphs_of(text):
        nest = lower(graph)
        small, large = (weight(nest.body, 10**9, dict.fromkeys(nest.sizes.values(), n)) for n in (50, 100))
        assert large < 1.05 * 2**dimensions * small


@pytest.mark.parametrize("text", [SOFT_DTW, HISTOGRAM, BRANCHES, ROWS])
def test_machine_code_and_differences(text: str) -> None:
    graph, of = graphs_of(text)
    rng = np.random.default_rng(1)
    point = [rng.uniform(-1, 1, 9) for _ in graph.inputs]
    value, *slopes = array_interpreter(of)(point)
    assert value == array_interpreter(graph)(point)[0]
    for k, slope in enumerate(slopes):
        for i in range(9):
            ends = []
            for step in (1e-6, -1e-6):
                moved = [x.copy() for x in point]
                moved[k][i] += step
                ends.append(array_interpreter(graph)(moved)[0])
            assert slope[i] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-6, abs=1e-8)
    if compiler_installed():
        sizes = dict.fromkeys(lower(of).sizes, 9)
        for found, wanted in zip(by_machine_code(of, point, sizes), [value, *slopes], strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-13)


def by_machine_code(graph: Graph, inputs: list[Any], sizes: dict[str, int]) -> list[Any]:
    nest = lower(graph)
    arrays: dict[str, Any] = {f"x{n}": x for n, x in enumerate(inputs)}
    for name, shape in shapes(nest, sizes).items():
        if name not in arrays:
            arrays[name] = np.full(shape, 1, DTYPES[nest.buffers[name].type])
    assert run_chunks(compile_nest(nest), arrays, sizes, None) == 0
    return [arrays[f"y{n}"] for n in range(len(graph.outputs))]


def test_what_a_loop_saves_is_as_large_as_what_it_writes() -> None:
    """No stack of a derivative holds an array of the size of the matrix."""
    for inner in every(graphs_of(SOFT_DTW)[1]):
        for t in inner.types:
            assert not isinstance(t, Stack) or innermost(t).shape == ()


def innermost(t: Type | Stack) -> Type:
    while isinstance(t, Stack):
        t = t.item
    return t


def test_two_derivatives_of_a_loop_save_once() -> None:
    text = BRANCHES.replace("output out", "g = grad(out, x) + grad(sum(v * x[0]), x)\noutput g")
    loops = [n for n in parse(text).graph if n.op == "loop"]
    assert len(loops) == 3
    assert str(loops[0].type).count("stack[int]") == 2  # the index on either side


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_last_of_repeated_indices_counts_however_they_lie_in_memory(order: Any) -> None:
    program = parse(
        "input x: float[2]\ninput v: float[2, 3]\ninput i: int[2, 3]\ny = x * 1\ny[i] = v\nz = y * 1\noutput z"
    )
    values = {"x": np.zeros(2), "v": np.arange(6.0).reshape(2, 3), "i": np.array([[0, 1, 1], [1, 0, 1]])}
    values = {name: np.array(x, order=order) for name, x in values.items()}
    for backend in ("reference", "numpy", *(["native"] if compiler_installed() else [])):
        program.backend = backend
        assert list(program.eval(values)["z"]) == [4, 5]
