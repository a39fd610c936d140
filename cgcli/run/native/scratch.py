"""The memory of a nest's scratch buffers: one block, in which those that are not used at the same time share bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from cgcli.loop_nests.form import Call, Load, LoopNest, Statement, Store, statements

ALIGNMENT = 64


class Lifetime(NamedTuple):
    """The first and the last statement of a nest's body that uses a buffer."""

    first: int
    last: int


def lifetimes(nest: LoopNest) -> dict[str, Lifetime]:
    """Those of the scratch buffers that are used."""
    spans: dict[str, Lifetime] = {}
    for k, s in enumerate(nest.body):
        for name in _used([s]):
            if nest.buffers[name].role == "scratch":
                spans[name] = Lifetime(spans[name].first if name in spans else k, k)
    return spans


def _used(body: list[Statement]) -> Iterator[str]:
    for s in statements(body):
        if isinstance(s, Load | Store):
            yield s.buffer
        elif isinstance(s, Call):
            yield from (region.buffer for region in (*s.operands, *s.results))


class Layout(NamedTuple):
    """Where each buffer begins in the block, and the size of that."""

    offsets: Mapping[str, int]
    size: int


def layout(spans: Mapping[str, Lifetime], sizes: Mapping[str, int]) -> Layout:
    """sizes: of all scratch buffers, in bytes. The largest one is placed first, each where nothing that is used at the
    same time lies.
    """
    offsets: dict[str, int] = dict.fromkeys(sizes, 0)
    taken: list[tuple[int, int, Lifetime]] = []
    for name in sorted(spans, key=lambda name: (-sizes[name], name)):
        span, need, at = spans[name], sizes[name], 0
        for begin, end, other in sorted(taken):
            if span.first <= other.last and other.first <= span.last and begin < at + need and at < end:
                at = -(-end // ALIGNMENT) * ALIGNMENT
        offsets[name] = at
        taken.append((at, at + need, span))
    return Layout(offsets, max((end for _, end, _ in taken), default=0))
