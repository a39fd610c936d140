"""Twelve programs from the textbook, value and gradient, beside JAX compiled: the numbers, then the time, one thread.

    python benchmarks/programs.py [--programs hmm,gru] [--backend NAME] [--rounds 7] [--budget 10] [--markdown]

The texts are `benchmarks/programs/NAME.cg`; `jax_programs.py` says the same in JAX. Both sides get the same values, in
double precision. Value and gradient by every input that can be differentiated are compared first, to 1e-8 of the
largest element. Then warm runs of both are timed in turn: JAX has compiled by then, and so has cg, which does that by
itself once runs have had as many steps together as cost what compiling does.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from measuring import is_installed, medians, on_one_thread, settle, versions

import cgcli

TEXTS = Path(__file__).with_name("programs")
AGREE = 1e-8
Values = dict[str, Any]
Rng = np.random.Generator


# ---- inputs. size: 1 for the benchmark; tests take a fraction


def hmm(rng: Rng, size: float) -> Values:
    n, k, symbols = int(200 * size), 12, 8
    return {
        "symbols": rng.integers(0, symbols, n),
        "start": rng.normal(size=k),
        "move": rng.normal(size=(k, k)),
        "emit": rng.normal(size=(k, symbols)),
    }


def gaussian_process(rng: Rng, size: float) -> Values:
    n, d = int(150 * size), 3
    x = rng.normal(size=(n, d))
    y = np.sin(x.sum(1)) + 0.1 * rng.normal(size=n)
    return {"x": x, "y": y, "log_length": rng.normal(0, 0.3, d), "log_signal": 0.2, "log_noise": -1.0}


def heat(rng: Rng, size: float) -> Values:
    n = int(40 * size)
    return {"field": rng.normal(size=(n, n)), "target": np.zeros((n, n)), "steps": int(200 * size), "rate": 0.2}


def n_body(rng: Rng, size: float) -> Values:
    n = int(20 * size)
    return {
        "position": rng.normal(size=(n, 3)),
        "velocity": 0.1 * rng.normal(size=(n, 3)),
        "mass": rng.uniform(0.5, 1.5, n) / n,
        "seen": rng.normal(size=(n, 3)),
        "steps": int(100 * size),
        "dt": 0.01,
    }


def neural_ode(rng: Rng, size: float) -> Values:
    n, d, h = int(16 * size), 4, 32
    return {
        "start": rng.normal(size=(n, d)),
        "measured": rng.normal(size=(n, d)),
        "steps": int(50 * size),
        "dt": 0.05,
        "W1": rng.normal(0, 0.5, (d, h)),
        "b1": 0.1 * rng.normal(size=h),
        "W2": rng.normal(0, 0.2, (h, d)),
        "b2": 0.1 * rng.normal(size=d),
    }


def soft_dtw(rng: Rng, size: float) -> Values:
    n = int(100 * size)
    return {"x": rng.normal(size=n).cumsum() / 3, "y": rng.normal(size=n).cumsum() / 3, "gamma": 0.7}


def transformer(rng: Rng, size: float) -> Values:
    batch, n, d = int(8 * size) or 1, int(32 * size), int(64 * size) // 4 * 4
    f = 4 * d
    return {
        "words": rng.normal(size=(batch, n, d)),
        "target": rng.normal(size=(batch, n, d)),
        **{name: rng.normal(0, d**-0.5, (d, d)) for name in ("Wq", "Wk", "Wv", "Wo")},
        "W1": rng.normal(0, d**-0.5, (d, f)),
        "b1": 0.1 * rng.normal(size=f),
        "W2": rng.normal(0, f**-0.5, (f, d)),
        "b2": 0.1 * rng.normal(size=d),
        "scale1": rng.uniform(0.5, 1.5, d),
        "scale2": rng.uniform(0.5, 1.5, d),
    }


def robot_arm(rng: Rng, size: float) -> Values:
    joints = 7
    return {
        "angle": rng.uniform(-0.5, 0.5, joints),
        "length": rng.uniform(0.1, 0.4, joints),
        "offset": rng.uniform(0, 0.3, joints),
        "twist": rng.uniform(-1.5, 1.5, joints),
        "goal": rng.uniform(-0.5, 0.5, 3),
        "steps": int(50 * size),
        "rate": 0.1,
    }


def bilevel(rng: Rng, size: float) -> Values:
    n, m, d = int(200 * size), int(100 * size), 20
    truth = rng.normal(size=d) * (np.arange(d) < 5)
    x, other = rng.normal(size=(n, d)), rng.normal(size=(m, d))
    return {
        "x": x,
        "label": (x @ truth + rng.logistic(size=n) > 0).astype(float),
        "other_x": other,
        "other_label": (other @ truth + rng.logistic(size=m) > 0).astype(float),
        "log_penalty": rng.normal(-4, 0.5, d),
        "log_rate": -0.5,
        "steps": int(100 * size),
    }


def gru(rng: Rng, size: float) -> Values:
    n, batch, d, h = int(50 * size), int(16 * size), 8, 32
    return {
        "xs": rng.normal(size=(n, batch, d)),
        "target": rng.normal(size=(n, batch)),
        "W": rng.normal(0, d**-0.5, (3, d, h)),
        "U": rng.normal(0, h**-0.5, (3, h, h)),
        "b": 0.1 * rng.normal(size=(3, h)),
        "v": rng.normal(0, h**-0.5, h),
    }


def kalman_smoother(rng: Rng, size: float) -> Values:
    n = int(200 * size)
    truth = rng.normal(0, 0.1, (n, 2)).cumsum(0).cumsum(0)
    return {
        "z": truth + rng.normal(0, 0.5, (n, 2)),
        "truth": truth,
        "log_push": -4.0,
        "log_noise": np.array([-1.5, -1.2]),
        "start": np.zeros(4),
    }


def rocket(rng: Rng, size: float) -> Values:
    n = int(500 * size)
    control = np.stack([rng.uniform(0, 0.02, n), rng.uniform(0.02, 0.06, n)], axis=1)
    return {"control": control, "goal": np.array([20.0, 100.0]), "dt": 0.5, "drag": 0.05, "dry": 0.6}


INPUTS: dict[str, Callable[[Rng, float], Values]] = {
    "hmm": hmm,
    "gaussian_process": gaussian_process,
    "heat": heat,
    "n_body": n_body,
    "neural_ode": neural_ode,
    "soft_dtw": soft_dtw,
    "transformer": transformer,
    "robot_arm": robot_arm,
    "bilevel": bilevel,
    "gru": gru,
    "kalman_smoother": kalman_smoother,
    "rocket": rocket,
}


def values_of(name: str, size: float = 1.0) -> Values:
    """The values of all inputs of a program, always the same."""
    return INPUTS[name](np.random.default_rng(0), size)


def load(name: str, backend: str | None = None) -> cgcli.Program:
    program = cgcli.load(TEXTS / f"{name}.cg")
    program.backend = backend
    return program


# ---- beside JAX


def distance(value: Any, gradient: Mapping[str, Any], others: tuple[Any, Mapping[str, Any]]) -> tuple[float, str]:
    """The largest difference, as a share of the largest element of what it belongs to, and what that is."""
    differences = [(abs(value - float(others[0])) / abs(float(others[0])), "the value")]
    for name, other in others[1].items():
        theirs = np.asarray(other)
        largest = float(np.abs(theirs).max()) or 1.0
        differences.append((float(np.abs(np.asarray(gradient[name]) - theirs).max()) / largest, name))
    nan = [pair for pair in differences if not pair[0] >= 0]
    return nan[0] if nan else max(differences)


class Measured(NamedTuple):
    """Seconds of JAX, None where it is not installed, and of cg; or what is wrong."""

    jax: float | None = None
    cg: float = 0.0
    wrong: str = ""


def measure(name: str, backend: str | None, rounds: int, budget: float) -> Measured:
    values, program = values_of(name), load(name, backend)

    def ours() -> Any:
        return program.value_and_grad(values)

    sides: dict[str, Callable[[], Any]] = {"cg": ours}
    try:
        result = ours()
    except cgcli.CgError as error:
        return Measured(wrong=str(error).splitlines()[0])
    if is_installed("jax"):
        from jax_programs import compiled

        sides["JAX"] = compiled(name, values)
        apart, which = distance(*result, sides["JAX"]())
        if not apart <= AGREE:
            return Measured(wrong=f"{which} differs from JAX's by {apart:.1e} of the largest element")
    settle(ours)
    times = medians(sides, rounds, budget)
    return Measured(times.get("JAX"), times["cg"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", default=",".join(INPUTS), help="the names of some of them, with commas")
    parser.add_argument("--backend", help="of cg; by default the one that it takes by itself")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--budget", type=float, default=10.0, help="seconds, after which no round of a program begins")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    on_one_thread()
    names = options.programs.split(",")
    for name in names:
        if name not in INPUTS:
            raise SystemExit(f"there is no program {name}; there are {', '.join(INPUTS)}")
    cells, rule = ("| {:18} | {:>9} | {:>9} | {:>8} |", "|---|---:|---:|---:|")
    if not options.markdown:
        cells, rule = "{:18} {:>9} {:>9} {:>8}", ""
    print(cells.format("program", "JAX, ms", "cg, ms", "cg / JAX") + (f"\n{rule}" if rule else ""))
    ratios, wrong = [], False
    for name in names:
        measured = measure(name, options.backend, options.rounds, options.budget)
        ours, theirs, ratio = f"{measured.cg * 1e3:.3f}", "", ""
        if measured.wrong:
            ours, wrong = measured.wrong, True
        elif measured.jax is not None:
            theirs, ratio = f"{measured.jax * 1e3:.3f}", f"{measured.cg / measured.jax:.2f}"
            ratios.append(measured.cg / measured.jax)
        print(cells.format(name, theirs, ours, ratio), flush=True)
    if ratios:
        print(cells.format("geometric mean", "", "", f"{statistics.geometric_mean(ratios):.2f}"))
    if not is_installed("jax"):
        print("jax is not installed and left out")
    print(f"\n{versions('numpy', 'llvmlite', 'jax')}")
    raise SystemExit(int(wrong))


if __name__ == "__main__":
    main()
