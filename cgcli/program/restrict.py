"""Some of a program's outputs, with the inputs that they need and no others."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from cgcli.graph.traversal import live, select

from .program import Program


def reachable(program: Program, given: Collection[str], without: Collection[str] = ()) -> list[str]:
    """The outputs of a static program that these inputs, defaults and parameters suffice for.

    without: inputs whose defaults do not count.
    """
    known = {i.name for i in program.inputs if i.optional and i.name not in without} | set(given)
    nodes = dict(zip([i.name for i in program.inputs], program.graph.inputs, strict=True))
    found = []
    for name in program.outputs:
        needed = live(program.graph, [program.module.values[name]])
        if all(each in known for each, node in nodes.items() if needed[node]):
            found.append(name)
    return found


def restrict(program: Program, outputs: Sequence[str]) -> Program:
    """A static program with these outputs of it; asserts stay as far as they are about inputs that are still there."""
    graph, module = program.graph, program.module
    roots = tuple(module.values[name] for name in outputs)
    needed = live(graph, roots)
    about = {node: live(graph, [node]) for node in graph.asserts}
    asserts = [node for node, reads in about.items() if all(needed[i] for i in graph.inputs if reads[i])]
    needed = live(graph, [*roots, *asserts])
    kept = [i for i in range(len(graph)) if needed[i]]
    where = {i: k for k, i in enumerate(kept)}
    values = {name: where[i] for name, i in module.values.items() if i in where}
    made = replace(
        module,
        graph=select(replace(graph, outputs=roots), kept),
        inputs=tuple(i for i, node in zip(module.inputs, graph.inputs, strict=True) if needed[node]),
        outputs=tuple(outputs),
        values=values,
    )
    found = Program(made)
    found.take_limits(program)
    return found
