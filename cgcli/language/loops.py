"""Loops to `loop` nodes: what goes from step to step, and how a loop ends."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from cgcli.diagnostics.diagnostic import Label, error
from cgcli.diagnostics.source import Span
from cgcli.graph.lexemes import identifier
from cgcli.graph.sizes import positive, sub
from cgcli.graph.traversal import live
from cgcli.graph.types import BOOL, INT, Type

from .blocks import Exit, Running, certain, met, zero
from .expressions import MAX_NODES
from .flow import assigned_in, block_of
from .frames import Frame, coerce
from .origins import callers
from .regions import NESTING, Loop, Region, Value
from .shapes import size_of
from .stacks import Range, Stacks, item_type
from .tree import kind

Types = dict[str, Type]


class _Body(NamedTuple):
    """A body that was lowered for certain types of its carries."""

    frame: Frame
    carries: dict[str, Value]
    step: int
    found: Exit | None


@dataclass
class _Settled:
    """The types that a loop came to: of what it carries, where all names around it have these."""

    around: Types
    carries: Types


class Loops(Stacks):
    def __init__(self, max_nodes: int = MAX_NODES) -> None:
        super().__init__(max_nodes)
        self._settled: dict[tuple[int, Span | None], _Settled] = {}  # by a loop's tree and the call around it

    def _for_stmt(self, frame: Frame, tree: Any) -> Running:
        token, iterable, block = tree.children
        over = yield from self._range_of(frame, iterable)
        return (yield from self._loop(frame, tree, block, token, over, None))

    def _while_stmt(self, frame: Frame, tree: Any) -> Running:
        condition, block = tree.children
        found = yield from self._loop(frame, tree, block, None, None, condition)
        # `while true` ends by a `return` alone
        return found and found._replace(happened=None) if kind(condition) == "true" else found

    def _range_of(self, frame: Frame, tree: Any) -> Generator[Any, Any, Range]:
        if kind(tree) == "range":
            ends: list[Value] = []
            for part in tree.children:
                end = yield frame, part
                if not end.type.is_int or end.type.shape:
                    span = frame.span(part)
                    raise error("range-end", span, *callers(frame.call, span), type=end.type)
                ends.append(end)
            low, high = size_of(ends[0]), size_of(ends[1])
            if isinstance(low, int) and isinstance(high, int):
                count = self.number(frame, tree, positive(sub(high, low)))
            else:  # a count below 0 is none
                count = ends[1] if low == 0 else self.emit(frame, tree, "sub", [ends[1], ends[0]], [])
            return Range(count, None if low == 0 else ends[0], low, high, None)
        x = yield frame, tree
        if not x.type.shape:
            span = frame.span(tree)
            of_int = frame.span(tree).text if x.type.is_int else None
            raise error("not-iterable", span, *callers(frame.call, span), type=x.type, count=of_int)
        return Range(self.number(frame, tree, x.type.shape[0]), None, None, None, x)

    def _loop(self, frame: Frame, tree: Any, block: Any, token: Any, over: Range | None, condition: Any) -> Running:
        """One `loop` node. Its body is lowered again as long as a step widens the type of a carry."""
        assert frame.local is not None
        statements = block_of(block)
        start: dict[str, Value] = {}
        for name in assigned_in(statements):
            known = self.lookup(frame, name)
            if known is not None and not (token is not None and name == identifier(token)):
                start[name] = known
        types = self._expected(frame, tree, {name: v.type for name, v in start.items()})
        before = self.mark()
        while True:  # types only widen, so this ends
            body = yield from self._body(frame, tree, statements, token, over, types, start)
            new = {name: self._widened(frame, tree, name, t, body, start) for name, t in types.items()}
            if new == types:
                break
            types = new
            self.forget(before)
        self._settled[_place(frame, tree)] = _Settled({n: v.type for n, v in frame.local.items()}, types)
        if not types and body.found is None and not body.frame.region.builder.asserts:
            raise error("loop-for-nothing", frame.span(tree))
        test = None if condition is None else (yield from self._test(frame, condition, body, types))
        return self._node(frame, tree, body, over, test, start, types)

    def _expected(self, frame: Frame, tree: Any, start: Types) -> Types:
        """The types to begin with: those that the loop came to before, when what is around it has only widened.

        A loop in loops is lowered again with each of them; to begin at the start each time would take 2^depth bodies.
        """
        assert frame.local is not None
        known = self._settled.get(_place(frame, tree))
        if known is None or known.carries.keys() != start.keys() or known.around.keys() != frame.local.keys():
            return start
        now = {n: v.type for n, v in frame.local.items()}
        if any(t.shape != now[n].shape or met(t, now[n]) != now[n] for n, t in known.around.items()):
            return start
        if any(t.shape != known.carries[n].shape for n, t in start.items()):
            return start
        return {n: met(t, known.carries[n]) for n, t in start.items()}

    def _body(
        self,
        frame: Frame,
        tree: Any,
        statements: Sequence[Any],
        token: Any,
        over: Range | None,
        types: Types,
        start: dict[str, Value],
    ) -> Generator[Any, Any, _Body]:
        if frame.region.depth >= NESTING:
            raise error("nested-too-deep", frame.span(tree), limit=NESTING)
        region = Region(frame.region)
        region.loop = Loop()
        region.at(frame.span(tree), frame.call)
        step = region.builder.input(INT)
        carries = {n: Value(region, region.builder.input(t, frame.prefix + n)) for n, t in types.items()}
        inner = replace(frame, region=region, local={**(frame.local or {}), **carries})
        assert inner.local is not None
        if token is not None and over is not None:
            value = self._variable(inner, token, step, over)
            inner.local[identifier(token)] = value
            if over.items is None:
                region.loop = Loop(value, over.low, over.high)
        found = yield from self.run(inner, statements)
        return _Body(inner, carries, step, found)

    def _variable(self, inner: Frame, token: Any, step: int, over: Range) -> Value:
        """The loop's variable: the step's number, counted from the start of the range, or an item."""
        region, name = inner.region, inner.prefix + identifier(token)
        b = region.at(inner.span(token), inner.call)
        if over.items is not None:
            t = over.items.type
            assert region.loop is not None
            item = b.input(t._replace(shape=t.shape[1:]), name)
            region.loop.reads[over.items, 0] = item
            return Value(region, item)
        if over.start is None:
            b.names[step] = name
            return Value(region, step)
        return self.bind(inner, token, self.emit(inner, token, "add", [over.start, Value(region, step)], []), name)

    def _widened(self, frame: Frame, tree: Any, name: str, t: Type, body: _Body, start: dict[str, Value]) -> Type:
        """The type in which what a step is given and what it hands on meet. Raises for two shapes."""
        assert body.frame.local is not None
        if certain(body.found):
            return t  # each step returns: what it has bound is lost
        after = body.frame.local[name]
        if after.type.shape != t.shape:
            span = frame.span(tree)
            labels = Label(span), *callers(frame.call, span)
            raise error("carry-shape", *labels, name=name, before=start[name].type, after=after.type)
        return met(t, after.type)

    def _test(
        self, frame: Frame, condition: Any, body: _Body, types: Types
    ) -> Generator[Any, Any, tuple[Region, list[int], Value]]:
        """The condition of a `while`, in a region of its own over the same carries."""
        region = Region(frame.region)
        region.loop = Loop()
        region.at(frame.span(condition), frame.call)
        carries = {n: region.builder.input(t, frame.prefix + n) for n, t in types.items()}
        values = {n: Value(region, i) for n, i in carries.items()}
        inner = replace(frame, region=region, local={**(frame.local or {}), **values})
        holds = yield inner, condition
        self._check_bool(inner, condition, holds, "while")
        return region, list(carries.values()), holds

    # ---- the node

    def _node(
        self,
        frame: Frame,
        tree: Any,
        body: _Body,
        over: Range | None,
        test: tuple[Region, list[int], Value] | None,
        start: dict[str, Value],
        types: Types,
    ) -> Exit | None:
        """The node, and what it hands on: carries, stacks that it wrote, and a `return` that its steps came to."""
        assert frame.local is not None
        assert body.frame.local is not None
        region, local, found = body.frame.region, body.frame.local, body.found
        b, scope = region.builder, region.loop
        assert scope is not None
        if certain(found):
            local = local | body.carries
        written = {} if found is not None else self.written(region, local, body.carries)
        carried = [n for n in types if n not in written]
        region.at(frame.span(tree), frame.call)
        first = [body.step, *(body.carries[n].node for n in carried)]
        outputs = [coerce(region, local[n], types[n]) for n in carried]
        begun = [coerce(frame.region, start[n], types[n]) for n in carried]
        counter = None
        if found is not None:
            # a step that returns is the last one: whether one has, and what it gave, go from step to step
            happened = Value(region, b.const(True)) if found.happened is None else found.happened
            returned = [BOOL, *(v.type for v in found.values)]
            first += [b.input(t) for t in returned]
            outputs += [region.index(v) for v in (happened, *found.values)]
            begun += [zero(frame.region, t) for t in returned]
            if test is None:
                counter = b.input(INT)
                first.append(counter)
                outputs.append(b.add(counter, b.const(1)))
                begun.append(frame.region.builder.const(0, INT))
        outputs += [coerce(region, w.item, item_type(types[n])) for n, w in written.items()]
        needed = live(b, [*outputs, *b.asserts])  # bodies that were lowered before this one may have read more
        reads = [(x, ahead, item) for (x, ahead), item in scope.reads.items() if needed[item]]
        items = [item for *_, item in reads]
        captured = dict.fromkeys(v for v, i in region.captured.items() if needed[i])
        if test is not None:
            captured |= dict.fromkeys(test[0].captured)
        attrs: dict[str, Any] = {}
        if test is not None or found is not None:
            limit = [] if counter is None or over is None else [over.steps]
            captured |= dict.fromkeys(limit)
            attrs["pred"] = self._pred(
                frame, test, [b.type1(i) for i in first[1:]], found, captured, limit, carried, types
            )
        attrs["body"] = region.close(outputs, captured, first, items)
        made = frame.region.at(frame.span(tree), frame.call)
        stacks = [self.stack(frame, tree, x, ahead, over) for x, ahead, _ in reads]
        count = [frame.region.index(over.steps)] if over is not None and "pred" not in attrs else []
        operands = [*count, *begun, *(frame.region.index(v) for v in captured), *stacks]
        frame.region.at(frame.span(tree), frame.call)
        node = made.apply("loop", *operands, carries=len(begun), invariants=len(captured), **attrs)
        results = [Value(frame.region, made.get(node, k=1 + k)) for k in range(len(begun))]
        for name, value in zip(carried, results, strict=False):
            frame.local[name] = self.bind(frame, tree, value, frame.prefix + name)
        for k, (name, w) in enumerate(written.items()):
            stack = made.get(node, k=1 + len(begun) + k)
            frame.local[name] = self.restacked(frame, name, w, stack, start[name], types[name], over)
        if found is None:
            return None
        values = results[len(carried) : len(carried) + 1 + len(found.values)]
        return Exit(values[0], tuple(values[1:]), found.tree)

    def _pred(
        self,
        frame: Frame,
        test: tuple[Region, list[int], Value] | None,
        kinds: Sequence[Type],
        found: Exit | None,
        captured: dict[Value, None],
        limit: Sequence[Value],
        carried: Sequence[str],
        types: Types,
    ) -> Any:
        """The condition as a graph over all carries: a step has to follow, and none has returned."""
        if test is None:
            region = Region(frame.region)
            own: list[int] = []
            holds = None
        else:
            region, every, holds = test
            own = [i for n, i in zip(types, every, strict=True) if n in carried]
        b = region.builder
        region.at(frame.span(found.tree) if found else None, frame.call) if test is None else None
        more = [b.input(t) for t in kinds[len(own) :]]
        result = None if holds is None else region.index(holds)
        if found is not None:
            going = b.not_(more[len(carried) - len(own)])
            if limit:
                result = b.lt(more[-1], region.index(limit[0]))
            assert result is not None
            result = b.and_(going, result)
        assert result is not None
        return region.close([result], captured, [*own, *more])


def _place(frame: Frame, tree: Any) -> tuple[int, Span | None]:
    return id(tree), frame.call and frame.call.span
