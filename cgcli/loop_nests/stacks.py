"""Stacks in the loop form: how many items there are, and how to read one.

What a loop writes lies in buffers, one for each level of nesting. The last one holds elements, `[item, …]`, one item
behind the other; those above hold, for each item that is itself a stack, where its items begin in the next buffer and
how many there are. So stacks of stacks of any lengths take no more memory than their items.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

from cgcli.graph.types import Stack, Type

from .elements import SCALARS
from .form import Extent, Index, Value, index_of
from .readers import Items, Reader, Stored

if TYPE_CHECKING:
    from .bounds import IndexBuilder
    from .readers import GraphLowering

ROOM = 64  # items that a buffer expects whose number only the run knows


class Rows:
    """The items of a tensor along its first axis."""

    def __init__(self, reader: Reader, length: Extent) -> None:
        self.reader, self.length = reader, length

    def item(self, k: Index) -> Reader:
        return lambda index: self.reader((k, *index))


class Part:
    """The items from one on."""

    def __init__(self, items: Items, begin: Index, length: Extent) -> None:
        self.items, self.begin, self.length = items, begin, length

    def item(self, k: Index) -> Reader | Items:
        return self.items.item(self.begin.plus(k))


class Chunks:
    """A stack cut into stacks of `size` items, the last one shorter."""

    def __init__(self, k: IndexBuilder, items: Items, size: Value) -> None:
        self.k, self.items, self.size = k, items, size
        most = k.index_value(Index(-1).plus(index_of(items.length)).plus(index_of(size)))
        self.length: Extent = k.apply("floor_div", most, size)

    def item(self, k: Index) -> Part:
        b = self.k
        begin = b.apply("mul", b.index_value(k), self.size)
        left = b.apply("sub", b.index_value(self.items.length), begin)
        return Part(self.items, index_of(begin), b.min(left, self.size))


class Joined:
    """The items of a stack of stacks, of which each but the last has `size` items."""

    def __init__(self, k: IndexBuilder, rows: Items, size: Value, length: Value) -> None:
        self.k, self.rows, self.size, self.length = k, rows, size, length

    def item(self, k: Index) -> Reader | Items:
        b = self.k
        number = b.index_value(k)
        row = self.rows.item(index_of(b.apply("floor_div", number, self.size)))
        return cast("Items", row).item(index_of(b.apply("mod", number, self.size)))


class Filled:
    """A stack with zeros behind it, as many items as `like` has, in the shapes of those.

    zero: the value in the type of the elements.
    """

    def __init__(self, k: IndexBuilder, items: Items, like: Items, type_: Type | Stack, zero: Value) -> None:
        self.k, self.items, self.like, self.type, self.zero = k, items, like, type_, zero
        self.length: Extent = k.max(k.index_value(items.length), k.index_value(like.length))

    def item(self, k: Index) -> Reader | Items:
        b = self.k
        exists = b.lt(b.index_value(k), b.index_value(self.items.length))
        return _choice(b, exists, lambda: self.items.item(k), lambda: self._zeros(self.like.item(k)), self.type)

    def _zeros(self, like: Reader | Items) -> Reader | Items:
        return (lambda index: self.zero) if callable(like) else Zeros(like, self._zeros)


class Zeros:
    """As many zeros as a stack has items, each as `zero` makes it of the item."""

    def __init__(self, like: Items, zero: Callable[[Reader | Items], Reader | Items]) -> None:
        self.like, self.zero = like, zero

    @property
    def length(self) -> Extent:
        return self.like.length

    def item(self, k: Index) -> Reader | Items:
        return self.zero(self.like.item(k))


Alternative = Callable[[], Reader | Items]


class Choice:
    """One of two stacks of items of a type, by a condition; nothing of the other one is read."""

    def __init__(
        self, k: IndexBuilder, condition: Value, first: Alternative, other: Alternative, type_: Type | Stack
    ) -> None:
        self.k, self.condition, self.first, self.other, self.type = k, condition, first, other, type_

    @property
    def length(self) -> Extent:
        def side(items: Alternative) -> Callable[[], Sequence[Value]]:
            return lambda: [self.k.index_value(cast("Items", items()).length)]

        return self.k.switch(self.condition, [side(self.other), side(self.first)])[0]

    def item(self, k: Index) -> Reader | Items:
        def side(items: Alternative) -> Alternative:
            return lambda: cast("Items", items()).item(k)

        return _choice(self.k, self.condition, side(self.first), side(self.other), self.type)


def _choice(
    k: IndexBuilder, condition: Value, first: Alternative, other: Alternative, type_: Type | Stack
) -> Reader | Items:
    if isinstance(type_, Stack):
        return Choice(k, condition, first, other, type_.item)

    def read(index: tuple[Index, ...]) -> Value:
        def side(reader: Alternative) -> Callable[[], Sequence[Value]]:
            return lambda: [cast("Reader", reader())(index)]

        return k.switch(condition, [side(other), side(first)])[0]

    return read


class Written:
    """A stack in buffers, a level of nesting each: items from `begin` on in the first.

    least: the depth of the block that writes the buffers.
    """

    def __init__(self, k: IndexBuilder, buffers: Sequence[str], begin: Index, length: Extent, least: int) -> None:
        self.k, self.buffers, self.begin, self.length, self.least = k, buffers, begin, length, least

    def item(self, k: Index) -> Reader | Items:
        at = self.begin.plus(k)
        first, *inner = self.buffers
        if not inner:
            return Stored(self.k, first, (at,), self.least)
        begin, length = (self.k.load(first, (at, n), least=self.least) for n in (0, 1))
        return Written(self.k, inner, index_of(begin), length, self.least)


class StackWriter:
    """The buffers of a stack of items of a type while it is written, allocated in the innermost block.

    count: how many items it has, None where only the run knows. Buffers below the first one are written item behind
    item, so their counters are carried from one write to the next.
    """

    def __init__(self, lowering: GraphLowering, type_: Type | Stack, count: Extent | None) -> None:
        self.lowering, self.type = lowering, type_
        k = lowering.k
        self.buffers: list[str] = []
        t = type_
        while True:
            chunked = count is None or bool(self.buffers)
            first = ROOM if count is None or self.buffers else count
            shape = (2,) if isinstance(t, Stack) else tuple(lowering.size(n) for n in t.shape)
            scalar = "i64" if isinstance(t, Stack) else SCALARS[t.dtype]
            self.buffers.append(k.allocate(f"s{len(k.buffers)}", scalar, (first, *shape), chunked))
            if not isinstance(t, Stack):
                break
            t = t.item

    @property
    def start(self) -> list[Value]:
        """The counters before the first write."""
        return [self.lowering.k.const(0, "i64")] * (len(self.buffers) - 1)

    def write(self, at: Index, item: Reader | Items, counters: Sequence[Value]) -> list[Value]:
        """Writes the item of a number; the counters behind it."""
        return self._write(0, self.type, at, item, list(counters))

    def _write(
        self, level: int, t: Type | Stack, at: Index, item: Reader | Items, counters: list[Value]
    ) -> list[Value]:
        k, buffer = self.lowering.k, self.buffers[level]
        if isinstance(t, Type):
            read = cast("Reader", item)
            self.lowering.loops(t.shape, lambda index: k.store(buffer, (at, *index), read(index)), "vector")
            return counters
        items, inner = cast("Items", item), t.item
        begin, *deeper = counters
        length = items.length
        k.store(buffer, (at, Index(0)), begin)
        k.store(buffer, (at, Index(1)), k.index_value(length))
        with k.loop(length, deeper) as loop:
            k.limits[loop.variable] = length
            number = index_of(loop.variable)
            position = index_of(begin).plus(number)
            loop.yields = self._write(level + 1, inner, position, items.item(number), list(loop.carried))
        return [k.apply("add", begin, k.index_value(length)), *loop.results]

    def stack(self, length: Extent) -> Written:
        """What is written, as seen from the innermost block."""
        k = self.lowering.k
        return Written(k, self.buffers, Index(0), length, k.here)
