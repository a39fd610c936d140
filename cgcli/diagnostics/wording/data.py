"""Values and arrays that are given, and the files that they come from."""

from __future__ import annotations

from .templates import Templates, words

TEMPLATES: dict[str, Templates] = {
    "no-table": words("there is no table `{file}`", "`--data` takes a file, a pattern of files, or `-`"),
    "no-pyarrow": words(
        "Parquet and Arrow files need the library pyarrow", "install it by `pip install 'cgcli[tables]'`"
    ),
    "table-kind": words("`{file}` is no table of a known kind", "tables are {kinds} files"),
    "file-packed": words("`{file}` is compressed (.{kind})", "unpack it first: `{unpack} {source} > {target}`"),
    "file-encoding": words(
        "`{file}` is text in {encoding}, not in UTF-8",
        "save it as UTF-8: `iconv -f {encoding} -t UTF-8 {source} > {target}`",
    ),
    "table-comment": words(
        "the first line of `{file}` is a comment, `{text}`", "remove it: the first line names the columns"
    ),
    "no-column-for": words(
        "no column of `{file}` is named like {missing}",
        "its columns are {columns} and the inputs are {inputs}: say `{usage}`",
    ),
    "table-empty": words("the table `{file}` has no columns", "the first line names them"),
    "table-repeats": words("two columns of `{file}` are named `{name}`", "give one of them another name"),
    "table-alike": words(
        "two columns of `{file}` have names that programs take for one, `{name}` and `{second}`",
        "give one of them another name",
    ),
    "table-seeks": words(
        "`{file}` is a pipe, and a .{kind} file cannot be read from front to back",
        "write it into an ordinary file first",
    ),
    "no-distributed": words("`--cluster` needs the library {library}", "install it by `pip install 'cgcli[cluster]'`"),
    "bad-cluster": words(
        "`--cluster {value}` names no cluster",
        "say `local`, `local:4` (so many workers), `tcp://HOST:PORT`, or the path of a scheduler file",
    ),
    "cluster-no-file": words(
        "`--cluster {value}` names no cluster: there is no such file",
        "say `local`, `local:4` (so many workers), `tcp://HOST:PORT`, or the path of a scheduler file",
    ),
    "cluster-file": words(
        "`{file}` is no scheduler file", "`dask scheduler --scheduler-file scheduler.json` writes one"
    ),
    "cluster-no-certificates": words(
        "`{address}` needs certificates, and Dask's configuration names none",
        "name them by `distributed.comm.tls.ca-file` and `distributed.comm.tls.client.cert` there, or by the variables "
        "DASK_DISTRIBUTED__COMM__TLS__CA_FILE and DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT",
    ),
    "cluster-certificates": words(
        "the certificates for `{address}` cannot be used: {reason}",
        "Dask's configuration names them by `distributed.comm.tls`: look whether the files are there",
    ),
    "cluster-unreachable": words(
        "no scheduler answers at `{address}`: {reason}",
        "look whether it runs, and at which address: `dask scheduler` says it at its start",
    ),
    "cluster-version": words(
        "the worker `{worker}` has cg {version}, and this is cg {own}",
        "install the same version everywhere: `pip install 'cgcli=={own}'`",
    ),
    "cluster-without-cg": words(
        "the worker `{worker}` cannot load cg", "install it there: `pip install 'cgcli=={own}'`"
    ),
    "cluster-start": words(
        "the workers of `--cluster local:{workers}` did not start: {reason}",
        "look whether there is memory for so many, and room in the folder of temporary files; a Python script calls "
        'cg below `if __name__ == "__main__":`',
    ),
    "cluster-lost": words(
        "the scheduler at `{address}` is gone",
        "run the same command again once it is back: {parts} finished parts are kept",
        "run the same command again once it is back",
    ),
    "cluster-lost-training": words(
        "the scheduler at `{address}` is gone",
        "go on from the checkpoint by `--resume {checkpoint}`: once it is back, or without `--cluster`",
        "begin again; with `{option}` there are checkpoints to go on from",
    ),
    "cluster-killed-shard": words(
        "workers that compute shard {shard} of step {step} die again and again",
        "most often they have too little memory: start them with more (`dask worker --memory-limit`)",
    ),
    "cluster-killed": words(
        "workers that compute line {line} of `{file}` and the {rows} rows from there on die again and again",
        "most often they have too little memory: start them with more (`dask worker --memory-limit`)",
    ),
    "cluster-killed-points": words(
        "workers that compute {points} of the sweep die again and again",
        "most often they have too little memory: start them with more (`dask worker --memory-limit`)",
    ),
    "cluster-memory": words(
        "the worker `{worker}` has too little memory for {what}",
        "start workers with more memory, or fewer of them on a machine",
    ),
    "cluster-python": words(
        "a Python function does not run on a cluster: its tasks are texts of .cg programs",
        "leave out `--cluster`, or write the function as a .cg file",
    ),
    "table-stream": words(
        "a cluster cannot read `{file}`: it is no ordinary file", "write the table into a file first"
    ),
    "table-whole": words("a cluster cannot read `{file}` from the middle on", "it reads tables that are {kinds} files"),
    "table-away": words(
        "the worker `{worker}` cannot read `{file}`: {reason}",
        "workers read the table themselves: put it into a folder that all machines have at the same path",
    ),
    "table-changed": words("`{file}` has changed while it was read", "run the command again"),
    "target-whole": words(
        "`{file}` cannot be written in parts: an array of NPZ is one piece",
        "write .parquet, .csv or .jsonl, or leave out `--cluster`",
    ),
    "parts-folder": words(
        "the folder `{path}` holds other files than parts of a result, as `{name}`", "give a folder of its own"
    ),
    "table-line-long": words(
        "line {line} of `{file}` has more than {limit} million characters",
        "a line holds one row: look for a missing end of line or quote",
    ),
    "table-key-twice": words("line {line} of `{file}` has the key `{name}` twice", "give one of them another name"),
    "table-column": words(
        "line {line} of `{file}`, column `{column}` holds {text}, and the input is {type}",
        "convert the column, or map another one by `--map INPUT=COLUMN`",
    ),
    "data-is-folder": words("`{file}` is a folder, not a file", "give the path of a file"),
    "tables-differ": words("`{file}` has other columns than `{first}`", "a table has one set of columns"),
    "table-column-type": words(
        "the column `{name}` of `{file}` holds {contents}", "write it as numbers, as texts or as lists of numbers"
    ),
    "table-object": words("line {line} of `{file}` is no object", 'a line of JSON Lines is as `{{"a": 1, "b": 2}}`'),
    "table-key": words(
        "line {line} of `{file}` has the key `{name}`, which the first line has not",
        "the first line names all columns; where a row has none of a key, write null",
    ),
    "table-json": words("line {line} of `{file}` is no JSON: {reason}", "each line is an object of its own"),
    "seed-by-row": words(
        "random numbers have one seed for all rows of a table",
        "on the command line give the input that it is made of one value, which goes before its column",
    ),
    "table-lengths": words("the arrays in `{file}` differ in their rows", "{lengths}"),
    "table-cell": words(
        "line {line} of `{file}`, column `{column}`: {text} is no {type}",
        "write it as `{write}`",
        "mend the cell, or leave out such rows by `{skip}`",
    ),
    "no-table-value": words(
        "an object of the class `{kind}` is no table",
        "a table is a mapping of columns, a data frame, a table of pyarrow's, or the path of a file",
    ),
    "column-alone": words("{value} is no column of a table", "give it as an input that is the same in every row"),
    "labels-unused": words(
        "no input takes the column `{name}`, whose words would be classes",
        "name the column of an int input, or map it by `--map INPUT={name}`",
    ),
    "labels-unknown": words(
        "`{file}` has no words for classes, so `{option}` has no effect", "train with `--labels COLUMN`"
    ),
    "labels-type": words("`{name}` is {type}, and classes are whole numbers", "declare it as an int"),
    "labels-output": words("`{name}` is no output that can be a class", "whole numbers of each row are {names}"),
    "labels-class": words("`{name}` is {value}, and there are the classes 0 to {last}"),
    "size-by-row": words(
        "the size `{name}` cannot change from row to row: all rows are computed at once",
        "`--mode dynamic` computes them one by one, each with a size of its own",
        here="needed here",
        declared="a column of the table",
    ),
    "shape-by-row": words(
        "`{name}` is {first} in one row and {second} in another: a column of the result has one shape",
        "reduce it, as in `sum({name})`, or leave it out of the outputs",
    ),
    "row-fails": words("the run fails at line {line} of `{file}`"),
    "carry-batch": words(
        "a result of a whole batch has no columns of its rows", "leave out `--carry` and `--row-numbers`"
    ),
    "column-mixed": words(
        "the column `{name}` has cells of several kinds, and a column of Arrow's has one",
        "write the result as .csv or .jsonl, or leave the column out",
    ),
    "carry-twice": words(
        "the result would have two columns `{name}`", "the program has an output of that name: leave the column out"
    ),
    "rows-outside-range": words(
        "`{name}` is outside {low}..{high} in {count} of the rows, first at line {line} of `{file}`",
        "its declaration says that range",
    ),
    "batch-mixed": words(
        "{names} would take many rows at once, which does not fit the other inputs",
        "what differs from row to row must have the same leading size as they; not so {others}",
    ),
    "needs-batch-size": words(
        "{names} would depend on how many rows are read at a time",
        "say how many rows one result is of by `--batch-size N`",
    ),
    "batch-outputs": words(
        "{names} is one result a batch, and {others} one a row: they do not fit into one table",
        "leave one of them out of the outputs",
    ),
    "batch-size-alone": words(
        "`--batch-size` is for inputs with one axis more than a row has",
        "leave it out: each row is an evaluation of its own",
    ),
    "bad-map": words("`--map {value}` names no column", "say `--map INPUT=COLUMN`"),
    "input-twice-mapped": words("`{name}` is given twice", "give it by `--map` or by its own option"),
    "no-such-column": words("the table has no column `{name}`", "did you mean `{nearest}`?", "it has {names}"),
    "map-many": words("{count} columns are a vector, and `{name}` is {type}", "map one column to it"),
    "needs-data": words("`{option}` means something for tables only", "add `--data TABLE`"),
    "needs-symbolic": words(
        "only formulas are written in LaTeX", "add `--symbolic`, or see `cg explain --format latex` for the numbers"
    ),
    "option-elsewhere": words("`{option}` is not for this command", "{where}"),
    "ragged-value": words(
        "the value of `{name}` has rows of different lengths", "a tensor has as many elements in every row"
    ),
    "array-type": words(
        "`{name}` is {type} and cannot take {dtype}",
        "an int takes whole numbers, a float takes any number, a bool takes true and false",
    ),
    "array-shape": words(
        "`{name}` is {type} and cannot take the shape {shape}",
        "give a value with the declared number of axes and sizes",
    ),
    "array-overflow": words("a value of `{name}` is too large for {type}", "declare it as a float"),
    "array-file-kind": words("`{file}` is no file of a known kind", "values are read from {kinds} files"),
    "array-file-missing": words("there is no file `{file}`", "a file is named as in `--x @data/x.npy`"),
    "array-file-special": words("`{file}` is no ordinary file", "give the path of a file"),
    "array-file-which": words("`{file}` holds several arrays", "choose one, as in `@{file}:NAME`; it holds {names}"),
    "array-file-one": words("`{file}` holds one array without a name", "leave `:{name}` out"),
    "array-file-member": words("`{file}` has no `{name}`", "did you mean `{nearest}`?", "it holds {names}"),
    "array-file-size": words(
        "the arrays in `{file}` would take {size} of memory", "the limit is {limit}; `--max-memory` allows more"
    ),
    "array-file-dtype": words("`{file}` holds {contents}", "values are floats, whole numbers of 64 bits, and bools"),
    "array-file-broken": words("`{file}` cannot be read: {reason}", "write the file anew"),
    "array-file-ragged": words(
        "the list {path} in `{file}` has {length}, its neighbours have {expected}",
        "a tensor has as many elements in every row",
    ),
    "array-file-value": words(
        "{path} in `{file}` is {kind}, not a number", 'infinite numbers are the texts "NaN" and "Infinity"'
    ),
    "array-file-row": words(
        "line {line} of `{file}` has {cells} cells, the first line has {columns}", "fill or remove that line"
    ),
    "array-file-cell": words(
        "line {line} of `{file}`, column {column}: `{text}` is no number", "give a number, or another column"
    ),
}
