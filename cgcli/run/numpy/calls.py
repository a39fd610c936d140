"""Noted calls as lines of Python: as they are, or with their results in memory that is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .call_recorder import Call, Ref, Trace, astype

Bind = Callable[[Any], str]
"""The name under which a line finds an object."""

# functions that take `out=` and give the same bits into it; `where` is written as two copies
_INTO = frozenset(
    (
        *(np.matmul, np.sum, np.prod, np.max, np.min, np.any, np.all, np.argmax, np.argmin),
        *(np.concatenate, np.stack, np.cumulative_sum, np.round, np.where),
    )
)


# what these functions come to, after some Python of theirs that takes longer than a small array
_DIRECTLY = {
    np.sum: np.add.reduce,
    np.prod: np.multiply.reduce,
    np.max: np.maximum.reduce,
    np.min: np.minimum.reduce,
    np.any: np.logical_or.reduce,
    np.all: np.logical_and.reduce,
}
_METHODS = {np.reshape: "reshape", np.permute_dims: "transpose", np.squeeze: "squeeze"}


def takes_out(function: Any) -> bool:
    return isinstance(function, np.ufunc) or function in _INTO


def last_call(trace: Trace, operands: int) -> Call | None:
    """The call that gives the result, when it is the last one."""
    found = bool(trace.calls) and trace.result.number == operands + len(trace.calls) - 1
    return trace.calls[-1] if found else None


def plain(bind: Bind, trace: Trace, operands: Sequence[str], temporary: str) -> list[str]:
    """Lines for all calls but the last one, then the expression of the result."""
    names = list(operands)
    lines: list[str] = []
    whole = last_call(trace, len(operands))
    for call in trace.calls:
        text = _text(bind, call, names)
        if call is whole:
            return [*lines, text]
        names.append(f"{temporary}{len(names)}")
        lines.append(f"{names[-1]} = {text}")
    return [*lines, names[trace.result.number]]


def into(
    bind: Bind,
    trace: Trace,
    operands: Sequence[str],
    target: str,
    fits: bool,
    temporary: str,
    over: Sequence[int] = (),
) -> list[str]:
    """Lines that leave the result in the array `target`.

    fits: whether the result has the target's dtype by itself. over: the operands in whose memory `target` lies.
    """
    last = last_call(trace, len(operands))
    chosen = last is not None and last.function is np.where
    if last is None or not fits or not takes_out(last.function) or (chosen and over):
        *lines, text = plain(bind, trace, operands, temporary)
        return [*lines, f"copyto({target}, {text}, casting='unsafe')"]
    calls = trace.calls[:-1]
    condition = last.args[0] if chosen else None
    if chosen and calls and calls[0].function is astype and condition == Ref(len(operands)):
        # a bool that was made a number is a bool again
        calls, condition = calls[1:], calls[0].args[0]
    names = list(operands)
    lines = []
    for call in trace.calls[:-1]:
        names.append(f"{temporary}{len(names)}")
        if call in calls:
            lines.append(f"{names[-1]} = {_text(bind, call, names)}")
    if chosen:
        c, x, y = (_argument(bind, a, names) for a in (condition, *last.args[1:]))
        return [*lines, f"copyto({target}, {y})", f"copyto({target}, {x}, where={c})"]
    return [*lines, _text(bind, last, names, f"out={target}")]


def _text(bind: Bind, call: Call, names: Sequence[str], extra: str = "") -> str:
    parts = [_argument(bind, a, names) for a in call.args]
    parts += [f"{k}={_argument(bind, a, names)}" for k, a in call.kwargs.items()]
    if extra:
        parts.append(extra)
    method = _METHODS.get(call.function)
    if method is not None and isinstance(call.args[0], Ref):
        return f"{parts[0]}.{method}({', '.join(parts[1:])})"
    return f"{bind(_DIRECTLY.get(call.function, call.function))}({', '.join(parts)})"


def _argument(bind: Bind, x: Any, names: Sequence[str]) -> str:
    if isinstance(x, Ref):
        return names[x.number]
    if isinstance(x, (tuple, list)):
        return f"({''.join(f'{_argument(bind, y, names)}, ' for y in x)})"
    if x is None or x is Ellipsis or type(x) in (bool, int):
        return repr(x)
    return bind(x)
