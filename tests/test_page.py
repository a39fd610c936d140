"""The live page of a program: what it starts with, what it holds, and what it says where it cannot do more."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_harness import ARTICLE, cg

from cgcli import load, parse
from cgcli.program.page import page as live_page
from cgcli.program.picture_options import PictureOptions
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


def room(data: dict[str, Any], title: str) -> list[str]:
    """The numbers that a card has room for, and the texts that stay on it."""
    part = next(p for p in data["scene"]["parts"] if p["kind"] == "node" and p["id"] == card(data, title)["id"])
    return [s[1] if s[0] == "n" else s[3] for s in part["shapes"] if s[0] in "nt"]


def test_what_a_folded_block_shows_is_computed_anew() -> None:
    program = parse("fn f(x) { t = x^2; return t * sin(t) }\ny = f(a) + 1")
    data = data_of(live_page(program, {"a": 2.0}, None, PictureOptions(depth=0), print))
    assert room(data, "f")[2:] == ["value", "derivative", "value", "derivative"]
    value = data["slots"][card(data, "f")["value"]]
    assert value == program.eval({"a": 2.0})["y"] - 1


def test_ranges_of_many_values_and_where_nan_starts_are_left_out() -> None:
    stack = page_of(parse("".join(f"input x{k}: float = {k}\n" for k in range(50)) + "y = " + " + ".join(
        f"x{k}^2" for k in range(50))))  # fmt: skip
    assert room(stack, "x0 … x49") == ["x0 … x49", "50 inputs"]
    texts = json.dumps(page_of(parse("y = sqrt(a) * 2"), {"a": -1.0}), ensure_ascii=False)
    assert "starts here" not in texts
    assert "start here" not in texts


def test_headings_of_loops_say_no_count_of_steps() -> None:
    text = "x = a\nwhile abs(x * x - a) > 1e-12 { x = (x + a / x) / 2 }"
    (loop,) = page_of(parse(text), {"a": 2.0})["loops"]
    assert loop["title"] == "while abs(x × x − a) > 1e−12"


def test_sides_of_branches_have_room_for_what_they_compute_when_they_are_taken() -> None:
    text = "if a > 0 { y = a^3 } else { if b > 0 { y = a - b } else { y = exp(a) * b } }\noutput y"
    at_start, moved = (page_of(parse(text), {"a": a, "b": -1.0}) for a in (2.0, -1.0))
    for data in (at_start, moved):
        for title in ("y₀", "y₁", "y₂", "y₃"):
            assert room(data, title)[-2:] == ["value", "derivative"]
    slots = [[(a["slot"], a["prefix"]) for a in data["arrows"]] for data in (at_start, moved)]
    assert slots[0] == slots[1]
    assert [p["slots"] for p in at_start["expected"]] != []


def test_arrows_to_every_output_have_a_number() -> None:
    data = page_of(parse("u = a * b\nv = u + a\nw = u / b\noutput u\noutput v\noutput w"), {"a": 2.0, "b": 3.0})
    assert all(arrow["slot"] >= 0 for arrow in data["arrows"])


def test_inputs_in_single_precision_are_tried_at_numbers_of_it() -> None:
    data = page_of(parse("input s: f32 = 0.1\ny = s * s"))
    points = [p["inputs"][0] for p in data["expected"]]
    assert len(points) == 3
    assert all(x == float(np.float32(x)) for x in points)


def test_a_step_that_no_page_can_compute_is_named_and_recorded() -> None:
    data = page_of(parse("y = lgamma(x) + x^2"), {"x": 3.0})
    assert data["why"] == "This program has a step that pages cannot compute: `lgamma`."
    assert all(arrow["slot"] == -1 and arrow["rule"] for arrow in data["arrows"])


def test_a_copy_has_one_equals_sign() -> None:
    data = page_of(parse("y = a^2\noutput z = y"), {"a": 3.0})
    assert card(data, "z")["how"] == [card(data, "y")["id"]]
