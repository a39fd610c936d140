"""Random loop nests that are valid, with arrays and sizes to run them on."""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from cgcli.loop_nests.builder import LoopBuilder
from cgcli.loop_nests.form import FLOATS, INDEX, INTS, TYPES, Extent, Index, Kind, LoopNest, Role, ScalarType, Value
from cgcli.loop_nests.interpreter import DTYPES
from cgcli.loop_nests.primitives import FUNCTIONS

Range = tuple[int, int]
LIMITS = {"i64": (-(2**63), 2**63 - 1), "i32": (-(2**31), 2**31 - 1)}
EDGES: dict[str, list[Any]] = {
    "f64": [0.0, -0.0, 1.0, -1.5, 2.5, math.inf, -math.inf, math.nan, 5e-324, 1e308, 1 / 3, -7.25, 1e-310],
    "f32": [0.0, -0.0, 1.0, -1.5, 2.5, math.inf, -math.inf, math.nan, 2.0**-149, 3e38, -7.25, 0.1],
    "i64": [0, 1, -1, 2, 3, -7, 2**53 + 1, 2**63 - 1, -(2**63)],
    "i32": [0, 1, -1, 2, 3, -7, 2**31 - 1, -(2**31)],
    "bool": [False, True],
}
READ_ONLY = ("in", "const")
SMALL = (-99, 99)
FLOAT_UNARY = ("neg", "abs", "sqrt", "floor", "ceil", "round")
FLOAT_BINARY = ("add", "sub", "mul", "div", "rem", "min", "max", "copysign")
INT_BINARY = ("add", "sub", "mul", "min", "max", "floor_div", "mod")
COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")


class Array(NamedTuple):
    """A buffer of the nest: its shape in numbers, and the range of the ints in it."""

    name: str
    type: ScalarType
    shape: tuple[int, ...]
    role: Role
    range: Range


class VectorLoop(NamedTuple):
    """The buffers that its steps may store: those whose index moves with the variable, and those of a single step."""

    own: set[str]
    private: set[str]


def random_nest(seed: int) -> tuple[LoopNest, dict[str, Any], dict[str, int]]:
    """A valid nest, arrays for the buffers that are not local, and the numbers of its sizes.

    No index leaves its buffer; ints may leave their type where they are checked, and a check may fail, so that about
    one run in ten stops early.
    """
    return Generator(seed).nest()


class Generator:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.k = LoopBuilder(f"random {seed}")
        self.sizes: dict[str, int] = {}
        self.arrays: dict[str, Any] = {}
        self.ranges: dict[Value, Range] = {}
        self.scopes: list[list[Value]] = [[]]
        self.buffers: list[list[Array]] = [[]]
        self.vectors: list[VectorLoop] = []
        self.fixed: dict[str, dict[int, Value]] = {}
        self.rows: list[str] = []
        self.count = 0
        self.depth = 0
        self.functions = list(FUNCTIONS)

    def nest(self) -> tuple[LoopNest, dict[str, Any], dict[str, int]]:
        chunked = self.random.random() < 0.25
        for name in ("n", "m"):
            self.sizes[name] = self.random.choice([0, 1, 2, 3, 5, 7, 8, 9, 17, 20])
            self.visible(self.k.size(name), (self.sizes[name], self.sizes[name]))
        for role, number in (("in", 5), ("out", 3), ("scratch", 1)):
            for _ in range(number):
                self.argument(role, chunked and role not in READ_ONLY)
        self.table()
        if chunked:
            self.rows = rows = [a.name for a in self.buffers[0] if a.role not in READ_ONLY]
            for _ in range(self.random.choice([1, 2])):
                self.statements(2, self.value)
                self.for_("chunk", rows)
        else:
            self.statements(8)
            self.for_("vector")
            self.statements(3)
        return self.k.nest(), self.arrays, self.sizes

    # ---- buffers

    def argument(self, role: Role, rows: bool) -> None:
        """An argument of the nest; rows: with a row for each step of a loop over the first size."""
        type_ = self.random.choice(TYPES)
        extents = [self.extent() for _ in range(self.random.choice([0, 1, 1, 2, 2, 3]))]
        extents = [self.k.size("n"), *extents[:2]] if rows else extents
        array = self.array(type_, extents, role)
        self.arrays[array.name] = self.contents(array)

    def table(self) -> None:
        """A buffer of constants."""
        type_ = self.random.choice(TYPES)
        numbers = [self.random.choice(EDGES[type_]) for _ in range(6)]
        name = self.k.table(type_, [2, 3], [np.array(x, DTYPES[type_]).item() for x in numbers])
        self.buffers[-1].append(Array(name, type_, (2, 3), "const", LIMITS.get(type_, (0, 1))))

    def array(self, type_: ScalarType, extents: Sequence[Extent], role: Role) -> Array:
        shape = tuple(self.number(x) for x in extents)
        name = f"{role}{self.new()}"
        limits = LIMITS.get(type_, (0, 1))
        ranges = [(-9, 9), (0, 4), SMALL, limits] if type_ in INTS else [limits]
        array = Array(name, type_, shape, role, self.random.choice(ranges))
        if role == "local":
            self.k.allocate(name, type_, extents)
        else:
            self.k.buffer(name, type_, extents, role)
        self.buffers[-1].append(array)
        return array

    def contents(self, array: Array) -> Any:
        count, (low, high) = math.prod(array.shape), array.range
        if array.type in INTS:
            numbers = [self.random.choice([low, high, self.random.randint(low, high)]) for _ in range(count)]
        elif array.type == "bool":
            numbers = [self.random.random() < 0.5 for _ in range(count)]
        else:
            edges = EDGES[array.type]
            numbers = [
                self.random.choice(edges) if self.random.random() < 0.2 else self.random.gauss(0, 3)
                for _ in range(count)
            ]
        return np.array(numbers, DTYPES[array.type]).reshape(array.shape)

    def extent(self) -> Extent:
        return self.random.choice([self.k.size("n"), self.k.size("m"), 1, 3, 4])

    def number(self, x: Extent) -> int:
        return x if isinstance(x, int) else self.ranges[x][1]

    def new(self) -> int:
        self.count += 1
        return self.count

    # ---- values

    def visible(self, value: Value, range_: Range | None = None) -> Value:
        """Lets what follows in this block use a value; range_: between which numbers an int lies."""
        if value.type in INTS:
            self.ranges.setdefault(value, range_ or LIMITS[value.type])
        self.scopes[-1].append(value)
        return value

    def constant(self, number: Any, type_: ScalarType) -> Value:
        value = self.k.const(number, type_)
        if type_ in INTS:
            self.ranges[value] = (number, number)
        return value

    def pick(self, type_: ScalarType) -> Value:
        values = [v for scope in self.scopes for v in scope if v.type == type_]
        if values and self.random.random() < 0.85:
            return self.random.choice(values[-12:] if self.random.random() < 0.7 else values)
        return self.constant(self.random.choice(EDGES[type_]), type_)

    def small(self, value: Value, to: Range = SMALL) -> Value:
        """An int, kept in a range."""
        low, high = self.ranges[value]
        if low >= to[0] and high <= to[1]:
            return value
        lower, upper = self.constant(to[0], value.type), self.constant(to[1], value.type)
        result = self.k.min(self.k.max(value, lower), upper)
        self.ranges.setdefault(result, to)
        return result

    def ordinary(self, x: Value, low: float, high: float) -> Value:
        """A float in a range, of any float: no nan, whose sign has no meaning."""
        low_value, high_value = self.constant(low, x.type), self.constant(high, x.type)
        y = self.k.select(self.k.eq(x, x), x, low_value)
        return self.k.min(self.k.max(y, low_value), high_value)

    def apply(self, name: str, *operands: Value) -> Value:
        """A primitive on ints: checked where the result may leave the type, and sometimes where it may not."""
        type_ = operands[0].type
        range_ = result_range(name, [self.ranges[x] for x in operands])
        low, high = LIMITS[type_]
        fits = range_ is not None and low <= range_[0] and range_[1] <= high
        node = self.new() if not fits or self.random.random() < 0.3 else -1
        result = self.k.apply(name, *operands, node=node)
        if range_ is None or not fits:
            range_ = (low, high) if range_ is None else (max(low, range_[0]), min(high, range_[1]))
        self.ranges.setdefault(result, range_)
        return result

    def value(self) -> None:
        """One more value."""
        type_ = self.random.choice(TYPES)
        if self.random.random() < 0.35:
            self.load()
        elif self.random.random() < 0.2:
            self.conversion()
        elif type_ in INTS:
            self.int_(type_)
        elif type_ == "bool":
            self.bool_()
        else:
            self.float_(type_)

    def int_(self, type_: ScalarType) -> None:
        x, y = self.pick(type_), self.pick(type_)
        if self.random.random() < 0.95:
            x, y = self.small(x), self.small(y)
        if self.random.random() < 0.2:
            result = self.apply(self.random.choice(["neg", "abs"]), x)
        else:
            name = self.random.choice(INT_BINARY)
            if name in ("floor_div", "mod") and self.random.random() < 0.97:
                y = self.constant(self.random.choice([-5, -2, 1, 2, 3, 7]), type_)
            result = self.apply(name, x, y)
        self.visible(result)

    def bool_(self) -> None:
        k, chance = self.k, self.random.random()
        if chance < 0.6:
            type_ = self.random.choice(TYPES)
            self.visible(k.apply(self.random.choice(COMPARISONS), self.pick(type_), self.pick(type_)))
        elif chance < 0.8:
            self.visible(k.apply(self.random.choice(["and", "or"]), self.pick("bool"), self.pick("bool")))
        else:
            self.visible(k.not_(self.pick("bool")))

    def float_(self, type_: ScalarType) -> None:
        k, chance, x = self.k, self.random.random(), self.pick(type_)
        if chance < 0.5:
            name, y = self.random.choice(FLOAT_BINARY), self.pick(type_)
            if name == "copysign":
                y = k.select(k.eq(y, y), y, self.constant(1.0, type_))
            self.visible(k.apply(name, x, y))
        elif chance < 0.65:
            self.visible(k.apply(self.random.choice(FLOAT_UNARY), x))
        elif chance < 0.8:
            name = self.random.choice(list(FUNCTIONS))
            self.visible(k.apply(name, *(self.pick(type_) for _ in range(FUNCTIONS[name]))))
        elif chance < 0.9:
            self.visible(k.select(self.pick("bool"), x, self.pick(type_)))
        else:
            self.special()

    def special(self) -> None:
        """A primitive that functions are written with."""
        k, x = self.k, self.pick("f64")
        name = self.random.choice(["ldexp", "mantissa", "exponent", "bits", "from_bits", "fma"])
        if name == "ldexp":
            self.visible(k.ldexp(x, k.floor(self.ordinary(self.pick("f64"), -2200.0, 2200.0))))
        elif name == "fma":
            self.visible(k.fma(x, self.pick("f64"), self.pick("f64")))
        elif name == "bits":
            self.visible(k.bits(self.ordinary(x, -math.inf, math.inf)))
        elif name == "from_bits":
            self.visible(k.from_bits(self.pick("i64")))
        else:
            self.visible(k.apply(name, self.ordinary(k.abs(x), 5e-324, 1.7e308)))

    def conversion(self) -> None:
        k, of, to = self.k, self.random.choice(TYPES), self.random.choice(TYPES)
        x = self.pick(of)
        if to not in INTS:
            self.visible(k.apply(to, x))
        elif of in FLOATS:
            if self.random.random() < 0.95:
                x = self.ordinary(x, -50.0, 50.0)
                self.visible(k.apply(to, x), (-50, 50))
            else:
                self.visible(k.apply(to, x, node=self.new()))
        elif of == "bool":
            self.visible(k.apply(to, x), (0, 1))
        else:
            x = self.small(x) if self.random.random() < 0.95 else x
            low, high = self.ranges[x]
            fits = LIMITS[to][0] <= low and high <= LIMITS[to][1]
            self.visible(k.apply(to, x, node=-1 if fits else self.new()), (low, high) if fits else None)

    # ---- elements

    def term(self, size: int) -> Index | None:
        """A multiple of a value and a number that lies below a size."""
        values = [v for scope in self.scopes for v in scope if v.type in INTS and self.ranges[v] != LIMITS[v.type]]
        if not values:
            return None
        value = self.random.choice(values[-8:])
        factor: Extent = self.random.choice([1, 1, 1, 1, 2, -1, -2, self.k.size("m")])
        low, high = self.ranges[value]
        if low > high:
            return Index(self.random.randint(-2, 2), ((value, factor),))
        ends = sorted((low * self.number(factor), high * self.number(factor)))
        if -ends[0] > size - 1 - ends[1]:
            return None
        return Index(self.random.randint(-ends[0], size - 1 - ends[1]), ((value, factor),))

    def index(self, size: int) -> Index | None:
        """An index below a size; None where there is none."""
        for _ in range(3):
            term = self.term(size)
            if term is not None:
                return term
        if size <= 0:
            return None
        if self.random.random() < 0.5:
            return Index(self.random.randrange(size))
        remainder = self.apply("mod", self.pick("i64"), self.constant(size, "i64"))
        return Index(0, ((remainder, 1),))

    def access(self, array: Array) -> list[Index] | None:
        fixed = self.fixed.get(array.name, {})
        if not fixed and array.role != "local" and len(array.shape) != 1 and self.random.random() < 0.25:
            linear = self.index(math.prod(array.shape))
            return None if linear is None else [linear]
        result = []
        for axis, size in enumerate(array.shape):
            index = Index(0, ((fixed[axis], 1),)) if axis in fixed else self.index(size)
            if index is None:
                return None
            result.append(index)
        return result

    def load(self) -> None:
        arrays = [a for scope in self.buffers for a in scope]
        array = self.random.choice(arrays[-6:] if self.random.random() < 0.5 else arrays)
        if array.role not in READ_ONLY and self.rows and not self.vectors:
            return  # a call runs a part of the rows
        access = self.access(array)
        if access is not None:
            self.visible(self.k.load(array.name, access, array.role not in READ_ONLY), array.range)

    def stored_here(self, array: Array) -> bool:
        return array.role not in READ_ONLY and all(array.name in v.own | v.private for v in self.vectors)

    def store(self) -> None:
        arrays = [a for scope in self.buffers for a in scope if self.stored_here(a)]
        if not arrays:
            return
        array = self.random.choice(arrays)
        access = self.access(array)
        if access is None:
            return
        joins = {"bool": ["and", "or"], "i64": ["min", "max"], "i32": ["min", "max"]}
        join = self.random.choice(joins.get(array.type, ["add", "mul", "min", "max"]))
        value = self.pick(array.type)
        if array.type in INTS:
            value = self.small(value, array.range)
        self.k.store(array.name, access, value, join if self.random.random() < 0.3 else "")

    # ---- statements

    def statements(self, count: int, build: Callable[[], None] | None = None) -> None:
        for _ in range(count):
            (build or self.statement)()

    def statement(self) -> None:
        chance = self.random.random()
        if self.depth < 3 and chance < 0.22:
            self.random.choice([self.for_, self.for_, self.while_, self.switch, self.append])()
        elif chance < 0.36:
            self.store()
        elif chance < 0.38:
            self.check()
        elif chance < 0.4 and self.depth < 3:
            self.local()
        else:
            self.value()

    @contextmanager
    def scope(self) -> Iterator[None]:
        self.scopes.append([])
        self.buffers.append([])
        self.depth += 1
        yield
        self.depth -= 1
        self.scopes.pop()
        self.buffers.pop()

    def check(self) -> None:
        x = self.small(self.pick("i64"))
        limit = self.constant(self.random.choice([99, 99, 99, 99, 20]), "i64")
        self.k.check(self.k.le(x, limit), INDEX, self.new())

    def local(self) -> None:
        array = self.array(self.random.choice(TYPES), [self.random.choice([1, 3, 4, self.k.size("n")])], "local")
        if self.vectors:
            self.vectors[-1].private.add(array.name)

    def initial(self, type_: ScalarType) -> Value:
        value = self.pick(type_)
        return self.small(value) if type_ in INTS else value

    def for_(self, kind: Kind | None = None, rows: Sequence[str] = ()) -> None:
        kind = kind or self.random.choice(["serial", "vector"])
        end: Extent = self.k.size("n") if kind == "chunk" else self.end()
        begin = 0 if kind == "chunk" or self.random.random() < 0.7 else self.random.choice([1, 2, -3])
        range_ = (begin, self.number(end) - 1)
        types = [] if kind == "chunk" else [self.random.choice(TYPES) for _ in range(self.random.choice([0, 1, 2]))]
        initial = [self.initial(t) for t in types]
        joins = [self.join(t) if kind == "vector" else "" for t in types]
        with self.scope(), self.k.loop(end, initial, joins, kind, begin) as loop:
            self.visible(loop.variable, range_)
            axes = self.enter(loop.variable, range_, rows) if kind != "serial" else {}
            if kind == "serial":
                for x in loop.carried:
                    self.visible(x, SMALL)
            self.statements(self.random.choice([2, 4, 7]))
            if axes:
                self.statements(2, self.store)
            loop.yields = [
                self.reduced(join, x, loop.variable) if join else self.initial(x.type)
                for join, x in zip(joins, loop.carried, strict=True)
            ]
            if kind != "serial":
                self.leave(axes)
        for x in loop.results:
            self.visible(x, SMALL if kind == "serial" else (-(10**6), 10**6))

    def end(self) -> Extent:
        counts = [v for scope in self.scopes for v in scope if v.type == "i64" and self.ranges[v][1] in range(10)]
        return self.random.choice([self.k.size("n"), self.k.size("m"), 3, 9, 17, *counts[-2:]])

    def join(self, type_: ScalarType) -> str:
        joins = ["and", "or"] if type_ == "bool" else ["min", "max", "add", *(["mul"] if type_ in FLOATS else [])]
        return self.random.choice(joins)

    def reduced(self, join: str, carried: Value, variable: Value) -> Value:
        """What a step of a reduction makes of a carried value: joined to something that is no constant."""
        values = [v for scope in self.scopes for v in scope if v.type == carried.type and v not in self.k.constants]
        if values:
            value = self.random.choice(values[-8:])
        else:
            value = self.k.apply(carried.type, variable, node=self.new())
            self.ranges.setdefault(value, self.ranges[variable])
        return self.k.apply(join, carried, self.small(value) if value.type in INTS else value)

    def enter(self, variable: Value, range_: Range, rows: Sequence[str]) -> dict[str, int]:
        """Opens a vector loop: the axis at which each buffer that it stores moves with its variable."""
        axes: dict[str, int] = dict.fromkeys(rows, 0)
        for array in [a for scope in self.buffers for a in scope if not rows and self.stored_here(a)]:
            fixed = self.fixed.get(array.name, {})
            fitting = [
                axis
                for axis, size in enumerate(array.shape)
                if axis not in fixed and (range_[0] > range_[1] or (range_[0] >= 0 and range_[1] < size))
            ]
            if fitting and self.random.random() < 0.7:
                axes[array.name] = self.random.choice(fitting)
        for name, axis in axes.items():
            self.fixed.setdefault(name, {})[axis] = variable
        self.vectors.append(VectorLoop(set(axes), set()))
        return axes

    def leave(self, axes: dict[str, int]) -> None:
        self.vectors.pop()
        for name, axis in axes.items():
            del self.fixed[name][axis]

    def while_(self) -> None:
        types = [self.random.choice(TYPES) for _ in range(self.random.choice([0, 1, 2]))]
        steps = self.random.choice([0, 1, 3, 6])

        def test(carried: Sequence[Value]) -> Value:
            with self.scope():
                self.carry(carried, steps)
                self.statements(1, self.value)
                more = self.k.lt(carried[0], self.constant(steps, "i64"))
                return self.k.and_(more, self.pick("bool")) if self.random.random() < 0.3 else more

        def body(carried: Sequence[Value]) -> list[Value]:
            with self.scope():
                self.carry(carried, steps)
                self.statements(self.random.choice([1, 4]))
                count = self.apply("add", carried[0], self.constant(1, "i64"))
                return [count, *(self.initial(x.type) for x in carried[1:])]

        initial = [self.constant(0, "i64"), *map(self.initial, types)]
        self.carry(self.k.while_(initial, test, body), steps)

    def carry(self, values: Sequence[Value], steps: int) -> None:
        for position, x in enumerate(values):
            self.visible(x, SMALL if position else (0, steps))

    def switch(self) -> None:
        types = [self.random.choice(TYPES) for _ in range(self.random.choice([0, 1, 2]))]

        def case() -> list[Value]:
            with self.scope():
                self.statements(self.random.choice([0, 1, 3]))
                return [self.initial(t) for t in types]

        selector = self.pick(self.random.choice(["bool", "i64", "i32"]))
        for x in self.k.switch(selector, [case] * self.random.choice([1, 2, 2, 3])):
            self.visible(x, SMALL)

    def append(self) -> None:
        """A list that a `while` writes, item by item, and a loop then reads."""
        k, type_, steps = self.k, self.random.choice(TYPES), self.random.choice([0, 2, 70])
        name = k.allocate(f"local{self.new()}", type_, [self.random.choice([1, 4]), 2], chunked=True)
        one = self.constant(1, "i64")

        def body(carried: Sequence[Value]) -> list[Value]:
            with self.scope():
                self.carry(carried, steps)
                self.value()
                for column in (0, 1):
                    k.store(name, [carried[0], column], self.initial(type_))
                return [k.add(carried[0], one)]

        (count,) = k.while_([self.constant(0, "i64")], lambda c: k.lt(c[0], self.constant(steps, "i64")), body)
        self.visible(count, (0, steps))
        with self.scope(), k.loop(count, [self.initial("f64")]) as loop:
            self.visible(loop.variable, (0, steps - 1))
            item = k.load(name, [loop.variable, self.random.choice([0, 1])], changing=True)
            loop.yields = [k.add(loop.carried[0], k.f64(item))]
        self.visible(loop.results[0])


def result_range(name: str, ranges: Sequence[Range]) -> Range | None:
    """Between which numbers the result of a primitive on ints lies; None where it may have none."""
    (a, b), (c, d) = ranges[0], ranges[-1]
    if name == "neg":
        return -b, -a
    if name == "abs":
        return (0 if a <= 0 <= b else min(abs(a), abs(b))), max(abs(a), abs(b))
    if name in ("floor_div", "mod") and (c <= 0 <= d or c > d):
        return None
    if name == "mod":
        return (0, d - 1) if c > 0 else (c + 1, 0)
    compute: dict[str, Callable[[int, int], int]] = {
        "add": lambda x, y: x + y,
        "sub": lambda x, y: x - y,
        "mul": lambda x, y: x * y,
        "min": min,
        "max": max,
        "floor_div": lambda x, y: x // y,
    }
    corners = [compute[name](x, y) for x in (a, b) for y in (c, d)]
    return min(corners), max(corners)
