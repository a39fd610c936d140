"""Polynomials with whole factors over named terms: the arithmetic behind sizes."""

from __future__ import annotations

from collections.abc import Mapping

Polynomial = Mapping[tuple[str, ...], int]
"""Of each product of terms (sorted; none for the number alone) its factor, which is not 0."""


def floored(a: int | str, b: int | str) -> str:
    """The term that stands for ⌊a / b⌋."""
    first, second = (str(x) if str(x).isidentifier() or str(x).isdigit() else f"({x})" for x in (a, b))
    return f"({first}//{second})"


def added(a: Polynomial, b: Polynomial) -> Polynomial:
    total = dict(a)
    for terms, factor in b.items():
        total[terms] = total.get(terms, 0) + factor
    return {terms: factor for terms, factor in total.items() if factor}


def multiplied(a: Polynomial, b: Polynomial) -> Polynomial:
    total: dict[tuple[str, ...], int] = {}
    for p, x in a.items():
        for q, y in b.items():
            terms = tuple(sorted(p + q))
            total[terms] = total.get(terms, 0) + x * y
    return {terms: factor for terms, factor in total.items() if factor}


def size_of_polynomial(p: Polynomial) -> int | str:
    """The canonical text: higher products first, the number last."""
    if set(p) <= {()}:
        return p.get((), 0)
    parts: list[str] = []
    for terms in sorted(p, key=lambda t: (-len(t), t)):
        factor = p[terms]
        body = "*".join(terms if abs(factor) == 1 and terms else (str(abs(factor)), *terms))
        sign = "-" if factor < 0 else "+"
        parts.append(f" {sign} {body}" if parts else body if factor > 0 else f"-{body}")
    return "".join(parts)
