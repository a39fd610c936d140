"""Dynamic graphs: what recording and differentiating one scalar operation costs, beside others that define by run.

All sides compute the same chain `y = y * x + x`, and its derivative by x, in one process; the values are compared
first. `micrograd` stands for its style: an object an operation, with a closure for the way back. Peers that are not
installed are left out.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Callable
from typing import Any

from cgcli.program import parse
from cgcli.program.dynamic import DynamicProgram
from cgcli.program.host import trace

X = 0.9999
PROGRAM = "input n: int\ninput x\ny = x\nfor t in 0..n { y = y * x + x }\noutput y\n"


class Number:
    """A number of micrograd's kind."""

    def __init__(self, data: float, parents: tuple[Number, ...] = ()) -> None:
        self.data, self.grad, self.parents = data, 0.0, parents
        self.back: Callable[[], None] = lambda: None

    def __add__(self, other: Number) -> Number:
        out = Number(self.data + other.data, (self, other))

        def back() -> None:
            self.grad += out.grad
            other.grad += out.grad

        out.back = back
        return out

    def __mul__(self, other: Number) -> Number:
        out = Number(self.data * other.data, (self, other))

        def back() -> None:
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out.back = back
        return out

    def backward(self) -> None:
        order: list[Number] = []
        seen: set[int] = set()
        stack = [(self, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack.extend((p, False) for p in node.parents)
        self.grad = 1.0
        for node in reversed(order):
            node.back()


def chain(x: Any, n: int) -> Any:
    y = x
    for _ in range(n):
        y = y * x + x
    return y


def by_micrograd(n: int) -> tuple[float, float]:
    x = Number(X)
    y = chain(x, n)
    y.backward()
    return y.data, x.grad


def by_program(n: int) -> tuple[float, float]:
    program = parse(PROGRAM, mode="dynamic")
    assert isinstance(program, DynamicProgram)
    found = program.record({"n": n, "x": X}).grad({}, of="y")
    return found.value, found.partials["x"]


def by_function(n: int) -> tuple[float, float]:
    def y(x: float) -> Any:
        return chain(x, n)

    found = trace(y).record({"x": X}).grad({})
    return found.value, found.partials["x"]


def by_autograd(n: int) -> tuple[float, float]:
    from autograd import value_and_grad

    value, slope = value_and_grad(lambda x: chain(x, n))(X)
    return float(value), float(slope)


def by_torch(n: int) -> tuple[float, float]:
    import torch

    x = torch.tensor(X, dtype=torch.float64, requires_grad=True)
    y = chain(x, n)
    y.backward()
    return y.item(), x.grad.item()


SIDES: dict[str, Callable[[int], tuple[float, float]]] = {
    "cg, a Python function": by_function,
    "cg, a program": by_program,
    "micrograd's style": by_micrograd,
    "autograd": by_autograd,
    "PyTorch, eager": by_torch,
}


def seconds(side: Callable[[int], tuple[float, float]], n: int, collect: bool) -> float:
    gc.collect()
    (gc.enable if collect else gc.disable)()
    start = time.perf_counter()
    side(n)
    taken = time.perf_counter() - start
    gc.enable()
    return taken


def available() -> dict[str, Callable[[int], tuple[float, float]]]:
    """The sides that run here, each with the right result."""
    wanted = by_micrograd(50)
    found = {}
    for name, side in SIDES.items():
        try:
            value = side(50)
        except ImportError:
            print(f"{name} is not installed")
            continue
        assert all(abs(a - b) < 1e-9 * abs(b) for a, b in zip(value, wanted, strict=True)), (name, value, wanted)
        found[name] = side
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    sides = available()
    n = options.operations // 2
    print(f"nanoseconds an operation, forward and backward, {options.operations:,} operations")
    print("                           collector on    off")
    medians: dict[str, list[float]] = {name: [] for name in sides}
    for collect in (True, False):
        taken: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(options.rounds):
            for name, side in sides.items():
                taken[name].append(seconds(side, n, collect) / options.operations * 1e9)
        for name, times in taken.items():
            medians[name].append(statistics.median(times))
    for name, (on, off) in medians.items():
        print(f"{name:<24} {on:>14,.0f} {off:>6,.0f}")
    ours = medians["cg, a Python function"]
    for name, theirs in medians.items():
        if not name.startswith("cg"):
            print(f"{name}: {theirs[0] / ours[0]:.1f} times cg's with the collector, {theirs[1] / ours[1]:.1f} without")
    print("a longer tape, nanoseconds an operation")
    for count in (10_000, 100_000, 1_000_000):
        print(f"{count:>12,} {seconds(by_function, count // 2, True) / count * 1e9:>10,.0f}")


if __name__ == "__main__":
    main()
