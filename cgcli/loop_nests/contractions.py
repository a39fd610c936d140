"""Sums of products (`ops.op.Contraction`): matrix products as calls of `product`, the others as loops.

Axes have letters. Those that all operands and the result have in common are loops around a product; letters of the
first operand that the result has are its rows, those of the second one its columns, and the sum goes over the others
that both have. Letters that lie one behind the other in memory, wherever they occur, count as one.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from .form import Extent, Index, Kind, Region, ScalarType, Value, index_of
from .letters import letters_of
from .numbers import convert
from .storage import is_small
from .strided import Strided, dense, product

if TYPE_CHECKING:
    from .bounds import IndexBuilder
    from .readers import Frame, GraphLowering

# ---- elements


def element(lowering: GraphLowering, frame: Frame, i: int, index: tuple[Index, ...], type_: ScalarType) -> Value:
    """An element of a contraction, a sum of products in the order of the letters."""
    k, graph, node = lowering.k, frame.graph, frame.first + i
    letters = letters_of(graph, i)
    at = {letter: x for letter, x in zip(letters.result, index, strict=True) if letter}
    key = "contraction", node, id(frame), tuple(at.values())
    existing = k.memo(key)
    if existing is not None:
        return existing

    def term() -> Value:
        total: Value | None = None
        for x, own in zip(graph.operands(i), letters.operands, strict=True):
            read = lowering.element(frame, x, tuple(at[letter] if letter else Index(0) for letter in own))
            factor = convert(k, read, type_, node)
            total = factor if total is None else k.apply("mul", total, factor, node=node)
        assert total is not None
        return total

    def over(left: Sequence[str], total: Value) -> Value:
        if not left:
            return k.apply("add", total, term(), node=node)
        letter, *inner = left
        n = lowering.size(letters.sizes[letter])
        if isinstance(n, int) and is_small([letters.sizes[x] for x in left]):
            for j in range(n):
                at[letter] = Index(j)
                total = over(inner, total)
            return total
        across = k.in_lanes and all(own[-1:] != (letter,) for own in letters.operands)
        kind: Kind = "serial" if inner or across or type_ not in ("f64", "f32") else "vector"
        with k.loop(n, [total], ["add" if kind == "vector" else ""], kind) as loop:
            k.limits[loop.variable] = n
            at[letter] = index_of(loop.variable)
            loop.yields = [over(inner, loop.carried[0])]
        return loop.results[0]

    if not letters.summed:
        return term()
    depth = max([frame.base, *(k.depth[v] for index in at.values() for v in index.values)])
    with k.outside(depth) as block:
        result = over(letters.summed, k.const(0, type_))
        k.remember(key, result, block)
    return result


# ---- matrix products


class View(NamedTuple):
    """An operand or the result: where it lies, and the stride of each letter."""

    buffer: str
    offset: Extent
    strides: dict[str, Extent]

    def matrix(self, row: str, column: str) -> tuple[Extent, Extent]:
        """The strides of a matrix in it; "" is an axis of one element."""
        return self.strides.get(row, 1), self.strides.get(column, 1)

    def index_at(self, at: Mapping[str, Value]) -> Index:
        """The number of the element in the buffer at an index of some letters, 0 of the others."""
        index = index_of(self.offset)
        for letter, x in at.items():
            if letter in self.strides:
                index = index.plus(Index(0, ((x, self.strides[letter]),)))
        return index

    def element(self, k: IndexBuilder, at: Mapping[str, Value]) -> Extent:
        """The same as a number or a value."""
        index = self.index_at(at)
        return k.index_value(index) if index.terms else index.const


class Axes(NamedTuple):
    """The letters of a product: of the loops around it, of the rows, the columns and the sum; the sizes."""

    loops: list[str]
    row: str
    column: str
    summed: str
    sizes: dict[str, Extent]


def view_of(letters: Sequence[str], lies: Strided) -> View:
    strides = {letter: n for letter, n in zip(letters, lies.strides, strict=True) if letter}
    return View(lies.buffer, lies.offset, strides)


def fitting(
    k: IndexBuilder,
    views: tuple[View, View, View],
    both: Sequence[str],
    parts: Sequence[Sequence[str]],
    sizes: dict[str, Extent],
) -> Axes | None:
    """The axes of a product of matrices whose rows or columns lie in one piece; None where there are none."""
    first, second, result = views
    sizes = dict(sizes)
    rows, columns, summed = ([*letters] for letters in parts)
    for letters in (rows, columns, summed):
        merge(k, letters, views, sizes)
    if len(summed) != 1:
        return None
    (inner,) = summed
    for row, column in itertools.product(rows[::-1] or [""], columns[::-1] or [""]):
        matrices = first.matrix(row, inner), second.matrix(inner, column), result.matrix(row, column)
        if all(1 in matrix for matrix in matrices):
            loops = [*both, *(letter for letter in (*rows, *columns) if letter not in (row, column))]
            return Axes(loops, row, column, inner, sizes)
    return None


def merge(k: IndexBuilder, letters: list[str], views: Sequence[View], sizes: dict[str, Extent]) -> None:
    """Makes one letter of two that lie one behind the other wherever they occur."""
    for outer, inner in itertools.permutations(letters, 2):
        strides = [view.strides for view in views if inner in view.strides]
        if not {outer, inner} <= {*letters}:
            continue
        if all(own[outer] == product(k, own[inner], sizes[inner]) for own in strides):
            sizes[inner] = product(k, sizes[outer], sizes[inner])
            letters.remove(outer)


def call_product(k: IndexBuilder, views: Sequence[View], axes: Axes, adds: bool) -> None:
    """The loops around a product, and its call. adds: to what the result holds."""
    at: dict[str, Value] = {}

    def over(letters: Sequence[str]) -> None:
        if letters:
            letter, *inner = letters
            with k.loop(axes.sizes[letter]) as loop:
                at[letter] = loop.variable
                over(inner)
            return
        numbers = [axes.sizes.get(letter, 1) for letter in (axes.row, axes.column, axes.summed)]
        matrices = (axes.row, axes.summed), (axes.summed, axes.column), (axes.row, axes.column)
        regions = []
        for view, matrix in zip(views, matrices, strict=True):
            region, offset = _behind(k, view, at, axes.sizes)
            regions.append(region)
            numbers += [offset, *view.matrix(*matrix)]
        k.call("product_add" if adds else "product", regions[:2], regions[2:], numbers)

    over(axes.loops)


def _behind(k: IndexBuilder, view: View, at: Mapping[str, Value], sizes: dict[str, Extent]) -> tuple[Region, Extent]:
    """The region that holds a matrix, by indices of the first axes, and the number of the matrix's first element in it.

    at: the variables of the loops around the product.
    """
    shape = k.buffers[view.buffer].shape
    left = {letter: variable for letter, variable in at.items() if letter in view.strides}
    front: list[Index] = []
    for n, stride in zip(shape, dense(k, shape), strict=True):
        letter = next((x for x in left if view.strides[x] == stride and sizes[x] == n), None)
        if view.offset != 0 or letter is None:
            break
        front.append(index_of(left.pop(letter)))
    return Region(view.buffer, tuple(front)), view.element(k, left)
