"""Convolution and pooling in machine code and nests: values and gradients of the reference, no windows in memory."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from native_tensors import differs, machine_code, native
from nest_harness import run_nest
from tensor_harness import built, total

from cgcli import parse
from cgcli.graph.graph import Graph
from cgcli.graph.traversal import prune
from cgcli.graph.types import Type
from cgcli.loop_nests import products
from cgcli.loop_nests.extents import shapes
from cgcli.loop_nests.form import statements
from cgcli.loop_nests.lower import lower
from cgcli.ops.array_kernels import DTYPES
from cgcli.ops.builder import Builder
from cgcli.ops.interpreter import Limits
from cgcli.optimise.driver import optimise
from cgcli.run.native.executor import NativeGraph
from cgcli.run.numpy.reference import array_interpreter
from cgcli.transform.gradient import differentiate

ULPS = 64


def with_gradients(text: str, wrt: Sequence[str]) -> Graph:
    """The output of a program, and derivatives of the sum of its elements times those of `g`, or of their squares."""
    b, graph = Builder(), parse(text).graph
    inputs = {graph.names[i]: b.input(graph.type_of(i), graph.names[i]) for i in graph.inputs}
    index = b.inline(graph, list(inputs.values()))
    (y,) = (index[i] for i in graph.outputs)
    pulled = total(b, b.mul(y, inputs.get("g", y)))
    return optimise(prune(b.done(y, *differentiate(b, pulled, [inputs[name] for name in wrt]))))


def arrays(graph: Graph, sizes: Mapping[str, int], rounded: bool = False) -> list[Any]:
    rng, xs = np.random.default_rng(len(graph)), []
    for i in graph.inputs:
        t = graph.type_of(i)
        assert isinstance(t, Type)
        x = rng.normal(size=[sizes.get(n, n) if isinstance(n, str) else n for n in t.shape])
        xs.append((np.round(x) if rounded else x).astype(DTYPES[t.dtype]))
    return xs


def convolution(dtype: str, x: Sequence[Any], w: Sequence[Any], y: Sequence[Any], options: str = "") -> Graph:
    count = len(x) - 2
    shapes_ = [f"{dtype}[{', '.join(map(str, shape))}]" for shape in (x, w, y)]
    return with_gradients(
        f"input x: {shapes_[0]}\ninput w: {shapes_[1]}\ninput g: {shapes_[2]}\n"
        f"y = conv{count}d(x, w{options})\noutput y\n",
        ["x", "w"],
    )


def pooling(call: str, x: Sequence[Any], y: Sequence[Any], dtype: str = "float") -> Graph:
    shapes_ = [f"{dtype}[{', '.join(map(str, shape))}]" for shape in (x, y)]
    return with_gradients(f"input x: {shapes_[0]}\ninput g: {shapes_[1]}\ny = {call}\noutput y\n", ["x"])


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several blocks, the last one shorter."""
    monkeypatch.setattr(products, "BLOCK", 300)


SHAPES = (
    [
        ("n", 1, 6, 6),
        (16, 1, 3, 3),
        ("n", 16, 6, 6),
        ", padding=1",
    ],
    [
        ("n", 3, 7, 5),
        (8, 3, 3, 2),
        ("n", 8, 4, 3),
        ", stride=2, padding=1",
    ],
    [
        ("n", 4, 8, 9),
        (6, 4, 3, 3),
        ("n", 6, 4, 5),
        ", dilation=[2, 3], padding=[0, 1]",
    ],
    [
        ("n", 6, 5, 5),
        (8, 3, 3, 3),
        ("n", 8, 5, 5),
        ", groups=2, padding=1",
    ],
    [
        ("n", 4, 5, 5),
        (4, 1, 3, 3),
        ("n", 4, 3, 3),
        ", groups=4",
    ],
    [
        ("n", 5, 11),
        (7, 5, 4),
        ("n", 7, 5),
        ", stride=2, padding=1",
    ],
    [
        ("n", 20, 1, 1),
        (9, 20, 1, 1),
        ("n", 9, 1, 1),
        "",
    ],
    [
        (11, 3, 6, 6),
        (5, 3, 3, 3),
        (11, 5, 4, 4),
        "",
    ],
    [
        (1, 3, 6, 6),
        (5, 3, 3, 3),
        (1, 5, 4, 4),
        "",
    ],
)


@native
@pytest.mark.parametrize("dtype", ["float", "f32"])
@pytest.mark.parametrize("shapes_", SHAPES, ids=str)
def test_convolutions_and_their_gradients(shapes_: Any, dtype: str, small_blocks: None) -> None:
    graph = convolution(dtype, *shapes_)
    run = machine_code(graph)
    for n in (1, 2, 7, 33, 0):
        sizes = {"n": n}
        problem = differs(graph, run, arrays(graph, sizes), sizes, ULPS)
        assert not problem, f"{n} examples: {problem}\n{graph}"


@pytest.mark.parametrize("shapes_", SHAPES[:6], ids=str)
def test_the_plain_interpreter_gives_the_same(shapes_: Any, small_blocks: None) -> None:
    graph = convolution("float", *shapes_)
    sizes = {"n": 3}
    xs = arrays(graph, sizes, rounded=True)
    status, ys = run_nest(graph, xs, sizes)
    assert status == 0
    for x, y in zip(array_interpreter(graph)(xs, sizes), ys, strict=True):
        assert np.array_equal(x, y)


@native
@settings(max_examples=20, deadline=None)
@given(st.data())
def test_random_convolutions(data: st.DataObject) -> None:
    def draw(least: int, most: int) -> int:
        return data.draw(st.integers(least, most))

    count = draw(1, 2)
    size, stride, dilation, padding = (
        [draw(*bounds) for _ in range(count)] for bounds in ((1, 3), (1, 3), (1, 2), (0, 2))
    )
    groups, channels, filters = draw(1, 2), draw(1, 5), draw(1, 6)
    image = [max(1, d * (k - 1) + 1 - 2 * p) + draw(0, 5) for k, d, p in zip(size, dilation, padding, strict=True)]
    out = [
        (h + 2 * p - d * (k - 1) - 1) // s + 1
        for h, k, s, d, p in zip(image, size, stride, dilation, padding, strict=True)
    ]
    options = f", stride={stride}, dilation={dilation}, padding={padding}, groups={groups}"
    graph = convolution(
        data.draw(st.sampled_from(["float", "f32"])),
        ("n", groups * channels, *image),
        (groups * filters, channels, *size),
        ("n", groups * filters, *out),
        options,
    )
    sizes, block = {"n": draw(0, 9)}, products.BLOCK
    products.BLOCK = data.draw(st.sampled_from([1, 50, 400, block]))
    try:
        problem = differs(graph, machine_code(graph), arrays(graph, sizes), sizes, ULPS)
    finally:
        products.BLOCK = block
    assert not problem, f"{options} {sizes}: {problem}\n{graph}"


@native
def test_images_of_named_sizes_compile_nothing_again() -> None:
    graph = with_gradients(
        "input x: float[n, c, h, w]\ninput k: float[o, c, 3, 3]\ny = conv2d(x, k)\noutput y\n", ["x", "k"]
    )
    run = machine_code(graph)
    for n, c, o, h, w in ((3, 2, 9, 8, 7), (0, 2, 2, 3, 3), (2, 0, 3, 5, 5), (1, 1, 1, 3, 9), (40, 17, 20, 9, 12)):
        sizes = {"n": n, "c": c, "o": o, "h": h, "w": w}
        problem = differs(graph, run, arrays(graph, sizes), sizes, ULPS)
        assert not problem, f"{sizes}: {problem}\n{graph}"


POOLS = [
    ("max_pool(x, 2)", ("n", 3, 8, 8), ("n", 3, 4, 4)),
    ("max_pool(x, 2)", ("n", 3, 7, 9), ("n", 3, 3, 4)),
    ("max_pool(x, 3, stride=2, padding=1)", ("n", 2, 8, 7), ("n", 2, 4, 4)),
    ("max_pool(x, [3, 2], stride=[1, 2])", ("n", 2, 8, 30), ("n", 2, 6, 15)),
    ("max_pool(x, 2)", ("n", 4, 10), ("n", 4, 5)),
    ("max_pool(x, 2, stride=3)", ("n", 3, 8, 8), ("n", 3, 3, 3)),
    ("avg_pool(x, 2)", ("n", 3, 8, 8), ("n", 3, 4, 4)),
    ("avg_pool(x, 3, stride=1, padding=1)", ("n", 2, 5, 6), ("n", 2, 5, 6)),
    ("avg_pool(x, 5)", ("n", 2, 25, 10), ("n", 2, 5, 2)),
]


@native
@pytest.mark.parametrize("dtype", ["float", "f32"])
@pytest.mark.parametrize(("call", "x", "y"), POOLS)
def test_pooling_and_its_gradient(call: str, x: Any, y: Any, dtype: str) -> None:
    graph = pooling(call, x, y, dtype)
    run = machine_code(graph)
    for n in (1, 0, 5):
        for rounded in (False, True):  # the largest of rounded numbers are many
            problem = differs(graph, run, arrays(graph, {"n": n}, rounded), {"n": n}, 4)
            assert not problem, f"{problem}\n{graph}"


@pytest.mark.parametrize(("call", "x", "y"), POOLS)
def test_pooling_in_the_plain_interpreter(call: str, x: Any, y: Any) -> None:
    graph = pooling(call, x, y)
    xs = arrays(graph, {"n": 2}, rounded=True)
    status, ys = run_nest(graph, xs, {"n": 2})
    assert status == 0
    for ours, its in zip(ys, array_interpreter(graph)(xs, {"n": 2}), strict=True):
        assert np.allclose(ours, its, rtol=1e-15, atol=0)


def elements(graph: Graph, sizes: Mapping[str, int]) -> int:
    """Those of the largest buffer of a graph's nest."""
    return max(map(prod, shapes(lower(graph), sizes).values()))


def test_windows_are_never_all_in_memory() -> None:
    image = ("n", 8, 20, 20)
    graph = convolution("f32", image, (8, 8, 3, 3), image, ", padding=1")
    assert elements(graph, {"n": 1000}) == 1000 * 8 * 22 * 22  # the padded images
    pools = pooling("max_pool(x, 3, stride=1, padding=1)", image, image)
    assert elements(pools, {"n": 1000}) == 1000 * 8 * 22 * 22


def test_the_length_of_a_nest_does_not_grow_with_the_kernel() -> None:
    def length(size: int) -> int:
        shape = ("n", 8, 40, 40)
        y = ("n", 8, 41 - size, 41 - size)
        return sum(1 for _ in statements(lower(convolution("f32", shape, (8, 8, size, size), y)).body))

    assert length(3) == length(7)


@native
def test_a_convolution_that_takes_too_much_memory_says_what_the_reference_says() -> None:
    graph = convolution("float", ("n", 1, 40, 40), (8, 1, 3, 3), ("n", 8, 40, 40), ", padding=1")
    xs = arrays(graph, {"n": 4})
    limits = Limits(10**5, None)
    said = []
    for run in (NativeGraph(graph, lambda: array_interpreter(graph, limits), limits), array_interpreter(graph, limits)):
        with pytest.raises(Exception, match="memory") as caught:
            run(xs, {"n": 4})
        said.append(str(caught.value))
    assert said[0] == said[1]


@native
def test_what_folds_a_product_that_others_read_too() -> None:
    def make(b: Builder, g: int, w: int) -> int:
        product = b.einsum(g, w, pattern="noi,ock->ncik")
        folded = b.fold_windows(product, sizes=(3,), strides=(1,), dilations=(1,), shape=(9,))
        return int(b.mul(total(b, product), folded))

    graph = built(make, Type("float", ("n", 20, 7)), Type("float", (20, 4, 3)))
    for n in (0, 1, 30):
        problem = differs(graph, machine_code(graph), arrays(graph, {"n": n}), {"n": n}, ULPS)
        assert not problem, problem
