"""In a notebook, programs and results show themselves as pictures."""

import json
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

ROOT = Path(__file__).parents[1]
CELLS = [
    f"import cgcli\nf = cgcli.load({str(ROOT / 'samples/article.cg')!r})\nf",
    "f.grad(a=2, b=3, c=1)",
    "f.explain(a=2, b=3, c=1, wrt='b')",
    "f(a=2, b=3)",
    "cgcli.parse('input a: float = 2\\noutput y = a * a # <\"&')",
    "f.run(a=2, b=3, c=1)",
    "f.render(kind='html', a=2, b=3, c=1)",
    "cgcli.parse('y = a' + ' + a * a' * 1500).grad(a=2)",
]
RUN = """
import json, sys
import nbclient
import nbformat.v4 as notebook
cells = notebook.new_notebook(cells=[notebook.new_code_cell(cell) for cell in json.load(sys.stdin)])
nbclient.NotebookClient(cells, timeout=120, allow_errors=True).execute()
print(json.dumps([cell.outputs[0] for cell in cells.cells]))
"""


class Frame(HTMLParser):
    """The frames in a page."""

    def __init__(self) -> None:
        super().__init__()
        self.attributes: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag == "iframe"
        self.attributes.append(dict(attrs))


def test_a_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path))
    # in a process of its own, for the notebook's libraries leave sockets open
    command = [sys.executable, "-W", "ignore", "-c", RUN]
    done = subprocess.run(command, input=json.dumps(CELLS), capture_output=True, text=True, check=True)
    program, gradient, explanation, wrong, with_values, run, page, large = json.loads(done.stdout)
    assert program["data"]["image/svg+xml"].startswith("<?xml")
    assert "∂y/∂a" in gradient["data"]["image/svg+xml"]
    assert "Gradient(of='y', value=10.0" in gradient["data"]["text/plain"]
    assert explanation["data"]["text/markdown"].startswith("# y = 10")
    assert (wrong["ename"], wrong["evalue"]) == ("CgError", "error: no value is given for c")
    assert "text/html" not in program["data"]
    for shown in (gradient, with_values, run, page):
        frame = Frame()
        frame.feed(shown["data"]["text/html"])
        [attributes] = frame.attributes
        assert attributes["sandbox"] == "allow-scripts"
        assert (attributes["srcdoc"] or "").startswith("<!DOCTYPE html>")
        assert (attributes["srcdoc"] or "").endswith("</html>\n")
        assert "Content-Security-Policy" in (attributes["srcdoc"] or "")
    assert "text/html" not in large["data"]
    assert "image/svg+xml" in large["data"]
