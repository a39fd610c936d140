"""Walking through a run: the commands of `cg step`, and what they are asked."""

from __future__ import annotations

from .templates import Templates, words

TEMPLATES: dict[str, Templates] = {
    "not-bound-here": words(
        "`{name}` has no value at this place of the run",
        "did you mean `{nearest}`?",
        "`vars` lists what there is",
        here="not bound yet, or in another call",
    ),
    "no-slope": words(
        "`{text}` is no float, which a derivative is asked of",
        "name a number or a tensor of floats; `vars` lists what there is",
    ),
    "not-on-record": words(
        "`{text}` is not part of the run", "walk back from a value that the run has computed, by its name"
    ),
    "interrupted-run": words("the run was interrupted"),
    "unknown-step": words(
        "no command `{name}`",
        "did you mean `{nearest}`?",
        "`{elsewhere}` walks through the run: `leave` goes back to it",
        "`help` lists the commands",
    ),
    "step-failed": words(
        "not every command of the session worked: {commands}",
        "what is wrong stands behind each of them on standard output",
    ),
    "step-count": words("a whole number from 1 is needed here, not {text}", "as in `step 5` or `break 12`"),
    "step-extra": words("this command stands alone: `{text}` is too much"),
    "step-needs": words("`{name}` needs {what}"),
    "no-run-picture": words("`draw` writes no `{kind}`", "it writes {kinds}"),
    "bad-break": words(
        "`{text}` is no place to stop at",
        "as in `break 12`, `break 12 if x > 3`, `break if x > 3`, `break nan`, `break inf`, `break grad y > 100`",
        "the run calls {functions}",
    ),
    "bad-pass-break": words(
        "the backward pass does not stop at `{text}`",
        "it stops at `nan`, `inf` and `grad NAME > T`; `leave` goes back to the run, which stops at lines",
    ),
    "no-such-break": words("there is no break {number}", "there are {numbers}"),
}
