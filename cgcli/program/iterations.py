"""The steps of loops in an explanation: the first two and the last are written out, those between are counted."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

from cgcli.render.explain import Equation, Iteration, LocalDerivative, MoreIterations

if TYPE_CHECKING:
    from cgcli.dynamic.loop_steps import LoopSteps

T = TypeVar("T", Equation, LocalDerivative)

FIRST = 2  # steps of a loop that are written out, besides the last
MOST = 3  # steps of a loop of which all are written out


class Iterations:
    """Which of the nodes of a run are written out, and under which headings.

    parts: by node the outermost step that made it, of loops with several steps.
    """

    def __init__(self, steps: LoopSteps | None, nodes: Sequence[int], kind: Callable[[int], Hashable]) -> None:
        """nodes: those that matter, in the order in which they ran. kind: what is equal of nodes that are alike."""
        self._steps = steps
        self._chains: dict[int, list[int]] = {}
        self._kinds: dict[int, list[Hashable]] = {}  # of each step, its nodes
        self._by_loop: dict[int, list[int]] = {}  # of each loop, the steps that have nodes
        for node in nodes if steps else ():
            assert steps is not None
            chain = self._chains[node] = steps.chain(steps.step_of(node))
            for step in chain:
                if step not in self._kinds:
                    self._kinds[step] = []
                    self._by_loop.setdefault(steps.steps[step].loop, []).append(step)
                self._kinds[step].append(kind(node))
        self._hidden = {
            step for each in self._by_loop.values() if len(each) > MOST for step in each[FIRST:-1]
        }  # fmt: skip
        self.parts = {
            node: chain[0] for node, chain in self._chains.items() if chain and len(self._loop_of(chain[0])) > 1
        }
        self.shown = [node for node in nodes if not self._hidden.intersection(self._chains.get(node, ()))]

    def _loop_of(self, step: int) -> list[int]:
        """The steps of the loop of a step."""
        assert self._steps is not None
        return self._by_loop[self._steps.steps[step].loop]

    def rows(self, nodes: Iterable[int], entries: Callable[[int], Sequence[T]]) -> list[T | Iteration | MoreIterations]:
        """The entries of nodes that are written out, each step of a loop under its heading.

        nodes: in order, those that are left out among them, for which entries are not asked.
        """
        rows: list[T | Iteration | MoreIterations] = []
        current: list[int] = []
        headed, counted = set[int](), set[int]()  # loops with headings, and those of which steps left out are counted
        for node in nodes:
            chain = [step for step in self._chains.get(node, ()) if len(self._loop_of(step)) > 1]
            hidden = next((k for k, step in enumerate(chain) if step in self._hidden), None)
            if hidden is not None:
                assert self._steps is not None
                loop = self._steps.steps[chain[hidden]].loop
                if loop in headed and loop not in counted:
                    counted.add(loop)
                    rows.append(self._left_out(chain[hidden], hidden))
                    current = chain[:hidden]
                continue
            new = entries(node)
            if new and chain != current:
                rows += self._headings(current, chain)
                headed.update(self._steps.steps[step].loop for step in chain if self._steps)
                current = chain
            rows += [each._replace(depth=len(chain)) for each in new]
        return rows

    def _headings(self, current: Sequence[int], chain: Sequence[int]) -> list[Iteration]:
        assert self._steps is not None
        common = 0
        while common < min(len(current), len(chain)) and current[common] == chain[common]:
            common += 1
        steps = self._steps.steps
        return [
            Iteration(steps[step].number, steps[step].line, step == self._loop_of(step)[-1], depth)
            for depth, step in enumerate(chain)
            if depth >= common
        ]

    def _left_out(self, step: int, depth: int) -> MoreIterations:
        hidden = self._loop_of(step)[FIRST:-1]
        alike = self._kinds[self._loop_of(step)[FIRST - 1]]
        return MoreIterations(len(hidden), all(self._kinds[each] == alike for each in hidden), depth)
