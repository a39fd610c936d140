"""Loss, gradients and update as one graph, so that one plan and one picture hold a whole step of training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cgcli.graph.graph import Graph
from cgcli.graph.traversal import prune
from cgcli.graph.types import Type
from cgcli.ops.builder import Builder
from cgcli.ops.typing import one, single
from cgcli.transform.gradient import differentiate

from .optimizers import OPTIMIZERS, Update, update_module


@dataclass(frozen=True)
class Memory:
    """The state of an optimizer for a parameter: of the same type, 0 at the start."""

    name: str
    param: str
    type: Type

    @property
    def key(self) -> str:
        return f"{self.name}/{self.param}"


def memories(update: Update, params: Sequence[tuple[str, Type]]) -> tuple[Memory, ...]:
    """The memories of an update, parameter by parameter."""
    return tuple(Memory(m, name, t) for name, t in params for m in OPTIMIZERS[update.rule].memories)


def update_graph(update: Update, params: Sequence[tuple[str, Type]], norms: bool = False) -> Graph:
    """The update by itself. Inputs: the parameters, their gradients, the memories, then `step` and `rate`.

    Outputs: the norm of all gradients, the rate of this step, the new parameters, the new memories; with `norms` also
    the norm of each gradient, of a number the gradient itself.
    """
    b = Builder()
    nodes = [b.input(t, name) for name, t in params]
    gradients = [b.input(t, f"d/d{name}") for name, t in params]
    return b.done(*_append_update(b, update, params, nodes, gradients, norms))


def step_graph(graph: Graph, update: Update, params: Sequence[str], norms: bool = False) -> Graph:
    """A step of training for a graph whose only output is the loss, a number; params: inputs that change.

    Inputs: those of the graph, the memories, then `step` (from 1) and `rate`.
    Outputs: the loss, then those of `update_graph`.
    """
    b = Builder()
    inputs = [b.input(single(graph.type_of(i)), graph.names.get(i)) for i in graph.inputs]
    index = b.inline(graph, inputs)
    by_name = {graph.names[i]: index[i] for i in graph.inputs if i in graph.names}
    [loss] = [index[i] for i in graph.outputs]
    param_nodes = [by_name[name] for name in params]
    gradients = differentiate(b, loss, param_nodes)
    typed = [(name, one(b.type_of(i))) for name, i in zip(params, param_nodes, strict=True)]
    return prune(b.done(loss, *_append_update(b, update, typed, param_nodes, gradients, norms)))


def _append_update(
    b: Builder,
    update: Update,
    params: Sequence[tuple[str, Type]],
    param_nodes: Sequence[int],
    gradients: Sequence[int],
    norms: bool,
) -> list[int]:
    """Appends the update; returns the outputs of `update_graph`."""
    module = update_module(update, params, norms)
    graph = module.graph
    memory_nodes = [b.input(m.type, f"{m.name}[{m.param}]") for m in memories(update, params)]
    memory_names = OPTIMIZERS[update.rule].memories
    inputs: dict[str, int] = {}
    for k, (p, g) in enumerate(zip(param_nodes, gradients, strict=True)):
        inputs[f"p{k}"], inputs[f"g{k}"] = p, g
        inputs |= {f"{m}{k}": memory_nodes[k * len(memory_names) + n] for n, m in enumerate(memory_names)}
    for name in ("step", "rate"):
        type_ = one(graph.type_of(module.values[name]))
        inputs[name] = b.input(type_, "learning rate" if name == "rate" else "step of training")
    index = b.inline(graph, [inputs[i.name] for i in module.inputs])
    for k, (name, _) in enumerate(params):  # the names of the update's text would say nothing in a picture
        b.names[index[module.values[f"p{k}_new"]]] = f"{name} next"
        for m in memory_names:
            b.names[index[module.values[f"{m}{k}_new"]]] = f"{m}[{name}] next"

    def new(key: str, t: Type) -> int:
        x = index[module.values[f"{key}_new"]]
        return x if one(b.type_of(x)) == t else b.cast(x, dtype=t.dtype)

    types = [t for _, t in params]
    return [
        *(index[module.values[name]] for name in ("norm", "speed")),
        *(new(f"p{k}", t) for k, t in enumerate(types)),
        *(new(f"{m}{k}", t) for k, t in enumerate(types) for m in memory_names),
        *(index[module.values[f"norm{k}"]] if t.shape else gradients[k] for k, t in enumerate(types) if norms),
    ]
