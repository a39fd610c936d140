"""Text that means something to a terminal or to a format is only ever text, in tables, trees, CSV and JSON."""

import csv as standard_csv
import json as standard_json
import re

import pytest

from cgcli.diagnostics.escape import dot_html, show
from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import Graph
from cgcli.graph.types import FLOAT
from cgcli.ops.builder import Builder
from cgcli.render import csv, json
from cgcli.render.node_table import rows, tree
from cgcli.render.table import table

CORPUS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onload='alert(1)",
    '"; shape=star; x="',
    "a:b:c",
    "\\N\\G\\E\\L\\n",
    "ends with a backslash\\",
    "]]> & <b> <!-- --> <![CDATA[ <?php ?>",
    "&lt;script&gt; &amp; &#60; &nope;",
    "</TD></TR></TABLE>",
    "<I>label</I>",
    "<<b>>",
    "\x1b[31m\x1b]8;;http://x\x07link\x1b]8;;\x07",
    "\x9b31m\x9d0;title\x9c",
    "\u202egnorw\u2066\u2069\u200b\ufeff\u2028\u2029",
    "nul\x00nul",
    "newline\nn9 -> n8\r\ttab",
    "half \ud800 of a pair",
    "{ -> ; } n0 -> n1 // /* # --",
    "digraph cg {",
    "%s %n {0} {title} $x `id` $(id)",
    "[red]x[/red] [link=http://x]y[/link] [/] :smile:",
    "=HYPERLINK(1)",
    'comma, "quote"',
    "変数 é́ ﷽ 😀",
    "x" * 5_000,
    "   ",
    "",
]
ACTS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
"""What a terminal, a viewer or a parser acts on."""

every_text = pytest.mark.parametrize("text", CORPUS, ids=range(len(CORPUS)))


def graph_with(text: str) -> tuple[Graph, Evaluation]:
    """Two inputs and a result that are called by the text, and a node without a name."""
    b = Builder()
    x, y = b.input(FLOAT, text), b.input(FLOAT, text + "2")
    out = b.mul(b.sin(x), y)
    b.names[out] = text * 2
    graph = b.done(out)
    partials = {2: (0.5,), 3: (2.0, 0.25)}
    return graph, Evaluation(graph, [1.0, 2.0, 0.25, 0.5], of=out, adjoints=[1.0, 0.25, 2.0, 1.0], partials=partials)


@every_text
def test_shown_text_is_one_harmless_line(text: str) -> None:
    assert not ACTS.search(show(text))
    assert not re.search(r'[<>"]', dot_html(text))
    show(text).encode()


@every_text
def test_tables_show_it_and_do_not_act_on_it(text: str) -> None:
    graph, evaluation = graph_with(text)
    header, found = rows(graph, evaluation)
    made = table(header, found, width=100)
    assert not ACTS.search(made)
    assert len(text) > 100 or show(text).strip() in made
    coloured = table([text, "value"], [[text, 1.0]], width=100, colour=True)
    assert not ACTS.search(re.sub(r"\x1b\[[0-9;]*m", "", coloured))
    assert set(re.findall(r"\x1b\[([0-9;]*)m", coloured)) <= {"0", "1", "2"}


@every_text
def test_trees_show_it_and_do_not_act_on_it(text: str) -> None:
    lines = list(tree(*graph_with(text)))
    assert len(lines) == 4
    assert not ACTS.search("\n".join(lines))


@every_text
def test_csv_reads_back_as_it_was_shown(text: str) -> None:
    made = csv.dump([text, "value"], [[text, 1.0]])
    assert not ACTS.search(made)
    assert list(standard_csv.reader(made.split("\n"))) == [[show(text), "value"], [show(text), "1.0"]]


@every_text
def test_json_reads_back_exactly(text: str) -> None:
    made = json.dump({text: {"of": text, "value": 1.0}})
    assert standard_json.loads(made) == {text: {"of": text, "value": 1.0}}
    assert "\n" not in made
    assert not ACTS.search(made)
    made.encode()
