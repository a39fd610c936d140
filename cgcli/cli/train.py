"""`cg train`: fits the parameters of a program to the rows of a table."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

import typer

from cgcli.cli.arguments import EMPTY
from cgcli.cli.command import ProgramCommand, declare
from cgcli.cli.fit_report import Style
from cgcli.cli.inputs import canonical
from cgcli.cli.options import (
    AllowPath,
    Backend,
    Expression,
    File,
    Format,
    Full,
    InputsFile,
    Map,
    MaxDepth,
    MaxMemory,
    MaxNodes,
    MaxSteps,
    Mode,
    OnError,
    Precision,
    Seed,
    Set,
    Weights,
    choice,
    duration,
    positive_number,
    whole_number,
)
from cgcli.cli.output import print_diagnostics
from cgcli.cli.session import open_session
from cgcli.cli.training import TrainingOptions, run
from cgcli.data.run_files import run_files
from cgcli.diagnostics.diagnostic import error
from cgcli.program.fit_settings import METHODS, FitSettings
from cgcli.train.optimizers import SCHEDULES

Table = Annotated[
    str | None,
    typer.Option(
        "--data", metavar="TABLE", help="What to learn from: a .csv, .tsv, .jsonl, .npz or .parquet file, or a pattern."
    ),
]
Loss = Annotated[str | None, typer.Option("--loss", metavar="NAME", help="The value to make small.")]
Residual = Annotated[
    str | None, typer.Option("--residual", metavar="NAME", help="The value whose squares to make small, for a fit.")
]
Optimizer = Annotated[
    str | None,
    typer.Option(
        "--optimizer", help="How (adam; of a residual lm, Levenberg-Marquardt).", **choice("--optimizer", *METHODS)
    ),
]
Rate = Annotated[
    float | None,
    typer.Option("--lr", metavar="X", parser=positive_number("--lr"), help="The learning rate (the optimizer's)."),
]
Scheduled = Annotated[
    str | None,
    typer.Option("--schedule", help="How the rate goes on (constant).", **choice("--schedule", *SCHEDULES)),
]
Warmup = Annotated[
    int | None,
    typer.Option(
        "--warmup", metavar="N", parser=whole_number("--warmup", 0, 10**9), help="Steps in which the rate rises from 0."
    ),
]
Clip = Annotated[
    float | None,
    typer.Option(
        "--clip", metavar="X", parser=positive_number("--clip"), help="The largest norm of the whole gradient."
    ),
]
Decay = Annotated[
    list[str] | None,
    typer.Option(
        "--weight-decay", metavar="X|NAMES=X", help="Weight decay, of all parameters or by pattern, as 'W*=0.01'."
    ),
]
Freeze = Annotated[list[str] | None, typer.Option("--freeze", metavar="NAMES", help="Parameters that stay, as 'b*'.")]
Batch = Annotated[
    int | None,
    typer.Option("--batch-size", metavar="N", parser=whole_number("--batch-size", 1, 10**9), help="Rows a step (32)."),
]
Epochs = Annotated[
    int | None,
    typer.Option(
        "--epochs", metavar="N", parser=whole_number("--epochs", 1, 10**9), help="Times through the table (10)."
    ),
]
Steps = Annotated[
    int | None, typer.Option("--steps", metavar="N", parser=whole_number("--steps", 1, 10**9), help="Steps in all.")
]
Time = Annotated[
    float | None,
    typer.Option("--time", metavar="TIME", parser=duration("--time"), help="How long at most, as 90s, 5m or 2h."),
]
NoShuffle = Annotated[bool, typer.Option("--no-shuffle", help="Take the rows in the table's order.")]
Validation = Annotated[
    str | None,
    typer.Option(
        "--validation", metavar="SHARE|TABLE", help="Rows to judge by, not to learn from: a share as 0.1, or a table."
    ),
]
Patience = Annotated[
    int | None,
    typer.Option(
        "--patience",
        metavar="N",
        parser=whole_number("--patience", 1, 10**9),
        help="Stop after N epochs that are no better on the validation rows, and keep the best parameters.",
    ),
]
Reduce = Annotated[
    str | None, typer.Option("--reduce", help="What the rows' losses make (mean).", **choice("--reduce", "mean", "sum"))
]
Save = Annotated[str | None, typer.Option("--save", metavar="FILE", help="Where checkpoints go: a .safetensors file.")]
Every = Annotated[
    int | None,
    typer.Option(
        "--every",
        metavar="N",
        parser=whole_number("--every", 1, 10**9),
        help="Steps between two checkpoints (else one every ten seconds, and one at the end).",
    ),
]
Keep = Annotated[
    int | None,
    typer.Option("--keep", metavar="K", parser=whole_number("--keep", 1, 1000), help="How many checkpoints stay (2)."),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace the checkpoints or metrics of another run by those of this one.")
]
Resume = Annotated[
    str | None, typer.Option("--resume", metavar="FILE", help="Go on from a checkpoint as if never stopped.")
]
MetricsFile = Annotated[
    str | None, typer.Option("--metrics", metavar="FILE", help="A line of JSON for each step and each epoch.")
]
Plot = Annotated[
    str | None, typer.Option("--plot", metavar="FILE", help="The learning curve: a .svg, .png or .pdf file.")
]
Histogram = Annotated[
    bool, typer.Option("--histogram", help="At the end, how the gradient of each parameter is spread.")
]
Draw = Annotated[
    str | None,
    typer.Option("--draw", metavar="FILE", help="The picture of one step: loss, gradients and update as one graph."),
]


def train(
    context: typer.Context,
    file: File = None,
    expression: Expression = None,
    data: Table = None,
    loss: Loss = None,
    residual: Residual = None,
    optimizer: Optimizer = None,
    rate: Rate = None,
    schedule: Scheduled = None,
    warmup: Warmup = None,
    clip: Clip = None,
    decay: Decay = None,
    freeze: Freeze = None,
    batch: Batch = None,
    epochs: Epochs = None,
    steps: Steps = None,
    seconds: Time = None,
    no_shuffle: NoShuffle = False,
    validation: Validation = None,
    patience: Patience = None,
    reduce: Reduce = None,
    save: Save = None,
    every: Every = None,
    keep: Keep = None,
    resume: Resume = None,
    overwrite: Overwrite = False,
    metrics: MetricsFile = None,
    plot: Plot = None,
    histogram: Histogram = False,
    draw: Draw = None,
    weights: Weights = None,
    maps: Map = None,
    on_error: OnError = None,
    settings: Set = None,
    inputs_file: InputsFile = None,
    output_format: Format = None,
    precision: Precision = None,
    full: Full = False,
    mode: Mode = None,
    allow_path: AllowPath = None,
    seed: Seed = None,
    max_memory: MaxMemory = None,
    backend: Backend = None,
    max_steps: MaxSteps = None,
    max_nodes: MaxNodes = None,
    max_depth: MaxDepth = None,
) -> int:
    """Find the parameters of a program that make a loss small.

    Parameters start from their initialisers, from --NAME VALUE or from --weights.
    """
    if resume is not None and weights is not None:
        raise error("options-exclude", first="--resume", second="--weights")
    if loss is not None and residual is not None:
        raise error("options-exclude", first="--loss", second="--residual")
    for option, is_set in (("--keep", keep is not None), ("--overwrite", overwrite and metrics is None)):
        if is_set and save is None and resume is None:
            raise error("needs-save", option=option)
    fit_settings = FitSettings(
        loss=None if loss is None else canonical(loss),
        residual=None if residual is None else canonical(residual),
        optimizer=optimizer,
        lr=rate,
        schedule=schedule,
        warmup=warmup,
        clip=clip,
        weight_decay=_decays(decay),
        freeze=None if freeze is None else [canonical(pattern) for pattern in freeze],
        batch_size=batch,
        epochs=epochs,
        steps=steps,
        shuffle=not no_shuffle,
        validation=validation,
        patience=patience,
        reduce=cast(Literal["mean", "sum"] | None, reduce),
        seed=seed,
        seconds=seconds,
    )
    options = TrainingOptions(
        fit_settings,
        data,
        maps or [],
        on_error or "stop",
        save or resume,
        every,
        resume,
        metrics,
        plot,
        histogram,
        draw,
        _resuming_command(context.params),
    )
    limits = (max_memory, backend, max_steps, None, mode, weights, max_nodes, max_depth)
    guarded = run_files(
        options.save,
        keep=2 if keep is None else keep,
        resume=resume,
        metrics=metrics,
        overwrite=overwrite,
        report=print_diagnostics,
    )
    with guarded as files:
        session = open_session(context, file, expression, settings, inputs_file, allow_path, seed, *limits)
        return run(session, options, files, Style(output_format, precision, full))


NOT_STORED = {
    "--set": "settings",
    "--inputs": "inputs_file",
    "--data": "data",
    "--map": "maps",
    "--on-error": "on_error",
    "--mode": "mode",
    "--every": "every",
    "--keep": "keep",
    "--metrics": "metrics",
}
"""Options that a checkpoint does not hold, and their names among the command's parameters."""


def _resuming_command(params: Mapping[str, Any]) -> list[str]:
    """The command line that resumes the run, without `--resume`: the other options are in the checkpoint."""
    words = ["cg", "train", *([] if params["file"] is None else [params["file"]])]
    words += [] if params["expression"] is None else ["-e", params["expression"]]
    for option, name in NOT_STORED.items():
        value = params[name]
        for x in value if isinstance(value, (list, tuple)) else () if value is None else (value,):
            words += [option, str(x)]
    return [shlex.quote(word) for word in words]


def _decays(texts: list[str] | None) -> list[tuple[str, float]] | None:
    """Pairs of a pattern of names and a weight decay. Raises `CgError` for a decay that is no number."""
    if texts is None:
        return None
    decays: list[tuple[str, float]] = []
    for text in texts:
        names, equals, value = text.rpartition("=")
        if not re.fullmatch(r"(\d+\.?\d*|\.\d+)(e-?\d+)?", value.strip(), re.IGNORECASE | re.ASCII):
            raise error("bad-decay", value=text or EMPTY)
        decays.append((canonical(names) if equals else "*", float(value)))
    return decays


command = declare(
    "train", train, ProgramCommand, "cg train samples/line.cg --data samples/line.csv --loss loss --epochs 200"
)
