"""`--data`: a program over the rows of a table, read, run and written piece by piece."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import replace

from cgcli.cli.columns import Ranges, columns_of, many_at_once, sources_of, tell_unused
from cgcli.cli.command import command_options
from cgcli.cli.headers import require_columns
from cgcli.cli.inputs import require
from cgcli.cli.output import StandardOutput, notice, print_diagnostics
from cgcli.cli.pieces import Pieces
from cgcli.cli.progress import StatusLine
from cgcli.cli.session import Session
from cgcli.data.sinks import sink
from cgcli.data.tables import Table, open_table
from cgcli.diagnostics.diagnostic import error
from cgcli.diagnostics.suggest import nearest
from cgcli.program.restrict import reachable, restrict
from cgcli.program.rows import Rows
from cgcli.run.limits import memory_limit


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
    predicted: Sequence[str] | None = None,
) -> int:
    """Runs the program for each row and writes a row of results for each. Raises `CgError` for what is wrong.

    predicted: the only outputs that are wanted, with the inputs that they need; where it is empty, those that the
    table suffices for.
    """
    done = skipped = 0
    line = StatusLine()
    with open_table(data, session.program.max_memory or memory_limit()) as table, ExitStack() as stack:
        sources = sources_of(session, table, maps)
        if predicted is None:
            require_columns(session, table, sources)
        tell_unused(table, sources)
        rows = Rows(session.program, session.values, list(sources), derivatives=derivatives, of=of, wrt=wrt)
        out = stack.enter_context(sink(target, StandardOutput()))
        pieces: Pieces | None = None
        together: list[str] = []
        needed = {name for columns in sources.values() for name in columns.names}
        for chunk, read in table.read(batch or rows.most, needed):
            if pieces is None:
                together = many_at_once(session, chunk, sources)
                if predicted is not None:
                    session = _narrowed(session, sources, together, predicted, batch is not None)
                    inputs = {each.name for each in session.program.inputs}
                    sources = {name: columns for name, columns in sources.items() if name in inputs}
                    together = [name for name in together if name in inputs]
                    rows = Rows(session.program, session.values, list(sources))
                if together:
                    rows.together(together, batch is not None)
                elif batch is not None:
                    raise error("batch-size-alone")
                pieces = stack.enter_context(Pieces(rows, out))
                ranges = Ranges(session.program, sources)
            columns, kept = columns_of(session, chunk, sources, together, on_error)
            ranges.see(columns, chunk, kept)
            skipped += len(chunk) - len(kept)
            if kept:
                pieces.run(columns, chunk, kept)
            done += len(kept)
            _progress(line, table, done, read)
        if pieces is not None:
            pieces.end()
            print_diagnostics(ranges.warnings())
        elif predicted is not None:
            session = _narrowed(session, sources, together, predicted, batch is not None)
            rows = Rows(session.program, session.values, [])
        if not done:
            out.write(rows.none())
    line.end()
    if skipped:
        some = f"{skipped} row{'' if skipped == 1 else 's'} of {done + skipped}"
        notice(f"note: {some} skipped, with cells that are no numbers")
    return 0


def _narrowed(
    session: Session, sources: Collection[str], together: Sequence[str], wanted: Sequence[str], batches: bool
) -> Session:
    """The session with the outputs that are wanted, or that the inputs suffice for, and what they need."""
    program = session.program
    given = {*session.values, *sources}
    if program.mode == "static" and not any(each.open is not None for each in program.inputs):
        sizes = {program.input(name).type.shape[0] for name in together}
        # a default that has rows of its own does not go with those of the table
        rows = [i.name for i in program.inputs if i.kind == "input" and sizes.intersection(i.type.shape)]
        enough = reachable(program, given, without=[name for name in rows if name not in given])
        if together and not batches:
            enough = [name for name in enough if program.type_of(name).shape[:1] in {(size,) for size in sizes}]
        unknown = next((name for name in wanted if name not in program.module.values), None)
        if unknown is not None:
            known = list(program.module.values)
            raise error("unknown-output", name=unknown, nearest=nearest(unknown, known), known=known)
        if not wanted and not enough:
            missing = [i.name for i in program.inputs if i.name not in given and not i.optional]
            raise error("nothing-to-predict", outputs=list(program.outputs), missing=missing or None)
        program = restrict(program, list(wanted) or enough)
    elif wanted:
        raise error("outputs-of-run")
    names = {each.name for each in program.inputs}
    narrowed = replace(session, program=program, values={n: x for n, x in session.values.items() if n in names})
    require(program, dict.fromkeys([n for n in given if n in names]), command_options(session.context))
    return narrowed


def _progress(line: StatusLine, table: Table, rows: int, read: int) -> None:
    if not line.due():
        return
    text = f"{rows} rows, {rows / line.seconds:.0f} a second"
    if table.size and read:
        text += f", {max(0.0, line.seconds * (table.size - read) / read):.0f} s left"
    line.update(text)
