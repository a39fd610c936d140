"""The rows of a table as a whole, to learn from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from cgcli.data.cells import concatenated
from cgcli.data.tables import Table
from cgcli.diagnostics.byte_text import byte_text
from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.ops.limits import memory_limit

from .columns import RangeViolations, batched_inputs, map_columns, row_values, unused_columns
from .computation import Computation, Values
from .headers import require_columns
from .labels import labels_by_input
from .tables import TableEvents, TableSettings

CHUNK_ROWS = 65_536  # that are read at a time


@dataclass(frozen=True)
class Examples:
    """Rows: by input an array with a row each, or of structured data a list.

    together: whether the inputs take many rows at once, as their leading size; else the program says what one row is.
    labels: by input the words that its classes 0, 1, … stand for.
    """

    columns: Mapping[str, Any]
    rows: int
    together: bool = False
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def take(self, rows: Any) -> Examples:
        """These rows, in this order."""
        part = {n: [x[k] for k in rows] if isinstance(x, list) else x[rows] for n, x in self.columns.items()}
        return replace(self, columns=part, rows=len(rows))

    def between(self, start: int, end: int) -> Examples:
        """The rows from one to the one before another."""
        return replace(self, columns={n: x[start:end] for n, x in self.columns.items()}, rows=end - start)


@contextmanager
def rows_behind(before: int) -> Iterator[None]:
    """Within, some rows of a batch are run that stand behind so many others: an error says its row by the batch."""
    try:
        yield
    except CgError as problem:
        diagnostics = (replace(d, values=_of_batch(d.values, before)) for d in problem.diagnostics)
        raise CgError(*diagnostics, status=problem.status) from None


def _of_batch(values: Mapping[str, object], before: int) -> Mapping[str, object]:
    row = values.get("row")
    return {**values, "row": (row[0] + before, *row[1:])} if isinstance(row, tuple) and row else values


def read_examples(
    program: Computation, values: Values, table: Table, settings: TableSettings, events: TableEvents | None = None
) -> Examples:
    """All rows of a table, as arrays of the program's inputs that have no value.

    Raises CgError for cells that are no values, when no input takes a column, and when the rows would exceed the memory
    limit.
    """
    events = events or TableEvents()
    settings.check()
    by_input = map_columns(program, values, table, settings.patterns)
    by_input = {name: columns for name, columns in by_input.items() if program.input(name).kind == "input"}
    file = table.name
    if not by_input:
        require_columns(program, values, table, by_input)
        inputs = [i.name for i in program.inputs]
        raise error("no-column-fits", file=file, columns=list(table.columns or ()), inputs=inputs)
    if unused := unused_columns(table, by_input):
        events.unused(unused)
    labels = labels_by_input(program, by_input, settings.labels)
    violations = RangeViolations(program, by_input)
    batched: list[str] = []
    parts: dict[str, list[Any]] = {}
    rows = size = skipped = 0
    limit = program.max_memory or memory_limit()
    needed = {name for columns in by_input.values() for name in columns.names}
    for chunk, _ in table.read(CHUNK_ROWS, needed):
        batched = batched or batched_inputs(program, chunk, by_input)
        columns, indices = row_values(program, chunk, by_input, batched, settings.on_error, labels)
        violations.add(columns, chunk, indices)
        skipped += len(chunk) - len(indices)
        rows += len(indices)
        for name, x in columns.items():
            parts.setdefault(name, []).append(x)
            size += x.nbytes if hasattr(x, "nbytes") else 8 * len(x)
        if 2 * size > limit:  # the chunks, and then the whole
            raise error("table-too-large", status=1, file=file, rows=rows, limit=byte_text(limit))
    if not rows:
        raise error("table-no-rows", status=1, file=file)
    if batched and (others := [name for name in by_input if name not in batched]):
        raise error("batch-mixed", names=batched, others=others)
    events.warnings(violations.warnings())
    if skipped:
        events.skipped(skipped, rows + skipped)
    whole = {name: concatenated(arrays) for name, arrays in parts.items()}
    words: dict[str, Sequence[str]] = {}
    for name, classes in labels.items():
        words[name], numbers = classes.sorted_words()
        whole[name] = numbers[whole[name]]
    if batched:
        whole = {name: program.fit_value(name, x) for name, x in whole.items()}
    return Examples(whole, rows, bool(batched), words)
