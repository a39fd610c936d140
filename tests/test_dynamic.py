"""The dynamic mode: what it shares with static mode, and what only a run can do: recursion, structured data."""

from __future__ import annotations

import json
import math
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from control_programs import TooLarge, random_inputs, random_program
from sample_values import values_for

from cgcli import load, parse
from cgcli.diagnostics.diagnostic import CgError
from cgcli.graph.graph import opname
from cgcli.graph.printed import parse_graph
from cgcli.ops.validity import check
from cgcli.program.dynamic import DynamicProgram, Recorded

ROOT = Path(__file__).parents[1]
SAMPLES = sorted((ROOT / "samples").glob("*.cg"))


def dynamic(text: str) -> DynamicProgram:
    program = parse(text, mode="dynamic")
    assert isinstance(program, DynamicProgram)
    return program


def record(text: str, **values: Any) -> Recorded:
    """A run, its graph checked and read back."""
    found = dynamic(text).record(values)
    check(found.graph)
    assert parse_graph(str(found.graph)) == found.graph
    return found


def value(text: str, **values: Any) -> Any:
    return record(text, **values).eval({})["out"]


def code(text: str, **values: Any) -> str:
    with pytest.raises(CgError) as caught:
        dynamic(text).eval(values)
    return caught.value.diagnostics[0].code


# ---- as in static mode


def check_program(seed: int) -> None:
    program, point = random_program(seed), random_inputs(Random(seed))
    static = parse(program.text, mode="static")
    try:
        program.run(point)
    except TooLarge:
        return
    except AssertionError:
        assert code(program.text, **point).startswith("assertion-failed")
        return
    wanted = static.grad(point, of="out")
    found = record(program.text, **point).grad({}, of="out")
    assert found.value == pytest.approx(wanted.value, rel=1e-12, abs=1e-12), program.text
    for name, derivative in wanted.partials.items():
        np.testing.assert_allclose(found.partials[name], derivative, rtol=1e-9, atol=1e-12, err_msg=program.text)


def test_random_programs_have_the_values_and_derivatives_of_static_mode() -> None:
    for seed in range(12):
        check_program(seed)


@pytest.mark.thorough
def test_random_programs_have_the_values_and_derivatives_of_static_mode_at_length() -> None:
    for seed in range(5000):
        check_program(seed)


@pytest.mark.parametrize("path", SAMPLES, ids=[p.stem for p in SAMPLES])
def test_every_sample_in_both_modes(path: Path) -> None:
    if path.with_suffix(".json").exists():
        assert load(path).mode == "dynamic"
        return
    static, other = load(path, mode="static"), load(path, mode="dynamic")
    values = {**{i.name: 1.5 for i in static.inputs if not i.optional}, **values_for(path)}
    wanted, found = static.eval(values), other.eval(values)
    for name, x in wanted.items():
        np.testing.assert_allclose(found[name], x, rtol=1e-11, atol=1e-14)
        if static.type_of(name).has_derivative and not static.type_of(name).shape:
            first, second = (p.grad(values, of=name).partials for p in (static, other))
            assert first.keys() == second.keys()
            for n, derivative in first.items():
                np.testing.assert_allclose(second[n], derivative, rtol=1e-9, atol=1e-12)


KINKS = [
    "out = max(x, 0)",
    "if x < 1 { k = 0 } else { k = 1 }\nout = max(x, k)",
    "k = 0\nif x > 1 { k = 1 }\nout = max(x, k)",
    "k = 0\nfor t in 0..0 { k = 1 }\nout = max(x, k)",
    "k = 1\nfor t in 0..3 { k = 0 }\nout = max(x, k)",
    "k = 0\nwhile x > 1 { k = 1 }\nout = max(x, k)",
    "out = max(x, if x < 1 then 0 else 1)",
    "out = max(x, (0..3)[0])",
    "s = 0\nfor t in 0..1 { s = s + max(x, t) }\nout = s",
    "fn f(y) = max(y, 0)\nout = f(x) + max(x, x)",
    "fn f(y) { if y < 1 { return 0 }\n return y }\nout = max(x, f(x))",
    "fn f(y) { for t in 0..2 { return 0 }\n return y }\nout = max(x, f(x))",
    "out = abs(x) + relu(x) + min(x, 0 * 2)",
    "out = if true and x < 1 then max(x, 0) else 0",
]


@pytest.mark.parametrize("text", KINKS)
def test_at_kinks_the_same_side_wins(text: str) -> None:
    text = f"input x\n{text}"
    wanted = parse(text, mode="static").grad({"x": 0.0}, of="out").partials
    assert record(text, x=0.0).grad({}, of="out").partials == wanted


def test_derivatives_in_a_program() -> None:
    assert value("input w = 2\nfor t in 0..3 { y = w^3 }\nout = grad(grad(w^3, w), w)") == 12
    assert value("input a = 3\nx = a\nfor t in 0..4 { x = x - 0.1 * grad((x - 1)^2, x) }\nout = x") == pytest.approx(
        1 + 2 * 0.8**4
    )
    assert value("input x: float[2] = [1, 2]\nout = sum(jacobian(x * x, x))") == 6


def test_second_derivatives_of_a_record() -> None:
    text = "input x = 0.7\ns = x\nwhile s < 5 { s = s * s + x }\nout = s"
    assert dynamic(text).hessian({}, of="out") == parse(text, mode="static").hessian({}, of="out")


def test_only_what_ran_is_on_the_record() -> None:
    graph = record("input x = 2\nif x > 1 { y = sin(x) } else { y = cos(x) }\nout = y").graph
    ops = [opname(op) for op in graph.op]
    assert "sin" in ops
    assert not {"cos", "cond"} & set(ops)


def test_a_record_answers_from_its_tape() -> None:
    """Nothing is computed a second time: with other numbers on the tape the answers are other ones."""
    run = record("input x = 3; y = x * x; out = y + 1")
    x, y = run.module.values["x"], run.module.values["y"]
    run.v[x], run.v[y] = 5.0, 70.0
    assert run.eval({}, every=True) == {"x": 5.0, "y": 70.0, "out": 10.0}
    assert run.grad({}, of="out").partials == {"x": 10.0}
    shown = run.run({}, of="out")
    assert shown.values[y] == 70.0
    assert shown.adjoints[x] == 10.0


def test_short_circuits() -> None:
    assert value("input n: int = 0\nout = n != 0 and 1 // n > 0") is False
    assert value("input n: int = 0\nout = n == 0 or 1 // n > 0") is True
    assert value("input n: int = 2\nout = n != 0 and 4 // n > 1") is True


def test_a_loop_may_change_shapes() -> None:
    text = "input n: int = 4\nx = [1.0]\nfor t in 0..n { x = concat([x, [sum(x)]]) }\nout = x"
    assert value(text).tolist() == [1, 1, 2, 4, 8]


def test_sizes_are_numbers() -> None:
    text = "input xs: float[n]\nk = argmax(xs) + 1\ny = zeros([k, n])\nout = sum(y + xs) + n"
    assert value(text, xs=[1.0, 5.0, 2.0]) == 2 * 8 + 3


# ---- expressions that run again

AGAIN = {
    "types that change": "s = 0\nfor t in 0..4 { s = s + t * x / 2 + s * s }\nout = s",
    "one value under two names": "fn f(p, q) = p * q + p\ns = x\nfor t in 0..4 { s = f(s, s) - f(x, s) }\nout = s",
    "literals and values": "s = x\nfor t in 0..4 { k = 2; s = sin(k * s) + pi * k; k = s; s = sin(k * s) }\nout = s",
    "calls of other calls": "fn f(p) = p * p - 1\nfn g(p) = f(p) * f(2 * p)\nout = g(x) + g(x + 1) + g(x + 2)",
    "conditions": "s = x\nwhile s * s - 2 < 30 and s > 0 { s = s * 1.5 + 0.1 }\nout = s",
    "kinks": "s = x\nfor t in 0..3 { s = max(s - 1, 0) + min(s, t) * 2 }\nout = s",
    "whole numbers": "k = n\nfor t in 0..5 { k = k * 3 // 2 % 7 + t }\nout = x * k",
    "singles": "s = w\nfor t in 0..4 { s = s * w + 1 }\nout = s + x",
}


@pytest.mark.parametrize("text", AGAIN.values(), ids=AGAIN.keys())
def test_an_expression_that_runs_again(text: str) -> None:
    text = f"input x = 0.7\ninput n: int = 5\ninput w: f32 = 1.1\noutput out\n{text}"
    found, wanted = record(text).grad({}, of="out"), parse(text, mode="static").grad({}, of="out")
    assert (found.value, found.partials) == (wanted.value, pytest.approx(wanted.partials, rel=1e-14))


def test_an_expression_that_fails_when_it_runs_again() -> None:
    assert code("input n: int = 3\nk = n\nfor t in 0..9 { k = k * k }\nout = k") == "integer-overflow"
    with pytest.raises(CgError) as caught:
        dynamic("input n: int = 3\ns = 0\nfor t in 0..9 {\n  s = s + n // (n - t)\n}\nout = s").eval({})
    found = caught.value.diagnostics[0]
    assert (found.code, found.labels[0].span.line) == ("integer-division-by-zero", 4)


# ---- recursion


def test_recursion() -> None:
    fib = "input n: int\nfn fib(n) { if n < 2 { return n }\n return fib(n - 1) + fib(n - 2) }\nout = fib(n)"
    assert parse(fib).mode == "dynamic"
    assert value(fib, n=15) == 610
    even = "fn even(n) = if n == 0 then true else odd(n - 1)\nfn odd(n) = if n == 0 then false else even(n - 1)\n"
    assert value(even + "input n: int\nout = even(n)", n=9) is False


def test_recursion_whose_depth_the_data_decide() -> None:
    """f(x) = 0.9 f(sin(x) - 0.02) as long as x > 0.4: the same as the straight line, and as differences say."""
    body = "{ if x > 0.4 { return f(sin(x) - 0.02) * 0.9 }\n return x }"
    text = f"input x\nfn f(x) {body}\nout = f(x)"
    depth, y, straight = 0, 1.4, "x"
    while y > 0.4:
        y, straight, depth = math.sin(y) - 0.02, f"(sin({straight}) - 0.02)", depth + 1
    straight = f"input x\nout = {straight} * {0.9**depth!r}"
    found, wanted = (p.grad({"x": 1.4}) for p in (parse(text), parse(straight, mode="static")))
    assert depth > 5
    assert found.value == pytest.approx(wanted.value, rel=1e-12)
    assert found.partials["x"] == pytest.approx(wanted.partials["x"], rel=1e-12)
    assert {c.verdict for c in parse(text).check_gradient({"x": 1.4})} == {"ok"}


@pytest.mark.parametrize("depth", [6_000, pytest.param(30_000, marks=pytest.mark.thorough)])
def test_recursion_is_as_deep_as_is_allowed(depth: int) -> None:
    text = "input n: int\ninput x\nfn f(n) { if n < 1 { return x }\n return f(n - 1) + x }\nout = f(n)"
    program = dynamic(text)
    program.max_depth = depth + 1
    found = program.record({"n": depth, "x": 0.5}).grad({}, of="out")
    assert (found.value, found.partials["x"]) == ((depth + 1) / 2, depth + 1)


def test_what_never_ends_is_stopped() -> None:
    for text, wanted in (
        ("fn f(x) = if x > 0 then f(x) + 1 else 0\nout = f(a)", "too-many-calls"),
        ("x = a\nwhile true { x = x + 1 }\nout = x", "too-many-steps"),
    ):
        program = dynamic(text)
        program.max_steps = 100
        with pytest.raises(CgError) as caught:
            program.eval({"a": 1.0})
        assert [d.code for d in caught.value.diagnostics] == [wanted]


# ---- structured data

TREE = "input t: any\n"
DATA = {
    "value": 2,
    "items": [{"v": 1.5}, {"v": 2}, {"v": -1}],
    "rows": [[1, 2], [3, 4]],
    "ragged": [[1.0, 2.0], [3.0]],
    "none": None,
    "odd key": 7,
    "kind": "leaf",
    "yes": True,
}
READS = {
    "t.value + 1": 3,
    't["odd key"]': 7,
    "t.items[1].v": 2,
    "t.items[-1].v": -1,
    "len(t.items)": 3,
    "len(t.rows)": 2,
    "sum(t.rows)": 10,
    "t.rows[1, 0]": 3,
    "sum(t.rows.T[0])": 4,
    "sum(t.ragged[1])": 3,
    "len(t.items[1:])": 2,
    "t.items[1:][0].v": 2,
    "zeros([3])[t.value] + t.value": 2,
    'if has(t, "value") then 1 else 0': 1,
    'if has(t, "none") then 1 else 0': 0,
    'if has(t, "nothing") then 1 else 0': 0,
    'if t.kind == "leaf" then 1 else 0': 1,
    'if t.kind != "leaf" then 1 else 0': 0,
    "if t.yes then 1 else 0": 1,
    "(if t.yes then t.items[0] else t.items[1]).v": 1.5,
}


@pytest.mark.parametrize(("text", "wanted"), READS.items(), ids=READS.keys())
def test_reading_data(text: str, wanted: float) -> None:
    assert value(f"{TREE}out = {text}", t=DATA) == wanted


def test_loops_over_data() -> None:
    assert value(f"{TREE}out = 0\nfor item in t.items {{ out = out + item.v }}", t=DATA) == 2.5
    assert value(f"{TREE}out = 0\nfor row in t.ragged {{ for x in row {{ out = 10 * out + x }} }}", t=DATA) == 123


def test_data_as_arguments_and_results() -> None:
    text = (
        "fn first(xs) { return xs[0], len(xs) }\nfn v(r: any) = r.v\nhead, n = first(t.items)\nout = 10 * v(head) + n"
    )
    assert value(TREE + text, t=DATA) == 18


def test_derivatives_have_the_shape_of_the_data() -> None:
    text = f"{TREE}input w = 3\ny = w * t.value + t.items[0].v^2 + sum(t.ragged[0] * t.ragged[0])"
    found = dynamic(text).grad({"t": DATA}, of="y")
    zeros = np.zeros((2, 2))
    assert found.partials["w"] == 2
    by = found.partials["t"]
    assert list(by) == list(DATA)
    assert (by["value"], by["items"], by["odd key"]) == (3, [{"v": 3}, {"v": 0}, {"v": 0}], 0)
    assert (by["none"], by["kind"], by["yes"]) == (None, None, None)
    np.testing.assert_array_equal(by["rows"], zeros)
    assert [x.tolist() for x in by["ragged"]] == [[2, 4], [0]]


def test_a_tree_against_the_program_written_out() -> None:
    text = """input t: any
input w
fn total(t) {
    s = t.value
    if has(t, "left") { s = s + w * total(t.left) }
    if has(t, "right") { s = s + w * total(t.right) }
    return tanh(s)
}
y = total(t)"""
    data = {"value": 0.1, "left": {"value": 0.5, "right": {"value": -1.5}}, "right": {"value": 2.5}}
    plain = "y = tanh(a + w * tanh(b + w * tanh(c)) + w * tanh(d))"
    found = parse(text).grad({"t": data, "w": 0.7})
    wanted = parse(plain).grad({"a": 0.1, "b": 0.5, "c": -1.5, "d": 2.5, "w": 0.7})
    assert found.value == pytest.approx(wanted.value, rel=1e-14)
    by, flat = found.partials, wanted.partials
    assert by["w"] == pytest.approx(flat["w"], rel=1e-13)
    assert by["t"]["value"] == pytest.approx(flat["a"], rel=1e-13)
    assert by["t"]["left"]["right"]["value"] == pytest.approx(flat["c"], rel=1e-13)
    assert by["t"]["right"] == pytest.approx({"value": flat["d"]}, rel=1e-13)
    assert {c.verdict for c in parse(text).check_gradient({"t": data, "w": 0.7})} == {"ok"}


def test_sequences_of_different_lengths_against_numpy() -> None:
    data = json.loads((ROOT / "samples" / "sequences.json").read_text(encoding="utf-8"))
    run = load(ROOT / "samples" / "sequences.cg").recorded({"sequences": data})
    v = run.eval({}, every=True)
    loss = 0.0
    for s in data:
        h = np.zeros(4)
        for x in s["items"]:
            h = np.tanh(np.array(x) @ v["W"] + h @ v["U"])
        loss += float(h @ v["v"] - s["target"]) ** 2 / 3
    assert v["loss"] == pytest.approx(loss, rel=1e-13)


def test_the_recursive_network_against_numpy() -> None:
    data = json.loads((ROOT / "samples" / "tree.json").read_text(encoding="utf-8"))
    v = load(ROOT / "samples" / "tree.cg").recorded({"tree": data}).eval({}, every=True)

    def embed(t: Any) -> Any:
        if "word" in t:
            return np.tanh(t["word"])
        return np.tanh(v["W"] @ np.concatenate([embed(t["left"]), embed(t["right"])]) + v["b"])

    def off(t: Any) -> float:
        own = float(v["v"] @ embed(t) - t["score"]) ** 2 if "score" in t else 0.0
        return own + (off(t["left"]) + off(t["right"]) if "left" in t else 0.0)

    assert v["loss"] == pytest.approx(off(data), rel=1e-13)


@pytest.mark.parametrize("depth", [4_000, pytest.param(20_000, marks=pytest.mark.thorough)])
def test_data_nest_as_deep_as_they_like(depth: int) -> None:
    data: Any = {"v": 1.0}
    for _ in range(depth):
        data = {"v": 1.0, "next": data}
    text = 'input t: any\nout = 0\nat = t\nmore = true\nwhile more { out = out + at.v\n more = has(at, "next")\n'
    found = dynamic(text + " if more { at = at.next } }").record({"t": data}).grad({}, of="out")
    assert found.value == depth + 1
    assert found.partials["t"]["next"]["next"]["v"] == 1


def test_what_is_no_data() -> None:
    assert code(TREE + "out = 1", t={"x": {1, 2}}) == "not-data"


def test_static_mode_says_what_it_cannot_do() -> None:
    recursive = "fn f(x) = if x > 0 then f(x - 1) else x\ny = f(a)"
    for text, wanted in (("input t: any\ny = t.x", "any-input"), (recursive, "recursion")):
        with pytest.raises(CgError) as caught:
            parse(text, mode="static")
        assert caught.value.diagnostics[0].code == wanted
        program = parse(text)
        assert program.mode == "dynamic"
        assert program.why is not None
        assert program.why.code == wanted
