"""From process start to exit: `cg eval` and `cg grad` of the article's graph, beside the same work in other tools.

Every tool is a process of its own, as `cg` is. The runs of all of them are interleaved, so that a slow moment is slow
for all; the medians are printed as ratios, since times do not travel to another machine.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

SAMPLE = Path(__file__).parents[1] / "samples" / "article.cg"
CG = Path(sys.executable).with_name("cg")
VALUES = ["--a", "2", "--b", "3", "--c", "1"]
PASS = "python -c pass"


class Peer(NamedTuple):
    """Programs of another tool: y = (a + b) (b - c) at (2, 3, 1), and with its gradient."""

    value: str
    gradient: str


PEERS = {
    "autograd": Peer(
        value="""
import autograd.numpy as np
def y(a, b, c): return np.multiply(a + b, b - c)
print(y(2., 3., 1.))
""",
        gradient="""
from autograd import grad
def y(a, b, c): return (a + b) * (b - c)
print(y(2., 3., 1.), [grad(y, k)(2., 3., 1.) for k in range(3)])
""",
    ),
    "torch": Peer(
        value="""
import torch
a, b, c = (torch.tensor(x, dtype=torch.float64) for x in (2., 3., 1.))
print(((a + b) * (b - c)).item())
""",
        gradient="""
import torch
a, b, c = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (2., 3., 1.))
y = (a + b) * (b - c)
y.backward()
print(y.item(), [x.grad.item() for x in (a, b, c)])
""",
    ),
    "jax": Peer(
        value="""
import jax.numpy as np
a, b, c = (np.asarray(x) for x in (2., 3., 1.))
print((a + b) * (b - c))
""",
        gradient="""
import jax
y = lambda a, b, c: (a + b) * (b - c)
print(*jax.value_and_grad(y, (0, 1, 2))(2., 3., 1.))
""",
    ),
    "sympy": Peer(
        value="""
import sympy
a, b, c = sympy.symbols("a b c")
print(((a + b) * (b - c)).subs({a: 2, b: 3, c: 1}))
""",
        gradient="""
import sympy
a, b, c = sympy.symbols("a b c")
y = (a + b) * (b - c)
at = {a: 2, b: 3, c: 1}
print(y.subs(at), [sympy.diff(y, x).subs(at) for x in (a, b, c)])
""",
    ),
    "casadi": Peer(
        value="""
import casadi
x = casadi.SX.sym("x", 3)
print(casadi.Function("f", [x], [(x[0] + x[1]) * (x[1] - x[2])])([2., 3., 1.]))
""",
        gradient="""
import casadi
x = casadi.SX.sym("x", 3)
y = (x[0] + x[1]) * (x[1] - x[2])
print(casadi.Function("f", [x], [y, casadi.gradient(y, x)])([2., 3., 1.]))
""",
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="how often each command runs (default: 15)")
    rounds = parser.parse_args().rounds
    found = {name: peer for name, peer in PEERS.items() if importlib.util.find_spec(name) is not None}
    missing = [name for name in PEERS if name not in found]

    commands = {PASS: [sys.executable, "-c", "pass"]}
    for kind in ("eval", "grad"):
        commands[f"cg {kind}"] = [str(CG), kind, str(SAMPLE), *VALUES]
    for name, peer in found.items():
        commands[f"{name}, value"] = [sys.executable, "-c", peer.value]
        commands[f"{name}, gradient"] = [sys.executable, "-c", peer.gradient]
    median = medians(commands, rounds)

    print(f"{'':20} ÷ {PASS}    ÷ cg eval    ÷ cg grad")
    for name, seconds in median.items():
        ratios = [seconds / median[base] for base in (PASS, "cg eval", "cg grad")]
        print(f"{name:20} {ratios[0]:16.2f} {ratios[1]:12.2f} {ratios[2]:12.2f}")
    for name in missing:
        print(f"{name:20} not installed")


def medians(commands: dict[str, list[str]], rounds: int) -> dict[str, float]:
    """The median time of each command in seconds, warm: `cg` has its caches, in a folder of this run's own."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "XDG_CACHE_HOME": cache}
        for measured in (False, *[True] * rounds):
            for name, command in commands.items():
                start = time.perf_counter()
                subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
                if measured:
                    times[name].append(time.perf_counter() - start)
    return {name: statistics.median(seconds) for name, seconds in times.items()}


if __name__ == "__main__":
    main()
