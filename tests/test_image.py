"""Images: the files that a picture is written to, and what is said of them."""

import os
import re
import struct
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from cgcli import load, parse
from cgcli.diagnostics.diagnostic import CgError
from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import Graph
from cgcli.render.picture import layout_process
from cgcli.render.picture.draw import render
from cgcli.render.picture.drawing import Drawing, Size
from cgcli.render.picture.layout_process import graphviz_layouts
from cgcli.render.picture.png import LARGEST_AREA, LONGEST_SIDE, pixels_a_unit
from cgcli.render.picture.themes import THEMES, ThemeName

pytestmark = pytest.mark.portable

ROOT = Path(__file__).parents[1]
SVG = "{http://www.w3.org/2000/svg}"


def article() -> tuple[Graph, Evaluation]:
    program = load(ROOT / "samples/article.cg")
    return program.graph, program.run({"a": 2, "b": 3, "c": 1})


def svg(drawing: Drawing | None = None) -> ET.Element:
    graph, evaluation = article()
    return ET.fromstring(render(graph, evaluation, "svg", title="the article", drawing=drawing).data)


def png_size(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


@pytest.mark.parametrize(
    ("kind", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("dot", b"digraph")]
)
def test_each_kind_of_file_is_the_same_each_time(kind: str, start: bytes) -> None:
    graph, evaluation = article()
    image = render(graph, evaluation, kind, title="article")
    assert image.data.startswith(start)
    assert image.note is None
    assert render(graph, evaluation, kind, title="article").data == image.data


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_a_picture_does_not_depend_on_the_fonts_of_the_machine(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, evaluation = article()
    before = render(graph, evaluation, kind).data
    monkeypatch.setenv("FONTCONFIG_FILE", os.devnull)
    monkeypatch.setenv("FONTCONFIG_PATH", str(tmp_path))
    assert render(graph, evaluation, kind).data == before


def test_svg_is_self_contained_and_says_what_it_is() -> None:
    graph, evaluation = article()
    text = render(graph, evaluation, "svg", title="the article").data.decode()
    root = ET.fromstring(text)
    assert root.get("role") == "graphics-document document"
    assert root.findtext(f"{SVG}title") == "the article"
    assert root.findtext(f"{SVG}desc") == (
        "A graph of 6 nodes and 6 arrows: 3 inputs, 1 output. It shows values and derivatives."
    )
    assert not re.search(r"(href|src|url)\s*=?\s*[\"'(]?https?:", text.replace("http://www.w3.org", ""))
    assert "sans-serif" in text


def test_svg_names_each_node_and_arrow_for_those_who_cannot_see_them() -> None:
    root = svg()
    nodes = [g for g in root.iter(f"{SVG}g") if g.get("role") == "graphics-symbol img"]
    assert [g.findtext(f"{SVG}title") for g in nodes] == [
        "a: float, value 2.0, derivative 2.0",
        "b: float, value 3.0, derivative 7.0",
        "c: float, value 1.0, derivative -5.0",
        "d: float, value 5.0, derivative 2.0",
        "e: float, value 2.0, derivative 5.0",
        "y: float, value 10.0, derivative 1.0",
    ]
    arrows = [g.findtext(f"{SVG}title") for g in root.iter(f"{SVG}g") if g.get("class") == "arrow"]
    assert arrows[0] == "a → d: ∂d/∂a = 1"
    assert len(arrows) == 6


def test_auto_follows_the_reader_and_is_light_where_no_style_is_read() -> None:
    auto, light = svg(), svg(Drawing("light"))
    style = auto.findtext(f"{SVG}style") or ""
    assert style.startswith("@media (prefers-color-scheme: dark){")
    for name, colour in re.findall(r"\.f-([\w-]+)\{fill:(#\w{6})\}", style):
        assert THEMES["dark"][name.replace("-fill", " fill").replace("-line", " line")] == colour
    assert light.find(f"{SVG}style") is None
    for a, b in zip(auto.iter(f"{SVG}text"), light.iter(f"{SVG}text"), strict=True):
        assert {**a.attrib, "class": ""} == {**b.attrib, "class": ""}
        assert re.fullmatch(r"f-\w+", a.get("class") or "")


@pytest.mark.parametrize("theme", ["dark", "print"])
def test_themes_differ_in_colours_alone(theme: ThemeName) -> None:
    def colourless(drawing: Drawing) -> list[tuple[str, dict[str, str], str | None]]:
        each = svg(drawing).iter()
        return [
            (e.tag, {n: v for n, v in e.attrib.items() if not re.fullmatch(r"#\w{6}", v)}, (e.text or "").strip())
            for e in each
        ]

    assert colourless(Drawing(theme, legend=True)) == colourless(Drawing("light", legend=True))


def test_size_and_background() -> None:
    natural = svg(Drawing("light"))
    wide = svg(Drawing("light", size=Size(1200), background="none"))
    assert wide.get("width") == "1200"
    assert wide.get("viewBox") == natural.get("viewBox")
    assert not [g for g in wide.iter(f"{SVG}g") if g.get("class") == "paper"]
    assert not [r for r in wide.iter(f"{SVG}rect") if r.get("fill-opacity")]
    twice = svg(Drawing("light", size=Size(scale=2.0), background="#102030"))
    assert float(twice.get("width") or 0) == 2 * float(natural.get("width") or 0)
    (paper,) = (g for g in twice.iter(f"{SVG}g") if g.get("class") == "paper")
    assert paper[0].get("fill") == "#102030"


def test_a_background_decides_between_light_and_dark() -> None:
    assert Drawing(background="#101010").painted_theme == "dark"
    assert Drawing(background="#f5f5f5").painted_theme == "light"
    assert Drawing(background="none").painted_theme == "auto"
    assert Drawing("print", background="#101010").painted_theme == "print"


@pytest.mark.parametrize(("size", "factor"), [(Size(), 2.0), (Size(scale=3.0), 3.0), (Size(271), 0.5)])
def test_png_is_the_svg_at_a_scale(size: Size, factor: float) -> None:
    graph, evaluation = article()
    root = svg()
    width, height = (float(root.get(name) or 0) for name in ("width", "height"))
    data = render(graph, evaluation, "png", drawing=Drawing(size=size)).data
    assert png_size(data) == (int(width * factor), int(height * factor))


@pytest.mark.parametrize(
    ("width", "height", "scale"),
    [(500, 300, 2.0), (1000, 300, 1.6), (500, 1200, 1.5), (3000, 300, 11 / 12), (64_000, 100, 0.5)],
)
def test_pixels_a_unit(width: float, height: float, scale: float) -> None:
    assert pixels_a_unit(width, height, Size()) == scale


@pytest.mark.parametrize("width", [100, 777, 1200])
def test_an_image_is_as_wide_as_it_was_asked_for(width: int) -> None:
    graph, evaluation = article()
    data = render(graph, evaluation, "png", drawing=Drawing(size=Size(width))).data
    assert png_size(data)[0] == width


def test_an_image_says_which_characters_are_boxes_in_it() -> None:
    program = parse("速度 = 距離 * 2")
    assert (
        render(program.graph, None, "png").note
        == "cg has no font for 距 離 速 度, which are boxes here; an .svg shows them"
    )
    assert render(program.graph, None, "svg").note is None
    assert render(parse("θ = 2 * é").graph, None, "png").note is None


def test_pixels_are_capped() -> None:
    scale = pixels_a_unit(1000, 1000, Size(scale=1000.0))
    assert scale * 1000 <= LONGEST_SIDE
    assert (scale * 1000) ** 2 <= LARGEST_AREA * 1.0001


def test_a_crash_of_the_layout_is_an_error_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout_process, "_layout_child", lambda: str(ROOT / "no such file"))
    with pytest.raises(CgError) as caught:
        graphviz_layouts(["digraph { a -> b }"])
    assert caught.value.status == 1
    assert caught.value.diagnostics[0].code == "layout-failed"
    assert "no such file" in caught.value.diagnostics[0].values["reason"]


def test_a_layout_beyond_the_limit_of_the_processor_is_an_error_that_says_what_to_do() -> None:
    edges = "".join(f"n{k} -> n{k * 7919 % 1000}; n{k} -> n{k * 104729 % 997};" for k in range(1000))
    with pytest.raises(CgError) as caught:
        graphviz_layouts([f"digraph {{ {edges} }}"], limit=1)
    assert caught.value.status == 1
    assert caught.value.diagnostics[0].code == "layout-too-slow"
    assert "--depth" in str(caught.value)
    assert "--fold" in str(caught.value)


def test_too_large_a_picture_is_folded_and_says_so() -> None:
    program = parse("\n".join(["x0 = a"] + [f"x{k} = sin(x{k - 1})" for k in range(1, 2_100)]))
    image = render(program.graph, None, "svg")
    assert image.note == "what repeats is one block"
    assert "sin × 2092" in image.data.decode()


def test_a_picture_that_is_larger_than_a_page_has_fewer_nodes() -> None:
    lines = [f"v{k} = v{k - 1} * {k} + a" if k else "v0 = a + b" for k in range(60)]
    program = parse("\n".join(lines))
    width, height = png_size(render(program.graph, program.run({"a": 0.1, "b": 0.2}, of="v59"), "png").data)
    assert width <= 1600
    assert height <= 1800
