"""A sweep by the workers of a cluster: the table is that of one machine, byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from cgcli.data.journal import Journal
from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.program.sweep import SweepEvents, run_sweep
from cgcli.program.sweep_blocks import Block, PointWork, Span

from .tasks import Reopening, answered, opened, reopening
from .workers import LEAST_QUEUE, Workers


def run_sweep_on_cluster(
    cluster: int | str,
    work: PointWork,
    key: str | None,
    on_error: str = "nan",
    journal: Journal | None = None,
    events: SweepEvents | None = None,
) -> dict[str, Any]:
    """The table of a sweep, as `run_sweep` makes it here. cluster: see `check_cluster`; key: see `sweep_key`.

    Raises CgError as `run_sweep` does; status 2 for a Python function, and status 1 for a cluster that cannot be
    reached, is lost, or cannot do it.
    """
    events = events or SweepEvents()
    program = reopening(work.program)
    assert key is not None  # which it is of a Python function alone
    job = SweepJob(key, type(work), program, work.arguments)
    with Workers(cluster, job, key, events.waiting, lambda: 0) as workers:
        return run_sweep(_OnWorkers(work, workers, stops=on_error == "stop"), work.points, on_error, journal, events)


@dataclass(frozen=True)
class SweepJob:
    """What the tasks of a sweep have in common: that of which each worker makes the work once.

    kind: its type; arguments: what it is made of, behind the program.
    """

    key: str
    kind: Callable[..., PointWork]
    program: Reopening
    arguments: tuple[Any, ...]

    def work(self) -> PointWork:
        """Raises CgError as making it does."""
        return self.kind(self.program.program(), *self.arguments)


def run_block(version: str, job: SweepJob, span: Span, worker: str | None = None) -> Block | CgError:
    """The results of some points, or the error that no single one of them causes. See `run_part`."""

    def compute() -> Block:
        return opened(job.key, job.work).block(span)

    block = answered(version, worker, _points(span), compute)
    if isinstance(block, CgError) or not block.errors:
        return block
    first = min(block.errors)  # an error that is shown in full; of others a line
    return block._replace(errors={**block.with_lines().errors, first: block.errors[first]})


class _OnWorkers:
    """The blocks of a sweep by the workers of a cluster.

    A block is a task. Blocks are given as they come, so that they are kept at once; an error that ends the sweep once
    all before it are there, so that it is that of one machine.

    stops: whether a point that fails ends the sweep.
    """

    def __init__(self, work: PointWork, workers: Workers, stops: bool) -> None:
        self.work, self.workers, self.stops = work, workers, stops

    def none(self) -> Mapping[str, Any]:
        """The columns of the result, without rows."""
        return self.work.none()

    def blocks(self, finished: Mapping[int, int]) -> Iterator[Block]:
        """The blocks that are not finished. Raises CgError where a task or the cluster fails."""
        missing = self.work.spans(finished)[::-1]
        running: dict[Any, Span] = {}
        ends: dict[Span, Block | CgError] = {}
        most = LEAST_QUEUE
        while missing or running:
            while missing and len(running) + len(ends) < most:
                span = missing.pop()
                running[self.workers.submit(span.start, run_block, span)] = span
                if len(missing) % LEAST_QUEUE == 0:
                    most = self.workers.queue_length()
            for future in self.workers.ended(list(running)):
                span = running.pop(future)
                result = self.workers.result(future, partial(_killed, span))
                if isinstance(result, CgError) or (self.stops and result.errors):
                    ends[span] = result
                else:
                    yield result
            while ends and not any(span < min(ends) for span in running.values()):
                end = ends.pop(min(ends))
                if isinstance(end, CgError):
                    raise end
                yield end


def _killed(span: Span) -> CgError:
    return error("cluster-killed-points", status=1, points=_points(span))


def _points(span: Span) -> str:
    return f"point {span.end}" if span.end - span.start == 1 else f"points {span.start + 1} to {span.end}"
