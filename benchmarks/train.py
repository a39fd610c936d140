"""A step of training, forward, backward and Adam, beside PyTorch and JAX: a dense and a convolutional network in f32.

All sides start from the same parameters and take the same batches; their losses are compared first. Then steps are
timed in turn, so that a busy moment of the machine meets all of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from measuring import SAMPLES, is_installed, medians, on_one_thread, ratios

from cgcli import parse
from cgcli.program.examples import Examples
from cgcli.program.training import problem, start, task
from cgcli.train.optimizers import Update

PROGRAMS = {"dense": "digits_mlp", "convolutional": "digits_conv"}
RATE, ROUNDS, STEPS = 0.001, 9, 12
Step = Callable[[int], float]


def cg_side(text: str, batches: list[dict[str, Any]]) -> tuple[Step, dict[str, Any]]:
    """The step, and the parameters that all sides start from."""
    examples = [Examples(batch, len(batch["digit"]), True) for batch in batches]
    first_task = task(parse(text), "loss", {}, examples[0])
    update = Update("adam", RATE)
    state, trained = start(first_task, update), problem(first_task, update)
    first = {name: x.copy() for name, x in state.params.items()}

    def step(k: int) -> float:
        trained.task = replace(first_task, examples=examples[k % len(examples)])
        after = trained.step(state, None)
        state.params, state.memories = after.params, after.memories
        state.step += 1
        return after.loss

    return step, first


def torch_side(kind: str, first: dict[str, Any], batches: list[dict[str, Any]]) -> Step:
    import torch
    from torch.nn import functional

    torch.set_num_threads(1)
    p = {name: torch.tensor(x, requires_grad=True) for name, x in first.items()}
    data = [(torch.tensor(b["image"]), torch.tensor(b["digit"])) for b in batches]
    optimizer = torch.optim.Adam(p.values(), RATE)

    def scores(x: Any) -> Any:
        if kind == "dense":
            return torch.relu(x.reshape(len(x), 64) / 16 @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"]
        x = torch.relu(functional.conv2d(x[:, None] / 16, p["K1"], padding=1) + p["c1"])
        x = torch.relu(functional.conv2d(functional.max_pool2d(x, 2), p["K2"], padding=1) + p["c2"])
        return functional.max_pool2d(x, 2).reshape(len(x), 128) @ p["W"] + p["b"]

    def step(k: int) -> float:
        x, digit = data[k % len(data)]
        optimizer.zero_grad()
        loss = functional.cross_entropy(scores(x), digit)
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step


def jax_side(kind: str, first: dict[str, Any], batches: list[dict[str, Any]]) -> Step:
    import jax
    import jax.numpy as jnp
    from jax import lax

    def convolved(x: Any, k: Any) -> Any:
        return lax.conv_general_dilated(x, k, (1, 1), [(1, 1), (1, 1)])

    def pooled(x: Any) -> Any:
        return lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")

    def loss(p: Any, x: Any, digit: Any) -> Any:
        if kind == "dense":
            z = jax.nn.relu(x.reshape(len(x), 64) / 16 @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"]
        else:
            x = jax.nn.relu(convolved(x[:, None] / 16, p["K1"]) + p["c1"])
            x = jax.nn.relu(convolved(pooled(x), p["K2"]) + p["c2"])
            z = pooled(x).reshape(len(x), 128) @ p["W"] + p["b"]
        return (jax.nn.logsumexp(z, axis=1) - z[jnp.arange(len(z)), digit]).mean()

    @jax.jit
    def update(p: Any, m: Any, v: Any, t: Any, x: Any, digit: Any) -> Any:
        value, g = jax.value_and_grad(loss)(p, x, digit)
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        one, two = 1 - 0.9**t, 1 - 0.999**t
        p = jax.tree.map(lambda p, m, v: p - RATE * (m / one) / (jnp.sqrt(v / two) + 1e-8), p, m, v)
        return value, p, m, v

    state: dict[str, Any] = {"p": {name: jnp.asarray(x) for name, x in first.items()}, "t": 0}
    state["m"] = state["v"] = jax.tree.map(jnp.zeros_like, state["p"])
    data = [(jnp.asarray(b["image"]), jnp.asarray(b["digit"])) for b in batches]

    def step(k: int) -> float:
        state["t"] += 1
        after = update(state["p"], state["m"], state["v"], float(state["t"]), *data[k % len(data)])
        value, state["p"], state["m"], state["v"] = after
        return float(value)

    return step


def sides(kind: str, size: int) -> dict[str, Callable[[], float]]:
    """A step of each side that is installed, each on its own copy of the parameters; it gives the loss before it."""
    with np.load(SAMPLES / "digits_train.npz") as arrays:
        image, digit = arrays["image"].astype("float32"), arrays["digit"].astype("int64")
    text = (SAMPLES / f"{PROGRAMS[kind]}.cg").read_text(encoding="utf-8").replace(": float[", ": f32[")
    text = text.replace("nn.dropout(relu(nn.dense(pixels, W1, b1)), 0.2)", "relu(nn.dense(pixels, W1, b1))")
    batches = [{"image": image[k : k + size], "digit": digit[k : k + size]} for k in range(0, 1024, size)]
    step, first = cg_side(text, batches)
    steps: dict[str, Step] = {"cg": step}
    if is_installed("torch"):
        steps["torch"] = torch_side(kind, first, batches)
    if is_installed("jax"):
        steps["JAX"] = jax_side(kind, first, batches)
    return {name: counted(step) for name, step in steps.items()}


def compare_losses(runs: dict[str, Callable[[], float]]) -> None:
    """Stops where those of the first twenty steps differ."""
    losses = {side: [run() for _ in range(20)] for side, run in runs.items()}
    for side, series in losses.items():
        np.testing.assert_allclose(series, losses["cg"], rtol=2e-3, err_msg=side)


def counted(step: Step) -> Callable[[], float]:
    numbers = itertools.count()
    return lambda: step(next(numbers))


def main() -> None:
    on_one_thread()
    for kind in PROGRAMS:
        for size in (32, 256):
            runs = sides(kind, size)
            compare_losses(runs)
            times = medians({side: partial(repeat, run, STEPS) for side, run in runs.items()}, ROUNDS)
            shown = ", ".join(f"{side} {ratio:.2f}" for side, ratio in ratios(times).items())
            print(f"{kind}, {size} rows: {times['cg'] / STEPS * 1e3:.2f} ms a step; x cg's time: {shown}")


def repeat(run: Callable[[], float], count: int) -> None:
    for _ in range(count):
        run()


if __name__ == "__main__":
    main()
