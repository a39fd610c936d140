"""Columns that go from a table into the result as they are, into files of every kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from cli_harness import cg
from pyarrow import feather, parquet

from cgcli import parse
from cgcli.data.arrow import ArrowWriter
from cgcli.data.sinks import sink
from cgcli.diagnostics.diagnostic import CgError
from cgcli.program.mapping import map_rows
from cgcli.program.tables import TableSettings


def carried(source: Path, target: Path, columns: str | list[str] = "all") -> None:
    settings = TableSettings(carry="all" if columns == "all" else list(columns))
    map_rows(parse("input x: float; y = 2 * x"), source, {}, settings, out=target)


def rows_of(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    table = parquet.read_table(path) if path.suffix == ".parquet" else feather.read_table(path)
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


@pytest.mark.parametrize("kind", ["jsonl", "parquet", "arrow"])
def test_numbers_of_json_stay_numbers_beside_unusual_ones(kind: str, tmp_path: Path) -> None:
    text = '{"x": 1.0, "n": 4611686018427387905, "l": [[1, 2.5]], "z": -0}\n{"x": 2.0, "n": -1, "l": [], "z": 1.5}\n'
    (tmp_path / "t.jsonl").write_text(text)
    carried(tmp_path / "t.jsonl", tmp_path / f"r.{kind}")
    first, second = rows_of(tmp_path / f"r.{kind}")
    assert first == {"x": 1.0, "n": 4611686018427387905, "l": [[1, 2.5]], "z": 0.0, "y": 2.0}
    assert np.signbit(first["z"])
    assert second == {"x": 2.0, "n": -1, "l": [], "z": 1.5, "y": 4.0}


def test_json_keeps_numbers_of_any_length(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text(f'{{"x": 1.0, "n": [{10**30}], "w": 1e400}}\n')
    carried(tmp_path / "t.jsonl", tmp_path / "r.jsonl")
    assert rows_of(tmp_path / "r.jsonl") == [{"x": 1.0, "n": [10**30], "w": "1e400", "y": 2.0}]


PIECES: dict[str, tuple[list[list[Any]], str]] = {
    "missing first": ([[None, None], ["a", None]], "string"),
    "whole numbers first": ([[1, 2], [None, 3], [1.5]], "double"),
    "numbers first": ([[1.5], [2]], "double"),
    "only missing": ([[None], [None]], "null"),
    "lists": ([[[]], [[1]], [[1.5]]], "list<item: double>"),
}


@pytest.mark.parametrize("name", PIECES)
@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_a_column_has_one_type_whatever_its_first_cells_are(kind: str, name: str, tmp_path: Path) -> None:
    pieces, type_ = PIECES[name]
    path = tmp_path / f"r.{kind}"
    with sink(str(path)) as out:
        for cells in pieces:
            out.write({"m": cells, "y": np.arange(len(cells), dtype="float64")})
    table = parquet.read_table(path) if kind == "parquet" else feather.read_table(path)
    assert str(table.schema.field("m").type).replace("element", "item") == type_
    assert table.column("m").to_pylist() == [cell for cells in pieces for cell in cells]


def test_a_column_with_and_without_missing_cells(tmp_path: Path) -> None:
    pieces: list[Any] = [np.array([1, 2], "int32"), [None, 3], np.array([4], "int32")]
    for order in (pieces, pieces[::-1], [pieces[1], pieces[0]]):
        with sink(str(tmp_path / "r.parquet")) as out:
            for cells in order:
                out.write({"m": cells})
        assert parquet.read_table(tmp_path / "r.parquet")["m"].to_pylist() == [
            int(c) if c else c for p in order for c in p
        ]


@pytest.mark.parametrize(
    "pieces", [[[1, "a"]], [["a"], [1]], [[1], ["a"]], [[True, 1]], [[True], [1]], [[2**70]], [[1.5], ["a"]]]
)
def test_a_column_of_several_kinds_is_an_error_of_arrow_files(pieces: list[list[Any]], tmp_path: Path) -> None:
    def write() -> None:
        with sink(str(tmp_path / "r.parquet")) as out:
            for cells in pieces:
                out.write({"m": cells})

    with pytest.raises(CgError) as problem:
        write()
    assert problem.value.diagnostics[0].code == "column-mixed"
    assert not (tmp_path / "r.parquet").exists()


def test_texts_are_written_as_they_come(tmp_path: Path) -> None:
    with (tmp_path / "r.parquet").open("wb") as file:
        writer = ArrowWriter(file, "parquet")
        writer.write({"id": ["a"], "y": np.zeros(1)})
        assert not writer.held
        writer.close()


@pytest.mark.parametrize(
    ("pieces", "cells"),
    [
        ([[1, 2], [1.5]], [1.0, 2.0, 1.5]),
        ([[1], [None, "a"]], ["1", "", "a"]),
        ([[True], [False]], [True, False]),
        ([[True], [2]], ["true", "2"]),
        ([np.array([1, 2]), [None]], ["1", "2", ""]),
    ],
)
def test_an_array_of_cells_is_of_all_of_them(pieces: list[Any], cells: list[Any], tmp_path: Path) -> None:
    with sink(str(tmp_path / "r.npz")) as out:
        for part in pieces:
            out.write({"m": part})
    assert np.load(tmp_path / "r.npz")["m"].tolist() == cells


@pytest.mark.parametrize("kind", ["jsonl", "parquet", "npz"])
def test_carried_numbers_are_not_rounded(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if kind == "jsonl":
        Path("t.jsonl").write_text('{"x": 1.23456, "m": 1.23456}\n')
    elif kind == "npz":
        np.savez("t.npz", x=[1.23456], m=[1.23456])
    else:
        parquet.write_table(pa.table({"x": [1.23456], "m": [1.23456]}), "t.parquet")
    words = ["eval", "-e", "input x; y = 2 * x", "--data", f"t.{kind}", "--carry", "m", "--precision", "3"]
    assert cg(*words).out == "m,y\n1.23456,2.47\n"
