"""The text of an operation as it was written, over the names that its operands have where it is shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence, Set

from cgcli.diagnostics.source import RepeatedSpan
from cgcli.graph.graph import CONST, INPUT, LOOP, NONE
from cgcli.ops.notation import write_node
from cgcli.ops.spelling import LONGEST_TENSOR, Written
from cgcli.ops.table import BY_CODE
from cgcli.ops.written import WrittenOperations

from .formula import control_text

LONGEST_TEXT = 96
"""Characters of a text of the file; of a longer one, in which much would stand again that has a row, the operation over
the names of its operands."""
_NAME = re.compile(r"[^\W\d]\w*")
_ARGUMENT = re.compile(r"(?:^|,) *(\w+ *=(?!=) *[^,]+)")


def operation_text(written: WrittenOperations, i: int, name: Callable[[int], Written]) -> Written:
    """The operation with the result `i`; `name` gives the text of an operand.

    An operation of one node is written in the language; else it is the source text, in which operands stand as they
    are named here: in `std(a * b)` of an unnamed product `std(%3)`.
    """
    graph = written.graph
    control = written.control(i)
    operands = written.inputs(i)
    if control is not None:
        texts, word = [name(x).text for x in operands], written.symbol(i)
        return Written(f"{texts[0]} {word} …" if word in ("and", "or") else control_text(graph, control, texts), 0)
    if graph.op[i] == INPUT:
        return name(i)
    if written.text(i) is None or graph.op[i] == CONST:
        return write_node(graph, i, [name(written.result_of[x]) for x in graph.operands(i)], LONGEST_TENSOR)
    target = _part_assignment(written, i, operands, name)
    return target or _over_names(written, i, operands, name) or _over_operands(written, i, [name(x) for x in operands])


def file_text(written: WrittenOperations, i: int, rebound: Set[str]) -> str | None:
    """The text that the operation with the result `i` has in the file; None where that would not do.

    So it is in functions, where names are others, in Python, and where the text is long or has a name of `rebound`,
    which are bound several times. Of statements with a block what stands before it.
    """
    graph, at = written.graph, written.graph.span[i]
    if at == NONE or graph.group[i] != NONE or graph.op[i] == INPUT:
        return None
    span = graph.spans[at]
    control = written.control(i) if written.has_control else None
    if isinstance(span, RepeatedSpan) or (control is None and span.end - span.start > 4 * LONGEST_TEXT):
        return None
    text = span.text
    if "\n" in text or "#" in text:
        text = " ".join(line.partition("#")[0] for line in text.splitlines())
    if control is not None:
        text = text.partition("{")[0]
        if graph.op[graph.a[control]] == LOOP:
            rebound = frozenset()  # what a loop changes is meant as it is there
    text = " ".join(text.split())
    if not text or len(text) > LONGEST_TEXT or (rebound and not rebound.isdisjoint(_NAME.findall(text))):
        return None
    return text


def _part_assignment(
    written: WrittenOperations, i: int, operands: Sequence[int], name: Callable[[int], Written]
) -> Written | None:
    """`y with [1] = v`."""
    symbol = written.operator(i)
    if not symbol.endswith(" =") or not operands:
        return None
    value = f" {name(operands[-1]).text}" if len(operands) > 1 else ""
    return Written(f"{name(operands[0]).text} with {symbol}{value}", 0)


def _over_names(
    written: WrittenOperations, i: int, operands: Sequence[int], name: Callable[[int], Written]
) -> Written | None:
    """The source text with the names of the operands in their places; None where one stands nowhere in it."""
    graph = written.graph
    whole = graph.spans[graph.span[i]]
    places: list[tuple[int, int, str]] = []
    for x in operands:
        found = written.places(i, x)
        if not found:
            return None
        is_literal = graph.op[x] == CONST and x not in graph.names
        places += [] if is_literal else [(start, end, name(x).text) for start, end in found]
    text, at = "", whole.start
    for start, end, replacement in sorted(places):
        if start >= at:  # not a name within an operand that has been replaced
            text += whole.source.text[at:start] + replacement
            at = end
    text += whole.source.text[at : whole.end]
    level = BY_CODE[graph.op[i]].spelling.level if i not in written.members else 0
    return Written(" ".join(text.split()), level)


def _over_operands(written: WrittenOperations, i: int, operands: Sequence[Written]) -> Written:
    """The symbol over the operands, for one in a function, whose parameters have other names."""
    symbol, text = written.operator(i), written.text(i) or ""
    texts = [x.text for x in operands]
    if symbol.startswith(("[", ".")) and symbol != "[…]" and texts:
        return Written(texts[0] + symbol)
    if len(texts) == 2 and not symbol.isidentifier():
        return Written(f"{texts[0]} {symbol} {texts[1]}", 0)
    inside = text[text.find("(") + 1 : -1] if symbol.isidentifier() else ""
    return Written(f"{symbol}({', '.join([*texts, *_ARGUMENT.findall(inside)])})")
