"""The driver: passes one after the other until none changes anything."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

from cgcli.graph.graph import Graph

from .algebra import algebra, fast_algebra
from .branches import choose, decide
from .chains import reorder
from .common import share
from .constants import fold
from .loops import hoist, settle
from .passes import Log, Pass
from .repeats import repeats
from .unused import drop

PASSES: tuple[Pass, ...] = (drop, fold, algebra, decide, choose, settle, repeats, hoist, share)
FAST: tuple[Pass, ...] = (fast_algebra, reorder)
"""The passes that hold for real numbers only; they come last, with `--fast-math`."""
ROUNDS = 30  # a graph that still changes then is taken as it is


class Stage(NamedTuple):
    """One application of a pass. changes: sentences about it."""

    name: str
    law: str
    before: Graph
    after: Graph
    changes: tuple[str, ...]


def optimise(graph: Graph, *, fast_math: bool = False) -> Graph:
    """The graph that computes the same outputs from the same inputs by less.

    Every value keeps its bits unless `fast_math` allows more. Derivatives have to be taken before.
    """
    for _, after, _ in _run(graph, fast_math, False):
        graph = after
    return graph


def stages(graph: Graph, *, fast_math: bool = False) -> list[Stage]:
    """The changes of each pass, in order; passes that changed nothing are left out."""
    result: list[Stage] = []
    for step, after, log in _run(graph, fast_math, True):
        result.append(Stage(step.name, step.law, graph, after, log.changes() if log else ()))
        graph = after
    return result


def _run(graph: Graph, fast_math: bool, explained: bool) -> Iterator[tuple[Pass, Graph, Log | None]]:
    """Each change of the graph. Ends when no pass changes it, when a graph comes back, or after `ROUNDS` rounds."""
    passes = PASSES + FAST if fast_math else PASSES
    settled: dict[str, Graph] = {}  # of each pass, a graph that it leaves as it is
    seen = {fingerprint(graph)}
    for _ in range(ROUNDS):
        before = graph
        for step in passes:
            if settled.get(step.name) is graph:
                continue
            log = Log() if explained else None
            after = step.run(graph, log)
            if after is graph:
                settled[step.name] = graph
            else:
                yield step, after, log
                graph = after
        if graph is before:
            return
        mark = fingerprint(graph)
        if mark in seen:
            return
        seen.add(mark)


def fingerprint(graph: Graph) -> bytes:
    """The same for graphs that are equal, columns and all; recursion only into structured nodes."""
    digest = sha256()
    for column in (graph.op, graph.a, graph.b, graph.type):
        digest.update(column.tobytes())
        digest.update(b";")
    digest.update(repr((graph.outputs, graph.types, graph.more)).encode())
    for i, attrs in sorted(graph.attrs.items()):
        for key, value in sorted(attrs.items()):
            digest.update(f"{i} {key} ".encode())
            digest.update(fingerprint(value) if isinstance(value, Graph) else repr(value).encode())
    return digest.digest()
