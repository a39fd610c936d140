"""Some of a program's outputs, with the inputs that they need and no others."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from cgcli.graph.traversal import live, select

from .computation import Computation


def reachable(program: Computation, given_names: Collection[str], without: Collection[str] = ()) -> list[str]:
    """The outputs of a static program that these inputs, defaults and parameters suffice for.

    without: inputs whose defaults do not count.
    """
    available = {i.name for i in program.inputs if i.optional and i.name not in without} | set(given_names)
    nodes = dict(zip([i.name for i in program.inputs], program.graph.inputs, strict=True))
    names = []
    for name in program.outputs:
        needed = live(program.graph, [program.module.values[name]])
        if all(n in available for n, node in nodes.items() if needed[node]):
            names.append(name)
    return names


def restrict(program: Computation, outputs: Sequence[str]) -> Computation:
    """A static program with these outputs of it; asserts stay as far as they are about inputs that are still there."""
    graph, module = program.graph, program.module
    roots = tuple(module.values[name] for name in outputs)
    needed = live(graph, roots)
    reads_of = {node: live(graph, [node]) for node in graph.asserts}
    asserts = [node for node, reads in reads_of.items() if all(needed[i] for i in graph.inputs if reads[i])]
    needed = live(graph, [*roots, *asserts])
    nodes = [i for i in range(len(graph)) if needed[i]]
    index = {i: k for k, i in enumerate(nodes)}
    values = {name: index[i] for name, i in module.values.items() if i in index}
    smaller = replace(
        module,
        graph=select(replace(graph, outputs=roots), nodes),
        inputs=tuple(i for i, node in zip(module.inputs, graph.inputs, strict=True) if needed[node]),
        outputs=tuple(outputs),
        values=values,
    )
    restricted = Computation(smaller)
    restricted.take_limits(program)
    return restricted
