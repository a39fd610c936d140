"""Nodes that carry or route values: constants and inputs, copies and casts, `cond` and its results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cgcli.graph.graph import Graph
from cgcli.graph.types import AnyType, Results, Type, parse_type

from .failures import AssertionFailed
from .op import ZERO, Attrs, Notation, Op, Structured, TypeMismatch, register
from .typing import one, single


def _no_type_rule(types: Sequence[AnyType], at: Attrs) -> AnyType:
    raise TypeMismatch("no-type-rule")  # inputs and constants are built with their type


def _same(types: Sequence[AnyType], at: Attrs) -> AnyType:
    return types[0]


def _cond_type(types: Sequence[AnyType], at: Attrs) -> Results:
    if one(types[0]).dtype != "bool":
        raise TypeMismatch("not-a-bool", [0], found=types[0])
    sides: tuple[Graph, Graph] = (at["then"], at["else"])
    for side in sides:
        if [_typed(side.type_of(i)) for i in side.inputs] != [_typed(t) for t in types[1:]]:
            raise TypeMismatch("side-inputs")
    then, otherwise = ([single(g.type_of(i)) for i in g.outputs] for g in sides)
    if then != otherwise:
        raise TypeMismatch("branches-differ")
    return Results(tuple(then))


def _typed(t: AnyType) -> AnyType:
    """A side may read a literal as a number of its dtype."""
    return t._replace(weak=False) if isinstance(t, Type) else t


def _get_type(types: Sequence[AnyType], at: Attrs) -> AnyType:
    results = types[0]
    assert isinstance(results, Results)
    return results.items[at["k"]]


register(
    Op(
        name="input",
        doc="a value given at each run",
        notation=Notation("none", "input"),
        type_rule=_no_type_rule,
        evaluate=lambda xp, at, x: x,
        vjp=ZERO,
        flow="elementwise",
        hazard=False,
        latex="",
        domain="what its type and range say",
        examples=(),
    )
)
register(
    Op(
        name="const",
        doc="a constant",
        notation=Notation("none", "const"),
        type_rule=_no_type_rule,
        evaluate=lambda xp, at: at["value"],
        vjp=ZERO,
        flow="elementwise",
        hazard=False,
        latex="{value}",
        domain="any value",
        examples=(),
    )
)
register(
    Op(
        name="copy",
        doc="the same value under another name",
        notation=Notation("same", "copy"),
        type_rule=_same,
        evaluate=lambda xp, at, x: x,
        inline="{0}",
        vjp=(lambda b, g, y, x, at: g,),
        flow="elementwise",
        hazard=False,
        latex="{0}",
        domain="any value",
        examples=((2.0,),),
    )
)
register(
    Op(
        name="cast",
        doc="the same number in another dtype",
        notation=Notation("same", "cast"),
        type_rule=lambda types, at: one(parse_type(at["dtype"]))._replace(shape=one(types[0]).shape),
        evaluate=lambda xp, at, x: x,  # the executor fits every value into its node's type
        inline="{0}",
        vjp=(lambda b, g, y, x, at: g,),
        flow="elementwise",
        hazard=False,
        latex="{0}",
        domain="any number",
        examples=((2.0,), (-1.5,)),
        example_attrs={"dtype": "float"},
    )
)
register(
    Op(
        name="stop_gradient",
        doc="its argument, as a constant for derivatives",
        notation=Notation("call", "stop_gradient"),
        type_rule=_same,
        evaluate=lambda xp, at, x: x,
        inline="{0}",
        vjp=ZERO,
        flow="elementwise",
        hazard=False,
        latex=r"\operatorname{{stop\_gradient}}\left({0}\right)",
        domain="any value",
        examples=((2.0,),),
    )
)
register(
    Op(
        name="cond",
        doc="the results of the side that its condition takes; the other side is not computed",
        notation=Notation("none", "if"),
        type_rule=_cond_type,
        evaluate=lambda run, at, c, *xs: tuple(run(at["then"] if c else at["else"], xs)),
        vjp=Structured(),
        flow="structural",
        hazard=False,  # its sides may have one: the builder looks
        may_fail=True,
        latex=r"\text{{if}}\ {0}",
        domain="a scalar bool and the values that its sides read",
        examples=(),
    )
)
register(
    Op(
        name="get",
        doc="one of the results of a node that has several",
        notation=Notation("none", "get"),
        type_rule=_get_type,
        evaluate=lambda xp, at, results: results[at["k"]],
        vjp=Structured(),
        flow="structural",
        hazard=False,
        latex="{0}",
        domain="a node with several results",
        examples=(),
    )
)


def _bool_type(types: Sequence[AnyType], at: Attrs) -> AnyType:
    if one(types[0]).dtype != "bool":
        raise TypeMismatch("not-a-bool", [0], found=types[0])
    return types[0]


def _holds(xp: Any, at: Attrs, c: Any) -> Any:
    """A row of several is a row of a batch."""
    rows = getattr(c, "shape", ())
    if not rows:
        if not c:
            raise AssertionFailed
    elif not c.all():
        raise AssertionFailed(*(int(indices[0]) for indices in (~c).nonzero()))
    return c


register(
    Op(
        name="assert",
        doc="stops the run where its condition does not hold",
        notation=Notation("none", "assert"),
        type_rule=_bool_type,
        evaluate=_holds,
        vjp=ZERO,
        flow="elementwise",
        hazard=False,
        may_fail=True,
        harmless={0: 1},
        latex=r"\text{{assert}}\ {0}",
        domain="a bool",
        examples=((True,),),
        example_attrs={"message": "it holds"},
    )
)
