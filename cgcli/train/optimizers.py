"""Optimisers: the update of all parameters as one program in the language, made of the functions of `optim`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from cgcli.diagnostics.source import Source
from cgcli.graph.signature import Module
from cgcli.graph.types import Type

Schedule = Literal["constant", "linear", "cosine", "exponential"]


@dataclass(frozen=True)
class Optimizer:
    """A function of `optim`. memories: the names of what it stores for each parameter.

    rate: the default learning rate. counts: whether it takes the step. decays: whether it takes the weight decay; for
    others it is added to the gradient.
    """

    memories: tuple[str, ...]
    rate: float
    counts: bool = False
    decays: bool = False


OPTIMIZERS: Mapping[str, Optimizer] = {
    "sgd": Optimizer((), 0.01),
    "momentum": Optimizer(("v",), 0.01),
    "adam": Optimizer(("m", "v"), 0.001, counts=True),
    "adamw": Optimizer(("m", "v"), 0.001, counts=True, decays=True),
    "rmsprop": Optimizer(("v",), 0.001),
    "adagrad": Optimizer(("s",), 0.01),
    "lion": Optimizer(("m",), 0.0001, decays=True),
}
SCHEDULES: tuple[Schedule, ...] = ("constant", "linear", "cosine", "exponential")
ADAMW_DECAY = 0.01  # the default weight decay


@dataclass(frozen=True)
class Update:
    """How parameters change in a step.

    rate: what the schedule multiplies. steps: how many the schedule is laid out for. warmup: steps in which the rate
    rises from 0. clip: the largest norm of all gradients together, None for any. decay: weight decay by parameter.
    """

    rule: str
    rate: float
    schedule: Schedule = "constant"
    steps: int = 1
    warmup: int = 0
    clip: float | None = None
    decay: Mapping[str, float] | None = None


def update_source(update: Update, params: Sequence[tuple[str, Type]], norms: bool = False) -> str:
    """The program of an update, for parameters with these names and types.

    Its inputs: `step` and `rate`, then of the k-th parameter `p{k}`, its gradient `g{k}` and its memories, as `m{k}`.
    Its outputs: `norm` (of all gradients together), `speed` (the rate of this step), then `p{k}_new`, `m{k}_new`, …,
    with `norms` at the end for each parameter that is a tensor `norm{k}`, of its gradient alone.
    """
    optimizer = OPTIMIZERS[update.rule]
    single = all(t.dtype == "f32" for _, t in params)
    number = "f32" if single else "float"
    lines = ["import optim", "", f"input step: {number}", f"input rate: {number}"]
    squares: list[str] = []
    body: list[str] = []
    outputs = ["norm", "speed"]
    for k, (name, t) in enumerate(params):
        lines += [f"input {prefix}{k}: {t}" for prefix in ("p", "g", *optimizer.memories)]
        squares.append(f"sum(g{k}^2)" if t.shape else f"g{k}^2")
        decay = (update.decay or {}).get(name, ADAMW_DECAY if update.rule == "adamw" and update.decay is None else 0.0)
        gradient = f"g{k}" if update.clip is None else f"g{k} * factor"
        if decay and not optimizer.decays:
            gradient += f" + {decay!r} * p{k}"
        memories = [f"{prefix}{k}" for prefix in optimizer.memories]
        arguments = [f"p{k}", gradient, *memories, *(["step"] if optimizer.counts else []), "rate=speed"]
        if optimizer.decays:
            arguments.append(f"decay={decay!r}")
        results = [f"{prefix}_new" for prefix in (f"p{k}", *memories)]
        body.append(f"{', '.join(results)} = optim.{update.rule}({', '.join(arguments)})")
        outputs += results
    if norms:
        tensors = [k for k, (_, t) in enumerate(params) if t.shape]
        body += [f"norm{k} = sqrt({squares[k]})" for k in tensors]
        outputs += [f"norm{k}" for k in tensors]
    lines += ["", f"norm = sqrt({' + '.join(squares)})"]
    if update.clip is not None:
        lines.append(f"factor = optim.clip(norm, {update.clip!r})")
    rate_factors = ["rate"]
    if update.schedule != "constant":
        # the steps of the warm-up are none of the schedule's
        steps_done = f"max(0, step - {update.warmup + 1})" if update.warmup else "step - 1"
        rate_factors.append(f"optim.{update.schedule}({steps_done}, {max(1, update.steps - update.warmup)})")
    if update.warmup:
        rate_factors.append(f"optim.warmup(step, {update.warmup})")
    lines.append(f"speed = {' * '.join(rate_factors)}")
    return "\n".join([*lines, *body, "", f"output {', '.join(outputs)}", ""])


def update_module(update: Update, params: Sequence[tuple[str, Type]], norms: bool = False) -> Module:
    """The update as a graph; see `update_source`."""
    from cgcli.language.lower import lower  # with the parser: the names of optimisers do without

    return lower(Source("<update>", update_source(update, params, norms)))
