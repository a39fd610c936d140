"""Names and numbers as a text spells them: a name is compared in NFKC, a number is read from its digits."""

from __future__ import annotations

LARGEST_INT = 2**63 - 1
INF = float("inf")
SHORT = 100  # characters of a text that is normalised at once
_OF_NUMBERS = frozenset("0123456789.eE+-")


def identifier(token: str) -> str:
    """A name as it is compared: in NFKC, as Python does."""
    return str(token) if token.isascii() else nfkc(str(token))


def is_ascii_name(text: str) -> bool:
    """Whether a text is a name that is the same in every encoding, and needs no escape anywhere."""
    return text.isascii() and text.isidentifier()


def nfkc(text: str) -> str:
    """The text in NFKC. A long one is decomposed and its marks are put in order here, for `unicodedata` sorts them in
    quadratic time."""
    import unicodedata
    from itertools import groupby

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
    text = text.strip(" \t\r\n")
    if not _OF_NUMBERS.issuperset(text) or text.startswith("+"):
        return None
    try:
        decimal = float(text)
    except ValueError:
        return None
    if decimal in (INF, -INF):
        return None
    negative = text.startswith("-")
    if decimal == 0 and negative:
        return -0.0
    return number(text.removeprefix("-"), -1 if negative else 1)
