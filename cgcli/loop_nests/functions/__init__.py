"""Functions defined in the form: one definition for every target, so that all give the same bits.

They are in double precision and free of branches where they can be, so that vectors run them; only angles from 2^20 on
have a case of their own, which is free of them too and can be computed for any angle. Coefficients are minimax fits by
Chebyshev interpolation (mpmath, 50 digits; `benchmarks/fit_functions.py`). The bounds of errors, in units in the last
place, are those of `tests/test_loop_functions.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from cgcli.loop_nests.builder import LoopBuilder
from cgcli.loop_nests.form import Apply, Case, For, Function, Statement, Switch, Value, While, results
from cgcli.loop_nests.primitives import FUNCTIONS

from . import arcs, error_function, exponential, logarithmic, powers, trigonometric

_DEFINITIONS = {
    **exponential.DEFINITIONS,
    **logarithmic.DEFINITIONS,
    **error_function.DEFINITIONS,
    **trigonometric.DEFINITIONS,
    **arcs.DEFINITIONS,
    **powers.DEFINITIONS,
}


@cache
def definition(name: str) -> Function:
    """The definition of a primitive that is one of `FUNCTIONS`, in double precision, memoised.

    Raises KeyError for a name that is none.
    """
    k = LoopBuilder(name)
    parameters = tuple(k.value("f64", 0) for _ in range(FUNCTIONS[name]))
    result = _DEFINITIONS[name](k, *parameters)
    return Function(parameters, _needed(k.nest().body, {result}), result)


def _needed(body: Sequence[Statement], needed: set[Value]) -> list[Statement]:
    """The statements that `needed` values are made of; their operands are added to it."""
    kept: list[Statement] = []
    for statement in reversed(body):
        s: Statement = statement
        if needed.isdisjoint(results(s)):
            continue
        if isinstance(s, Apply):
            needed.update(s.operands)
        elif isinstance(s, Switch):
            needed.add(s.selector)
            for case in s.cases:
                needed.update(case.yields)
            s = s._replace(cases=tuple(Case(_needed(case.body, needed), case.yields) for case in s.cases))
        elif isinstance(s, For):
            needed.update(s.initial, s.yields, (x for x in (s.begin, s.end) if isinstance(x, Value)))
            s = s._replace(body=_needed(s.body, needed))
        elif isinstance(s, While):
            needed.update(s.initial, s.yields, [s.condition])
            s = s._replace(body=_needed(s.body, needed), test=_needed(s.test, needed))
        kept.append(s)
    return kept[::-1]
