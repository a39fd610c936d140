"""Structured data as a run is given them: JSON's records and lists, whose numbers become inputs of the tape.

A list of numbers of equal shapes is a tensor; whole numbers are what literals are: of any type that they meet, and with
derivatives.
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
_LARGEST = 2**63
LONGEST = 200  # characters of a path
_AXES = 32  # of a tensor


def structured(region: Region, tape: Tape, name: str, data: Any, span: Span | None) -> Value | Structure:
    """The data as values of the tape, each named by its path (`tree.left.value`). Raises CgError for other kinds."""
    done: list[Any] = []
    waiting: list[tuple[Any, str, Any, Any]] = [(data, name, done, None)]
    deep = 0
    # parts are put where they belong as they come, from first to last; no recursion, for data nest as they like
    while waiting:
        top, path, home, place = waiting.pop()
        if len(path) > LONGEST:  # of data that nest deep; else the paths together would take more than the data
            deep += 1
            path = f"{name}…{deep}"
        below: list[tuple[Any, str, Any, Any]] = []
        made: Any
        if isinstance(top, Mapping):
            made = Record(path, dict.fromkeys(map(str, top)))
            below = [(x, f"{path}{_field(str(k))}", made.parts, str(k)) for k, x in top.items()]
        elif isinstance(top, (list, tuple)) and not (_is_tensor(top)):
            made = Items(path, [None] * len(top))
            below = [(x, f"{path}[{k}]", made.parts, k) for k, x in enumerate(top)]
        elif top is None:
            made = Null(path)
        elif isinstance(top, str):
            made = Text(path, top)
        else:
            made = _value(region, tape, path, top, span)
        if place is None:
            home.append(made)
        else:
            home[place] = made
        waiting.extend(reversed(below))
    found: Value | Structure = done[0]
    return found


def filled(data: Value | Structure, by: Mapping[int, Any], texts: bool = False) -> Any:
    """Plain data of the same shape: in the place of each number what `by` says of its node, else None.

    texts: whether texts stay what they are.
    """
    done: list[Any] = []
    waiting: list[tuple[Any, Any, Any]] = [(data, done, None)]
    while waiting:
        top, home, place = waiting.pop()
        made: Any = None
        if isinstance(top, Value):
            made = by.get(top.node)
        elif isinstance(top, Record):
            made = dict.fromkeys(top.parts)
            waiting.extend((x, made, k) for k, x in top.parts.items())
        elif isinstance(top, Text):
            made = top.text if texts else None
        elif isinstance(top, Items):
            made = [None] * len(top.parts)
            waiting.extend((x, made, k) for k, x in enumerate(top.parts))
        if place is None:
            home.append(made)
        else:
            home[place] = made
    return done[0]


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
    return False  # nested deeper: lists of tensors


def _value(region: Region, tape: Tape, path: str, x: Any, span: Span | None) -> Value:
    tape.at_span, tape.at_group = tape.intern_span(span), -1
    if isinstance(x, bool):
        return Value(region, tape.bind_input(BOOL, path, x))
    if isinstance(x, int):
        whole = -_LARGEST <= x < _LARGEST
        return Value(region, tape.bind_input(WEAK_INT if whole else FLOAT, path, x if whole else float(x)))
    if isinstance(x, float):
        return Value(region, tape.bind_input(FLOAT, path, x))
    if isinstance(x, (list, tuple)) or hasattr(x, "dtype"):
        from .tape_arrays import as_tensor  # with the array library

        found = as_tensor(x)
        if found is not None:
            return Value(region, tape.bind_input(found[0], path, found[1]))
    raise error("not-data", span, status=1, path=path, kind=type(x).__name__)
