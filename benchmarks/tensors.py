"""Values and gradients of tensor programs, beside JAX and PyTorch.

The programs: the likelihood of a mixture of Gaussians (the objective of ADBench), and a step of a two-layer network.
Results are compared first; then whole runs are timed in turn.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cgcli.program import load, parse

ROUNDS = 7
AGREE = 1e-12  # of the largest element, in double precision
SAMPLES = Path(__file__).parents[1] / "samples"
NETWORK = """
import nn
input x: float[batch, 256]
input label: int[batch]
param W1: float[256, 128]
param b1: float[128]
param W2: float[128, 10]
param b2: float[10]
logits = relu(x @ W1 + b1) @ W2 + b2
loss = nn.cross_entropy(logits, label)
output loss
"""
Values = Mapping[str, Any]
Run = Callable[[], tuple[float, list[Any]]]


def mixture(n: int, d: int, k: int) -> dict[str, Any]:
    """Random parameters and points."""
    rng = np.random.default_rng(n)
    return {
        "alpha": rng.normal(size=k),
        "means": rng.normal(size=(k, d)),
        "icf": 0.3 * rng.normal(size=(k, d * (d + 1) // 2)),
        "x": rng.normal(size=(n, d)),
        "gamma": 1.2,
        "m": 2,
    }


def network(batch: int) -> dict[str, Any]:
    rng = np.random.default_rng(batch)
    return {
        "x": rng.normal(size=(batch, 256)),
        "label": rng.integers(0, 10, batch),
        "W1": 0.1 * rng.normal(size=(256, 128)),
        "b1": np.zeros(128),
        "W2": 0.1 * rng.normal(size=(128, 10)),
        "b2": np.zeros(10),
    }


def jax_mixture(v: Values, names: list[str]) -> Run:
    jax = importlib.import_module("jax")
    jnp, special = jax.numpy, importlib.import_module("jax.scipy.special")
    n, d = v["x"].shape
    k, m = len(v["alpha"]), v["m"]
    columns = [(r, c) for c in range(d) for r in range(c + 1, d)]
    rows_of, columns_of = (np.array([pair[i] for pair in columns], dtype=int) for i in (0, 1))

    def triangle(row: Any) -> Any:
        return jnp.zeros((d, d)).at[rows_of, columns_of].set(row[d:]) + jnp.diag(jnp.exp(row[:d]))

    def objective(alpha: Any, means: Any, icf: Any) -> Any:
        apart = jnp.einsum("kij,knj->kni", jax.vmap(triangle)(icf), v["x"][None] - means[:, None])
        score = alpha[:, None] + icf[:, :d].sum(1)[:, None] - 0.5 * (apart**2).sum(-1)
        likelihood = special.logsumexp(score, axis=0).sum() - n * special.logsumexp(alpha)
        freedom = d + m + 1
        log_gamma = d * (d - 1) / 4 * jnp.log(jnp.pi) + special.gammaln((freedom - jnp.arange(d)) / 2).sum()
        squares = jnp.exp(2 * icf[:, :d]).sum() + (icf[:, d:] ** 2).sum()
        constant = k * (freedom * d * jnp.log(v["gamma"] / jnp.sqrt(2)) - log_gamma)
        prior = 0.5 * v["gamma"] ** 2 * squares - m * icf[:, :d].sum() - constant
        return likelihood - n * d * jnp.log(2 * jnp.pi) / 2 + prior

    return _jax_run(objective, [v[name] for name in names])


def jax_network(v: Values, names: list[str]) -> Run:
    jax = importlib.import_module("jax")
    jnp = jax.numpy

    def loss(w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
        logits = jax.nn.relu(v["x"] @ w1 + b1) @ w2 + b2
        return -jax.nn.log_softmax(logits)[jnp.arange(len(logits)), v["label"]].mean()

    return _jax_run(loss, [v[name] for name in names])


def _jax_run(function: Callable[..., Any], arguments: list[Any]) -> Run:
    jax = importlib.import_module("jax")
    both = jax.jit(jax.value_and_grad(function, argnums=tuple(range(len(arguments)))))

    def run() -> tuple[float, list[Any]]:
        value, gradient = jax.block_until_ready(both(*arguments))
        return float(value), [np.asarray(g) for g in gradient]

    return run


def torch_network(v: Values, names: list[str]) -> Run:
    torch = importlib.import_module("torch")
    x, label = torch.tensor(v["x"]), torch.tensor(v["label"])

    def run() -> tuple[float, list[Any]]:
        w1, b1, w2, b2 = (torch.tensor(v[name], requires_grad=True) for name in names)
        loss = torch.nn.functional.cross_entropy(torch.relu(x @ w1 + b1) @ w2 + b2, label)
        loss.backward()
        return loss.item(), [p.grad.numpy() for p in (w1, b1, w2, b2)]

    return run


def compare(title: str, program: Any, values: Values, names: list[str], peers: Mapping[str, Run]) -> None:
    """Prints how far each peer's numbers are from cg's, and how long it takes beside cg."""

    def run() -> tuple[float, list[Any]]:
        found = program.grad(values, wrt=names)
        return found.value, list(found.partials.values())

    value, gradient = run()
    for peer, other in peers.items():
        its_value, its_gradient = other()
        apart = abs(value - its_value) / abs(its_value)
        for mine, its in zip(gradient, its_gradient, strict=True):
            apart = max(apart, float(np.max(np.abs(mine - its)) / np.max(np.abs(its))))
        if not apart <= AGREE:
            raise SystemExit(f"{title}: {peer} and cg differ by {apart:.1e}")
        ratios = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            run()
            middle = time.perf_counter()
            other()
            ratios.append((time.perf_counter() - middle) / (middle - start))
        shown = f"takes {statistics.median(ratios):5.2f} × as long as cg"
        print(f"{title:34} {peer:8} {shown}   ({min(ratios):.2f} to {max(ratios):.2f}; numbers within {apart:.0e})")


def installed(*names: str) -> set[str]:
    found = {name for name in names if importlib.util.find_spec(name)}
    for name in sorted(set(names) - found):
        print(f"{name} is not installed and left out")
    return found


def main() -> None:
    os.environ["JAX_ENABLE_X64"] = "1"
    peers = installed("jax", "torch")
    gmm = load(SAMPLES / "gmm.cg")
    for n, d, k in ((1_000, 8, 5), (1_000, 32, 25), (10_000, 32, 25)):
        values, names = mixture(n, d, k), ["alpha", "means", "icf"]
        others = {"JAX": jax_mixture(values, names)} if "jax" in peers else {}
        compare(f"mixture n={n} d={d} k={k}", gmm, values, names, others)
    mlp = parse(NETWORK)
    for batch in (64, 1024):
        values, names = network(batch), ["W1", "b1", "W2", "b2"]
        both = {"jax": ("JAX", jax_network), "torch": ("PyTorch", torch_network)}
        others = {shown: make(values, names) for peer, (shown, make) in both.items() if peer in peers}
        compare(f"network 256-128-10, batch {batch}", mlp, values, names, others)


if __name__ == "__main__":
    main()
