"""The forward and the backward pass as frames of one layout, and as an animation."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import pytest
from cli_harness import ARTICLE, cg
from pictures_zoo import PICTURES

import cgcli
from cgcli.diagnostics.diagnostic import CgError
from cgcli.program.frame_files import write_frames
from cgcli.program.nested_values import with_nested
from cgcli.render.picture.card import card_shapes
from cgcli.render.picture.compose import picture
from cgcli.render.picture.content import Arrow, Picture, PictureNode
from cgcli.render.picture.draw import Arranged, arranged
from cgcli.render.picture.drawing import Drawing
from cgcli.render.picture.frames import MOST_FRAMES, Passes, frame, frames_scene, passes
from cgcli.render.picture.scene import scene
from cgcli.render.picture.shapes import Part, Scene, Text

ROOT = Path(__file__).parents[1]
VALUES = ("--a", "2", "--b", "3", "--c", "1")
CAPTIONS = [
    "forward: what is given",
    "forward 1 of 3: d = a + b",
    "forward 2 of 3: e = b − c",
    "forward 3 of 3: y = d × e",
    "backward 1 of 6: ∂y/∂y",
    "backward 2 of 6: ∂y/∂e",
    "backward 3 of 6: ∂y/∂d",
    "backward 4 of 6: ∂y/∂c",
    "backward 5 of 6: ∂y/∂b",
    "backward 6 of 6: ∂y/∂a",
    "complete",
]
ARRANGED: dict[str, Arranged] = {}
NAMES = sorted(PICTURES)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("f.cg").write_text(ARTICLE, encoding="utf-8")


def arrange(name: str) -> Arranged:
    if name not in ARRANGED:
        ARRANGED[name] = arranged(PICTURES[name](), Drawing())
    return ARRANGED[name]


def whole_of(name: str) -> tuple[Arranged, Passes, Scene]:
    each = arrange(name)
    steps = passes(each.picture)
    return each, steps, frames_scene(each.picture, each.layout, each.cards, Drawing(), "", steps)


def cards(parts: tuple[Part, ...]) -> list[Part]:
    """The cards themselves, without the rings around those of a step."""
    return [part for part in parts if part.kind == "node" and len(part.shapes) > 1]


def texts(part: Part) -> list[str]:
    return [shape.text for shape in part.shapes if isinstance(shape, Text)]


# ---- the order of the steps


def test_the_steps_of_the_article() -> None:
    assert list(passes(PICTURES["article"]()).captions) == CAPTIONS


@pytest.mark.parametrize("name", NAMES)
def test_a_value_comes_behind_those_that_it_needs_and_a_derivative_behind_those_that_it_is_a_sum_of(name: str) -> None:
    picture = PICTURES[name]()
    steps = passes(picture)
    for arrow in picture.arrows:
        if arrow.style != "next":
            assert steps.values[arrow.source] <= steps.values[arrow.target]
        if arrow.flows and arrow.target in steps.derivatives:
            assert steps.derivatives[arrow.target] <= steps.derivatives[arrow.source]
    last_value = max(steps.values.values())
    assert all(last_value < k < len(steps.captions) - 1 for k in steps.derivatives.values())
    assert {n.id for n in picture.nodes if n.gradient or n.gradient_map} <= set(steps.derivatives)


@pytest.mark.parametrize("name", NAMES)
def test_each_step_computes_something(name: str) -> None:
    steps = passes(PICTURES[name]())
    assert {*steps.values.values(), *steps.derivatives.values()} | {0} == set(range(len(steps.captions) - 1))


def test_an_open_loop_is_one_step() -> None:
    program = cgcli.load(ROOT / "samples/newton.cg")
    captions = [re.search(r"<desc>(.*)</desc>", each.text) for each in program.frames(of="x")]
    steps = [each[1].rpartition(" It shows")[2].partition(". ")[2] for each in captions if each]
    assert sum("while" in step for step in steps) == 2 + 2  # on the way there and back, and both `x = while loop`


def test_steps_of_values_alone() -> None:
    options = cgcli.PictureOptions(view="forward")
    images = cgcli.load("f.cg").frames(a=2, b=3, c=1, options=options)
    assert len(images) == 5
    assert not any("∂" in each.text for each in images)


def test_steps_of_derivatives_alone() -> None:
    images = cgcli.load("f.cg").frames(a=2, b=3, c=1, options=cgcli.PictureOptions(view="backward"))
    assert len(images) == 8


def test_too_many_steps_are_an_error_that_says_how_to_draw_less() -> None:
    nodes = tuple(PictureNode(k, "value", f"v{k}", "f", "1") for k in range(MOST_FRAMES + 1))
    chain = Picture(nodes, tuple(Arrow(k, k + 1) for k in range(MOST_FRAMES)))
    with pytest.raises(CgError) as problem:
        passes(chain)
    assert str(MOST_FRAMES) in str(problem.value)
    assert "--fold" in str(problem.value)


# ---- what a frame shows


@pytest.mark.parametrize("name", NAMES)
def test_every_frame_has_each_card_and_each_arrow_once_and_at_one_place(name: str) -> None:
    each, steps, whole = whole_of(name)
    static = scene(each.picture, each.layout, each.cards, Drawing())
    arrows = sorted(part.id for part in static.parts if part.kind == "arrow")
    ids = [node.id for node in each.picture.nodes]
    outlines = {part.id: part.shapes[0]._replace(fill=None, stroke=None) for part in cards(static.parts)}  # type: ignore[call-arg]
    for k in range(len(steps.captions)):
        parts = frame(whole, k).parts
        assert sorted(part.id for part in parts if part.kind == "arrow") == arrows
        assert [part.id for part in cards(parts)] == ids
        for part in cards(parts):
            assert part.shapes[0]._replace(fill=None, stroke=None) == outlines[part.id]  # type: ignore[call-arg]


@pytest.mark.parametrize("name", NAMES)
def test_the_last_frame_is_the_picture(name: str) -> None:
    each, steps, whole = whole_of(name)
    last = frame(whole, len(steps.captions) - 1)
    static = scene(each.picture, each.layout, each.cards, Drawing())

    def graph(parts: tuple[Part, ...]) -> list[Part]:
        return [part for part in parts if part.kind not in ("paper", "caption")]

    if last.width == static.width:  # a long caption moves the graph to the middle
        assert graph(last.parts) == graph(static.parts)
    assert [texts(part) for part in graph(last.parts)] == [texts(part) for part in graph(static.parts)]


@pytest.mark.parametrize("name", NAMES)
def test_no_number_comes_before_its_step(name: str) -> None:
    each, steps, whole = whole_of(name)
    for k in range(len(steps.captions)):
        for part in cards(frame(whole, k).parts):
            node = each.cards[part.id]
            hidden = [word for word, at in (("value", steps.values), ("derivative", steps.derivatives))
                      if k < at.get(part.id, 0)]  # fmt: skip
            shown = [s.text for s in card_shapes(node, each.layout.cards[part.id], hidden) if isinstance(s, Text)]
            assert texts(part) == shown
            if hidden:
                assert not re.search(r", (value|derivative) ", part.title)  # with all digits


def test_a_step_has_a_ring_in_ink_on_the_way_forward_and_in_the_accent_back() -> None:
    _, steps, whole = whole_of("article")
    rings = []
    for k in range(len(steps.captions)):
        parts = frame(whole, k).parts
        rings.append([(p.id, p.shapes[0].stroke.role) for p in parts if p.kind == "node" and len(p.shapes) == 1])  # type: ignore[union-attr]
    assert rings[0] == rings[-1] == []
    assert [ring[0][1] for ring in rings[1:-1]] == ["ink"] * 3 + ["accent"] * 6
    assert all(len(ring) == 1 for ring in rings[1:-1])


def test_frames_say_which_step_they_show() -> None:
    images = cgcli.load("f.cg").frames(a=2, b=3, c=1)
    assert [caption in image.text for image, caption in zip(images, CAPTIONS, strict=True)] == [True] * len(CAPTIONS)
    assert "Backward 2 of 6: ∂y/∂e.</desc>" in images[5].text
    sizes = {re.search(r'width="[\d.]+" height="[\d.]+"', image.text)[0] for image in images}  # type: ignore[index]
    assert len(sizes) == 1


# ---- the animation


def animation(*arguments: str) -> str:
    result = cg("render", "f.cg", *VALUES, "--animate", "-o", "-", *arguments)
    assert (result.status, result.err) == (0, "")
    return result.out


def test_an_animation_has_the_parts_of_all_frames() -> None:
    text = animation()
    ET.fromstring(text)
    frames = cgcli.load("f.cg").frames(a=2, b=3, c=1)
    for each in frames:
        body = each.text.partition("</style>\n")[2].replace("</svg>\n", "")
        lines = [line for line in body.splitlines() if line.startswith(("<text", "<rect", "<path"))]
        assert not set(lines).difference(text.splitlines())


def test_an_animation_loops_with_a_pause_and_shows_the_last_frame_where_motion_is_not_wanted() -> None:
    text = animation()
    assert "<script" not in text
    style = re.findall(r"<style>(.*)</style>", text)[-1]
    assert style.startswith("@media (prefers-reduced-motion: no-preference){")
    assert set(re.findall(r"animation:\S+ (\S+) step-end infinite", style)) == {"14s"}  # ten frames, then four seconds
    last = len(CAPTIONS) - 1
    for name, hidden in re.findall(
        r'<g class="\w+ t\d+-(\d+)"( visibility="hidden"|)', text.replace(' role="graphics-symbol img"', "")
    ):
        assert (int(name) < last) == bool(hidden)


def test_at_each_time_an_animation_shows_one_frame() -> None:
    style = re.findall(r"<style>(.*)</style>", animation())[-1]
    seconds, last = 14, len(CAPTIONS) - 1
    for first, end, keys in re.findall(r"@keyframes t(\d+)-(\d+)\{(.*?\})\}", style):
        stops = [
            (0.0 if at in ("from", "0%") else 100.0 if at == "to" else float(at.rstrip("%")), shown == "visible")
            for ats, shown in re.findall(r"([^{}]+)\{visibility:(\w+)\}", keys)
            for at in ats.split(",")
        ]
        for k in range(last + 1):
            at = 100 * (k + 0.5) / seconds
            assert [shown for time, shown in stops if time <= at][-1] == (int(first) <= k <= int(end))
        assert all(a <= b for (a, _), (b, _) in pairwise(stops))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--animate", "-o", "f.png", *VALUES), "`--animate` has no effect on a `.png`"),
        (("--animate", "-o", "f.html", *VALUES), "`--animate` has no effect on a `.html`"),
        (("--animate",), "no value"),
        (("--frames", "d"), "no value"),
        (("--frames", "d", "--a", "1"), "no value"),
        (("--frames", "d", "-o", "f.svg", *VALUES), "`--frames` and `-o`"),
        (("--frames", "d", "--animate", *VALUES), "`--frames` and `--animate`"),
        (("--frames", "d", "--format", "dot", *VALUES), "`--frames` has no effect on a `.dot`"),
        (("--frames", "-", *VALUES), "`--frames` takes a folder"),
        (("--frames", "f.cg", *VALUES), "it is a file, not a folder"),
        (("--frames", "no/folder", *VALUES), "no/folder"),
        (("--frames", "d", "--size", "big", *VALUES), "`--size`"),
    ],
)
def test_options_that_do_not_go_together(arguments: tuple[str, ...], message: str) -> None:
    before = sorted(Path().iterdir())
    result = cg("render", "f.cg", *arguments)
    assert result.status == (1 if message == "no/folder" else 2)
    assert message in result.err
    assert sorted(Path().iterdir()) == before
    assert Path("f.cg").read_text(encoding="utf-8") == ARTICLE


# ---- files


def names(folder: str) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def test_frames_are_files_of_a_folder_that_sort() -> None:
    result = cg("render", "f.cg", *VALUES, "--frames", "out")
    assert (result.status, result.out, result.err) == (0, "", "wrote 11 frames into out\n")
    assert names("out") == [f"{k:03}.svg" for k in range(11)]
    for path in Path("out").iterdir():
        ET.fromstring(path.read_text(encoding="utf-8"))
    assert cg("render", "f.cg", *VALUES, "--frames", "out", "--format", "png", "-q").err == ""
    assert names("out")[:2] == ["000.png", "000.svg"]
    assert Path("out/010.png").read_bytes().startswith(b"\x89PNG")


def test_a_shorter_run_leaves_no_frame_of_a_longer_one() -> None:
    assert cg("render", "f.cg", *VALUES, "--frames", "out").status == 0
    Path("out/notes.txt").write_text("mine")
    Path("out/999.svg").write_text("<svg/>")
    assert cg("render", "-e", "y = x * x", "--x", "2", "--frames", "out").status == 0
    assert names("out") == ["000.svg", "001.svg", "002.svg", "003.svg", "004.svg", "999.svg", "notes.txt"]


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_a_file_that_cg_has_not_written_is_never_replaced(kind: str) -> None:
    Path("out").mkdir()
    Path(f"out/002.{kind}").write_text("mine")
    result = cg("render", "f.cg", *VALUES, "--frames", "out", "--format", kind)
    assert result.status == 2
    assert f"`out/002.{kind}` is no frame that cg has written" in result.err
    assert names("out") == [f"002.{kind}"]
    assert Path(f"out/002.{kind}").read_text() == "mine"


def test_a_link_is_never_followed() -> None:
    Path("out").mkdir()
    assert cg("render", "f.cg", *VALUES, "--frames", "first").status == 0
    Path("out/001.svg").symlink_to(Path("first/001.svg").resolve())
    before = Path("first/001.svg").read_bytes()
    assert cg("render", "-e", "y = x * x", "--x", "2", "--frames", "out").status == 2
    assert Path("first/001.svg").read_bytes() == before


def test_where_one_frame_cannot_be_written_none_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cg("render", "f.cg", *VALUES, "--frames", "out").status == 0
    before = {path.name: path.read_bytes() for path in Path("out").iterdir()}
    images: list[object] = [b"<svg></svg>", b"<svg></svg>", "no bytes"]
    for folder in ("out", "new"):
        with pytest.raises((TypeError, AttributeError)):
            write_frames(folder, "svg", images)  # type: ignore[arg-type]
    assert {path.name: path.read_bytes() for path in Path("out").iterdir()} == before
    assert not Path("new").exists()


def test_an_earlier_frame_that_cannot_be_removed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    write_frames("out", "svg", [b"<svg></svg>"] * 3)

    def refuse(path: str) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.unlink", refuse)
    with pytest.raises(CgError, match="cannot be removed: operation not permitted"):
        write_frames("out", "svg", [b"<svg></svg>"])


def test_frames_in_python() -> None:
    images = cgcli.load("f.cg").frames("out", a=2, b=3, c=1, kind="png")
    assert len(images) == 11
    assert names("out") == [f"{k:03}.png" for k in range(11)]
    assert images[0].kind == "png"
    with pytest.raises(CgError, match="no value"):
        cgcli.load("f.cg").frames("other", a=2)
    assert not Path("other").exists()


def test_a_text_of_the_program_stays_text() -> None:
    Path("evil.cg").write_text('# <script>\nx = a + 1 # "</style>"\ny = x * x\n', encoding="utf-8")
    result = cg("render", "evil.cg", "--a", "1", "--animate", "--title", "</title><script>", "-o", "-")
    assert result.status == 0
    assert "<script" not in result.out
    ET.fromstring(result.out)


def test_several_outputs_say_whose_derivatives_are_shown() -> None:
    result = cg("render", "-e", "y = a * 2; z = a * 3", "--a", "1", "--frames", "out")
    assert result.status == 0
    assert "gradients are those of `y`" in result.err


# ---- the arrows along which derivatives pass back


def flowing(text: str, of: str | None = None, **values: float) -> set[tuple[str, str]]:
    program = cgcli.parse(text)
    evaluation = program.run(values, of=of)
    each = picture(program.graph, evaluation)
    titles = {node.id: node.title for node in each.nodes}
    return {(titles[arrow.source], titles[arrow.target]) for arrow in each.arrows if arrow.flows}


def test_derivatives_pass_back_along_arrows_of_numbers() -> None:
    assert flowing("d = a + b\ny = d * a", a=1, b=2) == {("a", "d"), ("b", "d"), ("a", "y"), ("d", "y")}
    assert flowing("s = stop_gradient(a)\ny = s * a", a=1) == {("s", "y"), ("a", "y")}
    assert flowing("k = a * 2\ny = b * 2\noutput k, y", of="y", a=1, b=1) == {("b", "y")}


def test_derivatives_pass_back_along_arrows_of_tensors() -> None:
    text = "input x: float[3] = [1, 2, 3]\ns = stop_gradient(x)\nk = argmax(x)\nz = x * s\ny = sum(z) + z[k]\noutput y"
    assert flowing(text) == {("x", "z"), ("s", "z"), ("z", "sum"), ("sum", "y"), ("z", "[k]"), ("[k]", "y")}


def test_derivatives_pass_back_into_a_loop_and_out_of_it() -> None:
    arrows = PICTURES["rnn"]()
    titles = {node.id: node.title for node in arrows.nodes}
    flows = {titles[arrow.source] for arrow in arrows.arrows if arrow.flows}
    assert {"xs", "W", "U", "b", "v", "h₀", "guess", "target"} <= flows


def test_the_side_that_is_not_taken_is_no_step() -> None:
    images = cgcli.load(ROOT / "samples/huber.cg").frames()
    assert len(images) == 14
    program = cgcli.load(ROOT / "samples/huber.cg")
    each = arranged(picture(program.graph, with_nested(program.run({}))), Drawing())
    steps = passes(each.picture)
    muted = [node.id for node in each.picture.nodes if node.muted]
    assert muted
    assert not {f for f in map(steps.derivatives.get, muted) if f is not None}
