"""Reading the parser's trees: spans, names, literals, walks. No function here recurses over a user's tree."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from cgcli.diagnostics.source import Source, Span

if TYPE_CHECKING:
    from lark import Token, Tree

    Node = Tree[Token] | Token

LARGEST_INT = 2**63 - 1
SHORT = 100  # characters of a text that is normalised at once
_PLAIN = re.compile(r"(-?)(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)")


class Statement(NamedTuple):
    """A tree that no parser made: an expression put where a statement is wanted."""

    data: str
    children: list[Any]


def span_of(source: Source, node: Any) -> Span:
    """The characters of a tree or a token."""
    place = getattr(node, "meta", node)
    return Span(source, place.start_pos, place.end_pos)


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


def kind(node: Any) -> str:
    """A tree's rule, or a token's type in capitals."""
    return str(getattr(node, "data", None) or node.type)


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

    None too for one that no float holds; `-0` is the float, for it has a sign.
    """
    match = _PLAIN.fullmatch(text.strip(" \t\r\n"))
    if match is None or not text.isascii():
        return None
    value = number(match[2], -1 if match[1] else 1)
    if math.isinf(value):
        return None
    return -0.0 if match[1] and value == 0 else value


def literal(node: Any) -> float | int | None:
    """The number that a literal with its signs stands for; None for one that no float holds, and for any other tree."""
    sign = 1
    while kind(node) == "negative":
        sign = -sign
        node = node.children[1]
    if kind(node) in ("int_", "float_"):
        value = number(node.children[0], sign)
        return None if math.isinf(value) else value
    return None


def signs_of(node: Any) -> list[Any]:
    """The trees of a chain of minus signs, the outermost first."""
    signs: list[Any] = []
    while kind(node) == "negative":
        signs.append(node)
        node = node.children[1]
    return signs


def walk(node: Any) -> Iterator[Any]:
    """Every tree and token below and including `node`, in the order of the text."""
    stack = [node]
    while stack:
        top = stack.pop()
        if top is None:
            continue
        yield top
        children = getattr(top, "children", None)
        if children:
            stack.extend(reversed(children))


def arguments(call: Any) -> tuple[list[Any], list[tuple[Any, Any]]]:
    """Positional arguments, and (name token, tree) of those given by keyword."""
    positional: list[Any] = []
    keywords: list[tuple[Any, Any]] = []
    for child in call.children[1:]:
        if child is None:
            continue
        if kind(child) == "keyword":
            keywords.append((child.children[0], child.children[1]))
        else:
            positional.append(child)
    return positional, keywords
