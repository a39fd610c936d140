"""The graph as JSON: what is written fits docs/graph-schema.json, and docs/graph-schema.md names every key of that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_harness import cg
from sample_values import values_for

from cgcli import load, parse
from cgcli.render.picture.compose import picture
from cgcli.render.picture.layout import lay_out

jsonschema = pytest.importorskip("jsonschema")  # which an environment for the portable tests alone lacks

ROOT = Path(__file__).parents[1]
SCHEMA = json.loads((ROOT / "docs" / "graph-schema.json").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "graph-schema.md").read_text(encoding="utf-8")
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
SAMPLES = sorted((ROOT / "samples").glob("*.cg"))
ARTICLE = str(ROOT / "samples" / "article.cg")
POINT = ("--a", "2", "--b", "3", "--c", "1")
FORMS = {"render": ("cg-graph", "-o", "-"), "show": ("cg-operations",)}
EVERY_KIND_OF_VALUE = """
output y, long, flag, scan
long = a * arange(30)
flag = [a > 1, false]
scan = [0, a / (a - 1)]
for k in 0..3 {
  scan = scan * a
  scan = scan + 1
}
y = if a > 1 then scan[1] else -a + sum(long)
"""


def written(command: str, *args: str) -> Any:
    """What `cg render` or `cg show` writes as JSON, which keeps the schema of its format."""
    form, *output = FORMS[command]
    result = cg(command, *args, *output, "--format", "json")
    assert result.status == 0, result.err
    data = json.loads(result.out)
    VALIDATOR.validate(data)
    assert (data["format"], data["version"]) == (form, 1)
    return data


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_the_graph_of_every_sample_fits_the_schema(path: Path) -> None:
    program = load(path)
    if program.mode == "dynamic":
        written("render", str(path), f"--{path.stem}", f"@{path.with_suffix('.json')}")
        return
    for values in ({}, values_for(path)):
        VALIDATOR.validate(json.loads(program.render(None, values, kind="json").text))


@pytest.mark.parametrize("command", FORMS)
@pytest.mark.parametrize("a", ["1", "2", "inf", "nan"])
def test_values_of_every_kind_fit_the_schema(command: str, a: str) -> None:
    written(command, "-e", EVERY_KIND_OF_VALUE, "--a", a, "--of", "y")
    written(command, "-e", EVERY_KIND_OF_VALUE)


def test_the_layout_fits_the_schema() -> None:
    program = parse("output y\ny = f(f(a))\nfn f(x) { t = sin(x); return t * x }")
    drawn = picture(program.graph, program.run({"a": 2.0}))
    VALIDATOR.validate(json.loads(json.dumps(lay_out(drawn).to_data(drawn))))


@pytest.mark.parametrize("command", FORMS)
def test_the_schema_refuses_what_the_page_does_not_say(command: str) -> None:
    data = written(command, ARTICLE, *POINT)
    changes: list[dict[str, Any]] = [
        {"format": "other"},
        {"version": 2},
        {"hash": "?"},
        {"colour": "red"},
        {"nodes": [{**data["nodes"][0], "colour": "red"}]},
        {"nodes": [{**data["nodes"][0], "op": 3}]},
        {"nodes": [{**data["nodes"][0], "value": "large"}]},
    ]
    assert [change for change in changes if VALIDATOR.is_valid(data | change)] == []
    assert [key for key in data if VALIDATOR.is_valid({k: x for k, x in data.items() if k != key})] in ([], ["of"])


def keys(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
    for part in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from keys(part)


def test_the_page_names_every_key_of_the_schema() -> None:
    every = dict.fromkeys(keys(SCHEMA["$defs"]))
    assert [key for key in every if f"`{key}`" not in PAGE and f'"{key}"' not in PAGE] == []


def test_a_name_that_is_bound_again_has_versions() -> None:
    nodes = written("render", "-e", "x = a + 1; x = x * 2; y = x")["nodes"]
    assert [(n["name"], n.get("version")) for n in nodes if "name" in n] == [
        *(("a", None), ("x", 0), ("x", 1), ("y", None)),
    ]


def test_the_inputs_that_are_params_are_named() -> None:
    data = written("render", "-e", "param w = 1\ninput x\noutput y\ny = w * x")
    assert [data["nodes"][i]["name"] for i in data["params"]] == ["w"]
