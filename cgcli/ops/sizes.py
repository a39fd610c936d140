"""Sizes: which named ones a graph computes with, the numbers that inputs bind them to, and the bytes of values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cgcli.diagnostics.diagnostic import error
from cgcli.graph.graph import Graph, Node
from cgcli.graph.sizes import Size, add, evaluate, mul, product
from cgcli.graph.traversal import every
from cgcli.graph.types import ANY, DTYPE_BYTES, AnyType, Results, Stack, Type

from .failures import NegativeSize

if TYPE_CHECKING:
    from .protocols import Attrs

_NAME = re.compile(r"[^\W\d]\w*")


def named_sizes(graph: Graph) -> frozenset[str]:
    """The names in the shapes of a graph's values and in its attributes, those of nested graphs too.

    A superset: attributes hold other words as well.
    """
    names: set[str] = set()
    for g in every(graph):
        for t in g.types:
            names.update(name for size in size_texts(t) for name in _NAME.findall(size))
        for attrs in g.attrs.values():
            for value in attrs.values():
                names.update(name for text in _texts(value) for name in _NAME.findall(text))
    return frozenset(names)


def bind_sizes(graph: Graph, nodes: Sequence[int], inputs: Sequence[Any]) -> dict[str, int]:
    """The numbers of named sizes, from the shapes of input nodes and from inputs that are sizes themselves.

    Inputs fit their types up to named sizes. Raises CgError where a name would be two numbers.
    """
    import numpy as np

    numbers: dict[str, int] = {}
    owner: dict[str, str] = {}
    for i, x in zip(nodes, inputs, strict=True):
        t = graph.type_of(i)
        assert isinstance(t, Type)
        if t == ANY:
            continue
        name = graph.names.get(i, "")
        bindings = [(name, int(x))] if t.is_int and not t.shape and name else []
        bindings += [(d, n) for d, n in zip(t.shape, np.shape(x), strict=True) if isinstance(d, str)]
        for size, n in bindings:
            if numbers.setdefault(size, n) != n:
                raise error(
                    "size-twice",
                    Node(graph, i).span,
                    status=1,
                    size=size,
                    first=numbers[size],
                    second=n,
                    owner=owner[size],
                    name=name,
                )
            owner.setdefault(size, name)
    return numbers


def size_texts(t: AnyType) -> Iterator[str]:
    """The sizes of a type that are made of names."""
    if isinstance(t, Results):
        for item in t.items:
            yield from size_texts(item)
        return
    while isinstance(t, Stack):
        t = t.item
    yield from (size for size in t.shape if isinstance(size, str))


def _texts(value: object) -> Iterator[str]:
    """The texts in nested tuples; the recursion is as deep as they are."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _texts(item)


# ---- what values take


def operand_elements(types: Sequence[AnyType], result: AnyType, attrs: Attrs) -> Size:
    """How many numbers the first operand has: the operations of a reduction."""
    return elements(types[0])


def elements(t: AnyType) -> Size:
    """How many numbers a value of this type has; 0 for a stack, whose length only the run decides."""
    return _total(t, lambda tensor: product(tensor.shape))


def bytes_of(t: AnyType) -> Size:
    """The bytes of a value of this type; 0 for a stack, whose length only the run decides."""
    return _total(t, lambda tensor: mul(product(tensor.shape), DTYPE_BYTES[tensor.dtype]))


def _total(t: AnyType, size: Callable[[Type], Size]) -> Size:
    """The size of a tensor, or the sum of those of several results."""
    if isinstance(t, Results):
        total: Size = 0
        for item in t.items:
            total = add(total, _total(item, size))
        return total
    return size(t) if isinstance(t, Type) else 0


def type_bytes(t: AnyType, env: Mapping[str, int]) -> int:
    """`bytes_of` with numbers for named sizes. Raises NegativeSize, and UnknownSize for a name without a number."""
    items = t.items if isinstance(t, Results) else (t,)
    size = bytes_of(Results(tuple(_with_numbers(item, env) for item in items)))
    assert isinstance(size, int)
    return size


def _with_numbers(t: Type | Stack, env: Mapping[str, int]) -> Type | Stack:
    if isinstance(t, Stack):
        return t
    numbers = []
    for size in t.shape:
        n = evaluate(size, env)
        if n < 0:
            raise NegativeSize(size, n)
        numbers.append(n)
    return t._replace(shape=tuple(numbers))
