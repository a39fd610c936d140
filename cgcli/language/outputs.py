"""The outputs of a file that declares none: what its statements bind and nothing else reads."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from cgcli.graph.lexemes import identifier

from .flow import BLOCKS, assigned_in, expressions, targets, within
from .resolver import Names, Place, steps, value_names
from .tree import kind


class Outputs(NamedTuple):
    """names: the outputs, in the order of the text. carried: names that only carry a loop from step to step."""

    names: tuple[str, ...]
    carried: tuple[str, ...] = ()


def declared_outputs(statements: Sequence[Any]) -> Outputs:
    """The names that `output` statements list."""
    items = [item for s in statements if kind(s) == "output_decl" for item in s.children]
    return Outputs(tuple(dict.fromkeys(identifier(item.children[0]) for item in items)))


def implicit_outputs(
    statements: Sequence[Any], names: Names, bare: Sequence[tuple[Place, str]], inputs: Collection[str]
) -> Outputs:
    """Bare expressions, and each last binding that no later statement reads, in the order of the text.

    A name that a loop hands on, and that its condition or another of its statements reads, only carries the loop on:
    it is left out, unless that would leave no output at all.
    """
    unread = list(bare)
    for name, places in names.bindings.items():
        last = places[-1]
        if name not in inputs and not any(place > last for place in names.uses.get(name, ())):
            unread.append((last, name))
    unread.sort(key=lambda each: each[0])
    state = _loop_state({place for place, _ in unread}, dict(steps(statements)))
    results = tuple(name for place, name in unread if name not in state.get(place, ()))
    if not results:
        return Outputs(tuple(name for _, name in unread))
    return Outputs(results, tuple(name for place, name in unread if name in state.get(place, ())))


def _loop_state(places: Collection[Place], statements: Mapping[Place, Any]) -> dict[Place, set[str]]:
    return {place: carried_names(statements[place]) for place in places if kind(statements[place]) in BLOCKS}


def carried_names(statement: Any) -> set[str]:
    """The names that a loop in the statement binds and that its condition or the update of another name reads.

    The condition of an `if` around a single name's updates belongs to them; an `assert` reads nothing.
    """
    carried: set[str] = set()
    for loop in within([statement]):
        if kind(loop) not in ("for_stmt", "while_stmt"):
            continue
        bound = assigned_in([loop])
        for part in within([loop]):
            if kind(part) == "assert_stmt":
                continue
            reads = {identifier(token) for each in expressions(part) for token in value_names(each)}
            carried |= (reads & bound.keys()) - _updated_alone(part)
    return carried


def _updated_alone(statement: Any) -> set[str]:
    """The names whose update the statement is."""
    rule = kind(statement)
    if rule in ("assign", "unpack"):
        return {identifier(token) for token in targets(statement)}
    bound = set(assigned_in([statement])) if rule == "if_stmt" else set()
    return bound if len(bound) == 1 else set()
