"""ONNX's own node tests, for the operations that both sides have; `--rewrite` writes the table, `docs/onnx.md`."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="a second opinion that not every installation has")

import onnx_cases

import cgcli

PAGE = Path(__file__).parents[1] / "docs" / "onnx.md"
WITHIN = [case for case, *_ in onnx_cases.cases() if case is not None]


@pytest.mark.parametrize("case", WITHIN, ids=[case.name for case in WITHIN])
def test_node(case: onnx_cases.Case) -> None:
    program = cgcli.parse(onnx_cases.program_of(case))
    asked = {i.name for i in program.inputs}
    found = program.eval({f"x{k}": x for k, x in enumerate(case.inputs) if f"x{k}" in asked})
    for k, wanted in enumerate(case.outputs):
        value = np.asarray(found[f"y{k}"])
        if np.shape(wanted):
            assert value.shape == wanted.shape
            assert value.dtype.kind == wanted.dtype.kind
            assert wanted.dtype.kind != "f" or value.dtype == wanted.dtype
        np.testing.assert_allclose(value, wanted, rtol=case.rtol, atol=case.atol)


def test_the_page_has_every_case(request: pytest.FixtureRequest) -> None:
    page = onnx_cases.table()
    if request.config.getoption("--rewrite"):
        PAGE.write_text(page, encoding="utf-8")
    counted = sum(
        int(line.split("|")[2]) for line in page.splitlines() if line.startswith("| ") and "cases" not in line
    )
    assert counted == len(onnx_cases.cases())
    assert PAGE.read_text(encoding="utf-8") == page
