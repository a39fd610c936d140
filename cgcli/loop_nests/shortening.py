"""What a nest computes twice, stores for nobody, or keeps longer than a step, left out. No bit of a result changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from .form import (
    Access,
    Allocate,
    Apply,
    Buffer,
    Call,
    Case,
    Check,
    Const,
    For,
    Load,
    LoopNest,
    Region,
    Statement,
    Store,
    Switch,
    Value,
    While,
    index_of,
    results,
    statements,
)
from .rewriting import Touches, extent, reads, renamed


def shortened(nest: LoopNest) -> LoopNest:
    """The nest without loads of what was just stored or loaded, repeated numbers, and stores that nothing reads."""
    forwarding = _Forwarding(nest.buffers)
    body = forwarding.block(nest.body, {}, {})
    buffers = {
        name: x._replace(shape=tuple(extent(n, forwarding.names) for n in x.shape)) for name, x in nest.buffers.items()
    }
    read = {name for s in body for name in Touches(s, buffers).loads}
    unread = {name for name, x in buffers.items() if x.role == "scratch" and name not in read}
    sizes = {n for x in buffers.values() for n in x.shape if isinstance(n, Value)}
    return replace(nest, buffers=buffers, body=_needed(body, unread, sizes))


# ---- loads of what is at hand, repeated numbers


Elements = dict[str, dict[Access, Value]]
Numbers = dict[object, Value]


class _Forwarding:
    """names: of values that others stand for, those."""

    def __init__(self, buffers: Mapping[str, Buffer]) -> None:
        self.buffers = buffers
        self.names: dict[Value, Value] = {}

    def block(self, body: Sequence[Statement], elements: Elements, numbers: Numbers) -> list[Statement]:
        """elements: of buffers, those whose values are at hand; numbers: what is computed, by what makes it."""
        left: list[Statement] = []
        for s in body:
            x = self.statement(s, elements, numbers)
            if x is not None:
                left.append(x)
        return left

    def statement(self, s: Statement, elements: Elements, numbers: Numbers) -> Statement | None:
        """A statement on the values that stand for others, None of one that is at hand."""
        match s:
            case For() | While() | Switch():
                for name in Touches(s, self.buffers).stores:
                    elements.pop(name, None)
                return self.nested(s, elements, numbers)
        x = renamed(s, self.names)
        match x:
            case Const():
                return self.once(x, x.result, ("const", x.result.type, repr(x.value)), numbers)
            case Apply():
                return self.once(x, x.result, (x.primitive, x.result.type, x.operands, x.node), numbers)
            case Load():
                of = elements.setdefault(x.buffer, {})
                if x.access in of:
                    self.names[x.result] = of[x.access]
                    return None
                if not self.buffers[x.buffer].chunked:
                    of[x.access] = x.result
            case Store():
                of = elements.get(x.buffer, {})
                elements[x.buffer] = {access: v for access, v in of.items() if _apart(access, x.access)}
                if not x.combine:
                    elements[x.buffer][x.access] = x.value
            case Call() | Allocate():
                for name in Touches(x, self.buffers).stores:
                    elements.pop(name, None)
        return x

    def once(self, s: Statement, result: Value, key: object, numbers: Numbers) -> Statement | None:
        if key in numbers:
            self.names[result] = numbers[key]
            return None
        numbers[key] = result
        return s

    def nested(self, s: For | While | Switch, elements: Elements, numbers: Numbers) -> Statement:
        def block(body: Sequence[Statement]) -> list[Statement]:
            return self.block(body, {name: {**of} for name, of in elements.items()}, {**numbers})

        match s:
            case For():
                s = s._replace(body=block(s.body))
            case While():
                s = s._replace(test=block(s.test), body=block(s.body))
            case Switch():
                s = s._replace(cases=tuple(Case(block(case.body), case.yields) for case in s.cases))
        return self.head(s)

    def head(self, s: For | While | Switch) -> Statement:
        """The statement on the values that stand for others, without another walk through its blocks."""
        names = self.names
        match s:
            case For():
                hollow = renamed(s._replace(body=[]), names)
                assert isinstance(hollow, For)
                return hollow._replace(body=s.body)
            case While():
                shell = renamed(s._replace(test=[], body=[]), names)
                assert isinstance(shell, While)
                return shell._replace(test=s.test, body=s.body)
            case Switch():
                cases = tuple(Case(case.body, tuple(names.get(y, y) for y in case.yields)) for case in s.cases)
                return s._replace(selector=names.get(s.selector, s.selector), cases=cases)


def _apart(a: Access, b: Access) -> bool:
    """Whether two accesses surely touch different elements: along one axis they are a number apart."""
    return len(a) == len(b) and any(i.terms == j.terms and i.const != j.const for i, j in zip(a, b, strict=True))


# ---- what nothing reads


def _needed(body: Sequence[Statement], unread: set[str], used: set[Value]) -> list[Statement]:
    """A block without what computes nothing that is read. used: the values read behind it; those of it are added."""
    left: list[Statement] = []
    for s in reversed(body):
        if isinstance(s, Store) and s.buffer in unread:
            continue
        if not _acts(s, unread) and used.isdisjoint(results(s)):
            continue
        kept: Statement = s
        if isinstance(s, For):
            used.update(s.yields)
            kept = s._replace(body=_needed(s.body, unread, used))
        used.update(reads([kept]))
        left.append(kept)
    return left[::-1]


def _acts(s: Statement, unread: set[str]) -> bool:
    """Whether a statement does more than to compute its results."""
    return any(
        isinstance(x, Check | Call | Allocate | While)
        or (isinstance(x, Apply) and x.node >= 0)
        or (isinstance(x, Store) and x.buffer not in unread)
        for x in statements([s])
    )


# ---- axes of steps


def without_axes(nest: LoopNest) -> LoopNest:
    """The nest with scratch buffers that hold the elements of one step where each step of a loop uses its own, and
    nothing else uses any. The steps are the first axis, and run one after the other.
    """
    buffers, body = dict(nest.buffers), nest.body
    while True:
        dropped = _droppable(body, buffers)
        if not dropped:
            return replace(nest, buffers=buffers, body=body)
        for name in dropped:
            buffers[name] = buffers[name]._replace(shape=buffers[name].shape[1:])
        body = [_dropping(s, dropped) for s in body]


def _droppable(body: Sequence[Statement], buffers: Mapping[str, Buffer]) -> set[str]:
    """The buffers whose first axis is the step of a loop, the outermost one that is."""
    dropped: set[str] = set()
    waiting: list[tuple[Sequence[Statement], set[str]]] = [
        (body, {n for n, x in buffers.items() if x.role == "scratch"})
    ]
    while waiting:
        block, names = waiting.pop()
        touches = [Touches(s, buffers) for s in block]
        users: dict[str, list[int]] = {}
        for k, touched in enumerate(touches):
            for name in touched.names & names:
                users.setdefault(name, []).append(k)
        for k, s in enumerate(block):
            alone = {name for name in touches[k].names & names if users[name] == [k]}
            if not isinstance(s, For) or not alone:
                continue
            if s.kind == "serial":
                step = index_of(s.variable)
                own = {name for name in alone if all(x[:1] == (step,) for x in touches[k].of(name))}
                dropped |= own
                alone -= own
            if alone:
                waiting.append((s.body, alone))
    return dropped


def _dropping(s: Statement, dropped: set[str]) -> Statement:
    """A statement with accesses to these buffers without their first index."""

    def block(body: Sequence[Statement]) -> list[Statement]:
        return [_dropping(x, dropped) for x in body]

    match s:
        case Load() | Store() if s.buffer in dropped:
            return s._replace(access=s.access[1:])
        case Call():
            return s._replace(operands=_regions(s.operands, dropped), results=_regions(s.results, dropped))
        case For():
            return s._replace(body=block(s.body))
        case While():
            return s._replace(
                test=[_dropping(x, dropped) for x in s.test], body=[_dropping(x, dropped) for x in s.body]
            )
        case Switch():
            return s._replace(cases=tuple(Case(block(c.body), c.yields) for c in s.cases))
    return s


def _regions(regions: Sequence[Region], dropped: set[str]) -> tuple[Region, ...]:
    return tuple(Region(r.buffer, r.access[1:]) if r.buffer in dropped else r for r in regions)
