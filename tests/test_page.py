"""The live page of a program: what it starts with, what it holds, and what it says where it cannot do more."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cli_harness import ARTICLE, cg

from cgcli.program import load, parse
from cgcli.program.program import Program

ROOT = Path(__file__).parents[1]
ARTICLE_FILE, ARTICLE_PAGE = ROOT / "samples/article.cg", ROOT / "docs/article.html"
SAMPLES = sorted((ROOT / "samples").glob("*.cg"))


def data_of(page: str) -> dict[str, Any]:
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    data: dict[str, Any] = json.loads(text)
    return data


def page_of(program: Program, values: dict[str, Any] | None = None, of: str | None = None) -> dict[str, Any]:
    return data_of(program.render(None, values or {}, kind="html", of=of).text)


def card(data: dict[str, Any], title: str) -> dict[str, Any]:
    (result,) = (c for c in data["cards"] if c["title"] == title)
    return result  # type: ignore[no-any-return]


def test_the_article() -> None:
    data = page_of(parse(ARTICLE), {"a": 2.0, "b": 3.0, "c": 1.0})
    assert (data["format"], data["version"], data["why"], data["passes"]) == ("cg-page", 1, "", 1)
    assert [i["name"] for i in data["inputs"]] == ["a", "b", "c"]
    assert [i["value"] for i in data["inputs"]] == [2, 3, 1]
    numbers = {c["title"]: (data["slots"][c["value"]], data["slots"][c["derivative"][0]]) for c in data["cards"]}
    assert numbers == {"a": (2, 2), "b": (3, 7), "c": (1, -5), "d": (5, 2), "e": (2, 5), "y": (10, 1)}
    assert card(data, "y")["how"] == [card(data, "d")["id"], " × ", card(data, "e")["id"]]
    assert {a["prefix"] for a in data["arrows"]} >= {"∂d/∂b = ", "∂y/∂e = "}
    assert data["source"]["lines"][card(data, "y")["line"] - 1] == "y = d * e"


def test_the_points_that_a_page_tries_are_near_its_own_and_computed_apart() -> None:
    program = parse("input x: float = 0.5 in 0..0.52\ny = sqrt(x)")
    data = page_of(program)
    points = [p["inputs"][0] for p in data["expected"]]
    assert points == [0.5, 0.52, 0.5 - 0.071 * 0.5]
    for point in data["expected"]:
        value, derivative = (point["slots"][card(data, "y")["value"]], point["slots"][card(data, "x")["derivative"][0]])
        gradient = program.grad({"x": point["inputs"][0]})
        assert (value, derivative) == (gradient.value, gradient["x"])


def test_points_at_which_the_program_stops_are_left_out() -> None:
    data = page_of(parse("input x: float = 1\nassert x >= 1\ny = x * x"))
    assert [p["inputs"][0] for p in data["expected"]] == [1, 1.043]
    (stops,) = data["stops"]
    assert set(stops.values()) == {2}


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_the_page_of_a_sample_is_whole(path: Path) -> None:
    """Every index is one of something, and every number that changes has a place in the drawing."""
    program = load(path)
    if any(not i.optional and i.type.shape for i in program.inputs):
        pytest.skip("it needs data")
    if program.mode == "dynamic":
        pytest.skip("its graph is that of a run")
    data = page_of(program)
    cards, slots = range(-1, len(data["cards"])), range(-1, len(data["slots"]))
    for each in data["cards"]:
        assert {each["value"], *each["derivative"]} <= set(slots)
        assert all(isinstance(part, str) or part in cards for part in each["how"])
        assert len(each["derivative"]) == len(data["of"])
        assert each["series"] < len(data["series"])
        assert each["loop"] < len(data["loops"])
    for arrow in data["arrows"]:
        assert {arrow["source"], arrow["target"]} <= set(cards[1:])
        assert arrow["slot"] in slots
    shapes = [(part, shape) for part in data["scene"]["parts"] for shape in part["shapes"]]
    for part, shape in shapes:
        if shape[0] == "n":
            owner = data["arrows"][part["id"]] if shape[1] == "partial" else data["cards"][part["id"]]
            assert owner["slot" if shape[1] == "partial" else shape[1]] != -1 or owner["series"] >= 0
    assert bool(data["why"]) == any(t["tensor"] for t in data["cards"]) or not data["why"]
    roles = set(data["themes"]["light"])
    assert {s[6] for _, s in shapes if s[0] == "t"} <= roles == set(data["themes"]["dark"])


def test_the_page_in_the_docs_is_what_is_made_now(request: pytest.FixtureRequest) -> None:
    text = load(ARTICLE_FILE).render(None, {"a": 2.0, "b": 3.0, "c": 1.0}, kind="html").text
    if request.config.getoption("--rewrite"):
        ARTICLE_PAGE.write_text(text, encoding="utf-8")
    assert ARTICLE_PAGE.read_text(encoding="utf-8") == text
    assert len(text.encode()) <= 75 * 1024


# ---- what it starts with


def test_inputs_without_a_value_start_at_1_or_as_near_to_it_as_they_may_be(tmp_path: Path) -> None:
    file = tmp_path / "f.cg"
    file.write_text(
        "input a; input b: float in 2..3; input n: int in -4..-1; input on: bool\ny = if on then a * b + n else b"
    )
    result = cg("render", str(file), "-o", str(tmp_path / "f.html"))
    assert (result.status, result.out) == (0, "")
    assert result.err == "note: no values are given, so the page starts at a = 1, b = 2, n = -1, on = 1\n"
