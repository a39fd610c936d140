"""Python as the host language: what cannot be recorded, and what is wrong with a function."""

from __future__ import annotations

from .words import Words

WORDS: dict[str, Words] = {
    "host-float": Words(
        "a recorded value was asked for its plain float, which has no derivative",
        labels={"here": "in this line"},
        help=(
            "use NumPy's functions, which are recorded: `np.exp(x)` in the place of `math.exp(x)`",
            "for a plain number on purpose say `x.value`",
        ),
    ),
    "host-unsupported": Words(
        "this cannot be recorded: {what}",
        labels={"here": "in this line"},
        help=("docs/dynamic.md lists what can",),
    ),
    "host-failed": Words(
        "the function failed: {kind}: {message}",
        labels={"here": "in this line"},
    ),
    "host-parameter": Words(
        "the parameter `{name}` cannot be an input",
        help=("a function that is recorded takes each input under a name of its own",),
    ),
    "host-annotation": Words(
        "the annotation of `{name}` is no type of an input: {found}",
        help=('as in `x: float`, `n: int` or `W: "float[n, 3]"`',),
    ),
    "host-nothing": Words(
        "`{name}` returned nothing for `{output}`",
        help=("return a number, an array, a tuple of such or a dictionary",),
    ),
    "host-static": Words(
        "a Python function is recorded as it runs, which is the dynamic mode",
        help=("leave out `--mode static`",),
    ),
    "host-lines": Words(
        "this goes through the lines of a .cg file, and the program is a Python function",
        help=("for Python functions there are `cg eval`, `cg grad`, `cg show` and `cg render`",),
    ),
    "no-such-function": Words(
        "{file} has no function `{name}`",
        help=("did you mean `{nearest}`?", "there are {known}"),
    ),
}
