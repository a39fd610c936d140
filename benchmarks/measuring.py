"""What the benchmarks share: one thread a side, runs in turn, peers that may be missing."""

from __future__ import annotations

import importlib.util
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "JAX_ENABLE_X64": "1",
    "JAX_PLATFORMS": "cpu",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}
Run = Callable[[], Any]


def on_one_thread() -> None:
    """Starts this script anew with the variables that hold libraries to one thread, unless they are set."""
    if any(os.environ.get(name) != value for name, value in ONE_THREAD.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **ONE_THREAD})


def is_installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def seconds(run: Run) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def medians(sides: Mapping[str, Run], rounds: int = 7, budget: float = 10.0) -> dict[str, float]:
    """Seconds that each side takes, the median of runs in turn after a first one that does not count.

    A slow moment of the machine meets all sides. budget: no further round begins after so many seconds.
    """
    begun = time.perf_counter()
    times: dict[str, list[float]] = {name: [] for name in sides}
    firsts = {name: seconds(run) for name, run in sides.items()}
    if sum(firsts.values()) > budget:  # one more would not fit: the first runs are what there is
        return firsts
    for _ in range(rounds):
        for name, run in sides.items():
            times[name].append(seconds(run))
        if time.perf_counter() - begun > budget:
            break
    return {name: statistics.median(found) for name, found in times.items()}


def versions(*names: str) -> str:
    """The versions of the packages among these that are installed, and of Python."""
    from importlib.metadata import PackageNotFoundError, version

    found = [f"Python {sys.version.split()[0]}"]
    for name in names:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)
