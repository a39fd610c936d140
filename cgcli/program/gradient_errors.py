"""What is wrong with derivatives: where NaN begins, and where they differ from differences of the program itself."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import TYPE_CHECKING

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.diagnostics.source import Span
from cgcli.graph.graph import Node
from cgcli.ops.table import OPS
from cgcli.render.numbers import shortest

from .program import Program, Values

if TYPE_CHECKING:
    from cgcli.analysis.differences import Check


def origin_of_nan(program: Program, values: Values, of: str) -> tuple[Span | None, str]:
    """The operation at which a derivative of `of` becomes NaN: its span and its description."""
    from cgcli.analysis.gradcheck import first_nan  # with the array library

    evaluation = program.run(values, of=of)
    first = first_nan(evaluation)
    assert first is not None
    node = Node(evaluation.graph, first.node)
    text = f"`{OPS[node.op].spelling.text}`"
    if first.factors is not None:
        derivative, partial = first.factors
        text += f" ({shortest(derivative, 4)} times a local derivative of {shortest(partial, 4)})"
    return node.span, text


def difference_error(program: Program, values: Values, of: str, checks: Sequence[Check]) -> CgError | None:
    """The error (status 1) for derivatives that differ from their differences, at the operation where that begins;
    None where all agree."""
    wrong = [f"d{of}/d{check.name}" for check in checks if check.verdict == "wrong"]
    missing = [f"d{of}/d{check.name}" for check in checks if check.verdict == "wrong" and isnan(check.derivative)]
    if missing:
        span, text = origin_of_nan(program, values, of)
        return error("gradient-nan-at", span, status=1, names=missing, text=text)
    if not wrong:
        return None
    first = program.first_wrong_node(values)
    if first is None:
        return error("gradient-differs", status=1, names=wrong)
    node, element, check = first
    details = {"element": element, "derivative": check.derivative, "difference": check.difference}
    return error("gradient-differs-at", Node(program.graph, node).span, status=1, names=wrong, **details)
