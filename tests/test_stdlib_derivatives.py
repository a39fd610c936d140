"""The standard library's derivatives, first and second, against mpmath; those by tensors against differences."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import mpmath
import numpy as np
import pytest
from mpmath import mp
from stdlib_harness import assert_close, declared, gradient, program


def layer_norm(row: list[Any]) -> list[Any]:
    mean = mp.fsum(row) / len(row)
    variance = mp.fsum((v - mean) ** 2 for v in row) / len(row)
    return [(v - mean) / mp.sqrt(variance + mpmath.mpf(1e-5)) for v in row]


def pair_density(x: Any, y: Any, a: Any, b: Any, c: Any) -> Any:
    """The log density of a normal pair around 0 with covariance [[a, b], [b, c]], by its inverse in closed form."""
    det = a * c - b**2
    return -(c * x**2 - 2 * b * x * y + a * y**2) / (2 * det) - mp.log(2 * mp.pi) - mp.log(det) / 2


def black_scholes(*arguments: Any) -> Any:
    """The price of a call as the discounted mean of what it pays: an integral over the share's price at the end."""
    return _black_scholes(mp.prec, *arguments)


@cache  # that of a put is made of the same integrals
def _black_scholes(_: int, spot: Any, strike: Any, rate: Any, vol: Any, years: Any, dividend: Any) -> Any:
    drift, spread = (rate - dividend - vol**2 / 2) * years, vol * mp.sqrt(years)
    even = (mp.log(strike / spot) - drift) / spread
    paid = mp.quad(lambda z: (spot * mp.exp(drift + spread * z) - strike) * mp.npdf(z), [even, even + 15])
    return mp.exp(-rate * years) * paid


class Case(NamedTuple):
    """An expression, the point where it is looked at, and its meaning in mpmath."""

    expression: str
    point: dict[str, float]
    meaning: Callable[..., Any]


def _log(density: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *x: mp.log(density(*x))


CASES = [
    Case("nn.gelu(x)", {"x": -1.25}, lambda x: x * mp.ncdf(x)),
    Case(
        "nn.gelu_tanh(x)",
        {"x": 0.75},
        lambda x: x * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (x + mpmath.mpf(0.044715) * x**3))) / 2,
    ),
    Case("nn.silu(x)", {"x": -2.5}, lambda x: x / (1 + mp.exp(-x))),
    Case("nn.softmax([a, b, 0])[0]", {"a": 0.5, "b": -1}, lambda a, b: mp.exp(a) / (mp.exp(a) + mp.exp(b) + 1)),
    Case("nn.log_softmax([a, b, 0])[1]", {"a": 0.5, "b": -1}, lambda a, b: b - mp.log(mp.exp(a) + mp.exp(b) + 1)),
    Case("nn.huber(a, b)", {"a": 0.75, "b": 0.5}, lambda a, b: (a - b) ** 2 / 2),
    Case("nn.huber(a, b, delta=d)", {"a": 3, "b": 0.5, "d": 1.5}, lambda a, b, d: d * (a - b - d / 2)),
    Case("nn.layer_norm([a, b, 1])[0]", {"a": 2, "b": -0.5}, lambda a, b: layer_norm([a, b, 1])[0]),
    Case("nn.rms_norm([a, b])[1]", {"a": 2, "b": -0.5}, lambda a, b: b / mp.sqrt((a**2 + b**2) / 2 + mpmath.mpf(1e-6))),
    Case("stats.normal_logpdf(x, m, s)", {"x": 0.3, "m": 1.1, "s": 0.7}, _log(mp.npdf)),
    Case("stats.normal_cdf(x, m, s)", {"x": -7.0, "m": 1.1, "s": 0.7}, mp.ncdf),
    Case(
        "stats.lognormal_logpdf(x, m, s)",
        {"x": 0.3, "m": 1.1, "s": 0.7},
        _log(lambda x, m, s: mp.npdf(mp.log(x), m, s) / x),
    ),
    Case("stats.exponential_logpdf(x, r)", {"x": 0.3, "r": 1.75}, _log(lambda x, r: r * mp.exp(-r * x))),
    Case(
        "stats.gamma_logpdf(x, a, r)",
        {"x": 0.3, "a": 2.2, "r": 1.75},
        _log(lambda x, a, r: r**a * x ** (a - 1) * mp.exp(-r * x) / mp.gamma(a)),
    ),
    Case(
        "stats.beta_logpdf(x, a, b)",
        {"x": 0.3, "a": 2.2, "b": 0.6},
        _log(lambda x, a, b: x ** (a - 1) * (1 - x) ** (b - 1) / mp.beta(a, b)),
    ),
    Case(
        "stats.student_t_logpdf(x, v, m, s)",
        {"x": 0.3, "v": 3.5, "m": 1.1, "s": 0.7},
        _log(
            lambda x, v, m, s: (
                (1 + ((x - m) / s) ** 2 / v) ** (-(v + 1) / 2) / (s * mp.sqrt(v) * mp.beta(v / 2, mpmath.mpf(1) / 2))
            )
        ),
    ),
    Case(
        "stats.cauchy_logpdf(x, m, s)",
        {"x": 0.3, "m": 1.1, "s": 0.7},
        _log(lambda x, m, s: s / (mp.pi * (s**2 + (x - m) ** 2))),
    ),
    Case(
        "stats.laplace_logpdf(x, m, s)",
        {"x": 0.3, "m": 1.1, "s": 0.7},
        _log(lambda x, m, s: mp.exp((x - m) / s) / (2 * s)),
    ),
    Case(
        "stats.logistic_logpdf(x, m, s)",
        {"x": 0.3, "m": 1.1, "s": 0.7},
        _log(lambda x, m, s: mp.sech((x - m) / (2 * s)) ** 2 / (4 * s)),
    ),
    Case("stats.uniform_logpdf(x, a, b)", {"x": 0.3, "a": -1, "b": 2}, _log(lambda x, a, b: 1 / (b - a) + 0 * x)),
    Case("stats.poisson_logpmf(3, r)", {"r": 2.25}, _log(lambda r: r**3 * mp.exp(-r) / 6)),
    Case("stats.bernoulli_logpmf(0, p)", {"p": 0.25}, _log(lambda p: 1 - p)),
    Case("stats.bernoulli_logits_logpmf(1, z)", {"z": -2.5}, _log(lambda z: 1 / (1 + mp.exp(-z)))),
    Case("stats.binomial_logpmf(2, 5, p)", {"p": 0.3}, _log(lambda p: 10 * p**2 * (1 - p) ** 3)),
    Case("stats.binomial_logpmf(0, 5, p)", {"p": 0.3}, _log(lambda p: (1 - p) ** 5)),
    Case("stats.categorical_logpmf(1, [p, 1 - p])", {"p": 0.3}, _log(lambda p: 1 - p)),
    Case("stats.categorical_logits_logpmf(1, [a, b])", {"a": 0.3, "b": -1}, _log(lambda a, b: 1 / (1 + mp.exp(a - b)))),
    Case(
        "stats.multivariate_normal_logpdf([x, 1], [m, 0], [[s, c], [c, 2]])",
        {"x": 0.3, "m": 1.1, "s": 1.5, "c": 0.4},
        lambda x, m, s, c: pair_density(x - m, 1, s, c, 2),
    ),
    Case(
        "finance.black_scholes_call(s, k, r, v, t, q)",
        {"s": 42, "k": 40, "r": 0.1, "v": 0.2, "t": 0.5, "q": 0.03},
        black_scholes,
    ),
    Case(
        "finance.black_scholes_put(s, k, r, v, t, q)",
        {"s": 42, "k": 40, "r": 0.1, "v": 0.2, "t": 0.5, "q": 0.03},
        lambda s, k, r, v, t, q: black_scholes(s, k, r, v, t, q) - s * mp.exp(-q * t) + k * mp.exp(-r * t),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.expression for case in CASES])
def test_value_and_derivatives(case: Case) -> None:
    """The value, the gradient and the second derivatives by each argument are mpmath's."""
    point = tuple(map(mpmath.mpf, case.point.values()))
    text = "".join(f"input {name}\n" for name in case.point) + f"out = {case.expression}\noutput out"
    asked = program(text)
    second = asked.hessian(case.point)
    with mp.workdps(20):
        known = float(case.meaning(*point))
        assert_close(asked.eval(case.point)["out"], known)
        for k, name in enumerate(case.point):
            orders = [tuple(n if i == k else 0 for i in range(len(point))) for n in (1, 2)]
            first, curvature = (float(mp.diff(case.meaning, point, order)) for order in orders)
            np.testing.assert_allclose(
                asked.grad(case.point).partials[name], first, rtol=1e-11, atol=1e-13 * abs(known)
            )
            np.testing.assert_allclose(second[name][name], curvature, rtol=1e-10, atol=1e-12 * abs(known))


def test_cross_entropy_has_the_known_gradient() -> None:
    """(softmax - one-hot) / rows."""
    logits = np.array([[2.0, -1.0, 0.5], [0.0, 3.0, 1.0]])
    found = gradient("nn.cross_entropy(z, k)", z=logits, k=np.array([2, 1]))["z"]
    wanted = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    wanted[[0, 1], [2, 1]] -= 1
    assert_close(found, wanted / 2)


DIFFERENCES = {
    "attention": ("sum(nn.attention(q, k, v)^2)", {"q": (2, 3), "k": (4, 3), "v": (4, 2)}),
    "causal_attention": ("sum(nn.causal_attention(q, k, v)^2)", {"q": (3, 2), "k": (3, 2), "v": (3, 2)}),
    "multi_head": (
        "sum(nn.multi_head_attention(x, Q, K, V, W, heads=2, causal=true)^2)",
        {"x": (3, 2), "Q": (2, 4), "K": (2, 4), "V": (2, 4), "W": (4, 2)},
    ),
    "layer_norm": ("sum(nn.layer_norm(x, g, b)^3)", {"x": (2, 3), "g": (3,), "b": (3,)}),
    "gru_cell": ("sum(nn.gru_cell(x, h, W, U, b)^2)", {"x": (2, 3), "h": (2, 2), "W": (3, 6), "U": (2, 6), "b": (6,)}),
    "embedding": ("sum(nn.embedding([1, 1, 0], t)^2)", {"t": (3, 2)}),
}


@pytest.mark.parametrize("which", DIFFERENCES)
def test_gradients_agree_with_differences(which: str) -> None:
    """Central differences, extrapolated once (Richardson), element by element."""
    expression, shapes = DIFFERENCES[which]
    random = np.random.default_rng(7)
    values = {name: random.normal(size=shape) for name, shape in shapes.items()}
    asked = program(declared(values) + f"out = {expression}\noutput out")

    def at(name: str, index: tuple[int, ...], step: float) -> float:
        moved = values[name].copy()
        moved[index] += step
        return float(asked.eval(values | {name: moved})["out"])

    found = asked.grad(values).partials
    for name, array in values.items():
        for index in np.ndindex(array.shape):
            wide, narrow = ((at(name, index, h) - at(name, index, -h)) / (2 * h) for h in (1e-3, 5e-4))
            wanted = (4 * narrow - wide) / 3
            assert np.asarray(found[name])[index] == pytest.approx(wanted, rel=1e-8, abs=1e-9), (name, index)
