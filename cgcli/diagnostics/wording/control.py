"""Blocks, branches, loops, returns and assertions."""

from __future__ import annotations

from .templates import Templates, words

TEMPLATES: dict[str, Templates] = {
    # names
    "bound-in-one-branch": words(
        "`{name}` is bound on one side of an `if` only",
        "bind it on the other side as well, or in front of the `if`",
        here="used here, whichever side was taken",
        bound="bound here",
        condition="where this is {holds}, nothing binds it",
    ),
    "bound-in-loop": words(
        "`{name}` is bound in a loop only, which may run no step",
        "bind it in front of the loop too, as in `{name} = 0`",
        here="used here, behind the loop",
        bound="bound here, in the loop",
    ),
    "loop-variable-after": words(
        "the variable `{name}` ends with its loop",
        "keep its value under another name that is bound in front of the loop",
        here="used here, behind the loop",
        bound="the variable of this loop",
    ),
    # blocks
    "declaration-in-block": words(
        "{what} cannot stand in a block", "move it to the top level of the file", here="within a block or a function"
    ),
    "never-runs": words(
        "this never runs",
        "remove it, or move it in front of the `return`",
        here="stands below a `return`",
        exit="each way ends here",
    ),
    "sides-shapes-of": words(
        "{what} has another shape on each side of `if`",
        "give both sides one shape",
        "a shape that depends on a condition needs the dynamic mode, which cg does not have yet (`--mode dynamic`)",
        here="{first_is} on the one side, {second_is} on the other",
    ),
    "returns-differ": words(
        "this `return` gives {results}, another one {others}",
        "give the same number of results everywhere",
        here="{results}",
        other="{others}",
    ),
    # loops
    "loop-for-nothing": words(
        "this loop computes nothing",
        "bind in front of the loop what its steps change, as in `total = 0`",
        here="its steps change no name that has a value in front of it",
    ),
    "range-end": words(
        "a range runs from an int to an int",
        "write a whole number, a size or an int input; `floor` gives a float",
        here="this is {type}",
    ),
    "not-iterable": words(
        "`for` goes over a range or over the items of a tensor",
        "count with a range, as in `0..{count}`",
        here="this is {type}",
    ),
    "carry-shape": words(
        "the loop changes the shape of `{name}`",
        "keep the shape, for example by a tensor that is as large as it will get and `{name}[i] = …`",
        "a loop that changes a shape needs the dynamic mode: `--mode dynamic`",
        here="`{name}` is {before} in front of the loop and {after} after a step",
    ),
    "derivative-through-loop": words(
        "`{function}` cannot look back through the steps of the loop around it",
        "differentiate behind the loop, or by a name that is bound in the step",
        "call a function with both as arguments, to differentiate this step alone",
        here="depends on what earlier steps made of `{name}`",
        variable="bound outside of the loop",
    ),
    "derivative-through-item": words(
        "`{function}` cannot look back through an item that the loop around it reads",
        "compute the item within the step, from the value that you differentiate by",
        "differentiate behind the loop",
        here="depends on an item of `{name}`",
        variable="what it reads depends on this",
    ),
    # runs
    "assertion-failed": words("assertion failed: {message}", "in row {row} of the batch", here="{numbers}"),
    "assertion-failed-plain": words("assertion failed", "in row {row} of the batch", here="{numbers}"),
    "too-many-steps": words(
        "the loops have run {limit} steps, as many as are allowed",
        "does its condition ever become false? `--max-steps` allows more",
        here="still running here",
    ),
    "stacks-too-large": words(
        "what this loop keeps of its steps takes more than {limit}",
        "`--max-memory` allows more",
        here="too many steps, or too much of each",
    ),
    # found where a graph is made: lowering never makes such a node
    "body-inputs": words("this is a bug in cg: a loop's body does not fit its operands"),
    "target-indices": words("this is a bug in cg: the indices of a target have different shapes"),
    "carry-changes": words("this is a bug in cg: a loop's body changes the type of what it carries"),
    "side-inputs": words("this is a bug in cg: a side of `if` does not fit its operands"),
    "not-a-list": words("this is a bug in cg: `{op}` of a value without items"),
    "not-an-int": words("this is a bug in cg: a trip count that is no int"),
}
