"""`cg trace`: a dynamic run, line by line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Literal

import typer

from cgcli.cli.command import ProgramCommand, declare
from cgcli.cli.options import Without
from cgcli.cli.output import emit, stdout, width_of
from cgcli.cli.session import open_session
from cgcli.diagnostics.diagnostic import EMPTY, error
from cgcli.program.dynamic import DynamicProgram
from cgcli.program.names import canonical
from cgcli.program.options import Option, OutputOptions, RunOptions
from cgcli.render import json
from cgcli.render.trace import Line, data, text

Format = Annotated[
    Literal["plain", "jsonl"], Option("--format", "Lines for people, or an object a line.", group="Output")
]
Watched = Annotated[tuple[str, ...], Option("--watch", "Only the lines that bind this name.", "NAME", many=True)]
Only = Annotated[tuple[str, ...], Option("--only", "Only the lines of this function.", "FUNCTION", many=True)]


def trace(
    context: typer.Context,
    run: Annotated[RunOptions, Without("backend", mode="dynamic")],
    output: Annotated[OutputOptions, Without("format", "full")],
    watched: Watched = (),
    only: Only = (),
    output_format: Format = "plain",
) -> int:
    """Run a program in dynamic mode and print each line that runs, with the values that it makes.

    Calls are indented, the steps of loops numbered.
    """
    session = open_session(context, run)
    session.require_values()
    program = session.program
    if not isinstance(program, DynamicProgram):
        raise error("host-lines")
    selects, width = _filter(watched, only), width_of(stdout())

    def print_line(line: Line) -> None:
        if selects(line):
            emit(json.dump(data(line)) if output_format == "jsonl" else text(line, output.precision, width))

    program.trace(session.values, print_line)
    return 0


def _filter(watched: Sequence[str], only: Sequence[str]) -> Callable[[Line], bool]:
    """A predicate for the lines to print."""
    for option, values in (("--watch", watched), ("--only", only)):
        if any(not name.strip() for name in values):
            raise error("empty-name", option=option, value=EMPTY)
    names, functions = {canonical(n) for n in watched}, {canonical(n) for n in only}

    def selects(line: Line) -> bool:
        if functions and line.function not in functions:
            return False
        return not names or (line.kind in ("bind", "input", "step") and any(n in names for n, _ in line.names))

    return selects


command = declare("trace", trace, ProgramCommand, "cg samples newton", "cg trace newton.cg")
