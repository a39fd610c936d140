"""The way of an arrow: a curve between the centres of two cards, cut off at their outlines, with room for its head."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from .card import Card, hexagon, radius
from .shapes import Box, Point
from .themes import LOOKS

HEAD = 9.0  # the length of an arrow's head
SAMPLES = 24  # of a Bezier curve, to find where it crosses an outline
ROUNDS = 24  # of halving, to find it exactly

Curve = tuple[Point, Point, Point, Point]
Inside = Callable[[Point], bool]
"""Whether a point lies within an outline."""


class Route(NamedTuple):
    """points: Bezier curves end to end from the arrow's tail to the back of its head; tip: of the head."""

    points: tuple[Point, ...]
    tip: Point

    def moved(self, dx: float, dy: float) -> Route:
        return Route(tuple((x + dx, y + dy) for x, y in self.points), (self.tip[0] + dx, self.tip[1] + dy))


def clipped(points: Sequence[Point], source: Inside, target: Inside, *, head_at_start: bool) -> Route | None:
    """The route of a curve from within the source to within the target; None when these touch.

    head_at_start: whether the arrow points at the source.
    """
    curves: list[Curve] = [
        (points[k], points[k + 1], points[k + 2], points[k + 3]) for k in range(0, len(points) - 3, 3)
    ]
    if head_at_start:
        curves, source, target = _reversed(curves), target, source
    tail = _cut(curves, source)
    if tail is None:
        return None
    back = _cut(_reversed(tail), target)
    if back is None:
        return None
    tip = back[0][0]
    shaft = _cut(back, lambda p: (p[0] - tip[0]) ** 2 + (p[1] - tip[1]) ** 2 < HEAD * HEAD)
    if shaft is None:
        return None
    curves = _reversed(shaft)
    return Route((curves[0][0], *(p for each in curves for p in each[1:])), tip)


def samples(route: Route) -> list[Point]:
    """Points of an arrow that are at most some pixels apart, its head included."""
    curves = (route.points[k : k + 4] for k in range(0, len(route.points) - 3, 3))
    return [*(p for each in curves for p in _samples(each)), route.tip]


def _samples(curve: Sequence[Point]) -> list[Point]:
    """Points of a Bezier curve that are at most some pixels apart."""
    a, b, c, d = curve
    length = math.dist(a, b) + math.dist(b, c) + math.dist(c, d)
    count = min(400, 2 + int(length / 3))
    return [_at((a, b, c, d), k / count) for k in range(count + 1)]


def _cut(curves: Sequence[Curve], inside: Inside) -> list[Curve] | None:
    """The curves without their beginning, as far as it is inside; None when all of it is."""
    if not curves or not inside(curves[0][0]):
        return list(curves) or None
    for k, each in enumerate(curves):
        low = 0.0
        for sample in range(1, SAMPLES + 1):
            high = sample / SAMPLES
            if not inside(_at(each, high)):
                for _ in range(ROUNDS):
                    middle = (low + high) / 2
                    low, high = (middle, high) if inside(_at(each, middle)) else (low, middle)
                return [_behind(each, high), *curves[k + 1 :]]
            low = high
    return None


def inside_card(box: Box, card: Card) -> Inside:
    """The outline of a card."""
    if LOOKS[card.node.kind].pointed:
        corners = hexagon(box)
        sides = list(zip(corners, (*corners[1:], corners[0]), strict=True))
        return lambda p: all((b[0] - a[0]) * (p[1] - a[1]) >= (b[1] - a[1]) * (p[0] - a[0]) for a, b in sides)
    return inside_box(box, radius(card, box))


def inside_box(box: Box, r: float) -> Inside:
    """A box with corners of this radius."""

    def inside(p: Point) -> bool:
        x, y = abs(p[0] - box.centre[0]) - box.width / 2 + r, abs(p[1] - box.centre[1]) - box.height / 2 + r
        return max(x, y) <= r and (x <= 0 or y <= 0 or x * x + y * y <= r * r)

    return inside


def _at(curve: Curve, t: float) -> Point:
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = curve
    s = 1 - t
    a, b, c, d = s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t
    return a * ax + b * bx + c * cx + d * dx, a * ay + b * by + c * cy + d * dy


def _behind(curve: Curve, t: float) -> Curve:
    """The part of a curve behind t, by de Casteljau's construction."""
    a, b, c, d = curve
    ab, bc, cd = _between(a, b, t), _between(b, c, t), _between(c, d, t)
    abc, bcd = _between(ab, bc, t), _between(bc, cd, t)
    return _between(abc, bcd, t), bcd, cd, d


def _between(a: Point, b: Point, t: float) -> Point:
    return a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t


def _reversed(curves: Sequence[Curve]) -> list[Curve]:
    return [(d, c, b, a) for a, b, c, d in reversed(curves)]
