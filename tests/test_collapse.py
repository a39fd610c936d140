"""Pictures of graphs of any size: what is drawn as one block, what is left out, what a detail opens and closes."""

from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from cli_harness import cg

from cgcli import load, parse
from cgcli.diagnostics.diagnostic import CgError
from cgcli.graph.graph import Graph
from cgcli.render.picture.collapse import LARGEST, Detail
from cgcli.render.picture.compose import picture
from cgcli.render.picture.content import Group, Picture, PictureNode, View
from cgcli.render.picture.drawn_graph import SMALL

ROOT = Path(__file__).parents[1]
CALLS = "fn f(x) { t = sin(x)\n return t + 1 }\nfn g(x) = f(x) * f(2*x)\ny = g(a) + g(b)"


@cache
def large(seed: int) -> Graph:
    return parse(random_program(2_000, seed)).graph


def drawn(text: str, detail: Detail) -> Picture:
    return picture(parse(text).graph, None, (), View(detail))


def blocks(made: Picture) -> list[tuple[str, str]]:
    return [(n.title, n.formula) for n in made.nodes if n.kind == "block"]


def area(made: Picture) -> float:
    """The area in cards, with that of a node without a name."""
    return sum(SMALL if node.kind == "small" else 1 for node in made.nodes)


def chain(count: int) -> str:
    return "\n".join(["x0 = a", *(f"x{k + 1} = sin(x{k})" for k in range(count))])


def random_program(count: int, seed: int) -> str:
    rng = Random(seed)
    names, lines = ["a", "b", "c"], []
    forms = ("sin({0}) + {1}", "{0} * cos({1})", "{0} - 0.5 * {1}", "tanh({0} + {1})")
    for k in range(count):
        lines.append(f"v{k} = {rng.choice(forms).format(rng.choice(names[-50:]), rng.choice(names))}")
        names.append(f"v{k}")
    return "\n".join(lines)


def acyclic(made: Picture) -> bool:
    """Whether no way of arrows leads back to where it began; the arrows of loops to their next step apart."""
    reads: dict[int, set[int]] = {node.id: set() for node in made.nodes}
    for arrow in made.arrows:
        if arrow.style != "next":
            reads[arrow.target].add(arrow.source)
    while True:
        ready = [node for node, sources in reads.items() if not sources]
        if not ready:
            return not reads
        for node in ready:
            del reads[node]
        for sources in reads.values():
            sources.difference_update(ready)


def test_what_fits_is_drawn_as_it_is() -> None:
    made = drawn(CALLS, Detail())
    assert blocks(made) == []
    assert made.notes == ()


def test_inner_calls_are_closed_before_outer_ones() -> None:
    assert [title for title, _ in blocks(drawn(CALLS, Detail(budget=9, level="ops")))] == ["f", "f", "f", "f"]
    made = drawn(CALLS, Detail(budget=6, level="ops"))
    assert blocks(made) == [("g", "2 +, 2 sin, 2 ×")] * 2
    assert made.notes == ("calls are closed",)


@pytest.mark.parametrize(("depth", "titles"), [(0, ["g", "g"]), (1, ["f"] * 4), (2, [])])
def test_depth_says_how_many_calls_are_open(depth: int, titles: list[str]) -> None:
    assert [title for title, _ in blocks(drawn(CALLS, Detail(depth=depth)))] == titles


def test_a_deep_recursion_is_closed_at_once() -> None:
    text = "fn f(n) { if n < 1 { return x }\n return sin(f(n - 1)) * n }\ninput x: float; y = f(3000)"
    program = parse(text, mode="dynamic").recorded({"x": 0.5})
    made = picture(program.graph, None, (), View(Detail(budget=30)))
    assert made.notes[0].startswith("calls are closed below depth ")
    assert 20 <= area(made) <= 30


def test_fold_and_unfold_by_name() -> None:
    assert [title for title, _ in blocks(drawn(CALLS, Detail(collapse=frozenset("f"))))] == ["f"] * 4
    assert [title for title, _ in blocks(drawn(CALLS, Detail(collapse=frozenset("g"))))] == ["g"] * 2
    # what is inside a call that is to be open is open, too, and so is what is around it
    assert blocks(drawn(CALLS, Detail(depth=0, expand=frozenset("f")))) == []
    assert [title for title, _ in blocks(drawn(CALLS, Detail(depth=0, expand=frozenset("g"))))] == ["f"] * 4


def test_a_chain_has_its_ends_and_one_block_between_them() -> None:
    made = drawn(chain(5_000), Detail())
    ends = [(f"x{k}", "value") for k in (0, 1, 2, 3, 4997, 4998, 4999)]
    assert [(n.title, n.kind) for n in made.nodes] == [
        ("a", "input"),
        *ends,
        ("x5000", "output"),
        ("sin × 4993", "block"),
    ]
    assert made.nodes[-1].formula == "x4 … x4996"
    assert made.notes == ("what repeats is one block",)


def test_a_block_of_one_result_has_its_numbers() -> None:
    program = parse(chain(300))
    made = picture(program.graph, program.run({"a": 0.5}))
    (block,) = (n for n in made.nodes if n.kind == "block")
    # how large: the chain's last value but one, and the derivative of one more sine
    assert block.value
    assert block.gradient


def test_repeated_calls_are_one_block_with_their_number() -> None:
    calls = "\n".join(f"h{k + 1} = f(h{k})" for k in range(100))
    made = drawn(f"fn f(x) {{ t = sin(x)\n u = t * t\n return u + x }}\nh0 = a\n{calls}", Detail(budget=60))
    assert len(made.nodes) <= 60
    # the last call's result is the output, which is drawn as itself
    assert blocks(made) == [("f", "1 sin, 1 ×"), ("f × 99", "1 +, 1 sin, 1 ×")]


def test_a_repeated_formula_of_several_operations_has_no_sign_of_one() -> None:
    lines = [f"s{k + 1} = s{k} * 0.99 + sin(s{k}) * {k % 7}" for k in range(200)]
    made = drawn("\n".join(["s0 = a", *lines]), Detail())
    assert blocks(made) == [("193 times", "s4 … s196: 2 ×, 1 +, 1 sin")]


def test_many_products_that_are_alike_are_counted_in_words() -> None:
    made = drawn("y = " + " + ".join(f"w{k}*x{k}" for k in range(50)), Detail())
    assert "50 times ×" in [n.title for n in made.nodes]


def test_what_repeats_without_a_name_says_what_it_does() -> None:
    lines = [f"v{k + 1} = v{k} * w\nu{k + 1} = sin(v{k + 1}) + u{k}" for k in range(60)]
    made = drawn("\n".join(["v0 = a", "u0 = b", *lines, "y = u60 - w"]), Detail(budget=40))
    assert blocks(made) == [("60 times", "1 +, 1 sin, 1 ×")]
    products = drawn(
        "\n".join(["v0 = a", *(f"v{k + 1} = v{k} * w" for k in range(60)), "y = sin(v60)"]), Detail(budget=40)
    )
    assert blocks(products) == [("54 times ×", "v4 … v57")]


def test_the_operations_of_a_line_are_a_block() -> None:
    lines = ["u = sin(a) * cos(b) + exp(c)", "v = tanh(u) - log(b) / u", "w = sqrt(v) * u + v", "y = w - u"]
    made = drawn("\n".join(lines), Detail(budget=8, level="ops"))
    assert blocks(made) == [
        ("line 1", "1 +, 1 cos, 1 exp, 1 sin, 1 more"),
        ("line 2", "1 /, 1 log, 1 tanh, 1 −"),
        ("line 3", "1 +, 1 sqrt, 1 ×"),
    ]
    assert made.notes == ("the operations of a line of the program are one block",)
    assert made.nodes[-1].tooltip == lines[2]


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.thorough) for seed in range(1, 4))])
@pytest.mark.parametrize("budget", [1, 5, 40, 150, LARGEST])
def test_any_graph_fits_its_budget_and_blocks_make_no_cycles(seed: int, budget: int) -> None:
    made = picture(large(seed), None, (), View(Detail(budget=budget)))
    assert area(made) <= max(budget, 40)
    assert acyclic(made)
    ids = [node.id for node in made.nodes]
    assert len(set(ids)) == len(ids)
    assert {end for arrow in made.arrows for end in (arrow.source, arrow.target)} <= set(ids)


@pytest.mark.parametrize("path", sorted((ROOT / "samples").glob("*.cg")), ids=lambda path: path.stem)
@pytest.mark.parametrize("detail", [Detail(), Detail(depth=0), Detail(budget=8)], ids=["whole", "closed", "small"])
def test_every_sample_is_drawn_without_a_loose_end(path: Path, detail: Detail) -> None:
    program = load(path)
    if program.mode == "dynamic":
        pytest.skip("its graph is made by a run")
    made = picture(program.graph, None, (), View(detail))
    ids = [node.id for node in made.nodes]
    assert len(set(ids)) == len(ids)
    assert {end for arrow in made.arrows for end in (arrow.source, arrow.target)} <= set(ids)
    assert acyclic(made)
    outputs = {name.split(".")[-1] for name in program.outputs}
    if not any(node.kind == "block" for node in made.nodes):
        assert outputs <= {node.title for node in made.nodes}


def test_every_golden_program_is_drawn_without_a_loose_end() -> None:
    loose = []
    for path in sorted((ROOT / "tests/golden").glob("**/*.cg")):
        try:
            program = load(path)
        except CgError:
            continue  # one that is wrong, or without a graph of its own
        for detail in (Detail(level="named"), Detail(level="ops"), Detail(budget=6)):
            made = picture(program.graph, None, (), View(detail))
            ids = {node.id for node in made.nodes}
            ends = [(arrow.source, arrow.target) for arrow in made.arrows]
            if len(ids) < len(made.nodes) or any(a == b or a not in ids or b not in ids for a, b in ends):
                loose.append((path.name, detail))
    assert loose == []


# ---- loops


LOOP = "input n: int; input w; input x; s = 0.0\nfor i in 0..n { s = s + w * sin(i * x) }\ny = s^2"


def test_a_loop_is_laid_open_with_what_it_keeps() -> None:
    made = drawn(LOOP, Detail())
    inside = [n for n in made.nodes if n.group >= 0]
    assert made.groups[inside[0].group] == Group(-1, "loop × n", "loop")
    (state,) = (n for n in inside if n.kind == "state" and n.formula == "from step to step")
    assert state.title == "sₖ"
    (back,) = (a for a in made.arrows if a.style == "next")
    assert back.target == state.id
    assert any(a.target == state.id and a.style == "value" for a in made.arrows)  # what it begins with


def test_a_while_loop_says_while_what() -> None:
    made = drawn("x = a\nwhile abs(x) > 0.1 { x = x / 2 }\ny = x", Detail())
    assert ("while abs(x) > 0.1") in [group.label for group in made.groups]


@pytest.mark.parametrize("detail", [Detail(collapse=frozenset(["loop"])), Detail(depth=0), Detail(budget=8)])
def test_a_loop_that_is_closed_is_one_node(detail: Detail) -> None:
    made = drawn(LOOP, detail)
    (loop,) = (n for n in made.nodes if n.kind == "loop")
    assert (loop.title, loop.formula) == ("loop × n", "2 ×, 1 +, 1 sin")
    assert all(n.group < 0 for n in made.nodes)


# ---- parts


def titles(made: Picture) -> set[str]:
    return {n.title for n in made.nodes}


ARTICLE = "d = a + b\ne = b - c\ny = d * e"


@pytest.mark.parametrize(
    ("view", "shown"),
    [
        (View(focus="d", radius=0), "d"),
        (View(focus="d", radius=1), "abdy"),
        (View(focus="a", radius=2), "abdy"),
        (View(focus="a", radius=3), "abdey"),
        (View(path=("b", "y")), "bdey"),
        (View(path=("y", "b")), "bdey"),
        (View(path=("d", "d")), "d"),
        (View(least=5), "bcey"),
        (View(least=5, path=("b", "y")), "bey"),
    ],
)
def test_a_part_of_the_graph(view: View, shown: str) -> None:
    program = parse(ARTICLE)
    made = picture(program.graph, program.run({"a": 2, "b": 3, "c": 1}), (), view)
    assert titles(made) == set(shown)
    assert made.notes == (f"{len(shown)} of 6 nodes are drawn",)


@pytest.mark.parametrize(
    ("view", "code"),
    [
        (View(focus="q"), "no-such-node"),
        (View(path=("a", "q")), "no-such-node"),
        (View(path=("a", "c")), "no-path"),
        (View(least=1), "no-gradients-to-compare"),
    ],
)
def test_a_part_that_is_not_there(view: View, code: str) -> None:
    with pytest.raises(CgError) as caught:
        picture(parse(ARTICLE).graph, None, (), view)
    assert caught.value.diagnostics[0].code == code


# ---- numbers


def article(view: View) -> dict[str, PictureNode]:
    program = parse(ARTICLE)
    return {n.title: n for n in picture(program.graph, program.run({"a": 2, "b": 3, "c": 1}), (), view).nodes}


def test_each_side_has_its_own_numbers() -> None:
    forward, backward = article(View(sides="forward")), article(View(sides="backward"))
    assert {(n.value != "", n.gradient != "") for n in forward.values()} == {(True, False)}
    assert {(n.value != "", n.gradient != "") for n in backward.values()} == {(False, True)}


def test_heat_is_the_size_of_the_derivative() -> None:
    hot = article(View(heat=True))
    assert hot["b"].heat == 1.0
    order = sorted(hot.values(), key=lambda n: n.heat or 0)
    sizes = [abs(float(n.gradient.replace("−", "-"))) for n in order]
    assert sizes == sorted(sizes)
    assert all(x.heat is None for x in article(View()).values())


def test_large_tensors_have_maps_of_their_elements() -> None:
    program = parse("input x: float[3, 4] = [[1, -2, 0, 0], [0, 0, 0, 0], [0, 0, 4, 0]]\ny = sum(x^2)")
    x = picture(program.graph, program.run({})).nodes[0]
    assert x.value_map is not None
    assert x.value_map.slices == (((0.25, -0.5, 0.0, 0.0), (0.0,) * 4, (0.0, 0.0, 1.0, 0.0)),)
    assert x.gradient_map is not None
    assert x.gradient_map.slices == x.value_map.slices
    assert (x.value_map.largest, x.gradient_map.largest) == (4.0, 8.0)


def test_a_map_of_many_elements_has_the_largest_of_several() -> None:
    import numpy as np

    from cgcli.render.tensors import heat_map

    x = np.zeros((80, 1600))
    x[3, 40], x[3, 41], x[79, 1599] = 2.0, -4.0, 1.0
    ((cells,), more, largest) = heat_map(x, 8, 16)
    assert (len(cells), len(cells[0]), more, largest) == (8, 16, 0, 4.0)
    assert (cells[0][0], cells[7][15]) == (-1.0, 0.25)
    assert sum(c != 0 for row in cells for c in row) == 2


def test_cells_without_a_number_say_what_they_are() -> None:
    import numpy as np

    from cgcli.render.tensors import heat_map

    assert heat_map(np.array([np.nan, 1.0, np.inf, -np.inf]), 8, 16)[0] == ((("nan", 1.0, "inf", "-inf"),),)
    assert heat_map(np.array([np.nan, 1.0, -np.inf, 0.5]), 8, 2)[0] == ((("nan", "-inf"),),)


def test_a_tensor_of_three_axes_is_a_sheet_of_its_slices() -> None:
    import numpy as np

    from cgcli.render.tensors import heat_map

    x = np.stack([np.full((2, 3), k) for k in range(6)])
    slices, more, largest = heat_map(x, 8, 16, 4)
    assert slices == tuple((((k / 5,) * 3),) * 2 for k in range(4))
    assert (more, largest) == (2, 5.0)


def test_a_graph_that_computes_derivatives_is_one_to_draw() -> None:
    program = parse(ARTICLE)
    found = program.gradient_graph({"a": 2, "b": 3, "c": 1})
    graph: Graph = found.graph
    outputs = {graph.names[i]: found.values[i] for i in graph.outputs}
    assert outputs == {"y": 10.0, "dy/da": 2.0, "dy/db": 7.0, "dy/dc": -5.0}
    assert all(a.source != a.target for a in picture(graph, found).arrows)
    assert [i < j for i, j in pairwise(graph.inputs)] == [True, True]


@pytest.mark.parametrize("sample", ["rnn", "meta", "power"])
def test_a_block_that_hands_on_the_results_of_a_loop_has_no_number(sample: str) -> None:
    """Those are several; each has a node of its own outside."""
    file = str(Path(__file__).parents[1] / "samples" / f"{sample}.cg")
    for budget in ("1", "3", "8"):
        result = cg("render", file, "--budget", budget, "--fold", "loop", "--format", "dot", "-o", "-")
        assert (result.status, "digraph" in result.out) == (0, True), result.err
