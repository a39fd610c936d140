"""Functions with a kink: there, a derivative is the one-sided one of smallest magnitude, and ties are shared.

Comparisons with NaN are false, so neither side is taken and both derivatives are 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .numbers import is_whole
from .op import Effects, Spelling, VariadicRule, declare, of_one_operand
from .typing import choice, first_number, numbers

if TYPE_CHECKING:
    from .protocols import Array, ArrayNamespace, Attrs, BoundAttrs, OpBuilder


def _decide(varies: Sequence[bool]) -> Mapping[str, object]:
    """Which operands vary: they lose a tie against constants. No attribute when all or none do."""
    return {} if all(varies) or not any(varies) else {"vary": tuple(k for k, v in enumerate(varies) if v)}


def _extremum_rule(b: OpBuilder, g: int, y: int, k: int, xs: Sequence[int], at: Attrs, beats: str) -> tuple[int, int]:
    """The share of operand `k`, and where it has one.

    An operand takes part where it equals the result. A constant wins a tie against those that vary; those of one kind
    share it equally. `beats` is the strict comparison by which one operand beats another.
    """
    vary = at["vary"] if "vary" in at else range(len(xs))
    peers = [j for j in range(len(xs)) if j != k and (j in vary) == (k in vary)]
    rivals = [j for j in range(len(xs)) if (j in vary) != (k in vary)]
    ties = _OR_EQUAL[beats]
    wins = [b.apply(beats if k in vary else ties, xs[k], xs[j]) for j in rivals]
    wins += [b.apply(ties, xs[k], xs[j]) for j in peers]
    support = wins[0]
    for w in wins[1:]:
        support = b.and_(support, w)
    if not peers:
        return g, support
    if len(peers) == 1:
        return b.where(b.eq(xs[k], xs[peers[0]]), b.mul(g, 0.5), g), support
    count: int = b.const(1.0)
    for j in peers:
        count = b.add(count, b.where(b.eq(xs[k], xs[j]), 1.0, 0.0))
    return b.div(g, count), support


_OR_EQUAL = {"gt": "ge", "lt": "le"}


def _extremum(name: str, doc: str, beats: str, twin: str) -> None:
    def evaluate(xp: ArrayNamespace, at: BoundAttrs, *xs: Array) -> Array:
        pick = getattr(xp, twin)
        best = xs[0]
        for x in xs[1:]:
            best = pick(best, x)
        return best

    declare(
        name,
        doc,
        VariadicRule(lambda b, g, y, k, xs, at: _extremum_rule(b, g, y, k, xs, at, beats)),
        spelling=Spelling("call", latex=rf"\{name}\left({{0}}, {{1}}\right)", chains=True),
        type_rule=numbers,
        evaluate=evaluate,
        ties=_decide,
        effects=Effects(view=of_one_operand, prescribed=True, zero_of_either_sign=True),
        examples=((1.0, 2.0), (3.0, -1.0), (0.5, 0.2, 0.9)),
        domain="all numbers; nan if one of them is",
    )


_extremum("max", "the largest of its arguments", "gt", "maximum")
_extremum("min", "the smallest of its arguments", "lt", "minimum")

declare(
    "relu",
    "max(x, 0)",
    lambda b, g, y, x, at: (g, b.gt(x, 0.0)),
    type_rule=first_number,
    evaluate=lambda xp, at, x: xp.maximum(x, 0 if is_whole(x) else 0.0),
    effects=Effects(prescribed=True, zero_of_either_sign=True),
    examples=((-1.5,), (2.0,)),
    domain="all numbers; its derivative at 0 is 0",
)
declare(
    "abs",
    "the magnitude of a number",
    lambda b, g, y, x, at: b.mul(g, b.sign(x)),
    spelling=Spelling("call", latex=r"\left|{0}\right|"),
    type_rule=first_number,
    evaluate=lambda xp, at, x: abs(x),
    inline="abs({0})",
    effects=Effects(prescribed=True, may_overflow=True),
    examples=((-1.5,), (2.0,)),
    domain="all numbers; its derivative at 0 is 0",
)
declare(
    "where",
    "the second argument where the first is true, else the third",
    (None, lambda b, g, r, c, x, y, at: (g, c), lambda b, g, r, c, x, y, at: (g, b.not_(c))),
    spelling=Spelling("call", latex=r"\begin{{cases}}{1} & {0}\\{2}\end{{cases}}"),
    type_rule=choice,
    evaluate=lambda xp, at, c, x, y: xp.where(c, x, y),
    inline="{1} if {0} else {2}",
    effects=Effects(prescribed=True),
    examples=((True, 2.0, 3.0), (False, 2.0, 3.0)),
    domain="a bool and two values",
)
