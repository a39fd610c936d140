"""What lowering appends for one plain line, as a plan for others like it, recorded from a line with names of its own.

The recorded line has the shape of the others, and names and numbers that stand there once; it is parsed and lowered as
any line in a region of its own, so that every operand, constant and character of a span tells which word it is.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from operator import itemgetter
from typing import Any, NamedTuple

from cgcli.diagnostics.source import Source, Span
from cgcli.graph.graph import CONST, NONE, Graph
from cgcli.graph.lexemes import number
from cgcli.graph.types import Type
from cgcli.ops.builder import Builder
from cgcli.ops.table import BY_CODE

from .calls import Calls
from .frames import Environment, Frame
from .parser import statements_of
from .plain_lines import WORDS, NotDivided, Shape, line_at
from .regions import Region, Value
from .resolver import Names
from .tree import kind

Pick = Callable[[Sequence[int]], tuple[int, ...]]
"""Picks nodes out of a list: the nodes of a line's words, then its new nodes, then NONE."""


class Kind(NamedTuple):
    """What lowering asks of a name's value. is_constant: whether it is a `const`, which is asked for its number."""

    type: Type
    varies: int
    risk: int
    is_constant: bool


@dataclass(eq=False, slots=True)
class Plan:
    """The nodes of a line.

    rows, count: how many nodes it appends, how many the limit of nodes counts. op, type: columns. operands: the first
    two of each node; more: of nodes with more of them the third and later ones. span_count: how many spans; origin,
    numbers: their columns; spans: of each node the span; last_span: that of the next node, if it had none; has_spans:
    whether each node has a span of its own. attrs: the nodes with attributes; of a number of the text None, its word
    and its sign. tame: the nodes whose risk depends on constants; risks: for each answer of these the risk of the
    nodes, and the code of the kind of the result; risk: the only one. result: the node that the line binds.
    """

    rows: int
    count: int
    op: bytes
    type: bytes
    operands: Pick
    more: list[tuple[int, Pick]]
    span_count: int
    origin: bytes
    numbers: bytes
    spans: list[int]
    last_span: int
    attrs: list[tuple[int, Mapping[str, Any] | None, int, int]]
    tame: list[Tame]
    varies: bytes
    result: int
    recording: Recording
    risks: dict[tuple[bool, ...], tuple[bytes, int]] = field(default_factory=dict)
    risk: tuple[bytes, int] | None = None
    has_spans: bool = field(init=False)

    def __post_init__(self) -> None:
        self.has_spans = self.spans == list(range(self.span_count))


class Tame(NamedTuple):
    """A node whose risk depends on constants: `is_tame(attrs, constants)`. operands: positions in the list of nodes,
    None of those that are no constants."""

    is_tame: Callable[[Mapping[str, Any], Sequence[Any]], bool]
    attrs: Mapping[str, Any]
    operands: list[int | None]


class LineSpans:
    """Where the spans of lines with the same plan are.

    offsets: of each span its start and its end, as the number of words before it and the characters besides these.
    """

    def __init__(self, source: Source, offsets: list[tuple[tuple[int, int], tuple[int, int]]]) -> None:
        self.source, self.offsets = source, offsets
        self._latest = -1, [(0, 0)]  # the line that was read last, and its spans

    def span(self, line: int, k: int) -> Span:
        latest, bounds = self._latest
        if line != latest:
            bounds = self.bounds(line)
            self._latest = line, bounds
        return Span(self.source, *bounds[k])

    def bounds(self, line: int) -> list[tuple[int, int]]:
        words = WORDS.split(line_at(self.source.text, line))[1::2]
        ends = list(accumulate(map(len, words), initial=line))  # if they followed each other
        return [(ends[before] + start, ends[within] + end) for (before, start), (within, end) in self.offsets]


def kind_of(b: Builder, node: int) -> Kind:
    """Raises AssertionError for a node of several results."""
    return Kind(b.type1(node), b.varies[node], b.risk[node], b.op[node] == CONST)


class Recording:
    """A line that is lowered in a region of its own. is_plain: whether it appended nothing but nodes."""

    def __init__(self, shape: Shape, kinds: Sequence[Kind | None], texts: Sequence[str]) -> None:
        """kinds: of the words that are names, whose first is not read. texts: of all words."""
        self.shape, self.kinds, self.texts = shape, kinds, texts
        region, calls = Region(), Calls()
        self.builder = b = region.builder
        values: dict[str, Any] = {}
        self._words: dict[int, int] = {}  # by node
        for k, kind_ in enumerate(kinds):
            if k and kind_ is not None:
                node = b.input(kind_.type, texts[k], varies=bool(kind_.varies))
                b.risk[node] = kind_.risk
                values[texts[k]] = Value(region, node)
                self._words[node] = k
        parts = [part for pair in zip(shape.gaps, [*texts, ""], strict=True) for part in pair]
        self._ends = list(accumulate(map(len, parts)))[1:-2:2]  # of the words
        source, first = Source("<line>", "".join(parts)), len(b)
        [statement] = statements_of(source)
        if kind(statement) != "assign" or kind(statement.children[0]) != "name":
            raise NotDivided
        frame = Frame(Environment(source, Names(), values), region)
        value = calls.lower(frame, statement.children[1])
        self.result = calls.bind(frame, statement, value, texts[0]).node
        self.rows, self.count = range(first, len(b)), calls.node_count
        is_number = [not text.isidentifier() for text in texts]
        own = [k for k in range(len(texts)) if is_number[k] and k not in shape.exponents]
        self._numbers = {number(texts[k]): k for k in own}
        exponents = [number(texts[k]) for k in shape.exponents if is_number[k]]
        self.is_plain = (
            self.result >= first
            and self._numbers.keys().isdisjoint(exponents)
            and all(isinstance(b.type_of(i), Type) for i in self.rows)
            and not any(isinstance(x, Graph) for attrs in b.attrs.values() for x in attrs.values())
            and not calls.warnings
            and not b.groups
        )

    def plan(self, home: Builder, source: Source) -> Plan:
        """The plan for lines of a source whose nodes are appended to `home`."""
        b, rows, count = self.builder, self.rows, len(self.builder.spans)
        operands = [b.operands(i) for i in rows]
        rule = LineSpans(source, [(self._position(span.start), self._position(span.end)) for span in b.spans])
        return Plan(
            rows=len(rows),
            count=self.count,
            op=b.op[rows.start :].tobytes(),
            type=array("i", [home.intern_type(b.type_of(i)) for i in rows]).tobytes(),
            operands=self._pick([x for i in rows for x in (b.a[i], b.b[i])]),
            more=[(k, self._pick(xs[2:])) for k, xs in enumerate(operands) if len(xs) > 2],
            span_count=count,
            origin=(array("i", [home.spans.origin_of(rule)]) * count).tobytes(),
            numbers=array("i", range(count)).tobytes(),
            spans=list(b.span[rows.start :]),
            last_span=b.at_span,
            attrs=self._attrs(),
            tame=[self._tame(i) for i in rows if self._is_tamed(i)],
            varies=bytes(b.varies[rows.start :]),
            result=self.result - rows.start,
            recording=self,
        )

    def risk(self, tame: Sequence[bool]) -> tuple[bytes, Kind]:
        """The risk of the nodes where those that may be tame are or are not, and the kind of the result then."""
        b, remaining = self.builder, iter(tame)
        for i in self.rows:
            risk = BY_CODE[b.op[i]].effects.hazard
            if self._is_tamed(i):
                risk = not next(remaining)
            b.risk[i] = risk or any(b.risk[x] for x in b.operands(i))
        return bytes(b.risk[self.rows.start :]), kind_of(b, self.result)

    def _is_tamed(self, i: int) -> bool:
        effects = BY_CODE[self.builder.op[i]].effects
        return effects.hazard and effects.tame is not None

    def _tame(self, i: int) -> Tame:
        b = self.builder
        is_tame = BY_CODE[b.op[i]].effects.tame
        assert is_tame is not None
        constants: list[int | None] = []
        for x in b.operands(i):
            kind_ = self.kinds[self._words[x]] if x in self._words else kind_of(b, x)
            constants.append(self._spot(x) if kind_ is not None and kind_.is_constant else None)
        return Tame(is_tame, b.attrs.get(i, {}), constants)

    def _position(self, at: int) -> tuple[int, int]:
        """How many words end at or before a character, and how far behind them it is, without their lengths."""
        before = sum(end <= at for end in self._ends)
        return before, at - sum(map(len, self.texts[:before]))

    def _spot(self, x: int) -> int:
        """Where a node stands in the list of the nodes of the words, the new nodes, and NONE."""
        words, rows = self.shape.words, self.rows
        return words + len(rows) if x == NONE else self._words[x] if x in self._words else words + x - rows.start

    def _pick(self, nodes: Sequence[int]) -> Pick:
        return _pick([self._spot(x) for x in nodes])

    def _attrs(self) -> list[tuple[int, Mapping[str, Any] | None, int, int]]:
        """The nodes with attributes: of one that is a number of the text None, its word and its sign."""
        result: list[tuple[int, Mapping[str, Any] | None, int, int]] = []
        for i, attrs in self.builder.attrs.items():
            value = self.builder.constant(i)
            word = None if value is None else self._numbers.get(abs(value))
            if value is not None and word is not None:
                result.append((i - self.rows.start, None, word, -1 if value < 0 else 1))
            else:
                result.append((i - self.rows.start, attrs, NONE, 1))
        return result


def _pick(positions: Sequence[int]) -> Pick:
    if len(positions) > 1:
        return itemgetter(*positions)
    [only] = positions
    return lambda numbers: (numbers[only],)
