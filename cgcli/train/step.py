"""Loss, gradients and update as one graph, so that one plan and one picture hold a whole step of training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cgcli.graph.graph import Graph
from cgcli.graph.signature import Module
from cgcli.graph.traversal import prune
from cgcli.graph.types import Type
from cgcli.ops.builder import Builder
from cgcli.ops.typing import one, single
from cgcli.transform.gradient import differentiate

from .optimizers import RULES, Update, lowered


@dataclass(frozen=True)
class Memory:
    """What an update remembers of a parameter: of the same type, 0 at the start."""

    name: str
    param: str
    type: Type

    @property
    def key(self) -> str:
        return f"{self.name}/{self.param}"


def memories(update: Update, params: Sequence[tuple[str, Type]]) -> tuple[Memory, ...]:
    """What an update remembers, parameter by parameter."""
    return tuple(Memory(m, name, t) for name, t in params for m in RULES[update.rule].memories)


def update_graph(update: Update, params: Sequence[tuple[str, Type]]) -> Graph:
    """The update by itself. Inputs: the parameters, their gradients, the memories, then `step` and `rate`.

    Outputs: the norm of all gradients, the rate of this step, the new parameters, the new memories.
    """
    b = Builder()
    given = [b.input(t, name) for name, t in params]
    gradients = [b.input(t, f"d/d{name}") for name, t in params]
    return b.done(*_updated(b, lowered(update, params), update, params, given, gradients))


def step_graph(graph: Graph, update: Update, params: Sequence[str]) -> Graph:
    """A step of training for a graph whose only output is the loss, a number; params: inputs that change.

    Inputs: those of the graph, the memories, then `step` (from 1) and `rate`.
    Outputs: the loss, then those of `update_graph`.
    """
    b = Builder()
    inputs = [b.input(single(graph.type_of(i)), graph.names.get(i)) for i in graph.inputs]
    where = b.inline(graph, inputs)
    by_name = {graph.names[i]: where[i] for i in graph.inputs if i in graph.names}
    [loss] = [where[i] for i in graph.outputs]
    given = [by_name[name] for name in params]
    gradients = differentiate(b, loss, given)
    typed = [(name, one(b.type_of(i))) for name, i in zip(params, given, strict=True)]
    return prune(b.done(loss, *_updated(b, lowered(update, typed), update, typed, given, gradients)))


def _updated(
    b: Builder,
    module: Module,
    update: Update,
    params: Sequence[tuple[str, Type]],
    given: Sequence[int],
    gradients: Sequence[int],
) -> list[int]:
    """Appends the update; the outputs of `update_graph`."""
    graph = module.graph
    kept = [b.input(m.type, f"{m.name}[{m.param}]") for m in memories(update, params)]
    letters = RULES[update.rule].memories
    found: dict[str, int] = {}
    for k, (p, g) in enumerate(zip(given, gradients, strict=True)):
        found[f"p{k}"], found[f"g{k}"] = p, g
        found |= {f"{m}{k}": kept[k * len(letters) + n] for n, m in enumerate(letters)}
    for name in ("step", "rate"):
        wanted = one(graph.type_of(module.values[name]))
        found[name] = b.input(wanted, "learning rate" if name == "rate" else "step of training")
    where = b.inline(graph, [found[i.name] for i in module.inputs])
    for k, (name, _) in enumerate(params):  # the names of the update's text would say nothing in a picture
        b.names[where[module.values[f"p{k}_new"]]] = f"{name} next"
        for m in letters:
            b.names[where[module.values[f"{m}{k}_new"]]] = f"{m}[{name}] next"

    def new(key: str, t: Type) -> int:
        x = where[module.values[f"{key}_new"]]
        return x if one(b.type_of(x)) == t else b.cast(x, dtype=t.dtype)

    types = [t for _, t in params]
    return [
        *(where[module.values[name]] for name in ("norm", "speed")),
        *(new(f"p{k}", t) for k, t in enumerate(types)),
        *(new(f"{m}{k}", t) for k, t in enumerate(types) for m in letters),
    ]
