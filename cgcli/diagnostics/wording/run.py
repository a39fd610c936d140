"""A run that fails."""

from __future__ import annotations

from .templates import Templates

TEMPLATES: dict[str, Templates] = {
    "integer-division-by-zero": Templates(
        "an int is divided by zero",
        labels={"here": "the divisor is 0"},
        help=("guard it by a condition, as in `if n != 0 then k // n else 0`",),
    ),
    "no-formula": Templates(
        "the derivative of `{op}` has no formula in the language",
        labels={"here": "only `cg grad` with values can follow this"},
        help=("give values in place of `--symbolic`",),
    ),
    "too-many-columns": Templates(
        "the results would be {columns} columns of CSV; the limit is {limit}",
        help=("`--format json` writes tensors of any size",),
    ),
    "integer-overflow": Templates(
        "the result is too large for {type}",
        labels={"here": "does not fit"},
        help=("compute with a float, as in `1.0 * n`",),
    ),
}
