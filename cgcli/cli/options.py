"""The options that several commands share, each declared once."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

import typer

from cgcli.cli.arguments import EMPTY
from cgcli.cli.output import set_output_options
from cgcli.diagnostics.diagnostic import error

READ = ("inputs_file", "weights", "data", "validation", "resume", "commands")
"""Parameters of commands that name files to read, besides the program and the values `@FILE`."""
WRITTEN = ("target", "save", "metrics", "plot", "draw")
"""Parameters of commands that name files to write; `data` writes to standard output, `resume` goes on in its file."""


def _input_names(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    from cgcli.cli.completion import input_names  # for shell completion alone

    return input_names(context, incomplete)


def _value_names(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    from cgcli.cli.completion import value_names

    return value_names(context, incomplete)


def choice(option: str, *choices: str) -> dict[str, Any]:
    """The settings of an option that takes one of a few choices."""

    def parse(text: str) -> str:
        if text not in choices:
            from cgcli.diagnostics.suggest import nearest  # for an error alone

            raise error(
                "bad-choice", option=option, value=text or EMPTY, nearest=nearest(text, choices), choices=list(choices)
            )
        return text

    return {"parser": parse, "metavar": "|".join(choices), "autocompletion": lambda: list(choices)}


DIGITS = 767  # the most significant digits that a float has


def whole_number(option: str, least: int, most: int) -> Callable[[str], int]:
    """A parser of whole numbers from `least`; larger ones than `most` are cut to it."""

    def parse(text: str) -> int:
        digits = text.isascii() and text.isdigit() and len(text) < 10
        if not digits or int(text) < least:
            raise error("bad-count", option=option, value=text or EMPTY, least=least)
        return min(int(text), most)

    return parse


def positive_number(option: str) -> Callable[[str], float]:
    """A parser of positive numbers."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not 0 < value < math.inf:
            raise error("bad-positive", option=option, value=text or EMPTY)
        return value

    return parse


def duration(option: str) -> Callable[[str], float]:
    """A parser of times as `90s`, `5m`, `2h`, or in seconds; the result is in seconds."""

    def parse(text: str) -> float:
        match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,6})?)([smh]?)", text.strip(), re.ASCII)
        if match is None or float(match[1]) == 0:
            raise error("bad-time", option=option, value=text or EMPTY)
        return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]

    return parse


def _option_of_others(option: str, where: str) -> Callable[[str], str]:
    """A parser that raises `CgError`: the option belongs to other commands."""

    def parse(text: str) -> str:
        raise error("option-elsewhere", option=option, where=where)

    return parse


File = Annotated[
    str | None,
    typer.Argument(metavar="FILE", help="A .cg file, or - for standard input.", show_default=False),
]
Expression = Annotated[
    str | None, typer.Option("-e", metavar="EXPR", help="A program in place of FILE, as 'a^2' or 'a = 2; a^x'.")
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help="The value of an input, also for a name that is an option of the command."
    ),
]
InputsFile = Annotated[
    str | None,
    typer.Option(
        "--inputs", metavar="FILE", help="The values of many inputs: a .json, .toml, .npz or .safetensors file."
    ),
]
AllowPath = Annotated[
    list[str] | None,
    typer.Option("--allow-path", metavar="FOLDER", help="A folder that the program may import from besides its own."),
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        help="How results are written: a table on a terminal, plain lines elsewhere.",
        **choice("--format", "table", "plain", "json", "csv"),
    ),
]
Precision = Annotated[
    int | None,
    typer.Option(
        "--precision",
        metavar="N",
        parser=whole_number("--precision", 1, DIGITS),
        help="Round to N significant digits (else the shortest text that reads back to the same value).",
    ),
]
Full = Annotated[
    bool, typer.Option("--full", help="All elements of tensors, also of large ones (else what sums them up).")
]
Colour = Annotated[str, typer.Option("--color", help="When to colour.", **choice("--color", "auto", "always", "never"))]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No notes and no progress; warnings and errors stay.")]


def global_options(colour: Colour = "auto", quiet: Quiet = False) -> int:
    """The options of every command: `declare` adds them, `Command.invoke` applies them."""
    set_output_options(colour, quiet)
    return 0


Mode = Annotated[
    str | None,
    typer.Option(
        "--mode",
        help="static plans the graph and runs it, dynamic makes it as it runs (else static where that can be).",
        **choice("--mode", "static", "dynamic"),
    ),
]
Weights = Annotated[
    str | None,
    typer.Option("--weights", metavar="FILE", help="The parameters, from a checkpoint (else their initialisers)."),
]
Of = Annotated[
    str | None,
    typer.Option(
        "--of",
        metavar="NAME",
        autocompletion=_value_names,
        help="What to differentiate: any named float value (else the only output).",
    ),
]
Wrt = Annotated[
    str | None,
    typer.Option(
        "--wrt",
        metavar="A,B",
        autocompletion=_input_names,
        help="What to differentiate by (else every float input).",
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        "--seed",
        metavar="N",
        parser=whole_number("--seed", 0, 999_999_999),
        help="What random initialisers start from.",
    ),
]
_UNITS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}


def _memory(text: str) -> int:
    """Bytes as `500M` or `8G`; with or without a `B` or `iB` behind the letter."""
    match = re.fullmatch(r"(\d{1,12})([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE | re.ASCII)
    if match is None or int(match[1]) == 0:
        raise error("bad-memory", option="--max-memory", value=text or EMPTY)
    return int(match[1]) << _UNITS[match[2].upper()]


MaxMemory = Annotated[
    int | None,
    typer.Option(
        "--max-memory",
        metavar="SIZE",
        parser=_memory,
        help="What the values of a run may take, as 500M or 8G (else four fifths of the machine's memory).",
    ),
]


def _backend(text: str) -> str:
    from cgcli.run.backends import check_backend

    return check_backend(text)


Backend = Annotated[
    str | None,
    typer.Option(
        "--backend",
        metavar="NAME",
        parser=_backend,
        help="What runs tensors: reference, node by node, or numpy, by a plan (else what suits).",
    ),
]
MaxSteps = Annotated[
    int | None,
    typer.Option(
        "--max-steps",
        metavar="N",
        parser=whole_number("--max-steps", 1, 999_999_999),
        help="How many steps loops may run together (else any number).",
    ),
]


MaxNodes = Annotated[
    int | None,
    typer.Option(
        "--max-nodes",
        metavar="N",
        parser=whole_number("--max-nodes", 1, 999_999_999),
        help="How many operations the graph may have (else 5,000,000).",
    ),
]
MaxDepth = Annotated[
    int | None,
    typer.Option(
        "--max-depth",
        metavar="N",
        parser=whole_number("--max-depth", 1, 999_999_999),
        help="How many calls may stand within each other (else 10,000).",
    ),
]


def _seconds(text: str) -> float:
    """Seconds as `2.5`."""
    match = re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text.strip(), re.ASCII)
    if match is None or float(text) == 0:
        raise error("bad-timeout", option="--timeout", value=text or EMPTY)
    return float(text)


Timeout = Annotated[
    float | None,
    typer.Option("--timeout", metavar="SECONDS", parser=_seconds, help="Stop after so many seconds (else never)."),
]
Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="TABLE",
        help="A table, a row an evaluation: a .csv, .tsv, .jsonl, .npz or .parquet file, a pattern, or - (CSV).",
    ),
]
Map = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="INPUT=COLUMN", help="The column of an input, as x=price; for a vector x='pixel_*'."),
]
BatchSize = Annotated[
    int | None,
    typer.Option(
        "--batch-size",
        metavar="N",
        parser=whole_number("--batch-size", 1, 10**9),
        help="Rows that an input with one axis more takes at once, for a result a batch.",
    ),
]
OnError = Annotated[
    Literal["stop", "skip", "nan"] | None,
    typer.Option(
        "--on-error",
        help="What to do with a cell of the table that is no number (stop).",
        **choice("--on-error", "stop", "skip", "nan"),
    ),
]
Out = Annotated[
    str | None,
    typer.Option(
        "-o",
        metavar="TARGET",
        help="The table of results: .csv, .tsv, .jsonl, .npz or .parquet (else CSV, printed; so for -).",
    ),
]
NoData = Annotated[
    str | None,
    typer.Option(
        "--data",
        hidden=True,
        parser=_option_of_others("--data", "`cg eval`, `cg grad`, `cg train` and `cg predict` take tables"),
    ),
]
