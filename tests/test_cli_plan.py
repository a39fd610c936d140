"""`cg plan`, and the options that limit a run or choose what runs it."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from unittest import mock
from xml.etree import ElementTree as ET

import pytest
from cli_harness import cg

from cgcli import load
from cgcli.run.native.choice import compiler_installed

ROOT = Path(__file__).parents[1]
MLP = str(ROOT / "samples/mlp.cg")
ARTICLE = str(ROOT / "samples/article.cg")
LOOP = "input x: float[n]; input w; h = 0.0; for v in x { h = tanh(w * h + v) }; y = h^2; output y"
ENDLESS = "x = a; while x > 0 { x = x + 1 }; y = x"


def lines(*args: str, width: int = 100) -> list[str]:
    size = os.terminal_size((width, 24))
    with (
        mock.patch.object(shutil, "get_terminal_size", return_value=size),
        mock.patch("cgcli.cli.plan.is_terminal", return_value=True),
    ):
        result = cg("plan", *args)
    assert (result.status, result.err) == (0, "")
    return result.out.splitlines()


@pytest.mark.skipif(not compiler_installed(), reason="needs llvmlite: the plan says so where it is missing")
def test_the_plan_of_the_article_says_all_there_is() -> None:
    assert lines(ARTICLE) == (ROOT / "tests/golden/plan_article.txt").read_text(encoding="utf-8").splitlines()


def test_costs_are_in_terms_of_sizes_until_values_are_given() -> None:
    shown = "\n".join(lines(MLP))
    assert re.search(r"1 +v1 = x @ W1 +float\[n, 8\] +A +32·n +80·n \+ 128", shown)
    assert re.search(r"operations +70·n$", shown, re.MULTILINE)
    given = "\n".join(lines(MLP, "--x", "[[1, 2], [3, 4], [5, 6]]", "--target", "[0, 1, 0]"))
    assert re.search(r"operations +210 += 70·n$", given, re.MULTILINE)
    assert re.search(r"sizes +n = 3$", given, re.MULTILINE)


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_lines_keep_to_the_width_where_numbers_allow(width: int) -> None:
    shown = lines(MLP, "--grad", width=width)
    chart = shown[shown.index("4 The memory") : shown.index("5 In all")]
    assert max(map(len, chart)) <= width
    assert max(map(len, shown)) <= max(width, 130)  # laws and sums are sentences


def test_every_step_is_there_and_operands_come_first() -> None:
    found = json.loads(cg("plan", MLP, "--grad", "--format", "json").out)
    steps = found["steps"]
    assert [s["step"] for s in steps] == list(range(1, len(steps) + 1))
    made: set[str] = {i["name"] for i in found["inputs"]}
    for s in steps:
        name, _, formula = s["computes"].partition(" = ")
        assert set(re.findall(r"\bv\d+", formula)) <= made
        made.add(name)
    assert {f"dloss/d{p}" for p in ("x", "W1", "b1", "W2", "b2")} <= made
    assert found["of"] == "loss"


def test_no_two_values_share_memory_at_one_time() -> None:
    found = json.loads(cg("plan", MLP, "--grad", "--format", "json").out)
    step = {s["node"]: s["step"] for s in found["steps"]}
    for buffer in found["buffers"]:
        written = [step[node] for node in buffer["nodes"]]
        assert written == sorted(written)
        assert buffer["first"] == written[0] <= written[-1] <= buffer["last"]


def test_a_loop_stays_rolled_and_its_steps_are_laid_open() -> None:
    shown = "\n".join(lines("-e", LOOP))
    assert "loop × " in shown
    assert "each step:" in shown
    assert re.search(r"h = tanh\(v\d+\)", shown)
    assert re.search(r"operations +3·n \+ 1$", shown, re.MULTILINE)
    found = json.loads(cg("plan", "-e", LOOP, "--grad", "--format", "json").out)
    loops = [s for s in found["steps"] if s["op"] == "loop"]
    assert len(loops) == 2  # the one that runs forward, and the one that runs back
    assert all("body" in s["holds"] for s in loops)


def test_passes_say_what_they_changed() -> None:
    found = json.loads(cg("plan", "-e", "y = (a + b) * (a + b)", "--format", "json").out)
    [share] = [p for p in found["passes"] if p["name"] == "share"]
    assert share["before"] - share["after"] == 1
    assert any("a + b" in sentence for sentence in share["changes"])


def test_fast_math_is_asked_for() -> None:
    program = ("-e", "y = a - a + b")
    exact, fast = (
        json.loads(cg("plan", *program, "--format", "json", *more).out)["totals"]["operations"]
        for more in ((), ("--fast-math",))
    )
    assert (exact, fast) == (2, 0)


def test_a_terminal_without_blocks_has_other_signs() -> None:
    class Plain:
        encoding = "ascii"

    with mock.patch("cgcli.cli.plan.stdout", return_value=Plain()):
        shown = "\n".join(lines(MLP, "--grad"))
    assert shown.isascii()
    assert "####" in shown


def test_the_picture_is_a_whole_file_with_plain_tags(tmp_path: Path) -> None:
    target = tmp_path / "plan.svg"
    assert cg("plan", MLP, "--grad", "-o", str(target)) == (0, "", "")
    root = ET.parse(target).getroot()
    tags = {node.tag.rpartition("}")[2] for node in root.iter()}
    assert tags == {"svg", "title", "rect", "text", "g", "circle"}
    assert "dloss/dW1" in target.read_text(encoding="utf-8")
    folder = cg("plan", MLP, "-o", str(tmp_path))
    assert folder.status == 2


def test_hostile_names_are_escaped(tmp_path: Path) -> None:
    program = tmp_path / 'a<b>&"\x1b[31m.cg'
    program.write_text("y = a + b\n", encoding="utf-8")
    target = tmp_path / "plan.svg"
    assert cg("plan", str(program), "-o", str(target)).status == 0
    assert "\x1b" not in target.read_text(encoding="utf-8")
    ET.parse(target)
    assert "\x1b" not in cg("plan", str(program)).out


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("plan", MLP, "-o", "plan.png"), 2, "cannot be written as `plan.png`"),
        (("plan", MLP, "--wrt", "q"), 2, "there is no value `q`"),
        (("plan", MLP, "--x", "[[1, 2]]", "--q", "1"), 2, "q"),
        (("plan", "-e", "fn f(x) = if x < 0 then 0 else f(x - 1)\ny = f(a)", "--mode", "static"), 2, "--mode dynamic"),
        (("eval", ARTICLE, "--backend", "abacus"), 2, "there is no backend `abacus`"),
        (("eval", "-e", ENDLESS, "--a", "1", "--max-steps", "1000"), 1, "the loops have run 1000 steps"),
        (("eval", "-e", ENDLESS, "--a", "1", "--timeout", "0.3"), 1, "not done after 0.3 s"),
        (("eval", ARTICLE, "--timeout", "soon"), 2, "`--timeout` is given soon"),
        (("eval", ARTICLE, "--max-steps", "0"), 2, "--max-steps"),
    ],
)
def test_messages(arguments: tuple[str, ...], status: int, message: str) -> None:
    result = cg(*arguments)
    assert (result.status, result.out) == (status, "")
    assert message in result.err


@pytest.mark.parametrize("backend", ["reference", "numpy"])
def test_backends_give_the_same(backend: str) -> None:
    values = ("--x", "[0.5, -0.25, 1]", "--w", "0.75", "--backend", backend, "--format", "json")
    found = json.loads(cg("grad", "-e", LOOP, *values).out)
    alone = json.loads(cg("grad", "-e", LOOP, *values[:4], "--format", "json").out)
    assert found == alone


def test_a_gradient_that_keeps_too_much_is_made_with_checkpoints() -> None:
    program = "x = a; n = 5000; for k in 0..5000 { x = x + 1e-3 * sin(x) }; y = x; output y"
    plain = cg("grad", "-e", program, "--a", "0.5")
    assert cg("grad", "-e", program, "--a", "0.5", "--max-memory", "20K") == plain
    assert cg("grad", "-e", program, "--a", "0.5", "--max-memory", "2K").status == 1


@pytest.mark.parametrize("path", sorted((ROOT / "samples").glob("*.cg")), ids=lambda path: path.stem)
def test_every_sample_that_has_a_static_graph_has_a_plan(path: Path) -> None:
    if load(path).mode == "static":
        assert "What runs it" in cg("plan", str(path)).out


def test_rows_of_a_table_have_one_seed(tmp_path: Path) -> None:
    text = """
        import nn
        input step: int = 0
        input training: bool = true
        y = sum(nn.dropout([1.0, 2.0], 0.5))
    """
    program, table = tmp_path / "f.cg", tmp_path / "t.csv"
    program.write_text(text, encoding="utf-8")
    table.write_text("step\n1\n2\n", encoding="utf-8")
    assert "random numbers have one seed" in cg("plan", str(program)).out
    done = cg("eval", str(program), "--data", str(table))
    assert done.status == 2
    assert "one seed for all rows" in done.err
    done = cg("eval", str(program), "--data", str(table), "--step", "3")
    assert done.out.splitlines()[1:] == [cg("eval", str(program), "--step", "3", "--format", "csv").out.split()[1]] * 2
