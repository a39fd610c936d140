"""Random programs with control flow, each in two languages: as a `.cg` program and as a function in Python.

Python runs the second one over `Traced` numbers, which write down what they do: the straight line through the program
that this run took, a program without control flow.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

NUMBERS = ("x", "a", "b")
LARGEST = 1e6  # of what a run computes; beyond it says nothing about derivatives


class TooLarge(Exception):
    """A run leaves the numbers that a comparison makes sense for."""


# ---- running in Python


@dataclass
class Tape:
    """What a run did, line by line."""

    lines: list[str] = field(default_factory=list)

    def note(self, value: float, text: str) -> Traced:
        if not abs(value) < LARGEST:
            raise TooLarge
        name = f"t{len(self.lines)}"
        self.lines.append(f"{name} = {text}")
        return Traced(self, value, name)


@dataclass
class Traced:
    """A number that a program computes, and its name in the straight line."""

    tape: Tape
    value: float
    name: str

    def _with(self, op: str, x: Any, y: Any) -> Traced:
        p, q = valued(x), valued(y)
        value = p + q if op == "+" else p - q if op == "-" else p * q if op == "*" else p / q
        return self.tape.note(value, f"{named(x)} {op} {named(y)}")

    def __add__(self, other: Any) -> Traced:
        return self._with("+", self, other)

    def __radd__(self, other: Any) -> Traced:
        return self._with("+", other, self)

    def __sub__(self, other: Any) -> Traced:
        return self._with("-", self, other)

    def __rsub__(self, other: Any) -> Traced:
        return self._with("-", other, self)

    def __mul__(self, other: Any) -> Traced:
        return self._with("*", self, other)

    def __rmul__(self, other: Any) -> Traced:
        return self._with("*", other, self)

    def __truediv__(self, other: Any) -> Traced:
        return self._with("/", self, other)

    def __rtruediv__(self, other: Any) -> Traced:
        return self._with("/", other, self)

    def __lt__(self, other: Any) -> bool:
        return self.value < valued(other)

    def __gt__(self, other: Any) -> bool:
        return self.value > valued(other)

    def __abs__(self) -> Traced:
        return self.tape.note(abs(self.value), f"abs({self.name})")


def valued(x: Any) -> Any:
    return x.value if isinstance(x, Traced) else x


def named(x: Any) -> str:
    return x.name if isinstance(x, Traced) else f"({x!r})"


def traced(name: str, function: Callable[[float], float]) -> Callable[[Any], Any]:
    def call(x: Any) -> Any:
        if isinstance(x, Traced):
            return x.tape.note(function(x.value), f"{name}({x.name})")
        return function(x)

    return call


FUNCTIONS: Mapping[str, Any] = {
    "sin": traced("sin", math.sin),
    "tanh": traced("tanh", math.tanh),
    "atan": traced("atan", math.atan),
    "abs": abs,
    "total": lambda items: sum(items, 0.0),
}


class Program(NamedTuple):
    """One program in both languages; its result is `out`."""

    text: str
    python: str

    def run(self, inputs: Mapping[str, Any]) -> tuple[float, str]:
        """The value of `out`, and the straight line to it over the inputs x, a, b, xs0, xs1, …

        Raises AssertionError where an assert of the program fails, TooLarge beyond LARGEST.
        """
        tape = Tape()
        known: dict[str, Any] = {name: Traced(tape, inputs[name], name) for name in NUMBERS}
        known["xs"] = [Traced(tape, x, f"xs{i}") for i, x in enumerate(inputs["xs"])]
        known |= {"m": inputs["m"], "n": len(inputs["xs"]), **FUNCTIONS}
        exec(compile(self.python, "program", "exec"), known)
        out = known["out"]
        names = [*NUMBERS, *(x.name for x in known["xs"])]
        lines = [*(f"input {name}" for name in names), *tape.lines, f"out = {named(out)}", "output out"]
        return valued(out), "\n".join(lines)


# ---- making them


class Both(NamedTuple):
    """An expression in both languages."""

    cg: str
    python: str


def both(pattern: str, *parts: Both) -> Both:
    return Both(pattern.format(*(p.cg for p in parts)), pattern.format(*(p.python for p in parts)))


def same(text: str) -> Both:
    return Both(text, text)


@dataclass
class Known:
    """The names that a place may use: numbers, whole numbers, arrays of 3, and what stands for an item of `xs`."""

    numbers: list[str]
    whole: list[str] = field(default_factory=list)
    arrays: list[str] = field(default_factory=list)
    items: list[Both] = field(default_factory=list)
    fixed: tuple[str, ...] = ()  # inputs, which cannot be bound again

    def inner(self) -> Known:
        return Known(list(self.numbers), list(self.whole), list(self.arrays), list(self.items), self.fixed)

    def open(self) -> list[str]:
        return [n for n in self.numbers if n not in self.fixed]


@dataclass
class Maker:
    """Writes one program."""

    rng: Random
    cg: list[str] = field(default_factory=list)
    python: list[str] = field(default_factory=list)
    depth: int = 0
    names: int = 0
    functions: list[str] = field(default_factory=list)
    returning: bool = False

    def fresh(self, stem: str) -> str:
        self.names += 1
        return f"{stem}{self.names}"

    def line(self, text: Both) -> None:
        self.cg.append("    " * self.depth + text.cg)
        self.python.append("    " * self.depth + text.python)

    @contextmanager
    def block(self, head: Both) -> Iterator[None]:
        """Statements within braces, or below a colon."""
        self.line(Both(f"{head.cg} {{", f"{head.python}:"))
        self.depth += 1
        self.python.append("    " * self.depth + "pass")
        yield
        self.depth -= 1
        self.cg.append("    " * self.depth + "}")

    # ---- expressions

    def leaf(self, known: Known) -> Both:
        kind = self.rng.choice(("name", "name", "name", "number", "whole", "item", "array"))
        if kind == "whole" and known.whole:
            return same(self.rng.choice(known.whole))
        if kind == "item" and known.items:
            return self.rng.choice(known.items)
        if kind == "array" and known.arrays:
            name = self.rng.choice(known.arrays)
            if self.rng.random() < 0.4:
                return Both(f"sum({name})", f"total({name})")
            return same(f"{name}[{self.rng.randrange(3)}]")
        if kind == "number":
            return same(f"({self.rng.uniform(-2, 2):.3f})")
        return same(self.rng.choice(known.numbers))

    def number(self, known: Known, depth: int = 2) -> Both:
        if depth == 0 or self.rng.random() < 0.2:
            return self.leaf(known)
        x, y = self.number(known, depth - 1), self.number(known, depth - 1)
        kind = self.rng.choice(("infix", "infix", "infix", "ratio", "function", "function", "if"))
        if kind == "ratio":
            return both("({} / (2.5 + sin({})))", x, y)
        if kind == "function":
            return both(self.rng.choice(("sin", "tanh", "atan", "abs")) + "({})", x)
        if kind == "if":
            c = self.condition(known)
            return Both(f"(if {c.cg} then {x.cg} else {y.cg})", f"({x.python} if {c.python} else {y.python})")
        return both(f"({{}} {self.rng.choice('+-*')} {{}})", x, y)

    def bounded(self, known: Known) -> Both:
        return both(self.rng.choice(("tanh({})", "sin({})", "atan({})", "0.7 * tanh({})")), self.number(known))

    def condition(self, known: Known) -> Both:
        limit = same(f"{self.rng.uniform(0, 1):.2f}")
        made = both(f"{{}} {self.rng.choice('<>')} {{}}", self.number(known, 1), limit)
        if self.rng.random() < 0.2:
            made = both(self.rng.choice(("({} and {})", "({} or {})")), made, self.condition(known))
        return made

    # ---- statements

    def statements(self, known: Known, depth: int, count: int) -> None:
        for _ in range(count):
            kinds = ["let", "let", "let", "assert"]
            if depth:
                kinds += ["if", "for", "for", "items", "while", "array"]
            kinds += ["return"] if self.returning else []
            getattr(self, f"_{self.rng.choice(kinds)}")(known, depth)

    def bind(self, name: str, value: Both) -> None:
        self.line(both(f"{name} = {{}}", value))

    def _let(self, known: Known, depth: int) -> None:
        name = self.rng.choice([*known.open(), self.fresh("v")])
        self.bind(name, self.bounded(known))
        if name not in known.numbers:
            known.numbers.append(name)

    def _array(self, known: Known, depth: int) -> None:
        """A new array, or an element of one; written by the variable of a loop it is a stack."""
        if not known.arrays or self.rng.random() < 0.3:
            name = self.fresh("w")
            self.line(Both(f"{name} = zeros([3])", f"{name} = [0.0, 0.0, 0.0]"))
            known.arrays.append(name)
        name = self.rng.choice(known.arrays)
        if self.rng.random() < 0.4:
            self.line(both(f"{name}[{self.rng.randrange(3)}] = {{}}", self.bounded(known)))
            return
        k, inner = self.fresh("k"), known.inner()
        inner.whole.append(k)
        with self.block(Both(f"for {k} in 0..3", f"for {k} in range(3)")):
            if self.rng.random() < 0.5:
                self.statements(inner, 0, 1)
            self.line(both(f"{name}[{k}] = {{}}", self.bounded(inner)))

    def _if(self, known: Known, depth: int) -> None:
        shared = self.fresh("v") if self.rng.random() < 0.5 else None
        with self.block(both("if {}", self.condition(known))):
            self._side(known, depth, shared)
        if shared is not None or self.rng.random() < 0.6:
            self.cg.pop()  # the brace stands in front of `else`
            with self.block(Both("} else", "else")):
                self._side(known, depth, shared)
        if shared is not None:
            known.numbers.append(shared)

    def _side(self, known: Known, depth: int, shared: str | None) -> None:
        inner = known.inner()
        self.statements(inner, depth - 1, self.rng.randint(0, 2))
        if shared is not None:
            self.bind(shared, self.bounded(inner))

    def _for(self, known: Known, depth: int) -> None:
        t, inner = self.fresh("t"), known.inner()
        low, high = self.rng.choice((("0", "n"), ("0", "n"), ("1", "n"), ("0", "n - 1"), ("0", "3"), ("-1", "m")))
        inner.whole.append(t)
        if high.startswith("n"):
            inner.items.append(same(f"xs[{t}]"))
            inner.items += [same(f"xs[{t} + 1]")] if high == "n - 1" else []
            inner.items += [same(f"xs[{t} - 1]")] if low == "1" else []
        with self.block(Both(f"for {t} in {low}..{high}", f"for {t} in range({low}, {high})")):
            self._step(known, inner, depth)

    def _items(self, known: Known, depth: int) -> None:
        x, inner = self.fresh("x"), known.inner()
        inner.numbers.append(x)
        inner.fixed = (*inner.fixed, x)
        with self.block(same(f"for {x} in xs")):
            self._step(known, inner, depth)

    def _while(self, known: Known, depth: int) -> None:
        """As long as a number is large, which each step makes smaller; and some fixed number of steps at most."""
        if not known.open():
            self._let(known, depth)
        x, k, inner = self.rng.choice(known.open()), self.fresh("k"), known.inner()
        self.line(same(f"{k} = 0"))
        inner.whole.append(k)
        more = self.condition(known) if self.rng.random() < 0.4 else same(f"abs({x}) > 0.05")
        with self.block(both(f"while {k} < {self.rng.randint(1, 5)} and {{}}", more)):
            self._step(known, inner, depth)
            self.line(same(f"{x} = 0.5 * {x}"))
            self.line(same(f"{k} = {k} + 1"))
        known.whole.append(k)

    def _step(self, known: Known, inner: Known, depth: int) -> None:
        self.statements(inner, depth - 1, self.rng.randint(0, 2))
        changed = known.open()
        if changed:
            self.bind(self.rng.choice(changed), self.bounded(inner))
        else:
            self.line(both("assert abs({}) < 99", self.bounded(inner)))

    def _return(self, known: Known, depth: int) -> None:
        with self.block(both("if {}", self.condition(known))):
            self.line(both("return {}", self.number(known)))

    def _assert(self, known: Known, depth: int) -> None:
        """One that holds, or one that may not."""
        text = "assert {} < 0.4" if self.rng.random() < 0.3 else "assert abs({}) < 99"
        self.line(both(text, self.bounded(known)))

    # ---- whole programs

    def program(self) -> Program:
        self.cg += ["input x", "input a", "input b", "input xs: float[n]", "input m: int"]
        for _ in range(self.rng.randint(0, 2)):
            name, self.returning = self.fresh("f"), True
            known = Known(["p", "q", "x"], fixed=("x",))
            with self.block(Both(f"fn {name}(p, q)", f"def {name}(p, q)")):
                self.statements(known, 2, self.rng.randint(1, 3))
                self.line(both("return {}", self.number(known)))
            self.functions.append(name)
        self.returning = False
        known = Known(list(NUMBERS), fixed=NUMBERS)
        self.statements(known, 3, self.rng.randint(2, 4))
        out = self.number(known)
        for name in self.functions:
            out = both(f"{{}} + {name}({{}}, {{}})", out, self.number(known, 1), self.number(known, 1))
        self.bind("out", both("0.5 * x * a + {}", out))
        return Program("\n".join([*self.cg, "output out", ""]), "\n".join([*self.python, ""]))


def random_program(seed: int) -> Program:
    return Maker(Random(seed)).program()


def random_inputs(rng: Random, items: int | None = None) -> dict[str, Any]:
    """A point to run a program at; items: of `xs`, by chance if None."""
    many = rng.randint(0, 3) if items is None else items
    numbers = {name: rng.uniform(-1.5, 1.5) for name in NUMBERS}
    return {**numbers, "xs": [rng.uniform(-1, 1) for _ in range(many)], "m": rng.randint(-1, 3)}


def straight_inputs(inputs: Mapping[str, Any]) -> Sequence[float]:
    """The inputs of the straight line."""
    return [*(inputs[name] for name in NUMBERS), *inputs["xs"]]
