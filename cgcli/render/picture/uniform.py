"""What is decided for a picture as a whole: the scale of heat, one form for the names of derivatives."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from .content import Arrow, PictureNode

LONGEST_PARTIAL = 21  # of the left side of an equation beside an arrow; with longer ones all arrows have bare numbers
LONGEST_NAMES = 20  # of a derivative's name on a card; with longer ones all are `∂y/∂·`
COOLEST = 1e-3  # of the largest derivative: smaller ones have no heat


def heated(nodes: Sequence[PictureNode], heats: Mapping[int, float]) -> list[PictureNode]:
    """The nodes with their heat: the logarithm of the derivative's size, over that of the largest."""
    top = max((derivative for derivative in heats.values() if math.isfinite(derivative)), default=0.0)

    def heat(derivative: float | None) -> float | None:
        if derivative is None or top == 0:
            return None if derivative is None else 0.0
        return min(1.0, max(0.0, 1 - math.log(max(derivative / top, COOLEST)) / math.log(COOLEST)))

    return [replace(node, heat=heat(heats.get(node.id))) for node in nodes]


def with_one_form(nodes: Sequence[PictureNode]) -> Sequence[PictureNode]:
    """The nodes with the names of derivatives in one form, `∂y/∂a`, or `∂y/∂·` where one of them would be long."""
    if all(len(node.gradient_of) <= LONGEST_NAMES for node in nodes):
        return nodes
    return [
        replace(node, gradient_of=f"{node.gradient_of.partition('/')[0]}/∂·") if node.gradient_of else node
        for node in nodes
    ]


def with_one_label_form(arrows: Sequence[Arrow]) -> Iterable[Arrow]:
    """The arrows with bare numbers when one of the equations beside them would be long, or when two have the same left
    side, as for values of one name in two calls.
    """
    equations = [arrow.label.partition(" = ")[0] for arrow in arrows if " = " in arrow.label]
    if len(set(equations)) == len(equations) and all(len(left) <= LONGEST_PARTIAL for left in equations):
        return arrows
    return (replace(arrow, label=arrow.label.rpartition(" = ")[2]) for arrow in arrows)
