"""Blocks, branches, loops, returns and assertions."""

from __future__ import annotations

from .templates import Templates

TEMPLATES: dict[str, Templates] = {
    # names
    "bound-in-one-branch": Templates(
        "`{name}` is bound on one side of an `if` only",
        labels={
            "here": "used here, whichever side was taken",
            "bound": "bound here",
            "condition": "where this is {holds}, nothing binds it",
        },
        help=("bind it on the other side as well, or in front of the `if`",),
    ),
    "bound-in-loop": Templates(
        "`{name}` is bound in a loop only, which may run no step",
        labels={"here": "used here, behind the loop", "bound": "bound here, in the loop"},
        help=("bind it in front of the loop too, as in `{name} = 0`",),
    ),
    "loop-variable-after": Templates(
        "the variable `{name}` ends with its loop",
        labels={"here": "used here, behind the loop", "bound": "the variable of this loop"},
        help=("keep its value under another name that is bound in front of the loop",),
    ),
    # blocks
    "declaration-in-block": Templates(
        "{what} cannot stand in a block",
        labels={"here": "within a block or a function"},
        help=("move it to the top level of the file",),
    ),
    "never-runs": Templates(
        "this never runs",
        labels={"here": "stands below a `return`", "return": "each way ends here"},
        help=("remove it, or move it in front of the `return`",),
    ),
    "sides-shapes-of": Templates(
        "{what} has another shape on each side of `if`",
        labels={"here": "{first_is} on the one side, {second_is} on the other"},
        help=(
            "give both sides one shape",
            "a shape that depends on a condition needs the dynamic mode, which cg does not have yet (`--mode dynamic`)",
        ),
    ),
    "returns-differ": Templates(
        "this `return` gives {given}, another one {wanted}",
        labels={"here": "{given}", "other": "{wanted}"},
        help=("give the same number of results everywhere",),
    ),
    # loops
    "loop-for-nothing": Templates(
        "this loop computes nothing",
        labels={"here": "its steps change no name that has a value in front of it"},
        help=("bind in front of the loop what its steps change, as in `total = 0`",),
    ),
    "range-end": Templates(
        "a range runs from an int to an int",
        labels={"here": "this is {type}"},
        help=("write a whole number, a size or an int input; `floor` gives a float",),
    ),
    "not-iterable": Templates(
        "`for` goes over a range or over the items of a tensor",
        labels={"here": "this is {type}"},
        help=("count with a range, as in `0..{count}`",),
    ),
    "carry-shape": Templates(
        "the loop changes the shape of `{name}`",
        labels={"here": "`{name}` is {before} in front of the loop and {after} after a step"},
        help=(
            "keep the shape, for example by a tensor that is as large as it will get and `{name}[i] = …`",
            "a loop that changes a shape needs the dynamic mode: `--mode dynamic`",
        ),
    ),
    "derivative-through-loop": Templates(
        "`{function}` cannot look back through the steps of the loop around it",
        labels={"here": "depends on what earlier steps made of `{name}`", "variable": "bound outside of the loop"},
        help=(
            "differentiate behind the loop, or by a name that is bound in the step",
            "call a function with both as arguments, to differentiate this step alone",
        ),
    ),
    "derivative-through-item": Templates(
        "`{function}` cannot look back through an item that the loop around it reads",
        labels={"here": "depends on an item of `{name}`", "variable": "what it reads depends on this"},
        help=(
            "compute the item within the step, from the value that you differentiate by",
            "differentiate behind the loop",
        ),
    ),
    # runs
    "assertion-failed": Templates(
        "assertion failed: {message}",
        labels={"here": "{found}"},
        help=("in row {row} of the batch",),
    ),
    "assertion-failed-plain": Templates(
        "assertion failed",
        labels={"here": "{found}"},
        help=("in row {row} of the batch",),
    ),
    "too-many-steps": Templates(
        "the loops have run {limit} steps, as many as are allowed",
        labels={"here": "still running here"},
        help=("does its condition ever become false? `--max-steps` allows more",),
    ),
    "stacks-too-large": Templates(
        "what this loop keeps of its steps takes more than {limit}",
        labels={"here": "too many steps, or too much of each"},
        help=("`--max-memory` allows more",),
    ),
    # found where a graph is made: lowering never makes such a node
    "body-inputs": Templates("this is a bug in cg: a loop's body does not fit its operands"),
    "carry-changes": Templates("this is a bug in cg: a loop's body changes the type of what it carries"),
    "side-inputs": Templates("this is a bug in cg: a side of `if` does not fit its operands"),
    "not-a-list": Templates("this is a bug in cg: `{op}` of a value without items"),
    "not-an-int": Templates("this is a bug in cg: a trip count that is no int"),
}
