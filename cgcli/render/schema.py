"""A graph as JSON: every node, whatever its size, for other programs.

docs/graph-schema.md says what the keys mean, docs/graph-schema.json is the same for validators.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal

from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import NONE, Graph, opname
from cgcli.ops.table import BY_CODE
from cgcli.ops.versions import Version, versions
from cgcli.ops.written import WrittenOperations

from . import json
from .tensors import MOST_ELEMENTS, as_lists, is_tensor, norm

VERSION = 1


def to_json(graph: Graph, evaluation: Evaluation | None = None, name: str = "", params: Collection[str] = ()) -> str:
    """The graph as one JSON object on one line. params: those of its inputs that are parameters."""
    data = {
        **heading("cg-graph", graph, params),
        "name": name,
        "params": [i for i in graph.inputs if graph.names.get(i) in params],
        **graph_data(graph, evaluation),
    }
    return json.dump(data) + "\n"


def heading(form: Literal["cg-graph", "cg-operations"], graph: Graph, params: Collection[str]) -> dict[str, Any]:
    """What a program reads first: what the object is, and the hash of what the graph means."""
    from cgcli.graph.meaning import meaning  # loads OpenSSL; `show` imports this module for its table

    return {"format": form, "version": VERSION, "hash": meaning(graph, params)}


def graph_data(graph: Graph, evaluation: Evaluation | None = None) -> dict[str, Any]:
    """The graph as dictionaries and lists; recursion only as deep as structured nodes nest."""
    written = WrittenOperations(graph)
    names = versions(written)
    data: dict[str, Any] = {
        "inputs": list(graph.inputs),
        "outputs": list(graph.outputs),
        "groups": [_without_none({"parent": _index(g.parent), "function": g.function}) for g in graph.groups],
        "nodes": [
            _node(graph, evaluation, i) | operation_data(written, i) | version_data(names.get(i))
            for i in range(len(graph))
        ],
    }
    if evaluation is not None and evaluation.of is not None:
        data["of"] = evaluation.of
    return data


def _node(graph: Graph, evaluation: Evaluation | None, i: int) -> dict[str, Any]:
    span = graph.span[i]
    position = graph.spans[span].source.position(graph.spans[span].start) if span != NONE else None
    attrs = {
        key: graph_data(value) if isinstance(value, Graph) else _plain(value)
        for key, value in graph.attrs.get(i, {}).items()
    }
    node: dict[str, Any] = {
        "id": i,
        "op": opname(graph.op[i]),
        "name": graph.names.get(i),
        "symbol": BY_CODE[graph.op[i]].spelling.symbol,
        "type": str(graph.type_of(i)).removeprefix("~"),
        "inputs": list(graph.operands(i)),
        "attrs": attrs or None,
        "group": _index(graph.group[i]),
        "file": graph.spans[span].source.name if position else None,
        "line": position[0] if position else None,
        "column": position[1] if position else None,
    }
    if evaluation is not None:
        node["value"] = _number(evaluation.values[i])
        if evaluation.of is not None:
            node["gradient"] = _number(evaluation.adjoints[i])
            partials = evaluation.partials.get(i)
            node["partials"] = [_number(p) for p in partials] if partials else None
    return _without_none(node)


def operation_data(written: WrittenOperations, i: int) -> dict[str, Any]:
    """The written operation that a node is part of, where that has several nodes; its result has the source text."""
    result = written.result_of[i]
    if result != i:
        return {"written": {"result": result}}
    return {"written": {"result": i, "text": written.text(i)}} if i in written.members else {}


def version_data(version: Version | None) -> dict[str, Any]:
    """Which of the bindings of its name a node is, where there are several."""
    return {} if version is None or version.is_only else {"name": version.name, "version": version.number}


def _plain(value: Any) -> Any:
    """An attribute: a size that is an expression is its text."""
    if isinstance(value, (tuple, list)):
        return [_plain(x) for x in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _number(value: Any) -> Any:
    """A number; a tensor with all its elements, a large one as a summary."""
    if isinstance(value, list):
        return {"items": len(value)}
    if not is_tensor(value):
        return value
    if value.size <= MOST_ELEMENTS:
        return as_lists(value)
    statistics: dict[str, Any] = {"shape": list(value.shape)}
    if value.dtype.kind == "f":
        statistics |= {"min": float(value.min()), "max": float(value.max()), "norm": norm(value)}
    return statistics


def _index(index: int) -> int | None:
    return None if index == NONE else index


def _without_none(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if value is not None}
