"""The samples that compute with tensors, against the same formulas written in NumPy: outputs and gradients, at random
values and at other sizes than the files' own. NumPy's gradients come from complex steps, which lose no digits."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest
from cli_harness import cg

from cgcli import Program, load

SAMPLES = Path(__file__).parents[1] / "samples"
Arrays = Mapping[str, np.ndarray]


# ---- what NumPy has not, or not for complex numbers


def logsumexp(z: np.ndarray, axis: int = -1) -> np.ndarray:
    top = z.real.max(axis=axis, keepdims=True)
    return np.squeeze(top, axis) + np.log(np.exp(z - top).sum(axis=axis))


def softmax(z: np.ndarray) -> np.ndarray:
    return np.exp(z - logsumexp(z)[..., None])


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def cross_entropy(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.mean([-np.log(softmax(row)[label]) for row, label in zip(scores, labels, strict=True)])


def filtered(pictures: np.ndarray, filters: np.ndarray) -> np.ndarray:
    """Each filter slid over each picture, with a border of one zero; both [n, channels, rows, columns]."""
    n, _, rows, columns = pictures.shape
    padded = np.pad(pictures, ((0, 0), (0, 0), (1, 1), (1, 1)))
    made = np.zeros((n, len(filters), rows, columns), np.result_type(pictures, filters))
    for i in range(3):
        for j in range(3):
            made += np.einsum("ncij,oc->noij", padded[:, :, i : i + rows, j : j + columns], filters[:, :, i, j])
    return made


def halved(pictures: np.ndarray) -> np.ndarray:
    """The averages of each 2 by 2 pixels."""
    return sum(pictures[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)) / 4


# ---- the samples in NumPy


def linear_regression(v: Arrays) -> dict[str, Any]:
    columns = np.column_stack([v["x"], np.ones(len(v["x"]))])
    best = np.linalg.solve(columns.T @ columns, columns.T @ v["rent"])
    return {"loss": np.mean((v["x"] @ v["w"] + v["b"] - v["rent"]) ** 2), "best": best}


def softmax_regression(v: Arrays) -> dict[str, Any]:
    scores = v["petals"] @ v["W"] + v["b"]
    return {
        "loss": cross_entropy(scores, v["kind"]),
        "probabilities": softmax(scores),
        "guess": scores.real.argmax(axis=1),
    }


def mlp(v: Arrays) -> dict[str, Any]:
    guess = sigmoid(np.tanh(v["x"] @ v["W1"] + v["b1"]) @ v["W2"] + v["b2"])[:, 0]
    surprise = v["target"] * np.log(guess) + (1 - v["target"]) * np.log(1 - guess)
    return {"loss": -surprise.mean(), "guess": guess}


def lenet(v: Arrays) -> dict[str, Any]:
    first = halved(np.tanh(filtered(v["image"][:, None], v["K1"]) + v["c1"]))
    second = halved(np.tanh(filtered(first, v["K2"]) + v["c2"]))
    scores = second.reshape(len(second), -1) @ v["W"] + v["b"]
    return {"loss": cross_entropy(scores, v["digit"]), "guess": scores.real.argmax(axis=1)}


def attention(v: Arrays) -> dict[str, Any]:
    q, k, values = (v["words"] @ v[name] for name in ("Wq", "Wk", "Wv"))
    n = len(q)
    weights = np.zeros((n, n), q.dtype)
    for i in range(n):
        weights[i, : i + 1] = softmax(np.array([q[i] @ k[j] / math.sqrt(3) for j in range(i + 1)]))
    return {"gathered": weights @ values, "attention": weights}


def lstm_step(v: Arrays) -> dict[str, Any]:
    enter, keep, candidate, show = np.split(v["x"] @ v["W"] + v["h"] @ v["U"] + v["b"], 4, axis=1)
    c = sigmoid(keep) * v["c"] + sigmoid(enter) * np.tanh(candidate)
    h = sigmoid(show) * np.tanh(c)
    return {"loss": np.mean((h - v["target"]) ** 2), "new_h": h, "new_c": c}


def gmm(v: Arrays) -> dict[str, Any]:
    """A point and a part at a time, with the triangular factor filled column by column."""
    alpha, means, icf, x, gamma, m = (v[name] for name in ("alpha", "means", "icf", "x", "gamma", "m"))
    (n, d), k = x.shape, len(alpha)
    score = np.zeros((n, k), np.result_type(alpha, means, icf, x))
    for j in range(k):
        factor, place = np.diag(np.exp(icf[j, :d])), d
        for column in range(d):
            for row in range(column + 1, d):
                factor[row, column] = icf[j, place]
                place += 1
        for i in range(n):
            part = factor @ (x[i] - means[j])
            score[i, j] = alpha[j] + icf[j, :d].sum() - (part * part).sum() / 2
    likelihood = logsumexp(score).sum() - n * logsumexp(alpha) - n * d / 2 * math.log(2 * math.pi)
    freedom = d + int(m) + 1
    log_gamma_d = d * (d - 1) / 4 * math.log(math.pi) + sum(math.lgamma((freedom + 1 - i) / 2) for i in range(1, d + 1))
    norm = k * (freedom * d * (np.log(gamma) - math.log(2) / 2) - log_gamma_d)
    squares = (np.exp(icf[:, :d]) ** 2).sum() + (icf[:, d:] ** 2).sum()
    return {"objective": likelihood + gamma**2 / 2 * squares - m * icf[:, :d].sum() - norm}


def bundle_adjustment(v: Arrays) -> dict[str, Any]:
    """A sighting at a time."""
    rows = []
    for weight, camera_of, point_of, seen in zip(v["weights"], v["camera_of"], v["point_of"], v["seen"], strict=True):
        camera, point = v["cameras"][camera_of], v["points"][point_of]
        near = turned(camera[:3], point - camera[3:6])
        flat = near[:2] / near[2]
        r2 = (flat**2).sum()
        pixel = flat * (1 + camera[9] * r2 + camera[10] * r2**2) * camera[6] + camera[7:9]
        rows.append(weight * (pixel - seen))
    residual, weight_error = np.array(rows), 1 - v["weights"] ** 2
    cost = (residual**2).sum() + (weight_error**2).sum()
    return {"cost": cost, "residual": residual, "weight_error": weight_error}


def turned(r: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Rodrigues' formula by the matrix K of the cross product: x + sin K x + (1 - cos) K² x."""
    if not r.real.any():
        return x + np.cross(r, x)
    angle = np.sqrt((r**2).sum())
    a, b, c = r / angle
    matrix = np.array([[0, -c, b], [c, 0, -a], [-b, a, 0]])
    return x + np.sin(angle) * (matrix @ x) + (1 - np.cos(angle)) * (matrix @ matrix @ x)


class Sample(NamedTuple):
    """A sample in NumPy, the shapes that it is tried at, and the output that its gradient starts from, if one."""

    meaning: Callable[[Arrays], dict[str, Any]]
    shapes: dict[str, tuple[int, ...]]
    of: str | None
    more: Mapping[str, Any] = MappingProxyType({})  # values that are not drawn at random


CASES = {
    "linear_regression": Sample(linear_regression, {"x": (5, 2), "rent": (5,), "w": (2,), "b": ()}, "loss"),
    "softmax_regression": Sample(
        softmax_regression, {"petals": (4, 2), "W": (2, 3), "b": (3,)}, "loss", {"kind": [2, 0, 1, 1]}
    ),
    "mlp": Sample(mlp, {"x": (5, 2), "target": (5,), "W1": (2, 8), "b1": (8,), "W2": (8, 1), "b2": (1,)}, "loss"),
    "lenet": Sample(
        lenet,
        {
            "image": (3, 8, 8),
            "K1": (4, 1, 3, 3),
            "c1": (4, 1, 1),
            "K2": (8, 4, 3, 3),
            "c2": (8, 1, 1),
            "W": (32, 10),
            "b": (10,),
        },
        "loss",
        {"digit": [3, 0, 9]},
    ),
    "attention": Sample(attention, {"words": (5, 4), "Wq": (4, 3), "Wk": (4, 3), "Wv": (4, 2)}, None),
    "lstm_step": Sample(
        lstm_step,
        {"x": (3, 3), "h": (3, 2), "c": (3, 2), "target": (3, 2), "W": (3, 8), "U": (2, 8), "b": (8,)},
        "loss",
    ),
    "gmm": Sample(
        gmm,
        {"alpha": (3,), "means": (3, 4), "icf": (3, 10), "x": (6, 4)},
        "objective",
        {"gamma": 1.5, "m": 2},
    ),
    "bundle_adjustment": Sample(
        bundle_adjustment,
        {"weights": (5,), "seen": (5, 2)},
        "cost",
        {
            "cameras": [
                [0.3, -0.2, 0.1, 0.2, -0.1, -4, 1.5, 0.2, -0.1, -0.1, 0.02],
                [0, 0, 0, -0.3, 0.2, -5, 1.2, 0.1, 0.3, -0.08, 0.01],
                [-1e-3, 0, 1e-3, 0.5, 0.1, -3, 0.9, 0, 0, 0.05, -0.02],
            ],
            "points": [[0.3, -0.2, 1], [-0.5, 0.4, 2], [0.1, 0.6, 1.5]],
            "camera_of": [0, 0, 1, 2, 2],
            "point_of": [0, 1, 1, 2, 2],
        },
    ),
}


def values(sample: Sample) -> dict[str, np.ndarray]:
    random = np.random.default_rng(11)
    drawn = {name: random.normal(size=shape) for name, shape in sample.shapes.items()}
    return drawn | {name: np.array(given) for name, given in sample.more.items()}


def program(name: str) -> Program:
    return load(SAMPLES / f"{name}.cg")


def assert_close(found: Any, wanted: Any, tolerance: float) -> None:
    """Within a tolerance, relative to the largest element."""
    found, wanted = np.asarray(found), np.asarray(wanted)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance * max(1e-300, np.abs(wanted).max()))


@pytest.mark.parametrize("name", CASES)
def test_outputs(name: str) -> None:
    sample = CASES[name]
    given = values(sample)
    found, wanted = program(name).eval(given), sample.meaning(given)
    assert list(found) == list(wanted)
    for output in wanted:
        assert_close(found[output], wanted[output], 1e-12)


@pytest.mark.parametrize("name", [name for name, sample in CASES.items() if sample.of])
def test_gradients(name: str) -> None:
    """By every input and param that is a float."""
    sample = CASES[name]
    given = values(sample)
    floats = [each for each, array in given.items() if array.dtype.kind == "f"]
    found = program(name).grad(given, of=sample.of, wrt=floats).partials
    for each in floats:
        wanted = np.zeros_like(given[each])
        for index in np.ndindex(wanted.shape):
            moved = given[each].astype(complex)
            moved[index] += 1e-30j
            wanted[index] = sample.meaning(given | {each: moved})[sample.of].imag / 1e-30
        assert_close(found[each], wanted, 1e-12)


@pytest.mark.parametrize("name", CASES)
def test_it_runs_as_it_is(name: str) -> None:
    """The file brings values for all that it asks for; every output is shown; the same seed gives the same numbers."""
    assert cg("fmt", "--check", str(SAMPLES / f"{name}.cg")).status == 0
    result = cg("eval", str(SAMPLES / f"{name}.cg"))
    assert (result.status, result.err) == (0, "")
    for output in CASES[name].meaning(values(CASES[name])):
        assert output in result.out
    assert cg("eval", str(SAMPLES / f"{name}.cg")).out == result.out


@pytest.mark.parametrize("name", CASES)
def test_its_own_values(name: str) -> None:
    """The outputs at the file's own defaults and initial params, which are read back from the program."""
    asked = program(name)
    every = asked.eval({}, every=True)
    given = {each.name: np.asarray(every[each.name]) for each in asked.inputs}
    for output, wanted in CASES[name].meaning(given).items():
        assert_close(every[output], wanted, 1e-12)


# ---- what the samples promise in words


def test_linear_regression_best_has_no_gradient() -> None:
    asked = program("linear_regression")
    best = np.asarray(asked.eval({})["best"])
    found = asked.grad({"w": best[:2], "b": best[2]}, of="loss", wrt=["w", "b"])
    assert np.abs(np.append(found.partials["w"], found.partials["b"])).max() < 1e-12


def test_attention_is_the_library_s_causal_attention(tmp_path: Path) -> None:
    text = (SAMPLES / "attention.cg").read_text(encoding="utf-8")
    (tmp_path / "both.cg").write_text(text + "\noutput short = nn.causal_attention(q, k, v)\n", encoding="utf-8")
    found = load(tmp_path / "both.cg").eval({})
    assert_close(found["short"], found["gathered"], 1e-14)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_gmm_of_one_part_is_one_normal_distribution(d: int) -> None:
    """With the prior taken away: log density of x with inverse covariance Qᵀ Q."""
    random = np.random.default_rng(d)
    given = {
        "alpha": np.array([0.7]),
        "means": random.normal(size=(1, d)),
        "icf": random.normal(size=(1, d * (d + 1) // 2)),
        "x": random.normal(size=(4, d)),
    }
    found = program("gmm").eval(given, every=True)
    precision = np.squeeze(np.asarray(found["Q"]), 0)
    precision = precision.T @ precision
    apart = given["x"] - given["means"]
    wanted = -np.einsum("ni,ij,nj->", apart, precision, apart) / 2
    wanted += 4 * (np.linalg.slogdet(precision)[1] - d * math.log(2 * math.pi)) / 2
    assert_close(found["likelihood"], wanted, 1e-11)


def test_bundle_adjustment_turns_by_the_angle_around_the_axis() -> None:
    """A quarter turn around z takes x to y; a camera at the origin sees it where it is."""
    camera = [[0, 0, math.pi / 2, 0, 0, 0, 1, 0, 0, 0, 0]]
    given = {"cameras": camera, "points": [[1.0, 0, 2]], "weights": [1.0], "camera_of": [0], "point_of": [0]}
    found = program("bundle_adjustment").eval({k: np.array(v) for k, v in given.items()} | {"seen": np.zeros((1, 2))})
    np.testing.assert_allclose(found["residual"], [[0, 0.5]], atol=1e-16)
