"""samples/errors: one wrong program for each diagnostic, its exact message beside it (`--rewrite` writes it)."""

import json
from pathlib import Path

import pytest

from cgcli import load
from cgcli.diagnostics.diagnostic import CgError, Diagnostic
from cgcli.diagnostics.report import text
from cgcli.diagnostics.wording import control, program, structures, syntax, tensors

ROOT = Path(__file__).parents[1]
CASES = sorted((ROOT / "samples" / "errors").glob("*.cg"))
ELSEWHERE = {
    **dict.fromkeys(("unused-input", "unused-value", "outside-domain", "equal-floats"), "tests/test_lint.py"),
    "nested-too-deep": "tests/test_deep.py",
    "too-many-nodes": "tests/test_deep.py",
    "expression-too-long": "tests/test_deep.py",
    "empty-value": "tests/test_parser.py",  # of a value on the command line
    "name-in-value": "tests/test_cli_values.py",
    "value-only": "tests/test_syntax_messages.py",
    "too-large": "tests/test_cli_values.py",  # the limit is the machine's
    "matrix-expected": "functions ask for their axes before the type rule does",
    "sizes-undecided": "lowering compares such sizes at the run",
    "derivative-of-tensor-named": "tests/test_cli_tensors.py",
    "gradient-differs-at": "tests/test_cli_tensors.py",
    "gradient-nan-at": "tests/test_nan_derivatives.py",  # of the command's check
    "derivative-not-invertible": "tests/test_nan_derivatives.py",  # it is the run that fails
    "branches-differ": "the type rule of a node that lowering never makes",
    "no-type-rule": "the same",
    "body-inputs": "the same",
    "target-indices": "the same",
    "carry-changes": "the same",
    "side-inputs": "the same",
    "not-a-list": "the same",
    "not-an-int": "the same",
    "too-many-steps": "tests/test_loops.py",  # limits are given when a program runs
    "stacks-too-large": "tests/test_loops.py",
    "not-data": "tests/test_dynamic.py",  # of values that no JSON file holds
    "too-many-calls": "tests/test_dynamic.py",  # the limit is given when a program runs
    "calls-too-deep": "tests/test_memory_limits.py",
    "bad-json": "tests/test_cli_dynamic.py",  # of files that are given
    "json-twice": "tests/test_cli_dynamic.py",
    "json-too-deep": "tests/test_cli_dynamic.py",
    "json-number": "tests/test_tables_opened.py",
}
"""Codes without a program that one could read, and where they are shown instead."""


def diagnostics(path: Path) -> tuple[Diagnostic, ...]:
    """What is said of the program; `static_…` in that mode, `run_…` when it runs, with the values beside it if any."""
    try:
        program = load(path.relative_to(ROOT), mode="static" if path.stem.startswith("static_") else None)
        if path.stem.startswith("run_"):
            values = path.with_suffix(".json")
            program.eval(json.loads(values.read_text(encoding="utf-8")) if values.exists() else {})
        return program.warnings
    except CgError as e:
        return e.diagnostics


@pytest.mark.parametrize("path", CASES, ids=[p.stem for p in CASES])
def test_message(path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    found = diagnostics(path)
    assert found, "a program in samples/errors is wrong, or warned of"
    golden = path.with_suffix(".txt")
    shown = text(found).replace(str(ROOT), "<folder>")
    if request.config.getoption("--rewrite"):
        golden.write_text(shown, encoding="utf-8")
    assert shown == golden.read_text(encoding="utf-8")


def test_every_sample_says_what_is_wrong_with_it() -> None:
    for path in CASES:
        assert "# " in path.read_text(encoding="utf-8").splitlines()[0], path


def test_every_diagnostic_about_programs_has_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    shown = {d.code for path in CASES for d in diagnostics(path)}
    tables = (program, syntax, tensors, control, structures)
    codes = {code for table in tables for code in table.TEMPLATES}
    assert codes - shown - set(ELSEWHERE) == set()
