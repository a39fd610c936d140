"""The page's JavaScript and CSS without comments, indentation and needless spaces.

Names stay and no statement changes; strings, templates and regular expressions are copied letter by letter. The rules
hold for the assets of this folder, which keep to what `tests/test_page_html.py` asks of them: each statement ends with
a semicolon, and no template has another one inside.
"""

from __future__ import annotations

import re

_JAVASCRIPT = re.compile(
    r"""(?P<comment>/\*.*?\*/|(?<![:\\])//[^\n]*)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`
        |(?<=[(,=:\[!&|?{};\n])\ ?/(?![*/])(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*)
    |(?P<code>[^"'`/]+|/)""",
    re.VERBOSE | re.DOTALL,
)
_CSS = re.compile(r"""(?P<comment>/\*.*?\*/)|(?P<text>"[^"\n]*")|(?P<code>[^"/]+|/)""", re.DOTALL)


def shorten_javascript(text: str) -> str:
    """A program with the same meaning."""
    pieces = _pieces(_JAVASCRIPT, text)
    return "".join(piece if copied else _short_code(piece) for copied, piece in pieces).strip()


def shorten_css(text: str) -> str:
    """A style sheet with the same meaning."""
    pieces = _pieces(_CSS, text)
    return "".join(piece if copied else _short_style(piece) for copied, piece in pieces).strip()


def _pieces(syntax: re.Pattern[str], text: str) -> list[tuple[bool, str]]:
    """The text without its comments, in pieces: whether each is to be copied, and the piece."""
    pieces: list[tuple[bool, str]] = []
    for match in syntax.finditer(text):
        copied = match.lastgroup == "text"
        if match.lastgroup == "comment":
            continue
        if pieces and not copied and not pieces[-1][0]:
            pieces[-1] = (False, pieces[-1][1] + match[0])
        else:
            pieces.append((copied, match[0].lstrip() if copied else match[0]))
    return pieces


def _short_code(code: str) -> str:
    code = re.sub(r"\s*\n\s*", "\n", code)
    code = re.sub(r"\s*([(\[,;:?=<>&|*!])\s*", r"\1", code)
    code = re.sub(r"(\{)\s+|\s+(?=[})\]])", r"\1", code)
    code = re.sub(r"(?<=[\w)\]]) ([-+/%]) (?=[\w(\[]|$)", r"\1", code)
    code = re.sub(r"(?<=[)\w}]) \{|(?<=\}) (?=\w)", lambda m: m[0].strip(), code)
    return re.sub(r"[;,](?=\})|,(?=[)\]])", "", code)


def _short_style(code: str) -> str:
    code = re.sub(r"\s+", " ", code)
    code = re.sub(r" ?([{};,]) ?", r"\1", code)
    return re.sub(r"(?<=[\w-]): |;(?=\})", lambda m: ":" if m[0] == ": " else "", code)
