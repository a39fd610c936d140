"""Characters that are in no token: signs from books, from other languages, from word processors."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.diagnostics.source import Source, Span

# their spelling in cg, which some of them hardly differ from in a font
SIGNS = {
    **dict.fromkeys("−–—‒―﹣－", "-"),
    **dict.fromkeys("×∗⋅∙•✕✖", "*"),
    **dict.fromkeys("÷∕⁄", "/"),
    **dict.fromkeys("≤≦⩽", "<="),
    **dict.fromkeys("≥≧⩾", ">="),
    **dict.fromkeys("≠", "!="),
    **dict.fromkeys("≡", "=="),
    **dict.fromkeys("←≔", "="),
    **dict.fromkeys("∧", "and"),
    **dict.fromkeys("∨", "or"),
    **dict.fromkeys("¬", "not"),
    **dict.fromkeys("“”„«»‟", '"'),
    **dict.fromkeys("…", "..."),
    **dict.fromkeys("‥", ".."),
    **dict.fromkeys("√", "sqrt(…)"),
    **dict.fromkeys("∑", "sum(…)"),
    **dict.fromkeys("∏", "prod(…)"),
    **dict.fromkeys("∞", "inf"),
    **dict.fromkeys("&", "and"),
    **dict.fromkeys("|", "or"),
    **dict.fromkeys("!", "not"),
    **dict.fromkeys("~", "not"),
}
DOUBLED = {"&&": "and", "||": "or", "!!": "not not"}
CONDITIONAL = re.compile(
    r"(?:.*[^<>=!]=(?!=)|)\s*(?P<if>[^?=]*[^?=\s])\s*\?\s*(?P<then>[^:?]*[^:?\s])\s*:\s*(?P<else>[^:?#]*[^:?#\s])\s*"
)
QUOTED = re.compile(r"'([^'\"\\\n]*)'|‘([^’\"\\\n]*)’")
BARS = re.compile(r"\|([^|\n]*[^|\n\s][^|\n]*)\|(?!\|)")


def comment(source: Source, at: int) -> CgError | None:
    """A word of a comment that begins with another sign: `// it's`."""
    start = source.text.rfind("\n", 0, at) + 1
    begins = source.text[start:at].lstrip()
    if not begins.startswith(("//", "/*")):
        return None
    start = at - len(begins)
    return error("foreign-comment", Span(source, start, start + 2), sign=begins[:2])


def double_quote(source: Source, at: int) -> CgError | None:
    """A text that is not closed on its line."""
    if source.text[at] != '"':
        return None
    end = source.text.find("\n", at)
    span = Span(source, at, len(source.text) if end < 0 else end)
    return error("unclosed-text", Span(source, at, at + len(span.text.rstrip())))


def single_quote(source: Source, at: int) -> CgError | None:
    """`'a'`, `x'`"""
    if source.text[at] not in "'‘’":
        return None
    if at and (source.text[at - 1].isalnum() or source.text[at - 1] in "_)]"):
        return error("prime", Span(source, at, at + 1))
    match = QUOTED.match(source.text, at)
    if match is None:
        return error("foreign-character", Span(source, at, at + 1), character=source.text[at], write='"')
    return error("single-quotes", Span(source, at, match.end()), write=f'"{match[1] or match[2] or ""}"')


def bars(source: Source, at: int) -> CgError | None:
    """`|x|`"""
    if source.text[at] != "|" or source.text.startswith("||", at):
        return None
    match = BARS.match(source.text, at)
    if match is None:
        return None
    return error("bars", Span(source, at, match.end()), write=f"abs({match[1].strip()})")


def conditional(source: Source, at: int) -> CgError | None:
    """`x ? 1 : 2`"""
    if source.text[at] != "?":
        return None
    text = source.line(source.position(at)[0])
    match = CONDITIONAL.fullmatch(text) if len(text) < 200 else None
    write = None if match is None else f"if {match['if']} then {match['then']} else {match['else']}"
    return error("question-mark", Span(source, at, at + 1), write=write)


def doubled(source: Source, at: int) -> CgError | None:
    """`a && b`"""
    pair = source.text[at : at + 2]
    if pair not in DOUBLED:
        return None
    return error("foreign-operator", Span(source, at, at + 2), operator=pair, write=DOUBLED[pair])


def backslash(source: Source, at: int) -> CgError | None:
    """`\\` before a newline"""
    if source.text[at] == "\\" and not source.text[at + 1 :].split("\n", 1)[0].strip():
        return error("backslash-newline", Span(source, at, at + 1))
    return None


def sign(source: Source, at: int) -> CgError | None:
    """`a × b`, `a ≤ b`"""
    character = source.text[at]
    write = SIGNS.get(character) or _ascii(character)
    if write is None:
        return None
    return error("foreign-character", Span(source, at, at + 1), character=character, write=write)


def _ascii(character: str) -> str | None:
    """The ASCII equivalent of a character: of digits of other scripts, full-width forms, odd blanks."""
    if unicodedata.category(character) == "Zs":
        return " "
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    plain = unicodedata.normalize("NFKC", character)
    return plain if plain != character and len(plain) == 1 and plain.isascii() and plain.isprintable() else None


RULES: tuple[Callable[[Source, int], CgError | None], ...] = (
    comment,
    double_quote,
    single_quote,
    bars,
    conditional,
    doubled,
    backslash,
    sign,
)


def explain_character(source: Source, at: int) -> CgError:
    """What is wrong with a character that begins no token."""
    for rule in RULES:
        problem = rule(source, at)
        if problem is not None:
            return problem
    return error("foreign-character", Span(source, at, at + 1), character=source.text[at])


def explain_name(source: Source, start: int, name: str) -> CgError:
    """What is wrong with a name that is no identifier: `x²`, `²`."""
    at = next((i for i in range(len(name)) if not name[: i + 1].isidentifier()), 0)
    character = name[at]
    digit = unicodedata.normalize("NFKC", character)
    base = name[:at]
    if digit.isascii() and digit.isdigit() and "SUPERSCRIPT" in unicodedata.name(character, ""):
        exponent = "".join(unicodedata.normalize("NFKC", c) for c in name[at:])
        write = f"{base or '…'}^{exponent}" if exponent.isascii() and exponent.isdigit() else None
        if not base and start and source.text[start - 1].isascii() and source.text[start - 1].isdigit():
            write = f"{source.text[start - 1]}^{exponent}"
        return error("superscript", Span(source, start + at, start + len(name)), write=write)
    plain = f"{base}{digit}{name[at + 1 :]}" if digit != character else None
    write = plain if plain is not None and plain.isidentifier() and plain.isascii() else None
    return error("bad-name", Span(source, start + at, start + at + 1), character=character, name=name, write=write)
