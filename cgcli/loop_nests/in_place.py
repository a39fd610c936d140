"""Changes of arrays in the memory that holds them: which nodes may write over an operand.

A node may do so when no other node reads the operand from then on. Element forms are computed where they are read, so
what they would read behind the change is computed in front of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cgcli.graph.graph import ASSERT, COND, LOOP
from cgcli.graph.types import Stack

from .readers import Components, Stored

if TYPE_CHECKING:
    from .order import Order
    from .readers import Frame, GraphLowering


def take_over(lowering: GraphLowering, frame: Frame, i: int, x: int) -> str:
    """The buffer of node `x`, over which node `i` may write from now on; empty where it may not."""
    order = frame.order
    if order is None or x not in frame.owned or not order.is_last_reader(i, x):
        return ""
    computed = list(_computed_behind(frame, order, i, x))
    if any(isinstance(frame.graph.type_of(y), Stack) for y in computed):
        return ""
    for y in sorted(computed, key=order.place.__getitem__):
        lowering.keep(frame, y)
    return frame.owned[x]


def _computed_behind(frame: Frame, order: Order, i: int, x: int) -> Iterator[int]:
    """The nodes that would read `x` when node `i` or one behind it reads them."""
    seen, stack = {x}, [x]
    while stack:
        for y in order.readers[stack.pop()]:
            if y == i or y in seen or _exists(frame, y):
                continue
            seen.add(y)
            if order.is_read_from(y, i):
                yield y
            else:
                stack.append(y)


def _exists(frame: Frame, y: int) -> bool:
    """Whether the value of a node, or what it does, does not wait for who reads it."""
    return frame.graph.op[y] in (COND, LOOP, ASSERT) or isinstance(frame.readers.get(y), Stored | Components)
