"""The loop of training: batches, epochs, validation, early stopping. It tells of what happens and draws nothing."""

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
    """What a step of training gives: the loss before it, the norm of the gradient, the rate it went by, what is new."""

    loss: float
    norm: float
    rate: float
    params: dict[str, Any]
    memories: dict[str, Any]


class Problem(Protocol):
    """What is trained. rows: how many there are to learn from; 0 where the program takes no table."""

    rows: int

    def step(self, state: State, rows: Any) -> Step:
        """A step on these rows, None for a program that takes no table. Raises CgError as running the program does."""

    def validate(self, state: State) -> Mapping[str, float] | None:
        """The loss and other numbers on the rows kept for validation; None where there are none."""


@dataclass(frozen=True)
class Settings:
    """How to go through the rows, and when to stop (whichever comes first).

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
    """A step was done. loss: of its batch. done: the share of the run that is done, as far as that is known."""

    step: int
    epoch: int
    loss: float
    norm: float
    rate: float
    rows: int
    done: float | None


class Epoch(NamedTuple):
    """An epoch was done. loss: the mean over its rows, as they were met."""

    epoch: int
    step: int
    loss: float
    validation: Mapping[str, float] | None


class Hooks(Protocol):
    """Who follows a training."""

    def stepped(self, event: Stepped) -> None:
        """After every step."""

    def epoch(self, event: Epoch) -> None:
        """After every epoch."""

    def save(self, state: State) -> None:
        """Wherever training may be broken off and taken up again; decides by itself whether to write."""

    def asked_to_stop(self) -> bool:
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
    started = time.monotonic()
    before = state.seconds
    size = settings.batch or max(1, problem.rows)
    steps = steps_of_epoch(settings, problem.rows)
    ordered, rows = -1, None
    while True:
        seconds = time.monotonic() - started
        state.seconds = before + seconds
        if state.batch == steps:  # broken off before the end of the epoch was worked through
            _end_epoch(problem, state, settings, hooks)
        state.stopped = _limit(state, settings, seconds)
        if state.stopped is not None or hooks.asked_to_stop():
            return
        if ordered != state.epoch:
            ordered, rows = state.epoch, _order(settings, state.epoch, problem.rows)
        chosen = None if rows is None else rows[state.batch * size : (state.batch + 1) * size]
        count = 1 if chosen is None else len(chosen)
        found = problem.step(state, chosen)
        _check(found, state)
        state.params, state.memories = found.params, found.memories
        state.step += 1
        state.batch += 1
        state.rows += count
        state.total += found.loss * count
        done = _done(state, settings, steps, seconds)
        hooks.stepped(Stepped(state.step, state.epoch + 1, found.loss, found.norm, found.rate, count, done))
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
        judged = next(iter(validation.values()))
        if not math.isnan(judged) and (state.best is None or judged < state.best):
            state.best, state.waited = judged, 0
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


def _done(state: State, settings: Settings, steps: int, seconds: float) -> float | None:
    shares = []
    if settings.epochs:
        shares.append((state.epoch + state.batch / steps) / settings.epochs)
    if settings.steps:
        shares.append(state.step / settings.steps)
    if settings.seconds:
        shares.append(seconds / settings.seconds)
    return min(1.0, max(shares)) if shares else None


def _check(found: Step, state: State) -> None:
    if not math.isfinite(found.loss):
        raise error("loss-not-finite", status=1, step=state.step + 1, value=found.loss)
    if not math.isfinite(found.norm):
        raise error("gradient-not-finite", status=1, step=state.step + 1, value=found.norm)


def split(share: float, rows: int, seed: int) -> tuple[Sequence[int], Sequence[int]]:
    """The rows to learn from and those for validation, drawn by the seed; both in the order of the table."""
    drawn = order(seed, SPLIT, rows)
    count = round(share * rows)
    return sorted(drawn[count:].tolist()), sorted(drawn[:count].tolist())
