"""The loop form: its text, the rules that nests keep, and what the builder makes of what it is told."""

import itertools
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from random_nests import EDGES, random_nest

from cgcli.loop_nests.builder import LoopBuilder
from cgcli.loop_nests.form import (
    FLOATS,
    TYPES,
    Apply,
    Const,
    For,
    Function,
    Index,
    Load,
    LoopNest,
    Region,
    ScalarType,
    Statement,
    Switch,
    Value,
    While,
    blocks,
)
from cgcli.loop_nests.functions import definition
from cgcli.loop_nests.interpreter import DTYPES, interpret
from cgcli.loop_nests.parsed import parsed
from cgcli.loop_nests.primitives import FUNCTIONS, PRIMITIVES
from cgcli.loop_nests.printed import CODES, printed, printed_function
from cgcli.loop_nests.validity import InvalidNest, check, check_function

pytestmark = pytest.mark.portable
SEEDS = range(150)


def run(nest: LoopNest, arrays: dict[str, Any], sizes: dict[str, int]) -> tuple[int, dict[str, bytes]]:
    """The status, and the bits of the arrays."""
    copies = {name: array.copy() for name, array in arrays.items()}
    return interpret(nest, copies, sizes), bits_of(copies)


def bits_of(arrays: dict[str, Any]) -> dict[str, bytes]:
    """All nans are one."""
    for array in arrays.values():
        if array.dtype.kind == "f":
            array[np.isnan(array)] = np.nan
    return {name: array.tobytes() for name, array in arrays.items()}


def statements(body: Sequence[Statement]) -> list[Statement]:
    todo, result = list(body), []
    while todo:
        s = todo.pop()
        result.append(s)
        for block in blocks(s):
            todo += block
    return result


# ---- text

SOFTMAX = """\
nest softmax
  sizes batch
  in x: f32[batch, 10]
  out y: f32[batch, 10]
  local e: f32[%1]
  %0: f32 = const -inf
  %1: i64 = const 10
  %2: f32 = const 0.0
  for %3 < batch chunk
    allocate e
    %4: f32 = for %5 < 10 vector (%6: f32 = %0 by max)
      %7: f32 = load x[%3, %5]
      %8: f32 = max %6, %7
      yield %8
    %9: f32 = for %10 < 10 vector (%11: f32 = %2 by add)
      %12: f32 = load x[%3, %10]
      %13: f32 = sub %12, %4
      %14: f32 = exp %13
      store e[%10] = %14
      %15: f32 = add %11, %14
      yield %15
    for %16 < 10 vector
      %17: f32 = load e[%16]
      %18: f32 = div %17, %9
      store y[%3, %16] = %18
"""
EVERYTHING = """\
nest everything there is
  sizes n, m
  in x: f64[n, m]
  in labels: i32[n]
  out y: f64[n]
  out count: i64[]
  scratch t: f32[3, 4]
  local items: f64[%0, m] chunked
  const primes: i32[2, 2] = (2, 3, 5, -7)
  const table: f64[3] = (-inf, 1e-310, -0.0)
  const flags: bool[0] = ()
  %0: i64 = const 4
  %1: f64 = const nan
  %2: f64 = const -0.0
  %3: f32 = const 0.10000000149011612
  %4: bool = const true
  %5: i64 = const -9223372036854775808
  %6: f64 = const 1e-310
  allocate items
  %7: i64 = add n, m @12
  check %4 index @7
  check %4 9 @0
  for -2 <= %8 < %0
    %9: i32 = load labels[2*%8 - %7 + n*%8 - 3]
    %10: f64 = load x[%8 - 1, m*%9 + 4]
    store y[-%8] = %10 by add
  store count[] = %5
  %11: f64, %12: bool = while (%13: f64 = %2, %14: bool = %4)
    %15: bool = lt %13, %6
    test %15
  do
    store items[0, 0] = %13
    yield %1, %14
  %16: f64 = switch %14
  case 0
    yield %6
  case 1
    %17: f64 = exp %6
    yield %17
  switch %7
  case 0
    store t[0] = %3
  call matmul(x, t[0]) -> (y, t[%0, m - 1]) numbers n, 3, %7 @5
  call op:argsort(x) -> (count)
"""


@pytest.mark.parametrize("text", [SOFTMAX, EVERYTHING], ids=["softmax", "everything"])
def test_text_reads_back(text: str) -> None:
    assert printed(parsed(text)) == text


def test_softmax_is_valid_and_runs() -> None:
    check(parsed(SOFTMAX))


@pytest.mark.parametrize("seed", SEEDS)
def test_random_nests(seed: int) -> None:
    """Each is valid, and its text is a nest that computes the same bits."""
    nest, arrays, sizes = random_nest(seed)
    check(nest)
    again = parsed(printed(nest))
    assert printed(again) == printed(nest)
    check(again)
    assert run(again, arrays, sizes) == run(nest, arrays, sizes)


def test_random_nests_hold_everything() -> None:
    kinds = {
        (type(s).__name__, getattr(s, "kind", "")) for seed in SEEDS for s in statements(random_nest(seed)[0].body)
    }
    assert kinds >= {
        *(("For", kind) for kind in ("serial", "vector", "chunk")),
        *((name, "") for name in ("Const", "Apply", "Load", "Store", "While", "Switch", "Check", "Allocate")),
    }
    primitives = {s.primitive for seed in SEEDS for s in statements(random_nest(seed)[0].body) if isinstance(s, Apply)}
    assert primitives >= {name for name, p in PRIMITIVES.items() if p.compute is not None}


def test_a_part_of_the_chunks_does_a_part_of_the_work() -> None:
    """Calls for parts of the chunk loops together do what one call does for the whole: why `check` is strict."""
    several = 0
    for seed in range(200):
        nest, arrays, sizes = random_nest(seed)
        if not any(isinstance(s, For) and s.kind == "chunk" for s in nest.body):
            continue
        whole = run(nest, arrays, sizes)
        if whole[0]:
            continue
        several += 1
        copies = {name: array.copy() for name, array in arrays.items()}
        for part in ((3, 10**6), (1, 3), (0, 1)):
            assert interpret(nest, copies, sizes, chunk=part) == 0
        assert bits_of(copies) == whole[1]
    assert several > 20


def test_numbers_of_values_do_not_matter() -> None:
    k = LoopBuilder("t")
    k.buffer("y", "f64", [2], "out")
    for _ in range(5):
        k.value("f64")
    k.store("y", [0], k.const(1.5))
    assert printed(k.nest()) == "nest t\n  out y: f64[2]\n  %0: f64 = const 1.5\n  store y[0] = %0\n"


def test_what_is_not_defined() -> None:
    x, y = Value(3, "f64"), Value(7, "f64")
    assert printed(LoopNest("t", {}, {}, [Apply(x, "neg", (y,))])) == "nest t\n  %0: f64 = neg %?7\n"


def test_text_of_a_function() -> None:
    x, y = Value(0, "f64"), Value(9, "f64")
    function = Function((x,), [Apply(y, "mul", (x, x))], y)
    assert printed_function(function) == "function (%0: f64)\n  %1: f64 = mul %0, %0\n  yield %1\n"
    check_function(function)
    with pytest.raises(InvalidNest, match="before it is defined"):
        check_function(function._replace(body=[]))


def test_deep_and_long_nests() -> None:
    """Nothing recurses over a nest."""
    long: list[Statement] = [Const(Value(n, "f64"), 1.0) for n in range(20000)]
    deep: list[Statement] = []
    for n in range(1500):
        deep = [For(Value(n, "i64"), 0, 1, (), (), (), deep, (), ())]
    for body in (long, deep):
        nest = LoopNest("t", {}, {}, body)
        check(nest)
        assert printed(parsed(printed(nest))) == printed(nest)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "line 0: expected 'nest'"),
        ("nets a", "line 1: expected 'nest'"),
        ("nest t\n  %0: f64 = const 1.0\n  %1: f64 = neg %2", "line 3: no value is called '%2'"),
        ("nest t\n  %0: f64 = const 1.0\n  %0: f64 = const 2.0", "line 3: %0 is defined again"),
        ("nest t\n    %0: f64 = const 1.0", "line 2: wrong indentation"),
        ("nest t\n   %0: f64 = const 1.0", "line 2: wrong indentation"),
        ("nest t\n  %0: f16 = const 1.0", "line 2: 'f16' is no type"),
        ("nest t\n  %0: f64 = const __import__", "line 2: '__import__' is no float"),
        ("nest t\n  %0: i64 = const 1.5", "line 2: '1.5' is no whole number"),
        ("nest t\n  %0: bool = const 1", "line 2: '1' is no bool"),
        ("nest t\n  %0: f64 = const 1.0 $", "line 2: unexpected '$'"),
        ("nest t\n  store y[0", "line 2: expected ']', not ''"),
        ("nest t\n  store y[0]", "line 2: expected '=', not ''"),
        ("nest t\n  yield", "line 2: 'yield' does not end this block"),
        ("nest t\n  sizes n\n  for %0 < n\n    test n", "line 4: 'test' does not end this block"),
        ("nest t\n  sizes n\n  switch n\n  case 1", "line 4: expected case 0 of a switch"),
        ("nest t\n  sizes n\n  switch n", "line 3: a switch without cases"),
        ("nest t\n  while\n  do", "line 3: 'do' stands behind the test of a while"),
        ("nest t\n  allocate", "line 2: a buffer is missing"),
        ("nest t\n  in x: f64[n]", "line 2: no value is called 'n'"),
        ("nest t\n  in x: f64[]\n  out x: f64[]", "line 3: buffer x again"),
        ("nest t\n  sizes n\n  check n nonsense @1", "line 3: unknown code of a check"),
    ],
)
def test_text_that_is_none(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        parsed(text)


# ---- rules

HEAD = """\
nest t
  sizes n, m
  in x: f64[n]
  in i: i64[n]
  out y: f64[n]
  out z: f64[n, m]
  out w: f64[n, m, 3]
  local s: f64[n]
  local c: f64[n, 2] chunked
  const k: f64[2] = (1.0, 2.0)
  %0: f64 = const 1.0
  %1: i64 = const 1
  %2: bool = const true
"""


def nest_of(body: str) -> LoopNest:
    return parsed(HEAD + "".join(f"  {line}\n" for line in body.split("\n")))


DIGITS = "%3: i64 = const 3\n%4: i64 = mul m, %3\n"
VECTOR = "for %3 < n vector\n"
SUM = "%9: f64 = for %3 < n vector (%4: f64 = %0 by add)\n  %5: f64 = load x[%3]\n"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("for %3 < n\n  %4: f64 = load x[%3]\nstore y[0] = %4", "%4 is used outside the block that defines it"),
        ("switch n\ncase 0\n  %4: f64 = load x[0]\ncase 1\n  store y[0] = %4", "%3 is used outside"),
        ("while\n  %3: bool = const false\n  test %3\ndo\n  check %3 index @1", "%3 is used outside"),
        ("%3: f64 = add %0, %1", "add of f64, i64"),
        ("%3: f64 = add %0", "add of f64"),
        ("%3: i64 = add %0, %0", "the result is of type f64"),
        ("%3: f64 = nonsense %0", "no primitive is called nonsense"),
        ("%3: f64 = add %0, %0 @4", "a node stands at a primitive that cannot fail"),
        ("%3: bool = lt %1, %1 @4", "a node stands at a primitive that cannot fail"),
        ("%3: i32 = const 2147483648", "2147483648 is not of type i32"),
        ("%3: f32 = const 0.1", "0.1 is not of type f32"),
        ("%3: f64 = load x[%0]", "%0 is of type f64, not i64 or i32"),
        ("%3: f64 = load x[%0*%1]", "%0 is of type f64, not i64"),
        ("%3: f64 = load x[0, 0]", "2 indices for a buffer with 1 axes"),
        ("%3: f64 = load w[0, 0]", "2 indices for a buffer with 3 axes"),
        ("%3: f32 = load x[0]", "the result has another type than the buffer"),
        ("%3: f64 = load q[0]", "no buffer is called q"),
        ("store x[0] = %0", "x is read only"),
        ("store k[0] = %0", "k is read only"),
        ("store y[0] = %1", "a value of type i64 is stored into a buffer of f64"),
        ("store y[0] = %0 by sub", "'sub' is no reduction"),
        ("store y[0] = %0 by and", "and of f64, f64"),
        ("store s[0] = %0", "s is not allocated here"),
        ("for %3 < n\n  allocate s\n%4: f64 = load s[0]", "s is not allocated here"),
        ("switch n\ncase 0\n  allocate s\ncase 1\n  store s[0] = %0", "s is not allocated here"),
        ("allocate y", "no local buffer is called y"),
        ("allocate c\nstore c[0] = %0", "a chunked buffer is stored by an index for each axis"),
        ("check %1 index @3", "%1 is of type i64, not bool"),
        ("check %2 0 @3", "a check has a code from 1 to 15 and a node"),
        ("check %2 index", "a check has a code from 1 to 15 and a node"),
        ("for %3 < %0", "%0 is of type f64, not i64"),
        ("%9: f64 = for %3 < n (%4: f64 = %0)", "disagree in number or types"),
        ("%9: f64 = for %3 < n (%4: f64 = %0)\n  yield %1", "disagree in number or types"),
        ("%9: i64 = for %3 < n (%4: f64 = %0)\n  yield %4", "disagree in number or types"),
        ("%9: f64 = switch n\ncase 0\n  yield %0\ncase 1\n  yield %1", "disagree in number or types"),
        ("switch %0\ncase 0", "%0 is of type f64, not i64 or i32 or bool"),
        ("while\n  test %1\ndo", "%1 is of type i64, not bool"),
        ("call op:sort(x) -> (y)", "the call of an op has its node"),
        ("call matmul(x) -> (i)", "i is read only"),
        ("call matmul(x[0, 0]) -> (y)", "2 leading indices of a buffer with 1 axes"),
        # reductions
        ("%9: f64 = for %3 < n vector (%4: f64 = %0)\n  yield %4", "%5 is carried in the order of steps"),
        (SUM + "  %6: f64 = mul %4, %5\n  yield %6", "is not %5 combined by add once"),
        (SUM + "  %6: f64 = add %4, %4\n  yield %6", "is not %5 combined by add once"),
        (SUM + "  yield %5", "is not %5 combined by add once"),
        (SUM + "  %6: f64 = add %4, %5\n  store y[%3] = %6\n  yield %6", "combined by add once, and used only so"),
        (SUM + "  %6: f64 = add %4, %5\n  store y[%3] = %4\n  yield %6", "combined by add once, and used only so"),
        ("%9: bool = for %3 < n vector (%4: bool = %2 by add)\n  yield %4", "add of bool, bool"),
        # independence
        (VECTOR + "  store y[0] = %0", "touch the same elements of y"),
        (VECTOR + "  store y[0] = %0 by add", "touch the same elements of y"),
        (VECTOR + "  %4: i64 = load i[%3]\n  store y[%4] = %0", "touch the same elements of y"),
        (VECTOR + "  %4: f64 = load y[%3 - 1]\n  store y[%3] = %4", "touch the same elements of y"),
        (VECTOR + "  %4: f64 = load y[0]\n  store y[%3] = %4", "touch the same elements of y"),
        (VECTOR + "  store y[m*%3] = %0", "touch the same elements of y"),
        (VECTOR + "  for %4 < 3\n    store y[2*%3 + %4] = %0", "touch the same elements of y"),
        (VECTOR + "  for %4 < n\n    store z[m*%3 + %4] = %0", "touch the same elements of z"),
        (VECTOR + "  for %4 < m\n    store z[%4, %4] = %0", "touch the same elements of z"),
        (VECTOR + "  store z[%3, 0] = %0\n  %4: f64 = load z[0, %3]", "touch the same elements of z"),
        ("allocate s\n" + VECTOR + "  store s[0] = %0", "touch the same elements of s"),
        ("allocate s\n" + VECTOR + "  allocate s\n  store s[0] = %0", "touch the same elements of s"),
        (VECTOR + "  call matmul(x) -> (y)", "touch the same elements of y"),
        # chunks
        ("for %3 < m\n  for %4 < n chunk", "a chunk loop stands at the top level"),
        ("for %3 < n chunk\nfor %4 < m chunk", "chunk loops have the same bounds"),
        ("%9: f64 = for %3 < n chunk (%4: f64 = %0 by add)\n  yield %4", "a chunk loop carries nothing"),
        ("for %3 < n chunk\n  store y[%3] = %0\n%4: f64 = load y[0]", "y is used outside the chunk loops, too"),
        (
            "for %3 < n chunk\n  store y[%3] = %0\nfor %4 < n chunk\n  %5: f64 = load y[n - %4]",
            "touch the same elements of y",
        ),
        ("for %3 < n chunk\n  store y[%3] = %0\nstore z[0, 0] = %0 by add", "z is stored by every call"),
        ("%3: f64 = load z[0]\nstore z[1] = %3\nfor %4 < n chunk\n  store y[%4] = %0", "z is stored by every call"),
    ],
)
def test_what_is_not_valid(body: str, problem: str) -> None:
    with pytest.raises(InvalidNest) as raised:
        check(nest_of(body))
    assert problem.partition(" ")[2] in str(raised.value)
    assert str(raised.value).startswith("t: ")


@pytest.mark.parametrize(
    "body",
    [
        SUM + "  %6: f64 = add %5, %4\n  yield %6",
        "%9: f64 = for %3 < n vector (%4: f64 = %0 by add)\n  yield %4",
        VECTOR + "  %4: f64 = load y[%3]\n  store y[%3] = %4 by add",
        VECTOR + "  store y[n - %3 - 1] = %0",
        VECTOR + "  for %4 < 2\n    store y[2*%3 + %4 - 1] = %0\n  %5: f64 = load y[2*%3]",
        VECTOR + "  for %4 < m\n    store z[m*%3 + %4] = %0",
        VECTOR + "  for %4 < m\n    for %5 < n\n      store z[%3, %4] = %0 by add\n      %6: f64 = load z[%3, 0]",
        VECTOR + "  allocate s\n  store s[0] = %0\n  %4: f64 = load s[1]",
        VECTOR + "  call matmul(x) -> (z[%3])",
        DIGITS + "for %5 < n vector\n  for %6 < m\n    for %7 < 3\n      store w[%4*%5 + 3*%6 + %7] = %0",
        "for %3 < n chunk\n  store y[%3] = %0\nfor %4 < n chunk\n  %5: f64 = load y[%4]\n  store z[%4, 0] = %5",
        "allocate c\nfor %3 < n\n  store c[%3, 1] = %0",
        "store z[0, 0] = %0\nfor %3 < n chunk\n  store y[%3] = %0",
    ],
)
def test_what_is_valid(body: str) -> None:
    check(nest_of(body))


def test_a_value_that_is_defined_twice() -> None:
    x = Value(0, "f64")
    with pytest.raises(InvalidNest, match=re.escape("t: %0 is defined twice: %0: f64 = const 2.0")):
        check(LoopNest("t", {}, {}, [Const(x, 1.0), Const(x, 2.0)]))


def test_values_that_nothing_defines() -> None:
    nest = LoopNest("t", {}, {}, [Apply(Value(0, "f64"), "neg", (Value(1, "f64"),))])
    with pytest.raises(InvalidNest, match=re.escape("%?1 is used before it is defined: %0: f64 = neg %?1")):
        check(nest)


@pytest.mark.parametrize("text", ["f64[3] = (1.0, 2.0)", "f64[n] = (1.0)", "f32[1] = (0.1)", "i32[1] = (2147483648)"])
def test_tables_that_are_not_valid(text: str) -> None:
    with pytest.raises(InvalidNest):
        check(parsed(f"nest t\n  sizes n\n  const k: {text}\n"))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_valid(name: str) -> None:
    check_function(definition(name))


@pytest.mark.parametrize("seed", range(40))
def test_damaged_nests(seed: int) -> None:
    """A nest without a definition that something uses, or with one of another type, is not valid."""
    nest, _, _ = random_nest(seed)
    used = {x for s in statements(nest.body) if isinstance(s, Apply) for x in s.operands}
    defining = [s for s in statements(nest.body) if isinstance(s, Apply | Load | Const) and s.result in used]
    for s in defining[::7]:
        with pytest.raises(InvalidNest):
            check(replaced(nest, s, []))
        other = next(t for t in TYPES if t != s.result.type)
        with pytest.raises(InvalidNest):
            check(replaced(nest, s, [s._replace(result=Value(10**6, other))]))
        with pytest.raises(InvalidNest, match="twice"):
            check(replaced(nest, s, [s, s]))
    for load in [s for s in statements(nest.body) if isinstance(s, Load)][::3]:
        with pytest.raises(InvalidNest, match="indices for a buffer"):
            check(replaced(nest, load, [load._replace(access=(Index(0),) * 4)]))


def replaced(nest: LoopNest, one: Statement, by: list[Statement]) -> LoopNest:
    def block(body: Sequence[Statement]) -> list[Statement]:
        return [y for s in body for y in (by if s is one else [inner(s)])]

    def inner(s: Statement) -> Statement:
        if isinstance(s, For):
            return s._replace(body=block(s.body))
        if isinstance(s, While):
            return s._replace(test=block(s.test), body=block(s.body))
        if isinstance(s, Switch):
            return s._replace(cases=tuple(case._replace(body=block(case.body)) for case in s.cases))
        return s

    return LoopNest(nest.name, nest.sizes, nest.buffers, block(nest.body))


def test_calls_and_regions() -> None:
    nest = nest_of("call matmul(x, z[0]) -> (y, z[%1, 0]) numbers n, 3")
    check(nest)
    (call,) = nest.body[3:]
    assert call.operands[0] == Region("x")  # type: ignore[union-attr]


# ---- the builder


def lines(k: LoopBuilder) -> list[str]:
    check(k.nest())
    return printed(k.nest()).splitlines()


def builder() -> LoopBuilder:
    k = LoopBuilder("t")
    k.buffer("x", "f64", [k.size("n")], "in")
    k.buffer("y", "f64", [k.size("n")], "out")
    return k


def test_a_value_is_made_once() -> None:
    k = builder()
    x, y = k.load("x", [0]), k.load("x", [1])
    assert k.load("x", [0]) is x
    assert k.add(x, y) is k.add(y, x)
    assert k.sub(x, y) is not k.sub(y, x)
    assert k.const(0.0) is not k.const(-0.0)
    assert k.const(math.nan) is k.const(math.nan)


def test_what_a_loop_does_not_change_stands_before_it() -> None:
    k = builder()
    with k.loop(k.size("n")) as loop:
        k.store("y", [loop.variable], k.exp(k.f64(k.size("n"))))
    assert lines(k)[4:] == [
        "  %0: f64 = f64 n",
        "  %1: f64 = exp %0",
        "  for %2 < n",
        "    store y[%2] = %1",
    ]


def test_what_a_case_computes_stays_in_it() -> None:
    k = builder()
    with k.loop(k.size("n")) as loop:
        selector = k.lt(loop.variable, k.const(3, "i64"))
        k.switch(selector, [lambda: [k.f64(k.size("n"))], lambda: [k.const(1.0)]])
    assert lines(k)[4:] == [
        "  %0: i64 = const 3",
        "  %1: f64 = const 1.0",
        "  for %2 < n",
        "    %3: bool = lt %2, %0",
        "    %4: f64 = switch %3",
        "    case 0",
        "      %5: f64 = f64 n",
        "      yield %5",
        "    case 1",
        "      yield %1",
    ]


def test_what_a_while_computes_stays_in_it() -> None:
    k = builder()
    k.while_([k.const(0, "i64")], lambda c: k.lt(c[0], k.size("n")), lambda c: [k.add(c[0], k.neg(k.size("n")))])
    assert "    %4: i64 = neg n" in lines(k)


def test_what_is_checked_stays_where_it_is() -> None:
    k = builder()
    with k.loop(k.size("n")) as loop:
        once = k.add(k.size("n"), k.const(2, "i64"), node=5)
        hoisted = k.add(k.size("n"), k.const(2, "i64"))
        k.store("y", [loop.variable], k.f64(k.add(once, hoisted)))
    assert lines(k)[4:8] == [
        "  %0: i64 = const 2",
        "  %1: i64 = add n, %0",
        "  for %2 < n",
        "    %3: i64 = add n, %0 @5",
    ]


def test_loads_of_what_changes_stay_where_they_are() -> None:
    k = builder()
    first, second = k.load("y", [0], changing=True), k.load("y", [0], changing=True)
    assert first is not second


def operand_types(primitive: str) -> list[list[ScalarType]]:
    arity = PRIMITIVES[primitive].arity
    return [list(t) for t in itertools.product(TYPES, repeat=arity) if PRIMITIVES[primitive].result(t) is not None]


def applied(primitive: str, types: Sequence[ScalarType], numbers: Sequence[Any], constant: bool) -> tuple[int, Any]:
    """The status and the result of a primitive on numbers: constants, or loaded."""
    k = LoopBuilder("t")
    arrays: dict[str, Any] = {}
    operands = []
    for position, (type_, number) in enumerate(zip(types, numbers, strict=True)):
        if constant:
            operands.append(k.const(number, type_))
        else:
            arrays[f"x{position}"] = np.array([number], DTYPES[type_])
            operands.append(k.load(k.buffer(f"x{position}", type_, [1], "in"), [0]))
    result = k.apply(primitive, *operands, node=1)
    k.store(k.buffer("y", result.type, [1], "out"), [0], result)
    arrays["y"] = np.zeros(1, DTYPES[result.type])
    status, bits = run(k.nest(), arrays, {})
    return status, bits["y"]


@pytest.mark.parametrize("primitive", [name for name, p in PRIMITIVES.items() if p.compute is not None])
def test_constants_are_folded_to_the_last_bit(primitive: str) -> None:
    for types in operand_types(primitive):
        for numbers in itertools.product(*(EDGES[t] for t in types)):
            if primitive == "ldexp" and not (abs(numbers[1]) <= 2200 and numbers[1] == int(numbers[1])):
                continue
            if primitive in ("mantissa", "exponent") and not 0 < numbers[0] < math.inf:
                continue
            loaded = applied(primitive, types, numbers, constant=False)
            assert applied(primitive, types, numbers, constant=True) == loaded, (types, numbers)


@pytest.mark.parametrize("primitive", ["add", "sub", "mul", "and", "or", "select"])
def test_identities_are_exact(primitive: str) -> None:
    """One operand is constant, the other one is not."""
    for types in operand_types(primitive):
        if types[-1] in FLOATS and primitive != "select":
            continue
        for numbers in itertools.product(*(EDGES[t] for t in types)):
            k = LoopBuilder("t")
            loaded = [k.load(k.buffer(f"x{p}", t, [1], "in"), [0]) for p, t in enumerate(types)]
            constants = [k.const(x, t) for x, t in zip(numbers, types, strict=True)]
            mixtures = itertools.product(*zip(loaded, constants, strict=True))
            values = [k.apply(primitive, *operands, node=1) for operands in mixtures]
            arrays = {f"x{p}": np.array([x], DTYPES[t]) for p, (x, t) in enumerate(zip(numbers, types, strict=True))}
            k.buffer("y", values[0].type, [len(values)], "out")
            for position, value in enumerate(values):
                k.store("y", [position], value)
            arrays["y"] = np.zeros(len(values), DTYPES[values[0].type])
            status, bits = run(k.nest(), arrays, {})
            size = len(bits["y"]) // len(values)
            assert status or len({bits["y"][n : n + size] for n in range(0, len(bits["y"]), size)}) == 1


# ---- the page

PAGE = (Path(__file__).parents[1] / "docs" / "loop-form.md").read_text(encoding="utf-8")


def test_the_page_shows_the_text_of_a_nest() -> None:
    assert "".join(f"    {line}\n" for line in SOFTMAX.splitlines()) in PAGE


def test_the_page_has_each_primitive_once() -> None:
    rows = [line.split("|")[1] for line in PAGE.partition("## Primitives")[2].splitlines() if line.startswith("| `")]
    assert sorted(name for row in rows for name in re.findall(r"`(\w+)`", row)) == sorted(PRIMITIVES)


def test_the_page_has_each_code() -> None:
    for code, word in CODES.items():
        assert f"{code} `{word}`" in PAGE
