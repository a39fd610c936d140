"""Graphs of ten thousand to a million numbers that are ready to run: what an operation takes, forward and backward, as
machine code and on Python's numbers, beside CasADi's ready function.

    python benchmarks/large_graphs.py
    python benchmarks/large_graphs.py --break-even    # first runs of new processes: where machine code pays
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import math
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from cgcli.graph.graph import Graph
from cgcli.graph.types import FLOAT
from cgcli.ops.builder import Builder
from cgcli.run.scalar import executor
from cgcli.run.scalar.executor import NumberGraph

Run = Callable[[], list[float]]
"""Computes the derivatives by the inputs."""
SIZES = (10_000, 100_000, 1_000_000)
ROUNDS = 15
BINARY = {"add": "__add__", "sub": "__sub__", "mul": "__mul__"}


def chain(b: Any, operations: int) -> int:
    """The last of h = sin(h * w + x) + h."""
    x, w = b.inputs(2)
    h = x
    for _ in range(operations // 4):
        h = b.add(b.sin(b.add(b.mul(h, w), x)), h)
    return int(h)


def mixed(b: Any, operations: int) -> int:
    """Five operations in no order, each value read once: a processor cannot tell which one is next."""
    rng = Random(1)
    values = list(b.inputs(16))
    for n in range(operations):
        left = operations - n
        name = "add" if left < len(values) else rng.choice(("add", "sub", "mul" if n % 2 else "sin", "sin", "tanh"))
        grows = len(values) < min(2000, operations // 8) and left > len(values)
        xs = [
            rng.choice(values) if grows else values.pop(rng.randrange(len(values))) for _ in range(1 + (name in BINARY))
        ]
        values.append(getattr(b, name)(*xs))
    return int(values[0])


class CgBuilder(Builder):
    def inputs(self, count: int) -> list[int]:
        return [self.input(FLOAT) for _ in range(count)]


class CasadiBuilder:
    def __init__(self) -> None:
        self.casadi = importlib.import_module("casadi")
        self.values: list[Any] = []

    def inputs(self, count: int) -> list[int]:
        self.values = [self.casadi.SX.sym(f"x{k}") for k in range(count)]
        return list(range(count))

    def __getattr__(self, name: str) -> Callable[..., int]:
        def apply(*xs: int) -> int:
            operands = [self.values[x] for x in xs]
            operation = getattr(operands[0], BINARY[name]) if name in BINARY else getattr(self.casadi, name)
            self.values.append(operation(*operands[name in BINARY :]))
            return len(self.values) - 1

        return apply


def point(count: int) -> list[float]:
    return [0.5 / (1.0 + 500.0 * k) for k in range(count)]


def of_cg(graph: Graph, least_work: float) -> Run:
    """least_work: from which on the graph is machine code."""
    numbers, top, values = NumberGraph(graph), graph.outputs[0], point(len(graph.inputs))
    executor.LEAST_WORK = least_work  # type: ignore[assignment]
    numbers.run(values)

    def run() -> list[float]:
        adjoints = numbers.adjoints(numbers.run(values), top)
        return [adjoints[x] for x in graph.inputs]

    return run


def of_casadi(build: Callable[[Any, int], int], operations: int) -> Run:
    """The ready function over buffers of its own, as CasADi is called quickest."""
    casadi, np, b = importlib.import_module("casadi"), importlib.import_module("numpy"), CasadiBuilder()
    y = b.values[top] if (top := build(b, operations)) else None
    symbols = casadi.symvar(y)
    x = casadi.vertcat(*sorted(symbols, key=lambda s: int(s.name()[1:])))
    function = casadi.Function("f", [x], [y, casadi.gradient(y, x)])
    buffers, evaluate = function.buffer()
    arrays = np.array(point(len(symbols))), np.zeros(1), np.zeros(len(symbols))
    buffers.set_arg(0, memoryview(arrays[0]))
    for n, array in enumerate(arrays[1:]):
        buffers.set_res(n, memoryview(array))
    kept = function, buffers, arrays

    def run() -> list[float]:
        evaluate()
        gradient: list[float] = kept[2][2].tolist()
        return gradient

    return run


def quickest(ways: Mapping[str, Run], rounds: int = ROUNDS) -> dict[str, float]:
    """The least seconds of the processor of each, in turns."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            start = time.process_time()
            way()
            seconds[name].append(time.process_time() - start)
    return {name: min(s) for name, s in seconds.items()}


def graph_of(build: Callable[[Any, int], int], operations: int) -> Graph:
    b = CgBuilder()
    return b.done(build(b, operations))


def main() -> None:
    has_casadi = importlib.util.find_spec("casadi") is not None
    print(f"ns an operation, forward and backward      cg   on Python's numbers{'   CasADi' * has_casadi}")
    for build in (chain, mixed):
        for operations in SIZES:
            graph = graph_of(build, operations)
            machine, numbers = of_cg(graph, 0), of_cg(graph, math.inf)
            assert machine() == numbers(), "digits differ"
            seconds = quickest({"numbers": numbers}, 3)
            ways = {"cg": machine} | ({"casadi": of_casadi(build, operations)} if has_casadi else {})
            if has_casadi:
                pairs = zip(machine(), ways["casadi"](), strict=True)
                assert all(math.isclose(x, y, rel_tol=1e-6) for x, y in pairs), "values differ"
            seconds |= quickest(ways)
            ns = {name: 1e9 * s / operations for name, s in seconds.items()}
            line = f"{build.__name__:8} {operations:10} {ns['cg']:26.1f} {ns['numbers']:21.0f}"
            if has_casadi:
                line += f" {ns['casadi']:8.1f} = {ns['casadi'] / ns['cg']:.2f} × cg"
            print(line, flush=True)


# ---- where machine code pays


def first_run(operations: int, least_work: float) -> None:
    """Prints the seconds of the first run forward and backward of a process."""
    graph = graph_of(chain, operations)
    start = time.process_time()
    executor.LEAST_WORK = least_work  # type: ignore[assignment]
    numbers = NumberGraph(graph)
    numbers.adjoints(numbers.run(point(2)), graph.outputs[0])
    print(time.process_time() - start)


def break_even() -> None:
    for operations in (100_000, 200_000, 400_000, 800_000):
        command = [sys.executable, __file__, "--first-run", str(operations)]
        numbers, native = (
            min(float(subprocess.check_output([*command, least_work], text=True)) for _ in range(3))
            for least_work in ("inf", "0")
        )
        ms = f"{1e3 * numbers:.0f} ms on Python's numbers, {1e3 * native:.0f} ms as machine code"
        print(f"{operations} operations: {ms}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--break-even", action="store_true")
    parser.add_argument("--first-run", nargs=2, metavar=("OPERATIONS", "LEAST_WORK"))
    arguments = parser.parse_args()
    if arguments.first_run:
        first_run(int(arguments.first_run[0]), float(arguments.first_run[1]))
    elif arguments.break_even:
        break_even()
    else:
        main()
