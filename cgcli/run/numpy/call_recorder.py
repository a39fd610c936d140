"""Which calls of the array library an op's `evaluate` makes, found by running it once on values that take notes.

So the planned executor can make the same calls with memory of its own, and every op stays declared once. What depends
on the elements of an array can not be written down: such an op is called as it is.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from cgcli.ops.arrays import Namespace


class Untraceable(Exception):
    """The op looks at elements, or does what is no call of the array library."""


class Ref(NamedTuple):
    """A value of a trace: the operands come first, then the results of the calls."""

    number: int


class Call(NamedTuple):
    """One call: of its arguments those that are arrays are `Ref`s."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


class Trace(NamedTuple):
    """The calls of one evaluation, and which value is the result."""

    calls: tuple[Call, ...]
    result: Ref


def trace(evaluate: Callable[..., Any], attrs: Mapping[str, Any], values: Sequence[Any]) -> tuple[Any, Trace]:
    """What `evaluate` gives for `values`, and how. Numbers among them are part of the trace, arrays are not.

    Raises Untraceable, and whatever the evaluation raises.
    """
    notes = _Notes(len(values))
    operands = [_Noted(notes, x, k) if isinstance(x, np.ndarray) else x for k, x in enumerate(values)]
    try:
        result = evaluate(notes.namespace, attrs, *operands)
    except (TypeError, AttributeError) as e:  # something is asked of a noted value that it does not have
        raise Untraceable from e
    if not isinstance(result, _Noted):
        raise Untraceable
    return result.value, Trace(tuple(notes.calls), Ref(result.index))


class _Notes:
    def __init__(self, operands: int) -> None:
        self.operands = operands
        self.calls: list[Call] = []
        self.known: dict[Any, _Noted] = {}  # equal calls are made once
        self.namespace = _Namespace(_Module(self))

    def call(self, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        refs, named_refs = tuple(map(_ref, args)), {k: _ref(a) for k, a in kwargs.items()}
        key = (function, repr(refs), repr(named_refs))  # repr tells 1 from 1.0 and 0.0 from -0.0
        known = self.known.get(key)
        if known is not None:
            return known
        given = [_plain(a) for a in args]
        named = {k: _plain(a) for k, a in kwargs.items()}
        found = function(*given, **named)
        if not isinstance(found, (np.ndarray, np.generic)):
            raise Untraceable
        self.calls.append(Call(function, refs, named_refs))
        noted = self.known[key] = _Noted(self, found, self.operands + len(self.calls) - 1)
        return noted


def _plain(x: Any) -> Any:
    if isinstance(x, (tuple, list)):
        return type(x)(map(_plain, x))
    return x.value if isinstance(x, _Noted) else x


def _ref(x: Any) -> Any:
    if isinstance(x, (tuple, list)):
        return type(x)(map(_ref, x))
    return Ref(x.index) if isinstance(x, _Noted) else x


class _Noted:
    """An array whose uses are noted. Its type and shape may be asked for, its elements may not."""

    __slots__ = ("index", "notes", "value")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, notes: _Notes, value: Any, index: int) -> None:
        self.notes = notes
        self.value = value
        self.index = index

    @property
    def dtype(self) -> Any:
        return self.value.dtype

    @property
    def shape(self) -> Any:
        return self.value.shape

    @property
    def ndim(self) -> int:
        return int(self.value.ndim)

    @property
    def size(self) -> int:
        return int(self.value.size)

    def astype(self, dtype: Any) -> Any:
        return self.notes.call(astype, (self, dtype), {})

    def __getitem__(self, key: Any) -> Any:
        if not _is_basic(key):
            raise Untraceable
        return self.notes.call(operator.getitem, (self, key), {})

    def __bool__(self) -> bool:
        raise Untraceable

    __int__ = __float__ = __index__ = __len__ = __iter__ = __bool__

    def __getattr__(self, name: str) -> Any:
        raise Untraceable(name)


def astype(x: Any, dtype: Any) -> Any:
    return x.astype(dtype)


def _is_basic(key: Any) -> bool:
    parts = key if isinstance(key, tuple) else (key,)
    return all(p is None or p is Ellipsis or isinstance(p, (int, slice)) for p in parts)


def _operator(function: Any, swapped: bool = False) -> Any:
    def method(self: _Noted, *others: Any) -> Any:
        args = (*others, self) if swapped else (self, *others)
        return self.notes.call(function, args, {})

    return method


# what NumPy's arrays do for the operators; `**` has cases of its own there
for _name, _function in {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "truediv": np.true_divide,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "pow": operator.pow,
}.items():
    setattr(_Noted, f"__{_name}__", _operator(_function))
    setattr(_Noted, f"__r{_name}__", _operator(_function, swapped=True))
for _name, _function in {
    "neg": np.negative,
    "abs": np.absolute,
    "invert": np.invert,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
}.items():
    setattr(_Noted, f"__{_name}__", _operator(_function))

_CONSTANTS = (int, float, type)  # `xp.nan`, dtypes


class _Module:
    """NumPy, noting the calls."""

    def __init__(self, notes: _Notes) -> None:
        self.notes = notes

    def __getattr__(self, name: str) -> Any:
        found = getattr(np, name, None)
        if isinstance(found, _CONSTANTS):
            return found
        if not callable(found):
            raise Untraceable(name)  # a submodule: what is in it may look at elements
        if name == "asarray":
            return lambda x: x if isinstance(x, _Noted) else self.notes.call(np.asarray, (x,), {})
        return lambda *args, **kwargs: self.notes.call(found, args, kwargs)


_PLAIN = Namespace(np)
# functions of the namespace that are noted as one call each
_WHOLE = frozenset("erf erfc lgamma digamma polygamma einsum windows solve inv det cholesky".split())


class _Namespace(Namespace):
    """The namespace of ops over that."""

    def __getattribute__(self, name: str) -> Any:
        if name in _WHOLE:
            notes: _Notes = super().__getattribute__("module").notes
            return lambda *args, **kwargs: notes.call(getattr(_PLAIN, name), args, kwargs)
        if name == "add_at":
            raise Untraceable(name)  # it writes into its operand
        return super().__getattribute__(name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.module, name)
