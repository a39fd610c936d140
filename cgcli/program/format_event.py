"""Events of a dynamic run in plain words, with the values that the run computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cgcli.dynamic.run_log import Event, RunLog
from cgcli.language.regions import Value
from cgcli.render.trace import Line


def format_event(event: Event, log: RunLog, v: Sequence[Any]) -> Line:
    """The event as a line; `v` holds the values of nodes."""
    scope, span = log.scopes[event.scope], event.span
    return Line(
        kind=event.kind,
        file=span.source.name,
        line=span.line,
        text=" ".join(span.text.split()),
        depth=scope.depth,
        function=scope.function,
        names=[(name, event_value(x, v)) for name, x in event.names],
        number=event.number,
        holds=event.holds,
    )


def event_value(x: Any, v: Sequence[Any]) -> Any:
    """The value of a node; a description of other data."""
    return v[x.node] if isinstance(x, Value) else str(x)
