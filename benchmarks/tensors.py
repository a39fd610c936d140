"""Rows of the table about tensors: a step of a network, a mixture of Gaussians, convolutions.

    python benchmarks/tensors.py

compares numbers first: to 1e-10 of the largest element in double precision, to 1e-4 in single. All on one thread.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from measuring import SAMPLES, Figure, Run, agree, is_installed, medians, missing, on_one_thread, ratios, settle

import cgcli

Values = Mapping[str, Any]
NETWORK = """
import nn
input x: f32[batch, 784]
input label: int[batch]
param W1: f32[784, 128]
param b1: f32[128]
param W2: f32[128, 10]
param b2: f32[10]
logits = relu(x @ W1 + b1) @ W2 + b2
output loss = nn.cross_entropy(logits, label)
"""
CONVOLUTION = """
input x: f32[batch, channels, height, width]
input K: f32[filters, channels, 3, 3]
input g: f32[batch, filters, height, width]
output y = sum(conv2d(x, K, padding=1) * g)
"""
LIBRARIES = ("JAX", "torch", "torch.compile")


# ---- a side: a run that gives the value and its derivatives by some of the inputs


def in_cg(program: cgcli.Program, values: Values, names: list[str]) -> Run:
    def run() -> list[Any]:
        gradient = program.grad(values, wrt=names)
        return [gradient.value, *gradient.partials.values()]

    return run


def in_jax(function: Callable[[Values], Any], values: Values, names: list[str]) -> Run:
    import jax

    both = jax.jit(jax.value_and_grad(lambda by, others: function({**by, **others})))
    arrays = {name: jax.numpy.asarray(x) for name, x in values.items()}
    by, others = {n: arrays[n] for n in names}, {n: x for n, x in arrays.items() if n not in names}

    def run() -> list[Any]:
        value, gradient = jax.block_until_ready(both(by, others))
        return [value, *(gradient[n] for n in names)]

    return run


def in_torch(function: Callable[[Values], Any], values: Values, names: list[str], *, compiled: bool) -> Run:
    import torch

    torch.set_num_threads(1)
    tensors = {name: torch.tensor(x, requires_grad=name in names) for name, x in values.items()}
    work = torch.compile(function) if compiled else function
    with warnings.catch_warnings():  # it warns of what it does itself
        warnings.simplefilter("ignore")
        work(tensors).backward()

    def run() -> list[Any]:
        value = work(tensors)
        gradient = torch.autograd.grad(value, [tensors[n] for n in names])
        return [value.detach().numpy(), *(g.numpy() for g in gradient)]

    return run


def libraries(jax_function: Any, torch_function: Any, values: Values, names: list[str]) -> dict[str, Run]:
    sides: dict[str, Run] = {}
    if is_installed("jax"):
        sides["JAX"] = in_jax(jax_function, values, names)
    if is_installed("torch"):
        sides["torch"] = in_torch(torch_function, values, names, compiled=False)
        sides["torch.compile"] = in_torch(torch_function, values, names, compiled=True)
    return sides


def figure(work: str, sides: dict[str, Run], aim: float, against: tuple[str, ...]) -> Figure:
    """cg beside the fastest of some peers."""
    settle(sides["cg"])
    times = medians(sides, rounds=25, budget=8.0)
    peers = ratios(times)
    best = min((peers[name] for name in against if name in peers), default=0.0)
    reached = f"{best:.2f} × ({times['cg'] * 1e3:.3f} ms)"
    target = f"≥ {aim} × {against[0] if len(against) == 1 else 'the best of ' + ', '.join(against)}"
    return Figure(work, target, reached, best >= aim, peers, missing("jax", "torch"))


# ---- a network of two layers


def jax_network(v: Values) -> Any:
    import jax

    logits = jax.nn.relu(v["x"] @ v["W1"] + v["b1"]) @ v["W2"] + v["b2"]
    return -jax.nn.log_softmax(logits)[jax.numpy.arange(len(logits)), v["label"]].mean()


def torch_network(v: Values) -> Any:
    import torch

    logits = torch.relu(v["x"] @ v["W1"] + v["b1"]) @ v["W2"] + v["b2"]
    return torch.nn.functional.cross_entropy(logits, v["label"])


def by_hand(v: Values) -> Run:
    """The same in NumPy into arrays that are kept, derivatives included."""
    x, label, w1, b1, w2, b2 = v.values()
    n, single = len(x), np.float32
    h, dh = np.empty((n, 128), single), np.empty((n, 128), single)
    z, e = np.empty((n, 10), single), np.empty((n, 10), single)
    positive, row = np.empty((n, 128), bool), np.arange(n)
    dw1, db1, dw2, db2 = (np.empty_like(w) for w in (w1, b1, w2, b2))

    def run() -> list[Any]:
        np.add(np.matmul(x, w1, out=h), b1, out=h)
        np.greater(h, 0, out=positive)
        np.maximum(h, 0, out=h)
        np.add(np.matmul(h, w2, out=z), b2, out=z)
        np.subtract(z, z.max(1, keepdims=True), out=e)
        right = e[row, label]
        np.exp(e, out=e)
        total = e.sum(1, keepdims=True)
        loss = (np.log(total[:, 0]) - right).mean()
        np.divide(e, total, out=e)
        e[row, label] -= 1
        np.multiply(e, single(1 / n), out=e)
        np.matmul(h.T, e, out=dw2)
        e.sum(0, out=db2)
        np.multiply(np.matmul(e, w2.T, out=dh), positive, out=dh)
        np.matmul(x.T, dh, out=dw1)
        dh.sum(0, out=db1)
        return [loss, dw1, db1, dw2, db2]

    return run


def products(v: Values) -> Run:
    """The five matrix products alone: no side can take less."""
    x, _, w1, _, w2, _ = v.values()
    n = len(x)
    h, z = np.empty((n, 128), np.float32), np.empty((n, 10), np.float32)
    dw1, dw2 = np.empty_like(w1), np.empty_like(w2)

    def run() -> None:
        np.matmul(x, w1, out=h)
        np.matmul(h, w2, out=z)
        np.matmul(h.T, z, out=dw2)
        np.matmul(z, w2.T, out=h)
        np.matmul(x.T, h, out=dw1)

    return run


def mlp() -> Iterator[Figure]:
    program, names = cgcli.parse(NETWORK), ["W1", "b1", "W2", "b2"]
    rng = np.random.default_rng(0)
    for batch, aim in ((64, 1.2), (1024, 1.0)):
        arrays = [
            rng.normal(size=(batch, 784)),
            rng.integers(0, 10, batch),
            rng.normal(0, 0.03, (784, 128)),
            np.zeros(128),
            rng.normal(0, 0.09, (128, 10)),
            np.zeros(10),
        ]
        values = dict(zip(("x", "label", *names), arrays, strict=True))
        values = {n: x if n == "label" else x.astype(np.float32) for n, x in values.items()}
        sides = {"cg": in_cg(program, values, names), **libraries(jax_network, torch_network, values, names)}
        sides |= {"NumPy by hand": by_hand(values), "the products alone": products(values)}
        agree(sides, 1e-4)
        yield figure(f"MLP 784-128-10, batch {batch}, single precision", sides, aim, LIBRARIES)


# ---- a mixture of Gaussians


def mixture(n: int, d: int, k: int) -> dict[str, Any]:
    """Random parameters and points."""
    rng = np.random.default_rng(n)
    return {
        "alpha": rng.normal(size=k),
        "means": rng.normal(size=(k, d)),
        "icf": 0.3 * rng.normal(size=(k, d * (d + 1) // 2)),
        "x": rng.normal(size=(n, d)),
    }


def below_diagonal(d: int) -> dict[str, Any]:
    """The rows and columns of a triangle's elements, by columns: where `icf` has them."""
    pairs = [(r, c) for c in range(d) for r in range(c + 1, d)]
    return {name: np.array([pair[i] for pair in pairs], dtype=int) for i, name in enumerate(("rows", "columns"))}


GAMMA, FREEDOM = 1.2, 2  # of the prior


def jax_mixture(v: Values) -> Any:
    import jax
    import jax.numpy as jnp
    from jax.scipy.special import gammaln, logsumexp

    alpha, means, icf, x = v["alpha"], v["means"], v["icf"], v["x"]
    (n, d), k = x.shape, len(alpha)
    below = v["rows"], v["columns"]

    def triangle(row: Any) -> Any:
        return jnp.zeros((d, d)).at[below].set(row[d:]) + jnp.diag(jnp.exp(row[:d]))

    apart = jnp.einsum("kij,knj->kni", jax.vmap(triangle)(icf), x[None] - means[:, None])
    score = alpha[:, None] + icf[:, :d].sum(1)[:, None] - 0.5 * (apart**2).sum(-1)
    likelihood = logsumexp(score, axis=0).sum() - n * logsumexp(alpha) - n * d * jnp.log(2 * jnp.pi) / 2
    freedom = d + FREEDOM + 1
    log_gamma = d * (d - 1) / 4 * jnp.log(jnp.pi) + gammaln((freedom - jnp.arange(d)) / 2).sum()
    squares = jnp.exp(2 * icf[:, :d]).sum() + (icf[:, d:] ** 2).sum()
    constant = k * (freedom * d * jnp.log(GAMMA / jnp.sqrt(2)) - log_gamma)
    return likelihood + 0.5 * GAMMA**2 * squares - FREEDOM * icf[:, :d].sum() - constant


def torch_mixture(v: Values) -> Any:
    import torch

    alpha, means, icf, x = v["alpha"], v["means"], v["icf"], v["x"]
    (n, d), k = x.shape, len(alpha)
    triangles = torch.diag_embed(torch.exp(icf[:, :d]))
    triangles = triangles.index_put((torch.arange(k)[:, None], v["rows"][None], v["columns"][None]), icf[:, d:])
    apart = (x[None] - means[:, None]) @ triangles.transpose(1, 2)
    score = (alpha + icf[:, :d].sum(1))[:, None] - 0.5 * (apart**2).sum(-1)
    likelihood = torch.logsumexp(score, 0).sum() - n * torch.logsumexp(alpha, 0) - n * d * np.log(2 * np.pi) / 2
    freedom = d + FREEDOM + 1
    log_gamma = d * (d - 1) / 4 * np.log(np.pi) + torch.lgamma((freedom - torch.arange(d, dtype=x.dtype)) / 2).sum()
    squares = torch.exp(2 * icf[:, :d]).sum() + (icf[:, d:] ** 2).sum()
    constant = k * (freedom * d * np.log(GAMMA / np.sqrt(2)) - log_gamma)
    return likelihood + 0.5 * GAMMA**2 * squares - FREEDOM * icf[:, :d].sum() - constant


def gmm() -> Iterator[Figure]:
    program, names = cgcli.load(SAMPLES / "gmm.cg"), ["alpha", "means", "icf"]
    for d in (10, 32):
        values = mixture(1_000, d, 25)
        sides = {
            "cg": in_cg(program, {**values, "gamma": GAMMA, "m": FREEDOM}, names),
            **libraries(jax_mixture, torch_mixture, {**values, **below_diagonal(d)}, names),
        }
        agree(sides, 1e-10)
        yield figure(f"GMM, 1,000 points, {d} dimensions, 25 parts", sides, 1.1, LIBRARIES)


# ---- convolutions


def torch_convolution(v: Values) -> Any:
    import torch

    return (torch.nn.functional.conv2d(v["x"], v["K"], padding=1) * v["g"]).sum()


def jax_convolution(v: Values) -> Any:
    from jax import lax

    return (lax.conv_general_dilated(v["x"], v["K"], (1, 1), [(1, 1), (1, 1)]) * v["g"]).sum()


def conv() -> Iterator[Figure]:
    import train

    for size in (32, 256):
        sides = train.sides("convolutional", size)
        train.compare_losses(sides)
        yield figure(f"training step of digits_conv, batch {size}, single precision", sides, 1.0, ("torch",))
    program, rng = cgcli.parse(CONVOLUTION), np.random.default_rng(0)
    for channels, filters, side in ((1, 16, 8), (16, 32, 4)):
        shapes = {
            "x": (256, channels, side, side),
            "K": (filters, channels, 3, 3),
            "g": (256, filters, side, side),
        }
        values = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
        sides = {"cg": in_cg(program, values, ["x", "K"])}
        sides |= libraries(jax_convolution, torch_convolution, values, ["x", "K"])
        agree(sides, 1e-4)
        work = f"convolution and both gradients, {channels} to {filters} channels of {side} × {side}, batch 256"
        yield figure(work, sides, 1.0, ("torch",))


if __name__ == "__main__":
    on_one_thread()
    for row in (*mlp(), *gmm(), *conv()):
        print(row.show())
