"""The passes that apply algebraic identities: the exact ones, and those that hold for real numbers only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cache, partial
from typing import NamedTuple

from cgcli.graph.graph import COND, LOOP, NONE, Graph, opcode
from cgcli.graph.types import Type
from cgcli.ops.failures import Overflow
from cgcli.ops.numbers import FITS

from .editor import Editor
from .identities import IDENTITIES, LOOKED_AT, Number, RewriteRule
from .passes import Log, Pass
from .shape_identities import EXPAND, SHAPE_IDENTITIES, ShapeRule, broadcasts, without_expand


class Rows(NamedTuple):
    """The laws of an op with their rules, those of operands alone and those that read attributes, too."""

    of_operands: list[tuple[str, RewriteRule]]
    of_attrs: list[tuple[str, ShapeRule]]


@cache
def _table(fast: bool) -> dict[int, Rows]:
    """The rows of each op: those of an exact pass, or all of them."""
    table: defaultdict[int, Rows] = defaultdict(lambda: Rows([], []))
    for row in IDENTITIES:
        if row.values and (row.exact or fast):
            table[opcode(row.op)].of_operands.append((row.law, row.rule))
    for code, rows in SHAPE_IDENTITIES.items():
        table[code].of_attrs.extend((law, rule) for law, rule, exact in rows if exact or fast)
    return dict(table)


def _algebra(graph: Graph, log: Log | None = None, *, fast: bool) -> Graph:
    ed = Editor(graph, log)
    table = _table(fast)
    op, first, second, more, attrs = ed.op, ed.a, ed.b, ed.more, ed.attrs
    repeats = EXPAND in graph.op
    for i in ed.walk():
        code = op[i]
        if code in (COND, LOOP):
            ed.within(i, lambda inner: _algebra(inner, log, fast=fast))
            continue
        x, y = first[i], second[i]
        if x == NONE:
            continue
        rows = table.get(code)
        if rows is not None:
            binary = y != NONE and i not in more and i not in attrs
            if binary and x != y and op[x] not in LOOKED_AT and op[y] not in LOOKED_AT:
                rows = None  # most nodes of a large graph
            elif _apply(ed, i, rows):
                continue
        if repeats and y != NONE and EXPAND in (op[x], op[y], *[op[z] for z in more.get(i, ())]):
            _drop_expands(ed, i)
    return ed.finish()


def _drop_expands(ed: Editor, i: int) -> None:
    t = ed.type_of(i)
    if isinstance(t, Type) and broadcasts(ed.op[i]) and (operands := without_expand(ed, ed.operands(i), t)):
        ed.alter(i, operands=operands)
        ed.say("{}: what it repeats along axes need not be repeated before", i)


def _apply(ed: Editor, i: int, rows: Rows) -> bool:
    for law, node in _replacements(ed, i, rows):
        if node is None:
            continue
        replacement = node if ed.type[node] == ed.type[i] else _retyped(ed, node, i)
        if replacement is not None:
            ed.say("{}: " + law.replace("{", "{{").replace("}", "}}"), i)
            ed.replace(i, replacement)
            return True
    return False


def _replacements(ed: Editor, i: int, rows: Rows) -> Iterator[tuple[str, int | None]]:
    """Each law with the node that it puts in place of node `i`, None where it does not fit."""
    operands = ed.operands(i)
    for law, rule in rows.of_operands:
        yield law, rule(ed, *operands)
    for law, shape_rule in rows.of_attrs:
        yield law, shape_rule(ed, ed.attrs.get(i, {}), *operands)


def _retyped(ed: Editor, node: int, i: int) -> int | None:
    """A constant in the type of node `i`; anything else of another type cannot stand for it."""
    value, t = ed.number(node), ed.single(i)
    if value is None or t is None:
        return None
    number = fitted(value, t)
    return None if number is None else ed.const(number, t)


def fitted(value: Number, t: Type) -> Number | None:
    """A number as a constant of type `t`, None where that type does not hold it as it is."""
    if t.dtype == "bool" or isinstance(value, bool):
        return value if t.dtype == "bool" and isinstance(value, bool) else None
    if t.is_int and not isinstance(value, int):
        return None
    if t.is_float and isinstance(value, int) and abs(value) > 2**53:
        return None
    try:
        number: Number = FITS[t.dtype](value)
    except Overflow:
        return None
    return number


algebra = Pass(
    "algebra",
    "identities that hold for every float, x * 1 = x or -(-x) = x: nothing is rounded differently",
    partial(_algebra, fast=False),
)
fast_algebra = Pass(
    "fast algebra",
    "identities of real numbers, x - x = 0 or c * (d * x) = (c d) * x: rounding, infinities and nan may differ",
    partial(_algebra, fast=True),
    exact=False,
)
