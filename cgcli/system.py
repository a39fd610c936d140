"""What differs from one operating system to another: each function has a portable fallback.

No other module asks which system it runs on, or names what only some systems have (`fcntl`, `os.geteuid`, `SIGALRM`,
`readline`, …): `tests/test_other_systems.py` takes all of that away.

Every process loads this module first, so what few functions need is imported by them.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # importing `typing` takes as long as a whole run of the front door
if TYPE_CHECKING:
    import ctypes
    import signal
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any, NoReturn, TypeVar

    T = TypeVar("T")

# ---- files


BINARY: int = getattr(os, "O_BINARY", 0)
"""A flag of `os.open`: bytes are read and written as they are."""


def system_message(problem: OSError | ValueError) -> str:
    """The system's message about a failure, as a part of a sentence. A ValueError is one about a NUL in a name."""
    return (getattr(problem, "strerror", None) or str(problem)).lower()


def open_for_reading(path: str | Path, *, links: bool = True) -> int:
    """A descriptor of the file. Opening a named pipe does not wait for its other end, where the system can do so.

    links: whether a symbolic link is followed; where it is not and the path is one, OSError is raised.
    """
    flags = getattr(os, "O_NONBLOCK", 0) | (0 if links else getattr(os, "O_NOFOLLOW", 0))
    return os.open(path, os.O_RDONLY | flags | BINARY)


def try_lock(descriptor: int) -> bool:
    """Takes an advisory lock that ends with the process; False where another process has it. A system or a file system
    without locks always gives it."""
    fcntl, msvcrt = _module("fcntl"), _module("msvcrt")
    try:
        if fcntl is not None:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        elif msvcrt is not None:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    except BlockingIOError:
        return False
    except OSError:  # of Windows: it is locked; of others: nothing can be locked here
        return fcntl is not None
    return True


def owned(path: str) -> bool:
    """Whether the file is this user's. Systems without user ids keep others out of the user's folders themselves."""
    return not hasattr(os, "geteuid") or os.stat(path).st_uid == os.geteuid()


def private(file: str | int) -> bool:
    """Whether a file, or the open one of a descriptor, is this user's and no other may write it. Systems without user
    ids keep others out of the user's folders themselves."""
    state = os.stat(file)
    return not hasattr(os, "geteuid") or (state.st_uid == os.geteuid() and not state.st_mode & 0o022)


def set_mode(descriptor: int, mode: int) -> None:
    """Sets the permissions of an open file; a system without them has nothing to set."""
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, mode)


def link(source: str, target: str) -> bool:
    """Makes a hard link; False where the system or the file system has none."""
    try:
        os.link(source, target)
    except (AttributeError, OSError):
        return False
    return True


_SIGNS = str.maketrans("", "", "+-.:")  # those that a scheme, or several of them, may have


def is_url(path: str) -> bool:
    """Whether a path is a URL, as `s3://bucket/x.csv`; `C://x.csv` has a drive, and `./s3://x.csv` is a file."""
    scheme, colon, _ = path.partition("://")
    return bool(colon) and len(scheme) > 1 and scheme[0].isalpha() and scheme.translate(_SIGNS).isalnum()


def file_name(path: str) -> str:
    """The path without the query of a web address, so that it ends as the file's name does."""
    return path.partition("?")[0].partition("#")[0] if path[:8].lower().startswith(("http://", "https://")) else path


def split_member(reference: str) -> tuple[str, str | None]:
    """`w.npz:W1` as the file and what stands behind its last colon, which is no drive's: `C:\\w.npz` is a file. In a
    URL a member stands behind a name with an ending: `https://h:80/w.npz` has none, and no query has one."""
    if is_url(reference):
        scheme, _, rest = reference.partition("://")
        host, slash, name = rest.partition("/")
        path, colon, member = name.rpartition(":")
        if colon and "." in path.rpartition("/")[2] and file_name(reference) == reference:
            return f"{scheme}://{host}{slash}{path}", member
        return reference, None
    path, colon, member = reference.rpartition(":")
    drive = len(path) == 1 and path.isascii() and path.isalpha() and member.startswith(("/", "\\"))
    return (path, member) if colon and path and not drive else (reference, None)


# ---- the machine


def memory() -> int | None:
    """The bytes of the machine's memory; None where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def math_library() -> ctypes.CDLL | None:
    """The C library with the mathematical functions; None where it has another name."""
    import ctypes
    from contextlib import suppress

    for name in (None, "libm.so.6", "ucrtbase"):
        with suppress(OSError, TypeError):  # no such library; not the program itself, in Windows
            library = ctypes.CDLL(name)
            if hasattr(library, "erfc"):
                return library
    return None


# ---- streams


def plain_newlines() -> None:
    """Ends the lines of both streams by a newline alone, as on every other system, so that results are the same bytes.

    A character that the encoding of standard output lacks is shown as an escape (standard error does so by itself).
    """
    for stream, settings in ((sys.stdout, {"errors": "backslashreplace"}), (sys.stderr, {})):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None and not stream.closed:
            reconfigure(newline="\n", **settings)


def edit_typed_lines(completions: Callable[[str, str], list[str]]) -> None:
    """Lets `input` edit a line, give back earlier ones and complete a word by Tab; terminals without readline do the
    former themselves.

    completions: of the text in front of a word, and its beginning, what it may become.
    """
    readline = _module("readline")
    if readline is None:
        return

    def complete(word: str, number: int) -> str | None:
        offers = completions(readline.get_line_buffer()[: readline.get_begidx()], word)
        return offers[number] if number < len(offers) else None

    readline.set_completer(complete)
    readline.set_completer_delims(" \t\n()[]{},;=+-*/^<>@")
    is_libedit = "libedit" in (readline.__doc__ or "")
    readline.parse_and_bind("bind ^I rl_complete" if is_libedit else "tab: complete")


# ---- clocks and processes


def call_after(seconds: float, action: Callable[[], None]) -> Callable[[], None]:
    """Calls the action in the main thread after so many seconds, unless the function that is returned is called before.

    Without an interval timer a thread counts, and the action runs at the next instruction of the interpreter: a read
    that waits is not interrupted. Raises ValueError in another than the main thread.
    """
    import signal

    number = getattr(signal, "SIGALRM", signal.SIGABRT)  # a real abort ends the process all the same
    before = signal.signal(number, lambda *_: action())
    stop: Callable[[], object]
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)

        def stop() -> object:
            return signal.setitimer(signal.ITIMER_REAL, 0)
    else:
        import _thread
        import threading

        timer = threading.Timer(seconds, _thread.interrupt_main, [number])
        timer.daemon = True
        timer.start()
        stop = timer.cancel

    def cancel() -> None:
        stop()
        signal.signal(number, before)

    return cancel


def inheritable(*descriptors: int) -> tuple[int, ...]:
    """Those of the descriptors that `subprocess.run` can pass on to a child by `pass_fds`: all of them, or none."""
    return () if _module("fcntl") is None else descriptors


def end_with_parent(lifeline: int) -> bool:
    """Ends this process, even in the midst of native code, when its parent ends; False when that is gone already.

    The parent holds the other end of the pipe `lifeline`: when that closes, the system sends SIGIO. Not every system
    does that.
    """
    fcntl = _module("fcntl")
    if fcntl is None:
        return True
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
    try:
        return os.read(lifeline, 1) != b""
    except BlockingIOError:
        return True


def limit_processor_time(seconds: int) -> None:
    """Ends this process when it has used so many seconds of the processor; where the system cannot count these, so many
    seconds from now."""
    resource = _module("resource")
    if resource is None:
        import faulthandler

        faulthandler.dump_traceback_later(seconds, exit=True)
        return
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    allowed = seconds if hard == resource.RLIM_INFINITY else min(seconds, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (allowed, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def ran_out_of_time(status: int, errors: bytes) -> bool:
    """Whether `limit_processor_time` has ended a process with this status and this output of errors."""
    import signal

    return (hasattr(signal, "SIGXCPU") and status == -signal.SIGXCPU) or b"\nTimeout (" in b"\n" + errors


def alive(process: int) -> bool:
    """Whether a process of this number lives; True where the system cannot be asked without ending it (Windows)."""
    if not hasattr(os, "geteuid"):
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # it is another user's, or no number of a process
        return True
    return True


def ending_signals() -> list[signal.Signals]:
    """The signals that ask a process to end, as far as the system has them."""
    import signal

    names = ("SIGINT", "SIGTERM", "SIGHUP")  # the last is that of a terminal which is gone
    return [getattr(signal, name) for name in names if hasattr(signal, name)]


def interrupt_by_signals() -> None:
    """From now on SIGTERM and SIGHUP interrupt as Ctrl-C does, unless they are ignored. Called in the main thread."""
    import _signal  # type: ignore[import-not-found]  # the enumerations of `signal` take as long to load as a third of the front door

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(_signal, name, None)
        if number is not None and _signal.getsignal(number) == _signal.SIG_DFL:
            _signal.signal(number, _signal.default_int_handler)


def without_interrupts(start: Callable[[], T]) -> T:
    """Calls what starts threads and processes that SIGINT and SIGHUP shall not reach, in a thread of its own: they
    reach the caller, which is the main thread, and end its wait. Where signals cannot be blocked, they reach all.
    """
    import signal

    block: Any = getattr(signal, "pthread_sigmask", None)
    if block is None:
        return start()
    import threading
    from multiprocessing import resource_tracker

    results: list[T] = []
    problems: list[BaseException] = []

    def run() -> None:
        try:
            results.append(start())
        except BaseException as problem:
            problems.append(problem)

    thread = threading.Thread(target=run, daemon=True)
    before = block(signal.SIG_BLOCK, {signal.SIGHUP})  # which the tracker, too, would end by
    try:
        resource_tracker.ensure_running()  # the first start would, and let SIGINT through again
        block(signal.SIG_BLOCK, {signal.SIGINT})
        thread.start()
    finally:
        block(signal.SIG_SETMASK, before)
    thread.join()
    if problems:
        raise problems[0]
    return results[0]


def alarm_signal() -> signal.Signals | None:
    """The signal of the interval timer."""
    import signal

    return getattr(signal, "SIGALRM", None)


def wakeup_descriptor() -> int | None:
    """A descriptor from which a thread reads the number of each signal as it comes, whatever the main thread does; None
    where signals cannot be told through a pipe. Called in the main thread."""
    if not hasattr(os, "set_blocking"):
        return None
    import signal

    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    return read


def send_to_main_thread(number: signal.Signals) -> None:
    """Sends the signal to the main thread; where the system can, that ends a system call that waits, too."""
    import signal
    import threading

    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        import _thread

        _thread.interrupt_main(number)


def leave(status: int) -> NoReturn:
    """Ends the process with this exit status without tearing the interpreter down, which takes longer than a small run.

    Exit functions run and both streams are flushed. Where other threads are to be waited for, Python ends the process.
    """
    threads = sys.modules.get("threading")
    if threads is not None and any(not t.daemon for t in threads.enumerate() if t is not threads.main_thread()):
        sys.exit(status)
    import atexit

    atexit._run_exitfuncs()  # noqa: SLF001 - Python has no other name for it
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not stream.closed:
            try:
                stream.flush()
            except OSError:
                status = status or 1
    os._exit(status)


def _module(name: str) -> Any:
    """A module that only some systems have, or None."""
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError:
        return None
