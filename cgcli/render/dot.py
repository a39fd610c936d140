"""A picture as DOT text. Ids are made here; whatever a user wrote passes through one escaper into HTML-like labels."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .escape import dot_html
from .picture import Arrow, Drawn, Kind, Picture

if TYPE_CHECKING:
    from graphviz import Digraph

# Wong's colour-blind-safe palette (Nature Methods 8, 2011), fills lightened; outlines also differ by weight and dash
INK, QUIET, LINE, ACCENT = "#1d2939", "#667085", "#98a2b3", "#b54708"
SANS, MONO, SERIF = "DejaVu Sans", "DejaVu Sans Mono", "DejaVu Serif"
DEEPEST = 4  # clusters in clusters; more are hard to read and to lay out
BESIDE = 26  # characters of a name and its formula that stand on one line; of longer ones the formula goes below


_POWERS = re.compile("(×10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)")


class Look(NamedTuple):
    fill: str
    line: str
    width: float
    style: str = "rounded,filled"
    shape: str = "box"


LOOKS: dict[Kind, Look] = {
    "input": Look("#eff8ff", "#0072b2", 1.3),
    "param": Look("#fdf2fa", "#aa4499", 1.6, "rounded,filled,dashed"),
    "constant": Look("#f9fafb", "#98a2b3", 1.0, "rounded,filled,dotted"),
    "value": Look("#ffffff", "#667085", 1.2),
    "output": Look("#ecfdf3", "#00805a", 2.6),
    "small": Look("#ffffff", "#98a2b3", 1.0, "rounded,filled"),
    "choice": Look("#ffffff", "#667085", 1.2, "filled", "diamond"),
}


def to_dot(picture: Picture) -> str:
    """The picture as DOT, the same text for the same picture."""
    from graphviz import Digraph

    dot = Digraph(
        name="cg",
        graph_attr={
            "rankdir": "LR",
            "bgcolor": "white",
            "fontname": SANS,
            "nodesep": "0.3",
            "ranksep": "0.55",
            "pad": "0.2",
            "outputorder": "edgesfirst",
            "tooltip": " ",
        },
        node_attr={"fontname": SANS, "fontcolor": INK, "fontsize": "13", "margin": "0.11,0.07"},
        edge_attr={
            "fontname": SANS,
            "fontsize": "11",
            "fontcolor": ACCENT,
            "color": LINE,
            "arrowsize": "0.7",
            "penwidth": "1.2",
            "tooltip": " ",
        },
    )
    _groups(dot, picture)
    for node in picture.nodes:
        if node.group < 0:
            _node(dot, node)
    for arrow in picture.arrows:
        _arrow(dot, arrow)
    return str(dot.source)


def _groups(dot: Digraph, picture: Picture) -> None:
    """A quiet rounded cluster a call, and the nodes in them; what is called too deep inside stands in its caller's."""
    from graphviz import Digraph

    # callers stand before their callees in the table, so that one pass each way is enough
    depth: list[int] = []
    shown: list[int] = []  # of each group, the cluster its nodes are drawn in
    for g, (parent, _) in enumerate(picture.groups):
        depth.append(depth[parent] + 1 if parent >= 0 else 1)
        shown.append(g if depth[g] <= DEEPEST else shown[parent])
    used = {shown[n.group] for n in picture.nodes if n.group >= 0}
    for g in range(len(picture.groups) - 1, -1, -1):
        if g in used and picture.groups[g][0] >= 0:
            used.add(picture.groups[g][0])
    made: dict[int, Digraph] = {}
    for g in sorted(used):
        made[g] = Digraph(
            name=f"cluster_{g}",
            graph_attr={
                "label": f"<{_font(_text(picture.groups[g][1]), QUIET, 11)}>",
                "style": "rounded",
                "color": "#d0d5dd",
                "penwidth": "1",
                "labeljust": "l",
                "margin": "10",
                "tooltip": " ",
            },
        )
    for node in picture.nodes:
        if node.group >= 0:
            _node(made[shown[node.group]], node)
    for g in sorted(used, reverse=True):
        parent = picture.groups[g][0]
        (made[parent] if parent >= 0 else dot).subgraph(made[g])


def _node(dot: Digraph, node: Drawn) -> None:
    look = LOOKS[node.kind]
    dot.node(
        f"n{node.id}",
        label=f"<{_label(node)}>",
        shape=look.shape,
        style=look.style,
        fillcolor=look.fill,
        color=look.line,
        penwidth=str(look.width),
        tooltip=_tooltip(node.tooltip),
    )


def _label(node: Drawn) -> str:
    if node.kind in ("small", "choice"):
        rows = [_font(_text(node.title), INK, 14 if node.kind == "small" else 12)]
        if node.value:
            rows.append(_figures(node.value, INK, 10))
        if node.gradient:
            rows.append(_figures(node.gradient, ACCENT, 10))
        return _table(rows, "CENTER")
    rows = [f"<I>{_font(_text(node.title), INK, 18, SERIF)}</I>"] if node.title else []
    if node.formula:
        formula = _font(_text(node.formula), QUIET, 12)
        if rows and len(node.title) + len(node.formula) <= BESIDE:
            rows[0] += f"&#160;&#160;{formula}"
        else:
            rows.append(formula)
    if node.value and node.kind != "constant":
        rows.append(f"{_font('value', QUIET, 11)}&#160;&#160;{_figures(node.value, INK, 13)}")
    if node.gradient and node.kind != "constant":
        by = _font(_text(node.gradient_of), ACCENT, 11)
        rows.append(f"{by}&#160;&#160;{_figures(node.gradient, ACCENT, 13)}")
    return _table(rows, "LEFT")


def _table(rows: list[str], align: str) -> str:
    cells = "".join(f'<TR><TD ALIGN="{align}">{row}</TD></TR>' for row in rows)
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">{cells}</TABLE>'


def _font(text: str, colour: str, size: int, face: str = SANS) -> str:
    """Escaped text in a face; an empty one would be no label."""
    return f'<FONT FACE="{face}" COLOR="{colour}" POINT-SIZE="{size}">{text or "&#160;"}</FONT>'


def _figures(number: str, colour: str, size: int) -> str:
    """A number in a fixed-width face; a power of ten beside it is not torn apart. A tensor's shape stands before it."""
    shape, gap, figures = number.rpartition("  ")
    shown = f"{_font(_text(shape), QUIET, size - 2)}&#160;&#160;" if gap else ""
    for part in _POWERS.split(figures):
        if part:
            shown += _font(_text(part), colour, size, SANS if part.startswith("×") else MONO)
    return shown


def _arrow(dot: Digraph, arrow: Arrow) -> None:
    looks = {
        "value": {},
        "condition": {"style": "dashed", "arrowhead": "odiamond", "fontcolor": QUIET},
        "untaken": {"style": "dashed", "color": "#c0c7d2", "penwidth": "1"},
    }
    label = {"label": f"<{_text(arrow.label)}>"} if arrow.label else {}
    dot.edge(f"n{arrow.source}", f"n{arrow.target}", **looks[arrow.style], **label)


def _text(text: str) -> str:
    r"""User text as it may stand in a label, where Graphviz would put the node's id for `\N`."""
    return dot_html(text).replace("\\", "\\" * 2)


def _tooltip(text: str) -> str:
    """User text as a tooltip: there Graphviz reads backslashes twice."""
    return dot_html(text).replace("\\", "\\" * 4)
