"""Functions defined in the loop form: errors against mpmath, edges, bits, monotonicity."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable
from typing import Any

import loop_arrays
import numpy as np
import pytest
from mpmath import mp, mpf

from cgcli.loop_nests import interpreter
from cgcli.loop_nests.builder import LoopBuilder
from cgcli.loop_nests.form import Apply, Const, LoopNest, Switch, Value, results
from cgcli.loop_nests.functions import definition
from cgcli.loop_nests.primitives import FUNCTIONS, result_type
from cgcli.ops import floats
from cgcli.run.native.compile import compile_nest

BOUNDS = {
    **dict.fromkeys(("exp", "log", "log1p", "log2", "log10", "sin", "cos", "asin", "acos", "atan", "cbrt"), 1),
    "expm1": 2,
    **dict.fromkeys(("erf", "tan", "sinh", "cosh", "asinh", "acosh", "atanh", "power", "atan2", "hypot"), 2),
    **dict.fromkeys(("erfc", "tanh"), 3),
}
"""Of each function the largest error that is allowed, in units in the last place of the exact result."""

PER_KIND = 1000

Draw = Callable[[random.Random], float]


def uniform(low: float, high: float) -> Draw:
    return lambda r: r.uniform(low, high)


def log_uniform(low: int, high: int, signed: bool = True) -> Draw:
    """Of any magnitude from 2^low to 2^(high + 1)."""
    return lambda r: math.ldexp(r.uniform(1, 2), r.randint(low, high)) * (r.choice((-1, 1)) if signed else 1)


def near(x: float, low: int = -52, high: int = -2, signs: tuple[int, ...] = (-1, 1)) -> Draw:
    return lambda r: x + r.choice(signs) * math.ldexp(r.uniform(1, 2), r.randint(low, high))


def multiple(most: int) -> Draw:
    """A float close to a multiple of pi/2."""
    return lambda r: float(mp.pi / 2 * r.randint(1, most))


POSITIVE = (log_uniform(-1074, 1023, signed=False), near(1.0), uniform(0.3, 3.0))
ANGLES = (log_uniform(-1074, 19), uniform(-10, 10), log_uniform(19, 1023), multiple(10**6), multiple(10**15))
WITHIN_1 = (uniform(-1, 1), log_uniform(-1074, -2), near(1.0, -53, -3, (-1,)), near(-1.0, -53, -3, (1,)))
ANY = log_uniform(-1074, 1023)
POINTS: dict[str, tuple[Draw, ...]] = {
    "exp": (uniform(-745.1, 709.78), uniform(-1, 1), log_uniform(-60, 8), uniform(-745.1, -708), uniform(709, 709.78)),
    "expm1": (uniform(-50, 709.78), uniform(-2, 2), log_uniform(-1074, 8)),
    "log": POSITIVE,
    "log1p": (log_uniform(-1074, 1023, signed=False), uniform(-1, 3), log_uniform(-60, -2), near(-1.0, -53, -3, (1,))),
    "log2": POSITIVE,
    "log10": POSITIVE,
    "sin": ANGLES,
    "cos": ANGLES,
    "tan": ANGLES,
    "asin": (*WITHIN_1, near(0.5, -50, -5)),
    "acos": (*WITHIN_1, near(0.5, -50, -5)),
    "atan": (ANY, uniform(-4, 4)),
    "sinh": (uniform(-710.47, 710.47), uniform(-3, 3), log_uniform(-1074, 8)),
    "cosh": (uniform(-710.47, 710.47), uniform(-3, 3), log_uniform(-1074, 8)),
    "tanh": (uniform(-22, 22), uniform(-2, 2), log_uniform(-1074, 5)),
    "asinh": (ANY, uniform(-4, 4), log_uniform(-5, 70)),
    "acosh": (log_uniform(0, 1023, signed=False), uniform(1, 4), near(1.0, -52, 0, (1,))),
    "atanh": WITHIN_1,
    "erf": (uniform(-6, 6), uniform(-1.1, 1.1), log_uniform(-1074, 2)),
    "erfc": (uniform(-6, 26.5), uniform(-1, 3), uniform(26, 27.2), log_uniform(-1074, 3)),
    "cbrt": (ANY, uniform(-8, 8)),
}


def _powers(r: random.Random) -> tuple[float, float]:
    """A base of any size and an exponent by which the result can be of any size, a subnormal number included."""
    x = r.choice(POSITIVE)(r)
    log = math.log(x) or 1e-17
    return x, r.choice((r.uniform(-745, 709.7) / log, r.uniform(-5, 5), float(r.randint(-40, 40)), -709.0 / log))


def _negative_powers(r: random.Random) -> tuple[float, float]:
    return -r.uniform(0.1, 10.0), float(r.randint(-300, 300))


def _two(low: int, high: int) -> Callable[[random.Random], tuple[float, float]]:
    """Two numbers of these magnitudes, of one of them or about one."""

    def draw(r: random.Random) -> tuple[float, float]:
        a = log_uniform(low, high)(r)
        return a, r.choice((log_uniform(low, high)(r), a * r.uniform(-4, 4), math.ldexp(a, r.randint(-40, 0))))

    return draw


PAIRS: dict[str, tuple[Callable[[random.Random], tuple[float, float]], ...]] = {
    "power": (_powers, _negative_powers),
    "atan2": (_two(-1000, 1000), _two(-1074, -1020)),
    "hypot": (_two(-1074, 1022), _two(-1074, -1020), _two(1000, 1021)),
}
EXACT: dict[str, Callable[..., Any]] = {
    "log2": lambda x: mp.log(x, 2),
    "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)),
    "power": lambda x, y: x**y,
}


def ulps(y: float, exact: Any) -> float:
    """How far a float is from a number, in units in the last place of the number; 0 where both overflow."""
    if math.isinf(y) and abs(exact) >= mpf(2) ** 1024 - mpf(2) ** 970:
        return 0.0 if (y > 0) == (exact > 0) else math.inf
    if not math.isfinite(y):
        return math.inf
    exponent = mp.frexp(exact)[1] - 53
    return float(abs(mpf(y) - exact) / mpf(2) ** max(exponent, -1074))


def points(name: str) -> list[tuple[float, ...]]:
    r = random.Random(name)
    if FUNCTIONS[name] == 2:
        return [draw(r) for draw in PAIRS[name] for _ in range(PER_KIND)]
    return [(draw(r),) for draw in POINTS[name] for _ in range(PER_KIND)]


def values(name: str, xs: list[tuple[float, ...]]) -> list[float]:
    ys = loop_arrays.evaluate(definition(name), *(np.array(x) for x in zip(*xs, strict=True)))
    return [float(y) for y in ys]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_errors_are_within_their_bounds(name: str) -> None:
    exact = EXACT.get(name) or getattr(mp, name)
    xs = points(name)
    with mp.workprec(1300 if name in ("sin", "cos", "tan") else 160):
        errors = [ulps(y, exact(*map(mpf, x))) for x, y in zip(xs, values(name, xs), strict=True)]
    worst = max(errors)
    assert worst <= BOUNDS[name], (worst, xs[errors.index(worst)])


# ---- edges

EDGES = [0.0, 1.0, math.inf, 0.5, 2.0, 3.0, 5e-324, 2.2e-308, 1e-17, 1.7e308, 2.0**53, 2.0**53 - 1, 710.0, 800.0, 1e20]
SIGNED = [math.nan, *EDGES, *(-x for x in EDGES)]


def same(y: float, expected: float, tolerance: float) -> bool:
    """The same number to some units in the last place; zeros, infinities and nans the same."""
    if y == 0 or expected == 0 or not math.isfinite(y) or not math.isfinite(expected):
        return repr(y) == repr(expected)
    return ulps(y, mpf(expected)) <= tolerance


@pytest.mark.parametrize("name", FUNCTIONS)
def test_edges_are_those_of_numbers(name: str) -> None:
    reference = getattr(floats, name)
    xs = list(itertools.product(SIGNED, repeat=FUNCTIONS[name]))
    for x, y in zip(xs, values(name, xs), strict=True):
        assert same(y, reference(*x), BOUNDS[name] + 3), (name, x, y, reference(*x))


@pytest.mark.parametrize(
    ("name", "x", "y"),
    [
        ("exp", (709.782712893384,), 1.7976931348622732e308),
        ("exp", (709.7827128933841,), math.inf),
        ("exp", (-745.1332191019411,), 5e-324),
        ("exp", (-745.14,), 0.0),
        ("expm1", (-0.0,), -0.0),
        ("log", (5e-324,), -744.4400719213812),
        ("log1p", (-0.0,), -0.0),
        ("sin", (-0.0,), -0.0),
        ("acos", (1.0,), 0.0),
        ("acos", (-1.0,), math.pi),
        ("asin", (-1.0,), -math.pi / 2),
        ("atan2", (-0.0, -1.0), -math.pi),
        ("atan2", (math.inf, -math.inf), 3 * math.pi / 4),
        ("power", (-0.0, -3.0), -math.inf),
        ("power", (-8.0, 1 / 3), math.nan),
        ("power", (1.0, math.nan), 1.0),
        ("power", (math.nan, 0.0), 1.0),
        ("power", (-1.0, -math.inf), 1.0),
        ("power", (-math.inf, 0.5), math.inf),
        ("power", (-2.0, 1e300), math.inf),
        ("power", (1 - 2.0**-53, 1e300), 0.0),
        ("power", (1 + 2.0**-52, -(2.0**63)), 0.0),
        ("power", (10.0, 22.0), 1e22),
        ("hypot", (math.nan, -math.inf), math.inf),
        ("hypot", (3e300, 4e300), 5e300),
        ("hypot", (3e-320, 4e-320), 5e-320),
    ],
)
def test_an_edge(name: str, x: tuple[float, ...], y: float) -> None:
    assert repr(values(name, [x])[0]) == repr(y)


def test_powers_of_the_base_have_whole_logarithms() -> None:
    assert values("log2", [(2.0**n,) for n in range(-1074, 1024)]) == list(range(-1074, 1024))
    assert values("log10", [(float(10**n),) for n in range(23)]) == list(range(23))


def test_cubes_have_exact_roots() -> None:
    assert values("cbrt", [(float(n**3),) for n in range(-2000, 2000)]) == list(range(-2000, 2000))


# ---- order, bits, form

RISING = {
    "exp": (-745.0, 709.0),
    "log": (0.0, 10.0),
    "log1p": (-1.0, 10.0),
    "expm1": (-40.0, 10.0),
    "erf": (-6.0, 6.0),
    "tanh": (-20.0, 20.0),
    "sinh": (-10.0, 10.0),
    "atan": (-10.0, 10.0),
    "asin": (-1.0, 1.0),
    "asinh": (-10.0, 10.0),
    "cbrt": (-10.0, 10.0),
}


@pytest.mark.parametrize("name", RISING)
def test_larger_operands_have_larger_results(name: str) -> None:
    ys = values(name, [(x,) for x in np.linspace(*RISING[name], 20001)])
    assert all(a <= b for a, b in itertools.pairwise(ys))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_arrays_and_the_interpreter_have_the_same_bits(name: str) -> None:
    sample = random.Random(1).sample(points(name), 30)
    sample += random.Random(2).sample(list(itertools.product(SIGNED, repeat=FUNCTIONS[name])), 20)
    for x, y in zip(sample, values(name, sample), strict=True):
        assert repr(interpreter.evaluate(definition(name), *x)) == repr(y), x


def mapped(name: str) -> LoopNest:
    """The function over the elements of its operands, in a vector loop."""
    k = LoopBuilder(name)
    n = k.size("n")
    operands = [k.buffer(f"x{i}", "f64", (n,), "in") for i in range(FUNCTIONS[name])]
    k.buffer("y", "f64", (n,), "out")
    with k.loop(n, kind="vector") as loop:
        k.store("y", [loop.variable], k.apply(name, *(k.load(x, [loop.variable]) for x in operands)))
    return k.nest()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_machine_code_has_the_same_bits(name: str) -> None:
    pytest.importorskip("llvmlite")
    xs = points(name)[::7] + list(itertools.product(SIGNED, repeat=FUNCTIONS[name]))
    random.Random(3).shuffle(xs)
    arrays = {f"x{i}": np.array(x) for i, x in enumerate(zip(*xs, strict=True))}
    arrays["y"] = np.empty(len(xs))
    assert compile_nest(mapped(name)).run(arrays, {"n": len(xs)}) == 0
    pairs = zip(xs, map(float, arrays["y"]), values(name, xs), strict=True)
    assert [(x, y, expected) for x, y, expected in pairs if repr(y) != repr(expected)] == []


def used(statements: Any) -> set[Value]:
    """The values that statements read, the results of cases included."""
    read: set[Value] = set()
    for s in statements:
        if isinstance(s, Apply):
            read.update(s.operands)
        elif isinstance(s, Switch):
            read.add(s.selector)
            for case in s.cases:
                read.update(case.yields, used(case.body))
    return read


def check_types(statements: Any, defined: set[Value]) -> None:
    """Statements read what stands in front of them, and primitives take the types of their operands."""
    for s in statements:
        assert isinstance(s, Const | Apply | Switch)
        if isinstance(s, Apply):
            assert defined.issuperset(s.operands)
            assert result_type(s.primitive, [x.type for x in s.operands]) == s.result.type
        elif isinstance(s, Switch):
            assert s.selector in defined
            for case in s.cases:
                check_types(case.body, inner := set(defined))
                assert inner.issuperset(case.yields)
        defined.update(results(s))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_definitions_are_valid(name: str) -> None:
    f = definition(name)
    check_types(f.body, defined := set(f.parameters))
    assert f.result in defined
    assert f.result.type == "f64"
    computed = {x for s in f.body if not isinstance(s, Switch) for x in results(s)}
    assert computed <= used(f.body) | {f.result}, "a definition holds nothing that it does not use"


LONGEST = {"exp": 30, "log": 30, "erfc": 80}


@pytest.mark.parametrize("name", LONGEST)
def test_functions_of_hot_loops_are_short(name: str) -> None:
    assert sum(isinstance(s, Apply) for s in definition(name).body) <= LONGEST[name]
