"""Scalar functions on plain numbers: exact where IEEE 754 says so, else within a few units in the last place."""

import inspect
import math
import operator
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import mpmath
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mpmath import mp, mpf

from cgcli.ops import floats

pytestmark = pytest.mark.portable

INF, NAN = math.inf, math.nan
HUGE, TINY, PI = sys.float_info.max, 5e-324, math.pi
SOME, MANY = 250, 10_000
HARMLESS = (-0.0, 0.0, 1, -1, True, False, 2**63 - 1, -(2**63), TINY, -TINY, HUGE, -HUGE, INF, -INF, NAN)
Sampler = Callable[[random.Random], float]


def same(a: float, b: float) -> bool:
    """Equal as values with a sign: nan is nan, 0.0 is not -0.0."""
    return (a == b and math.copysign(1, a) == math.copysign(1, b)) or (a != a and b != b)


# Special values


CONSTANTS = {"HUGE": HUGE, "TINY": TINY, "PI": PI, "PI/2": PI / 2, "PI/4": PI / 4}


def read_table(text: str) -> dict[str, list[list[float]]]:
    """Lines `function: argument … → value, …` as rows of arguments and value by function."""
    lines = text.strip().replace(",\n", ",").splitlines()
    return {
        name: [list(map(read, row.replace("→", "").split())) for row in rows.split(",")]
        for name, rows in (line.split(":") for line in lines)
    }


def read(word: str) -> float:
    magnitude = word.removeprefix("-")
    value = CONSTANTS[magnitude] if magnitude in CONSTANTS else float(magnitude)
    return -value if word != magnitude else value


SPECIAL = read_table("""
exp: 0 → 1, -0 → 1, inf → inf, -inf → 0, 10000 → inf, -10000 → 0, HUGE → inf, -745.2 → 0
expm1: 0 → 0, -0 → -0, inf → inf, -inf → -1, 10000 → inf, -10000 → -1, TINY → TINY
log: 0 → -inf, -0 → -inf, 1 → 0, -1 → nan, inf → inf, -inf → nan, -TINY → nan
log1p: 0 → 0, -0 → -0, -1 → -inf, -1.5 → nan, inf → inf, -inf → nan, TINY → TINY
log2: 0 → -inf, -0 → -inf, 1 → 0, -1 → nan, inf → inf, -inf → nan, TINY → -1074
log10: 0 → -inf, -0 → -inf, 1 → 0, -1 → nan, inf → inf, -inf → nan, 1000 → 3
sqrt: 0 → 0, -0 → -0, 1 → 1, -1 → nan, inf → inf, -inf → nan, -TINY → nan
cbrt: 0 → 0, -0 → -0, 1 → 1, -1 → -1, inf → inf, -inf → -inf, -8 → -2
abs: 0 → 0, -0 → 0, -1 → 1, inf → inf, -inf → inf, -HUGE → HUGE
sign: 0 → 0, -0 → 0, 1.5 → 1, -1.5 → -1, inf → 1, -inf → -1, TINY → 1
floor: 0 → 0, -0 → -0, 1.5 → 1, -1.5 → -2, 0.5 → 0, inf → inf, -inf → -inf, HUGE → HUGE, -TINY → -1
ceil: 0 → 0, -0 → -0, 1.5 → 2, -1.5 → -1, -0.5 → -0, inf → inf, -inf → -inf, HUGE → HUGE, TINY → 1
round: -0 → -0, 0.5 → 0, -0.5 → -0, 1.5 → 2, 2.5 → 2, -2.5 → -2, inf → inf, -inf → -inf, HUGE → HUGE,
    0.49999999999999994 → 0, 4503599627370495.5 → 4503599627370496, 9007199254740991 → 9007199254740991
sin: 0 → 0, -0 → -0, inf → nan, -inf → nan, TINY → TINY
cos: 0 → 1, -0 → 1, inf → nan, -inf → nan
tan: 0 → 0, -0 → -0, inf → nan, -inf → nan, TINY → TINY
asin: 0 → 0, -0 → -0, 1 → PI/2, -1 → -PI/2, inf → nan, 1.5 → nan
acos: 0 → PI/2, 1 → 0, -1 → PI, inf → nan, -inf → nan, -1.5 → nan
atan: 0 → 0, -0 → -0, 1 → PI/4, inf → PI/2, -inf → -PI/2
sinh: 0 → 0, -0 → -0, inf → inf, -inf → -inf, 10000 → inf, -10000 → -inf
cosh: 0 → 1, -0 → 1, inf → inf, -inf → inf, 10000 → inf, -10000 → inf
tanh: 0 → 0, -0 → -0, inf → 1, -inf → -1, HUGE → 1
asinh: 0 → 0, -0 → -0, inf → inf, -inf → -inf
acosh: 0 → nan, 1 → 0, -1 → nan, inf → inf, -inf → nan, 0.5 → nan
atanh: 0 → 0, -0 → -0, 1 → inf, -1 → -inf, 1.5 → nan, -1.5 → nan, inf → nan, -inf → nan
erf: 0 → 0, -0 → -0, inf → 1, -inf → -1, HUGE → 1
erfc: 0 → 1, -0 → 1, inf → 0, -inf → 2, 30 → 0, -HUGE → 2
sigmoid: 0 → 0.5, -0 → 0.5, inf → 1, -inf → 0, 10000 → 1, -10000 → 0, HUGE → 1, -HUGE → 0
softplus: inf → inf, -inf → 0, 10000 → 10000, -10000 → 0, HUGE → HUGE
lgamma: 0 → inf, -0 → inf, 1 → 0, 2 → 0, -1 → inf, -7 → inf, -1e+300 → inf, inf → inf, -inf → inf, HUGE → inf
digamma: 0 → -inf, -0 → inf, -1 → nan, -7 → nan, -1e+300 → nan, inf → inf, -inf → nan, TINY → -inf, -TINY → inf
""")
SPECIAL_PAIRS = read_table("""
divide: 1 0 → inf, 1 -0 → -inf, -1 0 → -inf, -1 -0 → inf, 0 0 → nan, -0 0 → nan, nan 0 → nan, inf 0 → inf,
    inf inf → nan, 1 inf → 0, -1 inf → -0, HUGE TINY → inf, 1 3 → 0.3333333333333333
floor_divide: 7 2 → 3, -7 2 → -4, 7 -2 → -4, 1 0 → inf, 1 -0 → -inf, 0 0 → nan, -inf 0 → -inf, inf 1 → nan,
    1 inf → 0, -1 inf → -1, -0 1 → -0
remainder: 7 2 → 1, -7 2 → 1, 7 -2 → -1, 1 0 → nan, 0 0 → nan, inf 1 → nan, nan 1 → nan, 1 inf → 1, -1 inf → inf,
    1 -inf → -inf, -0 1 → 0, 0 -1 → -0, 4 -2 → -0
power: 0 0 → 1, nan 0 → 1, 1 nan → 1, 1 inf → 1, -1 inf → 1, -1 -inf → 1, 2 inf → inf, 0.5 inf → 0, 2 -inf → 0,
    0.5 -inf → inf, 0 -1 → inf, -0 -1 → -inf, -0 -2 → inf, -0 -0.5 → inf, 0 -inf → inf, -0 -inf → inf, -0 3 → -0,
    -0 2 → 0, 0 inf → 0, -8 0.3333333333333333 → nan, -2 0.5 → nan, -inf 3 → -inf, -inf 2 → inf, -inf -3 → -0,
    -inf -2 → 0, 10 400 → inf, -10 401 → -inf, -10 400 → inf, -10 -401 → -0, -2 3 → -8, inf -1 → 0, -HUGE HUGE → inf,
    nan 1 → nan, 2 nan → nan
atan2: 0 0 → 0, -0 0 → -0, 0 -0 → PI, -0 -0 → -PI, 1 0 → PI/2, inf inf → PI/4
hypot: inf nan → inf, nan -inf → inf, nan 1 → nan, 3 4 → 5, HUGE HUGE → inf, TINY 0 → TINY
minimum: 1 2 → 1, nan 1 → nan, 1 nan → nan, -inf nan → nan, -inf inf → -inf
maximum: 1 2 → 2, nan 1 → nan, 1 nan → nan, inf nan → nan, -inf inf → inf
polygamma: 1 0 → inf, 1 -0 → inf, 1 -3 → inf, 2 0 → -inf, 2 -0 → inf, 2 -3 → nan, 0 -3 → nan, 1 inf → 0, 2 inf → -0,
    1 -inf → nan, 1 nan → nan, 0 0 → -inf, 0 inf → inf, -1 2 → nan, 1.5 2 → nan, nan 2 → nan, inf 2 → nan,
    3 -1e+300 → inf, 4 -1e+300 → nan, 170 0.001 → -inf, 171 0.001 → inf, 1e+06 0.5 → -inf, 1e+06 1e+300 → -0,
    9223372036854775808 1 → -inf, 5 TINY → inf, 6 -TINY → inf, 6 TINY → -inf, 7 HUGE → 0, 171 -0.5 → inf,
    172 -0.25 → inf, 200 -0.5 → -inf, 171 HUGE → 0
""")
UNARY = tuple(SPECIAL)
BINARY = tuple(SPECIAL_PAIRS)


@pytest.mark.parametrize("name", UNARY)
def test_special_values(name: str) -> None:
    function = getattr(floats, name)
    wrong = [(x, function(x)) for x, y in SPECIAL[name] if not same(function(x), y)]
    assert not wrong
    assert math.isnan(function(NAN))


@pytest.mark.parametrize("name", BINARY)
def test_special_values_of_two(name: str) -> None:
    function = getattr(floats, name)
    wrong = [(*xs, function(*xs)) for *xs, y in SPECIAL_PAIRS[name] if not same(function(*xs), y)]
    assert not wrong


def test_every_function_is_in_a_table() -> None:
    functions = {name for name in floats.__all__ if not name.startswith("logical_")}
    assert functions == {*UNARY, *BINARY, "where"}
    assert all(inspect.getdoc(getattr(floats, name)) for name in floats.__all__)


# What holds for all numbers


numbers = st.floats() | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.sampled_from(HARMLESS)


@pytest.mark.parametrize("name", UNARY)
@given(x=numbers)
def test_a_result_is_a_value(name: str, x: float) -> None:
    keeps_ints = name in ("abs", "sign", "floor", "ceil", "round")
    assert type(getattr(floats, name)(x)) is (int if keeps_ints and isinstance(x, int) else float)


@pytest.mark.parametrize("name", BINARY)
@given(x=numbers, y=numbers)
def test_a_result_of_two_is_a_value(name: str, x: float, y: float) -> None:
    keeps_ints = name in ("minimum", "maximum") and isinstance(x, int) and isinstance(y, int)
    assert type(getattr(floats, name)(x, y)) is (int if keeps_ints else float)


@given(
    n=st.integers(0, 400) | st.integers(0, 2**63 - 1),
    x=st.floats(allow_nan=False) | st.integers(-200, 200).map(lambda k: k / 2) | st.floats(-30, 30),
)
@example(200, -0.5)
@example(396, -23.5)
@example(1000, HUGE)
def test_polygamma_is_nan_at_poles_and_minus_infinity_only(n: int, x: float) -> None:
    undefined = x == -INF or (x < 0 and x == math.floor(x) and n % 2 == 0)
    assert math.isnan(floats.polygamma(n, x)) == undefined


@given(x=st.floats(), y=st.floats().filter(bool))
def test_division_is_pythons(x: float, y: float) -> None:
    for ours, pythons in (("divide", "truediv"), ("floor_divide", "floordiv"), ("remainder", "mod")):
        assert same(getattr(floats, ours)(x, y), getattr(operator, pythons)(x, y))


@given(x=st.floats(-1e20, 1e20) | st.integers(-60, 60).map(lambda n: n / 2))
@example(0.49999999999999994)
def test_steps_are_pythons(x: float) -> None:
    for name, step in (("floor", math.floor), ("ceil", math.ceil), ("round", round)):
        y = getattr(floats, name)(x)
        assert y == step(x)
        assert y != 0 or math.copysign(1, y) == math.copysign(1, x)


def test_an_int_becomes_a_float_before_it_is_divided() -> None:
    a, b = 2**62 + 1, 3 * 2**54 + 1
    assert floats.divide(a, b) == float(a) / float(b)
    assert floats.remainder(a, b) == float(a) % float(b)


def test_a_choice_takes_the_type_that_both_sides_meet_in() -> None:
    assert [type(floats.where(True, *xs)) for xs in ((1, 2.0), (1, 2), (True, False), (True, 2))] == [
        *(float, int, bool, int)
    ]
    assert floats.where(False, 1.0, 2.0) == 2.0
    assert type(floats.maximum(3, 2.0)) is float
    assert type(floats.minimum(True, False)) is int


@pytest.mark.parametrize("a", [False, True])
@pytest.mark.parametrize("b", [False, True])
def test_logic(a: bool, b: bool) -> None:
    assert floats.logical_and(a, b) is (a and b)
    assert floats.logical_or(a, b) is (a or b)
    assert floats.logical_not(a) is (not a)


@given(n=st.integers(-200_000, 200_000), e=st.integers(-1074, 1023))
def test_roots_of_cubes_and_logarithms_of_powers_of_two_are_exact(n: int, e: int) -> None:
    assert floats.cbrt(n**3) == n
    assert floats.log2(2.0**e) == e


def test_the_functions_import_nothing_large() -> None:
    listing = "import sys; old = set(sys.modules); import cgcli.ops.floats; print(*(set(sys.modules) - old))"
    loaded = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "fractions", "decimal", "statistics", "mpmath"} & set(loaded)


# Accuracy


def between(low: float, high: float) -> Sampler:
    return lambda rng: rng.uniform(low, high)


def magnitudes(low: float, high: float, signed: bool = True) -> Sampler:
    """Numbers whose decimal exponents are spread over low … high."""
    return lambda rng: rng.choice([-1, 1] if signed else [1]) * 10 ** rng.uniform(low, high)


def one_of(*samplers: Sampler) -> Sampler:
    return lambda rng: rng.choice(samplers)(rng)


def units(value: float, exact: Any, least: float = 0.0) -> float:
    """How far off `value` is, in units in the last place of the exact value, or of `least` if that is larger."""
    if abs(exact) > mpf(HUGE):
        return 0.0 if value == math.copysign(INF, exact) else INF
    if not math.isfinite(value):
        return INF
    return float(abs(mpf(value) - exact) / math.ulp(max(least, abs(float(exact)))))


small = magnitudes(-320, 0)
positive = one_of(magnitudes(-320, 308, signed=False), between(0.5, 2))
angles = one_of(magnitudes(-320, 22), between(-10, 10))
ACCURACY: dict[str, tuple[Callable[..., Any], float, tuple[Sampler, ...]]] = {
    "exp": (mp.exp, 1, (one_of(between(-750, 712), small),)),
    "expm1": (mp.expm1, 1, (one_of(between(-50, 712), between(-1, 1), small),)),
    "log": (mp.log, 1, (positive,)),
    "log1p": (mp.log1p, 1, (one_of(between(-1, 10), magnitudes(-320, -1), magnitudes(0, 308, signed=False)),)),
    "log2": (lambda x: mp.log(x, 2), 1, (positive,)),
    "log10": (mp.log10, 2, (positive,)),
    "sqrt": (mp.sqrt, 1, (positive,)),
    "cbrt": (lambda x: mp.sign(x) * mp.cbrt(abs(x)), 1, (magnitudes(-323, 308),)),
    "sin": (mp.sin, 1, (angles,)),
    "cos": (mp.cos, 1, (angles,)),
    "tan": (mp.tan, 1, (angles,)),
    "asin": (mp.asin, 1, (one_of(between(-1, 1), small),)),
    "acos": (mp.acos, 1, (one_of(between(-1, 1), small),)),
    "atan": (mp.atan, 1, (one_of(between(-3, 3), magnitudes(-320, 308)),)),
    "sinh": (mp.sinh, 3, (one_of(between(-711, 711), between(-3, 3), small),)),
    "cosh": (mp.cosh, 3, (one_of(between(-711, 711), between(-3, 3), small),)),
    "tanh": (mp.tanh, 3, (one_of(between(-20, 20), small),)),
    "asinh": (mp.asinh, 3, (one_of(between(-5, 5), magnitudes(-320, 308)),)),
    "acosh": (mp.acosh, 3, (one_of(between(1, 5), magnitudes(0, 308, signed=False)),)),
    "atanh": (mp.atanh, 3, (one_of(between(-1, 1), small),)),
    "erf": (mp.erf, 1, (one_of(between(-6, 6), small),)),
    "erfc": (mp.erfc, 3, (one_of(between(-6, 27), small),)),
    "sigmoid": (lambda x: 1 / (1 + mp.exp(-x)), 2, (one_of(between(-750, 50), small),)),
    "softplus": (lambda x: mp.log1p(mp.exp(x)), 2, (one_of(between(-750, 50), between(-3, 3)),)),
    "power": (mp.power, 1, (magnitudes(-20, 20, signed=False), between(-16, 16))),
    "hypot": (mp.hypot, 1, (one_of(between(-5, 5), magnitudes(-320, 308)),) * 2),
    "atan2": (mp.atan2, 1, (one_of(between(-5, 5), magnitudes(-150, 150)),) * 2),
}
COUNTS = pytest.mark.parametrize("count", [SOME, pytest.param(MANY, marks=pytest.mark.thorough)])


@COUNTS
@pytest.mark.parametrize("name", ACCURACY)
def test_functions_are_accurate(name: str, count: int) -> None:
    oracle, limit, samplers = ACCURACY[name]
    function, rng = getattr(floats, name), random.Random(name)
    with mp.workdps(60):
        for _ in range(count):
            xs = [sample(rng) for sample in samplers]
            assert units(function(*xs), oracle(*map(mpf, xs))) <= limit, xs


def near(rng: random.Random, x: float) -> float:
    """A float a few floats beside x, or a small distance."""
    if rng.random() < 0.5:
        return x + rng.choice([-1, 1]) * 10 ** rng.uniform(-16, -0.7)
    for _ in range(rng.randrange(1, 60)):
        x = math.nextafter(x, rng.choice([-INF, INF]))
    return x


def gamma_arguments(rng: random.Random, count: int) -> Iterator[float]:
    """Arguments off the poles: everywhere, and close to poles, half-integers, and zeros of lgamma and digamma."""
    zeros = (1.4616321449683623, -0.5040830082644554, -2.4570247382208006, -2.747682646727412, -3.955294284458621)
    spread = one_of(between(-30, 200), between(-30, 4), magnitudes(-320, 0))
    while count:
        kind = rng.random()
        x = spread(rng) if kind < 0.5 else near(rng, rng.choice(zeros) if kind < 0.6 else rng.randrange(-60, 12) / 2)
        if x > 0 or x != math.floor(x):
            count -= 1
            yield x


def exact_lgamma(x: float) -> Any:
    with mp.workdps(80):
        return mp.log(abs(mp.gamma(mpf(x))))


def exact_polygamma(n: int, x: float) -> Any:
    """By the recurrence to the right half line, then from the zeta function: one formula for all x."""
    with mp.workdps(80):
        at, total = mpf(x), mpf(0)
        while at < 1:
            total += at ** -(n + 1)
            at += 1
        if n == 0:
            return mp.digamma(at) - total
        return (-1) ** (n + 1) * mp.factorial(n) * (mp.zeta(n + 1, at) + total)


@COUNTS
def test_lgamma_is_accurate(count: int) -> None:
    for x in gamma_arguments(random.Random(1), 8 * count):
        assert units(floats.lgamma(x), exact_lgamma(x), least=1.0) <= 4, x


@COUNTS
def test_digamma_is_accurate(count: int) -> None:
    for x in gamma_arguments(random.Random(2), 8 * count):
        assert units(floats.digamma(x), exact_polygamma(0, x), least=1.0) <= 8, x


ORDERS = [
    pytest.param(n, marks=() if n < 6 or n in (20, 100, 170, 171) else pytest.mark.thorough)
    for n in (*range(21), 30, 100, 169, 170, 171, 200)
]


@COUNTS
@pytest.mark.parametrize("n", ORDERS)
def test_polygamma_is_accurate(n: int, count: int) -> None:
    """An even order has steep zeros beside half-integers: there the error is far below what a unit of x changes."""
    for x in gamma_arguments(random.Random(n), count // 2):
        value, exact = floats.polygamma(n, x), exact_polygamma(n, x)
        if units(value, exact, least=1.0) > 8:
            assert n % 2 == 0
            assert n > 0
            assert abs(mpf(value) - exact) < abs(exact_polygamma(n + 1, x)) * math.ulp(x) / 10**6, x


@COUNTS
def test_polygamma_of_a_large_order_is_accurate(count: int) -> None:
    """Where x is about n / e the value is neither huge nor tiny, and only the first poles count."""
    rng = random.Random(3)
    for _ in range(count):
        n = int(10 ** rng.uniform(2.3, 6))
        x = n / math.e * math.exp(rng.uniform(-1, 1) * min(600, n) / n)
        with mp.workdps(60):
            poles = (mpf(x) / (mpf(x) + k) for k in range(150))
            total = mp.fsum(ratio ** (n + 1) for ratio in poles)
            exact = (-1) ** (n + 1) * total * mp.exp(mp.loggamma(n + 1) - (n + 1) * mp.log(mpf(x)))
        assert units(floats.polygamma(n, x), exact) <= 8, (n, x)


@pytest.mark.parametrize("x", [-1e6 + 0.3, -1e6 - 0.5, -123456.75, -1e9 + 0.125, 1e9, 1e150])
def test_the_gamma_family_far_from_zero(x: float) -> None:
    with mp.workdps(400):
        at = mpf(x)
        assert units(floats.lgamma(x), mp.log(abs(mp.gamma(at))) if abs(x) < 1e8 else exact_far_lgamma(at)) <= 4
        digamma = mp.digamma(at)
        assert units(floats.digamma(x), digamma, least=abs(math.log(abs(x)))) <= 4
        mirrored = mp.zeta(2, 1 - at) if x < 0 else 0
        trigamma = (mp.pi / mp.sin(mp.pi * at)) ** 2 - mirrored if x < 0 else mp.zeta(2, at)
        assert units(floats.polygamma(1, x), trigamma) <= 4


def exact_far_lgamma(x: Any) -> Any:
    if x > 0:
        return mp.loggamma(x)
    return mp.log(mp.pi / abs(x * mp.sin(mp.pi * x))) - mp.loggamma(-x)


def test_the_oracle_knows_values_from_tables() -> None:
    with mp.workdps(60):
        assert mpmath.almosteq(exact_polygamma(1, 1.0), mp.pi**2 / 6)
        assert mpmath.almosteq(exact_polygamma(0, 0.5), -mp.euler - 2 * mp.log(2))
        assert mpmath.almosteq(exact_lgamma(-0.5), mp.log(2 * mp.sqrt(mp.pi)))
