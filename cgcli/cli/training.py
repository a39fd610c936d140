"""What `cg train` does: settings and checkpoints read, the program trained, the result told."""

from __future__ import annotations

import fnmatch
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from cgcli.cli.command import known_options
from cgcli.cli.examples import read_examples
from cgcli.cli.fitted import Shown, show_fit, show_state
from cgcli.cli.inputs import missing_inputs, require
from cgcli.cli.output import notice
from cgcli.cli.recording import Recording
from cgcli.cli.resuming import about, all_params, check_same, continued, data_identity
from cgcli.cli.session import Session
from cgcli.data.checkpoints import Checkpoint
from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.files.writing import writable, write_atomic
from cgcli.program import Program
from cgcli.program.python_file import FileProgram
from cgcli.program.residuals import residuals
from cgcli.program.training import (
    DynamicProblem,
    Examples,
    StaticProblem,
    Task,
    problem,
    start,
    task,
)
from cgcli.render import curve
from cgcli.render.escape import show
from cgcli.train.fit import Fit, least_squares, minimise
from cgcli.train.loop import Settings, split, steps_of_epoch
from cgcli.train.loop import train as loop
from cgcli.train.optimizers import OPTIMIZERS, Update
from cgcli.train.state import State, restored

from .callbacks import Curve, Follower, Stop, stoppable

SOLVERS = ("lbfgs", "lm")
FREE = ("epochs", "steps")  # what may change when a run is taken up again
STEPS_OF_FIT = 2000
EPOCHS, EPOCHS_ALONE = 10, 1000  # over a table; of a program that takes none
BATCH = 32
CURVES = (".svg", ".png", ".pdf")


@dataclass(frozen=True)
class Wishes:
    """What the line says. settings: by option, None where nothing is said; all that decides what is learnt.

    command: the line that goes on with this training, but for `--resume`.
    """

    settings: Mapping[str, Any]
    data: str | None
    maps: Sequence[str]
    on_error: str
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


def run(session: Session, wishes: Wishes, record: Recording, how: Shown) -> int:
    """Trains, saves and prints. The exit status: 130 when a signal ended the run. Raises `CgError`."""
    if wishes.plot is not None and PurePath(wishes.plot).suffix.lower() not in CURVES:
        raise error("bad-target-kind", option="--plot", path=wishes.plot, kinds=list(CURVES))
    if wishes.plot is not None:  # what would fail in the end fails now
        curve.require()
        writable(wishes.plot)
    checkpoint = record.checkpoint
    settings = _merged(wishes.settings, checkpoint)
    _check(session, settings, wishes)
    session.program.seed = settings["seed"] or 0
    values = session.values if checkpoint is None else continued(session, checkpoint)
    session = replace(session, values=values)
    examples, held = _examples(session, wishes, settings)
    missing = missing_inputs(session.program, values) if wishes.data is None else []
    if missing:
        raise error("needs-table", missing=missing, usage=" ".join(f"--{name} VALUE" for name in missing))
    require(session.program, {**values, **examples.columns}, known_options(session.context))
    target = settings["loss"] or settings["residual"]
    frozen = _matching(session, settings["freeze"] or [], "--freeze")
    batch = settings["batch-size"] or (None if settings["optimizer"] in SOLVERS else BATCH)
    wanted = task(session.program, target, values, examples, held, frozen, settings["reduce"] or "mean", batch)
    with stoppable() as stop:
        if settings["optimizer"] in SOLVERS:
            return _fit(session, wanted, settings, wishes, record, stop, how)
        return _train(session, wanted, settings, wishes, record, stop, how)


# ---- settings


def _merged(given: Mapping[str, Any], checkpoint: Checkpoint | None) -> dict[str, Any]:
    """The settings of this run: those of the checkpoint, or what is given and what holds where nothing is.

    Raises `CgError` for a setting that is another than the checkpoint's and decides what is learnt.
    """
    if checkpoint is not None:
        stored = checkpoint.info.get("settings")
        if not isinstance(stored, dict):
            raise error("checkpoint-foreign", status=1, file=checkpoint.path)
        for option, value in given.items():
            if value is not None and option not in FREE and stored.get(option) != value:
                before = "not given" if stored.get(option) is None else _shown(stored[option])
                raise error("resume-differs", option=f"--{option}", before=before, now=_shown(value))
        limits = {name: given[name] for name in FREE}
        return stored | (limits if any(limits.values()) else {})
    found = dict(given)
    if found["optimizer"] is None:
        found["optimizer"] = "adam" if found["residual"] is None else "lm"
    return found


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _check(session: Session, settings: Mapping[str, Any], wishes: Wishes) -> None:
    """Raises `CgError` for options that do not go together."""
    optimizer, fits = settings["optimizer"], settings["optimizer"] in SOLVERS
    if settings["loss"] is None and settings["residual"] is None:
        floats = _float_outputs(session.program)
        raise error("needs-loss", choices=floats or None)
    if (optimizer == "lm") != (settings["residual"] is not None):
        raise error("residual-and-lm", optimizer=optimizer)
    batches = ["lr", "schedule", "warmup", "clip", "weight-decay", "batch-size", "epochs", "no-shuffle", "patience"]
    unused = [each for each in [*batches, "validation"] if fits and settings[each] is not None]
    unused += [each for each in ("metrics", "histogram", "draw", "plot", "every") if fits and getattr(wishes, each)]
    unused += ["reduce"] if optimizer == "lm" and settings["reduce"] else []
    if unused:
        raise error("option-of-batches", option=f"--{unused[0]}", optimizer=optimizer)
    if fits and wishes.resume is not None:
        raise error("no-resume", optimizer=optimizer)
    if settings["patience"] is not None and settings["validation"] is None:
        raise error("needs-validation")
    if wishes.data is None:
        options = ("batch-size", "validation", "no-shuffle")
        alone = [f"--{each}" for each in options if settings[each] is not None]
        alone += ["--map"] if wishes.maps else []
        if alone:
            raise error("needs-data", option=alone[0])
    if wishes.every is not None and wishes.save is None:
        raise error("needs-save", option="--every")
    endless = settings["schedule"] not in (None, "constant") and not (settings["epochs"] or settings["steps"])
    if endless and wishes.seconds is not None:
        raise error("endless-schedule", schedule=settings["schedule"])


def _float_outputs(program: Program) -> list[str]:
    """The outputs that a training may make small; of a dynamic program, whose types a run decides, all of them."""
    if isinstance(program, FileProgram):
        return [program.name]  # that of a function which gives one number
    if program.mode == "dynamic":
        return list(program.outputs)
    return [n for n in program.outputs if program.type_of(n).has_derivative]


def _matching(session: Session, patterns: Sequence[str], option: str) -> list[str]:
    """The parameters that fit a pattern. Raises `CgError` for a pattern that none fits."""
    params = [i.name for i in session.program.inputs if i.kind == "param"]
    found: list[str] = []
    for pattern in patterns:
        names = [name for name in params if fnmatch.fnmatchcase(name, pattern)]
        if not names:
            raise error("no-such-param", option=option, name=pattern or "''", known=params or None)
        found += names
    return found


def _examples(session: Session, wishes: Wishes, settings: Mapping[str, Any]) -> tuple[Examples, Examples | None]:
    """The rows to learn from and those to judge by."""
    if wishes.data is None:
        return Examples({}, 0), None
    examples = read_examples(session, wishes.data, wishes.maps, wishes.on_error)
    validation = settings["validation"]
    if validation is None:
        return examples, None
    try:
        share = float(validation)
    except ValueError:
        held = read_examples(session, validation, wishes.maps, wishes.on_error)
        if held.columns.keys() != examples.columns.keys() or held.together != examples.together:
            raise error("tables-differ", status=1, first=wishes.data, file=validation) from None
        return examples, held
    learn, judge = split(share, examples.rows, settings["seed"] or 0) if 0 < share < 1 else ((), ())
    if not learn or not judge:
        raise error("bad-share", value=validation, rows=examples.rows)
    return examples.take(learn), examples.take(judge)


# ---- steps


def _saver(
    session: Session, wanted: Task, settings: Mapping[str, Any], record: Recording, info: Mapping[str, Any]
) -> Any:
    """What writes a checkpoint of a state; None where none is wanted."""
    if record.path is None:
        return None
    others = {n: x for n, x in all_params(session, wanted).items() if n not in wanted.trained}

    def save(state: State) -> None:
        told = {**info, "settings": dict(settings), "state": state.numbers()}
        record.save({**others, **state.tensors()}, told)

    return save


def _train(
    session: Session,
    wanted: Task,
    settings: dict[str, Any],
    wishes: Wishes,
    record: Recording,
    stop: Stop,
    how: Shown,
) -> int:
    checkpoint = record.checkpoint
    plan, update = _laid_out(session, wanted, settings, wishes)
    trained = problem(wanted, update)
    if isinstance(trained, DynamicProblem):
        trained.check()
    if wishes.draw is not None:
        _draw(trained, wishes.draw)
    info: dict[str, Any] = {
        **about(wanted),
        "params": {i.name: f"{i.type}" for i in session.program.inputs if i.kind == "param"},
        "data": data_identity(wanted),
    }
    if checkpoint is None:
        state = start(wanted, update)
    else:
        check_same(checkpoint, info["graph"], info["data"])
        try:
            state = restored(checkpoint.tensors, checkpoint.info["state"], wanted.trained)
        except (TypeError, KeyError):
            raise error("checkpoint-foreign", status=1, file=checkpoint.path) from None
    save = _saver(session, wanted, settings, record, info)
    follower = Follower(save, wishes.every, record.open_metrics(), stop)
    if save is not None and checkpoint is None:
        save(state)  # whether it can be written shows now, not after an hour
    begun = state.step
    try:
        loop(trained, state, plan, follower)
    except CgError as first:
        follower.line.end()
        if save is not None:
            try:
                save(state)
            except CgError as second:
                raise CgError(*first.diagnostics, *second.diagnostics, status=first.status) from None
            notice(show(f"note: {wishes.save} holds the state after step {state.step}, the last good one"))
        raise
    follower.line.end()
    if save is not None and (state.step > begun or state.stopped is not None):
        save(state)
    _tell_end(state, plan, stop, wishes)
    judged = trained.judge(state.result, wanted.examples)
    gradients = trained.gradients(state.result, _sample(wanted))[1] if wishes.histogram else None
    show_state(state, judged, wanted, how, gradients)
    if wishes.plot is not None:
        _plot(wishes.plot, wanted.loss, state, follower.curve)
    return 130 if stop.asked else 0


def _sample(wanted: Task) -> Any:
    """The rows whose gradient is looked at: as many as are quick."""
    return range(min(wanted.examples.rows, 1024)) if wanted.examples.rows else None


def _laid_out(session: Session, wanted: Task, settings: dict[str, Any], wishes: Wishes) -> tuple[Settings, Update]:
    """How to go through the rows, and the update of a step. What the schedule is laid out for goes into `settings`."""
    rows = wanted.examples.rows
    epochs, steps = settings["epochs"], settings["steps"]
    if not epochs and not steps and wishes.seconds is None:
        epochs = settings["epochs"] = EPOCHS if rows else EPOCHS_ALONE
    batch = min(settings["batch-size"] or BATCH, rows) if rows else None
    plan = Settings(
        batch,
        settings["seed"] or 0,
        not settings["no-shuffle"],
        epochs,
        steps,
        wishes.seconds,
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


def _tell_end(state: State, plan: Settings, stop: Stop, wishes: Wishes) -> None:
    """One line on why it ended, and where the result is."""
    if stop.asked:
        notice(f"stopped after step {state.step}")
        if wishes.save is not None:
            notice(show(f"go on with: {' '.join([*wishes.command, '--resume', wishes.save])}"))
        else:
            notice("note: nothing is saved, for there is no `--save`")
        return
    if state.stopped == "patience":
        best = state.epoch - state.waited
        notice(f"note: no better for {plan.patience} epochs; the parameters are those of epoch {best}")
    if state.stopped == "time":
        notice(f"note: the time is up after step {state.step}")
    if wishes.save is not None:
        notice(show(f"saved {wishes.save}"))


def _plot(path: str, loss: str, state: State, losses: Curve) -> None:
    write_atomic(path, curve.curve(PurePath(path).suffix[1:].lower(), loss, state.history, losses.points))


def _draw(trained: StaticProblem | DynamicProblem, path: str) -> None:
    """The picture of one step."""
    from cgcli.cli.render import picture_kind
    from cgcli.render.draw import render

    if isinstance(trained, DynamicProblem):
        raise error("draw-dynamic")
    kind = picture_kind(path)
    image = render(trained.step_graph, None, kind, title="a step of training", params=trained.task.trained)
    write_atomic(path, image.data)


# ---- fits


def _fit(
    session: Session,
    wanted: Task,
    settings: Mapping[str, Any],
    wishes: Wishes,
    record: Recording,
    stop: Stop,
    how: Shown,
) -> int:
    begun = time.monotonic()
    seconds = math.inf if wishes.seconds is None else wishes.seconds

    def ended() -> bool:
        return stop.asked or time.monotonic() - begun > seconds

    first = start(wanted)
    steps = settings["steps"] or STEPS_OF_FIT
    found: Fit
    if settings["optimizer"] == "lm":
        found = least_squares(residuals(wanted), first.params, steps, ended)
    else:
        found = minimise(problem(wanted).gradients, first.params, steps, ended)
    try:
        if record.path is not None:
            tensors = {**all_params(session, wanted), **found.params}
            record.save(tensors, {**about(wanted), "settings": dict(settings)})
            notice(show(f"saved {record.path}"))
    finally:  # what cannot be saved is at least shown
        if not found.converged:
            why = "stopped" if ended() else f"not converged after {found.steps} evaluations"
            notice(f"note: {why}; these are the best parameters so far")
        show_fit(found, wanted, how)
    return 130 if stop.asked else 0
