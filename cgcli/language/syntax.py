"""Syntax errors."""

from __future__ import annotations

from typing import Any

from cgcli.graph.diagnostic import CgError, error
from cgcli.graph.source import Source, Span


def refuse_hidden(source: Source, at: int) -> CgError:
    return error("hidden-character", Span(source, at, at + 1), name=f"U+{ord(source.text[at]):04X}")


def explain(source: Source, text: str, problem: Any) -> CgError:
    token = getattr(problem, "token", problem)
    start = getattr(token, "start_pos", None) or getattr(problem, "pos_in_stream", 0)
    return error("unexpected", Span(source, start, start + 1), found=source.text[start : start + 1])
