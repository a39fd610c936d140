"""Definite assignment: the names that statements bind on every path, through blocks, branches and early returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from cgcli.graph.lexemes import identifier

from .tree import kind

if TYPE_CHECKING:
    from lark import Token

BLOCKS = ("if_stmt", "for_stmt", "while_stmt")


class ConditionalBinding(NamedTuple):
    """A name that is not bound on every path through the program.

    code: why, as a diagnostic's code. binding: the token that binds it on some path. condition: of the `if` that has a
    side without it; holds: the condition's value there.
    """

    code: str
    binding: Token
    condition: Any = None
    holds: str = ""


@dataclass
class Scope:
    """The names that are bound on every path, each with a token, and those that are bound on some paths only.

    outer: the scope around a block's, which is not copied: with many blocks that would be quadratic.
    """

    bound: dict[str, Token] = field(default_factory=dict)
    conditional: dict[str, ConditionalBinding] = field(default_factory=dict)
    outer: Scope | None = None

    def binds(self, name: str) -> bool:
        return any(name in scope.bound for scope in self._layers())

    def conditional_binding(self, name: str) -> ConditionalBinding | None:
        """Why a name is not bound on every path; None where it is, or where no path binds it."""
        binding: ConditionalBinding | None = None
        for scope in self._layers():
            if name in scope.bound:
                return None
            binding = binding or scope.conditional.get(name)
        return binding

    def bind(self, token: Token) -> None:
        if not self.binds(identifier(token)):
            self.bound[identifier(token)] = token

    def _layers(self) -> Iterator[Scope]:
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.outer


def targets(statement: Any) -> list[Token]:
    """The tokens of the names that an assignment binds."""
    trees = [t.children[0] if kind(t) == "index" else t for t in statement.children[:-1]]
    return [t.children[0] for t in trees if kind(t) == "name"]


def block_of(tree: Any) -> Sequence[Any]:
    """The statements of a block; an `else if` is a block of one."""
    if tree is None:
        return ()
    statements: Sequence[Any] = tree.children if kind(tree) == "block" else [tree]
    return statements


def sides_of(statement: Any) -> tuple[Sequence[Any], Sequence[Any]]:
    """The statements of both sides of an `if`; none for a missing `else`."""
    _, then, otherwise = (*statement.children, None)[:3]
    return block_of(then), block_of(otherwise)


def returns(statements: Sequence[Any]) -> bool:
    """Whether every path through the statements reaches a `return`. Recursion only into blocks."""
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
        # `x[i] = v` reads x; `f(x) = v` is reported elsewhere
        return [*(t for t in statement.children[:-1] if kind(t) == "index"), statement.children[-1]]
    # a declaration in a block is reported elsewhere
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


def assigned_in(statements: Iterable[Any]) -> dict[str, Token]:
    """The names that statements bind anywhere, each with its first token; without the variables of `for`."""
    tokens: dict[str, Token] = {}
    for statement in within(statements):
        if kind(statement) in ("assign", "unpack"):
            for token in targets(statement):
                tokens.setdefault(identifier(token), token)
    return tokens


def deepest(statements: Iterable[Any], limit: int) -> Any | None:
    """A statement that stands in more than `limit` blocks, or None."""
    level = list(statements)
    for _ in range(limit + 1):
        if not level:
            return None
        level = [s for outer in level for b in blocks(outer) for s in block_of(b)]
    return level[0] if level else None


Read = Callable[[Any, Scope, Any], None]
"""`read(expression, scope, statement)`: a callback for every expression, with the names that are bound before it."""


def follow(statements: Sequence[Any], scope: Scope, read: Read, assigned: Callable[[Any], None]) -> bool:
    """Walks statements and binds their names in `scope`; returns whether every path ends in a `return`.

    assigned: a callback for each assignment. Recursion only into blocks, whose nesting is limited.
    """
    for statement in statements:
        rule = kind(statement)
        for expression in expressions(statement):
            read(expression, scope, statement)
        if rule in ("assign", "unpack"):
            assigned(statement)
            for token in targets(statement):
                scope.bind(token)
        elif rule == "if_stmt":
            if _branches(statement, scope, read, assigned):
                return True
        elif rule in BLOCKS:
            _body(statement, scope, read, assigned)
        elif rule == "return_stmt":
            return True
    return False


def _branches(statement: Any, scope: Scope, read: Read, assigned: Callable[[Any], None]) -> bool:
    sides = [(Scope(outer=scope), statements) for statements in sides_of(statement)]
    returned = [follow(statements, side, read, assigned) for side, statements in sides]
    if all(returned):
        return True
    if any(returned):
        remaining = sides[returned.index(False)][0]
        scope.bound |= remaining.bound
        scope.conditional |= remaining.conditional
        return False
    (first, _), (second, _) = sides
    for name, token in {**first.bound, **second.bound}.items():
        if name in first.bound and name in second.bound:
            scope.bound[name] = token
        else:
            holds = "false" if name in first.bound else "true"
            scope.conditional[name] = ConditionalBinding("bound-in-one-branch", token, statement.children[0], holds)
    scope.conditional |= first.conditional | second.conditional
    return False


def _body(statement: Any, scope: Scope, read: Read, assigned: Callable[[Any], None]) -> None:
    inner = Scope(outer=scope)
    if kind(statement) == "for_stmt":
        inner.bind(statement.children[0])
    follow(block_of(statement.children[-1]), inner, read, assigned)
    for name, token in inner.bound.items():
        if scope.conditional_binding(name) is None:
            variable = kind(statement) == "for_stmt" and token is statement.children[0]
            scope.conditional[name] = ConditionalBinding("loop-variable-after" if variable else "bound-in-loop", token)
