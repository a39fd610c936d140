"""What stops a run that is walked through, and its backward pass: lines, calls, conditions, NaN, steep derivatives."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from cgcli.analysis.backward_pass import Step
from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.diagnostics.escape import show

from .stepping import Breakpoint, RunCursor, magnitude

CONDITIONS = ("nan", "inf", "grad", "if")
"""The words that a condition begins with."""


def parse_breakpoint(cursor: RunCursor, text: str) -> Breakpoint:
    """A condition from its text: `12`, `12 if x > 3`, `if x > 3`, `f`, `nan`, `inf`, `grad y > 100`.

    Raises CgError for a text that is none, and for one that can never hold in the backward pass that is under way.
    """
    if text == "nan":
        return _value_break(cursor, "NaN", lambda x: x != x)
    if text == "inf":
        return _value_break(cursor, "infinite", lambda x: abs(x) == math.inf)
    match = re.fullmatch(r"grad\s+(\S+)\s*>\s*(\S.*)", text)
    if match is not None:
        return _gradient_break(cursor, match[1], match[2])
    if cursor.backward_pass is not None:
        raise error("bad-pass-break", text=show(text))
    if text in cursor.functions:
        return _call_break(cursor, text)
    return _line_break(cursor, text)


def _value_break(cursor: RunCursor, what: str, is_bad: Callable[[Any], Any]) -> Breakpoint:
    """Behind a line that makes such a value; at a value by which the derivative is one."""
    return Breakpoint(
        f"a value or a derivative that is {what}",
        lambda k: any(cursor.holds_any(i, is_bad) for i in cursor.nodes_before(k)),
        lambda step: any_element(step.derivative, is_bad),
    )


def _gradient_break(cursor: RunCursor, name: str, limit_text: str) -> Breakpoint:
    """Behind a line that makes a value by which the derivative of `name` is larger; in the backward pass at one. In the
    backward pass of another value: where its derivative by `name` is."""
    try:
        limit = float(cursor.evaluate(limit_text))
    except (TypeError, ValueError):
        raise error("bad-break", text=show(f"grad {name} > {limit_text}")) from None
    node, gradients = cursor.steepest(name)

    def holds_in_pass(step: Step) -> bool:
        backward_pass = cursor.backward_pass
        concerns = backward_pass is not None and node in (backward_pass.of, step.node)
        return concerns and magnitude(step.derivative) > limit

    return Breakpoint(
        f"|d{name}/d…| > {limit:g}",
        lambda k: any(gradients[i] > limit for i in cursor.nodes_before(k)),
        holds_in_pass,
    )


def _call_break(cursor: RunCursor, function: str) -> Breakpoint:
    """In front of each call of a function."""
    return Breakpoint(f"call of {function}", lambda k: cursor.called(k) == function)


def _line_break(cursor: RunCursor, text: str) -> Breakpoint:
    number, _, condition = text.partition("if ")
    number, condition = number.strip(), condition.strip()
    if not (condition or re.fullmatch(r"[1-9][0-9]{0,8}", number)) or (number and not number.isdecimal()):
        raise error("bad-break", text=show(text), functions=cursor.functions or None)
    line = int(number) if number else None

    def holds(k: int) -> bool:
        if line is not None and not cursor.starts_line(k, line):
            return False
        try:
            return not condition or cursor.evaluate(condition) is True
        except CgError:
            return False  # a name in it has no value yet

    where = "" if line is None else f"line {line}"
    return Breakpoint(" ".join(x for x in (where, f"if {condition}" if condition else "") if x), holds)


def any_element(x: Any, holds: Callable[[Any], Any]) -> bool:
    """Whether it holds for a number, or for an element of a tensor."""
    result = holds(x)
    return bool(result.any()) if hasattr(result, "any") else bool(result)
