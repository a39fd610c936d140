"""Collapsing: which nodes of a graph are drawn one by one, and which together as a block, to stay within a budget."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal, NamedTuple

from cgcli.graph.graph import CONST, INPUT, NONE, Graph

from .units import Level, Units

BUDGET = 40  # cards of a picture by default, about a page
LARGEST = 2_000  # cards that a layout may have at most
SLICES = 12  # at most, of a large graph that nothing else makes small enough
SHORTEST_RUN = 4  # repetitions that are drawn as one
ENDS = 3  # of a long chain, how many are drawn at either end
SMALLEST_STACK = 6  # units that are alike and drawn as one
LONGEST_PERIOD = 24  # items of one repetition
MOST_KINDS = 4  # of operations that are counted by name on a block

Kind = Literal["stack", "call", "repeat", "line", "slice"]


@dataclass(frozen=True)
class Detail:
    """How much detail of a graph is drawn.

    depth: calls within calls that are open (None: as many as the budget allows). collapse, expand: functions whose
    calls are closed or open whatever the depth, `loop` for loops. budget: the area of the picture in cards. level:
    whether every operation is drawn, or only named values.
    """

    depth: int | None = None
    collapse: frozenset[str] = frozenset()
    expand: frozenset[str] = frozenset()
    budget: float = BUDGET
    level: Level = "auto"


class Block(NamedTuple):
    """Nodes that are drawn as one. times: how often it repeats. group: the group around it."""

    kind: Kind
    label: str
    nodes: tuple[int, ...]
    group: int = NONE
    times: int = 1


@dataclass(frozen=True)
class Collapsed:
    """block_of: the block of each node that is part of one. notes: the steps taken to stay within the budget."""

    blocks: tuple[Block, ...] = ()
    block_of: dict[int, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class _Item(NamedTuple):
    """A unit by its result, or a closed call with its units. key: equal for items that repeat. weight: its area in
    cards.
    """

    nodes: tuple[int, ...]
    group: int
    key: tuple[object, ...]
    closed: bool = False
    weight: float = 1.0


@dataclass(frozen=True)
class Weighed:
    """The units to be drawn, by their results in topological order, with the group and the area in cards of each."""

    units: Units
    nodes: Sequence[int]
    group_of: Sequence[int]
    weight_of: Callable[[int], float]


def collapse(weighed: Weighed, detail: Detail) -> Collapsed:
    """The blocks of a picture.

    First inputs and operations that are alike become a stack, then calls are closed, the innermost before those around
    them, then what repeats becomes one block, then the units of a line of the source, at last equal parts of the order.
    Each step is taken only when the budget asks for it.
    """
    graph = weighed.units.graph
    depths = _depths(graph)
    limit = max(depths, default=0) if detail.depth is None else detail.depth

    def at_depth(limit: int) -> list[_Item]:
        return _items(weighed, _closed(graph, depths, limit, detail))

    items = at_depth(limit)
    notes: list[str] = []
    stacks: list[Block] = []
    if _area(items) > detail.budget:
        stacks = _stacks(weighed)
        items = _joined(items, stacks)
    if _area(items) > detail.budget and detail.depth is None and depths:
        low, high = 0, limit  # the deepest limit that fits, or 0; there may be as many as a recursion is deep
        while high - low > 1:
            limit = (low + high) // 2
            fits = _area(_joined(at_depth(limit), stacks)) <= detail.budget
            low, high = (limit, high) if fits else (low, limit)
        items = _joined(at_depth(low), stacks)
        notes.append(f"calls are closed below depth {low}" if low else "calls are closed")
    blocks = [
        *(_call(graph, item) for item in items if item.key[0] == "call"),
        *(block for block in stacks if any(i.nodes == block.nodes for i in items)),
    ]
    steps: tuple[tuple[Callable[..., list[Block]], str], ...] = (
        (_repeats, "what repeats is one block"),
        (_lines, "the operations of a line of the program are one block"),
        (_slices, "the rest is cut into equal parts"),
    )
    for step, note in steps:
        if _area(items) <= detail.budget:
            break
        merged = step(graph, items, detail.budget)
        if merged:
            blocks = _merged(blocks, merged)
            items = _joined(items, merged)
            notes.append(note)
    block_of = {i: k for k, block in enumerate(blocks) for i in block.nodes}
    return Collapsed(tuple(blocks), block_of, tuple(notes))


def _call(graph: Graph, item: _Item) -> Block:
    group = graph.groups[item.group]
    return Block("call", group.function, item.nodes, group.parent)


def counts(symbols: Iterable[str]) -> str:
    """`120 ×, 80 +, 12 more`: the operations of a block, the most frequent first."""
    ranked = sorted(Counter(symbols).items(), key=lambda item: (-item[1], item[0]))
    parts = [f"{count} {symbol}" for symbol, count in ranked[:MOST_KINDS]]
    rest = sum(count for _, count in ranked[MOST_KINDS:])
    return ", ".join([*parts, f"{rest} more"] if rest else parts)


def _area(items: Sequence[_Item]) -> float:
    return sum(item.weight for item in items)


def _stacks(weighed: Weighed) -> list[Block]:
    """Blocks of inputs that are numbered (`x0`, `x1`, …), and of units that do the same with the same sources for the
    same readers.
    """
    units, graph = weighed.units, weighed.units.graph
    part_of = {i: i for i in weighed.nodes}  # of each unit the first of its stack
    stacks: dict[int, list[int]] = {}

    def join(groups: Iterable[list[int]]) -> bool:
        joined = False
        for members in groups:
            if len(members) >= SMALLEST_STACK:
                stacks[members[0]] = members
                part_of.update(dict.fromkeys(members, members[0]))
                joined = True
        return joined

    families: dict[tuple[object, ...], list[int]] = {}
    for i in weighed.nodes:
        if graph.op[i] == INPUT and (numbered := _NUMBERED.fullmatch(graph.names.get(i, ""))):
            families.setdefault((numbered[1], graph.type[i]), []).append(i)
    more = join(families.values())
    outputs = frozenset(graph.outputs)
    while more:
        readers: dict[int, set[int]] = {i: set() for i in weighed.nodes}
        for i in weighed.nodes:
            for x in units.reads(i):
                if x in readers:
                    readers[x].add(part_of[i])
        alike: dict[tuple[object, ...], list[int]] = {}
        for i in weighed.nodes:
            if graph.op[i] in (INPUT, CONST) or i in outputs or part_of[i] in stacks:
                continue
            sources = frozenset(part_of[x] for x in units.reads(i) if x in part_of)
            key = (_key(weighed, i), graph.type[i], weighed.group_of[i], sources, frozenset(readers[i]))
            alike.setdefault(key, []).append(i)
        more = join(alike.values())
    return [Block("stack", "", tuple(nodes), weighed.group_of[first]) for first, nodes in stacks.items()]


_NUMBERED = re.compile(r"(.*?)_?\d+")


def _key(weighed: Weighed, i: int) -> tuple[object, ...]:
    """What a unit does, whatever its operands are."""
    graph = weighed.units.graph
    return tuple(graph.op[x] for x in weighed.units.members(i))


def _depths(graph: Graph) -> list[int]:
    """Of each group how many calls it is in, itself one of them; callers stand before what they call."""
    depths: list[int] = []
    for group in graph.groups:
        depths.append(depths[group.parent] + 1 if group.parent != NONE else 1)
    return depths


def _closed(graph: Graph, depths: Sequence[int], limit: int, detail: Detail) -> list[int]:
    """Of each group the outermost closed one that it is part of, or NONE."""
    opened = [False] * len(depths)  # it, or one inside it, is to be open
    for g in range(len(depths) - 1, -1, -1):
        parent = graph.groups[g].parent
        opened[g] = opened[g] or graph.groups[g].function in detail.expand
        if opened[g] and parent != NONE:
            opened[parent] = True
    owner: list[int] = []
    for g, group in enumerate(graph.groups):
        above = owner[group.parent] if group.parent != NONE else NONE
        if above == NONE and (group.function in detail.collapse or (depths[g] > limit and not opened[g])):
            above = g
        owner.append(above)
    return owner


def _items(weighed: Weighed, owner: Sequence[int]) -> list[_Item]:
    """The items of the picture when these groups are closed, in the order in which each begins."""
    graph, group_of = weighed.units.graph, weighed.group_of
    members: dict[int, list[int]] = {}
    order: list[int] = []  # a unit as it is, a closed group as -2 - g
    for i in weighed.nodes:
        g = owner[group_of[i]] if group_of[i] != NONE else NONE
        if g == NONE:
            order.append(i)
        elif g in members:
            members[g].append(i)
        else:
            members[g] = [i]
            order.append(-2 - g)
    items = []
    for key in order:
        if key >= 0:
            items.append(_Item((key,), group_of[key], _key(weighed, key), weight=weighed.weight_of(key)))
        else:
            g = -2 - key
            block_nodes = tuple(members[g])
            area = min(1.0, sum(map(weighed.weight_of, block_nodes)))  # closing a call never takes more room
            items.append(_Item(block_nodes, g, ("call", graph.groups[g].function, len(block_nodes)), True, area))
    return items


def _merged(blocks: Sequence[Block], larger: Sequence[Block]) -> list[Block]:
    """The larger blocks, and those of `blocks` that are not part of one."""
    inside = {i for block in larger for i in block.nodes}
    return [*(block for block in blocks if block.nodes[0] not in inside), *larger]


def _joined(items: Sequence[_Item], blocks: Sequence[Block]) -> list[_Item]:
    """The items, each block as one in place of those that it holds."""
    block_of = {i: block for block in blocks for i in block.nodes}
    placed: set[int] = set()
    result = []
    for item in items:
        block = block_of.get(item.nodes[0])
        if block is None:
            result.append(item)
        elif id(block) not in placed:
            placed.add(id(block))
            result.append(_Item(block.nodes, block.group, (block.kind, block.label, block.nodes), True))
    return result


def _runs(graph: Graph, items: Sequence[_Item]) -> Iterator[list[_Item]]:
    """Stretches of the order without inputs, constants and outputs, which are drawn as they are.

    What lies between two items of a stretch, if it is drawn apart, has no operands: so no block of neighbours is both
    before and after another item.
    """
    outputs = frozenset(graph.outputs)
    run: list[_Item] = []
    for item in items:
        i = item.nodes[0]
        if _is_start(graph, item):
            continue
        if item.key[0] == "stack" or (not item.closed and i in outputs):
            if run:
                yield run
            run = []
            continue
        run.append(item)
    if run:
        yield run


def _repeats(graph: Graph, items: Sequence[_Item], budget: float) -> list[Block]:
    """A block for each stretch of the order in which the same operations come again and again."""
    blocks: list[Block] = []
    for run in _runs(graph, items):
        numbers: dict[tuple[object, ...], int] = {}
        keys = [numbers.setdefault(item.key, len(numbers)) for item in run]
        start = 0
        while start < len(keys):
            period, times = _repetition(keys, start)
            if times >= SHORTEST_RUN:
                end = start + period * times
                ends = ENDS if period == 1 and times >= 3 * ENDS else 0
                items_in_run = run[start + ends : end - ends]
                blocks.append(_repeated(graph, items_in_run, period, times - 2 * ends))
                start = end
            else:
                start += 1
    return blocks


def _repetition(keys: Sequence[int], start: int) -> tuple[int, int]:
    """The period that covers most of what follows, and how often it repeats."""
    best, covered = (1, 1), 1
    for period in range(1, min(LONGEST_PERIOD, len(keys) - start) + 1):
        end = start + period
        if (covered > 1 and period % best[0] == 0) or keys[end : end + period] != keys[start:end]:
            continue  # a multiple of what repeats covers no more
        while end < len(keys) and keys[end] == keys[end - period]:
            end += 1
        times = (end - start) // period
        if times >= SHORTEST_RUN and times * period > covered:
            best, covered = (period, times), times * period
    return best


def _repeated(graph: Graph, part: Sequence[_Item], period: int, times: int) -> Block:
    nodes = tuple(i for item in part for i in item.nodes)
    first = part[0]
    calls = [graph.groups[item.group].function for item in part[:period] if item.key[0] == "call"]
    label = calls[0] if len(calls) == 1 else ""
    parent = _outside(graph, first)
    return Block("repeat", label, nodes, parent if all(_outside(graph, i) == parent for i in part) else NONE, times)


def _outside(graph: Graph, item: _Item) -> int:
    return graph.groups[item.group].parent if item.key[0] == "call" else item.group


def _lines(graph: Graph, items: Sequence[_Item], budget: float) -> list[Block]:
    """A block for the neighbours that come from one line of one source."""
    blocks = []
    for run in _runs(graph, items):
        for line, neighbours in groupby(run, lambda item: _line(graph, item.nodes[0])):
            part = list(neighbours)
            if line is not None and len(part) > 1:
                blocks.append(Block("line", f"line {line[1]}", tuple(i for item in part for i in item.nodes)))
    return blocks


def _line(graph: Graph, i: int) -> tuple[int, int] | None:
    """The source and the line that a node comes from; of a call, the line that calls."""
    group, span = graph.group[i], None
    while group != NONE:
        span, group = graph.groups[group].span, graph.groups[group].parent
    if span is None and graph.span[i] != NONE:
        span = graph.spans[graph.span[i]]
    return None if span is None else (id(span.source), span.line)


def _slices(graph: Graph, items: Sequence[_Item], budget: float) -> list[Block]:
    """Equal parts of the order; inputs, which may be made anywhere in it, by themselves when there are many."""
    starts = [item for item in items if _is_start(graph, item)]
    inputs = any(graph.op[item.nodes[0]] == INPUT for item in starts)
    blocks = [_slice("inputs" if inputs else "constants", starts)] if len(starts) > SLICES else []
    outputs = frozenset(graph.outputs) if len(graph.outputs) <= SLICES else frozenset[int]()
    rest = len(items) - len(starts)
    most = budget - min(len(starts), SLICES) - len(outputs)
    size = max(2, -(-rest // max(2, int(min(most, SLICES) if rest > 2 * most else most))))
    part: list[_Item] = []
    for item in items:
        if _is_start(graph, item):
            continue
        is_output = item.nodes[0] in outputs and not item.closed
        if is_output or len(part) == size:
            if len(part) > 1:
                blocks.append(_slice("", part))
            part = []
        if not is_output:
            part.append(item)
    if len(part) > 1:
        blocks.append(_slice("", part))
    return blocks


def _slice(label: str, part: Sequence[_Item]) -> Block:
    return Block("slice", label, tuple(i for item in part for i in item.nodes))


def _is_start(graph: Graph, item: _Item) -> bool:
    return (not item.closed or item.key[0] == "stack") and graph.op[item.nodes[0]] in (INPUT, CONST)
