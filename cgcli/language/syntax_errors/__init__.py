"""What a syntax error most likely is: small rules, the most specific first, each of which knows one slip.

A rule looks at a `Place` and returns the error that it knows, or None. Its docstring shows what it is about.
"""

from __future__ import annotations

from . import blocks, brackets, operators, values, words
from .place import Place, Rule

__all__ = ["RULES", "Place"]

RULES: tuple[Rule, ...] = (
    *brackets.RULES,
    *words.FOREIGN_WORDS,
    *operators.LONGER,
    *blocks.RULES,
    *words.RULES,
    *values.BEFORE_OPERATORS,
    *operators.RULES,
    *values.RULES,
)
