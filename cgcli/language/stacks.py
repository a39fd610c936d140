"""What loops read and write step by step, as stacks.

`xs[t]` in a loop over t is an item of a stack that the loop reads, and `ys[t] = v` one that it writes, wherever the
range is known to stay within the axis: so neither the step nor its derivative passes over the whole of xs or ys.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cgcli.graph.graph import INPUT, opcode
from cgcli.graph.lexemes import identifier
from cgcli.graph.sizes import Shape, Size, add, positive, smaller, sub
from cgcli.graph.traversal import live
from cgcli.graph.types import Type

from .blocks import Blocks
from .frames import Frame, coerce
from .regions import Loop, Region, Value, Write
from .shapes import outside, size_of

_COPY, _ADD, _SUB = opcode("copy"), opcode("add"), opcode("sub")
_NAME = re.compile(r"[^\W\d]\w*")
_FAR = 20  # additions between a loop's variable and an index; nobody writes more


class Range(NamedTuple):
    """What a `for` goes over: how many steps, the first number where it counts, the tensor where it reads items."""

    steps: Value
    start: Value | None
    low: Size | None
    high: Size | None
    items: Value | None


class Stacks(Blocks):
    """Lowers reads and writes of items."""

    def stack(self, frame: Frame, tree: Any, x: Value, ahead: Size, over: Range | None) -> int:
        """What a loop reads of a tensor, item by item."""
        low, high = (over.low, over.high) if over else (None, None)
        if low is not None and high is not None:
            size = positive(sub(high, low))
            first = add(low, ahead) if size else 0
            if (first, size) != (0, x.type.shape[0]):
                x = self._rows(frame, tree, x, first, size)
        return frame.region.at(frame.span(tree), frame.call).unstack(frame.region.index(x))

    def _rows(self, frame: Frame, tree: Any, x: Value, first: Size, size: Size) -> Value:
        """So many items of a tensor from one on."""
        shape = x.type.shape
        starts, steps = (first, *(0,) * (len(shape) - 1)), (1,) * len(shape)
        return self.emit(frame, tree, "slice", [x], [], starts=starts, steps=steps, sizes=(size, *shape[1:]))

    def restacked(
        self, frame: Frame, name: str, w: Write, stack: int, before: Value, t: Type, over: Range | None
    ) -> Value:
        """The tensor that a loop has written item by item: the whole of it, or the part that its range covers."""
        assert over is not None
        assert over.low is not None
        assert over.high is not None
        whole = t.shape[0]
        size, first = positive(sub(over.high, over.low)), smaller(add(over.low, w.ahead), whole)  # clipped: no step
        b = frame.region.at(frame.span(w.tree), frame.call)
        made = Value(frame.region, b.restack(stack, shape=(size, *t.shape[1:])))
        if (first, size) != (0, whole):
            end = add(first, size)
            old = Value(frame.region, coerce(frame.region, before, t))
            front = self._rows(frame, w.tree, old, 0, first)
            behind = self._rows(frame, w.tree, old, end, sub(whole, end))
            parts = [p for p in (front, made, behind) if p.type.shape[0] != 0]
            made = parts[0] if len(parts) == 1 else self.emit(frame, w.tree, "concat", parts, [], axis=-len(t.shape))
        return self.bind(frame, w.tree, made, frame.prefix + name)

    def written(self, region: Region, local: Mapping[str, Value], carries: Mapping[str, Value]) -> dict[str, Write]:
        """The carries that each step only writes an item of: nothing else in the body reads them."""
        assert region.loop is not None
        found = {n: w for n, w in region.loop.writes.items() if n in carries and local[n] == w.whole}
        while found:
            kept = [region.index(local[n]) for n in carries if n not in found]
            kept += [region.index(w.item) for w in found.values()]
            needed = live(region.builder, [*kept, *region.builder.asserts])
            read = [n for n in found if needed[carries[n].node]]
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
        region, rest = variable.region, items[1:]
        scope = region.loop
        if scope is None or scope.variable != variable or x.region.within(region):
            return None
        if sum(item is not None for _, item in items) > x.type.rank or _apart(rest):
            return None
        if not self._inside(scope, ahead, x.type.shape):
            return None
        item = scope.reads.get((x, ahead))
        if item is None:
            b = region.at(frame.span(tree), frame.call)
            item = scope.reads[x, ahead] = b.input(x.type._replace(shape=x.type.shape[1:]))
        made = Value(region, item)
        return self.indexed(frame, tree, made, rest) if rest else made

    def note_write(
        self, frame: Frame, tree: Any, y: Value, items: Sequence[tuple[Any, Any]], v: Value, whole: Value
    ) -> None:
        """Remembers `y[t] = v` in a loop over t that carries y: y may turn out to be a stack that is written."""
        scope = frame.region.loop
        place = _ahead(items[0][1]) if len(items) == 1 and isinstance(items[0][1], Value) else None
        if scope is None or place is None or place[0] != scope.variable or y.region is not frame.region:
            return
        ahead = place[1]
        if frame.region.builder.op[y.node] != INPUT or not self._inside(scope, ahead, y.type.shape):
            return
        shape = y.type.shape[1:]
        item = v if v.type.shape == shape else self.emit(frame, tree, "expand", [v], [tree], shape=shape)
        if item.type.dtype != y.type.dtype and not y.type.weak:
            item = self.emit(frame, tree, "cast", [item], [], dtype=y.type.dtype)
        scope.writes[identifier(tree.children[0].children[0])] = Write(item, whole, ahead, tree)

    def _inside(self, scope: Loop, ahead: Size, shape: Shape) -> bool:
        """Whether each place that a range comes to lies within the first axis, whatever the sizes are.

        Sizes are 0 or more. An int input may be negative, unless it is a size of this very shape.
        """
        low, high = scope.low, scope.high
        if low is None or high is None:
            return False
        first, room, size = add(low, ahead), sub(shape[0], add(high, ahead)), sub(high, low)
        names = {name for s in (first, room, size, shape[0]) for name in _NAME.findall(str(s))}
        if any(self.declared(name) is not None and name not in shape for name in names):
            return False
        return positive(first) == first and positive(room) == room


def item_type(t: Type) -> Type:
    return t._replace(shape=t.shape[1:])


def _apart(rest: Sequence[tuple[Any, Any]]) -> bool:
    """Whether an index with tensors has a slice between the first place and them: then their axes come first."""
    tensors = any(isinstance(item, Value) and item.type.shape for _, item in rest)
    return tensors and not isinstance(rest[0][1], Value)


def _ahead(item: Value) -> tuple[Value, Size] | None:
    """A loop's variable and how far ahead of it an index lies: `t`, `t + 1`, `t - n`."""
    ahead: Size = 0
    for _ in range(_FAR):
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
            left, right = Value(region, b.a[node]), Value(region, b.b[node])
            known = size_of(right)
            if known is None and code == _ADD:
                known, left = size_of(left), right
            if known is None:
                return None
            ahead = add(ahead, known) if code == _ADD else sub(ahead, known)
            item = left
        else:
            return None
    return None
