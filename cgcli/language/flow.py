"""Which names statements bind for what follows them: through blocks, branches and early returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cgcli.graph.lexemes import identifier

from .tree import kind

BLOCKS = ("if_stmt", "for_stmt", "while_stmt")


class Partly(NamedTuple):
    """A name that is not bound on every way through the program.

    code: why, as a diagnostic's code. binding: the token that binds it on some way. condition: of the `if` that has a
    side without it, and what it is there.
    """

    code: str
    binding: Any
    condition: Any = None
    holds: str = ""


@dataclass
class Scope:
    """The names that are bound for certain, each with a token, and those that are bound on some ways only.

    outer: the scope around a block's, which holds the rest: blocks are many, and copies of it would be quadratic.
    """

    known: dict[str, Any] = field(default_factory=dict)
    partly: dict[str, Partly] = field(default_factory=dict)
    outer: Scope | None = None

    def knows(self, name: str) -> bool:
        return any(name in scope.known for scope in self._layers())

    def partly_bound(self, name: str) -> Partly | None:
        """Why a name is not bound for certain; None where it is, or where no way binds it."""
        found: Partly | None = None
        for scope in self._layers():
            if name in scope.known:
                return None
            found = found or scope.partly.get(name)
        return found

    def bind(self, token: Any) -> None:
        if not self.knows(identifier(token)):
            self.known[identifier(token)] = token

    def _layers(self) -> Iterator[Scope]:
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.outer


def targets(statement: Any) -> list[Any]:
    """The tokens of the names that an assignment binds."""
    found = [t.children[0] if kind(t) == "index" else t for t in statement.children[:-1]]
    return [t.children[0] for t in found if kind(t) == "name"]


def block_of(tree: Any) -> Sequence[Any]:
    """The statements of a block; an `else if` is a block of one."""
    if tree is None:
        return ()
    statements: Sequence[Any] = tree.children if kind(tree) == "block" else [tree]
    return statements


def sides_of(statement: Any) -> tuple[Sequence[Any], Sequence[Any]]:
    """The statements of both sides of an `if`; a side that is not there has none."""
    _, then, otherwise = (*statement.children, None)[:3]
    return block_of(then), block_of(otherwise)


def returns(statements: Sequence[Any]) -> bool:
    """Whether each way through statements comes to a `return`. Recursion only into blocks."""
    return any(
        kind(s) == "return_stmt" or (kind(s) == "if_stmt" and all(returns(side) for side in sides_of(s)))
        for s in statements
    )


def expressions(statement: Any) -> list[Any]:
    """The expressions that a statement evaluates itself, not those of its blocks."""
    rule = kind(statement)
    if rule == "for_stmt":
        return [statement.children[1]]
    if rule in BLOCKS or rule == "assert_stmt":
        return [statement.children[0]]
    if rule in ("assign", "unpack"):
        # `x[i] = v` reads x; `f(x) = v` is a mistake of its own
        return [*(t for t in statement.children[:-1] if kind(t) == "index"), statement.children[-1]]
    # a declaration in a block is a mistake of its own
    return [] if rule.endswith("_decl") else [c for c in statement.children if c is not None]


def blocks(statement: Any) -> list[Any]:
    """The blocks that a statement holds."""
    rule = kind(statement)
    if rule == "if_stmt":
        return [c for c in statement.children[1:] if c is not None]
    return [statement.children[-1]] if rule in BLOCKS else []


def within(statements: Iterable[Any]) -> Iterator[Any]:
    """The statements and those of their blocks, in the order of the text."""
    stack = [iter(statements)]
    while stack:
        statement = next(stack[-1], None)
        if statement is None:
            stack.pop()
            continue
        yield statement
        stack.extend(iter(block_of(b)) for b in reversed(blocks(statement)))


def assigned_in(statements: Iterable[Any]) -> dict[str, Any]:
    """The names that statements bind somewhere, each with the token that does so first; not those of loops."""
    found: dict[str, Any] = {}
    for statement in within(statements):
        if kind(statement) in ("assign", "unpack"):
            for token in targets(statement):
                found.setdefault(identifier(token), token)
    return found


def deepest(statements: Iterable[Any], limit: int) -> Any | None:
    """A statement that stands in more than `limit` blocks, or None."""
    level = list(statements)
    for _ in range(limit + 1):
        if not level:
            return None
        level = [s for outer in level for b in blocks(outer) for s in block_of(b)]
    return level[0] if level else None


Read = Callable[[Any, Scope, Any], None]
"""`read(expression, scope, statement)`: is told of every expression, with the names that are bound where it stands."""


def follow(statements: Sequence[Any], scope: Scope, read: Read, bound: Callable[[Any], None]) -> bool:
    """Goes through statements and binds in `scope` what they bind; whether each way ends in a `return`.

    bound: is told of each assignment. Recursion only into blocks, whose nesting is limited.
    """
    for statement in statements:
        rule = kind(statement)
        for expression in expressions(statement):
            read(expression, scope, statement)
        if rule in ("assign", "unpack"):
            bound(statement)
            for token in targets(statement):
                scope.bind(token)
        elif rule == "if_stmt":
            if _branches(statement, scope, read, bound):
                return True
        elif rule in BLOCKS:
            _body(statement, scope, read, bound)
        elif rule == "return_stmt":
            return True
    return False


def _branches(statement: Any, scope: Scope, read: Read, bound: Callable[[Any], None]) -> bool:
    sides = [(Scope(outer=scope), statements) for statements in sides_of(statement)]
    ends = [follow(statements, side, read, bound) for side, statements in sides]
    if all(ends):
        return True
    if any(ends):
        left = sides[ends.index(False)][0]
        scope.known |= left.known
        scope.partly |= left.partly
        return False
    (first, _), (second, _) = sides
    for name, token in {**first.known, **second.known}.items():
        if name in first.known and name in second.known:
            scope.known[name] = token
        else:
            holds = "false" if name in first.known else "true"
            scope.partly[name] = Partly("bound-in-one-branch", token, statement.children[0], holds)
    scope.partly |= first.partly | second.partly
    return False


def _body(statement: Any, scope: Scope, read: Read, bound: Callable[[Any], None]) -> None:
    inner = Scope(outer=scope)
    if kind(statement) == "for_stmt":
        inner.bind(statement.children[0])
    follow(block_of(statement.children[-1]), inner, read, bound)
    for name, token in inner.known.items():
        if scope.partly_bound(name) is None:
            variable = kind(statement) == "for_stmt" and token is statement.children[0]
            scope.partly[name] = Partly("loop-variable-after" if variable else "bound-in-loop", token)
