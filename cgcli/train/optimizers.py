"""Optimisers: the update of all parameters as one program in the language, made of the functions of `optim`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from cgcli.diagnostics.source import Source
from cgcli.graph.signature import Module
from cgcli.graph.types import Type
from cgcli.language.lower import lower

Schedule = Literal["constant", "linear", "cosine", "exponential"]


@dataclass(frozen=True)
class Rule:
    """A function of `optim`: what it remembers of each parameter, and what it takes besides.

    rate: the learning rate where none is given. counts: whether it takes the step. decays: whether weight decay is its
    own matter; for other rules it is added to the gradient.
    """

    memories: tuple[str, ...]
    rate: float
    counts: bool = False
    decays: bool = False


RULES: Mapping[str, Rule] = {
    "sgd": Rule((), 0.01),
    "momentum": Rule(("v",), 0.01),
    "adam": Rule(("m", "v"), 0.001, counts=True),
    "adamw": Rule(("m", "v"), 0.001, counts=True, decays=True),
    "rmsprop": Rule(("v",), 0.001),
    "adagrad": Rule(("s",), 0.01),
    "lion": Rule(("m",), 0.0001, decays=True),
}
SCHEDULES: tuple[Schedule, ...] = ("constant", "linear", "cosine", "exponential")
ADAMW_DECAY = 0.01  # where no weight decay is given


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


def written(update: Update, params: Sequence[tuple[str, Type]]) -> str:
    """The program of an update, for parameters with these names and types.

    Its inputs: `step` and `rate`, then of the k-th parameter `p{k}`, its gradient `g{k}` and its memories, as `m{k}`.
    Its outputs: `norm` (of all gradients together), `speed` (the rate of this step), then `p{k}_new`, `m{k}_new`, ….
    """
    rule = RULES[update.rule]
    single = all(t.dtype == "f32" for _, t in params)
    number = "f32" if single else "float"
    lines = ["import optim", "", f"input step: {number}", f"input rate: {number}"]
    squares: list[str] = []
    body: list[str] = []
    outputs = ["norm", "speed"]
    for k, (name, t) in enumerate(params):
        lines += [f"input {each}{k}: {t}" for each in ("p", "g", *rule.memories)]
        squares.append(f"sum(g{k}^2)" if t.shape else f"g{k}^2")
        decay = (update.decay or {}).get(name, ADAMW_DECAY if update.rule == "adamw" and update.decay is None else 0.0)
        gradient = f"g{k}" if update.clip is None else f"g{k} * factor"
        if decay and not rule.decays:
            gradient += f" + {decay!r} * p{k}"
        memories = [f"{each}{k}" for each in rule.memories]
        arguments = [f"p{k}", gradient, *memories, *(["step"] if rule.counts else []), "rate=speed"]
        if rule.decays:
            arguments.append(f"decay={decay!r}")
        results = [f"{each}_new" for each in (f"p{k}", *memories)]
        body.append(f"{', '.join(results)} = optim.{update.rule}({', '.join(arguments)})")
        outputs += results
    lines += ["", f"norm = sqrt({' + '.join(squares)})"]
    if update.clip is not None:
        lines.append(f"factor = optim.clip(norm, {update.clip!r})")
    speed = ["rate"]
    if update.schedule != "constant":
        # the steps of the warm-up are none of the schedule's
        begun = f"max(0, step - {update.warmup + 1})" if update.warmup else "step - 1"
        speed.append(f"optim.{update.schedule}({begun}, {max(1, update.steps - update.warmup)})")
    if update.warmup:
        speed.append(f"optim.warmup(step, {update.warmup})")
    lines.append(f"speed = {' * '.join(speed)}")
    return "\n".join([*lines, *body, "", f"output {', '.join(outputs)}", ""])


def lowered(update: Update, params: Sequence[tuple[str, Type]]) -> Module:
    """The update as a graph; see `written`."""
    return lower(Source("<update>", written(update, params))).module
