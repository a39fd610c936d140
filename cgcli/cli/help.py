"""`cg help`: commands, functions, the words of the language, and pages."""

from __future__ import annotations

from typing import Annotated

from cgcli.cli.command import Command, declare
from cgcli.cli.output import emit_page
from cgcli.cli.topics import PAGES
from cgcli.diagnostics.diagnostic import EMPTY, error
from cgcli.diagnostics.suggest import nearest
from cgcli.program.options import Option
from cgcli.program.reference import (
    function_names,
    function_page,
    library_page,
    module_functions,
    module_names,
    word_names,
    word_page,
)

Topic = Annotated[
    str | None, Option("TOPIC", "A command, a function or word of the language, or a page.", completion="topics")
]


def help_topic(topic: Topic = None) -> int:
    """Explain a command, a function or word of the language, the exit statuses, or the language in one page."""
    from cgcli.cli.app import COMMANDS, OTHER_NAMES  # which loads this module when the command is called

    if topic is None:
        emit_page(_contents())
    elif topic in COMMANDS:
        if topic in function_names():
            emit_page(f"{function_page(topic)}\n\n")
        _emit_command_page(topic)
    elif topic in PAGES:
        emit_page(PAGES[topic].text)
    elif topic in function_names():
        emit_page(function_page(topic))
    elif topic in word_names():
        emit_page(word_page(topic))
    elif (page := library_page(topic)) is not None:
        emit_page(page)
    else:
        library = [name for module in module_names() for name in module_functions(module)]
        topics = [*PAGES, *COMMANDS, *word_names(), *function_names(), *module_names(), *library]
        command = OTHER_NAMES.get(topic)
        suggestion = command if command in COMMANDS else nearest(topic, topics)
        raise error("unknown-topic", name=topic or EMPTY, nearest=suggestion, lister=None if suggestion else "help")
    return 0


def _emit_command_page(name: str) -> None:
    """The page of `cg NAME --help`."""
    from cgcli.cli.app import commands

    commands.main([name, "--help"], prog_name="cg", standalone_mode=False)


def _contents() -> str:
    from cgcli.cli.app import COMMANDS

    width = max(map(len, PAGES))
    return "\n".join(
        [
            "Pages:",
            *(f"  {name:{width}}  {page.title}" for name, page in PAGES.items()),
            "",
            "Commands:",
            *_wrapped(list(COMMANDS)),
            "",
            "Words of the language:",
            *_wrapped(word_names()),
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


command = declare("help", help_topic, Command, "cg help sigmoid", "cg help for", "cg help render")
