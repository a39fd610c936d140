"""The page as `cg live` serves it: with a script that loads it anew, which its policy then allows."""

from __future__ import annotations

from importlib.resources import files

from .html import source_hash
from .shorten import shorten_css, shorten_javascript

_HERE = files("cgcli.render.page")
_EMPTY = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src; style-src; base-uri 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>cg</title>
</head>
<body>
</body>
</html>
"""
"""The page before the first run that succeeds."""


def served(page: str | None, version: str) -> str:
    """The page with what it needs to follow the server: a script, its style, and its own version.

    page: as `html` makes it; None for an empty one. version: what the server calls this page, a plain word.
    """
    script = shorten_javascript((_HERE / "live.js").read_text(encoding="utf-8"))
    style = shorten_css((_HERE / "live.css").read_text(encoding="utf-8"))
    head, end, rest = (_EMPTY if page is None else page).partition("</head>")  # no text of a user stands before
    for source, text in (
        ("script-src", f"connect-src 'self'; script-src '{source_hash(script)}'"),
        ("style-src", f"style-src '{source_hash(style)}'"),
    ):
        if head.count(source) != 1:
            raise ValueError(f"the page's policy has no {source}")
        head = head.replace(source, text)
    added = f'<meta name="version" content="{version}">\n<style>{style}</style>\n<script>{script}</script>\n'
    return head + added + end + rest
