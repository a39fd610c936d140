"""Values of settings from Python, held to what their options on the command line take."""

from __future__ import annotations

import math
from dataclasses import fields
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from cgcli.diagnostics.diagnostic import error
from cgcli.diagnostics.suggest import nearest

from .options import Option


def check_values(settings: Any) -> None:
    """Raises CgError for a value of a dataclass whose option takes no such value; None stands for a default."""
    hints = get_type_hints(type(settings), include_extras=True)
    for field in fields(settings):
        option = next((part for part in get_args(hints[field.name]) if isinstance(part, Option)), None)
        value = getattr(settings, field.name)
        if option is not None and value is not None:
            _check(option, value, option.choices or _literals(hints[field.name]))


def check_choice(option: str, value: Any, choices: tuple[str, ...]) -> None:
    """Raises CgError for a value that is none of the choices."""
    if value not in choices:
        close = nearest(value, choices) if isinstance(value, str) else None
        raise error("bad-choice", option=option, value=str(value), nearest=close, choices=list(choices))


def check_count(option: str, value: Any, least: int) -> None:
    """Raises CgError for what is no whole number, or less than `least`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise error("bad-count", option=option, value=str(value), least=least)


def _check(option: Option, value: Any, choices: tuple[str, ...]) -> None:
    if choices:
        check_choice(option.name, value, choices)
    elif option.range is not None:
        check_count(option.name, value, option.range[0])
    elif option.parser == "positive" and not (isinstance(value, int | float) and 0 < value < math.inf):
        raise error("bad-positive", option=option.name, value=str(value))


def _literals(hint: Any) -> tuple[str, ...]:
    """The texts that a `Literal` in a type takes."""
    if get_origin(hint) is Literal:
        return get_args(hint)
    parts = get_args(hint) if get_origin(hint) in (Union, UnionType) else get_args(hint)[:1]
    is_union = get_origin(hint) in (Annotated, Union, UnionType)
    return next((texts for part in parts if is_union and (texts := _literals(part))), ())
