"""Files that others wrote: opened where they are ordinary files, and one error for all that is wrong with them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import PurePath

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.system import file_name, is_url, open_for_reading

LONGEST = 200  # characters of a reason; a library's message may quote the file


@contextmanager
def reading(path: str, part: str | None = None) -> Iterator[None]:
    """Whatever a library raises while it reads the file becomes a CgError (status 1) that names the file and the part.

    A damaged file leads readers to errors of any class, from `KeyError` to `RecursionError`: no list of them is ever
    complete, and a reader of ours says what is wrong by a ValueError. A pipe that breaks is not the file's.
    """
    try:
        yield
    except (CgError, BrokenPipeError):
        raise
    except Exception as problem:
        raise unreadable(path, problem, part) from None


def unreadable(path: str, problem: Exception, part: str | None = None) -> CgError:
    """The error for what a library or the system raised while it read the file."""
    if isinstance(problem, UnicodeDecodeError):
        return not_text(path, problem.object)
    return broken(path, reason_of(problem), part)


def broken(path: str, reason: str, part: str | None = None) -> CgError:
    """The error for a file that is not what its name says; part: where in it, as `its header`."""
    return error("array-file-broken", status=1, file=path, reason=reason if part is None else f"{part}: {reason}")


PACKED = {
    b"\x1f\x8b": ("gz", "gunzip <"),
    b"PK\x03\x04": ("zip", "unzip -p"),
    b"BZh": ("bz2", "bunzip2 <"),
    b"\xfd7zXZ": ("xz", "unxz <"),
    b"(\xb5/\xfd": ("zst", "unzstd <"),
}
"""How compressed files begin, with the ending of their names and what unpacks them."""
ENCODINGS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}  # by their byte order marks


def not_text(path: str, data: bytes) -> CgError:
    """The error for bytes that are no text in UTF-8. data: those at the beginning of the file."""
    for magic, (ending, _) in PACKED.items():
        if data.startswith(magic):
            return packed(path, ending)
    encoding = ENCODINGS.get(data[:2])
    if encoding is not None:
        target = _beside(path, "utf8")
        return error("file-encoding", status=1, file=path, encoding=encoding, source=_here(path), target=target)
    return broken(path, "it is not UTF-8 text")


def packed(path: str, ending: str) -> CgError:
    """The error for a compressed file."""
    unpack = dict(PACKED.values())[ending]
    names = {"source": _here(path), "target": _beside(path, "unpacked")}
    return error("file-packed", status=1, file=path, kind=ending, unpack=unpack, **names)


def _beside(path: str, stem: str) -> str:
    """A name for a new file of that kind."""
    suffixes = PurePath(file_name(path)).suffixes
    return stem + next((s for s in reversed(suffixes) if s[1:] not in dict(PACKED.values())), ".csv")


def _here(path: str) -> str:
    """The path of a file, of an object that of a copy here."""
    return PurePath(file_name(path)).name if is_url(path) else path


def reason_of(problem: Exception) -> str:
    """The reason of an error, in one line without advice for programmers."""
    if isinstance(problem, RecursionError):
        return "it is nested too deep"
    if isinstance(problem, MemoryError):
        return "it takes more memory than there is"
    text = str(getattr(problem, "strerror", None) or problem).strip()
    if "integer string conversion" in text:  # Python's guard against slow conversions
        return "a whole number in it has too many digits"
    if isinstance(problem, (LookupError, AttributeError, TypeError)) or not text:  # a reader at unexpected data
        return "it is damaged"
    line = " ".join(text.splitlines()[0].split())
    first = line[:1] if line[1:2].isupper() else line[:1].lower()
    return first + (line[1:] if len(line) <= LONGEST else f"{line[1 : LONGEST - 1]}…")


def open_seekable(path: str) -> BufferedReader:
    """The bytes of an ordinary file or an object, in any order. Raises CgError (status 2) when there is none."""
    try:
        if is_url(path):
            from cgcli.files.remote import open_object  # for URLs alone

            return open_object(path)
        # opening a pipe would wait for its other end: looked at before and after
        _require_ordinary(path, os.stat(path))
        file = os.fdopen(open_for_reading(path), "rb")
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a NUL in the name
        raise error("array-file-missing", file=path) from None
    except OSError as problem:
        raise error("file-unreadable", file=path, reason=reason_of(problem)) from None
    try:
        _require_ordinary(path, os.fstat(file.fileno()))
    except BaseException:
        file.close()
        raise
    return file


def open_file(path: str) -> BufferedReader:
    """As `open_seekable`; an empty file is an error of status 1."""
    file = open_seekable(path)
    try:
        if not size_of(file):
            raise broken(path, "it is empty")
    except BaseException:
        file.close()
        raise
    return file


def size_of(file: BufferedReader) -> int:
    """Bytes of an open file."""
    position = file.tell()
    size = file.seek(0, os.SEEK_END)
    file.seek(position)
    return size


def _require_ordinary(path: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise error("array-file-special", file=path)
