"""A program over the rows of a table: read, run and written in chunks.

What happens on the way is reported to `TableEvents`; nothing is printed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, get_args

from cgcli.data.cells import row_numbers
from cgcli.data.chunks import Chunk
from cgcli.data.number_columns import Numbers
from cgcli.data.sinks import Sink
from cgcli.data.structured import carried
from cgcli.data.tables import Table, open_table
from cgcli.diagnostics.diagnostic import Diagnostic, error, unknown_name
from cgcli.ops.limits import memory_limit
from cgcli.run.binding import missing, require

from .columns import RangeViolations, batched_inputs, map_columns, row_values, unused_columns
from .computation import Computation, Values
from .headers import require_columns
from .labels import labelled_output, labels_by_input, no_words, words_by_input, words_for
from .restrict import reachable, restrict
from .row_workers import RowWorkers
from .rows import Derivatives, Rows
from .setting_values import check_choice, check_count

ROW = "row"  # the column of row numbers

OnError = Literal["stop", "skip", "nan"]


@dataclass(frozen=True)
class TableSettings:
    """How a table is read, and what of it goes into the result.

    patterns: by input the name of its column, or a pattern of the columns that make a vector; other inputs take the
    column of their name. on_error: what to do with a cell that is no value of the input: `stop`, `skip` its row, or
    `nan`. batch: rows that inputs with one axis more than a cell take at once, for a result a batch. carry: columns
    that go into the result as they are, or `all`. numbered: whether the result has the number of each row, from 1.
    labels: by input or column the words that stand for the classes 0, 1, …; None where all words of the column do.
    labelled: the output that is written as words (the only int). One name may stand for a list of one, names for labels
    without words.
    """

    patterns: Mapping[str, str] = field(default_factory=dict)
    on_error: OnError = "stop"
    batch: int | None = None
    carry: Sequence[str] | Literal["all"] = ()
    numbered: bool = False
    labels: Mapping[str, Sequence[str] | None] = field(default_factory=dict)
    labelled: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.carry, str) and self.carry != "all":
            object.__setattr__(self, "carry", (self.carry,))
        if not isinstance(self.labels, Mapping):
            names = (self.labels,) if isinstance(self.labels, str) else self.labels
            object.__setattr__(self, "labels", dict.fromkeys(names))

    def check(self) -> None:
        """Raises CgError for a value that a field does not take."""
        check_choice("on_error", self.on_error, get_args(OnError))
        if self.batch is not None:
            check_count("batch", self.batch, 1)


class Start(NamedTuple):
    """What the first rows of a table settle for all of it, where some of its rows are run by themselves.

    rows: about how many the table has. batched: the inputs that take many rows at once. before: the rows of the table
    before these.
    """

    rows: int
    batched: tuple[str, ...]
    before: int = 0


class TableEvents:
    """What a run over a table reports. The methods do nothing: a caller overrides those that it wants."""

    def unused(self, columns: Sequence[str]) -> None:
        """Columns that no input takes; reported once, and only if there are any."""

    def progress(self, rows: int, read: int, size: int | None) -> None:
        """Rows that are submitted so far, and bytes that are read of `size`, None where nobody knows."""

    def kept(self, rows: Sequence[int]) -> None:
        """The numbers, from 0, of rows that are not left out, where rows may be."""

    def warnings(self, warnings: Sequence[Diagnostic]) -> None:
        """Cells outside the ranges of declarations."""

    def unlabelled(self) -> None:
        """There are words for classes, but which output is one is not clear."""

    def skipped(self, rows: int, total: int) -> None:
        """Rows left out because of a cell that is no value; reported once, and only if there are any."""

    def reused(self, parts: int) -> None:
        """Parts that an earlier run on a cluster has finished; reported once, and only if there are any."""

    def waiting(self) -> None:
        """The cluster has no worker; reported once."""


def open_table_of(program: Computation, path: str) -> AbstractContextManager[Table]:
    """The table in a file, or in all files that fit a pattern, within the memory that the program's runs may take."""
    return open_table(path, program.max_memory or memory_limit())


def map_table(
    program: Computation,
    values: Values,
    table: Table,
    out: Sink,
    settings: TableSettings,
    *,
    derivatives: Derivatives | None = None,
    outputs: Sequence[str] | None = None,
    events: TableEvents | None = None,
) -> None:
    """Runs a program for each row and writes a row of results for each.

    values: the inputs that are the same in every row. derivatives: what to compute in place of the outputs. outputs:
    restricts the program to these outputs and the inputs that they need; empty for all that the table suffices for.
    Raises CgError: for inputs without a column or value, for cells that are no values, and for a row whose run fails;
    the rows before it are written.
    """
    TableRun(program, values, table, settings, derivatives, outputs, events or TableEvents()).write_results(out)


class TableRun:
    """One run over a table, or over some of its rows; for the arguments and the errors see `map_table`.

    start: what the first rows of the table have settled; None for a run over all of it.
    """

    def __init__(
        self,
        program: Computation,
        values: Values,
        table: Table,
        settings: TableSettings,
        derivatives: Derivatives | None,
        outputs: Sequence[str] | None,
        events: TableEvents,
        start: Start | None = None,
    ) -> None:
        self.program, self.values, self.table, self.settings = program, values, table, settings
        self.outputs, self.events, self.start = outputs, events, start
        settings.check()
        self.by_input = map_columns(program, values, table, settings.patterns)
        if outputs is None:
            require_columns(program, values, table, self.by_input)
        self.batched: list[str] = []
        self.carried = carried_columns(table, settings)
        if unused := [name for name in unused_columns(table, self.by_input) if name not in self.carried]:
            events.unused(unused)
        self.labels = labels_by_input(program, self.by_input, settings.labels)
        self.words = words_by_input(self.by_input, settings.labels)
        self.needed = {name for columns in self.by_input.values() for name in columns.names} | set(self.carried)
        self.rows = Rows(program, values, list(self.by_input), derivatives)

    def write_results(self, out: Sink) -> None:
        """Reads, runs and writes chunk by chunk."""
        done = skipped = 0
        read_rows = 0 if self.start is None else self.start.before
        with ExitStack() as stack:
            workers: RowWorkers | None = None
            for chunk, read in self.table.read(self.chunk_rows, self.needed):
                if workers is None:
                    self.begin(self.start or self.start_of(chunk, read))
                    workers = stack.enter_context(RowWorkers(self.rows, out, self.words_of_classes()))
                    violations = RangeViolations(self.program, self.by_input)
                columns, indices = row_values(
                    self.program,
                    chunk,
                    self.by_input,
                    self.batched,
                    self.settings.on_error,
                    self.labels,
                    by_row=self.rows.by_row,
                )
                violations.add(columns, chunk, indices)
                if indices:
                    workers.submit(columns, chunk, indices, self._carried(chunk, indices, read_rows))
                if self.settings.on_error == "skip":
                    self.events.kept([read_rows + k for k in indices])
                done += len(indices)
                skipped += len(chunk) - len(indices)
                read_rows += len(chunk)
                self.events.progress(done, read, self.table.size)
            if workers is not None:
                workers.finish()
                self.events.warnings(violations.warnings())
            if not done and self.start is None:
                self.write_no_rows(out, None if workers is None else workers.words)
        if skipped:
            self.events.skipped(skipped, done + skipped)

    def write_no_rows(self, out: Sink, words: Mapping[str, Sequence[str]] | None) -> None:
        """Writes the columns of a result without rows. words: see `words_of_classes`; None for a table without rows."""
        if words is None and self.outputs is not None:
            self._restrict(self.outputs)
            self.rows = Rows(self.program, self.values, [])
        self._check_names()
        words = self.words_of_classes() if words is None else words
        out.write(self._carried(None, (), 0) | self.rows.none() | dict.fromkeys(words, no_words()))

    @property
    def chunk_rows(self) -> int:
        """How many rows are run at a time."""
        return self.settings.batch or self.rows.most_of(self.table.rows)

    def words_of_classes(self) -> dict[str, Sequence[str]]:
        """By output the words of its classes."""
        if not self.words or self.rows.derivatives:
            return {}
        name = labelled_output(self.program, self.rows.names(), self.settings.labelled)
        words = [] if name is None else words_for(self.program, name, self.words)
        if not words and self.settings.labelled is not None:
            words = list(self.words.values())
        if name is None or len(words) != 1:
            self.events.unlabelled()
            return {}
        return {name: words[0]}

    def start_of(self, chunk: Chunk, read: int) -> Start:
        """What the first chunk settles. read: the bytes that were read with it."""
        batched = batched_inputs(self.program, chunk, self.by_input)
        return Start(self.table.expected_rows(len(chunk), read), tuple(batched))

    def begin(self, start: Start) -> None:
        """Settles which inputs take many rows at once and which outputs can be computed, and compiles the program."""
        self.batched = list(start.batched)
        if self.outputs is not None:
            self._restrict(self.outputs)
            inputs = {i.name for i in self.program.inputs}
            self.by_input = {name: columns for name, columns in self.by_input.items() if name in inputs}
            self.batched = [name for name in self.batched if name in inputs]
            self.rows = Rows(self.program, self.values, list(self.by_input))
        if self.batched:
            self.rows.together(self.batched, self.settings.batch is not None)
        elif self.settings.batch is not None:
            raise error("batch-size-alone")
        self._check_names()
        arrays = self.table.rows is not None or bool(self.labels or self.words)
        self.rows.prepare(start.rows, arrays)

    def _restrict(self, outputs: Sequence[str]) -> None:
        """Restricts the program to some outputs, or to all that can be computed from the inputs."""
        program = self.program
        available = {*self.values, *self.by_input}
        if program.mode == "static" and not any(i.open is not None for i in program.inputs):
            program = restrict(program, self._checked(outputs) or self._computable(available))
        elif outputs:
            raise error("outputs-of-run")
        inputs = {i.name for i in program.inputs}
        self.program, self.values = program, {n: x for n, x in self.values.items() if n in inputs}
        require(program.inputs, available)

    def _checked(self, outputs: Sequence[str]) -> list[str]:
        """The names of outputs. Raises CgError for an unknown one."""
        names = self.program.module.values
        unknown = next((name for name in outputs if name not in names), None)
        if unknown is not None:
            raise error("no-such-output", **unknown_name(unknown, names))
        return list(outputs)

    def _computable(self, available: set[str]) -> list[str]:
        """The outputs that these inputs suffice for. Raises CgError for none."""
        program = self.program
        sizes = {program.input(name).type.shape[0] for name in self.batched}
        # a default with rows of its own does not fit those of the table
        rows = [i.name for i in program.inputs if i.kind == "input" and sizes.intersection(i.type.shape)]
        names = reachable(program, available, without=[name for name in rows if name not in available])
        if self.batched and self.settings.batch is None:
            names = [name for name in names if program.type_of(name).shape[:1] in {(size,) for size in sizes}]
        if not names:
            without = missing(program.inputs, available)
            raise error("nothing-to-predict", outputs=list(program.outputs), missing=without or None)
        return names

    def _check_names(self) -> None:
        """Raises CgError where a carried column would have the name of a result, or of the row numbers."""
        besides = [*([ROW] if self.settings.numbered else []), *self.carried]
        if besides and self.batched and self.settings.batch is not None:
            raise error("carry-batch")
        names = list(self.rows.names())
        for name in besides:
            if name in names:
                raise error("carry-twice", name=name)
            names.append(name)

    def _carried(self, chunk: Chunk | None, indices: Sequence[int], before: int) -> dict[str, Any]:
        """The row numbers and the carried columns of some rows of a chunk, None for a table without rows."""
        columns: dict[str, Any] = {}
        if self.settings.numbered:
            numbers = Numbers(before + 1 + k for k in indices)
            columns[ROW] = numbers if self.rows.by_row and indices else row_numbers(before, indices)
        for name in self.carried:
            cells: Any = [] if chunk is None else chunk.columns[name]
            if chunk is not None and len(indices) < len(chunk):
                cells = cells[indices] if hasattr(cells, "dtype") else [cells[k] for k in indices]
            columns[name] = [carried(cell) for cell in cells] if isinstance(cells, list) else cells
        return columns


def carried_columns(table: Table, settings: TableSettings) -> tuple[str, ...]:
    """The columns that go into the result. Raises CgError for an unknown one."""
    names = table.columns or ()
    if settings.carry == "all":
        return names
    for name in settings.carry:
        if name not in names:
            raise error("no-such-column", **unknown_name(name, names))
    return tuple(dict.fromkeys(settings.carry))
