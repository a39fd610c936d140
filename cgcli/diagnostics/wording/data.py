"""Values and arrays that are given, and the files that they come from."""

from __future__ import annotations

from .words import Words

WORDS: dict[str, Words] = {
    "no-table": Words("there is no table `{file}`", help=("`--data` takes a file, a pattern of files, or `-`",)),
    "no-pyarrow": Words(
        "Parquet and Arrow files need the library pyarrow", help=("install it by `pip install 'cgcli[tables]'`",)
    ),
    "table-kind": Words("`{file}` is no table of a known kind", help=("tables are {known} files",)),
    "file-packed": Words("`{file}` is compressed (.{kind})", help=("unpack it first: `{unpack} {file} > {target}`",)),
    "file-encoding": Words(
        "`{file}` is text in {encoding}, not in UTF-8",
        help=("save it as UTF-8: `iconv -f {encoding} -t UTF-8 {file} > {target}`",),
    ),
    "table-separator": Words(
        "the first line of `{file}` has no {comma}, its columns are separated by {found}",
        help=("rename the file to `{renamed}`", "put commas in the place of {others}"),
    ),
    "table-comment": Words(
        "the first line of `{file}` is a comment, `{text}`", help=("remove it: the first line names the columns",)
    ),
    "no-column-for": Words(
        "no column of `{file}` is named like {missing}",
        labels={},
        help=("its columns are {columns} and the inputs are {inputs}: say `{usage}`",),
    ),
    "table-empty": Words("the table `{file}` has no columns", help=("the first line names them",)),
    "table-repeats": Words("two columns of `{file}` are named `{name}`", help=("give one of them another name",)),
    "table-alike": Words(
        "two columns of `{file}` have names that programs take for one, `{name}` and `{second}`",
        help=("give one of them another name",),
    ),
    "table-seeks": Words(
        "`{file}` is a pipe, and a .{kind} file cannot be read from front to back",
        help=("write it into an ordinary file first",),
    ),
    "table-line-long": Words(
        "line {line} of `{file}` has more than {limit} million characters",
        help=("a line holds one row: look for a missing end of line or quote",),
    ),
    "table-key-twice": Words(
        "line {line} of `{file}` has the key `{name}` twice", help=("give one of them another name",)
    ),
    "table-column": Words(
        "line {line} of `{file}`, column `{column}` holds {text}, and the input is {wanted}",
        help=("convert the column, or map another one by `--map INPUT=COLUMN`",),
    ),
    "data-is-folder": Words("`{file}` is a folder, not a file", help=("give the path of a file",)),
    "tables-differ": Words("`{file}` has other columns than `{first}`", help=("a table has one set of columns",)),
    "table-column-type": Words(
        "the column `{name}` of `{file}` holds {found}", help=("write it as numbers, as texts or as lists of numbers",)
    ),
    "table-object": Words(
        "line {line} of `{file}` is no object", help=('a line of JSON Lines is as `{{"a": 1, "b": 2}}`',)
    ),
    "table-key": Words(
        "line {line} of `{file}` has the key `{name}`, which the first line has not",
        help=("the first line names all columns; where a row has none of a key, write null",),
    ),
    "table-json": Words("line {line} of `{file}` is no JSON: {reason}", help=("each line is an object of its own",)),
    "table-lengths": Words("the arrays in `{file}` differ in their rows", help=("{lengths}",)),
    "table-cell": Words(
        "line {line} of `{file}`, column `{column}`: {text} is no {wanted}",
        help=("write it as `{write}`", "mend the cell, or leave out such rows by `{skip}`"),
    ),
    "rows-outside-range": Words(
        "`{name}` is outside {low}..{high} in {count} of the rows, first at line {line} of `{file}`",
        help=("its declaration says that range",),
    ),
    "batch-mixed": Words(
        "{names} would take many rows at once, which does not fit the other inputs",
        help=("what differs from row to row must have the same leading size as they; not so {others}",),
    ),
    "needs-batch-size": Words(
        "{names} would depend on how many rows are read at a time",
        help=("say how many rows one result is of by `--batch-size N`",),
    ),
    "batch-outputs": Words(
        "{names} is one result a batch, and {others} one a row: they do not fit into one table",
        help=("leave one of them out of the outputs",),
    ),
    "batch-size-alone": Words(
        "`--batch-size` is for inputs with one axis more than a row has",
        help=("leave it out: each row is an evaluation of its own",),
    ),
    "bad-map": Words("`--map {value}` names no column", help=("say `--map INPUT=COLUMN`",)),
    "input-twice-mapped": Words("`{name}` is given twice", help=("give it by `--map` or by its own option",)),
    "no-such-column": Words("the table has no column `{name}`", help=("did you mean `{nearest}`?", "it has {known}")),
    "map-many": Words("{count} columns are a vector, and `{name}` is {wanted}", help=("map one column to it",)),
    "needs-data": Words("`{option}` means something for tables only", help=("add `--data TABLE`",)),
    "option-elsewhere": Words("`{option}` is not for this command", help=("{where}",)),
    "ragged-value": Words(
        "the value of `{name}` has rows of different lengths", help=("a tensor has as many elements in every row",)
    ),
    "array-type": Words(
        "`{name}` is {wanted} and cannot take {found}",
        help=("an int takes whole numbers, a float takes any number, a bool takes true and false",),
    ),
    "array-shape": Words(
        "`{name}` is {wanted} and cannot take the shape {found}",
        help=("give a value with the declared number of axes and sizes",),
    ),
    "array-overflow": Words("a value of `{name}` is too large for {wanted}", help=("declare it as a float",)),
    "array-file-kind": Words("`{file}` is no file of a known kind", help=("values are read from {known} files",)),
    "array-file-missing": Words("there is no file `{file}`", help=("a file is named as in `--x @data/x.npy`",)),
    "array-file-special": Words("`{file}` is no ordinary file", help=("give the path of a file",)),
    "array-file-which": Words(
        "`{file}` holds several arrays", help=("choose one, as in `@{file}:NAME`; it holds {known}",)
    ),
    "array-file-one": Words("`{file}` holds one array without a name", help=("leave `:{name}` out",)),
    "array-file-member": Words("`{file}` has no `{name}`", help=("did you mean `{nearest}`?", "it holds {known}")),
    "array-file-size": Words(
        "the arrays in `{file}` would take {size} of memory", help=("the limit is {limit}; `--max-memory` allows more",)
    ),
    "array-file-dtype": Words(
        "`{file}` holds {found}", help=("values are floats, whole numbers of 64 bits, and bools",)
    ),
    "array-file-broken": Words("`{file}` cannot be read: {reason}", help=("write the file anew",)),
    "array-file-ragged": Words(
        "the list {place} in `{file}` has {found}, its neighbours have {wanted}",
        help=("a tensor has as many elements in every row",),
    ),
    "array-file-value": Words(
        "{place} in `{file}` is {found}, not a number", help=('infinite numbers are the texts "NaN" and "Infinity"',)
    ),
    "array-file-row": Words(
        "line {line} of `{file}` has {found} cells, the first line has {wanted}", help=("fill or remove that line",)
    ),
    "array-file-cell": Words(
        "line {line} of `{file}`, column {column}: `{text}` is no number", help=("give a number, or another column",)
    ),
}
