"""Type rules that many ops share: joining of dtypes, broadcasting of shapes, results of elementwise ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cgcli.graph.types import BOOL, AnyType, Results, Stack, Type

from .op import TypeMismatch

if TYPE_CHECKING:
    from cgcli.graph.sizes import Shape, Size

    from .protocols import Attrs


def one(kind: AnyType) -> Type:
    """`kind`, which is the type of a single value."""
    assert isinstance(kind, Type)
    return kind


def single(kind: AnyType) -> Type | Stack:
    """`kind`, which is the type of one result, perhaps a stack."""
    assert not isinstance(kind, Results)
    return kind


def one_bool(types: Sequence[AnyType], k: int = 0) -> Type:
    """The type of operand `k`, which has to be a bool."""
    t = one(types[k])
    if t.dtype != "bool":
        raise TypeMismatch("not-a-bool", [k], type=t)
    return t


def as_float(t: Type) -> Type:
    return t if t.is_float else t._replace(dtype="float")


def join(a: Type, b: Type) -> Type:
    """The joined type of two values: a literal adopts the other's type, an int with a float gives that float.

    A bool counts as an int. Raises TypeMismatch for shapes that do not broadcast.
    """
    if a == b and a.dtype != "bool":
        return a
    joined = _join_dtypes(_number(a), _number(b))
    return joined if a.shape == b.shape else joined._replace(shape=broadcast((a.shape, b.shape)))


def _join_dtypes(a: Type, b: Type) -> Type:
    if a.weak != b.weak:
        weak, typed = (a, b) if a.weak else (b, a)
        return typed._replace(dtype="float") if weak.is_float and typed.is_int else typed
    if a.is_float != b.is_float:
        return a if a.is_float else b
    if a.dtype == b.dtype:
        return a
    return a._replace(dtype="float" if a.is_float else "int", weak=False)


def _number(t: Type) -> Type:
    return Type("int", t.shape) if t.dtype == "bool" else t


def join_all(types: Sequence[Type]) -> Type:
    joined = _number(types[0])
    for t in types[1:]:
        if joined != t:
            joined = _join_dtypes(joined, _number(t))
    shape = broadcast([t.shape for t in types])
    return joined if joined.shape == shape else joined._replace(shape=shape)


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """The broadcast shape, as in NumPy; only a size that is the number 1 stretches.

    Raises TypeMismatch with the two operands whose sizes clash, or `sizes-undecided` with the operand whose shape has
    to be declared.
    """
    result = shapes[0]
    owner = [0] * len(result)  # of each axis of the result, the operand that its size is from
    for k in range(1, len(shapes)):
        shape = shapes[k]
        if not shape:
            continue
        if shape == result:
            owner = [k] * len(shape)
            continue
        if not result:
            result, owner = shape, [k] * len(shape)
            continue
        rank = max(len(result), len(shape))
        sizes: list[Size] = []
        owners: list[int] = []
        for axis in range(-rank, 0):
            a = result[axis] if axis >= -len(result) else 1
            b = shape[axis] if axis >= -len(shape) else 1
            from_a = owner[axis] if axis >= -len(result) else k
            if b == 1 or a == b:
                sizes.append(a)
                owners.append(from_a if b == 1 and a != 1 else k)
            elif a == 1:
                sizes.append(b)
                owners.append(k)
            else:
                agree(a, b, (from_a, k), axis, shape)
                sizes.append(a)
                owners.append(from_a)
        result, owner = tuple(sizes), owners
    return result


def agree(a: Size, b: Size, operands: tuple[int, int], axis: int, shape: Shape, code: str | None = None) -> None:
    """Raises unless the sizes `a` and `b` of an axis are equal; `shape` is that of the second operand.

    code: where they differ, for an op whose axes have to be equal.
    """
    from cgcli.graph.sizes import same  # numbers have no sizes to compare

    equal = same(a, b)
    if equal is None:
        expected = list(shape)
        expected[axis] = a
        raise TypeMismatch("sizes-undecided", operands[1:], shape=tuple(expected))
    if not equal and code is not None:
        raise TypeMismatch(code, operands, sizes=(a, b))
    if not equal:
        raise TypeMismatch("shapes-differ", operands, sizes=(a, b), axis=axis)


def numbers(types: Sequence[AnyType], at: Attrs) -> Type:
    """Elementwise on numbers: the joined type."""
    return join_all([one(t) for t in types])


def floats(types: Sequence[AnyType], at: Attrs) -> Type:
    """Elementwise, the result always a float: of the joined type when that is one, else `float`."""
    return as_float(numbers(types, at))


def first_number(types: Sequence[AnyType], at: Attrs) -> Type:
    """The type of the first operand; a bool counts as an int."""
    return _number(one(types[0]))


def comparison(types: Sequence[AnyType], at: Attrs) -> Type:
    shape = broadcast([one(t).shape for t in types])
    return Type("bool", shape) if shape else BOOL


def logical(types: Sequence[AnyType], at: Attrs) -> Type:
    """Takes bools only."""
    for k in range(len(types)):
        one_bool(types, k)
    return comparison(types, at)


def choice(types: Sequence[AnyType], at: Attrs) -> Type:
    """`where`: a bool, then two values that are joined; two bools give a bool."""
    condition, a, b = one_bool(types), one(types[1]), one(types[2])
    shape = broadcast((condition.shape, a.shape, b.shape))
    if a.dtype == b.dtype == "bool":
        return Type("bool", shape)
    return _join_dtypes(_number(a), _number(b))._replace(shape=shape)
