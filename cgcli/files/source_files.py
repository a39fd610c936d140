"""Texts of files, of standard input and of descriptors. Every failure is a `CgError` (status 2)."""

from __future__ import annotations

import codecs
import os
import re
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, NamedTuple

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.diagnostics.source import Source, Span
from cgcli.system import is_url, open_for_reading

LARGEST = 64 * 2**20  # bytes of one program
STDIN = ("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")
_PACKAGE = Path(__file__).resolve().parents[1]
_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/[0-9]+")


class Files(NamedTuple):
    """A program's text and its file, the folders that imports may lie in, and imported files with texts that were read.

    path: None for a text without a file; root: the folder that imports stay in, else one of `allowed`.
    """

    source: Source
    path: Path | None
    root: Path
    allowed: Sequence[Path] = ()
    texts: Mapping[Path, Source] = MappingProxyType({})

    def with_texts(self, imports: Mapping[Path, Source]) -> Files:
        """The same for another process, with the texts of these imports; the library's own files are there, too."""
        texts = {path: source for path, source in imports.items() if not path.is_relative_to(_PACKAGE)}
        path = None if self.path is None else resolved(self.path.parent) / self.path.name
        return self._replace(path=path, root=resolved(self.root), allowed=[*map(resolved, self.allowed)], texts=texts)


def read_source(path: str | Path, name: str | None = None) -> Source:
    """The text of a file. name: that of the source in messages (its path)."""
    name = str(path) if name is None else name
    require_local(name)
    try:
        # Opening a pipe would wait for its other end, opening a device may set it to work: looked at before and after.
        _require_file(os.stat(path), name)
        handle = open_for_reading(path)
        with os.fdopen(handle, "rb") as file:
            _require_file(os.fstat(handle), name)
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise error("no-such-file", file=name, nearest=_similar_file(Path(path))) from None
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else None
        raise error("file-unreadable", file=name, reason=(reason or str(problem)).lower()) from None
    return Source(name, decode(data, name))


def require_local(
    path: str, what: str = "a program", remedy: str = "save it here first, with the files that it imports"
) -> None:
    """Raises CgError (status 2) for a URL where only a file or a folder of this machine will do: what runs, and what it
    imports, is never fetched. what: the path is of; remedy: what to do instead.
    """
    if is_url(path):
        raise error("url-local", url=path, what=what, remedy=remedy)


def is_stdin(path: str) -> bool:
    """Whether a path is one of the names of standard input."""
    return path in STDIN


def is_stream(path: str) -> bool:
    """Whether a path is standard input or a descriptor that the shell opened (`<(…)`): read once, without an ending."""
    return is_stdin(path) or _DESCRIPTOR.fullmatch(path) is not None


@contextmanager
def open_once(path: str) -> Iterator[BinaryIO]:
    """An ordinary file, an object, a pipe or standard input, opened for one reading from front to back.

    Raises CgError (status 2) for a folder, a device or a socket, and OSError when the system cannot open the file.
    """
    if is_stdin(path):
        if sys.stdin is None:
            raise error("no-standard-input")
        yield sys.stdin.buffer  # which stays open: it is not ours
        return
    if is_url(path):
        from .remote import open_stream  # for URLs alone

        with open_stream(path) as stream:
            yield stream
        return
    _require_readable(os.stat(path), path)
    # the open of a named pipe waits for a writer, as every program's does
    with open(path, "rb") as file:
        _require_readable(os.fstat(file.fileno()), path)
        yield file


def read_stdin(path: str = "-") -> Source:
    """The text of standard input, named `-`, of another descriptor or of an object."""
    name = "-" if is_stdin(path) else path
    if is_url(path):
        from cgcli.diagnostics.secrets import without_secrets  # for URLs alone

        name = without_secrets(path)
    try:
        with open_once(path) as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise error("no-such-file", file=name, nearest=None) from None
    except (OSError, ValueError) as problem:
        raise error("file-unreadable", file=name, reason=str(problem).lower()) from None
    return Source(name, decode(data, name))


def read_text(path: str) -> Source:
    """The text of a file or an object, of standard input or of a descriptor."""
    return read_stdin(path) if is_stream(path) or is_url(path) else read_source(path)


def decode(data: bytes, name: str) -> str:
    """The text of a file's bytes, which are to be UTF-8; a byte order mark is dropped."""
    if len(data) > LARGEST:
        raise _too_large(name)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise error("not-utf8", file=name, encoding="UTF-16")
    if b"\0" in data:
        raise error("file-is-binary", file=name)
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as problem:
        # the report needs a text to point at
        readable = Source(name, data.decode("utf-8", "replace"))
        position = len(data[: problem.start].decode("utf-8"))
        raise error(
            "not-utf8", Span(readable, position, position + 1), file=name, byte=f"0x{data[problem.start]:02x}"
        ) from None


def working_folder() -> Path:
    """The working folder; where that was deleted, a path below a device, where no file can be."""
    try:
        return Path.cwd()
    except OSError:
        return Path(os.devnull, "deleted")


def root_folder(root: Path | None, path: Path | None) -> Path:
    """The folder that imports stay in: `root`, else the folder of the program's file, else the working folder."""
    return root or (path.parent if path else working_folder())


def resolved(path: Path) -> Path:
    """The path without links; a relative one stays as it is where the working folder was deleted."""
    try:
        return Path(os.path.realpath(path))
    except OSError:
        return path


def _require_file(status: os.stat_result, name: str) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise error("file-is-directory", file=name)
    if not stat.S_ISREG(status.st_mode):
        raise error("file-is-special", file=name)
    if status.st_size > LARGEST:
        raise _too_large(name)


def _require_readable(status: os.stat_result, name: str) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise error("data-is-folder", file=name)
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISFIFO(status.st_mode):
        raise error("array-file-special", file=name)


def _too_large(name: str) -> CgError:
    return error("file-too-large", file=name, limit=LARGEST // 2**20)


def _similar_file(path: Path) -> str | None:
    """A file beside the missing one whose name is nearly the same."""
    try:
        with os.scandir(path.parent) as entries:
            from cgcli.diagnostics.suggest import nearest  # for an error alone

            name = nearest(path.name, [entry.name for entry in entries if entry.is_file()])
    except (OSError, ValueError):
        return None
    return None if name is None else str(path.parent / name)
