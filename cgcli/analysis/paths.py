"""The chain rule path by path: each path from a result back to a value, with the product of the derivatives on it.

The sum over all paths is the derivative (the multivariable chain rule, unrolled). There may be more paths than could
ever be listed; they are counted exactly, and the largest are found without looking at the others.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from cgcli.graph.graph import CONST, GET, Graph
from cgcli.graph.traversal import live
from cgcli.graph.types import Type
from cgcli.ops.numbers import unsigned_zero
from cgcli.ops.op import rule_for
from cgcli.ops.table import BY_CODE
from cgcli.ops.written import WrittenOperations

from .backward_pass import operation_contributions

if TYPE_CHECKING:
    from .backward_pass import Number

MOST_STEPS = 10_000  # operations that are followed through tensors, each of which is a product of a Jacobian


class Path(NamedTuple):
    """nodes: from the value to the result. partials: of each edge, in that order, where the edge has one number.
    product: what the path adds to the derivative, in the value's shape; None without values.
    """

    nodes: tuple[int, ...]
    partials: tuple[float, ...] | None
    product: Number | None


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

    v: the values of the nodes; without them edges have no numbers. parts: by result of an operation the part of the
    program, such as a step of a loop, within which paths are added up: of a part only those nodes have edges that
    others read, or that are kept.
    """

    def __init__(
        self,
        graph: Graph,
        v: Sequence[Number] | None,
        of: int,
        parts: Mapping[int, int] | None = None,
        kept: Collection[int] = (),
    ) -> None:
        self.graph, self.v = graph, v
        self.written = WrittenOperations(graph)
        self.of = self.written.result_of[of]
        self.parts = parts or {}
        needed = live(graph, [of])
        nodes = [i for i in range(len(graph)) if needed[i] and self.written.result_of[i] == i]
        self._inner = self._inner_nodes(nodes, {self.of, *kept})
        # by node, by operand; None where it is no number
        self.partials = {i: self.partials_of(i) for i in nodes if i not in self._inner}
        self.stopped = self.partials if v is None else self._with_stopped()

    def _inner_nodes(self, nodes: Sequence[int], kept: set[int]) -> set[int]:
        """The nodes that only their own part reads."""
        read = {
            x for i in nodes for x in self.written.inputs(i) if self.parts and self.parts.get(i) != self.parts.get(x)
        }
        return {i for i in nodes if i in self.parts and i not in read and i not in kept}

    def _with_stopped(self) -> dict[int, dict[int, float | None]]:
        return {
            i: {x: partials.get(x, 0.0) for x in self._operands(i, partials)} for i, partials in self.partials.items()
        }

    def _operands(self, i: int, partials: Collection[int]) -> list[int]:
        """The operands of a node or of its sum: those with a partial, and those with a type that has derivatives."""
        operands: dict[int, None] = {}
        seen, stack = {i}, [i]
        while stack:
            node = stack.pop()
            for x in self.written.operands(node):
                is_inner = x in self._inner and self.parts[x] == self.parts[i]
                if not is_inner and (x in partials or self._has_edge(node, x)):
                    operands[x] = None
                elif is_inner and x not in seen and self._has_edge(node, x):
                    seen.add(x)
                    stack.append(x)
        return list(operands)

    def partials_of(self, i: int) -> dict[int, float | None]:
        """The derivative of a node by each operand that a derivative passes to."""
        if self.v is None:
            return dict.fromkeys(self._formal_operands(i))
        return _summed(self._contributions(i, _ones(self.v[i])))

    def operation_partials(self, i: int) -> dict[int, float | None]:
        """The same of an operation alone, also of one that is summed up with the others of its part."""
        assert self.v is not None
        return _summed(operation_contributions(self.written, self.v, i, _ones(self.v[i])))

    def is_sum(self, i: int) -> bool:
        """Whether the edges of a node are sums of paths within its part."""
        return any(x in self._inner for x in self.written.inputs(i))

    def _contributions(self, i: int, g: Number) -> list[tuple[int, float | None, Number]]:
        """As `operation_contributions`, of a node of a part: through the nodes of that part that nothing else reads."""
        assert self.v is not None
        if i not in self.parts:
            return operation_contributions(self.written, self.v, i, g)
        derivatives: dict[int, Number] = {i: g}
        by_operand: dict[int, Number] = {}
        pending = [-i]
        while pending:
            node = -heapq.heappop(pending)
            for x, _, product in operation_contributions(self.written, self.v, node, derivatives[node]):
                is_inner = x in self._inner and self.parts[x] == self.parts[i]
                sums = derivatives if is_inner else by_operand
                if is_inner and x not in derivatives:
                    heapq.heappush(pending, -x)
                sums[x] = sums[x] + product if x in sums else product
        is_number = isinstance(g, float | int) and g == 1.0
        return [(x, p if is_number and isinstance(p, float | int) else None, p) for x, p in by_operand.items()]

    def _formal_operands(self, i: int) -> list[int]:
        """The operands by which an operation can be differentiated: those that the rules of its nodes lead to."""
        graph, written = self.graph, self.written
        members = {*written.members.get(i, ()), i}
        seen, stack, operands = {i}, [i], set[int]()
        while stack:
            y = stack.pop()
            op = BY_CODE[graph.op[y]]
            source = graph.a[y] if graph.op[y] == GET else y  # of a branch or a loop
            for k, x in enumerate(graph.operands(source)):
                if source == y and not op.is_structured and rule_for(op, k) is None:
                    continue
                if (x in members or written.is_form[x]) and x not in seen:
                    seen.add(x)
                    stack.append(x)
                elif x not in members and not written.is_form[x]:
                    operands.add(x)
        return [x for x in dict.fromkeys(written.inputs(i)) if x in operands and self._has_edge(i, x)]

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
        if self.v is None:
            return Paths(count[self.of], tuple(self._in_order(start, inside, most)))
        numbers = all(p is not None for i in nodes if i != start for x, p in edges[i].items() if x in inside)
        if edges is self.stopped and not numbers:
            return Paths(0, ())  # of tensors there is nothing to multiply
        listed = self._of_numbers(start, nodes, most) if numbers else self._of_tensors(start, inside, most)
        paths = sorted(listed, key=lambda path: -_rank(path.product))
        return Paths(count[self.of], tuple(paths), numbers or len(paths) == count[self.of])

    def _in_order(self, start: int, inside: set[int], most: int) -> list[Path]:
        """The first paths, in the order of operands."""
        paths: list[Path] = []
        steps: list[tuple[int, int]] = [(self.of, -1)]  # nodes, each with the step that led to it
        stack = [0]
        while stack and len(paths) < most:
            at = stack.pop()
            node = steps[at][0]
            if node != start:
                operands = [x for x in self.partials[node] if x in inside]
                stack.extend(range(len(steps) + len(operands) - 1, len(steps) - 1, -1))
                steps.extend((x, at) for x in operands)
                continue
            path = []
            while at >= 0:
                node, at = steps[at]
                path.append(node)
            paths.append(Path(tuple(path), None, None))
        return paths

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
        steps, cost = 0, len(self.partials) and 1 + len(self._inner) // len(self.partials)
        while queue and len(paths) < most and steps < MOST_STEPS:
            _, _, path, g = heapq.heappop(queue)
            steps += cost
            if path[-1] == start:
                paths.append(Path(path[::-1], None, g))
                continue
            sums: dict[int, Number] = {}
            for x, _, product in self._contributions(path[-1], g):
                if x in inside:
                    sums[x] = sums[x] + product if x in sums else product
            for k, (x, product) in enumerate(sums.items()):
                heapq.heappush(queue, (-_rank(product), steps * 1000 + k, (*path, x), product))
        return paths


def _summed(contributions: Sequence[tuple[int, float | None, Number]]) -> dict[int, float | None]:
    partials: dict[int, float | None] = {}
    for x, partial, _ in contributions:
        total = partials.get(x)
        partials[x] = total + partial if total is not None and partial is not None else partial
    return partials


def _rank(product: Number | None) -> float:
    """How large a product is; NaN is the largest."""
    if product is None:
        return 0.0
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
