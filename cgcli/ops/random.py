"""Random numbers that are the same on every machine: raw bits of a counter-based generator, and plain arithmetic.

The key of Philox (Salmon et al., Parallel random numbers: as easy as 1, 2, 3, 2011) is the first 128 bits, little
endian, of the SHA-256 of the text `<seed> <name>`. Only its raw stream is used, which NumPy promises to keep; how NumPy
makes floats of it may change. What follows are additions, multiplications, divisions and square roots of doubles, which
IEEE 754 rounds in one way only: a library's `log` may differ in the last digit from machine to machine.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_LN2 = 0.6931471805599453


def uniform(shape: tuple[int, ...], seed: int, name: str) -> Any:
    """Float64 numbers in [0, 1), multiples of 2^-53."""
    return _bits(shape, seed, name).astype(np.float64) * 2.0**-53


def standard_normal(shape: tuple[int, ...], seed: int, name: str) -> Any:
    """Float64 numbers from the normal distribution of mean 0 and deviation 1, one of every 53 random bits."""
    return normal_quantile((_bits(shape, seed, name).astype(np.float64) + 0.5) * 2.0**-53)


def _bits(shape: tuple[int, ...], seed: int, name: str) -> Any:
    """53 random bits for each element."""
    import hashlib

    key = int.from_bytes(hashlib.sha256(f"{seed} {name}".encode("utf-8", "surrogatepass")).digest()[:16], "little")
    count = int(np.prod(shape, dtype=np.int64))
    drawn = np.random.Philox(key=key).random_raw(count)
    return (np.asarray(drawn, dtype=np.uint64) >> np.uint64(11)).reshape(shape)


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


def normal_quantile(p: Any) -> Any:
    """The x below which a standard normal number lies with probability `p`, 0 < p < 1 (Wichura, AS 241, PPND16)."""
    q = p - 0.5
    centre = q * _ratio(_CENTRE, 0.180625 - q * q)
    # half of the other values are of no use, and cheaper than picking them out
    r = np.sqrt(-logarithm(np.where(q < 0, p, 1.0 - p)))
    side = np.where(r <= 5.0, _ratio(_SIDE, r - 1.6), _ratio(_TAIL, r - 5.0))
    return np.where(np.abs(q) <= 0.425, centre, np.where(q < 0, -side, side))


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: Any) -> Any:
    above, below = (_polynomial(c, x) for c in coefficients)
    return above / below


def _polynomial(coefficients: tuple[float, ...], x: Any) -> Any:
    """The highest power first, by Horner's rule."""
    total = np.full_like(x, coefficients[0])
    for c in coefficients[1:]:
        total = total * x + c
    return total


def logarithm(x: Any) -> Any:
    """log(x) for x > 0 by additions, multiplications and divisions only.

    With x = m·2^k it is 2·artanh((m - 1)/(m + 1)) + k·log 2; thirteen terms of the series are exact for 0.7 < m < 1.42.
    """
    m, k = np.frexp(x)
    low = m < 0.7071067811865476
    m, k = np.where(low, 2.0 * m, m), np.where(low, k - 1, k)
    s = (m - 1.0) / (m + 1.0)
    square = s * s
    series = _polynomial(tuple(1.0 / n for n in range(25, 0, -2)), square)
    return k * _LN2 + 2.0 * s * series
