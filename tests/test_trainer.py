"""The trainer, with steps that are plain Python functions: limits, events, callbacks, what is saved and when."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.train import callbacks as library
from cgcli.train import trainer as loop
from cgcli.train.batches import Batches, split
from cgcli.train.callbacks import Checkpoints, LossCurve
from cgcli.train.state import State, restored
from cgcli.train.trainer import Callback, EpochEvent, Limits, StepEvent, StepResult, Trainer

ROWS = np.arange(10.0)


def step(state: State, rows: Any) -> StepResult:
    """A step of gradient descent towards the mean of the rows, or without rows towards 3."""
    target = 3.0 if rows is None else float(ROWS[rows].mean())
    x = float(state.params["x"])
    gradient = 2 * (x - target)
    return StepResult((x - target) ** 2, abs(gradient), 0.1, {"x": np.array(x - 0.1 * gradient)}, {})


def initial() -> State:
    return State({"x": np.array(0.0)}, {})


class Recorder(Callback):
    """Records what it is told. stop_after: requests a stop after so many steps."""

    def __init__(self, stop_after: float = math.inf) -> None:
        self.log: list[str] = []
        self.steps: list[StepEvent] = []
        self.epochs: list[EpochEvent] = []
        self.stop_after = stop_after

    def started(self, state: State) -> None:
        self.log.append(f"started {state.step}")

    def stepped(self, event: StepEvent) -> None:
        self.log.append(f"step {event.step}")
        self.steps.append(event)

    def epoch_ended(self, event: EpochEvent) -> None:
        self.log.append(f"epoch {event.epoch}")
        self.epochs.append(event)

    def checkpoint(self, state: State) -> None:
        self.log.append(f"checkpoint {state.step}")

    def stop_requested(self) -> bool:
        return len(self.steps) >= self.stop_after

    def failed(self, state: State, problem: CgError) -> None:
        self.log.append(f"failed {state.step}: {problem.diagnostics[0].code}")

    def ended(self, state: State) -> None:
        self.log.append(f"ended {state.step}: {state.stopped}")


# ---- the order of things


def test_what_is_reported_and_in_which_order() -> None:
    recorder = Recorder()
    Trainer(step, Batches(10, 6), initial(), Limits(epochs=2)).fit([recorder])
    epochs = [["step 1", "checkpoint 1", "step 2", "epoch 1", "checkpoint 2"]]
    epochs += [["step 3", "checkpoint 3", "step 4", "epoch 2", "checkpoint 4"]]
    assert recorder.log == ["started 0", *epochs[0], *epochs[1], "ended 4: epochs"]
    assert [(e.epoch, e.rows, e.done) for e in recorder.steps] == [(1, 6, 0.25), (1, 4, 0.5), (2, 6, 0.75), (2, 4, 1.0)]


def test_the_loss_of_an_epoch_counts_batches_by_their_rows() -> None:
    recorder = Recorder()
    state = Trainer(step, Batches(10, 6), initial(), Limits(epochs=1)).fit([recorder])
    first, second = (event.loss for event in recorder.steps)
    assert recorder.epochs == [EpochEvent(1, 2, (6 * first + 4 * second) / 10, None)]
    assert state.history == [{"epoch": 1, "step": 2, "loss": (6 * first + 4 * second) / 10}]


def test_without_rows_an_epoch_is_a_step() -> None:
    state = Trainer(step, Batches(0), initial(), Limits(steps=100)).fit()
    assert (state.step, state.epoch, state.stopped) == (100, 100, "steps")
    assert state.params["x"] == pytest.approx(3)


def test_each_epoch_takes_every_row_once_in_an_order_of_its_own() -> None:
    batches = Batches(10, 4, seed=1)
    orders = [list(batches.order(epoch)) for epoch in range(3)]
    assert [sorted(order) for order in orders] == [list(range(10))] * 3
    assert len({tuple(order) for order in orders}) == 3
    assert list(batches.batch(batches.order(0), 2)) == orders[0][8:]
    assert (batches.per_epoch, Batches(10).per_epoch, Batches(0).per_epoch) == (3, 1, 1)
    assert list(Batches(3, shuffle=False).order(7)) == [0, 1, 2]


def test_rows_are_held_out_by_the_seed() -> None:
    training, validation = split(0.3, 10, seed=5)
    assert (len(training), len(validation)) == (7, 3)
    assert sorted([*training, *validation]) == list(range(10))
    assert split(0.3, 10, seed=5) == (training, validation)
    assert split(0.3, 10, seed=6) != (training, validation)


# ---- when it ends


def test_a_callback_ends_it_after_the_step() -> None:
    recorder = Recorder(stop_after=3)
    state = Trainer(step, Batches(10, 2), initial(), Limits(epochs=9)).fit([Callback(), recorder])
    assert (state.step, state.stopped) == (3, None)
    assert recorder.log[-1] == "ended 3: None"


def test_it_goes_on_where_it_was_stopped() -> None:
    """From a state within an epoch, at its end and right behind, as if never stopped."""
    whole = Trainer(step, Batches(10, 3), initial(), Limits(epochs=3)).fit()
    for stop in range(1, 12):
        state = Trainer(step, Batches(10, 3), initial(), Limits(epochs=3)).fit([Recorder(stop_after=stop)])
        resumed = restored(state.tensors(), state.numbers(), ["x"])
        end = Trainer(step, Batches(10, 3), resumed, Limits(epochs=3)).fit()
        assert end.params["x"].tobytes() == whole.params["x"].tobytes()
        assert (end.step, end.history) == (whole.step, whole.history)


def test_patience_ends_it_with_the_best_parameters() -> None:
    losses = iter([5.0, math.nan, 4.0, 4.0, 4.5, 1.0])

    def validate(state: State) -> Mapping[str, float]:
        return {"loss": next(losses), "other": 0.0}

    state = Trainer(step, Batches(0), initial(), Limits(epochs=99, patience=2), validate).fit()
    assert (state.stopped, state.epoch, state.best, state.waited) == ("patience", 5, 4.0, 2)
    third = Trainer(step, Batches(0), initial(), Limits(epochs=3)).fit()
    assert state.result["x"] == third.params["x"] != state.params["x"]
    assert [record["validation"]["loss"] for record in state.history[2:]] == [4.0, 4.0, 4.5]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Time goes on by a second whenever it is read."""
    seconds = iter(range(10**6))
    monkeypatch.setattr(loop.time, "monotonic", lambda: float(next(seconds)))
    return iter(())


@pytest.mark.usefixtures("clock")
def test_time_ends_it() -> None:
    state = initial()
    state.seconds = 100.0  # of the runs before
    recorder = Recorder()
    Trainer(step, Batches(0), state, Limits(seconds=5)).fit([recorder])
    assert (state.step, state.stopped, state.seconds) == (4, "time", 105.0)
    assert [event.done for event in recorder.steps] == [0.2, 0.4, 0.6, 0.8]


# ---- what goes wrong


@pytest.mark.parametrize(
    ("loss", "norm", "code"),
    [(math.inf, 1.0, "loss-not-finite"), (math.nan, 1.0, "loss-not-finite"), (1.0, math.nan, "gradient-not-finite")],
)
def test_a_number_that_is_not_finite_leaves_the_state_before(loss: float, norm: float, code: str) -> None:
    def diverging(state: State, rows: Any) -> StepResult:
        result = step(state, rows)
        return result._replace(loss=loss, norm=norm) if state.step == 2 else result

    recorder = Recorder()
    trainer = Trainer(diverging, Batches(0), initial(), Limits(steps=9))
    with pytest.raises(CgError) as raised:
        trainer.fit([recorder])
    assert (raised.value.status, raised.value.diagnostics[0].code) == (1, code)
    assert recorder.log[-1] == f"failed 2: {code}"
    assert trainer.state.params["x"] == Trainer(step, Batches(0), initial(), Limits(steps=2)).fit().params["x"]


def test_an_error_of_a_callback_ends_it_as_one_of_a_step_does() -> None:
    class Full(Callback):
        def stepped(self, event: StepEvent) -> None:
            if event.step == 2:
                raise error("cannot-write", status=1, path="m.jsonl", reason="no space left")

    recorder = Recorder()
    with pytest.raises(CgError):
        Trainer(step, Batches(0), initial(), Limits(steps=9)).fit([Full(), recorder])
    assert recorder.log[-1] == "failed 2: cannot-write"


# ---- checkpoints and curves


class Saved(list[int]):
    """The steps of the states that were saved."""

    def __call__(self, state: State) -> None:
        self.append(state.step)


def test_checkpoints_come_at_the_start_when_due_and_at_the_end() -> None:
    saved = Saved()
    Trainer(step, Batches(0), initial(), Limits(steps=8)).fit([Checkpoints(saved, every=3)])
    assert saved == [0, 3, 6, 8]


def test_a_resumed_run_saves_nothing_before_it_has_something_new() -> None:
    saved = Saved()
    state = initial()
    state.step = state.epoch = 2
    Trainer(step, Batches(0), state, Limits(steps=9)).fit([Checkpoints(saved, 100, resumed=True), Recorder(0)])
    assert saved == []
    Trainer(step, Batches(0), state, Limits(steps=3)).fit([Checkpoints(saved, 100, resumed=True)])
    assert saved == [3]


@pytest.mark.usefixtures("clock")
def test_checkpoints_come_by_time() -> None:
    """Each step reads the clock twice, the trainer's and that of the checkpoints."""
    assert library.time is loop.time
    saved = Saved()
    Trainer(step, Batches(0), initial(), Limits(steps=12)).fit([Checkpoints(saved)])
    assert saved == [0, 5, 10, 12]


def test_an_error_saves_the_last_good_state_and_both_errors_are_told() -> None:
    def failing(state: State, rows: Any) -> StepResult:
        return step(state, rows)._replace(loss=math.inf if state.step == 2 else 1.0)

    saved = Saved()
    with pytest.raises(CgError):
        Trainer(failing, Batches(0), initial(), Limits(steps=9)).fit([Checkpoints(saved)])
    assert saved == [0, 2]

    def full(state: State) -> None:
        if state.step:
            raise error("cannot-write", status=1, path="w.safetensors", reason="no space left")

    with pytest.raises(CgError) as raised:
        Trainer(failing, Batches(0), initial(), Limits(steps=9)).fit([Checkpoints(full)])
    assert [d.code for d in raised.value.diagnostics] == ["loss-not-finite", "cannot-write"]


def test_a_long_curve_is_thinned() -> None:
    curve = LossCurve()
    for k in range(1, 10_001):
        curve.stepped(StepEvent(k, 1, 1 / k, 0.0, 0.1, 1, None))
    assert curve.stride == 4
    assert curve.points == [(k, 1 / k) for k in range(4, 10_001, 4)]
