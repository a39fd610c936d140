"""Results as JSON: one object on one line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from cgcli.diagnostics.source import HIDDEN_CLASS

from .numbers import plain, rounded
from .tensors import as_lists, is_tensor

_HIDDEN = re.compile(f"[{HIDDEN_CLASS}]")


def dump(data: object, precision: int | None = None) -> str:
    """The data as one line of JSON; floats keep their `.0`, NaN and infinities are strings, order is kept.

    Characters that a terminal acts on, which JSON would let pass, are escaped; they can only stand in strings.
    """
    return _HIDDEN.sub(_escaped, json.dumps(_plain(data, precision), ensure_ascii=False, allow_nan=False))


def _escaped(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1] if match[0] != "\x7f" else "\\u007f"


def _plain(data: Any, precision: int | None) -> Any:
    """Results nest three deep at most, a Hessian's rows; the lists of a tensor as deep as its rank."""
    if isinstance(data, Mapping):
        return {str(key): _plain(value, precision) for key, value in data.items()}
    if is_tensor(data):
        return as_lists(data, precision)
    if isinstance(data, (list, tuple)):
        return [_plain(value, precision) for value in data]
    if isinstance(data, (float, int)):
        return plain(rounded(data, precision))
    return data
