"""A program over the rows of a table by the workers of a cluster: the result is that of one machine, byte for byte."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from functools import cached_property
from typing import Any, NamedTuple, cast

from cgcli.data import arrow
from cgcli.data.cuts import Cut, cuts, identity_of, require_cuttable
from cgcli.data.sinks import STREAM, JoiningSink, PartWriter, TextOutput, sink, target_kind
from cgcli.diagnostics.diagnostic import CgError, Diagnostic, error
from cgcli.files.cache import code_stamp, digest
from cgcli.program.computation import Computation, Values
from cgcli.program.dynamic import DynamicProgram
from cgcli.program.program import reopened
from cgcli.program.rows import Derivatives
from cgcli.program.tables import TableEvents, TableRun, TableSettings, carried_columns, open_table_of
from cgcli.version import VERSION

from .kept_parts import KeptParts, kept_parts
from .schedulers import check_cluster, connected, library
from .tasks import Job, PartResult, Reopening, run_part

LEAST_QUEUE, A_THREAD = 32, 4  # tasks at a time, and those for each thread of the workers
POLL_SECONDS = 1.0


class Target(NamedTuple):
    """Where the result goes. path: a file, a folder of parts where it ends with a slash, None or `-` for `stream`.

    lines: whether the stream takes JSON Lines, else CSV. digits: what floats are rounded to, None for all.
    """

    path: str | None
    stream: TextOutput
    lines: bool = False
    digits: int | None = None

    @property
    def is_folder(self) -> bool:
        """Whether the parts stay as they are."""
        return self.path is not None and self.path.endswith("/")

    @property
    def kind(self) -> str:
        """The kind of the result. Raises CgError (status 2) for one that cannot be written in parts."""
        if self.path is None or self.path == "-":
            return "jsonl" if self.lines else "csv"
        name = self.path.rstrip("/")
        if self.is_folder and "." not in os.path.basename(name):
            return "csv"
        kind = target_kind(name)
        if kind == "npz":
            raise error("target-whole", file=self.path)
        return kind

    @property
    def parts_folder(self) -> str | None:
        """Where finished parts are kept; None of what is no file."""
        if self.path is None or self.is_folder:
            return self.path
        if self.path == "-" or (os.path.exists(self.path) and not os.path.isfile(self.path)):
            return None
        folder, name = os.path.split(os.path.realpath(self.path))
        return os.path.join(folder, f".{name}.parts")


def map_table_on_cluster(
    cluster: str,
    program: Computation,
    values: Values,
    path: str,
    target: Target,
    settings: TableSettings,
    *,
    derivatives: Derivatives | None = None,
    outputs: Sequence[str] | None = None,
    events: TableEvents | None = None,
) -> None:
    """Runs a program for each row of the table in a file, by the workers of a cluster, as `map_table` does here.

    cluster: see `check_cluster`. Finished parts are kept until the result is whole, and used by the next run that is
    the same. Raises CgError as `map_table` does; status 2 for a table, a target or a program that cannot be cut into
    tasks, and status 1 for a cluster that cannot be reached, is lost, or cannot do it.
    """
    where = check_cluster(cluster)
    library()
    events = events or TableEvents()
    texts = _reopening(program)
    kind = target.kind
    with open_table_of(program, path) as table:
        require_cuttable(table.files)
        _check_folder(target, table.files)
        run = TableRun(program, values, table, settings, derivatives, outputs, events)
        rows = run.chunk_rows * _chunks_of_a_part(run)
        with closing(cast("Any", table.read(run.chunk_rows, run.needed))) as chunks:
            first = next(chunks, None)
        start = None if first is None else run.start_of(*first)
        if start is not None:
            run.begin(start)
        columns, carried = table.columns or (), carried_columns(table, settings)
        part_kind = STREAM if kind in arrow.KINDS and not target.is_folder else kind
        work = table.name, columns, settings, derivatives, outputs, start, part_kind, target.digits, carried
        key = _key(program, texts, values, [identity_of(file) for file in table.files], rows, *work)
        job = Job(key, texts, values, *work)
        with kept_parts(target.parts_folder, key, kind if target.is_folder else "part") as kept:
            tasks = _Tasks(where, job, kept, events)
            _join(run, tasks, cuts(table.files, rows), target, table.size)


def _join(run: TableRun, tasks: _Tasks, pieces: Iterator[Cut], target: Target, size: int | None) -> None:
    """Writes the results of the tasks in their order."""
    events, kept = run.events, tasks.kept
    rows = skipped = 0
    outside: dict[str, dict[str, Any]] = {}
    with ExitStack() as stack:
        stack.enter_context(tasks)
        out = None
        if not target.is_folder:
            out = cast("JoiningSink", stack.enter_context(sink(target.path, target.stream, lines=target.lines)))
        for cut, part in tasks.results(pieces):
            if out is not None and part.data:
                out.append(part.data, part.header)
            if part.error is not None:
                raise part.error
            rows, skipped = rows + part.rows, skipped + part.skipped
            for values in part.warnings:
                entry = outside.setdefault(str(values["name"]), {**values, "count": 0})
                entry["count"] += values["count"]
            events.progress(rows, cut.read, size)
        events.warnings([Diagnostic("rows-outside-range", values=v, severity="warning") for v in outside.values()])
        if not rows:
            writer = PartWriter(target.kind)
            words = None if tasks.job.start is None else run.words_of_classes()
            run.write_no_rows(writer.out if out is None else out, words)
            if out is None:
                kept.keep(0, PartResult(*writer.part()))
    if target.is_folder:
        kept.finish(rows)
    else:
        kept.remove()
    if skipped:
        events.skipped(skipped, rows + skipped)


class _Tasks:
    """The tasks of a run, in a context that ends the connection. kept: the parts that are there already."""

    def __init__(self, cluster: int | str, job: Job, kept: KeptParts, events: TableEvents) -> None:
        self.cluster, self.job, self.kept, self.events = cluster, job, kept, events
        self.stack = ExitStack()
        self.has_waited = False

    def __enter__(self) -> _Tasks:
        return self

    def __exit__(self, *problem: Any) -> None:
        self.stack.__exit__(*problem)

    @cached_property
    def client(self) -> Any:
        """The connection, from the first task on."""
        return self.stack.enter_context(connected(self.cluster))

    @cached_property
    def shared(self) -> Any:
        """The job on the cluster, which each worker fetches once."""
        return self.client.submit(_same, self.job, key=f"cg-job-{self.job.key}", pure=False)

    def results(self, pieces: Iterator[Cut]) -> Iterator[tuple[Cut, PartResult]]:
        """The result of each cut in their order; finished ones are kept."""
        if self.kept.entries:
            self.events.reused(len(self.kept.entries))
        queue: deque[tuple[int, Cut, Any]] = deque()
        most = LEAST_QUEUE
        for k, cut in enumerate(pieces):
            queue.append((k, cut, None if k in self.kept.entries else self._submit(k, cut)))
            if k % LEAST_QUEUE == 0 and "client" in vars(self):
                most = max(LEAST_QUEUE, A_THREAD * self._threads())
            if len(queue) > most:
                yield self._result(*queue.popleft())
        while queue:
            yield self._result(*queue.popleft())

    def _submit(self, k: int, cut: Cut) -> Any:
        return self.client.submit(run_part, VERSION, self.shared, cut, key=f"cg-{self.job.key}-{k}", pure=False)

    def _result(self, k: int, cut: Cut, future: Any) -> tuple[Cut, PartResult]:
        part = self.kept.read(k) if future is None else None
        if part is None:
            part = self._wait(cut, self._submit(k, cut) if future is None else future)
            if part.error is None:
                self.kept.keep(k, part)
        return cut, part

    def _wait(self, cut: Cut, future: Any) -> PartResult:
        """The result of a task. Raises CgError (status 1) where the cluster fails."""
        from concurrent.futures import CancelledError

        distributed = library()
        while True:
            try:
                return cast("PartResult", future.result(timeout=POLL_SECONDS))
            except TimeoutError:
                if not self._threads():
                    self._await_workers()
            except distributed.scheduler.KilledWorker:
                raise error("cluster-killed", status=1, rows=cut.rows, line=cut.line + 1, file=cut.file) from None
            except (CancelledError, OSError):
                raise self._lost() from None

    def _threads(self) -> int:
        """Those of all workers."""
        try:
            return sum(self.client.nthreads().values())
        except OSError:
            raise self._lost() from None

    def _await_workers(self) -> None:
        if isinstance(self.cluster, int):
            self.client.cluster.scale(self.cluster)  # starts those that are gone for good
        elif not self.has_waited:
            self.has_waited = True
            self.events.waiting()

    def _lost(self) -> CgError:
        where = self.cluster if isinstance(self.cluster, str) else "local"
        return error("cluster-lost", status=1, address=where, parts=len(self.kept.entries) or None)


def _check_folder(target: Target, files: Sequence[str]) -> None:
    """Raises CgError (status 2) where the parts would take the place of those that are read."""
    folder = target.parts_folder
    for file in files if folder is not None else ():
        if os.path.dirname(os.path.realpath(file)) == os.path.realpath(folder or ""):
            raise error("target-is-read", option="-o", path=target.path, source=f"--data {file}")


def _same(job: Job) -> Job:
    return job


def _chunks_of_a_part(run: TableRun) -> int:
    """How many chunks are a task: one, but of small batches as many as have the rows of a chunk without them."""
    batch = run.settings.batch
    return 1 if batch is None else max(1, run.rows.most // batch)


def _reopening(program: Computation) -> Reopening:
    """The program by its texts. Raises CgError (status 2) for a Python function, which has none of its own."""
    opens, texts, *rest = cast("tuple[Any, ...]", program.__reduce__())
    if opens not in (reopened, DynamicProgram):
        raise error("cluster-python")
    return Reopening(opens, texts, rest[0])


def _key(program: Computation, texts: Reopening, values: Values, *rest: object) -> str:
    """A digest of what decides on the bytes of the result."""
    module = program.module
    sources = [(str(path), source.text) for path, source in sorted(module.imports.items())]
    inputs = [part for name, x in sorted(values.items()) for part in (name, *_content(x))]
    about = repr((sources, texts.opens.__name__, sorted(texts.settings.items()), rest))
    return digest(VERSION, code_stamp(), module.source.text, about, *inputs)


def _content(value: Any) -> Sequence[str | bytes]:
    if hasattr(value, "dtype"):
        return str(value.dtype), repr(value.shape), value.tobytes()
    return (repr(value),)
