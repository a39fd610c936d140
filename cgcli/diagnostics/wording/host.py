"""Python as the host language: what cannot be recorded, and what is wrong with a function."""

from __future__ import annotations

from .templates import Templates, words

TEMPLATES: dict[str, Templates] = {
    "host-float": words(
        "a recorded value was asked for its plain float, which has no derivative",
        "use NumPy's functions, which are recorded: `np.exp(x)` in the place of `math.exp(x)`",
        "for a plain number on purpose say `x.value`",
        here="in this line",
    ),
    "host-unsupported": words("this cannot be recorded: {what}", "docs/dynamic.md lists what can", here="in this line"),
    "host-failed": words("the function failed: {problem}", here="in this line"),
    "host-import": words("the file failed before the function could run: {problem}", here="in this line"),
    "host-syntax": words("{file} is not Python: {reason}", here="in this line"),
    "host-unread": words(
        "only a run can tell the parameters of `{name}`, for {why}",
        "nothing ran: what only reads a Python file does not run it",
        here="here",
    ),
    "host-read": words("it is a Python function, which was read and did not run"),
    "host-kind": words(
        "`{name}` is {what}, and what is recorded is a function",
        "define it by `def`, and let it return a number or an array",
        here="here",
    ),
    "host-signature": words(
        "Python does not tell the parameters of `{name}`",
        "call it in a function of your own, as in `def f(x): …`",
        here="here",
    ),
    "host-parameter": words(
        "the parameter `{name}` cannot be an input",
        "a function that is recorded takes each input under a name of its own",
        here="here",
    ),
    "host-annotation": words(
        "the annotation of `{name}` is no type of an input: {annotation}",
        'as in `x: float`, `n: int` or `W: "float[n, 3]"`',
        here="here",
    ),
    "host-default": words(
        "the default of `{name}` is {kind}, which is no number and no array",
        "give it a number, or leave the default out",
        here="here",
    ),
    "host-result": words(
        "`{name}` returned {what}, which is no number and no array",
        "return a number, an array, a tuple of such or a dictionary",
        here="this function",
    ),
    "host-key": words(
        "`{name}` returned a dictionary with the key `{key}`, which is no name",
        "the keys name the outputs: letters, digits and `_`",
        here="this function",
    ),
    "host-key-twice": words(
        "`{name}` returned a dictionary in which two keys are the same name, `{key}`",
        "the keys name the outputs, and names are compared in Unicode's form NFKC",
        here="this function",
    ),
    "host-static": words(
        "a Python function is recorded as it runs, which is the dynamic mode", "leave out `--mode static`"
    ),
    "host-lines": words(
        "this goes through the lines of a .cg file, and the program is a Python function",
        "for Python functions there are `cg eval`, `cg grad`, `cg show` and `cg render`",
    ),
    "host-file": words(
        "{file} is a Python file, and a program there is a function",
        "name one of its functions: {names}",
        "write a function in it, as `def {none}(x): …`",
    ),
    "host-layout": words("{file} is a Python file, and `cg fmt` lays out .cg programs", "give it a .cg file"),
    "no-such-function": words("{file} has no function `{name}`", "did you mean `{nearest}`?", "there are {names}"),
}
