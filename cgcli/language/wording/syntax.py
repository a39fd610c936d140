"""A text that is no program: characters, words and brackets in the wrong place."""

from __future__ import annotations

from .words import Words

WORDS: dict[str, Words] = {}
