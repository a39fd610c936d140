"""Fits the parameters of a program to examples: by steps over batches, or by a solver over all rows at once."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cgcli.data.checkpoints import Checkpoint
from cgcli.data.run_files import RunFiles, run_files
from cgcli.diagnostics.diagnostic import error, unknown_name
from cgcli.graph.graph import Graph
from cgcli.run.binding import missing, plain, require
from cgcli.train.batches import split
from cgcli.train.callbacks import Checkpoints
from cgcli.train.solvers import Solution, least_squares, minimise
from cgcli.train.state import State
from cgcli.train.trainer import Callback, Trainer

from .computation import Computation, Values
from .examples import Examples
from .fit_settings import BATCH, FitSettings, check_settings, matching, resumed_settings
from .mapping import examples_of, map_rows
from .residuals import residuals
from .resume import all_params, identity, program_identity, resumed_state, resumed_values
from .tables import TableSettings
from .training import DynamicProblem, Task, problem, start, task

if TYPE_CHECKING:
    from .shards import RunShards

SOLVER_STEPS = 2000  # of a solver at most, unless the settings say

ShardsBy = Callable[[Task], "AbstractContextManager[RunShards]"]
"""What computes the shards of a training as long as its context lasts. Raises CgError where it cannot."""


def fit(
    program: Computation,
    values: Values,
    examples: Examples,
    settings: FitSettings,
    *,
    validation: Examples | None = None,
    checkpoint: Checkpoint | None = None,
    callbacks: Sequence[Callback] = (),
    shards_by: ShardsBy | None = None,
) -> Fitted:
    """Finds the parameters that make the target of the settings small over examples.

    values: the inputs that are the same in every row, and parameters' own starts. validation: rows to judge by.
    checkpoint: where to go on from, as if never stopped; of its settings only the limits may be others. shards_by: what
    computes the shards of batches in place of this process, as `cluster.trainings.on_cluster`. Sets the program's seed.

    Raises CgError, also when a loss or a gradient is not finite (status 1).
    """
    if checkpoint is not None:
        settings = resumed_settings(settings, checkpoint)
        values = resumed_values(program, values, checkpoint)
    options = () if shards_by is None else ("cluster",)
    return prepare_fit(program, values, examples, settings, validation, options).fit(callbacks, checkpoint, shards_by)


def fit_table(
    program: Computation,
    table: Any,
    values: Values,
    options: TableSettings,
    settings: Mapping[str, Any],
    callbacks: Sequence[Callback] = (),
    shards_by: ShardsBy | None = None,
) -> Fitted:
    """A fit over the rows of a table, as `Program.fit` takes it. settings: fields of `FitSettings`; `validation` may be
    a table, `weight_decay` one number or a number by pattern.
    """
    settings = dict(settings)
    names = [field.name for field in fields(FitSettings)]
    unknown = next((name for name in settings if name not in names), None)
    if unknown is not None:
        start = unknown if any(i.name == unknown for i in program.inputs) else None
        raise error("no-such-setting", **unknown_name(unknown, names), start=start)
    examples = examples_of(program, table, values, options)
    held_out = settings.get("validation")
    validation = None
    if held_out is not None and not isinstance(held_out, int | float):
        del settings["validation"]
        known_words = replace(options, labels={**options.labels, **examples.labels})
        validation = examples_of(program, held_out, values, known_words)
    if isinstance(settings.get("freeze"), str):
        settings["freeze"] = [settings["freeze"]]
    decay = settings.get("weight_decay")
    if isinstance(decay, int | float):
        settings["weight_decay"] = [("*", float(decay))]
    elif isinstance(decay, Mapping):
        settings["weight_decay"] = list(decay.items())
    events: dict[str, Any] = {"callbacks": callbacks, "shards_by": shards_by}
    return fit(program, values, examples, FitSettings(**settings), validation=validation, **events)


def prepare_fit(
    program: Computation,
    values: Values,
    examples: Examples,
    settings: FitSettings,
    validation: Examples | None = None,
    options: Collection[str] = (),
) -> StepFitting | SolverFitting:
    """What `fit` runs, ready to begin. options: see `check_settings`.

    Raises CgError for settings that do not fit the program or the examples.
    """
    check_settings(program, settings, examples.rows > 0, {*options, *(() if validation is None else ("validation",))})
    settings = replace(settings, optimizer=settings.method)
    program.seed = settings.seed or 0
    if validation is None and settings.validation is not None:
        examples, validation = _held_out(examples, settings)
    without = [] if examples.rows else missing(program.inputs, values)
    if without:
        raise error("needs-table", missing=without, usage=" ".join(f"--{name} VALUE" for name in without))
    require(program.inputs, {**values, **examples.columns})
    frozen = matching(program, settings.freeze or (), "--freeze")
    batch = settings.batch_size or (None if settings.solves else BATCH)
    about_rows = settings.reduce or "mean", batch, settings.shards
    whole = task(program, settings.target, values, examples, validation, frozen, *about_rows)
    return SolverFitting(whole, settings) if settings.solves else StepFitting(whole, settings)


def _held_out(examples: Examples, settings: FitSettings) -> tuple[Examples, Examples]:
    """The rows to learn from and those for validation. Raises CgError where one of them is none."""
    share = settings.share or 0.0
    training, validation = split(share, examples.rows, settings.seed or 0) if 0 < share < 1 else ((), ())
    if not training or not validation:
        raise error("bad-share", value=settings.validation, rows=examples.rows)
    return examples.take(training), examples.take(validation)


@dataclass(frozen=True)
class Fitted:
    """A program whose parameters were fitted to examples.

    constants: the inputs that were the same in every row, and the parameters' starts. outputs: the loss over all
    examples, and other numbers that the program says of many rows.
    stopped: `patience`, `epochs`, `steps` or `time`; of a solver `converged`, `time`, or `steps` where it does not get
    further; None where a callback requested the stop.
    result: the last state of steps, or a solver's solution. tensors, info: the contents of a checkpoint.
    """

    program: Computation
    settings: FitSettings
    constants: Values = field(repr=False)
    outputs: Mapping[str, float]
    stopped: str | None
    result: State | Solution = field(repr=False)
    tensors: Mapping[str, Any] = field(repr=False)
    info: Mapping[str, Any] = field(repr=False)

    @cached_property
    def params(self) -> dict[str, Any]:
        """The parameters that were trained, by name a number or an array."""
        arrays = self.result.params if isinstance(self.result, Solution) else self.result.result
        return {name: plain(x) for name, x in arrays.items()}

    @property
    def values(self) -> dict[str, Any]:
        """The fitted parameters and the inputs that were the same in every row."""
        return {**self.constants, **self.params}

    @property
    def target(self) -> str:
        """The name of the value that was minimised."""
        return self.settings.target

    @property
    def loss(self) -> float:
        """The loss over all examples; of a residual the sum of its squares."""
        return self.outputs[self.target]

    @property
    def steps(self) -> int:
        """How many there were; of a solver how often it computed the loss."""
        return self.result.steps if isinstance(self.result, Solution) else self.result.step

    @property
    def converged(self) -> bool:
        """Whether training ended because nothing got better any more."""
        return self.stopped in ("patience", "converged")

    @property
    def epochs(self) -> int:
        """How many there were; of a solver as `steps`."""
        return self.result.steps if isinstance(self.result, Solution) else self.result.epoch

    @property
    def history(self) -> Sequence[Mapping[str, Any]]:
        """A record an epoch: `epoch`, `step`, `loss` and, on the validation rows, `validation`."""
        return () if isinstance(self.result, Solution) else self.result.history

    @property
    def validation(self) -> Mapping[str, float] | None:
        """The loss and other numbers on the validation rows, with these parameters; None where there are none."""
        if isinstance(self.result, Solution) or not self.history:
            return None
        record = self.history[-1]
        if self.result.best_params is not None:
            record = next(r for r in self.history if r["validation"][self.target] == self.result.best)
        validation: Mapping[str, float] | None = record.get("validation")
        return validation

    @property
    def labels(self) -> Mapping[str, Sequence[str]]:
        """By input the words that its classes 0, 1, … stood for in the examples."""
        labels: Mapping[str, Sequence[str]] = self.info.get("labels", {})
        return labels

    def predict(
        self,
        table: Any,
        *,
        outputs: Sequence[str] = (),
        out: str | os.PathLike[str] | None = None,
        options: TableSettings | None = None,
    ) -> Any:
        """A row of outputs for each row of a table, by the fitted parameters; see `Program.map`.

        outputs: which; by default those that the table suffices for, as a loss needs the truth. The classes of an
        output are words where the examples had words.
        """
        settings = options or TableSettings()
        settings = replace(settings, labels={**self.labels, **settings.labels})
        return map_rows(self.program, table, self.values, settings, outputs=outputs, out=out)

    def save(self, path: str) -> None:
        """Writes a checkpoint, in place of one that is there. Raises CgError (status 1) when it cannot be written, and
        status 2 for a file with other contents.
        """
        with run_files(path, keep=1, overwrite=True) as files:
            self.save_in(files)

    def save_in(self, files: RunFiles) -> None:
        """Writes a checkpoint of the run that these files belong to."""
        files.save(self.tensors, self.info)


def _labels(task: Task) -> dict[str, Any]:
    """The entry of a checkpoint for the words of classes; none where the examples have none."""
    words = {name: list(classes) for name, classes in task.examples.labels.items()}
    return {"labels": words} if words else {}


class StepFitting:
    """A fit by steps over batches, each of them loss, gradients and update at once."""

    def __init__(self, task: Task, settings: FitSettings) -> None:
        self.task = task
        self.settings = settings.with_horizon(task.examples.rows)
        self.problem = problem(task, self.settings.update(task.program))
        if isinstance(self.problem, DynamicProblem):
            self.problem.check()

    @property
    def step_graph(self) -> Graph:
        """A step as one graph. Raises CgError for a dynamic program, which has none before it runs."""
        if isinstance(self.problem, DynamicProblem):
            raise error("draw-dynamic")
        return self.problem.step_graph

    def trainer(self, checkpoint: Checkpoint | None = None) -> Trainer:
        """The training from its start, or from a checkpoint.

        Raises CgError (status 1) for a checkpoint of another program or other examples.
        """
        if checkpoint is None:
            state = start(self.task, self.problem.update)
        else:
            state = resumed_state(self.task, self._identity, checkpoint)
        batches = self.settings.batches(self.task.examples.rows)
        return Trainer(self.problem.step, batches, state, self.settings.limits(), self.problem.validate)

    def fit(
        self,
        callbacks: Sequence[Callback] = (),
        checkpoint: Checkpoint | None = None,
        shards_by: ShardsBy | None = None,
    ) -> Fitted:
        """Trains from the start, or from a checkpoint as if never stopped. Raises CgError as `fit` does."""
        self.problem.records_changes = any(callback.needs_changes for callback in callbacks)
        trainer = self.trainer(checkpoint)
        with nullcontext(self.problem.run_shards) if shards_by is None else shards_by(self.problem.task) as run_shards:
            self.problem.run_shards = run_shards
            state = trainer.fit(callbacks)
        outputs = self.problem.judge(state.result, self.task.examples)
        task, contents = self.task, self._contents(state)
        return Fitted(task.program, self.settings, task.constants, outputs, state.stopped, state, *contents)

    def gradients(self, fitted: Fitted, rows: int) -> Mapping[str, Any]:
        """The gradient of the loss over the first rows by each parameter, at the fitted parameters."""
        sample = range(min(self.task.examples.rows, rows)) if self.task.examples.rows else None
        return self.problem.gradients({name: fitted.tensors[name] for name in self.task.trained}, sample)[1]

    def checkpoints(self, files: RunFiles, every: int | None = None) -> Checkpoints:
        """A callback that writes checkpoints. every: steps between two, None for a time interval."""

        def save(state: State) -> None:
            files.save(*self._contents(state))

        return Checkpoints(save, every, resumed=files.checkpoint is not None)

    def _contents(self, state: State) -> tuple[dict[str, Any], dict[str, Any]]:
        settings = {"settings": self.settings.stored(), **_labels(self.task)}
        info = {**self._identity, **settings, "state": state.numbers()}
        return {**self._frozen, **state.tensors()}, info

    @cached_property
    def _identity(self) -> dict[str, Any]:
        return identity(self.task)

    @cached_property
    def _frozen(self) -> dict[str, Any]:
        return {name: x for name, x in all_params(self.task).items() if name not in self.task.trained}


class SolverFitting:
    """A fit by a solver, which takes all rows at once and chooses its steps by itself. It is not resumed."""

    def __init__(self, task: Task, settings: FitSettings) -> None:
        self.task, self.settings = task, settings

    def fit(
        self,
        callbacks: Sequence[Callback] = (),
        checkpoint: Checkpoint | None = None,
        shards_by: ShardsBy | None = None,
    ) -> Fitted:
        """Solves; of callbacks it asks whether to stop, and it has no shards. Raises CgError as `fit` does."""
        if checkpoint is not None:
            raise error("no-resume", optimizer=self.settings.method)
        started = time.monotonic()
        seconds = math.inf if self.settings.seconds is None else self.settings.seconds

        def time_is_up() -> bool:
            return time.monotonic() - started > seconds

        def stop_requested() -> bool:
            return any(callback.stop_requested() for callback in callbacks)

        solution = self._solution(lambda: stop_requested() or time_is_up())
        stopped: str | None = "steps"
        if solution.converged:
            stopped = "converged"
        elif stop_requested():
            stopped = None
        elif time_is_up():
            stopped = "time"
        task, outputs = self.task, {self.task.loss: solution.loss}
        tensors = {**all_params(task), **solution.params}
        info = {**program_identity(task), "settings": self.settings.stored(), **_labels(task)}
        return Fitted(task.program, self.settings, task.constants, outputs, stopped, solution, tensors, info)

    def _solution(self, stop: Callable[[], bool]) -> Solution:
        initial = start(self.task).params
        steps = self.settings.steps or SOLVER_STEPS
        if self.settings.method == "lm":
            return least_squares(residuals(self.task), initial, steps, stop)
        return minimise(problem(self.task).gradients, initial, steps, stop)
