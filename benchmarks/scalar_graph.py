"""A graph of 100 000 scalar operations: built, run forward and backward, beside CasADi and PyTorch; and read from text,
beside what Python takes to parse the same lines."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import statistics
import time
from collections.abc import Callable

from cgcli.graph.types import FLOAT
from cgcli.ops.builder import Builder
from cgcli.program import parse
from cgcli.run.scalar import ScalarExecutor

STEPS = 25_000  # of four operations each: h = sin(h * w + x) + h
ROUNDS = 3


def with_cg() -> tuple[float, float]:
    b = Builder()
    x, w = b.input(FLOAT), b.input(FLOAT)
    h = x
    for _ in range(STEPS):
        h = b.add(b.sin(b.add(b.mul(h, w), x)), h)
    executor = ScalarExecutor(b.done(h))
    v = executor.forward([0.5, 0.001])
    adjoints = executor.backward(v, h)
    return adjoints[x], adjoints[w]


def with_torch() -> tuple[float, float]:
    torch = importlib.import_module("torch")
    x = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    w = torch.tensor(0.001, dtype=torch.float64, requires_grad=True)
    h = x
    for _ in range(STEPS):
        h = torch.sin(h * w + x) + h
    h.backward()
    return x.grad.item(), w.grad.item()


def with_casadi() -> tuple[float, float]:
    casadi = importlib.import_module("casadi")
    x, w = casadi.SX.sym("x"), casadi.SX.sym("w")
    h = x
    for _ in range(STEPS):
        h = casadi.sin(h * w + x) + h
    found = casadi.Function("f", [x, w], [casadi.gradient(h, casadi.vertcat(x, w))])(0.5, 0.001)
    return float(found[0]), float(found[1])


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
    ways: dict[str, Callable[[], tuple[float, float]]] = {"cg": with_cg}
    for name, way in (("torch", with_torch), ("casadi", with_casadi)):
        if importlib.util.find_spec(name) is None:
            print(f"{name:8} not installed")
        else:
            ways[name] = way
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            start = time.perf_counter()
            found = way()
            times[name].append(time.perf_counter() - start)
            print(f"{name:8} {found}")
    cg = statistics.median(times["cg"])
    for name, measured in times.items():
        print(f"{name:8} {statistics.median(measured) / cg:8.2f} × cg")
    from_text()


if __name__ == "__main__":
    main()
