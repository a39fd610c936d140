"""The points of a sweep as rows of a table: many at a time, on all cores; a point that fails costs no other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cgcli.diagnostics.byte_text import byte_text
from cgcli.diagnostics.diagnostic import CgError, error, unknown_name
from cgcli.ops.limits import memory_limit
from cgcli.run.binding import require
from cgcli.system import cores

from .computation import Computation, Values
from .restrict import restrict
from .rows import OF_NO_ROW, Derivatives, Rows, fitted
from .sweep_blocks import Block, Span
from .sweep_points import Points

BLOCKS = 64  # of a large sweep, so that a kill costs little of it
LEAST, SINGLE = 256, 16  # points of a block; of a program that runs them one by one
OF_NO_POINT = (*OF_NO_ROW, "timed-out")
"""The codes of errors that no single point causes."""


class PointRows:
    """The outputs of a program, or a value and its derivatives, at the points of a sweep.

    values: the inputs that are the same at every point. outputs: which; empty for all. How points are cut into blocks
    follows from the program and their number alone, so results do not depend on where a run was broken off.

    Raises CgError for inputs without a value, and for outputs and derivatives that there are not.
    """

    def __init__(
        self,
        program: Computation,
        values: Values,
        points: Points,
        derivatives: Derivatives | None = None,
        outputs: Sequence[str] = (),
    ) -> None:
        self.program, self.arguments = program, (values, points, derivatives, outputs)
        names = [axis.name for axis in points.axes]
        require(program.inputs, {*values, *names})
        if program.mode == "static":
            program = program.for_shapes({**values, **points.first()})
        if outputs:
            program = _restricted(program, outputs)
            inputs = {i.name for i in program.inputs}
            if unread := [name for name in names if name not in inputs]:
                raise error("sweep-unread", names=unread, outputs=list(outputs))
            values = {name: x for name, x in values.items() if name in inputs}
        if not derivatives and not program.outputs and program.function_name is None:
            raise error("nothing-to-compute", name=program.module.source.name)
        self.points, self.values = points, values
        self.rows = Rows(program, values, names, derivatives)
        self.rows.prepare(points.count)
        self.single = Rows(program, values, names, derivatives)
        self.single.prepare(1)
        single = not self.rows.parallel
        self.size = SINGLE if single else max(LEAST, min(self.rows.most, -(-points.count // BLOCKS)))

    def _check_memory(self) -> None:
        """Raises CgError for a table that would take more memory than there is: its blocks, and then the whole."""
        row = sum(x.itemsize * math.prod(x.shape[1:]) for x in self.rows.none().values())
        size = 2 * self.points.count * (row + 8 * len(self.points.axes))
        limit = self.rows.program.max_memory or memory_limit()
        if size > limit:
            values = {"count": self.points.count, "size": byte_text(size), "limit": byte_text(limit)}
            raise error("sweep-memory", status=1, **values)

    def none(self) -> Mapping[str, Any]:
        """The columns of the result, without rows."""
        return self.rows.none()

    def spans(self, finished: Mapping[int, int]) -> list[Span]:
        """The blocks that are not finished, in order. Raises CgError where their results need too much memory."""
        self._check_memory()
        count = self.points.count
        spans = [Span(start, min(start + self.size, count)) for start in range(0, count, self.size)]
        return [span for span in spans if finished.get(span.start) != span.end]

    def blocks(self, finished: Mapping[int, int]) -> Iterator[Block]:
        """The blocks that are not finished, in order; the first one prepares the run of all."""
        spans = self.spans(finished)
        if spans:
            yield self.block(spans.pop(0))
        if not self.rows.parallel or len(spans) < 2 or cores() == 1:
            yield from map(self.block, spans)
            return
        from concurrent.futures import ThreadPoolExecutor  # NumPy and machine code release the interpreter lock

        with ThreadPoolExecutor(cores()) as pool:
            try:
                yield from pool.map(self.block, spans)
            finally:
                pool.shutdown(cancel_futures=True)

    def block(self, span: Span) -> Block:
        """The results of some points, and the errors of those that fail.

        Raises CgError for what no single point causes.
        """
        start, end = span
        program = self.rows.program
        cells = self.points.columns(start, end)
        inputs = {axis.name: fitted(program, axis.name, cells[axis.column]) for axis in self.points.axes}
        parts: list[Mapping[str, Any]] = []
        errors: dict[int, CgError | str] = {}
        everything = _range(end - start)
        stack = [everything] if self.rows.parallel else [everything[k : k + 1] for k in reversed(everything)]
        while stack:
            indices = stack.pop()
            try:
                parts.append(self.rows.run({name: x[indices] for name, x in inputs.items()}, len(indices)))
            except CgError as problem:
                if problem.diagnostics[0].code in OF_NO_POINT:
                    raise
                if len(indices) == 1:
                    errors[start + int(indices[0])] = problem
                elif len(indices) == end - start and self.single.by_row:
                    failing = self._failing(inputs, end - start)
                    errors |= {start + k: each for k, each in failing.items()}
                    rest = _range(end - start, without=list(failing))
                    stack += [rest] if failing and len(rest) else [] if failing else _halves(indices)
                else:
                    stack += _halves(indices)
        return Block(start, end, _concatenated(parts), errors)

    def _failing(self, inputs: Mapping[str, Any], count: int) -> dict[int, CgError]:
        """The rows that fail as runs of their own, on Python's numbers: that is faster than to search on arrays."""
        failing: dict[int, CgError] = {}
        for k in range(count):
            try:
                self.single.run({name: x[k : k + 1] for name, x in inputs.items()}, 1)
            except CgError as problem:
                if problem.diagnostics[0].code in OF_NO_POINT:
                    raise
                failing[k] = problem
        return failing


def _range(count: int, without: Sequence[int] = ()) -> Any:
    """The indices of so many rows but these."""
    import numpy as np

    return np.delete(np.arange(count), without)


def _halves(indices: Any) -> list[Any]:
    """Both halves of some indices, the first one on top of a stack."""
    middle = len(indices) // 2
    return [indices[middle:], indices[:middle]]


def _restricted(program: Computation, outputs: Sequence[str]) -> Computation:
    """The program with these outputs alone. Raises CgError for an unknown one, and for a dynamic program."""
    if program.mode == "dynamic":
        raise error("outputs-of-run")
    names = program.module.values
    unknown = next((name for name in outputs if name not in names), None)
    if unknown is not None:
        raise error("no-such-output", **unknown_name(unknown, names))
    return restrict(program, outputs)


def _concatenated(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The results of several runs as arrays. Raises CgError for results that are no numbers, and of unequal shapes."""
    import numpy as np

    columns: dict[str, Any] = {}
    for name in parts[0] if parts else ():
        arrays = [np.asarray(part[name]) for part in parts]
        if any(x.dtype.kind not in "biuf" for x in arrays):
            raise error("sweep-output-kind", name=name)
        shapes = {x.shape[1:]: x for x in arrays}
        if len(shapes) > 1:
            first, second, *_ = (list(shape) or "a number" for shape in shapes)
            raise error("shape-by-row", status=1, name=name, first=str(first), second=str(second))
        columns[name] = np.concatenate(arrays)
    return columns
