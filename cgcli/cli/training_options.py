"""The options of `cg train` that are no settings: about checkpoints, reports and a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from cgcli.program.options import Option


@dataclass(frozen=True)
class TrainingOptions:
    """The checkpoints of a training, what is told of it, and where it is computed."""

    save: Annotated[
        str | None,
        Option("--save", "Where checkpoints go: a .safetensors file.", "FILE", "Checkpoints", file="written"),
    ] = None
    every: Annotated[
        int | None,
        Option(
            "--every",
            "Steps between two checkpoints (else one every ten seconds, and one at the end).",
            "N",
            "Checkpoints",
            range=(1, 10**9),
        ),
    ] = None
    keep: Annotated[
        int | None, Option("--keep", "How many checkpoints stay (2).", "K", "Checkpoints", range=(1, 1000))
    ] = None
    resume: Annotated[
        str | None,
        Option("--resume", "Go on from a checkpoint as if never stopped.", "FILE", "Checkpoints", file="read"),
    ] = None
    overwrite: Annotated[
        bool,
        Option(
            "--overwrite",
            "Replace the checkpoints or metrics of another run by those of this one.",
            group="Checkpoints",
        ),
    ] = False
    metrics: Annotated[
        str | None,
        Option(
            "--metrics",
            "A line of JSON for each step and each epoch, with the norms of gradients and updates.",
            "FILE",
            "Output",
            file="written",
        ),
    ] = None
    plot: Annotated[
        str | None,
        Option(
            "--plot",
            "The learning curve, of a residual the fit over the data: a .svg, .png or .pdf file.",
            "FILE",
            "Output",
            file="written",
        ),
    ] = None
    histogram: Annotated[
        bool, Option("--histogram", "At the end, how the gradient of each parameter is spread.", group="Output")
    ] = False
    draw: Annotated[
        str | None,
        Option(
            "--draw",
            "The picture of one step: loss, gradients and update as one graph.",
            "FILE",
            "Output",
            file="written",
        ),
    ] = None
    cluster: Annotated[
        str | None,
        Option(
            "--cluster",
            "Compute the shards on Dask's workers: tcp://HOST:PORT, a scheduler file, local or local:N.",
            "CLUSTER",
            "Training",
        ),
    ] = None
    labels: Annotated[
        str | None,
        Option("--labels", "Columns of words, which are classes 0, 1, … to the program.", "COLUMNS", "Table"),
    ] = None

    @property
    def path(self) -> str | None:
        """The file of checkpoints."""
        return self.save or self.resume
