"""How a terminal is told to set a text off: the few styles that all commands share."""

BOLD, DIM = "1", "2"
ACCENT = "38;5;130"
"""The one colour, that of derivatives: that of pictures, as nearly as the 256 colours of a terminal have it."""


def styled(text: str, style: str) -> str:
    """The text in a style; as it is in none."""
    return f"\x1b[{style}m{text}\x1b[0m" if style and text else text
