"""A graph of 100 000 scalar operations: built, run forward and backward, beside CasADi and PyTorch; and read from text,
beside what Python takes to parse the same lines."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

from cgcli.graph.types import FLOAT
from cgcli.ops.builder import Builder
from cgcli.program import parse
from cgcli.run.scalar.executor import number_interpreter
from cgcli.run.scalar.sweep import Sweep

STEPS = 25_000  # of four operations each: h = sin(h * w + x) + h
ROUNDS = 3


class Measured(NamedTuple):
    """Seconds to build the graph, seconds for values and gradients of the graph in hand, and the gradients."""

    build: float
    run: float
    gradients: tuple[float, float]


def with_cg() -> Measured:
    start = time.perf_counter()
    b = Builder()
    x, w = b.input(FLOAT), b.input(FLOAT)
    h = x
    for _ in range(STEPS):
        h = b.add(b.sin(b.add(b.mul(h, w), x)), h)
    graph = b.done(h)
    built = time.perf_counter()
    interpreter = number_interpreter(graph)
    adjoints = Sweep(interpreter.kernels).adjoints(interpreter.run([0.5, 0.001]), h)
    return Measured(built - start, time.perf_counter() - built, (adjoints[x], adjoints[w]))


def with_torch() -> Measured:
    """Eager: building is running, so all of it counts as that."""
    torch = importlib.import_module("torch")
    start = time.perf_counter()
    x = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    w = torch.tensor(0.001, dtype=torch.float64, requires_grad=True)
    h = x
    for _ in range(STEPS):
        h = torch.sin(h * w + x) + h
    h.backward()
    return Measured(0.0, time.perf_counter() - start, (x.grad.item(), w.grad.item()))


def with_casadi() -> Measured:
    casadi = importlib.import_module("casadi")
    start = time.perf_counter()
    x, w = casadi.SX.sym("x"), casadi.SX.sym("w")
    h = x
    for _ in range(STEPS):
        h = casadi.sin(h * w + x) + h
    built = time.perf_counter()
    found = casadi.Function("f", [x, w], [h, casadi.gradient(h, casadi.vertcat(x, w))])(0.5, 0.001)[1]
    return Measured(built - start, time.perf_counter() - built, (float(found[0]), float(found[1])))


def from_text() -> None:
    lines = ["h0 = x", *(f"h{k} = sin(h{k - 1} * w + x) + h{k - 1}" for k in range(1, STEPS + 1))]
    text = "\n".join([*lines, f"y = h{STEPS}"])
    ratios = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        ast.parse(text)
        middle = time.perf_counter()
        parse(text)
        ratios.append((time.perf_counter() - middle) / (middle - start))
    print(f"from text {statistics.median(ratios):6.1f} × one ast.parse of it")


def main() -> None:
    ways: dict[str, Callable[[], Measured]] = {"cg": with_cg}
    for name, way in (("torch", with_torch), ("casadi", with_casadi)):
        if importlib.util.find_spec(name) is None:
            print(f"{name:8} not installed")
        else:
            ways[name] = way
    measured: dict[str, list[Measured]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            measured[name].append(way())
    run = {name: statistics.median(m.run for m in found) for name, found in measured.items()}
    whole = {name: statistics.median(m.build + m.run for m in found) for name, found in measured.items()}
    print(f"{'':8} {'gradients':>44}   graph in hand   with building")
    for name, found in measured.items():
        x, w = found[0].gradients
        print(
            f"{name:8} {x:22.12g}{w:22.12g}   {run[name] / run['cg']:8.2f} × cg   {whole[name] / whole['cg']:8.2f} × cg"
        )
    from_text()


if __name__ == "__main__":
    main()
