"""The page's JavaScript and CSS made short: no comments, no needless spaces, short names for variables.

JavaScript is read token by token; strings, templates and regular expressions are copied letter by letter. A space
stays between two words and between two signs that together would mean something else. A variable's name is replaced
by the same short one everywhere; names of properties stay, and so does `OUTSIDE`. This is no JavaScript parser: it
holds for the assets of this folder, which `tests/test_page_html.py` keeps to what it understands.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, product
from string import ascii_letters

KEYWORDS = frozenset(
    "break catch const continue do else false for function if in let new null of return true try typeof undefined "
    "while Infinity NaN".split()
)
OUTSIDE = frozenset(
    "Boolean EventSource Float64Array Int32Array JSON Map Math Number Object ResizeObserver Set String URLSearchParams "
    "Uint8Array addEventListener clearInterval clearTimeout document getComputedStyle history location matchMedia "
    "passes requestAnimationFrame setInterval setTimeout".split()
)
"""What the browser and the program that computes define."""

_TOKEN = re.compile(
    r"""(?P<space>(?:\s+|/\*.*?\*/|//[^\n]*)+)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)
    |(?P<word>[\w$]+)
    |(?P<sign>\.\.\.|=>|\+\+|--|.)""",
    re.VERBOSE | re.DOTALL,
)
_REGULAR_EXPRESSION = re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*")
_TEMPLATE = re.compile(r"(`[^`$]*(?:\$(?!\{)[^`$]*)*(?:\$\{|`)|[^}`]+|\}[^`$]*(?:\$(?!\{)[^`$]*)*(?:\$\{|`))")
_OPERAND_ENDS = re.compile(r"""[\w$)\]}"'`]\Z""")  # behind it a slash divides
_NAME = re.compile(r"[A-Za-z_$][\w$]*\Z")
_APART = {"++", "--", "->"}  # signs between which a space stays: `a - -b`, and `-->`, which may begin a comment
_CSS = re.compile(r"""(?P<comment>/\*.*?\*/)|(?P<text>"[^"\n]*")|(?P<code>[^"/]+|/)""", re.DOTALL)


def shorten_javascript(text: str) -> str:
    """A program with the same meaning, whose names at the top level are others."""
    return _joined(_merged(_renamed(list(tokens(text)))))


def tokens(text: str) -> Iterator[str]:
    """Words, signs and literals, without the spaces and comments between them."""
    at, before = 0, ""
    while at < len(text):
        match = None
        if text[at] == "/" and text[at + 1] not in "/*" and (before == "return" or not _OPERAND_ENDS.search(before)):
            match = _REGULAR_EXPRESSION.match(text, at)
        match = match or _TOKEN.match(text, at)
        assert match is not None  # the last alternative takes any character
        at = match.end()
        if match.lastgroup == "space":
            continue
        before = match[0]
        if before[0] != "`":
            yield before
            continue
        for piece in _TEMPLATE.findall(before):  # its texts, and between them code
            yield from (piece,) if piece[0] in "`}" else tokens(piece)


def variables(program: list[str]) -> Iterator[tuple[int, bool]]:
    """Where variables stand among the tokens, and whether each is a property of the same name too."""
    closing = _closing(program)
    inside: list[str] = []
    for k, token in enumerate(program):
        if _opens(token):
            if _closes(token):
                inside.pop()
            inside.append(token)
        elif _closes(token):
            inside.pop()
        if not _NAME.match(token) or token in KEYWORDS or token in OUTSIDE or program[k - 1] == ".":
            continue
        after = program[k + 1]
        if inside[-1:] == ["{"] and program[k - 1] in ("{", ","):
            is_method = after == "(" and program[closing[k + 1] + 1] == "{"
            if after == ":" or is_method:
                continue
            yield k, after in (",", "}")
        else:
            yield k, False


def _closing(program: list[str]) -> dict[int, int]:
    """The bracket that closes each one."""
    opened: list[int] = []
    pairs: dict[int, int] = {}
    for k, token in enumerate(program):
        if _closes(token):
            pairs[opened.pop()] = k
        if _opens(token):
            opened.append(k)
    return pairs


def _opens(token: str) -> bool:
    return token in ("(", "[", "{") or (token[0] in "`}" and token.endswith("${"))


def _closes(token: str) -> bool:
    return token in (")", "]", "}") or (token[0] == "}" and len(token) > 1)


def _renamed(program: list[str]) -> list[str]:
    """The tokens with short names for variables, the shortest for the most frequent one."""
    used = list(variables(program))
    counts = Counter(program[k] for k, _ in used)
    names = (name for name in _short_names() if name not in KEYWORDS and name not in OUTSIDE)
    short = {name: next(names) for name in sorted(counts, key=lambda name: (-counts[name], name))}
    renamed = list(program)
    for k, is_property in used:
        name = program[k]
        renamed[k] = f"{name}:{short[name]}" if is_property else short[name]
    return renamed


def _short_names() -> Iterator[str]:
    return chain(ascii_letters, ("".join(pair) for pair in product(ascii_letters, repeat=2)))


def _merged(program: list[str]) -> list[str]:
    """The tokens with one `let` for declarations in a row, and without parentheses around a function's only name."""
    merged: list[str] = []
    declares = [False]  # of the statement in each bracket around a token, whether it is a declaration
    for each in program:
        token = "let" if each == "const" else each
        before = merged[-1] if merged else ";"
        if _closes(token):
            declares.pop()
        if _opens(token):
            declares.append(False)
        if token == "let":
            if before == ";" and declares[-1]:
                merged[-1] = ","
                continue
            declares[-1] = before in (";", "{", "}")
        elif before == ";" and not _closes(token):
            declares[-1] = False
        if token == "=>" and before == ")" and merged[-3] == "(" and _NAME.match(merged[-2]):
            merged[-3:] = merged[-2:-1]
        merged.append(token)
    return merged


def _joined(program: Iterable[str]) -> str:
    kept = [""]
    for token in program:
        before = kept[-1]
        is_last = token == "}" or (token in (")", "]") and kept[-2:-1] not in ([","], ["["]))
        if (is_last and before == ",") or (token == "}" and before == ";"):
            kept.pop()
        elif (_is_word(before[-1:]) and _is_word(token[0])) or before[-1:] + token[0] in _APART:
            kept.append(" ")
        kept.append(token)
    return "".join(kept)


def _is_word(character: str) -> bool:
    return character.isalnum() or character in ("_", "$")


def shorten_css(text: str) -> str:
    """A style sheet with the same meaning."""
    pieces = [match for match in _CSS.finditer(text) if match.lastgroup != "comment"]
    return "".join(match[0] if match.lastgroup == "text" else _short_style(match[0]) for match in pieces).strip()


def _short_style(code: str) -> str:
    code = re.sub(r" ?([{};,]) ?", r"\1", re.sub(r"\s+", " ", code))
    return re.sub(r"(?<=[\w-]): |;(?=\})", lambda match: match[0].rstrip(" ;"), code)
