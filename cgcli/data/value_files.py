"""Files that hold the values of many inputs (`--inputs`): JSON and TOML, and archives of arrays.

A number is returned as its text in the file, so that all are parsed by the language's own parser; lists become nested
lists of numbers.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection
from pathlib import PurePath
from typing import Any

from cgcli.diagnostics.diagnostic import EMPTY, CgError, error
from cgcli.diagnostics.source import Source
from cgcli.files.source_files import is_stream, read_text
from cgcli.graph.lexemes import plain_number
from cgcli.graph.types import MAX_AXES
from cgcli.system import file_name

from .reading import reason_of
from .structured import DuplicateName, Number, NumberTooLarge, decode_json, numbers_of

ARCHIVES = (".npz", ".safetensors")
SPECIAL = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}


def read_values(path: str, structured: Collection[str] = (), limit: int | None = None) -> dict[str, Any]:
    """The text of each value by its name, or a tensor. Raises `CgError` for a file or a value that cannot be read.

    structured: names whose values are returned as structured data. limit: bytes that arrays may take.
    """
    suffix = PurePath(file_name(path)).suffix
    if suffix.lower() in ARCHIVES:
        from .arrays import read_arrays  # imports the array library

        return read_arrays(path) if limit is None else read_arrays(path, limit)
    kind = "JSON" if is_stream(path) else suffix[1:].upper()
    reader = _READERS.get(kind)
    if reader is None:
        raise _unreadable(path)
    source = read_text(path)
    try:
        table = reader(source)
    except CgError:
        raise
    except DuplicateName as twice:
        raise error("inputs-file-repeats", file=path, name=str(twice) or EMPTY) from None
    except Exception as problem:  # a reader of damaged files may raise any
        raise error("bad-inputs-file", file=path, kind=kind, reason=_reason(problem, source.text)) from None
    if not isinstance(table, dict):
        raise error("inputs-file-no-table", file=path)
    values: dict[str, Any] = {}
    for name, value in table.items():
        try:
            if name in structured:
                values[name] = numbers_of(value)
            else:
                values[name] = _tensor(value, name, path) if isinstance(value, list) else _text(value, name, path)
        except NumberTooLarge as beyond:
            line = source.text.count("\n", 0, source.text.find(str(beyond))) + 1
            text = str(beyond)[:40] + ("…" if len(str(beyond)) > 40 else "")
            raise error("inputs-file-number", status=1, file=path, line=line, name=name or EMPTY, text=text) from None
    return values


def _json(source: Source) -> Any:
    return decode_json(source, parse_int=Number, parse_float=Number, parse_constant=_special)


def _special(text: str) -> Number:
    """NaN or an infinity, which JSON lacks but many of its writers write."""
    return Number(SPECIAL[text])


def _toml(source: Source) -> Any:
    return tomllib.loads(source.text, parse_float=Number)


_READERS: dict[str, Callable[[Source], Any]] = {"JSON": _json, "TOML": _toml}


def _tensor(value: list[Any], name: str, path: str) -> list[Any]:
    """Nested lists of numbers, level by level; raises `CgError` for a deeper nesting than a tensor has axes."""
    top: list[Any] = []
    level = [(value, top)]
    for _ in range(MAX_AXES):
        below: list[tuple[list[Any], list[Any]]] = []
        for source, target in level:
            for x in source:
                target.append([] if isinstance(x, list) else _number(x, name, path))
                if isinstance(x, list):
                    below.append((x, target[-1]))
        if not below:
            return top
        level = below
    raise error("inputs-file-value", status=1, file=path, name=name or EMPTY, kind=f"more than {MAX_AXES} axes")


def _number(value: object, name: str, path: str) -> float | int | bool:
    if isinstance(value, bool):
        return value
    text = None if value is None else _text(value, name, path)
    number = float(text) if text and text in SPECIAL.values() else plain_number(text or "")
    if number is None:
        raise error("inputs-file-value", status=1, file=path, name=name or EMPTY, kind="a list with other than numbers")
    return number


def _text(value: object, name: str, path: str) -> str:
    """A value as the language writes it; raises `CgError` for what is neither a number nor a text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        value = Number(value)
    if isinstance(value, Number):
        text = SPECIAL.get(value, value.removeprefix("+").replace("_", ""))
        if text not in SPECIAL.values() and plain_number(text) is None:
            raise NumberTooLarge(value)
        return text
    if isinstance(value, str):
        return SPECIAL.get(value, value)
    kind = "null" if value is None else "a list" if isinstance(value, list) else "a table"
    if not isinstance(value, (list, dict)) and value is not None:
        kind = "a date or time"
    raise error("inputs-file-value", status=1, file=path, name=name or EMPTY, kind=kind)


def _unreadable(path: str) -> Exception:
    return error("unknown-inputs-file", file=path or EMPTY)


def _reason(problem: Exception, text: str) -> str:
    """The error in the file, in one line."""
    digits = re.search(r"\d{4301}", text.replace("_", ""))
    if "integer string conversion" in str(problem) and digits is not None:  # Python's own limit
        return f"line {text.count(chr(10), 0, digits.start()) + 1} has a number of more than 4300 digits"
    return reason_of(problem)
