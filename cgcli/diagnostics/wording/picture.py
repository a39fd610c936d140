"""Pictures that cannot be drawn."""

from __future__ import annotations

from .words import Words

WORDS: dict[str, Words] = {
    "layout-too-slow": Words(
        "the picture was not laid out within {limit} seconds",
        help=(
            "draw less, as with `--budget 60`",
            "name the file `.dot`: that needs no layout, and another program may do it",
        ),
    ),
    "no-such-node": Words(
        "`{option}`: no value is named `{name}`",
        help=("did you mean `{nearest}`?", "the program names {known}"),
    ),
    "no-such-row": Words(
        "`--only`: no value, function or operation is called `{name}`",
        help=("did you mean `{nearest}`?", "`cg show FILE` lists them all"),
    ),
    "nothing-to-sort-by": Words(
        "`--sort {sort}` needs numbers to compare",
        help=("give every input a value; for gradients name the value to differentiate by `--of`",),
    ),
    "too-large-to-draw-here": Words(
        "{count} {what} are too many to be drawn in a terminal; the limit is {limit}",
        help=("`cg render FILE` draws any graph, `cg show FILE --tree` lists it",),
    ),
    "no-such-call": Words(
        "`{option}`: no call of `{name}` is in the graph",
        help=("did you mean `{nearest}`?", "there are {known}"),
    ),
    "no-path": Words(
        "no path leads from `{start}` to `{end}`",
        help=("`cg show FILE --tree` lists what each output is made of",),
    ),
    "no-gradients-to-compare": Words(
        "`--min-grad` needs gradients to compare",
        help=("give every input a value, and name the value to differentiate by `--of`",),
    ),
    "bad-path": Words("`--path` takes two names, as `--path w..loss`, not `{value}`"),
    "bad-threshold": Words("`{option}` takes a number that is not negative, not `{value}`"),
    "needs-focus": Words("`--radius` says how far from the node of `--focus` to go", help=("add `--focus NAME`",)),
    "picture-of-gradient": Words(
        "`{option}` does not fit `--view gradient-graph`, where derivatives are values",
        help=("take another `--view`",),
    ),
    "layout-failed": Words("Graphviz could not lay the picture out: {reason}"),
}
