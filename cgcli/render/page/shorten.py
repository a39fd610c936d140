"""The page's JavaScript and CSS without comments, indentation and needless spaces: names and statements stay.

JavaScript is read token by token; strings, templates and regular expressions are copied letter by letter. A space
stays between two words and between two signs that together would mean something else. No line break stays, so each
statement of the assets ends with a semicolon; `tests/test_page_html.py` holds them to that, and to templates without
templates inside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""(?P<space>(?:\s+|/\*.*?\*/|//[^\n]*)+)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)
    |(?P<word>[\w$]+)
    |(?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
_REGULAR_EXPRESSION = re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*")
_OPERAND_ENDS = re.compile(r"""[\w$)\]}"'`]\Z""")  # behind it a slash divides
_MERGING = {"++", "--", "->"}  # signs that stay apart: `a - -b`, and `-->`, which may begin a comment
_CSS = re.compile(r"""(?P<comment>/\*.*?\*/)|(?P<text>"[^"\n]*")|(?P<code>[^"/]+|/)""", re.DOTALL)


def shorten_javascript(text: str) -> str:
    """A program with the same meaning."""
    kept = [""]
    spaced = False
    for token in _tokens(text):
        if token == " ":
            spaced = True
            continue
        before = kept[-1]
        if (token == "}" and before in (";", ",")) or (
            token in (")", "]") and before == "," and kept[-2] not in (",", "[")
        ):
            kept.pop()
        elif spaced and ((_is_word(before[-1:]) and _is_word(token[0])) or before + token in _MERGING):
            kept.append(" ")
        kept.append(token)
        spaced = False
    return "".join(kept)


def _tokens(text: str) -> Iterator[str]:
    """Words, signs and literals; a space where there are spaces or comments."""
    at, before = 0, ""
    while at < len(text):
        match = None
        if text[at] == "/" and text[at + 1] not in "/*" and (before == "return" or not _OPERAND_ENDS.search(before)):
            match = _REGULAR_EXPRESSION.match(text, at)
        match = match or _TOKEN.match(text, at)
        assert match is not None  # the last alternative takes any character
        at = match.end()
        if match.lastgroup == "space":
            yield " "
        else:
            before = match[0]
            yield before


def _is_word(character: str) -> bool:
    return character.isalnum() or character in ("_", "$")


def shorten_css(text: str) -> str:
    """A style sheet with the same meaning."""
    pieces = [match for match in _CSS.finditer(text) if match.lastgroup != "comment"]
    return "".join(match[0] if match.lastgroup == "text" else _short_style(match[0]) for match in pieces).strip()


def _short_style(code: str) -> str:
    code = re.sub(r" ?([{};,]) ?", r"\1", re.sub(r"\s+", " ", code))
    return re.sub(r"(?<=[\w-]): |;(?=\})", lambda match: match[0].rstrip(" ;"), code)
