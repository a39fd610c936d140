"""Every op on numbers at the edges: at both zeros, the ends of its domain, the infinities, tiny and huge numbers.

Values and derivatives of first and second order are those of mpmath: at an end the limit from within the domain, which
may be infinite; nan only where two sides or nothing at all is approached.
"""

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from executors import ScalarExecutor
from mpmath import mp, mpf
from oracle import FUNCTIONS, edge_digits, limit, slope

import cgcli
from cgcli.graph.graph import Graph
from cgcli.graph.types import FLOAT
from cgcli.ops.builder import Builder
from cgcli.ops.op import arity
from cgcli.ops.table import OPS
from cgcli.transform.gradient import gradient

INF = math.inf
HUGE = 1.7976931348623157e308
TINY = 1e-306  # below, a float has fewer digits

EXACT: dict[str, Callable[[Any], Any]] = {
    "exp": mp.exp,
    "expm1": mp.expm1,
    "log": mp.log,
    "log1p": lambda x: mp.log(1 + x),
    "log2": lambda x: mp.log(x) / mp.log(2),
    "log10": lambda x: mp.log(x) / mp.log(10),
    "sqrt": mp.sqrt,
    "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)),
    "sin": mp.sin,
    "cos": mp.cos,
    "tan": mp.tan,
    "asin": mp.asin,
    "acos": mp.acos,
    "atan": mp.atan,
    "sinh": mp.sinh,
    "cosh": mp.cosh,
    "tanh": mp.tanh,
    "asinh": mp.asinh,
    "acosh": mp.acosh,
    "atanh": mp.atanh,
    "erf": mp.erf,
    "erfc": mp.erfc,
    "lgamma": lambda x: mp.loggamma(x).real if x > 0 else mp.log(abs(mp.gamma(x))),
    "digamma": mp.digamma,
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "softplus": lambda x: mp.log1p(mp.exp(x)) if x < 0 else x + mp.log1p(mp.exp(-x)),
    "one_minus_square": lambda x: 1 - x * x,
    "cauchy": lambda x: 1 / (1 + x * x),
    "sech2": lambda x: 1 / mp.cosh(x) ** 2,
    "sigmoid_slope": lambda x: mp.exp(-abs(x)) / (1 + mp.exp(-abs(x))) ** 2,
    "exp_minus_square": lambda x: mp.exp(-x * x),
}
KINKED = {"abs", "relu", "sign", "floor", "ceil", "round"}  # by the language's own rules: below
PLAIN = {"neg", "copy", "cast", "assert", "stop_gradient", "not", "fixed_power"}


def unary() -> list[str]:
    return [op.name for op in OPS.values() if op.is_elementwise and op.derivative.rules != () and arity(op) == 1]


# an op that is not listed has the meaning that the oracle says, which is less exact at some edges
EXACT |= {name: FUNCTIONS[name] for name in unary() if name not in (*EXACT, *KINKED, *PLAIN)}
LEAST: dict[str, tuple[float, float]] = {  # the ends of a domain that has some
    **dict.fromkeys(("log", "log2", "log10", "sqrt"), (0.0, INF)),
    **dict.fromkeys(("asin", "acos", "atanh"), (-1.0, 1.0)),
    "log1p": (-1.0, INF),
    "acosh": (1.0, INF),
}
POINTS = [
    *(0.0, -0.0, 1e-10, -1e-10, 1e-200, -1e-200, 0.5, -0.5, 1.0, -1.0, 1 - 2**-53, 2**-53 - 1, 1 + 2**-52),
    *(20.0, -20.25, 40.0, -40.25, 355.5, -360.0, 710.5, -745.0, 1e10, 1e200, HUGE, INF, -INF),
]
GAMMAS = ("lgamma", "digamma", "erf", "erfc")  # dear in many digits
FEW = [0.0, -0.0, 1e-10, -1e-10, 0.5, 1.0, 20.0, 1e10, INF]


def graphs(name: str, count: int, **attrs: Any) -> list[Graph]:
    """The op, its derivatives by each operand, and theirs by each."""
    b = Builder()
    value = b.done(b.apply(name, *[b.input(FLOAT) for _ in range(count)], **attrs))
    first = [gradient(value, value.outputs[0], [i]) for i in value.inputs]
    second = [gradient(g, g.outputs[0], [i]) for g in first for i in g.inputs]
    return [value, *first, *second]


def at(graph: Graph, *xs: float) -> float:
    return ScalarExecutor(graph).forward(xs)[graph.outputs[0]]


def agrees(found: float, wanted: Any) -> bool:
    if mp.isnan(wanted):
        return math.isnan(found)
    if abs(wanted) > mpf(HUGE):
        return found == float(mp.sign(wanted)) * INF
    return math.isfinite(found) and abs(mpf(found) - wanted) <= mpf(10) ** -13 * abs(wanted) + mpf(TINY)


def wanted_at(name: str, f: Callable[[Any], Any], x: float, order: int) -> Any:
    """None outside of the domain, where the derivative is what the formula gives. f: the exact function."""
    low, high = LEAST.get(name, (-INF, INF))
    if not low <= x <= high:
        return None
    if name in ("lgamma", "digamma") and -INF < x < 0 and x == math.floor(x):
        return None  # a pole between two sides: tests/test_special_arrays.py
    if x in (low, high):
        return limit(f, x, order, 1 if x == low else -1)
    if x == 0 and name in ("cbrt", "lgamma", "digamma"):
        return limit(f, x, order, 1 if math.copysign(1, x) > 0 else -1)  # two sides: the sign of zero tells which
    return slope(f, mpf(x), order)


@pytest.mark.parametrize("name", EXACT)
def test_value_and_derivatives_of_one_number(name: str) -> None:
    made = graphs(name, 1)
    wrong = []
    for x in FEW if name in GAMMAS else POINTS:
        exact = cache(EXACT[name])  # the three orders need the same values, in as many digits
        with mp.workdps(edge_digits(x)):
            for order, graph in enumerate(made):
                wanted, found = wanted_at(name, exact, x, order), at(graph, x)
                if name in ("sin", "cos", "tan") and abs(x) > 1e15:
                    wanted = mp.nan if math.isinf(x) else None  # digits of huge angles: tests/test_floats.py
                if wanted is not None and not agrees(found, wanted):
                    wrong.append((x, order, found, mp.nstr(mpf(wanted), 17)))
    assert not wrong


def test_kinks_and_steps_have_the_derivatives_of_the_language_at_both_zeros_and_at_infinity() -> None:
    for name, by in {"abs": (0.0, -1.0, 1.0), "relu": (0.0, 0.0, 1.0)}.items():
        _, first, second = graphs(name, 1)
        assert [at(first, x) for x in (0.0, -0.0, -INF, INF, -1e-200, 1e-200)] == [by[0], by[0], *by[1:], *by[1:]]
        assert [at(second, x) for x in (0.0, -0.0, -INF, INF)] == [0.0] * 4
    for name in ("sign", "floor", "ceil", "round"):
        _, first, second = graphs(name, 1)
        assert [at(g, x) for g in (first, second) for x in (0.0, -0.0, 0.5, INF, -INF)] == [0.0] * 10


# Powers


def power_limit(power: Callable[[Any, Any], Any], x: float, p: float, by_base: int, by_exponent: int) -> Any:
    """A partial derivative of x^p by differences of x^p itself; at 0 as x comes from above."""
    if x > 0:
        return both(power, mpf(x), mpf(p), by_base, by_exponent)
    found = [both(power, mpf(10) ** -k, mpf(p), by_base, by_exponent) for k in (20, 40, 80)]
    if abs(found[2] - found[1]) <= abs(found[1] - found[0]) / 100 + abs(found[2]) * mpf(10) ** -30:
        return mpf(0) if abs(found[2]) < mpf(10) ** -15 else found[2]
    return mp.sign(found[2]) * mp.inf


def both(f: Callable[[Any, Any], Any], x: Any, y: Any, by_x: int, by_y: int) -> Any:
    """A partial derivative of f at (x, y), so often by each."""
    return slope(lambda s: slope(lambda t: f(s, t), y, by_y), x, by_x)


EXPONENTS = (-2.0, -1.0, -0.5, 0.25, 0.5, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0)


@pytest.mark.parametrize("x", [0.0, -0.0, 1e-200, 1e-10, 1.0, 2.0, 1e10])
def test_partials_of_a_power_are_limits_from_above(x: float) -> None:
    value, by_x, by_p, xx, xp, px, pp = graphs("power", 2)
    power = cache(mp.power)
    wrong = []
    with mp.workdps(edge_digits(x)):
        for p in EXPONENTS:
            if math.copysign(1, x) < 0 and p == math.floor(p):
                continue  # at -0.0 a whole power comes from below
            orders = [(0, 0, value), (1, 0, by_x), (0, 1, by_p), (2, 0, xx), (1, 1, xp), (1, 1, px), (0, 2, pp)]
            for i, j, graph in orders:
                wanted, found = power_limit(power, x, p, i, j), at(graph, x, p)
                if not agrees(found, wanted):
                    wrong.append((p, i, j, found, mp.nstr(wanted)))
    assert not wrong


@pytest.mark.parametrize(("p", "mixed"), [(1.0, -INF), (0.5, -INF), (-1.0, INF), (2.0, 0.0), (0.0, 0.0)])
def test_the_mixed_second_derivative_of_a_power_at_0_is_the_same_in_both_orders(p: float, mixed: float) -> None:
    *_, xp, px, _ = graphs("power", 2)
    assert at(xp, 0.0, p) == at(px, 0.0, p) == mixed


def test_0_to_the_p_changes_with_p_below_0_alone() -> None:
    by_p = graphs("power", 2)[2]
    assert [at(by_p, 0.0, p) for p in (-2.0, -0.5, 0.0, 0.5, 1.0, 3.0)] == [-INF, -INF, 0.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("n", [-2, -1, 0, 1, 2, 3, -0.5, 0.5, 1.5, 2.5])
def test_a_literal_power_has_the_limits_of_its_derivatives(n: float) -> None:
    def f(x: Any) -> Any:
        return mp.power(x, n)

    for order, graph in enumerate(graphs("fixed_power", 1, exponent=n)):
        for x in (0.0, 1e-10, 1.0, 1e10, INF):
            with mp.workdps(edge_digits(x)):
                wanted = limit(f, x, order, 1) if x in (0.0, INF) else slope(f, mpf(x), order)
                assert agrees(at(graph, x), wanted), (x, order, at(graph, x))


# Points in the plane

PLANE = [
    *((1e-200, 1e-200), (-1e-200, 1e-200), (3e-200, 4e-200), (1e-170, 2e-170), (1e200, 1e200), (3e300, -4e300)),
    *((1.0, 1e-10), (1e-10, 1.0), (1.0, 1.0 + 2**-30), (1.0, 2**-30 - 1.0), (1e-200, 1.0), (1.0, 1e200)),
]


@pytest.mark.parametrize("name", ["hypot", "atan2"])
@pytest.mark.parametrize("point", PLANE)
def test_second_derivatives_in_the_plane_are_true_at_tiny_and_huge_points(
    name: str, point: tuple[float, float]
) -> None:
    f = cache({"hypot": lambda x, y: mp.sqrt(x * x + y * y), "atan2": mp.atan2}[name])
    made = graphs(name, 2)
    orders = [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (1, 1), (0, 2)]
    with mp.workdps(300 + max(map(edge_digits, point))):
        for (i, j), graph in zip(orders, made, strict=True):
            wanted, found = both(f, *map(mpf, point), i, j), at(graph, *point)
            assert agrees(found, wanted), (i, j, found, mp.nstr(wanted, 17))


def test_a_point_that_is_infinitely_far_in_one_direction_moves_with_that_one_alone() -> None:
    _, by_x, by_y, *second = graphs("hypot", 2)
    assert [(at(by_x, *p), at(by_y, *p)) for p in ((INF, 1.0), (-INF, 1.0), (1.0, INF), (0.0, -INF))] == [
        *((1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0))
    ]
    assert [at(g, INF, 1.0) for g in second] == [0.0] * 4
    assert math.isnan(at(by_x, INF, INF))  # it depends on how one goes there
    assert [at(g, INF, 1.0) for g in graphs("atan2", 2)[1:]] == [0.0] * 6


# Formulas that are read


def test_a_formula_that_is_read_is_made_of_the_functions_of_the_language() -> None:
    for source, text in {
        "y = sigmoid(x)": "dy/dx = y * sigmoid(-x)",
        "y = asin(x)": "dy/dx = 1 / sqrt((1 - x) * (1 + x))",
        "y = atan(x)": "dy/dx = 1 / (1 + x^2)",
        "y = tanh(x)": "dy/dx = 1 / cosh(x)^2",
    }.items():
        assert cgcli.parse(source).symbolic() == text
    for op in OPS.values():
        if op.spelling.decomposition is None:
            continue
        b = Builder()
        inputs = [b.input(FLOAT) for _ in range(arity(op) or 1)]
        spelled = b.done(op.spelling.decomposition(b, *inputs, op.examples.attrs))
        for xs in op.examples.operands:
            assert at(spelled, *xs) == pytest.approx(at(graphs(op.name, len(xs), **op.examples.attrs)[0], *xs), 1e-14)
