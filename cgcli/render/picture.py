"""The contents of a picture of a graph: cards, small nodes, blocks, arrows and groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from .collapse import Detail

Kind = Literal["input", "param", "constant", "value", "output", "small", "choice", "block", "loop", "state"]
Style = Literal["value", "condition", "untaken", "many", "next"]
Sides = Literal["forward", "backward", "both"]
Cells = tuple[tuple[float | None, ...], ...]

DEFAULT_DETAIL = Detail()
LONGEST_TITLE = 36  # characters of a name on its card


@dataclass(frozen=True)
class PictureNode:
    """A node of the picture. title: the user's name, or the operation's sign; formula: how it is made.

    value_cells, gradient_cells: a tensor as a heat map, each from -1 to 1. heat: how large the derivative is among all
    that are drawn, from 0 to 1.
    """

    id: int
    kind: Kind
    title: str
    formula: str = ""
    value: str = ""
    gradient: str = ""
    gradient_of: str = ""  # `∂y/∂a`
    tooltip: str = ""
    group: int = -1
    value_cells: Cells = ()
    gradient_cells: Cells = ()
    heat: float | None = None


@dataclass(frozen=True)
class Arrow:
    """style: `untaken` when nothing flows back through it, as from the branch that was not taken; `many` when it stands
    for several; `next` from the end of a loop's step to the start of the next one.
    """

    source: int
    target: int
    label: str = ""
    style: Style = "value"


@dataclass(frozen=True)
class Picture:
    """groups: of each row, the group around it (or NONE) and its label. notes: what was left out or drawn as one.
    backward: whether the arrows point the way that derivatives take.
    """

    nodes: tuple[PictureNode, ...]
    arrows: tuple[Arrow, ...]
    groups: tuple[tuple[int, str], ...] = field(default=())
    notes: tuple[str, ...] = ()
    backward: bool = False


@dataclass(frozen=True)
class View:
    """The part of the graph to show. sides: values, derivatives or both. focus, radius: nodes so many steps from one.
    path: only nodes between two. least: only nodes with so large a derivative. heat: derivatives as colour.
    """

    detail: Detail = DEFAULT_DETAIL
    sides: Sides = "both"
    focus: str | None = None
    radius: int = 2
    path: tuple[str, str] | None = None
    least: float | None = None
    heat: bool = False


def with_outer(groups: Sequence[tuple[int, str]], inner: Iterable[int]) -> set[int]:
    """These groups and those around them. groups: as in `Picture`, where outer groups stand before inner ones."""
    result = set(inner)
    for g in range(len(groups) - 1, -1, -1):
        if g in result and groups[g][0] >= 0:
            result.add(groups[g][0])
    return result
