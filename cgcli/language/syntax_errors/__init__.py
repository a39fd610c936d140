"""What a syntax error most likely is: small rules, the most specific first, each of which detects one mistake.

A rule takes a `Position` and returns the error that it detects there, or None. Its docstring shows examples.
"""

from __future__ import annotations

from . import blocks, brackets, operators, values, words
from .position import Position, SyntaxRule

__all__ = ["RULES", "Position"]

RULES: tuple[SyntaxRule, ...] = (
    *brackets.RULES,
    *words.FOREIGN_WORDS,
    *operators.LONGER,
    *blocks.RULES,
    *words.RULES,
    *values.BEFORE_OPERATORS,
    *operators.RULES,
    *values.RULES,
)
