"""A picture as Mermaid text, which many sites and editors draw inside of Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from cgcli.diagnostics.escape import show

from .content import Arrow, Kind, Picture, PictureNode, with_outer
from .dot import DIRECTIONS, Drawing
from .themes import THEMES, Look

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
DASHES = {"dashed": "6 3", "dotted": "2 3"}


def to_mermaid(picture: Picture, drawing: Drawing | None = None) -> str:
    """The picture as the text of a Mermaid flowchart, the same for the same picture."""
    drawing = drawing or Drawing()
    return "\n".join([*_lines(picture, drawing), ""])


def _lines(picture: Picture, drawing: Drawing) -> Iterator[str]:
    if drawing.title:
        # a line of YAML: within double quotes JSON's escapes hold
        import json

        yield from ("---", f"title: {json.dumps(show(drawing.title), ensure_ascii=True)}", "---")
    direction = {"LR": "LR", "TB": "TD", "RL": "RL", "BT": "BT"}[DIRECTIONS[drawing.direction]]
    yield f"flowchart {direction}"
    nodes_of: dict[int, list[PictureNode]] = {}
    for node in picture.nodes:
        nodes_of.setdefault(node.group, []).append(node)
    children: dict[int, list[int]] = {}
    for g in sorted(with_outer(picture.groups, {node.group for node in picture.nodes if node.group >= 0})):
        children.setdefault(picture.groups[g].parent, []).append(g)
    # a stack, for calls may nest deeply: groups that are still to be written, None for the end of one
    stack: list[tuple[int, int] | None] = [(g, 1) for g in reversed(children.get(-1, []))]
    yield from (f"  {_node(node)}" for node in nodes_of.get(-1, []))
    depth = 0
    while stack:
        top = stack.pop()
        if top is None:
            yield f"{'  ' * depth}end"
            depth -= 1
            continue
        g, depth = top
        yield f'{"  " * depth}subgraph g{g} ["{_text(picture.groups[g].label)}"]'
        yield from (f"{'  ' * (depth + 1)}{_node(node)}" for node in nodes_of.get(g, []))
        stack.append(None)
        stack.extend((c, depth + 1) for c in reversed(children.get(g, [])))
    for arrow in picture.arrows:
        yield f"  {_arrow(arrow, picture.backward)}"
    theme = THEMES[drawing.theme]
    for kind in dict.fromkeys(node.kind for node in picture.nodes):
        yield f"  classDef {kind} {_style(theme.looks[kind])},color:{theme.ink}"


def _node(node: PictureNode) -> str:
    left, right = SHAPES[node.kind]
    title = f"<i>{_text(node.title)}</i>" if node.formula and node.kind not in ("block", "loop") else _text(node.title)
    lines = [title] if node.title else []
    if node.formula:
        lines.append(_text(node.formula))
    if node.value:
        lines.append(f"value {_text(node.value)}")
    if node.gradient:
        lines.append(f"{_text(node.gradient_of or 'derivative')} {_text(node.gradient)}")
    return f'n{node.id}{left}"{"<br/>".join(lines) or "#160;"}"{right}:::{node.kind}'


def _arrow(arrow: Arrow, backward: bool) -> str:
    """Mermaid has no arrows that point back: the ends change places."""
    label = f'|"{_text(arrow.label)}"|' if arrow.label else ""
    first, second = (arrow.target, arrow.source) if backward else (arrow.source, arrow.target)
    return f"n{first} {LINKS[arrow.style]}{label} n{second}"


def _style(look: Look) -> str:
    dashes = next((f",stroke-dasharray:{d}" for word, d in DASHES.items() if word in look.style), "")
    return f"fill:{look.fill},stroke:{look.line},stroke-width:{look.width:g}px{dashes}"


def _text(text: str) -> str:
    """User text in Mermaid's entities: whatever is no letter, digit or blank, as its number."""
    return "".join(c if c.isalnum() or c in " _.,…" else f"#{ord(c)};" for c in show(text))
