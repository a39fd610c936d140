"""Safe values for operands where they do not count, so that an op neither fails nor makes an inf or NaN there."""

from __future__ import annotations

from .builder import Builder
from .op import Op


def harmless(b: Builder, op: Op, k: int, x: int) -> int:
    """A value of the type of operand `x`, which is the `k`-th of `op`."""
    t = b.type1(x)
    value = op.effects.harmless.get(k, 0)
    if value != "identity":
        return b.const(bool(value) if t.dtype == "bool" else float(value) if t.is_float else value, t)
    n = t.shape[-1]
    diagonal = b.eq(b.expand_dims(b.arange(size=n), axes=(-1,)), b.arange(size=n))
    return b.cast(diagonal, dtype=t.dtype)
