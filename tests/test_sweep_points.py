"""The points of a sweep: which values a text says, and how axes make points together."""

from __future__ import annotations

import itertools
import math
import tracemalloc
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgcli import CgError, parse
from cgcli.program.sweep import input_axis
from cgcli.program.sweep_points import MOST_POINTS, Axis, Interval, Points, range_values

PROGRAM = parse("input a: float\ninput n: int\ninput f: bool\ninput x: float[2]\ny = a\noutput y")


def values(name: str, text: str) -> Any:
    axis = input_axis(PROGRAM, name, text)
    if axis is None or isinstance(axis.values, Interval):
        return axis if axis is None else tuple(axis.values)
    return [x.tolist() if hasattr(x, "tolist") else x for x in axis.values]


def code(name: str, text: str) -> str:
    with pytest.raises(CgError) as problem:
        values(name, text)
    return problem.value.diagnostics[0].code


# ---- values of one axis


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a", "2", None),
        ("a", "pi/2", None),
        ("a", "-1e-3", None),
        ("x", "[1, 2]", None),
        ("x", "@x.npy", None),
        ("a", "1,2,5", [1, 2, 5]),
        ("a", " 1 , pi/2 ", [1, math.pi / 2]),
        ("a", "0:1:0.25", [0, 0.25, 0.5, 0.75, 1]),
        ("a", "0:1:0.1", [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]),
        ("a", "1:0:-0.5", [1, 0.5, 0]),
        ("a", "0:1:0.4", [0, 0.4, 0.8]),
        ("a", "0:1:1/3", [0, 0.3333333333333333, 0.6666666666666666, 1]),
        ("a", "2:2:1", [2]),
        ("a", "0:pi:pi/2", [0, math.pi / 2, math.pi]),
        ("a", "max(1,2),min(3,4)", [2, 3]),
        ("a", "0:0.2:0.1,5", [0, 0.1, 0.2, 5]),
        ("a", "-1..1", (-1, 1, False)),
        ("a", "1e-3..1e-1", (1e-3, 1e-1, False)),
        ("n", "1:7:3", [1, 4, 7]),
        ("n", "1..6", (1, 6, True)),
        ("f", "true,false", [True, False]),
        ("x", "[1,2],[3,4]", [[1, 2], [3, 4]]),
    ],
)
def test_the_values_that_a_text_says(name: str, text: str, expected: Any) -> None:
    assert values(name, text) == expected


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a", "0:1:0", "sweep-step-zero"),
        ("a", "1:0:0.1", "sweep-direction"),
        ("a", "0:1", "sweep-parts"),
        ("a", "0:1:2:3", "sweep-parts"),
        ("a", "1,,2", "sweep-empty"),
        ("a", "1,", "sweep-empty"),
        ("a", "0:inf:1", "sweep-infinite"),
        ("a", "nan..1", "sweep-infinite"),
        ("a", "1..0", "sweep-interval"),
        ("a", "1..1", "sweep-interval"),
        ("a", "0..1..2", "sweep-interval"),
        ("f", "false:true:true", "sweep-no-number"),
        ("x", "[1,2]:[3,4]:[1,1]", "sweep-no-number"),
        ("a", "0:1e9:1", "too-many-points"),
        ("a", "0:1:1e-300", "too-many-points"),
        ("n", "1:2:0.5", "value-type"),
    ],
)
def test_texts_that_are_no_values(name: str, text: str, expected: str) -> None:
    assert code(name, text) == expected


@given(st.integers(-(10**6), 10**6), st.integers(1, 10**4), st.integers(0, 300), st.integers(0, 8), st.booleans())
def test_a_range_has_the_decimals_that_are_written(first: int, step: int, count: int, digits: int, down: bool) -> None:
    unit = Decimal(10) ** -digits
    stride = -step if down else step
    exact = [unit * (first + k * stride) for k in range(count + 1)]
    low, high = float(exact[0]), float(exact[-1])
    assert range_values(low, high, float(unit * stride)) == [float(x) for x in exact]


@given(st.floats(-1e3, 1e3), st.floats(1e-2, 1e3), st.integers(1, 200))
def test_the_points_of_any_range_are_near_lo_plus_k_steps(low: float, step: float, count: int) -> None:
    points = range_values(low, low + count * step, step)
    assert len(points) == count + 1
    assert points == pytest.approx([low + k * step for k in range(count + 1)], rel=1e-12, abs=1e-9)
    assert points == sorted(points)


# ---- axes together

A, B, C = Axis("a", [0.0, 0.5, 1.0], column="a"), Axis("b", [3, 1], column="b"), Axis("c", ["u", "v"], column="c")


def rows(points: Points, step: int | None = None) -> list[tuple[Any, ...]]:
    """All points, read in pieces."""
    step = step or points.count
    parts = [points.columns(k, min(k + step, points.count)) for k in range(0, points.count, step)]
    columns = [[x for part in parts for x in list(part[axis.column])] for axis in points.axes]
    return list(zip(*columns, strict=True))


@pytest.mark.parametrize("step", [None, 1, 5])
def test_a_grid_is_the_product_and_its_last_axis_the_fastest(step: int | None) -> None:
    expected = list(itertools.product(A.values, B.values, C.values))
    assert rows(Points([A, B, C]), step) == expected


def test_pairs_are_values_of_the_same_place() -> None:
    assert rows(Points([B, C], pairs=True)) == list(zip(B.values, C.values, strict=True))
    with pytest.raises(CgError, match="a has 3 and b has 2"):
        Points([A, B], pairs=True)


def test_drawn_points_lie_in_their_intervals_and_lists() -> None:
    axes = [Axis("a", Interval(-1, 3, False), column="a"), Axis("n", Interval(1, 6, True), column="n"), C]
    drawn = rows(Points(axes, random=500, seed=4), 7)
    assert all(-1 <= a <= 3 for a, _, _ in drawn)
    assert {int(n) for _, n, _ in drawn} == {1, 2, 3, 4, 5, 6}
    assert {c for _, _, c in drawn} == {"u", "v"}
    assert drawn == rows(Points(axes, random=500, seed=4))
    assert drawn != rows(Points(axes, random=500, seed=5))


def test_a_latin_hypercube_has_one_point_in_each_share_of_each_axis() -> None:
    axes = [Axis("a", Interval(0, 1, False), column="a"), Axis("b", Interval(10, 20, False), column="b"), C]
    points = Points(axes, latin=40, seed=1)
    columns = points.columns(0, 40)
    assert sorted((columns["a"] * 40).astype(int)) == list(range(40))
    assert sorted(((columns["b"] - 10) * 4).astype(int)) == list(range(40))
    assert sorted(columns["c"]) == ["u"] * 20 + ["v"] * 20
    assert np.array_equal(columns["a"], Points(axes, latin=40, seed=1).columns(0, 40)["a"])


def test_what_does_not_go_together() -> None:
    interval = Axis("a", Interval(0, 1, False), column="a")
    for axes, settings, problem in [
        ([], {}, "nothing-swept"),
        ([interval, B], {}, "sweep-undrawn"),
        ([A], {"random": 3, "latin": 3}, "options-exclude"),
        ([A], {"random": 3, "pairs": True}, "options-exclude"),
        ([A], {"random": MOST_POINTS + 1}, "too-many-points"),
    ]:
        with pytest.raises(CgError) as raised:
            Points(axes, **settings)  # type: ignore[arg-type]
        assert raised.value.diagnostics[0].code == problem


def test_too_many_points_are_counted_before_memory_is_asked_for() -> None:
    axes = [Axis(name, list(range(1000)), column=name) for name in "abc"]
    tracemalloc.start()
    try:
        with pytest.raises(CgError, match="these are 1000000000"):
            Points(axes)
        with pytest.raises(CgError, match="these are 1000000001"):
            range_values(0, 1, 1e-9)
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()
