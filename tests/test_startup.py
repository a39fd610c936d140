"""What a command imports: a scalar run needs no arrays, tables, pictures or parser."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ARTICLE = str(ROOT / "samples" / "article.cg")
VALUES = ["--a", "2", "--b", "3", "--c", "1"]


def loaded_by(*args: str) -> set[str]:
    """The top-level packages that `cg` with these arguments has loaded at its end."""
    code = (
        "import sys\n"
        "from cgcli.cli import main\n"
        f"main({list(args)!r})\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize("args", [["--help"], ["eval", "--help"], ["--version"]], ids=" ".join)
def test_help_imports_no_library_that_it_does_not_need(args: list[str]) -> None:
    assert not loaded_by(*args) & {"numpy", "pydantic", "graphviz", "pygraphviz", "lark", "scipy"}


@pytest.mark.parametrize("command", ["eval", "grad"])
def test_a_warm_scalar_run_imports_no_parser(command: str) -> None:
    loaded_by(command, ARTICLE, *VALUES)
    assert not loaded_by(command, ARTICLE, *VALUES) & {"numpy", "pydantic", "graphviz", "pygraphviz", "lark", "rich"}


def test_a_picture_imports_no_numpy(tmp_path: Path) -> None:
    found = loaded_by("render", ARTICLE, *VALUES, "-o", str(tmp_path / "a.svg"))
    assert not found & {"numpy", "pygraphviz"}  # Graphviz runs in a process of its own
    assert (tmp_path / "a.svg").stat().st_size > 1000
