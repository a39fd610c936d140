"""A picture as DOT text. Ids are made here; all user text passes through one escaper into HTML-like labels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from cgcli.diagnostics.escape import dot_html

from .content import Arrow, Cell, Cells, Kind, Picture, PictureNode, with_outer
from .themes import THEMES, Theme, ThemeName, mixed

if TYPE_CHECKING:
    from graphviz import Digraph

SANS, MONO, SERIF = "DejaVu Sans", "DejaVu Sans Mono", "DejaVu Serif"
DEEPEST = 4  # clusters in clusters; more are hard to read and to lay out
BESIDE = 26  # characters of a name and its formula that stand on one line; of longer ones the formula goes below
CELL = 7  # points of a cell of a heat map
Direction = Literal["right", "down", "left", "up"]
DIRECTIONS: dict[Direction, str] = {"right": "LR", "down": "TB", "left": "RL", "up": "BT"}
# dashes are named in words: a table with such a border crashes Graphviz when it writes xdot
LEGEND: dict[Kind, str] = {
    "input": "input",
    "param": "param (dashed)",
    "constant": "constant (dotted)",
    "value": "named value",
    "output": "output",
    "small": "step without a name",
    "choice": "if",
    "block": "several steps in one",
    "loop": "loop",
    "state": "kept from step to step (dotted)",
}

_POWERS = re.compile("(×10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)")


class Drawing(NamedTuple):
    """How a picture is drawn."""

    theme: ThemeName = "light"
    direction: Direction = "right"
    title: str = ""  # above the picture
    legend: bool = False


def to_dot(picture: Picture, drawing: Drawing | None = None) -> str:
    """The picture as DOT, the same text for the same picture."""
    return _DotWriter(picture, drawing or Drawing()).dot()


class _DotWriter:
    def __init__(self, picture: Picture, drawing: Drawing) -> None:
        self.picture, self.drawing = picture, drawing
        self.theme: Theme = THEMES[drawing.theme]

    def dot(self) -> str:
        from graphviz import Digraph

        theme, picture = self.theme, self.picture
        dot = Digraph(
            name="cg",
            graph_attr={
                "rankdir": DIRECTIONS[self.drawing.direction],
                "bgcolor": theme.paper,
                "fontname": SANS,
                "nodesep": "0.3",
                "ranksep": "0.55",
                "pad": "0.2",
                "outputorder": "edgesfirst",
                "tooltip": " ",
                **self._caption(),
            },
            node_attr={"fontname": SANS, "fontcolor": theme.ink, "fontsize": "13", "margin": "0.11,0.07"},
            edge_attr={
                "fontname": SANS,
                "fontsize": "11",
                "fontcolor": theme.accent,
                "color": theme.line,
                "arrowsize": "0.7",
                "penwidth": "1.2",
                "tooltip": " ",
                **({"dir": "back"} if picture.backward else {}),
            },
        )
        self._groups(dot)
        for node in picture.nodes:
            if node.group < 0:
                self._node(dot, node)
        for arrow in picture.arrows:
            self._arrow(dot, arrow)
        return str(dot.source)

    def _caption(self) -> dict[str, str]:
        """Title and legend, above the picture."""
        rows = []
        if self.drawing.title:
            title = self._font(_text(self.drawing.title), self.theme.ink, 18)
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
                look = theme.looks[kind]
                frame = (
                    f'BORDER="{2 if look.width > 2 else 1}" COLOR="{look.line}" BGCOLOR="{look.fill}" STYLE="ROUNDED"'
                )
                inside = f"<TR><TD>{self._font(label, theme.ink, 10)}</TD></TR>"
                cells.append(f'<TD><TABLE {frame} CELLBORDER="0" CELLPADDING="3">{inside}</TABLE></TD>')
        if any(node.gradient for node in nodes):
            cells.append(f"<TD>{self._font('derivative', theme.accent, 11)}</TD>")
        if any(arrow.label for arrow in self.picture.arrows if arrow.style == "value"):
            cells.append(f"<TD>{self._font('on an arrow: local derivative', theme.accent, 11)}</TD>")
        if any(node.heat is not None for node in nodes):
            cells.append(self._scale([mixed(theme.cold, theme.hot, k / 7) for k in range(8)]))
            cells.append(f"<TD>{self._font('size of the derivative', theme.ink, 10)}</TD>")
        if any(node.value_map or node.gradient_map for node in nodes):
            cells.append(self._scale([self._cell(k / 4) for k in range(-4, 5)]))
            cells.append(f"<TD>{self._font('elements, from − to +', theme.ink, 10)}</TD>")
        row = f"<TR>{''.join(cells) or '<TD></TD>'}</TR>"
        return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="6" CELLPADDING="0">{row}</TABLE>'

    def _groups(self, dot: Digraph) -> None:
        """A quiet rounded cluster a call or loop, and its nodes; nodes too deep inside stand in the group around."""
        from graphviz import Digraph

        groups = self.picture.groups
        # outer groups stand before inner ones in the table, so that one pass each way is enough
        depth: list[int] = []
        cluster_of: list[int] = []  # of each group, the cluster its nodes are drawn in
        for g, group in enumerate(groups):
            depth.append(depth[group.parent] + 1 if group.parent >= 0 else 1)
            cluster_of.append(g if depth[g] <= DEEPEST else cluster_of[group.parent])
        used = with_outer(groups, {cluster_of[n.group] for n in self.picture.nodes if n.group >= 0})
        clusters: dict[int, Digraph] = {}
        for g in sorted(used):
            clusters[g] = Digraph(
                name=f"cluster_{g}",
                graph_attr={
                    "label": f"<{self._font(_text(groups[g].label), self.theme.quiet, 11)}>",
                    "style": "rounded",
                    "color": self.theme.border,
                    "penwidth": "1",
                    "labeljust": "l",
                    "margin": "10",
                    "tooltip": " ",
                },
            )
        for node in self.picture.nodes:
            if node.group >= 0:
                self._node(clusters[cluster_of[node.group]], node)
        for g in sorted(used, reverse=True):
            parent = groups[g].parent
            (clusters[parent] if parent >= 0 else dot).subgraph(clusters[g])

    def _node(self, dot: Digraph, node: PictureNode) -> None:
        look = self.theme.looks[node.kind]
        fill = look.fill if node.heat is None else mixed(self.theme.cold, self.theme.hot, node.heat)
        dot.node(
            f"n{node.id}",
            label=f"<{self._label(node)}>",
            shape=look.shape,
            style=look.style,
            fillcolor=fill,
            color=look.line,
            penwidth=str(look.width),
            tooltip=_tooltip(node.tooltip),
        )

    def _label(self, node: PictureNode) -> str:
        theme = self.theme
        if node.kind in ("small", "choice"):
            rows = [self._font(_text(node.title), theme.ink, 14 if node.kind == "small" else 12)]
            if node.value:
                rows.append(self._figures(node.value, theme.ink, 10))
            if node.gradient:
                rows.append(self._figures(node.gradient, theme.accent, 10))
            return _table([*rows, *self._maps(node)], "CENTER")
        title = self._font(_text(node.title), theme.ink, 18, SERIF) if node.title else ""
        if node.kind in ("block", "loop"):
            title = self._font(_text(node.title), theme.ink, 14)
        elif title:
            title = f"<I>{title}</I>"
        rows = [title] if title else []
        if node.formula:
            formula = self._font(_text(node.formula), theme.quiet, 12)
            if rows and len(node.title) + len(node.formula) <= BESIDE:
                rows[0] += f"&#160;&#160;{formula}"
            else:
                rows.append(formula)
        if node.value and node.kind != "constant":
            rows.append(f"{self._font('value', theme.quiet, 11)}&#160;&#160;{self._figures(node.value, theme.ink, 13)}")
        if node.gradient and node.kind != "constant":
            by = self._font(_text(node.gradient_of or "derivative"), theme.accent, 11)
            rows.append(f"{by}&#160;&#160;{self._figures(node.gradient, theme.accent, 13)}")
        return _table([*rows, *self._maps(node)], "LEFT")

    def _maps(self, node: PictureNode) -> list[str]:
        """The heat maps of a node's value and of its derivative, side by side."""
        both = ((node.value_map, self.theme.ink), (node.gradient_map, self.theme.accent))
        maps = [(cells, frame) for heat_map, frame in both if heat_map for cells in heat_map.slices]
        if not maps:
            return []
        row = "".join(f"<TD>{self._map(cells, frame)}</TD>" for cells, frame in maps)
        width = sum(CELL * len(cells[0]) + 2 for cells, _ in maps) + 4 * (len(maps) + 1)
        size = _fixed(width, CELL * max(len(cells) for cells, _ in maps) + 10)
        return [f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="4" CELLPADDING="0" {size}><TR>{row}</TR></TABLE>']

    def _map(self, cells: Cells, frame: str) -> str:
        rows = [[f'<TD BGCOLOR="{self._cell(c)}" {_fixed(CELL, CELL)}></TD>' for c in row] for row in cells]
        size = _fixed(CELL * len(cells[0]) + 2, CELL * len(cells) + 2)
        return _tight("".join(f"<TR>{''.join(row)}</TR>" for row in rows), frame, size)

    def _scale(self, colours: Sequence[str]) -> str:
        """Colours side by side, for the legend."""
        cells = "".join(f'<TD BGCOLOR="{colour}" WIDTH="10" HEIGHT="12"></TD>' for colour in colours)
        return f"<TD>{_tight(f'<TR>{cells}</TR>', self.theme.border)}</TD>"

    def _cell(self, c: Cell) -> str:
        """The colour of a number from -1 to 1; the root of its size, so that small ones show too."""
        theme = self.theme
        if isinstance(c, str):
            return theme.nothing
        return mixed(theme.zero, theme.positive if c > 0 else theme.negative, min(1.0, abs(c)) ** 0.5)

    def _font(self, text: str, colour: str, size: int, face: str = SANS) -> str:
        """Escaped text in a face; an empty one would be no label."""
        return f'<FONT FACE="{face}" COLOR="{colour}" POINT-SIZE="{size}">{text or "&#160;"}</FONT>'

    def _figures(self, number: str, colour: str, size: int) -> str:
        """A number in a fixed-width face; a power of ten beside it is not torn apart. Before it a tensor's shape."""
        shape, gap, figures = number.rpartition("  ")
        html = f"{self._font(_text(shape), self.theme.quiet, size - 2)}&#160;&#160;" if gap else ""
        for part in _POWERS.split(figures):
            if part:
                html += self._font(_text(part), colour, size, SANS if part.startswith("×") else MONO)
        return html

    def _arrow(self, dot: Digraph, arrow: Arrow) -> None:
        styles = {
            "value": {},
            "condition": {
                "style": "dashed",
                "arrowtail" if self.picture.backward else "arrowhead": "odiamond",
                "fontcolor": self.theme.quiet,
            },
            "untaken": {"style": "dashed", "color": self.theme.faint, "penwidth": "1"},
            "many": {"penwidth": "2.4"},
            "next": {"style": "dashed", "constraint": "false"},
            "path": {"style": "dotted"},
        }
        label = {"label": f"<{_text(arrow.label)}>"} if arrow.label else {}
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
