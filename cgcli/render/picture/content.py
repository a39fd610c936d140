"""The contents of a picture of a graph: cards, small nodes, blocks, arrows and groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from cgcli.render.tensors import HeatMap

from .collapse import Detail

Kind = Literal["input", "param", "constant", "value", "output", "small", "choice", "block", "loop", "state"]
Style = Literal["value", "condition", "untaken", "many", "next", "path"]
Path = tuple[tuple[int, str], ...]
"""The branch in which a node of the graph is: nodes `cond` with one of their sides, from the outermost one in."""
Sides = Literal["forward", "backward", "both"]
DEFAULT_DETAIL = Detail()
NAN, NAN_DERIVATIVE = "NaN starts here", "NaN derivatives start here"
"""Marks of the first node with a value, or a derivative, that is NaN."""
LONGEST_TITLE = 36  # characters of a name on its card
STEPS = "  ·  "  # before how many steps a loop took, in the heading of its group


@dataclass(frozen=True)
class PictureNode:
    """A node of the picture. title: the user's name, or the operation's sign; formula: how it is made, perhaps in
    several lines.

    shape: of a tensor that is too large to be written out, whose `value` and `gradient` are ranges. value_map,
    gradient_map: its heat maps. series: the values of a loop's variable from step to step. stacked: whether it stands
    for several alike. mark: a warning, as `NaN starts here`. muted: whether it is part of a branch that was not taken.
    heat: how large the derivative is among all that are drawn, from 0 to 1. origin: None where there is no one value.
    last: the node of the graph behind which all that it stands for is computed; of a part of a loop or a branch the
    loop or the `cond`.
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
    shape: str = ""
    value_map: HeatMap | None = None
    gradient_map: HeatMap | None = None
    series: tuple[float, ...] = ()
    stacked: bool = False
    mark: str = ""
    muted: bool = False
    heat: float | None = None
    origin: Origin | None = None
    last: int = -1


class Origin(NamedTuple):
    """The node of the graph whose value a card shows; of a loop's variable the loop, and which of its carries."""

    path: Path
    node: int
    carry: int | None = None


class Part(NamedTuple):
    """What a label's derivative is that of: the part of the graph between a node and what it reads, by some of it."""

    path: Path
    node: int
    by: tuple[int, ...]
    reads: tuple[int, ...]


@dataclass(frozen=True)
class Arrow:
    """label: the local derivative, in the colour of derivatives; note: what else stands beside the arrow, as a shape.
    into: a group around the target at whose border the arrow ends, or NONE. part: what its label is the derivative of.
    flows: whether a derivative passes back along it.

    style: `untaken` when nothing flows back through it, as from the branch that was not taken; `many` when it stands
    for several; `next` from the end of a loop's step to the start of the next one; `path` for steps that are left out.
    """

    source: int
    target: int
    label: str = ""
    style: Style = "value"
    note: str = ""
    into: int = -1
    part: Part | None = None
    flows: bool = False


class Group(NamedTuple):
    """A call or a loop around nodes. parent: the group around it, or NONE."""

    parent: int
    label: str
    kind: Literal["call", "loop"] = "call"
    tooltip: str = ""


@dataclass(frozen=True)
class Picture:
    """groups: outer ones stand before inner ones. notes: what was left out or drawn as one. subject: of what the
    gradients are, where that is not obvious. backward: whether the arrows point the way that derivatives take.
    """

    nodes: tuple[PictureNode, ...]
    arrows: tuple[Arrow, ...]
    groups: tuple[Group, ...] = field(default=())
    notes: tuple[str, ...] = ()
    subject: str = ""
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


def with_outer(groups: Sequence[Group], inner: Iterable[int]) -> set[int]:
    """These groups and those around them. groups: as in `Picture`, where outer groups stand before inner ones."""
    result = set(inner)
    for g in range(len(groups) - 1, -1, -1):
        if g in result and groups[g].parent >= 0:
            result.add(groups[g].parent)
    return result
