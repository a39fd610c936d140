"""The layout of a picture, as data: where its cards, groups, arrows and labels stand. Every format draws the same one.

Graphviz places boxes of fixed sizes and routes the arrows from centre to centre; here they are cut off at the outlines
of the cards. `effort` says how thoroughly it works.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from .card import Card, card
from .content import Arrow, Picture
from .drawing import DIRECTIONS, Direction, Drawing, fits
from .effort import Effort, effort
from .groups import nesting, walk
from .label_boxes import label_boxes
from .layout_process import graphviz_layouts
from .routes import Inside, Route, clipped, inside_box, inside_card
from .shapes import Box, Point, Text, text_at
from .themes import LOOKS, Role

PAGE = (1400, 900)  # the picture that fits it at the larger scale is taken
NODE_GAP = 0.36  # inches between cards of a rank
GAP, MOST_GAP = 0.6, 1.6  # inches between ranks
MOST_WIDE = 12  # cards of a picture with wide gaps
LABEL_SIZE = 12.0
LABEL_HEIGHT = 16
CHIP_SIZE = 12.0
CHIP_HEIGHT = 20
CHIP_LEFT = 12  # from the border of its group
GROUP_RADIUS = 12  # of the corners of a group


@dataclass(frozen=True)
class Layout:
    """width, height: of the whole, with a margin. cards, groups: boxes by the node's id and the group's number. chips:
    those of the groups' titles. routes, labels: of arrows by their number; an arrow whose ends touch has no route.

    Coordinates are CSS pixels from the upper left corner.
    """

    width: float
    height: float
    direction: Direction
    cards: Mapping[int, Box]
    groups: Mapping[int, Box]
    chips: Mapping[int, Box]
    routes: Mapping[int, Route]
    labels: Mapping[int, Box]
    note: str | None = None

    @property
    def scale(self) -> float:
        """At which it fits a page."""
        return min(PAGE[0] / self.width, PAGE[1] / self.height)

    def to_data(self, picture: Picture) -> dict[str, Any]:
        """The layout for JSON; docs/graph-schema.md describes it."""
        return {
            "format": "cg-layout",
            "version": 1,
            "width": _rounded(self.width),
            "height": _rounded(self.height),
            "direction": self.direction,
            "nodes": [{"id": i, **_box_data(box)} for i, box in self.cards.items()],
            "groups": [
                {"id": g, **_box_data(box), "title": _box_data(self.chips[g])} for g, box in self.groups.items()
            ],
            "arrows": [
                {
                    "source": arrow.source,
                    "target": arrow.target,
                    "curve": [_point_data(p) for p in self.routes[k].points] if k in self.routes else [],
                    "tip": _point_data(self.routes[k].tip) if k in self.routes else None,
                    "label": _box_data(self.labels[k]) if k in self.labels else None,
                }
                for k, arrow in enumerate(picture.arrows)
            ],
        }


def cards_of(picture: Picture) -> dict[int, Card]:
    """The card of each node."""
    return {node.id: card(node) for node in picture.nodes}


def lay_out(picture: Picture, drawing: Drawing | None = None, cards: Mapping[int, Card] | None = None) -> Layout:
    """The layout of a picture. cards: as from `cards_of`. Raises CgError as `graphviz_layouts` does."""
    drawing = drawing or Drawing()
    cards = cards_of(picture) if cards is None else cards
    directions: tuple[Direction, ...] = ("right", "down") if drawing.direction == "auto" else (drawing.direction,)
    how = effort(picture, any(map(label_texts, picture.arrows)))
    results = graphviz_layouts([_dot(picture, cards, direction, how) for direction in directions])
    layouts = [
        _layout(picture, cards, direction, how, result) for direction, result in zip(directions, results, strict=True)
    ]
    return max(layouts, key=lambda layout: (fits(layout.width, layout.height), layout.scale))  # of equals the first


def label_texts(arrow: Arrow) -> list[Text]:
    """The lines beside an arrow: its label, in the colour of derivatives, and its note."""
    label_role: Role = "quiet" if arrow.style in ("condition", "untaken") else "accent"
    lines = ((arrow.label, label_role), (arrow.note, "quiet"))
    return [text_at(0, 0, text, "sans", LABEL_SIZE, role) for text, role in lines if text]


def chip_text(title: str) -> Text:
    """The title of a group."""
    return text_at(0, 0, title, "sans", CHIP_SIZE, "quiet")


# ---- what Graphviz is told


def _dot(picture: Picture, cards: Mapping[int, Card], direction: Direction, how: Effort) -> str:
    """The picture as DOT with sizes alone; a pixel is a point."""
    lines = [
        "digraph {",
        f"graph [rankdir={DIRECTIONS[direction]} {_gaps(picture)} {how.attributes}]",
        'node [shape=box fixedsize=true label=""]',
        "edge [arrowhead=none headclip=false tailclip=false]",
        *_nodes_and_groups(picture, cards),
        *(_edge(k, arrow) for k, arrow in enumerate(picture.arrows)),
        "}",
    ]
    return "\n".join(lines)


def _gaps(picture: Picture) -> str:
    """The gaps between cards, narrower in a large picture, and between ranks: more where many arrows meet, so that they
    do not come in too steeply.
    """
    ends = Counter(arrow.source for arrow in picture.arrows), Counter(arrow.target for arrow in picture.arrows)
    most = max((n for counts in ends for n in counts.values()), default=0)
    share = 1.0 if len(picture.nodes) <= MOST_WIDE else 0.6
    return f"nodesep={NODE_GAP * share:.2f} ranksep={share * min(MOST_GAP, GAP + 0.1 * max(0, most - 4)):.2f}"


def _nodes_and_groups(picture: Picture, cards: Mapping[int, Card]) -> Iterator[str]:
    for entry in walk(picture):
        if entry is None:
            yield "}"
            continue
        g, nodes = entry
        if g < 0:
            yield "{"
        else:
            width = chip_text(picture.groups[g].label).width + 2 * CHIP_LEFT + 12
            yield f"subgraph cluster_{g} {{"
            yield f"graph [margin=14 labeljust=l label={_room(width, CHIP_HEIGHT)}]"
        for node in nodes:
            size = cards[node.id]
            yield f"n{node.id} [width={size.width / 72:.5f} height={size.height / 72:.5f}]"


def _edge(k: int, arrow: Arrow) -> str:
    attributes = f"arrow={k}"
    texts = label_texts(arrow)
    if texts:
        attributes += f" label={_room(max(t.width for t in texts) + 10, len(texts) * LABEL_HEIGHT)}"
    if arrow.style == "next":
        attributes += " constraint=false"
    if arrow.into >= 0:
        attributes += " minlen=2"  # room in front of the border
    return f"n{arrow.source} -> n{arrow.target} [{attributes}]"


def _room(width: float, height: float) -> str:
    """A label without a text."""
    size = f'FIXEDSIZE="TRUE" WIDTH="{round(width)}" HEIGHT="{round(height)}"'
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" {size}><TR><TD></TD></TR></TABLE>>'


# ---- what Graphviz answers


class _Frame(NamedTuple):
    """Graphviz's coordinates have their origin at the lower left."""

    left: float
    top: float

    def point(self, text: str) -> tuple[float, float]:
        x, y = text.split(",")[-2:]
        return float(x) - self.left, self.top - float(y)

    def box(self, text: str) -> Box:
        left, low, right, high = (float(part) for part in text.split(","))
        return Box(left - self.left, self.top - high, right - left, high - low)


def _layout(
    picture: Picture, cards: Mapping[int, Card], direction: Direction, how: Effort, result: Mapping[str, Any]
) -> Layout:
    left, _, _, high = (float(part) for part in result["bb"].split(","))
    frame = _Frame(left, high)
    boxes: dict[int, Box] = dict.fromkeys(cards, Box(0, 0, 0, 0))  # in the order of the picture
    groups: dict[int, Box] = {}
    for item in result.get("objects", ()):
        name = item["name"]
        if name.startswith("cluster_"):
            area = frame.box(item["bb"])  # the upper half of the title stands out of the border
            groups[int(name[8:])] = Box(area.x, area.y + CHIP_HEIGHT / 2, area.width, area.height - CHIP_HEIGHT / 2)
        elif "pos" in item:
            x, y = frame.point(item["pos"])
            size = cards[int(name[1:])]
            boxes[int(name[1:])] = Box(x - size.width / 2, y - size.height / 2, size.width, size.height)
    curves = {int(item["arrow"]): item for item in result.get("edges", ()) if "pos" in item}
    if direction in ("right", "left"):
        boxes = _widened(picture, boxes)
    chips = {g: _chip(box, picture.groups[g].label) for g, box in groups.items()}
    labels = {}
    routes = {}
    for k, item in sorted(curves.items()):
        arrow = picture.arrows[k]
        points = [frame.point(part) for part in item["pos"].split()]
        source, target = (inside_card(boxes[i], cards[i]) for i in (arrow.source, arrow.target))
        if arrow.into in groups:
            border, title = inside_box(groups[arrow.into], GROUP_RADIUS), inside_box(chips[arrow.into], CHIP_HEIGHT / 2)
            target = partial(_inside_either, border, title)
        route = clipped(points, source, target, head_at_start=picture.backward)
        if route is not None:
            routes[k] = route
        if "lp" in item:
            texts = label_texts(arrow)
            x, y = frame.point(item["lp"])
            width, height = max(t.width for t in texts), len(texts) * LABEL_HEIGHT
            labels[k] = Box(x - width / 2, y - height / 2, width, height)
    labels = label_boxes(labels, routes, (*boxes.values(), *chips.values()), groups.values())
    return _framed(direction, boxes, groups, chips, routes, labels, how.note)


def _inside_either(first: Inside, second: Inside, p: Point) -> bool:
    return first(p) or second(p)


def _widened(picture: Picture, boxes: Mapping[int, Box]) -> dict[int, Box]:
    """The boxes, with cards of a rank and a group equally wide."""
    groups = nesting(picture)
    ranks: dict[tuple[int, int], list[int]] = {}
    for node in picture.nodes:
        if node.kind != "small" and not LOOKS[node.kind].pointed:
            ranks.setdefault((round(boxes[node.id].centre[0]), groups.of(node)), []).append(node.id)
    result = dict(boxes)
    for ids in ranks.values():
        width = max(boxes[i].width for i in ids)
        for i in ids:
            result[i] = boxes[i]._replace(x=boxes[i].centre[0] - width / 2, width=width)
    return result


def _chip(group: Box, title: str) -> Box:
    width = chip_text(title).width + 16
    return Box(group.x + CHIP_LEFT, group.y - CHIP_HEIGHT / 2, width, CHIP_HEIGHT)


MARGIN = 20


def _framed(
    direction: Direction,
    cards: Mapping[int, Box],
    groups: Mapping[int, Box],
    chips: Mapping[int, Box],
    routes: Mapping[int, Route],
    labels: Mapping[int, Box],
    note: str | None,
) -> Layout:
    """The layout with the same margin on every side of what is drawn."""
    points = [p for route in routes.values() for p in (*route.points, route.tip)]
    everything = [*cards.values(), *groups.values(), *chips.values(), *labels.values()]
    everything += [Box(x, y, 0, 0) for x, y in points]
    left = min((box.x for box in everything), default=0.0)
    top = min((box.y for box in everything), default=0.0)
    right = max((box.right for box in everything), default=0.0)
    bottom = max((box.bottom for box in everything), default=0.0)
    dx, dy = MARGIN - left, MARGIN - top

    def shift(boxes: Mapping[int, Box]) -> dict[int, Box]:
        return {key: box.moved(dx, dy) for key, box in boxes.items()}

    return Layout(
        right - left + 2 * MARGIN,
        bottom - top + 2 * MARGIN,
        direction,
        shift(cards),
        shift(groups),
        shift(chips),
        {k: route.moved(dx, dy) for k, route in routes.items()},
        shift(labels),
        note,
    )


def _rounded(x: float) -> float:
    return round(x, 2)


def _point_data(point: Sequence[float]) -> list[float]:
    return [_rounded(part) for part in point]


def _box_data(box: Box) -> dict[str, float]:
    return {name: _rounded(part) for name, part in box._asdict().items()}
