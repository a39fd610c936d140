"""`cg train`: fits the parameters of a program to the rows of a table."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Annotated, Any

import typer

from cgcli.cli.command import Command, ProgramCommand, declare
from cgcli.cli.options import Without
from cgcli.cli.output import print_diagnostics
from cgcli.cli.session import open_session
from cgcli.cli.training_options import TrainingOptions
from cgcli.diagnostics.diagnostic import error
from cgcli.program.fit_settings import FitSettings
from cgcli.program.options import OutputOptions, RunOptions, TableOptions

NOT_STORED = ("settings", "inputs_file", "data", "maps", "on_error", "mode", "every", "keep", "metrics", "cluster")
"""Parameters of the command that a checkpoint does not hold."""


def train(
    context: typer.Context,
    run: Annotated[RunOptions, Without("timeout")],
    table: Annotated[TableOptions, Without("target", "batch", "carry", "row_numbers", "cluster")],
    settings: Annotated[FitSettings, Without("seed", "horizon")],
    training: TrainingOptions,
    output: OutputOptions,
) -> int:
    """Find the parameters of a program that make a loss small.

    Parameters start from their initialisers, from --NAME VALUE or from --weights.
    """
    if training.resume is not None and run.weights is not None:
        raise error("options-exclude", first="--resume", second="--weights")
    if settings.loss is not None and settings.residual is not None:
        raise error("options-exclude", first="--loss", second="--residual")
    overwrites = training.overwrite and training.metrics is None
    for option, is_set in (("--keep", training.keep is not None), ("--overwrite", overwrites)):
        if is_set and training.path is None:
            raise error("needs-save", option=option)
    from cgcli.cli.training import run_training  # the help page does without
    from cgcli.data.run_files import run_files

    guarded = run_files(
        training.path,
        keep=2 if training.keep is None else training.keep,
        resume=training.resume,
        metrics=training.metrics,
        overwrite=training.overwrite,
        report=print_diagnostics,
    )
    with guarded as files:
        session = open_session(context, run)
        settings = replace(settings, seed=run.seed)
        return run_training(session, settings, table, training, files, output, _resuming_command(context))


def _resuming_command(context: typer.Context) -> list[str]:
    """The command line that resumes the run, without `--resume`: the other options are in the checkpoint."""
    command, params = context.command, context.params
    assert isinstance(command, Command)
    words = ["cg", "train", *_words(None, params["file"]), *_words("-e", params["expression"])]
    for name in NOT_STORED:
        words += _words(command.options[name].name, params[name])
    return [shlex.quote(word) for word in words]


def _words(option: str | None, value: Any) -> list[str]:
    """The words of the command line that give an option its value, or its values."""
    values = value if isinstance(value, (list, tuple)) else () if value is None else (value,)
    return [word for x in values for word in ([] if option is None else [option]) + [str(x)]]


command = declare(
    "train",
    train,
    ProgramCommand,
    "cg samples line",
    "cg train line.cg --data line.csv --loss loss --epochs 200 --save line.safetensors",
)
