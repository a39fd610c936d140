"""Lowers tensor literals, ranges, indexing and the matrix product, to ops whose axes count from the end."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cgcli.diagnostics.diagnostic import error
from cgcli.graph.sizes import Size, add, floor_div, larger, positive, product, smaller, sub
from cgcli.graph.types import MAX_AXES, Type
from cgcli.ops.shape import inverse
from cgcli.ops.update import target_shape

from .expressions import DATA, Expressions, Lowering, Request
from .frames import Frame
from .origins import counted
from .regions import Value
from .shapes import constant_of, item_of, size_of
from .tree import kind, literal


@dataclass(frozen=True)
class Slice:
    """A slice of one axis: its start, step and number of elements."""

    start: Size
    step: int
    size: Size


@dataclass(frozen=True)
class Target:
    """What an index selects: the slice of each axis; the axes to drop; the axes, trees and values of computed indices.

    Axes count from the end. The slice of a computed index is the whole axis.
    """

    slices: list[Slice]
    dropped: list[int]
    computed: list[tuple[int, Any, Value]]

    @property
    def rank(self) -> int:
        """How many axes the computed indices have together."""
        return max((item.type.rank for _, _, item in self.computed), default=0)

    @property
    def axes(self) -> list[int]:
        """The axes with a computed index."""
        return [axis for axis, _, _ in self.computed]

    def dropped_axes(self) -> tuple[int, ...]:
        """The axes of size 1 to drop from what is selected, counted from its end: computed indices, which are numbers
        then, have no axes."""
        return tuple(axis + sum(a > axis for a in self.axes) for axis in self.dropped)

    def attrs(self) -> dict[str, Any]:
        """The attributes of the ops on targets, whose steps are 0 for computed indices."""
        parts = [Slice(0, 0, 1) if k - len(self.slices) in self.axes else s for k, s in enumerate(self.slices)]
        return {
            "starts": tuple(p.start for p in parts),
            "steps": tuple(p.step for p in parts),
            "sizes": tuple(p.size for p in parts),
        }


class Tensors(Expressions):
    """Lowers tensors and their indexing."""

    # ---- literals and ranges

    def _tensor(self, frame: Frame, tree: Any) -> Any:
        if _too_deep(tree):
            raise error("too-many-axes", frame.span(tree), limit=MAX_AXES)
        literal_ = literal_tensor(tree)
        if literal_ is not None:
            value, shape = literal_
            return self._literal_tensor(frame, tree, value, shape)
        return self._stacked(frame, tree)

    def _literal_tensor(self, frame: Frame, tree: Any, value: Any, shape: tuple[int, ...]) -> Value:
        flat = list(_leaves(value))
        dtype = "bool" if flat and all(isinstance(x, bool) for x in flat) else "float"
        if flat and all(type(x) is int for x in flat):
            dtype = "int"
        if not flat:
            return self.value(frame, tree, value, Type("float", shape))
        return self.value(frame, tree, value, Type(dtype, shape, weak=dtype != "bool"))

    def _stacked(self, frame: Frame, tree: Any) -> Lowering:
        parts = [c for c in tree.children if c is not None]
        values: list[Value] = []
        for part in parts:
            values.append((yield frame, part))
        return self.emit(frame, tree, "stack", values, parts, axis=-1 - values[0].type.rank)

    def _range(self, frame: Frame, tree: Any) -> Lowering:
        low, high = tree.children
        a = yield frame, low
        b = yield frame, high
        first, last = self.size(frame, low, a), self.size(frame, high, b)
        numbers = self.emit(frame, tree, "arange", [], [], size=larger(0, sub(last, first)))
        return numbers if first == 0 else self.emit(frame, tree, "add", [a, numbers], [])

    def _string(self, frame: Frame, tree: Any) -> Value:
        raise error("text-as-value", frame.span(tree))

    # ---- products

    def _binary(self, frame: Frame, tree: Any) -> Lowering:
        left, sign, right = tree.children
        if sign != "@":
            return (yield from super()._binary(frame, tree))
        x = yield frame, left
        y = yield frame, right
        return self.matmul(frame, tree, x, y, (left, right))

    def _field(self, frame: Frame, tree: Any) -> Any:
        base, token = tree.children
        if str(token) == "T" and self._module(frame, base) is None:
            return self._transposed(frame, tree)
        return super()._field(frame, tree)

    def _transposed(self, frame: Frame, tree: Any) -> Lowering:
        x = yield frame, tree.children[0]
        return self.transposed(frame, tree, x)

    def transposed(self, frame: Frame, tree: Any, x: Value) -> Value:
        """`x.T` of a lowered x."""
        if x.type.rank != 2:
            operand = tree.children[0]
            vector, other = (frame.span(operand).text, None) if x.type.rank == 1 else (None, "transpose")
            raise frame.error("transpose-rank", operand, type=x.type, vector=vector, other=other)
        return self.emit(frame, tree, "permute", [x], [tree.children[0]], axes=(-1, -2))

    def matmul(self, frame: Frame, tree: Any, x: Value, y: Value, parts: Sequence[Any]) -> Value:
        """NumPy's `@`: vectors become matrices of one row or one column, and that axis is dropped from the result."""
        for value, part in ((x, parts[0]), (y, parts[1])):
            if value.type.rank == 0:
                raise frame.error("matmul-scalar", part, type=value.type)
        left = self.emit(frame, tree, "expand_dims", [x], parts, axes=(-2,)) if x.type.rank == 1 else x
        right = self.emit(frame, tree, "expand_dims", [y], parts, axes=(-1,)) if y.type.rank == 1 else y
        result = self.emit(frame, tree, "matmul", [left, right], parts, source_operands=(x, y))
        axes = (*((-2,) if x.type.rank == 1 else ()), *((-1,) if y.type.rank == 1 else ()))
        return self.emit(frame, tree, "squeeze", [result], [], axes=axes) if axes else result

    # ---- indexing

    def _index(self, frame: Frame, tree: Any) -> Lowering:
        x = yield frame, tree.children[0], DATA
        return (yield from self.index(frame, tree, x))

    def index(self, frame: Frame, tree: Any, x: Any) -> Lowering:
        """`x[…]` of a lowered x."""
        items = yield from self._items(frame, tree)
        return self.read_item(frame, tree, x, items) or self.indexed(frame, tree, x, items)

    def read_item(self, frame: Frame, tree: Any, x: Value, items: Sequence[tuple[Any, Any]]) -> Value | None:
        """A hook for `Loops`: the item of a stack that a loop reads step by step, or None."""
        return None

    def record_write(
        self, frame: Frame, tree: Any, y: Value, items: Sequence[tuple[Any, Any]], v: Value, updated: Value
    ) -> None:
        """A hook for `Loops`: records an assignment to a part."""

    def _part_assign(self, frame: Frame, tree: Any) -> Lowering:
        """`y[i] = v`: the new y."""
        target, expression = tree.children
        y = yield frame, target.children[0]
        items = yield from self._items(frame, target)
        v = yield frame, expression
        whole = replace(frame, written=frame.span(tree))
        updated = self.with_items(whole, target, y, items, v, expression)
        self.record_write(whole, target, y, items, v, updated)
        return updated

    def _items(self, frame: Frame, tree: Any) -> Generator[Request, Any, list[tuple[Any, Any]]]:
        """The items in the brackets of an index: trees with values, bounds of slices, or None for `...`."""
        items: list[tuple[Any, Any]] = []
        for item in tree.children[1:]:
            if item is None:
                continue
            if kind(item) == "slice":
                bounds: list[Value | None] = []
                for part in item.children:
                    bounds.append(None if part is None else (yield frame, part))
                items.append((item, tuple(bounds)))
            elif kind(item) == "ellipsis":
                items.append((item, None))
            else:
                items.append((item, (yield frame, item)))
        return items

    def indexed(self, frame: Frame, tree: Any, x: Value, items: Sequence[tuple[Any, Any]]) -> Value:
        """`x[items]`; an item is a value, the bounds of a slice, or None for `...`."""
        k = constant_of(items[0][1]) if len(items) == 1 and isinstance(items[0][1], Value) else None
        if type(k) is int:
            element = item_of(x, k)
            if element is not None:
                return element
            constant = constant_of(x)
            if isinstance(constant, tuple) and -len(constant) <= k < len(constant):
                return self.value(frame, tree, constant[k], x.type._replace(shape=x.type.shape[1:]))
        target = self._target(frame, tree, x, items)
        if len(target.computed) > 1:
            x = self._elements(frame, tree, x, target)
        else:
            x = self._sliced(frame, tree, x, target.slices)
            for axis, part, item in target.computed:
                index = self._checked_index(frame, part, x, axis, item)
                x = self.emit(frame, tree, "take", [x, index], [], axis=axis)
        dropped = target.dropped_axes()
        return self.emit(frame, tree, "squeeze", [x], [], axes=dropped) if dropped else x

    def _target(self, frame: Frame, tree: Any, x: Value, items: Sequence[tuple[Any, Any]]) -> Target:
        """What the items select of `x`."""
        rank = x.type.rank
        explicit = [i for i in items if i[1] is not None]
        if len(items) - len(explicit) > 1:
            raise error("ellipsis-twice", frame.span([i for i in items if i[1] is None][1][0]))
        if not rank:
            raise frame.error("index-of-number", tree.children[0])
        if len(explicit) > rank:
            indices, axes = counted(len(explicit), "index", "indices"), counted(rank, "axis", "axes")
            raise frame.error("too-many-indices", explicit[rank][0], axes=axes, indices=indices)
        full: list[tuple[Any, Any]] = []
        for item in items if len(explicit) < len(items) else [*items, (tree, None)]:
            full += [(item[0], (None, None, None))] * (rank - len(explicit)) if item[1] is None else [item]
        for part, item in full:
            if isinstance(item, Value) and not item.type.is_int:
                chooser = "where" if item.type.dtype == "bool" else None
                raise frame.error("index-type", part, type=item.type, chooser=chooser)
        tensors = any(isinstance(item, Value) and item.type.rank for _, item in full)
        return self._axis_slices(frame, x, full, tensors)

    def _axis_slices(self, frame: Frame, x: Value, items: Sequence[tuple[Any, Any]], tensors: bool) -> Target:
        slices: list[Slice] = []
        dropped: list[int] = []
        computed: list[tuple[int, Any, Value]] = []
        rank = x.type.rank
        for k, (tree, item) in enumerate(items):
            axis, size = k - rank, x.type.shape[k]
            if not isinstance(item, Value):
                slices.append(self._axis_slice(frame, tree, item, size))
                continue
            start = None if tensors else self._constant_index(frame, tree, item, size)
            if start is None:
                computed.append((axis, tree, item))
                slices.append(Slice(0, 1, size))
            else:
                dropped.append(axis)
                slices.append(Slice(start, 1, 1))
        return Target(slices, dropped, computed)

    def _constant_index(self, frame: Frame, tree: Any, item: Value, size: Size) -> Size | None:
        """The position of a constant index on its axis; None where it is known only at run time."""
        k = size_of(item)
        if k is None:
            return None
        if isinstance(k, int) and isinstance(size, int):
            if not -size <= k < size:
                raise frame.error("index-outside", tree, index=k, size=size)
            return k + size if k < 0 else k
        return None

    def _axis_slice(self, frame: Frame, tree: Any, bounds: Sequence[Value | None], n: Size) -> Slice:
        """A slice as in Python: negative bounds count from the end, and bounds are clipped to the axis."""
        start, stop, step = (
            None if v is None else self.size(frame, tree if t is None else t, v)
            for v, t in zip(
                bounds, getattr(tree, "children", (None,) * 3) if kind(tree) == "slice" else (None,) * 3, strict=True
            )
        )
        stride = 1 if step is None else step
        if not isinstance(stride, int) or stride == 0:
            raise error("slice-step", frame.span(tree))
        if stride > 0:
            first = 0 if start is None else _clipped(start, n, 0, n)
            last = n if stop is None else _clipped(stop, n, 0, n)
            return Slice(first, stride, _steps(sub(last, first), stride))
        first = sub(n, 1) if start is None else _clipped(start, n, -1, sub(n, 1))
        last = -1 if stop is None else _clipped(stop, n, -1, sub(n, 1))
        return Slice(first, stride, _steps(sub(first, last), -stride))

    def _sliced(self, frame: Frame, tree: Any, x: Value, slices: Sequence[Slice]) -> Value:
        """The slices of all axes in one op, which leaves out leading axes that are whole."""
        shape = x.type.shape
        is_whole = [p == Slice(0, 1, n) for p, n in zip(slices, shape, strict=True)]
        if all(is_whole):
            return x
        trailing = slices[is_whole.index(False) :]
        return self.emit(
            frame,
            tree,
            "slice",
            [x],
            [],
            starts=tuple(p.start for p in trailing),
            steps=tuple(p.step for p in trailing),
            sizes=tuple(p.size for p in trailing),
        )

    def _checked_index(self, frame: Frame, tree: Any, x: Value, axis: int, index: Value) -> Value:
        """An index that is checked against the axis and counts from its start."""
        return self.emit(replace(frame, written=None), tree, "index", [index], [tree], size=x.type.shape[axis])

    def _indices(self, frame: Frame, tree: Any, x: Value, target: Target) -> list[Value]:
        """The computed indices, checked, in the shape to which they broadcast."""
        indices = [self._checked_index(frame, part, x, axis, item) for axis, part, item in target.computed]
        total = indices[0]
        for index in indices[1:]:  # the sum has the common shape, or there is none
            if index.type.shape != total.type.shape:
                total = self.emit(frame, tree, "add", [total, index], [part for _, part, _ in target.computed][:2])
        shape = total.type.shape
        return [i if i.type.shape == shape else self.emit(frame, tree, "expand", [i], [], shape=shape) for i in indices]

    def _elements(self, frame: Frame, tree: Any, x: Value, target: Target) -> Value:
        """Indexing by several computed indices. As in NumPy they broadcast, and several select elements pairwise; the
        axes of tensors that do not stand side by side come first."""
        result = self.emit(frame, tree, "elements", [x, *self._indices(frame, tree, x, target)], [], **target.attrs())
        axes = self._order(target)
        return result if axes is None else self.emit(frame, tree, "permute", [result], [], axes=axes)

    @staticmethod
    def _order(target: Target) -> tuple[int, ...] | None:
        """The axes of the elements of a target in the order of NumPy, None where that is their order."""
        if not target.rank:
            return None
        first, rank = target.axes[0] + len(target.slices), target.rank
        if target.axes[-1] - target.axes[0] < len(target.axes) or not first:
            return None
        total = len(target.slices) - len(target.axes) + rank
        order = [*range(first, first + rank), *range(first), *range(first + rank, total)]
        return tuple(axis - total for axis in order)

    def with_items(
        self, frame: Frame, tree: Any, y: Value, items: Sequence[tuple[Any, Any]], v: Value, part: Any
    ) -> Value:
        """`y` with the elements `y[items]` replaced by those of `v`; of repeated indices the last one counts."""
        target = self._target(frame, tree, y, items)
        indices = self._indices(frame, tree, y, target) if target.computed else []
        attrs, dropped = target.attrs(), target.dropped_axes()
        whole = target_shape(y.type.shape, indices[0].type.shape if indices else (), attrs)
        shape = tuple(n for k, n in enumerate(whole, -len(whole)) if k not in dropped)
        order = self._order(target)
        if order is not None:
            shape = tuple(shape[axis] for axis in order)
        if product(shape) == 0:
            return y
        if v.type.shape != shape:
            v = self.emit(frame, tree, "expand", [v], [part], shape=shape)
        if v.type.dtype != y.type.dtype and not y.type.weak:
            v = self.emit(frame, tree, "cast", [v], [], dtype=y.type.dtype)
        if order is not None:
            v = self.emit(frame, tree, "permute", [v], [], axes=inverse(order))
        if dropped:
            v = self.emit(frame, tree, "expand_dims", [v], [], axes=dropped)
        return self.emit(frame, tree, "update", [y, v, *indices], [], **attrs)

    # ---- sizes

    def size(self, frame: Frame, tree: Any, value: Value) -> Size:
        """The size that an expression stands for. Raises CgError for one that is known only at run time."""
        size = size_of(value)
        if size is None:
            raise frame.error("not-a-size", tree, type=value.type)
        return size


def _too_deep(tree: Any) -> bool:
    depth = 0
    while kind(tree) == "tensor" and depth <= MAX_AXES:
        depth += 1
        tree = tree.children[0] if tree.children and tree.children[0] is not None else None
        if tree is None:
            break
    return depth > MAX_AXES


def literal_tensor(tree: Any, depth: int = MAX_AXES) -> tuple[Any, tuple[int, ...]] | None:
    """A tensor of literals as nested tuples with its shape; None when it is computed or ragged."""
    values: list[Any] = []
    shapes: list[tuple[int, ...]] = []
    for child in tree.children:
        if child is None:
            continue
        if kind(child) == "tensor":
            inner = literal_tensor(child, depth - 1) if depth else None
            if inner is None:
                return None
            value, shape = inner
        else:
            value, shape = literal(child), ()
            if kind(child) in ("true", "false"):
                value = kind(child) == "true"
            if value is None:
                return None
        values.append(value)
        shapes.append(shape)
    if any(s != shapes[0] for s in shapes):
        return None
    kinds = {isinstance(x, bool) for x in _leaves(values)}
    return None if len(kinds) > 1 else (tuple(values), (len(values), *(shapes[0] if shapes else ())))


def _leaves(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        for x in value:
            yield from _leaves(x)
    else:
        yield value


def _clipped(bound: Size, n: Size, low: Size, high: Size) -> Size:
    """A bound of a slice, clipped to the axis; one that is negative for all sizes, as `-k`, counts from the end."""
    from_end = bound < 0 if isinstance(bound, int) else positive(bound) == 0
    return larger(low, smaller(add(n, bound) if from_end else bound, high))


def _steps(length: Size, stride: int) -> Size:
    """How many strides fit into a length."""
    size = larger(0, length)
    return size if stride == 1 else floor_div(add(size, stride - 1), stride)
