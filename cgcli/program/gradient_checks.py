"""What is wrong with derivatives: those that differences contradict, and the operation where they become NaN."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

from cgcli.analysis.differences import Check
from cgcli.diagnostics.diagnostic import error
from cgcli.graph.graph import Node
from cgcli.ops.table import OPS
from cgcli.render.numbers import shortest

from .computation import Computation, Values


def require_agreement(program: Computation, values: Values, of: str, checks: Sequence[Check]) -> None:
    """Raises CgError (status 1) where derivatives of `of` and differences disagree, with the operation it begins at."""
    wrong = [f"d{of}/d{check.name}" for check in checks if check.verdict == "wrong"]
    missing = [f"d{of}/d{check.name}" for check in checks if check.verdict == "wrong" and isnan(check.derivative)]
    if missing:
        node, text = origin_of_nan(program, values, of)
        raise error("gradient-nan-at", node.span, status=1, names=missing, text=text)
    if not wrong:
        return
    first = program.first_wrong_node(values)
    if first is None:
        raise error("gradient-differs", status=1, names=wrong)
    i, element, check = first
    details = {"element": element, "derivative": check.derivative, "difference": check.difference}
    raise error("gradient-differs-at", Node(program.graph, i).span, status=1, names=wrong, **details)


def origin_of_nan(program: Computation, values: Values, of: str) -> tuple[Node, str]:
    """The operation at which a derivative of `of` becomes NaN, and its description."""
    from cgcli.analysis.gradcheck import first_nan

    evaluation = program.run(values, of=of)
    first = first_nan(evaluation)
    assert first is not None
    node = Node(evaluation.graph, first.node)
    text = f"`{OPS[node.op].spelling.text}`"
    if first.factors is not None:
        derivative, partial = (shortest(x, 4) for x in first.factors)
        text += f" ({derivative} times a local derivative of {partial})"
    return node, text
