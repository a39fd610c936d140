"""The meaning of the loop form: each primitive on its edges, the order of reductions, control, checks."""

import itertools
import math
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from random_nests import EDGES

from cgcli.loop_nests.builder import LoopBuilder
from cgcli.loop_nests.form import INDEX, OVERFLOW, SIZE, ZERO_DIVISION, ScalarType, Value
from cgcli.loop_nests.interpreter import DTYPES, interpret
from cgcli.loop_nests.parsed import parsed

pytestmark = pytest.mark.portable
NAN, INF = math.nan, math.inf
LEAST = {"i64": -(2**63), "i32": -(2**31)}


def apply(primitive: str, *numbers: Any, of: Any = "f64", node: int = 3) -> Any:
    """The result of a primitive on loaded numbers of one type, or of one each; a status as `("stopped", code)`."""
    types: list[ScalarType] = [of] * len(numbers) if isinstance(of, str) else of
    k = LoopBuilder("t")
    arrays: dict[str, Any] = {
        f"x{p}": np.array([x], DTYPES[t]) for p, (x, t) in enumerate(zip(numbers, types, strict=True))
    }
    operands = [k.load(k.buffer(f"x{p}", t, [1], "in"), [0]) for p, t in enumerate(types)]
    result = k.apply(primitive, *operands, node=node)
    k.store(k.buffer("y", result.type, [1], "out"), [0], result)
    arrays["y"] = np.zeros(1, DTYPES[result.type])
    status = interpret(k.nest(), arrays, {})
    return ("stopped", *divmod(status, 16)[::-1])[:2] if status else arrays["y"][0]


def same(a: Any, b: Any) -> bool:
    """Equal to the sign of a zero, and in type."""
    if a != a or b != b:
        return bool(a != a and b != b)
    return bool(a == b and np.signbit(a) == np.signbit(b)) if isinstance(b, np.floating) else bool(a == b)


# ---- floats


@pytest.mark.parametrize("type_", ["f64", "f32"])
@pytest.mark.parametrize(
    ("primitive", "function"),
    [
        ("add", np.add),
        ("sub", np.subtract),
        ("mul", np.multiply),
        ("div", np.divide),
        ("rem", np.fmod),
        ("copysign", np.copysign),
        ("eq", np.equal),
        ("ne", np.not_equal),
        ("lt", np.less),
        ("le", np.less_equal),
        ("gt", np.greater),
        ("ge", np.greater_equal),
    ],
)
def test_arithmetic_is_that_of_ieee_754(primitive: str, function: Callable[..., Any], type_: ScalarType) -> None:
    numbers = [DTYPES[type_](x) for x in EDGES[type_]]
    for a, b in itertools.product(numbers, numbers):
        with np.errstate(all="ignore"):
            expected = function(a, b)
        assert same(apply(primitive, a, b, of=type_), expected), (a, b)


@pytest.mark.parametrize("type_", ["f64", "f32"])
@pytest.mark.parametrize(
    ("primitive", "function"),
    [
        ("neg", np.negative),
        ("abs", np.abs),
        ("sqrt", np.sqrt),
        ("floor", np.floor),
        ("ceil", np.ceil),
        ("round", np.rint),
    ],
)
def test_functions_of_one_float(primitive: str, function: Callable[..., Any], type_: ScalarType) -> None:
    for x in (*EDGES[type_], 0.5, 1.5, -0.5, -2.5, 0.49999999999999994, 2.0**52 + 1, 2.0**51 + 0.5, -0.3):
        number = DTYPES[type_](x)
        with np.errstate(all="ignore"):
            expected = function(number)
        assert same(apply(primitive, number, of=type_), expected), x


def test_round_takes_a_half_to_the_even_number() -> None:
    halves = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5]
    assert [repr(float(apply("round", x))) for x in halves] == ["-2.0", "-2.0", "-0.0", "0.0", "2.0", "2.0"]


@pytest.mark.parametrize("type_", ["f64", "f32"])
@pytest.mark.parametrize(
    ("primitive", "a", "b", "expected"),
    [
        ("min", 0.0, -0.0, -0.0),
        ("min", -0.0, 0.0, -0.0),
        ("max", 0.0, -0.0, 0.0),
        ("max", -0.0, 0.0, 0.0),
        ("min", NAN, 1.0, NAN),
        ("min", 1.0, NAN, NAN),
        ("max", NAN, INF, NAN),
        ("max", -INF, NAN, NAN),
        ("min", -INF, 1.0, -INF),
        ("max", 2.0, 1.0, 2.0),
    ],
)
def test_minimum_and_maximum(primitive: str, a: float, b: float, expected: float, type_: ScalarType) -> None:
    assert same(apply(primitive, a, b, of=type_), DTYPES[type_](expected))


def test_select_takes_a_side_as_it_is() -> None:
    assert same(apply("select", True, -0.0, NAN, of=["bool", "f64", "f64"]), np.float64(-0.0))
    assert apply("select", False, 1, 2, of=["bool", "i32", "i32"]) == 2


@pytest.mark.parametrize("a", [False, True])
@pytest.mark.parametrize("b", [False, True])
def test_bools(a: bool, b: bool) -> None:
    assert apply("and", a, b, of="bool") == (a and b)
    assert apply("or", a, b, of="bool") == (a or b)
    assert apply("not", a, of="bool") == (not a)


def test_ldexp_rounds_once() -> None:
    numbers = (1.0, -1.5, 1 + 2.0**-52, 0.1, 5e-324, 1.7e308, 3.0, 1.9999999999999998, 2.5e-308)
    for x, k in itertools.product(
        numbers, (-2200, -1100, -1076, -1075, -1074, -1073, -1023, -60, -1, 0, 1, 60, 1023, 2200)
    ):
        exact = Fraction(x) * Fraction(2) ** k
        try:
            expected = float(exact)
        except OverflowError:
            expected = math.copysign(INF, x)
        if expected == 0:
            expected = math.copysign(0.0, x)
        assert same(apply("ldexp", x, float(k)), np.float64(expected)), (x, k)
    for x in (0.0, -0.0, INF, -INF, NAN):
        assert same(apply("ldexp", x, 2200.0), np.float64(x))


def test_mantissa_and_exponent_are_exact() -> None:
    root = math.sqrt(0.5)
    edges = [1.0, 2.0, 0.1, root, math.nextafter(root, 0), 2 * root, math.nextafter(2 * root, 0), 3e-320, 1e-310]
    for x in (*edges, 5e-324, 2.0**-1022, math.nextafter(2.0**-1022, 0), 1.7976931348623157e308):
        m, e = Fraction(float(apply("mantissa", x))), int(apply("exponent", x))
        assert m * Fraction(2) ** e == Fraction(x)
        assert Fraction(1, 2) <= m * m < 2


def test_bits() -> None:
    assert apply("bits", 1.0) == 0x3FF0000000000000
    assert apply("bits", -0.0) == -(2**63)
    assert apply("bits", 5e-324) == 1
    for n in (0, 1, -(2**63), 0x7FF0000000000000, 0x4045000000000000):
        assert same(apply("from_bits", n, of="i64"), np.array(n, np.int64).view(np.float64)[()])


# ---- ints


@pytest.mark.parametrize("type_", ["i64", "i32"])
@pytest.mark.parametrize(
    ("primitive", "function"),
    [
        ("add", operator.add),
        ("sub", operator.sub),
        ("mul", operator.mul),
        ("floor_div", operator.floordiv),
        ("mod", operator.mod),
        ("min", min),
        ("max", max),
        ("lt", operator.lt),
        ("eq", operator.eq),
    ],
)
def test_ints_are_exact_or_stop(primitive: str, function: Callable[..., Any], type_: ScalarType) -> None:
    least = LEAST[type_]
    for a, b in itertools.product([0, 1, -1, 2, 3, -3, 7, least, -least - 1, least + 1], repeat=2):
        if primitive in ("floor_div", "mod") and b == 0:
            expected: Any = "stopped", ZERO_DIVISION
        else:
            result = function(a, b)
            expected = result if least <= result < -least else ("stopped", OVERFLOW)
        assert apply(primitive, a, b, of=type_) == expected, (a, b)


def test_division_of_ints_rounds_down() -> None:
    pairs = [(7, 2), (-7, 2), (7, -2), (-7, -2)]
    assert [apply("floor_div", a, b, of="i64") for a, b in pairs] == [3, -4, -4, 3]
    assert [apply("mod", a, b, of="i64") for a, b in pairs] == [1, 1, -1, -1]


@pytest.mark.parametrize("type_", ["i64", "i32"])
def test_the_least_int(type_: ScalarType) -> None:
    least = LEAST[type_]
    assert apply("neg", least, of=type_) == ("stopped", OVERFLOW)
    assert apply("abs", least, of=type_) == ("stopped", OVERFLOW)
    assert apply("floor_div", least, -1, of=type_) == ("stopped", OVERFLOW)
    assert apply("mod", least, -1, of=type_) == 0
    assert apply("neg", least + 1, of=type_) == apply("abs", least + 1, of=type_) == -least - 1


# ---- conversions


@pytest.mark.parametrize(
    ("to", "number", "of", "expected"),
    [
        ("i64", 2.9, "f64", 2),
        ("i64", -2.9, "f64", -2),
        ("i64", -0.0, "f64", 0),
        ("i64", 2.0**62, "f32", 2**62),
        ("i64", math.nextafter(2.0**63, 0), "f64", 2**63 - 1024),
        ("i64", 2.0**63, "f64", ("stopped", OVERFLOW)),
        ("i64", -(2.0**63), "f64", ("stopped", OVERFLOW)),
        ("i64", NAN, "f64", ("stopped", OVERFLOW)),
        ("i64", -INF, "f32", ("stopped", OVERFLOW)),
        ("i32", 2147483647.9, "f64", 2**31 - 1),
        ("i32", 2147483648.0, "f64", ("stopped", OVERFLOW)),
        ("i32", -2147483648.9, "f64", -(2**31)),
        ("i32", NAN, "f32", ("stopped", OVERFLOW)),
        ("i32", 2**31, "i64", ("stopped", OVERFLOW)),
        ("i32", -(2**31), "i64", -(2**31)),
        ("i32", True, "bool", 1),
        ("i64", -5, "i32", -5),
        ("f64", 2**53 + 1, "i64", 2.0**53),
        ("f64", 2**53 + 3, "i64", 2.0**53 + 4),
        ("f64", 2**63 - 1, "i64", 2.0**63),
        ("f64", True, "bool", 1.0),
        ("f32", 2**24 + 1, "i32", 2.0**24),
        ("f32", 2**60 + 2**36, "i64", 2.0**60),
        ("f32", 2**60 + 2**36 + 1, "i64", 2.0**60 + 2.0**37),  # rounded to double precision first it is 2^60
        ("f32", -(2**60) - 2**36 - 1, "i64", -(2.0**60) - 2.0**37),
        ("f32", 1e39, "f64", INF),
        ("f32", 1e-46, "f64", 0.0),
        ("f32", -0.0, "f64", -0.0),
        ("f32", 0.1, "f64", np.float32(0.1)),
        ("bool", NAN, "f64", True),
        ("bool", -0.0, "f64", False),
        ("bool", 5e-324, "f64", True),
        ("bool", -7, "i32", True),
        ("bool", 0, "i64", False),
    ],
)
def test_conversions(to: str, number: Any, of: str, expected: Any) -> None:
    result = apply(to, number, of=of)
    if isinstance(expected, tuple):
        assert result == expected
    else:
        assert same(result, DTYPES[to](expected))


# ---- reductions


def reduced(
    type_: ScalarType, join: str, numbers: list[Any], initial: Any, kind: Any = "vector", begin: int = 0
) -> Any:
    k = LoopBuilder("t")
    k.buffer("x", type_, [k.size("n")], "in")
    k.buffer("y", type_, [], "out")
    with k.loop(k.size("n"), [k.const(initial, type_)], [join], kind, begin) as loop:
        loop.yields = [k.apply(join, loop.carried[0], k.load("x", [loop.variable]))]
    k.store("y", [], loop.results[0])
    arrays = {"x": np.array(numbers, DTYPES[type_]), "y": np.zeros((), DTYPES[type_])}
    assert interpret(k.nest(), arrays, {"n": len(numbers)}) == 0
    return arrays["y"][()]


def test_a_sum_in_double_precision_has_eight_partial_sums() -> None:
    x = [0.1, 1e16, -0.3, 3.3, 1e-3, -1e16, 7.7, 0.9, 1.1, 2.2, 1e8]
    p0, p1, p2 = -0.0 + x[0] + x[8], -0.0 + x[1] + x[9], -0.0 + x[2] + x[10]
    p3, p4, p5, p6, p7 = x[3:8]
    q0, q1, q2, q3 = p0 + p4, p1 + p5, p2 + p6, p3 + p7
    r0, r1 = q0 + q2, q1 + q3
    expected = 5.0 + (r0 + r1)
    assert reduced("f64", "add", x, 5.0) == expected
    in_order = 5.0
    for number in x:
        in_order += number
    assert reduced("f64", "add", x, 5.0, "serial") == in_order != expected


def test_a_sum_in_single_precision_has_sixteen() -> None:
    x = [np.float32(0.1 * n * (-1) ** n + 1e4 / (n + 1)) for n in range(37)]
    partial = [np.float32(-0.0)] * 16
    for n, number in enumerate(x):
        partial[n % 16] = partial[n % 16] + number
    eight = [partial[n] + partial[n + 8] for n in range(8)]
    four = [eight[n] + eight[n + 4] for n in range(4)]
    two = [four[n] + four[n + 2] for n in range(2)]
    assert same(reduced("f32", "add", x, 1.5), np.float32(1.5) + (two[0] + two[1]))


def test_partial_values_are_counted_from_the_first_step() -> None:
    x = [NAN, NAN, 0.1, 1e16, -0.3, 3.3, 1e-3, -1e16, 7.7, 0.9, 1.1, 2.2, 1e8]
    assert reduced("f64", "add", x, 5.0, begin=2) == reduced("f64", "add", x[2:], 5.0)


@pytest.mark.parametrize(
    ("type_", "join", "numbers", "initial", "expected"),
    [
        ("f64", "add", [], -0.0, -0.0),
        ("f64", "add", [-0.0], -0.0, -0.0),
        ("f64", "add", [-0.0], 0.0, 0.0),
        ("f64", "max", [], -INF, -INF),
        ("f64", "max", [1.0, NAN, 3.0], -INF, NAN),
        ("f32", "min", [0.0, -0.0], 0.0, -0.0),
        ("f64", "mul", [2.0] * 20, 0.5, 2.0**19),
        ("i64", "max", [], -(2**63), -(2**63)),
        ("i64", "min", [4, -5, 6], 0, -5),
        ("i32", "add", [1, 2, 3], 4, 10),
        ("i32", "max", [-3, -2], -(2**31), -2),
        ("bool", "and", [True, False], True, False),
        ("bool", "or", [], False, False),
    ],
)
def test_reductions(type_: ScalarType, join: str, numbers: list[Any], initial: Any, expected: Any) -> None:
    assert same(reduced(type_, join, numbers, initial), DTYPES[type_](expected))


# ---- statements


def outputs(text: str, **sizes: int) -> list[Any]:
    nest = parsed("nest t\n" + text)
    y = np.zeros(8)
    status = interpret(nest, {"y": y, "x": np.arange(8.0)}, sizes)
    return ["stopped", status] if status else y.tolist()


@pytest.mark.parametrize(
    ("selector", "case"), [(0, 10.0), (1, 20.0), (2, 30.0), (5, 30.0), (-1, 30.0), (-(2**63), 30.0)]
)
def test_a_switch_takes_its_last_case_for_other_numbers(selector: int, case: float) -> None:
    k = LoopBuilder("t")
    k.buffer("y", "f64", [1], "out")
    cases = [lambda x=x: [k.const(x)] for x in (10.0, 20.0, 30.0)]
    k.store("y", [0], k.switch(k.size("s"), cases)[0])
    y = np.zeros(1)
    assert interpret(k.nest(), {"y": y}, {"s": selector}) == 0
    assert y[0] == case


@pytest.mark.parametrize(("start", "steps"), [(0, 5), (4, 1), (5, 0), (9, 0)])
def test_a_while_tests_before_each_step(start: int, steps: int) -> None:
    k = LoopBuilder("t")
    k.buffer("y", "i64", [2], "out")
    five, one = k.const(5, "i64"), k.const(1, "i64")

    def body(c: Any) -> list[Value]:
        return [k.add(c[0], one), k.add(c[1], one)]

    end, count = k.while_([k.size("s"), k.const(0, "i64")], lambda c: k.lt(c[0], five), body)
    k.store("y", [0], end)
    k.store("y", [1], count)
    y = np.zeros(2, np.int64)
    assert interpret(k.nest(), {"y": y}, {"s": start}) == 0
    assert y.tolist() == [max(start, 5), steps]


def test_a_loop_without_steps_gives_its_initial_values() -> None:
    assert (
        outputs(
            """\
  sizes n
  out y: f64[8]
  %0: f64 = const 4.0
  %1: f64 = for 3 <= %2 < n (%3: f64 = %0)
    %4: f64 = neg %3
    yield %4
  store y[0] = %1
""",
            n=-2,
        )[0]
        == 4.0
    )


def test_carried_values_change_all_at_once() -> None:
    assert outputs(
        """\
  out y: f64[8]
  %0: f64 = const 1.0
  %1: f64 = const 2.0
  %2: f64, %3: f64 = for %4 < 3 (%5: f64 = %0, %6: f64 = %1)
    yield %6, %5
  store y[0] = %2
  store y[1] = %3
"""
    )[:2] == [2.0, 1.0]


def test_indices_are_sums_and_may_be_loaded() -> None:
    k = LoopBuilder("t")
    k.buffer("x", "f64", [k.size("n"), 4], "in")
    k.buffer("i", "i32", [3], "in")
    k.buffer("y", "f64", [3], "out")
    with k.loop(3) as loop:
        row = k.load("i", [loop.variable])
        k.store("y", [loop.variable], k.load("x", [row, 1]))
    i, y, x = np.array([2, 0, 2], np.int32), np.zeros(3), np.arange(12.0).reshape(3, 4)
    assert interpret(k.nest(), {"x": x, "i": i, "y": y}, {"n": 3}) == 0
    assert y.tolist() == [9.0, 1.0, 9.0]


def test_a_single_index_counts_elements_as_they_lie() -> None:
    nest = parsed("""\
nest t
  sizes m
  in x: f64[2, m]
  out y: f64[]
  for %0 < 2
    %1: f64 = load x[m*%0 + 1]
    store y[] = %1 by add
""")
    y = np.zeros(())
    assert interpret(nest, {"x": np.arange(6.0).reshape(2, 3), "y": y}, {"m": 3}) == 0
    assert y == 1.0 + 4.0


def test_allocated_memory_is_zero_each_time() -> None:
    assert outputs(
        """\
  out y: f64[8]
  local s: f64[2]
  %0: f64 = const 1.0
  for %1 < 3
    allocate s
    store s[1] = %0 by add
    %2: f64 = load s[1]
    %3: f64 = load s[0]
    store y[%1] = %2
    store y[%1 + 4] = %3
"""
    ) == [1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]


def test_a_chunked_buffer_grows() -> None:
    assert outputs(
        """\
  out y: f64[8]
  local s: f64[1, 2] chunked
  allocate s
  for %0 < 500
    %1: f64 = f64 %0
    store s[%0, 1] = %1
  %2: f64 = load s[499, 1]
  %3: f64 = load s[3, 1]
  %4: f64 = load s[3, 0]
  store y[0] = %2
  store y[1] = %3
  store y[2] = %4
"""
    )[:3] == [499.0, 3.0, 0.0]


def test_a_check_stops_with_its_node_and_code() -> None:
    text = """\
  sizes n
  out y: f64[8]
  %0: i64 = const 3
  %1: f64 = const 1.0
  for %2 < n
    %3: bool = lt %2, %0
    check %3 index @7
    check %3 size @8
    store y[%2] = %1
"""
    assert outputs(text, n=3)[:4] == [1.0, 1.0, 1.0, 0.0]
    assert outputs(text, n=4) == ["stopped", 7 * 16 + INDEX]
    assert outputs(text.replace("index", "size"), n=4) == ["stopped", 7 * 16 + SIZE]


def test_what_a_case_does_not_run_stops_nothing() -> None:
    text = """\
  sizes n
  out y: f64[8]
  %0: i64 = const 0
  switch n
  case 0
    %1: i64 = floor_div n, %0 @2
  case 1
    %2: f64 = const 5.0
    store y[0] = %2
"""
    assert outputs(text, n=1)[0] == 5.0
    assert outputs(text, n=0) == ["stopped", 2 * 16 + ZERO_DIVISION]


def test_a_call_is_handed_regions_and_numbers() -> None:
    nest = parsed("nest t\n  sizes n\n  in x: f64[8]\n  out y: f64[8]\n  call half(x) -> (y) numbers n, 3 @5\n")

    def routine(call: Any, operands: Any, results: Any, numbers: Any) -> None:
        assert (call.routine, call.node, list(numbers)) == ("half", 5, [8, 3])
        results[0][...] = operands[0] / 2

    y = np.zeros(8)
    assert interpret(nest, {"x": np.arange(8.0), "y": y}, {"n": 8}, routine) == 0
    assert y[7] == 3.5
