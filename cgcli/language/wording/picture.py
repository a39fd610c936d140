"""Pictures that cannot be drawn."""

from __future__ import annotations

from .words import Words

WORDS: dict[str, Words] = {
    "picture-too-large": Words(
        "a picture of {nodes} operations would be too large to be laid out; the limit is {limit}",
        help=("name the file `.dot`: that has no limit, and another program may lay it out",),
    ),
    "layout-too-slow": Words(
        "the picture was not laid out within {limit} seconds",
        help=("name the file `.dot`: that needs no layout, and another program may do it",),
    ),
    "layout-failed": Words("Graphviz could not lay the picture out: {reason}"),
}
