"""How thoroughly Graphviz lays a picture out: as far as its numbers of nodes and arrows allow, never as time allows.

Graphviz cuts an arrow that spans several ranks into pieces. Its time for places grows with the square of the number of
pieces, that for curves with the cube of the number in each arrow (measured: the constants are a few seconds).
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from .content import Picture

MOST_PLACING = 5e7  # pieces squared
MOST_CURVING = 5e6  # pieces of each arrow, cubed, of all together
MANY_PIECES = 2_000  # of these fewer rounds against crossings


class Effort(NamedTuple):
    """attributes: Graphviz's, of the graph. note: what a reader sees of it."""

    attributes: str
    note: str | None = None


def effort(picture: Picture, labelled: bool) -> Effort:
    """The effort for a picture. labelled: whether arrows have labels, which have ranks of their own."""
    spans = [span * (2 if labelled else 1) for span in _spans(picture)]
    pieces = max(1, len(picture.nodes) + sum(spans))
    rounds = f"nslimit={min(1000.0, MOST_PLACING / pieces**2):.6f} mclimit={1 if pieces < MANY_PIECES else 0.1}"
    if sum(span**3 for span in spans) > MOST_CURVING:
        return Effort(f"splines=line {rounds}", "the arrows of this large picture are straight")
    return Effort(f"splines=true {rounds}")


def _spans(picture: Picture) -> list[int]:
    """For each arrow between how many ranks it leads, where a node stands as early as its operands let it."""
    ahead = [arrow for arrow in picture.arrows if arrow.style != "next"]
    targets: dict[int, list[int]] = {node.id: [] for node in picture.nodes}
    waits_for = dict.fromkeys(targets, 0)
    for arrow in ahead:
        targets[arrow.source].append(arrow.target)
        waits_for[arrow.target] += 1
    rank = dict.fromkeys(targets, 0)
    ready = deque(node for node, count in waits_for.items() if count == 0)
    while ready:
        node = ready.popleft()
        for target in targets[node]:
            rank[target] = max(rank[target], rank[node] + 1)
            waits_for[target] -= 1
            if waits_for[target] == 0:
                ready.append(target)
    return [max(1, rank[arrow.target] - rank[arrow.source]) for arrow in ahead]
