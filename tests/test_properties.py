"""Laws that hold for every program: kept programs come back whole, formulas say what the numbers say."""

import json
import math
from typing import Any

from executors import ScalarExecutor
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_random_programs import INPUTS, Tree, points, programs, rounding

from cgcli import Program, parse
from cgcli.diagnostics.diagnostic import CgError
from cgcli.diagnostics.source import Source
from cgcli.graph.graph import Graph
from cgcli.graph.serialize import dump, restore
from cgcli.language.lower import lower
from cgcli.ops.validity import check
from cgcli.optimise.simplify import simplify
from cgcli.transform.gradient import gradient


def text_of(statements: list[tuple[str, Tree]]) -> str:
    lines = [f"{name} = {tree.text()}" for name, tree in statements]
    return "\n".join(["input a", "input b", "input c", "output y", *lines])


def spans(graph: Graph) -> list[Any]:
    return [(n.span and (n.span.source.name, n.span.start, n.span.end), n.group) for n in graph]


@settings(max_examples=60)
@given(programs())
def test_a_kept_program_is_the_same_program(statements: list[tuple[str, Tree]]) -> None:
    module = lower(Source("p.cg", text_of(statements)))
    again = restore(json.loads(json.dumps(dump(module, [module.source]))), [module.source])
    assert again.graph == module.graph
    assert spans(again.graph) == spans(module.graph)
    assert (again.inputs, again.outputs, dict(again.values)) == (module.inputs, module.outputs, dict(module.values))
    check(again.graph)


@settings(max_examples=60)
@given(programs(), points)
def test_formulas_say_what_the_numbers_say(statements: list[tuple[str, Tree]], point: dict[str, float]) -> None:
    program = parse(text_of(statements))
    try:
        found = program.grad(point)
        lines = program.symbolic()
    except CgError as e:
        assert e.diagnostics[0].code in ("integer-division-by-zero", "expression-too-long")
        return
    made = gradient(program.graph, program.graph.outputs[0], program.graph.inputs)
    check(simplify(made)[0])
    again = lines.replace("dy/d", "dy_")
    outputs = ", ".join(f"dy_{name}" for name in INPUTS)
    written = parse(text_of(statements).replace("output y", f"output {outputs}") + "\n" + again)
    values = written.eval(point)
    try:
        run = Program(lower(Source("p.cg", text_of(statements)))).run(point)
    except CgError as e:  # of a value that no output needs
        assert e.diagnostics[0].code == "integer-division-by-zero"
        return
    assume(all(x is None or not isinstance(x, float) or math.isfinite(x) for x in run.values))
    for name, node in zip(INPUTS, made.outputs, strict=True):
        slack = rounding(made, node, executed(made, point))
        if math.isfinite(found.partials[name]) and math.isfinite(slack):
            assert abs(values[f"dy_{name}"] - found.partials[name]) <= slack + 1e-9 * abs(found.partials[name]), lines


def executed(graph: Graph, point: dict[str, float]) -> list[Any]:
    return ScalarExecutor(graph, range(len(graph))).forward([point[name] for name in INPUTS])


@settings(max_examples=60)
@given(programs(), points)
def test_second_derivatives_do_not_depend_on_their_order(
    statements: list[tuple[str, Tree]], point: dict[str, float]
) -> None:
    program = parse(text_of(statements))
    try:
        table = program.hessian(point)
    except CgError as e:
        assert e.diagnostics[0].code == "integer-division-by-zero"
        return
    entries = [abs(x) for row in table.values() for x in row.values()]
    biggest = max(entries)
    assume(all(map(math.isfinite, entries)) and biggest < 1e8)
    for p in INPUTS:
        for q in INPUTS:
            assert abs(table[p][q] - table[q][p]) <= 1e-6 * (1 + biggest)


@given(st.integers(-(2**70), 2**70), st.integers(-(2**70), 2**70).filter(bool))
def test_whole_literals_divide_as_pythons_do(a: int, b: int) -> None:
    found = parse(f"q = {a} // {b}\nr = {a} % {b}").eval({})
    if abs(a) < 2**63 and abs(b) < 2**63 and abs(a // b) < 2**63:
        assert (found["q"], found["r"]) == (a // b, a % b)
    else:
        assert isinstance(found["q"], float)
