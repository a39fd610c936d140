"""Nothing of a training is lost: which files a run writes over, which it refuses, and what a live run holds."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from cli_harness import Result, cg, process
from safetensors.numpy import load_file, save_file

from cgcli.data.checkpoints import earlier, newest, read_checkpoint, write_checkpoint
from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.files.locks import exclusive

OLD = Path(__file__).parent / "data" / "training-0.1"
OPTIONS = ["--data", "line.csv", "--loss", "loss", "--lr", "0.1", "--batch-size", "2"]
WAYS = "take another name, or replace it by `--overwrite`"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("line.cg", "line.csv"):
        shutil.copy(OLD / name, name)
    Path("other.cg").write_text(Path("line.cg").read_text(encoding="utf-8").replace("^2", "^4"), encoding="utf-8")
    return tmp_path


def run(*arguments: str, program: str = "line.cg") -> Result:
    return cg("train", program, *OPTIONS, *arguments)


def trained(*arguments: str) -> None:
    result = run(*arguments)
    assert result.status == 0, result.err


def resumed(file: str, *arguments: str) -> Result:
    return cg("train", "line.cg", "--data", "line.csv", "--resume", file, *arguments)


def files() -> dict[str, bytes]:
    """All that lies in the folder, hidden files too."""
    return {path.name: path.read_bytes() for path in Path().iterdir() if path.is_file()}


def step(file: str) -> int:
    found: int = read_checkpoint(file).info["state"]["step"]
    return found


@contextmanager
def untouched() -> Iterator[None]:
    before = files()
    yield
    assert files() == before


# ---- checkpoints of other runs


@pytest.mark.parametrize("program", ["line.cg", "other.cg"])
@pytest.mark.parametrize("more", [[], ["--optimizer", "lbfgs"], ["--keep", "1"], ["--keep", "5"]])
def test_a_trained_model_is_not_trained_over(program: str, more: list[str]) -> None:
    trained("--steps", "7", "--save", "w.safetensors")
    options = OPTIONS[:4] if "lbfgs" in more else OPTIONS
    with untouched():
        result = cg("train", program, *options, *more, "--save", "w.safetensors")
    assert (result.status, result.out) == (2, "")
    assert "`w.safetensors` is a checkpoint of another run" in result.err
    assert f"go on with that run by `--resume w.safetensors`, {WAYS}" in result.err


def test_a_fit_is_not_fitted_over() -> None:
    fit = ["--data", "line.csv", "--residual", "loss", "--save", "w.safetensors"]
    assert cg("train", "line.cg", *fit).status == 0
    with untouched():
        result = cg("train", "line.cg", *fit)
    assert (result.status, "is a checkpoint of another run" in result.err) == (2, True)
    assert cg("train", "line.cg", *fit, "--overwrite").status == 0


def test_it_is_refused_before_the_program_and_the_table_are_read() -> None:
    trained("--steps", "3", "--save", "w.safetensors", "--metrics", "m.jsonl")
    for target in (["--save", "w.safetensors"], ["--metrics", "m.jsonl"]):
        result = cg("train", "nowhere.cg", "--data", "nowhere.csv", "--loss", "loss", *target)
        assert result.status == 2
        assert "of another run" in result.err


@pytest.mark.parametrize("k", [0, 1, 2])
def test_overwrite_replaces_another_run_and_what_it_kept(k: int) -> None:
    trained("--steps", "9", "--every", "2", "--save", "w.safetensors", "--keep", "3")
    for other in range(3):
        if other != k:
            os.unlink(earlier("w.safetensors", other) if other else "w.safetensors")
    result = run("--steps", "2", "--save", "w.safetensors", "--keep", "3")
    assert result.status == 2
    assert ("the checkpoint before `w.safetensors` is kept under this name" in result.err) == (k > 0)
    trained("--steps", "2", "--save", "w.safetensors", "--keep", "3", "--overwrite")
    assert [step(name) for name in sorted(files()) if name.startswith("w")] == [0, 2]
    assert len({read_checkpoint(name).info["run"] for name in files() if name.startswith("w")}) == 1


def test_a_full_disk_leaves_also_what_was_to_be_overwritten() -> None:
    trained("--steps", "9", "--every", "2", "--save", "w.safetensors")
    with untouched():
        result = process(
            *("train", "line.cg", *OPTIONS, "--steps", "2", "--save", "w.safetensors", "--overwrite"),
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500)),
        )
    assert result.returncode == 1
    assert "`w.safetensors` cannot be written: file too large" in result.stderr


def _foreign(path: Path) -> None:
    save_file({"a": np.array(1.0)}, path, {"format": "pt"})


def _text(path: Path) -> None:
    path.write_text("my thesis", encoding="utf-8")


@pytest.mark.parametrize("write", [_foreign, _text])
@pytest.mark.parametrize("name", ["w.safetensors", "w.1.safetensors"])
@pytest.mark.parametrize("more", [[], ["--overwrite"], ["--optimizer", "lbfgs"]])
def test_a_file_that_is_no_checkpoint_stays_in_any_case(
    write: Callable[[Path], None], name: str, more: list[str]
) -> None:
    write(Path(name))
    with untouched():
        result = cg("train", "line.cg", *OPTIONS[:4], "--save", "w.safetensors", *more)
    assert (result.status, result.out) == (2, "")
    assert f"`{name}` is there already and is no checkpoint of `cg train`" in result.err
    assert "take another name: `--overwrite` replaces checkpoints and metrics alone" in result.err


def test_an_empty_file_stays_until_overwrite_is_said() -> None:
    Path("w.safetensors").touch()
    with untouched():
        result = run("--save", "w.safetensors")
    assert (result.status, "`w.safetensors` is there already, an empty file" in result.err) == (2, True)
    trained("--steps", "2", "--save", "w.safetensors", "--overwrite")
    assert step("w.safetensors") == 2


def test_a_damaged_checkpoint_stays_until_overwrite_is_said() -> None:
    trained("--steps", "2", "--save", "w.safetensors")
    good = Path("w.safetensors").read_bytes()
    for damaged in (good[:-3], good[:-1] + bytes([good[-1] ^ 1])):
        Path("w.safetensors").write_bytes(damaged)
        with untouched():
            result = run("--save", "w.safetensors")
        assert (result.status, "`w.safetensors` is a damaged checkpoint" in result.err) == (2, True)
    trained("--steps", "3", "--save", "w.safetensors", "--overwrite")
    assert step("w.safetensors") == 3


def test_a_file_of_a_later_cg_counts_as_a_checkpoint_of_another_run() -> None:
    save_file({"a": np.zeros(2)}, "w.safetensors", {"format": "cg checkpoint", "version": "9", "info": "{}"})
    with untouched():
        result = run("--save", "w.safetensors")
        assert (result.status, "a checkpoint of another run" in result.err) == (2, True)
        assert resumed("w.safetensors").status == 1


def test_a_link_to_a_checkpoint_is_that_checkpoint() -> None:
    trained("--steps", "2", "--save", "w.safetensors")
    Path("link.safetensors").symlink_to("w.safetensors")
    with untouched():
        result = run("--save", "link.safetensors")
    assert (result.status, "`link.safetensors` is a checkpoint of another run" in result.err) == (2, True)


@pytest.mark.parametrize("option", [["--overwrite"], ["--keep", "3"]])
def test_options_about_files_need_a_file(option: list[str]) -> None:
    result = run(*option)
    assert (result.status, f"`{option[0]}` is about checkpoints" in result.err) == (2, True)


# ---- going on


def test_a_run_that_goes_on_is_the_same_run() -> None:
    trained("--steps", "4", "--save", "w.safetensors")
    first = read_checkpoint("w.safetensors").info["run"]
    assert resumed("w.safetensors", "--steps", "6").status == 0
    assert resumed("w.safetensors", "--steps", "8", "--save", "w.safetensors").status == 0
    assert [step(path) for path in ("w.safetensors", "w.1.safetensors")] == [8, 6]
    assert resumed("w.safetensors", "--steps", "9", "--save", "new.safetensors").status == 0
    assert read_checkpoint("new.safetensors").info["run"] == first
    about = json.loads(cg("weights", "new.safetensors", "--format", "json").out)
    assert about["run"] == first
    # a copy that is behind is what any predecessor is
    assert resumed("new.safetensors", "--steps", "10", "--save", "w.safetensors").status == 0
    assert [step(path) for path in ("w.safetensors", "w.1.safetensors")] == [10, 8]


@pytest.mark.parametrize("name", ["./w.safetensors", "link.safetensors"])
def test_another_name_of_the_file_goes_on_in_it_too(name: str) -> None:
    Path("link.safetensors").symlink_to("w.safetensors")
    trained("--steps", "4", "--save", "w.safetensors")
    assert resumed(name, "--steps", "6", "--save", "w.safetensors").status == 0
    assert [step(path) for path in ("w.safetensors", "w.1.safetensors")] == [6, 4]


def test_two_runs_are_never_the_same() -> None:
    for name in ("w.safetensors", "v.safetensors"):
        trained("--steps", "2", "--save", name)
    assert read_checkpoint("w.safetensors").info["run"] != read_checkpoint("v.safetensors").info["run"]
    with untouched():
        result = resumed("v.safetensors", "--steps", "9", "--save", "w.safetensors")
    assert (result.status, "`w.safetensors` is a checkpoint of another run" in result.err) == (2, True)
    assert resumed("v.safetensors", "--steps", "9", "--save", "w.safetensors", "--overwrite").status == 0
    assert step("w.safetensors") == 9


def test_an_earlier_checkpoint_does_not_replace_a_later_one() -> None:
    trained("--steps", "8", "--every", "3", "--save", "w.safetensors")
    assert [step(path) for path in ("w.safetensors", "w.1.safetensors")] == [8, 6]
    with untouched():
        result = resumed("w.1.safetensors", "--save", "w.safetensors")
    assert result.status == 2
    assert "`w.safetensors` is 8 steps into this run, and what goes on from step 6 would replace it" in result.err
    assert f"go on from there by `--resume w.safetensors`, {WAYS}" in result.err
    assert (
        resumed("w.1.safetensors", "--save", "w.safetensors", "--overwrite", "--keep", "1", "--steps", "7").status == 0
    )
    assert [step(path) for path in ("w.safetensors", "w.1.safetensors")] == [7, 6]


def test_a_missing_checkpoint_between_others_hides_none() -> None:
    trained("--steps", "9", "--every", "2", "--save", "w.safetensors", "--keep", "4")
    os.unlink("w.1.safetensors")
    good = Path("w.safetensors").read_bytes()
    Path("w.safetensors").write_bytes(good[:-3])
    assert newest("w.safetensors")[0].path == "w.2.safetensors"
    result = resumed("w.safetensors", "--keep", "4")
    assert result.status == 0, result.err
    assert "going on from `w.2.safetensors`" in result.err
    assert step("w.safetensors") == 9


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "a few bytes", "gone"])
def test_a_damaged_checkpoint_does_not_take_the_place_of_a_good_one(damage: str) -> None:
    trained("--steps", "8", "--every", "3", "--save", "w.safetensors")
    path = Path("w.safetensors")
    good = path.read_bytes()
    path.write_bytes(
        {"cut": good[:-3], "flipped": good[:-1] + bytes([good[-1] ^ 1]), "a few bytes": good[:12]}.get(damage, b"")
    )
    if damage == "gone":
        path.unlink()
    kept = Path("w.1.safetensors").read_bytes()
    result = resumed("w.safetensors")
    assert result.status == 0, result.err
    assert step("w.safetensors") == 8
    assert Path("w.1.safetensors").read_bytes() == kept


def test_a_whole_file_of_somebody_else_is_not_taken_for_a_damaged_one() -> None:
    trained("--steps", "8", "--every", "3", "--save", "w.safetensors")
    _foreign(Path("w.safetensors"))
    with untouched():
        result = resumed("w.safetensors")
    assert (result.status, "is no checkpoint of `cg train`" in result.err) == (1, True)


# ---- checkpoints of cg 0.1


def test_a_checkpoint_of_the_first_version_is_read_resumed_and_predicted_with() -> None:
    for name in ("w.safetensors", "w.1.safetensors", "m.jsonl"):
        shutil.copy(OLD / name, name)
    assert "run" not in read_checkpoint("w.1.safetensors").info
    shutil.copy("w.1.safetensors", "part.safetensors")
    result = resumed("part.safetensors", "--metrics", "m.jsonl")
    assert result.status == 0, result.err
    assert (step("part.safetensors"), step("part.1.safetensors")) == (5, 4)
    goal = load_file(OLD / "w.safetensors")
    assert {n: x.tolist() for n, x in load_file("part.safetensors").items()} == {
        n: pytest.approx(x.tolist(), rel=1e-12) for n, x in goal.items()
    }
    lines, old = (Path(path).read_text(encoding="utf-8").splitlines() for path in ("m.jsonl", OLD / "m.jsonl"))
    assert [json.loads(line)["step"] for line in lines] == [json.loads(line)["step"] for line in old]
    predicted = cg("predict", "line.cg", "--weights", "w.safetensors", "--data", "line.csv", "--output", "guess")
    assert predicted.status == 0, predicted.err
    assert float(predicted.out.splitlines()[1]) == pytest.approx(float(goal["b"]))


def test_checkpoints_of_the_first_version_are_rotated_as_ever_and_are_no_other_run() -> None:
    for name in ("w.safetensors", "w.1.safetensors"):
        shutil.copy(OLD / name, name)
    assert resumed("w.safetensors", "--steps", "7").status == 0
    assert [step(path) for path in ("w.safetensors", "w.1.safetensors")] == [7, 5]
    with untouched():
        assert run("--save", "w.safetensors").status == 2
    shutil.copy(OLD / "w.safetensors", "w.safetensors")
    with untouched():
        assert run("--save", "w.safetensors").status == 2


# ---- damage


def small() -> bytes:
    write_checkpoint("w.safetensors", {"a": np.array([1.5, -2.0])}, {"run": "r"})
    return Path("w.safetensors").read_bytes()


def test_no_single_flipped_bit_makes_another_file_of_a_checkpoint() -> None:
    good = small()
    codes: Counter[str] = Counter()
    for place in range(len(good)):
        for bit in range(8):
            Path("w.safetensors").write_bytes(good[:place] + bytes([good[place] ^ 1 << bit]) + good[place + 1 :])
            try:
                read_checkpoint("w.safetensors")
                codes["read"] += 1
            except CgError as problem:
                codes[problem.diagnostics[0].code] += 1
    assert codes == {"checkpoint-damaged": 8 * len(good)}


def test_a_file_cut_anywhere_is_damaged_or_unreadable() -> None:
    good = small()
    for size in range(len(good)):
        Path("w.safetensors").write_bytes(good[:size])
        with pytest.raises(CgError) as caught:
            read_checkpoint("w.safetensors")
        assert caught.value.status == 1


# ---- metrics


def steps_in(path: str) -> list[int]:
    return [json.loads(line)["step"] for line in Path(path).read_text(encoding="utf-8").splitlines()]


def test_metrics_of_another_run_stay_until_overwrite_is_said() -> None:
    trained("--steps", "3", "--metrics", "m.jsonl")
    with untouched():
        result = run("--steps", "2", "--metrics", "m.jsonl")
    assert (result.status, result.out) == (2, "")
    assert "`m.jsonl` holds the metrics of another run" in result.err
    assert "--overwrite" in result.err
    trained("--steps", "2", "--metrics", "m.jsonl", "--overwrite")
    assert steps_in("m.jsonl") == [1, 2]


@pytest.mark.parametrize("text", ["my thesis\n", '{"step": "one"}\n', "[1]\n", '{"name": 1, "step": 2}\n'])
def test_a_file_that_has_no_metrics_stays_in_any_case(text: str) -> None:
    Path("m.jsonl").write_text(text, encoding="utf-8")
    for more in ([], ["--overwrite"]):
        with untouched():
            result = run("--metrics", "m.jsonl", *more)
        assert result.status == 2
        assert "`m.jsonl` is there already and is no metrics file of `cg train`" in result.err


def test_standard_output_takes_no_metrics() -> None:
    with untouched():
        result = run("--metrics", "-")
    assert (result.status, result.out) == (2, "")
    assert "`--metrics` needs the name of a file, and `-` is none" in result.err


def test_an_empty_file_is_not_taken_for_metrics() -> None:
    Path("m.jsonl").touch()
    assert run("--steps", "2", "--metrics", "m.jsonl").status == 2
    trained("--steps", "2", "--metrics", "m.jsonl", "--overwrite")


def test_metrics_go_on_behind_the_checkpoint() -> None:
    trained("--steps", "8", "--metrics", "whole.jsonl")
    trained("--steps", "5", "--save", "w.safetensors", "--metrics", "m.jsonl")
    with open("m.jsonl", "a", encoding="utf-8") as file:  # the run was killed while it wrote a line
        file.write('{"step": 6, "epoch": 2, "loss": 1}\n{"step": 7, "ep')
    assert resumed("w.safetensors", "--steps", "8", "--metrics", "m.jsonl").status == 0
    assert Path("m.jsonl").read_bytes() == Path("whole.jsonl").read_bytes()


def test_metrics_go_on_after_a_run_that_wrote_none() -> None:
    trained("--steps", "4", "--save", "w.safetensors", "--metrics", "m.jsonl")
    assert resumed("w.safetensors", "--steps", "6").status == 0
    assert resumed("w.safetensors", "--steps", "8", "--metrics", "m.jsonl").status == 0
    assert [each for each in steps_in("m.jsonl") if each > 4] == [7, 8]


def test_a_run_goes_on_in_no_other_run_s_metrics() -> None:
    trained("--steps", "4", "--save", "w.safetensors", "--metrics", "m.jsonl")
    trained("--steps", "4", "--save", "plain.safetensors")
    trained("--steps", "4", "--seed", "3", "--metrics", "other.jsonl")
    for checkpoint, metrics in (("w.safetensors", "other.jsonl"), ("plain.safetensors", "m.jsonl")):
        with untouched():
            result = resumed(checkpoint, "--steps", "5", "--metrics", metrics)
        assert (result.status, "holds the metrics of another run" in result.err) == (2, True)
    assert resumed("plain.safetensors", "--steps", "5", "--metrics", "new.jsonl").status == 0


def test_a_run_broken_off_at_once_goes_on_in_its_metrics() -> None:
    """The checkpoint at the start was written before the first line."""
    trained("--steps", "3", "--save", "w.safetensors", "--metrics", "m.jsonl")
    os.replace("w.1.safetensors", "w.safetensors")
    assert step("w.safetensors") == 0
    trained("--steps", "3", "--seed", "1", "--metrics", "other.jsonl")
    assert resumed("w.safetensors", "--metrics", "other.jsonl").status == 2
    assert resumed("w.safetensors", "--metrics", "m.jsonl").status == 0
    assert steps_in("m.jsonl") == [1, 2, 3, 3]


def test_metrics_may_go_to_a_device() -> None:
    trained("--steps", "3", "--metrics", "/dev/null")
    result = run("--steps", "3", "--metrics", "/dev/full")
    assert (result.status, "`/dev/full` cannot be written: no space left on device" in result.err) == (1, True)


def test_a_pipe_takes_no_checkpoint() -> None:
    """It is not opened either: without a reader that would wait for ever."""
    os.mkfifo("w.safetensors")
    os.symlink("/dev/null", "null.safetensors")
    for name in ("w.safetensors", "null.safetensors"):
        for options in ([], ["--overwrite"]):
            result = run("--steps", "3", "--save", name, *options)
            assert result.status == 2
            assert f"`{name}` is there already and is no checkpoint" in result.err


def test_a_full_disk_leaves_whole_lines_and_a_state_to_go_on_from() -> None:
    trained("--steps", "9", "--metrics", "whole.jsonl", "--save", "whole.safetensors")
    room = 2200  # enough for a checkpoint
    result = process(
        *("train", "line.cg", *OPTIONS, "--steps", "400", "--metrics", "m.jsonl"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
    )
    assert result.returncode == 1
    assert "`m.jsonl` cannot be written: file too large" in result.stderr
    data = Path("m.jsonl").read_bytes()
    assert data.endswith(b"}\n")
    assert steps_in("m.jsonl")


def test_a_run_that_failed_at_the_end_of_an_epoch_goes_on_as_if_it_had_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """The metrics fail at each of the steps of an epoch of three."""
    from cgcli.data.metrics_file import MetricsFile

    trained("--steps", "9", "--save", "whole.safetensors")
    write = MetricsFile.write
    for failing in (1, 2, 3, 4, 5):

        def failed(self: MetricsFile, line: str, at: int = failing) -> None:
            record = json.loads(line)
            if record["step"] == at and "rate" in record:
                self._fail(OSError(28, "No space left on device"))
            write(self, line)

        name = f"w{failing}.safetensors"
        with monkeypatch.context() as patch:
            patch.setattr(MetricsFile, "write", failed)
            result = run("--steps", "9", "--save", name, "--metrics", f"m{failing}.jsonl")
        assert (result.status, "cannot be written: no space left" in result.err) == (1, True)
        assert resumed(name, "--metrics", f"m{failing}.jsonl").status == 0
        a, b = load_file(name), load_file("whole.safetensors")
        assert {n: x.tobytes() for n, x in a.items()} == {n: x.tobytes() for n, x in b.items()}


# ---- two at a time


@contextmanager
def live(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A training that goes on until it is killed, when it has written its first lines."""
    words = ["train", "line.cg", *OPTIONS, "--epochs", "10000000", "--metrics", "live.jsonl", *arguments]
    running = subprocess.Popen(
        [sys.executable, "-m", "cgcli", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 60
        while not (os.path.exists("live.jsonl") and os.path.getsize("live.jsonl")):
            assert running.poll() is None
            assert time.monotonic() < until
            time.sleep(0.02)
        yield running
    finally:
        running.kill()
        running.wait()


def test_a_live_run_has_its_files_for_itself_and_a_killed_one_holds_nothing() -> None:
    Path("link.safetensors").symlink_to("w.safetensors")
    Path("link.jsonl").symlink_to("live.jsonl")
    with live("--save", "w.safetensors") as running:
        for arguments in (
            ["--save", "w.safetensors"],
            ["--save", "link.safetensors"],
            ["--save", "w.safetensors", "--overwrite"],
            ["--metrics", "live.jsonl"],
            ["--metrics", "link.jsonl", "--overwrite"],
        ):
            result = run(*arguments)
            assert (result.status, result.out) == (1, "")
            assert f"another process is writing `{arguments[1]}` right now" in result.err
        result = resumed("w.safetensors", "--steps", "5")
        assert (result.status, "right now" in result.err) == (1, True)
        running.send_signal(signal.SIGKILL)
        running.wait()
    assert os.path.exists(".w.safetensors.lock")
    assert resumed("w.safetensors", "--steps", "5", "--metrics", "live.jsonl").status == 0
    assert not [name for name in files() if name.endswith(".lock")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_a_signal_ends_leaves_no_lock_and_says_how_to_go_on(number: int) -> None:
    with live("--save", "w.safetensors", "--every", "100000000") as running:
        running.send_signal(number)
        assert running.wait() == 130
    assert not [name for name in files() if name.endswith((".lock", ".tmp"))]
    assert step("w.safetensors") > 0


def test_a_lock_is_one_lock_for_all_names_of_a_file() -> None:
    Path("a.safetensors").touch()
    Path("b.safetensors").symlink_to("a.safetensors")
    with exclusive("a.safetensors"):
        for name in ("a.safetensors", "./a.safetensors", "b.safetensors"):
            with pytest.raises(CgError), exclusive(name):
                pass
        with exclusive("c.safetensors"):
            pass
    with exclusive("b.safetensors"):
        pass
    assert sorted(files()) == ["a.safetensors", "b.safetensors", "line.cg", "line.csv", "other.cg"]


def test_a_system_without_locks_trains_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with exclusive("w.safetensors"):
        trained("--steps", "2", "--save", "w.safetensors")
    assert not [name for name in files() if name.endswith(".lock")]


def test_a_lock_that_cannot_be_made_is_told() -> None:
    with pytest.raises(CgError) as caught, exclusive("nowhere/w.safetensors"):
        pass
    assert (caught.value.status, caught.value.diagnostics[0].values["path"]) == (1, "nowhere/w.safetensors")


# ---- killed between the steps of a rotation

KILLED = """
import os, signal, sys
import numpy as np
from cgcli.data.checkpoints import write_checkpoint

left = int(sys.argv[1])

def watched(call):
    def run(*arguments, **options):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments, **options)
    return run

if sys.argv[2] == "copied":
    def no_links(*arguments):
        raise OSError(95, "no links here")
    os.link = no_links
for name in ("replace", "unlink", "link", "fsync", "open", "write"):
    setattr(os, name, watched(getattr(os, name)))
write_checkpoint("w.safetensors", {"a": np.array(9.0)}, {"run": "r"}, keep=3)
"""


@pytest.mark.parametrize("way", ["linked", "copied"])
def test_there_is_a_whole_newest_checkpoint_at_any_moment_of_a_rotation(way: str) -> None:
    Path("killed.py").write_text(textwrap.dedent(KILLED), encoding="utf-8")
    for left in range(50):
        for path in Path().glob("w*"):
            path.unlink()
        for value in (1.0, 2.0, 3.0):
            write_checkpoint("w.safetensors", {"a": np.array(value)}, {"run": "r"}, keep=3)
        status = subprocess.run([sys.executable, "killed.py", str(left), way], check=False).returncode
        found = read_checkpoint("w.safetensors").tensors["a"]
        assert found == (9.0 if status == 0 else 3.0)
        for k in (1, 2):
            if os.path.exists(earlier("w.safetensors", k)):
                read_checkpoint(earlier("w.safetensors", k))
        if status == 0:
            break
        assert status == -signal.SIGKILL
    assert status == 0
    assert left >= 5


def test_what_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    for value in (1.0, 2.0, 3.0):
        write_checkpoint("w.safetensors", {"a": np.array(value)}, {}, keep=3)
    before = files()
    with monkeypatch.context() as patch:
        patch.setattr(os, "link", full)
        patch.setattr(shutil, "copyfileobj", full)
        with pytest.raises(CgError) as caught:
            write_checkpoint("w.safetensors", {"a": np.array(4.0)}, {}, keep=2)
    assert caught.value.diagnostics[0].values["path"] == "w.1.safetensors"
    assert files()["w.safetensors"] == before["w.safetensors"]
    os.unlink("w.2.safetensors")
    Path("w.2.safetensors").mkdir()
    write_checkpoint("w.safetensors", {"a": np.array(4.0)}, {}, keep=2)
    with pytest.raises(CgError) as caught:
        write_checkpoint("w.safetensors", {"a": np.array(4.0)}, {}, keep=3)
    assert caught.value.diagnostics[0].values["path"] == "w.2.safetensors"


# ---- what cannot be done is told before anything is written


@pytest.mark.parametrize(
    ("program", "options", "said"),
    [
        ("line.cg --mode static", "", "the outputs that are floats: loss"),
        ("line.cg --mode dynamic", "", "the outputs that are floats: loss"),
        ("tree.cg", "", "the outputs that are floats: loss"),
        ("model.py:loss", "", "the outputs that are floats: loss"),
        ("tree.cg", "--loss tree", "there is no value `tree`"),
        ("tree.cg", "--loss nothing", "there is no value `nothing`"),
        ("tree.cg", "--loss v", "`v` is a tensor"),
        ("tree.cg", "--residual nothing", "there is no value `nothing`"),
        ("tree.cg", "--loss loss --draw step.svg", "a dynamic program has no graph before it runs"),
        ("tree.cg", "--loss loss --freeze * --seed 1", "`--freeze` keeps W, b and v as they are"),
        ("model.py:loss", "--loss loss", "write `loss` as a .cg program with `param`"),
        ("model.py:loss", "--residual loss", "write `loss` as a .cg program with `param`"),
        ("model.py:loss", "--loss nothing", "write `loss` as a .cg program with `param`"),
        ("model.py:nothing", "--loss nothing", "model.py has no function `nothing`"),
    ],
)
def test_training_of_what_a_run_decides(program: str, options: str, said: str) -> None:
    samples = Path(__file__).parents[1] / "samples"
    for name in ("tree.cg", "phrases.jsonl", "model.py"):
        shutil.copy(samples / name, name)
    Path("points.jsonl").write_text('{"x": [1, 2]}\n{"x": [0, 1]}\n', encoding="utf-8")
    tables = {"l": "line.csv", "t": "phrases.jsonl", "m": "points.jsonl"}
    targets = ["--save", "w.safetensors"]
    with untouched():
        result = cg("train", *program.split(), "--data", tables[program[0]], *options.split(), *targets)
    assert (result.status, result.out) == (2, "")
    assert said in result.err


def test_what_cannot_be_saved_of_a_fit_is_shown() -> None:
    result = process(
        *("train", "line.cg", "--data", "line.csv", "--residual", "loss", "--save", "w.safetensors"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)),
    )
    assert result.returncode == 1
    assert "`w.safetensors` cannot be written: file too large" in result.stderr
    assert result.stdout.startswith("a = ")


def test_two_things_that_went_wrong_are_both_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from cgcli.data.run_files import RunFiles

    save = RunFiles.save

    def second_fails(self: RunFiles, *arguments: object) -> None:
        if os.path.exists("w.safetensors"):
            raise error("cannot-write", status=1, path="w.safetensors", reason="the disk is gone")
        save(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(RunFiles, "save", second_fails)
    diverging = ["--optimizer", "sgd", "--lr", "1e9", "--epochs", "90"]
    result = cg("train", "line.cg", *OPTIONS[:4], *diverging, "--save", "w.safetensors")
    assert result.status == 1
    assert "the loss is" in result.err
    assert "`w.safetensors` cannot be written: the disk is gone" in result.err
