"""Lowers loops to `loop` nodes: their carries, and their conditions."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from cgcli.diagnostics.diagnostic import error
from cgcli.diagnostics.source import Span
from cgcli.graph.lexemes import identifier
from cgcli.graph.sizes import positive, sub
from cgcli.graph.traversal import live
from cgcli.graph.types import BOOL, INT, Type
from cgcli.ops.loops import LoopView

from .blocks import BlockLowering, Exit, common_type, unconditional, zero
from .expressions import MAX_NODES
from .flow import assigned_in, block_of
from .frames import Frame, coerce
from .regions import NESTING, Loop, Region, Value
from .shapes import size_of
from .stacks import IterationSpace, Stacks, item_type
from .tree import kind

Types = dict[str, Type]


class _Body(NamedTuple):
    """A body that was lowered for given types of its carries."""

    frame: Frame
    carries: dict[str, Value]
    step: int
    exit_: Exit | None


@dataclass
class _LoopTypes:
    """The final types of a loop's carries, and the types that the names around it had then."""

    around: Types
    carries: Types


class Loops(Stacks):
    def __init__(self, max_nodes: int = MAX_NODES) -> None:
        super().__init__(max_nodes)
        self._loop_types: dict[tuple[int, Span | None], _LoopTypes] = {}  # by the loop's tree and its call

    def _for_stmt(self, frame: Frame, tree: Any) -> BlockLowering:
        token, iterable, block = tree.children
        space = yield from self._range_of(frame, iterable)
        return (yield from self._loop(frame, tree, block, token, space, None))

    def _while_stmt(self, frame: Frame, tree: Any) -> BlockLowering:
        condition, block = tree.children
        exit_ = yield from self._loop(frame, tree, block, None, None, condition)
        # `while true` ends by a `return` alone
        return exit_ and exit_._replace(condition=None) if kind(condition) == "true" else exit_

    def _range_ends(self, frame: Frame, tree: Any) -> Generator[Any, Any, list[Value]]:
        """The ends of `a..b`, which are ints."""
        ends: list[Value] = []
        for part in tree.children:
            end = yield frame, part
            if not end.type.is_int or end.type.shape:
                raise frame.error("range-end", part, type=end.type)
            ends.append(end)
        return ends

    def _range_of(self, frame: Frame, tree: Any) -> Generator[Any, Any, IterationSpace]:
        if kind(tree) == "range":
            ends = yield from self._range_ends(frame, tree)
            low, high = size_of(ends[0]), size_of(ends[1])
            if isinstance(low, int) and isinstance(high, int):
                count = self.number(frame, tree, positive(sub(high, low)))
            else:  # a count below 0 is none
                count = ends[1] if low == 0 else self.emit(frame, tree, "sub", [ends[1], ends[0]], [])
            return IterationSpace(count, None if low == 0 else ends[0], low, high, None)
        x = yield frame, tree
        if not x.type.shape:
            raise frame.error("not-iterable", tree, type=x.type, count=frame.span(tree).text if x.type.is_int else None)
        return IterationSpace(self.number(frame, tree, x.type.shape[0]), None, None, None, x)

    def _loop(
        self, frame: Frame, tree: Any, block: Any, token: Any, space: IterationSpace | None, condition: Any
    ) -> BlockLowering:
        """One `loop` node. Its body is lowered again as long as a step widens the type of a carry."""
        statements = block_of(block)
        start: dict[str, Value] = {}
        for name in assigned_in(statements):
            value = self.lookup(frame, name)
            if value is not None and not (token is not None and name == identifier(token)):
                start[name] = value
        types = self._expected(frame, tree, {name: v.type for name, v in start.items()})
        checkpoint = self.checkpoint()
        while True:  # types only widen, so this ends
            body = yield from self._body(frame, tree, statements, token, space, types, start)
            widened = {name: self._widened(frame, tree, name, t, body, start) for name, t in types.items()}
            if widened == types:
                break
            types = widened
            self.rollback(checkpoint)
        self._loop_types[_loop_key(frame, tree)] = _LoopTypes({n: v.type for n, v in frame.local.items()}, types)
        if not types and body.exit_ is None and not body.frame.region.builder.asserts:
            raise error("loop-for-nothing", frame.span(tree))
        test = None if condition is None else (yield from self._test(frame, condition, body, types))
        return self._node(frame, tree, body, space, test, start, types)

    def _expected(self, frame: Frame, tree: Any, start: Types) -> Types:
        """The types to begin with: the final ones of an earlier lowering, if the types around the loop only widened.

        A nested loop is lowered again with each loop around it; from the start that would take 2^depth bodies.
        """
        memo = self._loop_types.get(_loop_key(frame, tree))
        if memo is None or memo.carries.keys() != start.keys() or memo.around.keys() != frame.local.keys():
            return start
        around = {n: v.type for n, v in frame.local.items()}
        if any(t.shape != around[n].shape or common_type(t, around[n]) != around[n] for n, t in memo.around.items()):
            return start
        if any(t.shape != memo.carries[n].shape for n, t in start.items()):
            return start
        return {n: common_type(t, memo.carries[n]) for n, t in start.items()}

    def _body(
        self,
        frame: Frame,
        tree: Any,
        statements: Sequence[Any],
        token: Any,
        space: IterationSpace | None,
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
        inner = replace(frame, region=region, local={**frame.local, **carries})
        if token is not None and space is not None:
            value = self._variable(inner, token, step, space)
            inner.local[identifier(token)] = value
            if space.items is None:
                region.loop = Loop(value, space.low, space.high)
        exit_ = yield from self.run(inner, statements)
        return _Body(inner, carries, step, exit_)

    def _variable(self, inner: Frame, token: Any, step: int, space: IterationSpace) -> Value:
        """The loop's variable: the step's number, counted from the start of the range, or an item."""
        region, name = inner.region, inner.prefix + identifier(token)
        b = region.at(inner.span(token), inner.call)
        if space.items is not None:
            t = space.items.type
            assert region.loop is not None
            item = b.input(t._replace(shape=t.shape[1:]), name)
            region.loop.reads[space.items, 0] = item
            return Value(region, item)
        if space.start is None:
            b.names[step] = name
            return Value(region, step)
        return self.bind(inner, token, self.emit(inner, token, "add", [space.start, Value(region, step)], []), name)

    def _widened(self, frame: Frame, tree: Any, name: str, t: Type, body: _Body, start: dict[str, Value]) -> Type:
        """The common type of a carry before and after a step. Raises for different shapes."""
        if unconditional(body.exit_):
            return t  # each step returns: its bindings are lost
        after = body.frame.local[name]
        if after.type.shape != t.shape:
            raise frame.error("carry-shape", tree, name=name, before=start[name].type, after=after.type)
        return common_type(t, after.type)

    def _test(
        self, frame: Frame, condition: Any, body: _Body, types: Types
    ) -> Generator[Any, Any, tuple[Region, list[int], Value]]:
        """The condition of a `while`, in a region of its own over the same carries."""
        region = Region(frame.region)
        region.loop = Loop()
        region.at(frame.span(condition), frame.call)
        carries = {n: region.builder.input(t, frame.prefix + n) for n, t in types.items()}
        values = {n: Value(region, i) for n, i in carries.items()}
        inner = replace(frame, region=region, local={**frame.local, **values})
        holds = yield inner, condition
        self._check_bool(inner, condition, holds, "while")
        return region, list(carries.values()), holds

    # ---- the node

    def _node(
        self,
        frame: Frame,
        tree: Any,
        body: _Body,
        space: IterationSpace | None,
        test: tuple[Region, list[int], Value] | None,
        start: dict[str, Value],
        types: Types,
    ) -> Exit | None:
        """Emits the node and binds its results: carries, and stacks that it wrote. Returns its `return`, if any."""
        region, local, exit_ = body.frame.region, body.frame.local, body.exit_
        b, scope = region.builder, region.loop
        assert scope is not None
        if unconditional(exit_):
            local = local | body.carries
        stacks = {} if exit_ is not None else self.written_stacks(region, local, body.carries)
        carried = [n for n in types if n not in stacks]
        region.at(frame.span(tree), frame.call)
        frame.at(tree)
        inputs = [body.step, *(body.carries[n].node for n in carried)]
        outputs = [coerce(region, local[n], types[n]) for n in carried]
        initial = [coerce(frame.region, start[n], types[n]) for n in carried]
        counter = None
        if exit_ is not None:
            # a step that returns is the last one: whether one has, and what it returned, are carries
            condition = Value(region, b.const(True)) if exit_.condition is None else exit_.condition
            returned = [BOOL, *(v.type for v in exit_.values)]
            inputs += [b.input(t) for t in returned]
            outputs += [region.index(v) for v in (condition, *exit_.values)]
            initial += [zero(frame.region, t) for t in returned]
            if test is None:
                counter = b.input(INT)
                inputs.append(counter)
                outputs.append(b.add(counter, b.const(1)))
                initial.append(frame.region.builder.const(0, INT))
        outputs += [coerce(region, write.item, item_type(types[n])) for n, write in stacks.items()]
        needed = live(b, [*outputs, *b.asserts])  # bodies that were lowered earlier may have read more
        reads = [(x, offset, item) for (x, offset), item in scope.reads.items() if needed[item]]
        items = [item for *_, item in reads]
        captured = dict.fromkeys(v for v, i in region.captured.items() if needed[i])
        if test is not None:
            captured |= dict.fromkeys(test[0].captured)
        attrs: dict[str, Any] = {}
        if test is not None or exit_ is not None:
            limit = [] if counter is None or space is None else [space.steps]
            captured |= dict.fromkeys(limit)
            attrs["pred"] = self._pred(
                frame, test, [b.type1(i) for i in inputs[1:]], exit_, captured, limit, carried, types
            )
        attrs["body"] = region.close(outputs, captured, inputs, items)
        builder = frame.at(tree)
        operand_stacks = [self.unstack(frame, tree, x, offset, space) for x, offset, _ in reads]
        count = [frame.region.index(space.steps)] if space is not None and "pred" not in attrs else []
        operands = [*count, *initial, *(frame.region.index(v) for v in captured), *operand_stacks]
        frame.at(tree)
        attrs |= {"carries": len(initial), "invariants": len(captured)}
        loop, node = LoopView(attrs, operands), builder.apply("loop", *operands, **attrs)
        results = [Value(frame.region, builder.get(node, k=loop.carry_result(k))) for k in range(len(initial))]
        for name, value in zip(carried, results, strict=False):
            frame.local[name] = self.bind(frame, tree, value, frame.prefix + name)
        for k, (name, write) in enumerate(stacks.items()):
            stack = builder.get(node, k=loop.stack_result(k))
            frame.local[name] = self.restack(frame, tree, name, write.offset, stack, start[name], types[name], space)
        if exit_ is None:
            return None
        values = results[len(carried) : len(carried) + 1 + len(exit_.values)]
        return Exit(values[0], tuple(values[1:]), exit_.tree)

    def _pred(
        self,
        frame: Frame,
        test: tuple[Region, list[int], Value] | None,
        carry_types: Sequence[Type],
        exit_: Exit | None,
        captured: dict[Value, None],
        limit: Sequence[Value],
        carried: Sequence[str],
        types: Types,
    ) -> Any:
        """The condition as a graph over all carries: there is another step, and none has returned."""
        if test is None:
            region = Region(frame.region)
            region.at(frame.span(exit_.tree) if exit_ else None, frame.call)
            carries: list[int] = []
            holds = None
        else:
            region, inputs, holds = test
            carries = [i for n, i in zip(types, inputs, strict=True) if n in carried]
        b = region.builder
        others = [b.input(t) for t in carry_types[len(carries) :]]
        result = None if holds is None else region.index(holds)
        if exit_ is not None:
            continues = b.not_(others[len(carried) - len(carries)])
            if limit:
                result = b.lt(others[-1], region.index(limit[0]))
            assert result is not None
            result = b.and_(continues, result)
        assert result is not None
        return region.close([result], captured, [*carries, *others])


def _loop_key(frame: Frame, tree: Any) -> tuple[int, Span | None]:
    return id(tree), frame.call and frame.call.span
