"""`--data`: a program over the rows of a table, read, run and written in chunks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import replace

from cgcli.cli.columns import RangeViolations, batched_inputs, map_columns, note_unused_columns, row_values
from cgcli.cli.command import command_options
from cgcli.cli.headers import require_columns
from cgcli.cli.inputs import require
from cgcli.cli.output import StandardOutput, notice, print_diagnostics
from cgcli.cli.progress import StatusLine
from cgcli.cli.row_workers import RowWorkers
from cgcli.cli.session import Session
from cgcli.data.sinks import sink
from cgcli.data.tables import Table, open_table
from cgcli.diagnostics.diagnostic import error
from cgcli.diagnostics.suggest import nearest
from cgcli.ops.limits import memory_limit
from cgcli.program.restrict import reachable, restrict
from cgcli.program.rows import Rows


def over_rows(
    session: Session,
    data: str,
    maps: Sequence[str],
    on_error: str,
    target: str | None,
    batch: int | None,
    *,
    derivatives: bool = False,
    of: str | None = None,
    wrt: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
) -> int:
    """Runs the program for each row and writes a row of results for each. Raises `CgError`.

    outputs: restricts the program to these outputs and the inputs that they need; empty for all that can be computed
    from the table.
    """
    done = skipped = 0
    progress = StatusLine()
    with open_table(data, session.program.max_memory or memory_limit()) as table, ExitStack() as stack:
        by_input = map_columns(session, table, maps)
        if outputs is None:
            require_columns(session, table, by_input)
        note_unused_columns(table, by_input)
        rows = Rows(session.program, session.values, list(by_input), derivatives=derivatives, of=of, wrt=wrt)
        out = stack.enter_context(sink(target, StandardOutput()))
        workers: RowWorkers | None = None
        batched: list[str] = []
        needed = {name for columns in by_input.values() for name in columns.names}
        for chunk, read in table.read(batch or rows.most, needed):
            if workers is None:
                batched = batched_inputs(session, chunk, by_input)
                if outputs is not None:
                    session = _restricted(session, by_input, batched, outputs, batch is not None)
                    inputs = {i.name for i in session.program.inputs}
                    by_input = {name: columns for name, columns in by_input.items() if name in inputs}
                    batched = [name for name in batched if name in inputs]
                    rows = Rows(session.program, session.values, list(by_input))
                if batched:
                    rows.together(batched, batch is not None)
                elif batch is not None:
                    raise error("batch-size-alone")
                workers = stack.enter_context(RowWorkers(rows, out))
                violations = RangeViolations(session.program, by_input)
            columns, indices = row_values(session, chunk, by_input, batched, on_error)
            violations.add(columns, chunk, indices)
            skipped += len(chunk) - len(indices)
            if indices:
                workers.submit(columns, chunk, indices)
            done += len(indices)
            _progress(progress, table, done, read)
        if workers is not None:
            workers.finish()
            print_diagnostics(violations.warnings())
        elif outputs is not None:
            session = _restricted(session, by_input, batched, outputs, batch is not None)
            rows = Rows(session.program, session.values, [])
        if not done:
            out.write(rows.none())
    progress.end()
    if skipped:
        some = f"{skipped} row{'' if skipped == 1 else 's'} of {done + skipped}"
        notice(f"note: {some} skipped, with cells that are no numbers")
    return 0


def _restricted(
    session: Session, by_input: Collection[str], batched: Sequence[str], outputs: Sequence[str], batches: bool
) -> Session:
    """The session with its program restricted to some outputs, or to all that can be computed from the inputs."""
    program = session.program
    available = {*session.values, *by_input}
    if program.mode == "static" and not any(i.open is not None for i in program.inputs):
        sizes = {program.input(name).type.shape[0] for name in batched}
        # a default with rows of its own does not fit those of the table
        rows = [i.name for i in program.inputs if i.kind == "input" and sizes.intersection(i.type.shape)]
        computable = reachable(program, available, without=[name for name in rows if name not in available])
        if batched and not batches:
            computable = [name for name in computable if program.type_of(name).shape[:1] in {(size,) for size in sizes}]
        unknown = next((name for name in outputs if name not in program.module.values), None)
        if unknown is not None:
            names = list(program.module.values)
            raise error("unknown-output", name=unknown, nearest=nearest(unknown, names), known=names)
        if not outputs and not computable:
            missing = [i.name for i in program.inputs if i.name not in available and not i.optional]
            raise error("nothing-to-predict", outputs=list(program.outputs), missing=missing or None)
        program = restrict(program, list(outputs) or computable)
    elif outputs:
        raise error("outputs-of-run")
    inputs = {i.name for i in program.inputs}
    restricted = replace(session, program=program, values={n: x for n, x in session.values.items() if n in inputs})
    require(program, dict.fromkeys([n for n in available if n in inputs]), command_options(session.context))
    return restricted


def _progress(progress: StatusLine, table: Table, rows: int, read: int) -> None:
    if not progress.due():
        return
    text = f"{rows} rows, {rows / progress.seconds:.0f} a second"
    if table.size and read:
        text += f", {max(0.0, progress.seconds * (table.size - read) / read):.0f} s left"
    progress.update(text)
