"""Structured data as inputs of a run: JSON's records and lists, whose numbers become inputs of the tape.

A list of numbers of equal shapes is a tensor; whole numbers are weakly typed as literals are, and have derivatives.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeGuard

from cgcli.diagnostics.diagnostic import error
from cgcli.diagnostics.source import Span
from cgcli.graph.types import BOOL, FLOAT, MAX_AXES, WEAK_INT
from cgcli.language.regions import Region, Value
from cgcli.language.structures import Items, Null, Record, Structure, Text

from .tape import Tape

_WORD = re.compile(r"[^\W\d]\w*")
_INT_END = 2**63
MAX_PATH = 200  # characters of a path


def data_on_tape(region: Region, tape: Tape, name: str, data: object, span: Span | None) -> Value | Structure:
    """The data as inputs of the tape, each named by its path (`tree.left.value`). Raises CgError for other kinds."""
    results: list[Value | Structure] = []
    stack: list[tuple[object, str, Callable[[Value | Structure], None]]] = [(data, name, results.append)]
    shortened = 0
    # preorder with an explicit stack: data may nest deeper than Python recurses
    while stack:
        top, path, store = stack.pop()
        if len(path) > MAX_PATH:  # the paths of deeply nested data would take more memory than the data
            shortened += 1
            path = f"{name}…{shortened}"
        if isinstance(top, Mapping):
            record = Record(path, dict.fromkeys(map(str, top)))
            store(record)
            fields = [(x, f"{path}{_field(str(k))}", partial(record.parts.__setitem__, str(k))) for k, x in top.items()]
            stack.extend(reversed(fields))
        elif isinstance(top, (list, tuple)) and not _is_tensor(top):
            items = Items(path, [])
            store(items)
            # from first to last, so each item is appended when its turn comes
            stack.extend((top[k], f"{path}[{k}]", items.parts.append) for k in reversed(range(len(top))))
        elif top is None:
            store(Null(path))
        elif isinstance(top, str):
            store(Text(path, top))
        else:
            store(_value(region, tape, path, top, span))
    return results[0]


def plain_data(data: Value | Structure, values: Mapping[int, object], texts: bool = False) -> object:
    """Plain data of the same structure: each number replaced by the entry of its node in `values`, else by None.

    texts: whether texts stay as they are.
    """
    results: list[object] = []
    stack: list[tuple[Value | Structure, Callable[[object], None]]] = [(data, results.append)]
    while stack:
        top, store = stack.pop()
        if isinstance(top, Record):
            record: dict[str, object] = dict.fromkeys(top.parts)
            store(record)
            stack.extend((x, partial(record.__setitem__, k)) for k, x in top.parts.items())
        elif isinstance(top, Items):
            items: list[object] = []
            store(items)
            stack.extend((x, items.append) for x in reversed(top.parts))
        elif isinstance(top, Value):
            store(values.get(top.node))
        else:
            store(top.text if texts and isinstance(top, Text) else None)
    return results[0]


def _field(name: str) -> str:
    return f".{name}" if _WORD.fullmatch(name) else f'["{name}"]'


def _is_tensor(data: Sequence[object]) -> bool:
    """Whether nested lists hold numbers alone, the same number of them everywhere."""
    level: Sequence[object] = [data]
    for _ in range(MAX_AXES + 1):
        if _all_lists(level):
            if len({len(x) for x in level}) != 1:
                return False
            level = [item for x in level for item in x]
            if not level:
                return True
        else:
            kinds = {isinstance(x, bool) for x in level}
            return len(kinds) == 1 and all(isinstance(x, (bool, int, float)) for x in level)
    return False  # deeper nested lists are lists of tensors


def _all_lists(data: Sequence[object]) -> TypeGuard[Sequence[Sequence[object]]]:
    return all(isinstance(x, (list, tuple)) for x in data)


def _value(region: Region, tape: Tape, path: str, x: object, span: Span | None) -> Value:
    tape.at_span, tape.at_group = tape.intern_span(span), -1
    if isinstance(x, bool):
        return Value(region, tape.bind_input(BOOL, path, x))
    if isinstance(x, int):
        fits_int = -_INT_END <= x < _INT_END
        return Value(region, tape.bind_input(WEAK_INT if fits_int else FLOAT, path, x if fits_int else float(x)))
    if isinstance(x, float):
        return Value(region, tape.bind_input(FLOAT, path, x))
    if isinstance(x, (list, tuple)) or hasattr(x, "dtype"):
        from .tape_arrays import as_tensor  # with the array library

        tensor = as_tensor(x)
        if tensor is not None:
            return Value(region, tape.bind_input(tensor[0], path, tensor[1]))
    raise error("not-data", span, status=1, path=path, kind=type(x).__name__)
