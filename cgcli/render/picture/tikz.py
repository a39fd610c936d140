"""A picture as TikZ, to be read into a LaTeX document: the same layout with LaTeX's faces."""

from __future__ import annotations

from collections.abc import Iterator

from cgcli.render.latex_text import latex_text

from .card import BEHIND
from .content import Arrow, Kind, Picture, PictureNode
from .drawing import Drawing
from .layout import LABEL_HEIGHT, MARGIN, Layout, label_texts
from .routes import Route
from .shapes import Box, Point
from .themes import heat_role

UNIT = 0.62  # points a pixel: a card holds what LaTeX writes in \footnotesize
_ROLES = ("paper", "ink", "quiet", "line", "faint", "border", "accent", "warning")

STYLES: dict[Kind, str] = {
    "input": "rounded corners",
    "param": "rounded corners, dashed, line width=0.8pt",
    "constant": "rounded corners, dotted",
    "value": "rounded corners",
    "output": "rounded corners, line width=1.4pt",
    "small": "rounded corners",
    "choice": "chamfered rectangle, chamfered rectangle xsep=4pt",
    "block": "double",
    "loop": "double",
    "state": "rounded corners, dotted, line width=0.8pt",
}
ARROWS = {
    "value": "",
    "condition": "dashed",
    "untaken": "dashed, cg faint",
    "many": "line width=1.2pt",
    "next": "dashed",
    "path": "dotted",
}


def to_tikz(picture: Picture, layout: Layout, drawing: Drawing | None = None) -> str:
    """The picture as a `tikzpicture`; a comment says which packages the document needs."""
    return "\n".join([*_lines(picture, layout, drawing or Drawing()), ""])


def _lines(picture: Picture, layout: Layout, drawing: Drawing) -> Iterator[str]:
    theme = drawing.colours
    yield r"% needs \usepackage{tikz}, \usepackage[T1]{fontenc}, \usepackage{textcomp}"
    yield r"% and \usetikzlibrary{arrows.meta, shapes.misc}; \resizebox{\linewidth}{!}{...} makes it fit the text"
    kinds = list(dict.fromkeys(node.kind for node in picture.nodes))
    roles = [*_ROLES, *(f"{kind} {part}" for kind in kinds for part in ("fill", "line"))]
    heats = {heat_role(node.heat) for node in picture.nodes if node.heat is not None}
    for role in [*roles, *sorted(heats, key=lambda role: int(role.split()[1]))]:
        yield rf"\definecolor{{cg {role}}}{{HTML}}{{{theme[role][1:].upper()}}}"
    every = r"every node/.style={text=cg ink, font=\footnotesize}"
    yield rf"\begin{{tikzpicture}}[>=Stealth, x={UNIT}pt, y=-{UNIT}pt, {every}"
    for kind in kinds:
        colours = f"draw=cg {kind} line, fill=cg {kind} fill"
        yield f"  , {kind}/.style={{{STYLES[kind]}, {colours}, align=left, inner sep=2pt}}"
    yield "  ]"
    if drawing.title:
        title = latex_text(drawing.title)
        yield rf"  \node[anchor=south west, font=\large] at ({_point((MARGIN, 0))}) {{{title}}};"
    for box in layout.groups.values():
        corners = f"({_point((box.x, box.y))}) rectangle ({_point((box.right, box.bottom))})"
        yield rf"  \draw[cg border, rounded corners] {corners};"
    for k, route in layout.routes.items():
        yield _arrow(picture.arrows[k], route)
    for k, box in layout.labels.items():
        yield from _arrow_texts(picture.arrows[k], box)
    for node in picture.nodes:
        yield from _node(node, layout.cards[node.id])
    for g, box in layout.chips.items():
        label = latex_text(picture.groups[g].label)
        style = "rounded corners, draw=cg border, fill=cg paper, text=cg quiet, inner sep=2pt"
        yield rf"  \node[{style}] at ({_point(box.centre)}) {{{label}}};"
    yield r"\end{tikzpicture}"


def _node(node: PictureNode, box: Box) -> Iterator[str]:
    size = f"minimum width={box.width * UNIT:.2f}pt, minimum height={box.height * UNIT:.2f}pt"
    muted = ", draw=cg faint, text=cg quiet" if node.muted else ""
    for k in (2, 1) if node.stacked else ():
        behind = box.moved(BEHIND * k, -BEHIND * k)
        corners = f"({_point((behind.x, behind.y))}) rectangle ({_point((behind.right, behind.bottom))})"
        yield rf"  \draw[cg {node.kind} line, fill=cg {node.kind} fill, rounded corners] {corners};"
    yield rf"  \node[{node.kind}, {size}{muted}] (n{node.id}) at ({_point(box.centre)}) {{{_label(node)}}};"
    if node.heat is not None:
        edge = f"({_point((box.x, box.y + 4))}) -- ({_point((box.x, box.bottom - 4))})"
        yield rf"  \draw[cg {heat_role(node.heat)}, line width=2pt] {edge};"


def _label(node: PictureNode) -> str:
    title = latex_text(node.title)
    if node.kind in ("small", "choice", "block", "loop"):
        lines = [title, rf"\color{{cg quiet}}{latex_text(node.formula)}"] if node.formula else [title]
    else:
        title_text = rf"\textit{{{title}}}" if node.title else ""
        formula = rf"{{\color{{cg quiet}}{latex_text(node.formula)}}}" if node.formula else ""
        lines = [r"\enspace ".join(part for part in (title_text, formula) if part)]
    if node.shape:
        lines[0] += rf"\enspace {{\color{{cg quiet}}{latex_text(node.shape)}}}"
    for word, text, role in node.lines:
        if role == "ink" and word:
            lines.append(rf"{{\color{{cg quiet}}{word}}} {latex_text(text)}")
        else:
            colour = "" if role == "ink" else rf"\color{{cg {role}}}"
            lines.append(colour + latex_text(f"{word} {text}".lstrip()))
    return r" \\ ".join(lines)


def _arrow(arrow: Arrow, route: Route) -> str:
    style = ", ".join(part for part in ("->", "cg line", ARROWS[arrow.style]) if part)
    first, *others = route.points
    curves = "".join(
        f" .. controls ({_point(others[k])}) and ({_point(others[k + 1])}) .. ({_point(others[k + 2])})"
        for k in range(0, len(others), 3)
    )
    return rf"  \draw[{style}] ({_point(first)}){curves} -- ({_point(route.tip)});"


def _arrow_texts(arrow: Arrow, box: Box) -> Iterator[str]:
    for k, text in enumerate(label_texts(arrow)):
        place = _point((box.centre[0], box.y + LABEL_HEIGHT * (k + 0.5)))
        style = rf"text=cg {text.role}, font=\scriptsize, inner sep=1pt"
        yield rf"  \node[{style}] at ({place}) {{{latex_text(text.text)}}};"


def _point(point: Point) -> str:
    return f"{point[0]:.1f}, {point[1]:.1f}"
