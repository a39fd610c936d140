"""The callbacks of a training: status line, metrics, checkpoints, and the signals that end it early."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from cgcli.cli import signals
from cgcli.cli.metrics import Metrics
from cgcli.cli.progress import StatusLine
from cgcli.cli.signals import ending_signals
from cgcli.render.numbers import shortest
from cgcli.train.loop import Epoch, Stepped
from cgcli.train.state import State

CHECKPOINT_SECONDS = 10.0  # between two checkpoints without `--every`
MOST_POINTS = 4000  # of a learning curve, at most


@dataclass
class Curve:
    """The losses of steps: every `stride`-th, which grows so that there are at most `MOST_POINTS`."""

    points: list[tuple[int, float]] = field(default_factory=list)
    stride: int = 1

    def add(self, step: int, loss: float) -> None:
        if step % self.stride == 0:
            self.points.append((step, loss))
        if len(self.points) > MOST_POINTS:
            self.stride *= 2
            self.points = [(k, y) for k, y in self.points if k % self.stride == 0]


class Callbacks:
    """The callbacks of a training. save: writes a checkpoint. every: steps between two, None for a time interval."""

    def __init__(
        self, save: Callable[[State], None] | None, every: int | None, metrics: Metrics | None, stop: StopRequest
    ) -> None:
        self._save, self._every, self._metrics, self._stop = save, every, metrics, stop
        self.line = StatusLine()
        self.curve = Curve()
        self.saved = time.monotonic()
        self._rows = 0

    def stepped(self, event: Stepped) -> None:
        self._rows += event.rows
        self.curve.add(event.step, event.loss)
        if self._metrics is not None:
            record = {"step": event.step, "epoch": event.epoch, "loss": event.loss, "rate": event.rate}
            self._metrics.write({**record, "norm": event.norm})
        if self.line.due():
            self.line.update(self._status(event))

    def _status(self, event: Stepped) -> str:
        seconds = self.line.seconds
        parts = [f"epoch {event.epoch}", f"step {event.step}", f"loss {shortest(event.loss, 5)}"]
        parts += [f"rate {shortest(event.rate, 3)}", f"{self._rows / seconds:.0f} rows a second"]
        if event.done:
            parts.append(f"{100 * event.done:.0f} %")
            parts.append(f"{max(0.0, seconds * (1 - event.done) / event.done):.0f} s left")
        return ", ".join(parts)

    def epoch(self, event: Epoch) -> None:
        if self._metrics is not None:
            record: dict[str, Any] = {"step": event.step, "epoch": event.epoch, "mean_loss": event.loss}
            if event.validation is not None:
                record["validation"] = dict(event.validation)
            self._metrics.write(record)

    def save(self, state: State) -> None:
        if self._save is None:
            return
        now = time.monotonic()
        due = state.step % self._every == 0 if self._every else now - self.saved >= CHECKPOINT_SECONDS
        if due:
            self._save(state)
            self.saved = now

    def stop_requested(self) -> bool:
        return self._stop.requested


class StopRequest:
    """A signal handler that records a request to stop. The second signal ends the run at once."""

    requested = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


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
