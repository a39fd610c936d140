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
    "CITATION.cff",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "PKG-INFO",  # in an unpacked sdist
    "cgcli",
    "grammar",
    "tests",
    "samples",
    "docs",
    "benchmarks",
}
MODULES = sorted((ROOT / "cgcli").rglob("*.py"))
HEAVY = {
    "numpy": (
        "data/arrays.py",
        "cli/examples.py",
        "cli/resuming.py",
        "data/cells.py",
        "data/checkpoints.py",
        "data/safetensors.py",
        "data/sinks.py",
        "ops/random.py",
        "ops/special_arrays.py",
        "program/residuals.py",
        "program/rows.py",
        "program/training.py",
        "run/numpy/reference.py",
        "run/numpy/calls.py",
        "run/fitting.py",
        "dynamic/host.py",
        "render/histogram.py",
        "render/tensors.py",
        "train/fit.py",
        "train/loop.py",
        "analysis/gradcheck.py",
        "analysis/paths.py",
        "run/numpy/planned.py",
        "run/numpy/codegen.py",
        "dynamic/tape_arrays.py",
        "run/numpy/call_recorder.py",
    ),
    "pyarrow": ("data/arrow.py",),
    "pydantic": (),
    "matplotlib": ("render/curve.py",),
    "scipy": ("ops/special_arrays.py", "train/fit.py"),
    "rich": ("render/table.py",),
    "graphviz": ("render/dot.py",),
    "pygraphviz": ("render/layout_child.py",),
}
"""Libraries that are dear to import, and the modules that may do it. That they do it late is a rule of the linter."""


@pytest.mark.parametrize(
    "command",
    [
        [sys.executable, "-m", "ruff", "check", "."],
        [sys.executable, "-m", "ruff", "format", "--check", "."],
        [sys.executable, "-m", "mypy"],
        [str(Path(sys.executable).with_name("lint-imports"))],
    ],
    ids=["lint", "format", "types", "rooms"],
)
def test_checker(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_top_level() -> None:
    assert {name for name in kept_at_the_top() if not name.startswith(".")} <= TOP


def kept_at_the_top() -> set[str]:
    """What git keeps at the top level; in a copy without git, all that is there."""
    if not (ROOT / ".git").exists():
        return {path.name for path in ROOT.iterdir()}
    # a checkout that belongs to another user is as good as any
    command = ["git", "-c", "safe.directory=*", "ls-files"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {line.split("/")[0] for line in listed.splitlines()}


def test_modules_are_small() -> None:
    lines = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: count for name, count in lines.items() if count > 500} == {}


@pytest.mark.parametrize("library", HEAVY)
def test_a_heavy_library_is_imported_in_its_own_places(library: str) -> None:
    places = {path.relative_to(ROOT / "cgcli").as_posix() for path in MODULES if library in imported_by(path)}
    assert places <= set(HEAVY[library])


def imported_by(path: Path) -> set[str]:
    """The top-level packages that a module imports by their full names, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").split(".")[0])
    return found
