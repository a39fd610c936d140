"""A program over the rows of a table: many rows at a time by the batch transformation, in dynamic mode one by one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from cgcli.data.number_columns import Numbers
from cgcli.diagnostics.diagnostic import CgError, Label, error
from cgcli.graph.graph import Graph
from cgcli.graph.types import FLOAT, Type
from cgcli.run.backends import BatchedGraph, Compiled, is_machine_code, runs_by_row
from cgcli.run.binding import bracket, fit_array

from .computation import Computation, Values

ELEMENTS = 2**25  # numbers that the values of a chunk may hold
MOST_ROWS = 65_536
KINDS: Mapping[str, type[float | int | bool]] = {"float": float, "int": int, "bool": bool}
CHEAP, MOST_ELEMENTS = 16, 2**27  # numbers of a row, and of a table, that is run at once

OF_NO_ROW = ("size-by-row", "shape-by-row")
"""The codes of errors that no single row causes."""


@dataclass(frozen=True)
class Derivatives:
    """What to compute in place of the outputs: `of` (by default the only float output) and its derivatives by `wrt` (by
    default all float inputs).
    """

    of: str | None = None
    wrt: Sequence[str] | None = None


class Rows:
    """A program, compiled for the rows of tables.

    constants: the inputs that are the same in every row; columns: those that are not. by_row: whether each row is a run
    of its own on Python's numbers, as few rows are. Raises CgError for names that cannot be differentiated.
    """

    def __init__(
        self,
        program: Computation,
        constants: Values,
        columns: Sequence[str],
        derivatives: Derivatives | None = None,
    ) -> None:
        self.program, self.constants, self.columns = program, constants, tuple(columns)
        self.derivatives = derivatives is not None
        self.of, self.wrt = (None, None) if derivatives is None else (derivatives.of, derivatives.wrt)
        if self.derivatives and program.mode == "static":
            self.of = program.of_choice(self.of)
            self.wrt = program.derivative_names(self.wrt)
        self.by_row = False
        self._together = False
        self._total: int | None = None
        self._run: Compiled | None = None
        self._by_row: tuple[str, ...] = ()

    def together(self, names: Sequence[str], batches: bool) -> None:
        """Hands these inputs all rows that are run at a time, as their leading size.

        batches: whether the caller cuts the table on purpose. Else every output must have that size, a row each: no
        result may depend on where a table happens to be cut. Raises CgError where that is not so, and when the inputs
        do not share the size, or other inputs differ from row to row.
        """
        sizes = {str(self.program.input(name).type.shape[0]) for name in names}
        others = [name for name in self.columns if name not in names]
        if others or len(sizes) > 1 or not next(iter(sizes)).isidentifier():
            raise error("batch-mixed", names=list(names), others=others or None)
        (size,) = sizes
        outputs = [] if self.derivatives else self.program.outputs
        self._by_row = tuple(n for n in outputs if self.program.type_of(n).shape[:1] == (size,))
        unsized = (
            [self.of or "the value to differentiate"]
            if self.derivatives
            else [n for n in outputs if n not in self._by_row]
        )
        if unsized and not batches:
            raise error("needs-batch-size", names=unsized, size=size)
        if unsized and self._by_row:
            raise error("batch-outputs", names=unsized, others=list(self._by_row), size=size)
        self._together = True

    @property
    def most(self) -> int:
        """How many rows to run at a time, so that their values stay small."""
        if self.program.mode == "dynamic":
            return 1024
        return max(1, min(MOST_ROWS, ELEMENTS // max(1, elements(self.program.graph))))

    def most_of(self, total: int | None) -> int:
        """How many rows to run at a time of a table in memory with so many; None for one that is read piece by piece.

        A cheap program runs all at once: several cores would gain less than it takes to put their results together. So
        does machine code, which has threads of its own.
        """
        self._total = total
        if total is None or not self.parallel:
            return self.most
        if self._in_one_piece(total):
            return max(total, 1)
        row = max(1, elements(self.program.graph))
        return max(total, 1) if row <= CHEAP and row * total <= MOST_ELEMENTS else self.most

    def prepare(self, count: int, arrays: bool = False) -> None:
        """Settles how a table of about so many rows is run, and compiles the program for it. arrays: whether its
        columns have to be arrays. Raises CgError where compiling fails.
        """
        program = self.program
        is_plain = program.mode == "static" and program.backend is None and not self._together
        self.by_row = is_plain and not arrays and runs_by_row(program.graph, count)
        if self.parallel and self.columns:
            self._compiled(count)

    def _in_one_piece(self, total: int) -> bool:
        """Whether machine code computes all rows of a table in memory at once: it keeps nothing but its results."""
        if not self.columns or any(isinstance(n, str) for x in self.columns for n in self.program.input(x).type.shape):
            return False  # inputs with named sizes may take many rows as one value
        graph = self._batched()
        return total >= graph.least_rows and is_machine_code(self._compiled(total))

    @property
    def parallel(self) -> bool:
        """Whether several threads may run rows at the same time, and gain by it."""
        return self.program.mode == "static" and not self._together and not self.by_row

    def names(self) -> tuple[str, ...]:
        """The columns of the result."""
        if not self.derivatives:
            return self.program.outputs
        return (self.of or "", *(f"d{self.of}/d{name}" for name in self.wrt or ()))

    def run(self, columns: Mapping[str, Any], count: int) -> dict[str, Any]:
        """By name an array (`by_row`: a list of numbers), a row each, in the order of the rows given.

        Raises CgError as running the program does.
        """
        if self.by_row:
            return self._run_numbers(columns, count)
        if self._together:
            return self._run_batch(columns)
        if self.program.mode == "dynamic":
            return self._run_rows(columns, count)
        if not self.columns:
            return self._repeat(count)
        with one_size_for_all(self.program, self.columns):
            return self._run_at_once(columns, count)

    def _run_at_once(self, columns: Mapping[str, Any], count: int) -> dict[str, Any]:
        """One run of the graph of all rows."""
        first_row = self.program.bind_inputs({**self.constants, **{name: columns[name][0] for name in self.columns}})
        inputs = zip(self.program.inputs, first_row, strict=True)
        bound = [columns[i.name] if i.name in self.columns else x for i, x in inputs]
        return dict(zip(self.names(), self._compiled(count)(bound), strict=True))

    def none(self) -> dict[str, Any]:
        """The columns of a result without rows; a size that is not known is 0."""
        import numpy as np

        from cgcli.ops.array_kernels import DTYPES

        columns: dict[str, Any] = {}
        for name, t in self._types().items():
            shape = t.shape[1:] if name in self._by_row else t.shape
            columns[name] = np.zeros((0, *(n if isinstance(n, int) else 0 for n in shape)), DTYPES[t.dtype])
        return columns

    def _types(self) -> dict[str, Type]:
        """The type of each column of the result; in dynamic mode, where only a run tells types, floats."""
        program = self.program
        if program.mode == "dynamic":
            of = self.of or next(iter(program.outputs), "")  # of a Python function only a run tells
            wrt = self.wrt or [i.name for i in program.inputs if i.type.has_derivative]
            names = [of, *(f"d{of}/d{name}" for name in wrt)] if self.derivatives else program.outputs
            return dict.fromkeys(names, FLOAT)
        if not self.derivatives:
            return {name: program.type_of(name) for name in program.outputs}
        value = program.type_of(self.of or "")
        inputs = {name: program.type_of(name) for name in self.wrt or ()}
        return {self.of or "": value} | {f"d{self.of}/d{n}": t for n, t in inputs.items()}

    def _repeat(self, count: int) -> dict[str, Any]:
        """The one result of a program that reads no columns, for each row."""
        import numpy as np

        from cgcli.ops.array_kernels import DTYPES

        values = self._evaluate(self.constants)
        arrays: dict[str, Any] = {
            name: np.asarray(values[name], dtype=DTYPES[t.dtype]) for name, t in self._types().items()
        }
        return {name: np.broadcast_to(x, (count, *x.shape)) for name, x in arrays.items()}

    def _compiled(self, count: int) -> Compiled:
        """What computes a row of results for each row, memoised. count: how many rows there are, at the first call.

        How all rows are computed depends on that, or on how many the table in memory has.
        """
        if self._run is None:
            self._run = self._batched().compiled(self._total or count)
        return self._run

    def _batched(self) -> BatchedGraph:
        """The graph of all rows, memoised."""
        program = self.program
        key = program.limits, program.backend, self.columns, self.names()
        if key not in program.by_columns:
            flags = [i.name in self.columns for i in program.inputs]
            program.by_columns[key] = BatchedGraph(self._row(), flags, program.limits, program.backend)
        return program.by_columns[key]

    def _row(self) -> Graph:
        """The graph of one row."""
        program = self.program
        values = program.module.values
        if self.derivatives:
            from cgcli.transform.gradient import gradient

            wrt = [values[name] for name in self.wrt or ()]
            return gradient(program.graph, values[self.of or ""], wrt, value=True)
        return replace(program.graph, outputs=tuple(values[name] for name in program.outputs))

    def _run_batch(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """One evaluation for all rows: outputs that have a row each, or one row of results for them together."""
        import numpy as np

        results = self._evaluate({**self.constants, **columns})
        return {name: x if name in self._by_row else np.asarray(x)[None] for name, x in results.items()}

    def _evaluate(self, values: Values) -> dict[str, Any]:
        if not self.derivatives:
            return self.program.eval(values)
        gradient = self.program.grad(values, of=self.of, wrt=self.wrt)
        self.of, self.wrt = gradient.of, list(gradient.partials)
        return {gradient.of: gradient.value} | {f"d{gradient.of}/d{n}": x for n, x in gradient.partials.items()}

    def _run_numbers(self, columns: Mapping[str, Any], count: int) -> dict[str, Any]:
        """A run for each row, on Python's numbers."""
        kinds = {name: KINDS[t.dtype] for name, t in self._types().items()}
        inputs = {name: x.tolist() if hasattr(x, "dtype") else x for name, x in columns.items()}
        results = {name: Numbers() for name in kinds}
        for k in range(count):
            row = self._evaluate({**self.constants, **{name: inputs[name][k] for name in self.columns}})
            for name, x in row.items():
                results[name].append(kinds[name](x))
        return results

    def _run_rows(self, columns: Mapping[str, Any], count: int) -> dict[str, Any]:
        import numpy as np

        rows_of: dict[str, list[Any]] = {}
        for k in range(count):
            row = self._evaluate({**self.constants, **{name: columns[name][k] for name in self.columns}})
            for name, x in row.items():
                rows_of.setdefault(name, []).append(x)
        for name, results in rows_of.items():
            shape = np.shape(results[0])
            other = next((x for x in map(np.shape, results) if x != shape), shape)
            if other != shape:
                raise error(
                    "shape-by-row",
                    status=1,
                    name=name,
                    first=bracket(shape) or "a number",
                    second=bracket(other) or "a number",
                )
        return {name: np.array(results) for name, results in rows_of.items()}


@contextmanager
def one_size_for_all(program: Computation, columns: Collection[str]) -> Iterator[None]:
    """Where a size has no number because it is a column, raises the error about that, which no single row causes."""
    try:
        yield
    except CgError as e:
        unbound = e.diagnostics[0]
        if unbound.code != "unknown-size" or unbound.values["name"] not in columns:
            raise
        declared = program.input(str(unbound.values["name"])).span
        labels = (*unbound.labels, Label(declared, "declared")) if declared else unbound.labels
        raise error("size-by-row", *labels, name=unbound.values["name"]) from None


def fitted(program: Computation, name: str, rows: Any) -> Any:
    """The rows of a column as the input's type wants them: its shape behind the rows. Raises CgError otherwise."""
    return fit_array(name, rows, program.input(name).type, rows=True)


def elements(graph: Graph) -> int:
    """Numbers that one row's values hold; of a size that is not known, 64."""
    total = 0
    for k in graph.type:
        t = graph.types[k]
        count = 1
        for size in t.shape if isinstance(t, Type) else ():
            count *= size if isinstance(size, int) else 64
        total += count
    return total
