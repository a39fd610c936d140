"""Tables of few rows: runs of their own on Python's numbers, and in all else as tables of many."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
import pytest
from cli_harness import Result, cg

from cgcli import load, parse
from cgcli.run.backends import FEW_ROWS, runs_by_row

pytestmark = pytest.mark.portable

ROOT = Path(__file__).parents[1]
SAMPLES = ("black_scholes", "huber", "pendulum_energy", "quadratic", "rosenbrock", "sigmoid_neuron")
TEXT = """
input a in -2..5
input n: int
input b: bool
output y = if b then a * n else -a
output m = n // 2
output t = not b
"""
AGAIN = "input y; input m: int; input t: bool; input row: int; output z = y + m; output u = not t; output k = 2 * row"
HEAD = """a,n,b,note,time
1,2,true,x,1
+0.25,-7,FALSE,,2
-1.5e3,9,True,"q,r",3
NaN,0,false,ü,4
-inf,-0,true,x y,5
"""
BENIGN = "1,1,true,z,0\n" * FEW_ROWS


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def few_and_many(head: str, *args: str, text: str = TEXT, command: str = "eval") -> tuple[Result, Result]:
    """The results of a table of few rows, and of one of many that begins with them."""
    results = []
    for rows in (head, head + BENIGN):
        Path("t.csv").write_text(rows, encoding="utf-8")
        results.append(cg(command, "-e", text, "--data", "t.csv", *args))
    return results[0], results[1]


@pytest.mark.parametrize("seed", range(len(SAMPLES)))
def test_a_row_has_the_digits_of_a_single_run(seed: int) -> None:
    rng = Random(seed)
    path = str(ROOT / "samples" / f"{SAMPLES[seed]}.cg")
    program = load(path)
    names = [i.name for i in program.inputs]
    assert all(not i.type.shape for i in program.inputs)
    of = next(n for n in program.outputs if program.type_of(n).has_derivative)
    table = [{n: rng.uniform(0.3, 0.9) if program.input(n).type.is_float else 1 for n in names} for _ in range(20)]
    lines = [",".join(map(str, row.values())) for row in table]
    Path("t.csv").write_text("\n".join([",".join(names), *lines]), encoding="utf-8")
    status, out, _ = cg("grad", path, "--of", of, "--data", "t.csv")
    assert status == 0
    header, *rows = (line.split(",") for line in out.splitlines())
    for row, values in zip(rows, table, strict=True):
        gradient = program.grad(values, of=of)
        assert header == [of, *(f"d{of}/d{name}" for name in gradient.partials)]
        assert row == [str(x) for x in (gradient.value, *gradient.partials.values())]


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("--carry", "all"),
        ("--carry", "note,time", "--row-numbers"),
        ("--precision", "2"),
        ("--format", "json", "--carry", "note", "--row-numbers"),
        ("--map", "a=time"),
        ("--a", "2"),
    ],
    ids=" ".join,
)
def test_few_rows_are_written_as_the_first_of_many(args: Sequence[str]) -> None:
    few, many = few_and_many(HEAD, *args)
    assert (few.status, many.status) == (0, 0)
    assert few.out.splitlines() == many.out.splitlines()[: len(few.out.splitlines())]
    assert len(few.out.splitlines()) == len(HEAD.splitlines()) - ("--format" in args)
    assert few.err == many.err


@pytest.mark.parametrize("on_error", ["stop", "skip", "nan"])
@pytest.mark.parametrize(
    "bad", ["x,1,true,,", ",2,true,,", "1,2.5,true,,", "1,2,yes,,", "1,2", "0x1,2,false,,", "1,9e99,false,,"]
)
def test_a_bad_cell_is_met_as_in_a_long_table(on_error: str, bad: str) -> None:
    few, many = few_and_many(f"{HEAD}{bad}\n3,4,true,,\n", "--on-error", on_error, "--row-numbers")
    assert few.status == many.status
    assert few.out.splitlines() == many.out.splitlines()[: len(few.out.splitlines())]
    assert few.err.replace(f" of {len(HEAD.splitlines()) + 1} ", " of N ") == many.err.replace(
        f" of {len(HEAD.splitlines()) + 1 + FEW_ROWS} ", " of N "
    )


@pytest.mark.parametrize("command", ["eval", "grad"])
@pytest.mark.parametrize(
    "text",
    ['input a; assert a < 3, "too large"; y = a * 2', "input a; input n: int; y = a * (7 // n)"],
    ids=["assert", "zero"],
)
def test_a_row_that_fails_is_named_as_in_a_long_table(command: str, text: str) -> None:
    few, many = few_and_many("a,n,b,note,time\n1,1,,,\n2,2,,,\n9,0,,,\n8,0,,,\n", text=text, command=command)
    assert few[:2] == many[:2] == (1, "")
    assert few.err.startswith(many.err.rstrip())  # of single numbers it says besides what they are
    assert "line 4" in few.err


@pytest.mark.parametrize("kind", ["tsv", "jsonl", "npz", "parquet", "arrow"])
def test_a_file_of_few_rows_has_the_types_of_one_of_many(kind: str) -> None:
    if kind in ("parquet", "arrow"):
        pytest.importorskip("pyarrow")
    outputs = []
    for rows in (HEAD, HEAD + BENIGN):
        Path("t.csv").write_text(rows, encoding="utf-8")
        assert cg("eval", "-e", TEXT, "--data", "t.csv", "-o", f"o.{kind}", "--row-numbers").status == 0
        again = cg("eval", "-e", AGAIN, "--data", f"o.{kind}")
        assert (again.status, again.err) == (0, "")
        outputs.append(again.out.splitlines()[: len(HEAD.splitlines())])
    assert outputs[0] == outputs[1]


def test_the_number_of_rows_alone_decides() -> None:
    graph = parse("y = exp(a)").graph
    assert runs_by_row(graph, FEW_ROWS - 1)
    assert not runs_by_row(graph, FEW_ROWS)
    assert not runs_by_row(parse("input x: float[3]; y = sum(x)").graph, 1)
    assert not runs_by_row(parse("input x: f32; y = x + x").graph, 1)
    assert not runs_by_row(parse("input x: i32; y = x + x").graph, 1)
    assert not runs_by_row(parse("s = 0.0; for i in 0..3 { s = s + a }; y = s").graph, 1)


def test_rows_in_memory_are_arrays_as_before() -> None:
    program = parse("y = exp(a) * b")
    table = {"a": np.linspace(-1, 1, 9), "b": np.arange(9)}
    assert program.map(table)["y"].tolist() == (np.exp(table["a"]) * table["b"]).tolist()
    assert program.map(table, outputs=["y"])["y"].tolist() == (np.exp(table["a"]) * table["b"]).tolist()


def test_a_file_read_from_python_gives_arrays() -> None:
    Path("t.csv").write_text("a,b\n-1,2\n0.5,3\n", encoding="utf-8")
    program = parse("y = exp(a) * b\nk = a < b")
    results = program.map("t.csv")
    assert [x.dtype.kind for x in results.values()] == ["f", "b"]
    assert results["y"].tolist() == [program.eval(a=-1, b=2)["y"], program.eval(a=0.5, b=3)["y"]]


def test_where_all_rows_are_skipped_the_columns_have_their_types() -> None:
    Path("t.csv").write_text("a\nx\n", encoding="utf-8")
    assert (
        cg("eval", "-e", "y = a", "--data", "t.csv", "-o", "o.npz", "--on-error", "skip", "--row-numbers").status == 0
    )
    with np.load("o.npz") as arrays:
        assert {name: (x.dtype.kind, x.shape) for name, x in arrays.items()} == {"row": ("i", (0,)), "y": ("f", (0,))}
