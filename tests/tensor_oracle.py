"""The meaning of tensor ops by definition, element by element in Python's and mpmath's numbers; slopes by differences.

Nothing here knows how cg evaluates an op, or a derivative rule.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from mpmath import mp, mpf
from oracle import STEP

Array = np.ndarray[Any, Any]
Attrs = Mapping[str, Any]
EPS = 2.0**-52


# Elements and where they go


def filled(shape: Sequence[int], element: Callable[..., Any]) -> Array:
    """The array whose element at each place is `element(*place)`."""
    made = np.empty(tuple(shape), dtype=object)
    for place in np.ndindex(*shape):
        made[place] = element(*place)
    return made


def by_matrix(count: int, meaning: Callable[..., Array]) -> Callable[..., Array]:
    """A meaning for the last `count` axes, for arrays whose axes in front broadcast."""

    def over_all(at: Attrs, *xs: Array) -> Array:
        lead = np.broadcast_shapes(*(x.shape[: x.ndim - count] for x in xs))
        xs = tuple(np.broadcast_to(x, (*lead, *x.shape[x.ndim - count :])) for x in xs)
        one = np.asarray(meaning(at, *(np.eye(*x.shape[len(lead) :]) for x in xs)), dtype=object)
        made = np.empty((*lead, *one.shape), dtype=object)
        for place in np.ndindex(*lead):
            made[place] = meaning(at, *(x[place] for x in xs))
        return made

    return over_all


def reduction(meaning: Callable[[list[Any]], Any]) -> Callable[[Attrs, Array], Array]:
    def over_axes(at: Attrs, x: Array) -> Array:
        gone = {axis % x.ndim for axis in at["axes"]} if x.ndim else set()
        last = np.moveaxis(x, sorted(gone), range(x.ndim - len(gone), x.ndim))
        kept = last.shape[: x.ndim - len(gone)]
        made = filled(kept, lambda *place: meaning(np.asarray(last[place]).ravel().tolist()))
        shape = tuple(1 if k in gone else n for k, n in enumerate(x.shape))
        return made.reshape(shape) if at["keepdims"] else made

    return over_axes


def along_last(meaning: Callable[[list[Any]], Sequence[Any]]) -> Callable[[Attrs, Array], Array]:
    def over_rows(at: Attrs, x: Array) -> Array:
        made = np.empty(x.shape, dtype=object)
        for place in np.ndindex(*x.shape[:-1]):
            made[place] = meaning(x[place].tolist())
        return made

    return over_rows


def repeated(at: Attrs, x: Array) -> Array:
    shape = at["shape"]
    own = (1,) * (len(shape) - x.ndim) + x.shape
    return filled(shape, lambda *p: x.reshape(own)[tuple(i if n > 1 else 0 for i, n in zip(p, own, strict=True))])


def rearranged(at: Attrs, x: Array) -> Array:
    elements = x.ravel().tolist()
    shape = at["shape"]
    return filled(shape, lambda *p: elements[sum(i * math.prod(shape[k + 1 :]) for k, i in enumerate(p))])


def part(at: Attrs, x: Array) -> Array:
    lead = x.ndim - len(at["sizes"])
    starts, steps = at["starts"], at["steps"]
    return filled(
        (*x.shape[:lead], *at["sizes"]),
        lambda *p: x[(*p[:lead], *(s + i * d for s, i, d in zip(starts, p[lead:], steps, strict=True)))],
    )


def padded(at: Attrs, x: Array) -> Array:
    lead = x.ndim - len(at["sizes"])
    made = np.zeros((*x.shape[:lead], *at["sizes"]), dtype=x.dtype)
    for p in np.ndindex(*x.shape):
        places = (s + i * d for s, i, d in zip(at["starts"], p[lead:], at["steps"], strict=True))
        made[(*p[:lead], *places)] = x[p]
    return made


def moved_axes(at: Attrs, x: Array) -> Array:
    lead = x.ndim - len(at["axes"])
    order = (*range(lead), *(x.ndim + axis for axis in at["axes"]))
    return filled([x.shape[k] for k in order], lambda *p: x[tuple(i for _, i in sorted(zip(order, p, strict=True)))])


def with_axes(at: Attrs, x: Array) -> Array:
    shape = list(x.shape)
    for axis in sorted(axis + x.ndim + len(at["axes"]) for axis in at["axes"]):
        shape.insert(axis, 1)
    return rearranged({"shape": shape}, x)


def without_axes(at: Attrs, x: Array) -> Array:
    gone = {axis % x.ndim for axis in at["axes"]}
    return rearranged({"shape": [n for k, n in enumerate(x.shape) if k not in gone]}, x)


def chained(at: Attrs, *xs: Array) -> Array:
    k = xs[0].ndim + at["axis"]
    every = [np.take(x, i, axis=k) for x in xs for i in range(x.shape[k])]
    shape = list(xs[0].shape)
    shape[k] = len(every)
    return filled(shape, lambda *p: every[p[k]][(*p[:k], *p[k + 1 :])])


def side_by_side(at: Attrs, *xs: Array) -> Array:
    k = xs[0].ndim + 1 + at["axis"]
    shape = list(xs[0].shape)
    shape.insert(k, len(xs))
    return filled(shape, lambda *p: xs[p[k]][(*p[:k], *p[k + 1 :])])


def taken(at: Attrs, x: Array, i: Array) -> Array:
    k = x.ndim + at["axis"]
    shape = (*x.shape[:k], *i.shape, *x.shape[k + 1 :])
    return filled(shape, lambda *p: x[(*p[:k], i[p[k : k + i.ndim]], *p[k + i.ndim :])])


def named(at: Attrs, x: Array, indices: Sequence[Array]) -> tuple[tuple[int, ...], Callable[..., tuple[int, ...]]]:
    """The shape of a target, and of each of its elements the place in the array."""
    lead = x.ndim - len(at["steps"])
    kinds = [*((0, 1, n) for n in x.shape[:lead]), *zip(at["starts"], at["steps"], at["sizes"], strict=True)]
    shape: list[int] = []
    where: dict[int, int] = {}  # of each slice its axis of the target
    first: int | None = None
    for k, (_, step, size) in enumerate(kinds):
        if step:
            where[k] = len(shape)
            shape.append(size)
        elif first is None:
            first = len(shape)
            shape += indices[0].shape

    def place(*p: int) -> tuple[int, ...]:
        rest = iter(indices)
        mid = () if first is None else p[first : first + indices[0].ndim]
        return tuple(
            start + step * p[where[k]] if step else int(next(rest)[mid]) for k, (start, step, _) in enumerate(kinds)
        )

    return tuple(shape), place


def target_elements(at: Attrs, x: Array, *indices: Array) -> Array:
    shape, place = named(at, x, [np.asarray(i) for i in indices])
    return filled(shape, lambda *p: x[place(*p)])


def changed(change: Callable[[Any, Any], Any]) -> Callable[..., Array]:
    """A meaning: the elements of the target, one after the other, replaced by what is made of the old and the new."""

    def meaning(at: Attrs, x: Array, v: Array, *indices: Array) -> Array:
        shape, place = named(at, x, [np.asarray(i) for i in indices])
        made = filled(x.shape, lambda *p: x[p])
        for p in np.ndindex(*shape):
            made[place(*p)] = change(made[place(*p)], v[p])
        return made

    return meaning


def order_of(row: list[float]) -> list[int]:
    return sorted(range(len(row)), key=lambda k: (math.isnan(row[k]), row[k]))


def windowed(at: Attrs, x: Array) -> Array:
    sizes, strides, dilations = at["sizes"], at["strides"], at["dilations"]
    k = len(sizes)
    lead = x.ndim - k
    rows = zip(x.shape[lead:], sizes, strides, dilations, strict=True)
    fits = [
        len([s for s in range(0, n, stride) if s + (size - 1) * dilation < n]) for n, size, stride, dilation in rows
    ]

    def element(*p: int) -> Any:
        place, offset = p[lead : lead + k], p[lead + k :]
        return x[(*p[:lead], *(i * s + j * d for i, s, j, d in zip(place, strides, offset, dilations, strict=True)))]

    return filled((*x.shape[:lead], *fits, *sizes), element)


def folded(at: Attrs, g: Array) -> Array:
    k = len(at["sizes"])
    lead = g.ndim - 2 * k
    made = np.zeros((*g.shape[:lead], *at["shape"]), dtype=g.dtype)
    for p in np.ndindex(*g.shape):
        rows = zip(p[lead : lead + k], at["strides"], p[lead + k :], at["dilations"], strict=True)
        made[(*p[:lead], *(i * s + j * d for i, s, j, d in rows))] += g[p]
    return made


# Numbers


def maximum_place(row: list[Any]) -> int:
    return row.index(max(row))


def minimum_place(row: list[Any]) -> int:
    return row.index(min(row))


def running_sums(row: list[Any]) -> list[Any]:
    return [sum(row[: k + 1]) for k in range(len(row))]


def log_of_sum_of_exp(row: list[float]) -> Any:
    return mp.log(sum(mp.exp(mpf(x)) for x in row)) if row else -math.inf


def length(row: list[float]) -> Any:
    return mp.sqrt(sum(mpf(x) ** 2 for x in row))


def product_of_matrices(at: Attrs, x: Array, y: Array) -> Array:
    return filled((x.shape[0], y.shape[1]), lambda i, j: sum(x[i, k] * y[k, j] for k in range(x.shape[1])))


def einsum(at: Attrs, *xs: Array) -> Array:
    left, result = at["pattern"].split("->")
    operands = left.split(",")
    sizes = {c: n for indices, x in zip(operands, xs, strict=True) for c, n in zip(indices, x.shape, strict=True)}
    summed = [c for c in sizes if c not in result]

    def element(*p: int) -> Any:
        total = 0
        for q in itertools.product(*(range(sizes[c]) for c in summed)):
            at_place = dict(zip((*result, *summed), (*p, *q), strict=True))
            total += math.prod(x[tuple(at_place[c] for c in i)].item() for i, x in zip(operands, xs, strict=True))
        return total

    return filled([sizes[c] for c in result], element)


def exact(x: Array) -> Array:
    return filled(x.shape, lambda *p: mpf(x[p].item() if isinstance(x[p], np.generic) else x[p]))


def determinant(a: Array) -> Any:
    """By Leibniz: over all permutations, the products of one element a row."""
    a = exact(a)
    total = mpf(0)
    for order in itertools.permutations(range(len(a))):
        turns = sum(order[i] > order[j] for i in range(len(a)) for j in range(i + 1, len(a)))
        total += (-1) ** turns * math.prod((a[i, j] for i, j in enumerate(order)), start=mpf(1))
    return total


def cofactors(a: Array) -> Array:
    def minor(i: int, j: int) -> Any:
        return determinant(np.delete(np.delete(a, i, axis=0), j, axis=1))

    return filled(a.shape, lambda i, j: (-1) ** (i + j) * minor(i, j))


def change_of_cofactors(at: Attrs, a: Array, g: Array) -> Array:
    """The slope of the cofactors along `g`: polynomials, by a step that their digits (100) do not notice."""
    up, down = (cofactors(exact(a) + t * exact(g)) for t in (STEP, -STEP))
    return np.asarray((up - down) / (2 * STEP))


def inverse(a: Array) -> Array:
    """By Cramer."""
    return cofactors(a).T / determinant(a) if a.size else a


def triangle(a: Array) -> Array:
    """The Cholesky factor, row by row."""
    a = exact(a)
    made = filled(a.shape, lambda i, j: mpf(0))
    for i, j in np.ndindex(*a.shape):
        rest = a[i, j] - sum((made[i, k] * made[j, k] for k in range(j)), start=mpf(0))
        if j < i:
            made[i, j] = rest / made[j, j]
        elif j == i:
            made[i, i] = mp.sqrt(rest)
    return made


MEANINGS: dict[str, Callable[..., Any]] = {
    "expand": repeated,
    "reshape": rearranged,
    "match": lambda at, x: x,
    "expand_dims": with_axes,
    "squeeze": without_axes,
    "permute": moved_axes,
    "slice": part,
    "pad": padded,
    "concat": chained,
    "stack": side_by_side,
    "size": lambda at: at["size"],
    "arange": lambda at: list(range(at["size"])),
    "index": lambda at, i: filled(i.shape, lambda *p: range(at["size"])[i[p]]),
    "take": taken,
    "elements": target_elements,
    "update": changed(lambda old, new: new),
    "add_at": changed(lambda old, new: old + new),
    "argsort": along_last(order_of),
    "sum": reduction(lambda row: sum(row) if all(isinstance(x, int) for x in row) else math.fsum(row)),
    "mean": reduction(lambda row: math.fsum(row) / len(row) if row else math.nan),
    "amax": reduction(max),
    "amin": reduction(min),
    "prod": reduction(math.prod),
    "products_of_others": along_last(lambda row: [math.prod(row[:k] + row[k + 1 :]) for k in range(len(row))]),
    "any": reduction(any),
    "all": reduction(all),
    "argmax": reduction(maximum_place),
    "argmin": reduction(minimum_place),
    "logsumexp": reduction(log_of_sum_of_exp),
    "norm": reduction(length),
    "cumsum": along_last(running_sums),
    "matmul": by_matrix(2, product_of_matrices),
    "einsum": einsum,
    "solve": by_matrix(2, lambda at, a, y: product_of_matrices(at, inverse(a), y)),
    "inv": by_matrix(2, lambda at, a: inverse(a)),
    "det": by_matrix(2, lambda at, a: determinant(a)),
    "cofactor": by_matrix(2, lambda at, a: cofactors(a)),
    "cofactor_change": by_matrix(2, change_of_cofactors),
    "logdet": by_matrix(2, lambda at, a: mp.log(abs(determinant(a)))),
    "cholesky": by_matrix(2, lambda at, a: triangle(a)),
    "windows": windowed,
    "fold_windows": folded,
}
"""Of every op on tensors its value, `meaning(at, *operands)`; random numbers have none (`test_random`)."""


# Slopes


class Slope(NamedTuple):
    """A derivative by differences, and how far it may be off."""

    value: float
    bound: float


Terms = Callable[[float], Array]
"""Of a step, the terms whose sum is differentiated (their magnitudes say how large its rounding is)."""


def slope(terms: Terms, h: float = 2.0**-6) -> Slope:
    """The derivative at 0 of the sum of `terms`, by central differences from step `h` on, extrapolated (Richardson).

    The bound is what the last extrapolation changed, and what rounding does to a difference.
    """
    magnitude = 0.0

    def difference(h: float) -> float:
        nonlocal magnitude
        right, left = terms(h), terms(-h)
        magnitude = max(magnitude, float(np.sum(np.abs(right))), float(np.sum(np.abs(left))))
        return math.fsum([*right.flat, *(-left).flat]) / (2 * h)

    first = [difference(h / 2**k) for k in range(4)]
    second = [(4 * fine - rough) / 3 for rough, fine in itertools.pairwise(first)]
    third = [(16 * fine - rough) / 15 for rough, fine in itertools.pairwise(second)]
    return Slope(third[-1], abs(third[-1] - third[-2]) + 2**10 * EPS * (magnitude + 1.0) / (h / 8))


def moved(xs: Sequence[Array], k: int, place: tuple[int, ...], by: float) -> list[Array]:
    """The arrays, with the element of array `k` at `place` moved."""
    copy = np.array(xs[k], dtype=np.float64)
    copy[place] += by
    return [*xs[:k], copy, *xs[k + 1 :]]


def slopes(terms: Callable[[Sequence[Array]], Array], xs: Sequence[Array], k: int) -> Iterator[tuple[Any, Slope]]:
    """By each element of array `k`: its place, and the slope of the sum of `terms(xs)`."""
    for place in np.ndindex(*np.shape(xs[k])):
        yield place, slope(lambda h, p=place: terms(moved(xs, k, p, h)))
