"""Tensors as colours: the slices of one side by side, with a mark on every cell that colour alone would not tell."""

from __future__ import annotations

import math
from typing import NamedTuple

from cgcli.render.tensors import Cell, HeatMap

from .drawing import SMALLEST_TEXT
from .shapes import Box, Path, Rect, Shape, Step, Stroke, boxes, text_at
from .themes import CELL_LEVELS, Role, cell_role

WIDEST, HIGHEST = 80, 44  # of a sheet, unless its cells would be too small
SHEET_HIGHEST = 72  # of one with several slices
SMALLEST_CELL, LARGEST_CELL = 4, 9
GAP = 4  # between slices
MORE_HEIGHT = 15


class Sheet(NamedTuple):
    """The slices of a tensor. cell: the side of a cell; columns: slices in a row."""

    heat_map: HeatMap
    cell: int
    columns: int

    @property
    def width(self) -> float:
        cells = len(self.heat_map.slices[0][0]) * self.cell
        return self.columns * (cells + GAP) - GAP + 2

    @property
    def height(self) -> float:
        rows = math.ceil(len(self.heat_map.slices) / self.columns)
        cells = len(self.heat_map.slices[0]) * self.cell
        return rows * (cells + GAP) - GAP + 2 + (MORE_HEIGHT if self.heat_map.more else 0)


def sheet(heat_map: HeatMap) -> Sheet:
    """The arrangement of the slices that has the largest cells."""
    slices = len(heat_map.slices)
    rows, columns = len(heat_map.slices[0]), len(heat_map.slices[0][0])
    height = HIGHEST if slices == 1 else SHEET_HIGHEST

    def cell(in_row: int) -> int:
        down = math.ceil(slices / in_row)
        across = (WIDEST - (in_row - 1) * GAP) // (in_row * columns)
        return min(across, (height - (down - 1) * GAP) // (down * rows))

    in_row = max(range(1, slices + 1), key=lambda k: (cell(k), k))
    return Sheet(heat_map, min(LARGEST_CELL, max(SMALLEST_CELL, cell(in_row))), in_row)


def sheet_shapes(sheet: Sheet, x: float, y: float, frame: Role) -> list[Shape]:
    """The shapes of a sheet whose upper left corner is there; frame: the colour around each slice."""
    shapes: list[Shape] = []
    heat_map, cell = sheet.heat_map, sheet.cell
    rows, columns = len(heat_map.slices[0]), len(heat_map.slices[0][0])
    by_role: dict[Role, list[Box]] = {}
    marks: dict[Role, list[Step]] = {}
    for s, cells in enumerate(heat_map.slices):
        left = x + 1 + (s % sheet.columns) * (columns * cell + GAP)
        top = y + 1 + (s // sheet.columns) * (rows * cell + GAP)
        outline = Box(left, top, columns * cell, rows * cell).grown(0.5)
        shapes.append(Rect(outline, stroke=Stroke(frame, 1.0)))
        for r, row in enumerate(cells):
            for c, value in enumerate(row):
                box = Box(left + c * cell, top + r * cell, cell, cell)
                by_role.setdefault(cell_role(value), []).append(box)
                role, steps = cell_mark(value, box)
                if steps:
                    marks.setdefault(role, []).extend(steps)
    shapes += [boxes(cells, role) for role, cells in by_role.items()]
    shapes += [Path(tuple(steps), stroke=Stroke(role, 1.0)) for role, steps in marks.items()]
    if heat_map.more:
        bottom = y + sheet.height - 3
        shapes.append(text_at(x, bottom, f"+ {heat_map.more}", "sans", SMALLEST_TEXT, "quiet"))
    return shapes


def cell_mark(value: Cell, box: Box) -> tuple[Role, list[Step]]:
    """The mark on a cell and its colour: minus on a negative number, plus on inf, stroke on -inf, cross on nan."""
    x, y = box.centre
    half = max(1.0, box.width / 2 - 1.5)
    if value == "nan":
        return "warning", [
            *_stroke(x - half, y - half, x + half, y + half),
            *_stroke(x - half, y + half, x + half, y - half),
        ]
    if value == "-inf":
        return "quiet", _stroke(x - half, y + half, x + half, y - half)
    if value == "inf":
        return "zero", [*_stroke(x - half, y, x + half, y), *_stroke(x, y - half, x, y + half)]
    level = int(cell_role(value).split()[1])
    if level >= 0:
        return "zero", []
    return "zero" if level < -CELL_LEVELS * 0.55 else "negative", _stroke(x - half, y, x + half, y)


def _stroke(x0: float, y0: float, x1: float, y1: float) -> list[Step]:
    return [Step("M", ((x0, y0),)), Step("L", ((x1, y1),))]
