"""Loops to `loop` nodes: what goes from step to step, and what each step reads and writes.

`xs[t]` in a loop over t is an item of a stack that the loop reads, and `ys[t] = v` one that it writes, wherever the
range is known to stay within the axis: so neither the step nor its derivative passes over the whole of xs or ys.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from cgcli.graph.diagnostic import Label, error
from cgcli.graph.graph import INPUT, opcode
from cgcli.graph.sizes import Size, add, positive, sub
from cgcli.graph.traversal import live
from cgcli.graph.types import BOOL, INT, Type
from cgcli.ops.typing import join

from .blocks import Blocks, Exit, Running, zero
from .flow import assigned_in, block_of
from .frames import Frame, coerce
from .origins import callers
from .regions import NESTING, Loop, Region, Value, Write
from .shapes import constant_of, outside, size_of
from .tree import identifier, kind

_COPY, _ADD, _SUB = opcode("copy"), opcode("add"), opcode("sub")
MEETINGS = 8  # times that a body is lowered until the types of its carries are settled; they only ever widen


class _Body(NamedTuple):
    """A body that was lowered for certain types of its carries."""

    frame: Frame
    carries: dict[str, Value]
    step: int
    found: Exit | None


class _Range(NamedTuple):
    """What a `for` goes over: how many steps, the first number where it counts, the tensor where it reads items."""

    steps: Value
    start: Value | None
    low: Size | None
    high: Size | None
    items: Value | None


class Loops(Blocks):
    def _for_stmt(self, frame: Frame, tree: Any) -> Running:
        token, iterable, block = tree.children
        over = yield from self._range_of(frame, iterable)
        return (yield from self._loop(frame, tree, block, token, over, None))

    def _while_stmt(self, frame: Frame, tree: Any) -> Running:
        condition, block = tree.children
        found = yield from self._loop(frame, tree, block, None, None, condition)
        # `while true` ends by a `return` alone
        return found and found._replace(happened=None) if kind(condition) == "true" else found

    def _range_of(self, frame: Frame, tree: Any) -> Generator[Any, Any, _Range]:
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
            return _Range(count, None if low == 0 else ends[0], low, high, None)
        x = yield frame, tree
        if not x.type.shape:
            span = frame.span(tree)
            of_int = frame.span(tree).text if x.type.is_int else None
            raise error("not-iterable", span, *callers(frame.call, span), type=x.type, count=of_int)
        return _Range(self.number(frame, tree, x.type.shape[0]), None, None, None, x)

    def _loop(self, frame: Frame, tree: Any, block: Any, token: Any, over: _Range | None, condition: Any) -> Running:
        """One `loop` node. Its body is lowered again as long as a step widens the type of a carry."""
        assert frame.local is not None
        statements = block_of(block)
        start: dict[str, Value] = {}
        for name in assigned_in(statements):
            known = self.lookup(frame, name)
            if known is not None and not (token is not None and name == identifier(token)):
                start[name] = known
        types = {name: v.type for name, v in start.items()}
        draws = self.draws
        for _ in range(MEETINGS):
            self.draws = draws
            body = yield from self._body(frame, tree, statements, token, over, types, start)
            new = {name: self._widened(frame, tree, name, t, body, start) for name, t in types.items()}
            if new == types:
                break
            types = new
        if not types and body.found is None and not body.frame.region.builder.asserts:
            raise error("computes-nothing", frame.span(tree))
        test = None if condition is None else (yield from self._test(frame, condition, body, types))
        return self._node(frame, tree, body, over, test, start, types)

    def _body(
        self,
        frame: Frame,
        tree: Any,
        statements: Sequence[Any],
        token: Any,
        over: _Range | None,
        types: dict[str, Type],
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

    def _variable(self, inner: Frame, token: Any, step: int, over: _Range) -> Value:
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
        after = body.frame.local[name]
        if after.type.shape != t.shape:
            span = frame.span(tree)
            labels = Label(span), *callers(frame.call, span)
            raise error("carry-shape", *labels, name=name, before=start[name].type, after=after.type)
        if t.dtype == after.type.dtype == "bool":
            return t
        return join(t, after.type)

    def _test(
        self, frame: Frame, condition: Any, body: _Body, types: dict[str, Type]
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
        over: _Range | None,
        test: tuple[Region, list[int], Value] | None,
        start: dict[str, Value],
        types: dict[str, Type],
    ) -> Exit | None:
        """The node, and what it hands on: carries, stacks that it wrote, and a `return` that its steps came to."""
        assert frame.local is not None
        assert body.frame.local is not None
        region, local, found = body.frame.region, body.frame.local, body.found
        b, scope = region.builder, region.loop
        assert scope is not None
        written = {} if found is not None else self._written(body, types)
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
        reads = [(x, ahead, item) for (x, ahead), item in scope.reads.items()]
        items = [item for *_, item in reads]
        outputs += [coerce(region, w.item, _item_type(types[n])) for n, w in written.items()]
        captured = dict.fromkeys(region.captured)
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
        stacks = [self._stack(frame, tree, x, ahead, over) for x, ahead, _ in reads]
        count = [frame.region.index(over.steps)] if over is not None and "pred" not in attrs else []
        operands = [*count, *begun, *(frame.region.index(v) for v in captured), *stacks]
        frame.region.at(frame.span(tree), frame.call)
        node = made.apply("loop", *operands, carries=len(begun), invariants=len(captured), **attrs)
        results = [Value(frame.region, made.get(node, k=1 + k)) for k in range(len(begun))]
        for name, value in zip(carried, results, strict=False):
            frame.local[name] = self.bind(frame, tree, value, frame.prefix + name)
        for k, (name, w) in enumerate(written.items()):
            stack = made.get(node, k=1 + len(begun) + k)
            frame.local[name] = self._restacked(frame, tree, name, w, stack, start[name], types[name], over)
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
        types: dict[str, Type],
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

    # ---- stacks

    def _stack(self, frame: Frame, tree: Any, x: Value, ahead: int, over: _Range | None) -> int:
        """What a loop reads of a tensor, item by item."""
        low, high = (over.low, over.high) if over else (None, None)
        if low is not None and high is not None:
            size, first = positive(sub(high, low)), add(low, ahead)
            if (first, size) != (0, x.type.shape[0]):
                x = self._rows(frame, tree, x, first, size)
        return frame.region.at(frame.span(tree), frame.call).unstack(frame.region.index(x))

    def _rows(self, frame: Frame, tree: Any, x: Value, first: Size, size: Size) -> Value:
        """So many items of a tensor from one on."""
        shape = x.type.shape
        starts, steps = (first, *(0,) * (len(shape) - 1)), (1,) * len(shape)
        return self.emit(frame, tree, "slice", [x], [], starts=starts, steps=steps, sizes=(size, *shape[1:]))

    def _restacked(
        self,
        frame: Frame,
        tree: Any,
        name: str,
        w: Write,
        stack: int,
        before: Value,
        t: Type,
        over: _Range | None,
    ) -> Value:
        """The tensor that a loop has written item by item: the whole of it, or the part that its range covers."""
        assert over is not None
        assert over.low is not None
        assert over.high is not None
        size, first = positive(sub(over.high, over.low)), add(over.low, w.ahead)
        rest = t.shape[1:]
        b = frame.region.at(frame.span(w.tree), frame.call)
        made = Value(frame.region, b.restack(stack, shape=(size, *rest)))
        if (first, size) != (0, t.shape[0]):
            end = add(first, size)
            old = Value(frame.region, coerce(frame.region, before, t))
            steps = (1,) * len(t.shape)
            zeros = (0,) * len(rest)
            front = self.emit(frame, w.tree, "slice", [old], [], starts=(0, *zeros), steps=steps, sizes=(first, *rest))
            back = sub(t.shape[0], end)
            behind = self.emit(
                frame, w.tree, "slice", [old], [], starts=(end, *zeros), steps=steps, sizes=(back, *rest)
            )
            made = self.emit(frame, w.tree, "concat", [front, made, behind], [], axis=-len(t.shape))
        return self.bind(frame, w.tree, made, frame.prefix + name)

    def _written(self, body: _Body, types: dict[str, Type]) -> dict[str, Write]:
        """The carries that each step only writes an item of: nothing else in the body reads them."""
        region, local = body.frame.region, body.frame.local
        assert region.loop is not None
        assert local is not None
        found = {n: w for n, w in region.loop.writes.items() if local.get(n) == w.whole and n in types}
        while found:
            kept = [region.index(local[n]) for n in types if n not in found]
            kept += [region.index(w.item) for w in found.values()]
            needed = live(region.builder, [*kept, *region.builder.asserts])
            read = [n for n in found if needed[body.carries[n].node]]
            if not read:
                break
            for n in read:
                del found[n]
        return found

    def read_item(self, frame: Frame, tree: Any, x: Value, items: Sequence[tuple[Any, Any]]) -> Value | None:
        """`x[t, …]` in a loop over t, of a tensor from outside: the rest of the index, of an item of a stack."""
        place = _ahead(items[0][1]) if items and isinstance(items[0][1], Value) else None
        if place is None or not x.type.shape:
            return None
        variable, ahead = place
        region = variable.region
        scope = region.loop
        if scope is None or scope.variable != variable or x.region.within(region):
            return None
        if not _inside(scope, ahead, x.type.shape[0]):
            return None
        item = scope.reads.get((x, ahead))
        if item is None:
            b = region.at(frame.span(tree), frame.call)
            item = scope.reads[x, ahead] = b.input(x.type._replace(shape=x.type.shape[1:]))
        made = Value(region, item)
        return self.indexed(frame, tree, made, items[1:]) if len(items) > 1 else made

    def note_write(
        self, frame: Frame, tree: Any, y: Value, items: Sequence[tuple[Any, Any]], v: Value, whole: Value
    ) -> None:
        """Remembers `y[t] = v` in a loop over t that carries y: y may turn out to be a stack that is written."""
        scope = frame.region.loop
        place = _ahead(items[0][1]) if len(items) == 1 and isinstance(items[0][1], Value) else None
        if scope is None or place is None or place[0] != scope.variable or y.region is not frame.region:
            return
        target = tree.children[0]
        name = identifier(target.children[0])
        if not _inside(scope, place[1], y.type.shape[0]) or frame.region.builder.op[y.node] != INPUT:
            return
        shape = y.type.shape[1:]
        item = v if v.type.shape == shape else self.emit(frame, tree, "expand", [v], [tree], shape=shape)
        scope.writes[name] = Write(item, whole, place[1], tree)


def _item_type(t: Type) -> Type:
    return t._replace(shape=t.shape[1:])


def _inside(scope: Loop, ahead: int, size: Size) -> bool:
    """Whether each place that a range comes to lies within an axis, whatever the sizes are."""
    if scope.low is None or scope.high is None:
        return False
    first, room = add(scope.low, ahead), sub(size, add(scope.high, ahead))
    return positive(first) == first and positive(room) == room


def _ahead(item: Value) -> tuple[Value, int] | None:
    """A loop's variable and how far ahead of it an index lies: `t`, `t + 1`, `t - 1`."""
    ahead = 0
    for _ in range(20):
        region, b, node = item.region, item.region.builder, item.node
        scope = region.loop
        if scope is not None and scope.variable == item:
            return item, ahead
        code = b.op[node]
        if code == INPUT:
            outer = outside(region, node)
            if outer is None:
                return None
            item = outer
        elif code == _COPY:
            item = Value(region, b.a[node])
        elif code in (_ADD, _SUB):
            known = constant_of(Value(region, b.b[node]))
            base = b.a[node]
            if type(known) is not int and code == _ADD:
                known, base = constant_of(Value(region, b.a[node])), b.b[node]
            if type(known) is not int:
                return None
            ahead += known if code == _ADD else -known
            item = Value(region, base)
        else:
            return None
    return None
