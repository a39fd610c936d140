"""Random graphs, and gradients of them, as loop nests: the values of the reference, before and after optimisation.

A nest computes the elements that are needed: one that would stop the run and that no output needs does not stop it.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from nest_harness import differences, use_platform_functions
from random_graphs import SIZE, random_graph
from test_random_tensors import Recipe, derived, grown, recipes, seeds

from cgcli.graph.graph import Graph
from cgcli.graph.types import Type
from cgcli.ops.table import BY_CODE
from cgcli.optimise.driver import optimise

SOME, MANY = 60, 4000
SINGLE = 64 * 2.0**29
"""Units of double precision in the last places of single precision, in which functions differ by one."""
EXPLAINED = {2030: "an element that fails and is not read", 2165: "a quotient by a zero of either sign"}


@pytest.fixture(autouse=True)
def platform_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    use_platform_functions(monkeypatch)


def is_double(graph: Graph) -> bool:
    """Whether no function is computed in single precision."""
    single = [i for i in range(len(graph)) if isinstance(t := graph.type_of(i), Type) and t.dtype == "f32"]
    return all(BY_CODE[graph.op[i]].effects.prescribed or not graph.operands(i) for i in single)


def check_graph(seed: int, tensors: bool) -> None:
    graph, inputs = random_graph(seed, tensors)
    for stage in (graph, optimise(graph)):
        problem = differences(stage, inputs, 64 if is_double(stage) else SINGLE, {"n": SIZE})
        assert not problem, f"{seed} {tensors}: {problem}\n{stage}"


@pytest.mark.parametrize("tensors", [False, True], ids=["numbers", "tensors"])
@pytest.mark.parametrize("seed", range(SOME))
def test_random_graphs(seed: int, tensors: bool) -> None:
    check_graph(seed, tensors)


@pytest.mark.thorough
@pytest.mark.parametrize("tensors", [False, True], ids=["numbers", "tensors"])
def test_random_graphs_at_length(tensors: bool) -> None:
    for seed in range(SOME, MANY):
        if seed not in EXPLAINED:
            check_graph(seed, tensors)


def check_recipe(recipe: Recipe, seed: int) -> None:
    rng = np.random.default_rng(seed)
    xs = [rng.normal(size=shape) for shape in recipe[:2]]
    graph = grown(recipe)
    for stage in (graph, optimise(graph), optimise(derived(graph))):
        problem = differences(stage, xs, 1e6)
        assert not problem, f"{problem}\n{stage}"


@pytest.mark.thorough
@settings(max_examples=2000, deadline=None)
@given(recipes, seeds)
def test_random_tensors_and_their_gradients_at_length(recipe: Recipe, seed: int) -> None:
    check_recipe(recipe, seed)


@settings(max_examples=40, deadline=None)
@given(recipes, seeds)
def test_random_tensors_and_their_gradients(recipe: Recipe, seed: int) -> None:
    check_recipe(recipe, seed)
