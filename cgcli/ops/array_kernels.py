"""Kernels on arrays: an operation over an array namespace, NumPy by default, with its result in its node's type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cgcli.graph.graph import CONST, INPUT, Graph
from cgcli.graph.size_text import UnknownSize
from cgcli.graph.sizes import evaluate
from cgcli.graph.traversal import live
from cgcli.graph.types import AnyType, Stack, Type

from .arrays import Namespace
from .failures import NegativeSize, Overflow, Stop, UnboundSize, ValueTooLarge, failure
from .interpreter import Kernel, Runner, Sizes
from .limits import memory_limit
from .numbers import FITS, INT_RANGES
from .op import Op
from .sizes import bind_sizes, type_bytes
from .table import BY_CODE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .protocols import Constant

    Element = np.float64 | np.float32 | np.int64 | np.int32 | np.bool_
    NumPyArray = NDArray[Element]
    FloatArray = NDArray[np.float64]

DTYPES = {"float": np.float64, "f32": np.float32, "int": np.int64, "i32": np.int32, "bool": np.bool_}
MAX_BINDINGS = 16  # that are cached: batches have few sizes
_NEAR_OVERFLOW = 2.0**62
_CERTAIN_OVERFLOW = 2.0**64  # an estimate is not wrong by half
XP = Namespace(np)

TypeKernel = Callable[[Mapping[str, Any], list[Any]], Any]
"""`kernel(attrs, values)`: an operation on operands of certain types."""


class SizeBinding(NamedTuple):
    """Named sizes bound to numbers, and what depends on them: the bytes of each node and the attributes with sizes."""

    sizes: Sizes
    bytes: dict[int, int]
    attrs: dict[int, Mapping[str, Any]]


class ArrayKernels:
    """A kernel for each node that is needed.

    max_memory: the bytes that the values of a run may take together. A value is dropped after its last reader.
    """

    def __init__(self, graph: Graph, runner: Runner, max_memory: int | None = None) -> None:
        self.graph, self.runner = graph, runner
        self.max_memory = max_memory or memory_limit()
        needed = live(graph, (*graph.outputs, *graph.asserts))
        self.order = [i for i, code in enumerate(graph.op) if needed[i] and code != INPUT]
        self.kinds = range(len(graph))
        self.binding = SizeBinding({}, {}, {})
        self._bindings: dict[tuple[tuple[str, int], ...], SizeBinding] = {}
        self._by_types: dict[tuple[int, ...], TypeKernel] = {}  # by the op and the types
        self.used = 0

    @property
    def sizes(self) -> Sizes:
        return self.binding.sizes

    @cached_property
    def plain(self) -> dict[int, Kernel]:
        """The kernels, without a count of what their values take."""
        return {i: self._kernel(i) for i in self.order}

    @cached_property
    def table(self) -> dict[int, Kernel]:
        last_uses = self._last_uses()
        return {i: self.counted(kernel, last_uses.get(i, ())) for i, kernel in self.plain.items()}

    def begin(self, inputs: Sequence[object], sizes: Sizes | None) -> list[object]:
        graph = self.graph
        v: list[object] = [None] * len(graph)
        for i, x in zip(graph.inputs, inputs, strict=True):
            v[i] = input_array(x, graph.type_of(i))
        self.bind(bind_sizes(graph, graph.inputs, inputs) if sizes is None else sizes)
        self.used = 0
        return v

    def nested(self, graph: Graph, runner: Runner) -> ArrayKernels:
        return ArrayKernels(graph, runner, self.max_memory)

    def context(self) -> AbstractContextManager[None]:
        return np.errstate(all="ignore")

    def too_large(self, i: int) -> Stop:
        t, env = self.graph.type_of(i), self.binding.sizes
        shape = tuple(evaluate(d, env) for d in t.shape) if isinstance(t, Type) else ()
        text = str(Type(t.dtype if isinstance(t, Type) else "float", shape))
        return ValueTooLarge(text, self.binding.bytes[i], self.used, self.max_memory)

    def counted(self, compute: Kernel, dying: Sequence[int]) -> Kernel:
        """The kernel with a count of the bytes of live values; it raises ValueTooLarge before it computes.

        dying: the values of which the node is the last reader, which are dropped after it.
        """

        def kernel(v: list[object], i: int, a: int, b: int, more: Mapping[int, tuple[int, ...]]) -> object:
            node_bytes = self.binding.bytes
            self.used += node_bytes[i]
            if self.used > self.max_memory:
                raise self.too_large(i)
            y = compute(v, i, a, b, more)
            for x in dying:
                v[x] = None
                self.used -= node_bytes[x]
            return y

        return kernel

    def bind(self, sizes: Sizes) -> None:
        """Binds named sizes for the runs to come, memoised. Raises CgError at the first node whose size is negative or
        unknown."""
        if self.binding.sizes is sizes:
            return  # a body's next step
        key = tuple(sorted(sizes.items()))
        binding = self._bindings.get(key)
        if binding is None:
            if len(self._bindings) >= MAX_BINDINGS:
                self._bindings.clear()
            binding = self._bindings[key] = self._bound(sizes)
        self.binding = binding

    def _bound(self, sizes: Sizes) -> SizeBinding:
        graph = self.graph
        binding = SizeBinding(sizes, {}, {})
        i = 0
        try:
            for i in self.order:
                sized = BY_CODE[graph.op[i]].sized
                binding.bytes[i] = type_bytes(graph.type_of(i), sizes)
                attrs = graph.attrs.get(i)
                if attrs and sized:
                    binding.attrs[i] = {**attrs, **{name: evaluated(attrs[name], sizes) for name in sized}}
        except UnknownSize as e:
            raise failure(graph, i, UnboundSize(*e.args)) from None
        except NegativeSize as stop:
            raise failure(graph, i, stop) from None
        return binding

    def _last_uses(self) -> dict[int, tuple[int, ...]]:
        """Liveness: of each node, the values of which it is the last reader."""
        live_after = set(self.graph.outputs)
        last: dict[int, tuple[int, ...]] = {}
        for i in reversed(self.order):
            dying = tuple(x for x in dict.fromkeys(self.graph.operands(i)) if x not in live_after)
            if dying:
                last[i] = tuple(x for x in dying if self.graph.op[x] != INPUT)
            live_after.update(dying)
        return last

    def _kernel(self, i: int) -> Kernel:
        graph = self.graph
        code, result = graph.op[i], graph.type_of(i)
        attrs, operands = graph.attrs.get(i, {}), graph.operands(i)
        if code == CONST:
            assert isinstance(result, Type)
            return self._constant(attrs["value"], result)
        op = BY_CODE[code]
        if op.is_structured:
            return structured_kernel(op, attrs, operands, self.runner)
        types = [graph.type_of(x) for x in operands]
        if isinstance(result, Stack) or any(isinstance(t, Stack) for t in types):
            fit = _fit(result) if isinstance(result, Type) else lambda y: y
            return lambda v, i, *_: fit(op.evaluate(XP, self.binding.attrs.get(i, attrs), *[v[x] for x in operands]))
        assert isinstance(result, Type)
        key = code, graph.type[i], *[graph.type[x] for x in operands]
        kernel = self._by_types.get(key)
        if kernel is None:
            kernel = self._by_types[key] = type_kernel(op, types, result)
        return lambda v, i, *_: kernel(self.binding.attrs.get(i, attrs), [v[x] for x in operands])

    def _constant(self, value: Constant, t: Type) -> Kernel:
        if not t.shape and t.weak:
            return lambda *_: value
        dtype = DTYPES[t.dtype]
        if isinstance(value, tuple):
            shape = [d for d in t.shape if isinstance(d, int)]
            array: NDArray[np.generic] = np.asarray(value, dtype=dtype).reshape(shape)
            return lambda *_: array
        scalar: NDArray[np.generic] = np.asarray(value, dtype=dtype)
        if not t.shape:
            return lambda *_: scalar
        return lambda *_: np.broadcast_to(scalar, tuple(evaluate(d, self.binding.sizes) for d in t.shape))


def structured_kernel(op: Op, attrs: Mapping[str, Any], operands: tuple[int, ...], runner: Runner) -> Kernel:
    """The kernel of a node that holds graphs, or that takes a result of one."""
    evaluate_op = op.evaluate
    if op.name != "loop":
        return lambda v, *_: evaluate_op(runner, attrs, *[v[x] for x in operands])

    def kernel(v: Sequence[object], *_: object) -> object:
        trip_count, *results = evaluate_op(runner, attrs, *[v[x] for x in operands])
        return np.asarray(trip_count, np.int64), *results

    return kernel


def input_array(x: object, t: AnyType) -> object:
    """An input as an array; one of a literal's type stays a number, so that it takes on others' dtypes."""
    if not isinstance(t, Type):
        return x  # a stack within a stack
    return x if t.weak and not t.shape else np.asarray(x, dtype=DTYPES[t.dtype])


def evaluated(value: Any, env: Sizes) -> object:
    """Sizes, or nested tuples of them, as numbers."""
    if isinstance(value, tuple):
        return tuple(evaluated(x, env) for x in value)
    return evaluate(value, env)


def type_kernel(op: Op, types: Sequence[AnyType], result: Type) -> TypeKernel:
    """The kernel of an op on operands of these types."""
    converters = [_operand_converter(t, op, result) for t in types]
    unconverted = all(c is None for c in converters)
    evaluate_op, fit = op.evaluate, _fit(result)
    literal = result.weak and not any(isinstance(t, Type) and t.shape for t in types)
    checked = result.is_int and op.effects.may_overflow and not literal

    def kernel(attrs: Mapping[str, Any], values: list[object]) -> object:
        xs = values if unconverted else [x if c is None else c(x) for c, x in zip(converters, values, strict=True)]
        return fit(_checked_int(op, attrs, xs, result) if checked else evaluate_op(XP, attrs, *xs))

    return kernel


def _operand_converter(t: AnyType, op: Op, result: Type) -> Callable[[object], object] | None:
    """The conversion of an operand: a bool counts as an int where the result is a number, a literal becomes an array
    for an op that is not elementwise; None for no conversion."""
    assert isinstance(t, Type)
    if t.dtype == "bool" and result.dtype != "bool" and op.derivative.flow != "structural":
        return lambda x: np.asarray(x).astype(np.int64)
    if t.weak and not t.shape and not op.is_elementwise:
        return np.asarray
    if t.weak and t.is_int and not t.shape and result.dtype == "i32":  # a number beyond 32 bits is one of 64
        return lambda x: x if isinstance(x, int) and x in INT_RANGES["i32"] else np.asarray(x)
    return None


def _fit(t: Type) -> Callable[[Any], object]:
    """The conversion of an op's result to the type of its node."""
    if t.weak and not t.shape:
        number: Callable[[float], float] = float if t.is_float else FITS["weak int"]
        return number
    dtype = DTYPES[t.dtype]
    if not t.is_int:
        return lambda y: np.asarray(y).astype(dtype, copy=False)

    def fit_int(y: object) -> object:
        array = np.asarray(y)
        if not loses_range(array.dtype, t):
            return array.astype(dtype, copy=False)
        # a literal's int that left 64 bits became a float
        if array.dtype.kind == "f" and not np.all(np.abs(array) < 2.0**63):
            raise Overflow
        whole = array.astype(np.int64, copy=False)
        if t.dtype == "i32" and _leaves_i32(whole):
            raise Overflow
        return whole.astype(dtype, copy=False)

    return fit_int


def loses_range(dtype: np.dtype[Any], t: Type) -> bool:
    """Whether an array of this dtype may hold numbers that an int of type `t` cannot."""
    return t.is_int and (
        dtype.kind == "f" or (dtype.kind == "i" and dtype.itemsize > np.dtype(DTYPES[t.dtype]).itemsize)
    )


def _leaves_i32(y: NDArray[Any]) -> bool:
    return bool(y.size and (y.max() >= 2**31 or y.min() < -(2**31)))


def _checked_int(op: Op, attrs: Mapping[str, Any], values: Sequence[object], t: Type) -> object:
    """An int result; raises Overflow where it leaves its range, for arrays of ints would wrap round silently.

    Floats estimate it; where that, or the sum of the magnitudes of terms, comes near the range, exact ints decide.
    """

    def computed(convert: Callable[[object], object]) -> NDArray[Any]:
        is_index = [
            isinstance(op.derivative.rules, tuple) and len(op.derivative.rules) > k and op.derivative.rules[k] is None
            for k in range(len(values))
        ]
        xs = [x if index else convert(x) for x, index in zip(values, is_index, strict=True)]
        return np.asarray(op.evaluate(XP, attrs, *xs))

    y = computed(lambda x: x if isinstance(x, int) else np.asarray(x).astype(np.int64))
    estimate = np.abs(computed(lambda x: np.asarray(x).astype(np.float64)))
    if estimate.size and np.any(estimate >= _CERTAIN_OVERFLOW):
        raise Overflow
    magnitude = estimate
    if not op.is_elementwise:  # terms that cancel may overflow before they do
        magnitude = np.abs(computed(lambda x: np.abs(np.asarray(x).astype(np.float64))))
    if magnitude.size and not np.max(magnitude) < _NEAR_OVERFLOW:
        exact = computed(lambda x: np.asarray(x).astype(object))
        legal = INT_RANGES["int"]
        if not all(int(x) in legal for x in exact.flat):
            raise Overflow
        y = exact.astype(np.int64)
    if t.dtype == "i32" and _leaves_i32(y):
        raise Overflow
    return y
