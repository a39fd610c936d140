"""Files that hold the values of many inputs (`--inputs`): JSON and TOML, and archives of arrays.

A number is handed on as the text that stands in the file, so that one reader, the language's own, makes values of them
all; lists become nested lists of numbers.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Collection
from pathlib import PurePath
from typing import Any

from cgcli.cli.arguments import EMPTY
from cgcli.data.structured import Twice, once
from cgcli.graph.diagnostic import error
from cgcli.language.files import read_source
from cgcli.language.tree import plain_number

ARCHIVES = (".npz", ".safetensors")
SPECIAL = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}


class Number(str):
    """A number as it is written in a file."""


def read_values(path: str, structured: Collection[str] = (), limit: int | None = None) -> dict[str, Any]:
    """By name the text of each value, or a tensor. Raises `CgError` for a file or a value that cannot be read.

    structured: names whose values are handed on as they are, as structured data. limit: bytes that arrays may take.
    """
    if PurePath(path).suffix.lower() in ARCHIVES:
        from cgcli.data.arrays import read_arrays  # with the array library

        return read_arrays(path) if limit is None else read_arrays(path, limit)
    reader = _READERS.get(PurePath(path).suffix.lower())
    if reader is None:
        raise _unreadable(path)
    source = read_source(path)
    kind = PurePath(path).suffix[1:].upper()
    try:
        table = reader(source.text)
    except Twice as twice:
        raise error("inputs-file-repeats", file=path, name=str(twice) or EMPTY) from None
    except (ValueError, RecursionError) as problem:
        raise error("bad-inputs-file", file=path, kind=kind, reason=_reason(problem)) from None
    if not isinstance(table, dict):
        raise error("inputs-file-no-table", file=path)
    found: dict[str, Any] = {}
    for name, value in table.items():
        if name in structured:
            found[name] = _data(value)
        else:
            found[name] = _tensor(value, name, path) if isinstance(value, list) else _text(value, name, path)
    return found


def _data(value: Any) -> Any:
    """The data with their numbers; as deep as the file's own reader went."""
    if isinstance(value, Number):
        number = plain_number(value)
        return float(SPECIAL.get(value, value)) if number is None else number
    if isinstance(value, dict):
        return {name: _data(part) for name, part in value.items()}
    return [_data(part) for part in value] if isinstance(value, list) else value


def _json(text: str) -> Any:
    return json.loads(
        text, parse_int=Number, parse_float=Number, parse_constant=SPECIAL.__getitem__, object_pairs_hook=once
    )


def _toml(text: str) -> Any:
    return tomllib.loads(text, parse_float=Number)


_READERS: dict[str, Callable[[str], Any]] = {".json": _json, ".toml": _toml}


def _tensor(value: list[Any], name: str, path: str) -> list[Any]:
    """Nested lists of numbers; the depth is bounded by that of the file's own reader."""
    return [_tensor(x, name, path) if isinstance(x, list) else _number(x, name, path) for x in value]


def _number(value: object, name: str, path: str) -> float | int | bool:
    if isinstance(value, bool):
        return value
    text = None if value is None else _text(value, name, path)
    found = float(text) if text and text in SPECIAL.values() else plain_number(text or "")
    if found is None:
        raise error(
            "inputs-file-value", status=1, file=path, name=name or EMPTY, found="a list with other than numbers"
        )
    return found


def _text(value: object, name: str, path: str) -> str:
    """A value as the language writes it; raises `CgError` for what is neither a number nor a text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return SPECIAL.get(value, value.removeprefix("+") if isinstance(value, Number) else value)
    found = "null" if value is None else "a list" if isinstance(value, list) else "a table"
    if not isinstance(value, (list, dict)) and value is not None:
        found = "a date or time"
    raise error("inputs-file-value", status=1, file=path, name=name or EMPTY, found=found)


def _unreadable(path: str) -> Exception:
    return error("unknown-inputs-file", file=path or EMPTY)


def _reason(problem: Exception) -> str:
    """What is wrong with the file, in one line."""
    if isinstance(problem, RecursionError):
        return "it is nested too deep"
    text = " ".join(str(problem).split())
    return text[:1].lower() + text[1:]
