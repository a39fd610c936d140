"""The values and derivatives of a program over a range of one or two of its inputs: what `cg plot` draws."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from cgcli.diagnostics.diagnostic import EMPTY, CgError, error, unknown_name
from cgcli.graph.signature import Input
from cgcli.ops.builder import Builder
from cgcli.ops.typing import one
from cgcli.render.numbers import shortest, single
from cgcli.render.sampled import Axis, Curve, Line, Sampled
from cgcli.run.binding import plain, require

from .computation import Computation, Values
from .jumps import jumps
from .names import canonical
from .plot_options import MOST_OF_TWO, POINTS, POINTS_OF_TWO, PlotOptions
from .training_path import training_path

SINGLE_RUNS = 1000  # points of which each is a run of its own, with the digits of `cg grad`; more are a table
NOT_OF_A_POINT = ("timed-out", "too-large", "stacks-too-large", "out-of-memory")
"""The codes of errors after which other points are not tried."""

Range = tuple[float, float] | None
"""The ends of an input; None for those of its declaration."""


def ranges(program: Computation, texts: Sequence[str]) -> dict[str, Range]:
    """By input its range, from texts as `x=-3..3`, whose ends are constant expressions; of `x` alone None.

    Raises CgError for another text, for an unknown input and one given twice, and for ends that are no values of it.
    """
    by_name: dict[str, Range] = {}
    for text in texts:
        name, equals, ends = text.partition("=")
        name = canonical(name)
        low, dots, high = ends.partition("..")
        if not name or (equals and not (dots and low.strip() and high.strip())):
            raise error("bad-range", value=text or EMPTY)
        declared = _varying(program, name)
        if declared.name in by_name:
            raise error("input-twice-over", name=name)
        pair = (program.parse_value(name, low), program.parse_value(name, high)) if equals else None
        by_name[declared.name] = pair
    return by_name


def sampled(
    program: Computation,
    values: Values,
    over: Mapping[str, Range],
    options: PlotOptions,
) -> Sampled:
    """The values of a program, and their derivatives, at points of one or two inputs, evenly apart.

    values: the other inputs, and of those in `over` the point of the tangent (else the default, or the middle). An int
    takes no more values than there are.

    A point at which the run fails has no value, NaN. Raises CgError for names and ranges that do not fit, and where no
    point has a value.
    """
    names = [program.input(name).name for name in over]
    if not 1 <= len(names) <= 2 or len(set(names)) < len(names):
        numbers = _numbers_of(program)
        usual = numbers[0] if numbers else None
        raise error("one-or-two-inputs", count=len(names), name=usual, inputless=None if numbers else "program")
    if len(names) == 2 and (options.points or 0) > MOST_OF_TWO:
        raise error("too-many-points", count=options.points, limit=MOST_OF_TWO)
    if options.metrics is not None and len(names) == 1:
        raise error("path-of-two")
    count = options.points or (POINTS if len(names) == 1 else POINTS_OF_TWO)
    values = {program.input(name).name: x for name, x in values.items()}
    ranges = {name: _ends(program, name, ends) for name, ends in zip(names, over.values(), strict=True)}
    middle = {name: _middle(program.input(name), *ends) for name, ends in ranges.items()}
    require(program.inputs, {**middle, **values})
    defaults = [name for name in names if name not in values and program.input(name).optional]
    rest = {name: x for name, x in middle.items() if name not in values and name not in defaults}
    bound = program.bound_by_name({**values, **rest})
    notes: list[str] = []
    axes = []
    for name, (low, high) in ranges.items():
        at: float | None = plain(bound[name])
        if at is not None and not low <= at <= high:
            if name in values:
                notes.append(
                    f"`{name}` = {shortest(at)} is outside of {shortest(low)}..{shortest(high)}: no tangent is drawn"
                )
            at = None if name in values else middle[name]
        axes.append(Axis(name, _points(program, name, low, high, count), at, program.input(name).type.is_int))
    constants = {name: x for name, x in values.items() if name not in names}
    sampler = _Sampler(program, constants, axes, options, is_given=any(name in values for name in names))
    curves = sampler.curves()
    others = {n: x for n, x in bound.items() if n not in names and type(x) in (int, float)}
    path = [] if options.metrics is None else training_path(options.metrics, names)
    if path and not all(axis.low <= x <= axis.high for axis, x in zip(axes, path[-1], strict=True)):
        notes.append(f"the training ends outside of the plot, at {_text(axes, path[-1])}")
    notes += sampler.notes(curves)
    source = PurePath(program.module.source.name)
    name = source.stem if source.suffix else ""  # else a text, which has none
    return Sampled(tuple(sampler.axes), curves, sampler.shown, name, others, path, tuple(notes))


def _varying(program: Computation, name: str) -> Input:
    """The declaration of an input that may vary. Raises CgError for an unknown one and for no number."""
    declared = program.input(name)
    if declared.type.shape or not (declared.type.is_float or declared.type.is_int):
        raise error("no-number-to-vary", name=name, type=declared.type, names=_numbers_of(program) or None)
    return declared


def _numbers_of(program: Computation) -> list[str]:
    """The inputs that may vary."""
    return [i.name for i in program.inputs if not i.type.shape and (i.type.is_float or i.type.is_int)]


def _ends(program: Computation, name: str, ends: Range) -> tuple[float, float]:
    """The ends of a range. Raises CgError where there are none, and for ends in the wrong order."""
    declared = _varying(program, name)
    low, high = ends or declared.range or (-math.inf, math.inf)
    if ends is None and math.isinf(high - low):
        raise error("needs-range", name=name)
    low, high = (program.fit_value(name, _whole(x) if declared.type.is_int else x) for x in (low, high))
    if not (math.isfinite(high - low) and low < high):
        swapped = f"{name}={shortest(high)}..{shortest(low)}" if low > high else None
        raise error("empty-range", name=name, low=low, high=high, swapped=swapped)
    return low, high


def _whole(x: float) -> float:
    """The end of an int's declared range, which may be a float."""
    return int(x) if isinstance(x, float) and x.is_integer() else x


def _middle(declared: Input, low: float, high: float) -> float:
    return (low + high) // 2 if declared.type.is_int else low + (high - low) / 2


def _points(program: Computation, name: str, low: float, high: float, count: int) -> list[float]:
    """The values of an input, evenly apart, both ends among them."""
    declared = program.input(name)
    if declared.type.is_int:
        span, steps = int(high - low), min(int(high - low), count - 1)
        return [int(low) + (2 * k * span + steps) // (2 * steps) for k in range(steps + 1)]
    numbers = [low + (high - low) * k / (count - 1) for k in range(count - 1)] + [high]
    if declared.type.dtype == "f32":
        return [single(program.fit_value(name, x), declared.type) for x in numbers]
    return numbers


@dataclass(frozen=True)
class _Quantity:
    """A value to compute. name: of the value, which is a number; by: the inputs of its derivatives."""

    name: str
    by: tuple[str, ...]
    is_single: bool

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.name, *(f"d{self.name}/d{n}" for n in self.by))


class _Sampler:
    """A program at points of its inputs.

    is_given: whether the user chose the point of the tangent. shown: the inputs whose derivatives are drawn. Raises
    CgError for names that do not fit, and where no point has a value.
    """

    def __init__(
        self,
        program: Computation,
        constants: Values,
        axes: Sequence[Axis],
        options: PlotOptions,
        *,
        is_given: bool,
    ) -> None:
        self.program, self.constants, self.axes, self.is_given = program, constants, list(axes), is_given
        self.failures: dict[tuple[float, ...], CgError] = {}
        self.points = list(zip(*Sampled(tuple(axes), ()).columns.values(), strict=True))
        first = self._first_run()
        by = [axis.name for axis in axes if not axis.whole]
        self.shown = tuple(by if options.wrt is None else _derivative_names(first, options.wrt))
        by = list(dict.fromkeys([*by, *self.shown]))
        names = _value_names(first, options.of, len(axes))
        self.tensors = [name for name in names if first.type_of(name).shape]
        if program.mode == "static":
            self.program = first = with_norms(first, self.tensors)
        else:
            first = with_norms(first, self.tensors)
        self.quantities = []
        for name in (_norm(n) if n in self.tensors else n for n in names):
            t = first.type_of(name)
            self.quantities.append(_Quantity(name, tuple(by) if t.is_float else (), t.dtype == "f32"))
        self.columns = [column for q in self.quantities for column in q.columns]

    def _first_run(self) -> Computation:
        """The program with the graph of a run, by which its values have types: at the first point that has one."""
        if self.program.mode == "static":
            return self.program.for_shapes(self._values(self.points[0]))
        problem: CgError | None = None
        for point in (self._at(), *self.points):
            try:
                return self.program.recorded(self._values(point))
            except CgError as e:
                if _ends_all(e):
                    raise
                problem = problem or e
        assert problem is not None
        raise problem

    def _at(self) -> tuple[float, ...]:
        """The given point, or one inside where it is outside."""
        return tuple(axis.points[len(axis.points) // 2] if axis.at is None else axis.at for axis in self.axes)

    def _values(self, point: Sequence[float]) -> dict[str, Any]:
        return {**self.constants, **{axis.name: x for axis, x in zip(self.axes, point, strict=True)}}

    def curves(self) -> tuple[Curve, ...]:
        """The values and derivatives at all points."""
        numbers = self._rows(self.points)
        if len(self.failures) == len(self.points):
            raise next(iter(self.failures.values()))
        failures = dict(self.failures)
        places = self._jumps(numbers) if len(self.axes) == 1 and not self.axes[0].whole else {}
        lines = {column: Line(column, x, jumps=places.get(column, ())) for column, x in numbers.items()}
        at = self._numbers_at_point(lines)
        self.failures = failures  # of these points alone
        lines = {column: replace(line, at=at[column]) for column, line in lines.items()}
        return tuple(
            Curve(lines[q.name], {n: lines[column] for n, column in zip(q.by, q.columns[1:], strict=True)})
            for q in self.quantities
        )

    def _numbers_at_point(self, lines: Mapping[str, Line]) -> dict[str, float]:
        """The numbers at the given point. Where it is a default, and not all are finite there, another is taken: the
        middle of the longest piece of the first value.
        """
        if any(axis.at is None for axis in self.axes):
            return dict.fromkeys(self.columns, math.nan)
        at = {column: x[0] for column, x in self._rows([self._at()]).items()}
        if self.is_given or all(map(math.isfinite, at.values())):
            return at
        pieces = lines[self.columns[0]].pieces()
        if not pieces:
            return at
        longest = max(pieces, key=len)
        k = longest[len(longest) // 2]
        self.axes = [replace(axis, at=x) for axis, x in zip(self.axes, self.points[k], strict=True)]
        return {column: line.numbers[k] for column, line in lines.items()}

    def _jumps(self, numbers: Mapping[str, Sequence[float]]) -> Mapping[str, set[int]]:
        values = {column: q.name for q in self.quantities for column in q.columns[1:]}
        return jumps(self.axes[0].points, numbers, values, lambda points: self._rows([(x,) for x in points]))

    def _rows(self, points: Sequence[tuple[float, ...]]) -> dict[str, list[float]]:
        """By column the number at each point, NaN where the run fails."""
        if len(points) > SINGLE_RUNS and self.program.mode == "static":
            try:
                return self._table(points)
            except CgError as e:
                if _ends_all(e):
                    raise
            middle = len(points) // 2  # where only some fail, most of the rest are tables still
            halves = self._rows(points[:middle]), self._rows(points[middle:])
            return {column: [*halves[0][column], *halves[1][column]] for column in self.columns}
        rows = [self._row(point) for point in points]
        return {column: [row[k] for row in rows] for k, column in enumerate(self.columns)}

    def _table(self, points: Sequence[tuple[float, ...]]) -> dict[str, list[float]]:
        """The points as the rows of a table. Raises CgError where one fails."""
        from .mapping import map_rows  # with what reads and runs tables
        from .rows import Derivatives
        from .tables import TableSettings

        table = {axis.name: list(x) for axis, x in zip(self.axes, zip(*points, strict=True), strict=True)}
        numbers: dict[str, list[float]] = {}
        for q in self.quantities:
            what: dict[str, Any] = {"derivatives": Derivatives(q.name, q.by)} if q.by else {"outputs": [q.name]}
            columns = map_rows(self.program, table, self.constants, TableSettings(), **what)
            numbers |= {name: _plain(columns[name]) for name in q.columns}
        return numbers

    def _row(self, point: tuple[float, ...]) -> list[float]:
        """The numbers at a point: those of `cg grad`, for it is the same run."""
        values = self._values(point)
        try:
            program = self.program
            if program.mode == "dynamic":
                record = program.recorded(values)
                values = dict(zip([i.name for i in record.inputs], record.bind_inputs(values), strict=True))
                program = with_norms(record, self.tensors)
            return [x for q in self.quantities for x in _numbers(program, values, q)]
        except CgError as e:
            if _ends_all(e):
                raise
            self.failures.setdefault(point, e)
            return [math.nan] * len(self.columns)

    def notes(self, curves: Sequence[Curve]) -> list[str]:
        """Where there are no values: what failed, and what is no finite number."""
        total = f"of {len(self.points)} points"
        notes = []
        if self.failures:
            from cgcli.diagnostics.wording.messages import message_of  # for a failure alone

            point, problem = next(iter(self.failures.items()))
            message = message_of(problem.diagnostics[0]).title
            notes.append(
                f"the run fails at {len(self.failures)} {total}, first at {_text(self.axes, point)}: {message}"
            )
        for curve in curves:
            for kind, is_one in (("nan", math.isnan), ("infinite", math.isinf)):
                where = [p for p, y in zip(self.points, curve.value.numbers, strict=True) if is_one(y)]
                where = [p for p in where if p not in self.failures]
                if where:
                    first = "at" if len(where) == 1 else "first at"
                    notes.append(
                        f"{curve.value.name} is {kind} at {len(where)} {total}, {first} {_text(self.axes, where[0])}"
                    )
        return notes


def _text(axes: Sequence[Axis], point: Sequence[float]) -> str:
    return ", ".join(f"{axis.name} = {shortest(x, 4)}" for axis, x in zip(axes, point, strict=True))


def _ends_all(problem: CgError) -> bool:
    return any(d.code in NOT_OF_A_POINT for d in problem.diagnostics)


def _numbers(program: Computation, values: Values, q: _Quantity) -> list[float]:
    """A value and its derivatives."""
    if not q.by:
        (x,) = program.node_values([program.module.values[q.name]], values)
        return [plain(x)]
    gradient = program.gradient(values, q.name, q.by)
    numbers: list[float] = [gradient.value, *gradient.partials.values()]
    if not q.is_single:
        return numbers
    types = [program.type_of(name) for name in (q.name, *q.by)]
    return [single(x, t) for x, t in zip(numbers, types, strict=True)]


def _plain(column: Any) -> list[float]:
    """A column as numbers of Python; of an f32 the number with the fewest digits that is the same f32."""
    return [float(str(x)) for x in column] if column.dtype == "float32" else column.tolist()


def _value_names(program: Computation, of: Sequence[str] | None, inputs: int) -> list[str]:
    """The values to compute: `of`, else the float outputs, else all. Raises CgError for those that are no numbers."""
    if of is None:
        floats = [name for name in program.outputs if program.type_of(name).is_float]
        names = floats or list(program.outputs)
    else:
        names = list(dict.fromkeys(map(canonical, of)))
    for name in names:
        if name not in program.module.values:
            raise error("no-such-output", **unknown_name(name, program.module.values))
        t = program.type_of(name)
        if t.shape and not t.is_float:
            raise error("nothing-to-plot", name=name, type=t)
    if not names:
        raise error("nothing-to-compute", name=program.module.source.name)
    if inputs == 2 and len(names) > 1:
        raise error("one-value-of-two-inputs", choices=names)
    return names


def _derivative_names(program: Computation, wrt: Sequence[str]) -> list[str]:
    """The values to differentiate by. Raises CgError for those that are no numbers."""
    names = program.derivative_names(wrt)
    tensor = next((name for name in names if program.type_of(name).shape), None)
    if tensor is not None:
        raise error("plot-by-tensor", name=tensor, type=program.type_of(tensor))
    return names


def _norm(name: str) -> str:
    return f"norm({name})"


def with_norms(program: Computation, names: Sequence[str]) -> Computation:
    """The program with the norm of each of these tensors as a further value, `norm(h)`."""
    if not names:
        return program
    b = Builder()
    module, graph = program.module, program.graph
    inputs = [b.input(one(graph.type_of(i)), graph.names.get(i)) for i in graph.inputs]
    where = b.inline(graph, inputs)
    values = {name: where[node] for name, node in module.values.items()}
    for name in names:
        node = values[name]
        axes = tuple(range(-len(program.type_of(name).shape), 0))
        values[_norm(name)] = b.norm(node, axes=axes, keepdims=False)
    outputs = tuple(module.outputs)
    larger = Computation(replace(module, graph=b.done(*(values[n] for n in outputs)), values=values))
    larger.take_limits(program)
    return larger
