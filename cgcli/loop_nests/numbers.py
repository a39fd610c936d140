"""Numbers that kernels compute with to become scalar expressions of the loop form.

An elementwise op is declared by one kernel over a namespace of functions. Run on `Number`s, with `Namespace` for the
functions, the same kernel writes its primitives down: that is the op's element form. Types are joined as NumPy joins
those of arrays, so each step is computed in the type in which the array kernel computes it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from .form import INTS, ScalarType, Value

if TYPE_CHECKING:
    from .builder import LoopBuilder

Plain = float  # a literal, which takes the type of the other operand
Operand = "Number | Plain"


class _DType:
    """What kernels ask of the type of a number: its kind, as NumPy spells it."""

    def __init__(self, type_: ScalarType) -> None:
        self.kind = "i" if type_ in INTS else "b" if type_ == "bool" else "f"


class Number:
    """A value of the loop form with the operators of Python. node: that of the graph whose kernel computes it.

    weak: whether it takes the type of the other operand, as a literal does.
    """

    __slots__ = ("k", "node", "value", "weak")
    __hash__ = None  # type: ignore[assignment]
    shape: tuple[int, ...] = ()
    ndim = 0

    def __init__(self, k: LoopBuilder, value: Value, node: int = -1, weak: bool = False) -> None:
        self.k, self.value, self.node, self.weak = k, value, node, weak

    @property
    def type(self) -> ScalarType:
        return self.value.type

    @property
    def dtype(self) -> _DType:
        return _DType(self.type)

    # ---- types

    def of(self, value: Value) -> Number:
        return Number(self.k, value, self.node)

    def to(self, type_: ScalarType) -> Number:
        """The number in another type; an int that leaves it stops the run."""
        return self if self.type == type_ else self.of(convert(self.k, self.value, type_, self.node))

    def apply(self, primitive: str, *others: Number | Plain, joined: ScalarType | None = None) -> Number:
        """A primitive on this number and others in the type that joins theirs, or in the type `joined`."""
        type_ = joined or join(self, *others)
        values = [self.k.const(x, type_) if not isinstance(x, Number) else x.to(type_).value for x in (self, *others)]
        result = self.of(self.k.apply(primitive, *values, node=self.node))
        result.weak = all(not isinstance(x, Number) or x.weak for x in (self, *others))
        return result

    def _first(self, primitive: str, other: Number | Plain) -> Number:
        """The primitive with the other operand first."""
        type_ = join(self, other)
        first = other.to(type_).value if isinstance(other, Number) else self.k.const(other, type_)
        result = self.of(self.k.apply(primitive, first, self.to(type_).value, node=self.node))
        result.weak = self.weak and (not isinstance(other, Number) or other.weak)
        return result

    # ---- operators

    def __add__(self, other: Number | Plain) -> Number:
        return self.apply("add", other)

    def __radd__(self, other: Plain) -> Number:
        return self._first("add", other)

    def __sub__(self, other: Number | Plain) -> Number:
        return self.apply("sub", other)

    def __rsub__(self, other: Plain) -> Number:
        return self._first("sub", other)

    def __mul__(self, other: Number | Plain) -> Number:
        return self.apply("mul", other)

    def __rmul__(self, other: Plain) -> Number:
        return self._first("mul", other)

    def __truediv__(self, other: Number | Plain) -> Number:
        return NAMESPACE.divide(self, other)

    def __rtruediv__(self, other: Plain) -> Number:
        return self._first("div", other) if self.type not in (*INTS, "bool") else self.to("f64")._first("div", other)

    def __neg__(self) -> Number:
        return self.apply("neg")

    def __abs__(self) -> Number:
        return self.apply("abs")

    def __lt__(self, other: Number | Plain) -> Number:
        return self.apply("lt", other)

    def __le__(self, other: Number | Plain) -> Number:
        return self.apply("le", other)

    def __gt__(self, other: Number | Plain) -> Number:
        return self.apply("gt", other)

    def __ge__(self, other: Number | Plain) -> Number:
        return self.apply("ge", other)

    def __eq__(self, other: object) -> Number:  # type: ignore[override]
        assert isinstance(other, Number | float | int)
        return self.apply("eq", other, joined="bool" if both_bools(self, other) else None)

    def __ne__(self, other: object) -> Number:  # type: ignore[override]
        assert isinstance(other, Number | float | int)
        return self.apply("ne", other, joined="bool" if both_bools(self, other) else None)

    def __and__(self, other: Number) -> Number:
        return self.apply("and", other, joined="bool")

    def __or__(self, other: Number) -> Number:
        return self.apply("or", other, joined="bool")

    def __invert__(self) -> Number:
        return self.apply("not", joined="bool")


def both_bools(a: object, b: object) -> bool:
    return all(x.type == "bool" if isinstance(x, Number) else isinstance(x, bool) for x in (a, b))


def join(*numbers: Number | Plain) -> ScalarType:
    """The type in which NumPy computes with these: a literal takes the others' type, and a bool counts as an int.

    Ints are computed in 64 bits, so that what leaves 32 is seen; an int with a single float makes a double.
    """
    strong = [x.type for x in numbers if isinstance(x, Number) and not x.weak]
    weak_float = any(
        x.type not in (*INTS, "bool") if isinstance(x, Number) else isinstance(x, float)
        for x in numbers
        if not isinstance(x, Number) or x.weak
    )
    if not strong:
        return "f64" if weak_float else "i64"
    if "f64" in strong or ("f32" in strong and any(t != "f32" for t in strong)):
        return "f64"
    if "f32" in strong:
        return "f32"
    return "f64" if weak_float else "i64"


def convert(k: LoopBuilder, value: Value, type_: ScalarType, node: int) -> Value:
    """A value in another type; an int that leaves it stops the run at the node."""
    if value.type == type_:
        return value
    number = k.constants.get(value)
    if number is not None and (type_ not in INTS or abs(number) < 2.0**31):
        return k.const(number, type_)
    return k.apply(type_, value, node=node)


Function = Callable[..., Number]


class Namespace:
    """The functions of kernels, by the names that ops use; those that have no form raise AttributeError."""

    nan = math.nan
    inf = math.inf

    def __getattr__(self, name: str) -> Function:
        from .primitives import FUNCTIONS

        if name not in (*FUNCTIONS, "sqrt"):
            raise AttributeError(name)
        return lambda *xs: self.function(name, *xs)

    def function(self, name: str, *xs: Number | Plain) -> Number:
        """A function of floats; ints are made floats of double precision."""
        first = next(x for x in xs if isinstance(x, Number))
        type_ = join(*xs)
        type_ = "f64" if type_ == "i64" else type_
        values = [x.to(type_).value if isinstance(x, Number) else first.k.const(x, type_) for x in xs]
        return first.of(first.k.apply(name, *values))

    # ---- arithmetic

    def divide(self, x: Number | Plain, y: Number | Plain) -> Number:
        return self.function("div", x, y)

    def floor_divide(self, x: Number, y: Number | Plain) -> Number:
        """The quotient rounded towards minus infinity; of floats by the exact remainder, x / y where y is zero."""
        if join(x, y) == "i64":
            return x.apply("floor_div", y)
        rest = self.function("rem", x, y)
        quotient = self.divide(x - rest, y)
        quotient = self.where(self._is_beyond(rest, _float(x, y)), quotient - 1.0, quotient)
        rounded = self.floor(quotient)
        rounded = self.where(quotient - rounded > 0.5, rounded + 1.0, rounded)
        signed_zero = self.copysign(0.0, self.divide(x, y))
        whole = self.where(quotient == 0.0, signed_zero, rounded)
        return self.where(_float(x, y) == 0.0, self.divide(x, y), whole)

    def remainder(self, x: Number, y: Number | Plain) -> Number:
        """What `floor_divide` leaves, with the sign of the divisor."""
        if join(x, y) == "i64":
            return x.apply("mod", y)
        rest, divisor = self.function("rem", x, y), _float(x, y)
        moved = self.where(self._is_beyond(rest, divisor), rest + divisor, rest)
        return self.where(rest == 0.0, self.copysign(0.0, divisor), moved)

    def _is_beyond(self, rest: Number, divisor: Number) -> Number:
        """Whether the quotient was rounded up: the exact remainder has not the sign of the divisor."""
        return self.logical_and(rest != 0.0, (rest < 0.0) != (divisor < 0.0))

    def copysign(self, x: Number | Plain, y: Number) -> Number:
        return self.function("copysign", x, y)

    def power(self, x: Number, n: Number | Plain) -> Number:
        """A whole power of an int is its product, which is checked; else C99's pow."""
        if x.dtype.kind in "ib" and isinstance(n, int) and n >= 0:
            return _whole_power(x.to("i64"), n)
        return self.function("power", x, n)

    # ---- choices

    def minimum(self, x: Number, y: Number | Plain) -> Number:
        return x.apply("min", y)

    def maximum(self, x: Number, y: Number | Plain) -> Number:
        return x.apply("max", y)

    def where(self, condition: Number | bool, x: Number | Plain, y: Number | Plain) -> Number:
        """The choice in the joined type; two bools stay one."""
        first = next(n for n in (condition, x, y) if isinstance(n, Number))
        k, type_ = first.k, "bool" if both_bools(x, y) else join(x, y)
        a, b = (n.to(type_).value if isinstance(n, Number) else k.const(n, type_) for n in (x, y))
        if not isinstance(condition, Number):
            return first.of(a if condition else b)
        return condition.of(k.apply("select", condition.to("bool").value, a, b))

    def logical_and(self, x: Number, y: Number) -> Number:
        return x.apply("and", y, joined="bool")

    def logical_or(self, x: Number, y: Number) -> Number:
        return x.apply("or", y, joined="bool")

    def logical_not(self, x: Number) -> Number:
        return x.apply("not", joined="bool")

    # ---- steps

    def sign(self, x: Number) -> Number:
        """-1, 0 or 1; nan of nan, 0.0 of both zeros."""
        rest = x + 0.0 if x.dtype.kind == "f" else x * 0
        return self.where(x > 0, self._like(x, 1), self.where(x < 0, self._like(x, -1), rest))

    def _like(self, x: Number, number: int) -> Number:
        type_: ScalarType = x.type if x.dtype.kind == "f" else "i64"
        return x.of(x.k.const(number, type_))

    def floor(self, x: Number) -> Number:
        return x.apply("floor") if x.dtype.kind == "f" else x

    def ceil(self, x: Number) -> Number:
        return x.apply("ceil") if x.dtype.kind == "f" else x

    def round(self, x: Number) -> Number:
        return x.apply("round") if x.dtype.kind == "f" else x

    # ---- compositions, as `ops.arrays` has them

    def sigmoid(self, x: Number) -> Number:
        """1 / (1 + exp(-x)) by the exp that does not overflow."""
        x = _as_float(x)
        e = self.function("exp", -abs(x))
        return self.divide(self.where(x >= 0.0, self._like(x, 1), e), e + 1.0)

    def softplus(self, x: Number) -> Number:
        """log(1 + exp(x)) by the exp that does not overflow."""
        x = _as_float(x)
        return self.maximum(x, 0.0) + self.function("log1p", self.function("exp", -abs(x)))


def _as_float(x: Number) -> Number:
    return x if x.dtype.kind == "f" else x.to("f64")


def _float(x: Number, y: Number | Plain) -> Number:
    """`y` in the type that joins both."""
    type_ = join(x, y)
    return y.to(type_) if isinstance(y, Number) else x.of(x.k.const(y, type_))


def _whole_power(x: Number, n: int) -> Number:
    """x^n by squares. No partial product leaves the range unless the power does."""
    result: Number | None = None
    while n:
        if n & 1:
            result = x if result is None else result * x
        n >>= 1
        if n:
            x = x * x
    return result if result is not None else x.of(x.k.const(1, "i64"))


NAMESPACE = Namespace()
