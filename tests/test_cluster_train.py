"""`cg train --cluster`: the shards of each batch are computed by workers, and the training is that of one machine."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import pickletools
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cluster_harness
import numpy as np
import pytest
from cli_harness import Result, cg
from test_train_shards import BATCH, ROW, state_of

import cgcli
from cgcli.cli import progress
from cgcli.cluster import trainings, workers
from cgcli.cluster.trainings import on_cluster, run_shard
from cgcli.cluster.workers import Workers
from cgcli.diagnostics.diagnostic import CgError
from cgcli.train.trainer import Callback, StepEvent
from cgcli.version import VERSION

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("ignore")  # of Dask's threads, which live on between tests

DROPOUT = BATCH.replace("input y", "input training: bool = false\ninput step: int = 0\ninput y")
DROPOUT = DROPOUT.replace("tanh(x @ W)", "dropout(tanh(x @ W), 0.2)")
TREE = """
input tree: any
param w = 0.5
fn value(t) {
    if has(t, "x") { return t.x * w }
    return value(t.left) + value(t.right) * w
}
loss = (value(tree) - 1)^2
output loss
"""
PROGRAMS = {"row.cg": ROW, "batch.cg": BATCH, "dropout.cg": DROPOUT}
OPTIONS = ("--loss", "loss", "--shards", "3", "--lr", "0.05")


def start_cluster(count: int) -> Any:
    return distributed.LocalCluster(
        n_workers=count,
        threads_per_worker=1,
        processes=False,
        protocol="tcp",
        host="127.0.0.1",
        dashboard_address=None,
        silence_logs=100,
    )


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two processes that are started again when they die."""
    with cluster_harness.workers(2) as c:
        yield c


@pytest.fixture
def address(cluster: Any) -> str:
    return str(cluster.scheduler_address)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(progress, "LOG_SECONDS", 3600.0)
    for name, text in PROGRAMS.items():
        Path(name).write_text(text, encoding="utf-8")
    rng = np.random.default_rng(28)
    np.savez("t.npz", x=rng.normal(size=(23, 2)), y=rng.normal(size=23))
    return tmp_path


def train(name: str, *args: str, program: str = "batch.cg", data: str = "t.npz", size: int = 8) -> Result:
    """A training whose checkpoint and metrics have this name."""
    files = ("--save", f"{name}.safetensors", "--metrics", f"{name}.jsonl")
    return cg("train", program, "--data", data, *OPTIONS, "--batch-size", str(size), *files, *args)


def same(first: str, second: str, *, settings: bool = True) -> None:
    """Two runs have the same metrics, and the same checkpoints. settings: whether these are the same, too."""
    assert Path(f"{first}.jsonl").read_bytes() == Path(f"{second}.jsonl").read_bytes()
    states = [state_of(f"{name}.safetensors") for name in (first, second)]
    for _, info in states:
        assert info.pop("metrics")["bytes"] > 0
        assert settings or info.pop("settings")["shards"] == 3
    assert states[0] == states[1]


# ---- the same bits


def test_losses_and_checkpoints_do_not_depend_on_the_number_of_workers() -> None:
    options = ("--epochs", "1", "--validation", "0.2", "--clip", "1")
    programs = {"dropout.cg": "static", "row.cg": "dynamic"}
    here = {p: train(f"here-{p}", *options, "--mode", mode, program=p) for p, mode in programs.items()}
    with start_cluster(1) as c:
        for count in (1, 2, 4):
            c.scale(count)
            while len(c.scheduler.workers) < count:
                time.sleep(0.01)
            for program, mode in programs.items():
                more = ("--mode", mode, "--overwrite", "--cluster", c.scheduler_address)
                there = train(f"there-{program}", *options, *more, program=program)
                assert there.status == 0, there.err
                assert there.out == here[program].out
                same(f"here-{program}", f"there-{program}")


def test_products_of_matrices_and_structured_rows(address: str) -> None:
    """In processes of their own, where Dask gives BLAS one thread."""
    rng = np.random.default_rng(5)
    np.savez("wide.npz", x=np.asfortranarray(rng.normal(size=(60, 300))), y=rng.normal(size=60))
    wide = BATCH.replace("n, 2", "n, 300").replace("[2, 3]", "[300, 90]").replace("float[3]", "float[90]")
    Path("wide.cg").write_text(wide, encoding="utf-8")
    Path("tree.cg").write_text(TREE, encoding="utf-8")
    trees = [{"tree": {"left": {"x": k}, "right": {"left": {"x": 2.0}, "right": {"x": 1}}}} for k in range(9)]
    Path("trees.jsonl").write_text("".join(json.dumps(row) + "\n" for row in trees), encoding="utf-8")
    for program, data in (("wide.cg", "wide.npz"), ("tree.cg", "trees.jsonl")):
        here, there = data.replace(".", "-"), data
        assert train(here, "--steps", "3", program=program, data=data, size=40).status == 0
        assert train(there, "--steps", "3", "--cluster", address, program=program, data=data, size=40).status == 0
        same(here, there)


def test_a_run_goes_on_with_and_without_a_cluster(address: str) -> None:
    assert train("here", "--steps", "12").status == 0
    assert train("there", "--steps", "5").status == 0
    for steps, more in (("9", ("--cluster", address)), ("12", ())):
        resumed = ("--resume", "there.safetensors", "--metrics", "there.jsonl", "--steps", steps)
        result = cg("train", "batch.cg", "--data", "t.npz", *resumed, *more)
        assert result.status == 0, result.err
    same("here", "there", settings=False)


def test_a_fit_from_python(address: str) -> None:
    program, table = cgcli.parse(BATCH), dict(np.load("t.npz"))
    settings: dict[str, Any] = {"loss": "loss", "shards": 3, "steps": 5, "batch_size": 8}
    here = program.fit(table, **settings)
    there = program.fit(table, **settings, shards_by=on_cluster(address))
    assert here.params["W"].tobytes() == there.params["W"].tobytes()
    assert here.history == there.history


# ---- what is lost


def killed_at_random(cluster: Any, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings by two workers, of which one dies before one of the 18 tasks of each is submitted."""
    rng = random.Random(count)
    options = ("--mode", "dynamic", "--epochs", "2")
    assert train("here", *options).status == 0
    submit = Workers.submit
    for _ in range(count):
        killed: list[int] = []
        tasks: list[int] = []
        last = rng.randrange(18)

        def kill(
            self: Workers, number: int, *rest: Any, tasks: Any = tasks, killed: Any = killed, last: int = last
        ) -> Any:
            tasks.append(number)
            if len(tasks) > last and not killed:
                running = [n.pid for n in cluster.workers.values() if n.pid and n.status.name == "running"]
                killed += rng.sample(running, min(1, len(running)))
                for process_id in killed:
                    os.kill(process_id, signal.SIGKILL)
            return submit(self, number, *rest)

        with monkeypatch.context() as patch:
            patch.setattr(Workers, "submit", kill)
            there = train("there", *options, "--cluster", cluster.scheduler_address, "--overwrite")
        assert there.status == 0, there.err
        assert len(killed) == 1
        same("here", "there")


def test_a_lost_worker_costs_the_time_of_its_shards(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_at_random(cluster, 1, monkeypatch)


@pytest.mark.thorough
def test_fifty_lost_workers_cost_the_time_of_their_shards(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_at_random(cluster, 50, monkeypatch)


def test_a_lost_scheduler_leaves_a_checkpoint_to_go_on_from(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert train("here", "--steps", "9").status == 0
    results: list[Any] = []

    def lost_in_step_5(self: Workers, future: Any, killed: Any) -> Any:
        results.append(result(self, future, killed))
        if len(results) > 3 * 4:
            raise self._lost()
        return results[-1]

    result = Workers.result
    with monkeypatch.context() as patch:
        patch.setattr(Workers, "result", lost_in_step_5)
        lost = train("there", "--steps", "9", "--cluster", address)
        alone = cg("train", "batch.cg", "--data", "t.npz", *OPTIONS, "--cluster", address)
    assert lost.status == alone.status == 1
    assert f"the scheduler at `{address}` is gone" in lost.err
    assert "by `--resume there.safetensors`" in lost.err
    assert "with `--save FILE` there are checkpoints" in alone.err
    assert "holds the state after step 4, the last good one" in lost.err
    resumed = ("--resume", "there.safetensors", "--metrics", "there.jsonl", "--steps", "9")
    assert cg("train", "batch.cg", "--data", "t.npz", *resumed).status == 0
    same("here", "there")


def test_workers_that_die_again_and_again(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object, **__: object) -> None:
        raise distributed.scheduler.KilledWorker("cg", "tcp://worker:1", 3)

    monkeypatch.setattr(distributed.Future, "result", killed)
    result = train("there", "--steps", "2", "--cluster", address)
    assert result.status == 1
    assert "workers that compute shard 1 of step 1 die again and again" in result.err
    assert "holds the state after step 0, the last good one" in result.err


@pytest.mark.parametrize("answers", [True, False], ids=["scheduler", "frozen-scheduler"])
def test_a_request_to_stop_ends_the_wait_for_a_shard(
    address: str, answers: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step that it waits for is given up, so the state is the one before."""
    monkeypatch.setattr(workers, "POLL_SECONDS", 0.05)
    stop = threading.Event()
    submit = Workers.submit

    def never(self: Workers, number: int, function: Any, *rest: Any) -> Any:
        if number < 3 * 4:
            return submit(self, number, function, *rest)
        if not answers:
            self._client.scheduler.ncores = lambda **_: asyncio.sleep(3600)
        stop.set()
        return distributed.Future("never", self._client)

    monkeypatch.setattr(Workers, "submit", never)
    program, table = cgcli.parse(BATCH), dict(np.load("t.npz"))
    by = on_cluster(address, stop_requested=stop.is_set)
    fitted = program.fit(table, loss="loss", shards=3, steps=9, batch_size=8, shards_by=by)
    assert (fitted.steps, fitted.stopped) == (3, None)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP], ids=["ctrl-c", "closed-terminal"])
def test_an_interrupt_saves_and_leaves_no_process(number: signal.Signals) -> None:
    psutil = pytest.importorskip("psutil")
    command = ("train", "row.cg", "--mode", "dynamic", "--data", "t.npz", *OPTIONS, "--epochs", "100000")
    files = ("--save", "w.safetensors", "--metrics", "m.jsonl")
    with subprocess.Popen(
        [sys.executable, "-m", "cgcli", *command, *files, "--cluster", "local:1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as run:
        while not Path("m.jsonl").exists() or not Path("m.jsonl").stat().st_size:
            assert run.poll() is None
            time.sleep(0.05)
        children = psutil.Process(run.pid).children(recursive=True)
        os.killpg(run.pid, number)  # as a terminal does: the workers get it, too
        _, err = run.communicate()
    assert run.returncode == 130
    assert "Traceback" not in err
    assert "go on with: cg train row.cg" in err
    assert "--cluster local:1 --resume w.safetensors" in err
    assert not psutil.wait_procs(children, timeout=10)[1]
    step = state_of("w.safetensors")[1]["state"]["step"]
    assert step == len([line for line in Path("m.jsonl").read_text().splitlines() if "loss" in json.loads(line)])


# ---- errors, one each


def failure(*args: str, status: int) -> str:
    """The message of a run that fails, which is one error, and leaves no file."""
    result = cg("train", "--loss", "loss", "-q", *args)
    assert (result.status, result.out) == (status, ""), result.err
    assert result.err.count("error: ") == 1
    assert "Traceback" not in result.err
    assert not list(Path().glob("*.safetensors"))
    return result.err


def test_what_a_cluster_cannot_do(address: str) -> None:
    Path("m.py").write_text("def f(w): return w * w\n", encoding="utf-8")
    on = ("--cluster", address, "--save", "w.safetensors")
    data = ("--data", "t.npz")
    for args, words in [
        (("batch.cg", *data, *on), "say so by `--shards 4`"),
        (("batch.cg", *on, "--shards", "2"), "means something for tables only"),
        (("batch.cg", *data, *on, "--optimizer", "lbfgs"), "`--cluster` means nothing to `--optimizer lbfgs`"),
        (("batch.cg", *data, "--shards", "2", "--cluster", "local:0"), "`--cluster local:0` names no cluster"),
    ]:
        assert words in failure(*args, status=2)
    unreachable = failure("batch.cg", *data, "--shards", "2", "--cluster", "tcp://127.0.0.1:1", *on[2:], status=1)
    assert "no scheduler answers at `tcp://127.0.0.1:1`" in unreachable


def test_an_error_of_a_shard_is_that_of_one_machine(address: str) -> None:
    Path("bad.cg").write_text(ROW.replace("loss =", "assert y < 1.5\nloss ="), encoding="utf-8")
    here, there = (train(name, *more, program="bad.cg") for name, more in (("h", ()), ("t", ("--cluster", address))))
    assert here.status == there.status == 1
    assert here.err.replace("h.safetensors", "t.safetensors") == there.err
    assert "holds the state after step" in here.err


def task(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, ...]:
    """The arguments of the first task of a training."""
    tasks: list[tuple[Any, ...]] = []

    def submit(self: Workers, _: int, function: Callable[..., object], *rest: Any) -> object:
        tasks.append((VERSION, self.job, *rest, "tcp://worker:1"))
        return function(*tasks[-1])

    with monkeypatch.context() as patch:
        patch.setattr(Workers, "submit", submit)
        patch.setattr(Workers, "connect", lambda _: None)
        patch.setattr(Workers, "result", lambda _, future, __: future)
        assert train("w", "--steps", "1", "--cluster", "local:1").status == 0
    return tasks[0]


def test_what_goes_wrong_within_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    _, *rest = task(monkeypatch)
    other = run_shard("0.0.1", *rest)
    monkeypatch.setattr(trainings, "opened", lambda *_: (_ for _ in ()).throw(MemoryError))
    short = run_shard(VERSION, *rest)
    assert isinstance(other, CgError)
    assert isinstance(short, CgError)
    assert f"the worker `tcp://worker:1` has cg {VERSION}, and this is cg 0.0.1" in str(other)
    assert "the worker `tcp://worker:1` has too little memory for 3 rows" in str(short)


def test_tasks_are_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a task is pickled to names functions of cg, and holds no code and no graph."""
    data = pickle.dumps(task(monkeypatch))
    names = {argument for opcode, argument, _ in pickletools.genops(data) if isinstance(argument, str)}
    assert BATCH in names
    assert not {"Graph", "Module", "_make_function", "_make_skel_func", "CodeType"} & names


@pytest.mark.thorough
def test_two_thousand_steps_leave_nothing_on_the_scheduler() -> None:
    psutil = pytest.importorskip("psutil")
    sizes: list[int] = []
    with start_cluster(2) as c:

        class Sizes(Callback):
            def stepped(self, event: StepEvent) -> None:
                if event.step % 500 == 0:
                    assert len(c.scheduler.tasks) < 20
                    sizes.append(psutil.Process().memory_info().rss)

        table = dict(np.load("t.npz"))
        by = on_cluster(c.scheduler_address)
        cgcli.parse(BATCH).fit(table, loss="loss", shards=3, steps=2500, callbacks=[Sizes()], shards_by=by)
    assert sizes[-1] < sizes[0] + 30e6
