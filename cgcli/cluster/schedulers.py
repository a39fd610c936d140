"""The scheduler that `--cluster` names: one that runs somewhere, or one on this machine with workers of its own."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import pkgutil
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from cgcli.diagnostics.diagnostic import EMPTY, CgError, error
from cgcli.system import cores, system_message, without_interrupts
from cgcli.version import VERSION

CONNECT_SECONDS = 10
LAST_PORT = 65535
VERSION_NAME = "cgcli.version:VERSION"  # every version of cg has it
_LOCAL = re.compile(r"local(?::([0-9]{1,4}))?")
_ADDRESS = re.compile(r"(?:tcp|tls)://(?:([^\s/:]+)|\[([0-9a-fA-F:.]+)\]):([0-9]{1,5})")
_QUIET = ("distributed", "tornado", "asyncio")  # loggers
_LOCAL_SETTINGS = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.target": False,  # results stay in memory: they are fetched as they come
    "distributed.worker.memory.spill": False,
    "distributed.deploy.lost-worker-timeout": "1 hour",  # on a busy machine one that died takes long to come again
}


def check_cluster(cluster: str | os.PathLike[str]) -> int | str:
    """How many workers to start on this machine, or the address of a scheduler, from the text of `--cluster`.

    Raises CgError (status 2) for a text that is neither, nor a scheduler file.
    """
    text = os.fspath(cluster) if isinstance(cluster, os.PathLike) else cluster
    if not isinstance(text, str):
        raise error("bad-cluster", value=repr(cluster))
    local = _LOCAL.fullmatch(text)
    if local is not None:
        workers = cores() if local[1] is None else int(local[1])
        if workers:
            return workers
    if _is_address(text):
        return text
    if "://" in text or local is not None:
        raise error("bad-cluster", value=text)
    try:
        with open(text, encoding="utf-8") as file:
            address = json.load(file)["address"]
    except FileNotFoundError:
        raise error("cluster-no-file" if text else "bad-cluster", value=text or EMPTY) from None
    except OSError as problem:
        raise error("file-unreadable", file=text, reason=system_message(problem)) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise error("cluster-file", file=text) from None
    if not isinstance(address, str) or not _is_address(address):
        raise error("cluster-file", file=text)
    return address


def _is_address(text: str) -> bool:
    match = _ADDRESS.fullmatch(text)
    return match is not None and 0 < int(match[3]) <= LAST_PORT


def library() -> Any:
    """Dask's `distributed`. Raises CgError where it is not installed."""
    try:
        import distributed
    except ImportError:
        raise error("no-distributed", library="distributed") from None
    return distributed


@contextmanager
def connected(cluster: int | str) -> Iterator[Any]:
    """A client of the scheduler, whose workers all have this version of cg. cluster: see `check_cluster`.

    Raises CgError (status 1) where no scheduler answers, and for workers that have another version.
    """
    if isinstance(cluster, str):
        _require_listener(cluster)
    distributed = library()
    if isinstance(cluster, str) and cluster.startswith("tls:"):
        _require_certificates(distributed, cluster)
    for name in [*_QUIET, *logging.root.manager.loggerDict]:
        if name.partition(".")[0] in _QUIET:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        address = stack.enter_context(_local(distributed, cluster)) if isinstance(cluster, int) else cluster
        client = _client(distributed, address)
        stack.push(lambda _, problem, __: None if _ends_at_once(problem) else client.close(timeout=1))
        for worker, version in client.run(pkgutil.resolve_name, VERSION_NAME, on_error="return").items():
            if isinstance(version, ImportError | AttributeError):
                raise error("cluster-without-cg", status=1, worker=worker, own=VERSION)
            if isinstance(version, str) and version != VERSION:  # else the worker was lost, and each task compares
                raise error("cluster-version", status=1, worker=worker, version=version, own=VERSION)
        yield client


def _require_listener(address: str) -> None:
    """Raises CgError (status 1) where nothing listens: Dask would try for long, and say less."""
    import socket

    match = _ADDRESS.fullmatch(address)
    assert match is not None
    try:
        socket.create_connection((match[1] or match[2], int(match[3])), CONNECT_SECONDS).close()
    except (OSError, OverflowError, UnicodeError) as problem:
        raise error("cluster-unreachable", status=1, address=address, reason=_reason(problem)) from None


def _require_certificates(distributed: Any, address: str) -> None:
    """Raises CgError (status 1) where Dask's configuration has no certificates of TLS, or they cannot be read."""
    try:
        context = distributed.Security().get_connection_args("client")["ssl_context"]
    except (OSError, ValueError) as problem:
        raise error("cluster-certificates", status=1, address=address, reason=_reason(problem)) from None
    if context is None:
        raise error("cluster-no-certificates", status=1, address=address)


def _client(distributed: Any, cluster: Any) -> Any:
    """A client of a cluster or of the scheduler at an address, which may be something else that listens there."""
    outcome: list[Any] = []

    def connect() -> None:
        try:
            outcome.append(distributed.Client(cluster, timeout=CONNECT_SECONDS, set_as_default=False, name="cg"))
        except Exception as problem:
            outcome.append(problem)

    thread = threading.Thread(target=connect, daemon=True)  # Dask waits for the rest of an answer without an end
    thread.start()
    thread.join(CONNECT_SECONDS + 1)
    client = outcome[0] if outcome else TimeoutError("what listens there is no scheduler of Dask's")
    if isinstance(client, Exception):
        address = cluster if isinstance(cluster, str) else "local"
        raise error("cluster-unreachable", status=1, address=address, reason=_reason(client)) from None
    return client


@contextmanager
def _local(distributed: Any, workers: int) -> Iterator[Any]:
    """A cluster of so many worker processes that only this process can reach: on the loopback, with certificates that
    are made for it.
    """
    import dask

    try:
        security = distributed.Security.temporary()
    except ImportError:
        raise error("no-distributed", library="cryptography") from None
    start = partial(
        distributed.LocalCluster,
        n_workers=workers,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=None,
        worker_dashboard_address=None,
        scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
        security=security,
        silence_logs=logging.CRITICAL + 1,
    )
    before, cluster = set(multiprocessing.active_children()), None
    try:
        # the warnings of helpers that outlive an interrupted process are nobody's
        with dask.config.set(_LOCAL_SETTINGS), _environment("PYTHONWARNINGS", "ignore"):
            cluster = _started(start, workers)
        yield cluster
    except BaseException as problem:
        if _ends_at_once(problem):
            if cluster is not None:
                cluster.shutdown_on_close = False  # at the end of the process, which does not wait
            for child in set(multiprocessing.active_children()) - before:
                child.kill()
        raise
    finally:
        if cluster is not None and cluster.shutdown_on_close:
            cluster.close()


def _started(start: Callable[[], Any], workers: int) -> Any:
    """The cluster, whose processes a terminal's Ctrl-C does not reach: it is for this one, which ends them."""
    try:
        return without_interrupts(start)
    except (OSError, RuntimeError, TimeoutError) as problem:
        raise error("cluster-start", status=1, workers=workers, reason=_reason(problem)) from None


def _ends_at_once(problem: BaseException | None) -> bool:
    """Whether the process ends without waiting: by an interrupt, or by `--timeout`."""
    if isinstance(problem, CgError):
        return problem.diagnostics[0].code == "timed-out"
    return isinstance(problem, (KeyboardInterrupt, SystemExit))


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    """Within, a variable of the environment has this value."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _reason(problem: BaseException) -> str:
    """The innermost reason of a failure, in one line."""
    while problem.__cause__ is not None:
        problem = problem.__cause__
    if isinstance(problem, OSError) and problem.strerror:
        return system_message(problem)
    text = " ".join(str(problem).split())
    if not text or "Timed out" in text:
        return "there is no answer"
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]
