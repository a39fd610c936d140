"""The work of `cg train`: reads the tables, fits the parameters, prints the result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from cgcli.cli.fit_report import show_solution, show_state
from cgcli.cli.output import notice
from cgcli.cli.rows import TableReport, table_settings
from cgcli.cli.session import Session
from cgcli.data.run_files import RunFiles
from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.diagnostics.escape import show
from cgcli.files.writing import check_writable, write_atomic
from cgcli.program.checkpoint_params import checkpoint_labels
from cgcli.program.classes import Confusion, confusion
from cgcli.program.examples import Examples, read_examples
from cgcli.program.fit_data import fit_plot
from cgcli.program.fit_settings import FitSettings, check_settings, resumed_settings
from cgcli.program.fitting import Fitted, ShardsBy, SolverFitting, StepFitting, prepare_fit
from cgcli.program.metrics_log import MetricsLog, earlier_steps
from cgcli.program.options import OutputOptions, TableOptions
from cgcli.program.resume import resumed_values
from cgcli.program.tables import TableSettings, open_table_of
from cgcli.render import curve
from cgcli.render.fit_plot import fit_picture
from cgcli.render.plots import plot_kind
from cgcli.train.callbacks import LossCurve
from cgcli.train.solvers import Squares
from cgcli.train.trainer import Callback

from .callbacks import Notes, ProgressLine, StopRequest, stoppable
from .training_options import TrainingOptions

ROWS_OF_HISTOGRAM = 1024  # at most, to be quick


def run_training(
    session: Session,
    settings: FitSettings,
    table: TableOptions,
    options: TrainingOptions,
    files: RunFiles,
    output: OutputOptions,
    command: Sequence[str],
) -> int:
    """Trains, saves and prints. The exit status: 130 when a signal ended the run. Raises `CgError`.

    command: what resumes this training, without `--resume`.
    """
    if options.plot is not None:
        plot_kind("--plot", options.plot)  # a plot that cannot be made is an error now, not at the end
        check_writable(options.plot)
    program = session.program
    if files.checkpoint is not None:
        settings = resumed_settings(settings, files.checkpoint)
    check_settings(program, settings, table.data is not None, _in_use(table, options))
    if options.cluster is not None:
        from cgcli.cluster.schedulers import check_cluster

        check_cluster(options.cluster)  # before the table is read
    if files.checkpoint is not None:
        session = replace(session, values=resumed_values(program, session.values, files.checkpoint))
    examples, validation = read_tables(session, table, settings, _labels(options, files))
    with stoppable() as stop:
        fitting = prepare_fit(program, session.values, examples, settings, validation)
        if isinstance(fitting, SolverFitting):
            _solve(fitting, options, files, stop, output)
        else:
            _train(fitting, options, files, stop, output, command)
    return 130 if stop.requested else 0


def _in_use(table: TableOptions, options: TrainingOptions) -> set[str]:
    """The options that are given, besides the settings."""
    given = {"data": table.data, "map": table.maps, "save": options.path, "every": options.every}
    given |= {"resume": options.resume, "metrics": options.metrics, "plot": options.plot}
    given |= {"histogram": options.histogram, "draw": options.draw, "labels": options.labels}
    given |= {"cluster": options.cluster}
    return {name for name, value in given.items() if value}


def _labels(options: TrainingOptions, files: RunFiles) -> Mapping[str, Sequence[str] | None]:
    """The columns whose words are classes, or the words by input of the checkpoint that is resumed."""
    if options.labels is not None:
        return dict.fromkeys(options.labels.split(","))
    return {} if files.checkpoint is None else checkpoint_labels(files.checkpoint)


def read_tables(
    session: Session, table: TableOptions, settings: FitSettings, labels: Mapping[str, Sequence[str] | None]
) -> tuple[Examples, Examples | None]:
    """The rows of the table, and those of the table for validation. labels: see `TableSettings`."""
    if table.data is None:
        return Examples({}, 0), None
    reading = replace(table_settings(table), labels=labels)
    examples = _read_examples(session, table.data, reading)
    if settings.validation is None or settings.share is not None:
        return examples, None
    file = str(settings.validation)
    validation = _read_examples(session, file, replace(reading, labels=examples.labels))
    if validation.columns.keys() != examples.columns.keys() or validation.together != examples.together:
        raise error("tables-differ", status=1, first=table.data, file=file)
    return examples, validation


def _read_examples(session: Session, data: str, settings: TableSettings) -> Examples:
    """All rows of a table to learn from. Raises `CgError`; see `read_examples`."""
    with open_table_of(session.program, data) as table:
        return read_examples(session.program, session.values, table, settings, TableReport())


def _train(
    fitting: StepFitting,
    options: TrainingOptions,
    files: RunFiles,
    stop: StopRequest,
    output: OutputOptions,
    command: Sequence[str],
) -> None:
    """Trains by steps over batches."""
    if options.draw is not None:
        _draw(fitting, options.draw)
    callbacks: list[Callback] = [MetricsLog(files), ProgressLine(fitting.settings.limits()), stop]
    losses = LossCurve()
    if options.plot is not None:
        earlier_steps(files, losses)
        callbacks.append(losses)
    if files.path is not None:
        callbacks.append(fitting.checkpoints(files, options.every))
    callbacks.append(Notes(stop, files.path, fitting.settings.patience, command))
    fitted = fitting.fit(callbacks, files.checkpoint, _shards_by(options, stop))
    gradients = fitting.gradients(fitted, ROWS_OF_HISTOGRAM) if options.histogram else None
    with _classes(fitting, fitted) as classes:
        show_state(fitted, output, gradients, classes)
    if options.plot is not None:
        kind, title = plot_kind("--plot", options.plot), f"{fitted.target} of {fitted.info['program']}"
        picture = curve.curve(kind, title, fitted.target, fitted.history, losses.points, losses.changes)
        write_atomic(options.plot, picture)


def _shards_by(options: TrainingOptions, stop: StopRequest) -> ShardsBy | None:
    """What computes the shards of batches, None for this process."""
    if options.cluster is None:
        return None
    from cgcli.cluster.trainings import on_cluster  # imports what only a cluster needs

    waiting, stop_requested = TableReport().waiting, stop.stop_requested
    return on_cluster(options.cluster, waiting=waiting, stop_requested=stop_requested, checkpoint=options.path)


@contextmanager
def _classes(fitting: StepFitting | SolverFitting, fitted: Fitted) -> Iterator[Confusion | None]:
    """The classes of a classifier; an error of them is raised once the rest of the result is shown."""
    try:
        classes = None if isinstance(fitted.result, Squares) else confusion(fitting.task, fitted.params)
    except CgError:
        yield None
        raise
    yield classes


def _draw(fitting: StepFitting, path: str) -> None:
    """The picture of one step."""
    from cgcli.render.picture.draw import render
    from cgcli.render.picture.drawing import picture_kind

    graph = fitting.step_graph
    title, shards = "a step of training", fitting.settings.shards
    if shards is not None:
        title += f", by one of its {shards} shards"
        notice(show(f"note: {path} shows the step of one shard; with {shards} their gradients are added first"))
    image = render(graph, None, picture_kind(path), title=title, params=fitting.task.trained)
    write_atomic(path, image.data)


def _solve(
    fitting: SolverFitting, options: TrainingOptions, files: RunFiles, stop: StopRequest, output: OutputOptions
) -> None:
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
        with _classes(fitting, fitted) as classes:
            show_solution(fitted, output, classes)
    if options.plot is not None and isinstance(fitted.result, Squares):
        title = f"fit of {fitted.info['program']}"
        plot = fit_plot(fitting.task, fitted.result)
        write_atomic(options.plot, fit_picture(plot_kind("--plot", options.plot), title, plot))
