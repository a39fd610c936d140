"""One graph as it is drawn: which of its units, in which blocks and groups, and what stands for each node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import ASSERT, COND, CONST, GET, INPUT, LOOP, NONE, Graph
from cgcli.graph.traversal import live
from cgcli.graph.types import Type
from cgcli.ops.table import BY_CODE
from cgcli.render.bindings import Bindings
from cgcli.render.formula import FormulaWriter, typographic
from cgcli.render.tensors import is_tensor

from .card_writer import CardWriter, passing
from .collapse import Weighed, collapse
from .content import Arrow, Group, Origin, Path, PictureNode, View
from .units import Units, reads

SMALL, WIDE = 0.3, 1.6  # the area of a node without a name, and of a card with heat maps, in cards


class Canvas:
    """The nodes, arrows and groups that all painters of one picture have drawn so far."""

    def __init__(self, first: int) -> None:
        self.nodes: list[PictureNode] = []
        self.arrows: list[Arrow] = []
        self.groups: list[Group] = []
        self.heats: dict[int, float] = {}
        self.next = first  # the next id for blocks and nested graphs

    def new_ids(self, count: int) -> int:
        self.next += count
        return self.next - count


@dataclass(frozen=True)
class Surroundings:
    """Where the body of a loop or a side of a `cond` stands.

    offset: what is added to a node to give its id. group: the group around it. ids: of its inputs, the ids of what is
    drawn for them outside. bindings: the names in it. kept: nodes that are drawn though nothing reads them.
    series: of its inputs, the values from step to step; carries: of these, which of the loop they are. path: the
    branch, None in a loop. muted: whether it is a side that was not taken. of_name: of what the derivatives are.
    last: the node outside that holds it. flowing: ids outside by which derivatives pass out of it.
    """

    offset: int
    group: int
    ids: Mapping[int, int | None]
    bindings: Bindings | None = None
    kept: Sequence[int] = ()
    series: Mapping[int, Sequence[Any]] = field(default_factory=dict)
    carries: Mapping[int, Origin] = field(default_factory=dict)
    path: Path | None = ()
    muted: bool = False
    of_name: str | None = None
    last: int = NONE
    flowing: frozenset[int] = frozenset()


OUTERMOST = Surroundings(0, NONE, {})


class DrawnGraph:
    """A graph, the body of a loop or a side of a `cond`, as it is drawn."""

    def __init__(
        self,
        canvas: Canvas,
        graph: Graph,
        evaluation: Evaluation | None,
        params: Sequence[str],
        view: View,
        selected: bytearray | None = None,
        around: Surroundings = OUTERMOST,
    ) -> None:
        self.canvas, self.graph, self.view, self.evaluation = canvas, graph, view, evaluation
        self.around, self.offset, self.is_nested = around, around.offset, around is not OUTERMOST
        self.units = Units(graph, view.detail.level)
        self.nested_view = replace(view, detail=replace(view.detail, level=self.units.level))
        self.formulas = FormulaWriter(graph, params, self.units.written, around.bindings)
        self.cards = CardWriter(
            graph,
            evaluation,
            self.units,
            self.formulas,
            view.sides,
            canvas.heats,
            outermost=not self.is_nested,
            of_name=around.of_name,
        )
        needed = live(graph, (*self._roots(), *around.kept))
        visible = [i for i in range(len(graph)) if needed[i] and self._is_drawn(i)]
        self.unread = [i for i in graph.inputs if not needed[i]]
        self.all = len(visible)
        self.drawable = [i for i in visible if selected is None or selected[i]]
        self.left_out = [i for i in visible if selected is not None and not selected[i]]
        self.drawn = bytearray(len(graph))
        for i in self.drawable:
            self.drawn[i] = 1
        self.area = sum(map(self.weight, self.drawable))
        weighed = Weighed(self.units, self.drawable, self.formulas.group_of, self.weight)
        self.collapsed = collapse(weighed, view.detail)
        self.notes = self.collapsed.notes
        self.ids = {k: canvas.new_ids(1) for k in range(len(self.collapsed.blocks))}
        self.group_ids: list[int] = []  # of each of its groups, the group of the picture
        self.bodies: dict[int, list[int | None]] = {}  # of an open loop: the ids of the results of its body
        self.sides: dict[int, dict[str, list[int | None]]] = {}  # of an open `cond`: by side, those of its results

    def _roots(self) -> Iterable[int]:
        """What is drawn with all that it needs: the outputs, and values that have a name; checks alone are not."""
        graph = self.graph
        if self.is_nested:
            return graph.outputs
        of = () if self.evaluation is None or self.evaluation.of is None else (self.evaluation.of,)
        named = (i for i in graph.names if graph.op[i] not in (INPUT, CONST, ASSERT))
        return (*graph.outputs, *of, *named)

    def group(self, group: int) -> int:
        return self.around.group if group == NONE else self.group_ids[group]

    def last(self, i: int) -> int:
        """The node of the outermost graph behind which a node is computed."""
        return self.around.last if self.is_nested else i

    def passing(self, i: int) -> set[int]:
        """The results that the unit with the result `i` passes its derivative back to."""
        if not self.has_derivative(i):
            return set()
        graph, result_of = self.graph, self.units.result_of
        operands = {
            result_of[x]
            for node in self.units.members(i)
            for x in (reads(graph, node) if graph.op[node] == GET else passing(graph, node))
        }
        return {x for x in operands if self.has_derivative(x)}

    def has_derivative(self, i: int) -> bool:
        """Whether a derivative flows to a node; to a loop one does where it flows to what reads it."""
        return self.cards.has_derivative(i) or i in self._loops_with_derivative

    @cached_property
    def _loops_with_derivative(self) -> set[int]:
        graph = self.graph
        results = (i for i in range(len(graph)) if graph.op[i] == GET and graph.op[graph.a[i]] == LOOP)
        return {graph.a[i] for i in results if self.cards.has_derivative(self.units.result_of[i])}

    def weight(self, i: int) -> float:
        """The area of a unit in cards."""
        if i not in self.graph.names and self.units.level == "ops" and i not in self.formulas.outputs:
            return SMALL
        t = self.graph.type_of(i)
        is_wide = isinstance(t, Type) and t.shape and self.evaluation is not None and t.has_derivative
        return WIDE if is_wide else 1.0

    def anchor(self, x: int) -> int | None:
        """The id of what is drawn for a node; None when nothing is."""
        graph = self.graph
        x = self.units.result_of[x]
        while not self.drawn[x]:
            if x in self.around.ids:
                return self.around.ids[x]
            if graph.op[x] == GET and graph.a[x] in self.bodies:
                k: int = graph.attrs[x]["k"]
                return self.bodies[graph.a[x]][k]
            if not self._passes_on(x):
                return None
            x = self.units.result_of[graph.a[x]]
        if x in self.bodies:
            return None
        block = self.collapsed.block_of.get(x)
        return x + self.offset if block is None else self.ids[block]

    def _passes_on(self, i: int) -> bool:
        """Whether an unnamed node only hands on what it reads, so that its users' arrows begin there."""
        graph = self.graph
        if i in graph.names or i in self.formulas.outputs or graph.a[i] == NONE or len(self.units.members(i)) > 1:
            return False
        code = graph.op[i]
        if code == GET:
            return graph.op[graph.a[i]] == LOOP
        return BY_CODE[code].spelling.storage

    def _is_drawn(self, i: int) -> bool:
        """Constants without a name are part of what they are used in; a `cond` is drawn as its results."""
        return (
            self.units.result_of[i] == i
            and self.graph.op[i] not in (COND, ASSERT)
            and not self.formulas.is_constant[i]
            and i not in self.around.ids
            and not self._passes_on(i)
        )

    def origin(self, x: int) -> int:
        """The unit itself behind those that only hand it on."""
        x = self.units.result_of[x]
        while not self.drawn[x] and self._passes_on(x):
            x = self.units.result_of[self.graph.a[x]]
        return x

    def shape_of(self, x: int) -> str:
        """The shape of a tensor: `[20, 8]`."""
        t = self.graph.type_of(x)
        if not isinstance(t, Type) or not t.shape:
            return ""
        value = self.evaluation.values[x] if self.evaluation else None
        return typographic(f"[{', '.join(map(str, value.shape if is_tensor(value) else t.shape))}]")

    def is_bool(self, i: int) -> bool:
        t = self.graph.type_of(i)
        return isinstance(t, Type) and t.dtype == "bool"

    def is_float(self, i: int) -> bool:
        t = self.graph.type_of(i)
        return isinstance(t, Type) and t.has_derivative

    def is_number(self, i: int) -> bool:
        t = self.graph.type_of(i)
        return isinstance(t, Type) and not t.shape
