"""CSV by pyarrow, where it is installed and the text is plain; whatever it could read or write in another way than
`text_tables` and `sinks` do is left to them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from .arrow_numbers import array_of_column, column_of_array

INT = "^-?[0-9]+$"
PLAIN_FLOATS = 1e-4, 1e10  # within, pyarrow writes a float that is not whole as Python does


@cache
def library() -> Any:
    """pyarrow, or None where it is not installed."""
    try:
        import pyarrow as pa
        import pyarrow.compute
        import pyarrow.csv
    except ImportError:
        return None
    return pa


class Texts(Sequence[str]):
    """The cells of a column, as texts; `floats` and `ints` are their numbers where all of them are plain."""

    def __init__(self, array: Any) -> None:
        self._array = array

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, k: Any) -> Any:
        return Texts(self._array[k]) if isinstance(k, slice) else self._array[k].as_py()

    def __iter__(self) -> Iterator[str]:
        return iter(self._array.to_pylist())

    def floats(self) -> Any:
        """An array of finite floats, or None."""
        import numpy as np

        array = self._numbers("float64")
        return None if array is None or not np.isfinite(array).all() else array

    def ints(self) -> Any:
        """An array of ints of 64 bits, or None."""
        if not library().compute.all(library().compute.match_substring_regex(self._array, INT)).as_py():
            return None  # pyarrow takes 0x10 for one, too
        return self._numbers("int64")

    def _numbers(self, kind: str) -> Any:
        pa = library()
        try:
            return array_of_column(pa.compute.cast(self._array, kind))
        except pa.ArrowInvalid:
            return None


def read_rows(text: str, names: Sequence[str], needed: Collection[str], delimiter: str) -> Mapping[str, Texts] | None:
    """The needed columns of complete lines of CSV; None where they are not plain: with quotes, empty lines, lone
    carriage returns, or another number of cells.
    """
    pa = library()
    irregular = '"' in text or "\n\n" in text or "\n\r" in text or text[:1] in "\r\n"
    if pa is None or irregular or text.count("\r") != text.count("\r\n"):
        return None
    data = text.encode()
    try:
        table = pa.csv.read_csv(
            pa.BufferReader(data),
            pa.csv.ReadOptions(use_threads=False, column_names=list(names), block_size=len(data) + 1),
            pa.csv.ParseOptions(delimiter=delimiter, quote_char=False, double_quote=False, ignore_empty_lines=False),
            pa.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                include_columns=[name for name in names if name in needed],
                null_values=[],
            ),
        )
    except pa.ArrowInvalid:
        return None
    return {name: Texts(table.column(name).combine_chunks()) for name in table.column_names}


def write_rows(columns: Sequence[Any], delimiter: str) -> str | None:
    """Lines of CSV from arrays of numbers; None where pyarrow is not installed, and for other columns and f32."""
    pa = library()
    if pa is None or any(
        getattr(x, "ndim", 0) != 1 or x.dtype.kind not in "fib" or x.dtype == "float32" for x in columns
    ):
        return None
    table = pa.table({str(k): _number_texts(pa, x) for k, x in enumerate(columns)})
    out = pa.BufferOutputStream()
    options = pa.csv.WriteOptions(include_header=False, delimiter=delimiter, quoting_style="none")
    pa.csv.write_csv(table, out, options)
    text: str = out.getvalue().to_pybytes().decode()
    return text


def _number_texts(pa: Any, x: Any) -> Any:
    """The texts of numbers, as Python writes them."""
    import numpy as np

    texts = pa.compute.cast(column_of_array(pa, x), pa.string())
    if x.dtype.kind != "f":
        return texts
    least, most = PLAIN_FLOATS
    with np.errstate(invalid="ignore"):
        size = np.abs(x)
        others = ~((size > least) & (size < most) & (x != np.floor(x)))
    if not others.any():
        return texts
    rest = x[others]
    written = [str(item) for item in rest.tolist()]
    return pa.compute.replace_with_mask(texts, pa.array(others), pa.array(written, pa.string()))
