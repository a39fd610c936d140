"""The passes one by one: what each makes of a small graph, and what it leaves alone."""

import itertools

import numpy as np
import pytest

import cgcli
from cgcli.graph.graph import Graph, opcode, opname
from cgcli.graph.printed import parse_graph
from cgcli.graph.types import FLOAT, INT, Type
from cgcli.ops.builder import Builder
from cgcli.ops.validity import check
from cgcli.optimise.algebra import algebra
from cgcli.optimise.branches import choose, decide
from cgcli.optimise.chains import reorder
from cgcli.optimise.common import share
from cgcli.optimise.constants import fold
from cgcli.optimise.driver import FAST, PASSES, fingerprint, optimise, stages
from cgcli.optimise.loops import hoist, settle
from cgcli.optimise.passes import SHOWN, Log, Pass
from cgcli.optimise.repeats import repeats
from cgcli.optimise.unused import drop
from cgcli.run.numpy.reference import array_interpreter


def lines(text: str) -> str:
    """A graph's text out of an indented block; the least indent is none."""
    rows = [row for row in text.split("\n") if row.strip()]
    least = min(len(row) - len(row.lstrip()) for row in rows)
    return "\n".join(row[least:] for row in rows)


def after(step: Pass, before: str) -> str:
    graph = parse_graph(lines(before))
    check(graph)
    made = step.run(graph)
    check(made)
    return str(made)


def becomes(step: Pass, before: str, wanted: str) -> None:
    assert after(step, before) == lines(wanted)
    assert step.run(made := parse_graph(lines(wanted))) is made  # a second time changes nothing


def stays(step: Pass, text: str) -> None:
    graph = parse_graph(lines(text))
    check(graph)
    assert step.run(graph) is graph


# ---- fold


def test_fold_computes_what_is_made_of_constants() -> None:
    becomes(
        fold,
        """
        %0: float = input "x"
        %1: ~int = const value=2
        %2: ~int = const value=3
        %3: ~int = mul %1 %2
        %4: ~float = exp %3
        %5: float = mul %4 %0
        -> %5""",
        """
        %0: float = input "x"
        %1: ~float = const value=403.4287934927351
        %2: float = mul %1 %0
        -> %2""",
    )


def test_fold_leaves_what_would_stop_the_run() -> None:
    stays(fold, "%0: int = const value=1\n%1: int = const value=0\n%2: int = floor_div %0 %1\n-> %2")
    stays(fold, "%0: int = const value=9223372036854775807\n%1: int = add %0 %0\n-> %1")
    stays(fold, '%0: bool = const value=false\n%1: bool = assert %0 message="no"\n-> %1')
    stays(fold, '%0: ~float = const value=1e300\n%1: int = cast %0 dtype="int"\n-> %1')


def test_fold_leaves_a_literal_that_left_64_bits() -> None:
    stays(fold, "%0: ~int = const value=4611686018427387904\n%1: ~int = mul %0 %0\n-> %1")


def test_fold_fills_tensors_without_making_them() -> None:
    becomes(
        fold,
        """
        %0: ~float = const value=0.5
        %1: ~float = const value=3.0
        %2: ~float = add %0 %1
        %3: ~float[n, 1000] = expand %2 shape=["n", 1000]
        %4: ~float[n, 1000] = mul %3 %3
        -> %4""",
        """
        %0: ~float[n, 1000] = const value=12.25
        -> %0""",
    )


def test_fold_among_tensors_takes_only_what_ieee_prescribes() -> None:
    """An array library's exp may differ in the last bit from the one that would fold it; its sqrt may not."""
    stays(
        fold,
        """
        %0: float[3] = input "x"
        %1: ~float = const value=2.0
        %2: ~float = exp %1
        %3: float[3] = mul %0 %2
        -> %3""",
    )
    becomes(
        fold,
        """
        %0: float[3] = input "x"
        %1: ~float = const value=2.0
        %2: ~float = sqrt %1
        %3: float[3] = mul %0 %2
        -> %3""",
        """
        %0: float[3] = input "x"
        %1: ~float = const value=1.4142135623730951
        %2: float[3] = mul %0 %1
        -> %2""",
    )


def test_fold_does_not_take_a_size_for_a_constant() -> None:
    stays(fold, '%0: float[n] = input "x"\n%1: ~int = size size="n"\n%2: ~float = exp %1\n-> %2')


def test_fold_knows_constants_within_sides_and_loops() -> None:
    becomes(
        fold,
        """
        %0: bool = input "p"
        %1: ~float = const value=2.0
        %2: (~float) = cond %0 %1 else={
          %0: ~float = input
          -> %0
        } then={
          %0: ~float = input
          %1: ~float = mul %0 %0
          -> %1
        }
        %3: ~float = get %2 k=0
        -> %3""",
        """
        %0: bool = input "p"
        %1: ~float = const value=2.0
        %2: (~float) = cond %0 %1 else={
          %0: ~float = const value=2.0
          %1: ~float = input
          -> %0
        } then={
          %0: ~float = input
          %1: ~float = const value=4.0
          -> %1
        }
        %3: ~float = get %2 k=0
        -> %3""",
    )


def test_fold_knows_constants_in_the_condition_of_a_while() -> None:
    """The condition has no number of the step in front: its inputs are counted from another place than the body's."""
    made = after(
        fold,
        """
        %0: float = input "x"
        %1: float = const value=7.0
        %2: float = input "a"
        %3: (int, float) = loop %0 %1 %2 body={
          %0: int = input
          %1: float = input
          %2: float = input
          %3: float = input
          %4: float = add %1 %2
          -> %4
        } carries=1 invariants=2 pred={
          %0: float = input
          %1: float = input
          %2: float = input
          %3: float = mul %1 %2
          %4: bool = lt %0 %3
          -> %4
        }
        %4: float = get %3 k=1
        -> %4""",
    )
    assert made.count("const value=7.0") == 3
    assert "add %1 %2" in made  # %2 is the constant, which stands in front of the input that it was
    assert "float = mul %1 %3" in made


def test_fold_leaves_the_larger_of_two_zeros_to_the_library() -> None:
    text = '%0: float[3] = input "x"\n%1: float = const value={}\n%2: float = const value={}\n%3: float = max %1 %2\n'
    stays(fold, text.format("0.0", "-0.0") + "%4: float[3] = mul %0 %3\n-> %4")
    assert "max" not in after(fold, text.format("1.0", "-0.0") + "%4: float[3] = mul %0 %3\n-> %4")


def test_fold_leaves_a_constant_that_its_type_does_not_hold() -> None:
    text = '%0: f32 = const value={}\n%1: float = cast %0 dtype="float"\n-> %1'
    stays(fold, text.format("0.1"))
    assert "cast" not in after(fold, text.format("0.5"))


# ---- share


def test_share_computes_once_what_is_equal() -> None:
    becomes(
        share,
        """
        %0: float = input "a"
        %1: float = input "b"
        %2: float = add %0 %1 "d"
        %3: float = add %1 %0 "e"
        %4: float = sub %0 %1
        %5: float = sub %1 %0
        %6: float = mul %2 %3
        -> %6 %4 %5""",
        """
        %0: float = input "a"
        %1: float = input "b"
        %2: float = add %0 %1 "d"
        %3: float = sub %0 %1
        %4: float = sub %1 %0
        %5: float = mul %2 %2
        -> %5 %3 %4""",
    )


@pytest.mark.parametrize(
    "two",
    [
        ("float = const value=0.0", "float = const value=-0.0"),
        ("float = const value=1.0", "~float = const value=1.0"),
        ("float = max %0 %1", "float = max %1 %0"),  # of two zeros the first
        ("float = fixed_power %0 exponent=2", "float = fixed_power %0 exponent=2.0"),
        ("float = copy %0", "float = stop_gradient %0"),
    ],
)
def test_share_keeps_apart_what_is_not_the_same(two: tuple[str, str]) -> None:
    stays(share, f'%0: float = input "a"\n%1: float = input "b"\n%2: {two[0]}\n%3: {two[1]}\n-> %2 %3')


def test_share_merges_equal_asserts_and_loses_none() -> None:
    text = '%0: bool = input "p"\n%1: bool = assert %0 message="{}"\n%2: bool = assert %0 message="{}"\n-> %0'
    assert after(share, text.format("a", "a")).count("assert") == 1
    stays(share, text.format("a", "b"))


def test_share_merges_conditionals_with_equal_sides_and_inputs_that_are_one_value() -> None:
    side = "={\n  %0: float = input\n  %1: float = input\n  %2: float = mul %0 %1\n  -> %2\n}"
    other = "={\n  %0: float = input\n  %1: float = input\n  -> %1\n}"
    cond = "(float) = cond %1 %0 %0 else" + other + " then" + side
    text = f'%0: float = input "x"\n%1: bool = input "p"\n%2: {cond}\n%3: float = get %2 k=0\n'
    text += f"%4: {cond}\n%5: float = get %4 k=0\n%6: float = add %3 %5\n-> %6"
    made = after(share, text)
    assert made.count("cond") == 1
    assert "mul %0 %0" in made


def test_share_keeps_conditionals_with_other_sides() -> None:
    sides = ["else={\n  %0: float = input\n  -> %0\n}", "then={\n  %0: float = input\n  %1: float = exp %0\n  -> %1\n}"]
    other = sides[1].replace("exp", "sin")
    text = f'%0: float = input "x"\n%1: bool = input "p"\n%2: (float) = cond %1 %0 {sides[0]} {sides[1]}\n'
    text += f"%3: (float) = cond %1 %0 {sides[0]} {other}\n%4: float = get %2 k=0\n%5: float = get %3 k=0\n-> %4 %5"
    stays(share, text)


# ---- drop


def test_drop_removes_what_no_output_needs_but_no_assert() -> None:
    becomes(
        drop,
        """
        %0: float = input "a"
        %1: float = input "unused"
        %2: float = exp %0
        %3: bool = lt %0 %2
        %4: bool = assert %3 message="m"
        %5: float = sin %0
        -> %0""",
        """
        %0: float = input "a"
        %1: float = input "unused"
        %2: float = exp %0
        %3: bool = lt %0 %2
        %4: bool = assert %3 message="m"
        -> %0""",
    )


def test_drop_narrows_a_conditional() -> None:
    becomes(
        drop,
        """
        %0: float = input "a"
        %1: bool = input "p"
        %2: float = exp %0
        %3: (float, float) = cond %1 %2 %0 else={
          %0: float = input
          %1: float = input
          -> %0 %1
        } then={
          %0: float = input
          %1: float = input
          %2: float = sin %1
          -> %0 %2
        }
        %4: float = get %3 k=1
        -> %4""",
        """
        %0: float = input "a"
        %1: bool = input "p"
        %2: (float) = cond %1 %0 else={
          %0: float = input
          -> %0
        } then={
          %0: float = input
          %1: float = sin %0
          -> %1
        }
        %3: float = get %2 k=0
        -> %3""",
    )


LOOP = """
    %0: float = input "a"
    %1: int = input "n"
    %2: float[3] = input "v"
    %3: stack[float] = unstack %2
    %4: (int, float, float, float, stack[float], stack[float]) = loop %1 %0 %0 %0 %0 %0 %3 body={
      %0: int = input
      %1: float = input
      %2: float = input
      %3: float = input
      %4: float = input
      %5: float = input
      %6: float = input
      %7: float = mul %1 %4
      %8: float = add %2 %6
      %9: float = add %3 %2
      %10: float = sin %1
      -> %7 %8 %9 %10 %8
    } carries=3 invariants=2 saved=4
    %5: float = get %4 k={k}
    -> %5"""


def test_drop_narrows_a_loop() -> None:
    """Of three carries, one is read, the others feed only themselves and each other; so the stack goes, too."""
    becomes(
        drop,
        LOOP.replace("{k}", "1").replace("%5: float = get", "%5: float = get"),
        """
        %0: float = input "a"
        %1: int = input "n"
        %2: float[3] = input "v"
        %3: (int, float) = loop %1 %0 %0 body={
          %0: int = input
          %1: float = input
          %2: float = input
          %3: float = mul %1 %2
          -> %3
        } carries=1 invariants=1
        %4: float = get %3 k=1
        -> %4""",
    )


def test_drop_keeps_a_carry_that_another_needs() -> None:
    made = after(drop, LOOP.replace("{k}", "3"))
    assert "(int, float, float) = loop" in made
    assert "get %4 k=2" in made


def test_drop_keeps_what_the_condition_of_a_while_reads() -> None:
    stays(
        drop,
        """
        %0: int = input "n"
        %1: float = input "a"
        %2: (int, int, float) = loop %0 %1 body={
          %0: int = input
          %1: int = input
          %2: float = input
          %3: ~int = const value=1
          %4: int = add %1 %3
          %5: float = mul %2 %2
          -> %4 %5
        } carries=2 invariants=0 pred={
          %0: int = input
          %1: float = input
          %2: ~int = const value=5
          %3: bool = lt %0 %2
          -> %3
        }
        %3: float = get %2 k=2
        -> %3""",
    )


def test_drop_removes_a_loop_that_nobody_reads_unless_it_asserts() -> None:
    loop = (
        '%0: int = input "n"\n%1: (int) = loop %0 body={{\n  %0: int = input\n  %1: ~int = const value=9\n'
        "  %2: bool = lt %0 %1\n  %3: bool = {}\n  ->\n}} carries=0 invariants=0\n-> %0"
    )
    assert "loop" not in after(drop, loop.format("not %2"))
    stays(drop, loop.format('assert %2 message="short"'))


# ---- decide, choose


def cond(condition: str, then: str, otherwise: str, captured: str = "%1 %2") -> str:
    return f"""
        %0: bool = input "p"
        %1: float = input "a"
        %2: float = input "b"
        %3: bool = {condition}
        %4: (float) = cond %3 {captured} else={{
          %0: float = input
          %1: float = input
          {otherwise}
        }} then={{
          %0: float = input
          %1: float = input
          {then}
        }}
        %5: float = get %4 k=0 "y"
        -> %5"""


PRODUCT = "%2: float = mul %0 %1\n          -> %2"


def test_decide_takes_the_side_of_a_known_condition() -> None:
    for value, wanted in (("true", "mul"), ("false", "div")):
        made = after(decide, cond(f"const value={value}", PRODUCT, PRODUCT.replace("mul", "div")))
        assert f'float = {wanted} %1 %2 "y"' in made
        assert "cond" not in made


def test_decide_needs_no_condition_for_equal_sides() -> None:
    made = after(decide, cond("copy %0", PRODUCT, PRODUCT))
    assert made.endswith('%3: float = mul %1 %2 "y"\n-> %3')
    made = after(decide, cond("copy %0", "-> %1", "%2: float = sin %0\n          %3: float = cos %1\n          -> %1"))
    assert made.endswith("-> %2")


def test_decide_turns_not_round() -> None:
    becomes(
        decide,
        cond("not %0", PRODUCT, "-> %1"),
        """
        %0: bool = input "p"
        %1: float = input "a"
        %2: float = input "b"
        %3: (float) = cond %0 %1 %2 else={
          %0: float = input
          %1: float = input
          %2: float = mul %0 %1
          -> %2
        } then={
          %0: float = input
          %1: float = input
          -> %1
        }
        %4: float = get %3 k=0 "y"
        -> %4""",
    )


def test_decide_knows_the_condition_within_its_sides() -> None:
    text = """
        %0: bool = input "p"
        %1: float = input "a"
        %2: (float) = cond %0 %1 %0 else={
          %0: float = input
          %1: bool = input
          -> %0
        } then={
          %0: float = input
          %1: bool = input
          %2: float = neg %0
          %3: float = where %1 %2 %0
          -> %3
        }
        %3: float = get %2 k=0
        -> %3"""
    made = after(decide, text)
    assert "%1: bool = const value=true" in made
    assert "where %1 %3 %0" in made


def test_choose_makes_a_short_conditional_a_where() -> None:
    becomes(
        choose,
        cond("copy %0", PRODUCT, "-> %1"),
        """
        %0: bool = input "p"
        %1: float = input "a"
        %2: float = input "b"
        %3: bool = copy %0
        %4: float = mul %1 %2
        %5: float = where %3 %4 %2 "y"
        -> %5""",
    )


def test_choose_leaves_what_is_long_or_may_stop_the_run() -> None:
    rows = [f"%{k}: float = sin %{k - 1}" for k in range(2, 12)]
    stays(choose, cond("copy %0", "\n          ".join([*rows, "-> %11"]), "-> %1"))
    stays(
        choose, cond("copy %0", '%2: int = cast %0 dtype="int"\n          %3: float = sin %2\n          -> %3', "-> %1")
    )
    stays(
        choose,
        cond("copy %0", '%2: bool = lt %0 %1\n          %3: bool = assert %2 message="m"\n          -> %0', "-> %1"),
    )
    text = (
        cond("copy %0", "-> %0", "-> %1").replace("float = input", "float[3] = input").replace("(float)", "(float[3])")
    )
    stays(choose, text.replace("float = get", "float[3] = get"))


def test_choose_leaves_ints_that_may_leave_their_range() -> None:
    text = """
        %0: bool = input "p"
        %1: int = input "n"
        %2: (int) = cond %0 %1 else={
          %0: int = input
          -> %0
        } then={
          %0: int = input
          %1: int = mul %0 %0
          -> %1
        }
        %3: int = get %2 k=0
        -> %3"""
    stays(choose, text)
    weak = text.replace("int = input\n", "~int = input\n").replace("%1: int = mul", "%1: ~int = mul")
    weak = weak.replace('%1: int = input "n"', "%1: ~int = const value=3").replace("(int)", "(~int)")
    weak = weak.replace("%3: int = get", "%3: ~int = get")
    stays(choose, weak)
    assert "where" in after(
        choose, weak.replace("mul %0 %0", "const value=5").replace("-> %0", "%1: ~int = const value=4\n          -> %1")
    )
    stays(choose, weak.replace("mul %0 %0", "copy %0"))  # an int of literals that has left 64 bits is a float


# ---- hoist, settle


def for_loop(body: str, result: str = "%9") -> str:
    """Carries x, invariants a and b: nodes 1, 2, 3 of the body."""
    return f"""
        %0: int = input "n"
        %1: float = input "a"
        %2: float = input "b"
        %3: (int, float) = loop %0 %1 %1 %2 body={{
          %0: int = input
          %1: float = input
          %2: float = input
          %3: float = input
          {body}
        }} carries=1 invariants=2
        %4: float = get %3 k=1
        -> %4"""


def test_hoist_moves_what_every_step_computes_alike() -> None:
    becomes(
        hoist,
        for_loop(
            """%4: ~float = const value=2.0
          %5: float = mul %2 %4
          %6: float = exp %5
          %7: float = add %6 %3
          %8: float = mul %1 %7
          -> %8"""
        ),
        """
        %0: int = input "n"
        %1: float = input "a"
        %2: float = input "b"
        %3: ~float = const value=2.0
        %4: float = mul %1 %3
        %5: float = exp %4
        %6: float = add %5 %2
        %7: (int, float) = loop %0 %1 %1 %2 %6 body={
          %0: int = input
          %1: float = input
          %2: float = input
          %3: float = input
          %4: float = input
          %5: float = mul %1 %4
          -> %5
        } carries=1 invariants=3
        %8: float = get %7 k=1
        -> %8""",
    )


def test_hoist_leaves_what_could_stop_the_run() -> None:
    """Of a loop that runs no step, nothing may fail."""
    row = '%4: int = cast %2 dtype="int"\n          %5: float = mul %1 %4\n          -> %5'
    stays(hoist, for_loop(row))
    rows = [
        "%4: int = const value=1",
        "%5: int = const value=0",
        "%6: int = mod %4 %5",
        "%7: float = mul %1 %6",
        "-> %7",
    ]
    stays(hoist, for_loop("\n          ".join(rows)))


def test_hoist_leaves_ints_that_may_leave_their_range_and_sizes_that_may_be_negative() -> None:
    text = """
        %0: int = input "n"
        %1: float[k] = input "v"
        %2: (int, float[k]) = loop %0 %1 %0 %1 body={
          %0: int = input
          %1: float[k] = input
          %2: int = input
          %3: float[k] = input
          %4: ROW
          %5: float[k] = add %1 %4
          -> %5
        } carries=1 invariants=2
        %3: float[k] = get %2 k=1
        -> %3"""
    stays(hoist, text.replace("ROW", "int = mul %2 %2"))
    assert "exp" in after(hoist, text.replace("ROW", "float[k] = exp %3")).split("loop")[0]
    stays(hoist, text.replace("ROW", 'int[k] = expand %2 shape=["k"]'))


def test_hoist_leaves_nested_loops_together() -> None:
    b = Builder()
    inner = Builder()
    _, y, a = inner.input(INT), inner.input(FLOAT), inner.input(FLOAT)
    steps = inner.done(inner.mul(y, inner.exp(inner.neg(a))))
    outer = Builder()
    i, x, a2 = outer.input(INT), outer.input(FLOAT), outer.input(FLOAT)
    node = outer.apply("loop", i, x, a2, body=steps, carries=1, invariants=1)
    body = outer.done(outer.get(node, k=1))
    n, x0, a0 = b.input(INT, "n"), b.input(FLOAT, "x"), b.input(FLOAT, "a")
    loop = b.apply("loop", n, x0, a0, body=body, carries=1, invariants=1)
    made = hoist.run(b.done(b.get(loop, k=1)))
    check(made)
    assert [node.op for node in made] == ["input", "input", "input", "neg", "exp", "loop", "get"]


def test_hoist_looks_into_the_condition_of_a_while() -> None:
    text = """
        %0: float = input "x"
        %1: float = input "a"
        %2: (int, float) = loop %0 %1 body={
          %0: int = input
          %1: float = input
          %2: float = input
          %3: float = add %1 %2
          -> %3
        } carries=1 invariants=1 pred={
          %0: float = input
          %1: float = input
          %2: float = exp %1
          %3: bool = lt %0 %2
          -> %3
        }
        %3: float = get %2 k=1
        -> %3"""
    made = parse_graph(after(hoist, text))
    assert made[2].op == "exp"
    assert made[3].attrs["invariants"] == 2


def test_settle_makes_an_unchanged_carry_an_invariant() -> None:
    becomes(
        settle,
        """
        %0: int = input "n"
        %1: float = input "a"
        %2: float = input "b"
        %3: (int, float, float) = loop %0 %2 %1 body={
          %0: int = input
          %1: float = input
          %2: float = input
          %3: float = mul %2 %1
          -> %1 %3
        } carries=2 invariants=0
        %4: float = get %3 k=1
        %5: float = get %3 k=2
        -> %4 %5""",
        """
        %0: int = input "n"
        %1: float = input "a"
        %2: float = input "b"
        %3: (int, float) = loop %0 %1 %2 body={
          %0: int = input
          %1: float = input
          %2: float = input
          %3: float = mul %1 %2
          -> %3
        } carries=1 invariants=1
        %4: float = get %3 k=1
        -> %2 %4""",
    )


@pytest.mark.parametrize(("steps", "wanted"), [(1, ["mul"]), (0, []), (-3, [])])
def test_settle_unrolls_a_loop_of_one_step_or_none(steps: int, wanted: list[str]) -> None:
    text = for_loop("%4: float = mul %1 %2\n          -> %4").replace('int = input "n"', f"int = const value={steps}")
    made = parse_graph(after(settle, text.replace('        %1: float = input "a"', '        %1: float = input "a"')))
    assert [node.op for node in made if node.op not in ("input", "const")] == wanted


def test_settle_leaves_a_while_that_would_never_end() -> None:
    graph = cgcli.parse("x = a\nk = 0\nwhile x < 1 {\n  x = x * 1\n  k = k + 1\n}\noutput x").graph
    assert opcode("loop") in optimise(graph).op
    ends = cgcli.parse("x = a\nb = c\nwhile x < 1 {\n  x = x * 2\n  b = b * 1\n}\noutput x, b").graph
    loop = next(node for node in optimise(ends) if node.op == "loop")
    assert loop.attrs["carries"] == 1


# ---- repeats


def test_repeats_computes_once_what_is_equal_in_all_elements() -> None:
    becomes(
        repeats,
        """
        %0: bool = input "p"
        %1: float[n, 3] = input "x"
        %2: bool[n, 3] = expand %0 shape=["n", 3]
        %3: bool[n, 3] = not %2
        %4: bool[n, 1, 3] = expand_dims %3 axes=[-2]
        %5: float[n, 3] = where %3 %1 %1
        -> %4 %5""",
        """
        %0: bool = input "p"
        %1: float[n, 3] = input "x"
        %2: bool = not %0
        %3: bool[n, 3] = expand %2 shape=["n", 3]
        %4: bool[n, 1, 3] = expand %2 shape=["n", 1, 3]
        %5: float[n, 3] = where %3 %1 %1
        -> %4 %5""",
    )


def test_a_reduction_of_equal_elements_knows_that_there_may_be_none() -> None:
    text = """
        %0: bool = input "p"
        %1: bool[n] = expand %0 shape=["n"]
        %2: bool = NAME %1 axes=[-1] keepdims=false
        -> %2"""
    for name, empty in (("any", False), ("all", True)):
        graph = algebra.run(parse_graph(lines(text.replace("NAME", name))))
        assert opcode(name) not in graph.op
        for p in (False, True):
            for n in (0, 1, 4):
                assert array_interpreter(graph)([p], {"n": n}) == [empty if n == 0 else p]


def test_repeats_leaves_what_could_stop_the_run_where_there_is_no_element() -> None:
    stays(
        repeats,
        """
        %0: int = input "a"
        %1: int = input "b"
        %2: int[n] = expand %0 shape=["n"]
        %3: int[n] = expand %1 shape=["n"]
        %4: int[n] = floor_div %2 %3
        -> %4""",
    )


MASKED = """
        %0: int = input "count"
        %1: bool[n, 3] = const value=false
        %2: bool[n, 3] = const value=true
        %3: float[n, 3] = input "x"
        %4: (int, bool[n, 3], bool[n, 3], bool[n, 3], float[n, 3]) = loop %0 %1 %2 %1 %3 body={
          %0: int = input
          %1: bool[n, 3] = input
          %2: bool[n, 3] = input
          %3: bool[n, 3] = input
          %4: float[n, 3] = input
          %5: bool[n, 3] = or %1 %2
          %6: float[n, 3] = const value=0.0
          %7: float[n, 3] = where %5 %4 %6
          %8: bool[n, 3] = gt %7 %6
          -> %5 %1 %8 %7
        } carries=4 invariants=0
        %5: bool[n, 3] = get %4 k=1
        %6: bool[n, 3] = get %4 k=3
        %7: float[n, 3] = get %4 k=4
        -> %5 %6 %7"""


def test_repeats_hands_a_mask_on_as_one_bool_if_no_step_makes_elements_differ() -> None:
    before = parse_graph(lines(MASKED))
    check(before)
    graph = repeats.run(before)
    check(graph)
    loop = next(i for i, code in enumerate(graph.op) if opname(code) == "loop")
    assert [str(t) for t in graph.type_of(loop).items] == ["int", "bool", "bool", "bool[n, 3]", "float[n, 3]"]
    x = np.array([[1.0, -2.0, np.nan], [0.0, -0.0, np.inf]])
    for count in (0, 1, 2, 5):
        pairs = zip(*(array_interpreter(g)([count, x]) for g in (before, graph)), strict=True)
        assert all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)


# ---- reorder


def test_reorder_multiplies_a_vector_first() -> None:
    b = Builder()
    x, y = b.input(Type("float", (50, 60)), "A"), b.input(Type("float", (60, 70)), "B")
    v = b.input(Type("float", (70, 1)), "v")
    graph = b.done(b.matmul(b.matmul(x, y), v))
    made = reorder.run(graph)
    check(made)
    assert [made.type_of(i).shape for i, code in enumerate(made.op) if opname(code) == "matmul"] == [(60, 1), (50, 1)]
    assert reorder.run(made) is made
    assert optimise(graph) is graph
    assert not reorder.exact


# ---- the driver


def test_passes_have_names_and_laws() -> None:
    assert len({step.name for step in PASSES + FAST}) == len(PASSES + FAST)
    assert all(step.law and "\n" not in step.law for step in PASSES + FAST)
    assert all(step.exact for step in PASSES)
    assert not any(step.exact for step in FAST)


def test_stages_say_what_changed_in_the_users_words() -> None:
    program = cgcli.parse("d = a + b\ne = a + b\nu = d * 1\ny = if a > 0 then u * e else 2 * 3\noutput y")
    found = {stage.name: stage.changes for stage in stages(program.graph)}
    assert found["share"] == ("`d` and `e` are the same: one is computed",)
    assert found["algebra"] == ("`u`: 1 * y = y",)
    assert "on line 4" in found["choose"][0]
    order = stages(program.graph)
    assert order[0].before is program.graph
    assert all(x.after is y.before for x, y in itertools.pairwise(order))
    assert order[-1].after == optimise(program.graph)


def test_what_is_optimal_comes_back_itself() -> None:
    graph = optimise(cgcli.parse("y = a * b + exp(c)").graph)
    assert optimise(graph) is graph
    assert stages(graph) == []


def test_spans_and_groups_stay() -> None:
    program = cgcli.parse("fn f(x) = x * 1 + exp(x)\ny = f(a) + f(b)")
    made = optimise(program.graph)
    exps = [node for node in made if node.op == "exp"]
    assert [node.span.text for node in exps if node.span] == ["exp(x)", "exp(x)"]
    assert [node.group.function for node in exps if node.group] == ["f", "f"]


def test_passes_that_undo_each_other_come_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def turned(graph: Graph, log: Log | None = None) -> Graph:
        text = str(graph)
        return parse_graph(text.replace("sin", "cos") if "sin" in text else text.replace("cos", "sin"))

    rounds: list[int] = []

    def counted(graph: Graph, log: Log | None = None) -> Graph:
        rounds.append(1)
        return turned(graph)

    monkeypatch.setattr("cgcli.optimise.driver.PASSES", (Pass("turn", "sin is cos", counted),))
    optimise(parse_graph('%0: float = input "a"\n%1: float = sin %0\n-> %1'))
    assert len(rounds) <= 2


def test_a_fingerprint_tells_zeros_and_nested_graphs_apart() -> None:
    text = '%0: float = input "a"\n%1: ~float = const value=0.0\n%2: float = mul %0 %1\n-> %2'
    assert fingerprint(parse_graph(text)) == fingerprint(parse_graph(text))
    assert fingerprint(parse_graph(text)) != fingerprint(parse_graph(text.replace("=0.0", "=-0.0")))
    one, other = (parse_graph(lines(for_loop(f"%4: float = {op} %1 %2\n          -> %4"))) for op in ("mul", "div"))
    assert fingerprint(one) != fingerprint(other)


def test_a_log_counts_what_it_does_not_say() -> None:
    log = Log()
    for k in range(SHOWN + 5):
        log.say(f"change {k}")
    log.say("change 0")
    assert log.changes()[0] == "change 0 (2 times)"
    assert log.changes()[-1] == "and 5 more changes of these kinds"


def test_a_long_chain_needs_no_recursion() -> None:
    b = Builder()
    x = y = b.input(FLOAT, "x")
    for _ in range(30_000):
        y = b.neg(b.add(y, x))
    made = optimise(b.done(y))
    assert len(made) == 30_002  # -(y + x) + x is x - (y + x): one sign is left, the last
    b = Builder()
    y = b.input(FLOAT, "x")
    for _ in range(30_000):
        y = b.neg(y)
    assert len(optimise(b.done(y))) == 1
