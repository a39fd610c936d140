"""Drawings of dots for a terminal: eight in a character cell, as in Braille; in ASCII a sign for a row of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from cgcli.render.style import ACCENT, BOLD, DIM

DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bit of each dot of a cell in Unicode's Braille, by row and column."""
ACROSS, DOWN = 2, 4  # dots in a cell
STYLES = {"accent": ACCENT, "bold": BOLD, "dim": DIM}
_UPPER, _MIDDLE, _LOWER = 0x09, 0x36, 0xC0  # dots, by the row that they stand in


class Canvas:
    """Cells of a terminal. Dots count from the upper left corner, to the right and down.

    A cell has the style of what was drawn into it last.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._bits = [[0] * width for _ in range(height)]
        self._texts: list[list[str]] = [[""] * width for _ in range(height)]
        self._styles: list[list[str]] = [[""] * width for _ in range(height)]

    def dot(self, x: int, y: int, style: str = "") -> None:
        """A dot; outside of the canvas none."""
        if 0 <= x < self.width * ACROSS and 0 <= y < self.height * DOWN:
            row, column = y // DOWN, x // ACROSS
            self._bits[row][column] |= DOTS[y % DOWN][x % ACROSS]
            self._styles[row][column] = style

    def line(self, start: tuple[float, float], end: tuple[float, float], style: str = "", dash: int = 1) -> None:
        """Dots from one place to another, each `dash`-th of them."""
        clipped = _clipped(start, end, self.width * ACROSS, self.height * DOWN)
        if clipped is None:
            return
        (x, y), (u, v) = clipped
        steps = max(1, math.ceil(max(abs(u - x), abs(v - y))))
        for k in range(0, steps + 1, dash):
            share = k / steps
            self.dot(round(x + (u - x) * share), round(y + (v - y) * share), style)

    def text(self, column: int, row: int, text: str, style: str = "") -> None:
        """Characters in place of dots, one a cell."""
        for k, character in enumerate(text):
            if 0 <= column + k < self.width and 0 <= row < self.height:
                self._texts[row][column + k] = character
                self._styles[row][column + k] = style

    def is_free(self, column: int, row: int, width: int) -> bool:
        """Whether so many cells are on the canvas and have no characters."""
        inside = 0 <= row < self.height and column >= 0 and column + width <= self.width
        return inside and not any(self._texts[row][column : column + width])

    def rows(self, *, colour: bool = False, ascii_only: bool = False) -> list[str]:
        """The lines. ascii_only: without Braille."""
        sign = _ascii if ascii_only else _braille
        lines = []
        for row in range(self.height):
            cells = [text or sign(bits) for text, bits in zip(self._texts[row], self._bits[row], strict=True)]
            lines.append("".join(_styled(cells, self._styles[row])) if colour else "".join(cells))
        return lines


def styled(text: str, style: str, colour: bool) -> str:
    """The text in a style: `accent`, `bold`, `dim` or none."""
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if colour and style and text.strip() else text


def _styled(cells: Sequence[str], styles: Sequence[str]) -> Iterator[str]:
    """Runs of cells of one style."""
    start = 0
    for k in range(1, len(cells) + 1):
        if k == len(cells) or styles[k] != styles[start]:
            yield styled("".join(cells[start:k]), styles[start], True)
            start = k


def _braille(bits: int) -> str:
    return chr(0x2800 + bits) if bits else " "


def _ascii(bits: int) -> str:
    rows = [bool(bits & mask) for mask in (_UPPER, _MIDDLE, _LOWER)]
    if rows[0] and rows[2]:
        return "|"
    if rows[0]:
        return "'"
    return "." if rows[2] else "-" if rows[1] else " "


def _clipped(
    start: tuple[float, float], end: tuple[float, float], width: int, height: int
) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """The part of a line that is on the canvas, by Liang and Barsky (1984); None where there is none."""
    (x, y), (u, v) = start, end
    first, last = 0.0, 1.0
    for p, q in ((x - u, x + 0.5), (u - x, width - 0.5 - x), (y - v, y + 0.5), (v - y, height - 0.5 - y)):
        if p == 0:
            if q < 0:
                return None
            continue
        share = q / p
        if p < 0:
            first = max(first, share)
        else:
            last = min(last, share)
    if first > last:
        return None
    return (x + first * (u - x), y + first * (v - y)), (x + last * (u - x), y + last * (v - y))
