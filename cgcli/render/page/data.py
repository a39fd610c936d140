"""The data of a live page: what it shows, where it stands, and in which slot of the results each number is.

docs/page-data.md describes the object.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cgcli.diagnostics.source import Span
from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import LOOP, NONE, Graph
from cgcli.graph.signature import Input
from cgcli.graph.types import Type
from cgcli.ops.loops import LoopView
from cgcli.render.formula import number
from cgcli.render.numbers import plain
from cgcli.render.picture.card import Card, SparkRow, TextRow, placed_rows
from cgcli.render.picture.content import STEPS, Arrow, Origin, Part, Path, Picture, PictureNode
from cgcli.render.picture.draw import Arranged
from cgcli.render.picture.drawing import Drawing
from cgcli.render.picture.scene import scene
from cgcli.render.picture.shapes import Part as ScenePart
from cgcli.render.picture.shapes import Rect, Scene, Shape, Stroke, Text
from cgcli.render.picture.svg import DASHES, path_text
from cgcli.render.picture.svg import number as length
from cgcli.render.picture.themes import THEMES, Role
from cgcli.render.tensors import heat_map, is_tensor, norm, range_text

CARD_ROOM, LABEL_ROOM = "−0.000000", "−0.0000"  # for numbers that change
CELLS = 64  # of the map of a tensor, along an axis
BINS = 32  # of its histogram
_Loops = dict[tuple[Path, int], tuple[int, list[int]]]
"""By loop whose variables are drawn: its group, and the cards of these variables."""
_NAMELESS = ("small", "choice", "block", "loop")  # kinds of cards whose titles are no names
ORDINARY = 5.0  # half of the range of an input at 0


@dataclass(frozen=True)
class Slots:
    """Where each number is among those that a pass computes.

    values, derivatives: by origin; parts: by what an arrow's label is the derivative of; series: by origin, the number
    of the list. conditions: of each `cond` of the branches that are drawn.
    """

    values: dict[Origin, int] = field(default_factory=dict)
    derivatives: dict[Origin, int] = field(default_factory=dict)
    parts: dict[Part, int] = field(default_factory=dict)
    series: dict[Origin, int] = field(default_factory=dict)
    conditions: dict[tuple[Path, int], int] = field(default_factory=dict)


def graph_at(graph: Graph, path: Path) -> Graph:
    """The graph of a branch."""
    for i, side in path:
        graph = graph.attrs[i][side]
    return graph


def roomy(picture: Picture, slots: Slots, of: Sequence[str]) -> Picture:
    """The picture with room for every number that changes, and without what would not change with them: the range of
    many values, where the first NaN is, how many steps a loop took, which side of a branch was taken.

    of: the names of what the reader may choose to differentiate; where there are several, cards say `∂/∂x`.
    """
    names = {node.id: node.title for node in picture.nodes if node.kind not in _NAMELESS}

    def node_with_room(node: PictureNode) -> PictureNode:
        if node.origin in slots.series:
            return replace(node, value=f"{CARD_ROOM} → {CARD_ROOM}", series=node.series or (0.0, 1.0), mark="")
        has_value = node.origin in slots.values and (node.value or node.muted)
        has_derivative = node.origin in slots.derivatives
        by = node.gradient_of.partition("/")[2] or f"∂{node.title or '·'}"
        gradient_of = f"∂/{by}" if len(of) > 1 and node.kind != "block" else node.gradient_of
        if has_derivative and not gradient_of and node.id in names:
            gradient_of = f"∂{of[0]}/{by}"
        return replace(
            node,
            value=CARD_ROOM if has_value else "",
            gradient=CARD_ROOM if has_derivative else "",
            gradient_of=gradient_of if has_derivative else "",
            series=(),
            mark="",
            muted=False,
        )

    def arrow_with_room(arrow: Arrow) -> Arrow:
        if arrow.style == "untaken":
            arrow = replace(arrow, style="value")
        if arrow.part not in slots.parts:
            return arrow
        to, by = names.get(arrow.target), names.get(arrow.source)
        prefix = _prefix(arrow) or (f"∂{to}/∂{by} = " if to and by and not arrow.note else "")
        return replace(arrow, label=prefix + LABEL_ROOM)

    return replace(
        picture,
        nodes=tuple(map(node_with_room, picture.nodes)),
        arrows=tuple(map(arrow_with_room, picture.arrows)),
        groups=tuple(group._replace(label=group.label.partition(STEPS)[0]) for group in picture.groups),
    )


def _prefix(arrow: Arrow) -> str:
    """What stands before the number beside an arrow."""
    left, equals, _ = arrow.label.partition(" = ")
    return left + equals if equals else ""


@dataclass(frozen=True)
class PageProgram:
    """A program as a page shows it.

    evaluation: at the recorded point. inputs: their declarations and values; of: the names of the outputs that can be
    differentiated, and their nodes. expected: points to try, with their `pass`, `inputs` and `slots`. stops: by pass
    where the nodes that may stop it were written, by the number of their status. why: why nothing recomputes, in words
    for the reader; empty where it does.
    """

    name: str
    source: str
    file: str
    graph: Graph
    evaluation: Evaluation
    inputs: Sequence[tuple[Input, Any]]
    of: Sequence[tuple[str, int]]
    expected: Sequence[Mapping[str, Any]] = ()
    stops: Sequence[Mapping[int, Span]] = ()
    why: str = ""


def page_data(
    program: PageProgram,
    arranged: Arranged,
    slots: Slots,
    drawing: Drawing,
    recorded: tuple[Sequence[float], Sequence[Sequence[float]]],
) -> dict[str, Any]:
    """The data of a page. recorded: the numbers in the slots, and the series."""
    return _Writer(program, arranged, slots, drawing).data() | {
        "slots": _numbers(recorded[0]),
        "series": list(map(_numbers, recorded[1])),
        "expected": [
            {**point, "inputs": _numbers(point["inputs"]), "slots": _numbers(point["slots"])}
            for point in program.expected
        ],
        "stops": [
            {str(node): span.line for node, span in stops.items() if span.source.text == program.source}
            for stops in program.stops
        ],
        "notes": list(arranged.picture.notes),
    }


def _numbers(numbers: Sequence[float]) -> list[Any]:
    return [_plain(x) for x in numbers]


class _Writer:
    def __init__(self, program: PageProgram, arranged: Arranged, slots: Slots, drawing: Drawing) -> None:
        self.program, self.picture, self.slots, self.drawing = program, arranged.picture, slots, drawing
        self.cards, self.layout = arranged.cards, arranged.layout
        self.index = {node.id: k for k, node in enumerate(self.picture.nodes)}
        self.of_origin = {node.origin: k for k, node in enumerate(self.picture.nodes) if node.origin is not None}
        self.roles: set[Role] = set()

    def data(self) -> dict[str, Any]:
        program = self.program
        shapes = scene(self.picture, self.layout, self.cards, self.drawing, program.name)
        of = [{"name": name, "card": self.of_origin.get(Origin((), i), NONE)} for name, i in program.of]
        loops = self._loops()
        return {
            "format": "cg-page",
            "version": 1,
            "theme": self.drawing.theme,
            "name": program.name,
            "formula": self._title(),
            "description": shapes.description,
            "source": {"name": program.file, "lines": program.source.split("\n")},
            "of": of,
            "inputs": [self._input(declared, value) for declared, value in program.inputs],
            "why": program.why,
            "passes": 0 if program.why else max(1, len(of)),
            "cards": [self._card(k, node, loops) for k, node in enumerate(self.picture.nodes)],
            "arrows": [self._arrow(arrow) for arrow in self.picture.arrows],
            "loops": [
                {"title": self.picture.groups[g].label if g >= 0 else "", "group": g, "cards": cards}
                for g, cards in loops.values()
            ],
            "branches": self._branches(),
            "scene": self._scene(shapes),
            "themes": {
                theme: {role: THEMES[theme][role] for role in sorted(self.roles)} for theme in ("light", "dark")
            },
        }  # fmt: skip

    def _title(self) -> str:
        """The equation of the output, where there is one and it is short."""
        outputs = [node for node in self.picture.nodes if node.kind == "output"]
        if len(outputs) != 1 or not outputs[0].title or "…" in outputs[0].formula:
            return ""
        formula = outputs[0].formula.replace("\n", " ")
        return f"{outputs[0].title} = {formula}" if formula else ""

    def _input(self, declared: Input, value: Any) -> dict[str, Any]:
        t = declared.type
        is_number = not t.shape
        low, high = _range(declared, value) if is_number else (0.0, 0.0)
        node = next(i for i in self.program.graph.inputs if self.program.graph.names.get(i) == declared.name)
        return {
            "name": declared.name,
            "kind": declared.kind,
            "type": str(t),
            "value": _plain(value) if is_number else None,
            "low": low,
            "high": high,
            "doc": declared.doc,
            "card": self.of_origin.get(Origin((), node), NONE),
        }

    # ---- cards and arrows

    def _card(self, k: int, node: PictureNode, loops: _Loops) -> dict[str, Any]:
        origin, slots = node.origin, self.slots
        is_state = origin is not None and origin.carry is not None
        loop = list(loops).index((origin.path, origin.node)) if is_state and origin in slots.series else NONE
        derivative = slots.derivatives.get(origin, NONE) if origin is not None else NONE
        return {
            "id": k,
            "kind": node.kind,
            "title": node.title,
            "formula": node.formula,
            "label": node.title or node.formula.replace("\n", " "),
            "type": self._type(origin),
            "line": self._line(origin),
            "value": slots.values.get(origin, NONE) if origin is not None else NONE,
            "derivative": [derivative for _ in self.program.of],
            "how": self._how(node),
            "tensor": self._tensor(origin),
            "series": slots.series.get(origin, NONE) if origin is not None else NONE,
            "loop": loop,
        }

    def _type(self, origin: Origin | None) -> str:
        if origin is None:
            return ""
        graph = graph_at(self.program.graph, origin.path)
        if origin.carry is not None:
            view: LoopView[int] = LoopView(graph.attrs[origin.node], graph.operands(origin.node))
            return str(graph.type_of(view.carries[origin.carry])).removeprefix("~")
        return str(graph.type_of(origin.node)).removeprefix("~")

    def _line(self, origin: Origin | None) -> int:
        """The line of the program in which a node was written, 0 for none."""
        if origin is None:
            return 0
        graph = graph_at(self.program.graph, origin.path)
        span = graph.span[origin.node]
        if span == NONE or graph.spans[span].source.text != self.program.source:
            return 0
        return graph.spans[span].line

    def _how(self, node: PictureNode) -> list[str | int]:
        """The formula with cards in place of the names of what it reads."""
        sources = {a.source for a in self.picture.arrows if a.target == node.id and a.style != "next"}
        named = (n for n in self.picture.nodes if n.id in sources and n.kind not in _NAMELESS)
        cards = {n.title: self.index[n.id] for n in named if n.title}
        formula = " ".join(node.formula.split("\n")).removeprefix("= ")
        if not cards or node.kind in ("input", "param", "constant", "block", "loop", "state"):
            return []
        names = "|".join(re.escape(name) for name in sorted(cards, key=len, reverse=True))
        parts = re.split(rf"(?<![\w.])({names})(?![\w₀-₉ₖ-ₙ])", formula)
        return [cards[part] if k % 2 else part for k, part in enumerate(parts) if part]

    def _tensor(self, origin: Origin | None) -> dict[str, Any] | None:
        """The maps of a tensor and of the derivative by it."""
        if origin is None or origin.path or origin.carry is not None:
            return None
        evaluation = self.program.evaluation
        value = evaluation.values[origin.node]
        adjoint = evaluation.adjoints[origin.node] if evaluation.adjoints else None
        if not is_tensor(value):
            return None
        return {"value": _tensor_data(value), "derivative": [_tensor_data(adjoint) if is_tensor(adjoint) else None]}

    def _arrow(self, arrow: Arrow) -> dict[str, Any]:
        slot = self.slots.parts.get(arrow.part, NONE) if arrow.part is not None else NONE
        return {
            "source": self.index[arrow.source],
            "target": self.index[arrow.target],
            "slot": slot,
            "prefix": _prefix(arrow) if slot >= 0 else "",
            "rule": arrow.label if slot < 0 else "",
            "note": arrow.note,
            "style": arrow.style,
        }

    def _loops(self) -> _Loops:
        """By loop whose variables are drawn: its group, and the cards of these variables."""
        loops: _Loops = {}
        for k, node in enumerate(self.picture.nodes):
            if node.origin is not None and node.origin in self.slots.series:
                _, cards = loops.setdefault((node.origin.path, node.origin.node), (node.group, []))
                cards.append(k)
        return loops

    def _branches(self) -> list[dict[str, Any]]:
        """By `cond` the slot of its condition, and the cards of both sides."""
        sides: dict[tuple[Path, int], dict[str, list[int]]] = {}
        for k, node in enumerate(self.picture.nodes):
            path = node.origin.path if node.origin is not None else ()
            for depth, (i, side) in enumerate(path):
                sides.setdefault((path[:depth], i), {"then": [], "else": []})[side].append(k)
        return [{"slot": self.slots.conditions.get(key, NONE), **cards} for key, cards in sides.items()]

    # ---- the drawing

    def _scene(self, drawn: Scene) -> dict[str, Any]:
        parts = []
        for part in drawn.parts:
            if part.kind == "paper":
                continue
            shapes = self._node(part) if part.kind == "node" else [self._shape(s, part) for s in part.shapes]
            identity = self.index[part.id] if part.kind == "node" else part.id
            parts.append({"kind": part.kind, "id": identity, "title": part.title, "shapes": shapes})
        for role in ("paper", "ink", "quiet", "line", "faint", "border", "accent", "warning", "positive", "negative",
                     "zero", "nothing", "input line", "output line", "muted fill"):  # fmt: skip
            self.roles.add(role)
        self.roles.update(role for role in THEMES["light"] if role.startswith("cell "))
        return {"width": _rounded(drawn.width), "height": _rounded(drawn.height), "parts": parts}

    def _node(self, part: ScenePart) -> list[list[Any]]:
        """A card: its shapes, but numbers that change and their curves as the room for them."""
        node = self.picture.nodes[self.index[part.id]]
        box = self.layout.cards[part.id]
        card: Card = self.cards[part.id]
        rows = list(placed_rows(card, box))
        dynamic: list[list[Any]] = []
        static: set[Shape] = set()
        origin = node.origin
        for row, (x, y, width, height) in rows:
            shapes = list(row.shapes(x, y, width))
            if isinstance(row, SparkRow) and origin in self.slots.series:
                dynamic.append(["s", _rounded(x), _rounded(y), _rounded(width), height, self._role(row.role)])
            elif isinstance(row, TextRow) and row.shows and self._changes(origin, row.shows):
                text = next(s for s in reversed(shapes) if isinstance(s, Text))
                dynamic.append(self._number(row, text))
                shapes = [text] if origin not in self.slots.series else [s for s in shapes if s.face == "mono"]  # type: ignore[union-attr]
            else:
                continue
            static.update(shapes)
        return [self._shape(s, part) for s in part.shapes if s not in static] + dynamic

    def _changes(self, origin: Origin | None, shows: str) -> bool:
        if origin is None:
            return False
        slots = self.slots.values if shows == "value" else self.slots.derivatives
        return origin in slots or (shows == "value" and origin in self.slots.series)

    def _number(self, row: TextRow, text: Text) -> list[Any]:
        """The room for a number: at the end of a row, in its middle, or behind the sign of a derivative."""
        anchor = "end"
        x = text.x + text.width
        if row.centred:
            anchor = "start" if len(row.left) > 1 else "middle"
            x = text.x if anchor == "start" else text.x + text.width / 2
        return ["n", row.shows, _rounded(x), _rounded(text.y), _rounded(text.width), anchor, text.face, text.size,
                self._role(text.role)]  # fmt: skip

    def _shape(self, shape: Shape, part: ScenePart) -> list[Any]:
        if isinstance(shape, Text):
            if part.kind == "label":
                arrow = self.picture.arrows[part.id]
                if arrow.part in self.slots.parts and shape.text == arrow.label:
                    x = shape.x + shape.width / 2
                    return ["n", "partial", _rounded(x), _rounded(shape.y), _rounded(shape.width), "middle", shape.face,
                            shape.size, self._role(shape.role)]  # fmt: skip
            return ["t", _rounded(shape.x), _rounded(shape.y), shape.text, shape.face, shape.size,
                    self._role(shape.role), _rounded(shape.width)]  # fmt: skip
        if isinstance(shape, Rect):
            box = shape.box
            return ["r", *map(_rounded, box), shape.radius, self._role(shape.fill), *self._stroke(shape.stroke),
                    shape.opacity]  # fmt: skip
        return ["p", path_text(shape), self._role(shape.fill), *self._stroke(shape.stroke), int(shape.crisp)]

    def _role(self, role: Role | None) -> str:
        if role is None:
            return ""
        self.roles.add(role)
        return role

    def _stroke(self, stroke: Stroke | None) -> Iterator[Any]:
        if stroke is None:
            yield from ("", 0, "")
            return
        dash = DASHES[stroke.dash]
        yield from (self._role(stroke.role), stroke.width, " ".join(map(length, dash)) if dash else "")


def loop_cards(graph: Graph, picture: Picture) -> list[tuple[int, list[Origin]]]:
    """The outermost loops whose variables are drawn, and these variables."""
    loops: dict[int, list[Origin]] = {}
    for node in picture.nodes:
        origin = node.origin
        if origin is not None and origin.carry is not None and not origin.path and graph.op[origin.node] == LOOP:
            loops.setdefault(origin.node, []).append(origin)
    return list(loops.items())


def is_number(graph: Graph, origin: Origin) -> bool:
    """Whether an origin is a single number."""
    t = graph_at(graph, origin.path).type_of(origin.node)
    return isinstance(t, Type) and not t.shape


def _range(declared: Input, value: Any) -> tuple[float, float]:
    """The ends of an input's slider: those that it declares, else around its value."""
    if declared.type.dtype == "bool":
        return 0.0, 1.0
    low, high = _around(declared, value)
    if declared.range is not None:
        least, most = map(float, declared.range)
        low, high = max(low, least), min(high, most)
        low, high = (least if math.isfinite(least) else low), (most if math.isfinite(most) else high)
    return low, high


def _around(declared: Input, value: Any) -> tuple[float, float]:
    """A range around the value of an input."""
    size = abs(float(value)) if value is not None and math.isfinite(float(value)) else 0.0
    if size == 0.0:
        return -ORDINARY, ORDINARY
    if declared.type.is_int:
        return float(min(0, 3 * int(value))), float(max(10, 3 * int(size)))
    unit = 10.0 ** math.floor(math.log10(size))
    reach = unit * math.ceil(2 * size / unit)
    return -reach, reach


def _tensor_data(x: Any) -> dict[str, Any]:
    """The map and the histogram of a tensor."""
    import numpy as np

    values = np.asarray(x, dtype="float64")
    result: dict[str, Any] = {
        "shape": list(values.shape),
        "summary": range_text(values, number, nan="NaN"),
        "norm": _plain(float(norm(values))),
        "nan": int(np.isnan(values).sum()),
    }
    if not values.size:
        return {**result, "full": [0, 0], "rows": 0, "columns": 0, "cells": [], "histogram": None}
    grid = values if values.ndim > 1 else values.reshape(1, -1)
    cells = heat_map(grid, CELLS, CELLS)
    first = cells.slices[0]
    scale = cells.largest or 1.0
    finite = values[np.isfinite(values)]
    histogram = None
    if finite.size:
        low, high = float(finite.min()), float(finite.max())
        counts, _ = np.histogram(finite, BINS, (low, high) if low < high else (low - 0.5, high + 0.5))
        histogram = {"low": _plain(low), "high": _plain(high), "counts": counts.tolist()}
    return {
        **result,
        "full": list(grid.shape[-2:]),
        "more": cells.more,
        "rows": len(first),
        "columns": len(first[0]),
        "cells": [_cell(c, scale) for row in first for c in row],
        "histogram": histogram,
    }


def _cell(cell: float | str, scale: float) -> float | str:
    if isinstance(cell, str):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[cell]
    return float(f"{cell * scale:.6g}")


def _plain(x: Any) -> Any:
    """A number as JSON has it."""
    if x is None or isinstance(x, bool | int):
        return int(x) if isinstance(x, bool) else x
    x = float(x)
    return int(x) if x.is_integer() and abs(x) < 1e15 and math.copysign(1.0, x) > 0 else plain(x)


def _rounded(x: float) -> float | int:
    y = round(x, 2)
    return int(y) if y == int(y) else y
