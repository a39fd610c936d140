"""The points of a sweep as trainings: one after the other, or in processes of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cgcli.diagnostics.diagnostic import CgError, error

from .computation import Computation, Values
from .examples import Examples
from .fit_settings import FitSettings
from .fitting import Fitted, prepare_fit
from .sweep_blocks import ERROR, Block, Span
from .sweep_points import Points


@dataclass(frozen=True)
class Trainings:
    """A training for each point of a sweep: inputs and starts of parameters, and settings, are those of the point.

    values: the inputs that are the same at every point. settings: those of all trainings. workers: processes; the
    results do not depend on how many there are.
    """

    program: Computation
    values: Values
    points: Points
    examples: Examples
    settings: FitSettings
    validation: Examples | None = None
    workers: int = 1
    names: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", self._names())

    def _names(self) -> dict[str, str]:
        """By result its column: where that would be a swept column, or an earlier one, `final NAME`."""
        target = self.settings.target
        results = {"loss": target}
        if self.settings.validation is not None or self.validation is not None:
            results["validation"] = f"validation {target}"
        results |= {name: name for name in ("epochs", "steps", "converged")}
        params = [i.name for i in self.program.inputs if i.kind == "param" and i.type.is_float and not i.type.shape]
        results |= {f"param {name}": name for name in params}
        taken = {axis.column for axis in self.points.axes} | {ERROR}
        for result in results:
            while results[result] in taken:
                results[result] = f"final {results[result]}"
            taken.add(results[result])
        return results

    def none(self) -> Mapping[str, Any]:
        """The columns of the result, without rows."""
        import numpy as np

        kinds = {"epochs": "int64", "steps": "int64", "converged": "bool"}  # others are floats
        return {column: np.zeros(0, kinds.get(name, "float64")) for name, column in self.names.items()}

    @property
    def arguments(self) -> tuple[Any, ...]:
        """What trainings that are equal, one after the other, are made of, behind the program."""
        return self.values, self.points, self.examples, self.settings, self.validation

    def spans(self, finished: Mapping[int, int]) -> list[Span]:
        """A block for each training that is not finished."""
        return [Span(k, k + 1) for k in range(self.points.count) if k not in finished]

    def blocks(self, finished: Mapping[int, int]) -> Iterator[Block]:
        """A block for each training that is not finished, as soon as it has ended."""
        missing = self.spans(finished)
        workers = min(self.workers, len(missing))
        if workers < 2:
            yield from map(self.block, missing)
            return
        yield from self._in_processes(missing, workers)

    def block(self, span: Span) -> Block:
        """The training of one point, or its error."""
        try:
            return Block(*span, self._row(self._fitted(span.start)), {})
        except CgError as problem:
            if problem.diagnostics[0].code == "timed-out":
                raise
            return Block(*span, {}, {span.start: problem})

    def _fitted(self, k: int) -> Fitted:
        """The fit at a point, from its start. Raises CgError as `fit` does."""
        values = dict(self.values)
        settings: dict[str, Any] = {}
        for axis, cells in zip(self.points.axes, self.points.columns(k, k + 1).values(), strict=True):
            (cell,) = cells.tolist() if hasattr(cells, "tolist") else cells
            if axis.setting:
                settings[axis.name] = decay_of(cell) if axis.name == "weight_decay" else cell
            else:
                values[axis.name] = self.program.fit_value(axis.name, cell)
        own = replace(self.settings, **settings)
        return prepare_fit(self.program, values, self.examples, own, self.validation).fit()

    def _row(self, fitted: Fitted) -> dict[str, Any]:
        """The end of a training: the loss, that of the validation rows, how long it was, and the parameters."""
        import numpy as np

        results: dict[str, Any] = {"loss": fitted.loss, "epochs": fitted.epochs, "steps": fitted.steps}
        results |= {"converged": fitted.converged, "validation": (fitted.validation or {}).get(fitted.target, np.nan)}
        results |= {f"param {name}": x for name, x in fitted.tensors.items()}
        empty = self.none()
        return {c: np.asarray(results[name], empty[c].dtype).reshape(1) for name, c in self.names.items()}

    def _in_processes(self, missing: Sequence[Span], workers: int) -> Iterator[Block]:
        """The trainings in a pool of processes, which get the program as the texts of its files.

        Raises CgError (status 1) where one of them ends before its time.
        """
        from concurrent.futures import ProcessPoolExecutor, as_completed
        from concurrent.futures.process import BrokenProcessPool
        from multiprocessing import get_context

        from .sweep_worker import start, train

        context = get_context("spawn")
        broken_off = context.Event()
        pool = ProcessPoolExecutor(workers, context, initializer=start, initargs=(self, broken_off))
        try:
            for future in as_completed([pool.submit(train, span) for span in missing]):
                yield future.result()
        except BrokenProcessPool:
            raise error("sweep-worker", status=1) from None
        except BaseException:
            broken_off.set()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def decay_of(cell: Any) -> list[tuple[str, float]]:
    """The weight decay that a cell says: a number for all parameters, or `W*=0.01`."""
    if isinstance(cell, str):
        pattern, _, value = cell.rpartition("=")
        return [(pattern or "*", float(value))]
    return [("*", cell)]
