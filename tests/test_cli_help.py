"""Help pages: those of commands, with the inputs of a program, those of topics; and completion in the shell."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest
from cli_harness import ARTICLE, cg, process

from cgcli.cli.app import COMMANDS
from cgcli.cli.topics import PAGES
from cgcli.diagnostics.source import Source
from cgcli.language.builtins import TENSORS
from cgcli.language.grammar import grammar_text
from cgcli.language.imports import library_names
from cgcli.language.library import LIBRARY
from cgcli.language.library.docs import DOCS
from cgcli.language.modules import library_functions
from cgcli.language.parser import parse
from cgcli.language.words import WORDS
from cgcli.program.options import GROUPS, OutputOptions, RunOptions, TableOptions
from cgcli.program.reference import function_names

COMMANDS_OF_PROGRAMS = [
    "eval",
    "grad",
    "sweep",
    "explain",
    "show",
    "render",
    "plot",
    "live",
    "plan",
    "trace",
    "step",
    "train",
    "predict",
]
DECLARED = """
input spot: float                   ## price of the share
input vol: float = 0.2 in 0..2      ## annual volatility
input steps: int = 3
input call: bool = true
input format: float
param k: float = 1
output y = spot * vol + k * format
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    Path("f.cg").write_text(ARTICLE)
    Path("d.cg").write_text(DECLARED)


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, without a file."""
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


# ---- commands


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_the_help_of_a_command_ends_with_examples_that_work(command: str, empty: Path) -> None:
    page = cg(*command.split(), "--help")
    assert (page.status, page.err) == (0, "")
    examples = page.out.split("  Example:\n")[1].strip().splitlines()
    assert examples[-1].strip().startswith(f"cg {command}")
    for example in examples:  # the first copies the sample that the others use
        assert example.strip().startswith("cg ")
        if command == "live" and example == examples[-1]:  # it does not end: tests/test_live.py runs it
            continue
        done = cg(*shlex.split(example)[1:])
        assert done.status == 0, done


@pytest.mark.parametrize("command", ["eval", "grad", "show", "render"])
@pytest.mark.parametrize("args", [["d.cg", "--help"], ["--help", "d.cg"], ["d.cg", "-h"], ["-e", DECLARED, "--help"]])
def test_help_with_a_program_lists_its_inputs(command: str, args: list[str]) -> None:
    page = cg(command, *args).out
    inputs = page[page.index("Inputs of ") : page.index("Program:")].splitlines()
    told = [" ".join(line.split()) for line in inputs if line.strip()]
    assert told[1:] == [
        "--spot FLOAT price of the share [required]",
        "--vol FLOAT annual volatility [default: 0.2; range: 0..2]",
        "--steps INT [default: 3]",
        "--call BOOL [default: true]",
        "--set format=FLOAT [required]",
        "--k FLOAT [param; default: 1]",
    ]


def test_help_says_when_a_program_has_no_inputs() -> None:
    assert cg("eval", "-e", "1 + 1", "--help").out.split("Inputs of -e:")[1].split()[0] == "none"


@pytest.mark.parametrize("command", COMMANDS_OF_PROGRAMS)
def test_options_stand_in_groups_after_the_inputs(command: str) -> None:
    page = cg(command, "f.cg", "--help").out
    headings = [line.removesuffix(":") for line in page.splitlines() if line.endswith(":") and line[:1] != " "]
    assert headings[0] == "Inputs of f.cg"
    assert headings[1:] == [group for group in GROUPS if group in headings]
    assert {"Program", "Values", "Output"} <= set(headings)
    assert sum(line.split()[:1] == ["-h,"] for line in page.splitlines()) == 1


def test_each_field_of_the_records_is_an_option_of_its_command() -> None:
    words = set(re.split(r"[\s,\[\]]+", cg("eval", "--help").out))
    for record in (RunOptions, OutputOptions, TableOptions):
        for hint in get_type_hints(record, include_extras=True).values():
            assert words.issuperset(hint.__metadata__[0].spelling.split())


@pytest.mark.parametrize("text", ["y = (a +", "input x: floot", "", "\x00", 'import "none.cg"'])
def test_help_with_a_broken_program_still_helps(text: str) -> None:
    Path("broken.cg").write_text(text)
    page = cg("eval", "broken.cg", "--help")
    assert (page.status, page.err) == (0, "")
    assert "--precision" in page.out
    assert page.out.rstrip().endswith("--c 1")


def test_help_with_a_broken_program_says_why_it_lists_no_inputs() -> None:
    Path("broken.cg").write_text("a = 1\ny = (a +")
    page = cg("eval", "broken.cg", "--help").out
    assert "The inputs cannot be listed: " in page
    assert "broken.cg:2:5" in page


def test_help_with_a_missing_program_still_helps() -> None:
    page = cg("eval", "none.cg", "--help")
    assert (page.status, page.err) == (0, "")
    assert "The inputs cannot be listed: " in page.out


def test_help_does_not_wait_for_standard_input() -> None:
    assert "Usage: cg eval" in cg("eval", "-", "--help", stdin="x").out


def test_help_is_given_whatever_else_is_wrong() -> None:
    assert cg("eval", "f.cg", "--a", "--help").status == 0
    assert cg("eval", "--format", "xml", "--help").status == 0


def test_a_doc_comment_reaches_help_harmlessly() -> None:
    page = cg("eval", "-e", "input a ## [/b] [link=x] {0} %s \\x1b\noutput y = a", "--help").out
    assert "[/b] [link=x] {0} %s" in page


# ---- topics


def test_help_without_a_topic_lists_all() -> None:
    listed = cg("help").out.split()
    assert set(listed) >= {*PAGES, *COMMANDS, *WORDS, *function_names(), *library_names()}


@pytest.mark.parametrize("command", list(COMMANDS))
def test_help_on_a_command_is_its_page(command: str) -> None:
    page, usage, rest = cg("help", command).out.rpartition("Usage: ")
    assert usage + rest == cg(command, "--help").out
    assert bool(page) == (command in function_names())


@pytest.mark.parametrize("name", WORDS)
def test_the_page_of_a_word_has_an_example_that_is_true(name: str, empty: Path) -> None:
    lines = cg("help", name).out.splitlines()
    assert max(map(len, lines)) <= 120
    assert name in re.findall(r"\w+", lines[0])
    number = next(i for i, line in enumerate(lines) if line.startswith("Example"))
    done = cg(*shlex.split(lines[number].removeprefix("Example"))[1:])
    assert (done.status, done.err) == (0, "")
    assert [line.strip() for line in lines[number + 1 :]] == done.out.splitlines()


def test_every_keyword_of_the_grammar_has_a_page() -> None:
    keywords = set(re.findall(r'"([a-z]+)"', grammar_text()))
    assert keywords <= WORDS.keys()
    assert keywords >= {"input", "for", "then"}


def test_the_page_of_the_language_has_every_statement() -> None:
    """Its examples, a line or a block each, are read by the parser; what is said of them stands two blanks apart."""
    rule = re.search(r"\?statement:(.*?)\n\w", grammar_text(), re.DOTALL)
    assert rule is not None
    statements = set(re.findall(r"\w+", rule[1]))
    assert {"for_stmt", "assign", "bare"} <= statements
    lines = [line[2:] for line in cg("help", "language").out.splitlines() if line.startswith("  ")]
    examples = "\n".join(line[:2] + re.split("  +", line[2:])[0] for line in lines)
    nodes = list(parse(Source("language", examples)).tree.iter_subtrees())
    assert statements <= {node.data for node in nodes}


def test_the_page_of_values_has_examples_that_work(empty: Path) -> None:
    np.save("x.npy", np.ones((2, 3)))
    np.savez("w.npz", W1=np.ones((1, 2)))
    Path("values.json").write_text('{"a": 2}')
    lines = [line for line in PAGES["values"].text.splitlines() if line.startswith("  --")]
    examples = [example for line in lines for example in re.findall(r"--\w+(?:=| )(?:'.*?'|\S+)", line)]
    assert len(examples) == 11
    program = "input a = 0.0; input b: bool = false; input x: float[n, m] = [[0.0]]; output a, b, x"
    for example in examples:
        done = cg("eval", "-e", program, *shlex.split(example))
        assert (done.status, done.err) == (0, ""), example
        assert done.out != cg("eval", "-e", program).out, example


@pytest.mark.parametrize("page", sorted(PAGES))
def test_a_page_fits_an_ordinary_terminal(page: str) -> None:
    text = cg("help", page).out
    assert len(text.splitlines()) < 60
    assert max(map(len, text.splitlines())) <= 120


def test_the_page_of_exit_statuses_names_each() -> None:
    first_words = [line.split()[0] for line in cg("help", "exit-codes").out.splitlines() if line.strip()]
    assert [word for word in first_words if word.isdigit()] == ["0", "1", "2", "130"]


@pytest.mark.parametrize("name", function_names())
def test_the_page_of_a_function_has_an_example_that_is_true(name: str) -> None:
    page, usage, _ = cg("help", name).out.partition("\nUsage: ")
    assert bool(usage) == (name in COMMANDS)  # `grad` and `trace` are both
    lines = page.splitlines()
    assert lines[0].startswith(f"{name}(")
    assert any(line.startswith("Domain") for line in lines) or name in LIBRARY
    number = next(i for i, line in enumerate(lines) if line.startswith("Example"))
    done = cg(*shlex.split(lines[number].removeprefix("Example"))[1:])
    assert (done.status, done.err) == (0, "")
    shown = [line.split(" = ")[1] for line in done.out.splitlines()]
    assert [line.strip() for line in lines[number + 1 :]][-len(shown) :] == shown[-(len(lines) - number - 1) :]


def test_every_function_on_tensors_is_documented() -> None:
    assert LIBRARY.keys() == DOCS.keys()
    assert LIBRARY.keys() - {"max", "min"} == TENSORS


@pytest.mark.parametrize("module", library_names())
def test_the_page_of_a_module_lists_its_functions(module: str) -> None:
    page = cg("help", module).out
    for function in library_functions(module):
        assert f"{module}.{function.name}" in page
        assert function.value in cg("help", f"{module}.{function.name}").out
        assert cg("show", f"{module}.{function.name}").status == 0


def test_the_page_of_a_function_shows_its_derivative() -> None:
    assert "cos(x)" in cg("help", "sin").out.split("Derivative")[1]


@pytest.mark.parametrize(
    ("topic", "offer"), [("sigmod", "did you mean `sigmoid`?"), ("langage", "did you mean `language`?")]
)
def test_an_unknown_topic_is_an_error_with_an_offer(topic: str, offer: str) -> None:
    result = cg("help", topic)
    assert (result.status, result.out) == (2, "")
    assert offer in result.err


# ---- completion


def completed(line: str) -> list[str]:
    words = shlex.split(line)
    count = len(words) if line.endswith(" ") else len(words) - 1
    done = process(
        env={"_CG_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(count)},
    )
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout.split()


def test_the_shell_completes_commands_and_options() -> None:
    assert completed("cg ev") == ["eval"]
    assert completed("cg eval f.cg --prec") == ["--precision"]
    assert completed("cg eval f.cg --format ") == ["table", "plain", "json", "csv"]


def test_the_shell_completes_the_inputs_of_the_program() -> None:
    assert [o for o in completed("cg eval f.cg --") if len(o) == 3] == ["--a", "--b", "--c"]
    assert [o for o in completed("cg eval f.cg --a 2 --") if len(o) == 3] == ["--b", "--c"]
    assert completed("cg grad d.cg --vo") == ["--vol"]
    assert completed("cg eval -e 'x * width' --wi") == ["--width"]


def test_the_shell_is_not_disturbed_by_a_broken_program() -> None:
    Path("broken.cg").write_text("y = (a +")
    for program in ("broken.cg", "none.cg", "-", "-e 'a +'"):
        assert completed(f"cg eval {program} --prec") == ["--precision"]
