"""The namespace of array kernels that ops are evaluated with: an array-API module and additions to it.

NumPy is the default. Functions of the standard are the module's own; the others are written here once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .failures import IntegerDivisionByZero, NotInvertible
from .numbers import is_whole

SPECIAL = ("erf", "erfc", "lgamma", "digamma", "polygamma")
_DRAWS = ("uniform", "standard_normal")


def single_call(function: Any) -> Any:
    """Marks a function of the namespace that reads elements, or is one call of the library: it is recorded as one."""
    function.single_call = True
    return function


class Namespace:
    """Functions over the arrays of `module`, by the names that ops use."""

    def __init__(self, module: Any) -> None:
        self.module = module

    def __getattr__(self, name: str) -> Any:
        if name in SPECIAL:
            from . import special_arrays  # with the library behind it, for the programs that need it

            function = getattr(special_arrays, name)
        elif name in _DRAWS:
            from . import random

            function = getattr(random, name)
        else:
            function = getattr(self.module, name)
        setattr(self, name, function)
        return function

    # ---- numbers

    def floor_divide(self, x: Any, y: Any) -> Any:
        self._no_zero(x, y)
        return self.module.floor_divide(x, y)

    def remainder(self, x: Any, y: Any) -> Any:
        self._no_zero(x, y)
        return self.module.remainder(x, y)

    def _no_zero(self, x: Any, y: Any) -> None:
        if is_whole(x) and is_whole(y) and self.module.any(self.module.asarray(y) == 0):
            raise IntegerDivisionByZero

    def power(self, x: Any, n: Any) -> Any:
        if is_whole(x) and not (isinstance(n, int) and n >= 0):
            x = self.module.asarray(x).astype("float64")
        power = self.module.power(x, n)
        if isinstance(n, (int, float)):
            return self._as_power(x, power) if n == 0.5 else power
        if is_whole(n):
            return power
        # the library takes a root where one exponent serves many elements
        return self.module.where(self.module.asarray(n) == 0.5, self._as_power(x, power), power)

    def _as_power(self, x: Any, root: Any) -> Any:
        """The square root of x as a power: IEEE 754 has other values for it at -0 and at -inf."""
        return self.module.where(self.module.asarray(x) == -math.inf, math.inf, abs(root))

    def sigmoid(self, x: Any) -> Any:
        """1 / (1 + exp(-x)) by the exp that does not overflow."""
        e = self.module.exp(-self.module.abs(x))
        return self.module.where(self.module.asarray(x) >= 0, 1 / (1 + e), e / (1 + e))

    def softplus(self, x: Any) -> Any:
        return self.module.logaddexp(x, self.module.zeros_like(x))

    # ---- elements

    def take(self, x: Any, i: Any, axis: int) -> Any:
        return self.module.take(x, i, axis=axis)

    def add_at(self, out: Any, indices: Any, values: Any) -> None:
        """Adds `values` at `indices`, once for each time that an index occurs."""
        self.module.add.at(out, indices, values)

    @single_call
    def windows(self, x: Any, sizes: Sequence[int], strides: Sequence[int], dilations: Sequence[int]) -> Any:
        """A view of all windows on the last axes."""
        k = len(sizes)
        reach = [d * (s - 1) + 1 for s, d in zip(sizes, dilations, strict=True)]
        axes = tuple(range(-k, 0))
        views = self.module.lib.stride_tricks.sliding_window_view(x, reach, axis=axes)
        steps = [slice(None, None, s) for s in strides] + [slice(None, None, d) for d in dilations]
        return views[(..., *steps)]

    @single_call
    def einsum(self, pattern: str, *xs: Any) -> Any:
        return self.module.einsum(pattern, *xs, optimize=len(xs) > 1)

    # ---- matrices

    def _linear(self, name: str, *xs: Any) -> Any:
        try:
            return getattr(self.module.linalg, name)(*[self._as_float(x) for x in xs])
        except self.module.linalg.LinAlgError:
            raise NotInvertible from None

    def _as_float(self, x: Any) -> Any:
        return x if x.dtype.kind == "f" else x.astype("float64")

    @single_call
    def solve(self, a: Any, b: Any) -> Any:
        return self._linear("solve", a, b)

    @single_call
    def inv(self, a: Any) -> Any:
        return self._linear("inv", a)

    @single_call
    def det(self, a: Any) -> Any:
        return self._linear("det", a)

    def slogdet(self, a: Any) -> Any:
        return self._linear("slogdet", a)

    @single_call
    def cholesky(self, a: Any) -> Any:
        return self._linear("cholesky", a)

    def svd(self, a: Any) -> Any:
        return self._linear("svd", a)
