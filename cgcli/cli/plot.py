"""`cg plot`: values and derivatives over a range of inputs."""

from __future__ import annotations

import shutil
from typing import Annotated

import typer

from cgcli.cli.command import ProgramCommand, declare
from cgcli.cli.options import NO_DATA, Without
from cgcli.cli.output import can_write, emit, is_terminal, print_diagnostics, stdout, use_colour, write_picture
from cgcli.cli.session import note, open_session
from cgcli.files.writing import check_writable
from cgcli.program.options import Option, OutputOptions, RunOptions
from cgcli.program.plot_options import Kind, PlotOptions
from cgcli.program.plots import plot_file, plot_kind
from cgcli.program.plotting import ranges, sampled
from cgcli.render.sampled_text import text

SIGNS = "⣿┤│└┬─•●○◆"  # what a plot on a terminal is made of

Over = Annotated[
    tuple[str, ...],
    Option(
        "--over",
        "The input that varies and its range (else the declared one); of two inputs: contours.",
        "X=LOW..HIGH",
        "Picture",
        many=True,
        completion="ranges",
    ),
]
Target = Annotated[
    str | None,
    Option(
        "-o",
        "The file to write: .svg, .png, .pdf, .csv, .json or .txt (else a drawing on a terminal, CSV elsewhere).",
        "TARGET",
        "Output",
        file="written",
    ),
]
Format = Annotated[Kind | None, Option("--format", "The kind of file (else what its name ends in).", group="Output")]


def plot(
    context: typer.Context,
    run: RunOptions,
    *,
    over: Over = (),
    options: PlotOptions,
    output: Annotated[OutputOptions, Without("format", "full")],
    target: Target = None,
    output_format: Format = None,
    data: Annotated[str | None, NO_DATA] = None,
) -> int:
    """Plot the outputs of a program, and their derivatives, over a range of an input.

    A tangent is drawn at the value of the input, as --x 1, else at its default or in the middle. Over two inputs: lines
    of equal value, and arrows to where it grows fastest.
    """
    drawn = target is None and output_format is None and is_terminal(stdout())
    kind = output_format or ("csv" if target in (None, "-") else plot_kind("-o", target or ""))
    options.check("txt" if drawn else kind, output.precision)
    if target not in (None, "-"):
        check_writable(target or "")
    session = open_session(context, run)
    varying = ranges(session.program, over)
    for name, ends in varying.items():
        for end in ends or ():
            print_diagnostics(session.program.range_warnings({name: end}))
    result = sampled(session.program, session.values, varying, options)
    for remark in result.notes:
        note(remark)
    if drawn or (kind == "txt" and target in (None, "-")):
        width = shutil.get_terminal_size().columns
        emit(text(result, width, colour=use_colour(stdout()), ascii_only=not can_write(SIGNS, stdout())))
    else:
        write_picture(target or "-", plot_file(result, kind, options.theme or "light", output.precision))
    return 0


command = declare(
    "plot",
    plot,
    ProgramCommand,
    "cg samples black_scholes",
    "cg plot black_scholes.cg --over spot=50..150 -o price.svg",
)
