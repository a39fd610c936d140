"""Recursion without a base case: functions that call themselves on every path through them.

A function terminates when a path through it calls functions that terminate, and no others: the least fixed point of a
dataflow equation, computed with a worklist. Loops may run no step, `and` and `or` may skip their right side, a `return`
ends a path: in doubt, a path terminates.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cgcli.graph.lexemes import identifier

from .flow import BLOCKS, block_of, expressions, sides_of
from .functions import Function
from .regions import NESTING
from .tree import kind


def endless(functions: Mapping[str, Function]) -> Iterator[dict[str, Any]]:
    """Each cycle of functions that call one another on every path: by their names, the calls that do so."""
    stuck = _Termination(functions).stuck
    visited: set[str] = set()
    for first in functions:
        path: dict[str, Any] = {}
        name = first
        while name in stuck and name not in visited:
            visited.add(name)
            path[name] = stuck[name]
            name = _callee(path[name])
        if name in path:
            names = list(path)
            yield {n: path[n] for n in names[names.index(name) :]}


class _Paths(NamedTuple):
    """The paths through statements: whether one returns, whether one continues, and a call that stops the others."""

    returns: bool
    continues: bool
    call: Any = None


class _Termination:
    """`stuck`: by the name of each function that does not terminate, a call because of which it does not."""

    def __init__(self, functions: Mapping[str, Function]) -> None:
        self.functions = functions
        self.stuck: dict[str, Any] = {}
        self._terminating: set[str] = set()
        stuck_callers: dict[str, list[str]] = {}  # by a function, its callers that are stuck because of it
        worklist = deque(functions)
        while worklist:
            name = worklist.popleft()
            call = self._body(functions[name])
            if call is not None:
                self.stuck[name] = call
                stuck_callers.setdefault(_callee(call), []).append(name)
            else:
                self._terminating.add(name)
                self.stuck.pop(name, None)
                worklist.extend(stuck_callers.pop(name, ()))

    def _body(self, function: Function) -> Any | None:
        """A call that stops every path through a function, or None."""
        if function.statements is None:
            return self._expression(function.body)
        paths = self._statements(function.statements)
        return None if paths.returns or paths.continues else paths.call

    def _statements(self, statements: Sequence[Any]) -> _Paths:
        """Recursion only into blocks, whose nesting is limited."""
        returns = False
        for statement in statements:
            for expression in expressions(statement):
                call = self._expression(expression)
                if call is not None:
                    return _Paths(returns, False, call)
            rule = kind(statement)
            if rule == "return_stmt":
                return _Paths(True, False)
            if rule == "if_stmt":
                sides = [self._statements(side) for side in sides_of(statement)]
                returns = returns or any(side.returns for side in sides)
                if not any(side.continues for side in sides):
                    return _Paths(returns, False, next((s.call for s in sides if s.call is not None), None))
            elif rule in BLOCKS:
                returns = returns or self._statements(block_of(statement.children[-1])).returns
        return _Paths(returns, True)

    def _expression(self, tree: Any, depth: int = 0) -> Any | None:
        """A call that an expression makes in any case and that does not terminate; recursion only into conditions."""
        stack = [tree]
        while stack:
            node = stack.pop()
            rule = kind(node)
            if rule in ("and_", "or_"):
                stack.append(node.children[0])
            elif rule == "if_expr":
                condition, *sides = node.children
                stack.append(condition)
                calls = [self._expression(side, depth + 1) for side in sides] if depth < NESTING else [None]
                if all(call is not None for call in calls):
                    return calls[0]
            elif rule == "call" and kind(node.children[0]) == "name":
                name = _callee(node)
                if name in self.functions and name not in self._terminating:
                    return node
                stack.extend(reversed([c for c in node.children[1:] if hasattr(c, "children")]))
            else:
                stack.extend(reversed([c for c in getattr(node, "children", ()) if hasattr(c, "children")]))
        return None


def _callee(call: Any) -> str:
    return identifier(call.children[0].children[0])
