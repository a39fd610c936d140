"""A graph of 100 000 scalar operations: read from text, beside what Python takes to parse the same lines; and run
forward and backward, beside CasADi's ready function and PyTorch.

    python benchmarks/scalar_graph.py [--million]
"""

from __future__ import annotations

import argparse
import ast
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from measuring import Figure, Run, agree, is_installed, medians, missing, on_one_thread, ratios

import cgcli
from cgcli.graph.serialize import dump, restore

STEPS = 25_000  # of four operations each: h = sin(h * w + x) + h
VALUES = {"x": 0.5, "w": 0.001}


def lines(steps: int) -> str:
    """A line a step."""
    return "\n".join(["h0 = x", *(f"h{k} = sin(h{k - 1} * w + x) + h{k - 1}" for k in range(1, steps))])


def in_cg(steps: int) -> Run:
    program = cgcli.parse(lines(steps))

    def run() -> list[Any]:
        gradient = program.grad(VALUES)
        return [gradient.value, gradient["x"], gradient["w"]]

    return run


def in_torch(steps: int) -> Run:
    import torch

    def run() -> list[Any]:
        x, w = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in VALUES.values())
        h = x
        for _ in range(steps - 1):
            h = torch.sin(h * w + x) + h
        h.backward()
        return [h.item(), x.grad.item(), w.grad.item()]

    return run


def in_casadi(steps: int) -> tuple[Run, float]:
    """The ready function, and the seconds that it took to make it."""
    import casadi

    start = time.process_time()
    x, w = casadi.SX.sym("x"), casadi.SX.sym("w")
    h = x
    for _ in range(steps - 1):
        h = casadi.sin(h * w + x) + h
    function = casadi.Function("f", [x, w], [h, casadi.gradient(h, casadi.vertcat(x, w))])
    built = time.process_time() - start

    def run() -> list[Any]:
        value, gradient = function(*VALUES.values())
        return [float(value), float(gradient[0]), float(gradient[1])]

    return run, built


def graph() -> Iterator[Figure]:
    start = time.process_time()
    sides = {"cg": in_cg(STEPS)}
    ours, built = time.process_time() - start, 0.0
    if is_installed("casadi"):
        sides["CasADi, ready"], built = in_casadi(STEPS)
    if is_installed("torch"):
        sides["torch, eager"] = in_torch(STEPS)
    agree(sides, 1e-9)
    peers = ratios(medians(sides, rounds=5))
    nanoseconds = medians({"cg": sides["cg"]})["cg"] / (4 * STEPS) * 1e9
    if built:
        peers["CasADi, its building beside cg's from text"] = built / ours
    ratio = peers.get("CasADi, ready", 0.0)
    reached = f"{ratio:.2f} ×, {nanoseconds:.0f} ns a node"
    met = ratio >= 1 and nanoseconds <= 40
    work = f"graph of {4 * STEPS:,} nodes in hand, forward and backward"
    yield Figure(work, "≥ 1 × CasADi's ready function, ≤ 40 ns a node", reached, met, peers, missing("casadi", "torch"))


def text(*, million: bool = False) -> Iterator[Figure]:
    source = lines(STEPS)
    times = medians({"cg": lambda: cgcli.parse(source), "ast": lambda: ast.parse(source)}, rounds=3)
    ratio, micro = times["cg"] / times["ast"], times["cg"] / STEPS * 1e6
    reached, met = f"{micro:.1f} µs a line, {ratio:.2f} × ast.parse", micro <= 5 and ratio <= 0.3
    yield Figure(f"text to graph, {STEPS:,} lines", "≤ 5 µs a line, ≤ 0.3 × ast.parse", reached, met)
    yield kept(source)
    if million:
        command = [sys.executable, __file__, "--read", "1000000"]
        seconds, memory = map(float, subprocess.check_output(command, text=True).split())
        reached = f"{memory / 2**20:.2f} GB, {seconds:.1f} µs a line"
        yield Figure("text to graph, a million lines", "≤ 1 GB", reached, memory <= 2**20)


def kept(text: str) -> Figure:
    """What it takes to load the program from what is kept of it."""
    module = cgcli.parse(text).module
    data = json.dumps(dump(module, [module.source]))
    per_node = medians({"cg": lambda: restore(json.loads(data), [module.source])}, rounds=3)["cg"] / len(module.graph)
    reached = f"{per_node * 1e6:.2f} µs a node, {len(data) / len(module.graph):.0f} bytes"
    return Figure(f"a kept program of {len(module.graph):,} nodes, loaded", "≤ 1 µs a node", reached, per_node <= 1e-6)


def read(count: int) -> None:
    """Prints the microseconds that a line takes, and the most memory of this process in KiB."""
    source = lines(count)
    start = time.process_time()
    cgcli.parse(source)
    seconds = time.process_time() - start
    print(seconds / count * 1e6, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--million", action="store_true", help="also read a million lines")
    parser.add_argument("--read", type=int, metavar="LINES", help="only read so many, and print microseconds and KiB")
    options = parser.parse_args()
    if options.read:
        read(options.read)
        return
    on_one_thread()
    for row in (*graph(), *text(million=options.million)):
        print(row.show(), flush=True)


if __name__ == "__main__":
    main()
