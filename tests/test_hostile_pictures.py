"""Pictures of programs whose texts attack the formats they are written in, and of folders that attack the process."""

import os
import re
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pygraphviz
import pytest

from cgcli import load
from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import NONE, Graph, Group
from cgcli.graph.types import FLOAT
from cgcli.ops.builder import Builder
from cgcli.render.formula import clip
from cgcli.render.picture import layout_child
from cgcli.render.picture.content import LONGEST_TITLE
from cgcli.render.picture.draw import render

ROOT = Path(__file__).parents[1]
HOSTILE = [
    "<script>alert(1)</script>",
    '"; shape=star; x="',
    "a:b:c",
    "\\N\\G\\E\\T\\H\\L",
    "]]> & <b> <!-- --> <![CDATA[",
    "</TD></TR></TABLE>",
    "\x1b[31m\x1b]8;;http://x\x07",
    "\u202egnorw\u2066",
    "nul\x00nul",
    "{ -> ; } n0 -> n1",
    "%s {0} $x",
    'onload=alert(1) " onclick="x',
    "<I>label</I>",
    "&lt;&#60;&amp;&#x3c;script&gt;",
    '"/><a xlink:href="javascript:x">\n</a>\n',
    '" URL="http://x" image="/etc/passwd',
    "back\\",
    "",
]
HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
IDS = range(len(HOSTILE))


def hostile_graph(text: str) -> tuple[Graph, Evaluation]:
    """`out = fixed * f(x, other)` with the text in every name, that of the function f too; one node without a name."""
    b = Builder()
    x, other, fixed = b.input(FLOAT, text), b.input(FLOAT, text + "2"), b.const(2.5, FLOAT)
    b.names[fixed] = text + "3"
    b.at_group = b.add_group(Group(NONE, text, None))
    added = b.add(x, other)
    b.at_group = NONE
    out = b.mul(fixed, added)
    b.names[out] = text * 2
    graph = b.done(out)
    partials = {added: (1.0, 1.0), out: (3.0, 2.5)}
    return graph, Evaluation(graph, (1.0, 2.0, 2.5, 3.0, 7.5), out, (2.5, 2.5, 3.0, 2.5, 1.0), partials)


@pytest.mark.parametrize("text", HOSTILE, ids=IDS)
def test_dot_has_the_expected_nodes_and_arrows_and_no_more(text: str) -> None:
    graph, evaluation = hostile_graph(text)
    dot = render(graph, evaluation, "dot", title=text, params=[text]).data.decode()
    parsed = pygraphviz.AGraph(string=dot)
    assert sorted(parsed.nodes()) == ["n0", "n1", "n2", "n3", "n4"]
    assert sorted(parsed.edges()) == [("n0", "n3"), ("n1", "n3"), ("n2", "n4"), ("n3", "n4")]
    assert [cluster.name for cluster in parsed.subgraphs()] == ["cluster_0"]
    assert not HIDDEN.search(dot)
    names = {name for node in parsed.nodes() for name in node.attr}
    assert names.isdisjoint({"URL", "href", "image", "shapefile", "target"})


@pytest.mark.parametrize("text", HOSTILE, ids=IDS)
def test_svg_is_well_formed_and_holds_nothing_that_acts(text: str) -> None:
    graph, evaluation = hostile_graph(text)
    svg = render(graph, evaluation, "svg", title=text, params=[text]).data.decode()
    elements = list(ET.fromstring(svg).iter())
    assert {e.tag.rpartition("}")[2] for e in elements} <= {
        *("svg", "g", "title", "desc", "style", "rect", "path", "text"),
    }
    attributes = {name.rpartition("}")[2] for e in elements for name in e.attrib}
    assert not re.search(r"url|import|[<>\\]", "".join(e.text or "" for e in elements if e.tag.endswith("}style")))
    assert not [name for name in attributes if name.lower().startswith("on") or name in ("href", "src", "style")]
    assert not HIDDEN.search(svg)


@pytest.mark.parametrize("text", [text for text in HOSTILE if text and text.isprintable()])
def test_what_the_user_wrote_is_what_is_read(text: str) -> None:
    graph, evaluation = hostile_graph(text)
    root = ET.fromstring(render(graph, evaluation, "svg", title=text).data)
    shown = [e.text or "" for e in root.iter("{http://www.w3.org/2000/svg}text")]
    titles = [e.text or "" for e in root.iter("{http://www.w3.org/2000/svg}title")]
    assert clip(text, LONGEST_TITLE) in shown
    assert titles[0] == text
    assert f"{text}: float, value 1.0, derivative 2.5" in titles


def test_a_module_in_the_working_folder_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pygraphviz.py", "cgcli.py", "signal.py"):
        (tmp_path / name).write_text("open('ran', 'w').close()\nraise SystemExit(1)\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    program = load(ROOT / "samples/article.cg")
    assert render(program.graph, None, "svg").data.startswith(b"<?xml")
    assert not (tmp_path / "ran").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere its limit of time ends the child")
def test_the_child_ends_with_its_parent_even_in_the_midst_of_a_layout() -> None:
    lines = (
        ["\0digraph cg {"] + [f"n{k} -> n{k * 7919 % 1000}; n{k} -> n{k * 104729 % 997}" for k in range(1000)] + ["}"]
    )
    lifeline, held = os.pipe()
    child = subprocess.Popen(
        [sys.executable, "-P", layout_child.__file__, "600", str(lifeline)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(lifeline,),
    )
    assert child.stdin is not None
    with child.stdin as dot:
        dot.write("\n".join(lines).encode())
    os.close(lifeline)
    os.close(held)  # as when the parent was killed
    assert child.wait(timeout=60) in (-signal.SIGIO, 1)
