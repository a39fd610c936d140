"""Random loop nests for machine code: vector loops with gathers, checks, choices and reductions, over any rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any

import numpy as np
import pytest

from cgcli.loop_nests import functions
from cgcli.loop_nests.builder import LoopBuilder
from cgcli.loop_nests.form import LoopNest, ScalarType, Value
from cgcli.loop_nests.interpreter import DTYPES

FLOATS: tuple[ScalarType, ...] = ("f64", "f32")
TYPES: tuple[ScalarType, ...] = ("f64", "f32", "i64", "i32", "bool")
WIDTH = 3  # columns of the matrices
REDUCTIONS = {"f64": ["add", "mul", "min", "max"], "i64": ["add", "min", "max"], "bool": ["and", "or"]}


# ---- functions that stand for those of the form: straight code, choices by a bool and by an int, loops


def straight(k: LoopBuilder, x: Value) -> Value:
    c = k.const
    y = k.min(k.max(x, c(-700.0)), c(700.0))
    n = k.round(k.mul(y, c(1.4427)))
    rest = k.sub(y, k.mul(n, c(0.6931)))
    p = k.add(c(1.0), k.mul(rest, k.add(c(1.0), k.mul(rest, c(0.5)))))
    return k.select(k.eq(x, x), k.ldexp(p, k.select(k.eq(n, n), n, c(0.0))), x)


def rare_case(k: LoopBuilder, x: Value) -> Value:
    far = k.gt(k.abs(x), k.const(2.0))
    (y,) = k.switch(far, [lambda: [k.mul(x, x)], lambda: [k.sqrt(k.abs(k.add(x, k.const(1.0))))]])
    return y


def iterated(k: LoopBuilder, x: Value) -> Value:
    def step(carried: Sequence[Value]) -> list[Value]:
        y, n = carried
        return [k.mul(k.const(0.5), y), k.add(n, k.const(1.0))]

    def goes_on(carried: Sequence[Value]) -> Value:
        return k.and_(k.gt(k.abs(carried[0]), k.const(1.0)), k.lt(carried[1], k.const(20.0)))

    _, n = k.while_([x, k.const(0.0)], goes_on, step)
    return k.sub(k.min(x, k.const(1e300)), n)


def three_ways(k: LoopBuilder, x: Value, y: Value) -> Value:
    way = k.add(k.i64(k.gt(x, y)), k.i64(k.gt(y, k.const(0.5))))
    ways = [lambda: [k.add(x, y)], lambda: [k.mul(x, y)], lambda: [straight(k, x)]]
    return k.switch(way, ways)[0]


def series(k: LoopBuilder, x: Value) -> Value:
    with k.loop(5, [k.const(1.0)]) as loop:
        loop.yields = [k.add(k.mul(loop.carried[0], x), k.f64(loop.variable))]
    return loop.results[0]


SOME_FUNCTIONS: dict[str, Callable[..., Value]] = {
    "exp": straight,
    "sin": rare_case,
    "log": iterated,
    "hypot": three_ways,
    "erf": series,
}


@contextmanager
def some_functions() -> Iterator[None]:
    """Has nests call these functions in place of those of the form, with all their statements."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(functions, "_DEFINITIONS", {**functions._DEFINITIONS, **SOME_FUNCTIONS})
        patch.setattr(functions, "_needed", lambda body, needed: list(body))
        functions.definition.cache_clear()
        yield
    functions.definition.cache_clear()


class RandomNest:
    """A nest of the sizes `n` and `m`: loops over rows, a few statements each."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.k = LoopBuilder("random")
        self.n, self.m = self.k.size("n"), self.k.size("m")
        self.nodes = 0
        self.outputs = 0
        k = self.k
        for t in TYPES:
            k.buffer(f"x_{t}", t, (self.n,), "in")
            k.buffer(f"w_{t}", t, (self.n, WIDTH), "in")
        k.buffer("table", "f64", (4,), "in")
        k.buffer("order", "i64", (self.n,), "in")
        for _ in range(self.random.choice((1, 1, 2))):
            self.top_loop()

    @property
    def nest(self) -> LoopNest:
        return self.k.nest()

    def node(self) -> int:
        self.nodes += 1
        return self.nodes

    # ---- values

    def constant(self, t: ScalarType) -> Value:
        r = self.random
        if t == "bool":
            return self.k.const(r.random() < 0.5, t)
        if t in FLOATS:
            return self.k.const(r.choice([0.0, -0.0, 1.0, -1.5, math.inf, math.nan, 1e-310, r.gauss(0, 3)]), t)
        return self.k.const(r.choice([-1, 0, 1, 2, 3, -7, 2**31 - 1]), t)

    def pick(self, pool: list[Value], t: ScalarType) -> Value:
        of = [x for x in pool if x.type == t]
        return self.random.choice(of) if of and self.random.random() < 0.85 else self.constant(t)

    def loads(self, i: Value) -> list[Value]:
        k, r = self.k, self.random
        pool: list[Value] = [i]
        for t in r.sample(TYPES, r.randint(1, 4)):
            way = r.randrange(4)
            if way == 0:
                pool.append(k.load(f"w_{t}", [i, r.randrange(WIDTH)]))
            elif way == 1:
                pool.append(k.load(f"x_{t}", [k.load("order", [i])]))
            elif way == 2 and t == "f64":
                pool.append(k.load("table", [r.randrange(4)]))
            else:
                pool.append(k.load(f"x_{t}", [i]))
        return pool

    def expression(self, pool: list[Value]) -> Value:
        """A primitive on values of the pool, on operands that it is defined for."""
        k, r = self.k, self.random
        t = r.choice(TYPES)
        a, b = self.pick(pool, t), self.pick(pool, t)
        kind = r.randrange(7)
        if kind == 0:
            return k.apply(r.choice(["eq", "ne", "lt", "le", "gt", "ge"]), a, b)
        if kind == 1:
            return k.select(self.pick(pool, "bool"), a, b)
        if kind == 2:
            return k.apply(r.choice(TYPES), a, node=self.node())
        if t == "bool":
            return k.not_(a) if r.random() < 0.3 else k.apply(r.choice(["and", "or"]), a, b)
        if t not in FLOATS:
            name = r.choice(["add", "sub", "mul", "floor_div", "mod", "neg", "abs", "min", "max"])
            return k.apply(name, *([a] if name in ("neg", "abs") else [a, b]), node=self.node())
        if kind == 3:
            name = r.choice(list(SOME_FUNCTIONS))
            return k.apply(name, a, b) if name == "hypot" else k.apply(name, a)
        if kind == 4:
            return self.parts(a if t == "f64" else k.f64(a), b if t == "f64" else k.f64(b))
        if kind == 5:
            return k.apply(r.choice(["neg", "abs", "sqrt", "floor", "ceil", "round"]), a)
        return k.apply(r.choice(["add", "sub", "mul", "div", "rem", "min", "max"]), a, b)

    def parts(self, x: Value, y: Value) -> Value:
        """What reads or writes the representation: of numbers for which that is defined."""
        k = self.k
        name = self.random.choice(["ldexp", "mantissa", "exponent", "copysign", "bits", "from_bits"])
        number = k.select(k.eq(y, y), y, k.const(1.0))
        if name == "ldexp":
            return k.ldexp(x, k.round(k.max(k.min(k.mul(number, k.const(300.0)), k.const(2200.0)), k.const(-2200.0))))
        if name == "copysign":
            return k.copysign(x, number)
        if name in ("bits", "from_bits"):
            return k.from_bits(k.bits(number)) if name == "from_bits" else k.bits(number)
        usual = k.and_(k.gt(x, k.const(0.0)), k.lt(x, k.const(math.inf)))
        return k.apply(name, k.select(usual, x, k.const(5e-324)))

    # ---- statements

    def output(self, t: ScalarType, columns: bool = False) -> str:
        self.outputs += 1
        return self.k.buffer(f"y{self.outputs}", t, (self.n, WIDTH) if columns else (self.n,), "out")

    def top_loop(self) -> None:
        k, r = self.k, self.random
        kind = r.choice(["serial", "vector", "vector", "chunk"])
        reduced: list[ScalarType] = [] if kind == "chunk" else r.choices(list(REDUCTIONS), k=r.choice((0, 1, 2)))
        joins = [r.choice(REDUCTIONS[t]) for t in reduced]
        initial = [self.constant(t) for t in reduced]
        initial = [k.const(3, "i64") if x.type == "i64" else x for x in initial]
        with k.loop(self.n, initial, [j if kind != "serial" else "" for j in joins], kind=kind) as loop:
            pool = self.body(loop.variable, r.randint(1, 12))
            for _ in range(r.randint(1, 3)):
                self.store(loop.variable, r.choice(pool))
            loop.yields = [
                k.apply(join, x, self.pick(pool, x.type), node=self.node() if r.random() < 0.5 else -1)
                if x.type != "i64"
                else k.apply(join, x, k.i64(k.i32(self.small(pool), node=self.node())))
                for x, join in zip(loop.carried, joins, strict=True)
            ]
        for x in loop.results:
            self.outputs += 1
            k.store(k.buffer(f"y{self.outputs}", x.type, (1,), "out"), [0], x)

    def small(self, pool: list[Value]) -> Value:
        """An int between -9 and 9."""
        k = self.k
        return k.max(k.min(self.pick(pool, "i64"), k.const(9, "i64")), k.const(-9, "i64"))

    def store(self, i: Value, x: Value) -> None:
        k, r = self.k, self.random
        way = r.randrange(4)
        if way == 0:
            k.store(self.output(x.type, columns=True), [i, r.randrange(WIDTH)], x)
        elif way == 1:
            k.store(self.output(x.type), [k.load("order", [i])], x)
        elif way == 2 and x.type in FLOATS:
            k.store(self.output(x.type), [i], x, r.choice(["add", "max"]))
        else:
            k.store(self.output(x.type), [i], x)

    def body(self, i: Value, many: int) -> list[Value]:
        pool = self.loads(i)
        for _ in range(many):
            way = self.random.randrange(12)
            if way == 0:
                pool += self.inner_loop(pool, i)
            elif way == 1:
                pool += self.switch(pool)
            elif way == 2:
                pool += self.while_(pool)
            elif way == 3 and self.random.random() < 0.5:
                self.k.check(self.pick(pool, "bool"), 4, self.node())
            else:
                pool.append(self.expression(pool))
        return pool

    def inner_loop(self, pool: list[Value], i: Value) -> list[Value]:
        k, r = self.k, self.random
        x = self.pick(pool, r.choice(FLOATS))
        kind = r.choice(["serial", "serial", "vector"])
        join = r.choice(["add", "mul", "max"])
        end = r.choice([WIDTH, self.m])
        with k.loop(end, [x], [join if kind == "vector" else ""], kind=kind) as loop:
            y = k.load(f"w_{x.type}", [i, loop.variable]) if end == WIDTH else self.pick(pool, x.type)
            if r.random() < 0.5:
                y = k.apply("sub", y, k.apply(x.type, loop.variable))
            loop.yields = [k.apply(join, loop.carried[0], y)]
        return list(loop.results)

    def switch(self, pool: list[Value]) -> list[Value]:
        r, t = self.random, self.random.choice(TYPES)
        selector = self.pick(pool, r.choice(("bool", "i64", "i32")))
        many = 2 if selector.type == "bool" else r.randint(1, 4)

        def case() -> list[Value]:
            inner = [*pool]
            for _ in range(r.randint(0, 3)):
                inner.append(self.expression(inner))
            return [self.pick(inner, t), self.pick(inner, "f64")]

        return list(self.k.switch(selector, [case] * many))

    def while_(self, pool: list[Value]) -> list[Value]:
        k = self.k
        x = self.pick(pool, "f64")
        more = k.const(self.random.randint(0, 5), "i64")

        def test(carried: Sequence[Value]) -> Value:
            return k.and_(k.lt(carried[1], more), k.lt(carried[0], k.const(9.0)))

        def step(carried: Sequence[Value]) -> list[Value]:
            y, count = carried
            return [self.pick([y, k.add(y, x)], "f64"), k.add(count, k.const(1, "i64"))]

        return [k.while_([x, k.const(0, "i64")], test, step)[0]]


def arrays_for(nest: LoopNest, n: int, seed: int) -> dict[str, Any]:
    """Arrays of all buffers, their numbers random and full of special ones."""
    random = np.random.default_rng(seed)
    arrays: dict[str, Any] = {}
    special = np.array([0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, 1e308, -1e-310, 3.0, 2.0**31])
    for name, buffer in nest.buffers.items():
        shape = tuple(x if isinstance(x, int) else n for x in buffer.shape)
        dtype = DTYPES[buffer.type]
        if name == "order":
            arrays[name] = random.permutation(n).astype(np.int64)
        elif buffer.type in FLOATS:
            x = random.normal(size=shape) * 3.0
            rare = random.random(shape) < 0.1
            with np.errstate(over="ignore"):
                arrays[name] = np.where(rare, random.choice(special, shape), x).astype(dtype)
        elif buffer.type == "bool":
            arrays[name] = random.random(shape) < 0.5
        else:
            large = np.iinfo(dtype).max
            x = random.integers(-9, 10, shape)
            arrays[name] = np.where(random.random(shape) < 0.02, large, x).astype(dtype)
    return arrays
