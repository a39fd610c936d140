"""`cg explain`: the chain rule, path by path."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from cgcli.cli.command import ProgramCommand, declare
from cgcli.cli.options import Without
from cgcli.cli.output import write_text
from cgcli.cli.session import open_session
from cgcli.program.dynamic import Recorded
from cgcli.program.explain import explain as explained
from cgcli.program.options import DerivativeOptions, Option, OutputOptions, RunOptions
from cgcli.render import json
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
    run: Annotated[RunOptions, Without("backend", mode="dynamic")],
    derivative: DerivativeOptions,
    output: Annotated[OutputOptions, Without("format", "full")],
    most: Most = None,
    output_format: Format = "text",
    target: Target = None,
) -> int:
    """Write out the chain rule: each step, each local derivative, each path with its product.

    The products of all paths from an input to the output add up to the derivative. Branches and loops are laid out as
    they run: the graph is the record of a run.
    """
    session = open_session(context, run)
    session.require_values()
    program = session.program.recorded(session.values)
    assert isinstance(program, Recorded)
    explanation = explained(program, derivative.of, derivative.wrt, most or PATHS)
    if output_format == "json":
        write_text(target, json.dump(data(explanation), output.precision))
    else:
        write_text(target, text(explanation, output_format, output.precision))
    return 0


command = declare(
    "explain", explain, ProgramCommand, "cg samples article", "cg explain article.cg --a 2 --b 3 --c 1 --wrt b"
)
