"""From a graph to a picture: what each node says, which nodes are one block, where arrows begin and end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cgcli.diagnostics.diagnostic import error
from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import CONST, INPUT, NONE, Graph, opcode
from cgcli.graph.traversal import live
from cgcli.graph.types import Type
from cgcli.ops.table import BY_CODE

from .fold import Block, counts, fold
from .formula import GET, LOOP, Speller, clip, shown
from .picture import LONGEST_TITLE, Arrow, Cells, Drawn, Kind, Picture, Style, View
from .selection import around, between, find, mattering, size
from .tensors import FEW_ELEMENTS, heat_map, is_tensor, write, zeros_like

LONGEST_PARTIAL = 18  # of both names beside an arrow; longer ones are left out
ROWS, COLUMNS = 8, 16  # cells of a heat map at most
LARGEST_BODY = 40  # nodes of a loop that is open by itself
COOLEST = 1e-3  # of the largest derivative: what is smaller has no heat
_COND = opcode("cond")
# what changes no number, only how numbers are held
_ONLY_FORM = frozenset(opcode(name) for name in ("copy", "cast", "match", "unstack", "expand_dims", "squeeze"))


def picture(
    graph: Graph, evaluation: Evaluation | None = None, params: Sequence[str] = (), view: View | None = None
) -> Picture:
    """The picture of a graph; with an evaluation also values and, when it has an `of`, gradients and local partials.

    Raises CgError for a name that no node has, and when what is asked for is empty.
    """
    view = view or View()
    kept = _kept(graph, evaluation, view)
    canvas = _Canvas(len(graph))
    painter = _Painter(canvas, graph, evaluation, params, view, kept)
    painter.paint()
    told = list(painter.told)
    if kept is not None:
        told.insert(0, f"{len(painter.drawable)} of {painter.all} nodes are drawn")
    nodes = _heated(canvas.nodes, canvas.heats) if view.heat else canvas.nodes
    return Picture(tuple(nodes), tuple(canvas.arrows), tuple(canvas.groups), tuple(told), view.sides == "backward")


def _kept(graph: Graph, evaluation: Evaluation | None, view: View) -> bytearray | None:
    """A flag a node: whether it is asked for; None for all."""
    found: list[bytearray] = []
    if view.focus is not None:
        found.append(around(graph, find(graph, view.focus, "--focus"), view.radius))
    if view.path is not None:
        start, end = (find(graph, name, "--path") for name in view.path)
        if start > end:
            start, end = end, start
        found.append(between(graph, start, end))
        if not any(found[-1]):
            raise error("no-path", start=view.path[0], end=view.path[1])
    if view.least is not None:
        if evaluation is None or evaluation.of is None:
            raise error("no-gradients-to-compare")
        found.append(mattering(graph, evaluation, view.least))
    if not found:
        return None
    kept = found[0]
    for flags in found[1:]:
        kept = bytearray(x & y for x, y in zip(kept, flags, strict=True))
    return kept


def _heated(nodes: Sequence[Drawn], heats: Mapping[int, float]) -> list[Drawn]:
    """The nodes with their heat: the logarithm of the derivative's size, over that of the largest."""
    top = max((h for h in heats.values() if math.isfinite(h)), default=0.0)

    def heat(h: float | None) -> float | None:
        if h is None or top == 0:
            return None if h is None else 0.0
        return min(1.0, max(0.0, 1 - math.log(max(h / top, COOLEST)) / math.log(COOLEST)))

    return [replace(node, heat=heat(heats.get(node.id))) for node in nodes]


class _Canvas:
    """What has been drawn so far, by all painters of one picture."""

    def __init__(self, first: int) -> None:
        self.nodes: list[Drawn] = []
        self.arrows: list[Arrow] = []
        self.groups: list[tuple[int, str]] = []
        self.heats: dict[int, float] = {}
        self.next = first  # the id of what is no node of the whole graph

    def take(self, count: int) -> int:
        self.next += count
        return self.next - count


class _Painter:
    """Paints one graph: the whole one, or the body of a loop.

    offset: what is added to a node to give its id. around: the group that it stands in. outer: of the body's inputs,
    what is drawn for them outside.
    """

    def __init__(
        self,
        canvas: _Canvas,
        graph: Graph,
        evaluation: Evaluation | None,
        params: Sequence[str],
        view: View,
        kept: bytearray | None = None,
        offset: int = 0,
        around: int = NONE,
        outer: Mapping[int, int | None] | None = None,
    ) -> None:
        self.canvas, self.graph, self.view, self.offset, self.around = canvas, graph, view, offset, around
        self.outer = outer or {}
        self.spell = Speller(graph, params)
        self.outputs = self.spell.outputs
        self.values: Sequence[Any] = evaluation.values if evaluation else ()
        self.of = evaluation.of if evaluation and view.sides != "forward" else None
        self.adjoints: Sequence[Any] = evaluation.adjoints if evaluation else ()
        self.partials: Mapping[int, tuple[Any, ...]] = evaluation.partials if evaluation else {}
        needed = live(graph, (*graph.outputs, *graph.asserts)) if outer is not None else self._read()
        visible = [i for i in range(len(graph)) if needed[i] and self._is_shown(i)]
        self.all = len(visible)
        self.drawable = [i for i in visible if kept is None or kept[i]]
        self.drawn = bytearray(len(graph))
        for i in self.drawable:
            self.drawn[i] = 1
        self.folded = fold(graph, self.drawable, self.spell.place, view.wish)
        self.told = self.folded.told
        self.ids = {k: canvas.take(1) for k in range(len(self.folded.blocks))}
        self.groups = len(canvas.groups)
        self.bodies: dict[int, list[int | None]] = {}  # of an open loop: what is drawn for the results of its body

    def paint(self) -> None:
        graph, blocks = self.graph, self.folded.of
        for group in graph.groups:
            self.canvas.groups.append((self._group(group.parent), group.function))
        single = [i for i in self.drawable if i not in blocks]
        self.spell.prepare(single)
        room = self.view.wish.budget - len(single) - len(self.folded.blocks)
        for i in single:
            if graph.op[i] != LOOP:
                self.canvas.nodes.append(self._node(i))
                continue
            body = self._open(i, room)
            if body is None:
                self.canvas.nodes.append(self._loop(i))
            else:
                room -= body
        results = self._arrows()
        for k, block in enumerate(self.folded.blocks):
            self.canvas.nodes.append(self._block(block, self.ids[k], results.get(k, set())))

    def _group(self, group: int) -> int:
        return self.around if group == NONE else group + self.groups

    def anchor(self, x: int) -> int | None:
        """The id of what is drawn for a node; None when nothing is."""
        graph = self.graph
        while not self.drawn[x]:
            if x in self.outer:
                return self.outer[x]
            if graph.op[x] == GET and graph.a[x] in self.bodies:
                k: int = graph.attrs[x]["k"]
                return self.bodies[graph.a[x]][k]
            if not self._is_pass(x):
                return None
            x = graph.a[x]
        if x in self.bodies:
            return None
        block = self.folded.of.get(x)
        return x + self.offset if block is None else self.ids[block]

    def _is_pass(self, i: int) -> bool:
        """Whether an unnamed node only hands on what it reads, so that its users' arrows begin there."""
        graph = self.graph
        if i in graph.names or i in self.outputs or graph.a[i] == NONE:
            return False
        code = graph.op[i]
        if code == GET:
            return graph.op[graph.a[i]] == LOOP
        return code in _ONLY_FORM

    def _read(self) -> bytearray:
        """A flag a node: all but the constants that nothing reads, as a loop's counter may be."""
        graph = self.graph
        flags = bytearray(code != CONST for code in graph.op)
        for column in (graph.a, graph.b, graph.outputs, *graph.more.values()):
            for x in column:
                if x != NONE:
                    flags[x] = 1
        return flags

    def _is_shown(self, i: int) -> bool:
        """Constants without a name are part of what they are used in; a `cond` is drawn as its results."""
        return self.graph.op[i] != _COND and not self.spell.fixed[i] and i not in self.outer and not self._is_pass(i)

    # ---- nodes

    def _node(self, i: int) -> Drawn:
        name = self.spell.name(i)
        if name is None and (i not in self.outputs or self.around != NONE):
            title, formula = self.spell.sign(i), ""
        else:
            title, formula = clip(name or "", LONGEST_TITLE), self.spell.formula(i)
        kind = self._kind(i, name)
        if self.around != NONE and self.graph.op[i] == INPUT:
            kind, formula = "state", "step" if self.graph.inputs[0] == i else "from step to step"
        made = Drawn(
            i + self.offset, kind, title, formula, tooltip=self._tooltip(i), group=self._group(self.spell.place[i])
        )
        return self._with_numbers(made, i, name)

    def _with_numbers(self, node: Drawn, i: int, name: str | None) -> Drawn:
        """The node with the value and the derivative of `i`."""
        value = gradient = gradient_of = ""
        cells: Cells = ()
        gradient_cells: Cells = ()
        if self.values and self.values[i] is not None and self.view.sides != "backward":
            value, cells = shown(self.values[i]), _cells(self.values[i])
        if self.of is not None and self._has_derivative(i):
            adjoint = self._adjoint(i)
            gradient, gradient_cells = shown(adjoint), _cells(adjoint)
            of = self.spell.name(self.of)
            gradient_of = f"∂{clip(of or '')}/∂{clip(name)}" if name else ""
            if not isinstance(adjoint, list):
                self.canvas.heats[node.id] = size(adjoint)
        return replace(
            node,
            value=value,
            gradient=gradient,
            gradient_of=gradient_of,
            value_cells=cells,
            gradient_cells=gradient_cells,
        )

    def _kind(self, i: int, name: str | None) -> Kind:
        op = self.graph.op[i]
        if i in self.outputs and self.around == NONE:
            return "output"
        if name is None:
            return "choice" if op == GET else "small"
        if op == INPUT:
            return "param" if name in self.spell.params else "input"
        return "constant" if op == CONST else "value"

    def _loop(self, i: int) -> Drawn:
        """A loop that stays closed."""
        body: Graph = self.graph.attrs[i]["body"]
        formula = counts(body, _operations(body), _sign)
        group = self._group(self.spell.place[i])
        return Drawn(i + self.offset, "loop", self.spell.loop(i), formula, tooltip=f"a loop of {formula}", group=group)

    def _block(self, block: Block, identity: int, results: set[int]) -> Drawn:
        """Several nodes as one. results: those of them that are read outside."""
        graph = self.graph
        # of what repeats, what one repetition does: all of them together do it as often
        one = block.nodes[: len(block.nodes) // block.times]
        told = counts(graph, one, _sign)
        title = {
            "call": clip(block.label, LONGEST_TITLE),
            "repeat": _repeated(clip(block.label) or (_sign(graph.op[one[0]]) if len(one) == 1 else ""), block.times),
            "line": block.label,
            "slice": f"{len(block.nodes)} {block.label or 'nodes'}",
        }[block.kind]
        alone = (block.kind == "repeat" and len(one) == 1) or block.label in ("inputs", "constants")
        formula = "" if alone else told
        tooltip = f"{block.label or 'a part'}: {len(block.nodes)} nodes"
        span = graph.span[block.nodes[0]]
        if block.kind == "line" and span != NONE:
            source = graph.spans[span]
            tooltip = clip(source.source.line(source.line).strip(), 80)
        made = Drawn(identity, "block", title, formula, tooltip=tooltip, group=self._group(block.group))
        results |= {i for i in block.nodes if i in self.outputs}
        return self._with_numbers(made, min(results), None) if len(results) == 1 else made

    def _adjoint(self, i: int) -> Any:
        """The derivative by the node: 0 where no path leads."""
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
        parts = [f"{self.spell.name(i) or self.spell.formula(i)}: {str(t).removeprefix('~')}"]
        if self.values and self.values[i] is not None:
            parts.append(f"value {_all_digits(self.values[i])}")
        if self.of is not None and self._has_derivative(i):
            parts.append(f"derivative {_all_digits(self._adjoint(i))}")
        return ", ".join(parts)

    # ---- loops

    def _open(self, i: int, room: int) -> int | None:
        """Draws a loop's body in a group of its own, and says how many nodes that took; None when it stays closed."""
        graph, wish = self.graph, self.view.wish
        body: Graph = graph.attrs[i]["body"]
        nodes = len(body)
        wanted = "loop" in wish.unfold or (wish.depth is None and nodes <= LARGEST_BODY)
        if "loop" in wish.fold or not wanted or nodes > room:
            return None
        at = graph.attrs[i]
        operands = graph.operands(i)[0 if "pred" in at else 1 :]
        carries, fixed = at["carries"], range(at["carries"], len(operands))
        canvas = self.canvas
        group = len(canvas.groups)
        canvas.groups.append((self._group(self.spell.place[i]), self._heading(i)))
        inputs = body.inputs[1:]
        outer = {inputs[k]: self.anchor(operands[k]) for k in fixed}
        first, before = canvas.take(len(body)), len(canvas.nodes)
        inner = _Painter(canvas, body, None, (), self.view, None, first, group, outer)
        inner.paint()
        for k in range(carries):
            start, state, end = self.anchor(operands[k]), inner.anchor(inputs[k]), inner.anchor(body.outputs[k])
            if start is not None and state is not None:
                canvas.arrows.append(Arrow(start, state))
            if state is not None and end is not None and end != state:
                canvas.arrows.append(Arrow(end, state, "", "next"))
        self.bodies[i] = [None, *(inner.anchor(x) for x in body.outputs)]
        return len(canvas.nodes) - before

    def _heading(self, i: int) -> str:
        """What stands on the border of an open loop: how often, or while what, it runs."""
        at = self.graph.attrs[i]
        if "pred" not in at:
            return self.spell.loop(i)
        spell = Speller(at["pred"])
        spell.prepare(at["pred"].outputs)
        return f"while {spell.formula(at['pred'].outputs[0])}"

    # ---- arrows

    def _arrows(self) -> dict[int, set[int]]:
        """Draws the arrows between what is drawn; says which nodes of each block are read outside of it."""
        graph, blocks = self.graph, self.folded.of
        many: dict[tuple[int, int], int] = {}
        results: dict[int, set[int]] = {}
        for i in self.drawable:
            if i in self.bodies:
                continue
            block = blocks.get(i)
            if block is None and graph.op[i] != LOOP:
                self._detailed(i, many, results)
                continue
            target = i + self.offset if block is None else self.ids[block]
            for x in graph.operands(i):
                self._count(x, target, many, results)
        for (source, target), count in many.items():
            self.canvas.arrows.append(Arrow(source, target, "", "many" if count > 1 else "value"))
        return results

    def _count(self, x: int, target: int, many: dict[tuple[int, int], int], results: dict[int, set[int]]) -> None:
        """An arrow from or to a block, which may stand for several."""
        source = self.anchor(x)
        if source is None or source == target:
            return
        many[source, target] = many.get((source, target), 0) + 1
        block = self.folded.of.get(self._origin(x))
        if block is not None:
            results.setdefault(block, set()).add(self._origin(x))

    def _origin(self, x: int) -> int:
        """The node itself behind those that only hand it on."""
        while not self.drawn[x] and self._is_pass(x):
            x = self.graph.a[x]
        return x

    def _detailed(self, i: int, many: dict[tuple[int, int], int], results: dict[int, set[int]]) -> None:
        """The arrows to a node that is drawn by itself."""
        graph = self.graph
        partials = self.partials.get(i) or None  # through a loop there is not one number
        of_loop = graph.op[i] == GET and graph.op[graph.a[i]] == LOOP
        operands = (graph.a[i],) if of_loop else self.spell.operands(i)
        if of_loop and graph.a[i] in self.bodies:
            source = self.bodies[graph.a[i]][graph.attrs[i]["k"]]
            if source is not None:
                self.canvas.arrows.append(Arrow(source, i + self.offset))
            return
        for k, x in enumerate(operands):
            source = self.anchor(x)
            if source is None:
                continue
            if self._origin(x) in self.folded.of:
                self._count(x, i + self.offset, many, results)
                continue
            label = ""
            style: Style = "value"
            if k == 0 and self._is_bool(x) and not self._is_bool(i) and not of_loop:
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
        to, by = self.spell.name(i), self.spell.name(x)
        if to and by and len(to) + len(by) <= LONGEST_PARTIAL:
            return f"∂{to}/∂{by} = {shown(value)}"
        return shown(value)

    def _is_bool(self, i: int) -> bool:
        t = self.graph.type_of(i)
        return isinstance(t, Type) and t.dtype == "bool"


def _repeated(what: str, times: int) -> str:
    """`layer × 12`; of an operation that is a sign `12 times +`."""
    return f"{what} × {times}" if what[:1].isalpha() else f"{times} times {what}".rstrip()


def _cells(value: Any) -> Cells:
    """The heat map of a tensor that is too large to be written out."""
    if not is_tensor(value) or value.dtype.kind != "f" or value.size <= FEW_ELEMENTS:
        return ()
    return heat_map(value, ROWS, COLUMNS)


def _operations(graph: Graph) -> list[int]:
    return [i for i in range(len(graph)) if graph.op[i] not in (INPUT, CONST, _COND)]


def _sign(code: int) -> str:
    return BY_CODE[code].symbol


def _all_digits(value: Any) -> str:
    return write(value) if is_tensor(value) else repr(value)
