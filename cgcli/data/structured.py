"""Structured data from JSON: records, lists, numbers, texts and null, as a dynamic program takes them."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from typing import Any

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.diagnostics.source import Source, Span
from cgcli.files.source_files import read_text
from cgcli.graph.lexemes import plain_number

DEEPEST = 1000  # brackets within brackets
_FRAMES = 20  # of Python's stack that a level may take, in the reader and in what writes results
_BRACKET = re.compile(r'"(?:\\.|[^"\\])*"|[\[\]{}]')


def read_structured(path: str) -> Any:
    """The data in a JSON file. Raises CgError for a file that cannot be read or is no JSON."""
    return parse_structured(read_text(path))


def parse_structured(source: Source) -> Any:
    """The data that a text says. Raises CgError (status 1) that points at what is wrong with it."""
    try:
        return decode_json(source, parse_int=number_of, parse_float=number_of)
    except Beyond as beyond:
        raise too_large(source, beyond) from None
    except json.JSONDecodeError as problem:
        place = min(problem.pos, max(0, len(source.text) - 1))
        raise error("bad-json", Span(source, place, place + 1), status=1, reason=_reason(problem.msg)) from None
    except Twice as twice:
        raise error("json-twice", None, status=1, file=source.name, name=str(twice)) from None


def decode_json(source: Source, **hooks: Any) -> Any:
    """What a text says in JSON; hooks: as those of `json.loads`. Raises CgError (status 1) for brackets that are nested
    too deep, JSONDecodeError, Twice."""
    _check_depth(source)
    # the reader recurses: to a depth that was looked at before
    sys.setrecursionlimit(max(sys.getrecursionlimit(), DEEPEST * _FRAMES))
    return json.loads(source.text, object_pairs_hook=once, **hooks)


class Number(str):
    """A number as it is written in a file."""


class Beyond(ValueError):
    """A number that no float holds, as it is written."""


def too_large(source: Source, beyond: Beyond) -> CgError:
    """The error for a number that no float holds, where it stands in the file."""
    start = source.text.find(str(beyond))
    return error("json-number", Span(source, start, start + len(str(beyond))), status=1)


def number_of(text: str) -> float | int:
    """The number that a text in a file says. Raises Beyond."""
    plain = text.removeprefix("+").replace("_", "")  # as TOML has them
    value = float(plain) if plain in ("nan", "inf", "-inf", "-nan") else plain_number(plain)
    if value is None:
        raise Beyond(text)
    return value


def numbers_of(value: Any) -> Any:
    """Data whose numbers may be texts, with all numbers. Raises Beyond."""
    home: list[Any] = [value]
    waiting: list[tuple[Any, Any]] = [(home, 0)]
    while waiting:
        parent, key = waiting.pop()
        part = parent[key]
        if isinstance(part, Number):
            parent[key] = number_of(part)
        elif isinstance(part, dict):
            parent[key] = dict(part)
            waiting.extend((parent[key], name) for name in part)
        elif isinstance(part, list):
            parent[key] = list(part)
            waiting.extend((parent[key], k) for k in range(len(part)))
    return home[0]


class Twice(ValueError):
    """A name that stands twice in one record."""


def once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """A record of names that stand in it once. Raises Twice."""
    table = dict(pairs)
    if len(table) < len(pairs):
        names = [name for name, _ in pairs]
        raise Twice(next(name for name in names if names.count(name) > 1))
    return table


def _check_depth(source: Source) -> None:
    depth = 0
    for match in _BRACKET.finditer(source.text):
        sign = match[0]
        depth += (sign in "[{") - (sign in "]}")
        if depth > DEEPEST:
            raise error("json-too-deep", Span(source, *match.span()), status=1, limit=DEEPEST)


def _reason(text: str) -> str:
    return text[:1].lower() + text[1:]
