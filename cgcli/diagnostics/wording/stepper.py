"""Walking through a run: the commands of `cg step`, and what they are asked."""

from __future__ import annotations

from .templates import Templates

TEMPLATES: dict[str, Templates] = {
    "not-bound-here": Templates(
        "`{name}` has no value at this place of the run",
        labels={"here": "not bound yet, or in another call"},
        help=("did you mean `{nearest}`?", "`vars` lists what there is"),
    ),
    "no-slope": Templates(
        "`{text}` is no float, which a derivative is asked of",
        help=("name a number or a tensor of floats; `vars` lists what there is",),
    ),
    "not-on-record": Templates(
        "`{text}` is not part of the run",
        help=("walk back from a value that the run has computed, by its name",),
    ),
    "interrupted-run": Templates("the run was interrupted"),
    "unknown-step": Templates(
        "no command `{name}`",
        help=(
            "did you mean `{nearest}`?",
            "`{elsewhere}` walks through the run: `leave` goes back to it",
            "`help` lists the commands",
        ),
    ),
    "step-failed": Templates(
        "not every command of the session worked: {commands}",
        help=("what is wrong stands behind each of them on standard output",),
    ),
    "step-count": Templates(
        "a whole number from 1 is needed here, not {text}",
        help=("as in `step 5` or `break 12`",),
    ),
    "step-extra": Templates("this command stands alone: `{text}` is too much"),
    "step-needs": Templates("`{name}` needs {what}"),
    "bad-break": Templates(
        "`{text}` is no place to stop at",
        help=("as in `break 12`, `break 12 if x > 3`, `break if x > 3`, `break nan`, `break grad y > 100`",),
    ),
    "no-such-break": Templates(
        "there is no break {number}",
        help=("there are {known}",),
    ),
}
