"""On a terminal, text from outside is only ever text: every command, every way in, under a pseudo-terminal."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cli_harness import process

from cgcli.cli.app import COMMANDS

ROOT = Path(__file__).parents[1]
BLINK = "\x1b[5m"  # a colour code that is none of ours
HOSTILE = f"{BLINK}\x1b]0;t\x07\x9b5m\u202e\u200b\r"
UNDECODED = "\udcff\udc9b"  # a name that is not UTF-8
ACTS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
OURS = re.compile(r"\x1b\[(?!5m)[0-9;]*m|\x1b\[K|\r\n|\r(?=step|epoch|\x1b)")
OPTIONS = (
    "--format --of --wrt --inputs --data --map --weights --precision --mode --color --backend --timeout --allow-path "
    "--watch --only --commands --loss --optimizer --save --resume --seed --batch-size -o"
).split()
DRIVER = """
import json, sys
sys.path.insert(0, sys.argv[2])
from cgcli.cli import main
told = []
for args in json.load(open(sys.argv[1])):
    try:
        told.append(main(args))
    except BaseException as problem:
        told.append(repr(problem))
    print(file=sys.stderr)
json.dump(told, open(sys.argv[1] + ".done", "w"))
"""
pytestmark = pytest.mark.skipif(not hasattr(os, "openpty"), reason="there are no pseudo-terminals")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / f"in{HOSTILE}\n"
    folder.mkdir()
    monkeypatch.chdir(folder)


def on_a_terminal(calls: list[list[str]]) -> str:
    """What a terminal gets when the commands run, one after the other, in one process."""
    Path("calls.json").write_text(json.dumps(calls))
    master, slave = os.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "200", "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-c", DRIVER, "calls.json", str(ROOT)]
    with open(os.devnull) as nothing:
        child = subprocess.Popen(command, stdin=nothing, stdout=slave, stderr=slave, env=environment)
    os.close(slave)
    parts: list[bytes] = []
    try:
        while part := os.read(master, 65_536):
            parts.append(part)
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(master)
    assert child.wait(timeout=60) == 0, b"".join(parts)[-2000:]
    statuses = json.loads(Path("calls.json.done").read_text())
    assert [(c, s) for c, s in zip(calls, statuses, strict=True) if s not in (0, 1, 2)] == []
    return b"".join(parts).decode("utf-8", "surrogateescape")


def harmless(calls: list[list[str]]) -> str:
    """Runs the commands; what the terminal gets does nothing but show."""
    shown = on_a_terminal(calls)
    lines = [line for line in OURS.sub("\n", shown).splitlines() if ACTS.search(line)]
    assert lines == []
    assert "bug in cg" not in shown
    assert "Traceback" not in shown
    return shown


def test_the_test_sees_what_acts() -> None:
    assert ACTS.search(OURS.sub("\n", f"\x1b[1;31merror:\x1b[0m {BLINK}"))
    assert not ACTS.search(OURS.sub("\n", "\x1b[1;31merror:\x1b[0m\r\n"))


@pytest.mark.parametrize("name", [HOSTILE, UNDECODED], ids=["escapes", "undecoded"])
def test_names_and_values_on_the_line(name: str) -> None:
    good, bad, doc = f"g{name}.cg", f"b{name}.cg", f"d{name}.cg"
    Path(good).write_text("y = 2 * a")
    Path(bad).write_text("y = (a +")
    Path(doc).write_text(f"input a = 1 ## {name}\ny = a", errors="surrogateescape")
    calls: list[list[str]] = [[name], [f"--{name}"], [f"-{name}"], ["help", name], ["samples", name]]
    for command in COMMANDS:
        if command in ("help", "samples"):
            calls += [[command, "--help", name], [command, f"--{name}"]]
            continue
        if command == "live":  # which goes on when a program is wrong
            calls += [[command, each] for each in (name, f"{name}/none.cg", f"{good}.py:{name}", "-")]
            calls += [[command, good, f"--{name}"], [command, good, "--set", f"{name}=1", "--port", name]]
            continue
        calls += [[command, name], [command, good], [command, bad], [command, doc], [command, "-e", name]]
        calls += [[command, f"{name}/none.cg"], [command, f"{good}.py:{name}"], [command, ".", name]]
        calls += [[command, each, "--help"] for each in (good, bad, doc, name)]
        calls += [[command, good, f"--{name}"], [command, good, f"--{name}=1"], [command, good, "--set", f"{name}=1"]]
        calls += [[command, good, "--a", value] for value in (name, f"@{name}", f"@{name}.npy", f"[{name}]")]
    for option in OPTIONS:
        command = {"--watch": "trace", "--only": "trace", "--commands": "step", "-o": "render"}.get(option, "train")
        calls += [[each, good, "--a", "2", option, name] for each in dict.fromkeys((command, "grad", "plan"))]
    shown = harmless(calls)
    assert (r"\x1b[5m" if name == HOSTILE else r"\udcff") in shown


def test_data_and_checkpoints() -> None:
    import numpy as np
    from safetensors.numpy import save_file

    h = HOSTILE.replace("\r", "")
    Path("p.cg").write_text("param w = 1\ninput a\ny = w * a\nloss = (y - 1)^2\noutput y, loss")
    with open("t.csv", "w", newline="") as file:
        csv.writer(file).writerows([["a", h], [1, h], [2, h], [h, "x"]])
    Path("h.csv").write_text(f"{h}\n{h}\n")
    Path("t.jsonl").write_text(json.dumps({"a": h, h: 1}) + "\n")
    Path("t.json").write_text(json.dumps({"a": 2, h: {h: 3, "x": h}, "l": [1, {h: 2}]}))
    Path("i.json").write_text(json.dumps({h: 2}))
    Path("i.toml").write_text('"\\u001b[5m" = 2\n')
    np.savez("t.npz", **{"a": np.ones(2), h: np.ones(2)})
    save_file({h: np.ones(2), "w": np.ones(())}, "w.safetensors", metadata={"format": h, h: h, "cg": h})
    Path("any.cg").write_text("input t: any\ny = t.a * 2\n")
    calls = [["weights", "w.safetensors"], ["weights", "w.safetensors", "--format", "json"], ["weights", "t.npz"]]
    for data in ("t.csv", "h.csv", "t.jsonl", "t.npz", "t.json", "w.safetensors"):
        calls += [["eval", "p.cg", "--data", data], ["grad", "p.cg", "--of", "loss", "--data", data]]
        of = ["eval", "p.cg", "--data", data]
        calls += [[*of, "--on-error", "skip"], [*of, "--map", f"a={h}"]]
        calls += [["predict", "p.cg", "--data", data, "--weights", "w.safetensors"]]
        calls += [["train", "p.cg", "--data", data, "--loss", "loss", "--epochs", "1", "--save", f"s{h}.safetensors"]]
        training = ["sweep", "p.cg", "--train", "--data", data, "--loss", "loss", "--epochs", "1,2"]
        calls += [
            training,
            [*training, "-o", f"s{h}.csv"],
            [*training, "--sort", h],
            [*training, "--optimizer", f"{h},sgd"],
        ]
        calls += [["eval", "p.cg", "--inputs", data], ["eval", "p.cg", "--a", f"@{data}:{h}"]]
    calls += [["eval", "p.cg", "--inputs", each] for each in ("i.json", "i.toml")]
    for command in ("eval", "grad", "show", "explain", "trace", "plan", "check"):
        calls += [[command, "any.cg", "--t", "@t.json"], [command, "any.cg", "--t", json.dumps({h: 1})]]
        options = (("--all",), ("--wrt", "t"), ("--format", "json"))
        calls += [[command, "any.cg", "--t", "@t.json", *each] for each in options]
    Path("c.step").write_text(f"next\nprint t\nvars\nprint {h}\nbreak {h}\n{h}\nquit\n")
    calls += [["step", "any.cg", "--t", "@t.json", "--commands", "c.step"]]
    assert r"\x1b[5m" in harmless(calls)


def test_python_files() -> None:
    h = repr(HOSTILE)
    name = f"m{HOSTILE}.py"
    functions = {
        "raises": f"raise ValueError({h})",
        "kind": f"raise type({h}, (Exception,), {{}})({h})",
        "exits": f"import sys; sys.exit({h})",
        "missing": f"open({h})",
        "text": f"return {h}",
        "keys": f"return {{{h}: x}}",
        "returns": f"return type({h}, (), {{}})()",
        "syntax": f"raise SyntaxError({h}, ({h}, 1, 1, {h}))",
    }
    text = "".join(f"def {each}(x):\n    {h}\n    {body}\n" for each, body in functions.items())
    Path(name).write_text(f"{text}def odd(x: {h}, y={h}):\n    return x\n", encoding="utf-8")
    Path(f"s{name}").write_text("def f(:\n", encoding="utf-8")
    Path(f"i{name}").write_text(f"def f(x):\n    return x\nraise ValueError({h})\n", encoding="utf-8")
    files = [f"{name}:{each}" for each in (*functions, "odd", "none", HOSTILE)]
    files += [name, f"s{name}:f", f"i{name}:f", f"i{name}"]
    calls = [[c, file, *more] for file in files for c in ("eval", "show") for more in (("--x", "1"), ("--help",), ())]
    calls += [["check", file] for file in files] + [["fmt", name], ["trace", f"i{name}:f", "--x", "1"]]
    assert r"\x1b[5m" in harmless(calls)


def test_completion() -> None:
    Path("d.cg").write_text(f"input a = 1 ## {HOSTILE}\ny = a")
    Path("m.py").write_text(f"def f(x={HOSTILE!r}, k=1):\n    {HOSTILE!r}\n    return x\n")
    for line in ("cg eval d.cg --", "cg eval m.py:f --", f"cg eval '{BLINK}.cg' --"):
        done = process(env={"_CG_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": line})
        assert (done.returncode, done.stderr, "--help" in done.stdout) == (0, "", "eval" in line)
        assert not ACTS.search(done.stdout)
