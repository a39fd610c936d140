"""The executor of graphs that hold tensors: node by node over an array namespace, NumPy by default."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from cgcli.graph.diagnostic import CgError, error
from cgcli.graph.graph import CONST, INPUT, Graph, Node
from cgcli.graph.size_text import UnknownSize
from cgcli.graph.sizes import evaluate
from cgcli.graph.traversal import live
from cgcli.graph.types import AnyType, Results, Type
from cgcli.ops.arithmetic import IntegerDivisionByZero
from cgcli.ops.arrays import Namespace
from cgcli.ops.gather import IndexOutOfRange
from cgcli.ops.linalg import NotInvertible
from cgcli.ops.numbers import INT_RANGES, Overflow
from cgcli.ops.reduce import EmptyReduction
from cgcli.ops.registry import BY_CODE, Op, Structured
from cgcli.ops.shape import SizesDiffer

DTYPES = {"float": np.float64, "f32": np.float32, "int": np.int64, "i32": np.int32, "bool": np.bool_}
BYTES = {"float": 8, "f32": 4, "int": 8, "i32": 4, "bool": 1}
_NEAR_OVERFLOW = 2.0**62
_CERTAIN_OVERFLOW = 2.0**64  # an estimate is not wrong by half

Sizes = Mapping[str, int]
Step = Callable[[list[Any], "Layout", int], Any]


class NegativeSize(Exception):
    """A size that is made of names comes out below 0: its text and its number."""


def memory_limit() -> int:
    """The bytes that a run may take when nothing else is said: four fifths of the machine's memory."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 4 // 5
    except (AttributeError, ValueError, OSError):
        return 8 * 2**30


class Layout(NamedTuple):
    """What named sizes come to for one set of numbers: the bytes of each node, attributes and shapes in numbers."""

    sizes: Sizes
    bytes: dict[int, int]
    attrs: dict[int, Mapping[str, Any]]


LAYOUTS = 16  # kept of an executor: batches have few sizes


class ArrayExecutor:
    """A graph made ready to run any number of times; only what `roots` (the outputs) need is computed.

    max_memory: bytes that the values of a run may take together. keep: nodes whose values stay, besides the roots.
    """

    def __init__(
        self, graph: Graph, roots: Sequence[int] | None = None, max_memory: int | None = None, keep: bool = False
    ) -> None:
        self.graph = graph
        self.roots = tuple(graph.outputs if roots is None else roots)
        self.max_memory = max_memory or memory_limit()
        self._xp = Namespace(np)
        self._sides: dict[int, ArrayExecutor] = {}
        needed = live(graph, self.roots)
        self._order = [i for i, code in enumerate(graph.op) if needed[i] and code != INPUT]
        self._steps = {i: self._step(i) for i in self._order}
        self._last = {} if keep else self._last_uses()
        self._layouts: dict[tuple[tuple[str, int], ...], Layout] = {}

    def forward(self, inputs: Sequence[Any], sizes: Sizes | None = None) -> list[Any]:
        """The value of every root, else None or, where it was kept, that node's value.

        Raises CgError (status 1) at the node that stops the run: a division of an int by zero, an index out of range,
        sizes that differ, a matrix without an inverse, more memory than is allowed.
        """
        graph = self.graph
        env = dict(sizes or {})
        v: list[Any] = [None] * len(graph)
        for i, x in zip(graph.inputs, inputs, strict=True):
            v[i] = _given(x, graph.type_of(i))
        if sizes is None:
            env = bind_sizes(graph, graph.inputs, inputs)
        layout = self._layout(env)
        taken, last, steps, limit = layout.bytes, self._last, self._steps, self.max_memory
        used = 0
        i = 0
        with np.errstate(all="ignore"):
            try:
                for i in self._order:
                    used += taken[i]
                    if used > limit:
                        raise self._too_large(i, layout, used)
                    v[i] = steps[i](v, layout, i)
                    for x in last.get(i, ()):
                        v[x] = None
                        used -= taken[x]
            except MemoryError:
                raise self._too_large(i, layout, used) from None
            except _STOPS as stop:
                raise self._stopped(i, stop) from None
        return v

    def _layout(self, env: Sizes) -> Layout:
        """Raises CgError at the first node whose size is negative or not known."""
        key = tuple(sorted(env.items()))
        known = self._layouts.get(key)
        if known is not None:
            return known
        graph = self.graph
        made = Layout(dict(env), {}, {})
        i = 0
        try:
            for i in self._order:
                made.bytes[i] = type_bytes(graph.type_of(i), env)
                attrs = graph.attrs.get(i)
                sized = BY_CODE[graph.op[i]].sized
                if attrs and sized:
                    made.attrs[i] = {**attrs, **{key: _resolved(attrs[key], env) for key in sized}}
        except (NegativeSize, UnknownSize) as stop:
            raise self._stopped(i, stop) from None
        if len(self._layouts) >= LAYOUTS:
            self._layouts.clear()
        self._layouts[key] = made
        return made

    def run_side(self, graph: Graph, values: Sequence[Any], sizes: Sizes) -> tuple[Any, ...]:
        """The results of a graph that a structured node holds."""
        side = self._sides.get(id(graph))
        if side is None:
            side = self._sides[id(graph)] = ArrayExecutor(graph, max_memory=self.max_memory)
        v = side.forward(values, sizes)
        return tuple(v[i] for i in graph.outputs)

    # ---- preparing

    def _last_uses(self) -> dict[int, tuple[int, ...]]:
        """Of each node, the values that nobody reads after it."""
        seen = set(self.roots)
        last: dict[int, tuple[int, ...]] = {}
        for i in reversed(self._order):
            gone = tuple(x for x in dict.fromkeys(self.graph.operands(i)) if x not in seen)
            if gone:
                last[i] = tuple(x for x in gone if self.graph.op[x] != INPUT)
            seen.update(gone)
        return last

    def _step(self, i: int) -> Step:
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
        assert isinstance(result, Type)
        types = [graph.type_of(x) for x in operands]
        read = [_reader(x, t, op, result) for x, t in zip(operands, types, strict=True)]
        evaluate_op, xp, fit = op.evaluate, self._xp, _fit(result)
        literal = result.weak and not any(isinstance(t, Type) and t.shape for t in types)
        if result.is_int and op.grows and not literal:
            return lambda v, layout, i: fit(_whole(xp, op, layout.attrs.get(i, attrs), [r(v) for r in read], result))

        def step(v: list[Any], layout: Layout, i: int) -> Any:
            return fit(evaluate_op(xp, layout.attrs.get(i, attrs), *[r(v) for r in read]))

        return step

    def _structured(self, op: Op, attrs: Mapping[str, Any], operands: tuple[int, ...]) -> Step:
        def step(v: list[Any], layout: Layout, i: int) -> Any:
            def run(graph: Graph, values: Sequence[Any]) -> tuple[Any, ...]:
                return self.run_side(graph, values, layout.sizes)

            return op.evaluate(run, attrs, *[v[x] for x in operands])

        return step

    # ---- what can go wrong

    def _too_large(self, i: int, layout: Layout, used: int) -> CgError:
        node = Node(self.graph, i)
        size = layout.bytes[i]
        return error(
            "too-large",
            node.span,
            status=1,
            type=str(Type(_dtype(node.type), _shape(node.type, layout.sizes))),
            name=node.name,
            size=human(size),
            used=human(used) if used > 1.1 * size else None,
            limit=human(self.max_memory),
        )

    def _stopped(self, i: int, stop: Exception) -> CgError:
        node = Node(self.graph, i)
        values: dict[str, object] = {"op": BY_CODE[self.graph.op[i]].notation.text}
        if isinstance(stop, IndexOutOfRange):
            values |= {"index": stop.args[0], "size": stop.args[1]}
        elif isinstance(stop, SizesDiffer):
            values |= {"found": _bracket(stop.args[0]), "wanted": _bracket(stop.args[1])}
        elif isinstance(stop, Overflow):
            values |= {"type": str(node.type)}
        elif isinstance(stop, NegativeSize):
            values |= {"text": stop.args[0], "size": stop.args[1]}
        elif isinstance(stop, UnknownSize):
            values |= {"name": stop.args[0]}
        return error(_CODES[type(stop)], node.span, status=1, **values)


_CODES: dict[type[Exception], str] = {
    IntegerDivisionByZero: "integer-division-by-zero",
    Overflow: "integer-overflow",
    IndexOutOfRange: "index-out-of-range",
    SizesDiffer: "sizes-differ",
    EmptyReduction: "empty-reduction",
    NotInvertible: "not-invertible",
    UnknownSize: "unknown-size",
    NegativeSize: "negative-size-run",
}


def _given(x: Any, t: AnyType) -> Any:
    """An input as an array; what a literal is made of stays a number, so that it takes on others' dtypes."""
    assert isinstance(t, Type)
    return x if t.weak and not t.shape else np.asarray(x, dtype=DTYPES[t.dtype])


def bind_sizes(graph: Graph, nodes: Sequence[int], inputs: Sequence[Any]) -> dict[str, int]:
    """The numbers that named sizes have, from the shapes of input nodes and from inputs that are sizes themselves.

    Inputs fit their types up to named sizes. Raises CgError where a name would be two numbers.
    """
    env: dict[str, int] = {}
    owner: dict[str, str] = {}
    for i, x in zip(nodes, inputs, strict=True):
        t = graph.type_of(i)
        assert isinstance(t, Type)
        name = graph.names.get(i, "")
        found = [(name, int(x))] if t.is_int and not t.shape and name else []
        found += [(d, n) for d, n in zip(t.shape, np.shape(x), strict=True) if isinstance(d, str)]
        for size, n in found:
            if env.setdefault(size, n) != n:
                raise error(
                    "size-twice",
                    Node(graph, i).span,
                    status=1,
                    size=size,
                    first=env[size],
                    second=n,
                    owner=owner[size],
                    name=name,
                )
            owner.setdefault(size, name)
    return env


def type_bytes(t: AnyType, env: Sizes) -> int:
    """The bytes of a value of this type."""
    if isinstance(t, Results):
        return sum(type_bytes(item, env) for item in t.items)
    count = 1
    for size in t.shape:
        n = evaluate(size, env)
        if n < 0:
            raise NegativeSize(size, n)
        count *= n
    return BYTES[t.dtype] * count


def human(size: int) -> str:
    """Bytes as people say them."""
    amount = float(size)
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB"):
        if amount < 1024 or unit == "TiB":
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    raise AssertionError


def _shape(t: AnyType, env: Sizes) -> tuple[int, ...]:
    return () if isinstance(t, Results) else tuple(evaluate(d, env) for d in t.shape)


def _dtype(t: AnyType) -> str:
    return "float" if isinstance(t, Results) else t.dtype


def _bracket(shape: Sequence[int]) -> str:
    return f"[{', '.join(map(str, shape))}]"


def _resolved(value: Any, env: Sizes) -> Any:
    """Sizes as numbers."""
    if isinstance(value, tuple):
        return tuple(_resolved(x, env) for x in value)
    return evaluate(value, env)


def _constant(value: Any, t: Type) -> Step:
    if not t.shape and t.weak:
        return lambda v, layout, i: value
    dtype = DTYPES[t.dtype]
    if isinstance(value, tuple):
        made: Any = np.asarray(value, dtype=dtype).reshape([d for d in t.shape if isinstance(d, int)])
        return lambda v, layout, i: made
    one: Any = np.asarray(value, dtype=dtype)
    if not t.shape:
        return lambda v, layout, i: one
    return lambda v, layout, i: np.broadcast_to(one, _shape(t, layout.sizes))


def _reader(x: int, t: AnyType, op: Op, result: Type) -> Callable[[list[Any]], Any]:
    """How an operand is read: bools count as ints where a number comes out, literals are arrays for other ops."""
    assert isinstance(t, Type)
    if t.dtype == "bool" and result.dtype != "bool" and op.flow != "structural":
        return lambda v: np.asarray(v[x]).astype(np.int64)
    if t.weak and not t.shape and op.flow != "elementwise":
        return lambda v: np.asarray(v[x])
    return lambda v: v[x]


def _fit(t: Type) -> Callable[[Any], Any]:
    """What brings an op's result into the type of its node."""
    if t.weak and not t.shape:
        number: Callable[[Any], Any] = float if t.is_float else int
        return number
    dtype = DTYPES[t.dtype]
    return lambda y: np.asarray(y).astype(dtype, copy=False)


def _whole(xp: Namespace, op: Op, at: Mapping[str, Any], values: Sequence[Any], t: Type) -> Any:
    """An int result; raises Overflow where it leaves its range, for arrays of ints would wrap round silently.

    Floats estimate it; where that, or the sum of the magnitudes of terms, comes near the range, exact ints decide.
    """

    def computed(convert: Callable[[Any], Any]) -> Any:
        places = [isinstance(op.vjp, tuple) and len(op.vjp) > k and op.vjp[k] is None for k in range(len(values))]
        return np.asarray(op.evaluate(xp, at, *[x if p else convert(x) for x, p in zip(values, places, strict=True)]))

    y = computed(lambda x: x if isinstance(x, int) else np.asarray(x).astype(np.int64))
    about = np.abs(computed(lambda x: np.asarray(x).astype(np.float64)))
    if about.size and np.any(about >= _CERTAIN_OVERFLOW):
        raise Overflow
    terms = about
    if op.flow != "elementwise":  # terms that cancel are no smaller for it
        terms = np.abs(computed(lambda x: np.abs(np.asarray(x).astype(np.float64))))
    if terms.size and not np.max(terms) < _NEAR_OVERFLOW:
        exact = computed(lambda x: np.asarray(x).astype(object))
        legal = INT_RANGES["int"]
        if not all(int(x) in legal for x in exact.flat):
            raise Overflow
        y = exact.astype(np.int64)
    if t.dtype == "i32" and y.size and (y.max() >= 2**31 or y.min() < -(2**31)):
        raise Overflow
    return y


_STOPS = tuple(_CODES)
