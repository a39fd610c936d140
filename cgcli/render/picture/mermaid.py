"""A picture as Mermaid text, which many sites and editors draw inside of Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cgcli.diagnostics.escape import show

from .content import Arrow, Kind, Picture, PictureNode
from .drawing import Drawing
from .groups import walk
from .themes import LOOKS, Dash, Role

# brackets that give a node its shape; a card has round corners, an output a double line
SHAPES: dict[Kind, tuple[str, str]] = {
    "input": ("([", "])"),
    "param": ("([", "])"),
    "constant": ("[", "]"),
    "value": ("(", ")"),
    "output": ("[[", "]]"),
    "small": ("(", ")"),
    "choice": ("{", "}"),
    "block": ("[", "]"),
    "loop": ("[", "]"),
    "state": ("(", ")"),
}
LINKS = {"value": "-->", "condition": "-.->", "untaken": "-.->", "many": "==>", "next": "-.->", "path": "-.->"}
DASHES: dict[Dash, str] = {"solid": "", "dashed": ",stroke-dasharray:6 3", "dotted": ",stroke-dasharray:2 3"}


def to_mermaid(picture: Picture, drawing: Drawing | None = None) -> str:
    """The picture as the text of a Mermaid flowchart, the same for the same picture."""
    drawing = drawing or Drawing()
    return "\n".join([*_lines(picture, drawing), ""])


def _lines(picture: Picture, drawing: Drawing) -> Iterator[str]:
    if drawing.title:
        # a line of YAML: within double quotes JSON's escapes hold
        import json

        yield from ("---", f"title: {json.dumps(show(drawing.title), ensure_ascii=True)}", "---")
    yield f"flowchart {drawing.rankdir.replace('TB', 'TD')}"
    depth = 0
    for entry in walk(picture):
        if entry is None:
            if depth > 0:
                yield f"{'  ' * depth}end"
            depth -= 1
            continue
        g, nodes = entry
        if g >= 0:
            depth += 1
            yield f'{"  " * depth}subgraph g{g} ["{_text(picture.groups[g].label)}"]'
        yield from (f"{'  ' * (depth + 1)}{_node(node)}" for node in nodes)
    for arrow in picture.arrows:
        yield f"  {_arrow(arrow, picture.backward)}"
    theme = drawing.colours
    for kind in dict.fromkeys(node.kind for node in picture.nodes):
        yield f"  classDef {kind} {_style(kind, theme)},color:{theme['ink']}"


def _node(node: PictureNode) -> str:
    left, right = SHAPES[node.kind]
    title = f"<i>{_text(node.title)}</i>" if node.formula and node.kind not in ("block", "loop") else _text(node.title)
    lines = [title] if node.title else []
    if node.formula:
        lines.append(_text(node.formula))
    if node.shape:
        lines.append(_text(node.shape))
    lines += [_text(f"{word} {text}".lstrip()) for word, text, _ in node.lines]
    return f'n{node.id}{left}"{"<br/>".join(lines) or "#160;"}"{right}:::{node.kind}'


def _arrow(arrow: Arrow, backward: bool) -> str:
    """Mermaid has no arrows that point back: the ends change places."""
    texts = [_text(text) for text in (arrow.label, arrow.note) if text]
    label = f'|"{"<br/>".join(texts)}"|' if texts else ""
    first, second = (arrow.target, arrow.source) if backward else (arrow.source, arrow.target)
    return f"n{first} {LINKS[arrow.style]}{label} n{second}"


def _style(kind: Kind, theme: Mapping[Role, str]) -> str:
    look = LOOKS[kind]
    colours = f"fill:{theme[f'{kind} fill']},stroke:{theme[f'{kind} line']}"
    return f"{colours},stroke-width:{look.width:g}px{DASHES[look.dash]}"


def _text(text: str) -> str:
    """User text in Mermaid's entities: whatever is no letter, digit or blank, as its number."""
    return "".join(c if c.isalnum() or c in " _.,…" else f"#{ord(c)};" for c in show(text))
