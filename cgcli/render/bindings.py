"""The names of a graph's nodes, with what tells apart the values that a name is bound to one after the other."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from cgcli.graph.graph import COND, LOOP, NONE, Graph
from cgcli.ops.loops import LoopView

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_STEPS = "ₖₗₘₙ"  # the step of a loop, of a loop in it, …


class Bindings:
    """The names in one graph.

    group_of: of each node the call that it is drawn in. names: of nodes, as they are shown. inner: those of the graphs
    that a node holds, by the node and the key of its attribute. outer_groups: of a graph that a node holds, the calls
    that are in truth around that node, each with its group there.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.group_of = [self._group_of(i) for i in range(len(graph))]
        self.names: dict[int, str] = {}
        self.inner: dict[tuple[int, str], Bindings] = {}
        self.outer_groups: dict[int, int] = {}
        self._nodes: dict[tuple[int, str], list[int]] = {}
        for i in sorted(graph.names):
            self._nodes.setdefault((self.group_of[i], self.local(i)), []).append(i)

    def local(self, i: int) -> str:
        """The name of a node without the function around it, which the group around it shows."""
        name, group = self.graph.names[i], self.group_of[i]
        return name if group == NONE else name[len(self.graph.groups[group].function) + 1 :]

    def before(self, name: str, group: int, at: int) -> str:
        """What the name stands for in this group where the node `at` is computed, as it is shown."""
        nodes = self._nodes.get((group, name), ())
        k = bisect_left(nodes, at) - 1
        return self.names[nodes[k]] if k >= 0 else name

    def hold(self, i: int, key: str) -> Bindings:
        """Those of a graph that the node `i` holds, yet without names."""
        inner = self.inner[i, key] = Bindings(self.graph.attrs[i][key])
        groups, around = self.graph.groups, [self.graph.group[i]]
        while around[-1] != NONE:
            around.append(groups[around[-1]].parent)
        around.reverse()  # NONE, then from the outermost call to the innermost one
        depths = {NONE: 0}
        for g, group in enumerate(inner.graph.groups):
            depth = depths.get(group.parent, len(around)) + 1
            if depth < len(around) and groups[around[depth]][1:] == group[1:]:
                depths[g] = depth
                inner.outer_groups[g] = around[depth]
        return inner

    def _group_of(self, i: int) -> int:
        """The group a node is drawn in: its own, but that of the caller for a value that the caller gave its name."""
        graph, group = self.graph, self.graph.group[i]
        name = graph.names.get(i)
        while group != NONE and name is not None and not name.startswith(f"{graph.groups[group].function}."):
            group = graph.groups[group].parent
        return group


def bindings(graph: Graph) -> Bindings:
    """The names in a graph and in the graphs that its nodes hold.

    Of a name that is bound several times the last is the name alone, the others are numbered in the order of the
    program: `x₀`, `x₁`, `x`. What a loop carries is `xₖ` at the start of a step and `xₖ₊₁` at its end.
    """
    result = Bindings(graph)
    _Numbering().number(result)
    return result


@dataclass(frozen=True, eq=False)
class _Scope:
    """The program, a call, or the body of a loop, which leaves the names that it carries to what is around it.

    bindings: of each name in order, as the owner of the node and the node.
    """

    outer: _Scope | None = None
    carried: frozenset[str] = frozenset()
    bindings: dict[str, list[tuple[Bindings, int]]] = field(default_factory=dict)

    def bind(self, name: str, owner: Bindings, i: int) -> None:
        scope = self
        while scope.outer is not None and name in scope.carried:
            scope = scope.outer
        scope.bindings.setdefault(name, []).append((owner, i))


@dataclass
class _Step:
    """Names in one graph that are still to be bound. scopes: by group. depth: how many loops are around it.
    suffixes: of the nodes that are what a loop carries. shared: of inputs, the nodes outside that they stand for.
    """

    owner: Bindings
    scopes: dict[int, _Scope]
    depth: int
    suffixes: dict[int, str] = field(default_factory=dict)
    shared: dict[int, int] = field(default_factory=dict)


class _Numbering:
    """Binds names in the order of the program, then gives all of them their numbers."""

    def __init__(self) -> None:
        self._scopes: list[_Scope] = []
        self._shared: list[tuple[Bindings, int, Bindings, int]] = []  # an owner and its input, and both outside

    def number(self, outermost: Bindings) -> None:
        stack = [self._bind(_Step(outermost, {NONE: self._scope()}, 0))]
        while stack:
            step = next(stack[-1], None)
            if step is None:
                stack.pop()
            else:
                stack.append(self._bind(step))
        for scope in self._scopes:
            for name, nodes in scope.bindings.items():
                for k, (owner, i) in enumerate(nodes, 1):
                    owner.names[i] = name if k == len(nodes) else name + str(k - 1).translate(_SUBSCRIPTS)
        for inner, i, outer, x in self._shared:
            inner.names[i] = outer.names.get(x, inner.local(i))

    def _scope(self, outer: _Scope | None = None, carried: Iterable[str] = ()) -> _Scope:
        self._scopes.append(_Scope(outer, frozenset(carried)))
        return self._scopes[-1]

    def _bind(self, step: _Step) -> Iterator[_Step]:
        """Binds the names in one graph, and hands out the graphs that its nodes hold in between."""
        owner, graph = step.owner, step.owner.graph
        for g in range(len(graph.groups)):
            if g not in step.scopes:
                step.scopes[g] = self._scope()
        for i, op in enumerate(graph.op):
            if op == COND:
                for side in ("then", "else"):
                    yield self._side(step, i, side)
            elif op == LOOP:
                yield from self._loop(step, i)
            elif i not in graph.names or i in step.shared:
                continue
            elif i in step.suffixes:
                owner.names[i] = owner.local(i) + step.suffixes[i]
            else:
                step.scopes[owner.group_of[i]].bind(owner.local(i), owner, i)

    def _side(self, step: _Step, i: int, side: str) -> _Step:
        """A side of an `if`, which binds in the scope around it."""
        inner = step.owner.hold(i, side)
        scopes = {g: step.scopes[outer] for g, outer in inner.outer_groups.items()} | {NONE: step.scopes[NONE]}
        shared = self._stands_for(step.owner, inner, inner.graph.inputs, step.owner.graph.operands(i)[1:])
        return _Step(inner, scopes, step.depth, shared=shared)

    def _loop(self, step: _Step, i: int) -> Iterator[_Step]:
        """The body of a loop and, of a `while`, its condition, where what the loop carries has its name alone."""
        owner = step.owner
        loop = LoopView(owner.graph.attrs[i], owner.graph.operands(i))
        k = _STEPS[min(step.depth, len(_STEPS) - 1)]
        for key in ("body", "pred") if loop.pred is not None else ("body",):
            inner = owner.hold(i, key)
            states, invariants, _ = loop.inputs(key)
            suffixes = dict.fromkeys(states, k if key == "body" else "")
            if key == "body":
                suffixes |= {x: f"{k}₊₁" for x in loop.carry_outputs if x not in inner.graph.inputs}
            carried = {inner.local(x) for x in states if x in inner.graph.names}
            outer_of = {**inner.outer_groups, NONE: NONE}
            scopes = {g: self._scope(step.scopes[outer], carried) for g, outer in outer_of.items()}
            shared = self._stands_for(owner, inner, invariants, loop.invariants)
            yield _Step(inner, scopes, step.depth + 1, suffixes, shared)

    def _stands_for(
        self, outer: Bindings, inner: Bindings, inputs: Sequence[int], operands: Sequence[int]
    ) -> dict[int, int]:
        """The inputs with names, each with the operand that it stands for."""
        shared = {i: x for i, x in zip(inputs, operands, strict=True) if i in inner.graph.names}
        self._shared += [(inner, i, outer, x) for i, x in shared.items()]
        return shared
