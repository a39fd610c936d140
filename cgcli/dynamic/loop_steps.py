"""The steps of the loops of a dynamic run: which nodes of the tape each of them made."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from cgcli.diagnostics.source import Span
from cgcli.graph.graph import NONE
from cgcli.language.regions import Value

from .run_log import Event


class LoopStep(NamedTuple):
    """A step of a loop.

    parent: the step that the loop ran in, NONE outside of loops. loop: the first step of that loop. number: from 1.
    """

    parent: int
    loop: int
    line: int
    number: int


class LoopSteps:
    """The steps in the order in which they ran. `add` is the callback of a run's log."""

    def __init__(self) -> None:
        self.steps: list[LoopStep] = []
        self._starts = [0]  # nodes of the tape from which on another step runs
        self._running = [NONE]  # which one, from each of these on
        self._open: list[tuple[int, int, Span]] = []  # the steps that run: with the scope and the span of their loops

    def step_of(self, node: int) -> int:
        """The innermost step that made a node, NONE outside of loops."""
        return self._running[bisect_right(self._starts, node) - 1]

    def chain(self, step: int) -> list[int]:
        """A step and those around it, the outermost first."""
        steps: list[int] = []
        while step != NONE:
            steps.append(step)
            step = self.steps[step].parent
        return steps[::-1]

    def add(self, event: Event) -> None:
        """Follows the run to an event: a step of a loop, the end of one, or of a call with loops that it leaves."""
        if event.kind == "return":
            while self._open and self._open[-1][1] == event.scope:
                self._open.pop()
            self._from(event.nodes)
        elif event.kind == "end":
            self._leave(event)
            self._from(event.nodes)
        elif event.kind == "step":
            before = NONE if event.number == 1 else self._leave(event)
            step = len(self.steps)
            loop = step if before == NONE else self.steps[before].loop
            parent = self._open[-1][0] if self._open else NONE
            self.steps.append(LoopStep(parent, loop, event.span.line, event.number or 1))
            self._open.append((step, event.scope, event.span))
            item = event.names[0][1] if event.names else None
            is_new = isinstance(item, Value) and item.node == event.nodes - 1  # no part of structured data
            self._from(event.nodes - is_new)

    def _leave(self, event: Event) -> int:
        """Ends the running step of the loop of an event, and all that are within it; NONE where none runs."""
        if not any((scope, span) == (event.scope, event.span) for _, scope, span in self._open):
            return NONE
        while True:
            step, scope, span = self._open.pop()
            if (scope, span) == (event.scope, event.span):
                return step

    def _from(self, node: int) -> None:
        step = self._open[-1][0] if self._open else NONE
        if node == self._starts[-1]:
            self._running[-1] = step
        else:
            self._starts.append(node)
            self._running.append(step)
