"""Sweeps: a program, or its training, at many points; a table with a row a point."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from functools import partial
from typing import Any

from cgcli.data.journal import Journal, journal_path
from cgcli.data.sinks import check_target, sink
from cgcli.diagnostics.diagnostic import CgError, Diagnostic, error, unknown_name
from cgcli.files.cache import code_stamp, digest
from cgcli.files.locks import exclusive
from cgcli.files.writing import is_same
from cgcli.graph.types import ANY
from cgcli.system import is_url
from cgcli.version import VERSION

from .computation import SETTINGS, Computation, Values
from .fit_settings import FitSettings
from .rows import Derivatives
from .sweep_blocks import ERROR, Block, Work, error_line, joined, with_gaps
from .sweep_points import Axis, AxisReader, Interval, Points
from .sweep_rows import PointRows
from .sweep_settings import SWEPT_SETTINGS, SweepSettings
from .sweep_trainings import Trainings

PLAIN = (str, int, float, bool, type(None))


class SweepEvents:
    """What a sweep reports. The methods do nothing: a caller overrides those that it wants."""

    def resumed(self, points: int, total: int) -> None:
        """Points that an earlier run had finished; reported once, and only if there are any."""

    def replaced(self, path: str) -> None:
        """The file of finished points was that of another sweep, whose points are dropped."""

    def progress(self, points: int, total: int) -> None:
        """Points that are finished so far."""

    def waiting(self) -> None:
        """A cluster has no workers."""

    def failed(self, points: int, total: int, first: str) -> None:
        """Points that failed, with the error of the first; reported once, and only if there are any."""


# ---- axes


def input_axis(program: Computation, name: str, values: Any) -> Axis | None:
    """The axis of an input, from a text (`0:1:0.1`, `1,2,5`, `0..1`) or a list of values; None for a single value.

    Raises CgError for values that do not fit the input.
    """
    declared = program.input(name)
    name, type_ = declared.name, declared.type
    if isinstance(values, str):
        if type_ == ANY:
            return None
        is_number = not type_.shape and type_.dtype != "bool"
        reader = AxisReader(f"--{name}", partial(program.parse_value, name), type_.is_int, is_number)
        read = reader.values(values)
        return None if read is None else Axis(name, read, column=name)
    if not isinstance(values, Sequence) and not hasattr(values, "__array__"):
        return None
    items = values.tolist() if hasattr(values, "tolist") else list(values)
    return Axis(name, [program.fit_value(name, x) for x in items], column=name)


def setting_axis(name: str, values: Sequence[Any] | Interval, axes: Sequence[Axis]) -> Axis:
    """The axis of a setting of trainings. axes: those of inputs, one of which may have its name."""
    if not isinstance(values, Interval) and any(isinstance(x, str) for x in values):
        values = [x if isinstance(x, str) else repr(x) for x in values]  # a column of a table has cells of one kind
    column = name.replace("_", "-")
    return Axis(name, values, setting=True, column=f"--{column}" if column in {a.column for a in axes} else column)


def range_warnings(program: Computation, axes: Sequence[Axis]) -> list[Diagnostic]:
    """A warning for each input with values outside the range that its declaration gives."""
    import numpy as np

    warnings = []
    for axis in axes:
        declared = None if axis.setting else program.input(axis.name).range
        if declared is None:
            continue
        low, high = declared
        values = np.asarray(axis.values[:2]) if isinstance(axis.values, Interval) else axis.array
        outside = ((values < low) | (values > high)).reshape(len(values), -1).any(axis=1)
        if outside.any():
            first = values[int(outside.argmax())]
            about = {"name": axis.name, "low": low, "high": high, "value": first.item() if first.ndim == 0 else None}
            warnings.append(Diagnostic("sweep-outside-range", values=about, severity="warning"))
    return warnings


# ---- the run


def run_sweep(
    work: Work,
    points: Points,
    on_error: str = "nan",
    journal: Journal | None = None,
    events: SweepEvents | None = None,
) -> dict[str, Any]:
    """The table of a sweep: by name a column, a row a point; an array, or a list of texts and of missing cells.

    The swept values come first, then the results; where a point failed, and has a row, a column `error` last. journal:
    the points that earlier runs finished; takes those of this one.

    Raises CgError where all points fail, and with `stop` where one does.
    """
    events = events or SweepEvents()
    blocks = {} if journal is None else {b.start: b for b in map(Block.unpacked, journal.parts)}
    problems: dict[int, CgError | str] = {}
    if on_error == "stop":
        blocks = {start: block for start, block in blocks.items() if not block.errors}
    finished = sum(block.end - block.start for block in blocks.values())
    if journal is not None and journal.replaced:
        events.replaced(journal.path)
    if finished:
        events.resumed(finished, points.count)
    for fresh in work.blocks({start: block.end for start, block in blocks.items()}):
        if fresh.errors:
            first = min(fresh.errors)
            problems[first] = fresh.errors[first]
            if on_error == "stop":
                raise _failure(points, problems[first], first)
        block = fresh.with_lines()
        if journal is not None:
            journal.append(block.packed())
        blocks[block.start] = block
        finished += block.end - block.start
        events.progress(finished, points.count)
    ordered = [blocks[start] for start in sorted(blocks)]
    errors = {point: error_line(problem) for block in ordered for point, problem in block.errors.items()}
    if errors:
        first = min(errors)
        if len(errors) == points.count:
            raise _failure(points, problems.get(first, errors[first]), first, every=True)
        events.failed(len(errors), points.count, errors[first])
    return _table(points, work, ordered, errors, on_error)


def _table(
    points: Points, work: Work, blocks: Sequence[Block], errors: Mapping[int, str], on_error: str
) -> dict[str, Any]:
    """The swept values and the results side by side."""
    import numpy as np

    swept = points.columns(0, points.count)
    results = joined(blocks) or dict(work.none())
    if not errors:
        return {**swept, **results}
    succeeded = np.ones(points.count, "bool")
    succeeded[list(errors)] = False
    if on_error == "skip":
        kept = np.flatnonzero(succeeded)
        return {**{name: _at(x, kept) for name, x in swept.items()}, **results}
    columns = {**swept, **{name: with_gaps(x, succeeded) for name, x in results.items()}}
    name = ERROR
    while name in columns:
        name = f"final {name}"
    return {**columns, name: [errors.get(k) for k in range(points.count)]}


def _failure(points: Points, problem: CgError | str, point: int, *, every: bool = False) -> CgError:
    """The error of a point, with a note that says which; of all of them (`every`) that of the first."""
    cells = points.columns(point, point + 1)
    where = ", ".join(f"{name} = {_cell(x)}" for name, x in cells.items())
    code = "sweep-all-fail" if every else "point-fails"
    note = Diagnostic(code, values={"count": points.count, "point": point + 1, "values": where}, severity="note")
    if isinstance(problem, str):
        problem = error("point-error", status=1, text=problem)
    rowless = (replace(d, values={k: x for k, x in d.values.items() if k != "row"}) for d in problem.diagnostics)
    return CgError(note, *rowless, status=problem.status)


def _cell(column: Any) -> str:
    (cell,) = column.tolist() if hasattr(column, "tolist") else column
    return cell if isinstance(cell, str) else repr(cell).removesuffix(".0")


def _at(column: Any, indices: Any) -> Any:
    return column[indices] if hasattr(column, "dtype") else [column[k] for k in indices.tolist()]


def sorted_by(columns: Mapping[str, Any], name: str, *, descending: bool = False) -> dict[str, Any]:
    """The table with its rows in the order of a column; equal ones stay in order, NaN and missing cells come last.

    Raises CgError for a column that there is not, and for one of tensors.
    """
    import numpy as np

    if name not in columns:
        raise error("no-such-column", **unknown_name(name, list(columns)))
    column = columns[name]
    if hasattr(column, "dtype"):
        if column.ndim > 1:
            raise error("sweep-sort-tensor", name=name)
        # `~` turns the order of whole numbers and bools round, and cannot overflow as `-` can
        keys = column if not descending else -column if column.dtype.kind == "f" else ~column
        order = np.argsort(keys, kind="stable")
    else:
        present = [k for k, cell in enumerate(column) if cell is not None]
        present.sort(key=lambda k: column[k], reverse=descending)  # which keeps equal ones in order, too
        order = np.array([*present, *(k for k, cell in enumerate(column) if cell is None)], dtype="int64")
    return {n: _at(x, order) for n, x in columns.items()}


# ---- what is kept of a run


@contextmanager
def kept_points(target: str | None, key: str | None) -> Iterator[Journal | None]:
    """Within, the finished points of a sweep are kept beside the file that it writes, `.NAME.part`; afterwards they are
    no longer needed, and after an error or a kill the next run of the same sweep takes them.

    None without a file, for the URL of an object, and without a key. Raises CgError (status 1) where another process
    writes the file.
    """
    if target in (None, "-") or key is None or target is None or _is_special(target) or is_url(target):
        yield None
        return
    with exclusive(target):
        journal = Journal(journal_path(target), key)
        finished = False
        try:
            yield journal
            finished = True
        except CgError as problem:
            finished = problem.diagnostics[0].code == "sweep-all-fail"
            raise
        finally:
            journal.close(remove=finished)


def _is_special(path: str) -> bool:
    """Whether a path is a pipe or a device."""
    return os.path.exists(path) and not os.path.isfile(path)


def sweep_key(program: Computation, work: PointRows | Trainings, points: Points, derived: Sequence[Any]) -> str | None:
    """The identity of a sweep: the texts of its program, its points and all that its results follow from, and cg's own
    code; None of a Python function, whose code may be anywhere. derived: what is computed of the program.
    """
    if program.function_name is not None:
        return None
    import numpy as np

    sources = [program.module.source, *program.module.imports.values()]
    parts: list[str | bytes] = [VERSION, code_stamp(), program.mode, *(s.text for s in sources)]
    limits = [getattr(program, name) for name in SETTINGS]
    parts.append(json.dumps([limits, list(derived), points.pairs, points.count, np.__version__]))
    parts += [] if points.drawn is None else _identity(points.draws())
    for axis in points.axes:
        parts += [axis.name, str(axis.setting), *_identity(axis.values)]
    if isinstance(work, Trainings):
        tables = [work.examples, *([] if work.validation is None else [work.validation])]
        parts += [repr(work.settings), *(part for table in tables for part in _identity(dict(table.columns)))]
        parts += [repr([table.together for table in tables])]
    parts += _identity(dict(work.values))
    return digest(*parts)


def _identity(value: Any) -> list[str | bytes]:
    """Texts and bytes that differ where the values do."""
    import numpy as np

    parts: list[str | bytes] = []
    stack = [value]
    while stack:  # data may be nested to any depth
        x = stack.pop()
        if isinstance(x, Mapping):
            parts.append(f"mapping of {len(x)}")
            stack += [each for name in reversed(list(x)) for each in (x[name], name)]
        elif isinstance(x, list | tuple) and not all(isinstance(each, PLAIN) for each in x):
            parts.append(f"list of {len(x)}")
            stack += reversed(x)
        elif isinstance(x, (list, tuple, *PLAIN)):
            parts.append(f"{type(x).__name__} {x!r}")
        else:
            array = np.ascontiguousarray(x)
            parts += [f"{array.dtype.str}{np.shape(x)}", array.tobytes()]
    return parts


# ---- from Python


def sweep_program(
    program: Computation,
    over: Mapping[str, Any],
    values: Values,
    *,
    derivatives: Derivatives | None = None,
    table: Any = None,
    train: Mapping[str, Any] | None = None,
    out: str | os.PathLike[str] | None = None,
    settings: SweepSettings | None = None,
) -> dict[str, Any] | None:
    """The table of a sweep; see `Program.sweep`. With `out` it is written into that file, and None is returned."""
    settings = settings or SweepSettings()
    axes = []
    for name, x in over.items():
        axis = input_axis(program, name, x)
        if axis is None:
            raise error("sweep-one-value", name=name)
        axes.append(axis)
    values = {program.input(name).name: x for name, x in values.items()}
    if twice := [axis.name for axis in axes if axis.name in values]:
        raise error("repeated-input", name=twice[0])
    target = None if out is None else os.fspath(out)
    if target is not None:
        check_target(target)
        if isinstance(table, str | os.PathLike) and is_same(os.fspath(table), target):
            raise error("target-is-read", option="out", path=target, source=os.fspath(table))
    work: PointRows | Trainings
    if train is None:
        if table is not None:
            raise error("sweep-needs-train", option="table")
        points = settings.points(axes)
        work = PointRows(program, values, points, derivatives)
        derived = [] if derivatives is None else [derivatives.of, derivatives.wrt and list(derivatives.wrt)]
    else:
        if derivatives is not None:
            raise error("options-exclude", first="train", second="derivatives")
        work = _trainings(program, axes, values, table, train, settings)
        points, derived = work.points, ["train"]
    key = None if target is None else sweep_key(program, work, points, derived)
    with kept_points(target, key) as journal:
        columns = run_sweep(work, points, settings.on_error, journal)
        if target is None:
            return columns
        with sink(target) as file:
            file.write(columns)
    return None


def _trainings(
    program: Computation,
    axes: Sequence[Axis],
    values: Values,
    table: Any,
    train: Mapping[str, Any],
    settings: SweepSettings,
) -> Trainings:
    """The trainings whose settings are given as those of a fit; a list of values of one is an axis."""
    from .mapping import examples_of
    from .tables import TableSettings

    axes, fixed = list(axes), dict(train)
    names = [field.name for field in fields(FitSettings)]
    unknown = next((name for name in fixed if name not in names), None)
    if unknown is not None:
        raise error("no-such-setting", **unknown_name(unknown, names))
    for name in SWEPT_SETTINGS:
        items = fixed.get(name)
        if isinstance(items, list | tuple) and not any(isinstance(x, tuple) for x in items):
            axes.append(setting_axis(name, list(fixed.pop(name)), axes))
    points = settings.points(axes)
    known = {**values, **points.first()}
    examples = examples_of(program, table, known, TableSettings())
    held_out = fixed.get("validation")
    validation = None
    if held_out is not None and not isinstance(held_out, int | float):
        del fixed["validation"]
        validation = examples_of(program, held_out, known, TableSettings(labels=examples.labels))
    own = FitSettings(**fixed)
    return Trainings(program, values, points, examples, own, validation, settings.workers or 1)
