"""A picture as DOT text, for a layout by Graphviz itself. Ids are made here; all user text passes through one escaper
into HTML-like labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from cgcli.diagnostics.escape import dot_html
from cgcli.render.tensors import Cell, Cells

from .card import Card, MapRow, Row, SparkRow, is_tight
from .content import Arrow, Picture, PictureNode
from .drawing import LEGEND, Drawing
from .groups import nesting
from .heat_maps import Sheet, cell_mark
from .layout import LABEL_SIZE, chip_text, label_texts
from .scene import SUBJECT_SIZE, TITLE_SIZE, WIDTH, WIDTHS
from .shapes import Box, Text, text_at
from .text_width import Face
from .themes import LOOKS, Dash, Role, cell_role, mixed

if TYPE_CHECKING:
    from graphviz import Digraph

FACES: dict[Face, str] = {"sans": "DejaVu Sans", "mono": "DejaVu Sans Mono", "italic": "DejaVu Serif"}
HEAT = 0.25  # of the colour for heat, behind texts
CELL = 7  # points of a cell of a heat map
SIGNS: dict[Cell, str] = {"nan": "×", "inf": "+", "-inf": "/"}  # on such a cell; on one that is negative a minus
# dashes are named in words: a table with such a border crashes Graphviz when it writes xdot
DASHES: dict[Dash, str] = {"solid": "", "dashed": ",dashed", "dotted": ",dotted"}


def to_dot(picture: Picture, cards: Mapping[int, Card], drawing: Drawing) -> str:
    """The picture as DOT, the same text for the same picture. cards: by the node's id, from `cards_of`."""
    return _DotWriter(picture, cards, drawing).dot()


class _DotWriter:
    def __init__(self, picture: Picture, cards: Mapping[int, Card], drawing: Drawing) -> None:
        self.picture, self.cards, self.drawing = picture, cards, drawing
        self.theme: Mapping[Role, str] = drawing.colours

    def dot(self) -> str:
        from graphviz import Digraph

        theme, picture = self.theme, self.picture
        dot = Digraph(
            name="cg",
            graph_attr={
                "rankdir": self.drawing.rankdir,
                "bgcolor": "transparent" if self.drawing.background == "none" else theme["paper"],
                "fontname": FACES["sans"],
                "nodesep": "0.3",
                "ranksep": "0.55",
                "pad": "0.2",
                "outputorder": "edgesfirst",
                "compound": "true",
                "tooltip": " ",
                **self._caption(),
            },
            node_attr={
                "fontname": FACES["sans"],
                "fontcolor": theme["ink"],
                "margin": "0.12,0.08",
                "width": "0.55",
                "height": "0.4",
            },
            edge_attr={
                "fontname": FACES["sans"],
                "color": theme["line"],
                "arrowsize": "0.7",
                "penwidth": f"{WIDTH}",
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
            self._arrow(dot, arrow, arrow.into in nested.drawn)
        return str(dot.source)

    # ---- above the graph

    def _caption(self) -> dict[str, str]:
        """Title, of what the derivatives are, and legend."""
        rows = []
        if self.drawing.title:
            rows.append(self._font(text_at(0, 0, self.drawing.title, "sans", TITLE_SIZE, "ink")))
        if self.picture.subject:
            words = text_at(0, 0, "derivatives of", "sans", SUBJECT_SIZE, "quiet")
            rows.append(self._run((words, text_at(0, 0, self.picture.subject, "italic", SUBJECT_SIZE + 2, "accent"))))
        if self.drawing.legend:
            rows.append(self._legend())
        if not rows:
            return {}
        cells = "".join(f'<TR><TD ALIGN="LEFT">{row}</TD></TR>' for row in rows)
        space = '<TR><TD HEIGHT="6"></TD></TR>'
        table = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="2" CELLPADDING="2">{cells}{space}</TABLE>'
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
                inside = f"<TR><TD>{self._words(label, 'ink')}</TD></TR>"
                cells.append(f'<TD><TABLE {frame} CELLBORDER="0" CELLPADDING="3">{inside}</TABLE></TD>')
        if any(node.gradient for node in nodes):
            cells.append(f"<TD>{self._words('∂: derivative', 'accent')}</TD>")
        if any(arrow.label for arrow in self.picture.arrows if arrow.style == "value"):
            cells.append(f"<TD>{self._words('on an arrow: local derivative', 'accent')}</TD>")
        if any(node.heat is not None for node in nodes):
            cells.append(self._scale([mixed(theme["paper"], theme["hot"], HEAT * k / 7) for k in range(8)]))
            cells.append(f"<TD>{self._words('size of the derivative', 'ink')}</TD>")
        if any(node.value_map or node.gradient_map for node in nodes):
            cells.append(self._scale([theme[cell_role(k / 4)] for k in range(-4, 5)]))
            cells.append(f"<TD>{self._words('elements, from − to +', 'ink')}</TD>")
        row = f"<TR>{''.join(cells) or '<TD></TD>'}</TR>"
        return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="6" CELLPADDING="0">{row}</TABLE>'

    def _words(self, words: str, role: Role) -> str:
        return self._font(text_at(0, 0, words, "sans", LABEL_SIZE, role))

    def _scale(self, colours: Sequence[str]) -> str:
        """Colours side by side, for the legend."""
        cells = "".join(f'<TD BGCOLOR="{colour}" WIDTH="10" HEIGHT="12"></TD>' for colour in colours)
        return f"<TD>{_tight(f'<TR>{cells}</TR>', self.theme['border'])}</TD>"

    # ---- groups and nodes

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
                    "label": f"<{self._font(chip_text(groups[g].label))}>",
                    "style": "rounded",
                    "color": self.theme["border"],
                    "penwidth": "1.2",
                    "labeljust": "l",
                    "margin": "12",
                    "tooltip": _tooltip(groups[g].tooltip) or " ",
                },
            )
        for node in self.picture.nodes:
            if nested.of(node) >= 0:
                self._node(clusters[nested.of(node)], node)
        for g in reversed(nested.drawn):
            parent = groups[g].parent
            (clusters[parent] if parent >= 0 else dot).subgraph(clusters[g])

    def _node(self, dot: Digraph, node: PictureNode) -> None:
        look, theme = LOOKS[node.kind], self.theme
        fill, line, width = theme[f"{node.kind} fill"], theme[f"{node.kind} line"], look.width
        if node.muted:
            fill, line = theme["muted fill"], theme["faint"]
        if node.mark:
            line, width = theme["warning"], max(2.0, width)
        round_corners = "" if look.pointed or look.double or node.stacked else "rounded,"
        dot.node(
            f"n{node.id}",
            label=f"<{self._label(node)}>",
            shape="hexagon" if look.pointed else "box3d" if node.stacked else "box",
            style=f"{round_corners}filled{DASHES[look.dash]}",
            fillcolor=mixed(fill, theme["hot"], HEAT * (node.heat or 0.0)),
            color=line,
            penwidth=f"{width}",
            peripheries="2" if look.double else "1",
            tooltip=_tooltip(node.tooltip),
        )

    def _label(self, node: PictureNode) -> str:
        """What stands on the card, line by line, in two columns."""
        rows = "".join(f"<TR>{cells}</TR>" for row in self.cards[node.id].rows for cells in self._cells(row))
        rows = rows or "<TR><TD>&#160;</TD></TR>"
        return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">{rows}</TABLE>'

    def _cells(self, row: Row) -> Iterator[str]:
        if isinstance(row, MapRow):
            heat_map = self._sheet(row.map_sheet, self.theme[row.frame])
            texts = "<BR/>".join(self._run(texts) for texts in (row.words, row.figures) if texts)
            if texts:
                yield f'<TD>{heat_map}</TD><TD ALIGN="RIGHT" BALIGN="RIGHT">{texts}</TD>'
            else:
                yield f'<TD COLSPAN="2">{heat_map}</TD>'
        elif isinstance(row, SparkRow):
            return  # a curve; the first and the last value stand on the card too
        elif row.left and row.right:
            left, right = f"{self._run(row.left)}&#160;&#160;", self._run(row.right)
            yield f'<TD ALIGN="LEFT">{left}</TD><TD ALIGN="RIGHT">{right}</TD>'
        else:
            align = "CENTER" if row.centred else "LEFT" if row.left else "RIGHT"
            yield f'<TD COLSPAN="2" ALIGN="{align}">{self._run(row.left or row.right)}</TD>'

    def _sheet(self, sheet: Sheet, frame: str) -> str:
        """The slices of a heat map, as many in a row as on other pictures."""
        maps = [f"<TD>{self._map(cells, frame)}</TD>" for cells in sheet.heat_map.slices]
        rows = [f"<TR>{''.join(maps[k : k + sheet.columns])}</TR>" for k in range(0, len(maps), sheet.columns)]
        if sheet.heat_map.more:
            words = self._words(f"+ {sheet.heat_map.more}", "quiet")
            rows.append(f'<TR><TD ALIGN="LEFT" COLSPAN="{sheet.columns}">{words}</TD></TR>')
        return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="3" CELLPADDING="0">{"".join(rows)}</TABLE>'

    def _map(self, cells: Cells, frame: str) -> str:
        rows = (f"<TR>{''.join(map(self._cell, row))}</TR>" for row in cells)
        return _tight("".join(rows), frame, _fixed(CELL * len(cells[0]) + 2, CELL * len(cells) + 2))

    def _cell(self, value: Cell) -> str:
        """An element as a colour, with a sign where colour alone would not tell it."""
        role, mark = cell_mark(value, Box(0, 0, CELL, CELL))
        sign = self._font(text_at(0, 0, SIGNS.get(value, "−"), "mono", CELL - 2, role)) if mark else ""
        return f'<TD BGCOLOR="{self.theme[cell_role(value)]}" {_fixed(CELL, CELL)}>{sign}</TD>'

    # ---- texts

    def _run(self, texts: Sequence[Text]) -> str:
        """Texts side by side; the parts of a number are not torn apart."""
        html = self._font(texts[0])
        for before, text in pairwise(texts):
            html += ("" if is_tight(before, text) else "&#160;&#160;") + self._font(text)
        return html

    def _font(self, text: Text) -> str:
        """Escaped text in its face; an empty one would be no label."""
        words = _text(text.text) or "&#160;"
        attributes = f'FACE="{FACES[text.face]}" COLOR="{self.theme[text.role]}" POINT-SIZE="{text.size:g}"'
        html = f"<FONT {attributes}>{words}</FONT>"
        return f"<I>{html}</I>" if text.face == "italic" else html

    # ---- arrows

    def _arrow(self, dot: Digraph, arrow: Arrow, ends_at_border: bool) -> None:
        back = self.picture.backward
        styles = {
            "value": {},
            "condition": {"style": "dashed", "arrowtail" if back else "arrowhead": "odiamond"},
            "untaken": {"style": "dashed", "color": self.theme["faint"]},
            "many": {},
            "next": {"style": "dashed", "constraint": "false"},
            "path": {"style": "dotted"},
        }
        attributes = {**styles[arrow.style]}
        if arrow.style in WIDTHS:
            attributes["penwidth"] = f"{WIDTHS[arrow.style]}"
        if ends_at_border:
            attributes["lhead"] = f"cluster_{arrow.into}"
        texts = label_texts(arrow)
        if texts:
            attributes["label"] = f"<{'<BR/>'.join(f'&#160;{self._font(text)}&#160;' for text in texts)}>"
        dot.edge(f"n{arrow.source}", f"n{arrow.target}", **attributes)


def _tight(rows: str, frame: str, size: str = "") -> str:
    """A table without space between its cells."""
    return f'<TABLE BORDER="1" COLOR="{frame}" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" {size}>{rows}</TABLE>'


def _fixed(width: int, height: int) -> str:
    return f'WIDTH="{width}" HEIGHT="{height}" FIXEDSIZE="TRUE"'


def _text(text: str) -> str:
    r"""User text as it may stand in a label, where Graphviz would put the node's id for `\N`."""
    return dot_html(text).replace("\\", "\\" * 2)


def _tooltip(text: str) -> str:
    """User text as a tooltip: there Graphviz reads backslashes twice."""
    return dot_html(text).replace("\\", "\\" * 4)
