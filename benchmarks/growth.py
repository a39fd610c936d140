"""Rows of the table about growth: what a node, a row, a step and a line cost at 100 000 and at a million.

    python benchmarks/growth.py

A size that would take more than a minute by what the smaller one took is left out, and the row says so.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator

import numpy as np
from measuring import SAMPLES, Figure, Run, on_one_thread, seconds

import cgcli

SMALL, LARGE = 100_000, 1_000_000
MINUTE = 60.0
AIM = 1.5  # times the cost of one at the smaller size: caches no longer hold a million


def nodes(count: int) -> Run:
    from scalar_graph import in_cg

    return in_cg(count // 4)


def rows(count: int) -> Run:
    program = cgcli.load(SAMPLES / "black_scholes.cg")
    rng = np.random.default_rng(0)
    bounds = {"spot": (50, 150), "strike": (50, 150), "rate": (0, 0.1), "vol": (0.1, 0.5), "years": (0.1, 3)}
    columns = {name: rng.uniform(*ends, count) for name, ends in bounds.items()}
    return lambda: program.map_grad(columns)


def steps(count: int) -> Run:
    from loops import WITH_NUMBERS, ode_in_cg

    return ode_in_cg(WITH_NUMBERS, {}, count)


def lines(count: int) -> Run:
    from scalar_graph import lines as text_of

    text = text_of(count)
    return lambda: cgcli.parse(text)


WORK: dict[str, tuple[Callable[[int], Run], str]] = {
    "nodes": (nodes, "forward and backward"),
    "rows": (rows, "in memory, with 5 derivatives"),
    "steps": (steps, "of the ODE loop, with 4 derivatives"),
    "lines": (lines, "text to graph"),
}


def cost_of_one(run: Run, count: int) -> float:
    """Seconds for one of so many: the least of two warm runs."""
    gc.collect()
    return min(seconds(run) for _ in range(2)) / count


def growth() -> Iterator[Figure]:
    for name, (side, what) in WORK.items():
        work, target = f"growth in {name}: {what}", f"one of a million ≤ {AIM} × one of {SMALL:,}"
        runs: list[Run] = []
        least = seconds(lambda side=side, runs=runs: runs.append(side(SMALL)))  # type: ignore[misc]
        least += seconds(runs[0])
        small = cost_of_one(runs[0], SMALL)
        if least * LARGE / SMALL > MINUTE:
            reached = f"{small * 1e9:,.0f} ns at {SMALL:,}; a million would take more than a minute"
            yield Figure(work, target, reached, is_met=False)
            continue
        run = side(LARGE)
        run()
        large = cost_of_one(run, LARGE)
        reached = f"{large / small:.2f} × ({small * 1e9:,.0f} and {large * 1e9:,.0f} ns)"
        yield Figure(work, target, reached, large <= AIM * small)


if __name__ == "__main__":
    on_one_thread()
    for row in growth():
        print(row.show(), flush=True)
