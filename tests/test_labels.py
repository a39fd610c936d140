"""Words as classes: the texts of a column are numbers to the program, and words again in what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_harness import cg

from cgcli import parse
from cgcli.data.frames import frame_of
from cgcli.diagnostics.diagnostic import CgError
from cgcli.program.examples import read_examples
from cgcli.program.fit_settings import FitSettings
from cgcli.program.fitting import fit
from cgcli.program.mapping import map_rows
from cgcli.program.tables import TableSettings

TEXT = """
input x: float
input species: int
param w: float[3] = [0.1, 0, -0.1]
param b: float[3] = 0
scores = w * x + b
guess = argmax(scores)
loss = logsumexp(scores) - scores[species]
"""
TABLE = {"x": [-2.0, -2.2, 0.1, 0.0, 2.1, 1.9], "species": ["rose", "rose", "lily", "lily", "aster", "aster"]}


def test_words_are_classes_in_the_order_of_the_alphabet() -> None:
    program = parse(TEXT)
    examples = read_examples(program, {}, frame_of(TABLE).table, TableSettings(labels={"species": None}))
    assert examples.labels == {"species": ["aster", "lily", "rose"]}
    assert examples.columns["species"].tolist() == [2, 2, 1, 1, 0, 0]


def test_a_column_may_be_named_in_place_of_the_input() -> None:
    settings = TableSettings({"species": "name"}, labels={"name": None})
    data = {"x": TABLE["x"], "name": TABLE["species"]}
    examples = read_examples(parse(TEXT), {}, frame_of(data).table, settings)
    assert examples.labels == {"species": ["aster", "lily", "rose"]}


def test_a_fit_keeps_the_words_and_its_guesses_are_words(tmp_path: Path) -> None:
    program = parse(TEXT)
    examples = read_examples(program, {}, frame_of(TABLE).table, TableSettings(labels={"species": None}))
    fitted = fit(program, {}, examples, FitSettings(loss="loss", epochs=200, lr=0.1))
    assert fitted.labels == {"species": ["aster", "lily", "rose"]}
    settings = TableSettings(labels=fitted.labels)
    assert map_rows(program, {"x": [-2.0, 2.0]}, fitted.values, settings, outputs=[]) == {"guess": ["rose", "aster"]}
    losses = map_rows(program, TABLE, fitted.values, settings, outputs=["loss"])["loss"]
    assert float(losses.mean()) == pytest.approx(fitted.loss)
    fitted.save(str(tmp_path / "w.safetensors"))


@pytest.mark.parametrize(
    ("code", "data", "labels"),
    [
        ("table-cell", {"x": [1.0], "species": ["tulip"]}, {"species": ["aster", "lily"]}),
        ("table-cell", {"x": [1.0], "species": [None]}, {"species": None}),
        ("table-cell", {"x": [1.0], "species": [" "]}, {"species": None}),
        ("labels-unused", TABLE, {"kind": None}),
        ("labels-type", {"x": ["a"], "species": [1]}, {"x": None}),
    ],
)
def test_errors(code: str, data: Any, labels: Any) -> None:
    with pytest.raises(CgError) as problem:
        read_examples(parse(TEXT), {}, frame_of(data).table, TableSettings(labels=labels))
    assert problem.value.diagnostics[0].code == code


def test_a_number_that_is_no_class_is_an_error() -> None:
    settings = TableSettings(labels={"k": ["a", "b"]}, labelled="y")
    with pytest.raises(CgError) as problem:
        map_rows(parse("input k: int; y = k + 1"), {"k": ["a", "b"]}, {}, settings)
    assert problem.value.diagnostics[0].code == "labels-class"


def test_which_output_is_words_can_be_said() -> None:
    text = "input k: int; double = 2 * k; same = k"
    settings = TableSettings(labels={"k": ["a", "b"]}, labelled="same")
    result = map_rows(parse(text), {"k": ["a", "b"]}, {}, settings)
    assert (result["double"].tolist(), result["same"]) == ([0, 2], ["a", "b"])
    with pytest.raises(CgError) as problem:
        map_rows(parse(text), {"k": ["a"]}, {}, TableSettings(labels={"k": ["a"]}, labelled="other"))
    assert problem.value.diagnostics[0].code == "labels-output"


FEATURE = """
input colour: int
input kind: int
param c: float[2, 2] = [[0, 1], [1, 0]]
scores = c[colour]
loss = logsumexp(scores) - scores[kind]
guess = argmax(scores)
"""
COLOURS = {"colour": ["red", "blue", "red"]}


@pytest.mark.parametrize("guess", [["no", "yes", "no"], None])
def test_a_guess_is_not_in_the_words_of_what_it_is_computed_from(guess: list[str] | None) -> None:
    labels: dict[str, list[str]] = {"colour": ["blue", "red"]} | ({"kind": ["no", "yes"]} if guess else {})
    result = map_rows(parse(FEATURE), COLOURS, {}, TableSettings(labels=labels), outputs=[])
    assert list(result["guess"]) == (guess or [0, 1, 0])


def test_a_table_without_rows_has_a_column_of_words(tmp_path: Path) -> None:
    settings = TableSettings(labels={"kind": ["no", "yes"]})
    map_rows(parse(FEATURE), {"colour": []}, {}, settings, outputs=["guess"], out=tmp_path / "r.npz")
    assert np.load(tmp_path / "r.npz")["guess"].dtype.kind == "U"


def test_train_and_predict_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("f.cg").write_text(TEXT)
    rows = zip(TABLE["x"], TABLE["species"], strict=True)
    Path("t.csv").write_text("x,name\n" + "".join(f"{x},{word}\n" for x, word in rows))
    options = ["--data", "t.csv", "--map", "species=name"]
    fit = ["train", "f.cg", *options, "--labels", "name", "--loss", "loss", "--lr", "0.1"]
    assert cg(*fit, "--epochs", "100", "--save", "w.safetensors").status == 0
    assert cg(*fit, "--epochs", "101", "--resume", "w.safetensors").status == 0
    assert cg("train", "f.cg", *options, "--epochs", "102", "--resume", "w.safetensors").status == 0
    done = cg("predict", "f.cg", "--weights", "w.safetensors", *options, "--output", "guess", "--carry", "name")
    assert done.out == "name,guess\n" + "".join(f"{word},{word}\n" for word in TABLE["species"])
    done = cg("eval", "f.cg", "--weights", "w.safetensors", *options, "--format", "json", "--precision", "2")
    assert done.out.startswith('{"scores": [') or '"guess": "rose"' in done.out.splitlines()[0]
    Path("u.csv").write_text("x,name\n1,tulip\n")
    done = cg("predict", "f.cg", "--weights", "w.safetensors", "--data", "u.csv", "--map", "species=name")
    assert done.status == 1
    assert "column `name`: tulip is no class of the training" in done.err
    done = cg("predict", "f.cg", "--weights", "w.safetensors", *options, "--labels", "loss")
    assert (done.status, "whole numbers of each row are guess" in done.err) == (2, True)


def test_a_checkpoint_without_words_has_none_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text("x\n1\n")
    text = "param w = 1; y = w * x; loss = (y - 1)^2"
    assert cg("train", "-e", text, "--data", "t.csv", "--loss", "loss", "--save", "w.safetensors").status == 0
    done = cg("predict", "-e", text, "--weights", "w.safetensors", "--data", "t.csv", "--labels", "y")
    assert done.status == 2
    assert "train with `--labels COLUMN`" in done.err
