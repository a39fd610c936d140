"""Linear algebra over the last two axes; axes in front are many matrices and broadcast."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from cgcli.graph.sizes import Shape, Size, add, floor_div, mul, product, same
from cgcli.graph.types import AnyType, Type

from .op import Contraction, Effects, Routine, Spelling, TypeMismatch, VariadicRule, declare, of_one_operand
from .reduce import products_of_others
from .sizes import elements
from .spelling import Style, Written, call, sign_of
from .typing import agree, as_float, broadcast, join, join_all, one

if TYPE_CHECKING:
    from .protocols import Array, ArrayNamespace, Attrs, BoundAttrs, OpBuilder

HAZARD = Effects(hazard=True)
SQUARE = ((2.0, -1.0, 0.5), (0.3, 1.5, -0.7), (1.0, 0.2, 3.0))
POSITIVE = ((4.0, 1.0, 0.5), (1.0, 3.0, -0.2), (0.5, -0.2, 2.0))

_op = partial(declare, domain="square matrices", flow="mix", effects=HAZARD)


def swap(b: OpBuilder, x: int) -> int:
    """The matrices transposed."""
    return b.permute(x, axes=(-1, -2))


# ---- operations


def _cubic(factor: int, divisor: int) -> Callable[[Sequence[AnyType], AnyType, Attrs], Size]:
    """factor/divisor · n³ of each matrix."""

    def operations(types: Sequence[AnyType], result: AnyType, at: Attrs) -> Size:
        return floor_div(mul(factor, mul(elements(types[0]), one(types[0]).shape[-1])), divisor)

    return operations


def _solving(types: Sequence[AnyType], result: AnyType, at: Attrs) -> Size:
    """2/3 n³ for the factors, 2n² for each column."""
    factors = _cubic(2, 3)(types, result, at)
    return add(factors, mul(2, mul(elements(result), one(types[0]).shape[-1])))


def _multiplications(types: Sequence[AnyType], result: AnyType, at: Attrs) -> Size:
    return mul(2, mul(elements(result), one(types[0]).shape[-1]))


def _products(types: Sequence[AnyType], result: AnyType, at: Attrs) -> Size:
    """A product of all operands for every value of the indices, and its addition."""
    sizes: dict[str, Size] = {}
    for indices, t in zip(letters(at["pattern"])[0], types, strict=True):
        sizes.update(zip(indices, one(t).shape, strict=True))
    return mul(len(types), product(sizes.values()))


# ---- products


def _matmul_type(types: Sequence[AnyType], at: Attrs) -> Type:
    x, y = one(types[0]), one(types[1])
    agree(x.shape[-1], y.shape[-2], (0, 1), -2, y.shape, "inner-sizes")
    joined = join(x._replace(shape=()), y._replace(shape=()))
    return joined._replace(shape=(*_lead(x, y), x.shape[-2], y.shape[-1]))


def _lead(x: Type, y: Type) -> Shape:
    try:
        return broadcast((x.shape[:-2], y.shape[:-2]))
    except TypeMismatch as e:
        if e.code == "sizes-undecided":
            k = e.operands[0]
            e.values["shape"] = (*e.values["shape"], *(x, y)[k].shape[-2:])
        raise


def _matmul_letters(types: Sequence[AnyType], at: Attrs) -> tuple[Sequence[str], str]:
    lead = string.ascii_uppercase[: max(one(t).rank for t in types) - 2]
    x, y = (lead[len(lead) + 2 - one(t).rank :] for t in types)
    return (f"{x}ik", f"{y}kj"), f"{lead}ij"


def _any(b: OpBuilder, s: int, axis: int, like: int) -> int:
    """Where a support is true anywhere along one of the last two axes, for all of that axis in `like`."""
    some = b.any(s, axes=(axis,), keepdims=True)
    shape = list(b.type1(s).shape)
    shape[axis] = b.type1(like).shape[axis]
    return b.expand(some, shape=tuple(shape))


_op(
    "matmul",
    "the matrix product",
    (
        lambda b, g, y, x, z, at: b.matmul(g, swap(b, z)),
        lambda b, g, y, x, z, at: b.matmul(swap(b, x), g),
    ),
    type_rule=_matmul_type,
    # row i of the result reads row i of the first operand, column j reads column j of the second
    support=lambda b, s, k, xs, at: _any(b, s, -1 if k == 0 else -2, xs[k]),
    domain="two matrices whose inner sizes are equal",
    examples=((((1.0, 2.0, 3.0), (4.0, 5.0, 6.0)), ((1.0, -1.0), (0.5, 2.0), (0.0, 3.0))),),
    spelling=Spelling("infix", "@", 7, latex="{0} {1}"),
    effects=Effects(out=True, operations=_multiplications, may_overflow=True),
    loops=Contraction(_matmul_letters),
)


def letters(pattern: str) -> tuple[list[str], str]:
    """The index letters of each operand and of the result."""
    operands, result = pattern.split("->")
    return operands.split(","), result


def _einsum_type(types: Sequence[AnyType], at: Attrs) -> Type:
    operands, result = letters(at["pattern"])
    sizes: dict[str, tuple[Size, int]] = {}
    for k, (indices, t) in enumerate(zip(operands, types, strict=True)):
        assert len(set(indices)) == len(indices), "an index that stands twice is made a diagonal first"
        shape = one(t).shape
        for axis, (letter, size) in enumerate(zip(indices, shape, strict=True)):
            if letter in sizes:
                first, owner = sizes[letter]
                agree(first, size, (owner, k), axis, shape, "einsum-sizes")
            else:
                sizes[letter] = size, k
    joined = join_all([one(t)._replace(shape=()) for t in types])
    return joined._replace(shape=tuple(sizes[letter][0] for letter in result))


def _write_einsum(spelling: Spelling, operands: Sequence[Written], at: Attrs, style: Style) -> Written:
    return call(sign_of(spelling, style), f'"{at["pattern"]}"', *(x.text for x in operands))


def _over(b: OpBuilder, g: int, indices: str, target: str, like: int) -> int:
    """A value of `indices` (a part of `target`, in its order) repeated over the other indices of `target`."""
    missing = tuple(k - len(target) for k, letter in enumerate(target) if letter not in indices)
    if missing:
        g = b.expand(b.expand_dims(g, axes=missing), shape=b.type1(like).shape)
    return g


def _einsum_rule(b: OpBuilder, g: int, y: int, k: int, xs: Sequence[int], at: Attrs) -> int:
    operands, result = letters(at["pattern"])
    others = [x for j, x in enumerate(xs) if j != k]
    subscripts = [result, *(indices for j, indices in enumerate(operands) if j != k)]
    reached = "".join(letter for letter in operands[k] if any(letter in indices for indices in subscripts))
    node = b.einsum(g, *others, pattern=f"{','.join(subscripts)}->{reached}")
    return _over(b, node, reached, operands[k], xs[k])


def _einsum_support(b: OpBuilder, s: int, k: int, xs: Sequence[int], at: Attrs) -> int:
    operands, result = letters(at["pattern"])
    reached = "".join(letter for letter in operands[k] if letter in result)
    count = b.einsum(b.cast(s, dtype="float"), pattern=f"{result}->{reached}")
    return b.ne(_over(b, count, reached, operands[k], xs[k]), 0.0)


def _batch_einsum(b: OpBuilder, xs: Sequence[int], flags: Sequence[bool], at: Attrs, size: Size) -> int:
    operands, result = letters(at["pattern"])
    used = set(at["pattern"])
    new = next(c for c in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" if c not in used)
    batched = [new + indices if flag else indices for indices, flag in zip(operands, flags, strict=True)]
    return b.einsum(*xs, pattern=f"{','.join(batched)}->{new}{result}")


_op(
    "einsum",
    "products of elements summed over the indices that the result does not have",
    VariadicRule(_einsum_rule),
    type_rule=_einsum_type,
    evaluate=lambda xp, at, *xs: xp.einsum(at["pattern"], *xs),
    support=_einsum_support,
    domain="sizes that are equal where a letter is",
    batch=_batch_einsum,
    examples=((((1.0, 2.0, 3.0), (4.0, 5.0, 6.0)), ((1.0, -1.0), (0.5, 2.0), (0.0, 3.0))),),
    attrs={"pattern": "ij,jk->ik"},
    effects=Effects(view=of_one_operand, operations=_products, may_overflow=True),
    loops=Contraction(lambda types, at: letters(at["pattern"])),
    spelling=Spelling("call", rule=_write_einsum),
)


# ---- matrices that have an inverse


def _square(types: Sequence[AnyType], at: Attrs) -> Type:
    t = one(types[0])
    if t.rank < 2:
        raise TypeMismatch("matrix-expected", [0], type=t)
    if same(t.shape[-2], t.shape[-1]) is False:
        raise TypeMismatch("not-square", [0], type=t)
    agree(t.shape[-2], t.shape[-1], (0, 0), -1, t.shape)
    return as_float(t)


def _one_number(types: Sequence[AnyType], at: Attrs) -> Type:
    t = _square(types, at)
    return t._replace(shape=t.shape[:-2])


def _whole(b: OpBuilder, s: int, k: int, xs: Sequence[int], at: Attrs) -> int:
    """A matrix matters as a whole, as soon as one element of the result does."""
    some = b.any(s, axes=(-2, -1), keepdims=True)
    return b.expand(some, shape=(*b.type1(s).shape[:-2], *b.type1(xs[k]).shape[-2:]))


def _of_number(b: OpBuilder, s: int, k: int, xs: Sequence[int], at: Attrs) -> int:
    return b.expand(b.expand_dims(s, axes=(-2, -1)), shape=b.type1(xs[k]).shape)


def _solve_type(types: Sequence[AnyType], at: Attrs) -> Type:
    a, y = _square(types[:1], at), one(types[1])
    agree(a.shape[-1], y.shape[-2], (0, 1), -2, y.shape, "solve-sizes")
    joined = as_float(join(a._replace(shape=()), y._replace(shape=())))
    return joined._replace(shape=(*_lead(a, y), *y.shape[-2:]))


def _solve_support(b: OpBuilder, s: int, k: int, xs: Sequence[int], at: Attrs) -> int:
    return _whole(b, s, k, xs, at) if k == 0 else _any(b, s, -2, xs[1])


_op(
    "solve",
    "the x for which a @ x is the second operand",
    (
        lambda b, g, y, a, z, at: b.neg(b.matmul(b.solve(swap(b, a), g), swap(b, y))),
        lambda b, g, y, a, z, at: b.solve(swap(b, a), g),
    ),
    type_rule=_solve_type,
    support=_solve_support,
    domain="a square matrix that has an inverse, and as many rows",
    examples=((SQUARE, ((1.0, 2.0), (0.5, -1.0), (2.0, 0.0))),),
    spelling=Spelling("call", latex="{0}^{{-1}} {1}"),
    effects=Effects(operations=_solving, hazard=True, may_fail=True, harmless={0: "identity"}),
    loops=Routine("solve", "(m,m),(m,n)->(m,n)"),
)
_op(
    "inv",
    "the inverse of a matrix",
    (lambda b, g, y, a, at: b.neg(b.matmul(swap(b, y), b.matmul(g, swap(b, y)))),),
    type_rule=_square,
    support=_whole,
    domain="a square matrix that has an inverse",
    examples=((SQUARE,),),
    spelling=Spelling("call", latex="{0}^{{-1}}"),
    effects=Effects(operations=_cubic(2, 1), hazard=True, may_fail=True, harmless={0: "identity"}),
    loops=Routine("inv", "(m,m)->(m,m)"),
)


def matrix_of(b: OpBuilder, x: int) -> int:
    """A number a matrix, as matrices of one element that stretch."""
    return b.expand_dims(x, axes=(-2, -1))


_op(
    "det",
    "the determinant",
    (lambda b, g, y, a, at: b.mul(matrix_of(b, g), b.cofactor(a)),),
    type_rule=_one_number,
    support=_of_number,
    examples=((SQUARE,), (((1.0, 2.0), (2.0, 4.0)),)),
    effects=Effects(operations=_cubic(2, 3)),
    loops=Routine("det", "(m,m)->()"),
)


def _svd(xp: ArrayNamespace, a: Array) -> tuple[Array, Array, Array]:
    """Singular values, nan for matrices that hold nan or inf, for which they do not exist."""
    finite = xp.all(xp.isfinite(a), axis=(-2, -1))
    u, s, v = xp.svd(xp.where(finite[..., None, None], a, xp.zeros_like(a)))
    return u, xp.where(finite[..., None], s, xp.full_like(s, xp.nan)), v


def _cofactor(xp: ArrayNamespace, at: BoundAttrs, a: Array) -> Array:
    """The derivative of the determinant. With a = u·s·v it is det(u) det(v) · u·c·v, c_i the product of the other s_j.

    So it exists for matrices that have no inverse, too.
    """
    u, s, v = _svd(xp, a)
    return _turned(xp, u, v, u * products_of_others(xp, s)[..., None, :])


def _turned(xp: ArrayNamespace, u: Array, v: Array, middle: Array) -> Array:
    """`middle` times v, with the sign of the two rotations."""
    return (xp.det(u) * xp.det(v))[..., None, None] * xp.matmul(middle, v)


def _cofactor_change(xp: ArrayNamespace, at: BoundAttrs, a: Array, g: Array) -> Array:
    """The derivative of the cofactors of `a` along `g`; by the singular values again, so for every matrix.

    Of a diagonal s, with p_ij the product of all s_k but two: the i-th changes by Σ_{j≠i} g_jj p_ij, and the element
    (i, j) beside the diagonal by -g_ji p_ij.
    """
    u, s, v = _svd(xp, a)
    n = a.shape[-1]
    diagonal = xp.eye(n, dtype=bool)
    without = xp.where(diagonal, xp.ones_like(s)[..., None, :], s[..., None, :])
    pairs = xp.where(diagonal, xp.zeros_like(s)[..., None], products_of_others(xp, without))
    inner = xp.matmul(xp.matmul(xp.matrix_transpose(u), g), xp.matrix_transpose(v))
    own = xp.sum(xp.where(diagonal, inner, xp.zeros_like(inner)), axis=-1)
    changed = xp.matmul(pairs, own[..., None])
    beside = -xp.matrix_transpose(inner) * pairs
    return _turned(xp, u, v, xp.matmul(u, xp.where(diagonal, changed, beside)))


def _traced(b: OpBuilder, x: int, y: int) -> int:
    """tr(x'y), as matrices of one element."""
    return b.sum(b.mul(x, y), axes=(-2, -1), keepdims=True)


def _change_by_matrix(b: OpBuilder, w: int, y: int, a: int, g: int, at: Attrs) -> int:
    """By a of the change, which is (tr(g'C) C - C g' C) / d, with C the cofactors and d the determinant."""
    c, d = b.cofactor(a), matrix_of(b, b.det(a))
    crossed = b.add(b.matmul(b.matmul(w, swap(b, c)), g), b.matmul(b.matmul(g, swap(b, c)), w))
    by_cofactors = b.sub(b.add(b.mul(_traced(b, w, c), g), b.mul(_traced(b, g, c), w)), crossed)
    by_determinant = b.mul(b.div(_traced(b, w, y), d), c)
    return b.sub(b.cofactor_change(a, b.div(by_cofactors, d)), by_determinant)


_op(
    "cofactor",
    "the derivative of the determinant by each element",
    (lambda b, g, y, a, at: b.cofactor_change(a, g),),
    type_rule=_square,
    evaluate=_cofactor,
    support=_whole,
    examples=((SQUARE,),),
    spelling=Spelling("none"),
    effects=Effects(operations=_cubic(22, 1)),
)
_op(
    "cofactor_change",
    "how the derivative of the determinant changes along a direction",
    (_change_by_matrix, lambda b, w, y, a, g, at: b.cofactor_change(a, w)),
    type_rule=lambda types, at: join(_square(types[:1], at), _square(types[1:], at)),
    evaluate=_cofactor_change,
    support=_whole,
    domain="square matrices; its derivative by the matrix needs an inverse",
    examples=((SQUARE, POSITIVE),),
    spelling=Spelling("none"),
    effects=Effects(hazard=True, operations=_cubic(30, 1)),
)
_op(
    "logdet",
    "log of the magnitude of the determinant",
    (lambda b, g, y, a, at: b.mul(matrix_of(b, g), swap(b, b.inv(a, derivative_of="logdet"))),),
    type_rule=_one_number,
    evaluate=lambda xp, at, a: xp.slogdet(a)[1],
    support=_of_number,
    domain="square matrices; its derivative needs an inverse",
    examples=((SQUARE,),),
    spelling=Spelling("call", latex=r"\ln\left|{0}\right|"),
    effects=Effects(operations=_cubic(2, 3), hazard=True, harmless={0: "identity"}),
    loops=Routine("slogdet", "(m,m)->(),()"),
)


def _lower(b: OpBuilder, x: int, diagonal: float) -> int:
    """The part of matrices below the diagonal, and the diagonal times a factor."""
    n = b.type1(x).shape[-1]
    rows, columns = b.expand_dims(b.arange(size=n), axes=(-1,)), b.arange(size=n)
    scaled = b.where(b.eq(rows, columns), b.mul(x, diagonal), x)
    return b.where(b.ge(rows, columns), scaled, 0.0)


def _cholesky_rule(b: OpBuilder, g: int, y: int, a: int, at: Attrs) -> int:
    """Murray, Differentiation of the Cholesky decomposition (2016), eq. 10, made symmetric."""
    inner = _lower(b, b.matmul(swap(b, y), g), 0.5)
    left = b.solve(swap(b, y), inner)
    whole = swap(b, b.solve(swap(b, y), swap(b, left)))
    return b.mul(b.add(whole, swap(b, whole)), 0.5)


_op(
    "cholesky",
    "the lower triangle whose product with its transpose is a",
    (_cholesky_rule,),
    type_rule=_square,
    support=_whole,
    domain="symmetric positive definite matrices",
    examples=((POSITIVE,),),
    effects=Effects(operations=_cubic(1, 3), hazard=True, may_fail=True, harmless={0: "identity"}),
    loops=Routine("cholesky_lo", "(m,m)->(m,m)"),
)
