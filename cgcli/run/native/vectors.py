"""Vector loops: a step a lane, the last ones under a mask, so that every step sees the same code.

Where a check fails in a lane, the lanes of that block run once more one by one, so that the step that stops the run is
the first one; a block writes nothing that it reads where that can happen. A `switch` by a vector runs a case as vector
code where all lanes take the same; else, as any other statement whose control differs from lane to lane, it runs lane
by lane.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cgcli.loop_nests.form import INTS, For, ScalarType, Statement, Switch, results
from cgcli.loop_nests.primitives import NEUTRAL
from cgcli.loop_nests.rewriting import defines, reads

from .fits import expanded
from .memory import combined
from .scope import Block, Scope
from .writer import LLVM, Phi, iota, literal, type_of

SHORT = 100
"""The largest number of statements of a body that is written twice."""
LADDER = 8
"""The largest number of statements of a body that is written once for each power of two below the number of lanes."""


def neutral(join: str, type_: ScalarType) -> str:
    """The neutral element of a reduction."""
    if type_ in INTS and join in ("max", "min"):
        bits = 63 if type_ == "i64" else 31
        return str(-(2**bits) if join == "max" else 2**bits - 1)
    return literal(NEUTRAL[join], type_)


class _Stage(NamedTuple):
    """The state with which a block of lanes began: where the slow way through it takes it from."""

    label: str
    base: str
    active: str
    carried: list[str]


def vector_loop(c: Scope, s: For, bounds: tuple[str, str], block: Block, lanes: int, polled: int) -> None:
    """A loop as vectors of so many lanes. polled: how many blocks of lanes run between two polls, 0 for no poll.

    A short body is written twice, without a mask for whole blocks and with one for the last; a long one once, under a
    mask, for a second copy takes as long to compile. A body of a few statements without a reduction has no mask at all:
    what whole blocks leave is cut into halves, for a masked store costs as much as twenty others on some processors.
    """
    w = c.w
    begin, end = bounds
    if not s.carried and isinstance(s.begin, int) and isinstance(s.end, int) and 0 < s.end - s.begin <= lanes:
        _one_block(c, s, block, s.end - s.begin, lanes)
        return
    initial = [c.get(x) for x in s.initial]
    types = [type_of(x.type, lanes) for x in s.carried]
    c.lanes, c.variable = lanes, s.variable
    first = [c.broadcast(neutral(join, x.type), x.type) for x, join in zip(s.carried, s.combine, strict=True)]
    twice = expanded(s.body) <= SHORT
    whole = w.define(f"sub i64 {end}, {lanes - 1}") if twice else end
    head, body, rest, tail, done = (w.name(x) for x in ("head", "body", "rest", "tail", "done"))
    entry = w.label
    w.jump(head)
    w.start(head)
    base = w.phi("i64", begin, entry)
    carried = [w.phi(t, x, entry) for t, x in zip(types, first, strict=True)]
    names = [x.name for x in carried]
    w.branch(w.define(f"icmp slt i64 {base.name}, {whole}"), body, rest)
    w.start(body)
    if polled:
        c.poll(w.define(f"sub i64 {base.name}, {begin}"), polled, lanes)
    stages: list[_Stage] = []

    def steps(masked: bool) -> list[str]:
        """A block of lanes; what is carried on."""
        mask, active = "", str(lanes)
        if masked:
            left = w.define(f"sub i64 {end}, {base.name}")
            mask = w.define(f"icmp slt <{lanes} x i64> {iota(lanes)}, {c.broadcast(left, 'i64')}")
            active = c.arithmetic(wide=False).integer("min", [left, active], "i64", -1)
        stages.append(_Stage(w.name("slow"), base.name, active, names))
        yields = _body(c, s, block, stages[-1], mask)
        if not masked:
            return yields
        triples = zip(types, yields, names, strict=True)
        return [w.define(f"select <{lanes} x i1> {mask}, {t} {y}, {t} {x}") for t, y, x in triples]

    yields = steps(masked=not twice)
    _next(c, [(base, w.define(f"add i64 {base.name}, {lanes}")), *zip(carried, yields, strict=True)], head)
    w.start(rest)
    origins = [[(x, rest)] for x in names]
    if twice:
        w.branch(w.define(f"icmp slt i64 {base.name}, {end}"), tail, done)
        w.start(tail)
        if not s.carried and expanded(s.body) <= LADDER:
            _halves(c, s, block, stages, base.name, end)
        else:
            for origin, y in zip(origins, steps(masked=True), strict=True):
                origin.append((y, w.label))
    w.jump(done)
    if c.slow_used:
        _slow(c, s, block, stages, types)
    w.start(done)
    partial = [w.join(t, origin) for t, origin in zip(types, origins, strict=True)]
    _join_partials(c, s, partial, initial)


def _halves(c: Scope, s: For, block: Block, stages: list[_Stage], base: str, end: str) -> None:
    """The last steps, fewer than there are lanes: as half as many lanes where so many are left, then a quarter, …"""
    w, lanes = c.w, c.lanes
    while c.lanes > 1:
        c.lanes //= 2
        part, rest, before = w.name("part"), w.name("rest"), w.label
        after = w.define(f"add i64 {base}, {c.lanes}")
        w.branch(w.define(f"icmp sle i64 {after}, {end}"), part, rest)
        w.start(part)
        stages.append(_Stage(w.name("slow"), base, str(c.lanes), []))
        _body(c, s, block, stages[-1], "")
        written = w.label
        w.jump(rest)
        w.start(rest)
        base = w.join("i64", [(base, before), (after, written)])
    c.lanes = lanes


def _one_block(c: Scope, s: For, block: Block, steps: int, lanes: int) -> None:
    """A loop of a fixed number of steps that are no more than there are lanes; of a power of two each has its lane."""
    w, whole = c.w, steps & (steps - 1) == 0
    c.lanes, c.variable = steps if whole else lanes, s.variable
    mask = "" if whole else f"<{', '.join(f'i1 {int(n < steps)}' for n in range(lanes))}>"
    stage, done = _Stage(w.name("slow"), str(s.begin), str(steps), []), w.name("done")
    _body(c, s, block, stage, mask)
    w.jump(done)
    if c.slow_used:
        _slow(c, s, block, [stage], [])
    w.start(done)
    _leave(c)


def _leave(c: Scope) -> None:
    """Back to numbers."""
    c.lanes, c.slow, c.mask, c.variable, c.slow_used = 0, "", "", None, False


def _body(c: Scope, s: For, block: Block, stage: _Stage, mask: str) -> list[str]:
    """The body for a block of lanes; what they yield."""
    c.base, c.active, c.mask, c.slow = stage.base, stage.active, mask, stage.label
    c.put(s.variable, stage.base, wide=True)
    for x, text in zip(s.carried, stage.carried, strict=True):
        c.put(x, text, wide=True)
    block(s.body)
    return [c.get(y, wide=True) for y in s.yields]


def _next(c: Scope, pairs: list[tuple[Phi, str]], head: str) -> None:
    for phi, value in pairs:
        c.w.close(phi, value, c.w.label)
    c.w.jump(head)


def _slow(c: Scope, s: For, block: Block, stages: Sequence[_Stage], types: Sequence[str]) -> None:
    """The body of a block of lanes, one lane after the other: one of them stops the run."""
    w, lanes = c.w, c.lanes
    shared, step = w.name("lanes"), w.name("lane")
    for stage in stages:
        w.start(stage.label)
        w.jump(shared)
    w.start(shared)
    base = w.join("i64", [(x.base, x.label) for x in stages])
    active = w.join("i64", [(x.active, x.label) for x in stages])
    carried = [w.join(t, [(stage.carried[n], stage.label) for stage in stages]) for n, t in enumerate(types)]
    w.jump(step)
    w.start(step)
    lane = w.phi("i64", "0", shared)
    c.lanes, c.slow, c.mask, c.variable = 0, "", "", None
    c.put(s.variable, w.define(f"add i64 {base}, {lane.name}"))
    for x, t, vector in zip(s.carried, types, carried, strict=True):
        c.put(x, w.define(f"extractelement {t} {vector}, i64 {lane.name}"))
    block(s.body)
    after = w.define(f"add i64 {lane.name}, 1")
    w.close(lane, after, w.label)
    w.branch(w.define(f"icmp slt i64 {after}, {active}"), step, w.exit(-1))
    c.lanes = lanes


def _join_partials(c: Scope, s: For, partial: Sequence[str], initial: Sequence[str]) -> None:
    """Halves upon halves, the stated order of a reduction; then the first value."""
    lanes = c.lanes
    _leave(c)
    for result, x, join, vector, first in zip(s.results, s.carried, s.combine, partial, initial, strict=True):
        width, text = lanes, vector
        while width > 1:
            half, type_ = width // 2, type_of(x.type, width)
            low, high = (
                c.w.define(f"shufflevector {type_} {text}, {type_} poison, <{half} x i32> <{_numbers(n, half)}>")
                for n in (0, half)
            )
            c.lanes = width = half
            text = c.arithmetic(wide=True).apply(join, [low, high], [x.type, x.type], x.type)
        c.lanes = 0
        one = c.w.define(f"extractelement <1 x {LLVM[x.type]}> {text}, i64 0")
        c.put(result, combined(c, join, first, one, x.type, wide=False))


def _numbers(first: int, count: int) -> str:
    return ", ".join(f"i32 {n}" for n in range(first, first + count))


# ---- control that differs from lane to lane


def switch(c: Scope, s: Switch, block: Block) -> None:
    """A `switch` whose selector is a vector."""
    w, done = c.w, c.w.name("done")
    takes = _choices(c, s)
    origins: list[tuple[list[str], str]] = []
    for case, lanes in zip(s.cases, takes, strict=True):
        then, otherwise = w.name("all"), w.name("some")
        idle = lanes
        if c.mask:
            idle = w.define(
                f"select <{c.lanes} x i1> {c.mask}, <{c.lanes} x i1> {lanes}, <{c.lanes} x i1> splat (i1 true)"
            )
        w.branch(c.all_lanes(idle), then, otherwise)
        w.start(then)
        block(case.body)
        origins.append(([c.get(y, wide=True) for y in case.yields], w.label))
        w.jump(done)
        w.start(otherwise)
    lane_by_lane(c, s, block)
    origins.append(([c.get(x) for x in s.results], w.label))
    w.jump(done)
    w.start(done)
    for n, x in enumerate(s.results):
        c.put(x, w.join(type_of(x.type, c.lanes), [(texts[n], label) for texts, label in origins]), wide=True)


def _choices(c: Scope, s: Switch) -> list[str]:
    """Of each case the lanes that take it."""
    numbers, type_ = c.arithmetic(wide=True), s.selector.type
    selector = c.get(s.selector, wide=True)
    if type_ == "bool":
        others = numbers.apply("not", [selector], ["bool"], "bool")
        return [others, selector][: len(s.cases)] if len(s.cases) > 1 else ["splat (i1 true)"]
    takes = [numbers.compare("eq", selector, numbers.const(n, type_), type_) for n in range(len(s.cases) - 1)]
    last = "splat (i1 true)"
    for lanes in takes:
        others = numbers.apply("not", [lanes], ["bool"], "bool")
        last = numbers.apply("and", [last, others], ["bool", "bool"], "bool")
    return [*takes, last]


def lane_by_lane(c: Scope, s: Statement, block: Block) -> None:
    """A statement for one lane after the other; its results are vectors of what each computes."""
    w, lanes, mask, variable = c.w, c.lanes, c.mask, c.variable
    own = set(defines([s]))
    captured = sorted({v for v in reads([s]) if v in c.wide and v not in own}, key=lambda v: v.number)
    vectors = {v: c.get(v, wide=True) for v in captured if v is not variable}
    before = {v: c.values[v] for v in captured}
    head, body, done = (w.name(x) for x in ("head", "lane", "done"))
    entry = w.label
    w.jump(head)
    w.start(head)
    lane = w.phi("i64", "0", entry)
    types = [type_of(x.type, lanes) for x in results(s)]
    sums = [w.phi(t, "zeroinitializer", entry) for t in types]
    w.branch(w.define(f"icmp slt i64 {lane.name}, {c.active}"), body, done)
    w.start(body)
    c.lanes, c.mask, c.variable = 0, "", None
    for v in captured:
        if v is variable:
            text = w.define(f"add i64 {c.base}, {lane.name}")
        else:
            text = w.define(f"extractelement {type_of(v.type, lanes)} {vectors[v]}, i64 {lane.name}")
        c.put(v, text)
    block([s])
    pairs = [(lane, w.define(f"add i64 {lane.name}, 1"))]
    for x, t, phi in zip(results(s), types, sums, strict=True):
        one = f"{LLVM[x.type]} {c.get(x)}"
        pairs.append((phi, w.define(f"insertelement {t} {phi.name}, {one}, i64 {lane.name}")))
    _next(c, pairs, head)
    w.start(done)
    c.lanes, c.mask, c.variable = lanes, mask, variable
    for v, text in before.items():
        c.put(v, text, wide=True)
    for x, phi in zip(results(s), sums, strict=True):
        c.put(x, phi.name, wide=True)


def differs(c: Scope, s: Statement) -> bool:
    """Whether a statement within a vector loop reads a value that differs from lane to lane."""
    own = set(defines([s]))
    return any(v in c.wide and v not in own for v in reads([s]))
