"""Special functions on arrays: as exact as the scalar ones, with their edges, in any shape and type."""

from __future__ import annotations

import math
import random
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from cgcli.ops import floats, special_arrays

INF, NAN, HUGE, TINY = math.inf, math.nan, sys.float_info.max, 5e-324
ORDERS = (0, 1, 2, 3, 4, 10, 11, 30)
EDGES = [
    *(
        0.0,
        1.0,
        2.0,
        3.0,
        0.5,
        1.5,
        2.5,
        27.0,
        28.0,
        170.5,
        2.0**-1000,
        1e-310,
        TINY,
        1e17,
        2.0**52 - 0.5,
        1e305,
        1e306,
    ),
    *(1e200, HUGE, INF),
]
EDGES += [-x for x in EDGES] + [NAN]
NEAR = 1e-14


def polygamma(n: float) -> Callable[[Any], Any]:
    return lambda x: special_arrays.polygamma(n, x)


def log_gamma(x: Any) -> Any:
    return mpmath.log(abs(mpmath.gamma(x)))


PAIRS: dict[str, tuple[Callable[[Any], Any], Callable[[float], float]]] = {
    name: (getattr(special_arrays, name), getattr(floats, name)) for name in ("erf", "erfc", "lgamma", "digamma")
} | {f"polygamma-{n}": (polygamma(n), lambda x, n=n: floats.polygamma(n, x)) for n in ORDERS}
ORACLES: dict[str, Callable[[Any], Any]] = {
    "erf": mpmath.erf,
    "erfc": mpmath.erfc,
    "lgamma": log_gamma,
    "digamma": mpmath.digamma,
} | {f"polygamma-{n}": lambda x, n=n: mpmath.polygamma(n, x) for n in ORDERS}
every = pytest.mark.parametrize("name", PAIRS)


def points(name: str, count: int) -> list[float]:
    """Points where the value is a normal float; for the gamma family many beside the poles and the zeros."""
    rng = random.Random(name)
    if name.startswith("erf"):
        near = [rng.choice((-1, 1)) * 10 ** rng.uniform(-300, 0) for _ in range(count)]
        return near + [rng.uniform(-7, 26.5 if name == "erfc" else 7) for _ in range(count)]
    places = [1.0, 2.0, 1.4616321449683623, 0.5, 2.5, -0.5040830082644554, *map(float, range(-20, 0))]
    beside = [at + rng.choice((-1, 1)) * 10 ** rng.uniform(-7, -1) for at in places for _ in range(count // 25)]
    even = [rng.uniform(-30, 0) for _ in range(count)] + [rng.uniform(0, 200) for _ in range(count)]
    return even + beside + [10 ** rng.uniform(-9, 6) for _ in range(count)]


def beside_a_zero(name: str, x: float) -> bool:
    """Whether a polygamma of even order crosses zero so steeply at x that its scalar twin promises less there."""
    order = int(name.partition("-")[2] or 1)
    return x < 0 and order > 0 and order % 2 == 0 and abs(x % 1 - 0.5) < 0.3


@every
@pytest.mark.parametrize("count", [50, pytest.param(250, marks=pytest.mark.thorough)])
def test_against_mpmath(name: str, count: int) -> None:
    xs = [x for x in points(name, count) if not beside_a_zero(name, x)]
    least = 0.0 if name.startswith("erf") else 1.0  # the gamma family is exact in units of max(1, |value|)
    with mpmath.workdps(50):
        for x, found in zip(xs, PAIRS[name][0](np.array(xs)).tolist(), strict=True):
            exact = ORACLES[name](mpf(x))
            if sys.float_info.min < abs(exact) < HUGE:
                assert abs(found - exact) <= NEAR * max(least, abs(exact)), x


@every
def test_against_the_scalar_function(name: str) -> None:
    array, scalar = PAIRS[name]
    xs = points(name, 100)
    least = 0.0 if name.startswith("erf") else 1.0
    for x, found in zip(xs, array(np.array(xs)).tolist(), strict=True):
        expected = scalar(x)
        assert found == expected or abs(found - expected) <= NEAR * max(least, abs(expected)), x


@pytest.mark.parametrize("n", [1, 2, 3, 4, 10, 11, 200])
@pytest.mark.parametrize("count", [25, pytest.param(100, marks=pytest.mark.thorough)])
def test_polygamma_keeps_its_digits_where_it_is_small_or_large(n: int, count: int) -> None:
    rng = random.Random(n)
    xs = [10 ** rng.uniform(-300 / (n + 1), min(300 / n, 12)) for _ in range(count)]
    with mpmath.workdps(50):
        for x, found in zip(xs, special_arrays.polygamma(n, np.array(xs)).tolist(), strict=True):
            exact = mpmath.polygamma(n, mpf(x))
            if sys.float_info.min < abs(exact) < HUGE:
                assert abs(found - exact) <= NEAR * abs(exact), x


@pytest.mark.parametrize("zero", [1.0, 2.0])
def test_lgamma_keeps_its_digits_beside_its_zeros(zero: float) -> None:
    rng = random.Random(1)
    xs = [zero + rng.choice((-1, 1)) * 10 ** rng.uniform(-15, -1) for _ in range(300)]
    with mpmath.workdps(50):
        for x, found in zip(xs, special_arrays.lgamma(np.array(xs)).tolist(), strict=True):
            exact = log_gamma(mpf(x))
            assert abs(found - exact) <= NEAR * abs(exact), x


def test_digamma_keeps_its_digits_beside_its_zero() -> None:
    rng = random.Random(1)
    xs = [1.4616321449683623 + rng.choice((-1, 1)) * 10 ** rng.uniform(-15, -1) for _ in range(300)]
    with mpmath.workdps(50):
        for x, found in zip(xs, special_arrays.digamma(np.array(xs)).tolist(), strict=True):
            exact = mpmath.digamma(mpf(x))
            assert abs(found - exact) <= NEAR * abs(exact), x


# ---- edges


def alike(found: float, expected: float) -> bool:
    """The same where the value is 0, infinite or nan, sign and all; else near."""
    if expected == 0.0 or not math.isfinite(expected):
        return repr(found) == repr(expected)
    return abs(found - expected) <= NEAR * abs(expected)


@every
def test_edges_are_those_of_the_scalar_function(name: str) -> None:
    array, scalar = PAIRS[name]
    with np.errstate(all="raise"):
        found = array(np.array(EDGES)).tolist()
    for x, at in zip(EDGES, found, strict=True):
        assert alike(at, scalar(x)), (x, at, scalar(x))


@pytest.mark.parametrize("n", [-1, -0.5, 1.5, NAN, INF, -INF])
def test_an_order_that_is_none_is_nan(n: float) -> None:
    assert np.isnan(special_arrays.polygamma(n, np.array(EDGES))).all()


def test_erfc_fades_out_where_the_smallest_float_is_reached() -> None:
    """Below the normal floats a unit is a fixed step; at most one of them is lost."""
    xs = np.linspace(26.5, 27.4, 400)
    with mpmath.workdps(50):
        for x, found in zip(xs.tolist(), special_arrays.erfc(xs).tolist(), strict=True):
            exact = mpmath.erfc(mpf(x))
            assert abs(found - exact) <= max(mpf(TINY), NEAR * exact), x


# ---- shapes and types


def value(name: str, x: Any) -> Any:
    return PAIRS[name][0](x)


@every
@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (1,), (2, 3), (2, 1, 2)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_shape_and_type_are_kept(name: str, shape: tuple[int, ...], dtype: Any) -> None:
    found = value(name, np.full(shape, 0.75, dtype))
    assert (found.shape, found.dtype) == (shape, dtype)
    assert np.array_equal(found, np.full(shape, value(name, np.float64(0.75)).astype(dtype)))


@every
def test_layout_does_not_count_and_the_argument_is_left_alone(name: str) -> None:
    x = np.linspace(-3.3, 9.1, 48).reshape(4, 3, 4)
    kept = x.copy()
    assert np.array_equal(value(name, x)[::2].T, value(name, x[::2].T))
    assert np.array_equal(value(name, np.asfortranarray(x)), value(name, x))
    assert np.array_equal(x, kept)
    x.setflags(write=False)
    assert np.array_equal(value(name, x), value(name, kept))


@every
def test_f32_is_computed_in_float64_and_rounded_once(name: str) -> None:
    x = np.array([*np.linspace(-9.7, 30, 60), 1e-40, 3e38, INF, NAN], np.float32)
    with np.errstate(all="raise"):
        found = value(name, x)
    with np.errstate(all="ignore"):
        assert np.array_equal(found, value(name, x.astype(np.float64)).astype(np.float32), equal_nan=True)


@every
@pytest.mark.parametrize("x", [[True, False], 3, [1, 2, 7], np.array([1, 5], np.int32), np.array(4)], ids=repr)
def test_ints_and_bools_count_as_float64(name: str, x: Any) -> None:
    found = value(name, x)
    assert found.dtype == np.float64
    assert np.array_equal(found, value(name, np.asarray(x).astype(np.float64)))


@pytest.mark.parametrize("n", [2, 2.0, np.int32(2), np.array(2), True])
def test_types_of_an_order(n: Any) -> None:
    x = np.array([0.5, -0.75], np.float32)
    found = special_arrays.polygamma(n, x)
    assert found.dtype == np.float32
    assert found.tolist() == [np.float32(floats.polygamma(int(n), float(v))) for v in x]


def test_orders_broadcast() -> None:
    orders, x = np.array([[0], [1], [12]]), np.array([0.5, -1.25])
    found = special_arrays.polygamma(orders, x)
    assert np.array_equal(found, [special_arrays.polygamma(n, x) for n in (0, 1, 12)])
    assert special_arrays.polygamma(np.ones((0, 1), int), x).shape == (0, 2)


def test_the_library_behind_is_loaded_by_what_needs_it() -> None:
    program = (
        "import sys; from cgcli.ops.special_arrays import erf\n"
        "print('scipy' in sys.modules); erf(1.0); print('scipy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
