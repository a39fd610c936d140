"""The checking builder: appends an op's node after its type rule has agreed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cgcli.graph.columns import Columns
from cgcli.graph.graph import CAST, CONST, COPY, INPUT, NONE, Graph, nested
from cgcli.graph.traversal import every
from cgcli.graph.types import BOOL, MAX_AXES, WEAK_FLOAT, WEAK_INT, AnyType, Stack, Type

from .numbers import single
from .op import Op, TypeMismatch
from .table import BY_CODE, OPS
from .typing import one

Number = float | int | bool
ARRAY_AXES = 64  # of NumPy's arrays; a derivative adds few axes to those of a user's tensors


class Builder(Columns):
    """Makes nodes: `b.mul(x, y)`, `b.max(x, 0.0)`; a Python number may stand for an operand and is a literal.

    A method is an op's name (`b.and_` where Python reserves it). Raises `TypeMismatch` when the operands do not fit.

    risk: whether a node may be infinite or NaN at finite inputs. varies: whether it depends on more than literals.
    at_span, at_group: those of new nodes. `share`: equal nodes are interned (for nodes that a pass adds, never for
    the user's own: it would merge his `d = a + b` and `e = a + b`).
    restored: of an array that a loop has changed, the node that is the same array again, behind the loop's derivative.
    overwritten: of a loop and a carry the results that hold what its steps have written over.
    """

    def __init__(self) -> None:
        super().__init__()
        self.risk = bytearray()
        self.varies = bytearray()
        self.at_span = NONE
        self.at_group = NONE
        self.restored: dict[int, int] = {}
        self.overwritten: dict[tuple[int, int], list[int]] = {}
        self._shared: dict[tuple[object, ...], int] | None = None
        self._has_single = False
        self._result_types: dict[tuple[int, ...], int] = {}

    def share(self, on: bool = True) -> None:
        """From now on equal nodes are interned (or not any more)."""
        self._shared = {} if on else None

    def intern_type(self, type_: AnyType) -> int:
        index = self._type_index.get(type_)
        if index is None:
            index = super().intern_type(type_)
            self._has_single = self._has_single or (isinstance(type_, Type) and type_.dtype == "f32")
        return index

    def input(self, type_: Type | Stack, name: str | None = None, varies: bool = True, **attrs: Any) -> int:
        i = self._append(INPUT, (), self.intern_type(type_), attrs, False, varies)
        if name is not None:
            self.names[i] = name
        return i

    def const(self, value: Number, type_: Type | None = None) -> int:
        """A constant; without a type it is a literal's."""
        if type_ is None:
            type_ = BOOL if isinstance(value, bool) else WEAK_INT if isinstance(value, int) else WEAK_FLOAT
        return self.place(CONST, (), self.intern_type(type_), {"value": value})

    def __getattr__(self, op: str) -> Callable[..., int]:
        name = op.rstrip("_")
        try:
            OPS[name]
        except KeyError:
            raise AttributeError(op) from None
        return lambda *operands, **attrs: self.apply(name, *operands, **attrs)

    def apply(self, op: str, *operands: int | float, **attrs: Any) -> int:
        """The node `op(operands)`. An int among the operands is a node; write a literal as a float or use `const`."""
        refs = tuple(x if type(x) is int else self.const(x) for x in operands)
        return self.emit(OPS[op].code, refs, attrs)

    def emit(self, code: int, operands: tuple[int, ...], attrs: Mapping[str, Any]) -> int:
        op = BY_CODE[code]
        if self._has_single and not op.is_structured:
            operands = self._in_single(op, operands)
        if op.derivative.ties and not attrs:
            attrs = op.derivative.ties([bool(self.varies[x]) for x in operands])
        key = (code, *[self.type[x] for x in operands])
        result_type = None if attrs else self._result_types.get(key)
        if result_type is None:
            type_ = op.type_rule([self.type_of(x) for x in operands], attrs)
            if isinstance(type_, Type) and type_.rank > ARRAY_AXES:
                raise TypeMismatch("too-many-axes", limit=MAX_AXES)
            result_type = self.intern_type(type_)
            if not attrs:
                self._result_types[key] = result_type
        return self.place(code, operands, result_type, attrs)

    def _in_single(self, op: Op, operands: tuple[int, ...]) -> tuple[int, ...]:
        """The operands, with literals among f32 rounded to it, so that no executor has to do it."""
        types = [self.type_of(x) for x in operands]
        floats = {t.dtype for t in types if isinstance(t, Type) and t.is_float and not t.weak}
        if floats != {"f32"} or not any(isinstance(t, Type) and t.weak for t in types):
            return operands
        return tuple(
            self._rounded(x, t) if isinstance(t, Type) and t.weak and (t.is_float or op.is_elementwise) else x
            for x, t in zip(operands, types, strict=True)
        )

    def _rounded(self, x: int, t: Type) -> int:
        """A literal as a number of single precision; as it is where that is the same number."""
        origin = x
        while self.op[origin] == COPY:
            origin = self.a[origin]
        value = self.constant(origin)
        if value is not None and not t.shape and single(value) == value:
            return x
        if self.op[x] == CONST:
            return self.const(single(value), Type("f32", t.shape))
        return self.emit(CAST, (x,), {"dtype": "f32"}) if t.is_float else x

    def place(
        self, code: int, operands: tuple[int, ...], type_: int, attrs: Mapping[str, Any], merge: bool = True
    ) -> int:
        """A node of a given type, a row of `types`, unchecked; merged with an equal one while sharing is on."""
        if self._shared is not None:
            # repr tells 0.0 from -0.0 and 1 from True; a nested graph has an identity of its own
            values = tuple((k, id(v) if isinstance(v, Graph) else repr(v)) for k, v in attrs.items()) if attrs else None
            key = (code, operands, type_, values)
            equal = self._shared.get(key)
            if equal is not None and merge:
                return equal
            self._shared[key] = len(self.op)
        op = BY_CODE[code]
        # the results of an `if` or a loop vary, whatever its graphs hold
        varies = op.is_structured
        risk = op.effects.hazard or (varies and _has_hazard(attrs))
        if risk and op.effects.tame is not None:
            risk = not op.effects.tame(attrs, [self.constant(x) for x in operands])
        for x in operands:
            varies = varies or bool(self.varies[x])
            risk = risk or bool(self.risk[x])
        return self._append(code, operands, type_, attrs, risk, varies)

    def inline(self, graph: Graph, arguments: Sequence[int]) -> list[int]:
        """Appends the nodes of `graph` over `arguments`, unchecked. Returns by node of `graph` its node here."""
        where = [NONE] * len(graph)
        for i, x in zip(graph.inputs, arguments, strict=True):
            where[i] = x
        span, group = self.at_span, self.at_group
        spans = [self.intern_span(s) for s in graph.spans]
        types = [self.intern_type(t) for t in graph.types]
        groups: list[int] = []
        for g in graph.groups:
            outer = group if g.parent == NONE else groups[g.parent]
            groups.append(self.add_group(g._replace(parent=outer)))
        for i, code in enumerate(graph.op):
            if code == INPUT:
                continue
            self.at_span = spans[graph.span[i]] if graph.span[i] != NONE else span
            self.at_group = groups[graph.group[i]] if graph.group[i] != NONE else group
            operands = tuple([where[x] for x in graph.operands(i)])
            where[i] = self.place(code, operands, types[graph.type[i]], graph.attrs.get(i, {}))
            if i in graph.names:
                self.names[where[i]] = graph.names[i]
        self.at_span, self.at_group = span, group
        return where

    def done(self, *outputs: int) -> Graph:
        return self.freeze(outputs)

    def value_of(self, i: int) -> Any:
        """The value of node `i` where the builder computes at once, as a tape does; else None."""
        return None

    def replace_attrs(self, i: int, type_: AnyType, attrs: Mapping[str, Any]) -> None:
        """Replaces the type and attributes of a structured node, which gets more results behind its own."""
        self.type[i] = self.intern_type(type_)
        self.attrs[i] = attrs

    def type1(self, i: int) -> Type:
        """The type of node `i`, which has one result."""
        return one(self.type_of(i))

    def _append(
        self, code: int, operands: tuple[int, ...], type_: int, attrs: Mapping[str, Any], risk: bool, varies: bool
    ) -> int:
        self.risk.append(risk)
        self.varies.append(varies)
        return self.append(code, operands, type_, attrs, self.at_span, self.at_group)


def _has_hazard(attrs: Mapping[str, Any]) -> bool:
    """Whether an op nested in a structured node can make an inf or NaN of finite numbers."""
    graphs = (graph for outer in nested(attrs).values() for graph in every(outer))
    return any(BY_CODE[code].effects.hazard for graph in graphs for code in set(graph.op))
