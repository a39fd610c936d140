"""What a picture of a graph shows, before anything is drawn: cards, small nodes, arrows and groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import CONST, INPUT, NONE, Graph
from cgcli.graph.types import Type

from .formula import COND, GET, LOOP, Speller, clip, shown
from .tensors import is_tensor, write, zeros_like

Kind = Literal["input", "param", "constant", "value", "output", "small", "choice"]
Style = Literal["value", "condition", "untaken"]

LONGEST_TITLE = 36  # characters of a name on its card
LONGEST_PARTIAL = 18  # of both names beside an arrow; longer ones are left out


@dataclass(frozen=True)
class Drawn:
    """A node of the picture. title: the user's name, or the operation's sign; formula: how it is made."""

    id: int
    kind: Kind
    title: str
    formula: str = ""
    value: str = ""
    gradient: str = ""
    gradient_of: str = ""  # `∂y/∂a`
    tooltip: str = ""
    group: int = NONE


@dataclass(frozen=True)
class Arrow:
    """style: `untaken` when nothing flows back through it, as from the branch that was not taken."""

    source: int
    target: int
    label: str = ""
    style: Style = "value"


@dataclass(frozen=True)
class Picture:
    """groups: of each row, the group around it (or NONE) and its label."""

    nodes: tuple[Drawn, ...]
    arrows: tuple[Arrow, ...]
    groups: tuple[tuple[int, str], ...] = field(default=())


def picture(graph: Graph, evaluation: Evaluation | None = None, params: Sequence[str] = ()) -> Picture:
    """The picture of a graph; with an evaluation also values and, when it has an `of`, gradients and local partials."""
    return _Painter(graph, evaluation, params).picture()


class _Painter:
    def __init__(self, graph: Graph, evaluation: Evaluation | None, params: Sequence[str]) -> None:
        self.graph, self.spell = graph, Speller(graph, params)
        self.outputs = self.spell.outputs
        self.values: Sequence[Any] = evaluation.values if evaluation else ()
        self.of = evaluation.of if evaluation else None
        self.adjoints: Sequence[Any] = evaluation.adjoints if evaluation else ()
        self.partials: Mapping[int, tuple[float | None, ...]] = evaluation.partials if evaluation else {}

    def picture(self) -> Picture:
        visible = [i for i in range(len(self.graph)) if self._is_shown(i)]
        nodes = tuple(self._node(i) for i in visible)
        arrows = tuple(arrow for i in visible for arrow in self._arrows(i))
        groups = tuple((g.parent, g.function) for g in self.graph.groups)
        return Picture(nodes, arrows, groups)

    def _is_shown(self, i: int) -> bool:
        """Constants without a name are part of what they are used in; a `cond` or a loop is drawn as its results."""
        return self.graph.op[i] not in (COND, LOOP) and not self.spell.fixed[i]

    # ---- nodes

    def _node(self, i: int) -> Drawn:
        name = self.spell.name(i)
        if name is None and i not in self.outputs:
            title, formula = self.spell.sign(i), ""
        else:
            title, formula = clip(name or "", LONGEST_TITLE), self.spell.formula(i)
        value = gradient = gradient_of = ""
        if self.values and self.values[i] is not None:
            value = shown(self.values[i])
        if self.of is not None and self._has_derivative(i):
            gradient = shown(self._adjoint(i))
            of = self.spell.name(self.of)
            gradient_of = f"∂{clip(of or '')}/∂{clip(name)}" if name else ""
        place, tooltip = self.spell.place[i], self._tooltip(i)
        return Drawn(i, self._kind(i, name), title, formula, value, gradient, gradient_of, tooltip, place)

    def _kind(self, i: int, name: str | None) -> Kind:
        op = self.graph.op[i]
        if i in self.outputs:
            return "output"
        if name is None:
            return "choice" if op == GET else "small"
        if op == INPUT:
            return "param" if name in self.spell.params else "input"
        return "constant" if op == CONST else "value"

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

    # ---- arrows

    def _arrows(self, i: int) -> list[Arrow]:
        partials = self.partials.get(i) or None  # through a loop there is not one number
        repeated = self.graph.op[i] == GET and self.graph.op[self.graph.a[i]] == LOOP
        arrows = []
        for k, x in enumerate(self.spell.operands(i)):
            if not self._is_shown(x):
                continue
            label = ""
            style: Style = "value"
            if k == 0 and self._is_bool(x) and not self._is_bool(i) and not repeated:
                label, style = "if", "condition"
            elif self.of is not None and partials is not None and self._has_derivative(i) and self._has_derivative(x):
                partial = partials[k]
                if partial is None:
                    style = "untaken"
                else:
                    label = self._partial(i, x, partial)
            arrows.append(Arrow(x, i, label, style))
        return arrows

    def _partial(self, i: int, x: int, value: Any) -> str:
        """`∂d/∂a = 1` between two names that are short, else the number alone."""
        to, by = self.spell.name(i), self.spell.name(x)
        if to and by and len(to) + len(by) <= LONGEST_PARTIAL:
            return f"∂{to}/∂{by} = {shown(value)}"
        return shown(value)

    def _is_bool(self, i: int) -> bool:
        t = self.graph.type_of(i)
        return isinstance(t, Type) and t.dtype == "bool"


def _all_digits(value: Any) -> str:
    return write(value) if is_tensor(value) else repr(value)
