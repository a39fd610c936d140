"""Which groups of a picture are drawn, and in which of them a node stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .content import Picture, PictureNode, with_outer

DEEPEST = 4  # groups in groups; more are hard to read and to lay out


class Nesting(NamedTuple):
    """drawn: the groups that are drawn, in order. of_group: for each group the one that stands for it."""

    drawn: tuple[int, ...]
    of_group: tuple[int, ...]

    def of(self, node: PictureNode) -> int:
        """The group that a node is drawn in, or NONE."""
        return self.of_group[node.group] if node.group >= 0 else node.group


def nesting(picture: Picture) -> Nesting:
    """The groups that hold nodes; what lies too deep inside is drawn in the group around it."""
    depth: list[int] = []
    of_group: list[int] = []
    for g, group in enumerate(picture.groups):  # outer groups stand before inner ones
        depth.append(depth[group.parent] + 1 if group.parent >= 0 else 1)
        of_group.append(g if depth[g] <= DEEPEST else of_group[group.parent])
    used = with_outer(picture.groups, {of_group[node.group] for node in picture.nodes if node.group >= 0})
    return Nesting(tuple(sorted(used)), tuple(of_group))


def walk(picture: Picture) -> Iterator[tuple[int, tuple[PictureNode, ...]] | None]:
    """The drawn groups with their nodes from the outside in, each followed by those inside and then by None; first what
    stands in no group, as -1. Calls may nest deeply: this is no recursion."""
    groups = nesting(picture)
    nodes_of: dict[int, list[PictureNode]] = {}
    for node in picture.nodes:
        nodes_of.setdefault(groups.of(node), []).append(node)
    children: dict[int, list[int]] = {}
    for g in groups.drawn:
        children.setdefault(picture.groups[g].parent, []).append(g)
    stack: list[int | None] = [-1]
    while stack:
        top = stack.pop()
        if top is None:
            yield None
            continue
        yield top, tuple(nodes_of.get(top, ()))
        stack.append(None)
        stack.extend(reversed(children.get(top, [])))
