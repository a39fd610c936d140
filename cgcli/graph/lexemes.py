"""Names and numbers as a text spells them: a name is compared in NFKC, a number is read from its digits."""

from __future__ import annotations

import math
import re
import unicodedata
from itertools import groupby

LARGEST_INT = 2**63 - 1
SHORT = 100  # characters of a text that is normalised at once
_PLAIN = re.compile(r"(-?)(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)")


def identifier(token: str) -> str:
    """A name as it is compared: in NFKC, as Python does."""
    return str(token) if token.isascii() else nfkc(str(token))


def nfkc(text: str) -> str:
    """The text in NFKC. A long one is decomposed and its marks are put in order here, for `unicodedata` sorts them in
    quadratic time."""
    if len(text) <= SHORT:
        return unicodedata.normalize("NFKC", text)
    decomposed = "".join([unicodedata.normalize("NFKD", c) for c in text])
    runs = groupby(decomposed, key=lambda c: unicodedata.combining(c) > 0)
    ordered = [c for marks, run in runs for c in (sorted(run, key=unicodedata.combining) if marks else run)]
    return unicodedata.normalize("NFC", "".join(ordered))


def number(text: str, sign: int = 1) -> float | int:
    """A literal's value times its sign; an integer that 64 bits do not hold is a float."""
    digits = text.replace("_", "")
    if not digits.isdigit():
        return sign * float(digits)
    # int() refuses very long digit strings; float() does not, and no integer of 64 bits is longer than 19 digits
    significant = digits.lstrip("0") or "0"
    if len(significant) > 19:
        return sign * float(significant)
    value = sign * int(significant)
    return value if -LARGEST_INT - 1 <= value <= LARGEST_INT else float(value)


def plain_number(text: str) -> float | int | None:
    """The number that `text` is when it is a literal with at most one sign, else None.

    None too for one beyond the range of floats; `-0` is the float, for it has a sign.
    """
    match = _PLAIN.fullmatch(text.strip(" \t\r\n"))
    if match is None or not text.isascii():
        return None
    value = number(match[2], -1 if match[1] else 1)
    if math.isinf(value):
        return None
    return -0.0 if match[1] and value == 0 else value
