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
    """The groups that hold nodes; what lies too deep inside is drawn in the group around it, as is a single node with
    the title of its group.
    """
    depth: list[int] = []
    of_group: list[int] = []
    plain = _plain(picture)
    for g, group in enumerate(picture.groups):  # outer groups stand before inner ones
        depth.append(depth[group.parent] + 1 if group.parent >= 0 else 1)
        is_drawn = depth[g] <= DEEPEST and g not in plain
        of_group.append(g if is_drawn else of_group[group.parent] if group.parent >= 0 else group.parent)
    holding = {of_group[node.group] for node in picture.nodes if node.group >= 0}
    used = with_outer(picture.groups, (g for g in holding if g >= 0))
    return Nesting(tuple(sorted(used)), tuple(of_group))


def _plain(picture: Picture) -> set[int]:
    """The groups of which the border would say nothing: of a single node that has their title."""
    titles: dict[int, list[str]] = {}
    for node in picture.nodes:
        titles.setdefault(node.group, []).append(node.title)
    held = with_outer(picture.groups, {group for group in titles if group >= 0})
    outer = {picture.groups[g].parent for g in held}
    return {g for g in held if g not in outer and titles[g] == [picture.groups[g].label]}


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
