"""Graphs on numbers run as machine code that loops over their columns (`loop_nests.column_loop`).

Values and cotangents have the bits of the kernels on Python's numbers, and are what these give where something stops
the run.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from cgcli.graph.graph import ASSERT, CONST, INPUT, Graph
from cgcli.graph.traversal import live
from cgcli.graph.types import Type
from cgcli.loop_nests.column_loop import NodeKind, backward, forward, is_supported, width
from cgcli.loop_nests.form import LoopNest, Unsupported
from cgcli.ops.table import BY_CODE

from .compile import CompiledNest, compile_nest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


MOST_KINDS = 400
"""The largest number of kinds of nodes that one nest has a case for: to compile one takes about a millisecond."""
MOST_OPERANDS = 8
"""The largest number of operands, each of which is a column."""


class NumberColumn(Sequence[Any]):
    """The numbers of the nodes of a graph, made Python's as they are read; None of nodes without one.

    representations: as they lie in memory. where: of each node, -1 of one without; readers: of each node how its number
    is read, an index into `_READERS`. exists: of each representation whether it is that of a number; None: all are.
    """

    def __init__(
        self, representations: Array, where: Array, readers: Array | None = None, exists: Array | None = None
    ) -> None:
        """readers: None where all numbers are floats."""
        self.representations, self.where, self.readers, self.exists = representations, where, readers, exists

    def __len__(self) -> int:
        return len(self.where)

    @overload
    def __getitem__(self, i: int) -> Any: ...
    @overload
    def __getitem__(self, i: slice) -> list[Any]: ...
    def __getitem__(self, i: int | slice) -> Any:
        if isinstance(i, slice):
            return list(self)[i]
        k = self.where[i]
        if k < 0 or (self.exists is not None and not self.exists[k]):
            return None
        return _READERS[_FLOAT if self.readers is None else self.readers[i]](self.representations[k])

    def __iter__(self) -> Iterator[Any]:
        numbers: list[Any] = self.representations.view(np.float64)[self.where].tolist()
        others = self.where < 0 if self.readers is None else (self.where < 0) | (self.readers != _FLOAT)
        if self.exists is not None:
            others |= ~self.exists[self.where]
        for i in np.flatnonzero(others).tolist():
            numbers[i] = self[i]
        return iter(numbers)


_FLOAT, _INT, _BOOL = range(3)
_READERS = (lambda x: float(x.view(np.float64)), int, bool)


def _reader(t: Any) -> int:
    """How numbers of a type are read."""
    if not isinstance(t, Type) or t.shape:
        raise Unsupported(f"values of type {t}")
    return _FLOAT if t.is_float else _BOOL if t.dtype == "bool" else _INT


def _columns(graph: Graph) -> Iterator[Array]:
    """The columns of ops, of two operands, and of types."""
    return (np.frombuffer(column, np.intc) for column in (graph.op, graph.a, graph.b, graph.type))


def _kinds(graph: Graph, nodes: Array) -> tuple[tuple[NodeKind, ...], Array]:
    """The kinds of these nodes, sorted, and of each node the number of its kind."""
    op, a, b, type_ = _columns(graph)
    behind, count = np.append(type_ + 1, 0), len(graph.types) + 1  # the last is that of no operand
    key = ((op.astype(np.int64) * count + behind[:-1]) * count + behind[a]) * count + behind[b]
    others: dict[tuple[object, ...], int] = {}
    for i in {*graph.more, *(i for i in graph.attrs if op[i] not in (CONST, ASSERT))}:
        attrs, operands = graph.attrs.get(i), graph.more.get(i, ())
        text = repr(sorted(attrs.items())) if attrs and op[i] != ASSERT else ""
        key[i] = -1 - others.setdefault((int(key[i]), text, *(type_[x] for x in operands)), len(others))
        if len(others) > MOST_KINDS:
            raise Unsupported("so many kinds of nodes")
    _, first, number = np.unique(key[nodes], return_index=True, return_inverse=True)
    if len(first) > MOST_KINDS:
        raise Unsupported("so many kinds of nodes")
    kinds = [_kind(graph, i) for i in nodes[first].tolist()]
    order = sorted(range(len(kinds)), key=lambda n: kinds[n].order)
    sorted_number = np.empty(len(kinds), np.int32)
    sorted_number[order] = np.arange(len(kinds))
    return tuple([kinds[n] for n in order]), sorted_number[number.reshape(-1)]


def _kind(graph: Graph, i: int) -> NodeKind:
    operands, result = [graph.type_of(x) for x in graph.operands(i)], graph.type_of(i)
    for t in (*operands, result):
        _reader(t)
    attrs = {} if graph.op[i] == ASSERT else graph.attrs.get(i, {})
    text = repr(sorted(attrs.items())) if attrs else ""
    kind = NodeKind(graph.op[i], tuple(operands), result, attrs, text)  # type: ignore[arg-type]
    if not is_supported(kind.op) or len(operands) > MOST_OPERANDS:
        raise Unsupported(f"`{BY_CODE[kind.op].name}`")
    return kind


@cache
def _compiled(nest_of: Callable[[Sequence[NodeKind]], LoopNest], kinds: tuple[NodeKind, ...]) -> CompiledNest:
    return compile_nest(nest_of(kinds), platform=True)


def _address(array: Array) -> int:
    """As `array.ctypes.data`, more quickly."""
    return ctypes.addressof(ctypes.c_char.from_buffer(array))  # type: ignore[arg-type]


class ColumnGraph:
    """A graph on numbers, without conditionals and loops, made ready to run. Runs may overlap.

    Raises Unsupported for a graph that has other nodes, ImportError without llvmlite.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        op, a, b, type_ = _columns(graph)
        self._readers = np.array([_reader(t) for t in graph.types], np.int8)[type_]
        self._float_inputs = [n for n, i in enumerate(graph.inputs) if self._readers[i] == _FLOAT]
        self._int_inputs = [n for n, i in enumerate(graph.inputs) if self._readers[i] != _FLOAT]
        constants = np.flatnonzero(op == CONST)
        leaves = [graph.inputs[n] for n in (*self._float_inputs, *self._int_inputs)] + constants.tolist()
        self._leaves = np.zeros(len(leaves), np.int64)
        self._leaves[len(graph.inputs) :] = self._constants(constants)
        needed = np.frombuffer(live(graph, (*graph.outputs, *graph.asserts)), bool)
        nodes = np.flatnonzero(needed & (op != CONST) & (op != INPUT))
        where = np.full(len(graph) + 1, -1, np.int32)  # the last is that of no operand
        where[leaves] = np.arange(len(leaves))
        where[nodes] = np.arange(len(leaves), len(leaves) + len(nodes))
        self._where = where[:-1]
        if not len(nodes):
            raise Unsupported("graphs that compute nothing")
        self.kinds, kind = _kinds(graph, nodes)
        self._rows = np.zeros((len(nodes), width(self.kinds)), np.int32)
        self._rows[:, 0] = kind
        for n, operand in enumerate((a, b)[: width(self.kinds) - 1], 1):
            self._rows[:, n] = where[operand[nodes]]
        for i, operands in graph.more.items():
            if needed[i]:
                self._rows[where[i] - len(leaves), 3 : 3 + len(operands)] = where[list(operands)]
        self._sizes = len(nodes), len(leaves), len(leaves) + len(nodes)
        self._forward = _compiled(forward, self.kinds)
        self._rows_at = _address(self._rows)

    def _constants(self, nodes: Array) -> Array:
        """The representations of constants."""
        representations = np.zeros(len(nodes), np.int64)
        is_float = self._readers[nodes] == _FLOAT
        values = [self.graph.attrs[i]["value"] for i in nodes.tolist()]
        try:
            representations.view(np.float64)[is_float] = [x for x, yes in zip(values, is_float, strict=True) if yes]
            representations[~is_float] = [x for x, yes in zip(values, is_float, strict=True) if not yes]
        except OverflowError:
            raise Unsupported("a constant of more than 64 bits") from None
        return representations

    @cached_property
    def _backward(self) -> CompiledNest:
        return _compiled(backward, self.kinds)

    def run(self, inputs: Sequence[Any]) -> NumberColumn | None:
        """The values of the nodes that outputs and asserts need; None where something stops the run."""
        v = np.empty(self._sizes[2], np.int64)
        v[: len(self._leaves)] = self._leaves
        floats = len(self._float_inputs)
        v.view(np.float64)[:floats] = [inputs[n] for n in self._float_inputs]
        if self._int_inputs:
            v[floats : len(inputs)] = [inputs[n] for n in self._int_inputs]
        if self._forward.run_at([self._rows_at, _address(v)], self._sizes):
            return None
        return NumberColumn(v, self._where, self._readers)

    def adjoints(self, v: Sequence[Any], of: int) -> NumberColumn | None:
        """The derivative of node `of` by every node, None where no path leads to it.

        v: the values of a run. None as a whole where something stops the run, and for values that are not those of a
        run of machine code.
        """
        if not isinstance(v, NumberColumn):
            return None
        cotangent, reached = np.empty(self._sizes[2]), np.zeros(self._sizes[2], bool)
        cotangent[self._where[of]], reached[self._where[of]] = 1.0, True
        arrays = v.representations, cotangent, reached
        if self._backward.run_at([self._rows_at, *map(_address, arrays)], self._sizes):
            return None
        return NumberColumn(cotangent, self._where, exists=reached)
