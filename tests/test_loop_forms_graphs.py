"""Random graphs, and gradients of them, as loop nests: the values of the reference, before and after optimisation."""

import numpy as np
import pytest
from hypothesis import given, settings
from nest_harness import differences, use_platform_functions
from random_graphs import SIZE, random_graph
from test_random_tensors import Recipe, derived, grown, recipes, seeds

from cgcli.optimise.driver import optimise

SOME, MANY = 60, 3000


@pytest.fixture(autouse=True)
def platform_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    use_platform_functions(monkeypatch)


def check_graph(seed: int, tensors: bool) -> None:
    graph, inputs = random_graph(seed, tensors)
    for stage in (graph, optimise(graph)):
        problem = differences(stage, inputs, 64, {"n": SIZE})
        assert not problem, f"{seed} {tensors}: {problem}\n{stage}"


@pytest.mark.parametrize("tensors", [False, True], ids=["numbers", "tensors"])
@pytest.mark.parametrize("seed", range(SOME))
def test_random_graphs(seed: int, tensors: bool) -> None:
    check_graph(seed, tensors)


@pytest.mark.thorough
@pytest.mark.parametrize("tensors", [False, True], ids=["numbers", "tensors"])
def test_random_graphs_at_length(tensors: bool) -> None:
    for seed in range(SOME, MANY):
        check_graph(seed, tensors)


def check_recipe(recipe: Recipe, seed: int) -> None:
    rng = np.random.default_rng(seed)
    xs = [rng.normal(size=shape) for shape in recipe[:2]]
    graph = grown(recipe)
    for stage in (graph, optimise(graph), optimise(derived(graph))):
        problem = differences(stage, xs, 1e6)
        assert not problem, f"{problem}\n{stage}"


@settings(max_examples=40, deadline=None)
@given(recipes, seeds)
def test_random_tensors_and_their_gradients(recipe: Recipe, seed: int) -> None:
    check_recipe(recipe, seed)
