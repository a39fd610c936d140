"""The legend of a picture: a sample of each sign that it has, and what it means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cgcli.render.tensors import Cell, Cells

from .card import card, card_shapes
from .content import Kind, Picture, PictureNode
from .drawing import LEGEND
from .heat_maps import cell_mark
from .shapes import Box, Path, Rect, Shape, Stroke, boxes, line, moved, text_at
from .themes import HEAT_LEVELS, LOOKS, Role, cell_role

ROW = 26  # the height of a line of entries
BETWEEN = 22  # entries
SIZE = 12.0
SAMPLE = 12  # the side of a cell


class Entry(NamedTuple):
    """A sign and its meaning; its shapes begin at the left edge, around y = 0."""

    width: float
    shapes: tuple[Shape, ...]


def legend(picture: Picture, width: float) -> tuple[float, tuple[Shape, ...]]:
    """The height and the shapes of the legend; its lines are at most so wide, where an entry is not wider itself."""
    shapes: list[Shape] = []
    x, y = 0.0, ROW / 2
    for entry in _entries(picture):
        if x > 0 and x + entry.width > width:
            x, y = 0.0, y + ROW
        shapes += moved(entry.shapes, x, y)
        x += entry.width + BETWEEN
    return (y + ROW / 2 if shapes else 0.0), tuple(shapes)


def _entries(picture: Picture) -> Iterator[Entry]:
    nodes = picture.nodes
    kinds = {node.kind for node in nodes}
    yield from (_kind(kind, words) for kind, words in LEGEND.items() if kind in kinds)
    if any(node.gradient for node in nodes):
        yield _words("∂: derivative", "accent")
    if any(arrow.label for arrow in picture.arrows if arrow.style == "value"):
        yield _words("on an arrow: local derivative", "accent")
    if any(arrow.style == "untaken" for arrow in picture.arrows):
        yield _sample([line([(0, 0), (26, 0)], Stroke("faint", 1.0, "dashed"))], 26, "nothing flows back")
    if any(node.heat is not None for node in nodes):
        yield _heat()
    maps = [m for node in nodes for m in (node.value_map, node.gradient_map) if m is not None]
    if maps:
        yield _elements()
        yield from _special_cells({cell for each in maps for cells in each.slices for cell in _special(cells)})


def _kind(kind: Kind, words: str) -> Entry:
    """A small card of the kind."""
    sample = card(PictureNode(0, kind, ""))
    shapes = card_shapes(sample, Box(0, -8, 30 if LOOKS[kind].pointed else 26, 16))
    return _sample(list(shapes), 30 if LOOKS[kind].pointed else 26, words)


def _words(words: str, role: Role) -> Entry:
    text = text_at(0, 4, words, "sans", SIZE, role)
    return Entry(text.width, (text,))


def _sample(shapes: Sequence[Shape], width: float, words: str) -> Entry:
    text = text_at(width + 8, 4, words, "sans", SIZE, "ink")
    return Entry(text.x + text.width, (*shapes, text))


def _heat() -> Entry:
    """Heat is a logarithm: of 1/1000 of the largest derivative and less there is none."""
    width = 12 * (HEAT_LEVELS + 1)
    cells = [boxes([Box(12 * k, -9, 12, 9)], f"heat {k}") for k in range(HEAT_LEVELS + 1)]
    ticks = [
        text_at(width * k / 3, 12, words, "sans", SIZE, "quiet", anchor)
        for k, words, anchor in ((0, "≤ 0.001", 0.0), (1, "0.01", 0.5), (2, "0.1", 0.5), (3, "1", 1.0))
    ]
    frame = Rect(Box(0, -9, width, 9), stroke=Stroke("line", 0.8))
    return _sample([*cells, frame, *ticks], width, "derivative as a share of the largest")


def _elements() -> Entry:
    """The colour is of the element over the largest one in size."""
    values = [k / 5 for k in range(-5, 6)]
    shapes: list[Shape] = []
    for k, value in enumerate(values):
        shapes += _cell(value, k * SAMPLE, -SAMPLE + 3)
    wide = SAMPLE * len(values)
    shapes.append(Rect(Box(0, -SAMPLE + 3, wide, SAMPLE), stroke=Stroke("line", 0.8)))
    ticks = ((0.0, "−1", 0.0), (0.5, "0", 0.5), (1.0, "1", 1.0))
    shapes += [text_at(wide * share, 14, words, "sans", SIZE, "quiet", anchor) for share, words, anchor in ticks]
    return _sample(shapes, wide, "elements as a share of the largest in size")


def _special_cells(cells: set[str]) -> Iterator[Entry]:
    special: tuple[tuple[Cell, str], ...] = (("nan", "NaN"), ("inf", "∞"), ("-inf", "−∞, masked"))
    for cell, words in special:
        if cell in cells:
            shapes = _cell(cell, 0, -SAMPLE / 2)
            frame = Rect(Box(0, -SAMPLE / 2, SAMPLE, SAMPLE), stroke=Stroke("line", 0.8))
            yield _sample([*shapes, frame], SAMPLE, words)


def _cell(value: Cell, x: float, y: float) -> list[Shape]:
    box = Box(x, y, SAMPLE, SAMPLE)
    role, steps = cell_mark(value, box)
    mark = [Path(tuple(steps), stroke=Stroke(role, 1.2))] if steps else []
    return [boxes([box], cell_role(value)), *mark]


def _special(cells: Cells) -> Iterator[str]:
    return (cell for row in cells for cell in row if isinstance(cell, str))
