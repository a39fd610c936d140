"""Checkpoints on the way in: which one, whether it goes with the program and the data, what it says of both."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from cgcli.cli.output import tell
from cgcli.cli.session import Session
from cgcli.data.checkpoints import Checkpoint, newest
from cgcli.diagnostics.diagnostic import Diagnostic, error
from cgcli.graph.traversal import prune
from cgcli.program.training import Task, start
from cgcli.train.state import weights

LARGEST_TEXT = 100_000  # characters of a graph that a checkpoint holds, to say what differs


def read_newest(path: str) -> Checkpoint:
    """The newest good checkpoint; a warning says so where it is not the last one."""
    found, problem = newest(path)
    if problem is not None:
        shown = {"file": path, "used": found.path, "step": found.info.get("state", {}).get("step", "?")}
        tell([*problem.diagnostics, Diagnostic("checkpoint-before", values=shown, severity="warning")])
    return found


def continued(session: Session, checkpoint: Checkpoint) -> dict[str, Any]:
    """The values of a run that goes on: parameters are the checkpoint's."""
    program = session.program
    params = {i.name: i for i in program.inputs if i.kind == "param"}
    given = [name for name in session.values if name in params]
    if given:
        raise error("resume-param", name=given[0])
    found = weights(checkpoint.tensors)
    known: Any = checkpoint.info.get("params", {})
    told = {name: f"{i.type}" for name, i in params.items()}
    if known != told:
        differing = [n for n in [*told, *known] if told.get(n) != known.get(n)]
        name = differing[0] if differing else ""
        before = f"{name} was {known[name]}" if name in known else f"there was no {name}"
        now = f"is {told[name]} now" if name in told else "is none now"
        raise error("checkpoint-params", status=1, file=checkpoint.path, difference=f"{before} and {now}")
    return {**session.values, **{name: program.fit_value(name, found[name]) for name in params}}


def about(wanted: Task) -> dict[str, Any]:
    """What a checkpoint says of the program: its name, the hash of the graph of the loss, that graph if it is short."""
    program = wanted.program
    if program.mode == "dynamic":
        text = program.module.source.text
    else:
        text = str(prune(replace(program.graph, outputs=(program.module.values[wanted.loss],))))
    kept = text if len(text) <= LARGEST_TEXT else None
    graph = {"sha256": hashlib.sha256(text.encode()).hexdigest(), "text": kept}
    return {"program": PurePath(program.module.source.name).name, "graph": graph}


def data_identity(wanted: Task) -> dict[str, Any]:
    """What a checkpoint says of the rows and of the inputs that all rows share."""
    import numpy as np

    found = hashlib.sha256()
    params = {i.name for i in wanted.program.inputs if i.kind == "param"}
    constants = {n: x for n, x in wanted.constants.items() if n not in params}
    parts = [constants, wanted.examples.columns, wanted.validation.columns if wanted.validation else {}]
    for part in parts:
        for name, x in sorted(part.items()):
            found.update(f"\0{name}\0".encode())
            if isinstance(x, (list, dict, str)) or x is None:
                found.update(json.dumps(x, sort_keys=True).encode())
            else:
                array = np.ascontiguousarray(x)
                found.update(f"{array.dtype.str}{np.shape(x)}".encode())
                found.update(array.data)
    return {"rows": wanted.examples.rows, "sha256": found.hexdigest()}


def check_same(checkpoint: Checkpoint, identity: Mapping[str, Any], data: Mapping[str, Any]) -> None:
    """Raises `CgError` (status 1) when the program or the data are others than the checkpoint's, and says where."""
    info: Any = checkpoint.info
    graph, rows = info["graph"], info["data"]
    if graph["sha256"] != identity["sha256"]:
        before, now = (str(each.get("text") or "").splitlines() for each in (graph, identity))
        pairs = zip([*before, *[""] * len(now)], [*now, *[""] * len(before)], strict=True)
        first, second = next(((a, b) for a, b in pairs if a != b), ("", ""))
        lines = {"before": first.strip() or "nothing", "now": second.strip() or "nothing"} if before and now else {}
        raise error("checkpoint-graph", status=1, file=checkpoint.path, **lines)
    if rows != data:
        raise error("checkpoint-data", status=1, file=checkpoint.path, before=rows["rows"], now=data["rows"])


def all_params(session: Session, wanted: Task) -> dict[str, Any]:
    """The parameters as they are at the start, also those that stay."""
    import numpy as np

    names = [i.name for i in session.program.inputs if i.kind == "param"]
    every = start(replace(wanted, trained=tuple(names)))
    types = {i.name: i.type for i in session.program.inputs}
    found = {}
    for name, x in every.params.items():
        found[name] = (
            x if types[name].is_float else np.asarray(x, dtype="bool" if types[name].dtype == "bool" else "int64")
        )
    return found
