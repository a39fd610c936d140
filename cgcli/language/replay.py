"""Lowers plain lines: the first of a kind by the parser and the lowering, the next ones by what these have appended.

What lowering appends for a plain line depends on its shape, on the types of its words (a number is an int or a float),
on whether they vary and are at risk, and on the numbers that are exponents: these are the key of a plan. Which values,
which numbers and which characters they are only fills in the operands, the constants and the spans of the nodes, and a
plan says where; whether a constant takes the risk from a node is asked anew. Where a recording shows anything else than
nodes (a nested graph, a call, a warning), the lines of its key are parsed and lowered one by one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import compress, repeat
from operator import itemgetter
from typing import Any

from cgcli.graph.graph import NONE
from cgcli.graph.lexemes import number
from cgcli.graph.types import Type
from cgcli.ops.builder import Builder

from .builtins import CONSTANTS
from .calls import Calls
from .frames import Environment
from .line_plans import Kind, Plan, Recording, kind_of
from .outputs import Outputs, implicit_outputs
from .parser import statements_of
from .plain_lines import BATCH, Layout, NotDivided, PlainLines, Shape, lines_of
from .regions import Region, Value
from .resolver import Names, StatementIndex
from .tree import walk

UNBOUND, INT, FLOAT, CONSTANT, NAMED = 0, 1, 2, 3, 10  # codes of words; constants and names have one each from there on
LONGEST_INT = 18  # digits of an int that is one whatever its sign
MOST_ALONE, LARGEST_ALONE = 100, 0.1  # lines without a plan, their share: with more, the whole text is parsed sooner
MOST_PLANS = 2000  # of a shape: more are not kept


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
        self._lines, self._lines_alone = 0, 0  # how many lines are lowered, how many of them by themselves
        self.ranges: list[tuple[int, int]] = []  # the nodes of plain lines
        texts = layout.texts
        self.nodes, self.kinds = [NONE] * len(texts), [UNBOUND] * len(texts)
        self._kind_rows: dict[Kind, int] = {}
        self._kinds: list[Kind] = []
        self._attrs: dict[int, list[Mapping[str, Any] | None]] = {1: [None] * len(texts), -1: [None] * len(texts)}
        for word in compress(range(len(texts)), layout.is_number):
            self.kinds[word] = _code_of_number(texts[word])
        for k, name in enumerate(CONSTANTS):
            self.kinds[texts.index(name, 0, layout.reserved)] = CONSTANT + k

    def lower(self, index: int, piece: PlainLines) -> None:
        """Appends the nodes of some lines, the statement with this index, and binds their names."""
        for _, name in self.layout.shared_targets(piece):
            if self.calls.declared_input(name) is not None or name in self.environment.sizes:
                raise NotDivided  # these cannot be bound again
        self.pieces[index] = piece
        for word in piece.outside:
            self._read(word)
        first = len(self.region.builder)
        for line in self._replay(piece):
            self._alone(index, piece, line)
            self._lines_alone += 1
            if self._lines_alone > max(MOST_ALONE, LARGEST_ALONE * (self._lines + line)):
                raise NotDivided
        self._lines += len(piece.shapes)
        self.ranges.append((first, len(self.region.builder)))
        if max(self.calls.node_count, len(self.region.builder)) > self.calls.max_nodes:
            raise NotDivided

    def outputs(
        self,
        statements: Sequence[Any],
        names: Names,
        bare: Sequence[tuple[StatementIndex, str]],
        inputs: Collection[str],
    ) -> Outputs:
        """See `implicit_outputs`."""
        nodes = {name: self.environment.values[name].node for name in names.bindings}
        if len(set(nodes.values())) < len(nodes):
            raise NotDivided  # a line that reads the node of two names reads either
        read = self._read_nodes()
        unread = [*bare, *self._unread(read)]
        return implicit_outputs(statements, names, unread, inputs, lambda name: bool(read[nodes[name]]))

    def _read_nodes(self) -> bytearray:
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

    def _unread(self, flags: bytearray) -> list[tuple[tuple[int, int], str]]:
        """The names that only plain lines bind and no line reads after its last binding, in order."""
        layout, nodes = self.layout, self.nodes
        bound = compress(range(len(nodes)), layout.is_bound)
        words = {word for word in bound if not flags[nodes[word]]} - layout.shared
        last: dict[int, tuple[int, int]] = {}
        for index, piece in self.pieces.items():
            for line, word in enumerate(piece.targets) if words else ():
                if word in words:
                    last[word] = index, line
        return [(at, layout.texts[word]) for word, at in last.items()]

    def _replay(self, piece: PlainLines) -> Iterator[int]:
        """Replays the lines; yields those that have no plan, when the nodes of those above are appended."""
        kinds, nodes, attrs_of, batch = self.kinds, self.nodes, self.region.builder.attrs, _Batch()
        add_plan, add_result, add_risk = batch.plans.append, batch.results.append, batch.risk.append
        add_operands, add_starts = batch.operands.extend, batch.starts.extend
        base = len(self.region.builder)
        for line, shape, start, words in lines_of(piece):
            pick = itemgetter(*words)
            key = pick(kinds)
            if shape.exponents:
                key += tuple([words[k] if key[k] < NAMED else NONE for k in shape.exponents])
            plan = shape.plans.get(key) or self._plan(shape, key, words)
            if plan is None:
                self._append(batch, piece.targets[line - len(batch.plans) : line])
                yield line
                base = len(self.region.builder)
                continue
            operands = (*pick(nodes), *range(base, base + plan.rows), NONE)
            add_operands(plan.operands(operands))
            add_starts([start] * plan.span_count)
            for k, third_and_later in plan.more:
                batch.more[base + k] = third_and_later(operands)
            for k, attrs, word, sign in plan.attrs:
                attrs_of[base + k] = self._literal(words[word], sign) if attrs is None else attrs
            target, result = words[0], base + plan.result
            risk, kinds[target] = plan.risk or self._risk(plan, operands)
            nodes[target] = result
            add_plan(plan)
            add_result(result)
            add_risk(risk)
            base += plan.rows
            if len(batch.plans) == BATCH:
                self._append(batch, piece.targets[line + 1 - BATCH : line + 1])
        self._append(batch, piece.targets[len(piece.targets) - len(batch.plans) :])

    def _append(self, batch: _Batch, targets: Iterable[int]) -> None:
        """Appends the nodes of a batch, and binds the words of its lines."""
        batch.append_to(self.region.builder)
        names = [self.layout.texts[word] for word in targets]
        self.region.builder.names.update(zip(batch.results, names, strict=True))
        values = map(Value._make, zip(repeat(self.region), batch.results))
        self.environment.values.update(zip(names, values, strict=True))
        self.calls.node_count += sum([plan.count for plan in batch.plans])
        batch.clear()

    def _read(self, word: int) -> None:
        """Takes over the value of a word from the environment."""
        value = self.environment.values.get(self.layout.texts[word])
        if isinstance(value, Value) and value.region is self.region:
            b = self.region.builder
            type_ = b.type_of(value.node)
            if isinstance(type_, Type):
                self.nodes[word] = value.node
                self.kinds[word] = self._code(kind_of(b, value.node))
                return
        self.nodes[word], self.kinds[word] = NONE, UNBOUND

    def _alone(self, index: int, piece: PlainLines, line: int) -> None:
        """Parses and lowers one line as ever."""
        start = piece.starts[line]
        [statement] = statements_of(self.layout.line(start))
        for node in walk(statement):
            position = getattr(node, "meta", node)
            position.start_pos += start
            position.end_pos += start
        self.lower_line((index, line), statement)
        self._read(piece.targets[line])

    def _literal(self, word: int, sign: int) -> Mapping[str, Any]:
        """The attributes of a number, by the sign in front of it."""
        attrs = self._attrs[sign][word]
        if attrs is None:
            attrs = self._attrs[sign][word] = {"value": number(self.layout.texts[word], sign)}
        return attrs

    def _code(self, kind_: Kind) -> int:
        code = self._kind_rows.get(kind_)
        if code is None:
            code = self._kind_rows[kind_] = NAMED + len(self._kinds)
            self._kinds.append(kind_)
        return code

    def _risk(self, plan: Plan, operands: Sequence[int]) -> tuple[bytes, int]:
        """The risk of a line's nodes, and the code of its result."""
        tame: tuple[bool, ...] = ()
        if plan.tame:
            attrs = self.region.builder.attrs
            constants = [[None if x is None else attrs[operands[x]]["value"] for x in t.operands] for t in plan.tame]
            tame = tuple([t.is_tame(t.attrs, values) for t, values in zip(plan.tame, constants, strict=True)])
        risk = plan.risks.get(tame)
        if risk is None:
            flags, kind_ = plan.recording.risk(tame)
            risk = plan.risks[tame] = flags, self._code(kind_)
            plan.risk = None if plan.tame else risk
        return risk

    def _plan(self, shape: Shape, key: tuple[int, ...], words: Sequence[int]) -> Plan | None:
        """The plan of a key, recorded where it is new; None where lines with this key are lowered one by one."""
        if key in shape.plans or len(shape.plans) >= MOST_PLANS:
            return None
        plan = None
        kinds = [self._kinds[code - NAMED] if code >= NAMED else None for code in key[: shape.words]]
        read = [k.type for k in kinds[1:] if k is not None]
        # literals beside f32 are rounded
        rounds = any(t.dtype == "f32" for t in read) and (len(read) < shape.words - 1 or any(t.weak for t in read))
        if UNBOUND not in key[1 : shape.words] and not rounds:
            texts = [self._written(k, code, words[k], shape) for k, code in enumerate(key[: shape.words])]
            recording = Recording(shape, kinds, texts)
            plan = recording.plan(self.region.builder, self.layout.source) if recording.is_plain else None
        shape.plans[key] = plan
        return plan

    def _written(self, k: int, code: int, word: int, shape: Shape) -> str:
        """How the recorded line spells a word: names and numbers that stand there once."""
        if k == 0 or code >= NAMED:
            return f"v{k}"
        if k in shape.exponents or code >= CONSTANT:
            return self.layout.texts[word]
        return str(1_000_003 + k if code == INT else k + 0.53125)


class _Batch:
    """Lines whose nodes are to be appended.

    operands: the first two of each node. starts: of each span where its line begins. risk: of the nodes of each line.
    results: of each line the node that it binds.
    """

    def __init__(self) -> None:
        self.plans: list[Plan] = []
        self.operands: list[int] = []
        self.starts: list[int] = []
        self.more: dict[int, tuple[int, ...]] = {}
        self.risk: list[bytes] = []
        self.results: list[int] = []

    def clear(self) -> None:
        for column in (self.plans, self.operands, self.starts, self.more, self.risk, self.results):
            column.clear()

    def append_to(self, b: Builder) -> None:
        """Appends the columns, but for attributes, which are there already."""
        plans, spans = self.plans, b.spans
        row = len(spans)
        if all(plan.has_spans for plan in set(plans)):
            b.span.extend(range(row, row + len(self.starts)))
        else:
            for plan in plans:
                b.span.extend([row + k for k in plan.spans])
                row += plan.span_count
        spans.start.extend(self.starts)
        spans.origin.frombytes(b"".join([plan.origin for plan in plans]))
        spans.end.frombytes(b"".join([plan.numbers for plan in plans]))
        if plans:
            b.at_span, b.at_group = len(spans) - plans[-1].span_count + plans[-1].last_span, NONE
        b.op.frombytes(b"".join([plan.op for plan in plans]))
        b.type.frombytes(b"".join([plan.type for plan in plans]))
        b.a.extend(self.operands[::2])
        b.b.extend(self.operands[1::2])
        b.group.extend(repeat(NONE, len(b.op) - len(b.group)))
        b.varies += b"".join([plan.varies for plan in plans])
        b.risk += b"".join(self.risk)
        b.more.update(self.more)


def _code_of_number(text: str) -> int:
    value = number(text)
    if isinstance(value, int):
        return INT if len(text) <= LONGEST_INT else UNBOUND
    return UNBOUND if math.isinf(value) or text.replace("_", "").isdigit() else FLOAT
