"""The samples that learn do learn, from the data beside them; what they say of other rows has a mark to reach."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_harness import cg

SAMPLES = Path(__file__).parents[1] / "samples"


def at_length(*values: Any) -> Any:
    """A case of minutes; a shorter one stands beside it."""
    return pytest.param(*values, marks=pytest.mark.thorough)


def trained(name: str, table: str, *arguments: str) -> dict[str, Any]:
    result = cg("train", str(SAMPLES / f"{name}.cg"), "--data", str(SAMPLES / table), *arguments, "--format", "json")
    assert result.status == 0, result.err
    found: dict[str, Any] = json.loads(result.out)
    return found


@pytest.mark.parametrize(
    ("name", "options", "mark"),
    [
        ("digits_mlp", "--epochs 12 --lr 0.004 --schedule cosine --optimizer adamw", 0.95),
        ("digits_conv", "--epochs 1 --lr 0.01", 0.9),
        at_length("digits_mlp", "--epochs 40 --lr 0.002 --schedule cosine --optimizer adamw", 0.97),
        at_length("digits_conv", "--epochs 12 --lr 0.003 --schedule cosine", 0.98),
    ],
)
def test_digits_are_read(name: str, options: str, mark: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than 97 of 100 in the test at length, and `cg predict` says the same of it."""
    monkeypatch.chdir(tmp_path)
    test = str(SAMPLES / "digits_test.npz")
    options += f" --loss loss --validation {test} --save w.safetensors"
    found = trained(name, "digits_train.npz", *options.split())
    assert found["validation"]["accuracy"] > mark
    program = str(SAMPLES / f"{name}.cg")
    result = cg("predict", program, "--weights", "w.safetensors", "--data", test, "-o", "out.npz")
    assert result.status == 0, result.err
    with np.load("out.npz") as guesses, np.load(test) as wanted:
        assert np.mean(guesses["guess"] == wanted["digit"]) == pytest.approx(found["validation"]["accuracy"], rel=1e-12)


def test_diabetes_by_least_squares_is_linear_algebras_solution() -> None:
    found = trained("diabetes", "diabetes.csv", "--residual", "off")
    table = np.genfromtxt(SAMPLES / "diabetes.csv", delimiter=",", skip_header=1)
    x, y = np.c_[table[:, :10], np.ones(len(table))], table[:, 10]
    _, squares, _, _ = np.linalg.lstsq(x, y, rcond=None)
    assert found["loss"] == pytest.approx(squares[0], rel=1e-10)
    assert 1 - found["loss"] / ((y - y.mean()) ** 2).sum() == pytest.approx(0.5177, abs=1e-4)  # R², as published


def test_diabetes_step_by_step_comes_near() -> None:
    found = trained("diabetes", "diabetes.csv", *"--loss loss --lr 2 --schedule cosine --epochs 60".split())
    assert found["loss"] < 1.01 * 1263985.7856333 / 442


@pytest.mark.parametrize("options", ["--steps 50 --lr 0.01", at_length("--epochs 3 --lr 0.005")])
def test_letters_are_learnt(options: str) -> None:
    """Guessing by chance costs log(35) = 3.56 a letter, by how often each letter comes about 2.9."""
    arguments = f"--loss loss --validation 0.1 --clip 1 {options}".split()
    assert trained("letters", "constitution.npz", *arguments)["validation"]["loss"] < 2


@pytest.mark.parametrize(
    ("phrases", "options", "last"), [(6, "--lr 0.1", "25"), at_length(None, "--lr 0.05 --batch-size 6", "15")]
)
def test_trees_are_learnt(phrases: int | None, options: str, last: str, tmp_path: Path) -> None:
    """From the first phrases of the sample, or from all."""
    lines = (SAMPLES / "phrases.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    table = tmp_path / "phrases.jsonl"
    table.write_text("".join(lines[:phrases]), encoding="utf-8")
    losses = [
        trained("tree", str(table), "--loss", "loss", *options.split(), "--epochs", epochs)["loss"]
        for epochs in ("1", last)
    ]
    assert losses[1] < losses[0] / 3
