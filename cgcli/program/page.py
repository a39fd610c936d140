"""The live page of a program: what it computes in the browser, and the page."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePath
from typing import Any

from cgcli.diagnostics.diagnostic import CgError
from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import Graph
from cgcli.graph.signature import Input
from cgcli.graph.traversal import every, restrict
from cgcli.graph.types import Type
from cgcli.loop_nests.form import Unsupported
from cgcli.loop_nests.lower import lower_with_stacks
from cgcli.ops.interpreter import Limits
from cgcli.ops.number_kernels import is_scalar
from cgcli.optimise.driver import optimise
from cgcli.render.page.data import PageProgram, Slots, graph_at, is_number, loop_cards, page_data, roomy
from cgcli.render.page.html import html
from cgcli.render.page.passes import Pass, passes_text
from cgcli.render.picture.compose import picture as compose
from cgcli.render.picture.content import Origin, Picture, View
from cgcli.render.picture.draw import fitting
from cgcli.run.backends import compile_graph
from cgcli.run.binding import missing, require
from cgcli.transform.probes import Probe, carries, probed

from .computation import Computation, Values
from .nested_values import with_nested
from .picture_options import PictureOptions, default_of, view_of

MOST_OUTPUTS = 8  # that a page offers to differentiate
MOST_NODES = 100_000  # of a graph that a page recomputes
LIMIT = 10**6  # steps of loops where a page tries itself
SHIFTS = (0.0, 0.043, -0.071)  # of inputs, by their size, to the points at which it does


def slots_of(graph: Graph, of: int | None, picture: Picture, *, several: bool) -> tuple[Slots, list[Probe], list[int]]:
    """Where the numbers that a picture shows are among the results of a pass; its probes, and its loops.

    several: whether the reader chooses of what derivatives are.
    """
    slots, probes = Slots(), []
    loops = loop_cards(graph, picture)

    def slot(probe: Probe) -> int:
        probes.append(probe)
        return len(probes) - 1

    for node in picture.nodes:
        origin = node.origin
        if origin is None or origin.carry is not None or origin in slots.values or not is_number(graph, origin):
            continue
        slots.values[origin] = slot(Probe("value", origin.path, origin.node))
        inner = graph_at(graph, origin.path).type_of(origin.node)
        if of is not None and isinstance(inner, Type) and inner.is_float and (several or node.gradient):
            slots.derivatives[origin] = slot(Probe("derivative", origin.path, origin.node))
    for arrow in picture.arrows:
        part = arrow.part
        if part is not None and part not in slots.parts and is_number(graph, Origin(part.path, part.node)):
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


def page(
    program: Computation, values: Values, of: str | None, options: PictureOptions, note: Callable[[str], None]
) -> str:
    """The text of the page of a program. note: called with each remark about it.

    Inputs that are numbers and have no value start at 1, or as near to it as they may be, and a remark says so. Raises
    CgError where the value of another one is missing, and as `program.run`.
    """
    values = _with_starts(program, values, note)
    graph, names = program.graph, _outputs(program, of)
    evaluation = with_nested(program.run(values, of=names[0]) if names else program.run(values, derivatives=False))
    view, drawing = view_of(graph, options), options.drawing()
    params = [i.name for i in program.inputs if i.kind == "param"]
    several = len(names) > 1
    nodes: list[int] = [program.module.values[name] for name in names]
    why = _why_still(graph)

    def picture_with_room(view: View) -> Picture:
        result = compose(graph, evaluation, params, view)
        slots = Slots() if why else slots_of(graph, evaluation.of, result, several=several)[0]
        return roomy(result, slots, several=several)

    arranged = fitting(picture_with_room, view, drawing)
    slots, probes, loops = slots_of(graph, evaluation.of, arranged.picture, several=several)
    passes: list[Pass] = []
    expected: list[dict[str, Any]] = []
    bound = program.bind_inputs(values)
    if not why:
        try:
            graphs = [optimise(probed(graph, i, probes, loops)) for i in (nodes or (None,))]
            passes = [Pass(*lower_with_stacks(each)) for each in graphs]
        except Unsupported as e:
            why = f"This program has a step that pages cannot compute: {e}."
        else:
            expected = list(_expected(program, graphs, len(probes), bound))
    source = program.module.source
    shown = PageProgram(
        options.title or PurePath(source.name).stem,
        source.text,
        PurePath(source.name).name,
        graph,
        evaluation,
        list(zip(program.inputs, bound, strict=True)),
        list(zip(names, nodes, strict=True)),
        expected,
        why,
    )
    data = page_data(shown, arranged, slots, drawing, _recorded(evaluation, slots, probes, loops))
    for text in arranged.picture.notes:
        note(text)
    return html(data, passes_text(passes))


def _with_starts(program: Computation, values: Values, note: Callable[[str], None]) -> Values:
    """The values, and those at which inputs without one start."""
    starts: dict[str, float | bool] = {}
    for name in missing(program.inputs, values):
        declared = program.input(name)
        if declared.type.shape:
            require(program.inputs, values)
        low, high = declared.range or (1, 1)
        start = min(max(1, low), high)
        starts[name] = bool(start) if declared.type.dtype == "bool" else start
    if starts:
        note(f"without values {', '.join(f'{name} = {x}' for name, x in starts.items())} on the page")
    return {**values, **starts}


def _expected(
    program: Computation, graphs: Sequence[Graph], count: int, bound: Sequence[Any]
) -> Iterator[dict[str, Any]]:
    """What the passes give at the point of the page and near it, as the reference computes it; points at which the
    program stops are left out."""
    runs = [compile_graph(restrict(graph, graph.outputs[:count]), Limits(steps=LIMIT)) for graph in graphs]
    for shift in SHIFTS:
        point = [_shifted(declared, x, shift) for declared, x in zip(program.inputs, bound, strict=True)]
        for k, run in enumerate(runs):
            try:
                results = run(point)
            except CgError:
                continue
            yield {"pass": k, "inputs": list(map(float, point)), "slots": list(map(float, results[:count]))}


def _shifted(declared: Input, x: Any, shift: float) -> Any:
    """A float input at another place, within its range; other inputs stay."""
    if not declared.type.is_float or not math.isfinite(x):
        return x
    low, high = declared.range or (-math.inf, math.inf)
    return min(max(x + shift * (abs(x) or 1.0), low), high)


def _outputs(program: Computation, of: str | None) -> list[str]:
    """The outputs that a page offers to differentiate, the chosen one first."""
    first = program.of_choice(of) if of is not None else default_of(program)
    if first is None:
        return []
    others = [name for name in program.float_outputs() if name != first]
    return [first, *others][:MOST_OUTPUTS]


def _why_still(graph: Graph) -> str:
    """Why a page of this graph does not recompute; empty where it does."""
    if not is_scalar(graph):
        return "This program computes with tensors; so far pages recompute programs of numbers only."
    if sum(map(len, every(graph))) > MOST_NODES:
        return f"This program has more than {MOST_NODES} operations."
    return ""


def _recorded(
    evaluation: Evaluation, slots: Slots, probes: Sequence[Probe], loops: Sequence[int]
) -> tuple[list[float], list[list[float]]]:
    """The numbers of a page at the point of the evaluation; NaN for those that it has not."""
    numbers = [math.nan] * len(probes)
    for origin, k in slots.values.items():
        inner = _evaluation_at(evaluation, origin)
        if inner is not None and inner.values[origin.node] is not None:
            numbers[k] = float(inner.values[origin.node])
    for origin, k in slots.derivatives.items():
        inner = _evaluation_at(evaluation, origin)
        if inner is not None and inner.adjoints and inner.adjoints[origin.node] is not None:
            numbers[k] = float(inner.adjoints[origin.node] or 0.0)
    series: list[list[float]] = []
    for i in loops:
        steps = evaluation.series.get(i, ())
        series += [[float(step[k]) for step in steps] for k in carries(evaluation.graph, i)]
    return numbers, series


def _evaluation_at(evaluation: Evaluation, origin: Origin) -> Evaluation | None:
    """The evaluation of the branch that a node is in, None where it was not taken."""
    for i, side in origin.path:
        taken, inner = evaluation.branches.get(i, ("", evaluation))
        if taken != side:
            return None
        evaluation = inner
    return evaluation
