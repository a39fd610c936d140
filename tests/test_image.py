"""Images: drawn by Graphviz in a process of its own, with a limit."""

import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from cgcli.render.picture.image import draw

from cgcli.diagnostics.diagnostic import CgError
from cgcli.graph.evaluation import Evaluation
from cgcli.program import load, parse
from cgcli.render.picture import image
from cgcli.render.picture.draw import render

pytestmark = pytest.mark.portable

ROOT = Path(__file__).parents[1]


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


@pytest.mark.parametrize("working", [1, 2])
@pytest.mark.parametrize("problem", [subprocess.TimeoutExpired("dot", 1), image._Failed("it crashed")], ids=repr)
def test_when_the_usual_layout_fails_a_simpler_one_is_tried_and_the_user_is_told(
    monkeypatch: pytest.MonkeyPatch, working: int, problem: Exception
) -> None:
    run = image._run

    def late(dot: str, kind: image.Kind, attempt: image.Attempt, seconds: float) -> bytes:
        if image.ATTEMPTS.index(attempt) < working:
            raise problem
        return run(dot, kind, attempt, 60)

    monkeypatch.setattr(image, "_run", late)
    graph, evaluation = article()
    made = render(graph, evaluation, "svg")
    assert made.note == image.ATTEMPTS[working].note
    texts = [e.text for e in ET.fromstring(made.data).iter("{http://www.w3.org/2000/svg}text")]
    assert "d × e" in texts
    assert ("∂d/∂a = 1" in texts) == (working == 1)


def test_a_crash_of_every_layout_is_an_error_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image, "_layout_child", lambda: str(ROOT / "no such file"))
    with pytest.raises(CgError) as caught:
        draw("digraph cg {\n\ta -> b\n}\n", "svg")
    assert caught.value.status == 1
    assert caught.value.diagnostics[0].code == "layout-failed"
    assert "no such file" in caught.value.diagnostics[0].values["reason"]


def test_a_limit_that_nothing_meets_is_an_error() -> None:
    with pytest.raises(CgError) as caught:
        draw("digraph cg {\n\ta -> b\n}\n", "svg", limit=0.001)
    assert caught.value.status == 1
    assert caught.value.diagnostics[0].code == "layout-too-slow"


def test_too_large_a_picture_is_folded_and_says_so() -> None:
    program = parse("\n".join(["x0 = a"] + [f"x{k} = sin(x{k - 1})" for k in range(1, 2_100)]))
    made = render(program.graph, None, "svg")
    assert made.note == "what repeats is one block"
    assert b"sin \xc3\x97 2098" in made.data


def test_sixty_nodes_are_drawn_at_once() -> None:
    lines = [
        f"v{k} = {'ab'[k % 2] if k < 2 else f'v{k - 2}'} * v{k - 1} + {k}" if k else "v0 = a + b" for k in range(20)
    ]
    program = parse("\n".join(lines))
    made = render(program.graph, program.run({"a": 0.1, "b": 0.2}, of="v19"), "png")
    assert made.note is None
    assert len(made.data) > 10_000


def test_temporary_folders_of_killed_renders_go_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    node = image._folder_prefix()
    other = tmp_path / "other"
    stays = [f"{node}{os.getpid()}-abc", f"cg-elsewhere-{ended.pid}-abc", f"{node}x-abc", "cg-abc", "other"]
    for name in [*stays, f"{node}{ended.pid}-abc"]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "fonts.conf").write_text("")
    (tmp_path / f"{node}{ended.pid}-link").symlink_to(other)
    (tmp_path / f"{node}{ended.pid}-abc" / "fonts").symlink_to(other)
    (tmp_path / f"{node}{ended.pid}-file").write_text("")
    draw("digraph { a -> b }", "svg")
    assert {path.name for path in tmp_path.iterdir()} == {
        *stays,
        f"{node}{ended.pid}-link",
        f"{node}{ended.pid}-file",
    }
    assert all((tmp_path / name / "fonts.conf").exists() for name in stays)
