"""Calls from Python: values by name, arrays of other libraries."""

from __future__ import annotations

from .templates import Templates, words

TEMPLATES: dict[str, Templates] = {
    "name-type": words("the name of a value is a text, and `{name}` is of the type `{kind}`"),
    "values-without-names": words(
        "values are given by name, and this is a value of type `{kind}`",
        "say `f(a=2)` or `f({{'a': 2}})`",
        "a table has a result for each of its rows by `{table}`",
    ),
    "value-twice": words(
        "the input `{name}` is given twice",
        "give it in the mapping or by keyword, not in both",
    ),
    "two-array-libraries": words(
        "`{first}` is an array of {first_library} and `{second}` one of {second_library}",
        "give both in one library, so that it is clear in which one the results are",
    ),
    "tensor-requires-grad": words(
        "`{name}` is a tensor that records its gradient, which would end at cg",
        "give `{name}.detach()`; `f.grad` computes the derivatives",
    ),
    "array-on-device": words(
        "`{name}` is an array of {library} in the memory of another device",
        "cg computes on the processor: move it there first, as by `.cpu()`",
    ),
    "missing-elements": words(
        "`{name}` has missing elements: {count}",
        "fill them in, or leave such rows out, before the call",
    ),
    "table-as-value": words(
        "`{name}` is given a table, a value of type `{kind}`",
        "give one of its columns, or its numbers as an array",
        "a result for each of its rows is `f.map`",
    ),
    "array-unreadable": words(
        "the array for `{name}` cannot be read: {reason}",
        "convert it to a NumPy array first",
    ),
    "row-labels-differ": words(
        "the columns `{first}` and `{second}` have the same number of rows and different labels",
        "give both one index, as by `reset_index(drop=True)`",
    ),
    "no-source": words(
        "this program was not read from a text or a file",
        "open it by `cgcli.load` or `cgcli.parse`",
    ),
}
