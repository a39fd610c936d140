"""Where a value got its shape and where a call comes from: for messages about shapes that do not fit."""

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
LONGEST = 24  # characters of an operand's text that are repeated in a message


def described(value: Value, span: Span) -> str:
    """`x is float[batch, 783], declared on line 1`; `span` is where the operand stands."""
    text = " ".join(span.text.split())
    what = text if len(text) <= LONGEST else "this"
    shown = str(value.type).removeprefix("~")
    return f"{what} is {shown}{_origin(value, span)}"


def _origin(value: Value, here: Span) -> str:
    """Where the shape was declared or made, unless that is `here`."""
    given, value = value, _source(value)
    b = value.region.builder
    span = b.spans[b.span[value.node]] if b.span[value.node] != NONE else None
    if span is None or (span.source is here.source and span.start >= here.start and span.end <= here.end):
        return ""
    place = f"on line {span.line}"
    if span.source is not here.source:
        place += f" of {span.source.name}"
    if b.op[value.node] == INPUT:
        like = f", shaped like {b.names[value.node]}" if value != given and value.node in b.names else ""
        return f"{like}, declared {place}"
    called = _CALL.match(span.text)
    made = called[0] if called else BY_CODE[b.op[value.node]].notation.text
    return f", made by `{made}` {place}" if called or opname(b.op[value.node]) != made else f", made {place}"


def callers(call: Call | None, here: Span) -> list[Label]:
    """The calls that led from one file into another, and in the end to `here`."""
    found: list[Label] = []
    source = here.source
    while call is not None:
        if call.span is not None and call.span.source is not source:
            found.append(Label(call.span, "call"))
            source = call.span.source
        call = call.parent
    return found


def clash_of(a: Size, b: Size) -> dict[str, Size]:
    """Two sizes that differ, and what would make them one: a name for both, or a number in the place of a name."""
    names = [size for size in (a, b) if isinstance(size, str) and size.isidentifier()]
    found = {"a": a, "b": b}
    if len(names) == 2:
        return found | {"same": a}
    numbers = [size for size in (a, b) if isinstance(size, int) and size != 1]
    return found | {"name": names[0], "number": numbers[0]} if names and numbers else found


def counted(n: int, one: str, more: str | None = None) -> str:
    """`1 axis`, `2 axes`."""
    return f"{n} {one if n == 1 else more or one + 's'}"


def _source(value: Value) -> Value:
    """The value that first had this shape: back through ops that keep the shape of an operand."""
    while True:
        region, b, node = value.region, value.region.builder, value.node
        if b.op[node] == INPUT:
            outer = outside(region, node)
            if outer is None:
                return value
            value = outer
            continue
        if BY_CODE[b.op[node]].flow != "elementwise":
            return value
        shape = value.type.shape
        before = next((x for x in b.operands(node) if getattr(b.type_of(x), "shape", None) == shape), None)
        if before is None:
            return value
        value = Value(region, before)
