"""The colours and lines of pictures. Kinds of nodes differ by outline and weight too, for those who see no colours.

The hues are Wong's colour-blind-safe ones (Nature Methods 8, 2011), fills lightened or darkened.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from .picture import Kind

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


def _looks(
    paper: str, blue: tuple[str, str], purple: tuple[str, str], grey: tuple[str, str], green: tuple[str, str], line: str
) -> dict[Kind, Look]:
    """Each pair: fill and outline."""
    return {
        "input": Look(*blue, 1.3),
        "param": Look(*purple, 1.6, "rounded,filled,dashed"),
        "constant": Look(*grey, 1.0, "rounded,filled,dotted"),
        "value": Look(paper, line, 1.2),
        "output": Look(*green, 2.6),
        "small": Look(paper, grey[1], 1.0),
        "choice": Look(paper, line, 1.2, "filled", "diamond"),
        "block": Look(grey[0], line, 1.2, "filled", "box3d"),
        "loop": Look(grey[0], line, 1.2, "filled", "box3d"),
        "state": Look(paper, blue[1], 1.2, "rounded,filled,dotted"),
    }


THEMES: dict[ThemeName, Theme] = {
    "light": Theme(
        paper="#ffffff",
        ink="#1d2939",
        quiet="#667085",
        line="#98a2b3",
        faint="#c0c7d2",
        border="#d0d5dd",
        accent="#b54708",
        hot="#fdba74",
        cold="#ffffff",
        positive="#d55e00",
        negative="#0072b2",
        zero="#f2f4f7",
        nothing="#98a2b3",
        looks=_looks(
            "#ffffff",
            ("#eff8ff", "#0072b2"),
            ("#fdf2fa", "#aa4499"),
            ("#f9fafb", "#98a2b3"),
            ("#ecfdf3", "#00805a"),
            "#667085",
        ),
    ),
    "dark": Theme(
        paper="#0f1623",
        ink="#f2f4f7",
        quiet="#a3adbd",
        line="#76829a",
        faint="#3d4759",
        border="#3d4759",
        accent="#fdb022",
        hot="#93370d",
        cold="#151d2c",
        positive="#fb8c3c",
        negative="#56b4e9",
        zero="#263042",
        nothing="#667085",
        looks=_looks(
            "#151d2c",
            ("#0b2c45", "#56b4e9"),
            ("#391a33", "#dd88cc"),
            ("#1d2636", "#76829a"),
            ("#0a3628", "#32d583"),
            "#98a2b3",
        ),
    ),
    "print": Theme(
        paper="#ffffff",
        ink="#000000",
        quiet="#404040",
        line="#404040",
        faint="#909090",
        border="#909090",
        accent="#000000",
        hot="#c0c0c0",
        cold="#ffffff",
        positive="#000000",
        negative="#909090",
        zero="#ffffff",
        nothing="#d0d0d0",
        looks=_looks(
            "#ffffff",
            ("#ffffff", "#000000"),
            ("#ffffff", "#000000"),
            ("#ffffff", "#606060"),
            ("#ffffff", "#000000"),
            "#303030",
        ),
    ),
}


def mixed(low: str, high: str, share: float) -> str:
    """The colour that is so far from one to the other; share from 0 to 1."""
    ends = [[int(c[k : k + 2], 16) for k in (1, 3, 5)] for c in (low, high)]
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(*ends, strict=True))
