"""A picture as DOT text. Ids are made here; all user text passes through one escaper into HTML-like labels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cgcli.diagnostics.escape import dot_html
from cgcli.render.tensors import Cells

from .content import Arrow, Kind, Picture, PictureNode
from .drawing import LEGEND, Drawing
from .groups import nesting
from .themes import LOOKS, Role, cell_role, mixed

if TYPE_CHECKING:
    from graphviz import Digraph

SANS, MONO, SERIF = "DejaVu Sans", "DejaVu Sans Mono", "DejaVu Serif"
BESIDE = 26  # characters of a name and its formula that stand on one line; of longer ones the formula goes below
HEAT = 0.25  # of the colour for heat, behind texts
CELL = 7  # points of a cell of a heat map
# dashes are named in words: a table with such a border crashes Graphviz when it writes xdot
STYLES: dict[Kind, tuple[str, str]] = {  # of a kind its style and shape
    "input": ("rounded,filled", "box"),
    "param": ("rounded,filled,dashed", "box"),
    "constant": ("rounded,filled,dotted", "box"),
    "value": ("rounded,filled", "box"),
    "output": ("rounded,filled", "box"),
    "small": ("rounded,filled", "box"),
    "choice": ("filled", "diamond"),
    "block": ("filled", "box3d"),
    "loop": ("filled", "box3d"),
    "state": ("rounded,filled,dotted", "box"),
}

_POWERS = re.compile("(×10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)")


def to_dot(picture: Picture, drawing: Drawing | None = None) -> str:
    """The picture as DOT, the same text for the same picture."""
    return _DotWriter(picture, drawing or Drawing()).dot()


class _DotWriter:
    def __init__(self, picture: Picture, drawing: Drawing) -> None:
        self.picture, self.drawing = picture, drawing
        self.theme: Mapping[Role, str] = drawing.colours

    def dot(self) -> str:
        from graphviz import Digraph

        theme, picture = self.theme, self.picture
        dot = Digraph(
            name="cg",
            graph_attr={
                "rankdir": self.drawing.rankdir,
                "bgcolor": theme["paper"],
                "fontname": SANS,
                "nodesep": "0.3",
                "ranksep": "0.55",
                "pad": "0.2",
                "outputorder": "edgesfirst",
                "tooltip": " ",
                **self._caption(),
            },
            node_attr={"fontname": SANS, "fontcolor": theme["ink"], "fontsize": "13", "margin": "0.11,0.07"},
            edge_attr={
                "fontname": SANS,
                "fontsize": "11",
                "fontcolor": theme["accent"],
                "color": theme["line"],
                "arrowsize": "0.7",
                "penwidth": "1.2",
                "tooltip": " ",
                **({"dir": "back"} if picture.backward else {}),
            },
        )
        self._groups(dot)
        nested = nesting(picture)
        for node in picture.nodes:
            if nested.of(node) < 0:
                self._node(dot, node)
        for arrow in picture.arrows:
            self._arrow(dot, arrow)
        return str(dot.source)

    def _caption(self) -> dict[str, str]:
        """Title and legend, above the picture."""
        rows = []
        if self.drawing.title:
            title = self._font(_text(self.drawing.title), "ink", 18)
            rows.append(f'<TR><TD ALIGN="LEFT">{title}</TD></TR>')
        if self.drawing.legend:
            rows.append(f'<TR><TD ALIGN="LEFT">{self._legend()}</TD></TR>')
        if not rows:
            return {}
        space = '<TR><TD HEIGHT="6"></TD></TR>'
        table = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="2" CELLPADDING="2">{"".join(rows)}{space}</TABLE>'
        return {"label": f"<{table}>", "labelloc": "t", "labeljust": "l"}

    def _legend(self) -> str:
        """A sample of each kind that the picture has, and what the colours of numbers mean."""
        theme, nodes, cells = self.theme, self.picture.nodes, []
        used = {node.kind for node in nodes}
        for kind, label in LEGEND.items():
            if kind in used:
                border = 2 if LOOKS[kind].width > 2 else 1
                colours = f'COLOR="{theme[f"{kind} line"]}" BGCOLOR="{theme[f"{kind} fill"]}"'
                frame = f'BORDER="{border}" {colours} STYLE="ROUNDED"'
                inside = f"<TR><TD>{self._font(label, 'ink', 10)}</TD></TR>"
                cells.append(f'<TD><TABLE {frame} CELLBORDER="0" CELLPADDING="3">{inside}</TABLE></TD>')
        if any(node.gradient for node in nodes):
            cells.append(f"<TD>{self._font('∂: derivative', 'accent', 11)}</TD>")
        if any(arrow.label for arrow in self.picture.arrows if arrow.style == "value"):
            cells.append(f"<TD>{self._font('on an arrow: local derivative', 'accent', 11)}</TD>")
        if any(node.heat is not None for node in nodes):
            cells.append(self._scale([mixed(theme["paper"], theme["hot"], HEAT * k / 7) for k in range(8)]))
            cells.append(f"<TD>{self._font('size of the derivative', 'ink', 10)}</TD>")
        if any(node.value_map or node.gradient_map for node in nodes):
            cells.append(self._scale([theme[cell_role(k / 4)] for k in range(-4, 5)]))
            cells.append(f"<TD>{self._font('elements, from − to +', 'ink', 10)}</TD>")
        row = f"<TR>{''.join(cells) or '<TD></TD>'}</TR>"
        return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="6" CELLPADDING="0">{row}</TABLE>'

    def _groups(self, dot: Digraph) -> None:
        """A quiet rounded cluster a call or loop, and its nodes; nodes too deep inside stand in the group around."""
        from graphviz import Digraph

        groups = self.picture.groups
        nested = nesting(self.picture)
        clusters: dict[int, Digraph] = {}
        for g in nested.drawn:
            clusters[g] = Digraph(
                name=f"cluster_{g}",
                graph_attr={
                    "label": f"<{self._font(_text(groups[g].label), 'quiet', 11)}>",
                    "style": "rounded",
                    "color": self.theme["border"],
                    "penwidth": "1",
                    "labeljust": "l",
                    "margin": "10",
                    "tooltip": " ",
                },
            )
        for node in self.picture.nodes:
            if nested.of(node) >= 0:
                self._node(clusters[nested.of(node)], node)
        for g in reversed(nested.drawn):
            parent = groups[g].parent
            (clusters[parent] if parent >= 0 else dot).subgraph(clusters[g])

    def _node(self, dot: Digraph, node: PictureNode) -> None:
        style, shape = STYLES[node.kind]
        fill = mixed(self.theme[f"{node.kind} fill"], self.theme["hot"], HEAT * (node.heat or 0.0))
        dot.node(
            f"n{node.id}",
            label=f"<{self._label(node)}>",
            shape=shape,
            style=style,
            fillcolor=fill,
            color=self.theme[f"{node.kind} line"],
            penwidth=str(LOOKS[node.kind].width),
            tooltip=_tooltip(node.tooltip),
        )

    def _label(self, node: PictureNode) -> str:
        if node.kind in ("small", "choice"):
            rows = [self._font(_text(node.title), "ink", 14 if node.kind == "small" else 12)]
            if node.value:
                rows.append(self._figures(node.value, "ink", 10))
            if node.gradient:
                rows.append(f"{self._font('∂', 'accent', 10)}&#160;{self._figures(node.gradient, 'accent', 10)}")
            return _table([*rows, *self._maps(node)], "CENTER")
        title = self._font(_text(node.title), "ink", 18, SERIF) if node.title else ""
        if node.kind in ("block", "loop"):
            title = self._font(_text(node.title), "ink", 14)
        elif title:
            title = f"<I>{title}</I>"
        rows = [title] if title else []
        if node.formula:
            formula = self._font(_text(node.formula), "quiet", 12)
            if rows and len(node.title) + len(node.formula) <= BESIDE:
                rows[0] += f"&#160;&#160;{formula}"
            else:
                rows.append(formula)
        if node.value and node.kind != "constant":
            rows.append(f"{self._font('value', 'quiet', 11)}&#160;&#160;{self._figures(node.value, 'ink', 13)}")
        if node.gradient and node.kind != "constant":
            by = self._font(_text(node.gradient_of or "derivative"), "accent", 11)
            rows.append(f"{by}&#160;&#160;{self._figures(node.gradient, 'accent', 13)}")
        return _table([*rows, *self._maps(node)], "LEFT")

    def _maps(self, node: PictureNode) -> list[str]:
        """The heat maps of a node's value and of its derivative, side by side."""
        both = ((node.value_map, self.theme["ink"]), (node.gradient_map, self.theme["accent"]))
        maps = [(cells, frame) for heat_map, frame in both if heat_map for cells in heat_map.slices]
        if not maps:
            return []
        row = "".join(f"<TD>{self._map(cells, frame)}</TD>" for cells, frame in maps)
        width = sum(CELL * len(cells[0]) + 2 for cells, _ in maps) + 4 * (len(maps) + 1)
        size = _fixed(width, CELL * max(len(cells) for cells, _ in maps) + 10)
        return [f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="4" CELLPADDING="0" {size}><TR>{row}</TR></TABLE>']

    def _map(self, cells: Cells, frame: str) -> str:
        rows = [[f'<TD BGCOLOR="{self.theme[cell_role(c)]}" {_fixed(CELL, CELL)}></TD>' for c in row] for row in cells]
        size = _fixed(CELL * len(cells[0]) + 2, CELL * len(cells) + 2)
        return _tight("".join(f"<TR>{''.join(row)}</TR>" for row in rows), frame, size)

    def _scale(self, colours: Sequence[str]) -> str:
        """Colours side by side, for the legend."""
        cells = "".join(f'<TD BGCOLOR="{colour}" WIDTH="10" HEIGHT="12"></TD>' for colour in colours)
        return f"<TD>{_tight(f'<TR>{cells}</TR>', self.theme['border'])}</TD>"

    def _font(self, text: str, role: Role, size: int, face: str = SANS) -> str:
        """Escaped text in a face; an empty one would be no label."""
        return f'<FONT FACE="{face}" COLOR="{self.theme[role]}" POINT-SIZE="{size}">{text or "&#160;"}</FONT>'

    def _figures(self, number: str, role: Role, size: int) -> str:
        """A number in a fixed-width face; a power of ten beside it is not torn apart. Before it a tensor's shape."""
        shape, gap, figures = number.rpartition("  ")
        html = f"{self._font(_text(shape), 'quiet', size - 2)}&#160;&#160;" if gap else ""
        for part in _POWERS.split(figures):
            if part:
                html += self._font(_text(part), role, size, SANS if part.startswith("×") else MONO)
        return html

    def _arrow(self, dot: Digraph, arrow: Arrow) -> None:
        styles = {
            "value": {},
            "condition": {
                "style": "dashed",
                "arrowtail" if self.picture.backward else "arrowhead": "odiamond",
                "fontcolor": self.theme["quiet"],
            },
            "untaken": {"style": "dashed", "color": self.theme["faint"], "penwidth": "1"},
            "many": {"penwidth": "2.4"},
            "next": {"style": "dashed", "constraint": "false"},
            "path": {"style": "dotted"},
        }
        texts = [_text(text) for text in (arrow.label, arrow.note) if text]
        label = {"label": f"<{'<BR/>'.join(texts)}>"} if texts else {}
        dot.edge(f"n{arrow.source}", f"n{arrow.target}", **styles[arrow.style], **label)


def _tight(rows: str, frame: str, size: str = "") -> str:
    """A table without space between its cells."""
    return f'<TABLE BORDER="1" COLOR="{frame}" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" {size}>{rows}</TABLE>'


def _fixed(width: int, height: int) -> str:
    return f'WIDTH="{width}" HEIGHT="{height}" FIXEDSIZE="TRUE"'


def _table(rows: list[str], align: str) -> str:
    cells = "".join(f'<TR><TD ALIGN="{align}">{row}</TD></TR>' for row in rows)
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">{cells}</TABLE>'


def _text(text: str) -> str:
    r"""User text as it may stand in a label, where Graphviz would put the node's id for `\N`."""
    return dot_html(text).replace("\\", "\\" * 2)


def _tooltip(text: str) -> str:
    """User text as a tooltip: there Graphviz reads backslashes twice."""
    return dot_html(text).replace("\\", "\\" * 4)
