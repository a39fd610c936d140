"""The origin of a value's shape and the callers of a call, for messages about shapes that do not match."""

from __future__ import annotations

import re

from cgcli.diagnostics.diagnostic import Label
from cgcli.diagnostics.source import Span
from cgcli.graph.graph import INPUT, NONE, opname
from cgcli.graph.sizes import Size
from cgcli.ops.table import BY_CODE

from .regions import Call, Value
from .shapes import outside

_CALL = re.compile(r"[\w.]+(?=\()")
LONGEST = 24  # characters of an operand's text in a message


def described(value: Value, span: Span) -> str:
    """`x is float[batch, 783], declared on line 1`; `span` is where the operand stands."""
    text = " ".join(span.text.split())
    name = text if len(text) <= LONGEST else "this"
    type_text = str(value.type).removeprefix("~")
    return f"{name} is {type_text}{_origin(value, span)}"


def _origin(value: Value, outer: Span) -> str:
    """Where the shape was declared or computed, unless that is the operand itself."""
    original, value = value, _source(value)
    b = value.region.builder
    span = b.spans[b.span[value.node]] if b.span[value.node] != NONE else None
    if span is None or (span.source is outer.source and span.start >= outer.start and span.end <= outer.end):
        return ""
    where = f"on line {span.line}"
    if span.source is not outer.source:
        where += f" of {span.source.name}"
    if b.op[value.node] == INPUT:
        like = f", shaped like {b.names[value.node]}" if value != original and value.node in b.names else ""
        return f"{like}, declared {where}"
    called = _CALL.match(span.text)
    op_text = called[0] if called else BY_CODE[b.op[value.node]].spelling.text
    return f", made by `{op_text}` {where}" if called or opname(b.op[value.node]) != op_text else f", made {where}"


def callers(call: Call | None, span: Span) -> list[Label]:
    """The calls that lead from one file into another, and in the end to a span."""
    labels: list[Label] = []
    source = span.source
    while call is not None:
        if call.span is not None and call.span.source is not source:
            labels.append(Label(call.span, "call"))
            source = call.span.source
        call = call.parent
    return labels


def clash_of(a: Size, b: Size) -> dict[str, Size]:
    """Two sizes that differ, and what would make them equal: a name for both, or a number in place of a name."""
    names = [size for size in (a, b) if isinstance(size, str) and size.isidentifier()]
    fields = {"a": a, "b": b}
    if len(names) == 2:
        return fields | {"same": a}
    numbers = [size for size in (a, b) if isinstance(size, int) and size != 1]
    return fields | {"name": names[0], "number": numbers[0]} if names and numbers else fields


def counted(n: int, one: str, more: str | None = None) -> str:
    """`1 axis`, `2 axes`."""
    return f"{n} {one if n == 1 else more or one + 's'}"


def _source(value: Value) -> Value:
    """The first value of this shape: back through ops that keep the shape of an operand."""
    while True:
        region, b, node = value.region, value.region.builder, value.node
        if b.op[node] == INPUT:
            outer = outside(region, node)
            if outer is None:
                return value
            value = outer
            continue
        if not BY_CODE[b.op[node]].is_elementwise:
            return value
        shape = value.type.shape
        operand = next((x for x in b.operands(node) if getattr(b.type_of(x), "shape", None) == shape), None)
        if operand is None:
            return value
        value = Value(region, operand)
