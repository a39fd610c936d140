"""Lowers plain lines: the first of a kind by the parser and the lowering, the next ones by what these have appended.

What lowering appends for a plain line depends on its shape, on the types of its words (a number is an int or a float), on
whether they vary and are at risk, and on the numbers that are exponents: these are the key of a plan. Which values, which
numbers and which characters they are only fills in the operands, the constants and the spans of the nodes, and a plan
says where. It is recorded from a line of the same shape with other names and numbers, each used once, in a region of
its own, so that every operand and constant tells which word it is. Where a recording shows anything else than nodes (a
nested graph, a call, a warning), the lines of its key are parsed and lowered one by one.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from operator import itemgetter
from typing import Any, NamedTuple

from cgcli.diagnostics.diagnostic import CgError
from cgcli.diagnostics.source import Source
from cgcli.graph.graph import NONE, Graph
from cgcli.graph.lexemes import number
from cgcli.graph.types import Type
from cgcli.ops.builder import Builder
from cgcli.ops.table import BY_CODE

from .builtins import CONSTANTS
from .calls import Calls
from .frames import Environment, Frame
from .parser import parse_line
from .plain_lines import Layout, NotDivided, PlainLines, Shape
from .regions import Region, Value
from .resolver import Names
from .tree import kind, walk

UNBOUND, INT, FLOAT, CONSTANT, NAMED = 0, 1, 2, 3, 10  # codes of words; constants and names have one each from there on
LONGEST_INT = 18  # digits of an int that is one whatever its sign
MOST_PLANS = 2000  # of a shape: more are not kept

Operands = Callable[[Sequence[int]], Sequence[int]]
"""One operand of each node of a plan, of a list of the nodes of all words, then the new nodes, then NONE."""


class Kind(NamedTuple):
    """What lowering asks of a name's value."""

    type: Type
    varies: int
    risk: int


class Plan(NamedTuple):
    """The nodes of a line.

    rows, count: how many nodes it appends, how many the limit of nodes counts. starts, ends: of each of its spans the
    words before it and the characters from there. spans: of each node the span. attrs: the nodes with attributes;
    of a number of the text None, its word and its sign. tame: the nodes whose risk depends on constants. result,
    kind: the node that the line binds.
    """

    rows: int
    count: int
    op: array[int]
    type: array[int]
    a: Operands
    b: Operands
    more: list[tuple[int, Operands]]
    starts: list[tuple[int, int]]
    ends: list[tuple[int, int]]
    spans: list[int]
    attrs: list[tuple[int, Mapping[str, Any] | None, int, int]]
    tame: bool
    risk: bytes
    varies: bytes
    result: int
    kind: int


class Replays:
    """The plain lines of a program while it is being lowered.

    nodes, kinds: by word its node and its code, of names those of the last binding. lower_line: lowers a line that has
    no plan.
    """

    def __init__(
        self,
        layout: Layout,
        environment: Environment,
        region: Region,
        calls: Calls,
        lower_line: Callable[[tuple[int, int], Any], None],
    ) -> None:
        self.layout, self.environment, self.region, self.calls = layout, environment, region, calls
        self.lower_line = lower_line
        self.pieces: dict[int, PlainLines] = {}  # by the number of the statement
        self.ranges: list[tuple[int, int]] = []  # the nodes of plain lines
        texts = layout.texts
        self.nodes, self.lengths = array("i", [NONE]) * len(texts), array("i", map(len, texts))
        self.kinds = array("i", [UNBOUND]) * len(texts)
        self._kind_rows: dict[Kind, int] = {}
        self._kinds: list[Kind] = []
        self._attrs: dict[tuple[int, int], Mapping[str, Any]] = {}
        for word in layout.numbers:
            self.kinds[word] = _code_of_number(texts[word])
        for k, name in enumerate(CONSTANTS):
            self.kinds[texts.index(name, 0, layout.reserved)] = CONSTANT + k

    def lower(self, index: int, piece: PlainLines) -> None:
        """Appends the nodes of some lines, the statement with this index, and binds their names."""
        self.pieces[index] = piece
        for word in piece.outside:
            self._read(word)
        first = len(self.region.builder)
        bound: dict[int, None] = {}  # the words that lines have bound, and the environment has not yet
        for line in self._lines(piece, bound):
            self._bind(bound)
            self._alone(index, piece, line)
        self._bind(bound)
        self.ranges.append((first, len(self.region.builder)))

    def read_nodes(self) -> bytearray:
        """A flag a node: whether a plain line reads it, which is to say that one reads the name of that node."""
        b = self.region.builder
        flags = bytearray(len(b) + 1)
        for first, end in self.ranges:
            for column in (b.a, b.b):
                for x in column[first:end]:
                    flags[x] = 1
        for i, operands in b.more.items():
            if any(first <= i < end for first, end in self.ranges):
                for x in operands:
                    flags[x] = 1
        return flags

    def unread(self, flags: bytearray) -> list[tuple[tuple[int, int], str]]:
        """The names that only plain lines bind and no line reads after its last binding, in order."""
        layout, nodes = self.layout, self.nodes
        words = {word for word in layout.bound - layout.shared if not flags[nodes[word]]}
        last: dict[int, tuple[int, int]] = {}
        for number, piece in self.pieces.items():
            for line, word in enumerate(piece.targets) if words else ():
                if word in words:
                    last[word] = number, line
        return [(index, layout.texts[word]) for word, index in last.items()]

    def _lines(self, piece: PlainLines, bound: dict[int, None]) -> Iterator[int]:
        """Replays the lines; yields those that have no plan."""
        b, lengths, texts = self.region.builder, self.lengths, self.layout.texts
        kind_of, node_of, names = self.kinds.__getitem__, self.nodes.__getitem__, b.names
        spans, origin = b.spans, b.spans.origin_of(self.layout.source)
        length_of, words, kinds, nodes = lengths.__getitem__, piece.words, self.kinds, self.nodes
        end = counted = 0
        for line, (shape, start) in enumerate(zip(piece.shapes, piece.starts, strict=True)):
            of_line = words[end : (end := end + shape.words)]
            key = tuple(map(kind_of, of_line))
            if shape.exponents:
                key += tuple(
                    [word if kinds[word] < NAMED else NONE for word in map(of_line.__getitem__, shape.exponents)]
                )
            plan = shape.plans.get(key)
            if plan is None:
                plan = self._plan(shape, key, of_line)
                if plan is None:
                    yield line
                    continue
            base = len(b.op)
            operands = [*map(node_of, of_line), *range(base, base + plan.rows), NONE]
            b.op.extend(plan.op)
            b.a.extend(plan.a(operands))
            b.b.extend(plan.b(operands))
            b.type.extend(plan.type)
            row = len(spans.start)
            b.span.extend([row + k for k in plan.spans])
            at = list(accumulate(map(length_of, of_line), initial=start))
            spans.start.extend([at[k] + more for k, more in plan.starts])
            spans.end.extend([at[k] + more for k, more in plan.ends])
            b.varies.extend(plan.varies)
            b.risk.extend(plan.risk)
            for k, operands_of in plan.more:
                b.more[base + k] = tuple(operands_of(operands))
            for k, attrs, word, sign in plan.attrs:
                b.attrs[base + k] = self._literal(of_line[word], sign) if attrs is None else attrs
            target, result = of_line[0], base + plan.result
            kinds[target] = self._tamed(b, base, plan) if plan.tame else plan.kind
            nodes[target] = result
            names[result] = texts[target]
            bound[target] = None
            spans.origin.extend([origin] * len(plan.starts))
            b.group.extend([NONE] * plan.rows)
            counted += plan.count
        self.calls.node_count += counted
        if max(self.calls.node_count, len(b.op)) > self.calls.max_nodes:
            raise NotDivided

    def _read(self, word: int) -> None:
        """Takes over the value of a word from the environment."""
        value = self.environment.values.get(self.layout.texts[word])
        if isinstance(value, Value) and value.region is self.region:
            b = self.region.builder
            type_ = b.type_of(value.node)
            if isinstance(type_, Type):
                self.nodes[word] = value.node
                self.kinds[word] = self._code(Kind(type_, b.varies[value.node], b.risk[value.node]))
                return
        self.nodes[word], self.kinds[word] = NONE, UNBOUND

    def _bind(self, bound: dict[int, None]) -> None:
        """Hands the values of words to the environment."""
        values, region, texts, nodes = self.environment.values, self.region, self.layout.texts, self.nodes
        for word in bound:
            values[texts[word]] = Value(region, nodes[word])
        bound.clear()

    def _alone(self, index: int, piece: PlainLines, line: int) -> None:
        """Parses and lowers one line as ever."""
        start = piece.starts[line]
        [statement] = parse_line(self.layout.line(start)).children
        for node in walk(statement):
            position = getattr(node, "meta", node)
            position.start_pos += start
            position.end_pos += start
        self.lower_line((index, line), statement)
        self._read(piece.targets[line])

    def _literal(self, word: int, sign: int) -> Mapping[str, Any]:
        attrs = self._attrs.get((word, sign))
        if attrs is None:
            attrs = self._attrs[word, sign] = {"value": number(self.layout.texts[word], sign)}
        return attrs

    def _code(self, kind_: Kind) -> int:
        code = self._kind_rows.get(kind_)
        if code is None:
            code = self._kind_rows[kind_] = NAMED + len(self._kinds)
            self._kinds.append(kind_)
        return code

    def _tamed(self, b: Builder, base: int, plan: Plan) -> int:
        """Computes the risk of a line's nodes anew, where it depends on constants; returns the code of its result."""
        for i in range(base, len(b.op)):
            operands = b.operands(i)
            effects = BY_CODE[b.op[i]].effects
            risk = effects.hazard
            if risk and effects.tame is not None:
                risk = not effects.tame(b.attrs.get(i, {}), [b.constant(x) for x in operands])
            b.risk[i] = risk or any(b.risk[x] for x in operands)
        result = base + plan.result
        return self._code(Kind(b.type1(result), b.varies[result], b.risk[result]))

    # ---- recording

    def _plan(self, shape: Shape, key: tuple[int, ...], words: Sequence[int]) -> Plan | None:
        """The plan of a key, recorded where it is new; None where lines with this key are lowered one by one."""
        if key in shape.plans:
            return None
        plan = None
        if UNBOUND not in key[1 : shape.words] and len(shape.plans) < MOST_PLANS:
            try:
                plan = self._recorded(shape, key, words)
            except CgError:
                raise NotDivided from None
        if len(shape.plans) < MOST_PLANS:
            shape.plans[key] = plan
        return plan

    def _recorded(self, shape: Shape, key: tuple[int, ...], words: Sequence[int]) -> Plan | None:
        kinds = [self._kinds[code - NAMED] if code >= NAMED else None for code in key[: shape.words]]
        read = [k.type for k in kinds[1:] if k is not None]
        if any(t.dtype == "f32" for t in read) and (len(read) < shape.words - 1 or any(t.weak for t in read)):
            return None  # literals beside f32 are rounded
        texts = [self._written(k, code, words[k], shape) for k, code in enumerate(key[: shape.words])]
        recording = _Recording(shape, kinds, texts)
        b, rows = recording.builder, recording.rows
        if not recording.is_plain:
            return None
        home = self.region.builder
        result = recording.result
        operands = [b.operands(i) for i in rows]
        return Plan(
            rows=len(rows),
            count=recording.count,
            op=b.op[rows.start :],
            type=array("i", [home.intern_type(b.type_of(i)) for i in rows]),
            a=recording.operands([b.a[i] for i in rows]),
            b=recording.operands([b.b[i] for i in rows]),
            more=[(k, recording.operands(xs[2:])) for k, xs in enumerate(operands) if len(xs) > 2],
            starts=[recording.position(span.start) for span in b.spans],
            ends=[recording.position(span.end) for span in b.spans],
            spans=list(b.span[rows.start :]),
            attrs=recording.attrs(),
            tame=any(BY_CODE[b.op[i]].effects.tame is not None for i in rows),
            risk=bytes(b.risk[rows.start :]),
            varies=bytes(b.varies[rows.start :]),
            result=result - rows.start,
            kind=self._code(Kind(b.type1(result), b.varies[result], b.risk[result])),
        )

    def _written(self, k: int, code: int, word: int, shape: Shape) -> str:
        """How the recorded line spells a word: names and numbers that stand there once."""
        if k == 0 or code >= NAMED:
            return f"v{k}"
        if k in shape.exponents or code >= CONSTANT:
            return self.layout.texts[word]
        return str(1_000_003 + k if code == INT else k + 0.53125)


def _code_of_number(text: str) -> int:
    value = number(text)
    if isinstance(value, int):
        return INT if len(text) <= LONGEST_INT else UNBOUND
    return UNBOUND if value in (float("inf"), float("-inf")) or text.replace("_", "").isdigit() else FLOAT


class _Recording:
    """A line that is lowered in a region of its own."""

    def __init__(self, shape: Shape, kinds: Sequence[Kind | None], texts: Sequence[str]) -> None:
        """kinds: of the words that are names, whose first is not read. texts: of all words."""
        self.shape, self.texts = shape, texts[: shape.words]
        region, calls = Region(), Calls()
        self.builder = b = region.builder
        values: dict[str, Any] = {}
        self.words: dict[int, int] = {}  # by node
        for k, kind_ in enumerate(kinds):
            if k and kind_ is not None:
                node = b.input(kind_.type, texts[k], varies=bool(kind_.varies))
                b.risk[node] = kind_.risk
                values[texts[k]] = Value(region, node)
                self.words[node] = k
        parts = [part for pair in zip(shape.gaps, [*self.texts, ""], strict=True) for part in pair]
        source = Source("<line>", "".join(parts))
        ends = list(accumulate(map(len, parts)))
        self.ends = ends[1:-2:2]  # of the words
        first = len(b)
        [statement] = parse_line(source).children
        if kind(statement) != "assign" or kind(statement.children[0]) != "name":
            raise NotDivided
        frame = Frame(Environment(source, Names(), values), region)
        value = calls.lower(frame, statement.children[1])
        self.result = calls.bind(frame, statement, value, texts[0]).node
        self.rows = range(first, len(b))
        self.count = calls.node_count
        graphs = any(isinstance(x, Graph) for attrs in b.attrs.values() for x in attrs.values())
        types = all(isinstance(b.type_of(i), Type) for i in self.rows)
        # the numbers that only this line has, with their words
        self.numbers = {number(t): k for k, t in enumerate(self.texts) if t[0].isdigit() and k not in shape.exponents}
        unique = all(
            abs(number(self.texts[k])) not in self.numbers for k in shape.exponents if not self.texts[k].isidentifier()
        )
        self.is_plain = types and unique and not (graphs or calls.warnings or b.groups) and self.result >= first

    def position(self, at: int) -> tuple[int, int]:
        """How many words end at or before a character, and how far behind them it is, without their lengths."""
        before = sum(end <= at for end in self.ends)
        return before, at - sum(map(len, self.texts[:before]))

    def operands(self, nodes: Sequence[int]) -> Operands:
        """These nodes, picked from a list of the nodes of the words, the new nodes, and NONE."""
        words, rows = self.shape.words, self.rows
        picked = [
            words + len(rows) if x == NONE else self.words[x] if x in self.words else words + x - rows.start
            for x in nodes
        ]
        if len(picked) > 1:
            return itemgetter(*picked)
        [only] = picked
        return lambda operands: (operands[only],)

    def attrs(self) -> list[tuple[int, Mapping[str, Any] | None, int, int]]:
        """The nodes with attributes: of one that is a number of the text None, its word and its sign."""
        result: list[tuple[int, Mapping[str, Any] | None, int, int]] = []
        for i, attrs in self.builder.attrs.items():
            value = self.builder.constant(i)
            word = None if value is None else self.numbers.get(abs(value))
            if value is not None and word is not None:
                result.append((i - self.rows.start, None, word, -1 if value < 0 else 1))
            else:
                result.append((i - self.rows.start, attrs, NONE, 1))
        return result
