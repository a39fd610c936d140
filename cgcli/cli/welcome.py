"""What `cg` alone prints: a small graph with its numbers, the commands, and what to do first."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Any

from cgcli.cli.output import can_write, stdout, use_colour
from cgcli.render.style import ACCENT, styled

WIDEST = 80
GRAPH = """\
●      a           2    gradient 2
│ ●    b           3    gradient 7
│ │ ●  c           1    gradient -5
●─┤ │  d = a + b   5    gradient 2
│ ●─╯  e = b - c   2    gradient 5
●─╯    y = d * e   10   gradient 1"""
"""What `cg show article.cg --graph --a 2 --b 3 --c 1` prints; a test compares."""
IN_ASCII = str.maketrans("●│─╯┤", "o|-'|")


def welcome(context: Any, examples: Sequence[str]) -> str:
    """The page, as wide as the terminal, at most `WIDEST`. context: that of the group of all commands."""
    formatter = context.formatter_class(width=min(shutil.get_terminal_size().columns, WIDEST))
    group = context.command
    formatter.write_text(group.help)
    formatter.write_paragraph()
    formatter.write("".join(f"  {line}\n" for line in _graph()))
    group.format_commands(context, formatter)
    with formatter.section("First"):
        formatter.write("".join(f"  {line}\n" for line in examples))
    return str(formatter.getvalue())


def _graph() -> list[str]:
    """The lines of the graph, in the characters and colours of standard output."""
    graph = GRAPH if can_write(GRAPH, stdout()) else GRAPH.translate(IN_ASCII)
    if use_colour(stdout()):
        lines = (line.partition("gradient") for line in graph.split("\n"))
        graph = "\n".join(before + styled(word + number, ACCENT) for before, word, number in lines)
    return graph.split("\n")
