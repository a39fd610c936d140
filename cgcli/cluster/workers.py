"""The workers of a cluster: they take tasks, and give their results."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from typing import Any

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.version import VERSION

from .schedulers import connected, library

LEAST_QUEUE, A_THREAD = 32, 4  # tasks at a time, and those for each thread of the workers
POLL_SECONDS = 1.0


class Workers:
    """The workers of a cluster for the tasks of one job, in a context that ends the connection.

    cluster: see `check_cluster`. job: what all tasks have in common, which each worker fetches once; key: its digest.
    waiting: called once, when a scheduler has no workers. finished: how many tasks need not be done again after an
    error.

    A task is a call `function(VERSION, job, …)` of a function in a module; it is not done twice at a time, but again
    where its worker was lost.
    """

    def __init__(
        self, cluster: int | str, job: object, key: str, waiting: Callable[[], None], finished: Callable[[], int]
    ) -> None:
        self.cluster, self.job, self.key, self.finished = cluster, job, key, finished
        self._waiting: Callable[[], None] | None = waiting
        self._stack = ExitStack()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *problem: Any) -> None:
        self._stack.__exit__(*problem)

    @cached_property
    def _client(self) -> Any:
        """The connection, from the first task on."""
        return self._stack.enter_context(connected(self.cluster))

    @cached_property
    def _shared(self) -> Any:
        """The job on the cluster."""
        return self._client.submit(_same, self.job, key=f"cg-job-{self.key}", pure=False)

    def connect(self) -> None:
        """Connects and hands over the job, as else the first task does. Raises CgError (status 1) where it cannot."""
        _ = self._shared

    def submit(self, number: int, function: Callable[..., Any], *args: object) -> Any:
        """The future of a task. number: of the task in its job."""
        key = f"cg-{self.key}-{number}"
        return self._client.submit(function, VERSION, self._shared, *args, key=key, pure=False)

    def result(self, future: Any, killed: Callable[[], CgError]) -> Any:
        """The result of a task. killed: the error of a task whose workers die again and again.

        Raises CgError (status 1) where the cluster is lost.
        """
        from concurrent.futures import CancelledError

        distributed = library()
        while True:
            try:
                return future.result(timeout=POLL_SECONDS)
            except TimeoutError:
                self._poll()
                if not self._threads():
                    self._await_workers()
            except distributed.scheduler.KilledWorker:
                raise killed() from None
            except (CancelledError, OSError):
                raise self._lost() from None

    def queue_length(self) -> int:
        """How many tasks to submit ahead of the one whose result is waited for."""
        return max(LEAST_QUEUE, A_THREAD * self._threads()) if "_client" in vars(self) else LEAST_QUEUE

    def _threads(self) -> int:
        """Those of all workers."""
        try:
            return sum(self._client.nthreads().values())
        except OSError:
            raise self._lost() from None

    def _await_workers(self) -> None:
        if isinstance(self.cluster, int):
            self._client.cluster.scale(self.cluster)  # starts those that are gone for good
        elif self._waiting is not None:
            self._waiting()
            self._waiting = None

    def _poll(self) -> None:
        """Called once a second while a result is awaited; what it raises ends that."""

    def _lost(self) -> CgError:
        where = self.cluster if isinstance(self.cluster, str) else "local"
        return error("cluster-lost", status=1, address=where, parts=self.finished() or None)


def _same(job: object) -> object:
    return job
