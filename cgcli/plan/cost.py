"""What a node costs: arithmetic operations, and bytes read and written, as numbers or in terms of named sizes.

Rough on purpose, for comparing plans: an elementwise op counts one operation an element, transcendental functions too;
a matrix product 2nmk; a factorisation its leading term. Time is mostly that of the larger of the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cgcli.graph.graph import Graph, opname
from cgcli.graph.plan import Cost
from cgcli.graph.sizes import Size, add, floor_div, mul, product
from cgcli.graph.types import AnyType, Type
from cgcli.ops.sizes import bytes_of, elements

FREE = Cost(0, 0)


def cost_of(graph: Graph, i: int) -> Cost:
    """The cost of a node that holds no graphs and has memory of its own."""
    types = [graph.type_of(x) for x in graph.operands(i)]
    return cost(opname(graph.op[i]), tuple(types), graph.type_of(i), graph.attrs.get(i, {}))


def cost(op_name: str, types: Sequence[AnyType], result: AnyType, attrs: Mapping[str, Any]) -> Cost:
    moved = bytes_of(result)
    for t in types:
        moved = add(moved, bytes_of(t))
    operations = _OPERATIONS.get(op_name)
    return Cost(elements(result) if operations is None else operations(types, result, attrs), moved)


def _matmul(types: Sequence[AnyType], result: AnyType, attrs: Mapping[str, Any]) -> Size:
    x = types[0]
    assert isinstance(x, Type)
    return mul(2, mul(elements(result), x.shape[-1]))


def _einsum(types: Sequence[AnyType], result: AnyType, attrs: Mapping[str, Any]) -> Size:
    """A product of all operands for every value of the indices, and its addition."""
    sizes: dict[str, Size] = {}
    for letters, t in zip(attrs["pattern"].split("->")[0].split(","), types, strict=True):
        assert isinstance(t, Type)
        sizes.update(zip(letters, t.shape, strict=True))
    return mul(len(types), product(sizes.values()))


def _of_operand(types: Sequence[AnyType], result: AnyType, attrs: Mapping[str, Any]) -> Size:
    return elements(types[0])


def _cubic(factor: int, divisor: int) -> Callable[..., Size]:
    """factor/divisor · n³ of each matrix."""

    def operations(types: Sequence[AnyType], result: AnyType, attrs: Mapping[str, Any]) -> Size:
        total = mul(factor, mul(elements(types[0]), _last(types[0])))
        return floor_div(total, divisor)

    return operations


def _solve(types: Sequence[AnyType], result: AnyType, attrs: Mapping[str, Any]) -> Size:
    """2/3 n³ for the factors, 2n² for each column."""
    factors = floor_div(mul(2, mul(elements(types[0]), _last(types[0]))), 3)
    return add(factors, mul(2, mul(elements(result), _last(types[0]))))


def _last(t: AnyType) -> Size:
    assert isinstance(t, Type)
    return t.shape[-1]


def _sort(types: Sequence[AnyType], result: AnyType, attrs: Mapping[str, Any]) -> Size:
    """n log n, the logarithm taken as 10 where n is a named size."""
    n = _last(types[0])
    return mul(elements(types[0]), n.bit_length() if isinstance(n, int) else 10)


def _nothing(types: Sequence[AnyType], result: AnyType, attrs: Mapping[str, Any]) -> Size:
    return 0


_REDUCING = "sum mean amax amin prod any all argmax argmin logsumexp norm fold_windows put".split()
_MOVING = "cast pad concat stack take arange size length restack get last_writer".split()
_OPERATIONS: dict[str, Callable[[Sequence[AnyType], AnyType, Mapping[str, Any]], Size]] = {
    "matmul": _matmul,
    "einsum": _einsum,
    "argsort": _sort,
    "solve": _solve,
    "inv": _cubic(2, 1),
    "det": _cubic(2, 3),
    "logdet": _cubic(2, 3),
    "cholesky": _cubic(1, 3),
    "cofactor": _cubic(22, 1),
    "cofactor_change": _cubic(30, 1),
    **dict.fromkeys(_REDUCING, _of_operand),
    **dict.fromkeys(_MOVING, _nothing),
}
