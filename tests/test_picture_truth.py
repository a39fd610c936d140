"""What a picture must never show: two numbers under one name, untrue equations, numbers where nothing flows."""

from pathlib import Path
from random import Random

import pytest

from cgcli import load, parse
from cgcli.diagnostics.diagnostic import CgError
from cgcli.graph.graph import CONST
from cgcli.program.graph_values import default_of
from cgcli.program.nested_values import with_nested
from cgcli.program.picture_options import PictureOptions
from cgcli.render.formula import typographic
from cgcli.render.picture.arrow_labels import local_derivatives
from cgcli.render.picture.collapse import Detail
from cgcli.render.picture.compose import picture
from cgcli.render.picture.content import Arrow, Picture, PictureNode, View
from cgcli.render.picture.drawing import Size
from cgcli.render.picture.png import size_note
from cgcli.render.picture.units import Level, Units

ROOT = Path(__file__).parents[1]
SAMPLES = sorted((ROOT / "samples").glob("*.cg"))


def pictured(
    text: str, values: dict[str, object] | None = None, of: str | None = None, level: Level = "ops", **view: object
) -> Picture:
    program = parse(text)
    evaluation = None if values is None else with_nested(program.run(values, of=of or default_of(program)))
    params = [i.name for i in program.inputs if i.kind == "param"]
    return picture(program.graph, evaluation, params, View(Detail(level=level), **view))  # type: ignore[arg-type]


def node(picture: Picture, title: str) -> PictureNode:
    (result,) = (n for n in picture.nodes if n.title == title)
    return result


def arrows(picture: Picture, source: str, target: str) -> list[Arrow]:
    ends = node(picture, source).id, node(picture, target).id
    return [a for a in picture.arrows if (a.source, a.target) == ends]


def test_the_number_on_an_arrow_into_a_branch_goes_through_the_loops_in_it() -> None:
    """y = ((a b + a) b + a) b + a + b: by b that is 18 at a = 1, b = 2."""
    text = "input a; input b\nif a < b {\n  t = a\n  for i in 0..3 { t = t * b + a }\n  y = t + b\n} else { y = a }"
    program = parse(text)
    evaluation, y = program.run({"a": 1.0, "b": 2.0}, of="y"), program.module.values["y"]
    operands = program.graph.operands(program.graph.a[y])
    names = [program.graph.names.get(x) for x in operands]
    partials = dict(zip(names, evaluation.partials[y], strict=True))
    assert (partials["a"], partials["b"]) == (15.0, 18.0)


# ---- one name, one number


def test_a_name_that_is_bound_again_has_versions() -> None:
    drawn = pictured("x = 2 * a\nx = x + 1\nx = x^2\ny = x", {"a": 3.0})
    assert [(n.title, n.formula, n.value) for n in drawn.nodes] == [
        ("a", "input", "3"),
        ("x₀", "2 × a", "6"),
        ("x₁", "x₀ + 1", "7"),
        ("x", "x₁²", "49"),
        ("y", "= x", "49"),
    ]
    assert [n.gradient_of for n in drawn.nodes[1:4]] == ["∂y/∂x₀", "∂y/∂x₁", "∂y/∂x"]
    assert arrows(drawn, "x₀", "x₁")[0].label == "∂x₁/∂x₀ = 1"


def test_the_variable_of_a_loop_is_told_apart_before_within_and_after() -> None:
    drawn = pictured("input n: int; input a\nx = a\nfor i in 0..n { x = x / 2 + i }\ny = x", {"a": 8.0, "n": 3})
    titles = {n.title: n.formula for n in drawn.nodes}
    assert {"x₀", "xₖ", "xₖ₊₁", "x"} <= set(titles)
    assert titles["xₖ₊₁"] == "xₖ / 2 + i"


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_no_two_cards_of_one_group_have_the_same_title(path: Path) -> None:
    program = load(path)
    if program.mode == "dynamic":
        pytest.skip("its graph is made by a run")
    for level in ("named", "ops"):
        drawn = picture(program.graph, None, (), View(Detail(level=level, budget=500)))  # type: ignore[arg-type]
        names = [(n.group, n.title) for n in drawn.nodes if n.title and n.kind not in ("small", "block", "choice")]
        assert len(set(names)) == len(names)


# ---- equations that are true


def test_an_operand_that_is_used_twice_has_one_arrow_with_the_sum() -> None:
    drawn = pictured("y = x * x", {"x": 3.0})
    assert [a.label for a in drawn.arrows] == ["∂y/∂x = 6"]


def test_the_arrow_to_a_named_value_is_the_derivative_through_all_that_has_no_name() -> None:
    drawn = pictured("t = sin(x) * x + z\ny = t^2", {"x": 1.0, "z": 0.5}, level="named")
    assert [n.title for n in drawn.nodes] == ["x", "z", "t", "y"]
    assert arrows(drawn, "x", "t")[0].label == "∂t/∂x = 1.382"  # sin 1 + cos 1


def random_program(seed: int) -> str:
    rng = Random(seed)
    names, lines = ["a", "b", "c"], []
    forms = (
        "sin({0}) + {1}",
        "{0} * cos({1}) - {0}",
        "({0} - 0.5) * {1} * 0.3",
        "tanh({0} + {1} + {0})",
        "max({0}, {1})",
    )
    for k in range(12):
        name = rng.choice([f"v{k}", "u"]) if k else "u"
        lines.append(f"{name} = {rng.choice(forms).format(rng.choice(names), rng.choice(names))}")
        names.append(name)
    return "\n".join(["input a; input b; input c", *lines, f"output y = {names[-1]} * u + {rng.choice(names)}"])


@pytest.mark.parametrize("level", ["ops", "named"])
@pytest.mark.parametrize("seed", range(40))
def test_the_derivative_of_a_unit_is_the_sum_over_its_arrows(seed: int, level: Level) -> None:
    program = parse(random_program(seed))
    evaluation = program.run({"a": 0.3, "b": -0.7, "c": 1.1}, of="y")
    units = Units(program.graph, level)
    results = {units.result_of[i] for i in range(len(program.graph))}
    sums: dict[int, float] = {}
    for i in results:
        adjoint = evaluation.adjoints[i]
        if adjoint is not None:
            for x, partial in local_derivatives(units, evaluation, i).items():
                sums[x] = sums.get(x, 0.0) + adjoint * (partial or 0.0)
    for x, total in sums.items():
        if program.graph.op[x] != CONST:
            assert total == pytest.approx(evaluation.adjoints[x] or 0.0, rel=1e-12, abs=1e-12)


def test_names_of_derivatives_have_one_form_in_a_picture() -> None:
    long = "a_rather_long_name_of_an_input"
    drawn = pictured(f"y = {long} * b", {long: 2.0, "b": 3.0})
    assert {n.gradient_of for n in drawn.nodes} == {"∂y/∂·"}
    assert {a.label for a in drawn.arrows} == {"3", "2"}


def test_values_of_one_name_in_two_calls_have_bare_numbers_beside_their_arrows() -> None:
    drawn = pictured("fn f(x) { t = x^2\n return t }\ny = f(a) * f(b)", {"a": 2.0, "b": 3.0})
    assert sorted(a.label for a in drawn.arrows) == ["4", "4", "6", "9"]


# ---- no flow where there is none


def test_ints_and_what_the_result_does_not_depend_on_have_no_derivative() -> None:
    drawn = pictured(
        "input n: int; input a; input b\nz = 2 * b\ny = a * n\noutput y\noutput z", {"a": 2.0, "b": 1.0, "n": 3}, of="y"
    )
    assert {n.title: n.gradient for n in drawn.nodes} == {"a": "3", "b": "", "n": "", "z": "", "y": "1"}
    assert arrows(drawn, "n", "y")[0].label == ""
    assert arrows(drawn, "b", "z")[0].label == ""
    assert drawn.subject == "y"


def test_a_derivative_that_is_stopped_goes_no_further() -> None:
    drawn = pictured("t = a^2\ny = stop_gradient(t) * a", {"a": 2.0})
    assert (node(drawn, "t").gradient, node(drawn, "a").gradient) == ("", "4")


def test_what_only_the_condition_of_a_loop_reads_has_no_derivative() -> None:
    text = "input most; input a\nx = a\nwhile x > most { x = x / 2 }\ny = x"
    drawn = pictured(text, {"most": 1.0, "a": 8.0})
    assert (node(drawn, "most").gradient, node(drawn, "a").gradient) == ("", "0.125")


def test_checks_are_not_drawn_and_an_input_of_checks_alone_is_named_in_a_note() -> None:
    drawn = pictured("input limit; input x\nassert x < limit\ny = x^2", {"x": 1.0, "limit": 3.0})
    assert [n.title for n in drawn.nodes] == ["x", "y"]
    assert drawn.notes == ("not drawn, for nothing that is drawn reads it: limit",)


def test_an_input_that_only_a_condition_reads_has_a_dashed_arrow_to_the_loop() -> None:
    drawn = pictured("input most; input a\nx = a\nwhile x > most { x = x / 2 }\ny = x")
    (arrow,) = (a for a in drawn.arrows if a.source == node(drawn, "most").id)
    assert arrow.style == "condition"
    assert drawn.groups[arrow.into].label == "while x > most"


@pytest.mark.parametrize(
    ("loop", "style"),
    [
        ("while change > 0.1 { change = x / 2\nx = x - change }", "condition"),
        ("for i in 0..3 { change = x / 2 }", "value"),
    ],
)
def test_a_first_value_that_no_step_reads_has_an_arrow_to_the_loop(loop: str, style: str) -> None:
    drawn = pictured(f"x = a\nchange = 1.0\n{loop}\ny = x + change")
    (arrow,) = (a for a in drawn.arrows if a.source == node(drawn, "change₀").id)
    assert (arrow.style, drawn.groups[arrow.into].kind) == (style, "loop")


def test_the_trip_count_has_a_dashed_arrow_to_the_counter() -> None:
    drawn = pictured("input n: int; input a\nx = a\nfor i in 0..n { x = x / 2 }\ny = x")
    (arrow,) = arrows(drawn, "n", "i")
    assert arrow.style == "condition"


# ---- NaN


def test_the_first_bad_node_says_so() -> None:
    drawn = pictured("t = sqrt(x)\nu = t + 1\ny = u * x", {"x": -1.0})
    assert {n.title: n.mark for n in drawn.nodes if n.mark} == {"t": "NaN starts here"}


def test_the_first_bad_derivative_says_so_where_the_values_are_numbers() -> None:
    drawn = pictured("u = x * 0\nt = sqrt(u)\ny = t * 0 + x", {"x": 1.0})
    assert {n.title: n.mark for n in drawn.nodes if n.mark} == {"u": "NaN derivatives start here"}


# ---- written operations


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_no_operation_is_drawn_that_nobody_wrote(path: Path) -> None:
    program = load(path)
    if program.mode == "dynamic":
        pytest.skip("its graph is made by a run")
    sources = "\n".join(dict.fromkeys(span.source.text for span in program.graph.spans))
    drawn = picture(program.graph, None, (), View(Detail(level="ops", budget=500)))
    for word in ("squeeze", "expand_dims", "add_at", "einsum", "reshape", "unstack", "restack", "windows", "take"):
        if word not in sources:
            assert not [n for n in drawn.nodes if word in n.title or word in n.formula]


def test_an_operation_of_several_nodes_is_one() -> None:
    drawn = pictured("input x: float[3]\ninput M: float[3, 3]\ny = sum(M[1] * x) + std(x)")
    assert [n.title for n in drawn.nodes] == ["x", "M", "[1]", "×", "sum", "std", "y"]
    assert node(drawn, "y").formula == "sum(M[1] × x) + std(x)"


@pytest.mark.parametrize(
    ("text", "title", "operands"),
    [
        ("t = (a + b + c + d)^2", "+", "abcd"),
        ("t = sin(a * b * c)", "×", "abc"),
        ("t = sin(a + 2 + b)", "+ 2", "ab"),
        ("t = sin(max(max(a, b), c))", "max", "abc"),
    ],
)
def test_a_chain_of_one_operation_is_one_node(text: str, title: str, operands: str) -> None:
    drawn = pictured(text)
    assert sorted(a.source for a in drawn.arrows if a.target == node(drawn, title).id) == sorted(
        node(drawn, x).id for x in operands
    )


def test_a_difference_is_no_part_of_a_sum() -> None:
    drawn = pictured("y = (a - b) + c + d")
    assert [n.title for n in drawn.nodes if n.kind == "small"] == ["−"]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("a*b^2", "a×b²"),
        ("x**-2 <= 1e-3", "x⁻² ≤ 1e−3"),
        ("not (a != b)", "not (a ≠ b)"),
        ("x^y // 2", "x^y // 2"),
        ("a ^ 2 + 3", "a² + 3"),
        ("x^2^3", "x^2³"),
        ("x ** y ** 2", "x ^ y²"),
    ],
)
def test_a_source_text_has_the_signs_of_a_picture(source: str, text: str) -> None:
    assert typographic(source) == text


# ---- one number under a name


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("x = a\nif a > 0 { x = x + 1; x = x * 3 } else { x = 0 }\nx = x * x\ny = x", "x₀ x₁ x₂ x₃ x₄ x y"),
        ("x = a\nx = x + 1\nif x > 0 { y = x * 2 } else { y = 0 }\nx = x + y\noutput x", "x₀ x₁ y₀ y₁ y x"),
        ("x = a * 2\nx = x + 1\nfor t in 0..3 { x = x + 1; x = x * 2 }\ny = x * 3", "x₀ x₁ xₖ x₂ xₖ₊₁ x y"),
        ("s = a\nfor i in 0..2 { for j in 0..2 { s = s * 2 } }\ny = s", "s₀ sₖ sₗ sₗ₊₁ sₖ₊₁ s y"),
        ("s = a\nfor i in 0..2 { u = s; u = u + 1; s = u }\nfor i in 0..2 { u = s; s = u * 2 }\ny = s",
         "s₀ sₖ u₀ u sₖ₊₁ s₁ sₖ u sₖ₊₁ s y"),
    ],
)  # fmt: skip
def test_branches_and_loops_number_a_name_with_what_is_around_them(text: str, titles: str) -> None:
    drawn = pictured(text, {"a": 2.0})
    assert [n.title for n in drawn.nodes if n.title[:1] in (*"xysu",)] == titles.split()


def test_what_a_branch_or_a_condition_reads_has_the_name_that_it_has_outside() -> None:
    drawn = pictured("x = a\nx = x + 1\nif x > 0 { y = x * 2 } else { y = 0 }\nx = x + y\noutput x", {"a": 1.0})
    assert node(drawn, "y₀").formula == "x₁ × 2"
    drawn = pictured("x = a\nx = x + 1\nk = 1\nwhile k < x { k = k * 2 }\nx = x * 3\ny = x + k", {"a": 4.0})
    assert [g.label for g in drawn.groups] == ["while k < x₁  ·  3 steps"]


def test_a_branch_in_a_function_is_no_call_of_it() -> None:
    text = "fn f(x) { t = x; if t > 3 { t = t * t } else { for i in 0..3 { t = t + i } }; return t }\ny = f(a)"
    drawn = pictured(text, {"a": 1.0})
    assert [(g.parent, g.label) for g in drawn.groups] == [(-1, "f"), (0, "loop × 3")]
    assert [n.title for n in drawn.nodes if n.title[:1] == "t"] == "t₀ t₁ tₖ tₖ₊₁ t₂ t".split()


# ---- inside of branches and loops


def test_the_side_taken_of_an_if_within_an_if() -> None:
    text = "input x: float[n]\nif sum(x) > 0 { z = x * n; if z[0] > 9 { z = z + 1 } else { z = z * 2 } } else { z = x }"
    drawn = pictured(text + "\ny = sum(z)", {"x": [1.0, 2.0]})
    sides = [(n.formula, n.value, n.muted) for n in drawn.nodes if n.title[:1] == "z"]
    assert sides == [
        ("x × n", "[2, 4]", False),
        ("z₀ + 1", "", True),
        ("z₀ × 2", "[4, 8]", False),
        ("if z₀[0] > 9", "[4, 8]", False),
        ("= x", "", True),
        ("if sum(x) > 0", "[4, 8]", False),
    ]


def test_an_arrow_from_a_side_that_was_not_taken_has_no_number() -> None:
    drawn = pictured("y = if x > 0 then (if x > 3 then x^2 else sqrt(x)) else abs(x)", {"x": 4.0})
    assert [(a.note, a.label) for a in drawn.arrows if a.note] == [
        ("then", "1"), ("else", ""), ("then", "1"), ("else", "")]  # fmt: skip


def test_a_loop_on_the_side_taken_has_its_values() -> None:
    drawn = pictured("x = a\nif a > 3 { x = x * x } else { for i in 0..3 { x = x + i } }\ny = x", {"a": 1.0})
    assert [n.value for n in drawn.nodes if n.title == "xₖ"] == ["1 → 4"]


def test_a_loop_of_very_many_steps_has_no_values_by_step() -> None:
    drawn = pictured("x = a\nif a > 0 { for i in 0..20000 { x = x + i } }\ny = x", {"a": 1.0})
    values = [(n.title, n.value) for n in drawn.nodes if n.title[:1] == "x"]
    assert values == [("x₀", "1"), ("xₖ", ""), ("xₖ₊₁", ""), ("x₁", ""), ("x", "2×10⁸")]


def test_values_that_are_no_numbers_stay_among_those_of_a_loop() -> None:
    drawn = pictured("s = 1\nfor t in 0..3 { s = s * x }\ny = s", {"x": 1e200})
    state = node(drawn, "sₖ")
    assert (state.value, state.series) == ("1 → ∞", (1.0, 1e200, float("inf"), float("inf")))


# ---- marks, ranges, rules


def test_nan_starts_where_it_is_shown() -> None:
    text = "u = where(x > 0, log(x), 0)\nv = u + 1\ny = v + x * nan"
    program = parse(text)
    drawn = picture(program.graph, program.run({"x": -1.0}), (), View(Detail(level="named")))
    assert [(n.title, n.value, n.mark) for n in drawn.nodes] == [
        ("x", "−1", ""), ("u", "0", ""), ("v", "1", ""), ("y", "NaN", "NaN starts here")]  # fmt: skip


def test_nan_in_a_stack_is_counted_and_marked() -> None:
    text = "y = x1 * x1 + " + " + ".join(f"x{k}" for k in reversed(range(60)))
    drawn = pictured(text, {f"x{k}": float("nan") if k == 3 else k / 2 for k in range(60)})
    (stack,) = (n for n in drawn.nodes if n.stacked)
    assert (stack.title, stack.value, stack.mark) == ("x0 … x59", "0 … 29.5, 1 NaN", "NaN starts here")


def test_a_stack_of_nearly_equal_values_is_not_called_equal() -> None:
    text = "y = " + " + ".join(f"x{k}" for k in range(60))
    drawn = pictured(text, {f"x{k}": 1 + k * 1e-9 for k in range(60)})
    assert [(n.value, n.gradient) for n in drawn.nodes if n.stacked] == [("1", "all 1")]


def test_a_rule_of_the_way_back_says_what_is_summed_and_none_leaves_out_a_mask() -> None:
    text = "input A: float[2, 3]\ninput m: float[3]\nq = A - m\nr = where(A > 1, m, q)\ny = sum(r * m)"
    drawn = pictured(text, {"A": [[1.0, 2.0, 3.0], [0.0, 0.0, 1.0]], "m": [1.0, 2.0, 3.0]})
    assert [a.label for a in arrows(drawn, "m", "q")] == ["sum over rows: −·"]
    assert [a.label for a in arrows(drawn, "m", "r")] == [""]


def test_a_bool_that_is_counted_is_no_condition() -> None:
    text = "input x: float[3]\nn = sum(x > 0)\nz = where(x > 1, x, 0)\ny = sum(z) * n"
    drawn = pictured(text, {"x": [1.0, 2.0, -3.0]})
    assert [(a.style, a.label, a.note) for a in arrows(drawn, "> 0", "n")] == [("value", "", "[3]")]
    assert [(a.style, a.label) for a in arrows(drawn, "> 1", "z")] == [("condition", "if")]


def test_a_keyword_of_a_call_is_no_name_of_the_program() -> None:
    drawn = pictured("fn f(x, s = 1) = x * s\ns = a\ny = f(b, s = s)\ns = y + 1\nz = s", {"a": 1.0, "b": 2.0})
    assert node(drawn, "y").formula == "f(b, s = s₀)"


# ---- what fits


def test_a_large_graph_is_drawn_by_its_names() -> None:
    program = load(ROOT / "samples/black_scholes.cg")
    drawn = picture(program.graph, program.run({}))
    assert [n.title for n in drawn.nodes] == "spot strike rate vol years spread d1 d2 price".split()
    assert len(picture(program.graph, None, (), View(Detail(level="ops"))).nodes) > 20


def test_fifty_inputs_and_their_squares_are_two_stacks() -> None:
    text = "y = " + " + ".join(f"x{k}^2" for k in range(50))
    drawn = pictured(text, {f"x{k}": float(k) for k in range(50)})
    stacks = [(n.title, n.kind, n.value, n.gradient) for n in drawn.nodes if n.stacked]
    assert stacks == [("x0 … x49", "input", "0 … 49", "0 … 98"), ("50 times (·)²", "block", "0 … 2.4×10³", "all 1")]
    assert len(drawn.nodes) == 3


def test_a_loop_has_its_first_and_last_value_and_those_between() -> None:
    drawn = pictured("input n: int; input a\nx = a\nfor i in 0..n { x = x / 2 }\ny = x", {"a": 8.0, "n": 3})
    state = node(drawn, "xₖ")
    assert (state.value, state.series) == ("8 → 1", (8.0, 4.0, 2.0, 1.0))
    assert drawn.groups[state.group].label == "loop × n  ·  3 steps"


def test_a_closed_loop_has_them_too() -> None:
    program = parse("x = a\nwhile x > 1 { x = x / 2 }\ny = x")
    evaluation = with_nested(program.run({"a": 8.0}))
    drawn = picture(program.graph, evaluation, (), View(Detail(collapse=frozenset(["loop"]))))
    (loop,) = (n for n in drawn.nodes if n.kind == "loop")
    assert (loop.value, loop.series) == ("8 → 1", (8.0, 4.0, 2.0, 1.0))


def test_arrows_of_tensors_carry_the_shape_and_the_rule_of_the_way_back() -> None:
    text = "input x: float[4, 3]\nparam W: float[3, 2]\nparam b: float[2]\nh = x @ W + b\nloss = sum(h * h)"
    ones = [[1.0] * 3] * 4
    drawn = pictured(text, {"x": ones, "W": [[1.0, 2.0]] * 3, "b": [0.5, -0.5]}, of="loss")
    assert [(a.note, a.label) for a in arrows(drawn, "W", "@")] == [("[3, 2]", "xᵀ ·")]
    assert [(a.note, a.label) for a in arrows(drawn, "x", "@")] == [("[4, 3]", "· Wᵀ")]
    assert [(a.note, a.label) for a in arrows(drawn, "b", "h")] == [("[2]", "sum over rows")]


def test_by_default_the_derivatives_are_those_of_the_loss_or_the_first_float() -> None:
    assert default_of(parse("output u = a\noutput loss = a^2")) == "loss"
    assert default_of(parse("output k = 2 > 1\noutput u = a\noutput v = a^2")) == "u"
    assert default_of(parse("input a: int\noutput u = a")) is None


def test_a_view_of_large_derivatives_has_dotted_arrows_through_what_it_leaves_out() -> None:
    text = "t = a * 1e3\ns = t * 2\nu = s * 1e-3\ny = u + b"
    drawn = pictured(text, {"a": 1.0, "b": 2.0}, least=0.5)
    assert [n.title for n in drawn.nodes] == ["a", "b", "u", "y"]
    assert [(a.note, a.style) for a in arrows(drawn, "a", "u")] == [("… 2 steps", "path")]
    assert drawn.notes == ("4 of 6 nodes are drawn",)


# ---- what an option has an effect on


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        *(("json", options) for options in (
            PictureOptions(theme="dark"), PictureOptions(direction="up"), PictureOptions(legend=True),
            PictureOptions(heat=True), PictureOptions(detail="ops"), PictureOptions(depth=0), PictureOptions(budget=9),
            PictureOptions(focus="y"), PictureOptions(between=("a", "y")), PictureOptions(min_grad=0.0),
        )),
        ("mmd", PictureOptions(legend=True)),
        ("mmd", PictureOptions(background="white")),
        ("tex", PictureOptions(size="2x")),
        ("dot", PictureOptions(size="2x")),
    ],
)  # fmt: skip
def test_an_option_without_an_effect_is_an_error(kind: str, options: PictureOptions) -> None:
    with pytest.raises(CgError) as caught:
        load(ROOT / "samples/article.cg").render(kind=kind, options=options, a=2, b=3, c=1)
    assert [d.code for d in caught.value.diagnostics] == ["no-effect-on-kind"]


@pytest.mark.parametrize(
    ("options", "values"), [(PictureOptions(heat=True), {}), (PictureOptions(heat=True, view="forward"), {"a": 1.0})]
)
def test_heat_needs_derivatives(options: PictureOptions, values: dict[str, float]) -> None:
    with pytest.raises(CgError) as caught:
        parse("y = a * a").render(None, values, kind="svg", options=options)
    assert [d.code for d in caught.value.diagnostics] == ["no-gradients-to-compare"]


def test_an_image_that_is_smaller_than_it_was_asked_for_says_so() -> None:
    program = parse("y = a * a")
    small = program.render(kind="png", options=PictureOptions(size="300"))
    assert small.note is None
    assert size_note(200.0, 100.0, Size(9_000)) is None
    assert "9797 pixels" in (size_note(200.0, 100.0, Size(10_000)) or "")


def test_derivatives_of_another_value_than_the_output_are_said_to_be_its() -> None:
    assert pictured("y = x^2\nz = sin(y)\noutput z", {"x": 3.0}, of="y").subject == "y"
    assert pictured("y = x^2\nz = sin(y)\noutput z", {"x": 3.0}).subject == ""
