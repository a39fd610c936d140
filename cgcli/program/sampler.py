"""A program at many points of its inputs: values, derivatives, and what is known of a run that fails."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cgcli.diagnostics.diagnostic import CgError, error, unknown_name
from cgcli.ops.builder import Builder
from cgcli.ops.typing import one
from cgcli.render.numbers import concise, single
from cgcli.render.sampled import Axis, Curve, Line, grid
from cgcli.run.binding import plain

from .computation import Computation, Values
from .jumps import Jumps, jumps
from .names import canonical
from .plot_options import PlotOptions

SINGLE_RUNS = 1000  # points of which each is a run of its own, with the digits of `cg grad`; more are a table
NOT_OF_A_POINT = ("timed-out", "too-large", "stacks-too-large", "out-of-memory")
"""The codes of errors after which other points are not tried."""


@dataclass(frozen=True)
class _Quantity:
    """A value to compute. name: of the value, which is a number; by: the inputs of its derivatives."""

    name: str
    by: tuple[str, ...]
    is_single: bool

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.name, *(f"d{self.name}/d{n}" for n in self.by))


class Sampler:
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
        self.points = grid(axes)
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
        lines = {column: Line(column, x, math.nan, *places.get(column, ())) for column, x in numbers.items()}
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

    def _jumps(self, numbers: Mapping[str, Sequence[float]]) -> Mapping[str, Jumps]:
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
                f"the run fails at {len(self.failures)} {total}, first at {place_text(self.axes, point)}: {message}"
            )
        for curve in curves:
            values = curve.value.numbers
            for line in (curve.value, *curve.slopes.values()):
                for kind, is_one in (("nan", math.isnan), ("infinite", math.isinf)):
                    where = [
                        p
                        for p, x, y in zip(self.points, line.numbers, values, strict=True)
                        if is_one(x) and (math.isfinite(y) or (line is curve.value and p not in self.failures))
                    ]
                    if where:
                        place = f"{'' if len(where) == 1 else 'first '}at {place_text(self.axes, where[0])}"
                        notes.append(f"{line.name} is {kind} at {len(where)} {total}, {place}")
        return notes


def place_text(axes: Sequence[Axis], point: Sequence[float]) -> str:
    return ", ".join(f"{axis.name} = {concise(x, 4)}" for axis, x in zip(axes, point, strict=True))


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
