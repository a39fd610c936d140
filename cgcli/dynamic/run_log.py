"""What a dynamic run did, event by event: the lines that ran, with the names that they bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from cgcli.diagnostics.source import Span
from cgcli.language.regions import Value
from cgcli.language.structures import Structure

Kind = Literal["input", "bind", "if", "step", "end", "call", "return", "assert"]


class CallScope(NamedTuple):
    """A call that ran: the scope that it was made in (-1 of the top level), its function's name, how deep it lies."""

    parent: int
    function: str
    depth: int


class Event(NamedTuple):
    """A line that ran.

    kind: what it did: bound names, took a side of an `if`, went into a step of a loop or found its end, called or
    returned (`names` then holds the parameters, or what was returned), asserted. scope: the call that it belongs to.
    nodes: how many nodes the tape had after it. number: which step of a loop it was, from 1. holds: what a condition
    came to.
    """

    kind: Kind
    span: Span
    scope: int
    nodes: int
    names: tuple[tuple[str, Value | Structure], ...] = ()
    number: int | None = None
    holds: bool | None = None


EventCallback = Callable[[Event], None]


class RunLog:
    """All events of a run in order, and the calls that they belong to."""

    def __init__(self, watch: EventCallback | None = None) -> None:
        self.scopes = [CallScope(-1, "", 0)]
        self.events: list[Event] = []
        self._watch = watch

    def add(self, event: Event) -> None:
        """Notes an event, or hands it to who watches."""
        if self._watch is None:
            self.events.append(event)
        else:
            self._watch(event)

    def variables(self, k: int) -> dict[str, Value | Structure]:
        """What names are bound to after event `k`, in its scope."""
        scope = self.events[k].scope
        found: dict[str, Value | Structure] = {}
        for event in self.events[: k + 1]:
            if event.scope == scope and event.kind != "return":
                found.update(event.names)
        return found
