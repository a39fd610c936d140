"""Objects of stores and files of web servers, by their URLs: all that cg knows of fsspec.

An object is written whole: into a temporary file here, then sent by one request, or in parts that become an object
together. What an object is read from is one state of it.
"""

from __future__ import annotations

import asyncio
import errno
import io
import os
import re
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.system import file_name, system_message

from .store_errors import REMEDIES, WEB, explained, is_denial

LIBRARIES = {"s3": "s3fs", "gs": "gcsfs", "https": "aiohttp", "http": "aiohttp"}
BLOCK = 5 * 2**20  # bytes that are read ahead from front to back
JUMP = 2**18  # bytes that are read ahead where a library reads here and there
BUFFER = 2**18
PART = 16 * 2**20  # bytes of a request at least; a smaller object is sent by one
MOST_PARTS = 9_000  # S3 takes 10,000
CONNECT, SILENCE = 10, 15  # seconds without a connection, and without a byte; libraries try several times
WEB_SILENCE = 60  # of a web server, which is asked once
MAGIC = re.compile(r"[*?[]")  # what makes a name a pattern
ABORTING = 3.0  # seconds that the end of a process waits for uploads to be aborted

_uploads: set[object] = set()  # which are not whole, nor aborted


# ---- addresses


def scheme_of(url: str) -> str:
    """The scheme of a URL, one of `LIBRARIES`. Raises CgError (status 2) for another one, and for no address."""
    scheme, _, rest = url.partition("://")
    scheme = scheme.lower()
    if scheme == "file":
        raise error("url-file", url=url, path=rest)
    if scheme not in LIBRARIES:
        from cgcli.diagnostics.suggest import nearest  # for an error alone

        near = nearest(scheme, list(LIBRARIES))
        raise error("url-scheme", url=url, scheme=scheme, nearest=near)
    host, _, name = rest.partition("/")
    if scheme in WEB and re.search(r"[\x00-\x20\x7f]", rest):
        what = "a space or a control character"
        raise error("url-character", url=url, what=what, remedy="in a web address write `%20` for a space")
    if re.search(r"[\x00-\x1f\x7f]", rest):
        raise error("url-character", url=url, what="a control character", remedy="give the object another name")
    if scheme not in WEB and "@" in host:
        raise error("url-character", url=url, what="credentials, which cg does not take", remedy=REMEDIES[scheme])
    if scheme == "s3" and "?versionId=" in name:  # which the library takes for a state of another object
        remedy = "leave it out: cg reads and writes the newest state"
        raise error("url-character", url=url, what="a `?versionId=`", remedy=remedy)
    if not host or (scheme not in WEB and not name):
        raise error("url-nameless", url=url)
    return scheme


def location(url: str) -> str:
    """A URL as two of the same object are alike."""
    scheme, _, rest = url.partition("://")
    host, slash, name = rest.partition("/")
    if scheme.lower() in WEB:
        host, name = host.lower(), name.partition("#")[0]
    return f"{scheme.lower()}://{host}{slash}{name}"


# ---- fsspec


def _store(url: str, **settings: Any) -> tuple[Any, str]:
    """fsspec's file system for a URL, and the name of the object there. Raises CgError where a library is missing."""
    scheme = scheme_of(url)
    try:
        from fsspec.asyn import get_loop
    except ImportError:
        raise error("url-library", scheme=scheme, library="fsspec") from None
    _quieten(LIBRARIES[scheme])
    try:
        store = _class_of(scheme)(use_listings_cache=False, **_settings(scheme), **settings)
    except ImportError:
        raise error("url-library", scheme=scheme, library=LIBRARIES[scheme]) from None
    if scheme == "s3":
        store.retries = 2  # beside those of the library under it
    loop = get_loop()
    if loop.get_exception_handler() is None:  # which would tell of sessions that are open at the end
        loop.set_exception_handler(lambda loop, context: None)
    return store, url if scheme in WEB else url.partition("://")[2]


def _class_of(scheme: str) -> Any:
    """fsspec's class of file systems. Raises ImportError."""
    if scheme == "gs":
        from gcsfs.core import GCSFileSystem  # not its heir for zonal buckets, which asks by another protocol first

        return GCSFileSystem
    import fsspec

    return fsspec.get_filesystem_class(scheme)


def _settings(scheme: str) -> dict[str, Any]:
    """What a file system is told: how long to wait and how often to try. Credentials are the libraries' business."""
    if scheme == "s3":
        retries = {"max_attempts": 2, "mode": "standard"}
        return {"config_kwargs": {"connect_timeout": CONNECT, "read_timeout": SILENCE, "retries": retries}}
    if scheme == "gs":
        return {"requests_timeout": _timeout(SILENCE)}
    # bytes as they are stored: a `.csv.gz` is unpacked by its reader
    headers = {"Accept-Encoding": "identity"}
    client = {"trust_env": True, "auto_decompress": False, "headers": headers, "timeout": _timeout(WEB_SILENCE)}
    return {"client_kwargs": client}


def _timeout(silence: float) -> Any:
    import aiohttp

    return aiohttp.ClientTimeout(total=None, sock_connect=CONNECT, sock_read=silence)


def _quieten(library: str) -> None:
    """Messages of the libraries' own loggers reach only who asks for them."""
    import logging

    for name in (library, "fsspec", "botocore", "aiobotocore", "aiohttp", "google", "urllib3"):
        logger = logging.getLogger(name)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())


# ---- reading


def open_object(url: str) -> io.BufferedReader:
    """The bytes of an object, to be read in any order.

    Of a web server, which need not hand out a part of a file, they are first fetched into a temporary file, which is
    gone when it is closed, however the process ends. Raises FileNotFoundError, and CgError where it cannot be read.
    """
    if scheme_of(url) in WEB:
        return _fetched(url)
    return _opened(url, JUMP)


def open_stream(url: str) -> io.BufferedReader:
    """The bytes of an object, to be read from front to back. Raises as `open_object`."""
    return _opened(url, 0 if scheme_of(url) in WEB else BLOCK)


def _opened(url: str, block: int) -> io.BufferedReader:
    with explained(url):
        store, name = _store(url)
        if not block:  # one request, whose size nobody needs
            return io.BufferedReader(_Object(url, store.open(name, "rb", block_size=0, size=1)), BUFFER)
        about = _info(url) if scheme_of(url) == "gs" else {}
        if "generation" in about:
            _require_plain(url)
            store, name = _store(f"{url}#{about['generation']}", version_aware=True)
        try:
            file = store.open(name, "rb", block_size=block, cache_type="readahead")
        except FileNotFoundError:
            _require_bucket(url)
            raise
        if getattr(file, "details", {}).get("type") == "directory":
            raise _missing()
        return io.BufferedReader(_Object(url, file, seekable=True), BUFFER)


def _require_plain(url: str) -> None:
    """Raises CgError for signs that Google's library takes for those in front of a generation."""
    if re.search("[?#]", url):
        raise error("url-character", url=url, what="a `?` or a `#`", remedy="give the object another name")


def _fetched(url: str) -> io.BufferedReader:
    file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - who reads it closes it
    try:
        with open_stream(url) as stream:
            while data := stream.read(BLOCK):
                file.write(data)
        file.seek(0)
        return io.BufferedReader(file, BUFFER)
    except BaseException:
        file.close()
        raise


class _Object(io.RawIOBase):
    """An open file of fsspec's, whose errors are ours."""

    def __init__(self, url: str, file: Any, *, seekable: bool = False) -> None:
        self._url, self._file, self._seekable = url, file, seekable
        self.problem: CgError | None = None  # the last one, for libraries that raise their own in its place

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._seekable

    def readinto(self, buffer: Any) -> int:
        try:
            with explained(self._url):
                data = self._file.read(len(buffer))
        except FileNotFoundError:
            self.problem = error("table-changed", status=1, file=self._url)
            raise self.problem from None
        except CgError as problem:
            self.problem = problem
            raise
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        if not self._seekable:
            raise io.UnsupportedOperation("seek")
        position: int = self._file.seek(offset, whence)
        return position

    def tell(self) -> int:
        position: int = self._file.tell()
        return position

    def close(self) -> None:
        if not self.closed:
            with suppress(Exception):
                self._file.close()
        super().close()


def _info(url: str) -> dict[str, Any]:
    """What a store says of an object. Raises FileNotFoundError, and CgError without a bucket.

    A folder, which is only a beginning of names, is no object.
    """
    with explained(url):
        store, name = _store(url)
        try:
            about: dict[str, Any] = store.info(name)
        except FileNotFoundError:
            _require_bucket(url)
            about = {}
    if about.get("type", "directory") == "directory":
        raise _missing()
    return about


def _missing() -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, "there is no such object")


def _require_bucket(url: str) -> None:
    """Raises CgError (status 1) where there is no bucket for an object."""
    store, name = _store(url)
    bucket = name.partition("/")[0]
    try:
        if scheme_of(url) == "gs":
            store.call(
                "GET", "b/{}", bucket
            )  # its `info` takes a bucket that is empty and may not be looked at for none
        else:
            store.info(bucket)
    except FileNotFoundError:
        raise error("url-no-bucket", status=1, url=url, bucket=bucket) from None
    except Exception as problem:
        if not is_denial(problem):  # who may not look at the bucket may still use its objects
            raise


def size_of(url: str) -> int | None:
    """Bytes of an object; None of a web server's file. Raises as `open_object`."""
    if scheme_of(url) in WEB:
        return None
    return int(_info(url)["size"])


def identity_of(url: str) -> tuple[int, str]:
    """The size of an object and what its store tells its states apart by; nothing of a web server's file.

    Raises as `open_object`.
    """
    if scheme_of(url) in WEB:
        return 0, ""
    about = _info(url)
    marks = (about.get(name) for name in ("ETag", "etag", "generation", "LastModified", "updated", "created"))
    return int(about["size"]), str(next((mark for mark in marks if mark), ""))


def exists(url: str) -> bool:
    """Whether there is an object of this name. Raises CgError where nobody can tell."""
    if scheme_of(url) in WEB:
        return True  # asking is reading
    try:
        size_of(url)
    except FileNotFoundError:
        return False
    return True


def names_beside(url: str) -> tuple[str, ...]:
    """The names, without folders, of the objects beside one; none of a web server. Raises CgError."""
    if scheme_of(url) in WEB:
        return ()
    with explained(url):
        store, name = _store(url)
        try:
            names = store.ls(name.rpartition("/")[0], detail=False)
        except FileNotFoundError:
            return ()
    return tuple(each.rpartition("/")[2] for each in names)


def files_of(pattern: str) -> tuple[str, ...]:
    """The objects that a pattern stands for, in the order of their names. Raises CgError."""
    scheme = scheme_of(pattern)
    if scheme in WEB:
        if "*" in file_name(pattern):
            raise error("url-pattern", url=pattern)
        return (pattern,)
    bucket, _, name = pattern.partition("://")[2].partition("/")
    if MAGIC.search(bucket):
        raise error("url-nameless", url=pattern)
    if not MAGIC.search(name) or exists(pattern):
        return (pattern,)
    with explained(pattern):
        store, name = _store(pattern)
        try:
            matches = store.glob(name, detail=True)
        except FileNotFoundError:
            return ()
    names = sorted(each.lstrip("/") for each, about in matches.items() if about["type"] == "file")
    return tuple(f"{scheme}://{each}" for each in names)


# ---- writing


def require_store(url: str) -> None:
    """Raises CgError (status 2) for an address that is no object of a store, or is only read."""
    if scheme_of(url) in WEB:
        raise error("url-read-only", url=url)


def check_writable(url: str) -> None:
    """Raises CgError where it can be foreseen that an object cannot be written; its bucket is asked for."""
    require_store(url)
    if url.endswith("/"):
        raise error("url-nameless", url=url)
    if scheme_of(url) == "gs":
        _require_plain(url)
    with explained(url, writing=True):
        _require_bucket(url)


@contextmanager
def whole_object(url: str) -> Iterator[IO[bytes]]:
    """A temporary file to write into, which becomes the object when all is written. Raises CgError when it cannot."""
    check_writable(url)
    token = object()
    with tempfile.TemporaryFile() as file:
        try:
            yield file
            file.flush()
        except OSError as problem:
            full = f" in {tempfile.gettempdir()}, where temporary files go" if problem.errno == errno.ENOSPC else ""
            raise error("cannot-write", status=1, path=url, reason=system_message(problem) + full) from None
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        _uploads.add(token)
        try:
            with explained(url, writing=True):
                _upload(file, size, url)
        except FileNotFoundError:  # the bucket, or the parts that were sent
            raise error("cannot-write", status=1, path=url, reason="its bucket is gone") from None
        finally:
            _uploads.discard(token)


def _upload(file: IO[bytes], size: int, url: str) -> None:
    store, name = _store(url)
    if size <= PART:
        store.pipe_file(name, file.read())
        return
    part = max(PART, -(-size // MOST_PARTS // JUMP) * JUMP)
    target = store.open(name, "wb", block_size=part, autocommit=False)
    before = asyncio.all_tasks(store.loop)
    try:
        while data := file.read(part):
            target.write(data)
        target.close()
        target.commit()
    except BaseException:
        target.closed = True  # which would send the rest when it is collected as garbage
        with suppress(Exception):
            target.discard()
        _cancel(store.loop, before)
        raise


def _cancel(loop: asyncio.AbstractEventLoop, before: set[asyncio.Task[Any]]) -> None:
    """Ends the requests that an interrupted call has left: at the end of the process they would be told of."""
    requests = asyncio.all_tasks(loop) - before
    for request in requests:
        loop.call_soon_threadsafe(request.cancel)
    end = time.monotonic() + 1
    while time.monotonic() < end and not all(request.done() for request in requests):
        time.sleep(0.01)


def wait_for_uploads() -> None:
    """Waits a little until interrupted uploads are aborted, for a process that ends without unwinding."""
    end = time.monotonic() + ABORTING
    while _uploads and time.monotonic() < end and threading.main_thread().is_alive():
        time.sleep(0.02)


def copy(source: str, target: str) -> None:
    """Copies an object within its store. Raises FileNotFoundError where there is none, and CgError."""
    with explained(target, writing=True):
        store, name = _store(source)
        _info(source)
        store.cp_file(name, _store(target)[1])


def remove(url: str) -> None:
    """Removes an object; none is no error. Raises CgError."""
    with explained(url, writing=True), suppress(FileNotFoundError):
        store, name = _store(url)
        store.rm_file(name)
