"""No command writes over a file that it reads, nor writes two things into one file; what it writes is whole."""

from __future__ import annotations

import contextlib
import os
import resource
from importlib import import_module
from pathlib import Path

import pytest
from cli_harness import ARTICLE, cg, process

from cgcli.cli.app import COMMANDS
from cgcli.diagnostics.diagnostic import CgError
from cgcli.files.writing import atomic_file

TABLE = "x,y\n1,2\n3,4\n"
LINE = "input x: float\ninput y: float\nparam k: float = 0\nloss = (k*x - y)^2\n"
LEARN = ["train", "line.cg", "--loss", "loss", "--steps", "1"]
RESUME = ["train", "line.cg", "--data", "t.csv", "--resume"]
VALUES = ["--a", "2", "--b", "3", "--c", "1"]


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    texts = {"f.cg": ARTICLE, "pr.tex": ARTICLE, "p.svg": ARTICLE, "g.cg": "z = x * y\n", "line.cg": LINE}
    texts |= {"lib.json": "fn double(u) = 2 * u\n", "uses.cg": 'import "lib.json" as lib\nz = lib.double(a)\n'}
    texts |= dict.fromkeys(("t.csv", "part_1.csv", "part_3.csv", "0.5.csv"), TABLE)
    texts |= {"in.json": '{"a": 2, "b": 3, "c": 1}', "commands.svg": "step\n", "r.json": "[1, 2]"}
    texts |= {"model.py": "import helper\n\ndef f(x):\n    return x\n", "helper.py": "k = 2\n"}
    for name, text in texts.items():
        Path(name).write_text(text)
    Path("folder").mkdir()
    Path("link.csv").symlink_to("t.csv")
    Path("far").symlink_to("folder")
    os.link("t.csv", "hard.csv")
    Path("dangling.csv").symlink_to("new.csv")


def contents() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file()}


def checkpoint() -> None:
    assert cg(*LEARN, "--data", "t.csv", "--save", "w.safetensors").status == 0


@pytest.mark.parametrize(
    ("args", "target", "source"),
    [
        (["eval", "g.cg", "--data", "t.csv", "-o", "t.csv"], "-o", "--data t.csv"),
        (["eval", "g.cg", "--data", "t.csv", "-o", "./t.csv"], "-o", "--data t.csv"),
        (["eval", "g.cg", "--data", "t.csv", "-o", "folder/../t.csv"], "-o", "--data t.csv"),
        (["eval", "g.cg", "--data", "link.csv", "-o", "t.csv"], "-o", "--data link.csv"),
        (["eval", "g.cg", "--data", "t.csv", "-o", "link.csv"], "-o", "--data t.csv"),
        (["eval", "g.cg", "--data", "t.csv", "-o", "hard.csv"], "-o", "--data t.csv"),
        (["eval", "g.cg", "--data", "part_*.csv", "-o", "part_3.csv"], "-o", "--data part_*.csv"),
        (["grad", "g.cg", "--data", "t.csv", "-o", "t.csv"], "-o", "--data t.csv"),
        (["predict", "line.cg", "--weights", "w.safetensors", "--data", "t.csv", "-o", "t.csv"], "-o", "--data t.csv"),
        (["sweep", *LEARN[1:], "--train", "--lr", "1,2", "--data", "t.csv", "-o", "t.csv"], "-o", "--data t.csv"),
        (["render", "pr.tex", "-o", "pr.tex"], "-o", "pr.tex"),
        (["render", "p.svg"], "the picture", "p.svg"),
        (["render", "f.cg", "--inputs", "in.json", "-o", "in.json"], "-o", "--inputs in.json"),
        (["render", "f.cg", "--a", "@r.json", "-o", "r.json"], "-o", "--a @r.json"),
        (["render", "f.cg", "--set", "a=@in.json:a", "-o", "in.json"], "-o", "--a @in.json:a"),
        (["render", "uses.cg", "-o", "lib.json"], "-o", "lib.json"),
        (["render", "-e", 'import "lib.json" as l; z = l.double(a)', "-o", "lib.json"], "-o", "lib.json"),
        (["render", "uses.cg", "--mode", "dynamic", "--a", "1", "-o", "lib.json"], "-o", "lib.json"),
        (["plot", "p.svg", "--over", "a=0..1", "-o", "p.svg"], "-o", "p.svg"),
        (["plot", "f.cg", "--over", "a=0..1", "--metrics", "r.json", "-o", "r.json"], "-o", "--metrics r.json"),
        (["plan", "p.svg", "-o", "p.svg"], "-o", "p.svg"),
        ([*LEARN, "--x", "@r.json", "--y", "2", "--draw", "r.json"], "--draw", "--x @r.json"),
        (["train", "p.svg", "--loss", "y", *VALUES, "--plot", "p.svg"], "--plot", "p.svg"),
        (
            [*LEARN, "--data", "t.csv", "--weights", "w.safetensors", "--save", "w.safetensors", "--overwrite"],
            "--save",
            "--weights w.safetensors",
        ),
        (
            [*LEARN, "--data", "t.csv", "--weights", "w.1.safetensors", "--save", "w.safetensors", "--overwrite"],
            "--save",
            "--weights w.1.safetensors",
        ),
        (
            [
                "train",
                "line.cg",
                "--data",
                "t.csv",
                "--resume",
                "w.1.safetensors",
                "--save",
                "w.safetensors",
                "--overwrite",
            ],
            "--save",
            "--resume w.1.safetensors",
        ),
    ],
)
def test_a_target_that_is_a_file_to_read_is_an_error_that_names_both(args: list[str], target: str, source: str) -> None:
    checkpoint()
    before = contents()
    result = cg(*args)
    assert (result.status, result.out) == (2, "")
    first, *_ = result.err.splitlines()
    assert first.startswith(f"error: `{target}` would write over `")
    assert source in first.partition("which is read")[2]
    assert "help: name another file" in result.err
    assert contents() == before


@pytest.mark.parametrize("overwrite", [[], ["--overwrite"]])
@pytest.mark.parametrize(
    ("args", "file"),
    [
        ([*LEARN, "--data", "t.csv"], "t.csv"),
        ([*LEARN, "--data", "t.csv"], "line.cg"),
        ([*LEARN, "--data", "t.csv", "--validation", "part_1.csv"], "part_1.csv"),
        ([*LEARN, "--data", "t.csv", "--validation", "part_?.csv"], "part_1.csv"),
        (["train", "model.py:f", "--loss", "f", "--x", "1"], "model.py"),
        (["train", "model.py:f", "--loss", "f", "--x", "1"], "helper.py"),  # which it imports
    ],
)
def test_the_log_of_a_training_takes_the_place_of_no_other_file(
    args: list[str], file: str, overwrite: list[str]
) -> None:
    before = contents()
    result = cg(*args, "--metrics", file, *overwrite)
    assert (result.status, result.out) == (2, "")
    assert f"`{file}`" in result.err
    assert contents() == before


@pytest.mark.parametrize(
    ("args", "first", "second"),
    [
        (["--save", "q.safetensors", "--metrics", "q.safetensors"], "--metrics", "--save"),
        (["--save", "q.safetensors", "--metrics", "./q.safetensors"], "--metrics", "--save"),
        (["--save", "far/q.safetensors", "--metrics", "folder/q.safetensors"], "--metrics", "--save"),
        (["--save", "q.safetensors", "--metrics", "q.1.safetensors"], "--metrics", "--save"),
        (["--plot", "q.svg", "--draw", "q.svg"], "--plot", "--draw"),
        (["--metrics", "new.csv", "--draw", "dangling.csv"], "--metrics", "--draw"),
    ],
)
def test_two_targets_that_are_one_file_are_an_error_that_names_both(args: list[str], first: str, second: str) -> None:
    before = contents()
    result = cg(*LEARN, "--data", "t.csv", *args)
    assert (result.status, result.out) == (2, "")
    assert all(f"`{option}`" in result.err.splitlines()[0] for option in (first, second))
    assert contents() == before


def test_a_run_that_goes_on_in_its_own_checkpoint_may() -> None:
    checkpoint()
    resumed = ["train", "line.cg", "--data", "t.csv", "--steps", "2", "--resume", "w.safetensors"]
    assert cg(*resumed).status == 0
    resumed[5] = "3"
    assert cg(*resumed, "--save", "./w.safetensors").status == 0
    assert cg(*resumed, "--metrics", "w.safetensors").status == 2


def test_draw_of_the_debugger_writes_over_no_file_that_is_read() -> None:
    before = contents()
    result = cg("step", "p.svg", *VALUES, stdin="step\ndraw p.svg\n")
    assert result.status == 1
    assert "`draw` would write over `p.svg`" in result.out
    Path("commands.svg").write_text("step\ndraw commands.svg\n")
    assert "would write over `commands.svg`" in cg("step", "f.cg", "--commands", "commands.svg", *VALUES).out
    assert contents() == before | {"commands.svg": b"step\ndraw commands.svg\n"}


def test_standard_streams_that_are_files_are_compared_too() -> None:
    before = contents()
    with open("t.csv") as table:
        done = process("eval", "g.cg", "--data", "-", "-o", "t.csv", stdin=table)
    assert done.returncode == 2
    assert "`--data -`" in done.stderr
    for target in ([], ["-o", "-"]):
        with open("t.csv", "a") as table:
            done = process("eval", "g.cg", "--data", "t.csv", *target, stdout=table)
        assert done.returncode == 2
        assert "standard output goes into a file that is read: `--data t.csv`" in done.stderr
    assert contents() == before


def test_pictures_and_tables_of_an_earlier_run_are_replaced() -> None:
    for name, args in {
        "old.csv": ["eval", "g.cg", "--data", "t.csv", "-o", "old.csv"],
        "old.svg": ["render", "f.cg", "-o", "old.svg"],
        "plan.svg": ["plan", "f.cg", "-o", "plan.svg"],
        "plot.svg": [*LEARN, "--data", "t.csv", "--plot", "plot.svg"],
    }.items():
        Path(name).write_text("old")
        assert cg(*args).status == 0
        assert Path(name).read_text() != "old"


def test_devices_are_no_file_to_write_over() -> None:
    Path("null.csv").symlink_to("/dev/null")
    Path("null.svg").symlink_to("/dev/null")
    assert cg(*LEARN, "--data", "t.csv", "--plot", "null.svg", "--draw", "null.svg").status == 0
    assert cg("eval", "g.cg", "--data", "t.csv", "-o", "null.csv").status == 0


def test_a_share_of_the_rows_is_no_file() -> None:
    Path("0.5").write_text("")
    assert cg(*LEARN, "--data", "t.csv", "--validation", "0.5", "--metrics", "0.5").err.count("would write") == 0


def test_fmt_alone_rewrites_what_it_reads() -> None:
    Path("f.cg").write_text("y   =   a\n")
    assert cg("fmt", "f.cg").status == 0
    assert Path("f.cg").read_text() == "y = a\n"


def test_every_option_that_takes_a_file_is_read_or_written() -> None:
    options = [option for name in COMMANDS for option in import_module(f"cgcli.cli.{name}").command.options.values()]
    for option in options:
        takes_a_file = any(word in str(option.metavar) for word in ("FILE", "TABLE", "TARGET"))
        assert (option.file is not None) == takes_a_file, option


# ---- standard output as a target


def test_a_dash_as_target_is_standard_output() -> None:
    plain = cg("eval", "g.cg", "--data", "t.csv")
    assert plain.out == "z\n2.0\n12.0\n"
    assert cg("eval", "g.cg", "--data", "t.csv", "-o", "-") == plain
    assert cg("grad", "g.cg", "--data", "t.csv", "-o", "-") == cg("grad", "g.cg", "--data", "t.csv")
    checkpoint()
    predict = ["predict", "line.cg", "--weights", "w.safetensors", "--data", "t.csv"]
    assert cg(*predict, "-o", "-").out == cg(*predict).out != ""
    assert cg("eval", "f.cg", *VALUES, "-o", "-").out == "y = 10\n"
    assert not os.path.exists("-")


def test_a_picture_on_standard_output_is_svg_or_what_format_says() -> None:
    assert process("render", "f.cg", "-o", "-").stdout.startswith("<?xml")
    assert process("render", "f.cg", "-o", "-", "--format", "dot").stdout.startswith("digraph")
    assert process("render", "f.cg", "-o", "-", "--format", "json").stdout.startswith("{")
    assert process("plan", "f.cg", "-o", "-").stdout.startswith("<svg")
    assert cg("plan", "f.cg", "-o", "-", "--format", "json").status == 2
    assert not os.path.exists("-")


def test_format_names_the_kind_of_a_picture() -> None:
    assert cg("render", "f.cg", "--format", "dot").status == 0
    assert Path("f.dot").read_text().startswith("digraph")
    assert cg("render", "f.cg", "-o", "./-", "--format", "tex").status == 0
    assert Path("-").read_text().startswith("%")
    assert "svg, png, pdf" in cg("render", "f.cg", "--format", "gif").err


# ---- whole or not at all


@pytest.mark.parametrize(
    "args",
    [
        ["eval", "g.cg", "--data", "t.csv", "-o", "old.csv"],
        ["eval", "g.cg", "--data", "t.csv", "-o", "old.jsonl"],
        ["eval", "g.cg", "--data", "t.csv", "-o", "old.npz"],
        ["eval", "g.cg", "--data", "t.csv", "-o", "old.parquet"],
        ["eval", "g.cg", "--data", "t.csv", "-o", "old.arrow"],
        ["render", "f.cg", "-o", "old.json"],
        ["plan", "f.cg", "-o", "old.svg"],
        ["fmt", "old.cg"],
        ["samples", "article"],
        ["samples", "huber"],
    ],
)
def test_a_full_disk_leaves_everything_as_it_was_and_names_the_file(args: list[str]) -> None:
    for name in ("csv", "jsonl", "npz", "parquet", "arrow", "json", "svg"):
        Path(f"old.{name}").write_text("old")
    Path("old.cg").write_text("y   =   a\n")
    before = contents()
    done = process(*args, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1)))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    name = next((arg for arg in args if arg.startswith("old.")), f"{args[-1]}.cg")
    assert name in done.stderr or args[0] == "samples"
    assert "cannot be written: " in done.stderr
    assert contents() == before


def test_a_sample_of_several_files_is_copied_whole_or_not_at_all() -> None:
    Path("huber.cg").write_text("mine")
    result = cg("samples", "huber")
    assert result.status == 2
    assert "`huber.cg` is already here" in result.err
    assert Path("huber.cg").read_text() == "mine"
    assert not Path("parts").exists()


def test_a_file_that_has_to_be_new_stays_when_another_made_it_meanwhile() -> None:
    def write() -> None:
        with atomic_file("new.txt", new=True) as file:
            file.write(b"mine")
            Path("new.txt").write_text("theirs")

    with pytest.raises(CgError) as caught:
        write()
    assert caught.value.status == 2
    assert Path("new.txt").read_text() == "theirs"
    assert not list(Path().glob(".new*"))


def test_a_file_that_has_to_be_new_is_written_where_there_are_no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", no_links)
    with atomic_file("new.txt", new=True) as file:
        file.write(b"mine")
    assert Path("new.txt").read_text() == "mine"
    with pytest.raises(CgError), atomic_file("other.txt", new=True):
        Path("other.txt").write_text("theirs")
    assert Path("other.txt").read_text() == "theirs"
    assert not list(Path().glob(".*.tmp"))


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, MemoryError, ValueError])
def test_whatever_stops_the_writing_leaves_nothing_behind(stop: type[BaseException]) -> None:
    before = contents()

    def write() -> None:
        with atomic_file("t.csv") as file:
            file.write(b"half")
            raise stop

    with pytest.raises(stop):
        write()
    assert contents() == before


def test_an_interrupt_right_after_the_file_was_made_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    before, opened = contents(), os.open

    def interrupted(path: str, flags: int, mode: int = 0o777) -> int:
        os.close(opened(path, flags, mode))
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", interrupted)
        with pytest.raises(KeyboardInterrupt), atomic_file("t.csv"):
            pass
    assert contents() == before


def test_modes_and_links_stay() -> None:
    Path("t.csv").chmod(0o640)
    old = os.umask(0o077)
    try:
        for name in ("link.csv", "fresh.csv"):
            with atomic_file(name) as file:
                file.write(b"new")
    finally:
        os.umask(old)
    assert Path("link.csv").is_symlink()
    assert Path("t.csv").read_bytes() == b"new"
    assert Path("t.csv").stat().st_mode & 0o777 == 0o640
    assert Path("fresh.csv").stat().st_mode & 0o777 == 0o600


def test_a_pipe_takes_what_it_is_given() -> None:
    reading, writing = os.pipe()
    with atomic_file(f"/dev/fd/{writing}") as file:
        file.write(b"some")
    os.close(writing)
    with contextlib.closing(os.fdopen(reading, "rb")) as pipe:
        assert pipe.read() == b"some"
