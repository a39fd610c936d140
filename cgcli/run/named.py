"""Which named sizes a graph computes with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cgcli.graph.graph import Graph
from cgcli.graph.types import AnyType, Results, Stack

_NAME = re.compile(r"[^\W\d]\w*")


def named_sizes(graph: Graph) -> frozenset[str]:
    """The names in the shapes of a graph's values and in what its operations are told, those of nested graphs too.

    More than that may be in it (what operations are told are words as well), never less.
    """
    found: set[str] = set()
    waiting = [graph]
    while waiting:
        each = waiting.pop()
        for t in each.types:
            found.update(name for size in _sizes(t) for name in _NAME.findall(size))
        for attrs in each.attrs.values():
            for value in attrs.values():
                if isinstance(value, Graph):
                    waiting.append(value)
                else:
                    found.update(name for text in _texts(value) for name in _NAME.findall(text))
    return frozenset(found)


def _sizes(t: AnyType) -> Iterator[str]:
    if isinstance(t, Results):
        for item in t.items:
            yield from _sizes(item)
        return
    while isinstance(t, Stack):
        t = t.item
    yield from (size for size in t.shape if isinstance(size, str))


def _texts(value: Any) -> Iterator[str]:
    """The texts in a value, which is as deep as tuples within tuples are."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _texts(item)
