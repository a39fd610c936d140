"""Algebraic identities that make a derivative short enough to read.

They hold for real numbers; a few change a NaN, an infinity or the last bit (`x * 0`, `c * (d * x)`), so this pass
serves text that is read, never values that are computed. The table is in `identities`; the rows below only make a
formula shorter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cgcli.graph.graph import COND, INPUT, Graph, nested, opname
from cgcli.graph.sizes import Shape
from cgcli.graph.traversal import prune
from cgcli.ops.builder import Builder
from cgcli.ops.failures import IntegerDivisionByZero, Overflow
from cgcli.ops.number_kernels import evaluate
from cgcli.ops.table import BY_CODE
from cgcli.ops.typing import one, single

from .identities import IDENTITIES, Number, RewriteRule, Terms, identity
from .shape_identities import EXPAND, EXPAND_DIMS


def simplify(graph: Graph, constants: Mapping[int, float | int | bool] | None = None) -> tuple[Graph, list[int]]:
    """The graph after the identities below, and by node its new node; nodes that have a name stay as they are.

    constants: the values of inputs that have one. Recursion only into structured nodes.
    """
    b = _Text()
    b.share()
    where: list[int] = []
    for i, code in enumerate(graph.op):
        operands = tuple(where[x] for x in graph.operands(i))
        if code == INPUT:
            where.append(b.input(single(graph.type_of(i)), graph.names.get(i)))
            if constants and i in constants:
                where[i] = b.const(constants[i], one(graph.type_of(i)))
        elif i in graph.names:
            where.append(b.place(code, operands, b.intern_type(graph.type_of(i)), graph.attrs.get(i, {}), merge=False))
            b.names[where[-1]] = graph.names[i]
        else:
            where.append(_place(b, graph, i, operands))
    b.share(False)
    return b.done(*(where[i] for i in graph.outputs)), where


def _place(b: Terms, graph: Graph, i: int, operands: tuple[int, ...]) -> int:
    code, attrs = graph.op[i], graph.attrs.get(i, {})
    if BY_CODE[code].spelling.decomposition is not None:
        return _decomposed(b, graph, i, operands)
    if BY_CODE[code].effects.rearranges and (value := b.number(operands[0])) is not None:
        return b.const(value, one(graph.type_of(i)))  # however equal elements are moved
    if BY_CODE[code].spelling.drops_broadcast:
        operands = _without_expand(b, operands, one(graph.type_of(i)).shape)
    values = [b.number(x) for x in operands]
    folds = BY_CODE[code].is_elementwise and not BY_CODE[code].is_structured
    if operands and folds and all(v is not None for v in values):
        try:
            types = [graph.type_of(x) for x in graph.operands(i)]
            return b.const(evaluate(code, values, types, graph.type_of(i), attrs), one(graph.type_of(i)))
        except (IntegerDivisionByZero, Overflow):
            pass
    result_type = b.intern_type(graph.type_of(i))
    replacement = _identical(b, opname(code), operands)
    if replacement is not None and b.type[replacement] != result_type:
        constant = b.number(replacement)
        replacement = None if constant is None else b.const(constant, one(graph.type_of(i)))
    if BY_CODE[code].is_structured:
        inputs = dict.fromkeys(("then", "else"), values[1:]) if code == COND else {}  # a side reads the operands
        attrs = {**attrs, **{k: _side(side, inputs.get(k, ())) for k, side in nested(attrs).items()}}
    return b.place(code, operands, result_type, attrs) if replacement is None else replacement


def _decomposed(b: Terms, graph: Graph, i: int, operands: tuple[int, ...]) -> int:
    """A node of an op that the language has no words for, rewritten in operations that it has."""
    inner = Builder()
    inputs = [inner.input(one(graph.type_of(x))) for x in graph.operands(i)]
    decomposition = BY_CODE[graph.op[i]].spelling.decomposition
    assert decomposition is not None
    parts = inner.done(decomposition(inner, *inputs, graph.attrs.get(i, {})))
    where: list[int] = []
    for k, code in enumerate(parts.op):
        if code == INPUT:
            where.append(operands[k])
        else:
            where.append(_place(b, parts, k, tuple(where[x] for x in parts.operands(k))))
    return where[parts.outputs[0]]


def _side(graph: Graph, values: Sequence[Number | None]) -> Graph:
    """A nested graph simplified, with those of its inputs that are constants."""
    constants = {i: v for i, v in zip(graph.inputs, values, strict=False) if v is not None}
    return prune(simplify(graph, constants)[0])


def _without_expand(b: Terms, operands: tuple[int, ...], shape: Shape) -> tuple[int, ...]:
    """Operands of an elementwise op without the broadcasting that it does itself, as long as one has its shape."""
    x, y = operands
    if b.type1(y).shape == shape:
        x = _before_expand(b, x)
    if b.type1(x).shape == shape:
        y = _before_expand(b, y)
    return x, y


def _before_expand(b: Terms, x: int) -> int:
    if b.op[x] != EXPAND or x in b.names:
        return x
    x = b.a[x]
    scalar = b.op[x] == EXPAND_DIMS and x not in b.names and not b.type1(b.a[x]).shape
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
    return b.fixed_power(x, exponent=2) if x == y else None


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
    def make(self, op: str, *operands: int, **attrs: object) -> int:
        """`op(operands)` after the identities. Each use shortens its operands, so the recursion ends."""
        replacement = _identical(self, op, operands)
        return self.apply(op, *operands, **attrs) if replacement is None else replacement


def _identical(b: Terms, op: str, operands: tuple[int, ...]) -> int | None:
    """The node that replaces `op(operands)` by the first identity that matches."""
    for rule in _RULES.get(op, ()):
        replacement = rule(b, *operands)
        if replacement is not None:
            return replacement
    return None
