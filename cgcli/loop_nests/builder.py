"""Builds loop nests: a method for each primitive, blocks as callbacks.

Three rules do most of an optimiser's work. A value is made once: the same primitive on the same operands is the same
value wherever the first one can be seen. It is made in the outermost open block that has its operands, which hoists
what does not change out of loops; but not out of a case or a `while`, which may not run, and checked primitives stay
where they are. Constants are folded where that is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cgcli.ops.numbers import float32

from .form import (
    FLOATS,
    INTS,
    TYPES,
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
    Kind,
    Load,
    LoopNest,
    Region,
    Role,
    ScalarType,
    Statement,
    Store,
    Switch,
    Value,
    While,
    index_of,
)
from .primitives import CHECKED, PRIMITIVES, RANGES, result_type

if TYPE_CHECKING:
    from collections.abc import Iterator

Key = tuple[object, ...]


def is_outside(index: Index, size: Extent) -> bool:
    """Whether an index of numbers is outside an axis of a fixed size."""
    return not index.terms and isinstance(size, int) and not 0 <= index.const < size


class OpenLoop:
    """A `for` whose body is being built: set `yields`, then read `results` behind it."""

    def __init__(self, variable: Value, carried: tuple[Value, ...]) -> None:
        self.variable, self.carried = variable, carried
        self.yields: Sequence[Value] = ()
        self.results: tuple[Value, ...] = ()


class LoopBuilder:
    """A nest under construction.

    constants: the numbers of values that are constants. definitions: of values that primitives make, the statement.
    depth: of each value the number of open blocks around the one that it was made in. parallel: whether calls for
    other rows may run at the same time, so that each needs memory of its own for what it computes.
    """

    def __init__(self, name: str, parallel: bool = False) -> None:
        self.name, self.parallel = name, parallel
        self.sizes: dict[str, Value] = {}
        self.buffers: dict[str, Buffer] = {}
        self.constants: dict[Value, float] = {}
        self.definitions: dict[Value, Apply] = {}
        self.depth: dict[Value, int] = {}
        self.blocks: list[list[Statement]] = [[]]
        self._memos: list[dict[Key, Value]] = [{}]
        self._kinds: list[str] = [""]  # of the open blocks, "" of those that are no loop's
        self._innermost = 0  # the block that values may not leave: the innermost one that may not run
        self._count = 0
        self.checks = 0  # how many statements may stop the run

    def nest(self) -> LoopNest:
        assert len(self.blocks) == 1
        return LoopNest(self.name, self.sizes, self.buffers, self.blocks[0])

    # ---- values

    def value(self, type_: ScalarType, depth: int | None = None) -> Value:
        """A new value, defined in the block of this depth (by default the innermost)."""
        result = Value(self._count, type_)
        self._count += 1
        self.depth[result] = len(self.blocks) - 1 if depth is None else depth
        return result

    def size(self, name: str) -> Value:
        if name not in self.sizes:
            self.sizes[name] = self.value("i64", 0)
        return self.sizes[name]

    def const(self, value: float, type_: ScalarType = "f64") -> Value:
        number = bool(value) if type_ == "bool" else int(value) if type_ in INTS else float(value)
        if type_ == "f32":
            number = float32(number)
        key = "const", repr(number), type_

        def make() -> Statement:
            result = self.value(type_, 0)
            self.constants[result] = number
            return Const(result, number)

        return self._once(key, 0, make)

    def __getattr__(self, name: str) -> Callable[..., Value]:
        """The primitive of this name; `and_`, `or_` and `not_` with a line behind it."""
        primitive = name.rstrip("_")
        if primitive not in PRIMITIVES:
            raise AttributeError(name)
        return lambda *operands, node=-1: self.apply(primitive, *operands, node=node)

    def apply(self, primitive: str, *operands: Value, node: int = -1, here: bool = False) -> Value:
        """A primitive on values. node: of ints, the node that a failing check names; -1 where none can fail.

        here: whether it stays in the innermost block, behind a check of what it is made of.
        """
        type_ = result_type(primitive, [x.type for x in operands])
        checked = node >= 0 and type_ in INTS and primitive in CHECKED
        if primitive == type_ == operands[0].type:
            return operands[0]  # a conversion of nothing
        source = self.definitions.get(operands[0])
        if primitive == "bool" and source and source.primitive in TYPES and source.operands[0].type == "bool":
            return source.operands[0]  # a bool that was made a number
        folded = self._folded(primitive, operands, type_)
        if folded is not None:
            return folded
        depth = self.here if checked or here else max(self._innermost, *(self.depth[x] for x in operands))
        order = operands
        if PRIMITIVES[primitive].commutes and operands[0].number > operands[1].number:
            order = operands[::-1]

        def make() -> Statement:
            result = self.value(type_, depth)
            statement = Apply(result, primitive, operands, node if checked else -1)
            self.checks += checked
            self.definitions[result] = statement
            return statement

        return self._once((primitive, order, checked or here), depth, make)

    def _folded(self, primitive: str, operands: Sequence[Value], type_: ScalarType) -> Value | None:
        """The result where it is a constant or an operand whatever the others are, bit for bit."""
        if primitive == "select":
            condition = self.constants.get(operands[0])
            if condition is not None:
                return operands[1] if condition else operands[2]
            return operands[1] if operands[1] is operands[2] else None
        numbers = [self.constants.get(x) for x in operands]
        if primitive in ("and", "or"):
            neutral = primitive == "and"
            for x, other in ((0, 1), (1, 0)):
                if numbers[x] is not None:
                    return operands[other] if bool(numbers[x]) == neutral else operands[x]
        if type_ in INTS and len(operands) == 2 and primitive in ("add", "mul", "sub"):
            neutral_int = 1 if primitive == "mul" else 0
            if numbers[1] == neutral_int:
                return operands[0]
            if numbers[0] == neutral_int and primitive != "sub":
                return operands[1]
        if any(n is None for n in numbers) or PRIMITIVES[primitive].compute is None:
            return None
        compute = PRIMITIVES[primitive].compute
        assert compute is not None
        if type_ in INTS:
            if primitive in ("floor_div", "mod") and numbers[1] == 0:
                return None
            if operands[0].type in FLOATS and not abs(numbers[0] or 0.0) < 2.0**31:
                return None
            result = compute(*numbers)
            return self.const(result, type_) if result in RANGES[type_] else None
        if "f32" in [x.type for x in operands] and primitive not in ("f64", "neg", "abs") and type_ != "bool":
            return None
        return self.const(compute(*numbers), type_)

    def load(self, buffer: str, index: Sequence[Index | Extent], changing: bool = False, least: int = 0) -> Value:
        """An element. changing: whether the buffer is written between its loads: the load stays where it is.

        least: the depth of the block that writes the buffer, in front of which the load may not move.
        """
        access = tuple(map(index_of, index))
        type_, shape = self.buffers[buffer].type, self.buffers[buffer].shape
        if len(access) == len(shape) and any(map(is_outside, access, shape)):
            return self.const(0, type_)  # only behind a check that fails
        depth = max([self._innermost, least, *(self.depth[x] for i in access for x in i.values)])
        axes = zip(access, shape, strict=True) if len(access) == len(shape) else [(access[0], n) for n in shape]
        if any(not i.terms and not (isinstance(n, int) and 0 <= i.const < n) for i, n in axes):
            depth = self.here  # may be outside: not in front of its check, nor of the loop that would not run
        if changing:
            result = self.value(type_)
            self.emit(Load(result, buffer, access))
            return result
        return self._once(("load", buffer, access), depth, lambda: Load(self.value(type_, depth), buffer, access))

    def index_value(self, x: Index | Extent) -> Value:
        """An index as a value."""
        index = index_of(x)
        total: Value | None = None
        for value, factor in index.terms:
            part = value
            if factor != 1:
                part = self.apply("mul", value, factor if isinstance(factor, Value) else self.const(factor, "i64"))
            total = part if total is None else self.apply("add", total, part)
        if total is None:
            return self.const(index.const, "i64")
        return self.apply("add", total, self.const(index.const, "i64")) if index.const else total

    @property
    def here(self) -> int:
        """The depth of the innermost block."""
        return len(self.blocks) - 1

    @property
    def in_lanes(self) -> bool:
        """Whether an open loop has independent steps, which are the lanes of vectors."""
        return "vector" in self._kinds or "chunk" in self._kinds

    def _once(self, key: Key, depth: int, make: Callable[[], Statement]) -> Value:
        existing = self.memo(key)
        if existing is not None:
            return existing
        statement = make()
        assert isinstance(statement, Const | Apply | Load)
        self.emit(statement, depth)
        self._memos[depth][key] = statement.result
        return statement.result

    def memo(self, key: Key) -> Value | None:
        """What an open block has stored under this key."""
        return next((memo[key] for memo in self._memos if key in memo), None)

    def remember(self, key: Key, value: Value, depth: int | None = None) -> None:
        """Stores a value under a key as long as its block, or the one of this depth, is open."""
        self._memos[self.depth[value] if depth is None else depth][key] = value

    # ---- statements

    def emit(self, statement: Statement, depth: int | None = None) -> None:
        self.blocks[-1 if depth is None else depth].append(statement)

    def buffer(self, name: str, type_: ScalarType, shape: Sequence[Extent], role: Role, chunked: bool = False) -> str:
        assert name not in self.buffers, name
        self.buffers[name] = Buffer(type_, tuple(shape), role, chunked)
        return name

    def table(self, type_: ScalarType, shape: Sequence[int], numbers: Sequence[float]) -> str:
        """The buffer that holds these constants, one for all equal ones."""
        table = Buffer(type_, tuple(shape), "const", numbers=tuple(numbers))
        name = next((name for name, buffer in self.buffers.items() if repr(buffer) == repr(table)), None)
        if name is None:
            name = f"c{len(self.buffers)}"
            self.buffers[name] = table
        return name

    def allocate(self, name: str, type_: ScalarType, shape: Sequence[Extent], chunked: bool = False) -> str:
        """A local buffer whose sizes are known here."""
        self.buffer(name, type_, shape, "local", chunked)
        self.emit(Allocate(name))
        return name

    def scratch(self, type_: ScalarType, shape: Sequence[Extent]) -> str:
        """A new buffer for a value, of sizes that are known in front of everything: memory of the caller, or of each
        call."""
        name = f"t{len(self.buffers)}"
        if not self.parallel:
            return self.buffer(name, type_, shape, "scratch")
        self.emit(Allocate(self.buffer(name, type_, shape, "local")), 0)
        return name

    def store(self, buffer: str, index: Sequence[Index | Extent], value: Value, combine: str = "") -> None:
        self.emit(Store(buffer, tuple(map(index_of, index)), value, combine))

    def check(self, condition: Value, code: int, node: int, depth: int | None = None) -> None:
        if self.constants.get(condition) is not True:
            self.checks += 1
            self.emit(Check(condition, code, node), depth)

    def call(
        self,
        routine: str,
        operands: Sequence[Region],
        results: Sequence[Region],
        numbers: Sequence[Extent] = (),
        node: int = -1,
    ) -> None:
        self.emit(Call(routine, tuple(operands), tuple(results), tuple(numbers), node))

    @contextmanager
    def loop(
        self,
        end: Extent,
        initial: Sequence[Value] = (),
        combine: Sequence[str] = (),
        kind: Kind = "serial",
        begin: Extent = 0,
    ) -> Iterator[OpenLoop]:
        """`with k.loop(n, [x]) as loop: … loop.yields = [y]`; then `loop.results`."""
        self._open(kind)
        loop = OpenLoop(self.value("i64"), tuple(self.value(x.type) for x in initial))
        yield loop
        body = self._close()
        assert [x.type for x in loop.yields] == [x.type for x in initial]
        loop.results = tuple(self.value(x.type) for x in initial)
        joins = tuple(combine) or ("",) * len(initial)
        self.emit(
            For(
                loop.variable,
                begin,
                end,
                loop.carried,
                tuple(initial),
                joins,
                body,
                tuple(loop.yields),
                loop.results,
                kind,
            )
        )

    def while_(
        self,
        initial: Sequence[Value],
        test: Callable[[Sequence[Value]], Value],
        body: Callable[[Sequence[Value]], Sequence[Value]],
    ) -> tuple[Value, ...]:
        """The carried values when the test fails."""
        carried = tuple(self.value(x.type, len(self.blocks)) for x in initial)
        tests, (condition,) = self.block(lambda: [test(carried)])
        steps, yields = self.block(lambda: body(carried))
        results = tuple(self.value(x.type) for x in initial)
        self.emit(While(carried, tuple(initial), tests, condition, steps, yields, results))
        return results

    def switch(self, selector: Value, cases: Sequence[Callable[[], Sequence[Value]]]) -> tuple[Value, ...]:
        """The values of the case that the selector names."""
        built = tuple(Case(*self.block(case)) for case in cases)
        results = tuple(self.value(x.type) for x in built[0].yields)
        self.emit(Switch(selector, built, results))
        return results

    def block(self, build: Callable[[], Sequence[Value]]) -> tuple[list[Statement], tuple[Value, ...]]:
        """A block that may not run: what is made in it stays in it."""
        self._open()
        before, self._innermost = self._innermost, self.here
        values = tuple(build())
        self._innermost = before
        return self._close(), values

    @contextmanager
    def outside(self, depth: int) -> Iterator[int]:
        """Builds in the open block of this depth, in front of the statements that the deeper ones will be.

        Gives its depth, which is that of the innermost block that may not run if that lies deeper.
        """
        depth = max(depth, self._innermost)
        inner = self.blocks[depth + 1 :], self._memos[depth + 1 :], self._kinds[depth + 1 :]
        del self.blocks[depth + 1 :], self._memos[depth + 1 :], self._kinds[depth + 1 :]
        yield depth
        self.blocks += inner[0]
        self._memos += inner[1]
        self._kinds += inner[2]

    def _open(self, kind: str = "") -> None:
        self.blocks.append([])
        self._memos.append({})
        self._kinds.append(kind)

    def _close(self) -> list[Statement]:
        self._memos.pop()
        self._kinds.pop()
        return self.blocks.pop()
