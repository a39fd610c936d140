"""The workers of a cluster: they take tasks, and give their results."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cached_property
from typing import Any

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.run.native import blas
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
        self._last_threads = 1  # a scheduler that does not answer may have workers
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

    @cached_property
    def _blas_threads(self) -> int | None:
        return blas.thread_count()

    def submit(self, number: int, function: Callable[..., Any], *args: object) -> Any:
        """The future of a task. number: of the task in its job."""
        call = _run, self._blas_threads, function, VERSION, self._shared, *args
        return self._client.submit(*call, key=f"cg-{self.key}-{number}", pure=False)

    def result(self, future: Any, killed: Callable[[], CgError]) -> Any:
        """The result of a task. killed: the error of a task whose workers die again and again.

        Raises CgError (status 1) where the cluster is lost.
        """
        try:
            return self._awaited(lambda: future.result(timeout=POLL_SECONDS))
        except library().scheduler.KilledWorker:
            raise killed() from None

    def ended(self, futures: Sequence[Any]) -> list[Any]:
        """Those of these futures that have ended, once there are any. Raises CgError (status 1) where the cluster is
        lost.
        """
        wait = library().wait
        with self._client.as_current():
            self._awaited(lambda: wait(futures, timeout=POLL_SECONDS, return_when="FIRST_COMPLETED"))
        return [future for future in futures if future.done()]

    def _awaited(self, wait: Callable[[], Any]) -> Any:
        """What a call returns that waits for `POLL_SECONDS` at most; until then it is called again."""
        from concurrent.futures import CancelledError

        while True:
            try:
                return wait()
            except TimeoutError:
                self._poll()
                if not self._threads():
                    self._await_workers()
            except (CancelledError, OSError):
                raise self._lost() from None

    def queue_length(self) -> int:
        """How many tasks to submit ahead of the one whose result is waited for."""
        return max(LEAST_QUEUE, A_THREAD * self._threads()) if "_client" in vars(self) else LEAST_QUEUE

    def _threads(self) -> int:
        """Those of all workers; as many as before while the scheduler does not answer."""
        client = self._client
        try:
            of_workers = client.sync(client.scheduler.ncores, workers=None, callback_timeout=POLL_SECONDS)
        except TimeoutError:
            return self._last_threads
        except OSError:
            raise self._lost() from None
        self._last_threads = sum(of_workers.values())
        return self._last_threads

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


_running = threading.Lock()


def _run(blas_threads: int | None, function: Callable[..., Any], *args: object) -> Any:
    """A task. A process does one at a time, by as many threads of BLAS as the client has: digits depend on them."""
    with _running, blas.threads(blas_threads):
        return function(*args)


def _same(job: object) -> object:
    return job
