"""A drawing as SVG. Everything that users wrote passes through `dot_html`; the rest is numbers and words of ours."""

from __future__ import annotations

from collections.abc import Iterator

from cgcli.diagnostics.escape import dot_html

from .drawing import Drawing
from .shapes import Part, Path, Rect, Scene, Shape, Stroke, Text
from .text_width import Face
from .themes import THEMES, Dash, Role

FAMILIES: dict[Face, str] = {
    "sans": "DejaVu Sans, Verdana, sans-serif",
    "mono": "DejaVu Sans Mono, Menlo, Consolas, monospace",
    "italic": "DejaVu Serif, Georgia, serif",
}
SECONDS, LAST_SECONDS = 1.0, 4.0  # of a frame of an animation, and of the last one
DASHES: dict[Dash, tuple[float, float] | None] = {"solid": None, "dashed": (5, 4), "dotted": (1.5, 3)}


def to_svg(scene: Scene, drawing: Drawing, width: float | None = None) -> str:
    """The drawing as the text of an SVG file, the same for the same drawing. width: in pixels."""
    return "\n".join([*_Writer(scene, drawing, width).lines(), ""])


class _Writer:
    def __init__(self, scene: Scene, drawing: Drawing, width: float | None) -> None:
        self.scene = scene
        self.width = scene.width * drawing.size.scale_of(scene.width, scene.height) if width is None else width
        self.colours = drawing.colours
        self.follows_reader = drawing.painted_theme == "auto"
        self.fills: set[Role] = set()
        self.strokes: set[Role] = set()

    def lines(self) -> Iterator[str]:
        scene = self.scene
        height = scene.height * self.width / scene.width
        yield '<?xml version="1.0" encoding="UTF-8"?>'
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{number(self.width)}" height="{number(height)}" '
            f'viewBox="0 0 {number(scene.width)} {number(scene.height)}" role="graphics-document document">'
        )
        yield f"<title>{dot_html(scene.title)}</title>"
        yield f"<desc>{dot_html(scene.description)}</desc>"
        body = [line for part in scene.parts for line in self._part(part)]
        if self.follows_reader:
            yield self._dark()
        if scene.captions:
            yield self._animation()
        yield from body
        yield "</svg>"

    def _dark(self) -> str:
        """The dark colours, for readers who prefer them; the attributes have the light ones."""
        dark = THEMES["dark"]
        rules = [f".{_class('f', role)}{{fill:{dark[role]}}}" for role in sorted(self.fills)]
        rules += [f".{_class('s', role)}{{stroke:{dark[role]}}}" for role in sorted(self.strokes)]
        return f"<style>@media (prefers-color-scheme: dark){{{''.join(rules)}}}</style>"

    def _animation(self) -> str:
        """The frames one after the other, again and again, for readers who do not prefer reduced motion; the attributes
        have the last one."""
        last = len(self.scene.captions) - 1
        seconds = SECONDS * last + LAST_SECONDS
        rules = []
        for first, end in sorted({part.frames for part in self.scene.parts if part.frames is not None}):
            name = _frames_class((first, end))
            hidden, shown = "{visibility:hidden}", "{visibility:visible}"
            keys = f"0%{hidden if first else shown}"
            keys += f"{number(100 * first * SECONDS / seconds)}%{shown}" if first else ""
            keys += f"{number(100 * (end + 1) * SECONDS / seconds)}%,to{hidden}" if end < last else f"to{shown}"
            rules.append(f"@keyframes {name}{{{keys}}}.{name}{{animation:{name} {number(seconds)}s step-end infinite}}")
        return f"<style>@media (prefers-reduced-motion: no-preference){{{''.join(rules)}}}</style>"

    def _part(self, part: Part) -> Iterator[str]:
        role = ' role="graphics-symbol img"' if part.kind == "node" else ""
        frames = ""
        if part.frames is not None:
            frames = f" {_frames_class(part.frames)}"
            role += ' visibility="hidden"' if part.frames[1] < len(self.scene.captions) - 1 else ""
        yield f'<g class="{part.kind}{frames}"{role}>'
        if part.title:
            yield f"<title>{dot_html(part.title)}</title>"
        for shape in part.shapes:
            yield self._shape(shape)
        yield "</g>"

    def _shape(self, shape: Shape) -> str:
        if isinstance(shape, Text):
            return self._text(shape)
        if isinstance(shape, Rect):
            box = shape.box
            round_corners = f' rx="{number(shape.radius)}"' if shape.radius else ""
            place = f'x="{number(box.x)}" y="{number(box.y)}" width="{number(box.width)}" height="{number(box.height)}"'
            opacity = f' fill-opacity="{number(shape.opacity)}"' if shape.opacity != 1 else ""
            return f"<rect {place}{round_corners}{self._paint(shape.fill, shape.stroke)}{opacity}/>"
        crisp = ' shape-rendering="crispEdges"' if shape.crisp else ""
        return f'<path d="{path_text(shape)}"{self._paint(shape.fill, shape.stroke)}{crisp}/>'

    def _text(self, text: Text) -> str:
        width = f' textLength="{number(text.width)}" lengthAdjust="spacingAndGlyphs"' if text.width > 0 else ""
        slant = ' font-style="italic"' if text.face == "italic" else ""
        return (
            f'<text x="{number(text.x)}" y="{number(text.y)}"{width} font-family="{FAMILIES[text.face]}"{slant} '
            f'font-size="{number(text.size)}"{self._paint(text.role, None)}>{dot_html(text.text)}</text>'
        )

    def _paint(self, fill: Role | None, stroke: Stroke | None) -> str:
        """The attributes of the colours; with both themes also the classes that the style sheet names."""
        classes = []
        attributes = f' fill="{"none" if fill is None else self.colours[fill]}"'
        if fill is not None:
            self.fills.add(fill)
            classes.append(_class("f", fill))
        if stroke is not None:
            self.strokes.add(stroke.role)
            classes.append(_class("s", stroke.role))
            attributes += f' stroke="{self.colours[stroke.role]}"'
            attributes += f' stroke-width="{number(stroke.width)}"' if stroke.width != 1 else ""
            dash = DASHES[stroke.dash]
            attributes += f' stroke-dasharray="{number(dash[0])} {number(dash[1])}"' if dash else ""
        return f' class="{" ".join(classes)}"{attributes}' if self.follows_reader and classes else attributes


def path_text(path: Path) -> str:
    parts = []
    for step in path.steps:
        points = " ".join(f"{number(x)} {number(y)}" for x, y in step.points)
        parts.append(f"{step.command}{points}")
    return "".join(parts)


def _frames_class(frames: tuple[int, int]) -> str:
    return f"t{frames[0]}-{frames[1]}"


def _class(prefix: str, role: Role) -> str:
    return f"{prefix}-{role.replace(' ', '-')}"


def number(x: float) -> str:
    """A number with two digits behind the point, as short as it can be."""
    text = f"{x:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
