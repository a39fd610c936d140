"""`cg trace`: a dynamic run, line by line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from cgcli.cli.arguments import EMPTY
from cgcli.cli.command import ProgramCommand, declare
from cgcli.cli.inputs import canonical
from cgcli.cli.options import (
    AllowPath,
    Expression,
    File,
    InputsFile,
    MaxDepth,
    MaxMemory,
    MaxNodes,
    MaxSteps,
    Precision,
    Seed,
    Set,
    Timeout,
    Weights,
    choice,
)
from cgcli.cli.output import emit
from cgcli.cli.session import open_session
from cgcli.diagnostics.diagnostic import error
from cgcli.program.dynamic import DynamicProgram
from cgcli.render import json
from cgcli.render.trace import Line, data, text

Format = Annotated[
    str, typer.Option("--format", help="Lines for people, or an object a line.", **choice("--format", "plain", "jsonl"))
]
Watched = Annotated[
    list[str] | None, typer.Option("--watch", metavar="NAME", help="Only the lines that bind this name.")
]
Only = Annotated[list[str] | None, typer.Option("--only", metavar="FUNCTION", help="Only the lines of this function.")]


def trace(
    context: typer.Context,
    file: File = None,
    expression: Expression = None,
    settings: Set = None,
    inputs_file: InputsFile = None,
    weights: Weights = None,
    watched: Watched = None,
    only: Only = None,
    output_format: Format = "plain",
    precision: Precision = None,
    allow_path: AllowPath = None,
    seed: Seed = None,
    max_memory: MaxMemory = None,
    max_steps: MaxSteps = None,
    max_nodes: MaxNodes = None,
    max_depth: MaxDepth = None,
    timeout: Timeout = None,
) -> int:
    """Run a program in dynamic mode and print each line that runs, with the values that it makes.

    Calls are indented, the steps of loops numbered.
    """
    limits = (seed, max_memory, None, max_steps, timeout, "dynamic", weights, max_nodes, max_depth)
    session = open_session(context, file, expression, settings, inputs_file, allow_path, *limits)
    session.require_values()
    program = session.program
    if not isinstance(program, DynamicProgram):
        raise error("host-lines")
    selects = _filter(watched or [], only or [])

    def print_line(line: Line) -> None:
        if selects(line):
            emit(json.dump(data(line)) if output_format == "jsonl" else text(line, precision))

    program.trace(session.values, print_line)
    return 0


def _filter(watched: list[str], only: list[str]) -> Callable[[Line], bool]:
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


command = declare("trace", trace, ProgramCommand, "cg trace samples/newton.cg")
