"""Both modes side by side: the first value, or derivative, that they do not agree in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cgcli.diagnostics.source import Span
from cgcli.graph.graph import Node

from .program import Program, Values

ROUNDINGS = 1e-9  # what two orders of the same operations may differ by, relative to the largest element


@dataclass(frozen=True)
class Comparison:
    """How much was compared, and the first difference: its name (`y`, `dy/dx`), where it is bound, and both sides."""

    values: int
    derivatives: int
    name: str | None = None
    span: Span | None = None
    static: Any = None
    dynamic: Any = None


def compare(static: Program, dynamic: Program, values: Values) -> Comparison:
    """Every named value in the order in which the run made them, then the derivatives of each float output.

    Raises CgError where a run stops.
    """
    run = dynamic.recorded(values)
    first, second = static.eval(values, every=True), run.eval(values, every=True)
    names = sorted((n for n in first if n in second), key=lambda n: run.module.values[n])
    value_count = 0
    for name in names:
        value_count += 1
        if not agree(first[name], second[name]):
            span = Node(static.graph, static.module.values[name]).span
            return Comparison(value_count, 0, name, span, first[name], second[name])
    derivative_count = 0
    wrt = [i.name for i in static.inputs if i.type.is_float]
    for of in static.outputs:
        t = static.type_of(of)
        if not t.has_derivative or t.shape or not run.type_of(of).has_derivative or not wrt:
            continue
        first_partials, second_partials = (p.grad(values, of=of, wrt=wrt).partials for p in (static, run))
        for name in wrt:
            derivative_count += 1
            if not agree(first_partials[name], second_partials[name]):
                span = Node(static.graph, static.module.values[of]).span
                return Comparison(
                    value_count, derivative_count, f"d{of}/d{name}", span, first_partials[name], second_partials[name]
                )
    return Comparison(value_count, derivative_count)


def agree(x: Any, y: Any) -> bool:
    """Whether two values are the same up to rounding; NaN agrees with NaN."""
    if not hasattr(x, "shape") and not hasattr(y, "shape"):
        return bool(x == y or (x != x and y != y) or abs(x - y) <= ROUNDINGS * max(abs(x), abs(y), 1e-300))
    from cgcli.analysis.gradcheck import near  # with the array library

    return near(x, y, ROUNDINGS)
