"""Sweeps: the values of their axes, and points that fail."""

from __future__ import annotations

from .templates import Templates, words

FORMS = "say several values as `1,2,5` or `0:1:0.1`; `0..1` is drawn from with `--random N`"

TEMPLATES: dict[str, Templates] = {
    "nothing-swept": words("no input has several values", FORMS),
    "sweep-empty": words("`{option} {value}` has a value that is empty", FORMS),
    "sweep-interval": words(
        "`{option} {value}` is no interval", "an interval goes from a smaller to a larger number, as `0..1`"
    ),
    "sweep-parts": words(
        "`{option} {value}` is no range", "a range has a start, an end and a step: `{option} {range}`"
    ),
    "sweep-no-number": words(
        "`{option} {value}` is a range, and its ends and step are no numbers", "list the values, as `v1,v2,v3`"
    ),
    "sweep-infinite": words("`{option} {value}` is a range with an end or a step that is not finite"),
    "sweep-step-zero": words("the step of `{option} {value}` is 0", "give a step that leads from the start to the end"),
    "sweep-direction": words(
        "the step of `{option} {value}` leads away from its end", "say `{option} {fix}`, or exchange the ends"
    ),
    "too-many-points": words(
        "a sweep has at most {most} points, and these are {count}",
        "take larger steps, or draw some of the points by `--random N`",
    ),
    "sweep-memory": words(
        "the table of {count} points would take {size} of memory",
        "the limit is {limit}: take fewer points, or fewer outputs by `--output A,B`; `--max-memory` allows more",
    ),
    "journal-foreign": words(
        "`{file}` is there already, and holds no finished points", "remove it, or write the table into another file"
    ),
    "sweep-lengths": words(
        "`--zip` takes values of the same place together, and their numbers differ: {lengths}",
        "give lists of equal length, or leave out `--zip` to take each with each",
    ),
    "sweep-undrawn": words(
        "`{name}` is an interval, and nothing says how many points are drawn from it",
        "add `--random N` or `--latin N`, or give it a step, as `0:1:0.1`",
    ),
    "sweep-shapes": words("the values of `{name}` are of several shapes", "sweep over values of one shape"),
    "sweep-unread": words("{outputs} does not depend on {names}", "leave out the input, or name other outputs"),
    "sweep-output-kind": words(
        "`{name}` is no number and no tensor, so it has no place in a table", "name other outputs by `--output A,B`"
    ),
    "sweep-one-value": words(
        "the sweep over `{name}` has a single value", "give it by keyword, as an input that is the same at every point"
    ),
    "sweep-outside-range": words(
        "`{name}` takes values outside {low}..{high}", "the first of them is {value}; its declaration says the range"
    ),
    "sweep-needs-train": words(
        "`{option}` is about trainings", "add `--train`, so that each point is a training, or leave it out"
    ),
    "sweep-seeds": words(
        "`--seed` is the seed of the points that are drawn, and can have one value only",
        "draw the points of one seed, or list all values and leave out `{option}`",
    ),
    "sweep-worker": words(
        "a process that trained ended before its time, perhaps for want of memory",
        "take fewer `--workers`; with `-o FILE` the same command goes on with what is finished",
    ),
    "point-fails": words("point {point} of {count} fails: {values}"),
    "point-error": words("{text}"),
    "sweep-all-fail": words("all {count} points fail; this is the error of the first: {values}"),
    "sweep-sort-tensor": words("`{name}` is a tensor at each point, which has no order", "sort by another column"),
    "sweep-plot-value": words(
        "`--plot` draws one number a point, and the sweep has none", "name an output that is a number by `--output`"
    ),
}
