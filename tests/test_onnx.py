"""ONNX's own node tests, for the operations that both sides have; `--rewrite` writes the table, `docs/onnx.md`."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="a second opinion that not every installation has")

import onnx
import onnx_cases

import cgcli

PAGE = Path(__file__).parents[1] / "docs" / "onnx.md"


@pytest.mark.parametrize("operator", onnx_cases.WRITERS)
def test_nodes(operator: str) -> None:
    """All cases of an operator: to know them by name already costs seconds, in every process that collects tests."""
    for case in [entry.case for entry in onnx_cases.entries() if entry.case is not None and entry.op == operator]:
        program = cgcli.parse(onnx_cases.program_of(case))
        asked = {i.name for i in program.inputs}
        found = program.eval({f"x{k}": x for k, x in enumerate(case.inputs) if f"x{k}" in asked})
        for k, wanted in enumerate(case.outputs):
            value = np.asarray(found[f"y{k}"])
            assert value.shape == wanted.shape, case.name
            if wanted.shape:
                assert value.dtype == wanted.dtype, case.name
            else:
                assert value.dtype.kind == wanted.dtype.kind, case.name  # a number is one of Python's
            np.testing.assert_allclose(value, wanted, rtol=case.rtol, atol=case.atol, err_msg=case.name)


def test_every_case_is_counted() -> None:
    assert {entry.op for entry in onnx_cases.entries() if entry.case is not None} <= set(onnx_cases.WRITERS)
    counted = sum(
        int(line.split("|")[2])
        for line in onnx_cases.table().splitlines()
        if line.startswith("| ") and not line.startswith("| operator")
    )
    assert counted == len(onnx_cases.entries())


def test_the_page_is_up_to_date(request: pytest.FixtureRequest) -> None:
    page = onnx_cases.table()
    if request.config.getoption("--rewrite"):
        PAGE.write_text(page, encoding="utf-8")
    kept = PAGE.read_text(encoding="utf-8")
    if f"onnx {onnx.__version__}," not in kept:
        pytest.skip(f"the page tells of another version than {onnx.__version__}, with other cases")
    assert kept == page
