"""The axes of a sum of products (`ops.op.Contraction`) by their letters, and which of them are matrix products."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from math import inf, prod
from typing import NamedTuple, cast

from cgcli.graph.graph import Graph
from cgcli.graph.sizes import Size
from cgcli.graph.types import Type
from cgcli.ops.op import Contraction, Routine
from cgcli.ops.table import BY_CODE

OPENED = 64  # products of fixed sizes up to which each element is a sum written out
NARROW = 16  # elements of a matrix of fixed sizes up to which a product with it is loops


class Letters(NamedTuple):
    """The letter of each axis of the operands and of the result, "" of an axis of one element; the size of each."""

    operands: tuple[tuple[str, ...], ...]
    result: tuple[str, ...]
    sizes: dict[str, Size]

    @property
    def summed(self) -> list[str]:
        return [letter for letter in self.sizes if letter not in self.result]


def letters_of(graph: Graph, i: int) -> Letters:
    """The letters of a contraction."""
    form = BY_CODE[graph.op[i]].loops
    assert isinstance(form, Contraction)
    types = [cast("Type", graph.type_of(x)) for x in graph.operands(i)]
    texts, result = form.letters(types, graph.attrs.get(i, {}))
    sizes: dict[str, Size] = {}
    operands = []
    for text, t in zip(texts, types, strict=True):
        operands.append(tuple("" if n == 1 else letter for letter, n in zip(text, t.shape, strict=True)))
        sizes.update((letter, n) for letter, n in zip(text, t.shape, strict=True) if n != 1)
    return Letters(tuple(operands), tuple(letter if letter in sizes else "" for letter in result), sizes)


def is_contraction(graph: Graph, i: int) -> bool:
    return isinstance(BY_CODE[graph.op[i]].loops, Contraction)


def is_called(graph: Graph, i: int) -> bool:
    """Whether a node is computed by calls of routines. Which product of three operands comes first is the library's to
    find out.
    """
    if isinstance(BY_CODE[graph.op[i]].loops, Routine):
        return True
    return is_contraction(graph, i) and (len(graph.operands(i)) > 2 or is_product(graph, i))


def is_product(graph: Graph, i: int) -> bool:
    """Whether a contraction is a matrix product of floats, or many, that loops do not compute as well."""
    if not is_contraction(graph, i) or not cast("Type", graph.type_of(i)).is_float or len(graph.operands(i)) != 2:
        return False
    letters = letters_of(graph, i)
    _, rows, columns, summed = classes(letters)
    if not summed or not (rows or columns) or len(summed) != len(letters.summed):
        return False
    parts = [[letters.sizes[letter] for letter in part] for part in (rows, columns, summed)]
    if _fixed(itertools.chain(*parts)) <= OPENED:
        return False
    return all(_fixed([*parts[n], *parts[2]]) > NARROW for n in (0, 1))


def _fixed(sizes: Iterable[Size]) -> float:
    """The product of sizes; infinite where one has a name."""
    return prod(n if isinstance(n, int) else inf for n in sizes)


def repeated(graph: Graph, i: int) -> list[int]:
    """The operands of a contraction whose elements several elements of the result read."""
    letters = letters_of(graph, i)
    return [x for x, own in zip(graph.operands(i), letters.operands, strict=True) if not set(letters.sizes) <= set(own)]


def classes(letters: Letters) -> tuple[list[str], list[str], list[str], list[str]]:
    """The letters of the loops around a product of two operands, of its rows, its columns, and of the sum."""
    first, second = letters.operands
    result = [letter for letter in letters.result if letter]
    both = [letter for letter in result if letter in first and letter in second]
    rows = [letter for letter in result if letter in first and letter not in second]
    columns = [letter for letter in result if letter in second and letter not in first]
    summed = [letter for letter in letters.summed if letter in first and letter in second]
    return both, rows, columns, summed
