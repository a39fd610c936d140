"""Static graphs: planned against unplanned, what planning costs, and a long loop.

Each table is measured in one run, the two sides in turn; values are compared first.
"""

from __future__ import annotations

import argparse
import gc
import math
import random
import statistics
import time
import tracemalloc
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from cgcli.run.sizes import bind_sizes

from cgcli import load, parse
from cgcli.graph.graph import Graph
from cgcli.graph.types import FLOAT, INT, Type
from cgcli.ops.builder import Builder
from cgcli.ops.interpreter import Limits
from cgcli.optimise.driver import optimise
from cgcli.plan.planner import plan
from cgcli.run.backends import compile_graph
from cgcli.run.numpy.scope import persistent_bytes
from cgcli.transform.gradient import gradient

ROUNDS = 15
LARGE = 2**20  # bytes: smaller runs are not worth a word about memory
SAMPLES = Path(__file__).parents[1] / "samples"
OPTIONS = """
input s: float[n]
input k: float[n]
input v: float[n]
input t: float[n]
d1 = (log(s / k) + (0.02 + v * v / 2) * t) / (v * sqrt(t))
d2 = d1 - v * sqrt(t)
cdf1 = (1 + erf(d1 / sqrt(2))) / 2
cdf2 = (1 + erf(d2 / sqrt(2))) / 2
output price = sum(s * cdf1 - k * exp(-0.02 * t) * cdf2)
"""
WAVE = """
input x: float[n]
output y = sum(tanh(sin(x) * cos(x) + x * x * x - 2 * x * x + 0.5 * x) * (1 + x * x) / (2 + x * x))
"""
NETWORK = """
import nn
input x: float[batch, 256]
input label: int[batch]
param W1: float[256, 128]
param b1: float[128]
param W2: float[128, 10]
param b2: float[10]
output loss = nn.cross_entropy(relu(x @ W1 + b1) @ W2 + b2, label)
"""


# ---- planned against unplanned


def random_values(graph: Graph, sizes: Mapping[str, int]) -> list[Any]:
    rng = np.random.default_rng(7)
    found: list[Any] = []
    for i in graph.inputs:
        t = graph.type_of(i)
        assert isinstance(t, Type)
        shape = tuple(sizes[d] if isinstance(d, str) else d for d in t.shape)
        found.append(rng.uniform(0.5, 1.5, shape) if t.is_float else rng.integers(0, 2, shape))
    return found


def measure(title: str, graph: Graph, sizes: Mapping[str, int]) -> None:
    """A row: how many times faster planned runs are, and the share of the memory that they take, inputs left out."""
    xs = random_values(graph, sizes)
    sides = [compile_graph(graph, backend=name) for name in ("reference", "numpy")]
    results = [[side(xs) for _ in range(3)][-1] for side in sides]
    for x, y in zip(*results, strict=True):
        if not np.array_equal(x, y, equal_nan=True):
            raise SystemExit(f"{title}: the planned value differs")
    ratios = []
    for _ in range(ROUNDS):
        seconds = []
        for side in sides:
            start = time.perf_counter()
            side(xs)
            seconds.append(time.perf_counter() - start)
        ratios.append(seconds[0] / seconds[1])
    memory = []
    for side in sides:
        tracemalloc.start()
        side(xs)
        memory.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    made = plan(optimise(graph), bind_sizes(graph, graph.inputs, xs))
    memory[1] += persistent_bytes(made)
    share = f"{memory[1] / memory[0]:.2f}" if memory[0] > LARGE else ""
    spread = f"({min(ratios):.2f} to {max(ratios):.2f})"
    print(f"{title:40}{statistics.median(ratios):8.2f}  {spread:18}{share:>8}")


def with_gradient(graph: Graph) -> Graph:
    wrt = [i for i in graph.inputs if graph.type_of(i).has_derivative]  # type: ignore[union-attr]
    return gradient(graph, graph.outputs[0], wrt, value=True)


def planned_against_unplanned() -> None:
    print(f"{'planned against node by node':40}{'times faster':>14}{'':14}{'memory':>8}")
    for name, sizes in (
        ("mlp", {"n": 32}),
        ("attention", {"n": 32}),
        ("linear_regression", {"n": 100}),
        ("lstm_step", {"n": 16}),
        ("lenet", {"n": 16}),
    ):
        graph = load(SAMPLES / f"{name}.cg").graph
        measure(f"{name}.cg", graph, sizes)
    for title, text, every in (
        ("option prices", OPTIONS, [{"n": 1_000}, {"n": 1_000_000}]),
        ("a wave", WAVE, [{"n": 100}, {"n": 100_000}, {"n": 3_000_000}]),
        ("network 256-128-10", NETWORK, [{"batch": 64}, {"batch": 4096}]),
    ):
        graph = with_gradient(parse(text).graph)
        for sizes in every:
            shown = ", ".join(f"{k} = {v:,}" for k, v in sizes.items())
            measure(f"{title} and gradient, {shown}", graph, sizes)
    measure("rnn of 1,000 steps, 16 wide", recurrent(1000, 16), {})
    measure("the same and gradient", with_gradient(recurrent(1000, 16)), {})


def recurrent(steps: int, width: int) -> Graph:
    """h = tanh(h @ W + x @ U) for every row x of a sequence; the sum of the last h."""
    row, square = Type("float", (1, width)), Type("float", (width, width))
    inner = Builder()
    inner.input(INT)
    h, w, u = inner.input(row), inner.input(square), inner.input(square)
    x = inner.expand_dims(inner.input(Type("float", (width,))), axes=(-2,))
    body = inner.done(inner.tanh(inner.add(inner.matmul(h, w), inner.matmul(x, u))))
    b = Builder()
    xs, w, u, h = b.input(Type("float", (steps, width))), b.input(square), b.input(square), b.input(row)
    # small weights, so that derivatives neither vanish nor grow
    w = b.mul(w, 1.0 / width)
    last = b.apply("loop", b.const(steps, INT), h, w, u, b.unstack(xs), body=body, carries=1, invariants=2)
    return b.done(b.sum(b.get(last, k=1), axes=(-2, -1), keepdims=False))


# ---- the cost of planning


def random_chain(count: int, t: Type) -> Graph:
    """`count` elementwise operations, each on two of the last few values."""
    rng = random.Random(1)
    b = Builder()
    recent = [b.input(t, f"x{k}") for k in range(8)]
    for _ in range(count):
        x, y = rng.choice(recent), recent[-1]
        recent.append(b.sin(x) if rng.random() < 0.25 else b.apply(rng.choice(("add", "mul", "sub")), x, y))
        recent = recent[-12:]
    return b.done(*recent)


def cost_of_planning(most: int) -> None:
    print("\nplanning, in millionths of a second a node")
    print(f"{'nodes':>12}{'numbers':>12}{'tensors':>12}{'optimised and planned':>26}")
    count = 1000
    while count <= most:
        cells = []
        for t in (FLOAT, Type("float", ("n", 4))):
            graph = random_chain(count, t)
            gc.collect()
            start = time.perf_counter()
            plan(graph)
            cells.append((time.perf_counter() - start) / count * 1e6)
        start = time.perf_counter()
        plan(optimise(graph))
        cells.append((time.perf_counter() - start) / count * 1e6)
        print(f"{count:12,}{cells[0]:12.1f}{cells[1]:12.1f}{cells[2]:26.1f}")
        count *= 10


# ---- a long loop


def logistic(steps: int) -> Graph:
    """x = r x (1 - x), `steps` times."""
    inner = Builder()
    inner.input(INT)
    x, r = inner.input(FLOAT), inner.input(FLOAT)
    body = inner.done(inner.mul(r, inner.mul(x, inner.sub(1.0, x))))
    b = Builder()
    made = b.apply("loop", b.const(steps, INT), b.input(FLOAT), b.input(FLOAT), body=body, carries=1, invariants=1)
    return b.done(b.get(made, k=1))


def long_loop(limit: int) -> None:
    print(f"\nvalue and gradient of a loop, {limit // 2**20} MiB allowed")
    print(f"{'steps':>12}{'microseconds a step':>22}{'MiB':>8}")
    for steps in (10_000, 100_000, 1_000_000):
        graph = logistic(steps)
        both = compile_graph(gradient(graph, graph.outputs[0], graph.inputs, value=True), Limits(memory=limit))
        point: Sequence[float] = (0.3, 0.9)  # converges, so the derivative is finite
        start = time.perf_counter()
        results = both(point)
        seconds = time.perf_counter() - start
        assert all(map(math.isfinite, results))
        tracemalloc.start()
        both(point)
        memory = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        print(f"{steps:12,}{seconds / steps * 1e6:22.2f}{memory / 2**20:8.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=1_000_000, help="of the largest graph that is planned")
    parser.add_argument("--memory", type=int, default=512, help="MiB allowed to the long loop")
    options = parser.parse_args()
    planned_against_unplanned()
    cost_of_planning(options.nodes)
    long_loop(options.memory * 2**20)


if __name__ == "__main__":
    main()
