"""The loop of training: batches, epochs, validation, early stopping. It knows no program and reports by callbacks."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from cgcli.diagnostics.diagnostic import CgError, error

from .batches import Batches
from .state import State


class Change(NamedTuple):
    """What a step does to a parameter: its gradient, what is added to it, and its value before that. Of a tensor these
    are norms, the square roots of the sums of squares; of a number they are the numbers themselves.
    """

    gradient: float
    update: float
    value: float


class StepResult(NamedTuple):
    """The result of a step of training: the loss before it, the norm of the gradient, the rate, the new arrays.

    changes: of each parameter, None where no callback needs them.
    """

    loss: float
    norm: float
    rate: float
    params: dict[str, Any]
    memories: dict[str, Any]
    changes: Mapping[str, Change] | None = None


class StepAbandoned(Exception):
    """A request to stop came while a step waited for others: the training ends with the state before it."""


Step = Callable[[State, Any], StepResult]
"""A step from a state on the rows of these indices, None where it takes no rows. May raise CgError and `StepAbandoned`.
"""

Validate = Callable[[State], Mapping[str, float] | None]
"""The loss, first, and other numbers on the validation rows; None where there are none."""


@dataclass(frozen=True)
class Limits:
    """When training ends, whichever comes first.

    epochs, steps: how many there are to be in all. seconds: of this run. patience: epochs without an improvement on
    validation data.
    """

    epochs: int | None = None
    steps: int | None = None
    seconds: float | None = None
    patience: int | None = None


class StepEvent(NamedTuple):
    """The event after a step. loss: of its batch. done: the share of the run that is done, where that is known.

    changes: as in `StepResult`.
    """

    step: int
    epoch: int
    loss: float
    norm: float
    rate: float
    rows: int
    done: float | None
    changes: Mapping[str, Change] | None = None


class EpochEvent(NamedTuple):
    """The event after an epoch. loss: the mean over its rows, each by its batch's parameters."""

    epoch: int
    step: int
    loss: float
    validation: Mapping[str, float] | None


class Callback:
    """What happens besides training. A subclass defines the methods that it needs; the others do nothing.

    A CgError of `stepped`, `epoch_ended` or `checkpoint` ends the training as one of a step does.

    needs_changes: whether it reads the `changes` of events, which cost a little time.
    """

    needs_changes = False

    def started(self, state: State) -> None:
        """Before the first step."""

    def stepped(self, event: StepEvent) -> None:
        """After every step."""

    def epoch_ended(self, event: EpochEvent) -> None:
        """After every epoch."""

    def checkpoint(self, state: State) -> None:
        """After every step, with a state that training may be resumed from."""

    def stop_requested(self) -> bool:
        """Whether training is to end before the next step."""
        return False

    def failed(self, state: State, problem: CgError) -> None:
        """After an error; the state is the last good one. What this raises takes the place of the error."""

    def ended(self, state: State) -> None:
        """After the last step; `state.stopped` says which limit was met, None where a callback requested the stop."""


class Trainer:
    """A training that starts from a state and changes it.

    step: loss, gradients and the optimizer's update as one function. validate: called after each epoch.
    """

    def __init__(
        self, step: Step, batches: Batches, state: State, limits: Limits, validate: Validate = lambda _: None
    ) -> None:
        self.state, self.batches, self.limits = state, batches, limits
        self._step, self._validate = step, validate

    def fit(self, callbacks: Sequence[Callback] = ()) -> State:
        """Trains until one of the limits is met or a callback requests a stop; the state at the end.

        Raises CgError (status 1) when a loss or a gradient is not finite; the state is then that before the step.
        """
        for callback in callbacks:
            callback.started(self.state)
        try:
            with suppress(StepAbandoned):
                self._run(callbacks)
        except CgError as problem:
            for callback in callbacks:
                callback.failed(self.state, problem)
            raise
        for callback in callbacks:
            callback.ended(self.state)
        return self.state

    def _run(self, callbacks: Sequence[Callback]) -> None:
        state, steps = self.state, self.batches.per_epoch
        start = time.monotonic()
        seconds_before = state.seconds
        order_epoch, order = -1, None
        while True:
            seconds = time.monotonic() - start
            state.seconds = seconds_before + seconds
            if state.batch == steps:  # broken off before the end of the epoch was worked through
                self._end_epoch(callbacks)
            state.stopped = self._limit(seconds)
            if state.stopped is not None or any(callback.stop_requested() for callback in callbacks):
                return
            if order_epoch != state.epoch:
                order_epoch, order = state.epoch, self.batches.order(state.epoch)
            batch = self.batches.batch(order, state.batch)
            rows = 1 if batch is None else len(batch)
            result = self._step(state, batch)
            _check(result, state)
            state.params, state.memories = result.params, result.memories
            state.step += 1
            state.batch += 1
            state.rows += rows
            state.total += result.loss * rows
            done = self._share_done(seconds)
            event = StepEvent(
                state.step, state.epoch + 1, result.loss, result.norm, result.rate, rows, done, result.changes
            )
            for callback in callbacks:
                callback.stepped(event)
            if state.batch == steps:
                self._end_epoch(callbacks)
            for callback in callbacks:
                callback.checkpoint(state)

    def _end_epoch(self, callbacks: Sequence[Callback]) -> None:
        state = self.state
        loss = state.total / max(1, state.rows)
        validation = self._validate(state)  # may fail: the state is then still one to go on from
        state.epoch += 1
        state.batch = state.rows = 0
        state.total = 0.0
        if validation is not None:
            self._judge(next(iter(validation.values())))
        record: dict[str, Any] = {"epoch": state.epoch, "step": state.step, "loss": loss}
        state.history.append(record if validation is None else {**record, "validation": dict(validation)})
        for callback in callbacks:
            callback.epoch_ended(EpochEvent(state.epoch, state.step, loss, validation))

    def _judge(self, validation_loss: float) -> None:
        """Counts the epochs since the lowest validation loss; with `patience` keeps the parameters that gave it."""
        state = self.state
        if math.isnan(validation_loss) or (state.best is not None and validation_loss >= state.best):
            state.waited += 1
            return
        state.best, state.waited = validation_loss, 0
        if self.limits.patience is not None:
            state.best_params = dict(state.params)

    def _limit(self, seconds: float) -> str | None:
        """The limit that is met."""
        state, limits = self.state, self.limits
        if limits.patience is not None and state.waited >= limits.patience:
            return "patience"
        if limits.epochs is not None and state.epoch >= limits.epochs:
            return "epochs"
        if limits.steps is not None and state.step >= limits.steps:
            return "steps"
        return "time" if limits.seconds is not None and seconds >= limits.seconds else None

    def _share_done(self, seconds: float) -> float | None:
        state, limits = self.state, self.limits
        shares = []
        if limits.epochs:
            shares.append((state.epoch + state.batch / self.batches.per_epoch) / limits.epochs)
        if limits.steps:
            shares.append(state.step / limits.steps)
        if limits.seconds:
            shares.append(seconds / limits.seconds)
        return min(1.0, max(shares)) if shares else None


def _check(result: StepResult, state: State) -> None:
    if not math.isfinite(result.loss):
        raise error("loss-not-finite", status=1, step=state.step + 1, value=result.loss)
    if not math.isfinite(result.norm):
        raise error("gradient-not-finite", status=1, step=state.step + 1, value=result.norm)
