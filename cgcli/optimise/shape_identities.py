"""Exact identities of ops that rearrange elements, and of ops with attributes. A rule is `rule(b, at, *operands)`.

Elements that are only moved keep their bits; a rule has to put the same element at the same index, and to lose no size
check that could fail. A new type is checked against the old one by the pass.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from cgcli.graph.graph import opcode
from cgcli.graph.sizes import Shape, product, same
from cgcli.graph.types import Type
from cgcli.ops.table import BY_CODE
from cgcli.ops.typing import broadcast

from .identities import Terms

if TYPE_CHECKING:
    from cgcli.ops.protocols import Attrs

EXPAND, EXPAND_DIMS = opcode("expand"), opcode("expand_dims")

ShapeRule = Callable[[Terms, "Attrs", int], int | None] | Callable[[Terms, "Attrs", int, int], int | None]
"""`rule(b, at, *operands)`: the same for an op with attributes."""

SHAPE_IDENTITIES: dict[int, list[tuple[str, ShapeRule, bool]]] = {}
"""By op: rows of a law, a rule, and whether it is exact."""


def shape_identity(op: str, law: str, exact: bool = True) -> Callable[[ShapeRule], ShapeRule]:
    def enter(rule: ShapeRule) -> ShapeRule:
        SHAPE_IDENTITIES.setdefault(opcode(op), []).append((law, rule, exact))
        return rule

    return enter


def _shape(b: Terms, x: int) -> Shape:
    return b.type1(x).shape


@shape_identity("expand", "broadcast to its own shape is x")
@shape_identity("reshape", "reshape to its own shape is x")
@shape_identity("match", "a shape that is known needs no check")
def _own_shape(b: Terms, at: Attrs, x: int) -> int | None:
    return x if _shape(b, x) == tuple(at["shape"]) else None


@shape_identity("expand", "broadcast(broadcast(x)) = broadcast(x)")
def _expand_expand(b: Terms, at: Attrs, x: int) -> int | None:
    return b.make("expand", b.a[x], shape=at["shape"]) if b.is_op(x, "expand") else None


@shape_identity("expand", "axes of size 1 in front need not be there to be repeated")
def _expand_lead(b: Terms, at: Attrs, x: int) -> int | None:
    if not b.is_op(x, "expand_dims"):
        return None
    rank = len(_shape(b, x))
    axes = b.attrs[x]["axes"]
    return b.make("expand", b.a[x], shape=at["shape"]) if set(axes) == set(range(-rank, len(axes) - rank)) else None


@shape_identity("reshape", "reshape(reshape(x)) = reshape(x)")
def _reshape_reshape(b: Terms, at: Attrs, x: int) -> int | None:
    """Also through axes of size 1 that come or go; an inner reshape whose sizes only the run compares stays."""
    inner = b.is_op(x, "reshape") and same(product(_shape(b, x)), product(_shape(b, b.a[x]))) is True
    if inner or b.is_op(x, "expand_dims") or b.is_op(x, "squeeze"):
        return b.make("reshape", b.a[x], shape=at["shape"])
    return None


@shape_identity("permute", "axes in their order are x")
def _permute_nothing(b: Terms, at: Attrs, x: int) -> int | None:
    axes = tuple(at["axes"])
    return x if axes == tuple(range(-len(axes), 0)) else None


@shape_identity("permute", "permute(permute(x)) is one permutation")
def _permute_permute(b: Terms, at: Attrs, x: int) -> int | None:
    if not b.is_op(x, "permute"):
        return None
    inner, outer = tuple(b.attrs[x]["axes"]), tuple(at["axes"])
    count = max(len(inner), len(outer))
    inner = (*range(-count, -len(inner)), *inner)
    outer = (*range(-count, -len(outer)), *outer)
    axes = tuple(inner[axis] for axis in outer)
    return b.a[x] if axes == tuple(range(-count, 0)) else b.make("permute", b.a[x], axes=axes)


@shape_identity("squeeze", "an axis that came goes again")
def _squeeze_back(b: Terms, at: Attrs, x: int) -> int | None:
    return b.a[x] if b.is_op(x, "expand_dims") and set(b.attrs[x]["axes"]) == set(at["axes"]) else None


@shape_identity("expand_dims", "an axis that went comes again")
def _expand_dims_back(b: Terms, at: Attrs, x: int) -> int | None:
    return b.a[x] if b.is_op(x, "squeeze") and set(b.attrs[x]["axes"]) == set(at["axes"]) else None


@shape_identity("slice", "the whole of x is x")
@shape_identity("pad", "x within nothing is x")
def _whole(b: Terms, at: Attrs, x: int) -> int | None:
    shape, sizes = _shape(b, x), tuple(at["sizes"])
    starts, steps = set(at["starts"]), set(at["steps"])
    return x if starts <= {0} and steps <= {1} and shape[len(shape) - len(sizes) :] == sizes else None


@shape_identity("concat", "one part is the whole")
def _concat_one(b: Terms, at: Attrs, *xs: int) -> int | None:
    return xs[0] if len(xs) == 1 else None


@shape_identity("fixed_power", "x^1 = x")
def _power_one(b: Terms, at: Attrs, x: int) -> int | None:
    return x if at["exponent"] == 1 else None


@shape_identity("fixed_power", "x^0 = 1")
def _power_zero(b: Terms, at: Attrs, x: int) -> int | None:
    """For every x, also nan (C99, F.9.4.4)."""
    if at["exponent"] != 0 or b.type1(x).weak:
        return None
    return b.const(1.0 if b.is_float(x) else 1, b.type1(x))


@shape_identity("fixed_power", "x^2 = x * x, x^3 and x^4 likewise")  # so it is computed anyway; now squares are shared
def _products(b: Terms, at: Attrs, x: int) -> int | None:
    expansion = BY_CODE[opcode("fixed_power")].expansion
    return expansion(b, x, at) if expansion and b.is_float(x) else None


@shape_identity("fixed_power", "x^-1 = 1 / x", exact=False)
def _reciprocal(b: Terms, at: Attrs, x: int) -> int | None:
    return b.make("div", b.const(1.0), x) if at["exponent"] == -1 and b.is_float(x) else None


@shape_identity("fixed_power", "x^0.5 = sqrt(x)", exact=False)  # they differ at -inf and -0.0
def _root(b: Terms, at: Attrs, x: int) -> int | None:
    return b.make("sqrt", x) if at["exponent"] == 0.5 else None


@shape_identity("ne", "a bool as a number differs from 0 where it is true")
def _differs_from_zero(b: Terms, at: Attrs, x: int, y: int) -> int | None:
    for p, zero in ((x, y), (y, x)):
        if b.is_op(p, "cast") and b.type1(b.a[p]).dtype == "bool" and b.number(zero) == 0 and not _shape(b, zero):
            return b.a[p]
    return None


@shape_identity("any", "of equal elements one is true if each is, of none none")
def _any_of_equal(b: Terms, at: Attrs, x: int) -> int | None:
    return _of_equal(b, at, x, lambda number, exist: b.make("and", number, exist))


@shape_identity("all", "of equal elements all are true if each is, of none all")
def _all_of_equal(b: Terms, at: Attrs, x: int) -> int | None:
    return _of_equal(b, at, x, lambda number, exist: b.make("or", number, b.make("not", exist)))


def _of_equal(b: Terms, at: Attrs, x: int, join: Callable[[int, int], int]) -> int | None:
    """A reduction of equal elements. join: makes it of the element and of whether there are elements."""
    number, shape = repeated_number(b, x), _shape(b, x)
    count = product([shape[axis] for axis in at["axes"]])
    if number is None or count == 0:
        return None
    if not isinstance(count, int):
        number = join(number, b.make("gt", b.make("size", size=count), b.const(0)))
    reduced = {axis % len(shape) for axis in at["axes"]}
    rest = tuple(1 if k in reduced else n for k, n in enumerate(shape) if at["keepdims"] or k not in reduced)
    return b.make("expand", number, shape=rest) if rest else number


def repeated_number(b: Terms, x: int) -> int | None:
    """The number that `expand` repeats in all elements of a tensor."""
    inner = x
    while b.is_op(inner, "expand"):
        inner = b.a[inner]
    return inner if inner != x and not _shape(b, inner) and not b.type1(inner).weak else None


def without_expand(b: Terms, operands: tuple[int, ...], result: Type) -> tuple[int, ...] | None:
    """Operands of an elementwise op without the broadcasting that the op does itself, or None where there is none.

    A literal's number in an array is a double, while alone it adopts the type of other operands: among f32 it stays.
    """
    shorter = list(operands)
    for k, x in enumerate(operands):
        if not b.is_op(x, "expand"):
            continue
        inner = b.a[x]
        t = b.type1(inner)
        if t.weak and result.dtype in ("f32", "i32"):
            continue
        shorter[k] = inner
        shapes = [b.type1(y).shape for y in shorter]
        if not any(shape == result.shape for shape in shapes) or broadcast(shapes) != result.shape:
            shorter[k] = x
    return tuple(shorter) if tuple(shorter) != operands else None


@cache
def broadcasts(code: int) -> bool:
    """Whether the op is one that broadcasts several operands."""
    op = BY_CODE[code]
    return op.is_elementwise and bool(op.examples.operands) and len(op.examples.operands[0]) > 1
