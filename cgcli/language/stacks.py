"""Lowers reads and writes of a tensor's items in loops to stacks.

`xs[t]` in a loop over t is an item of a stack that the loop reads, and `ys[t] = v` one that it writes, wherever the
range is known to stay within the axis: so neither the step nor its derivative passes over the whole of xs or ys.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cgcli.graph.graph import COPY, INPUT, opcode
from cgcli.graph.lexemes import identifier
from cgcli.graph.sizes import Shape, Size, add, positive, smaller, sub
from cgcli.graph.traversal import live
from cgcli.graph.types import Type

from .blocks import Blocks
from .frames import Frame, coerce
from .regions import Loop, Region, Value, Write
from .shapes import outside, size_of

_ADD, _SUB = opcode("add"), opcode("sub")
_NAME = re.compile(r"[^\W\d]\w*")
_MAX_OFFSETS = 20  # additions between a loop's variable and an index


class IterationSpace(NamedTuple):
    """The iterations of a `for`: their number, the first value where it counts, the tensor where it reads items."""

    steps: Value
    start: Value | None
    low: Size | None
    high: Size | None
    items: Value | None


class Stacks(Blocks):
    """Lowers reads and writes of items."""

    def unstack(self, frame: Frame, tree: Any, x: Value, offset: Size, space: IterationSpace | None) -> int:
        """The stack of the items of a tensor that a loop reads, as a node."""
        low, high = (space.low, space.high) if space else (None, None)
        if low is not None and high is not None:
            size = positive(sub(high, low))
            first = add(low, offset) if size else 0
            if (first, size) != (0, x.type.shape[0]):
                x = self._rows(frame, tree, x, first, size)
        return frame.at(tree).unstack(frame.region.index(x))

    def _rows(self, frame: Frame, tree: Any, x: Value, first: Size, size: Size) -> Value:
        """`size` items of a tensor from `first` on."""
        shape = x.type.shape
        starts, steps = (first, *(0,) * (len(shape) - 1)), (1,) * len(shape)
        return self.emit(frame, tree, "slice", [x], [], starts=starts, steps=steps, sizes=(size, *shape[1:]))

    def restack(
        self,
        frame: Frame,
        tree: Any,
        name: str,
        offset: Size,
        stack: int,
        before: Value,
        t: Type,
        space: IterationSpace | None,
    ) -> Value:
        """The tensor that a loop has written item by item; items outside its range are those before the loop."""
        assert space is not None
        assert space.low is not None
        assert space.high is not None
        length = t.shape[0]
        size = positive(sub(space.high, space.low))
        first = smaller(add(space.low, offset), length)  # clipped where the loop has no step
        b = frame.at(tree)
        result = Value(frame.region, b.restack(stack, shape=(size, *t.shape[1:])))
        if (first, size) != (0, length):
            end = add(first, size)
            old = Value(frame.region, coerce(frame.region, before, t))
            front = self._rows(frame, tree, old, 0, first)
            behind = self._rows(frame, tree, old, end, sub(length, end))
            parts = [p for p in (front, result, behind) if p.type.shape[0] != 0]
            result = parts[0] if len(parts) == 1 else self.emit(frame, tree, "concat", parts, [], axis=-len(t.shape))
        return self.bind(frame, tree, result, frame.prefix + name)

    def written_stacks(
        self, region: Region, local: Mapping[str, Value], carries: Mapping[str, Value]
    ) -> dict[str, Write]:
        """The carries of which each step only writes an item: nothing else in the body reads them."""
        assert region.loop is not None
        stacks = {n: w for n, w in region.loop.writes.items() if n in carries and local[n] == w.updated}
        while stacks:
            live_outputs = [region.index(local[n]) for n in carries if n not in stacks]
            live_outputs += [region.index(w.item) for w in stacks.values()]
            needed = live(region.builder, [*live_outputs, *region.builder.asserts])
            read = [n for n in stacks if needed[carries[n].node]]
            if not read:
                break
            for n in read:
                del stacks[n]
        return stacks

    def read_item(self, frame: Frame, tree: Any, x: Value, items: Sequence[tuple[Any, Any]]) -> Value | None:
        """`x[t, …]` in a loop over t, for a tensor from outside: an item of a stack, indexed by the rest."""
        index_offset = _offset_of(items[0][1]) if items and isinstance(items[0][1], Value) else None
        if index_offset is None or not x.type.shape:
            return None
        variable, offset = index_offset
        region, rest = variable.region, items[1:]
        scope = region.loop
        if scope is None or scope.variable != variable or x.region.within(region):
            return None
        if sum(item is not None for _, item in items) > x.type.rank or _slice_before_tensors(rest):
            return None
        if not self._in_bounds(scope, offset, x.type.shape):
            return None
        item = scope.reads.get((x, offset))
        if item is None:
            b = region.at(frame.span(tree), frame.call)
            item = scope.reads[x, offset] = b.input(x.type._replace(shape=x.type.shape[1:]))
        item_value = Value(region, item)
        return self.indexed(frame, tree, item_value, rest) if rest else item_value

    def record_write(
        self, frame: Frame, tree: Any, y: Value, items: Sequence[tuple[Any, Any]], v: Value, updated: Value
    ) -> None:
        """Records `y[t] = v` in a loop over t that carries y: y may turn out to be a stack that is written."""
        scope = frame.region.loop
        index_offset = _offset_of(items[0][1]) if len(items) == 1 and isinstance(items[0][1], Value) else None
        if scope is None or index_offset is None or index_offset[0] != scope.variable or y.region is not frame.region:
            return
        offset = index_offset[1]
        if frame.region.builder.op[y.node] != INPUT or not self._in_bounds(scope, offset, y.type.shape):
            return
        shape = y.type.shape[1:]
        item = v if v.type.shape == shape else self.emit(frame, tree, "expand", [v], [tree], shape=shape)
        if item.type.dtype != y.type.dtype and not y.type.weak:
            item = self.emit(frame, tree, "cast", [item], [], dtype=y.type.dtype)
        scope.writes[identifier(tree.children[0].children[0])] = Write(item, updated, offset)

    def _in_bounds(self, scope: Loop, offset: Size, shape: Shape) -> bool:
        """Whether each index of a range lies within the first axis, for all values of the sizes.

        Sizes are 0 or more. An int input may be negative, unless it is a size of this very shape.
        """
        low, high = scope.low, scope.high
        if low is None or high is None:
            return False
        first, remaining, size = add(low, offset), sub(shape[0], add(high, offset)), sub(high, low)
        names = {name for s in (first, remaining, size, shape[0]) for name in _NAME.findall(str(s))}
        if any(self.declared_input(name) is not None and name not in shape for name in names):
            return False
        return positive(first) == first and positive(remaining) == remaining


def item_type(t: Type) -> Type:
    return t._replace(shape=t.shape[1:])


def _slice_before_tensors(rest: Sequence[tuple[Any, Any]]) -> bool:
    """Whether an index has a slice between its first item and tensors: then the axes of these come first."""
    tensors = any(isinstance(item, Value) and item.type.shape for _, item in rest)
    return tensors and not isinstance(rest[0][1], Value)


def _offset_of(item: Value) -> tuple[Value, Size] | None:
    """A loop's variable and the offset of an index from it, for `t`, `t + 1`, `t - n`; None for another index."""
    offset: Size = 0
    for _ in range(_MAX_OFFSETS):
        region, b, node = item.region, item.region.builder, item.node
        scope = region.loop
        if scope is not None and scope.variable == item:
            return item, offset
        code = b.op[node]
        if code == INPUT:
            outer = outside(region, node)
            if outer is None:
                return None
            item = outer
        elif code == COPY:
            item = Value(region, b.a[node])
        elif code in (_ADD, _SUB):
            left, right = Value(region, b.a[node]), Value(region, b.b[node])
            size = size_of(right)
            if size is None and code == _ADD:
                size, left = size_of(left), right
            if size is None:
                return None
            offset = add(offset, size) if code == _ADD else sub(offset, size)
            item = left
        else:
            return None
    return None
