"""Runs of `cg live`, each in a process of its own, which tells what it read: a change of that begins the next one.

So Python files run anew with all that they import, limits hold for each run, and a run that hangs or crashes harms
nothing. The process of the next run is there beforehand and has everything imported, so that a page is there soon.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import queue
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cgcli.files import cache
from cgcli.system import end_with_parent

POLL = 0.05  # seconds
PACKAGE = Path(__file__).parents[1]
Stamp = tuple[int, int, int]
Stamps = dict[str, Stamp | None]
"""Files with when they were changed, their size and their identity; None for one that is not there."""


def stamp(path: str) -> Stamp | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def stamps(paths: Iterable[str]) -> Stamps:
    return {path: stamp(path) for path in paths}


# ---- in the process of a run


class OpenedFiles:
    """The files that this process opens to read from now on, as they were before; without those that it writes too,
    and without cg's own and those of Python and its libraries."""

    def __init__(self) -> None:
        self._read: Stamps = {}
        self._written: set[str] = set()
        folders = ["/dev", "/proc", str(PACKAGE)]
        folders += [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
        with contextlib.suppress(RuntimeError):
            folders.append(cache.base_folder())
        self._others = tuple(os.path.join(path, "") for each in folders for path in {each, os.path.realpath(each)})
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            writes = any(c in "wax+" for c in mode) if isinstance(mode, str) else flags & (os.O_WRONLY | os.O_RDWR)
            (self._add_written if writes else self._add_read)(path)
        elif event == "os.rename":
            self._add_written(arguments[1])

    def _add_read(self, path: Any) -> None:
        name = _absolute(path)
        if name is not None and name.endswith(".pyc"):  # of compiled Python, its source
            with contextlib.suppress(ValueError):
                name = importlib.util.source_from_cache(name)
        if name is not None and not name.startswith(self._others) and name not in self._read:
            self._read[name] = stamp(name)

    def _add_written(self, path: Any) -> None:
        name = _absolute(path)
        if name is not None:
            self._written.add(name)

    def stamps(self) -> Stamps:
        return {path: was for path, was in self._read.items() if path not in self._written}


def _absolute(path: Any) -> str | None:
    """The path of a file; None for a descriptor."""
    return os.path.abspath(os.fsdecode(path)) if isinstance(path, (str, bytes, os.PathLike)) else None


def answer_one_run(warm_up: Callable[[], object], run: Callable[[], tuple[int, str | None]]) -> int:
    """Waits for the parent's word, and then tells it of one run. Returns the exit status.

    run: returns its exit status and the page. Standard input and output are the parent's: the run has neither, and what
    it prints goes to standard error.
    """
    word, answers = os.dup(0), os.dup(1)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    warm_up()
    if os.read(word, 1) == b"" or not end_with_parent(word):
        return 0
    opened = OpenedFiles()
    status, page = run()
    with open(answers, "wb") as answer:
        answer.write(json.dumps({"files": opened.stamps(), "page": page}).encode())
    return status


# ---- in the process that waits for changes


@dataclass(frozen=True)
class Outcome:
    """What a run ended with. page: None where it failed; errors: what it wrote on standard error; files: those that it
    read, None where it was ended before it could tell."""

    status: int
    page: str | None
    errors: str
    files: Stamps | None


class Run:
    """One run: its process starts at once, and waits for `start`."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # it is there as long as the run
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, env=environment
        )

    def start(self, done: Callable[[tuple[Run, Outcome]], object]) -> None:
        """Lets the run begin. done: called in a thread at its end."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it has ended: the outcome says how
            self._process.stdin.write(b"\n")
            self._process.stdin.flush()
        threading.Thread(target=lambda: done((self, self._outcome())), daemon=True).start()

    def _outcome(self) -> Outcome:
        assert self._process.stdout is not None
        answer = self._process.stdout.read()
        status = self._process.wait()
        self._errors.seek(0)
        errors = self._errors.read().decode("utf-8", "replace")
        try:
            told = json.loads(answer)
        except ValueError:
            return Outcome(status, None, errors, None)
        files = {path: None if was is None else (was[0], was[1], was[2]) for path, was in told["files"].items()}
        return Outcome(status, told["page"], errors, files)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


class Runs:
    """Runs anew at each change of a file that the last run read.

    file: the program's, which is always watched. command: what starts the process of a run.
    """

    def __init__(self, file: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command, self._environment = command, environment
        self._file = os.path.abspath(file)
        self._outcomes: queue.SimpleQueue[tuple[Run, Outcome]] = queue.SimpleQueue()
        self._running: Run | None = None
        self._spare: Run | None = None
        self._watched: Stamps = {}

    def follow(self, done: Callable[[Outcome], object]) -> None:
        """Runs for ever. done: called with the outcome of each run that was not overtaken by a change."""
        try:
            self._start([self._file])
            before = self._watched
            while True:
                self._take_outcome(done)
                now = stamps(self._watched)
                if now != self._watched and now == before:  # nothing has changed since the last look: it is saved
                    self._start(now)
                before = now
        finally:
            for run in filter(None, (self._running, self._spare)):
                run.stop()

    def _start(self, files: Iterable[str]) -> None:
        if self._running is not None:
            self._running.stop()
        self._watched = stamps(files)
        self._running, self._spare = self._spare or self._new_run(), None
        self._running.start(self._outcomes.put)

    def _new_run(self) -> Run:
        return Run(self._command, self._environment)

    def _take_outcome(self, done: Callable[[Outcome], object]) -> None:
        """Waits a moment for the end of the run."""
        try:
            run, outcome = self._outcomes.get(timeout=POLL)
        except queue.Empty:
            return
        if run is not self._running:  # it was stopped
            return
        self._running = None
        if outcome.page is None:  # the cause may be in a file that it did not come to, or that is not there yet
            read = {**self._watched, **(outcome.files or {})}
            folders = {os.path.dirname(path) for path in read}
            self._watched = {**stamps(folders), **read}
        else:
            self._watched = {self._file: self._watched[self._file], **(outcome.files or {})}
        done(outcome)
        self._spare = self._new_run()
