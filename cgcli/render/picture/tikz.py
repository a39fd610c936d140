"""A drawing as TikZ, to be read into a LaTeX document: the shapes that every format draws, with LaTeX's faces.

LaTeX's letters are not as wide as ours, so a line on a card is one TikZ node, held at the end that it is aligned to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from cgcli.ops.latex import latex_text

from .card import Card, SparkRow, TextRow, is_tight, placed_rows
from .drawing import Drawing
from .layout import Layout
from .shapes import Box, Part, Path, Rect, Scene, Stroke, Text
from .svg import DASHES
from .text_width import Face
from .themes import Role

UNIT = 0.62  # points a pixel: a card holds what LaTeX writes in its small sizes
SIZES = ((18, "large"), (14.5, "small"), (12.6, "footnotesize"), (0, "scriptsize"))
"""LaTeX's sizes for texts of at least so many pixels."""
FACES: dict[Face, str] = {"sans": "", "mono": r"\ttfamily", "italic": r"\itshape"}
ALIGNED = ("base west", "base", "base east")
WHITE = "#ffffff"


def to_tikz(scene: Scene, layout: Layout, cards: Mapping[int, Card], drawing: Drawing) -> str:
    """The drawing as a `tikzpicture`; a comment says which packages the document needs.

    The card of the graph's node 3 is a node `n3` of TikZ, to which a document may attach its own.
    """
    return "\n".join([*_Writer(scene, layout, cards, drawing).lines(), ""])


class _Writer:
    def __init__(self, scene: Scene, layout: Layout, cards: Mapping[int, Card], drawing: Drawing) -> None:
        self.scene, self.layout, self.cards = scene, layout, cards
        self.colours = drawing.colours
        self.roles: dict[Role, None] = {}  # that are drawn with, in the order in which they first are

    def lines(self) -> Iterator[str]:
        # a line end behind a command would be a blank in the document: `%` takes it away
        body = [line for part in self.scene.parts for line in self._part(part)]
        yield r"% needs \usepackage{tikz}, \usepackage[T1]{fontenc}, \usepackage{textcomp};"
        yield r"% \resizebox{\linewidth}{!}{...} makes it fit the text"
        for role in self.roles:
            yield rf"\definecolor{{{_colour(role)}}}{{HTML}}{{{self.colours[role][1:].upper()}}}%"
        every = r"every node/.style={inner sep=0pt, outer sep=0pt, font=\footnotesize}"
        yield rf"\begin{{tikzpicture}}[x={UNIT}pt, y=-{UNIT}pt, {every}]"
        yield from (f"  {line}" for line in body)
        yield r"\end{tikzpicture}%"

    def _part(self, part: Part) -> Iterator[str]:
        if part.kind == "paper" and self.colours["paper"] == WHITE:
            return  # that of the document
        for shape in part.shapes:
            if not isinstance(shape, Text):
                yield self._shape(shape)
            elif part.kind == "heading":
                yield self._line([shape], shape.x, shape.y, 0)
            elif part.kind != "node":
                yield self._line([shape], shape.x + shape.width / 2, shape.y, 1)
        if part.kind == "node":
            box = self.layout.cards[part.id].moved(*self.scene.origin)
            size = f"minimum width={_length(box.width)}, minimum height={_length(box.height)}"
            yield rf"\node[{size}] (n{part.id}) at ({_point(box.centre)}) {{}};"
            yield from self._texts(self.cards[part.id], box)

    def _texts(self, card: Card, box: Box) -> Iterator[str]:
        """The lines on a card."""
        for row, (x, y, width, _) in placed_rows(card, box):
            if isinstance(row, SparkRow):
                continue
            texts = [shape for shape in row.shapes(x, y, width) if isinstance(shape, Text)]
            right = row.right if isinstance(row, TextRow) else (*row.words, *row.figures)
            left, texts = texts[: len(texts) - len(right)], texts[len(texts) - len(right) :]
            if left:
                centred = isinstance(row, TextRow) and row.centred
                yield self._line(left, x + width / 2 if centred else x, left[0].y, int(centred))
            for baseline in dict.fromkeys(text.y for text in texts):
                yield self._line([text for text in texts if text.y == baseline], x + width, baseline, 2)

    def _line(self, texts: Sequence[Text], x: float, y: float, aligned: int) -> str:
        """Texts side by side, which begin, have their middle, or end at a point. aligned: an index of `ALIGNED`."""
        words = self._words(texts[0])
        for before, text in pairwise(texts):
            words += ("" if is_tight(before, text) else r"\enspace") + self._words(text)
        return rf"\node[anchor={ALIGNED[aligned]}] at ({_point((x, y))}) {{{words}}};"

    def _words(self, text: Text) -> str:
        size = next(size for least, size in SIZES if text.size >= least)
        words = r"\ ".join(latex_text(part) for part in text.text.split("\xa0"))
        return rf"{{\{size}{FACES[text.face]}\color{{{self._use(text.role)}}}{words}}}"

    def _shape(self, shape: Rect | Path) -> str:
        if isinstance(shape, Rect):
            box = shape.box
            style = self._paint(shape.fill, shape.stroke)
            style += [f"rounded corners={_length(shape.radius)}"] if shape.radius else []
            style += [f"fill opacity={shape.opacity:g}"] if shape.opacity != 1 else []
            return rf"\path[{', '.join(style)}] ({_point(box[:2])}) rectangle ({_point((box.right, box.bottom))});"
        steps = []
        for step in shape.steps:
            points = [f"({_point(p)})" for p in step.points]
            if step.command == "C":
                steps.append(f" .. controls {points[0]} and {points[1]} .. {points[2]}")
            else:
                steps.append({"M": " ", "L": " -- ", "Z": " -- cycle"}[step.command] + "".join(points))
        return rf"\path[{', '.join(self._paint(shape.fill, shape.stroke))}]{''.join(steps)};"

    def _paint(self, fill: Role | None, stroke: Stroke | None) -> list[str]:
        style = [] if fill is None else [f"fill={self._use(fill)}"]
        if stroke is not None:
            style += [f"draw={self._use(stroke.role)}", f"line width={_length(stroke.width)}"]
            dash = DASHES[stroke.dash]
            style += [f"dash pattern=on {_length(dash[0])} off {_length(dash[1])}"] if dash else []
        return style

    def _use(self, role: Role) -> str:
        self.roles[role] = None
        return _colour(role)


def _colour(role: Role) -> str:
    """The name of a colour; in a colour of LaTeX a minus is a sign."""
    return f"cg {role.replace('-', 'minus ')}"


def _length(pixels: float) -> str:
    return f"{pixels * UNIT:.2f}pt"


def _point(point: Sequence[float]) -> str:
    return f"{point[0]:.1f}, {point[1]:.1f}"
