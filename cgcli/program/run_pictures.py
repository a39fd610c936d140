"""Pictures of a run at places of it, and within its backward pass: all of them in the layout of the finished run."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath

from cgcli.diagnostics.diagnostic import error
from cgcli.diagnostics.escape import show
from cgcli.graph.evaluation import Evaluation
from cgcli.render.formula import clip
from cgcli.render.node_table import OperationTable
from cgcli.render.picture.card import Card, card
from cgcli.render.picture.compose import picture
from cgcli.render.picture.content import Picture, PictureNode, View
from cgcli.render.picture.draw import Arranged, Image, fitting, painted_frame, render
from cgcli.render.picture.drawing import KINDS, PAINTED, Drawing
from cgcli.render.picture.frames import LONGEST_CAPTION, Passes
from cgcli.render.picture.shapes import Box

from .stepping import RunCursor

RUN_KINDS = tuple(kind for kind in KINDS if kind != "html")
EARLIER, NOW, LATER = range(3)  # the frames of which a picture is the one in the middle
NEVER = sys.maxsize
MOST_OUTPUTS = 4  # for whose derivatives there is room


class RunPictures:
    """The pictures of one session: a card never moves from one to the next.

    What the run has not computed yet is faint. There is room for derivatives of the first outputs; where those of
    another value need more, a card grows around its middle.
    """

    def __init__(self, cursor: RunCursor) -> None:
        self.cursor = cursor
        self._arranged: Arranged | None = None
        self._view = View()

    def draw(self, kind: str) -> Image:
        """The picture of this place. Raises CgError where there is nothing to draw, and for a page.

        Kinds that are not cg's own drawing have the graph so far alone.
        """
        cursor = self.cursor
        if kind not in RUN_KINDS:
            raise error("no-run-picture", kind=f".{kind}", kinds=[f".{k}" for k in RUN_KINDS])
        if not (cursor.size if kind in PAINTED else cursor.computed):
            raise error("nothing-to-compute", name=cursor.source.name)
        title = PurePath(cursor.source.name).stem
        if kind not in PAINTED:
            evaluation = cursor.evaluation()
            return render(evaluation.graph, evaluation, kind, title=title, params=cursor.params)
        if self._arranged is None:
            self._arranged = self._arrange()
        each = self._arranged
        if cursor.backward_pass is not None:
            each = self._with_derivatives(each)
        return painted_frame(each, self._passes(each.picture), NOW, kind, Drawing(), title)

    def _arrange(self) -> Arranged:
        """The layout of the finished run."""
        recorded, graph = self.cursor.recorded, self.cursor.graph
        evaluations = [Evaluation(graph, self.cursor.tape.v[: len(graph)])]
        if recorded is not None:
            outputs = recorded.float_outputs()[:MOST_OUTPUTS]
            evaluations = [recorded.run({}, of=of) for of in outputs] or evaluations
        views: dict[tuple[int, ...], View] = {}

        def compose(view: View) -> Picture:
            result = _union([picture(graph, evaluation, self.cursor.params, view) for evaluation in evaluations])
            views[_ids(result)] = view
            return result

        arranged = fitting(compose, View(), Drawing())
        self._view = views[_ids(arranged.picture)]
        return arranged

    def _with_derivatives(self, whole: Arranged) -> Arranged:
        """The picture with the derivatives that are complete, in the same layout."""
        evaluation = self.cursor.evaluation(whole=True)
        result = replace(picture(evaluation.graph, evaluation, self.cursor.params, self._view), subject="")
        if not any(node.value_map for node in whole.picture.nodes):
            result = replace(result, nodes=tuple(replace(n, value_map=None, gradient_map=None) for n in result.nodes))
        cards = {node.id: card(node) if _has_gradient(node) else whole.cards[node.id] for node in result.nodes}
        boxes = {i: _grown(whole.layout.cards[i], each) for i, each in cards.items()}
        return Arranged(result, cards, replace(whole.layout, cards=boxes))

    def _passes(self, whole: Picture) -> Passes:
        """What is computed at this place, as three frames: before, now, and what is to come."""
        cursor, backward_pass = self.cursor, self.cursor.backward_pass
        captions = ["", self._caption(), ""]
        last_line = cursor.nodes_before(cursor.at) if cursor.at > cursor.first and backward_pass is None else ()
        values = {n.id: NOW if n.last in last_line else EARLIER for n in whole.nodes if n.last < cursor.computed}
        if backward_pass is None:
            return Passes(values, {}, {}, NEVER, captions)
        at = backward_pass.steps[-1].node if backward_pass.steps else NEVER
        derivatives = {
            node.id: NOW if node.origin is not None and node.origin.node == at else EARLIER
            for node in whole.nodes
            if _has_gradient(node) and (node.origin is not None or backward_pass.ended)  # else some may be missing
        }
        return Passes(values, derivatives, {}, EARLIER, captions)

    def _caption(self) -> str:
        """Where the run, or the backward pass, is."""
        cursor, backward_pass = self.cursor, self.cursor.backward_pass
        if backward_pass is None:
            if cursor.at == cursor.first:
                return "before the first line"
            line = cursor.line(cursor.at - 1)
            return clip(show(f"behind line {line.line}: {line.text}"), LONGEST_CAPTION)
        operations = OperationTable(backward_pass.graph)
        text = f"backward from {operations.reference(backward_pass.of)}"
        if backward_pass.steps:
            text += f", step {len(backward_pass.steps)}: by {operations.reference(backward_pass.steps[-1].node)}"
        return clip(show(text), LONGEST_CAPTION)


def _ids(each: Picture) -> tuple[int, ...]:
    return tuple(node.id for node in each.nodes)


def _has_gradient(node: PictureNode) -> bool:
    return bool(node.gradient) or node.gradient_map is not None


def _union(pictures: Sequence[Picture]) -> Picture:
    """Pictures of one graph with derivatives of several values as one, with room for all of them."""
    nodes = zip(*(each.nodes for each in pictures), strict=True)
    arrows = zip(*(each.arrows for each in pictures), strict=True)
    return replace(
        pictures[0],
        nodes=tuple(max(each, key=lambda n: (card(n).height, card(n).width)) for each in nodes),
        arrows=tuple(max(each, key=lambda arrow: len(arrow.label)) for each in arrows),
        subject="",
    )


def _grown(box: Box, card: Card) -> Box:
    """The box around the same middle with room for a card."""
    width, height = max(box.width, card.width), max(box.height, card.height)
    return Box(box.centre[0] - width / 2, box.centre[1] - height / 2, width, height)
