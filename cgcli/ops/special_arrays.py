"""Special functions on arrays, with the edges of the scalar ones in `special` and `floats`.

SciPy computes most elements; where it errs by much more than those do, its result is replaced (the comments say by how
much it errs). An array of f32 is computed in float64 and rounded once; ints and bools count as float64.

Error, in units in the last place, against mpmath at 50 digits on a few thousand points an interval, with the oldest and
a recent SciPy:

- erf: at most 3, erfc: at most 8 of the value itself.
- lgamma: at most 4, digamma: at most 7 of max(1, |value|) on (-30, 200), 11 on (-200, -30). For x > 0 digamma, and
  lgamma within a tenth of its zeros 1 and 2, keep their digits as the value vanishes: at most 3 of the value itself.
- polygamma: for x > 0 at most 9 of the value itself up to order 10; elsewhere it is the scalar function.

Formulas: Abramowitz and Stegun, Handbook of Mathematical Functions (A&S).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from . import special

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_TO_26_BITS = 2.0**27 + 1.0  # Dekker's splitting constant
_ERFC_IS_ZERO = 28.0
_LARGEST_ORDER = 10  # beyond, the error of SciPy's zeta grows with the order
_LEAST = 2.0**-1000
_SMALLEST, _LARGEST = 2.0**-1022, 2.0**1023


def _elementwise(function: Callable[[Floats], Floats]) -> Callable[[Any], Any]:
    """`function`, which knows one-dimensional arrays of float64, for arrays of any shape and any real type."""

    @functools.wraps(function)
    def on_any(x: Any) -> Any:
        x = np.asarray(x)
        with np.errstate(all="ignore"):  # results are values, as everywhere in the language
            return _like(function(x.astype(np.float64, copy=False).ravel()), x)

    return on_any


def _like(values: Floats, x: NDArray[Any]) -> Any:
    """`values` in the shape of x and, where x has floats, in their type; as of a ufunc, no axis gives a scalar."""
    return values.reshape(x.shape).astype(x.dtype if x.dtype.kind == "f" else np.float64, copy=False)[()]


@_elementwise
def erf(x: Floats) -> Floats:
    """2/√π times the integral of exp(-t²) from 0 to x."""
    from scipy.special import erf

    values: Floats = erf(x)
    return values


@_elementwise
def erfc(x: Floats) -> Floats:
    """1 - erf(x), accurate for large x and down to the smallest float."""
    from scipy.special import erfc, erfcx

    values: Floats = erfc(x)
    # There SciPy rounds x² before it is exponentiated (256 units of error at 26) and is 0 from 26.65 on, not 27.23.
    tail = (x >= 0.5) & (x < _ERFC_IS_ZERO)
    values[tail] = _scaled_back(x[tail], erfcx(x[tail]))
    return values


def _scaled_back(x: Floats, scaled: Floats) -> Floats:
    """exp(-x²) times `scaled`, for 0.5 ≤ x < 28.

    With s, x cut to 26 bits, s² is exact and x² = s² + (x - s)(x + s). The large power is taken in two halves, so that
    only the last product can leave the normal floats.
    """
    wide = x * _TO_26_BITS
    s = wide - (wide - x)
    half = np.exp(-0.5 * (s * s))
    result: Floats = half * (np.exp((s - x) * (s + x)) * scaled) * half
    return result


@_elementwise
def lgamma(x: Floats) -> Floats:
    """log|Γ(x)|: inf at 0, -1, -2, … and at both infinities."""
    from scipy.special import gammaln

    values: Floats = gammaln(x)
    values[x == -math.inf] = math.inf
    # SciPy's is inf at subnormal numbers; close to 0, Γ(x) is 1/x, perhaps too large for a float.
    least = (np.abs(x) < _LEAST) & (x != 0.0)
    values[least] = -np.log(np.abs(x[least]))
    # Beside its zeros, 1 and 2, SciPy's errs by units of 1, not of the value.
    near = (x >= 0.5) & (x < 2.5)
    values[near] = _lgamma_by_series(x[near])
    return values


def _lgamma_by_series(x: Floats) -> Floats:
    """lgamma for 0.5 ≤ x < 2.5, by lgamma(2 + z), and by Γ(2 + z) = (1 + z) Γ(1 + z) below 1.5 (A&S 6.1.33, 6.1.15)."""
    below = x < 1.5
    z: Any = x - np.where(below, 1.0, 2.0)
    values = np.asarray(special.lgamma_near_two(z), dtype=np.float64)  # sums and products: it takes arrays as well
    values[below] -= np.log1p(z[below])
    return values


@_elementwise
def digamma(x: Floats) -> Floats:
    """The derivative of lgamma: -inf at 0.0, inf at -0.0, nan at -1, -2, … and at -inf."""
    from scipy.special import psi

    values: Floats = psi(x)
    # Beside a pole SciPy's reflection rounds the argument of its cotangent: thousands of units of error.
    left = x < 0.0
    values[left] = psi(1.0 - x[left]) - _pi_cot_pi(x[left])  # A&S 6.3.7: ψ(1 - x) - ψ(x) = π cot πx
    return values


def _pi_cot_pi(x: Floats) -> Floats:
    """π cot πx, exact where it is zero; nan at whole numbers and at the infinities."""
    offset = x - np.rint(x)
    offset[offset == 0.0] = math.nan
    distance = np.abs(offset)
    steep = math.pi / np.tan(math.pi * offset)
    flat = np.copysign(math.pi * np.tan(math.pi * (0.5 - distance)), offset)
    return np.where(distance > 0.25, flat, steep)


def polygamma(n: Any, x: Any) -> Any:
    """The derivative of digamma of order n; nan unless n is a whole number that is not negative.

    At -1, -2, … it is inf for odd n, nan for even n; at a zero of either sign the limit from that side. Orders
    broadcast with x; the result has the type of x.
    """
    orders, x = np.broadcast_arrays(np.asarray(n), np.asarray(x))
    flat_orders, flat = orders.ravel(), x.astype(np.float64, copy=False).ravel()
    values = np.full(flat.shape, math.nan)
    with np.errstate(all="ignore"):
        for order in np.unique(flat_orders).tolist():
            if order >= 0 and order % 1 == 0:
                of_this_order = flat_orders == order
                values[of_this_order] = _of_order(int(order), flat[of_this_order])
        return _like(values, x)


def _of_order(order: int, x: Floats) -> Floats:
    if order == 0:
        result: Floats = digamma(x)
        return result
    if order > _LARGEST_ORDER:
        return _one_by_one(order, x)
    from scipy.special import zeta

    # A&S 6.4.10, for x > 0: ψ_n(x) = (-1)^(n+1) n! ζ(n + 1, x). Given a large negative x, SciPy's ζ never returns.
    right = x > 0.0
    total: Floats = zeta(order + 1.0, np.where(right, x, 1.0))
    values = total * float(math.factorial(order) * (-1) ** (order + 1))
    hard = ~(right & (total >= _SMALLEST) & (total <= _LARGEST))  # n! may bring back what left the normal floats
    values[hard] = _one_by_one(order, x[hard])
    return values


def _one_by_one(order: int, x: Floats) -> Floats:
    return np.array([special.polygamma(order, at) for at in x.tolist()], dtype=np.float64)
