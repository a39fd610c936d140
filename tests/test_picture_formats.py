"""One language of pictures in every format: the same cards and texts, the same outlines and weights, one accent."""

from __future__ import annotations

import json
import re
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pygraphviz
import pytest

from cgcli import load, parse
from cgcli.diagnostics.escape import dot_html
from cgcli.ops.latex import latex_text
from cgcli.program.graph_values import graph_values
from cgcli.program.nested_values import with_nested
from cgcli.render.picture.card import MapRow, SparkRow
from cgcli.render.picture.collapse import Detail
from cgcli.render.picture.compose import picture
from cgcli.render.picture.content import Picture, PictureNode, View
from cgcli.render.picture.dot import to_dot
from cgcli.render.picture.draw import Arranged, fitting, render
from cgcli.render.picture.drawing import Drawing
from cgcli.render.picture.groups import nesting
from cgcli.render.picture.layout import cards_of
from cgcli.render.picture.mermaid import to_mermaid
from cgcli.render.picture.themes import LOOKS, THEMES, ThemeName
from cgcli.render.tensors import Cells, HeatMap

ROOT = Path(__file__).parents[1]
FORMATS = ("dot", "mmd", "tex")
DRAWN = ("black_scholes", "mlp", "newton", "attention", "lenet", "gmm")  # folded, with loops, tensors, heat maps
ALL = View(Detail(budget=10_000))


@cache
def drawn(sample: str) -> tuple[Arranged, dict[str, str]]:
    """The picture of a sample as it is laid out, and the text of each format."""
    program = load(ROOT / f"samples/{sample}.cg")
    params = [i.name for i in program.inputs if i.kind == "param"]
    evaluation = with_nested(graph_values(program, {}, None, lambda note: None))
    shown = fitting(lambda view: picture(program.graph, evaluation, params, view), View(), Drawing())
    texts = {kind: render(program.graph, evaluation, kind, params=params).data.decode() for kind in FORMATS}
    return shown, texts


def words(node: PictureNode) -> list[str]:
    """The texts on the card of a node."""
    texts = []
    for row in cards_of(Picture((node,), ()))[node.id].rows:
        if isinstance(row, MapRow):
            texts += [*row.words, *row.figures]
        elif not isinstance(row, SparkRow):
            texts += [*row.left, *row.right]
    return [text.text for text in texts]


def entities(text: str) -> str:
    return re.sub(r"#(\d+);", lambda match: chr(int(match[1])), text)


@pytest.mark.parametrize("sample", DRAWN)
def test_every_format_has_the_nodes_groups_and_arrows_of_the_layout(sample: str) -> None:
    shown, texts = drawn(sample)
    ids = sorted(f"n{node.id}" for node in shown.picture.nodes)
    groups = nesting(shown.picture).drawn
    graph = pygraphviz.AGraph(string=texts["dot"])
    assert sorted(graph.nodes()) == ids
    assert sorted(re.findall(r"subgraph cluster_(\d+)", texts["dot"])) == sorted(map(str, groups))
    assert len(graph.edges()) == len({(arrow.source, arrow.target) for arrow in shown.picture.arrows})
    assert sorted(re.findall(r"^ +(n\d+)[\[({]", texts["mmd"], re.MULTILINE)) == ids
    assert sorted(re.findall(r"subgraph g(\d+) ", texts["mmd"])) == sorted(map(str, groups))
    assert len(re.findall(r"^ +[ng]\d+ [-=]", texts["mmd"], re.MULTILINE)) == len(shown.picture.arrows)
    assert sorted(re.findall(r"\\node\[minimum .*\] \((n\d+)\)", texts["tex"])) == ids
    assert shown.layout.direction == ("right" if "flowchart LR" in texts["mmd"] else "down")
    assert graph.graph_attr["rankdir"] == {"right": "LR", "down": "TB"}[shown.layout.direction]


@pytest.mark.parametrize("sample", DRAWN)
def test_every_format_has_every_word_and_number_on_every_card(sample: str) -> None:
    shown, texts = drawn(sample)
    graph = pygraphviz.AGraph(string=texts["dot"])
    lines = {match[1]: entities(match[0]) for match in re.finditer(r"^ +n(\d+)[\[({].*$", texts["mmd"], re.MULTILINE)}
    for node in shown.picture.nodes:
        label = graph.get_node(f"n{node.id}").attr["label"]
        for text in words(node):
            assert dot_html(text) in label
            assert text in lines[str(node.id)]
            assert r"\ ".join(map(latex_text, text.split("\xa0"))) in texts["tex"]
    for group in nesting(shown.picture).drawn:
        title = shown.picture.groups[group].label
        assert f">{dot_html(title)}</FONT>" in texts["dot"]
        assert f'subgraph g{group} ["{title}"]' in entities(texts["mmd"])
        assert f"{{{latex_text(title)}}}" in re.sub(r"\\scriptsize\\color\{cg quiet\}", "", texts["tex"])


@pytest.mark.parametrize("path", sorted((ROOT / "samples").glob("*.cg")), ids=lambda path: path.stem)
def test_latex_has_a_sign_for_all_that_is_drawn(path: Path) -> None:
    program = load(path)
    if program.mode == "static":
        assert "[U+" not in render(program.graph, None, "tex").data.decode()


# ---- outlines and weights, for those who see no colours


EVERY_KIND = tuple(PictureNode(k, kind, "name") for k, kind in enumerate(LOOKS))
SPECIAL = (
    PictureNode(20, "value", "taken"),
    PictureNode(21, "value", "muted", muted=True),
    PictureNode(22, "value", "bad", mark="NaN starts here"),
    PictureNode(23, "input", "x0 … x9", stacked=True),
)


def outlines(kind: str, theme: ThemeName = "print") -> dict[str, Any]:
    """By title of a node what draws its outline in a format, without what stands on it."""
    shown = Picture((*EVERY_KIND, *SPECIAL), ())
    cards, drawing = cards_of(shown), Drawing(theme, "right")
    if kind == "dot":
        graph = pygraphviz.AGraph(string=to_dot(shown, cards, drawing))
        keys = ("shape", "style", "penwidth", "peripheries", "color", "fillcolor")
        return {str(n): tuple(n.attr[key] for key in keys) for n in graph.nodes()}
    lines = to_mermaid(shown, cards, drawing).split("\n")
    classes = dict(re.findall(r"classDef (\w+) (.*)", "\n".join(lines)))
    more = {
        node: name
        for line in lines
        for nodes, name in re.findall(r" class (\S+) (\w+)", line)
        for node in nodes.split(",")
    }
    result = {}
    for line in lines:
        if match := re.match(r" +(n\d+)(\W+)\".*:::(\w+)$", line):
            result[match[1]] = (match[2], classes[match[3]], classes.get(more.get(match[1], "")))
    return result


@pytest.mark.parametrize("kind", ["dot", "mmd"])
def test_kinds_whose_outlines_differ_in_cg_differ_there_too(kind: str) -> None:
    made = outlines(kind)
    for first, second in combinations(EVERY_KIND, 2):
        if LOOKS[first.kind] != LOOKS[second.kind]:
            assert made[f"n{first.id}"] != made[f"n{second.id}"], (first.kind, second.kind)


@pytest.mark.parametrize("kind", ["dot", "mmd"])
def test_what_was_not_taken_what_went_wrong_and_stacks_look_different(kind: str) -> None:
    made = outlines(kind)
    assert len({made[f"n{node.id}"] for node in (*SPECIAL, EVERY_KIND[0])}) == len(SPECIAL) + 1


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("kind", FORMATS)
def test_derivatives_and_nothing_else_have_the_accent(kind: str, theme: ThemeName) -> None:
    program = parse("d = a + b\ny = d * c")
    colour = THEMES[theme]["accent"]
    accents = {"dot": f'COLOR="{colour}"', "mmd": f"<font color='{colour}'>", "tex": r"\color{cg accent}"}
    texts = [
        render(program.graph, evaluation, kind, drawing=Drawing(theme)).data.decode()
        for evaluation in (None, program.run({"a": 1.0, "b": 2.0, "c": 3.0}))
    ]
    of_arrows = 0 if kind == "mmd" else 4  # there they are all of one colour, which a line of its own says
    on_cards = {"dot": 10, "mmd": 5, "tex": 10}[kind]
    assert [text.count(accents[kind]) for text in texts] == [0, on_cards + of_arrows]
    if kind == "tex":
        assert rf"\definecolor{{cg accent}}{{HTML}}{{{colour[1:].upper()}}}" in texts[1]
    if kind == "mmd":
        assert f"linkStyle default stroke:{THEMES[theme]['line']},stroke-width:1.4px,color:{colour}" in texts[1]


# ---- what readers of the formats need


def test_an_arrow_into_a_loop_ends_at_its_border() -> None:
    _, texts = drawn("newton")
    assert re.search(r"n\d+ -> n\d+ \[.*lhead=cluster_3", texts["dot"])
    assert re.search(r"n\d+ -\.-o g3", texts["mmd"])


def test_a_line_end_of_tikz_is_no_blank_in_the_document() -> None:
    lines = drawn("mlp")[1]["tex"].strip().split("\n")
    start = next(k for k, line in enumerate(lines) if line.startswith(r"\begin"))
    assert all(line.startswith("%") or line.endswith("%") for line in (*lines[:start], lines[-1]))


def test_mermaid_is_told_the_colours_in_json() -> None:
    config = next(line for line in drawn("mlp")[1]["mmd"].split("\n") if line.startswith("config: "))
    assert json.loads(config.removeprefix("config: "))["themeVariables"]["lineColor"] == THEMES["light"]["line"]
    assert drawn("mlp")[1]["mmd"].split("\n")[1] == 'title: "derivatives of loss"'


def test_a_picture_whose_size_the_reader_says_needs_no_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cgcli.render.picture.draw.lay_out", None)
    program = parse("\n".join(["x0 = a", *(f"x{k + 1} = sin(x{k}) * b" for k in range(1000))]))
    for kind, note in (("dot", ()), ("mmd", ("50000 characters", "--budget"))):
        image = render(program.graph, None, kind, view=ALL)
        text = image.data.decode()
        assert all(f"n{i} " in text or f"n{i}(" in text for i in program.graph.outputs)
        assert all(words in (image.note or "") for words in note)
        assert (image.note is None) == (note == ())


@pytest.mark.parametrize("theme", ["light", "print"])
def test_the_cells_of_a_heat_map_tell_signs_without_colours(theme: ThemeName) -> None:
    cells: Cells = ((0.5, -0.5), ("nan", "-inf"), ("inf", 0.0))
    node = PictureNode(0, "value", "T", value="−1 … 1", shape="[3, 2]", value_map=HeatMap((cells,), more=2))
    shown = Picture((node,), ())
    label = to_dot(shown, cards_of(shown), Drawing(theme, "right"))
    signs = re.findall(r'<TD BGCOLOR="#\w{6}" WIDTH="7" [^>]*>(?:<FONT [^>]*>(.)</FONT>)?</TD>', label)
    assert signs == ["", "−", "×", "/", "+", ""]
    assert "+ 2</FONT>" in label
