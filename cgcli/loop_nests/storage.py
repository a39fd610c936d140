"""Which values of a graph lie in memory, and which are computed again wherever an element is read.

An element form computes an element where it is read. That is the shortest way as long as each element is read at one
index within the loops around it. These are the values for which it is not:

* operands and results of routines and of sums of products, and what statement forms write;
* what lies below many views, for element forms call each other;
* an element that is needed at many indices at once, as by a sum of shifted slices of a sum of shifted slices;
* a sum (any reduction) that a loop reads which it does not depend on, in an outer loop or a window: it would be summed
  up again at each step;
* what is read in another shape by indices that only a division could split;
* what takes long to compute and would be computed again (`dear`).

A value of few fixed elements is read at constant indices, so its elements are numbers and made once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, cast

from cgcli.graph.graph import ASSERT, CONST, GET, INPUT, Graph
from cgcli.graph.sizes import Shape, Size
from cgcli.graph.types import Type
from cgcli.ops.op import Contraction, Element, Op, Reads, Routine, Statements
from cgcli.ops.table import BY_CODE

from .letters import is_called, is_product, letters_of, repeated
from .strided import viewed

OPENED = 16  # elements of a fixed shape up to which loops over it are opened up
FEW = 4  # elements of a row of a large value up to which loops over it are opened up
DEEPEST = 40  # element forms within element forms
MOST = 8  # indices at which an element is computed
FREE, SUMMED, REPEATED = range(3)
"""What is computed for an element: no reduction, one of its own, one for all elements of the inner axes."""


def in_memory(graph: Graph, needed: Sequence[int]) -> set[int]:
    """The nodes whose values have to lie in memory, but for outputs."""
    stored = _by_their_ops(graph, needed)
    _add_read_often(graph, needed, stored)
    _add_summed_again(graph, needed, stored)
    return stored


def is_small(shape: Sequence[Size]) -> bool:
    """Whether a shape has few fixed elements, so that loops over it are opened up."""
    return all(isinstance(n, int) for n in shape) and prod(cast("Sequence[int]", shape)) <= OPENED


def is_opened(shape: Sequence[Size], scalars: bool) -> bool:
    """Whether loops over the last axes of a value are opened up. scalars: whether its elements are numbers anyway: all
    of the value is small, or steps around are lanes."""
    return is_small(shape) and (scalars or prod(cast("Sequence[int]", shape)) <= FEW)


def is_computed(graph: Graph, i: int, needed: Sequence[int]) -> bool:
    """Whether a node is an array that nests compute. needed: whether outputs or asserts need each node."""
    return bool(needed[i]) and graph.op[i] not in (INPUT, CONST, GET) and isinstance(graph.type_of(i), Type)


def _reads(op: Op) -> Reads | None:
    """At which index an op reads its operands, None where it has no element form."""
    if op.is_elementwise and op.loops is None:
        return "broadcast"
    return op.loops.reads if isinstance(op.loops, Element) else None


def shape_of(graph: Graph, i: int) -> Shape:
    return cast("Type", graph.type_of(i)).shape


def _attrs(graph: Graph, i: int) -> Mapping[str, Any]:
    return graph.attrs.get(i, {})


def _by_their_ops(graph: Graph, needed: Sequence[int]) -> set[int]:
    """What routines and statement forms read and write, what lies deep, what is split by division."""
    rows = _computed_by_rows(graph, needed)
    stored: set[int] = set()
    depth = [0] * len(graph)
    for i, code in enumerate(graph.op):
        if not is_computed(graph, i, needed):
            continue
        op, operands = BY_CODE[code], graph.operands(i)
        if isinstance(op.loops, Routine):
            stored.update(x for x in operands if graph.op[x] != INPUT)
        if isinstance(op.loops, Contraction) and not _is_written_out(graph, i):
            bases = (viewed(graph, x) for x in repeated(graph, i))
            stored.update(x for x in bases if is_computed(graph, x, needed))
            if i not in rows:
                stored.add(i)
            continue
        if isinstance(op.loops, Routine | Statements) and not _has_elements(graph, i, op):
            stored.add(i)
            continue
        if _reads(op) == "renumbered" and i not in rows:
            (x,) = operands
            if is_computed(graph, x, needed) and not splits(shape_of(graph, i), shape_of(graph, x)):
                stored.add(x)
                depth[x] = 0
        depth[i] = max((depth[x] for x in operands), default=0) + (not op.is_elementwise)
        if depth[i] > DEEPEST:
            stored.add(i)
            depth[i] = 0
    return stored


def _has_elements(graph: Graph, i: int, op: Op) -> bool:
    """Whether a node with a statement form is computed element by element: it and its operands have few."""
    if not isinstance(op.loops, Statements) or op.loops.element is None:
        return False
    return all(is_small(shape_of(graph, x)) for x in (i, *graph.operands(i)))


def _computed_by_rows(graph: Graph, needed: Sequence[int]) -> set[int]:
    """The matrix products that only a statement form reads, which does so row by row, and the views between both."""
    readers = [0] * len(graph)
    for i in range(len(graph)):
        for x in graph.operands(i) if needed[i] else ():
            readers[x] += 1
    for i in graph.outputs:
        readers[i] += 1
    rows: set[int] = set()
    for i, code in enumerate(graph.op):
        form = BY_CODE[code].loops
        if not needed[i] or not isinstance(form, Statements):
            continue
        x = graph.a[i]
        summed = product_by_rows(graph, x) if form.rows(cast("Type", graph.type_of(x)), _attrs(graph, i)) else None
        chain = [x]
        while summed is not None and chain[-1] != summed:
            chain.append(graph.a[chain[-1]])
        if summed is not None and all(readers[y] == 1 for y in chain):
            rows.update(chain)
    return rows


def product_by_rows(graph: Graph, x: int) -> int | None:
    """The matrix product of which a node has the elements in order and the same first axis; None if there is none."""
    while _reads(BY_CODE[graph.op[x]]) == "renumbered" and shape_of(graph, x)[:1] == shape_of(graph, graph.a[x])[:1]:
        x = graph.a[x]
    return x if is_product(graph, x) and letters_of(graph, x).result[:1] not in ((), ("",)) else None


def _is_written_out(graph: Graph, i: int) -> bool:
    """Whether each element of a contraction is a short sum, computed wherever it is read."""
    letters = letters_of(graph, i)
    return not is_called(graph, i) and is_small([letters.sizes[letter] for letter in letters.summed])


def splits(shape: Shape, to: Shape) -> bool:
    """Whether an index into `shape` is one into `to`, which holds the same elements, without a division."""
    opened = 1
    strides: list[tuple[int, Any]] = []  # and the size, of each axis that a loop runs over
    stride: Any = 1
    if [n for n in shape if n != 1] == [n for n in to if n != 1] or sum(n != 1 for n in to) <= 1:
        return True
    for n in reversed(shape):
        if not isinstance(stride, int):
            return False
        opened = opened * n if isinstance(n, int) and opened else 0
        if n != 1 and not 0 < opened <= OPENED:
            strides.append((stride, n))
        stride = stride * n if isinstance(n, int) else None
    for n in reversed(to[1:]):
        if not isinstance(n, int) or n == 0:
            return False
        inner = [(s, m) for s, m in strides if s % n]
        if any(not isinstance(m, int) for _, m in inner) or sum((m - 1) * s for s, m in inner) >= n:
            return False
        strides = [(s // n, m) for s, m in strides if s % n == 0]
    return True


def _add_read_often(graph: Graph, needed: Sequence[int], stored: set[int]) -> None:
    """From the outputs back: the number of indices, within the loops of what lies in memory, at which each is read."""
    same, others = [0] * len(graph), [0] * len(graph)
    for i in graph.outputs:
        same[i] = 1
    for i in range(len(graph) - 1, -1, -1):
        if not is_computed(graph, i, needed):
            continue
        op, small = BY_CODE[graph.op[i]], is_small(shape_of(graph, i))
        count = same[i] + others[i]
        if small and i in graph.outputs:
            count -= 1
        if count > MOST:
            stored.add(i)
        if i in stored or graph.op[i] == ASSERT:
            count = 0 if small else 1
        for x in graph.operands(i):
            if not is_computed(graph, x, needed):
                continue
            if _reads(op) == "repeated":
                others[x] += count * prod(_attrs(graph, i).get("sizes", ()))
            elif _reads(op) in ("aligned", "renumbered", "other"):
                others[x] += count
            else:
                same[x] = max(same[x], count if is_small(shape_of(graph, x)) else max(count, 1))


def _add_summed_again(graph: Graph, needed: Sequence[int], stored: set[int]) -> None:
    """Operands with a reduction in them whose readers run through an axis in front of those that it depends on."""
    state = [FREE] * len(graph)
    for i in range(len(graph)):
        if not is_computed(graph, i, needed):
            continue
        op = BY_CODE[graph.op[i]]
        for x in graph.operands(i):
            if state[x] and not is_small(shape_of(graph, x)) and _repeats(graph, i, op, x, state[x]):
                stored.add(x)
                state[x] = FREE
        if i in stored:
            continue
        states = [state[x] for x in graph.operands(i)]
        if _reads(op) == "broadcast":
            shape = shape_of(graph, i)
            states = [
                s and _joined(s, shape_of(graph, x), shape) for s, x in zip(states, graph.operands(i), strict=True)
            ]
        state[i] = SUMMED if _reads(op) == "reduced" else max(states, default=FREE)


def _joined(state: int, shape: Shape, to: Shape) -> int:
    return REPEATED if repeated_axes(shape, to) else state


def repeated_axes(shape: Shape, to: Shape) -> list[int]:
    """The axes, counted from the end, along which a value is repeated when it is broadcast."""
    return [k for k in range(-len(to), 0) if to[k] != 1 and (k < -len(shape) or shape[k] == 1)]


def _repeats(graph: Graph, i: int, op: Op, x: int, state: int) -> bool:
    """Whether node `i` computes the reduction in its operand `x` more than once."""
    shape, reads = shape_of(graph, x), _reads(op)
    if reads == "broadcast":
        first = min(repeated_axes(shape, shape_of(graph, i)), default=0)
        return any(n != 1 and k > first for k, n in zip(range(-len(shape), 0), shape, strict=True)) and first < 0
    if reads == "repeated":
        return True
    if reads == "reduced":
        gone = _attrs(graph, i)["axes"]
        return state == REPEATED and any(
            k > min(gone) and k not in gone and shape[k] != 1 for k in range(-len(shape), 0)
        )
    return state == REPEATED and reads in ("renumbered", "other")
