"""Statements rewritten: values put in the place of others, and what statements read, write and define."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from .form import (
    Access,
    Allocate,
    Apply,
    Buffer,
    Call,
    Case,
    Check,
    Const,
    Extent,
    For,
    Index,
    Load,
    Region,
    Statement,
    Store,
    Switch,
    Value,
    While,
    results,
    statements,
)

Names = Mapping[Value, Value]


def extent(x: Extent, names: Names) -> Extent:
    return names.get(x, x) if isinstance(x, Value) else x


def access(indices: Access, names: Names) -> Access:
    if not any(value in names for index in indices for value in index.values):
        return indices
    return tuple(
        Index(index.const, tuple((names.get(v, v), extent(factor, names)) for v, factor in index.terms))
        for index in indices
    )


def _values(values: Sequence[Value], names: Names) -> tuple[Value, ...]:
    return tuple(names.get(x, x) for x in values)


def _regions(regions: Sequence[Region], names: Names) -> tuple[Region, ...]:
    return tuple(Region(region.buffer, access(region.access, names)) for region in regions)


def renamed(s: Statement, names: Names) -> Statement:
    """A statement on other values, those within it included; what it defines keeps its names."""
    match s:
        case Const() | Allocate():
            return s
        case Apply():
            return s._replace(operands=_values(s.operands, names))
        case Load():
            return s._replace(access=access(s.access, names))
        case Store():
            return s._replace(access=access(s.access, names), value=names.get(s.value, s.value))
        case Check():
            return s._replace(condition=names.get(s.condition, s.condition))
        case Call():
            return s._replace(
                operands=_regions(s.operands, names),
                results=_regions(s.results, names),
                numbers=tuple(extent(x, names) for x in s.numbers),
            )
        case For():
            return s._replace(
                begin=extent(s.begin, names),
                end=extent(s.end, names),
                initial=_values(s.initial, names),
                body=[renamed(x, names) for x in s.body],
                yields=_values(s.yields, names),
            )
        case While():
            return s._replace(
                initial=_values(s.initial, names),
                test=[renamed(x, names) for x in s.test],
                condition=names.get(s.condition, s.condition),
                body=[renamed(x, names) for x in s.body],
                yields=_values(s.yields, names),
            )
        case Switch():
            return s._replace(
                selector=names.get(s.selector, s.selector),
                cases=tuple(
                    Case([renamed(x, names) for x in case.body], _values(case.yields, names)) for case in s.cases
                ),
            )


def reads(body: Sequence[Statement]) -> Iterator[Value]:
    """The values that statements read, those within them included; a value as often as it is read."""
    for x in statements(body):
        match x:
            case Apply():
                yield from x.operands
            case Load():
                yield from (v for index in x.access for v in index.values)
            case Store():
                yield x.value
                yield from (v for index in x.access for v in index.values)
            case Check():
                yield x.condition
            case Call():
                yield from (v for region in (*x.operands, *x.results) for index in region.access for v in index.values)
                yield from (n for n in x.numbers if isinstance(n, Value))
            case For():
                yield from (n for n in (x.begin, x.end) if isinstance(n, Value))
                yield from (*x.initial, *x.yields)
            case While():
                yield from (*x.initial, x.condition, *x.yields)
            case Switch():
                yield x.selector
                yield from (y for case in x.cases for y in case.yields)


def defines(body: Sequence[Statement]) -> Iterator[Value]:
    """The values that statements define, those within them included."""
    for x in statements(body):
        yield from results(x)
        if isinstance(x, For):
            yield x.variable
        if isinstance(x, For | While):
            yield from x.carried


class Touches:
    """The accesses of a statement to buffers, those within it included, by an index an axis from the first one on; `()`
    of what is not told so.
    """

    def __init__(self, s: Statement, buffers: Mapping[str, Buffer]) -> None:
        self.loads: dict[str, list[Access]] = {}
        self.stores: dict[str, list[Access]] = {}

        def note(accesses: dict[str, list[Access]], name: str, indices: Access, is_region: bool = False) -> None:
            told = is_region or len(indices) == len(buffers[name].shape)
            accesses.setdefault(name, []).append(indices if told else ())

        for x in statements([s]):
            match x:
                case Load():
                    note(self.loads, x.buffer, x.access)
                case Store():
                    note(self.stores, x.buffer, x.access)
                    if x.combine:
                        note(self.loads, x.buffer, x.access)
                case Allocate():
                    note(self.stores, x.buffer, ())
                case Call():
                    for region in x.read:
                        note(self.loads, region.buffer, region.access, is_region=True)
                    for region in x.results:
                        note(self.stores, region.buffer, region.access, is_region=True)

    @property
    def names(self) -> set[str]:
        return {*self.loads, *self.stores}

    def of(self, buffer: str) -> list[Access]:
        return [*self.loads.get(buffer, ()), *self.stores.get(buffer, ())]
