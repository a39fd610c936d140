"""Values and arrays that are given, and the files that they come from."""

from __future__ import annotations

from .templates import Templates

TEMPLATES: dict[str, Templates] = {
    "no-table": Templates("there is no table `{file}`", help=("`--data` takes a file, a pattern of files, or `-`",)),
    "no-pyarrow": Templates(
        "Parquet and Arrow files need the library pyarrow", help=("install it by `pip install 'cgcli[tables]'`",)
    ),
    "table-kind": Templates("`{file}` is no table of a known kind", help=("tables are {known} files",)),
    "file-packed": Templates(
        "`{file}` is compressed (.{kind})", help=("unpack it first: `{unpack} {file} > {target}`",)
    ),
    "file-encoding": Templates(
        "`{file}` is text in {encoding}, not in UTF-8",
        help=("save it as UTF-8: `iconv -f {encoding} -t UTF-8 {file} > {target}`",),
    ),
    "table-comment": Templates(
        "the first line of `{file}` is a comment, `{text}`", help=("remove it: the first line names the columns",)
    ),
    "no-column-for": Templates(
        "no column of `{file}` is named like {missing}",
        labels={},
        help=("its columns are {columns} and the inputs are {inputs}: say `{usage}`",),
    ),
    "table-empty": Templates("the table `{file}` has no columns", help=("the first line names them",)),
    "table-repeats": Templates("two columns of `{file}` are named `{name}`", help=("give one of them another name",)),
    "table-alike": Templates(
        "two columns of `{file}` have names that programs take for one, `{name}` and `{second}`",
        help=("give one of them another name",),
    ),
    "table-seeks": Templates(
        "`{file}` is a pipe, and a .{kind} file cannot be read from front to back",
        help=("write it into an ordinary file first",),
    ),
    "table-line-long": Templates(
        "line {line} of `{file}` has more than {limit} million characters",
        help=("a line holds one row: look for a missing end of line or quote",),
    ),
    "table-key-twice": Templates(
        "line {line} of `{file}` has the key `{name}` twice", help=("give one of them another name",)
    ),
    "table-column": Templates(
        "line {line} of `{file}`, column `{column}` holds {text}, and the input is {wanted}",
        help=("convert the column, or map another one by `--map INPUT=COLUMN`",),
    ),
    "data-is-folder": Templates("`{file}` is a folder, not a file", help=("give the path of a file",)),
    "tables-differ": Templates("`{file}` has other columns than `{first}`", help=("a table has one set of columns",)),
    "table-column-type": Templates(
        "the column `{name}` of `{file}` holds {found}", help=("write it as numbers, as texts or as lists of numbers",)
    ),
    "table-object": Templates(
        "line {line} of `{file}` is no object", help=('a line of JSON Lines is as `{{"a": 1, "b": 2}}`',)
    ),
    "table-key": Templates(
        "line {line} of `{file}` has the key `{name}`, which the first line has not",
        help=("the first line names all columns; where a row has none of a key, write null",),
    ),
    "table-json": Templates(
        "line {line} of `{file}` is no JSON: {reason}", help=("each line is an object of its own",)
    ),
    "table-lengths": Templates("the arrays in `{file}` differ in their rows", help=("{lengths}",)),
    "table-cell": Templates(
        "line {line} of `{file}`, column `{column}`: {text} is no {wanted}",
        help=("write it as `{write}`", "mend the cell, or leave out such rows by `{skip}`"),
    ),
    "no-table-value": Templates(
        "an object of the class `{kind}` is no table",
        help=("a table is a mapping of columns, a data frame, a table of pyarrow's, or the path of a file",),
    ),
    "column-alone": Templates(
        "{value} is no column of a table", help=("give it as an input that is the same in every row",)
    ),
    "row-fails": Templates("the run fails at line {line} of `{file}`"),
    "carry-batch": Templates(
        "a result of a whole batch has no columns of its rows", help=("leave out `--carry` and `--row-numbers`",)
    ),
    "carry-twice": Templates(
        "the result would have two columns `{name}`",
        help=("the program has an output of that name: leave the column out",),
    ),
    "rows-outside-range": Templates(
        "`{name}` is outside {low}..{high} in {count} of the rows, first at line {line} of `{file}`",
        help=("its declaration says that range",),
    ),
    "batch-mixed": Templates(
        "{names} would take many rows at once, which does not fit the other inputs",
        help=("what differs from row to row must have the same leading size as they; not so {others}",),
    ),
    "needs-batch-size": Templates(
        "{names} would depend on how many rows are read at a time",
        help=("say how many rows one result is of by `--batch-size N`",),
    ),
    "batch-outputs": Templates(
        "{names} is one result a batch, and {others} one a row: they do not fit into one table",
        help=("leave one of them out of the outputs",),
    ),
    "batch-size-alone": Templates(
        "`--batch-size` is for inputs with one axis more than a row has",
        help=("leave it out: each row is an evaluation of its own",),
    ),
    "bad-map": Templates("`--map {value}` names no column", help=("say `--map INPUT=COLUMN`",)),
    "input-twice-mapped": Templates("`{name}` is given twice", help=("give it by `--map` or by its own option",)),
    "no-such-column": Templates(
        "the table has no column `{name}`", help=("did you mean `{nearest}`?", "it has {known}")
    ),
    "map-many": Templates("{count} columns are a vector, and `{name}` is {wanted}", help=("map one column to it",)),
    "needs-data": Templates("`{option}` means something for tables only", help=("add `--data TABLE`",)),
    "option-elsewhere": Templates("`{option}` is not for this command", help=("{where}",)),
    "ragged-value": Templates(
        "the value of `{name}` has rows of different lengths", help=("a tensor has as many elements in every row",)
    ),
    "array-type": Templates(
        "`{name}` is {wanted} and cannot take {found}",
        help=("an int takes whole numbers, a float takes any number, a bool takes true and false",),
    ),
    "array-shape": Templates(
        "`{name}` is {wanted} and cannot take the shape {found}",
        help=("give a value with the declared number of axes and sizes",),
    ),
    "array-overflow": Templates("a value of `{name}` is too large for {wanted}", help=("declare it as a float",)),
    "array-file-kind": Templates("`{file}` is no file of a known kind", help=("values are read from {known} files",)),
    "array-file-missing": Templates("there is no file `{file}`", help=("a file is named as in `--x @data/x.npy`",)),
    "array-file-special": Templates("`{file}` is no ordinary file", help=("give the path of a file",)),
    "array-file-which": Templates(
        "`{file}` holds several arrays", help=("choose one, as in `@{file}:NAME`; it holds {known}",)
    ),
    "array-file-one": Templates("`{file}` holds one array without a name", help=("leave `:{name}` out",)),
    "array-file-member": Templates("`{file}` has no `{name}`", help=("did you mean `{nearest}`?", "it holds {known}")),
    "array-file-size": Templates(
        "the arrays in `{file}` would take {size} of memory", help=("the limit is {limit}; `--max-memory` allows more",)
    ),
    "array-file-dtype": Templates(
        "`{file}` holds {found}", help=("values are floats, whole numbers of 64 bits, and bools",)
    ),
    "array-file-broken": Templates("`{file}` cannot be read: {reason}", help=("write the file anew",)),
    "array-file-ragged": Templates(
        "the list {place} in `{file}` has {found}, its neighbours have {wanted}",
        help=("a tensor has as many elements in every row",),
    ),
    "array-file-value": Templates(
        "{place} in `{file}` is {found}, not a number", help=('infinite numbers are the texts "NaN" and "Infinity"',)
    ),
    "array-file-row": Templates(
        "line {line} of `{file}` has {found} cells, the first line has {wanted}", help=("fill or remove that line",)
    ),
    "array-file-cell": Templates(
        "line {line} of `{file}`, column {column}: `{text}` is no number", help=("give a number, or another column",)
    ),
}
