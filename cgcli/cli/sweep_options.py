"""The options of `cg sweep`: those of a training that may differ from point to point are texts, as inputs are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache, partial
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_type_hints

from cgcli.cli.options import parser
from cgcli.diagnostics.diagnostic import error
from cgcli.program.fit_settings import FitSettings
from cgcli.program.options import MOST, Option
from cgcli.program.sweep_settings import SWEPT_SETTINGS

if TYPE_CHECKING:
    from cgcli.program.sweep_points import Axis


@dataclass(frozen=True)
class SweepOptions:
    """What is computed at each point, and where the table goes."""

    grad: Annotated[
        bool, Option("--grad", "A value and its derivatives, in place of the outputs.", group="Derivatives")
    ] = False
    output: Annotated[
        str | None,
        Option("--output", "Which outputs (else all).", "A,B", "Sweep", "names", completion="values"),
    ] = None
    train: Annotated[
        bool, Option("--train", "Each point is a training, as of `cg train`: --data, --loss.", group="Training")
    ] = False
    labels: Annotated[
        str | None,
        Option("--labels", "Columns of words, which are classes 0, 1, … to the program.", "COLUMNS", "Table"),
    ] = None
    sort: Annotated[
        str | None,
        Option("--sort", "The order of the rows: by a column, or by -COLUMN from large to small.", "COLUMN", "Sweep"),
    ] = None
    cluster: Annotated[
        str | None,
        Option(
            "--cluster",
            "Run it on Dask's workers: tcp://HOST:PORT, a scheduler file, local or local:N.",
            "CLUSTER",
            "Sweep",
        ),
    ] = None
    dry_run: Annotated[bool, Option("--dry-run", "Say which points there are, and compute none.", group="Sweep")] = (
        False
    )
    target: Annotated[
        str | None,
        Option(
            "-o",
            "The table: .csv, .tsv, .jsonl, .npz or .parquet; after a kill the same command goes on.",
            "TARGET",
            "Output",
            file="written",
        ),
    ] = None
    plot: Annotated[
        str | None,
        Option(
            "--plot",
            "A curve, a heat map or parallel coordinates of the points: a .svg, .png or .pdf file.",
            "FILE",
            "Output",
            file="written",
        ),
    ] = None


@cache
def _declared() -> dict[str, Option]:
    """The options of a training by the names of their fields."""
    hints = get_type_hints(FitSettings, include_extras=True)
    found = {name: [x for x in get_args(hint) if isinstance(x, Option)] for name, hint in hints.items()}
    about_seed = "Of initialisers, of batches, and of the points that are drawn (0)."
    seed = Option("--seed", about_seed, "N", "Values", range=(0, MOST))
    return {name: options[0] for name, options in found.items() if options} | {"seed": seed}


def swept(name: str) -> Option:
    """The option of a training, for several values."""
    option = _declared()[name]
    metavar = (option.metavar or "NAME").partition("|")[0]
    return option._replace(metavar=f"{metavar},{metavar}", parser=None, range=None, choices=(), many=False)


@dataclass(frozen=True)
class SweptSettings:
    """The settings of trainings of which a text may give several values."""

    optimizer: Annotated[str | None, swept("optimizer")] = None
    lr: Annotated[str | None, swept("lr")] = None
    schedule: Annotated[str | None, swept("schedule")] = None
    warmup: Annotated[str | None, swept("warmup")] = None
    clip: Annotated[str | None, swept("clip")] = None
    weight_decay: Annotated[str | None, swept("weight_decay")] = None
    batch_size: Annotated[str | None, swept("batch_size")] = None
    epochs: Annotated[str | None, swept("epochs")] = None
    steps: Annotated[str | None, swept("steps")] = None
    patience: Annotated[str | None, swept("patience")] = None
    seed: Annotated[str | None, swept("seed")] = None

    def given(self) -> list[str]:
        """The options that are given, but for the seed, which points may have too."""
        names = [name for name in SWEPT_SETTINGS if name != "seed" and getattr(self, name) is not None]
        return [_declared()[name].name for name in names]

    def read(self, axes: list[Axis]) -> tuple[list[Axis], dict[str, Any]]:
        """The axes, with those of the settings with several values behind, and the settings with one value.

        Raises CgError for texts that are no values.
        """
        from cgcli.program.sweep import setting_axis  # the help page does without
        from cgcli.program.sweep_points import AxisReader
        from cgcli.program.sweep_trainings import decay_of

        axes, single = list(axes), {}
        for name in SWEPT_SETTINGS:
            text = getattr(self, name)
            if text is None:
                continue
            option = _declared()[name]
            read = partial(_cell, name, parser(option, option.choices) or str)
            whole = option.range is not None
            reader = AxisReader(option.name, read, whole, whole or option.parser == "positive")
            values = reader.values(text)
            if values is None:
                x = reader.parse(text.strip())
                single[name] = decay_of(x) if name == "weight_decay" else x
            else:
                axes.append(setting_axis(name, values, axes))
        return axes, single


def _cell(name: str, parse: Callable[[str], Any], text: str) -> Any:
    """A value as a table of points shows it: of a weight decay for all parameters its number."""
    value = parse(text)
    if name != "weight_decay":
        return value
    pattern, decay = value
    return decay if pattern == "*" else f"{pattern}={decay!r}"


def given_settings(settings: FitSettings) -> list[str]:
    """The options of the other settings that are given."""
    options = _declared()
    defaults = FitSettings()
    names = [f.name for f in fields(settings) if f.name in options and f.name not in SWEPT_SETTINGS]
    return [options[name].name for name in names if getattr(settings, name) != getattr(defaults, name)]


def require_train(option: str | None) -> None:
    """Raises CgError for an option that is about trainings, where there are none."""
    if option is not None:
        raise error("sweep-needs-train", option=option)
