"""Arrays from files: what every format gives, and one clear error for each way in which a file can lie."""

import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as arrays
from safetensors.numpy import save_file

from cgcli.data.arrays import read_array, read_arrays
from cgcli.diagnostics.diagnostic import CgError

pytestmark = pytest.mark.portable

X = np.array([[1.0, 2.5, -3.0], [0.0, np.inf, 7.0]])


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def failure(reference: str, **options: Any) -> tuple[str, int]:
    with pytest.raises(CgError) as caught:
        read_array(reference, **options)
    return caught.value.diagnostics[0].code, caught.value.status


def same(found: Any, wanted: Any) -> None:
    assert found.dtype == wanted.dtype
    assert found.shape == wanted.shape
    np.testing.assert_array_equal(found, wanted)


# ---- what the formats give


@pytest.mark.parametrize(
    "x",
    [
        X,
        np.asfortranarray(X),
        X.astype(">f8"),
        np.float64(2.0),
        np.zeros((0, 3)),
        np.array([True, False]),
        np.arange(4, dtype=np.uint8),
        np.arange(4, dtype=np.int32),
    ],
    ids=["matrix", "fortran", "big endian", "no axes", "no rows", "bools", "bytes", "i32"],
)
def test_npy(x: Any) -> None:
    np.save("x.npy", x)
    kinds = {"f": np.float64, "b": np.bool_, "i": np.int64, "u": np.int64}
    same(read_array("x.npy"), np.asarray(x, dtype=kinds[x.dtype.kind]))


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_short_floats_are_f32(dtype: Any) -> None:
    np.save("x.npy", X.astype(dtype))
    same(read_array("x.npy"), X.astype(np.float32))


@given(arrays.arrays(np.float64, arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)))
def test_every_writer_and_its_reader_agree(x: Any) -> None:
    np.save("x.npy", x)
    np.savez("x.npz", a=x, b=x)
    np.savez_compressed("c.npz", a=x)
    save_file({"a": np.ascontiguousarray(x).reshape(x.shape)}, "x.safetensors")
    for reference in ("x.npy", "x.npz:a", "x.npz:b", "c.npz", "x.safetensors", "x.safetensors:a"):
        same(read_array(reference), x)
    assert sorted(read_arrays("x.npz")) == ["a", "b"]
    same(read_arrays("x.safetensors")["a"], x)


def test_json() -> None:
    Path("t.json").write_text('{"x": [[1, 2], [3, "NaN"]], "n": [1, 2], "b": [true, false], "one": 2, "none": []}')
    same(read_array("t.json:x"), np.array([[1.0, 2.0], [3.0, np.nan]]))
    same(read_array("t.json:n"), np.array([1, 2]))
    same(read_array("t.json:b"), np.array([True, False]))
    same(read_array("t.json:one"), np.array(2))
    same(read_array("t.json:none"), np.zeros(0))
    Path("x.json").write_text("[[1, 2, 3]]")
    same(read_array("x.json"), np.array([[1, 2, 3]]))


def test_csv() -> None:
    Path("t.csv").write_text("﻿day,price\n1,2.5\n\n2, 1e3 \n", encoding="utf-8")
    same(read_array("t.csv:price"), np.array([2.5, 1000.0]))
    same(read_array("t.csv:day"), np.array([1, 2]))
    same(read_array("t.csv"), np.array([[1, 2.5], [2, 1000.0]]))
    Path("m.csv").write_text("1,2\n3,4\n")
    same(read_array("m.csv"), np.array([[1, 2], [3, 4]]))
    Path("v.csv").write_text("1\n2\n")
    same(read_array("v.csv"), np.array([1, 2]))


def test_a_name_with_a_colon_is_a_file_where_it_is_one() -> None:
    Path("a:b.json").write_text("[1]")
    same(read_array("a:b.json"), np.array([1]))


# ---- what may not be read


@pytest.mark.parametrize(
    "reference",
    ["none.npy", "none.npz:a", "none.csv", "none.json", "none.safetensors", "a\0b.npy"],
)
def test_a_file_has_to_be_there(reference: str) -> None:
    assert failure(reference) == ("array-file-missing", 2)


@pytest.mark.parametrize("reference", ["x", "x.pkl", "x.txt", ""])
def test_a_file_has_to_be_of_a_known_kind(reference: str) -> None:
    assert failure(reference) == ("array-file-kind", 2)


def test_a_folder_is_no_file() -> None:
    Path("d.npy").mkdir()
    assert failure("d.npy") == ("array-file-special", 2)


@pytest.mark.parametrize(
    "x",
    [
        np.array([{}, None], dtype=object),
        np.array(["a", "b"]),
        np.array([1j]),
        np.array([(1, 2.0)], dtype=[("a", int), ("b", float)]),
        np.array(["2026-01-01"], dtype="datetime64[D]"),
        np.array([2**63], dtype=np.uint64),
    ],
    ids=["objects", "texts", "complex", "records", "dates", "too large"],
)
def test_only_numbers_and_bools_are_read(x: Any) -> None:
    np.save("x.npy", x, allow_pickle=True)
    np.savez("x.npz", a=x)
    assert failure("x.npy") == failure("x.npz") == ("array-file-dtype", 1)


def lying(shape: str, data: bytes = b"") -> bytes:
    """A file in NumPy's format whose header promises what does not follow."""
    head = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"
    head += " " * (-(len(head) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + data


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "array-file-broken"),
        (b"\x93NUMPY", "array-file-broken"),
        (b"PK\x03\x04", "array-file-broken"),
        (b"\x93NUMPY\x09\x00" + bytes(100), "array-file-broken"),
        (lying("(1000,)"), "array-file-broken"),
        (lying("(3,)", bytes(16)), "array-file-broken"),
        (lying("(-1,)", bytes(16)), "array-file-broken"),
        (lying("(1000000000000,)"), "array-file-size"),
        (lying("(99999999999999999999, 99999999999999999999)"), "array-file-size"),
        (lying("'x'"), "array-file-broken"),
    ],
)
def test_a_header_is_not_believed(data: bytes, code: str) -> None:
    Path("x.npy").write_bytes(data)
    with zipfile.ZipFile("x.npz", "w") as archive:
        archive.writestr("a.npy", data)
    assert failure("x.npy") == failure("x.npz") == (code, 1)


def test_an_archive_that_unpacks_to_too_much() -> None:
    with zipfile.ZipFile("bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", lying("(4000000,)", bytes(32_000_000)))
    assert failure("bomb.npz", limit=2**20) == ("array-file-size", 1)


def test_an_archive_that_lies_about_what_it_unpacks_to() -> None:
    np.savez_compressed("x.npz", a=np.arange(100.0))
    data = bytearray(Path("x.npz").read_bytes())
    at = data.rindex(b"PK\x01\x02") + 24  # the size that the directory gives
    data[at : at + 4] = struct.pack("<I", 2**31)
    Path("x.npz").write_bytes(data)
    assert failure("x.npz")[1] == 1


def test_an_archive_that_lies_about_what_is_packed_in_it() -> None:
    np.savez_compressed("x.npz", a=np.zeros(1_000_000))
    data = bytearray(Path("x.npz").read_bytes())
    at = data.rindex(b"PK\x01\x02") + 20  # the packed size that the directory gives
    data[at : at + 4] = struct.pack("<I", 2**31)
    Path("x.npz").write_bytes(data)
    assert failure("x.npz") == ("array-file-broken", 1)


@pytest.mark.parametrize("data", [b"", b"no archive", b"PK\x05\x06" + bytes(17)])
def test_a_damaged_archive(data: bytes) -> None:
    Path("x.npz").write_bytes(data)
    assert failure("x.npz") == ("array-file-broken", 1)


@pytest.mark.parametrize("name", ["x.npz", "x.safetensors"])
def test_one_of_several_arrays_has_to_be_named(name: str) -> None:
    np.savez("x.npz", first=X, second=X)
    save_file({"first": X, "second": X}, "x.safetensors")
    assert failure(name) == ("array-file-which", 2)
    assert failure(f"{name}:third") == ("array-file-member", 1)


def test_an_array_alone_has_no_name() -> None:
    np.save("x.npy", X)
    assert failure("x.npy:a") == ("array-file-one", 2)


def safetensors_file(header: object, data: bytes = b"", length: int | None = None) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"1234567",
        safetensors_file({}, length=2**62),
        safetensors_file({"a": {"dtype": "F64", "shape": [10**9], "data_offsets": [0, 8 * 10**9]}}),
        safetensors_file({"a": {"dtype": "F64", "shape": [2], "data_offsets": [0, 8]}}, bytes(8)),
        safetensors_file([1, 2]),
    ],
    ids=["empty", "short", "long header", "no data", "shape and data differ", "no table"],
)
def test_a_broken_safetensors_file(data: bytes) -> None:
    Path("x.safetensors").write_bytes(data)
    assert failure("x.safetensors") == ("array-file-broken", 1)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "array-file-broken"),
        ("[1, 2", "array-file-broken"),
        ("[" * 100_000, "json-too-deep"),
        ("[" * 900 + "]" * 900, "array-file-broken"),
        ("[[1, 2], [3]]", "array-file-ragged"),
        ("[[1, 2], 3]", "array-file-ragged"),
        ("[1, null]", "array-file-value"),
        ('[1, "two"]', "array-file-value"),
        ("[1, {}]", "array-file-value"),
        ("[1, true]", "array-file-broken"),
    ],
)
def test_json_that_is_no_tensor(text: str, code: str) -> None:
    Path("x.json").write_text(text)
    assert failure("x.json") == (code, 1)


def test_a_part_of_a_json_object_has_to_be_named() -> None:
    Path("x.json").write_text('{"a": [1]}')
    assert failure("x.json") == ("array-file-which", 2)
    assert failure("x.json:b") == ("array-file-member", 1)


@pytest.mark.parametrize(
    ("text", "reference", "code"),
    [
        ("", "x.csv", "array-file-broken"),
        ("a,b\n1,2\n3\n", "x.csv:a", "array-file-row"),
        ("a,b\n1,2\n3,4,5\n", "x.csv:a", "array-file-row"),
        ("a,b\n1,two\n", "x.csv:b", "array-file-cell"),
        ("a,b\n1,\n", "x.csv:b", "array-file-cell"),
        ("a,b\n1,1_000\n", "x.csv:b", "array-file-cell"),
        ("a,b\n1,2\n", "x.csv:c", "array-file-member"),
        ('a,b\n1,"2', "x.csv:a", "array-file-broken"),
    ],
)
def test_csv_that_is_no_table_of_numbers(text: str, reference: str, code: str) -> None:
    Path("x.csv").write_text(text)
    assert failure(reference) == (code, 1)


def test_a_row_and_a_column_are_named() -> None:
    Path("x.csv").write_text("a,b\n1,2\n3,oops\n")
    with pytest.raises(CgError) as caught:
        read_array("x.csv:b")
    values = caught.value.diagnostics[0].values
    assert (values["line"], values["column"], values["text"]) == (3, "b", "oops")


def test_a_text_that_is_not_utf8() -> None:
    Path("x.csv").write_bytes(b"1\xff")
    assert failure("x.csv") == ("array-file-broken", 1)
