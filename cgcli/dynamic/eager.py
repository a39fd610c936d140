"""Dynamic mode, define-by-run: a program is evaluated statement by statement, and its nodes are recorded on a tape.

It is the walk that lowers programs, over a builder that computes: a side that is not taken, a step that does not run
and a call that is not made leave no node. Only control flow is overridden here.
"""

from __future__ import annotations

from collections.abc import Generator, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from types import GeneratorType
from typing import TYPE_CHECKING, Any, TypeVar

from cgcli.diagnostics.diagnostic import error
from cgcli.diagnostics.source import Span
from cgcli.diagnostics.suggest import nearest
from cgcli.graph.graph import CONST
from cgcli.graph.lexemes import identifier
from cgcli.graph.signature import Input
from cgcli.graph.sizes import Size
from cgcli.graph.types import ANY, INT
from cgcli.language.blocks import BlockLowering, Exit
from cgcli.language.calls import CallKey, Calls
from cgcli.language.expressions import DATA, Lowering
from cgcli.language.flow import assigned_in, block_of
from cgcli.language.frames import Frame
from cgcli.language.functions import Function
from cgcli.language.parser import unquote
from cgcli.language.regions import Call, Region, Several, Value
from cgcli.language.structures import STRUCTURES, Items, Null, Record, Structure, Text
from cgcli.language.tree import arguments, kind
from cgcli.ops.failures import IntegerDivisionByZero, Overflow, TooManySteps
from cgcli.ops.limits import MAX_DEPTH, Meter, node_limit

from .replay import Replay, arithmetic_names, compile_replay
from .run_log import CallScope, Event, Kind, RunLog
from .structured import data_on_tape
from .tape import Tape

if TYPE_CHECKING:
    from lark import Token, Tree

    Node = Tree[Token] | Token


V = TypeVar("V", Value, Structure)


class Interpreter(Calls):
    """Runs a program once. values: those of the inputs, by name. `tape` holds the values computed, also after an error.

    log: gets an event for each line that runs, those of the standard library left out.
    """

    def __init__(
        self,
        values: Mapping[str, object],
        sizes: Mapping[str, int],
        max_nodes: int | None = None,
        max_memory: int | None = None,
        max_steps: int | None = None,
        log: RunLog | None = None,
        max_depth: int | None = None,
    ) -> None:
        super().__init__(node_limit(max_nodes, max_memory))
        self._max_depth, self._depth = max_depth or MAX_DEPTH, 0
        self.tape = Tape(max_memory)
        self.structures: dict[str, Value | Structure] = {}
        self._values, self._sizes = values, sizes
        self._max_steps, self._meter = max_steps, Meter(max_steps, None)
        self._names_read: dict[int, tuple[str, ...] | None] = {}  # by a tree's id, the names that arithmetic reads
        self._replays: dict[Hashable, Replay | None] = {}  # by the tree and the types of the names' values
        self._log = log
        self._scopes: dict[int, tuple[Call | None, int]] = {}  # by a call's id, the call and its scope
        self._names_bound: dict[int, tuple[str, ...]] = {}  # by a block's id, the names that it assigns

    # ---- inputs

    def region(self) -> Region:
        region = Region()
        region.builder = self.tape
        return region

    def input_value(self, region: Region, declared: Input) -> Value | Structure:
        value = self._values[declared.name]
        if declared.type == ANY:
            data = data_on_tape(region, self.tape, declared.name, value, declared.span)
            self.structures[declared.name] = data
        else:
            region.at(declared.span, None)
            data = Value(region, self.tape.bind_input(declared.type, declared.name, value))
        if self._log is not None and declared.span is not None:
            self._log.add(Event("input", declared.span, 0, len(self.tape), ((declared.name, data),)))
        return data

    def stop_logging(self) -> None:
        """Logs no events from here on."""
        self._log = None

    # ---- the log

    def bind(self, frame: Frame, tree: Node, value: V, name: str) -> V:
        bound = super().bind(frame, tree, value, name) if isinstance(value, Value) else value
        self._log_event(frame, "bind", tree, ((name.removeprefix(frame.prefix), bound),))
        return bound

    def _log_event(
        self,
        frame: Frame,
        kind_: Kind,
        tree: Node | Span,
        names: Iterable[tuple[str, Value | Structure]] = (),
        number: int | None = None,
        holds: bool | None = None,
    ) -> None:
        if self._log is not None and not frame.environment.library:
            span = tree if isinstance(tree, Span) else frame.span(tree)
            event = Event(kind_, span, self._scope(frame.call), len(self.tape), tuple(names), number, holds)
            self._log.add(event)

    def _scope(self, call: Call | None) -> int:
        while call is not None and id(call) not in self._scopes:
            call = call.parent
        return 0 if call is None else self._scopes[id(call)][1]

    # ---- sizes
    def number(self, frame: Frame, tree: Node, size: Size) -> Value:
        return super().number(frame, tree, self._sizes[size] if isinstance(size, str) else size)

    # ---- arithmetic

    def _visit(self, frame: Frame, tree: Tree[Token]) -> object:
        names = self._names_read.get(id(tree), ())
        if names == ():
            functions = frame.environment.names.functions
            names = self._names_read[id(tree)] = (
                arithmetic_names(tree, functions.__contains__) if self._has_stable_trees(frame) else None
            )
        return super()._visit(frame, tree) if not names else self._arithmetic(frame, tree, names)

    def _arithmetic(self, frame: Frame, tree: Tree[Token], names: Sequence[str]) -> object:
        """An expression over numbers, replayed if it ran before on values of the same types."""
        local, tape = frame.local, self.tape
        environment = frame.environment.values
        nodes: list[int] = []
        parts: list[Hashable] = [id(tree)]
        for name in names:
            value = local.get(name) if local is not None and name in local else environment.get(name)
            if type(value) is not Value:
                return super()._visit(frame, tree)
            node = value.node
            # the same node under two names is another key
            parts.append(
                (tape.type[node], tape.varies[node], tape.risk[node], nodes.index(node) if node in nodes else -1)
            )
            nodes.append(node)
        key = tuple(parts)
        if key not in self._replays:
            return self._run_first(frame, tree, nodes, key)
        replay = self._replays[key]
        if replay is None:
            return super()._visit(frame, tree)
        before = len(tape)
        if before > self.max_nodes:
            return super()._visit(frame, tree)  # which raises the error
        try:
            return Value(frame.region, replay(nodes, frame.region.group(frame.call)))
        except (IntegerDivisionByZero, Overflow):
            return super()._visit(frame, tree)  # which raises the error at its node

    def _run_first(self, frame: Frame, tree: Tree[Token], nodes: Sequence[int], key: Hashable) -> Lowering:
        start = len(self.tape)
        visit = super()._visit(frame, tree)
        value = (yield from visit) if isinstance(visit, GeneratorType) else visit
        self._replays[key] = compile_replay(self.tape, start, nodes, value.node) if isinstance(value, Value) else None
        return value

    def _has_stable_trees(self, frame: Frame) -> bool:
        """Whether the trees of a frame live as long as the run, so that their ids are unique, with the same spans."""
        return frame.environment.enclosing is None

    # ---- sides

    def run(self, frame: Frame, statements: Sequence[Node]) -> BlockLowering:
        for statement in statements:
            exit_ = yield from self.statement(frame, statement)
            if exit_ is not None:
                return exit_
        return None

    def _sides(self, frame: Frame, tree: Tree[Token], then: Sequence[Node], otherwise: Sequence[Node]) -> BlockLowering:
        c = yield frame, tree.children[0]
        self._check_bool(frame, tree.children[0], c)
        assert frame.local is not None
        first, second = self._assigned(then), self._assigned(otherwise)
        before = {name for name in (*first, *second) if self.lookup(frame, name) is not None}
        holds = bool(self.tape.v[c.node])
        self._log_event(frame, "if", _head_span(frame, tree, tree.children[0]), holds=holds)
        exit_ = yield from self.run(frame, then if holds else otherwise)
        for name in (*first, *second):
            if name not in before and not (name in first and name in second):
                frame.local.pop(name, None)  # local to one side
        self._vary(frame, tree, (*first, *second))
        return self._exit_varying(frame, exit_)

    def _if_expr(self, frame: Frame, tree: Tree[Token]) -> Lowering:
        condition, then, otherwise = tree.children
        c = yield frame, condition
        self._check_bool(frame, condition, c)
        return self._varying(frame, tree, (yield frame, then if self.tape.v[c.node] else otherwise, DATA))

    def _lazily(self, frame: Frame, tree: Tree[Token], op: str) -> Lowering:
        left, right = tree.children
        x = yield frame, left
        if not x.type.shape and x.type.dtype == "bool" and self.tape.v[x.node] == (op == "or"):
            return x
        y = yield frame, right
        return self.emit(frame, tree, op, [x, y], [left, right])

    # ---- loops

    def _for_stmt(self, frame: Frame, tree: Tree[Token]) -> BlockLowering:
        token, iterable, block = tree.children
        items = yield from self._steps_over(frame, token, iterable)
        return (yield from self._repeat(frame, tree, block, items, identifier(str(token))))

    def _while_stmt(self, frame: Frame, tree: Tree[Token]) -> BlockLowering:
        condition, block = tree.children
        return (yield from self._repeat(frame, tree, block, None, None, condition))

    def _repeat(
        self,
        frame: Frame,
        tree: Tree[Token],
        block: Node,
        items: Iterator[Value | Structure] | None,
        name: str | None,
        condition: Node | None = None,
    ) -> BlockLowering:
        """Runs steps as long as there are items, or a condition holds."""
        assert frame.local is not None
        local, statements = frame.local, block_of(block)
        hidden = None if name is None else local.get(name)
        changed = [n for n in self._assigned(statements) if n != name and self.lookup(frame, n) is not None]
        before = {*local, *changed}
        exit_: Exit | None = None
        head, count = _head_span(frame, tree, condition or tree.children[1]), 0
        while exit_ is None:
            self._vary(frame, tree, changed)
            if condition is not None:
                holds = yield frame, condition
                self._check_bool(frame, condition, holds, "while")
                if not self.tape.v[holds.node]:
                    self._log_event(frame, "end", head, number=count, holds=False)
                    break
            elif items is not None and name is not None:
                item = next(items, None)
                if item is None:
                    self._log_event(frame, "end", head, number=count)
                    break
                local[name] = item
            self._step(frame, tree)
            count += 1
            self._log_event(frame, "step", head, () if name is None else ((name, local[name]),), number=count)
            exit_ = yield from self.run(frame, statements)
            for n in [n for n in local if n not in before]:
                del local[n]  # local to the step
        if name is not None:
            local.pop(name, None)
            if hidden is not None:
                local[name] = hidden
        return self._exit_varying(frame, exit_)

    def _steps_over(self, frame: Frame, token: Node, tree: Any) -> Generator[Any, Any, Iterator[Value | Structure]]:
        """The values that a `for` binds its variable to, step by step."""
        full_name = frame.prefix + identifier(str(token))
        if kind(tree) == "range":
            ends = yield from self._range_ends(frame, tree)
            return self._counted(frame, token, range(*(self.tape.v[end.node] for end in ends)), full_name)
        x = yield frame, tree, DATA
        if isinstance(x, Items):
            return iter(x.parts)
        if not isinstance(x, Value):
            raise frame.error("structure-not-iterable", tree, status=1, kind=str(x), path=x.path)
        if not x.type.shape:
            count = frame.span(tree).text if x.type.is_int else None
            raise frame.error("not-iterable", tree, type=x.type, count=count)
        return self._row_by_row(frame, token, tree, x, full_name)

    def _counted(self, frame: Frame, token: Node, numbers: range, name: str) -> Iterator[Value]:
        region, tape = frame.region, self.tape
        region.at(frame.span(token), frame.call)
        span, group, type_ = tape.at_span, tape.at_group, tape.intern_type(INT)
        for k in numbers:
            tape.at_span, tape.at_group = span, group
            node = tape.place(CONST, (), type_, {"value": k})
            tape.mark_varying(node)
            tape.names[node] = name
            yield Value(region, node)

    def _row_by_row(self, frame: Frame, token: Node, tree: Node, x: Value, name: str) -> Iterator[Value]:
        count = x.type.shape[0]
        assert isinstance(count, int)  # sizes are numbers on a tape
        for k in range(count):
            row = self.indexed(frame, tree, x, [(tree, self.value(frame, tree, k))])
            yield super().bind(frame, token, row, name)

    def _step(self, frame: Frame, tree: Node, function: str | None = None) -> None:
        """Counts a step of a loop, or a call."""
        try:
            self._meter.step(partial(frame.span, tree))
        except TooManySteps:
            code = "too-many-steps" if function is None else "too-many-calls"
            raise error(code, frame.span(tree), status=1, limit=self._max_steps, name=function) from None
        self._count_nodes(frame, tree)

    # ---- varying values

    def _assigned(self, statements: Sequence[Node]) -> tuple[str, ...]:
        """The names that statements bind, in blocks as well."""
        key = id(statements[0]) if statements else 0
        names = self._names_bound.get(key)
        if names is None:
            names = self._names_bound[key] = tuple(assigned_in(statements))
        return names

    def _vary(self, frame: Frame, tree: Node, names: Sequence[str]) -> None:
        """Names that an `if` or a loop binds are no literals from then on, even where their values are."""
        assert frame.local is not None
        for name in names:
            value = self.lookup(frame, name)
            if isinstance(value, Value):
                varying = self._varying(frame, tree, value)
                if varying is not value:
                    self.tape.names[varying.node] = frame.prefix + name
                    frame.local[name] = varying

    def _varying(self, frame: Frame, tree: Node, value: V) -> V | Value:
        if not isinstance(value, Value) or self.tape.varies[value.node]:
            return value
        copy = self.emit(frame, tree, "copy", [value], [])
        self.tape.mark_varying(copy.node)
        return copy

    def _exit_varying(self, frame: Frame, exit_: Exit | None) -> Exit | None:
        if exit_ is None:
            return None
        return exit_._replace(values=tuple(self._varying(frame, exit_.tree, v) for v in exit_.values))

    # ---- calls

    def on_call(self, frame: Frame, tree: Node, function: Function) -> None:
        self._step(frame, tree, function.name)
        self._depth += 1
        if self._depth > self._max_depth:
            raise error("calls-too-deep", frame.span(tree), status=1, limit=self._max_depth, name=function.name)

    def enter_body(self, frame: Frame, inner: Frame, function: Function) -> Value | Several | None:
        if self._log is not None and not inner.environment.library:
            parent, scopes = self._scope(frame.call), self._log.scopes
            self._scopes[id(inner.call)] = inner.call, len(scopes)
            scopes.append(CallScope(parent, function.name, scopes[parent].depth + 1))
            assert inner.local is not None
            self._log_event(inner, "call", function.tree.children[0], inner.local.items())
        return None

    def leave_body(self, inner: Frame, key: CallKey, result: Value | Several) -> None:
        self._depth -= 1
        if self._log is not None and inner.call is not None and not inner.environment.library:
            values = result if isinstance(result, Several) else (result,)
            span = inner.call.span
            names = tuple(("", v) for v in values)
            if span is not None:
                self._log.add(Event("return", span, self._scope(inner.call), len(self.tape), names))

    def _assertion(self, frame: Frame, statement: Tree[Token]) -> Generator[Any, Any, None]:
        yield from super()._assertion(frame, statement)
        self._log_event(frame, "assert", statement, holds=True)

    # ---- structured data

    def _call(self, frame: Frame, tree: Tree[Token]) -> Lowering:
        callee: Any = tree.children[0]
        if kind(callee) == "name":
            name = identifier(callee.children[0])
            if name in ("has", "len") and name not in frame.environment.names.functions:
                return self._data_query(frame, tree, name)
        return super()._call(frame, tree)

    def _data_query(self, frame: Frame, tree: Tree[Token], name: str) -> Lowering:
        """`len(items)`, `has(tree, "left")`."""
        positional, keywords = arguments(tree)
        arity = 2 if name == "has" else 1
        if len(positional) != arity or keywords:
            arguments_ = f"{arity} argument{'s' if arity > 1 else ''}"
            count = len(positional) + len(keywords)
            raise error("wrong-count", frame.span(tree), name=name, expected=arguments_, count=count)
        x = yield frame, positional[0], DATA
        if name == "has":
            key = self._key(frame, positional[1])
            has_part = isinstance(x, Record) and not isinstance(x.parts.get(key, Null("")), Null)
            return self._data_bool(frame, tree, has_part)
        if isinstance(x, Items):
            return self.number(frame, tree, len(x.parts))
        if not isinstance(x, Value):
            raise frame.error("structure-no-length", positional[0], status=1, kind=str(x), path=x.path)
        if not x.type.shape:
            return (yield from super()._call(frame, tree))  # which raises the error
        return self.number(frame, tree, x.type.shape[0])

    def _data_bool(self, frame: Frame, tree: Node, value: bool) -> Value:
        """A bool that depends on the data."""
        node_value = self.value(frame, tree, value)
        self.tape.mark_varying(node_value.node)
        return node_value

    def _key(self, frame: Frame, tree: Any) -> str:
        if kind(tree) != "string":
            raise error("key-expected", frame.span(tree))
        return unquote(tree.children[0])

    def _comparison(self, frame: Frame, tree: Tree[Token]) -> Lowering:
        """Texts can be told apart: `tree.kind == "leaf"`."""
        parts, signs = tree.children[::2], [str(s) for s in tree.children[1::2]]
        if len(parts) > 2 or signs[0] not in ("==", "!="):
            return (yield from super()._comparison(frame, tree))
        values: list[Any] = []
        for part in parts:
            is_text = kind(part) == "string"
            values.append(Text("", self._key(frame, part)) if is_text else (yield frame, part, DATA))
        x, y = values
        if isinstance(x, Text) or isinstance(y, Text):
            equal = isinstance(x, Text) and isinstance(y, Text) and x.text == y.text
            return self._data_bool(frame, tree, equal == (signs[0] == "=="))
        for value, part in zip(values, parts, strict=True):
            if not isinstance(value, Value):
                raise frame.error("structure-as-value", part, status=1, kind=str(value), path=value.path)
        return self.emit(frame, tree, "eq" if signs[0] == "==" else "ne", values, parts)

    def _field(self, frame: Frame, tree: Tree[Token]) -> object:
        if self._module(frame, tree.children[0]) is not None:
            return super()._field(frame, tree)
        return self._part_of(frame, tree)

    def _part_of(self, frame: Frame, tree: Tree[Token]) -> Lowering:
        base, token = tree.children
        x = yield frame, base, DATA
        if isinstance(x, Value):
            if str(token) == "T":
                return self.transposed(frame, tree, x)
            raise error("field-of-number", frame.span(base), status=1, name=identifier(str(token)), type=x.type)
        return self._record_part(frame, base, token, x, identifier(str(token)))

    def _record_part(self, frame: Frame, base: Node, key: Node, x: Structure, name: str) -> Value | Structure:
        """The part of a record with this name, which the tree `key` holds."""
        if not isinstance(x, Record):
            raise frame.error("field-of-other", base, status=1, kind=str(x), path=x.path, name=name)
        if name not in x.parts:
            names = list(x.parts)
            words = {"nearest": nearest(name, names), "fields": names}
            raise frame.error("no-such-field", key, status=1, name=name, path=x.path, **words)
        part: Value | Structure = x.parts[name]
        return part

    def index(self, frame: Frame, tree: Tree[Token], x: Value | Structure) -> Lowering:
        if not isinstance(x, STRUCTURES):
            return (yield from super().index(frame, tree, x))
        base, *items = (c for c in tree.children if c is not None)
        if len(items) == 1 and kind(items[0]) == "string":
            return self._record_part(frame, base, items[0], x, self._key(frame, items[0]))
        if not isinstance(x, Items) or len(items) != 1 or kind(items[0]) == "ellipsis":
            raise frame.error("structure-index", base, status=1, kind=str(x), path=x.path)
        [(part, item)] = yield from self._items(frame, tree)
        if not isinstance(item, Value):  # a slice
            bounds = [None if v is None else self._int_value(frame, part, v) for v in item]
            return Items(x.path, x.parts[slice(*bounds)])
        k = self._int_value(frame, part, item)
        if not -len(x.parts) <= k < len(x.parts):
            raise frame.error("index-outside", part, status=1, index=k, size=len(x.parts))
        return x.parts[k]

    def _int_value(self, frame: Frame, tree: Node, value: Value) -> int:
        if not value.type.is_int or value.type.shape:
            raise frame.error("index-type", tree, type=value.type, chooser=None)
        k: int = self.tape.v[value.node]
        return k


def _head_span(frame: Frame, statement: Node, part: Node) -> Span:
    """The span of a statement's head: up to its condition, or what it iterates over."""
    span = frame.span(statement)
    return Span(span.source, span.start, frame.span(part).end)
