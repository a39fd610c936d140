"""Tables, checkpoints and pictures by URL, against a local store and a local web server."""

from __future__ import annotations

import gc
import gzip
import http.server
import io
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from cli_harness import Result, cg, process
from google_store import GoogleStore

import cgcli
from cgcli import CgError
from cgcli.cluster.tasks import run_part
from cgcli.data.checkpoints import read_checkpoint
from cgcli.data.tables import open_table
from cgcli.diagnostics.secrets import without_secrets
from cgcli.files import remote
from cgcli.files.remote import location
from cgcli.version import VERSION

fsspec = pytest.importorskip("fsspec")
s3fs = pytest.importorskip("s3fs")
moto_server = pytest.importorskip("moto.server")
boto3 = pytest.importorskip("boto3")
pytestmark = pytest.mark.filterwarnings("ignore")  # of the libraries' threads, which live on between tests

BUCKET = "bucket"
ROWS = "a,b\n1,2\n3,4\n5,6\n"
PROGRAM = "input a\ninput b\noutput y = a * b\n"
LINE = "param k = 0.0\ninput x\ninput t\noutput loss = (k * x - t) ** 2\n"


class Bucket:
    """The objects of the bucket, by another library than the one that cg uses."""

    def __init__(self, endpoint: str) -> None:
        self.client = boto3.client("s3", endpoint_url=endpoint)
        self.client.create_bucket(Bucket=BUCKET)

    def put(self, name: str, data: str | bytes) -> str:
        self.client.put_object(Bucket=BUCKET, Key=name, Body=data if isinstance(data, bytes) else data.encode())
        return f"s3://{BUCKET}/{name}"

    def get(self, name: str) -> bytes:
        data: bytes = self.client.get_object(Bucket=BUCKET, Key=name)["Body"].read()
        return data

    def names(self) -> list[str]:
        return [each["Key"] for each in self.client.list_objects_v2(Bucket=BUCKET).get("Contents", [])]

    def uploads(self) -> list[Any]:
        """The uploads in parts that are neither whole nor aborted."""
        found: list[Any] = self.client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
        return found

    def clear(self) -> None:
        for name in self.names():
            self.client.delete_object(Bucket=BUCKET, Key=name)


@pytest.fixture(scope="module")
def server() -> Iterator[Bucket]:
    with pytest.MonkeyPatch.context() as patch:
        moto = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        moto.start()
        host, port = moto.get_host_and_port()
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            patch.delenv(name, raising=False)
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "key-of-nobody")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-nobody")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_CONFIG_FILE", "/nowhere")
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield Bucket(f"http://{host}:{port}")
        moto.stop()
        s3fs.S3FileSystem.clear_instance_cache()
        gc.collect()  # sockets that the libraries have left open, while their warnings are ignored


@pytest.fixture
def bucket(server: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """An empty bucket, and a folder with a program of its own."""
    server.clear()
    monkeypatch.chdir(tmp_path)
    Path("p.cg").write_text(PROGRAM, encoding="utf-8")
    Path("line.cg").write_text(LINE, encoding="utf-8")
    return server


def done(*args: str) -> Result:
    """A run that succeeds and has nothing to say, however much the libraries have."""
    result = cg(*args)
    assert (result.status, result.err) == (0, ""), args
    return result


def refused(*args: str, status: int = 2) -> str:
    """The one error of a run and its help."""
    result = cg(*args)
    assert result.status == status, result
    lines = result.err.splitlines()
    assert lines[0].startswith("error: "), result.err
    assert all(line.startswith("  = help: ") for line in lines[1:]), result.err
    return "\n".join(lines).removeprefix("error: ")


def parquet(**columns: Any) -> bytes:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet as library

    file = io.BytesIO()
    library.write_table(pa.table(columns), file, compression="none", row_group_size=100_000)
    return file.getvalue()


# ---- tables


@pytest.mark.parametrize("kind", ["csv", "tsv", "csv.gz", "jsonl", "npz", "parquet", "arrow"])
def test_a_table_of_each_kind_there_and_back(kind: str, bucket: Bucket) -> None:
    """What is read from an object, and what becomes one, is what files give."""
    Path("rows.csv").write_text(ROWS, encoding="utf-8")
    written = kind.removesuffix(".gz")
    done("eval", "p.cg", "--data", "rows.csv", "--carry", "a,b", "-o", f"local.{written}")
    local = Path(f"local.{written}").read_bytes()
    url = bucket.put(f"in.{kind}", gzip.compress(local) if kind.endswith(".gz") else local)
    done("eval", "p.cg", "--data", url, "--carry", "a,b", "-o", f"s3://{BUCKET}/out.{written}", "-q")
    assert bucket.get(f"out.{written}") == local
    assert bucket.names() == [f"in.{kind}", f"out.{written}"]


def test_the_real_command(bucket: Bucket) -> None:
    url = bucket.put("rows.csv", ROWS)
    result = process("grad", "p.cg", "--data", url, "--wrt", "a", "-o", f"s3://{BUCKET}/out.csv")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert bucket.get("out.csv") == b"y,dy/da\n2.0,2.0\n12.0,4.0\n30.0,6.0\n"


def test_patterns(bucket: Bucket) -> None:
    for k in (10, 2, 1):
        bucket.put(f"parts/part-{k:02}.csv", f"a,b\n{k},1\n")
    bucket.put("parts/deeper/part-00.csv", "a,b\n0,0\n")
    url = f"s3://{BUCKET}/parts/part-*.csv"
    assert done("eval", "p.cg", "--data", url).out == "y\n1.0\n2.0\n10.0\n"
    assert refused("eval", "p.cg", "--data", f"s3://{BUCKET}/x-*.csv").startswith(
        f"there is no table `s3://{BUCKET}/x-*.csv`"
    )
    assert refused("eval", "p.cg", "--data", url, "-o", f"s3://{BUCKET}/parts/part-02.csv").startswith(
        f"`-o` would write over `s3://{BUCKET}/parts/part-02.csv`, which is read: `--data {url}`"
    )


@pytest.mark.parametrize(
    "name", ["a b.csv", "a#b.csv", "a?b.csv", "a%20b.csv", "ü/é.csv", "a*[b].csv", "x//y.csv", "a:b.csv"]
)
def test_names_are_taken_as_they_are(name: str, bucket: Bucket) -> None:
    url = bucket.put(name, ROWS)
    done("eval", "p.cg", "--data", url, "-o", f"s3://{BUCKET}/out/{name}")
    assert bucket.get(f"out/{name}") == b"y\n2.0\n12.0\n30.0\n"


def test_values_of_inputs(bucket: Bucket) -> None:
    file = io.BytesIO()
    np.savez(file, u=np.array(2.0), v=np.array(3.0))
    arrays = bucket.put("w.npz", file.getvalue())
    file = io.BytesIO()
    np.save(file, np.array(5.0))
    array = bucket.put("x.npy", file.getvalue())
    assert done("eval", "p.cg", "--a", f"@{arrays}:v", "--b", f"@{array}").out == "y = 15\n"
    values = bucket.put("values.json", '{"a": 2, "b": 4}')
    assert done("eval", "p.cg", "--inputs", values).out == "y = 8\n"
    assert done("eval", "-e", "y = u * v", "--inputs", arrays).out == "y = 6\n"
    data = bucket.put("tree.json", '{"left": 1, "right": 2}')
    tree = "input t: any\noutput y = t.left + t.right\n"
    Path("tree.cg").write_text(tree, encoding="utf-8")
    assert done("eval", "tree.cg", "--t", f"@{data}").out == "y = 3\n"
    bucket.put("broken.json", "{")
    assert "`s3://bucket/broken.json` cannot be read as JSON" in refused(
        "eval", "p.cg", "--inputs", f"s3://{BUCKET}/broken.json"
    )


def test_a_parquet_object_is_read_by_the_columns_that_are_needed(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    columns = {name: rng.normal(size=200_000) for name in ("c", "a", "d", "b", "e")}
    url = bucket.put("rows.parquet", parquet(**columns))
    read: list[int] = []
    core = pytest.importorskip("s3fs.core")
    fetch = core._fetch_range

    def counted(*args: Any, **options: Any) -> Any:
        data = fetch(*args, **options)
        read.append(len(data))
        return data

    monkeypatch.setattr(core, "_fetch_range", counted)
    done("eval", "p.cg", "--data", url, "-o", "out.parquet", "-q")
    size = len(bucket.get("rows.parquet"))
    assert 0.35 * size < sum(read) < 0.6 * size


def test_memory_stays_when_a_table_is_large(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text is fetched block by block, as it is read."""
    monkeypatch.setattr(remote, "BLOCK", 2**16)
    url = bucket.put("rows.csv", "a,b\n" + "1,2\n" * 100_000)
    with remote.open_stream(url) as file:
        file.read(10)
        assert file.raw._file.cache.end < 2 * 2**16 + remote.BUFFER


# ---- whole or not at all


def large_table(rows: int = 300_000) -> None:
    np.savez("large.npz", a=np.arange(rows) * 1.1, b=np.arange(rows) * 0.3)


class Uploads:
    """What a test does when a part of an upload is sent."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, action: Callable[[int], None]) -> None:
        core = pytest.importorskip("s3fs.core")
        call = core.S3File._call_s3
        self.parts = 0

        def counted(file: Any, method: str, *args: Any, **options: Any) -> Any:
            if method == "upload_part":
                self.parts += 1
                action(self.parts)
            return call(file, method, *args, **options)

        monkeypatch.setattr(core.S3File, "_call_s3", counted)
        monkeypatch.setattr(remote, "PART", 5 * 2**20)


def test_a_large_result_is_sent_in_parts_that_become_an_object_together(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    large_table()
    seen: list[list[str]] = []
    uploads = Uploads(monkeypatch, lambda _: seen.append(bucket.names()))
    done("eval", "p.cg", "--data", "large.npz", "--carry", "all", "-o", f"s3://{BUCKET}/out.csv")
    done("eval", "p.cg", "--data", "large.npz", "--carry", "all", "-o", "out.csv")
    assert uploads.parts > 2
    assert seen == [[]] * uploads.parts
    assert bucket.get("out.csv") == Path("out.csv").read_bytes()
    assert bucket.uploads() == []


@pytest.mark.parametrize("problem", [KeyboardInterrupt, OSError("the store is on fire")])
def test_an_upload_that_stops_leaves_nothing(
    problem: BaseException | type[BaseException], bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    large_table()
    bucket.put("out.csv", "as it was")

    def stop(part: int) -> None:
        if part == 2:
            assert len(bucket.uploads()) == 1
            raise problem

    Uploads(monkeypatch, stop)
    command = ("eval", "p.cg", "--data", "large.npz", "--carry", "all", "-o", f"s3://{BUCKET}/out.csv")
    if problem is KeyboardInterrupt:
        assert cg(*command).status == 130
    else:
        assert refused(*command, status=1) == f"`s3://{BUCKET}/out.csv` cannot be written: the store is on fire"
    assert bucket.get("out.csv") == b"as it was"
    assert bucket.uploads() == []
    assert remote._uploads == set()


def test_a_process_that_is_interrupted_aborts_its_upload(bucket: Bucket) -> None:
    """The signal comes while the process waits for the store."""
    large_table(1000)
    slow = (
        "import sys, time, s3fs.core\n"
        "from cgcli.cli import main\n"
        "from cgcli.files import remote\n"
        "call = s3fs.core.S3FileSystem._call_s3\n"
        "async def slow(self, method, *args, **options):\n"
        "    import asyncio\n"
        "    if method == 'upload_part':\n"
        "        print('sending', flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "    return await call(self, method, *args, **options)\n"
        "s3fs.core.S3FileSystem._call_s3 = slow\n"
        "s3fs.core.S3FileSystem.call_s3 = s3fs.core.sync_wrapper(slow)\n"
        "remote.PART = 1\n"
        "remote.JUMP = 5 * 2**20\n"
        f"sys.argv[1:] = ['eval', 'p.cg', '--data', 'large.npz', '-o', 's3://{BUCKET}/out.csv']\n"
        "sys.exit(main())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", slow], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        assert run.stdout.readline() == "sending\n"
        run.send_signal(signal.SIGINT)
        assert run.stderr.read() == "interrupted\n"
    assert run.returncode == 130
    assert bucket.uploads() == []
    assert bucket.names() == []


def test_a_run_that_fails_sends_nothing(bucket: Bucket) -> None:
    url = bucket.put("rows.csv", ROWS + "7,x\n")
    bucket.put("out.csv", "as it was")
    assert f"line 5 of `{url}`, column `b`" in refused(
        "eval", "p.cg", "--data", url, "-o", f"s3://{BUCKET}/out.csv", status=1
    )
    assert bucket.get("out.csv") == b"as it was"


# ---- an object that changes


def test_an_object_that_changes_while_it_is_read_is_an_error(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "BLOCK", 2**16)
    url = bucket.put("rows.csv", "a,b\n" + "1,2\n" * 200_000)
    with remote.open_stream(url) as file:
        file.read(2**16)
        bucket.put("rows.csv", "a,b\n" + "3,4\n" * 200_000)
        with pytest.raises(CgError, match=f"`{url}` has changed while it was read"):
            file.read()
    with remote.open_stream(url) as file:
        file.read(2**16)
        bucket.client.delete_object(Bucket=BUCKET, Key="rows.csv")
        with pytest.raises(CgError, match=f"`{url}` has changed while it was read"):
            file.read()


def test_a_parquet_object_that_changes(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    url = bucket.put("rows.parquet", parquet(a=rng.normal(size=300_000), b=rng.normal(size=300_000)))
    for chunks in (0, 1):  # between the columns and the rows, and among the rows, through pyarrow
        with open_table(url) as table:
            reading = table.read(100)
            for _ in range(chunks):
                next(reading)
            bucket.put("rows.parquet", parquet(a=rng.normal(size=300_000), b=rng.normal(size=300_000)))
            with pytest.raises(CgError) as problem:
                list(reading)
        assert problem.value.diagnostics[0].code == "table-changed"


def test_the_state_of_an_object_has_a_name(bucket: Bucket) -> None:
    url = bucket.put("x.csv", "a\n1\n")
    first = remote.identity_of(url)
    assert first == remote.identity_of(url)
    bucket.put("x.csv", "a\n2\n")
    assert first != remote.identity_of(url)
    assert first[0] == 4


# ---- checkpoints


def trained(*options: str) -> tuple[str, ...]:
    return ("train", "line.cg", "--data", "rows.csv", "--loss", "loss", "--seed", "1", "-q", *options)


def test_a_training_saves_resumes_and_keeps(bucket: Bucket) -> None:
    Path("rows.csv").write_text("x,t\n1,2\n2,4\n3,6\n", encoding="utf-8")
    url = f"s3://{BUCKET}/w.safetensors"
    assert cg(*trained("--epochs", "6", "--save", url, "--every", "1", "--keep", "3")).status == 0
    assert bucket.names() == ["w.1.safetensors", "w.2.safetensors", "w.safetensors"]
    assert cg(*trained("--epochs", "6", "--save", "w.safetensors", "--every", "1", "--keep", "3")).status == 0
    for number in ("", ".1", ".2"):
        there, here = (read_checkpoint(f"{at}w{number}.safetensors") for at in (f"s3://{BUCKET}/", ""))
        assert there.tensors == here.tensors, number
        assert there.info["state"]["step"] == here.info["state"]["step"], number
    assert cg(*trained("--epochs", "9", "--resume", url)).status == 0
    assert cg(*trained("--epochs", "9", "--resume", "w.safetensors")).status == 0
    there, here = (cg("weights", path, "--full", "--format", "csv").out for path in (url, "w.safetensors"))
    assert there == here
    assert (
        done("eval", "line.cg", "--weights", url, "--x", "1", "--t", "0").out
        == done("eval", "line.cg", "--weights", "w.safetensors", "--x", "1", "--t", "0").out
    )
    done("weights", url, "-o", f"s3://{BUCKET}/w.npz")
    done("weights", "w.safetensors", "-o", "w.npz")
    assert bucket.get("w.npz") == Path("w.npz").read_bytes()


def test_a_training_replaces_only_its_own_checkpoints(bucket: Bucket) -> None:
    Path("rows.csv").write_text("x,t\n1,2\n2,4\n", encoding="utf-8")
    url = f"s3://{BUCKET}/w.safetensors"
    bucket.put("w.safetensors", b"something else")
    assert f"`{url}` is there already and is no checkpoint" in refused(*trained("--save", url, "--epochs", "1"))
    bucket.put("w.safetensors", b"")
    assert f"`{url}`" in refused(*trained("--save", url, "--epochs", "1"))
    bucket.clear()
    assert cg(*trained("--save", url, "--epochs", "1")).status == 0
    old = bucket.get("w.safetensors")
    assert refused(*trained("--save", url, "--epochs", "1")).startswith(f"`{url}` is a checkpoint of another run")
    assert bucket.get("w.safetensors") == old
    assert cg(*trained("--save", url, "--epochs", "1", "--overwrite")).status == 0
    assert bucket.get("w.safetensors") != old
    damaged = bytearray(bucket.get("w.safetensors"))
    damaged[-3] ^= 1
    bucket.put("w.safetensors", bytes(damaged))
    assert refused("weights", url, status=1).startswith(f"`{url}` is damaged")


def test_a_training_resumes_from_the_checkpoint_before_a_damaged_one(bucket: Bucket) -> None:
    Path("rows.csv").write_text("x,t\n1,2\n2,4\n", encoding="utf-8")
    url = f"s3://{BUCKET}/w.safetensors"
    assert cg(*trained("--save", url, "--epochs", "4", "--every", "1")).status == 0
    bucket.put("w.safetensors", bucket.get("w.safetensors")[:-5])
    result = cg(*trained("--resume", url, "--epochs", "5"))
    assert result.status == 0
    assert f"s3://{BUCKET}/w.1.safetensors" in result.err
    assert refused(*trained("--resume", f"s3://{BUCKET}/none.safetensors")).startswith("there is no checkpoint")


def test_a_missing_bucket_is_told_before_the_work(bucket: Bucket) -> None:
    Path("rows.csv").write_text("x,t\n1,2\n2,4\n", encoding="utf-8")
    for option in ("--save", "--plot"):
        kind = "safetensors" if option == "--save" else "svg"
        url = f"s3://no-bucket/w.{kind}"
        assert refused(*trained(option, url, "--epochs", "1000000"), status=1).startswith(
            f"`{url}`: there is no bucket `no-bucket`"
        )


# ---- pictures and other results


def test_pictures_plots_and_texts(bucket: Bucket) -> None:
    values = ("--a", "2", "--b", "3")
    Path("rows.csv").write_text("x,t\n1,2\n2,4\n", encoding="utf-8")
    for name, begin, command in (
        ("p.png", b"\x89PNG", ("render", "p.cg", *values)),
        ("r.csv", b"a,y,dy/da\n0.0,0.0,2.0\n", ("plot", "p.cg", "--over", "a=0..1", "--b", "2")),
        ("t.txt", b"y = 6", ("explain", "p.cg", *values)),
        ("u.csv", b"a,y\n1.0,3.0\n", ("sweep", "p.cg", "--a", "1,2", "--b", "3")),
    ):
        assert cg(*command, "-q", "-o", f"s3://{BUCKET}/{name}").status == 0, command
        assert begin in bucket.get(name)[:300], command
    assert cg(*trained("--epochs", "2", "--draw", f"s3://{BUCKET}/step.svg")).status == 0
    assert b"<svg" in bucket.get("step.svg")[:600]


def test_the_parts_of_a_sweep_are_not_kept_beside_an_object(bucket: Bucket) -> None:
    done("sweep", "p.cg", "--a", "1,2", "--b", "3", "-o", f"s3://{BUCKET}/out.csv")
    assert bucket.names() == ["out.csv"]
    assert sorted(path.name for path in Path().iterdir()) == ["line.cg", "p.cg"]


# ---- from Python


def test_from_python(bucket: Bucket) -> None:
    url = bucket.put("rows.csv", ROWS)
    program = cgcli.load("p.cg")
    assert program.map(url)["y"].tolist() == [2, 12, 30]
    assert program.map({"a": [1.0], "b": [2.0]}, out=f"s3://{BUCKET}/out.csv") is None
    assert bucket.get("out.csv") == b"y\n2.0\n"
    with pytest.raises(CgError, match="`out` would write over"):
        program.map(url, out=url)
    points = bucket.put("points.csv", "x,t\n1,2\n2,4\n3,6\n")
    with pytest.raises(CgError, match="`out` would write over"):
        cgcli.load("line.cg").sweep({}, table=points, train={"loss": "loss", "lr": [0.1, 0.2]}, out=points)
    fitted = cgcli.load("line.cg").fit(points, loss="loss", optimizer="lbfgs")
    fitted.save(f"s3://{BUCKET}/fit.safetensors")
    assert json.loads(cg("weights", f"s3://{BUCKET}/fit.safetensors", "--format", "json").out)["loss"] == "loss"
    program.render(a=2, b=3).save(f"s3://{BUCKET}/p.svg")
    assert bucket.get("p.svg").startswith(b"<svg") or b"<svg" in bucket.get("p.svg")[:200]


# ---- clusters


def test_the_workers_of_a_cluster_read_their_rows_of_an_object(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tasks run here: what a worker is sent says all that it needs."""
    pytest.importorskip("distributed")
    from cgcli.cluster.workers import Workers
    from cgcli.program import rows

    ran: list[tuple[Any, ...]] = []

    def submit(self: Workers, _: int, function: Callable[..., object], cut: Any) -> object:
        ran.append((VERSION, self.job, cut, "tcp://worker:1"))
        return run_part(*ran[-1])

    monkeypatch.setattr(rows.Rows, "most", property(lambda _: 10))
    monkeypatch.setattr(Workers, "submit", submit)
    monkeypatch.setattr(Workers, "result", lambda _, future, __: future)
    numbers = np.arange(25.0)
    text = "a,b\n" + "".join(f"{x},{x + 1}\n" for x in numbers)
    for name, data in (("rows.csv", text), ("rows.parquet", parquet(a=numbers, b=numbers + 1))):
        url = bucket.put(name, data)
        ran.clear()
        done("eval", "p.cg", "--data", url, "-o", f"s3://{BUCKET}/out.csv", "--cluster", "local:1")
        assert [cut.rows for _, _, cut, _ in ran] == [10, 10, 5]
        done("eval", "p.cg", "--data", url, "-o", "out.csv")
        assert bucket.get("out.csv") == Path("out.csv").read_bytes()
        bucket.put(name, data[:-1] + data[:1])
        assert "has changed while it was read" in str(run_part(*ran[1]).error)
        bucket.client.delete_object(Bucket=BUCKET, Key=name)
        assert f"the worker `tcp://worker:1` cannot read `{url}`: there is no such object" in str(
            run_part(*ran[1]).error
        )
    bucket.put("rows.csv", text)
    folder = ("eval", "p.cg", "--data", f"s3://{BUCKET}/rows.csv", "--cluster", "local:1", "-o", f"s3://{BUCKET}/out/")
    assert refused(*folder).startswith(
        f"`s3://{BUCKET}/out/` is an address, and a folder of parts has to be on this machine"
    )
    assert bucket.names() == ["out.csv", "rows.csv"]


# ---- Google's store


@pytest.fixture
def google(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[GoogleStore]:
    core = pytest.importorskip("gcsfs.core")
    with GoogleStore() as store:
        thread = threading.Thread(target=store.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", store.url)
        monkeypatch.setitem(fsspec.config.conf, "gs", {"token": "anon"})
        core.GCSFileSystem.clear_instance_cache()
        yield store
        store.shutdown()
        thread.join()


def test_googles_store(google: GoogleStore, monkeypatch: pytest.MonkeyPatch) -> None:
    google.put("part-1.csv", b"a,b\n1,2\n")
    google.put("part-2.csv", b"a,b\n3,4\n")
    done("eval", "p.cg", "--data", "gs://bucket/part-*.csv", "-o", "gs://bucket/out.csv")
    assert google.objects["out.csv"][0] == b"y\n2.0\n12.0\n"
    google.closed = True  # who may use objects need not be allowed to look at the bucket
    done("eval", "p.cg", "--data", "gs://bucket/part-1.csv", "-o", "gs://bucket/out.csv")
    google.closed = False
    Path("rows.csv").write_text("x,t\n1,2\n2,4\n", encoding="utf-8")
    assert cg(*trained("--save", "gs://bucket/w.safetensors", "--epochs", "2", "--every", "1")).status == 0
    assert cg(*trained("--resume", "gs://bucket/w.safetensors", "--epochs", "3")).status == 0
    assert {"w.safetensors", "w.1.safetensors"} < google.objects.keys()
    assert refused("eval", "p.cg", "--data", "gs://bucket/x.csv").startswith("there is no table `gs://bucket/x.csv`")
    google.put("a#b.csv", b"a,b\n1,2\n")
    assert refused("eval", "p.cg", "--data", "gs://bucket/a#b.csv").startswith(
        "`gs://bucket/a#b.csv` has a `?` or a `#`"
    )
    assert refused("eval", "p.cg", "--data", "gs://no/x.csv", status=1).startswith(
        "`gs://no/x.csv`: there is no bucket"
    )
    monkeypatch.setattr(remote, "BLOCK", 2**16)
    google.put("rows.csv", b"a,b\n" + b"1,2\n" * 100_000)
    with remote.open_stream("gs://bucket/rows.csv") as file:
        file.read(2**16)
        google.put("rows.csv", b"a,b\n" + b"3,4\n" * 100_000)
        with pytest.raises(CgError, match="has changed while it was read"):
            file.read()


def test_a_large_result_for_googles_store(google: GoogleStore, monkeypatch: pytest.MonkeyPatch) -> None:
    large_table(50_000)
    monkeypatch.setattr(remote, "PART", 2**19)
    done("eval", "p.cg", "--data", "large.npz", "-o", "gs://bucket/out.csv")
    done("eval", "p.cg", "--data", "large.npz", "-o", "out.csv")
    assert google.objects["out.csv"][0] == Path("out.csv").read_bytes()
    core = pytest.importorskip("gcsfs.core")
    monkeypatch.setattr(core.GCSFile, "commit", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    assert cg("eval", "p.cg", "--data", "large.npz", "-o", "gs://bucket/new.csv").status == 130
    assert google.uploads == {}
    assert "new.csv" not in google.objects


# ---- web servers


class Site(http.server.BaseHTTPRequestHandler):
    """Files of a dict, whole, as a server without ranges hands them out; `pages` may hold a status in place of one."""

    pages: ClassVar[dict[str, bytes | int]] = {}
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        Site.asked.append(self.path)
        page = Site.pages.get(self.path.partition("?")[0], 404)
        if isinstance(page, int):
            self.send_error(page)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(page) + self.path.endswith("?cut")))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def site(bucket: Bucket) -> Iterator[str]:
    """The address of a web server."""
    Site.pages, Site.asked = {}, []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as web:
        thread = threading.Thread(target=web.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{web.server_address[1]}"
        web.shutdown()
        thread.join()


def test_a_web_server_is_read(site: str) -> None:
    """Texts as they come, by one request; what is read here and there from a copy that is gone afterwards."""
    Site.pages = {
        "/rows.csv": ROWS.encode(),
        "/rows.csv.gz": gzip.compress(ROWS.encode()),
        "/rows.parquet": parquet(a=[1.0, 3.0, 5.0], b=[2.0, 4.0, 6.0]),
        "/values.json": b'{"a": 2, "b": 4}',
    }
    for name in ("rows.csv", "rows.csv.gz", "rows.parquet", "rows.csv?X-Amz-Signature=a/b.c"):
        assert done("eval", "p.cg", "--data", f"{site}/{name}").out == "y\n2.0\n12.0\n30.0\n"
    assert Site.asked.count("/rows.csv?X-Amz-Signature=a/b.c") == 1
    assert done("eval", "p.cg", "--inputs", f"{site}/values.json").out == "y = 8\n"
    Path("rows.csv").write_text("x,t\n1,2\n2,4\n", encoding="utf-8")
    assert cg(*trained("--save", "w.safetensors", "--epochs", "2")).status == 0
    Site.pages["/w.safetensors"] = Path("w.safetensors").read_bytes()
    done("eval", "line.cg", "--weights", f"{site}/w.safetensors", "--x", "1", "--t", "2")


def test_what_goes_wrong_with_a_web_server(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Site.pages = {"/rows.csv": ROWS.encode(), "/denied.csv": 403, "/ill.csv": 503, "/zero.csv": b"", "/zero.npz": b""}

    def data(url: str, status: int) -> str:
        return refused("eval", "p.cg", "--data", url, status=status).splitlines()[0]

    assert data(f"{site}/none.csv", 2) == f"there is no table `{site}/none.csv`"
    assert data(f"{site}/denied.csv", 1) == f"`{site}/denied.csv`: permission denied: the server answers 403"
    assert data(f"{site}/ill.csv", 1).startswith(f"`{site}/ill.csv` cannot be read: the server answers 503")
    assert data(f"{site}/rows.csv?cut", 1) == f"`{site}/rows.csv?…` cannot be reached: the connection broke"
    assert data(f"{site}/zero.csv", 1) == f"the table `{site}/zero.csv` has no columns"
    assert data(f"{site}/zero.npz", 1) == f"`{site}/zero.npz` cannot be read: it is empty"
    assert data(f"{site}/*.csv", 2) == f"`{site}/*.csv` is a pattern, and a web server has no list of its files"
    assert data(f"{site}/a b.csv", 2) == f"`{site}/a b.csv` has a space or a control character"
    assert data("http://127.0.0.1:1/x.csv", 1) == "`http://127.0.0.1:1/x.csv` cannot be reached: nothing answers there"
    assert data("https://127.0.0.1:" + site.rpartition(":")[2] + "/x.csv", 1).endswith("it does not speak TLS")
    url = f"{site}/out.csv"
    assert refused("eval", "p.cg", "--data", f"{site}/rows.csv", "-o", url).startswith(
        f"`{url}` cannot be written: web addresses are read only"
    )
    cluster = refused("eval", "p.cg", "--data", f"{site}/rows.csv", "--cluster", "local:1")
    assert cluster.startswith(f"a cluster cannot read `{site}/rows.csv`")


def test_secrets_are_never_shown_nor_stored(site: str) -> None:
    host = site.removeprefix("http://")
    Site.pages = {"/rows.csv": b"x,t\n1,2\n2,4\n", "/bad.csv": b"a,b\n1,x\n", "/bad.json": b"{", "/denied.csv": 403}
    secret = "SECRET"
    said = [
        refused("eval", "p.cg", "--data", f"http://me:{secret}@{host}/{name}?token={secret}", status=status)
        for name, status in (("none.csv", 2), ("bad.csv", 1), ("denied.csv", 1))
    ]
    said += [refused("eval", "p.cg", "--inputs", f"{site}/bad.json?token={secret}", status=status) for status in (2,)]
    said += [refused("eval", "p.cg", "--data", f"http://127.0.0.1:1/x.csv?token={secret}", status=1)]
    said += [refused("eval", "p.cg", "--data", f"{site}/rows.csv.bz2?token={secret}.csv", status=1)]
    said += [refused("eval", "p.cg", "--data", f"ftp://me:{secret}@{host}/x.csv")]
    said += [refused("eval", "p.cg", "--data", f"http://me:{secret}/{secret}@{host}/x.csv", status=1)]
    url = f"{site}/rows.csv?token={secret}"
    result = cg(
        *("train", "line.cg", "--data", url, "--validation", url, "--loss", "loss", "--epochs", "2"),
        *("--save", "w.safetensors", "--metrics", "m.jsonl"),
    )
    assert result.status == 0
    said += [result.out, result.err, cg("weights", "w.safetensors").out]
    stored = b"".join(path.read_bytes() for path in Path().rglob("*") if path.is_file())
    assert b"rows.csv" in stored
    assert secret.encode() not in stored
    assert not [text for text in said if secret in text]
    assert (
        cg("train", "line.cg", "--data", url, "--validation", url, "--epochs", "3", "--resume", "w.safetensors").status
        == 0
    )


# ---- addresses


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:pw@host/x.csv?a=b#c", "https://host/x.csv?…"),
        ("https://host/x.csv?a b c", "https://host/x.csv?…"),
        ("no https://me@host/x?a, and 'http://h/y?b'", "no https://host/x?… and 'http://h/y?…'"),
        ("https://me:p/w@host/x", "https://…"),
        ("https://host:80/a@b/c.csv", "https://host:80/a@b/c.csv"),
        ("http://[::1]:80/x.csv", "http://[::1]:80/x.csv"),
        ("https:/me:pw@host/x.csv?a", "https:/host/x.csv?…"),
        ("https//me:pw@host/x.csv?a", "https//host/x.csv?…"),
        ("http://me:p w@host/x.csv", "http://host/x.csv"),
        ("ftp://me:pw@host/x.csv?a", "ftp://host/x.csv?…"),
        ("args/a@b and gs/a@b", "args/a@b and gs/a@b"),
        ("s3://me:pw@bucket/x?y", "s3://bucket/x?y"),
        ("s3://bucket/a@b?c.csv", "s3://bucket/a@b?c.csv"),
        ("plain", "plain"),
    ],
)
def test_addresses_as_they_are_shown(text: str, shown: str) -> None:
    assert without_secrets(text) == shown


def test_two_addresses_of_one_object() -> None:
    assert location("S3://b/x//y.csv") == location("s3://b/x//y.csv") != location("s3://b/x/y.csv")
    assert location("HTTPS://Host/x#y") == location("https://host/x") != location("https://host/X")


def test_what_is_no_address(bucket: Bucket) -> None:
    url = bucket.put("rows.csv", ROWS)
    for data, message in {
        "s3a://b/x.csv": "cg knows no `s3a://` addresses",
        "simplecache::s3://b/x.csv": "cg knows no `simplecache::s3://` addresses",
        "file:///x.csv": "`file:///x.csv` is a file of this machine",
        "s3://bucket": "`s3://bucket` names no object",
        "s3://": "`s3://` names no object",
        "s3://*/x.csv": "`s3://*/x.csv` names no object",
        "s3://bucket/": "`s3://bucket/` names no object",
        "s3://bucket/folder/": "`s3://bucket/folder/` is a folder, not a file",
        "s3://bucket/x": "`s3://bucket/x` is no table of a known kind",
        "s3://bucket/x.csv": "there is no table `s3://bucket/x.csv`",
        "s3://bucket/x.csv?versionId=1.csv": "`s3://bucket/x.csv?versionId=1.csv` has a `?versionId=`",
        "s3://me:pw@bucket/x.csv": "`s3://bucket/x.csv` has credentials, which cg does not take",
        "s3://bucket/a\nb.csv": "`s3://bucket/a\\nb.csv` has a control character",
        "./s3://bucket/x.csv": "there is no table `./s3://bucket/x.csv`",
    }.items():
        assert refused("eval", "p.cg", "--data", data).splitlines()[0] == message
    for bad, message in {
        "s3://no-bucket/x.csv": "`s3://no-bucket/x.csv`: there is no bucket `no-bucket`",
        "s3://no bucket/x.csv": "`s3://no bucket/x.csv` cannot be read: no bucket has such a name",
    }.items():
        assert refused("eval", "p.cg", "--data", bad, status=1).startswith(message)
    assert refused("eval", "p.cg", "--data", url, "-o", url).startswith(f"`-o` would write over `{url}`, which is read")
    written = f"s3://{BUCKET}/rows.csv?versionId=.csv"
    assert refused("eval", "p.cg", "--data", url, "-o", written).startswith(f"`{written}` has a `?versionId=`")
    assert bucket.get("rows.csv").decode() == ROWS
    assert refused("eval", "p.cg", "--data", url, "-o", "gs://b/o?x.csv").startswith("`gs://b/o?x.csv` has a `?`")
    assert refused("eval", "p.cg", "--data", url, "-o", "ftp://b/x?s=1").startswith("cg knows no `ftp://` addresses")
    message = refused("eval", "p.cg", "--a", "http://me:pw@h/x.npy?s", "--b", "1")
    assert message.splitlines()[0] == "`--a` takes a value, and `http://h/x.npy?…` is an address"
    assert refused("eval", "p.cg", "--data", url, "-o", "s3://bucket/x/").splitlines()[0].startswith("`s3://bucket/x/`")
    bucket.put("empty.csv", "")
    assert refused("eval", "p.cg", "--data", f"s3://{BUCKET}/empty.csv", status=1).startswith("the table")


def test_what_stays_on_this_machine(bucket: Bucket) -> None:
    """Every other option that takes a path says so; none takes `s3:` for a folder."""
    Path("rows.csv").write_text("x,t\n1,2\n", encoding="utf-8")
    url = bucket.put("p.cg", PROGRAM)
    values = ("--a", "1", "--b", "2")
    for command, words in {
        ("eval", url, *values): "a program has to be on this machine",
        ("check", url): "a program has to be on this machine",
        ("fmt", url): "a program has to be on this machine",
        ("live", url): "a program has to be on this machine",
        ("grad", f"s3://{BUCKET}/m.py:f", *values): "a program has to be on this machine",
        ("step", "p.cg", *values, "--commands", url): "a file of commands has to be on this machine",
        ("eval", "p.cg", *values, "--allow-path", f"s3://{BUCKET}/"): "a folder of imports has to be on this machine",
        ("render", "p.cg", *values, "--frames", f"s3://{BUCKET}/f/"): "a folder of frames has to be on this machine",
        trained("--metrics", f"s3://{BUCKET}/m.jsonl"): "a file that grows line by line has to be on this machine",
    }.items():
        result = cg(*command)
        assert result.status == 2, command
        assert f"is an address, and {words}" in result.out + result.err, command
    Path("q.cg").write_text(f'import "{url}"\noutput y = 1.0\n', encoding="utf-8")
    message = f"error: `{url}` is an address, and a program has to be on this machine\n  --> q.cg:1:8\n"
    assert cg("eval", "q.cg").err.startswith(message)
    assert not Path("s3:").exists()


def test_missing_libraries(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    url = bucket.put("rows.csv", ROWS)
    install = "\n  = help: install it by `pip install 'cgcli[remote]'`"
    with monkeypatch.context() as patch:
        patch.setattr(remote, "_class_of", lambda _: (_ for _ in ()).throw(ImportError))
        assert refused("eval", "p.cg", "--data", url) == "`s3://` needs the library s3fs" + install
        assert refused("eval", "p.cg", "--data", "gs://b/x.csv") == "`gs://` needs the library gcsfs" + install
    monkeypatch.setitem(sys.modules, "fsspec.asyn", None)
    assert refused("eval", "p.cg", "--data", url) == "`s3://` needs the library fsspec" + install


def test_credentials(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which there are none of, or which the store refuses."""
    url = bucket.put("rows.csv", ROWS)
    core = pytest.importorskip("s3fs.core")
    from botocore.exceptions import NoCredentialsError

    async def fail(problem: Exception, *_: Any, **__: Any) -> None:
        raise problem

    for problem, words in (
        (NoCredentialsError(), f"`{url}` needs credentials, and there are none"),
        (PermissionError("Access Denied"), f"`{url}`: permission denied: Access Denied"),
    ):
        monkeypatch.setattr(core.S3FileSystem, "_call_s3", partial(fail, problem))
        for command in (("--data", url), ("--data", url, "-o", "out.csv")):
            message = refused("eval", "p.cg", *command, status=1)
            assert message.startswith(words)
            assert "secret-of-nobody" not in message


def test_no_store_answers(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    s3fs.S3FileSystem.clear_instance_cache()
    message = refused("eval", "p.cg", "--data", f"s3://{BUCKET}/rows.csv", status=1)
    s3fs.S3FileSystem.clear_instance_cache()
    assert message.splitlines() == [
        f"`s3://{BUCKET}/rows.csv` cannot be reached: nothing answers there",
        "  = help: look at the network and at AWS_ENDPOINT_URL, which names another store than Amazon's",
    ]
