"""Algebraic identities as a table: a row an identity, with its law and whether it is exact in IEEE arithmetic.

Exact means: for every input, NaN, infinities, both zeros and subnormal numbers among them, the result has the same bits
(a NaN may be another NaN), the same type, and what could stop the run still does unless nobody needs it. The rest holds
for real numbers only. A rule matches a node's operands and returns the node that replaces it, or None.

Whole numbers have rules of their own where they say so: those of a dtype never wrap round, but a literal's may go on as
a float (`numbers`), so the word "int" below means an int that is not weak.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from cgcli.graph.graph import opcode
from cgcli.graph.types import Results, Stack, Type
from cgcli.ops.builder import Builder

Number = float | int | bool

RewriteRule = (
    Callable[["Terms", int], int | None]
    | Callable[["Terms", int, int], int | None]
    | Callable[["Terms", int, int, int], int | None]
)
"""`rule(b, *operands)`: the node that stands for an op over these operands, or None where the rule does not fit."""


class Identity(NamedTuple):
    """`rule(b, *operands)` for nodes of `op`.

    text: it serves `--symbolic`. values: it serves values that are computed.
    """

    op: str
    law: str
    rule: RewriteRule
    exact: bool
    text: bool
    values: bool


IDENTITIES: list[Identity] = []
LOOKED_AT = frozenset(opcode(name) for name in ("const", "neg", "div"))
"""Where a rule on two different operands and no attributes matches, one of them is of these ops."""


def identity(
    op: str, law: str, exact: bool, text: bool = True, values: bool = True
) -> Callable[[RewriteRule], RewriteRule]:
    """Enters a rule into the table; of one op the first that matches is applied."""

    def enter(rule: RewriteRule) -> RewriteRule:
        IDENTITIES.append(Identity(op, law, rule, exact, text, values))
        return rule

    return enter


class Terms(Builder):
    """A builder with queries for pattern matching on its nodes."""

    def opaque(self, x: int) -> bool:
        """Whether no pattern may match inside node `x`: the user named it, and his names stay."""
        return x in self.names

    def make(self, op: str, *operands: int, **attrs: object) -> int:
        """`op(operands)`, in the form that the caller of the table gives new nodes."""
        return self.apply(op, *operands, **attrs)

    def is_op(self, x: int, name: str) -> bool:
        return self.op[x] == opcode(name) and not self.opaque(x)

    def number(self, x: int) -> Number | None:
        """The number of a constant, also of one that fills a tensor."""
        value = self.constant(x)
        return None if isinstance(value, tuple) else value

    def equals(self, x: int, value: float) -> bool:
        """Whether `x` is this number; a zero of either sign is 0."""
        number = self.number(x)
        return number == value and not isinstance(number, bool)

    def zero(self, x: int, sign: float) -> bool:
        """Whether `x` is the zero of this sign; an int 0 becomes +0.0 among floats."""
        number = self.number(x)
        return number == 0 and not isinstance(number, bool) and math.copysign(1.0, float(number)) == sign

    def negated(self, x: int) -> int | None:
        """The node of which `x` is the negative, when it is written as one."""
        constant = self.number(x)
        if constant is not None and not isinstance(constant, bool) and constant < 0:
            return self.const(-constant, self.type1(x))
        return self.a[x] if self.is_op(x, "neg") else None

    def single(self, x: int) -> Type | None:
        """The type of one value, None for several and for a stack."""
        t = self.type_of(x)
        return None if isinstance(t, Results | Stack) else t

    def is_float(self, *nodes: int) -> bool:
        return all((t := self.single(x)) is not None and t.is_float for x in nodes)

    def is_int(self, *nodes: int) -> bool:
        """Whether these are ints of a dtype, not literals."""
        return all((t := self.single(x)) is not None and t.is_int and not t.weak for x in nodes)


# ---- sums


@identity("add", "x + -0.0 = x", exact=True)  # +0.0 + -0.0 = +0.0 and -0.0 + -0.0 = -0.0
def _add_minus_zero(b: Terms, x: int, y: int) -> int | None:
    return x if b.zero(y, -1.0) else y if b.zero(x, -1.0) else None


@identity("add", "n + 0 = n for ints", exact=True)
def _add_zero_int(b: Terms, x: int, y: int) -> int | None:
    if b.is_int(x) and b.equals(y, 0):
        return x
    return y if b.is_int(y) and b.equals(x, 0) else None


@identity("add", "x + 0 = x", exact=False)  # -0.0 + 0 is +0.0
def _add_zero(b: Terms, x: int, y: int) -> int | None:
    return y if b.equals(x, 0) else x if b.equals(y, 0) else None


@identity("add", "x + -y = x - y", exact=True)  # the definition of a difference; ints: -y alone may leave the range
def _add_negative(b: Terms, x: int, y: int) -> int | None:
    if b.is_op(y, "neg") and b.is_float(b.a[y]):
        return b.make("sub", x, b.a[y])
    return b.make("sub", y, b.a[x]) if b.is_op(x, "neg") and b.is_float(b.a[x]) else None


@identity("add", "x + -n = x - n", exact=True, values=False)
def _add_negated(b: Terms, x: int, y: int) -> int | None:
    if (n := b.negated(y)) is not None:
        return b.make("sub", x, n)
    return b.make("sub", y, n) if (n := b.negated(x)) is not None else None


@identity("add", "x + x = 2 x", exact=True, values=False)
def _twice(b: Terms, x: int, y: int) -> int | None:
    return b.make("mul", b.const(2), x) if x == y else None


@identity("sub", "x - +0.0 = x", exact=True)  # -0.0 - +0.0 = -0.0; an int 0 becomes +0.0
def _sub_zero(b: Terms, x: int, y: int) -> int | None:
    return x if b.zero(y, 1.0) else None


@identity("sub", "x - -0.0 = x", exact=False)  # -0.0 - -0.0 is +0.0
def _sub_minus_zero(b: Terms, x: int, y: int) -> int | None:
    return x if b.zero(y, -1.0) else None


@identity("sub", "-0.0 - y = -y", exact=True)  # at +0.0: -0.0 - +0.0 = -0.0; at -0.0: -0.0 + +0.0 = +0.0
def _minus_zero_sub(b: Terms, x: int, y: int) -> int | None:
    return b.make("neg", y) if b.zero(x, -1.0) and b.is_float(y) else None


@identity("sub", "0 - y = -y", exact=False)  # at y = +0.0 it is +0.0, not -0.0
def _zero_sub(b: Terms, x: int, y: int) -> int | None:
    return b.make("neg", y) if b.equals(x, 0) else None


@identity("sub", "x - -y = x + y", exact=True)
def _sub_negative(b: Terms, x: int, y: int) -> int | None:
    return b.make("add", x, b.a[y]) if b.is_op(y, "neg") and b.is_float(b.a[y]) else None


@identity("sub", "x - -n = x + n", exact=True, values=False)
def _sub_negated(b: Terms, x: int, y: int) -> int | None:
    n = b.negated(y)
    return None if n is None else b.make("add", x, n)


@identity("sub", "n - n = 0 for ints", exact=True)
def _sub_same_int(b: Terms, x: int, y: int) -> int | None:
    return b.const(0, b.type1(x)) if x == y and b.is_int(x) else None


@identity("sub", "x - x = 0", exact=False, text=False)  # inf - inf is nan
def _sub_same(b: Terms, x: int, y: int) -> int | None:
    return b.const(0.0, b.type1(x)) if x == y and b.is_float(x) else None


# ---- products


@identity("mul", "0 * n = 0 for ints", exact=True)
def _mul_zero_int(b: Terms, x: int, y: int) -> int | None:
    for n, zero in ((x, y), (y, x)):
        if b.is_int(n) and type(b.number(zero)) is int and b.equals(zero, 0):
            return b.const(0, b.type1(n))
    return None


@identity("mul", "0 * y = 0", exact=False)  # 0 * inf and 0 * nan are nan, 0 * -1 is -0.0
def _mul_zero(b: Terms, x: int, y: int) -> int | None:
    return x if b.equals(x, 0) else y if b.equals(y, 0) else None


@identity("mul", "1 * y = y", exact=True)  # the product of the real numbers is y itself, and signs multiply
def _mul_one(b: Terms, x: int, y: int) -> int | None:
    return y if b.equals(x, 1) else x if b.equals(y, 1) else None


@identity("mul", "-1 * y = -y", exact=True)  # likewise; an int leaves its range in both
def _mul_minus_one(b: Terms, x: int, y: int) -> int | None:
    return b.make("neg", y) if b.equals(x, -1) else b.make("neg", x) if b.equals(y, -1) else None


@identity("mul", "-x * -y = x * y", exact=True)  # rounding to nearest does not know the sign
def _mul_negatives(b: Terms, x: int, y: int) -> int | None:
    if b.is_op(x, "neg") and b.is_op(y, "neg") and b.is_float(b.a[x], b.a[y]):
        return b.make("mul", b.a[x], b.a[y])
    return None


@identity("mul", "-x * c = x * -c", exact=True, text=False)  # likewise
def _mul_negative_constant(b: Terms, x: int, y: int) -> int | None:
    for p, q in ((x, y), (y, x)):
        c = b.number(q)
        if isinstance(c, float) and b.is_op(p, "neg") and b.is_float(b.a[p], q):
            return b.make("mul", b.a[p], b.const(-c, b.type1(q)))
    return None


@identity("div", "x / 1 = x", exact=True)  # as for products; of an int the type differs
def _div_one(b: Terms, x: int, y: int) -> int | None:
    return x if b.equals(y, 1) else None


@identity("div", "x / -1 = -x", exact=True)
def _div_minus_one(b: Terms, x: int, y: int) -> int | None:
    return b.make("neg", x) if b.equals(y, -1) and b.is_float(x) else None


@identity("div", "x / 2^k = x * 2^-k", exact=True, text=False)
def _div_power_of_two(b: Terms, x: int, y: int) -> int | None:
    """Both are the same real number, rounded once. 2^-k is a number of every float type for |k| up to 126."""
    c = b.number(y)
    if c is None or isinstance(c, bool) or not math.isfinite(c) or c == 0 or not b.is_float(x):
        return None
    mantissa, exponent = math.frexp(c)
    if abs(mantissa) != 0.5 or abs(exponent - 1) > 126:
        return None
    t = b.type1(y)
    return b.make("mul", x, b.const(1.0 / c, t if t.is_float else t._replace(dtype="float")))


@identity("div", "-x / -y = x / y", exact=True)
def _div_negatives(b: Terms, x: int, y: int) -> int | None:
    if b.is_op(x, "neg") and b.is_op(y, "neg") and b.is_float(b.a[x], b.a[y]):
        return b.make("div", b.a[x], b.a[y])
    return None


@identity("div", "0 / y = 0", exact=False)  # 0 / 0 is nan, 0 / -1 is -0.0
def _zero_div(b: Terms, x: int, y: int) -> int | None:
    return x if b.equals(x, 0) else None


@identity("div", "x / x = 1", exact=False)  # 0 / 0 and inf / inf are nan
def _div_same(b: Terms, x: int, y: int) -> int | None:
    return b.const(1.0) if x == y else None


@identity("div", "-n / y = -(n / y)", exact=True, values=False)
def _div_of_negated(b: Terms, x: int, y: int) -> int | None:
    n = b.negated(x)
    return None if n is None else b.make("neg", b.make("div", n, y))


@identity("div", "x / c = x * (1 / c)", exact=False, text=False)  # two roundings for one
def _div_constant(b: Terms, x: int, y: int) -> int | None:
    c = b.number(y)
    if isinstance(c, bool) or not isinstance(c, float | int) or c == 0 or not math.isfinite(c) or not b.is_float(x):
        return None
    inverse = 1.0 / c
    if not 2.0**-126 <= abs(inverse) <= 2.0**126:
        return None  # beyond, the inverse itself would lose digits in one of the float types
    t = b.type1(y)
    return b.make("mul", x, b.const(inverse, t if t.is_float else t._replace(dtype="float")))


@identity("neg", "-(-x) = x", exact=True)  # a sign turned twice; an int's range has one number more below zero
def _neg_negative(b: Terms, x: int) -> int | None:
    return b.a[x] if b.is_op(x, "neg") and b.is_float(b.a[x]) else None


@identity("neg", "-(-n) = n", exact=True, values=False)
def _neg_negated(b: Terms, x: int) -> int | None:
    return b.negated(x)


@identity("mul", "a * (b / a) = b", exact=False, text=False)  # a = 0 and a = inf give nan; else one rounding more
def _mul_quotient(b: Terms, x: int, y: int) -> int | None:
    for p, q in ((x, y), (y, x)):
        if b.is_op(q, "div") and b.b[q] == p:
            return b.a[q]
    return None


def _nested_constants(op: str, law: str) -> None:
    """c ∘ (d ∘ z) as (c ∘ d) ∘ z: one rounding less, and c ∘ d may overflow where the whole does not."""

    def rule(b: Terms, x: int, y: int) -> int | None:
        for p, q in ((x, y), (y, x)):
            c = b.number(p)
            if not isinstance(c, float) or not b.is_op(q, op) or not b.is_float(q):
                continue
            for d, z in ((b.a[q], b.b[q]), (b.b[q], b.a[q])):
                inner = b.number(d)
                if isinstance(inner, float) and b.single(p) == b.single(d):
                    both = c * inner if op == "mul" else c + inner
                    return b.make(op, b.const(both, b.type1(p)), z) if math.isfinite(both) and both else None
        return None

    identity(op, law, exact=False, text=False)(rule)


_nested_constants("mul", "c * (d * z) = (c d) * z")
_nested_constants("add", "c + (d + z) = (c + d) + z")


def _inverse(outer: str, inner: str) -> None:
    def rule(b: Terms, x: int) -> int | None:
        return b.a[x] if b.is_op(x, inner) else None

    identity(outer, f"{outer}({inner}(x)) = x", exact=False, text=False)(rule)


_inverse("log", "exp")  # exp overflows, and log is nan below 0
_inverse("exp", "log")


@identity("neg", "-(x - y) = y - x", exact=False, text=False)  # at x = y it is -0.0, not +0.0
def _neg_difference(b: Terms, x: int) -> int | None:
    return b.make("sub", b.b[x], b.a[x]) if b.is_op(x, "sub") and b.is_float(b.a[x], b.b[x]) else None


@identity("floor_div", "n // 1 = n for ints", exact=True)
def _floor_div_one(b: Terms, x: int, y: int) -> int | None:
    return x if b.is_int(x) and b.equals(y, 1) else None


# ---- powers


@identity("power", "x^1 = x", exact=True)  # a power is exact where the result is a number of the type
def _power_one(b: Terms, x: int, n: int) -> int | None:
    return x if b.equals(n, 1) else None


@identity("power", "x^0 = 1", exact=True)  # for every x, also nan (C99, F.9.4.4)
def _power_zero(b: Terms, x: int, n: int) -> int | None:
    return b.const(1.0) if b.equals(n, 0) else None


@identity("power", "x^n with a literal n has one operand", exact=True, values=False)
def _power_fixed(b: Terms, x: int, n: int) -> int | None:
    exponent = b.number(n)
    return None if exponent is None else b.fixed_power(x, exponent=exponent)


# ---- logic and choices


@identity("not", "not not p = p", exact=True)
def _not_not(b: Terms, p: int) -> int | None:
    return b.a[p] if b.is_op(p, "not") else None


@identity("not", "not (x == y) = (x != y)", exact=True, text=False)  # with nan, too: one of the two is true
def _not_equal(b: Terms, p: int) -> int | None:
    for name, other in (("eq", "ne"), ("ne", "eq")):
        if b.is_op(p, name):
            return b.make(other, b.a[p], b.b[p])
    return None


@identity("where", "where(true, x, y) = x", exact=True)
def _where_constant(b: Terms, c: int, x: int, y: int) -> int | None:
    condition = b.number(c)
    return None if condition is None else x if condition else y


@identity("where", "where(c, x, x) = x", exact=True)
def _where_same(b: Terms, c: int, x: int, y: int) -> int | None:
    return x if x == y else None


@identity("where", "where(not c, x, y) = where(c, y, x)", exact=True, text=False)
def _where_not(b: Terms, c: int, x: int, y: int) -> int | None:
    return b.make("where", b.a[c], y, x) if b.is_op(c, "not") else None


@identity("where", "where(c, where(c, x, y), z) = where(c, x, z)", exact=True, text=False)
def _where_where(b: Terms, c: int, x: int, y: int) -> int | None:
    if b.is_op(x, "where") and b.a[x] == c:
        return b.make("where", c, b.b[x], y)
    return b.make("where", c, x, b.more[y][0]) if b.is_op(y, "where") and b.a[y] == c else None


@identity("where", "where(c, true, false) = c", exact=True, text=False)
def _where_bools(b: Terms, c: int, x: int, y: int) -> int | None:
    p, q = b.number(x), b.number(y)
    if p is True and q is False:
        return c
    return b.make("not", c) if p is False and q is True else None


@identity("and", "true and q = q; false and q = false", exact=True)
def _and_constant(b: Terms, x: int, y: int) -> int | None:
    for p, q in ((x, y), (y, x)):
        if b.number(p) is not None:
            return q if b.number(p) else p
    return None


@identity("or", "true or q = true; false or q = q", exact=True)
def _or_constant(b: Terms, x: int, y: int) -> int | None:
    for p, q in ((x, y), (y, x)):
        if b.number(p) is not None:
            return p if b.number(p) else q
    return None


@identity("and", "p and p = p", exact=True)
@identity("or", "p or p = p", exact=True)
def _logic_same(b: Terms, x: int, y: int) -> int | None:
    return x if x == y else None


@identity("lt", "x < x is false", exact=True, text=False)  # with nan, too
@identity("gt", "x > x is false", exact=True, text=False)
def _strict_same(b: Terms, x: int, y: int) -> int | None:
    t = b.single(x)
    return b.const(False, Type("bool", t.shape)) if x == y and t else None


@identity("eq", "n == n is true for ints", exact=True, text=False)  # nan is unequal to itself
@identity("le", "n <= n is true for ints", exact=True, text=False)
@identity("ge", "n >= n is true for ints", exact=True, text=False)
def _equal_same_int(b: Terms, x: int, y: int) -> int | None:
    return b.const(True, Type("bool", b.type1(x).shape)) if x == y and b.is_int(x) else None


# ---- functions that do nothing the second time, and copies


@identity("copy", "a copy of x is x", exact=True)
@identity("stop_gradient", "stop_gradient(x) = x, once derivatives are taken", exact=True, text=False)
def _copied(b: Terms, x: int) -> int | None:
    return x


@identity("cast", "x cast to its own type is x", exact=True, text=False)
def _cast_same(b: Terms, x: int) -> int | None:
    """Also by way of a wider type and back: every number of the narrower is one of the wider."""
    if b.is_op(x, "cast") and b.single(b.a[x]) is not None:
        inner = b.a[x]
        if (b.type1(inner).dtype, b.type1(x).dtype) in (("f32", "float"), ("i32", "int")):
            return inner
    return x


def _idempotent(name: str, law: str) -> None:
    def rule(b: Terms, x: int) -> int | None:
        return x if b.is_op(x, name) else None

    identity(name, law, exact=True, text=False)(rule)


for _name in ("floor", "ceil", "round", "sign", "abs"):
    # a whole number, -0.0 among them, is its own floor; the sign of a zero is +0.0
    _idempotent(_name, f"{_name}({_name}(x)) = {_name}(x)")


@identity("abs", "abs(-x) = abs(x)", exact=True, text=False)
def _abs_negative(b: Terms, x: int) -> int | None:
    return b.make("abs", b.a[x]) if b.is_op(x, "neg") and b.is_float(b.a[x]) else None


def _of_equals(name: str) -> None:
    def rule(b: Terms, *xs: int) -> int | None:
        return xs[0] if all(x == xs[0] for x in xs) else None

    identity(name, f"{name}(x, x) = x", exact=True, text=False)(rule)


for _name in ("max", "min"):
    _of_equals(_name)
