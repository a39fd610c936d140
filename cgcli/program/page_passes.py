"""What the page of a program computes in the browser: where each of its numbers is, the passes, and points to try."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cgcli.diagnostics.diagnostic import CgError
from cgcli.diagnostics.source import Span
from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import NONE, Graph
from cgcli.graph.signature import Input
from cgcli.graph.traversal import every, restrict
from cgcli.graph.types import Type
from cgcli.loop_nests.form import Apply, Check, LoopNest, Unsupported, statements
from cgcli.loop_nests.lower import lower_with_stacks
from cgcli.loop_nests.readers import first_nodes
from cgcli.ops.interpreter import Limits
from cgcli.ops.number_kernels import is_scalar
from cgcli.ops.numbers import float32
from cgcli.optimise.driver import optimise
from cgcli.render.page.data import Slots, graph_at, is_number, loop_cards
from cgcli.render.page.passes import Pass, passes_text
from cgcli.render.picture.card_writer import flows
from cgcli.render.picture.content import Origin, Path, Picture
from cgcli.run.backends import compile_graph
from cgcli.transform.probes import Probe, carries, probed

MOST_NODES = 100_000  # of a graph that a page recomputes
LIMIT = 10**6  # steps of loops where a page tries itself
SHIFTS = (0.0, 0.043, -0.071)  # of inputs, by their size, to the points at which it does


@dataclass(frozen=True)
class Passes:
    """The passes of a page, one for each of the values that it differentiates, and where its numbers are in their
    results.

    probes: what is in each slot; loops: those whose variables have series. graphs: what the passes compute, and script:
    what does. why: why there are none, in words for the reader; empty where there are.
    """

    slots: Slots
    probes: Sequence[Probe]
    loops: Sequence[int]
    graphs: Sequence[Graph] = ()
    passes: Sequence[Pass] = ()
    script: str = ""
    why: str = ""

    def points(self, inputs: Sequence[Input], values: Sequence[Any]) -> Iterator[dict[str, Any]]:
        """What the passes give at these values of the inputs and near them, as the scalar executor computes it; points
        at which the program stops are left out."""
        count = len(self.probes)
        runs = [compile_graph(restrict(graph, graph.outputs[:count]), Limits(steps=LIMIT)) for graph in self.graphs]
        for shift in SHIFTS if runs else ():
            point = [_shifted(declared, x, shift) for declared, x in zip(inputs, values, strict=True)]
            for k, run in enumerate(runs):
                try:
                    results = run(point)
                except CgError:
                    continue
                yield {"pass": k, "inputs": list(map(float, point)), "slots": list(map(float, results))}

    def recorded(self, evaluation: Evaluation) -> tuple[list[float], list[list[float]]]:
        """The numbers in the slots, and the series, at the point of an evaluation; NaN for those that it has not."""
        numbers = [math.nan] * len(self.probes)
        for origin, k in self.slots.values.items():
            inner = evaluation_at(evaluation, origin)
            if inner is not None and inner.values[origin.node] is not None:
                numbers[k] = float(inner.values[origin.node])
        for origin, k in self.slots.derivatives.items():
            inner = evaluation_at(evaluation, origin)
            if inner is not None and inner.adjoints and inner.adjoints[origin.node] is not None:
                numbers[k] = float(inner.adjoints[origin.node] or 0.0)
        series: list[list[float]] = []
        for i in self.loops:
            steps = evaluation.series.get(i, ())
            series += [[float(step[k]) for step in steps] for k in carries(evaluation.graph, i)]
        return numbers, series


def passes_of(graph: Graph, of: Sequence[int], picture: Picture, why: str) -> Passes:
    """The passes of what a picture shows. of: the nodes that the reader may choose to differentiate, the first of which
    the picture has the derivatives of. why: why there can be none, if that is known (`why_still`).
    """
    slots, probes, loops = slots_of(graph, of, picture)
    if not why:
        try:
            graphs = [optimise(probed(graph, i, probes, loops)) for i in (of or (None,))]
            passes = [Pass(*lower_with_stacks(each)) for each in graphs]
            return Passes(slots, probes, loops, graphs, passes, passes_text(passes))
        except Unsupported as e:
            why = f"This program has a step that pages cannot compute: {e}."
    return Passes(replace(slots, parts={}), probes, loops, why=why)  # an evaluation has no derivatives of parts


def slots_of(graph: Graph, of: Sequence[int], picture: Picture) -> tuple[Slots, list[Probe], list[int]]:
    """Where the numbers that a picture shows are among the results of a pass; its probes, and its loops."""
    slots, probes = Slots(), []
    loops = loop_cards(graph, picture)
    flow: dict[Path, bytearray] = {(): flows(graph, of)} if of else {}

    def has_derivative(path: Path, node: int) -> bool:
        if of and path not in flow:
            inner = graph_at(graph, path)
            flow[path] = flows(inner, inner.outputs)
        return bool(of) and bool(flow[path][node])

    def slot(probe: Probe) -> int:
        probes.append(probe)
        return len(probes) - 1

    for node in picture.nodes:
        origin = node.origin
        if origin is None or origin.carry is not None or origin in slots.values or not is_number(graph, origin):
            continue
        slots.values[origin] = slot(Probe("value", origin.path, origin.node))
        t = graph_at(graph, origin.path).type_of(origin.node)
        if isinstance(t, Type) and t.is_float and has_derivative(origin.path, origin.node):
            slots.derivatives[origin] = slot(Probe("derivative", origin.path, origin.node))
    for arrow in picture.arrows:
        part = arrow.part
        if part is None or part in slots.parts or not is_number(graph, Origin(part.path, part.node)):
            continue
        if has_derivative(part.path, part.node):
            slots.parts[part] = slot(Probe("partial", part.path, part.node, part.by, part.reads))
    for node in picture.nodes:
        path = node.origin.path if node.origin is not None else ()
        for depth, (i, _) in enumerate(path):
            key = path[:depth], i
            if key not in slots.conditions:
                condition = graph_at(graph, path[:depth]).operands(i)[0]
                slots.conditions[key] = slot(Probe("value", path[:depth], condition))
    count = 0
    for i, origins in loops:
        numbers = carries(graph, i)
        for origin in origins:
            if origin.carry in numbers:
                slots.series[origin] = count + numbers.index(origin.carry)
        count += len(numbers)
    return slots, probes, [i for i, _ in loops]


def why_still(graph: Graph) -> str:
    """Why a page of this graph does not recompute; empty where it does."""
    if not is_scalar(graph):
        return "This program computes with tensors; so far pages recompute programs of numbers only."
    if sum(map(len, every(graph))) > MOST_NODES:
        return f"This program has more than {MOST_NODES} operations."
    return ""


def stops(graph: Graph, nest: LoopNest) -> dict[int, Span]:
    """Where each node that may stop a pass was written. graph: that the nest computes."""
    numbers = {s.node for s in statements(nest.body) if isinstance(s, Apply | Check)}
    first = first_nodes(graph)
    return {
        number: inner.spans[span]
        for inner in every(graph)
        for number, span in enumerate(inner.span, first[id(inner)])
        if span != NONE and number in numbers
    }


def _shifted(declared: Input, x: Any, shift: float) -> Any:
    """A float input at another place, within its range; other inputs stay."""
    if not declared.type.is_float or not math.isfinite(x):
        return x
    low, high = declared.range or (-math.inf, math.inf)
    shifted = min(max(x + shift * (abs(x) or 1.0), low), high)
    return float32(shifted) if declared.type.dtype == "f32" else shifted


def evaluation_at(evaluation: Evaluation, origin: Origin) -> Evaluation | None:
    """The evaluation of the branch that a node is in, None where it was not taken."""
    for i, side in origin.path:
        taken, inner = evaluation.branches.get(i, ("", evaluation))
        if taken != side:
            return None
        evaluation = inner
    return evaluation
