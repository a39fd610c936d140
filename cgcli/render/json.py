"""Results as JSON: one object on one line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .numbers import plain, rounded


def dump(data: object, precision: int | None = None) -> str:
    """The data as one line of JSON; floats keep their `.0`, NaN and infinities are strings, order is kept."""
    return json.dumps(_plain(data, precision), ensure_ascii=False, allow_nan=False)


def _plain(data: Any, precision: int | None) -> Any:
    """Results nest three deep at most: a Hessian's rows."""
    if isinstance(data, Mapping):
        return {str(key): _plain(value, precision) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_plain(value, precision) for value in data]
    if isinstance(data, (float, int)):
        return plain(rounded(data, precision))
    return data
