"""From process start to exit: `cg eval` and `cg grad` of the article's graph, beside the same work in other tools.

Every tool is a process of its own, as `cg` is. The runs of all of them are interleaved, so that a slow moment is slow
for all; the least times are printed as ratios, since times do not travel to another machine. `table.py` also takes
rows from here: a run on a terminal, the start of other commands beside the libraries that they cannot do without, ten
rows of a table, and the table of a large graph.
"""

from __future__ import annotations

import argparse
import os
import pty
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from measuring import SAMPLES, Figure, missing

SAMPLE = SAMPLES / "article.cg"
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


# the libraries that each command cannot do without
COMMANDS = {
    "check": ("typer", "lark"),
    "fmt --check": ("typer", "lark"),
    "show": ("typer",),
    "explain --a 2 --b 3 --c 1": ("typer",),
    "plan": ("typer",),
    "render --a 2 --b 3 --c 1 -o {folder}/article.svg": ("typer", "pygraphviz"),
}
TENSORS = ("typer", "numpy")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="how often each command runs (default: 15)")
    rounds = parser.parse_args().rounds
    least = whole_runs(rounds)
    print(f"{'':20} ÷ {PASS}    ÷ cg eval    ÷ cg grad")
    for name, seconds in least.items():
        ratios = [seconds / least[base] for base in (PASS, "cg eval", "cg grad")]
        print(f"{name:20} {ratios[0]:16.2f} {ratios[1]:12.2f} {ratios[2]:12.2f}")
    for name in missing(*PEERS):
        print(f"{name:20} not installed")


def whole_runs(rounds: int) -> dict[str, float]:
    """Seconds of a whole run of each tool."""
    commands = {PASS: [sys.executable, "-c", "pass"]}
    for kind in ("eval", "grad"):
        commands[f"cg {kind}"] = [str(CG), kind, str(SAMPLE), *VALUES]
    for name, peer in PEERS.items():
        if not missing(name):
            commands[f"{name}, value"] = [sys.executable, "-c", peer.value]
            commands[f"{name}, gradient"] = [sys.executable, "-c", peer.gradient]
    return least_seconds(commands, rounds)


def importing(*modules: str) -> list[str]:
    return [sys.executable, "-c", f"import {', '.join(modules)}"]


# ---- rows of the table


def startup(rounds: int = 12) -> Iterator[Figure]:
    least = whole_runs(rounds)
    for kind, what in (("eval", "value"), ("grad", "gradient")):
        own = least[f"cg {kind}"]
        peers = {n: least[f"{n}, {what}"] / own for n in PEERS if f"{n}, {what}" in least}
        ratio = own / least[PASS]
        met = ratio <= 1.25 and min(peers.values(), default=8) >= 8
        target = f"≤ 1.25 × {PASS}, ≥ 8 × every peer"
        yield Figure(f"cg {kind}, scalar, in a pipe", target, f"{ratio:.2f} ×", met, peers, missing(*PEERS))
    commands = {"table": importing("rich.console", "rich.table"), "cg": [str(CG), "eval", str(SAMPLE), *VALUES]}
    least = least_seconds(commands, rounds, on_terminal=True)
    ratio = least["cg"] / least["table"]
    yield Figure("cg eval on a terminal", "≤ 1.3 × importing rich's table", f"{ratio:.2f} ×", ratio <= 1.3)


def commands(rounds: int = 5) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        lines = {}
        for line, libraries in COMMANDS.items():
            command, *options = line.format(folder=folder).split()
            lines[command] = [str(CG), command, str(SAMPLE), *options], libraries
        lines["eval of tensors"] = [str(CG), "eval", str(SAMPLES / "mlp.cg")], TENSORS
        runs = {name: command for name, (command, _) in lines.items()}
        bases = {libraries: importing(*libraries) for _, libraries in lines.values()}
        least = least_seconds(runs | {" ".join(libraries): command for libraries, command in bases.items()}, rounds)
    for name, (_, libraries) in lines.items():
        ratio = least[name] / least[" ".join(libraries)]
        yield Figure(f"cg {name}", f"≤ 1.4 × importing {', '.join(libraries)}", f"{ratio:.2f} ×", ratio <= 1.4)


def ten_rows(rounds: int = 9) -> Iterator[Figure]:
    """`--data` of ten rows: of Parquet file to file, of CSV printed."""
    import pyarrow.csv
    from data import make
    from pyarrow import parquet

    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "options.parquet"
        make(source, 10)
        pyarrow.csv.write_csv(parquet.read_table(source), source.with_suffix(".csv"))
        commands = {PASS: [sys.executable, "-c", "pass"], "parquet": importing("pyarrow.parquet")}
        for kind in ("csv", "parquet"):
            files = [str(source.with_suffix(f".{kind}"))]
            files += [] if kind == "csv" else ["-o", str(Path(folder) / f"out.{kind}")]
            commands[f"cg, {kind}"] = [str(CG), "grad", str(SAMPLES / "black_scholes.cg"), "--data", *files]
        least = least_seconds(commands, rounds)
    for kind, base, aim in (("csv", PASS, 3.0), ("parquet", "parquet", 1.3)):
        ratio = least[f"cg, {kind}"] / least[base]
        shown = PASS if base == PASS else "importing pyarrow.parquet"
        yield Figure(f"--data, ten rows, {kind} to {kind}", f"≤ {aim:g} × {shown}", f"{ratio:.2f} ×", ratio <= aim)


def show(rounds: int = 3, lines: int = 10_000) -> Iterator[Figure]:
    """`cg show` of a large program that is cached, beside `cg eval --all`. Each line is two operations."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "large.cg"
        steps = (f"x{k} = x{k - 1} * 1.0001 + a" for k in range(1, lines))
        program.write_text("\n".join(["x0 = a", *steps]) + "\n", encoding="utf-8")
        arguments = [str(program), "--a", "2"]
        commands = {name: [str(CG), *name.split(), *arguments] for name in ("show", "eval --all")}
        least = least_seconds(commands, rounds)
    seconds = (least["show"] - least["eval --all"]) / (2 * lines) * 100_000
    yield Figure(
        f"cg show, {2 * lines} rows", "≤ 1 s per 100,000 rows beyond `eval --all`", f"{seconds:.2f} s", seconds <= 1
    )


def least_seconds(commands: dict[str, list[str]], rounds: int, *, on_terminal: bool = False) -> dict[str, float]:
    """The least time of each command in seconds, warm: `cg` has its caches, in a folder of this run's own."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    run = run_on_terminal if on_terminal else run_in_pipe
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "XDG_CACHE_HOME": cache}
        for measured in (False, *[True] * rounds):
            for name, command in commands.items():
                start = time.perf_counter()
                run(command, environment)
                if measured:
                    times[name].append(time.perf_counter() - start)
    return {name: min(seconds) for name, seconds in times.items()}


def run_in_pipe(command: list[str], environment: dict[str, str]) -> None:
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)


def run_on_terminal(command: list[str], environment: dict[str, str]) -> None:
    """Runs a command whose standard output is a terminal of its own."""
    ours, its = pty.openpty()
    with subprocess.Popen(command, env={**environment, "TERM": "xterm"}, stdin=its, stdout=its, stderr=its) as process:
        os.close(its)
        try:
            while os.read(ours, 65_536):
                pass
        except OSError:  # how a terminal says that the other end is closed
            pass
        os.close(ours)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with status {process.returncode}")


if __name__ == "__main__":
    main()
