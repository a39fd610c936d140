"""`cg help`: functions, exit statuses, the language in one page."""

from __future__ import annotations

from typing import Annotated

from cgcli.cli.command import Command, declare
from cgcli.cli.output import emit
from cgcli.cli.topics import PAGES
from cgcli.diagnostics.diagnostic import EMPTY, error
from cgcli.diagnostics.suggest import nearest
from cgcli.program.options import Option
from cgcli.program.reference import function_names, function_page, library_page, module_functions, module_names

Topic = Annotated[str | None, Option("TOPIC", "A function of the language, or a page.", completion="topics")]


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
    elif (page := library_page(topic)) is not None:
        emit(page)
    else:
        library = [name for module in module_names() for name in module_functions(module)]
        suggestion = nearest(topic, [*PAGES, *COMMANDS, *function_names(), *module_names(), *library])
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
            *_wrapped(module_names()),
            "",
            "For one of them: cg help NAME",
        ]
    )


def _wrapped(names: list[str], width: int = 76) -> list[str]:
    lines = [" "]
    for name in names:
        if len(lines[-1]) + 1 + len(name) > width:
            lines.append(" ")
        lines[-1] += f" {name}"
    return lines


command = declare("help", help_topic, Command, "cg help sigmoid")
