"""Images: drawn by Graphviz in a process of its own, with a limit, whatever the user's text holds."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from cgcli.graph.diagnostic import CgError
from cgcli.graph.evaluation import Evaluation
from cgcli.graph.types import FLOAT
from cgcli.ops.builder import Builder
from cgcli.program import load, parse
from cgcli.render import image
from cgcli.render.draw import render
from cgcli.render.image import draw

ROOT = Path(__file__).parents[1]
HOSTILE = [
    "<script>alert(1)</script>",
    '"; shape=star; x="',
    "a:b:c",
    "\\N\\G\\E",
    "]]> & <b> <!-- -->",
    "</TD></TR></TABLE>",
    "\x1b[31m\x1b]8;;http://x\x07",
    "\u202egnorw\u2066",
    "nul\x00nul",
    "{ -> ; } n0 -> n1",
    "%s {0} $x",
    "onload=alert(1)",
    "<I>label</I>",
]


def article() -> tuple[object, Evaluation]:
    program = load(ROOT / "samples/article.cg")
    return program.graph, program.run({"a": 2, "b": 3, "c": 1})


@pytest.mark.parametrize(
    ("kind", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("dot", b"digraph")]
)
def test_each_kind_of_file(kind: str, start: bytes) -> None:
    graph, evaluation = article()
    made = render(graph, evaluation, kind, title="article")
    assert made.data.startswith(start)
    assert made.note is None


def test_svg_is_self_contained_and_says_what_it_is() -> None:
    graph, evaluation = article()
    text = render(graph, evaluation, "svg", title="the article").data.decode()
    root = ET.fromstring(text)
    assert root.get("role") == "img"
    assert "the article" in [e.text for e in root.iter("{http://www.w3.org/2000/svg}title")]
    assert not re.search(r"(href|src|url)\s*=?\s*[\"'(]?https?:", text.replace("http://www.w3.org", ""))
    assert "sans-serif" in text


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_are_only_ever_text(text: str) -> None:
    import pygraphviz

    b = Builder()
    x, y = b.input(FLOAT, text), b.input(FLOAT, text + "2")
    out = b.mul(x, y)
    b.names[out] = text * 2
    graph = b.done(out)
    dot = render(graph, None, "dot", title=text).data.decode()
    parsed = pygraphviz.AGraph(string=dot)
    assert sorted(parsed.nodes()) == ["n0", "n1", "n2"]
    assert sorted(parsed.edges()) == [("n0", "n2"), ("n1", "n2")]
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", dot)

    svg = render(graph, None, "svg", title=text).data.decode()
    root = ET.fromstring(svg)
    elements = list(root.iter())
    assert not [e for e in elements if e.tag.endswith("script")]
    assert not [a for e in elements for a in e.attrib if a.lower().startswith("on")]
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", svg)


def test_past_the_limit_the_layout_is_simpler_and_the_user_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    run = image._run

    def slow_first(dot: str, kind: image.Kind, program: str, limit: float) -> bytes | None:
        calls.append(program)
        return None if program == "dot" else run(dot, kind, program, 60)

    monkeypatch.setattr(image, "_run", slow_first)
    graph, evaluation = article()
    made = render(graph, evaluation, "svg")
    assert calls == ["dot", "sfdp"]
    assert made.note == "the layout took more than 20 seconds; this is a simpler one"
    ET.fromstring(made.data)


def test_a_limit_that_nothing_meets_is_an_error() -> None:
    with pytest.raises(CgError) as caught:
        draw("digraph cg {\n\ta -> b\n}\n", "svg", limit=0.001)
    assert caught.value.status == 1
    assert caught.value.diagnostics[0].code == "layout-too-slow"


def test_too_large_a_picture_is_refused_with_the_limit() -> None:
    program = parse("\n".join(["x0 = a"] + [f"x{k} = sin(x{k - 1})" for k in range(1, 2_100)]))
    with pytest.raises(CgError) as caught:
        render(program.graph, None, "svg")
    assert caught.value.diagnostics[0].code == "picture-too-large"
    assert render(program.graph, None, "dot").data.startswith(b"digraph")


def test_sixty_nodes_are_drawn_at_once() -> None:
    lines = [
        f"v{k} = {'ab'[k % 2] if k < 2 else f'v{k - 2}'} * v{k - 1} + {k}" if k else "v0 = a + b" for k in range(20)
    ]
    program = parse("\n".join(lines))
    made = render(program.graph, program.run({"a": 0.1, "b": 0.2}, of="v19"), "png")
    assert made.note is None
    assert len(made.data) > 10_000
