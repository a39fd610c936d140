"""Tables that a program learns from, as a whole in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cgcli.cli.columns import Ranges, columns_of, many_at_once, sources_of, tell_unused
from cgcli.cli.headers import require_columns
from cgcli.cli.output import notice, tell
from cgcli.cli.session import Session
from cgcli.data.tables import open_table
from cgcli.diagnostics.byte_text import byte_text
from cgcli.diagnostics.diagnostic import error
from cgcli.program.training import Examples
from cgcli.run.limits import memory_limit

ROWS = 65_536  # that are read at a time


def read_examples(session: Session, data: str, maps: Sequence[str], on_error: str) -> Examples:
    """All rows of a table, as the program's inputs want them.

    Raises `CgError` for tables and cells that cannot be read, when no input takes a column, and when the rows would
    need more memory than a run may take.
    """
    program = session.program
    parts: dict[str, list[Any]] = {}
    rows = size = skipped = 0
    together: list[str] = []
    limit = program.max_memory or memory_limit()
    with open_table(data, limit) as table:
        sources = {n: c for n, c in sources_of(session, table, maps).items() if program.input(n).kind == "input"}
        if not sources:
            require_columns(session, table, sources)
            inputs = [i.name for i in program.inputs]
            raise error("no-column-fits", file=data, columns=list(table.columns or ()), inputs=inputs)
        tell_unused(table, sources)
        ranges = Ranges(program, sources)
        needed = {name for columns in sources.values() for name in columns.names}
        for chunk, _ in table.read(ROWS, needed):
            together = together or many_at_once(session, chunk, sources)
            columns, kept = columns_of(session, chunk, sources, together, on_error)
            ranges.see(columns, chunk, kept)
            skipped += len(chunk) - len(kept)
            rows += len(kept)
            for name, x in columns.items():
                parts.setdefault(name, []).append(x)
                size += x.nbytes if hasattr(x, "nbytes") else 8 * len(x)
            if 2 * size > limit:  # the parts, and then the whole
                raise error("table-too-large", status=1, file=data, rows=rows, limit=byte_text(limit))
    if not rows:
        raise error("table-no-rows", status=1, file=data)
    if together and (others := [name for name in sources if name not in together]):
        raise error("batch-mixed", names=together, others=others)
    tell(ranges.warnings())
    if skipped:
        notice(f"note: {skipped} row{'' if skipped == 1 else 's'} of {rows + skipped} skipped")
    whole = {name: _joined(pieces) for name, pieces in parts.items()}
    if together:
        whole = {name: program.fit_value(name, x) for name, x in whole.items()}
    return Examples(whole, rows, bool(together))


def _joined(pieces: list[Any]) -> Any:
    import numpy as np

    if isinstance(pieces[0], list):
        return [x for piece in pieces for x in piece]
    return np.concatenate(pieces)
