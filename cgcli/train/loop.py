"""The loop of training: batches, epochs, validation, early stopping. It reports by callbacks and draws nothing."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from cgcli.diagnostics.diagnostic import error

from .state import State

SPLIT = 2**62  # stands for an epoch where the rows for validation are drawn


class Step(NamedTuple):
    """The result of a step of training: the loss before it, the norm of the gradient, the rate, the new arrays."""

    loss: float
    norm: float
    rate: float
    params: dict[str, Any]
    memories: dict[str, Any]


class Problem(Protocol):
    """The problem to train. rows: how many there are to learn from; 0 where the program takes no table."""

    rows: int

    def step(self, state: State, rows: Any) -> Step:
        """A step on these rows, None for a program that takes no table. Raises CgError as running the program does."""

    def validate(self, state: State) -> Mapping[str, float] | None:
        """The loss and other numbers on the validation rows; None where there are none."""


@dataclass(frozen=True)
class Settings:
    """The order of the rows, and when to stop (whichever comes first).

    batch: rows a step, None for all. epochs, steps: how many there are to be in all. seconds: of this run. patience:
    epochs without an improvement on validation data.
    """

    batch: int | None
    seed: int = 0
    shuffle: bool = True
    epochs: int | None = None
    steps: int | None = None
    seconds: float | None = None
    patience: int | None = None


class Stepped(NamedTuple):
    """The event after a step. loss: of its batch. done: the share of the run that is done, where that is known."""

    step: int
    epoch: int
    loss: float
    norm: float
    rate: float
    rows: int
    done: float | None


class Epoch(NamedTuple):
    """The event after an epoch. loss: the mean over its rows, each by its batch's parameters."""

    epoch: int
    step: int
    loss: float
    validation: Mapping[str, float] | None


class Hooks(Protocol):
    """Callbacks of a training."""

    def stepped(self, event: Stepped) -> None:
        """After every step."""

    def epoch(self, event: Epoch) -> None:
        """After every epoch."""

    def save(self, state: State) -> None:
        """After every step, where training may be resumed from; decides by itself whether to write."""

    def stop_requested(self) -> bool:
        """Whether the run should end after the step that it is at."""


def order(seed: int, epoch: int, rows: int) -> Any:
    """The order of rows in an epoch: another one for each seed and epoch, the same at every run."""
    import numpy as np

    return np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(rows)


def steps_of_epoch(settings: Settings, rows: int) -> int:
    """How many steps make an epoch."""
    return max(1, math.ceil(rows / (settings.batch or max(1, rows))))


def train(problem: Problem, state: State, settings: Settings, hooks: Hooks) -> None:
    """Goes on from a state, in place, until one of the limits is met; `state.stopped` says which.

    Raises CgError (status 1) when a loss or a gradient is not finite; the state is then that before the step.
    """
    start = time.monotonic()
    seconds_before = state.seconds
    size = settings.batch or max(1, problem.rows)
    steps = steps_of_epoch(settings, problem.rows)
    order_epoch, rows = -1, None
    while True:
        seconds = time.monotonic() - start
        state.seconds = seconds_before + seconds
        if state.batch == steps:  # broken off before the end of the epoch was worked through
            _end_epoch(problem, state, settings, hooks)
        state.stopped = _limit(state, settings, seconds)
        if state.stopped is not None or hooks.stop_requested():
            return
        if order_epoch != state.epoch:
            order_epoch, rows = state.epoch, _order(settings, state.epoch, problem.rows)
        batch = None if rows is None else rows[state.batch * size : (state.batch + 1) * size]
        count = 1 if batch is None else len(batch)
        result = problem.step(state, batch)
        _check(result, state)
        state.params, state.memories = result.params, result.memories
        state.step += 1
        state.batch += 1
        state.rows += count
        state.total += result.loss * count
        progress = _progress(state, settings, steps, seconds)
        hooks.stepped(Stepped(state.step, state.epoch + 1, result.loss, result.norm, result.rate, count, progress))
        if state.batch == steps:
            _end_epoch(problem, state, settings, hooks)
        hooks.save(state)


def _order(settings: Settings, epoch: int, rows: int) -> Any:
    if rows == 0:
        return None
    if not settings.shuffle:
        import numpy as np

        return np.arange(rows)
    return order(settings.seed, epoch, rows)


def _end_epoch(problem: Problem, state: State, settings: Settings, hooks: Hooks) -> None:
    loss = state.total / max(1, state.rows)
    validation = problem.validate(state)  # may fail: the state is then still one to go on from
    state.epoch += 1
    state.batch = state.rows = 0
    state.total = 0.0
    if validation is not None:
        validation_loss = next(iter(validation.values()))
        if not math.isnan(validation_loss) and (state.best is None or validation_loss < state.best):
            state.best, state.waited = validation_loss, 0
            if settings.patience is not None:
                state.best_params = dict(state.params)
        else:
            state.waited += 1
    record: dict[str, Any] = {"epoch": state.epoch, "step": state.step, "loss": loss}
    state.history.append(record if validation is None else {**record, "validation": dict(validation)})
    hooks.epoch(Epoch(state.epoch, state.step, loss, validation))


def _limit(state: State, settings: Settings, seconds: float) -> str | None:
    """Why training is over, if it is."""
    if settings.patience is not None and state.waited >= settings.patience:
        return "patience"
    if settings.epochs is not None and state.epoch >= settings.epochs:
        return "epochs"
    if settings.steps is not None and state.step >= settings.steps:
        return "steps"
    return "time" if settings.seconds is not None and seconds >= settings.seconds else None


def _progress(state: State, settings: Settings, steps: int, seconds: float) -> float | None:
    shares = []
    if settings.epochs:
        shares.append((state.epoch + state.batch / steps) / settings.epochs)
    if settings.steps:
        shares.append(state.step / settings.steps)
    if settings.seconds:
        shares.append(seconds / settings.seconds)
    return min(1.0, max(shares)) if shares else None


def _check(result: Step, state: State) -> None:
    if not math.isfinite(result.loss):
        raise error("loss-not-finite", status=1, step=state.step + 1, value=result.loss)
    if not math.isfinite(result.norm):
        raise error("gradient-not-finite", status=1, step=state.step + 1, value=result.norm)


def split(share: float, rows: int, seed: int) -> tuple[Sequence[int], Sequence[int]]:
    """The rows to learn from and those for validation, drawn by the seed; both in the order of the table."""
    shuffled = order(seed, SPLIT, rows)
    count = round(share * rows)
    return sorted(shuffled[count:].tolist()), sorted(shuffled[:count].tolist())
