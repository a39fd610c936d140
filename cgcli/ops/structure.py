"""Nodes that carry or route values: constants and inputs, copies and casts, `cond` and its results."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from cgcli.graph.graph import Graph
from cgcli.graph.types import AnyType, Results, Type, parse_type

from .failures import AssertionFailed
from .op import Effects, Spelling, Structured, TypeMismatch, declare, declare_structural
from .typing import one, one_bool, single

if TYPE_CHECKING:
    from .protocols import Array, ArrayNamespace, Attrs, BoundAttrs
    from .spelling import Style, Written


def _no_type_rule(types: Sequence[AnyType], at: Attrs) -> AnyType:
    raise TypeMismatch("no-type-rule")  # inputs and constants are built with their type


def _same(types: Sequence[AnyType], at: Attrs) -> AnyType:
    return types[0]


def _keeps_dtype(types: Sequence[AnyType], result: AnyType, at: Attrs) -> bool:
    """Whether a cast changes nothing; of a literal, a Python number, it makes an array."""
    (source,) = types
    return isinstance(source, Type) and isinstance(result, Type) and source.dtype == result.dtype


def _write_constant(spelling: Spelling, operands: Sequence[Written], at: Attrs, style: Style) -> Written:
    from .spelling import write_number  # for those who write

    return write_number(at["value"], style)


def _latex_number(at: Attrs) -> tuple[str, int]:
    from .spelling import write_number

    number = write_number(at["value"])
    return number.text.replace("nan", r"\mathrm{nan}").replace("inf", r"\infty"), number.level


def _cond_type(types: Sequence[AnyType], at: Attrs) -> Results:
    one_bool(types)
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


declare(
    "input",
    "a value given at each run",
    spelling=Spelling("none", written_if=lambda at: True),
    type_rule=_no_type_rule,
    evaluate=lambda xp, at, x: x,
    effects=Effects(out=False),
    domain="what its type and range say",
)
declare(
    "const",
    "a constant",
    spelling=Spelling("none", latex=_latex_number, rule=_write_constant),
    type_rule=_no_type_rule,
    evaluate=lambda xp, at: at["value"],
    effects=Effects(out=False),
    domain="any value",
)
_same_value = partial(declare, evaluate=lambda xp, at, x: x, inline="{0}")  # kernels fit it into its type
_same_value(
    "copy",
    "the same value under another name",
    lambda b, g, y, x, at: g,
    spelling=Spelling("same", latex="{0}", storage=True),
    type_rule=_same,
    effects=Effects(view=True, out=False, prescribed=True),
    examples=((2.0,),),
    domain="any value",
)
_same_value(
    "cast",
    "the same number in another dtype",
    lambda b, g, y, x, at: g,
    spelling=Spelling("same", latex="{0}", storage=True),
    type_rule=lambda types, at: one(parse_type(at["dtype"]))._replace(shape=one(types[0]).shape),
    effects=Effects(view=_keeps_dtype, operations=0, prescribed=True),
    examples=((2.0,), (-1.5,)),
    attrs={"dtype": "float"},
    domain="any number",
)
_same_value(
    "stop_gradient",
    "its argument, as a constant for derivatives",
    type_rule=_same,
    effects=Effects(view=True, out=False, prescribed=True),
    examples=((2.0,),),
    domain="any value",
)
declare_structural(
    "cond",
    "the results of the side that its condition takes; the other side is not computed",
    Structured(),
    spelling=Spelling("none", "if", latex=r"\text{{if}}\ {0}"),
    type_rule=_cond_type,
    evaluate=lambda run, at, c, *xs: tuple(run(at["then"] if c else at["else"], xs)),
    effects=Effects(may_fail=True),
    domain="a scalar bool and the values that its sides read",
)
declare_structural(
    "get",
    "one of the results of a node that has several",
    Structured(),
    spelling=Spelling("none", latex="{0}"),
    type_rule=_get_type,
    evaluate=lambda xp, at, results: results[at["k"]],
    effects=Effects(operations=0),
    domain="a node with several results",
)


def _holds(xp: ArrayNamespace, at: BoundAttrs, c: Array) -> Array:
    """A row of several is a row of a batch."""
    rows = getattr(c, "shape", ())
    if not rows:
        if not c:
            raise AssertionFailed
    elif not c.all():
        raise AssertionFailed(*(int(indices[0]) for indices in (~c).nonzero()))
    return c


declare(
    "assert",
    "stops the run where its condition does not hold",
    spelling=Spelling("none", latex=r"\text{{assert}}\ {0}"),
    type_rule=lambda types, at: one_bool(types),
    evaluate=_holds,
    effects=Effects(view=True, out=False, may_fail=True, harmless={0: 1}),
    examples=((True,),),
    attrs={"message": "it holds"},
    domain="a bool",
)
