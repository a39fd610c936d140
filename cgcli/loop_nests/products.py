"""Matrix products whose operands or results are no matrices in memory: copies of them, a block at a time.

A view that shows elements many times, windows of an image above all, is many times larger than what it shows. So an
operand that is one is computed for some indices of its first letter at a time, as many as stay in the processor's
cache, and multiplied. Where the result has that letter, a block gives a part of it; where the sum goes over it, the
products of all blocks are added up.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from cgcli.graph.sizes import Shape
from cgcli.graph.types import Type
from cgcli.ops.op import Statements

from .contractions import Axes, View, call_product, fitting, merge, view_of
from .elements import SCALARS, NodeElements
from .form import Extent, Index, ScalarType, Value, index_of
from .letters import classes, letters_of
from .numbers import convert
from .storage import product_by_rows
from .strided import Strided, dense, product, strided

if TYPE_CHECKING:
    from .readers import Frame, GraphLowering

BLOCK = 16384
"""About how many elements of an operand or a result are in memory at a time."""
_COPIES: tuple[tuple[int, ...], ...] = (), (0,), (1,), (0, 1)
"""Which operands are copied."""
LONG = 64
"""Rows or columns of a fixed number from which on the indices of a block are multiplied one by one, where the result
does not have them side by side; of fewer all of a block are, and the product is moved to the result."""


@dataclass(frozen=True)
class Block:
    """`count` indices of a letter, from `first` on, 0 where one block has all; none has more than `most`."""

    letter: str
    first: Extent
    count: Extent
    most: Extent

    def index(self, letter: str, step: Value) -> Index:
        """The index of a letter at a step of a loop over those of the block."""
        return index_of(step).plus(index_of(self.first)) if letter == self.letter else index_of(step)

    def of(self, view: View, lowering: GraphLowering) -> View:
        """The part of a view."""
        at = {} if isinstance(self.first, int) else {self.letter: self.first}
        return View(view.buffer, view.element(lowering.k, at), view.strides)


class Part(NamedTuple):
    """A block of an operand or of the result in a buffer of its own: the letters of its axes, their most indices."""

    letters: Sequence[str]
    sizes: Sequence[Extent]
    view: View


def write_product(lowering: GraphLowering, frame: Frame, i: int, out: str) -> bool:
    """Calls of `product` that write a contraction for which `is_product` holds into a buffer; False where there are
    none, for the result has its elements in another order.
    """
    k, letters = lowering.k, letters_of(frame.graph, i)
    _, rows, columns, _ = classes(letters)
    last = next((letter for letter in reversed(letters.result) if letter), "")
    if last not in (*rows, *columns):
        return False
    result = view_of(letters.result, Strided(out, 0, dense(k, k.buffers[out].shape)))
    _Product(lowering, frame, i, k.buffers[out].type).write(result)
    return True


def write_statements(lowering: GraphLowering, frame: Frame, i: int, out: str, form: Statements) -> None:
    """Has a statement form write its rows into a buffer; where it reads a matrix product that is not in memory, those
    of a block of that as it is computed.
    """
    graph = frame.graph
    x, shape = graph.operands(i)[0], cast("Type", graph.type_of(i)).shape
    operand = cast("Type", graph.type_of(x))
    many, factored = form.rows(operand, graph.attrs.get(i, {})), product_by_rows(graph, x)

    def rows(first: Sequence[Index], rest: Shape) -> None:
        def write(row: Sequence[Index]) -> None:
            form.rule(cast("Any", NodeElements(lowering, frame, i, out, (*first, *row))))

        lowering.loops(rest, write, "serial", short=True)

    if not many or factored is None or factored in frame.readers:
        rows((), shape[:many])
    else:
        computed = _Product(lowering, frame, factored, SCALARS[operand.dtype])
        computed.hand_over(lambda index: rows((index,), shape[1:many]))


class _Product:
    """Contraction `i`, a matrix product of elements of a type.

    views: of the operands, None of one that has to be computed; parts: the letters of the rows, the columns and the
    sum; both: those of the loops around.
    """

    def __init__(self, lowering: GraphLowering, frame: Frame, i: int, type_: ScalarType) -> None:
        self.lowering, self.frame, self.k, self.type = lowering, frame, lowering.k, type_
        self.node, self.operands, self.letters = frame.first + i, frame.graph.operands(i), letters_of(frame.graph, i)
        self.both, *self.parts = classes(self.letters)
        self.sizes = {letter: lowering.size(n) for letter, n in self.letters.sizes.items()}
        self.views: list[View | None] = []
        for x, own in zip(self.operands, self.letters.operands, strict=True):
            lies = strided(lowering, frame, x)
            fits = lies is not None and self.k.buffers[lies.buffer].type == type_
            self.views.append(view_of(own, lies) if lies is not None and fits else None)

    def write(self, result: View) -> None:
        """Computes it into memory."""
        computed = [own for own, view in zip(self.letters.operands, self.views, strict=True) if view is None]
        letter = next((letter for letter in max(computed, key=len, default=()) if letter), "")
        most = self._most(letter, computed)
        adds = most != self.sizes.get(letter, 1) and letter not in self.letters.result
        if adds:
            self._clear(result.buffer)
        with self._blocks(letter, most) as (block, outside):
            to = block.of(result, self.lowering)
            part = self._multiplied(block, outside, to, adds)
            if part is not None:
                self._move(part.view, to, block)

    def hand_over(self, visit: Callable[[Index], None]) -> None:
        """Computes it in blocks of the first axis, and visits each index of that while elements at it can be read."""
        k, letter, i = self.k, self.letters.result[0], self.node - self.frame.first
        with self._blocks(letter, self._most(letter, [self.letters.result])) as (block, outside):
            part, written = self._multiplied(block, outside), k.here
            assert part is not None

            def read(index: tuple[Index, ...]) -> Value:
                at = {own: x for own, x in zip(self.letters.result, index, strict=True) if own}
                at[letter] = at[letter].plus(index_of(block.first).times(-1))
                return k.load(part.view.buffer, [at[own] for own in part.letters], least=written)

            self.frame.readers[i] = read
            with k.loop(block.count) as loop:
                k.limits[loop.variable] = block.count
                visit(block.index(letter, loop.variable))
            del self.frame.readers[i]

    # ---- blocks

    def _most(self, letter: str, arrays: Sequence[Sequence[str]]) -> Extent:
        """How many indices of the letter make a block of some arrays: all of them where they are few, and where only a
        step of a loop around tells the other sizes."""
        k, n = self.k, self.sizes.get(letter, 1)
        rest: Extent = 1
        for own in arrays:
            count: Extent = 1
            for other in own:
                count = product(k, count, self.sizes[other] if other not in ("", letter) else 1)
            if letter in own:
                rest = self._larger(rest, count)
        if isinstance(rest, int):
            several = max(1, BLOCK // max(1, rest))
            return min(n, several) if isinstance(n, int) else several
        most = self._larger(k.apply("floor_div", k.const(BLOCK, "i64"), rest), 1)
        return n if isinstance(most, Value) and k.depth[most] else most

    def _larger(self, a: Extent, b: Extent) -> Extent:
        if isinstance(a, int) and isinstance(b, int):
            return max(a, b)
        return self.k.apply("max", self.k.index_value(a), self.k.index_value(b))

    @contextmanager
    def _blocks(self, letter: str, most: Extent) -> Iterator[tuple[Block, int]]:
        """The loop over the blocks of a letter, none where one block is all; and the depth of what is around it."""
        k, n, depth = self.k, self.sizes.get(letter, 1), self.k.here
        if n == most:
            yield Block(letter, 0, n, n), depth
            return
        size, step, one = (k.index_value(x) for x in (n, most, 1))
        many = k.apply("floor_div", k.apply("sub", k.apply("add", size, step), one), step)
        with k.loop(many) as loop:
            first = k.apply("mul", loop.variable, step)
            yield Block(letter, first, k.apply("min", step, k.apply("sub", size, first)), most), depth

    def _part(self, n: int, block: Block) -> Part:
        """What holds a block of operand `n`, or of the result (2): the letter of the block is among the last."""
        rows, columns, summed = self.parts
        first, second = ((rows, summed), (summed, columns), (rows, columns))[n]
        if block.letter in first:
            first, second = second, first
        own = (*self.letters.operands, self.letters.result)[n]
        order = [letter for letter in (*self.both, *first, *second) if letter in own]
        sizes = [block.most if letter == block.letter else self.sizes[letter] for letter in order]
        return Part(order, sizes, View("", 0, dict(zip(order, dense(self.k, sizes), strict=True))))

    def _in_memory(self, part: Part) -> Part:
        """A part with its buffer."""
        return part._replace(view=part.view._replace(buffer=self.k.scratch(self.type, part.sizes)))

    # ---- products

    def _multiplied(self, block: Block, outside: int, result: View | None = None, adds: bool = False) -> Part | None:
        """Computes a block into the result, or into a buffer of its own, which it then gives.

        As few operands are copied as do. outside: the depth of the block in which what has not the letter of the block
        is copied, once for all.
        """
        targets = [result, None] if result and block.letter in self.letters.result else [result]
        best: tuple[View | None, tuple[int, ...]] | None = None
        for to, copied in itertools.product(targets, _COPIES):
            axes = self._fitting(self._views(block, copied, to), block)
            if axes is not None:
                narrow = self._is_narrow(axes, block)
                best = best if narrow and best else (to, copied)
                if not narrow:
                    break
        assert best is not None, "copies have their axes in order"
        to, copied = best
        first, second, target = self._views(block, copied, to)
        for n in copied:
            part = self._part(n, block)
            with self.k.outside(self.k.here if block.letter in part.letters else outside):
                view = self._computed(n, part, block)
            first, second = (view, second) if n == 0 else (first, view)
        part = self._part(2, block)
        if to is None:
            part = self._in_memory(part)
            target = part.view
        axes = self._fitting((first, second, target), block)
        assert axes is not None
        assert first
        assert second
        assert target
        call_product(self.k, (first, second, target), axes, adds)
        return part if to is None else None

    def _views(self, block: Block, copied: Sequence[int], to: View | None) -> list[View | None]:
        """The operands and the result in a block, some operands copied, the result into memory of its own if `to` is
        None."""
        operands = [block.of(view, self.lowering) if view else None for view in self.views]
        for n in copied:
            operands[n] = self._part(n, block).view
        return [*operands, to or self._part(2, block).view]

    def _computed(self, n: int, part: Part, block: Block) -> View:
        """Computes a block of an operand."""
        k, own, view = self.k, self.letters.operands[n], self._in_memory(part).view
        at: dict[str, Value] = {}

        def over(letters: Sequence[str]) -> None:
            if letters:
                letter, *inner = letters
                with k.loop(self._size(letter, block), kind="serial" if inner else "vector") as loop:
                    k.limits[loop.variable] = self._size(letter, block)
                    at[letter] = loop.variable
                    over(inner)
                return
            index = tuple(block.index(letter, at[letter]) if letter else Index(0) for letter in own)
            element = self.lowering.element(self.frame, self.operands[n], index)
            k.store(view.buffer, [at[letter] for letter in part.letters], convert(k, element, self.type, self.node))

        over(part.letters)
        return view

    def _size(self, letter: str, block: Block) -> Extent:
        return block.count if letter == block.letter else self.sizes[letter]

    def _fitting(self, views: Sequence[View | None], block: Block) -> Axes | None:
        first, second, result = views
        if not (first and second and result):
            return None
        sizes = {**self.sizes, block.letter: block.count}
        return fitting(self.k, (first, second, result), self.both, self.parts, sizes)

    def _is_narrow(self, axes: Axes, block: Block) -> bool:
        """Whether a product for each index of the block may have few rows or columns."""
        inner = axes.sizes.get(axes.row if block.letter in self.parts[0] else axes.column, 1)
        return (
            block.letter in axes.loops
            and block.letter not in self.both
            and (not isinstance(inner, int) or inner < LONG)
        )

    def _move(self, part: View, to: View, block: Block) -> None:
        """Copies a block of the result to where it lies."""
        k, at = self.k, dict[str, Value]()
        sizes = {letter: self._size(letter, block) for letter in part.strides}
        order = [letter for letter in self.letters.result if letter]
        merge(k, order, (part, to), sizes)
        written = k.here

        def over(letters: Sequence[str]) -> None:
            if letters:
                letter, *inner = letters
                with k.loop(
                    sizes[letter], kind="vector" if not inner and to.strides[letter] == 1 else "serial"
                ) as loop:
                    at[letter] = loop.variable
                    over(inner)
                return
            k.store(to.buffer, [to.index_at(at)], k.load(part.buffer, [part.index_at(at)], least=written))

        over(order)

    def _clear(self, buffer: str) -> None:
        k = self.k
        total: Extent = 1
        for n in k.buffers[buffer].shape:
            total = product(k, total, n)
        with k.loop(total, kind="vector") as loop:
            k.store(buffer, [loop.variable], k.const(0, self.type))
