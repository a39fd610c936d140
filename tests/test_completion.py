"""Completion in bash, zsh and fish: what is offered, in each shell's own format; nothing is run for it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from cli_harness import cg, process

SHELLS = ("bash", "zsh", "fish")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("f.cg").write_text(
        "input a: float ## the length: of it\ninput b: float[n]\ninput k: int\nparam w = 1.0\n"
        "y = a * sum(b) * w\nz = k + 1\nu = a^2\n"
    )
    Path("m.py").write_text("open('ran', 'w').close()\n\ndef f(x, width=2.0):\n    return x * width\n")


def printed(shell: str, line: str, apart: bool = False) -> str:
    """What the shell gets; from a process of its own, as in a shell, or from this one, which is quicker."""
    words = shlex.split(line)
    environment = {"_CG_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_ARGS": line}
    if shell == "bash":
        count = len(words) if line.endswith(" ") else len(words) - 1
        environment |= {"COMP_WORDS": line, "COMP_CWORD": str(count)}
    if shell == "fish":
        environment["_TYPER_COMPLETE_FISH_ACTION"] = "get-args"
    if apart:
        done = process(env=environment)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout
    result = cg(**environment)
    assert (result.status, result.err) == (0, ""), result
    return result.out


def offered(shell: str, line: str) -> dict[str, str]:
    """The words with what is said of each; bash shows words alone."""
    text = printed(shell, line)
    if shell == "zsh":
        return dict(re.findall(r'^(?:_arguments \'\*: :\(\()?"([^"]*)"(?::"([^"]*)")?', text, re.MULTILINE))
    return dict((*each.split("\t", 1), "")[:2] for each in text.splitlines())


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("cg expl", ["explain"]),
        ("cg samples art", ["article"]),
        ("cg help exit", ["exit-codes"]),
        ("cg help sigm", ["sigmoid"]),
        ("cg help nn.soft", ["nn.softmax"]),
        ("cg grad f.cg --of ", ["y", "u"]),
        ("cg grad f.cg --wrt ", ["a", "b", "w"]),
        ("cg grad f.cg --wrt a,", ["a,b", "a,w"]),
        ("cg grad f.cg --wrt a,w,", ["a,w,b"]),
        ("cg grad f.cg --of y --wrt b", ["b"]),
        ("cg render f.cg --of u", ["u"]),
        ("cg explain f.cg --wrt w", ["w"]),
        ("cg grad -e 'p*q' --wrt p,", ["p,q"]),
        ("cg grad m.py:f --wrt ", ["x", "width"]),
        ("cg eval f.cg --format ", ["table", "plain", "json", "csv"]),
        ("cg samples --color ", ["auto", "always", "never"]),
        ("cg check f.cg --qu", ["--quiet"]),
        ("cg eval m.py:f --wi", ["--width"]),
    ],
)
def test_words(shell: str, line: str, words: list[str]) -> None:
    assert list(offered(shell, line)) == words
    assert not Path("ran").exists()


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_what_is_said_of_a_word(shell: str) -> None:
    colon = "\\\\:" if shell == "zsh" else ":"
    assert offered(shell, "cg eval f.cg --a")["--a"] == f"input, float{colon} the length{colon} of it"
    assert offered(shell, "cg grad f.cg --wrt b")["b"] == "input, float[n]"
    assert offered(shell, "cg samples art")["article"]
    assert offered(shell, "cg help exit")["exit-codes"]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_process_of_its_own_offers_the_same(shell: str) -> None:
    for line in ("cg expl", "cg grad f.cg --wrt "):
        assert printed(shell, line, apart=True) == printed(shell, line)


def test_files_are_left_to_the_shell() -> None:
    assert printed("bash", "cg eval ").strip() == ""
    assert printed("zsh", "cg eval ").strip() == "_files"
    assert printed("fish", "cg eval ").strip() == ""


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("program", ["broken.cg", "none.cg", "-", "-e 'a +'", "none.py:f"])
def test_a_program_that_cannot_be_read_offers_nothing(shell: str, program: str) -> None:
    Path("broken.cg").write_text("y = (a +")
    for option in ("--of", "--wrt"):
        assert not [word for word in offered(shell, f"cg grad {program} {option} ") if word.startswith(("a", "y"))]


@pytest.mark.parametrize(
    "doc", [r"\$(touch ran)", r"\`touch ran`", '"; touch ran; "', "'$(touch ran)'", "[red]x[/] [/y]", r"\\"]
)
def test_a_doc_comment_does_nothing_in_a_shell(doc: str) -> None:
    Path("d.cg").write_text(f"input a: float ## {doc}\ny = a\n")
    for line in ("cg eval d.cg --", "cg grad d.cg --wrt "):
        text = printed("zsh", line)
        said = [each for each in text.splitlines() if "input, float" in each]
        assert said
        assert not re.search(r"[$`\\]|''|\"\"", said[-1].replace("\\\\:", ""))
    assert "\x1b" not in printed("fish", "cg eval d.cg --")
