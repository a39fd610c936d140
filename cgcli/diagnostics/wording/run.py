"""A run that fails."""

from __future__ import annotations

from .templates import Templates, words

TEMPLATES: dict[str, Templates] = {
    "integer-division-by-zero": words(
        "an int is divided by zero",
        "guard it by a condition, as in `if n != 0 then k // n else 0`",
        here="the divisor is 0",
    ),
    "no-formula": words(
        "the derivative of `{op}` has no formula in the language",
        "give values in place of `--symbolic`",
        here="only `cg grad` with values can follow this",
    ),
    "too-many-columns": words(
        "the results would be {columns} columns of CSV; the limit is {limit}",
        "`--format json` writes tensors of any size",
    ),
    "integer-overflow": words(
        "the result is too large for {type}", "compute with a float, as in `1.0 * n`", here="does not fit"
    ),
}
