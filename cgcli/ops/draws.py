"""Random numbers of an explicit seed: the same seed and name give the same bits on every machine (`random`)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from cgcli.diagnostics.diagnostic import error
from cgcli.graph.graph import Graph, map_nested, opcode
from cgcli.graph.sizes import Size
from cgcli.graph.traversal import every
from cgcli.graph.types import AnyType, Type

from .op import Spelling, TypeMismatch, declare_structural
from .typing import one

if TYPE_CHECKING:
    from .protocols import Array, ArrayNamespace, Attrs, BoundAttrs, OpBuilder


def _drawn(types: Sequence[AnyType], at: Attrs) -> Type:
    seed = one(types[0])
    if not seed.is_int or seed.shape:
        raise TypeMismatch("seed-not-an-int", [0], type=seed)
    return Type("float", tuple(at["shape"]))


def _draw(kind: str, xp: ArrayNamespace, at: BoundAttrs, seed: Array) -> Array:
    draw: Callable[[tuple[int, ...], int, str], Array] = getattr(xp, kind)
    return draw(at["shape"], int(seed), at["name"])


def _refuse(b: OpBuilder, xs: Sequence[int], flags: Sequence[bool], at: Attrs, size: Size) -> int:
    raise error("seed-by-row")


_DRAWS = {
    "uniform": "numbers drawn evenly from 0 to 1",
    "standard_normal": "numbers drawn from the normal distribution of mean 0 and deviation 1",
}
for _name, _doc in _DRAWS.items():
    declare_structural(
        _name,
        _doc,
        spelling=Spelling("none"),
        type_rule=_drawn,
        evaluate=partial(_draw, _name),
        examples=((7,),),
        attrs={"shape": (2, 3), "name": "x"},
        domain="an int seed",
        sized=("shape",),
        batch=_refuse,
    )

_CODES = frozenset(map(opcode, _DRAWS))


def has_draws(graph: Graph) -> bool:
    """Whether a graph draws random numbers."""
    return any(not _CODES.isdisjoint(g.op) for g in every(graph))


def drawn_apart(graph: Graph, sizes: Collection[str], number: int) -> Graph:
    """The graph with other random numbers, of each `number` others, in tensors that have an axis of one of the sizes;
    the graph itself for 0, and where it draws no such tensors. Recursion only into nested graphs.
    """
    if not number or not has_draws(graph):
        return graph
    attrs = {i: map_nested(at, lambda g: drawn_apart(g, sizes, number)) for i, at in graph.attrs.items()}
    for i, code in enumerate(graph.op):
        if code in _CODES and any(_names_one(size, sizes) for size in attrs[i]["shape"]):
            attrs[i] = {**attrs[i], "name": f"{attrs[i]['name']}, part {number}"}
    changed = any(at is not graph.attrs[i] for i, at in attrs.items())
    return replace(graph, attrs=attrs) if changed else graph


def _names_one(size: Size, names: Collection[str]) -> bool:
    """Whether a size is one of these named sizes, or computed from one."""
    import re  # for trainings alone

    return not isinstance(size, int) and not set(names).isdisjoint(re.findall(r"\w+", size))
