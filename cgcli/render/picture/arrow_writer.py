"""The arrows of a picture, one between any two that are drawn, with what stands beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cgcli.graph.graph import GET, LOOP
from cgcli.render.formula import value_text

from .arrow_labels import backward_rule, local_derivatives
from .content import Arrow, Part, Style
from .drawn_graph import DrawnGraph
from .units import reads

MOST_SOURCES = 4  # of a dotted arrow's way through what is left out


class ArrowWriter:
    """Draws the arrows of one graph."""

    def __init__(self, drawn: DrawnGraph) -> None:
        self.drawn = drawn
        self.counts: dict[tuple[int, int], int] = {}  # of the arrows from or to blocks, how many each stands for
        self.flowing: set[tuple[int, int]] = set()  # of these, those along which a derivative passes back
        self.results: dict[int, set[int]] = {}  # of each block, the units that are read outside of it

    def write(self) -> dict[int, set[int]]:
        """Draws the arrows; returns which units of each block are read outside of it."""
        block_of = self.drawn.collapsed.block_of
        for i in self.drawn.drawable:
            if i in self.drawn.bodies:
                continue
            block = block_of.get(i)
            if block is None and self.drawn.graph.op[i] != LOOP:
                self._unit_arrows(i)
                continue
            target = i + self.drawn.offset if block is None else self.drawn.ids[block]
            passing = self.drawn.passing(i)
            for x in self.drawn.units.reads(i):
                self._count(x, target, x in passing)
        for (source, target), count in self.counts.items():
            flows = (source, target) in self.flowing
            self.drawn.canvas.arrows.append(Arrow(source, target, "", "many" if count > 1 else "value", flows=flows))
        if self.drawn.view.least is not None:
            self._skipping_arrows()
        return self.results

    def _count(self, x: int, target: int, flows: bool) -> None:
        """An arrow from or to a block, which may stand for several."""
        source = self.drawn.anchor(x)
        if source is None or source == target:
            return
        if flows:
            self.flowing.add((source, target))
        self.counts[source, target] = self.counts.get((source, target), 0) + 1
        block = self.drawn.collapsed.block_of.get(self.drawn.origin(x))
        if block is not None:
            self.results.setdefault(block, set()).add(self.drawn.origin(x))

    def _unit_arrows(self, i: int) -> None:
        """The arrows to a unit that is drawn by itself, one from each source."""
        graph, target = self.drawn.graph, i + self.drawn.offset
        is_open = graph.op[i] == GET and graph.a[i] in self.drawn.sides
        if is_open:
            self._side_arrows(i, graph.a[i])
        by_source: dict[int, list[int]] = {}
        passing = self.drawn.passing(i)
        for node in self.drawn.units.members(i):
            if graph.op[node] == GET and graph.a[node] in self.drawn.bodies:
                source = self.drawn.bodies[graph.a[node]][graph.attrs[node]["k"]]
                if source is not None:
                    flows = self.drawn.cards.has_derivative(i)
                    self.drawn.canvas.arrows.append(Arrow(source, target, note=self.drawn.shape_of(i), flows=flows))
                continue
            for x in map(self.drawn.units.result_of.__getitem__, reads(graph, node)):
                source = self.drawn.anchor(x)
                if x == i or source is None or (is_open and not self.drawn.is_bool(x)):
                    continue
                if self.drawn.origin(x) in self.drawn.collapsed.block_of:
                    self._count(x, target, x in passing)
                else:
                    by_source.setdefault(source, []).append(x)
        derivatives = self._derivatives(i)
        for source, operands in by_source.items():
            arrow = self._arrow(source, target, i, list(dict.fromkeys(operands)), derivatives)
            flows = source in self.drawn.around.flowing or not passing.isdisjoint(operands)
            self.drawn.canvas.arrows.append(replace(arrow, flows=flows and arrow.style == "value"))

    def _derivatives(self, i: int) -> dict[int, float | None] | None:
        """The derivatives of a unit by what it reads; None where none flows through it or it is no number."""
        if self.drawn.evaluation is None or not self.drawn.cards.has_derivative(i):
            return None
        if not any(node in self.drawn.evaluation.partials for node in self.drawn.units.members(i)):
            return None
        return local_derivatives(self.drawn.units, self.drawn.evaluation, i)

    def _arrow(
        self, source: int, target: int, i: int, operands: Sequence[int], derivatives: dict[int, float | None] | None
    ) -> Arrow:
        """The arrow to the unit `i` from what stands for these operands of it."""
        if any(self._is_condition(i, x) for x in operands):
            return Arrow(source, target, "if", "condition")
        if derivatives is not None:
            flows = [derivatives[x] for x in operands if x in derivatives and self.drawn.is_float(x)]
            numbers = [x for x in flows if x is not None]
            part = self._part(i, operands)
            if numbers:
                return Arrow(source, target, self._partial(i, operands[0], sum(numbers)), part=part)
            return Arrow(source, target, "", "untaken" if flows else "value", part=part)
        x = operands[0]
        return Arrow(source, target, self._rule(i, x), note=self.drawn.shape_of(x), part=self._part(i, operands))

    def _part(self, i: int, operands: Sequence[int]) -> Part | None:
        """What the derivative of the unit `i` by these operands is that of; None where it is no number."""
        drawn = self.drawn
        if drawn.around.path is None or not drawn.is_float(i) or not any(map(drawn.is_float, operands)):
            return None
        return Part(drawn.around.path, i, tuple(operands), drawn.units.reads(i))

    def _is_condition(self, i: int, x: int) -> bool:
        """Whether a bool chooses among other values that the unit `i` reads."""
        drawn = self.drawn
        if not drawn.is_bool(x) or drawn.is_bool(i):
            return False
        for node in drawn.units.members(i):
            operands = reads(drawn.graph, node)
            if x in map(drawn.units.result_of.__getitem__, operands):
                is_choice = drawn.graph.op[node] == GET and drawn.graph.op[drawn.graph.a[node]] != LOOP
                if not is_choice and all(map(drawn.is_bool, operands)):
                    return False
        return True

    def _side_arrows(self, i: int, cond: int) -> None:
        """From the results of both sides of an open `cond` to its result."""
        k: int = self.drawn.graph.attrs[i]["k"]
        path = self.drawn.around.path
        taken = self.drawn.evaluation.branches.get(cond, ("",))[0] if self.drawn.evaluation else ""
        for side, ids in self.drawn.sides[cond].items():
            source = ids[k]
            if source is None:
                continue
            style: Style = "untaken" if taken not in ("", side) else "value"
            flows = style == "value" and self.drawn.cards.has_derivative(i) and self.drawn.is_number(i)
            label = "1" if flows else ""
            part = None if path is None or not self.drawn.is_float(i) else Part(path, i, (i,), (i,))
            self.drawn.canvas.arrows.append(
                Arrow(source, i + self.drawn.offset, label, style, side, part=part, flows=flows)
            )

    def _rule(self, i: int, x: int) -> str:
        """How the derivative by the unit `i` passes back to a tensor that it reads."""
        if not self.drawn.shape_of(x) and not self.drawn.shape_of(i):
            return ""
        has_rule = (
            self.drawn.cards.has_derivative(i)
            and self.drawn.cards.has_derivative(x)
            and len(self.drawn.units.members(i)) == 1
        )
        return backward_rule(self.drawn.units.written, i, x, self.drawn.formulas.name) if has_rule else ""

    def _partial(self, i: int, x: int, value: Any) -> str:
        """`∂d/∂a = 1` between two names, else the number alone."""
        to, by = self.drawn.formulas.name(i), self.drawn.formulas.name(self.drawn.origin(x))
        return f"∂{to}/∂{by} = {value_text(value)}" if to and by else value_text(value)

    def _skipping_arrows(self) -> None:
        """Dotted arrows for ways through units that the view leaves out: `… 2 steps`."""
        sources: dict[int, dict[int, int]] = {}  # of a unit that is left out: drawn sources, and how many steps away
        left_out = set(self.drawn.left_out)
        for i in sorted(left_out.union(self.drawn.drawable)):
            steps: dict[int, int] = {}
            for x in self.drawn.units.reads(i):
                origin = self.drawn.origin(x)
                if origin in left_out:
                    for source, count in sources.get(origin, {}).items():
                        steps[source] = min(count + 1, steps.get(source, count + 1))
                elif self.drawn.drawn[origin] and i in left_out:
                    steps[origin] = 1
            if i in left_out:
                nearest = sorted(steps.items(), key=lambda item: item[1])[:MOST_SOURCES]
                sources[i] = dict(nearest)
                continue
            direct = set(map(self.drawn.origin, self.drawn.units.reads(i)))
            for source, count in steps.items():
                start, end = self.drawn.anchor(source), self.drawn.anchor(i)
                if source not in direct and start is not None and end is not None and start != end:
                    skipped = count - 1 or 1
                    note = f"… {skipped} step{'s' * (skipped > 1)}"
                    self.drawn.canvas.arrows.append(Arrow(start, end, "", "path", note))
