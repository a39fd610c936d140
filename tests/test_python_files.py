"""Functions of Python files on the command line: only a run runs them, and whatever they do has one clear sentence."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from cli_harness import cg, process

from cgcli.diagnostics.diagnostic import CgError
from cgcli.program.host import trace
from cgcli.program.reading import function_names, read_python, read_signature

MARKED = '''
import pathlib
pathlib.Path("ran").write_text("ran")
import functools

def plain(x: float, n: int = 2, scale=[1.0, 2.0], rate=pathlib.Path("1").name == "1", W: "float[n, 3]" = None or 1.0):
    """What it is for.

    And more.
    """
    return {"y": x * n}

def f(x, k=1.5):
    return x * k

g = lambda x, k=1.5: x * k

@functools.lru_cache
def decorated(x):
    return 2 * x

from math import *
halved = functools.partial(f, k=0.5)
'''
RUNNING = ["eval", "grad", "sweep", "explain", "show", "plan", "render", "predict", "train"]
COMMANDS = [*RUNNING, "check", "trace", "step"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    Path("m.py").write_text(MARKED, encoding="utf-8")


def ran() -> bool:
    """Whether the file ran since this was last asked."""
    marker = Path("ran")
    found = marker.exists()
    marker.unlink(missing_ok=True)
    return found


# ---- only running runs


def test_running_runs() -> None:
    assert cg("eval", "m.py:f", "--x", "2").out == "f = 3\n"
    assert ran()
    assert not Path("__pycache__").exists()


@pytest.mark.parametrize("name", ["plain", "f", "g", "decorated", "halved", "none"])
@pytest.mark.parametrize("command", COMMANDS)
def test_help_reads(command: str, name: str) -> None:
    page = cg(command, f"m.py:{name}", "--help")
    assert (page.status, page.err, ran()) == (0, "", False)
    assert ("--k " in page.out) == (name in "fg")


@pytest.mark.parametrize("name", ["plain", "f", "decorated", "halved", "none"])
@pytest.mark.parametrize("mode", [(), ("--modes",), ("--format", "json")])
def test_check_reads(mode: tuple[str, ...], name: str) -> None:
    found = cg("check", f"m.py:{name}", *mode)
    assert (found.status, ran()) == (0, False)


@pytest.mark.parametrize("name", ["plain", "f", "decorated", "halved", "none"])
def test_completion_reads(name: str) -> None:
    line = f"cg eval m.py:{name} --"
    done = process(env={"_CG_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": "3"})
    assert (done.returncode, done.stderr, ran()) == (0, "", False)
    assert ("--k" in done.stdout.split()) == (name == "f")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "wrong",
    [
        ("--format", "xml"),
        ("--precison", "3", "--x", "2"),
        ("--nn", "3", "--x", "2"),
        ("--x", "2", "--x", "3"),
        ("--x", "a +"),
        ("--x", "@none.npy"),
        ("--k", "2"),
        ("-z",),
        ("more.cg",),
        ("--mode", "static", "--x", "2"),
    ],
)
def test_what_is_wrong_with_the_call_is_told_before_anything_runs(command: str, wrong: tuple[str, ...]) -> None:
    found = cg(command, "m.py:f", *wrong)
    assert (found.status in (1, 2), ran()) == (True, False), found
    if command in ("show", "plan", "render") and wrong == ("--k", "2"):
        assert found.status == 2


@pytest.mark.parametrize(
    ("command", "options"),
    [("trace", ("--x", "2")), ("step", ("--x", "2")), ("fmt", ())],
)
def test_commands_for_the_lines_of_cg_files_run_no_python(command: str, options: tuple[str, ...]) -> None:
    assert cg(command, "m.py:f", *options).status == 2
    assert not ran()


def test_a_python_file_alone_asks_for_a_function() -> None:
    for command in ("eval", "check", "show"):
        found = cg(command, "m.py")
        assert (found.status, "`m.py:plain`" in found.err + found.out, ran()) == (2, True, False)
    assert "lays out .cg programs" in cg("fmt", "m.py").err


def test_help_shows_what_the_text_says() -> None:
    page = cg("eval", "m.py:plain", "--help").out
    told = [" ".join(line.split()) for line in page[page.index("Inputs of") : page.index("Program:")].splitlines()]
    assert [line for line in told if line] == [
        "Inputs of m.py:plain:",
        "What it is for.",
        "--x FLOAT [required]",
        "--n INT [default: 2]",
        "--scale FLOAT[2] [default: [1.0, 2.0]]",
        "--rate FLOAT [default: …]",
        "--W FLOAT[N, 3] [default: …]",
    ]


@pytest.mark.parametrize(
    ("name", "why"), [("decorated", "decorated"), ("halved", "the result of an expression"), ("sin", "`import *`")]
)
def test_help_and_check_say_what_only_a_run_can_tell(name: str, why: str) -> None:
    assert "only a run can tell the parameters" in cg("eval", f"m.py:{name}", "--help").out
    found = cg("check", f"m.py:{name}")
    assert (found.status, found.err) == (0, "")
    assert why in found.out
    assert "nothing ran" in found.out
    assert not ran()


def test_what_only_a_run_can_tell_runs() -> None:
    assert cg("eval", "m.py:decorated", "--x", "2").out == "decorated = 4\n"
    assert cg("eval", "m.py:halved", "--x", "2").out == "halved = 1\n"


def test_check_says_that_it_did_not_run() -> None:
    found = cg("check", "m.py:f")
    assert found.out.startswith("ok: 2 inputs (x and k); dynamic: ")
    assert "did not run" in found.out


WRONG = {
    "def g(x):\n    return x\n": "no function `f`",
    "def F(x):\n    return x\n": "did you mean `F`?",
    "x = (1,\n\ndef f(x):\n    return x\n": "w.py:1:",
    "def f(*x):\n    return x[0]\n": "`x` cannot be an input",
    "def f(**x):\n    return x[0]\n": "`x` cannot be an input",
    "def f(x, /):\n    return x\n": "`x` cannot be an input",
    "def f(x: str):\n    return x\n": "w.py:1:7",
    "é = 1\ndef f(é, x: 'flot'):\n    return x\n": "w.py:2:10",
    "def f(x: float[3]):\n    return x\n": "without quotes",
    "def f(x: 'float; y = 1'):\n    return x\n": "is no type",
    "def f(x=None):\n    return x\n": "`None`, which is no number",
    "def f(x={}):\n    return x\n": "type `dict`, which is no number",
    "def f(input):\n    return input\n": "word of the language",
    "class f:\n    pass\n": "a class",
    "async def f(x):\n    return x\n": "a coroutine function",
    "def f(x):\n    yield x\n": "a generator function",
    "f = 3\n": "a value",
    "\x00": "",
    "(" * 5000: "is not Python",
    "-" * 50_000 + "1": "is not Python",
}


@pytest.mark.parametrize("text", WRONG, ids=range(len(WRONG)))
def test_what_reading_tells_is_wrong_before_anything_runs(text: str) -> None:
    Path("w.py").write_text(text, encoding="utf-8")
    for found in (cg("check", "w.py:f"), cg("eval", "w.py:f", "--x", "1")):
        told = found.out + found.err
        assert (found.status, WRONG[text] in told, "bug" in told) == (2, True, False), told


def test_a_file_of_that_very_name_is_opened() -> None:
    Path("m.py:z").write_text("y = 2 * a")
    assert cg("eval", "m.py:z", "--a", "2").out == "y = 4\n"
    assert not ran()


def test_the_text_is_read_as_python_counts_lines() -> None:
    Path("w.py").write_bytes(b"x = 1\r\n\x0c\r\ndef f(x):\r\n    return x + {}['a']\r\n")
    assert "w.py:4:5" in cg("eval", "w.py:f", "--x", "1").err


def test_bindings_that_depend_on_a_condition_are_for_a_run_to_tell() -> None:
    source = "if a:\n    def f(x): pass\nelse:\n    def f(y): pass\n"
    Path("w.py").write_text(source)
    with pytest.raises(CgError, check=lambda e: e.diagnostics[0].code == "host-unread"):
        read_signature(read_python("w.py"), "f")
    Path("w.py").write_text("def f(x): pass\ndef f(y): pass\n")
    assert [p.name for p in read_signature(read_python("w.py"), "f").parameters] == ["y"]
    assert function_names(read_python("m.py")) == ["plain", "f", "g"]


# ---- functions that misbehave

PRELUDE = """
import sys, threading, functools
import numpy as np
class Gone(BaseException): pass
class Mute(Exception):
    def __str__(self): raise RuntimeError
class Strange(type):
    @property
    def __name__(cls): raise ValueError
class Nameless(Exception, metaclass=Strange): pass
async def later(): pass
def raises(e): raise e
def in_a_thread():
    t = threading.Thread(target=raises, args=(ValueError("there"),))
    t.start()
    t.join()
    return 1.0
"""
FAILS = {
    "raises(Gone('away'))": "Gone: away",
    "raises(Mute())": "Mute",
    "raises(Nameless())": "an exception",
    "raises(ValueError)": "ValueError",
    "raises(ValueError('a\\n\\x1b[31mb'))": r"ValueError: a \x1b[31mb",
    "raises(type('\\x1bW', (Exception,), {})('w'))": r"\x1bW: w",
    "sys.exit()": "`sys.exit()`",
    "sys.exit(3)": "`sys.exit(3)`",
    "raises(SystemExit('usage'))": "`sys.exit(usage)`",
    "raises(GeneratorExit)": "GeneratorExit",
    "raises(StopIteration)": "StopIteration",
    "raises(MemoryError)": "MemoryError",
    "raises(BrokenPipeError(32, 'gone'))": "BrokenPipeError",
    "raises(EOFError)": "EOFError",
    "raises(__import__('typer').Abort())": "Abort",
    "raises(__import__('typer').Exit(7))": "Exit: 7",
    "raises(ExceptionGroup('many', [ValueError()]))": "ExceptionGroup: many",
    "raises(SyntaxError('odd', (3, 'a', {}, 1)))": "SyntaxError: odd",
    "exec('a b')": "SyntaxError",
    "f(x)": "RecursionError",
    "in_a_thread()": "ValueError: there",
    "__import__('no_such_module')": "ModuleNotFoundError",
    "open('none\\x1b[31m')": r"none\x1b[31m",
}
RETURNS = {
    "None": "`None`",
    "'text'": "`str`",
    "b'bytes'": "`bytes`",
    "1j": "`complex`",
    "(y for y in [x])": "`generator`",
    "later()": "`coroutine`",
    "object()": "`object`",
    "Gone": "`type`",
    "{x}": "`set`",
    "10**400": "`int`",
    "[10**400, x]": "`int`",
    "['a']": "`list`",
    "[1, [2, 3]]": "`list`",
    "np.array([None, 1])": "`ndarray`",
    "np.array(['a'])": "`ndarray`",
    "()": "nothing",
    "{}": "nothing",
    "(x, None)": "`None` for `f_2`",
    "{'y': 'text'}": "`str` for `y`",
    "{'a b': x}": "the key `a b`",
    "{'': x}": "the key `''`",
    "{1: x, '1': x}": "the key `1`",
    "{'\\x1b[31m': x}": r"the key `\x1b[31m`",
    "{'ﬁ': x, 'fi': x}": "two keys are the same name, `fi`",
    "[x, [x, x]]": "differ in shape",
}
IMPORTS = {
    "import sys; sys.exit('usage')": "`sys.exit(usage)`",
    "import no_such_module": "ModuleNotFoundError",
    "import broken": "SyntaxError",
    "1 / 0": "ZeroDivisionError",
    "raise BaseException": "BaseException",
}


def told(command: str, *args: str) -> tuple[int, str]:
    """The status and the first line of what a command says when it fails."""
    found = cg(command, *args)
    assert found.out == ""
    assert "Traceback" not in found.err
    return found.status, found.err.splitlines()[0]


@pytest.mark.parametrize("expression", FAILS)
def test_what_a_function_raises_is_told_in_one_sentence_at_a_line_of_the_file(expression: str) -> None:
    Path("w.py").write_text(f"{PRELUDE}def f(x):\n    return {expression}\n", encoding="utf-8")
    status, first = told("eval", "w.py:f", "--x", "1")
    assert (status, first.startswith("error: the function failed: "), FAILS[expression] in first) == (1, True, True), (
        first
    )
    assert "  --> w.py:" in cg("grad", "w.py:f", "--x", "1").err


@pytest.mark.parametrize("expression", RETURNS)
def test_what_a_function_returns_is_told_where_it_is_no_number(expression: str) -> None:
    Path("w.py").write_text(f"{PRELUDE}def f(x):\n    return {expression}\n", encoding="utf-8")
    status, first = told("eval", "w.py:f", "--x", "1")
    assert (status, RETURNS[expression] in first, "bug" in first) == (2, True, False), first
    assert f"--> w.py:{PRELUDE.count(chr(10)) + 1}:1" in cg("eval", "w.py:f", "--x", "1").err


@pytest.mark.parametrize("statement", IMPORTS)
def test_a_file_that_fails_is_told_in_one_sentence(statement: str) -> None:
    Path("broken.py").write_text("a b")
    Path("w.py").write_text(f"def f(x):\n    return x\n\n{statement}\n")
    status, first = told("eval", "w.py:f", "--x", "1")
    assert (status, IMPORTS[statement] in first) == (1, True), first
    assert ("broken.py:1:1" if "broken" in statement else "w.py:4:1") in cg("eval", "w.py:f", "--x", "1").err
    assert "cg_host_w" not in sys.modules


@pytest.mark.parametrize("where", ["    raise KeyboardInterrupt\n", "    return x\nraise KeyboardInterrupt\n"])
def test_an_interrupt_of_the_users_own_is_one(where: str) -> None:
    Path("w.py").write_text(f"def f(x):\n{where}")
    done = process("eval", "w.py:f", "--x", "1")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


def test_callables_of_other_kinds_run() -> None:
    Path("w.py").write_text(
        "import functools\n"
        "class C:\n    def m(self, x): return 2 * x\n    def __call__(self, x): return 3 * x\n"
        "m, c = C().m, C()\n"
        "p = functools.partial(lambda x, y: x * y, y=4)\n"
        "f = lambda x: 5 * x\n"
        "from helper import h\n"
    )
    Path("helper.py").write_text("def h(x):\n    import late\n    return late.six * x\n")
    Path("late.py").write_text("six = 6\n")
    for name, value in {"m": 4, "c": 6, "p": 8, "f": 10, "h": 12}.items():
        assert cg("eval", f"w.py:{name}", "--x", "2").out == f"{name} = {value}\n"
        for module in ("helper", "late"):
            sys.modules.pop(module, None)
    assert str(Path.cwd()) not in sys.path


def test_classes_in_a_file_find_their_module() -> None:
    Path("w.py").write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass P:\n    a: float\n\ndef f(x: float):\n    return P(x).a * 2\n"
    )
    assert cg("eval", "w.py:f", "--x", "2").out == "f = 4\n"


def test_a_value_takes_the_place_of_a_default_of_another_shape() -> None:
    Path("w.py").write_text("import numpy as np\ndef f(v=(1.0, 2), w=np.ones(3)):\n    return np.sum(v) + np.sum(w)\n")
    assert cg("eval", "w.py:f").out == "f = 6\n"
    assert cg("eval", "w.py:f", "--v", "5", "--w", "[[1, 1]]").out == "f = 7\n"


def test_tracing_in_python_raises_the_same_errors() -> None:
    def code(function: object) -> str:
        with pytest.raises(CgError) as caught:
            trace(function).eval({"x": 1.0})  # type: ignore[arg-type]
        return caught.value.diagnostics[0].code

    def leaves(x: float) -> object:
        raise SystemExit(3)

    assert code(leaves) == "host-failed"
    assert code(3) == "host-kind"
    assert code(int) == "host-kind"
    assert code(lambda x: "text") == "host-result"
    assert code(lambda *x: x) == "host-parameter"
    assert code(lambda x, y="a": x) == "host-default"


def test_what_a_function_prints_does_not_hinder_its_results() -> None:
    Path("w.py").write_text("def f(x):\n    print('hello')\n    return x\n")
    assert cg("eval", "w.py:f", "--x", "2").out == "hello\nf = 2\n"
