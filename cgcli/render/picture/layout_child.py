"""The process that lays out and draws: DOT on standard input, the image on standard output.

It runs apart so that a layout that takes too long can be stopped, and a crash of native code harms nothing.
Its arguments: the kind of image, the layout program, the style (`full`, `straight` or `bare`), seconds, the file
descriptor of the lifeline.
"""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pygraphviz import AGraph

DENSITY = 192  # dots an inch of a PNG; 96 would be one a pixel
LONGEST_SIDE = 32_000  # pixels; the drawing library has no larger images
# straight lines, one round of straightening, half the rounds against crossings; the rest is for `sfdp`
SIMPLER = {"splines": "line", "nslimit": "1", "mclimit": "0.5", "overlap": "vpsc", "K": "6"}
_TEXT = re.compile(rb'(<text [^<>]*? x="(-?[\d.]+)" y="(-?[\d.]+)"[^<>]*?)>')
_XDOT_TEXT = re.compile(
    rb" T (-?[\d.]+) (-?[\d.]+) -?[01] (-?[\d.]+) \d+ -"
)  # where a text begins, how it is aligned, how wide
LARGEST_AREA = 48_000_000  # pixels, four bytes each while they are drawn


def main() -> None:
    sys.path.append(str(Path(__file__).parents[2]))  # of a checkout that is not installed
    from cgcli.system import end_with_parent

    kind, program, style, seconds, lifeline = sys.argv[1:6]
    if not end_with_parent(int(lifeline), int(seconds)):
        sys.exit("the program that asked for a picture is gone")
    from pygraphviz import AGraph

    graph = AGraph(string=sys.stdin.buffer.read().decode("utf-8"))
    if style != "full":
        graph.graph_attr.update(SIMPLER)
    if style == "bare":
        for edge in graph.edges():
            edge.attr["label"] = ""
    if kind == "png":
        graph.layout(prog=program)
        graph.graph_attr["dpi"] = f"{density(graph):.3f}"
        image = graph.draw(format=kind)
    elif kind == "svg":
        graph.layout(prog=program)
        image = fixed(graph.draw(format=kind), graph.draw(format="xdot"))
    else:
        image = graph.draw(format=kind, prog=program)
    sys.stdout.buffer.write(image)


def fixed(svg: bytes, xdot: bytes) -> bytes:
    """The SVG with the width of each text, so that it fills its place in whatever face a viewer has for it.

    The widths are those of the layout, from the same drawing in the format xdot, where a text is identified by the
    point at which it begins.
    """
    widths = {(x, y): w for x, y, w in _XDOT_TEXT.findall(xdot.replace(b"\\\n", b""))}

    def sized(text: re.Match[bytes]) -> bytes:
        x, y = text[2], text[3].removeprefix(b"-") if text[3].startswith(b"-") else b"-" + text[3]
        width = widths.get((x, y))
        has_width = width is not None and float(width) > 0
        size = b' textLength="%s" lengthAdjust="spacingAndGlyphs"' % width if has_width else b""
        return b"%s%s>" % (text[1], size)

    return _TEXT.sub(sized, svg)


def density(graph: AGraph) -> float:
    """The dots an inch at which a laid-out graph makes an image that is not too large."""
    left, low, right, high = (float(x) / 72 for x in graph.graph_attr["bb"].split(","))
    width, height = right - left + 1, high - low + 1  # inches, with the white around
    return min(DENSITY, LONGEST_SIDE / width, LONGEST_SIDE / height, math.sqrt(LARGEST_AREA / (width * height)))


if __name__ == "__main__":
    main()
