"""The colours of pictures by role, a table a theme, and the outline of each kind of node.

The hues are Wong's colour-blind-safe ones (Nature Methods 8, 2011), fills lightened or darkened. Kinds of nodes differ
by outline and weight too, for those who see no colours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from cgcli.render.tensors import Cell

from .content import Kind

ThemeName = Literal["auto", "light", "dark", "print"]
"""`auto` follows the reader's preference where the format can (SVG) and is `light` elsewhere."""
Role = str
"""What a colour is for: a row of `_COLOURS`, `<kind> fill` and `<kind> line`, `heat 3`, `cell -5`."""
Dash = Literal["solid", "dashed", "dotted"]

HEAT_LEVELS = 16
CELL_LEVELS = 16  # of each sign


class Look(NamedTuple):
    """The outline of a kind of node. double: a second, thinner outline inside; pointed: a hexagon."""

    width: float
    dash: Dash = "solid"
    double: bool = False
    pointed: bool = False


LOOKS: dict[Kind, Look] = {
    "input": Look(1.3),
    "param": Look(1.6, "dashed"),
    "constant": Look(1.0, "dotted"),
    "value": Look(1.2),
    "output": Look(2.6),
    "small": Look(1.0),
    "choice": Look(1.2, pointed=True),
    "block": Look(1.2, double=True),
    "loop": Look(1.2, double=True),
    "state": Look(1.2, "dotted"),
}
_CARD_OF: dict[Kind, str] = {
    "input": "blue",
    "param": "purple",
    "constant": "grey",
    "value": "plain",
    "output": "green",
    "small": "small",
    "choice": "plain",
    "block": "block",
    "loop": "block",
    "state": "state",
}
_NAMES: tuple[Literal["light", "dark", "print"], ...] = ("light", "dark", "print")
# paper: behind everything; ink: names and values; quiet: explanations; line: arrows; faint: branches not taken; border:
# of groups; accent: derivatives; warning: what went wrong; hot, cold: the ends of the scale of heat; positive,
# negative: those of a tensor's cells, and zero between; nothing: a cell without a number; sign: the mark in a cell
_COLOURS = {  # a column a theme
    "paper": ("#ffffff", "#0f1623", "#ffffff"),
    "ink": ("#1d2939", "#f2f4f7", "#000000"),
    "quiet": ("#596376", "#a3adbd", "#404040"),
    "line": ("#7c879a", "#8290a8", "#404040"),
    "faint": ("#89929f", "#66738a", "#808080"),
    "border": ("#c9cfd9", "#3d4759", "#909090"),
    "accent": ("#b04406", "#fdb022", "#000000"),
    "warning": ("#b42318", "#fda29b", "#000000"),
    "hot": ("#c4320a", "#f97316", "#202020"),
    "cold": ("#fdeadb", "#3a2416", "#f0f0f0"),
    "positive": ("#d55e00", "#fb8c3c", "#202020"),
    "negative": ("#0072b2", "#56b4e9", "#202020"),
    "zero": ("#f2f4f7", "#263042", "#ffffff"),
    "nothing": ("#d0d5dd", "#475467", "#d0d0d0"),
    "muted fill": ("#ffffff", "#0f1623", "#ffffff"),
}
_CARDS = {  # fill and outline
    "plain": (("#ffffff", "#667085"), ("#151d2c", "#98a2b3"), ("#ffffff", "#303030")),
    "blue": (("#eff8ff", "#0072b2"), ("#0b2c45", "#56b4e9"), ("#ffffff", "#000000")),
    "purple": (("#fdf2fa", "#aa4499"), ("#391a33", "#dd88cc"), ("#ffffff", "#000000")),
    "grey": (("#f9fafb", "#7c879a"), ("#1d2636", "#8290a8"), ("#ffffff", "#606060")),
    "green": (("#ecfdf3", "#00805a"), ("#0a3628", "#32d583"), ("#ffffff", "#000000")),
    "small": (("#ffffff", "#7c879a"), ("#151d2c", "#8290a8"), ("#ffffff", "#606060")),
    "block": (("#f6f7f9", "#667085"), ("#1d2636", "#98a2b3"), ("#ffffff", "#303030")),
    "state": (("#ffffff", "#0072b2"), ("#151d2c", "#56b4e9"), ("#ffffff", "#000000")),
}


def mixed(low: str, high: str, share: float) -> str:
    """The colour that is so far from one to the other; share from 0 to 1."""
    ends = [[int(c[k : k + 2], 16) for k in (1, 3, 5)] for c in (low, high)]
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(*ends, strict=True))


def luminance(colour: str) -> float:
    """The relative luminance of a colour as WCAG 2 has it, from 0 (black) to 1 (white)."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def heat_role(heat: float) -> Role:
    """The colour of a derivative's size, from 0 to 1."""
    return f"heat {round(heat * HEAT_LEVELS)}"


def cell_role(cell: Cell) -> Role:
    """The colour of a tensor's element, from -1 to 1; by the root of its size, so that small ones show too."""
    if isinstance(cell, str):
        return "nothing" if cell in ("nan", "-inf") else f"cell {CELL_LEVELS}"
    level = round(min(1.0, abs(cell)) ** 0.5 * CELL_LEVELS)
    return f"cell {-level if cell < 0 else level}"


def _theme(k: int) -> dict[Role, str]:
    colours = {role: row[k] for role, row in _COLOURS.items()}
    for kind, card in _CARD_OF.items():
        colours[f"{kind} fill"], colours[f"{kind} line"] = _CARDS[card][k]
    for level in range(HEAT_LEVELS + 1):
        colours[f"heat {level}"] = mixed(colours["cold"], colours["hot"], level / HEAT_LEVELS)
    for level in range(-CELL_LEVELS, CELL_LEVELS + 1):
        end = colours["negative" if level < 0 else "positive"]
        colours[f"cell {level}"] = mixed(colours["zero"], end, abs(level) / CELL_LEVELS)
    return colours


THEMES: dict[ThemeName, Mapping[Role, str]] = {name: _theme(k) for k, name in enumerate(_NAMES)}
THEMES["auto"] = THEMES["light"]
