"""Arrays written element by element in loops: values, gradients and second derivatives are those of the same program
that chooses between old and new elements everywhere, whatever runs it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from element_programs import element_program, inputs_of
from nest_harness import differences, use_platform_functions

from cgcli.graph.graph import Graph
from cgcli.optimise.driver import optimise
from cgcli.program import parse
from cgcli.run.numpy.planned import PlannedGraph
from cgcli.run.numpy.reference import array_interpreter
from cgcli.transform.checkpoint import checkpointed
from cgcli.transform.gradient import gradient

WRT = ("x", "B", "a")
SEEDS = [*range(20), *(pytest.param(seed, marks=pytest.mark.thorough) for seed in range(20, 1000))]


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
