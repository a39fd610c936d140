"""The compilation of a static graph: each pass with its changes, and the plan of the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cgcli.graph.graph import Graph
from cgcli.graph.plan import Change, Compilation
from cgcli.graph.signature import Module
from cgcli.graph.traversal import every, prune
from cgcli.graph.types import Type
from cgcli.ops.builder import Builder
from cgcli.optimise.driver import FAST, stages
from cgcli.optimise.simplify import simplify
from cgcli.plan.planner import plan
from cgcli.run.backends import executors
from cgcli.transform.gradient import gradient


def compilation(
    graph: Graph,
    of: int | None,
    wrt: Sequence[int],
    bound: Sequence[Any] | None,
    names: tuple[str | None, tuple[str, ...]],
    fast_math: bool,
) -> Compilation:
    """The compilation of the outputs of a graph, or of node `of` and its derivatives by `wrt`.

    bound: the values of the inputs, from which named sizes get their numbers; None leaves them names. names: those of
    `of` and `wrt`.
    """
    target, by = names
    before = prune(graph) if of is None else _named(gradient(graph, of, wrt, value=True), target, by)
    changes: list[Change] = []
    inexact = {step.name for step in FAST}
    after = before
    for stage in stages(before, fast_math=fast_math):
        nodes = count(stage.before), count(stage.after)
        changes.append(Change(stage.name, stage.law, *nodes, stage.changes, stage.name not in inexact))
        after = stage.after
    named = plan(after)
    numbers = named
    if bound is not None:
        from cgcli.ops.sizes import bind_sizes

        numbers = plan(after, bind_sizes(graph, graph.inputs, bound))
    return Compilation(graph, before, tuple(changes), numbers, named, target, by, executors(before))


def count(graph: Graph) -> int:
    """The nodes of a graph and of those that it holds."""
    return sum(map(len, every(graph)))


def _named(graph: Graph, of: str | None, wrt: Sequence[str]) -> Graph:
    """The graph whose derivatives have names as users say them, where they have none yet."""
    names = dict(graph.names)
    for name, i in zip(wrt, graph.outputs[1:], strict=True):
        names.setdefault(i, f"d{of}/d{name}")
    return replace(graph, names=names)


def gradient_graph(module: Module, of: str, wrt: Sequence[str]) -> Graph:
    """The graph of a value and its derivatives, simplified; its outputs are named `y`, `dy/dx`, …

    A derivative that is a value with a name of its own (`dy/da` is `e`) is a copy of it, so that no name is lost.
    """
    nodes = [module.values[name] for name in wrt]
    graph = prune(simplify(gradient(module.graph, module.values[of], nodes, value=True))[0])
    b = Builder()
    inputs = []
    for i in graph.inputs:
        t = graph.type_of(i)
        assert isinstance(t, Type)
        inputs.append(b.input(t, graph.names.get(i), **graph.attrs.get(i, {})))
    where = b.inline(graph, inputs)
    value, *derivatives = (where[i] for i in graph.outputs)
    outputs = [value]
    b.names.setdefault(value, of)
    for derivative, x in zip(derivatives, wrt, strict=True):
        output = derivative if derivative not in b.names else b.copy(derivative)
        b.names[output] = f"d{of}/d{x}"
        outputs.append(output)
    return b.done(*outputs)
