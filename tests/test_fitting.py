"""`fit` from Python: bit for bit the losses, parameters and checkpoints of `cg train` with the same settings."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from cli_harness import cg
from safetensors.numpy import load_file

import cgcli
from cgcli.data.checkpoints import Checkpoint, read_checkpoint
from cgcli.data.run_files import run_files
from cgcli.diagnostics.diagnostic import CgError, Diagnostic
from cgcli.program.examples import Examples
from cgcli.program.fit_settings import FitSettings, resumed_settings
from cgcli.program.fitting import Fitted, StepFitting, fit, prepare_fit
from cgcli.program.metrics_log import MetricsLog
from cgcli.train.solvers import Squares
from cgcli.train.trainer import Callback, EpochEvent, StepEvent

LINE = """
input x: float
input y: float
param a: float = 0
param b: float = 0
loss = (a * x + b - y)^2
off = a * x + b - y
"""
LAYER = """
input x: float[n, 2]
input y: float[n]
input training: bool = false
input step: int = 0
param W: float[2, 3] = normal(0, 0.5)
param v: f32[3] = normal(0, 0.5)
guess = dropout(tanh(x @ W), 0.1) @ v
loss = mean((guess - y)^2)
share = mean(where(abs(guess - y) < 0.1, 1.0, 0.0))
output loss, share
"""
OPEN = "input x: float[...]\nparam W: float[3] = normal(0, 1)\nloss = sum((W - mean(x))^2)\noutput loss\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("line.cg").write_text(LINE, encoding="utf-8")
    Path("layer.cg").write_text(LAYER, encoding="utf-8")
    rng = np.random.default_rng(1)
    x = rng.normal(size=(50, 2))
    np.savez("layer.npz", x=x, y=np.tanh(x[:, 0]) - 0.5 * np.tanh(x[:, 1]))
    x = rng.normal(size=30)
    np.savez("line.npz", x=x, y=2 * x - 1 + rng.normal(size=30) / 10)


def examples(name: str) -> Examples:
    with np.load(f"{name}.npz") as arrays:
        return Examples(dict(arrays), len(arrays["y"]), name == "layer")


def trained(name: str, settings: FitSettings, *options: str) -> dict[str, Any]:
    """`cg train` with these settings."""
    words = [*options]
    for option, value in settings.given().items():
        if option in ("weight-decay", "freeze"):
            words += [f"--{option}={item if option == 'freeze' else '='.join(map(str, item))}" for item in value]
        else:
            words += [f"--{option}"] if value is True else [f"--{option}={value}"]
    result = cg("train", f"{name}.cg", "--data", f"{name}.npz", *words, "--format", "json")
    assert result.status == 0, result.err
    shown: dict[str, Any] = json.loads(result.out)
    return shown


def assert_same(fitted: Fitted, shown: dict[str, Any], path: str) -> None:
    """The result, and all that a checkpoint holds but the time that it took."""
    assert fitted.loss == shown["loss"]
    assert (fitted.converged, fitted.epochs) == (shown["converged"], shown["epochs"])
    assert fitted.validation == shown.get("validation")
    checkpoint = read_checkpoint(path)
    assert tensors(fitted.tensors) == tensors(checkpoint.tensors)
    info = json.loads(json.dumps(fitted.info))
    assert checkpoint.info.pop("run")
    for x in (info, checkpoint.info):
        x.get("state", {}).pop("seconds", None)
    assert info == checkpoint.info


def tensors(arrays: Any) -> dict[str, Any]:
    return {name: (x.dtype, x.shape, x.tobytes()) for name, x in arrays.items()}


STEPS = FitSettings(loss="loss", epochs=3, lr=0.05, seed=4)


# ---- the same as the command


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("line", FitSettings(loss="loss")),
        ("line", FitSettings(loss="loss", optimizer="sgd", reduce="sum", lr=0.001, shuffle=False, batch_size=7)),
        ("line", replace(STEPS, freeze=["b"], weight_decay=[("*", 0.1), ("a", 0.2)])),
        ("line", replace(STEPS, validation="0.2", epochs=60, patience=1, lr=0.5)),
        ("layer", replace(STEPS, validation="0.2", schedule="cosine", warmup=2, clip=0.5, batch_size=7)),
        ("layer", replace(STEPS, optimizer="adamw", steps=5)),
        ("layer", FitSettings(loss="loss", optimizer="lbfgs")),
        ("layer", FitSettings(loss="loss", optimizer="lbfgs", steps=2)),
        ("line", FitSettings(residual="off")),
        ("line", FitSettings(residual="off", freeze=["b"], seed=3)),
    ],
)
def test_a_fit_is_that_of_the_command(name: str, settings: FitSettings) -> None:
    shown = trained(name, settings, "--save", "w.safetensors")
    fitted = fit(cgcli.load(f"{name}.cg"), {}, examples(name), settings)
    assert_same(fitted, shown, "w.safetensors")
    assert fitted.params.keys() == shown["params"].keys()
    if settings.residual:
        assert isinstance(fitted.result, Squares)
        assert fitted.result.errors == list(shown["errors"].values())


def test_a_dynamic_program() -> None:
    settings = replace(STEPS, validation="0.2")
    shown = trained("line", settings, "--mode", "dynamic", "--save", "w.safetensors")
    assert_same(fit(cgcli.load("line.cg", mode="dynamic"), {}, examples("line"), settings), shown, "w.safetensors")


def test_rows_for_validation_of_a_table_of_their_own() -> None:
    held_out = examples("line").between(0, 10)
    np.savez("held_out.npz", **held_out.columns)
    settings = replace(STEPS, validation="held_out.npz")
    shown = trained("line", settings, "--save", "w.safetensors")
    assert_same(fit(cgcli.load("line.cg"), {}, examples("line"), settings, validation=held_out), shown, "w.safetensors")
    unnamed = replace(settings, validation=None, patience=3)
    fitted = fit(cgcli.load("line.cg"), {}, examples("line"), unnamed, validation=held_out)
    assert fitted.validation == shown["validation"]


def test_a_program_without_a_table_and_values_of_parameters() -> None:
    text = "input x: float\nparam a: float = 0\nloss = (a - x)^2"
    result = cg(
        "train", "-e", text.replace("\n", "; "), "--loss", "loss", "--x=2", "--a=1", "--lr=0.1", "--format=json"
    )
    fitted = fit(cgcli.parse(text), {"x": 2.0, "a": 1.0}, Examples({}, 0), FitSettings(loss="loss", lr=0.1))
    shown = json.loads(result.out)
    assert (fitted.loss, fitted.params, fitted.steps) == (shown["loss"], shown["params"], 1000)
    assert fitted.values == {"x": 2.0, "a": fitted.params["a"]}


@pytest.mark.parametrize("stop", [1, 6, 7, 13])
def test_a_resumed_fit_is_the_same_fit(stop: int) -> None:
    """Begun by the command and resumed from Python; stopped within an epoch and at its end."""
    settings = replace(STEPS, batch_size=7, validation="0.2", schedule="linear", patience=9)
    whole = fit(cgcli.load("layer.cg"), {}, examples("layer"), settings)

    class Stop(Callback):
        steps = 0

        def stepped(self, event: StepEvent) -> None:
            self.steps = event.step

        def stop_requested(self) -> bool:
            return self.steps >= stop

    begun = fit(cgcli.load("layer.cg"), {}, examples("layer"), settings, callbacks=[Stop()])
    assert (begun.stopped, begun.steps, begun.converged) == (None, stop, False)
    begun.save("w.safetensors")
    resumed = fit(
        cgcli.load("layer.cg"), {}, examples("layer"), FitSettings(), checkpoint=read_checkpoint("w.safetensors")
    )
    assert tensors(resumed.tensors) == tensors(whole.tensors)
    assert (resumed.history, resumed.loss, resumed.settings) == (whole.history, whole.loss, whole.settings)
    result = cg("train", "layer.cg", "--data", "layer.npz", "--resume", "w.safetensors", "--format", "json")
    assert result.status == 0, result.err
    assert json.loads(result.out)["loss"] == whole.loss
    assert tensors(load_file("w.safetensors")) == tensors(whole.tensors)


def test_a_seed_is_that_of_the_fit_whatever_ran_before() -> None:
    """Also where a shape is open, so that the program is lowered for its values."""
    program = cgcli.parse(OPEN)
    values = {"x": np.ones((2, 2))}
    assert program.eval(values)["loss"] > 0
    fits = [fit(program, values, Examples({}, 0), FitSettings(loss="loss", steps=1, seed=seed)) for seed in (1, 2, 1)]
    assert fits[0].loss == fits[2].loss != fits[1].loss


# ---- events and files


def test_events_are_the_lines_of_the_metrics() -> None:
    class Records(Callback):
        needs_changes = True

        def __init__(self) -> None:
            self.lines: list[dict[str, Any]] = []

        def stepped(self, e: StepEvent) -> None:
            assert e.changes is not None
            params = {name: change._asdict() for name, change in e.changes.items()}
            record = {"step": e.step, "epoch": e.epoch, "loss": e.loss, "rate": e.rate, "norm": e.norm}
            self.lines.append({**record, "params": params})

        def epoch_ended(self, e: EpochEvent) -> None:
            assert e.validation is not None
            validation = dict(e.validation)
            self.lines.append({"step": e.step, "epoch": e.epoch, "mean_loss": e.loss, "validation": validation})

    settings = replace(STEPS, batch_size=7, validation="0.2")
    trained("layer", settings, "--metrics", "m.jsonl")
    records = Records()
    fit(cgcli.load("layer.cg"), {}, examples("layer"), settings, callbacks=[records])
    assert records.lines == [json.loads(line) for line in Path("m.jsonl").read_text(encoding="utf-8").splitlines()]


def test_checkpoints_and_metrics_from_python() -> None:
    """A run with files, resumed; the metrics are continued."""

    def run(settings: FitSettings, resume: str | None, warnings: list[Diagnostic]) -> None:
        files_of_run = run_files("w.safetensors", keep=3, resume=resume, metrics="m.jsonl", report=warnings.extend)
        with files_of_run as files:
            if files.checkpoint is not None:
                settings = resumed_settings(settings, files.checkpoint)
            fitting = prepare_fit(cgcli.load("line.cg"), {}, examples("line"), settings)
            assert isinstance(fitting, StepFitting)
            fitting.fit([MetricsLog(files), fitting.checkpoints(files, every=2)], files.checkpoint)

    warnings: list[Diagnostic] = []
    run(STEPS, None, warnings)
    assert [read_checkpoint(f"w{k}.safetensors").info["state"]["step"] for k in ("", ".1", ".2")] == [3, 2, 0]
    Path("w.safetensors").write_bytes(Path("w.safetensors").read_bytes()[:-1])
    run(FitSettings(epochs=5), "w.safetensors", warnings)
    assert [d.code for d in warnings] == ["checkpoint-damaged", "checkpoint-before"]
    lines = [json.loads(line) for line in Path("m.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["step"] for line in lines if "rate" in line] == [1, 2, 3, 4, 5]
    whole = fit(cgcli.load("line.cg"), {}, examples("line"), replace(STEPS, epochs=5))
    assert tensors(load_file("w.safetensors")) == tensors(whole.tensors)


def test_what_is_saved_predicts_and_replaces_only_checkpoints() -> None:
    fitted = fit(cgcli.load("line.cg"), {}, examples("line"), FitSettings(residual="off"))
    fitted.save("w.safetensors")
    fitted.save("w.safetensors")
    result = cg("eval", "line.cg", "--weights", "w.safetensors", "--x=1", "--y=0", "--format=json")
    assert json.loads(result.out)["off"] == fitted.params["a"] + fitted.params["b"]
    Path("mine.safetensors").write_text("mine", encoding="utf-8")
    assert refused(lambda: fitted.save("mine.safetensors")) == (2, "target-foreign")
    assert refused(lambda: fitted.save("w.txt")) == (2, "bad-target-kind")


# ---- settings


STORED = {
    "loss": "loss",
    "residual": None,
    "optimizer": "adamw",
    "lr": 0.05,
    "schedule": "cosine",
    "warmup": None,
    "clip": 1.0,
    "weight-decay": [["W*", 0.01], ["*", 0.5]],
    "freeze": ["b*"],
    "batch-size": 7,
    "epochs": 12,
    "steps": None,
    "no-shuffle": True,
    "validation": "0.2",
    "patience": 50,
    "reduce": "sum",
    "seed": 3,
    "horizon": 84,
}


def test_the_form_in_a_checkpoint_stays() -> None:
    """As cg 0.1 wrote it."""
    settings = FitSettings(
        loss="loss",
        optimizer="adamw",
        lr=0.05,
        schedule="cosine",
        clip=1.0,
        weight_decay=[("W*", 0.01), ("*", 0.5)],
        freeze=["b*"],
        batch_size=7,
        epochs=12,
        shuffle=False,
        validation=0.2,
        patience=50,
        reduce="sum",
        seed=3,
        horizon=84,
        seconds=9.0,
    )
    assert json.loads(json.dumps(settings.stored())) == STORED
    checkpoint = Checkpoint("w.safetensors", {}, {"settings": STORED}, "", own=True)
    resumed = resumed_settings(FitSettings(seconds=9.0), checkpoint)
    assert resumed == replace(settings, validation="0.2")
    assert resumed.stored() == STORED
    assert resumed_settings(resumed, checkpoint) == resumed


def test_only_limits_may_change() -> None:
    checkpoint = Checkpoint("w.safetensors", {}, {"settings": STORED}, "", own=True)
    resumed = resumed_settings(FitSettings(steps=500), checkpoint)
    assert (resumed.epochs, resumed.steps, resumed.horizon) == (None, 500, 84)
    for settings in (FitSettings(lr=0.1), FitSettings(freeze=["c"]), FitSettings(weight_decay=[("*", 0.5)])):
        assert refused(lambda settings=settings: resumed_settings(settings, checkpoint)) == (2, "resume-differs")
    foreign = replace(checkpoint, info={})
    assert refused(lambda: resumed_settings(FitSettings(), foreign)) == (1, "checkpoint-foreign")


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        (FitSettings(), "needs-loss"),
        (FitSettings(loss="loss", optimizer="adm"), "bad-choice"),
        (FitSettings(loss="loss", schedule="cos"), "bad-choice"),
        (FitSettings(loss="loss", reduce=cast("Any", "max")), "bad-choice"),
        (FitSettings(loss="loss", epochs=0), "bad-count"),
        (FitSettings(loss="loss", epochs=cast("Any", "3")), "bad-count"),
        (FitSettings(loss="loss", steps=cast("Any", 2.5)), "bad-count"),
        (FitSettings(loss="loss", batch_size=0), "bad-count"),
        (FitSettings(loss="loss", warmup=-1), "bad-count"),
        (FitSettings(loss="loss", lr=-0.1), "bad-positive"),
        (FitSettings(loss="loss", lr=math.nan), "bad-positive"),
        (FitSettings(loss="loss", clip=math.inf), "bad-positive"),
        (FitSettings(loss="loss", residual="off"), "options-exclude"),
        (FitSettings(loss="los"), "unknown-output"),
        (FitSettings(residual="off", optimizer="adam"), "residual-and-lm"),
        (FitSettings(residual="off", lr=0.1), "option-of-batches"),
        (FitSettings(loss="loss", patience=2), "needs-validation"),
        (FitSettings(loss="loss", validation=1.5), "bad-share"),
        (FitSettings(loss="loss", validation="a table that nobody hands over"), "bad-share"),
        (FitSettings(loss="loss", schedule="linear", seconds=1.0), "endless-schedule"),
        (FitSettings(loss="loss", freeze=["q*"]), "no-such-param"),
        (FitSettings(loss="loss", freeze=["?"]), "nothing-to-train"),
        (FitSettings(loss="loss", weight_decay=[("q", 1.0)]), "no-such-param"),
    ],
)
def test_mistakes(settings: FitSettings, code: str) -> None:
    assert refused(lambda: fit(cgcli.load("line.cg"), {}, examples("line"), settings)) == (2, code)


def test_inputs_without_a_value() -> None:
    program, settings = cgcli.load("line.cg"), FitSettings(loss="loss")
    assert refused(lambda: fit(program, {"x": 1.0}, Examples({}, 0), settings)) == (2, "needs-table")
    assert refused(lambda: fit(program, {}, Examples({"x": np.ones(3)}, 3), settings)) == (2, "missing-inputs")


def test_another_program_other_data_and_solvers_are_not_resumed() -> None:
    program, settings = cgcli.load("line.cg"), FitSettings()
    fit(program, {}, examples("line"), STEPS).save("w.safetensors")
    checkpoint = read_checkpoint("w.safetensors")
    other = cgcli.parse(LINE.replace("^2", "^4"))
    assert refused(lambda: fit(other, {}, examples("line"), settings, checkpoint=checkpoint)) == (1, "checkpoint-graph")
    part = examples("line").between(0, 9)
    assert refused(lambda: fit(program, {}, part, settings, checkpoint=checkpoint)) == (1, "checkpoint-data")
    assert refused(lambda: fit(program, {"a": 1.0}, part, settings, checkpoint=checkpoint)) == (2, "resume-param")
    fit(program, {}, examples("line"), FitSettings(residual="off")).save("fit.safetensors")
    solved = read_checkpoint("fit.safetensors")
    assert solved.info["settings"]["optimizer"] == "lm"
    with pytest.raises(CgError):
        fit(program, {}, examples("line"), settings, checkpoint=solved)


def refused(call: Any) -> tuple[int, str]:
    """The status of the error, and its code."""
    with pytest.raises(CgError) as raised:
        call()
    return raised.value.status, raised.value.diagnostics[0].code
