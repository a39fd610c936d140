"""What a nest whose rows are cut over calls cannot hold: each call would compute it again, or all at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .form import Apply, Call, Check, Const, Load, Statement, Unsupported


def require_one_loop(statements: Sequence[Statement]) -> None:
    """Raises Unsupported where more than numbers is computed in front of the loop over rows."""
    require_no_call(statements)
    if not all(isinstance(s, Const | Apply | Load | Check) for s in statements):
        raise Unsupported("tables of intermediate values")


def require_no_call(statements: Iterable[Statement]) -> None:
    """Raises Unsupported where a routine is called."""
    for s in statements:
        if isinstance(s, Call):
            op = s.routine.removeprefix("op:")
            raise Unsupported(f"`{op}` in each row" if op != s.routine else "large matrix products in each row")
