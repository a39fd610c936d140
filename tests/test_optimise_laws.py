"""Every algebraic identity, one by one: an exact one is applied and keeps every bit of every special value; one that is
not exact is left alone unless it is asked for, and here is the input that shows why."""

import itertools
import math
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from executors import ArrayExecutor, ScalarExecutor
from random_graphs import bits

from cgcli.graph.graph import Graph
from cgcli.graph.sizes import floor_div
from cgcli.graph.types import BOOL, FLOAT, INT, Type
from cgcli.ops.array_kernels import DTYPES
from cgcli.ops.builder import Builder
from cgcli.ops.validity import check
from cgcli.optimise.algebra import algebra, fast_algebra
from cgcli.optimise.identities import IDENTITIES
from cgcli.optimise.passes import Log
from cgcli.optimise.shape_identities import SHAPE_IDENTITIES

F32 = Type("f32")
I32 = Type("i32")
MATRIX = Type("float", (2, 3))
FLOATS = (
    *(0.0, -0.0, 1.0, -1.0, 2.0, 0.1, -3.7, 1e16, -1e16, math.pi, math.inf, -math.inf, math.nan),
    *(1.7976931348623157e308, -1.7976931348623157e308, 5e-324, -5e-324, 2.2250738585072014e-308, 1e-310, 3.4e38, 1e-45),
)
INTS = (0, 1, -1, 2, 7, -8, 2**31 - 1, -(2**31))
Make = Callable[..., int]


class Case(NamedTuple):
    """A node that an identity is about, `make(b, *inputs)`, and what it becomes: an op, or `input`, or `const`."""

    law: str
    make: Make
    becomes: str
    types: tuple[Type, ...] = (FLOAT, FLOAT)


def c(b: Builder, value: Any, t: Type | None = None) -> int:
    return b.const(value, t)


EXACT = [
    Case("x + -0.0 = x", lambda b, x, y: b.add(x, -0.0), "input"),
    Case("x + -0.0 = x", lambda b, x, y: b.add(-0.0, x), "input", (F32, F32)),
    Case("n + 0 = n for ints", lambda b, x, y: b.add(c(b, 0), x), "input", (INT, INT)),
    Case("x + -y = x - y", lambda b, x, y: b.add(x, b.neg(y)), "sub"),
    Case("x + -y = x - y", lambda b, x, y: b.add(b.neg(y), x), "sub", (F32, F32)),
    Case("x - +0.0 = x", lambda b, x, y: b.sub(x, 0.0), "input"),
    Case("x - +0.0 = x", lambda b, x, y: b.sub(x, c(b, 0)), "input", (INT, INT)),
    Case("-0.0 - y = -y", lambda b, x, y: b.sub(-0.0, y), "neg"),
    Case("x - -y = x + y", lambda b, x, y: b.sub(x, b.neg(y)), "add"),
    Case("n - n = 0 for ints", lambda b, x, y: b.sub(x, x), "const", (INT, INT)),
    Case("0 * n = 0 for ints", lambda b, x, y: b.mul(x, c(b, 0)), "const", (INT, INT)),
    Case("1 * y = y", lambda b, x, y: b.mul(1.0, y), "input"),
    Case("1 * y = y", lambda b, x, y: b.mul(y, c(b, 1)), "input", (F32, F32)),
    Case("1 * y = y", lambda b, x, y: b.mul(y, c(b, 1)), "input", (INT, I32)),
    Case("-1 * y = -y", lambda b, x, y: b.mul(y, -1.0), "neg"),
    Case("-x * -y = x * y", lambda b, x, y: b.mul(b.neg(x), b.neg(y)), "mul"),
    Case("-x * c = x * -c", lambda b, x, y: b.mul(b.neg(x), 0.1), "mul"),
    Case("-x * c = x * -c", lambda b, x, y: b.mul(0.1, b.neg(x)), "mul", (F32, F32)),
    Case("x / 1 = x", lambda b, x, y: b.div(x, c(b, 1)), "input"),
    Case("x / -1 = -x", lambda b, x, y: b.div(x, -1.0), "neg"),
    Case("x / 2^k = x * 2^-k", lambda b, x, y: b.div(x, 8.0), "mul"),
    Case("x / 2^k = x * 2^-k", lambda b, x, y: b.div(x, -(2.0**-126)), "mul"),
    Case("x / 2^k = x * 2^-k", lambda b, x, y: b.div(x, 2.0**126), "mul", (F32, F32)),
    Case("x / 2^k = x * 2^-k", lambda b, x, y: b.div(x, c(b, 2)), "mul", (F32, F32)),
    Case("-x / -y = x / y", lambda b, x, y: b.div(b.neg(x), b.neg(y)), "div"),
    Case("-(-x) = x", lambda b, x, y: b.neg(b.neg(x)), "input"),
    Case("n // 1 = n for ints", lambda b, x, y: b.floor_div(x, c(b, 1)), "input", (INT, INT)),
    Case("x^1 = x", lambda b, x, y: b.power(x, 1.0), "input"),
    Case("x^0 = 1", lambda b, x, y: b.power(x, 0.0), "const"),
    Case("x^0 = 1", lambda b, x, y: b.power(x, -0.0), "const", (F32, F32)),
    Case("not not p = p", lambda b, x, y: b.not_(b.not_(x)), "input", (BOOL, BOOL)),
    Case("not (x == y) = (x != y)", lambda b, x, y: b.not_(b.eq(x, y)), "ne"),
    Case("not (x == y) = (x != y)", lambda b, x, y: b.not_(b.ne(x, y)), "eq"),
    Case("where(true, x, y) = x", lambda b, x, y: b.where(c(b, True), x, y), "input"),
    Case("where(true, x, y) = x", lambda b, x, y: b.where(c(b, False), x, 0.5), "const"),
    Case("where(c, x, x) = x", lambda b, x, y: b.where(b.lt(x, y), x, x), "input"),
    Case("where(not c, x, y) = where(c, y, x)", lambda b, x, y: b.where(b.not_(b.lt(x, y)), x, y), "where"),
    Case(
        "where(c, where(c, x, y), z) = where(c, x, z)",
        lambda b, x, y: (lambda p: b.where(p, b.where(p, x, y), 7.0))(b.lt(x, y)),
        "where",
    ),
    Case(
        "where(c, where(c, x, y), z) = where(c, x, z)",
        lambda b, x, y: (lambda p: b.where(p, 7.0, b.where(p, x, y)))(b.lt(x, y)),
        "where",
    ),
    Case(
        "a bool as a number differs from 0 where it is true",
        lambda b, x, y: b.ne(b.cast(x, dtype="float"), c(b, 0)),
        "input",
        (BOOL, BOOL),
    ),
    Case(
        "of equal elements one is true if each is, of none none",
        lambda b, x, y: b.apply("any", b.expand(x, shape=(2, 3)), axes=(-1, -2), keepdims=False),
        "input",
        (BOOL, MATRIX),
    ),
    Case(
        "of equal elements all are true if each is, of none all",
        lambda b, x, y: b.apply("all", b.expand(x, shape=(2, 3)), axes=(-1,), keepdims=True),
        "expand",
        (BOOL, MATRIX),
    ),
    Case("where(c, true, false) = c", lambda b, x, y: b.where(x, c(b, True), c(b, False)), "input", (BOOL, BOOL)),
    Case("where(c, true, false) = c", lambda b, x, y: b.where(x, c(b, False), c(b, True)), "not", (BOOL, BOOL)),
    Case("true and q = q; false and q = false", lambda b, x, y: b.and_(c(b, True), x), "input", (BOOL, BOOL)),
    Case("true and q = q; false and q = false", lambda b, x, y: b.and_(x, c(b, False)), "const", (BOOL, BOOL)),
    Case("true or q = true; false or q = q", lambda b, x, y: b.or_(x, c(b, True)), "const", (BOOL, BOOL)),
    Case("true or q = true; false or q = q", lambda b, x, y: b.or_(c(b, False), x), "input", (BOOL, BOOL)),
    Case("p and p = p", lambda b, x, y: b.and_(x, x), "input", (BOOL, BOOL)),
    Case("p or p = p", lambda b, x, y: b.or_(x, x), "input", (BOOL, BOOL)),
    Case("x < x is false", lambda b, x, y: b.lt(x, x), "const"),
    Case("x > x is false", lambda b, x, y: b.gt(x, x), "const"),
    Case("n == n is true for ints", lambda b, x, y: b.eq(x, x), "const", (INT, INT)),
    Case("n <= n is true for ints", lambda b, x, y: b.le(x, x), "const", (INT, INT)),
    Case("n >= n is true for ints", lambda b, x, y: b.ge(x, x), "const", (INT, INT)),
    Case("a copy of x is x", lambda b, x, y: b.copy(x), "input"),
    Case("stop_gradient(x) = x, once derivatives are taken", lambda b, x, y: b.stop_gradient(x), "input"),
    Case("x cast to its own type is x", lambda b, x, y: b.cast(x, dtype="float"), "input"),
    Case(
        "x cast to its own type is x",
        lambda b, x, y: b.cast(b.cast(x, dtype="float"), dtype="f32"),
        "input",
        (F32, F32),
    ),
    *(
        Case(f"{name}({name}(x)) = {name}(x)", lambda b, x, y, name=name: b.apply(name, b.apply(name, x)), name)
        for name in ("floor", "ceil", "round", "sign", "abs")
    ),
    Case("abs(-x) = abs(x)", lambda b, x, y: b.abs(b.neg(x)), "abs"),
    Case("max(x, x) = x", lambda b, x, y: b.max(x, x, x), "input"),
    Case("min(x, x) = x", lambda b, x, y: b.min(x, x), "input"),
    # ops that move elements
    Case("broadcast to its own shape is x", lambda b, x, y: b.expand(x, shape=(2, 3)), "input", (MATRIX, FLOAT)),
    Case("reshape to its own shape is x", lambda b, x, y: b.reshape(x, shape=(2, 3)), "input", (MATRIX, FLOAT)),
    Case("a shape that is known needs no check", lambda b, x, y: b.match(x, shape=(2, 3)), "input", (MATRIX, FLOAT)),
    Case(
        "broadcast(broadcast(x)) = broadcast(x)",
        lambda b, x, y: b.expand(b.expand(x, shape=(2, 3)), shape=(4, 2, 3)),
        "expand",
        (Type("float", (3,)), FLOAT),
    ),
    Case(
        "axes of size 1 in front need not be there to be repeated",
        lambda b, x, y: b.expand(b.expand_dims(x, axes=(-3, -2)), shape=(4, 2, 3)),
        "expand",
        (Type("float", (3,)), FLOAT),
    ),
    Case(
        "reshape(reshape(x)) = reshape(x)",
        lambda b, x, y: b.reshape(b.reshape(x, shape=(6,)), shape=(3, 2)),
        "reshape",
        (MATRIX, FLOAT),
    ),
    Case("axes in their order are x", lambda b, x, y: b.permute(x, axes=(-2, -1)), "input", (MATRIX, FLOAT)),
    Case(
        "permute(permute(x)) is one permutation",
        lambda b, x, y: b.permute(b.permute(x, axes=(-1, -2)), axes=(-1, -2)),
        "input",
        (MATRIX, FLOAT),
    ),
    Case(
        "permute(permute(x)) is one permutation",
        lambda b, x, y: b.permute(b.permute(x, axes=(-1, -2)), axes=(-2, -1, -3)),
        "permute",
        (Type("float", (2, 3, 4)), FLOAT),
    ),
    Case(
        "an axis that came goes again",
        lambda b, x, y: b.squeeze(b.expand_dims(x, axes=(-2,)), axes=(-2,)),
        "input",
        (MATRIX, FLOAT),
    ),
    Case(
        "an axis that went comes again",
        lambda b, x, y: b.expand_dims(b.squeeze(x, axes=(-2,)), axes=(-2,)),
        "input",
        (Type("float", (2, 1, 3)), FLOAT),
    ),
    Case(
        "the whole of x is x", lambda b, x, y: b.slice(x, starts=(0,), steps=(1,), sizes=(3,)), "input", (MATRIX, FLOAT)
    ),
    Case(
        "x within nothing is x", lambda b, x, y: b.pad(x, starts=(0,), steps=(1,), sizes=(3,)), "input", (MATRIX, FLOAT)
    ),
    Case("one part is the whole", lambda b, x, y: b.concat(x, axis=-1), "input", (MATRIX, FLOAT)),
    Case("x^1 = x", lambda b, x, y: b.fixed_power(x, exponent=1), "input"),
    Case("x^1 = x", lambda b, x, y: b.fixed_power(x, exponent=1.0), "input", (F32, F32)),
    Case("x^0 = 1", lambda b, x, y: b.fixed_power(x, exponent=0), "const"),
    Case("x^0 = 1", lambda b, x, y: b.fixed_power(x, exponent=0), "const", (INT, INT)),
    *[
        Case("x^2 = x * x, x^3 and x^4 likewise", lambda b, x, y, n=n: b.fixed_power(x, exponent=n), "mul", (t, t))
        for n in (2, 3, 4, 2.0, 3.0, 4.0)
        for t in (FLOAT, F32)
    ],
]

LEFT_ALONE = [
    ("n + 0.0", lambda b, x, y: b.add(x, 0.0)),
    ("x - -0.0", lambda b, x, y: b.sub(x, -0.0)),
    ("-(-n), which may leave the range", lambda b, x, y: b.neg(b.neg(b.cast(x, dtype="int")))),
    ("a reversed whole", lambda b, x, y: b.slice(b.expand(x, shape=(3,)), starts=(2,), steps=(-1,), sizes=(3,))),
    ("x / 3", lambda b, x, y: b.div(x, 3.0)),
    ("x / 2^-1074, whose inverse is no number", lambda b, x, y: b.div(x, 5e-324)),
    ("le of equals, which nan is not", lambda b, x, y: b.le(x, x)),
    ("relu(relu(x)) of a negative zero", lambda b, x, y: b.relu(x)),
    ("a cast to f32 and back", lambda b, x, y: b.cast(b.cast(x, dtype="f32"), dtype="float")),
    ("floor(-x)", lambda b, x, y: b.floor(b.neg(x))),
]


class Inexact(NamedTuple):
    law: str
    make: Make
    at: tuple[float, float]  # where the identity gives other bits


INEXACT = [
    Inexact("x + 0 = x", lambda b, x, y: b.add(x, 0.0), (-0.0, 0.0)),
    Inexact("x - -0.0 = x", lambda b, x, y: b.sub(x, -0.0), (-0.0, 0.0)),
    Inexact("0 - y = -y", lambda b, x, y: b.sub(0.0, x), (0.0, 0.0)),
    Inexact("x - x = 0", lambda b, x, y: b.sub(x, x), (math.inf, 0.0)),
    Inexact("0 * y = 0", lambda b, x, y: b.mul(0.0, x), (-1.0, 0.0)),
    Inexact("0 / y = 0", lambda b, x, y: b.div(0.0, x), (0.0, 0.0)),
    Inexact("x / x = 1", lambda b, x, y: b.div(x, x), (0.0, 0.0)),
    Inexact("x / c = x * (1 / c)", lambda b, x, y: b.div(x, 3.0), (5.0, 0.0)),
    Inexact("a * (b / a) = b", lambda b, x, y: b.mul(x, b.div(y, x)), (0.0, 1.0)),
    Inexact("c * (d * z) = (c d) * z", lambda b, x, y: b.mul(1e200, b.mul(1e100, x)), (1e-120, 0.0)),
    Inexact("c + (d + z) = (c + d) + z", lambda b, x, y: b.add(1.0, b.add(0.5, x)), (1.2e-16, 0.0)),
    Inexact("log(exp(x)) = x", lambda b, x, y: b.log(b.exp(x)), (1000.0, 0.0)),
    Inexact("exp(log(x)) = x", lambda b, x, y: b.exp(b.log(x)), (-1.0, 0.0)),
    Inexact("-(x - y) = y - x", lambda b, x, y: b.neg(b.sub(x, y)), (1.0, 1.0)),
    Inexact("x^-1 = 1 / x", lambda b, x, y: b.fixed_power(x, exponent=-1), (0.0, 0.0)),
    Inexact("x^0.5 = sqrt(x)", lambda b, x, y: b.fixed_power(x, exponent=0.5), (-math.inf, 0.0)),
]
BITS_ALIKE = ("x^-1 = 1 / x",)
"""Of these, whether a bit differs depends on the library whose power it is."""


def built(make: Make, types: tuple[Type, ...]) -> Graph:
    b = Builder()
    inputs = [b.input(t, name) for t, name in zip(types, "xy", strict=True)]
    return b.done(make(b, *inputs))


def special(t: Type) -> list[Any]:
    if t.dtype == "bool":
        return [False, True]
    if t.is_int:
        return list(INTS)
    if t.dtype == "f32":
        with np.errstate(over="ignore"):
            return [float(np.float32(x)) for x in FLOATS]
    return list(FLOATS)


def outcome(graph: Graph, point: tuple[Any, ...]) -> bytes:
    return bits(ScalarExecutor(graph).forward(point)[graph.outputs[0]])


def in_arrays(graph: Graph, points: list[list[Any]]) -> bytes:
    """The graph with a whole column of values for each input."""
    lifted = Graph(
        **{
            **vars_of(graph),
            "types": tuple(t._replace(shape=(len(points[0]),)) if not t.weak else t for t in graph.types),
        }
    )
    columns = [np.array(p, dtype=DTYPES[graph.type_of(i).dtype]) for p, i in zip(points, graph.inputs, strict=True)]
    found = ArrayExecutor(lifted).forward(columns, {})[graph.outputs[0]]
    return bits(np.broadcast_to(found, (len(points[0]),)))


def vars_of(graph: Graph) -> dict[str, Any]:
    names = ("op", "a", "b", "type", "span", "group", "more", "attrs", "names", "types", "inputs", "outputs")
    return {name: getattr(graph, name) for name in names}


@pytest.mark.parametrize("case", EXACT, ids=lambda case: f"{case.law} {case.types[0]}")
def test_an_exact_identity_is_applied_and_keeps_every_bit(case: Case) -> None:
    graph = built(case.make, case.types)
    log = Log()
    after = algebra.run(graph, log)
    check(after)
    assert any(sentence.endswith(f": {case.law}") for sentence in log.sentences)
    assert after[after.outputs[0]].op == case.becomes
    assert after.type_of(after.outputs[0]) == graph.type_of(graph.outputs[0])
    if any(t.shape for t in case.types):
        values = [np.arange(math.prod(t.shape), dtype=float).reshape(t.shape) for t in case.types]
        before, now = (ArrayExecutor(g).forward(values, {})[g.outputs[0]] for g in (graph, after))
        assert bits(before) == bits(now)
        return
    points = list(itertools.product(*(special(t) for t in case.types)))
    for point in points:
        assert outcome(graph, point) == outcome(after, point), point
    if all(t.is_float for t in case.types):
        rng = np.random.default_rng(3)
        for scale in (1.0, 1e300, 1e-300):
            with np.errstate(over="ignore", under="ignore"):
                more = [rng.normal(size=500) * scale for _ in case.types]
                columns = [[*(p[k] for p in points), *more[k].tolist()] for k in range(len(case.types))]
                columns = [
                    np.array(x, dtype=DTYPES[t.dtype]).tolist() for x, t in zip(columns, case.types, strict=True)
                ]
            assert in_arrays(graph, columns) == in_arrays(after, columns)


def test_every_exact_identity_is_tried() -> None:
    rows = {row.law for row in IDENTITIES if row.exact and row.values}
    rows |= {law for table in SHAPE_IDENTITIES.values() for law, _, exact in table if exact}
    assert rows == {case.law for case in EXACT}


@pytest.mark.parametrize(("what", "make"), LEFT_ALONE, ids=[what for what, _ in LEFT_ALONE])
def test_what_would_change_a_bit_is_left_alone(what: str, make: Make) -> None:
    graph = built(make, (FLOAT, FLOAT))
    assert algebra.run(graph) is graph


@pytest.mark.parametrize("case", INEXACT, ids=lambda case: case.law)
def test_an_inexact_identity_waits_until_it_is_asked_for(case: Inexact) -> None:
    graph = built(case.make, (FLOAT, FLOAT))
    kept = algebra.run(graph)
    assert outcome(kept, case.at) == outcome(graph, case.at)
    log = Log()
    after = fast_algebra.run(graph, log)
    check(after)
    assert any(sentence.endswith(f": {case.law}") for sentence in log.sentences)
    assert case.law in BITS_ALIKE or outcome(after, case.at) != outcome(graph, case.at)
    ordinary = (0.7, 1.3)
    before, now = (ScalarExecutor(g).forward(ordinary)[g.outputs[0]] for g in (graph, after))
    assert now == pytest.approx(before, rel=2.0**-50)  # a few roundings of numbers near 1


def test_every_inexact_identity_is_tried() -> None:
    rows = {row.law for row in IDENTITIES if not row.exact and row.values}
    rows |= {law for table in SHAPE_IDENTITIES.values() for law, _, exact in table if not exact}
    assert rows == {case.law for case in INEXACT}


def test_a_size_check_is_not_lost() -> None:
    """Whether n is even only the run can say; a reshape to n alone would not ask."""
    b = Builder()
    x = b.input(Type("float", ("n",)), "x")
    graph = b.done(b.reshape(b.reshape(x, shape=(2, floor_div("n", 2))), shape=("n",)))
    assert algebra.run(graph) is graph


def test_f32_is_rounded_where_it_was() -> None:
    """A constant that no f32 is stays what it was: as an array it would be rounded elsewhere."""
    b = Builder()
    x = b.input(Type("f32", (3,)), "x")
    y = b.mul(x, b.expand(b.const(0.1), shape=(3,)))
    graph = b.done(y)
    after = algebra.run(graph)
    value = np.array([struct.unpack("f", struct.pack("f", v))[0] for v in (0.1, 7.3, 1e-30)], dtype=np.float32)
    before, now = (ArrayExecutor(g).forward([value], {})[g.outputs[0]] for g in (graph, after))
    assert bits(before) == bits(now)
