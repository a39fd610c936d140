"""The checks that are not tests of behaviour: lint, format, types, the rooms' contract, the layout of the house."""

import ast
import subprocess
import sys
from collections.abc import Iterable
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from cgcli.cli.app import COMMANDS
from cgcli.ops.table import OPS

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
    "fsspec": ("files/remote.py",),
    "numpy": (
        "analysis/backward_pass.py",  # for type checkers
        "data/arrays.py",
        "data/arrow_csv.py",
        "data/arrow_numbers.py",
        "data/cells.py",
        "data/cuts.py",
        "data/frames.py",
        "data/journal.py",
        "data/number_columns.py",
        "data/checkpoints.py",
        "data/safetensors.py",
        "data/sinks.py",
        "loop_nests/interpreter.py",
        "run/native/executor.py",
        "ops/array_kernels.py",
        "ops/random.py",
        "ops/sizes.py",
        "ops/special_arrays.py",
        "program/labels.py",
        "program/classes.py",
        "program/fit_data.py",
        "program/residuals.py",
        "program/sweep.py",
        "program/sweep_blocks.py",
        "program/sweep_points.py",
        "program/sweep_rows.py",
        "program/sweep_trainings.py",
        "program/resume.py",
        "program/rows.py",
        "program/shards.py",
        "program/training.py",
        "program/array_libraries.py",
        "run/native/compile.py",  # for type checkers
        "run/native/routines.py",
        "run/native/chunks.py",  # for type checkers
        "run/native/columns.py",
        "run/native/executor.py",
        "run/numpy/reference.py",
        "run/numpy/calls.py",
        "run/binding.py",
        "run/sizes.py",
        "dynamic/host.py",
        "render/histogram.py",
        "render/page/data.py",
        "render/tensors.py",
        "train/solvers.py",
        "train/batches.py",
        "analysis/gradcheck.py",
        "analysis/paths.py",
        "run/numpy/planned.py",
        "run/numpy/codegen.py",
        "run/numpy/scope.py",
        "dynamic/tape_arrays.py",
        "run/numpy/call_recorder.py",
    ),
    "llvmlite": ("run/native/compile.py", "run/native/host.py"),
    "pyarrow": ("data/arrow.py", "data/arrow_csv.py"),
    "dask": ("cluster/schedulers.py",),
    "distributed": ("cluster/schedulers.py", "cluster/tasks.py"),
    "pydantic": (),
    "matplotlib": (
        "render/plots.py",
        "render/sampled_figure.py",
        "render/curve.py",  # for type checkers
        "render/fit_plot.py",  # for type checkers
        "render/sweep_plot.py",
    ),
    "scipy": ("ops/special_arrays.py", "program/sweep_points.py", "run/native/blas.py", "train/solvers.py"),
    "rich": ("diagnostics/wrapped.py",),
    "graphviz": ("render/picture/dot.py",),
    "pygraphviz": ("render/picture/layout_child.py",),
    "fpdf": ("render/picture/pdf.py",),
    "resvg_py": ("render/picture/png.py",),
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


LONGEST_COMMAND = 40  # lines
MOST_PARAMETERS = 10
CONSTRUCTORS = {("ops/op.py", "declare")}  # whose parameters are the fields of a record


def test_command_functions_are_short() -> None:
    lengths: dict[str, int] = {}
    for path in (ROOT / "cgcli" / "cli").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "declare"]
        names = [ast.unparse(call.args[1]) for call in calls]
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name in names:
                lengths[node.name] = (node.end_lineno or 0) - node.lineno + 1
    assert len(lengths) == len(COMMANDS)
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_COMMAND} == {}


def test_functions_have_few_parameters() -> None:
    counts: dict[tuple[str, str], int] = {}
    for path in (ROOT / "cgcli").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                parameters = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                key = path.relative_to(ROOT / "cgcli").as_posix(), node.name
                counts[key] = max(len(parameters), counts.get(key, 0))
    many = {key: count for key, count in counts.items() if count > MOST_PARAMETERS and key not in CONSTRUCTORS}
    assert many == {}


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """Each module and those that it imports anywhere in it: inside functions and for type checkers, too."""
    import grimp  # which an environment for the portable tests alone lacks

    graph = grimp.build_graph("cgcli", cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def test_no_imports_run_in_a_circle(imports: dict[str, set[str]]) -> None:
    TopologicalSorter(imports).prepare()  # raises CycleError, which holds the circle


def test_the_map_of_the_rooms_is_that_of_the_imports(
    imports: dict[str, set[str]], request: pytest.FixtureRequest
) -> None:
    page = ROOT / "docs" / "development.md"
    text = page.read_text(encoding="utf-8")
    before, figure, after = text.partition("```mermaid\n")[0], room_map(imports), text.partition("```\n\n| room")[2]
    whole = f"{before}```mermaid\n{figure}```\n\n| room{after}"
    if request.config.getoption("--rewrite"):
        page.write_text(whole, encoding="utf-8")
    assert text == whole


def room_map(imports: dict[str, set[str]]) -> str:
    """The rooms, and which uses which; an arrow that two others say already is left out."""
    uses: dict[str, set[str]] = {}
    for module, others in imports.items():
        for other in others:
            room, used = room_of(module), room_of(other)
            if room and used and room != used:
                uses.setdefault(room, set()).add(used)
    below: dict[str, set[str]] = {}
    for room in TopologicalSorter(uses).static_order():
        below[room] = set().union(*({used} | below[used] for used in uses.get(room, ())))
    lines = [
        f"  {room} --> {used}\n"
        for room in sorted(uses)
        for used in sorted(uses[room])
        if not any(used in below[other] for other in uses[room])
    ]
    return "flowchart TD\n" + "".join(lines)


def room_of(module: str) -> str | None:
    """The folder of the package that a module is in; None for a file beside the folders."""
    name = module.split(".")[1] if "." in module else ""
    return name if (ROOT / "cgcli" / name).is_dir() and name else None


def test_a_heavy_library_is_imported_in_its_own_places() -> None:
    for path in MODULES:
        name = path.relative_to(ROOT / "cgcli").as_posix()
        assert {library for library in imported_by(path) & HEAVY.keys() if name not in HEAVY[library]} == set(), name


NAMES_OPS = (
    "graph/graph.py",  # the opcodes that every room reads
    "ops/",
    "language/",  # operators and built-in functions
    "dynamic/eager.py",  # operators that are run at once
    "dynamic/host.py",  # operators of Python
    "dynamic/numpy_api.py",
    "transform/",  # derivative rules of structured nodes, masks
    "loop_nests/",  # primitives, which have the names of ops
    # rewrite rows
    "optimise/algebra.py",
    "optimise/branches.py",
    "optimise/chains.py",
    "optimise/identities.py",
    "optimise/shape_identities.py",
    "optimise/simplify.py",
)
"""The modules that may name ops. What another one wants to know of an op is a field of its record."""


def test_a_table_of_ops_stands_in_their_records() -> None:
    paths = {path.relative_to(ROOT / "cgcli").as_posix(): path for path in MODULES if ROOT / "cgcli" in path.parents}
    naming = {name: sorted(ops_named_by(path)) for name, path in paths.items() if not name.startswith(NAMES_OPS)}
    assert {name: ops for name, ops in naming.items() if ops} == {}


def ops_named_by(path: Path) -> set[str]:
    """The ops that a module looks up or lists by name. To build a node of an op, as in `b.add(x, y)`, is no such."""
    named: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "opcode":
            named |= texts(node.args)
        elif (
            isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in ("OPS", "BY_CODE")
        ):
            named |= texts([node.slice])
        elif isinstance(node, ast.Compare) and "op" in ast.unparse(node.left):
            others = [x for c in node.comparators for x in (c.elts if isinstance(c, (ast.Tuple, ast.Set)) else [c])]
            named |= texts(others)
        elif isinstance(node, (ast.Tuple, ast.List, ast.Set)) and len(node.elts) > 2:
            named |= texts(node.elts) if len(texts(node.elts)) == len(node.elts) else set()
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value.split()) > 2:
            words = set(node.value.split())
            named |= words if words <= OPS.keys() else set()
    return named


def texts(nodes: Iterable[ast.expr]) -> set[str]:
    """The names of ops among constants."""
    return {x.value for x in nodes if isinstance(x, ast.Constant) and isinstance(x.value, str) and x.value in OPS}


def imported_by(path: Path) -> set[str]:
    """The top-level packages that a module imports by their full names, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").split(".")[0])
    return found
