"""Runs expressions with the standard library at hand, for its tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import cgcli

FOLDER = Path(cgcli.__file__).parent / "language" / "stdlib"
FILES = sorted(FOLDER.glob("*.cg"))


def program(text: str) -> cgcli.Program:
    """A program with the whole library at hand."""
    return cgcli.parse("".join(f"import {path.stem}\n" for path in FILES) + text)


def value(expression: str, **values: Any) -> Any:
    """What an expression gives; its names are inputs of the values' shapes."""
    return program(declared(values) + f"out = {expression}\noutput out").eval(values)["out"]


def gradient(expression: str, **values: Any) -> dict[str, Any]:
    return dict(program(declared(values) + f"out = {expression}\noutput out").grad(values).partials)


def declared(values: Mapping[str, Any]) -> str:
    """Declarations of inputs that can take these values."""
    lines = []
    for name, given in values.items():
        array = np.asarray(given)
        kind = "int" if array.dtype.kind == "i" else "float"
        shape = str(list(array.shape)) if array.shape else ""
        lines.append(f"input {name}: {kind}{shape}\n")
    return "".join(lines)


def assert_close(found: Any, wanted: Any, tolerance: float = 1e-12) -> None:
    """Equal in shape, and element by element within a relative tolerance; zeros and infinities exactly."""
    found, wanted = np.asarray(found), np.asarray(wanted)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=0)
