"""How `pad` is computed in loops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cgcli.graph.sizes import sub

if TYPE_CHECKING:
    from .protocols import Array, Elements, ElementWriter, LoopIndex


def padded_element(e: Elements, index: Sequence[LoopIndex]) -> Array:
    """The element of the operand that lies here, or zero."""
    starts, steps = e.attrs["starts"], e.attrs["steps"]
    lead = len(index) - len(starts)
    sizes = e.types[0].shape[lead:]
    source = list(index[:lead])
    condition: Array | bool = True
    for i, start, step, size in zip(index[lead:], starts, steps, sizes, strict=True):
        is_inside, k = e.inside(i.plus(e.index(sub(0, start))), size, step)
        source.append(k)
        condition = _both(e, condition, is_inside)
    if condition is False:
        return e.const(0)
    if condition is True:
        return e.operand(0, source)
    if all(isinstance(size, int) and size > 0 for size in sizes):  # there is an element to read in any case
        return e.xp.where(condition, e.operand(0, source), e.const(0))
    return e.switch(condition, [lambda: e.const(0), lambda: e.operand(0, source)])


def write_padded(e: ElementWriter) -> None:
    """Zeros, and then the operand's elements."""
    many, lead = len(e.attrs["starts"]), len(e.row)

    def write(index: Sequence[LoopIndex]) -> None:
        parts = zip(index, e.attrs["starts"], e.attrs["steps"], strict=True)
        e.write(
            [*e.row, *(i.times(step).plus(e.index(start)) for i, start, step in parts)], e.operand(0, [*e.row, *index])
        )

    e.each(e.type.shape[lead:], lambda index: e.write([*e.row, *index], e.const(0)), "vector")
    e.each(e.types[0].shape[lead : lead + many], write, "vector")


def _both(e: Elements, a: Array | bool, b: Array | bool) -> Array | bool:
    if isinstance(a, bool):
        return b if a else False
    if isinstance(b, bool):
        return a if b else False
    return e.xp.logical_and(a, b)
