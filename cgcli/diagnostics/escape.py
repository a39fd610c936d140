"""Escaping: text of users and files, made safe for terminals, Graphviz and HTML."""

from __future__ import annotations

import re

from .source import HIDDEN_CLASS

_HIDDEN = re.compile(f"[{HIDDEN_CLASS}]")
_ACTS = re.compile(rf"(?![\n\t]|\x1b\[[0-9;]*m)[{HIDDEN_CLASS}]")
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})


def show(text: str) -> str:
    r"""The text with control, format and bidi characters as visible escapes (`\x1b`, `\u202e`): one line, as it reads.

    A terminal acts on such characters; letters, marks that combine and all other signs stay as they are.
    """
    return _HIDDEN.sub(_visible, text)


def harmless(text: str) -> str:
    """A whole page with escapes for all that a terminal acts on, but for line ends, tabs and colours.

    A net below `show`, through which each text from outside goes by itself.
    """
    return _ACTS.sub(_visible, text)


def dot_html(text: str) -> str:
    """The text as it may stand in an HTML-like label of Graphviz."""
    return show(text).translate(_HTML)


def _visible(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
