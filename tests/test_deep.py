"""Deep and large input: linear time, or refused by a stated limit; never a RecursionError."""

import pytest

from cgcli import Program, parse
from cgcli.diagnostics.diagnostic import CgError
from cgcli.diagnostics.source import Source
from cgcli.graph.printed import parse_graph
from cgcli.language.lower import lower
from cgcli.language.unparse import write_outputs
from cgcli.transform.gradient import gradient


def sizes(some: int, many: int) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("count", [some, pytest.param(many, marks=pytest.mark.thorough)])


@sizes(3_000, 100_000)
def test_many_brackets(count: int) -> None:
    program = parse("y = " + "(" * count + "x" + ")" * count)
    assert program.grad({"x": 2}).partials == {"x": 1.0}


@sizes(3_000, 100_000)
def test_a_chain_of_sums(count: int) -> None:
    program = parse("y = " + " + ".join(["x"] * (count + 1)))
    assert program.eval({"x": 1}) == {"y": count + 1.0}
    assert program.grad({"x": 1}).partials == {"x": count + 1.0}


@sizes(2_000, 30_000)
def test_nested_calls(count: int) -> None:
    program = parse("y = " + "sin(" * count + "x" + ")" * count)
    assert len(program.graph) == count + 1
    assert 0 < program.grad({"x": 1}).partials["x"] < 1


@sizes(3_000, 85_000)
def test_a_long_line(count: int) -> None:
    """The longest has a megabyte."""
    line = "y = " + " + ".join(f"x * {k}" for k in range(count))
    assert len(line) > 10 * count
    assert parse(line).grad({"x": 1}).partials == {"x": float(sum(range(count)))}


def test_two_to_the_sixty_paths() -> None:
    names = ["x0 = a"] + [f"x{k} = x{k - 1} + x{k - 1}" for k in range(1, 61)]
    program = parse("\n".join(names))
    assert len(program.graph) == 62
    assert program.grad({"a": 1}).partials == {"a": 2.0**60}
    assert program.hessian({"a": 1}) == {"a": {"a": 0.0}}


def test_two_to_the_sixty_calls() -> None:
    functions = ["fn f0(x) = x * x"] + [f"fn f{k}(x) = f{k - 1}(x) + f{k - 1}(x)" for k in range(1, 61)]
    program = parse("\n".join([*functions, "y = f60(a)"]))
    assert len(program.graph) == 62
    assert program.grad({"a": 3}).partials == {"a": 6 * 2.0**60}


@sizes(2_000, 20_000)
def test_gradient_graph_and_printed_form_of_a_long_chain(count: int) -> None:
    program = parse("y = " + "sin(" * count + "x" + ")" * count)
    made = gradient(program.graph, program.graph.outputs[0], program.graph.inputs)
    assert len(made) > 2 * count
    assert parse_graph(str(made)) == made


def test_the_text_of_a_long_chain_is_refused_at_a_stated_length() -> None:
    program = parse("y = " + "softplus(" * 11_000 + "x" + ")" * 11_000)
    with pytest.raises(CgError) as caught:
        write_outputs(program.graph, ["y"], {}, program.graph)
    assert caught.value.diagnostics[0].code == "expression-too-long"


def test_sides_within_sides_are_refused_at_a_stated_depth() -> None:
    nested = "x"
    for _ in range(99):
        nested = f"if x > 0 then {nested} else -x"
    program = parse(f"y = {nested}")
    assert program.grad({"x": 2}).partials == {"x": 1.0}
    assert program.hessian({"x": 2}) == {"x": {"x": 0.0}}
    assert parse_graph(str(program.graph)) == program.graph
    with pytest.raises(CgError) as caught:
        parse(f"y = if x > 0 then (if x > 0 then {nested} else x) else x")
    assert caught.value.diagnostics[0].code == "nested-too-deep"
    assert caught.value.diagnostics[0].values["limit"] == 100


def test_a_program_that_grows_without_end_is_refused_and_names_its_calls() -> None:
    functions = ["fn f0(x) = x * x"] + [f"fn f{k}(x) = f{k - 1}(x) + f{k - 1}(x + 1)" for k in range(1, 40)]
    with pytest.raises(CgError) as caught:
        lower(Source("t.cg", "\n".join([*functions, "y = f39(a)"])), max_nodes=10_000)
    (found,) = caught.value.diagnostics
    assert found.code == "too-many-nodes"
    assert caught.value.status == 1
    innermost = int(found.values["chain"][0][1:])
    assert found.values["chain"] == [f"f{innermost + k}" for k in range(5)]


def test_a_chain_of_functions_deeper_than_pythons_stack() -> None:
    depth = 1500
    functions = ["fn f0(x) = x"] + [f"fn f{k}(x) = f{k - 1}(x) + 1" for k in range(1, depth)]
    program = parse("\n".join([*functions, f"y = f{depth - 1}(a)"]))
    assert isinstance(program, Program)
    assert program.eval({"a": 0}) == {"y": float(depth - 1)}


def test_huge_powers_of_literals_are_never_computed_digit_by_digit() -> None:
    assert parse("y = 7^10^7").eval({}) == {"y": float("inf")}
    assert parse("y = 7^1000000").eval({}) == {"y": float("inf")}
    assert parse("y = " + "9" * 5000).eval({}) == {"y": float("inf")}
