"""The work of `cg train`: reads settings and checkpoints, trains the program, prints the result."""

from __future__ import annotations

import fnmatch
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from cgcli.cli.fit_report import Style, show_fit, show_state
from cgcli.cli.output import notice
from cgcli.cli.resume import all_params, check_same, data_identity, program_identity, resumed_values
from cgcli.cli.rows import examples_of, table_settings
from cgcli.cli.session import Session
from cgcli.cli.training_files import TrainingFiles
from cgcli.data.checkpoints import Checkpoint
from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.files.writing import check_writable, write_atomic
from cgcli.program import Program
from cgcli.program.python_file import FileProgram
from cgcli.program.residuals import residuals
from cgcli.program.tables import OnError
from cgcli.program.training import (
    DynamicProblem,
    Examples,
    StaticProblem,
    Task,
)
from cgcli.program.training import problem as make_problem
from cgcli.program.training import start as initial_state
from cgcli.program.training import task as make_task
from cgcli.render import curve
from cgcli.render.escape import show
from cgcli.run.binding import missing, require
from cgcli.train.fit import Fit, least_squares, minimise
from cgcli.train.loop import Settings, split, steps_of_epoch
from cgcli.train.loop import train as loop
from cgcli.train.optimizers import OPTIMIZERS, Update
from cgcli.train.state import State, restored

from .callbacks import Callbacks, Curve, StopRequest, stoppable

SOLVERS = ("lbfgs", "lm")
FREE = ("epochs", "steps")  # settings that may change when a run is resumed
STEPS_OF_FIT = 2000
EPOCHS, EPOCHS_ALONE = 10, 1000  # over a table; of a program without one
BATCH = 32
CURVES = (".svg", ".png", ".pdf")


@dataclass(frozen=True)
class TrainingOptions:
    """The options of the command line. settings: those that affect the result, by option; None for one not given.

    command: the command line that resumes this training, without `--resume`.
    """

    settings: Mapping[str, Any]
    data: str | None
    maps: Sequence[str]
    on_error: OnError
    seconds: float | None
    save: str | None
    every: int | None
    keep: int
    resume: str | None
    metrics: str | None
    plot: str | None
    histogram: bool
    draw: str | None
    command: Sequence[str] = ()


def run(session: Session, options: TrainingOptions, files: TrainingFiles, style: Style) -> int:
    """Trains, saves and prints. The exit status: 130 when a signal ended the run. Raises `CgError`."""
    if options.plot is not None and PurePath(options.plot).suffix.lower() not in CURVES:
        raise error("bad-target-kind", option="--plot", path=options.plot, kinds=list(CURVES))
    if options.plot is not None:  # fails now, not at the end
        curve.require()
        check_writable(options.plot)
    checkpoint = files.checkpoint
    settings = _merged_settings(options.settings, checkpoint)
    _check(session, settings, options)
    session.program.seed = settings["seed"] or 0
    values = session.values if checkpoint is None else resumed_values(session, checkpoint)
    session = replace(session, values=values)
    examples, validation = _examples(session, options, settings)
    without = missing(session.program.inputs, values) if options.data is None else []
    if without:
        raise error("needs-table", missing=without, usage=" ".join(f"--{name} VALUE" for name in without))
    require(session.program.inputs, {**values, **examples.columns})
    target = settings["loss"] or settings["residual"]
    frozen = _matching(session, settings["freeze"] or [], "--freeze")
    batch = settings["batch-size"] or (None if settings["optimizer"] in SOLVERS else BATCH)
    reduce = settings["reduce"] or "mean"
    task = make_task(session.program, target, values, examples, validation, frozen, reduce, batch)
    with stoppable() as stop:
        if settings["optimizer"] in SOLVERS:
            return _fit(session, task, settings, options, files, stop, style)
        return _train(session, task, settings, options, files, stop, style)


# ---- settings


def _merged_settings(line: Mapping[str, Any], checkpoint: Checkpoint | None) -> dict[str, Any]:
    """The settings of this run: those of the checkpoint, or those of the command line with their defaults.

    Raises `CgError` for a setting that differs from the checkpoint's and affects the result.
    """
    if checkpoint is not None:
        stored = checkpoint.info.get("settings")
        if not isinstance(stored, dict):
            raise error("checkpoint-foreign", status=1, file=checkpoint.path)
        for option, value in line.items():
            if value is not None and option not in FREE and stored.get(option) != value:
                before = "not given" if stored.get(option) is None else _text(stored[option])
                raise error("resume-differs", option=f"--{option}", before=before, now=_text(value))
        limits = {name: line[name] for name in FREE}
        return stored | (limits if any(limits.values()) else {})
    settings = dict(line)
    if settings["optimizer"] is None:
        settings["optimizer"] = "adam" if settings["residual"] is None else "lm"
    return settings


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _check(session: Session, settings: Mapping[str, Any], options: TrainingOptions) -> None:
    """Raises `CgError` for options that do not go together."""
    optimizer, fits = settings["optimizer"], settings["optimizer"] in SOLVERS
    if settings["loss"] is None and settings["residual"] is None:
        floats = _float_outputs(session.program)
        raise error("needs-loss", choices=floats or None)
    if (optimizer == "lm") != (settings["residual"] is not None):
        raise error("residual-and-lm", optimizer=optimizer)
    batches = ["lr", "schedule", "warmup", "clip", "weight-decay", "batch-size", "epochs", "no-shuffle", "patience"]
    unused = [name for name in [*batches, "validation"] if fits and settings[name] is not None]
    unused += [name for name in ("metrics", "histogram", "draw", "plot", "every") if fits and getattr(options, name)]
    unused += ["reduce"] if optimizer == "lm" and settings["reduce"] else []
    if unused:
        raise error("option-of-batches", option=f"--{unused[0]}", optimizer=optimizer)
    if fits and options.resume is not None:
        raise error("no-resume", optimizer=optimizer)
    if settings["patience"] is not None and settings["validation"] is None:
        raise error("needs-validation")
    if options.data is None:
        for_tables = [f"--{n}" for n in ("batch-size", "validation", "no-shuffle") if settings[n] is not None]
        for_tables += ["--map"] if options.maps else []
        if for_tables:
            raise error("needs-data", option=for_tables[0])
    if options.every is not None and options.save is None:
        raise error("needs-save", option="--every")
    endless = settings["schedule"] not in (None, "constant") and not (settings["epochs"] or settings["steps"])
    if endless and options.seconds is not None:
        raise error("endless-schedule", schedule=settings["schedule"])


def _float_outputs(program: Program) -> list[str]:
    """The outputs that can be a loss; of a dynamic program, whose types are unknown before a run, all of them."""
    if isinstance(program, FileProgram):
        return [program.name]  # of a function that returns one number
    if program.mode == "dynamic":
        return list(program.outputs)
    return [n for n in program.outputs if program.type_of(n).has_derivative]


def _matching(session: Session, patterns: Sequence[str], option: str) -> list[str]:
    """The parameters that match a pattern. Raises `CgError` for a pattern without a match."""
    params = [i.name for i in session.program.inputs if i.kind == "param"]
    matches: list[str] = []
    for pattern in patterns:
        names = [name for name in params if fnmatch.fnmatchcase(name, pattern)]
        if not names:
            raise error("no-such-param", option=option, name=pattern or "''", known=params or None)
        matches += names
    return matches


def _examples(
    session: Session, options: TrainingOptions, settings: Mapping[str, Any]
) -> tuple[Examples, Examples | None]:
    """The training rows and the validation rows."""
    if options.data is None:
        return Examples({}, 0), None
    reading = table_settings(options.maps, options.on_error)
    examples = examples_of(session, options.data, reading)
    validation = settings["validation"]
    if validation is None:
        return examples, None
    try:
        share = float(validation)
    except ValueError:
        validation_rows = examples_of(session, validation, reading)
        same = validation_rows.columns.keys() == examples.columns.keys()
        if not same or validation_rows.together != examples.together:
            raise error("tables-differ", status=1, first=options.data, file=validation) from None
        return examples, validation_rows
    training, held_out = split(share, examples.rows, settings["seed"] or 0) if 0 < share < 1 else ((), ())
    if not training or not held_out:
        raise error("bad-share", value=validation, rows=examples.rows)
    return examples.take(training), examples.take(held_out)


# ---- steps


def _saver(
    session: Session, task: Task, settings: Mapping[str, Any], files: TrainingFiles, info: Mapping[str, Any]
) -> Any:
    """A function that writes a checkpoint of a state; None without `--save`."""
    if files.path is None:
        return None
    others = {n: x for n, x in all_params(session, task).items() if n not in task.trained}

    def save(state: State) -> None:
        files.save({**others, **state.tensors()}, {**info, "settings": dict(settings), "state": state.numbers()})

    return save


def _train(
    session: Session,
    task: Task,
    settings: dict[str, Any],
    options: TrainingOptions,
    files: TrainingFiles,
    stop: StopRequest,
    style: Style,
) -> int:
    checkpoint = files.checkpoint
    plan, update = _plan_and_update(session, task, settings, options)
    problem = make_problem(task, update)
    if isinstance(problem, DynamicProblem):
        problem.check()
    if options.draw is not None:
        _draw(problem, options.draw)
    info: dict[str, Any] = {
        **program_identity(task),
        "params": {i.name: f"{i.type}" for i in session.program.inputs if i.kind == "param"},
        "data": data_identity(task),
    }
    if checkpoint is None:
        state = initial_state(task, update)
    else:
        check_same(checkpoint, info["graph"], info["data"])
        try:
            state = restored(checkpoint.tensors, checkpoint.info["state"], task.trained)
        except (TypeError, KeyError):
            raise error("checkpoint-foreign", status=1, file=checkpoint.path) from None
    save = _saver(session, task, settings, files, info)
    callbacks = Callbacks(save, options.every, files.open_metrics(), stop)
    if save is not None and checkpoint is None:
        save(state)  # a file that cannot be written fails now, not after an hour
    first_step = state.step
    try:
        loop(problem, state, plan, callbacks)
    except CgError as first:
        callbacks.line.end()
        if save is not None:
            try:
                save(state)
            except CgError as second:
                raise CgError(*first.diagnostics, *second.diagnostics, status=first.status) from None
            notice(show(f"note: {options.save} holds the state after step {state.step}, the last good one"))
        raise
    callbacks.line.end()
    if save is not None and (state.step > first_step or state.stopped is not None):
        save(state)
    _note_end(state, plan, stop, options)
    outputs = problem.judge(state.result, task.examples)
    gradients = problem.gradients(state.result, _sample(task))[1] if options.histogram else None
    show_state(state, outputs, task, style, gradients)
    if options.plot is not None:
        _plot(options.plot, task.loss, state, callbacks.curve)
    return 130 if stop.requested else 0


def _sample(task: Task) -> Any:
    """The rows whose gradients are shown: at most 1024, to be quick."""
    return range(min(task.examples.rows, 1024)) if task.examples.rows else None


def _plan_and_update(
    session: Session, task: Task, settings: dict[str, Any], options: TrainingOptions
) -> tuple[Settings, Update]:
    """The settings of the loop, and the update of a step. Stores the horizon of the schedule in `settings`."""
    rows = task.examples.rows
    epochs, steps = settings["epochs"], settings["steps"]
    if not epochs and not steps and options.seconds is None:
        epochs = settings["epochs"] = EPOCHS if rows else EPOCHS_ALONE
    batch = min(settings["batch-size"] or BATCH, rows) if rows else None
    plan = Settings(
        batch,
        settings["seed"] or 0,
        not settings["no-shuffle"],
        epochs,
        steps,
        options.seconds,
        settings["patience"],
    )
    counts = [epochs * steps_of_epoch(plan, rows)] if epochs else []
    counts += [steps] if steps else []
    settings.setdefault("horizon", min(counts) if counts else 1)
    rule = settings["optimizer"]
    decay: dict[str, float] | None = None
    for pattern, value in settings["weight-decay"] or []:
        decay = (decay or {}) | dict.fromkeys(_matching(session, [pattern], "--weight-decay"), value)
    update = Update(
        rule,
        OPTIMIZERS[rule].rate if settings["lr"] is None else settings["lr"],
        settings["schedule"] or "constant",
        settings["horizon"],
        settings["warmup"] or 0,
        settings["clip"],
        decay,
    )
    return plan, update


def _note_end(state: State, plan: Settings, stop: StopRequest, options: TrainingOptions) -> None:
    """Notes on why the training ended, and where the result is."""
    if stop.requested:
        notice(f"stopped after step {state.step}")
        if options.save is not None:
            notice(show(f"go on with: {' '.join([*options.command, '--resume', options.save])}"))
        else:
            notice("note: nothing is saved, for there is no `--save`")
        return
    if state.stopped == "patience":
        best = state.epoch - state.waited
        notice(f"note: no better for {plan.patience} epochs; the parameters are those of epoch {best}")
    if state.stopped == "time":
        notice(f"note: the time is up after step {state.step}")
    if options.save is not None:
        notice(show(f"saved {options.save}"))


def _plot(path: str, loss: str, state: State, losses: Curve) -> None:
    write_atomic(path, curve.curve(PurePath(path).suffix[1:].lower(), loss, state.history, losses.points))


def _draw(problem: StaticProblem | DynamicProblem, path: str) -> None:
    """The picture of one step."""
    from cgcli.cli.render import picture_kind
    from cgcli.render.draw import render

    if isinstance(problem, DynamicProblem):
        raise error("draw-dynamic")
    kind = picture_kind(path)
    image = render(problem.step_graph, None, kind, title="a step of training", params=problem.task.trained)
    write_atomic(path, image.data)


# ---- fits


def _fit(
    session: Session,
    task: Task,
    settings: Mapping[str, Any],
    options: TrainingOptions,
    files: TrainingFiles,
    stop: StopRequest,
    style: Style,
) -> int:
    started = time.monotonic()
    seconds = math.inf if options.seconds is None else options.seconds

    def ended() -> bool:
        return stop.requested or time.monotonic() - started > seconds

    initial = initial_state(task)
    steps = settings["steps"] or STEPS_OF_FIT
    fit: Fit
    if settings["optimizer"] == "lm":
        fit = least_squares(residuals(task), initial.params, steps, ended)
    else:
        fit = minimise(make_problem(task).gradients, initial.params, steps, ended)
    try:
        if files.path is not None:
            tensors = {**all_params(session, task), **fit.params}
            files.save(tensors, {**program_identity(task), "settings": dict(settings)})
            notice(show(f"saved {files.path}"))
    finally:  # parameters that cannot be saved are at least printed
        if not fit.converged:
            why = "stopped" if ended() else f"not converged after {fit.steps} evaluations"
            notice(f"note: {why}; these are the best parameters so far")
        show_fit(fit, task, style)
    return 130 if stop.requested else 0
