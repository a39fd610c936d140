"""Typer's parameters from options as data: a command function takes records of options, Typer sees each field."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import typer

from cgcli.diagnostics.diagnostic import EMPTY, error
from cgcli.program.names import canonical
from cgcli.program.options import Option

NO_DATA = Option("--data", parser="elsewhere", hidden=True)  # an error that says which commands have it
MOST_DIGITS = 9  # of a whole number


class Without:
    """In `Annotated`, the fields of a record that a command has no option for; with a value, what they are instead."""

    def __init__(self, *names: str, **values: Any) -> None:
        self.names, self.values = {*names, *values}, values


@dataclass(frozen=True)
class Field:
    """An option of a command function. record: the parameter whose record has it as a field; None for one of its own.

    type: that of its value, without None.
    """

    name: str
    option: Option
    type: Any
    default: Any
    record: str | None

    def value(self, given: Any) -> Any:
        """The field's value for what Typer gives: the contrary for an option that turns off what is on by default."""
        if self.option.many:
            return tuple(given) if given else self.default
        return not given if self.default is True else given


def with_typer_signature(function: Callable[..., int]) -> tuple[Callable[..., int], dict[str, Option]]:
    """The function with a keyword for each option, as Typer reads it, and the options by these keywords.

    A parameter of the function is Typer's context, an annotated `Option`, or a dataclass of such.
    """
    hints = {name: _parts(hint) for name, hint in get_type_hints(function, include_extras=True).items()}
    parameters = inspect.signature(function).parameters
    options = [field for p in parameters.values() for field in _fields(p, *hints[p.name])]
    records = {name: hints[name][0] for name in parameters if is_dataclass(hints[name][0])}
    by_typer = [_typer_parameter(field) for field in options]
    if "context" in parameters:
        by_typer.append(inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context))

    def call(**values: Any) -> int:
        def fields_of(record: str | None) -> dict[str, Any]:
            return {field.name: field.value(values[field.name]) for field in options if field.record == record}

        built = {name: type_(**fields_of(name), **_without(hints[name][1]).values) for name, type_ in records.items()}
        context = {"context": values["context"]} if "context" in parameters else {}
        return function(**context, **built, **fields_of(None))

    call.__name__, call.__doc__ = function.__name__, function.__doc__
    call.__signature__ = inspect.Signature(by_typer)  # type: ignore[attr-defined]  # what `inspect` reads
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in by_typer}
    return call, {field.name: field.option for field in options}


def _fields(parameter: inspect.Parameter, type_: Any, extras: Sequence[Any]) -> Iterator[Field]:
    """The options that a parameter of a command function stands for."""
    if is_dataclass(type_):
        hints = get_type_hints(type_, include_extras=True)
        for field in fields(type_):
            if field.name not in _without(extras).names:
                field_type, field_extras = _parts(hints[field.name])
                yield Field(field.name, _option(field_extras), field_type, field.default, parameter.name)
    elif type_ is not typer.Context:
        yield Field(parameter.name, _option(extras), type_, parameter.default, None)


def _parts(hint: Any) -> tuple[Any, list[Any]]:
    """The type of a hint, of `X | None` X, and what `Annotated` adds to it."""
    type_, *extras = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    alternatives = [each for each in get_args(type_) if each is not type(None)]
    return (alternatives[0] if type(None) in get_args(type_) and len(alternatives) == 1 else type_), extras


def _without(extras: Sequence[Any]) -> Without:
    return next((extra for extra in extras if isinstance(extra, Without)), Without())


def _option(extras: Sequence[Any]) -> Option:
    return next(extra for extra in extras if isinstance(extra, Option))


def _typer_parameter(field: Field) -> inspect.Parameter:
    """Typer's parameter for an option."""
    option = field.option
    choices = option.choices or (get_args(field.type) if get_origin(field.type) is Literal else ())
    settings: dict[str, Any] = {
        "metavar": "|".join(choices) or option.metavar,
        "parser": parser(option, choices),
        "help": option.help,
        "rich_help_panel": option.group,
        "hidden": option.hidden,
    }
    if choices:
        settings["autocompletion"] = lambda: list(choices)
    elif option.completion is not None:
        settings["autocompletion"] = completion(option.completion)
    info: Any
    if option.spelling.startswith("-"):
        info = typer.Option(*option.spelling.split(), **settings)
    else:
        info = typer.Argument(**{**settings, "metavar": option.spelling, "show_default": False})
    text: Any = str | None if field.default is None else str
    type_ = bool if field.type is bool else list[str] | None if option.many else text
    default = None if option.many else False if field.type is bool else field.default
    return inspect.Parameter(
        field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[type_, info]
    )


def completion(name: str) -> Callable[[typer.Context, str], list[tuple[str, str]]]:
    """What offers a shell the values of an option."""

    def offer(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
        from cgcli.cli.completion import OFFERS  # for completion alone

        return OFFERS[name](context, incomplete)

    return offer


# ---- parsers


def parser(option: Option, choices: tuple[str, ...]) -> Callable[[str], Any] | None:
    """What reads the text of an option's value; None where it stays a text."""
    if option.parser is not None:
        read = PARSERS[option.parser]
        return lambda text: read(option.name, text)
    if option.range is not None:
        least, most = option.range
        return lambda text: _whole_number(option.name, text, least, most)
    return (lambda text: _choice(option.name, text, choices)) if choices else None


def _choice(option: str, text: str, choices: tuple[str, ...]) -> str:
    if text not in choices:
        from cgcli.diagnostics.suggest import nearest  # for an error alone

        raise error(
            "bad-choice", option=option, value=text or EMPTY, nearest=nearest(text, choices), choices=list(choices)
        )
    return text


def _whole_number(option: str, text: str, least: int, most: int) -> int:
    """A whole number from `least`; a larger one than `most` is cut to it."""
    digits = text.isascii() and text.isdigit()
    if digits and len(text) > MOST_DIGITS:
        raise error("large-count", option=option, value=text, digits=MOST_DIGITS)
    if not digits or int(text) < least:
        raise error("bad-count", option=option, value=text or EMPTY, least=least)
    return min(int(text), most)


def _positive(option: str, text: str) -> float:
    value = _float(text)
    if not 0 < value < math.inf:
        raise error("bad-positive", option=option, value=text or EMPTY)
    return value


def _threshold(option: str, text: str) -> float:
    value = _float(text)
    if not value >= 0:
        raise error("bad-threshold", option=option, value=text or EMPTY)
    return value


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _port(option: str, text: str) -> int:
    value = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    if not 0 < value < 2**16:
        raise error("bad-port", option=option, value=text or EMPTY)
    return value


def _duration(option: str, text: str) -> float:
    """Seconds, from a time as `90s`, `5m`, `2h`, or in seconds."""
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,6})?)([smh]?)", text.strip(), re.ASCII)
    if match is None or float(match[1]) == 0:
        raise error("bad-time", option=option, value=text or EMPTY)
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def _seconds(option: str, text: str) -> float:
    """Seconds as `2.5`."""
    match = re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text.strip(), re.ASCII)
    if match is None or float(text) == 0:
        raise error("bad-timeout", option=option, value=text or EMPTY)
    return float(text)


def _memory(option: str, text: str) -> int:
    """Bytes as `500M` or `8G`; with or without a `B` or `iB` behind the letter."""
    match = re.fullmatch(r"(\d{1,12})([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE | re.ASCII)
    if match is None or int(match[1]) == 0:
        raise error("bad-memory", option=option, value=text or EMPTY)
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}[match[2].upper()]


def _names(option: str, text: str) -> tuple[str, ...]:
    """Names as `a,b`."""
    names = tuple(canonical(name) for name in text.split(","))
    if "" in names:
        raise error("empty-name", option=option, value=text or EMPTY)
    return names


def _name(option: str, text: str) -> str:
    return canonical(text)


def _decay(option: str, text: str) -> tuple[str, float]:
    """A pattern of names and a weight decay, as `W*=0.01`; of all names `0.01`."""
    names, equals, value = text.rpartition("=")
    if not re.fullmatch(r"(\d+\.?\d*|\.\d+)(e-?\d+)?", value.strip(), re.IGNORECASE | re.ASCII):
        raise error("bad-decay", value=text or EMPTY)
    return canonical(names) if equals else "*", float(value)


def _path(option: str, text: str) -> tuple[str, str]:
    """Two names as `w..loss`."""
    first, dots, second = text.partition("..")
    if not (dots and first.strip() and second.strip()):
        raise error("bad-path", value=text or EMPTY)
    return canonical(first), canonical(second)


def _elsewhere(option: str, text: str) -> str:
    """For an option that only other commands have."""
    raise error(
        "option-elsewhere", option=option, where="`cg eval`, `cg grad`, `cg train` and `cg predict` take tables"
    )


PARSERS: dict[str, Callable[[str, str], Any]] = {
    "decay": _decay,
    "duration": _duration,
    "elsewhere": _elsewhere,
    "memory": _memory,
    "name": _name,
    "names": _names,
    "path": _path,
    "port": _port,
    "positive": _positive,
    "seconds": _seconds,
    "threshold": _threshold,
}
