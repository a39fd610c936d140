"""Blocks, loops, early returns and asserts: small programs against values that were worked out by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cgcli import parse
from cgcli.diagnostics.diagnostic import CgError
from cgcli.graph.graph import Graph, opname
from cgcli.graph.printed import parse_graph
from cgcli.graph.serialize import dump, restore
from cgcli.ops.validity import check


def value(text: str, of: str = "out", **given: Any) -> Any:
    """What a program gives, with its graph checked and read back on the way."""
    program = parse(text)
    check(program.graph)
    assert parse_graph(str(program.graph)) == program.graph
    found = program.eval(given)[of]
    return found.tolist() if isinstance(found, np.ndarray) else found


def code(text: str, **given: Any) -> str:
    """The first diagnostic of a wrong program, or of its run."""
    with pytest.raises(CgError) as caught:
        parse(text, mode="static").eval(given)
    return caught.value.diagnostics[0].code


def ops(graph: Graph, name: str = "") -> list[str]:
    """The ops of a graph, or of the bodies of the loops in it."""
    own = [opname(op) for op in graph.op]
    if not name:
        return own
    return [op for i, at in graph.attrs.items() if opname(graph.op[i]) == "loop" for op in ops(at[name])]


TOP = {
    # sides of `if`
    "both sides bind": ("x = 3\nif x > 2 { y = 10 } else { y = 20 }\nout = y + 1", 11),
    "the other side": ("x = 1\nif x > 2 { y = 10 } else { y = 20 }\nout = y + 1", 21),
    "one side binds again": ("y = 5\nif y > 2 { y = y * 2 }\nout = y", 10),
    "one side leaves as it was": ("y = 1\nif y > 2 { y = y * 2 }\nout = y", 1),
    "a chain": ("x = 2\nif x == 1 { y = 10 } else if x == 2 { y = 20 } else { y = 30 }\nout = y", 20),
    "the end of a chain": ("x = 7\nif x == 1 { y = 10 } else if x == 2 { y = 20 } else { y = 30 }\nout = y", 30),
    "several names": ("a = 1\nb = 2\nif a < b { c = a; a = b; b = c }\nout = 10 * a + b", 21),
    "sides in sides": (
        "x = 5\ny = 0\nif x > 1 { if x > 4 { y = 1 } else { y = 2 }\n y = y + 10 } else { y = 3 }\nout = y",
        11,
    ),
    "an int with a float": ("x = 1\nif x > 2 { y = 10 } else { y = 0.5 }\nout = y", 0.5),
    "two bools": ("x = 1\nif x > 2 { y = true } else { y = x == 1 }\nout = y", True),
    "tensors": ("x = 1\nif x > 2 { y = [1, 2] } else { y = [3, 4] }\nout = sum(y)", 7),
    "a side that is empty": ("y = 4\nif y > 2 { } else { y = 0 }\nout = y", 4),
    "a name of one side that is not used": ("y = 4\nif y > 2 { z = 1; y = z + 1 }\nout = y", 2),
    # `for` over ranges
    "a sum": ("s = 0\nfor t in 0..5 { s = s + t }\nout = s", 10),
    "from another start": ("s = 0\nfor t in 3..6 { s = s + t }\nout = s", 12),
    "from below zero": ("s = 0\nfor t in -2..2 { s = s + t }\nout = s", -2),
    "no step": ("s = 7\nfor t in 0..0 { s = s + t }\nout = s", 7),
    "fewer than no step": ("s = 7\nfor t in 5..2 { s = s + t }\nout = s", 7),
    "ends that are computed": ("n = 2 * 2\ns = 0\nfor t in n - 2..n + 1 { s = s + t }\nout = s", 9),
    "two names that change places": ("a = 0\nb = 1\nfor t in 0..10 { c = a + b; a = b; b = c }\nout = a", 55),
    "loops in loops": ("s = 0\nfor i in 0..3 { for j in 0..i { s = s + 10 * i + j } }\nout = s", 51),
    "an inner value that begins anew": (
        "s = 0\nfor i in 1..4 { p = 1\n for j in 0..i { p = p * i }\n s = s + p }\nout = s",
        32,  # 1 + 4 + 27
    ),
    "a side in a loop": ("s = 0\nfor t in 0..6 { if t % 2 == 0 { s = s + t } }\nout = s", 6),
    "a loop in a side": ("s = 1\nif s > 0 { for t in 0..3 { s = s * 2 } }\nout = s", 8),
    "a loop in a side that is not taken": ("s = 1\nif s > 5 { for t in 0..3 { s = s * 2 } }\nout = s", 1),
    "the loop's variable hides a name": ("t = 5\ns = 0\nfor t in 0..3 { s = s + t }\nout = 10 * s + t", 35),
    "the loop's variable bound again": ("s = 0\nfor t in 0..3 { t = 2 * t; s = s + t }\nout = s", 6),
    "a literal that takes on a type": ("s = 0\nfor t in 0..3 { s = s + 0.5 }\nout = s", 1.5),
    "a type that goes from name to name": (
        "a = 0; b = 0; c = 0; d = 0; e = 0\nfor t in 0..5 { e = d; d = c; c = b; b = a; a = 1.5 }\nout = e",
        1.5,
    ),
    "a bool": ("found = false\nfor t in 0..5 { found = found or t == 3 }\nout = found", True),
    "a bool that becomes an int": ("b = true\nfor t in 0..2 { b = b + 1 }\nout = b", 3),
    "a tensor": ("v = [1, 2]\nfor t in 0..3 { v = 2 * v }\nout = sum(v)", 24),
    "a range that is a value": ("s = 0\nr = 2..5\nfor t in r { s = s + t }\nout = s", 9),
    # `for` over tensors
    "items": ("s = 0\nfor x in [1.5, 2, 3] { s = s + x }\nout = s", 6.5),
    "rows": ("s = [0, 0]\nfor row in [[1, 2], [3, 4], [5, 6]] { s = 2 * s + row }\nout = 100 * s[0] + s[1]", 1522),
    "elements of rows": ("s = 0\nfor row in [[1, 2], [3, 4]] { for x in row { s = 10 * s + x } }\nout = s", 1234),
    "no items": ("s = 1\nfor x in [] { s = s + x }\nout = s", 1.0),
    "items that nothing reads": ("s = 0\nfor x in [[1, 2], [3, 4]] { s = s + 1 }\nout = s", 2),
    # `while`
    "halves": ("x = 100.0\nn = 0\nwhile x > 1 { x = x / 2; n = n + 1 }\nout = n", 7),
    "a condition that does not hold": ("x = 1\nwhile x > 1 { x = x - 1 }\nout = x", 1),
    "two conditions": ("k = 0\nwhile k < 10 and k * k < 20 { k = k + 1 }\nout = k", 5),
    "a loop in a `while`": ("n = 0\ns = 0\nwhile n < 3 { for t in 0..n { s = s + 1 }\n n = n + 1 }\nout = s", 3),
    "a `while` in a loop": ("s = 0\nfor t in 1..5 { k = t\n while k > 1 { k = k // 2; s = s + 1 } }\nout = s", 4),
    # asserts
    "an assert that holds": ('assert 1 < 2, "order"\nout = 3', 3),
    "an assert in a loop": ("s = 0\nfor t in 0..3 { assert t < 3; s = s + t }\nout = s", 3),
    "an assert on a side that is not taken": ("s = 1\nif s > 1 { assert false }\nout = s", 1),
}


@pytest.mark.parametrize(("text", "wanted"), TOP.values(), ids=TOP.keys())
def test_at_the_top_level(text: str, wanted: Any) -> None:
    found = value(text)
    assert found == wanted
    assert type(found) is type(wanted)


def indented(text: str) -> str:
    body = "".join(f"    {line}\n" for line in text.replace("out = ", "return ").split("\n"))
    return f"fn f() {{\n{body}}}\nout = f()"


@pytest.mark.parametrize(("text", "wanted"), TOP.values(), ids=TOP.keys())
def test_in_a_function(text: str, wanted: Any) -> None:
    assert value(indented(text)) == wanted


@pytest.mark.parametrize(("text", "wanted"), TOP.values(), ids=TOP.keys())
def test_in_a_block(text: str, wanted: Any) -> None:
    """The same statements within a step of a loop within a side of an `if`."""
    body = text.replace("out = ", "kept = 1 * ") if not isinstance(wanted, bool) else text.replace("out = ", "kept = ")
    start = "false" if isinstance(wanted, bool) else "0"
    assert value(f"kept = {start}\nif true {{ for _ in 0..2 {{\n{body}\n}} }}\nout = kept") == wanted


SIGN = "fn f(x) { if x > 0 { return 1 } else if x < 0 { return -1 } else { return 0 } }"
GUARD = "fn f(x) { if x < 0 { return -1 }\n y = 2 * x\n if y > 10 { return 10 }\n return y }"
FIND = "fn f(x) { for t in 0..10 { if t * t >= x { return t } }\n return -1 }"
ITEM = "fn f(x) { for v in [2, 3, 5, 7] { if v > x { return v } }\n return 0 }"
PAIR = "fn f(x) { for i in 0..5 { for j in 0..5 { if 10 * i + j == x { return i * j } } }\n return -1 }"
FOREVER = "fn f(x) { while true { if x > 100 { return x }\n x = 3 * x } }"
COUNTED = "fn f(x) { n = 0\n while x > 1 { if n == 3 { return -1 }\n n = n + 1; x = x / 2 }\n return n }"
ALWAYS = "fn f(x) { for t in 0..x { return 10 + t }\n return 5 }"
TWO = "fn g(x) { if x > 1 { return x, 1 }\n return -x, 2 }\nfn f(x) { a, b = g(x)\n return 10 * a + b }"
SHAPES = "fn f(x) { y = 1\n if x > 0 { y = [1, 2]\n return sum(y) }\n return y }"
REST = "fn f(x) { y = 0\n if x > 1 { if x > 2 { return 1 }\n y = [1, 2] } else { y = [3, 4] }\n return sum(y) }"
STOPPED = "fn f(x) { s = 0\n for t in 0..10 { if t == x { return s }\n s = s + t\n assert t < 5 }\n return s }"
RETURNS = [
    *((SIGN, x, wanted) for x, wanted in ((5, 1), (-5, -1), (0, 0))),
    *((GUARD, x, wanted) for x, wanted in ((-3, -1), (4, 8), (6, 10))),
    *((FIND, x, wanted) for x, wanted in ((17, 5), (0, 0), (81, 9), (1000, -1))),
    *((ITEM, x, wanted) for x, wanted in ((0, 2), (4, 5), (7, 0))),
    *((PAIR, x, wanted) for x, wanted in ((34, 12), (0, 0), (44, 16), (99, -1))),
    *((FOREVER, x, wanted) for x, wanted in ((2, 162), (101, 101))),
    *((COUNTED, x, wanted) for x, wanted in ((7.0, 3), (1.0, 0), (9.0, -1))),
    *((ALWAYS, x, wanted) for x, wanted in ((3, 10), (0, 5))),
    *((TWO, x, wanted) for x, wanted in ((3, 31), (-3, 32))),
    *((SHAPES, x, wanted) for x, wanted in ((1, 3), (-1, 1))),
    *((REST, x, wanted) for x, wanted in ((3, 1), (2, 3), (0, 7))),
    (STOPPED, 4, 6),
]


@pytest.mark.parametrize(("function", "x", "wanted"), RETURNS)
def test_returns(function: str, x: Any, wanted: Any) -> None:
    kind = "float" if isinstance(x, float) else "int"
    assert value(f"{function}\ninput x: {kind}\nout = f(x)", x=x) == wanted


@pytest.mark.parametrize(("function", "x", "wanted"), RETURNS)
def test_returns_in_a_loop(function: str, x: Any, wanted: Any) -> None:
    """Called in each step; the literal is seen before the run."""
    assert value(f"{function}\ns = 0\nfor t in 0..3 {{ s = s + f({x}) }}\nout = s") == 3 * wanted


def test_a_name_of_a_side_that_returns_does_not_widen_the_other() -> None:
    text = "fn f(x) { y = 7\n if x > 0 { y = 2.5; return 0 }\n return y // 2 }\ninput x: int\nout = f(x)"
    found = value(text, x=-1)
    assert (found, type(found)) == (3, int)


def test_what_returns_below_a_tensor_of_results() -> None:
    text = "fn f(x) { if x > 0 { return [x, 1], x }\n return [0, 0], -x }\ninput x: int\nv, out = f(x)"
    assert value(text, "v", x=4) == [4, 1]
    assert value(text, "v", x=-4) == [0, 0]
    assert value(text, x=-4) == 4


# ---- types


@pytest.mark.parametrize(
    ("kind", "dtype"), [("f32", "float32"), ("float", "float64"), ("i32", "int32"), ("int", "int64")]
)
def test_a_carry_takes_on_the_type_of_what_it_meets(kind: str, dtype: str) -> None:
    program = parse(f"input xs: {kind}[3]\ns = 0\nfor x in xs {{ s = s + x }}\nv = [0, 0]\nfor x in xs {{ v = v + x }}")
    found = program.eval({"xs": np.array([1, 2, 3], dtype)})
    assert found["s"] == 6
    assert str(program.type_of("s")) == str(program.type_of("v")).removesuffix("[2]") == kind
    assert found["v"].dtype == dtype


def test_a_literal_stays_weak_through_blocks() -> None:
    program = parse(
        "input x: f32\ns = 1\nfor t in 0..3 { s = s * 2 }\nif x > 0 { k = 1 } else { k = 2 }\nout = s * x * k"
    )
    assert str(program.type_of("out")) == "f32"
    assert program.eval({"x": np.float32(0.5)})["out"] == 4


def test_an_f32_and_a_float_meet_in_a_float() -> None:
    program = parse(
        "input a: f32\ninput b: float\nif a > 0 { y = a } else { y = b }\nz = a\nfor t in 0..2 { z = z + b }"
    )
    assert [str(program.type_of(n)) for n in "yz"] == ["float", "float"]
    assert program.eval({"a": np.float32(-1), "b": 2.5}) == {"y": 2.5, "z": 4.0}


# ---- ranges whose ends a run knows


@pytest.mark.parametrize(("a", "b", "wanted"), [(0, 4, 6), (2, 4, 5), (-3, 0, -6), (4, 0, 0), (3, 3, 0)])
def test_ends_that_are_given(a: int, b: int, wanted: int) -> None:
    assert value("input a: int\ninput b: int\nout = 0\nfor t in a..b { out = out + t }", a=a, b=b) == wanted


def test_an_end_of_another_int_type() -> None:
    assert value("input k: i32\nout = 0\nfor t in 1..k { out = out + t }", k=4) == 6


def test_a_trip_count_that_a_loop_computes() -> None:
    assert value("n = 1\nfor t in 0..3 { n = 2 * n }\nout = 0\nfor t in 0..n { out = out + 1 }") == 8


# ---- stacks

READS = {
    "the item": ("input xs: float[n]\ns = 0\nfor t in 0..n { s = 10 * s + xs[t] }\nout = s", 123),
    "by `len`": ("input xs: float[n]\ns = 0\nfor t in 0..len(xs) { s = 10 * s + xs[t] }\nout = s", 123),
    "the next": ("input xs: float[n]\ns = 0\nfor t in 0..n - 1 { s = 10 * s + xs[t + 1] - xs[t] }\nout = s", 11),
    "the one before": ("input xs: float[n]\ns = 0\nfor t in 1..n { s = 10 * s + xs[t - 1] }\nout = s", 12),
    "a constant ahead": ("input xs: float[n]\nk = 1\ns = 0\nfor t in 0..n - 1 { s = 10 * s + xs[k + t] }\nout = s", 23),
    "by a name": ("input xs: float[n]\ns = 0\nfor t in 0..n { u = t; s = 10 * s + xs[u] }\nout = s", 123),
    "on a side": ("input xs: float[n]\ns = 0\nfor t in 0..n { if t > 0 { s = 10 * s + xs[t] } }\nout = s", 23),
    "in a function": (
        "input xs: float[n]\nfn at(v, k) = v[k]\ns = 0\nfor t in 0..n { s = 10 * s + at(xs, t) }\nout = s",
        123,
    ),
    "within a loop within": (
        "input xs: float[n]\ns = 0\nfor t in 0..n { for u in 0..2 { s = 10 * s + xs[t] } }\nout = s",
        112233,
    ),
    "of a row": (
        "input xs: float[n]\nA = [xs, 2*xs]\ns = 0\nfor i in 0..2 { r = A[i]; for j in 0..n { s = s+r[j] } }\nout = s",
        18,
    ),
    "of a part": ("input xs: float[n]\nA = [xs, xs]\ns = 0\nfor t in 0..2 { s = 10 * s + sum(A[t, 1:]) }\nout = s", 55),
}


@pytest.mark.parametrize(("text", "wanted"), READS.values(), ids=READS.keys())
def test_reads_are_items_of_stacks(text: str, wanted: float) -> None:
    assert value(text, xs=np.array([1.0, 2.0, 3.0])) == wanted
    graph = parse(text).graph
    assert "unstack" in ops(graph)
    assert not {"index", "take"} & set(_all(graph))


def _all(graph: Graph) -> list[str]:
    """The ops of a graph and of all graphs in it."""
    inner = [op for at in graph.attrs.values() for g in at.values() if isinstance(g, Graph) for op in _all(g)]
    return [*ops(graph), *inner]


GENERAL = {
    "an end that is given": (
        "input xs: float[n]\ninput k: int = 2\ns = 0\nfor t in 0..k { s = 10 * s + xs[t] }\nout = s",
        12,
    ),
    "a start that is given": (
        "input xs: float[n]\ninput k: int = -2\ns = 0\nfor t in k..n { s = 10 * s + xs[t] }\nout = s",
        23123,
    ),
    "from behind": ("input xs: float[n]\ns = 0\nfor t in -2..2 { s = 10 * s + xs[t] }\nout = s", 2312),
    "another place": ("input xs: float[n]\ns = 0\nfor t in 0..n { s = 10 * s + xs[2 * t - t] }\nout = s", 123),
    "of what the loop carries": ("input xs: float[n]\nv = xs\nfor t in 0..n { v = v + v[t] }\nout = sum(v)", 39),
    "far apart": (
        "x = reshape(0..24, [2, 3, 4])\ns = zeros([2, 3])\nfor t in 0..2 { s = s + x[t, :, [0, 2]] }\nout = s[1, 0]",
        16,
    ),
}


@pytest.mark.parametrize(("text", "wanted"), GENERAL.values(), ids=GENERAL.keys())
def test_other_reads(text: str, wanted: float) -> None:
    given: dict[str, Any] = {"xs": np.array([1.0, 2.0, 3.0])} if "xs" in text else {}
    assert value(text, **given) == wanted


def test_a_range_that_may_leave_the_axis_is_checked_at_the_run() -> None:
    text = "input xs: float[n]\ninput k: int\ns = 0\nfor t in 0..k { s = s + xs[t] }"
    assert code(text, xs=np.ones(3), k=4) == "index-out-of-range"


WRITES = {
    "all": ("ys = zeros([4])\nfor t in 0..4 { ys[t] = t * t }\nout = ys", [0, 1, 4, 9]),
    "some": ("ys = ones([5])\nfor t in 1..3 { ys[t] = 10 * t }\nout = ys", [1, 10, 20, 1, 1]),
    "the first": ("ys = ones([4])\nfor t in 0..2 { ys[t] = 5 }\nout = ys", [5, 5, 1, 1]),
    "the last": ("ys = ones([4])\nfor t in 2..4 { ys[t] = 5 }\nout = ys", [1, 1, 5, 5]),
    "the next": ("ys = zeros([4])\nfor t in 0..3 { ys[t + 1] = 5 }\nout = ys", [0, 5, 5, 5]),
    "rows": ("ys = zeros([2, 2])\nfor t in 0..2 { ys[t] = [t, 7] }\nout = ys", [[0, 7], [1, 7]]),
    "a number for each row": ("ys = zeros([2, 2])\nfor t in 0..2 { ys[t] = t + 1 }\nout = ys", [[1, 1], [2, 2]]),
    "with another carry": (
        "h = 1\nys = zeros([4])\nfor t in 0..4 { h = 2 * h; ys[t] = h }\nout = ys",
        [2, 4, 8, 16],
    ),
    "two": (
        "a = zeros([3])\nb = zeros([3])\nfor t in 0..3 { a[t] = t; b[t] = 2 * t }\nout = a + 10 * b",
        [0, 21, 42],
    ),
    "while another is read": (
        "xs = [1.0, 2, 3]\nys = zeros([3])\nfor t in 0..3 { ys[t] = xs[t] + 1 }\nout = ys",
        [2, 3, 4],
    ),
}


@pytest.mark.parametrize(("text", "wanted"), WRITES.values(), ids=WRITES.keys())
def test_writes_make_stacks(text: str, wanted: Any) -> None:
    assert value(text) == wanted
    graph = parse(text).graph
    assert "restack" in ops(graph)
    assert not {"index", "take", "update", "where"} & set(_all(graph))


OTHER_WRITES = {
    "no step": ("ys = ones([3])\nfor t in 0..0 { ys[t] = 5 }\nout = ys", [1, 1, 1]),
    "what was there is read": ("ys = [1, 2, 3]\nfor t in 0..3 { ys[t] = ys[t] + 10 }\nout = ys", [11, 12, 13]),
    "what was written before is read": (
        "ys = [1, 1, 0, 0, 0, 0]\nfor t in 2..6 { ys[t] = ys[t - 1] + ys[t - 2] }\nout = ys",
        [1, 1, 2, 3, 5, 8],
    ),
    "twice": ("ys = [0, 0, 0]\nfor t in 0..3 { ys[t] = 1; ys[t] = ys[t] + t }\nout = ys", [1, 2, 3]),
    "on a side": ("ys = [0, 0, 0]\nfor t in 0..3 { if t != 1 { ys[t] = 5 } }\nout = ys", [5, 0, 5]),
    "backwards": ("ys = [0, 0, 0]\nfor t in 0..3 { ys[2 - t] = t }\nout = ys", [2, 1, 0]),
    "from behind": ("ys = [0, 0, 0]\nfor t in -1..1 { ys[t] = 5 }\nout = ys", [5, 0, 5]),
    "behind the end, never": ("ys = [0, 0, 0]\nfor t in 12..3 { ys[t] = 5 }\nout = ys", [0, 0, 0]),
    "an element of a row": ("A = zeros([2, 2])\nfor t in 0..2 { A[t, t] = 3 }\nout = A", [[3, 0], [0, 3]]),
    "bound anew before": ("ys = [0, 0]\nfor t in 0..2 { ys = 10 * ys; ys[t] = 1 }\nout = ys", [10, 1]),
    "used after": ("ys = [0, 0]\ns = 0\nfor t in 0..2 { ys[t] = 1; s = s + sum(ys) }\nout = ys + s", [4, 4]),
    "given up": ("ys = [0, 0]\nfor t in 0..2 { ys[t] = 1; ys = ys + 1 }\nout = ys", [3, 2]),
    "in an inner loop": (
        "A = zeros([2, 3])\nfor i in 0..2 { for j in 0..3 { A[i, j] = 10 * i + j } }\nout = A",
        [[0, 1, 2], [10, 11, 12]],
    ),
    "in an inner loop over the same": (
        "ys = [0, 0]\nfor i in 0..2 { for j in 0..2 { ys[j] = i + j } }\nout = ys",
        [1, 2],
    ),
    "by the variable of an outer loop": (
        "ys = [0, 0]\nfor i in 0..2 { for j in 0..3 { ys[i] = 10 * i + j } }\nout = ys",
        [2, 12],
    ),
    "with a return": (
        "fn f(k) { ys = [0, 0, 0]\n for t in 0..3 { if t == k { return ys }\n ys[t] = 1 }\n return ys }\nout = f(2)",
        [1, 1, 0],
    ),
}


@pytest.mark.parametrize(("text", "wanted"), OTHER_WRITES.values(), ids=OTHER_WRITES.keys())
def test_other_writes(text: str, wanted: Any) -> None:
    assert value(text) == wanted


@pytest.mark.parametrize(
    ("kind", "v", "wanted"), [("int", "2.7", [2, 2]), ("bool", "t", [False, True]), ("f32", "0.5", [0.5, 0.5])]
)
def test_what_is_written_takes_on_the_type(kind: str, v: str, wanted: list[Any]) -> None:
    program = parse(f"input xs: {kind}[2]\nys = xs\nfor t in 0..2 {{ ys[t] = {v} }}\noutput ys")
    assert str(program.type_of("ys")) == f"{kind}[2]"
    assert program.eval({"xs": np.zeros(2, "float32" if kind == "f32" else kind)})["ys"].tolist() == wanted


def test_a_range_of_named_sizes_that_runs_backwards_writes_nothing() -> None:
    text = "input a: float[n]\ninput b: float[m]\nys = 1 * b\nfor t in n..m { ys[t] = 0 }\nout = ys"
    assert value(text, a=np.ones(5), b=np.ones(3)) == [1, 1, 1]
    assert value(text, a=np.ones(1), b=np.ones(3)) == [1, 0, 0]
    assert value(text, a=np.ones(3), b=np.ones(3)) == [1, 1, 1]


@pytest.mark.parametrize(("n", "wanted"), [(4, [9, 0, 1, 2]), (1, [9]), (0, [])])
def test_a_range_from_the_second_item_on_may_be_empty(n: int, wanted: list[float]) -> None:
    text = "input a: float[n]\nys = a\nfor t in 1..n { ys[t] = t - 1 }\nout = ys"
    assert value(text, a=np.full(n, 9.0)) == wanted
    assert "restack" in ops(parse(text).graph)


@pytest.mark.parametrize("k", [-3, -2, -1, 0, 2])
def test_a_range_by_an_int_input_that_may_be_negative(k: int) -> None:
    """`k + 3` items, of which the range leaves out the last: none where k is -3 or -2."""
    text = (
        "input k: int\nys = ones([k + 3])\ns = 0\nfor t in 0..k + 2 { s = s + ys[t] }\nfor t in 0..k + 2 { ys[t] = 5 }"
    )
    program = parse(text + "\noutput s, ys")
    found = program.eval({"k": k})
    assert found["s"] == max(0, k + 2)
    assert found["ys"].tolist() == [5.0] * max(0, k + 2) + [1.0] * (k + 3 - max(0, k + 2))


def test_an_int_input_that_is_a_size_makes_stacks() -> None:
    text = "input k: int = 3\ninput xs: float[k] = [1, 2, 4]\ns = 0\nfor t in 0..k - 1 { s = s + xs[t + 1] - xs[t] }"
    assert value(text, "s") == 3
    assert not {"index", "take"} & set(_all(parse(text).graph))


# ---- what a body that was lowered twice leaves behind


def test_a_warning_is_told_once() -> None:
    program = parse("x = 1.0\ns = 0\nfor t in 0..3 { s = s + grad(2.0, x) }")
    assert [d.code for d in program.warnings] == ["zero-derivative"]


def test_loops_in_loops_are_lowered_few_times() -> None:
    """Each has a name of its own whose type widens; to begin anew at each level would take 2^30 bodies."""
    depth = 30
    lines = [f"s{k} = 0\nfor t{k} in 0..1 {{" for k in range(depth)]
    body = "\n".join(f"s{k} = s{k} + 0.5" for k in range(depth))
    text = "\n".join(lines) + "\n" + body + "\n" + "}" * depth + "\nout = s0"
    assert value(text) == 0.5


def test_dropout_draws_what_it_would_have_drawn() -> None:
    """A body that is lowered again begins with the same numbers."""
    head = "import nn\ninput training: bool = true\ninput step: int = 0\nx = ones([50])\n"
    first = value(head + "s = 0\nfor t in 0..1 { s = s + 0.5 * sum(nn.dropout(x, 0.5)) }\nout = s")
    second = value(head + "s = 0.0\nfor t in 0..1 { s = s + 0.5 * sum(nn.dropout(x, 0.5)) }\nout = s")
    assert first == second != 25


def test_what_nothing_needs_does_not_enter_a_loop() -> None:
    graph = parse("input xs: float[n]\nys = zeros([n])\nfor t in 0..n { ys[t] = 2 * xs[t] }\noutput ys").graph
    (at,) = [at for i, at in graph.attrs.items() if opname(graph.op[i]) == "loop"]
    assert (at["carries"], at["invariants"]) == (0, 0)
    assert ops(graph, "body") == ["input", "input", "const", "mul"]


# ---- derivatives

GRADS = {
    "through a loop": ("input x\ny = 1\nfor t in 0..3 { y = y * x }\nout = grad(y, x)", 12.0),
    "through a `while`": ("input x\ny = x\nwhile y < 10 { y = y * x }\nout = grad(y, x)", 32.0),
    "through sides": ("input x\nif x > 1 { y = x^2 } else { y = x }\nout = grad(y, x)", 4.0),
    "through a return": ("input x\nfn f(a) { if a > 1 { return a^3 }\n return a }\ny = f(x)\nout = grad(y, x)", 12.0),
    "through a return in a loop": (
        "input x\nfn f(a) { p = a; for t in 0..9 { if p > 10 { return p }; p = p*a }; return p }\nout = grad(f(x), x)",
        32.0,
    ),
    "in a loop": ("input x\nw = x\nfor t in 0..2 { w = w - 0.25 * grad(w^2, w) }\nout = w", 0.5),
    "by what the step makes": ("input x\ns = 0\nfor t in 0..3 { v = t * x; s = s + grad(v^2, v) }\nout = s", 12.0),
    "on a side": ("input x\ny = x^2\nif x > 1 { out = grad(y, x) } else { out = 0 }", 4.0),
    "of a derivative in a loop": (
        "input x\nw = x\nfor t in 0..2 { w = w - 0.25 * grad(w^2, w) }\nout = grad(w, x)",
        0.25,
    ),
    "by what is outside, over items": (
        "input x\ng = 0\nfor v in [1.0, 2, 3] { g = g + grad((x * v - 1)^2, x) }\nout = g",
        44.0,
    ),
    "by what is outside, over places": (
        "input x\nvs = [1.0, 2, 3]\ng = 0\nfor t in 0..3 { if t > 0 { g = g + grad(vs[t] * x^2, x) } }\nout = g",
        20.0,
    ),
    "through a loop in a loop": (
        "input x\nout = 0\nfor t in 0..3 { z = x; for k in 0..2 { z = z * x }; out = out + grad(z, x) }",
        36.0,
    ),
    "through a stack": ("input x\nys = zeros([3])\nfor t in 0..3 { ys[t] = x^t }\nout = grad(sum(ys), x)", 5.0),
    "in a condition": ("input x\nw = x\nwhile abs(grad(w^2, w)) > 1 { w = w / 2 }\nout = w", 0.5),
}


@pytest.mark.parametrize(("text", "wanted"), GRADS.values(), ids=GRADS.keys())
def test_derivatives(text: str, wanted: float) -> None:
    assert value(text, x=2.0) == pytest.approx(wanted, rel=1e-15)


# ---- names


def test_outputs_of_blocks() -> None:
    text = "x = 3\nif x > 2 { y = 1 } else { y = 2 }\nz = 0\nfor t in 0..x { z = z + t }\nassert z == 3"
    assert parse(text).outputs == ("y", "z")


def test_inputs_of_blocks() -> None:
    program = parse("s = 0\nfor t in 0..3 { if t > low { s = s + step } }\nassert s < most")
    assert tuple(i.name for i in program.inputs) == ("low", "step", "most")


def test_a_function_sees_what_one_block_binds() -> None:
    assert value("x = 3\nif x > 2 { k = 10 } else { k = 20 }\nfn f(a) = k * a\nout = f(2)") == 20


WRONG = {
    "a name of one side": ("x = 1\nif x > 0 { y = 1 }\nz = y", "bound-in-one-branch"),
    "of one side in a function": ("fn f(x) { if x > 0 { y = 1 }\n return y }\nz = f(1)", "bound-in-one-branch"),
    "a name of a loop": ("for t in 0..3 { y = t }\nz = y", "bound-in-loop"),
    "a name of a step": ("s = 0\nfor t in 0..3 { y = t; s = s + y }\nz = y", "bound-in-loop"),
    "the loop's variable": ("s = 0\nfor t in 0..3 { s = s + t }\nz = t", "loop-variable-after"),
    "a name before it is bound": ("s = 0\nfor t in 0..3 { s = s + y; y = t }", "used-before-binding"),
    "a value that a loop binds again": (
        "s = 0\nfn f() = s\nfor t in 0..3 { s = s + t }\nz = f()",
        "global-bound-again",
    ),
    "no return at the end": ("fn f(x) { if x > 0 { return 1 } }\nz = f(1)", "no-return"),
    "no return behind a loop": ("fn f(x) { for t in 0..3 { return t } }\nz = f(1)", "no-return"),
    "a return at the top level": ("if true { return 1 }", "return-outside"),
    "returns that differ": ("fn f(x) { if x > 0 { return 1, 2 }\n return 1 }\nz = f(1)", "returns-differ"),
    "shapes of returns": ("fn f(x) { if x > 0 { return [1, 2] }\n return 1 }\nz = f(1)", "sides-shapes-of"),
    "shapes of sides": ("x = 1\nif x > 0 { y = [1, 2] } else { y = 1 }\nz = y", "sides-shapes-of"),
    "a shape that changes": ("y = [1]\nfor t in 0..3 { y = concat([y, y]) }", "carry-shape"),
    "a loop for nothing": ("for t in 0..3 { y = t }", "loop-for-nothing"),
    "an empty loop": ("for t in 0..3 { }", "loop-for-nothing"),
    "a loop that changes its variable alone": ("s = 1\nfor s in 0..3 { s = s + 1 }", "loop-for-nothing"),
    "a function in a block": ("input a\nif a > 0 { fn f(q) = q }", "declaration-in-block"),
    "an input in a block": ("input a\nif a > 0 { input q: float[m] = 3 }", "declaration-in-block"),
    "an item that depends on it": (
        "w = 2.0\nv = w * [1, 2]\ns = 0\nfor x in v { s = s + grad(x^2, w) }",
        "derivative-through-item",
    ),
    "what earlier steps made of it": (
        "a = 2.0\nw = 1.0\nfor t in 0..3 { w = w - grad(a * w, a) }",
        "derivative-through-loop",
    ),
    "a bare expression": ("x = 1\nif x > 0 { x + 1 }", "computes-nothing"),
    "a number to go over": ("s = 0\nfor t in 3 { s = s + t }", "not-iterable"),
    "a float in a range": ("s = 0\nfor t in 0..2.5 { s = s + t }", "range-end"),
    "a condition that is no bool": ("s = 0\nwhile s { s = s + 1 }", "condition-not-bool"),
    "an assert of a tensor": ("assert [1, 2] > 0", "condition-not-scalar"),
    "an input bound in a block": ("input x\nif x > 0 { x = 1 }", "input-bound-again"),
    "a size that a step changes": ("xs = [1, 2]\ns = 0\nfor t in 0..2 { s = s + sum(xs[0..t]) }", "not-a-size"),
    "a size that a loop carries": ("xs = [1, 2]\nk = 0\nfor t in 0..2 { k = k + len(xs[0..k]) }", "not-a-size"),
    "an assert that fails": ('x = 1\nassert x > 1, "large"', "assertion-failed"),
    "an assert in a step": ("s = 0\nfor t in 0..3 { assert t < 2; s = s + t }", "assertion-failed-plain"),
    "recursion in a loop": ("fn f(x) { s = 0\n for t in 0..x { s = s + f(t) }\n return s }\nz = f(3)", "recursion"),
}


@pytest.mark.parametrize(("text", "wanted"), WRONG.values(), ids=WRONG.keys())
def test_mistakes(text: str, wanted: str) -> None:
    assert code(text) == wanted


def test_all_mistakes_in_names_come_together() -> None:
    with pytest.raises(CgError) as caught:
        parse("x = 1\nif x > 0 { y = 1 }\nfor t in 0..3 { w = t }\nz = y + w + t")
    assert [d.code for d in caught.value.diagnostics] == ["bound-in-one-branch", "bound-in-loop", "loop-variable-after"]


# ---- keeping and nesting


def test_blocks_of_an_imported_file(tmp_path: Path) -> None:
    (tmp_path / "lib.cg").write_text(
        "last = 1\nwhile last < 10 { last = last * 2 }\nif last > 10 { big = true } else { big = false }\n"
        "assert last == 16\nfn place(xs, x) { for t in 0..len(xs) { if xs[t] == x { return t } }\n return -1 }\n"
    )
    text = 'import "lib.cg"\na = lib.last\nb = lib.big\nc = lib.place([5, 6, 7], 7)\nd = lib.place([5], 7)'
    assert parse(text, folder=tmp_path).eval({}) == {"a": 16, "b": True, "c": 2, "d": -1}


@pytest.mark.parametrize(
    "text", [text for text, _ in (*TOP.values(), *READS.values(), *WRITES.values(), *GRADS.values())]
)
def test_a_kept_program_is_the_same(text: str) -> None:
    program = parse(text)
    module = program.module
    kept = restore(dump(module, [module.source]), [module.source])
    assert kept.graph == module.graph
    assert str(kept.graph) == str(module.graph)
    assert (kept.outputs, kept.values, kept.docs) == (module.outputs, module.values, module.docs)


@pytest.mark.parametrize("kind", ["if true {", "for t in 0..1 {", "while s < 1 {"])
def test_blocks_nest_a_hundred_deep(kind: str) -> None:
    assert value("s = 0\n" + kind * 99 + " s = s + 1 " + "}" * 99 + "\nout = s") == 1
    assert code("s = 0\n" + kind * 101 + " s = s + 1 " + "}" * 101) == "nested-too-deep"


def test_a_function_with_many_returns() -> None:
    guards = "".join(f" if x == {k} {{ return {k * k} }}\n" for k in range(80))
    assert value(f"fn f(x) {{\n{guards} return -1 }}\ninput x: int\nout = f(x)", x=57) == 57 * 57
