"""The columns of a table as the inputs of a program."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from cgcli.cli.arguments import EMPTY
from cgcli.cli.inputs import canonical
from cgcli.cli.output import notice
from cgcli.cli.session import Session
from cgcli.data.cells import converted, side_by_side
from cgcli.data.tables import Chunk, Table
from cgcli.graph.diagnostic import Diagnostic, error
from cgcli.graph.types import ANY
from cgcli.language.suggest import nearest
from cgcli.program import Program
from cgcli.program.rows import fitted
from cgcli.render.escape import show


def sources_of(session: Session, table: Table, maps: Sequence[str]) -> dict[str, list[str]]:
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
        if len(columns) > 1 and len(session.program.input(name).type.shape) not in (1, 2):
            raise error("map-many", name=name, count=len(columns), wanted=session.program.input(name).type)
        found[name] = columns
    for name in inputs:
        if name not in found and name not in session.values and name in by_name:
            found[name] = [by_name[name]]
    return found


def tell_unused(table: Table, sources: Mapping[str, Sequence[str]]) -> None:
    """A note that names the columns that no input takes, if there are any."""
    used = {name for names in sources.values() for name in names}
    unused = [name for name in table.columns if name not in used]
    if unused:
        shown = ", ".join(f"`{name}`" for name in unused[:5])
        more = f" and {len(unused) - 5} more" if len(unused) > 5 else ""
        word = "the column" if len(unused) == 1 else "the columns"
        notice(show(f"note: no input asks for {word} {shown}{more} of the table"))


def columns_of(
    session: Session, chunk: Chunk, sources: Mapping[str, Sequence[str]], together: Sequence[str], on_error: str
) -> tuple[dict[str, Any], Sequence[int]]:
    """By input an array, a row each, and the rows that are kept."""
    found: dict[str, Any] = {}
    dropped: set[int] = set()
    for name, columns in sources.items():
        t = session.program.input(name).type
        if t == ANY:
            found[name] = list(chunk.columns[columns[0]])
            continue
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
    kept: Sequence[int] = range(len(chunk))
    if dropped:
        kept = [k for k in kept if k not in dropped]
        found = {name: [x[k] for k in kept] if isinstance(x, list) else x[kept] for name, x in found.items()}
    whole = [name for name, x in found.items() if name in together or isinstance(x, list)]
    return {n: x if n in whole else fitted(session.program, n, x) for n, x in found.items()}, kept


def many_at_once(session: Session, chunk: Chunk, sources: Mapping[str, Sequence[str]]) -> list[str]:
    """The inputs that have one axis more than a cell of their column: they take many rows at once."""
    found = []
    for name, columns in sources.items():
        shape = session.program.input(name).type.shape
        cell = 1 if len(columns) > 1 else _rank(chunk.columns[columns[0]])
        if shape and cell == len(shape) - 1:
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


class Ranges:
    """Cells outside the ranges that declarations give: counted, with the place of the first."""

    def __init__(self, program: Program, names: Collection[str]) -> None:
        self.declared = {i.name: i.range for i in program.inputs if i.range is not None and i.name in names}
        self.outside: dict[str, tuple[int, str, int]] = {}

    def see(self, columns: Mapping[str, Any], chunk: Chunk, kept: Sequence[int]) -> None:
        """Looks at the rows of a piece."""
        for name, (low, high) in self.declared.items():
            x = columns[name]
            bad = ((x < low) | (x > high)).reshape(len(kept), -1).any(axis=1)
            count = int(bad.sum())
            if count:
                before, file, line = self.outside.get(name, (0, *chunk.places[kept[int(bad.argmax())]]))
                self.outside[name] = (before + count, file, line)

    def warnings(self) -> list[Diagnostic]:
        """One for each input with such cells."""
        found = []
        for name, (count, file, line) in self.outside.items():
            low, high = self.declared[name]
            shown = {"name": name, "count": count, "file": file, "line": line, "low": low, "high": high}
            found.append(Diagnostic("rows-outside-range", values=shown, severity="warning"))
        return found
