"""`--shards`: a step adds the gradients of pieces of its batch in a fixed order."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_harness import cg
from safetensors.numpy import load_file

import cgcli
from cgcli.diagnostics.diagnostic import CgError
from cgcli.program.examples import Examples
from cgcli.program.fit_settings import FitSettings
from cgcli.program.fitting import StepFitting, prepare_fit
from cgcli.program.shards import cut
from cgcli.run.native import blas
from cgcli.train.batches import permutation
from cgcli.train.trainer import Callback

pytestmark = pytest.mark.portable

ROW = """
input x: float[2]
input y: float
param W: float[2, 3] = normal(0, 0.5)
param v: float[3] = normal(0, 0.5)
param b: float = 0.25
loss = (tanh(x @ W) @ v + b - y)^2
output loss
"""
BATCH = """
input x: float[n, 2]
input y: float[n]
param W: float[2, 3] = normal(0, 0.5)
param v: float[3] = normal(0, 0.5)
param b: float = 0.25
loss = mean((tanh(x @ W) @ v + b - y)^2)
output loss
"""
NOISY = """
input x: float[n, 2]
input training: bool = false
input step: int = 0
param w: float[2] = 1
shaken = w + normal(0, 1, shape=[2], seed=step)
loss = mean(dropout(x, 0.5) @ shaken)
output loss
"""
RNG = np.random.default_rng(28)
TABLE = {"x": RNG.normal(size=(23, 2)), "y": RNG.normal(size=23)}
RATE = 0.05


def fitting_of(
    text: str, table: Mapping[str, Any], *, together: bool = False, mode: str = "static", **settings: Any
) -> Any:
    program = cgcli.parse(text, mode=mode)
    examples = Examples(dict(table), len(table["x"]), together)
    fitting = prepare_fit(program, {}, examples, FitSettings(loss="loss", **settings))
    assert isinstance(fitting, StepFitting)
    return fitting


# ---- the numbers


@pytest.mark.parametrize("rows", range(1, 12))
@pytest.mark.parametrize("shards", [1, 2, 3, 5, 11])
def test_pieces_are_in_order_and_as_even_as_possible(rows: int, shards: int) -> None:
    order = RNG.permutation(rows)
    pieces = cut(order, shards)
    sizes = [len(piece) for piece in pieces]
    assert np.concatenate(pieces).tolist() == order.tolist()
    assert len(pieces) == min(rows, shards)
    assert 1 <= min(sizes) <= max(sizes) <= min(sizes) + 1
    assert sizes == sorted(sizes, reverse=True)


def mean_gradient(x: Any, y: Any, W: Any, v: Any, b: Any) -> tuple[float, list[Any]]:  # noqa: N803 - a matrix
    """The loss of some rows and its derivatives, written out."""
    h = np.tanh(x @ W)
    off = h @ v + b - y
    slope = 2 * off / len(y)
    return float(np.mean(off**2)), [x.T @ (slope[:, None] * v * (1 - h**2)), h.T @ slope, slope.sum()]


def by_numpy(params: list[Any], shards: int, size: int, steps: int, reduce: str) -> tuple[list[float], list[Any]]:
    """Gradient descent over shards: the losses of the steps, and the parameters."""
    losses = []
    for step in range(steps):
        epoch, k = divmod(step, -(-23 // size))
        batch = permutation(0, epoch, 23)[k * size : (k + 1) * size]
        loss, total = 0.0, [np.zeros_like(p) for p in params]
        for rows in np.array_split(batch, min(shards, len(batch))):
            weight = len(rows) if reduce == "sum" else len(rows) / len(batch)
            part_loss, part = mean_gradient(TABLE["x"][rows], TABLE["y"][rows], *params)
            loss, total = loss + part_loss * weight, [t + g * weight for t, g in zip(total, part, strict=True)]
        losses.append(loss)
        params = [p - RATE * g for p, g in zip(params, total, strict=True)]
    return losses, params


@pytest.mark.parametrize("shards", [1, 2, 3, 5])
@pytest.mark.parametrize(
    ("text", "mode", "reduce"),
    [
        (ROW, "static", "mean"),
        (ROW, "static", "sum"),
        (ROW, "dynamic", "mean"),
        (ROW, "dynamic", "sum"),
        (BATCH, "static", "mean"),
        (BATCH, "dynamic", "mean"),
    ],
)
def test_a_step_adds_the_gradients_of_its_shards(shards: int, text: str, mode: str, reduce: str) -> None:
    """The last batch of an epoch has 3 rows, fewer than the largest number of shards."""
    options = {"optimizer": "sgd", "lr": RATE, "batch_size": 4, "steps": 9, "reduce": reduce, "shards": shards}
    fitting = fitting_of(text, TABLE, together=text == BATCH, mode=mode, **options)
    trainer = fitting.trainer()
    start = [trainer.state.params[name] for name in ("W", "v", "b")]
    losses: list[float] = []

    class Losses(Callback):
        def stepped(self, event: Any) -> None:
            losses.append(event.loss)

    end = trainer.fit([Losses()])
    expected, params = by_numpy(start, shards, 4, 9, reduce)
    np.testing.assert_allclose(losses, expected, rtol=1e-12)
    for name, p in zip(("W", "v", "b"), params, strict=True):
        np.testing.assert_allclose(end.params[name], p, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("text", [ROW, BATCH], ids=["row", "batch"])
def test_bits_depend_neither_on_threads_nor_on_the_layout_in_memory(text: str) -> None:
    """Products of matrices do, so a shard is computed on one thread, of arrays in one layout."""
    wide = text.replace("float[2]", "float[300]").replace("n, 2", "n, 300").replace("[2, 3]", "[300, 70]")
    text = wide.replace("float[3]", "float[70]").replace("+ b - y", "+ b * sum(tanh(x)) - y")
    x, y = RNG.normal(size=(90, 300)), RNG.normal(size=90)
    shaken = np.empty(x.nbytes + 1, dtype=np.uint8)[1:].view(x.dtype).reshape(x.shape)  # not aligned
    shaken[:] = x
    ends = []
    for threads, columns in (
        (1, x),
        (2, x),
        (2, np.asfortranarray(x)),
        (2, np.repeat(x, 2, axis=1)[:, ::2]),
        (2, shaken),
    ):
        functions = blas.blas().threads
        before = None if functions is None else functions[0]()
        try:
            if functions is not None:
                functions[1](threads)
            options = {"shards": 2, "batch_size": 60, "steps": 4}
            fitting = fitting_of(text, {"x": columns, "y": y}, together="n, 300" in text, **options)
            ends.append({name: p.tobytes() for name, p in fitting.trainer().fit().params.items()})
        finally:
            if functions is not None:
                functions[1](before)
    assert all(end == ends[0] for end in ends)


def test_a_start_in_another_layout() -> None:
    x, y = RNG.normal(size=(90, 40)), RNG.normal(size=90)
    text = BATCH.replace("n, 2", "n, 40").replace("[2, 3]", "[40, 30]").replace("float[3]", "float[30]")
    text = text.replace("input y", "input c: float[30, 30]\ninput y").replace("x @ W", "x @ W @ c")
    text = text.replace("+ b - y", "+ b * sum(tanh(c)) - y")
    start = RNG.normal(size=(40, 30))
    ends = []
    for w in (start, np.asfortranarray(start), np.repeat(start, 2, axis=1)[:, ::2]):
        constants = {"W": w, "c": w[:30]}
        fitted = cgcli.parse(text).fit({"x": x, "y": y}, constants, loss="loss", shards=3, steps=3)
        ends.append(fitted.params["W"].tobytes())
    assert ends[0] == ends[1] == ends[2]


def test_matrices_in_another_layout() -> None:
    x = RNG.normal(size=(23, 30, 40))
    text = "input x: float[n, 30, 40]; param b = 0.5; loss = b^2 * sum(sin(sum(x, axis=-1)))"
    tables = [{"x": x}, {"x": np.asfortranarray(x)}]
    settings = {"together": True, "shards": 3, "steps": 3, "optimizer": "sgd"}
    ends = [fitting_of(text, table, **settings).trainer().fit().params["b"] for table in tables]
    assert ends[0] == ends[1]


def test_parameters_of_single_precision() -> None:
    text = ROW.replace("param W: float[2, 3] = normal(0, 0.5)", "param W: f32[2, 3] = 0.5")
    text = text.replace("param b: float", "param b: f32")
    whole, pieces = (fitting_of(text, TABLE, steps=6, shards=shards).trainer().fit().params for shards in (None, 4))
    for name, dtype in (("W", "float32"), ("b", "float32"), ("v", "float64")):
        assert pieces[name].dtype == dtype
        np.testing.assert_allclose(pieces[name], whole[name], rtol=1e-5)


# ---- random numbers


def gradient(fitting: StepFitting, number: int, step: int = 1) -> Any:
    """The gradient by `w` of a shard whose rows are all the same."""
    params = fitting.trainer().state.params
    return fitting.problem.shard(params, step, np.arange(64), number)[1]["w"]


def test_rows_have_random_numbers_of_their_own_in_each_shard() -> None:
    table = {"x": np.ones((128, 2))}
    fitting = fitting_of(NOISY, table, together=True, shards=2)
    shards = [gradient(fitting, number) for number in (0, 1, 2)]
    assert len({tuple(g) for g in shards}) == 3
    assert all(np.all((g > 0.5) & (g < 1.5)) for g in shards)
    whole = fitting_of(NOISY, table, together=True)
    params = whole.trainer().state.params
    assert np.array_equal(shards[0], whole.problem.gradients(params, np.arange(64), 1)[1]["w"])
    assert np.array_equal(shards[1], gradient(fitting, 1))
    assert not np.array_equal(shards[1], gradient(fitting, 1, step=2))


def test_what_all_rows_share_is_drawn_once_a_step() -> None:
    text = NOISY.replace("dropout(x, 0.5) @ shaken", "(x @ shaken)^2")
    fitting = fitting_of(text, {"x": np.ones((128, 2))}, together=True, shards=2)
    assert np.array_equal(gradient(fitting, 0), gradient(fitting, 1))
    assert not np.array_equal(gradient(fitting, 0), gradient(fitting, 0, step=2))


def test_draws_within_loops_and_branches() -> None:
    text = """
input x: float[n]
input training: bool = false
input step: int = 0
param w = 1.0
s = 0 * x
for k in 0..3 {
    if k > 0 {
        s = s + uniform(0, 1, shape=[n], seed=step + k)
    }
}
loss = w * mean(s)
"""
    fitting = fitting_of(text, {"x": np.ones(128)}, together=True, shards=2)
    assert gradient(fitting, 0) != gradient(fitting, 1)


def test_draws_of_a_program_for_one_row() -> None:
    """The rows of a batch share them, those of its shards do, too."""
    text = "input x: float[2]; input step: int = 0; param w = 1; loss = (w * x @ normal(0, 1, shape=[2], seed=step))^2"
    table = {"x": TABLE["x"]}
    whole, pieces = (fitting_of(text, table, steps=5, shards=shards).trainer().fit().params for shards in (None, 3))
    np.testing.assert_allclose(pieces["w"], whole["w"], rtol=1e-12)


def test_a_dynamic_program_that_draws_for_many_rows_at_once() -> None:
    with pytest.raises(CgError, match="each would draw the same"):
        fitting_of(NOISY, {"x": np.ones((128, 2))}, together=True, mode="dynamic", shards=2).fit()


# ---- the command


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("row.cg").write_text(ROW, encoding="utf-8")
    Path("batch.cg").write_text(BATCH, encoding="utf-8")
    np.savez("t.npz", **TABLE)
    return tmp_path


def train(*args: str, program: str = "batch.cg", status: int = 0) -> str:
    result = cg("train", program, "--loss", "loss", *args)
    assert result.status == status, result.err
    return result.err if status else result.out


def state_of(path: str) -> tuple[dict[str, bytes], Any]:
    """The tensors of a checkpoint, and what it says but for the time and the identity of the run."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    info = json.loads(header["__metadata__"]["info"])
    del info["state"]["seconds"], info["run"]
    return {name: x.tobytes() for name, x in load_file(path).items()}, info


@pytest.mark.parametrize("program", ["row.cg", "batch.cg"])
def test_a_resumed_run_is_the_same_run(folder: Path, program: str) -> None:
    options = ["--data", "t.npz", "--shards", "3", "--batch-size", "8", "--clip", "1"]
    for name, steps in (("whole", "11"), ("part", "4")):
        train(*options, "--steps", steps, "--save", f"{name}.safetensors", program=program)
    data = ["--data", "t.npz", "--steps", "11", "--resume", "part.safetensors"]
    train(*data, program=program)
    (tensors, info), (others, other) = state_of("whole.safetensors"), state_of("part.safetensors")
    assert tensors == others
    assert info["state"] == other["state"]
    assert info["settings"]["shards"] == other["settings"]["shards"] == 3


def test_the_number_of_shards_stays_that_of_the_checkpoint(folder: Path) -> None:
    for name, options in (("a", ["--shards", "3"]), ("b", [])):
        train("--data", "t.npz", *options, "--steps", "4", "--save", f"{name}.safetensors")
    resumed = ["--data", "t.npz", "--steps", "8", "--shards", "2", "--resume"]
    assert "`--shards` was 3 when this training began, and is 2 now" in train(*resumed, "a.safetensors", status=2)
    assert "`--shards` was not given when" in train(*resumed, "b.safetensors", status=2)
    assert "shards" not in state_of("b.safetensors")[1]["settings"]


def test_where_there_are_no_shards(folder: Path) -> None:
    for args, words in [
        (["--optimizer", "lbfgs", "--data", "t.npz"], "`--shards` means nothing to `--optimizer lbfgs`"),
        ([], "`--shards` means something for tables only"),
    ]:
        assert words in train("--shards", "2", *args, status=2)
    assert "--shards" in train("--shards", "0", "--data", "t.npz", status=2)


def test_the_picture_of_a_step_says_that_it_is_that_of_a_shard(folder: Path) -> None:
    result = cg("train", "batch.cg", "--loss", "loss", *"--data t.npz --shards 3 --steps 1 --draw step.svg".split())
    assert "note: step.svg shows the step of one shard" in result.err
    assert "by one of its 3 shards" in Path("step.svg").read_text(encoding="utf-8")


def test_a_sweep_of_trainings_has_shards(folder: Path) -> None:
    options = ["--loss", "loss", "--shards", "3", "--steps", "4", "--format", "json"]
    swept = cg("sweep", "batch.cg", "--train", "--data", "t.npz", *options, "--lr", "0.1,0.2")
    assert swept.status == 0, swept.err
    alone = json.loads(train("--data", "t.npz", *options[2:], "--lr", "0.2"))
    assert alone["loss"] in [row["loss"] for row in map(json.loads, swept.out.splitlines())]


def test_digits_are_learnt_in_shards(folder: Path) -> None:
    """The sample draws for dropout, and its accuracy is that of one graph, or nearly."""
    samples = Path(__file__).parents[1] / "samples"
    options = ["--data", str(samples / "digits_train.npz"), "--epochs", "2", "--lr", "0.005", "--format", "json"]
    program = str(samples / "digits_mlp.cg")
    losses = [json.loads(train(*options, *more, program=program))["loss"] for more in ([], ["--shards", "4"])]
    assert losses[0] != losses[1]
    assert max(losses) < 0.5
    assert losses[1] == pytest.approx(losses[0], rel=0.2)


def test_a_row_that_fails_is_that_of_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not that of its shard, nor of the rows that are run at a time."""
    text = ROW.replace("loss =", "assert y < 5\nloss =")
    table = {**TABLE, "y": np.where(np.arange(23) == 17, 9.0, 0.0)}
    for most in (65_536, 3):
        monkeypatch.setattr("cgcli.program.training.MOST_ROWS", most)
        for shards in (None, 1, 4):
            with pytest.raises(CgError, match="in row 17 of the batch"):
                cgcli.parse(text).fit(table, loss="loss", shards=shards, steps=1, shuffle=False)
