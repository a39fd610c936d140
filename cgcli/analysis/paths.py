"""The chain rule path by path: each path from a result back to a value, with the product of the derivatives on it.

The sum over all paths is the derivative (the multivariable chain rule, unrolled). There may be more paths than could
ever be listed; they are counted exactly, and the largest are found without looking at the others.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from cgcli.graph.graph import CONST, Graph
from cgcli.graph.traversal import live
from cgcli.graph.types import Type
from cgcli.ops.numbers import unsigned_zero
from cgcli.ops.written import WrittenOperations

from .backward_pass import operation_contributions

if TYPE_CHECKING:
    from .backward_pass import Number

MOST_STEPS = 2_000  # steps that are followed through tensors, each of which is a product of a Jacobian


class Path(NamedTuple):
    """nodes: from the value to the result. partials: of each edge, in that order, where the edge has one number.
    product: what the path adds to the derivative, in the value's shape.
    """

    nodes: tuple[int, ...]
    partials: tuple[float, ...] | None
    product: Number


class Paths(NamedTuple):
    """many: how many paths there are. listed: some of them. largest: whether no other path has a larger product."""

    many: int
    listed: tuple[Path, ...]
    largest: bool = True


class Edges:
    """The edges of a graph that derivatives pass, as far as one result needs them, between operations as written.

    Between two operations there is one edge, also where an operand occurs twice, as in `x * x`. stopped: those and the
    edges that no derivative passes, because the operand does not count at this point (`relu` below 0) or never does
    (`floor`); they have the derivative 0. They show where the paths of a value end that has no others.
    """

    def __init__(self, graph: Graph, v: Sequence[Number], of: int) -> None:
        self.graph, self.v = graph, v
        self.written = WrittenOperations(graph)
        self.of = self.written.result_of[of]
        needed = live(graph, [of])
        self.partials: dict[int, dict[int, float | None]] = {}  # by node, by operand; None where it is no number
        for i in range(len(graph)):
            if needed[i] and self.written.result_of[i] == i:
                self.partials[i] = self._partials_of(i)
        self.stopped: dict[int, dict[int, float | None]] = {
            i: {x: partials.get(x, 0.0) for x in self.written.operands(i) if x in partials or self._has_edge(i, x)}
            for i, partials in self.partials.items()
        }

    def _partials_of(self, i: int) -> dict[int, float | None]:
        partials: dict[int, float | None] = {}
        for x, partial, _ in operation_contributions(self.written, self.v, i, _ones(self.v[i])):
            total = partials.get(x)
            partials[x] = total + partial if total is not None and partial is not None else partial
        return partials

    def _has_edge(self, i: int, x: int) -> bool:
        kinds = self.graph.type_of(i), self.graph.type_of(x)
        return self.graph.op[x] != CONST and all(isinstance(t, Type) and t.has_derivative for t in kinds)

    def of_value(self, start: int) -> dict[int, dict[int, float | None]]:
        """The edges on the paths from `start`: with those that are stopped where there is no other path."""
        return self.partials if self._nodes_between(start, self.partials) else self.stopped

    def between(self, start: int) -> list[int]:
        """The nodes on the paths from `start` to the result, in order; none where there is no path."""
        return self._nodes_between(start, self.of_value(start))

    def _nodes_between(self, start: int, edges: dict[int, dict[int, float | None]]) -> list[int]:
        reached = {start}
        for i, operands in edges.items():
            if i > start and any(x in reached for x in operands):
                reached.add(i)
        back = {self.of} if self.of in reached else set[int]()
        for i in sorted(reached, reverse=True):
            if i in back and i != start:
                back.update(x for x in edges[i] if x in reached)
        return sorted(back)

    def paths(self, start: int, most: int) -> Paths:
        """The paths from `start` to the result, at most so many of them, the largest first."""
        nodes = self.between(start)
        if not nodes:
            return Paths(0, ())
        inside = set(nodes)
        edges = self.of_value(start)
        count = {start: 1}
        for i in nodes:
            if i != start:
                count[i] = sum(count[x] for x in edges[i] if x in inside)
        numbers = all(p is not None for i in nodes if i != start for x, p in edges[i].items() if x in inside)
        if edges is self.stopped and not numbers:
            return Paths(0, ())  # of tensors there is nothing to multiply
        listed = self._of_numbers(start, nodes, most) if numbers else self._of_tensors(start, inside, most)
        paths = sorted(listed, key=lambda path: -_rank(path.product))
        return Paths(count[self.of], tuple(paths), numbers or len(paths) == count[self.of])

    def _of_numbers(self, start: int, nodes: Sequence[int], most: int) -> list[Path]:
        """The paths of the largest products: any prefix of such a path is one of the largest to its end."""
        # of each node its best prefixes: how large, the product, the node before, and which of that one's prefixes
        edges = self.of_value(start)
        differentiable = edges is self.partials
        best: dict[int, list[tuple[float, float, int, int]]] = {start: [(1.0, 1.0, -1, -1)]}
        for i in nodes:
            if i == start:
                continue
            prefixes = []
            for x, partial in edges[i].items():
                if x in best:
                    assert partial is not None
                    for k, prefix in enumerate(best[x]):
                        product = partial * prefix[1] if differentiable else 0.0  # also where an inf is on the path
                        prefixes.append((_rank(product), product, x, k))
            best[i] = heapq.nlargest(most, prefixes, key=lambda prefix: prefix[0])
        paths = []
        for prefix in best[self.of]:
            path, at = [self.of], prefix
            while at[2] >= 0:
                path.append(at[2])
                at = best[at[2]][at[3]]
            path.reverse()
            partials = tuple(edges[i][x] for x, i in pairwise(path))
            paths.append(Path(tuple(path), tuple(p for p in partials if p is not None), unsigned_zero(prefix[1])))
        return paths

    def _of_tensors(self, start: int, inside: set[int], most: int) -> list[Path]:
        """Best-first search from the result by the size of the product; each step is a product with a Jacobian."""
        paths: list[Path] = []
        queue: list[tuple[float, int, tuple[int, ...], Number]] = [(0.0, 0, (self.of,), 1.0)]
        steps = 0
        while queue and len(paths) < most and steps < MOST_STEPS:
            _, _, path, g = heapq.heappop(queue)
            steps += 1
            if path[-1] == start:
                paths.append(Path(path[::-1], None, g))
                continue
            sums: dict[int, Number] = {}
            for x, _, product in operation_contributions(self.written, self.v, path[-1], g):
                if x in inside:
                    sums[x] = sums[x] + product if x in sums else product
            for k, (x, product) in enumerate(sums.items()):
                heapq.heappush(queue, (-_rank(product), steps * 1000 + k, (*path, x), product))
        return paths


def _rank(product: Number) -> float:
    """How large a product is; NaN is the largest."""
    if isinstance(product, float | int):
        size = abs(product)
    else:
        import numpy as np

        size = float(np.sqrt(np.square(product.astype("float64")).sum()))
    return math.inf if size != size else size


def _ones(value: Number) -> Number:
    """A cotangent that reaches every element."""
    if isinstance(value, float | int) or not value.shape:
        return 1.0
    import numpy as np

    return np.ones(value.shape, value.dtype if value.dtype.kind == "f" else "float64")
