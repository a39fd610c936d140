"""The results of a sweep, block by block: some points in a row, of which each has results or an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from cgcli.data.journal import packed, unpacked
from cgcli.diagnostics.diagnostic import CgError, error

if TYPE_CHECKING:
    from .computation import Computation
    from .sweep_points import Points

ERROR = "error"  # the column of the errors


class Span(NamedTuple):
    """The points from `start` to the one before `end`."""

    start: int
    end: int


class Block(NamedTuple):
    """The results of the points from `start` to the one before `end`.

    columns: by name an array, a row for each point that did not fail. errors: by point that failed what is wrong.
    """

    start: int
    end: int
    columns: Mapping[str, Any]
    errors: Mapping[int, CgError | str]

    def with_lines(self) -> Block:
        """The block with the first line of each error."""
        return self._replace(errors={point: error_line(problem) for point, problem in self.errors.items()})

    def packed(self) -> bytes:
        """The block as a part of a journal."""
        errors = {str(point): problem for point, problem in self.with_lines().errors.items()}
        return packed({"start": self.start, "end": self.end, "errors": errors}, self.columns)

    @classmethod
    def unpacked(cls, part: bytes) -> Block:
        """The block that a part of a journal holds."""
        about, columns = unpacked(part)
        errors = {int(point): text for point, text in about["errors"].items()}
        return cls(about["start"], about["end"], columns, errors)


class Work(Protocol):
    """What computes the results of points."""

    def blocks(self, finished: Mapping[int, int]) -> Iterator[Block]:
        """The blocks that are not finished, in any order. finished: by their starts the ends of those that are."""

    def none(self) -> Mapping[str, Any]:
        """The columns of the result, without rows."""


class PointWork(Work, Protocol):
    """Work of which each block can be computed by itself, also by an equal one in another process.

    program, arguments: what its type makes an equal one of.
    """

    @property
    def program(self) -> Computation: ...

    @property
    def points(self) -> Points: ...

    @property
    def arguments(self) -> tuple[Any, ...]: ...

    def spans(self, finished: Mapping[int, int]) -> list[Span]:
        """The blocks that are not finished, in order: which points they have."""

    def block(self, span: Span) -> Block:
        """The results of these points. Raises CgError for what no single one of them causes."""


def error_line(problem: CgError | str) -> str:
    """What is wrong, in one line; with the line of the program that it is about."""
    if isinstance(problem, str):
        return problem
    from cgcli.diagnostics.wording.messages import message_of  # for an error alone

    first = problem.diagnostics[0]
    text = " ".join(message_of(first).title.split())
    if first.labels:
        span = first.labels[0].span
        text += f" (line {span.source.position(span.start)[0]})"
    return text


def joined(blocks: Sequence[Block]) -> dict[str, Any]:
    """The columns of all blocks, a row for each point that did not fail.

    Raises CgError where a result has another shape in another block.
    """
    import numpy as np

    columns: dict[str, Any] = {}
    filled = [block for block in blocks if block.end - block.start > len(block.errors)]
    for name in filled[0].columns if filled else ():
        parts = [block.columns[name] for block in filled]
        first = parts[0].shape[1:]
        other = next((part.shape[1:] for part in parts if part.shape[1:] != first), first)
        if other != first:
            raise error("shape-by-row", status=1, name=name, first=_shape(first), second=_shape(other))
        columns[name] = np.concatenate(parts)
    return columns


def _shape(shape: Sequence[int]) -> str:
    return f"[{', '.join(map(str, shape))}]" if shape else "a number"


def with_gaps(column: Any, succeeded: Any) -> Any:
    """A row for each point: NaN where one failed, and of whole numbers and bools, which have none, no cell.

    succeeded: whether each point did not fail.
    """
    import numpy as np

    if column.dtype.kind == "f":
        whole = np.full((len(succeeded), *column.shape[1:]), np.nan, column.dtype)
        whole[succeeded] = column
        return whole
    cells = iter(column.tolist())
    return [next(cells) if each else None for each in succeeded.tolist()]
