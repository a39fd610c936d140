"""The classes of a classifier in the report of its training: shares, and what is taken for what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_harness import Result, cg

import cgcli
from cgcli.program.classes import Confusion, Mistake, confusion
from cgcli.program.examples import Examples
from cgcli.program.fit_settings import FitSettings
from cgcli.program.fitting import prepare_fit

ROW = """
import nn
input x: float[2]
input kind: int
param W: float[2, CLASSES] = 0
param b: float[CLASSES] = 0
scores = x @ W + b
loss = logsumexp(scores) - scores[kind]
guess = argmax(scores)
output loss, guess
"""
TOGETHER = """
import nn
input x: float[n, 2]
input kind: int[n]
param W: float[2, CLASSES] = 0
param b: float[CLASSES] = 0
scores = nn.dense(x, W, b)
loss = nn.cross_entropy(scores, kind)
guess = argmax(scores, axis=-1)
output loss, guess
"""
WORDS = ("aster", "lily", "rose")


def table(classes: int, rows: int, seed: int = 0) -> tuple[Any, Any]:
    """Points in blobs that overlap, and the number of the blob of each."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, classes, rows)
    angle = 2 * np.pi * kind / classes
    return np.stack([np.cos(angle), np.sin(angle)], axis=1) + rng.normal(size=(rows, 2)) * 0.6, kind


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for classes in (3, 30):
        x, kind = table(classes, 40 * classes)
        np.savez(f"t{classes}.npz", x=x, kind=kind)
        Path(f"row{classes}.cg").write_text(ROW.replace("CLASSES", str(classes)), encoding="utf-8")
        Path(f"together{classes}.cg").write_text(TOGETHER.replace("CLASSES", str(classes)), encoding="utf-8")
    x, kind = table(3, 60)
    lines = [f"{a},{b},{WORDS[k]}\n" for (a, b), k in zip(x.tolist(), kind.tolist(), strict=True)]
    Path("words.csv").write_text(f"a,b,name\n{''.join(lines)}", encoding="utf-8")


def train(program: str, data: str, *options: str, **environment: str) -> Result:
    words = ["train", f"{program}.cg", "--data", data, "--loss", "loss", "--lr", "0.1", "--epochs", "3"]
    result = cg(*words, *options, **environment)
    assert result.status == 0, result.err
    return result


def classes_of(program: str, data: str, *options: str) -> dict[str, Any]:
    classes: dict[str, Any] = json.loads(train(program, data, *options, "--format", "json").out)["classes"]
    return classes


# ---- numbers


@pytest.mark.parametrize("program", ["row3", "together3"])
@pytest.mark.parametrize("held_out", [False, True])
def test_shares_and_matrix_are_those_of_the_predictions(program: str, held_out: bool) -> None:
    x, kind = table(3, 50, seed=9)
    np.savez("v.npz", x=x, kind=kind)
    options = ["--validation", "v.npz"] if held_out else []
    classes = classes_of(program, "t3.npz", "--save", "w.safetensors", *options)
    rows = "v.npz" if held_out else "t3.npz"
    done = cg(
        "predict", f"{program}.cg", "--weights", "w.safetensors", "--data", rows, "--output", "guess", "-o", "g.npz"
    )
    assert done.status == 0, done.err
    guess, truth = np.load("g.npz")["guess"], np.load(rows)["kind"]
    expected = [[int(((truth == i) & (guess == j)).sum()) for j in range(3)] for i in range(3)]
    assert classes["confusion"] == expected
    assert (classes["output"], classes["truth"], classes["validation"]) == ("guess", "kind", held_out)
    assert (classes["rows"], classes["right"]) == (len(truth), float((guess == truth).mean()))
    for k, share in enumerate(classes["classes"]):
        of, taken, right = truth == k, guess == k, (truth == k) & (guess == k)
        assert share == {
            "class": k,
            "rows": int(of.sum()),
            "guessed": int(taken.sum()),
            "recall": pytest.approx(float(right.sum() / of.sum()), rel=1e-15),
            "precision": pytest.approx(float(right.sum() / taken.sum()), rel=1e-15),
        }


COUNTS = Confusion("guess", "kind", [0, 2, 7], (), False, np.array([[5, 3, 0], [0, 0, 4], [0, 0, 0]]))


def test_a_class_that_is_never_true_or_never_guessed_has_no_share_of_it() -> None:
    assert [(s.number, s.rows, s.guessed, s.recall, s.precision) for s in COUNTS.shares()] == [
        (0, 8, 5, 5 / 8, 1.0),
        (2, 4, 3, 0.0, 0.0),
        (7, 0, 4, None, 0.0),
    ]
    assert (COUNTS.rows, COUNTS.right) == (12, 5 / 12)


def test_the_most_frequent_mistake_comes_first() -> None:
    assert COUNTS.mistakes() == [Mistake(1, 2, 4), Mistake(0, 1, 3)]


def test_a_solver_and_a_resumed_run_have_them_too() -> None:
    train("row3", "t3.npz", "--save", "w.safetensors")
    result = cg(
        "train", "row3.cg", "--data", "t3.npz", "--resume", "w.safetensors", "--epochs", "4", "--format", "json"
    )
    assert json.loads(result.out)["classes"]["rows"] == 120
    words = ["train", "row3.cg", "--data", "t3.npz", "--loss", "loss", "--optimizer", "lbfgs", "--format", "json"]
    assert json.loads(cg(*words).out)["classes"]["right"] > 0.7


# ---- what is a classifier


def declared(program: str, **columns: Any) -> tuple[str, str] | None:
    """The guess and the truth of a program, before it is trained."""
    examples = Examples({name: np.asarray(x) for name, x in columns.items()}, len(next(iter(columns.values()))))
    fitting = prepare_fit(cgcli.parse(program), {}, examples, FitSettings(loss="loss"))
    params = {name: np.asarray(1.0) for name in fitting.task.trained}
    seen = confusion(fitting.task, params)
    return None if seen is None else (seen.guess, seen.truth)


BASE = "input x: float\ninput k: int\nparam a: float = 1\nloss = (a * x - k)^2\n"
COLUMNS = {"x": [0.0, 1.0, 2.0], "k": [0, 1, 2]}


@pytest.mark.parametrize(
    ("rest", "pair"),
    [
        ("guess = argmax([0.5, a * x])\noutput loss, guess", ("guess", "k")),
        (
            "guess = argmax([0.5, a * x])\nother = argmax([1, x])\noutput loss, guess, other",
            None,
        ),  # which of them is it?
        ("guess = argmax([0.5, a * x]) + k\noutput loss, guess", None),  # it knows the truth
        ("guess = a * x\noutput loss, guess", None),  # no whole number
        ("output loss", None),
    ],
)
def test_a_guess_is_a_whole_number_that_does_not_know_the_truth(rest: str, pair: tuple[str, str] | None) -> None:
    assert declared(BASE + rest, **COLUMNS) == pair


def test_a_truth_decides_the_loss() -> None:
    program = (
        "input x: float\ninput k: int\nparam a: float = 1\nloss = (a * x - 1)^2\nguess = argmax([1, x])\nmore = k\n"
    )
    assert declared(program, **COLUMNS) is None


def test_a_yes_or_no_is_a_class() -> None:
    program = "input x: float\ninput ill: bool\nparam a: float = 1\nloss = (a * x - where(ill, 1, 0))^2\n"
    program += "guess = a * x > 0.5\noutput loss, guess"
    assert declared(program, x=[0.0, 1.0], ill=[False, True]) == ("guess", "ill")


def test_numbers_of_very_many_values_are_no_classes() -> None:
    values = np.arange(2000)
    assert declared(BASE + "guess = argmax([0.5, a * x])\noutput loss, guess", x=values * 1.0, k=values) is None


# ---- what is printed


def test_plain_lines() -> None:
    lines = train("row3", "t3.npz").out.splitlines()
    classes = classes_of("row3", "t3.npz")
    first = lines.index(f"kind: 120 rows, {classes['right']:.4g} right")
    for line, share in zip(lines[first + 1 : first + 4], classes["classes"], strict=True):
        shares = f"rows {share['rows']}, recall {share['recall']:.4g}, precision {share['precision']:.4g}"
        assert line == f"kind {share['class']}: {shares}"
    worst = max((classes["confusion"][i][j], i, j) for i in range(3) for j in range(3) if i != j)
    assert lines[first + 4].endswith(f": rows {worst[0]}")


def test_the_table_has_a_matrix_in_words() -> None:
    options = ["--map", "x=[ab]", "--map", "kind=name", "--labels", "kind", "--format", "table"]
    words = [line.split() for line in train("row3", "words.csv", *options).out.splitlines()]
    assert ["kind", "rows", "recall", "precision"] in words
    start = words.index(["kind", "╲", "guess", *WORDS])
    assert [row[0] for row in words[start + 2 : start + 5]] == list(WORDS)
    counts = json.loads(train("row3", "words.csv", *options[:-1], "json").out)["classes"]["confusion"]
    for row, expected in zip(words[start + 2 : start + 5], counts, strict=True):
        assert row[1:] == [str(count) for count in expected if count]


def test_where_the_matrix_does_not_fit_the_worst_pairs_are_listed() -> None:
    options = ["--map", "x=[ab]", "--map", "kind=name", "--labels", "kind", "--format", "table"]
    for columns, fits in (("80", True), ("30", False)):
        out = train("row3", "words.csv", *options, COLUMNS=columns).out
        assert ("╲" in out) == fits
        assert ("taken for" in out) != fits


def test_of_many_classes_the_worst_are_listed() -> None:
    for output_format in ("table", "plain"):
        out = train("row30", "t30.npz", "--format", output_format).out
        assert "kind, the worst 20 of 30" in out
        assert "╲" not in out
        assert out.count("taken for") == (10 if output_format == "plain" else 1)
    classes = classes_of("row30", "t30.npz")
    assert len(classes["classes"]) == len(classes["confusion"]) == 30


def test_shares_are_rounded_and_counts_are_not() -> None:
    lines = train("row30", "t30.npz", "--format", "table", "--precision", "2").out.splitlines()
    [everything] = [line.split() for line in lines if line.startswith("all ")]
    assert everything[1] == "1200"
    assert len(everything[2]) <= len("0.12")
    x, kind = table(3, 1234)
    np.savez("t.npz", x=x, kind=kind)
    lines = train("row3", "t.npz", "--format", "table", "--precision", "1").out.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("all ")] == ["1234"]


def test_csv_is_one_row_as_ever() -> None:
    assert len(train("row3", "t3.npz", "--format", "csv").out.splitlines()) == 2


def test_words_of_a_table_reach_no_terminal_as_they_are() -> None:
    text = Path("words.csv").read_text(encoding="utf-8").replace("rose", "ro\x1b[31mse")
    Path("words.csv").write_text(text, encoding="utf-8")
    options = ["--map", "x=[ab]", "--map", "kind=name", "--labels", "kind"]
    for output_format in ("table", "plain", "json"):
        assert "\x1b" not in train("row3", "words.csv", *options, "--format", output_format).out
