"""An independent meaning of the scalar language in 100 digits: values by mpmath, derivatives by tiny differences.

Nothing of it knows a derivative rule. A function returns None outside its domain, where cg gives NaN or an infinity.
"""

from collections.abc import Callable
from typing import Any

import mpmath
from executors import ScalarExecutor
from mpmath import mp, mpf

from cgcli.graph.graph import Graph

mp.dps = 100
STEP = mpf(10) ** -25

Value = Any


def real(f: Callable[..., Value]) -> Callable[..., Value]:
    """`f`, or None where it is complex, infinite or undefined."""

    def wrapped(*xs: Value) -> Value:
        if any(x is None for x in xs):
            return None
        try:
            y = f(*xs)
        except (ValueError, ZeroDivisionError, OverflowError, TypeError):
            return None
        if y is None or isinstance(y, bool):
            return y
        if isinstance(y, mpmath.mpc):
            return None
        return y if mp.isfinite(y) and abs(y) < mpf(10) ** 300 else None

    return wrapped


def _round(x: Value) -> Value:
    down = mp.floor(x)
    rest = x - down
    if rest == mpf("0.5"):
        return down if int(down) % 2 == 0 else down + 1
    return down if rest < mpf("0.5") else down + 1


def _power(x: Value, n: Value) -> Value:
    if x < 0 and n != mp.floor(n):
        return None
    if x == 0 and n < 0:
        return None
    return mpf(1) if n == 0 else x**n


FUNCTIONS: dict[str, Callable[..., Value]] = {
    name: real(f)
    for name, f in {
        "add": lambda x, y: x + y,
        "sub": lambda x, y: x - y,
        "mul": lambda x, y: x * y,
        "div": lambda x, y: x / y,
        "floor_div": lambda x, y: mp.floor(x / y),
        "mod": lambda x, y: x - y * mp.floor(x / y),
        "neg": lambda x: -x,
        "power": _power,
        "lt": lambda x, y: x < y,
        "le": lambda x, y: x <= y,
        "gt": lambda x, y: x > y,
        "ge": lambda x, y: x >= y,
        "eq": lambda x, y: x == y,
        "ne": lambda x, y: x != y,
        "and": lambda x, y: x and y,
        "or": lambda x, y: x or y,
        "not": lambda x: not x,
        "exp": mp.exp,
        "expm1": mp.expm1,
        "log": mp.log,
        "log1p": mp.log1p,
        "log2": lambda x: mp.log(x) / mp.log(2),
        "log10": lambda x: mp.log(x) / mp.log(10),
        "sqrt": mp.sqrt,
        "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)),
        "abs": abs,
        "sign": mp.sign,
        "floor": mp.floor,
        "ceil": mp.ceil,
        "round": _round,
        "sin": mp.sin,
        "cos": mp.cos,
        "tan": mp.tan,
        "asin": mp.asin,
        "acos": mp.acos,
        "atan": mp.atan,
        "atan2": lambda y, x: None if y == 0 and x <= 0 else mp.atan2(y, x),  # on the cut the sign of zero decides
        "sinh": mp.sinh,
        "cosh": mp.cosh,
        "tanh": mp.tanh,
        "asinh": mp.asinh,
        "acosh": mp.acosh,
        "atanh": mp.atanh,
        "erf": mp.erf,
        "erfc": mp.erfc,
        "lgamma": lambda x: mp.log(abs(mp.gamma(x))),
        "digamma": mp.digamma,
        "polygamma": lambda n, x: mp.psi(int(n), x),
        "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
        "softplus": lambda x: mp.log(1 + mp.exp(x)),
        "relu": lambda x: max(x, mpf(0)),
        "hypot": lambda x, y: mp.sqrt(x * x + y * y),
        "one_minus_square": lambda x: 1 - x * x,
        "cauchy": lambda x: 1 / (1 + x * x),
        "sech2": lambda x: 1 / mp.cosh(x) ** 2,
        "sigmoid_slope": lambda x: mp.exp(-x) / (1 + mp.exp(-x)) ** 2,
        "exp_minus_square": lambda x: mp.exp(-x * x),
        "direction": lambda x, y: x / mp.sqrt(x * x + y * y),
        "multipole": lambda y, x: (1 / mp.mpc(x, y) ** 2).real,
        "power_partial": lambda x, n: x ** (n - 1) * (1 + n * mp.log(x)),
        "max": max,
        "min": min,
        "where": lambda c, x, y: x if c else y,
        "copy": lambda x: x,
        "assert": lambda x: x,
        "cast": lambda x: x,
    }.items()
}


def derivative(f: Callable[[Value], Value], x: Value) -> Value:
    """f'(x) by a central difference; None at a kink, a jump, the edge of the domain, or where digits are too few."""
    right, here, left = f(x + STEP), f(x), f(x - STEP)
    if right is None or left is None or here is None:
        return None
    up, down = (right - here) / STEP, (here - left) / STEP
    middle = (up + down) / 2
    if abs(here) * mpf(10) ** -95 / STEP > mpf(10) ** -20 * (1 + abs(middle)):
        return None
    return middle if abs(up - down) <= mpf(10) ** -6 * (1 + abs(middle)) else None


# At the edges: close to an end of the domain, at the infinities, at numbers so small or large that digits may be lost


def edge_digits(x: float) -> int:
    """Digits that a difference of second order at x takes."""
    if x == 0 or mp.isinf(x):
        return 450
    return 400 + 3 * abs(int(mp.log10(abs(mpf(x))))) + int(min(abs(x), 800))  # exp(-x) has vanished beyond


_CLOSE = (20, 40, 80)


def slope(f: Callable[[Value], Value], x: Value, order: int) -> Value:
    """The derivative of `f` of order 0, 1 or 2 at x by central differences; None beside the end of the domain."""
    h = mpf(10) ** -40 * min(mpf(1), abs(x) or mpf(1))
    left, here, right = (f(x + k * h) for k in (-1, 0, 1))
    if left is None or here is None or right is None:
        return None
    return (here, (right - left) / (2 * h), (right - 2 * here + left) / (h * h))[order]


def limit(f: Callable[[Value], Value], x: float, order: int, side: int) -> Value:
    """What `slope` comes to as x is approached from one side (1: from above); nan where it comes to nothing."""
    found = []
    for k in _CLOSE:
        far = mp.isinf(x)
        at = mp.sign(x) * mpf(10) ** k if far else mpf(x) + side * mpf(10) ** -k
        near = at if far else at - mpf(x)
        # a step that stays on this side, whatever x is
        found.append(slope(lambda t, at=at: f(at + t), mpf(0), order) if far else _beside(f, mpf(x), near, order))
    if any(v is None for v in found):
        return None
    first, second, last = found
    if abs(last - second) <= abs(second - first) / 100 + abs(last) * mpf(10) ** -30:
        return mpf(0) if abs(last) < mpf(10) ** -15 else last
    same = mp.sign(first) == mp.sign(second) == mp.sign(last)
    return mp.sign(last) * mp.inf if same and abs(first) < abs(second) < abs(last) else mp.nan


def _beside(f: Callable[[Value], Value], x: Value, distance: Value, order: int) -> Value:
    """The slope at a distance from x that is tiny against x."""
    return slope(lambda t: f(x + t), distance, order)


def rounding(graph: Graph, node: int, v: Any) -> float:
    """How far rounding may have moved `node`: what every node's own rounding does to it, by a sweep."""
    executor = ScalarExecutor(graph, range(len(graph)))
    total = 0.0
    for adjoint, x in zip(executor.backward(v, node), v, strict=True):
        if isinstance(adjoint, float) and isinstance(x, float | int):
            total += abs(adjoint * x)
    return 2.0**-48 * total
