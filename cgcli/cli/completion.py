"""Shell completion besides options: names of a program, of samples and of topics. No program is run for it.

A completion is a word and a line about it. Shells evaluate what completion prints, and Typer's escapes do not suffice
for text of others (zsh runs what follows a backslash and `$`): a line about a word has no special character.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import typer

from cgcli.diagnostics.escape import show
from cgcli.render.numbers import shortest

if TYPE_CHECKING:
    from cgcli.program.program import Input, Program

LONGEST = 80  # characters of a line
SPECIAL = str.maketrans(dict.fromkeys('\\"$`!<>', " ") | {"'": "’"})

Offer = tuple[str, str]


def about(text: str) -> str:
    """A line about a word without a shell's special characters and without rich's markup."""
    line = " ".join(show(text).translate(SPECIAL).split())
    line = line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
    return re.sub(r"\[[a-zA-Z/@#].*?\]", r"\\\g<0>", line)  # `float[n]` would be a tag of rich's markup


def value_names(context: typer.Context, incomplete: str) -> list[Offer]:
    """For `--of`: the outputs that can be differentiated, as far as that is known without a run, that are not in the
    list before the last comma.
    """
    program = _program(context)
    if program is None:
        return []
    before, listed = _list(incomplete)
    names = [name for name in program.outputs if name not in listed]
    if program.mode == "static":
        names = [name for name in names if program.type_of(name).has_derivative]
    return [(f"{before}{name}", about("output")) for name in names]


def input_names(context: typer.Context, incomplete: str) -> list[Offer]:
    """For `--wrt`: the float inputs and params that are not in the list before the last comma."""
    program = _program(context)
    if program is None:
        return []
    before, listed = _list(incomplete)
    inputs = [i for i in program.inputs if i.type.has_derivative and i.name not in listed]
    return [(f"{before}{i.name}", input_line(i)) for i in inputs]


def input_ranges(context: typer.Context, incomplete: str) -> list[Offer]:
    """For `--over`: the inputs that are numbers, each with `=` and its declared range."""
    program = _program(context)
    if program is None:
        return []
    inputs = [i for i in program.inputs if not i.type.shape and (i.type.is_float or i.type.is_int)]
    return [(f"{i.name}={_range(i)}", input_line(i)) for i in inputs]


def _range(i: Input) -> str:
    return "" if i.range is None else "..".join(shortest(end) for end in i.range)


def _list(incomplete: str) -> tuple[str, set[str]]:
    """What stands before the last name of a list, its comma included, and the names there."""
    before, comma, _ = incomplete.rpartition(",")
    return before + comma, {name.strip() for name in before.split(",")}


def input_line(i: Input) -> str:
    """The kind, type and doc comment of an input."""
    doc = f": {i.doc}" if i.doc else ""
    return about(f"{i.kind}, {i.type}{doc}")


def sample_names(context: typer.Context, incomplete: str) -> list[Offer]:
    """The samples, each with its headline."""
    from cgcli.program.samples import headline, sample_files

    return [(path.stem, about(headline(path))) for path in sample_files()]


def topics(context: typer.Context, incomplete: str) -> list[Offer]:
    """Pages, commands, words, functions and modules; after the dot of a module its functions."""
    from cgcli.cli.app import COMMANDS
    from cgcli.cli.topics import PAGES
    from cgcli.program.reference import function_names, module_functions, module_names, word_names

    module = incomplete.partition(".")[0]
    if "." in incomplete and module in module_names():
        return [(name, about(line)) for name, line in module_functions(module).items()]
    offers = {
        **dict.fromkeys(module_names(), "module"),
        **dict.fromkeys(word_names(), "word of the language"),
        **dict.fromkeys(function_names(), "function"),
        **{name: about(line) for name, line in COMMANDS.items()},
        **{name: about(page.title) for name, page in PAGES.items()},
    }
    return sorted(offers.items())


OFFERS = {
    "inputs": input_names,
    "ranges": input_ranges,
    "samples": sample_names,
    "topics": topics,
    "values": value_names,
}
"""What offers words, by its name in the data of an option."""


def _program(context: Any) -> Program | None:
    """The program on the unfinished command line; None for one that cannot be read."""
    try:
        program: Program | None = context.command.program(context)
    except Exception:  # must not disturb the line that is being typed
        return None
    return program
