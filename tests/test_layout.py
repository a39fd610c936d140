"""The layout of pictures and what is drawn from it, as data: boxes, curves, texts and roles of colours, not pixels."""

import itertools
import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path as FilePath

import pytest
from pictures_zoo import PICTURES, everything

from cgcli import load, parse
from cgcli.program.nested_values import with_nested
from cgcli.render.picture import compose
from cgcli.render.picture import layout as layout_module
from cgcli.render.picture.card import SMALLEST_TEXT, TextRow, hexagon, radius
from cgcli.render.picture.card import card as made_card
from cgcli.render.picture.content import Arrow, Picture, PictureNode, View
from cgcli.render.picture.draw import Arranged, arranged, fitting, painted
from cgcli.render.picture.drawing import Direction, Drawing, fits
from cgcli.render.picture.effort import effort
from cgcli.render.picture.heat_maps import sheet
from cgcli.render.picture.label_boxes import CLEAR, NEAR, label_boxes
from cgcli.render.picture.layout import lay_out
from cgcli.render.picture.routes import Route
from cgcli.render.picture.scene import scene
from cgcli.render.picture.shapes import Box, Part, Path, Point, Rect, Scene, Text
from cgcli.render.picture.text_width import FILES, advance_widths, text_width
from cgcli.render.picture.themes import CELL_LEVELS, HEAT_LEVELS, LOOKS, THEMES, cell_role, luminance

ROOT = FilePath(__file__).parents[1]
DIRECTIONS: tuple[Direction, ...] = ("right", "down", "left", "up")
CASES = [(name, direction) for name in PICTURES for direction in DIRECTIONS[: 4 if name == "everything" else 2]]


@cache
def made(name: str, direction: Direction) -> Arranged:
    return arranged(PICTURES[name](), Drawing(direction=direction))


def drawn(each: Arranged, drawing: Drawing | None = None) -> Scene:
    return scene(each.picture, each.layout, each.cards, drawing or Drawing(legend=True, title="A title"), "title")


def parts(each: Scene, kind: str) -> list[Part]:
    return [part for part in each.parts if part.kind == kind]


def texts(part: Part) -> list[Text]:
    return [shape for shape in part.shapes if isinstance(shape, Text)]


def distance_to_outline(point: Point, box: Box, corner: float) -> float:
    """How far a point is from the outline of a rectangle with round corners."""
    x = abs(point[0] - box.centre[0]) - box.width / 2 + corner
    y = abs(point[1] - box.centre[1]) - box.height / 2 + corner
    return abs(math.hypot(max(x, 0), max(y, 0)) + min(max(x, y), 0) - corner)


def distance_to_border(each: Arranged, arrow: Arrow, point: Point) -> float:
    """How far a point is from the border of the group at which an arrow ends, or from its title on that."""
    group, chip = each.layout.groups[arrow.into], each.layout.chips[arrow.into]
    return min(distance_to_outline(point, group, 12), distance_to_outline(point, chip, chip.height / 2))


def samples(route: Route) -> Iterator[Point]:
    """Points of a route, a fraction of a curve apart."""
    for k in range(0, len(route.points) - 3, 3):
        curve = route.points[k : k + 4]
        for t in (step / 32 for step in range(33)):
            weights = ((1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3)
            x, y = (sum(w * p[axis] for w, p in zip(weights, curve, strict=True)) for axis in (0, 1))
            yield x, y


def inside(point: Point, box: Box) -> bool:
    return box.x < point[0] < box.right and box.y < point[1] < box.bottom


# ---- the layout


@pytest.mark.parametrize(("name", "direction"), CASES)
def test_no_two_cards_overlap_and_all_lie_inside(name: str, direction: Direction) -> None:
    layout = made(name, direction).layout
    page = Box(0, 0, layout.width, layout.height)
    for a, b in itertools.combinations(layout.cards.values(), 2):
        assert not a.overlaps(b)
    boxes = [*layout.cards.values(), *layout.groups.values(), *layout.chips.values(), *layout.labels.values()]
    assert all(page.holds(box) for box in boxes)


@pytest.mark.parametrize(("name", "direction"), CASES)
def test_a_group_holds_its_cards_and_no_others(name: str, direction: Direction) -> None:
    each = made(name, direction)
    for g, box in each.layout.groups.items():
        inside = {g, *(h for h, group in enumerate(each.picture.groups) if group.parent == g)}
        for node in each.picture.nodes:
            card = each.layout.cards[node.id]
            assert box.holds(card) if node.group in inside else not box.overlaps(card)


@pytest.mark.parametrize(("name", "direction"), CASES)
def test_labels_stand_beside_cards_and_off_their_own_arrows(name: str, direction: Direction) -> None:
    layout = made(name, direction).layout
    for k, label in layout.labels.items():
        assert not any(label.overlaps(box) for box in (*layout.cards.values(), *layout.chips.values()))
        assert not any(inside(point, label) for point in samples(layout.routes[k]))
    for a, b in itertools.combinations(layout.labels.values(), 2):
        assert not a.overlaps(b)


@pytest.mark.parametrize("name", ["black_scholes", "quadratic", "huber", "newton_step"])
def test_a_label_is_nearer_to_its_own_arrow_than_to_any_other(name: str) -> None:
    program = load(ROOT / "samples" / f"{name}.cg")
    values = {"quadratic": {"x": 1.0}, "huber": {"guess": 3.0, "target": 0.5}, "newton_step": {"a": 2.0, "x": 1.5}}.get(
        name, {}
    )
    of = {"quadratic": "y", "huber": "loss", "newton_step": "better", "black_scholes": "price"}[name]
    each = arranged(compose.picture(program.graph, with_nested(program.run(values, of=of))), Drawing())
    for k, label in each.layout.labels.items():
        assert any(inside(point, label.grown(NEAR)) for point in samples(each.layout.routes[k]))
        others = (route for other, route in each.layout.routes.items() if other != k)
        assert not any(inside(point, label.grown(CLEAR - 0.5)) for route in others for point in samples(route))


def test_a_label_without_a_clear_place_leaves_its_own_arrow_and_cards_free() -> None:
    route = Route(((0, 0), (40, 0), (80, 0), (120, 0)), (129, 0))
    crossing = {k: Route(((x, -90), (x, -30), (x, 30), (x, 90)), (x, 99)) for k, x in enumerate(range(0, 130, 10), 1)}
    card = Box(30, -40, 60, 36)
    boxes = label_boxes({0: Box(40, -8, 40, 16)}, {0: route, **crossing}, [card], [])
    assert not boxes[0].overlaps(card)
    assert not any(inside(point, boxes[0]) for point in samples(route))


@pytest.mark.parametrize(("name", "direction"), CASES)
def test_titles_of_groups_touch_no_other_group(name: str, direction: Direction) -> None:
    layout = made(name, direction).layout
    for g, chip in layout.chips.items():
        around = [box for other, box in layout.groups.items() if other != g and not box.holds(layout.groups[g])]
        assert not any(chip.overlaps(box) and not layout.groups[g].holds(box) for box in around)


@pytest.mark.parametrize(("name", "direction"), CASES)
def test_arrows_lead_through_no_card(name: str, direction: Direction) -> None:
    each = made(name, direction)
    for k, route in each.layout.routes.items():
        ends = (each.picture.arrows[k].source, each.picture.arrows[k].target)
        others = [box for i, box in each.layout.cards.items() if i not in ends]
        assert not any(inside(point, box) for point in samples(route) for box in others)


@pytest.mark.parametrize(("name", "direction"), CASES)
def test_arrows_end_on_the_outlines_of_their_cards(name: str, direction: Direction) -> None:
    each = made(name, direction)
    for k, route in each.layout.routes.items():
        arrow = each.picture.arrows[k]
        for point, node in ((route.points[0], arrow.source), (route.tip, arrow.target)):
            card, box = each.cards[node], each.layout.cards[node]
            if node == arrow.target and arrow.into >= 0:
                assert distance_to_border(each, arrow, point) < 0.01
            elif LOOKS[card.node.kind].pointed:
                assert box.grown(0.01).holds(Box(*point, 0, 0))
                assert min(math.dist(point, corner) for corner in hexagon(box)) <= box.width
            else:
                assert distance_to_outline(point, box, radius(card, box)) < 0.01
    assert len(each.layout.routes) == len(each.picture.arrows)


def test_arrows_of_a_picture_that_is_drawn_backwards_point_at_their_sources() -> None:
    forward = PICTURES["article"]()
    each = arranged(replace(forward, backward=True), Drawing(direction="right"))
    for k, route in each.layout.routes.items():
        box = each.layout.cards[forward.arrows[k].source]
        assert route.tip[0] == pytest.approx(box.right)
        assert route.points[0][0] > route.tip[0]


def test_an_arrow_from_a_card_to_itself_and_a_single_card() -> None:
    node = PictureNode(7, "state", "x", "x + 1")
    layout = lay_out(Picture((node,), (Arrow(7, 7, "again", "next"),)))
    (route,) = layout.routes.values()
    assert distance_to_outline(route.tip, layout.cards[7], radius(made_card(node), layout.cards[7])) < 0.01
    assert lay_out(Picture((node,), ())).routes == {}


def test_cards_of_a_rank_are_equally_wide() -> None:
    cards = made("article", "right").layout.cards
    assert len({cards[i].width for i in (0, 1, 2)}) == 1
    assert len({cards[i].width for i in (3, 4)}) == 1


def test_of_both_directions_the_one_that_fits_a_page_is_taken() -> None:
    for name in ("article", "black_scholes"):
        each = PICTURES[name]()
        scales = {direction: made(name, direction).layout.scale for direction in ("right", "down")}
        assert lay_out(each).scale == max(scales.values())
    wide = Picture(tuple(PictureNode(k, "value", f"v{k}") for k in range(12)), ())
    assert lay_out(wide).direction == "down"  # a row; to the right it would be a column, and a page is wide


def test_the_effort_is_decided_by_numbers_of_nodes_and_arrows_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    each = everything()
    before = lay_out(each)
    calls: list[tuple[str, ...]] = []
    run = layout_module.graphviz_layouts

    def slow(dot: list[str]) -> object:
        calls.append(tuple(dot))
        return run(dot)

    clock = itertools.count(0.0, 1000.0)  # as on a machine that is busy with something else
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    monkeypatch.setattr(layout_module, "graphviz_layouts", slow)
    assert lay_out(each) == before
    assert len(calls) == 1


def test_of_large_pictures_the_arrows_are_straight_and_a_note_says_so() -> None:
    nodes = tuple(PictureNode(k, "value", f"v{k}") for k in range(300))
    chain = tuple(Arrow(k, k + 1) for k in range(299))
    assert effort(Picture(nodes, chain), labelled=True).note is None
    hub = Picture(nodes, (*chain, *(Arrow(0, k) for k in range(2, 300))))
    assert effort(hub, labelled=True).note == "the arrows of this large picture are straight"
    assert arranged(hub, Drawing(direction="right")).notes == "the arrows of this large picture are straight"


def test_a_picture_that_is_larger_than_a_page_is_composed_anew_with_a_smaller_budget() -> None:
    budgets: list[int] = []

    def compose(view: View) -> Picture:
        budgets.append(view.detail.budget)
        nodes = tuple(PictureNode(k, "value", f"v{k}", "a + b", "1") for k in range(min(60, view.detail.budget)))
        return Picture(nodes, tuple(Arrow(k, k + 1) for k in range(len(nodes) - 1)))

    result = fitting(compose, View(), Drawing())
    assert budgets[1:] == sorted(budgets[1:], reverse=True)
    assert len(budgets) > 1
    assert fits(result.layout.width, result.layout.height)
    budgets.clear()
    given = replace(View().detail, budget=60)
    assert len(fitting(compose, replace(View(), detail=given), Drawing()).picture.nodes) == 60
    assert budgets == [60]


def test_an_arrow_to_a_loop_ends_at_its_border() -> None:
    program = parse("input most; input a\nx = a\nwhile x > most { x = x / 2 }\ny = x")
    drawn = compose.picture(program.graph)
    each = arranged(drawn, Drawing())
    ((k, arrow),) = ((k, arrow) for k, arrow in enumerate(drawn.arrows) if arrow.into >= 0)
    assert distance_to_border(each, arrow, each.layout.routes[k].tip) < 0.01


def test_layout_as_data() -> None:
    each = made("everything", "down")
    data = json.loads(json.dumps(each.layout.to_data(each.picture)))
    assert (data["format"], data["version"], data["direction"]) == ("cg-layout", 1, "down")
    assert [node["id"] for node in data["nodes"]] == [node.id for node in each.picture.nodes]
    assert {group["id"] for group in data["groups"]} == {0, 1}
    for arrow, entry in zip(each.picture.arrows, data["arrows"], strict=True):
        assert (entry["source"], entry["target"]) == (arrow.source, arrow.target)
        assert len(entry["curve"]) % 3 == 1
        assert (entry["label"] is not None) == bool(arrow.label or arrow.note)


# ---- the drawing


@pytest.mark.parametrize(("name", "direction"), CASES)
def test_every_text_lies_inside_its_card(name: str, direction: Direction) -> None:
    each = made(name, direction)
    graph = drawn(each._replace(picture=replace(each.picture, subject="")), Drawing())  # without a heading
    for part, node in zip(parts(graph, "node"), each.picture.nodes, strict=True):
        assert all(each.layout.cards[node.id].holds(text.box) for text in texts(part)), node.title


@pytest.mark.parametrize("name", PICTURES)
def test_everything_lies_on_the_paper_and_no_text_is_small(name: str) -> None:
    each = drawn(made(name, "down"))
    page = Box(0, 0, each.width, each.height)
    for part in each.parts:
        assert all(text.size >= SMALLEST_TEXT for text in texts(part))
        assert all(page.holds(text.box, 0.5) for text in texts(part)), part.title


def test_numbers_of_a_card_end_in_one_column() -> None:
    for part in parts(drawn(made("article", "right"), Drawing()), "node"):
        numbers = [text for text in texts(part) if text.face == "mono"]
        assert len(numbers) == 2
        assert numbers[0].x + numbers[0].width == pytest.approx(numbers[1].x + numbers[1].width)


def test_the_derivative_of_a_small_node_has_a_sign_of_its_own() -> None:
    shapes = made_card(PictureNode(0, "small", "sin", value="2", gradient="0.5")).rows
    assert [[t.text for t in row.left] for row in shapes if isinstance(row, TextRow)] == [
        ["sin"],
        ["2"],
        ["∂\xa0", "0.5"],
    ]


def test_titles_of_groups_are_drawn_after_arrows_and_cards() -> None:
    kinds = [part.kind for part in drawn(made("everything", "down")).parts]
    order = ["paper", "heading", "group", "arrow", "label", "node", "chip"]
    assert kinds == sorted(kinds, key=order.index)


def test_every_negative_cell_has_a_mark_and_special_ones_differ() -> None:
    each = made("everything", "down")
    for node in each.picture.nodes:
        for heat_map in (node.value_map, node.gradient_map):
            if heat_map is not None:
                assert sheet(heat_map).cell >= 4
    marks = {role: k for k, role in enumerate(["warning", "quiet", "zero"])}
    (masked,) = (p for p in parts(drawn(each), "node") if any(t.text == "NaN starts here" for t in texts(p)))
    strokes = {s.stroke.role for s in masked.shapes if isinstance(s, Path) and s.stroke is not None}
    assert strokes == set(marks)
    legend = " ".join(text.text for part in parts(drawn(each), "heading") for text in texts(part))
    assert re.search(r"NaN .*∞ .*−∞, masked", legend)
    assert "≤ 0.001" in legend


def test_extras_of_cards() -> None:
    each = made("everything", "down")
    by_title = {text.text: part for part in parts(drawn(each), "node") for text in texts(part)}
    stacked = [s for s in by_title["x0 … x49"].shapes if isinstance(s, Rect) and s.fill == "input fill"]
    assert len(stacked) == 3
    assert {t.role for t in texts(by_title["low"])} == {"quiet"}
    assert any(isinstance(s, Path) and s.fill == f"heat {HEAT_LEVELS}" for s in by_title["loss"].shapes)
    assert "+ 12" in by_title


@pytest.mark.parametrize("kind", ["svg", "png", "pdf", "tex"])
def test_every_format_draws_the_same_layout(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    each = made("everything", "down")
    monkeypatch.setattr(layout_module, "graphviz_layouts", lambda *_: pytest.fail("a layout is made once"))
    assert len(painted(each, kind, Drawing(legend=True))) > 5000


# ---- fonts and colours


def test_widths_are_those_of_the_fonts() -> None:
    assert set(FILES) == {"sans", "mono", "italic"}
    assert {round(w, 3) for c, w in advance_widths("mono").items() if c < 0x300} == {0.602}
    assert text_width("", "sans", 12) == 0
    assert text_width("a", "sans", 2048) == 1255
    assert text_width("中", "sans", 10) == 10
    assert text_width("a\u0301", "sans", 2048) < 2 * 1255


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_contrast(theme: str) -> None:
    """WCAG 2: 4.5 for text, 3 for what has to be seen to understand a picture."""
    colours = THEMES[theme]  # type: ignore[index]  # one of the three
    fills = ["paper", "muted fill", *(f"{kind} fill" for kind in LOOKS)]
    for fill in fills:
        for role in ("ink", "quiet", "accent", "warning"):
            assert contrast(colours[role], colours[fill]) >= 4.5, (role, fill)
    for role in ("line", "faint"):
        assert contrast(colours[role], colours["paper"]) >= 3, role
    for kind in LOOKS:
        assert contrast(colours[f"{kind} line"], colours["paper"]) >= 3, kind
    for level in range(-CELL_LEVELS, 0):
        mark = "zero" if level < -CELL_LEVELS * 0.55 else "negative"
        assert contrast(colours[mark], colours[f"cell {level}"]) >= 2, level
    assert contrast(colours["warning"], colours["nothing"]) >= 3
    assert contrast(colours[f"heat {HEAT_LEVELS}"], colours["heat 0"]) >= 3


def test_cells_have_the_colour_of_their_sign() -> None:
    assert [cell_role(c) for c in (-1.0, -0.25, 0.0, 0.25, 1.0)] == [
        "cell -16",
        "cell -8",
        "cell 0",
        "cell 8",
        "cell 16",
    ]
    assert [cell_role(c) for c in ("nan", "-inf", "inf")] == ["nothing", "nothing", "cell 16"]
