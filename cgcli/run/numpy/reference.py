"""The executor of graphs that hold tensors: node by node over an array namespace, NumPy by default."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from cgcli.diagnostics.byte_text import byte_text
from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.graph.graph import CONST, INPUT, Graph, Node
from cgcli.graph.size_text import UnknownSize
from cgcli.graph.sizes import evaluate
from cgcli.graph.traversal import live
from cgcli.graph.types import ANY, AnyType, Results, Stack, Type
from cgcli.ops.arithmetic import IntegerDivisionByZero
from cgcli.ops.arrays import Namespace
from cgcli.ops.gather import IndexOutOfRange
from cgcli.ops.linalg import NotInvertible
from cgcli.ops.numbers import FITS, INT_RANGES, Overflow
from cgcli.ops.op import AssertionFailed, Op, Structured
from cgcli.ops.reduce import EmptyReduction
from cgcli.ops.shape import SizesDiffer
from cgcli.ops.table import BY_CODE
from cgcli.run.limits import Meter, StacksTooLarge, TooManySteps, kept_bytes, memory_limit, stopped

DTYPES = {"float": np.float64, "f32": np.float32, "int": np.int64, "i32": np.int32, "bool": np.bool_}
BYTES = {"float": 8, "f32": 4, "int": 8, "i32": 4, "bool": 1}
_NEAR_OVERFLOW = 2.0**62
_CERTAIN_OVERFLOW = 2.0**64  # an estimate is not wrong by half

Sizes = Mapping[str, int]
Step = Callable[[list[Any], "Layout", int], Any]
Compute = Callable[[Namespace, Mapping[str, Any], list[Any]], Any]


class NegativeSize(Exception):
    """A size that is made of names comes out below 0: its text and its number."""


class Layout(NamedTuple):
    """What named sizes come to for one set of numbers: the bytes of each node, attributes and shapes in numbers."""

    sizes: Sizes
    bytes: dict[int, int]
    attrs: dict[int, Mapping[str, Any]]


LAYOUTS = 16  # kept of an executor: batches have few sizes


class ArrayExecutor:
    """A graph made ready to run any number of times; only what `roots` (the outputs) need is computed.

    max_memory: bytes that the values of a run may take together. max_steps: how many steps its loops may run together.
    keep: nodes whose values stay, besides the roots.
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
        self._latest: Layout | None = None
        self._sides: dict[int, ArrayExecutor] = {}
        needed = live(graph, (*self.roots, *graph.asserts))
        self._order = [i for i, code in enumerate(graph.op) if needed[i] and code != INPUT]
        self._computing: dict[tuple[int, ...], Compute] = {}  # by the op and the types
        self._steps = {i: self._step(i) for i in self._order}
        self._last = {} if keep else self._last_uses()
        self._layouts: dict[tuple[tuple[str, int], ...], Layout] = {}

    def forward(self, inputs: Sequence[Any], sizes: Sizes | None = None) -> list[Any]:
        """The value of every root, else None or, where it was kept, that node's value.

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
            except STOPS as stop:
                raise self._stopped(i, stop) from None
            except (AssertionFailed, TooManySteps, StacksTooLarge) as stop:
                raise stopped(graph, i, stop, v, self.max_steps, self.max_memory) from None
        return v

    def _layout(self, env: Sizes) -> Layout:
        """Raises CgError at the first node whose size is negative or not known."""
        if self._latest is not None and self._latest.sizes is env:
            return self._latest  # a body's next step
        key = tuple(sorted(env.items()))
        known = self._layouts.get(key)
        if known is not None:
            self._latest = known
            return known
        graph = self.graph
        made = Layout(env, {}, {})
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
        self._layouts[key] = self._latest = made
        return made

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
        if isinstance(result, Stack) or any(isinstance(graph.type_of(x), Stack) for x in operands):
            fit_stack = _fit(result) if isinstance(result, Type) else lambda y: y
            return lambda v, layout, i: fit_stack(
                op.evaluate(self._xp, layout.attrs.get(i, attrs), *[v[x] for x in operands])
            )
        assert isinstance(result, Type)
        kind = code, graph.type[i], *[graph.type[x] for x in operands]
        compute = self._computing.get(kind)
        if compute is None:
            compute = self._computing[kind] = computing(op, [graph.type_of(x) for x in operands], result)
        xp = self._xp
        return lambda v, layout, i: compute(xp, layout.attrs.get(i, attrs), [v[x] for x in operands])

    def _structured(self, op: Op, attrs: Mapping[str, Any], operands: tuple[int, ...]) -> Step:
        counted = op.name == "loop"  # its trip count comes first

        def step(v: list[Any], layout: Layout, i: int) -> Any:
            self._runner.sizes = layout.sizes
            results = op.evaluate(self._runner, attrs, *[v[x] for x in operands])
            return (np.asarray(results[0], np.int64), *results[1:]) if counted else results

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
            size=byte_text(size),
            used=byte_text(used) if used > 1.1 * size else None,
            limit=byte_text(self.max_memory),
        )

    def _stopped(self, i: int, stop: Exception) -> CgError:
        return stop_error(Node(self.graph, i), stop)


class _Runner:
    """Evaluates the graphs that structured nodes hold."""

    def __init__(self, executor: ArrayExecutor) -> None:
        self.executor = executor
        self.meter = Meter(None, None)
        self.sizes: Sizes = {}

    def __call__(self, graph: Graph, values: Sequence[Any]) -> tuple[Any, ...]:
        outer = self.executor
        side = outer._sides.get(id(graph))
        if side is None:
            side = ArrayExecutor(graph, max_memory=outer.max_memory, max_steps=outer.max_steps)
            outer._sides[id(graph)] = side
        side._runner.meter = self.meter
        room = self.meter.room
        v = side._forward(values, self.sizes)
        self.meter.room = room  # what loops inside kept is gone
        return tuple(v[i] for i in graph.outputs)

    def stepped(self, body: Graph, written: Sequence[Any]) -> None:
        self.meter.step(body)
        self.meter.keep(sum(map(kept_bytes, written)))


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
    if not isinstance(t, Type):
        return x  # a stack within a stack
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
        if t == ANY:
            continue
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
    """The bytes of a value of this type; what stacks take is only known when they are written."""
    if isinstance(t, Stack):
        return 0
    if isinstance(t, Results):
        return sum(type_bytes(item, env) for item in t.items)
    count = 1
    for size in t.shape:
        n = evaluate(size, env)
        if n < 0:
            raise NegativeSize(size, n)
        count *= n
    return BYTES[t.dtype] * count


def _shape(t: AnyType, env: Sizes) -> tuple[int, ...]:
    return () if not isinstance(t, Type) else tuple(evaluate(d, env) for d in t.shape)


def _dtype(t: AnyType) -> str:
    return t.dtype if isinstance(t, Type) else "float"


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


def computing(op: Op, types: Sequence[AnyType], result: Type) -> Compute:
    """What computes a node of an op from the array namespace, its attributes and the values of its operands."""
    read = [_reader(t, op, result) for t in types]
    plain = all(r is None for r in read)
    evaluate_op, fit = op.evaluate, _fit(result)
    literal = result.weak and not any(isinstance(t, Type) and t.shape for t in types)
    whole = result.is_int and op.grows and not literal

    def compute(xp: Namespace, at: Mapping[str, Any], values: list[Any]) -> Any:
        xs = values if plain else [x if r is None else r(x) for r, x in zip(read, values, strict=True)]
        return fit(_whole(xp, op, at, xs, result) if whole else evaluate_op(xp, at, *xs))

    return compute


def stop_error(node: Node, stop: Exception) -> CgError:
    """The error of a run that stops at a node."""
    of = node.graph.attrs.get(node.index, {}).get("derivative_of")
    if of is not None and isinstance(stop, NotInvertible):
        return error("derivative-not-invertible", node.span, status=1, op=of)
    values: dict[str, object] = {"op": BY_CODE[node.graph.op[node.index]].notation.text}
    if isinstance(stop, IndexOutOfRange):
        values |= {"index": stop.args[0], "size": stop.args[1]}
    elif isinstance(stop, SizesDiffer):
        values |= {"found": _bracket(stop.args[0]), "wanted": _bracket(stop.args[1])}
    elif isinstance(stop, Overflow):
        assert isinstance(node.type, Type)
        values |= {"type": node.type.dtype}  # a batch has an axis of rows, of which a program knows nothing
    elif isinstance(stop, NegativeSize):
        values |= {"text": stop.args[0], "size": stop.args[1]}
    elif isinstance(stop, UnknownSize):
        values |= {"name": stop.args[0]}
    return error(_CODES[type(stop)], node.span, status=1, **values)


def _reader(t: AnyType, op: Op, result: Type) -> Callable[[Any], Any] | None:
    """How an operand is read: bools count as ints where a number comes out, literals are arrays for other ops."""
    assert isinstance(t, Type)
    if t.dtype == "bool" and result.dtype != "bool" and op.flow != "structural":
        return lambda x: np.asarray(x).astype(np.int64)
    if t.weak and not t.shape and op.flow != "elementwise":
        return np.asarray
    return None


def _fit(t: Type) -> Callable[[Any], Any]:
    """What brings an op's result into the type of its node."""
    if t.weak and not t.shape:
        number: Callable[[Any], Any] = float if t.is_float else FITS["weak int"]
        return number
    dtype = DTYPES[t.dtype]
    if not t.is_int:
        return lambda y: np.asarray(y).astype(dtype, copy=False)

    def whole(y: Any) -> Any:
        found = np.asarray(y)
        # a literal's int that left 64 bits went on as a float
        if found.dtype.kind == "f" and not np.all(np.abs(found) < 2.0**63):
            raise Overflow
        return found.astype(dtype, copy=False)

    return whole


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


STOPS = tuple(_CODES)
