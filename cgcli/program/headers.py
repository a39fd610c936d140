"""Tables whose columns do not match the program's inputs: errors that suggest a remedy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from cgcli.data.tables import Table
from cgcli.diagnostics.diagnostic import error
from cgcli.diagnostics.suggest import nearest
from cgcli.run.binding import missing, require
from cgcli.system import file_name

from .columns import ColumnsByInput, cut, unused_columns
from .computation import Computation, Values


def require_columns(program: Computation, values: Values, table: Table, by_input: ColumnsByInput) -> None:
    """Raises `CgError` that names every input without a value, and the columns that may be meant for them."""
    available = {*values, *by_input}
    names = missing(program.inputs, available)
    unused = unused_columns(table, by_input)
    if names and unused:
        _check_first_line(table)
        suggested = _suggest(names, unused, in_order=not by_input)
        if suggested:
            import shlex  # for an error alone

            usage = [
                f"--map {name}={shlex.quote(suggested[name])}" if name in suggested else f"--{name} VALUE"
                for name in names
            ]
            inputs = [i.name for i in program.inputs if i.kind == "input"]
            raise error(
                "no-column-for",
                file=table.files[0],
                missing=names,
                columns=table.columns,
                inputs=inputs,
                usage=" ".join(usage),
            )
    require(program.inputs, available)


def _check_first_line(table: Table) -> None:
    """Raises `CgError` for a first line that is a comment."""
    first = next(iter(table.columns or ()))
    file = table.files[0]
    kind = PurePath(file_name(file)).suffix.lower()
    if kind not in ("", ".csv", ".tsv"):
        return
    if first.startswith("#"):
        raise error("table-comment", status=1, file=file, text=cut(first))


def _suggest(missing: Sequence[str], unused: Sequence[str], in_order: bool) -> dict[str, str]:
    """By input the column that may be meant: the one of the nearest name, else in order where no name fits at all."""
    rest = list(unused)
    suggested: dict[str, str] = {}
    for name in missing:
        suggestion = nearest(name, rest)
        if suggestion is not None:
            suggested[name] = suggestion
            rest.remove(suggestion)
    if in_order:
        suggested |= zip([name for name in missing if name not in suggested], rest, strict=False)
    return suggested
