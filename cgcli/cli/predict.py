"""`cg predict`: a trained program over the rows of a table."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from cgcli.cli.command import ProgramCommand, declare
from cgcli.cli.options import Without
from cgcli.cli.rows import over_rows, table_settings
from cgcli.cli.session import open_session
from cgcli.diagnostics.diagnostic import error
from cgcli.program.names import canonical
from cgcli.program.options import Option, OutputOptions, RunOptions, TableOptions

Output = Annotated[
    str | None, Option("--output", "Which outputs (else those that the table suffices for).", "A,B", "Table")
]
Labels = Annotated[
    str | None,
    Option(
        "--labels", "The output whose classes are written as words (else the only whole number).", "OUTPUT", "Table"
    ),
]


def predict(
    context: typer.Context,
    run: RunOptions,
    table: TableOptions,
    output: Annotated[OutputOptions, Without("full")],
    names: Output = None,
    labelled: Labels = None,
) -> int:
    """What a trained program says of each row of a table.

    Outputs that need more than the table has, as a loss needs the truth, are left out.
    """
    for option, value in (("--weights", run.weights), ("--data", table.data)):
        if value is None:
            raise error("needs-option", command="cg predict", option=option)
    session = open_session(context, run)
    outputs = [] if names is None else [canonical(name) for name in names.split(",")]
    settings = replace(table_settings(table, session.checkpoint), labelled=labelled and canonical(labelled))
    if labelled is not None and not settings.labels:
        raise error("labels-unknown", option="--labels", file=run.weights)
    over_rows(session, table, output, settings, outputs=outputs)
    return 0


command = declare(
    "predict",
    predict,
    ProgramCommand,
    "cg samples line",
    "cg train line.cg --data line.csv --loss loss --epochs 200 --save line.safetensors",
    "cg predict line.cg --weights line.safetensors --data line.csv -o guesses.csv",
)
