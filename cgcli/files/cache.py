"""Results that are expensive to compute, cached between runs as JSON or bytes in the user's cache folder.

A cache that cannot be used (no folder, no right to write, a broken file) is no error: the result is computed again.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from cgcli.system import open_for_reading, owned, private

LARGEST = 64 * 2**20  # bytes of one entry
MOST = 256  # entries of a kind; the oldest go first


def digest(*parts: str | bytes) -> str:
    """The SHA-256 of several texts, with their lengths: other parts of the same whole have another digest."""
    sha256 = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        sha256.update(len(data).to_bytes(8, "big") + data)
    return sha256.hexdigest()


def load(kind: str, key: str) -> object | None:
    """The data stored under the key, or None when there is no readable entry."""
    content = _read(_path(kind, key, ".json"))
    try:
        decoded: object = None if content is None else json.loads(content)
        return decoded
    except (ValueError, RecursionError):
        return None


def store(kind: str, key: str, data: object) -> None:
    """Stores JSON data under the key. Does nothing when that is not possible."""
    try:
        content = json.dumps(data, separators=(",", ":")).encode("ascii")
    except (ValueError, TypeError, RecursionError):
        return
    _store(_path(kind, key, ".json"), content)


def load_bytes(kind: str, key: str) -> bytes | None:
    """The bytes stored under the key, or None when there is no readable entry.

    They may be code to run: the file and its folder have to be this user's own, and no other may write them.
    """
    path = _path(kind, key, ".bin")
    try:
        return None if path is None or not private(path.parent) else _read(path, only_private=True)
    except OSError:
        return None


def store_bytes(kind: str, key: str, data: bytes) -> None:
    """Stores bytes under the key. Does nothing when that is not possible."""
    _store(_path(kind, key, ".bin"), data)


def _read(path: Path | None, *, only_private: bool = False) -> bytes | None:
    """What an entry holds behind its seal; None where there is none, or it is damaged.

    only_private: whether a file that others own or may write is none.
    """
    if path is None:
        return None
    try:
        # the open of a pipe in the entry's place would wait for a writer
        handle = open_for_reading(path, links=False)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode) or (only_private and not private(handle)):
                return None
            whole = file.read(LARGEST + 1)
        seal, _, content = whole.partition(b"\n")
        return content if seal.decode("ascii") == hashlib.sha256(content).hexdigest() else None
    except (OSError, ValueError):
        return None


def _store(path: Path | None, content: bytes) -> None:
    if path is None or len(content) > LARGEST - 65:
        return
    try:
        for folder in (path.parent.parent, path.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # files that others could have put there are not ours to trust
        if not owned(path.parent):
            return
        _write(path, hashlib.sha256(content).hexdigest().encode("ascii") + b"\n" + content)
        _drop_oldest(path.parent)
    except (OSError, ValueError):
        return


def base_folder() -> Path:
    """The folder of all entries. Raises RuntimeError where the user has none."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    # the XDG specification has relative paths ignored
    return (Path(root) if os.path.isabs(root) else Path.home() / ".cache") / "cg"


def _path(kind: str, key: str, ending: str) -> Path | None:
    """The file of an entry; None where the user has no folder for it, or one that another user owns."""
    try:
        folder = base_folder() / kind
        if folder.exists() and not owned(folder):
            return None
    except (OSError, RuntimeError, ValueError):
        return None
    return folder / f"{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}{ending}"


def _write(path: Path, content: bytes) -> None:
    """A new file of mode 0600 takes the place of the old one, whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _drop_oldest(folder: Path) -> None:
    entries = [entry for entry in os.scandir(folder) if entry.is_file(follow_symlinks=False)]
    if len(entries) <= MOST:
        return
    entries.sort(key=lambda entry: entry.stat(follow_symlinks=False).st_mtime)
    for entry in entries[: len(entries) - MOST]:
        with suppress(OSError):
            os.unlink(entry.path)
