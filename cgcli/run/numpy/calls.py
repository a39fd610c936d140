"""Recorded calls as lines of Python: as they are, or with their results in arrays that exist."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .call_recorder import Call, CallRecord, Ref, astype

Bind = Callable[[object], str]
"""Gives an object a name that lines of generated code can use."""

# functions that take `out=` and write the same bits into it; `where` is written as two copies
_TAKE_OUT = frozenset(
    (
        *(np.matmul, np.sum, np.prod, np.max, np.min, np.any, np.all, np.argmax, np.argmin),
        *(np.concatenate, np.stack, np.cumulative_sum, np.round, np.where),
    )
)


# what these functions call, after Python code that takes longer than a small array
_REDUCE_METHODS: dict[object, object] = {
    np.sum: np.add.reduce,
    np.prod: np.multiply.reduce,
    np.max: np.maximum.reduce,
    np.min: np.minimum.reduce,
    np.any: np.logical_or.reduce,
    np.all: np.logical_and.reduce,
}
_METHODS: dict[object, str] = {np.reshape: "reshape", np.permute_dims: "transpose", np.squeeze: "squeeze"}


def takes_out(function: object) -> bool:
    return isinstance(function, np.ufunc) or function in _TAKE_OUT


def last_call(record: CallRecord, operands: int) -> Call | None:
    """The last call, if its result is that of the evaluation."""
    is_last = bool(record.calls) and record.result.number == operands + len(record.calls) - 1
    return record.calls[-1] if is_last else None


def expression_lines(bind: Bind, record: CallRecord, operands: Sequence[str], prefix: str) -> list[str]:
    """Lines for all calls but the last one, then the expression of the result."""
    names = list(operands)
    lines: list[str] = []
    last = last_call(record, len(operands))
    for call in record.calls:
        text = _text(bind, call, names)
        if call is last:
            return [*lines, text]
        names.append(f"{prefix}{len(names)}")
        lines.append(f"{names[-1]} = {text}")
    return [*lines, names[record.result.number]]


def out_lines(
    bind: Bind,
    record: CallRecord,
    operands: Sequence[str],
    target: str,
    fits: bool,
    prefix: str,
    aliased: Sequence[int] = (),
) -> list[str]:
    """Lines that write the result into the array `target`.

    fits: whether the result has the target's dtype by itself. aliased: the operands in whose memory `target` lies.
    """
    last = last_call(record, len(operands))
    is_where = last is not None and last.function is np.where
    if last is None or not fits or not takes_out(last.function) or (is_where and aliased):
        *lines, text = expression_lines(bind, record, operands, prefix)
        return [*lines, f"copyto({target}, {text}, casting='unsafe')"]
    calls = record.calls[:-1]
    condition = last.args[0] if is_where else None
    if is_where and calls and calls[0].function is astype and condition == Ref(len(operands)):
        # the condition is a bool that was cast to a number: the bool itself is read
        calls, condition = calls[1:], calls[0].args[0]
    names = list(operands)
    lines = []
    for call in record.calls[:-1]:
        names.append(f"{prefix}{len(names)}")
        if call in calls:
            lines.append(f"{names[-1]} = {_text(bind, call, names)}")
    if is_where:
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
    return f"{bind(_REDUCE_METHODS.get(call.function, call.function))}({', '.join(parts)})"


def _argument(bind: Bind, x: object, names: Sequence[str]) -> str:
    if isinstance(x, Ref):
        return names[x.number]
    if isinstance(x, (tuple, list)):
        return f"({''.join(f'{_argument(bind, y, names)}, ' for y in x)})"
    if x is None or x is Ellipsis or type(x) in (bool, int):
        return repr(x)
    return bind(x)
