"""How the elements of a tensor are spread, in one line of text."""

from __future__ import annotations

import math
from typing import Any

BLOCKS = " ▁▂▃▄▅▆▇█"
BINS = 16


def bars(x: Any) -> tuple[str, dict[str, Any]]:
    """A bar for each of `BINS` equal steps from the least element to the largest, and the same in numbers.

    Elements that are not finite count nowhere but in `odd`.
    """
    import numpy as np

    flat = np.asarray(x, dtype=float).reshape(-1)
    finite = flat[np.isfinite(flat)]
    if not finite.size:
        return "", {"norm": math.nan, "min": math.nan, "max": math.nan, "counts": [], "odd": flat.size}
    counts, _ = np.histogram(finite, bins=BINS)
    most = int(counts.max())
    text = "".join(BLOCKS[math.ceil(8 * int(n) / most)] for n in counts)
    statistics = {"norm": float(np.linalg.norm(finite)), "min": float(finite.min()), "max": float(finite.max())}
    return text, {**statistics, "counts": counts.tolist(), "odd": flat.size - finite.size}
