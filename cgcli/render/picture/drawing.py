"""How a picture is drawn: the kind of its file, theme, direction, size, what stands above it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Literal, NamedTuple

from cgcli.diagnostics.diagnostic import EMPTY, error
from cgcli.diagnostics.suggest import nearest

from .content import Kind
from .themes import THEMES, Role, ThemeName, luminance

KINDS = ("svg", "png", "pdf", "dot", "mmd", "tex", "json", "html")
PAINTED = ("svg", "png", "pdf")  # cg's own drawing
LAID_OUT = ("svg", "png", "pdf", "tex", "html")  # others leave that to the program that draws them
Direction = Literal["right", "down", "left", "up"]
DIRECTIONS: dict[Direction, str] = {"right": "LR", "down": "TB", "left": "RL", "up": "BT"}
"""By direction Graphviz's `rankdir`."""
LEGEND: dict[Kind, str] = {
    "input": "input",
    "param": "param (dashed)",
    "constant": "constant (dotted)",
    "value": "named value",
    "output": "output",
    "small": "step without a name",
    "choice": "if",
    "block": "several steps in one",
    "loop": "loop",
    "state": "kept from step to step (dotted)",
}


LARGEST = (1600, 1800)  # pixels, unless a size is said
SMALLEST_TEXT = 12.0  # units; so small a text is in a drawing
SMALLEST_SCALE = 11 / SMALLEST_TEXT  # pixels a unit, so that no text is smaller than 11 pixels


def fitting_scale(width: float, height: float) -> float:
    """The pixels a unit at which a drawing of this size just fits."""
    return min(LARGEST[0] / width, LARGEST[1] / height)


def fits(width: float, height: float) -> bool:
    """Whether no text of a drawing of this size is too small where the whole is no larger than it may be."""
    return fitting_scale(width, height) >= SMALLEST_SCALE


class Size(NamedTuple):
    """width: of the image in pixels; scale: pixels a unit of the drawing. One of them, or none for the default."""

    width: int | None = None
    scale: float | None = None

    def scale_of(self, width: float, height: float, sharpest: float = 1.0) -> float:
        """The pixels a unit of a drawing of this size in units. sharpest: where no size is said, at most."""
        if self.scale is not None:
            return self.scale
        if self.width is not None:
            return self.width / width
        return min(sharpest, max(SMALLEST_SCALE, fitting_scale(width, height)))


class Drawing(NamedTuple):
    """direction: `auto` for what fits a page better. title: above the picture. background: a colour as `#rrggbb`, or
    `none`; the theme's paper unless it is said. animate: whether an SVG plays the forward and the backward pass."""

    theme: ThemeName = "auto"
    direction: Direction | Literal["auto"] = "auto"
    title: str = ""
    legend: bool = False
    size: Size = Size()
    background: str = ""
    animate: bool = False

    @property
    def painted_theme(self) -> ThemeName:
        """The theme, where `auto` is decided by a background that is given."""
        if self.theme == "auto" and self.background.startswith("#"):
            return "light" if luminance(self.background) > 0.18 else "dark"
        return self.theme

    @property
    def colours(self) -> Mapping[Role, str]:
        """By role the colours to draw with; the paper is the background that is given."""
        colours = THEMES[self.painted_theme]
        return {**colours, "paper": self.background} if self.background.startswith("#") else colours

    @property
    def rankdir(self) -> str:
        """The direction for programs that lay the graph out themselves."""
        return DIRECTIONS["right" if self.direction == "auto" else self.direction]


def picture_kind(path: str) -> str:
    """The kind of picture for a file's suffix; raises `CgError` for another suffix."""
    kind = PurePath(path).suffix[1:].lower()
    choices = [f".{name}" for name in KINDS]
    if kind not in KINDS:
        suggestion = nearest(kind, KINDS) if kind else None
        raise error(
            "unknown-picture",
            file=path or EMPTY,
            nearest=None if suggestion is None else f".{suggestion}",
            choices=choices,
        )
    return kind
