"""The live page of a program: what it computes in the browser, and the page."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import Graph
from cgcli.graph.types import Type
from cgcli.loop_nests.form import LoopNest, Unsupported
from cgcli.loop_nests.lower import lower
from cgcli.ops.number_kernels import is_scalar
from cgcli.optimise.driver import optimise
from cgcli.render.page.data import PageProgram, Slots, graph_at, is_number, loop_cards, page_data, roomy
from cgcli.render.picture.content import Origin, Picture
from cgcli.render.picture.draw import fitting
from cgcli.transform.probes import Probe, carries, probed

MOST_OUTPUTS = 8  # that a page offers to differentiate
MOST_SLOTS = 200_000


@dataclass(frozen=True)
class Pass:
    """What a page computes for one of the outputs: a nest whose results are the slots in order, then the series."""

    nest: LoopNest
    graph: Graph


def slots_of(graph: Graph, of: int | None, picture: Picture) -> tuple[Slots, list[Probe], list[int]]:
    """Where the numbers that a picture shows are among the results of a pass; its probes, and its loops."""
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
        if of is not None and isinstance(inner, Type) and inner.has_derivative and node.gradient:
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
