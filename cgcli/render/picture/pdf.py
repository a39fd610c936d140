"""A drawing as PDF: one page of its size, with the fonts that come with cg."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cgcli.diagnostics.escape import show

from .drawing import Drawing
from .shapes import Path, Rect, Scene, Shape, Stroke, Text
from .svg import DASHES
from .text_width import FILES, advance_widths, font_file
from .themes import Role

if TYPE_CHECKING:
    from fpdf import FPDF
    from fpdf.drawing import GraphicsStyle, PaintedPath

POINTS = 0.75  # a pixel
ABSENT = "□"  # for a character that a face lacks


def to_pdf(scene: Scene, drawing: Drawing) -> bytes:
    """The drawing as a file, the same for the same drawing."""
    from fpdf import FPDF

    scale = POINTS * drawing.size.scale_of(scene.width, scene.height)
    pdf = FPDF(unit=scale, format=(scene.width, scene.height))
    pdf.set_creation_date(datetime(2000, 1, 1, tzinfo=UTC))
    pdf.set_title(show(scene.title))
    pdf.set_subject(show(scene.description))
    pdf.set_auto_page_break(False)
    pdf.set_margin(0)
    for face in FILES:
        pdf.add_font(face, fname=font_file(face))
    pdf.add_page()
    painter = _Painter(pdf, scale, drawing)
    for part in scene.parts:
        for shape in part.shapes:
            painter.paint(shape)
    return bytes(pdf.output())


class _Painter:
    def __init__(self, pdf: FPDF, scale: float, drawing: Drawing) -> None:
        self.pdf, self.scale, self.colours = pdf, scale, drawing.colours

    def paint(self, shape: Shape) -> None:
        from fpdf.drawing import PaintedPath

        if isinstance(shape, Text):
            self._text(shape)
            return
        path = PaintedPath()
        if isinstance(shape, Rect):
            box = shape.box
            path.rectangle(box.x, box.y, box.width, box.height, shape.radius, shape.radius)
        else:
            _follow(path, shape)
        self._style(
            path.style, self._colour(shape.fill), shape.stroke, shape.opacity if isinstance(shape, Rect) else 1.0
        )
        with self.pdf.drawing_context() as context:
            context.add_item(path)

    def _style(self, style: GraphicsStyle, fill: str | None, stroke: Stroke | None, opacity: float) -> None:
        style.fill_color = fill
        style.fill_opacity = opacity
        style.stroke_color = self._colour(stroke.role if stroke else None)
        style.auto_close = False
        if stroke is not None:
            style.stroke_width = stroke.width
            style.stroke_dash_pattern = DASHES[stroke.dash] or ()

    def _colour(self, role: Role | None) -> str | None:
        return None if role is None else self.colours[role]

    def _text(self, text: Text) -> None:
        colour = self.colours[text.role]
        self.pdf.set_text_color(*(int(colour[k : k + 2], 16) for k in (1, 3, 5)))
        self.pdf.set_font(text.face, size=text.size * self.scale)
        widths = advance_widths(text.face)
        self.pdf.text(text.x, text.y, "".join(c if ord(c) in widths else ABSENT for c in text.text))


def _follow(path: PaintedPath, shape: Path) -> None:
    for step in shape.steps:
        numbers = [part for point in step.points for part in point]
        if step.command == "M":
            path.move_to(*numbers)
        elif step.command == "L":
            path.line_to(*numbers)
        elif step.command == "C":
            path.curve_to(*numbers)
        else:
            path.close()
