"""`--cluster`: a table over the workers of a cluster gives the bytes of one machine."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import pickletools
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cli_harness import Result, cg
from cluster_harness import after, killed_when, running_worker, workers

from cgcli.cli import progress
from cgcli.cluster import schedulers, table_runs, tasks
from cgcli.cluster.kept_parts import MANIFEST, KeptParts
from cgcli.cluster.tasks import run_part
from cgcli.cluster.workers import Workers
from cgcli.data import cuts
from cgcli.diagnostics.diagnostic import CgError
from cgcli.program import rows
from cgcli.system import without_interrupts
from cgcli.version import VERSION

distributed = pytest.importorskip("distributed")
dask = pytest.importorskip("dask")
pytestmark = pytest.mark.filterwarnings("ignore")  # of Dask's threads, which live on between tests

PROGRAM = "input a in -2..2\ninput b\noutput y = a * sin(b)\noutput n = 2 + 0 * 1\n"
NAMES = ["plain", 'with "quotes"', "two\nlines", "ü, and a comma", ""]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with workers(2) as cluster:
        yield cluster.scheduler_address


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, and cuts of ten rows."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(rows.Rows, "most", property(lambda _: 10))
    monkeypatch.setattr(progress, "LOG_SECONDS", 3600.0)
    Path("p.cg").write_text(PROGRAM, encoding="utf-8")
    return tmp_path


def table(path: str, count: int, *, odd: bool = False, bad: dict[int, str] | None = None) -> str:
    """Writes a table. odd: whether its texts have quotes, line ends and empty lines. bad: cells of `a` by row."""
    rng = random.Random(count)
    cells = [
        {"a": (bad or {}).get(k, rng.uniform(-3, 3)), "b": k, "name": NAMES[k % 5] if odd else f"n{k % 3}"}
        for k in range(count)
    ]
    kind = path.rpartition(".")[2]
    if kind == "parquet":
        pa = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        columns = {name: [row[name] for row in cells] for name in ("a", "b", "name")}
        columns["b"] = [None if odd and k % 13 == 12 else k for k in range(count)]
        schema = pa.schema({"a": pa.float64(), "b": pa.int64(), "name": pa.string()})
        parquet.write_table(pa.table(columns, schema), path, row_group_size=7)
        return path
    with open(path, "w", encoding="utf-8", newline="") as file:
        if kind == "jsonl":
            ends = ["\n \n" if odd and k % 4 == 1 else "\n" for k in range(count)]
            file.writelines(json.dumps(row, ensure_ascii=odd) + end for row, end in zip(cells, ends, strict=True))
            return path
        file.write("a,b,name\n" if not odd else '\ufeffa,"b",name\r\n')
        for k, row in enumerate(cells):
            name = row["name"].replace('"', '""')
            file.write(f'{row["a"]},{row["b"]},"{name}"\n' if odd else f"{row['a']},{row['b']},{name}\n")
            file.write("\r\n" if odd and k % 6 == 5 else "")
    return path


def both(address: str, *args: str) -> tuple[Result, Result]:
    """The result of one machine and that of the cluster."""
    return cg(*args), cg(*args, "--cluster", address)


def same_file(address: str, target: str, *args: str) -> bytes:
    """The bytes of a result, which are the same by both ways, as are the messages; nothing lies about afterwards."""
    ending = target.rpartition(".")[2]
    here = cg(*args, "-o", f"here.{ending}")
    there = cg(*args, "-o", target, "--cluster", address)
    assert (here.status, there.status) == (0, 0), there.err
    assert there.err == here.err
    assert not list(Path().glob(".*"))
    data = Path(target).read_bytes()
    assert data == Path(f"here.{ending}").read_bytes()
    return data


@pytest.mark.parametrize("odd", [False, True], ids=["plain", "odd"])
@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_cluster_writes_the_bytes_of_one_machine(address: str, kind: str, odd: bool) -> None:
    for count in (0, 1, 10, 47):
        path = table(f"t.{kind}", count, odd=odd)
        carry = "all" if (kind, count) == ("jsonl", 0) else "name,b"
        left_out = ("--on-error", "skip") if odd else ()
        data = same_file(address, f"out.{kind}", "eval", "p.cg", "--data", path, "--carry", carry, *left_out)
        assert kind != "csv" or data.count(b"\n") >= count + 1


OPTIONS = [
    ("out.csv", "eval", "p.cg", "--row-numbers", "--carry", "all", "--precision", "3"),
    ("out.tsv", "eval", "p.cg", "--a", "2", "--backend", "numpy"),
    ("out.jsonl", "eval", "p.cg", "--map", "a=b", "--mode", "dynamic"),
    ("out.arrow", "grad", "p.cg", "--of", "y", "--wrt", "b,a", "--carry", "a"),
    ("out.parquet", "grad", "p.cg", "--of", "y", "--row-numbers"),
    ("out.parquet", "eval", "-e", "input x: float[2]; y = x @ x; z = 2 * x", "--map", "x=[ab]*"),
    ("out.csv", "eval", "-e", "input x: float[2]; z = 2 * x", "--map", "x=[ab]*"),
    ("out.jsonl", "eval", "-e", "1 + 1"),
    ("out.csv", "eval", "-e", "input a: float[n]; input b: float[n]; sum(a * b)", "--batch-size", "3"),
    ("out.parquet", "eval", "-e", "input x; param k = 2; x + k", "--map", "x=b"),
]


@pytest.mark.parametrize("args", OPTIONS, ids=" ".join)
def test_every_command_and_option(address: str, args: tuple[str, ...]) -> None:
    target, *command = args
    same_file(address, target, *command, "--data", table("t.csv", 24))


def test_files_of_a_pattern_and_of_modules_that_only_the_client_has(address: str) -> None:
    table("part_1.csv", 13)
    table("part_2.csv", 24, odd=True)
    Path("lib").mkdir()
    Path("lib/half.cg").write_text("fn half(x) = x / 2\n", encoding="utf-8")
    Path("m.cg").write_text('import "half.cg" as h\ninput a\ny = h.half(a)\n', encoding="utf-8")
    args = ("eval", "m.cg", "--allow-path", "lib", "--data", "part_*.csv", "--row-numbers")
    Path("m.cg").rename("lib/m.cg")
    same_file(address, "out.csv", "eval", "lib/m.cg", *args[4:])


def test_predict_writes_words(address: str) -> None:
    Path("c.cg").write_text(
        "input b; input kind: int; param w = 0.1; logit = w * b; output guess = if logit > 0 then 1 else 0; "
        "output loss = (logit - kind) ^ 2",
        encoding="utf-8",
    )
    Path("train.csv").write_text("b,kind\n1,yes\n-1,no\n", encoding="utf-8")
    args = ("--data", "train.csv", "--labels", "kind", "--loss", "loss", "--epochs", "1", "--save", "c.safetensors")
    assert cg("train", "c.cg", *args).status == 0
    table("t.csv", 24)
    command = ("predict", "c.cg", "--weights", "c.safetensors", "--data", "t.csv", "--labels", "guess")
    data = same_file(address, "out.csv", *command, "--carry", "b")
    assert b"yes" in data
    same_file(address, "out.parquet", *command)


def test_results_on_standard_output(address: str) -> None:
    table("t.csv", 24)
    for args in ((), ("--format", "json"), ("-o", "-", "--precision", "2")):
        here, there = both(address, "eval", "p.cg", "--data", "t.csv", *args)
        assert there == here
        assert here.status == 0


@pytest.mark.parametrize("on_error", ["stop", "skip", "nan"])
def test_bad_cells_have_their_line_in_the_table(address: str, on_error: str) -> None:
    table("t.csv", 34, bad={21: "x", 30: "5"})
    here, there = both(address, "eval", "p.cg", "--data", "t.csv", "--on-error", on_error, "-o", "out.csv")
    assert there == here
    assert (here.status, "line 23 of `t.csv`" in here.err) == ((1, True) if on_error == "stop" else (0, False))


def test_a_row_that_fails_has_its_line_in_the_table(address: str) -> None:
    table("t.jsonl", 34)
    text = "input b: int; assert b != 25; y = b"
    here, there = both(address, "eval", "-e", text, "--data", "t.jsonl")
    assert (there.status, there.err) == (here.status, here.err) == (1, here.err)
    assert "line 26 of `t.jsonl`" in there.err


@pytest.mark.parametrize("end", ['1,2,"x', "1,2", "\udcff,1,2"], ids=["quote", "cells", "bytes"])
def test_a_table_that_is_broken_further_down(address: str, end: str) -> None:
    table("t.csv", 34, odd=True)
    with open("t.csv", "a", encoding="utf-8", errors="surrogateescape") as file:
        file.write(end)
    here, there = both(address, "eval", "p.cg", "--data", "t.csv", "-q")
    assert (there.status, there.err) == (here.status, here.err)
    assert here.status == 1


# ---- finished parts


def test_a_folder_of_parts(address: str) -> None:
    table("t.csv", 24)
    args = ("eval", "p.cg", "--data", "t.csv", "--cluster", address, "-o", "out/")
    assert cg(*args).status == 0
    assert sorted(os.listdir("out")) == [MANIFEST, *(f"part-0000{k}.csv" for k in range(3))]
    lines = [json.loads(line) for line in (Path("out") / MANIFEST).read_text(encoding="utf-8").splitlines()]
    assert [line.get("file") for line in lines[1:-1]] == [f"part-0000{k}.csv" for k in range(3)]
    assert lines[-1] == {"parts": 3, "rows": 24}
    whole = cg("eval", "-e", "input y; z = y", "--data", "out/part-*.csv").out
    assert whole == cg("eval", "-e", "input a; input b; z = a * sin(b)", "--data", "t.csv").out
    assert "3 finished parts of an earlier run are used" in cg(*args).err
    (Path("out") / "part-00001.csv").write_text("damaged", encoding="utf-8")
    assert cg(*args).status == 0
    assert "damaged" not in (Path("out") / "part-00001.csv").read_text(encoding="utf-8")
    assert cg(*args[:-1], "out/", "--precision", "2").err.count("finished") == 0  # another result takes their place
    onto = cg("eval", "-e", "input y; y", "--data", "out/part-*.csv", "--cluster", address, "-o", "out/")
    assert (onto.status, onto.out) == (2, "")
    assert "`out/`" in onto.err
    assert len(os.listdir("out")) == 4
    assert cg("eval", "p.cg", "--data", "t.csv", "--cluster", address, "-o", "p.parquet/").status == 0
    assert sorted(os.listdir("p.parquet"))[1] == "part-00000.parquet"


def test_a_folder_with_other_files_is_left_alone(address: str) -> None:
    table("t.csv", 24)
    Path("out").mkdir()
    Path("out/notes.txt").write_text("mine", encoding="utf-8")
    result = cg("eval", "p.cg", "--data", "t.csv", "--cluster", address, "-o", "out/")
    assert result.status == 2
    assert "`notes.txt`" in result.err
    assert os.listdir("out") == ["notes.txt"]


def test_a_run_that_failed_goes_on_from_its_finished_parts(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    table("t.csv", 34)
    args = ("eval", "p.cg", "--data", "t.csv", "--carry", "name", "--cluster", address, "-o", "out.csv")
    read = Workers.result
    asked: list[int] = []

    def result(workers: Workers, future: Any, killed: Callable[[], CgError]) -> object:
        asked.append(int(str(killed().diagnostics[0].values["line"])) - 2)
        if len(asked) == 3:
            raise workers._lost()
        return read(workers, future, killed)

    monkeypatch.setattr(Workers, "result", result)
    lost = cg(*args)
    assert (lost.status, lost.out) == (1, "")
    assert f"the scheduler at `{address}` is gone" in lost.err
    assert "2 finished parts are kept" in lost.err
    assert not Path("out.csv").exists()
    again = cg(*args)
    assert (again.status, asked) == (0, [0, 10, 20, 20, 30])
    assert "2 finished parts of an earlier run are used" in again.err
    cg(*args[:6], "-o", "here.csv")
    assert Path("out.csv").read_bytes() == Path("here.csv").read_bytes()
    assert not list(Path().glob(".*"))


# ---- what is lost


def test_a_lost_scheduler_costs_time_alone(address: str) -> None:
    script = (
        "import distributed, time\n"
        "if __name__ == '__main__':\n"
        "    c = distributed.LocalCluster(n_workers=1, processes=False, protocol='tcp', host='127.0.0.1',\n"
        "        dashboard_address=None)\n"
        "    print(c.scheduler_address, flush=True); time.sleep(600)\n"
    )
    Path("scheduler.py").write_text(script, encoding="utf-8")
    table("t.csv", 64)
    args = ("eval", "p.cg", "--mode", "dynamic", "--data", "t.csv", "-o", "out.csv")
    with subprocess.Popen([sys.executable, "scheduler.py"], stdout=subprocess.PIPE, text=True) as scheduler:
        assert scheduler.stdout is not None
        other = scheduler.stdout.readline().strip()
        with killed_when(lambda: Path(".out.csv.parts/part-00001.part").exists(), lambda: scheduler.pid):
            lost = cg(*args, "--cluster", other)
        scheduler.kill()
    assert (lost.status, lost.out) == (1, "")
    assert f"the scheduler at `{other}` is gone" in lost.err
    again = cg(*args, "--cluster", address)
    assert "of an earlier run" in again.err
    cg(*args[:-1], "here.csv")
    assert Path("out.csv").read_bytes() == Path("here.csv").read_bytes()


def killed_at_random(count: int) -> None:
    """A table by workers of which one dies in each of so many runs."""
    rng = random.Random(count)
    table("t.csv", 64)
    args = ("eval", "p.cg", "--mode", "dynamic", "--data", "t.csv", "-q", "-o")
    here = cg(*args, "here.csv")
    assert here.status == 0
    with workers(2) as cluster:
        for _ in range(count):
            end = time.monotonic() + rng.uniform(0, 1)
            with killed_when(partial(after, end), partial(running_worker, cluster, rng)):
                result = cg(*args, "out.csv", "--cluster", cluster.scheduler_address)
            assert result == here
            assert Path("out.csv").read_bytes() == Path("here.csv").read_bytes()


def test_lost_workers_cost_time_alone() -> None:
    killed_at_random(2)


@pytest.mark.thorough
def test_a_hundred_lost_workers_cost_time_alone() -> None:
    killed_at_random(100)


# ---- errors, one each


def failure(*args: str, status: int = 1) -> str:
    """The message of a run that fails, which is one error."""
    result = cg("eval", "p.cg", "--data", "t.csv", "-q", *args)
    assert (result.status, result.out) == (status, "")
    assert result.err.count("error: ") == 1
    assert "Traceback" not in result.err
    return result.err


def test_a_wrong_address() -> None:
    table("t.csv", 3)
    assert "no scheduler answers at `tcp://127.0.0.1:1`: connection refused" in failure(
        "--cluster", "tcp://127.0.0.1:1"
    )
    for text in ("local:0", "local:x", "http://a:1", "tcp://a", "tcp://a:0", "tcp://a:65536", "nowhere.json"):
        assert f"`--cluster {text}` names no cluster" in failure("--cluster", text, status=2)
    assert "there is no such file" in failure("--cluster", "nowhere.json", status=2)
    for content in ('{"address": 3}', '{"address": "tcp://a:0"}'):
        Path("s.json").write_text(content, encoding="utf-8")
        assert "`s.json` is no scheduler file" in failure("--cluster", "s.json", status=2)


def test_a_cluster_from_python() -> None:
    Path("s.json").write_text('{"address": "tcp://a:8786"}', encoding="utf-8")
    assert schedulers.check_cluster(Path("s.json")) == "tcp://a:8786"
    for other in (None, 2, b"local"):
        with pytest.raises(CgError, match="names no cluster"):
            schedulers.check_cluster(other)  # type: ignore[arg-type]


def test_tls_without_certificates() -> None:
    table("t.csv", 3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tls://127.0.0.1:{server.getsockname()[1]}"
        assert "Dask's configuration names none" in failure("--cluster", address)
        names = {"ca-file": "nowhere.pem", "client.cert": "nowhere.pem"}
        with dask.config.set({f"distributed.comm.tls.{name}": path for name, path in names.items()}):
            message = failure("--cluster", address)
    assert f"the certificates for `{address}` cannot be used: no such file or directory" in message


def test_something_else_listens_at_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    table("t.csv", 3)
    monkeypatch.setattr(schedulers, "CONNECT_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert f"no scheduler answers at `tcp://127.0.0.1:{port}`" in failure("--cluster", f"tcp://127.0.0.1:{port}")


def test_a_scheduler_file(address: str) -> None:
    table("t.csv", 3)
    Path("s.json").write_text(json.dumps({"address": address}), encoding="utf-8")
    assert cg("eval", "p.cg", "--data", "t.csv", "--cluster", "s.json").status == 0


def test_another_version(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    table("t.csv", 3)
    monkeypatch.setattr(schedulers, "VERSION", "99.1")
    message = failure("--cluster", address, "-o", "out.csv")
    assert f"has cg {VERSION}, and this is cg 99.1" in message
    assert not list(Path().glob(".*"))
    monkeypatch.setattr(schedulers, "VERSION_NAME", "no_such_package.version:VERSION")
    assert "cannot load cg" in failure("--cluster", address)
    monkeypatch.undo()


def task(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, ...]:
    """The arguments of the first task of a run."""
    tasks: list[tuple[Any, ...]] = []

    def submit(self: Workers, _: int, function: Callable[..., object], cut: cuts.Cut) -> object:
        tasks.append((VERSION, self.job, cut, "tcp://worker:1"))
        return function(*tasks[-1])

    with monkeypatch.context() as patch:
        patch.setattr(Workers, "submit", submit)
        patch.setattr(Workers, "result", lambda _, future, __: future)
        assert cg("eval", "p.cg", "--data", "t.csv", "--cluster", "local:1").status == 0
    return tasks[0]


def test_what_goes_wrong_within_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    table("t.csv", 24)
    version, job, cut, worker = task(monkeypatch)
    codes = []
    for arguments in (("0.0.1", job, cut), (version, job, cut._replace(path="/nowhere/t.csv"))):
        codes.append(run_part(*arguments, worker).error)
    table("t.csv", 25)
    codes.append(run_part(version, job, cut, worker).error)
    monkeypatch.setattr(tasks, "_check_file", lambda *_: (_ for _ in ()).throw(MemoryError))
    codes.append(run_part(version, job, cut, worker).error)
    messages = [str(problem).splitlines()[0] for problem in codes]
    assert messages == [
        f"error: the worker `tcp://worker:1` has cg {VERSION}, and this is cg 0.0.1",
        "error: the worker `tcp://worker:1` cannot read `/nowhere/t.csv`: no such file or directory",
        "error: `t.csv` has changed while it was read",
        "error: the worker `tcp://worker:1` has too little memory for 10 rows",
    ]


def test_tasks_are_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a task is pickled to names functions of cg, and holds no code and no graph."""
    table("t.csv", 24)
    data = pickle.dumps(task(monkeypatch))
    names = {argument for opcode, argument, _ in pickletools.genops(data) if isinstance(argument, str)}
    assert PROGRAM in names
    assert not {"Graph", "Module", "_make_function", "_make_skel_func", "CodeType"} & names


def test_workers_that_die_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    table("t.csv", 3)
    monkeypatch.setattr(table_runs, "run_part", lambda *_: os._exit(1))
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}), workers(1) as cluster:
        message = failure("--cluster", cluster.scheduler_address)
    assert "workers that compute line 2 of `t.csv` and the 3 rows from there on die again and again" in message


def test_full_disks(address: str) -> None:
    table("t.csv", 3)
    os.symlink("/dev/full", "out.csv")
    assert "no space left on device" in failure("--cluster", address, "-o", "out.csv")
    with dask.config.set({"temporary-directory": "/dev/null/full"}):
        assert "the workers of `--cluster local:1` did not start" in failure("--cluster", "local:1")


def test_what_a_cluster_cannot_do(address: str) -> None:
    table("t.csv", 3)
    Path("t.csv.gz").write_bytes(gzip.compress(Path("t.csv").read_bytes()))
    Path("u.csv").write_text(Path("t.csv").read_text(encoding="utf-8"), encoding="utf-16")
    Path("m.py").write_text("def f(a, b): return a * b\n", encoding="utf-8")
    assert "`--cluster` means something for tables only" in cg("eval", "p.cg", "--a", "1", "--cluster", "local").err
    for args, words in [
        (("p.cg", "--data", "-"), "it is no ordinary file"),
        (("p.cg", "--data", "t.csv.gz"), "from the middle on"),
        (("p.cg", "--data", "u.csv"), "UTF-16"),
        (("p.cg", "--data", "t.csv", "-o", "out.npz"), "cannot be written in parts"),
        (("m.py:f", "--data", "t.csv"), "a Python function does not run on a cluster"),
    ]:
        result = cg("eval", *args, "--cluster", address, stdin="a,b\n1,2\n")
        assert (result.status, result.out) == (2, "")
        assert words in result.err


# ---- this machine


def test_a_cluster_of_its_own_listens_on_the_loopback_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    psutil = pytest.importorskip("psutil")
    table("t.csv", 13)
    listening: set[str] = set()
    keep = KeptParts.keep

    def look(*args: Any) -> None:
        own = psutil.Process()
        for each in (own, *own.children(recursive=True)):
            listening.update(c.laddr.ip for c in each.net_connections() if c.status == "LISTEN")
        keep(*args)

    monkeypatch.setattr(KeptParts, "keep", look)
    same_file("local:2", "out.csv", "eval", "p.cg", "--data", "t.csv")
    assert listening == {"127.0.0.1"}


def test_an_interrupt_leaves_nothing_behind() -> None:
    """Within the grace of `cli.signals`, after which the process ends in any case."""
    table("t.csv", 2000)
    args = ("eval", "p.cg", "--mode", "dynamic", "--data", "t.csv", "--cluster", "local:1", "-o", "out.csv")
    with subprocess.Popen(
        [sys.executable, "-m", "cgcli", *args],
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        while not Path(".out.csv.parts").exists() and run.poll() is None:
            time.sleep(0.01)
        run.send_signal(signal.SIGINT)
        _, err = run.communicate()
    assert (run.returncode, err) == (130, "note: no input asks for the column `name` of the table\ninterrupted\n")
    assert not Path("out.csv").exists()


def test_an_interrupt_does_not_wait_for_workers_that_start() -> None:
    interrupted = threading.Event()
    ends: list[bool] = []

    def start() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        ends.append(interrupted.wait(10))

    with pytest.raises(KeyboardInterrupt):
        without_interrupts(start)
    assert not ends
    interrupted.set()
