"""What a drawing is made of. Coordinates are in CSS pixels, y downwards; colours are roles of a theme."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from .text_width import Face, text_width
from .themes import Dash, Role

Point = tuple[float, float]


class Box(NamedTuple):
    """x, y: the corner at the upper left."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def centre(self) -> Point:
        return self.x + self.width / 2, self.y + self.height / 2

    def grown(self, by: float) -> Box:
        """The box with so much more on every side."""
        return Box(self.x - by, self.y - by, self.width + 2 * by, self.height + 2 * by)

    def moved(self, dx: float, dy: float) -> Box:
        return Box(self.x + dx, self.y + dy, self.width, self.height)

    def overlaps(self, other: Box) -> bool:
        """Whether they have more than a border in common."""
        return (
            self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom
        )  # fmt: skip

    def holds(self, other: Box, slack: float = 0.0) -> bool:
        """Whether the other one lies inside, but for so much."""
        return (
            self.x - slack <= other.x
            and self.y - slack <= other.y
            and other.right <= self.right + slack
            and other.bottom <= self.bottom + slack
        )


class Stroke(NamedTuple):
    role: Role
    width: float = 1.0
    dash: Dash = "solid"


class Rect(NamedTuple):
    """A rectangle, perhaps with round corners. opacity: of its fill."""

    box: Box
    radius: float = 0.0
    fill: Role | None = None
    stroke: Stroke | None = None
    opacity: float = 1.0


class Step(NamedTuple):
    """A command of a path: `M` and `L` have a point, `C` three (a cubic Bezier curve), `Z` none."""

    command: Literal["M", "L", "C", "Z"]
    points: tuple[Point, ...] = ()


class Path(NamedTuple):
    """Lines and curves. crisp: whether edges lie on pixels, as those of cells that touch each other."""

    steps: tuple[Step, ...]
    fill: Role | None = None
    stroke: Stroke | None = None
    crisp: bool = False


class Text(NamedTuple):
    """A line of text. x: where it begins; y: its baseline; width: as the face that comes with cg has it."""

    x: float
    y: float
    text: str
    face: Face
    size: float
    role: Role
    width: float

    @property
    def box(self) -> Box:
        """About the space that its letters take."""
        return Box(self.x, self.y - 0.76 * self.size, self.width, self.size)


Shape = Rect | Path | Text


class Part(NamedTuple):
    """Shapes that belong together. kind: what they are; title: what it says to those who cannot see it; id: of the
    node, or the number of the group or the arrow; frames: the first and the last frame that has them, None for all."""

    kind: Literal["paper", "heading", "group", "arrow", "label", "node", "chip", "caption"]
    shapes: tuple[Shape, ...]
    title: str = ""
    id: int = -1
    frames: tuple[int, int] | None = None


class Scene(NamedTuple):
    """A whole drawing, from back to front. description: what it shows, in words. origin: where the upper left corner of
    the layout stands in it. captions: of its frames, where it has several."""

    width: float
    height: float
    parts: tuple[Part, ...]
    title: str = ""
    description: str = ""
    origin: Point = (0.0, 0.0)
    captions: tuple[str, ...] = ()


def line(points: Sequence[Point], stroke: Stroke) -> Path:
    """A path through the points."""
    first, *others = points
    return Path((Step("M", (first,)), *(Step("L", (p,)) for p in others)), stroke=stroke)


def polygon(points: Sequence[Point], fill: Role | None = None, stroke: Stroke | None = None) -> Path:
    """A closed path through the points."""
    first, *others = points
    return Path((Step("M", (first,)), *(Step("L", (p,)) for p in others), Step("Z")), fill, stroke)


def boxes(each: Iterable[Box], fill: Role) -> Path:
    """Many rectangles of one colour, whose edges lie on pixels."""
    steps: list[Step] = []
    for box in each:
        corners = ((box.x, box.y), (box.right, box.y), (box.right, box.bottom), (box.x, box.bottom))
        steps += [Step("M", corners[:1]), *(Step("L", (corner,)) for corner in corners[1:]), Step("Z")]
    return Path(tuple(steps), fill, crisp=True)


def curve(points: Sequence[Point], stroke: Stroke) -> Path:
    """Bezier curves end to end: a point, then three for each of them."""
    steps = [Step("M", (points[0],))]
    steps += [Step("C", tuple(points[k : k + 3])) for k in range(1, len(points), 3)]
    return Path(tuple(steps), stroke=stroke)


def text_at(x: float, y: float, text: str, face: Face, size: float, role: Role, anchor: float = 0.0) -> Text:
    """A text. anchor: which point of its width stands at x, from 0 (its start) to 1 (its end)."""
    width = text_width(text, face, size)
    return Text(x - anchor * width, y, text, face, size, role, width)


def moved(shapes: Iterable[Shape], dx: float, dy: float) -> Iterator[Shape]:
    """The shapes at another place."""
    for shape in shapes:
        if isinstance(shape, Rect):
            yield shape._replace(box=shape.box.moved(dx, dy))
        elif isinstance(shape, Text):
            yield shape._replace(x=shape.x + dx, y=shape.y + dy)
        else:
            steps = (Step(s.command, tuple((x + dx, y + dy) for x, y in s.points)) for s in shape.steps)
            yield shape._replace(steps=tuple(steps))
