"""The loop form: typed, structured, free of any target's notions. One loop nest is one function of arrays and sizes.

Values are single numbers in static single assignment. Control is structured (counted loops, `while`, `switch`), each
with carried values and results; there are no jumps. Arrays are read and written through index maps, one affine sum of
integer values an axis. A sum may hold a loaded integer, so a gather is an ordinary load.

The meaning of each statement is what `interpreter` does with it; `printed` writes a nest as text, which
`parsed` reads, and `validity` checks one. `docs/loop-form.md` describes all of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

ScalarType = Literal["f64", "f32", "i64", "i32", "bool"]
TYPES: tuple[ScalarType, ...] = ("f64", "f32", "i64", "i32", "bool")
DTYPES: dict[ScalarType, str] = {"f64": "float64", "f32": "float32", "i64": "int64", "i32": "int32", "bool": "bool"}
"""What arrays call the types of elements."""
FLOATS = ("f64", "f32")
INTS = ("i64", "i32")
PARTIALS = {"f64": 8, "f32": 16}
"""How many partial values a reduction over a `vector` loop has, on every target; of other types one."""

PRODUCTS = ("product", "product_add")
"""The routines of matrix products; the second one adds to what is there."""

OVERFLOW, ZERO_DIVISION, INDEX, ASSERTION, SIZE, STOPPED, MEMORY, ROUTINE = 1, 2, 3, 4, 5, 6, 7, 8
"""Why a nest stops: the codes of `Check`, and of what primitives on ints check. STOPPED: by the flag of its caller.
MEMORY: there is none for a local buffer. Both have node 0. ROUTINE: a called op has stopped."""


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A number that a statement computes. Two values are the same only if they are one object."""

    number: int
    type: ScalarType

    def __repr__(self) -> str:
        return f"%{self.number}"


Extent = int | Value
"""A number of elements or steps: fixed, or a value of type i64."""


class Index(NamedTuple):
    """The index of one axis: `const` and the sum of each value times its coefficient."""

    const: int
    terms: tuple[tuple[Value, Extent], ...] = ()

    def plus(self, other: Index) -> Index:
        """The sum of both; equal values are joined where their coefficients are numbers."""
        terms: dict[Value, Extent] = {}
        rest: list[tuple[Value, Extent]] = []
        for value, factor in (*self.terms, *other.terms):
            before = terms.get(value, 0)
            if isinstance(factor, int) and isinstance(before, int):
                terms[value] = before + factor
            else:
                rest.append((value, factor))
        joined = tuple((value, factor) for value, factor in terms.items() if factor != 0)
        return Index(self.const + other.const, (*joined, *rest))

    def times(self, factor: int) -> Index:
        """Each part times a number; ValueError where a coefficient is a value, which has no product with one."""
        if factor == 0:
            return Index(0)
        if factor != 1 and any(isinstance(c, Value) for _, c in self.terms):
            raise ValueError("a coefficient that is a value, times a number")
        return Index(self.const * factor, tuple((v, c if isinstance(c, Value) else c * factor) for v, c in self.terms))

    @property
    def values(self) -> Iterator[Value]:
        """The values that it reads."""
        for value, factor in self.terms:
            yield value
            if isinstance(factor, Value):
                yield factor


def index_of(x: Index | Extent) -> Index:
    if isinstance(x, Index):
        return x
    return Index(x) if isinstance(x, int) else Index(0, ((x, 1),))


Role = Literal["in", "out", "scratch", "local", "const"]
"""Whose memory a buffer is: the caller's input, its output, its memory without a result, what `Allocate` gives, or a
table of constants."""


class Buffer(NamedTuple):
    """A dense array, the last axis fastest.

    chunked: whether its first axis grows as it is written (`local` only). numbers: of a `const` one, its elements.
    """

    type: ScalarType
    shape: tuple[Extent, ...]
    role: Role
    chunked: bool = False
    numbers: tuple[float, ...] = ()


Access = tuple[Index, ...]
"""An index map: an index for each axis, or a single one into the elements as they lie in memory."""


class Region(NamedTuple):
    """A part of a buffer: the sub-array behind these leading indices."""

    buffer: str
    access: Access = ()


class Const(NamedTuple):
    """A number of the program; ints are ints, bools bools."""

    result: Value
    value: float


class Apply(NamedTuple):
    """A primitive on values. node: of a checked int primitive, the node of the graph that stops the run, else -1."""

    result: Value
    primitive: str
    operands: tuple[Value, ...]
    node: int = -1


class Load(NamedTuple):
    result: Value
    buffer: str
    access: Access


class Store(NamedTuple):
    """Writes an element; combine: a primitive by which the value is joined to the element, as an addition."""

    buffer: str
    access: Access
    value: Value
    combine: str = ""


Kind = Literal["serial", "vector", "chunk"]


class For(NamedTuple):
    """Steps `begin ≤ variable < end`.

    carried: what the body sees, at first `initial`, then what the step before yields; results: what the last one
    yields. combine: of each carried value the primitive of a reduction, or "" where the order of steps counts.
    kind: `serial`, one step after the other; `vector`, whose steps are independent but for reductions; `chunk`, a
    vector loop of which a call runs a part.

    The order of a reduction in a vector loop is part of its meaning. A float has `PARTIALS` partial values, each first
    the neutral element; step k is joined to number k mod so many. In the end the upper half is joined to the lower,
    again and again, and the last one to `initial`.
    """

    variable: Value
    begin: Extent
    end: Extent
    carried: tuple[Value, ...]
    initial: tuple[Value, ...]
    combine: tuple[str, ...]
    body: Sequence[Statement]
    yields: tuple[Value, ...]
    results: tuple[Value, ...]
    kind: Kind = "serial"


class While(NamedTuple):
    """Steps as long as `condition`, which `test` computes of the carried values, holds."""

    carried: tuple[Value, ...]
    initial: tuple[Value, ...]
    test: Sequence[Statement]
    condition: Value
    body: Sequence[Statement]
    yields: tuple[Value, ...]
    results: tuple[Value, ...]


class Case(NamedTuple):
    body: Sequence[Statement]
    yields: tuple[Value, ...]


class Switch(NamedTuple):
    """The case whose number is `selector`, the last one for any other number; a bool is 0 or 1."""

    selector: Value
    cases: tuple[Case, ...]
    results: tuple[Value, ...]


class Allocate(NamedTuple):
    """Memory of the shape of a `local` buffer, zeros; what it held before is gone. Of a chunked one the first size is
    how many items it expects."""

    buffer: str


class Call(NamedTuple):
    """A routine of a library by its meaning, or a graph's op as arrays compute it, `op:NAME`.

    operands and results are regions; numbers: integers that the routine takes, of an `op:` about how many operations it
    is; node: whose attributes and types an `op:` has, in the nest's graph.

    `product` is the matrix product of floats. Its operands and its result are matrices in regions of one type. Its
    numbers are the rows and columns of the result and the terms of each sum; then of each matrix the number of its
    first element in the region and the distances of elements that are neighbours in a column and in a row, one of which
    is 1. The order of a sum is the library's. `product_add` adds the product to what the result holds.
    """

    routine: str
    operands: tuple[Region, ...]
    results: tuple[Region, ...]
    numbers: tuple[Extent, ...] = ()
    node: int = -1

    @property
    def read(self) -> tuple[Region, ...]:
        """The regions that it reads."""
        return (*self.operands, *self.results) if self.routine == "product_add" else self.operands


class Check(NamedTuple):
    """Stops the run where `condition` does not hold, with the status `node · 16 + code`."""

    condition: Value
    code: int
    node: int


Statement = Const | Apply | Load | Store | For | While | Switch | Allocate | Call | Check


@dataclass(eq=False)
class LoopNest:
    """sizes: by name the values of type i64 that a call is handed; buffers: by name, in the order of the arguments."""

    name: str
    sizes: Mapping[str, Value] = field(default_factory=dict)
    buffers: Mapping[str, Buffer] = field(default_factory=dict)
    body: Sequence[Statement] = ()


class Unsupported(Exception):
    """What cannot be written as a loop nest, or as a target's code of one: its name."""


class Function(NamedTuple):
    """A primitive that is defined in the form: a body over its parameters."""

    parameters: tuple[Value, ...]
    body: Sequence[Statement]
    result: Value


def statements(body: Sequence[Statement]) -> Iterator[Statement]:
    """All statements of a block, those within others included, in no order."""
    waiting = list(body)
    while waiting:
        s = waiting.pop()
        for block in blocks(s):
            waiting += block
        yield s


def blocks(s: Statement) -> tuple[Sequence[Statement], ...]:
    """The blocks of statements within one."""
    if isinstance(s, For):
        return (s.body,)
    if isinstance(s, While):
        return s.test, s.body
    if isinstance(s, Switch):
        return tuple(case.body for case in s.cases)
    return ()


def results(s: Statement) -> tuple[Value, ...]:
    """The values that a statement defines for those behind it."""
    if isinstance(s, Const | Apply | Load):
        return (s.result,)
    if isinstance(s, For | While | Switch):
        return s.results
    return ()
