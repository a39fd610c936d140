"""The settings of a sweep, and which settings of a training it may take several values of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from .options import MOST, Option

if TYPE_CHECKING:
    from .sweep_points import Axis, Points

SWEPT_SETTINGS = (
    *("optimizer", "lr", "schedule", "warmup", "clip", "weight_decay", "batch_size", "epochs", "steps", "patience"),
    "seed",
)
"""The settings of a training that may differ from point to point."""


@dataclass(frozen=True)
class SweepSettings:
    """How the points of a sweep are made, and run.

    zip: whether values of the same place go together, else each with each. random, latin: how many points are drawn.
    seed: of the draws. on_error: what becomes of a point that fails: NaN and an `error` (`nan`), no row (`skip`), or
    the end of the sweep (`stop`). workers: processes that train.
    """

    zip: Annotated[
        bool, Option("--zip", "Values of the same place together, in place of each with each.", group="Sweep")
    ] = False
    random: Annotated[
        int | None,
        Option("--random", "Draw N points: of lo..hi any number, of a list any item.", "N", "Sweep", range=(1, MOST)),
    ] = None
    latin: Annotated[
        int | None,
        Option("--latin", "The same, evenly spread: a Latin hypercube.", "N", "Sweep", range=(1, MOST)),
    ] = None
    seed: int = 0
    on_error: Annotated[
        Literal["nan", "skip", "stop"],
        Option("--on-error", "A point that fails: NaN and a column `error` (nan), no row, or the end.", group="Sweep"),
    ] = "nan"
    workers: Annotated[
        int | None, Option("--workers", "Processes that train at the same time (1).", "N", "Sweep", range=(1, 256))
    ] = None

    def points(self, axes: Sequence[Axis]) -> Points:
        """The points of these axes. Raises CgError for settings and axes that do not go together."""
        from .setting_values import check_values
        from .sweep_points import Points

        check_values(self)
        return Points(axes, pairs=self.zip, random=self.random, latin=self.latin, seed=self.seed)
