"""Random command lines: whatever is typed, `cg` answers in its own words and touches nothing that it was not asked to.

The options and their values are read from what the commands declare, so that a new option takes part at once.
"""

from __future__ import annotations

import contextlib
import json
import random
import shlex
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from cli_harness import Result, cg
from safetensors.numpy import save_file

from cgcli.cli import app

pytestmark = pytest.mark.portable

COMMANDS = tuple(name for name in app.COMMANDS if name != "live")  # that does not end
WRITERS = {"-o", "--save", "--metrics", "--plot", "--draw"}
"""The options that name a file to write."""
RESULTS_WITH_ERRORS = {"check", "step"}
"""The commands that print what is wrong as their result."""
VALUELESS = {"check", "fmt", "weights", "samples", "help"}
"""The commands that take no values of inputs."""
GOOD = {
    "a*b + c": {"a": "2", "b": "3", "c": "-1"},
    "sin(x) / x": {"x": "0.5"},
    "input x: float[n]; y = sum(x*x)": {"x": "[1, 2, 3]"},
    "input x: float[n]; input W: float[m, n]; y = W @ x": {"x": "@x.npy", "W": "[[1, 2, 3]]"},
    "param w = 1.0; input x: float; input y: float; loss = (w*x - y)^2": {"x": "2", "y": "3"},
    "i = 0; x = a; while i < 5 { i = i + 1; x = (x + a/x) / 2 }": {"a": "2"},
    "input k: int; fn f(n) = if n < 1 then 1 else n * f(n - 1); y = f(k)": {"k": "5"},
    "input t: any; y = t.v^2": {"t": "@t.json"},
    "import nn; input x: float[n]; y = nn.softmax(x)": {"x": "[1, 2]"},
    'assert a > 0, "a is a length"; y = log(a)': {"a": "2"},
    "y = sum(normal(shape=[3]))": {},
}
BAD = (
    "", "a +", "((((", "1/0", "a = a", 'import "no.cg"', "y = [1, [2]]", "é = 2; é ∂", '"', "x[", "\udcff",
    "grad(", "#",
)  # fmt: skip
FILES = {f"p{k}.cg": program for k, program in enumerate(GOOD)}
OTHER_FILES = (
    "wrong.cg", "empty.cg", "bytes.cg", "broken.py", "model.py", "t.csv", "bad.csv", "t.jsonl", "t.npz",
    "x.npy", "t.json", "values.json", "values.toml", "w.safetensors", "foreign.safetensors", "cut.safetensors",
    "steps.txt", "no.cg", "no.csv", "folder", "folder/no/t.csv", ".", "..", "/", "/dev/null", "/dev/full",
    "full.csv", "loop.csv",
)  # fmt: skip
NUMBERS = (
    "2", "-1", "0", "0.5", "1e-3", "pi/2", "inf", "nan", "true", "-1e-3", "1e400", "9" * 40,
)  # fmt: skip
VALUES = (
    *NUMBERS, "[1, 2, 3]", "[[1, 2], [3, 4]]", "[[1, 2], [3]]", "[]", "@x.npy", "@t.npz:x", "@t.npz",
    "@t.csv:x", "@t.json", "@values.json:x", "@no.npy", "@folder", "@", "@w.safetensors:w", '{"v": 3}', '{"v"',
    "a +", "", " ", "é", "C:\\x.npy",
)  # fmt: skip
SWEPT = (
    "1,2", "0:1:0.5", "0..1", "true,false", "[1, 2, 3],[4, 5, 6]", "0:1:0", "1:0:0.1", "1,,2", "0:1", "0:1e9:1",
    "1..0", "a,b", "0:inf:1", "é,2", "1,2:3",
)  # fmt: skip
TARGETS = (
    "o.csv", "o.tsv", "o.jsonl", "o.npz", "o.parquet", "o.dot", "o.mmd", "o.tex", "o.json", "o.svg",
    "o.safetensors", "o.pdf", "o", "é.csv", "no/o.csv", "folder", "full.csv", "null.svg", "/dev/null", "",
    "t.csv", "w.safetensors", "-", "\udcff.csv",
)  # fmt: skip
NAMES = (
    "a", "b", "x", "y", "w", "W", "loss", "t", "k", "é", "no", "", "x,y", "a..y", "f", "1", "*", "x=y", "=",
    "w=0.1",
)  # fmt: skip
BY_METAVAR = {
    "EXPR": (*GOOD, *BAD),
    "NAME=VALUE": tuple(f"{name}={value}" for name in ("a", "x", "é", "") for value in VALUES),
    "INPUT=COLUMN": ("a=x", "x=x", "y=y", "x=no", "x=x*", "x", "=", "x=", "x=*", "x=[", "é=x"),
    "N": ("1", "2", "3", "5", "8", "0"),
    "K": ("1", "2"),
    "X": ("0.1", "1", "0", "1e-300", "1e300"),
    "X|NAMES=X": ("0.1", "w=0.1", "no=0.1", "w="),
    "X,X": ("0.1,0.2", "0.1", "0.1..0.3", "0.1:0.3:0.1", "1e300,1", "0,1", "w=0.1,0.2"),
    "N,N": ("1,2", "1", "1..3", "1:3:1", "0,1", "1,x"),
    "NAME,NAME": ("sgd,adam", "adam", "lbfgs,lm", "cosine,linear", "no,sgd"),
    "COLUMN": ("a", "-a", "y", "loss", "no", "-"),
    "T": ("0.1", "0"),
    "SIZE": ("500M", "1", "8G", "1K"),
    "SECONDS": ("60", "600.5"),
    "TIME": ("0.05s", "60"),
    "SHARE|TABLE": ("0.3", "t.csv", "1", "0", "no.csv"),
    "A..B": ("a..y", "x..loss", "a..", ".."),
    "TEXT": ("a title", "<b>&", "é\n", ""),
}
WRONG = (
    "", " ", "-", "--", "-1", "0", "1.5", "nan", "1e999", "9" * 30, "١", "é", "\udcff", "a b", "\n", "\t",
    "\x1b[31m", "%s", "{0}", "../..", "~", "*", "@", "=", "a=b=c", "--help", "-e", "none", "None", "x" * 5000,
)  # fmt: skip
STDIN = (
    "", "a*b", "x,y\n1,2\n", "next\ninto\nback\nprint x\ngrad\nhelp\nquit\n", "\x00", "é\n" * 3, "continue\n",
)  # fmt: skip
LOOSE = (
    "--no", "--daat", "--fromat=json", "-z", "-2", "--", "", "-", "é", "--=", "--set", "--a", "-e", "---",
    "-o=", "2",
)  # fmt: skip


def surroundings(folder: Path) -> None:
    """The files that the lines speak of."""
    folder.mkdir()
    texts = {
        **{name: program.replace("; ", "\n") + "\n" for name, program in FILES.items()},
        "wrong.cg": "y = a +\n",
        "empty.cg": "",
        "broken.py": "def f(x:\n",
        "model.py": "import numpy as np\n\ndef f(x):\n    return np.sin(x)\n\ndef bad(x):\n    return 1 / 0\n",
        "t.csv": "x,y,a\n1,3,1\n2,5,2\n3,7,3\n",
        "bad.csv": "x,y\n1,2\noops\n3,no\n",
        "t.jsonl": '{"x": 1, "y": 3}\n{"x": 2, "y": 5}\n',
        "t.json": '{"v": 3, "next": {"v": 4}}',
        "values.json": json.dumps({"x": 2.0, "y": 3.0}),
        "values.toml": "a = 2\nx = [1, 2]\n",
        "steps.txt": "next\nprint x\nquit\n",
        "cut.safetensors": "\x08",
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "bytes.cg").write_bytes(bytes(range(256)))
    np.save(folder / "x.npy", np.array([1.0, 2.0, 3.0]))
    np.savez(folder / "t.npz", x=np.array([1.0, 2.0]), y=np.array([3.0, 5.0]))
    save_file({"w": np.array(2.0)}, folder / "foreign.safetensors")
    (folder / "folder").mkdir()
    (folder / "full.csv").symlink_to("/dev/full")
    (folder / "null.svg").symlink_to("/dev/null")
    (folder / "loop.csv").symlink_to("loop.csv")
    with contextlib.chdir(folder):
        trained = cg("train", "p4.cg", "--data", "t.csv", "--loss", "loss", "--steps", "2", "--save", "w.safetensors")
    assert trained.status == 0, trained.err


class Option(NamedTuple):
    """An option as a command declares it. values: good ones; None for a flag."""

    name: str
    values: tuple[str, ...] | None


def options(command: str) -> list[Option]:
    found = []
    for param in app.commands.get_command(None, command).params:
        if param.param_type_name == "option":
            values = None if param.is_flag else values_of(param.opts[0], param.metavar or "")
            found += [Option(name, values) for name in (*param.opts, *param.secondary_opts)]
    return [*found, Option("--help", None)]


def values_of(name: str, metavar: str) -> tuple[str, ...]:
    if name in WRITERS:
        return TARGETS
    if metavar in BY_METAVAR:
        return BY_METAVAR[metavar]
    if "|" in metavar:
        return tuple(metavar.split("|"))
    return (*FILES, *OTHER_FILES) if metavar in ("FILE", "TABLE", "FOLDER") else NAMES


DECLARED = {command: options(command) for command in COMMANDS}


def generated(source: random.Random) -> list[str]:
    """A command line; about half of them reach the work of their command."""
    chance, pick = source.random, source.choice
    if chance() < 0.03:
        return [pick((*LOOSE, *WRONG, "evla", "p0.cg", "--version", "--help")) for _ in range(source.randrange(3))]
    command = pick(list(COMMANDS))
    parts = [program(source, command)]
    if command in ("train", "predict") and chance() < 0.8:
        parts = [
            [pick(["p4.cg", "p4.cg", "p1.cg"])],
            ["--data", pick(["t.csv", "t.csv", "t.jsonl", "t.npz", "bad.csv"])],
        ]
        parts.append(["--loss", "loss"] if command == "train" else ["--weights", "w.safetensors"])
    if command == "sweep" and chance() < 0.3:
        parts = [[pick(["p4.cg", "p4.cg", "p1.cg"])], ["--data", pick(["t.csv", "t.jsonl", "bad.csv"])]]
        parts += [["--train", "--loss", "loss"], [f"--{pick(['w', 'lr', 'x', 'seed'])}", pick(SWEPT)]]
    for option in source.sample(DECLARED[command], min(len(DECLARED[command]), pick([0, 0, 1, 1, 2, 2, 3, 4]))):
        if option.name in (word for part in parts for word in part) and chance() < 0.9:
            continue
        parts += [spelled(source, option)] * (2 if chance() < 0.04 else 1)
    if chance() < 0.08:
        parts.append([pick(LOOSE)])
    if chance() < 0.5:
        source.shuffle(parts)
    line = [command, *(word for part in parts for word in part)]
    ends = command != "train" or any(word.partition("=")[0] in ("--steps", "--epochs", "--time") for word in line)
    return line if ends else [*line, "--steps", "2"]


def program(source: random.Random, command: str) -> list[str]:
    """The program of a line, most times with the values of its inputs."""
    chance, pick = source.random, source.choice
    kind = chance()
    if command in ("samples", "help"):
        return [pick(["newton", "article", "nn", "softmax", "exit-codes", "no", "sinn", "", "é", "../p0", "."])][
            : pick([0, 1, 1])
        ]
    if command == "weights" and kind < 0.7:
        return [pick(["w.safetensors", "foreign.safetensors", "cut.safetensors", "no.safetensors"])]
    if kind < 0.75:
        name, text = pick(list(FILES.items()))
        known = [name] if chance() < 0.6 else ["-e", text]
        if chance() < (0.9 if command in VALUELESS else 0.1):
            return known
        swept = 0.6 if command == "sweep" else 0.0
        values = {name: pick(SWEPT) if chance() < swept else value for name, value in GOOD[text].items()}
        return [*known, *(word for each, value in values.items() for word in given(source, each, value))]
    if kind < 0.83:
        return [pick(["model.py:f", "model.py:bad", "model.py:no", "model.py:", "broken.py:f", "no.py:f"]), "--x", "2"]
    if kind < 0.88:
        return ["-e", pick(BAD)]
    return [pick(("-", *OTHER_FILES))] if kind < 0.97 else []


def given(source: random.Random, name: str, fitting: str) -> list[str]:
    """An input with a value that mostly fits."""
    value = fitting if source.random() < 0.9 else source.choice(VALUES)
    return [f"--{name}={value}"] if source.random() < 0.5 else [f"--{name}", value]


def spelled(source: random.Random, option: Option) -> list[str]:
    """The option with a value, mostly a good one; sometimes misspelt, without a value, or with one too many."""
    kind = source.random()
    name = option.name if kind > 0.02 else option.name[:-1] + source.choice(["", "x", "é", option.name[-1] * 2])
    if option.values is None:
        return [name] if kind < 0.97 else [f"{name}=yes"]
    if kind > 0.98:
        return [name]
    value = source.choice(option.values if source.random() < 0.9 else WRONG)
    return [f"{name}={value}"] if name.startswith("--") and source.random() < 0.4 else [name, value]


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """What every file and folder below holds; devices behind links are left alone."""
    found: dict[str, bytes | None] = {}
    for path in folder.rglob("*"):
        plain = path.is_file() and not path.is_symlink()
        found[str(path.relative_to(folder))] = path.read_bytes() if plain else None
    return found


def named(line: list[str]) -> tuple[set[str], set[str]]:
    """The files that a line asks to be written, and all other words of it."""
    asked: set[str] = set()
    others: set[str] = set()
    before = ""
    for word in line:
        option, _, attached = word.partition("=")
        if before in WRITERS:
            asked.add(word)
        elif option in WRITERS and attached:
            asked.add(attached)
        elif word.startswith("-o"):
            asked.add(word[2:])
        else:
            others |= {word, attached, word.removeprefix("-e")}
        before = word
    return asked, others


def complaints(
    line: list[str], result: Result, before: dict[str, bytes | None], after: dict[str, bytes | None]
) -> list[str]:
    """What is wrong with the answer to a line."""
    found = []
    if result.status not in (0, 1, 2):
        found.append(f"status {result.status}")
    found += [text for text in ("Traceback", "bug in cg", "Warning:") if text in result.out + result.err]
    command = line[0] if line else ""
    if result.status == 2 and "error" not in result.err + (result.out if command == "check" else ""):
        found.append("no error is told")
    if result.status == 1 and not result.err and not result.out:
        found.append("nothing is told")
    if result.status == 2 and result.out and command not in RESULTS_WITH_ERRORS:
        found.append("a result besides the error")
    asked, others = named(line)
    if command == "fmt":
        asked |= others
    for name, content in before.items():
        if name not in after:
            found.append(f"{name} is gone")
        elif after[name] != content and (name not in asked or (name in others and command != "fmt")):
            found.append(f"{name} was changed")
    drawn = {f"{Path(name).stem}.svg" for name in others} | {"out.svg"} if command == "render" else set()
    for name in after.keys() - before.keys():
        if name not in asked | drawn and command != "samples":
            found.append(f"{name} was written")
    return found


def explore(folder: Path, seeds: range) -> list[str]:
    """Runs the lines of the seeds; each that is answered badly, with what is wrong."""
    found: list[str] = []
    work = folder / "work"
    surroundings(work)
    shutil.copytree(work, folder / "fresh", symlinks=True)
    before = snapshot(work)
    for seed in seeds:
        source = random.Random(seed)
        line = generated(source)
        with contextlib.chdir(work):
            result = cg(*line, stdin=source.choice(STDIN))
        after = snapshot(work)
        wrong = complaints(line, result, before, after)
        if {path.name for path in folder.iterdir()} != {"work", "fresh"}:
            wrong.append("something outside of the folder was written")
        if wrong:
            found.append(
                f"{seed}: cg {shlex.join(line)}\n    {'; '.join(wrong)}\n    {result.err[:300]!r} {result.out[:80]!r}"
            )
        if after != before:
            shutil.rmtree(work)
            shutil.copytree(folder / "fresh", work, symlinks=True)
    return found


def test_every_line_is_answered(tmp_path: Path) -> None:
    assert explore(tmp_path, range(200)) == []


@pytest.mark.thorough
@pytest.mark.parametrize("part", range(10))
def test_every_line_is_answered_thoroughly(part: int, tmp_path: Path) -> None:
    assert explore(tmp_path, range(1000 + 300 * part, 1000 + 300 * (part + 1))) == []


def test_every_command_and_option_takes_part() -> None:
    seen: dict[str, set[str]] = {command: set() for command in COMMANDS}
    for seed in range(4000):
        line = generated(random.Random(seed))
        if line and line[0] in seen:
            seen[line[0]].update(word.partition("=")[0] for word in line)
    missing = {c: {o.name for o in DECLARED[c]} - seen[c] for c in COMMANDS}
    assert {command: names for command, names in missing.items() if names} == {}


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        (["eval", "p0.cg", "--allow-path", "loop.csv", "--a", "2", "--b", "3", "--c", "1"], 0, "out = 7"),
        (["explain", "p7.cg", "--t", '{"v": 3}'], 0, "∂y/∂t.v = 6"),
        (["explain", "p7.cg", "--t", '{"v": 3, "u": 1}', "--wrt", "t.v"], 0, "∂y/∂t.v = 6"),
        (["train", "model.py:f", "--x", "2", "--steps", "2"], 2, "nothing says what to make small"),
        (["train", "p6.cg", "--k", "5", "--steps", "2"], 2, "nothing says what to make small"),
        (["fmt", "--check", "-e", "a + b"], 0, ""),
        (["fmt", "--check", "-e", "a+b"], 1, "+a + b"),
        (["fmt", "--check", "t.csv"], 2, "error"),
    ],
)
def test_lines_that_were_answered_badly(line: list[str], status: int, said: str, tmp_path: Path) -> None:
    surroundings(tmp_path / "work")
    with contextlib.chdir(tmp_path / "work"):
        result = cg(*line)
    assert result.status == status, result
    assert said in result.out + result.err


@pytest.mark.parametrize(("text", "change"), [("y = a + b", "+"), ("y = a + b\r\n", "-y = a + b\\r")])
def test_a_check_of_the_layout_shows_ends_of_lines_too(text: str, change: str, tmp_path: Path) -> None:
    file = tmp_path / "p.cg"
    file.write_bytes(text.encode())
    result = cg("fmt", "--check", str(file))
    assert result.status == 1
    assert change in result.out.splitlines()
