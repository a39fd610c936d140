"""Tables whose columns are not those that the program's inputs ask for, and what to do about it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import PurePath

from cgcli.cli.columns import Sources, cut
from cgcli.cli.command import command_options
from cgcli.cli.inputs import missing_inputs, require
from cgcli.cli.session import Session
from cgcli.data.tables import Table
from cgcli.diagnostics.diagnostic import error
from cgcli.diagnostics.suggest import nearest

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}


def require_columns(session: Session, table: Table, sources: Sources) -> None:
    """Raises `CgError` that names every input without a value, and the columns that may have been meant for them."""
    missing = missing_inputs(session.program, {**session.values, **sources})
    used = {name for columns in sources.values() for name in columns.names}
    unused = [name for name in table.columns or () if name not in used]
    if missing and unused:
        _check_first_line(table)
        meant = _meant(missing, unused, in_order=not sources)
        if meant:
            usage = [
                f"--map {name}={shlex.quote(meant[name])}" if name in meant else f"--{name} VALUE" for name in missing
            ]
            inputs = [each.name for each in session.program.inputs if each.kind == "input"]
            raise error(
                "no-column-for",
                file=table.files[0],
                missing=missing,
                columns=table.columns,
                inputs=inputs,
                usage=" ".join(usage),
            )
    require(session.program, {**session.values, **sources}, command_options(session.context))


def _check_first_line(table: Table) -> None:
    """Raises `CgError` for a first line of text that names no columns: a comment, or names between other signs."""
    first, *others = table.columns or ()
    file = table.files[0]
    kind = PurePath(file).suffix.lower()
    if kind not in ("", ".csv", ".tsv"):
        return
    if first.startswith("#"):
        raise error("table-comment", status=1, file=file, text=cut(first))
    own = "\t" if kind == ".tsv" else ","
    found = max(_SEPARATORS, key=first.count)
    if not others and found in first and found != own:
        renamed = {",": ".csv", "\t": ".tsv"}.get(found) if kind else None
        raise error(
            "table-separator",
            status=1,
            file=file,
            comma="tab" if own == "\t" else "comma",
            found=_SEPARATORS[found],
            renamed=None if renamed is None else str(PurePath(file).with_suffix(renamed)),
            others=_SEPARATORS[found] if renamed is None else None,
        )


def _meant(missing: Sequence[str], unused: Sequence[str], in_order: bool) -> dict[str, str]:
    """By input the column that may have been meant: one of nearly its name, else in order where no name fits at all."""
    rest = list(unused)
    meant: dict[str, str] = {}
    for name in missing:
        like = nearest(name, rest)
        if like is not None:
            meant[name] = like
            rest.remove(like)
    if in_order:
        meant |= zip([name for name in missing if name not in meant], rest, strict=False)
    return meant
