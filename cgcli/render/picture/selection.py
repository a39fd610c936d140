"""Parts of a graph to draw: nodes near a node, on the paths between two, or with large derivatives."""

from __future__ import annotations

from collections.abc import Sequence

from cgcli.diagnostics.diagnostic import error, unknown_name
from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import Graph
from cgcli.graph.traversal import live
from cgcli.render.tensors import magnitude

from .content import View


def selection(graph: Graph, evaluation: Evaluation | None, view: View) -> bytearray | None:
    """A flag a node: whether the view asks for it; None for all."""
    selections: list[bytearray] = []
    if view.focus is not None:
        selections.append(neighbourhood(graph, node_by_name(graph, view.focus, "--focus"), view.radius))
    if view.path is not None:
        start, end = (node_by_name(graph, name, "--path") for name in view.path)
        if start > end:
            start, end = end, start
        selections.append(on_paths(graph, start, end))
        if not any(selections[-1]):
            raise error("no-path", start=view.path[0], end=view.path[1])
    if view.least is not None:
        if evaluation is None or evaluation.of is None:
            raise error("no-gradients-to-compare", option="--min-grad")
        selections.append(with_large_derivative(graph, evaluation, view.least))
    if not selections:
        return None
    selected = selections[0]
    for flags in selections[1:]:
        selected = bytearray(x & y for x, y in zip(selected, flags, strict=True))
    return selected


def node_by_name(graph: Graph, name: str, option: str) -> int:
    """The node of a name, the last that has it. Raises `CgError` that offers the nearest one."""
    nodes = [i for i, other in graph.names.items() if other == name]
    if not nodes:
        raise error("no-such-node", option=option, **unknown_name(name, dict.fromkeys(graph.names.values())))
    return max(nodes)


def neighbourhood(graph: Graph, centre: int, radius: int) -> bytearray:
    """A flag a node: whether at most `radius` steps lead from it to the centre or back."""
    flags = bytearray(len(graph))
    flags[centre] = 1
    users = _users(graph)
    edge = [centre]
    for _ in range(radius):
        edge = [y for x in edge for y in (*graph.operands(x), *users[x]) if not flags[y]]
        for x in edge:
            flags[x] = 1
        if not edge:
            break
        edge = list(dict.fromkeys(edge))
    return flags


def on_paths(graph: Graph, start: int, end: int) -> bytearray:
    """A flag a node: whether it is on a path from `start` to `end`. None are, when there is no path."""
    needed = live(graph, [end])
    flags = bytearray(len(graph))
    flags[start] = 1
    for i in range(start + 1, end + 1):
        flags[i] = needed[i] and any(flags[x] for x in graph.operands(i))
    if start != end and not flags[end]:
        return bytearray(len(graph))
    for i in range(len(graph)):
        flags[i] &= needed[i]
    return flags


def with_large_derivative(graph: Graph, evaluation: Evaluation, least: float) -> bytearray:
    """A flag a node: whether the derivative by it is at least so large (of a tensor its largest element)."""
    flags = bytearray(len(graph))
    for i, g in enumerate(evaluation.adjoints):
        flags[i] = g is not None and magnitude(g) >= least
    if evaluation.of is not None:
        flags[evaluation.of] = 1
    return flags


def _users(graph: Graph) -> Sequence[list[int]]:
    users: list[list[int]] = [[] for _ in range(len(graph))]
    for i in range(len(graph)):
        for x in graph.operands(i):
            users[x].append(i)
    return users
