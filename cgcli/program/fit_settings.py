"""The settings of a training: what they are, which go together, and their form in a checkpoint."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from cgcli.diagnostics.diagnostic import error
from cgcli.system import is_url
from cgcli.train.batches import Batches
from cgcli.train.optimizers import OPTIMIZERS, SCHEDULES, Schedule, Update
from cgcli.train.trainer import Limits

from .options import Option
from .setting_values import check_values

if TYPE_CHECKING:
    from cgcli.data.checkpoints import Checkpoint

    from .computation import Computation

SOLVERS = ("lbfgs", "lm")
METHODS = (*OPTIMIZERS, *SOLVERS)
EPOCHS, EPOCHS_ALONE = 10, 1000  # over a table; of a program without one
BATCH = 32
FREE = ("epochs", "steps")  # stored settings that may change when a run is resumed
OF_STEPS = (
    *("lr", "schedule", "warmup", "clip", "weight-decay", "batch-size", "epochs", "no-shuffle", "patience"),
    *("shards", "validation", "metrics", "histogram", "draw", "plot", "every", "cluster"),
)
"""Options that a solver, which chooses its steps by itself, does not have."""
OF_ROWS = ("batch-size", "validation", "no-shuffle", "map", "labels", "shards", "cluster")
"""Options that mean something for tables only."""


@dataclass(frozen=True)
class FitSettings:
    """How the parameters of a program are fitted; None stands for the default.

    loss: the value to minimise, or residual: the value whose squares are to be minimised.
    optimizer: one of `METHODS` (adam; of a residual lm).
    lr: the learning rate (the optimizer's). schedule: how it falls (constant). warmup: steps in which it rises from 0.
    clip: the largest norm of the whole gradient (any).
    weight_decay: pairs of a pattern of parameters' names and a number; of two that match the last counts.
    freeze: patterns of parameters that stay as they are.
    batch_size: rows a step (32). shuffle: whether each epoch takes them in another order.
    epochs, steps, seconds: when to end, whichever comes first (10 epochs; without rows 1000 steps).
    validation: a share of the rows to judge by and not to learn from, or the name of the table that holds such rows.
    patience: epochs without a lower validation loss after which training ends, with the best parameters (any).
    reduce: whether the rows' losses make their `mean` (the default) or their `sum`.
    seed: of the initialisers, the order of rows and the validation rows (0).
    horizon: the steps that the schedule is laid out for (those of the whole training).
    shards: the pieces that a step cuts a batch into, whose gradients are added in order (none: a step is one graph).
    """

    loss: Annotated[str | None, Option("--loss", "The value to make small.", "NAME", "Training", "name")] = None
    residual: Annotated[
        str | None,
        Option("--residual", "The value whose squares to make small, for a fit.", "NAME", "Training", "name"),
    ] = None
    optimizer: Annotated[
        str | None,
        Option("--optimizer", "How (adam; of a residual lm, Levenberg-Marquardt).", group="Training", choices=METHODS),
    ] = None
    lr: Annotated[float | None, Option("--lr", "The learning rate (the optimizer's).", "X", "Training", "positive")] = (
        None
    )
    schedule: Annotated[
        str | None,
        Option("--schedule", "How the rate goes on (constant).", group="Training", choices=SCHEDULES),
    ] = None
    warmup: Annotated[
        int | None,
        Option("--warmup", "Steps in which the rate rises from 0.", "N", "Training", range=(0, 10**9)),
    ] = None
    clip: Annotated[
        float | None, Option("--clip", "The largest norm of the whole gradient.", "X", "Training", "positive")
    ] = None
    weight_decay: Annotated[
        Sequence[tuple[str, float]] | None,
        Option(
            "--weight-decay",
            "Weight decay, of all parameters or by pattern, as 'W*=0.01'.",
            "X|NAMES=X",
            "Training",
            "decay",
            many=True,
        ),
    ] = None
    freeze: Annotated[
        Sequence[str] | None,
        Option("--freeze", "Parameters that stay, as 'b*'.", "NAMES", "Training", "name", many=True),
    ] = None
    batch_size: Annotated[
        int | None, Option("--batch-size", f"Rows a step ({BATCH}).", "N", "Training", range=(1, 10**9))
    ] = None
    shards: Annotated[
        int | None,
        Option("--shards", "Cut each batch into N pieces, and add their gradients.", "N", "Training", range=(1, 10**9)),
    ] = None
    epochs: Annotated[
        int | None, Option("--epochs", f"Times through the table ({EPOCHS}).", "N", "Training", range=(1, 10**9))
    ] = None
    steps: Annotated[int | None, Option("--steps", "Steps in all.", "N", "Training", range=(1, 10**9))] = None
    shuffle: Annotated[bool, Option("--no-shuffle", "Take the rows in the table's order.", group="Training")] = True
    validation: Annotated[
        str | float | None,
        Option(
            "--validation",
            "Rows to judge by, not to learn from: a share as 0.1, or a table.",
            "SHARE|TABLE",
            "Training",
            file="read",
        ),
    ] = None
    patience: Annotated[
        int | None,
        Option(
            "--patience",
            "Stop after N epochs that are no better on the validation rows, and keep the best parameters.",
            "N",
            "Training",
            range=(1, 10**9),
        ),
    ] = None
    reduce: Annotated[
        Literal["mean", "sum"] | None, Option("--reduce", "What the rows' losses make (mean).", group="Training")
    ] = None
    seed: int | None = None
    horizon: int | None = None
    seconds: Annotated[
        float | None, Option("--time", "How long at most, as 90s, 5m or 2h.", "TIME", "Training", "duration")
    ] = None

    @property
    def target(self) -> str:
        """The name of the value to minimise."""
        return self.loss or self.residual or ""

    @property
    def method(self) -> str:
        """The optimizer or solver."""
        return self.optimizer or ("adam" if self.residual is None else "lm")

    @property
    def solves(self) -> bool:
        """Whether a solver finds the parameters, over all rows at once, in place of steps over batches."""
        return self.method in SOLVERS

    @property
    def share(self) -> float | None:
        """The share of the rows that `validation` is; None where it is none, or the name of a table."""
        try:
            return None if self.validation is None else float(self.validation)
        except ValueError:
            return None

    def stored(self) -> dict[str, Any]:
        """The settings as JSON data in a checkpoint, by the names of the options of `cg train`."""
        data: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "shuffle":
                data["no-shuffle"] = None if value else True
            elif field.name == "validation" and isinstance(value, float):
                data["validation"] = repr(value)
            elif field.name == "validation" and isinstance(value, str) and is_url(value):
                from cgcli.diagnostics.secrets import without_secrets  # for URLs alone

                data["validation"] = without_secrets(value)
            elif field.name == "weight_decay" and value is not None:
                data["weight-decay"] = [list(pair) for pair in value]
            elif field.name == "freeze" and value is not None:
                data["freeze"] = list(value)
            elif field.name != "seconds" and (field.name not in ("horizon", "shards") or value is not None):
                data[field.name.replace("_", "-")] = value
        return data

    def given(self) -> dict[str, Any]:
        """The stored settings that are not left to their defaults."""
        return {option: value for option, value in self.stored().items() if value is not None}

    def limits(self) -> Limits:
        return Limits(self.epochs, self.steps, self.seconds, self.patience)

    def batches(self, rows: int) -> Batches:
        """The batches of so many rows, 0 for a program that takes no table."""
        size = min(self.batch_size or BATCH, rows) if rows else None
        return Batches(rows, size, self.seed or 0, self.shuffle)

    def with_horizon(self, rows: int) -> FitSettings:
        """The settings with a limit where there is none, and with the steps that the schedule is laid out for."""
        settings = self
        if not self.epochs and not self.steps and self.seconds is None:
            settings = replace(self, epochs=EPOCHS if rows else EPOCHS_ALONE)
        counts = [settings.epochs * self.batches(rows).per_epoch] if settings.epochs else []
        counts += [settings.steps] if settings.steps else []
        return settings if settings.horizon is not None else replace(settings, horizon=min(counts) if counts else 1)

    def update(self, program: Computation) -> Update:
        """The optimizer's update. Raises CgError for a pattern that no parameter matches."""
        decay: dict[str, float] | None = None
        for pattern, value in self.weight_decay or ():
            decay = (decay or {}) | dict.fromkeys(matching(program, [pattern], "--weight-decay"), value)
        return Update(
            self.method,
            OPTIMIZERS[self.method].rate if self.lr is None else self.lr,
            cast(Schedule, self.schedule or "constant"),
            self.horizon or 1,
            self.warmup or 0,
            self.clip,
            decay,
        )


def resumed_settings(settings: FitSettings, checkpoint: Checkpoint) -> FitSettings:
    """The settings of a run that a checkpoint is resumed with: the checkpoint's, with other limits if there are any.

    Raises CgError for a setting that differs from the checkpoint's and affects the result, and (status 1) for a
    checkpoint without settings.
    """
    stored = checkpoint.info.get("settings")
    if not isinstance(stored, dict):
        raise error("checkpoint-foreign", status=1, file=checkpoint.path)
    given = settings.given()
    for option, value in given.items():
        if option not in FREE and stored.get(option) != value:
            before = "not given" if stored.get(option) is None else _text(stored[option])
            raise error("resume-differs", option=f"--{option}", before=before, now=_text(value))
    if any(option in given for option in FREE):
        stored = {**stored, **{option: given.get(option) for option in FREE}}
    same = _from_stored(stored)
    # a web address is stored without what may be secret
    return replace(same, seconds=settings.seconds, validation=settings.validation or same.validation)


def _from_stored(stored: Mapping[str, Any]) -> FitSettings:
    """The settings of which this is the stored form."""
    names = [field.name for field in fields(FitSettings) if field.name not in ("shuffle", "weight_decay", "seconds")]
    values: dict[str, Any] = {name: stored.get(name.replace("_", "-")) for name in names}
    decay = stored.get("weight-decay")
    pairs = None if decay is None else [(pattern, value) for pattern, value in decay]
    return FitSettings(**values, shuffle=not stored.get("no-shuffle"), weight_decay=pairs)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def check_settings(program: Computation, settings: FitSettings, has_rows: bool, options: Collection[str] = ()) -> None:
    """Raises CgError for settings that do not go together. options: of `cg train`, those in use that are no settings:
    `data`, `map`, `save`, `resume`, `every`, `metrics`, `plot`, `histogram`, `draw`, `labels`, `cluster`.
    """
    check_values(settings)
    used = {*settings.given(), *options}
    method = settings.method
    if settings.loss is not None and settings.residual is not None:
        raise error("options-exclude", first="--loss", second="--residual")
    if settings.loss is None and settings.residual is None:
        raise error("needs-loss", choices=_float_outputs(program) or None)
    if (method == "lm") != (settings.residual is not None):
        raise error("residual-and-lm", optimizer=method)
    unused = [option for option in OF_STEPS if settings.solves and option in used]
    if method == "lm":
        unused = [option for option in unused if option != "plot"]  # the fit is drawn
    unused += ["reduce"] if method == "lm" and "reduce" in used else []
    if unused:
        raise error("option-of-batches", option=f"--{unused[0]}", optimizer=method)
    if settings.solves and "resume" in used:
        raise error("no-resume", optimizer=method)
    if settings.patience is not None and "validation" not in used:
        raise error("needs-validation")
    if not has_rows and (of_rows := [option for option in OF_ROWS if option in used]):
        raise error("needs-data", option=f"--{of_rows[0]}")
    if "cluster" in used and settings.shards is None:
        resumed = "resume" in used
        raise error("needs-shards", usage=None if resumed else "--shards 4", resumed="--resume" if resumed else None)
    if "every" in used and "save" not in used:
        raise error("needs-save", option="--every")
    endless = settings.schedule not in (None, "constant") and not (settings.epochs or settings.steps)
    if endless and settings.seconds is not None:
        raise error("endless-schedule", schedule=settings.schedule)


def _float_outputs(program: Computation) -> list[str]:
    """The outputs that can be a loss; of a dynamic program, whose types are unknown before a run, all of them."""
    if program.function_name is not None:
        return [program.function_name]  # of a function that returns one number
    if program.mode == "dynamic":
        return list(program.outputs)
    return [n for n in program.outputs if program.type_of(n).has_derivative]


def matching(program: Computation, patterns: Sequence[str], option: str) -> list[str]:
    """The parameters that match a pattern. Raises CgError for a pattern without a match."""
    params = [i.name for i in program.inputs if i.kind == "param"]
    matches: list[str] = []
    for pattern in patterns:
        names = [name for name in params if fnmatch.fnmatchcase(name, pattern)]
        if not names:
            raise error("no-such-param", option=option, name=pattern or "''", names=params or None)
        matches += names
    return matches
