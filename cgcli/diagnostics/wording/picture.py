"""Pictures that cannot be drawn."""

from __future__ import annotations

from .templates import Templates

TEMPLATES: dict[str, Templates] = {
    "layout-too-slow": Templates(
        "the picture was not laid out within {limit} seconds",
        help=(
            "draw less, as with `--budget 60`",
            "name the file `.dot`: that needs no layout, and another program may do it",
        ),
    ),
    "no-such-node": Templates(
        "`{option}`: no value is named `{name}`",
        help=("did you mean `{nearest}`?", "the program names {known}"),
    ),
    "no-such-row": Templates(
        "`--only`: no value, function or operation is called `{name}`",
        help=("did you mean `{nearest}`?", "`cg show FILE` lists them all"),
    ),
    "nothing-to-sort-by": Templates(
        "`--sort {sort}` needs numbers to compare",
        help=("give every input a value; for gradients name the value to differentiate by `--of`",),
    ),
    "too-large-to-draw-here": Templates(
        "{count} {what} are too many to be drawn in a terminal; the limit is {limit}",
        help=("`cg render FILE` draws any graph, `cg show FILE --tree` lists it",),
    ),
    "no-such-call": Templates(
        "`{option}`: no call of `{name}` is in the graph",
        help=("did you mean `{nearest}`?", "there are {known}"),
    ),
    "no-path": Templates(
        "no path leads from `{start}` to `{end}`",
        help=("`cg show FILE --tree` lists what each output is made of",),
    ),
    "no-gradients-to-compare": Templates(
        "`--min-grad` needs gradients to compare",
        help=("give every input a value, and name the value to differentiate by `--of`",),
    ),
    "bad-path": Templates("`--path` takes two names, as `--path w..loss`, not `{value}`"),
    "bad-threshold": Templates("`{option}` takes a number that is not negative, not `{value}`"),
    "needs-focus": Templates("`--radius` says how far from the node of `--focus` to go", help=("add `--focus NAME`",)),
    "picture-of-gradient": Templates(
        "`{option}` does not fit `--view gradient-graph`, where derivatives are values",
        help=("take another `--view`",),
    ),
    "layout-failed": Templates("Graphviz could not lay the picture out: {reason}"),
}
