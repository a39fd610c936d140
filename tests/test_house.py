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
"""Libraries that are dear to import, and the modules that may do it, inside a function."""


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
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    top = {line.split("/")[0] for line in listed.splitlines()}
    assert {name for name in top if not name.startswith(".")} <= TOP


def test_modules_are_small() -> None:
    long = {
        str(p.relative_to(ROOT)): n for p in MODULES if (n := len(p.read_text(encoding="utf-8").splitlines())) > 500
    }
    assert long == {}


@pytest.mark.parametrize("path", MODULES, ids=[str(p.relative_to(ROOT / "cgcli")) for p in MODULES])
def test_heavy_libraries_are_imported_late_and_in_their_own_places(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inner = {id(n) for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) for n in ast.walk(f)}
    inner |= {
        id(n)
        for i in ast.walk(tree)
        if isinstance(i, ast.If) and "TYPE_CHECKING" in ast.dump(i.test)
        for n in ast.walk(i)
    }
    for node in ast.walk(tree):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in (n.split(".")[0] for n in names):
            if name == "lark":
                assert id(node) in inner, f"line {node.lineno}: lark is imported at once"
            if name in HEAVY:
                assert str(path.relative_to(ROOT / "cgcli")) in HEAVY[name]
                assert id(node) in inner, f"line {node.lineno}: {name} is imported at once"
