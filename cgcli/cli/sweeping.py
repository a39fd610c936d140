"""The work of `cg sweep`: makes the points, computes them, writes their table and their picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import typer

from cgcli.cli.output import print_diagnostics
from cgcli.cli.results import exclude
from cgcli.cli.session import Session, open_session
from cgcli.cli.sweep_options import SweepOptions, SweptSettings, given_settings, require_train
from cgcli.cli.sweep_report import SweepReport, show_points, show_sweep
from cgcli.data.sinks import check_target
from cgcli.diagnostics.diagnostic import error
from cgcli.program.fit_settings import FitSettings
from cgcli.program.input_values import input_values, require_values
from cgcli.program.options import DerivativeOptions, OutputOptions, RunOptions, TableOptions
from cgcli.program.program import Program
from cgcli.program.rows import Derivatives
from cgcli.program.sweep import (
    input_axis,
    kept_points,
    range_warnings,
    run_sweep,
    sorted_by,
    sweep_key,
)
from cgcli.program.sweep_points import Axis, Points
from cgcli.program.sweep_rows import PointRows
from cgcli.program.sweep_settings import SweepSettings
from cgcli.program.sweep_trainings import Trainings


def run_sweeping(
    context: typer.Context,
    run: RunOptions,
    options: SweepOptions,
    settings: SweepSettings,
    swept: SweptSettings,
    training: FitSettings,
    table: TableOptions,
    derivative: DerivativeOptions,
    output: OutputOptions,
) -> None:
    """Computes a sweep, or says which points it has. Raises `CgError`."""
    _check(options, settings, swept, training, table, derivative)
    _check_files(options, output.format)
    cluster = _cluster(options)
    axes: list[Axis] = []
    session = open_session(context, run, _reader(axes))
    program = session.program
    axes, single = swept.read(axes)
    settings = replace(settings, seed=_seed(axes, single, options.train, settings))
    program.seed = settings.seed
    points = settings.points(axes)
    print_diagnostics(range_warnings(program, axes))
    if not options.train:
        require_values(program, {**session.values, **dict.fromkeys(axis.name for axis in axes)})
    if options.dry_run:
        show_points(points, output.format)
        return
    work: PointRows | Trainings
    if options.train:
        work = _trainings(session, points, replace(training, **single), table, options, settings)
    else:
        derivatives = Derivatives(derivative.of, derivative.wrt) if _differentiates(options, derivative) else None
        work = PointRows(program, session.values, points, derivatives, options.output or ())
    _compute(program, work, points, cluster, options, settings, derivative, output)


def _compute(
    program: Program,
    work: PointRows | Trainings,
    points: Points,
    cluster: int | str | None,
    options: SweepOptions,
    settings: SweepSettings,
    derivative: DerivativeOptions,
    output: OutputOptions,
) -> None:
    """Computes the points, and writes their table and their picture."""
    target = _file(options)
    derived = [derivative.of, derivative.wrt, options.grad, options.output, options.train]
    key = None if target is None and cluster is None else sweep_key(program, work, points, derived)
    with kept_points(target, key) as journal, SweepReport(work, keeps=journal is not None) as report:
        how = settings.on_error, journal, report
        if cluster is None:
            columns = run_sweep(work, points, *how)
        else:
            from cgcli.cluster.sweep_runs import run_sweep_on_cluster  # imports what only a cluster needs

            columns = run_sweep_on_cluster(cluster, work, key, *how)
        if options.sort is not None:
            columns = _sorted(columns, options.sort)
        show_sweep(columns, points, target, output)
    if options.plot is not None:
        _plot(options.plot, columns, points)


def _cluster(options: SweepOptions) -> int | str | None:
    """The cluster that `--cluster` names. Raises CgError for what names none."""
    if options.cluster is None:
        return None
    from cgcli.cluster.schedulers import check_cluster  # imports what only a cluster needs

    return check_cluster(options.cluster)


def _file(options: SweepOptions) -> str | None:
    """The file that the table goes into; None where it is printed."""
    return None if options.target == "-" else options.target


def _check(
    options: SweepOptions,
    settings: SweepSettings,
    swept: SweptSettings,
    training: FitSettings,
    table: TableOptions,
    derivative: DerivativeOptions,
) -> None:
    """Raises CgError for options that do not go together."""
    exclude(("--workers", settings.workers is not None), ("--cluster", options.cluster is not None))
    if options.train:
        for name, is_given in _derivative_options(options, derivative).items():
            exclude(("--train", True), (name, is_given))
        for option, in_use in (("--map", bool(table.maps)), ("--labels", options.labels is not None)):
            if in_use and table.data is None:
                raise error("needs-data", option=option)
        if training.loss is not None and training.residual is not None:
            raise error("options-exclude", first="--loss", second="--residual")
        return
    given = {"--data": table.data, "--map": table.maps, "--labels": options.labels, "--workers": settings.workers}
    of_training = [name for name, value in given.items() if value] + given_settings(training) + swept.given()
    require_train(next(iter(of_training), None))
    exclude(("--output", options.output is not None), ("--grad", _differentiates(options, derivative)))


def _check_files(options: SweepOptions, output_format: str | None) -> None:
    """Raises CgError for a file that cannot be written: now, not at the end."""
    target = _file(options)
    exclude(("--format", output_format is not None), ("-o", target is not None))
    if target is not None:
        check_target(target)
    if options.plot is not None:
        from cgcli.files.writing import check_writable
        from cgcli.render import plots  # for a picture alone

        plots.plot_kind("--plot", options.plot)
        check_writable(options.plot)


def _derivative_options(options: SweepOptions, derivative: DerivativeOptions) -> dict[str, bool]:
    of, wrt = derivative.of is not None, derivative.wrt is not None
    return {"--grad": options.grad, "--of": of, "--wrt": wrt, "--output": options.output is not None}


def _differentiates(options: SweepOptions, derivative: DerivativeOptions) -> bool:
    """Whether derivatives are asked for."""
    return options.grad or derivative.of is not None or derivative.wrt is not None


def _reader(axes: list[Axis]) -> Any:
    """What reads the values of inputs: those with several are added to the axes."""

    def read(program: Program, texts: Mapping[str, str], inputs_file: str | None) -> dict[str, Any]:
        axes.extend(axis for name, text in texts.items() if (axis := input_axis(program, name, text)) is not None)
        names = {axis.name for axis in axes}
        single = {name: text for name, text in texts.items() if name not in names}
        values = input_values(program, single, inputs_file)
        return {name: x for name, x in values.items() if name not in names}

    return read


def _seed(axes: Sequence[Axis], single: dict[str, Any], train: bool, settings: SweepSettings) -> int:
    """The seed of the points; of trainings the same where it is one number."""
    if any(axis.setting and axis.name == "seed" for axis in axes):
        require_train(None if train else "--seed")
        if settings.random is not None or settings.latin is not None:
            raise error("sweep-seeds", option="--latin" if settings.random is None else "--random")
    seed: int = single.get("seed", 0)
    return seed


def _trainings(
    session: Session,
    points: Points,
    training: FitSettings,
    table: TableOptions,
    options: SweepOptions,
    settings: SweepSettings,
) -> Trainings:
    """The trainings, with the rows that they learn from."""
    from cgcli.cli.training import read_tables  # with what trains

    labels = {} if options.labels is None else dict.fromkeys(options.labels.split(","))
    known = replace(session, values={**session.values, **points.first()})
    examples, validation = read_tables(known, table, training, labels)
    if validation is not None:
        training = replace(training, validation=None)
    workers = settings.workers or 1
    return Trainings(session.program, session.values, points, examples, training, validation, workers)


def _sorted(columns: dict[str, Any], text: str) -> dict[str, Any]:
    """The table by a column, or from large to small by `-COLUMN`."""
    if text not in columns and text.startswith("-"):
        return sorted_by(columns, text[1:], descending=True)
    return sorted_by(columns, text)


def _plot(path: str, columns: Mapping[str, Any], points: Points) -> None:
    """Writes the picture of the points."""
    from cgcli.files.writing import write_atomic
    from cgcli.render import plots
    from cgcli.render.sweep_plot import sweep_plot

    swept = [axis.column for axis in points.axes]
    value = next((n for n, x in columns.items() if n not in swept and is_drawn(x)), None)
    if value is None:
        raise error("sweep-plot-value")
    write_atomic(path, sweep_plot(plots.plot_kind("--plot", path), columns, swept, value))


def is_drawn(column: Any) -> bool:
    """Whether a column holds a number a point."""
    return hasattr(column, "dtype") and column.ndim == 1 and column.dtype.kind in "fiu"
