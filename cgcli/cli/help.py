"""`cg help`: functions, exit statuses, the language in one page."""

from __future__ import annotations

from typing import Annotated

import typer

from cgcli.cli.arguments import EMPTY
from cgcli.cli.command import Command, declare
from cgcli.cli.functions import function_names, function_page
from cgcli.cli.output import emit
from cgcli.cli.topics import PAGES
from cgcli.graph.diagnostic import error
from cgcli.language.builtins import TENSORS
from cgcli.language.suggest import nearest

Topic = Annotated[
    str | None, typer.Argument(metavar="TOPIC", help="A function of the language, or a page.", show_default=False)
]


def help_topic(topic: Topic = None) -> int:
    """Explain a function of the language, the exit statuses, or the language in one page."""
    if topic is None:
        emit(_contents())
    elif topic in PAGES:
        emit(PAGES[topic].text)
    elif topic in function_names():
        emit(function_page(topic))
    elif topic in TENSORS:
        raise error("not-yet", what=f"`{topic}`")
    else:
        raise error("unknown-topic", name=topic or EMPTY, nearest=nearest(topic, [*PAGES, *function_names()]))
    return 0


def _contents() -> str:
    width = max(map(len, PAGES))
    pages = [f"  {name:{width}}  {page.title}" for name, page in PAGES.items()]
    return "\n".join(
        ["Pages:", *pages, "", "Functions:", *_wrapped(function_names()), "", "For one of them: cg help NAME"]
    )


def _wrapped(names: list[str], width: int = 76) -> list[str]:
    lines = [" "]
    for name in names:
        if len(lines[-1]) + 1 + len(name) > width:
            lines.append(" ")
        lines[-1] += f" {name}"
    return lines


command = declare("help", help_topic, Command, "cg help sigmoid")
