"""Plain numbers between NumPy and pyarrow by their memory: pyarrow's own conversions import pandas, if installed."""

from __future__ import annotations

from typing import Any

FLOATS = {"halffloat": "float16", "float": "float32", "double": "float64"}
"""NumPy's names of floats by Arrow's; those of whole numbers are the same."""


def array_of_column(column: Any) -> Any:
    """A column of pyarrow's as an array. It holds numbers or bools, and none is missing."""
    import numpy as np

    if not hasattr(column, "buffers") or str(column.type) == "bool":  # chunks, and bits
        return column.to_numpy(zero_copy_only=False)
    name = str(column.type)
    kind = np.dtype(FLOATS.get(name, name))  # pyarrow 21 asks pandas for it, which need not be there
    data = column.buffers()[1]
    if data is None or not len(column):
        return np.zeros(0, kind)
    return np.frombuffer(data, kind, len(column), column.offset * kind.itemsize)


def column_of_array(pa: Any, x: Any) -> Any:
    """An array with one axis as a column of pyarrow's. pa: the library."""
    import numpy as np

    if x.dtype.kind not in "fi" or not x.dtype.isnative:
        return pa.array(x)
    x = np.ascontiguousarray(x)
    return pa.Array.from_buffers(pa.from_numpy_dtype(x.dtype), len(x), [None, pa.py_buffer(x)])
