"""What a picture of a graph shows, before anything is drawn: cards, small nodes, edges and groups."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import CONST, INPUT, NONE, Graph, opcode
from cgcli.graph.types import Results
from cgcli.ops import OPS
from cgcli.ops.notation import ATOM, Written, write_number, write_op

Kind = Literal["input", "param", "constant", "value", "output", "small", "choice"]
Style = Literal["value", "condition", "untaken"]

LONGEST_FORMULA = 30  # characters of an operation written out in a card
DIGITS = 4  # significant, in a picture; the tooltip has them all
_COND, _GET = opcode("cond"), opcode("get")
_SUPERSCRIPTS = str.maketrans("0123456789-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")


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


def number(value: Any) -> str:
    """A value in few digits, with a real minus sign."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value != value:
        return "NaN"
    if value == 0:
        return "0"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = str(value) if isinstance(value, int) and abs(value) < 10**6 else f"{value:.{DIGITS}g}"
    mantissa, e, exponent = text.partition("e")
    if not e:
        return text.replace("-", "−")
    return f"{mantissa}×10{str(int(exponent)).translate(_SUPERSCRIPTS)}".replace("-", "−")


def picture(graph: Graph, evaluation: Evaluation | None = None, params: Sequence[str] = ()) -> Picture:
    """The picture of a graph; with an evaluation also values and, when it has an `of`, gradients and local partials."""
    return _Painter(graph, evaluation, params).picture()


class _Painter:
    def __init__(self, graph: Graph, evaluation: Evaluation | None, params: Sequence[str]) -> None:
        self.graph, self.params, self.outputs = graph, set(params), set(graph.outputs)
        self.values: Sequence[Any] = evaluation.values if evaluation else ()
        self.of = evaluation.of if evaluation else None
        self.adjoints: Sequence[Any] = evaluation.adjoints if evaluation else ()
        self.partials: Mapping[int, tuple[float | None, ...]] = evaluation.partials if evaluation else {}
        self.short: dict[int, Written] = {}
        self.fixed = self._fixed()

    def picture(self) -> Picture:
        shown = [i for i in range(len(self.graph)) if self._is_shown(i)]
        nodes = []
        for i in range(len(self.graph)):
            if self.graph.op[i] != _COND:
                self.short[i] = self._text(i)
            if self._is_shown(i):
                nodes.append(self._node(i))
        arrows = [arrow for i in shown for arrow in self._arrows(i)]
        groups = tuple((g.parent, g.function) for g in self.graph.groups)
        return Picture(tuple(nodes), tuple(arrows), groups)

    def _fixed(self) -> bytearray:
        """A flag a node: an unnamed constant, or an unnamed operation on such (`sqrt(2)`)."""
        graph = self.graph
        flags = bytearray(len(graph))
        for i, op in enumerate(graph.op):
            operands = graph.operands(i)
            made = op == CONST or (op not in (INPUT, _COND) and all(flags[x] for x in operands))
            flags[i] = made and i not in graph.names and i not in self.outputs
        return flags

    def _is_shown(self, i: int) -> bool:
        """Constants without a name are part of what they are used in; a `cond` is drawn as its results."""
        return self.graph.op[i] != _COND and not self.fixed[i]

    def _name(self, i: int) -> str | None:
        """The user's name; that of a function's local value without the function, which the group around it shows."""
        name = self.graph.names.get(i)
        if name is None or self.graph.group[i] == NONE:
            return name
        return name.rpartition(".")[2]

    # ---- formulas

    def _operands(self, i: int) -> tuple[int, ...]:
        return self.graph.operands(self.graph.a[i] if self.graph.op[i] == _GET else i)

    def _text(self, i: int) -> Written:
        """How a node is spelled where it is used: its name, its number, or its operation when that is short."""
        name = self._name(i)
        if name is not None:
            return Written(name)
        written = self._operation(i)
        return written if len(written.text) <= LONGEST_FORMULA else Written("…")

    def _operation(self, i: int) -> Written:
        graph = self.graph
        if graph.op[i] == INPUT:
            return Written("input")
        if graph.op[i] == CONST:
            return write_number(_rounded(graph.attrs[i]["value"]), "picture")
        operands = [self.short[x] for x in self._operands(i)]
        if graph.op[i] == _GET:
            return Written(f"if {operands[0].text}", 0)
        return _spell(graph, i, operands)

    def _shortened(self, i: int) -> str:
        """The operation with `…` for each operand that has no name."""
        texts = [self.short[x] if self._name(x) is not None else Written("…") for x in self._operands(i)]
        return f"if {texts[0].text}" if self.graph.op[i] == _GET else _spell(self.graph, i, texts).text

    def _slots(self, i: int) -> str:
        """A small node's sign: with its constants, when it has any, and a slot for each other operand."""
        graph = self.graph
        if graph.op[i] == _GET:
            return "if"
        operands = graph.operands(i)
        fixed = {x for x in operands if self.fixed[x]}
        if not fixed and "exponent" not in graph.attrs.get(i, {}):
            return OPS[graph[i].op].symbol
        texts = [self.short[x] if x in fixed else Written("□", ATOM) for x in operands]
        return _spell(graph, i, texts).text

    # ---- nodes

    def _node(self, i: int) -> Drawn:
        graph = self.graph
        name = self._name(i)
        choice = graph.op[i] == _GET
        kind: Kind
        if name is None and i not in self.outputs:
            title, formula, kind = self._slots(i), "", "choice" if choice else "small"
        else:
            title = name or ""
            written = self._operation(i)
            formula = written.text if len(written.text) <= LONGEST_FORMULA else self._shortened(i)
            kind = self._kind(i, title)
        value = gradient = gradient_of = ""
        if self.values and self.values[i] is not None:
            value = number(self.values[i])
        if self.of is not None and self._has_derivative(i):
            adjoint = self.adjoints[i]
            gradient = number(0.0 if adjoint is None else adjoint)
            gradient_of = f"∂{self._name(self.of) or ''}/∂{title}" if name else ""
        return Drawn(i, kind, title, formula, value, gradient, gradient_of, self._tooltip(i), graph.group[i])

    def _kind(self, i: int, name: str) -> Kind:
        graph = self.graph
        if i in self.outputs:
            return "output"
        if graph.op[i] == INPUT:
            return "param" if name in self.params else "input"
        return "constant" if graph.op[i] == CONST else "value"

    def _has_derivative(self, i: int) -> bool:
        t = self.graph.type_of(i)
        return not isinstance(t, Results) and t.has_derivative

    def _tooltip(self, i: int) -> str:
        """All digits, and the type."""
        t = self.graph.type_of(i)
        parts = [f"{self._name(i) or self._slots(i)}: {str(t).removeprefix('~')}"]
        if self.values and self.values[i] is not None:
            parts.append(f"value {self.values[i]!r}")
        if self.of is not None and self._has_derivative(i):
            parts.append(f"derivative {self.adjoints[i] or 0.0!r}")
        return ", ".join(parts)

    # ---- arrows

    def _arrows(self, i: int) -> list[Arrow]:
        graph = self.graph
        partials = self.partials.get(i)
        arrows = []
        for k, x in enumerate(self._operands(i)):
            if not self._is_shown(x):
                continue
            label = ""
            style: Style = "value"
            chooses = k == 0 and _is_bool(graph, x) and not _is_bool(graph, i)
            if chooses:
                label, style = "if", "condition"
            elif self.of is not None and partials is not None and self._has_derivative(i) and self._has_derivative(x):
                if partials[k] is None:
                    style = "untaken"
                else:
                    label = self._partial(i, x, partials[k])
            arrows.append(Arrow(x, i, label, style))
        return arrows

    def _partial(self, i: int, x: int, value: Any) -> str:
        """`∂d/∂a = 1` between two names, else the number alone."""
        to, by = self._name(i), self._name(x)
        return f"∂{to}/∂{by} = {number(value)}" if to and by else number(value)


def _spell(graph: Graph, i: int, operands: Sequence[Written]) -> Written:
    """The operation over texts; a whole exponent stands above the line."""
    attrs = graph.attrs.get(i, {})
    exponent = attrs.get("exponent")
    if exponent is not None and float(exponent).is_integer() and abs(exponent) < 1000:
        base = operands[0] if operands[0].level >= ATOM else Written(f"({operands[0].text})")
        return Written(base.text + str(int(exponent)).translate(_SUPERSCRIPTS), 9)
    if exponent is not None:
        attrs = {"exponent": _rounded(exponent)}
    return write_op(graph[i].op, operands, attrs, "picture")


def _rounded(value: Any) -> Any:
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) and math.isfinite(value) else value


def _is_bool(graph: Graph, i: int) -> bool:
    t = graph.type_of(i)
    return not isinstance(t, Results) and t.dtype == "bool"
