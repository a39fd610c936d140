"""Reading program files, what they may import, and the names that are suggested for those that do not exist."""

from __future__ import annotations

import io
import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgcli.diagnostics.diagnostic import CgError, Diagnostic
from cgcli.diagnostics.suggest import nearest
from cgcli.diagnostics.wording.messages import message_of
from cgcli.files import source_files as files
from cgcli.files.source_files import decode, read_source, read_stdin
from cgcli.language.imports import resolve_import


def refused(path: str | Path, name: str | None = None) -> Diagnostic:
    with pytest.raises(CgError) as caught:
        read_source(path, name)
    (found,) = caught.value.diagnostics
    assert caught.value.status == 2
    return found


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


# ---- reading


def test_a_file_is_its_text_under_its_name(tmp_path: Path) -> None:
    path = write(tmp_path / "a.cg", "σ = 1\r\n".encode())
    assert (read_source(path).name, read_source(path).text) == (str(path), "σ = 1\r\n")
    assert read_source(str(path), "shown").name == "shown"


def test_a_byte_order_mark_is_dropped(tmp_path: Path) -> None:
    assert read_source(write(tmp_path / "a.cg", b"\xef\xbb\xbfa = 1")).text == "a = 1"


def test_an_empty_file_is_an_empty_text(tmp_path: Path) -> None:
    assert read_source(write(tmp_path / "a.cg", b"")).text == ""


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x7fELF\x00\x01", "file-is-binary"),
        (b"a = \xff", "not-utf8"),
        (b"a = \xc3", "not-utf8"),
        (b"\xed\xa0\x80", "not-utf8"),
        ("a = 1".encode("utf-16"), "not-utf8"),
    ],
)
def test_what_is_no_text_in_utf8_is_refused(tmp_path: Path, data: bytes, code: str) -> None:
    found = refused(write(tmp_path / "a.cg", data))
    assert found.code == code
    assert str(tmp_path / "a.cg") in message_of(found).title


def test_a_wrong_byte_is_shown_at_its_place(tmp_path: Path) -> None:
    found = refused(write(tmp_path / "a.cg", "σ = 1\nb = \ufffd\ny = ".encode() + b"\xe9 + 1\n"))
    span = found.labels[0].span
    assert span.source.position(span.start) == (3, 5)
    assert found.values["byte"] == "0xe9"


def test_a_missing_file_offers_one_of_nearly_the_same_name(tmp_path: Path) -> None:
    write(tmp_path / "article.cg", b"a = 1")
    assert refused(tmp_path / "artcle.cg").values["nearest"] == str(tmp_path / "article.cg")
    assert refused(tmp_path / "other.cg").values["nearest"] is None
    assert refused(tmp_path / "no" / "such" / "a.cg").code == "no-such-file"


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path).code == "file-is-directory"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipes_and_devices_are_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.cg")
    assert refused(tmp_path / "pipe.cg").code == "file-is-special"
    assert refused("/dev/null").code == "file-is-special"
    assert refused("/dev/zero").code == "file-is-special"


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.cg"
    with path.open("wb") as file:
        file.truncate(files.LARGEST + 1)  # a sparse file
    assert refused(path).code == "file-too-large"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_the_right_to_read_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.cg", b"a = 1")
    path.chmod(0)
    assert refused(path).code == "file-unreadable"


@pytest.mark.parametrize("name", ["a\0b.cg", "x" * 300 + ".cg"])
def test_names_that_no_file_can_have_are_refused(tmp_path: Path, name: str) -> None:
    assert refused(tmp_path / name).code == "file-unreadable"


def test_a_circle_of_links_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.cg").symlink_to(tmp_path / "b.cg")
    (tmp_path / "b.cg").symlink_to(tmp_path / "a.cg")
    assert refused(tmp_path / "a.cg").code == "file-unreadable"


def test_standard_input_is_read_as_a_file_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xef\xbb\xbfa = 1\n")))
    source = read_stdin()
    assert (source.name, source.text) == ("-", "a = 1\n")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\0")))
    with pytest.raises(CgError, check=lambda e: e.diagnostics[0].code == "file-is-binary"):
        read_stdin()
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(CgError, check=lambda e: e.diagnostics[0].code == "no-standard-input"):
        read_stdin()


@given(st.binary())
def test_any_bytes_are_a_text_or_refused(data: bytes) -> None:
    with suppress(CgError):
        assert decode(data, "f.cg").encode() == data.removeprefix(b"\xef\xbb\xbf")


# ---- imports


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A program's folder with a file beside it, a file below it, and links that stay and that leave."""
    folder = tmp_path / "program"
    (folder / "lib").mkdir(parents=True)
    (tmp_path / "else").mkdir()
    for path in (folder / "main.cg", folder / "lib" / "a.cg", folder / "b.cg", tmp_path / "else" / "c.cg"):
        write(path, b"")
    (folder / "out.cg").symlink_to(tmp_path / "else" / "c.cg")
    (folder / "stays.cg").symlink_to(folder / "lib" / "a.cg")
    (folder / "away").symlink_to(tmp_path / "else")
    return folder


@pytest.mark.parametrize(
    ("importing", "target", "found"),
    [
        ("main.cg", "b.cg", "b.cg"),
        ("main.cg", "lib/a.cg", "lib/a.cg"),
        ("lib/a.cg", "../b.cg", "b.cg"),
        ("main.cg", "lib/../b.cg", "b.cg"),
        ("main.cg", "stays.cg", "lib/a.cg"),
        ("main.cg", "missing.cg", "missing.cg"),
        (None, "b.cg", "b.cg"),
    ],
)
def test_an_import_is_relative_to_its_file(root: Path, importing: str | None, target: str, found: str) -> None:
    file = None if importing is None else root / importing
    assert resolve_import(file, target, root) == (root / found).resolve()


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("../else/c.cg", "import-outside"),
        ("/etc/passwd", "import-outside"),
        ("lib/../../else/c.cg", "import-outside"),
        ("out.cg", "import-outside-link"),
        ("away/c.cg", "import-outside-link"),
        ("a\0b.cg", "file-unreadable"),
    ],
)
def test_an_import_stays_in_the_programs_folder(root: Path, target: str, code: str) -> None:
    with pytest.raises(CgError) as caught:
        resolve_import(root / "main.cg", target, root)
    found = caught.value.diagnostics[0]
    assert found.code == code
    if code != "file-unreadable":
        assert any("--allow-path" in line for line in message_of(found).helps)


@pytest.mark.parametrize("target", ["../else/c.cg", "out.cg", "away/c.cg"])
def test_a_folder_that_is_allowed_may_be_imported_from(root: Path, target: str) -> None:
    other = root.parent / "else"
    assert resolve_import(root / "main.cg", target, root, [other]) == (other / "c.cg").resolve()


def test_a_folder_whose_name_only_begins_alike_is_outside(root: Path) -> None:
    (root.parent / "program2").mkdir()
    with pytest.raises(CgError, check=lambda e: e.diagnostics[0].code == "import-outside"):
        resolve_import(root / "main.cg", "../program2/a.cg", root)


# ---- suggestions


@pytest.mark.parametrize(
    ("name", "candidates", "found"),
    [
        ("alpah", ["alpha", "beta"], "alpha"),
        ("apha", ["alpha", "beta"], "alpha"),
        ("alphaa", ["alpha", "beta"], "alpha"),
        ("alphb", ["alpha", "beta"], "alpha"),
        ("learningrate", ["learning_rate", "leaning"], "learning_rate"),
        ("Loss", ["loss"], "loss"),
        ("x", ["X", "y"], "X"),
        ("x", ["y", "xy"], None),
        ("x1", ["x2", "x12"], None),
        ("gamma", ["alpha", "beta"], None),
        ("alpha", ["alpha"], None),
        ("", ["a"], None),
        ("sni", ["sin", "sinh"], "sin"),
        ("volume", [], None),
    ],
)
def test_the_nearest_name(name: str, candidates: list[str], found: str | None) -> None:
    assert nearest(name, candidates) == found


def test_long_names_and_many_candidates_are_not_searched_without_end() -> None:
    assert nearest("a" * 10_000, ["a" * 10_001]) is None
    assert nearest("alpah", (f"name{k}" for k in range(10**9))) is None
