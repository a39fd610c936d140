"""The work of `cg train`: reads the tables, fits the parameters, prints the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from cgcli.cli.fit_report import Style, show_solution, show_state
from cgcli.cli.output import notice
from cgcli.cli.rows import examples_of, table_settings
from cgcli.cli.session import Session
from cgcli.data.run_files import RunFiles
from cgcli.diagnostics.diagnostic import error
from cgcli.files.writing import check_writable, write_atomic
from cgcli.program.fit_settings import FitSettings, check_settings, resumed_settings
from cgcli.program.fitting import SolverFitting, StepFitting, prepare_fit
from cgcli.program.metrics_log import MetricsLog
from cgcli.program.resume import resumed_values
from cgcli.program.tables import OnError
from cgcli.program.training import Examples
from cgcli.render import curve
from cgcli.render.escape import show
from cgcli.train.callbacks import LossCurve
from cgcli.train.trainer import Callback

from .callbacks import Notes, Progress, StopRequest, stoppable

CURVES = (".svg", ".png", ".pdf")
ROWS_OF_HISTOGRAM = 1024  # at most, to be quick


@dataclass(frozen=True)
class TrainingOptions:
    """The options of the command line. command: what resumes this training, without `--resume`."""

    settings: FitSettings
    data: str | None
    maps: Sequence[str]
    on_error: OnError
    save: str | None
    every: int | None
    resume: str | None
    metrics: str | None
    plot: str | None
    histogram: bool
    draw: str | None
    command: Sequence[str] = ()

    @property
    def in_use(self) -> set[str]:
        """The options that are given, besides the settings."""
        options = {"data": self.data, "map": self.maps, "save": self.save, "every": self.every, "resume": self.resume}
        options |= {"metrics": self.metrics, "plot": self.plot, "histogram": self.histogram, "draw": self.draw}
        return {name for name, value in options.items() if value}


def run(session: Session, options: TrainingOptions, files: RunFiles, style: Style) -> int:
    """Trains, saves and prints. The exit status: 130 when a signal ended the run. Raises `CgError`."""
    _check_plot(options.plot)
    program, settings = session.program, options.settings
    if files.checkpoint is not None:
        settings = resumed_settings(settings, files.checkpoint)
    check_settings(program, settings, options.data is not None, options.in_use)
    if files.checkpoint is not None:
        session = replace(session, values=resumed_values(program, session.values, files.checkpoint))
    examples, validation = _examples(session, options, settings)
    with stoppable() as stop:
        fitting = prepare_fit(program, session.values, examples, settings, validation)
        if isinstance(fitting, SolverFitting):
            _solve(fitting, files, stop, style)
        else:
            _train(fitting, options, files, stop, style)
    return 130 if stop.requested else 0


def _check_plot(path: str | None) -> None:
    """Raises `CgError` for a plot that cannot be made: now, not at the end."""
    if path is None:
        return
    if PurePath(path).suffix.lower() not in CURVES:
        raise error("bad-target-kind", option="--plot", path=path, kinds=list(CURVES))
    curve.require()
    check_writable(path)


def _examples(session: Session, options: TrainingOptions, settings: FitSettings) -> tuple[Examples, Examples | None]:
    """The rows of the table, and those of the table for validation."""
    if options.data is None:
        return Examples({}, 0), None
    reading = table_settings(options.maps, options.on_error)
    examples = examples_of(session, options.data, reading)
    if settings.validation is None or settings.share is not None:
        return examples, None
    file = str(settings.validation)
    validation = examples_of(session, file, reading)
    if validation.columns.keys() != examples.columns.keys() or validation.together != examples.together:
        raise error("tables-differ", status=1, first=options.data, file=file)
    return examples, validation


def _train(fitting: StepFitting, options: TrainingOptions, files: RunFiles, stop: StopRequest, style: Style) -> None:
    """Trains by steps over batches."""
    if options.draw is not None:
        _draw(fitting, options.draw)
    losses = LossCurve()
    callbacks: list[Callback] = [losses, MetricsLog(files), Progress(), stop]
    if files.path is not None:
        callbacks.append(fitting.checkpoints(files, options.every))
    callbacks.append(Notes(stop, files.path, fitting.settings.patience, options.command))
    fitted = fitting.fit(callbacks, files.checkpoint)
    show_state(fitted, style, fitting.gradients(fitted, ROWS_OF_HISTOGRAM) if options.histogram else None)
    if options.plot is not None:
        kind = PurePath(options.plot).suffix[1:].lower()
        write_atomic(options.plot, curve.curve(kind, fitting.task.loss, fitted.history, losses.points))


def _draw(fitting: StepFitting, path: str) -> None:
    """The picture of one step."""
    from cgcli.cli.render import picture_kind
    from cgcli.render.draw import render

    graph = fitting.step_graph
    image = render(graph, None, picture_kind(path), title="a step of training", params=fitting.task.trained)
    write_atomic(path, image.data)


def _solve(fitting: SolverFitting, files: RunFiles, stop: StopRequest, style: Style) -> None:
    """Fits by a solver."""
    fitted = fitting.fit([stop])
    try:
        if files.path is not None:
            fitted.save_in(files)
            notice(show(f"saved {files.path}"))
    finally:  # parameters that cannot be saved are at least printed
        if not fitted.converged:
            why = f"not converged after {fitted.steps} evaluations" if fitted.stopped == "steps" else "stopped"
            notice(f"note: {why}; these are the best parameters so far")
        show_solution(fitted, style)
