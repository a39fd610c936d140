"""Comparisons and logic: their results are bools, their derivatives zero."""

from __future__ import annotations

from .op import Effects, Spelling, declare
from .typing import comparison, logical

_PAIRS = ((1.0, 2.0), (2.0, 2.0), (3.0, 2.0))

for _name, _doc, _text, _picture, _latex in (
    ("lt", "whether the first is less", "<", None, "<"),
    ("le", "whether the first is less or equal", "<=", "≤", r"\le"),
    ("gt", "whether the first is greater", ">", None, ">"),
    ("ge", "whether the first is greater or equal", ">=", "≥", r"\ge"),
    ("eq", "whether both are equal", "==", "=", "="),
    ("ne", "whether the two differ", "!=", "≠", r"\ne"),
):
    declare(
        _name,
        _doc,
        spelling=Spelling("infix", _text, 4, assoc="none", picture=_picture, latex=f"{{0}} {_latex} {{1}}"),
        type_rule=comparison,
        evaluate={
            "lt": lambda xp, at, x, y: x < y,
            "le": lambda xp, at, x, y: x <= y,
            "gt": lambda xp, at, x, y: x > y,
            "ge": lambda xp, at, x, y: x >= y,
            "eq": lambda xp, at, x, y: x == y,
            "ne": lambda xp, at, x, y: x != y,
        }[_name],
        inline=f"{{0}} {_text} {{1}}",
        effects=Effects(commutes=_name in ("eq", "ne"), prescribed=True),
        examples=_PAIRS,
        domain="all numbers; nan is unequal to everything",
    )

declare(
    "and",
    "whether both are true",
    spelling=Spelling("infix", "and", 2, latex=r"{0} \wedge {1}"),
    type_rule=logical,
    evaluate=lambda xp, at, x, y: xp.logical_and(x, y),
    inline="{0} and {1}",
    effects=Effects(commutes=True, prescribed=True),
    examples=((True, False), (True, True)),
    domain="bools",
)
declare(
    "or",
    "whether one of the two is true, or both",
    spelling=Spelling("infix", "or", 1, latex=r"{0} \vee {1}"),
    type_rule=logical,
    evaluate=lambda xp, at, x, y: xp.logical_or(x, y),
    inline="{0} or {1}",
    effects=Effects(commutes=True, prescribed=True),
    examples=((True, False), (False, False)),
    domain="bools",
)
declare(
    "not",
    "whether it is false",
    spelling=Spelling("prefix", "not", 3, latex=r"\neg {0}"),
    type_rule=logical,
    evaluate=lambda xp, at, x: xp.logical_not(x),
    inline="not {0}",
    effects=Effects(prescribed=True),
    examples=((True,), (False,)),
    domain="bools",
)
