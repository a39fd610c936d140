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
from collections.abc import Callable, Iterator
from typing import Any

from measuring import Figure, missing

from cgcli import parse
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
    gradient = program.record({"n": n, "x": X}).grad({}, of="y")
    return gradient.value, gradient.partials["x"]


def by_function(n: int) -> tuple[float, float]:
    def y(x: float) -> Any:
        return chain(x, n)

    gradient = trace(y).record({"x": X}).grad({})
    return gradient.value, gradient.partials["x"]


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
    start = time.process_time()
    side(n)
    taken = time.process_time() - start
    gc.enable()
    return taken


def available() -> dict[str, Callable[[int], tuple[float, float]]]:
    """The sides that run here, each with the right result."""
    expected = by_micrograd(50)
    sides = {}
    for name, side in SIDES.items():
        try:
            value = side(50)
        except ImportError:
            continue
        assert all(abs(a - b) < 1e-9 * abs(b) for a, b in zip(value, expected, strict=True)), (name, value, expected)
        sides[name] = side
    return sides


def nanoseconds(operations: int, rounds: int, *, collect: bool) -> dict[str, float]:
    """Of each side, for an operation and its backward pass: the median of runs in turn."""
    taken: dict[str, list[float]] = {name: [] for name in available()}
    for _ in range(rounds):
        for name, times in taken.items():
            times.append(seconds(SIDES[name], operations // 2, collect) / operations * 1e9)
    return {name: statistics.median(times) for name, times in taken.items()}


def dynamic() -> Iterator[Figure]:
    """Rows of the table."""
    medians = nanoseconds(40_000, 5, collect=True)
    for name, aim in (("cg, a Python function", 600), ("cg, a program", 1500)):
        own = medians[name]
        peers = {peer: taken / own for peer, taken in medians.items() if not peer.startswith("cg")}
        work = f"dynamic, {name.removeprefix('cg, ')}, an operation with backward"
        shown = f"{own / 1e3:.2f} µs"
        yield Figure(work, f"≤ {aim / 1e3:g} µs", shown, own <= aim, peers, missing("torch", "autograd"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(f"nanoseconds an operation, forward and backward, {options.operations:,} operations")
    print("                           collector on    off")
    on, off = (nanoseconds(options.operations, options.rounds, collect=c) for c in (True, False))
    for name in on:
        print(f"{name:<24} {on[name]:>14,.0f} {off[name]:>6,.0f}")
    ours = "cg, a Python function"
    for name in on:
        if not name.startswith("cg"):
            ratios = f"{on[name] / on[ours]:.1f} times cg's with the collector, {off[name] / off[ours]:.1f} without"
            print(f"{name}: {ratios}")
    print("a longer tape, nanoseconds an operation")
    for count in (10_000, 100_000, 1_000_000):
        print(f"{count:>12,} {seconds(by_function, count // 2, True) / count * 1e9:>10,.0f}")


if __name__ == "__main__":
    main()
