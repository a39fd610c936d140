"""`cg explain`: the chain rule, path by path."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from cgcli.cli.command import ProgramCommand, declare
from cgcli.cli.options import Without
from cgcli.cli.output import stdout, width_of, write_text
from cgcli.cli.session import open_session
from cgcli.program.load import FOR_A_RUN
from cgcli.program.options import DerivativeOptions, Option, OutputOptions, RunOptions
from cgcli.render.explain import Form, data, text

PATHS = 10

Most = Annotated[
    int | None,
    Option("--max-paths", f"How many paths to list, the largest first ({PATHS}).", "N", range=(1, 100_000)),
]
Format = Annotated[Literal[Form, "json"], Option("--format", "How it is written.", group="Output")]

Target = Annotated[
    str | None, Option("-o", "The file to write it into (else it is printed).", "FILE", "Output", file="written")
]


def explain(
    context: typer.Context,
    run: Annotated[RunOptions, Without("backend", mode=FOR_A_RUN)],
    derivative: DerivativeOptions,
    output: Annotated[OutputOptions, Without("format", "full")],
    most: Most = None,
    output_format: Format = "text",
    target: Target = None,
) -> int:
    """Write out the chain rule: each step, each local derivative, each path with its product.

    The products of all paths from an input to the output add up to the derivative. Branches and loops are laid out as
    they run: of a loop the first two steps and the last are written out, and paths lead from step to step. Without
    values everything is in formulas.
    """
    session = open_session(context, run)
    if session.program.mode == "dynamic":
        session.require_values()  # before Python code runs
    of, wrt = derivative.of, derivative.wrt
    explanation = session.program.explain(session.values, of=of, wrt=wrt, max_paths=most or PATHS)
    if output_format == "json":
        from cgcli.render import json  # for this form alone

        write_text(target, json.dump(data(explanation), output.precision))
    else:
        width = width_of(stdout()) if target is None and output_format == "text" else None
        write_text(target, text(explanation, output_format, output.precision, width))
    return 0


command = declare(
    "explain", explain, ProgramCommand, "cg samples article", "cg explain article.cg --a 2 --b 3 --c 1 --wrt b"
)
