"""Random numbers: the same bits everywhere, and the distributions that they are said to be from."""

from __future__ import annotations

import hashlib
import math
import random
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from cgcli.ops.random import BLOCK, logarithm, normal_of, standard_normal, uniform, uniform_of

TOP = 2**53 - 1
DRAWS: tuple[Callable[[tuple[int, ...], int, str], Any], ...] = (uniform, standard_normal)
both = pytest.mark.parametrize("draw", DRAWS)


# ---- bits

# The first five numbers of a seed and a name. They are a promise to whoever has kept a seed: never write them anew.
UNIFORM = {
    (0, "W"): """
        0x1.8303d40aa5249p-1 0x1.cbb792e81fa8ep-1 0x1.425254eb0bc1ap-2
        0x1.9ded155219978p-3 0x1.32f218c40ebe9p-1
    """,
    (0, "b"): """
        0x1.a443f50611328p-3 0x1.c6821bca1a60fp-1 0x1.c84da23765c4fp-1
        0x1.d56451a0e71e3p-1 0x1.7b5fb132866aap-2
    """,
    (1, "W"): """
        0x1.dffc410fe566fp-1 0x1.0eafe2b78e4d8p-1 0x1.cc03b8a7ef389p-1
        0x1.a51e8c58c8aacp-1 0x1.b395916480be4p-1
    """,
    (-1, ""): """
        0x1.9d3dce0fbe5e8p-3 0x1.2f10644fb3f20p-6 0x1.5969136575664p-3
        0x1.2890832667c78p-1 0x1.91df99f6eebe6p-2
    """,
    (2**63 - 1, "σ"): """
        0x1.fa5bbc207a174p-3 0x1.bc59ebfa463c0p-6 0x1.3ed87db5c198fp-1
        0x1.5c4f3493a7198p-4 0x1.9b386eeeaa3dcp-2
    """,
    (-(2**63), "layers.W 1"): """
        0x1.ea67c6cf910c6p-1 0x1.4d242cab5402ep-2 0x1.a1582a959e996p-2
        0x1.95902130865c0p-6 0x1.78270d2e390aap-1
    """,
}
NORMAL = {
    (0, "W"): """
        0x1.62e3022a21df5p-1 0x1.4503f4df79e72p+0 -0x1.edf5a04c8c5bep-2
        -0x1.ab0f23116bef0p-1 0x1.021c744b7014ap-2
    """,
    (0, "b"): """
        -0x1.a575945333828p-1 0x1.36e5fa300f6f8p+0 0x1.3ba7b532965cap+0
        0x1.623cccfcac567p+0 -0x1.5282a107819bap-2
    """,
    (1, "W"): """
        0x1.88ace5ce92cbdp+0 0x1.26c62c2865d3ap-4 0x1.45da0fe924934p+0
        0x1.d9905965de0d4p-1 0x1.0a26ff752b0fbp+0
    """,
    (-1, ""): """
        -0x1.abaac02750e4bp-1 -0x1.0afc14c2f87f4p+1 -0x1.eb41820ff26a6p-1
        0x1.996e78a3802fcp-3 -0x1.177a43db41b71p-2
    """,
    (2**63 - 1, "σ"): """
        -0x1.5dca4be9c1ed9p-1 -0x1.ecc620a8afdd5p+0 0x1.403440746846cp-2
        -0x1.5f3963de06a58p+0 -0x1.fe7876b28392ep-3
    """,
    (-(2**63), "layers.W 1"): """
        0x1.b9d8bd0745841p+0 -0x1.cfb4526f446ecp-2 -0x1.dedc4e235b32cp-3
        -0x1.f6d5a43bc195dp+0 0x1.41072a9f556f0p-1
    """,
}
FIRST = [
    pytest.param(draw, seed, name, numbers, id=f"{draw.__name__}-{seed}-{name}")
    for draw, table in ((uniform, UNIFORM), (standard_normal, NORMAL))
    for (seed, name), numbers in table.items()
]


@pytest.mark.parametrize(("draw", "seed", "name", "numbers"), FIRST)
def test_the_first_numbers(draw: Any, seed: int, name: str, numbers: str) -> None:
    assert " ".join(v.hex() for v in draw((5,), seed, name).tolist()) == " ".join(numbers.split())


NORMAL_OF = {  # by every formula, and beside the bounds between them
    0: "-0x1.095b059d67c4cp+3",
    1: "-0x1.052484c516593p+3",
    1000: "-0x1.d56c58fdc2fd9p+2",
    65536: "-0x1.b025ac113a9f3p+2",
    125090: "-0x1.aa1b20e5a3f09p+2",
    125091: "-0x1.aa1b1bf7b3b52p+2",
    125092: "-0x1.aa1b1709c6006p+2",
    1073741824: "-0x1.4aa9374605c5ap+2",
    1099511627776: "-0x1.d58bd06346fe6p+1",
    562949953421312: "-0x1.88bc1fbe1dabap+0",
    675539944105574: "-0x1.7085226d3e523p+0",
    675539944105575: "-0x1.7085226d3e51fp+0",
    4503599627370495: "-0x1.40d931ff62707p-53",
}


def test_normal_numbers_of_given_bits() -> None:
    assert [v.hex() for v in normal_of(np.array(list(NORMAL_OF))).tolist()] == list(NORMAL_OF.values())


def philox(key: int) -> Iterator[int]:
    """The 64-bit words of Philox 4×64 with ten rounds, in integers, by the paper; the first counter is 1."""
    word = 2**64 - 1
    counter = 0
    while True:
        counter += 1
        a, b, c, d = counter, 0, 0, 0
        left, right = key & word, key >> 64
        for _ in range(10):
            ours, others = 0xD2E7470EE14C6C93 * a, 0xCA5A826395121157 * c
            a, b, c, d = (others >> 64) ^ b ^ left, others & word, (ours >> 64) ^ d ^ right, ours & word
            left, right = (left + 0x9E3779B97F4A7C15) & word, (right + 0xBB67AE8584CAA73B) & word
        yield from (a, b, c, d)


@pytest.mark.parametrize(("seed", "name"), UNIFORM)
def test_the_bits_are_those_that_the_module_describes(seed: int, name: str) -> None:
    words = philox(int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:16], "little"))
    k = [next(words) >> 11 for _ in range(101)]
    assert uniform((101,), seed, name).tolist() == [at / 2**53 for at in k]
    assert np.array_equal(standard_normal((101,), seed, name), normal_of(np.array(k)))


@both
@pytest.mark.parametrize("shape", [(), (1,), (6,), (2, 3), (3, 2), (1, 6, 1), (2, BLOCK + 1), (BLOCK,)])
def test_a_shape_is_a_layout_of_the_same_numbers(draw: Any, shape: tuple[int, ...]) -> None:
    found = draw(shape, 7, "W")
    assert isinstance(found, np.ndarray)
    assert (found.shape, found.dtype) == (shape, np.float64)
    assert found.ravel().tolist() == draw((3 * BLOCK,), 7, "W")[: found.size].tolist()


@both
@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0, 2), (0, 2**20, 2**20)])
def test_no_numbers(draw: Any, shape: tuple[int, ...]) -> None:
    assert (draw(shape, 0, "W").shape, draw(shape, 0, "W").dtype) == (shape, np.float64)


@both
def test_other_seeds_and_names_draw_other_numbers(draw: Any) -> None:
    seeds, names = (0, 1, -1, 10, 2**63 - 1, -(2**63)), ("", "W", "w", "1", " ", "W 1", "σ")
    drawn = [draw((4,), seed, name) for seed in seeds for name in names]
    assert len({v for numbers in drawn for v in numbers.tolist()}) == 4 * len(seeds) * len(names)
    assert np.array_equal(draw((4,), np.int64(-1), "W"), draw((4,), -1, "W"))


# ---- distributions


def kolmogorov_smirnov(x: Any, below: Callable[[float], float]) -> float:
    """√n times the largest distance between the share of numbers below x and what it should be."""
    p = np.array([below(v) for v in np.sort(x).tolist()])
    steps = np.arange(p.size + 1) / p.size
    return math.sqrt(p.size) * max(float(np.max(steps[1:] - p)), float(np.max(p - steps[:-1])))


@pytest.mark.parametrize(
    ("draw", "below", "moments"),
    [
        (uniform, lambda x: x, [1 / 2, 1 / 3, 1 / 4, 1 / 5]),
        (standard_normal, lambda x: math.erfc(-x / math.sqrt(2)) / 2, [0, 1, 0, 3]),
    ],
    ids=["uniform", "normal"],
)
@pytest.mark.parametrize(("seed", "name"), [(0, "W"), (1, "W"), (0, "b")])
def test_a_hundred_thousand_numbers_are_from_the_distribution(
    draw: Any, below: Callable[[float], float], moments: list[float], seed: int, name: str
) -> None:
    x = draw((100_000,), seed, name)
    assert kolmogorov_smirnov(x, below) < 1.95  # passed once in a thousand
    for power, moment in enumerate(moments, 1):
        assert abs(np.mean(x**power) - moment) < 4 * np.std(x**power) / math.sqrt(x.size)
    assert abs(np.mean((x[1:] - moments[0]) * (x[:-1] - moments[0]))) < 4 * np.var(x) / math.sqrt(x.size)


def test_uniform_numbers_reach_0_and_not_1() -> None:
    assert uniform_of(np.array([0, 1, TOP])).tolist() == [0.0, 2.0**-53, 1 - 2.0**-53]


# ---- accuracy


def some_bits() -> list[int]:
    """Numbers of 53 bits: any, in the tails, in the middle, and about the bounds between the formulas."""
    rng = random.Random(241)
    bounds = [int(p * 2.0**53) for p in (0.075, math.exp(-25), 0.5)]
    tails = [int(2 ** rng.uniform(0, 52)) for _ in range(300)]
    middle = [2**52 + rng.choice((-1, 1)) * int(2 ** rng.uniform(0, 51)) for _ in range(300)]
    return [rng.getrandbits(53) for _ in range(300)] + tails + middle + [b + i for b in bounds for i in range(-9, 9)]


def test_normal_numbers_are_the_inverse_of_the_distribution() -> None:
    bits = [*some_bits(), 0, 1, 2]
    with mpmath.workdps(50):
        for k, found in zip(bits, normal_of(np.array(bits)).tolist(), strict=True):
            low, x = (k, found) if k < 2**52 else (TOP - k, -found)
            p, exact = (low + mpf(1) / 2) / 2**53, mpf(x)
            for _ in range(2):
                exact -= (mpmath.ncdf(exact) - p) / mpmath.npdf(exact)
            assert abs(x - exact) <= 1e-15 * abs(exact), k


def test_normal_numbers_are_symmetric_and_grow_and_are_finite() -> None:
    bits = np.array(sorted({*some_bits(), 0, 1, TOP - 1, TOP}))
    with warnings.catch_warnings(), np.errstate(all="raise"):
        found = normal_of(bits)
    assert np.array_equal(normal_of(TOP - bits), -found)
    assert (np.diff(found) >= 0).all()
    assert found[-1] == -found[0] == pytest.approx(8.29236, abs=1e-5)


def test_the_logarithm() -> None:
    rng = random.Random(4)
    xs = [rng.uniform(0.5, 2) for _ in range(1000)] + [10 ** rng.uniform(-307, 308) for _ in range(1000)]
    xs += [1 + s * 2 ** -rng.uniform(1, 52) for s in (-1, 1) for _ in range(500)]
    xs += [2.0**n for n in range(-1022, 1024)] + [math.sqrt(0.5), math.nextafter(math.sqrt(0.5), 1), 1.0]
    with mpmath.workdps(40):
        for x, found in zip(xs, logarithm(np.array(xs)).tolist(), strict=True):
            exact = mpmath.log(x)
            assert abs(found - exact) < math.ulp(float(exact)), x
    assert logarithm(np.array([1.0])).tolist() == [0.0]


@pytest.mark.parametrize("of", [normal_of, uniform_of])
def test_a_number_depends_on_its_own_bits_alone(of: Any) -> None:
    """Vectors of the processor, and what is left over at their ends, round alike."""
    bits = np.array(some_bits())
    whole = of(bits)
    assert whole.tolist() == [of(bits[i : i + 1])[0] for i in range(bits.size)]
    assert whole[::3].tolist() == of(bits[::3]).tolist()
