"""`cg sweep --cluster`: the points of a sweep by the workers of a cluster give the table of one machine."""

from __future__ import annotations

import os
import pickle
import pickletools
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_harness import Result, cg
from cluster_harness import after, killed_when, running_worker, workers

import cgcli
from cgcli.cluster.sweep_runs import _OnWorkers, run_block, run_sweep_on_cluster
from cgcli.cluster.workers import LEAST_QUEUE, Workers
from cgcli.data.journal import Journal
from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.program.sweep import SweepEvents
from cgcli.program.sweep_blocks import Block, Span
from cgcli.program.sweep_points import Axis, Points
from cgcli.program.sweep_rows import PointRows
from cgcli.program.sweep_trainings import Trainings
from cgcli.version import VERSION

pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("ignore")  # of Dask's threads, which live on between tests

PROGRAM = "input a\ninput b = 2\nparam w = 1.5\nassert a < 9\ny = sin(a * w) + exp(-b)\nz = a * b\noutput y, z\n"
LINE = "input x\ninput y\nparam w = 0\nloss = (w * x - y)^2\noutput loss\n"
SLOW = "input a\ninput b\nx = a\nfor k in 0..5 { x = sin(x) + 0.01 * b }\nassert b < 2.5\ny = x\noutput y\n"
DYNAMIC = ("slow.cg", "--mode", "dynamic", "--a", "1:11:1", "--b", "0:2:0.5,9")
EVEN = ("slow.cg", "--mode", "dynamic", "--a", "1:16:1", "--b", "0:2:0.5")  # five blocks of 16 points
MANY = ("slow.cg", "--mode", "dynamic", "--a", "0:1:0.02", "--b", "0:2:0.5")
TRAIN = ("line.cg", "--train", "--data", "line.csv", "--loss", "loss", "--lr", "0.001:0.01:0.001", "--epochs", "2")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with workers(2) as two:
        yield two


@pytest.fixture
def address(cluster: Any) -> str:
    return str(cluster.scheduler_address)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("f.cg", PROGRAM), ("line.cg", LINE), ("slow.cg", SLOW)):
        Path(name).write_text(text, encoding="utf-8")
    Path("line.csv").write_text("x,y\n" + "".join(f"{k},{2 * k}\n" for k in range(20)), encoding="utf-8")


def same(address: str, *args: str, target: str = "out.csv") -> bytes:
    """The bytes of a table, which are the same by both ways, as are status and messages; no other file is left."""
    here = cg("sweep", *args, "-o", f"here.{target}")
    there = cg("sweep", *args, "-o", target, "--cluster", address)
    assert there == here
    assert not list(Path().glob(".*"))
    if here.status:
        assert not Path(target).exists()
        return b""
    data = Path(target).read_bytes()
    assert data == Path(f"here.{target}").read_bytes()
    return data


OPTIONS = [
    ("out.csv", "f.cg", "--a", "0:5:0.01", "--b", "1,2", "--precision", "3"),
    ("out.npz", "f.cg", "--a", "0:5:0.01", "--of", "y", "--wrt", "w,a", "--sort", "-y"),
    ("out.jsonl", "f.cg", "--a", "0..1", "--b", "1,2", "--random", "40", "--seed", "5", "--output", "z"),
    ("out.parquet", "f.cg", "--a", "1,2,9", "--b", "3,4,5", "--zip", "--grad", "--of", "z"),
    ("out.csv", "f.cg", "--a", "0:12:1"),
    ("out.csv", "f.cg", "--a", "0:12:0.03", "--on-error", "skip"),
    ("out.csv", "f.cg", "--a", "9:12:1"),
    (
        "out.csv",
        "-e",
        "input x: float[2]\ninput f: bool\ny = if f then x else 2 * x",
        "--x",
        "[1,2],[3,4]",
        "--f",
        "1<2",
    ),
    ("out.csv", "-e", "input n: int\ny = 6 / n\nz = 6 // n", "--n", "-40:40:1", "--mode", "dynamic"),
    ("out.csv", "-e", "input n: int\ny = zeros([n])", "--n", "1:40:1", "--mode", "dynamic"),
    ("out.csv", *DYNAMIC),
    ("out.csv", *TRAIN[:-4], "--lr", "0.001,1e300", "--optimizer", "sgd,adam", "--w", "0,1"),
    ("out.csv", *TRAIN[:-4], "--lr", "1e-4..1e-2", "--random", "5", "--validation", "0.2", "--batch-size", "4"),
]


@pytest.mark.parametrize("args", OPTIONS, ids=" ".join)
def test_a_cluster_writes_the_bytes_of_one_machine(address: str, args: tuple[str, ...]) -> None:
    target, *command = args
    same(address, *command, target=target)


def test_the_digits_do_not_depend_on_the_threads_of_a_worker(address: str) -> None:
    """Dask gives BLAS one thread in each worker; a long scalar product has other digits by two."""
    np.save("v.npy", np.random.default_rng(0).normal(size=40_001))
    same(address, "-e", "input v: float[n]; input k; r = v * k; y = r @ r", "--v", "@v.npy", "--k", "1:40:1")


def test_a_table_on_standard_output(address: str) -> None:
    args = ("sweep", "f.cg", "--a", "1:20:1", "--format", "json")
    assert cg(*args, "--cluster", address) == cg(*args)


@pytest.mark.parametrize("args", [("f.cg", "--a", "0:12:0.03"), (*TRAIN[:-4], "--lr", "0.1,1e300,1e200")], ids=" ".join)
def test_the_point_that_stops_a_sweep_is_that_of_one_machine(address: str, args: Sequence[str]) -> None:
    here = cg("sweep", *args, "--on-error", "stop")
    assert here.status == 1
    assert cg("sweep", *args, "--on-error", "stop", "--cluster", address) == here


# ---- finished points


def lost(address: str, *args: str, monkeypatch: pytest.MonkeyPatch) -> Result:
    """A sweep whose scheduler is lost after two blocks."""
    read = Workers.result
    count = iter(range(3))

    def result(workers: Workers, future: Any, killed: Callable[[], CgError]) -> object:
        if next(count) == 2:
            raise workers._lost()
        return read(workers, future, killed)

    with monkeypatch.context() as patch:
        patch.setattr(Workers, "result", result)
        failed = cg("sweep", *args, "--cluster", address)
    assert (failed.status, failed.out) == (1, "")
    assert f"the scheduler at `{address}` is gone" in failed.err
    return failed


@pytest.mark.parametrize(("args", "kept"), [(EVEN, "32 of 80 points"), (TRAIN, "2 of 10 trainings")])
def test_a_sweep_goes_on_here_and_on_another_cluster(
    address: str, args: Sequence[str], kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cg("sweep", *args, "-o", "whole.csv").status == 0
    for others in ((), ("--cluster", address)):
        failed = lost(address, *args, "-o", "out.csv", monkeypatch=monkeypatch)
        assert f"note: {kept} are kept; the same command goes on from there" in failed.err
        again = cg("sweep", *args, "-o", "out.csv", *others)
        assert f"note: {kept} are kept from before" in again.err
        assert Path("out.csv").read_bytes() == Path("whole.csv").read_bytes()
        assert not list(Path().glob(".*"))


def test_a_sweep_that_was_begun_here_goes_on_on_a_cluster(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cg("sweep", *DYNAMIC, "-o", "whole.csv").status == 0
    block = PointRows.block

    def interrupted(work: PointRows, span: Span) -> Block:
        if span.start >= 48:
            raise KeyboardInterrupt
        return block(work, span)

    with monkeypatch.context() as patch:
        patch.setattr(PointRows, "block", interrupted)
        assert cg("sweep", *DYNAMIC, "-o", "out.csv").status == 130
    again = cg("sweep", *DYNAMIC, "-o", "out.csv", "--cluster", address)
    assert "48 of 66 points are kept from before" in again.err
    assert Path("out.csv").read_bytes() == Path("whole.csv").read_bytes()


def test_without_a_file_nothing_is_kept(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    os.symlink("/dev/null", "device.csv")
    for target in ((), ("-o", "-"), ("-o", "device.csv")):
        assert "kept" not in lost(address, *EVEN, *target, monkeypatch=monkeypatch).err


def test_what_is_finished_needs_no_cluster(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """A full disk at the end of a sweep: its points are kept, and the rest is done without a scheduler."""
    from cgcli.cli import sweeping

    with monkeypatch.context() as patch:
        patch.setattr(sweeping, "show_sweep", lambda *_: (_ for _ in ()).throw(error("sweep-worker", status=1)))
        assert cg("sweep", *TRAIN, "-o", "out.csv", "--cluster", address).status == 1
    again = cg("sweep", *TRAIN, "-o", "out.csv", "--cluster", "tcp://127.0.0.1:1")
    assert (again.status, again.err) == (0, "note: 10 of 10 trainings are kept from before\n")


# ---- who dies


def killed_until_done(
    command: Sequence[str], kills: int, seed: int, most: int, worker: Callable[[random.Random], int] | None = None
) -> int:
    """Runs a command, kills its processes so often at random moments, and then lets it end; how often it went on.

    most: how much the journal may grow before a kill, in bytes. worker: one that is killed each time, too.
    """
    source = random.Random(seed)
    journal = Path(".out.csv.part")
    resumed = 0
    for _ in range(kills):
        run = subprocess.Popen(
            [sys.executable, "-m", "cgcli", "sweep", *command, "-o", "out.csv"],
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        grown = (journal.stat().st_size if journal.exists() else 100) + source.randrange(1, most)
        while run.poll() is None and not (journal.exists() and journal.stat().st_size >= grown):
            time.sleep(0.002)
        process = 0 if worker is None else worker(source)
        if process:
            os.kill(process, signal.SIGKILL)
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
        resumed += "are kept from before" in run.communicate()[1]
        if run.returncode == 0:
            break
        assert not Path("out.csv").exists()
    last = cg("sweep", *command, "-o", "out.csv")
    assert last.status == 0
    assert not list(Path().glob(".*"))
    return resumed + ("are kept from before" in last.err)


@pytest.mark.parametrize("args", [MANY, pytest.param(TRAIN, marks=pytest.mark.thorough)], ids=["points", "trainings"])
def test_killed_and_resumed_the_table_is_the_same(cluster: Any, args: Sequence[str]) -> None:
    assert cg("sweep", *args, "-o", "whole.csv").status == 0
    command = (*args, "--cluster", cluster.scheduler_address)
    assert killed_until_done(command, 1, 1, 900, partial(running_worker, cluster)) > 0
    assert Path("out.csv").read_bytes() == Path("whole.csv").read_bytes()


@pytest.mark.thorough
def test_ten_thousand_points_killed_fifty_times() -> None:
    args = ("slow.cg", "--a", "0:1:0.001", "--b", "0:2:0.25,9", "--mode", "dynamic", "--grad")
    assert cg("sweep", *args, "-o", "whole.csv").status == 0
    assert killed_until_done((*args, "--cluster", "local:2"), 50, 3, 12_000) > 40
    assert Path("out.csv").read_bytes() == Path("whole.csv").read_bytes()


@pytest.mark.thorough
def test_fifty_lost_workers_cost_time_alone(cluster: Any) -> None:
    rng = random.Random(4)
    for args in (DYNAMIC, TRAIN):
        assert cg("sweep", *args, "-o", "whole.csv").status == 0
        for _ in range(25):
            end = time.monotonic() + rng.uniform(0, 1)
            with killed_when(partial(after, end), partial(running_worker, cluster, rng)):
                assert cg("sweep", *args, "-o", "out.csv", "--cluster", cluster.scheduler_address).status == 0
            assert Path("out.csv").read_bytes() == Path("whole.csv").read_bytes()


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs groups of processes")
@pytest.mark.parametrize("where", ["scheduler", pytest.param("local:2", marks=pytest.mark.thorough)])
def test_an_interrupt_says_that_finished_points_are_kept(address: str, where: str) -> None:
    points = ("slow.cg", "--mode", "dynamic", "--a", "0:1:0.001", "--b", "0:2:0.5,9")
    args = ("sweep", *points, "-o", "out.csv", "--cluster", address if where == "scheduler" else where)
    run = subprocess.Popen(
        [sys.executable, "-m", "cgcli", *args], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    journal = Path(".out.csv.part")
    while run.poll() is None and not (journal.exists() and journal.stat().st_size > 1000):
        time.sleep(0.002)
    os.killpg(run.pid, signal.SIGINT)
    err = run.communicate(timeout=20)[1]
    assert run.returncode == 130, err
    with suppress(ProcessLookupError):  # soon nobody of the group is left
        for _ in range(1000):
            os.killpg(run.pid, 0)
            time.sleep(0.01)
        pytest.fail("a process of the group lives on")
    kept = re.search("note: ([0-9]+) of 6006 points are kept; the same command goes on from there\ninterrupted\n$", err)
    assert kept is not None, err
    key = journal.read_bytes().split(b"\n")[0].split()[-1].decode()
    points = sum(block.end - block.start for block in map(Block.unpacked, Journal(str(journal), key).parts))
    assert int(kept[1]) <= points <= int(kept[1]) + 16  # a block that was just written


class FakeWorkers:
    """Workers whose tasks end in a random order."""

    def __init__(self, outcome: Callable[[Span], Block | CgError], seed: int) -> None:
        self.outcome, self.random = outcome, random.Random(seed)
        self.ahead = 0

    def submit(self, number: int, function: object, span: Span) -> Span:
        assert number == span.start
        return span

    def queue_length(self) -> int:
        return LEAST_QUEUE + 3

    def ended(self, futures: Sequence[Span]) -> list[Span]:
        self.ahead = max(self.ahead, len(futures))
        return self.random.sample(futures, self.random.randrange(1, len(futures) + 1))

    def result(self, future: Span, _: object) -> Block | CgError:
        return self.outcome(future)


class FakeWork:
    def spans(self, finished: Any) -> list[Span]:
        return [Span(k, k + 1) for k in range(90) if k not in finished]


@pytest.mark.parametrize("seed", range(20))
def test_whoever_is_first_the_error_that_ends_a_sweep_is_the_first(seed: int) -> None:
    failing = {60 + seed % 5, 68, 69}
    work: Any = FakeWork()

    def outcome(span: Span) -> Block | CgError:
        return Block(*span, {}, {span.start: "wrong"} if span.start in failing else {})

    fake: Any = FakeWorkers(outcome, seed)
    starts = []
    for block in _OnWorkers(work, fake, stops=True).blocks({3: 4}):
        starts.append(block.start)
        if block.errors:
            break
    assert starts[-1] == min(failing)
    assert {*starts} >= {*range(min(failing))} - {3}
    assert len(starts) == len({*starts})
    assert fake.ahead <= LEAST_QUEUE + 3
    everything = _OnWorkers(work, fake, stops=False).blocks({3: 4})
    assert sorted(block.start for block in everything) == [k for k in range(90) if k != 3]

    def problem(span: Span) -> Block | CgError:
        return error("no-such-output", name=str(span.start)) if span.start in failing else outcome(span)

    with pytest.raises(CgError) as raised:
        list(_OnWorkers(work, FakeWorkers(problem, seed), stops=False).blocks({}))  # type: ignore[arg-type]
    assert raised.value.diagnostics[0].values["name"] == str(min(failing))


# ---- errors, one each


def failure(*args: str, status: int = 1) -> str:
    """The message of a sweep that fails, which is one error; nothing lies about afterwards."""
    result = cg("sweep", *args, "-o", "out.csv")
    assert (result.status, result.out) == (status, "")
    assert result.err.count("error: ") == 1
    assert "bug" not in result.err
    assert not list(Path().glob(".*"))
    return result.err


POINTS = ("f.cg", "--a", "1,2")


def test_what_names_no_cluster() -> None:
    for text in ("local:0", "http://a:1", "nowhere.json", ""):
        for more in ((), ("--dry-run",)):
            assert "names no cluster" in failure(*POINTS, "--cluster", text, *more, status=2)
    gone = "tcp://127.0.0.1:1"
    assert f"no scheduler answers at `{gone}`: connection refused" in failure(*POINTS, "--cluster", gone)
    assert cg("sweep", *POINTS, "--cluster", gone, "--dry-run") == cg("sweep", *POINTS, "--dry-run")


def test_what_does_not_go_together() -> None:
    Path("m.py").write_text("def f(a, b): return a * b\n", encoding="utf-8")
    args = (*TRAIN, "--workers", "2", "--cluster", "local")
    assert "`--workers` and `--cluster`" in failure(*args, status=2)
    args = ("m.py:f", "--a", "1,2", "--b", "1", "--grad", "--cluster", "local")
    assert "a Python function does not run on a cluster" in failure(*args, status=2)


def test_workers_that_die_again_and_again(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(workers: Workers, future: object, killed: Callable[[], CgError]) -> None:
        raise killed()

    monkeypatch.setattr(Workers, "result", killed)
    assert "workers that compute points 1 to 2 of the sweep die" in failure(*POINTS, "--cluster", address)
    training = (*TRAIN[:-4], "--lr", "0.1,0.1", "--cluster", address)
    assert "of the sweep die again and again" in failure(*training)


def test_a_scheduler_without_workers() -> None:
    class Waited(Exception):
        pass

    class Events(SweepEvents):
        def waiting(self) -> None:
            raise Waited

    work = PointRows(cgcli.parse("input a\ny = a"), {}, Points([Axis("a", [1.0, 2.0], column="a")]))
    with workers(0) as cluster, pytest.raises(Waited):
        run_sweep_on_cluster(cluster.scheduler_address, work, "key", events=Events())


def task(monkeypatch: pytest.MonkeyPatch, *args: str) -> tuple[Any, ...]:
    """The arguments of the first task of a sweep."""
    tasks: list[tuple[Any, ...]] = []

    def submit(self: Workers, _: int, function: Callable[..., object], span: Span) -> object:
        tasks.append((VERSION, self.job, span, "tcp://worker:1"))
        return function(*tasks[-1])

    with monkeypatch.context() as patch:
        patch.setattr(Workers, "submit", submit)
        patch.setattr(Workers, "ended", lambda _, futures: futures)
        patch.setattr(Workers, "result", lambda _, future, __: future)
        patch.setattr(Block, "__hash__", object.__hash__)  # a task is its future
        assert cg("sweep", *args, "--cluster", "local:1").status == 0
    return tasks[0]


def test_what_goes_wrong_within_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    version, job, span, worker = task(monkeypatch, *TRAIN[:-4], "--lr", "0.1,0.2")
    problems = [run_block("0.0.1", job, span, worker)]
    monkeypatch.setattr(Trainings, "block", lambda *_: (_ for _ in ()).throw(MemoryError))
    problems.append(run_block(version, job, span, worker))
    assert [str(problem).splitlines()[0] for problem in problems] == [
        f"error: the worker `tcp://worker:1` has cg {VERSION}, and this is cg 0.0.1",
        "error: the worker `tcp://worker:1` has too little memory for point 1",
    ]


@pytest.mark.parametrize(
    ("args", "text"), [((*POINTS, "--grad", "--of", "y"), PROGRAM), (TRAIN, LINE)], ids=["points", "trainings"]
)
def test_tasks_are_data(monkeypatch: pytest.MonkeyPatch, args: Sequence[str], text: str) -> None:
    """What a task is pickled to names functions and classes of cg, and holds no code and no graph."""
    names = {x for _, x, _ in pickletools.genops(pickle.dumps(task(monkeypatch, *args))) if isinstance(x, str)}
    assert text in names
    assert not {"Graph", "Module", "_make_function", "_make_skel_func", "CodeType"} & names
