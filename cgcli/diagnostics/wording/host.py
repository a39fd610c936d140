"""Python as the host language: what cannot be recorded, and what is wrong with a function."""

from __future__ import annotations

from .templates import Templates

TEMPLATES: dict[str, Templates] = {
    "host-float": Templates(
        "a recorded value was asked for its plain float, which has no derivative",
        labels={"here": "in this line"},
        help=(
            "use NumPy's functions, which are recorded: `np.exp(x)` in the place of `math.exp(x)`",
            "for a plain number on purpose say `x.value`",
        ),
    ),
    "host-unsupported": Templates(
        "this cannot be recorded: {what}",
        labels={"here": "in this line"},
        help=("docs/dynamic.md lists what can",),
    ),
    "host-failed": Templates(
        "the function failed: {problem}",
        labels={"here": "in this line"},
    ),
    "host-import": Templates(
        "the file failed before the function could run: {problem}",
        labels={"here": "in this line"},
    ),
    "host-syntax": Templates(
        "{file} is not Python: {reason}",
        labels={"here": "in this line"},
    ),
    "host-unread": Templates(
        "only a run can tell the parameters of `{name}`, for {why}",
        labels={"here": "here"},
        help=("nothing ran: what only reads a Python file does not run it",),
    ),
    "host-read": Templates("it is a Python function, which was read and did not run"),
    "host-kind": Templates(
        "`{name}` is {what}, and what is recorded is a function",
        labels={"here": "here"},
        help=("define it by `def`, and let it return a number or an array",),
    ),
    "host-signature": Templates(
        "Python does not tell the parameters of `{name}`",
        labels={"here": "here"},
        help=("call it in a function of your own, as in `def f(x): …`",),
    ),
    "host-parameter": Templates(
        "the parameter `{name}` cannot be an input",
        labels={"here": "here"},
        help=("a function that is recorded takes each input under a name of its own",),
    ),
    "host-annotation": Templates(
        "the annotation of `{name}` is no type of an input: {found}",
        labels={"here": "here"},
        help=('as in `x: float`, `n: int` or `W: "float[n, 3]"`',),
    ),
    "host-default": Templates(
        "the default of `{name}` is {found}, which is no number and no array",
        labels={"here": "here"},
        help=("give it a number, or leave the default out",),
    ),
    "host-result": Templates(
        "`{name}` returned {what}, which is no number and no array",
        labels={"here": "this function"},
        help=("return a number, an array, a tuple of such or a dictionary",),
    ),
    "host-key": Templates(
        "`{name}` returned a dictionary with the key `{key}`, which is no name",
        labels={"here": "this function"},
        help=("the keys name the outputs: letters, digits and `_`",),
    ),
    "host-key-twice": Templates(
        "`{name}` returned a dictionary in which two keys are the same name, `{key}`",
        labels={"here": "this function"},
        help=("the keys name the outputs, and names are compared in Unicode's form NFKC",),
    ),
    "host-static": Templates(
        "a Python function is recorded as it runs, which is the dynamic mode",
        help=("leave out `--mode static`",),
    ),
    "host-lines": Templates(
        "this goes through the lines of a .cg file, and the program is a Python function",
        help=("for Python functions there are `cg eval`, `cg grad`, `cg show` and `cg render`",),
    ),
    "host-file": Templates(
        "{file} is a Python file, and a program there is a function",
        help=("name one of its functions: {known}", "write a function in it, as `def {none}(x): …`"),
    ),
    "host-layout": Templates(
        "{file} is a Python file, and `cg fmt` lays out .cg programs",
        help=("give it a .cg file",),
    ),
    "no-such-function": Templates(
        "{file} has no function `{name}`",
        help=("did you mean `{nearest}`?", "there are {known}"),
    ),
}
