"""Records the calls of the array library that an op's `evaluate` makes, by running it once on proxies of arrays.

So the planned executor can make the same calls with memory of its own, and every op stays declared once. An op whose
calls depend on the elements of an array cannot be recorded; it is called as it is.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Protocol

import numpy as np

from cgcli.ops.arrays import SPECIAL, Namespace

if TYPE_CHECKING:
    from cgcli.ops.array_kernels import Element, NumPyArray


class Unrecordable(Exception):
    """The op reads elements, or computes by other means than calls of the array library."""


class ArrayFunction(Protocol):
    """A function of arrays, of the array library or made of its calls."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...


class Ref(NamedTuple):
    """A value of a record: the operands come first, then the results of the calls."""

    number: int


class Call(NamedTuple):
    """One call: of its arguments those that are arrays are `Ref`s."""

    function: ArrayFunction
    args: tuple[object, ...]
    kwargs: Mapping[str, object]


class CallRecord(NamedTuple):
    """The calls of NumPy that one evaluation makes, and which value is the result."""

    calls: tuple[Call, ...]
    result: Ref


def record_calls(
    evaluate: ArrayFunction, attrs: Mapping[str, object], values: Sequence[object]
) -> tuple[NumPyArray | Element, CallRecord]:
    """What `evaluate` returns for `values`, and its calls; numbers among the values are part of them, arrays are not.

    Raises Unrecordable, and whatever the evaluation raises.
    """
    recorder = _Recorder(len(values))
    operands = [_RecordedArray(recorder, x, k) if isinstance(x, np.ndarray) else x for k, x in enumerate(values)]
    try:
        result = evaluate(recorder.namespace, attrs, *operands)
    except (TypeError, AttributeError) as e:  # a method that the proxy does not have
        raise Unrecordable from e
    if not isinstance(result, _RecordedArray):
        raise Unrecordable
    return result.value, CallRecord(tuple(recorder.calls), Ref(result.index))


class _Recorder:
    """The calls recorded so far."""

    def __init__(self, operands: int) -> None:
        self.operands = operands
        self.calls: list[Call] = []
        self.memo: dict[
            tuple[ArrayFunction, str, str], _RecordedArray
        ] = {}  # results of equal calls, which are made once
        self.namespace = _RecordingNamespace(_RecordingModule(self))

    def call(self, function: ArrayFunction, args: Sequence[object], kwargs: Mapping[str, object]) -> _RecordedArray:
        refs, named_refs = tuple(map(_ref, args)), {k: _ref(a) for k, a in kwargs.items()}
        key = (function, repr(refs), repr(named_refs))  # repr tells 1 from 1.0 and 0.0 from -0.0
        memoised = self.memo.get(key)
        if memoised is not None:
            return memoised
        result: NumPyArray | Element = function(*map(_plain, args), **{k: _plain(a) for k, a in kwargs.items()})
        if not isinstance(result, (np.ndarray, np.generic)):
            raise Unrecordable
        self.calls.append(Call(function, refs, named_refs))
        array = self.memo[key] = _RecordedArray(self, result, self.operands + len(self.calls) - 1)
        return array


def _plain(x: object) -> object:
    if isinstance(x, (tuple, list)):
        return type(x)(map(_plain, x))
    return x.value if isinstance(x, _RecordedArray) else x


def _ref(x: object) -> object:
    if isinstance(x, (tuple, list)):
        return type(x)(map(_ref, x))
    return Ref(x.index) if isinstance(x, _RecordedArray) else x


class _RecordedArray:
    """A proxy of an array, which records the calls on it. It has a dtype and a shape; its elements may not be read."""

    __slots__ = ("index", "recorder", "value")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, recorder: _Recorder, value: NumPyArray | Element, index: int) -> None:
        self.recorder = recorder
        self.value = value
        self.index = index

    @property
    def dtype(self) -> np.dtype[Element]:
        return self.value.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    @property
    def ndim(self) -> int:
        return self.value.ndim

    @property
    def size(self) -> int:
        return self.value.size

    def astype(self, dtype: type[Element]) -> _RecordedArray:
        return self.recorder.call(astype, (self, dtype), {})

    def __getitem__(self, key: object) -> _RecordedArray:
        if not _is_basic(key):
            raise Unrecordable
        return self.recorder.call(operator.getitem, (self, key), {})

    def __bool__(self) -> bool:
        raise Unrecordable

    __int__ = __float__ = __index__ = __len__ = __iter__ = __bool__

    def __getattr__(self, name: str) -> NoReturn:
        raise Unrecordable(name)


def astype(x: NumPyArray, dtype: type[Element]) -> NumPyArray:
    return x.astype(dtype)


def _is_basic(key: object) -> bool:
    parts = key if isinstance(key, tuple) else (key,)
    return all(p is None or p is Ellipsis or isinstance(p, (int, slice)) for p in parts)


def _operator(function: ArrayFunction, swapped: bool = False) -> ArrayFunction:
    def method(self: _RecordedArray, *others: object) -> _RecordedArray:
        args = (*others, self) if swapped else (self, *others)
        return self.recorder.call(function, args, {})

    return method


# the functions that NumPy's operators call; `**` has special cases there
_BINARY: dict[str, ArrayFunction] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "truediv": np.true_divide,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "pow": operator.pow,
}
_OTHERS: dict[str, ArrayFunction] = {
    "neg": np.negative,
    "abs": np.absolute,
    "invert": np.invert,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
}
for _name, _function in {**_BINARY, **_OTHERS}.items():
    setattr(_RecordedArray, f"__{_name}__", _operator(_function))
for _name, _function in _BINARY.items():
    setattr(_RecordedArray, f"__r{_name}__", _operator(_function, swapped=True))

_CONSTANTS = (int, float, type)  # `xp.nan`, dtypes


class _RecordingModule:
    """NumPy, recording the calls."""

    def __init__(self, recorder: _Recorder) -> None:
        self.recorder = recorder

    def __getattr__(self, name: str) -> object:
        member = getattr(np, name, None)
        if isinstance(member, _CONSTANTS):
            return member
        if not callable(member):
            raise Unrecordable(name)  # a submodule: its functions may read elements
        if name == "asarray":
            return lambda x: x if isinstance(x, _RecordedArray) else self.recorder.call(np.asarray, (x,), {})
        return lambda *args, **kwargs: self.recorder.call(member, args, kwargs)


_NUMPY = Namespace(np)


class _RecordingNamespace(Namespace):
    """The array namespace of ops, over the recording module."""

    def __getattribute__(self, name: str) -> object:
        if name in SPECIAL or hasattr(getattr(Namespace, name, None), "single_call"):
            recorder: _Recorder = super().__getattribute__("module").recorder
            return lambda *args, **kwargs: recorder.call(getattr(_NUMPY, name), args, kwargs)
        if name == "add_at":
            raise Unrecordable(name)  # it writes into its operand
        return super().__getattribute__(name)

    def __getattr__(self, name: str) -> object:
        return getattr(self.module, name)
