"""`--data`: a program over the rows of a table, read, run and written piece by piece."""

from __future__ import annotations

import fnmatch
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from cgcli.cli.arguments import EMPTY
from cgcli.cli.command import known_options
from cgcli.cli.inputs import canonical, require
from cgcli.cli.output import notice, stdout, terminal
from cgcli.cli.session import Session
from cgcli.data.cells import converted, side_by_side
from cgcli.data.sinks import sink
from cgcli.data.tables import Chunk, Table, open_table
from cgcli.graph.diagnostic import CgError, error
from cgcli.language.suggest import nearest
from cgcli.program.rows import Rows, fitted
from cgcli.render.escape import show

OFTEN, SELDOM = 0.5, 10.0  # seconds between two words on progress: to a person, to a log


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
) -> int:
    """Runs the program for each row and writes a row of results for each. Raises `CgError` for what is wrong."""
    table = open_table(data)
    sources = _sources(session, table, maps)
    require(session.program, {**session.values, **sources}, known_options(session.context))
    used = {name for names in sources.values() for name in names}
    unused = [name for name in table.columns if name not in used]
    if unused:
        notice(show(f"note: no input asks for {_few(unused)} of the table"))
    rows = Rows(session.program, session.values, list(sources), derivatives=derivatives, of=of, wrt=wrt)
    done = skipped = 0
    progress = _Progress(table)
    with sink(target, stdout()) as out:
        together: list[str] | None = None
        for chunk, read in table.read(batch or rows.most):
            if together is None:
                together = _together(session, chunk, sources)
                if together:
                    rows.together(together, batch is not None)
                elif batch is not None:
                    raise error("batch-size-alone")
            columns, kept = _columns(session, chunk, sources, together, on_error)
            skipped += len(chunk) - len(kept)
            if kept:
                out.write(_run(rows, columns, chunk, kept))
            done += len(kept)
            progress.tell(done, read)
    progress.end()
    if skipped:
        some = f"{skipped} row{'' if skipped == 1 else 's'} of {done + skipped}"
        notice(f"note: {some} skipped, with cells that are no numbers")
    return 0


def _run(rows: Rows, columns: Mapping[str, Any], chunk: Chunk, kept: Sequence[int]) -> dict[str, Any]:
    """The results of a chunk. When they fail, a note says which row is the first that does."""
    try:
        return rows.run(columns, len(kept))
    except CgError:
        low, high = 0, len(kept)  # the first `low` rows are good, the first `high` are not
        while high - low > 1:
            middle = (low + high) // 2
            try:
                rows.run({name: x[:middle] for name, x in columns.items()}, middle)
                low = middle
            except CgError:
                high = middle
        path, line = chunk.places[kept[low]]
        notice(show(f"note: the run fails at line {line} of `{path}`"))
        rows.run({name: x[low:high] for name, x in columns.items()}, 1)
        raise  # not that row alone, then


def only_with_data(maps: Sequence[str] | None, on_error: str | None, target: str | None, batch: int | None) -> None:
    """Raises `CgError` for an option that means something for tables alone."""
    options = {"--map": maps or None, "--on-error": on_error, "-o": target, "--batch-size": batch}
    for option, given in options.items():
        if given is not None:
            raise error("needs-data", option=option)


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:5])
    word = "the column" if len(names) == 1 else "the columns"
    return f"{word} {shown}" + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _sources(session: Session, table: Table, maps: Sequence[str]) -> dict[str, list[str]]:
    """The columns of each input that has no value on the line: one, or by a pattern several that make a vector."""
    inputs = [each.name for each in session.program.inputs]
    found: dict[str, list[str]] = {}
    by_name = {canonical(column): column for column in table.columns}
    for each in maps:
        name, equals, pattern = each.partition("=")
        name = canonical(name)
        if not equals or not name or not pattern.strip():
            raise error("bad-map", value=each or EMPTY)
        if name not in inputs:
            raise error("unknown-input", name=name, nearest=nearest(name, inputs), known=inputs)
        if name in found or name in session.values:
            raise error("input-twice-mapped", name=name)
        pattern = pattern.strip()
        exact = [pattern] if pattern in table.columns else []
        columns = exact or [c for c in table.columns if fnmatch.fnmatchcase(c, pattern)]
        if not columns:
            known = list(table.columns)
            raise error("no-such-column", name=pattern, nearest=nearest(pattern, known), known=known)
        if len(columns) > 1 and len(session.program.input(name).type.shape) != 1:
            raise error("map-many", name=name, count=len(columns), wanted=session.program.input(name).type)
        found[name] = columns
    for name in inputs:
        if name not in found and name not in session.values and name in by_name:
            found[name] = [by_name[name]]
    return found


def _columns(
    session: Session, chunk: Chunk, sources: Mapping[str, Sequence[str]], together: Sequence[str], on_error: str
) -> tuple[dict[str, Any], list[int]]:
    """By input an array, a row each, and the rows that are kept."""
    found: dict[str, Any] = {}
    dropped: set[int] = set()
    for name, columns in sources.items():
        t = session.program.input(name).type
        pattern = len(columns) > 1
        item = t._replace(shape=()) if pattern else t._replace(shape=t.shape[1:]) if name in together else t
        parts = []
        for column in columns:
            array, bad = converted(chunk.columns[column], item)
            if bad and (on_error == "stop" or (on_error == "nan" and not t.is_float)):
                path, line = chunk.places[bad[0]]
                text = chunk.columns[column][bad[0]]
                shown = "nothing" if text in ("", None) else str(text)[:100]
                raise error("table-cell", status=1, file=path, line=line, column=column, text=shown, wanted=item)
            if on_error == "skip":
                dropped.update(bad)
            parts.append(array)
        found[name] = side_by_side(parts) if pattern else parts[0]
    kept = [k for k in range(len(chunk)) if k not in dropped]
    if dropped:
        found = {name: x[kept] for name, x in found.items()}
    return {n: x if n in together else fitted(session.program, n, x) for n, x in found.items()}, kept


def _together(session: Session, chunk: Chunk, sources: Mapping[str, Sequence[str]]) -> list[str]:
    """The inputs that have one axis more than a cell of their column: they take many rows at once."""
    found = []
    for name, columns in sources.items():
        shape = session.program.input(name).type.shape
        if len(columns) == 1 and shape and _rank(chunk.columns[columns[0]]) == len(shape) - 1:
            found.append(name)
    return found


def _rank(cells: Any) -> int:
    """The axes of what a column holds in a cell, as its first one tells."""
    if hasattr(cells, "ndim"):
        return int(cells.ndim) - 1
    first = cells[0] if len(cells) else None
    if isinstance(first, str):
        text = first.lstrip()
        return text[: len(text) - len(text.lstrip("[ "))].count("[")
    rank = 0
    while isinstance(first, list):
        first = first[0] if first else None
        rank += 1
    return rank


class _Progress:
    """What a person sees of a long run on standard error; in a log a line now and then."""

    def __init__(self, table: Table) -> None:
        self.size, self.begun = table.size, time.monotonic()
        self.person = terminal(sys.stderr)
        self.last = self.begun
        self.shown = False

    def tell(self, rows: int, read: int) -> None:
        now = time.monotonic()
        if now - self.last < (OFTEN if self.person else SELDOM):
            return
        self.last = now
        seconds = now - self.begun
        text = f"{rows} rows, {rows / seconds:.0f} a second"
        if self.size and read:
            text += f", {max(0.0, seconds * (self.size - read) / read):.0f} s left"
        if self.person:
            sys.stderr.write(f"\r{text}\x1b[K")
            sys.stderr.flush()
            self.shown = True
        else:
            notice(text)

    def end(self) -> None:
        if self.shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
