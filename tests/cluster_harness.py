"""Clusters for the tests, and the death of their workers."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def workers(count: int) -> Iterator[Any]:
    """A cluster of so many worker processes, which start again however long that takes."""
    dask, distributed = pytest.importorskip("dask"), pytest.importorskip("distributed")
    settings = {"threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None, "silence_logs": 100}
    with (
        dask.config.set({"distributed.deploy.lost-worker-timeout": "1 hour"}),
        distributed.LocalCluster(n_workers=count, **settings) as cluster,
    ):
        yield cluster


@contextmanager
def killed_when(condition: Callable[[], bool], process_id: Callable[[], int]) -> Iterator[None]:
    """Within, a process is killed once a condition holds."""
    done = threading.Event()

    def kill() -> None:
        while not condition() and not done.wait(0.01):
            pass
        process = 0 if done.is_set() else process_id()
        if process:
            os.kill(process, signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    yield
    done.set()
    thread.join()


def after(end: float) -> bool:
    return time.monotonic() > end


def running_worker(cluster: Any, rng: random.Random) -> int:
    """The process of a worker; 0 where none runs."""
    return rng.choice([n.pid for n in cluster.workers.values() if n.pid and n.status.name == "running"] or [0])
