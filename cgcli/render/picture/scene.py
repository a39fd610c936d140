"""A picture and its layout as shapes, from back to front: what every painter draws."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from .card import Card, card_shapes
from .content import Arrow, Picture, PictureNode, Style
from .drawing import Drawing
from .layout import CHIP_SIZE, GROUP_RADIUS, LABEL_HEIGHT, LABEL_SIZE, MARGIN, Layout, chip_text, label_texts
from .legend import legend
from .routes import HEAD, Route
from .shapes import Box, Part, Path, Point, Rect, Scene, Shape, Stroke, curve, moved, polygon, text_at
from .themes import Role

TITLE_SIZE, SUBJECT_SIZE, CAPTION_SIZE = 20.0, 13.0, 15.0
BLEED = 2  # of the paper over the edge, which may lie between two pixels
LEGEND_WIDTH = 560  # at least, where the graph is narrower
WIDTHS: dict[Style, float] = {"many": 2.6, "untaken": 1.1}
WIDTH = 1.4  # of other arrows


def scene(
    picture: Picture,
    layout: Layout,
    cards: Mapping[int, Card],
    drawing: Drawing,
    title: str = "",
    *,
    variants: Callable[[Part], Iterable[Part]] = lambda part: (part,),
    captions: Sequence[str] = (),
) -> Scene:
    """The drawing of a picture. title: what it shows, for those who cannot see it; variants: of a part of the graph
    what frames have in its place; captions: of the frames, below the graph."""
    heading = _heading(picture, layout, drawing)
    width, height = _extent(layout, heading)
    below = [text_at(MARGIN, height + CAPTION_SIZE, text, "sans", CAPTION_SIZE, "quiet") for text in captions]
    width = max([width, *(text.width + 2 * MARGIN for text in below)])
    dy = height - layout.height
    dx = (width - layout.width) / 2 if not heading else 0.0
    parts = [Part("heading", tuple(heading))] if heading else []
    for part in _graph(picture, layout, cards, drawing.background != "none"):
        for each in variants(part):
            parts.append(each._replace(shapes=tuple(moved(each.shapes, dx, dy))))
    parts += [Part("caption", (text,), frames=(k, k)) for k, text in enumerate(below)]
    height += CAPTION_SIZE + MARGIN if below else 0
    if drawing.background != "none":
        parts.insert(0, Part("paper", (Rect(Box(0, 0, width, height).grown(BLEED), fill="paper"),)))
    return Scene(width, height, tuple(parts), title, description(picture), (dx, dy), tuple(captions))


def extent(picture: Picture, layout: Layout, drawing: Drawing) -> tuple[float, float]:
    """The width and the height of a drawing, with what stands above the graph."""
    return _extent(layout, _heading(picture, layout, drawing))


def _extent(layout: Layout, heading: list[Shape]) -> tuple[float, float]:
    rights = (s.x + s.width + MARGIN for s in heading if not isinstance(s, (Rect, Path)))
    return max([layout.width, *rights]), layout.height + _heading_height(heading)


def description(picture: Picture) -> str:
    """What a picture shows, in a sentence or two."""
    kinds: Counter[str] = Counter(node.kind for node in picture.nodes)
    counts = [(kinds[kind], word) for kind, word in (("input", "input"), ("param", "parameter"), ("output", "output"))]
    named = ", ".join(_count(n, word) for n, word in counts if n)
    text = f"A graph of {_count(len(picture.nodes), 'node')} and {_count(len(picture.arrows), 'arrow')}"
    text += f": {named}." if named else "."
    shown = ["values"] if any(node.value for node in picture.nodes) else []
    if any(node.gradient for node in picture.nodes):
        shown.append(f"derivatives of {picture.subject}" if picture.subject else "derivatives")
    text += f" It shows {' and '.join(shown)}." if shown else ""
    return " ".join([text, *(f"{note[:1].upper()}{note[1:]}." for note in picture.notes)])


def _count(n: int, word: str) -> str:
    return f"{n} {word}" if n == 1 else f"{n} {word}s"


# ---- above the graph


def _heading(picture: Picture, layout: Layout, drawing: Drawing) -> list[Shape]:
    """Title, of what the derivatives are, legend."""
    shapes: list[Shape] = []
    y = float(MARGIN)
    if drawing.title:
        shapes.append(text_at(MARGIN, y + 18, drawing.title, "sans", TITLE_SIZE, "ink"))
        y += 32
    if picture.subject:
        words = text_at(MARGIN, y + 12, "derivatives of", "sans", SUBJECT_SIZE, "quiet")
        shapes += [
            words,
            text_at(MARGIN + words.width + 6, y + 12, picture.subject, "italic", SUBJECT_SIZE + 2, "accent"),
        ]
        y += 22
    if drawing.legend:
        _, each = legend(picture, max(LEGEND_WIDTH, layout.width - 2 * MARGIN))
        shapes += moved(each, MARGIN, y)
    return shapes


def _heading_height(shapes: list[Shape]) -> float:
    bottoms = [s.y + 4 for s in shapes if not isinstance(s, (Rect, Path))]
    bottoms += [s.box.bottom for s in shapes if isinstance(s, Rect)]
    return max(bottoms) if bottoms else 0.0


# ---- the graph


def _graph(picture: Picture, layout: Layout, cards: Mapping[int, Card], halos: bool) -> Iterator[Part]:
    for g, box in layout.groups.items():
        yield Part("group", (Rect(box, GROUP_RADIUS, stroke=Stroke("border", 1.2)),), id=g)
    names = {node.id: node.title or node.formula for node in picture.nodes}
    for k, route in layout.routes.items():
        arrow = picture.arrows[k]
        words = f"{names[arrow.source]} → {names[arrow.target]}"
        said = ", ".join(text for text in (arrow.label, arrow.note) if text)
        yield Part("arrow", tuple(_arrow(arrow, route)), f"{words}: {said}" if said else words, k)
    for k, box in layout.labels.items():
        yield Part("label", tuple(_label(picture.arrows[k], box, halos)), id=k)
    for node in picture.nodes:
        yield Part("node", tuple(card_shapes(cards[node.id], layout.cards[node.id])), _node_title(node), node.id)
    for g, box in layout.chips.items():
        group = picture.groups[g]
        paper = Rect(box, box.height / 2, "paper", Stroke("border", 1.2))
        text = chip_text(group.label)
        placed = text._replace(x=box.centre[0] - text.width / 2, y=box.centre[1] + 0.36 * CHIP_SIZE)
        yield Part("chip", (paper, placed), group.tooltip or group.label, g)


def _node_title(node: PictureNode) -> str:
    return node.tooltip or " ".join(part for part in (node.title, node.formula) if part)


def _arrow(arrow: Arrow, route: Route) -> Iterator[Shape]:
    role: Role = "faint" if arrow.style == "untaken" else "line"
    dash = {"condition": "dashed", "untaken": "dashed", "next": "dashed", "path": "dotted"}.get(arrow.style, "solid")
    width = WIDTHS.get(arrow.style, WIDTH)
    yield curve(route.points, Stroke(role, width, dash))  # type: ignore[arg-type]  # one of them
    back, tip = route.points[-1], route.tip
    length = max(1e-9, ((tip[0] - back[0]) ** 2 + (tip[1] - back[1]) ** 2) ** 0.5)
    along = (tip[0] - back[0]) / length, (tip[1] - back[1]) / length

    def at(forward: float, aside: float) -> Point:
        return back[0] + along[0] * forward - along[1] * aside, back[1] + along[1] * forward + along[0] * aside

    half = 4.5 if arrow.style == "many" else 3.6
    if arrow.style == "condition":  # a hollow diamond
        yield polygon(
            (at(0, 0), at(HEAD / 2, half + 0.6), at(HEAD, 0), at(HEAD / 2, -half - 0.6)), "paper", Stroke(role, 1.2)
        )
    else:
        yield polygon((at(HEAD, 0), at(-1.2, half), at(-0.6, 0), at(-1.2, -half)), role)


def _label(arrow: Arrow, box: Box, halo: bool) -> Iterator[Shape]:
    """The words beside an arrow, on a piece of paper that keeps other arrows off."""
    if halo:
        yield Rect(box, 3, "paper", opacity=0.85)
    for k, text in enumerate(label_texts(arrow)):
        middle = box.y + LABEL_HEIGHT * (k + 0.5)
        yield text._replace(x=box.centre[0] - text.width / 2, y=middle + 0.36 * LABEL_SIZE)
