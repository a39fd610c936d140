"""A picture as TikZ, to be read into a LaTeX document; positions come from Graphviz."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from cgcli.diagnostics.escape import show

from .content import Arrow, Kind, Picture, PictureNode
from .dot import Drawing
from .themes import THEMES

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
_ESCAPED = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "−": r"\ensuremath{-}",
    "×": r"\ensuremath{\times}",
    "·": r"\ensuremath{\cdot}",
    "∂": r"\ensuremath{\partial}",
    "∞": r"\ensuremath{\infty}",
    "≤": r"\ensuremath{\leq}",
    "≥": r"\ensuremath{\geq}",
    "≠": r"\ensuremath{\neq}",
    "¬": r"\ensuremath{\neg}",
    "∧": r"\ensuremath{\wedge}",
    "∨": r"\ensuremath{\vee}",
    "‖": r"\ensuremath{\|}",
    "…": r"\ldots{}",
    "√": r"\ensuremath{\surd}",
    **{sign: rf"\ensuremath{{^{{{digit}}}}}" for sign, digit in zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True)},
}


class Box(NamedTuple):
    """Centre and size of a node, or of a group, in inches."""

    x: float
    y: float
    width: float
    height: float


class Positions(NamedTuple):
    """Where the nodes stand by id, and the frames of the groups by number."""

    nodes: dict[int, Box]
    groups: dict[int, Box]


def to_tikz(picture: Picture, positions: Positions, drawing: Drawing | None = None) -> str:
    """The picture as a `tikzpicture`; a comment says which packages the document needs."""
    return "\n".join([*_lines(picture, positions, drawing or Drawing()), ""])


def _lines(picture: Picture, positions: Positions, drawing: Drawing) -> Iterator[str]:
    theme = THEMES[drawing.theme]
    yield r"% needs \usepackage{tikz}, \usepackage[T1]{fontenc}, \usepackage{textcomp}"
    yield r"% and \usetikzlibrary{arrows.meta, shapes.misc}; \resizebox{\linewidth}{!}{...} makes it fit the text"
    for name in ("ink", "quiet", "line", "faint", "border", "accent"):
        yield rf"\definecolor{{cg {name}}}{{HTML}}{{{getattr(theme, name)[1:].upper()}}}"
    kinds = list(dict.fromkeys(node.kind for node in picture.nodes))
    for kind in kinds:
        yield rf"\definecolor{{cg {kind} fill}}{{HTML}}{{{theme.looks[kind].fill[1:].upper()}}}"
        yield rf"\definecolor{{cg {kind} line}}{{HTML}}{{{theme.looks[kind].line[1:].upper()}}}"
    yield r"\begin{tikzpicture}[>=Stealth, x=1in, y=1in, every node/.style={text=cg ink, font=\footnotesize}"
    for kind in kinds:
        colours = f"draw=cg {kind} line, fill=cg {kind} fill"
        yield f"  , {kind}/.style={{{STYLES[kind]}, {colours}, align=left, inner sep=4pt}}"
    yield "  ]"
    if drawing.title and positions.nodes:
        top = max(p.y + p.height / 2 for p in [*positions.nodes.values(), *positions.groups.values()])
        left = min(p.x - p.width / 2 for p in positions.nodes.values())
        title = latex_text(drawing.title)
        yield rf"  \node[anchor=south west, font=\large] at ({left:.3f}, {top + 0.15:.3f}) {{{title}}};"
    for g, p in sorted(positions.groups.items()):
        x, y = p.x - p.width / 2, p.y - p.height / 2
        corners = f"({x:.3f}, {y:.3f}) rectangle ({x + p.width:.3f}, {y + p.height:.3f})"
        yield rf"  \draw[cg border, rounded corners] {corners};"
        label = latex_text(picture.groups[g].label)
        yield rf"  \node[anchor=north west, text=cg quiet] at ({x:.3f}, {y + p.height:.3f}) {{{label}}};"
    for node in picture.nodes:
        p = positions.nodes[node.id]
        yield rf"  \node[{node.kind}] (n{node.id}) at ({p.x:.3f}, {p.y:.3f}) {{{_label(node)}}};"
    for arrow in picture.arrows:
        yield _arrow(arrow, picture.backward)
    yield r"\end{tikzpicture}"


def _label(node: PictureNode) -> str:
    title = latex_text(node.title)
    if node.kind in ("small", "choice", "block", "loop"):
        lines = [title, rf"\color{{cg quiet}}{latex_text(node.formula)}"] if node.formula else [title]
    else:
        title_text = rf"\textit{{{title}}}" if node.title else ""
        formula = rf"{{\color{{cg quiet}}{latex_text(node.formula)}}}" if node.formula else ""
        lines = [r"\enspace ".join(part for part in (title_text, formula) if part)]
    if node.value:
        lines.append(rf"{{\color{{cg quiet}}value}} {latex_text(node.value)}")
    if node.gradient:
        lines.append(rf"\color{{cg accent}}{latex_text(node.gradient_of or 'derivative')} {latex_text(node.gradient)}")
    return r" \\ ".join(lines)


def _arrow(arrow: Arrow, backward: bool) -> str:
    style = ", ".join(part for part in ("<-" if backward else "->", "cg line", ARROWS[arrow.style]) if part)
    if not arrow.label:
        return rf"  \draw[{style}] (n{arrow.source}) -- (n{arrow.target});"
    label = (
        rf"node[midway, above, sloped, text=cg accent, font=\scriptsize, inner sep=1pt] {{{latex_text(arrow.label)}}}"
    )
    return rf"  \draw[{style}] (n{arrow.source}) -- {label} (n{arrow.target});"


def latex_text(text: str) -> str:
    """User text as LaTeX; a character that pdfLaTeX cannot print stands as its number."""
    return "".join(_ESCAPED.get(c) or (c if c.isascii() else _other(c)) for c in show(text))


def _other(c: str) -> str:
    """Letters of the Latin alphabet with their accents pass; Greek ones are those of mathematics."""
    if "\u00c0" <= c <= "\u017e":
        return c
    from unicodedata import name

    words = name(c, "").split()
    if words[:2] == ["GREEK", "SMALL"] and words[-1].isalpha():
        sign = {"LAMDA": "lambda", "OMICRON": "o"}.get(words[-1], words[-1].lower())
        return rf"\ensuremath{{{sign if sign == 'o' else chr(92) + sign}}}"
    return rf"[U+{ord(c):04X}]"
