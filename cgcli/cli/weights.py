"""`cg weights`: what a checkpoint holds."""

from __future__ import annotations

import math
from typing import Annotated, Any

from cgcli.cli.command import Command, declare
from cgcli.cli.options import Without
from cgcli.cli.output import emit
from cgcli.cli.results import chosen_format, show_table, table_settings
from cgcli.data.checkpoints import Checkpoint, read_checkpoint
from cgcli.diagnostics.escape import show
from cgcli.program.options import Option, OutputOptions
from cgcli.render import json
from cgcli.render.numbers import shortest
from cgcli.render.table import table
from cgcli.train.state import weights as parameters

DIGITS = 6  # of statistics, in tables and plain lines
HEADER = ("name", "type", "min", "mean", "max", "norm")

Checkpointed = Annotated[str, Option("FILE", "A checkpoint, or another .safetensors file.")]
Every = Annotated[bool, Option("--all", "Also what the optimizer remembers.")]


def weights(file: Checkpointed, output: Annotated[OutputOptions, Without("full")], every: Every = False) -> int:
    """List the tensors of a checkpoint, and what is known of the training that made it."""
    checkpoint = read_checkpoint(file)
    tensors = checkpoint.tensors if every else parameters(checkpoint.tensors)
    rows = [_row(name, x) for name, x in tensors.items()]
    about = _about(checkpoint)
    chosen, precision = chosen_format(output.format), output.precision
    if chosen == "json":
        data = {
            row[0]: dict(zip(("type", "shape", *HEADER[2:]), _cells(x, row), strict=True))
            for row, x in zip(rows, tensors.values(), strict=True)
        }
        emit(json.dump({"tensors": data, **about}, precision))
        return 0
    if chosen == "csv":
        show_table(HEADER, rows, {}, output)
        return 0
    digits = precision or DIGITS
    if chosen == "table":
        emit(table(HEADER, rows, **table_settings(digits)))
        emit(table(("of the file", "is"), [(k, _text(x)) for k, x in about.items()], **table_settings(digits)))
        return 0
    lines = []
    for name, kind, *numbers in rows:
        text = ", ".join(f"{title} {shortest(x, digits)}" for title, x in zip(HEADER[2:], numbers, strict=True))
        lines.append(f"{show(name)}: {kind}, {text}")
    lines += [f"{name} = {show(_text(x))}" for name, x in about.items()]
    emit("\n".join(lines))
    return 0


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
