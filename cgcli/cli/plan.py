"""`cg plan`: how a static graph will be run."""

from __future__ import annotations

import shutil
from pathlib import PurePath
from typing import Annotated

import typer

from cgcli.cli.arguments import EMPTY
from cgcli.cli.command import ProgramCommand, declare
from cgcli.cli.inputs import wrt_names
from cgcli.cli.options import (
    AllowPath,
    Expression,
    File,
    Full,
    InputsFile,
    MaxNodes,
    Mode,
    Of,
    Set,
    Weights,
    Wrt,
    choice,
)
from cgcli.cli.output import emit, is_terminal, stdout, write_picture
from cgcli.cli.results import exclude
from cgcli.cli.session import open_session
from cgcli.diagnostics.diagnostic import error
from cgcli.render import json
from cgcli.render.plan import data, text
from cgcli.run.binding import missing

Grad = Annotated[bool, typer.Option("--grad", help="The value and its derivatives, planned as one graph.")]
Format = Annotated[
    str | None,
    typer.Option("--format", help="Text, or one JSON object.", **choice("--format", "plain", "json")),
]
Picture = Annotated[
    str | None,
    typer.Option("-o", metavar="FILE.svg", help="Draw the steps and the memory; - is standard output."),
]
FastMath = Annotated[
    bool, typer.Option("--fast-math", help="Allow identities that hold for real numbers but not for every float.")
]


def plan(
    context: typer.Context,
    file: File = None,
    expression: Expression = None,
    with_grad: Grad = False,
    of: Of = None,
    wrt: Wrt = None,
    settings: Set = None,
    inputs_file: InputsFile = None,
    weights: Weights = None,
    target: Picture = None,
    output_format: Format = None,
    full: Full = False,
    fast_math: FastMath = False,
    mode: Mode = None,
    allow_path: AllowPath = None,
    max_nodes: MaxNodes = None,
) -> int:
    """Lay open how a static graph is run: what is made simpler, in which order, in which memory.

    Runs nothing. Given values, their sizes are put in; else costs are in terms of named sizes.
    """
    exclude(("-o -", target == "-"), ("--format json", output_format == "json"))
    if target not in (None, "-") and PurePath(target or "").suffix.lower() != ".svg":
        raise error("unknown-picture", file=target or EMPTY, nearest=None, choices=[".svg"])
    names = wrt_names(wrt)
    session = open_session(
        context, file, expression, settings, inputs_file, allow_path, mode=mode, weights=weights, max_nodes=max_nodes
    ).recorded()
    program = session.program
    if session.values and missing(program.inputs, session.values):
        session.require_values()
    compilation = program.plan(session.values, of=of, wrt=names, derivatives=with_grad, fast_math=fast_math)
    inputs = [(i.name, i.kind, str(i.type)) for i in program.inputs]
    title = PurePath(program.module.source.name).name
    if target is not None:
        from cgcli.render.plan_picture import draw

        write_picture(target, draw(compilation, title).encode())
    if output_format == "json":
        emit(json.dump(data(compilation, inputs)))
    elif target is None:
        width = shutil.get_terminal_size().columns if is_terminal(stdout()) else 100
        emit("\n".join(text(compilation, inputs, title, width, ascii_only=not _draws(), full=full)))
    return 0


def _draws() -> bool:
    """Whether the encoding of standard output has the characters of the chart."""
    try:
        "█·─→┌│└…".encode(getattr(stdout(), "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


command = declare("plan", plan, ProgramCommand, "cg plan samples/mlp.cg --grad")
