"""Access to the parser's trees: spans, literals, walks. No function recurses over a user's tree."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from cgcli.diagnostics.source import Source, Span
from cgcli.graph.lexemes import number


class SyntheticTree(NamedTuple):
    """A tree that no parser made, such as the assignment to a part of a value, or a statement around an expression."""

    data: str
    children: list[Any]
    meta: Any = None


def span_of(source: Source, node: Any) -> Span:
    """The characters of a tree or a token."""
    meta = getattr(node, "meta", node)
    return Span(source, meta.start_pos, meta.end_pos)


def kind(node: Any) -> str:
    """A tree's rule, or a token's type in capitals."""
    return str(getattr(node, "data", None) or node.type)


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
    """Positional arguments, and (name token, tree) of keyword arguments."""
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
