"""Structured data from JSON: records, lists, numbers, texts and null, as a dynamic program takes them."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.diagnostics.source import Source, Span
from cgcli.files.source_files import read_text
from cgcli.graph.lexemes import plain_number

DEEPEST = 1000  # brackets within brackets
_FRAMES = 20  # of Python's stack for a level, in the reader and in what writes results
_WHOLE = re.compile(r"-?[0-9]{1,4000}")
_BRACKET = re.compile(r'"(?:\\.|[^"\\])*"|[\[\]{}]')


def read_structured(path: str) -> Any:
    """The data in a JSON file. Raises CgError for a file that cannot be read or is no JSON."""
    return parse_structured(read_text(path))


def parse_structured(source: Source) -> Any:
    """The data in a JSON text. Raises CgError (status 1) that points at the mistake."""
    try:
        return decode_json(source, parse_int=number_of, parse_float=number_of)
    except NumberTooLarge as problem:
        raise too_large(source, problem) from None
    except json.JSONDecodeError as problem:
        offset = min(problem.pos, max(0, len(source.text) - 1))
        raise error("bad-json", Span(source, offset, offset + 1), status=1, reason=_reason(problem.msg)) from None
    except DuplicateName as problem:
        raise error("json-twice", None, status=1, file=source.name, name=str(problem)) from None


def decode_json(source: Source, **hooks: Any) -> Any:
    """The data in a JSON text; hooks: as those of `json.loads`. Raises CgError (status 1) for brackets that are nested
    too deep, JSONDecodeError, DuplicateName."""
    _check_depth(source)
    # the reader recurses, to a depth that has been checked
    sys.setrecursionlimit(max(sys.getrecursionlimit(), DEEPEST * _FRAMES))
    return json.loads(source.text, object_pairs_hook=unique_names, **hooks)


class Number(str):
    """A number as it is written in a file."""


class NumberTooLarge(ValueError):
    """A number that no float holds, as it is written."""


def too_large(source: Source, problem: NumberTooLarge) -> CgError:
    """The error for a number that no float holds, where it stands in the file."""
    start = source.text.find(str(problem))
    return error("json-number", Span(source, start, start + len(str(problem))), status=1)


def number_of(text: str) -> float | int:
    """The number in a text of a file. Raises NumberTooLarge."""
    plain = text.removeprefix("+").replace("_", "")  # as TOML has them
    value = float(plain) if plain in ("nan", "inf", "-inf", "-nan") else plain_number(plain)
    if value is None:
        raise NumberTooLarge(text)
    return value


def numbers_of(value: Any, number: Callable[[str], Any] = number_of) -> Any:
    """Data whose numbers may be texts, with all numbers, each read by `number`. Raises NumberTooLarge."""
    root: list[Any] = [value]
    stack: list[tuple[Any, Any]] = [(root, 0)]
    while stack:
        parent, key = stack.pop()
        part = parent[key]
        if isinstance(part, Number):
            parent[key] = number(part)
        elif isinstance(part, dict):
            parent[key] = dict(part)
            stack.extend((parent[key], name) for name in part)
        elif isinstance(part, list):
            parent[key] = list(part)
            stack.extend((parent[key], k) for k in range(len(part)))
    return root[0]


def carried(value: Any) -> Any:
    """Data that go from one table into another: a whole number keeps all its digits, and a number that no float holds
    is a text."""
    return numbers_of(value, _carried_number) if isinstance(value, Number | list | dict) else value


def _carried_number(text: str) -> float | int | str:
    try:
        return int(text) if text != "-0" and _WHOLE.fullmatch(text) else number_of(text)
    except NumberTooLarge:
        return str(text)


class DuplicateName(ValueError):
    """A name that stands twice in one record."""


def unique_names(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """A record whose names are unique. Raises DuplicateName."""
    table = dict(pairs)
    if len(table) < len(pairs):
        names = [name for name, _ in pairs]
        raise DuplicateName(next(name for name in names if names.count(name) > 1))
    return table


def _check_depth(source: Source) -> None:
    depth = 0
    for match in _BRACKET.finditer(source.text):
        bracket = match[0]
        depth += (bracket in "[{") - (bracket in "]}")
        if depth > DEEPEST:
            raise error("json-too-deep", Span(source, *match.span()), status=1, limit=DEEPEST)


def _reason(text: str) -> str:
    return text[:1].lower() + text[1:]
