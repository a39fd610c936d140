"""Batch equals a loop: row r of a batched graph is the graph at row r, for every op and every choice of operands."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest
from executors import ArrayExecutor

import cgcli
from cgcli.graph.graph import Graph
from cgcli.graph.types import Type
from cgcli.ops.builder import Builder
from cgcli.ops.op import Op
from cgcli.ops.table import OPS
from cgcli.ops.typing import one
from cgcli.ops.validity import check
from cgcli.transform.batch import batch
from cgcli.transform.gradient import gradient
from cgcli.transform.jacobian import jacobian

ROWS = 3
DTYPES = {"f": "float", "i": "int", "b": "bool"}
DRAWN = ("uniform", "standard_normal")  # a seed a row is refused


def type_of(x: Any) -> Type:
    array = np.asarray(x)
    return Type(DTYPES[array.dtype.kind], array.shape)


def run(graph: Graph, inputs: Sequence[Any]) -> list[Any]:
    check(graph)
    values = ArrayExecutor(graph).forward(inputs)
    return [values[i] for i in graph.outputs]


def rows_of(x: Any) -> Any:
    """Rows that differ where the op allows it: floats are scaled by a little, ints and bools turned round."""
    array = np.asarray(x)
    if array.dtype.kind == "f":
        return np.stack([array * (1 + 0.01 * r) for r in range(ROWS)])
    return np.stack([np.roll(array, r) for r in range(ROWS)])


def examples() -> list[tuple[Op, tuple[Any, ...], tuple[bool, ...]]]:
    found = []
    for op in OPS.values():
        if op.is_structured or op.name in ("input", "const", *DRAWN):
            continue
        for example in op.examples.operands:
            for flags in product((False, True), repeat=len(example)):
                if any(flags) and not (op.name == "fixed_power" and not flags[0]):
                    found.append((op, example, flags))
    return found


EXAMPLES = examples()


@pytest.mark.parametrize(
    ("op", "example", "flags"),
    EXAMPLES,
    ids=[f"{op.name} {''.join('01'[f] for f in flags)}" for op, _, flags in EXAMPLES],
)
def test_every_op(op: Op, example: tuple[Any, ...], flags: tuple[bool, ...]) -> None:
    b = Builder()
    inputs = [b.input(type_of(x), f"x{k}") for k, x in enumerate(example)]
    graph = b.done(b.apply(op.name, *inputs, **op.examples.attrs))
    given = [rows_of(x) if f else np.asarray(x) for x, f in zip(example, flags, strict=True)]
    (found,) = run(batch(graph, flags, ROWS), given)
    looped = [run(graph, [x[r] if f else x for x, f in zip(given, flags, strict=True)])[0] for r in range(ROWS)]
    np.testing.assert_allclose(found, np.stack(looped), rtol=1e-12, atol=1e-13)


PROGRAMS = [
    "input x: float[4]\ninput i: int[2]\ny = x[i] * 2\nz = sum(exp(y) / x[0])",
    "input x: float[4]\ninput i: int[2]\ny = x\ny[i] = [5, 6]\nz = sum(y * x)",
    "input x: float[4]\ninput i: int[2]\nz = if x[0] > 0.5 then sum(x * x) else x[i[0]] - sum(log(x + 1))",
    "input x: float[4]\ninput i: int[2]\nz = (if x[1] > 0.5 then 7 // i[0] else i[1]) * x[2]",
    "input x: float[4]\ninput i: int[2]\nA = reshape(x, [2, 2]) + 3 * eye(2)\nz = det(A) + sum(solve(A, x[:2]))",
    "input x: float[4]\ninput i: int[2]\nz = sum(sort(x) * [1, 2, 3, 4]) + max(x) + norm(x[i])",
    "input x: float[4]\ninput i: int[2]\nz = if x[3] > 0.5 then sum(inv(reshape(x, [2, 2]) * 0)) else sum(x)",
    (
        "input x: float[4]\ninput i: int[2]\nA = ones([4, 2, 3]) * x[0]\nA[i, :, [2, 0]] = reshape(x, [2, 2])\n"
        "A[:, i[0] % 2, 1:] = x[1]\nz = sum(A * A) + A[i[1], 1, 2] + sum(A[i, 0, [1, 1]] * x[2])"
    ),
    (
        "input x: float[4]\ninput i: int[2]\nA = ones([4, 2, 3]) * x[0]\nA[1:, i % 2, [2, 0]] = x[:2]\n"
        "z = sum(A * A) + sum(scatter_add(x, i, x[:2])) + sum(A[:, i % 2, i % 3] ^ 2)"
    ),
    (
        "input x: float[4]\ninput i: int[2]\nD = ones([4, 5]) * x[1]\nfor t in 0..3 {\n for s in 0..2 {\n"
        "  D[(t + i[0]) % 4, s + 1] = D[t, s] * x[s] + D[i[1], s]\n }\n if x[t] > 0.5 { D[i[t % 2], 0] = x[t] }\n}\n"
        "z = sum(D * D)"
    ),
]


@pytest.mark.parametrize("text", PROGRAMS)
@pytest.mark.parametrize("flags", [(True, False), (False, True), (True, True)])
def test_programs(text: str, flags: tuple[bool, bool]) -> None:
    """Values and gradients, also where the rows take different sides of an `if` and one side would fail."""
    program = cgcli.parse(text)
    z = program.module.values["z"]
    graph = program.graph
    derived = gradient(graph, z, [graph.inputs[0]])
    rng = np.random.default_rng(3)
    x = np.abs(rng.normal(size=(ROWS, 4))) * [[1], [0.3], [1]] + 0.1
    x[:, 3] = 0.2  # the side that would fail is not taken
    i = np.array([[1, 2], [0, 3], [2, 2]])
    if "//" in text:
        x[:, 1] = [0.9, 0.1, 0.9]
        i = i if all(flags) else np.array([[1, 2]] * ROWS)
    given = [x if flags[0] else x[0], i if flags[1] else i[0]]
    for each in (graph, derived):
        found = run(batch(each, flags, ROWS), given)
        for r in range(ROWS):
            wanted = run(each, [v[r] if f else v for v, f in zip(given, flags, strict=True)])
            for p, q in zip(found, wanted, strict=True):
                np.testing.assert_allclose(p[r], q, rtol=1e-12, atol=1e-12)


def test_what_does_not_depend_on_a_batched_input_is_computed_once() -> None:
    program = cgcli.parse("input a: float[2, 2]\ninput x: float[2]\ny = inv(a) @ x")
    made = batch(program.graph, [False, True], 5)
    inverse = next(n for n in made if n.op == "inv")
    assert str(inverse.type) == "float[2, 2]"


def test_a_jacobian_has_one_forward_pass() -> None:
    program = cgcli.parse("input x: float[3]\ny = exp(x) * sum(x)")
    made = jacobian(program.graph, program.module.values["y"], [program.graph.inputs[0]])
    assert [str(n.type) for n in made if n.op == "exp"] == ["float[3]"]
    assert str(one(made.type_of(made.outputs[0]))) == "float[3, 3]"


@pytest.mark.parametrize("size", [0, 1, "n"])
def test_batches_of_any_size(size: int | str) -> None:
    program = cgcli.parse("input x: float[3]\ny = sum(x^2) + x[1]")
    made = batch(program.graph, [True], size)
    assert str(made.type_of(made.outputs[0])) == f"float[{size}]"
    count = 2 if isinstance(size, str) else size
    (found,) = run(made, [np.ones((count, 3))])
    assert found.tolist() == [4.0] * count
