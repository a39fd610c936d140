"""A program over the rows of a table by the workers of a cluster: the result is that of one machine, byte for byte."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from typing import Any, NamedTuple, cast

from cgcli.data import arrow
from cgcli.data.cuts import Cut, cuts, identity_of, require_cuttable
from cgcli.data.sinks import STREAM, JoiningSink, PartWriter, TextOutput, sink, target_kind
from cgcli.diagnostics.diagnostic import CgError, Diagnostic, error
from cgcli.files.cache import code_stamp, digest
from cgcli.files.source_files import require_local
from cgcli.program.computation import Computation, Values
from cgcli.program.rows import Derivatives
from cgcli.program.tables import Start, TableEvents, TableRun, TableSettings, carried_columns, open_table_of
from cgcli.system import is_url
from cgcli.version import VERSION

from .kept_parts import KeptParts, kept_parts
from .schedulers import check_cluster, library
from .tasks import Job, PartResult, Reopening, reopening, run_part
from .workers import LEAST_QUEUE, Workers


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
        """Where finished parts are kept; None of what is no file. Raises CgError (status 2) for a folder of a store."""
        if self.path is not None and is_url(self.path):
            if self.is_folder:
                require_local(self.path, "a folder of parts", "name one object, or a folder here")
            return None
        if self.path is None or self.is_folder:
            return self.path
        if self.path == "-" or (os.path.exists(self.path) and not os.path.isfile(self.path)):
            return None
        folder, name = os.path.split(os.path.realpath(self.path))
        return os.path.join(folder, f".{name}.parts")


def map_table_on_cluster(
    cluster: str | os.PathLike[str],
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
    texts = reopening(program)
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
            if kept.entries:
                events.reused(len(kept.entries))
            with Workers(where, job, key, events.waiting, lambda: len(kept.entries)) as workers:
                results = _results(workers, kept, cuts(table.files, rows))
                _join(run, start, kept, results, target, table.size)


def _join(
    run: TableRun,
    start: Start | None,
    kept: KeptParts,
    results: Iterator[tuple[Cut, PartResult]],
    target: Target,
    size: int | None,
) -> None:
    """Writes the results of the tasks in their order."""
    events = run.events
    rows = skipped = 0
    outside: dict[str, dict[str, Any]] = {}
    with ExitStack() as stack:
        out = None
        if not target.is_folder:
            out = cast("JoiningSink", stack.enter_context(sink(target.path, target.stream, lines=target.lines)))
        for cut, part in results:
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
            words = None if start is None else run.words_of_classes()
            run.write_no_rows(writer.out if out is None else out, words)
            if out is None:
                kept.keep(0, PartResult(*writer.part()))
    if target.is_folder:
        kept.finish(rows)
    else:
        kept.remove()
    if skipped:
        events.skipped(skipped, rows + skipped)


def _results(workers: Workers, kept: KeptParts, pieces: Iterator[Cut]) -> Iterator[tuple[Cut, PartResult]]:
    """The result of each cut in their order; those that are not kept from an earlier run are computed, and kept."""
    queue: deque[tuple[int, Cut, Any]] = deque()
    most = LEAST_QUEUE
    for k, cut in enumerate(pieces):
        queue.append((k, cut, None if k in kept.entries else workers.submit(k, run_part, cut)))
        if k % LEAST_QUEUE == 0:
            most = workers.queue_length()
        if len(queue) > most:
            yield _result(workers, kept, *queue.popleft())
    while queue:
        yield _result(workers, kept, *queue.popleft())


def _result(workers: Workers, kept: KeptParts, k: int, cut: Cut, future: Any) -> tuple[Cut, PartResult]:
    """A part that is kept, or that of a task. Raises CgError (status 1) where the cluster fails."""
    part = kept.read(k) if future is None else None
    if part is not None:
        return cut, part

    def killed() -> CgError:
        return error("cluster-killed", status=1, rows=cut.rows, line=cut.line + 1, file=cut.file)

    part = cast("PartResult", workers.result(future or workers.submit(k, run_part, cut), killed))
    if part.error is None:
        kept.keep(k, part)
    return cut, part


def _check_folder(target: Target, files: Sequence[str]) -> None:
    """Raises CgError (status 2) where the parts would take the place of those that are read."""
    folder = target.parts_folder
    for file in files if folder is not None else ():
        if os.path.dirname(os.path.realpath(file)) == os.path.realpath(folder or ""):
            raise error("target-is-read", option="-o", path=target.path, source=f"--data {file}")


def _chunks_of_a_part(run: TableRun) -> int:
    """How many chunks are a task: one, but of small batches as many as have the rows of a chunk without them."""
    batch = run.settings.batch
    return 1 if batch is None else max(1, run.rows.most // batch)


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
