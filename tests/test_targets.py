"""What is written for other programs: DOT, Mermaid, TikZ, JSON, drawings in the terminal. And what nobody may write."""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from cli_harness import cg
from test_hostile_pictures import HIDDEN, HOSTILE, IDS, hostile_graph

from cgcli import load, parse
from cgcli.render.node_table import ASCII as TREE_ASCII
from cgcli.render.picture.draw import render
from cgcli.render.picture.drawing import Drawing
from cgcli.render.schema import graph_data
from cgcli.render.terminal_graph import ASCII, draw

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests/golden/pictures"
ARTICLE = ("samples/article.cg", "--a", "2", "--b", "3", "--c", "1")
CASES = {
    "article.dot": ("render", *ARTICLE),
    "article.mmd": ("render", *ARTICLE),
    "article.json": ("render", *ARTICLE),
    "article.tex": ("render", *ARTICLE),
    "article_dark.dot": ("render", *ARTICLE, "--theme", "dark", "--heat", "--legend", "--title", "The article"),
    "article_backward.mmd": ("render", *ARTICLE, "--view", "backward", "--direction", "down"),
    "article_gradient.dot": ("render", *ARTICLE, "--view", "gradient-graph"),
    "rnn.mmd": ("render", "samples/rnn.cg", "--of", "loss"),
    "newton_closed.mmd": ("render", "samples/newton.cg", "--of", "implicit", "--fold", "loop", "--fold", "gap"),
    "article_drawn.txt": ("show", *ARTICLE, "--graph"),
    "black_scholes_drawn.txt": ("show", "samples/black_scholes.cg", "--graph", "--precision", "4"),
    "black_scholes_sorted.txt": ("show", "samples/black_scholes.cg", "--sort", "grad", "--precision", "4"),
}


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    command = CASES[name]
    made = tmp_path / name
    result = cg(*command, *(["-o", str(made)] if command[0] == "render" else []))
    assert result.status == 0, result.err
    text = made.read_text(encoding="utf-8") if command[0] == "render" else result.out
    if request.config.getoption("--rewrite"):
        (GOLDEN / name).write_text(text, encoding="utf-8")
    assert text == (GOLDEN / name).read_text(encoding="utf-8")


# ---- untrusted text


@pytest.mark.parametrize("text", HOSTILE, ids=IDS)
@pytest.mark.parametrize("kind", ["dot", "mmd", "tex", "json"])
def test_nothing_hidden_reaches_a_text(text: str, kind: str) -> None:
    graph, evaluation = hostile_graph(text)
    made = render(graph, evaluation, kind, title=text, drawing=Drawing(title=text, legend=True)).data.decode()
    assert not HIDDEN.search(made)


@pytest.mark.parametrize("text", HOSTILE, ids=IDS)
def test_mermaid_has_the_expected_lines_and_no_more(text: str) -> None:
    graph, evaluation = hostile_graph(text)
    made = render(graph, evaluation, "mmd", drawing=Drawing(direction="right", title=text)).data.decode()
    lines = made.split("\n")
    head = lines[: lines.index("---", 1)]
    assert [line.partition(":")[0] for line in head] == ["---", *(["title"] if text else []), "config"]
    values = [json.loads(line.partition(":")[2]) for line in head[1:]]
    assert values[-1]["theme"] == "base"
    lines = lines[len(head) + 1 :]
    assert lines[0] == "flowchart LR"
    label = r'"(?:[\w .,…]|#\d+;|<i>|</i>|<br/>|<font color=\'#\w{6}\'>|</font>)*"'
    style = r"fill:(?:#\w{6}|none),stroke:#\w{6},stroke-width:[\d.]+px(?:,stroke-dasharray:\d \d)?,color:#\w{6}"
    forms = [
        rf" +n\d+(?:\[\[{label}\]\]|\({label}\)|{{{{{label}}}}}):::\w+",
        rf" +n\d+ (?:-->|-\.->|-\.-o|==>)(?:\|{label}\|)? [ng]\d+",
        rf" +subgraph g\d+ \[{label}\]",
        r" +end",
        rf" +classDef \w+ {style}",
        r" +class g\d+ group",
        r" +linkStyle default stroke:#\w{6},stroke-width:[\d.]+px,color:#\w{6}",
        "",
    ]
    strange = [line for line in lines[1:] if not any(re.fullmatch(form, line) for form in forms)]
    assert strange == []
    assert sum("subgraph" in line for line in lines) == 1


@pytest.mark.parametrize("text", HOSTILE, ids=IDS)
def test_tikz_has_balanced_braces_and_no_command_of_the_user(text: str) -> None:
    graph, evaluation = hostile_graph(text)
    made = render(graph, evaluation, "tex", drawing=Drawing(title=text)).data.decode()
    lines = [line.removesuffix("%") for line in made.split("\n") if not line.startswith("%")]
    bare = re.sub(r"\\[{}$&#%_ ]", "", "\n".join(lines))
    depth = 0
    for c in bare:
        depth += (c == "{") - (c == "}")
        assert depth >= 0
    assert depth == 0
    assert not re.search(r"[$&#%_^~]", re.sub(r"\\ensuremath\{(?:[^{}]|\{[^{}]*\}|\{\{[^{}]*\}\})*\}", "", bare))
    assert set(re.findall(r"\\([a-zA-Z]+)", bare)) <= {
        *("begin", "end", "definecolor", "node", "path", "ttfamily", "itshape", "enspace", "color", "footnotesize"),
        *(
            "scriptsize",
            "small",
            "large",
            "textbackslash",
            "textasciicircum",
            "textasciitilde",
            "textless",
            "textgreater",
            "textbar",
        ),
        *("textquotedbl", "textquotesingle", "textasciigrave", "ensuremath", "times", "cdot", "partial", "ldots"),
    }


PAINT = {"class", "fill", "stroke", "stroke-width", "stroke-dasharray", "fill-opacity"}
ALLOWED = {
    "svg": {"width", "height", "viewBox", "role"},
    "g": {"class", "role"},
    "title": set[str](),
    "desc": set[str](),
    "style": set[str](),
    "rect": {*PAINT, "x", "y", "width", "height", "rx"},
    "path": {*PAINT, "d", "shape-rendering"},
    "text": {*PAINT, "x", "y", "textLength", "lengthAdjust", "font-family", "font-size", "font-style"},
}


@pytest.mark.parametrize("text", HOSTILE, ids=IDS)
@pytest.mark.parametrize("theme", ["auto", pytest.param("dark", marks=pytest.mark.thorough)])
def test_svg_has_only_tags_and_attributes_that_are_allowed(text: str, theme: str) -> None:
    """Themes differ in colours alone; a dark picture of tensors follows."""
    graph, evaluation = hostile_graph(text)
    drawing = Drawing(theme, title=text, legend=True)  # type: ignore[arg-type]
    for each in ET.fromstring(render(graph, evaluation, "svg", title=text, drawing=drawing).data).iter():
        tag = each.tag.rpartition("}")[2]
        assert {name.rpartition("}")[2] for name in each.attrib} <= ALLOWED[tag], tag


def test_svg_of_tensors_and_loops_keeps_to_the_same_tags() -> None:
    program = load(ROOT / "samples/rnn.cg")
    drawing = Drawing("dark", "down", "RNN", legend=True)
    svg = render(program.graph, program.run({}, of="loss"), "svg", params=["W"], drawing=drawing).data
    for each in ET.fromstring(svg).iter():
        assert {name.rpartition("}")[2] for name in each.attrib} <= ALLOWED[each.tag.rpartition("}")[2]]


# ---- the schema


def test_json_holds_the_whole_graph() -> None:
    program = load(ROOT / "samples/rnn.cg")
    found = json.loads(render(program.graph, program.run({}, of="loss"), "json", title="rnn").data)
    assert (found["format"], found["version"], found["name"]) == ("cg-graph", 1, "rnn")
    graph = program.graph
    assert [node["op"] for node in found["nodes"]] == [node.op for node in graph]
    assert [node["inputs"] for node in found["nodes"]] == [list(graph.operands(i)) for i in range(len(graph))]
    assert found["outputs"] == list(graph.outputs)
    assert found["nodes"][found["of"]]["name"] == "loss"
    (loop,) = (node for node in found["nodes"] if node["op"] == "loop")
    assert loop["attrs"]["body"]["nodes"][1]["name"] == "h"
    assert found["nodes"][2]["gradient"][0][0] == pytest.approx(program.grad({}, of="loss").partials["W"][0, 0])


def test_json_of_large_tensors_sums_them_up() -> None:
    program = parse("x = arange(100) * 1.0\ny = sum(x)")
    node = graph_data(program.graph, program.run({}, derivatives=False))["nodes"][-2]
    assert node["value"] == {"shape": [100], "min": 0.0, "max": 99.0, "norm": pytest.approx(573.018324143275)}


def test_values_that_json_has_no_number_for() -> None:
    program = parse("y = log(x)")
    found = json.loads(render(program.graph, program.run({"x": 0.0}), "json").data)
    assert found["nodes"][1]["value"] == "-Infinity"


# ---- drawings in the terminal


def test_rails_without_unicode() -> None:
    program = parse("d = a + b\ne = b - c\ny = d * e")
    text = "\n".join(draw(program.graph, ascii_only=True))
    assert text.isascii()
    assert text.split("\n") == [
        "o      a",
        "| o    b",
        "| | o  c",
        "o-| |  d = a + b",
        "| o-'  e = b - c",
        "o-'    y = d * e",
    ]
    assert (ASCII.rail, TREE_ASCII.last) == ("|", "`- ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--graph", "--tree"), "--tree"),
        (("--graph", "--sort", "grad"), "--sort"),
        (("--sort", "grad"), "gradients"),
        (("--only", "nobody"), "nobody"),
        (("--graph", "--format", "json"), "--format"),
    ],
)
def test_show_says_what_does_not_fit(arguments: tuple[str, ...], said: str) -> None:
    result = cg("show", "-e", "y = a * b", *arguments)
    assert (result.status, result.out) == (2, "")
    assert said in result.err


def test_a_graph_that_is_too_large_for_a_drawing_says_so() -> None:
    lines = "\n".join(["x0 = a", *(f"x{k + 1} = sin(x{k})" for k in range(100))])
    result = cg("show", "-e", lines, "--graph")
    assert (result.status, result.out) == (1, "")
    assert "the limit is 80" in result.err
    wide = " + ".join(f"a{k}" for k in range(30))
    assert "values at a time" in cg("show", "-e", f"y = sin({wide})", "--graph").err


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--fold", "g"), 2, "`g`"),
        (("--unfold", "loop"), 2, "`loop`"),
        (("--radius", "1"), 2, "--focus"),
        (("--focus", "q"), 2, "`q`"),
        (("--path", "a"), 2, "two names"),
        (("--path", "a..q"), 2, "`q`"),
        (("--min-grad", "-1"), 2, "not negative"),
        (("--min-grad", "x"), 2, "not negative"),
        (("--budget", "0"), 2, "--budget"),
        (("--depth", "-1"), 2, "--depth"),
        (("--theme", "drak"), 2, "`dark`"),
        (("--size", "0"), 2, "`2x`"),
        (("--size", "2.5"), 2, "`2x`"),
        (("--size", "wide"), 2, "`2x`"),
        (("--background", "reddish"), 2, "`#f5f5f5`"),
        (("--size", "2x", "--format", "json"), 2, ".json"),
        (("--background", "none", "--format", "mmd"), 2, ".mmd"),
        (("--view", "gradient-graph", "--heat"), 2, "--heat"),
        (("--view", "forward", "--of", "y"), 2, "--of"),
    ],
)
def test_render_says_what_does_not_fit(arguments: tuple[str, ...], status: int, said: str, tmp_path: Path) -> None:
    made = tmp_path / "out.svg"
    result = cg("render", "-e", "fn f(x) = sin(x)\ny = f(a) * b", "--a", "1", "--b", "2", *arguments, "-o", str(made))
    assert (result.status, result.out) == (status, "")
    assert said in result.err
    assert not made.exists()


def test_size_and_background_of_a_file() -> None:
    svg = cg("render", "-e", "y = a * b", "--size", "900", "--background", "#EEE", "-o", "-").out
    assert ' width="900" ' in svg
    assert '<g class="paper">' in svg
    assert 'fill="#eeeeee"' in svg
    assert "paper" not in cg("render", "-e", "y = a * b", "--background", "none", "-o", "-").out


def test_what_was_left_out_is_said(tmp_path: Path) -> None:
    made = str(tmp_path / "out.dot")
    result = cg(
        "render", "-e", "fn f(x) = sin(x)^2 + cos(x) * x - exp(x)\ny = f(a) * f(b)", "--budget", "5", "-o", made
    )
    assert result.err == "note: calls are closed\n"
    result = cg("render", "-e", "y = sin(a) * b", "--focus", "a", "--radius", "1", "-o", made)
    assert result.err == "note: 2 of 4 nodes are drawn\n"
