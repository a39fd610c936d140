"""Loop nests as JavaScript: the bits and the statuses of the plain interpreter.

They run in V8, the engine of a browser; without it these tests are skipped. An i64 that is no number of JavaScript's
stops a run with a status of its own, where the interpreter goes on.
"""

from __future__ import annotations

import itertools
import math
import random
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import form_harness
import numpy as np
import pytest
import random_nests
from control_programs import random_inputs, random_program
from nest_harness import unwritten
from page_harness import difference, engine, javascript, run_script, same
from random_nests import random_nest
from sample_values import ROOT, values_for
from test_loop_forms import elementwise
from test_loop_functions import SIGNED, mapped, points, values
from test_loop_structured import graph_of, with_gradients

from cgcli import load
from cgcli.graph.graph import Graph
from cgcli.graph.types import Type
from cgcli.loop_nests.builder import LoopBuilder
from cgcli.loop_nests.extents import shapes
from cgcli.loop_nests.form import (
    FLOATS,
    INTS,
    MEMORY,
    OVERFLOW,
    STOPPED,
    TYPES,
    ZERO_DIVISION,
    Index,
    LoopNest,
    Region,
    ScalarType,
    Unsupported,
    Value,
)
from cgcli.loop_nests.interpreter import DTYPES
from cgcli.loop_nests.lower import lower
from cgcli.loop_nests.primitives import CHECKED, FUNCTIONS, PRIMITIVES, fma, result_type
from cgcli.ops.builder import Builder
from cgcli.ops.op import Op, TypeMismatch
from cgcli.ops.sizes import bind_sizes
from cgcli.optimise.driver import optimise
from cgcli.render.page.helpers import HELPERS
from cgcli.render.page.statements import MOST_ELEMENTS, UNSAFE
from cgcli.transform.gradient import gradient

LARGEST = 2**53 - 1
SAFE_EDGES = [0, 1, -1, 2, 3, -7, LARGEST, -LARGEST, 94906266, 2**52 + 1]
EDGES: dict[str, list[Any]] = {
    "f64": [*form_harness.FLOATS, 0.5, -0.5, 1.5, -2.5, 0.49999999999999994, 2.0**52 + 1, 2.0**51 + 0.5, 1e16, 2.0**31],
    "f32": [*form_harness.EDGES["f32"], 0.5, 3.5, 2.0**23 - 0.5, 16777215.0],
    "i64": [*SAFE_EDGES, 2**53, -(2**53), 2**63 - 1, -(2**63)],
    "i32": form_harness.EDGES["i32"],
    "bool": [False, True],
}
EDGES["f32"] = [float(np.float32(x)) for x in EDGES["f32"]]


@pytest.fixture(scope="module", autouse=True)
def _engine() -> None:
    engine()


# ---- primitives


def operand_types() -> list[Any]:
    """Every primitive that is no function, with every list of types that it takes."""
    cases = []
    for name, primitive in PRIMITIVES.items():
        for types in itertools.product(TYPES, repeat=primitive.arity) if primitive.compute else ():
            if primitive.result(types) is not None and (name != "fma" or types[0] == "f64"):
                cases.append(pytest.param(name, types, id="-".join([name, *types])))
    return cases


def arguments(name: str, types: Sequence[ScalarType]) -> list[tuple[Any, ...]]:
    """What a primitive is tried with."""
    if name == "ldexp":
        ks = (0, 1, -1, 52, -52, 1023, 1024, -1022, -1074, -1075, -1080, 2098, 2200, -2098, -2200)
        return list(itertools.product([*EDGES["f64"], 2.0**-1074 * 3, 1 + 2.0**-52, 5e-310], map(float, ks)))
    if name in ("mantissa", "exponent"):
        roots = [math.sqrt(0.5), math.sqrt(2)]
        near = [y for x in roots for y in (x, math.nextafter(x, 0), math.nextafter(x, 2))]
        numbers = [*(x for x in EDGES["f64"] if 0 < x < math.inf), *near, 2.0**-1022, 1.7e308]
        return [(math.ldexp(x, k),) for x in numbers for k in (0, -3, -1040)[: 1 if x > 1e300 else 3] if x * 2.0**k > 0]
    if name == "copysign":
        return [(x, y) for x, y in itertools.product(EDGES[types[0]], repeat=2) if y == y]
    lists = [EDGES[t] if len(types) < 3 else EDGES[t][:9] for t in types]
    return list(itertools.product(*lists))


def single(name: str, types: Sequence[ScalarType], node: int) -> LoopNest:
    """A primitive on numbers that are loaded."""
    k = LoopBuilder("t")
    operands = [k.load(k.buffer(f"x{i}", t, [1], "in"), [0]) for i, t in enumerate(types)]
    result = k.apply(name, *operands, node=node)
    k.store(k.buffer("y", result.type, [1], "out"), [0], result)
    if result.type in INTS:  # a zero has no sign
        k.store(k.buffer("z", "f64", [1], "out"), [0], k.f64(result))
    return k.nest()


@pytest.mark.parametrize(("name", "types"), operand_types())
def test_a_primitive_at_the_edges(name: str, types: Sequence[ScalarType]) -> None:
    if result_type(name, types) not in INTS and "i64" not in types:
        check_together(name, types)
        return
    nest, script = single(name, types, 3), javascript(single(name, types, 3))
    for numbers in arguments(name, types):
        arrays = {f"x{i}": np.array([x], DTYPES[t]) for i, (x, t) in enumerate(zip(numbers, types, strict=True))}
        operands = [x[0].item() for x in arrays.values()]
        arrays |= {name: unwritten([1], nest.buffers[name].type) for name in script.buffers if name in ("y", "z")}
        status, results = run_script(script, nest, arrays, {})
        assert status == expected_status(name, types, numbers), numbers
        for y in [] if status else results.values():
            assert same(y, np.array([PRIMITIVES[name].compute(*operands)], y.dtype)), numbers


def expected_status(name: str, types: Sequence[ScalarType], numbers: Sequence[Any]) -> int:
    """3 is the node; an operand that is no number of JavaScript's has none."""
    if any(t == "i64" and abs(x) > LARGEST for x, t in zip(numbers, types, strict=True)):
        return UNSAFE - 16
    node = 3 if name in CHECKED else -1
    to = result_type(name, types)
    if name in ("floor_div", "mod") and numbers[1] == 0:
        return node * 16 + ZERO_DIVISION
    if to not in INTS:
        return 0
    if types[0] in FLOATS and name != "bits" and not abs(numbers[0]) < 2.0**63:
        return node * 16 + OVERFLOW
    result = PRIMITIVES[name].compute(*numbers)
    if to == "i32":
        return 0 if -(2**31) <= result < 2**31 else node * 16 + OVERFLOW
    return 0 if abs(result) <= LARGEST else node * 16 + UNSAFE


def check_together(name: str, types: Sequence[ScalarType]) -> None:
    """A primitive that does not fail, on all its arguments in one run."""
    k = LoopBuilder("t")
    n = k.size("n")
    with k.loop(n) as loop:
        operands = [k.load(k.buffer(f"x{i}", t, [n], "in"), [loop.variable]) for i, t in enumerate(types)]
        result = k.apply(name, *operands)
        k.store(k.buffer("y", result.type, [n], "out"), [loop.variable], result)
    nest, columns = k.nest(), list(zip(*arguments(name, types), strict=True))
    arrays = {f"x{i}": np.array(x, DTYPES[t]) for i, (x, t) in enumerate(zip(columns, types, strict=True))}
    arrays["y"] = unwritten([len(columns[0])], result.type)
    assert difference(nest, arrays, {"n": len(columns[0])}) == (0, "")


def triple(r: random.Random) -> tuple[float, float, float]:
    """Operands of a product and a sum: any bits, sums that cancel, half ways, results near the ends of the range."""

    def short() -> float:
        sides = (1.0, 1.5, 1 + 2**-52, 2 - 2**-52, 1 + 2**-26, 1 + 2**-27, 1 - 2**-53, 1.25, r.uniform(1, 2))
        return r.choice(sides) * r.choice((-1, 1))

    def sized(low: int, high: int) -> float:
        return math.ldexp(short(), max(-1074, min(1022, r.randint(low, high))))

    kind = r.random()
    if kind < 0.15:
        a, b, c = struct.unpack("<3d", r.randbytes(24))
        return a, b, c
    if kind < 0.4:
        a, b = sized(-30, 30), sized(-30, 30)
        x = -a * b
        choices = (x, x, math.nextafter(x, 9e99), math.nextafter(x, -9e99), x * r.uniform(0, 2), math.ldexp(x, -53))
        return a, b, r.choice((*choices, math.ldexp(x, r.randint(-110, 110))))
    if kind < 0.6:
        return sized(-5, 5), sized(-5, 5), sized(-120, 120)
    if kind < 0.75:
        low, by = r.randint(-1090, -900), r.randint(-500, 100)
        return sized(by, by), sized(low - by, low - by), sized(low - 110, low + 110)
    if kind < 0.85:
        by = r.randint(0, 1000)
        return sized(by, by), sized(1000 - by, 1024 - by), sized(900, 1022)
    ends = (0.0, -0.0, 1.0, math.inf, -math.inf, math.nan, 5e-324, -5e-324, 2.0**-1022, 1.7976931348623157e308, 1e-290)
    if kind < 0.93:
        return r.choice(ends), r.choice(ends), r.choice(ends)
    numbers = [sized(-3, 3) for _ in range(3)]
    numbers[r.randrange(3)] = r.choice(ends)
    return numbers[0], numbers[1], numbers[2]


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.thorough)])
def test_fma_is_rounded_once(seed: int) -> None:
    k = LoopBuilder("t")
    n = k.size("n")
    with k.loop(n) as loop:
        operands = [k.load(k.buffer(f"x{i}", "f64", [n], "in"), [loop.variable]) for i in range(3)]
        k.store(k.buffer("y", "f64", [n], "out"), [loop.variable], k.fma(*operands))
    nest, r = k.nest(), random.Random(seed)
    script = javascript(nest)
    for _ in range(100 if seed else 2):
        triples = [triple(r) for _ in range(20_000)]
        arrays = {f"x{i}": np.array(x) for i, x in enumerate(zip(*triples, strict=True))} | {
            "y": np.empty(len(triples))
        }
        _, results = run_script(script, nest, arrays, {"n": len(triples)})
        pairs = zip(triples, results["y"].tolist(), [fma(*x) for x in triples], strict=True)
        assert [x for x in pairs if repr(x[1]) != repr(x[2])] == []


# ---- functions


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_the_bits_of_its_definition(name: str) -> None:
    xs = points(name)[::3] + list(itertools.product(SIGNED, repeat=FUNCTIONS[name]))
    nest = mapped(name)
    arrays = {f"x{i}": np.array(x) for i, x in enumerate(zip(*xs, strict=True))} | {"y": np.empty(len(xs))}
    status, results = run_script(javascript(nest), nest, arrays, {"n": len(xs)})
    pairs = zip(xs, results["y"].tolist(), values(name, xs), strict=True)
    assert status == 0
    assert [x for x in pairs if repr(x[1]) != repr(x[2])] == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_of_single_precision(name: str) -> None:
    nest = single(name, ["f32"] * FUNCTIONS[name], -1)
    for numbers in itertools.product([0.3, -1.75, 5.5, 1e-40], repeat=FUNCTIONS[name]):
        arrays = {f"x{i}": np.array([x], np.float32) for i, x in enumerate(numbers)}
        assert difference(nest, arrays | {"y": np.empty(1, np.float32)}, {}) == (0, "")


# ---- graphs


def graph_difference(graph: Graph, inputs: Sequence[Any]) -> tuple[int, str]:
    nest = lower(graph)
    bound = bind_sizes(graph, graph.inputs, inputs)
    sizes = {name: bound[name] for name in nest.sizes}
    arrays = {f"x{n}": np.array(x, DTYPES[nest.buffers[f"x{n}"].type]) for n, x in enumerate(inputs)}
    for name, shape in shapes(nest, sizes).items():
        if name not in arrays:
            arrays[name] = unwritten([max(0, n) for n in shape], nest.buffers[name].type)
    return difference(nest, arrays, sizes)


def operand_lists(count: int) -> list[tuple[str, ...]]:
    """Operands of one type; a few of two; of three those that a bool chooses from."""
    every = list(form_harness.EDGES)
    if count == 3:
        return [("bool", t, t) for t in every]
    mixed = [("float", "literal float"), ("int", "literal int"), ("int", "float"), ("f32", "literal int")]
    return [(t,) * count for t in every] + (mixed if count == 2 else [])


@pytest.mark.parametrize(("op", "at"), elementwise())
def test_an_elementwise_op(op: Op, at: Any) -> None:
    assert sum(tried(op, at, kinds) for kinds in operand_lists(min(3, len(op.examples.operands[0]))))


def tried(op: Op, at: Any, kinds: Sequence[str]) -> int:
    """Compares an op on some edges of its operands, each by itself; how many."""
    b = Builder()
    literals: Iterator[Any] = iter([2.5] if "literal float" in kinds else [-3])
    operands = [b.input(Type(t, ())) if t in form_harness.EDGES else b.const(next(literals)) for t in kinds]
    try:
        graph = b.done(b.apply(op.name, *operands, **at))
    except TypeMismatch:
        return 0
    typed = [t for t in kinds if t in form_harness.EDGES]
    edges = [SAFE_EDGES[:8] if t == "int" else form_harness.EDGES[t] for t in typed]
    rows = list(itertools.product(*edges))
    for inputs in random.Random(0).sample(rows, min(8, len(rows))):
        _, problem = graph_difference(graph, inputs)
        assert not problem, f"{kinds} {inputs}: {problem}"
    return len(rows)


@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(s, marks=pytest.mark.thorough) for s in range(4, 200))])
def test_control_flow_and_its_derivatives(seed: int) -> None:
    graph = graph_of(random_program(seed).text)
    for g in with_gradients(graph, graph.inputs[:4])[-4:]:
        for items in (0, 3):
            inputs = random_inputs(random.Random(seed), items)
            point = [*(inputs[name] for name in "xab"), np.array(inputs["xs"], float), inputs["m"]]
            assert graph_difference(g, point)[1] == ""


NUMBERS = (
    "article black_scholes huber line newton newton_step pendulum_energy quadratic rosenbrock sigmoid_neuron"
).split()
STRUCTURED = ("meta", "ode")


@pytest.mark.parametrize("name", [*NUMBERS, *STRUCTURED])
def test_a_sample_and_its_gradient(name: str) -> None:
    path = ROOT / f"samples/{name}.cg"
    point = values_for(path)
    program = load(path).recorded(point)
    graph, at = program.graph, program.bind_inputs(point)
    floats = [i for i in graph.inputs if graph.type_of(i).has_derivative]
    r = random.Random(name)
    for g in (graph, optimise(gradient(graph, graph.outputs[0], floats, value=True))):
        for scale in (0.0, 0.1, 1.0)[: 3 if name in NUMBERS else 1]:
            moved = [
                np.asarray(x) + scale * r.gauss(0, 1) if i in floats else x
                for i, x in zip(graph.inputs, at, strict=True)
            ]
            assert graph_difference(g, moved) == (0, "")


def test_numbers_are_those_samples_whose_values_are_all_single() -> None:
    names = []
    for path in sorted((ROOT / "samples").glob("*.cg")):
        graph = load(path).recorded(values_for(path)).graph
        if not any(getattr(graph.type_of(i), "shape", ()) for i in range(len(graph))):
            names.append(path.stem)
    assert names == NUMBERS


# ---- random nests


@pytest.fixture
def safe_ints(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random nests of ints that JavaScript has."""
    monkeypatch.setitem(random_nests.EDGES, "i64", SAFE_EDGES[:8])
    monkeypatch.setitem(random_nests.LIMITS, "i64", (-LARGEST, LARGEST))


@pytest.mark.parametrize(
    "seeds", [range(60), *(pytest.param(range(s, s + 100), marks=pytest.mark.thorough) for s in range(60, 2460, 100))]
)
@pytest.mark.usefixtures("safe_ints")
def test_a_random_nest(seeds: range) -> None:
    statuses = []
    for seed in seeds:
        try:
            status, problem = difference(*random_nest(seed))
        except Unsupported as error:
            assert "beyond" in str(error)
            continue
        assert not problem, f"{seed}: {problem}"
        statuses.append(status)
    assert statuses.count(0) > 0.9 * len(seeds)


@pytest.mark.parametrize("seeds", [range(40), pytest.param(range(40, 1000), marks=pytest.mark.thorough)])
def test_a_random_nest_of_large_ints_stops_or_gives_the_same_bits(seeds: range) -> None:
    for seed in seeds:
        nest, arrays, sizes = random_nest(seed)
        for name, x in arrays.items():
            if nest.buffers[name].role != "in" and x.dtype == np.int64:
                x[np.abs(x.astype(float)) > LARGEST] = 0  # what a run does not read needs no check
        try:
            assert difference(nest, arrays, sizes)[1] == "", seed
        except Unsupported as error:
            assert "beyond" in str(error)


# ---- control


REDUCTIONS: dict[ScalarType, tuple[str, ...]] = {
    **dict.fromkeys(FLOATS, ("add", "mul", "min", "max")),
    **dict.fromkeys(INTS, ("add", "min", "max")),
    "bool": ("and", "or"),
}


@pytest.mark.parametrize("begin", [0, 3])
@pytest.mark.parametrize(("type_", "join"), [(t, join) for t, joins in REDUCTIONS.items() for join in joins])
def test_the_order_of_a_reduction(type_: ScalarType, join: str, begin: int) -> None:
    k = LoopBuilder("t")
    n = k.size("n")
    first = k.load(k.buffer("first", type_, [1], "in"), [0])
    k.buffer("x", type_, [n], "in")
    with k.loop(n, [first], [join], "vector", begin) as loop:
        loop.yields = [k.apply(join, loop.carried[0], k.load("x", [loop.variable]), node=1)]
    k.store(k.buffer("y", type_, [1], "out"), [0], loop.results[0])
    r = np.random.default_rng(0)
    for count in (0, 3, 8, 53):
        x = r.normal(1, 1, count) if type_ in FLOATS else r.integers(0, 2 if type_ == "bool" else 99, count)
        arrays = {"first": np.ones(1, DTYPES[type_]), "x": x.astype(DTYPES[type_]), "y": unwritten([1], type_)}
        assert difference(k.nest(), arrays, {"n": count}) == (0, "")


def test_what_is_carried_may_change_places() -> None:
    k = LoopBuilder("t")
    n = k.size("n")
    with k.loop(n, [k.const(1.0), k.const(2.0), k.const(3.0)]) as loop:
        loop.yields = [loop.carried[1], loop.carried[2], loop.carried[0]]
    k.buffer("y", "f64", [3], "out")
    for i, x in enumerate(loop.results):
        k.store("y", [i], x)
    for steps in range(4):
        assert difference(k.nest(), {"y": np.zeros(3)}, {"n": steps}) == (0, "")


def test_memory_is_zero_each_time() -> None:
    k = LoopBuilder("t")
    n = k.size("n")
    k.buffer("y", "f64", [n, 2], "out")
    with k.loop(n) as loop:
        k.allocate("fixed", "f64", [3])
        k.allocate("chunked", "f64", [1, 2], chunked=True)
        for buffer, index in (("fixed", [1]), ("chunked", [70, 1])):
            k.store(buffer, index, k.add(k.load(buffer, [0] * len(index), changing=True), k.const(1.0)), "add")
        for column, (buffer, index) in enumerate((("fixed", [1]), ("chunked", [70, 1]))):
            k.store("y", [loop.variable, column], k.load(buffer, index, changing=True))
    assert difference(k.nest(), {"y": np.zeros((3, 2))}, {"n": 3}) == (0, "")


# ---- ints that JavaScript has not


def run_of(build: Callable[[LoopBuilder], Value], steps: int = 1000) -> tuple[int, Any]:
    """The status and the value that a nest of no operands gives."""
    k = LoopBuilder("t")
    result = build(k)
    k.store(k.buffer("y", result.type, [1], "out"), [0], result)
    nest = k.nest()
    status, results = run_script(javascript(nest), nest, {"y": np.zeros(1, DTYPES[result.type])}, {}, steps)
    return status, results["y"][0].item()


def extremes(k: LoopBuilder, count: int, kind: Any) -> Value:
    """The greatest of the numbers below a count, from the least int on."""
    first = k.const(-(2**63), "i64")
    with k.loop(count, [first], ["max" if kind == "vector" else ""], kind) as loop:
        loop.yields = [k.max(loop.carried[0], loop.variable)]
    return loop.results[0]


@pytest.mark.parametrize("kind", ["serial", "vector"])
def test_the_least_int_begins_a_maximum(kind: str) -> None:
    assert run_of(lambda k: extremes(k, 5, kind)) == (0, 4)
    assert run_of(lambda k: extremes(k, 0, kind))[0] == UNSAFE - 16


def test_a_large_int_is_compared_and_bounds_others_but_is_no_result() -> None:
    def zero(k: LoopBuilder) -> Value:
        with k.loop(1, [k.const(0, "i64")]) as loop:
            loop.yields = [loop.variable]
        return loop.results[0]

    large = 2**63 - 1
    assert run_of(lambda k: k.lt(zero(k), k.const(large, "i64"))) == (0, True)
    assert run_of(lambda k: k.min(zero(k), k.const(large, "i64"))) == (0, 0)
    assert run_of(lambda k: k.max(zero(k), k.const(-large, "i64"))) == (0, 0)
    for build in (
        lambda k: k.const(large, "i64"),
        lambda k: k.max(zero(k), k.const(large, "i64")),
        lambda k: k.select(k.eq(zero(k), k.const(0, "i64")), k.const(large, "i64"), zero(k)),
        lambda k: k.mul(zero(k), k.const(large, "i64")),
        lambda k: k.switch(zero(k), [lambda: [k.const(large, "i64")], lambda: [zero(k)]])[0],
    ):
        assert run_of(build)[0] == UNSAFE - 16


def test_an_index_that_doubles_do_not_sum_is_refused() -> None:
    k = LoopBuilder("t")
    n = k.size("n")
    k.buffer("y", "f64", [n], "out")
    k.store("y", [Index(2**53, ((n, 1),))], k.const(0.0))
    with pytest.raises(Unsupported):
        javascript(k.nest())


# ---- limits


def count_to(k: LoopBuilder, n: int) -> Value:
    one, end = k.const(1, "i64"), k.const(n, "i64")
    return k.while_([k.const(0, "i64")], lambda c: k.lt(c[0], end), lambda c: [k.add(c[0], one)])[0]


def sum_to(k: LoopBuilder, n: int) -> Value:
    with k.loop(count_to(k, n), [k.const(0, "i64")]) as loop:
        loop.yields = [k.add(loop.carried[0], loop.variable)]
    return loop.results[0]


def test_steps_are_limited() -> None:
    assert run_of(lambda k: count_to(k, 10), steps=10) == (0, 10)
    assert run_of(lambda k: count_to(k, 10), steps=9)[0] == STOPPED
    assert run_of(lambda k: sum_to(k, 10), steps=20) == (0, 45)
    assert run_of(lambda k: sum_to(k, 10), steps=19)[0] == STOPPED
    assert run_of(lambda k: count_to(k, 2**53), steps=1000)[0] == STOPPED


def test_memory_is_limited() -> None:
    def allocated(k: LoopBuilder) -> Value:
        k.allocate("a", "f64", [count_to(k, 3), MOST_ELEMENTS // 2])
        return k.load("a", [0, 0], changing=True)

    def written(k: LoopBuilder) -> Value:
        k.allocate("a", "f64", [1], chunked=True)
        k.store("a", [MOST_ELEMENTS], k.const(1.0))
        return k.load("a", [0], changing=True)

    assert run_of(allocated)[0] == MEMORY
    assert run_of(written)[0] == MEMORY


def test_a_routine_is_refused() -> None:
    k = LoopBuilder("t")
    k.buffer("x", "f64", [2, 2], "in")
    k.buffer("y", "f64", [2, 2], "out")
    k.call("matmul", [Region("x"), Region("x")], [Region("y")], [2, 2, 2])
    with pytest.raises(Unsupported, match="matmul"):
        javascript(k.nest())


# ---- the text


def test_names_of_the_program_are_not_in_the_text() -> None:
    k = LoopBuilder("alert")
    n = k.size("größe")
    k.buffer("constructor", "f64", [n], "in")
    k.buffer("eval", "f64", [n], "out")
    with k.loop(n) as loop:
        k.store("eval", [loop.variable], k.exp(k.load("constructor", [loop.variable])))
    script = javascript(k.nest())
    assert (script.buffers, script.sizes) == (("constructor", "eval"), ("größe",))
    assert script.text.isascii()
    assert not {"alert", "constructor", "eval", "Function"} & set(re.findall(r"\w+", script.text))


def test_only_helpers_that_are_called_are_shipped() -> None:
    def defined(name: str) -> set[str]:
        text = javascript(single(name, ["f64"] * PRIMITIVES[name].arity, -1)).text
        return set(re.findall(r"^(?:function|const) (\w+)", text, re.MULTILINE))

    assert defined("add") == set()
    assert defined("ldexp") == {"ldexp", "powers"}
    assert defined("exp") == {"exp", "round", "fma", "rareFma", "whole", "nearest", "view", "ldexp", "powers"}


def test_every_helper_names_what_it_calls() -> None:
    assert not HELPERS.keys() & FUNCTIONS.keys()
    for name, helper in HELPERS.items():
        words = set(re.findall(r"\w+", re.sub(r"//.*", "", helper.text)))
        called = words & set(HELPERS) - {name}
        assert called == set(helper.needs), name


def test_constants_read_back_as_they_are() -> None:
    numbers = [0.1, -0.0, 1e-05, 5e-324, 1.7976931348623157e308, -2.5, 1e21, 123456789012345680.0, math.inf, -math.inf]
    k = LoopBuilder("t")
    k.buffer("y", "f64", [len(numbers)], "out")
    table = k.table("f64", [len(numbers)], numbers)
    k.buffer("z", "f64", [len(numbers)], "out")
    for i, x in enumerate(numbers):
        k.store("y", [i], k.const(x))
    with k.loop(len(numbers)) as loop:
        k.store("z", [loop.variable], k.load(table, [loop.variable]))
    empty = np.empty(len(numbers))
    assert difference(k.nest(), {"y": empty, "z": empty}, {}) == (0, "")


def test_plain_arrays_are_as_good() -> None:
    nest = single("and", ["bool", "bool"], -1)
    text = javascript(nest).text
    assert engine().eval(f"{{ const y = [7]; ({text})([[true], [false], y], [], 10) + ' ' + y[0]; }}") == "0 0"
    text, single_precision = javascript(single("f64", ["f32"], -1)).text, float(np.float32(0.1))
    assert engine().eval(f"{{ const y = [7]; ({text})([[0.1], y], [], 10) + ' ' + y[0]; }}") == f"0 {single_precision}"


def test_long_nests_print_line_by_line() -> None:
    k = LoopBuilder("t")
    x = k.load(k.buffer("x", "f64", [1], "in"), [0])
    for _ in range(8_000):
        x = k.add(k.mul(x, k.const(0.5)), k.const(1.0))
    k.store(k.buffer("y", "f64", [1], "out"), [0], x)
    nest = k.nest()
    assert javascript(nest).text.count("\n") < 16_100
    assert difference(nest, {"x": np.ones(1), "y": np.zeros(1)}, {}) == (0, "")
