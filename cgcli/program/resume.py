"""A training and its checkpoints: the identity of program and data in one, and the check that both are the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from cgcli.data.checkpoints import Checkpoint
from cgcli.diagnostics.diagnostic import error
from cgcli.graph.traversal import prune
from cgcli.train.state import State, restored, weights

from .computation import Computation, Values
from .training import Task, start

LARGEST_TEXT = 100_000  # characters of a graph that a checkpoint stores, to show what differs


def resumed_values(program: Computation, values: Values, checkpoint: Checkpoint) -> dict[str, Any]:
    """The values of a resumed run: parameters are the checkpoint's.

    Raises CgError for a parameter among the values, and (status 1) when the program's parameters are not the
    checkpoint's.
    """
    params = {i.name: i for i in program.inputs if i.kind == "param"}
    in_values = [name for name in values if name in params]
    if in_values:
        raise error("resume-param", name=in_values[0])
    stored = weights(checkpoint.tensors)
    old_types: Any = checkpoint.info.get("params", {})
    types = _param_types(program)
    if old_types != types:
        differing = [n for n in [*types, *old_types] if types.get(n) != old_types.get(n)]
        name = differing[0] if differing else ""
        before = f"{name} was {old_types[name]}" if name in old_types else f"there was no {name}"
        now = f"is {types[name]} now" if name in types else "is none now"
        raise error("checkpoint-params", status=1, file=checkpoint.path, difference=f"{before} and {now}")
    return {**values, **{name: program.fit_value(name, stored[name]) for name in params}}


def resumed_state(task: Task, identity: Mapping[str, Any], checkpoint: Checkpoint) -> State:
    """The state in a checkpoint. identity: that of the task, from `identity`.

    Raises CgError (status 1) when the program or the data differ from the checkpoint's.
    """
    _check_same(checkpoint, identity["graph"], identity["data"])
    try:
        return restored(checkpoint.tensors, checkpoint.info["state"], task.trained)
    except (TypeError, KeyError):
        raise error("checkpoint-foreign", status=1, file=checkpoint.path) from None


def identity(task: Task) -> dict[str, Any]:
    """The identity of program, parameters and data in a checkpoint."""
    return {**program_identity(task), "params": _param_types(task.program), "data": _data_identity(task)}


def program_identity(task: Task) -> dict[str, Any]:
    """The identity of the program in a checkpoint: its name, the hash of the loss's graph, and a short graph itself."""
    program = task.program
    if program.mode == "dynamic":
        text = program.module.source.text
    else:
        text = str(prune(replace(program.graph, outputs=(program.module.values[task.loss],))))
    short = text if len(text) <= LARGEST_TEXT else None
    graph = {"sha256": hashlib.sha256(text.encode()).hexdigest(), "text": short}
    return {"program": PurePath(program.module.source.name).name, "graph": graph}


def all_params(task: Task) -> dict[str, Any]:
    """The initial values of all parameters, frozen ones too."""
    import numpy as np

    names = [i.name for i in task.program.inputs if i.kind == "param"]
    state = start(replace(task, trained=tuple(names)))
    types = {i.name: i.type for i in task.program.inputs}
    params = {}
    for name, x in state.params.items():
        params[name] = (
            x if types[name].is_float else np.asarray(x, dtype="bool" if types[name].dtype == "bool" else "int64")
        )
    return params


def _param_types(program: Computation) -> dict[str, str]:
    return {i.name: f"{i.type}" for i in program.inputs if i.kind == "param"}


def _data_identity(task: Task) -> dict[str, Any]:
    """The identity of the data in a checkpoint: the hash of the rows and of the inputs that all rows share."""
    import numpy as np

    digest = hashlib.sha256()
    params = {i.name for i in task.program.inputs if i.kind == "param"}
    constants = {n: x for n, x in task.constants.items() if n not in params}
    parts = [constants, task.examples.columns, task.validation.columns if task.validation else {}]
    for part in parts:
        for name, x in sorted(part.items()):
            digest.update(f"\0{name}\0".encode())
            if isinstance(x, (list, dict, str)) or x is None:
                digest.update(json.dumps(x, sort_keys=True).encode())
            else:
                array = np.ascontiguousarray(x)
                digest.update(f"{array.dtype.str}{np.shape(x)}".encode())
                digest.update(array.data)
    return {"rows": task.examples.rows, "sha256": digest.hexdigest()}


def _check_same(checkpoint: Checkpoint, graph: Mapping[str, Any], data: Mapping[str, Any]) -> None:
    """Raises CgError (status 1) when the program or the data differ from the checkpoint's."""
    info: Any = checkpoint.info
    old_graph, old_data = info["graph"], info["data"]
    if old_graph["sha256"] != graph["sha256"]:
        before, now = (str(x.get("text") or "").splitlines() for x in (old_graph, graph))
        pairs = zip([*before, *[""] * len(now)], [*now, *[""] * len(before)], strict=True)
        first, second = next(((a, b) for a, b in pairs if a != b), ("", ""))
        lines = {"before": first.strip() or "nothing", "now": second.strip() or "nothing"} if before and now else {}
        raise error("checkpoint-graph", status=1, file=checkpoint.path, **lines)
    if old_data != data:
        raise error("checkpoint-data", status=1, file=checkpoint.path, before=old_data["rows"], now=data["rows"])
