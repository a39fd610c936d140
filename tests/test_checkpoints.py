"""Checkpoints survive anything: kills, signals, full disks, flipped bits; and a resumed run is the same run."""

from __future__ import annotations

import json
import os
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import numpy as np
import pytest
from cli_harness import cg, process
from safetensors.numpy import load_file

from cgcli.data.checkpoints import newest, predecessors, read_checkpoint, write_checkpoint
from cgcli.diagnostics.diagnostic import CgError

NET = """
input x: float[n, 2]
input y: float[n]
input training: bool = false
input step: int = 0
param W: float[2, 8] = normal(0, 0.5)
param b: float[8] = 0
param v: float[8] = normal(0, 0.5)
h = tanh(x @ W + b)
h2 = dropout(h, 0.1)
guess = h2 @ v
loss = mean((guess - y)^2)
output loss
"""
OPTIONS = "--data d.npz --loss loss --lr 0.05 --batch-size 7 --clip 1 --schedule cosine --warmup 5".split()
SAVED = [*OPTIONS, "--validation", "0.2", "--epochs", "12", "--every", "2"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("net.cg").write_text(NET, encoding="utf-8")
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, 2))
    np.savez("d.npz", x=x, y=np.sin(x[:, 0]) * x[:, 1])
    return tmp_path


def train(*arguments: str) -> str:
    result = cg("train", "net.cg", *arguments)
    assert result.status == 0, result.err
    return result.out


def same_state(first: str, second: str) -> None:
    """All tensors bit for bit, and all that is said of the state but the time that it took."""
    a, b = load_file(first), load_file(second)
    assert {n: x.tobytes() for n, x in a.items()} == {n: x.tobytes() for n, x in b.items()}
    states = [read_checkpoint(path).info["state"] for path in (first, second)]
    for state in states:
        del state["seconds"]
    assert states[0] == states[1]


# ---- going on


@pytest.mark.parametrize(
    "optimizer", ["sgd", "adam", *(pytest.param(each, marks=pytest.mark.thorough) for each in ("momentum", "lion"))]
)
def test_a_resumed_run_is_the_same_run(optimizer: str) -> None:
    """Stopped within an epoch, at its end and right behind; metrics too."""
    options = [*OPTIONS, "--validation", "0.2", "--optimizer", optimizer, "--patience", "50"]
    train(*options, "--steps", "40", "--save", "whole.safetensors", "--metrics", "whole.jsonl")
    # the schedule is laid out for all 40 steps: it ends early by a limit that does not say so
    saving = ["--save", "w.safetensors", "--every", "1", "--keep", "60"]
    train(*options, "--steps", "40", *saving, "--metrics", "w.jsonl")
    at = {read_checkpoint(path).info["state"]["step"]: path for path in predecessors("w.safetensors")}
    for stop in (1, 6, 7, 8, 23):
        os.replace(at[stop], "part.safetensors")
        shutil.copy("w.jsonl", "part.jsonl")
        train("--data", "d.npz", "--resume", "part.safetensors", "--metrics", "part.jsonl")
        same_state("whole.safetensors", "part.safetensors")
        assert Path("part.jsonl").read_bytes() == Path("whole.jsonl").read_bytes()


def test_more_epochs_than_before() -> None:
    options = ["--data", "d.npz", "--loss", "loss", "--batch-size", "16"]
    train(*options, "--epochs", "5", "--save", "whole.safetensors")
    train(*options, "--epochs", "2", "--save", "w.safetensors")
    train("--data", "d.npz", "--resume", "w.safetensors", "--epochs", "5")
    same_state("whole.safetensors", "w.safetensors")


def killed(seconds: float, *arguments: str) -> int:
    """Runs the training, kills it after so many seconds; its status, -9 when it was killed."""
    run = subprocess.Popen(
        [sys.executable, "-m", "cgcli", "train", "net.cg", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        run.wait(seconds)
    except subprocess.TimeoutExpired:
        run.kill()
    return run.wait()


def kills(count: int, seed: int) -> None:
    begun = time.monotonic()
    train(*SAVED, "--save", "whole.safetensors")
    assert killed(100, *SAVED, "--save", "w.safetensors") == 0
    long = time.monotonic() - begun
    rng = Random(seed)
    done = 0
    while done < count:
        for path in Path().glob("w.*"):
            path.unlink()
        status = killed(rng.uniform(0.2, long), *SAVED, "--save", "w.safetensors")
        while status != 0:
            assert status == -signal.SIGKILL
            done += 1
            again = ["--data", "d.npz", "--resume", "w.safetensors", "--every", "2"]
            new = [*SAVED, "--save", "w.safetensors"]
            status = killed(rng.uniform(0.2, long), *(again if os.path.exists("w.safetensors") else new))
        same_state("whole.safetensors", "w.safetensors")


def test_killed_at_any_moment() -> None:
    kills(2, 1)


@pytest.mark.thorough
def test_killed_a_few_hundred_times() -> None:
    kills(300, 2)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_step_saves_and_says_how_to_go_on(number: int) -> None:
    options = [*OPTIONS, "--epochs", "100000", "--save", "w.safetensors"]
    run = subprocess.Popen(
        [sys.executable, "-m", "cgcli", "train", "net.cg", *options, "--metrics", "m.jsonl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 60
    while (not os.path.exists("m.jsonl") or os.path.getsize("m.jsonl") < 2000) and time.monotonic() < until:
        time.sleep(0.02)
    run.send_signal(number)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 130, err
    assert "stopped after step" in err
    assert out.startswith("loss = ")
    line = next(text.removeprefix("go on with: ") for text in err.splitlines() if text.startswith("go on with: "))
    step = read_checkpoint("w.safetensors").info["state"]["step"]
    assert f"stopped after step {step}" in err
    words = shlex.split(line)
    assert words[:2] == ["cg", "train"]
    result = cg(*words[1:], "--epochs", "100000", "--time", "0.3s")
    assert result.status == 0, result.err
    assert read_checkpoint("w.safetensors").info["state"]["step"] > step


# ---- what others may do to the file


def test_no_flipped_bit_goes_unseen() -> None:
    """A sample of them, in a checkpoint of a training; test_recording.py flips every bit of a small one."""
    train(*OPTIONS, "--steps", "3", "--save", "w.safetensors")
    good = Path("w.safetensors").read_bytes()
    rng = Random(3)
    for _ in range(400):
        place, bit = rng.randrange(len(good)), rng.randrange(8)
        Path("w.safetensors").write_bytes(good[:place] + bytes([good[place] ^ 1 << bit]) + good[place + 1 :])
        with pytest.raises(CgError):
            read_checkpoint("w.safetensors")


def test_no_truncated_file_is_taken() -> None:
    train(*OPTIONS, "--steps", "3", "--save", "w.safetensors")
    good = Path("w.safetensors").read_bytes()
    for size in [0, 1, 7, 8, 9, 100, *range(200, len(good), 97), len(good) - 1]:
        Path("w.safetensors").write_bytes(good[:size])
        with pytest.raises(CgError):
            read_checkpoint("w.safetensors")


@pytest.mark.parametrize("damage", ["flipped", "truncated", "gone"])
def test_the_one_before_steps_in(damage: str) -> None:
    train(*SAVED, "--save", "w.safetensors")
    path = Path("w.safetensors")
    shutil.copy(path, "whole.safetensors")
    good = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(good[:-5] if damage == "truncated" else good[:-5] + b"?" + good[-4:])
    result = cg("train", "net.cg", "--data", "d.npz", "--resume", "w.safetensors")
    assert result.status == 0, result.err
    assert "warning: going on from `w.1.safetensors`, the checkpoint before `w.safetensors`" in result.err
    same_state("whole.safetensors", "w.safetensors")
    assert path.exists()


def test_when_all_are_damaged_the_first_is_told() -> None:
    train(*SAVED, "--save", "w.safetensors", "--keep", "3")
    for path in ["w.safetensors", *predecessors("w.safetensors")]:
        data = Path(path).read_bytes()
        Path(path).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    result = cg("train", "net.cg", "--data", "d.npz", "--resume", "w.safetensors")
    assert result.status == 1
    assert "`w.safetensors` is damaged" in result.err


def test_as_many_are_kept_as_are_asked_for() -> None:
    train(*SAVED, "--save", "w.safetensors", "--keep", "3")
    assert sorted(path.name for path in Path().glob("w*")) == ["w.1.safetensors", "w.2.safetensors", "w.safetensors"]
    steps = [read_checkpoint(path).info["state"]["step"] for path in ["w.safetensors", *predecessors("w.safetensors")]]
    assert steps == sorted(steps, reverse=True)
    train(*SAVED, "--save", "one.safetensors", "--keep", "1")
    assert [path.name for path in Path().glob("one*")] == ["one.safetensors"]


def test_a_full_disk_leaves_what_was_there() -> None:
    train(*OPTIONS, "--steps", "3", "--save", "w.safetensors")
    before = {path.name: path.read_bytes() for path in Path().glob("w*")}
    room = len(before["w.safetensors"]) // 2
    result = process(
        *("train", "net.cg", "--data", "d.npz", "--steps", "9", "--resume", "w.safetensors"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
    )
    assert result.returncode == 1
    assert "`w.safetensors` cannot be written: file too large" in result.stderr
    assert {path.name: path.read_bytes() for path in Path().glob("w*")} == before
    assert not list(Path().glob(".w*"))


def test_a_file_that_is_no_checkpoint() -> None:
    from safetensors.numpy import save_file

    save_file({"W": np.zeros((2, 8))}, "w.safetensors")
    result = cg("train", "net.cg", "--data", "d.npz", "--resume", "w.safetensors")
    assert (result.status, "is no checkpoint of `cg train`" in result.err) == (1, True)


# ---- another program, other data, other settings


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("tanh(x @ W + b)", "relu(x @ W + b)", "where it was `"),
        ("param b: float[8] = 0\n", "param b: float[8] = 0\nparam c: float = 0\n", "there was no c and is float now"),
        ("W: float[2, 8]", "W: float[2, 9]", "W was float[2, 8] and is float[2, 9] now"),
        ("# ", "# ", ""),
    ],
)
def test_another_program(old: str, new: str, said: str) -> None:
    train(*OPTIONS, "--steps", "3", "--save", "w.safetensors")
    text = NET.replace(old, new)
    if "9]" in new:
        text = text.replace("[8]", "[9]")
    Path("net.cg").write_text("# a comment changes nothing\n" + text, encoding="utf-8")
    result = cg("train", "net.cg", "--data", "d.npz", "--resume", "w.safetensors")
    assert result.status == (1 if said else 0), result.err
    assert said in result.err


def test_other_data() -> None:
    train(*OPTIONS, "--steps", "3", "--save", "w.safetensors")
    with np.load("d.npz") as arrays:
        changed = {**arrays}
    changed["y"][5] += 1
    np.savez("d.npz", **changed)
    result = cg("train", "net.cg", "--data", "d.npz", "--resume", "w.safetensors")
    assert result.status == 1
    assert "was made with other data" in result.err


@pytest.mark.parametrize(
    "option", ["--lr 0.1", "--seed 3", "--batch-size 8", "--optimizer sgd", "--loss W", "--no-shuffle"]
)
def test_other_settings(option: str) -> None:
    train(*OPTIONS, "--steps", "3", "--save", "w.safetensors")
    result = cg("train", "net.cg", "--data", "d.npz", "--resume", "w.safetensors", *option.split())
    assert result.status == 2
    assert f"`{option.split()[0]}` was " in result.err


def test_a_parameter_is_not_given_twice() -> None:
    train(*OPTIONS, "--steps", "3", "--save", "w.safetensors")
    result = cg("train", "net.cg", "--data", "d.npz", "--resume", "w.safetensors", "--b", "[0,0,0,0,0,0,0,0]")
    assert (result.status, "`b` comes from the checkpoint" in result.err) == (2, True)


# ---- the file itself


def test_round_trip_of_every_kind_of_tensor() -> None:
    tensors = {
        "f64": np.array([np.pi, -0.0, np.inf, np.nan]),
        "f32": np.float32([[1.5, 2.5]]),
        "int": np.array(2**62),
        "bool": np.array([True, False]),
        "empty": np.zeros((0, 3)),
        "columns first": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    }
    write_checkpoint("t.safetensors", tensors, {"said": ["ü", 1, None]}, keep=2)
    found = read_checkpoint("t.safetensors")
    assert found.own
    assert found.info == {"said": ["ü", 1, None]}
    for name, x in tensors.items():
        assert found.tensors[name].shape == x.shape
        assert found.tensors[name].dtype == x.dtype
        assert found.tensors[name].tobytes() == np.ascontiguousarray(x).tobytes()
    again, problem = newest("t.safetensors")
    assert (again.digest, problem) == (found.digest, None)


def test_a_later_version_is_told() -> None:
    from safetensors.numpy import save_file

    save_file({"W": np.zeros(2)}, "w.safetensors", {"format": "cg checkpoint", "version": "9", "info": "{}"})
    result = cg("weights", "w.safetensors")
    assert (result.status, "of version 9, and this cg knows version 1" in result.err) == (1, True)


def test_hostile_names_are_shown_as_escapes() -> None:
    write_checkpoint("t.safetensors", {"a\x1b[31m": np.zeros(2)}, {"program": "x\u202e.cg"})
    result = cg("weights", "t.safetensors")
    assert "\x1b" not in result.out
    assert "\u202e" not in result.out
    assert json.loads(cg("weights", "t.safetensors", "--format", "json").out)["program"] == "x\u202e.cg"
