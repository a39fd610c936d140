"""What benchmarks measure is right: the programs that run beside JAX, and rows of the table, at small sizes."""

from __future__ import annotations

import importlib
import inspect
import shutil
import sys
from collections.abc import Callable
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


def test_groups_of_the_table_exist() -> None:
    table = importlib.import_module("table")
    for name, group in table.GROUPS.items():
        function = getattr(importlib.import_module(group.module), group.function)
        assert inspect.isgeneratorfunction(function), name
        assert set(group.options) <= set(inspect.signature(function).parameters), name


def test_a_loop_of_numbers_is_that_of_vectors() -> None:
    loops = importlib.import_module("loops")
    text = (loops.SAMPLES / "ode.cg").read_text(encoding="utf-8")
    vectors = loops.ode_in_cg(text, {"start": list(loops.START)}, 20)
    assert loops.ode_in_cg(loops.WITH_NUMBERS, {}, 20)() == pytest.approx(vectors(), rel=1e-12)


def test_the_edit_distance() -> None:
    loops = importlib.import_module("loops")
    kitten, sitting = ([ord(letter) for letter in word] for word in ("kitten", "sitting"))
    assert loops.cgcli.parse(loops.EDIT_DISTANCE)(x=kitten, y=sitting) == 3


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
def test_c_has_the_same_numbers() -> None:
    loops = importlib.import_module("loops")
    ode = loops.ode_in_c(20, loops.STRICT_C)()
    assert ode == pytest.approx(loops.ode_in_cg(loops.WITH_NUMBERS, {}, 20)(), rel=1e-9)
    warped = loops.soft_dtw_in_c(6, gradient=True)()
    assert warped == pytest.approx(loops.soft_dtw_side(6, gradient=True)(), rel=1e-9, abs=1e-12)
    assert loops.edit_distance_in_c(7)() == loops.edit_distance_side(7)()


def test_sizes_grow_until_a_run_takes_too_long() -> None:
    measuring = importlib.import_module("measuring")
    sizes_that_ran = []

    def side(size: int) -> Callable[[], None]:
        return lambda: sizes_that_ran.append(size)

    assert measuring.largest(side, (1, 10, 100), limit=1e9) == 100
    assert measuring.largest(side, (1, 10, 100), limit=-1.0) == 1
    assert set(sizes_that_ran) == {1, 10}
