"""Numbers, names and operations as the text of a picture: short, in the user's names, with typographic signs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from cgcli.graph.graph import COND, CONST, GET, INPUT, LOOP, NONE, Graph
from cgcli.graph.types import FLOAT, WEAK_INT, AnyType, Type
from cgcli.ops.loops import LoopView
from cgcli.ops.notation import shown_attrs
from cgcli.ops.op import ATOM
from cgcli.ops.spelling import LONGEST_TENSOR, UNARY, Written, write_filled, write_nested, write_number, write_op
from cgcli.ops.table import OPS

from .tensors import brief, is_tensor, norm

DIGITS = 4  # significant, in a picture; the tooltip has them all
LONGEST_FORMULA = 48  # characters of an operation written out in a card
LONGEST_NAME = 24  # characters of a name inside a formula or a derivative
_SUPERSCRIPTS = str.maketrans("0123456789-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")
_ELLIPSIS = Written("…")
_POWER = 9  # how tightly an exponent above the line binds


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


def clip(name: str, longest: int = LONGEST_NAME) -> str:
    """A name that is not too long to be drawn: of a longer one the beginning and the end."""
    if len(name) <= longest:
        return name
    end = longest // 3
    return f"{name[: longest - end - 1]}…{name[-end:]}"


def value_text(value: Any) -> str:
    """A value on a card: a number, a tensor in brief and with its norm, or the length of a loop's stack."""
    if isinstance(value, list):
        return f"{len(value)} items"
    if not is_tensor(value):
        return number(value)
    text = brief(value, number, nan="NaN")
    return f"{text}, ‖·‖ {number(norm(value))}" if "  " in text and value.dtype.kind == "f" else text


def operands(graph: Graph, i: int) -> tuple[int, ...]:
    """The operands of a node; for the result of a `cond` or a loop those of that."""
    return graph.operands(graph.a[i] if graph.op[i] == GET else i)


def control_word(graph: Graph, i: int) -> str:
    """The keyword that stands for a result of a `cond` or a loop."""
    return "if" if graph.op[graph.a[i]] == COND else "loop"


def control_text(graph: Graph, i: int, operands: Sequence[str]) -> str:
    """A result of a `cond` or a loop in words: `if c`, `loop × 3`, `while loop`; of a loop perhaps its trip count."""
    source = graph.a[i]
    if graph.op[source] == COND:
        return f"if {operands[0]}"
    text = loop_text(graph, source, operands)
    return text if graph.attrs[i]["k"] else f"steps of {text}"


def loop_text(graph: Graph, i: int, operands: Sequence[str]) -> str:
    """A loop in words, `loop × n` or `while loop`."""
    count = LoopView(graph.attrs[i], operands).count
    return "while loop" if count is None else f"loop × {count}"


class FormulaWriter:
    """Writes nodes of a graph as formulas, each from its operands' short texts, in one pass from the inputs on."""

    def __init__(self, graph: Graph, params: Iterable[str] = ()) -> None:
        """`prepare` must be called with the nodes before their formulas are asked for."""
        self.graph, self.params, self.outputs = graph, frozenset(params), frozenset(graph.outputs)
        self.is_constant = self._constants()
        self.depth = {NONE: 0}  # of each group, how many calls it is in
        for g, group in enumerate(graph.groups):
            self.depth[g] = self.depth[group.parent] + 1
        self.group_of = [self._group_of(i) for i in range(len(graph))]
        self._short: dict[int, Written] = {}

    def prepare(self, nodes: Iterable[int]) -> None:
        """Writes these nodes, and those without a name that they are made of."""
        graph, needed, stack = self.graph, set[int](), list(nodes)
        while stack:
            i = stack.pop()
            if i not in needed:
                needed.add(i)
                stack.extend(x for x in self.operands(i) if x not in graph.names)
        for i in sorted(needed):
            if graph.op[i] not in (COND, LOOP):
                self._short[i] = self._operation(i)

    def loop(self, i: int) -> str:
        """A prepared loop in words."""
        return loop_text(self.graph, i, [self._bare(x, i).text for x in self.graph.operands(i)[:1]])

    def name(self, i: int) -> str | None:
        """The user's name; that of a function's local value without the function, which the group around it shows."""
        name = self.graph.names.get(i)
        if name is None or self.group_of[i] == NONE:
            return name
        return name[len(self.graph.groups[self.group_of[i]].function) + 1 :]

    def operands(self, i: int) -> tuple[int, ...]:
        """See `operands`."""
        return operands(self.graph, i)

    def formula(self, i: int) -> str:
        """A node's operation, with `…` for what would make it too long."""
        graph = self.graph
        if graph.op[i] == INPUT:
            kind = "param" if graph.names.get(i) in self.params else "input"
            t = graph.type_of(i)
            return kind if t in (FLOAT, WEAK_INT) else clip(f"{kind}: {t}".replace("~", ""), LONGEST_FORMULA)
        text = self._short[i].text
        # `b  = a`, `g  = 9.81`: a bare name or number beside a name would be ambiguous
        return f"= {text}" if graph.op[i] == CONST or OPS[graph[i].op].spelling.form == "same" else text

    def symbol(self, i: int) -> str:
        """A small node's symbol, with its constants when it has any: `×`, `2 ×`, `max(·, 0)`, `(·)²`."""
        graph = self.graph
        if graph.op[i] == GET:
            return control_word(graph, i)
        op, operands = OPS[graph[i].op], graph.operands(i)
        constants = {x for x in operands if self.is_constant[x]}
        if not constants and "exponent" not in graph.attrs.get(i, {}):
            return self._call_symbol(i, len(operands)) if op.spelling.form in ("call", "none") else op.spelling.symbol
        if op.spelling.form == "infix":
            slot = Written("(·)" if op.spelling.text == "^" else "")
        else:
            slot = Written("·")
        return self._write(i, [self._short[x] if x in constants else slot for x in operands]).text.strip()

    def _call_symbol(self, i: int, count: int) -> str:
        """A function's name alone, or with its attributes: `sum`, `sum(·, axis=-1)`."""
        symbol = OPS[self.graph[i].op].spelling.symbol
        attrs = {key: value for key, value in shown_attrs(self.graph, i).items() if key != "keepdims"}
        text = write_op(OPS[self.graph[i].op].spelling, [Written("·")] * count, attrs, "picture").text
        return symbol if text == f"{symbol}({', '.join('·' * count)})" else text

    def _constants(self) -> bytearray:
        """A flag a node: an unnamed constant, or an unnamed operation on such (`sqrt(2)`)."""
        graph = self.graph
        flags = bytearray(len(graph))
        for i, op in enumerate(graph.op):
            constant = op == CONST or (op not in (INPUT, COND, LOOP, GET) and all(flags[x] for x in graph.operands(i)))
            flags[i] = constant and i not in graph.names and i not in self.outputs
        return flags

    def _group_of(self, i: int) -> int:
        """The group a node is drawn in: its own, but that of the caller for a value that the caller gave its name."""
        graph, group = self.graph, self.graph.group[i]
        name = graph.names.get(i)
        while group != NONE and name is not None and not name.startswith(f"{graph.groups[group].function}."):
            group = graph.groups[group].parent
        return group

    def _operation(self, i: int) -> Written:
        """The operation over its operands' texts; the longest of these are shortened until it fits."""
        graph = self.graph
        if graph.op[i] == INPUT:
            return _ELLIPSIS
        if graph.op[i] == CONST:
            return _constant(graph.attrs[i]["value"], graph.type_of(i))
        call = self._call(graph.group[i], self.group_of[i])
        if call is not None:
            return call
        # a row an operand: its texts, the fullest first
        texts = [self._texts(x, i) for x in self.operands(i)]
        while True:
            written = self._write(i, [row[0] for row in texts])
            reducible = [row for row in texts if len(row) > 1]
            if len(written.text) <= LONGEST_FORMULA or not reducible:
                return written
            max(reducible, key=lambda row: len(row[0].text)).pop(0)

    def _texts(self, x: int, user: int) -> list[Written]:
        """The texts by which `user` may write its operand `x`, the fullest first."""
        bare = self._bare(x, user)
        if bare is not _ELLIPSIS:
            return [bare]
        return [self._short[x], self._write(x, [self._bare(y, x) for y in self.operands(x)]), bare]

    def _bare(self, x: int, user: int) -> Written:
        """The operand `x` of `user` by its name, or that of the function it comes from; else a constant or `…`."""
        call = self._call(self.group_of[x], self.group_of[user])
        if call is not None:
            return call
        name = self.name(x)
        if name is not None:
            return Written(clip(name))
        return self._short[x] if self.is_constant[x] else _ELLIPSIS

    def _call(self, inside: int, outside: int) -> Written | None:
        """The text of a value of the group `inside` in the group `outside` around it; None in the same one."""
        groups, function = self.graph.groups, None
        limit = self.depth[outside]
        while self.depth[inside] > limit:
            function, inside = groups[inside].function, groups[inside].parent
        return None if function is None or inside != outside else Written(f"{clip(function)}(…)")

    def _write(self, i: int, operands: Sequence[Written]) -> Written:
        """The operation over texts; a whole exponent stands above the line."""
        graph = self.graph
        if graph.op[i] == GET:
            return Written(control_text(graph, i, [operand.text for operand in operands]), 0)
        attrs = shown_attrs(graph, i)
        exponent = attrs.get("exponent")
        if exponent is not None and float(exponent).is_integer() and abs(exponent) < 1000:
            base = operands[0] if operands[0].level >= ATOM else Written(f"({operands[0].text})")
            return Written(base.text + str(int(exponent)).translate(_SUPERSCRIPTS), _POWER)
        if exponent is not None:
            attrs = {"exponent": float(f"{exponent:.{DIGITS}g}")}
        return write_op(OPS[graph[i].op].spelling, operands, attrs, "picture")


def _constant(value: Any, t: AnyType) -> Written:
    if isinstance(value, tuple):
        return Written(write_nested(value, number, LONGEST_TENSOR))
    if isinstance(value, bool):
        written = write_number(value, "picture")
    else:
        text = number(value)
        written = Written(text, UNARY if text.startswith("−") else ATOM)
    return written if not isinstance(t, Type) or not t.shape else write_filled(t.shape, written)
