"""An op on single numbers and on arrays: the same at the edges to the last bit, elsewhere up to rounding."""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from executors import ArrayExecutor, ScalarExecutor
from mpmath import mp, mpf

import cgcli
from cgcli.graph.graph import Graph
from cgcli.graph.types import Type
from cgcli.ops import floats, special_arrays
from cgcli.ops.array_kernels import DTYPES
from cgcli.ops.builder import Builder
from cgcli.ops.numbers import INT_RANGES, float32
from cgcli.ops.op import Op
from cgcli.ops.table import OPS
from cgcli.optimise.driver import optimise

INF, NAN = math.inf, math.nan
FLOATS = [
    *(0.0, -0.0, 1.0, -1.0, INF, -INF, NAN, 5e-324, -5e-324, 1e-200, 1.7e308, -1.7e308, 1e10, -1e10),
    *(0.5, -0.5, 1.5, -1.5, 2.5, -2.5, 2.0, -2.0, 3.0, -3.0),
]
INTS = [0, 1, -1, 2, -2, 3, 2**53 + 1]
VALUES = {"float": FLOATS, "f32": [float32(x) for x in FLOATS], "int": INTS}
NO_NUMBERS = ("stop_gradient", "assert", "cast")
POWERS = (-2, -1, 0, 1, 2, 3, 0.5, -0.5, 1.5, 2.0, -1.0)


def cases() -> Iterator[Any]:
    for op in OPS.values():
        if not op.is_elementwise or not op.examples.operands or op.name in NO_NUMBERS:
            continue
        for dtypes in itertools.product(VALUES, repeat=len(op.examples.operands[0])):
            if op.name == "polygamma" and dtypes[0] != "int":
                continue
            kinds = ["bool" if isinstance(x, bool) else t for x, t in zip(op.examples.operands[0], dtypes, strict=True)]
            yield pytest.param(op, kinds, id=f"{op.name}-{'-'.join(kinds)}")


def outcome(make: Any) -> Any:
    """What a run gives, or the diagnostic's code of one that stops."""
    try:
        return make()
    except cgcli.CgError as e:
        return e.diagnostics[0].code


def near(a: Any, b: Any, relative: float) -> bool:
    """The same bits where one of the two is 0, infinite or nan."""
    if isinstance(a, str) or isinstance(b, str):
        return bool(a == b)
    a, b = float(a), float(b)
    if a != a or b != b:
        return a != a and b != b
    if a == b:
        return math.copysign(1, a) == math.copysign(1, b)
    return 0 not in (a, b) and math.isfinite(a) and math.isfinite(b) and abs(a - b) <= relative * abs(a)


@pytest.mark.parametrize(("op", "kinds"), list(cases()))
def test_an_op_gives_numbers_what_it_gives_arrays(op: Op, kinds: Sequence[str]) -> None:
    pools: list[Any] = [[False, True] if t == "bool" else VALUES[t] for t in kinds]
    if op.name == "polygamma":
        pools[0] = [0, 1, 2, 3, 4]
    single = "f32" in kinds
    # in single precision what an op computes on its way is rounded, too
    relative = 1e-4 if single and op.spelling.decomposition else 3e-7 if single else 1e-12
    wrong = []
    for attrs in [{"exponent": n} for n in POWERS] if op.name == "fixed_power" else [op.examples.attrs]:
        graphs = []
        for shape in ((), (1,)):
            b = Builder()
            graphs.append(b.done(b.apply(op.name, *[b.input(Type(t, shape)) for t in kinds], **attrs)))
        number, array = ScalarExecutor(graphs[0]), ArrayExecutor(graphs[1])
        for xs in itertools.product(*pools):
            if single and op.spelling.decomposition and 1e10 in map(abs, xs):
                continue  # 1e10 - 1 is no float32
            lone = outcome(lambda number=number, xs=xs: number.forward(xs)[-1])
            given = [np.array([x], DTYPES[t]) for x, t in zip(xs, kinds, strict=True)]
            many = outcome(lambda array=array, given=given: array.forward(given)[-1][0])
            if not near(lone, many, relative):
                wrong.append((attrs, xs, lone, many))
    assert not wrong


def products(x: Any, n: float) -> Any:
    """A power of NumPy's numbers as the language states it."""
    with np.errstate(all="ignore"):
        x = x if isinstance(n, int) else x * np.float64(1) if x.dtype.kind == "i" else x
        square = x * x
        return square if n == 2 else square * (x if n == 3 else square)


SCALES = {"float": (1.0, 1e77, 1e103, 1e155, 1e-82, 1e-108, 1e-162), "f32": (1.0, 1e9, 1e13, 1e19, 1e-11, 1e-15, 1e-23)}

SHARE = 5
"""One of so many random numbers is run alone where that takes a millisecond."""


@pytest.mark.parametrize("n", [2, 3, 4, 2.0, *(pytest.param(n, marks=pytest.mark.thorough) for n in (3.0, 4.0))])
@pytest.mark.parametrize("dtype", ["float", "f32", "int", "i32"])
def test_a_literal_power_is_a_product_to_the_last_bit_in_every_executor(dtype: str, n: float) -> None:
    rng = np.random.default_rng(5)
    if dtype in SCALES:
        with np.errstate(all="ignore"):
            parts = [(rng.normal(size=300) * scale).astype(DTYPES[dtype]) for scale in SCALES[dtype]]
        column = np.concatenate([np.array(VALUES[dtype], DTYPES[dtype]), *parts])
    else:
        most = int(INT_RANGES[dtype][-1] ** (1 / n)) - 1
        column = rng.integers(-most, most, 300).astype(DTYPES[dtype])
    expected = products(column, n)
    numbers = [*map(repr, expected.tolist())]

    def graph(shape: tuple[int, ...]) -> Graph:
        b = Builder()
        return b.done(b.fixed_power(b.input(Type(dtype, shape)), exponent=n))

    number, array = ScalarExecutor(graph(())), ArrayExecutor(graph(column.shape))
    assert [repr(number.forward([x])[-1]) for x in column.tolist()] == numbers
    assert [*map(repr, np.asarray(array.forward([column])[-1]).tolist())] == numbers
    optimised = ArrayExecutor(optimise(graph(column.shape)))
    assert [*map(repr, np.asarray(optimised.forward([column])[-1]).tolist())] == numbers
    text = f"input x: {dtype}\ninput xs: {dtype}[{len(column)}]\ny = x^{n}\nys = xs^{n}\noutput y\noutput ys"
    for mode in ("static", "dynamic"):
        outputs = cgcli.parse(text, mode=mode).eval({"x": column.tolist()[40], "xs": column})
        assert [*map(repr, np.asarray(outputs["ys"]).tolist())] == numbers
        assert repr(outputs["y"]) == numbers[40]
    if dtype == "float":
        loop = cgcli.parse(f"input x: float\ny = 0.0\nfor i in 0..1 {{ y = x^{n} }}\noutput y")
        alone = [*range(len(FLOATS)), *range(len(FLOATS), len(column), SHARE)]
        assert [repr(loop.eval({"x": column[k].item()})["y"]) for k in alone] == [numbers[k] for k in alone]
        finite = [k for k in range(len(column)) if math.isfinite(column[k])][:60]
        constants = cgcli.parse("".join(f"output y{k} = ({column[k].item()!r})^{n}\n" for k in finite))
        assert [*map(repr, constants.eval({}).values())] == [numbers[k] for k in finite]


@pytest.mark.parametrize("n", [2, 3, 4])
def test_a_literal_power_is_rounded_as_often_as_it_multiplies(n: int) -> None:
    x = np.random.default_rng(6).normal(size=3000)
    y = cgcli.parse(f"input x: float[n]\ny = x^{n}").eval({"x": x})["y"]
    with mp.workdps(40):
        for base, power in zip(x.tolist(), y.tolist(), strict=True):
            assert abs(mpf(power) / mpf(base) ** n - 1) <= (n - 1) * mpf(2) ** -53 * (1 + mpf(2) ** -50)


@pytest.mark.parametrize("exponent", ["0.5", "p"])
def test_a_root_as_a_power_is_the_power_of_ieee_754_whatever_else_stands_in_the_program(exponent: str) -> None:
    values = {"x": -INF} | ({"p": 0.5} if exponent == "p" else {})
    for rest in ("", "\nz = [1, 2]\noutput y\noutput z"):
        for mode in ("static", "dynamic"):
            program = cgcli.parse(f"y = x^{exponent}{rest}", mode=mode)
            assert program.eval(values)["y"] == INF
            assert math.copysign(1, program.eval({**values, "x": -0.0})["y"]) == 1
    program = cgcli.parse(f"input x: float[3]\ninput p: float = 0.5\ny = x^{exponent}")
    assert program.eval({"x": [-INF, -0.0, 4.0]})["y"].tolist() == [INF, 0.0, 2.0]


@pytest.mark.parametrize("zero", ["0", "0.0", "0.0 * 1", "n", "x"])
def test_the_gamma_family_at_0_is_the_same_for_ints_literals_and_floats(zero: str) -> None:
    wanted = {"digamma(%s)": -INF, "lgamma(%s)": INF} | {
        f"polygamma({k}, %s)": (-1.0) ** (k + 1) * INF for k in range(5)
    }
    for call, value in wanted.items():
        for rest in ("", "\nz = [1, 2]\noutput z"):
            program = cgcli.parse(f"input n: int = 0\ninput x: float = 0\noutput y = {call % zero}{rest}")
            assert program.eval({})["y"] == value, call


def test_digamma_keeps_its_digits_beside_its_zero() -> None:
    zero = 1.4616321449683623
    points = [zero + s * 10.0**-k for k in range(1, 17) for s in (-1, 1)] + [1.05 + k / 32 for k in range(28)]
    with mp.workdps(50):
        for x in points:
            exact = mp.digamma(mpf(x))
            for found in (floats.digamma(x), float(special_arrays.digamma(np.array([x]))[0])):
                assert abs(mpf(found) - exact) <= mpf(10) ** -14 * abs(exact), x


def test_of_two_zeros_the_second_is_the_largest_and_the_smallest() -> None:
    for name in ("maximum", "minimum"):
        for a, b in ((0.0, -0.0), (-0.0, 0.0)):
            lone, many = getattr(floats, name)(a, b), getattr(np, name)(np.full(9, a), np.full(9, b))
            assert {math.copysign(1, x) for x in (lone, *many.tolist())} == {math.copysign(1, b)}
