"""What a command imports: a scalar run needs no arrays, tables, pictures, and the second time no parser either."""

import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = pytest.mark.portable

ROOT = Path(__file__).parents[1]
ARTICLE = str(ROOT / "samples" / "article.cg")
VALUES = ["--a", "2", "--b", "3", "--c", "1"]
LIBRARIES = {"fsspec", "numpy", "pydantic", "scipy", "fpdf", "graphviz", "lark", "pygraphviz", "resvg_py", "rich"}


def modules_loaded_by(*args: str, folder: Path | None = None) -> set[str]:
    """The modules that `cg` with these arguments has loaded at its end."""
    code = (
        "import sys\n"
        "from cgcli.cli import main\n"
        f"assert main({list(args)!r}) == 0\n"
        "print(*sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=folder)
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


def test_a_table_imports_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded_by("eval", ARTICLE, *VALUES)
    assert not loaded_by("eval", ARTICLE, *VALUES, "--format", "table") & LIBRARIES
    monkeypatch.setenv("COLUMNS", "40")
    long = f"z = [{', '.join(f'name{k}' for k in range(12))}]"
    assert not loaded_by("show", "-e", long, "--format", "table") & LIBRARIES - {"lark"}
    assert not loaded_by("show", "-e", "y = a + b") & LIBRARIES - {"lark"}


@pytest.mark.parametrize(
    ("kind", "libraries"),
    [("svg", set()), ("png", {"resvg_py"}), ("pdf", {"fpdf", "numpy"}), ("dot", {"graphviz"})],
    ids=["svg", "png", "pdf", "dot"],
)
def test_a_picture_leaves_the_layout_to_another_process(
    kind: str, libraries: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # in that of all tests the program may be gone, for it is full
    loaded_by("eval", ARTICLE, *VALUES)
    loaded = loaded_by("render", ARTICLE, *VALUES, "-o", str(tmp_path / f"a.{kind}"))
    assert loaded & LIBRARIES == libraries
    assert (tmp_path / f"a.{kind}").stat().st_size > 1000


SAMPLES = ROOT / "samples"
BUDGETS = {
    ("--version",): (12, set()),
    ("--help",): (12, set()),
    ("samples",): (27, set()),
    ("help",): (117, set()),
    ("eval", "--help"): (66, set()),
    ("train", "--help"): (71, set()),
    ("sweep", "--help"): (67, set()),
    ("sweep", ARTICLE, "--a", "1,2", "--b", "1", "--c", "1"): (143, {"numpy"}),
    ("eval", ARTICLE, *VALUES): (17, set()),
    ("grad", ARTICLE, *VALUES): (17, set()),
    ("check", ARTICLE): (99, {"lark"}),
    ("fmt", "--check", ARTICLE): (81, {"lark"}),
    ("show", ARTICLE): (84, set()),
    ("show", ARTICLE, *VALUES): (97, set()),
    ("show", "--tree", ARTICLE): (82, set()),
    ("explain", ARTICLE, *VALUES): (97, set()),
    ("plan", ARTICLE): (155, {"llvmlite"}),
    ("render", ARTICLE, *VALUES, "-o", "a.svg"): (119, set()),
    ("plot", ARTICLE, *VALUES, "--over", "a=0..1"): (92, set()),
    ("plot", ARTICLE, *VALUES, "--over", "a=0..1", "--format", "txt"): (84, set()),
    ("trace", ARTICLE, *VALUES): (150, {"lark"}),
    ("eval", str(SAMPLES / "mlp.cg")): (90, {"numpy"}),
    ("eval", ARTICLE, "--data", "t.csv"): (17, set()),
    ("grad", ARTICLE, "--data", "t.csv", "-o", "o.csv"): (101, set()),
    ("grad", str(SAMPLES / "black_scholes.cg"), "--data", "options.csv"): (101, set()),
}
"""By command how many modules of ours it loads at most when its program is cached, and which libraries besides Typer. A
budget is what the command needs today: lower it where it needs less."""


def modules_of_all(commands: Sequence[Sequence[str]], folder: Path) -> list[set[str]]:
    """The modules that each command has loaded at its end, two of the commands at a time."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda args: modules_loaded_by(*args, folder=folder), commands))


def test_no_command_loads_more_than_it_uses(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b,c\n1,2,3\n2,3,1\n", encoding="utf-8")
    (tmp_path / "options.csv").write_text("spot,strike,rate,vol,years\n100,90,0.05,0.2,1\n", encoding="utf-8")
    first = [args for args in BUDGETS if "--data" in args or str(SAMPLES / "mlp.cg") in args]
    modules_of_all(first, tmp_path)  # which keep the programs in the cache
    loaded = modules_of_all(list(BUDGETS), tmp_path)
    counts = {
        args: sum(name.partition(".")[0] == "cgcli" for name in names)
        for args, names in zip(BUDGETS, loaded, strict=True)
    }
    too_many = {" ".join(args): count for args, count in counts.items() if count > BUDGETS[args][0]}
    assert too_many == {}
    for args, names in zip(BUDGETS, loaded, strict=True):
        libraries = {name.partition(".")[0] for name in names} & (LIBRARIES | {"llvmlite", "pandas", "pyarrow"})
        assert libraries == BUDGETS[args][1], args
        assert not names & {"concurrent.futures", "unittest", "cgcli.diagnostics.wording.messages"}, args


@pytest.mark.skipif(find_spec("pyarrow") is None, reason="needs pyarrow")
def test_a_parquet_file_of_few_rows_imports_pyarrow_and_numpy_alone(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b,c\n1,2,3\n2,3,1\n", encoding="utf-8")
    modules_loaded_by("eval", ARTICLE, "--data", "t.csv", "-o", "t.parquet", "--carry", "all", folder=tmp_path)
    loaded = modules_loaded_by("grad", ARTICLE, "--data", "t.parquet", "-o", "o.parquet", folder=tmp_path)
    libraries = {name.partition(".")[0] for name in loaded} & (LIBRARIES | {"llvmlite", "pandas", "pyarrow"})
    assert libraries == {"pyarrow", "numpy"}
