"""The callbacks of a training on the command line: its progress, its notes, and the signals that end it early."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

from cgcli.cli import signals
from cgcli.cli.output import can_write, notice, width_of
from cgcli.cli.progress import StatusLine
from cgcli.cli.signals import ending_signals
from cgcli.diagnostics.diagnostic import CgError
from cgcli.diagnostics.escape import show
from cgcli.render.numbers import shortest
from cgcli.render.progress import BAR, LEVELS, History, Progress, progress_line
from cgcli.train.state import State
from cgcli.train.trainer import Callback, Limits, StepEvent


class ProgressLine(Callback):
    """A line of progress on standard error: on a terminal with a bar and a sparkline of the loss."""

    def __init__(self, limits: Limits) -> None:
        self._line = StatusLine()
        self._limits = limits
        self._rows = 0
        self._done_before: float | None = None  # the share of a resumed run that others did
        self._history = History()

    def stepped(self, event: StepEvent) -> None:
        if self._done_before is None and event.done is not None:
            self._done_before = event.done
        self._rows += event.rows
        if self._line.on_terminal:
            self._history.add(event.loss)
        if self._line.due():
            self._line.update(self._bar(event) if self._line.on_terminal else self._status(event))

    def failed(self, state: State, problem: CgError) -> None:
        self._line.end()

    def ended(self, state: State) -> None:
        self._line.end()

    def _status(self, event: StepEvent) -> str:
        seconds = self._line.seconds
        parts = [f"epoch {event.epoch}", f"step {event.step}", f"loss {shortest(event.loss, 5)}"]
        parts += [f"rate {shortest(event.rate, 3)}", f"{self._rows / seconds:.0f} rows a second"]
        if event.done:
            parts.append(f"{100 * event.done:.0f} %")
        if (left := self._seconds_left(event)) is not None:
            parts.append(f"{left:.0f} s left")
        return ", ".join(parts)

    def _bar(self, event: StepEvent) -> str:
        """The line on a terminal."""
        progress = Progress(
            event.done,
            f"epoch {event.epoch}{f' of {self._limits.epochs}' if self._limits.epochs else ''}",
            f"step {event.step}{f' of {self._limits.steps}' if self._limits.steps else ''}",
            event.loss,
            self._history.means or [event.loss],
            event.rate,
            self._rows / self._line.seconds,
            self._seconds_left(event),
        )
        ascii_only = not can_write(LEVELS + BAR, sys.stderr)
        return progress_line(progress, width_of(sys.stderr) or 80, ascii_only=ascii_only)

    def _seconds_left(self, event: StepEvent) -> float | None:
        """By how long this run took for its share."""
        done = (event.done or 0.0) - (self._done_before or 0.0)
        return self._line.seconds * (1 - (event.done or 0.0)) / done if done > 0 else None


class StopRequest(Callback):
    """A signal handler that requests a stop after the current step. The second signal ends the run at once."""

    requested = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True

    def stop_requested(self) -> bool:
        return self.requested


@contextmanager
def stoppable() -> Iterator[StopRequest]:
    """Within, SIGINT, SIGTERM and SIGHUP request a stop after the current step."""
    stop = StopRequest()
    previous = {}
    with suppress(ValueError):  # not in the main thread, which alone handles signals
        for number in ending_signals():
            previous[number] = signal.signal(number, stop)
    try:
        with signals.graceful_stop():
            yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


class Notes(Callback):
    """Notes on why a training ended, and where its result is.

    save: the checkpoint, None for none. command: the command line that goes on from it, without `--resume`.
    """

    def __init__(self, stop: StopRequest, save: str | None, patience: int | None, command: Sequence[str]) -> None:
        self._stop, self._save, self._patience, self._command = stop, save, patience, command

    def failed(self, state: State, problem: CgError) -> None:
        if self._save is not None:
            notice(show(f"note: {self._save} holds the state after step {state.step}, the last good one"))

    def ended(self, state: State) -> None:
        if self._stop.requested:
            notice(f"stopped after step {state.step}")
            if self._save is None:
                notice("note: nothing is saved, for there is no `--save`")
            else:
                notice(show(f"go on with: {' '.join([*self._command, '--resume', self._save])}"))
            return
        if state.stopped == "patience":
            best = state.epoch - state.waited
            notice(f"note: no better for {self._patience} epochs; the parameters are those of epoch {best}")
        if state.stopped == "time":
            notice(f"note: the time is up after step {state.step}")
        if self._save is not None:
            notice(show(f"saved {self._save}"))
