"""A drawing as PNG: its SVG, with the fonts that come with cg and no others."""

from __future__ import annotations

import math

from .drawing import Drawing, Size
from .shapes import Scene
from .svg import to_svg
from .text_width import FILES, font_file

SHARPEST = 2.0  # pixels a unit, unless a size is said
LONGEST_SIDE = 32_000  # pixels
LARGEST_AREA = 48_000_000  # pixels, four bytes each while they are drawn


def to_png(scene: Scene, drawing: Drawing) -> bytes:
    """The drawing as an image."""
    from resvg_py import svg_to_bytes

    scale = pixels_a_unit(scene.width, scene.height, drawing.size)
    width = max(1, math.floor(scene.width * scale + 1e-6))
    fixed = drawing._replace(theme="light") if drawing.painted_theme == "auto" else drawing
    svg = to_svg(scene, fixed, width)
    return svg_to_bytes(
        svg_string=svg,
        width=width,
        height=max(1, math.ceil(scene.height * scale - 1e-6)),  # a lower one would make it narrower
        skip_system_fonts=True,
        font_files=[str(font_file(face)) for face in FILES],
        font_family="DejaVu Sans",
        sans_serif_family="DejaVu Sans",
        serif_family="DejaVu Serif",
        monospace_family="DejaVu Sans Mono",
    )


def pixels_a_unit(width: float, height: float, size: Size) -> float:
    """How many pixels of an image a unit of the drawing has."""
    return min(size.scale_of(width, height, SHARPEST), _most_pixels_a_unit(width, height))


def size_note(width: float, height: float, size: Size) -> str | None:
    """A note where an image of a drawing is smaller than it was asked for."""
    most = _most_pixels_a_unit(width, height)
    if size == Size() or size.scale_of(width, height, SHARPEST) <= most:
        return None
    return f"the image is {math.floor(width * most + 1e-6)} pixels wide, for a larger one would take too much memory"


def _most_pixels_a_unit(width: float, height: float) -> float:
    return min(LONGEST_SIDE / width, LONGEST_SIDE / height, math.sqrt(LARGEST_AREA / (width * height)))
