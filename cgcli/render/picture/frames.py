"""The forward and the backward pass over a picture: a frame a step, all of them in the layout of the whole.

What is not computed yet is faint. The card of a step has a ring, and the arrows along which its value or its derivative
comes are heavier: in ink on the way forward, in the colour of derivatives on the way back.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from cgcli.diagnostics.diagnostic import error

from .card import DERIVATIVE, VALUE, Card, Shown, card, card_shapes, outline
from .content import Picture, PictureNode
from .drawing import Drawing
from .layout import GROUP_RADIUS, Layout
from .scene import scene
from .shapes import Box, Part, Path, Rect, Scene, Shape, Stroke, Text
from .themes import Role

MOST_FRAMES = 200
RING, RING_WIDTH = 4, 2.4  # around the card of a step: its distance from the outline
GROUP_WIDTH = 3.0  # of the border of the loop of a step
WIDER, THINNER = 1.7, 0.6  # times, an arrow of the step, and one of a step that is to come
LONGEST_CAPTION = 60  # characters of what a step computes


class Passes(NamedTuple):
    """values, derivatives: by card the frame in which its value, or its derivative, comes; the last one for what is in
    neither. loops: by the group of an open loop the frames of its steps. turn: the first frame of the backward pass.
    captions: of the frames, one each. The first and the last frame are of no step.
    """

    values: Mapping[int, int]
    derivatives: Mapping[int, int]
    loops: Mapping[int, Sequence[int]]
    turn: int
    captions: Sequence[str]


class _Step(NamedTuple):
    """Cards that are computed at once: one, or all those of an open loop, whose group is `loop`."""

    nodes: Sequence[PictureNode]
    loop: int = -1


def passes(picture: Picture) -> Passes:
    """The passes over a picture: what stands at the beginning, a step for each other card in the order of evaluation,
    then back a step for each that a derivative flows to, and the whole.

    Raises CgError where these are more than `MOST_FRAMES`.
    """
    steps = _steps(picture)
    targets = {arrow.target for arrow in picture.arrows}
    sources = {arrow.source for arrow in picture.arrows if arrow.flows}
    forward = [
        step
        for step in steps
        if not picture.backward and (step.loop >= 0 or (step.nodes[0].id in targets and not step.nodes[0].muted))
    ]
    back = [
        step
        for step in reversed(steps)
        if any(node.gradient or node.gradient_map is not None or node.id in sources for node in step.nodes)
    ]
    if len(forward) + len(back) + 2 > MOST_FRAMES:
        raise error("too-many-frames", count=len(forward) + len(back) + 2, limit=MOST_FRAMES)
    values = {node.id: 0 for node in picture.nodes}
    derivatives: dict[int, int] = {}
    loops: dict[int, list[int]] = {}
    captions = ["the graph" if picture.backward else "forward: what is given"]
    for word, each, frame_of in (("forward", forward, values), ("backward", back, derivatives)):
        for k, step in enumerate(each, 1):
            frame_of.update((node.id, len(captions)) for node in step.nodes)
            if step.loop >= 0:
                loops.setdefault(step.loop, []).append(len(captions))
            captions.append(f"{word} {k} of {len(each)}: {_words(picture, step, backward=word == 'backward')}")
    _set_muted(picture, values)
    return Passes(values, derivatives, loops, 1 + len(forward), [*captions, "complete"])


def _set_muted(picture: Picture, values: dict[int, int]) -> None:
    """What is not computed has its outline as soon as it could be."""
    sources: dict[int, list[int]] = {node.id: [] for node in picture.nodes if node.muted}
    for arrow in picture.arrows:
        if arrow.target in sources:
            sources[arrow.target].append(arrow.source)
    for node in sorted((node for node in picture.nodes if node.muted), key=lambda node: node.last):
        values[node.id] = max((values[source] for source in sources[node.id]), default=0)


def _words(picture: Picture, step: _Step, *, backward: bool) -> str:
    """What a step computes: `d = a + b`, `∂y/∂d`."""
    if step.loop >= 0:
        return picture.groups[step.loop].label
    node = step.nodes[0]
    text, *more = node.title or node.formula, *node.formula.split("\n")
    if backward and node.gradient_of:
        text = node.gradient_of.replace("·", text)
    elif not backward and node.title and more[0] and len(more) == 1 and node.kind not in ("block", "loop"):
        text = f"{text} = {more[0].removeprefix('= ')}"
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_CAPTION else f"{text[: LONGEST_CAPTION - 1]}…"


def _steps(picture: Picture) -> list[_Step]:
    """The cards in the order of evaluation, each behind those that it reads; those of an open loop together."""
    loops: list[int] = []  # of each group the outermost loop that it is part of, or -1
    for g, group in enumerate(picture.groups):
        around = loops[group.parent] if group.parent >= 0 else -1
        loops.append(g if around < 0 and group.kind == "loop" else around)
    members: dict[tuple[int, int], list[PictureNode]] = {}  # by loop and, in none, card
    step_of: dict[int, tuple[int, int]] = {}
    for node in picture.nodes:
        loop = loops[node.group] if node.group >= 0 else -1
        step_of[node.id] = (loop, -1) if loop >= 0 else (-1, node.id)
        members.setdefault(step_of[node.id], []).append(node)
    readers: dict[tuple[int, int], set[tuple[int, int]]] = {key: set() for key in members}
    for arrow in picture.arrows:
        if step_of[arrow.source] != step_of[arrow.target]:
            readers[step_of[arrow.source]].add(step_of[arrow.target])
    waits_for = dict.fromkeys(members, 0)
    for each in readers.values():
        for key in each:
            waits_for[key] += 1
    order = {key: (max(node.last for node in nodes), k) for k, (key, nodes) in enumerate(members.items())}
    ready = [(order[key], key) for key, count in waits_for.items() if not count]
    heapq.heapify(ready)
    steps: list[_Step] = []
    while ready:
        _, key = heapq.heappop(ready)
        steps.append(_Step(members[key], key[0]))
        for reader in readers[key]:
            waits_for[reader] -= 1
            if not waits_for[reader]:
                heapq.heappush(ready, (order[reader], reader))
    return steps


# ---- what is drawn


def frames_scene(
    picture: Picture, layout: Layout, cards: Mapping[int, Card], drawing: Drawing, title: str, each: Passes
) -> Scene:
    """The drawing of all frames; see `frame`."""
    painter = _FramePainter(picture, layout, cards, each)
    return scene(picture, layout, cards, drawing, title, variants=painter.variants, captions=each.captions)


def frame(whole: Scene, k: int) -> Scene:
    """The drawing of frame `k` alone. Its description says which step it shows in place of what the whole has."""
    parts = (part for part in whole.parts if part.frames is None or part.frames[0] <= k <= part.frames[1])
    counts = whole.description.partition(" It shows ")[0]
    return whole._replace(
        parts=tuple(part._replace(frames=None) for part in parts),
        description=f"{counts.rstrip('.')}. {whole.captions[k][:1].upper()}{whole.captions[k][1:]}.",
        captions=(),
    )


class _FramePainter:
    """What the frames have in place of each part of a drawing."""

    def __init__(self, picture: Picture, layout: Layout, cards: Mapping[int, Card], passes: Passes) -> None:
        self.picture, self.layout, self.cards, self.passes = picture, layout, cards, passes
        self.last = len(passes.captions) - 1
        self.end = self.last + 1
        self.of_loops = {k for frames in passes.loops.values() for k in frames}

    def variants(self, part: Part) -> Iterator[Part]:
        if part.kind == "node":
            yield from self._node(part)
        elif part.kind == "arrow":
            yield from self._arrow(part)
        elif part.kind == "label":
            yield from self._label(part)
        elif part.kind == "group":
            yield part
            for k in self.passes.loops.get(part.id, ()):
                border = Rect(self.layout.groups[part.id], GROUP_RADIUS, stroke=Stroke(self._role(k), GROUP_WIDTH))
                yield Part("group", (border,), id=part.id, frames=(k, k))
        else:
            yield part

    def _role(self, k: int) -> Role:
        """The colour of the step of a frame."""
        return "accent" if k >= self.passes.turn else "ink"

    def _value(self, i: int) -> int:
        return self.passes.values.get(i, self.last)

    def _derivative(self, i: int) -> int:
        return self.passes.derivatives.get(i, self.last)

    def _during(self, part: Part, first: int, end: int) -> Iterator[Part]:
        """The part in the frames from `first` to the one before `end`, if there are any."""
        first, last = max(first, 0), min(end, self.end) - 1
        if first <= last:
            yield part._replace(frames=(first, last) if (first, last) != (0, self.last) else None)

    def _node(self, part: Part) -> Iterator[Part]:
        node, box = self.cards[part.id].node, self.layout.cards[part.id]
        value, derivative = self._value(node.id), self._derivative(node.id)
        if not (node.gradient or node.gradient_map is not None):
            derivative = value  # there is nothing to wait for
        plain = part._replace(title=" ".join(text for text in (node.title, node.formula) if text))
        faint = card(replace(node, muted=True))
        yield from self._during(self._shown(plain, faint, box, VALUE, DERIVATIVE), 0, value)
        yield from self._during(self._shown(plain, self.cards[part.id], box, DERIVATIVE), value, derivative)
        yield from self._during(part, max(value, derivative), self.end)
        for k in (value, self._derivative(node.id)):
            if 0 < k < self.last and k not in self.of_loops and not node.muted:
                ring = outline(self.cards[part.id], box.grown(RING), None, Stroke(self._role(k), RING_WIDTH))
                yield from self._during(Part("node", (ring,), id=part.id), k, k + 1)

    def _shown(self, part: Part, each: Card, box: Box, *hidden: Shown) -> Part:
        return part._replace(shapes=tuple(card_shapes(each, box, hidden)))

    def _arrow(self, part: Part) -> Iterator[Part]:
        arrow = self.picture.arrows[part.id]
        value = self._value(arrow.target)
        derivative = self._derivative(arrow.source) if arrow.flows else self.last
        plain = part._replace(title=part.title.partition(": ")[0])
        yield from self._during(_recoloured(plain, "faint", THINNER), 0, value)
        normal = value
        is_muted = any(self.cards[i].node.muted for i in (arrow.source, arrow.target))
        for k in (value, derivative):
            if 0 < k < self.last and not is_muted:
                yield from self._during(plain, normal, k)
                yield from self._during(_recoloured(plain, self._role(k), WIDER), k, k + 1)
                normal = k + 1
        yield from self._during(part, normal, self.end)

    def _label(self, part: Part) -> Iterator[Part]:
        """The local derivative comes with the derivative, all else with the value."""
        arrow = self.picture.arrows[part.id]
        value = self._value(arrow.target)
        derivative = value
        if arrow.label and arrow.style == "value":
            derivative = self._derivative(arrow.source if arrow.flows else arrow.target)
        others = tuple(s for s in part.shapes if not (isinstance(s, Text) and s.role == "accent"))
        if any(isinstance(shape, Text) for shape in others):
            yield from self._during(part._replace(shapes=others), value, derivative)
        yield from self._during(part, max(value, derivative), self.end)


def _recoloured(part: Part, role: Role, wider: float) -> Part:
    """An arrow in another colour, with a wider line."""

    def shape(each: Shape) -> Shape:
        if not isinstance(each, Path):
            return each
        stroke = each.stroke
        if stroke is not None:
            stroke = stroke._replace(role=role, width=stroke.width * wider)
        return each._replace(fill=each.fill if each.fill in (None, "paper") else role, stroke=stroke)

    return part._replace(shapes=tuple(map(shape, part.shapes)))
