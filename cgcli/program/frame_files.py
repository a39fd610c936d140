"""The frames of a picture as files of a folder. Only frames that cg has written are replaced or removed there."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress

from cgcli.diagnostics.diagnostic import error
from cgcli.files.source_files import require_local
from cgcli.files.writing import atomic_file, cannot_write
from cgcli.system import system_message

MARK = b"a frame written by cg"
TAIL = 100  # bytes at the end of a file that hold the mark


def write_frames(folder: str, kind: str, frames: Sequence[bytes]) -> None:
    """Writes `000.svg`, `001.svg`, … into a folder, which is made where there is none, and removes frames of the same
    kind that an earlier run has left behind them.

    Raises CgError for a file of such a name that is no frame of cg (status 2), and where the folder cannot be written
    (status 1); all is then as it was.
    """
    names = [f"{k:03}.{kind}" for k in range(len(frames))]
    require_local(folder, "a folder of frames", "write them here, and copy the folder")
    new = _make(folder)
    try:
        earlier = set(_earlier(folder, kind))
        for name in names:
            path = os.path.join(folder, name)
            if name not in earlier and os.path.lexists(path):
                raise error("no-frame", file=path)
        with ExitStack() as files:  # all of them have their bytes before the first one has its name
            for name, data in zip(names, frames, strict=True):
                file = files.enter_context(atomic_file(os.path.join(folder, name)))
                file.write(_marked(kind, data))
                file.flush()
    except BaseException:
        if new:
            with suppress(OSError):
                os.rmdir(folder)
        raise
    for name in sorted(earlier.difference(names)):
        path = os.path.join(folder, name)
        try:
            os.unlink(path)
        except OSError as problem:
            raise error("frame-left", status=1, file=path, reason=system_message(problem)) from None


def _make(folder: str) -> bool:
    """Whether the folder had to be made."""
    try:
        if os.path.isdir(folder):
            return False
        if os.path.lexists(folder):
            raise error("cannot-write", status=2, path=folder, reason="it is a file, not a folder")
        os.mkdir(folder)
    except (OSError, ValueError) as problem:  # a NUL in the name
        raise cannot_write(folder, problem) from None
    return True


def _earlier(folder: str, kind: str) -> Iterator[str]:
    """The names of frames that cg has written there."""
    try:
        entries = sorted(os.listdir(folder))
    except OSError as problem:
        raise cannot_write(folder, problem) from None
    for name in entries:
        path = os.path.join(folder, name)
        if re.fullmatch(rf"[0-9]{{3}}\.{kind}", name) and not os.path.islink(path) and os.path.isfile(path):
            with suppress(OSError), open(path, "rb") as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - TAIL))
                if MARK in file.read():
                    yield name


def _marked(kind: str, data: bytes) -> bytes:
    """The picture with the mark near its end: a comment in an SVG, a text chunk in a PNG."""
    if kind == "svg":
        before, end, after = data.rpartition(b"</svg>")
        return b"%s<!-- %s -->\n%s%s" % (before, MARK, end, after)
    chunk = b"tEXtComment\0" + MARK
    size, checksum = (number.to_bytes(4, "big") for number in (len(chunk) - 4, zlib.crc32(chunk)))
    before, end = data[:-12], data[-12:]  # the end chunk
    return b"".join((before, size, chunk, checksum, end))
