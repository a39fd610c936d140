"""Random programs with control flow, against what Python computes and the straight line through them that it took.

The straight line has no control flow: its derivatives are those that test_random_programs holds against an oracle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import numpy as np
import pytest
from control_programs import NUMBERS, Program, TooLarge, random_inputs, random_program, straight_inputs
from executors import ArrayExecutor, PlannedExecutor, ScalarExecutor
from oracle import rounding

from cgcli import parse
from cgcli.diagnostics.diagnostic import CgError
from cgcli.graph.graph import Graph, opname
from cgcli.graph.printed import parse_graph
from cgcli.ops.validity import check
from cgcli.optimise.driver import optimise
from cgcli.transform.batch import batch
from cgcli.transform.checkpoint import checkpointed
from cgcli.transform.gradient import gradient

SEEDS = range(11, 19)  # one of these programs stops
MANY = 3000
ROWS = 3


def orders(graph: Graph, wrt: Sequence[int], most: int) -> list[Graph]:
    """The value; its derivatives by all of `wrt`; those of ∂/∂x by x, a and b; the third by x; so many of these."""
    check(graph)
    made = [graph, gradient(graph, graph.outputs[0], wrt, value=True)]
    if most > 1:
        made.append(gradient(made[1], made[1].outputs[1], made[1].inputs[:3]))
    if most > 2:
        made.append(gradient(made[2], made[2].outputs[0], made[2].inputs[:1]))
    for one in made[1:]:
        check(one)
        assert parse_graph(str(one)) == one
    return made


def run(kind: Callable[[Graph], Any], graph: Graph, inputs: Sequence[Any], times: int = 1) -> list[Any]:
    executor = kind(graph)
    for _ in range(times):
        v = executor.forward(inputs)
    return [v[i] for i in graph.outputs]


def bits(values: Sequence[Any]) -> list[bytes]:
    return [np.asarray(x).tobytes() for x in values]


def asserted(error: CgError) -> bool:
    return error.diagnostics[0].code.startswith("assertion-failed")


class Checked:
    """A random program at a point, with its derivatives as graphs."""

    def __init__(self, seed: int, most: int = 1) -> None:
        rng = Random(seed)
        self.program: Program = random_program(seed)
        self.text = self.program.text
        self.point = random_inputs(rng)
        self.fails = False
        try:
            self.value, self.straight = self.program.run(self.point)
        except AssertionError:
            self.fails = True
        made = parse(self.text)
        graph = made.graph
        self.inputs = made.bind_inputs(self.point)
        self.most = most
        self.orders = orders(graph, graph.inputs[:4], most)
        self.rows = [made.bind_inputs(random_inputs(rng, len(self.point["xs"]))) for _ in range(ROWS)]

    def values(self) -> None:
        """The value, and derivatives to third order, are those of the straight line up to rounding."""
        line = parse(self.straight).graph
        for graph, wanted in zip(self.orders, orders(line, line.inputs, self.most), strict=True):
            found = run(ArrayExecutor, graph, self.inputs)
            flat = [float(x) for y in found for x in np.ravel(y)]
            inputs = straight_inputs(self.point)
            v = ScalarExecutor(wanted, range(len(wanted))).forward(inputs)
            assert len(flat) == len(wanted.outputs)
            for x, i in zip(flat, wanted.outputs, strict=True):
                slack = rounding(wanted, i, v)
                assert abs(x - v[i]) <= slack + 1e-300 or not slack < 1e-3, (self.text, self.point, x, v[i], slack)
        assert abs(self.value - float(run(ArrayExecutor, self.orders[0], self.inputs)[0])) <= 1e-9

    def ways(self) -> None:
        """Optimised, planned and run again, and run to save memory: the same numbers to the last bit."""
        for graph in self.orders:
            wanted = bits(run(ArrayExecutor, graph, self.inputs))
            better = optimise(graph)
            check(better)
            assert bits(run(ArrayExecutor, better, self.inputs)) == wanted, self.text
            assert bits(run(PlannedExecutor, better, self.inputs, times=2)) == wanted, self.text
        plain = self.orders[1]
        graph, where = checkpointed(self.orders[0])
        check(graph)
        wrt = [where[i] for i in self.orders[0].inputs[:4]]
        saving = gradient(graph, where[self.orders[0].outputs[0]], wrt, value=True)
        check(saving)
        for x, y in zip(run(ArrayExecutor, saving, self.inputs), run(ArrayExecutor, plain, self.inputs), strict=True):
            np.testing.assert_array_equal(x, y, self.text)  # all bits but the sign of a zero

    def batches(self) -> None:
        """A batch gives for each row what the row gives alone; where an assert of one fails, so does the batch."""
        many = len(self.inputs)
        for flags in ([True] * many, [k == 0 for k in range(many)], [k > 2 for k in range(many)]):
            given = [[r[k] if f else self.inputs[k] for k, f in enumerate(flags)] for r in self.rows]
            stacked = [np.stack([r[k] for r in given]) if f else self.inputs[k] for k, f in enumerate(flags)]
            for graph in self.orders[: self.most]:
                made = batch(graph, flags, ROWS)
                check(made)
                try:
                    wanted = [run(ArrayExecutor, graph, row) for row in given]
                except CgError as e:
                    assert asserted(e)
                    with pytest.raises(CgError, check=asserted):
                        run(ArrayExecutor, made, stacked)
                    continue
                found = run(ArrayExecutor, made, stacked)
                for r, row in enumerate(wanted):
                    for x, y in zip(found, row, strict=True):
                        np.testing.assert_allclose(x[r], y, rtol=1e-9, atol=1e-12, err_msg=self.text)

    def stops(self) -> None:
        """An assert that fails in Python fails in every way to run the program."""
        for graph in (self.orders[0], self.orders[1], optimise(self.orders[1])):
            for executor in (ArrayExecutor, PlannedExecutor):
                with pytest.raises(CgError) as caught:
                    run(executor, graph, self.inputs)
                assert asserted(caught.value), self.text


def check_program(seed: int, most: int) -> str:
    """What became of a program, with derivatives up to order `most`; raises where something differs."""
    try:
        checked = Checked(seed, most)
    except TooLarge:
        return "too large"
    if checked.fails:
        checked.stops()
        return "stopped"
    checked.values()
    checked.ways()
    checked.batches()
    return "the same"


def test_programs_with_control_flow() -> None:
    became = [check_program(seed, 2) for seed in SEEDS]
    assert became.count("the same") >= len(SEEDS) - 1
    assert became.count("stopped") > 0


@pytest.mark.thorough
def test_programs_with_control_flow_at_length() -> None:
    for seed in range(MANY):
        check_program(seed, 3)


def test_the_random_programs_have_all_there_is() -> None:
    """Conditionals and loops inside each other, `while`s, stacks that are read and written, asserts, early returns."""
    seen: dict[str, int] = {}
    for seed in range(60):
        text = random_program(seed).text
        waiting = [(parse(text).graph, "")]
        while waiting:
            graph, path = waiting.pop()
            for i, op in enumerate(graph.op):
                at = graph.attrs.get(i, {})
                name = "while" if "pred" in at else opname(op)
                if name in ("cond", "loop", "while", "assert", "unstack", "restack"):
                    seen[path + name] = seen.get(path + name, 0) + 1
                waiting += [(x, f"{name} in ") for x in at.values() if isinstance(x, Graph)]
        seen["return"] = seen.get("return", 0) + (text.count("return") > text.count("fn "))
    wanted = "cond loop while assert unstack restack return".split()
    wanted += [f"{x} in {y}" for x in ("cond", "loop", "while") for y in ("cond", "loop", "while")]
    assert min(seen.get(name, 0) for name in wanted) > 5, seen


def test_derivatives_through_control_flow_agree_with_differences() -> None:
    """Without any derivative of cg's: the program in Python at two points beside, where both take the same way."""
    compared = 0
    for seed in SEEDS:
        checked = Checked(seed)
        if checked.fails:
            continue
        _, *slopes = run(ArrayExecutor, checked.orders[1], checked.inputs)
        for name, slope in zip(NUMBERS, slopes, strict=False):
            h = 1e-5
            beside = [checked.program.run({**checked.point, name: checked.point[name] + s}) for s in (h, -h)]
            if beside[0][1] == beside[1][1] == checked.straight:
                difference = (beside[0][0] - beside[1][0]) / (2 * h)
                assert float(slope) == pytest.approx(difference, rel=1e-5, abs=1e-5), checked.text
                compared += 1
    assert compared > len(SEEDS)
