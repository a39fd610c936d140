"""Random numbers that are the same on every machine: raw bits of a counter-based generator, and plain arithmetic.

The bits are those of Philox 4×64 with ten rounds (Salmon et al., Parallel random numbers: as easy as 1, 2, 3, 2011),
as `numpy.random.Philox(key=…)` gives them. The key is the first 16 bytes, read as a little-endian integer, of the
SHA-256 of the text `<seed> <name>`: the seed in decimal (with `-` below zero), one space, the name, in UTF-8. Each
number takes the top 53 bits of one 64-bit word, in order; a shape is filled with the last axis running fastest.

Only the generator's raw stream is used, which NumPy promises to keep (NEP 19); how its `Generator` makes floats of it
may change. What is done with the bits are additions, subtractions, multiplications, divisions and square roots of
doubles, each of them one elementwise operation of NumPy: IEEE 754 rounds these in one way only, and apart as they are
no compiler can fuse two of them into one rounding. A library's `log` errs in the last digit, another library's
elsewhere, so the one that the normal distribution needs is written here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

BLOCK = 2**14  # numbers that are made together, so that intermediate values stay in the processor's cache

_ONES = 2**53 - 1
_UNIT = 2.0**-53
_LOG2_HIGH = float.fromhex("0x1.62e42fefa38p-1")  # log 2 to 42 bits: its product with an exponent is exact
_LOG2_LOW = float.fromhex("0x1.ef35793c7673p-45")  # and the rest
_SQRT_HALF = 0.7071067811865476
_ARTANH = tuple(1.0 / n for n in range(23, 1, -2))  # 1/23, 1/21 … 1/3: for |s| < 0.172 more do not count


def uniform(shape: tuple[int, ...], seed: int, name: str) -> Floats:
    """Float64 numbers in [0, 1): k·2^-53 for 53 random bits k each."""
    return _filled(shape, seed, name, uniform_of)


def standard_normal(shape: tuple[int, ...], seed: int, name: str) -> Floats:
    """Float64 numbers from the normal distribution of mean 0 and deviation 1, of 53 random bits each."""
    return _filled(shape, seed, name, normal_of)


def _filled(shape: tuple[int, ...], seed: int, name: str, number_of: Callable[[Ints], Floats]) -> Floats:
    """An array of `number_of` over 53 random bits for each element."""
    import hashlib

    text = f"{int(seed)} {name}".encode("utf-8", "surrogatepass")
    generator = np.random.Philox(key=int.from_bytes(hashlib.sha256(text).digest()[:16], "little"))
    numbers = np.empty(math.prod(shape), dtype=np.float64)
    for start in range(0, numbers.size, BLOCK):
        part = numbers[start : start + BLOCK]
        words = np.asarray(generator.random_raw(part.size), dtype=np.uint64)
        part[:] = number_of((words >> np.uint64(11)).astype(np.int64))
    return numbers.reshape(shape)


def uniform_of(k: Ints) -> Floats:
    """k·2^-53, exactly."""
    return k.astype(np.float64) * _UNIT


# The coefficients of Wichura, Algorithm AS 241: the percentage points of the normal distribution, Applied Statistics 37
# (1988), routine PPND16: numerator and denominator of each part, the highest power first.
# fmt: off
_CENTRE = (
    (2.5090809287301226727e+3, 3.3430575583588128105e+4, 6.7265770927008700853e+4, 4.5921953931549871457e+4,
     1.3731693765509461125e+4, 1.9715909503065514427e+3, 1.3314166789178437745e+2, 3.3871328727963666080e+0),
    (5.2264952788528545610e+3, 2.8729085735721942674e+4, 3.9307895800092710610e+4, 2.1213794301586595867e+4,
     5.3941960214247511077e+3, 6.8718700749205790830e+2, 4.2313330701600911252e+1, 1.0),
)
_SIDE = (
    (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258e+0,
     3.64784832476320460504e+0, 5.76949722146069140550e+0, 4.63033784615654529590e+0, 1.42343711074968357734e+0),
    (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1,
     6.89767334985100004550e-1, 1.67638483018380384940e+0, 2.05319162663775882187e+0, 1.0),
)
_TAIL = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2,
     2.96560571828504891230e-1, 1.78482653991729133580e+0, 5.46378491116411436990e+0, 6.65790464350110377720e+0),
    (2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4,
     1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0),
)
# fmt: on


def normal_of(k: Ints) -> Floats:
    """The x below which a standard normal number lies with probability (k + 1/2)·2^-53, for 0 ≤ k < 2^53 (AS 241).

    That probability may need 54 bits; its distance q from 1/2 and the smaller of it and its complement never do. So
    the numbers of k and of 2^53 - 1 - k are each other's negatives, and neither tail is coarser than the other.
    """
    q = ((k - 2**52).astype(np.float64) + 0.5) * _UNIT
    x = q * _ratio(_CENTRE, 0.180625 - q * q)
    outer = np.abs(q) > 0.425
    tail = (np.minimum(k, _ONES - k)[outer].astype(np.float64) + 0.5) * _UNIT
    x[outer] = np.copysign(_outer(tail), q[outer])
    return x


def _outer(tail: Floats) -> Floats:
    """The x beyond which a standard normal number lies with probability `tail`, at most 0.075."""
    r = np.sqrt(-logarithm(tail))
    x = _ratio(_SIDE, r - 1.6)
    far = r > 5.0
    x[far] = _ratio(_TAIL, r[far] - 5.0)
    return x


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: Floats) -> Floats:
    above, below = (_polynomial(c, x) for c in coefficients)
    return above / below


def _polynomial(coefficients: tuple[float, ...], x: Floats) -> Floats:
    """The highest power first, by Horner's rule."""
    total = np.full_like(x, coefficients[0])
    for c in coefficients[1:]:
        total *= x
        total += c
    return total


def logarithm(x: Floats) -> Floats:
    """log(x) for normal x > 0, within one unit in the last place.

    With x = m·2^n, f = m - 1 (exact) and s = f/(m + 1) it is n·log 2 + 2 artanh s (A&S 4.1.28), and since 2s is
    f - s·f, it is n·log 2 + f - s·(f - 2s²/3 - 2s⁴/5 - …): only the last, small term is rounded before the sum.
    """
    m, n = np.frexp(x)
    low = m < _SQRT_HALF
    f = np.where(low, 2.0 * m, m) - 1.0
    whole: Floats = (n - low).astype(np.float64)
    s = f / (f + 2.0)
    square = s * s
    rest = s * (f - 2.0 * square * _polynomial(_ARTANH, square)) - whole * _LOG2_LOW
    return whole * _LOG2_HIGH + (f - rest)
