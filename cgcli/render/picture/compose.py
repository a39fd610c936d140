"""From a graph to a picture: which units and blocks are drawn, the arrows between them, and open loops and branches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from cgcli.diagnostics.diagnostic import error
from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import COND, GET, INPUT, LOOP, Graph
from cgcli.graph.traversal import live
from cgcli.ops.loops import LoopView
from cgcli.render.formula import FormulaWriter, clip, wrapped

from .arrow_writer import ArrowWriter
from .content import STEPS, Arrow, Group, Origin, Picture, PictureNode, Style, View
from .drawn_graph import Canvas, DrawnGraph, Surroundings
from .selection import selection
from .uniform import heated, with_one_form, with_one_label_form

LARGEST_BODY = 20.0  # cards of a loop or a branch that is open by itself
MOST_UNREAD = 5  # inputs that a note names


def picture(
    graph: Graph, evaluation: Evaluation | None = None, params: Sequence[str] = (), view: View | None = None
) -> Picture:
    """The picture of a graph; with an evaluation also values and, when it has an `of`, gradients and local partials.

    Raises CgError for an unknown name, and when the selection is empty.
    """
    view = view or View()
    if view.heat and (evaluation is None or evaluation.of is None):
        raise error("no-gradients-to-compare", option="--heat")
    selected = selection(graph, evaluation, view)
    canvas = Canvas(len(graph))
    painter = _Painter(canvas, graph, evaluation, params, view, selected)
    painter.paint()
    notes = list(painter.notes)
    if painter.unread and selected is None:
        names = ", ".join(clip(painter.formulas.name(i) or "") for i in painter.unread[:MOST_UNREAD])
        more = ", …" if len(painter.unread) > MOST_UNREAD else ""
        notes.append(f"not drawn, for nothing that is drawn reads it: {names}{more}")
    if selected is not None:
        notes.insert(0, f"{len(painter.drawable)} of {painter.all} nodes are drawn")
    nodes = heated(canvas.nodes, canvas.heats) if view.heat else canvas.nodes
    of = None if evaluation is None or view.sides == "forward" else evaluation.of
    subject = "" if of is None or graph.outputs == (of,) else clip(painter.formulas.name(of) or "")
    return Picture(
        tuple(with_one_form(nodes)),
        tuple(with_one_label_form(canvas.arrows)),
        tuple(canvas.groups),
        tuple(notes),
        subject,
        view.sides == "backward",
    )


class _Painter(DrawnGraph):
    """Paints one graph, and the graphs nested in it that are open."""

    def paint(self) -> None:
        graph, block_of = self.graph, self.collapsed.block_of
        for g, group in enumerate(graph.groups):
            if g in self.formulas.bindings.outer_groups:
                self.group_ids.append(self.around.group)
            else:
                self.group_ids.append(len(self.canvas.groups))
                self.canvas.groups.append(Group(self.group(group.parent), clip(group.function)))
        single = [i for i in self.drawable if i not in block_of]
        self.formulas.prepare([*single, *(block.nodes[0] for block in self.collapsed.blocks)])
        budget = self.view.detail.budget - sum(map(self.weight, single)) - len(self.collapsed.blocks)
        for i in single:
            if graph.op[i] != LOOP:
                if graph.op[i] == GET and graph.op[graph.a[i]] == COND:
                    budget -= self._open_sides(graph.a[i], i, budget)
                node = self.cards.unit(i, i + self.offset, self.group(self.formulas.group_of[i]))
                self._add(replace(self._as_nested(node, i), origin=self._origin(i)), i)
                continue
            body = self._open(i, budget)
            if body is None:
                self._add(self._loop(i), i)
            else:
                budget -= body
        results = ArrowWriter(self).write()
        for k, block in enumerate(self.collapsed.blocks):
            read = results.setdefault(k, set())
            node = self.cards.block(block, self.ids[k], self.group(block.group), read)
            if len(read) == 1 and block.kind != "stack":
                node = replace(node, origin=self._origin(min(read)))
            self._add(node, max(block.nodes))

    def _add(self, node: PictureNode, i: int) -> None:
        """Adds a card of the graph's nodes up to `i`."""
        self.canvas.nodes.append(replace(node, last=self.last(i)))

    def _origin(self, i: int) -> Origin | None:
        if i in self.around.carries:
            return self.around.carries[i]
        return None if self.around.path is None else Origin(self.around.path, i)

    def _as_nested(self, node: PictureNode, i: int) -> PictureNode:
        if self.is_nested and self.graph.op[i] == INPUT:
            is_counter = self.graph.inputs[0] == i
            node = replace(node, kind="state", formula="step" if is_counter else "from step to step")
            steps = self.around.series.get(i)
            return node if steps is None else self.cards.series(node, steps)
        return replace(node, muted=True) if self.around.muted else node

    # ---- loops and branches

    def _loop(self, i: int) -> PictureNode:
        """A loop that stays closed."""
        formula = self.cards.loop_formula(LoopView(self.graph.attrs[i]).body)
        group = self.group(self.formulas.group_of[i])
        node = PictureNode(
            i + self.offset,
            "loop",
            self.formulas.loop(i),
            wrapped(formula),
            tooltip=f"a loop of {formula}",
            group=group,
        )
        steps = self._steps(i)
        has_one = steps and len(steps[0]) == 1
        return self.cards.series(node, [step[0] for step in steps]) if has_one else node

    def _steps(self, i: int) -> Sequence[Sequence[Any]]:
        """The values that a loop carries, at the start and behind each step; none where they were not computed."""
        return self.evaluation.series.get(i, ()) if self.evaluation else ()

    def _nested(
        self, graph: Graph, evaluation: Evaluation | None, around: Surroundings, budget: float
    ) -> _Painter | None:
        """The painter of a nested graph; None when it is too large to be open."""
        painter = _Painter(self.canvas, graph, evaluation, (), self.nested_view, None, around)
        return None if painter.area > min(LARGEST_BODY, budget) else painter

    def _open(self, i: int, budget: float) -> float | None:
        """Draws a loop's body in a group of its own, and returns its area; None when it stays closed."""
        graph, detail = self.graph, self.view.detail
        loop = LoopView(graph.attrs[i], graph.operands(i))
        body = loop.body
        if "loop" in detail.collapse or not ("loop" in detail.expand or detail.depth is None):
            return None
        canvas = self.canvas
        states, *fixed = loop.inputs("body")
        shared = zip(chain(*fixed), (*loop.invariants, *loop.stacks), strict=True)
        outer_ids = {inner: self.anchor(outer) for inner, outer in shared}
        count = None if loop.count is None else self.anchor(loop.count)
        group = len(canvas.groups)
        kept = () if count is None else body.inputs[:1]
        steps = self._steps(i)
        series = {state: [step[k] for step in steps] for k, state in enumerate(states)} if steps else {}
        bindings = self.formulas.bindings.inner[i, "body"]
        carries = (
            {}
            if self.around.path is None
            else {state: Origin(self.around.path, i, k) for k, state in enumerate(states)}
        )
        flowing = frozenset(x for outer in self.passing(i) if (x := self.anchor(outer)) is not None)
        around = Surroundings(
            canvas.new_ids(len(body)),
            group,
            outer_ids,
            bindings,
            kept,
            series,
            carries,
            None,
            last=self.last(i),
            flowing=flowing,
        )
        inner = self._nested(body, None, around, budget)
        if inner is None:
            return None
        canvas.groups.append(Group(self.group(self.formulas.group_of[i]), self._heading(i), "loop"))
        inner.paint()
        for carry, state_input, output in zip(loop.carries, states, loop.carry_outputs, strict=True):
            start, state, end = self.anchor(carry), inner.anchor(state_input), inner.anchor(output)
            if start is not None and state is not None:
                canvas.arrows.append(Arrow(start, state, flows=start in flowing))
            if state is not None and end is not None and end != state:
                canvas.arrows.append(Arrow(end, state, "", "next"))
        self._controls(loop, inner, count, group, states)
        self.bodies[i] = [None, *(inner.anchor(x) for x in body.outputs)]
        return inner.area

    def _controls(
        self, loop: LoopView[int], inner: _Painter, count: int | None, group: int, states: Sequence[int]
    ) -> None:
        """Dashed arrows from what says how often a loop runs: its trip count, or what its condition reads; and arrows
        to its border from the first values of variables that no step reads.
        """
        arrows = self.canvas.arrows
        if count is not None:
            counter = inner.anchor(loop.body.inputs[0])
            if counter is not None:
                arrows.append(Arrow(count, counter, "", "condition"))
        conditions = set(_read_by_condition(loop))
        inside = (inner.anchor(x) for x in (*states, *loop.body.outputs))
        target = next((x for x in inside if x is not None), None)
        has_arrow = {arrow.source for arrow in arrows}
        for outer in dict.fromkeys((*loop.carries, *conditions)):
            source = self.anchor(outer)
            if source is not None and source not in has_arrow and target is not None:
                style: Style = "condition" if outer in conditions else "value"
                arrows.append(Arrow(source, target, "", style, "", group))

    def _heading(self, i: int) -> str:
        """The heading of an open loop: its trip count or its condition."""
        test = LoopView(self.graph.attrs[i]).pred
        count = len(self._steps(i)) - 1
        steps = f"{STEPS}{count} steps" if count >= 0 else ""
        if test is None:
            text = self.formulas.loop(i)
            return text if text.endswith(f" {count}") else text + steps
        formulas = FormulaWriter(test, bindings=self.formulas.bindings.inner[i, "pred"])
        formulas.prepare(test.outputs)
        return f"while {formulas.formula(test.outputs[0])}{steps}"

    def _open_sides(self, cond: int, result: int, budget: float) -> float:
        """Draws both sides of a `cond`, the one that was not taken in grey, and returns their area."""
        graph, detail = self.graph, self.view.detail
        if cond in self.sides or detail.depth is not None:
            return 0.0
        operands = graph.operands(cond)[1:]
        if any(self.units.result_of[x] == result for x in operands):
            return 0.0  # what a side reads is part of the unit, so that its formula says it
        outer_ids = [self.anchor(x) for x in operands]
        taken, evaluation = self.evaluation.branches.get(cond, ("", None)) if self.evaluation else ("", None)
        painters: dict[str, _Painter] = {}
        group = self.group(self.formulas.group_of[result])
        for side in ("then", "else"):
            branch: Graph = graph.attrs[cond][side]
            ids = dict(zip(branch.inputs, outer_ids, strict=True))
            muted = self.around.muted or (bool(taken) and side != taken)
            offset = self.canvas.new_ids(len(branch))
            bindings = self.formulas.bindings.inner[cond, side]
            path = None if self.around.path is None else (*self.around.path, (cond, side))
            around = Surroundings(
                offset,
                group,
                ids,
                bindings,
                path=path,
                muted=muted,
                of_name=self.cards.of_name,
                last=self.last(cond),
            )
            inner = self._nested(branch, evaluation if side == taken else None, around, budget)
            if inner is None:
                return 0.0
            painters[side] = inner
            budget -= inner.area
        if not any(inner.drawable for inner in painters.values()):
            return 0.0
        self.sides[cond] = {}
        for side, inner in painters.items():
            inner.paint()
            self.sides[cond][side] = [inner.anchor(x) for x in inner.graph.outputs]
        return sum(inner.area for inner in painters.values())


def _read_by_condition(loop: LoopView[int]) -> Iterator[int]:
    """The operands that the condition of a `while` reads, at its start."""
    test = loop.pred
    if test is None:
        return
    carries, invariants, _ = loop.inputs("pred")
    needed = live(test, test.outputs)
    for inner, outer in zip((*carries, *invariants), (*loop.carries, *loop.invariants), strict=True):
        if needed[inner]:
            yield outer
