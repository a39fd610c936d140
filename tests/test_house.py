"""The checks that are not tests of behaviour: lint, format, types, the rooms' contract, the layout of the house."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOP = {
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "PKG-INFO",  # of an unpacked sdist
    "cgcli",
    "grammar",
    "tests",
    "samples",
    "docs",
    "benchmarks",
}
MODULES = sorted((ROOT / "cgcli").rglob("*.py"))
HEAVY = {
    "numpy": (),
    "pydantic": (),
    "rich": ("render/table.py", "render/tree.py"),
    "graphviz": ("render/dot.py",),
    "pygraphviz": ("render/layout_child.py",),
}
"""Libraries that are dear to import, and the modules that may do it. That they do it late is a rule of the linter's."""


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["mypy"],
        ["importlinter"],
    ],
    ids=["lint", "format", "types", "rooms"],
)
def test_checker(command: list[str]) -> None:
    call = [sys.executable, "-m", *command]
    if command == ["importlinter"]:  # cannot be called as a module
        call = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as f; f()", "--no-cache"]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
