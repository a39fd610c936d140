"""Tables to learn from, as a whole in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cgcli.cli.columns import RangeViolations, batched_inputs, map_columns, note_unused_columns, row_values
from cgcli.cli.headers import require_columns
from cgcli.cli.output import notice, print_diagnostics
from cgcli.cli.session import Session
from cgcli.data.tables import open_table
from cgcli.diagnostics.byte_text import byte_text
from cgcli.diagnostics.diagnostic import error
from cgcli.ops.limits import memory_limit
from cgcli.program.training import Examples

ROWS = 65_536  # of a chunk


def read_examples(session: Session, data: str, maps: Sequence[str], on_error: str) -> Examples:
    """All rows of a table, as arrays of the program's inputs.

    Raises `CgError` for tables and cells that cannot be read, when no input takes a column, and when the rows would
    exceed the memory limit.
    """
    program = session.program
    parts: dict[str, list[Any]] = {}
    rows = size = skipped = 0
    batched: list[str] = []
    limit = program.max_memory or memory_limit()
    with open_table(data, limit) as table:
        by_input = {n: c for n, c in map_columns(session, table, maps).items() if program.input(n).kind == "input"}
        if not by_input:
            require_columns(session, table, by_input)
            inputs = [i.name for i in program.inputs]
            raise error("no-column-fits", file=data, columns=list(table.columns or ()), inputs=inputs)
        note_unused_columns(table, by_input)
        violations = RangeViolations(program, by_input)
        needed = {name for columns in by_input.values() for name in columns.names}
        for chunk, _ in table.read(ROWS, needed):
            batched = batched or batched_inputs(session, chunk, by_input)
            columns, indices = row_values(session, chunk, by_input, batched, on_error)
            violations.add(columns, chunk, indices)
            skipped += len(chunk) - len(indices)
            rows += len(indices)
            for name, x in columns.items():
                parts.setdefault(name, []).append(x)
                size += x.nbytes if hasattr(x, "nbytes") else 8 * len(x)
            if 2 * size > limit:  # the chunks, and then the atomic_file
                raise error("table-too-large", status=1, file=data, rows=rows, limit=byte_text(limit))
    if not rows:
        raise error("table-no-rows", status=1, file=data)
    if batched and (others := [name for name in by_input if name not in batched]):
        raise error("batch-mixed", names=batched, others=others)
    print_diagnostics(violations.warnings())
    if skipped:
        notice(f"note: {skipped} row{'' if skipped == 1 else 's'} of {rows + skipped} skipped")
    whole = {name: _concatenated(arrays) for name, arrays in parts.items()}
    if batched:
        whole = {name: program.fit_value(name, x) for name, x in whole.items()}
    return Examples(whole, rows, bool(batched))


def _concatenated(arrays: list[Any]) -> Any:
    import numpy as np

    if isinstance(arrays[0], list):
        return [x for array in arrays for x in array]
    return np.concatenate(arrays)
