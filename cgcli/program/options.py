"""Options that several commands share, as data: the command line makes its parameters and its help pages of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

GROUPS = (
    "Program",
    "Options",
    "Picture",
    "Sweep",
    "Training",
    "Checkpoints",
    "Values",
    "Derivatives",
    "Table",
    "Output",
    "Run",
    "Limits",
)
"""The groups of a help page, in its order."""
MOST = 999_999_999


class Option(NamedTuple):
    """An option of the command line, or an argument when its spelling has no dashes.

    spelling: its names, as `-q --quiet`. metavar: what stands for its value in the help. parser: the name of what
    reads its text (`PARSERS` of `cli/options.py`). range: the smallest and the largest whole number that it takes; a
    larger one is cut to it. choices: the texts that it takes; those of a field that is a `Literal` need not be
    repeated. many: whether it may be given more than once. completion: the name of what offers its values to a shell.
    file: whether its value names a file to read or to write. hidden: whether the help leaves it out.
    """

    spelling: str
    help: str = ""
    metavar: str | None = None
    group: str = "Options"
    parser: str | None = None
    range: tuple[int, int] | None = None
    choices: tuple[str, ...] = ()
    many: bool = False
    completion: str | None = None
    file: Literal["read", "written"] | None = None
    hidden: bool = False

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.spelling.rpartition(" ")[2]


EXPRESSION = Option("-e", "A program in place of FILE, as 'a^2' or 'a = 2; a^x'.", "EXPR", "Program")


@dataclass(frozen=True)
class RunOptions:
    """The program, the values of its inputs, and how it runs."""

    file: Annotated[str | None, Option("FILE", "A .cg file, or - for standard input.", group="Program")] = None
    expression: Annotated[str | None, EXPRESSION] = None
    allow_path: Annotated[
        tuple[str, ...],
        Option(
            "--allow-path", "A folder that the program may import from besides its own.", "FOLDER", "Program", many=True
        ),
    ] = ()
    settings: Annotated[
        tuple[str, ...],
        Option(
            "--set",
            "The value of an input, also for a name that is an option of the command.",
            "NAME=VALUE",
            "Values",
            many=True,
        ),
    ] = ()
    inputs_file: Annotated[
        str | None,
        Option(
            "--inputs",
            "The values of many inputs: a .json, .toml, .npz or .safetensors file.",
            "FILE",
            "Values",
            file="read",
        ),
    ] = None
    weights: Annotated[
        str | None,
        Option(
            "--weights", "The parameters, from a checkpoint (else their initialisers).", "FILE", "Values", file="read"
        ),
    ] = None
    seed: Annotated[
        int | None, Option("--seed", "What random initialisers start from.", "N", "Values", range=(0, MOST))
    ] = None
    mode: Annotated[
        Literal["static", "dynamic"] | None,
        Option(
            "--mode",
            "static plans the graph and runs it, dynamic makes it as it runs (else static where that can be).",
            group="Run",
        ),
    ] = None
    backend: Annotated[
        str | None,
        Option(
            "--backend",
            "What runs a graph: reference, node by node; numpy, by a plan; native, machine code (else what suits).",
            "NAME",
            "Run",
        ),
    ] = None
    max_memory: Annotated[
        int | None,
        Option(
            "--max-memory",
            "What the values of a run may take, as 500M or 8G (else four fifths of the machine's memory).",
            "SIZE",
            "Limits",
            "memory",
        ),
    ] = None
    max_steps: Annotated[
        int | None,
        Option(
            "--max-steps", "How many steps loops may run together (else any number).", "N", "Limits", range=(1, MOST)
        ),
    ] = None
    max_nodes: Annotated[
        int | None,
        Option(
            "--max-nodes", "How many operations the graph may have (else 5,000,000).", "N", "Limits", range=(1, MOST)
        ),
    ] = None
    max_depth: Annotated[
        int | None,
        Option(
            "--max-depth", "How many calls may stand within each other (else 10,000).", "N", "Limits", range=(1, MOST)
        ),
    ] = None
    timeout: Annotated[
        float | None,
        Option("--timeout", "Stop after so many seconds (else never).", "SECONDS", "Limits", "seconds"),
    ] = None


@dataclass(frozen=True)
class TableOptions:
    """A table, a row an evaluation, and the table of the results."""

    data: Annotated[
        str | None,
        Option(
            "--data",
            "A table, a row an evaluation: a .csv, .tsv, .jsonl, .npz or .parquet file, a pattern, or - (CSV).",
            "TABLE",
            "Table",
            file="read",
        ),
    ] = None
    maps: Annotated[
        tuple[str, ...],
        Option(
            "--map", "The column of an input, as x=price; for a vector x='pixel_*'.", "INPUT=COLUMN", "Table", many=True
        ),
    ] = ()
    on_error: Annotated[
        Literal["stop", "skip", "nan"] | None,
        Option("--on-error", "What to do with a cell of the table that is no number (stop).", group="Table"),
    ] = None
    target: Annotated[
        str | None,
        Option(
            "-o",
            "The table of results: .csv, .tsv, .jsonl, .npz or .parquet (else CSV, printed; so for -).",
            "TARGET",
            "Table",
            file="written",
        ),
    ] = None
    batch: Annotated[
        int | None,
        Option(
            "--batch-size",
            "Rows that an input with one axis more takes at once, for a result a batch.",
            "N",
            "Table",
            range=(1, 10**9),
        ),
    ] = None
    carry: Annotated[
        str | None,
        Option("--carry", "Columns of the table that go into the result as they are, or all.", "A,B", "Table"),
    ] = None
    row_numbers: Annotated[
        bool, Option("--row-numbers", "A column `row` in the result: the number of each row, from 1.", group="Table")
    ] = False
    cluster: Annotated[
        str | None,
        Option(
            "--cluster",
            "Run it on Dask's workers: tcp://HOST:PORT, a scheduler file, local or local:N; -o DIR/ leaves parts.",
            "CLUSTER",
            "Table",
        ),
    ] = None


DIGITS = 767  # the most significant digits that a float has


@dataclass(frozen=True)
class OutputOptions:
    """How results are written."""

    format: Annotated[
        Literal["table", "plain", "json", "csv"] | None,
        Option("--format", "How results are written: a table on a terminal, plain lines elsewhere.", group="Output"),
    ] = None
    precision: Annotated[
        int | None,
        Option(
            "--precision",
            "Round to N significant digits (else the shortest text that reads back to the same value; six in tables).",
            "N",
            "Output",
            range=(1, DIGITS),
        ),
    ] = None
    full: Annotated[
        bool,
        Option(
            "--full",
            "All elements of tensors, also of large ones, and in tables all digits of numbers (else six).",
            group="Output",
        ),
    ] = False


@dataclass(frozen=True)
class DerivativeOptions:
    """What to differentiate, and by what."""

    of: Annotated[
        str | None,
        Option(
            "--of",
            "What to differentiate: any named float value (else the only output).",
            "NAME",
            "Derivatives",
            completion="values",
        ),
    ] = None
    wrt: Annotated[
        tuple[str, ...] | None,
        Option(
            "--wrt",
            "What to differentiate by (else every float input).",
            "A,B",
            "Derivatives",
            "names",
            completion="inputs",
        ),
    ] = None
