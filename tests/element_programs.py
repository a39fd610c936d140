"""Random programs that write elements of arrays in loops, and the same ones that choose between old and new elements.

Each program has two texts. One assigns to parts, `A[i, j] = e`. The other has a dense choice for each assignment,
`A = where(rows == i and cols == j, e, A)`, so its graph holds no writes of elements at all.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

import numpy as np

ROWS, COLUMNS, LENGTH = 5, 6, 19
HEADER = f"""input x: float[{LENGTH}]
input B: float[{ROWS}, {COLUMNS}]
input a
input n: int
input rows: int[{ROWS}, {COLUMNS}]
input cols: int[{ROWS}, {COLUMNS}]
input at: int[{LENGTH}]
A = B + 0.0
v = x * 1.5
h = x * a
k = 1
c = a
"""
END = "out = sum(A * A) + sum(sin(v)) + sum(h) * 0.5 + c\n"


class Texts(NamedTuple):
    writing: str
    choosing: str


def element_program(seed: int, size: int = 4) -> Texts:
    program = _Program(Random(seed))
    program.block(size, 0, [])
    return Texts(HEADER + "".join(program.writing) + END, HEADER + "".join(program.choosing) + END)


def inputs_of(seed: int, n: int) -> dict[str, object]:
    rng = np.random.default_rng(seed)
    rows, cols = np.indices((ROWS, COLUMNS))
    return {
        "x": rng.uniform(0.2, 1.2, LENGTH),
        "B": rng.uniform(-1, 1, (ROWS, COLUMNS)),
        "a": 0.7,
        "n": n,
        "rows": rows,
        "cols": cols,
        "at": np.arange(LENGTH),
    }


class _Program:
    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.writing: list[str] = []
        self.choosing: list[str] = []

    def block(self, count: int, depth: int, variables: list[str]) -> None:
        for _ in range(self.rng.randint(1, count)):
            self._statement(depth, variables)

    def _both(self, depth: int, text: str, other: str | None = None) -> None:
        self.writing.append("  " * depth + text + "\n")
        self.choosing.append("  " * depth + (text if other is None else other) + "\n")

    def _statement(self, depth: int, variables: list[str]) -> None:
        kind = self.rng.random()
        if depth < 3 and kind < (0.75 if not depth else 0.25):
            variable = f"t{depth}"
            head = self.rng.choice(
                [f"for {variable} in 0..{self.rng.randint(1, 3)}", f"for {variable} in 0..n", "while c < 2"]
            )
            self._both(depth, head + " {")
            if head.startswith("while"):
                self._both(depth + 1, "c = c + 0.6")
            self.block(3, depth + 1, variables if head.startswith("while") else [*variables, variable])
            self._both(depth, "}")
        elif depth < 3 and kind < 0.4:
            self._both(depth, f"if {self._number(variables)} > {self._number(variables)} {{")
            self.block(2, depth + 1, variables)
            if self.rng.random() < 0.5:
                self._both(depth, "} else {")
                self.block(2, depth + 1, variables)
            self._both(depth, "}")
        elif kind < 0.5:
            self._both(depth, f"k = (k * 3 + {self._int(variables)}) % 7")
        elif kind < 0.55:
            self._both(depth, f"c = c + 0.1 * {self._number(variables)}")
        elif kind < 0.72:
            self._write_matrix(depth, variables)
        else:
            self._write_vector(depth, variables)

    def _write_matrix(self, depth: int, variables: list[str]) -> None:
        i, j = self._index(variables, ROWS), self._index(variables, COLUMNS)
        kind = self.rng.random()
        if kind < 0.5:
            e = self._number(variables)
            self._both(depth, f"A[{i}, {j}] = {e}", f"A = where(rows == ({i}) and cols == ({j}), {e}, A)")
        elif kind < 0.65:
            e = self.rng.choice(
                [self._number(variables), f"v[2:{2 + COLUMNS}] * {self._number(variables)}", "A[1] + A[3]"]
            )
            self._both(depth, f"A[{i}, :] = {e}", f"A = where(rows == ({i}), {e}, A)")
        elif kind < 0.8:
            e = self._number(variables)
            self._both(depth, f"A[1:4, {j}] = {e}", f"A = where(rows >= 1 and rows < 4 and cols == ({j}), {e}, A)")
        elif kind < 0.9:
            e = self._number(variables)
            self._both(depth, f"A[::2, 1:] = A[::2, 1:] * {e}", f"A = where(rows % 2 == 0 and cols >= 1, A * {e}, A)")
        else:
            p, q = self._number(variables), self._number(variables)
            self._both(
                depth,
                f"A[[0, {i}, 0], [1, {j}, 1]] = [{p}, {q}, c]",
                f"A = where(rows == 0 and cols == 1, c, where(rows == ({i}) and cols == ({j}), {q}, A))",
            )

    def _write_vector(self, depth: int, variables: list[str]) -> None:
        name, i = self.rng.choice("vvh"), self._index(variables, LENGTH)
        kind = self.rng.random()
        if kind < 0.6:
            e = self.rng.choice([self._number(variables), f"{name}[{i}] + {self._number(variables)}"])
            self._both(depth, f"{name}[{i}] = {e}", f"{name} = where(at == ({i}), {e}, {name})")
        elif kind < 0.75:
            e = self._number(variables)
            self._both(
                depth,
                f"{name}[1:6] = {name}[2:7] * {e}",
                f"{name} = where(at >= 1 and at < 6, concat([{name}[1:], {name}[:1]]) * {e}, {name})",
            )
        elif kind < 0.9:
            other = self._index(variables, LENGTH)
            p, q = self._number(variables), self._number(variables)
            self._both(
                depth,
                f"{name}[[{i}, {other}]] = [{p}, {q}]",
                f"{name} = where(at == ({other}), {q}, where(at == ({i}), {p}, {name}))",
            )
        else:
            e = self._number(variables)
            self._both(depth, f"{name} = cos({name}) * {e}")

    def _int(self, variables: list[str]) -> str:
        return self.rng.choice([*variables, *variables, "k", "k", str(self.rng.randint(0, 4)), "n"])

    def _index(self, variables: list[str], size: int) -> str:
        if self.rng.random() < 0.25:
            return str(self.rng.randint(0, size - 1))
        a, b = self._int(variables), self._int(variables)
        return self.rng.choice([f"({a} + {b}) % {size}", f"({a} * 2 + 1) % {size}", f"{a} % {size}"])

    def _number(self, variables: list[str]) -> str:
        i, j = self._index(variables, ROWS), self._index(variables, COLUMNS)
        return self.rng.choice(
            [
                f"sin(A[{i}, {j}])",
                f"tanh(v[{self._index(variables, LENGTH)}])",
                f"(v[{self._index(variables, LENGTH)}] * 0.3 + 0.1)",
                f"cos(A[{i}, {j}] * a)",
                "sin(c)",
                "(a * 0.5)",
                f"0.{self.rng.randint(1, 9)}",
                "tanh(sum(A) * 0.1)",
                f"tanh(sum(A[{i}]))",
                f"sin(x[{self._index(variables, LENGTH)}])",
                "tanh(max(h))",
            ]
        )
