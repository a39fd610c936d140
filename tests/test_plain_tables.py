"""Tables of texts that pyarrow may read and write: the same values, places and errors as by the careful reader."""

from __future__ import annotations

import gzip
import io
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from cli_harness import cg

from cgcli.data import arrow_csv, sinks, text_tables
from cgcli.data.cells import converted
from cgcli.data.tables import open_table
from cgcli.diagnostics.diagnostic import CgError
from cgcli.graph.types import BOOL, FLOAT, INT, Type

CELLS = ["1", "-0", "0", "-1.5", "+2", ".5", "1.", "1e5", "1E-7", "00012", " 3", "4\t", "1e400", "nan", "NaN", "NAN"]
CELLS += ["inf", "Infinity", "INF", "", "x", "1_0", "9223372036854775807", "9223372036854775808", "true", "TRUE", "１"]
CELLS += ["5e-324", "1.7976931348623157e308", "0x10", "1,5", "é", "-", "1e", "--1"]
ENDS = ["\n", "\n", "\n", "\r\n", "\n\n", "\r"]


def table_text(random: Random) -> str:
    """A table of three columns; most are plain."""
    plain = random.random() < 0.7
    lines = ["a,b,c"]
    for _ in range(random.randrange(1, 60)):
        row = [repr(random.gauss(0, 10)), str(random.randrange(-9, 9)), random.choice(["true", "false"])]
        if random.random() < 0.1:
            row[random.randrange(3)] = random.choice(CELLS)
        if not plain and random.random() < 0.05:
            row = random.choice([row[:2], [*row, "1"], ['"1"', *row[1:]], ['"1\n2"', *row[1:]]])
        lines.append(",".join(row))
    end = "\n" if plain else random.choice(ENDS)
    return end.join(lines) + random.choice(["", end])


def rows_of(path: Path, rows: int) -> list[Any]:
    """The values and places of all rows of a table, or the error that ends it."""
    contents: list[Any] = []
    kinds: dict[str, Type] = {"a": FLOAT, "b": INT, "c": BOOL}
    try:
        with open_table(str(path)) as table:
            for chunk, _ in table.read(rows, kinds):
                for name, kind in kinds.items():
                    array, bad = converted(chunk.columns[name], kind)
                    contents.append((name, array.tobytes(), bad, list(chunk.columns[name])))
                contents.append(list(chunk.locations))
    except CgError as problem:
        contents.append((problem.diagnostics[0].code, dict(problem.diagnostics[0].values)))
    return contents


@pytest.mark.parametrize("seed", range(60))
def test_both_readers_read_the_same(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(seed)
    path = tmp_path / "t.csv"
    path.write_text(table_text(random), encoding="utf-8", newline="")
    if seed % 4 == 0:
        monkeypatch.setattr(text_tables, "LONGEST_LINE", 30)
    careful = rows_of(path, 7)
    monkeypatch.setattr(text_tables, "PLAIN_ROWS", 1)
    monkeypatch.setattr(text_tables, "LEAST", 1)
    monkeypatch.setattr(text_tables, "BLOCK", random.choice([10, 100, 1000]))
    assert rows_of(path, 7) == careful


def test_plain_rows_are_read_by_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b,c\n" + "1.5,2,true\n" * 30)
    monkeypatch.setattr(text_tables, "PLAIN_ROWS", 1)
    monkeypatch.setattr(text_tables, "LEAST", 1)
    with open_table(str(path)) as table:
        kinds = {type(chunk.columns["a"]) for chunk, _ in table.read(7)}
    assert kinds == {arrow_csv.Texts}


def written(columns: dict[str, Any], monkeypatch: pytest.MonkeyPatch, least: int) -> str:
    monkeypatch.setattr(sinks, "PLAIN_ROWS", least)
    out = io.StringIO()
    with sinks.sink(None, out) as table:
        table.write(columns)
    return out.getvalue()


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "bool"])
def test_both_writers_write_the_same(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    edges = [
        0.0,
        -0.0,
        1.0,
        1e-4,
        1e16,
        1e10,
        9999999999.5,
        1e10 + 0.5,
        1e22,
        5e-324,
        np.nan,
        np.inf,
        -np.inf,
        0.1,
        1e-5,
    ]
    numbers = np.concatenate([edges, random.normal(size=500), 10.0 ** random.uniform(-30, 30, 500)])
    with np.errstate(all="ignore"):
        x = numbers.astype(dtype)
    columns = {"x": x, "y": x[::-1].copy()}
    assert written(columns, monkeypatch, 1) == written(columns, monkeypatch, 10**9)


def test_a_carried_column_of_texts_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    columns: dict[str, Sequence[Any]] = {"id": ['a"b', "c,d"], "x": np.array([1.5, 2.0])}
    assert written(columns, monkeypatch, 1) == 'id,x\n"a""b",1.5\n"c,d",2.0\n'


KINDS_OF_TEXT = {
    "t.csv": b"a,b\n1,2\n3,4\n",
    "semicolons.csv": b"a;b\n1;2\n3;4\n",
    "tabs.csv": b"a\tb\n1\t2\n3\t4\n",
    "commas.tsv": b"a,b\n1,2\n3,4\n",
    "utf16.csv": "a,b\n1,2\n3,4\n".encode("utf-16"),
    "windows.csv": "\ufeffa;b\r\n1;2\r\n3;4\r\n".encode(),
    "utf16.jsonl": '{"a": 1, "b": 2}\n{"a": 3, "b": 4}\n'.encode("utf-16"),
    "t.csv.gz": gzip.compress(b"a,b\n1,2\n3,4\n"),
    "t.jsonl.gz": gzip.compress(b'{"a": 1, "b": 2}\n{"a": 3, "b": 4}\n'),
    "semicolons.tsv.GZ": gzip.compress(b"a;b\n1;2\n3;4\n"),
}


@pytest.mark.parametrize("name", KINDS_OF_TEXT)
def test_kinds_of_text(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(KINDS_OF_TEXT[name])
    done = cg("eval", "-e", "y = a - b", "--data", str(tmp_path / name))
    assert (done.status, done.out, done.err) == (0, "y\n-1.0\n-1.0\n", "")


@pytest.mark.parametrize("cut", [5, 20, 30])
def test_a_cut_archive_is_said_to_be_damaged(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n1,2\n3,4\n")[:cut])
    done = cg("eval", "-e", "y = a - b", "--data", str(path))
    assert done.status == 1
    assert "`" + str(path) + "`" in done.err


@pytest.mark.parametrize(("true", "false"), [("true", "false"), ("True", "False"), ("TRUE", "FALSE")])
def test_words_for_bools(true: str, false: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"a,b\n1,{true}\n2,{false}\n")
    done = cg("eval", "-e", "input a; input b: bool; y = if b then a else -a", "--data", str(tmp_path / "t.csv"))
    assert done.out == "y\n1.0\n-2.0\n", done.err
