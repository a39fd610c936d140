"""Pictures that cannot be drawn."""

from __future__ import annotations

from .templates import Templates, words

TEMPLATES: dict[str, Templates] = {
    "layout-too-slow": words(
        "the picture was not laid out within {limit} seconds of the processor's time",
        "draw less: close calls with `--depth 0` or `--fold NAME`, or take a smaller `--budget`",
        "name the file `.dot`: that needs no layout, and another program may do it",
    ),
    "no-such-node": words(
        "`{option}`: no value is named `{name}`", "did you mean `{nearest}`?", "the program names {names}"
    ),
    "no-such-row": words(
        "`--only`: no value, function or operation is called `{name}`",
        "did you mean `{nearest}`?",
        "`cg show FILE` lists them all",
    ),
    "nothing-to-sort-by": words(
        "`--sort {sort}` needs numbers to compare",
        "give every input a value; for gradients name the value to differentiate by `--of`",
    ),
    "too-large-to-draw-here": words(
        "{count} {what} are too many to be drawn in a terminal; the limit is {limit}",
        "`cg render FILE` draws any graph, `cg show FILE --tree` lists it",
    ),
    "no-such-call": words(
        "`{option}`: no call of `{name}` is in the graph", "did you mean `{nearest}`?", "there are {names}"
    ),
    "no-path": words(
        "no path leads from `{start}` to `{end}`", "`cg show FILE --tree` lists what each output is made of"
    ),
    "no-gradients-to-compare": words(
        "`{option}` needs gradients to compare",
        "give every input a value, and name the value to differentiate by `--of`",
    ),
    "bad-size": words("`{option}` takes a width in pixels as `1200`, or a factor as `2x`, not `{value}`"),
    "bad-colour": words("`{option}` takes a colour as `#f5f5f5`, `white` or `black`, or `none`, not `{value}`"),
    "no-frame": words(
        "`{file}` is no frame that cg has written, so it is not replaced", "name another folder, or move it away"
    ),
    "frame-left": words("`{file}` of an earlier run cannot be removed: {reason}"),
    "frames-are-files": words(
        "`--frames` takes a folder, for it writes many files", "name one, as in `--frames frames`"
    ),
    "too-many-frames": words(
        "the passes over this picture have {count} frames; the limit is {limit}",
        "draw less: close calls with `--depth 0` or `--fold NAME`, or take a smaller `--budget`",
    ),
    "no-effect-on-kind": words("`{option}` has no effect on a `{kind}`", "it has one on {kinds}"),
    "bad-path": words("`--path` takes two names, as `--path w..loss`, not `{value}`"),
    "bad-threshold": words("`{option}` takes a number that is not negative, not `{value}`"),
    "needs-focus": words("`--radius` says how far from the node of `--focus` to go", "add `--focus NAME`"),
    "picture-of-gradient": words(
        "`{option}` does not fit `--view gradient-graph`, where derivatives are values", "take another `--view`"
    ),
    "layout-failed": words("Graphviz could not lay the picture out: {reason}"),
}
