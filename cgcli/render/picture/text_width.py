"""How wide a text is, from the advance widths of the fonts that come with cg."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from struct import iter_unpack, unpack_from
from typing import Literal
from unicodedata import category, east_asian_width

Face = Literal["sans", "mono", "italic"]
FILES: dict[Face, str] = {"sans": "DejaVuSans.ttf", "mono": "DejaVuSansMono.ttf", "italic": "DejaVuSerif-Italic.ttf"}


def text_width(text: str, face: Face, size: float) -> float:
    """The width of a line of text; size: of the face, in the unit of the result."""
    widths = advance_widths(face)
    return sum(widths[ord(c)] if ord(c) in widths else _absent(c) for c in text) * size


def font_file(face: Face) -> Path:
    """The font of a face."""
    return Path(__file__).with_name("fonts") / FILES[face]


@cache
def advance_widths(face: Face) -> dict[int, float]:
    """By character the advance width, of a face of size 1: the tables `cmap` and `hmtx` of its TrueType font.

    A library that reads fonts takes longer to import than this takes.
    """
    data = font_file(face).read_bytes()
    (count,) = unpack_from(">H", data, 4)
    tables = {tag: offset for tag, _, offset, _ in iter_unpack(">4sLLL", data[12 : 12 + 16 * count])}
    (em,) = unpack_from(">H", data, tables[b"head"] + 18)
    (count,) = unpack_from(">H", data, tables[b"hhea"] + 34)
    metrics = unpack_from(f">{2 * count}H", data, tables[b"hmtx"])
    advances = metrics[::2]  # those of the glyphs behind them are as the last one
    return {
        character: advances[min(glyph, count - 1)] / em
        for first, last, start in _ranges(data, tables[b"cmap"])
        for glyph, character in enumerate(range(first, last + 1), start)
    }


def without_glyph(text: str) -> str:
    """The characters, each once, that no font of ours has: in an image they are boxes."""
    return "".join(dict.fromkeys(c for c in text if not any(ord(c) in advance_widths(face) for face in FILES)))


def _ranges(data: bytes, cmap: int) -> Iterator[tuple[int, int, int]]:
    """The first and the last character of each range, and the glyph of the first: the subtable for all of Unicode."""
    (subtables,) = unpack_from(">H", data, cmap + 2)
    for _, _, offset in iter_unpack(">HHL", data[cmap + 4 : cmap + 4 + 8 * subtables]):
        start = cmap + offset
        if unpack_from(">H", data, start) == (12,):
            (groups,) = unpack_from(">L", data, start + 12)
            yield from iter_unpack(">LLL", data[start + 16 : start + 16 + 12 * groups])
            return


def _absent(c: str) -> float:
    """The width to leave for a character that the face lacks: another font draws it."""
    if category(c) in ("Mn", "Me", "Cf"):
        return 0.0
    return 1.0 if east_asian_width(c) in ("W", "F") else 0.7
