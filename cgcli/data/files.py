"""Files, written whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from cgcli.graph.diagnostic import CgError, error

_temporary: set[str] = set()


def remove_temporary_files() -> None:
    """Removes what half-written files have left, for a process that ends without unwinding."""
    for path in list(_temporary):
        with suppress(OSError):
            os.unlink(path)


def write_whole(path: str | Path, data: bytes) -> None:
    """Replaces the file by one that holds `data`; see `whole`."""
    with whole(path) as file:
        file.write(data)


def writable(path: str | Path) -> None:
    """Raises CgError (status 1) when it can be foreseen that the file cannot be written."""
    folder = Path(os.path.realpath(path)).parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        code = errno.EACCES if folder.is_dir() else errno.ENOENT
        raise error("cannot-write", status=1, path=str(path), reason=os.strerror(code).lower())


@contextmanager
def whole(path: str | Path) -> Iterator[IO[bytes]]:
    """A file to write into, which replaces that of the path when all is written; a symbolic link stays one, an old
    file's mode is kept. A pipe or a device (`/dev/stdout`), which cannot be replaced, takes what it is given.

    Raises CgError (status 1) when that is not possible; what was there is then untouched, and nothing is left behind,
    whatever it is that stops the writing.
    """
    temporary: str | None = None
    try:
        target = Path(os.path.realpath(path))
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        if target.exists() and not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        if target.exists() and not target.is_file():
            with target.open("wb") as device:
                yield device
            return
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:50]}.", suffix=".tmp")
        _temporary.add(temporary)
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), _mode(target))
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
        _temporary.discard(temporary)
        temporary = None
    except CgError:
        raise
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        raise error("cannot-write", status=1, path=str(path), reason=reason.lower()) from None
    finally:  # an interrupt too
        if temporary is not None:
            with suppress(OSError):
                os.unlink(temporary)
            _temporary.discard(temporary)


def _mode(target: Path) -> int:
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
