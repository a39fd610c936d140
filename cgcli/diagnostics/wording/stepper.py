"""Walking through a run: the commands of `cg step`, and what they are asked."""

from __future__ import annotations

from .words import Words

WORDS: dict[str, Words] = {
    "not-bound-here": Words(
        "`{name}` has no value at this place of the run",
        labels={"here": "not bound yet, or in another call"},
        help=("did you mean `{nearest}`?", "`vars` lists what there is"),
    ),
    "no-slope": Words(
        "`{text}` is no float, which a derivative is asked of",
        help=("name a number or a tensor of floats; `vars` lists what there is",),
    ),
    "not-on-record": Words(
        "`{text}` is not part of the run",
        help=("walk back from a value that the run has computed, by its name",),
    ),
    "interrupted-run": Words("the run was interrupted"),
    "unknown-step": Words(
        "no command `{name}`",
        help=(
            "did you mean `{nearest}`?",
            "`{elsewhere}` walks through the run: `leave` goes back to it",
            "`help` lists the commands",
        ),
    ),
    "step-failed": Words(
        "not every command of the session worked: {commands}",
        help=("what is wrong stands behind each of them on standard output",),
    ),
    "step-count": Words(
        "a whole number from 1 is needed here, not {text}",
        help=("as in `step 5` or `break 12`",),
    ),
    "step-extra": Words("this command stands alone: `{text}` is too much"),
    "step-needs": Words("`{name}` needs {what}"),
    "bad-break": Words(
        "`{text}` is no place to stop at",
        help=("as in `break 12`, `break 12 if x > 3`, `break if x > 3`, `break nan`, `break grad y > 100`",),
    ),
    "no-such-break": Words(
        "there is no break {number}",
        help=("there are {known}",),
    ),
}
