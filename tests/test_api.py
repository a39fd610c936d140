"""The public Python API: what `import cgcli` offers."""

from pathlib import Path

import pytest

import cgcli
from cgcli.ops.validity import check

ROOT = Path(__file__).parents[1]
POINT = {"a": 2, "b": 3, "c": 1}


def test_the_example_of_the_package() -> None:
    program = cgcli.load(ROOT / "samples/article.cg")
    assert program.eval(POINT) == {"y": 10.0}
    assert program.grad(POINT).partials == {"a": 2.0, "b": 7.0, "c": -5.0}
    assert program.grad(POINT) == cgcli.Gradient("y", 10.0, {"a": 2.0, "b": 7.0, "c": -5.0})


def test_every_public_name_is_there_and_no_other() -> None:
    assert all(hasattr(cgcli, name) for name in cgcli.__all__)
    assert not hasattr(cgcli, "no_such_name")


def test_a_mistake_is_a_cgerror_with_data() -> None:
    with pytest.raises(cgcli.CgError) as caught:
        cgcli.parse("input a\ny = b")
    (found,) = caught.value.diagnostics
    assert (found.code, found.values["name"]) == ("unknown-name", "b")
    assert found.labels[0].span.source.position(found.labels[0].span.start) == (2, 5)


def test_nodes_are_views_with_names_types_spans_and_groups() -> None:
    program = cgcli.parse("fn f(x) = x^2\ny = f(a) + b")
    nodes = list(program.graph)
    y = program.graph[program.graph.outputs[0]]
    assert [n.op for n in nodes] == ["input", "input", "fixed_power", "add"]
    assert (y.name, str(y.type), y.is_output) == ("y", "float", True)
    assert y.span is not None
    assert y.span.text == "f(a) + b"
    assert y.operands == (nodes[2], nodes[1])
    assert nodes[2].group is not None
    assert (nodes[2].group.function, nodes[2].group.span and nodes[2].group.span.text) == ("f", "f(a)")
    assert (nodes[2].attrs, nodes[0].attrs) == ({"exponent": 2}, {})


def test_every_call_is_a_group_of_its_own() -> None:
    functions = "fn relu2(x) = max(x, 0)\nfn layer(x, w) { z = w * x\n return relu2(z) }"
    program = cgcli.parse(functions + "\n" + "\n".join(f"h{k} = layer(a, w{k})" for k in range(20)))
    top = [g for g in program.graph.groups if g.parent == -1]
    assert [(g.function, g.span and g.span.text) for g in top] == [("layer", f"layer(a, w{k})") for k in range(20)]
    inner = [g for g in program.graph.groups if g.parent != -1]
    assert [(g.function, program.graph.groups[g.parent]) for g in inner] == [("relu2", g) for g in top]


def test_derived_nodes_point_at_the_derivative_that_was_written() -> None:
    program = cgcli.parse("y = grad(sin(x) * x, x)")
    made = [n for n in program.graph if n.op == "cos"]
    check(program.graph)
    assert [n.span and n.span.text for n in made] == ["grad(sin(x) * x, x)"]
    assert [n.group and n.group.function for n in made] == ["grad"]


@pytest.mark.parametrize(
    ("values", "code", "status"),
    [
        ({"a": 2}, "missing-inputs", 2),
        ({**POINT, "d": 1}, "unknown-input", 2),
        ({**POINT, "a": "2"}, "input-type", 1),
        ({**POINT, "a": True}, "input-type", 1),
    ],
)
def test_values_that_do_not_fit(values: dict[str, float], code: str, status: int) -> None:
    with pytest.raises(cgcli.CgError) as caught:
        cgcli.load(ROOT / "samples/article.cg").eval(values)
    assert (caught.value.diagnostics[0].code, caught.value.status) == (code, status)


def test_a_run_that_fails_says_where() -> None:
    program = cgcli.parse("input n: int\nm = n * n\ny = 10 // (m - m)")
    with pytest.raises(cgcli.CgError) as caught:
        program.eval({"n": 3})
    assert caught.value.diagnostics[0].code == "integer-division-by-zero"
    assert caught.value.diagnostics[0].labels[0].span.text == "10 // (m - m)"
    with pytest.raises(cgcli.CgError) as caught:
        program.eval({"n": 2**40})
    assert caught.value.diagnostics[0].code == "integer-overflow"
    assert caught.value.diagnostics[0].labels[0].span.text == "n * n"
    assert caught.value.status == 1


def test_what_no_output_needs_is_not_computed() -> None:
    program = cgcli.parse("input n: int\noutput y\nunused = 1 // n\ny = 2 * n")
    assert program.eval({"n": 0}) == {"y": 0}
    with pytest.raises(cgcli.CgError):
        program.eval({"n": 0}, every=True)
