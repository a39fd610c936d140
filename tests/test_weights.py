"""`cg weights`: the values of a checkpoint, printed and written."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from cli_harness import Result, cg
from safetensors.numpy import save_file

LARGE = np.random.default_rng(0).normal(size=(40, 7, 5))
TENSORS = {
    "W": np.array([[1.5, -2.25], [np.nan, np.inf]]),
    "s": np.array(-0.0),
    "f": np.array([0.1, 1e-7], dtype="float32"),
    "k": np.array([[2**62, -1]]),
    "t": np.array([True, False]),
    "empty": np.zeros((0, 3)),
    "file": np.array([3.0]),
    "layer/0/große": LARGE,
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save_file(TENSORS, "w.safetensors")


def weights(*options: str) -> Result:
    result = cg("weights", "w.safetensors", *options)
    assert result.status == 0, result.err
    return result


def same(a: object, b: object) -> bool:
    x, y = np.asarray(a), np.asarray(b)
    return x.shape == y.shape and x.dtype == y.dtype and x.tobytes() == y.tobytes()


# ---- printed


def test_all_values_are_printed() -> None:
    lines = dict(line.split(" = ") for line in weights("--full").out.splitlines())
    assert lines["W"] == "[[1.5, -2.25], [nan, inf]]"
    assert (lines["s"], lines["f"], lines["t"]) == ("-0", "[0.1, 1e-07]", "[true, false]")
    assert lines["k"] == "[[4611686018427387904, -1]]"
    assert same(json.loads(lines["layer/0/große"]), LARGE)


def test_a_row_of_a_matrix_is_a_line_of_the_table() -> None:
    matrix = np.array([[1.25, -2.5], [3.0, 4.75]])
    save_file({"W": matrix}, "w.safetensors")
    rows = weights("--full", "--format", "table").out.splitlines()[2:]
    assert [row.split("[")[-1].strip("],").split(", ") for row in rows][-1][1].strip() == "4.75"
    assert len(rows) <= 2


def test_in_json_the_values_stand_beside_the_statistics() -> None:
    tensors = json.loads(weights("--full", "--format", "json").out)["tensors"]
    brief = json.loads(weights("--format", "json").out)["tensors"]
    assert tensors["W"]["values"] == [[1.5, -2.25], ["NaN", "Infinity"]]
    assert same(tensors["layer/0/große"]["values"], LARGE)
    for name, about in tensors.items():
        del about["values"]
        assert about == brief[name]


def test_in_csv_each_element_has_a_row() -> None:
    header, *rows = csv.reader(io.StringIO(weights("--full", "--format", "csv").out))
    assert header == ["name", "value"]
    values = dict(rows)
    assert values["W[0,1]"] == "-2.25"
    assert len(rows) == sum(x.size for x in TENSORS.values())
    assert float(values["layer/0/große[39,6,4]"]) == LARGE[39, 6, 4]


def test_rounded_values() -> None:
    assert "W = [[1.5, -2.2], [nan, inf]]\n" in weights("--full", "--precision", "2").out


# ---- written


def test_an_archive_has_the_same_bits() -> None:
    assert weights("-o", "w.npz").out == ""
    with np.load("w.npz", allow_pickle=False) as archive:
        assert set(archive.files) == set(TENSORS)
        for name, x in TENSORS.items():
            assert same(archive[name], x), name


def test_json_reads_back_to_the_same_numbers() -> None:
    weights("-o", "w.json")
    data = json.loads(Path("w.json").read_text(encoding="utf-8"))
    assert list(data) == list(json.loads(weights("--format", "json").out)["tensors"])
    for name, x in TENSORS.items():
        if x.size:
            assert same(np.array(data[name], dtype=float).astype(x.dtype) if name != "k" else data[name], x), name
    assert weights("-o", "-").out == Path("w.json").read_text(encoding="utf-8")


def test_what_is_written_is_read_as_inputs() -> None:
    save_file({"a": np.array(2.0), "b": np.array([1.0, 0.1])}, "w.safetensors")
    for target in ("v.npz", "v.json"):
        weights("-o", target)
        result = cg("eval", "-e", "param a: float = 0\nparam b: float[2] = 0\ny = a * b", "--inputs", target)
        assert result.out == "y = [2, 0.2]\n"


def test_what_the_optimizer_remembers_is_written_with_all() -> None:
    program = "param x: float = 1\nloss = (x - 3)^2\n"
    os.unlink("w.safetensors")
    assert cg("train", "-e", program, "--loss", "loss", "--steps", "1", "--save", "w.safetensors").status == 0
    for options, names in (([], {"x"}), (["--all"], {"x", "memory/m/x", "memory/v/x"})):
        weights("-o", "w.npz", *options)
        with np.load("w.npz") as archive:
            assert set(archive.files) == names


@pytest.mark.parametrize("target", ["w.safetensors", "./w.safetensors", "link.npz", "hard.json"])
def test_the_checkpoint_is_never_written_over(target: str) -> None:
    os.symlink("w.safetensors", "link.npz")
    os.link("w.safetensors", "hard.json")
    before = Path("w.safetensors").read_bytes()
    result = cg("weights", "w.safetensors", "-o", target)
    assert (result.status, "no command writes over what it reads" in result.err) == (2, True)
    assert Path("w.safetensors").read_bytes() == before


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["-o", "w.csv"], 2, "its name ends in .npz and .json"),
        (["-o", "w"], 2, "its name ends in .npz and .json"),
        (["-o", "no/w.npz"], 1, "`no/w.npz` cannot be written"),
        (["-o", "w.npz", "--full"], 2, "`-o` and `--full` cannot be used together"),
        (["-o", "w.npz", "--format", "json"], 2, "`-o` and `--format` cannot be used together"),
        (["-o", "w.npz", "--precision", "3"], 2, "`-o` and `--precision` cannot be used together"),
    ],
)
def test_what_is_wrong_is_said(options: list[str], status: int, message: str) -> None:
    before = sorted(os.listdir())
    result = cg("weights", "w.safetensors", *options)
    assert (result.status, message in result.err) == (status, True), result.err
    assert sorted(os.listdir()) == before
