"""Dynamic programs on the command line: their data, their results, `cg trace`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_harness import cg

from cgcli.dynamic.tape import Tape

ROOT = Path(__file__).parents[1]
TREE = """input tree: any
input w = 0.5
fn total(t) {
    s = t.value
    if has(t, "left") { s = s + w * total(t.left) }
    return s
}
y = total(tree)
"""
DATA = '{"value": 1, "left": {"value": 4, "left": null}}'


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tree.cg").write_text(TREE, encoding="utf-8")
    (tmp_path / "tree.json").write_text(DATA, encoding="utf-8")
    (tmp_path / "many.json").write_text(f'{{"w": 0.25, "tree": {DATA}}}', encoding="utf-8")
    return "tree.cg"


def test_data_from_a_file_the_line_and_a_file_of_many(program: str) -> None:
    assert cg("eval", program, "--tree", "@tree.json").out == "y = 3\n"
    assert cg("eval", program, "--tree", '{"value": 7}').out == "y = 7\n"
    assert cg("eval", program, "--inputs", "many.json").out == "y = 2\n"
    assert cg("eval", program, "--inputs", "many.json", "--w", "1").out == "y = 5\n"


def test_derivatives_in_the_shape_of_the_data(program: str) -> None:
    given = (program, "--tree", "@tree.json")
    assert cg("grad", *given).out == 'y = 3\ndy/dtree = {"value": 1, "left": {"value": 0.5, "left": null}}\ndy/dw = 4\n'
    found = json.loads(cg("grad", *given, "--format", "json").out)
    assert found["grad"] == {"tree": {"value": 1.0, "left": {"value": 0.5, "left": None}}, "w": 4.0}
    assert cg("grad", *given, "--format", "csv").out == (
        "y,dy/dtree.value,dy/dtree.left.value,dy/dw\n3.0,1.0,0.5,4.0\n"
    )
    assert cg("grad", *given, "--wrt", "tree.left.value").out == "y = 3\ndy/dtree.left.value = 0.5\n"
    checked = cg("grad", *given, "--check")
    assert (checked.status, checked.out.count("verdict ok")) == (0, 3)


def test_tables_and_pictures_are_of_the_record(program: str, tmp_path: Path) -> None:
    shown = cg("show", program, "--set", "tree=@tree.json")
    assert "tree.left.value" in shown.out
    assert "total.s" in shown.out
    assert cg("render", program, "--tree", "@tree.json", "-o", "tree.svg").status == 0
    assert "tree.left.value" in (tmp_path / "tree.svg").read_text(encoding="utf-8")
    assert "operations" in cg("plan", program, "--tree", "@tree.json", "--grad").out
    assert "tree.left.value" in cg("grad", program, "--tree", "@tree.json", "--symbolic", "--wrt", "w").out


def test_the_mode(program: str) -> None:
    told = cg("check", program)
    assert told.status == 0
    assert "dynamic" in told.out
    assert json.loads(cg("check", program, "--format", "json").out)["mode"] == "dynamic"
    refused = cg("eval", program, "--tree", "@tree.json", "--mode", "static")
    assert refused.status == 2
    assert "--mode dynamic" in refused.err
    article = (str(ROOT / "samples" / "article.cg"), "--a", "2", "--b", "3", "--c", "1")
    assert cg("grad", *article, "--mode", "dynamic").out == cg("grad", *article).out


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"value": }', "1:11"),
        ('{"value": 1, "value": 2}', "`value` stands twice"),
        ("[" * 1001 + "]" * 1001, "more than 1000 deep"),
        ("", "no JSON"),
        ("[1, 2]", "a number or a tensor has no field `value`"),
        ("{}", "the record has no field `value`"),
        ('{"value": "x"}', "is a text"),
    ],
)
def test_wrong_data(program: str, text: str, told: str) -> None:
    (Path(program).parent / "wrong.json").write_text(text, encoding="utf-8")
    found = cg("eval", program, "--tree", "@wrong.json")
    assert found.status == 1
    assert told in found.err
    assert "Traceback" not in found.err


def test_deep_data_come_back_whole(program: str) -> None:
    text = '{"value": 1, "left": ' * 900 + "null" + "}" * 900
    found = cg("grad", program, "--tree", text, "--format", "json")
    assert found.status == 0
    assert json.loads(found.out)["grad"]["w"] == pytest.approx(4.0)


def test_limits(program: str) -> None:
    forever = cg("eval", "--mode", "dynamic", "-e", "x = 1; while true { x = x + 1 }", "--max-steps", "50")
    assert forever.status == 1
    assert "-e:1:8" in forever.err
    stopped = cg("eval", "--mode", "dynamic", "-e", "x = 1; while true { x = x + 1 }", "--timeout", "0.2")
    assert (stopped.status, "0.2" in stopped.err) == (1, True)


# ---- trace


def test_a_trace(program: str) -> None:
    lines = cg("trace", program, "--tree", "@tree.json").out.splitlines()
    assert [" ".join(line.split()) for line in lines] == [
        "1 tree input tree = a record",
        "2 w input w = 0.5",
        "3 total call total(t = a record)",
        "4 s = t.value s = 1",
        '5 if has(t, "left") true',
        "3 total call total(t = a record)",
        "4 s = t.value s = 4",
        '5 if has(t, "left") false',
        "5 total(t.left) total gives 4",
        "5 s = s + w * total(t.left) s = 3",
        "8 total(tree) total gives 3",
        "8 y = total(tree) y = 3",
    ]
    assert lines[3].startswith("   4    s")  # indented by one call
    assert lines[6].startswith("   4      s")


def test_a_trace_of_loops() -> None:
    found = cg("trace", "-e", "s = 0; for t in 0..2 { s = s + t }; while s > 0 { s = s - 1 }; y = s").out
    told = [" ".join(line.split()[1:]) for line in found.splitlines()]
    assert told == [
        "s = 0 s = 0",
        "for t in 0..2 step 1: t = 0",
        "s = s + t s = 0",
        "for t in 0..2 step 2: t = 1",
        "s = s + t s = 1",
        "for t in 0..2 ends after 2 steps",
        "while s > 0 step 1",
        "s = s - 1 s = 0",
        "while s > 0 ends after 1 step",
        "y = s y = 0",
    ]


def test_parts_of_a_trace(program: str) -> None:
    given = ("trace", program, "--tree", "@tree.json")
    assert [line.split()[-1] for line in cg(*given, "--watch", "s").out.splitlines()] == ["1", "4", "3"]
    assert len(cg(*given, "--only", "total").out.splitlines()) == 9
    assert cg(*given, "--watch", "").status == 2


def test_a_trace_for_programs(program: str) -> None:
    told = cg("trace", program, "--tree", "@tree.json", "--format", "jsonl").out
    found = [json.loads(line) for line in told.splitlines()]
    assert found[1] == {
        "line": 2,
        "file": "tree.cg",
        "kind": "input",
        "text": "w",
        "function": None,
        "depth": 0,
        "values": {"w": 0.5},
    }
    assert found[4]["holds"] is True
    assert found[-1]["values"] == {"y": 3.0}


def test_a_trace_ends_where_the_run_does() -> None:
    found = cg("trace", "-e", "x = 2; assert x < 1; y = x")
    assert found.status == 1
    assert found.out.count("\n") == 1
    assert "assertion failed" in found.err


# ---- both modes


def test_both_modes_compared() -> None:
    article = (str(ROOT / "samples" / "article.cg"), "--a", "2", "--b", "3", "--c", "1")
    assert cg("check", "--modes", *article).out == "ok: both modes agree in 6 values and 3 derivatives\n"
    assert cg("check", "--modes", str(ROOT / "samples" / "rnn.cg")).status == 0
    assert cg("check", "--modes", article[0]).status == 2  # no values
    assert cg("check", *article).status == 2  # what for?
    only = cg("check", "--modes", str(ROOT / "samples" / "tree.cg"), "--tree", "{}")
    assert only.status == 0
    assert only.out.startswith("ok: only one mode can run it; dynamic: ")
    assert cg("check", "--modes", "--mode", "static", *article).status == 2


def test_a_difference_between_the_modes_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one mode is made to go wrong."""
    monkeypatch.setattr(Tape, "mark_varying", lambda tape, i: None)
    found = cg("check", "--modes", "-e", "k = 1; for t in 0..3 { k = 0 }; y = max(x, k)", "--x", "0")
    assert found.status == 1
    assert "dy/dx" in found.err
    assert "static gives 0.5, dynamic gives 0" in found.err
