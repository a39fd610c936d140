"""Random numbers of an explicit seed: the same seed and name give the same bits on every machine (`random`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cgcli.graph.types import AnyType, Type

from .op import Attrs, Derivative, Examples, Op, Spelling, TypeMismatch, register
from .typing import one


def _drawn(types: Sequence[AnyType], at: Attrs) -> Type:
    seed = one(types[0])
    if not seed.is_int or seed.shape:
        raise TypeMismatch("seed-not-an-int", [0], type=seed)
    return Type("float", tuple(at["shape"]))


def _draw(kind: str) -> Any:
    def evaluate(xp: Any, at: Attrs, seed: Any) -> Any:
        return getattr(xp, kind)(at["shape"], int(seed), at["name"])

    return evaluate


def _refuse(b: Any, xs: Sequence[int], flags: Sequence[bool], at: Attrs, size: Any) -> int:
    raise TypeMismatch("seed-not-an-int", [0], type=b.type1(xs[0]))


for _name, _kind, _doc in (
    ("uniform", "uniform", "numbers drawn evenly from 0 to 1"),
    ("standard_normal", "standard_normal", "numbers drawn from the normal distribution of mean 0 and deviation 1"),
):
    register(
        Op(
            name=_name,
            doc=_doc,
            spelling=Spelling("none", _name, latex=rf"\operatorname{{{_name}}}".replace("_", r"\_")),
            type_rule=_drawn,
            evaluate=_draw(_kind),
            derivative=Derivative(flow="structural"),
            sized=("shape",),
            batch=_refuse,
            examples=Examples(((7,),), attrs={"shape": (2, 3), "name": "x"}, domain="an int seed"),
        )
    )
