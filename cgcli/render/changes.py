"""The changes of a new layout of a program, as a unified diff.

Both texts hold the same tokens, so their lines are matched by the characters that are no layout: in linear time, where
a search for common lines is quadratic.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_LAYOUT = re.compile(r"[\s;]+")


class _Change(NamedTuple):
    """Lines `i` to `i_end` of the one text that became `j` to `j_end` of the other."""

    i: int
    i_end: int
    j: int
    j_end: int


def unified(before: Sequence[str], after: Sequence[str], first: str, second: str) -> Iterator[str]:
    """The lines of the diff under the names of both texts, with one line around each change."""
    hunks: list[list[_Change]] = []
    for change in _changes(before, after):
        if hunks and change.i - hunks[-1][-1].i_end <= 2:
            hunks[-1].append(change)
        else:
            hunks.append([change])
    if hunks:
        yield f"--- {first}"
        yield f"+++ {second}"
    for hunk in hunks:
        above = min(1, hunk[0].i)
        below = min(1, len(before) - hunk[-1].i_end)
        i, j = hunk[0].i - above, hunk[0].j - above
        yield f"@@ -{_range(i, hunk[-1].i_end + below)} +{_range(j, hunk[-1].j_end + below)} @@"
        for change in hunk:
            yield from (f" {line}" for line in before[i : change.i])
            yield from (f"-{line}" for line in before[change.i : change.i_end])
            yield from (f"+{line}" for line in after[change.j : change.j_end])
            i = change.i_end
        yield from (f" {line}" for line in before[i : i + below])


def _changes(before: Sequence[str], after: Sequence[str]) -> Iterator[_Change]:
    """Each run of lines that differ, the equal lines at its ends left out."""
    i = j = 0
    while i < len(before) or j < len(after):
        start = i, j
        ahead = 0  # how many characters more were read of `before`
        first = True
        while first or (ahead and (i < len(before) or j < len(after))):
            if i < len(before) and (first or ahead < 0 or j == len(after)):
                ahead += _size(before[i])
                i += 1
            if j < len(after) and (first or ahead > 0 or i == len(before)):
                ahead -= _size(after[j])
                j += 1
            first = False
        yield from _trimmed(before, after, _Change(start[0], i, start[1], j))


def _trimmed(before: Sequence[str], after: Sequence[str], change: _Change) -> Iterator[_Change]:
    i, i_end, j, j_end = change
    while i < i_end and j < j_end and before[i] == after[j]:
        i, j = i + 1, j + 1
    while i < i_end and j < j_end and before[i_end - 1] == after[j_end - 1]:
        i_end, j_end = i_end - 1, j_end - 1
    if i < i_end or j < j_end:
        yield _Change(i, i_end, j, j_end)


def _size(line: str) -> int:
    """The characters of a line that are no layout; both signs of a power count as one."""
    return len(_LAYOUT.sub("", line).replace("**", "^"))


def _range(start: int, end: int) -> str:
    """Lines counted from 1, as a unified diff has them."""
    length = end - start
    return f"{start + 1}" if length == 1 else f"{start + (length > 0)},{length}"
