"""`cg sweep`: a program, or its training, at many points."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

import typer

from cgcli.cli.command import ProgramCommand, declare
from cgcli.cli.options import Without
from cgcli.cli.sweep_options import SweepOptions, SweptSettings
from cgcli.program.fit_settings import FitSettings
from cgcli.program.options import DerivativeOptions, Option, OutputOptions, RunOptions, TableOptions
from cgcli.program.sweep_settings import SWEPT_SETTINGS, SweepSettings

Format = Annotated[
    Literal["table", "csv", "json"] | None,
    Option("--format", "How the table is printed: a table on a terminal, CSV elsewhere.", group="Output"),
]


def sweep(
    context: typer.Context,
    run: Annotated[RunOptions, Without("seed")],
    options: SweepOptions,
    settings: Annotated[SweepSettings, Without("seed")],
    swept: SweptSettings,
    training: Annotated[FitSettings, Without(*SWEPT_SETTINGS, "horizon")],
    table: Annotated[TableOptions, Without("target", "batch", "carry", "row_numbers", "on_error", "cluster")],
    derivative: DerivativeOptions,
    output: Annotated[OutputOptions, Without("format", "full")],
    output_format: Format = None,
) -> int:
    """Evaluate a program at many points, or train it at each: a table with a row a point.

    Give inputs several values: --a 0:1:0.1, --a 1,2,5, or --a 0..1 with --random N.
    """
    from cgcli.cli.sweeping import run_sweeping  # the help page does without

    output = replace(output, format=output_format)
    run_sweeping(context, run, options, settings, swept, training, table, derivative, output)
    return 0


command = declare(
    "sweep",
    sweep,
    ProgramCommand,
    "cg samples article",
    "cg sweep article.cg --a 0:1:0.01 --b 1,2,5 --c 1 -o points.csv",
)
