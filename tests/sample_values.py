"""Values for the inputs of samples, for tests that go through all of them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
VALUES = {"article": {"a": 2.0, "b": 3.0, "c": 1.0}, "ode": {"steps": 30}}


def values_for(path: Path) -> dict[str, Any]:
    """Values for the inputs of a sample that needs some: data of its name, or the first rows that it learns from."""
    data = path.with_suffix(".json")
    if data.exists():
        found = json.loads(data.read_text(encoding="utf-8"))
        return {path.stem: found[:2] if isinstance(found, list) else found}
    table = re.search(r"--data (\S+)", path.read_text(encoding="utf-8"))
    if table is None or path.stem == "article":
        return VALUES.get(path.stem, {})
    if table[1].endswith(".npz"):
        with np.load(ROOT / table[1]) as arrays:
            return {name: arrays[name][:3].astype(int) for name in arrays.files}
    header, row = (ROOT / table[1]).read_text(encoding="utf-8").splitlines()[:2]
    return dict(zip(header.split(","), map(float, row.split(",")), strict=True))
