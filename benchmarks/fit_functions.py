"""The coefficients of `cgcli/loop_nests/functions/`: minimax fits by Chebyshev interpolation in 50 digits.

    python benchmarks/fit_functions.py

prints for each curve the bound of its error and the coefficients, the constant one first; then the digits of 2/pi.
"""

from __future__ import annotations

from collections.abc import Callable

from mpmath import mp, mpf

mp.dps = 50
CENTRE = mpf("3.75")


def exponential(r: mpf) -> mpf:
    return (mp.exp(r) - 1 - r) / r**2 if abs(r) > 1e-20 else mpf(1) / 2 + r / 6


def logarithm(z: mpf) -> mpf:
    s = mp.sqrt(z)
    return (2 * mp.atanh(s) / s - 2) / z if z > 1e-25 else mpf(2) / 3


def complementary_error(t: mpf) -> mpf:
    x = CENTRE * (1 + t) / (1 - t)
    return (1 + x) * mp.exp(x * x) * mp.erfc(x)


def error(z: mpf) -> mpf:
    return (mp.erf(mp.sqrt(z)) / mp.sqrt(z) if z > 1e-25 else 2 / mp.sqrt(mp.pi)) - 1


def series(coefficient: Callable[[int], mpf]) -> Callable[[mpf], mpf]:
    """The sum of a power series to 80 terms, for curves whose formula cancels near 0."""
    return lambda z: mp.polyval([coefficient(k) for k in range(79, -1, -1)], z)


def arc_sine(z: mpf) -> mpf:
    x = mp.sqrt(z)
    return (mp.asin(x) - x) / x**3 if z > 1e-20 else mpf(1) / 6


def two_over_pi(count: int) -> list[int]:
    """The first digits of 2/pi behind the point, to the base 2^24."""
    with mp.workprec(24 * count + 100):
        digits = int(mp.floor(2 / mp.pi * mpf(2) ** (24 * count)))
    return [digits >> 24 * (count - 1 - k) & (2**24 - 1) for k in range(count)]


def argument(x: float) -> mpf:
    return (mpf(x) - CENTRE) / (mpf(x) + CENTRE)


WIDEST = mp.log(2) / 2 * mpf("1.001")
WIDEST_LOG = ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) ** 2 * mpf("1.001")
WIDEST_ANGLE = (mp.pi / 4) ** 2 * mpf("1.001")
CURVES: tuple[tuple[str, Callable[[mpf], mpf], mpf, mpf, int], ...] = (
    ("exp", exponential, -WIDEST, WIDEST, 10),
    ("log", logarithm, mpf(0), WIDEST_LOG, 7),
    ("log, behind the first two terms", series(lambda k: mpf(2) / (2 * k + 5)), mpf(0), WIDEST_LOG, 7),
    ("sin", series(lambda k: mpf(-1) ** (k + 1) / mp.factorial(2 * k + 3)), mpf(0), WIDEST_ANGLE, 6),
    ("cos", series(lambda k: mpf(-1) ** k / mp.factorial(2 * k + 4)), mpf(0), WIDEST_ANGLE, 6),
    ("sinh", series(lambda k: 1 / mp.factorial(2 * k + 3)), mpf(0), mpf(1), 7),
    ("asin", arc_sine, mpf(0), mpf("0.251"), 14),
    ("atan", series(lambda k: mpf(-1) ** (k + 1) / (2 * k + 3)), mpf(0), mpf("0.192"), 11),
    ("cbrt", mp.cbrt, mp.sqrt(mpf("0.499")), mp.sqrt(mpf("2.001")), 7),
    ("erfc", complementary_error, argument(0), argument(28), 23),
    ("erf", error, mpf(0), mpf(1), 12),
)

if __name__ == "__main__":
    for name, curve, low, high, count in CURVES:
        coefficients, bound = mp.chebyfit(curve, [low, high], count, error=True)
        print(name, mp.nstr(bound, 3))
        print(",\n".join(f"    {float(c)!r}" for c in reversed(coefficients)))
    print("2/pi", two_over_pi(49))
