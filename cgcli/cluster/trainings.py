"""A training whose shards are computed by the workers of a cluster: the bits of its losses are those of one machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import uuid4

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.program.computation import Values
from cgcli.program.examples import Examples
from cgcli.program.fitting import ShardsBy
from cgcli.program.shards import Part, RunShards
from cgcli.program.training import DynamicProblem, StaticProblem, Task, problem
from cgcli.train.trainer import StepAbandoned

from .schedulers import check_cluster, library
from .tasks import Reopening, answered, opened, reopening
from .workers import Workers


@dataclass(frozen=True)
class ShardJob:
    """What the shards of a training have in common. key: of this run alone. For the rest see `Task`."""

    key: str
    program: Reopening
    loss: str
    trained: tuple[str, ...]
    constants: Values
    examples: Examples
    reduce: str
    batch: int | None
    shards: int

    def problem(self) -> StaticProblem | DynamicProblem:
        """Raises CgError as opening the program does."""
        program = self.program.program()
        about_rows = self.reduce, self.batch, self.shards
        return problem(Task(program, self.loss, self.trained, self.constants, self.examples, None, *about_rows))


def on_cluster(
    cluster: str | os.PathLike[str],
    *,
    waiting: Callable[[], None] = lambda: None,
    stop_requested: Callable[[], bool] = lambda: False,
    checkpoint: str | None = None,
) -> ShardsBy:
    """What computes the shards of a training on a cluster, for `Program.fit`.

    cluster: as of `--cluster`. waiting: called once, when the scheduler has no workers. stop_requested: asked once a
    second while a shard is awaited; the step is then given up. checkpoint: the file that the training can go on from,
    for messages.

    Raises CgError: status 2 for what is no cluster and for a Python function, status 1 where no scheduler answers and
    where it is lost.
    """
    where = check_cluster(cluster)
    library()

    @contextmanager
    def shards_by(task: Task) -> Iterator[RunShards]:
        assert task.shards is not None
        examples = replace(task.examples, labels={})
        work = task.loss, task.trained, task.constants, examples, task.reduce, task.batch, task.shards
        key = uuid4().hex  # parameters differ from run to run of one program
        job = ShardJob(key, reopening(task.program), *work)
        workers = _ShardWorkers(where, job, key, waiting, lambda: 0)
        workers.stop_requested, workers.checkpoint = stop_requested, checkpoint
        with workers:
            workers.connect()
            yield partial(_run_shards, workers, task.shards)

    return shards_by


class _ShardWorkers(Workers):
    """See `on_cluster`."""

    stop_requested: Callable[[], bool]
    checkpoint: str | None

    def _poll(self) -> None:
        if self.stop_requested():
            raise StepAbandoned

    def _lost(self) -> CgError:
        where = self.cluster if isinstance(self.cluster, str) else "local"
        option = "--save FILE" if self.checkpoint is None else None
        return error("cluster-lost-training", status=1, address=where, checkpoint=self.checkpoint, option=option)


def _run_shards(
    workers: Workers, most: int, params: Mapping[str, Any], step: int, shards: Sequence[Any]
) -> Iterator[Part]:
    """The parts of a step. most: how many shards a step has."""

    def killed(number: int) -> CgError:
        return error("cluster-killed-shard", status=1, shard=number + 1, step=step)

    futures = [
        workers.submit(step * most + number, run_shard, params, step, rows, number)
        for number, rows in enumerate(shards)
    ]
    for number, future in enumerate(futures):
        part: Part | CgError = workers.result(future, partial(killed, number))
        if isinstance(part, CgError):
            raise part
        yield part


def run_shard(
    version: str,
    job: ShardJob,
    params: Mapping[str, Any],
    step: int,
    rows: Any,
    number: int,
    worker: str | None = None,
) -> Part | CgError:
    """The loss and the gradients of a shard; an error is a result, which is not tried again. worker: see `run_part`."""

    def compute() -> Part:
        return opened(job.key, job.problem).shard(params, step, rows, number)

    return answered(version, worker, f"{len(rows)} rows", compute)
