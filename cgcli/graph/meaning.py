"""What a graph means, as a hash: a Merkle tree over what its results are computed from.

The digest of a node is that of its op, type and attributes and of the digests of its operands, so neither the order of
the nodes nor one that nothing needs counts, nor whether equal nodes are one. Names of values between inputs and
results, functions that were called and source texts do not count either. docs/graph-schema.md says it for users.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import Any

from .graph import COPY, Graph, nested, opname

RECIPE = "cg meaning 1"  # another recipe gives other hashes


def meaning(graph: Graph, params: Collection[str] = ()) -> str:
    """The SHA-256 of what a graph means, in hex. params: those of its inputs that are parameters."""
    names = graph.names
    digests = _digests(graph, {i: ["param" if names.get(i) in params else "input", names.get(i)] for i in graph.inputs})
    inputs = sorted(digests[i].hex() for i in graph.inputs)
    outputs = [[names.get(i), digests[i].hex()] for i in graph.outputs]
    return _digest([RECIPE, inputs, outputs, _checks(graph, digests)]).hex()


def _nested_meaning(graph: Graph) -> str:
    """The digest of a side of a `cond`, or of a loop's body or condition: its inputs are those of their positions."""
    digests = _digests(graph, {i: [k] for k, i in enumerate(graph.inputs)})
    return _digest([[digests[i].hex() for i in graph.outputs], _checks(graph, digests)]).hex()


def _checks(graph: Graph, digests: list[bytes]) -> list[str]:
    return sorted({digests[i].hex() for i in graph.asserts})


def _digests(graph: Graph, inputs: Mapping[int, list[Any]]) -> list[bytes]:
    """The digest of each node; recursion only as deep as structured nodes nest. inputs: what tells the inputs apart."""
    digests: list[bytes] = []
    heads: dict[tuple[int, int], bytes] = {}  # of nodes without attributes, which most are
    for i, code in enumerate(graph.op):
        if code == COPY:
            digests.append(digests[graph.a[i]])
            continue
        attrs = graph.attrs.get(i)
        head = heads.get((code, graph.type[i])) if not attrs and i not in inputs else None
        if head is None:
            graphs = {key: _nested_meaning(inner) for key, inner in nested(attrs or {}).items()}
            head = _text([opname(code), str(graph.type_of(i)), {**(attrs or {}), **graphs}, inputs.get(i)])
            if not attrs and i not in inputs:
                heads[code, graph.type[i]] = head
        digests.append(sha256(b"".join((head, b"\0", *(digests[x] for x in graph.operands(i))))).digest())
    return digests


def _digest(data: list[Any]) -> bytes:
    return sha256(_text(data)).digest()


def _text(data: list[Any]) -> bytes:
    """The data as JSON, which holds no byte 0: sizes are texts, and floats have as many digits as tell them apart."""
    return json.dumps(data, sort_keys=True, default=str).encode()
