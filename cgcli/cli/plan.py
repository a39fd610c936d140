"""`cg plan`: how a static graph will be run."""

from __future__ import annotations

import shutil
from pathlib import PurePath
from typing import Annotated, Literal

import typer

from cgcli.cli.command import ProgramCommand, declare
from cgcli.cli.options import Without
from cgcli.cli.output import can_write, emit, emit_page, is_terminal, stdout, write_picture
from cgcli.cli.results import exclude
from cgcli.cli.session import open_session
from cgcli.diagnostics.diagnostic import EMPTY, error
from cgcli.program.options import DerivativeOptions, Option, OutputOptions, RunOptions
from cgcli.render import json
from cgcli.render.plan import data, text

CHART = "█·─→┌│└…"  # its characters

Run = Annotated[RunOptions, Without("seed", "max_memory", "backend", "max_steps", "max_depth", "timeout")]
Grad = Annotated[bool, Option("--grad", "The value and its derivatives, planned as one graph.")]
FastMath = Annotated[
    bool, Option("--fast-math", "Allow identities that hold for real numbers but not for every float.")
]
Picture = Annotated[
    str | None,
    Option("-o", "Draw the steps and the memory; - is standard output.", "FILE.svg", "Output", file="written"),
]
Format = Annotated[Literal["plain", "json"] | None, Option("--format", "Text, or one JSON object.", group="Output")]


def plan(
    context: typer.Context,
    run: Run,
    derivative: DerivativeOptions,
    output: Annotated[OutputOptions, Without("format", "precision")],
    with_grad: Grad = False,
    fast_math: FastMath = False,
    target: Picture = None,
    output_format: Format = None,
) -> int:
    """Lay open how a static graph is run: what is made simpler, in which order, in which memory.

    Runs nothing. Given values, their sizes are put in; else costs are in terms of named sizes.
    """
    exclude(("-o -", target == "-"), ("--format json", output_format == "json"))
    if target not in (None, "-") and PurePath(target or "").suffix.lower() != ".svg":
        raise error("unknown-picture", file=target or EMPTY, nearest=None, choices=[".svg"])
    session = open_session(context, run).recorded()
    session.require_all_or_none()
    program, of, wrt = session.program, derivative.of, derivative.wrt
    compilation = program.plan(session.values, of=of, wrt=wrt, derivatives=with_grad, fast_math=fast_math)
    inputs = [(i.name, i.kind, str(i.type)) for i in program.inputs]
    title = PurePath(program.module.source.name).name
    if target is not None:
        from cgcli.render.plan_picture import draw

        write_picture(target, draw(compilation, title).encode())
    if output_format == "json":
        emit(json.dump(data(compilation, inputs)))
    elif target is None:
        width = shutil.get_terminal_size().columns if is_terminal(stdout()) else 100
        emit_page(
            "\n".join(
                text(compilation, inputs, title, width, ascii_only=not can_write(CHART, stdout()), full=output.full)
            )
        )
    return 0


command = declare("plan", plan, ProgramCommand, "cg samples mlp", "cg plan mlp.cg --grad")
