"""Callbacks of a training that any user of it may want: checkpoints, and the curve of its losses."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cgcli.diagnostics.diagnostic import CgError

from .state import State
from .trainer import Callback, Change, StepEvent

CHECKPOINT_SECONDS = 10.0  # between two checkpoints, unless it is said after how many steps
MOST_POINTS = 4000  # of a learning curve, at most


class Checkpoints(Callback):
    """Hands the state to `save` at the start, when a checkpoint is due, at the end and after an error.

    every: steps between two checkpoints, None for a time interval. resumed: whether the state at the start is saved
    already.
    """

    def __init__(self, save: Callable[[State], None], every: int | None = None, resumed: bool = False) -> None:
        self._save, self._every, self._resumed = save, every, resumed
        self._first_step = 0
        self._saved_at = time.monotonic()

    def started(self, state: State) -> None:
        self._first_step = state.step
        if not self._resumed:
            self._save(state)  # a file that cannot be written fails now, not after an hour

    def checkpoint(self, state: State) -> None:
        now = time.monotonic()
        due = state.step % self._every == 0 if self._every else now - self._saved_at >= CHECKPOINT_SECONDS
        if due:
            self._save(state)
            self._saved_at = now

    def failed(self, state: State, problem: CgError) -> None:
        try:
            self._save(state)
        except CgError as second:
            raise CgError(*problem.diagnostics, *second.diagnostics, status=problem.status) from None

    def ended(self, state: State) -> None:
        if state.step > self._first_step or state.stopped is not None:
            self._save(state)


@dataclass
class LossCurve(Callback):
    """The losses of steps and what these did to parameters, of every `stride`-th: it grows so that there are at most
    `MOST_POINTS`.
    """

    points: list[tuple[int, float]] = field(default_factory=list)
    changes: list[tuple[int, Mapping[str, Change]]] = field(default_factory=list)
    stride: int = 1
    needs_changes = True

    def stepped(self, event: StepEvent) -> None:
        self.add(event.step, event.loss, event.changes)

    def add(self, step: int, loss: float, changes: Mapping[str, Change] | None) -> None:
        """Appends a step; those of a run before it was resumed come first."""
        if step % self.stride:
            return
        self.points.append((step, loss))
        if changes is not None:
            self.changes.append((step, changes))
        if len(self.points) > MOST_POINTS:
            self.stride *= 2
            self.points = [point for point in self.points if point[0] % self.stride == 0]
            self.changes = [point for point in self.changes if point[0] % self.stride == 0]
