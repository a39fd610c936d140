"""Atomic writes: a file is replaced as a whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.system import BINARY, is_url, link, set_mode, system_message

_temporary: set[str] = set()


def remove_temporary_files() -> None:
    """Removes temporary files of unfinished writes, for a process that ends without unwinding."""
    for path in list(_temporary):
        with suppress(OSError):
            os.unlink(path)
    remote = sys.modules.get("cgcli.files.remote")
    if remote is not None:
        remote.wait_for_uploads()


def is_same(first: str, second: str) -> bool:
    """Whether two paths lead to one file that is there, links included, or two URLs to one object."""
    if is_url(first) and is_url(second):
        from .remote import location  # for URLs alone

        return location(first) == location(second)
    return os.path.exists(first) and os.path.exists(second) and os.path.samefile(first, second)


def cannot_write(path: str | Path, problem: OSError | ValueError) -> CgError:
    """The error (status 1) for what the system does not let be written. A ValueError is one about a NUL in the name."""
    return error("cannot-write", status=1, path=str(path), reason=system_message(problem))


def write_atomic(path: str | Path, data: bytes) -> None:
    """Replaces the file by one that holds `data`; see `atomic_file`."""
    with atomic_file(path) as file:
        file.write(data)


def check_writable(path: str | Path) -> None:
    """Raises CgError (status 1) when it can be foreseen that the file cannot be written; status 2 for a web
    address, which is only read."""
    if is_url(str(path)):
        from .remote import check_writable as check_object  # for URLs alone

        check_object(str(path))
        return
    try:
        folder = os.path.dirname(os.path.realpath(path))
        code = None if os.path.isdir(folder) else errno.ENOENT
    except OSError as problem:  # a relative path, and the working folder was deleted
        code = problem.errno
    if code is None and not os.access(folder, os.W_OK):
        code = errno.EACCES
    if code is not None:
        raise cannot_write(path, OSError(code, os.strerror(code)))


@contextmanager
def atomic_file(path: str | Path, *, new: bool = False) -> Iterator[IO[bytes]]:
    """A file to write into, which replaces that of the path when all is written; a symbolic link stays one, an old
    file's mode is kept. A pipe or a device (`/dev/stdout`), which cannot be replaced, takes what it is given. To the
    URL of an object it is sent at the end.

    new: a file that is already there, or a link, is an error (status 2). Raises CgError (status 1) when the file cannot
    be written; what was there is then untouched, and nothing is left behind, whatever it is that stops the writing.
    """
    if is_url(str(path)):
        from .remote import whole_object  # for URLs alone

        with whole_object(str(path)) as object_file:
            yield object_file
        return
    temporary: str | None = None
    try:
        target, old = _target(path, new)
        if old is not None and not stat.S_ISREG(old.st_mode):
            with open(path, "wb") as device:
                yield device
            return
        folder, name = os.path.split(target)
        # chosen before the file is made: an interrupt right after that finds it too
        temporary = os.path.join(folder, f".{name[:50]}.{os.urandom(8).hex()}.tmp")
        _temporary.add(temporary)
        mode = 0o666 if old is None else stat.S_IMODE(old.st_mode)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY, mode)
        with os.fdopen(handle, "wb") as file:
            if old is not None:
                set_mode(file.fileno(), mode)  # without the user's mask
            yield file
            file.flush()
            os.fsync(file.fileno())
        _replace(temporary, target, new)
    except OSError as problem:
        if new and isinstance(problem, FileExistsError):
            raise error("file-exists", file=str(path)) from None
        raise cannot_write(path, problem) from None
    finally:  # an interrupt too
        if temporary is not None:
            if os.path.lexists(temporary):
                with suppress(OSError):
                    os.unlink(temporary)
            _temporary.discard(temporary)


def _target(path: str | Path, new: bool) -> tuple[str, os.stat_result | None]:
    """The path of the file itself, behind symbolic links, and its status. Raises OSError."""
    try:
        if new and os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        old = os.stat(path)
    except FileNotFoundError:
        return os.path.realpath(path), None
    except ValueError as problem:  # a NUL in the name
        raise OSError(errno.EINVAL, str(problem)) from None
    if stat.S_ISDIR(old.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return os.path.realpath(path), old


def _replace(temporary: str, target: str, new: bool) -> None:
    """Gives the file its name; a file of that name is replaced, or where it has to be new raises FileExistsError."""
    if new and link(temporary, target):
        return
    if new and os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    os.replace(temporary, target)
