"""Which loops become vector code, and with how many lanes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from cgcli.loop_nests.form import (
    FLOATS,
    INTS,
    PARTIALS,
    Allocate,
    Apply,
    Buffer,
    Call,
    Check,
    Const,
    For,
    Load,
    ScalarType,
    Statement,
    Store,
    Switch,
    Value,
    While,
    blocks,
)
from cgcli.loop_nests.functions import definition
from cgcli.loop_nests.primitives import CHECKED, FUNCTIONS
from cgcli.loop_nests.rewriting import reads

from .memory import movement


def lanes_of(s: For, buffers: Mapping[str, Buffer]) -> int:
    """The lanes of a loop as vector code, 0 where it stays scalar code.

    Its steps become lanes where each of its stores moves with the lanes, no inner loop is better made of lanes
    itself, and a reduction has as many partial values as there are lanes or combines in any order.
    """
    if s.kind == "serial":
        return 0
    body = _Body(s, buffers)
    if not body.fits or (body.checks and body.stored & body.loaded):
        return 0
    partials = {PARTIALS[x.type] for x in s.carried if x.type in FLOATS}
    if len(partials) > 1 or not _reductions_fit(s):
        return 0
    if partials:
        return partials.pop()
    return PARTIALS["f32"] if "f32" in body.types and "f64" not in body.types else PARTIALS["f64"]


def _reductions_fit(s: For) -> bool:
    """Whether each reduction that has one partial value joins it once, by a primitive of any order."""
    for x, y, join in zip(s.carried, s.yields, s.combine, strict=True):
        if x.type in FLOATS:
            continue
        last = next((a for a in s.body if isinstance(a, Apply) and a.result is y), None)
        if last is None or last.primitive != join or last.operands.count(x) != 1 or last.node >= 0:
            return False
        if sum(used is x for used in reads(s.body)) != 1:
            return False
    return True


class _Body:
    """What a vector loop's body does. wide: the values that differ from lane to lane; types: of what it reads and
    writes; checks: whether a lane may stop the run."""

    def __init__(self, s: For, buffers: Mapping[str, Buffer]) -> None:
        self.loop, self.buffers = s, buffers
        self.wide: set[Value] = {s.variable, *s.carried}
        self.types: set[ScalarType] = {x.type for x in s.carried}
        self.stored: set[str] = set()
        self.loaded: set[str] = set()
        self.checks = False
        self.fits = self._block(s.body)

    def _block(self, body: Sequence[Statement]) -> bool:
        return all(self._statement(x) for x in body)

    def _statement(self, x: Statement) -> bool:
        match x:
            case Apply():
                self.checks |= x.node >= 0 and x.primitive in CHECKED and x.result.type in INTS
                if any(v in self.wide for v in x.operands):
                    self.wide.add(x.result)
            case Load():
                self.loaded.add(x.buffer)
                self.types.add(self.buffers[x.buffer].type)
                if any(v in self.wide for index in x.access for v in index.values):
                    self.wide.add(x.result)
            case Store():
                return self._store(x)
            case For():
                if x.kind != "serial" or not self.wide.isdisjoint((x.begin, x.end)):
                    return False
                self.wide.update((*x.carried, *x.results))
                return self._block(x.body)
            case Switch():
                self.wide.update(x.results)
                return all(self._block(case.body) for case in x.cases)
            case Check():
                self.checks = True
            case While() | Allocate() | Call():
                return False
        return True

    def _store(self, x: Store) -> bool:
        buffer = self.buffers[x.buffer]
        self.stored.add(x.buffer)
        self.types.add(buffer.type)
        if x.combine:
            self.loaded.add(x.buffer)
        moves, _ = movement(x.access, buffer, self.wide, self.loop.variable)
        sum_of_ints = bool(x.combine) and buffer.type in INTS
        return not buffer.chunked and not sum_of_ints and (moves == "next" or (moves != "same" and not x.combine))


def expanded(body: Sequence[Statement]) -> int:
    """The number of statements with those of functions, which are written in place."""
    total = 0
    waiting = [*body]
    while waiting:
        s = waiting.pop()
        for block in blocks(s):
            waiting += block
        if isinstance(s, Apply) and s.primitive in FUNCTIONS:
            total += _length(s.primitive)
        elif not isinstance(s, Const):
            total += 1
    return total


@cache
def _length(name: str) -> int:
    return expanded(definition(name).body)
