"""The namespace of array kernels that ops are evaluated with: an array-API module and additions to it.

NumPy is the default. Functions of the standard are the module's own; the others are written here once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from .failures import IntegerDivisionByZero, NotInvertible
from .numbers import is_whole

if TYPE_CHECKING:
    from .protocols import Array, ArrayModule, Elementwise, Operand

F = TypeVar("F")
SPECIAL = ("erf", "erfc", "lgamma", "digamma", "polygamma")
_DRAWS = ("uniform", "standard_normal")


def single_call(function: F) -> F:
    """Marks a function of the namespace that reads elements, or is one call of the library: it is recorded as one."""
    vars(function)["single_call"] = True
    return function


def _linear(name: str) -> Callable[..., Array]:
    """A function of the library's linear algebra, on floats."""

    def function(self: Namespace, *xs: Array) -> Array:
        linalg = self.module.linalg
        solver: Elementwise = getattr(linalg, name)
        try:
            return solver(*[x if x.dtype.kind == "f" else x.astype("float64") for x in xs])
        except linalg.LinAlgError:
            raise NotInvertible from None

    return function


class Namespace:
    """Functions over the arrays of `module`, by the names that ops use."""

    def __init__(self, module: Any) -> None:
        self.module: ArrayModule = module

    def __getattr__(self, name: str) -> object:
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

    def floor_divide(self, x: Operand, y: Operand) -> Array:
        self._no_zero(x, y)
        return self.module.floor_divide(x, y)

    def remainder(self, x: Operand, y: Operand) -> Array:
        self._no_zero(x, y)
        return self.module.remainder(x, y)

    def _no_zero(self, x: Operand, y: Operand) -> None:
        if is_whole(x) and is_whole(y) and self.module.any(self.module.asarray(y) == 0):
            raise IntegerDivisionByZero

    def power(self, x: Operand, n: Operand) -> Array:
        if is_whole(x) and not (isinstance(n, int) and n >= 0):
            x = self.module.asarray(x).astype("float64")
        power = self.module.power(x, n)
        if isinstance(n, (int, float)):
            return self._as_power(x, power) if n == 0.5 else power
        if is_whole(n):
            return power
        # the library takes a root where one exponent serves many elements
        return self.module.where(self.module.asarray(n) == 0.5, self._as_power(x, power), power)

    def _as_power(self, x: Operand, root: Array) -> Array:
        """The square root of x as a power: IEEE 754 has other values for it at -0 and at -inf."""
        return self.module.where(self.module.asarray(x) == -math.inf, math.inf, abs(root))

    def sigmoid(self, x: Operand) -> Array:
        """1 / (1 + exp(-x)) by the exp that does not overflow."""
        e = self.module.exp(-self.module.abs(x))
        return self.module.where(self.module.asarray(x) >= 0, 1 / (1 + e), e / (1 + e))

    def softplus(self, x: Operand) -> Array:
        return self.module.logaddexp(x, self.module.zeros_like(x))

    # ---- elements

    def add_at(self, out: Array, indices: object, values: Array) -> None:
        """Adds `values` at `indices`, once for each time that an index occurs."""
        self.module.add.at(out, indices, values)

    @single_call
    def windows(self, x: Array, sizes: Sequence[int], strides: Sequence[int], dilations: Sequence[int]) -> Array:
        """A view of all windows on the last axes."""
        k = len(sizes)
        reach = [d * (s - 1) + 1 for s, d in zip(sizes, dilations, strict=True)]
        axes = tuple(range(-k, 0))
        views: Array = self.module.lib.stride_tricks.sliding_window_view(x, reach, axis=axes)
        steps = [slice(None, None, s) for s in strides] + [slice(None, None, d) for d in dilations]
        return views[(..., *steps)]

    @single_call
    def einsum(self, pattern: str, *xs: Array) -> Array:
        return self.module.einsum(pattern, *xs, optimize=len(xs) > 1)

    # ---- matrices

    solve = single_call(_linear("solve"))
    inv = single_call(_linear("inv"))
    det = single_call(_linear("det"))
    cholesky = single_call(_linear("cholesky"))
    slogdet = _linear("slogdet")
    svd = _linear("svd")
