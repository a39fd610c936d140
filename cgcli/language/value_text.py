"""Values given as texts: a constant expression of the language that stands outside a program."""

from __future__ import annotations

from cgcli.diagnostics.source import Source
from cgcli.graph.graph import Graph
from cgcli.graph.signature import Scalar
from cgcli.graph.types import Type
from cgcli.ops.evaluate import is_scalar

from .calls import Calls
from .constants import alone, evaluated
from .frames import Environment, Frame
from .parser import parse_value
from .regions import Region
from .resolver import Resolver
from .tree import Statement


def constant(source: Source, wanted: Type) -> Scalar | Graph:
    """The value of a constant expression of the language, such as `pi/2`, as a `wanted`; of a tensor its graph.

    Raises CgError for a mistake in it, for a name that is no constant, and (status 1) for a value that is no `wanted`.
    """
    tree = parse_value(source)
    names = Resolver(source, [Statement("bare", [tree])], {}, "value").resolve()
    frame = Frame(Environment(source, names), Region())
    calls = Calls()
    calls.finite = True
    graph = alone(frame, calls.lower(frame, tree))
    return evaluated(frame, tree, graph, wanted, status=1) if is_scalar(graph) else graph
