"""Random numbers of an explicit seed: the same seed and name give the same bits on every machine (`random`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from cgcli.diagnostics.diagnostic import error
from cgcli.graph.sizes import Size
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


for _name, _doc in (
    ("uniform", "numbers drawn evenly from 0 to 1"),
    ("standard_normal", "numbers drawn from the normal distribution of mean 0 and deviation 1"),
):
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
