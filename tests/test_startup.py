"""What a command imports: a scalar run needs no arrays, tables, pictures, and the second time no parser either."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.portable

ROOT = Path(__file__).parents[1]
ARTICLE = str(ROOT / "samples" / "article.cg")
VALUES = ["--a", "2", "--b", "3", "--c", "1"]
LIBRARIES = {"numpy", "pydantic", "scipy", "fpdf", "graphviz", "lark", "pygraphviz", "resvg_py", "rich"}


def modules_loaded_by(*args: str) -> set[str]:
    """The modules that `cg` with these arguments has loaded at its end."""
    code = (
        "import sys\n"
        "from cgcli.cli import main\n"
        f"assert main({list(args)!r}) == 0\n"
        "print(*sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.splitlines()[-1].split())


def loaded_by(*args: str) -> set[str]:
    """The top-level packages of these."""
    return {name.partition(".")[0] for name in modules_loaded_by(*args)}


@pytest.mark.parametrize("args", [[], ["--help"], ["eval", "--help"], ["--version"], ["samples"]], ids=" ".join)
def test_help_imports_no_library_but_typer(args: list[str]) -> None:
    assert not loaded_by(*args) & LIBRARIES


@pytest.mark.parametrize("command", ["eval", "grad"])
def test_a_first_scalar_run_imports_the_parser_alone(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert loaded_by(command, ARTICLE, *VALUES) & LIBRARIES == {"lark"}


@pytest.mark.parametrize("command", ["eval", "grad"])
def test_a_warm_scalar_run_imports_no_parser(command: str) -> None:
    loaded_by(command, ARTICLE, *VALUES)
    assert not loaded_by(command, ARTICLE, *VALUES) & LIBRARIES


def test_a_table_imports_rich_where_texts_are_broken_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded_by("eval", ARTICLE, *VALUES)
    assert not loaded_by("eval", ARTICLE, *VALUES, "--format", "table") & LIBRARIES
    monkeypatch.setenv("COLUMNS", "40")
    long = f"z = [{', '.join(f'name{k}' for k in range(12))}]"
    assert loaded_by("show", "-e", long) & LIBRARIES - {"lark"} == {"rich"}
    assert not loaded_by("show", "-e", "y = a + b") & LIBRARIES - {"lark"}


@pytest.mark.parametrize(
    ("kind", "libraries"),
    [("svg", set()), ("png", {"resvg_py"}), ("pdf", {"fpdf", "numpy"}), ("dot", {"graphviz"})],
    ids=["svg", "png", "pdf", "dot"],
)
def test_a_picture_leaves_the_layout_to_another_process(kind: str, libraries: set[str], tmp_path: Path) -> None:
    loaded_by("eval", ARTICLE, *VALUES)
    loaded = loaded_by("render", ARTICLE, *VALUES, "-o", str(tmp_path / f"a.{kind}"))
    assert loaded & LIBRARIES == libraries
    assert (tmp_path / f"a.{kind}").stat().st_size > 1000


def test_a_warm_scalar_run_imports_few_modules_of_ours() -> None:
    loaded_by("eval", ARTICLE, *VALUES)
    loaded = modules_loaded_by("eval", ARTICLE, *VALUES)
    assert sum(name.partition(".")[0] == "cgcli" for name in loaded) <= 60
