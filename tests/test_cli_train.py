"""`cg train`, `cg predict`, `cg weights` and `--weights`, as a user meets them."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from cli_harness import Result, cg
from safetensors.numpy import load_file, save_file

LINE = (
    "input x: float\ninput y: float\nparam a: float = 0\nparam b: float = 0\nguess = a * x + b\nloss = (guess - y)^2\n"
)
LAYER = """
input x: float[n, 2]
input y: float[n]
param W: float[2, 3] = normal(0, 0.5)
param v: float[3] = normal(0, 0.5)
guess = tanh(x @ W) @ v
loss = mean((guess - y)^2)
share = mean(where(abs(guess - y) < 0.1, 1.0, 0.0))
output guess, loss, share
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with programs and tables; y = 2 x - 1 without noise."""
    monkeypatch.chdir(tmp_path)
    Path("line.cg").write_text(LINE, encoding="utf-8")
    Path("layer.cg").write_text(LAYER, encoding="utf-8")
    rows = [f"{k / 10},{2 * k / 10 - 1}\n" for k in range(30)]
    Path("line.csv").write_text("x,y\n" + "".join(rows), encoding="utf-8")
    rng = np.random.default_rng(1)
    x = rng.normal(size=(50, 2))
    np.savez("layer.npz", x=x, y=np.tanh(x[:, 0]) - 0.5 * np.tanh(x[:, 1]))
    return tmp_path


def line(*arguments: str) -> Result:
    return cg("train", "line.cg", "--data", "line.csv", "--loss", "loss", *arguments)


def layer(*arguments: str) -> Result:
    return cg("train", "layer.cg", "--data", "layer.npz", "--loss", "loss", *arguments)


def data(result: Result) -> dict[str, object]:
    assert result.status == 0, result.err
    found: dict[str, object] = json.loads(result.out)
    return found


# ---- it learns


@pytest.mark.parametrize(
    ("optimizer", "rate"),
    [
        ("sgd", "0.05"),
        ("momentum", "0.01"),
        ("adam", "0.1"),
        ("adamw", "0.1"),
        ("rmsprop", "0.05"),
        ("adagrad", "0.5"),
        ("lion", "0.025"),
    ],
)
def test_every_optimizer_finds_the_line(optimizer: str, rate: str) -> None:
    options = ["--optimizer", optimizer, "--lr", rate, "--epochs", "150", "--batch-size", "10", "--schedule", "cosine"]
    options += ["--weight-decay", "0"] if optimizer == "adamw" else []
    found = data(line(*options, "--format", "json"))
    assert found["params"] == {"a": pytest.approx(2, abs=0.02), "b": pytest.approx(-1, abs=0.02)}
    assert found["loss"] == pytest.approx(0, abs=1e-3)
    assert (found["epochs"], found["steps"], found["converged"]) == (150, 450, False)


def test_lbfgs_goes_to_the_bottom() -> None:
    found = data(line("--optimizer", "lbfgs", "--format", "json"))
    assert found["params"] == {"a": pytest.approx(2, abs=1e-7), "b": pytest.approx(-1, abs=1e-7)}
    assert found["converged"] is True


def test_a_fit_by_least_squares() -> None:
    found = data(
        cg(
            "train",
            "-e",
            "input x: float; input y: float; param a: float = 0; r = y - a * x",
            "--data",
            "line.csv",
            "--residual",
            "r",
            "--format",
            "json",
        )
    )
    x = np.arange(30) / 10
    y = 2 * x - 1
    a = (x @ y) / (x @ x)
    squares = ((y - a * x) ** 2).sum()
    assert found["params"] == {"a": pytest.approx(a, rel=1e-12)}
    assert found["loss"] == pytest.approx(squares, rel=1e-12)
    assert found["errors"] == {"a": pytest.approx(np.sqrt(squares / 29 / (x @ x)), rel=1e-9)}
    assert (found["residuals"], found["freedom"], found["converged"]) == (30, 29, True)


def test_many_rows_at_once() -> None:
    found = data(layer("--lr", "0.05", "--epochs", "60", "--format", "json", "--validation", "0.2"))
    assert found["loss"] < 0.01  # type: ignore[operator]
    validation = found["validation"]
    assert isinstance(validation, dict)
    assert set(validation) == {"loss", "share"}
    assert validation["loss"] < 0.02


def test_a_dynamic_program_learns_as_a_static_one_does() -> None:
    options = ["--lr", "0.1", "--epochs", "3", "--batch-size", "7", "--format", "json"]
    static, dynamic = (data(line("--mode", mode, *options)) for mode in ("static", "dynamic"))
    assert dynamic["params"] == {n: pytest.approx(x, rel=1e-12) for n, x in static["params"].items()}  # type: ignore[attr-defined]
    assert dynamic["loss"] == pytest.approx(static["loss"], rel=1e-12)


def test_data_of_any_shape() -> None:
    rows = [{"list": [k * 0.1 for k in range(n)], "y": n * 0.3} for n in range(1, 6)]
    Path("lists.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    program = (
        "input list: any\ninput y: float\nparam w: float = 0\ntotal = 0\nfor item in list { total = total + w }\n"
        "loss = (total - y)^2"
    )
    found = data(
        cg(
            "train",
            "-e",
            program,
            "--data",
            "lists.jsonl",
            "--loss",
            "loss",
            "--lr",
            "0.05",
            "--epochs",
            "60",
            "--format",
            "json",
        )
    )
    assert found["params"] == {"w": pytest.approx(0.3, abs=0.01)}


def test_a_program_without_a_table() -> None:
    found = data(
        cg(
            "train",
            "-e",
            "param x: float = -1; param y: float = 2; f = (1 - x)^2 + 100 * (y - x^2)^2",
            "--loss",
            "f",
            "--optimizer",
            "lbfgs",
            "--format",
            "json",
        )
    )
    assert found["params"] == {"x": pytest.approx(1, abs=1e-5), "y": pytest.approx(1, abs=1e-5)}


def test_two_ways_to_write_a_batch_learn_the_same() -> None:
    """One row a run and its mean, or the mean in the program."""
    whole = (
        "input x: float[n]; input y: float[n]; param a: float = 0; param b: float = 0; loss = mean((a * x + b - y)^2)"
    )
    Path("whole.cg").write_text(whole, encoding="utf-8")
    options = ["--data", "line.csv", "--loss", "loss", "--lr", "0.1", "--epochs", "5", "--batch-size", "8"]
    first = data(cg("train", "line.cg", *options, "--format", "json"))
    second = data(cg("train", "whole.cg", *options, "--format", "json"))
    assert first["params"] == {n: pytest.approx(x, rel=1e-12) for n, x in second["params"].items()}  # type: ignore[attr-defined]


def test_the_sum_of_the_rows() -> None:
    mean = data(line("--optimizer", "sgd", "--lr", "0.03", "--batch-size", "30", "--epochs", "1", "--format", "json"))
    total = data(
        line(
            "--optimizer",
            "sgd",
            "--lr",
            "0.001",
            "--batch-size",
            "30",
            "--epochs",
            "1",
            "--reduce",
            "sum",
            "--format",
            "json",
        )
    )
    assert total["params"] == {n: pytest.approx(x, rel=1e-12) for n, x in mean["params"].items()}  # type: ignore[attr-defined]
    assert total["loss"] == pytest.approx(30 * mean["loss"], rel=1e-12)  # type: ignore[operator]


# ---- what is told to the optimizer


def test_frozen_parameters_stay() -> None:
    found = data(
        line(
            "--freeze",
            "b",
            "--b",
            "0.5",
            "--lr",
            "0.1",
            "--epochs",
            "50",
            "--format",
            "json",
            "--save",
            "w.safetensors",
        )
    )
    assert set(found["params"]) == {"a"}  # type: ignore[arg-type]
    assert load_file("w.safetensors")["b"] == 0.5


def test_weight_decay_by_name() -> None:
    """With the rate r and a gradient of zero, adamw multiplies by 1 - r * decay at each step."""
    program = "param a: float = 2; param b: float = 2; loss = 0 * a + 0 * b"
    found = data(
        cg(
            "train",
            "-e",
            program,
            "--loss",
            "loss",
            "--optimizer",
            "adamw",
            "--lr",
            "0.1",
            "--steps",
            "3",
            "--weight-decay",
            "a=0.5",
            "--format",
            "json",
        )
    )
    assert found["params"] == {"a": pytest.approx(2 * 0.95**3, rel=1e-14), "b": 2.0}


def test_clipping_bounds_the_step() -> None:
    found = data(
        line(
            "--optimizer",
            "sgd",
            "--lr",
            "1",
            "--clip",
            "0.25",
            "--steps",
            "1",
            "--batch-size",
            "30",
            "--format",
            "json",
        )
    )
    params = found["params"]
    assert isinstance(params, dict)
    assert np.hypot(params["a"], params["b"]) == pytest.approx(0.25, rel=1e-12)


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ("constant", [0.5, 1, 1, 1, 1, 1]),
        ("linear", [0.5, 1, 1, 0.75, 0.5, 0.25]),
        ("cosine", [0.5, 1, 1, (1 + np.sqrt(0.5)) / 2, 0.5, (1 - np.sqrt(0.5)) / 2]),
        ("exponential", [0.5, 1, 1, 0.01**0.25, 0.1, 0.01**0.75]),
    ],
)
def test_schedules(schedule: str, rates: list[float]) -> None:
    line("--schedule", schedule, "--warmup", "2", "--steps", "6", "--lr", "0.01", "--metrics", "m.jsonl")
    records = [json.loads(text) for text in Path("m.jsonl").read_text(encoding="utf-8").splitlines()]
    found = [record["rate"] for record in records if "rate" in record]
    assert found == [pytest.approx(0.01 * rate, rel=1e-12) for rate in rates]


def test_rows_come_in_an_order_that_the_seed_says() -> None:
    one, again, other = (line("--seed", seed, "--epochs", "1", "--batch-size", "4").out for seed in ("1", "1", "2"))
    assert one == again != other
    first, second = (line("--no-shuffle", "--seed", seed, "--epochs", "1", "--batch-size", "4").out for seed in "12")
    assert first == second


def test_a_program_is_told_that_it_is_trained() -> None:
    program = (
        "input training: bool = false\ninput step: int = 0\nparam w: float = 0\n"
        "goal = if training then 1.0 * step else 100.0\nloss = (w - goal)^2\n"
    )
    found = data(
        cg(
            "train",
            "-e",
            program,
            "--loss",
            "loss",
            "--optimizer",
            "sgd",
            "--lr",
            "0.5",
            "--steps",
            "3",
            "--format",
            "json",
        )
    )
    assert found["params"] == {"w": 3.0}
    assert found["loss"] == 97.0**2


def test_early_stopping_keeps_the_best() -> None:
    result = layer(
        "--lr",
        "0.5",
        "--epochs",
        "200",
        "--validation",
        "0.3",
        "--patience",
        "4",
        "--save",
        "w.safetensors",
        "--format",
        "json",
    )
    found = data(result)
    assert found["converged"] is True
    assert found["epochs"] < 200  # type: ignore[operator]
    epoch = int(re.search(r"are those of epoch (\d+)", result.err)[1])  # type: ignore[index]
    assert epoch == found["epochs"] - 4  # type: ignore[operator]
    about = json.loads(cg("weights", "w.safetensors", "--format", "json").out)
    assert about["best"] == found["validation"]["loss"]  # type: ignore[index]
    tensors = load_file("w.safetensors")
    assert set(tensors) >= {"W", "v", "current/W", "current/v"}
    again = layer("--lr", "0.5", "--validation", "0.3", "--resume", "w.safetensors", "--format", "json")
    assert data(again) == found


def test_a_time_limit_ends_it() -> None:
    result = line("--time", "0.2s", "--format", "json")
    assert "note: the time is up after step" in result.err
    assert data(result)["steps"]


# ---- what is seen


def test_metrics_and_curve() -> None:
    assert layer("--epochs", "3", "--validation", "0.2", "--metrics", "m.jsonl", "--plot", "c.svg").status == 0
    records = [json.loads(text) for text in Path("m.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [r["step"] for r in records if "rate" in r] == [1, 2, 3, 4, 5, 6]
    epochs = [r for r in records if "mean_loss" in r]
    assert [r["epoch"] for r in epochs] == [1, 2, 3]
    assert set(epochs[0]["validation"]) == {"loss", "share"}
    picture = Path("c.svg").read_bytes()
    assert picture.startswith(b"<?xml")
    layer("--epochs", "3", "--validation", "0.2", "--plot", "again.svg")
    assert Path("again.svg").read_bytes() == picture


def test_names_in_a_curve_are_no_formulas() -> None:
    program = "param x: float = 1; größe = x^2"
    for kind, magic in (("png", b"\x89PNG"), ("pdf", b"%PDF")):
        assert cg("train", "-e", program, "--loss", "größe", "--steps", "3", "--plot", f"c.{kind}").status == 0
        assert Path(f"c.{kind}").read_bytes().startswith(magic)


def test_histogram_of_gradients() -> None:
    result = layer("--epochs", "1", "--histogram")
    assert re.search(r"^gradient by W: norm [\d.e-]+, -?[\d.e-]+ [ ▁▂▃▄▅▆▇█]{16} -?[\d.e-]+$", result.out, re.MULTILINE)


def test_the_picture_of_a_step_has_loss_gradient_and_update() -> None:
    assert line("--epochs", "1", "--draw", "step.json").status == 0
    names = {node.get("name") for node in json.loads(Path("step.json").read_text(encoding="utf-8"))["nodes"]}
    assert {"loss", "a next", "m[a]", "m[a] next", "learning rate", "norm"} <= names


# ---- trained programs


def test_predict_and_weights() -> None:
    assert layer("--epochs", "20", "--lr", "0.05", "--save", "w.safetensors").status == 0
    with np.load("layer.npz") as arrays:
        x = arrays["x"]
        np.savez("new.npz", x=x[:7])
    result = cg("predict", "layer.cg", "--weights", "w.safetensors", "--data", "new.npz")
    assert result.status == 0, result.err
    w = load_file("w.safetensors")
    wanted = np.tanh(x[:7] @ w["W"]) @ w["v"]
    header, *rows = result.out.splitlines()
    assert header == "guess"
    assert [float(row) for row in rows] == pytest.approx(wanted.tolist(), rel=1e-14)
    every = cg("eval", "layer.cg", "--weights", "w.safetensors", "--x", "@new.npz:x", "--y", str([0.0] * 7))
    assert every.status == 0
    for command in ("grad --of loss", "explain --of loss", "show", "render -o p.svg", "plan"):
        name, *options = command.split()
        values = ["--x", "@new.npz:x", "--y", str([0.0] * 7)]
        found = cg(name, "layer.cg", *options, "--weights", "w.safetensors", *values)
        assert found.status == 0, (command, found.err)


def test_a_value_on_the_line_comes_before_weights() -> None:
    save_file({"a": np.array(3.0), "b": np.array(1.0)}, "w.safetensors")
    values = ["--x", "2", "--y", "0"]
    assert cg("eval", "line.cg", "--weights", "w.safetensors", *values).out == "loss = 49\n"
    assert cg("eval", "line.cg", "--weights", "w.safetensors", *values, "--b", "-6").out == "loss = 0\n"


def test_training_goes_on_from_weights() -> None:
    save_file({"a": np.array(2.0), "b": np.array(-1.0)}, "w.safetensors")
    found = data(line("--weights", "w.safetensors", "--steps", "1", "--optimizer", "sgd", "--format", "json"))
    assert found["params"] == {"a": pytest.approx(2, rel=1e-12), "b": pytest.approx(-1, rel=1e-12)}


def test_what_a_checkpoint_holds() -> None:
    line("--epochs", "2", "--save", "w.safetensors")
    result = cg("weights", "w.safetensors")
    assert result.out.startswith("a: float, min ")
    assert "optimizer = adam\n" in result.out
    assert "\nstep = 2\n" in result.out
    held = json.loads(cg("weights", "w.safetensors", "--all", "--format", "json").out)
    assert set(held["tensors"]) == {"a", "b", "memory/m/a", "memory/v/a", "memory/m/b", "memory/v/b"}
    assert len(held["sha256"]) == 64


# ---- what is wrong is said


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--loss", "los"], 2, "there is no value `los`"),
        (["--loss", "loss", "--residual", "loss"], 2, "cannot be used together"),
        (["--residual", "loss", "--optimizer", "adam"], 2, "`lm` and no other is for a `--residual`"),
        ([], 2, "nothing says what to make small"),
        (["--loss", "x"], 2, "`x` does not depend on a parameter"),
        (["--loss", "loss", "--lr", "-1"], 2, "is no positive number"),
        (["--loss", "loss", "--lr", "nan"], 2, "is no positive number"),
        (["--loss", "loss", "--time", "5d"], 2, "is no time"),
        (["--loss", "loss", "--weight-decay", "x"], 2, "is no weight decay"),
        (["--loss", "loss", "--weight-decay", "W*=1"], 2, "no parameter is named `W*`"),
        (["--loss", "loss", "--freeze", "?"], 2, "no parameter that may change"),
        (["--loss", "loss", "--patience", "2"], 2, "there are none"),
        (["--loss", "loss", "--validation", "1.5"], 2, "leaves nothing to learn from"),
        (["--loss", "loss", "--every", "2"], 2, "`--every` is about checkpoints"),
        (["--loss", "loss", "--save", "w.txt"], 2, "its name ends in .safetensors"),
        (["--loss", "loss", "--save", "no/w.safetensors"], 1, "cannot be written"),
        (["--loss", "loss", "--metrics", "no/m.jsonl"], 1, "cannot be written"),
        (["--loss", "loss", "--plot", "c.gif"], 2, "its name ends in"),
        (["--loss", "loss", "--plot", "no/c.svg"], 1, "`no/c.svg` cannot be written: no such file or directory"),
        (["--loss", "loss", "--schedule", "linear", "--time", "1s"], 2, "how many steps there will be"),
        (["--loss", "loss", "--optimizer", "lbfgs", "--epochs", "2"], 2, "means nothing to `--optimizer lbfgs`"),
        (["--loss", "loss", "--optimizer", "lbfgs", "--resume", "w.safetensors"], 2, "there is no checkpoint"),
        (["--loss", "loss", "--resume", "w.safetensors", "--weights", "w.safetensors"], 2, "cannot be used together"),
        (["--loss", "loss", "--weights", "w.csv"], 2, "is no .safetensors file"),
        (["--loss", "loss", "--map", "x=nothing"], 2, "no column `nothing`"),
        (["--loss", "loss", "--lr", "1e9", "--optimizer", "sgd", "--epochs", "90"], 1, "the loss is"),
    ],
)
def test_mistakes(arguments: list[str], status: int, said: str) -> None:
    result = cg("train", "line.cg", "--data", "line.csv", *arguments)
    assert result.status == status
    assert said in result.err
    assert result.out == ""


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("x,y\n1,2\n3\n", "line 3 of `t.csv`"),
        ("x,y\n1,2\n3,four\n", "line 3 of `t.csv`, column `y`: four"),
        ("x,z\n1,2\n", "no value is given for y"),
        ("a,b\n1,2\n", "no column of `"),
        ("x,y\n", "has no rows"),
        ("x,y\n1,nan\n", "the loss is"),
    ],
)
def test_tables_that_are_wrong(table: str, said: str) -> None:
    Path("t.csv").write_text(table, encoding="utf-8")
    result = cg("train", "line.cg", "--data", "t.csv", "--loss", "loss", "--save", "w.safetensors")
    assert result.status in (1, 2)
    assert said in result.err, result.err


def test_a_gradient_that_is_none() -> None:
    result = cg("train", "-e", "param x: float = 0; y = sqrt(x)", "--loss", "y")
    assert (result.status, result.out) == (1, "")
    assert "the gradient is inf at step 1" in result.err


def test_a_loss_that_is_none_leaves_the_last_good_state() -> None:
    program = "param x: float = 4; loss = log(x - 1)"
    options = ["--loss", "loss", "--optimizer", "sgd", "--lr", "2", "--save", "w.safetensors"]
    result = cg("train", "-e", program, *options)
    assert result.status == 1
    step = int(re.search(r"holds the state after step (\d+), the last good one", result.err)[1])  # type: ignore[index]
    about = json.loads(cg("weights", "w.safetensors", "--format", "json").out)
    assert about.get("step", 0) == step
    assert np.isfinite(load_file("w.safetensors")["x"])


def test_there_is_something_to_learn_and_to_learn_from() -> None:
    result = cg("train", "line.cg", "--loss", "loss")
    assert (result.status, "x and y has no value" in result.err) == (2, True)
    result = cg("train", "-e", "y = a^2", "--loss", "y", "--a", "1")
    assert (result.status, "no parameter that may change" in result.err) == (2, True)


def test_a_library_that_is_missing_is_told_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = line("--plot", "c.svg", "--metrics", "m.jsonl")
    assert (result.status, result.out) == (2, "")
    assert "pip install 'cgcli[plot]'" in result.err
    assert not Path("m.jsonl").exists()


def test_parameters_that_the_data_cannot_tell_apart_have_no_errors() -> None:
    program = "input x: float; input y: float; param a: float = 1; param b: float = 1; r = y - (a + b) * x"
    result = cg("train", "-e", program, "--data", "line.csv", "--residual", "r")
    assert result.status == 0
    assert "note: no standard errors: the data cannot tell the parameters apart\n" in result.err
    assert "±" not in result.out


def test_a_fit_in_single_precision_converges() -> None:
    program = "input x: f32; input y: f32; param a: f32 = 0; param b: f32 = 0; r = y - a * x - b"
    found = data(cg("train", "-e", program, "--data", "line.csv", "--residual", "r", "--format", "json"))
    assert found["converged"] is True
    assert found["params"] == {"a": pytest.approx(2, abs=1e-5), "b": pytest.approx(-1, abs=1e-5)}
