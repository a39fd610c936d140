"""`cg sweep`, as a user meets it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_harness import Result, cg

import cgcli

PROGRAM = "input a: float\ninput b: float = 2\nparam w: float = 1.5\ny = sin(a * w) + exp(-b)\nz = a * b\noutput y, z\n"
LINE = "input x: float\ninput y: float\nparam w: float = 0\nparam b: float = 0\nloss = (w * x + b - y)^2\noutput loss\n"
PICKY = 'input a: float\nn = 2\nassert a > 0, "too small"\ny = log(a)\noutput n, y\n'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("f.cg").write_text(PROGRAM, encoding="utf-8")
    Path("line.cg").write_text(LINE, encoding="utf-8")
    Path("picky.cg").write_text(PICKY, encoding="utf-8")
    rows = [f"{k / 10},{2 * k / 10 - 1}\n" for k in range(30)]
    Path("line.csv").write_text("x,y\n" + "".join(rows), encoding="utf-8")


def table(result: Result) -> list[dict[str, str]]:
    assert result.status == 0, result.err
    return list(csv.DictReader(io.StringIO(result.out)))


def train(*arguments: str) -> Result:
    return cg("sweep", "line.cg", "--train", "--data", "line.csv", "--loss", "loss", *arguments)


# ---- values


def test_a_row_a_point_with_the_values_of_eval() -> None:
    rows = table(cg("sweep", "f.cg", "--a", "0:1:0.25", "--w", "1,2"))
    assert [(row["a"], row["w"]) for row in rows] == [
        (f"{a}", f"{w}") for a in (0.0, 0.25, 0.5, 0.75, 1.0) for w in (1.0, 2.0)
    ]
    for row in rows:
        single = json.loads(cg("eval", "f.cg", "--a", row["a"], "--w", row["w"], "--format", "json").out)
        assert {name: float(row[name]) for name in "yz"} == single


def test_derivatives_are_those_of_grad() -> None:
    rows = table(cg("sweep", "f.cg", "--a", "0:1:0.5", "--b", "1,3", "--of", "y", "--wrt", "a,w"))
    assert list(rows[0]) == ["a", "b", "y", "dy/da", "dy/dw"]
    for row in rows:
        values = ["--a", row["a"], "--b", row["b"], "--of", "y", "--wrt", "a,w"]
        single = json.loads(cg("grad", "f.cg", *values, "--format", "json").out)
        assert float(row["y"]) == single["value"]
        assert {name: float(row[f"dy/d{name}"]) for name in "aw"} == single["grad"]


def test_many_points_are_the_rows_of_a_table() -> None:
    assert cg("sweep", "f.cg", "--a", "0:5:0.01", "--b", "0:1:0.1", "-o", "s.csv").status == 0
    again = cg("eval", "f.cg", "--data", "s.csv", "--carry", "a,b")
    assert again.out == Path("s.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "npz", "parquet"])
def test_every_kind_of_table(kind: str) -> None:
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    assert cg("sweep", "f.cg", "--a", "1:9:1", "-o", f"s.{kind}").status == 0
    again = cg("eval", "f.cg", "--data", f"s.{kind}", "--carry", "a")
    assert again.out == cg("sweep", "f.cg", "--a", "1:9:1").out


def test_tensors_are_swept_and_have_a_column_an_element() -> None:
    text = "input x: float[2]\ninput f: bool\ny = if f then x else 2 * x\n"
    rows = table(cg("sweep", "-e", text, "--x", "[1, 2], [3, 4]", "--f", "true, false"))
    assert [list(row.values()) for row in rows] == [
        ["1.0", "2.0", "true", "1.0", "2.0"],
        ["1.0", "2.0", "false", "2.0", "4.0"],
        ["3.0", "4.0", "true", "3.0", "4.0"],
        ["3.0", "4.0", "false", "6.0", "8.0"],
    ]


def test_an_open_axis_takes_the_shape_of_the_values() -> None:
    rows = table(cg("sweep", "-e", "input x: float[...]\ny = sum(x)", "--x", "[1, 2], [3, 4]"))
    assert [row["y"] for row in rows] == ["3.0", "7.0"]


def test_a_dynamic_program_runs_point_by_point() -> None:
    text = "input a: float\nx = a\nwhile x < 10 { x = x * 2 }\ny = x\n"
    rows = table(cg("sweep", "-e", text, "--a", "1:5:1", "--mode", "dynamic"))
    assert [row["y"] for row in rows] == ["16.0", "16.0", "12.0", "16.0", "10.0"]


def test_a_python_function_says_only_in_a_run_what_it_computes() -> None:
    Path("m.py").write_text("def f(a, b): return a * b\n", encoding="utf-8")
    assert cg("sweep", "m.py:f", "--a", "1,2", "--b", "3").out == "a,f\n1,3.0\n2,6.0\n"
    grad = cg("sweep", "m.py:f", "--a", "1,2", "--b", "3", "--grad").out
    assert grad == "a,f,df/da,df/db\n1,3.0,3.0,1.0\n2,6.0,3.0,2.0\n"


def test_some_outputs() -> None:
    assert list(table(cg("sweep", "f.cg", "--a", "1,2", "--output", "z"))[0]) == ["a", "z"]
    failed = cg("sweep", "f.cg", "--w", "1,2", "--a", "1", "--output", "z")
    assert failed.status == 2
    assert "z does not depend on w" in failed.err


def test_values_that_are_the_same_everywhere_come_from_everywhere() -> None:
    Path("v.json").write_text('{"a": 5, "b": 7}', encoding="utf-8")
    rows = table(cg("sweep", "f.cg", "--inputs", "v.json", "--a", "1,2"))
    assert [row["z"] for row in rows] == ["7.0", "14.0"]


def test_an_input_that_is_named_like_an_option_is_swept_by_set() -> None:
    rows = table(cg("sweep", "-e", "y = lr + latin", "--set", "lr=1,2", "--set", "latin=0:1:0.5"))
    assert [row["y"] for row in rows] == ["1.0", "1.5", "2.0", "2.0", "2.5", "3.0"]
    shadowed = cg("sweep", "-e", "y = lr * a", "--lr", "1,2", "--a", "1,2")
    assert "`--lr` is about trainings" in shadowed.err


def test_drawn_points_follow_from_the_seed() -> None:
    first, again, other = (
        cg("sweep", "f.cg", "--a", "0..1", "--b", "1,2", "--random", "20", "--seed", seed).out
        for seed in ("1", "1", "2")
    )
    assert first == again != other
    assert len(first.splitlines()) == 21


def test_values_outside_a_declared_range_are_a_warning() -> None:
    result = cg("sweep", "-e", "input a: float in 0..1\ny = a", "--a", "0:2:0.5")
    assert result.status == 0
    assert "`a` takes values outside 0..1" in result.err
    assert "the first of them is 1.5" in result.err
    tensors = cg("sweep", "-e", "input x: float[2] in 0..1\ny = sum(x)", "--x", "[0, 1],[1, 2]")
    assert "`x` takes values outside 0..1" in tensors.err


# ---- points that fail


def test_a_point_that_fails_has_a_row_and_its_error() -> None:
    result = cg("sweep", "picky.cg", "--a", "-1:2:1")
    assert [list(row.values()) for row in table(result)] == [
        ["-1.0", "", "nan", "assertion failed: too small (line 3)"],
        ["0.0", "", "nan", "assertion failed: too small (line 3)"],
        ["1.0", "2", "0.0", ""],
        ["2.0", "2", "0.6931471805599453", ""],
    ]
    assert result.err == "note: 2 of 4 points fail, the first by: assertion failed: too small (line 3)\n"
    assert list(table(cg("sweep", "picky.cg", "--a", "1,2"))[0]) == ["a", "n", "y"]


@pytest.mark.parametrize("text", [PICKY, PICKY.replace("input a", "input x: float[2] = [1, 2]\ns = sum(x)\ninput a")])
def test_among_many_points_each_failing_one_is_found(text: str) -> None:
    result = cg("sweep", "-e", text, "--a", "-5:5:0.01", "-o", "s.npz")
    assert result.status == 0, result.err
    with np.load("s.npz") as columns:
        a, y, errors = columns["a"], columns["y"], columns["error"]
    assert np.array_equal(np.isnan(y), a <= 0)
    assert np.array_equal(errors != "", a <= 0)
    assert np.allclose(y[a > 0], np.log(a[a > 0]), rtol=1e-15)


def test_failing_points_are_left_out_or_end_the_sweep() -> None:
    skipped = cg("sweep", "picky.cg", "--a", "-1:2:1", "--on-error", "skip")
    assert [row["a"] for row in table(skipped)] == ["1.0", "2.0"]
    assert "2 of 4 points fail" in skipped.err
    stopped = cg("sweep", "picky.cg", "--a", "2:-1:-1", "--on-error", "stop", "-o", "s.csv")
    assert stopped.status == 1
    assert "note: point 3 of 4 fails: a = 0" in stopped.err
    assert "picky.cg:3:1" in stopped.err
    assert not Path("s.csv").exists()


def test_where_all_points_fail_the_first_error_is_the_sweeps() -> None:
    result = cg("sweep", "picky.cg", "--a", "-3:-1:1", "-o", "s.csv")
    assert result.status == 1
    assert "all 3 points fail; this is the error of the first: a = -3" in result.err
    assert "picky.cg:3:1" in result.err
    assert sorted(path.name for path in Path().iterdir()) == ["f.cg", "line.cg", "line.csv", "picky.cg"]


def test_a_limit_of_time_is_no_failing_point() -> None:
    endless = "input a: float\nx = a\nwhile x < 2 { x = x * 1.0 }\ny = x\n"
    result = cg("sweep", "-e", endless, "--a", "1,3", "--timeout", "1", "--mode", "dynamic")
    assert result.status == 1
    assert "1 second" in result.err or "timeout" in result.err


# ---- order, dry run, formats


def test_rows_in_the_order_of_a_column() -> None:
    def order(*options: str) -> list[str]:
        return [row["a"] for row in table(cg("sweep", "picky.cg", "--a", "1,-1,3,2", *options))]

    assert order("--sort", "y") == ["1.0", "2.0", "3.0", "-1.0"]
    assert order("--sort", "-y") == ["3.0", "2.0", "1.0", "-1.0"]
    assert order("--sort", "-n") == ["1.0", "3.0", "2.0", "-1.0"]
    assert order("--sort", "error") == ["-1.0", "1.0", "3.0", "2.0"]
    failed = cg("sweep", "picky.cg", "--a", "1,2", "--sort", "yy")
    assert failed.status == 2
    assert "no column `yy`" in failed.err


def test_a_dry_run_says_which_points_there_are_and_runs_none() -> None:
    result = cg("sweep", "picky.cg", "--a", "-20:-1:1", "--dry-run", "-o", "s.csv")
    assert result.status == 0
    assert result.out.splitlines()[0] == "20 points: a (20)"
    assert not Path("s.csv").exists()
    shown = json.loads(cg("sweep", "f.cg", "--a", "0:1:0.01", "--b", "1,2,5", "--dry-run", "--format", "json").out)
    assert shown["points"] == 303
    assert shown["axes"] == {"a": 101, "b": 3}
    assert shown["shown"][0] == {"point": 1, "a": 0, "b": 1}
    assert shown["shown"][-1] == {"point": 303, "a": 1, "b": 5}


def test_formats_and_digits() -> None:
    lines = [json.loads(line) for line in cg("sweep", "f.cg", "--a", "1,2", "--format", "json").out.splitlines()]
    assert [list(line) for line in lines] == [["a", "y", "z"]] * 2
    rounded = cg("sweep", "f.cg", "--a", "1,2", "--precision", "3", "--format", "table").out
    assert rounded.splitlines()[2].split() == ["1", "1.13", "2"]
    assert cg("sweep", "f.cg", "--a", "1,2", "--format", "json", "-o", "s.csv").status == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["f.cg", "--a", "1"], "no input has several values"),
        (["f.cg", "--b", "1,2"], "no value is given for a"),
        (["f.cg", "--a", "0:1:0"], "the step of `--a 0:1:0` is 0"),
        (["f.cg", "--a", "1:0:0.1"], "say `--a 1:0:-0.1`"),
        (["f.cg", "--a", "1,2", "--b", "1,2,3", "--zip"], "a has 2 and b has 3"),
        (["f.cg", "--a", "0..1"], "add `--random N` or `--latin N`"),
        (["f.cg", "--a", "0:1:1e-9"], "at most 10,000,000 points, and these are 1000000001"),
        (["f.cg", "--a", "0:1:0.001", "--b", "0:1:0.001", "--w", "0:1:0.001"], "these are 1003003001"),
        (["f.cg", "--a", "1,x"], "--a"),
        (["f.cg", "--aa", "1,2"], "did you mean `--a`"),
        (["f.cg", "--a", "1,2", "--data", "line.csv"], "`--data` is about trainings"),
        (["f.cg", "--a", "1,2", "--seed", "1,2"], "`--seed` is about trainings"),
        (["f.cg", "--a", "1,2", "--workers", "2"], "`--workers` is about trainings"),
        (["f.cg", "--a", "1,2", "-o", "s.txt"], "is no table of a known kind"),
        (["f.cg", "--a", "1,2", "-o", "no/s.csv"], "`no/s.csv` cannot be written"),
        (["f.cg", "--a", "1,2", "--of", "q"], "q"),
        (["line.cg", "--train", "--grad", "--w", "1,2"], "--grad"),
        (
            ["line.cg", "--train", "--loss", "loss", "--data", "line.csv", "--lr", "1,x"],
            "`--lr x` is no positive number",
        ),
        (["line.cg", "--train", "--loss", "loss", "--data", "line.csv", "--optimizer", "sgd,adan"], "adam"),
        (["line.cg", "--train", "--loss", "loss", "--data", "line.csv", "--seed", "1,2", "--random", "2"], "--random"),
    ],
    ids=lambda x: " ".join(x) if isinstance(x, list) else "",
)
def test_a_wrong_call_is_status_2_and_says_what_to_do(arguments: list[str], words: str) -> None:
    result = cg("sweep", *arguments)
    assert result.status == (1 if "no/s.csv" in arguments else 2), result.err
    assert words in result.err
    assert result.out == ""


def test_no_table_is_written_over_a_file_that_is_read() -> None:
    assert "--data line.csv" in train("--w", "0,1", "-o", "line.csv").err
    result = cg("sweep", "f.cg", "--a", "1,2", "-o", "s.svg", "--plot", "s.svg")
    assert result.status == 2


# ---- trainings


def single(*options: str) -> dict[str, Any]:
    result = cg("train", "line.cg", "--data", "line.csv", "--loss", "loss", "--format", "json", *options)
    assert result.status == 0, result.err
    trained: dict[str, Any] = json.loads(result.out)
    return trained


def test_each_training_is_that_of_train() -> None:
    fixed = ["--epochs", "3", "--b", "1", "--batch-size", "8"]
    rows = table(train("--lr", "1e-2,1e-1", "--optimizer", "sgd,adam", "--seed", "1,2", "--w", "0,1", *fixed))
    assert list(rows[0]) == ["w", "optimizer", "lr", "seed", "loss", "epochs", "steps", "converged", "final w", "b"]
    assert len(rows) == 16
    for row in rows[::5]:
        own = ["--lr", row["lr"], "--optimizer", row["optimizer"], "--seed", row["seed"], "--w", row["w"]]
        alone = single(*own, *fixed)
        assert float(row["loss"]) == alone["loss"]
        assert {"w": float(row["final w"]), "b": float(row["b"])} == alone["params"]
        assert (int(row["epochs"]), int(row["steps"])) == (alone["epochs"], alone["steps"])


def test_the_validation_loss_and_what_is_swept_keep_their_columns() -> None:
    rows = table(train("--epochs", "1,2", "--validation", "0.2", "--weight-decay", "0.1,b=0.2"))
    columns = ["weight-decay", "epochs", "loss", "validation loss", "final epochs", "steps", "converged", "w", "b"]
    assert list(rows[0]) == columns
    assert [(row["weight-decay"], row["epochs"]) for row in rows] == [
        ("0.1", "1"),
        ("0.1", "2"),
        ("b=0.2", "1"),
        ("b=0.2", "2"),
    ]
    assert [row["final epochs"] for row in rows] == ["1", "2", "1", "2"]
    options = ["--epochs", "1", "--weight-decay", "0.1,b=0.2", "--sort", "-weight-decay"]
    assert [row["weight-decay"] for row in table(train(*options))] == ["b=0.2", "0.1"]
    alone = single("--epochs", "2", "--validation", "0.2", "--weight-decay", "b=0.2")
    assert float(rows[3]["validation loss"]) == alone["validation"]["loss"]


def test_a_training_that_fails_has_a_row() -> None:
    result = train("--lr", "0.01,1e200", "--optimizer", "sgd", "--epochs", "20")
    first, second = table(result)
    assert first["error"] == ""
    assert (second["loss"], second["epochs"], second["converged"]) == ("nan", "", "")
    assert second["error"].startswith("the loss is inf at step")


def test_a_fit_by_a_solver() -> None:
    text = LINE + "off = w * x + b - y\n"
    Path("fit.cg").write_text(text, encoding="utf-8")
    result = cg("sweep", "fit.cg", "--train", "--data", "line.csv", "--residual", "off", "--w", "-1:1:1")
    assert [(round(float(r["final w"]), 6), r["converged"]) for r in table(result)] == [(2.0, "true")] * 3


def test_a_sweep_of_trainings_is_the_same_for_every_number_of_workers() -> None:
    options = ["--lr", "1e-3..1e-1", "--optimizer", "sgd,adam", "--latin", "6", "--seed", "7", "--epochs", "2"]
    one, two = train(*options), train(*options, "--workers", "2")
    assert one.status == two.status == 0, two.err
    assert one.out == two.out


# ---- pictures


@pytest.mark.parametrize(
    ("axes", "file"),
    [
        (["--a", "0:1:0.1"], "s.svg"),
        (["--a", "0:1:0.1", "--b", "1,10,1000"], "s.png"),
        (["--a", "0..1", "--b", "0..1", "--random", "20"], "s.svg"),
        (["--a", "0..1", "--b", "0..1", "--w", "1,2,3", "--latin", "20"], "s.pdf"),
    ],
    ids=["curve", "heat map", "dots", "parallel coordinates"],
)
def test_a_picture_of_the_points(axes: list[str], file: str) -> None:
    pytest.importorskip("matplotlib")
    result = cg("sweep", "f.cg", *axes, "--plot", file)
    assert result.status == 0, result.err
    first = Path(file).read_bytes()
    assert first[:4] in (b"<?xm", b"\x89PNG", b"%PDF")
    assert cg("sweep", "f.cg", *axes, "--plot", file).status == 0
    assert Path(file).read_bytes() == first


def test_a_picture_of_failing_points_of_words_and_of_one_value() -> None:
    pytest.importorskip("matplotlib")
    for axes in (["--a", "-1,1,2"], ["--a", "-1:3:1", "--b", "1,2"], ["--a", "1,1", "--b", "1,2", "--c", "true,false"]):
        text = "input b: float = 1\ninput c: bool = true\n" + PICKY
        result = cg("sweep", "-e", text, *axes, "--plot", "s.svg")
        assert result.status == 0, result.err
    words = train("--optimizer", "sgd,adam", "--lr", "0.1", "--epochs", "1", "--plot", "s.svg")
    assert words.status == 0, words.err


def test_no_number_to_draw() -> None:
    pytest.importorskip("matplotlib")
    result = cg("sweep", "-e", "input a: float\ny = [a, a]", "--a", "1,2", "--plot", "s.svg")
    assert result.status == 2
    assert "`--plot` draws one number a point" in result.err


# ---- from Python


def test_from_python() -> None:
    f = cgcli.load("f.cg")
    swept = f.sweep({"a": "0:1:0.5", "b": [1, 3]}, w=2.0)
    assert swept is not None
    assert list(swept) == ["a", "b", "y", "z"]
    assert swept["z"].tolist() == [0, 0, 0.5, 1.5, 1, 3]
    mapped = f.map({"a": swept["a"], "b": swept["b"]}, w=2.0)
    assert np.allclose(mapped["y"], swept["y"], rtol=1e-15)
    slopes = f.sweep({"a": np.linspace(0, 1, 3)}, derivatives=cgcli.Derivatives("z", ["a"]))
    assert slopes is not None
    assert slopes["dz/da"].tolist() == [2, 2, 2]
    pairs = f.sweep({"a": [1, 2], "b": [3, 4]}, options=cgcli.SweepSettings(zip=True))
    assert pairs is not None
    assert pairs["z"].tolist() == [3, 8]
    assert f.sweep({"a": [1, 2]}, out="s.jsonl") is None
    assert len(Path("s.jsonl").read_text(encoding="utf-8").splitlines()) == 2
    for over, named in (({"a": 1}, "a"), ({"q": [1]}, "q"), ({"a": []}, "a")):
        with pytest.raises(cgcli.CgError, match=f"`{named}"):
            f.sweep(over)  # type: ignore[arg-type]


def test_trainings_from_python() -> None:
    f = cgcli.load("line.cg")
    data = {"x": [0.0, 1.0, 2.0], "y": [-1.0, 1.0, 3.0]}
    swept = f.sweep({"w": [0, 1]}, table=data, train={"loss": "loss", "lr": [0.1, 0.01], "epochs": 4})
    assert swept is not None
    assert list(swept)[:3] == ["w", "lr", "loss"]
    fitted = f.fit(data, {"w": 1}, loss="loss", lr=0.01, epochs=4)
    assert swept["loss"][3] == fitted.loss
    with pytest.raises(cgcli.CgError, match=r"line\.csv"):
        f.sweep({"w": [0, 1]}, table="line.csv", train={"loss": "loss"}, out="line.csv")
    with pytest.raises(cgcli.CgError, match="no setting `lrr`"):
        f.sweep({"w": [0, 1]}, table=data, train={"loss": "loss", "lrr": [0.1]})


def test_a_table_that_does_not_fit_into_memory_is_told_of_before_it_is_computed() -> None:
    result = cg("sweep", "-e", "y = full([1000], a)", "--a", "0:1:1e-6", "--max-memory", "1G")
    assert result.status == 1
    assert "the table of 1000001 points would take 14.9 GiB of memory" in result.err
