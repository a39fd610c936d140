"""The samples with loops against other ways to the same numbers: closed forms, invariants, loops in Python."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cgcli import Program, load

SAMPLES = Path(__file__).parents[1] / "samples"


def sample(name: str) -> Program:
    return load(SAMPLES / f"{name}.cg")


def test_newton_has_the_derivative_of_the_implicit_function() -> None:
    """Of x - e sin(x) = M: dx/dM = 1/(1 - e cos(x)), dx/de = sin(x)/(1 - e cos(x))."""
    for mean, e in ((1.0, 0.3), (0.2, 0.9), (-2.0, 0.5)):
        by_steps, implicit = (sample("newton").grad({"M": mean, "e": e}, of=of) for of in ("x", "implicit"))
        x = by_steps.value
        assert x - e * math.sin(x) == pytest.approx(mean, abs=1e-12)
        wanted = {"M": 1 / (1 - e * math.cos(x)), "e": math.sin(x) / (1 - e * math.cos(x))}
        for found in (by_steps, implicit):
            assert {n: found.partials[n] for n in wanted} == pytest.approx(wanted, rel=1e-9)


def test_newton_that_does_not_arrive_says_so() -> None:
    with pytest.raises(Exception, match="assertion failed"):
        sample("newton").eval({"most": 1})


def test_the_equations_of_lotka_and_volterra_keep_a_quantity() -> None:
    """fed r - starved log r + eaten f - born log f never changes; RK4 keeps it up to O(dt^4)."""

    def kept(rabbits: float, foxes: float) -> float:
        return 0.1 * rabbits - 0.4 * math.log(rabbits) + 0.4 * foxes - 1.1 * math.log(foxes)

    found = sample("ode").eval({})
    assert kept(found["rabbits"], found["foxes"]) == pytest.approx(kept(10, 5), rel=1e-6)
    finer = sample("ode").eval({"steps": 2400, "dt": 0.00625})
    assert found["rabbits"] == pytest.approx(finer["rabbits"], rel=1e-5)


def test_power_iteration_against_the_eigenvalues() -> None:
    matrix = np.array([[4, 1, 0.5], [1, 3, -0.2], [0.5, -0.2, 1]])
    values, vectors = np.linalg.eigh(matrix)
    found = sample("power").grad({}, of="value", wrt=["A"])
    assert found.value == pytest.approx(values[-1], rel=1e-14)
    assert found.partials["A"] == pytest.approx(np.outer(vectors[:, -1], vectors[:, -1]), abs=1e-10)


def test_the_kalman_filter_against_one_gaussian_of_all_measurements() -> None:
    """z is normal with mean 0; its covariance is worked out from positions of all times at once."""
    z = np.array([0.9, 2.1, 2.8, 4.2, 5.1, 5.8, 7.2, 7.9])

    def likelihood(push: float, noise: float) -> Any:
        go, pushed = np.array([[1.0, 1], [0, 1]]), push * np.array([[1 / 3, 1 / 2], [1 / 2, 1]])
        states = [10 * np.eye(2)]
        for _ in z:
            states.append(go @ states[-1] @ go.T + pushed)
        n = len(z)
        cov = np.empty((n, n))
        for i in range(n):
            for j in range(i + 1):
                cov[i, j] = cov[j, i] = (np.linalg.matrix_power(go, i - j) @ states[j + 1])[0, 0]
        cov += noise * np.eye(n)
        return -(n * math.log(2 * math.pi) + np.linalg.slogdet(cov)[1] + z @ np.linalg.solve(cov, z)) / 2

    program = sample("kalman")
    found = program.grad({}, of="likelihood", wrt=["push", "noise"])
    assert found.value == pytest.approx(likelihood(0.1, 0.2), rel=1e-12)
    h = 1e-5
    by_push = (likelihood(0.1 + h, 0.2) - likelihood(0.1 - h, 0.2)) / (2 * h)
    by_noise = (likelihood(0.1, 0.2 + h) - likelihood(0.1, 0.2 - h)) / (2 * h)
    assert found.partials == pytest.approx({"push": by_push, "noise": by_noise}, rel=1e-6)


def test_the_recurrent_network_against_a_loop_in_python() -> None:
    program = sample("rnn")
    values = program.eval({}, every=True)
    h = np.zeros(4)
    guess = []
    for x in values["xs"]:
        h = np.tanh(x @ values["W"] + h @ values["U"] + values["b"])
        guess.append(h @ values["v"])
    assert values["guess"] == pytest.approx(np.array(guess), rel=1e-13)
    assert values["loss"] == pytest.approx(np.mean((np.array(guess) - values["target"]) ** 2), rel=1e-13)


def test_descent_against_the_derivative_by_hand() -> None:
    """height' = (w0 - 1 + 3 w0 (w1 + w0²/4), 6 (w1 + w0²/4)); twenty steps in Python."""

    def final(rate: float) -> float:
        w, speed = np.array([-1.0, 2.0]), np.zeros(2)
        for _ in range(20):
            bow = w[1] + w[0] ** 2 / 4
            speed = 0.5 * speed - rate * np.array([w[0] - 1 + 3 * w[0] * bow, 6 * bow])
            w = w + speed
        return float((w[0] - 1) ** 2 / 2 + 3 * (w[1] + w[0] ** 2 / 4) ** 2)

    found = sample("meta").grad({}, of="final", wrt=["rate"])
    assert found.value == pytest.approx(final(0.05), rel=1e-12)
    assert found.partials["rate"] == pytest.approx((final(0.05 + 1e-6) - final(0.05 - 1e-6)) / 2e-6, rel=1e-6)
