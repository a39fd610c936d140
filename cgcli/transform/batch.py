"""Batch as graph to graph (the field's vmap): many evaluations as one, along a new first axis.

Axes count from the end, so most ops carry the new axis as they are. What does not depend on a batched input stays
unbatched: it is computed once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cgcli.graph.graph import ASSERT, COND, CONST, GET, INPUT, LOOP, NONE, SIZE, Graph
from cgcli.graph.sizes import Size
from cgcli.graph.traversal import prune
from cgcli.graph.types import BOOL, INT, AnyType, Stack, Type
from cgcli.ops.builder import Builder
from cgcli.ops.harmless import harmless
from cgcli.ops.loops import LoopView, items_of
from cgcli.ops.op import Op
from cgcli.ops.shape import lifted
from cgcli.ops.table import BY_CODE
from cgcli.ops.typing import one, single

from .cotangents import map_items

ROWS = "rows_of_the_table"  # the size of a batch axis


def batch(graph: Graph, flags: Sequence[bool], size: Size) -> Graph:
    """The graph whose flagged inputs have a batch axis of `size` in front, and so have all its outputs.

    Row r of an output is the output of `graph` for row r of the flagged inputs and the whole of the others.
    """
    b = Builder()
    inputs: list[int] = []
    for i, flag in zip(graph.inputs, flags, strict=True):
        t = single(graph.type_of(i))
        inputs.append(b.input(_batched_type(t, size) if flag else t, graph.names.get(i)))
    outputs, flagged = _inline_batched(b, graph, inputs, flags, size, None)
    return prune(b.done(*_all_rows(b, outputs, flagged, size)))


def fresh_size(graph: Graph) -> str:
    """A name for the number of rows that no size of the graph has."""
    sizes = {str(size) for t in graph.types if isinstance(t, Type) for size in t.shape}
    name = ROWS
    while any(name in text for text in sizes):
        name += "_"
    return name


def replicate(b: Builder, x: int, size: Size) -> int:
    """An unbatched value as a batch of equal rows; of a stack, each item so."""
    if isinstance(b.type_of(x), Stack):
        return map_items(b, lambda inner, item: replicate(inner, item, size), x)
    return b.expand(x, shape=(size, *b.type1(x).shape))


def batch_nodes(b: Builder, source: Builder | Graph, where: list[int], flags: bytearray, lo: int, size: Size) -> None:
    """Appends to `b` the batched form of the nodes of `source` from `lo` on that depend on flagged ones.

    where: by node of `source` its node in `b`; filled in from `lo` on. flags: likewise whether that is batched.
    """
    _Batching(b, source, where, flags, size, None).run(lo)


def _batched_type(t: AnyType, size: Size) -> Type | Stack:
    if isinstance(t, Stack):
        return Stack(_batched_type(t.item, size))
    type_ = one(t)
    return type_._replace(shape=(size, *type_.shape))


def _inline_batched(
    b: Builder, graph: Graph, inputs: Sequence[int], flags: Sequence[bool], size: Size, mask: int | None
) -> tuple[list[int], list[bool]]:
    """The outputs of the batched graph, and which of them are batched. mask: the active rows, None for all."""
    where = [NONE] * len(graph)
    flagged = bytearray(len(graph))
    for i, x, f in zip(graph.inputs, inputs, flags, strict=True):
        where[i], flagged[i] = x, f
    _Batching(b, graph, where, flagged, size, mask).run(0)
    return [where[i] for i in graph.outputs], [bool(flagged[i]) for i in graph.outputs]


class _Batching:
    def __init__(
        self, b: Builder, source: Builder | Graph, where: list[int], flags: bytearray, size: Size, mask: int | None
    ) -> None:
        self.b, self.source, self.where, self.flags, self.size, self.mask = b, source, where, flags, size, mask
        # of a structured node: its results and whether each is batched, for its `get`s
        self.results_of: dict[int, tuple[list[int], list[bool]]] = {}

    def run(self, lo: int) -> None:
        g, b = self.source, self.b
        for i in range(lo, len(self.where)):
            if g.op[i] == INPUT or self.where[i] != NONE:
                continue
            operands = g.operands(i)
            if g.op[i] == COND:
                self._cond(i, operands)
            elif g.op[i] == LOOP:
                self._loop(i, operands)
            elif g.op[i] == GET and operands[0] not in self.results_of:
                self._node(i, operands)  # of a node in front of the batched ones
            elif g.op[i] == GET:
                results, flags = self.results_of[operands[0]]
                k = g.attrs[i]["k"]
                self.where[i], self.flags[i] = results[k], flags[k]
            else:
                self._node(i, operands)
            if i in g.names and self.where[i] != NONE:
                b.names.setdefault(self.where[i], g.names[i])

    def _node(self, i: int, operands: tuple[int, ...]) -> None:
        g, b = self.source, self.b
        flags = [bool(self.flags[x]) for x in operands]
        xs = [self.where[x] for x in operands]
        attrs = g.attrs.get(i, {})
        code = g.op[i]
        if g.span[i] != NONE:
            b.at_span = b.intern_span(g.spans[g.span[i]])
        op = BY_CODE[code]
        guarded = [] if self.mask is None else _guarded(g, i)
        if guarded and (any(flags) or code == ASSERT):  # its message names the row
            xs, flags = self._masked(op, guarded, xs, flags)
        elif guarded:
            xs = self._masked_at_once(op, guarded, xs)
        if code == CONST or not any(flags):
            self.where[i] = b.place(code, tuple(xs), b.intern_type(g.type_of(i)), attrs)
            return
        self.flags[i] = 1
        if callable(op.batch):
            self.where[i] = op.batch(b, xs, flags, attrs, self.size)
            return
        if any(isinstance(g.type_of(x), Stack) for x in operands):
            # it counts, cuts or fills stacks, whatever their items are: all rows of each stack
            stacks = [isinstance(g.type_of(x), Stack) for x in operands]
            xs = [replicate(b, x, self.size) if s and not f else x for x, s, f in zip(xs, stacks, flags, strict=True)]
            self.where[i] = b.emit(code, tuple(xs), attrs)
            self.flags[i] = isinstance(g.type_of(i), Stack)
            return
        if op.batch == "spread":
            xs = [x if f else replicate(b, x, self.size) for x, f in zip(xs, flags, strict=True)]
        else:
            rank = 1 + max(one(g.type_of(x)).rank for x in operands)
            xs = [lifted(b, x, rank) if f else x for x, f in zip(xs, flags, strict=True)]
        self.where[i] = b.emit(code, tuple(xs), attrs)

    def _masked_at_once(self, op: Op, guarded: Sequence[int], xs: list[int]) -> list[int]:
        """The operands of an op that may fail and that all rows share, harmless where no row is active."""
        b = self.b
        assert self.mask is not None
        some = b.any(self.mask, axes=(-1,), keepdims=False)
        return [b.where(some, x, harmless(b, op, k, x)) if k in guarded else x for k, x in enumerate(xs)]

    def _masked(self, op: Op, guarded: Sequence[int], xs: list[int], flags: list[bool]) -> tuple[list[int], list[bool]]:
        """The operands of an op that may fail, harmless in the inactive rows."""
        b = self.b
        assert self.mask is not None
        masked, masked_flags = list(xs), list(flags)
        for k in guarded:
            x = xs[k] if flags[k] else replicate(b, xs[k], self.size)
            rows = _rows(b, self.mask, b.type1(x).rank)
            masked[k], masked_flags[k] = b.where(rows, x, harmless(b, op, k, x)), True
        return masked, masked_flags

    def _cond(self, i: int, operands: tuple[int, ...]) -> None:
        """One side for all rows, or both sides and a `where` by row."""
        g, b = self.source, self.b
        flags = [bool(self.flags[x]) for x in operands]
        xs = [self.where[x] for x in operands]
        sides: list[Graph] = [g.attrs[i]["then"], g.attrs[i]["else"]]
        if not flags[0]:
            self._same_side(i, xs, flags, sides)
            return
        condition = xs[0]
        masks = [condition, b.not_(condition)]
        if self.mask is not None:
            masks = [b.and_(self.mask, m) for m in masks]
        side_results: list[list[int]] = []
        for side, mask in zip(sides, masks, strict=True):
            outputs, flagged = _inline_batched(b, side, xs[1:], flags[1:], self.size, mask)
            side_results.append(_all_rows(b, outputs, flagged, self.size))
        results = [_where_rows(b, condition, p, q) for p, q in zip(*side_results, strict=True)]
        self.results_of[i] = results, [True] * len(results)

    def _same_side(self, i: int, xs: list[int], flags: list[bool], sides: list[Graph]) -> None:
        """All rows take the same side, which becomes a batch of its own."""
        b = self.b
        if self.mask is not None:
            xs, flags = [*xs, self.mask], [*flags, True]
        batched_sides: list[Graph] = []
        for side in sides:
            inner = Builder()
            inputs: list[int] = []
            for x, k in zip(xs[1:], (*side.inputs, NONE), strict=False):
                inputs.append(inner.input(single(b.type_of(x)), side.names.get(k)))
            mask = None if self.mask is None else inputs.pop()
            outputs, flagged = _inline_batched(inner, side, inputs, flags[1 : 1 + len(inputs)], self.size, mask)
            batched_sides.append(inner.done(*_all_rows(inner, outputs, flagged, self.size)))
        node = b.apply("cond", *xs, **{"then": batched_sides[0], "else": batched_sides[1]})
        count = len(batched_sides[0].outputs)
        self.results_of[i] = [b.get(node, k=k) for k in range(count)], [True] * count

    def _loop(self, i: int, operands: tuple[int, ...]) -> None:
        """Steps of all rows at once; where rows run unequally many, a row that is done keeps its carries."""
        g, b, size = self.source, self.b, self.size
        attrs = g.attrs[i]
        flags = [bool(self.flags[x]) for x in operands]
        xs = [self.where[x] for x in operands]
        view = LoopView(attrs, list(zip(xs, flags, strict=True)))
        body, test = view.body, view.pred
        if self.mask is None and not any(flags):
            node = b.place(g.op[i], tuple(xs), b.intern_type(g.type_of(i)), attrs)
            count = 1 + len(body.outputs)
            self.results_of[i] = [b.get(node, k=k) for k in range(count)], [False] * count
            return
        counted, carries, invariants, stacks = view.count, view.carries, view.invariants, view.stacks
        fixed = [*invariants, *stacks]
        # a `while` without an active row may never end
        uneven = bool(counted and counted[1]) or (self.mask is not None and test is not None)
        carry_flags = [f for _, f in carries]
        while True:
            types = [single(b.type_of(x)) for x, _ in carries]
            types = [
                _batched_type(t, size) if w and not f else t
                for t, w, (_, f) in zip(types, carry_flags, carries, strict=True)
            ]
            types += [single(b.type_of(x)) for x, _ in invariants] + [items_of(b.type_of(x)) for x, _ in stacks]
            batched = [*carry_flags, *(f for _, f in fixed)]
            output_flags = _flags(body, [INT, *types], [False, *batched], size, self.mask is not None)
            if test is not None and not uneven:
                many = len(carries) + len(invariants)
                uneven = _flags(test, types[:many], batched[:many], size, False)[0]
            new_flags = [uneven or p or q for p, q in zip(carry_flags, output_flags, strict=False)]
            if new_flags == carry_flags:
                break
            carry_flags = new_flags
        stack_flags = [uneven or f for f in output_flags[len(carries) :]]
        start = [x if f or not w else replicate(b, x, size) for (x, f), w in zip(carries, carry_flags, strict=True)]
        loop = _Loop(
            attrs,
            start,
            [x for x, _ in invariants],
            [x for x, _ in stacks],
            batched,
            [*carry_flags, *stack_flags],
            size,
        )
        if uneven:
            results = _uneven_loop(b, loop, None if counted is None else counted, self.mask)
            self.results_of[i] = results, [True] * len(results)
        else:
            self.results_of[i] = (
                _even_loop(b, loop, counted and counted[0], self.mask),
                [False, *carry_flags, *stack_flags],
            )


class _Loop(NamedTuple):
    """A loop to be batched. flags, output_flags: which inputs (without the step) and outputs are batched."""

    attrs: Mapping[str, Any]
    carries: list[int]
    invariants: list[int]
    stacks: list[int]
    flags: list[bool]
    output_flags: list[bool]
    size: Size


def _graph(
    graph: Graph,
    types: Sequence[Type | Stack],
    flags: Sequence[bool],
    size: Size,
    mask_at: int | None,
    output_flags: Sequence[bool] | None,
) -> tuple[Graph, list[bool]]:
    """The batched form of a graph, with a mask of rows as an input more, and which outputs are batched."""
    b = Builder()
    inputs: list[int] = []
    mask: int | None = None
    for k, (i, t) in enumerate(zip(graph.inputs, types, strict=True)):
        if k == mask_at:
            mask = b.input(_batched_type(BOOL, size))
        inputs.append(b.input(t, graph.names.get(i)))
    if mask_at == len(inputs):
        mask = b.input(_batched_type(BOOL, size))
    outputs, flagged = _inline_batched(b, graph, inputs, flags, size, mask)
    if output_flags is not None:
        outputs = [
            x if f or not w else replicate(b, x, size) for x, f, w in zip(outputs, flagged, output_flags, strict=True)
        ]
    return prune(b.done(*outputs)), flagged


def _flags(graph: Graph, types: Sequence[Type | Stack], flags: Sequence[bool], size: Size, masked: bool) -> list[bool]:
    return _graph(graph, types, flags, size, len(types) if masked else None, None)[1]


def _body(b: Builder, loop: _Loop, masked: bool) -> Graph:
    """The batched body; the mask stands behind the invariants."""
    types = [INT, *(single(b.type_of(x)) for x in (*loop.carries, *loop.invariants))]
    mask_position = len(types) if masked else None
    types += [items_of(b.type_of(x)) for x in loop.stacks]
    return _graph(loop.attrs["body"], types, [False, *loop.flags], loop.size, mask_position, loop.output_flags)[0]


def _even_loop(b: Builder, loop: _Loop, count: int | None, mask: int | None) -> list[int]:
    """All rows run the same steps."""
    body = _body(b, loop, mask is not None)
    attrs = {**loop.attrs, "body": body, "invariants": len(loop.invariants) + (mask is not None)}
    operands = [*loop.carries, *loop.invariants, *([] if mask is None else [mask]), *loop.stacks]
    if count is None:
        many = len(loop.carries) + len(loop.invariants)
        types = [single(b.type_of(x)) for x in (*loop.carries, *loop.invariants)]
        attrs["pred"] = _graph(loop.attrs["pred"], types, loop.flags[:many], loop.size, None, None)[0]
    node = b.apply("loop", *([] if count is None else [count]), *operands, **attrs)
    return [b.get(node, k=k) for k in range(1 + len(body.outputs))]


def _uneven_loop(b: Builder, loop: _Loop, counted: tuple[int, bool] | None, mask: int | None) -> list[int]:
    """A loop of the largest number of steps of any row; steps are absolute, row r is active in step s while s < n[r].

    Of a `for` the rows' counts are an invariant; of a `while` carries say which rows are active and their step counts.
    """
    size, attrs = loop.size, loop.attrs
    rows, counts = BOOL._replace(shape=(size,)), INT._replace(shape=(size,))
    body = _body(b, loop, True)
    inner = Builder()
    step = inner.input(INT)
    carries = [
        inner.input(single(b.type_of(x)), body.names.get(i))
        for x, i in zip(loop.carries, body.inputs[1:], strict=False)
    ]
    state = [inner.input(rows), inner.input(counts)] if counted is None else []
    invariants = [inner.input(single(b.type_of(x))) for x in loop.invariants]
    if counted is not None:
        limit = inner.input(counts)
        alive = inner.lt(step, limit)
    else:
        alive = state[0]
    items = [inner.input(items_of(b.type_of(x))) for x in loop.stacks]
    where = inner.inline(body, [step, *carries, *invariants, alive, *items])
    outputs = [where[i] for i in body.outputs]
    new_carries = [_where_rows(inner, alive, x, old) for x, old in zip(outputs, carries, strict=False)]
    items_out = [_where_rows(inner, alive, x, None) for x in outputs[len(carries) :]]
    rest = {k: v for k, v in attrs.items() if k not in ("body", "pred", "saved", "carries", "invariants")}
    if counted is not None:
        count = counted[0] if counted[1] else replicate(b, counted[0], size)
        if mask is not None:
            count = b.where(mask, count, b.const(0, counts))
        count = b.cast(b.max(count, b.const(0, counts)), dtype="int")
        none = b.const(0, counts._replace(shape=(1,)))  # a batch may have no rows
        total = b.amax(b.concat(count, none, axis=-1), axes=(-1,), keepdims=False)
        node = b.apply(
            "loop",
            total,
            *loop.carries,
            *loop.invariants,
            count,
            *loop.stacks,
            **rest,
            body=inner.done(*new_carries, *items_out),
            carries=len(new_carries),
            invariants=len(invariants) + 1,
        )
        return [count, *(b.get(node, k=1 + k) for k in range(len(outputs)))]
    test = _pred(b, loop)
    still_running = inner.inline(test, [*new_carries, *invariants, alive])[test.outputs[0]]
    new_state = [inner.and_(alive, still_running), inner.where(alive, inner.add(state[1], inner.const(1)), state[1])]
    runs = b.const(True, rows) if mask is None else mask
    running_at_start = b.inline(test, [*loop.carries, *loop.invariants, runs])[test.outputs[0]]
    start = [b.and_(runs, running_at_start), b.const(0, counts)]
    p = Builder()
    inputs = [p.input(single(inner.type_of(x))) for x in (*carries, *state, *invariants)]
    node = b.apply(
        "loop",
        *loop.carries,
        *start,
        *loop.invariants,
        *loop.stacks,
        **rest,
        body=inner.done(*new_carries, *new_state, *items_out),
        pred=p.done(p.any(inputs[len(carries)], axes=(-1,), keepdims=False)),
        carries=len(new_carries) + 2,
        invariants=len(invariants),
    )
    view: LoopView[int] = LoopView(b.attrs[node])
    many = len(new_carries)  # behind them the rows that are active, and their step counts
    results = [b.get(node, k=view.carry_result(k)) for k in range(many)]
    results += [b.get(node, k=view.stack_result(k)) for k in range(len(items_out))]
    return [b.get(node, k=view.carry_result(many + 1)), *results]


def _pred(b: Builder, loop: _Loop) -> Graph:
    """The condition by row; the mask stands behind its inputs."""
    many = len(loop.carries) + len(loop.invariants)
    types = [single(b.type_of(x)) for x in (*loop.carries, *loop.invariants)]
    return _graph(loop.attrs["pred"], types, loop.flags[:many], loop.size, many, [True])[0]


def _where_rows(b: Builder, rows: int, x: int, otherwise: int | None) -> int:
    """By row one of two values; without the second a zero."""
    t = single(b.type_of(x))
    if isinstance(t, Stack):
        alternatives = [] if otherwise is None else [otherwise]
        return map_items(
            b,
            lambda inner, item, *more: _where_rows(inner, more[-1], item, more[0] if len(more) > 1 else None),
            x,
            *alternatives,
            captured=[rows],
        )
    if otherwise is None:
        zero = t._replace(shape=(1,) * t.rank)
        otherwise = b.const(False if t.dtype == "bool" else 0.0 if t.is_float else 0, zero)
    return b.where(_rows(b, rows, t.rank), x, otherwise)


def _guarded(g: Builder | Graph, i: int) -> list[int]:
    """The operands by which node `i` can stop a run, among those that a mask can make harmless."""
    op, t = BY_CODE[g.op[i]], g.type_of(i)
    if op.effects.may_overflow and isinstance(t, Type) and t.is_int:
        operands = g.operands(i)
        return [k for k, x in enumerate(operands) if not _small(g, x)]
    return list(op.effects.harmless) if op.effects.may_fail else []


def _small(g: Builder | Graph, x: int) -> bool:
    """Whether a node is a constant with which no int overflows alone, or computed from such and from sizes.

    A mask would change how often a loop over an axis runs, and so how many items its stacks have.
    """
    stack, visited = [x], 0
    while stack:
        visited += 1
        node = stack.pop()
        value = g.attrs[node]["value"] if g.op[node] == CONST else None
        leaf = g.op[node] == SIZE or (isinstance(value, int) and abs(value) < 2**30)
        if not leaf and (g.op[node] in (CONST, INPUT) or visited > 20):
            return False
        stack += () if leaf else g.operands(node)
    return True


def _all_rows(b: Builder, xs: Sequence[int], flags: Sequence[bool], size: Size) -> list[int]:
    return [x if f else replicate(b, x, size) for x, f in zip(xs, flags, strict=True)]


def _rows(b: Builder, mask: int, rank: int) -> int:
    """A bool a row, as a value that broadcasts over the rows of one of `rank`."""
    return b.expand_dims(mask, axes=tuple(range(-rank + 1, 0))) if rank > 1 else mask
