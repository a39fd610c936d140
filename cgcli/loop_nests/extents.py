"""The sizes of a nest's buffers as numbers, from its size arguments: what a caller needs to have the memory ready."""

from __future__ import annotations

from collections.abc import Mapping

from .form import INTS, Apply, Const, Extent, LoopNest, Value
from .primitives import PRIMITIVES


def numbers_of(nest: LoopNest, sizes: Mapping[str, int]) -> dict[Value, int]:
    """The ints that the sizes tell in front of everything."""
    numbers: dict[Value, int] = {value: sizes[name] for name, value in nest.sizes.items()}
    for s in nest.body:
        if isinstance(s, Const) and s.result.type in INTS:
            numbers[s.result] = int(s.value)
        elif isinstance(s, Apply) and s.result.type in INTS and all(x in numbers for x in s.operands):
            compute = PRIMITIVES[s.primitive].compute
            operands = [numbers[x] for x in s.operands]
            if compute is not None and not (s.primitive in ("floor_div", "mod") and operands[1] == 0):
                numbers[s.result] = compute(*operands)
    return numbers


def shapes(nest: LoopNest, sizes: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    """The shapes of the buffers that the caller gives, by their names. A size may be negative."""
    numbers = numbers_of(nest, sizes)

    def number(extent: Extent) -> int:
        return extent if isinstance(extent, int) else numbers[extent]

    given = {name: buffer for name, buffer in nest.buffers.items() if buffer.role in ("in", "out", "scratch")}
    return {name: tuple(map(number, buffer.shape)) for name, buffer in given.items()}
