"""Where the labels of arrows stand: each near its own arrow, clear of cards, chips, other labels and other arrows."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping

from .routes import Route, samples
from .shapes import Box, Point

CLEAR = 1.5  # between a label and its own arrow, a card or a chip
APART = 4.0  # between a label and another arrow, so that it is plain whose label it is
NEAR = 10.0  # at most between a label and its own arrow, where there is room
FARTHEST = 24  # that a label is moved off where no place is clear of other arrows
CELL = 24  # the side of a cell of the grid of points

_STEPS = range(-FARTHEST, FARTHEST + 1, 2)
_SHIFTS = sorted(((dx, dy) for dx in _STEPS for dy in _STEPS), key=lambda shift: (math.hypot(*shift), shift))


class _Points:
    """Points of lines, by the cells of a grid. Each has the number of its line."""

    def __init__(self) -> None:
        self.cells: dict[tuple[int, int], list[tuple[Point, int]]] = {}

    def add(self, points: Iterable[Point], line: int) -> None:
        for x, y in points:
            self.cells.setdefault((int(x // CELL), int(y // CELL)), []).append(((x, y), line))

    def lines_in(self, box: Box) -> Iterator[int]:
        """The line of each point in a box."""
        for column in range(int(box.x // CELL), int(box.right // CELL) + 1):
            for row in range(int(box.y // CELL), int(box.bottom // CELL) + 1):
                for (x, y), line in self.cells.get((column, row), ()):
                    if box.x < x < box.right and box.y < y < box.bottom:
                        yield line


def label_boxes(
    labels: Mapping[int, Box], routes: Mapping[int, Route], solid: Collection[Box], borders: Collection[Box]
) -> dict[int, Box]:
    """The boxes of labels, by the numbers of their arrows: each at the nearest clear place beside its arrow; without
    one at a place that only other arrows cross, else as it is.

    solid: cards and chips; borders: of groups, which a label leaves free as it does other arrows.
    """
    points = _Points()
    for k, route in routes.items():
        points.add(samples(route), k)
    for box in borders:
        points.add(_border(box), -1)
    result = dict(labels)
    for k, label in labels.items():
        if k in routes:
            others = [*solid, *(box for other, box in result.items() if other != k)]
            result[k] = _placed(label, k, routes[k], points, others)
    return result


def _placed(label: Box, k: int, route: Route, points: _Points, solid: Collection[Box]) -> Box:
    def free(box: Box) -> bool:
        room = box.grown(CLEAR)
        return k not in points.lines_in(room) and not any(each.overlaps(room) for each in solid)

    def clear(box: Box, apart: float) -> bool:
        return all(line == k for line in points.lines_in(box.grown(apart))) and free(box)

    if clear(label, APART) and k in points.lines_in(label.grown(NEAR)):
        return label
    along = sorted(_along(label, route), key=lambda box: math.dist(box.centre, label.centre))
    shifted = [label.moved(dx, dy) for dx, dy in _SHIFTS]
    places = [*((box, APART) for box in along), *((box, CLEAR) for box in (*along, *shifted))]
    return next((box for box, apart in places if clear(box, apart)), None) or next(filter(free, shifted), label)


def _along(label: Box, route: Route) -> Iterator[Box]:
    """The boxes of a label's size that touch its arrow's surroundings, on both sides of it, but not at its ends."""
    points = samples(route)
    total = len(points)
    for (x0, y0), (x1, y1) in zip(points[total // 8 : -total // 8], points[total // 8 + 1 :], strict=False):
        length = math.hypot(x1 - x0, y1 - y0)
        if not length:
            continue
        across, up = -(y1 - y0) / length, (x1 - x0) / length
        away = abs(across) * label.width / 2 + abs(up) * label.height / 2 + CLEAR + 2.5
        for side in (away, -away):
            yield label._replace(x=x0 + side * across - label.width / 2, y=y0 + side * up - label.height / 2)


def _border(box: Box) -> Iterator[Point]:
    """Points of a box's sides that are some pixels apart."""
    for k in range(int(box.width / 4) + 1):
        yield from ((box.x + 4 * k, box.y), (box.x + 4 * k, box.bottom))
    for k in range(int(box.height / 4) + 1):
        yield from ((box.x, box.y + 4 * k), (box.right, box.y + 4 * k))
