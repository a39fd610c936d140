"""`cg eval --data` and `cg grad --data`: a program over the rows of a table."""

import io
import json
from pathlib import Path
from random import Random

import numpy as np
import pytest
from cli_harness import cg

from cgcli import load, parse
from cgcli.program.rows import Derivatives, Rows

pytestmark = pytest.mark.portable

ROOT = Path(__file__).parents[1]
TABLE = "a,b,c\n1,2,3\n2,3,1\n4,4,4\n"
ARTICLE = "d = a + b\ne = b - c\ny = d * e"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text(TABLE, encoding="utf-8")
    return tmp_path


def run(command: str, *arguments: str, text: str = ARTICLE, stdin: str = "") -> tuple[int, str, str]:
    return cg(command, "-e", text, *arguments, stdin=stdin)


def test_eval_gives_a_row_for_each_row() -> None:
    assert run("eval", "--data", "t.csv") == (0, "y\n-3.0\n10.0\n0.0\n", "")


def test_grad_gives_the_value_and_each_derivative() -> None:
    assert run("grad", "--data", "t.csv") == (
        0,
        "y,dy/da,dy/db,dy/dc\n-3.0,-1.0,2.0,-3.0\n10.0,2.0,7.0,-5.0\n0.0,0.0,8.0,-8.0\n",
        "",
    )


def test_an_input_on_the_line_is_the_same_in_every_row_and_its_column_is_named() -> None:
    status, out, err = run("grad", "--data", "t.csv", "--c", "1", "--wrt", "c")
    assert (status, out) == (0, "y,dy/dc\n3.0,-3.0\n10.0,-5.0\n24.0,-8.0\n")
    assert err == "note: no input asks for the column `c` of the table\n"


@pytest.mark.parametrize("seed", range(6))
def test_each_row_is_what_the_program_gives_for_it(seed: int) -> None:
    rng = Random(seed)
    names = ["black_scholes", "huber", "pendulum_energy", "quadratic", "rosenbrock", "sigmoid_neuron"]
    program = load(ROOT / "samples" / f"{names[seed]}.cg")
    floats = [i.name for i in program.inputs if i.type.is_float and not i.type.shape]
    assert floats
    table = {n: np.array([rng.uniform(0.3, 0.9) for _ in range(40)]) for n in floats}
    others = {i.name: 1 for i in program.inputs if not i.optional and i.name not in floats}
    of = next(n for n in program.outputs if program.type_of(n).has_derivative and not program.type_of(n).shape)
    found = Rows(program, others, floats, Derivatives(of)).run(table, 40)
    for k in range(40):
        row = program.grad({**others, **{n: x[k] for n, x in table.items()}}, of=of)
        for name, derivative in row.partials.items():
            np.testing.assert_allclose(found[f"d{of}/d{name}"][k], derivative, rtol=1e-12, atol=1e-13)


def test_results_do_not_depend_on_how_rows_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run("grad", "--data", "t.csv")
    for most in (1, 2):
        monkeypatch.setattr("cgcli.program.rows.MOST_ROWS", most)
        assert run("grad", "--data", "t.csv") == whole


# ---- kinds of tables


def test_json_lines_tsv_and_npz_hold_the_same() -> None:
    rows = [dict(zip("abc", map(float, line.split(",")), strict=True)) for line in TABLE.splitlines()[1:]]
    Path("t.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n\n", encoding="utf-8")
    Path("t.tsv").write_text(TABLE.replace(",", "\t"), encoding="utf-8")
    np.savez("t.npz", **{n: np.array([row[n] for row in rows]) for n in "abc"})  # type: ignore[arg-type]
    wanted = run("grad", "--data", "t.csv")
    for name in ("t.jsonl", "t.tsv", "t.npz"):
        assert run("grad", "--data", name) == wanted
    assert run("grad", "--data", "-", stdin=TABLE) == wanted


def test_files_of_a_pattern_follow_each_other() -> None:
    lines = TABLE.splitlines()
    for k, line in enumerate(lines[1:]):
        Path(f"part{k}.csv").write_text(f"{lines[0]}\n{line}\n", encoding="utf-8")
    assert run("eval", "--data", "part*.csv") == run("eval", "--data", "t.csv")
    Path("part9.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    status, out, err = run("eval", "--data", "part*.csv")
    assert (status, out) == (1, "")
    assert "`part9.csv` has other columns than `part0.csv`" in err


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "npz", "parquet", "arrow"])
def test_results_in_a_file(kind: str) -> None:
    assert run("grad", "--data", "t.csv", "-o", f"out.{kind}") == (0, "", "")
    if kind == "npz":
        found = np.load("out.npz")
        assert found["dy_da"].tolist() == [-1.0, 2.0, 0.0]
        return
    if kind in ("parquet", "arrow"):
        names = ["--map", "a=y", "--map", "b=dy/da"]
        back = run("eval", "--data", f"out.{kind}", *names, text="u = a; v = b")
        assert (back[0], back[1]) == (0, "u,v\n-3.0,-1.0\n10.0,2.0\n0.0,0.0\n")
        return
    text = Path(f"out.{kind}").read_text(encoding="utf-8")
    if kind == "jsonl":
        assert json.loads(text.splitlines()[1]) == {"y": 10.0, "dy/da": 2.0, "dy/db": 7.0, "dy/dc": -5.0}
    else:
        assert text == run("grad", "--data", "t.csv")[1].replace(",", "," if kind == "csv" else "\t")


def test_numbers_that_json_does_not_have() -> None:
    assert run("eval", "--data", "-", "-o", "o.jsonl", text="y = a", stdin="a\nnan\ninf\n-inf\n") == (0, "", "")
    assert [json.loads(line)["y"] for line in Path("o.jsonl").read_text(encoding="utf-8").splitlines()] == [
        "NaN",
        "Infinity",
        "-Infinity",
    ]
    assert run("eval", "--data", "o.jsonl", "--map", "a=y", text="z = a")[1] == "z\nnan\ninf\n-inf\n"


# ---- vectors


def test_several_columns_make_a_vector() -> None:
    text = "input x: float[n]; w = sum(x^2)"
    table = "p_1,p_2,p_3,q\n1,2,3,9\n0,0,4,9\n"
    status, out, err = run("grad", "--data", "-", "--map", "x=p_*", text=text, stdin=table)
    assert (status, out) == (0, "w,dw/dx[0],dw/dx[1],dw/dx[2]\n14.0,2.0,4.0,6.0\n16.0,0.0,0.0,8.0\n")
    assert "`q`" in err


def test_a_cell_may_hold_a_vector() -> None:
    text = "input x: float[2]; y = x * 2"
    wanted = "y[0],y[1]\n2.0,4.0\n6.0,8.0\n"
    assert run("eval", "--data", "-", text=text, stdin='x\n"[1, 2]"\n"[3, 4]"\n')[1] == wanted
    Path("v.jsonl").write_text('{"x": [1, 2]}\n{"x": [3, 4.0]}\n', encoding="utf-8")
    assert run("eval", "--data", "v.jsonl", text=text)[1] == wanted


def test_ints_and_bools() -> None:
    text = "input n: int; input up: bool; y = if up then n + 1 else n"
    assert run("eval", "--data", "-", text=text, stdin="n,up\n3,true\n9007199254740993,false\n")[1] == (
        "y\n4\n9007199254740993\n"
    )


def test_a_dynamic_program_runs_row_by_row() -> None:
    text = "fn f(n) { if n < 1 { return 1 }\n return x * f(n - 1) }\ninput x: float; input n: int; y = f(n)"
    assert run("grad", "--data", "-", text=text, stdin="x,n\n2,3\n3,2\n") == (0, "y,dy/dx\n8.0,12.0\n9.0,6.0\n", "")


# ---- what is wrong


@pytest.mark.parametrize(
    ("table", "arguments", "status", "said"),
    [
        ("a,b,c\n1,2,x\n", (), 1, "line 2 of `-`, column `c`: x is no float"),
        ("a,b,c\n1,2,3\n1,,3\n", (), 1, "line 3 of `-`, column `b`: nothing is no float"),
        ("a,b,c\n1,2,1_0\n", (), 1, "1_0 is no float"),
        ("a,b,c\n1,2\n", (), 1, "line 2 of `-` has 2 cells, the first line has 3"),
        ("a,b,a\n1,2,3\n", (), 1, "two columns of `-` are named `a`"),
        ("", (), 1, "has no columns"),
        ("a,b\n1,2\n", (), 2, "no value is given for c"),
        ("a,b,c\n1,2,3\n", ("--map", "c=q"), 2, "the table has no column `q`"),
        ("a,b,c\n1,2,3\n", ("--map", "q=c"), 2, "`q`"),
        ("a,b,c\n1,2,3\n", ("--map", "c"), 2, "`--map c` names no column"),
        ("a,b,c\n1,2,3\n", ("--map", "a=[bc]"), 2, "2 columns are a vector, and `a` is float"),
        ("a,b,c\n1,2,3\n", ("--a", "1", "--map", "a=b"), 2, "given twice"),
        ("a,b,c\n1,2,3\n", ("--format", "table"), 2, "--format"),
        ("a,b,c\n1,2,3\n", ("-o", "out.xyz"), 2, "out.xyz"),
        ('a,b,c\n1,2,"3\n', (), 1, "cannot be read"),
    ],
)
def test_what_is_wrong_is_said(table: str, arguments: tuple[str, ...], status: int, said: str) -> None:
    result = run("eval", "--data", "-", *arguments, stdin=table)
    assert result[0] == status, result
    assert said in result[2]
    assert not list(Path().glob("out*"))


SIZED = "input n: int\ninput x: float\nparam w: float = 1\ny = x * w\nv = full([n], y)\noutput total = sum(v)\n"


@pytest.mark.parametrize(
    "arguments",
    [("eval",), ("grad", "--wrt", "x"), ("train", "--loss", "total", "--steps", "1")],
    ids=lambda arguments: arguments[0],
)
def test_a_size_is_the_same_in_every_row_where_rows_are_computed_at_once(arguments: tuple[str, ...]) -> None:
    table = "n,x\n2,1.5\n3,2.5\n"
    result = run(*arguments, "--data", "-", text=SIZED, stdin=table)
    assert result[:2] == (2, "")
    assert result[2] == (
        "error: the size `n` cannot change from row to row: all rows are computed at once\n"
        "  --> -e:5:5\n"
        "   |\n"
        " 1 | input n: int\n"
        "   |       - a column of the table\n"
        " …\n"
        " 5 | v = full([n], y)\n"
        "   |     ^^^^^^^^^^^^ needed here\n"
        "   = help: `--mode dynamic` computes them one by one, each with a size of its own\n"
    )
    assert run(*arguments, "--data", "-", "--mode", "dynamic", text=SIZED, stdin=table)[0] == 0
    assert run("eval", "--data", "-", "--n", "2", text=SIZED, stdin="x\n1.5\n2.5\n")[1] == "total\n3.0\n5.0\n"


def test_a_result_has_the_same_shape_in_every_row() -> None:
    text = "input n: int\nys = full([n], 1.0)\noutput ys\n"
    result = run("eval", "--data", "-", "--mode", "dynamic", text=text, stdin="n\n2\n3\n")
    assert result[:2] == (1, "")
    assert result[2] == (
        "error: `ys` is [2] in one row and [3] in another: a column of the result has one shape\n"
        "  = help: reduce it, as in `sum(ys)`, or leave it out of the outputs\n"
    )


@pytest.mark.parametrize("name", ["no.csv", "t.xyz", "no*.csv"])
def test_a_table_that_is_not_there(name: str) -> None:
    Path("t.xyz").write_text("a\n1\n", encoding="utf-8")
    status, out, err = run("eval", "--data", name)
    assert (status, out) == (2, "")
    assert f"`{name}`" in err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[1]", "is no object"),
        ("{", "is no JSON"),
        ('{"a": 1, "b": 2}', "has the key `b`"),
        ("[" * 100_000, "is no JSON"),
        ('{"a": "x"}', "x is no float"),
    ],
)
def test_wrong_json_lines(line: str, said: str) -> None:
    Path("t.jsonl").write_text(f'{{"a": 1}}\n{line}\n', encoding="utf-8")
    status, _, err = run("eval", "--data", "t.jsonl", "-o", "out.csv", text="y = a")
    assert status == 1
    assert "line 2" in err
    assert said in err
    assert not Path("out.csv").exists()


def test_bad_cells_can_be_skipped_or_be_nan() -> None:
    table = "a,b,c\n1,2,3\n1,?,3\n2,3,1\n"
    status, out, err = run("eval", "--data", "-", "--on-error", "skip", stdin=table)
    assert (status, out) == (0, "y\n-3.0\n10.0\n")
    assert err == "note: 1 row of 3 skipped, with cells that are no numbers\n"
    assert run("eval", "--data", "-", "--on-error", "nan", stdin=table) == (0, "y\n-3.0\nnan\n10.0\n", "")


def test_of_a_run_that_fails_the_row_is_named_and_nothing_is_written() -> None:
    table = "a,b\n1,1\n5,2\n-1,3\n-2,4\n"
    status, out, err = run("eval", "--data", "-", "-o", "out.csv", text="y = a * b; assert a > 0", stdin=table)
    assert (status, out) == (1, "")
    assert "note: the run fails at line 4 of `-`" in err
    assert "assertion failed" in err
    assert not Path("out.csv").exists()
    status, _, err = run("eval", "--data", "-", text="input n: int; y = 7 // n", stdin="n\n1\n0\n2\n")
    assert status == 1
    assert "line 3 of `-`" in err


@pytest.mark.parametrize(
    "arguments", [("--map", "a=b"), ("--on-error", "skip"), ("-o", "x.csv"), ("--carry", "id"), ("--row-numbers",)]
)
def test_options_of_tables_alone(arguments: tuple[str, ...]) -> None:
    status, out, err = run("eval", "--a", "1", "--b", "2", "--c", "3", *arguments)
    assert (status, out) == (2, "")
    assert f"`{arguments[0]}` means something for tables only" in err


def test_commands_without_tables_say_so() -> None:
    status, _, err = cg("show", "-e", "y = a", "--data", "t.csv")
    assert status == 2
    assert "`cg grad`, `cg train` and `cg predict` take tables" in err


def test_a_long_table_is_read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cgcli.program.rows.MOST_ROWS", 100)
    rows = io.StringIO("a\n" + "\n".join(str(k) for k in range(1_050)))
    _, out, _ = run("eval", "--data", "-", text="y = 2 * a", stdin=rows.getvalue())
    assert [float(line) for line in out.splitlines()[1:]] == [2.0 * k for k in range(1_050)]


def test_sizes_of_the_program_may_have_any_name() -> None:
    text = "input x: float[rows_of_the_table]; y = sum(x)"
    assert parse(text).inputs[0].type.shape == ("rows_of_the_table",)
    assert run("eval", "--data", "-", text=text, stdin='x\n"[1, 2]"\n"[3, 4]"\n')[1] == "y\n3.0\n7.0\n"


def test_parquet_with_missing_cells_and_vectors() -> None:
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({"a": [1.0, None, 3.0], "x": [[1.0, 2.0]] * 3}), "t.parquet")
    text = "input a: float; input x: float[2]; y = a * sum(x)"
    status, out, err = run("eval", "--data", "t.parquet", "--on-error", "skip", "-o", "o.parquet", text=text)
    assert (status, out) == (0, "")
    assert "1 row of 3 skipped" in err
    assert parquet.read_table("o.parquet")["y"].to_pylist() == [3.0, 9.0]
    status, _, err = run("eval", "--data", "t.parquet", text=text)
    assert status == 1
    assert "line 2 of `t.parquet`, column `a`: nothing is no float" in err


def test_a_damaged_parquet_file() -> None:
    Path("t.parquet").write_bytes(b"PAR1 and nothing more")
    status, out, err = run("eval", "--data", "t.parquet")
    assert (status, out) == (1, "")
    assert "`t.parquet` cannot be read" in err


def test_tensors_in_parquet(folder: Path) -> None:
    from pyarrow import parquet

    text = "input x: float[2]; y = x * 2"
    run("eval", "--data", "-", "-o", "o.parquet", text=text, stdin='x\n"[1, 2]"\n"[3, 4]"\n')
    assert parquet.read_table(folder / "o.parquet")["y"].to_pylist() == [[2.0, 4.0], [6.0, 8.0]]


def test_without_pyarrow_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    Path("t.parquet").write_bytes(b"")
    status, _, err = run("eval", "--data", "t.parquet")
    assert status == 2
    assert "pip install 'cgcli[tables]'" in err


# ---- many rows at once


BATCH = "input x: float[n]; input t: float[n]; param w = 2.0; error = w * x - t; loss = mean(error^2)"
POINTS = "x,t\n1,2\n2,5\n3,6\n4,8\n0,1\n"


def test_an_input_with_an_axis_more_takes_rows_at_once_and_gives_one_each() -> None:
    found = run("eval", "--data", "-", text=f"{BATCH}\noutput error", stdin=POINTS)
    assert found == (0, "error\n0.0\n-1.0\n0.0\n0.0\n-1.0\n", "")


def test_results_of_many_rows_need_a_batch_size() -> None:
    status, out, err = run("eval", "--data", "-", text=f"{BATCH}\noutput loss", stdin=POINTS)
    assert (status, out) == (2, "")
    assert "`--batch-size N`" in err
    wanted = (0, "loss\n0.5\n0.0\n1.0\n", "")
    assert run("eval", "--data", "-", "--batch-size", "2", text=f"{BATCH}\noutput loss", stdin=POINTS) == wanted
    status, out, err = run("grad", "--data", "-", "--batch-size", "2", "--wrt", "w", text=BATCH, stdin=POINTS)
    assert (status, out) == (0, "loss,dloss/dw\n0.5,-2.0\n0.0,0.0\n1.0,0.0\n")


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        (f"{BATCH}\noutput loss, error", ("--batch-size", "2"), "one a row"),
        ("input x: float[n]; input t: float; y = x * t", (), "which does not fit the other inputs"),
        ("input x: float[n]; input t: float[m]; y = x; z = t", (), "which does not fit the other inputs"),
        ("y = x * t", ("--batch-size", "2"), "leave it out"),
    ],
)
def test_what_does_not_fit_together(text: str, arguments: tuple[str, ...], said: str) -> None:
    status, out, err = run("eval", "--data", "-", *arguments, text=text, stdin=POINTS)
    assert (status, out) == (2, "")
    assert said in err


def test_many_pieces_on_several_cores_come_in_order() -> None:
    rng = np.random.default_rng(3)
    table = {n: rng.uniform(0.5, 2, 200_000) for n in "abc"}
    np.savez("t.npz", **table)
    status, _, err = run("grad", "--data", "t.npz", "-o", "out.npz")
    assert (status, err) == (0, "")
    with np.load("out.npz") as found:
        d, e = table["a"] + table["b"], table["b"] - table["c"]
        for name, wanted in {"y": d * e, "dy_da": e, "dy_db": d + e, "dy_dc": -d}.items():
            np.testing.assert_array_equal(found[name], wanted)


def test_the_first_row_that_fails_is_named_whatever_piece_it_is_in() -> None:
    values = np.ones(200_000, dtype=int)
    values[[150_000, 199_000]] = 0
    np.savez("t.npz", k=values)
    status, out, err = run("eval", "--data", "t.npz", "-o", "out.npz", text="input k: int; y = 10 // k")
    assert (status, out) == (1, "")
    assert "the run fails at line 150001 of `t.npz`" in err
    assert not Path("out.npz").exists()


def test_cells_outside_a_declared_range_are_counted() -> None:
    Path("t.csv").write_text("vol\n0.5\n3\n-1\n1\n", encoding="utf-8")
    status, out, err = run("eval", "--data", "t.csv", text="input vol: float in 0..2; y = 2 * vol")
    assert (status, out) == (0, "y\n1.0\n6.0\n-2.0\n2.0\n")
    assert "warning: `vol` is outside 0..2 in 2 of the rows, first at line 3 of `t.csv`" in err


def test_columns_and_row_numbers_go_through() -> None:
    Path("t.csv").write_text("id,a,b,c\nx,1,2,3\ny,2,?,1\nz,4,4,4\n", encoding="utf-8")
    options = ["--carry", "id", "--row-numbers", "--on-error", "skip"]
    status, out, err = run("eval", "--data", "t.csv", *options)
    assert (status, out) == (0, "row,id,y\n1,x,-3.0\n3,z,0.0\n")
    assert err == "note: 1 row of 3 skipped, with cells that are no numbers\n"
    assert run("eval", "--data", "t.csv", "--carry", "all", "--on-error", "nan")[1].startswith("id,a,b,c,y\nx,1")
    assert "the table has no column `ident`" in run("eval", "--data", "t.csv", "--carry", "ident")[2]


def test_tables_of_results_are_rounded_and_written_as_json_lines() -> None:
    text = "y = a / 3; k = b > 2"
    assert run("eval", "--data", "t.csv", "--precision", "2", text=text)[1].splitlines()[:2] == ["y,k", "0.33,false"]
    status, out, _ = run("eval", "--data", "t.csv", "--format", "json", "--precision", "2", text=text)
    assert status == 0
    assert [json.loads(line) for line in out.splitlines()][1] == {"y": 0.67, "k": True}
    assert run("eval", "--data", "t.csv", "--precision", "2", "-o", "r.npz", text=text)[0] == 0
    assert np.load("r.npz")["y"].tolist() == [0.33, 0.67, 1.3]


@pytest.mark.parametrize("options", [["--format", "plain"], ["--format", "csv", "-o", "r.jsonl"], ["--full"]])
def test_what_a_table_of_results_does_not_have(options: list[str]) -> None:
    status, out, err = run("eval", "--data", "t.csv", *options)
    assert (status, out) == (2, "")
    assert "cannot be used together" in err


def test_texts_in_an_npz_file_are_read_back() -> None:
    Path("words.csv").write_text('name,x\n"a,b",1\nüñ,2\n', encoding="utf-8")
    assert run("eval", "--data", "words.csv", "--carry", "name", "-o", "w.npz", text="y = 2 * x")[0] == 0
    assert run("eval", "--data", "w.npz", "--carry", "name", text="z = y") == (0, 'name,z\n"a,b",2.0\nüñ,4.0\n', "")
    np.savez("bad.npz", name=np.array([["a"], ["b"]]), y=np.zeros(2))
    status, _, err = run("eval", "--data", "bad.npz", text="z = y")
    assert (status, "holds texts" in err) == (1, True)
    np.savez("bad.npz", name=np.frombuffer(b"\xff" * 8, dtype="<U1"), y=np.zeros(2))
    status, _, err = run("eval", "--data", "bad.npz", "--carry", "name", text="z = y")
    assert (status, "bug" in err) == (1, False)
