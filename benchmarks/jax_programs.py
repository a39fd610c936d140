"""The programs of `benchmarks/programs/` in JAX, as one writes them there: loops of tensors by `lax.scan`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy.linalg import solve_triangular
from jax.scipy.special import logsumexp

jax.config.update("jax_enable_x64", True)
STATIC = ("steps", "symbols")  # inputs without a derivative


def repeat(step: Callable[[Any], Any], state: Any, count: int) -> Any:
    return lax.scan(lambda s, _: (step(s), None), state, None, length=count)[0]


def hmm(start: Any, move: Any, emit: Any, symbols: Any) -> Any:
    log_start = jax.nn.log_softmax(start)
    log_move, log_emit = jax.nn.log_softmax(move, axis=1), jax.nn.log_softmax(emit, axis=1)

    def step(forward: Any, symbol: Any) -> Any:
        return logsumexp(forward[:, None] + log_move, axis=0) + log_emit[:, symbol], None

    return logsumexp(lax.scan(step, log_start + log_emit[:, symbols[0]], symbols[1:])[0])


def gaussian_process(x: Any, y: Any, log_length: Any, log_signal: Any, log_noise: Any) -> Any:
    n = len(y)
    scaled = x / jnp.exp(log_length)
    squares = ((scaled[:, None] - scaled[None]) ** 2).sum(-1)
    k = jnp.exp(2 * log_signal) * jnp.exp(-squares / 2) + jnp.exp(2 * log_noise) * jnp.eye(n)
    factor = jnp.linalg.cholesky(k)
    z = solve_triangular(factor, y, lower=True)
    return -z @ z / 2 - jnp.log(jnp.diag(factor)).sum() - n * jnp.log(2 * jnp.pi) / 2


def heat(field: Any, target: Any, rate: Any, steps: int) -> Any:
    def step(u: Any) -> Any:
        wide = jnp.pad(u, 1)
        return u + rate * (wide[:-2, 1:-1] + wide[2:, 1:-1] + wide[1:-1, :-2] + wide[1:-1, 2:] - 4 * u)

    return ((repeat(step, field, steps) - target) ** 2).mean()


def n_body(position: Any, velocity: Any, mass: Any, seen: Any, dt: Any, steps: int) -> Any:
    def acceleration(x: Any) -> Any:
        apart = x[None] - x[:, None]
        distance = (apart**2).sum(-1) + 0.01
        return (apart * (mass / distance**1.5)[..., None]).sum(1)

    def step(state: Any) -> Any:
        x, v = state
        v = v + dt / 2 * acceleration(x)
        x = x + dt * v
        return x, v + dt / 2 * acceleration(x)

    return ((repeat(step, (position, velocity), steps)[0] - seen) ** 2).mean()


def neural_ode(start: Any, measured: Any, dt: Any, W1: Any, b1: Any, W2: Any, b2: Any, steps: int) -> Any:  # noqa: N803
    def speed(y: Any) -> Any:
        return jnp.tanh(y @ W1 + b1) @ W2 + b2

    def step(y: Any) -> Any:
        k1 = speed(y)
        k2 = speed(y + dt / 2 * k1)
        k3 = speed(y + dt / 2 * k2)
        k4 = speed(y + dt * k3)
        return y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    return ((repeat(step, start, steps) - measured) ** 2).mean()


def soft_dtw(x: Any, y: Any, gamma: Any) -> Any:
    """A scan over rows, in it one over columns that hands on the cell to the left: no element is written."""
    first = jnp.full(len(y) + 1, 1e10).at[0].set(0.0)

    def row(above: Any, x_i: Any) -> Any:
        def cell(left: Any, item: Any) -> Any:
            corner, over, y_j = item
            ways = jnp.stack([corner, over, left])
            cost = (x_i - y_j) ** 2 - gamma * logsumexp(-ways / gamma)
            return cost, cost

        cells = lax.scan(cell, jnp.asarray(1e10), (above[:-1], above[1:], y))[1]
        return jnp.concatenate([jnp.full(1, 1e10), cells]), None

    return lax.scan(row, first, x)[0][-1]


def transformer(
    words: Any,
    target: Any,
    Wq: Any,  # noqa: N803
    Wk: Any,  # noqa: N803
    Wv: Any,  # noqa: N803
    Wo: Any,  # noqa: N803
    W1: Any,  # noqa: N803
    b1: Any,
    W2: Any,  # noqa: N803
    b2: Any,
    scale1: Any,
    scale2: Any,
) -> Any:
    batch, n, d = words.shape
    heads = 4

    def normalised(x: Any, scale: Any) -> Any:
        apart = x - x.mean(-1, keepdims=True)
        return apart / jnp.sqrt((apart**2).mean(-1, keepdims=True) + 1e-5) * scale

    def split(x: Any) -> Any:
        return x.reshape(batch, n, heads, d // heads).transpose(0, 2, 1, 3)

    seen = normalised(words, scale1)
    q, k, v = (split(seen @ w) for w in (Wq, Wk, Wv))
    fit = q @ k.transpose(0, 1, 3, 2) / np.sqrt(d // heads)
    attention = jax.nn.softmax(jnp.where(np.tril(np.ones((n, n), bool)), fit, -1e9), axis=-1)
    middle = words + (attention @ v).transpose(0, 2, 1, 3).reshape(batch, n, d) @ Wo
    result = middle + jax.nn.relu(normalised(middle, scale2) @ W1 + b1) @ W2 + b2
    return ((result - target) ** 2).mean()


def robot_arm(angle: Any, length: Any, offset: Any, twist: Any, goal: Any, rate: Any, steps: int) -> Any:
    def link(q: Any, a: Any, d: Any, alpha: Any) -> Any:
        cos, sin, c, s = jnp.cos(q), jnp.sin(q), jnp.cos(alpha), jnp.sin(alpha)
        rows = [[cos, -sin * c, sin * s, a * cos], [sin, cos * c, -cos * s, a * sin], [0, s, c, d], [0, 0, 0, 1]]
        return jnp.array(rows)

    def off(q: Any) -> Any:
        t = jnp.eye(4)
        for j in range(len(angle)):
            t = t @ link(q[j], length[j], offset[j], twist[j])
        return ((t[:3, 3] - goal) ** 2).sum()

    q = repeat(lambda q: q - rate * jax.grad(off)(q), angle, steps)
    return off(q) + 0.001 * (q**2).sum()


def bilevel(x: Any, label: Any, other_x: Any, other_label: Any, log_penalty: Any, log_rate: Any, steps: int) -> Any:
    def loss_of(w: Any, x: Any, label: Any) -> Any:
        z = x @ w
        return (jax.nn.softplus(z) - label * z).mean()

    def fitted_loss(w: Any) -> Any:
        return loss_of(w, x, label) + jnp.exp(log_penalty) @ w**2

    w = repeat(lambda w: w - jnp.exp(log_rate) * jax.grad(fitted_loss)(w), jnp.zeros(x.shape[1]), steps)
    return loss_of(w, other_x, other_label)


def gru(xs: Any, target: Any, W: Any, U: Any, b: Any, v: Any) -> Any:  # noqa: N803
    def step(state: Any, x: Any) -> Any:
        reset = jax.nn.sigmoid(x @ W[0] + state @ U[0] + b[0])
        keep = jax.nn.sigmoid(x @ W[1] + state @ U[1] + b[1])
        candidate = jnp.tanh(x @ W[2] + reset * (state @ U[2]) + b[2])
        state = keep * state + (1 - keep) * candidate
        return state, state @ v

    guess = lax.scan(step, jnp.zeros((xs.shape[1], W.shape[2])), xs)[1]
    return ((guess - target) ** 2).mean()


def kalman_smoother(z: Any, truth: Any, log_push: Any, log_noise: Any, start: Any) -> Any:
    f = jnp.array([[1.0, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 1]])
    h = jnp.array([[1.0, 0, 0, 0], [0, 1, 0, 0]])
    pushed = np.array([[1 / 3, 0, 1 / 2, 0], [0, 1 / 3, 0, 1 / 2], [1 / 2, 0, 1, 0], [0, 1 / 2, 0, 1]])
    push, noise = jnp.exp(log_push) * pushed, jnp.exp(log_noise) * jnp.eye(2)

    def forward(state: Any, seen: Any) -> Any:
        x, p, likelihood = state
        x, p = f @ x, f @ p @ f.T + push
        s = h @ p @ h.T + noise
        surprise = seen - h @ x
        weighted = jnp.linalg.solve(s, surprise)
        gain = jnp.linalg.solve(s, h @ p).T
        likelihood -= (surprise @ weighted + jnp.linalg.slogdet(s)[1] + 2 * jnp.log(2 * jnp.pi)) / 2
        x, p = x + gain @ surprise, p - gain @ h @ p
        return (x, p, likelihood), (x, p)

    def backward(smooth: Any, filtered: Any) -> Any:
        x, p = filtered
        back = jnp.linalg.solve(f @ p @ f.T + push, f @ p).T
        smooth = x + back @ (smooth - f @ x)
        return smooth, smooth[:2]

    (last, _, likelihood), (means, covariances) = lax.scan(forward, (start, 10 * jnp.eye(4), 0.0), z)
    track = lax.scan(backward, last, (means[:-1], covariances[:-1]), reverse=True)[1]
    track = jnp.concatenate([track, last[None, :2]])
    return ((track - truth) ** 2).mean() - likelihood / len(z)


def rocket(control: Any, goal: Any, dt: Any, drag: Any, dry: Any) -> Any:
    def step(state: Any, thrust: Any) -> Any:
        x, height, speed, climb, fuel = state
        mass = dry + fuel
        push = jnp.sqrt(thrust[0] ** 2 + thrust[1] ** 2 + 1e-6)
        fast = jnp.sqrt(speed**2 + climb**2 + 1e-6)
        friction = drag * jnp.exp(-height / 8) * fast
        gravity = 0.0098 / (1 + height / 6371) ** 2
        speed = speed + dt * (thrust[0] - friction * speed) / mass
        climb = climb + dt * ((thrust[1] - friction * climb) / mass - gravity)
        return (x + dt * speed, height + dt * climb, speed, climb, fuel - dt * 0.01 * push), None

    (x, height, _, _, fuel), _ = lax.scan(step, (0.0, 0.0, 0.0, 0.0, 1.0), control)
    return (x - goal[0]) ** 2 + (height - goal[1]) ** 2 - 0.1 * fuel


FUNCTIONS: dict[str, Callable[..., Any]] = {
    f.__name__: f
    for f in (
        hmm,
        gaussian_process,
        heat,
        n_body,
        neural_ode,
        soft_dtw,
        transformer,
        robot_arm,
        bilevel,
        gru,
        kalman_smoother,
        rocket,
    )
}


def compiled(name: str, values: Mapping[str, Any]) -> Callable[[], tuple[Any, dict[str, Any]]]:
    """A run of the compiled function: its value, and the gradient by each float among the values."""
    function = FUNCTIONS[name]
    static = {key: value for key, value in values.items() if key in STATIC}
    floats = {key: jnp.asarray(value) for key, value in values.items() if key not in STATIC}
    both = jax.jit(jax.value_and_grad(lambda by: function(**by, **static)))

    def run() -> tuple[Any, dict[str, Any]]:
        value, gradient = jax.block_until_ready(both(floats))
        return value, gradient

    return run
