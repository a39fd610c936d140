"""Algebraic identities that make a derivative short enough to read.

They hold for real numbers; a few change a NaN, an infinity or the last bit (`x * 0`, `c * (d * x)`), so this pass
serves text that is read, never values that are computed. The table is `identities`; here stand those of its rows that
only make a formula shorter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cgcli.graph.graph import INPUT, Graph, nested, opname
from cgcli.graph.sizes import Shape
from cgcli.graph.traversal import prune
from cgcli.ops.arithmetic import IntegerDivisionByZero
from cgcli.ops.builder import Builder
from cgcli.ops.evaluate import evaluate
from cgcli.ops.numbers import Overflow
from cgcli.ops.op import Attrs, Structured
from cgcli.ops.table import BY_CODE
from cgcli.ops.typing import one, single

from .identities import IDENTITIES, Number, RewriteRule, Terms, identity
from .shape_identities import REARRANGING


def simplify(graph: Graph, known: Mapping[int, float | int | bool] | None = None) -> tuple[Graph, list[int]]:
    """The graph after the identities below, and where each node went; nodes that have a name stay what they are.

    known: inputs whose value is a constant. Recursion only into structured nodes.
    """
    b = _Text()
    b.share()
    where: list[int] = []
    for i, code in enumerate(graph.op):
        operands = tuple(where[x] for x in graph.operands(i))
        if code == INPUT:
            where.append(b.input(single(graph.type_of(i)), graph.names.get(i)))
            if known and i in known:
                where[i] = b.const(known[i], one(graph.type_of(i)))
        elif i in graph.names:
            where.append(b.place(code, operands, b.intern_type(graph.type_of(i)), graph.attrs.get(i, {}), merge=False))
            b.names[where[-1]] = graph.names[i]
        else:
            where.append(_place(b, graph, i, operands))
    b.share(False)
    return b.done(*(where[i] for i in graph.outputs)), where


def _place(b: Terms, graph: Graph, i: int, operands: tuple[int, ...]) -> int:
    code, attrs = graph.op[i], graph.attrs.get(i, {})
    if BY_CODE[code].spelled is not None:
        return _spelled(b, graph, i, operands)
    if opname(code) in REARRANGING and (value := b.number(operands[0])) is not None:
        return b.const(value, one(graph.type_of(i)))  # however equal elements are moved
    if opname(code) in _STRETCHING:
        operands = _unstretched(b, operands, one(graph.type_of(i)).shape)
    values = [b.number(x) for x in operands]
    folds = BY_CODE[code].flow == "elementwise" and not isinstance(BY_CODE[code].vjp, Structured)
    if operands and folds and all(v is not None for v in values):
        try:
            types = [graph.type_of(x) for x in graph.operands(i)]
            return b.const(evaluate(code, values, types, graph.type_of(i), attrs), one(graph.type_of(i)))
        except (IntegerDivisionByZero, Overflow):
            pass
    wanted = b.intern_type(graph.type_of(i))
    found = _identical(b, opname(code), operands)
    if found is not None and b.type[found] != wanted:
        constant = b.number(found)
        found = None if constant is None else b.const(constant, one(graph.type_of(i)))
    if isinstance(BY_CODE[code].vjp, Structured):
        given = _given(code, attrs, values)
        attrs = {**attrs, **{k: _side(side, given.get(k, ())) for k, side in nested(attrs).items()}}
    return b.place(code, operands, wanted, attrs) if found is None else found


def _spelled(b: Terms, graph: Graph, i: int, operands: tuple[int, ...]) -> int:
    """A node of an op that the language has no words for, in operations that it has."""
    inner = Builder()
    inputs = [inner.input(one(graph.type_of(x))) for x in graph.operands(i)]
    spelled = BY_CODE[graph.op[i]].spelled
    assert spelled is not None
    made = inner.done(spelled(inner, *inputs, graph.attrs.get(i, {})))
    where: list[int] = []
    for k, code in enumerate(made.op):
        if code == INPUT:
            where.append(operands[k])
        else:
            where.append(_place(b, made, k, tuple(where[x] for x in made.operands(k))))
    return where[made.outputs[0]]


def _given(code: int, attrs: Attrs, values: Sequence[Number | None]) -> dict[str, Sequence[Number | None]]:
    """What the inputs of the graphs that a node holds are known to be: the sides of a `cond` read its operands."""
    return dict.fromkeys(("then", "else"), values[1:]) if opname(code) == "cond" else {}


def _side(graph: Graph, values: Sequence[Number | None]) -> Graph:
    """A graph within a node, in the light of those of its inputs that are constants."""
    known = {i: v for i, v in zip(graph.inputs, values, strict=False) if v is not None}
    return prune(simplify(graph, known)[0])


_STRETCHING = ("add", "sub", "mul", "div")


def _unstretched(b: Terms, operands: tuple[int, ...], shape: Shape) -> tuple[int, ...]:
    """Operands of an elementwise op without the stretching that it does itself, as long as one has its shape."""
    x, y = operands
    if b.type1(y).shape == shape:
        x = _before_stretching(b, x)
    if b.type1(x).shape == shape:
        y = _before_stretching(b, y)
    return x, y


def _before_stretching(b: Terms, x: int) -> int:
    if opname(b.op[x]) != "expand" or x in b.names:
        return x
    x = b.a[x]
    scalar = opname(b.op[x]) == "expand_dims" and x not in b.names and not b.type1(b.a[x]).shape
    return b.a[x] if scalar else x


@identity("mul", "-n * y = -(n * y)", exact=True, values=False)
def _mul_negated(b: Terms, x: int, y: int) -> int | None:
    x, y = _constant_first(b, x, y)
    if (n := b.negated(x)) is not None:
        return b.make("neg", b.make("mul", n, y))
    return b.make("neg", b.make("mul", x, n)) if (n := b.negated(y)) is not None else None


@identity("mul", "constants come first and meet", exact=False, values=False)
def _mul_constants(b: Terms, x: int, y: int) -> int | None:
    x, y = _constant_first(b, x, y)
    inner = b.a[y] if b.is_op(y, "mul") else -1
    c, d = b.number(x), b.number(inner) if inner >= 0 else None
    if c is not None and d is not None:  # c * (d * z) = (c d) * z
        return b.make("mul", b.const(c * d), b.b[y])
    if inner >= 0 and d is not None:  # x * (d * z) = d * (x * z)
        return b.make("mul", inner, b.make("mul", x, b.b[y]))
    outer = b.a[x] if b.is_op(x, "mul") else -1
    if outer >= 0 and b.number(outer) is not None:  # (d * z) * y = d * (z * y)
        return b.make("mul", outer, b.make("mul", b.b[x], y))
    if c is not None and b.is_op(y, "div"):  # c * (z / (d * w)) = (c / d) * (z / w)
        below = b.b[y]
        divisor = b.number(b.a[below]) if b.is_op(below, "mul") else None
        if divisor:
            return b.make("mul", b.const(c / divisor), b.make("div", b.a[y], b.b[below]))
    return None


@identity("mul", "x * (1 / z) = x / z", exact=False, values=False)
def _mul_reciprocal(b: Terms, x: int, y: int) -> int | None:
    if b.is_op(y, "div") and b.equals(b.a[y], 1):
        return b.make("div", x, b.b[y])
    return b.make("div", y, b.b[x]) if b.is_op(x, "div") and b.equals(b.a[x], 1) else None


@identity("mul", "x * x = x^2", exact=False, values=False)
def _mul_square(b: Terms, x: int, y: int) -> int | None:
    made: int | None = b.fixed_power(x, exponent=2) if x == y else None
    return made


@identity("mul", "x * c = c * x", exact=True, values=False)
def _mul_swapped(b: Terms, x: int, y: int) -> int | None:
    p, q = _constant_first(b, x, y)
    return None if p == x else b.make("mul", p, q)


def _constant_first(b: Terms, x: int, y: int) -> tuple[int, int]:
    return (y, x) if b.number(y) is not None and b.number(x) is None else (x, y)


_RULES: dict[str, list[RewriteRule]] = {}
for _row in IDENTITIES:
    if _row.text:
        _RULES.setdefault(_row.op, []).append(_row.rule)


class _Text(Terms):
    def make(self, op: str, *operands: int, **attrs: Any) -> int:
        """`op(operands)` after the identities. Each use shortens its operands, so the recursion ends."""
        found = _identical(self, op, operands)
        return self.apply(op, *operands, **attrs) if found is None else found


def _identical(b: Terms, op: str, operands: tuple[int, ...]) -> int | None:
    """What stands for `op(operands)` by the first identity that fits."""
    for rule in _RULES.get(op, ()):
        found = rule(b, *operands)
        if found is not None:
            return found
    return None
