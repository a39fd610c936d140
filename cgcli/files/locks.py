"""One writer at a time: an advisory lock beside a file, which ends with the process that holds it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from cgcli.diagnostics.diagnostic import error
from cgcli.system import is_url, try_lock

from .writing import cannot_write, check_writable


@contextmanager
def exclusive(path: str) -> Iterator[None]:
    """Within, no other process holds the lock of the file, by whatever symbolic link. The lock file `.NAME.lock` is
    removed at the end; one that a killed process left is held by nobody. A pipe or a device needs no lock, and a store
    of objects has none.

    Raises CgError (status 1) when a live process holds the lock, and when the folder cannot be written.
    """
    if is_url(path):
        check_writable(path)
        yield
        return
    real = os.path.realpath(path)
    if os.path.exists(real) and not os.path.isfile(real):
        yield
        return
    folder, name = os.path.split(real)
    lock = os.path.join(folder, f".{name}.lock")
    handle = _acquire(path, lock)
    try:
        yield
    finally:
        removed = _remove(lock)  # while it is held: afterwards it may be another process's
        os.close(handle)
        if not removed:  # a system that keeps open files
            _remove(lock)


def _remove(lock: str) -> bool:
    try:
        os.unlink(lock)
    except OSError:
        return False
    return True


def _acquire(path: str, lock: str) -> int:
    """The handle that holds the lock."""
    while True:
        try:
            handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as problem:
            raise cannot_write(lock if os.path.lexists(lock) else path, problem) from None
        if not try_lock(handle):
            os.close(handle)
            raise error("target-live", status=1, file=path)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), os.stat(lock)):
                return handle
        os.close(handle)  # its holder removed it after we had opened it
