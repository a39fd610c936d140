"""From process start to exit: `cg eval` and `cg grad` of the article's graph, beside the same work in other tools."""

from __future__ import annotations

import importlib.util
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 15
SAMPLE = Path(__file__).parents[1] / "samples" / "article.cg"
CG = Path(sys.executable).with_name("cg")
VALUES = ["--a", "2", "--b", "3", "--c", "1"]

PEERS = {
    "autograd": """
from autograd import grad
def y(a, b, c): return (a + b) * (b - c)
print(y(2., 3., 1.), [grad(y, k)(2., 3., 1.) for k in range(3)])
""",
    "torch": """
import torch
a, b, c = (torch.tensor(x, requires_grad=True) for x in (2., 3., 1.))
y = (a + b) * (b - c)
y.backward()
print(y.item(), [x.grad.item() for x in (a, b, c)])
""",
    "jax": """
import jax
y = lambda a, b, c: (a + b) * (b - c)
print(*jax.value_and_grad(y, (0, 1, 2))(2., 3., 1.))
""",
    "sympy": """
import sympy
a, b, c = sympy.symbols("a b c")
y = (a + b) * (b - c)
at = {a: 2, b: 3, c: 1}
print(y.subs(at), [sympy.diff(y, x).subs(at) for x in (a, b, c)])
""",
    "casadi": """
import casadi
x = casadi.SX.sym("x", 3)
y = (x[0] + x[1]) * (x[1] - x[2])
print(casadi.Function("f", [x], [y, casadi.gradient(y, x)])([2., 3., 1.]))
""",
}


def main() -> None:
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "cg eval": [str(CG), "eval", str(SAMPLE), *VALUES],
        "cg grad": [str(CG), "grad", str(SAMPLE), *VALUES],
    }
    for name, program in PEERS.items():
        if importlib.util.find_spec(name) is None:
            print(f"{name:16} not installed")
        else:
            commands[name] = [sys.executable, "-c", program]
    for command in commands.values():  # once to warm files and caches
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):  # interleaved, so that a slow moment is slow for all
        for name, command in commands.items():
            start = time.perf_counter()
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
            times[name].append(time.perf_counter() - start)
    median = {name: statistics.median(found) for name, found in times.items()}
    print(f"{'':16} ratio to `python -c pass`   ratio to `cg grad`")
    for name, found in median.items():
        print(f"{name:16} {found / median['python -c pass']:10.2f} {found / median['cg grad']:24.2f}")


if __name__ == "__main__":
    main()
