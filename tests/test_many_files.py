"""`check` and `fmt` of many files and folders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_harness import cg

GOOD, LOOSE, WRONG = "y = a + b\n", "y=a\n", "y = a +\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`p` holds a/good.cg, b.cg (loose), c.cg (wrong), what is hidden, what is no program, and links."""
    monkeypatch.chdir(tmp_path)
    texts = {
        "p/a/good.cg": GOOD, "p/b.cg": LOOSE, "p/c.cg": WRONG, "p/.hidden/h.cg": LOOSE, "p/.h.cg": LOOSE,
        "p/notes.txt": LOOSE, "outside/o.cg": LOOSE, "one/only.cg": GOOD,
    }  # fmt: skip
    for name, text in texts.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)
    Path("p/out").symlink_to("../outside")
    Path("p/out.cg").symlink_to("../outside/o.cg")
    Path("p/around").symlink_to("../p")
    Path("empty").mkdir()


def test_check_of_a_folder_reads_the_programs_below_it_in_order() -> None:
    found = cg("check", "p")
    assert (found.status, found.err) == (2, "")
    lines = found.out.splitlines()
    assert lines[0] == "p/a/good.cg: ok: 2 implicit inputs (a and b), 1 output (y)"
    assert lines[1] == "p/b.cg: ok: 1 implicit input (a), 1 output (y)"
    assert lines[3] == "  --> p/c.cg:1:7"
    assert lines[-1] == "3 files: 2 ok, 1 wrong"
    assert ".h" not in found.out
    assert "out" not in "".join(line.partition(":")[0] for line in lines)


def test_json_is_an_object_a_line() -> None:
    found = cg("check", "p/c.cg", "one", "p/b.cg", "--format", "json")
    objects = [json.loads(line) for line in found.out.splitlines()]
    assert found.status == 2
    assert [each["file"] for each in objects] == ["p/c.cg", "one/only.cg", "p/b.cg"]
    assert [len(each["diagnostics"]) for each in objects] == [1, 0, 0]
    assert objects[1]["outputs"] == ["y"]


def test_one_file_alone_is_answered_as_ever() -> None:
    assert cg("check", "one/only.cg").out == "ok: 2 implicit inputs (a and b), 1 output (y)\n"
    assert "file" not in json.loads(cg("check", "one/only.cg", "--format", "json").out)
    assert cg("check", "one").out.endswith("1 file: 1 ok, 0 wrong\n")


@pytest.mark.parametrize("command", ["check", "fmt"])
def test_a_file_named_twice_is_read_once(command: str) -> None:
    told = cg(command, "one/only.cg", "one/only.cg", "one")
    assert "1 file: " in told.out + told.err


def test_a_file_that_is_not_there_stops_no_other() -> None:
    for command in ("check", "fmt"):
        found = cg(command, "no.cg", "p/b.cg")
        assert found.status == 2
        assert "no.cg" in found.out + found.err
        assert "p/b.cg" in found.out + found.err


@pytest.mark.parametrize("command", ["check", "fmt"])
def test_a_folder_without_a_program_is_an_error(command: str) -> None:
    found = cg(command, "one", "empty")
    assert (found.status, found.out) == (2, "")
    assert "there is no .cg file in `empty` or below it" in found.err


def test_modes_and_values_are_of_one_program() -> None:
    assert "`--modes` takes one program at a time" in cg("check", "p/b.cg", "one/only.cg", "--modes", "--a", "1").err
    assert cg("check", "one", "--modes").status == 2
    assert cg("check", "one/only.cg", "--modes", "--a", "1", "--b", "2").status == 0
    valued = cg("check", "p/b.cg", "one/only.cg", "--a", "1")
    assert (valued.status, valued.out) == (2, "")


@pytest.mark.parametrize("command", ["check", "fmt"])
def test_an_expression_stands_alone(command: str) -> None:
    assert cg(command, "one", "-e", "a").status == 2
    assert cg(command).status == 2


def test_fmt_rewrites_what_it_can() -> None:
    found = cg("fmt", "p")
    assert (found.status, found.out) == (2, "")
    assert Path("p/b.cg").read_text() == "y = a\n"
    assert Path("p/c.cg").read_text() == WRONG
    assert {Path(name).read_text() for name in ("p/.hidden/h.cg", "p/.h.cg", "outside/o.cg", "p/notes.txt")} == {LOOSE}
    assert "rewrote p/b.cg\n" in found.err
    assert "--> p/c.cg:1:7" in found.err
    assert found.err.endswith("3 files: 1 rewritten, 1 as before, 1 failed\n")
    assert cg("fmt", "one", "p/b.cg", "-q") == (0, "", "")


def test_fmt_check_lists_what_would_change_and_changes_nothing() -> None:
    found = cg("fmt", "--check", "one", "p/b.cg", "outside")
    assert found.status == 1
    assert [line for line in found.out.splitlines() if line.startswith("---")] == ["--- p/b.cg", "--- outside/o.cg"]
    assert found.err == "3 files: 2 would be rewritten, 1 as before\n"
    assert Path("p/b.cg").read_text() == LOOSE
    assert cg("fmt", "--check", "p").status == 2
    assert cg("fmt", "--check", "one").status == 0


def test_fmt_rewrites_the_file_that_a_link_inside_leads_to() -> None:
    Path("one/link.cg").symlink_to("only.cg")
    Path("one/only.cg").write_text(LOOSE)
    assert cg("fmt", "one").status == 0
    assert Path("one/link.cg").is_symlink()
    assert Path("one/only.cg").read_text() == "y = a\n"
