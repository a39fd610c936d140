"""Replay: an expression over numbers that runs again appends its nodes to the tape without a walk over its tree.

An expression without control flow adds the same nodes whenever its names have the same types. So the nodes of its first
run are compiled to one function that computes them and appends their rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cgcli.graph.graph import CONST, NONE
from cgcli.graph.lexemes import identifier
from cgcli.graph.types import Type
from cgcli.language.builtins import CONSTANTS, ELEMENTWISE
from cgcli.language.tree import arguments, kind
from cgcli.ops import floats
from cgcli.ops.emit import Source
from cgcli.ops.number_kernels import expression, on_numbers

from .tape import Tape

_LITERALS = frozenset(("int_", "float_", "true", "false"))
_OPERATORS = frozenset(("binary", "negative", "comparison", "not_"))
MAX_OPERATIONS = 200  # operations of one expression: compiling takes time, too

Replay = Callable[[Sequence[int], int], int]
"""Appends the nodes, from the nodes of the names and the row of the call; returns the node of the result."""


def arithmetic_names(tree: Any, is_user_function: Callable[[str], bool]) -> tuple[str, ...] | None:
    """The names that an expression reads, if it is arithmetic alone; else None. is_user_function: tells by the name."""
    names: dict[str, None] = {}
    stack, operations = [tree], 0
    while stack:
        node = stack.pop()
        rule = kind(node)
        if rule == "name":
            names[identifier(node.children[0])] = None
        elif rule in _OPERATORS:
            operations += 1
            if rule == "binary" and str(node.children[1]) == "@":
                return None
            parts = node.children[::2] if rule in ("binary", "comparison") else node.children[-1:]
            stack.extend(parts)
        elif rule == "call":
            operations += 1
            positional, keywords = arguments(node)
            callee = node.children[0]
            name = identifier(callee.children[0]) if kind(callee) == "name" else ""
            if keywords or name not in ELEMENTWISE or is_user_function(name):
                return None
            stack.extend(positional)
        elif rule not in _LITERALS:
            return None
        if operations > MAX_OPERATIONS:
            return None
    return tuple(n for n in names if n not in CONSTANTS) if operations else None


def compile_replay(tape: Tape, start: int, name_nodes: Sequence[int], result: int) -> Replay | None:
    """The nodes from `start` on compiled to a function; None unless all compute numbers from numbers.

    name_nodes: the nodes of the names that were read. result: the node of the expression's value.
    """
    count = len(tape) - start
    node_text = {node: f"x[{k}]" for k, node in enumerate(name_nodes)}
    source = Source(vars(floats))
    lines: list[str] = []
    rows: dict[str, list[str]] = {"a": [], "b": []}
    attrs: list[str] = []
    for k in range(count):
        i = start + k
        operands, types = tape.operands(i), [tape.type_of(x) for x in tape.operands(i)]
        t = tape.type_of(i)
        numbers = all(isinstance(s, Type) and not s.shape for s in (*types, t))
        bound = all(x >= start or x in node_text for x in operands)
        if not numbers or not bound or len(operands) > 2 or not (tape.op[i] == CONST or on_numbers(tape.op[i])):
            return None
        refs = [f"i + {x - start}" if x >= start else node_text[x] for x in operands]
        values = [f"t{x - start}" if x >= start else f"v[{node_text[x]}]" for x in operands]
        node_attrs = tape.attrs.get(i, {})
        lines.append(f"t{k} = {expression(source, tape.op[i], values, types, t, node_attrs)}")
        rows["a"].append(refs[0] if refs else str(NONE))
        rows["b"].append(refs[1] if len(refs) > 1 else str(NONE))
        if node_attrs:
            attrs.append(f"attrs[i + {k}] = {source.bind(node_attrs)}")
    for name in ("op", "type", "span", "risk", "varies"):
        column = tuple(getattr(tape, name)[start:])
        lines.append(f"{source.bind(getattr(tape, name).extend)}({source.bind(column)})")
    for name, texts in rows.items():
        lines.append(f"{source.bind(getattr(tape, name).extend)}(({', '.join(texts)},))")
    lines.append(f"{source.bind(tape.group.extend)}((group,) * {count})")
    lines.append(f"v.extend(({', '.join(f't{k}' for k in range(count))},))")
    result_text = f"i + {result - start}" if result >= start else node_text.get(result)
    if result_text is None:
        return None
    source.scope |= {"v": tape.v, "attrs": tape.attrs, "op": tape.op}
    return source.function("x, group", ["i = len(v)", *lines, *attrs, f"return {result_text}"])
