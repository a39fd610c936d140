"""Structured data as inputs of a run: JSON's records and lists, whose numbers become inputs of the tape.

A list of numbers of equal shapes is a tensor; whole numbers are weakly typed as literals are, and have derivatives.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cgcli.diagnostics.diagnostic import error
from cgcli.diagnostics.source import Span
from cgcli.graph.types import BOOL, FLOAT, MAX_AXES, WEAK_INT
from cgcli.language.regions import Region, Value
from cgcli.language.structures import Items, Null, Record, Structure, Text

from .tape import Tape

_WORD = re.compile(r"[^\W\d]\w*")
_INT_END = 2**63
MAX_PATH = 200  # characters of a path


def data_on_tape(region: Region, tape: Tape, name: str, data: Any, span: Span | None) -> Value | Structure:
    """The data as inputs of the tape, each named by its path (`tree.left.value`). Raises CgError for other kinds."""
    results: list[Any] = []
    stack: list[tuple[Any, str, Any, Any]] = [(data, name, results, None)]
    shortened = 0
    # preorder with an explicit stack: data may nest deeper than Python recurses
    while stack:
        top, path, container, key = stack.pop()
        if len(path) > MAX_PATH:  # the paths of deeply nested data would take more memory than the data
            shortened += 1
            path = f"{name}…{shortened}"
        children: list[tuple[Any, str, Any, Any]] = []
        part: Any
        if isinstance(top, Mapping):
            part = Record(path, dict.fromkeys(map(str, top)))
            children = [(x, f"{path}{_field(str(k))}", part.parts, str(k)) for k, x in top.items()]
        elif isinstance(top, (list, tuple)) and not (_is_tensor(top)):
            part = Items(path, [None] * len(top))
            children = [(x, f"{path}[{k}]", part.parts, k) for k, x in enumerate(top)]
        elif top is None:
            part = Null(path)
        elif isinstance(top, str):
            part = Text(path, top)
        else:
            part = _value(region, tape, path, top, span)
        if key is None:
            container.append(part)
        else:
            container[key] = part
        stack.extend(reversed(children))
    value: Value | Structure = results[0]
    return value


def plain_data(data: Value | Structure, values: Mapping[int, Any], texts: bool = False) -> Any:
    """Plain data of the same structure: each number replaced by the entry of its node in `values`, else by None.

    texts: whether texts stay as they are.
    """
    results: list[Any] = []
    stack: list[tuple[Any, Any, Any]] = [(data, results, None)]
    while stack:
        top, container, key = stack.pop()
        part: Any = None
        if isinstance(top, Value):
            part = values.get(top.node)
        elif isinstance(top, Record):
            part = dict.fromkeys(top.parts)
            stack.extend((x, part, k) for k, x in top.parts.items())
        elif isinstance(top, Text):
            part = top.text if texts else None
        elif isinstance(top, Items):
            part = [None] * len(top.parts)
            stack.extend((x, part, k) for k, x in enumerate(top.parts))
        if key is None:
            container.append(part)
        else:
            container[key] = part
    return results[0]


def _field(name: str) -> str:
    return f".{name}" if _WORD.fullmatch(name) else f'["{name}"]'


def _is_tensor(data: Any) -> bool:
    """Whether nested lists hold numbers alone, the same number of them everywhere."""
    level = [data]
    for _ in range(MAX_AXES + 1):
        if all(isinstance(x, (list, tuple)) for x in level):
            if len({len(x) for x in level}) != 1:
                return False
            level = [item for x in level for item in x]
            if not level:
                return True
        else:
            kinds = {isinstance(x, bool) for x in level}
            return len(kinds) == 1 and all(isinstance(x, (bool, int, float)) for x in level)
    return False  # deeper nested lists are lists of tensors


def _value(region: Region, tape: Tape, path: str, x: Any, span: Span | None) -> Value:
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
