"""Random graphs over numbers and tensors, with conditionals and loops inside each other, and values to run them on.

They are rich in what optimisation looks for: constants and special values, the same thing twice, things that nobody
reads, values that a loop or an `if` does not need, operations that may stop the run.
"""

import math
import struct
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np
from executors import ArrayExecutor, ScalarExecutor

from cgcli.diagnostics.diagnostic import CgError
from cgcli.graph.graph import Graph, opname
from cgcli.graph.types import BOOL, FLOAT, INT, AnyType, Stack, Type
from cgcli.ops.array_kernels import DTYPES
from cgcli.ops.builder import Builder
from cgcli.ops.number_kernels import is_scalar
from cgcli.ops.op import TypeMismatch

F32 = Type("f32")
I32 = Type("i32")
SIZE = 3  # what the named size is when a graph runs
SPECIAL = (0.0, -0.0, 1.0, -1.0, 2.0, 0.5, -4.0, 3.7, 0.1, math.inf, -math.inf, math.nan, 1e308, 5e-324, -1e-310, 1e16)
WHOLE = (0, 1, -1, 2, 3, 5, 7, -8, 2**62)
UNARY = (
    *("neg", "neg", "abs", "exp", "log", "sqrt", "sin", "tanh", "floor", "ceil", "round", "sign", "relu", "sigmoid"),
    *("copy", "stop_gradient", "not", "not"),
)
BINARY = (
    *("add", "add", "sub", "sub", "mul", "mul", "div", "power", "max", "min", "floor_div", "mod", "hypot"),
    *("lt", "le", "gt", "ge", "eq", "ne", "and", "or", "and", "or"),
)
SHAPES: tuple[tuple[Any, ...], ...] = ((3,), (2, 3), (1, 3), (2, 1), (3, 3), ("n",), ("n", 3))


@dataclass
class Maker:
    """Makes one graph, and those within it."""

    rng: Random
    tensors: bool
    depth: int = 0
    b: Builder = field(default_factory=Builder)
    pool: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    names: int = 0

    def pick(self) -> int:
        """A node, the latest ones most often."""
        if self.rng.random() < 0.5:
            return self.pool[max(0, len(self.pool) - 1 - int(self.rng.expovariate(0.4)))]
        return self.rng.choice(self.pool)

    def keep(self, x: int) -> int:
        if self.rng.random() < 0.15 and x not in self.b.names:
            self.names += 1
            self.b.names[x] = f"v{self.depth}_{self.names}"
        self.pool.append(x)
        return x

    def of_type(self, t: AnyType) -> int:
        """A node of this type, made of a constant when there is none."""
        found = [x for x in self.pool if self.b.type_of(x) == t]
        if found and self.rng.random() < 0.9:
            return self.rng.choice(found)
        assert isinstance(t, Type)
        value: Any = self.rng.choice(SPECIAL if t.is_float else WHOLE[:6])
        if t.dtype == "bool":
            value = self.rng.random() < 0.5
        if t.dtype == "f32":
            value = struct.unpack("f", struct.pack("f", 0.25 if abs(value) > 1e38 else value))[0]
        return self.b.const(value, t)

    def condition(self) -> int:
        found = [x for x in self.pool if self.b.type_of(x) == BOOL]
        if found and self.rng.random() < 0.6:
            return self.rng.choice(found)
        scalars = [x for x in self.pool if isinstance(t := self.b.type_of(x), Type) and not t.shape]
        if not scalars:
            return self.b.const(True)
        return int(self.b.apply(self.rng.choice(("lt", "ge", "ne")), self.rng.choice(scalars), self.of_type(FLOAT)))

    # ---- steps

    def step(self) -> None:
        kinds = ["unary"] * 4 + ["binary"] * 8 + ["constant"] * 2 + ["where", "cast", "fixed", "again", "assert"]
        if self.tensors:
            kinds += ["move"] * 4 + ["reduce", "matmul", "take"]
        if self.depth < 2:
            kinds += ["cond", "loop", "loop"] if self.depth else ["cond", "cond", "loop", "loop", "loop"]
        try:
            made = getattr(self, f"_{self.rng.choice(kinds)}")()
        except TypeMismatch:
            return
        for x in made if isinstance(made, list) else [made]:
            self.keep(x)

    def _unary(self) -> int:
        return int(self.b.apply(self.rng.choice(UNARY), self.pick()))

    def _binary(self) -> int:
        x = self.pick()
        y = x if self.rng.random() < 0.1 else self.pick()
        return int(self.b.apply(self.rng.choice(BINARY), x, y))

    def _constant(self) -> int:
        kind = self.rng.randrange(4)
        floats = SPECIAL[:4] if self.rng.random() < 0.5 else SPECIAL
        value: Any = self.rng.choice(floats) if kind < 2 else self.rng.choice(WHOLE) if kind == 2 else kind == 3
        shape = self.rng.choice(SHAPES) if self.tensors and self.rng.random() < 0.2 else ()
        t = Type("bool" if kind == 3 else "int" if kind == 2 else "float", shape, kind != 3 and self.rng.random() < 0.7)
        return self.b.const(value, t)

    def _where(self) -> int:
        return int(self.b.apply("where", self.condition(), self.pick(), self.pick()))

    def _cast(self) -> int:
        return int(self.b.apply("cast", self.pick(), dtype=self.rng.choice(("float", "f32", "int", "float", "i32"))))

    def _fixed(self) -> int:
        return int(self.b.apply("fixed_power", self.pick(), exponent=self.rng.choice((0, 1, 2, 3, -1, 0.5, -0.0, 1.0))))

    def _again(self) -> int:
        """What is there already, computed once more."""
        i = self.rng.randrange(len(self.b))
        if not self.b.operands(i) or not isinstance(self.b.type_of(i), Type) or opname(self.b.op[i]) == "get":
            raise TypeMismatch("nothing")
        return self.b.place(self.b.op[i], self.b.operands(i), self.b.type[i], self.b.attrs.get(i, {}))

    def _assert(self) -> int:
        c = self.condition()
        if self.rng.random() < 0.8:
            c = self.b.apply("or", c, self.b.apply("not", c))
        return int(self.b.apply("assert", c, message="it holds"))

    def _move(self) -> int:
        x = self.pick()
        t = self.b.type_of(x)
        if not isinstance(t, Type):
            raise TypeMismatch("nothing")
        kind = self.rng.randrange(8)
        if kind == 0 or not t.shape:
            return int(self.b.expand(x, shape=self.rng.choice(SHAPES)))
        if kind == 1:
            return int(self.b.expand_dims(x, axes=(self.rng.choice((-1, -1 - t.rank)),)))
        if kind == 2:
            ones = tuple(k - t.rank for k, n in enumerate(t.shape) if n == 1)
            return int(self.b.squeeze(x, axes=ones[:1] or (-1,)))
        if kind == 3 and t.rank > 1:
            return int(self.b.permute(x, axes=(-1, -2)))
        if kind == 4:
            return int(self.b.reshape(x, shape=self.rng.choice((t.shape, (3,), (6,), (3, 2), (1, 3), (t.shape[-1],)))))
        if kind == 5 and isinstance(t.shape[-1], int) and t.shape[-1] > 0:
            n = t.shape[-1]
            start, step = self.rng.choice(((0, 1), (n - 1, -1), (n - 1, 1)))
            return int(self.b.slice(x, starts=(start,), steps=(step,), sizes=(n if start == 0 or step < 0 else 1,)))
        if kind == 6 and isinstance(t.shape[-1], int):
            return int(self.b.concat(x, x, axis=-1))
        return int(self.b.cumsum(x))

    def _reduce(self) -> int:
        x = self.pick()
        t = self.b.type_of(x)
        if not isinstance(t, Type) or not t.shape:
            raise TypeMismatch("nothing")
        axes = tuple(range(-t.rank, 0)) if self.rng.random() < 0.5 else (-1,)
        name = self.rng.choice(("sum", "mean", "amax", "any") if t.dtype == "bool" else ("sum", "mean", "amax", "prod"))
        return int(self.b.apply(name, x, axes=axes, keepdims=self.rng.random() < 0.5))

    def _matmul(self) -> int:
        matrices = [x for x in self.pool if isinstance(t := self.b.type_of(x), Type) and t.rank == 2]
        if not matrices:
            raise TypeMismatch("nothing")
        return int(self.b.matmul(self.rng.choice(matrices), self.rng.choice(matrices)))

    def _take(self) -> int:
        x = self.pick()
        t = self.b.type_of(x)
        ints = [y for y in self.pool if self.b.type_of(y) == INT]
        if not isinstance(t, Type) or not t.shape or not ints:
            raise TypeMismatch("nothing")
        return int(self.b.take(x, self.b.index(self.rng.choice(ints), size=t.shape[-1]), axis=-1))

    # ---- structured nodes

    def within(self, types: list[AnyType], steps: int) -> "Maker":
        inner = Maker(self.rng, self.tensors, self.depth + 1)
        inner.pool = [inner.b.input(t) for t in types]  # type: ignore[arg-type]
        if not inner.pool:
            inner.pool.append(inner.b.const(self.rng.choice(SPECIAL)))
        for _ in range(steps):
            inner.step()
        return inner

    def single(self) -> list[int]:
        return [x for x in self.pool if isinstance(self.b.type_of(x), Type)]

    def _cond(self) -> list[int]:
        condition = self.condition()
        captured = [self.rng.choice(self.pool) for _ in range(self.rng.randrange(4))]
        if self.rng.random() < 0.3:
            captured.append(condition)
        types = [self.b.type_of(x) for x in captured]
        sides = [self.within(types, self.rng.randrange(1, 7)) for _ in range(2)]
        outputs: tuple[list[int], list[int]] = ([], [])
        for _ in range(self.rng.randrange(1, 4)):
            p = self.rng.choice(sides[0].single() or [sides[0].b.const(1.0)])
            outputs[0].append(p)
            outputs[1].append(sides[1].of_type(sides[0].b.type_of(p)))
        graphs = [side.b.done(*found) for side, found in zip(sides, outputs, strict=True)]
        if self.rng.random() < 0.1:
            graphs[1] = graphs[0]
        node = self.b.apply("cond", condition, *captured, **{"then": graphs[0], "else": graphs[1]})
        return [self.b.get(node, k=k) for k in range(len(outputs[0])) if self.rng.random() < 0.8]

    def _loop(self) -> list[int]:
        """A `for` of a few steps, or a `while` that counts; what it wrote may be read by a loop in either direction."""
        counted = self.rng.random() < 0.7
        steps = self.rng.randrange(4)
        carries = [self.rng.choice(self.single()) for _ in range(self.rng.randrange(3))]
        if not counted:
            carries.insert(0, self.b.const(4 - steps, INT))
        carries = [self._typed(x) for x in carries]
        invariants = [self.rng.choice(self.pool) for _ in range(self.rng.randrange(4))]
        if self.rng.random() < 0.3 and carries:
            invariants.append(self.rng.choice(carries))
        stacks = [x for x in self.pool if isinstance(self.b.type_of(x), Stack)]
        invariants = [x for x in invariants if x not in stacks]
        n = self.b.const(steps, INT) if counted else -1
        if counted and self.tensors and self.rng.random() < 0.4:
            rows = [x for x in self.single() if (s := self.b.type1(x).shape) and s[0] == 3]
            stacks = [self.b.unstack(self.rng.choice(rows))] if rows else []
            n = self.b.const(3, INT)
        else:
            stacks = []
        node = self._looped(n, carries, invariants, stacks, counted, False)
        results = self.b.type_of(node)
        count = self.b.get(node, k=0)
        self.counts.append(count)
        found: list[int] = []
        written = []
        for k, t in enumerate(results.items):  # type: ignore[union-attr]
            if k and self.rng.random() < 0.8:
                got = self.b.get(node, k=k)
                (written if isinstance(t, Stack) else found).append(got)
        if written and self.rng.random() < 0.8:  # read them again, by a loop of as many steps
            more = [self._typed(self.rng.choice(self.single())) for _ in range(self.rng.randrange(1, 3))]
            other = self._looped(count, more, [], written, True, self.rng.random() < 0.5)
            found += [self.b.get(other, k=k) for k in range(1, 1 + len(more))]
        return found

    def _typed(self, x: int) -> int:
        """A carry of a weak type would have to stay weak: it becomes a float."""
        return int(self.b.cast(x, dtype="float")) if self.b.type1(x).weak else x

    def _looped(
        self, n: int, carries: list[int], invariants: list[int], stacks: list[int], counted: bool, reverse: bool
    ) -> int:
        b = self.b
        outer = [*(b.type_of(x) for x in carries), *(b.type_of(x) for x in invariants)]
        items: list[AnyType] = [b.type_of(x).item for x in stacks]  # type: ignore[union-attr]
        inner = self.within([INT, *outer, *items], self.rng.randrange(1, 9))
        outputs = []
        for k, x in enumerate(carries):
            if not counted and k == 0:
                outputs.append(inner.b.add(1, inner.b.const(1)))
            else:
                outputs.append(1 + k if self.rng.random() < 0.15 else inner.of_type(b.type_of(x)))
        written = [self.rng.choice(inner.single()) for _ in range(self.rng.randrange(3))]
        at: dict[str, Any] = {"carries": len(carries), "invariants": len(invariants)}
        if reverse:
            at["reverse"] = True
        if not counted:
            test = self.within(outer, self.rng.randrange(3))
            going = test.b.lt(0, test.b.const(4))
            if self.rng.random() < 0.3:
                going = test.b.and_(going, test.condition())
            at["pred"] = test.b.done(going)
        first = (n,) if counted else ()
        return int(b.apply("loop", *first, *carries, *invariants, *stacks, body=inner.b.done(*outputs, *written), **at))


def random_graph(seed: int, tensors: bool, steps: int = 14) -> tuple[Graph, list[Any]]:
    """A graph, and values of its inputs. The same for the same seed."""
    rng = Random(f"{seed} {tensors}")
    m = Maker(rng, tensors)
    types: list[Type] = [FLOAT, FLOAT, rng.choice((F32, INT)), rng.choice((INT, BOOL, I32))]
    if tensors:
        types += [Type(rng.choice(("float", "float", "f32", "int")), rng.choice(SHAPES)) for _ in range(3)]
    m.pool = [m.b.input(t, f"x{k}") for k, t in enumerate(types)]
    for _ in range(rng.randrange(2, steps + 1)):
        m.step()
    outputs = [rng.choice(m.single()) for _ in range(rng.randrange(1, 4))]
    graph = m.b.done(*outputs, *m.single()[-2:], *m.counts[:1])
    return graph, [_value(rng, t) for t in types]


def _value(rng: Random, t: Type) -> Any:
    shape = tuple(SIZE if isinstance(d, str) else d for d in t.shape)

    def one() -> Any:
        if t.dtype == "bool":
            return rng.random() < 0.5
        if t.is_int:
            return rng.choice((0, 1, 2, 3, -1, 5, 100))
        kind = rng.random()
        x = rng.choice(SPECIAL[:2]) if kind < 0.2 else rng.choice(SPECIAL) if kind < 0.5 else rng.uniform(-3, 3)
        return x if t.dtype == "float" else float(np.float32(min(max(x, -1e38), 1e38)))

    if not shape:
        return one()
    return np.array([one() for _ in range(math.prod(shape))], dtype=DTYPES[t.dtype]).reshape(shape)


def run(graph: Graph, inputs: list[Any], numbers: bool) -> list[bytes | str]:
    """The bits of every output, each nan the same; or the code of what stopped the run."""
    try:
        if numbers:
            v = ScalarExecutor(graph, max_steps=10_000).forward(inputs)
        else:
            v = ArrayExecutor(graph, max_steps=10_000).forward(inputs, {"n": SIZE})
    except CgError as e:
        return [e.diagnostics[0].code]
    return [bits(v[i]) for i in graph.outputs]


def numbers_do(graph: Graph) -> bool:
    """Whether the graph runs on Python's numbers."""
    return is_scalar(graph)


def bits(x: Any) -> bytes:
    made = np.asarray(x)
    if made.dtype.kind == "f":
        made = np.where(np.isnan(made), np.full_like(made, np.nan), made)
    return f"{made.dtype} {made.shape} ".encode() + made.tobytes()
