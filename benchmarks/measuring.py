"""What the benchmarks share: one thread a side, runs in turn, peers that may be missing, C, and a row of the table."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

SAMPLES = Path(__file__).parents[1] / "samples"
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "JAX_ENABLE_X64": "1",
    "JAX_PLATFORMS": "cpu",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}
STRICT_C = ("-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off")
Run = Callable[[], Any]


class Figure(NamedTuple):
    """A row of the table: what was aimed for and what was reached. peers: their time over cg's."""

    work: str
    target: str
    reached: str
    is_met: bool
    peers: Mapping[str, float] = MappingProxyType({})
    missing: tuple[str, ...] = ()

    def show(self) -> str:
        met = "met" if self.is_met else "not met"
        return f"{self.work}\n    target {self.target}; reached {self.reached}: {met}\n    {self.beside()}"

    def beside(self) -> str:
        """What the peers take, as multiples of cg's time, and which are not installed."""
        shown = [f"{name} {ratio:.3g}" for name, ratio in self.peers.items()]
        return ", ".join(shown + [f"{name} is not installed" for name in self.missing])


def on_one_thread() -> None:
    """Starts this script anew with the variables that hold libraries to one thread, unless they are set."""
    if any(os.environ.get(name) != value for name, value in ONE_THREAD.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **ONE_THREAD})


def is_installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def missing(*names: str) -> tuple[str, ...]:
    """Those of the libraries that are not installed; `gcc` is a program."""
    return tuple(n for n in names if not (shutil.which(n) if n == "gcc" else is_installed(n)))


def seconds(run: Run) -> float:
    """Of the processor, in all threads: what other processes do at the time does not count."""
    start = time.process_time()
    run()
    return time.process_time() - start


def settle(run: Run, runs: int = 500, budget: float = 6.0) -> None:
    """Runs of cg that do not count: by then what it runs is machine code. budget: seconds after which none begins."""
    begun = time.perf_counter()
    for _ in range(runs):
        run()
        if time.perf_counter() - begun > budget:
            break


def medians(sides: Mapping[str, Run], rounds: int = 7, budget: float = 10.0) -> dict[str, float]:
    """Seconds that each side takes, the median of runs in turn after two that do not count: cg plans in the second one.

    A slow moment of the machine meets all sides. budget: no further round begins after so many seconds, and of a side
    whose first run took as long there is no second one that does not count.
    """
    for run in sides.values():
        if seconds(run) < budget:
            run()
    begun = time.perf_counter()
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, run in sides.items():
            times[name].append(seconds(run))
        if time.perf_counter() - begun > budget:
            break
    return {name: statistics.median(taken) for name, taken in times.items()}


def ratios(times: Mapping[str, float]) -> dict[str, float]:
    """The time of each peer over that of cg."""
    return {name: taken / times["cg"] for name, taken in times.items() if name != "cg"}


def largest(side: Callable[[int], Run], sizes: Sequence[int], limit: float) -> int:
    """The largest of the sizes, which rise, at which a warm run of a side should take no more than so many seconds.

    The time is taken to grow with the size at least; the first size is taken whatever it needs.
    """
    size = sizes[0]
    for next_size in sizes[1:]:
        run = side(size)
        cold = seconds(run)
        if min(cold, seconds(run) if cold < limit else cold) * next_size / size > limit:
            break
        size = next_size
    return size


def c_functions(source: str, flags: Sequence[str] = STRICT_C) -> ctypes.CDLL:
    """The functions of a text in C, compiled by gcc."""
    with tempfile.TemporaryDirectory() as folder:
        text, library = Path(folder) / "text.c", Path(folder) / "text.so"
        text.write_text(source, encoding="utf-8")
        subprocess.run(["gcc", *flags, "-shared", "-fPIC", str(text), "-o", str(library), "-lm"], check=True)
        return ctypes.CDLL(str(library))


def c_array(x: Any) -> Any:
    """A pointer to the elements of an array, which lives as long as the pointer."""
    return x.ctypes.data_as(ctypes.c_void_p)


def agree(sides: Mapping[str, Run], within: float) -> None:
    """Stops where an array of a side's is not that of cg, to this share of its largest element.

    A side gives one array or a list of them; one that gives None only takes its time.
    """
    ours = listed(sides["cg"]())
    for name, run in sides.items():
        result = run()
        if result is None:
            continue
        for mine, theirs in zip(ours, listed(result), strict=True):
            apart = float(np.abs(np.asarray(theirs) - mine).max() / (np.abs(mine).max() or 1.0))
            if not apart <= within:
                raise SystemExit(f"{name} and cg differ by {apart:.1e} of the largest element")


def listed(result: Any) -> list[Any]:
    return result if isinstance(result, list) else [result]


def versions(*names: str) -> str:
    """The date, and the versions of Python, of the packages among these that are installed, and of gcc."""
    from importlib.metadata import PackageNotFoundError, version

    parts = [time.strftime("%d %B %Y"), f"Python {sys.version.split()[0]}"]
    for name in names:
        try:
            parts.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    if shutil.which("gcc"):
        parts.append(subprocess.check_output(["gcc", "--version"], text=True).split("\n")[0])
    return ", ".join(parts)
