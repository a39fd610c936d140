"""Files, written whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from cgcli.graph.diagnostic import error


def write_whole(path: str | Path, data: bytes) -> None:
    """Replaces the file by one that holds `data`; a symbolic link stays one, an old file's mode is kept.

    Raises CgError (status 1) when that is not possible; what was there is then untouched, and nothing is left behind.
    """
    target = Path(os.path.realpath(path))
    temporary: str | None = None
    try:
        if target.is_dir():
            raise IsADirectoryError(21, "it is a folder")
        if target.exists() and not target.is_file():
            _write_through(target, data)
            return
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:50]}.", suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), _mode(target))
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except (OSError, ValueError) as problem:
        if temporary is not None:
            with suppress(OSError):
                os.unlink(temporary)
        reason = getattr(problem, "strerror", None) or str(problem)
        raise error("cannot-write", status=1, path=str(path), reason=reason.lower()) from None


def _write_through(target: Path, data: bytes) -> None:
    """A pipe or a device (`/dev/stdout`) cannot be replaced; it takes what it is given."""
    with target.open("wb") as file:
        file.write(data)


def _mode(target: Path) -> int:
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
