"""What a picture shows, as data: cards, small nodes, arrows with local partials; and as DOT."""

from pathlib import Path

import pytest

from cgcli import load, parse
from cgcli.program.nested_values import with_nested
from cgcli.render.formula import number
from cgcli.render.picture.collapse import Detail
from cgcli.render.picture.compose import picture
from cgcli.render.picture.content import Arrow, Group, Picture, PictureNode, View
from cgcli.render.picture.dot import to_dot
from cgcli.render.picture.drawing import Drawing
from cgcli.render.picture.groups import DEEPEST
from cgcli.render.picture.layout import cards_of
from cgcli.render.picture.themes import LOOKS

ROOT = Path(__file__).parents[1]


def pictured(text: str, values: dict[str, float] | None = None, of: str | None = None) -> Picture:
    program = parse(text)
    evaluation = None if values is None else with_nested(program.run(values, of=of))
    return picture(program.graph, evaluation)


def dot(shown: Picture) -> str:
    return to_dot(shown, cards_of(shown), Drawing())


def node(made: Picture, title: str) -> PictureNode:
    (found,) = (n for n in made.nodes if n.title == title)
    return found


def arrow(made: Picture, source: str, target: str) -> Arrow:
    (found,) = (a for a in made.arrows if a.source == node(made, source).id and a.target == node(made, target).id)
    return found


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (2.0, "2"),
        (-5.0, "−5"),
        (-0.0, "0"),
        (1 / 3, "0.3333"),
        (123456.0, "1.235×10⁵"),
        (1e-12, "1×10⁻¹²"),
        (float("inf"), "∞"),
        (float("-inf"), "−∞"),
        (float("nan"), "NaN"),
        (True, "true"),
        (12345, "12345"),
    ],
)
def test_numbers_have_four_digits_and_real_signs(value: float, shown: str) -> None:
    assert number(value) == shown


def test_the_article() -> None:
    made = pictured("d = a + b\ne = b - c\ny = d * e", {"a": 2, "b": 3, "c": 1})
    assert [(n.title, n.kind, n.formula, n.value, n.gradient) for n in made.nodes] == [
        ("a", "input", "input", "2", "2"),
        ("b", "input", "input", "3", "7"),
        ("c", "input", "input", "1", "−5"),
        ("d", "value", "a + b", "5", "2"),
        ("e", "value", "b − c", "2", "5"),
        ("y", "output", "d × e", "10", "1"),
    ]
    assert [a.label for a in made.arrows] == [
        "∂d/∂a = 1",
        "∂d/∂b = 1",
        "∂e/∂b = 1",
        "∂e/∂c = −1",
        "∂y/∂d = 2",
        "∂y/∂e = 5",
    ]
    assert node(made, "a").gradient_of == "∂y/∂a"


def test_unnamed_results_are_small_and_constants_are_part_of_them() -> None:
    made = pictured("y = sin(2 * x) + 1", {"x": 0.0})
    assert [(n.title, n.kind) for n in made.nodes] == [
        ("x", "input"),
        ("2 ×", "small"),
        ("sin", "small"),
        ("y", "output"),
    ]
    assert node(made, "y").formula == "sin(2 × x) + 1"
    assert arrow(made, "x", "2 ×").label == "2"


def test_operations_on_constants_alone_are_spelled_out() -> None:
    made = pictured("y = x / sqrt(2)")
    assert [n.title for n in made.nodes] == ["x", "y"]
    assert node(made, "y").formula == "x / sqrt(2)"


def test_a_named_constant_is_a_card() -> None:
    made = pictured("g = 9.81\ny = g * x")
    assert (node(made, "g").kind, node(made, "g").formula) == ("constant", "= 9.81")


def test_whole_exponents_stand_above_the_line() -> None:
    made = pictured("y = x^2\nz = (a + b)^-3\nw = x^0.5")
    assert [node(made, n).formula for n in "yzw"] == ["x²", "(a + b)⁻³", "x^0.5"]


def test_long_formulas_have_several_lines() -> None:
    made = pictured("y = sin(alpha_one * beta_two) * cos(gamma_three * delta_four) + last")
    assert node(made, "y").formula == "sin(alpha_one × beta_two)\n× cos(gamma_three × delta_four)\n+ last"


def test_of_a_formula_that_is_too_long_the_ends_are_shown() -> None:
    made = pictured(f"y = {' + '.join(f'x{k}' for k in range(60))}")
    assert node(made, "y").formula.startswith("x0 + x1 + x2")
    assert " … " in node(made, "y").formula.replace("\n", " ")
    assert node(made, "y").formula.endswith("x59")


def test_a_long_last_name_of_a_formula_is_cut_as_a_name_is() -> None:
    made = pictured(f"y = exp({'a' * 50}) + {'b' * 50}")
    assert node(made, "y").formula.replace("\n", " ") == f"exp({'a' * 50}) + …{'b' * 32}"


def test_a_rule_has_no_sign_that_only_turns_the_negative_zero() -> None:
    program = parse("input a: float[4] = [1, 2, 3, 4]\ny = sum(log(a)) + sum(sqrt(a))")
    made = picture(program.graph, program.run({}, of="y"))
    labels = {arrow.label for arrow in made.arrows}
    assert "· / a" in labels
    assert not any("+ 0" in label for label in labels)


def test_a_single_node_with_the_title_of_its_group_needs_no_border() -> None:
    made = pictured("error = x^2 - a\nbetter = x - error / grad(error, x)", {"x": 1.5, "a": 2.0}, of="better")
    assert [group.label for group in made.groups] == ["grad"]
    assert "cluster" not in dot(made)


def test_an_if_has_both_sides_and_its_condition() -> None:
    made = pictured("y = if x > 0 then log(x) else -z")
    assert node(made, "y").formula == "if x > 0"
    assert arrow(made, "> 0", "y").style == "condition"
    assert [(a.note, a.style) for a in made.arrows if a.note] == [("then", "value"), ("else", "value")]
    assert not any(n.muted for n in made.nodes)


def test_with_values_an_if_shows_the_side_that_is_taken_and_the_other_in_grey() -> None:
    made = pictured("y = if x > 0 then 3 * log(x) else -z", {"x": 2.0, "z": 1.0})
    assert (arrow(made, "3 ×", "y").note, arrow(made, "3 ×", "y").label) == ("then", "1")
    assert (node(made, "log").value, node(made, "log").gradient) == ("0.6931", "3")
    assert arrow(made, "x", "log").label == "0.5"
    assert (arrow(made, "−", "y").note, arrow(made, "−", "y").style) == ("else", "untaken")
    assert [(n.title, n.value) for n in made.nodes if n.muted] == [("−", "")]
    other = pictured("y = if x > 0 then 3 * log(x) else -z", {"x": -2.0, "z": 1.0})
    assert [n.title for n in other.nodes if n.muted] == ["log", "3 ×"]


def test_without_values_there_are_no_numbers() -> None:
    made = pictured("y = a * b")
    assert {(n.value, n.gradient) for n in made.nodes} == {("", "")}
    assert {a.label for a in made.arrows} == {""}


def test_values_without_an_of_show_no_gradients() -> None:
    program = parse("y = a * b\nz = a + b")
    made = picture(program.graph, program.run({"a": 2, "b": 3}, derivatives=False))
    assert node(made, "y").value == "6"
    assert {n.gradient for n in made.nodes} == {""}


def test_a_call_is_a_group_and_its_local_names_stand_alone() -> None:
    made = pictured("fn f(x) { t = x^2\n return t + x }\ny = f(a)")
    assert made.groups[node(made, "t").group] == Group(-1, "f")


def test_a_result_that_the_caller_names_stands_outside_of_the_call() -> None:
    made = pictured("fn g(x) = 1/x\nfn f(x) = g(x)^2\ny = f(a)")
    assert node(made, "y").group == -1
    assert made.groups[node(made, "1 /").group].label == "g"
    assert node(made, "y").formula == "f(a)"


def test_a_formula_is_that_of_the_file() -> None:
    made = pictured("fn f(x) { t = sin(x)\n return t }\ny = f(a)*b^2 - 0.5/f(b)  # a comment")
    assert node(made, "y").formula == "f(a)×b² − 0.5/f(b)"


def test_a_second_name_and_a_param_say_so() -> None:
    program = parse("param w = 2\nv = w\ny = v*x")
    made = picture(program.graph, params=["w"])
    assert [(n.title, n.kind, n.formula) for n in made.nodes if n.title in "wv"] == [
        ("w", "param", "param"),
        ("v", "value", "= w"),
    ]


def test_signs_of_small_nodes_have_a_dot_where_an_operand_goes() -> None:
    made = pictured("y = max((a - 1)^2 / 3, 0) + 2^b")
    assert [n.title for n in made.nodes if n.kind == "small"] == ["− 1", "(·)²", "/ 3", "max(·, 0)", "2^(·)"]


def test_long_names_are_shortened_but_for_the_tooltip() -> None:
    name = "a_name_that_is_much_longer_than_a_card_should_be"
    made = pictured(f"{name} = 2 * x\ny = {name} + x", {"x": 1.0})
    card = made.nodes[1]
    assert (card.title, card.gradient_of) == ("a_name_that_is_much_lon…rd_should_be", "∂y/∂·")
    assert {n.gradient_of for n in made.nodes} == {"∂y/∂·"}
    assert card.tooltip == f"{name}: float, value 2.0, derivative 1.0"
    assert [a.label for a in made.arrows] == ["2", "1", "1"]


def test_large_constants_are_written_with_powers() -> None:
    made = pictured("y = sin(x * 6.02214076e23 - 100000)")
    assert [n.title for n in made.nodes if n.kind == "small"] == ["× 6.022×10²³", "− 100000"]


def test_calls_deep_in_calls_are_drawn_in_their_callers() -> None:
    chain = "".join(f"fn f{k}(x) = f{k - 1}(x) + {k}*x\n" for k in range(1, 9))
    made = pictured(f"fn f0(x) = sin(x)\n{chain}y = f8(a)")
    assert len(made.groups) == 9
    assert dot(made).count("subgraph cluster_") == DEEPEST


def test_dot_is_the_same_for_the_same_picture() -> None:
    program = load(ROOT / "samples/black_scholes.cg")
    every = View(Detail(level="ops"))
    made = dot(picture(program.graph, program.run({}), view=every))
    assert made == dot(picture(program.graph, program.run({}), view=every))
    assert made.count("subgraph cluster_") == 2


def test_every_kind_of_node_differs_from_the_others_without_colour() -> None:
    looks = dict(LOOKS)
    assert looks.pop("loop") == looks["block"]  # a loop that is closed is a block; its title says which
    assert len(set(looks.values())) == len(looks)
