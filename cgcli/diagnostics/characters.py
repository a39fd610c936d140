"""Characters that a reader cannot see, or that change how others are shown: none may stand in a program."""

from __future__ import annotations

import re

# Control and format characters, line and paragraph separators, halves of surrogate pairs; of these a program
# may hold newline, tab and form feed, and CR before a newline.
HIDDEN_CLASS = (
    r"\x00-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\ud800-\udfff\ufeff\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff"
)
_FORBIDDEN = re.compile(rf"(?![\t\n\f]|\r\n)[{HIDDEN_CLASS}]")


def first_hidden(text: str) -> int | None:
    """The place of the first character that may not stand in a program, or None."""
    found = _FORBIDDEN.search(text)
    return found.start() if found else None
