"""Every block of the README and of docs/ is run, and its output compared."""

import doctest
import re
import shlex
from pathlib import Path

import pytest
from api_page import INSIDE, METHODS, api_page
from cli_harness import cg

import cgcli
from cgcli import load, parse

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [
    pytest.param(kind, text, id=f"{page.stem}-{k}")
    for page in PAGES
    for k, (kind, text) in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")))
    if kind not in ("mermaid", "python")  # the map of the rooms, which test_house compares; what is run by page
]
PYTHON = [page for page in PAGES if "```python\n" in page.read_text(encoding="utf-8")]


@pytest.mark.parametrize(("kind", "text"), BLOCKS)
def test_block(kind: str, text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "samples").symlink_to(ROOT / "samples")  # pictures are written beside it
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    if kind == "cg":
        parse(text)
        return
    assert kind == "console", "a block is `cg`, `console` or `python`"
    for command, shown in re.findall(r"^\$ cg (.*)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE):
        result = cg(*shlex.split(command))
        assert result.out + result.err == shown


@pytest.mark.parametrize("page", PYTHON, ids=lambda page: page.stem)
def test_python(page: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The blocks of a page in their order: sessions with their results, and scripts."""
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": page.stem}
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    for k, (kind, text) in enumerate(BLOCK.findall(page.read_text(encoding="utf-8"))):
        if kind != "python":
            continue
        if not text.startswith(">>> "):
            exec(compile(text, f"{page.stem}-{k}", "exec"), names)
            continue
        output: list[str] = []
        block = doctest.DocTestParser().get_doctest(text, names, f"{page.stem}-{k}", str(page), 0)
        assert runner.run(block, out=output.append, clear_globs=False).failed == 0, "".join(output)
        names.update(block.globs)


def test_the_page_of_the_api(request: pytest.FixtureRequest) -> None:
    page, text = ROOT / "docs" / "api.md", api_page()
    if request.config.getoption("--rewrite"):
        page.write_text(text, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == text


def test_every_method_is_in_the_page_of_the_api() -> None:
    public = {name for name in vars(cgcli.Program) if not name.startswith("_")} - set(INSIDE)
    assert public <= set(METHODS["Program"])


def test_the_readmes_first_program_is_the_sample() -> None:
    block = next(text for kind, text in BLOCK.findall(PAGES[0].read_text(encoding="utf-8")) if kind == "cg")
    assert parse(block).graph == load(ROOT / "samples/article.cg").graph


def test_the_readmes_picture_is_the_tools(tmp_path: Path) -> None:
    made = tmp_path / "article.svg"
    values = ["--a", "2", "--b", "3", "--c", "1"]
    assert cg("render", str(ROOT / "samples/article.cg"), *values, "-o", str(made)).status == 0
    assert made.read_bytes() == (ROOT / "docs/article.svg").read_bytes()


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), (page, target)
