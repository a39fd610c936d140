"""`cg predict`: a trained program over the rows of a table."""

from __future__ import annotations

from typing import Annotated

import typer

from cgcli.cli.command import ProgramCommand, declare
from cgcli.cli.inputs import canonical
from cgcli.cli.options import (
    AllowPath,
    Backend,
    BatchSize,
    Expression,
    File,
    InputsFile,
    Map,
    MaxDepth,
    MaxMemory,
    MaxNodes,
    MaxSteps,
    Mode,
    OnError,
    Out,
    Seed,
    Set,
    Timeout,
)
from cgcli.cli.rows import over_rows, table_settings
from cgcli.cli.session import open_session
from cgcli.diagnostics.diagnostic import error

Weights = Annotated[str | None, typer.Option("--weights", metavar="FILE", help="The parameters: a checkpoint.")]
Table = Annotated[
    str | None,
    typer.Option("--data", metavar="TABLE", help="The rows: a .csv, .tsv, .jsonl, .npz or .parquet file, or - (CSV)."),
]
Output = Annotated[
    str | None,
    typer.Option("--output", metavar="A,B", help="Which outputs (else those that the table suffices for)."),
]


def predict(
    context: typer.Context,
    file: File = None,
    expression: Expression = None,
    weights: Weights = None,
    data: Table = None,
    output: Output = None,
    target: Out = None,
    maps: Map = None,
    on_error: OnError = None,
    batch: BatchSize = None,
    settings: Set = None,
    inputs_file: InputsFile = None,
    mode: Mode = None,
    allow_path: AllowPath = None,
    seed: Seed = None,
    max_memory: MaxMemory = None,
    backend: Backend = None,
    max_steps: MaxSteps = None,
    max_nodes: MaxNodes = None,
    max_depth: MaxDepth = None,
    timeout: Timeout = None,
) -> int:
    """What a trained program says of each row of a table.

    Outputs that need more than the table has, as a loss needs the truth, are left out.
    """
    for option, value in (("--weights", weights), ("--data", data)):
        if value is None:
            raise error("needs-option", command="cg predict", option=option)
    limits = (seed, max_memory, backend, max_steps, timeout, mode, weights, max_nodes, max_depth)
    session = open_session(context, file, expression, settings, inputs_file, allow_path, *limits)
    outputs = [] if output is None else [canonical(name) for name in output.split(",")]
    return over_rows(session, data or "", table_settings(maps, on_error, batch), target, outputs=outputs)


command = declare(
    "predict",
    predict,
    ProgramCommand,
    "cg predict samples/line.cg --weights line.safetensors --data samples/line.csv -o guesses.csv",
)
