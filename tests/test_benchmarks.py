"""The programs that benchmarks run beside JAX: their derivatives, at small sizes."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
SMALL = 0.1
NAMES = sorted(path.stem for path in (FOLDER / "programs").glob("*.cg"))

sys.path.append(str(FOLDER))
programs = importlib.import_module("programs")


def test_each_text_has_its_values_and_its_function_in_jax() -> None:
    functions = {line.split("(")[0][4:] for line in (FOLDER / "jax_programs.py").read_text().splitlines()}
    assert set(NAMES) == set(programs.INPUTS)
    assert set(NAMES) <= functions
    assert len(NAMES) == 12


@pytest.mark.parametrize("name", NAMES)
def test_derivatives_are_those_of_differences(name: str) -> None:
    """Along a random direction of each input: one wrong element is seen, and few runs are needed."""
    values, program = programs.values_of(name, SMALL), programs.load(name)
    gradient = program.grad(values)
    assert set(gradient) == {i.name for i in program.inputs if i.type.is_float}
    rng = np.random.default_rng(1)
    for wrt in gradient:
        direction = rng.normal(size=np.shape(values[wrt]))

        def difference(h: float, wrt: str = wrt, direction: np.ndarray = direction) -> float:
            ahead, behind = (program({**values, wrt: values[wrt] + side * direction}) for side in (h, -h))
            return (ahead - behind) / (2 * h)

        fourth_order = (4 * difference(5e-5) - difference(1e-4)) / 3
        assert np.sum(gradient[wrt] * direction) == pytest.approx(fourth_order, rel=1e-6, abs=1e-8), wrt


def test_a_wrong_number_is_noticed() -> None:
    gradient = {"x": np.array([1.0, 2.0])}
    apart = programs.distance(3.0, gradient, (3.0, {"x": np.array([1.0, 2.1])}))
    assert apart == (pytest.approx(0.1 / 2.1), "x")
    assert programs.distance(3.0, gradient, (3.0, {"x": np.array([1.0, np.nan])}))[1] == "x"
    assert programs.distance(2.0, gradient, (3.0, gradient)) == (pytest.approx(1 / 3), "the value")
