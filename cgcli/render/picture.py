"""What a picture of a graph shows, before anything is drawn: cards, small nodes, blocks, arrows and groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from cgcli.diagnostics.diagnostic import error
from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import Graph

from .fold import Wish
from .selection import around, between, find, mattering

Kind = Literal["input", "param", "constant", "value", "output", "small", "choice", "block", "loop", "state"]
Style = Literal["value", "condition", "untaken", "many", "next"]
Sides = Literal["forward", "backward", "both"]
Cells = tuple[tuple[float | None, ...], ...]

WHOLE = Wish()
LONGEST_TITLE = 36  # characters of a name on its card


@dataclass(frozen=True)
class Drawn:
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
    """groups: of each row, the group around it (or NONE) and its label. told: what was left out or drawn as one.
    backward: whether the arrows point the way that derivatives take.
    """

    nodes: tuple[Drawn, ...]
    arrows: tuple[Arrow, ...]
    groups: tuple[tuple[int, str], ...] = field(default=())
    told: tuple[str, ...] = ()
    backward: bool = False


@dataclass(frozen=True)
class View:
    """What to show. sides: values, derivatives or both. focus, radius: only what is so many steps from a node.
    path: only what lies between two. least: only where the derivative is so large. heat: derivatives as colour.
    """

    wish: Wish = WHOLE
    sides: Sides = "both"
    focus: str | None = None
    radius: int = 2
    path: tuple[str, str] | None = None
    least: float | None = None
    heat: bool = False


def picture(
    graph: Graph, evaluation: Evaluation | None = None, params: Sequence[str] = (), view: View | None = None
) -> Picture:
    """The picture of a graph; with an evaluation also values and, when it has an `of`, gradients and local partials.

    Raises CgError for a name that no node has, and when what is asked for is empty.
    """
    from .painter import paint  # the painter knows what it makes

    view = view or View()
    return paint(graph, evaluation, params, view, _kept(graph, evaluation, view))


def _kept(graph: Graph, evaluation: Evaluation | None, view: View) -> bytearray | None:
    """A flag a node: whether it is asked for; None for all."""
    found: list[bytearray] = []
    if view.focus is not None:
        found.append(around(graph, find(graph, view.focus, "--focus"), view.radius))
    if view.path is not None:
        start, end = (find(graph, name, "--path") for name in view.path)
        if start > end:
            start, end = end, start
        found.append(between(graph, start, end))
        if not any(found[-1]):
            raise error("no-path", start=view.path[0], end=view.path[1])
    if view.least is not None:
        if evaluation is None or evaluation.of is None:
            raise error("no-gradients-to-compare")
        found.append(mattering(graph, evaluation, view.least))
    if not found:
        return None
    kept = found[0]
    for flags in found[1:]:
        kept = bytearray(x & y for x, y in zip(kept, flags, strict=True))
    return kept
