"""Values as texts: constant expressions of the language outside a program."""

from __future__ import annotations

from cgcli.diagnostics.source import Source
from cgcli.graph.graph import Graph
from cgcli.graph.signature import Scalar
from cgcli.graph.types import Type
from cgcli.ops.number_kernels import is_scalar

from .calls import Calls
from .constants import evaluate_constant, value_graph
from .frames import Environment, Frame
from .parser import parse_value
from .regions import Region
from .resolver import Resolver
from .tree import SyntheticTree


def constant(source: Source, type_: Type) -> Scalar | Graph:
    """The value of a constant expression of the language, such as `pi/2`, as a `type_`; of a tensor its graph.

    Raises CgError for a mistake in it, for a name that is no constant, and (status 1) for a value of another type.
    """
    tree = parse_value(source)
    names = Resolver(source, [SyntheticTree("bare", [tree])], {}, "value").resolve()
    frame = Frame(Environment(source, names), Region())
    calls = Calls()
    calls.finite = True
    graph = value_graph(frame, calls.lower(frame, tree))
    return evaluate_constant(frame, tree, graph, type_, status=1) if is_scalar(graph) else graph
