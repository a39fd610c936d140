"""Every block of the README and of docs/ is run, and its output compared."""

import re
import shlex
from pathlib import Path

import pytest
from cli_harness import cg

from cgcli.program import load, parse

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [
    pytest.param(kind, text, id=f"{page.stem}-{k}")
    for page in PAGES
    for k, (kind, text) in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")))
    if kind != "mermaid"  # the map of the rooms, which test_house compares
]


@pytest.mark.parametrize(("kind", "text"), BLOCKS)
def test_block(kind: str, text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "samples").symlink_to(ROOT / "samples")  # pictures are written beside it
    monkeypatch.chdir(tmp_path)
    if kind == "cg":
        parse(text)
        return
    assert kind == "console", "a block is `cg` or `console`"
    for command, shown in re.findall(r"^\$ cg (.*)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE):
        result = cg(*shlex.split(command))
        assert result.out + result.err == shown


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
