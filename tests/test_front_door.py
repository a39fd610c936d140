"""The front door of `cg eval` and `cg grad`: the same output, status and messages as the commands themselves."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, get_args, get_type_hints
from unittest import mock

import pytest
from cli_harness import Result, cg, process
from random_graphs import random_graph
from sample_values import values_for

from cgcli.cli.app import commands
from cgcli.diagnostics.diagnostic import CgError
from cgcli.graph.traversal import restrict
from cgcli.ops.number_kernels import has_loop
from cgcli.ops.numbers import unsigned_zero
from cgcli.ops.typing import single
from cgcli.program.front_door import FORMATS, MOST_DIGITS, OPTIONS, Request, answer
from cgcli.program.options import DIGITS, OutputOptions
from cgcli.run.scalar.executor import NumberGraph
from cgcli.run.scalar.instruction_writer import Unsupported, write_instructions
from cgcli.run.scalar.instructions import Stopped, run
from cgcli.transform.gradient import gradient

ROOT = Path(__file__).parents[1]
ARTICLE = str(ROOT / "samples" / "article.cg")
PROGRAMS = {
    "article": "d = a + b\ne = b - c\ny = d * e\n",
    "defaults": "input a = 2.5\ninput b: float = 1 in 0..10\ny = sin(a)/b + a^b\n",
    "ints": "input n: int\ninput x\ny = n*x - 2\nk = n + 1\n",
    "branches": "y = if a > b then exp(a)/b else log(b - c)\n",
    "asserts": 'assert a > 0, "a is positive"\ny = sqrt(a)*b + c\n',
    "functions": "fn f(x) = sigmoid(x)*tanh(x)\ny = f(a) + hypot(b, c) + max(a, b, c)\nz = f(y)\n",
    "poles": "y = a/b + log(c) + a^b + c^2/2 + a // 2 + min(b, 3)\n",
    "nan": "y = sqrt(a)*0 + b*c\n",
    "loop": "s = a\nfor k in 0..3 { s = s*b + c }\ny = s\n",
    "tensor": "v = [a, b, c]\ny = sum(v*v)\n",
    "single": "input a: f32\ny = a*a\n",
    "warned": "fn f(x) {\n  return x*x\n  y = 1\n}\ny = f(a) + b*c\n",
    "shadowed": "y = a*seed\n",
    "wrong": "y = a +\n",
    "empty": "",
    "imports": 'import "part.cg"\ny = part.f(a) + b*c\n',
}
NUMBERS = [
    "2",
    "3",
    "-1",
    "0",
    "-0",
    "0.5",
    "1e-3",
    "-1e-3",
    "1e400",
    "1e308",
    "pi/2",
    "nan",
    "inf",
    "true",
    "7.",
    "x",
    "",
]


def folder_of_programs(folder: Path) -> Path:
    for name, text in PROGRAMS.items():
        (folder / f"{name}.cg").write_text(text, encoding="utf-8")
    (folder / "part.cg").write_text("fn f(x) = x*x + 1\n", encoding="utf-8")
    return folder


def commands_alone(*args: str) -> Result:
    """As `cg`, without the front door."""
    with mock.patch("cgcli.cli._front_door", return_value=None):
        return cg(*args)


def argument_vectors(folder: Path, seed: int, count: int) -> Iterator[list[str]]:
    """Lines of both commands, most of them right."""
    rng = Random(seed)
    for _ in range(count):
        name = rng.choice(list(PROGRAMS))
        program = rng.choice([[str(folder / f"{name}.cg")]] * 9 + [["-e", PROGRAMS[name]]] * 2 + [[], ["-"]])
        usual = ("n", "x") if name == "ints" else ("a", "b", "c")
        inputs = [n for n in usual if rng.random() < 0.97] + [n for n in ("a", "z") if rng.random() < 0.03]
        parts = [program]
        for n in inputs:
            value = rng.choice(NUMBERS if rng.random() < 0.2 else NUMBERS[:4])
            parts.append([f"--{n}={value}"] if rng.random() < 0.3 else [f"--{n}", value])
        if rng.random() < 0.25:
            table = folder / f"t{rng.randrange(1000)}.csv"
            table.write_text(random_table(rng, [*usual, "d"] if rng.random() < 0.1 else usual), encoding="utf-8")
            parts = [program, ["--data", str(table)], *(p for p in parts[1:] if rng.random() < 0.1)]
        for option, values in {
            "--format": ("plain", "json", "csv", "table", "yaml"),
            "--precision": ("3", "1", "0", "800", "x"),
            "--of": ("y", "z", "d", "k", "nothing"),
            "--wrt": ("a", "a,b", "b,a,b", "a, b", "d", ","),
            "--all": (None,),
            "--seed": ("1",),
        }.items():
            if rng.random() < 0.15:
                value = rng.choice(values)
                parts.append([option] if value is None else [option, value])
        rng.shuffle(parts)
        yield [rng.choice(("eval", "grad", "grad")), *itertools.chain(*parts)]


def random_table(rng: Random, names: Sequence[str]) -> str:
    """A table of plain numbers as a rule, with a few oddities."""
    values = NUMBERS if rng.random() < 0.15 else NUMBERS[:6]
    names = rng.sample(names, rng.choice([len(names)] * 9 + [len(names) - 1]))
    lines = [",".join(rng.choice(values) for _ in names) for _ in range(rng.choice((0, 1, 2, 3, 10, 49, 50, 51, 60)))]
    if lines and rng.random() < 0.3:
        odd = rng.choice(["", " ", "1", "1,2,3,4,5,6", '"1",2,3', "1, 2,3 ", "# 1"])
        lines.insert(rng.randrange(len(lines)), odd)
    end = rng.choice(["\n", "\n", "\n", "", "\n\n", "\r\n"])
    separator = rng.choice(["\n"] * 8 + ["\r\n"])
    return separator.join([",".join(names), *lines]) + end


def is_answered(*args: str) -> bool:
    try:
        return answer(Request(args)) is not None
    except ValueError:
        return False


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.thorough) for n in range(1, 12))])
def test_both_doors_say_the_same(seed: int, tmp_path: Path) -> None:
    folder = folder_of_programs(tmp_path)
    answered: Counter[str] = Counter()
    for args in argument_vectors(folder, seed, 500):
        expected = commands_alone(*args)  # which keeps what the front door needs
        answered[args[0]] += is_answered(*args)
        assert cg(*args) == expected, args
    assert min(answered["eval"], answered["grad"]) > 10


@pytest.mark.parametrize(
    "name", ["article", "defaults", "ints", "branches", "asserts", "functions", "poles", "imports"]
)
@pytest.mark.portable
@pytest.mark.parametrize("command", ["eval", "grad"])
def test_programs_on_numbers_are_answered(name: str, command: str, tmp_path: Path) -> None:
    folder_of_programs(tmp_path)
    line = [command, str(tmp_path / f"{name}.cg"), *(["--of", "y"] if command == "grad" else [])]
    line += ["--n", "3", "--x", "1"] if name == "ints" else ["--a", "2", "--b", "3"]
    line += [] if name in ("defaults", "ints") else ["--c", "1" if name != "branches" else "-1"]
    assert not is_answered(*line)
    first = commands_alone(*line)
    assert first[0] == 0, first
    for style in FORMATS[1:]:
        assert is_answered(*line, "--format", style)
        assert cg(*line, "--format", style) == commands_alone(*line, "--format", style)


@pytest.mark.parametrize("name", ["loop", "tensor", "single", "warned", "shadowed"])
def test_other_programs_are_not(name: str, tmp_path: Path) -> None:
    folder_of_programs(tmp_path)
    line = ["eval", str(tmp_path / f"{name}.cg"), "--a", "2", "--b", "3", "--c", "1"]
    line = line[:4] if name == "single" else [*line[:4], "--set", "seed=3"] if name == "shadowed" else line
    assert commands_alone(*line)[0] == 0
    assert not is_answered(*line)


@pytest.mark.parametrize("sample", sorted((ROOT / "samples").glob("*.cg")), ids=lambda path: path.stem)
def test_every_sample(sample: Path) -> None:
    values = values_for(sample).items()
    numbers = [part for n, x in values if isinstance(x, (int, float)) for part in (f"--{n}", repr(x))]
    for command in ("eval", "grad"):
        line = [command, str(sample), *numbers]
        assert commands_alone(*line) == cg(*line)


def bits(x: float) -> str:
    return "nan" if x != x else repr(x)


def outcome(numbers: Sequence[float] | None) -> list[str] | None:
    return None if numbers is None else list(map(bits, numbers))


def by_instructions(graph: object, inputs: list[float]) -> list[float] | None:
    lines, registers = write_instructions(graph)  # type: ignore[arg-type]
    try:
        v = run(lines, inputs)
    except Stopped:
        return None
    return [v[k] for k in registers]


@pytest.mark.parametrize("seeds", [range(1500), pytest.param(range(1500, 30_000), marks=pytest.mark.thorough)])
def test_instructions_have_the_digits_of_the_graph_and_of_its_sweep(seeds: range) -> None:
    compared: Counter[str] = Counter()
    for seed in seeds:
        graph, inputs = random_graph(seed, tensors=False)
        if has_loop(graph):
            continue
        with contextlib.suppress(Unsupported):
            by_lines = by_instructions(graph, inputs)
            try:
                values = NumberGraph(graph)(inputs)
            except CgError:
                values = None
            assert outcome(values) == outcome(by_lines), seed
            compared["values" if values else "stops"] += 1
        floats = [x for x in graph.inputs if single(graph.type_of(x)).dtype == "float"]
        for of in dict.fromkeys(graph.outputs):
            if single(graph.type_of(of)).dtype != "float":
                continue
            with contextlib.suppress(Unsupported):
                by_lines = by_instructions(gradient(graph, of, floats, value=True), inputs)
                numbers = NumberGraph(restrict(graph, [of]))
                try:
                    v = numbers.run(inputs)
                except CgError:
                    swept = None
                else:
                    adjoints = numbers.adjoints(v, of)
                    swept = [v[of], *(unsigned_zero(adjoints[x] or 0.0) for x in floats)]
                zeros = None if by_lines is None else [by_lines[0], *map(unsigned_zero, by_lines[1:])]
                assert outcome(swept) == outcome(zeros), (seed, of)
                compared["gradients"] += 1
    assert compared["values"] > 100
    assert compared["gradients"] > 300
    assert compared["stops"]


def test_its_options_are_those_of_the_commands() -> None:
    for name, options in OPTIONS.items():
        command = commands.get_command(None, name)
        declared = {option for param in command.params for option in param.opts}
        assert set(options) <= declared
    formats = get_args(get_args(get_type_hints(OutputOptions)["format"])[0])
    assert formats == FORMATS
    assert MOST_DIGITS == DIGITS


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    folder = folder_of_programs(tmp_path)
    line = ["eval", str(folder / "imports.cg"), "--a", "2", "--b", "3", "--c", "1"]
    assert cg(*line).out == "y = 8\n"
    assert is_answered(*line)
    (folder / "part.cg").write_text("fn f(x) = x*x + 2\n", encoding="utf-8")
    assert not is_answered(*line)
    assert cg(*line).out == "y = 9\n"
    (folder / "imports.cg").write_text("y = a\n", encoding="utf-8")
    assert cg(*line[:4]).out == "y = 2\n"


def test_the_same_text_in_another_folder_imports_its_own_files(tmp_path: Path) -> None:
    lines = []
    for k in (1, 2):
        folder = tmp_path / str(k)
        folder.mkdir()
        (folder / "part.cg").write_text(f"fn f(x) = x + {k}\n", encoding="utf-8")
        (folder / "p.cg").write_text('import "part.cg"\ny = part.f(a)\n', encoding="utf-8")
        lines.append(["eval", str(folder / "p.cg"), "--a", "2"])
    assert [cg(*line).out for line in lines * 2] == ["y = 3\n", "y = 4\n"] * 2


@pytest.mark.parametrize("parts", [("-e", "", ""), ("", ""), ("", "-e", "a"), ("-e", "", "-e", "a"), ("-e", "a", "")])
def test_empty_arguments_are_arguments(parts: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "f.cg"
    file.write_text("y = a\n", encoding="utf-8")
    assert cg("eval", str(file), "--a", "1").status == 0
    line = ["eval", *parts[:-1], parts[-1] or str(file), "--a", "1"]
    assert cg(*line) == commands_alone(*line)
    assert cg(*line).status == 2


def test_names_that_are_no_text(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"bad\xff")
    try:
        folder_of_programs_in(folder)
    except OSError:
        pytest.skip("the file system has texts for names alone")
    line = ["eval", str(folder / "imports.cg"), "--a", "2", "--b", "3", "--c", "1"]
    assert [cg(*line) for _ in range(2)] == [(0, "y = 8\n", "")] * 2
    assert is_answered(*line)


def folder_of_programs_in(folder: Path) -> None:
    folder.mkdir()
    folder_of_programs(folder)


def test_a_table_in_an_encoding_without_its_rule() -> None:
    line = ["eval", ARTICLE, "--a", "2", "--b", "3", "--c", "1", "--format", "table"]
    outputs = [process(*line, env={"PYTHONIOENCODING": "ascii"}) for _ in range(2)]
    assert [(x.returncode, x.stderr) for x in outputs] == [(0, "")] * 2
    assert outputs[0].stdout == outputs[1].stdout
    assert r"\u2500" in outputs[0].stdout


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_an_import_that_became_a_pipe_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "lib.cg").write_text("", encoding="utf-8")
    (tmp_path / "m.cg").write_text('import "lib.cg"\ny = a*3\n', encoding="utf-8")
    line = ["eval", str(tmp_path / "m.cg"), "--a", "2"]
    assert cg(*line).out == "y = 6\n"
    assert is_answered(*line)
    (tmp_path / "lib.cg").unlink()
    os.mkfifo(tmp_path / "lib.cg")
    assert not is_answered(*line)
    assert cg(*line).status == 2


def test_programs_without_instructions_are_not_tried_again(tmp_path: Path) -> None:
    folder_of_programs(tmp_path)
    line = ["grad", str(tmp_path / "loop.cg"), "--a", "2", "--b", "3", "--c", "1"]
    assert cg(*line).status == 0
    with mock.patch("cgcli.program.instructions._lines", side_effect=AssertionError):
        assert cg(*line).status == 0


@pytest.mark.portable
@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="the system has no such signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_while_the_output_waits(name: str) -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(write, b"x" * 65_536)
    os.set_blocking(write, True)
    code = "from cgcli.cli import script; script()"
    line = [sys.executable, "-c", code, "eval", ARTICLE, "--a", "2", "--b", "3", "--c", "1"]
    assert cg(*line[3:]).status == 0
    with subprocess.Popen(line, stdout=write, stderr=subprocess.PIPE, text=True) as waiting:
        os.close(write)
        time.sleep(1.0)
        waiting.send_signal(getattr(signal, name))
        _, messages = waiting.communicate(timeout=30)
    os.close(read)
    assert (waiting.returncode, messages) == (130, "interrupted\n")


def test_an_import_by_another_link_is_another_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, outside = tmp_path / "program", tmp_path / "outside.cg"
    folder.mkdir()
    monkeypatch.chdir(folder)
    outside.write_text("fn g(x) = x + 1\n", encoding="utf-8")
    for k in (1, 2):
        Path(f"{k}.cg").write_text(f"fn g(x) = x + {k}\n", encoding="utf-8")
    Path("m.cg").write_text('import "lib.cg"\ny = lib.g(a)\n', encoding="utf-8")
    link, line = Path("lib.cg"), ["eval", "m.cg", "--a", "1"]
    for target, expected in (("1.cg", "y = 2\n"), ("2.cg", "y = 3\n"), ("1.cg", "y = 2\n")):
        link.symlink_to(target)
        assert [cg(*line).out for _ in range(2)] == [expected] * 2
        assert is_answered(*line)
        link.unlink()
    link.symlink_to(outside)
    assert cg(*line).status == 2
    link.unlink()
    assert cg(*line).status == 2


def test_damaged_entries_are_read_again(tmp_path: Path) -> None:
    environment = {"XDG_CACHE_HOME": str(tmp_path)}
    line = ["grad", ARTICLE, "--a", "2", "--b", "3", "--c", "1"]
    expected = cg(*line, **environment)
    (entry,) = (tmp_path / "cg" / "instructions").iterdir()
    whole = entry.read_bytes()
    for k in range(0, len(whole), 7):
        entry.write_bytes(whole[:k] + bytes([whole[k] ^ 1]) + whole[k + 1 :])
        assert cg(*line, **environment) == expected
    entry.unlink()
    entry.mkdir()
    assert cg(*line, **environment) == expected


@pytest.mark.portable
def test_it_loads_few_modules() -> None:
    code = "import sys; from cgcli.cli import main; main(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    line = [sys.executable, "-c", code, "grad", ARTICLE, "--a", "2", "--b", "3", "--c", "1"]
    done = [subprocess.run(line, capture_output=True, text=True, check=True) for _ in range(2)][1]
    bare = subprocess.run([sys.executable, "-c", "import sys; print(*sys.modules)"], capture_output=True, check=True)
    loaded = set(done.stderr.split()) - set(bare.stdout.decode().split())
    assert {name for name in loaded if name.partition(".")[0] != "cgcli"} <= {"__future__", "_blake2", "math"}
    assert len(loaded) <= 23


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no full device")
def test_what_cannot_be_written_is_an_error() -> None:
    line = ["eval", ARTICLE, "--a", "2", "--b", "3", "--c", "1"]
    assert cg(*line).status == 0  # which keeps its instructions
    for _ in range(2):
        with open("/dev/full", "w") as full:
            done = process(*line, stdout=full)
        assert done.returncode == 1
        assert "no space left" in done.stderr
    assert is_answered(*line)


def test_a_closed_pipe_is_none() -> None:
    line = ["eval", ARTICLE, "--a", "2", "--b", "3", "--c", "1"]
    assert cg(*line).status == 0
    for _ in range(2):
        read, write = os.pipe()
        os.close(read)
        done = process(*line, stdout=write)
        os.close(write)
        assert (done.returncode, done.stderr) == (0, "")
    assert is_answered(*line)


def as_script(*args: str, before: str = "", **options: Any) -> subprocess.CompletedProcess[str]:
    """The installed `cg`, in an interpreter that has run some lines before it."""
    code = f"{before}\nfrom cgcli.cli import script\nscript()"
    options.setdefault("stdout", subprocess.PIPE)
    return subprocess.run(
        [sys.executable, "-c", code, *args], stderr=subprocess.PIPE, text=True, check=False, **options
    )


@pytest.mark.portable
@pytest.mark.parametrize("args", [("eval", "-e", "a*2", "--a", "3"), ("eval", "-e", "a*2", "--a", "3", "--all")])
def test_the_script_leaves_when_all_is_written_and_exit_functions_have_run(args: tuple[str, ...]) -> None:
    hook = "import atexit, sys\natexit.register(print, 'end', file=sys.stderr)"
    for _ in range(2):
        done = as_script(*args, before=hook)
        assert (done.returncode, done.stdout, done.stderr) == (
            0,
            "out = 6\n" if len(args) == 5 else done.stdout,
            "end\n",
        )
        assert "6" in done.stdout


def test_the_script_has_the_status_of_the_command() -> None:
    done = as_script("eval", "-e", "a +")
    assert done.returncode == 2
    assert "error:" in done.stderr


@pytest.mark.portable
def test_the_script_waits_for_other_threads() -> None:
    line = "import threading, time, sys\n"
    line += "threading.Thread(target=lambda: (time.sleep(0.3), print('over', file=sys.stderr))).start()"
    assert as_script("eval", "-e", "2", before=line).stderr == "over\n"


@pytest.mark.parametrize("seeds", [range(150), pytest.param(range(150, 4000), marks=pytest.mark.thorough)])
def test_tables_of_plain_numbers(seeds: range, tmp_path: Path) -> None:
    folder = folder_of_programs(tmp_path)
    numbers = "2 3 -1 0.5 1e-3 -1e-3 7. 1e308 -0 0 12345678901234567890 5e-324 .5 1E5 007".split()
    names_of = {"ints": ["n", "x"], "defaults": ["a", "b"]}
    answered = 0
    for seed in seeds:
        rng = Random(seed)
        program = rng.choice(["article", "poles", "functions", "ints", "branches", "defaults", "asserts", "imports"])
        names = rng.sample(usual := names_of.get(program, ["a", "b", "c"]), len(usual))
        cells = {name: numbers[:1] if name == "n" else numbers for name in names}
        rows = [[rng.choice(cells[name]) for name in names] for _ in range(rng.choice((0, 1, 9, 50)))]
        (folder / "t.csv").write_text("".join(",".join(row) + "\n" for row in [names, *rows]), encoding="utf-8")
        line = [rng.choice(("eval", "grad")), str(folder / f"{program}.cg"), "--data", str(folder / "t.csv")]
        line += [*(["--of", "y"] if line[0] == "grad" else []), *rng.choice(([], [], ["--precision", "3"]))]
        expected = commands_alone(*line)
        assert cg(*line) == expected, seed
        answered += is_answered(*line)
    assert answered > len(seeds) // 2


def test_a_table_of_few_numbers_is_answered(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text('"b",a\n2,1\n1e-3,0.5\n', encoding="utf-8")
    for command, expected in (("eval", "y\n2.0\n0.0005\n"), ("grad", "y,dy/da,dy/db\n2.0,2.0,1.0\n0.0005,0.001,0.5\n")):
        line = [command, "-e", "y = a*b", "--data", str(table)]
        assert not is_answered(*line)
        assert [cg(*line) for _ in range(2)] == [(0, expected, "")] * 2
        assert is_answered(*line)
        for odd in ('"1",2,3', "1,x,2", "1,2,", "1"):  # cells that are no numbers, too many or too few of them
            (tmp_path / "odd.csv").write_text(f"b,a\n2,1\n{odd}\n", encoding="utf-8")
            assert not is_answered(*line[:-1], str(tmp_path / "odd.csv"))
        many = tmp_path / "many.csv"
        many.write_text("b,a\n" + "2,1\n" * 51, encoding="utf-8")
        assert not is_answered(*line[:-1], str(many))
