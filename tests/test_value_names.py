"""A value without a name is called `v1`, `v2`, … by every command, table and picture."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from cli_harness import cg
from sample_values import ROOT, values_for

from cgcli import load, parse
from cgcli.graph.graph import COND, CONST, GET, LOOP, SIZE
from cgcli.graph.traversal import prune
from cgcli.ops.value_names import ValueNames
from cgcli.ops.written import WrittenOperations
from cgcli.optimise.driver import stages
from cgcli.render.compiled_names import CompiledNames
from cgcli.render.node_table import OperationTable, rows

PROGRAM = "input x: float[2] = [1, 2]\ninput a = 3\ny = exp(a * a) + sum(x * x) * a"


def definitions(text: str) -> dict[str, str]:
    """By number, the operation that a text first says it is."""
    return dict(reversed(re.findall(r"\b(v\d+) += (.+?)(?: {2,}|: |$)", text, re.MULTILINE)))


def test_one_numbering(tmp_path: Path) -> None:
    _, table = rows(parse(PROGRAM).graph)
    names = [row[0] for row in table]
    assert names == ["x", "a", "v1", "v2", "v3", "v4", "v5", "y"]
    expected = {"v1": "a * a", "v2": "exp(v1)", "v3": "x * x", "v4": "sum(v3)", "v5": "v4 * a"}
    tree, plan = cg("show", "-e", PROGRAM, "--tree").out, cg("plan", "-e", PROGRAM, "--format", "json").out
    assert definitions(tree) == expected
    equations = cg("explain", "-e", PROGRAM).out.partition("Local derivatives")[0]
    assert definitions(equations) == expected
    assert definitions(cg("show", "-e", PROGRAM, "--graph").out) == expected
    steps = [step["computes"] for step in json.loads(plan)["steps"]]
    assert definitions("\n".join(steps)) == expected
    stepping = cg("step", "-e", PROGRAM, stdin="continue\nbackward y\ncontinue\nback 99\nstep 9\nquit\n").out
    assert definitions("\n".join(line for line in stepping.splitlines() if " derivative " in line)) == expected
    picture = tmp_path / "p.svg"
    assert cg("render", "-e", PROGRAM, "-o", str(picture)).status == 0
    hover = definitions(picture.read_text(encoding="utf-8"))
    assert set(hover) == set(expected)
    assert hover["v3"] == "x × x"


def test_a_number_that_the_user_has_is_skipped() -> None:
    _, table = rows(parse("v2 = a\ny = exp(a * a) + v2").graph)
    assert [row[0] for row in table] == ["a", "v2", "v1", "v3", "y"]


def test_parts_of_an_operation_are_numbered_behind_operations() -> None:
    graph = parse("input P: float[2, 2]\ny = exp(P[0, 0])").graph
    names = ValueNames(WrittenOperations(graph))
    texts = [names[i] for i in range(len(graph))]
    assert [name for name in texts if name.startswith("v")] == ["v2", "v1"]
    assert cg("show", "-e", "input P: float[2, 2]\ny = exp(P[0, 0])", "--only", "v1").out.count("v1") == 1


@pytest.mark.parametrize("path", sorted((ROOT / "samples").glob("*.cg")), ids=lambda path: path.stem)
def test_a_name_is_one_value_in_a_sample_and_where_it_is_compiled(path: Path) -> None:
    program = load(path).recorded(values_for(path))
    graph = program.graph
    table = OperationTable(graph)
    shown = [table.reference(i) for i in table.nodes]
    assert len(set(shown)) == len(shown)
    single = {table.reference(i): i for i in table.nodes if i not in table.written.members}
    *_, last = [graph, *(stage.after for stage in stages(prune(graph), fast_math=False))]
    names = CompiledNames(graph, last)
    unnamed = [i for i in range(len(last)) if i not in last.names and last.op[i] not in (CONST, SIZE)]
    numbered = [names.of(last, i) for i in unnamed]
    assert len(set(numbered)) == len(numbered)
    for i, name in zip(unnamed, numbered, strict=True):
        if name in single and last.op[i] not in (COND, LOOP, GET):
            assert last.op[i] == graph.op[single[name]]
            assert repr(last.attrs.get(i)) == repr(graph.attrs.get(single[name]))
