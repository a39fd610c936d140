"""The columns of a table as the inputs of a program."""

from __future__ import annotations

import fnmatch
import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from cgcli.cli.arguments import EMPTY
from cgcli.cli.inputs import canonical
from cgcli.cli.output import notice
from cgcli.cli.session import Session
from cgcli.data.cells import cell_shape, converted, side_by_side
from cgcli.data.chunks import Chunk
from cgcli.data.structured import NumberTooLarge, numbers_of
from cgcli.data.tables import Table
from cgcli.diagnostics.diagnostic import CgError, Diagnostic, error
from cgcli.diagnostics.suggest import nearest
from cgcli.graph.signature import signature
from cgcli.graph.types import ANY, FLOAT, MAX_AXES, Type
from cgcli.program import Program
from cgcli.program.rows import fitted
from cgcli.render.escape import show


class Columns(NamedTuple):
    """The columns of an input. shape: None for one that holds the input's values, else how the elements that several
    columns hold make a tensor.
    """

    names: Sequence[str]
    shape: tuple[int, ...] | None = None


Sources = Mapping[str, Columns]
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+([eE][+-]?[0-9]+)?")
_ELEMENT = re.compile(r"(.*)\[([0-9]+(?:,[0-9]+)*)\]", re.DOTALL)


def sources_of(session: Session, table: Table, maps: Sequence[str]) -> dict[str, Columns]:
    """The columns of each input that has no value on the line: one, the elements of a tensor as a table of results has
    them, or by a pattern several that make a vector.
    """
    inputs = [each.name for each in session.program.inputs]
    found: dict[str, Columns] = {}
    columns = table.columns or ()
    by_name = {canonical(column): Columns([column]) for column in columns}
    by_name = {canonical(name): elements for name, elements in _elements(columns).items()} | by_name
    for each in maps:
        name, equals, pattern = each.partition("=")
        name = canonical(name)
        if not equals or not name or not pattern.strip():
            raise error("bad-map", value=each or EMPTY)
        if name not in inputs:
            raise error("unknown-input", name=name, nearest=nearest(name, inputs), known=inputs)
        if name in found or name in session.values:
            raise error("input-twice-mapped", name=name)
        found[name] = _mapped(session, name, pattern.strip(), table)
    for name in inputs:
        if name in found or name in session.values:
            continue
        if name in by_name:
            found[name] = by_name[name]
        elif table.columns is None:  # JSON Lines without rows
            found[name] = Columns([name])
    return found


def _mapped(session: Session, name: str, pattern: str, table: Table) -> Columns:
    """The columns that `--map name=pattern` says. Raises `CgError` for none, and for several that are no vector."""
    known = list(table.columns or ())
    if pattern in known or table.columns is None:
        return Columns([pattern])
    elements = _elements(known).get(pattern)
    if elements is not None:
        return elements
    columns = [column for column in known if fnmatch.fnmatchcase(column, pattern)]
    if not columns:
        raise error("no-such-column", name=pattern, nearest=nearest(pattern, known), known=known)
    if len(columns) == 1:
        return Columns(columns)
    if len(session.program.input(name).type.shape) not in (1, 2):
        raise error("map-many", name=name, count=len(columns), wanted=session.program.input(name).type)
    return Columns(columns, (len(columns),))


def _elements(columns: Sequence[str]) -> dict[str, Columns]:
    """The tensors whose elements are columns of their own (`z[0,0]`, `z[0,1]`), where all of one are there."""
    places: dict[str, dict[tuple[int, ...], str]] = {}
    for column in columns:
        match = _ELEMENT.fullmatch(column)
        if match is not None and len(match[2]) < 200:
            places.setdefault(match[1], {})[tuple(map(int, match[2].split(",")))] = column
    found = {}
    for name, tensor in places.items():
        if len({len(place) for place in tensor}) > 1:
            continue
        shape = tuple(max(axis) + 1 for axis in zip(*tensor, strict=True))
        if math.prod(shape) == len(tensor):
            found[name] = Columns([tensor[place] for place in sorted(tensor)], shape)
    return found


def tell_unused(table: Table, sources: Sources) -> None:
    """A note that names the columns that no input takes, if there are any."""
    used = {name for columns in sources.values() for name in columns.names}
    unused = [name for name in table.columns or () if name not in used]
    if unused:
        shown = ", ".join(f"`{name}`" for name in unused[:5])
        more = f" and {len(unused) - 5} more" if len(unused) > 5 else ""
        word = "the column" if len(unused) == 1 else "the columns"
        notice(show(f"note: no input asks for {word} {shown}{more} of the table"))


def columns_of(
    session: Session, chunk: Chunk, sources: Sources, together: Sequence[str], on_error: str
) -> tuple[dict[str, Any], Sequence[int]]:
    """By input an array, a row each, and the rows that are kept."""
    _check_declared(session.program, chunk, sources)
    found: dict[str, Any] = {}
    dropped: set[int] = set()
    for name, (columns, shape) in sources.items():
        t = session.program.input(name).type
        if t == ANY:
            found[name], bad = _data(chunk.columns[columns[0]])
            if bad and on_error != "skip":
                raise _bad_cell(chunk, columns[0], bad[0], "float")
            dropped.update(bad)
            continue
        item = t._replace(shape=t.shape[1:]) if name in together else t
        if shape is not None:
            item = item._replace(shape=())
        parts = []
        for column in columns:
            array, bad = converted(chunk.columns[column], item)
            if bad and (on_error == "stop" or (on_error == "nan" and not t.is_float)):
                raise _bad_cell(chunk, column, bad[0], item)
            if on_error == "skip":
                dropped.update(bad)
            parts.append(array)
        found[name] = parts[0] if shape is None else side_by_side(parts, shape)
    kept: Sequence[int] = range(len(chunk))
    if dropped:
        kept = [k for k in kept if k not in dropped]
        found = {name: [x[k] for k in kept] if isinstance(x, list) else x[kept] for name, x in found.items()}
    whole = [name for name, x in found.items() if name in together or isinstance(x, list)]
    for name in found.keys() - whole:
        found[name] = _fitted(session.program, name, found[name], chunk, kept, sources[name].names[0])
    return found, kept


def _check_declared(program: Program, chunk: Chunk, sources: Sources) -> None:
    """Raises `CgError` for a column of tensors whose input has no declaration, and so is one number."""
    held = {name: chunk.columns[columns.names[0]] for name, columns in sources.items() if columns.shape is None}
    shapes = {name: cell_shape(cells) for name, cells in held.items() if program.input(name).implicit}
    name = next((name for name, shape in shapes.items() if 0 < len(shape) <= MAX_AXES), None)
    if name is not None:
        path, line = chunk.places[0]
        column = sources[name].names[0]
        text = f"a tensor of shape [{', '.join(map(str, shapes[name]))}]"
        declare = signature(program.inputs, {n: FLOAT._replace(shape=shape) for n, shape in shapes.items()})
        told = {"file": path, "line": line, "column": column, "text": text, "wanted": FLOAT, "declare": declare}
        raise error("table-column", status=1, **told)


def _data(cells: Sequence[Any]) -> tuple[list[Any], list[int]]:
    """Structured data of a row each, and the rows that hold a number that no float holds."""
    found: list[Any] = []
    bad = []
    for k, cell in enumerate(cells):
        try:
            found.append(numbers_of(cell))
        except NumberTooLarge:
            found.append(None)
            bad.append(k)
    return found, bad


def _bad_cell(chunk: Chunk, column: str, row: int, wanted: Type | str) -> CgError:
    path, line = chunk.places[row]
    text = chunk.columns[column][row]
    shown = "nothing" if text in ("", None) else cut(str(text))
    write = _as_cg(str(text).strip(), wanted)
    skip = None if write else "--on-error skip"
    told = {"file": path, "line": line, "column": column, "text": shown, "wanted": wanted, "write": write, "skip": skip}
    return error("table-cell", status=1, **told)


def _as_cg(text: str, wanted: Type | str) -> str | None:
    """What a cell says in the spelling of other programs, as cg writes it; None for anything else."""
    if text.lower() in ("true", "false"):
        truth = text.lower() == "true"
        is_bool = isinstance(wanted, Type) and wanted.dtype == "bool"
        return ("true" if truth else "false") if is_bool else str(int(truth))
    return text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else None


def cut(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:40]}… ({len(text)} characters)"


def _fitted(program: Program, name: str, rows: Any, chunk: Chunk, kept: Sequence[int], column: str) -> Any:
    """The rows as the input's type wants them. Raises CgError for the first one of another type."""
    if not len(rows):
        return rows
    try:
        return fitted(program, name, rows)
    except CgError:
        row = next(k for k in range(len(rows)) if not _fits(program, name, rows[k : k + 1]))
        path, line = chunk.places[kept[row]]
        text = cut(str(rows[row].tolist()))
        wanted = program.input(name).type
        raise error("table-column", status=1, file=path, line=line, column=column, text=text, wanted=wanted) from None


def _fits(program: Program, name: str, rows: Any) -> bool:
    try:
        fitted(program, name, rows)
    except CgError:
        return False
    return True


def many_at_once(session: Session, chunk: Chunk, sources: Sources) -> list[str]:
    """The inputs that have one axis more than a cell of their column: they take many rows at once."""
    found = []
    for name, columns in sources.items():
        shape = session.program.input(name).type.shape
        cell = len(cell_shape(chunk.columns[columns.names[0]])) if columns.shape is None else len(columns.shape)
        if shape and cell == len(shape) - 1:
            found.append(name)
    return found


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
