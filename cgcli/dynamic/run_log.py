"""The log of a dynamic run: an event for each line that ran, with the names that it bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from cgcli.diagnostics.source import Span
from cgcli.language.regions import Value
from cgcli.language.structures import Structure

Kind = Literal["input", "bind", "if", "step", "end", "call", "return", "assert"]


class CallScope(NamedTuple):
    """A call that ran: the caller's scope (-1 of the top level), the function's name, the depth of the call."""

    parent: int
    function: str
    depth: int


class Event(NamedTuple):
    """A line that ran.

    kind: what the line did: bound names, took a side of an `if`, began a step of a loop or ended it, called or returned
    (`names` then holds the parameters, or the returned values), asserted. scope: the index of its call in the log.
    nodes: the length of the tape after it. number: of a step of a loop, from 1. holds: the value of a condition.
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
    """All events of a run in order, and the calls that they belong to. callback: is called with events, in place of
    storing them."""

    def __init__(self, callback: EventCallback | None = None) -> None:
        self.scopes = [CallScope(-1, "", 0)]
        self.events: list[Event] = []
        self._callback = callback

    def add(self, event: Event) -> None:
        """Stores an event, or calls the callback with it."""
        if self._callback is None:
            self.events.append(event)
        else:
            self._callback(event)
