"""A picture as Mermaid text, which many sites and editors draw inside of Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from cgcli.diagnostics.escape import show

from .card import Card, MapRow, SparkRow
from .content import Arrow, Kind, Picture, PictureNode
from .drawing import Drawing
from .groups import nesting, walk
from .layout import label_texts
from .scene import WIDTH, WIDTHS
from .shapes import Text
from .themes import LOOKS, Dash, Role, mixed

# brackets that give a node its shape: round corners, a hexagon, a second line on either side
ROUND, POINTED, DOUBLE = ("(", ")"), ("{{", "}}"), ("[[", "]]")
LINKS = {"value": "-->", "condition": "-.-o", "untaken": "-.->", "many": "==>", "next": "-.->", "path": "-.->"}
DASHES: dict[Dash, str] = {"solid": "", "dashed": ",stroke-dasharray:5 4", "dotted": ",stroke-dasharray:2 3"}
LARGEST, MOST_ARROWS = 50_000, 500  # characters and arrows that Mermaid draws unless the page says otherwise
WIDEST = 600  # pixels of a line in a node
HEAT = 0.25  # of the colour for heat, behind texts


def to_mermaid(picture: Picture, cards: Mapping[int, Card], drawing: Drawing) -> str:
    """The picture as the text of a Mermaid flowchart, the same for the same picture. cards: from `cards_of`."""
    return "\n".join([*_Writer(picture, cards, drawing).lines(), ""])


def limit_note(text: str, picture: Picture) -> str | None:
    """What to say of a text that most pages with Mermaid refuse to draw."""
    if len(text) <= LARGEST and len(picture.arrows) <= MOST_ARROWS:
        return None
    return (
        f"Mermaid draws no more than {LARGEST} characters and {MOST_ARROWS} arrows unless it is told to; use --budget"
    )


class _Writer:
    def __init__(self, picture: Picture, cards: Mapping[int, Card], drawing: Drawing) -> None:
        self.picture, self.cards, self.drawing = picture, cards, drawing
        self.theme: Mapping[Role, str] = drawing.colours
        self.groups = nesting(picture).drawn

    def lines(self) -> Iterator[str]:
        yield from self._head()
        picture, depth = self.picture, 0
        for entry in walk(picture):
            if entry is None:
                if depth > 0:
                    yield f"{'  ' * depth}end"
                depth -= 1
                continue
            g, nodes = entry
            if g >= 0:
                depth += 1
                yield f'{"  " * depth}subgraph g{g} ["{_escaped(picture.groups[g].label)}"]'
            yield from (f"{'  ' * (depth + 1)}{self._node(node)}" for node in nodes)
        yield from (f"  {self._arrow(arrow)}" for arrow in picture.arrows)
        yield from (f"  {line}" for line in self._styles())

    def _head(self) -> Iterator[str]:
        """Lines of YAML, of which JSON is a part; and the direction."""
        title = self.drawing.title
        if self.picture.subject:
            subject = f"derivatives of {self.picture.subject}"
            title = f"{title} ({subject})" if title else subject
        colours = {
            "background": self.theme["paper"],
            "edgeLabelBackground": self.theme["paper"],
            "lineColor": self.theme["line"],
            "textColor": self.theme["ink"],
        }
        yield "---"
        if title:
            yield f"title: {json.dumps(show(title), ensure_ascii=True)}"
        config = {"theme": "base", "flowchart": {"wrappingWidth": WIDEST}, "themeVariables": colours}
        yield f"config: {json.dumps(config)}"
        yield "---"
        yield f"flowchart {self.drawing.rankdir.replace('TB', 'TD')}"

    def _node(self, node: PictureNode) -> str:
        look = LOOKS[node.kind]
        left, right = POINTED if look.pointed else DOUBLE if look.double or node.stacked else ROUND
        return f'n{node.id}{left}"{self._label(node)}"{right}:::{node.kind}'

    def _label(self, node: PictureNode) -> str:
        """What stands on the card, line by line; of a heat map its range."""
        lines: list[Sequence[Text]] = []
        for row in self.cards[node.id].rows:
            if isinstance(row, MapRow):
                lines.append((*row.words, *row.figures))
            elif not isinstance(row, SparkRow):  # its first and last value stand on the card too
                lines.append((*row.left, *row.right))
        return "<br/>".join(self._line(texts, "ink") for texts in lines if texts) or "#160;"

    def _arrow(self, arrow: Arrow) -> str:
        """Mermaid has no arrows that point back: the ends change places."""
        texts = label_texts(arrow)
        label = f'|"{"<br/>".join(self._line((text,), "accent") for text in texts)}"|' if texts else ""
        ends = [f"n{arrow.source}", f"g{arrow.into}" if arrow.into in self.groups else f"n{arrow.target}"]
        first, second = reversed(ends) if self.picture.backward else ends
        return f"{first} {LINKS[arrow.style]}{label} {second}"

    def _styles(self) -> Iterator[str]:
        """The outline and weight of each kind of node; of arrows and nodes, what sets some of them apart."""
        picture, theme = self.picture, self.theme
        for kind in dict.fromkeys(node.kind for node in picture.nodes):
            yield f"classDef {kind} {self._look(kind)},color:{theme['ink']}"
        muted = f"fill:{theme['muted fill']},stroke:{theme['faint']},color:{theme['quiet']}"
        border = f"fill:none,stroke:{theme['border']},stroke-width:1.2px,color:{theme['quiet']}"
        yield from _class("muted", [f"n{node.id}" for node in picture.nodes if node.muted], muted)
        marked = [f"n{node.id}" for node in picture.nodes if node.mark]
        yield from _class("marked", marked, f"stroke:{theme['warning']},stroke-width:2px")
        yield from _class("group", [f"g{g}" for g in self.groups], border)
        for node in picture.nodes:
            if node.heat is not None:
                yield f"style n{node.id} fill:{mixed(theme[f'{node.kind} fill'], theme['hot'], HEAT * node.heat)}"
        yield f"linkStyle default stroke:{theme['line']},stroke-width:{WIDTH:g}px,color:{theme['accent']}"
        for style, width in WIDTHS.items():
            arrows = [str(k) for k, arrow in enumerate(picture.arrows) if arrow.style == style]
            role: Role = "faint" if style == "untaken" else "line"
            if arrows:
                yield f"linkStyle {','.join(arrows)} stroke:{theme[role]},stroke-width:{width:g}px"

    def _look(self, kind: Kind) -> str:
        look = LOOKS[kind]
        colours = f"fill:{self.theme[f'{kind} fill']},stroke:{self.theme[f'{kind} line']}"
        return f"{colours},stroke-width:{look.width:g}px{DASHES[look.dash]}"

    def _line(self, texts: Sequence[Text], plain: Role) -> str:
        """Texts side by side, those in another colour than the plain one with it. A name is in italics; the parts of a
        number, which change between two faces, are not torn apart. Of a `style` Mermaid would take away semicolons.
        """
        html = ""
        for role, run in groupby(texts, lambda text: text.role):
            words, before = "", None
            for text in run:
                gap = "" if before is None or before.text.endswith("\xa0") or text.text.startswith("×10") else " "
                words += gap + (f"<i>{_escaped(text.text)}</i>" if text.face == "italic" else _escaped(text.text))
                before = text
            words = words if role == plain else f"<font color='{self.theme[role]}'>{words}</font>"
            html += f" {words}" if html else words
        return html


def _class(name: str, ids: Sequence[str], style: str) -> Iterator[str]:
    """What nodes or groups have in common besides their kind."""
    if ids:
        yield f"classDef {name} {style}"
        yield f"class {','.join(ids)} {name}"


def _escaped(text: str) -> str:
    """User text in Mermaid's entities: whatever is no letter, digit or blank, as its number. No label may be empty."""
    return "".join(c if c.isalnum() or c in " _.,…" else f"#{ord(c)};" for c in show(text) or "\xa0")
