"""A damaged or foreign file ends in one clear error that names it: never in a traceback, a signal or a wait."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from cli_harness import Result, cg
from damaged_files import KINDS, failures
from pyarrow import parquet
from safetensors.numpy import save, save_file

from cgcli.data.arrays import read_array, read_arrays, read_metadata
from cgcli.data.reading import reading
from cgcli.data.safetensors import SafetensorsFile
from cgcli.diagnostics.diagnostic import CgError

SOME, MANY = 6, 80  # attempts a kind of file
VECTOR = ("eval", "-e", "input x: float[n]; y = sum(x)")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


# ---- files of every kind, damaged in every way


@pytest.mark.parametrize("count", [SOME, pytest.param(MANY, marks=pytest.mark.thorough)])
def test_a_damaged_file_is_one_clear_error(tmp_path: Path, count: int) -> None:
    assert failures(tmp_path, count * len(KINDS)) == []


def test_every_kind_of_file_that_is_read_is_damaged() -> None:
    from cgcli.data import arrays, tables, value_files

    texts = {f".{kind.lower()}" for kind in value_files._READERS}
    kinds = {*arrays._READERS, *texts, *value_files.ARCHIVES, *(f".{k}" for k in tables.KINDS), ".cg"}
    assert kinds - {Path(name).suffix for name in KINDS} == {".ndjson"}  # another name of .jsonl


# ---- headers that lie


def npy(header: str, data: bytes = bytes(16)) -> bytes:
    """A file in NumPy's format with this text for a header."""
    text = header.encode() + b" " * (-(len(header.encode()) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def described(shape: str = "(2,)", descr: str = "'<f8'", fortran: str = "False") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}"


HEADERS = [
    (described("(2"), "its header is damaged"),
    (described("(True,)"), "its header gives the shape (True,)"),
    (described("(-2,)"), "its header gives the shape (-2,)"),
    (described("(-2, -1)"), "its header gives the shape (-2, -1)"),
    (described(f"(0, {10**30})"), "its header gives the shape (0, 1"),
    (described(f"(0, {2**62})"), "its header gives the shape (0, 4"),
    (described(f"({10**30},)"), "would take"),
    (described("(" + "1," * 100 + ")"), "found 100"),
    (described("(" + "1," * 32 + "2)"), "it has 33 axes, a tensor has at most 32"),
    (described("(" + "9" * 5000 + ",)"), "its header is damaged"),
    (described("(2.0,)"), "its header is damaged"),
    (described(fortran="3"), "its header is damaged"),
    (described(descr="'|S0'"), "holds texts"),
    (described(descr="'|V0'"), "holds values of type"),
    (described(descr="[('a', '<f8')]"), "holds values of type"),
    (described(descr="('<f8', (2,))"), "holds values of type"),
    (described(descr="'|O'"), "holds Python objects"),
    (described("(16,)", "'|b1'") + "\n" + "\x07" * 16, "a byte of its bools is neither 0 nor 1"),
    ("__import__('os').abort()", "its header is damaged"),
    ("(" * 5000, "its header is damaged"),
    ("-" * 9000 + "1", "its header is damaged"),
    ("1(2) '\\d' \x1b[31m", "its header is damaged"),
    ("x" * 20_000, "its header is damaged"),
]


def one_error(result: Result, *said: str, status: int = 1) -> None:
    assert (result.status, result.out) == (status, ""), result.err
    assert result.err.count("error: ") == 1
    assert "bug" not in result.err
    assert "Warning" not in result.err
    for text in said:
        assert text in result.err


@pytest.mark.parametrize(("header", "said"), HEADERS, ids=range(len(HEADERS)))
def test_a_header_of_an_array_that_makes_no_sense(header: str, said: str) -> None:
    head, _, data = header.partition("\n")
    content = npy(head, data.encode() or bytes(16))
    Path("x.npy").write_bytes(content)
    one_error(cg(*VECTOR, "--x", "@x.npy"), "`x.npy`", said)
    with zipfile.ZipFile("x.npz", "w") as archive:
        archive.writestr("a.npy", content)
    one_error(cg(*VECTOR, "--x", "@x.npz:a"), "`x.npz`", said)


def test_an_array_of_python_2_is_read() -> None:
    Path("x.npy").write_bytes(npy(described("(2L,)")))
    assert cg(*VECTOR, "--x", "@x.npy") == (0, "y = 0\n", "")


# ---- archives


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_that_is_damaged_is_named(method: int) -> None:
    inside = io.BytesIO()
    np.save(inside, np.random.default_rng(1).normal(size=500))
    with zipfile.ZipFile("x.npz", "w", method) as archive:
        archive.writestr("W1.npy", inside.getvalue())
    data = bytearray(Path("x.npz").read_bytes())
    data[200:260] = bytes(60)
    Path("x.npz").write_bytes(data)
    one_error(cg(*VECTOR, "--x", "@x.npz"), "`x.npz` cannot be read: its array `W1`")


def test_a_member_that_is_encrypted_is_named() -> None:
    np.savez("x.npz", W1=np.arange(3.0))
    data = bytearray(Path("x.npz").read_bytes())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + flags] |= 1
    Path("x.npz").write_bytes(data)
    one_error(cg(*VECTOR, "--x", "@x.npz"), "its array `W1`", "encrypted")


def test_two_members_of_one_name() -> None:
    with zipfile.ZipFile("x.npz", "w") as archive:
        archive.writestr("a.npy", npy(described()))
        archive.writestr("a", npy(described()))
    one_error(cg(*VECTOR, "--x", "@x.npz"), "two of its arrays are named `a`")


def test_names_inside_are_shown_and_not_acted_on() -> None:
    with zipfile.ZipFile("x.npz", "w") as archive:
        archive.writestr("\x1b[31ma.npy", npy("nothing"))
    result = cg(*VECTOR, "--x", "@x.npz")
    one_error(result, r"its array `\x1b[31ma`")
    assert "\x1b" not in result.err


# ---- JSON and TOML


DIGITS = ["9" * 400, "9" * 5000]


@pytest.mark.parametrize("digits", DIGITS, ids=[400, 5000])
def test_a_number_of_many_digits_is_told_with_its_file_and_line(digits: str) -> None:
    assert cg(*VECTOR, "--x", f"[1, {digits}]").status == 2
    Path("x.json").write_text(f"[1,\n {digits}]")
    one_error(cg(*VECTOR, "--x", "@x.json"), "x.json:2:2", status=1)
    Path("i.json").write_text(f'{{"x": [1,\n {digits}]}}')
    one_error(cg(*VECTOR, "--inputs", "i.json"), "line 2 of `i.json`", status=1)
    tree = ("eval", "-e", "input t: any; y = t.x[1] + 0.0")
    one_error(cg(*tree, "--t", "@i.json"), "i.json:2:2", status=1)
    Path("t.json").write_text(f'{{"t": {{"x": [1,\n {digits}]}}}}')
    one_error(cg(*tree, "--inputs", "t.json"), "line 2 of `t.json`", status=1)


@pytest.mark.parametrize("depth", [33, 900, 100_000])
def test_lists_that_nest_deeper_than_a_tensor(depth: int) -> None:
    text = "[" * depth + "1" + "]" * depth
    Path("x.json").write_text(text)
    Path("i.json").write_text(f'{{"x": {text}}}')
    Path("i.toml").write_text(f"x = {text}")
    one_error(cg(*VECTOR, "--x", "@x.json"), "x.json", "nested" if depth < 1000 else "deep")
    one_error(cg(*VECTOR, "--inputs", "i.json"), "i.json")
    toml = cg(*VECTOR, "--inputs", "i.toml")
    one_error(toml, "i.toml", status=toml.status)


@pytest.mark.parametrize("depth", [33, 65, 900])
def test_structured_data_nest_deeper_than_a_tensor(depth: int) -> None:
    Path("i.json").write_text('{"t": ' + "[" * depth + "1.5" + "]" * depth + "}")
    program = "input t: any; y = 2.0"
    assert cg("eval", "-e", program, "--inputs", "i.json") == (0, "y = 2\n", "")
    assert cg("eval", "-e", program, "--t", "@i.json") == (0, "y = 2\n", "")


def test_a_name_that_stands_twice_in_an_object() -> None:
    Path("x.json").write_text('{"a": [1], "a": [2]}')
    one_error(cg(*VECTOR, "--x", "@x.json:a"), "x.json", "`a` stands twice")


# ---- what is no file


KIND_OF_OPTION = {
    "--x": ["npy", "npz", "csv", "json", "safetensors"],
    "--inputs": ["npz", "json", "toml", "safetensors"],
    "--data": ["npy", "npz", "parquet", "arrow", "feather"],
    "--weights": ["safetensors"],
}
OPTIONS = [(option, f"f.{kind}") for option, kinds in KIND_OF_OPTION.items() for kind in kinds]


def give(option: str, name: str) -> Result:
    return cg("eval", "-e", "param x = 1.0; y = x", option, f"@{name}" if option == "--x" else name)


@pytest.mark.parametrize(("option", "name"), OPTIONS)
def test_what_is_no_ordinary_file_is_not_opened(option: str, name: str) -> None:
    os.symlink(name, name)  # to itself
    result = give(option, name)
    one_error(result, f"`{name}`", status=2)
    os.unlink(name)
    os.mkfifo(name)
    pipe = "is a pipe" if option == "--data" else "is no ordinary file"  # some tables may be pipes
    one_error(give(option, name), f"`{name}` {pipe}", status=2)
    os.unlink(name)
    os.mkdir(name)
    one_error(give(option, name), f"`{name}` is ", status=2)
    long = f"{'n' * 300}.{name.rpartition('.')[2]}"
    one_error(give(option, long), "nnn", status=2)


@pytest.mark.parametrize(("option", "name"), [each for each in OPTIONS if not each[1].endswith(("json", "toml"))])
def test_an_empty_file_is_said_to_be_empty(option: str, name: str) -> None:
    Path(name).write_bytes(b"")
    one_error(give(option, name), f"`{name}` cannot be read: it is empty")


@pytest.mark.parametrize(("option", "name"), OPTIONS)
def test_a_file_that_may_not_be_read_is_named(option: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(name).write_bytes(b"something")
    opening = os.open

    def refuse(path: Any, *arguments: Any, **options: Any) -> int:
        if Path(path).name == name:
            raise PermissionError(13, "Permission denied", path)
        return opening(path, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)
    one_error(give(option, name), f"`{name}` cannot be read: permission denied", status=2)


def test_whatever_a_reader_raises_names_the_file() -> None:
    class Odd(Exception):
        pass

    for problem in (Odd("strange\nand more"), KeyError("x"), RecursionError(), MemoryError(), OSError(5, "Bad disk")):
        with pytest.raises(CgError) as caught, reading("f.bin", "its header"):
            raise problem
        values = caught.value.diagnostics[0].values
        assert values["file"] == "f.bin"
        assert str(values["reason"]).startswith("its header: ")
        assert "\n" not in str(values["reason"])
    for passing in (KeyboardInterrupt, BrokenPipeError):
        with pytest.raises(passing), reading("f.bin"):
            raise passing


# ---- safetensors


def test_what_the_formats_own_library_refuses_is_refused() -> None:
    from safetensors.numpy import load

    good = save({"a": np.arange(6.0).reshape(2, 3), "b": np.array([True, False])}, {"k": "v"})
    rng = np.random.default_rng(7)
    refused = 0
    for _ in range(600):
        data = bytearray(good)
        for _ in range(int(rng.integers(1, 3))):
            data[int(rng.integers(len(data)))] = int(rng.integers(256))
        Path("x.safetensors").write_bytes(data)
        try:
            arrays = load(bytes(data))
        except Exception:
            refused += 1
            with pytest.raises(CgError):
                read_arrays("x.safetensors")
            continue
        try:
            found = read_arrays("x.safetensors")
        except CgError:  # bools of other bytes, names that are no text, dtypes that cg has not
            continue
        assert {name: x.shape for name, x in found.items()} == {name: x.shape for name, x in arrays.items()}
    assert refused > 100


def test_every_dtype_of_safetensors() -> None:
    for dtype in ("f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?"):
        x = np.array([[0, 1], [1, 0]], dtype=dtype)
        save_file({"x": x}, "x.safetensors", {"made": dtype})
        np.testing.assert_array_equal(read_array("x.safetensors"), x)
        assert read_metadata("x.safetensors") == {"made": dtype}
    Path("x.safetensors").write_bytes(save({"x": x}).replace(b'"BOOL"', b'"BF16"'))
    one_error(cg(*VECTOR, "--x", "@x.safetensors"), "`x.safetensors` holds values of type `BF16`")


def test_a_tensor_of_too_many_axes() -> None:
    save_file({"x": np.zeros((1,) * 33)}, "x.safetensors")
    one_error(cg(*VECTOR, "--x", "@x.safetensors"), "`x.safetensors`", "33 axes")


@pytest.mark.parametrize("mode", ["static", "dynamic"])
@pytest.mark.parametrize("axes", [33, 70])
def test_a_program_that_makes_too_many_axes(axes: int, mode: str) -> None:
    """70 are more than NumPy can have."""
    ones = ", ".join(["1"] * axes)
    for text in (f"y = sum(reshape([2, 3], [2, {ones}]))", f"input x: float[{ones}]\ny = 2"):
        result = cg("eval", "-e", text, "--mode", mode)
        assert (result.status, result.err.splitlines()[0]) == (2, "error: a tensor has at most 32 axes")


def test_a_file_that_is_cut_short_while_it_is_read() -> None:
    save_file({"x": np.arange(10_000.0)}, "x.safetensors")
    with SafetensorsFile("x.safetensors") as file:
        os.truncate("x.safetensors", 5_000)
        with pytest.raises(CgError) as caught:
            file.tensor("x")
    assert caught.value.diagnostics[0].values["reason"] == "its tensor `x`: it ends too early"


# ---- tables in columns


def write_table(name: str, **columns: Any) -> None:
    table = pa.table(columns)
    if name.endswith("parquet"):
        parquet.write_table(table, name)
    else:
        with pa.ipc.new_file(name, table.schema) as file:
            file.write_table(table)


every_table = pytest.mark.parametrize("name", ["t.parquet", "t.arrow", "t.feather"])
DATE = pa.array([0, 1], pa.date32())
COLUMNS = [
    (DATE, "dates"),
    (pa.array([0, 1], pa.timestamp("s")), "dates"),
    (pa.array([0, 1], pa.time32("s")), "times"),
    (pa.array([{"k": 1}, {"k": 2}]), "records"),
    (pa.array([b"a", b"b"]), "values of type `binary`"),
    (pa.array(["1.5", "2.5"]).cast(pa.decimal128(5, 2)), "decimals"),
    (pa.array([[DATE[0].as_py()], []], pa.list_(pa.date32())), "values of type `list<"),
]


@every_table
@pytest.mark.parametrize(("column", "said"), COLUMNS, ids=range(len(COLUMNS)))
def test_a_column_that_holds_no_numbers_is_named_where_it_is_needed(name: str, column: Any, said: str) -> None:
    write_table(name, a=[1.0, 2.0], d=column)
    one_error(cg("eval", "-e", "y = a + d", "--data", name), f"the column `d` of `{name}` holds {said}")
    assert cg("eval", "-e", "y = a + 1", "--data", name).out == "y\n2.0\n3.0\n"


@every_table
def test_categories_of_numbers_and_wide_lists_are_read(name: str) -> None:
    vectors = pa.array([[1.0, 2.0], [3.0, 4.0]], pa.large_list(pa.float64()))
    write_table(name, a=pa.array([1.5, 2.5]).dictionary_encode(), x=vectors)
    result = cg("eval", "-e", "input a: float; input x: float[2]; y = a * sum(x)", "--data", name)
    assert result.out == "y\n4.5\n17.5\n"


def test_offsets_that_lead_out_of_the_file_are_seen() -> None:
    """What ends the process by a signal where a cell is read before its column was validated."""
    write_table("t.arrow", x=[[1.0, 2.0], [3.0, 4.0]])
    data = bytearray(Path("t.arrow").read_bytes())
    offsets = struct.pack("<iii", 0, 2, 4)
    at = data.index(offsets)
    data[at : at + 12] = struct.pack("<iii", 0, 2**30, 2**30 + 2)
    Path("t.arrow").write_bytes(data)
    one_error(cg("eval", "-e", "input x: float[2]; y = sum(x)", "--data", "t.arrow"), "`t.arrow` cannot be read")


# ---- checkpoints


def test_a_checkpoint_whose_mark_is_damaged_is_no_foreign_file() -> None:
    Path("f.cg").write_text("input a: float\nparam w = 1.0\nloss = (w * a)^2\n")
    Path("t.csv").write_text("a\n1\n")
    assert (
        cg("train", "f.cg", "--data", "t.csv", "--loss", "loss", "--steps", "1", "--save", "w.safetensors").status == 0
    )
    data = Path("w.safetensors").read_bytes()
    Path("w.safetensors").write_bytes(data.replace(b"cg checkpoint", b"cg_checkpoint"))
    one_error(cg("weights", "w.safetensors"), "`w.safetensors` is damaged")
