"""The outputs of a file: those declared, or else the names that its statements bind and nothing else reads."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from cgcli.graph.lexemes import identifier

from .flow import BLOCKS, assigned_in, expressions, targets, within
from .resolver import Names, StatementIndex, indexed_statements, value_names
from .tree import kind


class Outputs(NamedTuple):
    """names: the outputs, in the order of the text. carried: names that are only state of a loop."""

    names: tuple[str, ...]
    carried: tuple[str, ...] = ()


def declared_outputs(statements: Sequence[Any]) -> Outputs:
    """The names that `output` statements list."""
    items = [item for s in statements if kind(s) == "output_decl" for item in s.children]
    return Outputs(tuple(dict.fromkeys(identifier(item.children[0]) for item in items)))


def implicit_outputs(
    statements: Sequence[Any],
    names: Names,
    bare: Sequence[tuple[StatementIndex, str]],
    inputs: Collection[str],
    read: Callable[[str], bool] = lambda name: False,
) -> Outputs:
    """Bare expressions, and each last binding that no later statement reads, in the order of the text.

    A name that a loop binds, and that its condition or another of its statements reads, is only state of the loop:
    it is left out, unless that would leave no output at all. bare: outputs with other names than bindings. read:
    whether a name is read though `names` does not say so.
    """
    unread = list(bare)
    for name, indices in names.bindings.items():
        last = indices[-1]
        if name not in inputs and not read(name) and not any(index > last for index in names.uses.get(name, ())):
            unread.append((last, name))
    unread.sort(key=lambda output: output[0])
    state = _loop_state({index for index, _ in unread}, dict(indexed_statements(statements)))
    results = tuple(name for index, name in unread if name not in state.get(index, ()))
    if not results:
        return Outputs(tuple(name for _, name in unread))
    return Outputs(results, tuple(name for index, name in unread if name in state.get(index, ())))


def _loop_state(
    indices: Collection[StatementIndex], statements: Mapping[StatementIndex, Any]
) -> dict[StatementIndex, set[str]]:
    blocks = {
        index: statements[index] for index in indices if index in statements and kind(statements[index]) in BLOCKS
    }
    return {index: carried_names(block) for index, block in blocks.items()}


def carried_names(statement: Any) -> set[str]:
    """The names that a loop in the statement binds and that its condition or the update of another name reads.

    The condition of an `if` around a single name's updates belongs to them; an `assert` reads nothing.
    """
    carried: set[str] = set()
    for loop in within([statement]):
        if kind(loop) not in ("for_stmt", "while_stmt"):
            continue
        bound = assigned_in([loop])
        for nested in within([loop]):
            if kind(nested) == "assert_stmt":
                continue
            reads = {identifier(token) for expression in expressions(nested) for token in value_names(expression)}
            carried |= (reads & bound.keys()) - _updated_names(nested)
    return carried


def _updated_names(statement: Any) -> set[str]:
    """The names that the statement updates, where it is an assignment or an `if` around those of one name."""
    rule = kind(statement)
    if rule in ("assign", "unpack"):
        return {identifier(token) for token in targets(statement)}
    bound = set(assigned_in([statement])) if rule == "if_stmt" else set()
    return bound if len(bound) == 1 else set()
