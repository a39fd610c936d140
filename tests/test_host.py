"""Python functions as programs: values as NumPy's, derivatives as differences say, and as the same program in cg."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_harness import cg

import cgcli
from cgcli.diagnostics.diagnostic import CgError
from cgcli.graph.printed import parse_graph
from cgcli.ops.validity import check
from cgcli.program.host import HostProgram, trace
from cgcli.program.python_file import load_function

pytestmark = pytest.mark.portable

ROOT = Path(__file__).parents[1]
X = np.array([[0.5, -1.2, 2.0], [1.5, 0.3, -0.7]])
V = np.array([0.4, 1.1, -0.6])


def checked(function: Callable[..., Any], **values: Any) -> Any:
    """What a function gives as a program: NumPy's value, derivatives that differences confirm, a sound graph."""
    program = trace(function)
    run = program.record(values)
    check(run.graph)
    assert parse_graph(str(run.graph)) == run.graph
    found = run.eval({})
    wanted = function(**{n: np.asarray(x) if isinstance(x, (list, np.ndarray)) else x for n, x in values.items()})
    for name, x in found.items():
        np.testing.assert_allclose(x, wanted if len(found) == 1 else wanted[name], rtol=1e-13, atol=1e-15)
        t = run.type_of(name)
        if t.is_float and not t.shape:
            assert {c.verdict for c in program.check_gradient(values, of=name)} <= {"ok"}, name
    return found


def scalar(function: Callable[..., Any]) -> Callable[..., Any]:
    """The sum of what a function gives, each element with a weight of its own."""

    def weighted(**values: Any) -> Any:
        y = function(**values)
        shape = y.shape if hasattr(y, "shape") else ()
        weights = np.cos(np.arange(1.0, 1 + math.prod(shape))).reshape(shape)
        return np.sum(y * weights) if shape else y * 1.0

    weighted.__signature__ = __import__("inspect").signature(function)  # type: ignore[attr-defined]
    return weighted


OPERATORS: dict[str, Callable[..., Any]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "power": lambda x, y: (x * x + 1) ** y,
    "constant left": lambda x, y: 2 - 3 / (4 + x * x) + y * 0,
    "constant right": lambda x, y: (x * 2 + 1) / 4 + y**2,
    "negative": lambda x, y: -x + abs(y),
    "mod": lambda x, y: x % 0.77 + y // 0.77,
}


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize(("x", "y"), [(0.8, 1.7), (X, 0.9), (X, V), (V, X)], ids=["numbers", "array", "rows", "turned"])
def test_operators(name: str, x: Any, y: Any) -> None:
    checked(scalar(OPERATORS[name]), x=x, y=y)


UNARY = (
    "exp expm1 log log1p log2 log10 sqrt cbrt sin cos tan arctan sinh cosh tanh arcsinh "
    "absolute square reciprocal exp2 sign floor ceil rint negative"
).split()


@pytest.mark.parametrize("name", UNARY)
def test_functions_of_one_argument(name: str) -> None:
    def function(x: Any) -> Any:
        return getattr(np, name)(x)

    checked(scalar(function), x=np.abs(X) + 0.1)
    checked(scalar(function), x=0.9)


@pytest.mark.parametrize("name", ["arcsin", "arccos", "arctanh"])
def test_functions_between_minus_one_and_one(name: str) -> None:
    def function(x: Any) -> Any:
        return getattr(np, name)(x)

    checked(scalar(function), x=X / 3)


@pytest.mark.parametrize("name", ["maximum", "minimum", "hypot", "arctan2", "power"])
def test_functions_of_two_arguments(name: str) -> None:
    def function(x: Any, y: Any) -> Any:
        return getattr(np, name)(x, y)

    checked(scalar(function), x=np.abs(X), y=np.abs(V))


def test_a_function_that_the_language_lacks() -> None:
    with pytest.raises(CgError, check=lambda e: e.diagnostics[0].code == "host-unsupported"):
        trace(lambda x: np.fmod(x, 2.0)).eval({"x": 1.0})


ARRAYS: dict[str, Callable[..., Any]] = {
    "sum": lambda x, v: np.sum(x),
    "sum of an axis": lambda x, v: np.sum(x, axis=0),
    "sum, kept": lambda x, v: x.sum(axis=1, keepdims=True),
    "mean": lambda x, v: x.mean(axis=-1),
    "prod": lambda x, v: np.prod(x, axis=1),
    "max": lambda x, v: np.max(x, axis=1),
    "min": lambda x, v: x.min(),
    "var": lambda x, v: np.var(x, axis=0),
    "std": lambda x, v: np.std(x, ddof=1, axis=1),
    "cumsum": lambda x, v: np.cumsum(x, axis=1),
    "norm": lambda x, v: np.linalg.norm(v),
    "matmul": lambda x, v: x @ v,
    "matmul from the right": lambda x, v: np.array([1.0, 2.0]) @ x,
    "dot": lambda x, v: np.dot(v, v) + v.dot(v),
    "outer": lambda x, v: np.outer(v, v),
    "einsum": lambda x, v: np.einsum("ij,j->i", x, v),
    "transposed": lambda x, v: x.T,
    "transpose": lambda x, v: np.transpose(x, (1, 0)),
    "reshape": lambda x, v: x.reshape(3, 2) + np.reshape(x, (3, -1)),
    "concatenate": lambda x, v: np.concatenate([x, x * 2], axis=1),
    "stack": lambda x, v: np.stack([v, v * v]),
    "where": lambda x, v: np.where(x > 0, x * v, v),
    "clip": lambda x, v: np.clip(x, -0.5, 0.9),
    "expand": lambda x, v: np.expand_dims(v, 0) * np.expand_dims(v, 1),
    "squeeze": lambda x, v: np.squeeze(np.expand_dims(v, 0), axis=0),
    "flip and roll": lambda x, v: np.flip(x, axis=1) + np.roll(x, 1, axis=1),
    "tile": lambda x, v: np.tile(v, 2),
    "broadcast": lambda x, v: np.broadcast_to(v, (2, 3)) * x,
    "inverse": lambda x, v: np.linalg.inv(x @ x.T + np.eye(2)),
    "solve": lambda x, v: np.linalg.solve(x @ x.T + np.eye(2), x @ v),
    "det": lambda x, v: np.linalg.det(x @ x.T + np.eye(2)),
    "trace": lambda x, v: np.trace(x @ x.T),
    "triangles": lambda x, v: np.tril(x) + np.triu(x),
    "sorted": lambda x, v: np.sort(v),
    "like": lambda x, v: x * np.ones_like(x) + np.zeros_like(x),
    "an index": lambda x, v: x[1] * v[0],
    "a pair": lambda x, v: x[0, -1] * v,
    "slices": lambda x, v: x[:, 1:] * x[:, :-1],
    "steps": lambda x, v: x[..., ::-1] + x[0:1],
    "an index of ints": lambda x, v: v[[2, 0, 0]] * x[:, np.array([0, 1, 1])],
    "iteration": lambda x, v: sum(row @ v for row in x),
    "a list of numbers": lambda x, v: np.sum(v * [1.0, 2.0, 3.0]),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_functions_of_arrays(name: str) -> None:
    checked(scalar(ARRAYS[name]), x=X, v=V)


# ---- the host's control flow


def newton(a: float) -> Any:
    x = a
    while abs(x * x - a) > 1e-12:
        x = x - (x * x - a) / (2 * x)
    return x


def tree(a: float, b: float) -> Any:
    data = {"left": {"value": a}, "right": {"left": {"value": b}, "right": {"value": 2.0}}}

    def total(t: Any) -> Any:
        return t["value"] if "value" in t else np.tanh(0.5 * total(t["left"]) + total(t["right"]))

    return total(data)


def test_control_flow_and_recursion_of_the_host() -> None:
    checked(newton, a=2.0)
    checked(tree, a=0.3, b=-1.0)

    def series(n: int, x: float) -> Any:
        return sum(x**k for k in range(n))

    checked(series, n=5, x=0.7)


def test_the_same_as_in_the_language() -> None:
    text = "x = a; while abs(x * x - a) > 1e-12 { x = x - (x * x - a) / (2 * x) }; y = x"
    found, wanted = trace(newton).grad({"a": 3.0}), cgcli.parse(text).grad({"a": 3.0}, of="y")
    assert found.value == wanted.value
    assert found.partials["a"] == pytest.approx(wanted.partials["a"], rel=1e-14)


def test_second_derivatives_and_jacobians() -> None:
    program = trace(lambda x: np.sum(x**3))
    assert program.hessian({"x": [1.0, 2.0]})["x"]["x"].tolist() == [[6, 0], [0, 12]]
    assert trace(lambda x: x * x).jacobian({"x": [1.0, 2.0]}).partials["x"].tolist() == [[2, 0], [0, 4]]


def test_kinks_are_those_of_the_language() -> None:
    assert trace(lambda x: np.maximum(x, 0)).grad({"x": 0.0}).partials == {"x": 0}
    assert trace(lambda x, y: np.maximum(y, x)).grad({"x": 1.0, "y": 1.0}).partials == {"x": 0.5, "y": 0.5}
    assert trace(lambda x: np.where(x > 0, np.log(x), 0.0)).grad({"x": -1.0}).partials == {"x": 0}


def test_signatures() -> None:
    def f(x: float, w: float[rows, 3], n: int = 2, on: bool = True, v=(1.0, 2.0, 3.0)):  # type: ignore[no-untyped-def]  # noqa: F821
        return np.sum(w @ v) * x if on else x * n

    program = trace(f)
    assert [(i.name, str(i.type), i.optional) for i in program.inputs][:4] == [
        ("x", "float", False),
        ("w", "float[rows, 3]", False),
        ("n", "int", True),
        ("on", "bool", True),
    ]
    assert program.eval({"x": 2.0, "w": X}) == {"f": pytest.approx(2 * np.sum(X @ [1, 2, 3]))}
    assert program.eval({"x": 2.0, "w": X, "on": False}) == {"f": 4.0}


def test_results() -> None:
    assert trace(lambda x: {"a": x, "b": x * 2}).eval({"x": 1.5}) == {"a": 1.5, "b": 3}

    def pair(x: float) -> Any:
        return x, x + 1

    assert trace(pair).eval({"x": 1.5}) == {"pair_1": 1.5, "pair_2": 2.5}
    assert cgcli.trace is trace


# ---- what cannot be recorded


def code(program: HostProgram, **values: Any) -> tuple[str, int]:
    """The error, and its line counted from the function's own."""
    with pytest.raises(CgError) as caught:
        program.eval(values)
    d = caught.value.diagnostics[0]
    return d.code, d.labels[0].span.line - program.function.__code__.co_firstlineno if d.labels else -1


def test_what_cannot_be_recorded_names_the_line() -> None:
    def by_math(x: float) -> Any:
        y = x + 1
        return math.exp(y)

    def written(x: Any) -> Any:
        x[0] = 1.0
        return x

    def by_fft(x: Any) -> Any:
        return np.fft.fft(x)

    def into(x: Any) -> Any:
        y = np.zeros(3)
        y += x
        return y

    def shapes(x: Any) -> Any:
        return x @ np.ones(4)

    def wrong(x: float) -> Any:
        z = x * 2
        return z + {}["nothing"]

    def bools(x: Any) -> Any:
        return x[x > 0]

    assert code(trace(by_math), x=1.0) == ("host-float", 2)
    assert code(trace(written), x=V) == ("host-unsupported", 1)
    assert code(trace(by_fft), x=V) == ("host-unsupported", 1)
    assert code(trace(into), x=V) == ("host-unsupported", 2)
    assert code(trace(shapes), x=V) == ("inner-sizes", 1)
    assert code(trace(wrong), x=1.0) == ("host-failed", 2)
    assert code(trace(bools), x=V) == ("host-unsupported", 1)
    assert code(trace(lambda x: None), x=1.0)[0] == "host-result"
    assert code(trace(lambda x: "text"), x=1.0)[0] == "host-result"


def test_what_is_no_signature() -> None:
    for function, wanted in ((lambda *x: x, "host-parameter"), (lambda x={}: x, "host-default")):
        with pytest.raises(CgError) as caught:
            trace(function)
        assert caught.value.diagnostics[0].code == wanted


# ---- files


def test_a_function_of_a_file() -> None:
    sample = str(ROOT / "samples" / "model.py")
    program = load_function(sample, "loss")
    assert program.check_gradient({"x": [0.5, -1.0]}, of="loss")[0].verdict == "ok"
    found = cg("grad", f"{sample}:loss", "--x", "[0.5, -1]", "--of", "loss", "--wrt", "x")
    assert found.status == 0
    assert found.out.startswith("loss = ")
    assert "dloss/dx = [" in found.out
    assert cg("eval", f"{sample}:loss", "--x", "[0.5, -1]", "--mode", "static").status == 2
    assert cg("trace", f"{sample}:loss", "--x", "[0.5, -1]").status == 2
    assert "tanh" in cg("show", f"{sample}:loss", "--x", "[0.5, -1]").out


def test_files_that_are_wrong(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def f(x):\n    return x\n", encoding="utf-8")
    (tmp_path / "b.py").write_text("def f(x):\n    return x\ny = 1 / 0\n", encoding="utf-8")
    (tmp_path / "c.py").write_text("def f(:\n", encoding="utf-8")
    cases = {
        "a.py:g": ("no function `g`", 2),
        "b.py:f": ("ZeroDivisionError", 1),
        "c.py:f": ("is not Python", 2),
        "d.py:f": ("", 2),
    }
    for name, (told, status) in cases.items():
        found = cg("eval", str(tmp_path / name), "--x", "1")
        assert (found.status, told in found.err, "Traceback" in found.err) == (status, True, False), name
    assert cg("eval", f"{tmp_path}/a.py:f", "--x", "2").out == "f = 2\n"
