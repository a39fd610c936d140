"""Chains of imports, circles, and files that are no programs: each is imported or refused in one clear error."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cli_harness import cg

LONG = 500  # files: more than Python's stack has room for where each import is a call within a call


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write_chain(length: int, last: str) -> None:
    """Files a0.cg, a1.cg and so on, each of which imports the next."""
    for k in range(length - 1):
        Path(f"a{k}.cg").write_text(f'import "a{k + 1}.cg"\nfn f(x) = a{k + 1}.f(x) + 1\n')
    Path(f"a{length - 1}.cg").write_text(last)
    Path("main.cg").write_text('import "a0.cg"\ny = a0.f(z)\n')


def test_a_chain_of_imports_may_be_of_any_length() -> None:
    write_chain(LONG, "fn f(x) = 2 * x\n")
    for options in (["--mode", "static"], ["--mode", "static"], ["--mode", "dynamic"]):  # the second from the cache
        assert cg("eval", "main.cg", "--z", "3", *options) == (0, f"y = {LONG + 5}\n", "")


def test_a_mistake_at_the_end_of_a_long_chain_is_shown_there() -> None:
    write_chain(LONG, "fn f(x) = 2 * w\n")
    result = cg("eval", "main.cg", "--z", "3")
    assert (result.status, result.out) == (2, "")
    assert f"--> a{LONG - 1}.cg:1:15" in result.err


@pytest.mark.parametrize("length", [1, 2, LONG])
def test_imports_that_run_in_a_circle_are_named(length: int) -> None:
    write_chain(length, 'import "a0.cg"\nfn f(x) = x\n')
    result = cg("eval", "main.cg", "--z", "3")
    assert (result.status, result.out) == (2, "")
    assert "the imports run in a circle: a0.cg → " in result.err
    assert f"--> a{length - 1}.cg:1:8" in result.err


def test_a_file_that_two_files_import_is_one() -> None:
    Path("base.cg").write_text("k = 3\n")
    for name in ("left", "right"):
        Path(f"{name}.cg").write_text('import "base.cg"\nfn f(x) = base.k * x\n')
    Path("main.cg").write_text('import "left.cg"\nimport "right.cg"\ny = left.f(z) + right.f(z)\n')
    assert cg("eval", "main.cg", "--z", "1").out == "y = 6\n"


def imported(*said: str) -> None:
    result = cg("eval", "-e", 'import "part.cg"\ny = part.f(2)')
    assert (result.status, result.out) == (2, "")
    assert result.err.count("error: ") == 1
    for text in ("part.cg", *said):
        assert text in result.err


def test_what_is_no_program_is_not_imported() -> None:
    part = Path("part.cg")
    imported("there is no file")
    part.mkdir()
    imported("is a folder")
    part.rmdir()
    os.mkfifo(part)
    imported("is no ordinary file")
    part.unlink()
    part.symlink_to("part.cg")
    imported("symbolic link")
    part.unlink()
    part.symlink_to("/dev/zero")
    imported("leaves the program's folder")
    part.unlink()
    part.write_bytes(bytes(range(256)) * 20)
    imported("is no text")
    part.write_bytes(b"\x1b\x90\xfe" * 20)
    imported("is not in UTF-8")
    part.write_bytes(b"")
    os.truncate(part, 100 * 2**20)
    imported("is larger than 64 MiB")
