"""Lines that run again and again: what an expression over numbers put on the tape once is put there again at once.

An expression that decides nothing makes the same nodes whenever its names have the same types. So the nodes of its
first run, which the walk over its tree made, are kept as one function that computes them and appends their rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cgcli.graph.graph import CONST, NONE
from cgcli.graph.lexemes import identifier
from cgcli.graph.types import Type
from cgcli.language.builtins import CONSTANTS, ELEMENTWISE
from cgcli.language.tree import arguments, kind
from cgcli.ops.evaluate import on_numbers
from cgcli.run.scalar.codegen import FunctionWriter

from .tape import Tape

_PLAIN = frozenset(("int_", "float_", "true", "false"))
_OPERATORS = frozenset(("binary", "negative", "comparison", "not_"))
LONGEST = 200  # operations of one expression: compiling takes time, too

Replay = Callable[[Sequence[int], int], int]
"""Appends the nodes again, given the nodes of the names and the row of the call; the node of the result."""


def names_of(tree: Any, own: Callable[[str], bool]) -> tuple[str, ...] | None:
    """The names that an expression reads, where all that it does is arithmetic; else None. own: of own functions."""
    names: dict[str, None] = {}
    stack, operations = [tree], 0
    while stack:
        top = stack.pop()
        rule = kind(top)
        if rule == "name":
            names[identifier(top.children[0])] = None
        elif rule in _OPERATORS:
            operations += 1
            if rule == "binary" and str(top.children[1]) == "@":
                return None
            parts = top.children[::2] if rule in ("binary", "comparison") else top.children[-1:]
            stack.extend(parts)
        elif rule == "call":
            operations += 1
            positional, keywords = arguments(top)
            callee = top.children[0]
            if keywords or kind(callee) != "name" or identifier(callee.children[0]) not in ELEMENTWISE:
                return None
            if own(identifier(callee.children[0])):
                return None
            stack.extend(positional)
        elif rule not in _PLAIN:
            return None
        if operations > LONGEST:
            return None
    return tuple(n for n in names if n not in CONSTANTS) if operations else None


def kept(tape: Tape, start: int, given: Sequence[int], result: int) -> Replay | None:
    """The nodes from `start` on as a function; None where they are not such as numbers need alone.

    given: the nodes of the names that were read. result: the node of the expression's value.
    """
    size = len(tape) - start
    place = {node: f"x[{k}]" for k, node in enumerate(given)}
    w = FunctionWriter()
    rows: dict[str, list[str]] = {"a": [], "b": []}
    attrs: list[str] = []
    for k in range(size):
        i = start + k
        operands, types = tape.operands(i), [tape.type_of(x) for x in tape.operands(i)]
        t = tape.type_of(i)
        numbers = all(isinstance(s, Type) and not s.shape for s in (*types, t))
        known = all(x >= start or x in place for x in operands)
        if not numbers or not known or len(operands) > 2 or not (tape.op[i] == CONST or on_numbers(tape.op[i])):
            return None
        refs = [f"i + {x - start}" if x >= start else place[x] for x in operands]
        values = [f"t{x - start}" if x >= start else f"v[{place[x]}]" for x in operands]
        at = tape.attrs.get(i, {})
        w.lines.append(f"t{k} = {w.expression(tape.op[i], values, types, t, at)}")
        rows["a"].append(refs[0] if refs else str(NONE))
        rows["b"].append(refs[1] if len(refs) > 1 else str(NONE))
        if at:
            attrs.append(f"attrs[i + {k}] = {w.bind(at)}")
    for name in ("op", "type", "span", "risk", "varies"):
        column = tuple(getattr(tape, name)[start:])
        w.lines.append(f"{w.bind(getattr(tape, name).extend)}({w.bind(column)})")
    for name, texts in rows.items():
        w.lines.append(f"{w.bind(getattr(tape, name).extend)}(({', '.join(texts)},))")
    w.lines.append(f"{w.bind(tape.group.extend)}((group,) * {size})")
    w.lines.append(f"v.extend(({', '.join(f't{k}' for k in range(size))},))")
    found = f"i + {result - start}" if result >= start else place.get(result)
    if found is None:
        return None
    w.scope |= {"v": tape.v, "attrs": tape.attrs, "op": tape.op}
    w.lines = ["i = len(v)", *w.lines, *attrs, f"return {found}"]
    return w.function("x, group")
