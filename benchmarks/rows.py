"""Rows of a table with gradients as machine code, beside C, NumPy by hand, JAX and PyTorch: ratios, over processes.

    python benchmarks/rows.py [--rows 1000000] [--processes 10] [--one]

The work is the price of an option and its five derivatives. C is compiled by gcc as it stands (no contraction, vectors
by OpenMP and glibc's vector functions) and with -ffast-math; NumPy has the derivatives by hand, JAX and PyTorch find
them. All run on one thread; peers that are not installed are left out. Where code and stack lie differs from process
to process, so each process measures all sides in turn and the median of the ratios counts. `--break-even` prints what
first runs cost about where machine code is taken: the constants in `cgcli/run/native/choice.py` are made by it.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from measuring import ONE_THREAD, SAMPLES, STRICT_C, Figure, Run, c_array, is_installed, missing, seconds

SAMPLE = SAMPLES / "black_scholes.cg"
NAMES = ("spot", "strike", "rate", "vol", "years")
ROUNDS = 15
C = r"""
#include <math.h>
#pragma omp declare simd notinbranch
extern double exp(double);
#pragma omp declare simd notinbranch
extern double log(double);
#pragma omp declare simd notinbranch
extern double erfc(double);
void rows(long n, const double *restrict spot, const double *restrict strike, const double *restrict rate,
          const double *restrict vol, const double *restrict years, double *restrict price, double *restrict by_spot,
          double *restrict by_strike, double *restrict by_rate, double *restrict by_vol, double *restrict by_years) {
#pragma omp simd
  for (long i = 0; i < n; i++) {
    double root = sqrt(years[i]), spread = vol[i] * root;
    double d1 = (log(spot[i] / strike[i]) + (rate[i] + vol[i] * vol[i] / 2) * years[i]) / spread, d2 = d1 - spread;
    double n1 = erfc(-d1 / 1.4142135623730951) / 2, n2 = erfc(-d2 / 1.4142135623730951) / 2;
    double today = strike[i] * exp(-rate[i] * years[i]), bell = spot[i] * 0.3989422804014327 * exp(-d1 * d1 / 2);
    price[i] = spot[i] * n1 - today * n2;
    by_spot[i] = n1;
    by_strike[i] = -today * n2 / strike[i];
    by_rate[i] = years[i] * today * n2;
    by_vol[i] = bell * root;
    by_years[i] = bell * vol[i] / (2 * root) + rate[i] * today * n2;
  }
}
"""
FLAGS = {
    "C": STRICT_C,
    "C, -ffast-math": ("-O3", "-march=native", "-ffast-math", "-mprefer-vector-width=512"),
}


def columns(count: int) -> list[Any]:
    rng = np.random.default_rng(0)
    bounds = ((50, 150), (50, 150), (0, 0.1), (0.05, 0.5), (0.1, 3))
    return [rng.uniform(low, high, count) for low, high in bounds]


def in_c(name: str, xs: list[Any], folder: Path) -> Run | None:
    """The work in C, into arrays that are kept."""
    if shutil.which("gcc") is None:
        return None
    source, library = folder / "rows.c", folder / f"{len(name)}.so"
    source.write_text(C)
    command = [
        "gcc",
        *FLAGS[name],
        "-fopenmp-simd",
        "-shared",
        "-fPIC",
        str(source),
        "-o",
        str(library),
        "-lmvec",
        "-lm",
    ]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        return None
    rows = ctypes.CDLL(str(library)).rows
    out = [np.empty_like(xs[0]) for _ in range(6)]
    arguments = [ctypes.c_long(len(xs[0])), *map(c_array, (*xs, *out))]
    return lambda: (rows(*arguments), out)[1]


def in_numpy(xs: list[Any]) -> Run:
    from scipy.special import erfc

    def run() -> list[Any]:
        spot, strike, rate, vol, years = xs
        root = np.sqrt(years)
        spread = vol * root
        d1 = (np.log(spot / strike) + (rate + vol * vol / 2) * years) / spread
        n1, n2 = erfc(-d1 / np.sqrt(2)) / 2, erfc(-(d1 - spread) / np.sqrt(2)) / 2
        today = strike * np.exp(-rate * years)
        bell = spot / np.sqrt(2 * np.pi) * np.exp(-d1 * d1 / 2)
        price = spot * n1 - today * n2
        by_years = bell * vol / (2 * root) + rate * today * n2
        return [price, n1, -today * n2 / strike, years * today * n2, bell * root, by_years]

    return run


def in_jax(xs: list[Any]) -> Run:
    import jax
    import jax.numpy as jnp
    from jax.scipy.special import erfc

    jax.config.update("jax_enable_x64", True)

    def price(*inputs: Any) -> Any:
        spot, strike, rate, vol, years = inputs
        spread = vol * jnp.sqrt(years)
        d1 = (jnp.log(spot / strike) + (rate + vol * vol / 2) * years) / spread
        n1, n2 = erfc(-d1 / 2**0.5) / 2, erfc(-(d1 - spread) / 2**0.5) / 2
        return spot * n1 - strike * jnp.exp(-rate * years) * n2

    work = jax.jit(jax.vmap(jax.value_and_grad(price, argnums=tuple(range(5)))))
    arrays = [jnp.asarray(x) for x in xs]

    def run() -> list[Any]:
        value, gradient = work(*arrays)
        return [np.asarray(x.block_until_ready()) for x in (value, *gradient)]

    return run


def in_torch(xs: list[Any], *, compiled: bool) -> Run:
    import torch

    torch.set_num_threads(1)

    def price(*inputs: Any) -> Any:
        spot, strike, rate, vol, years = inputs
        spread = vol * torch.sqrt(years)
        d1 = (torch.log(spot / strike) + (rate + vol * vol / 2) * years) / spread
        n1, n2 = torch.erfc(-d1 / 2**0.5) / 2, torch.erfc(-(d1 - spread) / 2**0.5) / 2
        return spot * n1 - strike * torch.exp(-rate * years) * n2

    work = torch.compile(price) if compiled else price

    def run() -> list[Any]:
        inputs = [torch.from_numpy(x).requires_grad_() for x in xs]
        value = work(*inputs)
        value.backward(torch.ones_like(value))
        return [value.detach().numpy(), *(x.grad.numpy() for x in inputs)]

    return run


def peers(xs: list[Any]) -> dict[str, Run]:
    """The libraries that are installed."""
    sides: dict[str, Run] = {"NumPy": in_numpy(xs)}
    if is_installed("jax"):
        sides["JAX, jit"] = in_jax(xs)
    if is_installed("torch"):
        sides["PyTorch"] = in_torch(xs, compiled=False)
        sides["torch.compile"] = in_torch(xs, compiled=True)
    return sides


def in_cg(xs: list[Any]) -> Run:
    """The nest itself, into arrays that are kept, on one thread: what C does."""
    import cgcli
    from cgcli.loop_nests.lower import lower
    from cgcli.optimise.driver import optimise
    from cgcli.program.rows import Derivatives, Rows
    from cgcli.run.native.compile import StopFlag, compile_nest

    program = cgcli.load(SAMPLE)
    batched = Rows(program, {}, NAMES, Derivatives())._batched()
    size = batched.batch.size
    nest = lower(optimise(batched.graph), rows=size)
    arrays = {f"x{k}": x for k, x in enumerate(xs)} | {f"y{k}": np.empty_like(xs[0]) for k in range(6)}
    run, stop = compile_nest(nest).bind(arrays, {size: len(xs[0])}), StopFlag()
    return lambda: (run(0, len(xs[0]), stop), [arrays[f"y{k}"] for k in range(6)])[1]


def measure(count: int) -> dict[str, float]:
    """The least time of each side, in turn in one process."""
    with tempfile.TemporaryDirectory() as folder:
        xs = columns(count)
        sides = {"cg": in_cg(xs), **peers(xs)}
        for name in FLAGS:
            run = in_c(name, xs, Path(folder))
            if run is not None:
                sides[name] = run
        results = {name: run() for name, run in sides.items()}
        for name, result in results.items():
            for a, b in zip(result, results["NumPy"], strict=True):
                assert np.allclose(a, b, rtol=1e-9, atol=1e-9), name
        best = dict.fromkeys(sides, float("inf"))
        for _ in range(ROUNDS):
            for name, run in sides.items():
                best[name] = min(best[name], seconds(run))
    return best


FIRST_RUN = """
import os, sys, numpy as np, cgcli
program = cgcli.parse(sys.argv[1])
program.backend, rows = sys.argv[2], int(sys.argv[3])
xs = {i.name: np.random.default_rng(0).uniform(0.5, 1.5, rows) for i in program.inputs}
start = os.times()
program.map_grad(xs)
end = os.times()
print(end.user + end.system - start.user - start.system)
"""


def chain(step: str, count: int) -> str:
    """A program of so many steps, each made of the one before."""
    steps = (f"t{k + 1} = {step.format(t=f't{k}')}" for k in range(count))
    return "\n".join(["input x", "t0 = x", *steps, f"y = t{count}"])


PROGRAMS = {
    "price of an option": SAMPLE.read_text(encoding="utf-8"),
    "two operations": "input x\ny = x * x + x",
    "exp": "input x\ny = exp(x) * x",
    "sin and exp": "input a; input b\ny = exp(-a * a) * sin(b) + a / (1 + b^2)",
    "40 functions": chain("sin({t}) + exp(-{t})", 20),
    "400 operations": chain("{t} * 0.5 + x / (1.5 + {t})", 100),
}


def break_even() -> None:
    """Prints how much longer the first run takes as machine code, compiling included, than by the plan, about where
    it is taken: seconds of the processor, the least of three processes with an empty cache. None should be above 0.1.
    """
    import cgcli
    from cgcli.program.rows import Derivatives, Rows

    for name, text in PROGRAMS.items():
        program = cgcli.parse(text)
        inputs = [i.name for i in program.inputs]
        least = Rows(program, {}, inputs, Derivatives())._batched().least_rows
        for rows in (least // 4, least, 4 * least):
            native, plan = (first_run(text, backend, rows) for backend in ("native", "numpy"))
            print(f"{name:20} {rows:9} rows: {native - plan:+6.2f} s beside {plan:5.2f} s by the plan", flush=True)


def first_run(text: str, backend: str, rows: int) -> float:
    """Seconds of the processor that the first run takes, the least of three processes with an empty cache."""
    times = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-c", FIRST_RUN, text, backend, str(rows)]
            output = subprocess.check_output(command, env={**os.environ, "XDG_CACHE_HOME": folder})
            times.append(float(output))
    return min(times)


def over_processes(count: int, processes: int) -> dict[str, list[float]]:
    """The time of each side over that of cg, in each of some processes; of cg itself the seconds."""
    command = [sys.executable, __file__, "--one", "--rows", str(count)]
    environment = {**os.environ, **ONE_THREAD}
    runs = [json.loads(subprocess.check_output(command, env=environment)) for _ in range(processes)]
    return {name: [run[name] / (1 if name == "cg" else run["cg"]) for run in runs] for name in runs[0]}


def in_memory(processes: int = 10, count: int = 1_000_000) -> Iterator[Figure]:
    """Rows of the table."""
    runs = over_processes(count, processes)
    peers = {name: statistics.median(ratios) for name, ratios in runs.items()}
    nanoseconds = peers.pop("cg") / count * 1e9
    ratio, by_hand = peers.get("C", 0.0), peers["NumPy"]
    reached = f"{ratio:.2f} × C, {by_hand:.1f} × NumPy ({nanoseconds:.1f} ns a row)"
    work = f"batched rows, {count:,} options with 5 derivatives, {processes} processes"
    target = "≥ 1.0 × C, ≥ 5 × NumPy by hand"
    yield Figure(work, target, reached, ratio >= 1 and by_hand >= 5, peers, missing("gcc", "jax", "torch"))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--processes", type=int, default=10)
    parser.add_argument("--one", action="store_true", help="measure in this process alone and print JSON")
    parser.add_argument("--break-even", action="store_true")
    options = parser.parse_args()
    if options.break_even:
        break_even()
        return
    if options.one:
        print(json.dumps(measure(options.rows)))
        return
    for name, ratios in over_processes(options.rows, options.processes).items():
        if name != "cg":
            print(f"{name:16} {statistics.median(ratios):6.2f} x cg   ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
