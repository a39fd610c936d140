"""`cg explain`: the chain rule, path by path."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from cgcli.cli.command import ProgramCommand, declare
from cgcli.cli.inputs import wrt_names
from cgcli.cli.options import (
    AllowPath,
    Expression,
    File,
    InputsFile,
    MaxDepth,
    MaxMemory,
    MaxNodes,
    MaxSteps,
    Of,
    Precision,
    Seed,
    Set,
    Timeout,
    Weights,
    Wrt,
    choice,
    whole_number,
)
from cgcli.cli.output import emit
from cgcli.cli.session import open_session
from cgcli.program.dynamic import Recorded
from cgcli.program.explain import explain as explained
from cgcli.render import json
from cgcli.render.explain import Form, data, text

PATHS = 10

Most = Annotated[
    int | None,
    typer.Option(
        "--max-paths",
        metavar="N",
        parser=whole_number("--max-paths", 1, 100_000),
        help=f"How many paths to list, the largest first ({PATHS}).",
    ),
]
Format = Annotated[
    str,
    typer.Option("--format", help="How it is written.", **choice("--format", "text", "markdown", "latex", "json")),
]


def explain(
    context: typer.Context,
    file: File = None,
    expression: Expression = None,
    of: Of = None,
    wrt: Wrt = None,
    most: Most = None,
    output_format: Format = "text",
    settings: Set = None,
    inputs_file: InputsFile = None,
    weights: Weights = None,
    precision: Precision = None,
    allow_path: AllowPath = None,
    seed: Seed = None,
    max_memory: MaxMemory = None,
    max_steps: MaxSteps = None,
    max_nodes: MaxNodes = None,
    max_depth: MaxDepth = None,
    timeout: Timeout = None,
) -> int:
    """Write out the chain rule: each step, each local derivative, each path with its product.

    The products of all paths from an input to the output add up to the derivative. Branches and loops are laid out as
    they run: the graph is the record of a run.
    """
    names = wrt_names(wrt)
    limits = (seed, max_memory, None, max_steps, timeout, "dynamic", weights, max_nodes, max_depth)
    session = open_session(context, file, expression, settings, inputs_file, allow_path, *limits)
    session.require_values()
    program = session.program.recorded(session.values)
    assert isinstance(program, Recorded)
    explanation = explained(program, of, names, most or PATHS)
    if output_format == "json":
        emit(json.dump(data(explanation), precision))
    else:
        emit(text(explanation, cast(Form, output_format), precision))
    return 0


command = declare("explain", explain, ProgramCommand, "cg explain samples/article.cg --a 2 --b 3 --c 1 --wrt b")
