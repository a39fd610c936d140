"""The error function and its complement."""

from __future__ import annotations

from cgcli.loop_nests.builder import LoopBuilder
from cgcli.loop_nests.form import Value

from .exponential import scaled_exp
from .parts import Definition, or_nan, polynomial, two_product

_CENTRE = 3.75
_FAR, _ALL = 28.0, 6.0
"""From here on erfc is 0, and erf is 1."""

# (1 + x) exp(x²) erfc(x) over t = (x - 3.75)/(x + 3.75) for 0 ≤ x ≤ 28, to 6.5e-18; it falls slowly from 1 to 0.58
# (after M. M. Shepherd and J. G. Laframboise, Chebyshev approximation of (1 + 2x) exp(x²) erfc x, 1981)
_ERFC = (
    0.691551176056433,
    -0.20683126504048663,
    0.11479674120104262,
    -0.040647578516902094,
    -0.0030998090547567584,
    0.0187509972331448,
    -0.017275087308972772,
    0.010070828125225305,
    -0.0039718085673342216,
    0.0008650453251918195,
    7.062548911448002e-05,
    -0.00012112799884703295,
    2.7616389632097207e-05,
    8.101610827818506e-06,
    -5.34751740069609e-06,
    -1.5974767600921815e-07,
    7.830722971875585e-07,
    -6.110050358952564e-08,
    -1.1161500237436672e-07,
    1.2970572806220357e-08,
    1.485481761797002e-08,
    -1.0790827059498014e-09,
    -1.2184057380471965e-09,
)

# erf(x)/x - 1 over x² for |x| ≤ 1, to 7.4e-18
_ERF = (
    0.12837916709551257,
    -0.37612638903183543,
    0.11283791670945006,
    -0.02686617064323777,
    0.0052239776071164225,
    -0.0008548325975389692,
    0.00012055294904839707,
    -1.492473690741966e-05,
    1.6447424703317362e-06,
    -1.6208483801871705e-07,
    1.3720064546777686e-08,
    -7.795898827002142e-10,
)


def _quotient(k: LoopBuilder, a: Value) -> tuple[Value, Value]:
    """P(t) / (1 + a) for 0 ≤ a ≤ 28: the quotient, and what P and the division leave out of it, relatively."""
    c = k.const
    t = k.div(k.sub(a, c(_CENTRE)), k.add(a, c(_CENTRE)))
    tail = polynomial(k, t, _ERFC[1:])
    p = k.fma(t, tail, c(_ERFC[0]))
    p_rest = k.fma(t, tail, k.sub(c(_ERFC[0]), p))
    divisor = k.add(c(1.0), a)
    quotient = k.div(p, divisor)
    reciprocal = k.fma(p, c(-1.7), c(2.7))  # of p, within a tenth
    return quotient, k.mul(k.sub(p_rest, k.fma(quotient, divisor, k.neg(p))), reciprocal)


def _erfc(k: LoopBuilder, x: Value) -> Value:
    """exp(-a²) P(t) / (1 + a) for a = |x|, and 2 less that for a negative x.

    a² is taken exactly, as a product and its rest, for exp magnifies its error.
    """
    c = k.const
    a = k.abs(x)
    a = k.select(k.lt(a, c(_FAR)), a, c(_FAR))
    quotient, error = _quotient(k, a)
    square, rest = two_product(k, a, a)
    y = scaled_exp(k, k.neg(square), k.neg(rest), quotient, error)
    return or_nan(k, x, k.select(k.lt(x, c(0.0)), k.sub(c(2.0), y), y))


def _erf(k: LoopBuilder, x: Value) -> Value:
    """A polynomial up to 1, from there on by its complement, which is small and need not be as accurate."""
    c = k.const
    a = k.abs(x)
    z = k.mul(x, x)
    near = k.fma(x, polynomial(k, z, _ERF), x)
    a = k.select(k.lt(a, c(_ALL)), a, c(_ALL))
    quotient, _ = _quotient(k, a)
    far = k.copysign(k.sub(c(1.0), scaled_exp(k, k.neg(k.mul(a, a)), None, quotient)), x)
    return or_nan(k, x, k.select(k.lt(a, c(1.0)), near, far))


DEFINITIONS: dict[str, Definition] = {"erf": _erf, "erfc": _erfc}
