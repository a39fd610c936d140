"""From a graph to a picture: the texts of nodes, blocks of several nodes, arrows and groups."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from cgcli.diagnostics.diagnostic import error
from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import COND, CONST, GET, INPUT, LOOP, NONE, Graph
from cgcli.graph.traversal import live, used
from cgcli.graph.types import Results, Type
from cgcli.ops.loops import LoopView
from cgcli.ops.table import BY_CODE
from cgcli.render.formula import FormulaWriter, clip, value_text
from cgcli.render.tensors import FEW_ELEMENTS, heat_map, is_tensor, write, zeros_like

from .collapse import Block, collapse, counts
from .content import LONGEST_TITLE, Arrow, Group, HeatMap, Kind, Picture, PictureNode, Style, View
from .selection import magnitude, neighbourhood, node_by_name, on_paths, with_large_derivative

LONGEST_PARTIAL = 18  # of both names beside an arrow; longer ones are left out
ROWS, COLUMNS = 8, 16  # cells of a heat map at most
LARGEST_BODY = 40  # nodes of a loop that is open by itself
COOLEST = 1e-3  # of the largest derivative: smaller ones have no heat


def picture(
    graph: Graph, evaluation: Evaluation | None = None, params: Sequence[str] = (), view: View | None = None
) -> Picture:
    """The picture of a graph; with an evaluation also values and, when it has an `of`, gradients and local partials.

    Raises CgError for an unknown name, and when the selection is empty.
    """
    view = view or View()
    selected = _selected(graph, evaluation, view)
    canvas = _Canvas(len(graph))
    painter = _Painter(canvas, graph, evaluation, params, view, selected)
    painter.paint()
    notes = list(painter.notes)
    if selected is not None:
        notes.insert(0, f"{len(painter.drawable)} of {painter.all} nodes are drawn")
    nodes = _heated(canvas.nodes, canvas.heats) if view.heat else canvas.nodes
    return Picture(
        tuple(nodes), tuple(canvas.arrows), tuple(canvas.groups), tuple(notes), backward=view.sides == "backward"
    )


def _selected(graph: Graph, evaluation: Evaluation | None, view: View) -> bytearray | None:
    """A flag a node: whether the view asks for it; None for all."""
    selections: list[bytearray] = []
    if view.focus is not None:
        selections.append(neighbourhood(graph, node_by_name(graph, view.focus, "--focus"), view.radius))
    if view.path is not None:
        start, end = (node_by_name(graph, name, "--path") for name in view.path)
        if start > end:
            start, end = end, start
        selections.append(on_paths(graph, start, end))
        if not any(selections[-1]):
            raise error("no-path", start=view.path[0], end=view.path[1])
    if view.least is not None:
        if evaluation is None or evaluation.of is None:
            raise error("no-gradients-to-compare")
        selections.append(with_large_derivative(graph, evaluation, view.least))
    if not selections:
        return None
    selected = selections[0]
    for flags in selections[1:]:
        selected = bytearray(x & y for x, y in zip(selected, flags, strict=True))
    return selected


def _heated(nodes: Sequence[PictureNode], heats: Mapping[int, float]) -> list[PictureNode]:
    """The nodes with their heat: the logarithm of the derivative's size, over that of the largest."""
    top = max((derivative for derivative in heats.values() if math.isfinite(derivative)), default=0.0)

    def heat(derivative: float | None) -> float | None:
        if derivative is None or top == 0:
            return None if derivative is None else 0.0
        return min(1.0, max(0.0, 1 - math.log(max(derivative / top, COOLEST)) / math.log(COOLEST)))

    return [replace(node, heat=heat(heats.get(node.id))) for node in nodes]


class _Canvas:
    """The nodes, arrows and groups that all painters of one picture have drawn so far."""

    def __init__(self, first: int) -> None:
        self.nodes: list[PictureNode] = []
        self.arrows: list[Arrow] = []
        self.groups: list[Group] = []
        self.heats: dict[int, float] = {}
        self.next = first  # the next id for blocks and bodies of loops

    def new_ids(self, count: int) -> int:
        self.next += count
        return self.next - count


class _Painter:
    """Paints one graph: the whole one, or the body of a loop.

    offset: what is added to a node to give its id. outer_group: the group that it stands in. outer_ids: of the body's
    inputs, the ids of what is drawn for them outside.
    """

    def __init__(
        self,
        canvas: _Canvas,
        graph: Graph,
        evaluation: Evaluation | None,
        params: Sequence[str],
        view: View,
        selected: bytearray | None = None,
        offset: int = 0,
        outer_group: int = NONE,
        outer_ids: Mapping[int, int | None] | None = None,
    ) -> None:
        self.canvas, self.graph, self.view, self.offset, self.outer_group = canvas, graph, view, offset, outer_group
        self.outer_ids = outer_ids or {}
        self.formulas = FormulaWriter(graph, params)
        self.outputs = self.formulas.outputs
        self.values: Sequence[Any] = evaluation.values if evaluation else ()
        self.of = evaluation.of if evaluation and view.sides != "forward" else None
        self.adjoints: Sequence[Any] = evaluation.adjoints if evaluation else ()
        self.partials: Mapping[int, tuple[Any, ...]] = evaluation.partials if evaluation else {}
        needed = live(graph, (*graph.outputs, *graph.asserts)) if outer_ids is not None else self._used()
        visible = [i for i in range(len(graph)) if needed[i] and self._is_drawn(i)]
        self.all = len(visible)
        self.drawable = [i for i in visible if selected is None or selected[i]]
        self.drawn = bytearray(len(graph))
        for i in self.drawable:
            self.drawn[i] = 1
        self.collapsed = collapse(graph, self.drawable, self.formulas.group_of, view.detail)
        self.notes = self.collapsed.notes
        self.ids = {k: canvas.new_ids(1) for k in range(len(self.collapsed.blocks))}
        self.groups = len(canvas.groups)
        self.bodies: dict[int, list[int | None]] = {}  # of an open loop: the ids of the results of its body

    def paint(self) -> None:
        graph, block_of = self.graph, self.collapsed.block_of
        for group in graph.groups:
            self.canvas.groups.append(Group(self._group(group.parent), group.function))
        single = [i for i in self.drawable if i not in block_of]
        self.formulas.prepare(single)
        budget = self.view.detail.budget - len(single) - len(self.collapsed.blocks)
        for i in single:
            if graph.op[i] != LOOP:
                self.canvas.nodes.append(self._node(i))
                continue
            body = self._open(i, budget)
            if body is None:
                self.canvas.nodes.append(self._loop(i))
            else:
                budget -= body
        results = self._arrows()
        for k, block in enumerate(self.collapsed.blocks):
            self.canvas.nodes.append(self._block(block, self.ids[k], results.get(k, set())))

    def _group(self, group: int) -> int:
        return self.outer_group if group == NONE else group + self.groups

    def anchor(self, x: int) -> int | None:
        """The id of what is drawn for a node; None when nothing is."""
        graph = self.graph
        while not self.drawn[x]:
            if x in self.outer_ids:
                return self.outer_ids[x]
            if graph.op[x] == GET and graph.a[x] in self.bodies:
                k: int = graph.attrs[x]["k"]
                return self.bodies[graph.a[x]][k]
            if not self._passes_on(x):
                return None
            x = graph.a[x]
        if x in self.bodies:
            return None
        block = self.collapsed.block_of.get(x)
        return x + self.offset if block is None else self.ids[block]

    def _passes_on(self, i: int) -> bool:
        """Whether an unnamed node only hands on what it reads, so that its users' arrows begin there."""
        graph = self.graph
        if i in graph.names or i in self.outputs or graph.a[i] == NONE:
            return False
        code = graph.op[i]
        if code == GET:
            return graph.op[graph.a[i]] == LOOP
        return BY_CODE[code].spelling.storage

    def _used(self) -> bytearray:
        """A flag a node: all but the constants that nothing reads, as a loop's counter may be."""
        return bytearray(read or code != CONST for read, code in zip(used(self.graph), self.graph.op, strict=True))

    def _is_drawn(self, i: int) -> bool:
        """Constants without a name are part of what they are used in; a `cond` is drawn as its results."""
        return (
            self.graph.op[i] != COND
            and not self.formulas.is_constant[i]
            and i not in self.outer_ids
            and not self._passes_on(i)
        )

    # ---- nodes

    def _node(self, i: int) -> PictureNode:
        name = self.formulas.name(i)
        if name is None and (i not in self.outputs or self.outer_group != NONE):
            title, formula = self.formulas.symbol(i), ""
        else:
            title, formula = clip(name or "", LONGEST_TITLE), self.formulas.formula(i)
        kind = self._kind(i, name)
        if self.outer_group != NONE and self.graph.op[i] == INPUT:
            kind, formula = "state", "step" if self.graph.inputs[0] == i else "from step to step"
        node = PictureNode(
            i + self.offset,
            kind,
            title,
            formula,
            tooltip=self._tooltip(i),
            group=self._group(self.formulas.group_of[i]),
        )
        return self._with_numbers(node, i, name)

    def _with_numbers(self, node: PictureNode, i: int, name: str | None) -> PictureNode:
        """The node with the value and the derivative of `i`."""
        value = gradient = gradient_of = ""
        cells: HeatMap | None = None
        gradient_cells: HeatMap | None = None
        if self.values and self.values[i] is not None and self.view.sides != "backward":
            value, cells = value_text(self.values[i]), _cells(self.values[i])
        if self.of is not None and self._has_derivative(i):
            adjoint = self._adjoint(i)
            gradient, gradient_cells = value_text(adjoint), _cells(adjoint)
            of = self.formulas.name(self.of)
            gradient_of = f"∂{clip(of or '')}/∂{clip(name)}" if name else ""
            if not isinstance(adjoint, list):
                self.canvas.heats[node.id] = magnitude(adjoint)
        return replace(
            node,
            value=value,
            gradient=gradient,
            gradient_of=gradient_of,
            value_map=cells,
            gradient_map=gradient_cells,
        )

    def _kind(self, i: int, name: str | None) -> Kind:
        op = self.graph.op[i]
        if i in self.outputs and self.outer_group == NONE:
            return "output"
        if name is None:
            return "choice" if op == GET else "small"
        if op == INPUT:
            return "param" if name in self.formulas.params else "input"
        return "constant" if op == CONST else "value"

    def _loop(self, i: int) -> PictureNode:
        """A loop that stays closed."""
        body = LoopView(self.graph.attrs[i]).body
        formula = counts(body, _operations(body), _symbol)
        group = self._group(self.formulas.group_of[i])
        return PictureNode(
            i + self.offset, "loop", self.formulas.loop(i), formula, tooltip=f"a loop of {formula}", group=group
        )

    def _block(self, block: Block, identity: int, results: set[int]) -> PictureNode:
        """Several nodes as one. results: those of them that are read outside."""
        graph = self.graph
        # the nodes of one repetition
        repeated = block.nodes[: len(block.nodes) // block.times]
        operations = counts(graph, repeated, _symbol)
        symbol = _symbol(graph.op[repeated[0]]) if len(repeated) == 1 else ""
        title = {
            "call": clip(block.label, LONGEST_TITLE),
            "repeat": _repeated(clip(block.label) or symbol, block.times),
            "line": block.label,
            "slice": f"{len(block.nodes)} {block.label or 'nodes'}",
        }[block.kind]
        is_obvious = (block.kind == "repeat" and len(repeated) == 1) or block.label in ("inputs", "constants")
        formula = "" if is_obvious else operations
        tooltip = f"{block.label or 'a part'}: {len(block.nodes)} nodes"
        span = graph.span[block.nodes[0]]
        if block.kind == "line" and span != NONE:
            source = graph.spans[span]
            tooltip = clip(source.source.line(source.line).strip(), 80)
        node = PictureNode(identity, "block", title, formula, tooltip=tooltip, group=self._group(block.group))
        results |= {i for i in block.nodes if i in self.outputs}
        single = len(results) == 1 and not isinstance(graph.type_of(min(results)), Results)
        return self._with_numbers(node, min(results), None) if single else node

    def _adjoint(self, i: int) -> Any:
        """The derivative by the node: 0 where there is no path."""
        adjoint, value = self.adjoints[i], self.values[i]
        if adjoint is not None:
            return adjoint
        return zeros_like(value) if is_tensor(value) else 0.0

    def _has_derivative(self, i: int) -> bool:
        t = self.graph.type_of(i)
        return isinstance(t, Type) and t.has_derivative

    def _tooltip(self, i: int) -> str:
        """The whole name, the type, and the numbers with all their digits; of a large tensor what sums it up."""
        t = self.graph.type_of(i)
        parts = [f"{self.formulas.name(i) or self.formulas.formula(i)}: {str(t).removeprefix('~')}"]
        if self.values and self.values[i] is not None:
            parts.append(f"value {_all_digits(self.values[i])}")
        if self.of is not None and self._has_derivative(i):
            parts.append(f"derivative {_all_digits(self._adjoint(i))}")
        return ", ".join(parts)

    # ---- loops

    def _open(self, i: int, budget: int) -> int | None:
        """Draws a loop's body in a group of its own, and returns how many nodes it has; None when it stays closed."""
        graph, detail = self.graph, self.view.detail
        loop = LoopView(graph.attrs[i], graph.operands(i))
        body = loop.body
        nodes = len(body)
        is_open = "loop" in detail.expand or (detail.depth is None and nodes <= LARGEST_BODY)
        if "loop" in detail.collapse or not is_open or nodes > budget:
            return None
        states, *fixed = loop.inputs("body")
        canvas = self.canvas
        group = len(canvas.groups)
        canvas.groups.append(Group(self._group(self.formulas.group_of[i]), self._heading(i), "loop"))
        shared = zip(chain(*fixed), (*loop.invariants, *loop.stacks), strict=True)
        outer_ids = {inner: self.anchor(outer) for inner, outer in shared}
        first, before = canvas.new_ids(len(body)), len(canvas.nodes)
        inner = _Painter(canvas, body, None, (), self.view, None, first, group, outer_ids)
        inner.paint()
        for carry, state_input, output in zip(loop.carries, states, loop.carry_outputs, strict=True):
            start, state, end = self.anchor(carry), inner.anchor(state_input), inner.anchor(output)
            if start is not None and state is not None:
                canvas.arrows.append(Arrow(start, state))
            if state is not None and end is not None and end != state:
                canvas.arrows.append(Arrow(end, state, "", "next"))
        self.bodies[i] = [None, *(inner.anchor(x) for x in body.outputs)]
        return len(canvas.nodes) - before

    def _heading(self, i: int) -> str:
        """The heading of an open loop: its trip count or its condition."""
        test = LoopView(self.graph.attrs[i]).pred
        if test is None:
            return self.formulas.loop(i)
        formulas = FormulaWriter(test)
        formulas.prepare(test.outputs)
        return f"while {formulas.formula(test.outputs[0])}"

    # ---- arrows

    def _arrows(self) -> dict[int, set[int]]:
        """Draws the arrows; returns which nodes of each block are read outside of it."""
        graph, block_of = self.graph, self.collapsed.block_of
        arrow_counts: dict[tuple[int, int], int] = {}
        results: dict[int, set[int]] = {}
        for i in self.drawable:
            if i in self.bodies:
                continue
            block = block_of.get(i)
            if block is None and graph.op[i] != LOOP:
                self._node_arrows(i, arrow_counts, results)
                continue
            target = i + self.offset if block is None else self.ids[block]
            for x in graph.operands(i):
                self._count(x, target, arrow_counts, results)
        for (source, target), count in arrow_counts.items():
            self.canvas.arrows.append(Arrow(source, target, "", "many" if count > 1 else "value"))
        return results

    def _count(
        self, x: int, target: int, arrow_counts: dict[tuple[int, int], int], results: dict[int, set[int]]
    ) -> None:
        """An arrow from or to a block, which may stand for several."""
        source = self.anchor(x)
        if source is None or source == target:
            return
        arrow_counts[source, target] = arrow_counts.get((source, target), 0) + 1
        block = self.collapsed.block_of.get(self._origin(x))
        if block is not None:
            results.setdefault(block, set()).add(self._origin(x))

    def _origin(self, x: int) -> int:
        """The node itself behind those that only hand it on."""
        while not self.drawn[x] and self._passes_on(x):
            x = self.graph.a[x]
        return x

    def _node_arrows(self, i: int, arrow_counts: dict[tuple[int, int], int], results: dict[int, set[int]]) -> None:
        """The arrows to a node that is drawn by itself."""
        graph = self.graph
        partials = self.partials.get(i) or None  # through a loop there is not one number
        is_loop_result = graph.op[i] == GET and graph.op[graph.a[i]] == LOOP
        operands = (graph.a[i],) if is_loop_result else self.formulas.operands(i)
        if is_loop_result and graph.a[i] in self.bodies:
            source = self.bodies[graph.a[i]][graph.attrs[i]["k"]]
            if source is not None:
                self.canvas.arrows.append(Arrow(source, i + self.offset))
            return
        for k, x in enumerate(operands):
            source = self.anchor(x)
            if source is None:
                continue
            if self._origin(x) in self.collapsed.block_of:
                self._count(x, i + self.offset, arrow_counts, results)
                continue
            label = ""
            style: Style = "value"
            if k == 0 and self._is_bool(x) and not self._is_bool(i) and not is_loop_result:
                label, style = "if", "condition"
            elif self.of is not None and partials is not None and self._has_derivative(i) and self._has_derivative(x):
                partial = partials[k]
                if partial is None:
                    style = "untaken"
                else:
                    label = self._partial(i, x, partial)
            self.canvas.arrows.append(Arrow(source, i + self.offset, label, style))

    def _partial(self, i: int, x: int, value: Any) -> str:
        """`∂d/∂a = 1` between two names that are short, else the number alone."""
        to, by = self.formulas.name(i), self.formulas.name(x)
        if to and by and len(to) + len(by) <= LONGEST_PARTIAL:
            return f"∂{to}/∂{by} = {value_text(value)}"
        return value_text(value)

    def _is_bool(self, i: int) -> bool:
        t = self.graph.type_of(i)
        return isinstance(t, Type) and t.dtype == "bool"


def _repeated(name: str, times: int) -> str:
    """`layer × 12`; of an operation that is a sign `12 times +`."""
    return f"{name} × {times}" if name[:1].isalpha() else f"{times} times {name}".rstrip()


def _cells(value: Any) -> HeatMap | None:
    """The heat map of a tensor that is too large to be written out."""
    if not is_tensor(value) or value.dtype.kind != "f" or value.size <= FEW_ELEMENTS:
        return None
    return HeatMap((heat_map(value, ROWS, COLUMNS),))


def _operations(graph: Graph) -> list[int]:
    return [i for i in range(len(graph)) if graph.op[i] not in (INPUT, CONST, COND)]


def _symbol(code: int) -> str:
    return BY_CODE[code].spelling.symbol


def _all_digits(value: Any) -> str:
    return write(value) if is_tensor(value) else repr(value)
