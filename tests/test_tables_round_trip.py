"""What cg writes it reads: tables of every kind, of any values, without rows."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_harness import cg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cgcli.data.cells import converted, side_by_side
from cgcli.data.sinks import sink
from cgcli.data.tables import open_table
from cgcli.graph.types import Type
from cgcli.program.columns import _elements

KINDS = ["csv", "tsv", "jsonl", "npz", "parquet", "arrow", "feather"]
NAMES = st.text(st.sampled_from("abyé中 ,;\"'\n\t[]{}.:@\\%"), min_size=1, max_size=6).filter(
    lambda name: name == name.strip() and not _elements([name])
)
TYPES = {"float64": "float", "float32": "f32", "int64": "int", "bool": "bool"}
ELEMENTS: dict[str, Any] = {
    "float64": st.floats(width=64, allow_nan=False) | st.just(float("nan")) | st.just(-0.0),
    "float32": st.floats(width=32, allow_nan=False) | st.just(float("nan")),
    "int64": st.integers(-(2**63), 2**63 - 1) | st.sampled_from([-(2**63), 2**63 - 1, 2**53 + 1]),
    "bool": st.booleans(),
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Any]:
    rows = draw(st.integers(1, 4))
    names = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    columns = {}
    for name in names:
        dtype = draw(st.sampled_from(sorted(TYPES)))
        shape = draw(st.sampled_from([(), (), (1,), (3,), (2, 2), (0,), (2, 0)]))
        columns[name] = draw(arrays.arrays(dtype, (rows, *shape), elements=ELEMENTS[dtype]))
    return columns


def read_back(path: str, name: str, x: Any) -> Any:
    """The column, or the columns of a tensor's elements, as the input of that type would take it."""
    t = Type(TYPES[str(x.dtype)], x.shape[1:])
    with open_table(path) as table:
        (chunk,) = [chunk for chunk, _ in table.read(1000)]
        assert table.columns is not None
        if name in table.columns:
            array, bad = converted(chunk.columns[name], t)
            assert bad == []
        else:
            columns, shape = _elements(table.columns)[name]
            assert shape is not None
            assert shape == x.shape[1:]
            parts = [converted(chunk.columns[column], t._replace(shape=())) for column in columns]
            assert not any(bad for _, bad in parts)
            array = side_by_side([part for part, _ in parts], shape)
    return array.astype(x.dtype)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(columns=tables())
def test_every_kind_of_table_reads_back_bit_for_bit(kind: str, columns: dict[str, Any]) -> None:
    path = f"out.{kind}"
    with sink(path) as out:
        out.write(columns)
    for name, x in columns.items():
        array = read_back(path, name, x)
        assert array.shape == x.shape
        nan = x != x  # whose bits no text keeps
        assert (array != array).tolist() == nan.tolist()
        assert array[~nan].tobytes() == x[~nan].tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_may_have_any_name(kind: str) -> None:
    with sink(f"out.{kind}") as out:
        out.write({"file": np.array([1.0]), "allow_pickle": np.array([2.0]), "dy/da": np.array([3.0])})
    with open_table(f"out.{kind}") as table:
        assert table.columns == ("file", "allow_pickle", "dy_da" if kind == "npz" else "dy/da")


# ---- tables without rows


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", ["", "x,1,true\n"])
def test_a_table_without_rows_keeps_its_columns(kind: str, rows: str) -> None:
    Path("t.csv").write_text(f"a,n,up\n{rows}", encoding="utf-8")
    text = (
        "input a: float; input n: int; input up: bool; b = 2 * a; k = n + 1; v = [a, b]; w = not up; output b, k, v, w"
    )
    status, out, _ = cg("eval", "-e", text, "--data", "t.csv", "--on-error", "skip", "-o", f"out.{kind}")
    assert (status, out) == (0, "")
    text = "input b: float; input k: int; input v: float[2]; input w: bool; y = b + k + sum(v); output y, w"
    status, out, err = cg("eval", "-e", text, "--data", f"out.{kind}")
    assert (status, out, err) == (0, "y,w\n", "")


def test_derivatives_of_no_rows_have_columns() -> None:
    assert cg("grad", "-e", "y = a * b", "--data", "-", stdin="a,b\n") == (0, "y,dy/da,dy/db\n", "")


def test_a_dynamic_program_of_no_rows_has_its_outputs() -> None:
    assert cg("eval", "-e", "y = 2 * a", "--mode", "dynamic", "--data", "-", stdin="a\n") == (0, "y\n", "")


def test_json_lines_without_rows_have_any_columns() -> None:
    Path("t.jsonl").write_text("\n", encoding="utf-8")
    assert cg("eval", "-e", "y = a + x", "--data", "t.jsonl", "--map", "a=price") == (0, "y\n", "")
    Path("u.jsonl").write_text('{"a": 1, "x": 2}\n', encoding="utf-8")
    assert cg("eval", "-e", "y = a + x", "--data", "*.jsonl") == (0, "y\n3.0\n", "")


def test_an_array_of_no_rows() -> None:
    np.save("a.npy", np.zeros(0))
    assert cg("eval", "-e", "y = a", "--data", "a.npy") == (0, "y\n", "")


@pytest.mark.parametrize("kind", KINDS)
def test_a_tensor_goes_back_into_an_input_of_its_name(kind: str) -> None:
    assert (
        cg("eval", "-e", "x = [[a, 2, 3], [4, 5, -a]]", "--data", "-", "-o", f"o.{kind}", stdin="a\n1\n-inf\n").status
        == 0
    )
    status, out, err = cg(
        "eval", "-e", "input x: float[2, 3]; y = x[0, 0]; z = x[1, 2]; output y, z", "--data", f"o.{kind}"
    )
    assert (status, out, err) == (0, "y,z\n1.0,-1.0\n-inf,inf\n", "")
