"""The colours and lines of pictures. Kinds of nodes differ by outline and weight too, for those who see no colours.

The hues are Wong's colour-blind-safe ones (Nature Methods 8, 2011), fills lightened or darkened.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from .content import Kind

ThemeName = Literal["light", "dark", "print"]


class Look(NamedTuple):
    fill: str
    line: str
    width: float
    style: str = "rounded,filled"
    shape: str = "box"


class Theme(NamedTuple):
    """paper: behind everything; ink: names and values; quiet: explanations; line: arrows; faint: branches not taken;
    border: of groups; accent: derivatives. hot, cold: the ends of the scale of heat. positive, negative: those of a
    tensor's cells, and zero between; nothing: a cell without a number.
    """

    paper: str
    ink: str
    quiet: str
    line: str
    faint: str
    border: str
    accent: str
    hot: str
    cold: str
    positive: str
    negative: str
    zero: str
    nothing: str
    looks: Mapping[Kind, Look]


_Pair = tuple[str, str]  # fill and outline of a card


def _looks(plain: _Pair, blue: _Pair, purple: _Pair, grey: _Pair, green: _Pair) -> dict[Kind, Look]:
    return {
        "input": Look(*blue, 1.3),
        "param": Look(*purple, 1.6, "rounded,filled,dashed"),
        "constant": Look(*grey, 1.0, "rounded,filled,dotted"),
        "value": Look(*plain, 1.2),
        "output": Look(*green, 2.6),
        "small": Look(plain[0], grey[1], 1.0),
        "choice": Look(*plain, 1.2, "filled", "diamond"),
        "block": Look(grey[0], plain[1], 1.2, "filled", "box3d"),
        "loop": Look(grey[0], plain[1], 1.2, "filled", "box3d"),
        "state": Look(plain[0], blue[1], 1.2, "rounded,filled,dotted"),
    }


_NAMES: tuple[ThemeName, ...] = ("light", "dark", "print")
_COLOURS = {  # a column a theme
    "paper": ("#ffffff", "#0f1623", "#ffffff"),
    "ink": ("#1d2939", "#f2f4f7", "#000000"),
    "quiet": ("#667085", "#a3adbd", "#404040"),
    "line": ("#98a2b3", "#76829a", "#404040"),
    "faint": ("#c0c7d2", "#3d4759", "#909090"),
    "border": ("#d0d5dd", "#3d4759", "#909090"),
    "accent": ("#b54708", "#fdb022", "#000000"),
    "hot": ("#fdba74", "#93370d", "#c0c0c0"),
    "cold": ("#ffffff", "#151d2c", "#ffffff"),
    "positive": ("#d55e00", "#fb8c3c", "#000000"),
    "negative": ("#0072b2", "#56b4e9", "#909090"),
    "zero": ("#f2f4f7", "#263042", "#ffffff"),
    "nothing": ("#98a2b3", "#667085", "#d0d0d0"),
}
_CARDS = {
    "plain": (("#ffffff", "#667085"), ("#151d2c", "#98a2b3"), ("#ffffff", "#303030")),
    "blue": (("#eff8ff", "#0072b2"), ("#0b2c45", "#56b4e9"), ("#ffffff", "#000000")),
    "purple": (("#fdf2fa", "#aa4499"), ("#391a33", "#dd88cc"), ("#ffffff", "#000000")),
    "grey": (("#f9fafb", "#98a2b3"), ("#1d2636", "#76829a"), ("#ffffff", "#606060")),
    "green": (("#ecfdf3", "#00805a"), ("#0a3628", "#32d583"), ("#ffffff", "#000000")),
}
THEMES: dict[ThemeName, Theme] = {
    name: Theme(
        **{colour: row[k] for colour, row in _COLOURS.items()}, looks=_looks(*(row[k] for row in _CARDS.values()))
    )
    for k, name in enumerate(_NAMES)
}


def mixed(low: str, high: str, share: float) -> str:
    """The colour that is so far from one to the other; share from 0 to 1."""
    ends = [[int(c[k : k + 2], 16) for k in (1, 3, 5)] for c in (low, high)]
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(*ends, strict=True))
