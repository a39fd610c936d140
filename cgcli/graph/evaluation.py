"""The values of a graph's nodes at one point, and derivatives: what executors return and pictures and tables show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .graph import Graph


@dataclass(frozen=True)
class Evaluation:
    """Values of the nodes of a graph and, when there is an `of`, its derivatives.

    values: by node, None where it was not computed. of: the node that was differentiated. adjoints: the derivative of
    `of` by each node, None where no path leads to it. partials: of a node, its local derivative by each operand, None
    where there is none; for a `get` of a `cond` by each operand of the `cond`.

    Perhaps besides, of nodes that hold graphs: branches: by `cond` the attribute that holds the side taken, and its
    evaluation, whose adjoints are those of the same `of`. series: by `loop` the values of its carries at the start and
    behind each step.
    """

    graph: Graph
    values: Sequence[Any]
    of: int | None = None
    adjoints: Sequence[float | None] = ()
    partials: Mapping[int, tuple[float | None, ...]] = field(default_factory=dict)
    branches: dict[int, tuple[str, Evaluation]] = field(default_factory=dict)
    series: Mapping[int, Sequence[Sequence[Any]]] = field(default_factory=dict)
