"""The card of a node: its size, and what stands on it. Positions are from the card's upper left corner."""

from __future__ import annotations

import math
import re
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from cgcli.diagnostics.escape import show

from .content import NAN_DERIVATIVE, PictureNode
from .drawing import SMALLEST_TEXT
from .heat_maps import Sheet, sheet, sheet_shapes
from .shapes import Box, Path, Point, Rect, Shape, Step, Stroke, Text, polygon, text_at
from .text_width import Face
from .themes import LOOKS, Role, heat_role

PAD = 12  # between the sides of a card and what stands on it
ABOVE = 8  # between its upper and lower side and that
GAP = 14  # at least between a word and its number
BESIDE = 216  # a title and its formula stand on one line up to this width
STEP = 8  # widths are multiples of it, so that most cards of a picture are equally wide
RADIUS = 11
POINTED = 12  # how far the ends of a hexagon stand out
BAND = 5  # the width of the colour for heat at the left edge
BEHIND = 4  # how far each outline of a stack of cards lies behind the next one
SPARK_WIDTH, SPARK_HEIGHT = 84, 26
DOT = 2.2  # the radius of the ends of that

Shown = Literal["value", "derivative"]
VALUE: Shown = "value"
DERIVATIVE: Shown = "derivative"
_POWERS = re.compile("(×10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)")


@dataclass(frozen=True)
class TextRow:
    """A line of texts: on the left, on the right, or all in the middle. ascent: from its top to the baseline; shows:
    whose number its last text is."""

    height: float
    ascent: float
    left: tuple[Text, ...] = ()
    right: tuple[Text, ...] = ()
    centred: bool = False
    shows: Literal["", "value", "derivative"] = ""

    @property
    def width(self) -> float:
        gap = GAP if self.left and self.right else 0
        return _length(self.left) + gap + _length(self.right)

    def shapes(self, x: float, y: float, width: float) -> Iterator[Shape]:
        start = x + (width - self.width) / 2 if self.centred else x
        yield from _set(self.left, start, y + self.ascent)
        yield from _set(self.right, x + width - _length(self.right), y + self.ascent)


@dataclass(frozen=True)
class MapRow:
    """A heat map, and beside it what it is and its range. column: the width that the maps of the card have."""

    map_sheet: Sheet
    frame: Role
    column: float
    words: tuple[Text, ...]
    figures: tuple[Text, ...]
    shows: Shown

    @property
    def width(self) -> float:
        texts = max(_length(self.words), _length(self.figures))
        return self.column + (GAP - 2 + texts if texts else 0)

    @property
    def height(self) -> float:
        return max(self.map_sheet.height, 34 if self.figures else 0) + 8

    def shapes(self, x: float, y: float, width: float) -> Iterator[Shape]:
        yield from sheet_shapes(self.map_sheet, round(x), round(y + 4), self.frame)
        yield from _set(self.words, x + width - _length(self.words), y + 15)
        yield from _set(self.figures, x + width - _length(self.figures), y + 32)


@dataclass(frozen=True)
class SparkRow:
    """The values of a loop's variable from step to step, as a curve."""

    series: tuple[float, ...]
    role: Role = "line"
    height: float = field(default=SPARK_HEIGHT + 8)
    shows: Shown = VALUE

    @property
    def width(self) -> float:
        return SPARK_WIDTH

    def shapes(self, x: float, y: float, width: float) -> Iterator[Shape]:
        middle = y + self.height / 2
        left, right = x + DOT, x + width - DOT
        finite = [v for v in self.series if math.isfinite(v)]
        if not finite:
            return
        low, span = min(finite), max(finite) - min(finite)
        steps: list[Step] = []
        points: list[Point | None] = []
        for k, value in enumerate(self.series):
            if not math.isfinite(value):
                points.append(None)
                continue
            share = (value - low) / span if 0 < span < math.inf else 0.5
            point = (
                left + (right - left) * k / max(1, len(self.series) - 1),
                middle + SPARK_HEIGHT / 2 - share * SPARK_HEIGHT,
            )
            steps.append(Step("L" if points and points[-1] is not None else "M", (point,)))
            points.append(point)
        yield Path(tuple(steps), stroke=Stroke(self.role, 1.4))
        yield from (_dot(end, DOT, self.role) for end in (points[0], points[-1]) if end is not None)


Row = TextRow | MapRow | SparkRow


@dataclass(frozen=True)
class Card:
    """A node as it is drawn. width, height: its natural size."""

    node: PictureNode
    rows: tuple[Row, ...]

    @property
    def margins(self) -> Point:
        """Between its sides and what stands on it."""
        look = LOOKS[self.node.kind]
        side = PAD + (POINTED / 2 if look.pointed else 0) + (BAND if self.node.heat is not None else 0)
        if self.node.kind == "small":
            return side - 2, 5
        return side, ABOVE

    @property
    def width(self) -> float:
        across = 2 * self.margins[0] + max((row.width for row in self.rows), default=0.0)
        return max(40.0, math.ceil(across / STEP) * STEP) + self.behind

    @property
    def height(self) -> float:
        down = 2 * self.margins[1] + sum(row.height for row in self.rows)
        return max(30.0, float(math.ceil(down))) + self.behind

    @property
    def behind(self) -> int:
        """The room for the outlines behind it."""
        return 2 * BEHIND if self.node.stacked else 0


def card(node: PictureNode) -> Card:
    """The card of a node, with its texts measured."""
    return Card(node, tuple(_rows(node)))


def card_shapes(card: Card, box: Box, hidden: Container[str] = ()) -> Iterator[Shape]:
    """A card that fills the box, which may be wider than the card has to be. hidden: what it does not show yet, though
    it has room for that: values, derivatives."""
    node, look = card.node, LOOKS[card.node.kind]
    front = _front(card, box)
    fill, stroke = f"{node.kind} fill", Stroke(f"{node.kind} line", look.width, look.dash)
    if node.muted:
        fill, stroke = "muted fill", stroke._replace(role="faint")
    if node.mark and mark_shows(node) not in hidden:
        stroke = stroke._replace(role="warning", width=max(2.0, look.width))
    for k in range(card.behind // BEHIND, 0, -1):
        yield outline(card, front.moved(k * BEHIND, -k * BEHIND), fill, stroke)
    yield outline(card, front, fill, None)
    if node.heat is not None and DERIVATIVE not in hidden:
        yield _band(card, front, heat_role(node.heat))
    yield outline(card, front, None, stroke)
    if look.double:
        yield outline(card, front.grown(-3), None, stroke._replace(width=0.8))
    for row, (x, y, row_width, _) in placed_rows(card, box):
        if row.shows not in hidden:
            yield from row.shapes(x, y, row_width)


def mark_shows(node: PictureNode) -> Shown:
    """Whether a node's warning is of its value or of its derivative."""
    return DERIVATIVE if node.mark == NAN_DERIVATIVE else VALUE


def placed_rows(card: Card, box: Box) -> Iterator[tuple[Row, Box]]:
    """The rows of a card that fills the box, and where each stands."""
    front = _front(card, box)
    side, above = card.margins
    y = front.y + max(above, (front.height - sum(row.height for row in card.rows)) / 2)
    for row in card.rows:
        yield row, Box(front.x + side, y, front.width - 2 * side, row.height)
        y += row.height


def _front(card: Card, box: Box) -> Box:
    """The card itself, without the outlines behind it."""
    return Box(box.x, box.y + card.behind, box.width - card.behind, box.height - card.behind)


def outline(card: Card, box: Box, fill: Role | None, stroke: Stroke | None) -> Rect | Path:
    """The outline of a kind of card."""
    if LOOKS[card.node.kind].pointed:
        return polygon(hexagon(box), fill, stroke)
    return Rect(box, radius(card, box), fill, stroke)


def radius(card: Card, box: Box) -> float:
    """How round the corners of a card are."""
    if card.node.kind in ("block", "loop"):
        return 4.0
    return min(RADIUS, box.height / 2)


def hexagon(box: Box) -> tuple[Point, ...]:
    """The corners of a card with pointed ends."""
    y = box.y + box.height / 2
    left, right = box.x + POINTED, box.right - POINTED
    return (left, box.y), (right, box.y), (box.right, y), (right, box.bottom), (left, box.bottom), (box.x, y)


def _band(card: Card, box: Box, role: Role) -> Path:
    """The left edge of a card in one colour."""
    if LOOKS[card.node.kind].pointed:
        x, y, left = box.x, box.centre[1], box.x + POINTED
        slanted = ((left, box.y), (left + BAND, box.y), (x + BAND, y), (left + BAND, box.bottom), (left, box.bottom))
        return polygon((*slanted, (x, y)), role)
    r = radius(card, box)
    # the corners are quarters of circles; the band ends where a straight line cuts them
    x, inner = box.x, box.x + max(BAND, r)
    k = r * 0.4477  # of a Bezier curve, where its control points lie
    steps = (
        Step("M", ((inner, box.y),)),
        Step("L", ((x + r, box.y),)),
        Step("C", ((x + k, box.y), (x, box.y + k), (x, box.y + r))),
        Step("L", ((x, box.bottom - r),)),
        Step("C", ((x, box.bottom - k), (x + k, box.bottom), (x + r, box.bottom))),
        Step("L", ((inner, box.bottom),)),
        Step("C", ((x + BAND, box.bottom), (x + BAND, box.bottom), (x + BAND, box.bottom - r))),
        Step("L", ((x + BAND, box.y + r),)),
        Step("C", ((x + BAND, box.y), (x + BAND, box.y), (inner, box.y))),
        Step("Z"),
    )
    return Path(steps, role)


# ---- rows


def _rows(node: PictureNode) -> Iterator[Row]:
    ink: Role = "quiet" if node.muted else "ink"
    accent: Role = "quiet" if node.muted else "accent"
    shape, value = _shape_of(node)
    if node.kind in ("small", "choice"):
        if node.title:
            yield TextRow(20, 15, (_text(node.title, 15 if node.kind == "small" else 13.5, ink),), centred=True)
        if shape:
            yield TextRow(15, 12, (_text(shape, SMALLEST_TEXT, "quiet", "mono"),), centred=True)
        yield from _small_numbers(node, value, ink, accent)
    else:
        yield from _heading(node, shape, ink)
        yield from _numbers(node, value, ink, accent)
    if node.series:
        yield SparkRow(node.series)
    if node.mark:
        yield TextRow(18, 13, (_text(node.mark, 12, "warning"),), shows=mark_shows(node))


def _heading(node: PictureNode, shape: str, ink: Role) -> Iterator[Row]:
    """The name, how it is made beside or below, and a tensor's shape on the right."""
    plain = node.kind in ("block", "loop")
    title: tuple[Text, ...] = ()
    if node.title:
        title = (_text(node.title, 15 if plain else 20, ink, "sans" if plain else "italic"),)
    lines = [_text(part, 13, "quiet") for part in node.formula.split("\n") if part]
    right = (_text(shape, 12, "quiet", "mono"),) if shape else ()
    if title and len(lines) == 1 and _length(title) + lines[0].width + _length(right) <= BESIDE:
        title, lines = (title[0], lines[0]), []
    if title:
        yield TextRow(22 if plain else 28, 16 if plain else 20, title, right)
    elif right:
        yield TextRow(18, 13.5, (lines.pop(0),) if lines else (), right)
    for text in lines:
        yield TextRow(18, 13.5, (text,))


def _numbers(node: PictureNode, value: str, ink: Role, accent: Role) -> Iterator[Row]:
    """The value and the derivative, each with the word for it; of a tensor beside its heat map."""
    column = max((sheet(m).width for m in (node.value_map, node.gradient_map) if m is not None), default=0.0)
    derivative = node.gradient_of or "derivative"
    for shows, heat_map, word, number, word_role, role, frame in (
        (VALUE, node.value_map, "value", value, "quiet", ink, "quiet"),
        (DERIVATIVE, node.gradient_map, derivative, node.gradient, accent, accent, accent),
    ):
        if node.kind == "constant" and not heat_map:
            continue
        if heat_map is not None:
            figures = _figures(number.rpartition("  ")[2], role, 12)
            words = (_text(word, 12, word_role),)
            yield MapRow(sheet(heat_map), frame, column, words, figures, shows)
        elif number:
            yield TextRow(20, 15, (_text(word, 12.5, word_role),), _figures(number, role, 14), shows=shows)


def _small_numbers(node: PictureNode, value: str, ink: Role, accent: Role) -> Iterator[Row]:
    """The value and the derivative; before the latter `∂`, so that not colour alone tells them apart."""
    for shows, heat_map, number, role, frame, sign in (
        (VALUE, node.value_map, value, ink, "quiet", ""),
        (DERIVATIVE, node.gradient_map, node.gradient, accent, accent, "∂\xa0"),
    ):
        figures = _figures(number.rpartition("  ")[2], role, 12) if number else ()
        if sign and figures:
            figures = (_text(sign, 12, role), *figures)
        if heat_map is not None:
            each = sheet(heat_map)
            yield MapRow(each, frame, each.width, (), figures, shows)
        elif number:
            yield TextRow(16, 12, figures, centred=True, shows=shows)


def _shape_of(node: PictureNode) -> tuple[str, str]:
    """A tensor's shape, and its value without it."""
    if node.shape:
        return node.shape, node.value
    shape, gap, value = node.value.rpartition("  ")
    return (shape, value) if gap else ("", node.value)


def _figures(number: str, role: Role, size: float) -> tuple[Text, ...]:
    """A number in a fixed-width face; a power of ten beside it is not torn apart. Before it what stands
    before a gap."""
    before, gap, figures = number.rpartition("  ")
    runs = [_text(before, size - 1, "quiet", "mono")] if gap else []
    for part in _POWERS.split(figures.replace(" ", "\xa0")):
        if part:
            runs.append(_text(part, size, role, "sans" if part.startswith("×") else "mono"))
    return tuple(runs)


def _text(text: str, size: float, role: Role, face: Face = "sans") -> Text:
    """A text that has no place yet; what a terminal or a reader would act on is shown as an escape."""
    return text_at(0, 0, show(text), face, size, role)


def _length(texts: tuple[Text, ...]) -> float:
    return sum(text.width for text in texts) + sum(_gap(a, b) for a, b in pairwise(texts))


def _set(texts: tuple[Text, ...], x: float, y: float) -> Iterator[Text]:
    """The texts one behind the other from there."""
    for k, text in enumerate(texts):
        yield text._replace(x=x, y=y)
        x += text.width + (_gap(text, texts[k + 1]) if k + 1 < len(texts) else 0)


def _gap(first: Text, second: Text) -> float:
    """Between two texts of a line: all stand apart but the parts of a number, which change between two faces."""
    return 0.0 if is_tight(first, second) else 10.0


def is_tight(first: Text, second: Text) -> bool:
    """Whether two texts are parts of one number."""
    return {first.face, second.face} == {"sans", "mono"}


def _dot(centre: Point, r: float, role: Role) -> Rect:
    return Rect(Box(centre[0] - r, centre[1] - r, 2 * r, 2 * r), r, role)
