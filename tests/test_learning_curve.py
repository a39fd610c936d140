"""What training does to each parameter, in `--metrics`, and its curve, `--plot`."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_harness import Result, cg
from safetensors.numpy import load_file

import cgcli
from cgcli.program.examples import Examples
from cgcli.program.fit_settings import FitSettings
from cgcli.program.fitting import fit
from cgcli.render.curve import MOST_POINTS, curve, smoothed
from cgcli.train.callbacks import LossCurve
from cgcli.train.trainer import Change

LAYER = """
input x: float[n, 2]
input y: float[n]
param W: float[2, 3] = normal(0, 0.5)
param v: f32[3] = normal(0, 0.5)
param c: float = 0.2
loss = mean((tanh(x @ W) @ v + c - y)^2)
"""
ROW = "input x: float\ninput y: float\nparam a: float = 0\nparam b: float = 1\nloss = (a * x + b - y)^2\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("layer.cg").write_text(LAYER, encoding="utf-8")
    Path("row.cg").write_text(ROW, encoding="utf-8")
    rng = np.random.default_rng(1)
    x = rng.normal(size=(20, 2))  # one batch
    np.savez("layer.npz", x=x, y=np.tanh(x[:, 0]) - 0.5 * np.tanh(x[:, 1]))
    np.savez("row.npz", x=x[:, 0], y=2 * x[:, 0] - 1)


def train(name: str, *options: str) -> Result:
    result = cg("train", f"{name}.cg", "--data", f"{name}.npz", "--loss", "loss", *options)
    assert result.status == 0, result.err
    return result


def examples(name: str) -> Examples:
    with np.load(f"{name}.npz") as arrays:
        return Examples(dict(arrays), len(arrays["y"]), name == "layer")


def metrics(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def steps_of(path: str) -> list[dict[str, Any]]:
    return [record for record in metrics(path) if "rate" in record]


# ---- what a step does to a parameter


def by_hand(rate: float, steps: int) -> list[dict[str, dict[str, float]]]:
    """The descent of `layer.cg` over all rows, written out: by parameter gradient, update and value."""
    data = examples("layer").columns
    program = cgcli.load("layer.cg")
    program.seed = 0
    params = {name: np.asarray(program.bound_by_name(data)[name]) for name in ("W", "v", "c")}
    records = []
    for _ in range(steps):
        gradients = program.grad(**data, **params, of="loss", wrt=["W", "v", "c"])
        record = {}
        for name, value in params.items():
            gradient = np.asarray(gradients[name])
            after = (value - rate * gradient).astype(value.dtype)
            sizes = [gradient, after.astype(float) - value.astype(float), value]
            numbers = [float(x) if not x.shape else math.sqrt((x.astype(float) ** 2).sum()) for x in sizes]
            record[name] = dict(zip(("gradient", "update", "value"), numbers, strict=True))
            params[name] = after
        records.append(record)
    return records


def test_of_a_tensor_the_norms_are_written_and_of_a_number_the_number_itself() -> None:
    train("layer", "--optimizer", "sgd", "--lr", "0.1", "--steps", "4", "--metrics", "m.jsonl")
    records = steps_of("m.jsonl")
    assert [list(record) for record in records] == [["step", "epoch", "loss", "rate", "norm", "params"]] * 4
    for record, expected in zip(records, by_hand(0.1, 4), strict=True):
        assert record["params"].keys() == expected.keys()
        for name, numbers in expected.items():
            assert record["params"][name] == pytest.approx(numbers, rel=1e-6 if name == "v" else 1e-12), name
    assert any(record["params"]["c"]["update"] < 0 for record in records)


def test_the_gradients_are_those_before_clipping_and_make_the_norm_together() -> None:
    train("layer", "--batch-size", "7", "--clip", "0.01", "--steps", "5", "--metrics", "m.jsonl")
    for record in steps_of("m.jsonl"):
        together = math.sqrt(sum(change["gradient"] ** 2 for change in record["params"].values()))
        assert together == pytest.approx(record["norm"], rel=1e-6)  # v is single precision
        assert together > 0.01


def test_parameters_that_stay_are_none_of_them() -> None:
    train("layer", "--freeze", "W", "--steps", "2", "--metrics", "m.jsonl")
    assert [set(record["params"]) for record in steps_of("m.jsonl")] == [{"v", "c"}] * 2


@pytest.mark.parametrize("name", ["layer", "row"])
@pytest.mark.parametrize("mode", ["static", "dynamic"])
def test_a_dynamic_program_has_them_too(name: str, mode: str) -> None:
    train(name, "--mode", mode, "--steps", "3", "--metrics", f"{mode}.jsonl")
    train(name, "--mode", "static", "--steps", "3", "--metrics", "expected.jsonl")
    for record, expected in zip(steps_of(f"{mode}.jsonl"), steps_of("expected.jsonl"), strict=True):
        for param, change in expected["params"].items():
            assert record["params"][param] == pytest.approx(change, rel=1e-6)


@pytest.mark.parametrize("name", ["layer", "row"])
@pytest.mark.parametrize("options", [[], ["--optimizer=adamw", "--clip=0.1"], ["--mode=dynamic"]])
def test_recording_changes_no_bit_of_the_result(name: str, options: list[str]) -> None:
    options = ["--epochs", "3", "--batch-size", "7", *options]
    train(name, *options, "--save", "without.safetensors")
    train(name, *options, "--save", "with.safetensors", "--metrics", "m.jsonl", "--plot", "c.svg")
    without, recorded = (load_file(f"{each}.safetensors") for each in ("without", "with"))
    assert {n: x.tobytes() for n, x in without.items()} == {n: x.tobytes() for n, x in recorded.items()}


def test_nothing_is_recorded_unless_a_callback_asks() -> None:
    class Records(LossCurve):
        needs_changes = False

    asked, unasked = LossCurve(), Records()
    for callback in (asked, unasked):
        fit(cgcli.load("row.cg"), {}, examples("row"), FitSettings(loss="loss", steps=2), callbacks=[callback])
    assert asked.points == unasked.points
    assert [step for step, _ in asked.changes] == [1, 2]
    assert unasked.changes == []


# ---- a run that was resumed


def test_metrics_and_curve_of_a_resumed_run_are_those_of_one_that_never_stopped() -> None:
    settings = ["--validation", "0.3", "--batch-size", "5"]
    whole = ["--steps", "9", *settings]
    train("layer", *whole, "--metrics", "whole.jsonl", "--plot", "whole.svg")
    train("layer", "--steps", "4", *settings, "--metrics", "m.jsonl", "--save", "w.safetensors")
    train("layer", *whole, "--resume", "w.safetensors", "--metrics", "m.jsonl", "--plot", "resumed.svg")
    assert Path("m.jsonl").read_bytes() == Path("whole.jsonl").read_bytes()
    assert Path("resumed.svg").read_bytes() == Path("whole.svg").read_bytes()


def test_a_metrics_file_that_cannot_be_read_is_an_error() -> None:
    train("row", "--steps", "2", "--metrics", "m.jsonl", "--save", "w.safetensors")
    Path("m.jsonl").write_text('{"step": 1, "rate": 1, "loss": 1, "params": {"a": {"slope": 1}}}\n', encoding="utf-8")
    words = ["train", "row.cg", "--data", "row.npz", "--resume", "w.safetensors", "--steps", "3"]
    result = cg(*words, "--metrics", "m.jsonl", "--plot", "c.svg")
    assert (result.status, "`m.jsonl`" in result.err) == (1, True)


# ---- the curve


def test_the_running_mean_is_that_of_the_values_around() -> None:
    values = np.random.default_rng(0).normal(size=60).tolist()
    for half in (0, 1, 5, 100):
        ones = np.ones(2 * half + 1)
        sums = np.convolve(values, ones)[half : half + 60]
        expected = sums / np.convolve(np.ones(60), ones)[half : half + 60]
        assert smoothed(values, half) == pytest.approx(expected.tolist(), rel=1e-12)


def test_a_small_loss_after_large_ones_is_smoothed_with_all_its_digits() -> None:
    assert smoothed([1e20, *[1e-20] * 9], 1)[-3:] == pytest.approx([1e-20] * 3, rel=1e-15)


def texts_of(picture: bytes) -> list[str]:
    """The texts of an SVG file, which matplotlib writes as comments beside their outlines."""
    lines = picture.decode().split("<!-- ")[1:]
    return [line.partition(" -->")[0] for line in lines]


def test_the_curve_says_what_it_shows() -> None:
    history = [
        {"epoch": k, "step": 50 * k, "loss": 1 / k, "validation": {"loss": (k - 3) ** 2 + 0.5}} for k in range(1, 5)
    ]
    steps = [(k, 2 / k) for k in range(1, 201)]
    changes = [(k, {"W": Change(1 / k, 0.1 / k, 3.0)}) for k in range(1, 201)]
    texts = texts_of(curve("svg", "loss of f.cg", "loss", history, steps, changes))
    expected = ["loss of f.cg", "step (50 make an epoch)", "of a step", "mean over 11 steps", "validation"]
    expected += ["best: epoch 3, 0.5", "norm of the gradient", "norm of the update / of the value", "W"]
    for text in expected:
        assert text in texts, text


def test_without_validation_there_is_no_best_epoch_and_without_changes_no_panel() -> None:
    texts = texts_of(curve("svg", "t", "loss", [{"epoch": 1, "step": 1, "loss": 1.0}], [(1, 1.0)]))
    assert not [text for text in texts if "best" in text or "norm" in text]


def test_a_validation_loss_that_is_no_number_is_never_the_best() -> None:
    values = [math.nan, 2.0, math.nan, 3.0]
    history = [{"epoch": k, "step": k, "loss": 1.0, "validation": {"loss": x}} for k, x in enumerate(values, 1)]
    assert "best: epoch 2, 2" in texts_of(curve("svg", "t", "loss", history, []))
    every = [{**record, "validation": {"loss": math.nan}} for record in history]
    assert not [text for text in texts_of(curve("svg", "t", "loss", every, [])) if "best" in text]


def test_many_parameters_and_steps_stay_one_small_picture() -> None:
    changes = [(k, {f"p{n}": Change(n + 1 / k, 0.1, 2.0 + n) for n in range(20)}) for k in range(1, 2000)]
    picture = curve("svg", "t", "loss", [], [(k, 1.0 + k % 7) for k in range(1, 2000)], changes)
    texts = texts_of(picture)
    assert [text for text in texts if text.startswith("p")] == [f"p{n}" for n in range(12)]
    assert "8 more" in texts
    assert len(picture) < 40 * MOST_POINTS * 25


def test_a_value_or_an_update_of_zero_has_no_ratio() -> None:
    changes = [
        (1, {"b": Change(0.0, 0.0, 0.0)}),
        (2, {"b": Change(0.5, -0.1, 0.0)}),
        (3, {"b": Change(-0.5, 0.0, 0.1)}),
    ]
    assert b"<svg" in curve("svg", "t", "loss", [], [(k, 1.0) for k in (1, 2, 3)], changes)


def test_a_name_is_text_whatever_is_in_it() -> None:
    program = "param _π: float = 1\nloss = (_π - 3)^2\n"
    assert cg("train", "-e", program, "--loss", "loss", "--steps", "9", "--plot", "c.svg").status == 0
    assert "_π" in texts_of(Path("c.svg").read_bytes())


def test_the_settings_of_the_user_s_own_matplotlib_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib as mpl

    steps = [(1, 1.0), (2, 0.5)]
    expected = curve("svg", "t", "loss", [], steps)
    monkeypatch.setitem(mpl.rcParams, "axes.facecolor", "red")
    monkeypatch.setitem(mpl.rcParams, "text.usetex", True)
    assert curve("svg", "t", "loss", [], steps) == expected
    assert mpl.rcParams["axes.facecolor"] == "red"
