"""Signals and `--timeout` end a command also within one long call of a library."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli_harness import process

# a call that lets other threads run and looks at no signal until it is done, with a half-written file beside it
LONG = """
import hashlib
from pathlib import Path
from cgcli.files.writing import atomic_file

def f(x: float):
    writing = atomic_file("out.csv")
    writing.__enter__().write(b"half")
    Path("begun").touch()
    hashlib.pbkdf2_hmac("sha256", b"a", b"b", 2_000_000_000)
    return x
"""


@pytest.fixture(autouse=True)
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.py").write_text(LONG)


def left() -> set[str]:
    return {entry.name for entry in os.scandir(".")} - {"m.py", "begun", "__pycache__"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_within_a_long_call_ends_with_status_130(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "cgcli", "eval", "m.py:f", "--x", "1"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        while not Path("begun").exists():
            assert running.poll() is None
            time.sleep(0.01)
        running.send_signal(number)
        _, said = running.communicate(timeout=60)
    assert (running.returncode, said) == (130, "interrupted\n")
    assert left() == set()


def test_a_timeout_within_a_long_call_ends_with_status_1() -> None:
    found = process("eval", "m.py:f", "--x", "1", "--timeout", "0.01")
    assert found.returncode == 1
    assert found.stderr.startswith("error: the run is not done after 0.01 s\n")
    assert found.stderr.count("error") == 1
    assert left() == set()
