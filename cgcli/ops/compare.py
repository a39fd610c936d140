"""Comparisons and logic: their results are bools, their derivatives zero."""

from __future__ import annotations

from .op import ZERO, Notation, Op, register
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
    register(
        Op(
            name=_name,
            doc=_doc,
            notation=Notation("infix", _text, 4, assoc="none", picture=_picture),
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
            vjp=ZERO,
            flow="elementwise",
            hazard=False,
            latex=f"{{0}} {_latex} {{1}}",
            domain="all numbers; nan is unequal to everything",
            examples=_PAIRS,
        )
    )

register(
    Op(
        name="and",
        doc="whether both are true",
        notation=Notation("infix", "and", 2),
        type_rule=logical,
        evaluate=lambda xp, at, x, y: xp.logical_and(x, y),
        inline="{0} and {1}",
        vjp=ZERO,
        flow="elementwise",
        hazard=False,
        latex=r"{0} \wedge {1}",
        domain="bools",
        examples=((True, False), (True, True)),
    )
)
register(
    Op(
        name="or",
        doc="whether one of the two is true, or both",
        notation=Notation("infix", "or", 1),
        type_rule=logical,
        evaluate=lambda xp, at, x, y: xp.logical_or(x, y),
        inline="{0} or {1}",
        vjp=ZERO,
        flow="elementwise",
        hazard=False,
        latex=r"{0} \vee {1}",
        domain="bools",
        examples=((True, False), (False, False)),
    )
)
register(
    Op(
        name="not",
        doc="whether it is false",
        notation=Notation("prefix", "not", 3),
        type_rule=logical,
        evaluate=lambda xp, at, x: xp.logical_not(x),
        inline="not {0}",
        vjp=ZERO,
        flow="elementwise",
        hazard=False,
        latex=r"\neg {0}",
        domain="bools",
        examples=((True,), (False,)),
    )
)
