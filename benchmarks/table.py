"""The table of targets: what each piece of work reaches, beside its peers, in one run.

    python benchmarks/table.py [--rows startup,mlp] [--markdown] [--processes 10] [--million]

Ratios of peers are their time over cg's: above 1, cg is faster. A peer that is not installed is named and left out.
Each group of rows is a process of its own, so that one does not leave memory or threads to the next. Where cg is too
slow for the size that the target speaks of, a smaller one is taken, which the row names.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

from measuring import Figure, on_one_thread, versions

LIBRARIES = ("numpy", "scipy", "llvmlite", "jax", "torch", "casadi", "autograd", "sympy", "pyarrow")


class Group(NamedTuple):
    """Where the function is that gives the rows of a group, and which options of this script it takes."""

    module: str
    function: str
    options: tuple[str, ...] = ()


GROUPS = {
    "startup": Group("startup", "startup"),
    "commands": Group("startup", "commands"),
    "data": Group("startup", "ten_rows"),
    "show": Group("startup", "show"),
    "text": Group("scalar_graph", "text", ("million",)),
    "graph": Group("scalar_graph", "graph"),
    "rows": Group("rows", "in_memory", ("processes",)),
    "tables": Group("data", "tables"),
    "ode": Group("loops", "ode"),
    "elements": Group("loops", "elements"),
    "mlp": Group("tensors", "mlp"),
    "gmm": Group("tensors", "gmm"),
    "conv": Group("tensors", "conv"),
    "dynamic": Group("dynamic", "dynamic"),
    "growth": Group("growth", "growth"),
}


def figures(name: str, options: dict[str, Any]) -> Iterator[Figure]:
    group = GROUPS[name]
    function = getattr(importlib.import_module(group.module), group.function)
    yield from function(**{key: options[key] for key in group.options})


def in_process(name: str, arguments: list[str]) -> Iterator[Figure]:
    """The rows of a group as they come from a process of its own; one that ends early says so in a row."""
    command = [sys.executable, __file__, *arguments, "--one", name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("{"):
                yield Figure(**json.loads(line))
    if process.returncode:
        yield Figure(name, "", f"ended with status {process.returncode}", is_met=False)


def as_markdown(row: Figure) -> str:
    met = "" if row.is_met else " (missed)"
    return f"| {row.work} | {row.target} | {row.reached}{met} | {row.beside()} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default=",".join(GROUPS), help="groups of rows, with commas")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--processes", type=int, default=10, help="of the group `rows` (default: 10)")
    parser.add_argument("--million", action="store_true", help="in the group `text`, also a million lines")
    parser.add_argument("--one", metavar="GROUP", help="this group alone, in this process, as JSON")
    options = parser.parse_args()
    on_one_thread()
    if options.one:
        for row in figures(options.one, vars(options)):
            print("\n" + json.dumps({**row._asdict(), "peers": dict(row.peers)}), flush=True)
        return
    names = options.rows.split(",")
    for name in names:
        if name not in GROUPS:
            raise SystemExit(f"there is no group {name}; there are {', '.join(GROUPS)}")
    arguments = ["--processes", str(options.processes), *(["--million"] if options.million else [])]
    if options.markdown:
        print("| work | target | reached | time of peers over cg's |\n|---|---|---|---|", flush=True)
    for name in names:
        for row in in_process(name, arguments):
            print(as_markdown(row) if options.markdown else row.show(), flush=True)
    print(f"\n{versions(*LIBRARIES)}")


if __name__ == "__main__":
    main()
