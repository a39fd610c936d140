"""What a plot shows and the kinds of its file: options as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from cgcli.diagnostics.diagnostic import error

from .options import Option

Kind = Literal["svg", "png", "pdf", "csv", "json", "txt"]
Theme = Literal["light", "dark", "print"]
PICTURES: tuple[Kind, ...] = ("svg", "png", "pdf")
POINTS, POINTS_OF_TWO = 200, 50  # of an input, and of each of two
MOST, MOST_OF_TWO = 1_000_000, 1000


@dataclass(frozen=True)
class PlotOptions:
    """What a plot shows, and how it is drawn. of, wrt, points, metrics: see `sampled`."""

    of: Annotated[
        tuple[str, ...] | None,
        Option(
            "--of",
            "What to plot: any named values (else the float outputs); of a tensor its norm.",
            "A,B",
            "Derivatives",
            "names",
            completion="values",
        ),
    ] = None
    wrt: Annotated[
        tuple[str, ...] | None,
        Option(
            "--wrt",
            "The inputs whose derivatives are drawn (else those that vary).",
            "A,B",
            "Derivatives",
            "names",
            completion="inputs",
        ),
    ] = None
    points: Annotated[
        int | None,
        Option(
            "--points",
            f"How many points of the input ({POINTS}), or of each of two ({POINTS_OF_TWO}).",
            "N",
            "Picture",
            range=(2, 10**9),  # larger ones than `MOST` are an error, not cut
        ),
    ] = None
    metrics: Annotated[
        str | None,
        Option(
            "--metrics",
            "The metrics file of a training: its path through the two parameters that vary.",
            "FILE",
            "Picture",
            file="read",
        ),
    ] = None
    theme: Annotated[
        Theme | None,
        Option("--theme", "The colours of a picture (light).", group="Picture"),
    ] = None

    def check(self, kind: str, precision: int | None = None) -> None:
        """Raises CgError for an option without effect on a kind of file, and without the library that draws it."""
        effects = (
            ("--theme", self.theme, PICTURES),
            ("--metrics", self.metrics, (*PICTURES, "json", "txt")),
            ("--precision", precision, ("csv", "json")),
        )
        for option, value, kinds in effects:
            if value is not None and kind not in kinds:
                raise error("no-effect-on-kind", option=option, kind=kind, kinds=list(kinds))
        if kind in PICTURES:
            from cgcli.render.plots import require

            require()
