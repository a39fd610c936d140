"""The state of a training: all that decides how it goes on, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

CURRENT, MEMORY = "current/", "memory/"


@dataclass
class State:
    """params, memories: arrays by name. step: how many were done. epoch: how many are complete.

    batch: how many of the epoch that is under way are done, with `rows` rows whose losses add up to `total`. best: the
    lowest loss on validation data, with the parameters that gave it; waited: epochs since. history: a record an epoch.
    seconds: time spent. stopped: why the training is over, if it is.
    """

    params: dict[str, Any]
    memories: dict[str, Any]
    step: int = 0
    epoch: int = 0
    batch: int = 0
    rows: int = 0
    total: float = 0.0
    best: float | None = None
    best_params: dict[str, Any] | None = None
    waited: int = 0
    seconds: float = 0.0
    stopped: str | None = None
    history: list[dict[str, Any]] = field(default_factory=list)

    @property
    def result(self) -> dict[str, Any]:
        """The parameters to use: the best ones where they are tracked, else the newest."""
        return self.best_params if self.best_params is not None else self.params

    def tensors(self) -> dict[str, Any]:
        """The arrays of a checkpoint by name: a parameter to use under its own name."""
        tensors = dict(self.result)
        if self.best_params is not None:
            tensors |= {CURRENT + name: x for name, x in self.params.items()}
        return tensors | {MEMORY + name: x for name, x in self.memories.items()}

    def numbers(self) -> dict[str, Any]:
        """The other fields, as JSON data."""
        arrays = ("params", "memories", "best_params")
        return {field_.name: getattr(self, field_.name) for field_ in fields(self) if field_.name not in arrays}


def restored(tensors: Mapping[str, Any], numbers: Mapping[str, Any], trained: Sequence[str]) -> State:
    """The state of which these are the `tensors` and `numbers`. Raises TypeError or KeyError for any others."""
    memories = {n.removeprefix(MEMORY): x for n, x in tensors.items() if n.startswith(MEMORY)}
    usable = {n: tensors[n] for n in trained}
    if CURRENT + trained[0] not in tensors:
        return State(usable, memories, **numbers)
    return State({n: tensors[CURRENT + n] for n in trained}, memories, **numbers, best_params=usable)


def weights(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters to use among a checkpoint's tensors."""
    return {n: x for n, x in tensors.items() if not n.startswith((MEMORY, CURRENT))}
