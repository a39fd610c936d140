"""A number of bytes as text."""

from __future__ import annotations

UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")


def byte_text(size: int, *, smallest: str = "bytes", largest: str = "TiB") -> str:
    """`512 bytes`, `1.5 KiB`: in the first unit, from `smallest` to `largest`, of which there are less than 1024."""
    unit, last = UNITS.index(smallest), UNITS.index(largest)
    amount = size / 1024**unit
    while amount >= 1024 and unit < last:
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.1f} {UNITS[unit]}" if unit else f"{amount:.0f} bytes"
