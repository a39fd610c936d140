"""The shards of a batch: pieces whose losses and gradients are added in their order, wherever they are computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from .examples import rows_behind

Part = tuple[float, Mapping[str, Any]]
"""The loss over some rows, and its gradient by each parameter that is trained."""

RunShards = Callable[[Mapping[str, Any], int, Sequence[Any]], Iterator[Part]]
"""The parts of a step in their order: of parameters, the number of the step, and the indices of the rows of each shard.

May raise what a `Step` of a training raises.
"""


def cut(rows: Any, shards: int) -> list[Any]:
    """The rows of a batch in so many pieces, one behind the other and as even as possible; of fewer rows one each."""
    import numpy as np

    return np.array_split(rows, min(shards, len(rows)))


def joined(parts: Iterable[Part], shards: Sequence[Any], reduce: str) -> Part:
    """The loss and the gradients of a batch, from those of its shards. reduce: see `Task`."""
    weights = [len(rows) if reduce == "mean" else 1 for rows in shards]
    loss: Any = 0.0
    gradients: dict[str, Any] = {}
    for (part_loss, part), weight in zip(_of_batch(parts, shards), weights, strict=True):
        loss += part_loss * weight
        gradients = {n: gradients[n] + g * weight if gradients else g * weight for n, g in part.items()}
    if reduce == "mean":
        loss, gradients = loss / sum(weights), {n: g / sum(weights) for n, g in gradients.items()}
    return loss, gradients


def _of_batch(parts: Iterable[Part], shards: Sequence[Any]) -> Iterator[Part]:
    """The parts, whose errors say their row by the batch."""
    parts, before = iter(parts), 0
    for rows in shards:
        with rows_behind(before):
            part = next(parts)
        yield part
        before += len(rows)


def contiguous(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with arrays as a process has them that they were sent to: how a sum rounds depends on the layout in
    memory, and how a product does on the alignment.
    """
    import numpy as np

    return {n: np.require(x, requirements=["C", "A"]) if hasattr(x, "dtype") else x for n, x in values.items()}
