"""Numbers, names and operations as the text of a picture: short, in the user's names, with typographic signs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from cgcli.graph.graph import COND, CONST, GET, INPUT, LOOP, NONE, Graph
from cgcli.graph.types import FLOAT, WEAK_INT, AnyType, Stack, Type
from cgcli.ops.loops import LoopView
from cgcli.ops.notation import shown_attrs
from cgcli.ops.op import ATOM
from cgcli.ops.spelling import LONGEST_TENSOR, UNARY, Written, write_filled, write_nested, write_number, write_op
from cgcli.ops.table import BY_CODE, OPS
from cgcli.ops.written import WrittenOperations

from .bindings import Bindings
from .bindings import bindings as names_of
from .tensors import brief, is_tensor

DIGITS = 4  # significant, in a picture; the tooltip has them all
LONGEST_FORMULA = 96  # characters of an operation written out in a card
LONGEST_LINE = 32  # of a formula in a card
SPARE = 4  # characters that a formula may be longer to stand in one line
LONGEST_CALL = 48  # of a call that is written with its arguments
LONGEST_NAME = 24  # characters of a name inside a formula or a derivative
_SUPERSCRIPTS = str.maketrans("0123456789-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")
_IDENTIFIER = re.compile(r"(?<![\w.])[^\W\d]\w*(?![\w(])(?! *=(?!=))")  # no function, no keyword
_ELLIPSIS = Written("…")
_STRUCTURAL = (INPUT, CONST, COND, LOOP, GET)
_POWER = 9  # how tightly an exponent above the line binds


def number(value: Any, digits: int = DIGITS) -> str:
    """A value in few significant digits, with a real minus sign."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value != value:
        return "NaN"
    if value == 0:
        return "0"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = str(value) if isinstance(value, int) and abs(value) < 10**6 else f"{value:.{digits}g}"
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
    """A value on a card: a number, a tensor in brief, or the length of a loop's stack."""
    if isinstance(value, list):
        return f"{len(value)} items"
    return brief(value, number, nan="NaN") if is_tensor(value) else number(value)


@cache
def _signs() -> tuple[re.Pattern[str], dict[str, str]]:
    """Operators of the language, and the signs that pictures have for them."""
    spellings = [op.spelling for op in BY_CODE.values() if op.spelling.form in ("infix", "prefix")]
    signs = {x.text: x.symbol for x in spellings if not x.text.isalpha()} | {"**": "^"}
    operators = "|".join(re.escape(text) for text in sorted(signs, key=len, reverse=True))
    return re.compile(
        rf"\"[^\"]*\"|(?<=[\d.]e)-| ?(?:\^|\*\*) ?(-?\d{{1,3}})(?![\w.]| ?(?:\^|\*\*))|\*\*|{operators}"
    ), signs


def typographic(source: str) -> str:
    """A source text with the signs of a picture: `a*b^2` as `a×b²`."""
    pattern, signs = _signs()

    def sign(match: re.Match[str]) -> str:
        if match[1] is not None:
            return match[1].translate(_SUPERSCRIPTS)
        return signs.get(match[0], match[0]) if match[0] != "-" else "−"

    return pattern.sub(sign, source)


_BREAKS = tuple(
    re.compile(pattern)
    for pattern in (r"(?<=,) | (?=(?:[+−∧∨<>≤≥=≠]|and|or|then|else) )", r" (?=(?:[×/@]|//) )")  # loose operators first
)


def wrapped(formula: str, longest: int = LONGEST_LINE) -> str:
    """The formula in lines: a longer one breaks behind a comma or before an operator, outside of brackets if it can."""
    if len(formula) <= longest + SPARE:
        return formula
    words = [formula]
    for depth in range(8):
        for pattern in _BREAKS:
            if all(len(word) <= longest for word in words):
                break
            words = [part for x in words for part in (_split(x, depth, pattern) if len(x) > longest else [x])]
    lines = [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + 1 + len(word) > longest:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return "\n".join(lines)


def _split(text: str, depth: int, pattern: re.Pattern[str]) -> list[str]:
    """The text in parts, cut at the blanks of a pattern that lie in no more than so many brackets."""
    parts, start, level, position = [], 0, 0, 0
    for match in pattern.finditer(text):
        between = text[position : match.start()]
        level += sum(map(between.count, "([{")) - sum(map(between.count, ")]}"))
        position = match.end()
        if level <= depth:
            parts.append(text[start : match.start()])
            start = match.end()
    return [*parts, text[start:]]


def _is_items(graph: Graph, i: int) -> bool:
    """Whether a node is a tensor as its items, or items as a tensor: the lowering of loops has it, nobody writes it."""
    operands = graph.operands(i)
    types = (graph.type_of(i), *map(graph.type_of, operands))
    return len(operands) == 1 and graph.op[i] != GET and any(isinstance(t, Stack) for t in types)


def _elided(text: str) -> str:
    """The text, of a long one the beginning and the end, cut at blanks; a longer last word is cut as a name is."""
    if len(text) <= LONGEST_FORMULA:
        return text
    head, tail = text[: LONGEST_FORMULA * 2 // 3], text[-LONGEST_FORMULA // 3 :]
    _, gap, words = tail.partition(" ")
    return f"{head.rpartition(' ')[0] or head} …{gap}{words or tail}"


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

    def __init__(
        self,
        graph: Graph,
        params: Iterable[str] = (),
        written: WrittenOperations | None = None,
        bindings: Bindings | None = None,
    ) -> None:
        """`prepare` must be called with the nodes before their formulas are asked for. bindings: the names in it."""
        self.graph, self.params, self.outputs = graph, frozenset(params), frozenset(graph.outputs)
        self.written = WrittenOperations(graph) if written is None else written
        self.is_constant = self._constants()
        self.depth = {NONE: 0}  # of each group, how many calls it is in
        for g, group in enumerate(graph.groups):
            self.depth[g] = self.depth[group.parent] + 1
        self.bindings = names_of(graph) if bindings is None else bindings
        self.group_of = self.bindings.group_of
        self._first: dict[int, int] = {}  # of each group, its first node
        for i, owner in enumerate(graph.group):
            inside = owner
            while inside != NONE and inside not in self._first:
                self._first[inside] = i
                inside = graph.groups[inside].parent
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
        """The user's name; that of a function's local value without the function, which the group around it shows. Of a
        name that is bound several times the last is the name alone, the others are numbered: `x₀`, `x₁`, `x`.
        """
        return self.bindings.names.get(i)

    def _source(self, text: str, group: int, at: int) -> str:
        """A source text of this group, with the signs of a picture and the names as they are numbered where node `at`
        is computed.
        """

        def numbered(match: re.Match[str]) -> str:
            return self.bindings.before(match[0], group, at)

        return typographic(_IDENTIFIER.sub(numbered, " ".join(text.split())))

    def operands(self, i: int) -> tuple[int, ...]:
        """The operands of a node, of an operation as it was written those of the whole."""
        return self.written.operands(i) if i in self.written.members else operands(self.graph, i)

    def formula(self, i: int) -> str:
        """A node's operation, with `…` for what would make it too long."""
        graph = self.graph
        if graph.op[i] == INPUT:
            kind = "param" if graph.names.get(i) in self.params else "input"
            t = graph.type_of(i)
            declared = typographic(f"{kind}: {t}".replace("~", ""))
            return kind if t in (FLOAT, WEAK_INT) else clip(declared, LONGEST_FORMULA)
        text = self._whole(i) or self._short[i].text
        # `b  = a`, `g  = 9.81`: a bare name or number beside a name would be ambiguous
        return f"= {text}" if graph.op[i] == CONST or OPS[graph[i].op].spelling.form == "same" else text

    def _whole(self, i: int) -> str | None:
        """The operation as the file has it, of a long one the ends; None where the file has no text of it."""
        graph = self.graph
        if graph.op[i] in _STRUCTURAL or graph.span[i] == NONE or graph.group[i] != self.group_of[i]:
            return None
        if BY_CODE[graph.op[i]].spelling.form == "same" or _is_items(graph, i):
            return None
        span = graph.spans[graph.span[i]]
        lines = span.source.text[span.start : span.end].splitlines()
        return _elided(self._source(" ".join(line.partition("#")[0] for line in lines), self.group_of[i], i))

    def constant(self, i: int) -> str:
        """The text of an unnamed constant."""
        return self._short[i].text

    def symbol(self, i: int) -> str:
        """A small node's symbol, with its constants when it has any: `×`, `2 ×`, `max(·, 0)`, `(·)²`."""
        graph = self.graph
        if graph.op[i] == GET:
            return control_word(graph, i)
        symbol = self.written.symbol(i)
        if symbol is not None:
            return clip(typographic(symbol))
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
        control = self.written.control(i)
        if control is not None:
            return self._write(control, [self._texts(x, i)[0] for x in operands(graph, control)])
        text = self.written.text(i)
        if text is not None:
            atom = text.endswith((")", "]")) and text[0].isalnum() and not re.search(r" [^\w\s,(\[]", text)
            return Written(_elided(self._source(text, self.group_of[i], i)), ATOM if atom else 0)
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
        if x in self.written.members:
            return [self._short[x], bare]
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
        groups, group, called = self.graph.groups, None, NONE
        limit = self.depth[outside]
        while self.depth[inside] > limit:
            called, group = inside, groups[inside]
            inside = group.parent
        if group is None or inside != outside:
            return None
        if group.span is not None:
            text = group.span.source.text[group.span.start : group.span.end]
            if len(text) <= LONGEST_CALL and text.endswith(")"):
                return Written(self._source(text, outside, self._first[called]))
        return Written(f"{clip(group.function)}(…)")

    def _write(self, i: int, operands: Sequence[Written]) -> Written:
        """The operation over texts; a whole exponent stands above the line."""
        graph = self.graph
        if graph.op[i] == GET:
            return Written(control_text(graph, i, [operand.text for operand in operands]), 0)
        if _is_items(graph, i):
            return operands[0]
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
