"""Type rules that many ops share: how dtypes join, and what an elementwise op gives."""

from __future__ import annotations

from collections.abc import Sequence

from cgcli.graph.types import BOOL, FLOAT, INT, AnyType, Results, Type

from .registry import Attrs, TypeMismatch


def one(kind: AnyType) -> Type:
    """`kind`, known to be the type of a single value."""
    assert not isinstance(kind, Results)
    return kind


def join(a: Type, b: Type) -> Type:
    """The type in which two values meet: a literal takes on the other's type, an int with a float gives that float.

    A bool counts as an int. Shapes are those of scalars.
    """
    if a == b and a.dtype != "bool":
        return a
    a, b = _number(a), _number(b)
    if a.weak != b.weak:
        weak, typed = (a, b) if a.weak else (b, a)
        return FLOAT if weak.is_float and typed.is_int else typed
    if a.is_float != b.is_float:
        return a if a.is_float else b
    if a.dtype == b.dtype:
        return a
    return FLOAT if a.is_float else INT


def _number(t: Type) -> Type:
    return INT if t.dtype == "bool" else t


def join_all(types: Sequence[Type]) -> Type:
    joined = _number(types[0])
    for t in types[1:]:
        joined = join(joined, t)
    return joined


def numbers(types: Sequence[AnyType], at: Attrs) -> Type:
    """Elementwise on numbers: the joined type."""
    return join_all([one(t) for t in types])


def floats(types: Sequence[AnyType], at: Attrs) -> Type:
    """Elementwise, the result always a float: of the joined type when that is one, else `float`."""
    joined = numbers(types, at)
    return joined if joined.is_float else joined._replace(dtype="float")


def kept(types: Sequence[AnyType], at: Attrs) -> Type:
    """As the first operand; a bool counts as an int."""
    return _number(one(types[0]))


def comparison(types: Sequence[AnyType], at: Attrs) -> Type:
    return BOOL


def logical(types: Sequence[AnyType], at: Attrs) -> Type:
    """Takes bools only."""
    for k, t in enumerate(types):
        if one(t).dtype != "bool":
            raise TypeMismatch("not-a-bool", [k], found=t)
    return BOOL


def choice(types: Sequence[AnyType], at: Attrs) -> Type:
    """`where`: a bool, then two values that meet; two bools stay one."""
    logical(types[:1], at)
    a, b = one(types[1]), one(types[2])
    return BOOL if a.dtype == b.dtype == "bool" else join(a, b)
