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


def only(program: Program, outputs: Sequence[str]) -> Program:
    """A static program with these outputs of it; asserts stay as far as they are about inputs that are still there."""
    graph, module = program.graph, program.module
    needed = live(graph, [module.values[name] for name in outputs])
    for node in graph.asserts:
        about = live(graph, [node])
        if all(needed[i] for i in graph.inputs if about[i]):
            needed = bytearray(a | b for a, b in zip(needed, about, strict=True))
    kept = [i for i in range(len(graph)) if needed[i]]
    where = {i: k for k, i in enumerate(kept)}
    values = {name: where[i] for name, i in module.values.items() if i in where}
    roots = tuple(module.values[name] for name in outputs)
    made = replace(
        module,
        graph=select(replace(graph, outputs=roots), kept),
        inputs=tuple(i for i, node in zip(module.inputs, graph.inputs, strict=True) if needed[node]),
        outputs=tuple(outputs),
        values=values,
    )
    found = Program(made)
    found.seed, found.max_memory = program.seed, program.max_memory
    found.max_steps, found.backend = program.max_steps, program.backend
    return found
