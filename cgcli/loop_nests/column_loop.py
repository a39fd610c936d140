"""Large graphs on numbers: one loop over the rows of a graph's columns, with a case for each kind of node.

The loop is as long as the graph, its code is not: a nest depends on the set of kinds alone. A case forward is the
kernel of the op, backward its derivative template. Both compute as the kernels on Python's numbers do, bit for bit, so
in double precision; a result of single precision is rounded once.

The values of nodes lie in one buffer of ints, `v`, of a float its representation: first those of the leaves, which are
inputs and constants, then those of the nodes that are computed, in topological order. The buffer `rows` has a row for
each of the latter: the number of its kind, and where its operands lie in `v`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, cast

from cgcli.graph.graph import ASSERT, CONST, opname
from cgcli.graph.types import WEAK_FLOAT, AnyType, Type
from cgcli.ops.table import BY_CODE, OPS
from cgcli.ops.typing import one
from cgcli.transform.templates import COTANGENT, OPERANDS, RESULT, cotangent_type, template

from .builder import LoopBuilder
from .form import ASSERTION, OVERFLOW, Index, LoopNest, Role, Value, index_of
from .numbers import Namespace, Number, Plain

EXACT = 2**53
"""Up to this size ints are floats exactly. Python compares larger ones with floats as numbers, the form does not."""
ZERO = -(2**63)
"""The representation of -0.0, which a sum does not change."""
STOPS = 0
"""The node that statements name which stop the run: the kernels on Python's numbers then find out which one it is."""


@dataclass(frozen=True)
class NodeKind:
    """What the nodes of one case have in common. text: of the attributes, by which kinds are told apart."""

    op: int
    operands: tuple[Type, ...]
    result: Type
    attrs: Mapping[str, Any] = field(compare=False)
    text: str

    @property
    def order(self) -> tuple[str, ...]:
        """By which kinds are sorted, so that a set of them has one nest."""
        return opname(self.op), str(self.result), *map(str, self.operands), self.text

    @property
    def has_derivative(self) -> bool:
        return self.result.has_derivative and any(t.has_derivative for t in self.operands)


def is_supported(code: int) -> bool:
    """Whether nodes of an op have a case: it is elementwise, and its kernel can be written in the form."""
    op = BY_CODE[code]
    return op.is_elementwise and op.loops is None


class NumbersNamespace(Namespace):
    """The functions of `ops.floats`, where those of arrays are computed otherwise."""

    def minimum(self, x: Number, y: Number | Plain) -> Number:
        return self.where((x < y) | (x != x), x, y)

    def maximum(self, x: Number, y: Number | Plain) -> Number:
        return self.where((x > y) | (x != x), x, y)

    def cbrt(self, x: Number) -> Number:
        """A root of 23 bits and one step of Halley's iteration."""
        root = self.function("cbrt", x)
        wide = root * (2.0**30 + 1.0)
        short = wide - (wide - root)
        quotient = self.divide(x, short * short)
        step = self.divide(quotient - short, 2.0 * short + quotient)
        return self.where((root == 0.0) | (abs(root) == self.inf) | (root != root), root, short + short * step)


NAMESPACE = NumbersNamespace()


def forward(kinds: Sequence[NodeKind]) -> LoopNest:
    """Computes nodes of these kinds into `v`."""
    nodes = _Nodes("forward", kinds, "out")
    k = nodes.k
    with k.loop(nodes.count) as loop:
        nodes.row = index_of(loop.variable)
        k.switch(nodes.kind(), [partial(_compute, nodes, kind) for kind in kinds])
    return k.nest()


def backward(kinds: Sequence[NodeKind]) -> LoopNest:
    """Adds what nodes of these kinds contribute to the cotangents of their operands, from the last row to the first.

    The buffer `cotangent` holds representations as `v` does. `reached`: whether a path leads to a node; the cotangent
    of any other is not set, and taken for -0.0.
    """
    nodes = _Nodes("backward", kinds, "in")
    k = nodes.k
    k.buffer("cotangent", "i64", [nodes.all], "out")
    k.buffer("reached", "bool", [nodes.all], "out")
    with k.loop(nodes.count) as loop:
        nodes.row = Index(-1, ((nodes.count, 1), (loop.variable, -1)))
        k.switch(nodes.kind(), [partial(_if_reached, nodes, kind) if kind.has_derivative else tuple for kind in kinds])
    return k.nest()


def _if_reached(nodes: _Nodes, kind: NodeKind) -> Sequence[Value]:
    """The case of a kind backward. The look at `reached` is within it: so the jump to it need not wait for memory."""
    is_reached = nodes.k.load("reached", [nodes.node], changing=True)
    return nodes.k.switch(is_reached, [tuple, partial(_contribute, nodes, kind)])


class _Nodes:
    """A nest over rows. row: the index of the one whose case is built; role: of the buffer `v`."""

    row: Index

    def __init__(self, name: str, kinds: Sequence[NodeKind], role: Role) -> None:
        self.k = k = LoopBuilder(name)
        self.count, self.leaves, self.all = k.size("rows"), k.size("leaves"), k.size("nodes")
        k.buffer("rows", "i32", [self.count, width(kinds)], "in")
        k.buffer("v", "i64", [self.all], role)

    def kind(self) -> Value:
        return self.k.load("rows", [self.row, 0])

    @property
    def node(self) -> Index:
        """Where the value of the row lies."""
        return self.row.plus(index_of(self.leaves))

    def operand(self, n: int) -> Index:
        return index_of(self.k.load("rows", [self.row, 1 + n]))

    def number(self, node: Index, t: Type, among_floats: bool) -> Number:
        """The value of a node. among_floats: whether an int has to be a float exactly, else the run stops."""
        k = self.k
        x = k.load("v", [node], changing=self.k.buffers["v"].role == "out")
        if t.is_float:
            return Number(k, k.from_bits(x), STOPS)
        if t.dtype == "bool":
            return Number(k, k.bool(x), STOPS)
        if among_floats:
            least, most = k.const(-EXACT, "i64"), k.const(EXACT, "i64")
            k.check(k.and_(k.ge(x, least), k.le(x, most)), OVERFLOW, STOPS)
        return Number(k, x, STOPS)


def width(kinds: Sequence[NodeKind]) -> int:
    """The number of columns of nodes of these kinds."""
    return 1 + max((len(kind.operands) for kind in kinds), default=0)


def _compute(nodes: _Nodes, kind: NodeKind) -> Sequence[Value]:
    """The case of a kind forward."""
    k = nodes.k
    among_floats = any(t.is_float for t in kind.operands)
    xs = [nodes.number(nodes.operand(n), t, among_floats) for n, t in enumerate(kind.operands)]
    if kind.op == ASSERT:
        k.check(xs[0].value, ASSERTION, STOPS)
    y = xs[0] if kind.op == ASSERT else _computed(k, kind.op, xs, kind.operands, kind.result, kind.attrs)
    k.store("v", [nodes.node], k.bits(y.value) if y.type == "f64" else y.to("i64").value)
    return ()


def _contribute(nodes: _Nodes, kind: NodeKind) -> Sequence[Value]:
    """What a node of a kind adds to the cotangents of its operands."""
    k = nodes.k
    rule = template(kind.op, kind.operands, kind.result, kind.attrs, [t.has_derivative for t in kind.operands])
    node, operands = nodes.node, [nodes.operand(n) for n in range(len(kind.operands))]
    types: dict[int, AnyType] = {COTANGENT: cotangent_type(kind.result), RESULT: kind.result}
    types.update((OPERANDS - n, t) for n, t in enumerate(kind.operands))
    read = {ref for row in rule.rows for ref in row.operands}
    read.update(ref for c in rule.contributions if c for ref in c if ref is not None)
    numbers: dict[int, Number] = {}
    for ref in sorted(read):
        if ref == COTANGENT:
            numbers[ref] = Number(k, k.from_bits(k.load("cotangent", [node], changing=True)), STOPS)
        elif ref < 0:
            x = node if ref == RESULT else operands[OPERANDS - ref]
            numbers[ref] = nodes.number(x, one(types[ref]), among_floats=True)
    for n, row in enumerate(rule.rows):
        xs = [numbers[ref] for ref in row.operands]
        numbers[n] = _computed(k, row.op, xs, [types[ref] for ref in row.operands], row.type, row.attrs)
        types[n] = row.type
    for x, t, contribution in zip(operands, kind.operands, rule.contributions, strict=True):
        if contribution is None:
            continue
        value = numbers[contribution.value].to("f64").value
        is_reached = k.load("reached", [x], changing=True)
        before = k.select(is_reached, k.load("cotangent", [x], changing=True), k.const(ZERO, "i64"))
        if contribution.support is None:
            reached = k.const(True, "bool")
        else:
            support = numbers[contribution.support].value
            reached, value = k.or_(is_reached, support), k.select(support, value, k.const(-0.0))
        total = k.add(k.from_bits(before), value)
        k.store("cotangent", [x], k.bits(k.f64(k.f32(total)) if t.dtype == "f32" else total))
        k.store("reached", [x], reached)
    return ()


def _computed(
    k: LoopBuilder,
    op: int,
    operands: Sequence[Number],
    types: Sequence[AnyType],
    result: AnyType,
    attrs: Mapping[str, Any],
) -> Number:
    """`op(operands)` in the type of the result, as `ops.number_kernels.expression` has it: floats are `f64`, ints
    `i64`."""
    t = one(result)
    if op == CONST:
        return Number(k, k.const(attrs["value"], "f64" if t.is_float else "bool" if t.dtype == "bool" else "i64"))
    declared = BY_CODE[op]
    if declared.expansion is not None and not (t.weak and t.is_int):
        terms = [_Term(x, of) for x, of in zip(operands, types, strict=True)]
        expanded = declared.expansion(_Terms(k), *terms, attrs)
        if expanded is not None:
            return cast("_Term", expanded).number
    numbers = operands if t.dtype == "bool" else [x.to("i64") if x.type == "bool" else x for x in operands]
    y: Number | Plain = declared.evaluate(cast("Any", NAMESPACE), cast("Any", attrs), *cast("Any", numbers))
    if not isinstance(y, Number):
        y = Number(k, k.const(y, "f64" if t.is_float else "i64"))
    y = Number(k, y.value, STOPS)
    if t.is_float:
        y = y.to("f64")
        return y.to("f32").to("f64") if t.dtype == "f32" else y
    if t.dtype == "bool":
        return y.to("bool")
    return y.to("i64").to("i32").to("i64") if t.dtype == "i32" else y.to("i64")


class _Term(NamedTuple):
    number: Number
    type: AnyType


class _Terms:
    """The methods of the graph builder over numbers."""

    def __init__(self, k: LoopBuilder) -> None:
        self.k = k

    def __getattr__(self, name: str) -> Callable[..., _Term]:
        k, op = self.k, OPS[name.rstrip("_")]

        def term(*operands: _Term | float, **attrs: Any) -> _Term:
            terms = [x if isinstance(x, _Term) else _Term(Number(k, k.const(x)), WEAK_FLOAT) for x in operands]
            types = [x.type for x in terms]
            result = op.type_rule(types, attrs)
            return _Term(_computed(k, op.code, [x.number for x in terms], types, result, attrs), result)

        return term
