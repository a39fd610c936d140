"""The picture of a fit: what is predicted, the curve, and the band of its standard error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_harness import cg
from scipy.optimize import curve_fit

import cgcli
from cgcli.program.examples import Examples
from cgcli.program.fit_data import fit_plot
from cgcli.program.fit_settings import FitSettings
from cgcli.program.fitting import SolverFitting, prepare_fit
from cgcli.render.fit_plot import FitPlot, fit_picture
from cgcli.train.solvers import Squares

LINE = "input x: float\ninput y: float\nparam a: float = 0\nparam b: float = 0\noff = y - (a * x + b)\n"
GROWTH = "input x: float\ninput y: float\nparam a: float = 2\nparam k: float = 0.5\noff = y - a * (1 - exp(-k * x))\n"

RNG = np.random.default_rng(3)
X = np.sort(RNG.uniform(0.5, 8, 25))
SIGMA = RNG.uniform(0.05, 0.3, 25)
Y = 3 * (1 - np.exp(-0.7 * X)) + SIGMA * RNG.normal(size=25)


def plotted(program: str, mode: str = "static", together: bool = False, **columns: Any) -> FitPlot:
    columns = {name: np.asarray(x) for name, x in columns.items()}
    examples = Examples(columns, len(next(iter(columns.values()))), together)
    fitting = prepare_fit(cgcli.parse(program, mode=mode), {}, examples, FitSettings(residual="off"))
    assert isinstance(fitting, SolverFitting)
    solution = fitting.fit().result
    assert isinstance(solution, Squares)
    return fit_plot(fitting.task, solution)


def at(x: Any, plot: FitPlot) -> tuple[Any, Any]:
    """The curve and its standard error at these x, between the points of the grid."""
    assert plot.curve is not None
    return np.interp(x, plot.curve.x, plot.curve.y), np.interp(x, plot.curve.x, plot.curve.error)


# ---- numbers


@pytest.mark.parametrize("mode", ["static", "dynamic"])
def test_the_band_of_a_straight_line_is_that_of_the_books(mode: str) -> None:
    """s √(1/n + (x - x̄)² / Σ(x - x̄)²)."""
    plot = plotted(LINE, mode, x=X, y=Y)
    a, b = np.polyfit(X, Y, 1)
    s = np.sqrt(((Y - a * X - b) ** 2).sum() / (len(X) - 2))
    assert (plot.observed, plot.x) == ("y", "x")
    assert plot.curve is not None
    x = plot.curve.x
    assert (x[0], x[-1]) == (X.min(), X.max())
    for positions, y, error in ((x, plot.curve.y, plot.curve.error), (X, plot.predicted, plot.errors)):
        expected = s * np.sqrt(1 / len(X) + (positions - X.mean()) ** 2 / ((X - X.mean()) ** 2).sum())
        np.testing.assert_allclose(y, a * positions + b, rtol=1e-9)
        np.testing.assert_allclose(error, expected, rtol=1e-9)
    np.testing.assert_allclose(plot.residuals, Y - a * X - b, atol=1e-9)


def growth(x: Any, a: float, k: float) -> Any:
    return a * (1 - np.exp(-k * x))


def test_the_band_of_a_curve_is_that_of_its_covariance() -> None:
    """Against SciPy's covariance, and derivatives written out."""
    plot = plotted(GROWTH, x=X, y=Y)
    (a, k), covariance = curve_fit(growth, X, Y, [2, 0.5], ftol=1e-13, xtol=1e-13)
    assert plot.curve is not None
    x = plot.curve.x
    jacobian = np.stack([1 - np.exp(-k * x), a * x * np.exp(-k * x)], axis=1)
    np.testing.assert_allclose(plot.curve.y, growth(x, a, k), rtol=1e-6)
    np.testing.assert_allclose(plot.curve.error, np.sqrt(np.diag(jacobian @ covariance @ jacobian.T)), rtol=1e-4)


def test_weights_are_no_axis_of_the_curve() -> None:
    """The residual is in units of sigma, the prediction and its band are not."""
    plot = plotted(
        GROWTH.replace("y - a * (1 - exp(-k * x))", "(a * (1 - exp(-k * x)) - y) / sigma").replace(
            "param a", "input sigma: float\nparam a"
        ),
        x=X,
        y=Y,
        sigma=SIGMA,
    )
    (a, k), covariance = curve_fit(growth, X, Y, [2, 0.5], sigma=SIGMA, ftol=1e-13, xtol=1e-13)
    assert (plot.observed, plot.x) == ("y", "x")
    assert plot.curve is not None
    x = plot.curve.x
    jacobian = np.stack([1 - np.exp(-k * x), a * x * np.exp(-k * x)], axis=1)
    np.testing.assert_allclose(plot.curve.y, growth(x, a, k), rtol=1e-6)
    np.testing.assert_allclose(plot.curve.error, np.sqrt(np.diag(jacobian @ covariance @ jacobian.T)), rtol=1e-4)
    np.testing.assert_allclose(plot.residuals, (growth(X, a, k) - Y) / SIGMA, atol=1e-5)


def test_a_program_of_many_rows_has_its_curve_at_the_rows() -> None:
    program = LINE.replace("x: float", "x: float[n]").replace("y: float", "y: float[n]")
    rows = np.random.default_rng(0).permutation(len(X))
    plot, single = plotted(program, together=True, x=X[rows], y=Y[rows]), plotted(LINE, x=X, y=Y)
    assert plot.curve is not None
    np.testing.assert_array_equal(plot.curve.x, X)
    np.testing.assert_allclose(plot.curve.y, single.predicted, rtol=1e-9)
    np.testing.assert_allclose(plot.curve.error, single.errors, rtol=1e-9)


def test_several_inputs_have_predictions_and_no_curve() -> None:
    z = np.random.default_rng(5).normal(size=len(X))
    program = LINE.replace("off = y - (a * x + b)", "input z: float\nparam c: float = 0\noff = y - (a * x + b + c * z)")
    plot = plotted(program, x=X, y=Y + z, z=z)
    assert (plot.observed, plot.x, plot.curve) == ("y", None, None)
    design = np.stack([X, np.ones(len(X)), z], axis=1)
    coefficients, *_ = np.linalg.lstsq(design, Y + z)
    residuals = Y + z - design @ coefficients
    covariance = np.linalg.inv(design.T @ design) * (residuals @ residuals) / (len(X) - 3)
    np.testing.assert_allclose(plot.predicted, design @ coefficients, rtol=1e-9)
    np.testing.assert_allclose(plot.errors, np.sqrt(np.diag(design @ covariance @ design.T)), rtol=1e-9)


def test_single_precision() -> None:
    program = LINE.replace("float", "f32")
    plot = plotted(program, x=X.astype("float32"), y=Y.astype("float32"))
    expected = plotted(LINE, x=X, y=Y)
    assert (plot.observed, plot.x) == ("y", "x")
    np.testing.assert_allclose(at(X, plot), at(X, expected), rtol=1e-3)


# ---- what is predicted


@pytest.mark.parametrize(
    ("residual", "observed"),
    [
        ("y - (a * x + b)", "y"),
        ("a * x + b - y", "y"),
        ("2 * (a * x + b) - 2 * y", "y"),
        ("y - (x + a + b * x^2)", "y"),
        ("x - (a * y + b)", "x"),
        ("log(y) - (a * x + b)", None),
        ("a * y - x * b - 1", None),
        ("(y - a * x - b)^2", None),
    ],
)
def test_the_input_that_is_predicted(residual: str, observed: str | None) -> None:
    plot = plotted(LINE.replace("y - (a * x + b)", residual), x=X, y=Y + 1)
    assert plot.observed == observed


def test_of_two_that_would_do_the_last_one_is_predicted() -> None:
    program = "input x: float\ninput y: float\nparam a: float = 0\noff = y - (x + a)\n"
    assert plotted(program, x=X, y=Y).observed == "y"


def test_a_curve_has_no_value_beyond_the_model_and_then_ends_at_the_rows() -> None:
    program = LINE.replace("off =", 'assert x < 2 or x > 3, "not between"\noff =')
    x = np.where((X > 1.9) & (X < 3.1), 1.0, X)
    plot = plotted(program, x=x, y=Y)
    assert plot.curve is not None
    np.testing.assert_array_equal(plot.curve.x, np.sort(x))


def test_without_standard_errors_there_is_no_band() -> None:
    plot = plotted(LINE.replace("+ b)", "+ b + c)").replace("param a", "param c: float = 0\nparam a"), x=X, y=Y)
    assert plot.errors is None
    assert plot.curve is not None
    assert plot.curve.error is None
    assert fit_picture("svg", "t", plot).startswith(b"<?xml")


# ---- the picture


def texts_of(picture: bytes) -> list[str]:
    return [line.partition(" -->")[0] for line in picture.decode().split("<!-- ")[1:]]


def test_the_command_draws_it() -> None:
    assert cg("samples", "line").status == 0
    words = ["train", "line.cg", "--data", "line.csv", "--residual", "off"]
    plain = cg(*words)
    for kind, magic in (("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")):
        result = cg(*words, "--plot", f"fit.{kind}")
        assert (result.status, result.out, result.err) == (0, plain.out, plain.err)
        assert Path(f"fit.{kind}").read_bytes().startswith(magic)
    texts = texts_of(Path("fit.svg").read_bytes())
    for text in ("fit of line.cg", "data", "fit", "± standard error", "x", "y", "off"):
        assert text in texts, text


def test_a_solver_of_a_loss_has_no_curve() -> None:
    assert cg("samples", "line").status == 0
    words = ["train", "line.cg", "--data", "line.csv", "--loss", "loss", "--optimizer", "lbfgs"]
    result = cg(*words, "--plot", "fit.svg")
    assert (result.status, "`--plot`" in result.err) == (2, True)


def test_the_table_is_never_drawn_over() -> None:
    assert cg("samples", "line").status == 0
    Path("line.svg").symlink_to("line.csv")
    words = ["train", "line.cg", "--data", "line.csv", "--residual", "off"]
    assert cg(*words, "--plot", "line.svg").status == 2


def test_several_inputs_and_none_are_drawn_too() -> None:
    z = np.linspace(0, 1, len(X))
    program = LINE.replace("off = y - (a * x + b)", "input z: float\nparam c: float = 0\noff = y - (a * x + b + c * z)")
    several = texts_of(fit_picture("svg", "t", plotted(program, x=X, y=Y, z=z)))
    assert {"y, observed", "y, predicted", "predicted = observed", "± standard error"} <= set(several)
    none = texts_of(fit_picture("svg", "t", FitPlot("off", np.arange(5.0))))
    assert {"number of the residual", "off"} <= set(none)


def test_of_a_long_table_one_row_in_some_is_drawn_and_said_so() -> None:
    x = np.linspace(0, 1, 10_000)
    picture = fit_picture("svg", "t", plotted(LINE, x=x, y=2 * x + np.sin(50 * x)))
    assert "data, one row in 4" in texts_of(picture)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
