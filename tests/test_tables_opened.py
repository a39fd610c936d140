"""Tables and value files from wherever: pipes, standard input, links; names and numbers that say two things."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from cli_harness import cg, process

from cgcli.data.tables import open_table
from cgcli.files import cache

TABLE = "a,b\n1,2\n3,4\n"
ROWS = "y\n1.0\n3.0\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text(TABLE, encoding="utf-8")
    return tmp_path


@contextmanager
def written_once(path: str, text: str) -> Iterator[None]:
    """A named pipe into which somebody writes, once."""
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: Path(path).write_text(text, encoding="utf-8"), daemon=True)
    writer.start()
    yield
    writer.join(30)


# ---- one open


@pytest.mark.parametrize("name", ["p.csv", "pipe", "link.csv"])
def test_a_named_pipe_is_read_once(name: str) -> None:
    if name == "link.csv":
        os.symlink("p.csv", name)
    with written_once("pipe" if name == "pipe" else "p.csv", TABLE):
        result = cg("eval", "-e", "y = a", "--data", name)
    assert (result.status, result.out) == (0, ROWS)


def test_a_pipe_of_json_lines() -> None:
    with written_once("p.jsonl", '{"a": 1}\n{"a": 3}\n'):
        assert cg("eval", "-e", "y = a", "--data", "p.jsonl") == (0, ROWS, "")


@pytest.mark.parametrize("kind", ["npz", "npy", "parquet", "arrow", "feather"])
def test_a_pipe_is_refused_where_a_format_is_read_in_any_order(kind: str) -> None:
    os.mkfifo(f"p.{kind}")
    status, out, err = cg("eval", "-e", "y = a", "--data", f"p.{kind}")
    assert (status, out) == (2, "")
    assert f"`p.{kind}` is a pipe" in err


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: os.mkdir("x.csv"), "is a folder"),
        (lambda: os.symlink("/dev/zero", "x.csv"), "is no ordinary file"),
        (lambda: os.symlink("/dev/null", "x.npz"), "is no ordinary file"),
        (lambda: os.symlink("nowhere", "x.csv"), "there is no table"),
        (lambda: os.symlink("x.csv", "x.csv"), "symbolic links"),
    ],
    ids=["folder", "device", "device of arrays", "broken link", "link to itself"],
)
def test_what_is_no_file_is_an_error_at_once(make, said: str) -> None:  # type: ignore[no-untyped-def]
    make()
    (name,) = Path().glob("x.*")
    status, out, err = cg("eval", "-e", "y = a", "--data", str(name))
    assert (status in (1, 2), out) == (True, "")
    assert f"`{name}`" in err
    assert said in err


def test_files_of_a_pattern_are_ordinary_files() -> None:
    os.mkfifo("z.csv")
    status, _, err = cg("eval", "-e", "y = a", "--data", "*.csv")
    assert (status, "`z.csv` is no ordinary file" in err) == (2, True)


# ---- standard input and descriptors


@pytest.mark.parametrize("name", ["-", "/dev/stdin", "/dev/fd/0"])
def test_standard_input_by_any_name(name: str) -> None:
    assert cg("eval", "-e", "y = a", "--data", name, stdin="a\n1\n3\n") == (0, ROWS, "")
    assert cg("eval", "-e", "y = a", "--inputs", name, stdin='{"a": 2}') == (0, "y = 2\n", "")
    assert cg("eval", name, "--a", "2", stdin="y = a") == (0, "y = 2\n", "")
    assert cg("fmt", name, stdin="y=a") == (0, "y = a\n", "")
    assert cg("eval", "-e", "input x: float[n]; y = sum(x)", "--x", f"@{name}", stdin="1\n2\n") == (0, "y = 3\n", "")
    assert cg("eval", "-e", "y = x", "--x", f"@{name}:a", stdin="a,b\n1,2\n").status == 1  # a vector, not a number
    text = "input t: any; y = t.v"
    assert cg("eval", "-e", text, "--t", f"@{name}", stdin='{"v": 2}') == (0, "y = 2\n", "")


def test_a_file_on_standard_input() -> None:
    with Path("t.csv").open() as file:
        result = process("eval", "-e", "y = a", "--data", "/dev/stdin", stdin=file)
    assert (result.returncode, result.stdout) == (0, ROWS)


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        (TABLE, ["-e", "y = a", "--data"]),
        ('{"a": 1}', ["-e", "y = a", "--inputs"]),
        ("y = a", ["--a", "1"]),
        ("1\n", ["-e", "input a: float[1]; y = a", "--a"]),
    ],
)
def test_a_descriptor_that_the_shell_opened(text: str, arguments: list[str]) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as file:
        file.write(text)
    name = f"/dev/fd/{reading}"
    line = [*arguments[:-1], arguments[-1], f"@{name}" if arguments[-1] == "--a" and "-e" in arguments else name]
    command = [sys.executable, "-m", "cgcli", "eval", *line]
    done = subprocess.run(command, pass_fds=[reading], capture_output=True, text=True, timeout=60, check=False)
    os.close(reading)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("y")


@pytest.mark.parametrize(
    "arguments",
    [
        ["-", "--data", "-"],
        ["-", "--inputs", "/dev/stdin"],
        ["/dev/stdin", "--a", "@-"],
        ["-e", "y = a", "--data", "-", "--inputs", "-"],
        ["-e", "y = a + b", "--a", "@-", "--set", "b=@-"],
    ],
)
def test_standard_input_is_read_once(arguments: list[str]) -> None:
    status, out, err = cg("eval", *arguments, stdin="y = 1")
    assert (status, out) == (2, "")
    assert "would read standard input" in err


# ---- the cache


def test_a_pipe_in_the_place_of_a_cache_entry_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache.store("kind", "key", [1])
    (entry,) = (tmp_path / "cg" / "kind").iterdir()
    stored = entry.read_bytes()
    entry.unlink()
    os.mkfifo(entry)
    assert cache.load("kind", "key") is None
    entry.unlink()
    (tmp_path / "elsewhere").write_bytes(stored)
    entry.symlink_to(tmp_path / "elsewhere")
    assert cache.load("kind", "key") is None
    cache.store("kind", "key", [2])
    assert cache.load("kind", "key") == [2]


def test_a_pipe_in_the_place_of_a_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "cg").mkdir()
    os.mkfifo(tmp_path / "cg" / "kind")
    cache.store("kind", "key", [1])
    assert cache.load("kind", "key") is None


# ---- names that stand twice


def test_a_key_that_stands_twice_in_a_row() -> None:
    Path("t.jsonl").write_text('{"a": 1}\n{"a": 1, "a": 2}\n', encoding="utf-8")
    status, out, err = cg("eval", "-e", "y = a", "--data", "t.jsonl")
    assert (status, out) == (1, "")
    assert "line 2 of `t.jsonl` has the key `a` twice" in err


@pytest.mark.parametrize("kind", ["csv", "jsonl", "npz", "parquet"])
def test_names_that_programs_take_for_one(kind: str) -> None:
    names = ["\N{LATIN SMALL LETTER E WITH ACUTE}", "e\N{COMBINING ACUTE ACCENT}"]
    if kind == "csv":
        Path("x.csv").write_text(",".join(names) + "\n1,2\n", encoding="utf-8")
    elif kind == "jsonl":
        Path("x.jsonl").write_text(json.dumps(dict.fromkeys(names, 1)), encoding="utf-8")
    elif kind == "npz":
        np.savez("x.npz", **dict.fromkeys(names, np.ones(1)))  # type: ignore[arg-type]
    else:
        import pyarrow as pa
        from pyarrow import parquet

        parquet.write_table(pa.table({name: [1.0] for name in names}), "x.parquet")
    status, out, err = cg("eval", "-e", f"y = {names[0]}", "--data", f"x.{kind}")
    assert (status, out) == (1, "")
    assert f"two columns of `x.{kind}` have names that programs take for one" in err


def test_parquet_columns_of_one_name() -> None:
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.Table.from_arrays([pa.array([1.0]), pa.array([2.0])], names=["a", "a"]), "x.parquet")
    status, _, err = cg("eval", "-e", "y = a", "--data", "x.parquet")
    assert (status, "two columns of `x.parquet` are named `a`" in err) == (1, True)


def test_a_column_of_a_value_file_that_stands_twice() -> None:
    Path("x.csv").write_text("a,a\n1,2\n", encoding="utf-8")
    status, _, err = cg("eval", "-e", "input a: float[n]; y = sum(a)", "--a", "@x.csv:a")
    assert (status, "two columns of `x.csv` are named `a`" in err) == (1, True)


def test_an_input_that_is_mapped_twice() -> None:
    status, _, err = cg("eval", "-e", "y = a", "--data", "t.csv", "--map", "a=b", "--map", "a=a")
    assert (status, "`a` is given twice" in err) == (2, True)


# ---- cells


BAD = [
    "١٢",
    "1\N{NO-BREAK SPACE}",
    "\N{NO-BREAK SPACE}1",
    "1_000",
    "1e400",
    "-1e400",
    "0x10",
    "infinity",
    "INF",
    "+inf",
]
BAD += ["+-1", "1e", "--1", "1,5", "9" * 400, "1\x1f", "true", "pi"]


@pytest.mark.parametrize("text", BAD)
def test_a_cell_that_is_no_number(text: str) -> None:
    Path("x.csv").write_text(f'a\n1\n"{text}"\n', encoding="utf-8")
    for command in (["--data", "x.csv"], ["--a", "@x.csv:a"]):
        declared = "input a: float[n]; y = sum(a)" if "--a" in command else "y = a"
        status, out, err = cg("eval", "-e", declared, *command)
        assert (status, out) == (1, "")
        assert "line 3 of `x.csv`, column" in err
    Path("v.csv").write_text(f'a\n"[2, {text}]"\n', encoding="utf-8")
    status, _, err = cg("eval", "-e", "input a: float[2]; y = a", "--data", "v.csv")
    assert (status, "line 2 of `v.csv`, column `a`" in err) == (1, True)


@pytest.mark.parametrize("text", ["1e400", "9" * 400, "9" * 5000])
def test_a_number_that_no_float_holds(text: str) -> None:
    assert cg("eval", "-e", "y = a", "--a", text).status == 2
    assert cg("eval", "-e", f"y = {text}") == (0, "y = inf\n", "")  # a literal of a program, as ever
    Path("x.json").write_text(f'{{\n"a": {text}}}', encoding="utf-8")
    status, _, err = cg("eval", "-e", "y = a", "--inputs", "x.json")
    assert (status, "line 2 of `x.json`" in err) == (1, True)
    Path("x.toml").write_text(f"b = 1\na = {text}", encoding="utf-8")
    status, _, err = cg("eval", "-e", "y = a + b", "--inputs", "x.toml")
    assert ("line 2" in err, "x.toml" in err, "conversion" in err) == (True, True, False)
    Path("x.jsonl").write_text(f'{{"a": 1}}\n{{"a": {text}}}\n', encoding="utf-8")
    status, _, err = cg("eval", "-e", "y = a", "--data", "x.jsonl")
    assert (status, "line 2 of `x.jsonl`, column `a`" in err) == (1, True)
    status, out, _ = cg("eval", "-e", "y = a", "--data", "x.jsonl", "--on-error", "skip")
    assert (status, out) == (0, "y\n1.0\n")
    status, _, err = cg("eval", "-e", "input t: any; y = t.a", "--t", "@x.json")
    assert (status, "x.json:2:6" in err) == (1, True)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("+1.5", "1.5"),
        (" 2\t", "2.0"),
        (".5", "0.5"),
        ("1.", "1.0"),
        ("-0", "-0.0"),
        ("NaN", "nan"),
        ("-Infinity", "-inf"),
    ],
)
def test_a_cell_that_is_a_number(text: str, value: str) -> None:
    assert cg("eval", "-e", "y = a", "--data", "-", stdin=f'a\n"{text}"\n') == (0, f"y\n{value}\n", "")


@pytest.mark.parametrize("cell", ["2.0", "2.5", "1e3", "9223372036854775808", "-9223372036854775809", "9" * 30])
def test_a_cell_that_is_no_int(cell: str) -> None:
    status, _, err = cg("eval", "-e", "input n: int; y = n", "--data", "-", stdin=f"n\n1\n{cell}\n")
    assert (status, "line 3 of `-`, column `n`" in err) == (1, True)


def test_the_smallest_int_and_minus_zero_on_the_line() -> None:
    assert cg("eval", "-e", "input n: int; y = n", "--n", str(-(2**63))) == (0, f"y = {-(2**63)}\n", "")
    assert cg("eval", "-e", "y = 1 / a", "--a", "-0").out == "y = -inf\n"
    assert cg("eval", "-e", "input n: int; y = n", "--n", "-0").out == "y = 0\n"


def test_literals_in_cells_of_vectors() -> None:
    text = "input x: float[2]; y = x"
    table = 'x\n"[nan, .5]"\n"[-inf, 1e3]"\n"[ +1 , -0 ]"\n'
    wanted = "y[0],y[1]\nnan,0.5\n-inf,1000.0\n1.0,-0.0\n"
    assert cg("eval", "-e", text, "--data", "-", stdin=table) == (0, wanted, "")
    Path("x.jsonl").write_text('{"x": ["NaN", 0.5]}\n{"x": ["-Infinity", 1e3]}\n{"x": [1, -0]}\n', encoding="utf-8")
    assert cg("eval", "-e", text, "--data", "x.jsonl") == (0, wanted, "")


@pytest.mark.parametrize(
    "cell", ["[1, 2", "[1, 2]]", "[1 2]", "[1,,2]", "[1, 2,]", "[1, true]", "[[1], [2]]", "[" * 900 + "]" * 900]
)
def test_a_cell_that_is_no_vector(cell: str) -> None:
    table = f'x\n"[1, 2]"\n"{cell}"\n'
    status, out, err = cg("eval", "-e", "input x: float[2]; y = x", "--data", "-", stdin=table)
    assert (status, out) == (1, "")
    assert "line 3 of `-`, column `x`" in err


@pytest.mark.parametrize(("value", "declared"), [(2.5, "int"), (True, "float"), (2**63, "int"), (2**40, "i32")])
@pytest.mark.parametrize("kind", ["npz", "parquet"])
def test_a_cell_of_arrays_that_does_not_fit_says_where_it_stands(value: float, declared: str, kind: str) -> None:
    x = np.array([value if isinstance(value, (bool, float)) else 1, value], dtype="uint64" if value == 2**63 else None)
    if kind == "npz":
        if value == 2**63:
            return  # an error of the file, which is of 64 bits
        np.savez("x.npz", a=x)
    else:
        import pyarrow as pa
        from pyarrow import parquet

        parquet.write_table(pa.table({"a": x}), "x.parquet")
    status, _, err = cg("eval", "-e", f"input a: {declared}; y = 1.0", "--data", f"x.{kind}")
    line = 1 if isinstance(value, (bool, float)) else 2
    assert (status, f"line {line} of `x.{kind}`, column `a`" in err) == (1, True), err


def test_data_that_nest_deep() -> None:
    deep = "[" * 900 + "1" + "]" * 900
    Path("x.json").write_text(f'{{"a": {deep}}}', encoding="utf-8")
    status, _, err = cg("eval", "-e", "input a: float[n]; y = a", "--inputs", "x.json")
    assert (status, "`x.json` gives the input `a` more than 32 axes" in err) == (1, True)
    Path("x.jsonl").write_text(f'{{"a": {deep}}}\n', encoding="utf-8")
    status, _, err = cg("eval", "-e", "y = a", "--data", "x.jsonl")
    assert (status, "line 1 of `x.jsonl`, column `a`" in err) == (1, True)
    assert cg("eval", "-e", "input a: any; y = 1", "--data", "x.jsonl") == (0, "y\n1\n", "")


# ---- what the program does not need


def test_a_program_that_needs_no_column_gives_its_value_in_every_row() -> None:
    status, out, err = cg("eval", "-e", "input q = 3; y = q; z = [1, q]; output y, z", "--data", "t.csv")
    assert (status, out) == (0, "y,z[0],z[1]\n3.0,1.0,3.0\n3.0,1.0,3.0\n")
    assert "no input asks for the columns `a`, `b`" in err
    assert cg("grad", "-e", "y = 3 * q", "--q", "2", "--data", "t.csv").out == "y,dy/dq\n6.0,3.0\n6.0,3.0\n"
    assert cg("eval", "-e", "y = 7", "--data", "t.csv", "--mode", "dynamic").out == "y\n7\n7\n"


def test_a_line_without_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cgcli.data.text_tables.LONGEST_LINE", 20)
    Path("x.csv").write_text("a\n" + "1" * 30 + "\n", encoding="utf-8")
    status, _, err = cg("eval", "-e", "y = a", "--data", "x.csv")
    assert (status, "line 2 of `x.csv` has more than" in err) == (1, True)


def test_a_table_that_is_no_utf8_or_has_an_open_quote() -> None:
    Path("x.csv").write_bytes(b"a\n1\n\xff\n")
    assert "`x.csv` cannot be read: it is not UTF-8 text" in cg("eval", "-e", "y = a", "--data", "x.csv").err
    Path("x.csv").write_bytes(b'a\n1\n"2\n')
    assert "`x.csv` cannot be read: line 3" in cg("eval", "-e", "y = a", "--data", "x.csv").err


# ---- how many rows there will be


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "npz"])
def test_the_number_of_rows_is_known_by_the_first_ones(kind: str, tmp_path: Path) -> None:
    """By the file itself, or about, by the bytes of the first rows."""
    path, x = tmp_path / f"t.{kind}", np.arange(20_000.0)
    if kind == "csv":
        path.write_text("x\n" + "".join(f"{v:10}\n" for v in x))
    elif kind == "jsonl":
        path.write_text("".join(f'{{"x": {v:10}}}\n' for v in x))
    elif kind == "npz":
        np.savez(path, x=x)
    else:
        pytest.importorskip("pyarrow.parquet").write_table(pytest.importorskip("pyarrow").table({"x": x}), path)
    with open_table(str(path)) as table:
        chunk, read = next(iter(table.read(5_000)))
        rows = table.expected_rows(len(chunk), read)
    assert 0.8 * len(x) < rows < 1.3 * len(x)
    assert kind in ("csv", "jsonl") or rows == len(x)


def test_of_a_stream_the_first_rows_are_all_that_is_known() -> None:
    with subprocess.Popen([sys.executable, "-c", "print('x\\n' + '1\\n' * 100)"], stdout=subprocess.PIPE) as source:
        assert source.stdout is not None
        with open_table(f"/dev/fd/{source.stdout.fileno()}") as table:
            chunk, read = next(iter(table.read(10)))
            assert table.expected_rows(len(chunk), read) == 10
