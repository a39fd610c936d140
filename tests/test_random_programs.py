"""Random programs: every value and gradient against an oracle that knows neither cg's graph nor any derivative rule.

The tolerance of a result is what rounding can do to it: a sweep gives the derivative of the result by every node, and
each node may be off by a few units in the last place of itself.
"""

import math
from dataclasses import dataclass
from typing import Any

import mpmath
import pytest
from executors import ScalarExecutor
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st
from mpmath import mpf
from oracle import FUNCTIONS, derivative, rounding

from cgcli import parse
from cgcli.diagnostics.diagnostic import CgError
from cgcli.graph.printed import parse_graph
from cgcli.ops.validity import check
from cgcli.transform.gradient import gradient

INPUTS = ("a", "b", "c")
NOISE = 1e-20  # how exact the oracle's differences are
UNARY = (
    "exp expm1 log log1p log2 log10 sqrt cbrt abs sign floor ceil round sin cos tan asin acos atan sinh cosh tanh "
    "asinh acosh atanh erf erfc lgamma digamma sigmoid softplus relu"
).split()
INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "floor_div": "//", "mod": "%", "power": "^"}
PAIRS = ("atan2", "hypot", "max", "min")
COMPARE = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}


@dataclass(frozen=True)
class Tree:
    """An expression: an operation of the oracle over trees, a name, or a number."""

    op: str
    parts: tuple["Tree", ...] = ()
    value: Any = None

    def text(self) -> str:
        parts = [p.text() for p in self.parts]
        if self.op == "name":
            return str(self.value)
        if self.op == "number":
            return f"({self.value!r})"
        if self.op in INFIX or self.op in COMPARE:
            return f"({parts[0]} {(INFIX | COMPARE)[self.op]} {parts[1]})"
        if self.op == "neg":
            return f"(-{parts[0]})"
        if self.op == "if":
            return f"(if {parts[0]} then {parts[1]} else {parts[2]})"
        if self.op in ("and", "or"):
            return f"({parts[0]} {self.op} {parts[1]})"
        return f"{self.op}({', '.join(parts)})"

    def meaning(self, names: dict[str, Any], point: dict[str, Any]) -> Any:
        """The value by the oracle; a condition takes the side that it takes at `point`, the other is not computed."""
        if self.op == "name":
            return names[self.value]
        if self.op == "number":
            return mpf(self.value)
        if self.op in ("if", "where"):
            condition = self.parts[0].meaning(point, point)
            return None if condition is None else self.parts[1 if condition else 2].meaning(names, point)
        values = [p.meaning(names, point) for p in self.parts]
        return FUNCTIONS[self.op](*values) if settled(self.op, values) else None


def settled(op: str, values: list[Any]) -> bool:
    """Whether rounding of its arguments cannot move a step to another value."""
    if op not in ("floor", "ceil", "round", "sign", "floor_div", "mod") or None in values:
        return True
    if len(values) == 2 and values[1] == 0:
        return False
    x = values[0] / values[1] if len(values) == 2 else values[0]
    half = x * 2  # round jumps at halves
    return abs(x) < 1e6 and abs(half - mpmath.nint(half)) > mpf(10) ** -7


@st.composite
def programs(draw: st.DrawFn) -> list[tuple[str, Tree]]:
    """Statements `name = expression`, each over the inputs and the names before it."""
    names = list(INPUTS)
    statements = []
    for k in range(draw(st.integers(1, 5))):
        statements.append((f"v{k}", draw(expressions(tuple(names), draw(st.integers(1, 4))))))
        names.append(f"v{k}")
    last = Tree("name", value=f"v{len(statements) - 1}")
    return [*statements, ("y", Tree("add", (last, draw(expressions(tuple(names), 2)))))]


@st.composite
def expressions(draw: st.DrawFn, names: tuple[str, ...], depth: int) -> Tree:
    if depth == 0:
        if draw(st.booleans()):
            return Tree("name", value=draw(st.sampled_from(names)))
        return Tree("number", value=draw(st.sampled_from((0.5, 1, 2, 3, -1, 0.25, 1.75, 10))))
    below = expressions(names, depth - 1)
    kind = draw(st.sampled_from(("leaf", "unary", "infix", "infix", "infix", "pair", "neg", "if", "where")))
    if kind == "leaf":
        return draw(expressions(names, 0))
    if kind == "unary":
        return Tree(draw(st.sampled_from(UNARY)), (draw(below),))
    if kind == "neg":
        return Tree("neg", (draw(below),))
    if kind in ("infix", "pair"):
        op = draw(st.sampled_from(tuple(INFIX) if kind == "infix" else PAIRS))
        return Tree(op, (draw(below), draw(below)))
    condition = Tree(draw(st.sampled_from(tuple(COMPARE))), (draw(below), draw(below)))
    return Tree(kind, (condition, draw(below), draw(below)))


numbers = st.floats(1e-3, 3) | st.floats(-3, -1e-3)
points = st.fixed_dictionaries(dict.fromkeys(INPUTS, numbers))


def run_oracle(statements: list[tuple[str, Tree]], inputs: dict[str, Any], point: dict[str, Any]) -> Any:
    """The value of y at `inputs`, all conditions decided as at `point`."""
    names, here = dict(inputs), dict(point)
    for name, tree in statements:
        names[name] = tree.meaning(names, here)
        here[name] = tree.meaning(here, here)
    return names["y"]


def check_program(statements: list[tuple[str, Tree]], point: dict[str, float]) -> None:
    text = "\n".join(f"{name} = {tree.text()}" for name, tree in statements)
    program = parse("input a; input b; input c\noutput y\n" + text)
    graph = program.graph
    check(graph)
    assert parse_graph(str(graph)) == graph
    exact = {name: mpf(x) for name, x in point.items()}
    wanted = run_oracle(statements, exact, exact)
    assume(wanted is not None)
    y = graph.outputs[0]
    executor = ScalarExecutor(graph, range(len(graph)))
    try:
        v = executor.forward([point[name] for name in INPUTS])
    except CgError as e:  # 1 // (1 - 1): whole literals divide as ints do
        assert [d.code for d in e.diagnostics] == ["integer-division-by-zero"]
        reject()
    bound = rounding(graph, y, v)
    assume(math.isfinite(bound) and bound < 1e-6 * (1 + abs(float(wanted))))
    assert abs(mpf(v[y]) - wanted) <= bound + 1e-300, text

    made = gradient(graph, y, graph.inputs)
    check(made)
    assert parse_graph(str(made)) == made
    by_graph = ScalarExecutor(made, range(len(made)))
    w = by_graph.forward([point[name] for name in INPUTS])
    swept = program.grad(point).partials
    for name, node in zip(INPUTS, made.outputs, strict=True):
        assert w[node] == swept[name] or (w[node] != w[node] and swept[name] != swept[name]), (text, name)
        slope = derivative(lambda t, name=name: run_oracle(statements, {**exact, name: t}, exact), exact[name])
        if slope is None:
            continue
        slack = rounding(made, node, w)
        if math.isfinite(slack) and slack < 1e-6 * (1 + abs(float(slope))):
            assert abs(mpf(swept[name]) - slope) <= slack + 1e-12 * abs(slope) + NOISE, (text, name)


@settings(max_examples=60)
@given(programs(), points)
def test_values_and_gradients_agree_with_the_oracle(
    statements: list[tuple[str, Tree]], point: dict[str, float]
) -> None:
    check_program(statements, point)


@pytest.mark.thorough
@settings(max_examples=4000)
@given(programs(), points)
def test_values_and_gradients_agree_with_the_oracle_at_length(
    statements: list[tuple[str, Tree]], point: dict[str, float]
) -> None:
    check_program(statements, point)
