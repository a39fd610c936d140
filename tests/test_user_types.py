"""The types of the package as a user's checker sees them."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SCRIPT = """
from pathlib import Path
from typing import Any, Literal, assert_type

import cgcli
from cgcli.program.shown import ShownPlan, ShownRun
from cgcli.render.explain import Explanation


def model(x: float, w: float = 2.0) -> float:
    return x * w


f = cgcli.load(Path("f.cg"), allow_path=["lib"], mode="static", max_nodes=1000)
g: cgcli.Program = cgcli.parse("y = x", name="g.cg", folder=".", keep=True)
f.seed, f.max_memory, f.max_steps, f.backend = 1, 2**30, 1000, "numpy"
assert_type(f, cgcli.Program)
assert_type(cgcli.trace(model), cgcli.Program)
assert_type(f(a=2), Any)
assert_type(f({"a": 2}, b=[1.0, 2.0]), Any)
assert_type(f.eval(a=2, every=True), dict[str, Any])
assert_type(f.grad(a=2, wrt=["a"]), cgcli.Gradient)
assert_type(f.grad({"a": 2}, of="y")["a"], Any)
assert_type(f.value_and_grad(a=2, wrt="a"), tuple[Any, cgcli.Gradient])
assert_type(f.jacobian(a=2).partials, dict[str, Any])
assert_type(f.hessian(a=2), dict[str, dict[str, Any]])
assert_type(f.check_grad(a=2)[0].verdict, Literal["ok", "wrong", "kink", "edge"])
assert_type(f.explain(a=2, max_paths=3), Explanation)
assert_type(f.plan(derivatives=True), ShownPlan)
assert_type(f.run(a=2), ShownRun)
assert_type(f.render("f.svg", a=2), cgcli.Picture)
assert_type(f.render(Path("f.svg"), {"a": 2}, options=cgcli.PictureOptions(view="forward")).data, bytes)
assert_type(f.symbolic(), str)
outputs = f(a=2)
if isinstance(outputs, cgcli.Outputs):
    y, z = outputs
    named: dict[str, Any] = dict(outputs)
    print(outputs.y, outputs["y"], len(outputs), y, z, named)
gradient: cgcli.Gradient = f.grad(a=2)
partials: dict[str, Any] = dict(gradient)
try:
    f(a=2)
except cgcli.CgError as problem:
    diagnostic: cgcli.Diagnostic = problem.diagnostics[0]
    print(problem, problem.status, diagnostic.code)
print(f, repr(f), f.outputs, [i.name for i in f.inputs], f.warnings, cgcli.__version__, partials)
"""
MISTAKES = """
import cgcli

cgcli.no_such_name
cgcli.load("f.cg", mode="fast")
cgcli.load("f.cg").grad({"a": 2}, wrt=1)
"""


def test_a_strict_checker_knows_the_types(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    (tmp_path / "mistakes.py").write_text(MISTAKES, encoding="utf-8")
    # the cache of the check of the package itself, which has read all of it
    options = ["--strict", "--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(ROOT / ".mypy_cache")]
    command = [sys.executable, "-m", "mypy", *options, "script.py", "mistakes.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    errors = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert all(line.startswith("mistakes.py") for line in errors), done.stdout
    assert [re.sub(r".*\[(.*)\]", r"\1", line) for line in errors] == ["attr-defined", "arg-type", "arg-type"]
