"""Loops of a nest that run over the same steps are made one, so that values pass from one to the next in registers.

Each value in memory is written by loops of its own. Two loops over the same steps become one where a step of the second
touches only what the same step of the first one touches. Then an element that is stored and loaded in a step is not
loaded, a buffer that nothing loads is not stored, and one that is used within a step only needs no axis for the steps.
No bit of a result depends on that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from .form import (
    FLOATS,
    Access,
    Apply,
    Buffer,
    Check,
    Const,
    For,
    Load,
    LoopNest,
    Statement,
    Value,
    index_of,
    results,
    statements,
)
from .rewriting import Touches, defines, reads, renamed
from .shortening import shortened, without_axes

NEAR = 40  # groups of statements that are looked through for a loop over the same steps


def share_loops(nest: LoopNest) -> LoopNest:
    """The nest with loops shared."""
    return without_axes(shortened(replace(nest, body=_shared(nest.body, nest.buffers))))


# ---- loops over the same steps


@dataclass
class _Slot:
    """A statement that is no number, and the numbers that are computed in front of it."""

    main: Statement | None = None
    touches: Touches | None = None
    numbers: list[Statement] = field(default_factory=list)


class _Block:
    """Statements in their order. Each goes as far to the front as what it reads lets it."""

    def __init__(self, buffers: Mapping[str, Buffer]) -> None:
        self.buffers = buffers
        self.slots: list[_Slot] = [_Slot()]  # the last one has no statement yet
        self.level: dict[Value, int] = {}  # of a value, the first slot that can read it
        self.loads: dict[str, list[int]] = {}
        self.stores: dict[str, list[int]] = {}
        self.barrier = 0  # behind the last check

    def add(self, s: Statement) -> None:
        own = set(defines([s]))
        least = max([self.barrier, *(self.level.get(x, 0) for x in reads([s]) if x not in own)])
        if isinstance(s, Const | Apply):
            self._number(s, least)
            return
        touches = Touches(s, self.buffers)
        sizes = [n for name in touches.names for n in self.buffers[name].shape if isinstance(n, Value)]
        least = max([least, *(self.level.get(n, 0) for n in sizes)])
        if isinstance(s, Load):
            self._number(s, max([least, *(k + 1 for k in self.stores.get(s.buffer, ()))]))
            self.loads.setdefault(s.buffer, []).append(self.level[s.result])
            return
        slot = self._slot_for(s, touches, least)
        for x in results(s):
            self.level[x] = slot + 1
        for name in touches.loads:
            self.loads.setdefault(name, []).append(slot)
        for name in touches.stores:
            self.stores.setdefault(name, []).append(slot)
        if isinstance(s, Check):
            self.barrier = slot + 1

    def _number(self, s: Const | Apply | Load, slot: int) -> None:
        self.slots[slot].numbers.append(s)
        self.level[s.result] = slot

    def _slot_for(self, s: Statement, touches: Touches, least: int) -> int:
        """Puts a statement into a slot, where it joins a loop or stands alone."""
        together = -1  # the slot of a loop that it may join, but not precede
        for name in {*touches.loads, *touches.stores}:
            others = self.stores.get(name, [])
            if name in touches.stores:
                others = [*others, *self.loads.get(name, [])]
            for k in set(others):
                if self._may_join(k, s, touches):
                    together = max(together, k)
                else:
                    least = max(least, k + 1)
        least = max(least, together)
        end = len(self.slots) - 1
        if isinstance(s, For):
            for k in range(max(least, end - NEAR), end):
                slot = self.slots[k]
                if slot.touches is not None and self._may_join(k, s, touches) and slot.touches.names & touches.names:
                    slot.main = _joined(cast("For", slot.main), s)
                    slot.touches = Touches(slot.main, self.buffers)
                    return k
        self.slots[end].main, self.slots[end].touches = s, touches
        self.slots.append(_Slot())
        return end

    def _may_join(self, k: int, s: Statement, touches: Touches) -> bool:
        """Whether a loop may run in the steps of the one in slot `k`."""
        slot = self.slots[k]
        first = slot.main
        if not isinstance(first, For) or not isinstance(s, For) or slot.touches is None:
            return False
        if (first.begin, first.end) != (s.begin, s.end) or not _kinds_fit(first, s):
            return False
        return all(
            _at_step(self.buffers[name], slot.touches.of(name), first.variable, touches.of(name), s.variable)
            for name in _conflicts(slot.touches, touches)
        )

    def statements(self) -> list[Statement]:
        body: list[Statement] = []
        for slot in self.slots:
            body += slot.numbers
            if slot.main is not None:
                body.append(slot.main)
        return body


def _shared(body: Sequence[Statement], buffers: Mapping[str, Buffer]) -> list[Statement]:
    block = _Block(buffers)
    for s in body:
        block.add(s)
    return [_shared_within(s, buffers) for s in block.statements()]


def _shared_within(s: Statement, buffers: Mapping[str, Buffer]) -> Statement:
    return s._replace(body=_shared(s.body, buffers)) if isinstance(s, For) else s


def _kinds_fit(first: For, second: For) -> bool:
    """Whether a loop of both is as quick as each of them: lanes stay lanes."""
    if "chunk" in (first.kind, second.kind):
        return False
    lanes = [s.kind == "vector" and not _has_lanes_within(s) for s in (first, second)]
    if lanes[0] != lanes[1]:
        return False
    carried = [*first.carried, *second.carried]
    if not lanes[0] and first.kind != second.kind and carried:
        return False
    return len({x.type for x in carried if x.type in FLOATS}) <= 1


def _has_lanes_within(s: For) -> bool:
    return any(isinstance(x, For) and x.kind == "vector" for x in statements(s.body))


def _conflicts(first: Touches, second: Touches) -> set[str]:
    """The buffers that both touch and one writes."""
    return ({*first.stores} & second.names) | (first.names & {*second.stores})


def _at_step(buffer: Buffer, first: list[Access], a: Value, second: list[Access], b: Value) -> bool:
    """Whether a step of two loops touches only elements whose index along one axis is the step."""
    steps = [(access, a) for access in first] + [(access, b) for access in second]
    return not buffer.chunked and any(
        all(axis < len(access) and access[axis] == index_of(step) for access, step in steps)
        for axis in range(len(buffer.shape))
    )


def _joined(first: For, second: For) -> For:
    """A loop with the steps of both."""
    names = {second.variable: first.variable}
    return first._replace(
        carried=(*first.carried, *second.carried),
        initial=(*first.initial, *second.initial),
        combine=(*first.combine, *second.combine),
        body=[*first.body, *(renamed(x, names) for x in second.body)],
        yields=(*first.yields, *(names.get(y, y) for y in second.yields)),
        results=(*first.results, *second.results),
        kind=first.kind if first.kind == second.kind else "serial",
    )
