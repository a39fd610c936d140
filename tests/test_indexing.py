"""Indexing means what NumPy's means: random indices, known and named sizes, reading and assigning."""

import random
from typing import Any

import numpy as np
import pytest

import cgcli
from cgcli.graph.graph import opcode
from cgcli.graph.sizes import evaluate

SLICES = ["", "1", "-1", "3", "-3", "6", "-6"]
STEPS = ["", "", "", ":2", ":-1", ":-2", ":3"]
TENSORS = ["[0]", "[-1, 0]", "[1, -2, 0]", "[[0, 1], [1, 0]]"]


def indices(rng: random.Random, rank: int) -> str:
    """The text of some indices, with at most one `...`."""
    found: list[str] = []
    for _ in range(rng.randint(1, rank)):
        kind = rng.random()
        if kind < 0.25:
            found.append(str(rng.randint(-4, 4)))
        elif kind < 0.65:
            found.append(f"{rng.choice(SLICES)}:{rng.choice(SLICES)}{rng.choice(STEPS)}")
        elif kind < 0.75 and "..." not in found:
            found.append("...")
        else:
            found.append(rng.choice(TENSORS))
    return ", ".join(found)


def numpy_reads(x: Any, text: str) -> Any:
    """What NumPy gives, None where it refuses, or says that it will refuse."""
    try:
        return eval(f"x[{text}]", {"x": x})
    except (IndexError, DeprecationWarning):
        return None


def declared(shape: tuple[int, ...], named: bool) -> str:
    return f"[{', '.join(f'n{k}' if named else str(n) for k, n in enumerate(shape))}]"


@pytest.mark.parametrize("named", [False, True], ids=["known sizes", "named sizes"])
@pytest.mark.parametrize("seed", range(150))
def test_reading(seed: int, named: bool) -> None:
    """The same elements in the same shape, which was inferred before; or both refuse."""
    rng = random.Random(seed)
    shape = tuple(rng.randint(0, 4) for _ in range(rng.randint(1, 4)))
    text = indices(rng, len(shape))
    x = np.arange(np.prod(shape), dtype=float).reshape(shape)
    wanted = numpy_reads(x, text)
    source = f"input x: float{declared(shape, named)}\ny = x[{text}]"
    if wanted is None:
        with pytest.raises(cgcli.CgError):
            cgcli.parse(source).eval({"x": x})
        return
    program = cgcli.parse(source)
    found = np.asarray(program.eval({"x": x})["y"])
    np.testing.assert_array_equal(found, wanted)
    sizes = {f"n{k}": n for k, n in enumerate(shape)}
    assert tuple(evaluate(size, sizes) for size in program.type_of("y").shape) == wanted.shape == found.shape


@pytest.mark.parametrize("seed", range(100))
def test_assigning(seed: int) -> None:
    """`y[i] = v` is NumPy's: of places named twice the last one counts, for derivatives too."""
    rng = random.Random(seed)
    shape = tuple(rng.randint(2, 4) for _ in range(rng.randint(1, 3)))
    text = indices(rng, len(shape))
    x = 100.0 + np.arange(np.prod(shape)).reshape(shape)
    part = numpy_reads(x, text)
    if part is None or part.size == 0:
        return
    v = 1.0 + np.arange(part.size, dtype=float).reshape(part.shape)
    wanted = x.copy()
    exec(f"y[{text}] = v", {"y": wanted, "v": v})
    value = f"input v: float{declared(v.shape, False) if v.shape else ''}"
    program = cgcli.parse(
        f"input x: float{declared(shape, False)}\n{value}\ny = x\ny[{text}] = v\ns = sum(y * y)\noutput y, s"
    )
    found = program.eval({"x": x, "v": v})["y"]
    np.testing.assert_array_equal(found, wanted)
    partials = program.grad({"x": x, "v": v}, of="s").partials
    np.testing.assert_array_equal(partials["x"], np.where(wanted == x, 2 * x, 0))
    np.testing.assert_array_equal(partials["v"], np.where(np.isin(v, wanted), 2 * v, 0))


@pytest.mark.parametrize(
    ("left", "right", "operator", "result"),
    [
        ("f32", "float", "+", "float"),
        ("f32", "int", "*", "f32"),
        ("int", "i32", "+", "int"),
        ("int", "int", "/", "float"),
        ("i32", "i32", "//", "i32"),
        ("bool", "bool", "+", "int"),
        ("bool", "f32", "*", "f32"),
        ("int", "float", "-", "float"),
    ],
)
def test_types_that_meet(left: str, right: str, operator: str, result: str) -> None:
    program = cgcli.parse(f"input a: {left}[2, 3]\ninput b: {right}[3]\ny = a {operator} b")
    assert str(program.type_of("y")) == f"{result}[2, 3]"


@pytest.mark.parametrize(
    "text", ["2 * x", "x / len(x)", "x + [1, 2, 3]", "x * 0.1 + pi", "x / sqrt(n)", "x + zeros([n])"]
)
def test_literals_and_sizes_keep_single_precision(text: str) -> None:
    length = "3" if "[1" in text else "n"
    assert cgcli.parse(f"input x: f32[{length}]\ny = {text}").type_of("y").dtype == "f32"


def test_several_results_and_sizes_of_a_call() -> None:
    program = cgcli.parse(
        "fn halves(v: float[m]) {\n  k = m // 2\n  return v[:k], v[k:]\n}\n"
        "input x: float[5] = [1, 2, 3, 4, 5]\nfirst, second = halves(x)\noutput first, second"
    )
    found = program.eval({})
    assert found["first"].tolist() == [1, 2]
    assert found["second"].tolist() == [3, 4, 5]


BOUNDS = [
    "0",
    "1",
    "{k}",
    "{k} + 1",
    "{n} - {k}",
    "{n} - {k} + 1",
    "{n} - 1",
    "{n}",
    "2 * {k}",
    "0 - {k}",
    "-1 - {k}",
    "-2",
    "",
]


@pytest.mark.parametrize(("n", "k"), ["nk", "kn"], ids=["the axis has the later name", "the axis has the earlier name"])
@pytest.mark.parametrize("start", BOUNDS)
def test_a_bound_made_of_sizes_counts_from_the_end_where_it_is_negative_for_all_of_them(
    start: str, n: str, k: str
) -> None:
    """Any other is clipped to the axis; -k that is 0 is the end, too. The size of the slice is what it says."""
    for stop in BOUNDS:
        begin, end = (text.format(n=n, k=k) for text in (start, stop))
        source = (
            f"input x: float[{n}]\ninput w: float[{k}]\ny = x[{begin}:{end}]\ncount = len(y)\noutput y\noutput count"
        )
        program = cgcli.parse(source)
        for length in range(5):
            for other in range(5):
                sizes = {n: length, k: other}

                def position(text: str, default: int, sizes: dict[str, int] = sizes, length: int = length) -> int:
                    value = eval(text, {}, sizes) if text else default
                    return min(max(value + length if text.startswith(("-", "0 -")) else value, 0), length)

                x = np.arange(length) + 1.0
                expected = x[position(begin, 0) : position(end, length)]
                outputs = program.eval({"x": x, "w": np.ones(other)})
                assert np.array_equal(outputs["y"], expected), (stop, sizes)
                assert outputs["count"] == len(expected), (stop, sizes)


@pytest.mark.parametrize(
    ("sums", "size"),
    [
        ("x[1:] + x[:-1] + x[1:n] + x[0:n - 1]", "max(0,n - 1)"),
        ("x[1:-1] + x[2:] + x[:-2] + x[1:][:-1] + x[:-1][1:] + x[1:n - 1]", "max(0,n - 2)"),
        ("x[k:] + x[:n - k] + x[:0 - k] + x[::-1][k:]", "-k + max(0,k - n) + n"),
        ("x[k:][1:] + x[k + 1:] + x[1:][k:] + x[:n - k][1:] + x[:n - k - 1]", "-k + max(0,k - n + 1) + n - 1"),
        ("concat([x[:k], x[k:]]) + concat([x[:1], x[1:]]) + x", "n"),
    ],
)
def test_slices_that_always_have_equal_sizes_have_one_type(sums: str, size: str) -> None:
    graph = cgcli.parse(f"input x: float[n]\ninput w: float[k]\ny = {sums}").graph
    sums_of = [i for i, op in enumerate(graph.op) if op == opcode("add")]
    assert {graph.type_of(x).shape for i in sums_of for x in graph.operands(i)} == {(size,)}


def test_several_axes_of_a_target_may_have_sizes_that_only_the_run_compares() -> None:
    program = cgcli.parse("input A: float[n, n]\ny = A\ny[0:2, 0:2] = y[1:3, 1:3]\noutput s = sum(y)")
    assert program(A=[[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]) == 3 + 6 + 7 + 8 + 9 + 5 + 6 + 8 + 9
    with pytest.raises(cgcli.CgError, match="is needed, but it is"):
        program(A=[[1.0, 2], [4, 5]])
