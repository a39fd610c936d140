"""Parquet and Arrow files, by pyarrow, which is installed with `cgcli[tables]`."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import IO, Any, cast

from cgcli.diagnostics.diagnostic import error
from cgcli.system import file_name, is_url

from .arrow_numbers import array_of_column, column_of_array
from .number_columns import Numbers
from .reading import open_file, reading

KINDS = ("parquet", "arrow", "feather")


def columns_and_rows(path: str) -> tuple[tuple[str, ...] | None, int | None]:
    """The names of a file's columns, and how many rows it has, None where it does not say.

    Raises CgError when it cannot be read, or pyarrow is not there.
    """
    with reading(path), _opened(path) as file:
        metadata = getattr(file, "metadata", None)  # an Arrow file's is that of its schema
        return tuple(_schema(file).names), getattr(metadata, "num_rows", None)


def read(
    path: str, rows: int, needed: Collection[str], span: tuple[int, int] | None = None
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The columns piece by piece, at most so many rows at a time: the count of rows, and by name an array, or a list
    where cells are missing or are no plain numbers.

    span: of a Parquet file the first row to read, and the first behind it that is not read. Raises CgError (status 1)
    for a file that is damaged and for a column of dates, records or the like.
    """
    with reading(path), _opened(path, needed) as file:
        for field in _schema(file):
            if field.name in needed and not _is_cell(field.type):
                description = _contents(field.type)
                raise error("table-column-type", status=1, file=path, name=field.name, contents=description)
        for part in _batches(file, rows, needed) if span is None else _span(file, needed, *span):
            part.validate(full=True)  # pyarrow follows the offsets in a damaged file to anywhere in memory
            for start in range(0, part.num_rows, rows):
                piece = part.slice(start, rows)
                yield piece.num_rows, {name: _cells(piece.column(name)) for name in needed}


def column_of(value: Any) -> Any:
    """An object behind Arrow's PyCapsule protocol as pyarrow's column. Raises CgError where pyarrow is not there."""
    library = _library()
    return library.array(value) if hasattr(value, "__arrow_c_array__") else library.chunked_array(value)


def _batches(file: Any, rows: int, needed: Collection[str]) -> Iterator[Any]:
    if hasattr(file, "iter_batches"):
        return cast("Iterator[Any]", file.iter_batches(batch_size=rows, columns=list(needed)))
    return (file.get_batch(k) for k in range(file.num_record_batches))


def _span(file: Any, needed: Collection[str], start: int, stop: int) -> Iterator[Any]:
    """Some rows of a Parquet file in one piece; of groups of rows that have none of them nothing is read."""
    pa = _library()
    groups: list[int] = []
    at = first = 0
    for group in range(file.num_row_groups):
        count = file.metadata.row_group(group).num_rows
        if at < stop and at + count > start:
            first = first if groups else at
            groups.append(group)
        at += count
    if not needed:  # rows without columns cannot be put together
        yield pa.RecordBatch.from_struct_array(pa.array([{}] * (stop - start), pa.struct([])))
        return
    pieces = []
    at = first
    for batch in file.iter_batches(row_groups=groups, columns=list(needed)):
        low, high = max(start - at, 0), min(stop - at, batch.num_rows)
        if low < high:
            pieces.append(batch.slice(low, high - low))
        at += batch.num_rows
        if at >= stop:
            break
    yield from pa.Table.from_batches(pieces).combine_chunks().to_batches()


def _schema(file: Any) -> Any:
    return file.schema_arrow if hasattr(file, "schema_arrow") else file.schema


def _is_cell(kind: Any) -> bool:
    """Whether cells of this type of pyarrow's are numbers, bools, texts, or lists of those."""
    types = _library().types
    while types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        kind = kind.value_type
    if types.is_dictionary(kind):
        kind = kind.value_type
    text = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    return bool(text or types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind))


def _contents(kind: Any) -> str:
    """The contents of a column whose type no input takes, in words."""
    types = _library().types
    if types.is_nested(kind):
        return "records" if types.is_struct(kind) else f"values of type `{kind}`"
    if types.is_timestamp(kind) or types.is_date(kind):
        return "dates"
    if types.is_decimal(kind):
        return "decimals"
    if types.is_null(kind):
        return "nothing"
    return "times" if types.is_temporal(kind) else f"values of type `{kind}`"


def columns_in_memory(data: Any, name: str) -> dict[str, Any]:
    """The columns of an object that hands out Arrow data, as `read` gives them. name: of the table in messages.

    Raises CgError for what is no table, and when pyarrow is not installed; a column of dates, records or the like
    raises it where its cells are read.
    """
    pa = _library()
    try:
        table = pa.table(data)
    except (pa.ArrowException, TypeError, ValueError):
        raise error("no-table-value", kind=type(data).__name__) from None
    columns: dict[str, Any] = {}
    for field, column in zip(table.schema, table.columns, strict=True):
        refused = _RefusedColumn(name, field.name, _contents(field.type), len(column))
        columns[field.name] = _cells(column) if _is_cell(field.type) else refused
    return columns


class _RefusedColumn:
    """A column of a kind that no input takes. Raises CgError (status 1) where cells of it are read."""

    def __init__(self, file: str, name: str, contents: str, rows: int) -> None:
        self.file, self.name, self.contents, self.rows = file, name, contents, rows

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, k: Any) -> Any:
        raise error("table-column-type", status=1, file=self.file, name=self.name, contents=self.contents)


def table(columns: Mapping[str, Any]) -> Any:
    """A table of pyarrow's from columns, as `ArrowWriter` writes them."""
    pa = _library()
    return pa.table({name: _column(pa, name, x) for name, x in columns.items()})


CARRIED = b"carried"  # among the metadata of a table: the columns whose cells are carried through, as JSON


class TableStream:
    """Rows as tables one after the other, each with types of its own, for `ArrowWriter.append`."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file

    def write(self, columns: Mapping[str, Any]) -> None:
        """See `ArrowWriter.write`."""
        carried = [name for name, x in columns.items() if _is_carried(x)]
        rows = table(columns).replace_schema_metadata({CARRIED: json.dumps(carried)})
        with _library().ipc.new_stream(self.file, rows.schema) as stream:
            stream.write_table(rows)


class ArrowWriter:
    """Rows into a Parquet or Arrow file.

    Cells that are carried through tell the type of their column; while it is open (only missing cells, or whole numbers
    that floats may follow), rows are held in memory.
    """

    def __init__(self, file: IO[bytes], kind: str) -> None:
        self.file, self.kind = file, kind
        self.writer: Any = None
        self.schema: Any = None
        self.held: list[Any] = []

    def write(self, columns: Mapping[str, Any]) -> None:
        """Some rows: by name an array, a row each; a row of a tensor is a list.

        Raises CgError (status 1) for a column with cells of several kinds.
        """
        self._write(table(columns), [name for name, x in columns.items() if _is_carried(x)])

    def append(self, part: bytes, header: int = 0) -> None:
        """The tables of a `TableStream`, each as one call of `write`."""
        pa = _library()
        source = pa.BufferReader(part)
        while source.tell() < len(part):
            rows = pa.ipc.open_stream(source).read_all()
            carried = json.loads(rows.schema.metadata[CARRIED])
            self._write(rows.replace_schema_metadata(None), carried)

    def _write(self, batch: Any, carried: Collection[str]) -> None:
        """carried: the columns whose cells are carried through."""
        common = batch.schema if self.schema is None else _common_schema(self.schema, batch.schema)
        self.schema = common if self.writer is None else self.schema
        self.held.append(batch)
        if not any(_is_open(self.schema.field(name).type) for name in carried):
            self._write_held()

    def _write_held(self) -> None:
        """Writes the rows that are held, in the types that their columns have by now."""
        if self.writer is None:
            self.writer = _writer(self.file, self.kind, self.schema)
        for batch in self.held:
            self.writer.write_table(_with_schema(batch, self.schema))
        self.held.clear()

    def abandon(self) -> None:
        """Leaves the file as it is: its end is not written, not even when the writer is collected as garbage."""
        if self.writer is not None and self.kind == "parquet":
            self.writer.is_open = False

    def close(self) -> None:
        """Ends the file, which without this is none."""
        if self.schema is None:
            self.schema = _library().schema([])
        self._write_held()
        self.writer.close()


def _is_carried(x: Any) -> bool:
    return not hasattr(x, "dtype") and not isinstance(x, Numbers)


def _is_open(kind: Any) -> bool:
    """Whether later cells of a column may have another type than its first ones."""
    types = _library().types
    return bool(types.is_null(kind) or types.is_integer(kind) or types.is_nested(kind))


def _common_schema(first: Any, second: Any) -> Any:
    """A schema for the rows of both. Raises CgError for a column that has none."""
    pa = _library()
    fields = []
    for one, other in zip(first, second, strict=True):
        try:
            fields.append(pa.unify_schemas([pa.schema([one]), pa.schema([other])], promote_options="permissive")[0])
        except pa.ArrowException:
            raise error("column-mixed", status=1, name=one.name) from None
    return pa.schema(fields)


def _with_schema(batch: Any, schema: Any) -> Any:
    """Rows in the types of a schema. Raises CgError for a column that does not fit."""
    pa = _library()
    if batch.schema.equals(schema):
        return batch
    columns = []
    for field, column in zip(schema, batch.columns, strict=True):
        try:
            columns.append(column.cast(field.type))
        except (pa.ArrowException, ValueError):
            raise error("column-mixed", status=1, name=field.name) from None
    return pa.table(columns, schema=schema)


def _writer(file: IO[bytes], kind: str, schema: Any) -> Any:
    if kind == "parquet":
        from pyarrow import parquet

        # floats hardly ever repeat: a dictionary of them costs time and space
        repetitive = [field.name for field in schema if str(field.type) in ("int64", "bool")]
        return parquet.ParquetWriter(file, schema, use_dictionary=repetitive)
    from pyarrow import ipc

    return ipc.new_file(file, schema)


def _column(pa: Any, name: str, x: Any) -> Any:
    """Raises CgError (status 1) for cells of several kinds."""
    if isinstance(x, Numbers) and x:
        return column_of_array(pa, x.array())
    if not hasattr(x, "dtype"):
        try:
            return pa.array(list(x))
        except (pa.ArrowException, OverflowError, TypeError, ValueError):
            raise error("column-mixed", status=1, name=name) from None
    flat = column_of_array(pa, x.reshape(-1))
    if x.ndim == 1:
        return flat
    if not x.size:  # of no elements there is nothing to count the lists by
        kind = flat.type
        for size in reversed(x.shape[1:]):
            kind = pa.list_(kind, size) if size else pa.list_(kind)
        return pa.array(x.tolist(), kind)
    for size in reversed(x.shape[1:]):
        flat = pa.FixedSizeListArray.from_arrays(flat, size)
    return flat


def _cells(column: Any) -> Any:
    """A column of plain numbers as an array at once; any other as a list of Python objects."""
    types = _library().types
    kind = column.type
    number = types.is_floating(kind) or types.is_integer(kind) or types.is_boolean(kind)
    if number and not column.null_count:
        return array_of_column(column)
    return column.to_pylist()


def require() -> None:
    """Raises CgError when pyarrow is not there."""
    _library()


def _library() -> Any:
    try:
        import pyarrow as pa
    except ImportError:
        raise error("no-pyarrow") from None
    return pa


@contextmanager
def _own_errors(file: Any) -> Iterator[None]:
    """Within, an error of ours in reading an object takes the place of the library's that quotes it."""
    try:
        yield
    except Exception:
        problem = getattr(file.raw, "problem", None)
        if problem is None:
            raise
        raise problem from None


@contextmanager
def _opened(path: str, needed: Collection[str] | None = None) -> Iterator[Any]:
    """pyarrow's reader of a file, of the columns that are needed: damage in others is not looked at."""
    pa = _library()
    with ExitStack() as stack:
        source: Any = stack.enter_context(open_file(path))
        if is_url(path):
            stack.enter_context(_own_errors(source))
        else:
            source.close()
            source = path
        if file_name(path).lower().endswith(".parquet"):
            from pyarrow import parquet

            # with `pre_buffer` it would hold all that it has read
            with parquet.ParquetFile(source, pre_buffer=False, page_checksum_verification=True) as file:
                yield file
            return
        # not mapped into memory, where a file that is cut short ends the process
        opened = stack.enter_context(pa.PythonFile(source) if is_url(path) else pa.OSFile(source))
        file = pa.ipc.open_file(opened)
        if needed is not None:
            fields = [k for k, name in enumerate(file.schema.names) if name in needed]
            file = pa.ipc.open_file(opened, options=pa.ipc.IpcReadOptions(included_fields=fields))
        yield file
