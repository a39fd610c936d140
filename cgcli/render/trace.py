"""The lines of a dynamic run, as text and as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cgcli.diagnostics.escape import show
from cgcli.diagnostics.wrapped import LEAST, labelled

from .tensors import as_lists, terminal_brief

LONGEST = 44  # characters of a line of the program that are shown
INDENT = "  "
DEEPEST = 20  # calls that are shown by indentation


class Line(NamedTuple):
    """A line that ran, in plain words.

    kind, number, holds: as an event has them. depth: calls around it. function: the call that it belongs to, or that it
    begins or ends. names: what it bound, with values: numbers, arrays, or texts that say what else it is.
    """

    kind: str
    file: str
    line: int
    text: str
    depth: int
    function: str
    names: Sequence[tuple[str, Any]]
    number: int | None
    holds: bool | None


def text(line: Line, precision: int | None = None, width: int | None = None) -> str:
    """`  4  s = s + w * total(t.left)      s = 1.23`; calls are indented, steps of loops numbered.

    width: of the terminal; what a line does goes on below its beginning.
    """
    longest = LONGEST if width is None else min(LONGEST, max(LONGEST // 2, width - LEAST - 8))
    source = line.text if len(line.text) <= longest else line.text[: longest - 1] + "…"
    depth = min(line.depth - (line.kind == "call"), DEEPEST)
    left = f"{line.line:>4}  {INDENT * depth}{show(source)}"
    return labelled(left, show(result(line, precision)), longest + 8, width).rstrip()


def result(line: Line, precision: int | None = None) -> str:
    """The effect of a line, in short."""
    values = ", ".join(f"{name} = {value(x, precision)}" for name, x in line.names)
    if line.kind == "if":
        return "true" if line.holds else "false"
    if line.kind == "assert":
        return "holds"
    if line.kind == "step":
        return f"step {line.number}" + (f": {values}" if values else "")
    if line.kind == "end":
        return f"ends after {line.number} step{'' if line.number == 1 else 's'}"
    if line.kind == "call":
        return f"call {line.function}({values})"
    if line.kind == "return":
        return f"{line.function} gives {', '.join(value(x, precision) for _, x in line.names)}"
    return f"input {values}" if line.kind == "input" else values


def value(x: Any, precision: int | None = None) -> str:
    """A number, a tensor in brief, or the text that stands for other data."""
    return x if isinstance(x, str) else terminal_brief(x, precision)


def data(line: Line) -> Mapping[str, Any]:
    """The line as JSON data: one object."""
    event: dict[str, Any] = {"line": line.line, "file": line.file, "kind": line.kind, "text": line.text}
    event |= {"function": line.function or None, "depth": line.depth}
    if line.names:
        values = {name or "result": as_lists(x) for name, x in line.names}
        event["values"] = values if len(values) == len(line.names) else [x for _, x in line.names]
    if line.number is not None:
        event["step"] = line.number
    if line.holds is not None:
        event["holds"] = line.holds
    return event
