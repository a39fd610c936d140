"""Checks loop nests: what the types of the form's records do not say.

Passes and printers rely on it; tests run it on every nest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NoReturn

from cgcli.ops.numbers import float32

from .form import (
    FLOATS,
    INTS,
    PRODUCTS,
    Access,
    Allocate,
    Apply,
    Buffer,
    Call,
    Check,
    Const,
    Extent,
    For,
    Function,
    Load,
    LoopNest,
    Region,
    ScalarType,
    Statement,
    Store,
    Switch,
    Value,
    While,
)
from .independence import Split, independent, split
from .primitives import CHECKED, NEUTRAL, PRIMITIVES, RANGES, result_type
from .printed import NAME, heading, value_names


class InvalidNest(ValueError):
    """A nest breaks a rule of the form. The message says which and names the statement; values are numbered as in the
    nest's text."""


def check(nest: LoopNest) -> None:
    """Raises InvalidNest unless a nest keeps these rules:

    - A value is defined once, before it is used, and used only in the block that defines it and in blocks within.
    - Operands have types that their primitive takes; bounds, shapes and coefficients are of type i64, other values of
      an index of type i64 or i32. A node stands at a primitive only if that can fail.
    - An access has an index for each axis of its buffer, or a single one. Nothing is stored into an `in` or `const`
      buffer. A `local` one is used only where a statement before, in the same block or one around it, allocates it; one
      that is `chunked` is local and is stored by an index for each axis. A `const` one has a number for each element.
    - Initial and carried values, yields and results agree in number and types; so do the cases of a `switch`.
    - A value that a loop carries by a reduction is an operand of it once, as the last thing that a step does with it;
      neither that value nor the result is used for anything else. (A step may also yield the carried value itself.)
    - A `vector` or `chunk` loop carries nothing but by reductions, and its steps are `independent`: none touches an
      element that another one stores, if only by adding to it. What a step allocates is its own.
    - `chunk` loops stand at the top level, have the same bounds and carry nothing. A call runs a part of each, so they
      are independent taken together, nothing else reads or writes what they store, and what is stored outside them
      into the caller's memory is stored once for all: not combined and not read.
    """
    _Checker(nest).run(nest.body)


def check_function(function: Function) -> None:
    """Raises InvalidNest unless the body of a function is valid, uses no memory, and gives its result."""
    nest = LoopNest("function", {}, {}, function.body)
    checker = _Checker(nest, function.parameters)
    checker.run(function.body, (function.result,))


@dataclass
class _Frame:
    """A block that is being checked: leave: what is to be done at its end, while its values are visible; behind: what
    follows it in the block around."""

    statements: Iterator[Statement]
    leave: Callable[[], None]
    behind: Callable[[], None]
    values: list[Value] = field(default_factory=list)
    buffers: list[str] = field(default_factory=list)


@dataclass
class _Steps:
    """A vector loop that is being checked: inside: the values defined in it; accesses: by buffer, and those that it
    stores; own: the buffers that its steps allocate."""

    loop: For
    inside: dict[Value, For | None] = field(default_factory=dict)
    accesses: dict[str, list[tuple[Split, ...]]] = field(default_factory=dict)
    stored: dict[str, Statement] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)


class _Checker:
    def __init__(self, nest: LoopNest, parameters: Sequence[Value] = ()) -> None:
        self.nest = nest
        self.parameters = parameters
        self.statement: Statement | None = None
        self.defined: set[Value] = set()
        self.visible: set[Value] = set()
        self.allocated: set[str] = set()
        self.uses: dict[Value, int] = {}
        self.definitions: dict[Value, Apply | Const] = {}
        self.frames: list[_Frame] = []
        self.loops: list[_Steps] = []
        self.chunks: list[_Steps] = []
        self.outside: dict[str, tuple[Statement, set[str]]] = {}

    def reject(self, problem: str) -> NoReturn:
        at = f": {heading(self.nest, self.statement)}" if self.statement is not None else ""
        raise InvalidNest(f"{self.nest.name}: {problem}{at}")

    def name(self, x: Extent) -> str:
        return str(x) if isinstance(x, int) else value_names(self.nest).get(x, f"%?{x.number}")

    # ---- the walk

    def run(self, body: Sequence[Statement], yields: Sequence[Value] = ()) -> None:
        self.push(body, lambda: self.use_all(yields), lambda: None)
        for parameter in self.parameters:
            self.define(parameter)
        self.header()
        while self.frames:
            frame = self.frames[-1]
            self.statement = next(frame.statements, None)
            if self.statement is not None:
                self.check_statement(self.statement)
                continue
            frame.leave()
            self.visible.difference_update(frame.values)
            self.allocated.difference_update(frame.buffers)
            self.frames.pop()
            frame.behind()
        self.statement = None
        for buffer in self.nest.buffers.values():
            for x in buffer.shape:
                if isinstance(x, Value) and x not in self.defined:
                    self.reject(f"{self.name(x)}, a size of a buffer, is not defined")
        if self.chunks:
            self.check_chunks()

    def push(self, body: Sequence[Statement], leave: Callable[[], None], behind: Callable[[], None]) -> None:
        self.frames.append(_Frame(iter(body), leave, behind))

    def header(self) -> None:
        for name, value in self.nest.sizes.items():
            if not NAME.fullmatch(name) or value.type != "i64":
                self.reject(f"size {name!r} of type {value.type}")
            self.define(value)
        for name, buffer in self.nest.buffers.items():
            if not NAME.fullmatch(name):
                self.reject(f"buffer {name!r} is no name")
            if any(x.type != "i64" if isinstance(x, Value) else x < 0 for x in buffer.shape):
                self.reject(f"buffer {name} has a size that is negative or not of type i64")
            self.table(name, buffer)
            if buffer.chunked and (buffer.role != "local" or not buffer.shape):
                self.reject(f"buffer {name} is chunked, but not local with an axis")

    def define(self, value: Value, loop: For | None = None) -> None:
        if value in self.defined:
            self.reject(f"{self.name(value)} is defined twice")
        self.defined.add(value)
        self.visible.add(value)
        self.frames[-1].values.append(value)
        for steps in self.loops:
            steps.inside[value] = loop

    def use(self, x: Extent, *types: str) -> None:
        """A value is visible here, and of one of these types if any are given; numbers always are."""
        if isinstance(x, bool):
            self.reject(f"{x} is no number")
        if isinstance(x, int):
            return
        if x not in self.visible:
            where = "outside the block that defines it" if x in self.defined else "before it is defined"
            self.reject(f"{self.name(x)} is used {where}")
        if types and x.type not in types:
            self.reject(f"{self.name(x)} is of type {x.type}, not {' or '.join(types)}")
        self.uses[x] = self.uses.get(x, 0) + 1

    def use_all(self, values: Iterable[Value]) -> None:
        for value in values:
            self.use(value)

    # ---- statements

    def check_statement(self, s: Statement) -> None:
        match s:
            case Const():
                self.const(s)
            case Apply():
                self.apply(s)
            case Load():
                self.access(s.buffer, s.access, stores=False)
                if s.result.type != self.nest.buffers[s.buffer].type:
                    self.reject("the result has another type than the buffer")
                self.define(s.result)
            case Store():
                self.store(s)
            case Check():
                self.use(s.condition, "bool")
                if not 0 < s.code < 16 or s.node < 0:
                    self.reject("a check has a code from 1 to 15 and a node")
            case Allocate():
                self.allocate(s)
            case Call():
                self.call(s)
            case For():
                self.for_(s)
            case While():
                self.while_(s)
            case Switch():
                self.switch(s)

    def table(self, name: str, buffer: Buffer) -> None:
        """The numbers of a `const` buffer, which has as many as elements; of another one none."""
        if buffer.role == "const":
            shape = [x for x in buffer.shape if isinstance(x, int)]
            if len(shape) != len(buffer.shape) or math.prod(shape) != len(buffer.numbers):
                self.reject(f"buffer {name} has {len(buffer.numbers)} numbers for its elements")
        elif buffer.numbers:
            self.reject(f"buffer {name} has numbers and is not const")
        for x in buffer.numbers:
            self.number(x, buffer.type)

    def number(self, x: float, type_: ScalarType) -> None:
        if type_ in FLOATS:
            fits = isinstance(x, float) and (type_ == "f64" or x != x or float32(x) == x)
        elif type_ in INTS:
            fits = isinstance(x, int) and not isinstance(x, bool) and x in RANGES[type_]
        else:
            fits = isinstance(x, bool)
        if not fits:
            self.reject(f"{x!r} is not of type {type_}")

    def const(self, s: Const) -> None:
        self.number(s.value, s.result.type)
        self.define(s.result)
        self.definitions[s.result] = s

    def apply(self, s: Apply) -> None:
        self.use_all(s.operands)
        if s.primitive not in PRIMITIVES:
            self.reject(f"no primitive is called {s.primitive}")
        type_ = self.result_type(s.primitive, s.operands)
        if type_ != s.result.type:
            self.reject(f"the result is of type {type_}")
        if s.node < -1 or (s.node >= 0 and not (type_ in INTS and s.primitive in CHECKED)):
            self.reject("a node stands at a primitive that cannot fail")
        self.define(s.result)
        self.definitions[s.result] = s

    def result_type(self, primitive: str, operands: Sequence[Value]) -> str:
        try:
            return result_type(primitive, [x.type for x in operands])
        except TypeError as problem:
            self.reject(str(problem))

    def store(self, s: Store) -> None:
        self.use(s.value)
        buffer = self.access(s.buffer, s.access, stores=True, combines=s.combine != "")
        if s.value.type != buffer.type:
            self.reject(f"a value of type {s.value.type} is stored into a buffer of {buffer.type}")
        if buffer.chunked and len(s.access) != len(buffer.shape):
            self.reject("a chunked buffer is stored by an index for each axis")
        if s.combine:
            self.reduction(s.combine, s.value)

    def reduction(self, name: str, value: Value) -> None:
        if name not in NEUTRAL:
            self.reject(f"{name!r} is no reduction")
        self.result_type(name, (value, value))

    def call(self, s: Call) -> None:
        for stores, regions in ((False, s.read), (True, s.results)):
            for region in regions:
                self.region(region, stores)
        for x in s.numbers:
            self.use(x, "i64")
        if not s.routine:
            self.reject("a call without a routine")
        if s.routine in PRODUCTS:
            self.product(s)
        if s.routine.startswith("op:") and s.node < 0:
            self.reject("the call of an op has its node")

    def product(self, s: Call) -> None:
        regions = [*s.operands, *s.results]
        types = {self.nest.buffers[region.buffer].type for region in regions}
        if [len(s.operands), len(s.results), len(s.numbers)] != [2, 1, 12]:
            self.reject("a product has two operands and a result, and twelve numbers")
        if len(types) != 1 or not types <= {*FLOATS}:
            self.reject("the buffers of a product are of one type of floats")
        if any(1 not in s.numbers[n : n + 2] for n in (4, 7, 10)):
            self.reject("of the distances of a matrix one is 1")

    def region(self, region: Region, stores: bool) -> None:
        buffer = self.buffer(region.buffer)
        if len(region.access) > len(buffer.shape):
            self.reject(f"{len(region.access)} leading indices of a buffer with {len(buffer.shape)} axes")
        self.touch(region.buffer, region.access, stores)

    def buffer(self, name: str) -> Buffer:
        """A buffer that may be used here."""
        buffer = self.nest.buffers.get(name)
        if buffer is None:
            self.reject(f"no buffer is called {name}")
        if buffer.role == "local" and name not in self.allocated:
            self.reject(f"{name} is not allocated here")
        for x in buffer.shape if buffer.role != "local" else ():
            if isinstance(x, Value) and x not in self.visible:
                self.reject(f"{self.name(x)}, a size of {name}, is not visible here")
        return buffer

    def access(self, name: str, access: Access, stores: bool, combines: bool = False) -> Buffer:
        buffer = self.buffer(name)
        if len(access) not in (len(buffer.shape), 1):
            self.reject(f"{len(access)} indices for a buffer with {len(buffer.shape)} axes")
        self.touch(name, access, stores, combines)
        return buffer

    def touch(self, name: str, access: Access, stores: bool, combines: bool = False) -> None:
        """Checks the values of an index map, and notes the access for the loops around."""
        for index in access:
            for value, factor in index.terms:
                self.use(value, *INTS)
                self.use(factor, "i64")
        if stores and self.nest.buffers[name].role in ("in", "const"):
            self.reject(f"{name} is read only")
        for steps in self.loops:
            self.note(steps, name, tuple(split(index, steps.loop, steps.inside) for index in access), stores)
        if not any(steps.loop.kind == "chunk" for steps in self.loops) and self.statement is not None:
            uses = self.outside.setdefault(name, (self.statement, set()))[1]
            uses.add("combine" if combines else "store" if stores else "load")

    def note(self, steps: _Steps, name: str, access: tuple[Split, ...], stores: bool) -> None:
        if name in steps.own or self.statement is None:
            return
        steps.accesses.setdefault(name, []).append(access)
        if stores:
            steps.stored.setdefault(name, self.statement)

    def allocate(self, s: Allocate) -> None:
        buffer = self.nest.buffers.get(s.buffer)
        if buffer is None or buffer.role != "local":
            self.reject(f"no local buffer is called {s.buffer}")
        for x in buffer.shape:
            self.use(x, "i64")
        if s.buffer not in self.allocated:
            self.allocated.add(s.buffer)
            self.frames[-1].buffers.append(s.buffer)
            for steps in self.loops:
                steps.own.add(s.buffer)
        for steps in self.loops:
            self.note(steps, s.buffer, (), stores=True)

    # ---- statements with blocks

    def agree(self, what: str, first: Sequence[Value], *others: Sequence[Value]) -> None:
        types = [x.type for x in first]
        if any([x.type for x in values] != types for values in others):
            self.reject(f"{what} disagree in number or types")

    def for_(self, s: For) -> None:
        self.use(s.begin, "i64")
        self.use(s.end, "i64")
        self.use_all(s.initial)
        self.agree("initial and carried values, yields and results", s.carried, s.initial, s.yields, s.results)
        if s.variable.type != "i64" or len(s.combine) != len(s.carried):
            self.reject("the variable is of type i64, and each carried value has an entry of `combine`")
        for name, value in zip(s.combine, s.carried, strict=True):
            if name:
                self.reduction(name, value)
            elif s.kind != "serial":
                self.reject(f"{self.name(value)} is carried in the order of steps by a loop whose steps have none")
        steps = _Steps(s)
        if s.kind == "chunk":
            self.chunk(steps)
        self.push(s.body, partial(self.leave, s), partial(self.behind, s))
        if s.kind != "serial":
            self.loops.append(steps)
        self.define(s.variable, s)
        for value in s.carried:
            self.define(value)

    def leave(self, s: For) -> None:
        self.statement = s
        self.use_all(s.yields)
        for name, carried, result in zip(s.combine, s.carried, s.yields, strict=True):
            if name and not self.combines(name, carried, result):
                self.reject(
                    f"{self.name(result)} is not {self.name(carried)} combined by {name} once, and used only so"
                )
        if s.kind == "serial":
            return
        steps = self.loops.pop()
        for buffer, statement in steps.stored.items():
            if not independent(steps.accesses[buffer], self.definitions):
                self.statement = statement
                self.reject(f"steps of the loop over {self.name(s.variable)} may touch the same elements of {buffer}")

    def combines(self, name: str, carried: Value, result: Value) -> bool:
        if result is carried:
            return self.uses[carried] == 1
        definition = self.definitions.get(result)
        if not isinstance(definition, Apply) or definition.primitive != name or carried not in definition.operands:
            return False
        return self.uses.get(carried) == 1 and self.uses[result] == 1

    def behind(self, s: For | While | Switch) -> None:
        self.statement = s
        for value in s.results:
            self.define(value)

    def while_(self, s: While) -> None:
        self.use_all(s.initial)
        self.agree("initial and carried values, yields and results", s.carried, s.initial, s.yields, s.results)
        self.push(s.body, partial(self.end, s, s.yields), partial(self.behind, s))
        for value in s.carried:  # visible in the test, too, which ends before
            self.define(value)
        self.push(s.test, partial(self.test, s), lambda: None)

    def test(self, s: While) -> None:
        self.statement = s
        self.use(s.condition, "bool")

    def end(self, s: Statement, yields: Sequence[Value]) -> None:
        self.statement = s
        self.use_all(yields)

    def switch(self, s: Switch) -> None:
        self.use(s.selector, *INTS, "bool")
        if not s.cases:
            self.reject("a switch without cases")
        self.agree("yields and results", s.results, *(case.yields for case in s.cases))
        behind: Callable[[], None] = partial(self.behind, s)
        for case in reversed(s.cases):
            self.push(case.body, partial(self.end, s, case.yields), behind)
            behind = lambda: None  # noqa: E731

    # ---- chunks

    def chunk(self, steps: _Steps) -> None:
        if len(self.frames) != 1:
            self.reject("a chunk loop stands at the top level")
        if steps.loop.carried:
            self.reject("a chunk loop carries nothing: a call runs a part of it")
        for other in self.chunks[:1]:
            if (other.loop.begin, other.loop.end) != (steps.loop.begin, steps.loop.end):
                self.reject("chunk loops have the same bounds")
        self.chunks.append(steps)

    def check_chunks(self) -> None:
        """What chunk loops share, and what stands outside them."""
        stored = {name: statement for steps in self.chunks for name, statement in steps.stored.items()}
        for name, statement in stored.items():
            self.statement = statement
            if name in self.outside:
                self.reject(f"{name} is used outside the chunk loops, too")
            accesses = [access for steps in self.chunks for access in steps.accesses.get(name, [])]
            if not independent(accesses, self.definitions):
                self.reject(f"steps of the chunk loops may touch the same elements of {name}")
        for name, (statement, uses) in self.outside.items():
            self.statement = statement
            read = "load" in uses or any(name in steps.accesses for steps in self.chunks)
            shared = self.nest.buffers[name].role != "local"
            if shared and ("combine" in uses or ("store" in uses and read)):
                self.reject(f"{name} is stored by every call, and read or combined")
