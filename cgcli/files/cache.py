"""Results that are expensive to compute, cached between runs as JSON or bytes in the user's cache folder.

A cache that cannot be used (no folder, no right to write, a broken file) is no error: the result is computed again.
"""

from __future__ import annotations

import os
import stat

from cgcli.system import open_for_reading, owned, private

try:
    from _blake2 import blake2b  # what hashlib gives; that loads OpenSSL before it
except ImportError:
    from hashlib import blake2b

LARGEST = 64 * 2**20  # bytes of one entry
MOST = 256  # entries of a kind; the oldest go first
DIGEST_SIZE = 32  # bytes
ROOMS = ("graph", "ops", "transform", "language", "run/scalar", "program/instructions.py")
"""The code that makes a graph of a text, and instructions of a graph."""


def digest(*parts: str | bytes) -> str:
    """The BLAKE2b digest of several texts, with their lengths: other parts of the same whole have another digest."""
    whole = blake2b(digest_size=DIGEST_SIZE)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        whole.update(len(data).to_bytes(8, "big") + data)
    return whole.hexdigest()


_stamps: list[str] = []


def code_stamp() -> str:
    """The time of the last change of cg's own code, so that no entry that an older one has made is read: neither in a
    checkout that is being worked on nor where an installed package was edited. Memoised: a process runs the code that
    it began with."""
    if not _stamps:
        _stamps.append(_newest_change())
    return _stamps[0]


def _newest_change() -> str:
    package = os.path.dirname(os.path.dirname(__file__))
    grammar = os.path.join(package, "grammar", "cg.lark")
    paths = [grammar if os.path.exists(grammar) else os.path.join(package, "..", "grammar", "cg.lark")]
    paths += [os.path.join(package, room) for room in ROOMS]
    newest = 0
    for path in paths:
        if path.endswith((".py", ".lark")):
            newest = max(newest, os.stat(path).st_mtime_ns)
            continue
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.name.endswith(".py"):
                    newest = max(newest, entry.stat().st_mtime_ns)
                elif "." not in entry.name and entry.name != "__pycache__":
                    paths.append(entry.path)
    return str(newest)


def load(kind: str, key: str) -> object | None:
    """The data stored under the key, or None when there is no readable entry."""
    import json

    content = _read(_path(kind, key, ".json"))
    try:
        decoded: object = None if content is None else json.loads(content)
        return decoded
    except (ValueError, RecursionError):
        return None


def store(kind: str, key: str, data: object) -> None:
    """Stores JSON data under the key. Does nothing when that is not possible."""
    import json

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
        return None if path is None or not private(os.path.dirname(path)) else _read(path, only_private=True)
    except OSError:
        return None


def store_bytes(kind: str, key: str, data: bytes) -> None:
    """Stores bytes under the key. Does nothing when that is not possible."""
    _store(_path(kind, key, ".bin"), data)


def _read(path: str | None, *, only_private: bool = False) -> bytes | None:
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
        return content if seal.decode("ascii") == digest(content) else None
    except (OSError, ValueError):
        return None


def _store(path: str | None, content: bytes) -> None:
    if path is None or len(content) > LARGEST - 65:
        return
    folder = os.path.dirname(path)
    try:
        os.makedirs(os.path.dirname(folder), mode=0o700, exist_ok=True)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        # files that others could have put there are not ours to trust
        if not owned(folder):
            return
        _write(path, digest(content).encode("ascii") + b"\n" + content)
        _drop_oldest(folder)
    except (OSError, ValueError):
        return


def base_folder() -> str:
    """The folder of all entries. Raises RuntimeError where the user has none."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(root):  # the XDG specification has relative paths ignored
        home = os.path.expanduser("~")
        if home == "~":
            raise RuntimeError("no home folder")
        root = os.path.join(home, ".cache")
    return os.path.join(root, "cg")


def _path(kind: str, key: str, ending: str) -> str | None:
    """The file of an entry; None where the user has no folder for it, or one that another user owns."""
    try:
        folder = os.path.join(base_folder(), kind)
        if not owned(folder):
            return None
    except FileNotFoundError:
        pass  # it is made when an entry is stored
    except (OSError, RuntimeError, ValueError):
        return None
    return os.path.join(folder, digest(key) + ending)


def _write(path: str, content: bytes) -> None:
    """A new file of mode 0600 takes the place of the old one, whole or not at all."""
    import tempfile
    from contextlib import suppress

    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _drop_oldest(folder: str) -> None:
    from contextlib import suppress

    entries = [entry for entry in os.scandir(folder) if entry.is_file(follow_symlinks=False)]
    if len(entries) <= MOST:
        return
    entries.sort(key=lambda entry: entry.stat(follow_symlinks=False).st_mtime)
    for entry in entries[: len(entries) - MOST]:
        with suppress(OSError):
            os.unlink(entry.path)
