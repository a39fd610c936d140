"""`--data`: what a run over a table reports, as notes, warnings and progress on standard error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from cgcli.cli.output import StandardOutput, notice, print_diagnostics
from cgcli.cli.progress import NO_WORKERS, StatusLine
from cgcli.cli.results import exclude
from cgcli.data.sinks import Rounded, sink
from cgcli.diagnostics.diagnostic import EMPTY, Diagnostic, error
from cgcli.diagnostics.escape import show
from cgcli.program.names import canonical
from cgcli.program.options import OutputOptions, TableOptions
from cgcli.program.rows import Derivatives
from cgcli.program.tables import (
    TableEvents,
    TableSettings,
    carried_columns,
    map_table,
    open_table_of,
)

if TYPE_CHECKING:
    from cgcli.cli.session import Session
    from cgcli.data.checkpoints import Checkpoint


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

    def unlabelled(self) -> None:
        notice("note: the checkpoint has words for classes; `--labels OUTPUT` writes them for an output")

    def skipped(self, rows: int, total: int) -> None:
        self.line.end()
        notice(f"note: {rows} row{'' if rows == 1 else 's'} of {total} skipped, with cells that are no numbers")

    def reused(self, parts: int) -> None:
        what = "1 finished part of an earlier run is" if parts == 1 else f"{parts} finished parts of an earlier run are"
        notice(f"note: {what} used")

    def waiting(self) -> None:
        notice(NO_WORKERS)


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


def table_settings(table: TableOptions, checkpoint: Checkpoint | None = None) -> TableSettings:
    """The settings that the options of a command say. checkpoint: of the parameters; it may have words for classes."""
    carry: Sequence[str] | Literal["all"] = () if table.carry is None else table.carry.split(",")
    carry = "all" if table.carry == "all" else carry
    labels: dict[str, list[str]] = {}
    if checkpoint is not None:
        from cgcli.program.checkpoint_params import checkpoint_labels  # with the state of a training

        labels = checkpoint_labels(checkpoint)
    rows = table.on_error or "stop", table.batch
    return TableSettings(patterns_of(table.maps), *rows, carry, table.row_numbers, labels)


def over_rows(
    session: Session,
    options: TableOptions,
    output: OutputOptions,
    settings: TableSettings,
    derivatives: Derivatives | None = None,
    outputs: Sequence[str] | None = None,
) -> None:
    """Runs the program for each row of a table and writes the results. Raises `CgError`; see `map_table`."""
    _check_output(output, options.target)
    report = TableReport()
    if options.cluster is not None:
        from cgcli.cluster.table_runs import Target, map_table_on_cluster  # imports what only a cluster needs

        target = Target(options.target, StandardOutput(), output.format == "json", output.precision)
        task = options.cluster, session.program, session.values, options.data or "", target, settings
        map_table_on_cluster(*task, derivatives=derivatives, outputs=outputs, events=report)
        report.line.end()
        return
    with (
        open_table_of(session.program, options.data or "") as table,
        sink(options.target, StandardOutput(), lines=output.format == "json") as file,
    ):
        digits = output.precision
        out = file if digits is None else Rounded(file, digits, carried_columns(table, settings))
        work = session.program, session.values, table, out, settings
        map_table(*work, derivatives=derivatives, outputs=outputs, events=report)
    report.line.end()


def _check_output(output: OutputOptions, target: str | None) -> None:
    """Raises `CgError` for an option that a table of results does not have."""
    exclude(("--full", output.full), ("--data", True))
    if output.format in ("table", "plain"):
        raise error("options-exclude", first="--data", second=f"--format {output.format}")
    exclude(("--format", output.format is not None), ("-o", target not in (None, "-")))
