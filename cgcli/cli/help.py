"""`cg help`: functions, exit statuses, the language in one page."""

from __future__ import annotations

from typing import Annotated

import typer

from cgcli.cli.arguments import EMPTY
from cgcli.cli.command import Command, declare
from cgcli.cli.completion import topics
from cgcli.cli.functions import function_names, function_page, library_page
from cgcli.cli.output import emit
from cgcli.cli.topics import PAGES
from cgcli.diagnostics.diagnostic import error
from cgcli.diagnostics.suggest import nearest
from cgcli.language.imports import library_names
from cgcli.language.modules import library_function, library_functions

Topic = Annotated[
    str | None,
    typer.Argument(
        metavar="TOPIC",
        help="A function of the language, or a page.",
        show_default=False,
        autocompletion=topics,
    ),
]


def help_topic(topic: Topic = None) -> int:
    """Explain a function of the language, the exit statuses, or the language in one page."""
    from cgcli.cli.app import COMMANDS  # which loads this module when the command is called

    if topic is None:
        emit(_contents())
    elif topic in PAGES:
        emit(PAGES[topic].text)
    elif topic in function_names():
        command = (
            f"\nCommand     cg {topic} --help: the command of this name\nExample" if topic in COMMANDS else "\nExample"
        )
        emit(function_page(topic).replace("\nExample", command, 1))
    elif topic in COMMANDS:
        emit(f"cg {topic}: {COMMANDS[topic]}\n\nIts options and an example: cg {topic} --help")
    elif topic in library_names():
        emit(_module(topic))
    elif (function := library_function(topic)) is not None:
        emit(library_page(function))
    else:
        names = [*PAGES, *COMMANDS, *function_names(), *library_names()]
        names += [f"{module}.{function.name}" for module in library_names() for function in library_functions(module)]
        suggestion = nearest(topic, names)
        raise error("unknown-topic", name=topic or EMPTY, nearest=suggestion, lister=None if suggestion else "help")
    return 0


def _contents() -> str:
    width = max(map(len, PAGES))
    pages = [f"  {name:{width}}  {page.title}" for name, page in PAGES.items()]
    return "\n".join(
        [
            "Pages:",
            *pages,
            "",
            "Functions:",
            *_wrapped(function_names()),
            "",
            "The library, for `import NAME`:",
            *_wrapped(library_names()),
            "",
            "For one of them: cg help NAME",
        ]
    )


def _module(name: str) -> str:
    """The functions of a module, each with the first sentence of its doc comment."""
    functions = library_functions(name)
    width = max(len(f.name) for f in functions)
    lines = [f"  {name}.{f.name:{width}}  {f.doc.partition('. ')[0].removesuffix('.')}" for f in functions]
    return "\n".join([f"The module {name}, after `import {name}`:", "", *lines, "", f"For one: cg help {name}.NAME"])


def _wrapped(names: list[str], width: int = 76) -> list[str]:
    lines = [" "]
    for name in names:
        if len(lines[-1]) + 1 + len(name) > width:
            lines.append(" ")
        lines[-1] += f" {name}"
    return lines


command = declare("help", help_topic, Command, "cg help sigmoid")
