"""Constant folding: an operation on constants alone is a constant, also one that fills a tensor.

A graph of numbers runs on Python's own arithmetic, and so does folding. A graph with tensors runs on an array library,
whose `exp` may differ in the last bit: there, only operations are folded whose result IEEE 754 prescribes.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from cgcli.graph.graph import CAST, COND, CONST, LOOP, Graph
from cgcli.graph.traversal import used
from cgcli.graph.types import Type
from cgcli.ops.failures import AssertionFailed, IntegerDivisionByZero, Overflow
from cgcli.ops.number_kernels import evaluate, is_scalar
from cgcli.ops.numbers import float32
from cgcli.ops.op import Op
from cgcli.ops.stopping import may_fail
from cgcli.ops.table import BY_CODE

from .editor import Editor
from .identities import Number
from .passes import Log, rewrite
from .structure import View

_EXACT_INT = 2**53  # beyond, an int is not a float


@rewrite("fold", "what is made of constants alone is computed now, unless that could stop the run")
def fold(graph: Graph, log: Log | None = None) -> Graph:
    return _folded(graph, {}, is_scalar(graph), log)


def _folded(graph: Graph, constants: dict[int, tuple[Number, Type]], numbers: bool, log: Log | None) -> Graph:
    """The graph folded. constants: of some inputs their values. numbers: whether it runs on Python's arithmetic."""
    ed = Editor(graph, log)
    if constants:
        read = used(graph)
        for i, (value, t) in constants.items():
            if read[i]:
                ed.go(i)
                ed.replace(i, ed.const(value, t))
                ed.say("what an `if` or a loop is handed is a constant: it stands inside")
    for i in ed.walk():
        code = ed.op[i]
        if code in (COND, LOOP):
            _fold_nested(ed, i, numbers, log)
            continue
        operands = ed.operands(i)
        if not operands or ed.op[operands[0]] != CONST:
            continue  # every foldable op has a first operand, and it has to be a constant
        folded = _value(ed, i, operands, numbers)
        if folded is not None:
            ed.say("{} is made of constants alone", i)
            ed.replace(i, ed.const(folded, ed.type1(i)))
    return ed.finish()


def _fold_nested(ed: Editor, i: int, numbers: bool, log: Log | None) -> None:
    """Folds within the graphs nested in node `i`, whose inputs may be constants."""
    view = View.of(ed, i)
    folded: dict[str, Graph] = {}
    for key, graph in view.graphs():
        constants = {
            x: (number, ed.type1(y))
            for x, y in zip(view.inputs(key)[1], view.invariants, strict=True)
            if (number := ed.number(y)) is not None
        }
        folded[key] = _folded(graph, constants, numbers, log)
    if any(folded[key] is not view.attrs[key] for key in folded):
        ed.alter(i, attrs={**view.attrs, **folded})


def _value(ed: Editor, i: int, operands: tuple[int, ...], numbers: bool) -> Number | None:
    """The number that node `i` is or is filled with, None where it is no constant."""
    op, t = BY_CODE[ed.op[i]], ed.single(i)
    values = [number for x in operands if (number := ed.number(x)) is not None]
    if t is None or len(values) < len(operands) or op.is_structured:
        return None
    types = [ed.type1(x) for x in operands]
    attrs = ed.attrs.get(i, {})
    if op.effects.rearranges:  # however equal elements are moved
        return None if may_fail(op, types, t, attrs) else values[0]
    if not op.is_elementwise or (op.effects.may_fail and t.shape):
        return None
    if any(x.dtype == "f32" and _f32(v) != v for x, v in zip(types, values, strict=True)):
        return None  # executors differ in where they round
    if not numbers and not _prescribed(op, values, types, t):
        return None
    try:
        value: Number = evaluate(ed.op[i], values, types, t, attrs)
    except (IntegerDivisionByZero, Overflow, AssertionFailed):
        return None
    if not numbers and value == 0 and op.effects.zero_of_either_sign:
        return None  # of two zeros either may be the larger one
    python_type: type = bool if t.dtype == "bool" else int if t.is_int else float
    # a literal's int that left 64 bits goes on as a float: no constant of an int's type
    return value if type(value) is python_type else None


def _f32(value: Number) -> Number:
    return float32(value) if isinstance(value, float) and isfinite(value) else value


def _prescribed(op: Op, values: Sequence[Number], types: list[Type], t: Type) -> bool:
    """Whether every array library computes the same bits."""
    if t.dtype in ("f32", "i32") and op.code != CAST:
        return False  # libraries round literals before or after
    if any(not isinstance(v, float) and abs(v) >= _EXACT_INT for v in values):
        return False
    prescribed = op.effects.prescribed
    return all(isinstance(v, int) for v in values) if prescribed == "ints" else prescribed
