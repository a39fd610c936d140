"""`--data`: what a run over a table reports, as notes, warnings and progress on standard error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from cgcli.cli.arguments import EMPTY
from cgcli.cli.inputs import canonical
from cgcli.cli.output import StandardOutput, notice, print_diagnostics
from cgcli.cli.progress import StatusLine
from cgcli.cli.session import Session
from cgcli.data.sinks import sink
from cgcli.data.tables import open_table
from cgcli.diagnostics.diagnostic import Diagnostic, error
from cgcli.ops.limits import memory_limit
from cgcli.program.rows import Derivatives
from cgcli.program.tables import OnError, TableEvents, TableSettings, map_table, read_examples
from cgcli.program.training import Examples
from cgcli.render.escape import show


class TableReport(TableEvents):
    """Prints what a run over a table reports."""

    def __init__(self) -> None:
        self.line = StatusLine()

    def unused(self, columns: Sequence[str]) -> None:
        names = ", ".join(f"`{name}`" for name in columns[:5])
        more = f" and {len(columns) - 5} more" if len(columns) > 5 else ""
        noun = "the column" if len(columns) == 1 else "the columns"
        notice(show(f"note: no input asks for {noun} {names}{more} of the table"))

    def progress(self, rows: int, read: int, size: int | None) -> None:
        if not self.line.due():
            return
        text = f"{rows} rows, {rows / self.line.seconds:.0f} a second"
        if size and read:
            text += f", {max(0.0, self.line.seconds * (size - read) / read):.0f} s left"
        self.line.update(text)

    def warnings(self, warnings: Sequence[Diagnostic]) -> None:
        print_diagnostics(warnings)

    def skipped(self, rows: int, total: int) -> None:
        self.line.end()
        notice(f"note: {rows} row{'' if rows == 1 else 's'} of {total} skipped, with cells that are no numbers")


def patterns_of(maps: Sequence[str]) -> dict[str, str]:
    """The column or pattern by input, from settings `input=column`."""
    patterns: dict[str, str] = {}
    for text in maps:
        name, equals, pattern = text.partition("=")
        name = canonical(name)
        if not equals or not name or not pattern.strip():
            raise error("bad-map", value=text or EMPTY)
        if name in patterns:
            raise error("input-twice-mapped", name=name)
        patterns[name] = pattern.strip()
    return patterns


def table_settings(
    maps: Sequence[str] | None,
    on_error: OnError | None,
    batch: int | None = None,
    carry: str | None = None,
    numbered: bool = False,
) -> TableSettings:
    """The settings that the options of a command say."""
    names: Sequence[str] | Literal["all"] = () if carry is None else "all" if carry == "all" else carry.split(",")
    return TableSettings(patterns_of(maps or ()), on_error or "stop", batch, names, numbered)


def over_rows(
    session: Session,
    data: str,
    settings: TableSettings,
    target: str | None,
    derivatives: Derivatives | None = None,
    outputs: Sequence[str] | None = None,
) -> int:
    """Runs the program for each row of a table and writes the results. Raises `CgError`; see `map_table`."""
    report = TableReport()
    with (
        open_table(data, session.program.max_memory or memory_limit()) as table,
        sink(target, StandardOutput()) as out,
    ):
        map_table(
            session.program,
            session.values,
            table,
            out,
            settings,
            derivatives=derivatives,
            outputs=outputs,
            events=report,
        )
    report.line.end()
    return 0


def examples_of(session: Session, data: str, settings: TableSettings) -> Examples:
    """All rows of a table to learn from. Raises `CgError`; see `read_examples`."""
    with open_table(data, session.program.max_memory or memory_limit()) as table:
        return read_examples(session.program, session.values, table, settings, TableReport())
