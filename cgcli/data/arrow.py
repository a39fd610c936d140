"""Parquet and Arrow files, by pyarrow, which is installed with `cgcli[tables]`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any

from cgcli.graph.diagnostic import error

KINDS = ("parquet", "arrow", "feather")


def columns(path: str) -> tuple[str, ...]:
    """The names of a file's columns. Raises CgError when it cannot be read, or pyarrow is not there."""
    with _opened(path) as (file, _):
        return tuple(file.schema_arrow.names if hasattr(file, "schema_arrow") else file.schema.names)


def read(path: str, rows: int, wanted: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """The columns piece by piece, at most so many rows at a time, as arrays; where cells are missing, as lists."""
    with _opened(path) as (file, broken):
        try:
            if hasattr(file, "iter_batches"):
                for part in file.iter_batches(batch_size=rows, columns=list(wanted)):
                    yield {name: _cells(part.column(name)) for name in wanted}
                return
            for k in range(file.num_record_batches):
                part = file.get_batch(k)
                for start in range(0, part.num_rows, rows):
                    piece = part.slice(start, rows)
                    yield {name: _cells(piece.column(name)) for name in wanted}
        except broken as problem:
            raise _unreadable(path, problem) from None


class Writer:
    """Rows into a Parquet or Arrow file."""

    def __init__(self, file: IO[bytes], kind: str) -> None:
        self.file, self.kind = file, kind
        self.writer: Any = None

    def write(self, found: Mapping[str, Any]) -> None:
        """Some rows: by name an array, a row each; what a row of a tensor holds is a list."""
        pa = _library()
        batch = pa.table({name: _column(pa, x) for name, x in found.items()})
        if self.writer is None:
            self.writer = _writer(self.file, self.kind, batch.schema)
        self.writer.write_table(batch)

    def abandon(self) -> None:
        """Leaves the file as it is: its end is not written, not even when the writer is collected as garbage."""
        if self.writer is not None and self.kind == "parquet":
            self.writer.is_open = False

    def close(self) -> None:
        """Ends the file, which without this is none."""
        if self.writer is None:
            self.writer = _writer(self.file, self.kind, _library().schema([]))
        self.writer.close()


def _writer(file: IO[bytes], kind: str, schema: Any) -> Any:
    if kind == "parquet":
        from pyarrow import parquet

        # floats hardly ever come twice: a dictionary of them costs time and room
        few = [field.name for field in schema if str(field.type) in ("int64", "bool")]
        return parquet.ParquetWriter(file, schema, use_dictionary=few)
    from pyarrow import ipc

    return ipc.new_file(file, schema)


def _column(pa: Any, x: Any) -> Any:
    if x.ndim == 1:
        return pa.array(x)
    flat = pa.array(x.reshape(-1))
    for size in reversed(x.shape[1:]):
        flat = pa.FixedSizeListArray.from_arrays(flat, size)
    return flat


def _cells(column: Any) -> Any:
    """A column of plain numbers as an array at once; any other as what Python has for its cells."""
    import pyarrow as pa

    kind = column.type
    number = pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)
    if number and not column.null_count:
        return column.to_numpy(zero_copy_only=False)
    return column.to_pylist()


def _library() -> Any:
    try:
        import pyarrow as pa
    except ImportError:
        raise error("no-pyarrow") from None
    return pa


@contextmanager
def _opened(path: str) -> Iterator[tuple[Any, Any]]:
    """pyarrow's reader of a file, and what it raises."""
    pa = _library()
    broken = (pa.ArrowException, OSError, ValueError)
    try:
        if path.lower().endswith(".parquet"):
            from pyarrow import parquet

            file = parquet.ParquetFile(path, pre_buffer=False)  # else it holds all that it has read
        else:
            file = pa.ipc.open_file(path)
    except broken as problem:
        raise _unreadable(path, problem) from None
    try:
        yield file, broken
    finally:
        if hasattr(file, "close"):
            file.close()


def _unreadable(path: str, problem: Exception) -> Exception:
    lines = str(problem).strip().splitlines()
    return error("array-file-broken", status=1, file=path, reason=lines[0].lower() if lines else "it is damaged")
