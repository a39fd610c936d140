"""Comparisons and logic: their results are bools, their derivatives zero."""

from __future__ import annotations

from .op import Effects, Spelling, declare
from .typing import comparison, logical

_PAIRS = ((1.0, 2.0), (2.0, 2.0), (3.0, 2.0))

for _name, _doc, _text, _picture, _latex, _kernel in (
    ("lt", "whether the first is less", "<", None, "<", lambda xp, at, x, y: x < y),
    ("le", "whether the first is less or equal", "<=", "≤", r"\le", lambda xp, at, x, y: x <= y),
    ("gt", "whether the first is greater", ">", None, ">", lambda xp, at, x, y: x > y),
    ("ge", "whether the first is greater or equal", ">=", "≥", r"\ge", lambda xp, at, x, y: x >= y),
    ("eq", "whether both are equal", "==", "=", "=", lambda xp, at, x, y: x == y),
    ("ne", "whether the two differ", "!=", "≠", r"\ne", lambda xp, at, x, y: x != y),
):
    declare(
        _name,
        _doc,
        spelling=Spelling("infix", _text, 4, assoc="none", picture=_picture, latex=f"{{0}} {_latex} {{1}}"),
        type_rule=comparison,
        evaluate=_kernel,
        inline=f"{{0}} {_text} {{1}}",
        effects=Effects(commutes=_name in ("eq", "ne"), prescribed=True),
        examples=_PAIRS,
        domain="all numbers; nan is unequal to everything",
    )

for _name, _doc, _level, _latex, _kernel in (
    ("and", "whether both are true", 2, r"\wedge", lambda xp, at, x, y: xp.logical_and(x, y)),
    ("or", "whether one of the two is true, or both", 1, r"\vee", lambda xp, at, x, y: xp.logical_or(x, y)),
):
    declare(
        _name,
        _doc,
        spelling=Spelling("infix", level=_level, latex=f"{{0}} {_latex} {{1}}", chains=True),
        type_rule=logical,
        evaluate=_kernel,
        inline=f"{{0}} {_name} {{1}}",
        effects=Effects(commutes=True, prescribed=True),
        examples=((True, False), (True, True), (False, False)),
        domain="bools",
    )

declare(
    "not",
    "whether it is false",
    spelling=Spelling("prefix", level=3, latex=r"\neg {0}"),
    type_rule=logical,
    evaluate=lambda xp, at, x: xp.logical_not(x),
    inline="not {0}",
    effects=Effects(prescribed=True),
    examples=((True,), (False,)),
    domain="bools",
)
