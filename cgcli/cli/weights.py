"""`cg weights`: what a checkpoint holds."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Annotated, Any

from cgcli.cli.command import Command, declare
from cgcli.cli.output import emit
from cgcli.cli.results import chosen_format, exclude, show_numbers, show_table, table_settings
from cgcli.cli.targets import identity
from cgcli.data.checkpoints import Checkpoint, read_checkpoint
from cgcli.diagnostics.diagnostic import error
from cgcli.diagnostics.escape import show
from cgcli.program.options import Option, OutputOptions
from cgcli.render import json
from cgcli.render.numbers import shortest
from cgcli.render.table import table
from cgcli.render.tensors import columns
from cgcli.train.state import weights as parameters

DIGITS = 6  # of statistics, in tables and plain lines
HEADER = ("name", "type", "min", "mean", "max", "norm")

Checkpointed = Annotated[str, Option("FILE", "A checkpoint, or another .safetensors file.")]
Target = Annotated[
    str | None,
    Option("-o", "Write the values into a file: .npz or .json (- prints JSON).", "FILE", "Output", file="written"),
]
Every = Annotated[bool, Option("--all", "Also what the optimizer remembers.")]


def weights(file: Checkpointed, output: OutputOptions, every: Every = False, target: Target = None) -> int:
    """List the tensors of a checkpoint, and what is known of the training that made it.

    With --full it prints all values, with -o it writes them into a file.
    """
    if target is not None:
        _check_target(target, file, output)
    checkpoint = read_checkpoint(file)
    tensors = checkpoint.tensors if every else parameters(checkpoint.tensors)
    if target is not None:
        _write(target, tensors)
    elif output.full:
        _show_values(checkpoint, tensors, output)
    else:
        _show_statistics(checkpoint, tensors, output)
    return 0


def _write(target: str, tensors: Mapping[str, Any]) -> None:
    if target == "-":
        emit(json.dump(tensors))
        return
    from cgcli.program.written_values import write_values  # a list of tensors does without

    write_values(target, tensors)


def _show_statistics(checkpoint: Checkpoint, tensors: Mapping[str, Any], output: OutputOptions) -> None:
    """Prints a line a tensor, and the facts about the file."""
    rows = [_row(name, x) for name, x in tensors.items()]
    about = _about(checkpoint)
    chosen, precision = chosen_format(output.format), output.precision
    if chosen == "json":
        emit(json.dump({"tensors": _as_data(tensors), **about}, precision))
        return
    if chosen == "csv":
        show_table(HEADER, rows, {}, output)
        return
    digits = precision or DIGITS
    if chosen == "table":
        emit(table(HEADER, rows, **table_settings(digits)))
        emit(table(("of the file", "is"), [(k, _text(x)) for k, x in about.items()], **table_settings(digits)))
        return
    lines = []
    for name, kind, *numbers in rows:
        text = ", ".join(f"{title} {shortest(x, digits)}" for title, x in zip(HEADER[2:], numbers, strict=True))
        lines.append(f"{show(name)}: {kind}, {text}")
    lines += [f"{name} = {show(_text(x))}" for name, x in about.items()]
    emit("\n".join(lines))


def _check_target(target: str, file: str, output: OutputOptions) -> None:
    """Raises `CgError` for a target that is the checkpoint itself, by whatever name, and for options of printing."""
    for option, value in (("--format", output.format), ("--precision", output.precision), ("--full", output.full)):
        exclude(("-o", True), (option, bool(value)))
    same = identity(target, sys.stdout)
    if same is not None and same == identity(file, None):
        code = "output-is-read" if target == "-" else "target-is-read"
        raise error(code, option="-o", path=target, source=file)


def _show_values(checkpoint: Checkpoint, tensors: Mapping[str, Any], output: OutputOptions) -> None:
    """Prints all elements; in CSV each has a row of its own."""
    if chosen_format(output.format) == "csv":
        show_table(("name", "value"), [row for name, x in tensors.items() for row in columns(name, x)], {}, output)
        return
    data = {name: {**about, "values": tensors[name]} for name, about in _as_data(tensors).items()}
    show_numbers(list(tensors.items()), {"tensors": data, **_about(checkpoint)}, output)


def _as_data(tensors: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Type, shape and statistics of each tensor as JSON data."""
    titles = ("type", "shape", *HEADER[2:])
    return {name: dict(zip(titles, _cells(x, _row(name, x)), strict=True)) for name, x in tensors.items()}


def _row(name: str, x: Any) -> tuple[Any, ...]:
    """Name, type and statistics; NaN without elements."""
    kinds = {"float64": "float", "float32": "f32", "int64": "int", "bool": "bool"}
    shape = f"[{', '.join(map(str, x.shape))}]" if x.shape else ""
    flat = x.reshape(-1).astype("float64")
    if not flat.size:
        return (name, f"{kinds[str(x.dtype)]}{shape}", math.nan, math.nan, math.nan, 0.0)
    numbers = (float(flat.min()), float(flat.mean()), float(flat.max()), math.sqrt(float((flat**2).sum())))
    return (name, f"{kinds[str(x.dtype)]}{shape}", *numbers)


def _cells(x: Any, row: tuple[Any, ...]) -> tuple[Any, ...]:
    """The values of a tensor's row in JSON."""
    return (row[1].partition("[")[0], list(x.shape), *row[2:])


def _about(checkpoint: Checkpoint) -> dict[str, Any]:
    """The file's hash and the facts about its training."""
    facts: dict[str, Any] = {"sha256": checkpoint.digest}
    if not checkpoint.own:
        return facts
    info: Any = checkpoint.info
    settings, state = info.get("settings") or {}, info.get("state") or {}
    facts["run"] = info.get("run")
    facts["program"] = info.get("program")
    facts["graph"] = (info.get("graph") or {}).get("sha256")
    facts |= {name: settings[name] for name in ("loss", "residual", "optimizer", "lr", "seed") if settings.get(name)}
    facts |= {name: state[name] for name in ("step", "epoch", "best", "stopped") if state.get(name) is not None}
    history = state.get("history") or []
    if history:
        facts["last"] = history[-1]
    return {name: x for name, x in facts.items() if x is not None}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dump(value) if isinstance(value, dict) else shortest(value)


command = declare(
    "weights",
    weights,
    Command,
    "cg samples line",
    "cg train line.cg --data line.csv --loss loss --epochs 200 --save line.safetensors",
    "cg weights line.safetensors",
)
