"""The standard library: every function says what it is and shows it by an example that was computed elsewhere (with
mpmath, at 50 digits); nothing overflows where the result does not; shapes are what they are said to be."""

import ast
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from cli_harness import cg
from mpmath import mp
from stdlib_harness import FILES, assert_close, declared, gradient, program, value

import cgcli
from cgcli.diagnostics.source import Source
from cgcli.language.parser import parse

EXAMPLE = re.compile(r"example: (?P<call>(?P<name>[\w.]+)\(.*\))  ->  (?P<result>.*)")


class Shown(NamedTuple):
    """A function of the library and its doc comment, a line an item."""

    name: str
    doc: list[str]


def functions() -> list[Shown]:
    """Every function of every file, in order."""
    found = []
    for path in FILES:
        parsed = parse(Source(path.name, path.read_text(encoding="utf-8")))
        for statement in parsed.tree.children:
            if statement.data == "fn_decl":
                doc = parsed.docs.get(statement.meta.start_pos, "")
                found.append(Shown(f"{path.stem}.{statement.children[0]}", doc.split("\n")))
    return found


FUNCTIONS = functions()
NAMES = [shown.name for shown in FUNCTIONS]


def example(shown: Shown) -> re.Match[str]:
    """The only line of the doc comment that is an example, taken apart."""
    (line,) = (line for line in shown.doc if line.startswith("example:"))
    match = EXAMPLE.fullmatch(line)
    assert match is not None, line
    return match


def test_the_functions_that_are_promised_are_there() -> None:
    wanted = {
        "nn": "dense softmax log_softmax cross_entropy mse huber layer_norm rms_norm dropout gelu silu attention "
        "multi_head_attention lstm_cell gru_cell embedding",
        "stats": "normal_logpdf lognormal_logpdf multivariate_normal_logpdf normal_cdf",
        "finance": "black_scholes_call black_scholes_put",
        "optim": "sgd momentum adam adamw rmsprop adagrad lion clip linear cosine exponential warmup",
    }
    assert {f"{file}.{name}" for file, names in wanted.items() for name in names.split()} <= set(NAMES)
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("shown", FUNCTIONS, ids=NAMES)
def test_doc_comment(shown: Shown) -> None:
    """A sentence comes first, the example last, and it calls the function that it stands at."""
    assert len(shown.doc) >= 2
    assert shown.doc[0].endswith((".", ":"))
    assert len(shown.doc[0]) > 20
    assert shown.doc[-1].startswith("example:")
    assert example(shown)["name"] == shown.name


@pytest.mark.parametrize("shown", FUNCTIONS, ids=NAMES)
def test_example(shown: Shown) -> None:
    """The call gives what the comment says; with only the file imported that it is in."""
    match = example(shown)
    wanted = ast.literal_eval(match["result"])
    results = wanted if isinstance(wanted, tuple) else (wanted,)
    names = [f"out{k}" for k in range(len(results))]
    module = shown.name.partition(".")[0]
    found = cgcli.parse(f"import {module}\n{', '.join(names)} = {match['call']}").eval({})
    assert list(found) == names
    for name, result in zip(names, results, strict=True):
        assert_close(found[name], result)


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_file_defines_functions_and_nothing_else(path: Path) -> None:
    """It is laid out as `cg fmt` does it, and importing it brings no values."""
    parsed = parse(Source(path.name, path.read_text(encoding="utf-8")))
    assert {statement.data for statement in parsed.tree.children} <= {"fn_decl", "import_decl"}
    assert cg("fmt", "--check", str(path)).status == 0


# ---- edges


def test_no_overflow() -> None:
    assert_close(value("nn.softmax([1000, 1000, -1000])"), [0.5, 0.5, 0.0])
    assert_close(value("nn.log_softmax([1e4, 0])"), [0.0, -1e4])
    assert_close(value("nn.cross_entropy([[1e4, 0], [0, 1e4]], [1, 1])"), 5e3)
    assert_close(value("nn.gelu([-50, 50])"), [0.0, 50.0])
    assert_close(value("nn.silu([-1e4, 1e4])"), [0.0, 1e4])
    assert_close(value("stats.bernoulli_logits_logpmf([0, 1, 1], [1e4, -1e4, 1e4])"), [-1e4, -1e4, 0.0])
    assert_close(value("stats.categorical_logits_logpmf(0, [-1e4, 1e4])"), -2e4)
    assert_close(value("stats.logistic_logpdf([1e4, -1e4])"), [-1e4, -1e4])
    assert_close(value("stats.normal_cdf([-37, 40])"), [float(mp.ncdf(-37)), 1.0])


def test_gradients_stay_finite_at_large_arguments() -> None:
    assert_close(gradient("nn.softmax(z)[0]", z=[1000.0, -1000.0])["z"], [0.0, 0.0])
    assert_close(gradient("nn.log_softmax(z)[1]", z=[1000.0, -1000.0])["z"], [-1.0, 1.0])
    assert_close(gradient("stats.bernoulli_logits_logpmf(1, z)", z=-1000.0)["z"], 1.0)


OUTSIDE = {
    "lognormal_logpdf(x)": (0.0, -1.5),
    "exponential_logpdf(x)": (-0.5,),
    "gamma_logpdf(x, 2.5)": (0.0, -1.5),
    "beta_logpdf(x, 2, 3)": (0.0, 1.0, -1.5, 2.0),
    "uniform_logpdf(x)": (-0.5, 1.5),
}


@pytest.mark.parametrize("call", OUTSIDE)
def test_what_cannot_occur_has_log_density_minus_infinity_and_derivative_zero(call: str) -> None:
    for x in OUTSIDE[call]:
        assert value(f"stats.{call}", x=x) == -np.inf
        assert gradient(f"stats.{call}", x=x)["x"] == 0


def test_counts_that_cannot_occur_or_must() -> None:
    assert_close(value("stats.poisson_logpmf([-1, 0], 0)"), [-np.inf, 0.0])
    assert_close(value("stats.binomial_logpmf([-1, 0, 5, 6], 5, 0)"), [-np.inf, 0.0, -np.inf, -np.inf])
    assert_close(value("stats.binomial_logpmf([0, 5], 5, 1)"), [-np.inf, 0.0])
    assert_close(value("stats.bernoulli_logpmf([0, 1, 2], 0.5)"), [np.log(0.5), np.log(0.5), -np.inf])
    assert_close(value("stats.bernoulli_logpmf(k > 1, 0.2)", k=[0, 2]), np.log([0.8, 0.2]))
    assert_close(value("stats.bernoulli_logits_logpmf(k > 1, 0)", k=[0, 2]), np.log([0.5, 0.5]))
    assert gradient("stats.binomial_logpmf(0, 5, p)", p=0.0)["p"] == -5


DENSITIES = {
    "normal_logpdf(x, 0.5, 2)": (-40, 41),
    "lognormal_logpdf(exp(x), 0.5, 0.75) + x": (-10, 11),
    "exponential_logpdf(exp(x), 1.5) + x": (-40, 5),
    "gamma_logpdf(exp(x), 2.5, 1.5) + x": (-20, 5),
    "beta_logpdf(sigmoid(x), 2, 3.5) + log(sigmoid(x)) + log(sigmoid(-x))": (-30, 30),
    "student_t_logpdf(sinh(x), 4, 0.5, 2) + log(cosh(x))": (-15, 15),
    "cauchy_logpdf(sinh(x), 1, 2) + log(cosh(x))": (-40, 40),
    "laplace_logpdf(sinh(x), 0, 2) + log(cosh(x))": (-8, 8),
    "logistic_logpdf(x, 0.5, 2)": (-90, 90),
    "uniform_logpdf(x, -1, 3)": (-1, 3),
}


@pytest.mark.parametrize("call", DENSITIES)
def test_densities_integrate_to_one(call: str) -> None:
    """By the trapezium rule, after a change of variable that leaves no tail."""
    low, high = DENSITIES[call]
    x = np.linspace(low, high, 200_001)
    density = np.exp(np.asarray(value(f"stats.{call}", x=x)))
    assert np.trapezoid(density, x) == pytest.approx(1, abs=1e-6)


def test_probabilities_of_counts_sum_to_one() -> None:
    for call, last in {"poisson_logpmf(k, 2.5)": 60, "binomial_logpmf(k, 12, 0.3)": 12}.items():
        assert np.sum(np.exp(value(f"stats.{call}", k=np.arange(last + 1)))) == pytest.approx(1, abs=1e-13)


# ---- shapes


def test_softmax_along_each_axis() -> None:
    z = np.random.default_rng(1).normal(size=(2, 3, 4))
    for axis in (-1, 0, 1):
        wanted = np.exp(z) / np.exp(z).sum(axis=axis, keepdims=True)
        assert_close(value(f"nn.softmax(z, axis={axis})", z=z), wanted)
        assert_close(value(f"nn.log_softmax(z, axis={axis})", z=z), np.log(wanted), 1e-11)


def test_attention_works_on_each_item_of_the_leading_axes() -> None:
    random = np.random.default_rng(2)
    q, k, v = random.normal(size=(2, 3, 4)), random.normal(size=(2, 5, 4)), random.normal(size=(2, 5, 2))
    for name in ("attention", "causal_attention"):
        all_at_once = value(f"nn.{name}(q, k, v)", q=q, k=k, v=v)
        for i in range(2):
            assert_close(np.asarray(all_at_once)[i], value(f"nn.{name}(q, k, v)", q=q[i], k=k[i], v=v[i]))


def test_causal_attention_does_not_see_what_comes_later() -> None:
    random = np.random.default_rng(4)
    values = {name: random.normal(size=(3, 2)) for name in "qkv"}
    found = gradient("sum(nn.causal_attention(q, k, v)[1])", **values)
    for name in "kv":
        assert np.all(np.asarray(found[name])[2] == 0)
        assert np.all(np.asarray(found[name])[:2] != 0)


def test_one_head_is_attention() -> None:
    random = np.random.default_rng(5)
    values = {"x": random.normal(size=(4, 3)), "W": random.normal(size=(3, 6)), "O": random.normal(size=(6, 2))}
    assert_close(
        value("nn.multi_head_attention(x, W, 2 * W, 3 * W, O)", **values),
        value("nn.attention(x @ W, 2 * x @ W, 3 * x @ W) @ O", **values),
    )


def test_heads_come_apart_and_together_again() -> None:
    x = np.arange(24.0).reshape(4, 6)
    heads = np.asarray(value("nn.split_heads(x, 3)", x=x))
    assert_close(heads[1], x[:, 2:4])
    assert_close(value("nn.join_heads(nn.split_heads(x, 3))", x=x), x)


def test_cells_take_one_example_or_many() -> None:
    random = np.random.default_rng(6)
    shapes = {"x": (5, 3), "h": (5, 2), "c": (5, 2), "W": (3, 8), "U": (2, 8), "b": (8,)}
    values = {name: random.normal(size=shape) for name, shape in shapes.items()}
    text = "h2, c2 = nn.lstm_cell(x, h, c, W, U, b)\noutput h2, c2"
    rows = program(declared(values) + text).eval(values)
    row = {name: array[2] if name in "xhc" else array for name, array in values.items()}
    for name, found in program(declared(row) + text).eval(row).items():
        assert_close(np.asarray(rows[name])[2], found, 1e-11)


def test_multivariate_normal_of_rows_and_of_independent_parts() -> None:
    random = np.random.default_rng(8)
    x, mean, root = random.normal(size=(4, 3)), random.normal(size=3), random.normal(size=(3, 3))
    cov = root @ root.T + np.eye(3)
    rows = np.asarray(value("stats.multivariate_normal_logpdf(x, m, C)", x=x, m=mean, C=cov))
    for i in range(4):
        assert_close(rows[i], value("stats.multivariate_normal_logpdf(x, m, C)", x=x[i], m=mean, C=cov), 1e-11)
    assert_close(
        value("stats.multivariate_normal_logpdf(x, m, [[4, 0, 0], [0, 1, 0], [0, 0, 9]])", x=x[0], m=mean),
        value("sum(stats.normal_logpdf(x, m, [2, 1, 3]))", x=x[0], m=mean),
    )


def test_arguments_broadcast() -> None:
    x, std = np.linspace(-1, 1, 3)[:, None], np.array([0.5, 2.0])
    found = value("stats.normal_logpdf(x, 0.25, s)", x=x, s=std)
    assert_close(found, np.log(np.exp(-(((x - 0.25) / std) ** 2) / 2) / (std * np.sqrt(2 * np.pi))))


NAMED = {
    "nn.dense(x, W, b)": {"x": "n, d", "W": "d, k", "b": "k"},
    "nn.softmax(x)": {"x": "n, d"},
    "nn.log_softmax(x, axis=0)": {"x": "n, d"},
    "nn.layer_norm(x, g, b)": {"x": "n, d", "g": "d", "b": "d"},
    "nn.causal_attention(q, k, v)": {"q": "n, d", "k": "m, d", "v": "m, e"},
    "nn.multi_head_attention(x, Q, K, V, O, heads=2)": {
        "x": "n, d",
        "Q": "d, e",
        "K": "d, e",
        "V": "d, e",
        "O": "e, f",
    },
    "nn.lstm_cell(x, h, h, W, U, b)": {"x": "n, d", "h": "n, k", "W": "d, l", "U": "k, l", "b": "l"},
    "nn.gru_cell(x, h, W, U, b)": {"x": "n, d", "h": "n, k", "W": "d, m", "U": "k, m", "b": "m"},
    "stats.multivariate_normal_logpdf(x, m, C)": {"x": "n, d", "m": "d", "C": "d, d"},
}
SIZES = {"n": 3, "m": 6, "d": 4, "e": 6, "f": 5, "k": 2, "l": 8}


@pytest.mark.parametrize("call", NAMED)
def test_sizes_may_be_names(call: str) -> None:
    """What a program computes does not depend on whether its sizes are known before it runs."""
    random = np.random.default_rng(9)
    shapes = {name: [SIZES[size] for size in shape.split(", ")] for name, shape in NAMED[call].items()}
    values = {name: random.normal(size=shape) for name, shape in shapes.items()}
    if "C" in values:
        values["C"] = values["C"] @ values["C"].T + np.eye(4)
    result = "out, more" if "lstm" in call else "out"
    text = f"{result} = {call}\nloss = sum(out^2)\noutput {result}, loss"
    named = program("".join(f"input {name}: float[{shape}]\n" for name, shape in NAMED[call].items()) + text)
    known = program(declared(values) + text)
    found, wanted = named.eval(values), known.eval(values)
    for name in wanted:
        assert_close(found[name], wanted[name])
    partials = known.grad(values, of="loss").partials
    for name, partial in named.grad(values, of="loss").partials.items():
        assert_close(partial, partials[name])


@pytest.mark.parametrize(
    "call",
    [
        "nn.dense(x, x, 1)",
        "nn.gru_cell(x, x[:, 0:1], [[1, 2, 3], [4, 5, 6]], [[1, 2, 3]])",
        "nn.softmax(x)",
        "nn.log_softmax(x)",
        "nn.layer_norm(x)",
        "nn.rms_norm(x)",
        "nn.gelu(x)",
        "nn.gelu_tanh(x)",
        "nn.attention(x, x, x)",
        "nn.multi_head_attention(x, x, x, x, x, heads=2)",
        "nn.huber(x, 0)",
        "nn.cross_entropy(x, [0, 1])",
        "stats.normal_logpdf(x)",
        "stats.student_t_logpdf(x, 4)",
        "stats.multivariate_normal_logpdf(x, x[0], x @ x.T)",
    ],
)
def test_single_precision_stays_single(call: str) -> None:
    asked = program(f"input x: f32[2, 2]\nout = {call}\noutput out")
    assert asked.graph[asked.graph.outputs[0]].type.dtype == "f32"
    found = np.asarray(asked.eval({"x": np.array([[0.5, 1.25], [-2, 3]], np.float32)})["out"])
    assert found.dtype == np.float32 or found.shape == ()


DEFAULTS = {
    "nn.dense(x, [[2], [3]])": "nn.dense(x, [[2], [3]], 0)",
    "nn.softmax([x, 2 * x])": "nn.softmax([x, 2 * x], axis=1)",
    "nn.log_softmax([x, 2 * x])": "nn.log_softmax([x, 2 * x], axis=1)",
    "nn.huber(4 * x, 0)": "nn.huber(4 * x, 0, delta=1)",
    "nn.layer_norm(x)": "nn.layer_norm(x, 1, 0, eps=1e-5)",
    "nn.rms_norm(x)": "nn.rms_norm(x, 1, eps=1e-6)",
    "nn.gru_cell(x, [2], [x, x, x].T, [[1, 2, 3]])": "nn.gru_cell(x, [2], [x, x, x].T, [[1, 2, 3]], 0, 0)",
    "stats.normal_cdf(x)": "stats.normal_cdf(x, mean=0, std=1)",
    "stats.uniform_logpdf(2 * x)": "stats.uniform_logpdf(2 * x, low=0, high=1)",
    **{
        f"stats.{name}_logpdf(x{more})": f"stats.{name}_logpdf(x{more}, {standard})"
        for name, more, standard in (
            ("normal", "", "mean=0, std=1"),
            ("lognormal", "", "mean=0, std=1"),
            ("exponential", "", "rate=1"),
            ("gamma", ", 3", "rate=1"),
            ("student_t", ", 3", "mean=0, scale=1"),
            ("cauchy", "", "median=0, scale=1"),
            ("laplace", "", "mean=0, scale=1"),
            ("logistic", "", "mean=0, scale=1"),
        )
    },
    "finance.black_scholes_call(x, 1, 0.1, 0.2, 3)": "finance.black_scholes_call(x, 1, 0.1, 0.2, 3, dividend=0)",
    "finance.black_scholes_put(x, 1, 0.1, 0.2, 3)": "finance.black_scholes_put(x, 1, 0.1, 0.2, 3, dividend=0)",
}


@pytest.mark.parametrize("call", DEFAULTS)
def test_what_is_left_out(call: str) -> None:
    x = np.array([0.25, 0.75])
    assert_close(value(call, x=x), value(DEFAULTS[call], x=x))


def test_dropout_while_training() -> None:
    """A share of zeros, the mean kept; another draw at another step and at another call; the gradient is the mask."""
    declarations = "input training: bool = false\ninput step: int = 0\ninput x: float[5000] = 1\n"
    asked = program(f"{declarations}y = nn.dropout(x, 0.2)\nz = nn.dropout(x, 0.2)\noutput y, z, total = sum(y)")
    first, again, later = (asked.eval({"training": True, "step": step}) for step in (0, 0, 1))
    for drawn in (first["y"], first["z"], later["y"]):
        assert set(np.unique(drawn)) == {0.0, 1.25}
        assert 0.17 < np.mean(drawn == 0) < 0.23
    assert np.array_equal(first["y"], again["y"])
    for other in (first["z"], later["y"]):
        assert 0.28 < np.mean(first["y"] != other) < 0.36  # 2 · 0.2 · 0.8
    assert_close(asked.grad({"training": True}, of="total", wrt=["x"]).partials["x"], first["y"])
    assert_close(asked.eval({})["y"], np.ones(5000))


def test_put_call_parity() -> None:
    """A call less a put is a share without its dividends less the strike, both as of today."""
    values = {"s": np.linspace(20, 80, 7), "k": 45.0, "r": 0.04, "v": 0.3, "t": 0.75, "q": 0.02}
    call, put = (np.asarray(value(f"finance.black_scholes_{x}(s, k, r, v, t, q)", **values)) for x in ("call", "put"))
    wanted = values["s"] * np.exp(-0.02 * 0.75) - 45 * np.exp(-0.04 * 0.75)
    np.testing.assert_allclose(call - put, wanted, rtol=1e-12, atol=1e-12)


def test_delta_is_the_derivative_by_the_spot() -> None:
    values = {"s": 42.0, "k": 40.0, "r": 0.1, "v": 0.2, "t": 0.5, "q": 0.03}
    delta = value("exp(-q * t) * stats.normal_cdf(finance.black_scholes_d1(s, k, r, v, t, q))", **values)
    assert_close(gradient("finance.black_scholes_call(s, k, r, v, t, q)", **values)["s"], delta)
    d1, d2 = (value(f"finance.black_scholes_{x}(s, k, r, v, t, q)", **values) for x in ("d1", "d2"))
    assert_close(d1 - d2, 0.2 * np.sqrt(0.5), 1e-14)
