"""`cg live`: the page of a program in the browser, anew at each save."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from cgcli.cli.arguments import Arguments
from cgcli.cli.command import ARGUMENTS, ProgramCommand, declare
from cgcli.cli.options import NO_DATA, Without
from cgcli.cli.output import emit, notice, use_colour, write_stderr
from cgcli.cli.render import check_picture
from cgcli.cli.session import note, open_session
from cgcli.diagnostics.diagnostic import Diagnostic, error
from cgcli.diagnostics.escape import harmless, show
from cgcli.diagnostics.report import text as report
from cgcli.files.source_files import is_stream
from cgcli.program.live_runs import Outcome, Runs
from cgcli.program.live_server import LatestPage, LiveServer
from cgcli.program.load import open_program, python_function
from cgcli.program.options import DerivativeOptions, Option, RunOptions
from cgcli.program.picture_options import PictureOptions
from cgcli.program.pictures import draw_picture

LONGEST_ERROR = 20_000  # characters of an error on the page: the last ones
COLOUR = re.compile(r"\x1b\[[0-9;]*m")

Port = Annotated[int | None, Option("--port", "The port of the page (else a free one).", "N", "Output", "port")]
Opens = Annotated[bool, Option("--open", "Open the page in a browser.", group="Output")]

page_taken: Callable[[str], object] | None = None
"""In the process of one run, what takes its page; None in the one that serves."""


def live(
    context: typer.Context,
    run: Annotated[RunOptions, Without("expression")],
    derivative: Annotated[DerivativeOptions, Without("wrt")],
    picture: Annotated[PictureOptions, Without("view", "heat", "legend", "size", "background", "animate")],
    port: Port = None,
    opens: Opens = False,
    data: Annotated[str | None, NO_DATA] = None,
) -> int:
    """Serve a page in which the program runs, anew at each save of a file that it reads.

    Its address is printed. The inputs' values are those at which the page starts; an error of the program is shown over
    the last picture. Ctrl-C ends it.
    """
    if run.file is None or is_stream(run.file):
        raise error("live-needs-file")
    check_picture(picture, derivative.of)
    if page_taken is not None:
        session = open_session(context, run).recorded()
        image = draw_picture(session.program, session.values, picture, "html", derivative.of, note)
        page_taken(image.data.decode("utf-8"))
        return 0
    python = python_function(run.file)
    path = run.file if python is None else python[0]
    if not os.path.isfile(path) or (python is None and path.endswith(".py")):
        open_program(run, runs=False)  # an error that no save mends, unless it is a function of the library
    elif python is not None:
        notice(f"{show(path)} runs again at each save")
    arguments: Arguments = context.meta[ARGUMENTS]
    child = Path(__file__).with_name("live_child.py")
    command = [sys.executable, "-P", str(child), "live", *arguments.argv]
    environment = {**os.environ, **({"FORCE_COLOR": "1"} if use_colour(sys.stderr) else {})}
    latest = LatestPage()
    with suppress(KeyboardInterrupt), LiveServer(latest, port or 0) as server:
        emit(server.url)
        if opens:
            _open(server.url)
        Runs(path, command, environment).follow(_Report(latest).take)
    return 0


def _open(url: str) -> None:
    """Opens a browser, in a thread, for one of the terminal may not return."""
    import webbrowser  # for this option alone

    threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()


class _Report:
    """Tells of outcomes: pages and errors in browsers, and what a run says on standard error, once."""

    def __init__(self, latest: LatestPage) -> None:
        self._latest, self._last = latest, ""

    def take(self, outcome: Outcome) -> None:
        problem = Diagnostic("run-without-page", values={"status": outcome.status})
        said = outcome.errors
        if outcome.page is None and not said.strip():
            said = report([problem], colour=use_colour(sys.stderr))
        if said != self._last:
            write_stderr(said)
        self._last = said
        if outcome.page is None:
            self._latest.show_error(harmless(COLOUR.sub("", said).strip("\n"))[-LONGEST_ERROR:])
        else:
            self._latest.show_page(outcome.page)


command = declare("live", live, ProgramCommand, "cg samples article", "cg live article.cg --a 2 --b 3 --c 1")
