"""A program over a table in memory, from Python."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from cgcli import parse
from cgcli.diagnostics.diagnostic import CgError
from cgcli.program.mapping import map_rows
from cgcli.program.rows import Derivatives
from cgcli.program.tables import TableEvents, TableSettings, map_table

pd = pytest.importorskip("pandas")  # which an environment for the portable tests alone lacks

ARTICLE = "d = a + b\ne = b - c\ny = d * e"
TABLE = {"a": [1.0, 2.0, 4.0], "b": [2.0, 3.0, 4.0], "c": [3.0, 1.0, 4.0]}


def mapped(text: str, data: Any, values: Mapping[str, Any] | None = None, **options: Any) -> Any:
    settings = TableSettings(**{k: options.pop(k) for k in list(options) if k in TableSettings.__dataclass_fields__})
    return map_rows(parse(text), data, values or {}, settings, **options)


def test_a_mapping_gives_a_dict_of_arrays() -> None:
    (result,) = mapped(ARTICLE, TABLE).items()
    assert result[0] == "y"
    assert result[1].tolist() == [-3.0, 10.0, 0.0]


def test_derivatives_are_columns() -> None:
    result = mapped(ARTICLE, TABLE, derivatives=Derivatives(wrt=["b"]))
    assert {name: x.tolist() for name, x in result.items()} == {"y": [-3.0, 10.0, 0.0], "dy/db": [2.0, 7.0, 8.0]}


def test_values_are_the_same_in_every_row() -> None:
    assert mapped("y = k * x", {"x": [1, 2]}, {"k": 3})["y"].tolist() == [3.0, 6.0]


def test_a_pattern_makes_a_vector() -> None:
    columns = {"p1": [1.0, 2.0], "p2": [3.0, 4.0]}
    assert mapped("input x: float[n]; y = sum(x)", columns, patterns={"x": "p*"})["y"].tolist() == [4.0, 6.0]


def test_a_table_of_arrow_gives_one() -> None:
    result = mapped("input x: float[2]; y = 2 * x", pa.table({"x": [[1.0, 2.0], [3.0, 4.0]]}))
    assert isinstance(result, pa.Table)
    assert result.to_pydict() == {"y": [[2.0, 4.0], [6.0, 8.0]]}


def test_any_object_with_arrow_data_is_a_table() -> None:
    class Stream:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return pa.table({"x": [1, 2]}).__arrow_c_stream__(requested_schema)

    assert mapped("y = x^2", Stream()).to_pydict() == {"y": [1.0, 4.0]}


def test_pandas_keeps_its_index() -> None:
    frame = pd.DataFrame({"x": pd.array([1, None, 3], dtype="Int64")}, index=["p", "q", "r"])
    result = mapped("y = x^2", frame, on_error="skip")
    assert type(result) is pd.DataFrame
    assert result.to_dict() == {"y": {"p": 1.0, "r": 9.0}}
    assert np.isnan(mapped("y = x^2", pd.DataFrame({"x": [float("nan")]}))["y"][0])
    result = mapped("z = [x, 2 * x]", frame[:1])
    assert result.to_dict() == {"z[0]": {"p": 1.0}, "z[1]": {"p": 2.0}}


def test_polars_gives_polars() -> None:
    polars = pytest.importorskip("polars")
    result = mapped("y = x^2", polars.DataFrame({"x": [1.0, 3.0], "name": ["p", "q"]}), carry=["name"])
    assert result.to_dict(as_series=False) == {"name": ["p", "q"], "y": [1.0, 9.0]}


def test_a_path_gives_a_dict_or_writes_a_file(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x\n1\n2\n")
    assert mapped("y = x^2", tmp_path / "t.csv")["y"].tolist() == [1.0, 4.0]
    assert mapped("y = x^2", str(tmp_path / "t.csv"), out=tmp_path / "r.csv") is None
    assert (tmp_path / "r.csv").read_text() == "y\n1.0\n4.0\n"
    assert mapped("y = x^2", {"x": [3]}, out=tmp_path / "r.csv") is None
    assert (tmp_path / "r.csv").read_text() == "y\n9.0\n"


def test_columns_are_carried_through() -> None:
    data = {"id": ["p", "q", "r"], "x": ["1", "?", "3"]}
    result = mapped("y = x^2", data, carry="all", on_error="skip", numbered=True)
    assert {name: list(x) for name, x in result.items()} == {
        "row": [1, 3],
        "id": ["p", "r"],
        "x": ["1", "3"],
        "y": [1.0, 9.0],
    }


def test_a_table_without_rows_has_its_columns() -> None:
    result = mapped("y = x^2", {"x": [], "id": []}, carry=["id"], numbered=True)
    assert {name: list(x) for name, x in result.items()} == {"row": [], "id": [], "y": []}


@pytest.mark.parametrize(
    ("code", "text", "data", "options"),
    [
        ("no-table-value", "y = x", 3, {}),
        ("column-alone", "y = x", {"x": 3}, {}),
        ("table-lengths", "y = x", {"x": [1, 2], "z": [1]}, {}),
        ("table-cell", "y = x", {"x": [1, None]}, {}),
        ("missing-inputs", "y = x", {}, {}),
        ("no-such-column", "y = x", {"x": [1]}, {"carry": ["id"]}),
        ("carry-twice", "y = x", {"x": [1], "y": [2]}, {"carry": ["y"]}),
        ("carry-twice", "row = x", {"x": [1]}, {"numbered": True}),
        ("bad-choice", "y = x", {"x": [1, None]}, {"on_error": "ignore"}),
        ("bad-count", "input x: float[n]; y = sum(x)", {"x": [1, 2]}, {"batch": 0}),
        ("bad-count", "input x: float[n]; y = sum(x)", {"x": [1, 2]}, {"batch": -1}),
        ("carry-batch", "input x: float[n]; y = sum(x)", {"x": [1, 2]}, {"batch": 2, "numbered": True}),
        ("input-twice-mapped", "y = x * k", {"x": [1]}, {"values": {"k": 2}, "patterns": {"k": "x"}}),
    ],
)
def test_errors(code: str, text: str, data: Any, options: dict[str, Any]) -> None:
    with pytest.raises(CgError) as problem:
        mapped(text, data, **options)
    assert problem.value.diagnostics[0].code == code


def test_the_failing_row_is_named() -> None:
    with pytest.raises(CgError) as problem:
        mapped("assert x < 3; y = x", {"x": [1, 2, 3, 4]})
    note, first = problem.value.diagnostics[:2]
    assert (note.code, note.severity, note.values["line"]) == ("row-fails", "note", 3)
    assert first.code == "assertion-failed-plain"


def test_events_are_reported() -> None:
    class Recorder(TableEvents):
        def __init__(self) -> None:
            self.events: list[Any] = []

        def unused(self, columns: Any) -> None:
            self.events.append(("unused", list(columns)))

        def progress(self, rows: int, read: int, size: int | None) -> None:
            self.events.append(("progress", rows, read, size))

        def warnings(self, warnings: Any) -> None:
            self.events.append(("warnings", [w.values["count"] for w in warnings]))

        def skipped(self, rows: int, total: int) -> None:
            self.events.append(("skipped", rows, total))

    from cgcli.data.frames import Columns, frame_of

    data = {"x": [1.0, 2.0, None, 9.0], "z": [0, 0, 0, 0]}
    recorder, out = Recorder(), Columns()
    program = parse("input x: float in 0..5; y = 2 * x")
    map_table(program, {}, frame_of(data).table, out, TableSettings(on_error="skip"), events=recorder)
    assert recorder.events == [
        ("unused", ["z"]),
        ("progress", 3, 0, None),
        ("warnings", [1]),
        ("skipped", 1, 4),
    ]
    assert out.columns()["y"].tolist() == [2.0, 4.0, 18.0]


def test_many_rows_are_the_rows_of_one_call() -> None:
    x = np.random.default_rng(0).normal(size=200_000)
    assert np.array_equal(mapped("y = sin(x) * x", {"x": x})["y"], np.sin(x) * x)


def test_columns_of_another_library_give_such_columns() -> None:
    torch = pytest.importorskip("torch")
    result = mapped("y = x^2", {"x": torch.tensor([1.0, 3.0], dtype=torch.float64), "id": ["p", "q"]}, carry=["id"])
    assert (result["id"], result["y"].tolist(), type(result["y"])) == (["p", "q"], [1.0, 9.0], torch.Tensor)


def test_programs_map_and_fit_tables(tmp_path: Path) -> None:
    program = parse(ARTICLE)
    assert program.map(TABLE)["y"].tolist() == [-3.0, 10.0, 0.0]
    assert program.map({"a": [1.0]}, {"b": 2}, c=3)["y"].tolist() == [-3.0]
    assert program.map_grad(TABLE, wrt=["b"])["dy/db"].tolist() == [2.0, 7.0, 8.0]
    assert program.map(TABLE, out=tmp_path / "r.csv") is None
    assert (tmp_path / "r.csv").read_text() == "y\n-3.0\n10.0\n0.0\n"
    text = "input x; input t; param w: float = 0; output y, loss; y = w * x; loss = (y - t)^2"
    rows = {"x": [1.0, 2.0, 3.0, 4.0], "t": [2.0, 4.0, 6.0, 8.0]}
    fitted = parse(text).fit(rows, loss="loss", optimizer="lbfgs")
    assert fitted.params["w"] == pytest.approx(2.0)
    assert fitted.predict({"x": [5.0]}) == {"y": pytest.approx([10.0])}
    fitted = parse(text).fit(rows, {"w": 1.0}, loss="loss", epochs=3, weight_decay=0.1, validation=rows)
    assert len(fitted.history) == 3
    assert fitted.validation is not None
    copied = pickle.loads(pickle.dumps(fitted))
    assert copied.predict({"x": [5.0]})["y"].tolist() == fitted.predict({"x": [5.0]})["y"].tolist()


def test_a_dynamic_program_maps_row_by_row() -> None:
    program = parse("fn f(n) = if n < 1 then 0 else n + f(n - 1)\ny = f(x)", mode="dynamic")
    assert program.map({"x": [1, 2, 3]})["y"].tolist() == [1.0, 3.0, 6.0]


def test_a_fit_without_a_table() -> None:
    fitted = parse("param w = 3.0; loss = (w - 1)^2").fit(loss="loss", optimizer="lbfgs")
    assert fitted.params["w"] == pytest.approx(1.0)


def test_writing_to_a_result_changes_nothing_else() -> None:
    x = np.arange(5.0)
    result = parse("output y, z; y = x; z = x").map({"x": x}, options=TableSettings(carry=["x"]))
    for column in result.values():
        column[:] += 1
    assert x.tolist() == [0, 1, 2, 3, 4]
    assert all(column.tolist() == [1, 2, 3, 4, 5] for column in result.values())
    assert parse("y = 3").map({"x": x})["y"].flags.writeable
    vector = parse("input x: float[n]; output y; y = x")
    y = vector(x=x)
    y += 1
    partials = parse("input x: float[n]; input k: float[n]; y = sum(k * x)").grad(x=x, k=x)
    partials["x"][:] = 7
    assert x.tolist() == [0, 1, 2, 3, 4]


def test_a_table_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x\n1\n")
    (tmp_path / "link.csv").symlink_to(path)
    for out in (path, tmp_path / "link.csv"):
        with pytest.raises(CgError, match="would write over"):
            parse("y = x").map(path, out=out)
    assert path.read_text() == "x\n1\n"


def test_rows_that_are_left_out_need_no_column_of_their_own() -> None:
    data = {"x": [1.0, None, 3.0], "row": ["a", "b", "c"]}
    assert mapped("y = x", data, carry=["row"], on_error="skip")["row"] == ["a", "c"]
    assert mapped("row = 2 * x", data, on_error="skip", patterns={"x": "x"})["row"].tolist() == [2.0, 6.0]
    sums = mapped("input x: float[n]; y = sum(x)", {"x": [1.0, None, 3.0]}, batch=3, on_error="skip")
    assert sums["y"].tolist() == [4.0]


def test_data_frames_of_results_a_batch_and_of_repeated_names() -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0]})
    assert mapped("input x: float[n]; y = sum(x)", frame, batch=2)["y"].tolist() == [3.0, 7.0]
    with pytest.raises(CgError) as problem:
        mapped("y = x", pd.DataFrame([[1.0, 2.0, 3.0]], columns=["x", "z", "z"]))
    assert problem.value.diagnostics[0].code == "table-repeats"


def test_unknown_names_of_outputs_and_settings() -> None:
    program = parse("input x; param w = 1.0; loss = (w * x - 1)^2")
    for code, call in {
        "no-such-output": lambda: program.map({"x": [1]}, outputs=["z"]),
        "no-such-setting": lambda: program.fit({"x": [1]}, loss="loss", w=2),
        "name-type": lambda: program({1: 2}),
        "input-type": lambda: program(x=None),
    }.items():
        with pytest.raises(CgError) as problem:
            call()
        assert problem.value.diagnostics[0].code == code
        assert code not in str(problem.value)
    outputs = parse("input x; output y, z; y = x; z = x")(x=1)
    with pytest.raises(KeyError, match="by name"):
        outputs[0]


def test_data_frames_with_cells_of_several_kinds() -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0], "m": pd.Series([1, "a", None], dtype=object)})
    result = mapped("y = x", frame, carry=["m"])
    assert result["m"].tolist()[:2] == [1, "a"]
    assert result["m"].isna().tolist() == [False, False, True]
    with pytest.raises(CgError) as problem:
        mapped("input m; y = m", frame)
    assert problem.value.diagnostics[0].code == "table-cell"


def test_a_column_of_dates_is_an_error_where_an_input_asks_for_it() -> None:
    days = pd.to_datetime(["2026-01-01", "2026-01-02"])
    frame = pd.DataFrame({"x": [1.0, 2.0], "day": days})
    assert mapped("y = x^2", frame)["y"].tolist() == [1.0, 4.0]
    for text, options in (("y = day", {}), ("y = x", {"carry": "day"})):
        with pytest.raises(CgError, match="`day` of `<table>` holds dates"):
            mapped(text, frame, **options)


def test_what_is_no_table_is_said() -> None:
    with pytest.raises(CgError, match="`Series` is no table"):
        mapped("y = x", pd.Series([1.0]))


def test_one_name_stands_for_a_list() -> None:
    assert list(mapped("y = x", {"x": [1], "id": ["p"]}, carry="id")) == ["id", "y"]
    text = "input x; input k: int; param w = 1.0; param v = 1.0; loss = (w * x - k)^2 + v^2"
    fitted = parse(text).fit(
        {"x": [1.0, 2.0], "k": ["a", "b"]}, loss="loss", epochs=2, freeze="v", options=TableSettings(labels="k")
    )
    assert (list(fitted.params), fitted.labels) == (["w"], {"k": ["a", "b"]})


def test_names_that_are_no_inputs_are_said() -> None:
    with pytest.raises(CgError, match="colour"):
        parse("y = x").map({"x": [1.0]}, colour=3)
    with pytest.raises(CgError, match="mode"):
        parse("y = x", mode="foo")  # type: ignore[arg-type]
