"""The executor of graphs that hold tensors: node by node over an array namespace, NumPy by default."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.graph.graph import CONST, INPUT, Graph, Node
from cgcli.graph.size_text import UnknownSize
from cgcli.graph.sizes import evaluate
from cgcli.graph.traversal import live
from cgcli.graph.types import AnyType, Results, Stack, Type
from cgcli.ops.arithmetic import IntegerDivisionByZero
from cgcli.ops.arrays import Namespace
from cgcli.ops.gather import IndexOutOfRange
from cgcli.ops.linalg import NotInvertible
from cgcli.ops.numbers import FITS, INT_RANGES, Overflow
from cgcli.ops.op import AssertionFailed, Op, Structured
from cgcli.ops.reduce import EmptyReduction
from cgcli.ops.shape import SizesDiffer
from cgcli.ops.table import BY_CODE
from cgcli.plan.cost import bytes_of
from cgcli.run.limits import (
    Meter,
    StacksTooLarge,
    TooManySteps,
    format_bytes,
    limit_error,
    memory_limit,
    stack_value_bytes,
)
from cgcli.run.sizes import bind_sizes

DTYPES = {"float": np.float64, "f32": np.float32, "int": np.int64, "i32": np.int32, "bool": np.bool_}
_NEAR_OVERFLOW = 2.0**62
_CERTAIN_OVERFLOW = 2.0**64  # an estimate is not wrong by half

Sizes = Mapping[str, int]
NodeKernel = Callable[[list[Any], "SizeBinding", int], Any]
TypeKernel = Callable[[Namespace, Mapping[str, Any], list[Any]], Any]


class NegativeSize(Exception):
    """A size that is made of names evaluates to less than 0: its text and its number."""


class SizeBinding(NamedTuple):
    """Named sizes bound to numbers, and what depends on them: the bytes of each node and the attributes with sizes."""

    sizes: Sizes
    bytes: dict[int, int]
    attrs: dict[int, Mapping[str, Any]]


MAX_BINDINGS = 16  # that an executor caches: batches have few sizes


class ArrayExecutor:
    """A graph made ready to run any number of times; only what `roots` (the outputs) need is computed.

    max_memory: bytes that the values of a run may take together. max_steps: how many steps its loops may run together.
    keep: whether the values of all nodes stay, besides those of the roots.
    """

    def __init__(
        self,
        graph: Graph,
        roots: Sequence[int] | None = None,
        max_memory: int | None = None,
        keep: bool = False,
        max_steps: int | None = None,
    ) -> None:
        self.graph = graph
        self.roots = tuple(graph.outputs if roots is None else roots)
        self.max_memory = max_memory or memory_limit()
        self.max_steps = max_steps
        self._xp = Namespace(np)
        self._runner = _Runner(self)
        self._latest_binding: SizeBinding | None = None
        self._nested: dict[int, ArrayExecutor] = {}
        needed = live(graph, (*self.roots, *graph.asserts))
        self._order = [i for i, code in enumerate(graph.op) if needed[i] and code != INPUT]
        self._type_kernels: dict[tuple[int, ...], TypeKernel] = {}  # by the op and the types
        self._kernels = {i: self._kernel(i) for i in self._order}
        self._last = {} if keep else self._last_uses()
        self._bindings: dict[tuple[tuple[str, int], ...], SizeBinding] = {}

    def forward(self, inputs: Sequence[Any], sizes: Sizes | None = None) -> list[Any]:
        """The value of every root, else None or, with `keep`, that of every node.

        Raises CgError (status 1) at the node that stops the run: a division of an int by zero, an index out of range,
        sizes that differ, a matrix without an inverse, an assertion that does not hold, more memory or more steps of
        loops than are allowed.
        """
        self._runner.meter = Meter(self.max_steps, self.max_memory)
        return self._forward(inputs, None if sizes is None else dict(sizes))

    def _forward(self, inputs: Sequence[Any], sizes: Sizes | None) -> list[Any]:
        graph = self.graph
        env = {} if sizes is None else sizes
        v: list[Any] = [None] * len(graph)
        for i, x in zip(graph.inputs, inputs, strict=True):
            v[i] = input_array(x, graph.type_of(i))
        if sizes is None:
            env = bind_sizes(graph, graph.inputs, inputs)
        binding = self._bind(env)
        node_bytes, last, kernels, limit = binding.bytes, self._last, self._kernels, self.max_memory
        used = 0
        i = 0
        with np.errstate(all="ignore"):
            try:
                for i in self._order:
                    used += node_bytes[i]
                    if used > limit:
                        raise self._too_large(i, binding, used)
                    v[i] = kernels[i](v, binding, i)
                    for x in last.get(i, ()):
                        v[x] = None
                        used -= node_bytes[x]
            except MemoryError:
                raise self._too_large(i, binding, used) from None
            except STOPS as stop:
                raise stop_error(Node(graph, i), stop) from None
            except (AssertionFailed, TooManySteps, StacksTooLarge) as stop:
                raise limit_error(graph, i, stop, v, self.max_steps, self.max_memory) from None
        return v

    def _bind(self, env: Sizes) -> SizeBinding:
        """The binding of named sizes, memoised. Raises CgError at the first node whose size is negative or unknown."""
        if self._latest_binding is not None and self._latest_binding.sizes is env:
            return self._latest_binding  # a body's next step
        key = tuple(sorted(env.items()))
        binding = self._bindings.get(key)
        if binding is not None:
            self._latest_binding = binding
            return binding
        graph = self.graph
        binding = SizeBinding(env, {}, {})
        i = 0
        try:
            for i in self._order:
                binding.bytes[i] = type_bytes(graph.type_of(i), env)
                attrs = graph.attrs.get(i)
                sized = BY_CODE[graph.op[i]].sized
                if attrs and sized:
                    binding.attrs[i] = {**attrs, **{name: _evaluated(attrs[name], env) for name in sized}}
        except (NegativeSize, UnknownSize) as stop:
            raise stop_error(Node(graph, i), stop) from None
        if len(self._bindings) >= MAX_BINDINGS:
            self._bindings.clear()
        self._bindings[key] = self._latest_binding = binding
        return binding

    # ---- kernels

    def _last_uses(self) -> dict[int, tuple[int, ...]]:
        """Liveness: of each node, the values of which it is the last reader."""
        live_after = set(self.roots)
        last: dict[int, tuple[int, ...]] = {}
        for i in reversed(self._order):
            dying = tuple(x for x in dict.fromkeys(self.graph.operands(i)) if x not in live_after)
            if dying:
                last[i] = tuple(x for x in dying if self.graph.op[x] != INPUT)
            live_after.update(dying)
        return last

    def _kernel(self, i: int) -> NodeKernel:
        graph = self.graph
        code, result = graph.op[i], graph.type_of(i)
        attrs = graph.attrs.get(i, {})
        operands = graph.operands(i)
        if code == CONST:
            assert isinstance(result, Type)
            return _constant(attrs["value"], result)
        op = BY_CODE[code]
        if isinstance(op.vjp, Structured):
            return self._structured(op, attrs, operands)
        if isinstance(result, Stack) or any(isinstance(graph.type_of(x), Stack) for x in operands):
            fit = _fit(result) if isinstance(result, Type) else lambda y: y
            return lambda v, binding, i: fit(
                op.evaluate(self._xp, binding.attrs.get(i, attrs), *[v[x] for x in operands])
            )
        assert isinstance(result, Type)
        key = code, graph.type[i], *[graph.type[x] for x in operands]
        kernel = self._type_kernels.get(key)
        if kernel is None:
            kernel = self._type_kernels[key] = type_kernel(op, [graph.type_of(x) for x in operands], result)
        xp = self._xp
        return lambda v, binding, i: kernel(xp, binding.attrs.get(i, attrs), [v[x] for x in operands])

    def _structured(self, op: Op, attrs: Mapping[str, Any], operands: tuple[int, ...]) -> NodeKernel:
        is_loop = op.name == "loop"  # its first result is the trip count

        def kernel(v: list[Any], binding: SizeBinding, i: int) -> Any:
            self._runner.sizes = binding.sizes
            results = op.evaluate(self._runner, attrs, *[v[x] for x in operands])
            return (np.asarray(results[0], np.int64), *results[1:]) if is_loop else results

        return kernel

    # ---- errors

    def _too_large(self, i: int, binding: SizeBinding, used: int) -> CgError:
        node = Node(self.graph, i)
        size = binding.bytes[i]
        return error(
            "too-large",
            node.span,
            status=1,
            type=str(Type(_dtype(node.type), _shape(node.type, binding.sizes))),
            name=node.name,
            size=format_bytes(size),
            used=format_bytes(used) if used > 1.1 * size else None,
            limit=format_bytes(self.max_memory),
        )


class _Runner:
    """Evaluates the graphs that structured nodes hold."""

    def __init__(self, executor: ArrayExecutor) -> None:
        self.executor = executor
        self.meter = Meter(None, None)
        self.sizes: Sizes = {}

    def __call__(self, graph: Graph, values: Sequence[Any]) -> tuple[Any, ...]:
        outer = self.executor
        nested = outer._nested.get(id(graph))
        if nested is None:
            nested = ArrayExecutor(graph, max_memory=outer.max_memory, max_steps=outer.max_steps)
            outer._nested[id(graph)] = nested
        nested._runner.meter = self.meter
        bytes_left = self.meter.bytes_left
        v = nested._forward(values, self.sizes)
        self.meter.bytes_left = bytes_left  # the stacks of loops inside are freed
        return tuple(v[i] for i in graph.outputs)

    def stepped(self, body: Graph, written: Sequence[Any]) -> None:
        self.meter.step(body)
        self.meter.reserve(sum(map(stack_value_bytes, written)))


_STOP_CODES: dict[type[Exception], str] = {
    IntegerDivisionByZero: "integer-division-by-zero",
    Overflow: "integer-overflow",
    IndexOutOfRange: "index-out-of-range",
    SizesDiffer: "sizes-differ",
    EmptyReduction: "empty-reduction",
    NotInvertible: "not-invertible",
    UnknownSize: "unknown-size",
    NegativeSize: "negative-size-run",
}


def input_array(x: Any, t: AnyType) -> Any:
    """An input as an array; one of a literal's type stays a number, so that it takes on others' dtypes."""
    if not isinstance(t, Type):
        return x  # a stack within a stack
    return x if t.weak and not t.shape else np.asarray(x, dtype=DTYPES[t.dtype])


def type_bytes(t: AnyType, env: Sizes) -> int:
    """`bytes_of` with numbers for named sizes. Raises NegativeSize, and UnknownSize for a name without a number."""
    items = t.items if isinstance(t, Results) else (t,)
    size = bytes_of(Results(tuple(_with_numbers(item, env) for item in items)))
    assert isinstance(size, int)
    return size


def _with_numbers(t: Type | Stack, env: Sizes) -> Type | Stack:
    if isinstance(t, Stack):
        return t
    numbers = []
    for size in t.shape:
        n = evaluate(size, env)
        if n < 0:
            raise NegativeSize(size, n)
        numbers.append(n)
    return t._replace(shape=tuple(numbers))


def _shape(t: AnyType, env: Sizes) -> tuple[int, ...]:
    return () if not isinstance(t, Type) else tuple(evaluate(d, env) for d in t.shape)


def _dtype(t: AnyType) -> str:
    return t.dtype if isinstance(t, Type) else "float"


def _bracket(shape: Sequence[int]) -> str:
    return f"[{', '.join(map(str, shape))}]"


def _evaluated(value: Any, env: Sizes) -> Any:
    """Sizes, or nested tuples of them, as numbers."""
    if isinstance(value, tuple):
        return tuple(_evaluated(x, env) for x in value)
    return evaluate(value, env)


def _constant(value: Any, t: Type) -> NodeKernel:
    if not t.shape and t.weak:
        return lambda v, binding, i: value
    dtype = DTYPES[t.dtype]
    if isinstance(value, tuple):
        array: Any = np.asarray(value, dtype=dtype).reshape([d for d in t.shape if isinstance(d, int)])
        return lambda v, binding, i: array
    scalar: Any = np.asarray(value, dtype=dtype)
    if not t.shape:
        return lambda v, binding, i: scalar
    return lambda v, binding, i: np.broadcast_to(scalar, _shape(t, binding.sizes))


def type_kernel(op: Op, types: Sequence[AnyType], result: Type) -> TypeKernel:
    """The kernel of an op on operands of these types: from the array namespace, attributes and the operands' values."""
    converters = [_operand_converter(t, op, result) for t in types]
    unconverted = all(c is None for c in converters)
    evaluate_op, fit = op.evaluate, _fit(result)
    literal = result.weak and not any(isinstance(t, Type) and t.shape for t in types)
    checked = result.is_int and op.grows and not literal

    def kernel(xp: Namespace, attrs: Mapping[str, Any], values: list[Any]) -> Any:
        xs = values if unconverted else [x if c is None else c(x) for c, x in zip(converters, values, strict=True)]
        return fit(_checked_int(xp, op, attrs, xs, result) if checked else evaluate_op(xp, attrs, *xs))

    return kernel


def stop_error(node: Node, stop: Exception) -> CgError:
    """The error of a run that stops at a node."""
    op = node.graph.attrs.get(node.index, {}).get("derivative_of")
    if op is not None and isinstance(stop, NotInvertible):
        return error("derivative-not-invertible", node.span, status=1, op=op)
    values: dict[str, object] = {"op": BY_CODE[node.graph.op[node.index]].notation.text}
    if isinstance(stop, IndexOutOfRange):
        values |= {"index": stop.args[0], "size": stop.args[1]}
    elif isinstance(stop, SizesDiffer):
        values |= {"found": _bracket(stop.args[0]), "wanted": _bracket(stop.args[1])}
    elif isinstance(stop, Overflow):
        assert isinstance(node.type, Type)
        values |= {"type": node.type.dtype}  # without the shape: a batch has an axis of rows, which the program has not
    elif isinstance(stop, NegativeSize):
        values |= {"text": stop.args[0], "size": stop.args[1]}
    elif isinstance(stop, UnknownSize):
        values |= {"name": stop.args[0]}
    return error(_STOP_CODES[type(stop)], node.span, status=1, **values)


def _operand_converter(t: AnyType, op: Op, result: Type) -> Callable[[Any], Any] | None:
    """The conversion of an operand: a bool counts as an int where the result is a number, a literal becomes an array
    for an op that is not elementwise; None for no conversion."""
    assert isinstance(t, Type)
    if t.dtype == "bool" and result.dtype != "bool" and op.flow != "structural":
        return lambda x: np.asarray(x).astype(np.int64)
    if t.weak and not t.shape and op.flow != "elementwise":
        return np.asarray
    return None


def _fit(t: Type) -> Callable[[Any], Any]:
    """The conversion of an op's result to the type of its node."""
    if t.weak and not t.shape:
        number: Callable[[Any], Any] = float if t.is_float else FITS["weak int"]
        return number
    dtype = DTYPES[t.dtype]
    if not t.is_int:
        return lambda y: np.asarray(y).astype(dtype, copy=False)

    def fit_int(y: Any) -> Any:
        array = np.asarray(y)
        # a literal's int that left 64 bits became a float
        if array.dtype.kind == "f" and not np.all(np.abs(array) < 2.0**63):
            raise Overflow
        return array.astype(dtype, copy=False)

    return fit_int


def _checked_int(xp: Namespace, op: Op, attrs: Mapping[str, Any], values: Sequence[Any], t: Type) -> Any:
    """An int result; raises Overflow where it leaves its range, for arrays of ints would wrap round silently.

    Floats estimate it; where that, or the sum of the magnitudes of terms, comes near the range, exact ints decide.
    """

    def computed(convert: Callable[[Any], Any]) -> Any:
        is_index = [isinstance(op.vjp, tuple) and len(op.vjp) > k and op.vjp[k] is None for k in range(len(values))]
        xs = [x if index else convert(x) for x, index in zip(values, is_index, strict=True)]
        return np.asarray(op.evaluate(xp, attrs, *xs))

    y = computed(lambda x: x if isinstance(x, int) else np.asarray(x).astype(np.int64))
    estimate = np.abs(computed(lambda x: np.asarray(x).astype(np.float64)))
    if estimate.size and np.any(estimate >= _CERTAIN_OVERFLOW):
        raise Overflow
    magnitude = estimate
    if op.flow != "elementwise":  # terms that cancel may overflow before they do
        magnitude = np.abs(computed(lambda x: np.abs(np.asarray(x).astype(np.float64))))
    if magnitude.size and not np.max(magnitude) < _NEAR_OVERFLOW:
        exact = computed(lambda x: np.asarray(x).astype(object))
        legal = INT_RANGES["int"]
        if not all(int(x) in legal for x in exact.flat):
            raise Overflow
        y = exact.astype(np.int64)
    if t.dtype == "i32" and y.size and (y.max() >= 2**31 or y.min() < -(2**31)):
        raise Overflow
    return y


STOPS = tuple(_STOP_CODES)
