"""The update rules, step by step against the published algorithms written out in NumPy, in both precisions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import cgcli
from cgcli.program.examples import Examples
from cgcli.program.training import problem, start, task
from cgcli.train.optimizers import OPTIMIZERS, Update, update_source
from cgcli.train.step import step_graph, update_graph

RATE, STEPS = 0.05, 25
PROGRAM = """
param W: {0}[2, 3] = normal(0, 1)
param b: {0} = 0.5
loss = sum(tanh(W)^2) * (1 + b^2) + sum(W * [[1, -2, 0.5], [0.25, 3, -1]]) - b
"""


def sgd(p: Any, gradient: Callable[[Any], Any]) -> Iterator[Any]:
    while True:
        p = p - RATE * gradient(p)
        yield p


def momentum(p: Any, gradient: Callable[[Any], Any]) -> Iterator[Any]:
    v = np.zeros_like(p)
    while True:
        v = 0.9 * v + gradient(p)
        p = p - RATE * v
        yield p


def adam(p: Any, gradient: Callable[[Any], Any], decay: float = 0.0) -> Iterator[Any]:
    m, v, t = np.zeros_like(p), np.zeros_like(p), 0
    while True:
        t += 1
        g = gradient(p)
        m = m + (g - m) * 0.1
        v = v + (g * g - v) * 0.001
        p = p * (1 - RATE * decay)
        p = p - RATE * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        yield p


def adamw(p: Any, gradient: Callable[[Any], Any]) -> Iterator[Any]:
    return adam(p, gradient, decay=0.01)


def rmsprop(p: Any, gradient: Callable[[Any], Any]) -> Iterator[Any]:
    v = np.zeros_like(p)
    while True:
        g = gradient(p)
        v = 0.99 * v + 0.01 * g * g
        p = p - RATE * g / (np.sqrt(v) + 1e-8)
        yield p


def adagrad(p: Any, gradient: Callable[[Any], Any]) -> Iterator[Any]:
    squares = []
    while True:
        g = gradient(p)
        squares.append(g * g)
        p = p - RATE * g / (np.sqrt(sum(squares)) + 1e-10)
        yield p


def lion(p: Any, gradient: Callable[[Any], Any]) -> Iterator[Any]:
    m = np.zeros_like(p)
    while True:
        g = gradient(p)
        p = p - RATE * np.sign(0.9 * m + 0.1 * g)
        m = 0.99 * m + 0.01 * g
        yield p


PUBLISHED = {f.__name__: f for f in (sgd, momentum, adam, adamw, rmsprop, adagrad, lion)}


def gradient(p: Any) -> Any:
    """The derivative of the program's loss, by hand; the last element is b."""
    w, b = p[:6].reshape(2, 3), p[6]
    t = np.tanh(w)
    by_w = 2 * t * (1 - t * t) * (1 + b * b) + np.array([[1, -2, 0.5], [0.25, 3, -1]])
    return np.array([*by_w.reshape(-1), 2 * b * (t * t).sum() - 1], dtype=p.dtype)


def test_every_rule_is_published_here() -> None:
    assert set(PUBLISHED) == set(OPTIMIZERS)


@pytest.mark.parametrize("dtype", ["float", "f32"])
@pytest.mark.parametrize("rule", sorted(OPTIMIZERS))
def test_steps(rule: str, dtype: str) -> None:
    wanted = task(cgcli.parse(PROGRAM.format(dtype)), "loss", {}, Examples({}, 0))
    update = Update(rule, RATE)
    state, trained = start(wanted, update), problem(wanted, update)
    p = np.array([*state.params["W"].reshape(-1), state.params["b"]], dtype="float64")
    published = PUBLISHED[rule](p, gradient)
    for _ in range(STEPS):
        found = trained.step(state, None)
        state.params, state.memories = found.params, found.memories
        state.step += 1
        p = next(published)
        assert found.params["W"].dtype == ("float32" if dtype == "f32" else "float64")
        flat = [*found.params["W"].reshape(-1), found.params["b"]]
        # in f32 sums of 25 steps of at most 0.05 each keep about six digits
        assert flat == pytest.approx(p, rel=3e-5 if dtype == "f32" else 1e-12, abs=1e-5 if dtype == "f32" else 1e-13)


def test_one_graph_and_two_do_the_same() -> None:
    """A step as one graph, and the gradient followed by the update, as dynamic programs have it."""
    from executors import executor

    from cgcli.transform.gradient import gradient as differentiated

    program = cgcli.parse(PROGRAM.format("float"))
    update = Update("adam", RATE, "cosine", 10, 2, 0.5, {"W": 0.1})
    params = [(i.name, i.type) for i in program.inputs]
    whole = step_graph(program.graph, update, [name for name, _ in params])
    rng = np.random.default_rng(2)
    w, b = rng.normal(size=(2, 3)), 0.3
    kept = [rng.uniform(0.1, 1, size=(2, 3)), rng.uniform(0.1, 1, size=(2, 3)), 0.2, 0.3]
    v = executor(whole).forward([w, b, *kept, 4.0, RATE])
    together = [v[i] for i in whole.outputs]
    first = differentiated(program.graph, program.graph.outputs[0], list(program.graph.inputs), value=True)
    v = executor(first).forward([w, b])
    loss, *gradients = [v[i] for i in first.outputs]
    second = update_graph(update, params)
    v = executor(second).forward([w, b, *gradients, *kept, 4.0, RATE])
    apart = [loss, *[v[i] for i in second.outputs]]
    assert len(together) == len(apart) == 3 + 2 + 4
    for a, x in zip(together, apart, strict=True):
        np.testing.assert_allclose(a, x, rtol=1e-14)


def test_the_update_is_a_program_that_can_be_read() -> None:
    program = cgcli.parse(PROGRAM.format("float"))
    text = update_source(Update("adamw", 0.1, clip=1.0, decay={"W": 0.5}), [(i.name, i.type) for i in program.inputs])
    assert "factor = optim.clip(norm, 1.0)" in text
    assert "p0_new, m0_new, v0_new = optim.adamw(p0, g0 * factor, m0, v0, step, rate=speed, decay=0.5)" in text
    assert cgcli.parse(text).outputs[:2] == ("norm", "speed")
