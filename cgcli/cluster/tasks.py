"""The tasks of a run over a table: some rows each. A task is data alone, and so is its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar, cast

from cgcli.data.cuts import Cut, identity_of, open_cut
from cgcli.data.sinks import PartWriter, Rounded
from cgcli.data.tables import Table
from cgcli.diagnostics.diagnostic import CgError, Diagnostic, error
from cgcli.program.computation import Computation, Values
from cgcli.program.dynamic import DynamicProgram
from cgcli.program.program import Program, reopened
from cgcli.program.rows import Derivatives
from cgcli.program.tables import Start, TableEvents, TableRun, TableSettings
from cgcli.system import system_message
from cgcli.version import VERSION


class Reopening(NamedTuple):
    """A program by the texts of its files, as `Program.__reduce__` says it."""

    opens: Callable[..., Program]
    texts: tuple[Any, ...]
    settings: Mapping[str, Any]

    def program(self) -> Program:
        """Raises CgError as opening it does."""
        program = self.opens(*self.texts)
        vars(program).update(self.settings)
        return program


def reopening(program: Computation) -> Reopening:
    """The program by its texts. Raises CgError (status 2) for a Python function, which has none of its own."""
    opens, texts, *rest = cast("tuple[Any, ...]", program.__reduce__())
    if opens not in (reopened, DynamicProgram):
        raise error("cluster-python")
    return Reopening(opens, texts, rest[0])


@dataclass(frozen=True)
class Job:
    """What the tasks of a run have in common.

    key: a digest of all that decides on the result. columns: of the table. kind: of a part, see `PartWriter`. digits:
    what floats are rounded to, but for the columns `carried`. start: None for a table without rows, which has no
    tasks. For the rest see `map_table`.
    """

    key: str
    program: Reopening
    values: Values
    table: str
    columns: tuple[str, ...]
    settings: TableSettings
    derivatives: Derivatives | None
    outputs: Sequence[str] | None
    start: Start | None
    kind: str
    digits: int | None
    carried: tuple[str, ...]


class PartResult(NamedTuple):
    """The result of a task.

    data: the rows as a file has them; header: bytes in front of them. rows: how many there are; skipped: how many were
    left out. warnings: the values of diagnostics about ranges. error: what stopped the run; the rows before are there.
    """

    data: bytes
    header: int = 0
    rows: int = 0
    skipped: int = 0
    warnings: Sequence[Mapping[str, Any]] = ()
    error: CgError | None = None


class _Events(TableEvents):
    """Keeps what a task reports."""

    def __init__(self) -> None:
        self.rows = self.left_out = 0
        self.outside: list[Mapping[str, Any]] = []

    def progress(self, rows: int, read: int, size: int | None) -> None:
        self.rows = rows

    def warnings(self, warnings: Sequence[Diagnostic]) -> None:
        self.outside = [warning.values for warning in warnings]

    def skipped(self, rows: int, total: int) -> None:
        self.left_out = rows


_opened: dict[str, Any] = {}  # what the last jobs run
MOST_OPENED = 4  # steps of trainings take turns
T = TypeVar("T")


def run_part(version: str, job: Job, cut: Cut, worker: str | None = None) -> PartResult:
    """Runs the program for the rows of a cut. version: of cg, as who submits it has it. worker: its address, for
    messages; None asks Dask.
    """
    assert job.start is not None
    worker = worker or _address()
    start = job.start._replace(before=cut.before)
    expected = job.start.rows

    def compute() -> PartResult:
        events = _Events()
        writer = PartWriter(job.kind)
        try:
            _check_file(cut, worker)
            with open_cut(cut, job.columns) as reader:
                table = Table(job.table, (cut.file,), reader, job.columns, None, None, expected=expected)
                out = writer.out if job.digits is None else Rounded(writer.out, job.digits, job.carried)
                program = opened(job.key, job.program.program)
                work = program, job.values, table, job.settings, job.derivatives, job.outputs
                TableRun(*work, events, start).write_results(out)
        except CgError as problem:
            return PartResult(*writer.part(), error=problem)
        return PartResult(*writer.part(), events.rows, events.left_out, events.outside)

    part = answered(version, worker, f"{cut.rows} rows", compute)
    return PartResult(b"", error=part) if isinstance(part, CgError) else part


def answered(version: str, worker: str | None, what: str, compute: Callable[[], T]) -> T | CgError:
    """The result of a task, or its error, which is a result too: Dask would try a task that failed again.

    version: of cg, as who submits the task has it. worker: see `run_part`; what: the task computes, for messages.
    """
    try:
        if version != VERSION:
            raise error("cluster-version", status=1, worker=worker or _address(), version=VERSION, own=version)
        return compute()
    except CgError as problem:
        return problem
    except MemoryError:
        return error("cluster-memory", status=1, worker=worker or _address(), what=what)


def _address() -> str:
    """The address of the worker that runs this task, for messages."""
    from distributed import get_worker

    return str(get_worker().address)


def _check_file(cut: Cut, worker: str) -> None:
    """Raises CgError where the file is not there or has changed."""
    try:
        same = identity_of(cut.path) == cut.identity
    except OSError as problem:
        raise error("table-away", status=1, file=cut.path, worker=worker, reason=system_message(problem)) from None
    if not same:
        raise error("table-changed", status=1, file=cut.file)


def opened(key: str, open_: Callable[[], T]) -> T:
    """What the tasks of a job run, opened once a process. key: the job's."""
    result: T = _opened.pop(key) if key in _opened else open_()
    _opened[key] = result
    if len(_opened) > MOST_OPENED:
        del _opened[next(iter(_opened))]
    return result
